//! From a placed document to its canonical entities, with what is wrong with them as business documents.

use super::Rules;
use super::configured::Means;
use crate::codec::segment::Placed;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::Entity;
use crate::mapping::{self, Context};
use crate::tree::Run;

/// Reads a document's entities through the mapping of its type, and checks them. Without a mapping there are none, and
/// the findings say so.
#[must_use]
pub fn canonicalise(rules: &Rules, placed: &Placed, run: &Run<'_>) -> (Vec<Entity>, Vec<Diagnostic>) {
    canonicalise_by(rules, &Means::default(), placed, run)
}

/// The same with a partner's own mapping and lookup tables.
#[must_use]
pub fn canonicalise_by(rules: &Rules, means: &Means, placed: &Placed, run: &Run<'_>) -> (Vec<Entity>, Vec<Diagnostic>) {
    let document = &placed.document;
    let packed = || rules.mappings.find(&document.standard, &document.version, &document.kind);
    let mapping = match means.mapping.clone().map_or_else(packed, Ok) {
        Ok(mapping) => mapping,
        Err(error) => {
            let missing = Diagnostic::new(Syntax::Document, Fault::MappingMissing);
            return (Vec::new(), vec![missing.because(error.to_string(), "")]);
        }
    };
    let context = Context {
        mapping: &mapping,
        document,
        directory: &placed.directory,
        codes: rules.mappings.codes(),
        tables: &means.tables,
        decimal: '.',
    };
    let run = placed.run(run);
    let (entities, mut findings) = mapping::read(&context, &run, &placed.placement);
    placed.locate(&mut findings);
    entities.iter().for_each(|entity| findings.extend(entity.check_within(&means.tolerance)));
    (entities, findings)
}
