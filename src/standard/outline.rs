//! A document type, with or without a guide laid over it, as a flat list of places with all that is said of each: what
//! a printed guide consists of, and what two of them are compared by. `named` lists those whose places are names.

mod named;

use super::definition::{Directory, Document, Node, Place, Usage};
use super::guide::{Guide, GuideRule};
use super::validate::in_words;
use serde::Serialize;
use std::collections::BTreeMap;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A loop with its trigger segment.
    Loop,
    /// A segment.
    Segment,
    /// An element of the segment before.
    Element,
    /// A component of the element before.
    Component,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// `heading:N1/N3.01`; where the document type has a place twice, the second ends with `#2`.
    pub place: String,
    /// What it is.
    pub level: Level,
    /// How many loops it stands in.
    pub depth: usize,
    /// Tag, or number in the standard's dictionary.
    pub id: String,
    /// Name.
    pub name: String,
    /// The standard's own name of a loop.
    pub label: String,
    /// Whether it must be there.
    #[serde(serialize_with = "usage")]
    pub usage: Usage,
    /// How often; `None` is no limit.
    pub max: Option<u32>,
    /// Type and length, `text 1..22`; empty for segments.
    pub form: String,
    /// Codes that may stand there, with their meanings; none when it is open.
    pub codes: BTreeMap<String, String>,
    /// Conditions of the standard, in words.
    pub conditions: Vec<String>,
    /// What the guide asks, in words.
    pub asked: Vec<String>,
}

fn usage<S: serde::Serializer>(usage: &Usage, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(usage.name())
}

/// Lists all places of a document type in their order, narrowed by the guide where there is one. Of XML, where there is no
/// end of places, those are listed that a guide speaks of, or the one it is compared with, `beside`.
#[must_use]
pub fn outline(
    document: &Document,
    directory: &Directory,
    guide: Option<&Guide>,
    beside: Option<&Guide>,
) -> Vec<Entry> {
    if let Some(markup) = &document.markup {
        return named::outline(markup, guide, beside);
    }
    let narrowed = guide.map(|guide| guide.narrowed(document));
    let mut walk = Walk { directory, guide, entries: Vec::new(), seen: BTreeMap::new() };
    walk.nodes(&narrowed.as_ref().unwrap_or(document).nodes, "", 0);
    walk.entries
}

/// What a rule of a guide asks, in words.
#[must_use]
pub fn rule_in_words(rule: &GuideRule) -> String {
    let mut parts = Vec::new();
    if let Some(usage) = rule.usage {
        parts.push(usage.name().to_owned());
    }
    if let Some(max) = rule.max {
        parts.push(if max == 1 { "once".to_owned() } else { format!("at most {max} times") });
    }
    if !rule.codes.is_empty() {
        parts.push(format!("one of {}", rule.codes.join(", ")));
    }
    if let Some(value) = &rule.value {
        parts.push(format!("always {value}"));
    }
    match rule.length {
        Some((min, max)) if min == max => parts.push(format!("{max} characters")),
        Some((min, max)) => parts.push(format!("{min} to {max} characters")),
        None => {}
    }
    let said = parts.join(", ");
    if rule.message.is_empty() { said } else { format!("{said} ({})", rule.message) }
}

struct Walk<'a> {
    directory: &'a Directory,
    guide: Option<&'a Guide>,
    entries: Vec<Entry>,
    seen: BTreeMap<String, u32>,
}

impl<'a> Walk<'a> {
    fn nodes(&mut self, nodes: &'a [Node], path: &str, depth: usize) {
        for node in nodes {
            match &node.body {
                None => self.segment(node, path, depth),
                Some(body) => {
                    self.segment(node, &body.path, depth);
                    // The trigger is a node of its own loop as well; it was listed as the loop.
                    self.nodes(body.nodes.walked().get(1..).unwrap_or_default(), &body.path, depth + 1);
                }
            }
        }
    }

