//! Drafts the definition of a table from samples of it: what separates its columns, what they hold, which of them are the
//! document's and which the row's. What a draft says was seen stands beside it as comments; what samples cannot know (who sends
//! it to whom, which lengths were agreed) is left to people. What is no table is tried as lines of fixed width (`fixed`); JSON
//! is drafted by `json::infer`.

mod border;
mod fixed;
mod nest;

use super::line::{cells, line};
use crate::codec::content::{number, refusal};
use crate::standard::content::{Contents, Form};
use crate::standard::layout::Layout;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// Rows that are looked at.
const ROWS_MAX: usize = 100_000;

/// What may separate columns, as a definition writes it; what stands first wins where two fit alike.
const DELIMITERS: [&str; 4] = [";", ",", "tab", "|"];

/// How days may be written.
const DATES: [&str; 4] = ["YYYY-MM-DD", "DD.MM.YYYY", "MM/DD/YYYY", "YYYYMMDD"];

/// Lengths that are drafted: the next that what was seen fits in.
const LENGTHS: [usize; 8] = [3, 10, 17, 35, 70, 140, 350, 1024];

/// Why there is no draft.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum InferError {
    /// No delimiter cuts the rows into columns.
    #[error(
        "expected rows of two columns at least, separated by ; , tab or |, or lines of fixed width that begin with the type of \
         their record; found none"
    )]
    NoTable,
    /// Lines are of fixed width, as it seems, and nothing tells their types.
    #[error(
        "expected lines of fixed width that begin with the type of their record, {most} types at most in {lines} lines; found \
         {values} values of their first character alone. Give samples of several documents, or write the definition by hand \
         (docs/FORMATS.md)"
    )]
    NoTypes {
        /// Lines of all samples.
        lines: usize,
        /// How many values their first character has.
        values: usize,
        /// How many types there may be in so many lines.
        most: usize,
    },
    /// A further sample has other columns.
    #[error("expected the same columns in all samples, found {found} instead of {expected}")]
    OtherColumns {
        /// Those of the first sample.
        expected: String,
        /// Those of this one.
        found: String,
    },
}

/// What the cells of a column have in common.
pub struct Column {
    /// What it is called; of JSON the path.
    pub title: String,
    /// The text in each row, empty where there is none.
    pub cells: Vec<String>,
}

/// Drafts a definition of this standard, version and type.
///
/// # Errors
/// [`InferError`].
pub fn infer(name: [&str; 3], samples: &[Vec<u8>]) -> Result<String, InferError> {
    if is_table(samples) {
        return table(name, samples);
    }
    let lines = match fixed::infer(name, samples) {
        Ok(draft) => return Ok(draft),
        Err(error) => error,
    };
    let is_like_lines = samples.first().is_some_and(|bytes| fixed::is_of_one_length(bytes));
    table(name, samples).map_err(|told| if told == InferError::NoTable && is_like_lines { lines } else { told })
}

/// Rows of a hundred that have as many columns as the first, at least: in lines of fixed width a delimiter stands by chance.
const EVEN_OF_HUNDRED: usize = 80;

/// Whether some delimiter cuts the rows of the first sample into columns, and most of them into as many.
fn is_table(samples: &[Vec<u8>]) -> bool {
    let bytes = samples.first().map_or(&[][..], Vec::as_slice);
    DELIMITERS.iter().filter_map(|delimiter| layout_of(delimiter, "windows-1252")).any(|layout| {
        let (even, _) = evenness(&layout, bytes);
        even > 0 && even * 100 >= rows(&layout, bytes, 100).len() * EVEN_OF_HUNDRED
    })
}

