//! JSON read value by value, so that of a long input only the value at hand is held.
//!
//! Here stands what is between values: brackets, commas, keys and blanks. A value itself is cut out and given to
//! `serde_json`, which reads a text whole or calls back; commands ask for the next value and hold the thread. Which keys
//! there must be is the caller's to know.

use crate::window::Window;
use serde_json::Value;
use std::io::{self, Read};

/// Objects and lists inside each other that are open at once; within a value `serde_json` has its own limit.
const DEPTH_MAX: usize = 64;

/// Why no more can be read.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The source failed.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is no JSON.
    #[error("line {line}: not JSON: expected {expected}, found {found}")]
    Malformed {
        /// Line in the input, from 1.
        line: u64,
        /// What must stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// One value is over the limit.
    #[error("line {line}: a value is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Where it begins.
        line: u64,
        /// Of one value.
        limit: usize,
    },
}

/// Reads a JSON text from front to back.
pub struct JsonReader<R> {
    window: Window<R>,
    value_bytes_max: usize,
    line: u64,
    scopes: Vec<Scope>,
}

/// An object or a list that is open.
struct Scope {
    end: u8,
    is_empty: bool,
}

impl<R: Read> JsonReader<R> {
    /// Reads from `source`; a larger value than `value_bytes_max` is refused.
    pub fn new(source: R, value_bytes_max: usize) -> Self {
        JsonReader { window: Window::new(source), value_bytes_max, line: 1, scopes: Vec::new() }
    }

    /// Whether a list stands next.
    ///
    /// # Errors
    /// [`JsonError::Unreadable`].
    pub fn at_list(&mut self) -> Result<bool, JsonError> {
        Ok(self.peek()? == Some(b'['))
    }

    /// Whether an object stands next.
    ///
    /// # Errors
    /// [`JsonError::Unreadable`].
    pub fn at_object(&mut self) -> Result<bool, JsonError> {
        Ok(self.peek()? == Some(b'{'))
    }

    /// Goes into the list that stands next.
    ///
    /// # Errors
    /// Something else stands there.
    pub fn open_list(&mut self) -> Result<(), JsonError> {
        self.open(b'[', b']')
    }

    /// Goes into the object that stands next.
    ///
    /// # Errors
    /// Something else stands there.
    pub fn open_object(&mut self) -> Result<(), JsonError> {
        self.open(b'{', b'}')
    }

    /// The next key of the open object, whose value stands next; none at its end, which is then behind us.
    ///
    /// # Errors
    /// No key follows.
    pub fn next_key(&mut self) -> Result<Option<String>, JsonError> {
        if !self.next_item()? {
            return Ok(None);
        }
        if self.peek()? != Some(b'"') {
            return Err(self.unexpected("a key in quotes"));
        }
        let key = self.value()?.as_str().map(str::to_owned);
        self.expect(b':')?;
        Ok(key)
    }

    /// Whether the open list has a further item, which then stands next; at its end the list is behind us.
    ///
    /// # Errors
    /// Neither a comma nor the end follows.
    pub fn next_item(&mut self) -> Result<bool, JsonError> {
        let next = self.peek()?;
        let Some(scope) = self.scopes.last_mut() else { return Ok(false) };
        if next == Some(scope.end) {
            self.window.skip(1);
            self.scopes.pop();
            return Ok(false);
        }
        if !std::mem::replace(&mut scope.is_empty, false) {
            let end = char::from(scope.end);
            if next != Some(b',') {
                return Err(self.unexpected(&format!("a comma or \"{end}\"")));
            }
            self.window.skip(1);
        }
        Ok(true)
    }

    /// The value that stands next, whole.
    ///
    /// # Errors
    /// It is none, or over the limit.
    pub fn value(&mut self) -> Result<Value, JsonError> {
        self.peek()?;
        let length = self.length()?;
        let bytes = &self.window.bytes()[..length];
        let value = serde_json::from_slice(bytes).map_err(|error| {
            let within = u64::try_from(error.line().saturating_sub(1)).unwrap_or(0);
            let found = bytes[..bytes.len().min(40)].escape_ascii().to_string();
            JsonError::Malformed { line: self.line + within, expected: "a value".to_owned(), found }
        })?;
        self.line += breaks(bytes);
        self.window.skip(length);
        Ok(value)
    }

