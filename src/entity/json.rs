//! Entities as JSON text (RFC 8259) on one line, written straight from their fields. Reading JSON is serde's.

use super::Entity;
use super::value::{Key, Map, Value};

/// Appends `{"type":…,…fields}`.
pub(super) fn entity(entity: &Entity, text: &mut Vec<u8>) {
    text.extend(b"{\"type\":");
    string(&entity.kind, text);
    for (name, field) in &entity.fields {
        text.push(b',');
        member(name, field, text);
    }
    text.push(b'}');
}

/// Appends a value.
pub(super) fn value(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Null => text.extend(b"null"),
        Value::Bool(true) => text.extend(b"true"),
        Value::Bool(false) => text.extend(b"false"),
        Value::Number(number) => text.extend(number.to_string().as_bytes()),
        Value::String(one) => string(one, text),
        Value::Array(items) => list(items, text),
        Value::Object(fields) => object(fields, text),
    }
}

fn list(items: &[Value], text: &mut Vec<u8>) {
    text.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        value(item, text);
    }
    text.push(b']');
}

fn object(fields: &Map, text: &mut Vec<u8>) {
    if let Some(filled) = fields.filled() {
        return filled.write_json(text);
    }
    text.push(b'{');
    for (at, (name, field)) in fields.into_iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        member(name, field, text);
    }
    text.push(b'}');
}

fn member(name: &Key, field: &Value, text: &mut Vec<u8>) {
    match name {
        // Names of definitions have nothing to escape.
        Key::Borrowed(known) => {
            text.push(b'"');
            text.extend(known.as_bytes());
            text.push(b'"');
        }
        Key::Owned(name) => string(name, text),
    }
    text.push(b':');
    value(field, text);
}

/// Appends a text in quotes.
pub(super) fn string(one: &str, text: &mut Vec<u8>) {
    text.push(b'"');
    match has_escapes(one.as_bytes()) {
        false => text.extend(one.as_bytes()),
        true => content(one.as_bytes(), text),
    }
    text.push(b'"');
}

/// Whether anything of a text is to be escaped. Nearly no text has; so all of it is looked at, which needs no branches.
pub(super) fn has_escapes(text: &[u8]) -> bool {
    text.iter().fold(false, |found, &byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}

/// Appends what stands between the quotes.
pub(super) fn content(one: &[u8], text: &mut Vec<u8>) {
    one.iter().for_each(|&byte| escaped(byte, text));
}

fn escaped(byte: u8, text: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        0..b' ' => {
            text.extend(format!("\\u{byte:04x}").as_bytes());
            return;
        }
        _ => {
            text.push(byte);
            return;
        }
    };
    text.extend([b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_serde_writes_it() {
        let every: String = (0..0x30).chain([0x5C, 0x7F, 0xE9, 0x20AC, 0x1F600]).filter_map(char::from_u32).collect();
        let json = serde_json::json!({ "type": "order", "a\"b": every, "list": [true, false, null, 1.5, {}, []],
            "inner": { "one": "1", "two": ["x", "y\\"] } });
        let whole = Entity::from_json(&json).expect("an entity");
        let mut text = Vec::new();
        entity(&whole, &mut text);
        assert_eq!(String::from_utf8(text).expect("text"), json.to_string());
    }
}