/// Drafts a table.
fn table([standard, version, kind]: [&str; 3], samples: &[Vec<u8>]) -> Result<String, InferError> {
    let charset = match samples.iter().all(|bytes| std::str::from_utf8(bytes).is_ok()) {
        true => "utf-8",
        false => "windows-1252",
    };
    let (delimiter, layout) = DELIMITERS
        .iter()
        .filter_map(|delimiter| Some((*delimiter, layout_of(delimiter, charset)?)))
        .max_by_key(|(_, layout)| evenness(layout, samples.first().map_or(&[], Vec::as_slice)))
        .ok_or(InferError::NoTable)?;
    let (columns, has_header) = columns(&layout, samples)?;
    let decimal = decimal(&columns, delimiter);
    let thousands = thousands(&columns, (decimal, delimiter));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    if columns.len() < 2 || rows == 0 {
        return Err(InferError::NoTable);
    }
    let key = key(&columns);
    let keys = columns[key].numbered();
    let is_outer: Vec<bool> = columns.iter().map(|column| is_constant(&column.numbered(), &keys)).collect();
    let (names, dates) = (names(&columns), dates(&columns));
    let mut out = String::new();
    let mut say = |text: &str| writeln!(out, "{text}").unwrap_or_default();
    say(&format!(
        "# Drafted from {rows} rows in {} samples. Say who sends it to whom, and check forms and lengths.",
        samples.len()
    ));
    say(&format!("standard: {standard}\nversion: \"{version}\"\ntype: {kind}\nname: {kind}\nformat: csv"));
    say(if has_header { "recognise: header" } else { "header: none" });
    say(&format!("delimiter: \"{delimiter}\"\ndecimal: \"{decimal}\""));
    if let Some((sign, seen)) = &thousands {
        say(&format!("# as in {seen:?}\nthousands: \"{sign}\""));
    }
    say(&format!("charset: {charset}"));
    if !dates.is_empty() {
        say(&format!("dates: {}", dates.join(" ")));
    }
    if has_header {
        let titles: Vec<String> = columns.iter().map(|column| json!(column.title).to_string()).collect();
        say(&format!("columns: [{}]", titles.join(", ")));
    }
    say("root: Document\ncontent: document\nenvelope:");
    say(&format!("  # sender: a field that names the sender; receiver likewise\n  number: {}", names[key]));
    say("records:\n  document:\n    name: Document");
    say(&format!("    # rows that repeat it are one document; {}", candidates(&columns, &names)));
    say(&format!("    key: {}\n    fields:", names[key]));
    let has_inner = is_outer.contains(&false);
    for level in [true, false].into_iter().filter(|level| *level || has_inner) {
        if !level {
            say("    records:\n      - Line R >1 line\n  line:\n    name: Line\n    fields:");
        }
        for at in (0..columns.len()).filter(|at| is_outer[*at] == level) {
            let source = match has_header {
                true if names[at] == columns[at].title => String::new(),
                true => format!(" = {}", columns[at].title),
                false => format!(" = {}", at + 1),
            };
            say(&format!("      # {}", columns[at].seen()));
            let field = format!(
                "{} {}{source}",
                names[at],
                columns[at].form(Some((decimal, thousands.as_ref().map(|(sign, _)| *sign))))
            );
            say(&format!("      - {}", if source.is_empty() { field } else { json!(field).to_string() }));
        }
    }
    Ok(out)
}

fn layout_of(delimiter: &str, charset: &str) -> Option<Layout> {
    let said = json!({ "format": "csv", "delimiter": delimiter, "charset": charset, "records": {} });
    Layout::parse("", &said, &mut Contents::default()).ok()
}

/// Texts of the cells of all rows that are not blank.
fn rows(layout: &Layout, bytes: &[u8], most: usize) -> Vec<Vec<String>> {
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut found = Vec::new();
    while let Some(next) = line(layout, bytes, at, true).filter(|_| found.len() < most) {
        at = next.next;
        if !next.is_blank(layout, bytes) && !next.is_too_long() {
            let cut = cells(layout, next.of(bytes));
            found.push(cut.iter().map(|cell| layout.charset.decode(&cell.text).trim().to_owned()).collect());
        }
    }
    found
}

/// How many of the first rows have as many columns as the first, and how many those are; nothing where there is but one.
fn evenness(layout: &Layout, bytes: &[u8]) -> (usize, usize) {
    let rows = rows(layout, bytes, 100);
    let width = rows.first().map_or(0, Vec::len);
    if width < 2 { (0, 0) } else { (rows.iter().filter(|row| row.len() == width).count(), width) }
}

/// The columns of all samples, and whether the first line names them.
fn columns(layout: &Layout, samples: &[Vec<u8>]) -> Result<(Vec<Column>, bool), InferError> {
    let (mut columns, mut has_header): (Vec<Column>, bool) = (Vec::new(), false);
    for (number, bytes) in samples.iter().enumerate() {
        let mut rows = rows(layout, bytes, ROWS_MAX);
        let first = rows.first().cloned().unwrap_or_default();
        if number == 0 {
            let unique: HashSet<&String> = first.iter().collect();
            let is_title = |text: &String| text.starts_with(char::is_alphabetic);
            has_header = unique.len() == first.len() && first.iter().all(is_title) && rows.len() > 1;
            let title = |at: usize| if has_header { first[at].clone() } else { format!("column_{}", at + 1) };
            columns = (0..first.len()).map(|at| Column { title: title(at), cells: Vec::new() }).collect();
        }
        let titles: Vec<String> = columns.iter().map(|column| column.title.clone()).collect();
        if first.len() != titles.len() || (has_header && first != titles) {
            return Err(InferError::OtherColumns { expected: titles.join(" "), found: first.join(" ") });
        }
        for row in rows.drain(usize::from(has_header)..) {
            for (at, column) in columns.iter_mut().enumerate() {
                column.cells.push(row.get(at).cloned().unwrap_or_default());
            }
        }
    }
    Ok((columns, has_header))
}

