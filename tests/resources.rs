//! What the pages on resources and configuration show is what the program takes.

use portolan::codec::segment::Limits;
use portolan::codec::{json, xml};
use portolan::config::Config;
use portolan::diagnostic::{FINDINGS_MAX, FOUND_CHARACTERS_MAX};
use portolan::engine::Rules;
use portolan::partner::resource::shape;
use portolan::partner::{Directory, KINDS, parse};
use portolan::pipeline::configured::Configured;
use portolan::pipeline::telemetry;
use portolan::standard::layout;
use portolan::store::{PAGE_ROWS_MAX, delta, payload, refusal};
use portolan::transformation::{self, expression, formula};
use portolan::transport::http::auth::signed;
use portolan::transport::http::{otlp, receive};
use serde_json::{Value, json};
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs").join(page)).expect("the page");
    let mut found = Vec::new();
    for block in text.split(&format!("```{language}\n")).skip(1) {
        found.push(block.split("```").next().unwrap_or_default().to_owned());
    }
    assert!(!found.is_empty(), "{page} has no {language}");
    found
}

/// Everything a person can read as an example: the manual's, and the demo's.
fn examples() -> [(&'static str, String); 2] {
    let demo = std::fs::read_to_string(root().join("demo/resources.yaml")).expect("the demo's resources");
    [("docs/RESOURCES.md", blocks("RESOURCES.md", "yaml").join("---\n")), ("demo/resources.yaml", demo)]
}

#[test]
fn the_examples_fit_together() {
    let all = blocks("RESOURCES.md", "yaml").join("---\n");
    let resources = parse("docs/RESOURCES.md", &all).unwrap_or_else(|errors| panic!("{errors:?}"));
    let kinds: std::collections::BTreeSet<&str> = resources.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds.len(), KINDS.len(), "each kind has an example: {kinds:?}");
    let directory = Directory::new(&resources).unwrap_or_else(|errors| panic!("{errors:?}"));
    let configured = Configured::new(&Rules::new(None, None), &directory, &resources);
    configured.unwrap_or_else(|errors| panic!("{errors:?}"));
}

#[test]
fn the_configuration_shown_is_the_default() {
    let shown = blocks("CONFIG.md", "toml").concat();
    assert_eq!(Config::parse(&shown), Ok(Config::default()));
}

