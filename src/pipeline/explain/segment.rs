//! The segments of a run with what the definition says of them and of each value in them.

use super::{ElementPart, RulePart, SegmentPart};
use crate::standard::definition::{Area, Condition, Directory, Document, Node, Place, SegmentDefinition};
use crate::standard::place::Placement;
use crate::standard::validate::{in_words, is_met};
use crate::tree::{Run, Segment, Value};
use std::collections::HashMap;

/// All segments; without a definition of the document they have no place in it.
pub fn parts(directory: &Directory, run: &Run<'_>, placed: Option<(&Document, &Placement)>) -> Vec<SegmentPart> {
    let mut counts: HashMap<&[u8], (u32, u32)> = HashMap::new();
    for segment in run.segments() {
        counts.entry(segment.tag()).or_default().0 += 1;
    }
    let mut parts = Vec::with_capacity(run.len());
    for segment in run.segments() {
        let count = counts.entry(segment.tag()).or_default();
        count.1 += 1;
        let number = if count.0 > 1 { format!("[{}]", count.1) } else { String::new() };
        let place = format!("{}{number}", segment.tag_text());
        parts.push(part(directory, run, &segment, place, placed));
    }
    parts
}

fn part(
    directory: &Directory,
    run: &Run<'_>,
    segment: &Segment<'_>,
    place: String,
    placed: Option<(&Document, &Placement)>,
) -> SegmentPart {
    let tag = segment.tag_text().into_owned();
    let definition = directory.segments.get(&tag);
    let (area, loop_path) = home(segment.ordinal(), placed).unzip();
    let loop_path = loop_path.unwrap_or_default();
    let node = placed.and_then(|(document, _)| document.node(area?, loop_path, &tag));
    let label = placed.and_then(|(document, _)| label(document, area?, loop_path));
    let shown = Shown { directory, place: &place, source: &source(directory) };
    SegmentPart {
        segment: u32::try_from(segment.ordinal() + 1).unwrap_or(u32::MAX),
        name: definition.map_or(String::new(), |one| one.name.clone()),
        area: area.map(Area::name),
        loop_path: loop_path.to_owned(),
        label: label.unwrap_or_default(),
        is_trigger: node.is_some_and(|node| node.body.is_some()),
        usage: node.map(|node| node.usage.name()),
        max: node.and_then(|node| node.max),
        source: shown.source.to_owned(),
        line: segment.line(),
        offset: segment.offset(),
        length: segment.raw().len() as u64,
        text: run.charset.decode(segment.raw()).into_owned(),
        elements: shown.elements(segment, definition),
        asked: Vec::new(),
        rules: shown.rules(segment, definition),
        findings: Vec::new(),
        place,
        tag,
    }
}

/// What says so: the version's directory.
pub fn source(directory: &Directory) -> String {
    format!("{}/{}", directory.standard, directory.version)
}

fn home<'p>(ordinal: usize, placed: Option<(&Document, &'p Placement)>) -> Option<(Area, &'p str)> {
    let (_, placement) = placed?;
    let (area, instance) = placement.homes.get(ordinal).copied().flatten()?;
    Some((area, placement.path(instance)))
}

fn label(document: &Document, area: Area, loop_path: &str) -> Option<String> {
    let tag = loop_path.rsplit('/').next().filter(|tag| !tag.is_empty())?;
    let node: &Node = document.node(area, loop_path, tag)?;
    Some(node.body.as_ref()?.label.clone())
}

/// What the parts of a segment share.
struct Shown<'a> {
    directory: &'a Directory,
    place: &'a str,
    source: &'a str,
}

impl Shown<'_> {
    fn elements(&self, segment: &Segment<'_>, definition: Option<&SegmentDefinition>) -> Vec<ElementPart> {
        let mut parts = Vec::new();
        let values: Vec<Value<'_>> = segment.elements().collect();
        let known = definition.map_or(0, |one| one.elements.len());
        for index in 0..values.len().max(known) {
            let place = definition.and_then(|one| one.elements.get(index));
            let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
            match values.get(index).filter(|value| !value.is_empty()) {
                Some(value) => self.repetitions(*value, place, number, &mut parts),
                None if place.is_some_and(|place| place.usage.name() == "required") => {
                    parts.push(self.element(place, (number, 0, 0), String::new()));
                }
                None => {}
            }
        }
        parts
    }

    fn repetitions(&self, value: Value<'_>, place: Option<&Place>, element: u16, parts: &mut Vec<ElementPart>) {
        let count = value.repetitions().count();
        let composite = place.and_then(|place| self.directory.composites.get(&place.id));
        for (index, one) in value.repetitions().enumerate() {
            let repetition = if count > 1 { u16::try_from(index + 1).unwrap_or(u16::MAX) } else { 0 };
            if composite.is_none() && one.components().count() <= 1 {
                parts.push(self.element(place, (element, 0, repetition), one.text().into_owned()));
                continue;
            }
            let filled = one.components().enumerate().filter(|(_, component)| !component.is_empty());
            for (index, component) in filled {
                let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
                let place = composite.and_then(|composite| composite.components.get(index));
                parts.push(self.element(place, (element, number, repetition), component.text().into_owned()));
            }
        }
    }

    fn element(&self, place: Option<&Place>, at: (u16, u16, u16), value: String) -> ElementPart {
        let (element, component, repetition) = at;
        let id = place.map_or(String::new(), |place| place.id.clone());
        let mut printed = format!("{}.{element:02}", self.place);
        if component > 0 {
            printed.push_str(&format!(".{component}"));
        }
        if repetition > 0 {
            printed.push_str(&format!("*{repetition}"));
        }
        ElementPart {
            element,
            component,
            repetition,
            place: printed,
            name: place.map_or(String::new(), |place| place.name.clone()),
            usage: place.map(|place| place.usage.name()),
            form: place.map_or(String::new(), |place| self.directory.form(&place.id)),
            source: self.source.to_owned(),
            meaning: self.directory.meaning(&id, value.trim_end_matches(' ')).map(str::to_owned),
            value,
            asked: Vec::new(),
            fields: Vec::new(),
            findings: Vec::new(),
            id,
        }
    }

    /// The conditions that concern what is there: one of their elements is filled, or they are broken.
    fn rules(&self, segment: &Segment<'_>, definition: Option<&SegmentDefinition>) -> Vec<RulePart> {
        let filled: Vec<bool> = segment.elements().map(|value| !value.is_empty()).collect();
        let has = |element: u16| filled.get(usize::from(element).wrapping_sub(1)).copied().unwrap_or(false);
        let concerns = |one: &&Condition| !is_met(one, &filled) || one.elements.iter().any(|&element| has(element));
        let tag = segment.tag_text();
        let one = |condition: &Condition| rule(condition, &tag, self.source, is_met(condition, &filled));
        definition.into_iter().flat_map(|one| &one.conditions).filter(concerns).map(one).collect()
    }
}

/// A condition in words.
pub fn rule(condition: &Condition, tag: &str, source: &str, is_met: bool) -> RulePart {
    let words = in_words(condition, |element| format!("{tag}.{element:02}"));
    let elements = condition.elements.clone();
    RulePart { rule: condition.to_string(), words, elements, source: source.to_owned(), is_met }
}
