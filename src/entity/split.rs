//! One entity cut into several: by how many lines each may have, and by what the lines say (where they go, when, of which
//! order). Pure: a function of the entity and the rule. What of an entity is said of all its lines, and what is counted
//! over them, its definition knows (`split:` in `standards/entity/<name>.yaml`); one without that is never cut. Who asks
//! for it is an agreement, and what becomes of the parts is the pipeline's.
//!
//! Every line goes into a part, in the order of the whole, and keeps its number. A line is divided only where the key
//! lies in a list of its own, such as its deliveries: then each of these goes into one part, and the quantity with it. What
//! hangs on lines in lists beside them, such as the packages they are in, goes with them (`tied.rs`).

mod keys;
mod tied;

pub use keys::SplitKey;

use super::definition::SplitFacts;
use super::view::View;
use super::{Entity, Map, Value, definition, finding, has, key, set};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use keys::{Group, LINES, groups};
use rust_decimal::Decimal;
use std::collections::HashSet;
use std::fmt;
use tied::Tied;

/// Parts of one entity, at most: as many documents as one commit writes.
pub const PARTS_MAX: usize = 256;
/// Keys of one rule, at most.
pub const KEYS_MAX: usize = 4;
/// What a number may be made of.
pub const PLACEHOLDERS: [&str; 4] = ["number", "part", "parts", "key"];
/// The template that leaves all parts the number of the whole.
pub const SAME_NUMBER: &str = "{number}";
/// The part of a document before its lines, as places of extensions begin: what stood there stands there again.
const BEFORE_LINES: &str = "heading:";

/// How an entity is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitRule {
    /// A part for each value, or each combination of values, in the order in which they are first seen.
    pub by: Vec<SplitKey>,
    /// Lines of one part, at most.
    pub lines_max: Option<usize>,
    /// The number of a part, a template of [`PLACEHOLDERS`].
    pub number: String,
    /// The kind of reference by which a part names the number of the whole; none where it does not.
    pub reference: Option<String>,
    /// What is said of the whole and of no part is left out and told; else it forbids to cut.
    pub leaves_out: bool,
}

/// Where it cuts, in words.
impl fmt::Display for SplitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.by.iter().map(|key| format!("one for each {key}"));
        let max = self.lines_max.map(|max| format!("{max} lines at most"));
        f.write_str(&keys.chain(max).collect::<Vec<_>>().join(", "))
    }
}

/// One part.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitPart {
    /// What it says.
    pub entity: Entity,
    /// Which part it is, where there are several, and what it lacks of the whole.
    pub findings: Vec<Diagnostic>,
}

/// Cuts an entity. One that needs no cutting is one part with the number it has; keys are moved to where all of the
/// document reads them all the same.
///
/// # Errors
/// All that keeps it from being cut: lines without a key, sums of the whole, too many parts, numbers that are not apart.
pub fn split(whole: &Entity, rule: &SplitRule) -> Result<Vec<SplitPart>, Vec<Diagnostic>> {
    let Some(facts) = definition(&whole.kind).and_then(|definition| definition.split.as_ref()) else {
        let expected = "an entity that can be cut, such as an order or an inventory report";
        return Err(vec![finding(Fault::SplitWhole, "type", expected, &whole.kind)]);
    };
    let mut cut = Cut { whole, rule, facts, findings: Vec::new() };
    let mut groups = groups(whole, rule, facts, &mut cut.findings);
    let count: usize = groups.iter().map(|group| group.lines.len().div_ceil(cut.lines_max())).sum();
    if count > PARTS_MAX {
        let found = if groups.len() > PARTS_MAX { "more".to_owned() } else { count.to_string() };
        cut.findings.push(too_many(LINES, &found));
    } else {
        groups = groups.into_iter().flat_map(|group| cut.chunks(group)).collect();
    }
    let tied = if count > 1 && count <= PARTS_MAX { Tied::new(whole, facts, &groups) } else { None };
    if count > 1 {
        cut.findings.extend(cut.stated());
        cut.findings.extend(tied.iter().flat_map(|tied| tied.stated(rule.leaves_out)));
    }
    if cut.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(cut.findings);
    }
    match groups.as_slice() {
        [] => Ok(vec![SplitPart { entity: whole.clone(), findings: Vec::new() }]),
        _ => cut.parts(groups, tied.as_ref()),
    }
}

