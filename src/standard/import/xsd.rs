//! Imports UBL from its XML Schemas (a ZIP with folders `maindoc` and `common`): elements, their order, how often they
//! may stand, the forms of texts, attributes. Documentation elements are skipped; none of their sentences come in.
//!
//! Read are what UBL is written in: global elements with a named type, sequences of references, simple content that
//! extends or restricts, `any` (content left open). Anything else of XML Schema, such as a choice, is refused by name.
//! What the schemas do not say stands in `standards/ubl/supplement.yaml`.

use super::contents::{Contents, DocumentType, usage};
use super::source;
use crate::standard::content::{Attribute, Content, Form, Part};
use anyhow::{Context as _, anyhow, bail};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

/// The folder of the ZIP whose schemas are document types.
const DOCUMENTS: &str = "maindoc";

const SUPPLEMENT: &str = include_str!("../../../standards/ubl/supplement.yaml");

/// Deepest nesting of elements in a schema; UBL's go to 7, its documentation to 9.
const DEPTH_MAX: usize = 32;

/// Whether a ZIP is one of XML Schemas.
///
/// # Errors
/// It cannot be read.
pub fn is_schemas(zip: &Path) -> anyhow::Result<bool> {
    let file = File::open(zip).with_context(|| format!("cannot read {}", zip.display()))?;
    let archive = zip::ZipArchive::new(file).with_context(|| format!("{} is no ZIP", zip.display()))?;
    Ok(archive.file_names().flatten().any(|name| name.ends_with(".xsd")))
}

/// Reads the schemas and keeps the document types of `kinds`, all when empty, with what they use.
///
/// # Errors
/// A schema that cannot be read or uses what UBL does not, with its name; a type the schemas lack.
pub fn import(zip: &Path, kinds: &[String]) -> anyhow::Result<Contents> {
    let supplement = crate::yaml::document(SUPPLEMENT).map_err(|error| anyhow!("{error}"))?.to_json();
    let mut schemas = Schemas { core: core_types(&supplement)?, ..Schemas::default() };
    let mut sources = Vec::new();
    for (name, text) in unzip(zip)? {
        let schema = tree(&text).with_context(|| name.clone())?;
        schemas.add(&schema).with_context(|| name.clone())?;
        if name.split('/').rev().nth(1) == Some(DOCUMENTS) {
            sources.push((name, schema));
        }
    }
    let mut made = Contents { standard: "ubl".into(), ..Contents::default() };
    for (name, schema) in &sources {
        let (version, document) = schemas.document(schema, &supplement).with_context(|| name.clone())?;
        if !made.version.is_empty() && made.version != version {
            bail!("{name}: expected version {}, as the schemas before, found {version}", made.version);
        }
        made.version = version;
        if kinds.is_empty() || kinds.contains(&document.kind) {
            made.documents.push(document);
        }
    }
    if let Some(missing) = kinds.iter().find(|kind| !made.documents.iter().any(|document| document.kind == **kind)) {
        return Err(anyhow!("{}: no document type {missing} in its folder {DOCUMENTS}", zip.display()));
    }
    made.documents.sort_by(|a, b| a.kind.cmp(&b.kind));
    made.contents = schemas.contents(&made.documents)?;
    made.namespaces = schemas.written;
    Ok(made)
}

/// The schemas of the ZIP by path.
fn unzip(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let files = source::unzip(path, source::UNPACKED_BYTES_MAX, |name| name.ends_with(".xsd").then_some(()))?;
    let text = |((), name, bytes): ((), String, Vec<u8>)| {
        let text = String::from_utf8(bytes).with_context(|| name.clone())?;
        Ok((name, text))
    };
    files.into_iter().map(text).collect()
}

/// An element of a schema, without its text.
#[derive(Debug, Clone)]
struct Element {
    /// The name without its prefix.
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
}

