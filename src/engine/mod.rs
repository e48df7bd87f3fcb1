//! From a placed document to its entities, and from an entity to bytes, by definitions and mappings. No I/O and no clock, so
//! that the service, the command line, benches and fuzzers run the same code; nothing here knows of the ledger, of
//! transports or of partners.

pub mod batch; // an interchange written document by document
pub mod canonicalise; // document to entities
pub mod encode; // drafts to bytes, read back and checked
pub mod map; // entity to the draft of a document
pub mod prove; // mappings on generated entities, there and back

use crate::entity::Tolerance;
use crate::mapping::{Mapping, MappingError, Mappings};
use crate::standard::load::Library;
use crate::table::Tables;
use std::path::Path;
use std::sync::Arc;

/// What is known about documents: their definitions and their mappings.
pub struct Rules {
    /// Definitions of the standards.
    pub library: Library,
    /// Mappings and code lists.
    pub mappings: Mappings,
}

impl Rules {
    /// What is packed into the binary, with overlays that go before it.
    #[must_use]
    pub fn new(standards: Option<&Path>, mappings: Option<&Path>) -> Self {
        let library = Library::new(standards);
        let mappings = Mappings::new(mappings).by(&library);
        Rules { library, mappings }
    }

    /// The version whose mapping reads a document type: its own, or the nearest that has one.
    #[must_use]
    pub fn mapped_version(&self, standard: &str, version: &str, kind: &str) -> Option<String> {
        match self.mappings.find(standard, version, kind) {
            Err(MappingError::Unknown(_)) => self.mappings.nearest(standard, version, kind),
            _ => Some(version.to_owned()),
        }
    }
}

/// What one document is read or written with.
#[derive(Debug, Clone, Default)]
pub struct Means {
    /// The mapping, where it is not the packed one of the document type.
    pub mapping: Option<Arc<Mapping>>,
    /// The lookup tables.
    pub tables: Arc<Tables>,
    /// Differences of sums that were agreed to pass.
    pub tolerance: Tolerance,
}
