//! Checks a document against its definition and collects every fault: structure, elements, conditions.
//!
//! It does not compare totals or references (that is `entity`), nor counts and control numbers of the envelope
//! (`codec::segment::EnvelopeCheck`).

mod bounds;
mod clean;
mod condition;
mod element;
mod guide;
mod hierarchy;
mod laid; // the texts of items that are alike
pub use condition::{in_words, is_met};
pub(crate) use element::{is_date, is_time};
pub use guide::follow;
pub use laid::TextRules;

use self::clean::Clean;
use super::definition::{CompositeDefinition, Directory, Document, Place, SegmentDefinition, Usage};
use super::place::{LeftOut, Placement, Walk};
use crate::diagnostic::{Diagnostic, Fault, Position, Severity, Syntax, VALUE_CHARACTERS_MAX, keep};
use crate::tree::{Run, Segment, Value};
use std::collections::HashMap;

/// Validates `run`, a whole document with header and trailer. The findings come in the order of the bytes.
#[must_use]
pub fn validate(document: &Document, directory: &Directory, run: &Run<'_>) -> (Placement, Vec<Diagnostic>) {
    let (placement, faults, _) = validate_but(document, directory, run, &[]);
    (placement, faults)
}

/// The same of a document of which segments were left out, in the order in which they would stand there. Whether these have
/// their places comes with it; what stands in them is for [`TextRules`].
#[must_use]
pub fn validate_but(
    document: &Document,
    directory: &Directory,
    run: &Run<'_>,
    left_out: &[LeftOut],
) -> (Placement, Vec<Diagnostic>, bool) {
    let syntax = Syntax::of(&document.standard);
    let mut walk = Walk::new(document, directory, run);
    let mut clean = Clean::new(directory.rules(), run);
    // Most segments are surely without fault; the others are looked at again, in words.
    let (mut doubtful, mut from, mut have_places) = (Vec::new(), 0, true);
    let ends = left_out.iter().map(|one| (one.behind.min(run.len()), Some(one))).chain([(run.len(), None)]);
    for (end, left_out) in ends {
        for (ordinal, mark) in run.index.segments[from.min(end)..end].iter().enumerate() {
            let rules = walk.next().flatten();
            if !clean.segment(mark, rules) {
                doubtful.push(from + ordinal);
            }
        }
        have_places &= left_out.is_none_or(|left_out| walk.pass(left_out));
        from = end;
    }
    let (placement, mut faults) = walk.end();
    let mut occurrences = None;
    // The tests of debug builds ask both ways.
    let again = if cfg!(debug_assertions) { (0..run.len()).collect() } else { doubtful.clone() };
    for ordinal in again {
        let is_clean = doubtful.binary_search(&ordinal).is_err();
        let Some(segment) = run.segment(ordinal) else { continue };
        let Some(definition) = directory.segments.get(&segment.tag_text()) else { continue };
        let loop_path = match placement.homes.get(ordinal) {
            Some(Some((_, home))) => placement.path(*home),
            _ => "",
        };
        let mut check = Check { directory, syntax, run, segment, occurrence: None, loop_path, faults: Vec::new() };
        check.segment(definition);
        if check.faults.is_empty() {
            continue;
        }
        debug_assert!(!is_clean, "{:?}", check.faults);
        // Only what is told names its place, and only that needs to know which of several segments it is.
        check.occurrence = occurrences.get_or_insert_with(|| Occurrences::of(run)).of_segment(&segment);
        check.faults.clear();
        check.segment(definition);
        check.faults.drain(..).for_each(|finding| keep(&mut faults, finding));
    }
    // In a wrapped interchange a line end may stand in a tag: there nobody has looked.
    if !clean.nodes.is_empty() || run.index.wrapped {
        hierarchy::check(directory, syntax, run, (&placement, &clean.nodes), &mut faults);
    }
    if syntax == Syntax::X12 && document.order(directory).knows(b"LS") {
        bounds::check(directory, run, &placement, &mut faults);
    }
    faults.sort_by_key(|fault| (fault.position.segment, fault.offset));
    (placement, faults, have_places)
}

/// Which of several segments of one tag each is.
struct Occurrences<'a> {
    totals: HashMap<&'a [u8], u32>,
    /// By ordinal of the segment, from 1.
    numbers: Vec<u32>,
}

impl<'a> Occurrences<'a> {
    fn of(run: &Run<'a>) -> Self {
        let mut totals = HashMap::new();
        let number = |segment: Segment<'a>| {
            let total = totals.entry(segment.tag()).or_default();
            *total += 1;
            *total
        };
        let numbers = run.segments().map(number).collect();
        Occurrences { totals, numbers }
    }

    /// `None` for the only one.
    fn of_segment(&self, segment: &Segment<'a>) -> Option<u32> {
        let total = self.totals.get(segment.tag()).copied().unwrap_or_default();
        self.numbers.get(segment.ordinal()).copied().filter(|_| total > 1)
    }
}

