//! How a table, a file of fixed width or a JSON document lays its values out in bytes, as data. `content` asks for it where a
//! definition says `format`; the records named here become the contents that mappings, guides and places go by, and
//! `codec::table` and `codec::json` read and write by it. In the tree values have one form (`2026-01-31`, `-12.50`, `true`):
//! the layout says how the file writes them.

use super::content::{Content, Contents, Form, Markup, Part};
use super::definition::Usage;
use super::load::LoadError;
use crate::diagnostic::Syntax;
use crate::tree::Charset;
use serde_json::Value;
use std::collections::BTreeMap;

mod check;

/// Bytes of a line, at most: a longer one has a quote that is not closed, or is no line of a table.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Columns of a line, at most.
pub const COLUMNS_MAX: usize = 4096;

/// How the bytes of a document type are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// CSV, fixed width or JSON.
    pub syntax: Syntax,
    /// How an input is recognised; by being told only, where nothing is said.
    pub marks: Vec<Mark>,
    /// What separates columns.
    pub delimiter: u8,
    /// What stands around a value that holds delimiters; it is doubled inside.
    pub quote: Option<u8>,
    /// The first line names the columns.
    pub has_header: bool,
    /// Titles of the columns in the order in which they are written.
    pub columns: Vec<String>,
    /// The character set of the file.
    pub charset: Charset,
    /// Decimal sign.
    pub decimal: char,
    /// What may stand between thousands.
    pub thousands: Option<char>,
    /// How days are written, such as `DD.MM.YYYY`; the first is ours, all are read.
    pub dates: Vec<String>,
    /// Blanks around a text mean nothing, as in columns that are padded; else they are part of it.
    pub cuts_blanks: bool,
    /// What ends a line that we write.
    pub line_end: &'static str,
    /// Where the type of a record stands: its first character and width, or the number of its column.
    pub tag: Option<(usize, usize)>,
    /// What stands at the begin of every record that has no `alone`, the fields of the record following.
    pub lead: Vec<Field>,
    /// Every document is an interchange of its own, since its sender and receiver are; of JSON each one is.
    pub is_alone: bool,
    /// What a file or list of documents holds, by the key of its content.
    pub records: BTreeMap<String, Record>,
}

/// A sign by which an input is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Its first line names most of the columns that must be there.
    Header,
    /// A text at a position, from 1.
    Text(usize, String),
    /// A JSON pointer that leads to something, or to this text.
    Pointer(String, Option<String>),
}

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// What its type reads, `#` being any digit and `*` at the end anything; the first is written.
    pub tags: Vec<String>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The fields by which rows of one are told from rows of the next.
    pub keys: Vec<String>,
    /// It does not begin as the others do.
    pub is_without_lead: bool,
    /// More may stand behind its last field, of which nothing is known.
    pub is_open: bool,
    /// Where the child records stand, where JSON has other names for them.
    pub paths: BTreeMap<String, String>,
}

/// A column, a stretch of a line, a member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What mappings call it.
    pub name: String,
    /// Whether it must be filled.
    pub usage: Usage,
    /// What it holds.
    pub form: Form,
    /// Characters at least and at most.
    pub length: (usize, usize),
    /// Its title in the first line, its number, or its path in JSON; its name where nothing is said.
    pub source: String,
    /// First character of a stretch, or number of the column, from 0.
    pub at: usize,
    /// What is written where no mapping says anything: a constant, or one of the words in [`Field::made`].
    pub made: String,
}

/// What a field holds at most where nothing is said.
const FIELD_CHARACTERS_MAX: usize = 1 << 20;

