//! The shapes of a definition: the tree of a document type, its segments, composites, elements and code lists.
//!
//! They are what a file under `standards/` says, no more; `load` reads them, `place` and `validate` use them.

use super::content::{Contents, Markup};
use super::entries::Entries;
use super::layout::Layout;
use super::order::Order;
use super::rules::{Rules, Tables};
use crate::diagnostic::Syntax;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Whether something must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// Must be there (X12 and EDIFACT M).
    Required,
    /// May be there (X12 O, EDIFACT C).
    Optional,
    /// Tied to others by a condition (X12 X).
    Conditional,
    /// Must not be there (guides).
    Unused,
}

impl Usage {
    /// The word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Usage::Required => "required",
            Usage::Optional => "optional",
            Usage::Conditional => "conditional",
            Usage::Unused => "unused",
        }
    }
}

/// Part of the document that a node stands in; EDIFACT's border is the line trigger and UNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Area {
    /// Before the lines.
    #[default]
    Heading,
    /// The lines.
    Detail,
    /// After the lines.
    Summary,
}

impl Area {
    /// In the order of the document.
    pub const ALL: [Area; 3] = [Area::Heading, Area::Detail, Area::Summary];

    /// The key in definition files and the word in paths.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Area::Heading => "heading",
            Area::Detail => "detail",
            Area::Summary => "summary",
        }
    }
}

/// One place in the document's order: a segment, or a loop begun by its trigger segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Tag of the segment; for a loop, of its trigger.
    pub tag: String,
    /// Usage of the segment, or of the loop as a whole.
    pub usage: Usage,
    /// How often; `None` is no limit.
    pub max: Option<u32>,
    /// Part of the document.
    pub area: Area,
    /// The position number of the standard's table, where it gives one (`0080`).
    pub position: String,
    /// For a loop its own facts, for a segment `None`.
    pub body: Option<LoopBody>,
}

/// What makes a node a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopBody {
    /// Trigger path from the document's top, such as `LIN/PRI`, `LS~2/LX`; unique within the area.
    pub path: String,
    /// The standard's own number or name (`SG25`), for people.
    pub label: String,
    /// What stands inside; the first node is the trigger segment, required, once.
    pub nodes: Nodes,
}

/// Levels of elements that are listed where a document type is printed; there are thousands below them, and some hold
/// themselves.
pub const WALK_LEVELS: usize = 3;

/// The nodes inside a loop: listed, or made when first asked for, where the definition says only what elements hold, which
/// may go on for ever.
#[derive(Clone)]
pub struct Nodes {
    made: OnceLock<Vec<Node>>,
    /// What they are made of: contents, and tag, content and path of the loop.
    of: Option<(Arc<Contents>, [String; 3])>,
}

impl Nodes {
    /// Those of an element that holds this content.
    #[must_use]
    pub fn derived(contents: &Arc<Contents>, tag: &str, content: &str, path: &str) -> Self {
        let of = [tag, content, path].map(str::to_owned);
        Nodes { made: OnceLock::new(), of: Some((contents.clone(), of)) }
    }

    /// For those who walk through all nodes of a document: of what contents hold, [`WALK_LEVELS`] levels are told.
    #[must_use]
    pub fn walked(&self) -> &[Node] {
        let is_deep = |(_, [_, _, path]): &(Arc<Contents>, [String; 3])| path.split('/').count() >= WALK_LEVELS;
        if self.of.as_ref().is_some_and(is_deep) { &[] } else { self }
    }

    /// For those who change them.
    pub fn changeable(&mut self) -> &mut [Node] {
        let _ = self.len();
        self.made.get_mut().map(Vec::as_mut_slice).unwrap_or_default()
    }
}

impl From<Vec<Node>> for Nodes {
    fn from(nodes: Vec<Node>) -> Self {
        Nodes { made: OnceLock::from(nodes), of: None }
    }
}

impl std::ops::Deref for Nodes {
    type Target = [Node];

