//! The structural check: each field that must be there is, and holds what its definition says. Sums and references are
//! the entities' own.

use super::arithmetic::is_plain_number;
use super::definition::{EntityDefinition, Field, FieldType};
use super::finding;
use super::path::Path;
use super::template::{Filled, Part};
use super::value::{Key, Map, Value};
use crate::diagnostic::{Diagnostic, Fault};

/// Appends what is wrong with presence and form of every field.
pub(super) fn check(definition: &'static EntityDefinition, values: &Map, found: &mut Vec<Diagnostic>) {
    check_object(&definition.fields, values, &Path::Root, found);
}

fn check_object(fields: &'static [Field], values: &Map, path: &Path<'_>, found: &mut Vec<Diagnostic>) {
    if is_clean(fields, values) {
        debug_assert!(has_nothing_wrong(fields, values), "what is soon seen to be right is right");
        return;
    }
    look_over(fields, values, path, found);
}

/// Whether it is soon seen that nothing is to be told of an object: what it has is gone through once, and of what it lacks
/// only what may not be lacking is looked for.
fn is_clean(fields: &'static [Field], values: &Map) -> bool {
    if let Some(filled) = values.filled() {
        return is_sound(fields, filled);
    }
    let is_there = |field: &Field| {
        let says_other = || field.unless.as_ref().is_none_or(|other| says(values, other));
        values.contains_key(&field.name) || (!field.is_required && says_other())
    };
    // Fields mostly come in the order of their definitions.
    let mut next = 0;
    fields.iter().filter(|field| field.is_required || field.unless.is_some()).all(is_there)
        && values.iter().all(|(key, value)| {
            let find = |fields: &[Field]| fields.iter().position(|field| field.name == **key);
            let Some(at) = find(&fields[next..]).map(|at| at + next).or_else(|| find(&fields[..next])) else {
                return false;
            };
            next = at + 1;
            is_value_clean(&fields[at], value)
        })
}

/// The same of the value of a field.
fn is_value_clean(field: &'static Field, value: &Value) -> bool {
    let is_one = |value: &Value| match (&field.kind, value) {
        (FieldType::Object(fields), Value::Object(values)) => is_clean(fields, values),
        (kind, value) => wrong(kind, value).is_none(),
    };
    match value {
        Value::Array(items) if field.is_list => items.iter().all(is_one),
        value => !field.is_list && is_one(value),
    }
}

/// Tells field by field what is wrong with an object.
fn look_over(fields: &'static [Field], values: &Map, path: &Path<'_>, found: &mut Vec<Diagnostic>) {
    // Fields mostly come in the order of their definitions.
    let (mut known, mut next) = (0, 0);
    for field in fields {
        let place = Path::Field(path, &field.name);
        let value = values.get_from(&mut next, &field.name);
        known += usize::from(value.is_some());
        match (value, field.is_list) {
            // What must be there of an object is told by its own name.
            (None, false) if field.is_required && matches!(field.kind, FieldType::Object(_)) => {
                check_value(field, &Value::Object(Map::new()), &place, found);
            }
            (None, _) if field.is_required || field.unless.as_ref().is_some_and(|other| !says(values, other)) => {
                found.push(finding(Fault::FieldMissing, &place.to_string(), &missing(field), "nothing"));
            }
            (None, _) => {}
            (Some(Value::Array(list)), true) => {
                for (at, value) in list.iter().enumerate() {
                    check_value(field, value, &Path::Item(&place, at + 1), found);
                }
            }
            (Some(other), true) => {
                found.push(finding(Fault::MappingValue, &place.to_string(), "a list", &other.to_string()));
            }
            (Some(value), false) => check_value(field, value, &place, found),
        }
    }
    if known < values.len() {
        unknown(fields, values, path, found);
    }
}

/// Whether a field is there, and not false.
fn says(values: &Map, field: &str) -> bool {
    values.get(field).is_some_and(|value| *value != false)
}

fn unknown(fields: &[Field], values: &Map, path: &Path<'_>, found: &mut Vec<Diagnostic>) {
    for unknown in values.keys().filter(|key| !fields.iter().any(|field| field.name == **key)) {
        let known: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        let place = Path::Field(path, unknown).to_string();
        found.push(finding(Fault::MappingValue, &place, &format!("one of {}", known.join(", ")), unknown));
    }
}

