//! A JSON document as decoded JSON and back to the same bytes: `{text, values}`, where `text` is the document with U+0000 in
//! the place of each value, and `values` are those, in order: `{at, value}` for a text, `{at, literal}` for anything else; `raw`
//! beside a text that would be escaped otherwise. What is no JSON is one text, `malformed`.

use super::read::{Kind, Node, is_number, read};
use crate::codec::xml::Unfit;
use crate::tree::Charset;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Stands for a value; JSON cannot hold it unescaped.
const PLACE: char = '\0';

/// The document, and the character set it is read in.
#[must_use]
pub fn to_json(bytes: &[u8]) -> (Value, Charset) {
    let (text, charset) = match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), Charset::Utf8),
        Err(_) => (Charset::Latin1.decode(bytes), Charset::Latin1),
    };
    let Ok((node, end)) = read(&text) else { return (json!({ "malformed": text }), charset) };
    if text[end..].contains(PLACE) {
        return (json!({ "malformed": text }), charset);
    }
    let mut laid = Laid { text: &text, out: String::new(), from: 0, values: Vec::new() };
    laid.node(&node, String::new());
    laid.out.push_str(&text[laid.from..]);
    (json!({ "text": laid.out, "values": laid.values }), charset)
}

struct Laid<'t> {
    text: &'t str,
    out: String,
    from: usize,
    values: Vec<Value>,
}

impl Laid<'_> {
    fn node(&mut self, node: &Node<'_>, at: String) {
        let raw = &self.text[node.span.clone()];
        let mut value = Map::new();
        match &node.kind {
            Kind::Object(members) => {
                return members.iter().for_each(|(name, _, inner)| {
                    self.node(inner, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")))
                });
            }
            Kind::List(items) => {
                return items.iter().enumerate().for_each(|(number, inner)| self.node(inner, format!("{at}/{number}")));
            }
            Kind::Text(text) => {
                value.insert("at".into(), at.into());
                value.insert("value".into(), (**text).into());
                let plain = Value::from(&**text).to_string();
                if plain != raw {
                    value.insert("raw".into(), raw.into());
                }
            }
            Kind::Literal(word) => {
                value.insert("at".into(), at.into());
                value.insert("literal".into(), (*word).into());
            }
        }
        self.out.push_str(&self.text[self.from..node.span.start]);
        self.out.push(PLACE);
        self.from = node.span.end;
        self.values.push(value.into());
    }
}

/// The bytes of the document that stands at a pointer.
///
/// # Errors
/// What must stand there, and does not.
pub fn from_json(value: &Value, charset: Charset, at: &str) -> Result<Vec<u8>, Unfit> {
    let encode =
        |text: &str| charset.encode(text).ok_or((at.to_owned(), "characters of the character set of the document"));
    if let Some(text) = value.get("malformed").and_then(Value::as_str) {
        return encode(text);
    }
    let text = value["text"].as_str().ok_or_else(|| (format!("{at}/text"), "the text around the values"))?;
    let values = value["values"].as_array().ok_or_else(|| (format!("{at}/values"), "an array"))?;
    let mut parts = text.split(PLACE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for (number, (part, own)) in parts.by_ref().zip(values).enumerate() {
        let pointer = format!("{at}/values/{number}");
        match (own.get("literal").and_then(Value::as_str), own.get("value").and_then(Value::as_str)) {
            (Some(literal), _) if matches!(literal, "true" | "false" | "null") || is_number(literal) => {
                out.push_str(literal);
            }
            (None, Some(text)) => {
                let raw = own.get("raw").and_then(Value::as_str);
                // What it was before somebody changed its value counts no more.
                let before = raw.filter(|raw| serde_json::from_str::<String>(raw).is_ok_and(|before| before == text));
                out.push_str(&before.map_or_else(|| Value::from(text).to_string(), str::to_owned));
            }
            _ => return Err((pointer, "{at, value}, or {at, literal} with a number, true, false or null")),
        }
        out.push_str(part);
        count = number + 1;
    }
    if parts.next().is_some() || count != values.len() {
        return Err((format!("{at}/values"), "a value for each place in the text"));
    }
    encode(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_document_comes_back_as_it_was() {
        for text in [
            "{}",
            "[1.50 , \"a\\u0041\",{\"b/c\":null}]",
            " {\"a\":\n\t[ ] , \"a\":true} junk",
            "{\"a\":1",
            "\"\\ud83d\\ude00\"",
        ] {
            let (value, charset) = to_json(text.as_bytes());
            assert_eq!(from_json(&value, charset, "").expect("written"), text.as_bytes(), "{value}");
        }
        let (mut value, charset) = to_json(b"{\"a\": \"\\u0041\", \"b\": 1.50}");
        value["values"][0]["value"] = "\"".into();
        assert_eq!(from_json(&value, charset, "").expect("written"), b"{\"a\": \"\\\"\", \"b\": 1.50}");
        value["values"][1]["literal"] = "1,\"c\":2".into();
        assert_eq!(from_json(&value, charset, "").expect_err("two values").0, "/values/1");
    }
}
