//! What may stand at a place of a document type, without a document: the definition, and the fields its mapping fills.

use super::RulePart;
use super::segment::{rule, source};
use crate::engine::Rules;
use crate::mapping::{Place, Row, table};
use crate::standard::definition::{Directory, Document, Node, Place as Slot};
use crate::standard::load::LoadError;
use serde::Serialize;
use std::collections::BTreeMap;

/// A segment, as it may stand in one place of a document type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Described {
    /// Part of the document.
    pub area: &'static str,
    /// Trigger path of its loop, empty outside loops.
    #[serde(rename = "loop")]
    pub loop_path: String,
    /// The standard's own name of the loop.
    pub label: String,
    /// Tag.
    pub tag: String,
    /// Name.
    pub name: String,
    /// It begins its loop; usage and maximum are then the loop's.
    pub is_trigger: bool,
    /// Whether it must be there.
    pub usage: &'static str,
    /// How often; `None` is no limit.
    pub max: Option<u32>,
    /// The standard's position number.
    pub position: String,
    /// What says so.
    pub source: String,
    /// What may stand in it.
    pub elements: Vec<DescribedElement>,
    /// Conditions between its elements.
    pub rules: Vec<RulePart>,
}

/// An element or component, as it may stand there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DescribedElement {
    /// Element, from 1.
    pub element: u16,
    /// Component, from 1; 0 for the element as a whole.
    pub component: u16,
    /// `PO1.04`.
    pub place: String,
    /// Number in the standard's dictionary.
    pub id: String,
    /// Name.
    pub name: String,
    /// Whether it must be there.
    pub usage: &'static str,
    /// How often it may repeat.
    pub max: u32,
    /// Type and length.
    pub form: String,
    /// Codes with their meanings; none when it is open.
    pub codes: BTreeMap<String, String>,
    /// Fields of the entity that rules fill from here, with the functions between.
    pub fields: Vec<FieldRule>,
}

/// A rule of the mapping at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldRule {
    /// `lines[].quantity.value`.
    pub field: String,
    /// The place as the rule writes it, with its conditions.
    pub rule: String,
    /// The functions from left to right.
    pub functions: Vec<String>,
}

/// What may stand at a place: each home the segment has in the document type. A place without an element is the whole
/// segment; without loops all loops are looked into. Empty when the document type has no such place.
///
/// # Errors
/// There is no such document type, or its definition is malformed.
pub fn describe(rules: &Rules, [standard, version, kind]: [&str; 3], at: &Place) -> Result<Vec<Described>, LoadError> {
    let document = rules.library.document(standard, version, kind)?;
    let directory = rules.library.directory(standard, version)?;
    let mapping = rules.mappings.find(standard, version, kind).ok();
    let rows = mapping.map_or_else(Vec::new, |mapping| table(&mapping, &document));
    let view = View { document: &document, directory: &directory, rows: &rows, at };
    let mut found = Vec::new();
    view.walk(&document.nodes, "", &mut found);
    Ok(found)
}

struct View<'a> {
    document: &'a Document,
    directory: &'a Directory,
    rows: &'a [Row],
    at: &'a Place,
}

impl View<'_> {
    fn walk(&self, nodes: &[Node], path: &str, found: &mut Vec<Described>) {
        for node in nodes {
            let own = node.body.as_ref().map_or(path, |body| body.path.as_str());
            if node.tag == self.at.tag && self.fits(node, own) {
                found.extend(self.segment(node, own));
            }
            if let Some(body) = &node.body {
                // The trigger is a node of its own loop as well; it stands where the loop does.
                self.walk(body.nodes.walked().get(1..).unwrap_or_default(), &body.path, found);
            }
        }
    }

    /// `LIN/PRI` is the trigger of the loop `LIN/PRI` as well as a PRI in the loop `LIN`; loops may be left out in front.
    fn fits(&self, node: &Node, path: &str) -> bool {
        let asked: Vec<&str> = self.at.loops.iter().map(|(tag, _)| &**tag).collect();
        let whole = [asked.as_slice(), &[&*self.at.tag]].concat();
        let steps: Vec<&str> = path.split('/').collect();
        let is_there = if node.body.is_some() { steps.ends_with(&whole) } else { steps.ends_with(&asked) };
        self.at.area.is_none_or(|area| area == node.area) && (asked.is_empty() || is_there)
    }

    fn segment(&self, node: &Node, path: &str) -> Option<Described> {
        let definition = self.directory.segments.get(&node.tag)?;
        let last = path.rsplit('/').next().unwrap_or_default();
        let home = self.document.node(node.area, path, last).and_then(|home| home.body.as_ref());
        let source = source(self.directory);
        let mut elements = Vec::new();
        for (index, slot) in definition.elements.iter().enumerate() {
            let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
            if self.at.elements.0 == 0 || number == self.at.elements.0 {
                self.element(node, path, slot, number, &mut elements);
            }
        }
        let asked = self.at.elements.0;
        let conditions = definition.conditions.iter().filter(|one| asked == 0 || one.elements.contains(&asked));
        Some(Described {
            area: node.area.name(),
            loop_path: path.to_owned(),
            label: home.map_or(String::new(), |body| body.label.clone()),
            tag: node.tag.clone(),
            name: definition.name.clone(),
            is_trigger: node.body.is_some(),
            usage: node.usage.name(),
            max: node.max,
            position: node.position.clone(),
            rules: conditions.map(|condition| rule(condition, &node.tag, &source, true)).collect(),
            source,
            elements,
        })
    }

    fn element(&self, node: &Node, path: &str, slot: &Slot, number: u16, found: &mut Vec<DescribedElement>) {
        found.push(self.one(node, path, slot, (number, 0)));
        let composite = self.directory.composites.get(&slot.id);
        for (index, component) in composite.into_iter().flat_map(|one| &one.components).enumerate() {
            let inner = u16::try_from(index + 1).unwrap_or(u16::MAX);
            if self.at.components.0 == 0 || self.at.components.0 == inner {
                found.push(self.one(node, path, component, (number, inner)));
            }
        }
    }

    fn one(&self, node: &Node, path: &str, slot: &Slot, (element, component): (u16, u16)) -> DescribedElement {
        let part = if component == 0 { String::new() } else { format!(".{component}") };
        let list = self.directory.elements.get(&slot.id).and_then(|one| self.directory.codes.get(&one.codes));
        let is_composite = self.directory.composites.contains_key(&slot.id);
        let covers = |row: &&Row| !is_composite && row.covers((node.area, path, &node.tag), element, component.max(1));
        let fields = self.rows.iter().filter(covers).map(|row| FieldRule {
            field: row.field.clone(),
            rule: row.place.clone(),
            functions: row.functions.clone(),
        });
        DescribedElement {
            element,
            component,
            place: format!("{}.{element:02}{part}", node.tag),
            id: slot.id.clone(),
            name: slot.name.clone(),
            usage: slot.usage.name(),
            max: slot.max,
            form: self.directory.form(&slot.id),
            codes: list.cloned().unwrap_or_default(),
            fields: fields.collect(),
        }
    }
}
