//! From a placed document to its canonical entities, with what is wrong with them as business documents.

use super::Means;
use super::Rules;
use crate::codec::segment::Placed;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::Entity;
use crate::mapping::{self, Context, Mapping, MappingError};
use crate::standard::load::LoadError;
use crate::tree::Run;
use std::borrow::Cow;
use std::sync::Arc;

/// Reads a document's entities through the mapping of its type, and checks them. Without a mapping there are none, and
/// the findings say so.
#[must_use]
pub fn canonicalise(rules: &Rules, placed: &Placed, run: &Run<'_>) -> (Vec<Entity>, Vec<Diagnostic>) {
    canonicalise_by(rules, &Means::default(), placed, run)
}

/// The same with a partner's own mapping and lookup tables.
#[must_use]
pub fn canonicalise_by(rules: &Rules, means: &Means, placed: &Placed, run: &Run<'_>) -> (Vec<Entity>, Vec<Diagnostic>) {
    let asked = &placed.document.version;
    let (mapping, placed) = match mapped(rules, means.mapping.clone(), placed, run) {
        Ok(found) => found,
        Err(reason) => {
            let missing = Diagnostic::new(Syntax::Document, Fault::MappingMissing);
            return (Vec::new(), vec![missing.because(reason, "")]);
        }
    };
    let context = Context {
        mapping: &mapping,
        document: &placed.document,
        directory: &placed.directory,
        codes: rules.mappings.codes(),
        tables: &means.tables,
        decimal: '.',
    };
    let run = placed.run(run);
    let (entities, mut findings) = mapping::read(&context, &run, &placed.placement);
    placed.locate(&mut findings);
    if mapping.version != *asked {
        let syntax = placed.document.syntax();
        let expected = format!("a version with a mapping, such as {}, whose mapping was used", mapping.version);
        findings.push(Diagnostic::new(syntax, Fault::VersionNearest).because(expected, &**asked));
    }
    entities.iter().for_each(|entity| findings.extend(entity.check_within(&means.tolerance)));
    (entities, findings)
}

/// The mapping that reads a document, and the document as it takes it. A version without a mapping is read by the one of
/// the nearest version that has one, and placed by that version's definition.
///
/// # Errors
/// Why there is none, in words.
pub fn mapped<'p>(
    rules: &Rules,
    own: Option<Arc<Mapping>>,
    placed: &'p Placed,
    run: &Run<'_>,
) -> Result<(Arc<Mapping>, Cow<'p, Placed>), String> {
    let document = &placed.document;
    let (standard, kind) = (&*document.standard, &*document.kind);
    let find = |version: &str| rules.mappings.find(standard, version, kind);
    let mapping = match own.map_or_else(|| find(&document.version), Ok) {
        Err(MappingError::Unknown(_)) => {
            let nearest = rules.mappings.nearest(standard, &document.version, kind);
            find(nearest.as_deref().unwrap_or(&document.version))
        }
        found => found,
    };
    let mapping = mapping.map_err(|error| error.to_string())?;
    if mapping.version == document.version {
        return Ok((mapping, Cow::Borrowed(placed)));
    }
    let wrong = |error: LoadError| error.to_string();
    let document = rules.library.document(standard, &mapping.version, kind).map_err(wrong)?;
    let directory = rules.library.directory(standard, &mapping.version).map_err(wrong)?;
    Ok((mapping, Cow::Owned(placed.anew(document, directory, run))))
}