/// A schema as a tree, annotations left out.
fn tree(text: &str) -> anyhow::Result<Element> {
    let mut reader = NsReader::from_str(text);
    let mut open = vec![Element { name: String::new(), attributes: BTreeMap::new(), children: Vec::new() }];
    loop {
        let (start, is_empty) = match reader.read_event()? {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                let closed = open.pop().context("an end without a start")?;
                open.last_mut().context("an end without a start")?.children.push(closed);
                continue;
            }
            Event::DocType(_) => bail!("expected a schema, found a document type declaration"),
            Event::Eof => break,
            _ => continue,
        };
        let (namespace, name) = reader.resolver().resolve_element(start.name());
        if namespace != ResolveResult::Bound(Namespace(SCHEMA)) {
            bail!("expected an element of XML Schema, found {}", start.name().0);
        }
        let made = Element { name: name.into_inner().into(), attributes: attributes(&start)?, children: Vec::new() };
        if made.name == "annotation" {
            if !is_empty {
                reader.read_to_end(start.name())?;
            }
        } else if is_empty {
            open.last_mut().context("nothing is open")?.children.push(made);
        } else if open.len() > DEPTH_MAX {
            bail!("elements stand more than {DEPTH_MAX} deep");
        } else {
            open.push(made);
        }
    }
    let root = open.pop().filter(|_| open.is_empty()).context("an element is not closed")?;
    root.children.into_iter().find(|root| root.name == "schema").context("expected a schema, found none")
}

fn attributes(start: &BytesStart<'_>) -> anyhow::Result<BTreeMap<String, String>> {
    let one = |attribute: Result<quick_xml::events::attributes::Attribute<'_>, _>| {
        let attribute = attribute?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0)?.into_owned();
        Ok((attribute.key.0.to_owned(), value))
    };
    start.attributes().map(one).collect()
}

impl Element {
    fn get(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }

    /// An attribute that must be there.
    fn must(&self, key: &str) -> anyhow::Result<&str> {
        self.get(key).with_context(|| format!("{} without {key}", self.name))
    }
}

/// A name and its namespace, which stands first.
type Name = (String, String);

/// A type and the prefixes of the schema it stands in.
#[derive(Debug, Clone)]
struct Type {
    body: Element,
    prefixes: BTreeMap<String, String>,
    target: String,
}

/// What all schemas of the ZIP declare.
#[derive(Default)]
struct Schemas {
    elements: BTreeMap<Name, Name>,
    types: BTreeMap<Name, Type>,
    /// Core component types by their local names.
    core: BTreeMap<String, Content>,
    /// Prefixes of the document types' schemas: those we write.
    written: BTreeMap<String, String>,
}

/// Prefixes that a schema declares; the one without a name is the default.
fn prefixes(schema: &Element) -> BTreeMap<String, String> {
    let declared = schema.attributes.iter();
    let prefix = |key: &str| if key == "xmlns" { Some("") } else { key.strip_prefix("xmlns:") }.map(str::to_owned);
    declared.filter_map(|(key, value)| Some((prefix(key)?, value.clone()))).collect()
}

fn resolve(prefixes: &BTreeMap<String, String>, name: &str) -> anyhow::Result<Name> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let namespace = prefixes.get(prefix).with_context(|| format!("{name}: the prefix is not declared"))?;
    Ok((namespace.clone(), local.to_owned()))
}

impl Schemas {
    fn add(&mut self, schema: &Element) -> anyhow::Result<()> {
        let (target, prefixes) = (schema.must("targetNamespace")?.to_owned(), prefixes(schema));
        for child in &schema.children {
            match child.name.as_str() {
                "import" | "include" => {}
                "element" => {
                    let kind = resolve(&prefixes, child.must("type")?)?;
                    self.elements.insert((target.clone(), child.must("name")?.to_owned()), kind);
                }
                "complexType" => {
                    let name = (target.clone(), child.must("name")?.to_owned());
                    let kind = Type { body: child.clone(), prefixes: prefixes.clone(), target: target.clone() };
                    self.types.insert(name, kind);
                }
                other => bail!("a global {other} is not read: UBL has elements and complex types"),
            }
        }
        Ok(())
    }

