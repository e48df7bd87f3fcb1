//! A document being written: segments with text values, before separators, character set and envelope are chosen.
//! Mappings and acknowledgments make drafts; the codecs turn them into bytes.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// One segment to write: its tag and the values that are not empty. No segment that is written here repeats an element.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DraftSegment {
    /// The tag.
    pub tag: CompactString,
    /// How many loops stand around it, that of which it is the first not counted. Only XML needs to know.
    pub depth: u16,
    /// By element and component.
    values: Vec<DraftValue>,
}

/// A value, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftValue {
    /// Element, from 1.
    pub element: u16,
    /// Component, from 1; a simple element is component 1.
    pub component: u16,
    /// The value.
    pub text: CompactString,
}

impl DraftSegment {
    /// A segment that says nothing yet.
    #[must_use]
    pub const fn new(tag: CompactString) -> Self {
        DraftSegment { tag, depth: 0, values: Vec::new() }
    }

    /// A segment of simple elements.
    #[must_use]
    pub fn simple<S: AsRef<str>>(tag: &str, elements: &[S]) -> Self {
        let mut made = DraftSegment::new(tag.into());
        (1..).zip(elements).for_each(|(element, text)| made.set(element, 1, text.as_ref()));
        made
    }

    /// A segment of values, none of them empty, by element and component.
    #[must_use]
    pub fn of(tag: CompactString, values: Vec<DraftValue>) -> Self {
        let key = |value: &DraftValue| (value.element, value.component);
        debug_assert!(values.is_sorted_by_key(key) && values.iter().all(|value| !value.text.is_empty()));
        DraftSegment { tag, depth: 0, values }
    }

    /// Sets a component (element and component from 1); an empty one is taken away.
    pub fn set(&mut self, element: u16, component: u16, text: impl Into<CompactString>) {
        let text = text.into();
        let key = |value: &DraftValue| (value.element, value.component);
        // Most values come in their order.
        let at = self.values.iter().rposition(|value| key(value) <= (element, component));
        match at {
            Some(at) if key(&self.values[at]) == (element, component) => {
                if text.is_empty() {
                    self.values.remove(at);
                } else {
                    self.values[at].text = text;
                }
            }
            _ if text.is_empty() => {}
            at => self.values.insert(at.map_or(0, |at| at + 1), DraftValue { element, component, text }),
        }
    }

    /// A component's value (element and component from 1), empty when absent.
    #[must_use]
    pub fn get(&self, element: u16, component: u16) -> &str {
        let found = self.values.iter().find(|value| (value.element, value.component) == (element, component));
        found.map_or("", |value| &value.text)
    }

    /// The values there are, by element and component.
    #[must_use]
    pub fn values(&self) -> &[DraftValue] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_values_stand_in_order_however_they_come() {
        let mut draft = DraftSegment::new("DTM".into());
        for (element, component, text) in [(2, 1, "b"), (1, 2, "20260131"), (1, 1, "137"), (3, 1, ""), (2, 1, "c")] {
            draft.set(element, component, text);
        }
        let all: Vec<_> = draft.values().iter().map(|value| (value.element, value.component, &*value.text)).collect();
        assert_eq!(all, [(1, 1, "137"), (1, 2, "20260131"), (2, 1, "c")]);
        assert_eq!((draft.get(1, 2), draft.get(1, 3)), ("20260131", ""));
        draft.set(1, 1, "");
        assert_eq!(draft.get(1, 1), "");
    }
}