    fn deref(&self) -> &[Node] {
        let make = |(contents, [tag, content, path]): &(Arc<Contents>, [String; 3])| contents.nodes(tag, content, path);
        self.made.get_or_init(|| self.of.as_ref().map(make).unwrap_or_default())
    }
}

impl<'n> IntoIterator for &'n Nodes {
    type Item = &'n Node;
    type IntoIter = std::slice::Iter<'n, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        match (&self.of, &other.of) {
            (Some(own), Some(other)) => own.1 == other.1 && Arc::ptr_eq(&own.0, &other.0),
            _ => **self == **other,
        }
    }
}

impl Eq for Nodes {}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.of {
            Some((_, of)) => write!(f, "nodes of {}", of[1]),
            None => f.debug_list().entries(self.iter()).finish(),
        }
    }
}

/// In the place of a standard: codes are those of our own entities, as they are.
pub const ENTITY_CODES: &str = "entity";

/// A document type of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `x12` or `edifact`.
    pub standard: String,
    /// Folder name of the version: `004010`, `d96a`.
    pub version: String,
    /// `850`, `ORDERS`.
    pub kind: String,
    /// Short name of the type.
    pub name: String,
    /// X12 functional identifiers (GS01) the type travels under.
    pub groups: Vec<String>,
    /// The order of segments and loops, header and trailer (ST, SE; UNH, UNT) included.
    pub nodes: Vec<Node>,
    /// What an XML document type has beside.
    pub markup: Option<Box<Markup>>,
    /// The order as a table; made when first asked for.
    pub order: Derived<Order>,
}

impl Document {
    /// Whose syntax it is written in.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        let layout = self.markup.as_ref().and_then(|markup| markup.layout.as_ref());
        layout.map_or_else(|| Syntax::of(&self.standard), |layout| layout.syntax)
    }

    /// The standard whose codes its values are, as the definition says; where it says nothing, its own, or of what is laid
    /// out by its definition [`ENTITY_CODES`].
    #[must_use]
    pub fn codes(&self) -> &str {
        match self.markup.as_deref() {
            Some(markup) if !markup.codes.is_empty() => &markup.codes,
            Some(markup) if markup.layout.is_some() => ENTITY_CODES,
            _ => &self.standard,
        }
    }

    /// How its bytes are laid out, where it is a table, of fixed width or JSON.
    #[must_use]
    pub fn layout(&self) -> Option<&Layout> {
        self.markup.as_ref().and_then(|markup| markup.layout.as_ref())
    }
}

/// What follows from the rest and is made when first asked for. It is no part of the value: two are always equal, and a
/// copy, which may be changed, makes its own.
pub struct Derived<T>(OnceLock<T>);

impl<T> Derived<T> {
    /// What was made, or what `make` makes now.
    pub fn get(&self, make: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(make)
    }
}

impl<T> Default for Derived<T> {
    fn default() -> Self {
        Derived(OnceLock::new())
    }
}

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        Derived::default()
    }
}

impl<T> PartialEq for Derived<T> {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl<T> Eq for Derived<T> {}

impl<T> std::fmt::Debug for Derived<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Derived")
    }
}

/// Conditions between elements of a segment or components of a composite. X12 has letters: P (all or none), R (at least one),
/// E (at most one), C (if the first, then all), L (if the first, then at least one more). EDIFACT's dependency notes have
/// numbers (UN/EDIFACT message design rules, annex E): D2, D3, D4, D5 and D6 are these five, D1 is exactly one, D7 none of the
/// others if the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The letter, or the digit behind the D.
    pub letter: char,
    /// Element numbers, from 1.
    pub elements: Vec<u16>,
}

impl std::fmt::Display for Condition {
    /// As X12 prints it: `P0203`; of EDIFACT `D5(05,04)`, with the numbers of elements where the directory has positions.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.letter.is_ascii_digit() {
            let elements: Vec<String> = self.elements.iter().map(|element| format!("{element:02}")).collect();
            return write!(f, "D{}({})", self.letter, elements.join(","));
        }
        write!(f, "{}", self.letter)?;
        self.elements.iter().try_for_each(|element| write!(f, "{element:02}"))
    }
}