/// The sign before fractions: that which more cells have in the place where one stands, the other being one between
/// thousands.
fn decimal(columns: &[Column], delimiter: &str) -> char {
    let count = |sign: char, other: char| {
        let is_number = |text: &&String| text.contains(sign) && is_number(text, (sign, Some(other)));
        columns.iter().flat_map(|column| &column.cells).filter(is_number).count()
    };
    if delimiter != "," && count(',', '.') > count('.', ',') { ',' } else { '.' }
}

/// The sign between thousands, and a cell that is a number with it only.
fn thousands(columns: &[Column], (decimal, delimiter): (char, &str)) -> Option<(char, String)> {
    let signs = ['.', ',', ' ', '\''].into_iter().filter(|sign| *sign != decimal && !delimiter.contains(*sign));
    let cells = || columns.iter().flat_map(|column| &column.cells).filter(|cell| !is_number(cell, (decimal, None)));
    signs.into_iter().find_map(|sign| {
        // A day such as 31.01.2026 is none, and a group alone (`1.234`) may be one of anything.
        let is_one = |cell: &&String| cell.contains(decimal) && is_number(cell, (decimal, Some(sign)));
        cells().find(is_one).map(|cell| (sign, cell.clone()))
    })
}

/// A number as it is read when the definition says so: `5,` and `1e3` are none.
fn is_number(text: &str, signs: (char, Option<char>)) -> bool {
    number(signs, text).is_some_and(|plain| refusal(Form::Number, &plain).is_none())
}

/// Columns that are held against all others to find the key.
const KEY_COLUMNS_MAX: usize = 64;

/// The column by which rows are told to be of one document: its values stand together and repeat, and most other columns repeat
/// with it; the first one that is always filled, where none repeats.
fn key(columns: &[Column]) -> usize {
    let numbered: Vec<Vec<usize>> = columns.iter().map(Column::numbered).collect();
    let worth = |at: &usize| numbered.iter().filter(|other| is_constant(other, &numbered[*at])).count();
    let filled = |at: &usize| columns[*at].cells.iter().all(|cell| !cell.is_empty());
    let likely: Vec<usize> = (0..columns.len()).filter(filled).filter(|at| columns[*at].repeats()).collect();
    let near = likely.iter().take(KEY_COLUMNS_MAX).rev().copied();
    near.max_by_key(worth).or_else(|| (0..columns.len()).find(filled)).unwrap_or(0)
}

/// Other columns that could be the key.
fn candidates(columns: &[Column], names: &[String]) -> String {
    let likely: Vec<&str> =
        columns.iter().zip(names).filter(|(column, _)| column.repeats()).map(|(_, name)| name.as_str()).collect();
    match likely.as_slice() {
        [] => "no value stood in several rows together, so each row is one".to_owned(),
        likely => format!("values of these stood in rows together: {}", likely.join(", ")),
    }
}

/// Whether a column has one value in all rows of each key; both by the numbers of their values.
fn is_constant(column: &[usize], key: &[usize]) -> bool {
    let mut said: Vec<Option<usize>> = vec![None; key.len()];
    key.iter().zip(column).all(|(key, value)| *said[*key].get_or_insert(*value) == *value)
}

/// Names that mappings can use, made of the titles and told apart.
#[must_use]
pub fn names(columns: &[Column]) -> Vec<String> {
    let mut known = HashSet::new();
    // Of titles that are alike, the number that the next one gets.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let name = |title: &str| {
        let plain = title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let plain = plain.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
        if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain } else { format!("column_{plain}") }
    };
    let mut told = |column: &Column| {
        let plain = if column.title.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            column.title.clone()
        } else {
            name(&column.title)
        };
        let next = numbers.entry(plain.clone()).or_insert(1);
        let mut free = plain.clone();
        while !known.insert(free.clone()) {
            *next += 1;
            free = format!("{plain}_{next}");
        }
        free
    };
    columns.iter().map(&mut told).collect()
}

/// The forms of days that whole columns have.
fn dates(columns: &[Column]) -> Vec<&'static str> {
    DATES.into_iter().filter(|form| columns.iter().any(|column| column.date() == Some(*form))).collect()
}

impl Column {
    fn filled(&self) -> impl Iterator<Item = &String> + Clone {
        self.cells.iter().filter(|cell| !cell.is_empty())
    }

    /// The number of each row's value: the first is 0, the next other one 1.
    fn numbered(&self) -> Vec<usize> {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut number = |cell| {
            let next = known.len();
            *known.entry(cell).or_insert(next)
        };
        self.cells.iter().map(|cell| number(cell.as_str())).collect()
    }

