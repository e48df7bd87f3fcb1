//! By what lines are told apart: the notation of a key, what a line says there, and lines divided where they say several
//! things in a list of their own. `parties[role=ship_to]` is the item of a list that says so, `order.number` a field,
//! `deliveries.location` a field of each item of a list, and `… as parties[role=ship_to].ids` says where all of the document
//! has it.

use super::super::view::View;
use super::super::{Entity, FieldType, Map, Value, definition, finding, has, key};
use super::{PARTS_MAX, SplitRule, checked_sum, leave_out, told, too_many};
use crate::diagnostic::{Diagnostic, Fault};
use crate::entity::definition::SplitFacts;
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The list that is cut.
pub(super) const LINES: &str = "lines";
/// Before the place in the document as a whole.
const AS: &str = " as ";

/// A key, as an agreement writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitKey {
    text: String,
    steps: Vec<Step>,
    /// Where the whole document has it, when that is not the same path.
    home: Option<Vec<Step>>,
}

/// A field on the way; `only` chooses an item of a list by a field of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    only: Option<(String, String)>,
}

/// Lines that say the same, with their ordinals in the whole.
pub(super) struct Group {
    /// What they say, a value a key.
    pub values: Vec<Value>,
    /// The lines.
    pub lines: Vec<(usize, Value)>,
}

impl Group {
    /// The same group without lines.
    pub fn clone_keys(&self) -> Group {
        Group { values: self.values.clone(), lines: Vec::new() }
    }
}

impl fmt::Display for SplitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl SplitKey {
    /// Reads the notation.
    ///
    /// # Errors
    /// What was expected, and what was found.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (path, home) = match text.split_once(AS) {
            Some((path, home)) => (path, Some(steps(home.trim())?)),
            None => (text, None),
        };
        Ok(SplitKey { text: text.to_owned(), steps: steps(path.trim())?, home })
    }

    /// Whether lines of an entity can say it, and its documents can have it where it is to stand.
    ///
    /// # Errors
    /// What was expected, and what was found.
    pub fn check(&self, kind: &str) -> Result<(), String> {
        let Some(definition) = definition(kind) else { return Err(format!("no entity {kind}")) };
        let path = |steps: &[Step]| steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(".");
        let below = format!("{LINES}.{}", path(&self.steps));
        let wrong = |path: &str, of: &str| format!("expected a field of {of}, found {path}");
        definition.field(&below).ok_or_else(|| wrong(&path(&self.steps), &format!("the lines of {kind}")))?;
        let home = self.home.as_deref().map(path);
        if let Some(home) = home.filter(|home| definition.field(home).is_none()) {
            return Err(wrong(&home, kind));
        }
        match self.choices().into_iter().find(|(field, _)| definition.field(field).is_none()) {
            Some((field, _)) => Err(wrong(&field, kind)),
            None => Ok(()),
        }
    }

    /// The fields, from the entity on, by which it chooses items of lists, and the values chosen.
    fn choices(&self) -> Vec<(String, &str)> {
        let mut found = Vec::new();
        for (under, steps) in [(format!("{LINES}."), Some(&self.steps)), (String::new(), self.home.as_ref())] {
            let mut open = under;
            for step in steps.into_iter().flatten() {
                open.push_str(&step.name);
                found.extend(step.only.iter().map(|(field, chosen)| (format!("{open}.{field}"), chosen.as_str())));
                open.push('.');
            }
        }
        found
    }

    /// The codes by which it chooses items of lists, each with its code list.
    #[must_use]
    pub fn codes(&self, kind: &str) -> Vec<(String, String)> {
        let Some(definition) = definition(kind) else { return Vec::new() };
        let code = |(field, chosen): (String, &str)| match &definition.field(&field)?.kind {
            FieldType::Code(list) => Some((list.clone(), chosen.to_owned())),
            _ => None,
        };
        self.choices().into_iter().filter_map(code).collect()
    }

    /// What the document as a whole says, where a line says nothing.
    fn inherited(&self, whole: &Entity) -> Result<Option<Value>, Box<Diagnostic>> {
        let Some((first, rest)) = self.steps.split_first() else { return Ok(None) };
        Ok(match (&first.only, whole.fields.get(&first.name)) {
            (Some(_), Some(Value::Array(items))) => one_value(items, (first, rest), &first.name)?.cloned(),
            (None, Some(inner)) if inner.as_array().is_none() => look(inner, rest).cloned(),
            _ => None,
        })
    }

    /// The list of the whole document that has an item of the key, and the items there that the key chooses, with their places.
    pub(super) fn of_header<'e>(&self, header: &'e Entity) -> Option<(&str, impl Iterator<Item = (usize, &'e Value)>)> {
        let step = self.home.as_ref().unwrap_or(&self.steps).first().filter(|step| step.only.is_some())?;
        Some((&step.name, header.list(&step.name).iter().enumerate().filter(|(_, item)| step.is(item))))
    }

    /// Puts what all lines of a document say where the document as a whole has it. Of the items of a list that the key
    /// chooses those stay there that say the value; where none does, the first that a line has takes their place. An item
    /// stands in the lines no more where the document says all of it. `value` is what the key says, as [`groups`] found it.
    pub(super) fn lift<'l>(
        &self,
        kind: &str,
        value: &Value,
        header: &mut Map,
        lines: impl Iterator<Item = &'l mut Value>,
    ) {
        let Some(definition) = definition(kind) else { return };
        if let Some(home) = &self.home {
            return put(header, home, value, &FieldType::Object(definition.fields.clone()));
        }
        let Some((first, rest)) = self.steps.split_first() else { return };
        let Some(field) = definition.field(&first.name) else { return };
        if first.only.is_none() {
            if !field.is_list && !self.steps.iter().any(|step| step.only.is_some()) {
                put(header, &self.steps, value, &FieldType::Object(definition.fields.clone()));
            }
            return;
        }
        let lines: Vec<&mut Value> = lines.collect();
        let chosen = |line: &Value| {
            let items = line.get(&first.name)?.as_array()?;
            items.iter().find(|item| first.is(item) && says(item, rest, value)).cloned()
        };
        // Where no line says it, the whole did, and does.
        let Some(item) = lines.iter().find_map(|line| chosen(line)) else { return };
        let list = header.or_insert_with(&key(&first.name), || Value::Array(Vec::new()));
        let Some(there) = list.as_array_mut().and_then(|items| only_saying(items, (first, rest), value, item)) else {
            return;
        };
        for line in lines {
            let Some(fields) = line.as_object_mut() else { continue };
            let Some(Value::Array(items)) = fields.get_mut(&first.name) else { continue };
            items.retain(|one| !says_all(there, one));
            if items.is_empty() {
                fields.remove(&first.name);
            }
        }
    }
}

