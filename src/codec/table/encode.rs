//! Writes documents as rows from their drafts: in the order of the definition, values as the layout wants them. What is
//! written is read again by whoever calls this.

use super::line::written;
use crate::codec::content::Element;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::content::{Form, ITSELF, Markup, Part};
use crate::standard::definition::{Document, Usage};
use crate::standard::layout::{self, Field, Layout, Record};
use crate::tree::{DocumentDraft, InterchangeDraft};

/// The line that names the columns; nothing where there is none.
#[must_use]
pub fn header(document: &Document) -> Vec<u8> {
    let Some((layout, markup)) = document.layout().zip(document.markup.as_deref()) else { return Vec::new() };
    if !layout.has_header {
        return Vec::new();
    }
    let titles = columns(layout, markup).into_iter().map(|(.., title)| title).collect::<Vec<_>>();
    let bytes = titles.iter().map(|title| layout.charset.encode(title).unwrap_or_else(|| title.as_bytes().to_vec()));
    line(layout, bytes)
}

/// Writes a document of an interchange.
///
/// # Errors
/// Characters that the file cannot hold, and values that are longer than their place.
pub fn document(
    document: &Document,
    head: &InterchangeDraft,
    draft: &DocumentDraft,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let Some((layout, markup)) = document.layout().zip(document.markup.as_deref()) else { return Ok(Vec::new()) };
    let mut root = Element::root(&markup.root, &draft.segments);
    root.tell(markup, head);
    let mut writer = Writer { layout, markup, head, out: Vec::new(), number: 0, faults: Vec::new() };
    if layout.tag.is_none() {
        writer.rows(&root);
    } else {
        if let Some(record) = layout.records.get(&markup.content).filter(|record| !record.tags.is_empty()) {
            writer.record(&root, &markup.content, record, 0, 1);
        }
        writer.records(&root, &markup.content, 0, 2);
    }
    if writer.faults.is_empty() { Ok(writer.out) } else { Err(writer.faults) }
}

/// Level, field and title of each column, in the order in which they are written.
fn columns<'d>(layout: &'d Layout, markup: &'d Markup) -> Vec<(usize, &'d Field, &'d str)> {
    let chain = layout::chain(&markup.content, &markup.contents);
    let records = chain.iter().filter_map(|key| layout.records.get(key)).enumerate();
    let mut found: Vec<(usize, &Field, &str)> = records
        .flat_map(|(level, record)| record.fields.iter().map(move |field| (level, field, &*field.source)))
        .collect();
    if layout.has_header {
        let place = |title: &str| layout.columns.iter().position(|own| own == title).unwrap_or(usize::MAX);
        found.sort_by_key(|(.., title)| place(title));
    } else {
        found.sort_by_key(|(_, field, _)| field.at);
    }
    found
}

/// Cells as a line.
fn line(layout: &Layout, cells: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let cells: Vec<Vec<u8>> = cells.map(|cell| written(&cell, layout.delimiter, layout.quote)).collect();
    let mut line = cells.join(&layout.delimiter);
    line.extend_from_slice(layout.line_end.as_bytes());
    line
}

struct Writer<'d> {
    layout: &'d Layout,
    markup: &'d Markup,
    head: &'d InterchangeDraft,
    out: Vec<u8>,
    /// Records written.
    number: u32,
    faults: Vec<Diagnostic>,
}

impl<'d> Writer<'d> {
    fn tell(&mut self, fault: Fault, place: &str, expected: &str, found: &str) {
        let mut finding = Diagnostic::new(self.layout.syntax, fault).because(expected, found);
        place.clone_into(&mut finding.place);
        self.faults.push(finding);
    }

    /// Rows that hold the document, a record of it and so on: one for each of the innermost.
    fn rows(&mut self, root: &Element) {
        let chain = layout::chain(&self.markup.content, &self.markup.contents);
        let mut path = vec![root];
        self.below(&chain, &mut path);
    }

    fn below(&mut self, chain: &[String], path: &mut Vec<&Element>) {
        let Some(around) = path.last().copied() else { return };
        let inner: Vec<&Element> = if path.len() < chain.len() { around.inner.iter().collect() } else { Vec::new() };
        for one in &inner {
            path.push(one);
            self.below(chain, path);
            path.pop();
        }
        if inner.is_empty() {
            let (layout, markup) = (self.layout, self.markup);
            let cells = columns(layout, markup).into_iter().map(|(level, field, title)| {
                let text = path.get(level).map_or(String::new(), |element| self.text(element, &chain[level], field));
                self.bytes(title, &text)
            });
            let row = line(layout, cells.collect::<Vec<_>>().into_iter());
            self.out.extend(row);
        }
    }

    /// The records in one, in the order of its definition.
    fn records(&mut self, around: &Element, key: &str, parent: u32, level: u32) {
        let (layout, markup) = (self.layout, self.markup);
        let Some(content) = markup.contents.get(key) else { return };
        for part in content.parts.iter().filter(|part| part.element().is_none()) {
            let Some(record) = layout.records.get(&part.content) else { continue };
            let own: Vec<&Element> =
                around.inner.iter().filter(|inner| inner.tag == part.name && !inner.is_silent()).collect();
            // What must stand says what it can.
            let made = Element::new(&part.name);
            let own = if own.is_empty() && is_made(part, record) { vec![&made] } else { own };
            for element in own {
                self.record(element, &part.content, record, parent, level);
                let number = self.number;
                self.records(element, &part.content, number, level + 1);
            }
        }
    }

