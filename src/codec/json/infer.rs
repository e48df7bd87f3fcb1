//! Drafts the definition of JSON documents from samples of them: which members they have, which lists repeat, what they hold.
//! What was seen stands beside each field as a comment; what samples cannot know is left to people. Lists of plain values, and
//! lists inside lists, are named and not drafted, for no field holds them.

use super::DEPTH_MAX;
use crate::codec::table::{Column, names};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Documents that are looked at.
const DOCUMENTS_MAX: usize = 10_000;

/// Pointers by which a draft knows its documents: members that all samples have.
const MARKS: usize = 3;

/// Why there is no draft.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum InferError {
    /// The text breaks the rules of JSON.
    #[error("expected JSON in sample {sample}, found {found}")]
    Malformed {
        /// Which of them, from 1.
        sample: usize,
        /// What is wrong, with its line.
        found: String,
    },
    /// A document is no object.
    #[error("expected an object in sample {0}, for a definition names its members")]
    NoObject(usize),
    /// There is none.
    #[error("expected at least one document, found none")]
    Nothing,
}

/// A record of the draft.
struct Drafted {
    /// Its name in the draft, and what it is called.
    key: String,
    /// Path from the record that it stands in.
    path: String,
    usage: char,
    fields: Vec<Column>,
    /// Of each field what all its values are.
    kinds: Vec<Option<&'static str>>,
    /// Paths of what cannot be drafted.
    left_out: BTreeSet<String>,
    records: Vec<Drafted>,
}

/// Drafts a definition of this standard, version and type.
///
/// # Errors
/// [`InferError`].
pub fn infer([standard, version, kind]: [&str; 3], samples: &[Vec<u8>]) -> Result<String, InferError> {
    let documents = documents(samples)?;
    let objects: Vec<&Map<String, Value>> = documents.iter().filter_map(Value::as_object).collect();
    let root = record("document".to_owned(), String::new(), 'R', &objects, &mut BTreeSet::new(), 0);
    let titles = names(&root.fields);
    let mut out = String::new();
    let mut say = |text: &str| writeln!(out, "{text}").unwrap_or_default();
    let (many, samples) = (objects.len(), samples.len());
    say(&format!(
        "# Drafted from {many} documents in {samples} samples. Say who sends it to whom, and check forms and lengths."
    ));
    say(&format!("standard: {standard}\nversion: \"{version}\"\ntype: {kind}\nname: {kind}\nformat: json\nrecognise:"));
    let always = root.fields.iter().filter(|field| field.cells.iter().all(|cell| !cell.is_empty()));
    let lists = root.records.iter().filter(|inner| inner.usage == 'R').map(|inner| inner.path.as_str());
    let marks: Vec<&str> = lists.chain(always.map(|field| field.title.as_str())).take(MARKS).collect();
    marks.iter().for_each(|mark| say(&format!("  - {}", quoted(&format!("/{}", mark.replace('~', "~0"))))));
    say("root: Document\ncontent: document\nenvelope:\n  # sender: a field that names the sender; receiver likewise");
    let number = root.fields.iter().zip(&titles).find(|(field, _)| is_number_of_document(field, many));
    match number {
        Some((_, name)) => say(&format!("  number: {name}")),
        None => say("  # number: the field with the document's number"),
    }
    say("records:");
    draft(&root, &mut out);
    Ok(out)
}

/// All documents of all samples, one behind another.
fn documents(samples: &[Vec<u8>]) -> Result<Vec<Value>, InferError> {
    let mut documents = Vec::new();
    for (at, bytes) in samples.iter().enumerate() {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        for document in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().take(DOCUMENTS_MAX) {
            match document {
                Ok(document) if document.is_object() => documents.push(document),
                Ok(_) => return Err(InferError::NoObject(at + 1)),
                Err(error) => return Err(InferError::Malformed { sample: at + 1, found: error.to_string() }),
            }
        }
    }
    if documents.is_empty() { Err(InferError::Nothing) } else { Ok(documents) }
}