impl Step {
    fn is(&self, item: &Value) -> bool {
        let Some((field, wanted)) = &self.only else { return true };
        View::from(item).at(field).text() == Some(wanted)
    }
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("expected a path such as parties[role=ship_to] or deliveries.location, found {path}");
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let step = |text: &str| -> Result<Step, String> {
        let (name, only) = match text.strip_suffix(']').map(|inner| inner.split_once('[')) {
            Some(Some((name, only))) => (name, Some(only.split_once('=').ok_or_else(wrong)?)),
            Some(None) => return Err(wrong()),
            None => (text, None),
        };
        let is_fine = is_name(name) && only.is_none_or(|(field, value)| is_name(field) && !value.is_empty());
        let only = only.map(|(field, value)| (field.to_owned(), value.to_owned()));
        if is_fine { Ok(Step { name: name.to_owned(), only }) } else { Err(wrong()) }
    };
    path.split('.').map(step).collect()
}

/// A value below another; of a list on the way, what its first fitting item says.
fn look<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(value) };
    let inner = match value {
        Value::Array(items) => items.first()?,
        other => other,
    };
    let inner = inner.get(&step.name)?;
    match (&step.only, inner) {
        (Some(_), Value::Array(items)) => look(items.iter().find(|item| step.is(item))?, rest),
        (Some(_), _) => None,
        (None, _) => look(inner, rest),
    }
}

/// Whether an item says a value below, alone or among others.
fn says(item: &Value, steps: &[Step], value: &Value) -> bool {
    look(item, steps).is_some_and(|said| said == value || said.as_array().is_some_and(|all| all.contains(value)))
}

