//! What a document says, segment by segment: names, meanings, usage and rules with their source, what is wrong at the
//! place, the field of the entity each value feeds, and what it becomes in another document type. Pure: the command
//! line and the console print it.

mod describe;
mod feeds;
mod markup;
mod segment;
mod trail;

pub use trail::{ChangePart, Cutting, FieldChange, Journey, PartOf, Stage, StepPart};

pub use describe::{Described, DescribedElement, FieldRule, describe};

use crate::codec::segment::Placed;
use crate::diagnostic::Diagnostic;
use crate::engine::Means;
use crate::engine::Rules;
use crate::engine::map::Target;
use crate::standard::definition::{Directory, Document, Usage};
use crate::standard::guide::{Guide, GuideRule, Resolver};
use crate::standard::outline::rule_in_words;
use crate::tree::Run;
use feeds::Feeds;
use serde::{Serialize, Serializer};
use trail::Trail;

/// A document explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// `x12`, `edifact`.
    pub standard: String,
    /// Folder name of the version whose definition was used.
    pub version: String,
    /// Document type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The guide it is held against.
    pub guide: Option<String>,
    /// The entity that it is, when there is a mapping.
    pub entity: Option<String>,
    /// The document type in whose terms `became` speaks.
    pub target: Option<String>,
    /// What its entity goes through before it is written: steps of transformations, and the split.
    pub steps: Vec<StepPart>,
    /// The documents that the split makes of it, where there are several.
    pub documents: Vec<PartOf>,
    /// Its segments in order.
    pub segments: Vec<SegmentPart>,
    /// Findings that name no segment and no field.
    #[serde(serialize_with = "findings")]
    pub report: Vec<Diagnostic>,
}

/// A segment explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentPart {
    /// Ordinal in the document, from 1.
    pub segment: u32,
    /// Tag.
    pub tag: String,
    /// Name in the standard.
    pub name: String,
    /// `PO1[2]` where there are several, else the tag.
    pub place: String,
    /// Part of the document; `None` when it has no place in the definition.
    pub area: Option<&'static str>,
    /// Trigger path of its loop, empty outside loops.
    #[serde(rename = "loop")]
    pub loop_path: String,
    /// The standard's own name of the loop.
    pub label: String,
    /// It begins its loop; usage and maximum are then the loop's.
    pub is_trigger: bool,
    /// Whether it must be there.
    pub usage: Option<&'static str>,
    /// How often it may stand there; `None` is no limit.
    pub max: Option<u32>,
    /// What says so.
    pub source: String,
    /// Line of the input.
    pub line: u64,
    /// First byte in the input.
    pub offset: u64,
    /// Bytes without the terminator.
    pub length: u64,
    /// As it stands, in the interchange's character set.
    pub text: String,
    /// Its values, and places where one is missed.
    pub elements: Vec<ElementPart>,
    /// What the guide asks of it, in words.
    pub asked: Vec<String>,
    /// Conditions between its elements that concern what is there.
    pub rules: Vec<RulePart>,
    /// What is wrong with the segment as a whole.
    #[serde(serialize_with = "findings")]
    pub findings: Vec<Diagnostic>,
}

/// A value explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ElementPart {
    /// Element, from 1.
    pub element: u16,
    /// Component, from 1; 0 for a simple element.
    pub component: u16,
    /// Repetition, from 1; 0 where it does not repeat.
    pub repetition: u16,
    /// `PO1[2].04`.
    pub place: String,
    /// Number in the standard's dictionary.
    pub id: String,
    /// Name there.
    pub name: String,
    /// Whether it must be there.
    pub usage: Option<&'static str>,
    /// Type and length, `text 1..22`.
    pub form: String,
    /// What says so.
    pub source: String,
    /// The value; empty when it is missed.
    pub value: String,
    /// What the guide asks of it, in words.
    pub asked: Vec<String>,
    /// What the code means.
    pub meaning: Option<String>,
    /// The fields it feeds, or chooses.
    pub fields: Vec<FieldPart>,
    /// What is wrong with it.
    #[serde(serialize_with = "findings")]
    pub findings: Vec<Diagnostic>,
}

/// A field of the entity, with what it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldPart {
    /// `lines[1].quantity.value`.
    pub field: String,
    /// The value is the field's; else it is a qualifier that says which value is.
    pub is_value: bool,
    /// What became of the field on its way.
    pub changed: Vec<FieldChange>,
    /// Where it was written in the target.
    pub became: Vec<Became>,
}

/// A value in the target document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Became {
    /// In which document of a split, from 1; none where there is one.
    pub document: Option<usize>,
    /// `QTY[1].01.2`.
    pub place: String,
    /// What stands there.
    pub value: String,
}

/// A condition of the standard in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulePart {
    /// As the standard prints it: `P0304`.
    pub rule: String,
    /// The sentence.
    pub words: String,
    /// The elements it ties, from 1.
    pub elements: Vec<u16>,
    /// What says so.
    pub source: String,
    /// It holds here.
    pub is_met: bool,
}

fn findings<S: Serializer>(faults: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    faults.iter().map(Diagnostic::to_json).collect::<Vec<_>>().serialize(serializer)
}

/// What is asked of a document beside what it says.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The guide it is held against.
    pub guide: Option<&'a Guide>,
    /// What documents of a type are read and written with.
    pub means: &'a dyn Fn(&Document) -> Means,
    /// What its entity goes through.
    pub journey: Journey<'a>,
    /// What it becomes.
    pub target: Option<&'a Target>,
}

