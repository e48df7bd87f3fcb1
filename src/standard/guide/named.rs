//! Places of guides by names, where the definition has names and no numbers: `InvoiceLine/Item/Name`,
//! `PartyTaxScheme[TaxScheme/ID=VAT]/CompanyID`, `InvoicedQuantity@unitCode`, `@payloadID`. Mappings write them alike.

use super::{GuidePlace, Selector, Step};
use crate::near;
use crate::standard::content::{Content, Contents, ITSELF, Markup};
use crate::standard::names::{self, NamedStep};

/// What names are relative to: the root, or an element that a condition is asked in.
#[derive(Clone, Copy)]
pub(super) struct Names<'d> {
    contents: &'d Contents,
    content: &'d Content,
    /// The segment that the element at hand is; empty inside brackets.
    tag: &'d str,
}

impl<'d> Names<'d> {
    /// Relative to the root.
    pub(super) fn of(markup: &'d Markup) -> Option<Self> {
        Some(Names { contents: &markup.contents, content: markup.root()?, tag: &markup.root })
    }

    /// Relative to an element below the one at hand, which may repeat or has elements in it.
    pub(super) fn inside(&self, path: &[String]) -> Result<Self, String> {
        let mut inner = *self;
        for name in path {
            let (part, content) = inner.part(name)?;
            if part.element().is_some() || content.is_leaf() {
                return Err(format!("each: expected an element with elements in it, found {name}"));
            }
            (inner.content, inner.tag) = (content, &part.name);
        }
        Ok(inner)
    }

    /// Reads a place.
    pub(super) fn place(&self, text: &str) -> Result<GuidePlace, String> {
        let mut found =
            GuidePlace { segment: Step { tag: self.tag.to_owned(), selectors: Vec::new() }, ..GuidePlace::default() };
        let (mut at, mut steps, mut attribute) = (*self, Vec::new(), None);
        let path = names::steps(text.trim());
        for step in path.map_err(|no| format!("expected {}, found {} in {text}", no.expected, no.found))? {
            let NamedStep { name, selectors, .. } = step;
            if found.element != 0 || attribute.is_some() {
                return Err(format!(
                    "expected nothing behind an element without elements in it, found {name} in {text}"
                ));
            }
            attribute = step.attribute;
            let last: &mut Step = if name.is_empty() || name == "." {
                steps.last_mut().unwrap_or(&mut found.segment)
            } else {
                let (part, content) = at.part(name)?;
                (at.content, at.tag) = (content, "");
                match part.element() {
                    Some(element) => {
                        found.element = element;
                        steps.last_mut().unwrap_or(&mut found.segment)
                    }
                    None => {
                        steps.push(Step { tag: name.to_owned(), selectors: Vec::new() });
                        steps.last_mut().unwrap_or(&mut found.segment)
                    }
                }
            };
            let itself = found.element.max(ITSELF);
            for one in selectors {
                last.selectors.push(at.selector(one, itself)?);
            }
        }
        if let Some(segment) = steps.pop() {
            (found.segment, found.loops) = (segment, steps);
        }
        if let Some(name) = attribute {
            let names: Vec<&str> = at.content.attributes.iter().map(|one| one.name.as_str()).collect();
            let unknown =
                || format!("expected an attribute of {}{}, found {name}", at.content.key, near::hint(name, &names));
            found.component = at.content.component(name).ok_or_else(unknown)?;
            found.element = found.element.max(ITSELF);
        } else if found.element != 0 {
            found.component = 1;
        }
        Ok(found)
    }

    /// `TaxScheme/ID=VAT|GST`, `@schemeID=0088`; `itself` is the element that stands for the one at hand.
    fn selector(&self, text: &str, itself: u16) -> Result<Selector, String> {
        let (at, values) = text.split_once('=').ok_or_else(|| format!("expected [ELEMENT=VALUE], found [{text}]"))?;
        let mut place = Names { tag: "", ..*self }.place(at)?;
        if place.segment.tag.is_empty() {
            let (element, component) = place.value();
            place.component = component;
            place.element = if element == ITSELF { itself } else { element };
        }
        Ok(Selector { place, values: values.split('|').map(|value| value.trim().to_owned()).collect() })
    }

    fn part(&self, name: &str) -> Result<(&'d crate::standard::content::Part, &'d Content), String> {
        let found = self.content.part(name).and_then(|(_, part)| Some((part, &**self.contents.get(&part.content)?)));
        found.ok_or_else(|| {
            let names: Vec<&str> = self.content.parts.iter().map(|part| part.name.as_str()).collect();
            format!("expected an element of {}{}, found {name}", self.content.key, near::hint(name, &names))
        })
    }
}