    /// The version and the document type of a schema: its one global element.
    fn document(&mut self, schema: &Element, supplement: &Value) -> anyhow::Result<(String, DocumentType)> {
        let target = schema.must("targetNamespace")?.to_owned();
        let mut roots = schema.children.iter().filter(|child| child.name == "element");
        let root = roots.next().context("no global element")?.must("name")?.to_owned();
        if roots.next().is_some() {
            bail!("expected one global element in a document type, found several");
        }
        for (prefix, namespace) in prefixes(schema) {
            let is_of_elements = self.elements.keys().any(|(of, _)| *of == namespace);
            if is_of_elements && namespace != target {
                self.written.insert(prefix, namespace);
            }
        }
        let kind = self.elements.get(&(target.clone(), root.clone())).context("an element without type")?.clone();
        let document = DocumentType {
            kind: root.clone(),
            namespace: Some(target),
            root: root.clone(),
            content: content_name(&kind.1).to_owned(),
            inside: None,
            doctype: None,
            envelope: envelope(supplement, &root),
            own: Some(self.content(&kind)?),
        };
        Ok((schema.must("version")?.to_owned(), document))
    }

    /// What the document types use, each once.
    fn contents(&self, documents: &[DocumentType]) -> anyhow::Result<BTreeMap<String, Content>> {
        let mut made: BTreeMap<String, (Name, Content)> = BTreeMap::new();
        let mut open: Vec<Part> =
            documents.iter().filter_map(|one| one.own.as_ref()).flat_map(|own| own.parts.clone()).collect();
        while let Some(part) = open.pop() {
            let element = (self.written.get(&part.prefix).cloned().unwrap_or_default(), part.name.clone());
            let declared = self.elements.get(&element);
            let name = self.plain(declared.with_context(|| format!("{} is not declared", part.qualified()))?)?;
            match made.get(&part.content) {
                Some((of, _)) if *of == name => {}
                Some((of, _)) => bail!("{} of {} and of {} are two", part.content, of.0, name.0),
                None => {
                    let content = self.content(&name)?;
                    open.extend(content.parts.iter().cloned());
                    made.insert(part.content, (name, content));
                }
            }
        }
        Ok(made.into_iter().map(|(name, (_, content))| (name, content)).collect())
    }

    /// The type that says something of its own: UBL gives each basic element a type that only repeats a data type.
    fn plain(&self, name: &Name) -> anyhow::Result<Name> {
        let Some(kind) = self.types.get(name) else { return Ok(name.clone()) };
        let simple = kind.body.children.iter().find(|child| child.name == "simpleContent");
        match simple.and_then(|simple| simple.children.first()) {
            Some(extension) if extension.name == "extension" && extension.children.is_empty() => {
                let base = resolve(&kind.prefixes, extension.must("base")?)?;
                // What rests on a core component type or on XML Schema is a data type.
                if self.types.contains_key(&base) { self.plain(&base) } else { Ok(name.clone()) }
            }
            _ => Ok(name.clone()),
        }
    }

    /// What a type holds.
    fn content(&self, name: &Name) -> anyhow::Result<Content> {
        let (namespace, local) = name;
        let Some(kind) = self.types.get(name) else {
            return match self.core.get(local) {
                Some(core) => Ok(core.clone()),
                None => Err(anyhow!("{local} of {namespace} is defined nowhere")),
            };
        };
        let mut content = Content::default();
        for child in &kind.body.children {
            match child.name.as_str() {
                "sequence" => self.sequence(kind, child, &mut content),
                "simpleContent" => self.simple(kind, child).map(|simple| content = simple),
                other => Err(anyhow!("{other} is not read: UBL has sequences and simple content")),
            }
            .with_context(|| local.clone())?;
        }
        Ok(content)
    }