/// Whether all that an item says, another says too.
fn says_all(item: &Value, other: &Value) -> bool {
    match (item, other) {
        (Value::Object(item), Value::Object(other)) => other.iter().all(|(name, value)| item.get(name) == Some(value)),
        _ => item == other,
    }
}

/// Of the items of a list that a step chooses, leaves those that say a value below; where there is none, `made` takes their
/// place. Returns the first.
fn only_saying<'v>(
    items: &'v mut Vec<Value>,
    (step, rest): (&Step, &[Step]),
    value: &Value,
    made: Value,
) -> Option<&'v Value> {
    let says = |item: &Value| step.is(item) && says(item, rest, value);
    if !items.iter().any(says) {
        let at = items.iter().position(|item| step.is(item)).unwrap_or(items.len());
        items.insert(at, made);
        let mut place = 0..;
        items.retain(|item| place.next() == Some(at) || !step.is(item));
        return items.get(at);
    }
    items.retain(|item| !step.is(item) || says(item));
    items.iter().find(|item| says(item))
}

/// What the items say that a step chooses.
///
/// # Errors
/// They say several things.
fn one_value<'v>(
    items: &'v [Value],
    (step, rest): (&Step, &[Step]),
    place: &str,
) -> Result<Option<&'v Value>, Box<Diagnostic>> {
    let mut said = items.iter().filter(|item| step.is(item)).filter_map(|item| look(item, rest));
    let Some(first) = said.next() else { return Ok(None) };
    let others: HashSet<String> = said.filter(|other| *other != first).map(alike).collect();
    if others.is_empty() {
        return Ok(Some(first));
    }
    let expected = "one value by which the document is split";
    Err(Box::new(finding(Fault::SplitKey, place, expected, &format!("{} values", others.len() + 1))))
}