impl Field {
    /// The number of the record, that of the one around it, its level and type, and the number of the document: what files
    /// have that number their records.
    pub const MADE: [&'static str; 5] = ["$number", "$parent", "$level", "$tag", "$document"];
}

impl Record {
    /// The field of a name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether a type is one of its.
    #[must_use]
    pub fn is_tagged(&self, tag: &str) -> bool {
        let fits = |own: &String| {
            if let Some(begin) = own.strip_suffix('*') {
                return tag.starts_with(begin);
            }
            let mut left = tag.chars();
            own.chars().all(|c| left.next().is_some_and(|one| one == c || (c == '#' && one.is_ascii_digit())))
                && left.next().is_none()
        };
        self.tags.iter().any(fits)
    }
}

impl Layout {
    /// Reads what a definition file says of its layout, and adds what its records hold to `contents`.
    ///
    /// # Errors
    /// What is not the notation.
    pub fn parse(file: &str, value: &Value, contents: &mut Contents) -> Result<Layout, LoadError> {
        let wrong = |place: &str, expected: &str, found: &str| LoadError::Malformed {
            file: file.to_owned(),
            place: place.to_owned(),
            problem: format!("expected {expected}, found {found}"),
        };
        check::words(value).map_err(|[place, expected, found]| wrong(&place, &expected, &found))?;
        let said = |key: &str| value[key].as_str();
        let one = |key: &str, usual: &str| -> Result<String, LoadError> {
            let text = said(key).unwrap_or(usual);
            let text = if text == "tab" { "\t" } else { text };
            let is_one = text == "none" || text.chars().count() == 1;
            if is_one { Ok(text.to_owned()) } else { Err(wrong(key, "one character, tab or none", text)) }
        };
        let syntax = match said("format").unwrap_or_default() {
            "csv" => Syntax::Csv,
            "fixed" => Syntax::Fixed,
            "json" => Syntax::Json,
            other => return Err(wrong("format", "csv, fixed or json", other)),
        };
        let byte = |key: &str, usual: &str| {
            let text = one(key, usual)?;
            let byte = text.bytes().next().filter(|_| text.len() == 1);
            byte.ok_or_else(|| wrong(key, "one ASCII character", &text))
        };
        let charset = said("charset").unwrap_or("utf-8");
        let quote = if said("quote") == Some("none") { None } else { Some(byte("quote", "\"")?) };
        let mut layout = Layout {
            syntax,
            marks: Vec::new(),
            delimiter: byte("delimiter", ",")?,
            quote,
            has_header: syntax == Syntax::Csv && said("header") != Some("none"),
            columns: texts(&value["columns"]),
            charset: Charset::of_name(charset).filter(|charset| charset.has_one_byte_each()).ok_or_else(|| {
                wrong("charset", "utf-8, or a character set that has one byte for each character", charset)
            })?,
            decimal: one("decimal", ".")?.chars().next().unwrap_or('.'),
            thousands: one("thousands", "none")?
                .chars()
                .next()
                .filter(|_| said("thousands").is_some_and(|t| t != "none")),
            cuts_blanks: said("blanks") == Some("cut"),
            dates: said("dates").unwrap_or("YYYY-MM-DD").split(' ').map(str::to_owned).collect(),
            line_end: if said("line_end") == Some("crlf") { "\r\n" } else { "\n" },
            tag: None,
            lead: Vec::new(),
            is_alone: said("interchange") == Some("document") || syntax == Syntax::Json,
            records: BTreeMap::new(),
        };
        if let Some(bad) = layout.dates.iter().find(|date| !is_date_form(date)) {
            return Err(wrong("dates", "forms of YYYY or YY, MM and DD", bad));
        }
        check::signs(&layout).map_err(|[place, expected, found]| wrong(&place, &expected, &found))?;
        if let Some(tag) = said("tag") {
            let numbers: Vec<usize> = tag.split(' ').filter_map(|word| word.parse().ok()).collect();
            layout.tag = match numbers.as_slice() {
                [at] if syntax == Syntax::Csv && *at > 0 => Some((at - 1, 1)),
                [at, width] if *at > 0 => Some((at - 1, *width)),
                _ => return Err(wrong("tag", "POSITION WIDTH, or the number of a column", tag)),
            };
        }
        for text in texts(&value["recognise"]).into_iter().chain(said("recognise").map(str::to_owned)) {
            let mark = match text.split_once(' ') {
                None if text == "header" => Some(Mark::Header),
                _ if text.starts_with('/') => Some(match text.split_once(" = ") {
                    Some((pointer, meant)) => Mark::Pointer(pointer.to_owned(), Some(meant.to_owned())),
                    None => Mark::Pointer(text.clone(), None),
                }),
                Some((at, mark)) => at.parse().ok().filter(|at| *at > 0).map(|at| Mark::Text(at, mark.to_owned())),
                None => None,
            };
            layout
                .marks
                .push(mark.ok_or_else(|| wrong("recognise", "header, POSITION TEXT or a JSON pointer", &text))?);
        }
        let (mut at, mut held) = (0, BTreeMap::new());
        for text in texts(&value["lead"]) {
            layout.lead.push(
                field(&text, syntax, &mut at).ok_or_else(|| wrong("lead", "NAME USAGE FORM WIDTH [= MADE]", &text))?,
            );
        }
        for (key, facts) in value["records"].as_object().into_iter().flatten() {
            let (record, content) = layout.record(key, facts).map_err(|text| {
                wrong(
                    key,
                    "NAME USAGE FORM [LENGTH] [= SOURCE] of a field, NAME USAGE MAX RECORD [= PATH] of a record",
                    &text,
                )
            })?;
            layout.records.insert(key.clone(), record);
            held.insert(key.clone(), content);
        }
        held.extend(Form::ALL.iter().map(|(form, name)| ((*name).to_owned(), Content::leaf(name, *form))));
        contents.lay(&held.into());
        contents.check(file)?;
        if layout.syntax == Syntax::Csv && layout.tag.is_none() {
            layout.number_columns(said("content").unwrap_or_default(), contents);
        }
        let root = said("content").unwrap_or_default();
        let checked = check::columns(&layout, root, contents).and_then(|()| check::envelope(value, root, contents));
        checked.map_err(|[place, expected, found]| wrong(&place, &expected, &found))?;
        Ok(layout)
    }

