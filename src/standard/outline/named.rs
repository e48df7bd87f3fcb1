//! The places of an XML document type: each element that has elements in it, or may repeat, with its attributes and with what
//! stands in it once. Contents may hold one another without end, so only some levels of the standard are listed; of a guide
//! it is what the standard requires and all that the guide speaks of.

use super::{Entry, Level, asked, narrow};
use crate::standard::content::{Content, ITSELF, Markup, Part};
use crate::standard::definition::{Usage, WALK_LEVELS};
use crate::standard::guide::{Guide, GuidePlace};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn outline(markup: &Markup, guide: Option<&Guide>, beside: Option<&Guide>) -> Vec<Entry> {
    let guides: Vec<&Guide> = guide.into_iter().chain(beside).collect();
    let spoken = guides.iter().flat_map(|guide| spoken(guide, markup)).collect();
    let spoken = (!guides.is_empty()).then_some(spoken);
    let mut walk = Walk { markup, guide, spoken, entries: Vec::new() };
    if let Some(root) = markup.root() {
        let entry = entry(&markup.root, &root.key, root, (Usage::Required, Some(1)), Level::Loop, 0);
        walk.element(&mut Vec::new(), root, entry);
    }
    walk.entries
}

/// The paths that a guide speaks of, and those that lead to them.
fn spoken(guide: &Guide, markup: &Markup) -> BTreeSet<String> {
    let each = guide.conditions.iter().flat_map(|condition| {
        condition.when.iter().chain(&condition.need).map(|test| (condition.each.as_slice(), &test.place))
    });
    let mut found = BTreeSet::new();
    for (around, place) in guide.rules.iter().map(|rule| (&[][..], &rule.place)).chain(each) {
        let mut steps = around.to_vec();
        steps.extend(names(place, markup).into_iter().filter(|name| around.last() != Some(name)));
        let path = markup.place(&steps, place.element, place.component);
        let ends = path.match_indices(['/', '@']).map(|(at, _)| at).chain([path.len()]);
        found.extend(ends.map(|end| path[..end].to_owned()));
    }
    found
}

/// The elements that a place goes through, from below the root.
fn names(place: &GuidePlace, markup: &Markup) -> Vec<String> {
    let steps = place.loops.iter().chain([&place.segment]).map(|step| step.tag.clone());
    steps.filter(|name| *name != markup.root).collect()
}

struct Walk<'a> {
    markup: &'a Markup,
    guide: Option<&'a Guide>,
    /// `None` where all is listed.
    spoken: Option<BTreeSet<String>>,
    entries: Vec<Entry>,
}

impl<'a> Walk<'a> {
    /// An element that is a segment of its own, and what is in it. `path` leads to it from below the root.
    fn element(&mut self, path: &mut Vec<String>, content: &'a Content, entry: Entry) {
        let place = entry.place.clone();
        let depth = entry.depth;
        if self.list(entry, path, (0, 0)) == Usage::Unused {
            return;
        }
        self.attributes(path, content, &place, ITSELF, depth);
        let parts = |own: bool| content.parts.iter().filter(move |part| part.element().is_some() == own);
        for part in parts(true) {
            let inside = format!("{}{}", prefix(path), part.name);
            if !self.is_listed(&inside, part.usage, path.len() + 1) {
                continue;
            }
            let Some(holds) = self.markup.contents.get(&part.content) else { continue };
            let number = part.element().unwrap_or(ITSELF);
            let one = self::entry(&inside, &part.content, holds, (part.usage, part.max), Level::Element, depth);
            if self.list(one, path, (number, 1)) == Usage::Unused {
                continue;
            }
            self.attributes(path, holds, &inside, number, depth);
        }
        for part in parts(false) {
            self.below(path, part, depth);
        }
    }

    fn below(&mut self, path: &mut Vec<String>, part: &'a Part, depth: usize) {
        let inside = format!("{}{}", prefix(path), part.name);
        if !self.is_listed(&inside, part.usage, path.len() + 1) {
            return;
        }
        let Some(holds) = self.markup.contents.get(&part.content) else { return };
        let level = if holds.is_leaf() { Level::Segment } else { Level::Loop };
        let one = entry(&inside, &part.content, holds, (part.usage, part.max), level, depth + 1);
        path.push(part.name.clone());
        self.element(path, holds, one);
        path.pop();
    }

    fn attributes(&mut self, path: &[String], content: &'a Content, place: &str, element: u16, depth: usize) {
        for (attribute, component) in content.attributes.iter().zip(2..) {
            let is_root = path.is_empty() && element == ITSELF;
            let at = format!("{}@{}", if is_root { "" } else { place }, attribute.name);
            if !self.is_listed(&at, attribute.usage, path.len()) {
                continue;
            }
            let mut one = entry(&at, &attribute.name, content, (attribute.usage, Some(1)), Level::Component, depth);
            attribute.form.name().clone_into(&mut one.form);
            format!("@{}", attribute.name).clone_into(&mut one.name);
            one.codes = attribute.values.iter().map(|value| (value.clone(), String::new())).collect();
            self.list(one, path, (element, component));
        }
    }

    fn is_listed(&self, place: &str, usage: Usage, level: usize) -> bool {
        match &self.spoken {
            None => level < WALK_LEVELS,
            Some(spoken) => spoken.contains(place) || (usage == Usage::Required && level <= WALK_LEVELS),
        }
    }

    /// Adds an entry with what the guide asks of it, and says its usage; `at` are its numbers, 0 for the element as such.
    fn list(&mut self, mut entry: Entry, path: &[String], at: (u16, u16)) -> Usage {
        for rule in self.guide.into_iter().flat_map(|guide| &guide.rules) {
            let place = &rule.place;
            if (place.element, place.component) != at || names(place, self.markup) != path {
                continue;
            }
            if at.0 > 0 {
                narrow(&mut entry, rule, false, false);
                continue;
            }
            entry.asked.push(asked(rule));
            if place.is_plain() {
                entry.usage = rule.usage.unwrap_or(entry.usage);
                entry.max = rule.max.or(entry.max);
            }
        }
        let usage = entry.usage;
        self.entries.push(entry);
        usage
    }
}

fn prefix(path: &[String]) -> String {
    path.iter().map(|name| format!("{name}/")).collect()
}

fn entry(
    place: &str,
    id: &str,
    content: &Content,
    (usage, max): (Usage, Option<u32>),
    level: Level,
    depth: usize,
) -> Entry {
    Entry {
        place: place.to_owned(),
        level,
        depth,
        id: id.to_owned(),
        name: content.name.clone(),
        label: String::new(),
        usage,
        max,
        form: content.text.map_or(String::new(), |form| form.name().to_owned()),
        codes: BTreeMap::new(),
        conditions: Vec::new(),
        asked: Vec::new(),
    }
}
