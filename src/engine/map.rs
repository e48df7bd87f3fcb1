//! From an entity to the draft of a document, through the mapping of the target type. Envelope and bytes are `encode`'s.

use super::Means;
use super::Rules;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::Entity;
use crate::mapping::{self, Context};
use crate::tree::DocumentDraft;

/// A document type to write: `edifact/d96a/ORDERS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `x12`, `edifact`.
    pub standard: String,
    /// Folder name of the version.
    pub version: String,
    /// Document type.
    pub document: String,
    /// Functional identifier of its group (X12 GS01); empty when the standard has none.
    pub group: String,
    /// Whose syntax it is written in.
    pub syntax: Syntax,
    /// The standard whose codes its values are.
    pub codes: String,
}

impl Target {
    /// Reads `standard/version/type`, upper and lower case alike.
    ///
    /// # Errors
    /// A sentence with the likely target, or those there are.
    pub fn parse(rules: &Rules, text: &str) -> Result<Self, String> {
        let known = rules.mappings.list();
        let found = known.iter().find(|parts| parts.join("/").eq_ignore_ascii_case(text));
        let Some([standard, version, document]) = found else {
            let mut names = vec!["entity".to_owned()];
            names.extend(known.iter().map(|parts| parts.join("/")));
            // Whoever names a standard that is known means that one.
            let standard = text.split('/').next().unwrap_or_default();
            if known.iter().any(|[known, ..]| known.eq_ignore_ascii_case(standard)) {
                names.retain(|name| name.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(standard)));
            }
            // A type alone, or in another version, means that type.
            let last = text.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            let same: Vec<_> =
                names.iter().filter(|name| name.to_ascii_lowercase().ends_with(&format!("/{last}"))).collect();
            let hint = match same.as_slice() {
                [] => crate::near::hint(text, &names),
                [one] => format!("; did you mean {one}?"),
                several => format!(
                    "; did you mean one of {}?",
                    several.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(format!("no target {text}{hint}"));
        };
        let definition = rules.library.document(standard, version, document).map_err(|error| error.to_string())?;
        Ok(Target {
            standard: standard.clone(),
            version: version.clone(),
            document: document.clone(),
            group: definition.groups.first().cloned().unwrap_or_default(),
            syntax: definition.syntax(),
            codes: definition.codes().to_owned(),
        })
    }

    /// Whose syntax it is written in.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The version as the envelope names it: `004010`, `D.96A`.
    #[must_use]
    pub fn envelope_version(&self) -> String {
        match self.version.split_at_checked(1) {
            Some((first, rest)) if self.standard == "edifact" && rest.len() == 3 => {
                format!("{first}.{rest}").to_ascii_uppercase()
            }
            _ => self.version.clone(),
        }
    }
}

/// Writes an entity as a document of the target type. Findings of severity error mean that the draft is not what the
/// entity says.
///
/// # Errors
/// The finding that there is no such mapping, or that it is for another entity.
pub fn map(
    rules: &Rules,
    target: &Target,
    entity: &Entity,
    control_number: &str,
) -> Result<(DocumentDraft, Vec<Diagnostic>), Box<Diagnostic>> {
    map_by(rules, &Means::default(), target, entity, control_number)
}

/// The same with a partner's own mapping and lookup tables.
///
/// # Errors
/// As [`map`].
pub fn map_by(
    rules: &Rules,
    means: &Means,
    target: &Target,
    entity: &Entity,
    control_number: &str,
) -> Result<(DocumentDraft, Vec<Diagnostic>), Box<Diagnostic>> {
    let missing = |reason: String| {
        Box::new(Diagnostic::new(Syntax::Document, Fault::MappingMissing).because(reason, &*entity.kind))
    };
    let (standard, version, document) = (&target.standard, &target.version, &target.document);
    let packed = || rules.mappings.find(standard, version, document);
    let mapping = means.mapping.clone().map_or_else(packed, Ok).map_err(|error| missing(error.to_string()))?;
    if !mapping.select.iter().any(|choice| choice.entity == entity.kind) {
        let entities: Vec<_> = mapping.select.iter().map(|choice| choice.entity.as_str()).collect();
        return Err(missing(format!("{}, which is what {document} carries", entities.join(" or "))));
    }
    let definition = rules.library.document(standard, version, document).map_err(|error| missing(error.to_string()))?;
    let directory = rules.library.directory(standard, version).map_err(|error| missing(error.to_string()))?;
    let codes = rules.mappings.codes();
    let tables = &means.tables;
    let context =
        Context { mapping: &mapping, document: &definition, directory: &directory, codes, tables, decimal: '.' };
    let (segments, findings) = mapping::write(&context, entity);
    let draft = DocumentDraft {
        standard: standard.clone(),
        kind: document.clone(),
        version: target.envelope_version(),
        guide: String::new(),
        control_number: control_number.to_owned(),
        segments,
    };
    Ok((draft, findings))
}
