//! What stands for an envelope in XML: the root element tells the document type, and values of the document itself tell who
//! sends it to whom, its number and the guide it follows. Which those are, the definition says.

use super::text::text;
use crate::codec::segment::{Envelope, PartyId};
use crate::standard::content::{Fact, Markup};
use crate::standard::definition::Document;
use crate::standard::load::Library;
use crate::tree::Run;
use quick_xml::NsReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The facts that an envelope has; schemes stand where the party does, or before it.
const NOTED: [&str; 5] = ["sender", "receiver", "guide", "number", "test"];

/// Takes over what the document says of itself. Of an unknown type, the name of its root element is the document type.
pub fn note(envelope: &mut Envelope, run: &Run<'_>, library: &Library) {
    *envelope = Envelope::default();
    let seen = Seen::of(&text(run.bytes, run.charset).text, library);
    let Some((document, markup)) = seen.document.as_ref().and_then(|one| Some((one, one.markup.as_deref()?))) else {
        envelope.document_type = seen.root.map_or(String::new(), |(_, name)| name);
        return;
    };
    let said = |name: &str| seen.fact(markup, name).map_or(String::new(), |(_, said)| said.text.clone());
    let party = |name: &str| {
        let Some((number, said)) = seen.fact(markup, name) else { return PartyId::default() };
        let schemes = markup.envelope.get(&format!("{name}_scheme"));
        let scheme = schemes.and_then(|schemes| schemes.paths.get(number)).and_then(|path| match path.contains('@') {
            true => said.around.get(path).cloned(),
            false => seen.found.get(path).map(|said| said.text.clone()),
        });
        PartyId { scheme: scheme.unwrap_or_default(), value: said.text.clone() }
    };
    envelope.standard.clone_from(&document.standard);
    envelope.version.clone_from(&document.version);
    envelope.document_type.clone_from(&document.kind);
    (envelope.sender, envelope.receiver) = (party("sender"), party("receiver"));
    envelope.guide = said("guide");
    let meant = markup.envelope.get("test").and_then(|fact| fact.value.as_deref());
    envelope.test = seen.fact(markup, "test").is_some_and(|(_, said)| meant.is_none_or(|meant| meant == said.text));
    envelope.interchange_control_number = said("number");
    envelope.document_control_number = said("number");
}

/// Namespace and name of the root element, in one word: `{urn:…}Invoice`.
#[must_use]
pub fn root(run: &Run<'_>) -> String {
    match root_of(&text(run.bytes, run.charset).text) {
        Some((namespace, name)) if namespace.is_empty() => name,
        Some((namespace, name)) => format!("{{{namespace}}}{name}"),
        None => "no element".to_owned(),
    }
}

