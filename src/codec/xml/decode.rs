//! An XML document as JSON and back to the same bytes: each value stands once, in its place.
//!
//! An element is `{name, attributes, content}`; its content is a list of texts, elements, `{comment}`, `{cdata}` and
//! `{instruction}`; without `content` it is written `<name/>`. What is unusual in a tag is kept beside it: an attribute as
//! `{value, lead, equals, quote}`, blanks before the end of the tag as `tail`, those in the end tag as `end`. A text that would
//! not be escaped to its own bytes is `{value, raw}`. Markup that is not well-formed is one text, `malformed`.

use crate::tree::Charset;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;
use serde_json::{Map, Value, json};

/// What a place of the JSON must hold, and does not: pointer, expected.
pub type Unfit = (String, &'static str);

/// The root element as JSON, with the character set that leads back to the same bytes.
#[must_use]
pub fn to_json(bytes: &[u8], declared: Charset) -> (Value, Charset) {
    let mut read = super::text::text(bytes, declared);
    // Some sets write a character in several ways.
    if matches!(read.charset, Charset::Other(_)) && read.charset.encode(&read.text).as_deref() != Some(bytes) {
        read = super::text::text(bytes, Charset::Latin1);
    }
    (root(&read.text).unwrap_or_else(|| json!({ "malformed": &*read.text })), read.charset)
}

fn root(text: &str) -> Option<Value> {
    let mut reader = Reader::from_str(text);
    // The content of each open element, and the element itself without it.
    let mut open: Vec<(Map<String, Value>, Vec<Value>)> = Vec::new();
    let mut done = Vec::new();
    // Texts and references in a row are one text, from here on.
    let mut run: Option<usize> = None;
    let mut from = 0;
    loop {
        let event = reader.read_event().ok()?;
        let to = usize::try_from(reader.buffer_position()).ok()?;
        let raw = text.get(from..to)?;
        let begun = std::mem::replace(&mut from, to);
        let depth = open.len();
        let content = open.last_mut().map_or(&mut done, |(_, content)| content);
        if matches!(event, Event::Text(_) | Event::GeneralRef(_)) {
            run.get_or_insert(begun);
            continue;
        }
        if let Some(first) = run.take() {
            content.push(self::text(text.get(first..begun)?, false));
        }
        match event {
            Event::Start(_) if depth < super::DEPTH_MAX => open.push((tag(raw, ">")?, Vec::new())),
            Event::Start(_) => return None,
            Event::Empty(_) => content.push(tag(raw, "/>")?.into()),
            Event::End(_) => {
                let (mut element, inner) = open.pop()?;
                let name = element.get("name")?.as_str()?;
                let blanks = raw.strip_prefix("</")?.strip_suffix('>')?.strip_prefix(name)?;
                if !blanks.is_empty() {
                    element.insert("end".into(), blanks.into());
                }
                element.insert("content".into(), inner.into());
                open.last_mut().map_or(&mut done, |(_, content)| content).push(element.into());
            }
            Event::Text(_) | Event::GeneralRef(_) => {}
            Event::CData(_) => content.push(json!({ "cdata": raw.strip_prefix("<![CDATA[")?.strip_suffix("]]>")? })),
            Event::Comment(_) => content.push(json!({ "comment": raw.strip_prefix("<!--")?.strip_suffix("-->")? })),
            Event::PI(_) => content.push(json!({ "instruction": raw.strip_prefix("<?")?.strip_suffix("?>")? })),
            Event::Eof if depth == 0 => break,
            Event::Eof | Event::Decl(_) | Event::DocType(_) => return None,
        }
    }
    let behind: Vec<Value> = done.drain(1.min(done.len())..).collect();
    let mut root = done.pop()?;
    if !behind.is_empty() {
        root.as_object_mut()?.insert("behind".into(), behind.into());
    }
    root.is_object().then_some(root)
}

fn text(raw: &str, is_attribute: bool) -> Value {
    match unescape(raw) {
        Ok(value) if escaped(&value, is_attribute) == raw => value.into(),
        Ok(value) => json!({ "value": value, "raw": raw }),
        Err(_) => json!({ "value": raw, "raw": raw }),
    }
}

fn escaped(text: &str, is_attribute: bool) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    if is_attribute { text.replace('"', "&quot;") } else { text.replace('>', "&gt;") }
}

