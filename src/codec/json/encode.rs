//! Writes a document as JSON from its draft: members in the order of the definition, two blanks a level. What is written is
//! read again by whoever calls this.

use super::read::is_number;
use crate::codec::content::Element;
use crate::codec::table::as_written;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::content::{Form, ITSELF, Markup};
use crate::standard::definition::Document;
use crate::standard::layout::Layout;
use crate::tree::{DocumentDraft, InterchangeDraft};

/// Something to write.
enum Made {
    Object(Vec<(String, Made)>),
    List(Vec<Made>),
    /// A text with its quotes, a number, a word.
    Literal(String),
}

/// Writes the only document of an input.
///
/// # Errors
/// Values that would be read as other ones.
pub fn document(
    document: &Document,
    head: &InterchangeDraft,
    draft: &DocumentDraft,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let Some((layout, markup)) = document.layout().zip(document.markup.as_deref()) else { return Ok(Vec::new()) };
    let mut root = Element::root(&markup.root, &draft.segments);
    root.tell(markup, head);
    let (mut out, mut faults) = (String::new(), Vec::new());
    record(layout, markup, &markup.content, &root, &mut faults).write(&mut out, 0);
    out.push('\n');
    if faults.is_empty() { Ok(out.into_bytes()) } else { Err(faults) }
}

fn record(layout: &Layout, markup: &Markup, key: &str, element: &Element, faults: &mut Vec<Diagnostic>) -> Made {
    let mut made = Made::Object(Vec::new());
    let (Some(record), Some(content)) = (layout.records.get(key), markup.contents.get(key)) else { return made };
    for field in &record.fields {
        let number = content.part(&field.name).and_then(|(_, part)| part.element()).unwrap_or(ITSELF);
        let said = element.text(number, 1).unwrap_or_default();
        let text = as_written(layout, field, said).unwrap_or_else(|expected| {
            let finding = Diagnostic::new(Syntax::Json, Fault::ValueForm).because(expected, said);
            faults.push(Diagnostic { place: format!("{}/{}", element.tag, field.name), ..finding });
            String::new()
        });
        let literal = match field.form {
            _ if text.is_empty() => continue,
            Form::Number | Form::Integer if is_number(&text) => text,
            Form::Boolean if text == "true" || text == "false" => text,
            _ => serde_json::Value::from(text).to_string(),
        };
        made.put(&field.source, Made::Literal(literal));
    }
    for part in content.parts.iter().filter(|part| part.element().is_none()) {
        let own = element.inner.iter().filter(|inner| inner.tag == part.name && !inner.is_silent());
        let mut items: Vec<Made> =
            own.map(|inner| self::record(layout, markup, &part.content, inner, faults)).collect();
        let source = record.paths.get(&part.name).map_or(part.name.as_str(), String::as_str);
        match (part.max, items.pop()) {
            (_, None) => {}
            (Some(1), Some(one)) if items.is_empty() => made.put(source, one),
            (_, Some(last)) => {
                items.push(last);
                made.put(source, Made::List(items));
            }
        }
    }
    made
}

impl Made {
    /// Puts something at a path of names, and makes the objects on the way.
    fn put(&mut self, path: &str, what: Made) {
        let Made::Object(members) = self else { return };
        match path.split_once('/') {
            None => members.push((path.to_owned(), what)),
            Some((name, rest)) => {
                let at = members.iter().position(|(own, _)| own == name).unwrap_or_else(|| {
                    members.push((name.to_owned(), Made::Object(Vec::new())));
                    members.len() - 1
                });
                members[at].1.put(rest, what);
            }
        }
    }

    fn write(&self, out: &mut String, depth: usize) {
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str("  "));
        };
        match self {
            Made::Literal(text) => out.push_str(text),
            Made::Object(members) if members.is_empty() => out.push_str("{}"),
            Made::Object(members) => {
                out.push('{');
                for (number, (name, inner)) in members.iter().enumerate() {
                    out.push_str(if number > 0 { "," } else { "" });
                    line(out, depth + 1);
                    out.push_str(&format!("{}: ", serde_json::Value::from(name.as_str())));
                    inner.write(out, depth + 1);
                }
                line(out, depth);
                out.push('}');
            }
            Made::List(items) => {
                out.push('[');
                for (number, inner) in items.iter().enumerate() {
                    out.push_str(if number > 0 { "," } else { "" });
                    line(out, depth + 1);
                    inner.write(out, depth + 1);
                }
                line(out, depth);
                out.push(']');
            }
        }
    }
}
