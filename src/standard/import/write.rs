//! Writes definitions in the project's notation: YAML a person can read and a line-by-line comparison can show.
//!
//! A segment place is `TAG USAGE MAX`, a loop `TAG loop USAGE MAX` with its content below; an element place is
//! `NUMBER USAGE Name`, `xN` before the name when it repeats; an element is `TYPE MIN/MAX Name`.

use super::Parts;
use crate::standard::definition::{
    CompositeDefinition, Condition, Document, ElementDefinition, ElementType, Node, Place, Usage,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The files of an import: path below `standards/<standard>/<version>/` and content.
#[must_use]
pub fn write(documents: &[Document], directory: &Parts) -> Vec<(String, String)> {
    let mut files: Vec<_> = documents.iter().map(|one| (format!("{}.yaml", one.kind), document(one))).collect();
    files.push(("segments.yaml".into(), segments(directory)));
    if !directory.other_segments.is_empty() {
        files.push(("other_segments.yaml".into(), names(&directory.other_segments)));
    }
    files.push(("composites.yaml".into(), composites(&directory.composites)));
    files.push(("elements.yaml".into(), elements(&directory.elements)));
    files.push(("codes.yaml".into(), codes(&directory.codes)));
    files
}

fn document(document: &Document) -> String {
    let mut out = String::new();
    let groups = document.groups.join(", ");
    line(&mut out, 0, &format!("standard: {}", document.standard));
    line(&mut out, 0, &format!("version: {}", quoted(&document.version)));
    line(&mut out, 0, &format!("type: {}", quoted(&document.kind)));
    line(&mut out, 0, &format!("name: {}", quoted(&document.name)));
    line(&mut out, 0, &format!("groups: [{groups}]"));
    for area in super::super::definition::Area::ALL {
        let nodes: Vec<_> = document.nodes.iter().filter(|node| node.area == area).collect();
        if !nodes.is_empty() {
            line(&mut out, 0, &format!("{}:", area.name()));
            nodes.into_iter().for_each(|one| node(&mut out, 1, one));
        }
    }
    out
}

fn node(out: &mut String, depth: usize, node: &Node) {
    let max = node.max.map_or_else(|| ">1".to_owned(), |max| max.to_string());
    let position = if node.position.is_empty() { String::new() } else { format!("{} ", node.position) };
    let (tag, usage) = (&node.tag, node.usage.letter());
    match &node.body {
        None => line(out, depth, &format!("- {position}{tag} {usage} {max}")),
        Some(body) => {
            let label = if body.label.is_empty() { String::new() } else { format!(" {}", body.label) };
            line(out, depth, &format!("- {position}{tag} loop {usage} {max}{label}:"));
            body.nodes.iter().for_each(|inner| self::node(out, depth + 2, inner));
        }
    }
}

fn segments(directory: &Parts) -> String {
    let mut out = String::new();
    for (tag, segment) in &directory.segments {
        places(&mut out, tag, &segment.name, "elements", &segment.elements, &segment.conditions);
    }
    out
}

fn names(names: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    names.iter().for_each(|(tag, name)| line(&mut out, 0, &format!("{}: {}", quoted(tag), quoted(name))));
    out
}

fn composites(composites: &BTreeMap<String, CompositeDefinition>) -> String {
    let mut out = String::new();
    for (id, composite) in composites {
        places(&mut out, id, &composite.name, "components", &composite.components, &composite.conditions);
    }
    out
}

fn places(out: &mut String, id: &str, name: &str, key: &str, places: &[Place], conditions: &[Condition]) {
    line(out, 0, &format!("{}:", quoted(id)));
    line(out, 1, &format!("name: {}", quoted(name)));
    line(out, 1, &format!("{key}:"));
    for place in places {
        let repeat = if place.max > 1 { format!("x{} ", place.max) } else { String::new() };
        let text = format!("{} {} {repeat}{}", place.id, place.usage.letter(), place.name);
        line(out, 2, &format!("- {}", quoted(&text)));
    }
    if !conditions.is_empty() {
        let written = |condition: &Condition| {
            let text = condition.to_string();
            if text.contains(',') { format!("\"{text}\"") } else { text }
        };
        let all: Vec<_> = conditions.iter().map(written).collect();
        line(out, 1, &format!("conditions: [{}]", all.join(", ")));
    }
}

fn elements(elements: &BTreeMap<String, ElementDefinition>) -> String {
    let mut out = String::new();
    for (id, element) in elements {
        let ElementDefinition { kind, min, max, name, .. } = element;
        line(&mut out, 0, &format!("{}: {}", quoted(id), quoted(&format!("{} {min}/{max} {name}", type_name(*kind)))));
    }
    out
}

fn codes(codes: &BTreeMap<String, BTreeMap<String, String>>) -> String {
    let mut out = String::new();
    for (id, list) in codes {
        line(&mut out, 0, &format!("{}:", quoted(id)));
        for (code, name) in list {
            line(&mut out, 1, &format!("{}: {}", quoted(code), quoted(name)));
        }
    }
    out
}

/// The notation's name of an element type.
#[must_use]
pub fn type_name(kind: ElementType) -> String {
    match kind {
        ElementType::Text => "AN".into(),
        ElementType::Letters => "A".into(),
        ElementType::Number => "R".into(),
        ElementType::Implied(decimals) => format!("N{decimals}"),
        ElementType::Code => "ID".into(),
        ElementType::Date => "DT".into(),
        ElementType::Time => "TM".into(),
        ElementType::Binary => "B".into(),
    }
}

pub(super) fn line(out: &mut String, depth: usize, text: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(out, "{:1$}{text}", "", depth * 2);
}

/// A scalar that YAML reads back as this very text, whatever it looks like.
pub(super) fn quoted(text: &str) -> String {
    quoted_but_for(text, "")
}

/// The same, where these characters beside letters, digits and the usual signs need no quotes: a notation reads more easily
/// without.
pub(super) fn quoted_but_for(text: &str, plain: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " -/.(),".contains(c) || plain.contains(c);
    let needs_none = text.chars().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.chars().all(is_plain)
        && !text.contains(": ")
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "y" | "n"
        )
        && !text.ends_with([' ', ':']);
    if needs_none { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

impl Usage {
    /// The letter of the notation: R, O, C, U.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Usage::Required => 'R',
            Usage::Optional => 'O',
            Usage::Conditional => 'C',
            Usage::Unused => 'U',
        }
    }
}
