//! One entity cut into several: by how many lines each may have, and by what the lines say (where they go, when, of which
//! order). Pure: a function of the entity and the rule. What of an entity is said of all its lines, and what is counted
//! over them, its definition knows (`split:` in `standards/entity/<name>.yaml`); one without that is never cut. Who asks
//! for it is an agreement, and what becomes of the parts is the pipeline's.
//!
//! Every line goes into a part, in the order of the whole, and keeps its number. A line is divided only where the key
//! lies in a list of its own, such as its deliveries: then each of these goes into one part, and the quantity with it.

mod keys;

pub use keys::SplitKey;

use super::definition::SplitFacts;
use super::view::View;
use super::{Entity, Map, Value, definition, finding, has, key, set};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use keys::{Group, LINES, groups};
use rust_decimal::Decimal;
use std::fmt;

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
    let groups = groups(whole, rule, facts, &mut cut.findings);
    let groups: Vec<Group> = groups.into_iter().flat_map(|group| cut.chunks(group)).collect();
    if groups.len() > PARTS_MAX {
        let expected = format!("{PARTS_MAX} parts at most");
        cut.findings.push(finding(Fault::SplitLimit, LINES, &expected, &groups.len().to_string()));
    }
    if groups.len() > 1 {
        cut.findings.extend(cut.stated());
    }
    if cut.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(cut.findings);
    }
    match groups.as_slice() {
        [] => Ok(vec![SplitPart { entity: whole.clone(), findings: Vec::new() }]),
        _ => cut.parts(groups),
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
    /// A group in parts of so many lines as a part may have.
    fn chunks(&self, mut group: Group) -> Vec<Group> {
        let max = self.rule.lines_max.unwrap_or(usize::MAX).max(1);
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

    fn parts(&mut self, groups: Vec<Group>) -> Result<Vec<SplitPart>, Vec<Diagnostic>> {
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
            }
            fields.insert(key(LINES), Value::Array(lines));
            parts.push((Entity { kind: self.whole.kind.clone(), fields }, number));
        }
        self.apart(parts.iter().filter_map(|(_, number)| Some(number.as_ref()?.1.as_str())))?;
        let lost = std::mem::take(&mut self.findings);
        let told = |at: usize| (count > 1).then(|| self.which(at + 1, count));
        let part = |(at, (entity, _)): (usize, (Entity, _))| SplitPart {
            entity,
            findings: told(at).into_iter().chain(lost.iter().cloned()).collect(),
        };
        Ok(parts.into_iter().enumerate().map(part).collect())
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
        let mut seen = std::collections::HashSet::new();
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

/// The sum of a field over lines, through lists in them; `None` where one of them is no number.
fn sum(lines: &[Value], path: &str) -> Option<Decimal> {
    let mut total = Some(Decimal::ZERO);
    lines.iter().for_each(|line| add(View::from(line), path, &mut total));
    total
}

fn add(view: View<'_>, path: &str, sum: &mut Option<Decimal>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = view.field(first);
    let Some(rest) = rest else {
        let number = value.text().and_then(|text| text.parse::<Decimal>().ok());
        *sum = sum.zip(number).and_then(|(one, other)| one.checked_add(other));
        return;
    };
    let mut items = value.items().peekable();
    if items.peek().is_some() {
        items.for_each(|item| add(item, rest, sum));
    } else {
        add(value, rest, sum);
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
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(by: &[&str], lines_max: Option<usize>, number: &str) -> SplitRule {
        let by = by.iter().map(|key| SplitKey::parse(key).expect("a key")).collect();
        SplitRule { by, lines_max, number: number.to_owned(), reference: None, leaves_out: false }
    }

    fn entity(json: serde_json::Value) -> Entity {
        Entity::from_json(&json).expect("an entity")
    }

    fn ship_to(id: &str) -> serde_json::Value {
        json!({ "role": "ship_to", "ids": [{ "scheme": "gln", "value": id }] })
    }

    fn order(lines: serde_json::Value) -> Entity {
        let count = lines.as_array().map_or(0, Vec::len).to_string();
        entity(json!({ "type": "order", "number": "4711", "purpose": "original", "issued": "2026-11-24",
            "parties": [{ "role": "buyer" }, ship_to("A")], "lines": lines, "totals": { "lines": count } }))
    }

    fn line(number: u32, quantity: u32, to: Option<&str>) -> serde_json::Value {
        let mut line =
            json!({ "number": number.to_string(), "quantity": { "value": quantity.to_string(), "unit": "EA" } });
        if let Some(to) = to {
            line["parties"] = json!([ship_to(to), { "role": "buyer" }]);
        }
        line
    }

    fn codes(findings: &[Diagnostic]) -> Vec<(String, String)> {
        findings.iter().map(|one| (one.code(), one.place.clone())).collect()
    }

    #[test]
    fn ok_by_count_with_numbers_and_totals_of_their_own() {
        let mut whole = order(json!([line(10, 1, None), line(20, 2, None), line(30, 3, None)]));
        set(&mut whole.fields, "totals.hash", "6".into());
        let mut by_two = rule(&[], Some(2), "{number}-{part}/{parts}");
        by_two.reference = Some("customer_order".to_owned());
        let parts = split(&whole, &by_two).expect("parts");
        let said: Vec<_> = parts
            .iter()
            .map(|one| {
                let of = |path| one.entity.text(path).map(str::to_owned).unwrap_or_default();
                let reference = one.entity.list("references")[0]["id"].as_str().map(str::to_owned);
                (of("number"), of("totals.lines"), of("totals.hash"), reference)
            })
            .collect();
        let expected = |number: &str, lines: &str, hash: &str| {
            (number.to_owned(), lines.to_owned(), hash.to_owned(), Some("4711".to_owned()))
        };
        assert_eq!(said, [expected("4711-1/2", "2", "3"), expected("4711-2/2", "1", "3")]);
        assert_eq!(
            parts[1].findings[0].message(),
            "one of several that the document became: expected 2 lines at most, found part 2 of 2 of 4711"
        );
        for part in &parts {
            assert_eq!(codes(&part.entity.check()), codes(&whole.check()), "{}", part.entity);
        }
    }

    #[test]
    fn ok_what_need_not_be_cut_stays_as_it_is() {
        let whole = order(json!([line(1, 1, None), line(2, 2, None)]));
        let parts = split(&whole, &rule(&[], Some(2), "{number}-{part}")).expect("a part");
        assert_eq!(parts, [SplitPart { entity: whole, findings: Vec::new() }]);
    }

    #[test]
    fn ok_by_key_in_the_order_first_seen_with_the_key_in_the_header() {
        let lines = json!([line(1, 1, Some("B")), line(2, 2, None), line(3, 3, Some("B")), line(4, 4, Some("C"))]);
        let parts = split(&order(lines), &rule(&["parties[role=ship_to]"], None, "{number}-{key}")).expect("parts");
        let numbers: Vec<_> = parts.iter().map(|one| one.entity.text("number").unwrap_or_default()).collect();
        assert_eq!(numbers, ["4711-B", "4711-A", "4711-C"]);
        let parties = |at: usize| serde_json::Value::from(&parts[at].entity.fields["parties"]);
        assert_eq!(parties(0), json!([{ "role": "buyer" }, ship_to("B")]));
        assert_eq!(parties(1), json!([{ "role": "buyer" }, ship_to("A")]), "what a line does not say, the header does");
        let first = &parts[0].entity.list("lines")[0];
        assert_eq!(serde_json::Value::from(&first["parties"]), json!([{ "role": "buyer" }]), "moved, and nothing else");
        assert_eq!(parts[2].entity.text("totals.lines"), Some("1"));
    }

    #[test]
    fn ok_by_several_keys_and_by_count_at_once() {
        let day = |line: serde_json::Value, day: &str| {
            let mut line = line;
            line["dates"] = json!([{ "role": "delivery", "at": day }]);
            line
        };
        let lines: Vec<_> = (1..=6)
            .map(|at| day(line(at, at, Some("B")), if at % 2 == 0 { "2026-12-01" } else { "2026-12-02" }))
            .collect();
        let both = rule(&["parties[role=ship_to].ids.value", "dates[role=delivery].at"], Some(2), "{number}.{part}");
        let parts = split(&order(json!(lines)), &both).expect("parts");
        let said: Vec<_> = parts
            .iter()
            .map(|one| {
                let numbers: Vec<_> =
                    one.entity.list("lines").iter().filter_map(|line| line["number"].as_str()).collect();
                (one.entity.list("dates")[0]["at"].as_str().unwrap_or_default(), numbers.join(" "))
            })
            .collect();
        let expected = [("2026-12-02", "1 3"), ("2026-12-02", "5"), ("2026-12-01", "2 4"), ("2026-12-01", "6")];
        assert_eq!(said, expected.map(|(day, lines)| (day, lines.to_owned())));
    }

    /// The retailer's order with its stores below each line: one order a store, the line's quantity the store's.
    #[test]
    fn ok_a_line_is_divided_among_its_deliveries() {
        let to =
            |store: &str, quantity: &str| json!({ "location": { "value": store }, "quantity": { "value": quantity } });
        let mut lines = json!([line(1, 10, None), line(2, 5, None)]);
        lines[0]["deliveries"] = json!([to("S1", "4"), to("S2", "6")]);
        lines[1]["deliveries"] = json!([to("S2", "5")]);
        let stores = rule(&["deliveries.location as parties[role=ship_to].ids"], None, "{number}-{key}");
        let parts = split(&order(lines.clone()), &stores).expect("parts");
        let said: Vec<_> = parts
            .iter()
            .map(|one| {
                let quantity = |line: &Value| line["quantity"]["value"].as_str().unwrap_or_default().to_owned();
                let ship_to = &one.entity.list("parties")[1]["ids"][0]["value"];
                let quantities: Vec<_> = one.entity.list("lines").iter().map(quantity).collect();
                (
                    one.entity.text("number").unwrap_or_default(),
                    ship_to.as_str().unwrap_or_default(),
                    quantities.join(" "),
                )
            })
            .collect();
        assert_eq!(said, [("4711-S1", "S1", "4".to_owned()), ("4711-S2", "S2", "6 5".to_owned())]);
        assert_eq!(parts[1].entity.text("totals.lines"), Some("2"));
        // What they do not make up cannot be divided, nor what is said of the line as a whole.
        lines[0]["quantity"]["value"] = "11".into();
        lines[1]["amounts"] = json!([{ "kind": "total", "amount": "50" }]);
        lines[1]["deliveries"] = json!([to("S1", "2"), to("S2", "3")]);
        let refused = split(&order(lines), &stores).expect_err("no sum");
        let expected = [("DOCUMENT-SPLIT-WHOLE", "lines[1].quantity"), ("DOCUMENT-SPLIT-WHOLE", "lines[2].amounts")];
        assert_eq!(codes(&refused), expected.map(|(code, place)| (code.to_owned(), place.to_owned())));
    }

    #[test]
    fn ok_a_field_of_the_lines_that_the_header_has_too() {
        let line = |order: &str| json!({ "quantity": { "value": "1" }, "order": { "number": order, "line": "1" } });
        let whole = entity(json!({ "type": "invoice", "number": "R1", "issued": "2026-11-24",
            "lines": [line("A"), line("B"), line("A")] }));
        let parts = split(&whole, &rule(&["order.number"], None, "{number}-{part}")).expect("parts");
        let said: Vec<_> = parts.iter().map(|one| one.entity.text("order.number").unwrap_or_default()).collect();
        assert_eq!(said, ["A", "B"]);
        let numbers: Vec<_> = parts[0].entity.list("lines").iter().filter_map(|line| line["number"].as_str()).collect();
        assert_eq!(numbers, ["1", "3"], "the place in the whole, where no line has a number");
        let mut mixed = whole;
        let lines = mixed.fields.get_mut("lines").and_then(Value::as_array_mut).expect("lines");
        lines[0].as_object_mut().expect("a line").insert("number".into(), "3".into());
        let parts = split(&mixed, &rule(&["order.number"], None, "{number}-{part}")).expect("parts");
        let numbers: Vec<_> = parts[0].entity.list("lines").iter().map(|line| line["number"].as_str()).collect();
        assert_eq!(numbers, [Some("3"), None], "no number that another line has");
    }

    #[test]
    fn err_what_is_said_of_the_whole_or_left_out_and_told() {
        let mut whole = order(json!([line(1, 1, None), line(2, 2, None)]));
        let money = json!([{ "is_charge": false, "percent": "3" }, { "is_charge": true, "amount": "15.00" }]);
        whole.fields.insert("allowance_charges".into(), Value::from(money));
        set(&mut whole.fields, "totals.hash", "17".into());
        let place = json!([{ "document": "d", "place": "detail:PO1[2].06", "value": "x" },
            { "document": "d", "place": "heading:N9[1].02", "value": "y" }]);
        whole.fields.insert("extensions".into(), Value::from(place));
        let mut by_one = rule(&[], Some(1), "{number}-{part}");
        let refused = split(&whole, &by_one).expect_err("an amount of the whole");
        assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-WHOLE".to_owned(), "allowance_charges.amount".to_owned())]);
        by_one.leaves_out = true;
        let parts = split(&whole, &by_one).expect("parts");
        let left = serde_json::Value::from(&parts[1].entity.fields["allowance_charges"]);
        assert_eq!(left, json!([{ "is_charge": false, "percent": "3" }]), "a per cent holds for a part too");
        assert_eq!(parts[1].entity.text("totals.hash"), None, "counted in a way of their own");
        assert_eq!(parts[1].entity.list("extensions").len(), 1);
        let told: Vec<_> = codes(&parts[1].findings).into_iter().map(|(_, place)| place).collect();
        assert_eq!(told, ["", "allowance_charges.amount", "extensions", "totals.hash"]);
    }

    #[test]
    fn err_lines_without_a_key_or_with_two_and_numbers_that_meet() {
        let mut lines = json!([line(1, 1, None), line(2, 2, Some("B"))]);
        lines[1]["parties"].as_array_mut().expect("parties").push(ship_to("C"));
        let mut whole = order(lines);
        whole.fields.remove("parties");
        let refused = split(&whole, &rule(&["parties[role=ship_to]"], None, "{part}")).expect_err("no key");
        let places: Vec<_> = codes(&refused).into_iter().map(|(code, place)| format!("{code} {place}")).collect();
        assert_eq!(places, ["DOCUMENT-SPLIT-KEY lines[1]", "DOCUMENT-SPLIT-KEY lines[2].parties"]);
        let many = order(json!([line(1, 1, Some("B")), line(2, 2, Some("B")), line(3, 3, Some("C"))]));
        let refused =
            split(&many, &rule(&["parties[role=ship_to]"], Some(1), "{number}-{key}")).expect_err("one number");
        assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-NUMBER".to_owned(), "number".to_owned())]);
        let same = split(&many, &rule(&["parties[role=ship_to]"], None, SAME_NUMBER)).expect("wanted so");
        assert!(same.iter().all(|one| one.entity.text("number") == Some("4711")));
    }

    #[test]
    fn err_more_pieces_than_one_commit_writes() {
        let lines = |count: u32| json!((1..=count).map(|at| line(at, 1, None)).collect::<Vec<_>>());
        let by_one = rule(&[], Some(1), "{number}-{part}");
        let max = u32::try_from(PARTS_MAX).expect("a small number");
        assert_eq!(split(&order(lines(max)), &by_one).map(|parts| parts.len()), Ok(PARTS_MAX));
        let refused = split(&order(lines(max + 1)), &by_one).expect_err("one too many");
        assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-LIMIT".to_owned(), "lines".to_owned())]);
        let wrong = entity(json!({ "type": "party", "lines": [] }));
        assert_eq!(codes(&split(&wrong, &by_one).expect_err("no lines"))[0].0, "DOCUMENT-SPLIT-WHOLE");
    }

    /// Numbers from nowhere, the same at each run.
    fn dice(seed: &mut u64, sides: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % sides
    }

    /// The lines of the parts are the lines of the whole: all, none twice, in their order within each part; what was moved
    /// to the header is there.
    #[test]
    fn the_lines_of_the_pieces_are_those_of_the_whole() {
        let mut seed = 11;
        let mut cut = 0;
        for _ in 0..400 {
            let stores = 1 + dice(&mut seed, 5);
            let count = 1 + u32::try_from(dice(&mut seed, 60)).expect("small");
            let lines: Vec<_> = (1..=count)
                .map(|at| {
                    let store = dice(&mut seed, stores + 1);
                    line(at, at, (store > 0).then(|| format!("S{store}")).as_deref())
                })
                .collect();
            let whole = order(json!(lines));
            let max = (dice(&mut seed, 2) == 0).then(|| 1 + usize::try_from(dice(&mut seed, 20)).expect("small"));
            let keys: &[&str] = if max.is_some() && dice(&mut seed, 2) == 0 { &[] } else { &["parties[role=ship_to]"] };
            let parts = split(&whole, &rule(keys, max, "{number}-{part}")).expect("parts");
            cut += usize::from(parts.len() > 1);
            let mut back: Vec<Value> = Vec::new();
            for part in &parts {
                let own = part.entity.list("lines");
                assert!(own.len() <= max.unwrap_or(usize::MAX) && !own.is_empty());
                let numbers: Vec<u32> =
                    own.iter().map(|line| line["number"].as_str().expect("a number").parse().expect("one")).collect();
                assert!(numbers.windows(2).all(|two| two[0] < two[1]), "in order: {numbers:?}");
                assert_eq!(part.entity.text("totals.lines"), Some(own.len().to_string().as_str()));
                let there = part.entity.list("parties").iter().find(|one| one["role"] == "ship_to").expect("a ship-to");
                back.extend(own.iter().cloned().map(|mut line| {
                    let said = whole.list("lines").iter().find(|one| one["number"] == line["number"]).expect("a line");
                    let before =
                        said["parties"].as_array().and_then(|all| all.iter().find(|one| one["role"] == "ship_to"));
                    if !keys.is_empty() && before.is_some() {
                        assert_eq!(before, Some(there));
                        let fields = line.as_object_mut().expect("fields");
                        let mut parties = vec![there.clone()];
                        parties.extend(
                            fields.remove("parties").and_then(|all| all.as_array().cloned()).unwrap_or_default(),
                        );
                        fields.insert("parties".into(), Value::Array(parties));
                    }
                    line
                }));
            }
            back.sort_by_key(|line| line["number"].as_str().and_then(|number| number.parse::<u32>().ok()));
            assert_eq!(back, whole.list("lines"));
        }
        assert!(cut > 200, "only {cut} were cut");
    }

    /// Where lines are divided, each delivery is in one part, and the quantities of a line in all parts are its own.
    #[test]
    fn the_deliveries_of_the_pieces_are_those_of_the_whole() {
        let mut seed = 5;
        for _ in 0..200 {
            let lines = (1..=1 + dice(&mut seed, 20)).map(|at| {
                let deliveries: Vec<_> = (0..1 + dice(&mut seed, 6))
                    .map(|_| {
                        let (store, quantity) = (dice(&mut seed, 4), 1 + dice(&mut seed, 9));
                        json!({ "location": { "value": format!("S{store}") }, "quantity": { "value": quantity.to_string() } })
                    })
                    .collect();
                let sum: u64 = deliveries.iter().filter_map(|one| one["quantity"]["value"].as_str()?.parse::<u64>().ok()).sum();
                json!({ "number": at.to_string(), "quantity": { "value": sum.to_string() }, "deliveries": deliveries })
            });
            let whole = order(json!(lines.collect::<Vec<_>>()));
            let parts = split(&whole, &rule(&["deliveries.location"], None, "{number}-{key}")).expect("parts");
            let all = |entity: &Entity| -> Vec<String> {
                let of_line = |line: &Value| {
                    let number = line["number"].as_str().unwrap_or_default().to_owned();
                    let deliveries = line["deliveries"].as_array().cloned().unwrap_or_default();
                    assert_eq!(sum(&deliveries, "quantity.value"), sum(std::slice::from_ref(line), "quantity.value"));
                    deliveries.into_iter().map(move |one| format!("{number} {one}")).collect::<Vec<_>>()
                };
                entity.list("lines").iter().flat_map(of_line).collect()
            };
            let mut back: Vec<String> = parts.iter().flat_map(|part| all(&part.entity)).collect();
            let mut expected = all(&whole);
            back.sort();
            expected.sort();
            assert_eq!(back, expected);
            for part in &parts {
                let places: std::collections::HashSet<_> = part
                    .entity
                    .list("lines")
                    .iter()
                    .flat_map(|line| {
                        let deliveries = line["deliveries"].as_array().cloned().unwrap_or_default();
                        deliveries.into_iter().map(|one| one["location"]["value"].to_string())
                    })
                    .collect();
                assert_eq!(places.len(), 1, "{}", part.entity);
            }
        }
    }
}
