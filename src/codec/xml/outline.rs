//! What an XML document says at a few places, read without its definition: for envelopes that are looked at before anything
//! else, and for acknowledgments. It holds nothing against the standard and resolves nothing but what XML itself defines.

use super::envelope::{add, namespace_of};
use quick_xml::NsReader;
use quick_xml::events::Event;
use std::borrow::Cow;
use std::ops::Range;

/// Elements that are kept, at most; the walk ends there.
pub const ELEMENTS_MAX: usize = 10_000;

/// An element at a place that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its names from the root's children down: `Header/From/Credential`; empty for the root.
    pub path: String,
    /// The element it stands in, where that is kept.
    pub parent: Option<usize>,
    /// Its attributes by local name.
    pub attributes: Vec<(String, String)>,
    /// All text directly in it, without the blanks around.
    pub text: String,
    /// Where what it holds begins and ends in the text.
    pub content: Range<usize>,
}

impl Element {
    /// The value of an attribute; empty when there is none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// The elements that were asked for, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Namespace and local name of the root.
    pub root: [String; 2],
    /// What was kept.
    pub elements: Vec<Element>,
}

impl Outline {
    /// The first element at a path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Element> {
        self.elements.iter().find(|one| one.path == path)
    }

    /// The elements with this name in the element of this number.
    pub fn within<'o>(&'o self, parent: usize, name: &'o str) -> impl Iterator<Item = (usize, &'o Element)> {
        let is_it = move |one: &Element| one.parent == Some(parent) && one.path.rsplit('/').next() == Some(name);
        self.elements.iter().enumerate().filter(move |(_, one)| is_it(one))
    }

    /// The text of the first element of this name there; empty when there is none.
    #[must_use]
    pub fn text<'o>(&'o self, parent: usize, name: &'o str) -> &'o str {
        self.within(parent, name).next().map_or("", |(_, one)| &one.text)
    }
}

/// An element that is open: how long the path around it is, and its number where it is kept.
struct Open {
    outer: usize,
    kept: Option<usize>,
}

/// Walks through a document and keeps the elements at the paths that are wanted, up to where it stops being well-formed.
#[must_use]
pub fn outline(text: &str, is_wanted: impl Fn(&str) -> bool) -> Outline {
    let mut found = Outline::default();
    let (mut open, mut path) = (Vec::<Open>::new(), String::new());
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let before = position(&reader);
        let Ok(event) = reader.read_event() else { break };
        match event {
            Event::Start(start) => {
                let name = start.local_name();
                let is_too_much = open.len() == super::DEPTH_MAX || found.elements.len() == ELEMENTS_MAX;
                if is_too_much || name.as_ref().len() > super::NAME_BYTES_MAX {
                    break;
                }
                let outer = path.len();
                if open.is_empty() {
                    found.root = [namespace_of(&reader, &start), name.as_ref().to_owned()];
                } else {
                    path.push_str(if outer == 0 { "" } else { "/" });
                    path.push_str(name.as_ref());
                }
                let kept = is_wanted(&path).then_some(found.elements.len());
                if kept.is_some() {
                    let begin = position(&reader);
                    let parent = open.last().and_then(|one| one.kept);
                    let attributes = start.attributes().flatten().filter_map(|one| {
                        let value = one.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(Cow::into_owned);
                        Some((one.key.local_name().as_ref().to_owned(), value?))
                    });
                    let attributes = attributes.collect();
                    let content = begin..begin;
                    found.elements.push(Element {
                        path: path.clone(),
                        parent,
                        attributes,
                        content,
                        text: String::new(),
                    });
                }
                open.push(Open { outer, kept });
            }
            Event::End(_) => {
                let Some(Open { outer, kept }) = open.pop() else { break };
                if let Some(element) = kept.and_then(|number| found.elements.get_mut(number)) {
                    element.content.end = before.max(element.content.start);
                    element.text = element.text.trim().to_owned();
                }
                path.truncate(outer);
                if open.is_empty() {
                    break;
                }
            }
            Event::Eof => break,
            event => {
                let holder = open.last().and_then(|one| one.kept);
                if let Some(element) = holder.and_then(|number| found.elements.get_mut(number)) {
                    add(&mut element.text, &event);
                }
            }
        }
    }
    // What is not closed reaches to the end.
    for number in open.iter().filter_map(|one| one.kept) {
        found.elements[number].content.end = text.len();
    }
    found
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_kept_with_its_place() {
        let text = "<a:r xmlns:a='urn:r'><a:b n='1 &amp; 2'>x<!-- -->&lt;y<a:c>no</a:c></a:b><a:b/></a:r>";
        let found = outline(text, |path| path == "b");
        assert_eq!(found.root, ["urn:r", "r"]);
        let [first, second] = &found.elements[..] else { panic!("{found:?}") };
        assert_eq!((first.text.as_str(), first.attribute("n"), first.parent), ("x<y", "1 & 2", None));
        assert_eq!(&text[first.content.clone()], "x<!-- -->&lt;y<a:c>no</a:c>");
        assert!(second.text.is_empty() && second.content.is_empty());
    }

    #[test]
    fn what_is_not_well_formed_ends_the_walk() {
        let found = outline("<r><a>1</a><b>2</c><a>3</a></r>", |_| true);
        assert_eq!(found.at("a").map(|one| one.text.as_str()), Some("1"));
        assert_eq!(found.elements.iter().filter(|one| one.path == "a").count(), 1);
        let cut = outline("<r><a>secret</b></r>", |path| path == "a");
        assert_eq!(cut.elements[0].content, 6..20, "nothing of it is outside");
        assert_eq!(
            outline(&"<a>".repeat(super::super::DEPTH_MAX + 9), |_| true).elements.len(),
            super::super::DEPTH_MAX
        );
    }
}