fn root_of(text: &str) -> Option<(String, String)> {
    let mut reader = NsReader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                return Some((namespace_of(&reader, &start), start.local_name().as_ref().to_owned()));
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// What one walk through a document finds of its envelope.
#[derive(Default)]
struct Seen {
    /// Namespace and name.
    root: Option<(String, String)>,
    document: Option<Arc<Document>>,
    /// The first values at paths from the root: `Header/From/Credential@domain`, `@payloadID`, `ID`.
    found: HashMap<String, Said>,
}

/// A value, with the attributes of the element that says it and of those it stands in.
struct Said {
    text: String,
    around: HashMap<String, String>,
}

/// An element that is open and may lead to something that is looked for.
struct Open {
    /// How long the path around it is.
    outer: usize,
    /// Its text, where it is looked for.
    text: Option<String>,
    attributes: Vec<(String, String)>,
}

impl Seen {
    /// Walks until everything is known, the document ends, or the markup does.
    fn of(text: &str, library: &Library) -> Seen {
        let mut seen = Seen::default();
        let (mut candidates, mut open, mut path) = (Vec::new(), Vec::<Open>::new(), String::new());
        // How many elements are open that lead to nothing.
        let mut aside = 0;
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Start(_) if open.len() + aside == super::DEPTH_MAX => break,
                Event::Start(start) if start.name().as_ref().len() > super::NAME_BYTES_MAX => break,
                Event::Start(_) if aside > 0 => aside += 1,
                Event::Start(start) => {
                    let name = start.local_name();
                    let outer = path.len();
                    if open.is_empty() {
                        let namespace = namespace_of(&reader, &start);
                        candidates = rooted(library, &namespace, name.as_ref());
                        seen.root = Some((namespace, name.as_ref().to_owned()));
                    } else {
                        path.push_str(if outer == 0 { "" } else { "/" });
                        path.push_str(name.as_ref());
                    }
                    seen.decide(&candidates, &path);
                    if !candidates.iter().any(|one| leads(one, &path)) {
                        path.truncate(outer);
                        aside += 1;
                        continue;
                    }
                    let attributes = attributes(&candidates, &path, &start);
                    for (path, text) in &attributes {
                        let said = || Said { text: text.clone(), around: HashMap::new() };
                        seen.found.entry(path.clone()).or_insert_with(said);
                    }
                    let is_wanted = wanted(&candidates).any(|one| one == path) && !seen.found.contains_key(&path);
                    open.push(Open { outer, text: is_wanted.then(String::new), attributes });
                }
                Event::End(_) if aside > 0 => aside -= 1,
                Event::End(_) => {
                    let Some(Open { outer, text, attributes }) = open.pop() else { break };
                    if let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
                        let around = open.iter().flat_map(|one| one.attributes.clone()).chain(attributes);
                        let said = Said { text: text.to_owned(), around: around.collect() };
                        seen.found.entry(path.clone()).or_insert(said);
                    }
                    path.truncate(outer);
                    if open.is_empty() || seen.is_complete() {
                        break;
                    }
                }
                Event::Eof => break,
                event if aside == 0 => {
                    if let Some(text) = open.last_mut().and_then(|one| one.text.as_mut()) {
                        add(text, &event);
                    }
                }
                _ => {}
            }
        }
        seen
    }

    /// The document type that the root element tells, or an element below it.
    fn decide(&mut self, candidates: &[Arc<Document>], path: &str) {
        let inside = |document: &Arc<Document>| document.markup.as_ref().map(|markup| markup.inside.join("/"));
        let is_here = |document: &&Arc<Document>| inside(document).is_some_and(|inside| inside == path);
        if self.document.is_none() {
            self.document = candidates.iter().find(is_here).cloned();
        }
    }

    /// The value of a fact, and the number of its path: those before it say nothing.
    fn fact(&self, markup: &Markup, name: &str) -> Option<(usize, &Said)> {
        let paths = &markup.envelope.get(name)?.paths;
        paths.iter().enumerate().find_map(|(number, path)| Some((number, self.found.get(path)?)))
    }

    /// Whether nothing that follows could change what is known: each fact was found where it is looked for first.
    fn is_complete(&self) -> bool {
        let Some(markup) = self.document.as_ref().and_then(|document| document.markup.as_deref()) else { return false };
        let is_first = |fact: &Fact| fact.paths.first().is_none_or(|path| self.found.contains_key(path));
        NOTED.iter().filter_map(|name| markup.envelope.get(*name)).all(is_first)
    }
}

pub(super) fn namespace_of(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> String {
    match reader.resolver().resolve_element(start.name()).0 {
        ResolveResult::Bound(namespace) => namespace.into_inner().to_owned(),
        _ => String::new(),
    }
}

/// The document types that a root element may be of; one that needs nothing below it is the only one.
fn rooted(library: &Library, namespace: &str, name: &str) -> Vec<Arc<Document>> {
    let markup =
        |document: &Arc<Document>| document.markup.as_deref().filter(|own| own.namespace == namespace).is_some();
    let mut candidates: Vec<Arc<Document>> =
        library.rooted(name).into_iter().filter_map(Result::ok).filter(markup).collect();
    let is_alone = |one: &Arc<Document>| one.markup.as_ref().is_some_and(|markup| markup.inside.is_empty());
    if let Some(alone) = candidates.iter().find(|one| is_alone(one)).cloned() {
        candidates = vec![alone];
    }
    candidates
}

/// The paths of all facts.
fn wanted(candidates: &[Arc<Document>]) -> impl Iterator<Item = &str> {
    let facts = candidates.iter().filter_map(|one| one.markup.as_deref()).flat_map(|markup| markup.envelope.values());
    facts.flat_map(|fact| &fact.paths).map(String::as_str)
}

/// Whether an element at this path is looked for, or has such in it.
fn leads(document: &Arc<Document>, path: &str) -> bool {
    let begins = |one: &str| {
        one.strip_prefix(path).is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with(['/', '@']))
    };
    let inside = document.markup.as_ref().is_some_and(|markup| begins(&markup.inside.join("/")));
    inside || wanted(std::slice::from_ref(document)).any(begins)
}

