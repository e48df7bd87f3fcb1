//! What a mapping loses, told without running it: values that have no home on the other side, codes that have no
//! counterpart or fall together, values that are made up again.

use super::Context;
use super::notation::{Body, Mapping, Place, Rule};
use super::tree::{LINES, TIES};
use crate::entity::{self, Field, FieldType, Path};
use crate::entity::{Filled, Key, Map, Part, Value};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Kinds of loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Not carried over; on reading it stays in the extensions and goes back to the same document type only.
    Dropped,
    /// Several values become one.
    Merged,
    /// Made anew, may differ from what was.
    Derived,
    /// A code without counterpart.
    CodeUnmapped,
}

/// One loss.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Loss {
    /// `read` or `write`.
    pub direction: &'static str,
    /// What kind.
    pub kind: LossKind,
    /// Field or place.
    pub at: String,
    /// In words.
    pub note: String,
}

/// All losses of a mapping, both directions.
#[must_use]
pub fn losses(context: &Context<'_>) -> Vec<Loss> {
    let mapping = context.mapping;
    let mut found = Vec::new();
    let mut read = BTreeSet::new();
    places_of(&mapping.rules, "", &mut read);
    if let Some(tree) = &mapping.tree {
        read.extend(tree.counts.iter().map(|(place, _)| place.tag.to_string()));
        for level in &tree.levels {
            let at = level.each.as_ref().map_or(&tree.each.tag, |each| &each.tag);
            places_of(&level.rules, at, &mut read);
            places_of(&level.allocation, at, &mut read);
        }
    }
    for (place, _) in &mapping.constants {
        read.insert(place.tag.to_string());
    }
    segments_of(&context.document.nodes, &mut |tag| {
        let is_envelope = matches!(tag, "ST" | "SE" | "UNH" | "UNT");
        if !is_envelope && !read.contains(tag) {
            let note = "kept as an extension for the same document type".to_owned();
            found.push(Loss { direction: "read", kind: LossKind::Dropped, at: tag.to_owned(), note });
        }
    });
    let mut written = BTreeSet::new();
    carried(mapping, &mut written);
    for choice in &mapping.select {
        if let Some(definition) = entity::definition(&choice.entity) {
            unwritten(&definition.fields, "", &written, &mut found);
        }
    }
    codes_of(context, mapping, &mut found);
    found.sort();
    found.dedup();
    found
}

fn segments_of(nodes: &[crate::standard::definition::Node], take: &mut impl FnMut(&str)) {
    for node in nodes {
        take(&node.tag);
        if let Some(body) = &node.body {
            segments_of(body.nodes.walked(), take);
        }
    }
}

/// Entity paths that a mapping carries, list marks left out: by a rule, by its tree, or because of how it chooses the
/// entity.
pub(super) fn carried(mapping: &Mapping, found: &mut BTreeSet<String>) {
    fields_of(&mapping.rules, "", found);
    if mapping.select.iter().any(|choice| choice.negative.is_some()) {
        found.insert("negative_in".to_owned());
    }
    if let Some(tree) = &mapping.tree {
        found.extend(TIES.iter().map(|tie| (*tie).to_owned()));
        for level in &tree.levels {
            let list = level.list.as_deref().unwrap_or_default();
            fields_of(&level.rules, list, found);
            fields_of(&level.allocation, &format!("{LINES}.allocations"), found);
        }
    }
}

/// The fields that a mapping writes, as a tree of their names: what is carried whole has nothing below it that is not.
#[derive(Debug, Default)]
pub struct Carried {
    is_whole: bool,
    inner: Vec<(String, Carried)>,
}

impl Carried {
    /// What a mapping writes.
    pub(super) fn of(mapping: &Mapping) -> Self {
        let (mut paths, mut all) = (BTreeSet::new(), Carried::default());
        carried(mapping, &mut paths);
        for path in paths {
            path.split('.').fold(&mut all, Carried::below).is_whole = true;
        }
        all
    }