/// The check of one segment.
struct Check<'a> {
    directory: &'a Directory,
    syntax: Syntax,
    run: &'a Run<'a>,
    segment: Segment<'a>,
    occurrence: Option<u32>,
    loop_path: &'a str,
    faults: Vec<Diagnostic>,
}

/// Where in the segment, 1-based; component and repetition 0 when not that deep.
#[derive(Clone, Copy)]
struct At {
    element: usize,
    component: usize,
    repetition: usize,
}

impl<'a> Check<'a> {
    fn segment(&mut self, definition: &SegmentDefinition) {
        let mut all = self.segment.elements();
        if all.all(|value| value.is_empty()) && definition.elements.iter().any(|one| one.usage == Usage::Required) {
            let finding = self.finding(Fault::SegmentEmpty, None, None);
            keep(&mut self.faults, finding);
            return;
        }
        let known = definition.elements.len();
        // Where nothing separates repetitions (syntax 1 to 3), the last element repeats in elements of its own.
        let last = definition.elements.last().filter(|_| self.run.separators.repetition.is_none());
        let most = last.map_or(known, |last| known + last.max as usize - 1);
        // A stranger's segment may have any number of them.
        let values: Vec<Value<'a>> = self.segment.elements().take(most).collect();
        for (index, place) in definition.elements.iter().enumerate() {
            let at = At { element: index + 1, component: 0, repetition: 0 };
            match values.get(index).filter(|value| !value.is_empty()) {
                Some(value) => self.repetitions(*value, place, at),
                None if place.usage == Usage::Required => self.missing(place, at, values.get(index).copied()),
                None => {}
            }
        }
        for (index, value) in values.iter().enumerate().skip(known).filter(|(_, value)| !value.is_empty()) {
            let at = At { element: index + 1, component: 0, repetition: 0 };
            last.into_iter().for_each(|place| self.repetitions(*value, place, at));
        }
        self.surplus(most);
        let filled: Vec<bool> = values.iter().map(|value| !value.is_empty()).collect();
        for condition in &definition.conditions {
            if let Some(broken) = condition::broken(condition, &filled) {
                let at = At { element: usize::from(broken.element), component: 0, repetition: 0 };
                let expected = broken.expected(|element| self.place_of(At { element: usize::from(element), ..at }));
                let value = values.get(at.element - 1).copied();
                let mut finding = self.finding(broken.fault(), Some(at), value).because(expected, broken.found);
                finding.trigger = broken.trigger(&filled);
                keep(&mut self.faults, finding);
            }
        }
    }

    /// Elements past the last one defined: filled ones are wrong, empty ones at the end needless.
    fn surplus(&mut self, known: usize) {
        for (index, value) in self.segment.elements().enumerate().skip(known).filter(|(_, value)| !value.is_empty()) {
            let at = At { element: index + 1, component: 0, repetition: 0 };
            let expected = format!("at most {known} elements");
            let finding = self.finding(Fault::ElementTooMany, Some(at), Some(value)).because(expected, value.text());
            keep(&mut self.faults, finding);
        }
        if let Some(last) = self.segment.elements().last().filter(Value::is_empty) {
            let at = At { element: self.segment.element_count(), component: 0, repetition: 0 };
            let finding = self.finding(Fault::ElementTrailing, Some(at), Some(last));
            keep(&mut self.faults, finding);
        }
    }

    fn repetitions(&mut self, value: Value<'a>, place: &Place, at: At) {
        let count = value.repetitions().count();
        if count > place.max as usize {
            let mut finding = self.finding(Fault::RepetitionTooMany, Some(at), Some(value));
            // The sources of X12 know of few elements that they repeat: of the others it is not known that they do not.
            if self.syntax == Syntax::X12 && place.max == 1 {
                finding = finding.severity(Severity::Warning);
            }
            keep(&mut self.faults, finding.because(format!("at most {}", place.max), count.to_string()));
        }
        for (index, one) in value.repetitions().enumerate() {
            let at = At { repetition: if count > 1 { index + 1 } else { 0 }, ..at };
            match self.directory.composites.get(&place.id) {
                Some(composite) => self.composite(one, composite, at),
                None => self.simple(one, place, at, false),
            }
        }
    }

    fn composite(&mut self, value: Value<'a>, composite: &CompositeDefinition, at: At) {
        let known = composite.components.len();
        let components: Vec<Value<'a>> = value.components().take(known).collect();
        for (index, place) in composite.components.iter().enumerate() {
            let at = At { component: index + 1, ..at };
            match components.get(index).filter(|component| !component.is_empty()) {
                Some(component) => {
                    self.simple(*component, place, at, is_of_another_list(&components, composite, index))
                }
                None if place.usage == Usage::Required => self.missing(place, at, components.get(index).copied()),
                None => {}
            }
        }
        for (index, surplus) in value.components().enumerate().skip(known).filter(|(_, one)| !one.is_empty()) {
            let at = At { component: index + 1, ..at };
            let expected = format!("at most {known} components");
            let finding =
                self.finding(Fault::ElementTooMany, Some(at), Some(surplus)).because(expected, surplus.text());
            keep(&mut self.faults, finding);
        }
        let filled: Vec<bool> = components.iter().map(|one| !one.is_empty()).collect();
        for condition in &composite.conditions {
            if let Some(broken) = condition::broken(condition, &filled) {
                let at = At { component: usize::from(broken.element), ..at };
                let expected =
                    broken.expected(|component| self.place_of(At { component: usize::from(component), ..at }));
                let finding = self.finding(broken.fault(), Some(at), components.get(at.component - 1).copied());
                keep(&mut self.faults, finding.because(expected, broken.found));
            }
        }
    }