/// An entity about to be cut.
struct Cut<'c> {
    whole: &'c Entity,
    rule: &'c SplitRule,
    facts: &'static SplitFacts,
    /// What all parts lack, and what keeps the whole from being cut.
    findings: Vec<Diagnostic>,
}

impl Cut<'_> {
    /// Lines of one part, at most.
    fn lines_max(&self) -> usize {
        self.rule.lines_max.unwrap_or(usize::MAX).max(1)
    }

    /// A group in parts of so many lines as a part may have.
    fn chunks(&self, mut group: Group) -> Vec<Group> {
        let max = self.lines_max();
        let mut found = Vec::new();
        while group.lines.len() > max {
            let rest = group.lines.split_off(max);
            found.push(Group { lines: std::mem::replace(&mut group.lines, rest), ..group.clone_keys() });
        }
        found.push(group);
        found
    }

    /// What is said of the whole, each as an error or, where it is left out, as a loss.
    fn stated(&self) -> Vec<Diagnostic> {
        let of_header = |path: &&String| !path.starts_with("lines.");
        let there = |path: &&String| has(View::from(&self.whole.fields), path, &|_| true);
        let stated = self.facts.whole.iter().filter(of_header).filter(there);
        stated.map(|path| told(path, self.rule.leaves_out)).collect()
    }

    fn parts(&mut self, groups: Vec<Group>, tied: Option<&Tied<'_>>) -> Result<Vec<SplitPart>, Vec<Diagnostic>> {
        let count = groups.len();
        let (header, right) = (self.header(count), self.right());
        let lack_numbers = count > 1 && self.lack_numbers();
        let mut parts = Vec::with_capacity(count);
        for (at, group) in groups.into_iter().enumerate() {
            let mut fields = header.clone();
            let mut lines = group.lines;
            for (key, value) in self.rule.by.iter().zip(&group.values) {
                key.lift(&self.whole.kind, value, &mut fields, lines.iter_mut().map(|(_, line)| line));
            }
            let number = if count > 1 { self.number(at + 1, count, &group.values)? } else { None };
            if let Some((field, number)) = &number {
                set(&mut fields, field, number.as_str().into());
            }
            let numbered = |(ordinal, mut line): (usize, Value)| {
                if let (true, Value::Object(fields)) = (lack_numbers, &mut line) {
                    fields.insert(key("number"), ordinal.to_string().into());
                }
                line
            };
            let lines: Vec<Value> = lines.into_iter().map(numbered).collect();
            if count > 1 {
                self.made_anew(&mut fields, &lines, &right);
                tied.into_iter().for_each(|tied| tied.put(at, &mut fields));
            }
            fields.insert(key(LINES), Value::Array(lines));
            parts.push((Entity { kind: self.whole.kind.clone(), fields }, number));
        }
        self.unsaid(&parts);
        self.apart(parts.iter().filter_map(|(_, number)| Some(number.as_ref()?.1.as_str())))?;
        let lost = std::mem::take(&mut self.findings);
        let told = |at: usize| (count > 1).then(|| self.which(at + 1, count));
        let part = |(at, (entity, _)): (usize, (Entity, _))| SplitPart {
            entity,
            findings: told(at).into_iter().chain(lost.iter().cloned()).collect(),
        };
        Ok(parts.into_iter().enumerate().map(part).collect())
    }

    /// Tells the items of the whole that the lines of each part have others for.
    fn unsaid(&mut self, parts: &[(Entity, Option<(&'static str, String)>)]) {
        for key in &self.rule.by {
            let Some((name, items)) = key.of_header(self.whole) else { continue };
            let said = parts.iter().filter_map(|(part, _)| key.of_header(part)).flat_map(|(_, items)| items);
            let said: HashSet<String> = said.map(|(_, item)| item.to_string()).collect();
            for (at, _) in items.filter(|(_, item)| !said.contains(&item.to_string())) {
                let expected = format!("a part that goes by it; each line has another {key}");
                let lost = finding(Fault::MappingLoss, &format!("{name}[{}]", at + 1), &expected, "");
                if !self.findings.contains(&lost) {
                    self.findings.push(lost);
                }
            }
        }
    }

    /// All but the lines, without what no part may say.
    fn header(&mut self, count: usize) -> Map {
        let mut header = Map::new();
        for (name, value) in &self.whole.fields {
            // The lines keep their place among the fields.
            header.insert(name.clone(), if name == LINES { Value::Array(Vec::new()) } else { value.clone() });
        }
        if count < 2 {
            return header;
        }
        for path in self.facts.whole.iter().filter(|path| !path.starts_with("lines.")) {
            leave_out(&mut header, path);
        }
        if let Some(Value::Array(left)) = header.get_mut("extensions") {
            let before = left.len();
            left.retain(|one| one["place"].as_str().is_some_and(|place| place.starts_with(BEFORE_LINES)));
            let (gone, is_empty) = (before - left.len(), left.is_empty());
            if is_empty {
                header.remove("extensions");
            }
            if gone > 0 {
                let expected = format!("a home for {gone} values whose places are those of the whole");
                self.findings.push(finding(Fault::MappingLoss, "extensions", &expected, ""));
            }
        }
        if let (Some(kind), Some(number)) =
            (&self.rule.reference, self.number_field().and_then(|of| self.whole.text(of)))
        {
            let reference = Value::from([("kind", kind.as_str().into()), ("id", number.into())]);
            if let Value::Array(all) = header.or_insert_with(&key("references"), || Value::Array(Vec::new())) {
                all.push(reference);
            }
        }
        header
    }

    /// The field with the number of its own that people ask for it by.
    fn number_field(&self) -> Option<&'static str> {
        let known_by = &definition(&self.whole.kind)?.known_by;
        known_by.iter().map(String::as_str).find(|field| !field.contains('.') && self.whole.text(field).is_some())
    }

    /// The field and the number of a part; none where the whole has none either.
    fn number(
        &self,
        part: usize,
        parts: usize,
        values: &[Value],
    ) -> Result<Option<(&'static str, String)>, Vec<Diagnostic>> {
        let Some(field) = self.number_field() else { return Ok(None) };
        let words: Option<Vec<&str>> = values.iter().map(keys::word).collect();
        let Some(words) = words.or_else(|| (!self.rule.number.contains("{key}")).then(Vec::new)) else {
            let expected = "a number of the part that is made of its key, which is no plain value";
            return Err(vec![finding(Fault::SplitNumber, field, expected, &self.rule.number)]);
        };
        let number = filled(&self.rule.number, |name| match name {
            "part" => part.to_string(),
            "parts" => parts.to_string(),
            "key" => words.join("-"),
            _ => self.whole.text(field).unwrap_or_default().to_owned(),
        });
        Ok(Some((field, number)))
    }

    /// Whether the numbers of the parts are apart, where they are meant to be.
    fn apart<'n>(&self, numbers: impl Iterator<Item = &'n str>) -> Result<(), Vec<Diagnostic>> {
        let mut seen = HashSet::new();
        for number in numbers.filter(|_| self.rule.number != SAME_NUMBER) {
            if !seen.insert(number) {
                let expected = format!("a number for each part, made as {}", self.rule.number);
                return Err(vec![finding(
                    Fault::SplitNumber,
                    self.number_field().unwrap_or_default(),
                    &expected,
                    number,
                )]);
            }
        }
        Ok(())
    }

    /// Whether lines get the number of their place: where none of them has one, and the entity knows such numbers.
    fn lack_numbers(&self) -> bool {
        let knows = definition(&self.whole.kind).is_some_and(|all| all.field("lines.number").is_some());
        knows && self.whole.views(LINES).all(|line| line.field("number").is_null())
    }

    /// Which of the counts and sums over the lines are right for the whole, and how they count.
    fn right(&self) -> Right {
        let whole = self.whole.list(LINES);
        let sent = |path: &str| self.whole.text(path)?.parse::<Decimal>().ok();
        let counted = counted(whole);
        let count = |path: &String| counted.iter().position(|count| sent(path) == Some(Decimal::from(*count)));
        let counts = self.facts.counts.iter().map(count).collect();
        let is_sum = |(path, of): &(String, String)| sent(path).is_some_and(|sent| sum(whole, of) == Some(sent));
        Right { counts, sums: self.facts.sums.iter().map(is_sum).collect() }
    }

    /// Counts and sums over the lines: made anew where they were right for the whole, else left out and told.
    fn made_anew(&mut self, fields: &mut Map, lines: &[Value], right: &Right) {
        let is_sent = |path: &String| self.whole.text(path).is_some();
        let counts = self.facts.counts.iter().zip(&right.counts).filter(|(path, _)| is_sent(path));
        let counts = counts.map(|(path, way)| (path, way.map(|way| counted(lines)[way].to_string())));
        let sums = self.facts.sums.iter().zip(&right.sums).filter(|((path, _), _)| is_sent(path));
        let sums =
            sums.map(|((path, of), is_right)| (path, sum(lines, of).filter(|_| *is_right).map(|sum| sum.to_string())));
        let anew: Vec<_> = counts.chain(sums).collect();
        anew.into_iter().for_each(|(path, anew)| self.put_anew(fields, path, anew));
    }

    fn put_anew(&mut self, fields: &mut Map, path: &str, anew: Option<String>) {
        match anew {
            Some(anew) => set(fields, path, anew.into()),
            None => {
                leave_out(fields, path);
                let expected = "a total that is counted over the lines, so that it can be made anew for each part";
                let lost = finding(Fault::MappingLoss, path, expected, self.whole.text(path).unwrap_or_default());
                if !self.findings.contains(&lost) {
                    self.findings.push(lost);
                }
            }
        }
    }

    /// What is told of each part.
    fn which(&self, part: usize, parts: usize) -> Diagnostic {
        let number = self.number_field().and_then(|field| self.whole.text(field)).unwrap_or_default();
        finding(Fault::Split, "", &self.rule.to_string(), &format!("part {part} of {parts} of {number}"))
    }
}

