//! Importers: a source of facts becomes definition files in our own notation. They write no prose of a standard.

pub mod contents;
pub mod dtd;
pub mod edifact;
mod source;
mod write;
pub mod x12;
pub mod xsd;

pub use write::write;

use super::definition::{CompositeDefinition, Document, ElementDefinition, Node, SegmentDefinition};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What an import produced.
#[derive(Debug, Default)]
pub struct Imported {
    /// The document types asked for.
    pub documents: Vec<Document>,
    /// What they share, reduced to what they use.
    pub directory: Parts,
    /// What the source has, whatever was asked for.
    pub counts: Counts,
    /// What the source says that does not hold together.
    pub anomalies: Vec<String>,
}

/// What document types share, while it is gathered from a source; `definition::Directory` is the same as it is read back.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// `x12` or `edifact`.
    pub standard: String,
    /// `004010`, `d96a`.
    pub version: String,
    /// Segments by tag.
    pub segments: BTreeMap<String, SegmentDefinition>,
    /// Composites by number.
    pub composites: BTreeMap<String, CompositeDefinition>,
    /// Elements by number.
    pub elements: BTreeMap<String, ElementDefinition>,
    /// Names by tag of the segments that are not used.
    pub other_segments: BTreeMap<String, String>,
    /// Code lists by element number: code to short name.
    pub codes: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a source has, for comparing with what is known of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Document types, interactive messages included.
    pub types: usize,
    /// Segments in their orders, of EDIFACT the heads of groups too.
    pub entries: usize,
    /// Segments, of EDIFACT those of batch messages.
    pub segments: usize,
    /// Element places in them.
    pub positions: usize,
    /// Composites, of EDIFACT those of batch messages.
    pub composites: usize,
    /// Elements.
    pub elements: usize,
    /// Elements with a code list.
    pub coded: usize,
    /// Codes in all lists.
    pub codes: usize,
    /// Codes without a name.
    pub nameless: usize,
    /// Conditions between elements.
    pub conditions: usize,
    /// Interactive messages.
    pub interactive: usize,
    /// Their segments.
    pub interactive_segments: usize,
    /// Their composites.
    pub interactive_composites: usize,
}

impl Counts {
    /// What a version's document types share, counted.
    #[must_use]
    pub fn of(directory: &Parts) -> Self {
        let codes = || directory.codes.values().flat_map(|list| list.values());
        let segments = directory.segments.values();
        Counts {
            segments: directory.segments.len(),
            positions: segments.clone().map(|segment| segment.elements.len()).sum(),
            composites: directory.composites.len(),
            elements: directory.elements.len(),
            coded: directory.codes.len(),
            codes: codes().count(),
            nameless: codes().filter(|name| name.is_empty()).count(),
            conditions: segments.map(|segment| segment.conditions.len()).sum::<usize>()
                + directory.composites.values().map(|composite| composite.conditions.len()).sum::<usize>(),
            ..Counts::default()
        }
    }
}

/// Segments and loops in an order.
#[must_use]
pub fn entries(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + node.body.as_ref().map_or(0, |body| entries(&body.nodes))).sum()
}

/// What an import writes.
#[derive(Debug)]
pub struct Written {
    /// The version's folder below `standards/`.
    pub folder: String,
    /// The document types.
    pub types: Vec<String>,
    /// Files by name.
    pub files: Vec<(String, String)>,
    /// What the source says that does not hold together.
    pub anomalies: Vec<String>,
}

