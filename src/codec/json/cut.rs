//! Where the JSON documents of an input begin and end: they may follow one another. One that is broken ends where a line
//! begins as a document does, so that those behind it are not lost. It builds nothing, and holds nothing but where it is.

/// Cuts an input into documents.
#[derive(Debug, Default)]
pub struct Cutter {
    /// How far the bytes at hand were looked at.
    at: usize,
    state: State,
    /// Lists and objects that are open.
    depth: usize,
    is_escaped: bool,
    /// Brackets were left open to the end of the input: from there on lines tell where documents begin.
    is_by_lines: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has begun.
    #[default]
    Before,
    /// In a document, outside its texts.
    Inside,
    /// In a text of it.
    Text,
    /// Behind it: blanks, and what belongs to no document.
    Behind,
    /// It is broken: what follows is of it until a line begins as a document does.
    Broken,
}

impl Cutter {
    /// Bytes of the document that begins with `bytes`; `None` where more is to be read before its end is known.
    pub fn next(&mut self, bytes: &[u8], has_ended: bool) -> Option<usize> {
        while let Some(&byte) = bytes.get(self.at) {
            let begins = matches!(byte, b'{' | b'[');
            let is_line = self.at > 0 && bytes[self.at - 1] == b'\n';
            match self.state {
                State::Before if begins => (self.state, self.depth) = (State::Inside, 1),
                State::Before if !byte.is_ascii_whitespace() => self.state = State::Broken,
                State::Behind | State::Broken if begins && (is_line || self.state == State::Behind) => {
                    return Some(self.cut(self.at));
                }
                State::Inside if self.is_by_lines && begins && is_line => return Some(self.cut(self.at)),
                State::Inside => self.inside(byte),
                // No text of JSON goes over the end of a line.
                State::Text if byte == b'\n' => (self.state, self.is_escaped) = (State::Broken, false),
                State::Text if self.is_escaped => self.is_escaped = false,
                State::Text => match byte {
                    b'\\' => self.is_escaped = true,
                    b'"' => self.state = State::Inside,
                    _ => {}
                },
                _ => {}
            }
            self.at += 1;
        }
        if !has_ended || bytes.is_empty() {
            return None;
        }
        if matches!(self.state, State::Inside | State::Text) && !self.is_by_lines {
            self.is_by_lines = true;
            (self.at, self.state, self.depth, self.is_escaped) = (0, State::Before, 0, false);
            return self.next(bytes, has_ended);
        }
        let end = bytes.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(bytes.len(), |last| last + 1);
        Some(self.cut(end))
    }

    fn inside(&mut self, byte: u8) {
        match byte {
            b'"' => self.state = State::Text,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.state = State::Behind;
                }
            }
            _ => {}
        }
    }

    fn cut(&mut self, end: usize) -> usize {
        let is_by_lines = self.is_by_lines;
        *self = Cutter { is_by_lines, ..Cutter::default() };
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, portion: usize) -> Vec<&str> {
        let (mut cutter, mut found, mut from, mut to) = (Cutter::default(), Vec::new(), 0, 0);
        while from < text.len() {
            match cutter.next(&text.as_bytes()[from..to], to == text.len()) {
                Some(length) => {
                    found.push(&text[from..from + length]);
                    from += length;
                    if text[from..].trim().is_empty() {
                        break;
                    }
                }
                None => to = (to + portion).min(text.len()),
            }
        }
        found
    }

    #[test]
    fn documents_follow_one_another_and_a_broken_one_takes_none_with_it() {
        for (text, documents) in [
            ("{\"a\":[1,{}]}\n", &["{\"a\":[1,{}]}"][..]),
            (" {\"a\":\"}\\\"{\"} {\"b\":1}\n{\"c\":1}", &[" {\"a\":\"}\\\"{\"} ", "{\"b\":1}\n", "{\"c\":1}"]),
            ("{\"a\":1} junk\n{\"b\":1}", &["{\"a\":1} junk\n", "{\"b\":1}"]),
            ("{\"a\":1}}\n{\"b\":1}", &["{\"a\":1}}\n", "{\"b\":1}"]),
            ("{\"a\":\"x}\n{\"b\":\"y\"}\n{\"c\":1}\n", &["{\"a\":\"x}\n", "{\"b\":\"y\"}\n", "{\"c\":1}"]),
            ("{\"a\":\"x\\\n{\"b\":\"y\"}\n{\"c\":1}\n", &["{\"a\":\"x\\\n", "{\"b\":\"y\"}\n", "{\"c\":1}"]),
            ("{\"a\":[1,\n{\"b\":\"y\"}\n{\"c\":1}\n", &["{\"a\":[1,\n", "{\"b\":\"y\"}\n", "{\"c\":1}"]),
            ("[\n{\"b\":1},\n{\"c\":1}\n]", &["[\n{\"b\":1},\n{\"c\":1}\n]"]),
            ("x\n{\"a\":1}", &["x\n", "{\"a\":1}"]),
        ] {
            for portion in [1, 3, 1000] {
                assert_eq!(cut(text, portion), documents, "{text} in portions of {portion}");
            }
        }
    }
}