    fn record(&self, key: &str, facts: &Value) -> Result<(Record, Content), String> {
        let is_without_lead = facts["lead"].as_str() == Some("none");
        let tags = facts["tag"].as_str().unwrap_or_default();
        let mut record = Record {
            tags: tags.split('|').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect(),
            keys: facts["key"].as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            is_without_lead,
            is_open: facts["open"].as_str() == Some("true"),
            ..Record::default()
        };
        let mut parts = Vec::new();
        let lead = self.lead.last().filter(|_| self.syntax == Syntax::Fixed && !is_without_lead);
        let mut at = lead.map_or(0, |last| last.at + last.length.1);
        for text in texts(&facts["fields"]) {
            // The type of the record stands in a column of its own.
            if self.syntax == Syntax::Csv && self.tag.is_some_and(|(tag, _)| tag == at) {
                at += 1;
            }
            let mut field = field(&text, self.syntax, &mut at).ok_or(text)?;
            if let (Syntax::Csv, Some(_), Ok(number @ 1..)) = (self.syntax, self.tag, field.source.parse::<usize>()) {
                field.at = number - 1;
                at = number;
            }
            parts.push(Part::new(&field.name, Usage::Optional, Some(1), field.form.name()));
            record.fields.push(field);
        }
        if let Some(unknown) = record.keys.iter().find(|key| record.field(key).is_none()) {
            return Err(unknown.clone());
        }
        for text in texts(&facts["records"]) {
            let (facts, path) = text.split_once(" = ").map_or((&*text, None), |(facts, path)| (facts, Some(path)));
            let [name, usage, max, content] =
                <[&str; 4]>::try_from(facts.split(' ').collect::<Vec<_>>()).map_err(|_| text.clone())?;
            let max = if max == ">1" { None } else { Some(max.parse().map_err(|_| text.clone())?) };
            let usage = letter(usage).ok_or(text.clone())?;
            record.paths.extend(path.map(|path| (name.to_owned(), path.to_owned())));
            parts.push(Part::new(name, usage, max, content));
        }
        let name = facts["name"].as_str().unwrap_or(key);
        Ok((record, Content::branch(key, name, parts)))
    }

