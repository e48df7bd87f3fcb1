//! What an XML document says at a few places, read without its definition: in cXML who speaks and what is asked for, and in
//! answers what becomes of which document. It holds nothing against the standard, and resolves nothing but what XML itself
//! defines; envelopes of documents are looked at by their definitions, in `envelope`.

use super::envelope::{add, namespace_of};
use quick_xml::NsReader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;

/// Elements that are kept at once, at most; the walk ends there.
pub const ELEMENTS_MAX: usize = 10_000;
/// Attributes of an element that is kept, at most; the walk ends there.
const ATTRIBUTES_MAX: usize = 100;

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
    /// The walk ended before the document did, for more was wanted than is kept: what follows is not known.
    pub is_cut: bool,
    /// The walk ended before the document did, for it is not well-formed there or breaks off: what follows is not known.
    pub is_broken: bool,
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

impl Outline {
    /// Keeps an element that begins; false where that would be too much.
    fn keep(&mut self, start: &BytesStart<'_>, path: &str, parent: Option<usize>) -> bool {
        let said = |one: Attribute<'_>| {
            let value = one.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(Cow::into_owned);
            Some((one.key.local_name().as_ref().to_owned(), value?))
        };
        // Whether one stands twice is told when the document is read; asking here would compare each with all.
        let mut all = start.attributes();
        let attributes = all.with_checks(false).flatten().take(ATTRIBUTES_MAX + 1);
        let attributes: Vec<_> = attributes.filter_map(said).collect();
        if self.elements.len() == ELEMENTS_MAX || attributes.len() > ATTRIBUTES_MAX {
            return false;
        }
        self.elements.push(Element { path: path.to_owned(), parent, attributes, text: String::new() });
        true
    }

    /// Takes an element out, with what stands in it: all from it on.
    fn part(&mut self, number: usize) -> Outline {
        let mut elements = self.elements.split_off(number);
        for element in &mut elements {
            element.parent = element.parent.and_then(|parent| parent.checked_sub(number));
        }
        Outline { root: self.root.clone(), elements, is_cut: false, is_broken: false }
    }
}

/// An element that is open: how long the path around it is, and its number where it is kept.
struct Open {
    outer: usize,
    kept: Option<usize>,
}

/// Walks through a document and keeps the elements at the paths that are wanted, up to where it stops being well-formed. What
/// stands in an element that is not wanted is not looked at; the root need not be.
#[must_use]
pub fn outline(text: &str, is_wanted: impl Fn(&str) -> bool) -> Outline {
    in_parts(text, is_wanted, |_| false, |_| {})
}

