//! What an importer of an XML standard makes: contents (what an element holds) and document types (a root and its
//! content), and the files they become in the project's notation.
//!
//! What elements hold is `standard::content`'s, which reads the files again. Which alternatives of a
//! choice exclude one another is not kept: each of them is an optional part.

use super::write::{line, quoted, quoted_but_for};
use crate::standard::content::Content;
use crate::standard::definition::Usage;
use std::collections::{BTreeMap, BTreeSet};

/// The signs of paths, attributes and their values, which are written without quotes.
const NOTATION: &str = "@|=_:";

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
                line(&mut out, 1, &format!("{key}: {}", quoted_but_for(paths, NOTATION)));
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
    if content.is_open {
        line(out, 2, "open: true");
    }
    if let Some(form) = content.text {
        line(out, 2, &format!("text: {}", form.name()));
    }
    if content.is_unordered {
        line(out, 2, "order: any");
    }
    if !content.attributes.is_empty() {
        line(out, 2, "attributes:");
    }
    for attribute in &content.attributes {
        line(out, 3, &format!("- {}", quoted_but_for(&attribute.to_string(), NOTATION)));
    }
    if !content.parts.is_empty() {
        line(out, 2, "parts:");
    }
    for part in &content.parts {
        line(out, 3, &format!("- {part}"));
    }
}

/// Usage of what must be there, and of what may.
pub fn usage(is_required: bool) -> Usage {
    if is_required { Usage::Required } else { Usage::Optional }
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
