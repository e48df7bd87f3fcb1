//! A draft as the elements that it is written as: each a segment, in those that it stands in. How they are written is the
//! format's.

use crate::standard::content::{ITSELF, Markup};
use crate::tree::{DraftSegment, DraftValue, InterchangeDraft};

/// What the envelope says, by the names that definitions use.
#[must_use]
pub fn facts(draft: &InterchangeDraft) -> [(&'static str, String); 8] {
    [
        ("sender_scheme", draft.sender[0].clone()),
        ("sender", draft.sender[1].clone()),
        ("receiver_scheme", draft.receiver[0].clone()),
        ("receiver", draft.receiver[1].clone()),
        ("secret", draft.style.agreed.password[0].clone()),
        ("number", draft.control_number.clone()),
        ("prepared", draft.prepared.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("test", if draft.test { "test".to_owned() } else { String::new() }),
    ]
}

/// An element to write that is a segment of the draft, with those inside it.
pub struct Element {
    /// Its tag.
    pub tag: String,
    /// What it says.
    pub values: Vec<DraftValue>,
    /// Those inside it.
    pub inner: Vec<Element>,
}

impl Element {
    /// One that says nothing.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        Element { tag: tag.to_owned(), values: Vec::new(), inner: Vec::new() }
    }

    /// The root of a document, with all that stands in it.
    #[must_use]
    pub fn root(name: &str, segments: &[DraftSegment]) -> Self {
        let mut segments = segments.iter().peekable();
        // The root says nothing itself where all that there is to say stands in its elements.
        let says = |root: &&DraftSegment| root.depth == 0 && root.tag == name;
        let root = if segments.peek().is_some_and(says) { Element::of(&mut segments) } else { None };
        let mut root = root.unwrap_or_else(|| Element::new(name));
        while let Some(inner) = Element::of(&mut segments) {
            root.inner.push(inner);
        }
        root
    }

    /// Writes what the envelope says, and what is the same in every document, where the definition wants it.
    pub fn tell(&mut self, markup: &Markup, draft: &InterchangeDraft) {
        for (fact, text) in facts(draft) {
            let paths = markup.envelope.get(fact).filter(|_| markup.writes.iter().any(|own| own == fact));
            let text = match paths.map(|paths| (&paths.value, &paths.otherwise)) {
                Some((Some(value), _)) if fact != "test" || draft.test => value,
                Some((_, Some(otherwise))) if fact == "test" => otherwise,
                _ => &text,
            };
            for path in paths.into_iter().flat_map(|paths| &paths.paths).filter(|_| !text.is_empty()) {
                self.set(markup, &markup.content, path, text);
            }
        }
        // What is the same in every document that we write, such as the name of the program.
        let known: Vec<&str> = facts(draft).iter().map(|(fact, _)| *fact).collect();
        let others = markup.writes.iter().filter(|fact| !known.contains(&fact.as_str()));
        for fact in others.filter_map(|fact| markup.envelope.get(fact)) {
            for path in fact.value.iter().flat_map(|_| &fact.paths) {
                self.set(markup, &markup.content, path, fact.value.as_deref().unwrap_or_default());
            }
        }
    }

    /// The next segment, and those that stand in it because they are deeper.
    pub fn of<'s>(segments: &mut std::iter::Peekable<impl Iterator<Item = &'s DraftSegment>>) -> Option<Self> {
        let own = segments.next()?;
        let mut made = Element { tag: own.tag.to_string(), values: own.values().to_vec(), inner: Vec::new() };
        while segments.peek().is_some_and(|next| next.depth > own.depth) {
            made.inner.extend(Element::of(segments));
        }
        Some(made)
    }

    /// Puts a text at a path where nothing stands yet, and makes the elements on the way.
    pub fn set(&mut self, markup: &Markup, key: &str, path: &str, text: &str) {
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

    /// A value of it.
    #[must_use]
    pub fn text(&self, element: u16, component: u16) -> Option<&str> {
        let found = self.values.iter().find(|value| (value.element, value.component) == (element, component));
        found.map(|value| value.text.as_str())
    }

    /// Whether neither it nor anything in it says something.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.values.is_empty() && self.inner.iter().all(Element::is_silent)
    }
}
