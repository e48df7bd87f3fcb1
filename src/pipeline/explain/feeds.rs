//! Which value feeds which field of the entity, and where that field stands in a target document: the traces of the
//! two mappings.

use super::Became;
use super::markup::paths;
use crate::codec::segment::Placed;
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::mapping::{self, Context, Fed, Put};
use crate::pipeline::Rules;
use crate::pipeline::canonicalise::mapped;
use crate::pipeline::map::Target;
use crate::standard::definition::Directory;
use crate::table::Tables;
use crate::tree::{DraftSegment, Run};
use std::collections::HashMap;

/// The way of a document's values.
#[derive(Default)]
pub struct Feeds {
    /// The entity's name.
    pub entity: Option<String>,
    /// Value to field.
    pub fed: Vec<Fed>,
    /// Findings of reading, checking and writing the entity.
    pub faults: Vec<Diagnostic>,
    became: HashMap<String, Vec<Became>>,
}

impl Feeds {
    /// Reads the document through its mapping, and writes its first entity as the target.
    pub fn find(rules: &Rules, placed: &Placed, run: &Run<'_>, target: Option<&Target>) -> Feeds {
        let Ok((mapping, placed)) = mapped(rules, None, placed, run) else { return Feeds::default() };
        let codes = rules.mappings.codes();
        let context = Context {
            mapping: &mapping,
            document: &placed.document,
            directory: &placed.directory,
            codes,
            tables: &Tables::default(),
            decimal: '.',
        };
        let run = placed.run(run);
        let (entities, mut faults, fed) = mapping::read_traced(&context, &run, &placed.placement);
        placed.locate(&mut faults);
        let entity = entities.first();
        faults.extend(entity.into_iter().flat_map(Entity::check));
        let mut feeds = Feeds { entity: entity.map(|one| one.kind.clone()), fed, faults, became: HashMap::new() };
        if let (Some(entity), Some(target)) = (entity, target) {
            feeds.write(rules, entity, target);
        }
        feeds
    }

    /// Where a field was written.
    pub fn became(&self, field: &str) -> Vec<Became> {
        self.became.get(field).cloned().unwrap_or_default()
    }

    fn write(&mut self, rules: &Rules, entity: &Entity, target: &Target) {
        let (standard, version, kind) = (&target.standard, &target.version, &target.document);
        let (Ok(mapping), Ok(document), Ok(directory)) = (
            rules.mappings.find(standard, version, kind),
            rules.library.document(standard, version, kind),
            rules.library.directory(standard, version),
        ) else {
            return;
        };
        let codes = rules.mappings.codes();
        let context = Context {
            mapping: &mapping,
            document: &document,
            directory: &directory,
            codes,
            tables: &Tables::default(),
            decimal: '.',
        };
        let (segments, faults, puts) = mapping::write_traced(&context, entity);
        self.faults.extend(faults);
        let occurrences = occurrences(&segments);
        let paths = paths(&segments);
        for put in puts {
            let Some(segment) = segments.get(put.segment) else { continue };
            let place = match &document.markup {
                Some(markup) => markup.place(&paths[put.segment], put.element, put.component),
                None => place(&directory, segment, occurrences[put.segment], &put),
            };
            let value = segment.get(put.element, put.component).to_owned();
            self.became.entry(put.field).or_default().push(Became { place, value });
        }
    }
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