/// Explains a document. `faults` are the findings of its report; those of its entity are found here. Of several
/// entities the first is shown.
#[must_use]
pub fn explain(rules: &Rules, placed: &Placed, run: &Run<'_>, faults: &[Diagnostic], asked: &Asked<'_>) -> Explanation {
    let (document, Asked { guide, target, .. }) = (&placed.document, *asked);
    let mut feeds = Feeds::find(rules, placed, run, asked);
    let run = &placed.run(run);
    let mut explanation = Explanation {
        standard: document.standard.clone(),
        version: document.version.clone(),
        kind: document.kind.clone(),
        name: document.name.clone(),
        guide: guide.map(|guide| guide.name.clone()),
        entity: feeds.entity.clone(),
        target: target.map(|target| format!("{}/{}/{}", target.standard, target.version, target.document)),
        steps: Vec::new(),
        documents: Vec::new(),
        segments: segment::parts(&placed.directory, run, Some((document, &placed.placement))),
        report: Vec::new(),
    };
    if let Some((projected, markup)) = placed.projected.as_ref().zip(document.markup.as_ref()) {
        markup::name(&mut explanation.segments, projected, markup);
    }
    if let Some(guide) = guide {
        explanation.narrow(guide, &Resolver { run, placement: &placed.placement });
    }
    for fed in &feeds.fed {
        let part = explanation.segments.get_mut(fed.segment);
        let Some(part) = part.and_then(|part| part.element_mut(fed.element, fed.component)) else { continue };
        let became = if fed.is_value { feeds.became(&fed.field) } else { Vec::new() };
        let changes = |trail: &Trail| trail.changes(&fed.field);
        let changed = feeds.trail.as_ref().filter(|_| fed.is_value).map(changes).unwrap_or_default();
        part.fields.push(FieldPart { field: fed.field.clone(), is_value: fed.is_value, changed, became });
    }
    faults.iter().for_each(|fault| explanation.attach(fault, &fault.place));
    feeds.faults.iter().for_each(|(fault, field)| explanation.attach(fault, field));
    if let Some(trail) = feeds.trail.take() {
        explanation.steps = trail.steps;
        explanation.documents = trail.documents;
    }
    explanation
}

/// Explains segments outside documents: the envelope's.
#[must_use]
pub fn envelope(directory: &Directory, run: &Run<'_>, faults: &[Diagnostic]) -> Vec<SegmentPart> {
    let mut segments = segment::parts(directory, run, None);
    for fault in faults {
        let at = segments.iter_mut().find(|part| (part.offset..=part.offset + part.length).contains(&fault.offset));
        if let Some(part) = at {
            part.attach(fault);
        }
    }
    segments
}

impl Explanation {
    /// Lays what a guide asks over what the standard says.
    fn narrow(&mut self, guide: &Guide, resolver: &Resolver<'_>) {
        let source = format!("guide {}", guide.name);
        for rule in &guide.rules {
            for segment in resolver.segments(0, &rule.place) {
                if let Some(part) = self.segments.get_mut(segment) {
                    part.narrow(rule, &source);
                }
            }
        }
    }

    /// Puts a finding at its element, its segment, or the value whose field, as it was read, it names.
    fn attach(&mut self, fault: &Diagnostic, field: &str) {
        let ordinal = fault.position.segment as usize;
        if let Some(part) = ordinal.checked_sub(1).and_then(|at| self.segments.get_mut(at)) {
            return part.attach(fault);
        }
        let names = |one: &FieldPart| {
            let rest = one.field.strip_prefix(field);
            !field.is_empty()
                && one.is_value
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let elements = self.segments.iter_mut().flat_map(|part| &mut part.elements);
        match elements.into_iter().find(|element| element.fields.iter().any(names)) {
            Some(element) => element.findings.push(fault.clone()),
            None => self.report.push(fault.clone()),
        }
    }
}

impl SegmentPart {
    fn narrow(&mut self, rule: &GuideRule, source: &str) {
        let place = &rule.place;
        let asked = format!("{source}: {}", rule_in_words(rule));
        if place.element == 0 {
            self.usage = rule.usage.map(Usage::name).or(self.usage);
            self.max = rule.max.or(self.max);
            source.clone_into(&mut self.source);
            return self.asked.push(asked);
        }
        // A composite named whole is its first component.
        let is_it =
            |part: &&mut ElementPart| part.element == place.element && part.component.max(1) == place.component.max(1);
        for part in self.elements.iter_mut().filter(is_it) {
            part.usage = rule.usage.map(Usage::name).or(part.usage);
            source.clone_into(&mut part.source);
            part.asked.push(asked.clone());
        }
    }

    fn element_mut(&mut self, element: u16, component: u16) -> Option<&mut ElementPart> {
        let is_it = |part: &&mut ElementPart| part.element == element && part.component == component;
        self.elements.iter_mut().find(is_it)
    }

    fn attach(&mut self, fault: &Diagnostic) {
        let at = fault.position;
        let is_exact = |part: &&mut ElementPart| {
            (part.element, part.component, part.repetition) == (at.element, at.component, at.repetition)
        };
        let is_near = |part: &&mut ElementPart| part.element == at.element;
        if at.element > 0 && self.elements.iter_mut().find(is_exact).is_some() {
            self.elements.iter_mut().find(is_exact).into_iter().for_each(|part| part.findings.push(fault.clone()));
        } else if at.element > 0 && at.component == 0 && self.elements.iter_mut().find(is_near).is_some() {
            self.elements.iter_mut().find(is_near).into_iter().for_each(|part| part.findings.push(fault.clone()));
        } else {
            self.findings.push(fault.clone());
        }
    }

    /// Whether anything is wrong in it.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        !self.findings.is_empty() || self.elements.iter().any(|element| !element.findings.is_empty())
    }
}
