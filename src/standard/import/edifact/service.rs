//! EDIFACT from neutral tables: the service segments of ISO 9735 by syntax version, its service messages, and a release
//! that is at hand as tables only (D.24A).

use super::parts::{name_places, representation};
use super::{ENVELOPE, Reading, release};
use crate::standard::definition::{
    Area, Derived, Document, ElementDefinition, LoopBody, Node, Place, Usage, name_loops,
};
use crate::standard::import::source::rows;
use crate::standard::import::{Counts, Imported, Parts, entries, keep_used, undefined};
use anyhow::{Context as _, anyhow};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Makes the service messages of a syntax version, in a directory of its own: `d3` for syntax 3 (UNH names
/// `CONTRL:D:3`), `41` for syntax 4.
///
/// # Errors
/// A table that is missing or malformed.
pub fn import_service(service: &Path, syntax: u8) -> anyhow::Result<Imported> {
    let version = if syntax == 4 { "41" } else { "d3" };
    let mut directory = Parts { standard: "edifact".into(), version: version.into(), ..Parts::default() };
    tables(service, syntax, &mut directory)?;
    let messages = messages(service)?;
    let of_syntax = messages.iter().filter(|(_, message)| {
        let versions = message["syntax"].as_array().into_iter().flatten();
        versions.into_iter().any(|version| version.as_str() == Some(&syntax.to_string()))
    });
    let documents: Vec<Document> =
        of_syntax.map(|(kind, message)| document(version, kind, message)).collect::<anyhow::Result<_>>()?;
    name_places(&mut directory);
    let anomalies = keep_used(&documents, &ENVELOPE, &mut directory);
    Ok(Imported { documents, directory, anomalies, counts: Counts::default() })
}

/// The service segments of a syntax version alone, as a version `syntax1` to `syntax4` without document types: a document
/// in an interchange of that syntax is held against them.
///
/// # Errors
/// A table that is missing or malformed.
pub fn import_syntax(service: &Path, syntax: u8) -> anyhow::Result<Imported> {
    let mut directory = tables_of(service, syntax)?;
    directory.standard = "edifact".into();
    directory.version = format!("syntax{syntax}");
    // UNA has no elements: the reader takes the separators from it.
    directory.segments.remove("UNA");
    name_places(&mut directory);
    let anomalies = undefined(&directory);
    Ok(Imported { documents: Vec::new(), counts: Counts::of(&directory), directory, anomalies })
}

/// Reads a release from a folder of neutral tables named after it, with the service segments of `syntax` from the folder
/// `service` beside it. The tables do not say where sections begin: that is taken from `like`, the ZIP of a release.
///
/// # Errors
/// A table that is missing or malformed; a message it lacks.
pub fn import_tables(folder: &Path, syntax: u8, kinds: &[String], like: Option<&Path>) -> anyhow::Result<Imported> {
    let version = folder.file_name().and_then(|name| name.to_str()).context("the folder is named after the version")?;
    let mut reading = Reading::of(version.to_ascii_lowercase());
    let directory = &mut reading.directory;
    for [id, name, repr, _] in rows(folder, "elements.tsv", 1)? {
        element(directory, &id, &name, &repr);
    }
    for [tag, name, _, id, usage, _, repeat] in rows(folder, "segments.tsv", 1)? {
        let segment = directory.segments.entry(tag).or_default();
        segment.name = name;
        segment.elements.push(place(&id, "", &usage, &repeat));
    }
    for [id, name, _, component, usage, _] in rows(folder, "composites.tsv", 1)? {
        let composite = directory.composites.entry(id).or_default();
        composite.name = name;
        composite.components.push(place(&component, "", &usage, "1"));
    }
    for [id, code, name] in rows(folder, "codes.tsv", 1)? {
        directory.codes.entry(id).or_default().insert(code, name);
    }
    reading.count_parts();
    for (kind, message) in messages(folder)? {
        let read = document(&reading.directory.version, &kind, &message)?;
        reading.counts.types += 1;
        reading.counts.entries += entries(&read.nodes);
        reading.documents.push(read);
    }
    if let Some(like) = like {
        let mut other = Reading::of(String::new());
        let files = release::files(like)?;
        other.messages(&files)?;
        super::open_lists(&files, &mut reading.directory);
        for document in &mut reading.documents {
            if let Some(same) = other.documents.iter().find(|one| one.kind == document.kind) {
                document.name.clone_from(&same.name);
                areas_like(&mut document.nodes, &same.nodes);
                name_loops(&mut document.nodes, "");
            }
        }
    }
    let beside = folder.parent().unwrap_or(Path::new(".")).join("service");
    tables(&beside, syntax, &mut reading.directory)?;
    reading.finish(kinds).with_context(|| folder.display().to_string())
}

/// Each node gets the area of the next one of its tag in the other list; what that one lacks stays where the one before is.
fn areas_like(nodes: &mut [Node], other: &[Node]) {
    let (mut at, mut area) = (0, Area::Heading);
    for node in nodes {
        if let Some(found) = other[at..].iter().position(|one| one.tag == node.tag) {
            (at, area) = (at + found + 1, other[at + found].area);
        }
        super::message::set_area(node, area);
    }
}

fn messages(folder: &Path) -> anyhow::Result<serde_json::Map<String, Value>> {
    let path = folder.join("messages.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let whole: Value = serde_json::from_str(&text).context("messages.json")?;
    Ok(whole["messages"].as_object().context("messages.json: no object `messages`")?.clone())
}

/// Names of the service messages, which their tables lack.
const SERVICE_NAMES: [(&str, &str); 3] = [
    ("AUTACK", "Secure authentication and acknowledgement message"),
    ("CONTRL", "Syntax and service report message"),
    ("KEYMAN", "Security key and certificate management message"),
];

fn document(version: &str, kind: &str, message: &Value) -> anyhow::Result<Document> {
    let mut nodes = nodes(&message["body"]).with_context(|| format!("messages.json: {kind}"))?;
    name_loops(&mut nodes, "");
    let name = SERVICE_NAMES.iter().find(|(one, _)| *one == kind).map_or(kind, |(_, name)| name);
    Ok(Document {
        standard: "edifact".into(),
        version: version.into(),
        kind: kind.into(),
        name: name.to_owned(),
        groups: Vec::new(),
        nodes,
        markup: None,
        order: Derived::default(),
    })
}

fn nodes(body: &Value) -> anyhow::Result<Vec<Node>> {
    let list = body.as_array().context("expected an array of entries")?;
    let one = |entry: &Value| {
        let usage = usage(entry["use"].as_str().unwrap_or_default());
        let max = entry["max"].as_u64().and_then(|max| u32::try_from(max).ok());
        let plain = |tag: &str, body| {
            let (tag, area, position) = (tag.to_owned(), Area::Heading, String::new());
            Node { tag, usage, max, area, position, body }
        };
        match (entry["seg"].as_str(), entry["group"].as_str()) {
            (Some(tag), _) => Ok(plain(tag, None)),
            (None, Some(label)) => {
                let trigger = entry["body"][0]["seg"].as_str().context("a group begins with its trigger")?;
                let nodes = nodes(&entry["body"])?;
                Ok(plain(trigger, Some(LoopBody { path: String::new(), label: label.to_owned(), nodes: nodes.into() })))
            }
            _ => Err(anyhow!("expected a segment or a group, found {entry}")),
        }
    };
    list.iter().map(one).collect()
}

/// The syntax version that has all service segments, those that earlier ones lack as well.
pub const NEWEST_SYNTAX: u8 = 4;

/// The service segments of one syntax version, and those that only the newest has: messages of later directories use
/// them in interchanges of any syntax (UGH, UGT). A release's own segments, composites and elements go before them.
pub fn tables(folder: &Path, syntax: u8, directory: &mut Parts) -> anyhow::Result<()> {
    for syntax in [syntax, NEWEST_SYNTAX] {
        let of_syntax = tables_of(folder, syntax)?;
        for (id, element) in of_syntax.elements {
            directory.elements.entry(id).or_insert(element);
        }
        for (id, composite) in of_syntax.composites {
            directory.composites.entry(id).or_insert(composite);
        }
        for (tag, segment) in of_syntax.segments {
            directory.segments.entry(tag).or_insert(segment);
        }
        for (id, codes) in of_syntax.codes {
            directory.codes.entry(id).or_insert(codes);
        }
    }
    Ok(())
}

/// Releases (0054) and message types (0065): there are always more than the tables of a syntax version know. Which are at
/// hand the definitions say.
const OPEN_LISTS: [&str; 2] = ["0054", "0065"];

fn tables_of(folder: &Path, syntax: u8) -> anyhow::Result<Parts> {
    let wanted = syntax.to_string();
    let mut read = Parts::default();
    if wanted == "1" {
        // Version and release are numbers there; but releases by letter travel under it as well (`UNOA:1`, `D:96A`).
        ["0052", "0054"].into_iter().for_each(|id| element(&mut read, id, "", "an..3"));
    }
    for [of, tag, segment_name, _, id, name, letter, repr, repeat] in rows(folder, "segments.tsv", 1)? {
        if of == wanted {
            element(&mut read, &id, &name, &repr);
            let segment = read.segments.entry(tag).or_default();
            segment.name = segment_name;
            segment.elements.push(place(&id, &name, &letter, &repeat));
        }
    }
    for [of, id, composite_name, _, component, letter, repr] in rows(folder, "composites.tsv", 1)? {
        if of == wanted {
            element(&mut read, &component, "", &repr);
            let composite = read.composites.entry(id).or_default();
            composite.name = composite_name;
            composite.components.push(place(&component, "", &letter, "1"));
        }
    }
    for [of, id, code, name] in rows(folder, "codes.tsv", 1)? {
        if of == wanted && !OPEN_LISTS.contains(&&*id) {
            read.codes.entry(id).or_default().insert(code, name);
        }
    }
    Ok(read)
}

fn element(directory: &mut Parts, id: &str, name: &str, repr: &str) {
    if let Some((kind, min, max)) = representation(repr).filter(|_| !id.is_empty()) {
        let known = directory.elements.entry(id.to_owned());
        known.or_insert(ElementDefinition { name: name.to_owned(), kind, min, max, codes: String::new() });
    }
}

fn place(id: &str, name: &str, usage: &str, repeat: &str) -> Place {
    let max = repeat.parse().unwrap_or(1);
    Place { id: id.to_owned(), name: name.to_owned(), usage: self::usage(usage), max }
}

fn usage(letter: &str) -> Usage {
    if letter == "M" { Usage::Required } else { Usage::Optional }
}
