//! Reads an XML document, holds it against its definition, and projects it onto the one tree that mappings read: a segment
//! for each element that has children or may repeat, with what stands in it once as elements and attributes as components
//! (`standard::content` says how). Everything is told that does not fit, and reading goes on where it can.
//!
//! Nothing is fetched, no entity of the document's own is resolved, and what the definition does not know is told, not
//! projected.

use super::text::{text, width};
use super::value::in_tree;
use super::{DEPTH_MAX, NAME_BYTES_MAX, is_character};
use crate::codec::content::{Cell, Laying, Projected, Row, Span, refusal, without_number};
use crate::diagnostic::{Diagnostic, Fault, PLACE_CHARACTERS_MAX, Position, Syntax, keep};
use crate::near;
use crate::standard::content::{Content, Form, ITSELF, Markup};
use crate::standard::definition::{Document, Usage};
use crate::standard::place::Placement;
use crate::tree::{Charset, Run};
use quick_xml::NsReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

/// The end of a path is printed, so many characters of it.
const PATH_CHARACTERS_MAX: usize = PLACE_CHARACTERS_MAX - 2;

/// Reads the document that a run holds.
#[must_use]
pub fn project(document: &Document, run: &Run<'_>) -> (Projected, Placement, Vec<Diagnostic>) {
    let read = text(run.bytes, run.charset);
    let Some(markup) = document.markup.as_deref() else {
        return Laying::new(Syntax::Xml).end(Fault::MarkupMalformed, Vec::new());
    };
    let mut walk = Walk::new(markup, &read.text, read.charset, (run.offset, run.line));
    if let Some(at) = read.contradiction {
        let byte = run.bytes.get(at).copied().unwrap_or_default();
        let found = format!("the byte {byte:#04x} at {at}, read as ISO 8859-1");
        let finding = Diagnostic::new(Syntax::Xml, Fault::CharacterEncoding);
        let finding = finding.because(run.charset.name().to_uppercase(), found);
        keep(&mut walk.faults, finding.at(run.offset + at as u64, 1, run.line));
    }
    walk.read();
    walk.end()
}

/// An element that is open.
struct Frame<'d> {
    /// What it holds; `None` where nothing is known of it.
    content: Option<&'d Content>,
    /// The segment that it is, or whose element it is.
    row: usize,
    element: u16,
    /// The loop that its children stand in.
    instance: usize,
    /// How often each part has come, and the last that came.
    counts: Vec<u32>,
    at: usize,
    text: String,
    text_span: Option<Span>,
    has_children: bool,
    has_attributes: bool,
    span: Span,
    /// Printed, for findings.
    path: String,
}

struct Walk<'d, 't> {
    markup: &'d Markup,
    text: &'t str,
    charset: Charset,
    /// How far the text was counted: the place in it, the offset in the input, and the line.
    counted: (usize, u64, u64),
    frames: Vec<Frame<'d>>,
    laying: Laying<'d>,
    faults: Vec<Diagnostic>,
}

impl<'d, 't> Walk<'d, 't> {
    /// `offset` and `line` say where the text begins in the input.
    fn new(markup: &'d Markup, text: &'t str, charset: Charset, (offset, line): (u64, u64)) -> Self {
        Walk {
            markup,
            text,
            charset,
            counted: (0, offset, line),
            frames: Vec::new(),
            laying: Laying::new(Syntax::Xml),
            faults: Vec::new(),
        }
    }