impl Condition {
    /// Letters, and digits of dependency notes.
    pub const LETTERS: &'static str = "PRECL1234567";

    /// Reads what [`Condition`] is displayed as.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (letter, numbers) = match text.strip_prefix('D') {
            Some(note) => {
                let (letter, numbers) = note.split_at_checked(1)?;
                (letter, numbers.strip_prefix('(')?.strip_suffix(')')?.split(',').map(str::to_owned).collect())
            }
            None => {
                let (letter, numbers) = text.split_at_checked(1)?;
                let two = numbers.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).into_owned());
                (letter, two.collect::<Vec<_>>())
            }
        };
        let letter = letter.chars().next().filter(|letter| Self::LETTERS.contains(*letter))?;
        let is_note = letter.is_ascii_digit();
        (is_note == text.starts_with('D')).then_some(())?;
        let number = |number: &String| number.parse::<u16>().ok().filter(|number| *number > 0);
        let elements: Vec<u16> = numbers.iter().map(number).collect::<Option<_>>()?;
        (!elements.is_empty()).then_some(Condition { letter, elements })
    }

    /// The letter of X12 that says the same; D1 and D7, which X12 has not, stay.
    #[must_use]
    pub fn meaning(&self) -> char {
        match self.letter {
            '2' => 'P',
            '3' => 'R',
            '4' => 'E',
            '5' => 'C',
            '6' => 'L',
            other => other,
        }
    }
}

/// One element place in a segment, or one component place in a composite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Number of the element or composite (`373`, `C507`, `3035`).
    pub id: String,
    /// Short name.
    pub name: String,
    /// Usage here.
    pub usage: Usage,
    /// How often it may repeat.
    pub max: u32,
}

/// A segment of a version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SegmentDefinition {
    /// Short name.
    pub name: String,
    /// Its elements in order.
    pub elements: Vec<Place>,
    /// Conditions between them.
    pub conditions: Vec<Condition>,
}

/// What values an element takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Any characters (X12 AN, EDIFACT an).
    Text,
    /// Letters only (EDIFACT a).
    Letters,
    /// A number with its own decimal mark (X12 R, EDIFACT n).
    Number,
    /// A number with implied decimals (X12 N0 to N9).
    Implied(u8),
    /// A code (X12 ID); the list may be empty, the codes then stand elsewhere (ISO 4217 …).
    Code,
    /// A date of 6 or 8 digits (X12 DT).
    Date,
    /// A time of 4 to 8 digits (X12 TM).
    Time,
    /// Bytes (X12 B).
    Binary,
}

/// An element of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementDefinition {
    /// Short name.
    pub name: String,
    /// Type.
    pub kind: ElementType,
    /// Fewest characters.
    pub min: u32,
    /// Most characters.
    pub max: u32,
    /// Name of the code list, usually the element's own number; empty when the element is open.
    pub codes: String,
}

/// A composite of a version: components as places whose ids are elements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompositeDefinition {
    /// Short name.
    pub name: String,
    /// Its components in order.
    pub components: Vec<Place>,
    /// Conditions between them.
    pub conditions: Vec<Condition>,
}

/// Everything of a version that its document types share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// `x12` or `edifact`.
    pub standard: String,
    /// `004010`, `d96a`.
    pub version: String,
    /// Segments by tag, service segments included.
    pub segments: Entries<SegmentDefinition>,
    /// Composites by number.
    pub composites: Entries<CompositeDefinition>,
    /// Elements by number.
    pub elements: Entries<ElementDefinition>,
    /// Names by tag of the segments that only document types have which are not here.
    pub other_segments: BTreeMap<String, String>,
    /// Code lists by element number: code to short name.
    pub codes: Entries<BTreeMap<String, String>>,
    /// What the elements of its XML documents hold.
    pub contents: Option<Arc<Contents>>,
    /// Steps of levels from the top down, by structure code (X12 1005).
    pub hierarchies: BTreeMap<String, Vec<Vec<String>>>,
    /// The rules of its segments as tables, each made when first asked for.
    pub tables: Derived<Tables>,
}

