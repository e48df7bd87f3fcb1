//! Imports X12 from the neutral tables (`sets.json`, `segments.tsv` …, `envelope.json`) of one version.

use super::source::{rows, text};
use super::{Counts, Imported, Parts, keep_used};
use crate::standard::definition::{
    Area, CompositeDefinition, Condition, Derived, Document, ElementDefinition, ElementType, LoopBody, Node, Place,
    SegmentDefinition, Usage, name_loops,
};
use anyhow::{Context as _, anyhow};
use serde_json::Value;
use std::path::Path;

/// Reads the tables in `folder` (named after the version) and keeps the transaction sets of `kinds`, all when empty,
/// with the segments, composites, elements and codes they use, and the envelope's.
///
/// # Errors
/// A missing or malformed table, with its path; a set that the tables lack.
pub fn import(folder: &Path, kinds: &[String]) -> anyhow::Result<Imported> {
    let version = folder.file_name().and_then(|name| name.to_str()).context("the folder is named after the version")?;
    let sets: Value = serde_json::from_str(&text(folder, "sets.json")?).context("sets.json")?;
    let sets = sets["sets"].as_object().context("sets.json: no object `sets`")?;
    let mut documents = Vec::new();
    for (kind, set) in sets {
        documents.push(document(version, kind, set).with_context(|| format!("sets.json: {kind}"))?);
    }
    let (types, all) = (documents.len(), documents.iter().map(|one| segments_of(&one.nodes)).sum());
    documents.retain(|document| kinds.is_empty() || kinds.contains(&document.kind));
    if let Some(missing) = kinds.iter().find(|kind| !sets.contains_key(*kind) && *kind != "TA1") {
        return Err(anyhow!("{}: no transaction set {missing}", folder.join("sets.json").display()));
    }
    let mut directory = Parts { standard: "x12".into(), version: version.into(), ..Parts::default() };
    segments(folder, &mut directory)?;
    composites(folder, &mut directory)?;
    elements(folder, &mut directory)?;
    conditions(folder, &mut directory)?;
    codes(folder, &mut directory)?;
    let counts = Counts { types, entries: all, ..Counts::of(&directory) };
    amendments(version, &mut directory);
    envelope(folder, &mut directory)?;
    if kinds.is_empty() || kinds.iter().any(|kind| kind == "TA1") {
        documents.push(interchange_acknowledgment(version));
    }
    documents.sort_by(|a, b| a.kind.cmp(&b.kind));
    let anomalies = keep_used(&documents, &["ISA", "GS", "GE", "IEA", "TA1"], &mut directory);
    Ok(Imported { documents, directory, counts, anomalies })
}

/// The segments of an order, those of its loops included.
fn segments_of(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| node.body.as_ref().map_or(1, |body| segments_of(&body.nodes))).sum()
}

/// TA1 stands alone in the envelope, in no transaction set; as a document type it is one segment.
fn interchange_acknowledgment(version: &str) -> Document {
    let node = Node {
        tag: "TA1".into(),
        usage: Usage::Required,
        max: Some(1),
        area: Area::Heading,
        position: String::new(),
        body: None,
    };
    Document {
        standard: "x12".into(),
        version: version.into(),
        kind: "TA1".into(),
        name: "Interchange Acknowledgment".into(),
        groups: Vec::new(),
        nodes: vec![node],
        markup: None,
        order: Derived::default(),
    }
}

fn document(version: &str, kind: &str, set: &Value) -> anyhow::Result<Document> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut nodes = Vec::new();
    for area in Area::ALL {
        for node in set[area.name()].as_array().into_iter().flatten() {
            nodes.push(self::node(node, area)?);
        }
    }
    name_loops(&mut nodes, "");
    Ok(Document {
        standard: "x12".into(),
        version: version.into(),
        kind: kind.into(),
        name: text(&set["name"]).context("no name")?,
        groups: set["gs01"].as_array().into_iter().flatten().filter_map(text).collect(),
        nodes,
        markup: None,
        order: Derived::default(),
    })
}

fn node(node: &Value, area: Area) -> anyhow::Result<Node> {
    let tag = node["seg"].as_str().or(node["loop"].as_str()).context("a node is a seg or a loop")?;
    let body = match node.get("body") {
        None => None,
        Some(body) => {
            let nodes = body.as_array().context("body is a list")?;
            let nodes = nodes.iter().map(|inner| self::node(inner, area)).collect::<anyhow::Result<Vec<_>>>()?;
            Some(LoopBody { path: String::new(), label: String::new(), nodes: nodes.into() })
        }
    };
    Ok(Node {
        tag: tag.to_owned(),
        usage: usage(node["use"].as_str().unwrap_or_default())?,
        max: node["max"].as_u64().map(u32::try_from).transpose()?,
        area,
        position: node["pos"].as_str().unwrap_or_default().to_owned(),
        body,
    })
}

fn usage(letter: &str) -> anyhow::Result<Usage> {
    match letter {
        "M" => Ok(Usage::Required),
        "O" => Ok(Usage::Optional),
        "X" => Ok(Usage::Conditional),
        other => Err(anyhow!("expected usage M, O or X, found {other:?}")),
    }
}

fn segments(folder: &Path, directory: &mut Parts) -> anyhow::Result<()> {
    for [tag, name, _, element, element_name, usage, repeat, composite] in rows(folder, "segments.tsv", 1)? {
        let segment = directory.segments.entry(tag).or_default();
        segment.name = name;
        let id = if element.is_empty() { composite } else { element };
        let max = repeat.parse().unwrap_or(1);
        segment.elements.push(Place { id, name: element_name, usage: self::usage(&usage)?, max });
    }
    Ok(())
}