/// The keys that a place takes, by what is said of one that it does not.
fn keys_of(text: &str) -> Vec<String> {
    let told = Config::parse(text).expect_err("a key that is not known");
    let known = told.split("expected").nth(1).unwrap_or_else(|| panic!("{told}"));
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_configuration_is_on_its_page() {
    let shown = blocks("CONFIG.md", "toml").concat();
    let mut counted = 0;
    let says = |text: &str, key: &str| {
        let line =
            |line: &str| line.trim_start_matches("# ").strip_prefix(key).is_some_and(|rest| rest.starts_with(" = "));
        text.lines().any(line)
    };
    for section in keys_of("unheard_of = 1\n") {
        if section == "database" {
            assert!(says(&shown, &section));
            continue;
        }
        let header = format!("[{section}]");
        let mut lines = shown.lines().skip_while(|line| !line.trim_start_matches("# ").starts_with(&header));
        assert!(lines.next().is_some(), "docs/CONFIG.md lacks {header}");
        let own: Vec<&str> = lines.take_while(|line| !line.trim_start_matches("# ").starts_with('[')).collect();
        for key in keys_of(&format!("[{section}]\nunheard_of = 1\n")) {
            assert!(says(&own.join("\n"), &key), "docs/CONFIG.md lacks {key} in {header}");
            counted += 1;
        }
    }
    assert!(counted > 40, "only {counted} keys");
}

/// Each line of the table names a limit as the code has it.
#[test]
fn the_limits_of_the_engine_are_those_of_the_code() {
    let page = std::fs::read_to_string(root().join("docs/CONFIG.md")).expect("the page");
    let kib = |bytes: usize| match bytes {
        mib if mib.is_multiple_of(1 << 20) => format!("{} MiB", mib >> 20),
        kib => format!("{} KiB", kib >> 10),
    };
    let count = |number: usize| {
        let digits = number.to_string();
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|one| std::str::from_utf8(one).expect("digits")).collect();
        groups.join(",")
    };
    let reader = Limits::default();
    for (what, limit) in [
        ("a segment", kib(reader.segment_bytes_max)),
        ("a document", format!("{} GiB", reader.document_bytes_max >> 30)),
        ("blank lines one after the other in a table", kib(reader.blank_bytes_max)),
        ("an XML document, which is held whole", kib(xml::XML_BYTES_MAX)),
        ("what stands before its root element", kib(xml::PROLOG_BYTES_MAX)),
        ("names of its elements and attributes", format!("{} bytes", xml::NAME_BYTES_MAX)),
        ("its elements inside one another", count(xml::DEPTH_MAX)),
        ("a line of a table or of fixed width", kib(layout::LINE_BYTES_MAX)),
        ("columns of a table", count(layout::COLUMNS_MAX)),
        (
            "a JSON document, which is held whole",
            format!("{} values, {} inside", count(json::VALUES_MAX), json::DEPTH_MAX),
        ),
        ("findings kept of a document, and of a level of the envelope", count(FINDINGS_MAX)),
        ("what a finding quotes; a tag in it", format!("{FOUND_CHARACTERS_MAX} characters")),
        ("an Idempotency-Key", format!("{} characters", receive::KEY_CHARACTERS_MAX)),
        ("the template of a signature", format!("{} bytes", count(signed::TEMPLATE_BYTES_MAX))),
        ("what stands in the Header of cXML", format!("{} elements", count(xml::ELEMENTS_MAX))),
        ("refusals that are transmissions", format!("{} a channel", refusal::STRANGERS_KEPT_MAX)),
        (
            "steps of a transformation; a formula",
            format!("{}; {} bytes", transformation::STEPS_MAX, count(formula::FORMULA_BYTES_MAX)),
        ),
        ("an expression of JSONata", kib(expression::EXPRESSION_BYTES_MAX)),
        ("errors of a table that are told", count(portolan::table::ERRORS_MAX)),
        (
            "spans in one request; attributes of the resource",
            format!("; {}; {};", telemetry::ATTRIBUTES_MAX, otlp::VALUE_CHARACTERS_MAX),
        ),
        ("rows of a page", PAGE_ROWS_MAX.to_string()),
        ("a payload inside the database", kib(payload::INLINE_BYTES_MAX)),
        ("what is told of numbers that vanished", format!("{} by name", delta::VANISHED_NAMED_MAX)),
    ] {
        let line = page.lines().find(|line| line.starts_with(&format!("| {what}")));
        let line = line.unwrap_or_else(|| panic!("docs/CONFIG.md has no line on {what}"));
        assert!(line.contains(&limit), "{what}: expected {limit}, found {line}");
    }
}

/// As much of JSON Schema as the schemas of resources use; anything else in them is a panic.
fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    for (keyword, wanted) in schema.as_object().expect("a schema") {
        let fine = match keyword.as_str() {
            "$schema" | "title" | "description" | "pattern" | "format" | "minLength" | "required" => true,
            "type" => {
                let word = match value {
                    Value::Object(_) => "object",
                    Value::Array(_) => "array",
                    _ => "string",
                };
                wanted == word || wanted.as_array().is_some_and(|words| words.contains(&word.into()))
            }
            "const" => wanted == value,
            "enum" => wanted.as_array().expect("words").contains(value),
            "anyOf" => wanted.as_array().expect("schemas").iter().any(|one| fits(one, value).is_ok()),
            "items" => value.as_array().into_iter().flatten().try_for_each(|one| fits(wanted, one)).map(|()| true)?,
            "properties" | "additionalProperties" => true,
            other => panic!("{other}: the check does not know it"),
        };
        if !fine {
            return Err(format!("{keyword}: expected {wanted}, found {value}"));
        }
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(key) = required.into_iter().find(|key| value.is_object() && value.get(*key).is_none()) {
        return Err(format!("{key} is missing"));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => return Err(format!("{key} is unknown")),
            (Value::Null, Value::Null) => {}
            (Value::Null, other) => fits(other, inner).map_err(|error| format!("{key}: {error}"))?,
            (known, _) => fits(known, inner).map_err(|error| format!("{key}: {error}"))?,
        }
    }
    Ok(())
}

#[test]
fn every_example_is_valid_by_its_schema() {
    let mut counted = 0;
    for (file, text) in examples() {
        for one in parse(file, &text).expect("resources") {
            let mut whole = json!({ "kind": one.kind, "name": one.name });
            whole.as_object_mut().expect("an object").extend(one.body.as_object().cloned().unwrap_or_default());
            let schema = shape::schema(&one.kind).expect("a schema");
            fits(&schema, &whole).unwrap_or_else(|error| panic!("{} {}: {error}", one.place, one.id()));
            whole["unheard_of"] = "x".into();
            assert!(fits(&schema, &whole).is_err(), "{}: unknown keys are refused", one.id());
            counted += 1;
        }
    }
    assert!(counted > 20, "only {counted} examples");
}
