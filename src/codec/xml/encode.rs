//! Writes a document as XML from its draft: elements in the order of the definition, namespaces declared at the root, two
//! blanks a level. What says nothing is left out.

use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::content::{Content, ITSELF, Markup};
use crate::standard::definition::{Document, Usage};
use crate::tree::{DraftSegment, DraftValue, InterchangeDraft};
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
    let mut segments = only.segments.iter().peekable();
    // The root says nothing itself where all that there is to say stands in its elements.
    let says = |root: &&DraftSegment| root.depth == 0 && root.tag == markup.root;
    let root = if segments.peek().is_some_and(says) { Element::of(&mut segments) } else { None };
    let mut root = root.unwrap_or_else(|| Element::new(&markup.root));
    while let Some(inner) = Element::of(&mut segments) {
        root.inner.push(inner);
    }
    for (fact, text) in facts(draft) {
        let paths = markup.envelope.get(fact).filter(|_| markup.writes.iter().any(|own| own == fact));
        let text = match paths.map(|paths| (&paths.value, &paths.otherwise)) {
            Some((Some(value), _)) if fact != "test" || draft.test => value,
            Some((_, Some(otherwise))) if fact == "test" => otherwise,
            _ => &text,
        };
        for path in paths.into_iter().flat_map(|paths| &paths.paths).filter(|_| !text.is_empty()) {
            root.set(markup, &markup.content, path, text);
        }
    }
    // What is the same in every document that we write, such as the name of the program.
    let known: Vec<&str> = facts(draft).iter().map(|(fact, _)| *fact).collect();
    let others = markup.writes.iter().filter(|fact| !known.contains(&fact.as_str()));
    for fact in others.filter_map(|fact| markup.envelope.get(fact)) {
        for path in fact.value.iter().flat_map(|_| &fact.paths) {
            root.set(markup, &markup.content, path, fact.value.as_deref().unwrap_or_default());
        }
    }
    let mut writer = Writer { markup, out: String::new(), prefixes: BTreeSet::new(), faults: Vec::new() };
    writer.children(&root, markup.root().map(|content| &**content), 1);
    writer.end(&root)
}

/// What the envelope says, by the names that definitions use.
fn facts(draft: &InterchangeDraft) -> [(&'static str, String); 7] {
    [
        ("sender_scheme", draft.sender[0].clone()),
        ("sender", draft.sender[1].clone()),
        ("receiver_scheme", draft.receiver[0].clone()),
        ("receiver", draft.receiver[1].clone()),
        ("number", draft.control_number.clone()),
        ("prepared", draft.prepared.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("test", if draft.test { "test".to_owned() } else { String::new() }),
    ]
}

/// An element to write that is a segment of the draft, with those inside it.
struct Element {
    tag: String,
    values: Vec<DraftValue>,
    inner: Vec<Element>,
}

impl Element {
    fn new(tag: &str) -> Self {
        Element { tag: tag.to_owned(), values: Vec::new(), inner: Vec::new() }
    }

    /// The next segment, and those that stand in it because they are deeper.
    fn of<'s>(segments: &mut std::iter::Peekable<impl Iterator<Item = &'s DraftSegment>>) -> Option<Self> {
        let own = segments.next()?;
        let mut made = Element { tag: own.tag.to_string(), values: own.values().to_vec(), inner: Vec::new() };
        while segments.peek().is_some_and(|next| next.depth > own.depth) {
            made.inner.extend(Element::of(segments));
        }
        Some(made)
    }

    /// Puts a text at a path where nothing stands yet, and makes the elements on the way.
    fn set(&mut self, markup: &Markup, key: &str, path: &str, text: &str) {
        let Some(content) = markup.contents.get(key) else { return };
        let (step, rest) = match path.split_once('/') {
            Some((step, rest)) => (step, rest),
            None if path.starts_with('@') => return self.put(ITSELF, content.component(&path[1..]), text),
            None => path.split_once('@').map_or((path, ""), |(step, _)| (step, &path[step.len()..])),
        };
        let Some((_, part)) = content.part(step) else { return };
        let holds = markup.contents.get(&part.content);
        match part.element() {
            Some(element) => {
                let component = rest.strip_prefix('@').map_or(Some(1), |name| holds?.component(name));
                self.put(element, component, text);
            }
            None => {
                let at = self.inner.iter().position(|inner| inner.tag == step).unwrap_or_else(|| {
                    self.inner.push(Element::new(step));
                    self.inner.len() - 1
                });
                if rest.is_empty() {
                    return self.inner[at].put(ITSELF, Some(1), text);
                }
                self.inner[at].set(markup, &part.content, rest, text);
            }
        }
    }

    fn put(&mut self, element: u16, component: Option<u16>, text: &str) {
        let Some(component) = component else { return };
        if self.text(element, component).is_none() {
            self.values.push(DraftValue { element, component, text: text.into() });
        }
    }

    fn text(&self, element: u16, component: u16) -> Option<&str> {
        let found = self.values.iter().find(|value| (value.element, value.component) == (element, component));
        found.map(|value| value.text.as_str())
    }

    /// Whether neither it nor anything in it says something.
    fn is_silent(&self) -> bool {
        self.values.is_empty() && self.inner.iter().all(Element::is_silent)
    }
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
        self.text(holder.text(number, 1).unwrap_or_default(), false, &name);
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
            if let Some(text) = holder.text(number, component) {
                self.out.push_str(&format!(" {}=\"", own.name));
                self.text(text, true, name);
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