    fn sequence(&self, kind: &Type, sequence: &Element, content: &mut Content) -> anyhow::Result<()> {
        for child in &sequence.children {
            match child.name.as_str() {
                "any" => content.is_open = true,
                "element" => content.parts.push(self.part(kind, child)?),
                other => bail!("{other} in a sequence is not read: UBL has elements and any"),
            }
        }
        Ok(())
    }

    fn part(&self, kind: &Type, child: &Element) -> anyhow::Result<Part> {
        let reference = child.must("ref")?;
        let (namespace, local) = if reference.contains(':') || kind.prefixes.contains_key("") {
            resolve(&kind.prefixes, reference)?
        } else {
            (kind.target.clone(), reference.to_owned())
        };
        let prefix = self.written.iter().find(|(_, written)| **written == namespace).map(|(prefix, _)| prefix);
        let prefix = prefix.with_context(|| format!("{reference}: no document type has a prefix for {namespace}"))?;
        let element = (namespace.clone(), local.clone());
        let of = self.elements.get(&element).with_context(|| format!("{reference} is not declared"))?;
        let max = match child.get("maxOccurs").unwrap_or("1") {
            "unbounded" => None,
            number => Some(number.parse().with_context(|| format!("{reference}: maxOccurs {number}"))?),
        };
        let usage = usage(child.get("minOccurs").unwrap_or("1") != "0");
        Ok(Part::new(&format!("{prefix}:{local}"), usage, max, content_name(&self.plain(of)?.1)))
    }

    /// Text with attributes: those of the base, and what is said of them here.
    fn simple(&self, kind: &Type, simple: &Element) -> anyhow::Result<Content> {
        let derived = simple.children.first().context("simple content without extension or restriction")?;
        if !matches!(derived.name.as_str(), "extension" | "restriction") {
            bail!("{} in simple content is not read", derived.name);
        }
        let base = resolve(&kind.prefixes, derived.must("base")?)?;
        let mut content = if base.0 == SCHEMA {
            Content { text: Some(form(&base.1)?), ..Content::default() }
        } else {
            self.content(&base)?
        };
        for child in &derived.children {
            if child.name != "attribute" {
                bail!("{} in a data type is not read: UBL's have attributes", child.name);
            }
            let (name, usage) = (child.must("name")?.to_owned(), usage(child.get("use") == Some("required")));
            let values: Vec<String> = child.get("fixed").map(str::to_owned).into_iter().collect();
            match content.attributes.iter_mut().find(|attribute| attribute.name == name) {
                Some(known) => (known.usage, known.values) = (usage, values),
                None => {
                    let form = form(&resolve(&kind.prefixes, child.must("type")?)?.1)?;
                    content.attributes.push(Attribute { name, usage, form, values });
                }
            }
        }
        Ok(content)
    }
}

/// The name of a type without the ending that all have.
fn content_name(name: &str) -> &str {
    name.strip_suffix("Type").unwrap_or(name)
}

/// The form of a built-in type of XML Schema.
fn form(name: &str) -> anyhow::Result<Form> {
    Ok(match name {
        "string" | "normalizedString" | "token" | "anyURI" => Form::Text,
        "language" => Form::Code,
        "decimal" => Form::Number,
        "integer" => Form::Integer,
        "boolean" => Form::Boolean,
        "date" => Form::Date,
        "time" => Form::Time,
        "dateTime" => Form::DateTime,
        "base64Binary" => Form::Binary,
        other => bail!("{other} of XML Schema is not read: UBL does not use it"),
    })
}

