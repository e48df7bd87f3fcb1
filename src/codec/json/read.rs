//! Reads JSON into values that know where they stand. It knows no definition.

use super::{DEPTH_MAX, VALUES_MAX};
use std::borrow::Cow;
use std::ops::Range;

/// A value, with the bytes it stands in.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'t> {
    /// What it is.
    pub kind: Kind<'t>,
    /// Where it stands.
    pub span: Range<usize>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'t> {
    /// Its members as they stand, with the place of each name.
    Object(Vec<Member<'t>>),
    /// Its items.
    List(Vec<Node<'t>>),
    /// A text.
    Text(Cow<'t, str>),
    /// A number, `true`, `false` or `null`, as it stands.
    Literal(&'t str),
}

/// Name, where that stands, and value.
pub type Member<'t> = (Cow<'t, str>, Range<usize>, Node<'t>);

/// Why the text is no JSON: where, what was expected, what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The byte.
    pub at: usize,
    /// What was expected.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

/// The value that a text is, and where it ends; blanks may stand around it.
///
/// # Errors
/// The text is no JSON, or has more values, or deeper ones, than are read.
pub fn read(text: &str) -> Result<(Node<'_>, usize), Malformed> {
    let mut reader = Reader { text, at: 0, values: 0 };
    reader.blanks();
    let node = reader.value(0)?;
    Ok((node, reader.at))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    values: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, Malformed> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found: String = rest.chars().take(20).collect();
        let found = if found.is_empty() { "the end of the input".to_owned() } else { found };
        Err(Malformed { at: self.at, expected: expected.to_owned(), found })
    }

    fn value(&mut self, depth: usize) -> Result<Node<'t>, Malformed> {
        let start = self.at;
        self.values += 1;
        if self.values > VALUES_MAX {
            return self.wrong(&format!("at most {VALUES_MAX} values in a document"));
        }
        if depth > DEPTH_MAX {
            return self.wrong(&format!("at most {DEPTH_MAX} lists and objects inside one another"));
        }
        let kind = match self.peek() {
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'[') => Kind::List(self.list(depth)?),
            Some(b'"') => Kind::Text(self.string()?),
            _ => Kind::Literal(self.literal()?),
        };
        Ok(Node { kind, span: start..self.at })
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member<'t>>, Malformed> {
        let mut members = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return self.wrong("the name of a member in quotes");
            }
            let name = self.string()?;
            let span = start..self.at;
            self.blanks();
            if self.peek() != Some(b':') {
                return self.wrong("a colon");
            }
            self.at += 1;
            self.blanks();
            members.push((name, span, self.value(depth + 1)?));
            if self.goes_on(b'}')? {
                continue;
            }
            return Ok(members);
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node<'t>>, Malformed> {
        let mut items = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            self.blanks();
            items.push(self.value(depth + 1)?);
            if !self.goes_on(b']')? {
                return Ok(items);
            }
        }
    }

    /// A comma, or the end.
    fn goes_on(&mut self, end: u8) -> Result<bool, Malformed> {
        self.blanks();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ => self.wrong(&format!("a comma or {}", char::from(end))),
        }
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Malformed> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(byte) if *byte >= 0x20 => at += 1,
                _ => {
                    self.at = at.min(self.text.len());
                    return self.wrong("the end of the text, or a control character as \\u");
                }
            }
        }
        let raw = self.text.get(start..=at);
        let read = raw.and_then(|raw| match raw.contains('\\') {
            true => serde_json::from_str(raw).ok().map(Cow::Owned),
            false => Some(Cow::Borrowed(&raw[1..raw.len() - 1])),
        });
        match read {
            Some(text) => {
                self.at = at + 1;
                Ok(text)
            }
            None => self.wrong("a text whose escapes are those of JSON"),
        }
    }

    fn literal(&mut self) -> Result<&'t str, Malformed> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
        let word = &rest[..length];
        if !matches!(word, "true" | "false" | "null") && !is_number(word) {
            return self.wrong("a value");
        }
        self.at += length;
        Ok(word)
    }
}

/// Whether a word is a number of JSON (RFC 8259, section 6), however large.
#[must_use]
pub fn is_number(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) =
        word.split_once(['e', 'E']).map_or((word, None), |(before, behind)| (before, Some(behind)));
    let plain = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = plain.split_once('.').map_or((plain, None), |(before, behind)| (before, Some(behind)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_json_however_large() {
        let large = format!("-{}.{}", "9".repeat(400), "1".repeat(400));
        for word in ["0", "-0", "1.10", "1e3", "1E-400", "12345678901234567890123", &large] {
            assert!(is_number(word) && matches!(read(word).expect("JSON").0.kind, Kind::Literal(own) if own == word));
        }
        for word in ["", "-", "01", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "1.e3"] {
            assert!(!is_number(word), "{word}");
        }
    }

    #[test]
    fn values_know_where_they_stand() {
        let text = " {\"a\": [1.50, \"x\\u0041\"], \"b\": null}\n";
        let (node, end) = read(text).expect("JSON");
        assert_eq!(end, text.len() - 1);
        let Kind::Object(members) = &node.kind else { panic!("{node:?}") };
        assert_eq!(&text[members[0].1.clone()], "\"a\"");
        let Kind::List(items) = &members[0].2.kind else { panic!("{node:?}") };
        assert_eq!((&text[items[0].span.clone()], &items[1].kind), ("1.50", &Kind::Text("xA".into())));
    }

    #[test]
    fn err_what_is_no_json_is_told_with_its_place() {
        for (text, at) in
            [("", 0), ("{\"a\" 1}", 5), ("[1,]", 3), ("{\"a\":1", 6), ("[01]", 1), ("\"a\n\"", 2), ("{a:1}", 1)]
        {
            assert_eq!(read(text).expect_err("no JSON").at, at, "{text}");
        }
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&deep(DEPTH_MAX + 1)).is_ok());
        assert!(read(&deep(DEPTH_MAX + 2)).is_err());
        let many = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(read(&many(VALUES_MAX)).is_ok());
        assert!(read(&many(VALUES_MAX + 1)).is_err());
        assert_eq!(read(r#""\ud800""#).expect_err("half a character").at, 0);
    }
}
