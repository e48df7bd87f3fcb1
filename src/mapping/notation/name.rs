//! Places by names, where the definition has names and no numbers: `InvoiceLine/Item/Name`,
//! `PartyTaxScheme[TaxScheme/ID=VAT]/CompanyID`, `InvoicedQuantity@unitCode`, `@payloadID`, `.` for the text of the item
//! itself. What a name stands for depends on where the rule is: the definition is followed along.

use super::place::{self, Place, Selector, Tag};
use super::{NotationError, wrong};
use crate::near;
use crate::standard::content::{Content, Contents, ITSELF};
use crate::standard::definition::Document;
use crate::standard::names::{self, NamedStep};
use std::sync::Arc;

/// What places are relative to: the document, or the item that the rules are for.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// What its elements hold, and the key of the content at hand; `None` where places are numbers.
    names: Option<(Arc<Contents>, String)>,
    /// The tag of its segment, where places must name it: the root's.
    tag: String,
    /// What is around it; the document is in nothing.
    outer: Option<Box<Here>>,
}

impl Here {
    /// Places in a document of this type.
    #[must_use]
    pub fn of(document: Option<&Document>) -> Self {
        let markup = document.and_then(|document| document.markup.as_deref());
        markup.map_or_else(Here::default, |markup| Here {
            names: Some((markup.contents.clone(), markup.content.clone())),
            tag: markup.root.clone(),
            outer: None,
        })
    }

    /// What is around the item at hand.
    #[must_use]
    pub(super) fn around(&self) -> Here {
        self.outer.as_deref().cloned().unwrap_or_default()
    }

    /// Reads the place of a value.
    ///
    /// # Errors
    /// What part is not understood.
    pub fn place(&self, text: &str) -> Result<Place, NotationError> {
        match &self.names {
            None => place::place(text),
            Some(_) => self.named(text).map(|(place, ..)| place),
        }
    }

    /// Reads the place of an item, and what places in it are relative to.
    ///
    /// # Errors
    /// What part is not understood.
    pub fn item(&self, text: &str) -> Result<(Place, Here), NotationError> {
        let Some((contents, _)) = &self.names else { return Ok((place::place(text)?, Here::default())) };
        let (mut found, content, parent) = self.named(text)?;
        if found.elements.0 > ITSELF {
            return Err(wrong(text, "an element that may repeat or has elements in it", text));
        }
        found.elements = (0, 0);
        found.components = (0, 0);
        // `.`: what the item says stands in what is at hand.
        if found.loops.is_empty() && found.selectors.is_empty() && *found.tag == *self.tag && !found.is_outer {
            found.tag = Tag::default();
            return Ok((found, self.clone()));
        }
        let around = if found.is_outer { self.outer.as_deref().unwrap_or(self) } else { self };
        // The element around the item, not the one that the path begins in.
        let around = parent.map_or_else(
            || around.clone(),
            |parent| Here {
                names: Some((contents.clone(), parent)),
                tag: String::new(),
                outer: Some(Box::new(around.clone())),
            },
        );
        let inner =
            Here { names: Some((contents.clone(), content)), tag: String::new(), outer: Some(Box::new(around)) };
        Ok((found, inner))
    }

    /// The place, the key of the content that it leads to, and of the one around that, where the path has several steps.
    fn named(&self, text: &str) -> Result<(Place, String, Option<String>), NotationError> {
        let (is_outer, path) = text.strip_prefix("^/").map_or((false, text), |path| (true, path));
        if path.starts_with('/') {
            return Err(wrong(text, "a path from the element at hand, or from the one around it with ^/", text));
        }
        let from = if is_outer { self.outer.as_deref().unwrap_or(self) } else { self };
        let Some((contents, start)) = &from.names else { return Err(wrong(text, "a place by numbers", text)) };
        let mut found = Place { is_outer, step: 1, tag: Tag::new(&from.tag), ..Place::default() };
        let mut content = held(contents, start, text)?;
        let mut steps: Vec<(Tag, Vec<Selector>)> = Vec::new();
        let (mut element, mut parent) = (None, None);
        let mut own_selectors = Vec::new();
        let mut attribute = None;
        for step in names::steps(path).map_err(|error| wrong(text, error.expected, error.found))? {
            let NamedStep { name, selectors, .. } = step;
            if element.is_some() || attribute.is_some() {
                return Err(wrong(text, "nothing behind an element without elements in it", name));
            }
            attribute = step.attribute;
            if name.is_empty() || name == "." {
                own_selectors.extend(selectors_of(contents, content, ITSELF, text, &selectors)?);
                continue;
            }
            let Some((_, part)) = content.part(name) else {
                let names: Vec<&str> = content.parts.iter().map(|part| part.name.as_str()).collect();
                return Err(wrong(text, &format!("an element of {}{}", content.key, near::hint(name, &names)), name));
            };
            let inner = held(contents, &part.content, text)?;
            match part.element() {
                Some(number) => {
                    let more = selectors_of(contents, inner, number, text, &selectors)?;
                    steps.last_mut().map_or(&mut own_selectors, |(_, own)| own).extend(more);
                    element = Some(number);
                }
                None => {
                    let own = selectors_of(contents, inner, ITSELF, text, &selectors)?;
                    if !steps.is_empty() {
                        parent = Some(content.key.clone());
                    }
                    steps.push((Tag::new(name), own));
                }
            }
            content = inner;
        }
        let component = match attribute {
            None => 1,
            Some(name) => content.component(name).ok_or_else(|| {
                let names: Vec<&str> = content.attributes.iter().map(|one| one.name.as_str()).collect();
                wrong(text, &format!("an attribute of {}{}", content.key, near::hint(name, &names)), name)
            })?,
        };
        let number = element.unwrap_or(ITSELF);
        if element.is_some() || attribute.is_some() || content.text.is_some() {
            (found.elements, found.components) = ((number, number), (component, component));
        }
        found.selectors = own_selectors;
        if let Some((tag, selectors)) = steps.pop() {
            (found.tag, found.selectors, found.loops) = (tag, selectors, steps);
        }
        Ok((found, content.key.clone(), parent))
    }
}

