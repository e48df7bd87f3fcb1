//! Checks a document by a guide, after the standard's own checks: usage, counts, codes, lengths, values, conditions.
//! What is found has the effect `guide`; the sentence of the partner stands in it.

use crate::diagnostic::{Diagnostic, Fault, Position, Severity, Syntax, VALUE_CHARACTERS_MAX, keep};
use crate::standard::content::ITSELF;
use crate::standard::definition::{Document, Usage};
use crate::standard::guide::{Guide, GuideCondition, GuidePlace, GuideRule, Resolver};
use crate::standard::place::Placement;
use crate::tree::{Run, Value};

/// Codes listed in a finding, at most.
const CODES_LISTED_MAX: usize = 8;

/// Everything in which a document does not follow a guide, in the order of the bytes.
#[must_use]
pub fn follow(guide: &Guide, document: &Document, run: &Run<'_>, placement: &Placement) -> Vec<Diagnostic> {
    let syntax = document.syntax();
    let resolver = Resolver { run, placement };
    let mut check = Check { guide, syntax, resolver, faults: Vec::new() };
    guide.rules.iter().for_each(|rule| check.rule(rule));
    guide.conditions.iter().for_each(|condition| check.condition(condition));
    check.faults.sort_by_key(|fault| (fault.position.segment, fault.offset));
    check.faults
}

struct Check<'a> {
    guide: &'a Guide,
    syntax: Syntax,
    resolver: Resolver<'a>,
    faults: Vec<Diagnostic>,
}

/// What a finding is about.
struct About<'r> {
    severity: Option<Severity>,
    message: &'r str,
    rule: &'r str,
}

impl<'a> Check<'a> {
    fn rule(&mut self, rule: &GuideRule) {
        let about = || About { severity: rule.severity, message: &rule.message, rule: &rule.text };
        let place = &rule.place;
        for holder in self.resolver.holders(0, place) {
            let found = self.resolver.inside(holder, place);
            if place.element != 0 {
                found.into_iter().for_each(|segment| self.element(rule, segment));
                continue;
            }
            match rule.usage {
                Some(Usage::Required) if found.is_empty() => {
                    let at = self.resolver.trigger(holder).unwrap_or(0);
                    self.add(Fault::GuideUsage, at, None, &rule.text, about(), "nothing");
                }
                Some(Usage::Unused) => {
                    for segment in &found {
                        self.add(Fault::GuideUsage, *segment, None, "not there", about(), &place.segment.tag);
                    }
                }
                _ => {}
            }
            if rule.is_of_values() {
                found.iter().for_each(|segment| self.element(rule, *segment));
            }
            let surplus = rule.max.and_then(|max| found.get(max as usize).map(|segment| (max, *segment)));
            if let Some((max, segment)) = surplus {
                let (expected, count) = (format!("at most {max}"), found.len().to_string());
                self.add(Fault::GuideUsage, segment, None, &expected, about(), &count);
            }
        }
    }

    /// Holds one value against the rule.
    fn element(&mut self, rule: &GuideRule, segment: usize) {
        let about = || About { severity: rule.severity, message: &rule.message, rule: &rule.text };
        let place = &rule.place;
        let (element, component) = place.value();
        let value = self.resolver.value(segment, element, component);
        let Some(value) = value else {
            if rule.usage == Some(Usage::Required) && place.element != 0 && self.is_asked(segment, place) {
                self.add(Fault::GuideUsage, segment, Some((place, None)), "a value", about(), "nothing");
            }
            return;
        };
        let text = value.text();
        let text = text.trim_end();
        let at = Some((place, Some(value)));
        if rule.usage == Some(Usage::Unused) {
            return self.add(Fault::GuideUsage, segment, at, "nothing", about(), text);
        }
        if !rule.codes.is_empty() && !rule.codes.iter().any(|code| code == text) {
            let listed: Vec<_> = rule.codes.iter().take(CODES_LISTED_MAX).map(String::as_str).collect();
            let more = if rule.codes.len() > CODES_LISTED_MAX { " …" } else { "" };
            let expected = format!("one of {}{more}", listed.join(", "));
            self.add(Fault::GuideCode, segment, at, &expected, about(), text);
        }
        if let Some(wanted) = rule.value.as_ref().filter(|wanted| *wanted != text) {
            self.add(Fault::GuideCode, segment, at, wanted, about(), text);
        }
        if let Some((min, max)) = rule.length {
            let length = text.chars().count();
            if length < min as usize || length > max as usize {
                let expected =
                    if min == max { format!("{max} characters") } else { format!("{min} to {max} characters") };
                self.add(Fault::GuideLength, segment, at, &expected, about(), &format!("{length} (\"{text}\")"));
            }
        }
    }