/// The attributes of an element that are looked for, by their paths.
fn attributes(candidates: &[Arc<Document>], path: &str, start: &BytesStart<'_>) -> Vec<(String, String)> {
    let here = wanted(candidates).filter_map(|one| one.split_once('@').filter(|(holder, _)| *holder == path));
    let value = |name: &str| {
        let value = start.try_get_attribute(name).ok().flatten()?;
        value.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
    };
    here.filter_map(|(_, name)| Some((format!("{path}@{name}"), value(name)?))).collect()
}

/// Adds what an event says to the text around it. A reference that cannot be resolved says nothing; it is told when the
/// document is read.
pub(super) fn add(text: &mut String, event: &Event<'_>) {
    match event {
        Event::Text(said) => text.push_str(&said.xml10_content()),
        Event::CData(said) => text.push_str(&said.xml10_content()),
        Event::GeneralRef(name) => match name.resolve_char_ref() {
            Ok(Some(c)) if super::is_character(c) => text.push(c),
            _ => text.push_str(resolve_xml_entity(name).unwrap_or_default()),
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Charset, Index};

    fn noted(text: &str) -> Envelope {
        let mut envelope = Envelope::default();
        let run = Run {
            bytes: text.as_bytes(),
            offset: 0,
            line: 1,
            separators: &crate::codec::content::SEPARATORS,
            charset: Charset::Utf8,
            index: &Index::default(),
        };
        note(&mut envelope, &run, &Library::new(None));
        envelope
    }

    const ORDER: &str = "urn:oasis:names:specification:ubl:schema:xsd:Order-2";

    #[test]
    fn a_value_is_all_text_of_its_element() {
        for (written, meant) in [
            ("A&amp;B-4711", "A&B-4711"),
            ("<![CDATA[<4711>]]>", "<4711>"),
            (" 47<!-- of -->1&#49; ", "4711"),
            ("<Inner>0</Inner>4711", "4711"),
        ] {
            let envelope = noted(&format!("<Order xmlns='{ORDER}'><ID/><ID>{written}</ID><ID>2</ID></Order>"));
            assert_eq!(envelope.interchange_control_number, meant, "{written}");
        }
    }

    #[test]
    fn a_scheme_is_that_of_the_element_that_names_the_party() {
        for (party, scheme, value) in [
            ("<EndpointID schemeID='0088'>7</EndpointID>", "0088", "7"),
            ("<EndpointID schemeID='0088'/><PartyIdentification><ID>7</ID></PartyIdentification>", "", "7"),
            (
                "<PartyIdentification><ID>7</ID></PartyIdentification>\
                 <PartyIdentification><ID schemeID='0060'>8</ID></PartyIdentification>",
                "",
                "7",
            ),
            ("<PartyIdentification><ID schemeID='0060'>8</ID></PartyIdentification>", "0060", "8"),
        ] {
            let text = format!(
                "<Order xmlns='{ORDER}'><BuyerCustomerParty><Party>{party}</Party></BuyerCustomerParty></Order>"
            );
            let sender = noted(&text).sender;
            assert_eq!((sender.scheme.as_str(), sender.value.as_str()), (scheme, value), "{party}");
        }
    }

    #[test]
    fn every_party_has_a_scheme_for_each_of_its_paths() {
        let library = Library::new(None);
        let mut compared = 0;
        for [standard, version, kind] in library.list() {
            let document = library.document(&standard, &version, &kind).expect("packed");
            for name in ["sender", "receiver"] {
                let paths = |name: &str| Some(document.markup.as_ref()?.envelope.get(name)?.paths.len());
                assert_eq!(paths(name), paths(&format!("{name}_scheme")), "{standard}/{version}/{kind}: {name}");
                compared += usize::from(paths(name).is_some());
            }
        }
        assert!(compared >= 60, "only {compared} parties compared");
    }

    #[test]
    fn the_first_value_counts_and_what_is_too_deep_does_not() {
        let known = format!("<Order xmlns='{ORDER}'><ID>1</ID>");
        assert_eq!(noted(&format!("{known}<ID>2</ID><not well-formed")).interchange_control_number, "1");
        for (levels, number) in [(super::super::DEPTH_MAX - 1, "1"), (super::super::DEPTH_MAX, "")] {
            let deep = format!("{}{}<ID>1</ID></Order>", "<a>".repeat(levels), "</a>".repeat(levels));
            assert_eq!(noted(&format!("<Order xmlns='{ORDER}'>{deep}")).interchange_control_number, number);
        }
    }
}
