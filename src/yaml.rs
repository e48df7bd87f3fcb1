//! YAML whose scalars are all text: `NO` is a country, `002` a qualifier, `1.10` a version. Each node knows its line.
//! Anchors, aliases and tags are refused: a file says what it means where it stands.

use granit_parser::{Event, Parser};
use serde_json::Map;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fmt;

/// Nesting of a file, at most.
const DEPTH_MAX: usize = 64;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Line in the file, from 1.
    pub line: usize,
    /// Line of the key it stands under; its own where there is none.
    pub key_line: usize,
    /// What stands there.
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A scalar as written, escapes resolved; nothing at all is the empty text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// Keys in the order of the file, no key twice.
    Map(Vec<(String, Node)>),
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Line, from 1.
    pub line: usize,
    /// In words.
    pub message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for YamlError {}

/// Reads all documents of a file; a file without any is an empty list.
///
/// # Errors
/// The first thing that is not YAML as we take it.
pub fn documents(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), line: 1 };
    let mut found = Vec::new();
    loop {
        match reader.next()? {
            None | Some(Event::StreamEnd) => return Ok(found),
            Some(Event::DocumentStart(..)) => {
                let event = reader.expect()?;
                found.push(reader.node(event, 0)?);
            }
            Some(_) => {}
        }
    }
}

/// Reads a file that is one document.
///
/// # Errors
/// As [`documents`]; also when there is none, or more than one.
pub fn document(text: &str) -> Result<Node, YamlError> {
    let mut all = documents(text)?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(second), false) => Err(YamlError { line: second.line, message: "expected one document".to_owned() }),
        (None, _) => Err(YamlError { line: 1, message: "expected a document, found nothing".to_owned() }),
    }
}

struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    line: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<Event<'t>>, YamlError> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => {
                    self.line = span.start.line();
                    return Ok(Some(event));
                }
                Some(Err(error)) => {
                    return Err(YamlError { line: error.marker().line(), message: error.kind().to_string() });
                }
            }
        }
    }

    fn expect(&mut self) -> Result<Event<'t>, YamlError> {
        self.next()?.ok_or_else(|| self.error("expected a value, found the end of the file"))
    }

    fn error(&self, message: &str) -> YamlError {
        YamlError { line: self.line, message: message.to_owned() }
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Node, YamlError> {
        let line = self.line;
        if depth > DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        let value = match event {
            Event::Scalar(text, _, 0, None) => Value::Text(match (text.as_ref(), self.is_plain_null(&text)) {
                (_, true) => String::new(),
                (text, false) => text.to_owned(),
            }),
            Event::SequenceStart(_, 0, None) => {
                let mut items = Vec::new();
                loop {
                    match self.expect()? {
                        Event::SequenceEnd => break Value::List(items),
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(_, 0, None) => {
                let mut entries: Vec<(String, Node)> = Vec::new();
                let mut keys = HashSet::new();
                loop {
                    let key = match self.expect()? {
                        Event::MappingEnd => break Value::Map(entries),
                        Event::Scalar(key, _, 0, None) => key.into_owned(),
                        _ => return Err(self.error("expected a plain key")),
                    };
                    let key_line = self.line;
                    if !keys.insert(key.clone()) {
                        return Err(self.error(&format!("key {key} stands twice")));
                    }
                    let event = self.expect()?;
                    let node = self.node(event, depth + 1)?;
                    entries.push((key, Node { key_line, ..node }));
                }
            }
            Event::Alias(_) => return Err(self.error("aliases (*name) are not used here")),
            _ => return Err(self.error("anchors (&name) and tags (!name) are not used here")),
        };
        Ok(Node { line, key_line: line, value })
    }

    /// `~` is YAML's way to write nothing.
    fn is_plain_null(&self, text: &str) -> bool {
        text == "~"
    }
}

impl Node {
    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(one, _)| one == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The line of every key and item below, by path: `envelope.sender`, `partners[2]`.
    #[must_use]
    pub fn lines(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        self.note_lines("", &mut found);
        found
    }

    fn note_lines(&self, path: &str, found: &mut BTreeMap<String, usize>) {
        match &self.value {
            Value::Text(_) => {}
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    let path = format!("{path}[{}]", at + 1);
                    found.insert(path.clone(), item.line);
                    item.note_lines(&path, found);
                }
            }
            Value::Map(entries) => {
                for (key, node) in entries {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    found.insert(path.clone(), node.key_line);
                    node.note_lines(&path, found);
                }
            }
        }
    }

    /// The same as JSON; every scalar is a string.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|(key, node)| (key.clone(), node.to_json()));
                serde_json::Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_text() {
        let node =
            document("# why\n---\n# more\na: NO\nb: 002\nc: 1.10\nd: [1e3, '~x', \"y\\n\"]\ne:\nf: ~\n").expect("YAML");
        let expected = json!({ "a": "NO", "b": "002", "c": "1.10", "d": ["1e3", "~x", "y\n"], "e": "", "f": "" });
        assert_eq!(node.to_json(), expected);
        assert_eq!(node.get("c").map(|node| node.line), Some(6));
        let lines = document("a:\n  b:\n    - x\n    - c: y\n").expect("YAML").lines();
        let lines: Vec<_> = lines.iter().map(|(path, line)| (path.as_str(), *line)).collect();
        assert_eq!(lines, [("a", 1), ("a.b", 2), ("a.b[1]", 3), ("a.b[2]", 4), ("a.b[2].c", 4)]);
    }

    #[test]
    fn several_documents_each_with_their_lines() {
        let all = documents("kind: a\n---\nkind: b\n").expect("YAML");
        assert_eq!(all.iter().map(|node| node.line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(documents("").expect("YAML"), []);
    }

    #[test]
    fn err_what_is_not_taken() {
        for (text, line, part) in [
            ("a: 1\na: 2\n", 2, "twice"),
            ("a: &x 1\n", 1, "anchors"),
            ("a: !t 1\n", 1, "tags"),
            ("a: [1\n", 1, "unclosed"),
            ("a: 1\n---\nb: 2\n", 3, "one document"),
        ] {
            let error = document(text).expect_err(text);
            assert!(error.line == line && error.message.contains(part), "{text:?}: {error}");
        }
    }
}