/// A value as a text that is the same for all that are equal to it: fields by name.
fn alike(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(Map::of_fields(fields))
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Sets a value below an object: an item of a list is made anew with what chooses it where none says
/// it, a list gets it as its only item.
fn put(fields: &mut Map, steps: &[Step], value: &Value, kind: &FieldType) {
    let Some((step, rest)) = steps.split_first() else { return };
    let Some(field) = kind.field(&step.name) else { return };
    let mut inner = Map::new();
    if let Some((field, chosen)) = &step.only {
        inner.insert(key(field), chosen.as_str().into());
    }
    let made = match (rest.is_empty(), field.is_list) {
        (true, false) => value.clone(),
        (true, true) => Value::Array(vec![value.clone()]),
        (false, true) => {
            put(&mut inner, rest, value, &field.kind);
            let list = fields.or_insert_with(&key(&step.name), || Value::Array(Vec::new()));
            if let Value::Array(items) = list {
                if step.only.is_some() {
                    only_saying(items, (step, rest), value, Value::Object(inner));
                } else if !items.iter().any(|item| says(item, rest, value)) {
                    items.push(Value::Object(inner));
                }
            }
            return;
        }
        (false, false) => {
            if let Value::Object(open) = fields.or_insert_with(&key(&step.name), || Value::Object(Map::new())) {
                put(open, rest, value, &field.kind);
            }
            return;
        }
    };
    fields.insert(key(&step.name), made);
}

/// The lines of an entity by what they say, in the order in which each value is first seen; without keys all of them, and
/// without lines none. What lacks a key is told. It stops at one group more than there may be parts.
pub(super) fn groups(whole: &Entity, rule: &SplitRule, facts: &SplitFacts, found: &mut Vec<Diagnostic>) -> Vec<Group> {
    let (mut groups, mut known) = (Vec::<Group>::new(), HashMap::<String, usize>::new());
    let inherited = rule.by.iter().map(|key| (key, key.inherited(whole).map_err(Some)));
    let mut inherited: Vec<(&SplitKey, Inherited)> = inherited.collect();
    for (at, line) in whole.list(LINES).iter().enumerate() {
        let place = format!("{LINES}[{}]", at + 1);
        let mut parts = match parts(line, &mut inherited, &place, found) {
            Ok(parts) => parts,
            Err(too_many) => {
                found.push(*too_many);
                return groups;
            }
        };
        if parts.len() > 1 {
            undivided(line, &mut parts, (facts, rule), &place, found);
        }
        for (values, part) in parts {
            let said = values.iter().map(alike).collect::<Vec<_>>().join("\n");
            let number = *known.entry(said).or_insert(groups.len());
            if number == groups.len() {
                groups.push(Group { values, lines: Vec::new() });
            }
            groups[number].lines.push((at + 1, part));
        }
        if groups.len() > PARTS_MAX {
            break;
        }
    }
    groups
}

/// What the document says of a key, or once that it says several things.
type Inherited = Result<Option<Value>, Option<Box<Diagnostic>>>;

/// A line by what it says, a value a key. What lacks a key is told.
///
/// # Errors
/// It says more than there may be parts.
fn parts(
    line: &Value,
    keys: &mut [(&SplitKey, Inherited)],
    place: &str,
    found: &mut Vec<Diagnostic>,
) -> Result<Vec<(Vec<Value>, Value)>, Box<Diagnostic>> {
    let mut parts = vec![(Vec::new(), line.clone())];
    for (key, inherited) in keys {
        let mut next = Vec::new();
        for (values, part) in parts {
            let divided = match divide(&part, &key.steps, place) {
                Err(finding) if finding.fault == Fault::SplitLimit => return Err(finding),
                Err(finding) => {
                    found.push(*finding);
                    continue;
                }
                Ok(divided) => divided,
            };
            for (value, part) in divided {
                let value = match (value, &mut *inherited) {
                    (Some(value), _) => value,
                    (None, Ok(Some(value))) => value.clone(),
                    (None, Ok(None)) => {
                        found.push(lacking(place, key));
                        continue;
                    }
                    (None, Err(several)) => {
                        found.extend(several.take().map(|several| *several));
                        continue;
                    }
                };
                next.push(([values.as_slice(), &[value]].concat(), part));
            }
            if next.len() > PARTS_MAX {
                return Err(Box::new(too_many(place, "more")));
            }
        }
        parts = next;
    }
    Ok(parts)
}

fn lacking(place: &str, key: &SplitKey) -> Diagnostic {
    finding(Fault::SplitKey, place, &format!("{key}, by which the document is split"), "nothing there")
}

/// What is said of a divided line as a whole, and of none of its parts.
fn undivided(
    line: &Value,
    parts: &mut [(Vec<Value>, Value)],
    (facts, rule): (&SplitFacts, &SplitRule),
    place: &str,
    found: &mut Vec<Diagnostic>,
) {
    for path in facts.whole.iter().filter_map(|path| path.strip_prefix("lines.")) {
        if has(View::from(line), path, &|_| true) {
            found.push(told(&format!("{place}.{path}"), rule.leaves_out));
            let parts = parts.iter_mut().filter_map(|(_, part)| part.as_object_mut());
            parts.for_each(|fields| leave_out(fields, path));
        }
    }
}

type Divided = Vec<(Option<Value>, Value)>;

/// An object by what it says below: itself with the one value, or where that lies in a list of its own, a part for each
/// value, with the items that say it and the quantity that these make up.
fn divide(value: &Value, steps: &[Step], place: &str) -> Result<Divided, Box<Diagnostic>> {
    let Some((step, rest)) = steps.split_first() else { return Ok(vec![(Some(value.clone()), value.clone())]) };
    let place = format!("{place}.{}", step.name);
    let Some(inner) = value.get(&step.name) else { return Ok(vec![(None, value.clone())]) };
    match (inner, &step.only) {
        (Value::Array(items), Some(_)) => Ok(vec![(one_value(items, (step, rest), &place)?.cloned(), value.clone())]),
        (Value::Array(items), None) => by_items(value, items, (step, rest), &place),
        (Value::Object(_), None) => {
            let whole = |part: Value| {
                let mut fields = value.as_object().cloned().unwrap_or_default();
                fields.insert(key(&step.name), part);
                Value::Object(fields)
            };
            if rest.is_empty() {
                return Ok(vec![(Some(inner.clone()), value.clone())]);
            }
            Ok(divide(inner, rest, &place)?.into_iter().map(|(said, part)| (said, whole(part))).collect())
        }
        (scalar, None) if rest.is_empty() => Ok(vec![(Some(scalar.clone()), value.clone())]),
        _ => Ok(vec![(None, value.clone())]),
    }
}

/// An object in a part for each value that the items of a list in it say; with the one value that they have in common, as
/// it is.
fn by_items(
    value: &Value,
    items: &[Value],
    (step, rest): (&Step, &[Step]),
    place: &str,
) -> Result<Divided, Box<Diagnostic>> {
    let (mut by_value, mut known) = (Vec::<(Option<Value>, Vec<Value>)>::new(), HashMap::new());
    for (at, item) in items.iter().enumerate() {
        for (said, part) in divide(item, rest, &format!("{place}[{}]", at + 1))? {
            let number = *known.entry(said.as_ref().map(alike)).or_insert(by_value.len());
            if number == by_value.len() {
                by_value.push((said, Vec::new()));
            }
            by_value[number].1.push(part);
        }
        if by_value.len() > PARTS_MAX {
            return Err(Box::new(too_many(place, "more")));
        }
    }
    if by_value.len() < 2 {
        let said = by_value.into_iter().next().and_then(|(said, _)| said);
        return Ok(vec![(said, value.clone())]);
    }
    let sums = match value.get("quantity") {
        Some(_) => quantities(value, items, &by_value, (step, place))?,
        None => vec![None; by_value.len()],
    };
    let mut other = Map::new();
    for (name, field) in value.as_object().into_iter().flatten() {
        // The list keeps its place among the fields; it is not copied for each part.
        other.insert(name.clone(), if *name == step.name { Value::Array(Vec::new()) } else { field.clone() });
    }
    let part = |((said, parts), sum): ((Option<Value>, Vec<Value>), Option<Decimal>)| {
        let mut fields = other.clone();
        fields.insert(key(&step.name), Value::Array(parts));
        match (fields.get_mut("quantity"), sum) {
            (Some(Value::Object(quantity)), Some(sum)) => drop(quantity.insert(key("value"), sum.to_string().into())),
            (Some(plain), Some(sum)) => *plain = sum.to_string().into(),
            _ => {}
        }
        (said, Value::Object(fields))
    };
    Ok(by_value.into_iter().zip(sums).map(part).collect())
}

/// The quantity of each part.
///
/// # Errors
/// They do not make up the quantity of the object in its unit.
fn quantities(
    value: &Value,
    items: &[Value],
    by_value: &[(Option<Value>, Vec<Value>)],
    (step, place): (&Step, &str),
) -> Result<Vec<Option<Decimal>>, Box<Diagnostic>> {
    let is_other = |item| !unit(item).is_null() && unit(item) != unit(value);
    if let Some((at, item)) = items.iter().enumerate().find(|(_, item)| is_other(item)) {
        let word = |unit: View<'_>| unit.text().map_or_else(|| unit.value().to_string(), str::to_owned);
        let wanted = unit(value);
        let wanted = if wanted.is_null() { "no unit".to_owned() } else { format!("the unit {}", word(wanted)) };
        let expected = format!("{wanted}, as in the quantity that is divided among them");
        let place = format!("{place}[{}].quantity.unit", at + 1);
        return Err(Box::new(finding(Fault::SplitWhole, &place, &expected, &word(unit(item)))));
    }
    let sums: Vec<_> = by_value.iter().map(|(_, parts)| checked_sum(parts.iter().map(quantity))).collect();
    let all = checked_sum(sums.iter().copied());
    if all.is_none() || all != quantity(value) {
        let expected = format!("the sum of its {}, so that it can be divided among them", step.name);
        let sent = quantity(value).map(|sent| sent.to_string()).unwrap_or_default();
        let outer = place.strip_suffix(&format!(".{}", step.name)).unwrap_or(place);
        return Err(Box::new(finding(Fault::SplitWhole, &format!("{outer}.quantity"), &expected, &sent)));
    }
    Ok(sums)
}

fn unit(value: &Value) -> View<'_> {
    View::from(value).at("quantity.unit")
}

/// How much a line, or an item in it, is of.
fn quantity(value: &Value) -> Option<Decimal> {
    let plain = View::from(value).field("quantity");
    let text = plain.text().or_else(|| plain.field("value").text());
    text?.parse().ok()
}

/// A value as part of a number: a text, or the id that it holds.
pub(super) fn word(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(items) => word(items.first()?),
        Value::Object(fields) => {
            let plain = ["value", "id", "number", "at"].iter().find_map(|name| fields.get(name)?.as_str());
            plain.or_else(|| word(fields.get("ids")?))
        }
        _ => None,
    }
}
