//! The rules of a mapping as a flat table: each field with its absolute place and its functions, for people and for the
//! question which fields a place feeds. It runs nothing.

use super::function::Call;
use super::notation::{Body, Mapping, Place, Rule, Selector};
use super::tree::{LINES, Tree};
use crate::standard::definition::{Area, Document};
use serde::Serialize;

/// One rule for one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Path of the field, lists marked: `lines[].quantity.value`.
    pub field: String,
    /// The place as rules write it, from the document's top: `PO1/N1.02`.
    pub place: String,
    /// The functions from left to right, `code(unit)`.
    pub functions: Vec<String>,
    /// Part of the document; any when `None`.
    #[serde(skip)]
    pub area: Option<Area>,
    /// Trigger path of the loop, empty for the document.
    #[serde(rename = "loop")]
    pub loop_path: String,
    /// Tag of the segment.
    pub segment: String,
    /// First element, from 1.
    pub element: u16,
    /// Last element.
    pub last: u16,
    /// From one element to the next.
    #[serde(skip)]
    pub step: u16,
    /// First and last component, from 1; 0 for simple elements.
    #[serde(skip)]
    pub components: (u16, u16),
}

impl Row {
    /// A value without a place, which follows from those beside it.
    fn computed(field: String, calls: &[Call]) -> Self {
        Row {
            field,
            place: "=".to_owned(),
            functions: calls.iter().map(call).collect(),
            area: None,
            loop_path: String::new(),
            segment: String::new(),
            element: 0,
            last: 0,
            step: 0,
            components: (0, 0),
        }
    }

    /// Whether the rule reads or writes this place; component 0 asks for any.
    #[must_use]
    pub fn covers(&self, (area, loop_path, tag): (Area, &str, &str), element: u16, component: u16) -> bool {
        let here = self.segment == tag && self.loop_path == loop_path && self.area.is_none_or(|one| one == area);
        let step = self.step.max(1);
        let fits = (self.element..=self.last).contains(&element) && (element - self.element).is_multiple_of(step);
        let (first, last) = (self.components.0.max(1), self.components.1.max(1));
        here && fits && (component == 0 || (first..=last).contains(&component))
    }
}

/// All rules of a mapping in their order; `document` says which tags begin loops.
#[must_use]
pub fn table(mapping: &Mapping, document: &Document) -> Vec<Row> {
    let mut table = Table { document, rows: Vec::new() };
    table.rules(&mapping.rules, "", &Around::default());
    if let Some(tree) = &mapping.tree {
        table.tree(tree);
    }
    table.rows
}

/// What places are relative to.
#[derive(Debug, Clone, Default)]
struct Around {
    area: Option<Area>,
    /// Tags of the loops, and how they are written with their selectors.
    loops: Vec<(String, String)>,
    /// A segment that begins no loop.
    segment: Option<(String, String)>,
    /// In a slot: first, last and step of its elements.
    slot: Option<(u16, u16, u16)>,
}

struct Table<'d> {
    document: &'d Document,
    rows: Vec<Row>,
}

