//! The folder of files that is a channel's other side, opened: on a partner's SFTP server, or of this machine, where the instance
//! lets channels in.

use super::reach::{Unready, networks, secret};
use super::state::Service;
use crate::partner::{Channel, HostKey};
use crate::transport::folder::Folder;
use crate::transport::place::{Done, Place};
use crate::transport::sftp::client::{Client, Pinned, Server};
use std::path::PathBuf;

/// How the folder of a channel is reached, with the secrets for it. Nothing of it is kept beyond an attempt.
pub(super) enum PlaceOf {
    /// A folder of a server.
    Sftp(Box<Server>, String),
    /// A folder of this machine, and those in which it has to lie.
    Folder(PathBuf, Vec<PathBuf>),
}

/// How the folder of a channel is reached.
///
/// # Errors
/// [`Unready`].
pub(super) async fn place_of(service: &Service, channel: &Channel) -> Result<PlaceOf, Unready> {
    let Some(server) = &channel.server else {
        return Ok(PlaceOf::Folder(PathBuf::from(channel.folder()), service.config.folder.roots.clone()));
    };
    let (mut password, mut key) = (None, None);
    if let Some(named) = &server.password {
        password = Some(secret(service, named).await?);
    }
    if let Some(named) = &server.key {
        key = Some(secret(service, named).await?);
    }
    let pinned = server.pinned().map(|one| match one {
        HostKey::Line(kind, bytes) => Pinned::Key(kind, bytes),
        HostKey::Fingerprint(digest) => Pinned::Fingerprint(digest),
    });
    let server = Server {
        host: server.host.clone(),
        port: server.port,
        user: server.user.clone(),
        password,
        key,
        pinned: pinned.collect(),
        allowed: networks(&channel.allow_networks),
    };
    Ok(PlaceOf::Sftp(Box::new(server), channel.folder().to_owned()))
}

impl PlaceOf {
    /// Opens it.
    pub(super) async fn open(&self) -> Done<Box<dyn Place>> {
        match self {
            PlaceOf::Sftp(server, folder) => Ok(Box::new(Client::open(server, folder).await?)),
            PlaceOf::Folder(path, roots) => Ok(Box::new(Folder::open(path, roots).await?)),
        }
    }

    /// What it is, for people; without a secret.
    pub(super) fn shown(&self) -> String {
        match self {
            PlaceOf::Sftp(server, folder) => {
                format!("sftp://{}@{}:{}/{}", server.user, server.host, server.port, folder.trim_start_matches('/'))
            }
            PlaceOf::Folder(path, _) => path.display().to_string(),
        }
    }
}