fn held<'c>(contents: &'c Contents, key: &str, text: &str) -> Result<&'c Content, NotationError> {
    contents.get(key).map(|content| &**content).ok_or_else(|| wrong(text, "contents of the definition", key))
}

/// Conditions on an element that is `number` in its segment and holds `content`.
fn selectors_of(
    contents: &Arc<Contents>,
    content: &Content,
    number: u16,
    whole: &str,
    selectors: &[&str],
) -> Result<Vec<Selector>, NotationError> {
    let one = |text: &&str| {
        let Some((at, values)) = text.split_once('=') else {
            let number = text.parse().map_err(|_| wrong(whole, "[occurrence] or [element=value]", text))?;
            return Ok(Selector::Occurrence(number));
        };
        let values: Vec<String> = values.split('|').map(|value| value.trim().to_owned()).collect();
        let names = Some((contents.clone(), content.key.clone()));
        let inside = Here { names, tag: String::new(), outer: None }.place(at.trim())?;
        let (element, component) = (inside.elements.0, inside.components.0);
        if !inside.loops.is_empty() || !inside.tag.is_empty() {
            return Ok(Selector::Inside(Box::new(inside), values));
        }
        // What stands in an element that is none of the segment's own is looked at where it is.
        Ok(Selector::Is(if element == ITSELF { number } else { element }, component, values))
    };
    selectors.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn here() -> Here {
        let mut contents = Contents::default();
        let file = json!({ "contents": {
            "Order": { "parts": ["ID R 1 Id", "Note O >1 Text", "Party O 1 Party", "Line R >1 Line"] },
            "Party": { "parts": ["Tax O >1 Tax", "Name O 1 Text"] },
            "Tax": { "parts": ["ID O 1 Id", "Scheme O 1 Scheme"] },
            "Scheme": { "parts": ["ID R 1 Id"] },
            "Line": { "attributes": ["number R text"], "parts": ["Quantity R 1 Quantity", "Note O >1 Text"] },
            "Quantity": { "text": "number", "attributes": ["unit O text"] },
            "Id": { "text": "text", "attributes": ["scheme O text"] },
            "Text": { "text": "text" },
        } });
        contents.add("test", &file).expect("contents");
        Here { names: Some((Arc::new(contents), "Order".to_owned())), tag: "Order".to_owned(), outer: None }
    }

    #[test]
    fn err_a_path_from_the_document() {
        assert!(here().place("//Party/Name").is_err_and(|error| error.expected.contains("^/")));
    }

    #[test]
    fn ok_names_become_numbers() {
        let place = |text: &str| here().place(text).expect("a place");
        let id = place("ID@scheme");
        assert_eq!((&*id.tag, id.elements, id.components), ("Order", (2, 2), (2, 2)));
        let note = place("Note");
        assert_eq!((&*note.tag, note.elements, note.loops.len()), ("Note", (1, 1), 0));
        let name = place("Party/Name");
        assert_eq!((&*name.tag, name.elements), ("Party", (2, 2)));
        let tax = place("Party/Tax[Scheme/ID=VAT]/ID[@scheme=X|]");
        assert_eq!((&*tax.tag, tax.loops.len(), tax.elements), ("Tax", 1, (2, 2)));
        assert!(
            matches!(&tax.selectors[0], Selector::Inside(inside, values) if &*inside.tag == "Scheme" && values == &["VAT"])
        );
        assert_eq!(tax.selectors[1], Selector::Is(2, 2, vec!["X".to_owned(), String::new()]));
        let (line, inner) = here().item("Line").expect("an item");
        assert_eq!((&*line.tag, line.elements), ("Line", (0, 0)));
        let number = inner.place("@number").expect("a place");
        assert_eq!((number.tag.is_empty(), number.elements, number.components), (true, (1, 1), (2, 2)));
        let outer = inner.place("^/ID").expect("a place");
        assert_eq!((outer.is_outer, &*outer.tag, outer.elements), (true, "Order", (2, 2)));
        assert_eq!(inner.place("Quantity@unit").expect("a place").components, (2, 2));
        // An item of the document itself: what it says is found as from the document.
        let (own, inner) = here().item(".").expect("an item");
        assert!(own.tag.is_empty() && own.loops.is_empty());
        assert_eq!(&*inner.place("ID").expect("a place").tag, "Order");
        // What is around an item at the end of a path is the last but one of its steps.
        let (_, inner) = here().item("Party/Tax").expect("an item");
        assert_eq!(inner.place("^/Name").expect("a place").elements, (2, 2));
    }

    #[test]
    fn err_names_that_are_not_there() {
        let error = |text: &str| here().place(text).expect_err("wrong").to_string();
        assert!(error("Parti/Name").contains("did you mean Party?"), "{}", error("Parti/Name"));
        assert!(error("ID@schema").contains("did you mean scheme?"), "{}", error("ID@schema"));
        assert!(error("ID/Name").contains("nothing behind an element"), "{}", error("ID/Name"));
        assert!(error("Party[Name").contains("a closing ]"));
        let error = here().item("ID").expect_err("wrong").to_string();
        assert!(error.contains("an element that may repeat"), "{error}");
    }
}