/// Imports whatever `source` is: a ZIP of XML Schemas or of a UN/EDIFACT directory, a folder of tables of cXML, of
/// an EDIFACT directory, of EDIFACT's service segments (of `syntax`) or of X12. `like` is what
/// an EDIFACT source that lacks something is completed by.
///
/// # Errors
/// The source cannot be read, with what was expected; a type of `kinds` that it lacks.
pub fn import(source: &Path, syntax: u8, kinds: &[String], like: Option<&Path>) -> anyhow::Result<Vec<Written>> {
    if source.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip")) {
        return match xsd::is_schemas(source)? {
            true => Ok(vec![xsd::import(source, kinds)?.into()]),
            false => Ok(vec![edifact::import(source, syntax, kinds, like)?.into()]),
        };
    }
    Ok(if source.join("children.tsv").is_file() {
        vec![dtd::import(source, kinds)?.into()]
    } else if source.join("sets.json").is_file() {
        vec![x12::import(source, kinds)?.into()]
    } else if source.join("elements.tsv").is_file() {
        vec![edifact::import_tables(source, syntax, kinds, like)?.into()]
    } else {
        // The service segments of the syntax version, and its service messages where it has some.
        let messages = edifact::import_service(source, syntax)?;
        let alone = edifact::import_syntax(source, syntax)?;
        std::iter::once(alone)
            .chain(Some(messages).filter(|one| !one.documents.is_empty()))
            .map(Written::from)
            .collect()
    })
}

impl From<Imported> for Written {
    fn from(imported: Imported) -> Self {
        Written {
            folder: format!("{}/{}", imported.directory.standard, imported.directory.version),
            types: imported.documents.iter().map(|document| document.kind.clone()).collect(),
            files: write(&imported.documents, &imported.directory),
            anomalies: imported.anomalies,
        }
    }
}

impl From<contents::Contents> for Written {
    fn from(imported: contents::Contents) -> Self {
        Written {
            folder: format!("{}/{}", imported.standard, imported.version),
            types: imported.documents.iter().map(|document| document.kind.clone()).collect(),
            files: imported.write(),
            anomalies: imported.anomalies,
        }
    }
}

/// Drops what none of the documents uses, but for the names of segments; returns what they use and the tables do not define.
fn keep_used(documents: &[Document], envelope: &[&str], directory: &mut Parts) -> Vec<String> {
    let mut anomalies = Vec::new();
    let mut tags: BTreeSet<String> = envelope.iter().map(|tag| (*tag).to_owned()).collect();
    documents.iter().for_each(|document| tags_of(&document.nodes, &mut tags));
    for tag in tags.iter().filter(|tag| !directory.segments.contains_key(*tag)) {
        anomalies.push(format!("segment {tag} is used and not defined"));
    }
    let all = std::mem::take(&mut directory.segments);
    let (used, others) = all.into_iter().partition::<BTreeMap<_, _>, _>(|(tag, _)| tags.contains(tag));
    directory.segments = used;
    directory.other_segments = others.into_iter().map(|(tag, segment)| (tag, segment.name)).collect();
    let mut ids: BTreeSet<String> =
        directory.segments.values().flat_map(|segment| &segment.elements).map(|place| place.id.clone()).collect();
    directory.composites.retain(|id, _| ids.contains(id));
    ids.extend(directory.composites.values().flat_map(|one| &one.components).map(|place| place.id.clone()));
    anomalies.extend(undefined(directory));
    directory.elements.retain(|id, _| ids.contains(id));
    let lists: BTreeMap<_, _> = std::mem::take(&mut directory.codes);
    directory.codes = lists.into_iter().filter(|(id, _)| ids.contains(id)).collect();
    anomalies
}

/// Elements and composites that the segments and composites of a directory use and it does not define.
fn undefined(directory: &Parts) -> Vec<String> {
    let segments = directory.segments.values().flat_map(|segment| &segment.elements);
    let places = segments.chain(directory.composites.values().flat_map(|one| &one.components));
    let is_defined = |id: &str| directory.elements.contains_key(id) || directory.composites.contains_key(id);
    let missing: BTreeSet<&str> = places.map(|place| place.id.as_str()).filter(|id| !is_defined(id)).collect();
    missing.into_iter().map(|id| format!("element {id} is used and not defined")).collect()
}

fn tags_of(nodes: &[Node], tags: &mut BTreeSet<String>) {
    for node in nodes {
        tags.insert(node.tag.clone());
        if let Some(body) = &node.body {
            tags_of(&body.nodes, tags);
        }
    }
}