/// What objects have in common; `taken` are the names of records so far.
fn record(
    key: String,
    path: String,
    usage: char,
    objects: &[&Map<String, Value>],
    taken: &mut BTreeSet<String>,
    depth: usize,
) -> Drafted {
    taken.insert(key.clone());
    let (mut paths, mut left_out): (Vec<(String, bool)>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    objects.iter().for_each(|object| find(object, "", &mut paths, &mut left_out, depth));
    // What is an object in one sample and a value in another.
    let both = paths.iter().filter(|(path, _)| paths.iter().any(|(other, _)| other.starts_with(&format!("{path}/"))));
    left_out.extend(both.map(|(path, _)| path.clone()).collect::<Vec<_>>());
    let (mut fields, mut kinds, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for (path, is_list) in paths.iter().filter(|(path, _)| !left_out.contains(path)) {
        let found: Vec<Option<&Value>> = objects.iter().map(|object| at(object, path)).collect();
        if *is_list {
            let lists: Vec<&Vec<Value>> = found.iter().filter_map(|value| value.and_then(Value::as_array)).collect();
            let is_always = lists.len() == objects.len() && lists.iter().all(|list| !list.is_empty());
            let inner: Vec<_> = lists.into_iter().flatten().filter_map(Value::as_object).collect();
            let (key, usage) = (free(path, taken), if is_always { 'R' } else { 'O' });
            records.push(record(key, path.clone(), usage, &inner, taken, depth + 1));
            continue;
        }
        let seen: BTreeSet<&str> = found.iter().filter_map(|value| kind_of((*value)?)).collect();
        kinds.push(match seen.into_iter().collect::<Vec<_>>()[..] {
            ["integer", "number"] => Some("number"),
            [one] if one != "text" => Some(one),
            _ => None,
        });
        fields.push(Column { title: path.clone(), cells: found.into_iter().map(text_of).collect() });
    }
    Drafted { key, path, usage, fields, kinds, left_out, records }
}

/// Paths to values, in the order in which they are seen first, and whether they are lists of objects.
fn find(
    object: &Map<String, Value>,
    before: &str,
    paths: &mut Vec<(String, bool)>,
    left_out: &mut BTreeSet<String>,
    depth: usize,
) {
    for (name, value) in object {
        let path = if before.is_empty() { name.clone() } else { format!("{before}/{name}") };
        let is_list = match value {
            // A path is cut at its slashes.
            _ if name.contains('/') || depth + before.matches('/').count() > DEPTH_MAX => {
                left_out.insert(path);
                continue;
            }
            Value::Object(inner) => {
                find(inner, &path, paths, left_out, depth);
                continue;
            }
            Value::Array(items) if items.iter().all(Value::is_object) => true,
            Value::Array(_) => {
                left_out.insert(path);
                continue;
            }
            _ => false,
        };
        match paths.iter_mut().find(|(known, _)| *known == path) {
            // What is a list once is one always; nothing says nothing.
            Some((_, known)) => *known |= is_list,
            None => paths.push((path, is_list)),
        }
    }
}

fn at<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = object.get(first)?;
    rest.map_or(Some(value), |rest| at(value.as_object()?, rest))
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// What a value is, where the definition has to say it; nothing for none.
fn kind_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_f64() => Some("number"),
        Value::Number(_) => Some("integer"),
        _ => Some("text"),
    }
}

/// A name for the record of a list, which no other has.
fn free(path: &str, taken: &BTreeSet<String>) -> String {
    let last = path.rsplit('/').next().unwrap_or(path);
    let plain: String =
        last.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let plain = if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain } else { format!("list_{plain}") };
    let numbered = (2..).map(|number| format!("{plain}_{number}"));
    std::iter::once(plain.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default()
}

/// A field that is always filled, with another value in each document, and called a number or an id.
fn is_number_of_document(field: &Column, documents: usize) -> bool {
    let last = field.title.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let values: BTreeSet<&String> = field.cells.iter().filter(|cell| !cell.is_empty()).collect();
    ["number", "no", "id", "nr"].iter().any(|word| last.ends_with(word)) && values.len() == documents
}