/// The same for what may hold more than is kept at once: each element at a path that `is_part` says is handed to `take` when
/// it ends, with what was kept in it, and is then forgotten. It is the first of its elements.
pub fn in_parts(
    text: &str,
    is_wanted: impl Fn(&str) -> bool,
    is_part: impl Fn(&str) -> bool,
    mut take: impl FnMut(Outline),
) -> Outline {
    let mut found = Outline::default();
    let (mut open, mut path) = (Vec::<Open>::new(), String::new());
    // How many elements are open that nobody wants.
    let mut aside = 0;
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let event = reader.read_event().unwrap_or(Event::Eof);
        match event {
            Event::Start(_) if aside > 0 => aside += 1,
            Event::Start(start) => {
                let (outer, name) = (path.len(), start.local_name());
                let is_short = name.as_ref().len() <= super::NAME_BYTES_MAX;
                if open.is_empty() {
                    found.root = [namespace_of(&reader, &start), name.as_ref().to_owned()];
                } else if is_short {
                    path.push_str(if outer == 0 { "" } else { "/" });
                    path.push_str(name.as_ref());
                }
                let is_wanted = is_short && is_wanted(&path);
                if !is_wanted && !open.is_empty() {
                    path.truncate(outer);
                    aside = 1;
                    continue;
                }
                let parent = open.last().and_then(|one| one.kept);
                let is_too_deep = open.len() == super::DEPTH_MAX;
                if is_too_deep || is_wanted && !found.keep(&start, &path, parent) {
                    found.is_cut = true;
                    break;
                }
                open.push(Open { outer, kept: is_wanted.then(|| found.elements.len() - 1) });
            }
            Event::End(_) if aside > 0 => aside -= 1,
            Event::End(_) => {
                let Some(Open { outer, kept }) = open.pop() else { continue };
                if let Some(element) = kept.and_then(|number| found.elements.get_mut(number)) {
                    element.text = element.text.trim().to_owned();
                }
                if let Some(number) = kept.filter(|_| is_part(&path)) {
                    take(found.part(number));
                }
                path.truncate(outer);
                if open.is_empty() {
                    break;
                }
            }
            // The root's end was no end of the walk yet.
            Event::Eof => {
                found.is_broken = true;
                break;
            }
            event if aside == 0 => {
                let holder = open.last().and_then(|one| one.kept);
                if let Some(element) = holder.and_then(|number| found.elements.get_mut(number)) {
                    add(&mut element.text, &event);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_kept_with_its_place() {
        let text =
            "<a:r xmlns:a='urn:r'><a:b n='1 &amp; 2'>x<!-- -->&lt;y<a:c>no</a:c></a:b><a:b/><d><b>no</b></d></a:r>";
        let found = outline(text, |path| path == "b");
        assert_eq!(found.root, ["urn:r", "r"]);
        let [first, second] = &found.elements[..] else { panic!("{found:?}") };
        assert_eq!((first.text.as_str(), first.attribute("n"), first.parent), ("x<y", "1 & 2", None));
        assert!(second.text.is_empty() && !found.is_cut && !found.is_broken);
    }

    #[test]
    fn what_is_not_well_formed_ends_the_walk() {
        let found = outline("<r><a>1</a><b>2</c><a>3</a></r>", |_| true);
        assert_eq!(found.at("a").map(|one| one.text.as_str()), Some("1"));
        assert_eq!(found.elements.iter().filter(|one| one.path == "a").count(), 1);
        for (text, is_broken) in [
            ("<r><a>1</a><b>2</c><a>3</a></r>", true),
            ("<r><a>1</a>", true),
            ("<r", true),
            ("", true),
            ("<r></a></r>", true),
            ("<r><a/></r>", false),
            ("<r/>", false),
        ] {
            assert_eq!(outline(text, |path| path == "a").is_broken, is_broken, "{text}");
        }
    }

    #[test]
    fn err_more_than_is_kept_is_told() {
        let deep = |levels: usize| outline(&"<a>".repeat(levels), |_| true);
        assert_eq!((deep(super::super::DEPTH_MAX).elements.len(), deep(super::super::DEPTH_MAX).is_cut), (200, false));
        assert!(deep(super::super::DEPTH_MAX + 1).is_cut);
        let wide = |count: usize| outline(&format!("<r>{}</r>", "<a/>".repeat(count)), |path| path == "a");
        assert_eq!((wide(ELEMENTS_MAX).elements.len(), wide(ELEMENTS_MAX).is_cut), (ELEMENTS_MAX, false));
        assert_eq!((wide(ELEMENTS_MAX + 1).elements.len(), wide(ELEMENTS_MAX + 1).is_cut), (ELEMENTS_MAX, true));
        let attributes = |count: usize| {
            let all: String = (0..count).map(|number| format!(" a{number}=''")).collect();
            outline(&format!("<r{all}><b/></r>"), |_| true)
        };
        assert_eq!((attributes(ATTRIBUTES_MAX).elements.len(), attributes(ATTRIBUTES_MAX).is_cut), (2, false));
        assert!(attributes(ATTRIBUTES_MAX + 1).is_cut);
        // What nobody wants may be as large as it likes.
        let aside = format!("<r><x{}>{}</x><a/></r>", " y=''".repeat(500), "<y><a/></y>".repeat(ELEMENTS_MAX));
        let found = outline(&aside, |path| path == "a");
        assert_eq!((found.elements.len(), found.is_cut), (1, false));
    }

    #[test]
    fn parts_are_handed_on_as_they_end() {
        let text = format!("<r><h>1</h>{}<h>2</h></r>", "<p><q>x</q></p>".repeat(2 * ELEMENTS_MAX));
        let mut parts = 0;
        let left = in_parts(
            &text,
            |_| true,
            |path| path == "p",
            |part| {
                assert_eq!((part.elements[0].path.as_str(), part.text(0, "q"), part.elements.len()), ("p", "x", 2));
                parts += 1;
            },
        );
        assert_eq!((parts, left.is_cut), (2 * ELEMENTS_MAX, false));
        let all: Vec<_> = left.elements.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(all, ["", "1", "2"]);
    }

    #[test]
    fn a_wide_document_is_walked_through_once() {
        let begin = std::time::Instant::now();
        for text in [
            format!("<r{}>", " a=''".repeat(300_000)),
            format!("<r><Header>{}", format!("<{}/>", "x".repeat(250)).repeat(20_000)),
            "<a>".repeat(500_000),
        ] {
            let _ = outline(&text, |path| path.is_empty() || path == "Header");
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(20));
    }
}