/// Name and attributes of a start tag.
fn tag(raw: &str, end: &str) -> Option<Map<String, Value>> {
    let inside = raw.strip_prefix('<')?.strip_suffix(end)?;
    let is_blank = |c: char| c.is_ascii_whitespace();
    let (name, mut rest) = inside.split_at(inside.find(is_blank).unwrap_or(inside.len()));
    let mut element = Map::from_iter([("name".to_owned(), Value::from(name))]);
    let mut attributes = Map::new();
    while let Some(at) = rest.find(|c: char| !is_blank(c)) {
        let (lead, behind) = rest.split_at(at);
        let (name, behind) = behind.split_at(behind.find(|c| is_blank(c) || c == '=')?);
        let (equals, behind) = behind.split_at(behind.find(['"', '\''])?);
        let quote = behind.chars().next()?;
        let (value, behind) = behind[1..].split_once(quote)?;
        rest = behind;
        let plain = text(value, quote == '"');
        let is_usual = (lead, equals, quote) == (" ", "=", '"');
        let shown = if is_usual {
            plain
        } else {
            json!({ "value": plain, "lead": lead, "equals": equals, "quote": quote.to_string() })
        };
        if attributes.insert(name.to_owned(), shown).is_some() {
            return None;
        }
    }
    if !attributes.is_empty() {
        element.insert("attributes".into(), attributes.into());
    }
    if !rest.is_empty() {
        element.insert("tail".into(), rest.into());
    }
    Some(element)
}

/// The bytes of the JSON that stands at a pointer.
///
/// # Errors
/// What it must hold, and does not.
pub fn from_json(value: &Value, charset: Charset, at: &str) -> Result<Vec<u8>, Unfit> {
    let mut out = String::new();
    match value.get("malformed").and_then(Value::as_str) {
        Some(text) => out.push_str(text),
        None => element(value, at, &mut out)?,
    }
    charset.encode(&out).ok_or((at.to_owned(), "characters of the character set of the document"))
}

fn element(value: &Value, at: &str, out: &mut String) -> Result<(), Unfit> {
    let said = |key: &str| value[key].as_str().unwrap_or_default();
    let Some(name) = value["name"].as_str().filter(|name| !name.is_empty()) else {
        return Err((format!("{at}/name"), "the name of an element"));
    };
    out.push('<');
    out.push_str(name);
    for (name, own) in value["attributes"].as_object().into_iter().flatten() {
        let pointer = format!("{at}/attributes/{name}");
        match own.get("quote") {
            Some(quote) => {
                let [lead, equals] = ["lead", "equals"].map(|key| own[key].as_str().unwrap_or_default());
                let quote = quote.as_str().filter(|quote| ["\"", "'"].contains(quote));
                let quote = quote.ok_or((format!("{pointer}/quote"), "a quote"))?;
                out.push_str(&format!("{lead}{name}{equals}{quote}"));
                let value = raw(&own["value"], &pointer, quote == "\"")?;
                out.push_str(&if quote == "'" { value.replace('\'', "&apos;") } else { value });
                out.push_str(quote);
            }
            None => out.push_str(&format!(" {name}=\"{}\"", raw(own, &pointer, true)?)),
        }
    }
    out.push_str(said("tail"));
    let Some(content) = value.get("content") else {
        out.push_str("/>");
        return behind(value, at, out);
    };
    out.push('>');
    list(content, &format!("{at}/content"), out)?;
    out.push_str(&format!("</{name}{}>", said("end")));
    behind(value, at, out)
}

/// What stands behind the root element.
fn behind(value: &Value, at: &str, out: &mut String) -> Result<(), Unfit> {
    value.get("behind").map_or(Ok(()), |behind| list(behind, &format!("{at}/behind"), out))
}

