//! Reads the code lists of a version line by line, as the importer writes them; a version has tens of thousands of codes.
//! What people write otherwise is left to the YAML reader.

use std::collections::BTreeMap;

/// Code lists by element number: code to short name.
pub type CodeLists = BTreeMap<String, BTreeMap<String, String>>;

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