impl Table<'_> {
    fn tree(&mut self, tree: &Tree) {
        let node = self.inside(&Around::default(), &tree.each);
        for level in &tree.levels {
            let around = level.each.as_ref().map_or_else(|| node.clone(), |each| self.inside(&node, each));
            let item = level.list.as_ref().map_or(String::new(), |list| format!("{list}[]"));
            self.rules(&level.rules, &item, &around);
            self.rules(&level.allocation, &format!("{LINES}[].allocations[]"), &around);
        }
    }

    fn rules(&mut self, rules: &[Rule], prefix: &str, around: &Around) {
        for rule in rules {
            let field = if prefix.is_empty() { rule.field.to_string() } else { format!("{prefix}.{}", rule.field) };
            match &rule.body {
                Body::One(place, calls) => self.row(field, place, calls, around),
                Body::Computed(calls) => self.rows.push(Row::computed(field, calls)),
                Body::Many(places, calls) => {
                    for place in places {
                        self.row(field.clone(), place, calls, around);
                    }
                }
                Body::Each(each) => {
                    let (inner, field) = (self.inside(around, &each.place), format!("{field}[]"));
                    if each.around > 0 {
                        let home = self.inside(around, &each.home());
                        self.rules(each.around(), &field, &home);
                    }
                    self.rules(each.own(), &field, &inner);
                }
                Body::Slots(slots) => {
                    for place in &slots.places {
                        let mut inner = self.inside(around, place);
                        let step = place.step.max(slots.width).max(1);
                        inner.slot = Some((place.elements.0, place.elements.1, step));
                        self.rules(&slots.rules, &format!("{field}[]"), &inner);
                    }
                }
            }
        }
    }

    /// The surroundings of what stands in the segment or loop of a place.
    fn inside(&self, around: &Around, place: &Place) -> Around {
        let mut inner = Around { slot: None, area: place.area.or(around.area), ..around.clone() };
        for (tag, selectors) in &place.loops {
            inner.loops.push((tag.to_string(), written(tag, selectors)));
        }
        let whole = path(&inner.loops, &place.tag);
        let is_trigger = place.loops.is_empty() && inner.loops.last().is_some_and(|(tag, _)| *tag == place.tag);
        if place.tag.is_empty() || (is_trigger && !self.document.has_loop(&whole)) {
            return inner;
        }
        let step = (place.tag.to_string(), written(&place.tag, &place.selectors));
        if self.document.has_loop(&whole) {
            inner.loops.push(step);
            inner.segment = None;
        } else {
            inner.segment = Some(step);
        }
        inner
    }

    fn row(&mut self, field: String, place: &Place, calls: &[Call], around: &Around) {
        let document = Around::default();
        let inside = self.inside(if place.is_root { &document } else { around }, place);
        let (element, last, step) = match (around.slot, place.offset) {
            (Some((first, last, step)), Some(offset)) => (first + offset, last, step),
            _ => (place.elements.0, place.elements.1, place.step),
        };
        let steps: Vec<&str> =
            inside.loops.iter().chain(&inside.segment).map(|(_, written)| written.as_str()).collect();
        let area = inside.area.map_or(String::new(), |area| format!("{}:", area.name()));
        let numbers = numbers((element, last, step.max(1)), place.components);
        self.rows.push(Row {
            field,
            place: match &self.document.markup {
                Some(markup) => {
                    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
                    markup.place(&steps, element, place.components.0)
                }
                None => format!("{area}{}{numbers}", steps.join("/")),
            },
            functions: calls.iter().map(call).collect(),
            area: inside.area,
            loop_path: path(&inside.loops, ""),
            segment: inside.segment.or_else(|| inside.loops.last().cloned()).unwrap_or_default().0,
            element,
            last,
            step,
            components: place.components,
        });
    }
}

fn path(loops: &[(String, String)], tag: &str) -> String {
    let tags = loops.iter().map(|(tag, _)| tag.as_str()).chain(Some(tag).filter(|tag| !tag.is_empty()));
    tags.collect::<Vec<_>>().join("/")
}

fn written(tag: &str, selectors: &[Selector]) -> String {
    let mut text = tag.to_owned();
    for selector in selectors {
        match selector {
            Selector::Is(element, 0, values) => text.push_str(&format!("[{element:02}={}]", values.join("|"))),
            Selector::Is(element, component, values) => {
                text.push_str(&format!("[{element:02}.{component}={}]", values.join("|")));
            }
            Selector::Inside(place, values) => text.push_str(&format!("[{}={}]", place.tag, values.join("|"))),
            Selector::Occurrence(number) => text.push_str(&format!("[{number}]")),
        }
    }
    text
}

fn numbers((element, last, step): (u16, u16, u16), (first, until): (u16, u16)) -> String {
    let mut text = format!(".{element:02}");
    if element < last {
        text.push_str(&format!("..{last:02}"));
        if step > 1 {
            text.push_str(&format!(" step {step}"));
        }
    }
    match (first, until) {
        (0, _) => {}
        (first, until) if first == until => text.push_str(&format!(".{first}")),
        (first, until) => text.push_str(&format!(".{first}..{until}")),
    }
    text
}

fn call(call: &Call) -> String {
    match call.arguments.is_empty() {
        true => call.function.name().to_owned(),
        false => format!("{}({})", call.function.name(), call.arguments.join(", ")),
    }
}