    /// Values stand in rows together, some in several, and there are several.
    fn repeats(&self) -> bool {
        let (mut seen, mut before): (HashSet<&str>, Option<&str>) = (HashSet::new(), None);
        let is_together = self.cells.iter().all(|cell| {
            let is_fresh = before == Some(cell) || seen.insert(cell);
            before = Some(cell);
            is_fresh
        });
        is_together && seen.len() < self.cells.len() && !seen.contains("")
    }

    /// The form that all its days have.
    fn date(&self) -> Option<&'static str> {
        let is_of = |form: &&str| self.filled().all(|cell| Layout::day_in(form, cell).is_some());
        DATES.into_iter().filter(|_| self.filled().count() > 0).find(is_of)
    }

    /// Required where it is filled in all rows.
    #[must_use]
    pub fn usage(&self) -> char {
        if self.filled().count() == self.cells.len() { 'R' } else { 'O' }
    }

    /// Usage, form and length; without a decimal sign, texts that look like numbers are texts.
    #[must_use]
    pub fn form(&self, signs: Option<(char, Option<char>)>) -> String {
        let usage = self.usage();
        let longest = self.filled().map(|cell| cell.chars().count()).max().unwrap_or(0);
        // Zeros before a number are part of a text such as a GTIN.
        let is_text =
            |cell: &String| cell.len() > 1 && cell.starts_with('0') && cell.chars().all(|c| c.is_ascii_digit());
        let is_code = |cell: &String| cell.chars().count() == longest && cell.chars().all(|c| c.is_ascii_uppercase());
        let has_numbers = signs.is_some() && longest > 0 && !self.filled().any(is_text);
        let (decimal, thousands) = signs.unwrap_or(('.', None));
        if self.date().is_some() {
            return format!("{usage} date");
        }
        if has_numbers && longest < 10 && self.filled().all(|cell| refusal(Form::Integer, cell).is_none()) {
            return format!("{usage} integer");
        }
        if has_numbers
            && self.filled().all(|cell| is_number(cell, (decimal, thousands)))
            && self.filled().any(|cell| cell.contains(decimal) || thousands.is_some_and(|sign| cell.contains(sign)))
        {
            return format!("{usage} number");
        }
        if (2..=3).contains(&longest) && self.filled().all(is_code) {
            return format!("{usage} code {longest}");
        }
        let room = LENGTHS.into_iter().find(|length| *length >= longest).unwrap_or(longest);
        format!("{usage} text ..{room}")
    }

    /// What was seen of it, in words.
    #[must_use]
    pub fn seen(&self) -> String {
        let lengths = self.filled().map(|cell| cell.chars().count());
        let Some((least, most)) = lengths.clone().min().zip(lengths.max()) else {
            return "empty in all rows".to_owned();
        };
        let values: HashSet<&String> = self.filled().collect();
        let example = self.filled().next().map_or(String::new(), |cell| {
            let shown: String = cell.chars().filter(|c| !c.is_control()).take(20).collect();
            format!("{shown:?}")
        });
        let (filled, all) = (self.filled().count(), self.cells.len());
        format!("in {filled} of {all} rows, {} values of {least} to {most} characters, such as {example}", values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Auftrag;Datum;Artikel Nr.;Menge;Preis\r\n\
        A1;31.01.2026;0012;2;1,50\r\nA1;31.01.2026;0013;10;\r\nA2;01.02.2026;0012;3;2,25\r\n";

    #[test]
    fn a_draft_says_what_was_seen() {
        let draft = infer(["mine", "1", "Order"], &[TABLE.into()]).expect("a table");
        for expected in [
            "delimiter: \";\"",
            "decimal: \",\"",
            "dates: DD.MM.YYYY",
            "    key: Auftrag\n",
            "- Auftrag R text ..3\n",
            "- Datum R date\n",
            "- \"artikel_nr R text ..10 = Artikel Nr.\"\n",
            "- Menge R integer\n",
            "# in 2 of 3 rows, 2 values of 4 to 4 characters, such as \"1,50\"\n      - Preis O number\n",
        ] {
            assert!(draft.contains(expected), "no {expected} in\n{draft}");
        }
    }

    #[test]
    fn err_what_is_no_table_is_not_drafted() {
        for (samples, expected) in [
            (vec!["one\ntwo\n"], InferError::NoTable),
            (vec![""], InferError::NoTable),
            (
                vec!["a;b\n1;2\n", "a;c\n1;2\n"],
                InferError::OtherColumns { expected: "a b".to_owned(), found: "a c".to_owned() },
            ),
        ] {
            let samples: Vec<Vec<u8>> = samples.into_iter().map(Into::into).collect();
            assert_eq!(infer(["mine", "1", "Order"], &samples), Err(expected));
        }
    }
}
