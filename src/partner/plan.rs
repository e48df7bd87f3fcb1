//! What `apply` would change, told before it does; and resources written back as YAML.

use super::resource::Resource;
use serde_json::Value;
use std::collections::BTreeMap;

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// It is new.
    Create,
    /// It says something else.
    Change,
    /// It goes.
    Delete,
}

/// One change.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlannedChange {
    /// What happens.
    pub verb: Verb,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// What it will say; `None` when it goes.
    pub body: Option<Value>,
    /// Differences, a line each: `url: a → b`, `+ title: c`, `- title: c`.
    pub lines: Vec<String>,
}

/// The changes that lead from `current` to `wanted`. Resources that `wanted` does not name stay, unless `prune`.
#[must_use]
pub fn plan(current: &[Resource], wanted: &[Resource], prune: bool) -> Vec<PlannedChange> {
    let known: BTreeMap<String, &Resource> = current.iter().map(|one| (one.id(), one)).collect();
    let mut found = Vec::new();
    for one in wanted {
        let before = known.get(&one.id());
        if before.is_some_and(|before| before.body == one.body) {
            continue;
        }
        let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
        if let Some(before) = before {
            leaves(&shown(before), "", &mut old);
        }
        leaves(&shown(one), "", &mut new);
        found.push(PlannedChange {
            verb: if before.is_some() { Verb::Change } else { Verb::Create },
            kind: one.kind.clone(),
            name: one.name.clone(),
            body: Some(one.body.clone()),
            lines: difference(&old, &new),
        });
    }
    if prune {
        for one in current.iter().filter(|one| !wanted.iter().any(|other| other.id() == one.id())) {
            let (kind, name) = (one.kind.clone(), one.name.clone());
            found.push(PlannedChange { verb: Verb::Delete, kind, name, body: None, lines: Vec::new() });
        }
    }
    found
}

fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| leaves(value, &inner(key), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| leaves(item, &format!("{path}[{}]", at + 1), found));
        }
        Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
        other => drop(found.insert(path.to_owned(), other.to_string())),
    }
}

fn difference(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut lines = Vec::new();
    for key in keys {
        let (before, after) = (old.get(key), new.get(key));
        let hidden = is_secret(key);
        let value = |value: &String| if hidden { "(not shown)".to_owned() } else { value.clone() };
        match (before, after) {
            (Some(before), Some(after)) if before != after => {
                lines.push(format!("{key}: {} → {}", value(before), value(after)));
            }
            (Some(before), None) => lines.push(format!("- {key}: {}", value(before))),
            (None, Some(after)) => lines.push(format!("+ {key}: {}", value(after))),
            _ => {}
        }
    }
    lines
}

/// Whether what stands under a key or a header line is a secret, whoever wrote it down there.
#[must_use]
pub fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    ["authorization", "password", "token", "cookie"].iter().any(|word| last.contains(word))
}

/// The body as differences are told: rows of a table go by their first value, so that one put in moves none.
fn shown(one: &Resource) -> Value {
    let mut body = one.body.clone();
    let columns = body["columns"].as_array().cloned().unwrap_or_default();
    let rows = body["rows"].as_array().cloned().filter(|_| one.kind == "table");
    let Some(rows) = rows else { return body };
    let mut named = serde_json::Map::new();
    for row in rows {
        let values: Vec<(String, Value)> = match row {
            Value::Object(object) => object.into_iter().collect(),
            Value::Array(values) => columns.iter().map(plain).zip(values).collect(),
            other => vec![(String::new(), other)],
        };
        let first = values.first().map(|(_, value)| plain(value)).unwrap_or_default();
        let mut name = first.clone();
        for again in 2.. {
            if !named.contains_key(&name) {
                break;
            }
            name = format!("{first} ({again})");
        }
        named.insert(name, Value::Object(values.into_iter().collect()));
    }
    body["rows"] = Value::Object(named);
    body
}