/// What should have been there: the field's meaning, or where it has none of its own what stands in it at least.
fn missing(field: &Field) -> String {
    let what = if field.is_list { "at least one entry" } else { "a value" };
    let inner = match &field.kind {
        FieldType::Object(inner) => inner.iter().filter(|one| one.is_required).map(|one| one.name.as_str()).collect(),
        _ => Vec::new(),
    };
    match (field.meaning.as_str(), inner.as_slice()) {
        ("", []) => what.to_owned(),
        ("", inner) => format!("{what} with {}", inner.join(" and ")),
        (meaning, _) => format!("{what} ({meaning})"),
    }
}

fn check_value(field: &'static Field, value: &Value, path: &Path<'_>, found: &mut Vec<Diagnostic>) {
    if let (FieldType::Object(fields), Value::Object(values)) = (&field.kind, value) {
        check_object(fields, values, path, found);
    } else if let Some(expected) = wrong(&field.kind, value) {
        found.push(finding(Fault::MappingValue, &path.to_string(), expected, &value.to_string()));
    }
}

/// What a value should have been, when it is not.
fn wrong(kind: &FieldType, value: &Value) -> Option<&'static str> {
    let fits = match kind {
        FieldType::Flag => value.is_boolean(),
        FieldType::Code(_) => value.is_string() || (value["list"].is_string() && value["code"].is_string()),
        FieldType::Object(_) => value.is_object(),
        kind => value.as_str().is_some_and(|text| holds(kind, text)),
    };
    let expected = match kind {
        FieldType::Text => "a text",
        FieldType::Date => "a date such as 2026-01-31",
        FieldType::Time => "a time such as 13:45",
        FieldType::Temporal => "a date, a date with time, a month, a week or a period",
        FieldType::Decimal => "a decimal number as text",
        FieldType::Count => "a whole number as text",
        FieldType::Flag => "true or false",
        FieldType::Code(_) => "a code, or an object with list and code",
        FieldType::Object(_) => "an object",
    };
    (!fits).then_some(expected)
}

/// Whether a text is one of a field that holds texts.
fn holds(kind: &FieldType, text: &str) -> bool {
    match kind {
        FieldType::Text | FieldType::Code(_) => true,
        FieldType::Date => is_day(text) || text.parse::<jiff::civil::Date>().is_ok(),
        FieldType::Time => text.parse::<jiff::civil::Time>().is_ok(),
        FieldType::Temporal => text.len() >= 4,
        FieldType::Decimal => is_plain_number(text) || text.parse::<rust_decimal::Decimal>().is_ok(),
        FieldType::Count => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        FieldType::Flag | FieldType::Object(_) => false,
    }
}

