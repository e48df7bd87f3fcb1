//! The document types whose bytes their definitions lay out, among all of a library: tables, lines of fixed width, JSON; and
//! what an input is said to be that does not say it itself. How they are laid out stands in `layout`.

use super::{CONTENTS, Library, LoadError, SEGMENTS};
use crate::standard::definition::Document;
use crate::standard::packed;
use std::collections::HashMap;
use std::sync::Arc;

/// The document types that are laid out by their definition.
#[derive(Debug, Default)]
pub struct LaidOut {
    /// Each, and whether it is one of our own.
    pub documents: Vec<(Arc<Document>, bool)>,
    /// What is wrong with files that cannot be read: one of them may be meant.
    pub faults: Vec<LoadError>,
}

impl Library {
    /// Whether a version has document types and no file that they share: each says all of itself, as tables do.
    pub(super) fn is_laid_out(&self, folder: &str) -> bool {
        let is_there = |file: &String| packed::name(file).is_some() || self.overlaid().contains(file);
        let mut parts = folder.split('/');
        let own = [parts.next(), parts.next()];
        ![SEGMENTS, CONTENTS].map(|file| format!("{folder}/{file}")).iter().any(is_there)
            && self.types().any(|[standard, version, _]| own == [Some(standard), Some(version)])
    }

    /// The library of those who were told what an input is that does not say it: `standard/version/type`.
    ///
    /// # Errors
    /// There is no such document type that is laid out by a definition.
    pub fn told(&self, kind: &str) -> Result<Self, LoadError> {
        let named =
            |[standard, version, own]: &[String; 3]| kind.eq_ignore_ascii_case(&format!("{standard}/{version}/{own}"));
        let found = self.list().into_iter().find(named);
        let [standard, version, own] = found.ok_or_else(|| LoadError::Unknown(kind.to_owned()))?;
        let told = self.document(&standard, &version, &own)?;
        if told.layout().is_none() {
            return Err(LoadError::Unknown(format!("{kind} that says how a file is laid out")));
        }
        Ok(self.telling(Some(&told)))
    }

    /// The same for a document type at hand that is laid out by its definition; of any other, inputs say themselves what they
    /// are.
    #[must_use]
    pub fn telling(&self, document: Option<&Arc<Document>>) -> Self {
        let told = document.filter(|document| document.layout().is_some()).cloned();
        Library { told, ..self.clone() }
    }

    /// What every input is said to be.
    #[must_use]
    pub fn is_told(&self) -> Option<&Arc<Document>> {
        self.told.as_ref()
    }

    /// All document types that are laid out by their definition, and what is wrong with files that are no such definition.
    #[must_use]
    pub fn laid_out(&self) -> &LaidOut {
        self.laid_out.get_or_init(|| {
            let (mut known, mut made): (HashMap<String, bool>, LaidOut) = (HashMap::new(), LaidOut::default());
            for [standard, version, kind] in self.list() {
                let folder = format!("{standard}/{version}");
                if !*known.entry(folder).or_insert_with_key(|folder| self.is_laid_out(folder)) {
                    continue;
                }
                let is_own = self.overlaid().contains(&format!("{standard}/{version}/{kind}.yaml"));
                match self.document(&standard, &version, &kind) {
                    Ok(document) if document.layout().is_some() => made.documents.push((document, is_own)),
                    Ok(_) => {}
                    Err(error) => made.faults.push(error),
                }
            }
            made
        })
    }
}
