//! `portolan standards show`: a document type as a tree, a segment with its elements, an element with its codes, as the
//! definitions have them.

use crate::cli::{Exit, input};
use crate::standard::definition::{Area, Directory, Document, Node, Place};
use crate::standard::load::Library;
use serde_json::{Value, json};
use std::path::Path;

/// Shows what `path` names: `x12/004010/850`, `x12/004010/BEG`, `edifact/d96a/C507`, `x12/004010/373`.
pub fn show(overlay: Option<&Path>, path: &str, as_json: bool) -> anyhow::Result<Exit> {
    let library = Library::new(overlay);
    let mut parts = path.splitn(3, '/');
    let (Some(standard), Some(version), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        eprintln!("portolan: expected STANDARD/VERSION/NAME, such as x12/004010/850 or x12/004010/BEG, found {path}");
        return Ok(Exit::Usage);
    };
    let (standard, version) = (standard.to_ascii_lowercase(), version.to_ascii_lowercase());
    let is_it =
        |[one, other, kind]: &[String; 3]| *one == standard && *other == version && kind.eq_ignore_ascii_case(name);
    let kind = library.list().into_iter().find(is_it).map(|[_, _, kind]| kind);
    let name = kind.unwrap_or_else(|| name.to_uppercase());
    let found = match library.document(&standard, &version, &name) {
        Ok(document) => {
            let directory = library.directory(&standard, &version)?;
            Some((tree(&document, &directory), tree_json(&document.nodes)))
        }
        Err(_) => library.directory(&standard, &version).ok().and_then(|directory| part(&directory, &name)),
    };
    let Some((words, facts)) = found else {
        eprintln!(
            "portolan: {standard}/{version} has no document type, segment, composite or element {name}; \
             `portolan standards list` prints what is there"
        );
        return Ok(Exit::NotFound);
    };
    if as_json {
        input::print_json(&facts)?;
    } else {
        input::print(words.as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn most(max: Option<u32>) -> String {
    max.map_or_else(|| "any".to_owned(), |max| max.to_string())
}

fn tree(document: &Document, directory: &Directory) -> String {
    let groups =
        if document.groups.is_empty() { String::new() } else { format!(", groups {}", document.groups.join(" ")) };
    let mut text = format!("{} {} {}: {}{groups}\n", document.standard, document.version, document.kind, document.name);
    for area in Area::ALL {
        let nodes: Vec<&Node> = document.nodes.iter().filter(|node| node.area == area).collect();
        if !nodes.is_empty() {
            text.push_str(&format!("{}\n", area.name()));
            nodes.iter().for_each(|node| branch(node, directory, 1, &mut text));
        }
    }
    text
}

fn branch(node: &Node, directory: &Directory, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let what = match &node.body {
        Some(body) => format!("loop {} {}", body.path, body.label),
        None => node.tag.clone(),
    };
    let left = format!("{indent}{what}");
    let name = directory.segments.get(&node.tag).map_or("", |segment| segment.name.as_str());
    let (usage, most) = (node.usage.name(), most(node.max));
    text.push_str(&format!("{left:32} {usage:12} {most:>6}  {:5} {name}\n", node.position));
    let inner = node.body.iter().flat_map(|body| body.nodes.walked());
    inner.for_each(|node| branch(node, directory, depth + 1, text));
}

fn tree_json(nodes: &[Node]) -> Value {
    let one = |node: &Node| {
        let body = node.body.as_ref();
        json!({ "tag": node.tag, "usage": node.usage.name(), "max": node.max, "area": node.area.name(),
            "position": node.position, "loop": body.map(|body| &body.path), "label": body.map(|body| &body.label),
            "nodes": body.map(|body| tree_json(body.nodes.walked())) })
    };
    nodes.iter().map(one).collect()
}

fn part(directory: &Directory, name: &str) -> Option<(String, Value)> {
    if let Some(segment) = directory.segments.get(name) {
        let rules: Vec<String> = segment.conditions.iter().map(ToString::to_string).collect();
        return Some(places(directory, (name, &segment.name), &segment.elements, &rules));
    }
    if let Some(composite) = directory.composites.get(name) {
        let rules: Vec<String> = composite.conditions.iter().map(ToString::to_string).collect();
        return Some(places(directory, (name, &composite.name), &composite.components, &rules));
    }
    let element = directory.elements.get(name)?;
    let codes = directory.codes.get(&element.codes);
    let mut text = format!("{name} {}: {}\n", element.name, directory.form(name));
    for (code, meaning) in codes.into_iter().flatten() {
        text.push_str(&format!("  {code:6} {meaning}\n"));
    }
    let facts = json!({ "id": name, "name": element.name, "form": directory.form(name), "codes": codes });
    Some((text, facts))
}

fn places(directory: &Directory, (id, name): (&str, &str), places: &[Place], rules: &[String]) -> (String, Value) {
    let mut text = format!("{id} {name}\n");
    let mut facts = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let form = directory.form(&place.id);
        let times = if place.max > 1 { format!(" ×{}", place.max) } else { String::new() };
        let (number, usage) = (format!("{:02}", index + 1), place.usage.name());
        text.push_str(&format!("  {number}  {:5} {usage:12} {form:14} {}{times}\n", place.id, place.name));
        facts.push(json!({ "number": index + 1, "id": place.id, "name": place.name, "usage": usage, "max": place.max,
            "form": form }));
    }
    if !rules.is_empty() {
        text.push_str(&format!("  rules {}\n", rules.join(" ")));
    }
    (text, json!({ "id": id, "name": name, "places": facts, "rules": rules }))
}
