//! Guides to start from, packed from `guides/`: common subsets that many partners ask for, each to be named as it is or as
//! the base of a partner's own.

use include_dir::{Dir, include_dir};
use serde_json::Value;

static PACKED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/guides");

/// Their names, sorted.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = PACKED.files().filter_map(|file| file.path().file_stem()?.to_str()).collect();
    names.sort_unstable();
    names
}

/// The file of one, as it is written.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    PACKED.get_file(format!("{name}.yaml"))?.contents_utf8()
}

/// What the file of one says, without the keys by which a resource is told.
#[must_use]
pub fn file(name: &str) -> Option<Value> {
    let mut file = crate::yaml::document(text(name)?).ok()?.to_json();
    file.as_object_mut()?.retain(|key, _| !["kind", "name"].contains(&key.as_str()));
    Some(file)
}
