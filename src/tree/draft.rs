//! A document being written: segments with text values, before separators, character set and envelope are chosen.
//! Mappings and acknowledgments make drafts; the codecs turn them into bytes.

/// One segment to write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DraftSegment {
    /// The tag.
    pub tag: String,
    /// Its elements; trailing empty ones are cut on writing.
    pub elements: Vec<DraftElement>,
}

/// One element: its repetitions, each a list of components. A simple value is one repetition of one component.
pub type DraftElement = Vec<Vec<String>>;

impl DraftSegment {
    /// A segment of simple elements.
    #[must_use]
    pub fn simple<S: AsRef<str>>(tag: &str, elements: &[S]) -> Self {
        let elements = elements.iter().map(|value| vec![vec![value.as_ref().to_owned()]]).collect();
        DraftSegment { tag: tag.to_owned(), elements }
    }

    /// Sets a component of the first repetition (element and component from 1), growing what is needed.
    pub fn set(&mut self, element: usize, component: usize, value: impl Into<String>) {
        if self.elements.len() < element {
            self.elements.resize_with(element, Vec::new);
        }
        let repetitions = &mut self.elements[element - 1];
        if repetitions.is_empty() {
            repetitions.push(Vec::new());
        }
        let components = &mut repetitions[0];
        if components.len() < component {
            components.resize_with(component, String::new);
        }
        components[component - 1] = value.into();
    }

    /// A component's value (element and component from 1), empty when absent.
    #[must_use]
    pub fn get(&self, element: usize, component: usize) -> &str {
        self.elements
            .get(element.wrapping_sub(1))
            .and_then(|repetitions| repetitions.first())
            .and_then(|components| components.get(component.wrapping_sub(1)))
            .map_or("", String::as_str)
    }
}
