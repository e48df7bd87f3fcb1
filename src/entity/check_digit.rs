//! Check digits of GS1 identifiers, wherever in an entity they stand. Wrong ones are told, never repaired.

use super::finding;
use super::path::Path;
use super::template::Filled;
use super::value::{Map, Value};
use crate::diagnostic::{Diagnostic, Fault};

/// Canonical schemes that carry a check digit, with the lengths they have.
const SCHEMES: [(&str, &[usize]); 3] = [("gtin", &[8, 12, 13, 14]), ("gln", &[13]), ("sscc", &[18])];

/// Appends a finding for each `{scheme, value}` and each `sscc` whose check digit is wrong.
pub(super) fn check(fields: &Map, path: &Path<'_>, found: &mut Vec<Diagnostic>) {
    if let Some(filled) = fields.filled().filter(|filled| are_right(filled)) {
        debug_assert!(has_nothing_wrong(filled), "a template says what its fields say");
        return;
    }
    let (mut scheme, mut id) = (None, None);
    for (key, value) in fields {
        match (value, key.as_ref()) {
            (Value::String(text), "scheme") => scheme = Some(text),
            (Value::String(text), "value") => id = Some(text),
            (Value::String(text), "sscc" | "sscc_last") => identifier("sscc", text, &Path::Field(path, key), found),
            (Value::Object(inner), _) => check(inner, &Path::Field(path, key), found),
            (Value::Array(items), _) => {
                let path = Path::Field(path, key);
                for (at, item) in items.iter().enumerate() {
                    if let Value::Object(inner) = item {
                        check(inner, &Path::Item(&path, at + 1), found);
                    }
                }
            }
            _ => {}
        }
    }
    if let (Some(scheme), Some(id)) = (scheme, id) {
        identifier(scheme, id, path, found);
    }
}

/// Whether nothing is to be told of an object with a template.
fn are_right(filled: &Filled) -> bool {
    filled.template().identifiers.iter().all(|(scheme, value)| {
        let scheme = scheme.map_or("sscc", |scheme| filled.hole(scheme));
        let lengths = SCHEMES.iter().find(|(name, _)| *name == scheme);
        lengths.is_none_or(|(_, lengths)| has_check_digit(filled.hole(*value), lengths))
    })
}

/// The same field by field.
fn has_nothing_wrong(filled: &Filled) -> bool {
    let mut found = Vec::new();
    check(&Map::of_fields(filled.fields().to_vec()), &Path::Root, &mut found);
    found.is_empty()
}

fn identifier(scheme: &str, value: &str, path: &Path<'_>, found: &mut Vec<Diagnostic>) {
    let Some((name, lengths)) = SCHEMES.iter().find(|(name, _)| *name == scheme) else { return };
    if !has_check_digit(value, lengths) {
        let expected = format!("a {} with a right check digit", name.to_uppercase());
        found.push(finding(Fault::CheckDigit, &path.to_string(), &expected, value));
    }
}

/// GS1 modulo 10: weights 3 and 1 from the right, the last digit brings the sum to a multiple of ten.
fn has_check_digit(value: &str, lengths: &[usize]) -> bool {
    if !lengths.contains(&value.len()) || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits = value.bytes().rev().map(|byte| u32::from(byte - b'0')).enumerate();
    digits.map(|(at, digit)| if at % 2 == 0 { digit } else { digit * 3 }).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn check_digits() {
        for (scheme, good) in
            [("gtin", "4000862141404"), ("gtin", "012345678905"), ("gtin", "96385074"), ("sscc", "340123450000000017")]
        {
            let mut found = Vec::new();
            identifier(scheme, good, &Path::Root, &mut found);
            assert_eq!(found, [], "{scheme} {good}");
        }
        for (scheme, bad) in [
            ("gtin", "4000862141405"),
            ("gtin", "01234567890"),
            ("gln", "40008621414O4"),
            ("sscc", ""),
            ("gln", "96385074"),
        ] {
            let mut found = Vec::new();
            identifier(scheme, bad, &Path::Root, &mut found);
            assert_eq!(found.len(), 1, "{scheme} {bad}");
        }
    }

    #[test]
    fn found_wherever_they_stand() {
        let entity =
            Value::from(json!({ "lines": [{ "item": { "ids": [{ "scheme": "gtin", "value": "4000862141405" }] } }],
            "packages": [{ "sscc": "340123450000000018" }] }));
        let mut found = Vec::new();
        check(entity.as_object().expect("an object"), &Path::Root, &mut found);
        let messages: Vec<_> = found.iter().map(Diagnostic::message).collect();
        assert_eq!(
            messages,
            [
                "lines[1].item.ids[1]: check digit wrong: expected a GTIN with a right check digit, found 4000862141405",
                "packages[1].sscc: check digit wrong: expected a SSCC with a right check digit, found 340123450000000018"
            ]
        );
    }
}