    /// The text has ended: nothing but blanks may follow.
    ///
    /// # Errors
    /// Something does.
    pub fn end(&mut self) -> Result<(), JsonError> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end")),
        }
    }

    fn open(&mut self, begin: u8, end: u8) -> Result<(), JsonError> {
        if self.scopes.len() == DEPTH_MAX {
            return Err(self.unexpected(&format!("at most {DEPTH_MAX} objects and lists inside each other")));
        }
        self.expect(begin)?;
        self.scopes.push(Scope { end, is_empty: true });
        Ok(())
    }

    fn expect(&mut self, wanted: u8) -> Result<(), JsonError> {
        if self.peek()? != Some(wanted) {
            return Err(self.unexpected(&format!("\"{}\"", char::from(wanted))));
        }
        self.window.skip(1);
        Ok(())
    }

    /// The next byte that is no blank; blanks are left behind.
    fn peek(&mut self) -> Result<Option<u8>, JsonError> {
        loop {
            let rest = self.window.bytes();
            let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            self.line += breaks(&rest[..blanks]);
            self.window.skip(blanks);
            if let Some(byte) = self.window.bytes().first() {
                return Ok(Some(*byte));
            }
            if !self.window.read_on()? {
                return Ok(None);
            }
        }
    }

    /// How long the value is that stands next; all of it is then in the window.
    fn length(&mut self) -> Result<usize, JsonError> {
        let mut extent = Extent::default();
        let mut looked = 0;
        loop {
            let rest = &self.window.bytes()[looked..];
            let end = extent.end(rest);
            looked += end.unwrap_or(rest.len());
            if looked > self.value_bytes_max {
                return Err(JsonError::TooLarge { line: self.line, limit: self.value_bytes_max });
            }
            if end.is_some() || !self.window.read_on()? {
                return Ok(looked);
            }
        }
    }

    fn unexpected(&self, expected: &str) -> JsonError {
        let found = match self.window.bytes().first() {
            Some(byte) => format!("\"{}\"", byte.escape_ascii()),
            None => "the end".to_owned(),
        };
        JsonError::Malformed { line: self.line, expected: expected.to_owned(), found }
    }
}

fn breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Finds where a value ends, whose bytes come in portions.
#[derive(Default)]
struct Extent {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    /// A number or a word is being read, which ends where something else begins.
    in_word: bool,
}

impl Extent {
    /// How many bytes of this portion are the value's, when it ends here.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_text {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                if !self.in_text && self.depth == 0 {
                    return Some(at + 1);
                }
                continue;
            }
            let ends_word = matches!(byte, b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n');
            match byte {
                _ if ends_word && self.depth == 0 => return Some(at),
                b'"' if self.in_word => return Some(at),
                b'"' => self.in_text = true,
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => self.in_word = self.depth == 0,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Gives one byte at a time, as a slow pipe does.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let given = self.0.len().min(1).min(buffer.len());
            buffer[..given].copy_from_slice(&self.0[..given]);
            self.0 = &self.0[given..];
            Ok(given)
        }
    }

    /// Reads a list of objects whose values are taken one by one.
    fn read(text: &str) -> Result<Vec<(String, Value)>, JsonError> {
        let mut reader = JsonReader::new(Slow(text.as_bytes()), 30);
        let mut found = Vec::new();
        reader.open_list()?;
        while reader.next_item()? {
            reader.open_object()?;
            while let Some(key) = reader.next_key()? {
                found.push((key, reader.value()?));
            }
        }
        reader.end()?;
        Ok(found)
    }

    #[test]
    fn values_come_one_by_one() {
        let text = r#" [ {"a": "}\"]", "b\n": [1, {"c": [], "d": "\\"}]},{ }, {"e":-1.5e3,"f" : null } ] "#;
        let wanted = [
            ("a", json!("}\"]")),
            ("b\n", json!([1, { "c": [], "d": "\\" }])),
            ("e", json!(-1500.0)),
            ("f", Value::Null),
        ];
        let found = read(text).expect("JSON");
        assert_eq!(found, wanted.map(|(key, value)| (key.to_owned(), value)));
    }

    #[test]
    fn err_what_is_no_json_is_named_with_its_line() {
        for (text, said) in [
            ("", "line 1: not JSON: expected \"[\", found the end"),
            ("[\n{\"a\": 1}\n{}]", "line 3: not JSON: expected a comma or \"]\", found \"{\""),
            ("[{\"a\" 1}]", "line 1: not JSON: expected \":\", found \"1\""),
            ("[{a: 1}]", "line 1: not JSON: expected a key in quotes, found \"a\""),
            ("[{\"a\": \n\n[1,,2]}]", "line 3: not JSON: expected a value, found [1,,2]"),
            ("[{\"a\": }]", "line 1: not JSON: expected a value, found "),
            ("[{\"a\": [1", "line 1: not JSON: expected a value, found [1"),
            ("[{\"a\": 1}", "line 1: not JSON: expected a comma or \"]\", found the end"),
            ("[] []", "line 1: not JSON: expected the end, found \"[\""),
            ("[{\"a\": 1,}]", "line 1: not JSON: expected a key in quotes, found \"}\""),
        ] {
            assert_eq!(read(text).expect_err(text).to_string(), said);
        }
    }

    #[test]
    fn err_a_value_over_its_limit() {
        assert!(read(&format!("[{{\"a\": \"{}\"}}]", "x".repeat(28))).is_ok());
        let said = read(&format!("[{{\"a\": \"{}\"}}]", "x".repeat(29))).expect_err("too large").to_string();
        assert_eq!(said, "line 1: a value is larger than the limit of 30 bytes");
    }
}
