//! A guide: a narrower definition for a partner. It says of a document type which segments and elements must or must not
//! be there, which codes, lengths and values they take, and conditions of its own, each with the partner's sentence.
//!
//! `notation` reads it (`named` the places of documents whose definition has names), `resolve` finds its places in a placed
//! document, `validate::guide` checks by it. It never widens, but for codes that it adds to the standard's lists: what else
//! the standard forbids stays forbidden, and [`Guide::lint`] tells rules that try. `ready` has those to start from.

mod lint;
mod named;
mod notation;
pub mod ready;
mod resolve;

pub use lint::GuideProblem;
pub use resolve::Resolver;

use super::content::ITSELF;
use super::definition::{Area, Directory, Document, Node, Usage};
use super::load::{Library, LoadError};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use crate::inherit::{self, InheritError, Layer, Override};
use crate::near;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A guide as it counts: all its layers joined.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// The document type it narrows, `x12/004010/850`.
    pub document: String,
    /// What envelopes say to choose it: the suffix of GS08, ST03, UNH 0057. Its base's do not count.
    pub selects: Vec<String>,
    /// How bad it is not to follow it, where a rule does not say otherwise.
    pub severity: Severity,
    /// Codes of its own, with their meanings, by the element whose list they come to: an agency's that are agreed.
    pub adds: BTreeMap<String, BTreeMap<String, String>>,
    /// Its rules in order.
    pub rules: Vec<GuideRule>,
    /// Its conditions in order.
    pub conditions: Vec<GuideCondition>,
    /// What each layer above the lowest changes.
    pub overrides: Vec<Override>,
}

/// What is asked of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct GuideRule {
    /// As it is written, for messages and for the way back.
    pub text: String,
    /// Which segment, loop, element or component.
    pub place: GuidePlace,
    /// Whether it must be there; `None`: as the standard says.
    pub usage: Option<Usage>,
    /// How often a segment may stand in its loop.
    pub max: Option<u32>,
    /// Codes that may stand there; none: all of the standard.
    pub codes: Vec<String>,
    /// Fewest and most characters.
    pub length: Option<(u32, u32)>,
    /// The one value that must stand there when there is any.
    pub value: Option<String>,
    /// The partner's sentence.
    pub message: String,
    /// How bad, where it is not as the whole guide says.
    pub severity: Option<Severity>,
}

/// A condition: where all of `when` holds, all of `need` must.
#[derive(Debug, Clone, PartialEq)]
pub struct GuideCondition {
    /// Its name, unique in the guide.
    pub name: String,
    /// The loop in each of which it is asked, by trigger path; empty: the document.
    pub each: Vec<String>,
    /// When it counts; none: always.
    pub when: Vec<GuideTest>,
    /// What must hold then.
    pub need: Vec<GuideTest>,
    /// The partner's sentence.
    pub message: String,
    /// How bad, where it is not as the whole guide says.
    pub severity: Option<Severity>,
}

/// One question: whether something stands at a place, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct GuideTest {
    /// As it is written.
    pub text: String,
    /// Where.
    pub place: GuidePlace,
    /// The values asked for; none: any.
    pub values: Vec<String>,
    /// Whether the answer is turned round.
    pub negated: bool,
}

/// A place: loops by their triggers, the segment, and as far as it goes element and component.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuidePlace {
    /// Part of the document; any when `None`.
    pub area: Option<Area>,
    /// Loops to go into.
    pub loops: Vec<Step>,
    /// The segment.
    pub segment: Step,
    /// Element, from 1; 0 for the segment itself.
    pub element: u16,
    /// Component, from 1; 0 for the element as a whole.
    pub component: u16,
}

/// A segment, or the trigger of a loop, and what must stand in it to be meant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// The tag.
    pub tag: String,
    /// All of them must hold: `[01=ST|BT]`.
    pub selectors: Vec<Selector>,
}

/// What must stand in a segment, or in the loop that it begins, to be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// Where: in the segment itself when the place names none.
    pub place: GuidePlace,
    /// One of these.
    pub values: Vec<String>,
}