    /// Without a type of record, a row holds a document, a record of it and so on: each with its own columns.
    fn number_columns(&mut self, root: &str, contents: &Contents) {
        let mut at = 0;
        for key in chain(root, contents) {
            let Some(record) = self.records.get_mut(&key) else { return };
            for field in &mut record.fields {
                field.at = match field.source.parse::<usize>() {
                    Ok(number) if !self.has_header && number > 0 => number - 1,
                    _ => at,
                };
                at = field.at.saturating_add(1);
            }
        }
    }

    /// A byte that says nothing by itself: a blank, or what stands around the cells of a table.
    #[must_use]
    pub fn is_idle(&self, byte: u8) -> bool {
        let is_sign = byte == self.delimiter || Some(byte) == self.quote;
        byte.is_ascii_whitespace() || (self.syntax == Syntax::Csv && is_sign)
    }

    /// Whether a file holds as many documents as there are, each being a record of this content. Rows without a type and
    /// without a key are all of one.
    #[must_use]
    pub fn holds_many(&self, content: &str) -> bool {
        let has_keys = self.records.get(content).is_some_and(|record| !record.keys.is_empty());
        !self.is_alone && (self.tag.is_some() || has_keys)
    }

    /// The days that the file writes like this, as the tree has them; `None` where it is no day.
    #[must_use]
    pub fn day(&self, text: &str) -> Option<String> {
        self.dates.iter().find_map(|form| Layout::day_in(form, text))
    }

    /// The day that a text is in a form such as `DD.MM.YYYY`, as the tree has it.
    #[must_use]
    pub fn day_in(form: &str, text: &str) -> Option<String> {
        day_of(form, text)
    }

    /// A day of the tree, such as `2026-01-31`, as the file writes it; `None` where it is none.
    #[must_use]
    pub fn write_day(&self, text: &str) -> Option<String> {
        Layout::write_day_in(self.dates.first().map_or("YYYY-MM-DD", String::as_str), text)
    }

