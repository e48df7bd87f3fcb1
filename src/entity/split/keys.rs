//! By what lines are told apart: the notation of a key, what a line says there, and lines divided where they say several
//! things in a list of their own. `parties[role=ship_to]` is the item of a list that says so, `order.number` a field,
//! `deliveries.location` a field of each item of a list, and `… as parties[role=ship_to].ids` says where all of the document
//! has it.

use super::super::view::View;
use super::super::{Entity, FieldType, Map, Value, definition, finding, has, key};
use super::{SplitRule, leave_out, told};
use crate::diagnostic::{Diagnostic, Fault};
use crate::entity::definition::SplitFacts;
use rust_decimal::Decimal;
use std::collections::HashMap;
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
    fn inherited(&self, whole: &Entity) -> Option<Value> {
        let (first, rest) = self.steps.split_first()?;
        let inner = whole.fields.get(&first.name)?;
        match (&first.only, inner) {
            (None, Value::Array(_)) => None,
            (None, _) => look(inner, rest).cloned(),
            (Some(_), _) => self.chosen(first, inner).first().and_then(|item| look(item, rest)).cloned(),
        }
    }

    fn chosen<'v>(&self, step: &Step, list: &'v Value) -> Vec<&'v Value> {
        let items = list.as_array().map_or(&[][..], Vec::as_slice);
        items.iter().filter(|item| step.is(item)).collect()
    }

    /// Puts what all lines of a document say where the document as a whole has it; an item of a list stands in the lines no more
    /// where it is the same. `value` is what the key says, as [`groups`] found it.
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
        let Some((first, _)) = self.steps.split_first() else { return };
        let Some(field) = definition.field(&first.name) else { return };
        if first.only.is_none() {
            if !field.is_list && !self.steps.iter().any(|step| step.only.is_some()) {
                put(header, &self.steps, value, &FieldType::Object(definition.fields.clone()));
            }
            return;
        }
        let lines: Vec<&mut Value> = lines.collect();
        let own = lines.iter().find_map(|line| self.chosen(first, line.get(&first.name)?).first().copied().cloned());
        // Where no line says it, the whole did, and does.
        let Some(item) = own else { return };
        if let Value::Array(items) = header.or_insert_with(&key(&first.name), || Value::Array(Vec::new())) {
            match items.iter_mut().find(|one| first.is(one)) {
                Some(there) => *there = item.clone(),
                None => items.push(item.clone()),
            }
        }
        for line in lines {
            let Some(fields) = line.as_object_mut() else { continue };
            let Some(Value::Array(items)) = fields.get_mut(&first.name) else { continue };
            items.retain(|one| *one != item);
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

/// Sets a value below an object: an item of a list is made anew with what chooses it, a list gets it as its only item.
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
                match items.iter_mut().find(|item| step.is(item)) {
                    Some(there) => *there = Value::Object(inner),
                    None => items.push(Value::Object(inner)),
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
/// without lines none. What lacks a key is told.
pub(super) fn groups(whole: &Entity, rule: &SplitRule, facts: &SplitFacts, found: &mut Vec<Diagnostic>) -> Vec<Group> {
    let (mut groups, mut known) = (Vec::<Group>::new(), HashMap::<String, usize>::new());
    for (at, line) in whole.list(LINES).iter().enumerate() {
        let place = format!("{LINES}[{}]", at + 1);
        let mut parts = vec![(Vec::new(), line.clone())];
        for key in &rule.by {
            let inherited = key.inherited(whole);
            let mut next = Vec::new();
            for (values, part) in parts {
                match divide(&part, &key.steps, &place) {
                    Ok(divided) => {
                        for (value, part) in divided {
                            match value.or_else(|| inherited.clone()) {
                                Some(value) => next.push(([values.as_slice(), &[value]].concat(), part)),
                                None => found.push(lacking(&place, key)),
                            }
                        }
                    }
                    Err(finding) => found.push(*finding),
                }
            }
            parts = next;
        }
        if parts.len() > 1 {
            parts.iter_mut().for_each(|(_, part)| undivided(part, (facts, rule), &place, found));
        }
        for (values, part) in parts {
            let said = values.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            let number = *known.entry(said).or_insert(groups.len());
            if number == groups.len() {
                groups.push(Group { values, lines: Vec::new() });
            }
            groups[number].lines.push((at + 1, part));
        }
    }
    groups
}

fn lacking(place: &str, key: &SplitKey) -> Diagnostic {
    finding(Fault::SplitKey, place, &format!("{key}, by which the document is split"), "nothing there")
}

/// What is said of a divided line as a whole, and of none of its parts.
fn undivided(part: &mut Value, (facts, rule): (&SplitFacts, &SplitRule), place: &str, found: &mut Vec<Diagnostic>) {
    for path in facts.whole.iter().filter_map(|path| path.strip_prefix("lines.")) {
        if has(View::from(&*part), path, &|_| true) {
            let told = told(&format!("{place}.{path}"), rule.leaves_out);
            if !found.contains(&told) {
                found.push(told);
            }
            part.as_object_mut().into_iter().for_each(|fields| leave_out(fields, path));
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
        (Value::Array(items), Some(_)) => {
            let fitting = items.iter().filter(|item| step.is(item)).filter_map(|item| look(item, rest));
            let mut said: Vec<&Value> = Vec::new();
            fitting.for_each(|one| {
                if !said.contains(&one) {
                    said.push(one)
                }
            });
            if said.len() > 1 {
                let expected = "one value by which the document is split";
                return Err(Box::new(finding(Fault::SplitKey, &place, expected, &format!("{} values", said.len()))));
            }
            Ok(vec![(said.first().copied().cloned(), value.clone())])
        }
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

fn by_items(
    value: &Value,
    items: &[Value],
    (step, rest): (&Step, &[Step]),
    place: &str,
) -> Result<Divided, Box<Diagnostic>> {
    let mut by_value: Vec<(Option<Value>, Vec<Value>)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        for (said, part) in divide(item, rest, &format!("{place}[{}]", at + 1))? {
            match by_value.iter_mut().find(|(known, _)| *known == said) {
                Some((_, parts)) => parts.push(part),
                None => by_value.push((said, vec![part])),
            }
        }
    }
    if by_value.len() < 2 {
        let said = by_value.into_iter().next().and_then(|(said, _)| said);
        return Ok(vec![(said, value.clone())]);
    }
    let sent = quantity(value);
    let sums: Vec<Option<Decimal>> = by_value.iter().map(|(_, parts)| parts.iter().map(quantity).sum()).collect();
    if value.get("quantity").is_some() && sums.iter().copied().sum::<Option<Decimal>>() != sent {
        let expected = format!("the sum of its {}, so that it can be divided among them", step.name);
        let sent = sent.map(|sent| sent.to_string()).unwrap_or_default();
        let outer = place.strip_suffix(&format!(".{}", step.name)).unwrap_or(place);
        return Err(Box::new(finding(Fault::SplitWhole, &format!("{outer}.quantity"), &expected, &sent)));
    }
    let part = |((said, parts), sum): ((Option<Value>, Vec<Value>), Option<Decimal>)| {
        let mut fields = value.as_object().cloned().unwrap_or_default();
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