/// As a scalar of YAML: in quotes where it has more than plain words in it.
fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_/. =>-".contains(c)) && !text.contains(" -");
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// A name in a comment.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn draft(record: &Drafted, out: &mut String) {
    let mut say = |text: &str| writeln!(out, "{text}").unwrap_or_default();
    say(&format!("  {}:", record.key));
    if !record.fields.is_empty() {
        say("    fields:");
    }
    for ((field, name), kind) in record.fields.iter().zip(names(&record.fields)).zip(&record.kinds) {
        say(&format!("      # {}", field.seen()));
        let form = match kind {
            Some(kind) => format!("{} {kind}", field.usage()),
            // JSON says which of its values are numbers.
            None => field.form(None),
        };
        let source = if name == field.title { String::new() } else { format!(" = {}", field.title) };
        say(&format!("      - {}", quoted(&format!("{name} {form}{source}"))));
    }
    for path in &record.left_out {
        say(&format!("    # not drafted: {}, which no field holds", shown(path)));
    }
    if !record.records.is_empty() {
        say("    records:");
    }
    for inner in &record.records {
        let mut name = inner.key.clone();
        name[..1].make_ascii_uppercase();
        say(&format!("      - {}", quoted(&format!("{name} {} >1 {} = {}", inner.usage, inner.key, inner.path))));
    }
    record.records.iter().for_each(|inner| draft(inner, out));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = r#"{"order": {"number": "A1", "date": "2026-01-31", "net": 1.5, "open": true, "tags": ["a"],
            "lines": [{"line": 1, "item no": "0012", "price": {"amount": 2.25}}, {"line": 2, "item no": "0013"}]}}
        {"order": {"number": "A2", "date": "2026-02-01", "net": 2, "note": null, "open": false, "lines": [{"line": 1, "item no": "1"}], "post": "12345"}}"#;

    #[test]
    fn ok_a_draft_says_what_was_seen() {
        let draft = infer(["mine", "1", "Order"], &[ORDERS.into()]).expect("documents");
        for expected in [
            "# Drafted from 2 documents in 1 samples.",
            "format: json\nrecognise:\n  - /order/lines\n  - /order/number\n",
            "  number: order_number\n",
            "      - order_number R text ..3 = order/number\n",
            "      - order_date R date = order/date\n",
            "      - order_net R number = order/net\n",
            "      - order_open R boolean = order/open\n",
            "      - order_post O text ..10 = order/post\n",
            "    # not drafted: order/tags, which no field holds\n",
            "      - Lines R >1 lines = order/lines\n",
            "  lines:\n    fields:\n      # in 3 of 3 rows, 2 values of 1 to 1 characters, such as \"1\"\n      - line R integer\n",
            "      - item_no R text ..10 = item no\n",
            "      - price_amount O number = price/amount\n",
        ] {
            assert!(draft.contains(expected), "no {expected} in\n{draft}");
        }
    }

    #[test]
    fn ok_a_draft_is_yaml_whatever_members_are_called() {
        let sample = r#"{"a: b": 1, "c\nd": [1], "e#f": [{"x\ty": "1"}], "g": {"h": 1}} {"a: b": 2, "g": "text"}"#;
        let draft = infer(["mine", "1", "Order"], &[sample.into()]).expect("documents");
        let read = crate::yaml::document(&draft).unwrap_or_else(|error| panic!("{error}\n{draft}")).to_json();
        assert_eq!(read["recognise"], serde_json::json!(["/a: b"]));
        assert_eq!(
            read["records"]["document"]["fields"],
            serde_json::json!(["a_b R integer = a: b", "g_h O integer = g/h"])
        );
        assert_eq!(read["records"]["document"]["records"], serde_json::json!(["E_f O >1 e_f = e#f"]));
    }

    #[test]
    fn err_what_is_no_document_is_not_drafted() {
        let of = |samples: &[&str]| {
            let samples: Vec<Vec<u8>> = samples.iter().map(|text| text.as_bytes().to_vec()).collect();
            infer(["mine", "1", "Order"], &samples).expect_err("no draft").to_string()
        };
        assert!(of(&["{\"a\": }"]).starts_with("expected JSON in sample 1, found"));
        assert!(of(&["{}", "[1]"]).starts_with("expected an object in sample 2"));
        assert_eq!(of(&[" "]), "expected at least one document, found none");
    }
}