    fn segment(&mut self, node: &'a Node, path: &str, depth: usize) {
        let mut steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        if node.body.is_none() {
            steps.push(&node.tag);
        }
        let place = self.unique(format!("{}:{}", node.area.name(), steps.join("/")));
        let definition = self.directory.segments.get(&node.tag);
        let conditions = definition.into_iter().flat_map(|one| &one.conditions);
        let rules: Vec<&GuideRule> =
            self.guide.into_iter().flat_map(|guide| guide.rules_at(node.area, path, &node.tag)).collect();
        let own = rules.iter().filter(|rule| rule.place.element == 0);
        self.entries.push(Entry {
            place: place.clone(),
            level: if node.body.is_some() { Level::Loop } else { Level::Segment },
            depth,
            id: node.tag.clone(),
            name: definition.map_or(String::new(), |one| one.name.clone()),
            label: node.body.as_ref().map_or(String::new(), |body| body.label.clone()),
            usage: node.usage,
            max: node.max,
            form: String::new(),
            codes: BTreeMap::new(),
            conditions: conditions.map(|one| format!("{one}: {}", in_words(one, |at| format!("{at:02}")))).collect(),
            asked: own.map(|rule| asked(rule)).collect(),
        });
        for (index, element) in definition.into_iter().flat_map(|one| one.elements.iter().enumerate()) {
            let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
            self.element(element, &format!("{place}.{number:02}"), (number, 0), depth, &rules);
            let composite = self.directory.composites.get(&element.id);
            for (index, component) in composite.into_iter().flat_map(|one| one.components.iter().enumerate()) {
                let inner = u16::try_from(index + 1).unwrap_or(u16::MAX);
                self.element(component, &format!("{place}.{number:02}.{inner}"), (number, inner), depth, &rules);
            }
        }
    }

    fn element(&mut self, slot: &Place, place: &str, at: (u16, u16), depth: usize, rules: &[&GuideRule]) {
        let is_composite = self.directory.composites.contains_key(&slot.id);
        let list = self.directory.elements.get(&slot.id).and_then(|one| self.directory.codes.get(&one.codes));
        let mut entry = Entry {
            place: place.to_owned(),
            level: if at.1 == 0 { Level::Element } else { Level::Component },
            depth,
            id: slot.id.clone(),
            name: slot.name.clone(),
            label: String::new(),
            usage: slot.usage,
            max: Some(slot.max),
            form: self.directory.form(&slot.id),
            codes: list.cloned().unwrap_or_default(),
            conditions: Vec::new(),
            asked: Vec::new(),
        };
        if let Some(added) = self.guide.and_then(|guide| guide.adds.get(&slot.id)) {
            entry.codes.extend(added.iter().map(|(code, meaning)| (code.clone(), meaning.clone())));
        }
        // A composite named whole is its first component, but for its usage.
        let own = |rule: &&&GuideRule| {
            let place = &rule.place;
            place.element == at.0 && (place.component == at.1 || (place.component == 0 && at.1 == 1))
        };
        for rule in rules.iter().filter(own) {
            let is_whole = is_composite || (rule.place.component == 0 && at.1 == 1);
            narrow(&mut entry, rule, is_composite, is_whole && at.1 == 1);
        }
        self.entries.push(entry);
    }

    fn unique(&mut self, place: String) -> String {
        let count = self.seen.entry(place.clone()).or_default();
        *count += 1;
        if *count == 1 { place } else { format!("{place}#{count}") }
    }
}

fn narrow(entry: &mut Entry, rule: &GuideRule, is_composite: bool, is_first: bool) {
    if is_first && rule.codes.is_empty() && rule.value.is_none() && rule.length.is_none() {
        return;
    }
    entry.asked.push(asked(rule));
    if !rule.place.is_plain() {
        return;
    }
    if !is_first {
        entry.usage = rule.usage.unwrap_or(entry.usage);
    }
    if is_composite {
        return;
    }
    let wanted: Vec<&String> = rule.codes.iter().chain(&rule.value).collect();
    if !wanted.is_empty() {
        let meaning = |code: &&String| entry.codes.get(*code).cloned().unwrap_or_default();
        entry.codes = wanted.iter().map(|code| ((*code).clone(), meaning(code))).collect();
    }
    if let Some((min, max)) = rule.length {
        // What XML holds has no length of its own.
        let kind = entry.form.rsplit_once(' ').map_or(entry.form.as_str(), |(kind, _)| kind);
        entry.form = format!("{kind} {min}..{max}");
    }
}

/// The words of a rule, with its place where it means only some occurrences.
fn asked(rule: &GuideRule) -> String {
    let words = rule_in_words(rule);
    if rule.place.is_plain() { words } else { format!("{}: {words}", rule.text) }
}