/// Which totals over the lines are right for the whole.
struct Right {
    /// The place in [`counted`] of the number that each count is.
    counts: Vec<Option<usize>>,
    /// Whether each sum is one.
    sums: Vec<bool>,
}

/// The number of lines, and that of lines with what they are made up of.
fn counted(lines: &[Value]) -> [usize; 2] {
    [lines.len(), lines.len() + components(lines)]
}

/// What is said of the whole, as an error, or as a loss where it is left out.
fn told(path: &str, leaves_out: bool) -> Diagnostic {
    let expected = "a value that is true of each part";
    let fault = if leaves_out { Fault::MappingLoss } else { Fault::SplitWhole };
    finding(fault, path, expected, "")
}

fn too_many(place: &str, found: &str) -> Diagnostic {
    finding(Fault::SplitLimit, place, &format!("{PARTS_MAX} parts at most"), found)
}

/// A template with its placeholders filled in.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        text.push_str(&value(name));
        text.push_str(rest);
    }
    text
}

fn components(lines: &[Value]) -> usize {
    lines.iter().map(|line| View::from(line).field("components").items().count()).sum()
}

/// The sum of numbers; `None` where one of them is none, or where they come to more than a number holds.
fn checked_sum(numbers: impl IntoIterator<Item = Option<Decimal>>) -> Option<Decimal> {
    numbers.into_iter().try_fold(Decimal::ZERO, |sum, number| sum.checked_add(number?))
}

