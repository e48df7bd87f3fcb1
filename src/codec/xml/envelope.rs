//! What stands for an envelope in XML: the root element tells the document type, and values of the document itself tell who
//! sends it to whom, its number and the guide it follows. Which those are, the definition says.

use crate::codec::segment::{Envelope, PartyId};
use crate::standard::content::Markup;
use crate::standard::definition::Document;
use crate::standard::load::Library;
use crate::tree::Charset;
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Takes over what the document says of itself. Of an unknown type, the name of its root element is the document type.
pub fn note(envelope: &mut Envelope, bytes: &[u8], library: &Library) {
    *envelope = Envelope::default();
    let text = text_of(bytes);
    let Some(document) = recognise(&text, library) else {
        let root = root_of(&text);
        envelope.document_type = root.map_or(String::new(), |(_, name)| name);
        return;
    };
    let Some(markup) = document.markup.as_deref() else { return };
    let wanted: Vec<&str> = markup.envelope.values().flat_map(|fact| &fact.paths).map(String::as_str).collect();
    let found = values(&text, &wanted);
    let fact = |name: &str| {
        let fact = markup.envelope.get(name)?;
        fact.paths.iter().find_map(|path| found.get(path.as_str())).map(|value| (value.clone(), fact.value.clone()))
    };
    let said = |name: &str| fact(name).map_or(String::new(), |(value, _)| value);
    let party = |name: &str| PartyId { scheme: said(&format!("{name}_scheme")), value: said(name) };
    envelope.standard.clone_from(&document.standard);
    envelope.version.clone_from(&document.version);
    envelope.document_type.clone_from(&document.kind);
    (envelope.sender, envelope.receiver) = (party("sender"), party("receiver"));
    envelope.guide = said("guide");
    envelope.test = fact("test").is_some_and(|(value, meant)| meant.is_none_or(|meant| meant == value));
    envelope.interchange_control_number = said("number");
    envelope.document_control_number = said("number");
}

/// Namespace and name of the root element, in one word: `{urn:…}Invoice`.
#[must_use]
pub fn root(bytes: &[u8]) -> String {
    match root_of(&text_of(bytes)) {
        Some((namespace, name)) if namespace.is_empty() => name,
        Some((namespace, name)) => format!("{{{namespace}}}{name}"),
        None => "no element".to_owned(),
    }
}

fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| Charset::Latin1.decode(bytes), Cow::Borrowed)
}

fn root_of(text: &str) -> Option<(String, String)> {
    let mut root = None;
    elements(text, |path, namespace, _| {
        root = path.first().map(|name| (namespace.to_owned(), (*name).to_owned()));
        false
    });
    root
}

/// The document type that the root element tells, or an element below it.
fn recognise(text: &str, library: &Library) -> Option<Arc<Document>> {
    let (namespace, name) = root_of(text)?;
    let is_it = |markup: &Markup| markup.root == name && markup.namespace == namespace;
    let fits = |document: &Arc<Document>| document.markup.as_deref().is_some_and(is_it);
    let candidates: Vec<Arc<Document>> = library.rooted(&name).into_iter().filter(fits).collect();
    let inside = |document: &Document| document.markup.as_ref().map_or(0, |markup| markup.inside.len());
    if let Some(alone) = candidates.iter().find(|document| inside(document) == 0) {
        return Some(alone.clone());
    }
    let mut found = None;
    elements(text, |path, _, _| {
        let is_here = |markup: &Markup| path.len() == markup.inside.len() + 1 && markup.inside.iter().eq(&path[1..]);
        found = candidates.iter().find(|document| document.markup.as_deref().is_some_and(is_here));
        found.is_none()
    });
    found.cloned()
}

/// The first values at paths from the root: `Header/From/Credential@domain`, `@payloadID`, `ID`.
fn values(text: &str, wanted: &[&str]) -> HashMap<String, String> {
    let mut found: HashMap<String, String> = HashMap::new();
    elements(text, |path, _, start| {
        let here = path[1..].join("/");
        for one in wanted.iter().filter(|one| **one != here) {
            let Some((holder, attribute)) = one.split_once('@') else { continue };
            let value = start.try_get_attribute(attribute).ok().flatten().filter(|_| holder == here);
            let value = value
                .and_then(|value| value.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(Cow::into_owned));
            if let Some(value) = value {
                found.entry((*one).to_owned()).or_insert(value);
            }
        }
        true
    });
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(start) => path.push(start.local_name().as_ref().to_owned()),
            Event::End(_) => drop(path.pop()),
            Event::Text(said) if !path.is_empty() => {
                let here = path[1..].join("/");
                let said = said.xml10_content();
                if wanted.contains(&here.as_str()) && !said.trim().is_empty() {
                    found.entry(here).or_insert_with(|| said.trim().to_owned());
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found
}

/// Calls `each` with the path, the namespace and the start of every element, as long as it says so and the markup is
/// well-formed.
fn elements(text: &str, mut each: impl FnMut(&[String], &str, &BytesStart<'_>) -> bool) {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                let (namespace, _) = reader.resolver().resolve_element(start.name());
                let namespace = match namespace {
                    ResolveResult::Bound(namespace) => namespace.into_inner(),
                    _ => "",
                };
                if path.len() > super::DEPTH_MAX || !each(&path, namespace, &start) {
                    return;
                }
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => return,
            _ => {}
        }
    }
}