/// What the fields of a definition say of a template: found out once, for all objects of that form.
#[derive(Debug)]
pub(super) struct Soundness {
    /// The fields of the definition.
    fields: &'static [Field],
    /// The holes whose texts are to be looked at, with what they hold, when all else is as it should be; else each object is
    /// checked field by field.
    texts: Option<Vec<(usize, &'static FieldType)>>,
}

/// Whether nothing is to be told of an object with a template. A template is used by two definitions at most: a mapping
/// that makes invoices makes credit notes too.
fn is_sound(fields: &'static [Field], filled: &Filled) -> bool {
    let own = filled.template().soundness.iter().find_map(|one| {
        let one = one.get_or_init(|| {
            let mut texts = Vec::new();
            let is_sound = is_template_sound(fields, filled.template().parts(), &mut texts);
            Soundness { fields, texts: is_sound.then_some(texts) }
        });
        std::ptr::eq(one.fields, fields).then_some(one)
    });
    let texts = own.and_then(|own| own.texts.as_ref());
    texts.is_some_and(|texts| texts.iter().all(|(hole, kind)| holds(kind, filled.hole(*hole))))
}

/// The same field by field, as builds for tests do too.
fn has_nothing_wrong(fields: &'static [Field], values: &Map) -> bool {
    let mut found = Vec::new();
    look_over(
        fields,
        &Map::of_fields(values.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
        &Path::Root,
        &mut found,
    );
    found.is_empty()
}

/// Whether fields are as they should be whatever their texts are, but for those that are added to `texts`.
fn is_template_sound(
    fields: &'static [Field],
    parts: &[(Key, Part)],
    texts: &mut Vec<(usize, &'static FieldType)>,
) -> bool {
    let find = |name: &str| parts.iter().find(|(key, _)| key == name).map(|(_, part)| part);
    let is_there = |field: &Field| match (find(&field.name), &field.unless) {
        (Some(_), _) => true,
        (None, None) => !field.is_required,
        // A flag says so by what stands in it.
        (None, Some(other)) => !field.is_required && find(other).is_some_and(|part| !matches!(part, Part::Flag(_))),
    };
    fields.iter().all(is_there)
        && parts.iter().all(|(key, part)| {
            let field = fields.iter().find(|field| field.name == **key);
            field.is_some_and(|field| match part {
                Part::List(items) if field.is_list => items.iter().all(|item| is_part_sound(&field.kind, item, texts)),
                part => !field.is_list && is_part_sound(&field.kind, part, texts),
            })
        })
}

fn is_part_sound(kind: &'static FieldType, part: &Part, texts: &mut Vec<(usize, &'static FieldType)>) -> bool {
    match (kind, part) {
        (FieldType::Text | FieldType::Code(_), Part::Text(_)) | (FieldType::Flag, Part::Flag(_)) => true,
        (FieldType::Object(_) | FieldType::Flag, Part::Text(_)) => false,
        (kind, Part::Text(hole)) => {
            texts.push((*hole, kind));
            true
        }
        (FieldType::Object(fields), Part::Object(parts)) => is_template_sound(fields, parts, texts),
        (FieldType::Code(_), Part::Object(parts)) => ["list", "code"]
            .iter()
            .all(|name| parts.iter().any(|(key, part)| key == name && matches!(part, Part::Text(_)))),
        _ => false,
    }
}

/// `2026-01-31`, as nearly all days are written.
fn is_day(text: &str) -> bool {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else { return false };
    let digits = [a, b, c, d, e, f, g, h];
    let [a, b, c, d, e, f, g, h] = digits.map(|digit| i16::from(digit) - i16::from(b'0'));
    let (year, month, day) = (a * 1000 + b * 100 + c * 10 + d, e * 10 + f, g * 10 + h);
    let is_known = |month: i16, day: i16| jiff::civil::Date::new(year, month as i8, day as i8).is_ok();
    digits.iter().all(u8::is_ascii_digit) && is_known(month, day)
}

#[cfg(test)]
mod tests {
    use super::super::{definition, names};
    use super::*;

    #[test]
    fn err_what_is_missing_is_named() {
        let order = definition("order").expect("order.yaml");
        let mut found = Vec::new();
        check(order, &Map::from_iter([("number".into(), "1".into())]), &mut found);
        let said: Vec<_> = found.iter().map(Diagnostic::message).collect();
        assert!(
            said.contains(&"lines: field missing: expected at least one entry with quantity, found nothing".into()),
            "{said:?}"
        );
        for kind in names() {
            let definition = definition(kind).expect("it has one");
            let mut found = Vec::new();
            check(definition, &Map::new(), &mut found);
            assert!(!found.is_empty(), "{kind}: nothing is required");
            let bare = found.iter().find(|one| ["a value", "a value ()"].contains(&one.expected.as_str()));
            assert_eq!(bare.map(Diagnostic::message), None, "{kind}: does not say what is missing");
        }
    }

    #[test]
    fn err_an_allowance_that_is_neither_that_nor_a_charge_nor_only_told() {
        let order = definition("order").expect("order.yaml");
        let told = |item: serde_json::Value| {
            let order_of = serde_json::json!({ "allowance_charges": [item] });
            let mut found = Vec::new();
            check(order, Value::from(order_of).as_object().expect("an object"), &mut found);
            found.iter().filter(|one| one.place.starts_with("allowance_charges")).count()
        };
        for right in [
            serde_json::json!({ "is_charge": false }),
            serde_json::json!({ "is_charge": true, "information_only": false }),
            serde_json::json!({ "information_only": true }),
        ] {
            assert_eq!(told(right.clone()), 0, "{right}");
        }
        for wrong in [serde_json::json!({ "amount": "5" }), serde_json::json!({ "information_only": false })] {
            assert_eq!(told(wrong.clone()), 1, "{wrong}");
        }
    }
}
