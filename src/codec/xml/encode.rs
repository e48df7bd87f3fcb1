//! Writes a document as XML from its draft: elements in the order of the definition, namespaces declared at the root, two
//! blanks a level. What says nothing is left out.

use super::value::as_written;
use crate::codec::content::Element;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::content::{Content, Form, ITSELF, Markup};
use crate::standard::definition::{Document, Usage};
use crate::tree::InterchangeDraft;
use std::collections::BTreeSet;

/// Writes the only document of an interchange.
///
/// # Errors
/// That there is another number of documents than one, or a character that XML cannot hold.
pub fn encode(document: &Document, draft: &InterchangeDraft) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let mut documents = draft.groups.iter().flat_map(|group| &group.documents);
    let (Some(only), None, Some(markup)) = (documents.next(), documents.next(), document.markup.as_deref()) else {
        let finding = Diagnostic::new(Syntax::Xml, Fault::InterchangeContent);
        return Err(vec![finding.because("one document, for one is all that an XML file can hold", "none or several")]);
    };
    let mut root = Element::root(&markup.root, &only.segments);
    root.tell(markup, draft);
    let mut writer = Writer { markup, out: String::new(), prefixes: BTreeSet::new(), faults: Vec::new() };
    writer.children(&root, markup.root().map(|content| &**content), 1);
    writer.end(&root)
}

/// Whether an element may stand with nothing in it.
fn may_be_empty(content: &Content) -> bool {
    let needs_part = content.parts.iter().any(|part| part.usage == Usage::Required);
    let needs_attribute = content.attributes.iter().any(|own| own.usage == Usage::Required);
    content.text.is_none() && !content.is_open && !needs_part && !needs_attribute
}

struct Writer<'d> {
    markup: &'d Markup,
    out: String,
    /// Those used below the root.
    prefixes: BTreeSet<&'d str>,
    faults: Vec<Diagnostic>,
}

impl<'d> Writer<'d> {
    /// What stands in an element, in the order of its definition.
    fn children(&mut self, element: &Element, content: Option<&'d Content>, depth: usize) {
        let markup = self.markup;
        for part in content.into_iter().flat_map(|content| &content.parts) {
            let holds = markup.contents.get(&part.content).map(|content| &**content);
            if let Some(number) = part.element() {
                let is_said = element.values.iter().any(|value| value.element == number);
                if part.usage == Usage::Required && !is_said && holds.is_some_and(may_be_empty) {
                    self.empty(&part.prefix, &part.name, depth);
                }
                self.leaf(&part.prefix, &part.name, (element, number), holds, depth);
                continue;
            }
            let is_said = |inner: &&Element| inner.tag == part.name && !inner.is_silent();
            if part.usage == Usage::Required
                && holds.is_some_and(may_be_empty)
                && !element.inner.iter().any(|one| is_said(&one))
            {
                self.empty(&part.prefix, &part.name, depth);
            }
            for inner in element.inner.iter().filter(is_said) {
                match holds {
                    Some(holds) if !holds.is_leaf() => self.branch(&part.prefix, inner, holds, depth),
                    _ => self.leaf(&part.prefix, &part.name, (inner, ITSELF), holds, depth),
                }
            }
        }
    }

    /// An element that must stand though nothing is said in it.
    fn empty(&mut self, prefix: &'d str, name: &str, depth: usize) {
        let name = self.named(prefix, name);
        self.indent(depth);
        self.out.push_str(&format!("<{name}></{name}>\n"));
    }

    /// An element without elements in it.
    fn leaf(
        &mut self,
        prefix: &'d str,
        name: &str,
        (holder, number): (&Element, u16),
        content: Option<&Content>,
        depth: usize,
    ) {
        if !holder.values.iter().any(|value| value.element == number) {
            return;
        }
        let name = self.named(prefix, name);
        self.indent(depth);
        self.tag(&name, (holder, number), content);
        let form = content.and_then(|content| content.text).unwrap_or(Form::Text);
        let text = as_written(self.markup, form, holder.text(number, 1).unwrap_or_default());
        self.text(&text, false, &name);
        self.out.push_str(&format!("</{name}>\n"));
    }

    /// An element with elements in it.
    fn branch(&mut self, prefix: &'d str, element: &Element, content: &'d Content, depth: usize) {
        let name = self.named(prefix, &element.tag);
        self.indent(depth);
        self.tag(&name, (element, ITSELF), Some(content));
        self.text(element.text(ITSELF, 1).unwrap_or_default(), false, &name);
        let begun = self.out.len();
        self.children(element, Some(content), depth + 1);
        if self.out.len() > begun {
            self.out.insert(begun, '\n');
            self.indent(depth);
        }
        self.out.push_str(&format!("</{name}>\n"));
    }

    fn named(&mut self, prefix: &'d str, name: &str) -> String {
        if prefix.is_empty() {
            return name.to_owned();
        }
        self.prefixes.insert(prefix);
        format!("{prefix}:{name}")
    }

    fn indent(&mut self, depth: usize) {
        (0..depth).for_each(|_| self.out.push_str("  "));
    }

    /// The start of an element with its attributes.
    fn tag(&mut self, name: &str, (holder, number): (&Element, u16), content: Option<&Content>) {
        self.out.push('<');
        self.out.push_str(name);
        for (own, component) in content.into_iter().flat_map(|content| content.attributes.iter().zip(2..)) {
            if let Some(text) = own.only().or_else(|| holder.text(number, component)) {
                self.out.push_str(&format!(" {}=\"", own.name));
                self.text(&as_written(self.markup, own.form, text), true, name);
                self.out.push('"');
            }
        }
        self.out.push('>');
    }

    fn text(&mut self, text: &str, is_attribute: bool, name: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' if is_attribute => self.out.push_str("&quot;"),
                '\n' | '\t' if is_attribute => self.out.push_str(&format!("&#{};", u32::from(c))),
                '\r' | '\u{7F}'..='\u{9F}' => self.out.push_str(&format!("&#{};", u32::from(c))),
                c if !super::is_character(c) => {
                    let finding = Diagnostic::new(Syntax::Xml, Fault::NodeValue);
                    let mut finding =
                        finding.because("characters that XML may hold", format!("U+{:04X}", u32::from(c)));
                    finding.place = name.to_owned();
                    self.faults.push(finding);
                }
                c => self.out.push(c),
            }
        }
    }

    /// Puts declaration, document type and root around what was written.
    fn end(mut self, root: &Element) -> Result<Vec<u8>, Vec<Diagnostic>> {
        let body = std::mem::take(&mut self.out);
        let markup = self.markup;
        self.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        if !markup.doctype.is_empty() {
            self.out.push_str(&format!("<!DOCTYPE {}>\n", markup.doctype));
        }
        let own = markup.contents.namespaces.iter().find(|(_, namespace)| **namespace == markup.namespace);
        let name = own.map_or(markup.root.clone(), |(prefix, _)| format!("{prefix}:{}", markup.root));
        self.tag(&name, (root, ITSELF), markup.root().map(|content| &**content));
        self.out.pop();
        match own {
            Some((prefix, _)) => drop(self.prefixes.insert(prefix)),
            None if markup.namespace.is_empty() => {}
            None => self.out.push_str(&format!(" xmlns=\"{}\"", markup.namespace)),
        }
        for prefix in std::mem::take(&mut self.prefixes) {
            self.out.push_str(&format!(" xmlns:{prefix}=\"{}\"", markup.namespace_of(prefix)));
        }
        self.out.push_str(&format!(">\n{body}</{name}>\n"));
        if self.faults.is_empty() { Ok(self.out.into_bytes()) } else { Err(self.faults) }
    }
}
