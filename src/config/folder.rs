//! `[folder]`: which folders of this machine channels may use. Resources come from whoever may apply them; where the service may
//! read and write is said by who runs it.

use serde::Deserialize;
use std::path::PathBuf;

/// Folders that channels may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Folder {
    /// These, with all below them; none: channels of transport folder take and put nothing.
    pub roots: Vec<PathBuf>,
}