    fn record(&mut self, element: &Element, key: &str, record: &Record, parent: u32, level: u32) {
        let layout = self.layout;
        self.number += u32::from(!record.is_without_lead);
        let tag = record.tags.first().map_or("", String::as_str);
        let made = |field: &Field| {
            let number = |number: u32| format!("{number:0width$}", width = field.length.1);
            match field.made.as_str() {
                "$tag" => tag.to_owned(),
                "$number" => number(self.number),
                "$parent" => number(parent),
                "$level" => number(level),
                "$document" => self.head.control_number.clone(),
                text => text.to_owned(),
            }
        };
        let lead: &[Field] = if record.is_without_lead { &[] } else { &layout.lead };
        let mut values: Vec<(&Field, String)> = lead.iter().map(|field| (field, made(field))).collect();
        values.extend(record.fields.iter().map(|field| {
            let said = self.text(element, key, field);
            (field, if said.is_empty() { made(field) } else { said })
        }));
        if layout.syntax == Syntax::Csv {
            let width = record.fields.last().map_or(0, |field| field.at + 1);
            let mut cells = vec![Vec::new(); width.max(layout.tag.map_or(0, |(at, _)| at + 1))];
            for (field, text) in values {
                cells[field.at] = self.bytes(&field.name, &text);
            }
            if let Some((at, _)) = layout.tag {
                cells[at] = tag.as_bytes().to_vec();
            }
            return self.out.extend(line(layout, cells.into_iter()));
        }
        let mut text = String::new();
        for (field, value) in values {
            let length = value.chars().count();
            let room = field.length.1;
            if length > room || value.contains(['\n', '\r']) {
                let place = format!("{}/{}", element.tag, field.name);
                let expected = format!("at most {room} characters on one line");
                self.tell(Fault::ValueLength, &place, &expected, &format!("{length} ({value:?})"));
                continue;
            }
            let at = text.chars().count();
            text.extend(std::iter::repeat_n(' ', field.at.saturating_sub(at)));
            text.push_str(&value);
            text.extend(std::iter::repeat_n(' ', room - length));
        }
        let tag_at = layout.tag.map_or(0, |(at, _)| at);
        if tag_at == 0 && !text.starts_with(tag) {
            self.tell(Fault::RecordUnknown, &element.tag, tag, &text.chars().take(tag.len()).collect::<String>());
        }
        let bytes = self.bytes(&element.tag, &text);
        self.out.extend(bytes);
        self.out.extend_from_slice(layout.line_end.as_bytes());
    }

    /// What a record says in a field, as the file writes it.
    fn text(&self, element: &Element, key: &str, field: &Field) -> String {
        let content = self.markup.contents.get(key);
        let part = content.and_then(|content| content.part(&field.name));
        let number = part.and_then(|(_, part)| part.element()).unwrap_or(ITSELF);
        as_written(self.layout, field, element.text(number, 1).unwrap_or_default())
    }

    fn bytes(&mut self, place: &str, text: &str) -> Vec<u8> {
        self.layout.charset.encode(text).unwrap_or_else(|| {
            let found =
                text.chars().filter(|c| self.layout.charset.encode(&c.to_string()).is_none()).collect::<String>();
            self.tell(Fault::CharacterEncoding, place, self.layout.charset.name(), &found);
            Vec::new()
        })
    }
}

/// Whether a record that nothing is said of is written all the same.
fn is_made(part: &Part, record: &Record) -> bool {
    part.usage == Usage::Required && record.fields.iter().any(|field| !field.made.is_empty())
}

/// A value of the tree as the file writes it.
#[must_use]
pub fn as_written(layout: &Layout, field: &Field, text: &str) -> String {
    match field.form {
        _ if text.is_empty() => String::new(),
        Form::Date => layout.write_day(text),
        Form::Number | Form::Integer => text.replace('.', &layout.decimal.to_string()),
        Form::Time => {
            let clock = text.split_once('T').map_or(text, |(_, clock)| clock);
            let clock: String = clock.chars().take_while(|c| c.is_ascii_digit() || *c == ':').collect();
            if layout.syntax == Syntax::Fixed { clock.replace(':', "") } else { clock }
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_what_its_form_says() {
        let field = Field { form: Form::Time, ..date() };
        let fixed = Layout { syntax: Syntax::Fixed, ..layout() };
        assert_eq!(as_written(&fixed, &field, "2026-11-24T09:15:00Z"), "091500");
        assert_eq!(as_written(&layout(), &field, "09:15:00"), "09:15:00");
        assert_eq!(as_written(&layout(), &date(), "2026-11-24T09:15:00Z"), "24.11.2026");
    }

    fn date() -> Field {
        Field {
            name: "day".into(),
            usage: Usage::Optional,
            form: Form::Date,
            length: (0, 10),
            source: "day".into(),
            at: 0,
            made: String::new(),
        }
    }

    fn layout() -> Layout {
        let value = serde_json::json!({ "format": "csv", "dates": "DD.MM.YYYY" });
        Layout::parse("a.yaml", &value, &mut crate::standard::content::Contents::default()).expect("a layout")
    }
}
