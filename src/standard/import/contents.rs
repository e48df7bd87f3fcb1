//! What an importer of an XML standard makes: contents (what an element holds) and document types (a root and its
//! content), and the files they become in the project's notation.
//!
//! A part is `[PREFIX:]NAME USAGE MAX CONTENT`, an attribute `NAME USAGE FORM [= CONSTANT]`. Which alternatives of a
//! choice exclude one another is not kept: each of them is an optional part.

use super::write::{line, quoted};
use std::collections::{BTreeMap, BTreeSet};

/// Everything of one version of a standard.
#[derive(Debug, Default)]
pub struct Contents {
    /// `ubl`, `cxml`: the folder's name.
    pub standard: String,
    /// The version's folder.
    pub version: String,
    /// Prefixes that we write, and the namespaces they stand for.
    pub namespaces: BTreeMap<String, String>,
    /// What elements hold, by name.
    pub contents: BTreeMap<String, Content>,
    /// The document types.
    pub documents: Vec<DocumentType>,
    /// What the source says that does not hold together.
    pub anomalies: Vec<String>,
}

/// What an element holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Content {
    /// Text of this form.
    pub text: Option<Form>,
    /// Attributes, in the order of the source.
    pub attributes: Vec<Attribute>,
    /// Child elements, in order.
    pub parts: Vec<Part>,
    /// The parts may come in any order.
    pub any_order: bool,
    /// Any elements may stand here.
    pub open: bool,
}

/// A child element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// With its prefix, when it is in another namespace than none.
    pub name: String,
    /// It must be there.
    pub required: bool,
    /// How often it may stand; `None` is any number.
    pub max: Option<u32>,
    /// What it holds, by name.
    pub content: String,
}

/// An attribute of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// With its prefix, when it has one.
    pub name: String,
    /// It must be there.
    pub required: bool,
    /// The form of its value.
    pub form: Form,
    /// The only values it may have; any, when there is none.
    pub values: Vec<String>,
}

/// The form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Number,
    Integer,
    Boolean,
    Date,
    Time,
    DateTime,
    Code,
    Binary,
}

/// A kind of document: its root, what that holds, and where its envelope's facts stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentType {
    /// The type's name in the standard.
    pub kind: String,
    /// Namespace of the root; `None` for a standard without namespaces.
    pub namespace: Option<String>,
    /// The root element.
    pub root: String,
    /// What the root holds.
    pub content: String,
    /// The element below the root that tells the type, where the root does not.
    pub inside: Option<String>,
    /// The document type declaration that is written.
    pub doctype: Option<String>,
    /// What is said of sender, receiver and number, and the paths where it stands.
    pub envelope: Vec<(String, String)>,
    /// The root's content, where no other document type has it.
    pub own: Option<Content>,
}

impl Form {
    const ALL: [(Form, &'static str); 9] = [
        (Form::Text, "text"),
        (Form::Number, "number"),
        (Form::Integer, "integer"),
        (Form::Boolean, "boolean"),
        (Form::Date, "date"),
        (Form::Time, "time"),
        (Form::DateTime, "date_time"),
        (Form::Code, "code"),
        (Form::Binary, "binary"),
    ];

    /// The form by its name in the notation.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, other)| *other == name).map(|(form, _)| *form)
    }

    /// Its name in the notation.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(form, _)| *form == self).map_or("text", |(_, name)| name)
    }
}

impl Contents {
    /// Drops what none of the document types uses; what is used and not defined becomes an anomaly.
    pub fn keep_used(&mut self) {
        let mut used: BTreeSet<String> = BTreeSet::new();
        let mut open: Vec<String> = Vec::new();
        for document in &self.documents {
            match &document.own {
                Some(own) => open.extend(own.parts.iter().map(|part| part.content.clone())),
                None => open.push(document.content.clone()),
            }
        }
        while let Some(name) = open.pop() {
            if !used.insert(name.clone()) {
                continue;
            }
            match self.contents.get(&name) {
                Some(content) => open.extend(content.parts.iter().map(|part| part.content.clone())),
                None => self.anomalies.push(format!("content {name} is used and not defined")),
            }
        }
        self.contents.retain(|name, _| used.contains(name));
    }

