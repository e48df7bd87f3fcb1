//! Looks at definition files line by line, as the importer writes them: where each entry stands, and the code lists, of
//! which a version has tens of thousands of lines. What people write otherwise is left to the YAML reader.

use std::collections::BTreeMap;
use std::ops::Range;

/// Code lists by element number: code to short name.
pub type CodeLists = BTreeMap<String, BTreeMap<String, String>>;

/// The keys that are indented by so many blanks, sorted, and the lines of each: its own and the deeper ones below. `None`
/// where a line that should have a key is not as the importer writes it, or has the key of another. Comments may stand
/// above the first.
pub fn entries(text: &str, indent: usize) -> Option<Vec<(String, Range<usize>)>> {
    let mut found: Vec<(String, Range<usize>)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        if found.is_empty() && line.starts_with('#') {
            continue;
        }
        let (blanks, rest) = line.split_at_checked(indent)?;
        blanks.bytes().all(|byte| byte == b' ').then_some(())?;
        if rest.starts_with(' ') {
            found.last_mut()?.1.end = at;
        } else {
            found.push((plain_scalar(rest, ":")?.0, begin..at));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let is_unique = found.windows(2).all(|pair| pair[0].0 != pair[1].0);
    is_unique.then_some(found)
}

/// The text under a key that stands in one line at the file's left edge.
pub fn value(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))?;
    plain_scalar(line, "").filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

/// The code lists of a file; `None` where one line is not as the importer writes it.
pub fn codes(text: &str) -> Option<CodeLists> {
    let mut lists = CodeLists::new();
    let mut list: Option<&mut BTreeMap<String, String>> = None;
    for line in text.lines() {
        match line.strip_prefix("  ") {
            Some(entry) => {
                let (code, rest) = plain_scalar(entry, ": ")?;
                let (name, rest) = plain_scalar(rest, "")?;
                let is_new = list.as_mut()?.insert(code, name).is_none();
                (rest.is_empty() && is_new).then_some(())?;
            }
            None => {
                let (id, rest) = plain_scalar(line, ":")?;
                (rest.is_empty() && !lists.contains_key(&id)).then_some(())?;
                list = Some(lists.entry(id).or_default());
            }
        }
    }
    Some(lists)
}

/// A scalar with `end` behind it, and what follows: letters that mean nothing in YAML, or a quoted text, in which only
/// the quote and the backslash are escaped.
fn plain_scalar<'t>(text: &'t str, end: &str) -> Option<(String, &'t str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " -/.(),".contains(c);
        let length = text.find(|c| !is_plain(c)).unwrap_or(text.len());
        let (scalar, rest) = text.split_at(length);
        let is_text = scalar.starts_with(|first: char| first.is_ascii_alphabetic()) && !scalar.ends_with(' ');
        return is_text.then_some((scalar.to_owned(), rest.strip_prefix(end)?));
    };
    let mut scalar = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((scalar, quoted[at + 1..].strip_prefix(end)?)),
            '\\' => scalar.push(letters.next().map(|(_, next)| next).filter(|next| "\"\\".contains(*next))?),
            other => scalar.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_reader_of_codes_says_what_the_yaml_reader_says() {
        let mut compared = 0;
        for path in super::super::packed::paths().filter(|path| path.ends_with("/codes.yaml")) {
            let text = super::super::packed::text(path).expect("packed");
            let read = codes(&text).unwrap_or_else(|| panic!("{path} is not as the importer writes it"));
            let value = crate::yaml::document(&text).expect("YAML").to_json();
            let other: CodeLists = serde_json::from_value(value).expect("code lists");
            assert!(read == other, "{path}");
            compared += 1;
        }
        assert!(compared > 5, "only {compared} files compared");
    }

    #[test]
    fn entries_are_found_by_their_lines() {
        let text = "# why\nB:\n  name: b\n  - \"10\"\n\"10\": ten\n";
        let found = entries(text, 0).expect("as the importer writes it");
        let lines: Vec<(&str, &str)> = found.iter().map(|(key, lines)| (key.as_str(), &text[lines.clone()])).collect();
        assert_eq!(lines, [("10", "\"10\": ten\n"), ("B", "B:\n  name: b\n  - \"10\"\n")]);
        let found = entries("  A:\n    name: a\n  B:\n    name: b\n", 2).expect("as the importer writes it");
        assert_eq!(found, [("A".to_owned(), 0..17), ("B".to_owned(), 17..34)]);
        assert_eq!((entries("  A: a\n B: b\n", 2), entries("  A: a\nB: b\n", 2)), (None, None));
        let text = "standard: ubl\nroot: Order\nversion: \"2.1\"\nenvelope:\n  number: ID\nname: A # a\n";
        let values = ["root", "version", "name", "number", "envelope"].map(|key| value(text, key));
        assert_eq!(values, [Some("Order".to_owned()), Some("2.1".to_owned()), None, None, None]);
        for other in ["A: b\n# why\n", "A: b\n\nB: c\n", "  A: b\n", "A: b\nA: c\n", "- A\n", "'A': b\n", "A\n"] {
            assert_eq!(entries(other, 0), None, "{other}");
        }
    }

    #[test]
    fn other_yaml_is_left_to_the_yaml_reader() {
        for text in [
            "\"1\":\n  A: b # why\n",
            "\"1\": {A: b}\n",
            "\"1\":\n    A: b\n",
            "\"1\":\n  A: 'b'\n",
            "\"1\":\n  A: \"\\u0041\"\n",
            "\"1\":\n  A: b\n  A: c\n",
            "# codes\n\"1\":\n  A: b\n",
            "  A: b\n",
            "\"1\":\n  A:\n",
        ] {
            assert_eq!(codes(text), None, "{text}");
        }
        let read = codes("\"1\":\n  A: \"b \\\"c\\\\\"\n").expect("as the importer writes it");
        assert_eq!(read["1"]["A"], "b \"c\\");
    }
}
