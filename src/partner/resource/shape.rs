//! The shape of each kind of resource, said once: errors with the nearest key, and the JSON Schemas under
//! `/schemas/resource`, both come from here. What the keys mean is said in the structs of the kinds; a test holds the
//! two against each other.

use super::{
    agreement, alert, auth, calendar, certificate, channel, mailbox, overlay, partner, recipient, route, webhook,
};
use crate::config::has_user;
use crate::near::hint;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// What may stand under a key. Scalars are text whatever they look like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Any text.
    Text,
    /// Text with something in it.
    Filled,
    /// An address of the web, without a user in it; where that belongs instead.
    Url(&'static str),
    /// One of several words.
    Word(&'static [&'static str]),
    /// A whole number within limits.
    Number(u64, u64),
    /// An amount from 0 on, such as `0.05`.
    Amount,
    /// A day, `2026-01-31`.
    Date,
    /// `QUALIFIER:ID`.
    PartyId,
    /// A list.
    List(&'static Shape),
    /// Keys that are names of the writer's own.
    Map(&'static Shape),
    /// Keys that are known.
    Object(&'static [Key]),
    /// One of several shapes.
    Either(&'static [Shape]),
    /// Whatever its own notation says.
    Any,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What stands under it.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// For people.
    pub help: &'static str,
}

/// A key that may be left out.
pub const fn may(name: &'static str, shape: Shape, help: &'static str) -> Key {
    Key { name, shape, required: false, help }
}

/// A key that must be there.
pub const fn must(name: &'static str, shape: Shape, help: &'static str) -> Key {
    Key { name, shape, required: true, help }
}

/// The name of a secret.
pub const SECRET: Shape = Shape::Object(&[must("secret", Shape::Filled, "Name, as set with portolan secret set")]);
/// Plain text, or the name of a secret.
pub const SECRET_OR_TEXT: Shape = Shape::Either(&[Shape::Text, SECRET]);

/// A kind of resource.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The word under `kind`.
    pub name: &'static str,
    /// For people.
    pub help: &'static str,
    /// Its keys, kind and name left out.
    pub keys: &'static [Key],
}

/// All kinds, in the order of the manual; a new one is its file and a line here.
pub static ALL: [Kind; 15] = [
    Kind { name: "partner", help: "Who we deal with", keys: partner::KEYS },
    Kind { name: "channel", help: "A way in or out at a transport", keys: channel::KEYS },
    Kind { name: "auth", help: "How we show a partner who sends", keys: auth::KEYS },
    Kind { name: "certificate", help: "Who may sign, or whom a key of ours belongs to", keys: certificate::KEYS },
    Kind { name: "mailbox", help: "Where a partner drops and fetches files", keys: mailbox::KEYS },
    Kind { name: "agreement", help: "What was agreed for one document type", keys: agreement::KEYS },
    Kind { name: "route", help: "Where what came in goes out", keys: route::KEYS },
    Kind { name: "mapping", help: "A partner's or group's own mapping rules", keys: overlay::MAPPING_KEYS },
    Kind {
        name: "transformation",
        help: "What becomes of an entity on its way along a route",
        keys: overlay::TRANSFORMATION_KEYS,
    },
    Kind { name: "guide", help: "A narrower definition for a partner", keys: overlay::GUIDE_KEYS },
    Kind { name: "table", help: "A lookup table", keys: overlay::TABLE_KEYS },
    Kind { name: "webhook", help: "Where events are posted", keys: webhook::KEYS },
    Kind { name: "alert", help: "What is watched, and how bad it is", keys: alert::KEYS },
    Kind { name: "recipient", help: "Who is told of alarms", keys: recipient::KEYS },
    Kind { name: "calendar", help: "When somebody works", keys: calendar::KEYS },
];

/// The kind of this name.
#[must_use]
pub fn find(kind: &str) -> Option<&'static Kind> {
    ALL.iter().find(|one| one.name == kind)
}

/// Everything in which a body is not of its kind's shape: key and sentence.
#[must_use]
pub fn check(kind: &Kind, body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    object(kind.keys, body, "", &mut found);
    found
}

type Found = Vec<(String, String)>;

/// Every address of a body that has a user in it: key and sentence. It repeats nothing of the address.
#[must_use]
pub fn users(kind: &Kind, body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    users_in(&Shape::Object(kind.keys), body, "", &mut found);
    found
}

fn users_in(shape: &Shape, value: &Value, path: &str, found: &mut Found) {
    match (shape, value) {
        (Shape::Url(remedy), Value::String(url)) if has_user(url) => {
            let told = "expected an address without a user, found one with it, which plans and exports would show";
            found.push((path.to_owned(), format!("{told}: {remedy}")));
        }
        (Shape::Object(keys), Value::Object(object)) => {
            for key in keys.iter() {
                let inner = object.get(key.name);
                inner.into_iter().for_each(|inner| users_in(&key.shape, inner, &inside(path, key.name), found));
            }
        }
        (Shape::List(item), Value::Array(items)) => {
            items.iter().enumerate().for_each(|(at, one)| users_in(item, one, &format!("{path}[{}]", at + 1), found));
        }
        (Shape::Map(item), Value::Object(object)) => {
            object.iter().for_each(|(key, one)| users_in(item, one, &inside(path, key), found));
        }
        (Shape::Either(shapes), _) => shapes.iter().for_each(|one| users_in(one, value, path, found)),
        _ => {}
    }
}

fn inside(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn object(keys: &[Key], value: &Value, path: &str, found: &mut Found) {
    let Some(object) = value.as_object() else {
        let names: Vec<_> = keys.iter().map(|key| key.name).collect();
        found.push((path.to_owned(), format!("expected keys such as {}, found {}", names.join(", "), word(value))));
        return;
    };
    for (name, inner) in object {
        match keys.iter().find(|key| key.name == name) {
            Some(key) => shape(&key.shape, inner, &inside(path, name), found),
            None => {
                let names: Vec<_> = keys.iter().map(|key| key.name).collect();
                found.push((inside(path, name), format!("unknown key {name}{}", hint(name, &names))));
            }
        }
    }
    for key in keys.iter().filter(|key| key.required && !object.contains_key(key.name)) {
        let expected = format!("expected a key {}: {}", key.name, key.help);
        found.push((path.to_owned(), expected));
    }
}

fn shape(shape: &Shape, value: &Value, path: &str, found: &mut Found) {
    let expected = match shape {
        Shape::Any => return,
        Shape::Object(keys) => return object(keys, value, path, found),
        Shape::List(item) => match value.as_array() {
            Some(items) => {
                let numbered = items.iter().enumerate();
                return numbered.for_each(|(at, one)| self::shape(item, one, &format!("{path}[{}]", at + 1), found));
            }
            None => "a list".to_owned(),
        },
        Shape::Map(item) => match value.as_object() {
            Some(object) => {
                return object.iter().for_each(|(key, one)| self::shape(item, one, &inside(path, key), found));
            }
            None => "keys with values".to_owned(),
        },
        Shape::Either(shapes) => return either(shapes, value, path, found),
        scalar => match scalar_problem(scalar, value) {
            None => return,
            Some(expected) => expected,
        },
    };
    found.push((path.to_owned(), format!("expected {expected}, found {}", word(value))));
}

/// What a scalar should have been; `None` when it is.
fn scalar_problem(shape: &Shape, value: &Value) -> Option<String> {
    let Some(text) = value.as_str() else { return Some(words(shape)) };
    let is_fine = match shape {
        Shape::Filled | Shape::Url(_) => !text.is_empty(),
        Shape::Word(words) => words.contains(&text),
        Shape::Number(min, max) => text.parse::<u64>().is_ok_and(|number| (*min..=*max).contains(&number)),
        Shape::Amount => text.parse::<Decimal>().is_ok_and(|amount| !amount.is_sign_negative()),
        Shape::Date => text.parse::<jiff::civil::Date>().is_ok(),
        Shape::PartyId => text.rsplit(':').next().is_some_and(|value| !value.trim().is_empty()),
        _ => true,
    };
    if is_fine { None } else { Some(words(shape)) }
}

/// The shape that fits best is the one that is told about.
fn either(shapes: &[Shape], value: &Value, path: &str, found: &mut Found) {
    let mut best: Option<Found> = None;
    for one in shapes {
        let mut problems = Found::new();
        shape(one, value, path, &mut problems);
        if problems.is_empty() {
            return;
        }
        let fits =
            value.is_object() == matches!(one, Shape::Object(_)) && value.is_array() == matches!(one, Shape::List(_));
        if fits && !value.is_string() {
            best = Some(problems);
        }
    }
    let all: Vec<_> = shapes.iter().map(words).collect();
    let told = || vec![(path.to_owned(), format!("expected {}, found {}", all.join(" or "), word(value)))];
    found.extend(best.unwrap_or_else(told));
}

fn words(shape: &Shape) -> String {
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Filled => "text with something in it".to_owned(),
        Shape::Url(_) => "an address".to_owned(),
        Shape::Word(words) => words.join(" or "),
        Shape::Number(min, u64::MAX) => format!("a number from {min} on"),
        Shape::Number(min, max) => format!("a number from {min} to {max}"),
        Shape::Amount => "an amount such as 0.05".to_owned(),
        Shape::Date => "a day such as 2026-01-31".to_owned(),
        Shape::PartyId => "QUALIFIER:ID, such as ZZ:ACME".to_owned(),
        Shape::List(item) => format!("a list of {}", words(item)),
        Shape::Map(_) => "keys with values".to_owned(),
        Shape::Object(keys) => {
            let names: Vec<_> = keys.iter().map(|key| key.name).collect();
            format!("keys {}", names.join(", "))
        }
        Shape::Either(shapes) => shapes.iter().map(words).collect::<Vec<_>>().join(" or "),
        Shape::Any => "anything".to_owned(),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "keys with values".to_owned(),
        other => other.to_string(),
    }
}

/// The JSON Schema (draft 2020-12) of a kind; `None` when there is no such kind.
#[must_use]
pub fn schema(kind: &str) -> Option<Value> {
    let kind = find(kind)?;
    let mut schema = object_schema(kind.keys);
    let name =
        json!({ "type": "string", "pattern": "^[a-z0-9_][a-z0-9_.-]{0,63}$", "description": "Unique in its kind" });
    let mut properties = Map::new();
    properties.insert("kind".into(), json!({ "const": kind.name }));
    properties.insert("name".into(), name);
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    schema["properties"] = Value::Object(properties);
    let required = ["kind", "name"].into_iter().chain(kind.keys.iter().filter(|key| key.required).map(|key| key.name));
    schema["required"] = required.collect::<Vec<_>>().into();
    let mut whole = Map::new();
    whole.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    whole.insert("title".into(), kind.name.into());
    whole.insert("description".into(), kind.help.into());
    whole.extend(schema.as_object().cloned().unwrap_or_default());
    Some(Value::Object(whole))
}

fn object_schema(keys: &[Key]) -> Value {
    let property = |key: &Key| {
        let mut schema = shape_schema(&key.shape);
        schema["description"] = key.help.into();
        (key.name.to_owned(), schema)
    };
    let required: Vec<_> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let properties: Map<String, Value> = keys.iter().map(property).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Editors read YAML's plain scalars as numbers and booleans; for us they are text all the same.
fn shape_schema(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": ["string", "number", "boolean", "null"] }),
        Shape::Filled => json!({ "type": ["string", "number", "boolean"], "minLength": 1 }),
        Shape::Url(_) => json!({ "type": "string", "minLength": 1 }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Number(..) => json!({ "type": ["string", "integer"], "pattern": "^[0-9]+$" }),
        Shape::Amount => json!({ "type": ["string", "number"], "pattern": "^[0-9]+([.][0-9]+)?$" }),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::PartyId => json!({ "type": ["string", "integer"], "pattern": "[^: ] *$" }),
        Shape::List(item) => json!({ "type": "array", "items": shape_schema(item) }),
        Shape::Map(item) => json!({ "type": "object", "additionalProperties": shape_schema(item) }),
        Shape::Object(keys) => object_schema(keys),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(shape_schema).collect::<Vec<_>>() }),
        Shape::Any => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Agreement, Auth, Channel, EnvelopeProfile, Partner, Route, Shown};
    use super::super::{envelope, schedule};
    use super::*;
    use serde::de::DeserializeOwned;

    /// The keys that a struct takes, from what serde says of a wrong one.
    fn taken<T: DeserializeOwned>() -> Vec<String> {
        let error = serde_json::from_value::<T>(json!({ "?": "" })).err().expect("a wrong key").to_string();
        let (_, expected) = error.split_once("expected ").expect("a list of keys");
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn names(keys: &[Key]) -> Vec<String> {
        keys.iter().map(|key| key.name.to_owned()).collect()
    }

    fn sorted(mut keys: Vec<String>) -> Vec<String> {
        keys.sort();
        keys
    }

    #[test]
    fn shapes_and_structs_have_the_same_keys() {
        assert_eq!(sorted(names(partner::KEYS)), sorted(taken::<Partner>()));
        assert_eq!(sorted(names(channel::KEYS)), sorted(taken::<Channel>()));
        assert_eq!(sorted(names(super::super::as2::KEYS)), sorted(taken::<crate::partner::As2>()));
        assert_eq!(sorted(names(auth::KEYS)), sorted(taken::<Auth>()));
        for (name, taken) in [
            ("basic", taken::<super::super::Basic>()),
            ("oauth2", taken::<super::super::OAuth2>()),
            ("oauth1", taken::<super::super::OAuth1>()),
            ("signed", taken::<super::super::Signed>()),
        ] {
            let key = auth::KEYS.iter().find(|key| key.name == name).expect("a key");
            let Shape::Object(keys) = key.shape else { panic!("{name} has no keys") };
            assert_eq!(sorted(names(keys)), sorted(taken), "{name}");
        }
        assert_eq!(sorted(names(webhook::KEYS)), sorted(taken::<super::super::Webhook>()));
        assert_eq!(sorted(names(alert::KEYS)), sorted(taken::<super::super::Alert>()));
        assert_eq!(sorted(names(recipient::KEYS)), sorted(taken::<super::super::Recipient>()));
        assert_eq!(sorted(names(calendar::KEYS)), sorted(taken::<super::super::Calendar>()));
        assert_eq!(sorted(names(certificate::KEYS)), sorted(taken::<crate::partner::Certificate>()));
        assert_eq!(sorted(names(route::KEYS)), sorted(taken::<Route>()));
        assert_eq!(sorted(names(envelope::KEYS)), sorted(taken::<EnvelopeProfile>()));
        assert_eq!(sorted(names(schedule::KEYS)), sorted(taken::<super::super::When>()));
        assert_eq!(sorted(names(schedule::WINDOW_KEYS)), sorted(taken::<super::super::DeliveryWindow>()));
        assert!(serde_json::from_value::<Shown>(json!("token")).is_ok());
        // Here the shape may know more than the struct, never less.
        for key in taken::<Agreement>() {
            assert!(names(agreement::KEYS).contains(&key), "agreement: {key}");
        }
        for key in taken::<crate::partner::AckPolicy>() {
            assert!(names(agreement::ACK_KEYS).contains(&key), "ack: {key}");
        }
        for key in taken::<crate::partner::Split>() {
            assert!(names(super::super::split::KEYS).contains(&key), "split: {key}");
        }
        for key in taken::<crate::partner::Expect>() {
            assert!(names(agreement::EXPECT_KEYS).contains(&key), "expect: {key}");
        }
    }

    #[test]
    fn kinds_are_the_list() {
        let names: Vec<_> = ALL.iter().map(|kind| kind.name).collect();
        assert_eq!(names, super::super::KINDS);
    }

    #[test]
    fn err_each_problem_is_told_at_its_key() {
        let body = json!({ "way": "inn", "partner": "acme", "documnt": "x", "valid_from": "tomorrow",
            "envelope": { "recever": "ZZ:A", "first_number": "-1" }, "ack": "yes", "expect": [{ "kind": "997" }] });
        let kind = find("agreement").expect("a kind");
        let found: Vec<_> = check(kind, &body).into_iter().map(|(key, message)| format!("{key}: {message}")).collect();
        for expected in [
            "way: expected in or out, found inn",
            "documnt: unknown key documnt; did you mean document?",
            "valid_from: expected a day such as 2026-01-31, found tomorrow",
            "envelope.recever: unknown key recever; did you mean receiver?",
            "envelope.first_number: expected a number from 0 to 99999999999999, found -1",
            ": expected a key document",
            "expect[1]: expected a key within_minutes",
        ] {
            assert!(found.iter().any(|one| one.starts_with(expected)), "{expected} in {found:#?}");
        }
    }

    #[test]
    fn err_a_user_in_any_address_is_told_with_what_to_do() {
        let url = "https://ann:hunter2@there.example/in";
        let proxy = json!({ "url": url });
        for (kind, body, key, remedy) in [
            ("channel", json!({ "url": url }), "url", "name an auth"),
            ("channel", json!({ "proxy": proxy }), "proxy.url", "user and password"),
            ("channel", json!({ "cxml": { "punchout": url } }), "cxml.punchout", "leave it out"),
            ("channel", json!({ "receipt_auth": { "name": "a", "url": url } }), "receipt_auth.url", "auth"),
            ("channel", json!({ "as2": { "receipt_url": url } }), "as2.receipt_url", "leave it out"),
            ("auth", json!({ "oauth2": { "token_url": url } }), "oauth2.token_url", "client_id"),
            ("webhook", json!({ "url": url, "proxy": "none" }), "url", "name an auth"),
            ("webhook", json!({ "proxy": proxy }), "proxy.url", "user and password"),
            ("recipient", json!({ "post": { "url": url } }), "post.url", "secret"),
        ] {
            let found = users(find(kind).expect("a kind"), &body);
            let [(at, told)] = &found[..] else { panic!("{kind} {body}: {found:?}") };
            assert_eq!(at, key);
            assert!(told.contains(remedy) && !told.contains("hunter2"), "{told}");
        }
        let fine = json!({ "url": "https://there.example/in?to=a@b.example", "headers": { "X": url } });
        assert_eq!(users(find("channel").expect("a kind"), &fine), []);
        assert_eq!(users(find("recipient").expect("a kind"), &json!({ "post": { "url": { "secret": "s" } } })), []);
    }

    #[test]
    fn a_schema_says_what_the_shape_says() {
        let schema = schema("route").expect("a schema");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["required"], json!(["kind", "name", "from", "to"]));
        assert_eq!(schema["additionalProperties"], false);
        assert!(super::schema("pigeon").is_none());
    }
}