/// The core component types of the supplement.
fn core_types(supplement: &Value) -> anyhow::Result<BTreeMap<String, Content>> {
    let one = |(name, facts): (&String, &Value)| {
        let form = |name: &str| Form::of(name).with_context(|| format!("supplement: expected a form, found {name:?}"));
        let attributes = facts["attributes"].as_array().into_iter().flatten().map(|text| {
            let read = Attribute::parse(text.as_str().unwrap_or_default());
            read.with_context(|| format!("supplement: expected NAME USAGE FORM, found {text}"))
        });
        let text = Some(form(facts["text"].as_str().unwrap_or_default())?);
        Ok((
            name.clone(),
            Content { text, attributes: attributes.collect::<anyhow::Result<_>>()?, ..Content::default() },
        ))
    };
    supplement["core_types"].as_object().into_iter().flatten().map(one).collect()
}

/// Where documents of the type say who sends what to whom.
fn envelope(supplement: &Value, kind: &str) -> Vec<(String, String)> {
    let party = |at: usize| supplement["parties"][kind][at].as_str();
    let lines = supplement["envelope"].as_object().into_iter().flatten();
    let line = |(key, paths): (&String, &Value)| {
        let paths = paths.as_str()?;
        let is_of_parties = paths.contains("SENDER") || paths.contains("RECEIVER");
        match (party(0), party(1)) {
            (Some(sender), Some(receiver)) => {
                Some((key.clone(), paths.replace("SENDER", sender).replace("RECEIVER", receiver)))
            }
            _ => (!is_of_parties).then(|| (key.clone(), paths.to_owned())),
        }
    };
    lines.filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard::definition::Usage;

    fn read(body: &str) -> anyhow::Result<Content> {
        let schema = format!(
            "<xs:schema xmlns:xs='{SCHEMA}' xmlns='urn:a' xmlns:c='urn:c' targetNamespace='urn:a'>\
             <xs:element name='Part' type='ThingType'/><xs:complexType name='ThingType'>{body}</xs:complexType></xs:schema>"
        );
        let mut schemas = Schemas { written: [("a".to_owned(), "urn:a".to_owned())].into(), ..Schemas::default() };
        schemas.core.insert("CoreType".into(), Content { text: Some(Form::Code), ..Content::default() });
        schemas.add(&tree(&schema)?)?;
        schemas.content(&("urn:a".to_owned(), "ThingType".to_owned()))
    }

    #[test]
    fn ok_contents() {
        let sequence = "<xs:annotation><xs:documentation>prose<b xmlns=''/></xs:documentation></xs:annotation>\
                        <xs:sequence><xs:element ref='Part' minOccurs='0' maxOccurs='unbounded'/></xs:sequence>";
        let content = read(sequence).expect("a sequence");
        let part = Part::new("a:Part", Usage::Optional, None, "Thing");
        assert_eq!(content, Content { parts: vec![part], ..Content::default() });
        let simple = "<xs:simpleContent><xs:extension base='c:CoreType'>\
                      <xs:attribute name='unit' type='xs:token' use='required'/></xs:extension></xs:simpleContent>";
        let content = read(simple).expect("simple content");
        let unit = Attribute { name: "unit".into(), usage: Usage::Required, form: Form::Text, values: Vec::new() };
        assert_eq!(content, Content { text: Some(Form::Code), attributes: vec![unit], ..Content::default() });
    }

    #[test]
    fn err_what_is_not_read_is_named() {
        for (body, expected) in [
            ("<xs:choice/>", "choice is not read: UBL has sequences and simple content"),
            (
                "<xs:sequence><xs:group ref='g'/></xs:sequence>",
                "group in a sequence is not read: UBL has elements and any",
            ),
            ("<xs:sequence><xs:element ref='Other'/></xs:sequence>", "Other is not declared"),
            (
                "<xs:simpleContent><xs:extension base='xs:duration'/></xs:simpleContent>",
                "duration of XML Schema is not read: UBL does not use it",
            ),
            ("<html xmlns='urn:b'/>", "expected an element of XML Schema, found html"),
        ] {
            let error = read(body).expect_err(body);
            assert_eq!(error.root_cause().to_string(), expected);
        }
    }
}
