//! Rows of a table as a spreadsheet writes them: comma or semicolon, quotes where wanted (RFC 4180), the first line
//! naming the columns.

use serde_json::{Map, Value};

/// Reads the rows as objects by column; blank lines are skipped.
///
/// # Errors
/// The line, from 1, that is not like the first one, or a quote that is not closed.
pub fn rows(text: &str) -> Result<Vec<Value>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains(';') && !first.contains(',') { ';' } else { ',' };
    let mut lines = split(text, separator)?.into_iter();
    let Some((_, columns)) = lines.next() else { return Err("expected a line with the names of columns".to_owned()) };
    let mut found = Vec::new();
    for (line, values) in lines.filter(|(_, values)| values.iter().any(|value| !value.is_empty())) {
        if values.len() != columns.len() {
            return Err(format!("line {line}: expected {} values, found {}", columns.len(), values.len()));
        }
        let pairs = columns.iter().map(|column| column.trim().to_owned()).zip(values.into_iter().map(Value::from));
        found.push(Value::Object(pairs.collect::<Map<_, _>>()));
    }
    Ok(found)
}

/// Lines of values as CSV: a value that holds a comma, a quote, a line end, or a blank at either end stands in quotes.
pub fn text<'r>(rows: impl Iterator<Item = &'r Vec<String>>) -> String {
    let value = |value: &String| match value.contains([',', ';', '"', '\n', '\r']) || value.trim() != value {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.clone(),
    };
    rows.map(|row| row.iter().map(value).collect::<Vec<_>>().join(",") + "\n").collect()
}

/// Lines with their number; a quoted value may hold separators, line ends and doubled quotes.
fn split(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, String> {
    let (mut lines, mut values, mut value) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begun, mut quoted) = (1, 1, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                value.push('"');
            }
            '"' if quoted || value.is_empty() => quoted = !quoted,
            c if c == separator && !quoted => values.push(std::mem::take(&mut value)),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                values.push(std::mem::take(&mut value));
                lines.push((begun, std::mem::take(&mut values)));
                line += 1;
                begun = line;
            }
            c => {
                line += usize::from(c == '\n');
                value.push(c);
            }
        }
    }
    if quoted {
        return Err(format!("line {begun}: expected a closing quote"));
    }
    if !value.is_empty() || !values.is_empty() {
        values.push(value);
        lines.push((begun, values));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ok_commas_semicolons_and_quotes() {
        let expected = json!([{ "a": "1", "b": "x, \"y\"" }, { "a": "2", "b": "" }]);
        assert_eq!(rows("a,b\r\n1,\"x, \"\"y\"\"\"\r\n\r\n2,\r\n").map(Value::Array), Ok(expected));
        assert_eq!(rows("\u{feff}a;b\n1,5;2").map(Value::Array), Ok(json!([{ "a": "1,5", "b": "2" }])));
    }

    #[test]
    fn err_with_the_line() {
        assert_eq!(rows("a,b\n1,2\n1\n"), Err("line 3: expected 2 values, found 1".to_owned()));
        assert_eq!(rows("a,b\n\"1,2\n"), Err("line 2: expected a closing quote".to_owned()));
    }
}
