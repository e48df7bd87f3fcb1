//! A document being written: segments with text values, before separators, character set and envelope are chosen.
//! Mappings and acknowledgments make drafts; the codecs turn them into bytes.

use super::laid::{DraftTexts, Laid};
use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// One segment to write: its tag and the values that are not empty. No segment that is written here repeats an element.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DraftSegment {
    /// The tag.
    pub tag: CompactString,
    /// How many loops stand around it, that of which it is the first not counted. Only XML needs to know.
    pub depth: u16,
    /// By element and component.
    values: Values,
}

#[derive(Clone)]
enum Values {
    Own(Vec<DraftValue>),
    /// Texts in a form, as long as nothing is changed.
    Laid(Laid),
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
        DraftSegment { tag, depth: 0, values: Values::Own(Vec::new()) }
    }

    /// A segment of simple elements.
    #[must_use]
    pub fn simple<S: AsRef<str>>(tag: &str, elements: &[S]) -> Self {
        let mut made = DraftSegment::new(tag.into());
        (1..).zip(elements).for_each(|(element, text)| made.set(element, 1, text.as_ref()));
        made
    }

    /// A segment of an item whose texts stand in a form.
    #[must_use]
    pub fn laid(texts: Arc<DraftTexts>, number: usize) -> Self {
        let laid = Laid::new(texts, number);
        DraftSegment { tag: laid.segment().tag.clone(), depth: 0, values: Values::Laid(laid) }
    }

    /// The texts and the form that it is made of, if it is.
    #[must_use]
    pub fn as_laid(&self) -> Option<&Laid> {
        if let Values::Laid(laid) = &self.values { Some(laid) } else { None }
    }

    /// Sets a component (element and component from 1); an empty one is taken away.
    pub fn set(&mut self, element: u16, component: u16, text: impl Into<CompactString>) {
        let text = text.into();
        let key = |value: &DraftValue| (value.element, value.component);
        // Most values come in their order.
        let values = self.values.own();
        let at = values.iter().rposition(|value| key(value) <= (element, component));
        match at {
            Some(at) if key(&values[at]) == (element, component) => {
                if text.is_empty() {
                    values.remove(at);
                } else {
                    values[at].text = text;
                }
            }
            _ if text.is_empty() => {}
            at => values.insert(at.map_or(0, |at| at + 1), DraftValue { element, component, text }),
        }
    }

    /// A component's value (element and component from 1), empty when absent.
    #[must_use]
    pub fn get(&self, element: u16, component: u16) -> &str {
        match &self.values {
            Values::Laid(laid) => laid.get(element, component),
            Values::Own(values) => {
                let found = values.iter().find(|value| (value.element, value.component) == (element, component));
                found.map_or("", |value| &value.text)
            }
        }
    }

    /// The values there are, by element and component.
    #[must_use]
    pub fn values(&self) -> &[DraftValue] {
        self.values.all()
    }
}

impl Values {
    fn all(&self) -> &[DraftValue] {
        match self {
            Values::Own(values) => values,
            Values::Laid(laid) => laid.values(),
        }
    }

    /// The values, to change them.
    fn own(&mut self) -> &mut Vec<DraftValue> {
        if let Values::Laid(laid) = self {
            *self = Values::Own(laid.values().to_vec());
        }
        match self {
            Values::Own(values) => values,
            Values::Laid(_) => unreachable!("it was just made values of its own"),
        }
    }
}

impl Default for Values {
    fn default() -> Self {
        Values::Own(Vec::new())
    }
}

/// Its values, however they are kept.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all().fmt(f)
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.all() == other.all()
    }
}

impl Eq for Values {}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Values::Own)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DraftForm, DraftPlace, PlaceText};
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

    #[test]
    fn ok_a_laid_segment_is_as_one_of_its_own_values() {
        let place = |element, component, text| DraftPlace { element, component, text };
        let said = |text: &str| PlaceText::Said(text.into());
        let segments = vec![
            ("LIN".into(), vec![place(1, 1, PlaceText::Own(2))]),
            (
                "QTY".into(),
                vec![place(1, 1, said("21")), place(1, 2, PlaceText::Own(0)), place(2, 1, PlaceText::Own(1))],
            ),
            ("UNS".into(), vec![place(1, 1, said("S"))]),
        ];
        let texts = Arc::new(DraftTexts::of(&Arc::new(DraftForm::new(segments)), "12.5é7", &[4, 6, 7]));
        let laid = [0, 1, 2].map(|number| DraftSegment::laid(texts.clone(), number));
        let mut quantity = DraftSegment::simple("QTY", &["21", "é"]);
        quantity.set(1, 2, "12.5");
        let own = [DraftSegment::simple("LIN", &["7"]), quantity, DraftSegment::simple("UNS", &["S"])];
        let json = |segments: &[DraftSegment]| serde_json::to_string(segments).expect("JSON");
        let got = |one: &DraftSegment| [(1, 1), (1, 2), (2, 1), (3, 1)].map(|(at, of)| one.get(at, of).to_owned());
        assert_eq!(laid.each_ref().map(got), own.each_ref().map(got));
        assert_eq!(json(&laid), json(&own));
        assert_eq!(serde_json::from_str::<Vec<DraftSegment>>(&json(&laid)).expect("segments"), own);
        assert_eq!(format!("{laid:?}"), format!("{own:?}"));
        // Once changed, it has values of its own.
        let [_, mut changed, _] = laid;
        let [_, mut expected, _] = own;
        for one in [&mut changed, &mut expected] {
            one.set(1, 1, "");
            one.set(3, 1, "x");
        }
        assert!(changed.as_laid().is_none());
        assert_eq!(changed, expected);
    }
}