    fn read(&mut self) {
        let mut reader = NsReader::from_str(self.text);
        reader.config_mut().expand_empty_elements = true;
        let mut from = 0;
        loop {
            let event = reader.read_event();
            let to = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len());
            let span = from..to;
            from = to;
            match event {
                Ok(Event::Start(start)) => {
                    if self.frames.len() == DEPTH_MAX {
                        return self.malformed(
                            span,
                            format!("at most {DEPTH_MAX} elements inside one another"),
                            "one more",
                        );
                    }
                    if start.name().as_ref().len() > NAME_BYTES_MAX {
                        return self.malformed(
                            span,
                            format!("names of at most {NAME_BYTES_MAX} bytes"),
                            start.name().as_ref(),
                        );
                    }
                    let (namespace, name) = reader.resolver().resolve_element(start.name());
                    let namespace = match namespace {
                        ResolveResult::Bound(namespace) => namespace.into_inner().to_owned(),
                        _ => String::new(),
                    };
                    if self.frames.is_empty() && !self.laying.rows.is_empty() {
                        return self.malformed(span, "nothing after the root element".to_owned(), name.as_ref());
                    }
                    self.start((&namespace, name.as_ref()), &start, span);
                }
                Ok(Event::End(_)) => self.close(),
                Ok(Event::DocType(_) | Event::Decl(_)) => {
                    return self.malformed(
                        span,
                        "declarations before the root element only".to_owned(),
                        "one behind it",
                    );
                }
                Ok(Event::Text(_) | Event::CData(_) | Event::GeneralRef(_)) if self.frames.is_empty() => {
                    let behind = self.text[span.clone()].trim();
                    if !behind.is_empty() {
                        return self.malformed(span, "nothing after the root element".to_owned(), behind);
                    }
                }
                Ok(Event::Text(text)) => self.add(&text.xml10_content(), span),
                Ok(Event::CData(text)) => self.add(&text.xml10_content(), span),
                Ok(Event::GeneralRef(name)) => match name.resolve_char_ref() {
                    Ok(Some(c)) if is_character(c) => self.add(c.encode_utf8(&mut [0; 4]), span),
                    Ok(None) if resolve_xml_entity(&name).is_some() => {
                        self.add(resolve_xml_entity(&name).unwrap_or_default(), span);
                    }
                    Ok(None) => {
                        self.tell(Fault::MarkupEntity, span, "one of the five that XML has", &format!("&{};", &*name))
                    }
                    _ => self.tell(
                        Fault::MarkupMalformed,
                        span,
                        "a character that XML may hold",
                        &format!("&{};", &*name),
                    ),
                },
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(error) => return self.malformed(span, "well-formed XML".to_owned(), &error.to_string()),
            }
        }
        if let Some(open) = self.frames.last() {
            let name = open.path.rsplit('/').next().unwrap_or_default().to_owned();
            let end = self.text.len();
            self.malformed(end..end, format!("the end of {name}"), "the end of the input");
        }
    }

    fn malformed(&mut self, span: std::ops::Range<usize>, expected: String, found: &str) {
        self.tell(Fault::MarkupMalformed, span, &expected, found);
    }

    /// A stretch of the text as one of the input.
    fn span(&mut self, range: std::ops::Range<usize>) -> Span {
        let (at, offset, line) = self.counted;
        if let Some(between) = self.text.get(at..range.start) {
            let breaks = between.bytes().filter(|byte| *byte == b'\n').count();
            let bytes = width(between, self.charset);
            self.counted = (range.start, offset + bytes as u64, line + breaks as u64);
        }
        let length = self.text.get(range).map_or(0, |inside| width(inside, self.charset));
        Span { offset: self.counted.1, length: length as u64, line: self.counted.2 }
    }

    /// Adds a finding about the element that is open.
    fn tell(&mut self, fault: Fault, range: std::ops::Range<usize>, expected: &str, found: &str) {
        let span = self.span(range);
        let path = self.frames.last().map_or(String::new(), |frame| frame.path.clone());
        self.tell_at(fault, span, &path, expected, found);
    }

    fn tell_at(&mut self, fault: Fault, span: Span, path: &str, expected: &str, found: &str) {
        let tag = path.rsplit('/').next().map(without_number).unwrap_or_default().to_owned();
        let path = match path.char_indices().rev().nth(PATH_CHARACTERS_MAX) {
            Some((at, _)) => format!("…{}", &path[at..]),
            None => path.to_owned(),
        };
        let row = self.frames.last().map_or(0, |frame| frame.row + 1);
        let position = Position { segment: u32::try_from(row).unwrap_or(u32::MAX), ..Position::default() };
        let finding = Diagnostic::new(Syntax::Xml, fault).because(expected, found).place(path, tag, position);
        keep(&mut self.faults, finding.at(span.offset, span.length, span.line));
    }

    fn start(&mut self, name: (&str, &str), start: &BytesStart<'_>, range: std::ops::Range<usize>) {
        let span = self.span(range);
        let mut frame = match self.frames.last() {
            None => self.root(name, span),
            Some(_) => self.child(name, span),
        };
        self.attributes(&mut frame, start);
        self.frames.push(frame);
    }

    fn root(&mut self, (namespace, name): (&str, &str), span: Span) -> Frame<'d> {
        let (markup, path) = (self.markup, format!("/{name}"));
        if namespace != markup.namespace {
            self.tell_at(Fault::NodeNamespace, span, &path, &markup.namespace, namespace);
        }
        let content = markup.root().map(|content| &**content);
        self.laying.rows.push(Row { tag: &markup.root, home: 0, span, path: path.clone(), values: Vec::new() });
        frame(content, (0, ITSELF, 0), span, path)
    }

    /// A child of the element that is open: a part of its content, or something that is not known.
    fn child(&mut self, (namespace, name): (&str, &str), span: Span) -> Frame<'d> {
        let markup = self.markup;
        let Some(around) = self.frames.last_mut() else { return frame(None, (0, 0, 0), span, String::new()) };
        around.has_children = true;
        let (path, row, instance) = (around.path.clone(), around.row, around.instance);
        let strange = |path: String| frame(None, (row, 0, instance), span, path);
        let Some(content) = around.content else { return strange(format!("{path}/{name}")) };
        let Some((at, part)) = content.part(name) else {
            if !content.is_open {
                let names: Vec<String> = content.parts.iter().map(|part| part.name.clone()).collect();
                let expected = match names.as_slice() {
                    [] => format!("no element in {}", path.rsplit('/').next().unwrap_or_default()),
                    [one] => one.clone(),
                    _ => format!("one of its {} elements{}", names.len(), near::hint(name, &names)),
                };
                self.tell_at(Fault::NodeUnknown, span, &format!("{path}/{name}"), &expected, name);
            }
            return strange(format!("{path}/{name}"));
        };
        around.counts[at] += 1;
        let count = around.counts[at];
        let last = content.parts.get(around.at).map_or("", |part| part.name.as_str());
        let is_late = !content.is_unordered && at < around.at;
        around.at = around.at.max(at);
        let path = if part.max == Some(1) { format!("{path}/{name}") } else { format!("{path}/{name}[{count}]") };
        let wanted = markup.namespace_of(&part.prefix);
        if wanted != namespace {
            self.tell_at(
                Fault::NodeNamespace,
                span,
                &path,
                if wanted.is_empty() { "no namespace" } else { wanted },
                namespace,
            );
        }
        if is_late {
            self.tell_at(
                Fault::NodeOutOfOrder,
                span,
                &path,
                &format!("{name} before {last}"),
                &format!("{name} after it"),
            );
        }
        if let Some(max) = part.max.filter(|max| count > *max) {
            self.tell_at(Fault::NodeTooMany, span, &path, &format!("at most {max} {name}"), "one more");
        }
        let holds = markup.contents.get(&part.content).map(|content| &**content);
        if let Some(element) = part.element() {
            return frame(holds, (row, if count == 1 { element } else { 0 }, instance), span, path);
        }
        let own = self.laying.rows.len();
        let inner = if holds.is_some_and(|content| !content.is_leaf()) {
            self.laying.open(instance, &part.name)
        } else {
            instance
        };
        self.laying.rows.push(Row { tag: &part.name, home: inner, span, path: path.clone(), values: Vec::new() });
        frame(holds, (own, ITSELF, inner), span, path)
    }

    fn attributes(&mut self, frame: &mut Frame<'d>, start: &BytesStart<'_>) {
        let mut seen = Vec::new();
        for attribute in start.attributes() {
            let attribute = match attribute {
                Ok(attribute) => attribute,
                Err(error) => {
                    self.tell_at(
                        Fault::MarkupMalformed,
                        frame.span,
                        &frame.path,
                        "well-formed attributes",
                        &error.to_string(),
                    );
                    return;
                }
            };
            let name = attribute.key.as_ref().to_owned();
            if name.len() > NAME_BYTES_MAX {
                let expected = format!("names of at most {NAME_BYTES_MAX} bytes");
                return self.tell_at(Fault::MarkupMalformed, frame.span, &frame.path, &expected, &name);
            }
            let is_meta = name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xsi:");
            let Some(content) = frame.content.filter(|_| !is_meta) else { continue };
            let path = format!("{}/@{name}", frame.path);
            let Ok(text) = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0) else {
                self.tell_at(Fault::MarkupEntity, frame.span, &path, "text and character references", &attribute.value);
                continue;
            };
            let (Some(component), Some(own)) =
                (content.component(&name), content.attributes.iter().find(|own| own.name == name))
            else {
                let names: Vec<String> = content.attributes.iter().map(|one| one.name.clone()).collect();
                let expected = match names.len() {
                    0 => "no attribute".to_owned(),
                    count => format!("one of its {count} attributes{}", near::hint(&name, &names)),
                };
                self.tell_at(Fault::AttributeUnknown, frame.span, &path, &expected, &name);
                continue;
            };
            (frame.has_attributes, _) = (true, seen.push(component));
            if !own.values.is_empty() && own.values.iter().all(|value| **value != text) {
                self.tell_at(Fault::NodeValue, frame.span, &path, &own.values.join(", "), &text);
            }
            if own.only().is_none() {
                self.put(frame, component, own.form, text.trim(), frame.span, &path);
            }
        }
        let missing = frame.content.into_iter().flat_map(|content| content.attributes.iter().zip(2..));
        for (own, _) in missing.filter(|(own, component)| own.usage == Usage::Required && !seen.contains(component)) {
            let path = format!("{}/@{}", frame.path, own.name);
            self.tell_at(Fault::AttributeMissing, frame.span, &path, &own.name, "none");
        }
    }

    /// Checks a value and puts it into its segment.
    fn put(&mut self, frame: &Frame<'d>, component: u16, form: Form, text: &str, span: Span, path: &str) {
        if let Some(c) = text.chars().find(|c| !is_character(*c)) {
            let found = format!("U+{:04X}", u32::from(c));
            self.tell_at(Fault::MarkupMalformed, span, path, "characters that XML may hold", &found);
        }
        let read = in_tree(self.markup, form, text);
        if let Err(expected) = &read {
            self.tell_at(Fault::NodeValue, span, path, expected, text);
        }
        let text = read.as_deref().unwrap_or(text);
        if let Some(row) = self.laying.rows.get_mut(frame.row).filter(|_| frame.element > 0 && !text.is_empty()) {
            let text = text.chars().filter(|c| is_character(*c)).collect();
            row.values.push(Cell { element: frame.element, component, text, span });
        }
    }

    fn add(&mut self, text: &str, range: std::ops::Range<usize>) {
        let span = self.span(range);
        if let Some(frame) = self.frames.last_mut() {
            frame.text.push_str(text);
            let all = frame.text_span.get_or_insert(span);
            all.length = span.offset + span.length - all.offset;
        }
    }

    /// The element that is open ends.
    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let Some(content) = frame.content else { return };
        let text = frame.text.trim();
        let span = frame.text_span.unwrap_or(frame.span);
        let is_silent = content.is_leaf() && !frame.has_children;
        match content.text {
            Some(form) if !text.is_empty() => self.put(&frame, 1, form, text, span, &frame.path),
            Some(Form::Text | Form::Code | Form::Binary) if is_silent && !frame.has_attributes => {
                self.tell_at(Fault::NodeEmpty, frame.span, &frame.path, "a value", "nothing");
            }
            Some(form) if is_silent && !matches!(form, Form::Text | Form::Code | Form::Binary) => {
                let expected = refusal(form, "").unwrap_or_default();
                self.tell_at(Fault::NodeValue, frame.span, &frame.path, expected, "nothing");
            }
            None if !text.is_empty() => self.tell_at(Fault::NodeText, span, &frame.path, "elements only", text),
            _ => {}
        }
        let missing = content.parts.iter().zip(&frame.counts);
        for (part, _) in missing.filter(|(part, count)| part.usage == Usage::Required && **count == 0) {
            let prefix = if part.prefix.is_empty() { String::new() } else { format!("{}:", part.prefix) };
            let path = format!("{}/{}", frame.path, part.name);
            self.tell_at(Fault::NodeMissing, frame.span, &path, &format!("{prefix}{}", part.name), "nothing");
        }
    }

    /// Writes the rows as segments.
    fn end(self) -> (Projected, Placement, Vec<Diagnostic>) {
        self.laying.end(Fault::MarkupMalformed, self.faults)
    }
}

fn frame<'d>(
    content: Option<&'d Content>,
    (row, element, instance): (usize, u16, usize),
    span: Span,
    path: String,
) -> Frame<'d> {
    let counts = vec![0; content.map_or(0, |content| content.parts.len())];
    Frame {
        content,
        row,
        element,
        instance,
        counts,
        at: 0,
        text: String::new(),
        text_span: None,
        has_children: false,
        has_attributes: false,
        span,
        path,
    }
}