    /// A component or attribute is asked for where its element is.
    fn is_asked(&self, segment: usize, place: &GuidePlace) -> bool {
        place.component < 2 || place.element == ITSELF || self.resolver.value(segment, place.element, 0).is_some()
    }

    fn condition(&mut self, condition: &GuideCondition) {
        let scopes = if condition.each.is_empty() { vec![0] } else { self.resolver.instances(&condition.each) };
        for from in scopes {
            if !condition.when.iter().all(|test| self.resolver.holds(from, test)) {
                continue;
            }
            let broken: Vec<_> = condition.need.iter().filter(|test| !self.resolver.holds(from, test)).collect();
            let Some(first) = broken.first() else { continue };
            let joined = |tests: Vec<&str>| tests.join(" and ");
            let mut expected = joined(broken.iter().map(|test| test.text.as_str()).collect());
            if !condition.when.is_empty() {
                let when = joined(condition.when.iter().map(|test| test.text.as_str()).collect());
                expected = format!("{expected} when {when}");
            }
            let there = self.resolver.segments(from, &first.place).first().copied();
            let at = there.or_else(|| self.resolver.trigger(from)).unwrap_or(0);
            let about = About { severity: condition.severity, message: &condition.message, rule: &condition.name };
            let place = there.map(|segment| {
                let place = &first.place;
                (place, self.resolver.value(segment, place.element, place.component))
            });
            self.add(Fault::GuideCondition, at, place, &expected, about, "");
        }
    }

    fn add(
        &mut self,
        fault: Fault,
        segment: usize,
        at: Option<(&GuidePlace, Option<Value<'a>>)>,
        expected: &str,
        about: About<'_>,
        found: &str,
    ) {
        let Some(segment) = self.resolver.segment(segment) else { return };
        let ordinal = u32::try_from(segment.ordinal() + 1).unwrap_or(u32::MAX);
        let mut position = Position { segment: ordinal, ..Position::default() };
        let tag = segment.tag_text();
        let mut place = tag.to_string();
        if let Some((deep, _)) = at.filter(|(deep, _)| deep.element != 0) {
            (position.element, position.component) = (deep.element, deep.component);
            place = format!("{tag}.{:02}", deep.element);
            if deep.component != 0 {
                place = format!("{place}.{}", deep.component);
            }
        }
        let value = at.and_then(|(_, value)| value);
        let (offset, length) = match value {
            Some(value) => (value.offset(), value.raw().len() as u64),
            None => (segment.offset(), segment.raw().len() as u64),
        };
        let name = &self.guide.name;
        let said = if about.message.is_empty() {
            format!("{expected} (guide {name}, rule {})", about.rule)
        } else {
            format!("{expected} (guide {name}: {})", about.message)
        };
        let mut finding = Diagnostic::new(self.syntax, fault)
            .severity(about.severity.unwrap_or(self.guide.severity))
            .place(place, tag, position)
            .at(offset, length, segment.line())
            .because(said, found);
        if let Some(Some((_, home))) = self.resolver.placement.homes.get(segment.ordinal()) {
            self.resolver.placement.path(*home).clone_into(&mut finding.loop_path);
        }
        if let Some(value) = value {
            finding.value = value.text().chars().take(VALUE_CHARACTERS_MAX).collect();
        }
        keep(&mut self.faults, finding);
    }
}