    /// `any_code`: the value is of a code list that is not the directory's.
    fn simple(&mut self, value: Value<'a>, place: &Place, at: At, any_code: bool) {
        let Some(definition) = self.directory.elements.get(&place.id) else { return };
        if !value.is_plain() && value.components().count() > 1 {
            let finding = self.finding(Fault::ElementTooMany, Some(at), Some(value));
            keep(&mut self.faults, finding.because("one value, no components", value.text()));
            return;
        }
        let codes = self.directory.codes.get(&definition.codes).filter(|_| !any_code);
        let text = value.text();
        for (fault, expected, found) in element::faults(definition, codes, &text, self.run.separators.decimal) {
            let finding = self.finding(fault, Some(at), Some(value)).because(expected, found);
            keep(&mut self.faults, finding);
        }
    }

    fn missing(&mut self, place: &Place, at: At, value: Option<Value<'a>>) {
        let finding = self.finding(Fault::ElementMissing, Some(at), value).because(place.name.clone(), "nothing");
        keep(&mut self.faults, finding);
    }

    /// The place as the field writes it: `PO1[2].04`, `NAD.03.1`, `EB.03*2`.
    fn place_of(&self, at: At) -> String {
        use std::fmt::Write as _;
        let mut place = self.segment.tag_text().into_owned();
        let component = (at.component > 0).then_some(at.component);
        let repetition = (at.repetition > 0).then_some(at.repetition);
        // Writing to a string cannot fail.
        let _infallible = (|| {
            if let Some(occurrence) = self.occurrence {
                write!(place, "[{occurrence}]")?;
            }
            write!(place, ".{:02}", at.element)?;
            component.map_or(Ok(()), |component| write!(place, ".{component}"))?;
            repetition.map_or(Ok(()), |repetition| write!(place, "*{repetition}"))
        })();
        place
    }

    /// The dictionary number of the element or component at this place; empty past the last and for composites.
    fn element_number(&self, at: At) -> String {
        let definition = self.directory.segments.get(&self.segment.tag_text());
        let Some(place) = definition.and_then(|segment| segment.elements.get(at.element.wrapping_sub(1))) else {
            return String::new();
        };
        match self.directory.composites.get(&place.id) {
            None => place.id.clone(),
            Some(composite) => {
                let component = composite.components.get(at.component.wrapping_sub(1));
                component.map_or(String::new(), |component| component.id.clone())
            }
        }
    }

    fn finding(&self, fault: Fault, at: Option<At>, value: Option<Value<'a>>) -> Diagnostic {
        let ordinal = u32::try_from(self.segment.ordinal() + 1).unwrap_or(u32::MAX);
        let mut position = Position { segment: ordinal, ..Position::default() };
        let tag = self.segment.tag_text();
        let mut place = tag.to_string();
        if let Some(at) = at {
            let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
            position.element = short(at.element);
            position.component = short(at.component);
            position.repetition = short(at.repetition);
            place = self.place_of(at);
        }
        let (offset, length) = match value {
            Some(value) => (value.offset(), value.raw().len() as u64),
            None => (self.segment.offset(), self.segment.raw().len() as u64),
        };
        let mut finding =
            Diagnostic::new(self.syntax, fault).place(place, tag, position).at(offset, length, self.segment.line());
        self.loop_path.clone_into(&mut finding.loop_path);
        if let Some(value) = value {
            finding.value = value.text().chars().take(VALUE_CHARACTERS_MAX).collect();
        }
        finding.element = at.map_or(String::new(), |at| self.element_number(at));
        finding
    }
}

/// The elements behind a code that say whose it is: 1131 names a code list, 3055 the agency responsible for it.
const CODE_LIST: &str = "1131";
const CODE_LIST_AGENCY: &str = "3055";
/// 3055 of the directory's own lists: UNECE.
const UNECE: &str = "6";

/// Whether the code at `index` is said to be of a list or an agency other than the directory's.
fn is_of_another_list(components: &[Value<'_>], composite: &CompositeDefinition, index: usize) -> bool {
    let behind = composite.components.iter().enumerate().skip(index + 1);
    let qualifiers = behind.take_while(|(_, place)| place.id == CODE_LIST || place.id == CODE_LIST_AGENCY);
    let mut filled = qualifiers.filter_map(|(at, place)| Some((place, components.get(at)?.text())));
    filled.any(|(place, text)| !text.is_empty() && (place.id != CODE_LIST_AGENCY || text != UNECE))
}
