//! Two-way mappings between document types and entities: rules as data, read in both directions.
//!
//! `notation` reads the files, `read` goes from a placed document to entities, `write` back to draft segments, `loss`
//! says what gets lost on the way, `trace` what came from where, `sample` makes entities to prove it, `tree` turns nested
//! documents into flat lists. Bytes and envelopes are the codecs'.

pub mod code; // code lists: canonical codes and their counterparts
pub mod function; // one file a function
mod loss;
mod notation;
mod origin;
mod over; // partners' mappings over packed ones
mod read;
mod rest;
mod sample;
mod select;
mod stencil; // what is kept of one item for the next
mod stranger; // fields that no entity has
mod table;
mod trace;
mod tree;
mod words; // words to numbers
mod write;

pub use loss::{Loss, LossKind, losses};
pub use notation::{Here, Mapping, NotationError, Place, Selector, place};
pub use origin::{Echo, Origin, Taken};
pub use over::OverError;
pub use read::{read, read_traced};
pub use sample::sample;
pub use table::{Row, table};
pub use trace::{Fed, Put};
pub use write::{write, write_traced};

use crate::inherit::{self, InheritError, Layer};
use crate::standard::definition::{Directory, Document};
use crate::standard::load::Library;
use crate::standard::load::is_name;
use crate::standard::version::nearest;
use crate::table::Tables;
use code::Codes;
use include_dir::{Dir, include_dir};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

static PACKED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");

/// A file under `mappings/`, the overlay's before the packed one.
fn file(overlay: Option<&Path>, name: &str) -> Option<String> {
    let overlaid = overlay.and_then(|folder| std::fs::read_to_string(folder.join(name)).ok());
    overlaid.or_else(|| PACKED.get_file(name)?.contents_utf8().map(str::to_owned))
}

/// Why a mapping could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Neither packed nor in the overlay.
    #[error("no mapping {0}; `portolan mappings list` prints what is there")]
    Unknown(String),
    /// The file is there and wrong.
    #[error("mappings/{file}: {problem}")]
    Malformed {
        /// Path below `mappings/`.
        file: String,
        /// Where and what.
        problem: String,
    },
}

/// The mappings at hand. Cheap to share; what was read stays in memory.
#[derive(Debug)]
pub struct Mappings {
    overlay: Option<PathBuf>,
    library: Library,
    codes: Codes,
    read: Mutex<HashMap<String, Arc<Mapping>>>,
    /// Document types without a mapping, each with its nearest version that has one.
    nearest: Mutex<HashMap<[String; 3], Option<String>>>,
}

/// Document types without a mapping whose nearest version is kept in memory.
const NEAREST_KEPT_MAX: usize = 10_000;

/// What a mapping works with besides the document.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The mapping.
    pub mapping: &'a Mapping,
    /// Definition of its document type.
    pub document: &'a Document,
    /// Segments, elements and codes of the version.
    pub directory: &'a Arc<Directory>,
    /// Code lists.
    pub codes: &'a Codes,
    /// Lookup tables.
    pub tables: &'a Tables,
    /// Decimal mark on writing.
    pub decimal: char,
}

impl Mappings {
    /// What is packed into the binary; files of the same path under `overlay` go before it.
    #[must_use]
    pub fn new(overlay: Option<&Path>) -> Self {
        Mappings {
            overlay: overlay.map(Path::to_owned),
            library: Library::new(None),
            codes: Codes::new(overlay),
            read: Mutex::default(),
            nearest: Mutex::default(),
        }
    }

    /// Takes the names that places are made of from these definitions.
    #[must_use]
    pub fn by(self, library: &Library) -> Self {
        Mappings { library: library.clone(), ..self }
    }

    /// What places of a document type are relative to.
    fn here(&self, standard: &str, version: &str, document: &str) -> Here {
        Here::of(self.library.document(standard, version, document).ok().as_deref())
    }

