//! An XML document as text: in the character set that its declaration names, UTF-8 where it names none. Bytes that
//! contradict the declaration are read one by one, which any can be; it guesses no set.

use super::cut::{Start, start};
use crate::tree::Charset;
use std::borrow::Cow;

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'b> {
    /// The text.
    pub text: Cow<'b, str>,
    /// What it was read in.
    pub charset: Charset,
    /// The first byte that is not of the declared set.
    pub contradiction: Option<usize>,
}

/// The character set that the declaration before the root element names. One that this program does not know, or whose
/// bytes are not those of ASCII where the declaration itself is, is none.
#[must_use]
pub fn declared(prolog: &[u8]) -> Option<Charset> {
    let prolog = prolog.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(prolog).strip_prefix(b"<?xml")?;
    let end = prolog.windows(2).position(|window| window == b"?>")?;
    let (_, behind) = std::str::from_utf8(&prolog[..end]).ok()?.split_once("encoding")?;
    let value = behind.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, _) = value[1..].split_once(quote)?;
    charset(name)
}

/// The character set of this name, if this program knows it and a document can be in it whose declaration is read as ASCII.
#[must_use]
pub fn charset(name: &str) -> Option<Charset> {
    let is_readable = |charset: &Charset| match charset {
        Charset::Other(encoding) => encoding.is_ascii_compatible(),
        Charset::Latin1 | Charset::Utf8 => true,
    };
    Charset::of_name(name).filter(is_readable)
}

/// Reads a document in its declared set.
#[must_use]
pub fn text(bytes: &[u8], declared: Charset) -> Text<'_> {
    let read = match declared {
        Charset::Utf8 => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| error.valid_up_to()),
        Charset::Latin1 => Ok(Charset::Latin1.decode(bytes)),
        Charset::Other(encoding) => encoding
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or_else(|| bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or_default()),
    };
    match read {
        Ok(text) => Text { text, charset: declared, contradiction: None },
        Err(at) => Text { text: Charset::Latin1.decode(bytes), charset: Charset::Latin1, contradiction: Some(at) },
    }
}

/// The root element of an input that is one document, as text: in the set that somebody `told`, else in the one that it
/// declares. `None`: it does not begin like XML.
#[must_use]
pub fn read(bytes: &[u8], told: Option<Charset>) -> Option<Text<'_>> {
    let Start::At(root) = start(bytes, true) else { return None };
    let charset = told.or_else(|| declared(&bytes[..root])).unwrap_or(Charset::Utf8);
    Some(text(&bytes[root..], charset))
}

/// How many bytes a text of a document takes there.
#[must_use]
pub fn width(text: &str, charset: Charset) -> usize {
    match charset {
        _ if text.is_ascii() => text.len(),
        Charset::Utf8 => text.len(),
        Charset::Latin1 => text.chars().count(),
        Charset::Other(encoding) => encoding.encode(text).0.len(),
    }
}

/// A text as it stands between tags or in quotes, for the few documents that are written without a definition. What XML
/// cannot hold is left out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars().filter(|c| super::is_character(*c)) {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_in_the_set_that_it_declares() {
        for (declaration, bytes, read, contradiction) in [
            ("", &b"\xC3\xA4"[..], "ä", None),
            ("", b"a\xE4", "aä", Some(1)),
            (" encoding='utf-8'", b"\xE4", "ä", Some(0)),
            (" encoding = \"ISO-8859-1\"", b"\xE4", "ä", None),
            (" encoding=\"windows-1252\"", b"\x80", "€", None),
            (" encoding=\"Shift_JIS\"", b"\x93\xFA", "日", None),
            (" encoding=\"Shift_JIS\"", b"a\x93", "a\u{93}", Some(1)),
            (" encoding=\"UTF-16\"", b"a", "a", None),
        ] {
            let prolog = format!("<?xml version=\"1.0\"{declaration}?>");
            let charset = declared(prolog.as_bytes()).unwrap_or(Charset::Utf8);
            let found = text(bytes, charset);
            assert_eq!((found.text.as_ref(), found.contradiction), (read, contradiction), "{declaration}");
            assert_eq!(width(&found.text, found.charset), bytes.len(), "{declaration}");
        }
        assert_eq!(declared(b"<!-- <?xml encoding='latin1'?> -->"), None);
    }
}