    /// What is carried of a field.
    fn below(&mut self, name: &str) -> &mut Carried {
        let at = self.inner.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
            self.inner.push((name.to_owned(), Carried::default()));
            self.inner.len() - 1
        });
        &mut self.inner[at].1
    }

    /// Paths of values that are not written, list indexes left out.
    pub(super) fn missed(&self, value: &Value, path: &Path<'_>, found: &mut BTreeSet<String>) {
        match value {
            _ if self.is_whole => {}
            Value::Object(object) => match object.filled() {
                Some(filled) => {
                    self.missed_of_parts(filled.template().parts(), path, found);
                    debug_assert!(self.misses_the_same(object, filled, path), "a template says it of its objects");
                }
                None if is_code(object) => drop(found.insert(path.to_string())),
                None => self.missed_of(object, path, found),
            },
            Value::Array(items) => {
                // Of items that are alike the first says all.
                let mut seen = Vec::new();
                for item in items {
                    let template = item.as_object().and_then(Map::filled).map(|filled| Arc::as_ptr(filled.template()));
                    if template.is_none_or(|template| !seen.contains(&template)) {
                        seen.extend(template);
                        self.missed(item, path, found);
                    }
                }
            }
            _ => drop(found.insert(path.to_string())),
        }
    }

    /// The same of an object's fields.
    pub(super) fn missed_of(&self, object: &Map, path: &Path<'_>, found: &mut BTreeSet<String>) {
        for (key, value) in object {
            let path = Path::Field(path, key);
            match self.inner.iter().find(|(name, _)| *name == **key) {
                Some((_, inner)) if inner.is_whole => {}
                Some((_, inner)) => inner.missed(value, &path, found),
                None => leaves(value, path.to_string(), found),
            }
        }
    }

    /// The same of an object's template: its texts say nothing of it.
    fn missed_of_parts(&self, parts: &[(Key, Part)], path: &Path<'_>, found: &mut BTreeSet<String>) {
        if is_code_of(parts) {
            found.insert(path.to_string());
            return;
        }
        for (key, part) in parts {
            let path = Path::Field(path, key);
            match self.inner.iter().find(|(name, _)| *name == **key) {
                Some((_, inner)) => inner.missed_of_part(part, &path, found),
                None => leaves_of(part, path.to_string(), found),
            }
        }
    }

    /// Builds for tests look at the fields as well.
    fn misses_the_same(&self, object: &Map, filled: &Filled, path: &Path<'_>) -> bool {
        let [mut by_parts, mut by_fields] = [const { BTreeSet::new() }; 2];
        self.missed_of_parts(filled.template().parts(), path, &mut by_parts);
        match is_code(object) {
            true => drop(by_fields.insert(path.to_string())),
            false => self.missed_of(object, path, &mut by_fields),
        }
        by_parts == by_fields
    }

    fn missed_of_part(&self, part: &Part, path: &Path<'_>, found: &mut BTreeSet<String>) {
        match part {
            _ if self.is_whole => {}
            Part::Object(parts) => self.missed_of_parts(parts, path, found),
            Part::List(items) => items.iter().for_each(|item| self.missed_of_part(item, path, found)),
            Part::Text(_) | Part::Flag(_) => drop(found.insert(path.to_string())),
        }
    }
}

/// The same as [`is_code`] of an object's template.
fn is_code_of(parts: &[(Key, Part)]) -> bool {
    parts.len() == 2 && ["list", "code"].iter().all(|name| parts.iter().any(|(key, _)| key == name))
}

/// The same as [`leaves`] of a part of a template.
fn leaves_of(part: &Part, path: String, found: &mut BTreeSet<String>) {
    match part {
        Part::Object(parts) if is_code_of(parts) => drop(found.insert(path)),
        Part::Object(parts) => parts.iter().for_each(|(key, inner)| leaves_of(inner, beside(&path, key), found)),
        Part::List(items) => items.iter().for_each(|item| leaves_of(item, path.clone(), found)),
        Part::Text(_) | Part::Flag(_) => drop(found.insert(path)),
    }
}

/// Whether an object is a code that has no canonical counterpart: a value, not fields.
fn is_code(object: &Map) -> bool {
    object.len() == 2 && object.contains_key("list") && object.contains_key("code")
}

/// Paths of all values, list indexes left out.
pub(super) fn leaves(value: &Value, path: String, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if is_code(object) => drop(found.insert(path)),
        Value::Object(object) => {
            object.iter().for_each(|(key, inner)| leaves(inner, beside(&path, key), found));
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, path.clone(), found)),
        _ => drop(found.insert(path)),
    }
}

/// Entity paths that the rules carry, list marks left out.
pub(super) fn fields_of(rules: &[Rule], prefix: &str, found: &mut BTreeSet<String>) {
    for rule in rules.iter().filter(|rule| !rule.is_read_only) {
        let field = beside(prefix, &rule.field);
        match &rule.body {
            Body::One(_, calls) | Body::Many(_, calls) | Body::Computed(calls) => {
                // A rule may write a field beside its own.
                let also = calls.iter().filter_map(|call| call.function.writes(&call.arguments));
                found.extend(also.map(|other| beside(prefix, other)));
                found.insert(field);
            }
            Body::Each(each) => fields_of(&each.rules, &field, found),
            Body::Slots(slots) => fields_of(&slots.rules, &field, found),
        }
    }
}