    /// The code lists.
    #[must_use]
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// All mappings as (standard, version, type), sorted: those packed, and those of the overlay.
    #[must_use]
    pub fn list(&self) -> Vec<[String; 3]> {
        let mut found: Vec<String> = Vec::new();
        let mut open: Vec<&Dir<'_>> = PACKED.dirs().collect();
        while let Some(folder) = open.pop() {
            open.extend(folder.dirs());
            found.extend(folder.files().map(|file| file.path().to_string_lossy().into_owned()));
        }
        if let Some(overlay) = &self.overlay {
            crate::standard::load::files_below(overlay, overlay, &mut found);
        }
        let named = |path: &String| {
            let [standard, version, name] = <[&str; 3]>::try_from(path.split('/').collect::<Vec<_>>()).ok()?;
            Some([standard, version, name.strip_suffix(".yaml")?].map(str::to_owned))
        };
        let mut found: Vec<_> = found.iter().filter_map(named).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The version with a mapping that is nearest to one without.
    #[must_use]
    pub fn nearest(&self, standard: &str, version: &str, document: &str) -> Option<String> {
        let find = || {
            let all = self.list();
            let versions = all.iter().filter(|[one, _, other]| one == standard && other == document);
            nearest(standard, version, versions.map(|[_, version, _]| version.as_str())).map(str::to_owned)
        };
        let mut cache = self.nearest.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() == NEAREST_KEPT_MAX {
            return find(); // somebody tries names out
        }
        cache.entry([standard, version, document].map(str::to_owned)).or_insert_with(find).clone()
    }

    /// The file of a mapping as it is written.
    #[must_use]
    pub fn text(&self, standard: &str, version: &str, document: &str) -> Option<String> {
        let names = [standard, version, document];
        if !names.into_iter().all(is_name) {
            return None;
        }
        file(self.overlay.as_deref(), &format!("{}.yaml", names.join("/")))
    }

    /// The mapping of a document type.
    ///
    /// # Errors
    /// [`MappingError`]: not there, or malformed.
    pub fn find(&self, standard: &str, version: &str, document: &str) -> Result<Arc<Mapping>, MappingError> {
        let name = format!("{standard}/{version}/{document}");
        let mut cache = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&name) {
            return Ok(known.clone());
        }
        let whole = inherit::joined(&self.layers(&name)?);
        let mapping = notation::mapping([standard, version, document], &self.here(standard, version, document), &whole)
            .and_then(|mapping| stranger::refuse(&mapping).map(|()| mapping));
        let malformed =
            |error: NotationError| MappingError::Malformed { file: format!("{name}.yaml"), problem: error.to_string() };
        let mapping = mapping.map_err(malformed)?;
        let mapping = Arc::new(mapping);
        cache.insert(name, mapping.clone());
        Ok(mapping)
    }

    /// The mapping file and those it stands on, the lowest first.
    fn layers(&self, name: &str) -> Result<Vec<Layer>, MappingError> {
        let mut unread = None;
        let find = |name: &str| {
            let text = file(self.overlay.as_deref(), &format!("{name}.yaml"))?;
            let parsed = crate::yaml::document(&text).map(|node| node.to_json());
            Some(parsed.map_err(|error| {
                unread = Some(MappingError::Malformed { file: format!("{name}.yaml"), problem: error.to_string() });
                String::new()
            }))
        };
        let found = inherit::layers(name, find, |_| false);
        match (found, unread) {
            (_, Some(unread)) => Err(unread),
            (Ok((layers, _)), None) => Ok(layers),
            (Err(InheritError::Unknown { name, path }), None) if path.is_empty() => Err(MappingError::Unknown(name)),
            (Err(error), None) => {
                Err(MappingError::Malformed { file: format!("{name}.yaml"), problem: error.to_string() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_base_is_missing_or_turns_in_a_circle() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| {
            let path = folder.path().join("x12/004010").join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        put("855.yaml", "base: x12/004010/856\n");
        put("856.yaml", "base: x12/004010/855\n");
        put("857.yaml", "base: x12/004010/999\n");
        let mappings = Mappings::new(Some(folder.path()));
        let error = |document: &str| mappings.find("x12", "004010", document).expect_err("wrong").to_string();
        assert!(error("855").contains("circle: x12/004010/855 ← x12/004010/856 ←"), "{}", error("855"));
        assert!(error("857").contains("no x12/004010/999, on which x12/004010/857 stands"), "{}", error("857"));
    }
}