impl Document {
    /// The order as a table; `directory` is its version's.
    #[must_use]
    pub fn order(&self, directory: &Directory) -> &Order {
        self.order.get(|| Order::new(self, directory.rules()))
    }

    /// Whether a loop has this trigger path, in whichever area.
    #[must_use]
    pub fn has_loop(&self, path: &str) -> bool {
        has_loop(&self.nodes, path)
    }

    /// The node of a segment: its tag in the loop of a trigger path, empty for the document. For the trigger of the loop
    /// itself it is the loop's node.
    #[must_use]
    pub fn node(&self, area: Area, loop_path: &str, tag: &str) -> Option<&Node> {
        let mut nodes = self.nodes.as_slice();
        let mut found = None;
        for path in loop_path.match_indices('/').map(|(at, _)| &loop_path[..at]).chain([loop_path]) {
            if path.is_empty() {
                break;
            }
            let is_it = |node: &&Node| node.area == area && node.body.as_ref().is_some_and(|body| body.path == path);
            let node = nodes.iter().find(is_it)?;
            found = Some(node);
            nodes = node.body.as_ref().map(|body| &*body.nodes).unwrap_or_default();
        }
        if found.is_some_and(|node| node.tag == tag) {
            return found;
        }
        nodes.iter().find(|node| node.tag == tag && node.area == area)
    }
}

fn has_loop(nodes: &[Node], path: &str) -> bool {
    nodes
        .iter()
        .filter_map(|node| node.body.as_ref())
        .any(|body| body.path == path || body.leads_to(path) && has_loop(&body.nodes, path))
}

impl LoopBody {
    /// Whether a loop of this path would stand in it.
    #[must_use]
    pub fn leads_to(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Gives the loops of a list their trigger paths: a second one of a trigger in an area of the list ends in `~2`.
pub fn name_loops(nodes: &mut [Node], outer: &str) {
    let mut counts: BTreeMap<(Area, String), u32> = BTreeMap::new();
    for node in nodes {
        let Some(body) = &mut node.body else { continue };
        let count = counts.entry((node.area, node.tag.clone())).or_default();
        *count += 1;
        let number = if *count > 1 { format!("~{count}") } else { String::new() };
        let above = if outer.is_empty() { String::new() } else { format!("{outer}/") };
        body.path = format!("{above}{}{number}", node.tag);
        name_loops(body.nodes.changeable(), &body.path);
    }
}

impl Directory {
    /// The rules of the segments as tables.
    #[must_use]
    pub fn rules(&self) -> Rules<'_> {
        Rules::new(self, self.tables.get(|| Tables::new(self)))
    }

    /// Type and length of an element, `text 1..22`; `composite` for the others.
    #[must_use]
    pub fn form(&self, id: &str) -> String {
        let Some(element) = self.elements.get(id) else { return "composite".to_owned() };
        let kind = match element.kind {
            ElementType::Text => "text".to_owned(),
            ElementType::Letters => "letters".to_owned(),
            ElementType::Number => "number".to_owned(),
            ElementType::Implied(decimals) => format!("implied {decimals}"),
            ElementType::Code => "code".to_owned(),
            ElementType::Date => "date".to_owned(),
            ElementType::Time => "time".to_owned(),
            ElementType::Binary => "bytes".to_owned(),
        };
        format!("{kind} {}..{}", element.min, element.max)
    }

    /// What a code of an element means; `None` when the element is open or has no such code.
    #[must_use]
    pub fn meaning(&self, id: &str, code: &str) -> Option<&str> {
        let element = self.elements.get(id)?;
        self.codes.get(&element.codes)?.get(code).map(String::as_str)
    }
}