/// The sum of a field over lines, through lists in them; `None` where one of them is no number.
fn sum(lines: &[Value], path: &str) -> Option<Decimal> {
    let mut found = Vec::new();
    lines.iter().for_each(|line| numbers(View::from(line), path, &mut found));
    checked_sum(found)
}

fn numbers(view: View<'_>, path: &str, found: &mut Vec<Option<Decimal>>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = view.field(first);
    let Some(rest) = rest else {
        found.push(value.text().and_then(|text| text.parse().ok()));
        return;
    };
    let mut items = value.items().peekable();
    if items.peek().is_some() {
        items.for_each(|item| numbers(item, rest, found));
    } else {
        numbers(value, rest, found);
    }
}

/// Takes out what stands at a path; of lists on the way, the items that have it.
fn leave_out(fields: &mut Map, path: &str) {
    let Some((first, rest)) = path.split_once('.') else {
        fields.remove(path);
        return;
    };
    let is_empty = match fields.get_mut(first) {
        Some(Value::Array(items)) => {
            items.retain(|item| !has(View::from(item), rest, &|_| true));
            items.is_empty()
        }
        Some(Value::Object(inner)) => {
            leave_out(inner, rest);
            inner.is_empty()
        }
        _ => false,
    };
    if is_empty {
        fields.remove(first);
    }
}

#[cfg(test)]
mod tests;