fn beside(prefix: &str, field: &str) -> String {
    if prefix.is_empty() { field.to_owned() } else { format!("{prefix}.{field}") }
}

/// Tags of segments that the rules read.
fn places_of(rules: &[Rule], at: &str, found: &mut BTreeSet<String>) {
    let mut take = |place: &Place| {
        found.extend(place.loops.iter().map(|(tag, _)| tag.to_string()));
        found.insert(if place.tag.is_empty() { at.to_owned() } else { place.tag.to_string() });
    };
    let mut inner = Vec::new();
    for rule in rules {
        match &rule.body {
            Body::One(place, _) => take(place),
            Body::Many(places, _) => places.iter().for_each(&mut take),
            Body::Each(each) => {
                take(&each.place);
                inner.push((&each.rules, each.place.tag.clone()));
            }
            Body::Slots(slots) => slots.places.iter().for_each(&mut take),
            Body::Computed(_) => {}
        }
    }
    inner.into_iter().for_each(|(rules, tag)| places_of(rules, &tag, found));
}

fn unwritten(fields: &[Field], prefix: &str, written: &BTreeSet<String>, found: &mut Vec<Loss>) {
    for field in fields {
        let path = if prefix.is_empty() { field.name.clone() } else { format!("{prefix}.{}", field.name) };
        if path == "extensions" || written.contains(&path) {
            continue;
        }
        let below = format!("{path}.");
        match &field.kind {
            FieldType::Object(inner) if written.iter().any(|one| one.starts_with(&below)) => {
                unwritten(inner, &path, written, found);
            }
            _ => {
                let note = "no rule writes it".to_owned();
                found.push(Loss { direction: "write", kind: LossKind::Dropped, at: path, note });
            }
        }
    }
}

fn codes_of(context: &Context<'_>, mapping: &Mapping, found: &mut Vec<Loss>) {
    let mut lists = BTreeSet::new();
    let mut take = |field: &str, call: &super::function::Call| match call.function.name() {
        "code" | "known" => drop(lists.insert(call.arguments.first().cloned().unwrap_or_default())),
        "default" => {
            let note = match call.arguments.as_slice() {
                [value, field] => format!("{value} is written when there is none but {field} is there"),
                other => format!("{} is written when there is none", other.join(", ")),
            };
            found.push(Loss { direction: "write", kind: LossKind::Derived, at: field.to_owned(), note });
        }
        "or" => {
            let note = format!("{} is written when there is none", call.arguments.join(", "));
            found.push(Loss { direction: "write", kind: LossKind::Derived, at: field.to_owned(), note });
        }
        "prefer" => {
            let note = format!("{} is written before it", call.arguments.join(", "));
            found.push(Loss { direction: "write", kind: LossKind::Merged, at: field.to_owned(), note });
        }
        "agreed" | "computed" | "count" | "sum" => {
            let note = "computed when there is none".to_owned();
            found.push(Loss { direction: "write", kind: LossKind::Derived, at: field.to_owned(), note });
        }
        _ => {}
    };
    calls_of(&mapping.rules, "", &mut take);
    for level in mapping.tree.iter().flat_map(|tree| &tree.levels) {
        calls_of(&level.rules, level.list.as_deref().unwrap_or_default(), &mut take);
        calls_of(&level.allocation, "lines.allocations", &mut take);
    }
    for list in lists {
        let (unmapped, merged) = context.codes.losses(&list, context.document.codes());
        let at = format!("code({list})");
        for canonical in unmapped {
            let note = format!("{canonical} has no code");
            found.push(Loss { direction: "write", kind: LossKind::CodeUnmapped, at: at.clone(), note });
        }
        for (one, other) in merged {
            let note = format!("{one} comes back as {other}");
            found.push(Loss { direction: "write", kind: LossKind::Merged, at: at.clone(), note });
        }
    }
}

fn calls_of(rules: &[Rule], prefix: &str, take: &mut impl FnMut(&str, &super::function::Call)) {
    for rule in rules {
        let field = if prefix.is_empty() { rule.field.to_string() } else { format!("{prefix}.{}", rule.field) };
        match &rule.body {
            Body::One(_, calls) | Body::Many(_, calls) | Body::Computed(calls) => {
                calls.iter().for_each(|call| take(&field, call));
            }
            Body::Each(each) => calls_of(&each.rules, &field, take),
            Body::Slots(slots) => calls_of(&slots.rules, &field, take),
        }
    }
}
