//! The folder of files that is a channel's other side, opened: of this machine, where the instance lets channels in.

use super::reach::Unready;
use super::state::Service;
use crate::partner::Channel;
use crate::transport::folder::Folder;
use crate::transport::place::{Done, Place};
use std::path::PathBuf;

/// How the folder of a channel is reached, with the secrets for it. Nothing of it is kept beyond an attempt.
pub(super) enum PlaceOf {
    /// A folder of this machine, and those in which it has to lie.
    Folder(PathBuf, Vec<PathBuf>),
}

/// How the folder of a channel is reached.
///
/// # Errors
/// [`Unready`].
pub(super) async fn place_of(service: &Service, channel: &Channel) -> Result<PlaceOf, Unready> {
    Ok(PlaceOf::Folder(PathBuf::from(channel.folder()), service.config.folder.roots.clone()))
}

impl PlaceOf {
    /// Opens it.
    pub(super) async fn open(&self) -> Done<Box<dyn Place>> {
        match self {
            PlaceOf::Folder(path, roots) => Ok(Box::new(Folder::open(path, roots).await?)),
        }
    }

    /// What it is, for people.
    pub(super) fn shown(&self) -> String {
        match self {
            PlaceOf::Folder(path, _) => path.display().to_string(),
        }
    }
}
