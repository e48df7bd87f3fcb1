//! Which value feeds which field of the entity, and where that field stands in a target document: the traces of the
//! two mappings.

use super::markup::paths;
use super::trail::Trail;
use super::{Asked, Became};
use crate::codec::segment::Placed;
use crate::diagnostic::Diagnostic;
use crate::engine::Rules;
use crate::engine::canonicalise::mapped;
use crate::engine::map::Target;
use crate::entity::Entity;
use crate::mapping::{self, Context, Fed, Put};
use crate::standard::definition::Directory;
use crate::tree::{DraftSegment, Run};
use std::collections::HashMap;

/// The way of a document's values.
#[derive(Default)]
pub struct Feeds {
    /// The entity's name.
    pub entity: Option<String>,
    /// Value to field.
    pub fed: Vec<Fed>,
    /// Findings of reading and checking the entity, and of what became of it: each with its field as it was read.
    pub faults: Vec<(Diagnostic, String)>,
    /// What became of the fields before they were written, where something did.
    pub trail: Option<Trail>,
    written: Vec<Written>,
}

/// An entity written: where each field stands.
#[derive(Default)]
pub struct Written(HashMap<String, Vec<Became>>);

impl Written {
    /// Where a field was written.
    pub fn became(&self, field: &str) -> Vec<Became> {
        self.0.get(field).cloned().unwrap_or_default()
    }
}

impl Feeds {
    /// Reads the document through its mapping, and writes what its first entity becomes as the target.
    pub fn find(rules: &Rules, placed: &Placed, run: &Run<'_>, asked: &Asked<'_>) -> Feeds {
        let means = (asked.means)(&placed.document);
        let Ok((mapping, placed)) = mapped(rules, means.mapping.clone(), placed, run) else { return Feeds::default() };
        let codes = rules.mappings.codes();
        let context = Context {
            mapping: &mapping,
            document: &placed.document,
            directory: &placed.directory,
            codes,
            tables: &means.tables,
            decimal: '.',
        };
        let run = placed.run(run);
        let (entities, mut faults, fed) = mapping::read_traced(&context, &run, &placed.placement);
        placed.locate(&mut faults);
        let Some(entity) = entities.first() else {
            let faults = faults.into_iter().map(|fault| (fault, String::new())).collect();
            return Feeds { fed, faults, ..Feeds::default() };
        };
        faults.extend(entity.check());
        let as_read = |fault: Diagnostic| (fault.clone(), fault.place);
        let mut feeds = Feeds {
            entity: Some(entity.kind.clone()),
            fed,
            faults: faults.into_iter().map(as_read).collect(),
            trail: Trail::follow(entity, asked.journey),
            written: Vec::new(),
        };
        if let Some(trail) = &feeds.trail {
            feeds.faults.extend(trail.faults.iter().map(|fault| located(fault, Some(trail), 0)));
        }
        if let Some(target) = asked.target {
            feeds.write(rules, entity, target, asked);
        }
        feeds
    }

    /// Where a field as it was read was written.
    pub fn became(&self, field: &str) -> Vec<Became> {
        match &self.trail {
            Some(trail) => trail.became(field, &self.written),
            None => self.written.first().map(|written| written.became(field)).unwrap_or_default(),
        }
    }

    fn write(&mut self, rules: &Rules, entity: &Entity, target: &Target, asked: &Asked<'_>) {
        let entities = self.trail.as_ref().map_or_else(|| vec![entity.clone()], |trail| trail.entities.clone());
        for (part, entity) in entities.iter().enumerate() {
            let (written, faults) = write(rules, entity, target, asked).unwrap_or_default();
            for fault in faults {
                let fault = located(&fault, self.trail.as_ref(), part);
                if !self.faults.contains(&fault) {
                    self.faults.push(fault);
                }
            }
            self.written.push(written);
        }
        if let Some(trail) = &mut self.trail {
            trail.write(&self.written);
        }
    }
}

/// A finding about what is written, with the field as it was read.
fn located(fault: &Diagnostic, trail: Option<&Trail>, part: usize) -> (Diagnostic, String) {
    let field = match trail {
        Some(trail) => trail.origin(part, &fault.place).unwrap_or_default(),
        None => fault.place.clone(),
    };
    (fault.clone(), field)
}

fn write(rules: &Rules, entity: &Entity, target: &Target, asked: &Asked<'_>) -> Option<(Written, Vec<Diagnostic>)> {
    let (standard, version, kind) = (&target.standard, &target.version, &target.document);
    let document = rules.library.document(standard, version, kind).ok()?;
    let directory = rules.library.directory(standard, version).ok()?;
    let means = (asked.means)(&document);
    let packed = || rules.mappings.find(standard, version, kind);
    let mapping = means.mapping.clone().map_or_else(packed, Ok).ok()?;
    let codes = rules.mappings.codes();
    let tables = &means.tables;
    let context =
        Context { mapping: &mapping, document: &document, directory: &directory, codes, tables, decimal: '.' };
    let (segments, faults, puts) = mapping::write_traced(&context, entity);
    let (occurrences, paths) = (occurrences(&segments), paths(&segments));
    let mut written = Written::default();
    for put in puts {
        let Some(segment) = segments.get(put.segment) else { continue };
        let place = match &document.markup {
            Some(markup) => markup.place(&paths[put.segment], put.element, put.component),
            None => place(&directory, segment, occurrences[put.segment], &put),
        };
        let value = segment.get(put.element, put.component).to_owned();
        written.0.entry(put.field).or_default().push(Became { document: None, place, value });
    }
    Some((written, faults))
}

/// For each segment which of its tag it is, from 1; 0 when it is the only one.
fn occurrences(segments: &[DraftSegment]) -> Vec<u32> {
    let mut counts: HashMap<&str, (u32, u32)> = HashMap::new();
    for segment in segments {
        counts.entry(&segment.tag).or_default().0 += 1;
    }
    let mut one = |segment: &DraftSegment| {
        let (all, seen) = counts.get_mut(segment.tag.as_str())?;
        *seen += 1;
        (*all > 1).then_some(*seen)
    };
    let mut found = Vec::with_capacity(segments.len());
    for segment in segments {
        found.push(one(segment).unwrap_or(0));
    }
    found
}

fn place(directory: &Directory, segment: &DraftSegment, occurrence: u32, put: &Put) -> String {
    let definition = directory.segments.get(segment.tag.as_str());
    let element = definition.and_then(|one| one.elements.get(usize::from(put.element).wrapping_sub(1)));
    let is_composite = element.is_some_and(|place| directory.composites.contains_key(&place.id));
    let number = if occurrence > 0 { format!("[{occurrence}]") } else { String::new() };
    let component = if is_composite { format!(".{}", put.component) } else { String::new() };
    format!("{}{number}.{:02}{component}", segment.tag, put.element)
}
