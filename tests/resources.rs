//! What the pages on resources and configuration show is what the program takes.

use portolan::config::Config;
use portolan::partner::resource::shape;
use portolan::partner::{Directory, KINDS, parse};
use portolan::pipeline::Rules;
use portolan::pipeline::configured::Configured;
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