    /// A day of the tree in a form such as `DD.MM.YYYY`; `None` where it is none.
    #[must_use]
    pub fn write_day_in(form: &str, text: &str) -> Option<String> {
        day_of("YYYY-MM-DD", text)?;
        let form = form.replace("YYYY", &text[..4]).replace("YY", &text[2..4]);
        Some(form.replace("MM", &text[5..7]).replace("DD", &text[8..]))
    }
}

impl Markup {
    /// What is written without a rule: the name of each record that has such fields, their elements, and what is written.
    #[must_use]
    pub fn made(&self) -> Vec<(&str, u16, &str)> {
        let Some(layout) = &self.layout else { return Vec::new() };
        let parts = self.contents.all().flat_map(|content| &content.parts);
        let records = parts.filter_map(|part| Some((part, layout.records.get(&part.content)?)));
        let fields = records.flat_map(|(part, record)| record.fields.iter().map(move |field| (part, field)));
        let element = |part: &Part, field: &Field| self.contents.get(&part.content)?.part(&field.name)?.1.element();
        let made = fields.filter(|(_, field)| !field.made.is_empty());
        made.filter_map(|(part, field)| Some((&*part.name, element(part, field)?, &*field.made))).collect()
    }
}

/// The contents that the columns of one row belong to: the first record of each.
#[must_use]
pub fn chain(root: &str, contents: &Contents) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    let mut next = Some(root.to_owned());
    while let Some(key) = next.filter(|key| !keys.contains(key)) {
        let inner = contents.get(&key).and_then(|content| content.parts.iter().find(|part| part.element().is_none()));
        next = inner.map(|part| part.content.clone());
        keys.push(key);
    }
    keys
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn letter(letter: &str) -> Option<Usage> {
    match letter {
        "R" => Some(Usage::Required),
        "O" => Some(Usage::Optional),
        _ => None,
    }
}

/// `number R text 1..20 = Order No.`; of fixed width the width, and what is made: `SEGNUM O number 6 = $number`. `at` is
/// where it begins, and then where the next one does.
fn field(text: &str, syntax: Syntax, at: &mut usize) -> Option<Field> {
    let (facts, behind) = text.split_once(" = ").map_or((text, ""), |(facts, behind)| (facts, behind));
    let words: Vec<&str> = facts.split(' ').collect();
    let [name, usage, form, rest @ ..] = words.as_slice() else { return None };
    let length = match rest {
        [] if syntax != Syntax::Fixed => (0, FIELD_CHARACTERS_MAX),
        [length] => match length.split_once("..") {
            Some((min, max)) => (if min.is_empty() { 0 } else { min.parse().ok()? }, max.parse().ok()?),
            None => (length.parse().ok()?, length.parse().ok()?),
        },
        _ => return None,
    };
    if length.0 > length.1 || length.1 == 0 {
        return None;
    }
    let width = if syntax == Syntax::Fixed { length.1 } else { 1 };
    let own = *at;
    *at = own.checked_add(width)?;
    let form = Form::ALL.iter().find(|(_, own)| own == form)?.0;
    let is_made = syntax == Syntax::Fixed;
    let is_word = behind.starts_with('$');
    if is_made && (is_word != Field::MADE.contains(&behind) || !is_word && behind.chars().count() > length.1) {
        return None;
    }
    let source = if behind.is_empty() || is_made { (*name).to_owned() } else { behind.to_owned() };
    let made = if is_made { behind.to_owned() } else { String::new() };
    Some(Field { name: (*name).to_owned(), usage: letter(usage)?, form, length, source, at: own, made })
}

/// Year, month and day once each, and between them whatever is no letter and no digit.
pub(super) fn is_date_form(form: &str) -> bool {
    let count = |letter: char| form.matches(letter).count();
    let rest = || form.chars().filter(|c| !"YMD".contains(*c));
    let has = |part: &str| form.contains(part) && count(part.chars().next().unwrap_or_default()) == part.len();
    (has("YYYY") || has("YY")) && has("MM") && has("DD") && rest().all(|c| c.is_ascii() && !c.is_ascii_alphanumeric())
}

/// The day that a text is in a form such as `DD.MM.YYYY`.
fn day_of(form: &str, text: &str) -> Option<String> {
    if form.len() != text.len() || !text.is_ascii() {
        return None;
    }
    let (mut year, mut month, mut day) = (String::new(), String::new(), String::new());
    for (meant, c) in form.chars().zip(text.chars()) {
        match meant {
            'Y' => year.push(c),
            'M' => month.push(c),
            'D' => day.push(c),
            other if other == c => {}
            _ => return None,
        }
    }
    let year = if year.len() == 2 { format!("20{year}") } else { year };
    super::validate::is_date(&format!("{year}{month}{day}")).then(|| format!("{year}-{month}-{day}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_the_form_that_is_named() {
        for (form, text, day) in [
            ("DD.MM.YYYY", "31.01.2026", Some("2026-01-31")),
            ("YYYYMMDD", "20260131", Some("2026-01-31")),
            ("MM/DD/YY", "01/31/26", Some("2026-01-31")),
            ("DD.MM.YYYY", "30.02.2026", None),
            ("DD.MM.YYYY", "31-01-2026", None),
            ("YYYYMMDD", "00000000", None),
        ] {
            assert_eq!(day_of(form, text).as_deref(), day, "{form} {text}");
        }
    }

    #[test]
    fn types_of_records_may_have_digits() {
        let record = Record { tags: vec!["E2EDK01".into(), "E2EDK01###".into()], ..Record::default() };
        for (tag, is_it) in [("E2EDK01", true), ("E2EDK01005", true), ("E2EDK0100", false), ("E2EDK01XYZ", false)] {
            assert_eq!(record.is_tagged(tag), is_it, "{tag}");
        }
    }
}