    /// The files of the version: name and content.
    #[must_use]
    pub fn write(&self) -> Vec<(String, String)> {
        let one = |document: &DocumentType| (format!("{}.yaml", document.kind), self.document(document));
        let mut files: Vec<_> = self.documents.iter().map(one).collect();
        files.push(("contents.yaml".into(), self.shared()));
        files
    }

    fn shared(&self) -> String {
        let mut out = String::new();
        line(&mut out, 0, "namespaces:");
        for (prefix, namespace) in &self.namespaces {
            line(&mut out, 1, &format!("{prefix}: {namespace}"));
        }
        line(&mut out, 0, "contents:");
        self.contents.iter().for_each(|(name, content)| self::content(&mut out, name, content));
        out
    }

    fn document(&self, document: &DocumentType) -> String {
        let mut out = String::new();
        let mut put = |key: &str, value: &str| line(&mut out, 0, &format!("{key}: {value}"));
        put("standard", &self.standard);
        put("version", &quoted(&self.version));
        put("type", &document.kind);
        put("name", &words(&document.kind));
        if let Some(namespace) = &document.namespace {
            put("namespace", namespace);
        }
        put("root", &document.root);
        put("content", &document.content);
        if let Some(inside) = &document.inside {
            put("inside", inside);
        }
        if let Some(doctype) = &document.doctype {
            put("doctype", &quoted(doctype));
        }
        if !document.envelope.is_empty() {
            line(&mut out, 0, "envelope:");
            for (key, paths) in &document.envelope {
                line(&mut out, 1, &format!("{key}: {}", as_scalar(paths)));
            }
        }
        if let Some(own) = &document.own {
            line(&mut out, 0, "contents:");
            content(&mut out, &document.content, own);
        }
        out
    }
}

fn content(out: &mut String, name: &str, content: &Content) {
    let is_empty = *content == Content::default();
    line(out, 1, &format!("{}:{}", quoted(name), if is_empty { " {}" } else { "" }));
    if content.open {
        line(out, 2, "open: true");
    }
    if let Some(form) = content.text {
        line(out, 2, &format!("text: {}", form.name()));
    }
    if content.any_order {
        line(out, 2, "order: any");
    }
    if !content.attributes.is_empty() {
        line(out, 2, "attributes:");
    }
    for Attribute { name, required, form, values } in &content.attributes {
        let values = if values.is_empty() { String::new() } else { format!(" = {}", values.join("|")) };
        let text = format!("{name} {} {}{values}", letter(*required), form.name());
        line(out, 3, &format!("- {}", as_scalar(&text)));
    }
    if !content.parts.is_empty() {
        line(out, 2, "parts:");
    }
    for Part { name, required, max, content } in &content.parts {
        let max = max.map_or_else(|| ">1".to_owned(), |max| max.to_string());
        line(out, 3, &format!("- {name} {} {max} {content}", letter(*required)));
    }
}

fn letter(required: bool) -> char {
    if required { 'R' } else { 'O' }
}

/// A scalar as it stands where YAML reads it so, in quotes else.
fn as_scalar(text: &str) -> String {
    let first = text.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
    let plain = first && !text.contains(": ") && !text.contains(" #") && !text.ends_with([':', ' ']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// `OrderResponse` as people say it: `Order response`; names of several capitals (`ID`) stay together.
fn words(kind: &str) -> String {
    let letters: Vec<char> = kind.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let begins = letter.is_ascii_uppercase()
            && at > 0
            && (letters[at - 1].is_ascii_lowercase() || letters.get(at + 1).is_some_and(char::is_ascii_lowercase));
        let stays = letters.get(at + 1).is_some_and(char::is_ascii_uppercase);
        match (begins, stays) {
            (true, false) => out.extend([' ', letter.to_ascii_lowercase()]),
            (true, true) => out.extend([' ', *letter]),
            (false, _) => out.push(*letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (kind, expected) in [
            ("Invoice", "Invoice"),
            ("OrderResponseSimple", "Order response simple"),
            ("PunchOutOrderMessage", "Punch out order message"),
            ("TransportIDRequest", "Transport ID request"),
        ] {
            assert_eq!(words(kind), expected);
        }
    }
}