fn composites(folder: &Path, directory: &mut Parts) -> anyhow::Result<()> {
    for [id, name, _, element, element_name, usage] in rows(folder, "composites.tsv", 1)? {
        let composite: &mut CompositeDefinition = directory.composites.entry(id).or_default();
        composite.name = name;
        composite.components.push(Place { id: element, name: element_name, usage: self::usage(&usage)?, max: 1 });
    }
    Ok(())
}

fn elements(folder: &Path, directory: &mut Parts) -> anyhow::Result<()> {
    for [id, name, kind, min, max, codes] in rows(folder, "elements.tsv", 1)? {
        let codes = if codes.is_empty() { String::new() } else { id.clone() };
        let kind = element_type(&kind)?;
        directory.elements.insert(id, ElementDefinition { name, kind, min: length(&min)?, max: length(&max)?, codes });
    }
    Ok(())
}

/// Lengths past what a u32 holds (binary data without limit) become its largest.
fn length(text: &str) -> anyhow::Result<u32> {
    let length: u64 = text.parse().with_context(|| format!("expected a length, found {text:?}"))?;
    Ok(u32::try_from(length).unwrap_or(u32::MAX))
}

fn element_type(kind: &str) -> anyhow::Result<ElementType> {
    Ok(match kind.as_bytes() {
        b"AN" => ElementType::Text,
        b"ID" => ElementType::Code,
        b"R" => ElementType::Number,
        b"DT" => ElementType::Date,
        b"TM" => ElementType::Time,
        b"B" => ElementType::Binary,
        [b'N', digit @ b'0'..=b'9'] => ElementType::Implied(digit - b'0'),
        _ => return Err(anyhow!("expected an element type (AN, ID, R, N0 to N9, DT, TM, B), found {kind:?}")),
    })
}

/// Conditions between elements that the tables have and the standard has not: segment, letter, positions, why.
const CONDITIONS_NONE: &str = include_str!("../../../standards/x12/conditions_none.tsv");

fn conditions(folder: &Path, directory: &mut Parts) -> anyhow::Result<()> {
    let is_none = |holder: &str, letter: &str, positions: &str| {
        let known = |line: &str| line.split('\t').take(3).eq([holder, letter, positions]);
        CONDITIONS_NONE.lines().skip(1).any(known)
    };
    for [holder, letter, positions, _] in rows(folder, "rules.tsv", 1)? {
        if is_none(&holder, &letter, &positions) {
            continue;
        }
        let elements = positions.split(' ').map(str::parse).collect::<Result<Vec<u16>, _>>()?;
        let condition = Condition { letter: letter.chars().next().context("a rule has a letter")?, elements };
        if let Some(segment) = directory.segments.get_mut(&holder) {
            segment.conditions.push(condition);
        } else if let Some(composite) = directory.composites.get_mut(&holder) {
            composite.conditions.push(condition);
        }
    }
    Ok(())
}

fn codes(folder: &Path, directory: &mut Parts) -> anyhow::Result<()> {
    for [element, code, name] in rows(folder, "codes.tsv", 1)? {
        directory.codes.entry(element).or_default().insert(code, name);
    }
    Ok(())
}

/// Codes that the tables leave out and the standard has, each with its reason: version, element, code, name, why.
const AMENDMENTS: &str = include_str!("../../../standards/x12/amendments.tsv");

fn amendments(version: &str, directory: &mut Parts) {
    for line in AMENDMENTS.lines().skip(1) {
        if let [of, element, code, name, ..] = line.split('\t').collect::<Vec<_>>()[..]
            && of == version
            && let Some(list) = directory.codes.get_mut(element)
        {
            list.insert(code.to_owned(), name.to_owned());
        }
    }
}

/// The envelope's segments, whose elements (I01 …) the other tables do not have.
fn envelope(folder: &Path, directory: &mut Parts) -> anyhow::Result<()> {
    let envelope: Value = serde_json::from_str(&text(folder, "envelope.json")?).context("envelope.json")?;
    for (tag, facts) in envelope["segments"].as_object().context("envelope.json: no segments")? {
        let mut segment = SegmentDefinition { name: name_of(facts), ..SegmentDefinition::default() };
        for element in facts["elements"].as_array().into_iter().flatten() {
            let id = element["element"].as_str().context("an element has a number")?.to_owned();
            let usage = usage(element["use"].as_str().unwrap_or("M"))?;
            segment.elements.push(Place { id: id.clone(), name: name_of(element), usage, max: 1 });
            let length = |key: &str| element[key].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
            let kind = element_type(element["type"].as_str().unwrap_or("AN"))?;
            directory.elements.entry(id).or_insert_with(|| ElementDefinition {
                name: name_of(element),
                kind,
                min: length("min"),
                max: length("max"),
                codes: String::new(),
            });
        }
        directory.segments.insert(tag.clone(), segment);
    }
    for (element, list) in envelope["codes"].as_object().into_iter().flatten() {
        for (code, name) in list["values"].as_object().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default().to_owned();
            directory.codes.entry(element.clone()).or_default().insert(code.clone(), name);
        }
        if let Some(known) = directory.elements.get_mut(element) {
            known.codes.clone_from(element);
        }
    }
    Ok(())
}

fn name_of(facts: &Value) -> String {
    facts["name"].as_str().unwrap_or_default().to_owned()
}
