//! What stands at a few pointers (RFC 6901) of a JSON text, for telling what it is: it goes through the text once and builds
//! nothing of the rest. Whether that rest is JSON is not asked.

use super::DEPTH_MAX;
use std::collections::BTreeMap;

/// What was found.
#[derive(Debug, Default)]
pub struct Pointed {
    found: BTreeMap<String, String>,
    /// Of a text that is broken, the names on the way to those that were not found and stand somewhere in it.
    likely: Vec<String>,
}

impl Pointed {
    /// What stands at a pointer: a text as it reads, the rest as it is written, nothing of lists and objects.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&str> {
        self.found.get(pointer).map(String::as_str)
    }

    /// Whether the text is broken, and has the names on the way to a pointer somewhere.
    #[must_use]
    pub fn may_stand(&self, pointer: &str) -> bool {
        self.likely.iter().any(|own| own == pointer)
    }
}

/// What stands at pointers of a text that begins as JSON does.
#[must_use]
pub fn pointed(bytes: &[u8], pointers: &[&str]) -> Pointed {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
    let mut made = Pointed::default();
    if pointers.is_empty() || !matches!(bytes.get(start), Some(b'{' | b'[')) {
        return made;
    }
    let steps = |pointer: &str| -> Vec<String> {
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
    };
    let steps: Vec<Vec<String>> = pointers.iter().map(|pointer| steps(pointer)).collect();
    let wanted: Vec<Wanted<'_>> = pointers.iter().zip(&steps).map(|(name, steps)| Wanted { name, steps }).collect();
    let mut search = Search { bytes, at: start, found: BTreeMap::new() };
    let is_whole = search.value(&wanted, 0).is_some();
    made.found = search.found;
    if !is_whole {
        let stands = |name: &String| {
            let quoted = serde_json::Value::from(name.as_str()).to_string();
            name.parse::<usize>().is_ok() || bytes.windows(quoted.len()).any(|part| part == quoted.as_bytes())
        };
        let likely = wanted.iter().filter(|one| !made.found.contains_key(one.name) && one.steps.iter().all(stands));
        made.likely = likely.map(|one| one.name.to_owned()).collect();
    }
    made
}

/// A pointer, and what is left of its way.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    name: &'w str,
    steps: &'w [String],
}

struct Search<'b> {
    bytes: &'b [u8],
    at: usize,
    found: BTreeMap<String, String>,
}

impl Search<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Goes over a value; none where the text ends in it.
    fn value(&mut self, wanted: &[Wanted<'_>], depth: usize) -> Option<()> {
        let begin = self.peek()?;
        let start = self.at;
        let inner: Vec<Wanted<'_>> = wanted.iter().filter(|one| !one.steps.is_empty()).copied().collect();
        match begin {
            b'{' | b'[' if !inner.is_empty() && depth < DEPTH_MAX => self.inside(begin, &inner, depth)?,
            _ => self.skip()?,
        }
        for one in wanted.iter().filter(|one| one.steps.is_empty()) {
            let raw = &self.bytes[start..self.at];
            let text = match begin {
                b'{' | b'[' => Some(String::new()),
                b'"' => serde_json::from_slice(raw).ok(),
                _ => Some(String::from_utf8_lossy(raw).into_owned()),
            };
            // Of a name that comes twice, the first counts.
            self.found.entry(one.name.to_owned()).or_insert(text?);
        }
        Some(())
    }

    fn inside(&mut self, begin: u8, wanted: &[Wanted<'_>], depth: usize) -> Option<()> {
        let end = if begin == b'{' { b'}' } else { b']' };
        self.at += 1;
        let mut number = 0;
        while self.peek()? != end {
            let step = match begin {
                b'{' => {
                    let start = self.at;
                    self.skip()?;
                    let name = serde_json::from_slice(&self.bytes[start..self.at]).ok()?;
                    (self.peek()? == b':').then(|| self.at += 1)?;
                    name
                }
                _ => number.to_string(),
            };
            number += 1;
            let inner = wanted.iter().filter(|one| one.steps[0] == step);
            let inner: Vec<Wanted<'_>> = inner.map(|one| Wanted { steps: &one.steps[1..], ..*one }).collect();
            self.value(&inner, depth + 1)?;
            match self.peek()? {
                b',' => self.at += 1,
                other if other == end => {}
                _ => return None,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Goes over what stands next: a text, a word, or all between brackets.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    while *self.bytes.get(self.at)? != b'"' {
                        self.at += if self.bytes[self.at] == b'\\' { 2 } else { 1 };
                    }
                    self.at += 1;
                }
                b'{' | b'[' => (depth, self.at) = (depth + 1, self.at + 1),
                b'}' | b']' => (depth, self.at) = (depth.checked_sub(1)?, self.at + 1),
                b',' | b':' if depth > 0 => self.at += 1,
                b',' | b':' => return None,
                _ => {
                    let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:]}[{\"".contains(byte);
                    self.at += self.bytes[self.at..].iter().position(ends)?;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_at_a_pointer_is_found_and_nothing_else() {
        let text = br#" {"a":{"x":[1,{"b":"}\""}]},"c/d":true,"a":{"y":1},"e":{"n":[]}}"#;
        let found = pointed(text, &["/a/x/1/b", "/c~1d", "/a/y", "/e/n", "/a/x/2", "/b"]);
        let found: Vec<Option<&str>> =
            ["/a/x/1/b", "/c~1d", "/a/y", "/e/n", "/a/x/2", "/b"].iter().map(|pointer| found.at(pointer)).collect();
        assert_eq!(found, [Some("}\""), Some("true"), Some("1"), Some(""), None, None]);
        let broken = pointed(br#"{"order":{"number":"1","lines":[{"#, &["/order/number", "/order/lines", "/other"]);
        assert_eq!(broken.at("/order/number"), Some("1"));
        assert!(broken.may_stand("/order/lines") && !broken.may_stand("/other") && !broken.may_stand("/order/number"));
        assert!(pointed(b"number;[\n", &["/a"]).at("/a").is_none());
    }

    #[test]
    fn deep_and_long_texts_are_gone_through_once() {
        let deep = [b"[".repeat(1 << 20), b"]".repeat(1 << 20)].concat();
        assert!(pointed(&deep, &["/0/0/x"]).at("/0/0/x").is_none());
    }
}
