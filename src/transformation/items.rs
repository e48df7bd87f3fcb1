//! The lists of an entity and their items, in the order in which they stand, to look at and to change. A path goes
//! through objects and lists alike: `lines.allocations` is the allocations of each line.

use crate::entity::{Map, Value};

/// The lists at a path.
pub(super) fn lists<'v>(fields: &'v Map, path: &str) -> Vec<&'v Vec<Value>> {
    let mut found = Vec::new();
    collect(fields, path, &mut found);
    found
}

fn collect<'v>(fields: &'v Map, path: &str, found: &mut Vec<&'v Vec<Value>>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (fields.get(first), rest) {
        (Some(Value::Array(items)), None) => found.push(items),
        (Some(Value::Array(items)), Some(rest)) => {
            items.iter().filter_map(Value::as_object).for_each(|inner| collect(inner, rest, found));
        }
        (Some(Value::Object(inner)), Some(rest)) => collect(inner, rest, found),
        _ => {}
    }
}

/// The same to change them.
pub(super) fn lists_mut<'v>(fields: &'v mut Map, path: &str) -> Vec<&'v mut Vec<Value>> {
    let mut found = Vec::new();
    collect_mut(fields, path, &mut found);
    found
}

fn collect_mut<'v>(fields: &'v mut Map, path: &str, found: &mut Vec<&'v mut Vec<Value>>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (fields.get_mut(first), rest) {
        (Some(Value::Array(items)), None) => found.push(items),
        (Some(Value::Array(items)), Some(rest)) => {
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|inner| collect_mut(inner, rest, found));
        }
        (Some(Value::Object(inner)), Some(rest)) => collect_mut(inner, rest, found),
        _ => {}
    }
}

/// The items of all lists at a path; without a path, the document itself.
pub(super) fn items<'v>(fields: &'v Map, path: Option<&str>) -> Vec<&'v Map> {
    match path {
        None => vec![fields],
        Some(path) => lists(fields, path).into_iter().flatten().filter_map(Value::as_object).collect(),
    }
}

/// The same to change them.
pub(super) fn items_mut<'v>(fields: &'v mut Map, path: Option<&str>) -> Vec<&'v mut Map> {
    match path {
        None => vec![fields],
        Some(path) => lists_mut(fields, path).into_iter().flatten().filter_map(Value::as_object_mut).collect(),
    }
}

/// Takes away lists at a path that have nothing in them any more.
pub(super) fn remove_empty(fields: &mut Map, path: &str) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let is_empty = match (fields.get_mut(first), rest) {
        (Some(Value::Array(items)), None) => items.is_empty(),
        (Some(Value::Array(items)), Some(rest)) => {
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|inner| remove_empty(inner, rest));
            false
        }
        (Some(Value::Object(inner)), Some(rest)) => {
            remove_empty(inner, rest);
            false
        }
        _ => false,
    };
    if is_empty {
        fields.remove(first);
    }
}