fn list(content: &Value, at: &str, out: &mut String) -> Result<(), Unfit> {
    let Some(content) = content.as_array() else { return Err((at.to_owned(), "an array")) };
    for (number, one) in content.iter().enumerate() {
        let at = format!("{at}/{number}");
        let said = |key: &str| one.get(key).and_then(Value::as_str);
        match (said("comment"), said("cdata"), said("instruction")) {
            (Some(text), ..) => out.push_str(&format!("<!--{text}-->")),
            (_, Some(text), _) => out.push_str(&format!("<![CDATA[{text}]]>")),
            (.., Some(text)) => out.push_str(&format!("<?{text}?>")),
            _ if one.get("name").is_some() => element(one, &at, out)?,
            _ => out.push_str(&raw(one, &at, false)?),
        }
    }
    Ok(())
}

/// A text as it stands in the markup. What it was before somebody changed its value counts no more.
fn raw(value: &Value, at: &str, is_attribute: bool) -> Result<String, Unfit> {
    if let Some(text) = value.as_str() {
        return Ok(escaped(text, is_attribute));
    }
    let (Some(text), Some(raw)) = (value["value"].as_str(), value["raw"].as_str()) else {
        return Err((at.to_owned(), "a text, an element, or {value, raw}"));
    };
    let is_unchanged = unescape(raw).map_or(raw == text, |before| before == text);
    Ok(if is_unchanged { raw.to_owned() } else { escaped(text, is_attribute) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_markup_comes_back_as_it_was() {
        for text in [
            "<a/>",
            "<a></a>",
            "<a b=\"1\" c='2'\n  d = \"&lt;3\" />",
            "<a>1 &amp; 2<b>x</b>\r\n<!-- c --><![CDATA[<d>]]><?e f?>&#65;&unknown;</a >",
            "<p:a xmlns:p=\"urn:x\">ä > b</p:a>\n<!-- behind -->",
            "<a><b></a>",
            "<a b=\"1\" b=\"2\"/>",
            "<a",
        ] {
            let (value, charset) = to_json(text.as_bytes(), Charset::Utf8);
            assert_eq!(from_json(&value, charset, "").expect("written"), text.as_bytes(), "{value}");
        }
        let windows = Charset::of_name("windows-1252").expect("known");
        for (declared, name) in [(Charset::Utf8, "iso-8859-1"), (windows, "windows-1252")] {
            let (value, charset) = to_json(b"<a>\xE4\x80</a>", declared);
            assert_eq!(charset.name(), name);
            assert_eq!(from_json(&value, charset, "").expect("written"), b"<a>\xE4\x80</a>");
        }
        // A way of Shift_JIS to write a character that it does not write itself.
        let (value, charset) = to_json(b"<a>\xED\x40</a>", Charset::of_name("Shift_JIS").expect("known"));
        assert_eq!(from_json(&value, charset, "").expect("written"), b"<a>\xED\x40</a>");
    }

    #[test]
    fn a_text_of_many_references_is_one_text() {
        let text = format!("<a>x{}<b/>&#65;</a>", "&amp;".repeat(20_000));
        let (value, charset) = to_json(text.as_bytes(), Charset::Utf8);
        assert_eq!(value["content"][0], format!("x{}", "&".repeat(20_000)));
        assert_eq!(value["content"].as_array().map(Vec::len), Some(3));
        assert!(from_json(&value, charset, "").expect("written") == text.as_bytes());
    }

    #[test]
    fn a_changed_value_changes_its_own_bytes() {
        let (mut value, charset) = to_json(b"<a c='1'>x &gt; y<b> &#65; </b></a>", Charset::Utf8);
        value["attributes"]["c"]["value"] = "it's".into();
        value["content"][1]["content"][0]["value"] = "<".into();
        assert_eq!(from_json(&value, charset, "").expect("written"), b"<a c='it&apos;s'>x &gt; y<b>&lt;</b></a>");
    }

    #[test]
    fn err_json_that_is_no_markup() {
        for (value, pointer) in [(json!({}), "/name"), (json!({ "name": "a", "content": [1] }), "/content/0")] {
            assert_eq!(from_json(&value, Charset::Utf8, "").expect_err("unfit").0, pointer);
        }
    }
}