/// Resources as YAML that reads back the same; secrets are only named in them.
#[must_use]
pub fn export(resources: &[Resource]) -> String {
    let mut text = String::new();
    for one in resources {
        text.push_str(&format!("---\nkind: {}\nname: {}\n", one.kind, scalar(&one.name)));
        write(&one.body, 0, &mut text);
    }
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let margin = "  ".repeat(depth);
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                match inner {
                    Value::Object(inside) if inside.is_empty() => text.push_str(&format!("{margin}{key}: {{}}\n")),
                    Value::Array(items) if items.is_empty() => text.push_str(&format!("{margin}{key}: []\n")),
                    Value::Object(_) => {
                        text.push_str(&format!("{margin}{key}:\n"));
                        write(inner, depth + 1, text);
                    }
                    Value::Array(items) => {
                        text.push_str(&format!("{margin}{key}:\n"));
                        items.iter().for_each(|item| entry(item, depth + 1, text));
                    }
                    other => text.push_str(&format!("{margin}{key}: {}\n", scalar(&plain(other)))),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| entry(item, depth, text)),
        other => text.push_str(&format!("{margin}{}\n", scalar(&plain(other)))),
    }
}

fn entry(item: &Value, depth: usize, text: &mut String) {
    let margin = "  ".repeat(depth);
    let mut inner = String::new();
    write(item, depth + 1, &mut inner);
    // The first line of an entry stands behind its dash.
    let inner = inner.trim_start();
    text.push_str(&format!("{margin}- {inner}"));
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Plain where YAML takes it as it is, else in double quotes.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let starts_well = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '/');
    if starts_well && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        // JSON's escapes are YAML's.
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::resource::parse;
    use super::*;

    const FILE: &str = "kind: partner\nname: acme\ntitle: 'A: \"b\" #c'\nparty_ids: [ZZ:0012, 'NO']\n---\nkind: channel\nname: c\n\
                        transport: http\nway: in\nauth: { basic: { user: u, password: { secret: s } } }\n";

    #[test]
    fn export_reads_back_the_same() {
        let one = parse("a.yaml", FILE).expect("resources");
        let text = export(&one);
        let other = parse("b.yaml", &text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        let bodies = |all: &[Resource]| all.iter().map(|one| (one.id(), one.body.clone())).collect::<Vec<_>>();
        assert_eq!(bodies(&one), bodies(&other), "{text}");
        assert!(plan(&one, &other, true).is_empty());
    }

    #[test]
    fn rows_of_a_table_go_by_their_first_value_and_secrets_stay_unsaid() {
        let table = |rows: &str| {
            let text = format!("{{kind: table, name: t, columns: [a, b], directions: [a to b], rows: {rows}}}");
            parse("f", &text).expect("a table")
        };
        let changes = plan(&table("[[1, x], [2, y]]"), &table("[[0, w], [1, z], [2, y]]"), false);
        assert_eq!(changes[0].lines, ["+ rows.0.a: 0", "+ rows.0.b: w", "rows.1.b: x → z"]);
        let channel = |value: &str| {
            let text =
                format!("{{kind: channel, name: c, transport: http, way: out, headers: {{Authorization: {value}}}}}");
            parse("f", &text).expect("a channel")
        };
        let changes = plan(&channel("one"), &channel("two"), false);
        assert_eq!(changes[0].lines, ["headers.Authorization: (not shown) → (not shown)"]);
    }

    #[test]
    fn a_plan_tells_what_changes() {
        let old = parse("a", FILE).expect("resources");
        let new = parse("a", &FILE.replace("ZZ:0012", "ZZ:0013")).expect("resources");
        let changes = plan(&old, &new[..1], true);
        assert_eq!(changes[0].lines, ["party_ids[1]: ZZ:0012 → ZZ:0013"]);
        assert_eq!((changes[0].verb, changes[1].verb), (Verb::Change, Verb::Delete));
        assert_eq!(plan(&old, &new[..1], false).len(), 1, "nothing goes unasked");
    }
}
