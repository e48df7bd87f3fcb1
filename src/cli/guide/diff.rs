//! `portolan guide diff`: places that came, went or changed. What stands in a segment that is new or gone is not listed
//! beside it.

use super::Side;
use crate::cli::explain::times;
use crate::cli::paint::{Paint, Tone, counted};
use crate::cli::{Exit, input};
use crate::standard::guide::Guide;
use crate::standard::outline::Entry;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Codes written out of those that came or went.
const CODES_MAX: usize = 8;
/// Further places of the same difference written out.
const PLACES_MAX: usize = 6;

/// One place that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Change {
    /// `added`, `removed`, `changed`.
    change: &'static str,
    place: String,
    name: String,
    differences: Vec<Difference>,
}

/// What differs at a place.
#[derive(Debug, PartialEq, Eq, Hash, Serialize)]
struct Difference {
    what: &'static str,
    from: String,
    to: String,
}

pub fn diff(from: &Side, to: &Side, as_json: bool, paint: Paint) -> anyhow::Result<Exit> {
    let mut changes = compare(&from.outline(to.guide.as_ref()), &to.outline(from.guide.as_ref()));
    changes.extend(conditions(from.guide.as_ref(), to.guide.as_ref()));
    if as_json {
        input::print_json(&json!({ "from": from.name, "to": to.name, "changes": changes }))?;
        return Ok(Exit::Ok);
    }
    let mut text = format!("{} → {}\n", from.name, to.name);
    grouped(&changes).iter().for_each(|(change, places)| text.push_str(&words(change, places, paint)));
    let count = |kind: &str| changes.iter().filter(|one| one.change == kind).count();
    let sum = match changes.len() {
        0 => "no difference".to_owned(),
        _ => format!("{} added, {} removed, {} changed", count("added"), count("removed"), count("changed")),
    };
    text.push_str(&format!("{sum}\n"));
    input::print(text.as_bytes())?;
    Ok(Exit::Ok)
}

/// The same difference at several places, as an element has that stands in many segments, is told once.
fn grouped(changes: &[Change]) -> Vec<(&Change, Vec<&str>)> {
    let mut found: Vec<(&Change, Vec<&str>)> = Vec::new();
    let mut known: HashMap<(&str, &[Difference]), usize> = HashMap::new();
    for change in changes {
        let key = (change.name.as_str(), change.differences.as_slice());
        match known.get(&key).filter(|_| change.change == "changed") {
            Some(&at) => found[at].1.push(&change.place),
            None => {
                known.insert(key, found.len());
                found.push((change, Vec::new()));
            }
        }
    }
    found
}

fn words(change: &Change, places: &[&str], paint: Paint) -> String {
    let (mark, tone) = match change.change {
        "added" => ("+", Tone::Good),
        "removed" => ("-", Tone::Bad),
        _ => ("~", Tone::Doubtful),
    };
    let title = paint.dye(tone, &format!("{mark} {}", change.place));
    let mut text = format!("{title} {}", change.name).trim_end().to_owned();
    text.push('\n');
    if !places.is_empty() {
        let more = if places.len() > PLACES_MAX { format!(" … ({})", places.len()) } else { String::new() };
        text.push_str(&format!("    also {}{more}\n", places[..places.len().min(PLACES_MAX)].join(", ")));
    }
    for one in &change.differences {
        let words = match (one.from.is_empty(), one.to.is_empty()) {
            (true, _) => format!("+ {}", one.to),
            (_, true) => format!("- {}", one.from),
            _ => format!("{} → {}", one.from, one.to),
        };
        text.push_str(&format!("    {}: {words}\n", one.what));
    }
    text
}

fn compare(from: &[Entry], to: &[Entry]) -> Vec<Change> {
    let before: BTreeMap<&str, &Entry> = from.iter().map(|entry| (entry.place.as_str(), entry)).collect();
    let after: BTreeSet<&str> = to.iter().map(|entry| entry.place.as_str()).collect();
    let mut changes = Vec::new();
    let mut above = String::new();
    for entry in to {
        match before.get(entry.place.as_str()) {
            Some(old) => {
                let differences = differences(old, entry);
                if !differences.is_empty() {
                    changes.push(Change {
                        change: "changed",
                        place: entry.place.clone(),
                        name: entry.name.clone(),
                        differences,
                    });
                }
            }
            None => single("added", entry, &mut above, &mut changes),
        }
    }
    above.clear();
    for entry in from.iter().filter(|entry| !after.contains(entry.place.as_str())) {
        single("removed", entry, &mut above, &mut changes);
    }
    changes
}

/// A place that only one side has, unless it stands in one that was told already.
fn single(change: &'static str, entry: &Entry, above: &mut String, changes: &mut Vec<Change>) {
    let is_inside = !above.is_empty()
        && entry.place.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with(['.', '/', '@']));
    if is_inside {
        return;
    }
    above.clone_from(&entry.place);
    let name = format!("{}: {}", entry.name, usage(entry));
    changes.push(Change { change, place: entry.place.clone(), name, differences: Vec::new() });
}

fn usage(entry: &Entry) -> String {
    format!("{}, {}", entry.usage.name(), times(entry.max))
}

fn differences(old: &Entry, new: &Entry) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |what: &'static str, from: String, to: String| {
        if from != to {
            found.push(Difference { what, from, to });
        }
    };
    note("usage", old.usage.name().to_owned(), new.usage.name().to_owned());
    note("times", times(old.max), times(new.max));
    note("element", old.id.clone(), new.id.clone());
    note("form", old.form.clone(), new.form.clone());
    note("codes", only(old, new), String::new());
    note("codes", String::new(), only(new, old));
    let (gone, come) = lists(&old.conditions, &new.conditions);
    note("conditions", gone, come);
    let (gone, come) = lists(&old.asked, &new.asked);
    note("guide", gone, come);
    found
}

/// The codes that one has and the other has not. A place that became open, or ceased to be, shows by its count.
fn only(one: &Entry, other: &Entry) -> String {
    let codes: Vec<_> = one.codes.iter().filter(|(code, _)| !other.codes.contains_key(*code)).collect();
    let shown: Vec<_> =
        codes.iter().take(CODES_MAX).map(|(code, meaning)| format!("{code} {meaning}").trim_end().to_owned()).collect();
    if codes.len() > CODES_MAX {
        format!("{} … {} in all", shown.join(", "), counted(codes.len(), "code"))
    } else {
        shown.join(", ")
    }
}

/// What only one of two lists has.
fn lists(old: &[String], new: &[String]) -> (String, String) {
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join("; ")
    };
    (only(old, new), only(new, old))
}

fn conditions(old: Option<&Guide>, new: Option<&Guide>) -> Vec<Change> {
    let named = |guide: Option<&Guide>| -> BTreeMap<String, String> {
        let all = guide.into_iter().flat_map(|guide| &guide.conditions);
        all.map(|one| (one.name.clone(), super::render::condition(one))).collect()
    };
    let (old, new) = (named(old), named(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let one = |name: &String| {
        let (from, to) = (old.get(name).cloned().unwrap_or_default(), new.get(name).cloned().unwrap_or_default());
        let change = match (from.is_empty(), to.is_empty()) {
            (true, _) => "added",
            (_, true) => "removed",
            _ => "changed",
        };
        let is_other = from != to;
        let differences = vec![Difference { what: "condition", from, to }];
        is_other.then(|| Change { change, place: format!("condition {name}"), name: String::new(), differences })
    };
    names.into_iter().filter_map(one).collect()
}