/// What is wrong with a guide: under which key, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideError {
    /// `rules.BEG02.codes`; empty for the whole.
    pub key: String,
    /// Expected and found.
    pub message: String,
}

impl std::fmt::Display for GuideError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.key.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.key, self.message) }
    }
}

impl std::error::Error for GuideError {}

/// What the lowest base of guides names.
const GROUND_EXPECTED: &str = "expected a document type such as x12/004010/850 or another guide";

fn ground_of(name: Option<&str>, library: &Library) -> Result<Arc<Document>, String> {
    let Some([standard, version, kind]) = name.and_then(parts) else {
        return Err(format!("{GROUND_EXPECTED}, found {}", name.unwrap_or("nothing")));
    };
    library.document(standard, version, kind).map_err(|error| match error {
        LoadError::Malformed { .. } => error.to_string(),
        LoadError::Unknown(name) => {
            let known: Vec<_> = library.list().iter().map(|parts| parts.join("/")).collect();
            format!("{GROUND_EXPECTED}, found {name}{}", near::hint(&name, &known))
        }
    })
}

fn parts(document: &str) -> Option<[&str; 3]> {
    <[&str; 3]>::try_from(document.split('/').collect::<Vec<_>>()).ok()
}

impl Guide {
    /// Reads the guide `name` with all it stands on; `find` gives the file of a guide by name, before the ready ones, and
    /// `library` the definition below them all, by which places are read.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(
        name: &str,
        library: &Library,
        find: impl FnMut(&str) -> Option<Value>,
    ) -> Result<Guide, Vec<GuideError>> {
        let base = |message: String| vec![GuideError { key: "base".to_owned(), message }];
        let (layers, ground) = Self::layers(name, find).map_err(|error| base(error.to_string()))?;
        let document = ground_of(ground.as_deref(), library);
        let mut guide = notation::guide(name, document, &inherit::joined(&layers))?;
        guide.overrides = inherit::overrides(&layers);
        // What chooses the base does not choose what stands on it: that is one partner's, and the envelope says no partner.
        let own = layers.last().is_some_and(|layer| layer.file.get("selects").is_some());
        guide.selects.retain(|_| own);
        Ok(guide)
    }

    /// Reads a guide from the text of a file, which may hold the guides it stands on as further documents; `kind` and
    /// `name` may stand in it, as in a resource. The first document is the guide.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(text: &str, library: &Library) -> Result<Guide, Vec<GuideError>> {
        let wrong = |message: String| vec![GuideError { key: String::new(), message }];
        let nodes = crate::yaml::documents(text).map_err(|error| wrong(error.to_string()))?;
        let files: Vec<(String, Value)> = nodes
            .iter()
            .map(|node| {
                let mut file = node.to_json();
                let mut take = |key: &str| file.as_object_mut().and_then(|file| file.shift_remove(key));
                take("kind");
                let name = take("name").and_then(|name| name.as_str().map(str::to_owned));
                (name.unwrap_or_else(|| "guide".to_owned()), file)
            })
            .collect();
        let Some((first, _)) = files.first() else { return Err(wrong("expected a guide, found nothing".to_owned())) };
        Self::load(first, library, |name| files.iter().find(|(one, _)| one == name).map(|(_, file)| file.clone()))
    }

    /// The files a guide is made of, the lowest first, and the document type below them all.
    ///
    /// # Errors
    /// A base is not there, or they turn in a circle.
    pub fn layers(
        name: &str,
        mut find: impl FnMut(&str) -> Option<Value>,
    ) -> Result<(Vec<Layer>, Option<String>), InheritError> {
        inherit::layers(name, |name| find(name).or_else(|| ready::file(name)).map(Ok), |name| name.contains('/'))
    }

    /// Standard, version and type of the document it narrows.
    #[must_use]
    pub fn parts(&self) -> Option<[&str; 3]> {
        parts(&self.document)
    }

    /// Whether it is the guide that allows what the standard finds wrong: a code that it adds.
    #[must_use]
    pub fn allows(&self, finding: &Diagnostic, directory: &Directory) -> bool {
        if self.adds.is_empty() || finding.fault != Fault::CodeUnknown {
            return false;
        }
        let at = finding.position;
        let Some(segment) = directory.segments.get(&finding.tag) else { return false };
        let slot = usize::from(at.element).checked_sub(1).and_then(|element| segment.elements.get(element));
        let Some(slot) = slot else { return false };
        let inner = directory
            .composites
            .get(&slot.id)
            .and_then(|composite| composite.components.get(usize::from(at.component.max(1)) - 1));
        let element = inner.map_or(&slot.id, |inner| &inner.id);
        self.adds.get(element).is_some_and(|codes| codes.contains_key(finding.value.trim_end()))
    }

    /// Whether it narrows this definition.
    #[must_use]
    pub fn is_for(&self, document: &Document) -> bool {
        let name = format!("{}/{}/{}", document.standard, document.version, document.kind);
        self.document.eq_ignore_ascii_case(&name)
    }

    /// Whether it narrows this document type, in this version or another.
    #[must_use]
    pub fn is_for_type(&self, document: &Document) -> bool {
        let same = |[standard, _, kind]: [&str; 3]| {
            standard.eq_ignore_ascii_case(&document.standard) && kind.eq_ignore_ascii_case(&document.kind)
        };
        self.parts().is_some_and(same)
    }

    /// The rules for a segment of the definition, its elements included: those whose loops and tag are `path` (a loop's
    /// trigger path, empty for the document) and `tag`.
    pub fn rules_at<'g>(&'g self, area: Area, path: &'g str, tag: &'g str) -> impl Iterator<Item = &'g GuideRule> {
        self.rules.iter().filter(move |rule| {
            let place = &rule.place;
            let fits = place.area.is_none_or(|one| one == area) && place.segment.tag == tag;
            fits && (place.path() == path || place.whole_path() == path)
        })
    }

    /// The definition as the guide leaves it: usage and maximum of segments and loops. Rules that hold only for some
    /// occurrences (`N1[01=ST]`) change nothing here; see [`Guide::rules_at`].
    #[must_use]
    pub fn narrowed(&self, document: &Document) -> Document {
        let mut narrowed = document.clone();
        self.narrow(&mut narrowed.nodes, "");
        narrowed
    }

    fn narrow(&self, nodes: &mut [Node], path: &str) {
        for node in nodes {
            let (area, tag) = (node.area, node.tag.clone());
            let plain =
                |rule: &&GuideRule| rule.place.element == 0 && rule.place.is_plain() && rule.place.path() == path;
            for rule in self.rules_at(area, path, &tag).filter(plain) {
                node.usage = rule.usage.unwrap_or(node.usage);
                node.max = rule.max.or(node.max);
            }
            if let Some(body) = &mut node.body {
                let inner = body.path.clone();
                if !self.rules.iter().any(|rule| rule.place.path() == inner || body.leads_to(&rule.place.path())) {
                    continue;
                }
                self.narrow(body.nodes.changeable().get_mut(1..).unwrap_or_default(), &inner);
            }
        }
    }
}

impl GuideRule {
    /// Whether it says what a value may be.
    #[must_use]
    pub fn is_of_values(&self) -> bool {
        !self.codes.is_empty() || self.length.is_some() || self.value.is_some()
    }
}

impl GuidePlace {
    /// The loops as a trigger path: `LIN/PRI`.
    #[must_use]
    pub fn path(&self) -> String {
        self.loops.iter().map(|step| step.tag.as_str()).collect::<Vec<_>>().join("/")
    }

    /// The same with the segment, which may be the trigger of a loop itself.
    #[must_use]
    pub fn whole_path(&self) -> String {
        let path = self.path();
        if path.is_empty() { self.segment.tag.clone() } else { format!("{path}/{}", self.segment.tag) }
    }

    /// Where the value stands that is asked for. Of an element of XML that is a segment of its own, that is its text.
    #[must_use]
    pub fn value(&self) -> (u16, u16) {
        if self.element == 0 { (ITSELF, 1) } else { (self.element, self.component) }
    }

    /// Whether it means all occurrences.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.segment.selectors.is_empty() && self.loops.iter().all(|step| step.selectors.is_empty())
    }
}
