//! What a partner sees of its mailbox: the folders of its channels, what is on its way in them, and what lies for it.

use super::drafts::locked;
use super::fetch;
use super::upload::{Opened, Target, take};
use crate::clock::Timestamp;
use crate::partner::{Directory, Mailbox, MailboxFolder};
use crate::pipeline::state::Service;
use crate::store::mailbox::{MailboxFile, Mark};
use crate::store::{Actor, StoreError};
use crate::transport::sftp::files::{Begin, Done, Entry, Fetch, Files, Folder, Refused, Upload};
use futures_util::future::BoxFuture;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The files of one mailbox, for one session.
pub(super) struct MailboxFiles {
    pub service: Arc<Service>,
    pub mailbox: String,
    pub address: IpAddr,
    pub actor: Actor,
}

/// What a folder is for, apart from the directory it was found in.
pub(super) enum Use {
    In(Target),
    Out,
}

impl MailboxFiles {
    /// The mailbox as it is now; one that was taken away shows nothing.
    pub fn configured<'d>(&self, directory: &'d Directory) -> Done<&'d Mailbox> {
        directory.mailbox(&self.mailbox).ok_or_else(|| Refused::missing("this mailbox is gone"))
    }

    pub fn folder(&self, folder: &str) -> Done<Use> {
        let directory = self.service.directory();
        let mailbox = self.configured(&directory)?;
        let found = directory.mailbox_folders(&self.mailbox).get(folder).copied();
        match found.ok_or_else(|| Refused::missing(format!("this mailbox has no folder {folder}")))? {
            MailboxFolder::In(name, channel) => Ok(Use::In(Target {
                service: self.service.clone(),
                drafts: self.service.mailboxes.drafts(&self.mailbox),
                mailbox: self.mailbox.clone(),
                channel: name.to_owned(),
                folder: folder.to_owned(),
                limit: channel.body_bytes.unwrap_or(self.service.config.limits.body_bytes),
                repeats: mailbox.repeats,
                address: self.address,
                actor: self.actor.clone(),
            })),
            MailboxFolder::Out | MailboxFolder::Errors => Ok(Use::Out),
        }
    }

    /// What was fetched before this moment is out of sight.
    pub fn fetched_since(&self) -> Timestamp {
        let directory = self.service.directory();
        let days = directory.mailbox(&self.mailbox).map_or(0, |mailbox| mailbox.keep_days);
        self.service.now() - DAY * days
    }

    pub async fn lying(&self, folder: &str, name: &str) -> Done<MailboxFile> {
        let found = self.service.store.mailbox_file(&self.mailbox, folder, name, self.fetched_since()).await;
        found.map_err(|error| unlisted(&error))?.ok_or_else(|| absent(folder, name))
    }
}

fn absent(folder: &str, name: &str) -> Refused {
    Refused::missing(format!("no file {name} in {folder}"))
}

fn unlisted(error: &StoreError) -> Refused {
    tracing::error!(error = %error, "A mailbox cannot be looked into");
    Refused::failed("it cannot be looked into now; try again later")
}

fn entry(file: &MailboxFile) -> Entry {
    Entry {
        name: file.name.clone(),
        size: u64::try_from(file.size).unwrap_or(0),
        at: file.created_at.timestamp(),
        may_write: false,
    }
}

impl Files for MailboxFiles {
    fn folders(&self) -> Vec<Folder> {
        let directory = self.service.directory();
        let folders = directory.mailbox_folders(&self.mailbox).into_iter();
        folders
            .map(|(name, folder)| Folder { name: name.to_owned(), may_write: matches!(folder, MailboxFolder::In(..)) })
            .collect()
    }

    fn list(&self, folder: &str) -> BoxFuture<'_, Done<Vec<Entry>>> {
        let folder = folder.to_owned();
        Box::pin(async move {
            match self.folder(&folder)? {
                Use::In(target) => {
                    let all = target.drafts.list(&folder).into_iter();
                    Ok(all.map(|(name, size, at)| Entry { name, size, at, may_write: true }).collect())
                }
                Use::Out => {
                    let since = self.fetched_since();
                    let files = self.service.store.mailbox_folder(&self.mailbox, &folder, since).await;
                    Ok(files.map_err(|error| unlisted(&error))?.iter().map(entry).collect())
                }
            }
        })
    }

    fn stat(&self, folder: &str, name: &str) -> BoxFuture<'_, Done<Entry>> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Box::pin(async move {
            let target = match self.folder(&folder)? {
                Use::In(target) => target,
                Use::Out => return self.lying(&folder, &name).await.map(|file| entry(&file)),
            };
            let on_its_way = target.drafts.find(&folder, &name).map(|draft| {
                let draft = locked(&draft);
                (draft.size, draft.at)
            });
            let found = on_its_way.or_else(|| target.drafts.just_taken(&folder, &name, self.service.now()));
            let (size, at) = found.ok_or_else(|| absent(&folder, &name))?;
            Ok(Entry { name, size, at, may_write: true })
        })
    }

    fn fetch(&self, folder: &str, name: &str) -> BoxFuture<'_, Done<Box<dyn Fetch>>> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Box::pin(async move {
            if let Use::In(_) = self.folder(&folder)? {
                return Err(Refused::denied(format!("what is dropped in {folder} is not read back")));
            }
            let file = self.lying(&folder, &name).await?;
            let entry = entry(&file);
            let opened =
                fetch::Opened::new(self.service.clone(), file, entry, (self.actor.clone(), self.address)).await?;
            Ok(Box::new(opened) as Box<dyn Fetch>)
        })
    }

    fn drop_file(&self, folder: &str, name: &str, begin: Begin) -> BoxFuture<'_, Done<Box<dyn Upload>>> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Box::pin(async move {
            let Use::In(target) = self.folder(&folder)? else {
                return Err(Refused::denied(format!("files are fetched from {folder}, not dropped there")));
            };
            let directory = self.service.directory();
            let (mailbox, now) = (self.configured(&directory)?, self.service.now());
            let is_there = target.drafts.find(&folder, &name).is_some();
            if begin.exclusive && is_there {
                return Err(Refused::failed(format!("{name} is there already")));
            }
            if begin.existing && !is_there {
                return Err(absent(&folder, &name));
            }
            let draft = target.drafts.find_or_begin(&folder, &name, mailbox.uploads, now)?;
            let opening = {
                let mut draft = locked(&draft);
                if begin.truncate {
                    draft.clear(now);
                }
                (draft.is_closed, draft.has_failed) = (false, false);
                draft.opening += 1;
                draft.opening
            };
            let waits_for_rename =
                if begin.is_announced { mailbox.is_temporary(&name) } else { mailbox.waits_for_rename(&name) };
            Ok(Box::new(Opened { target, name, draft, opening, waits_for_rename }) as Box<dyn Upload>)
        })
    }

    fn remove(&self, folder: &str, name: &str) -> BoxFuture<'_, Done<()>> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Box::pin(async move {
            if let Use::In(target) = self.folder(&folder)? {
                // What was taken stays taken; clients that replace a file remove it first.
                let was_there = target.drafts.remove(&folder, &name) | target.drafts.forget_taken(&folder, &name);
                return if was_there { Ok(()) } else { Err(absent(&folder, &name)) };
            }
            let file = self.lying(&folder, &name).await?;
            let (address, now) = (self.address.to_string(), self.service.now());
            let done = self.service.store.mailbox_mark(&file, Mark::Hidden, &address, &self.actor, now).await;
            done.map_err(|error| super::drafts::unkept(&error))
        })
    }

    fn rename(&self, folder: &str, from: &str, to: &str, replace: bool) -> BoxFuture<'_, Done<()>> {
        let (folder, from, to) = (folder.to_owned(), from.to_owned(), to.to_owned());
        Box::pin(async move {
            let Use::In(target) = self.folder(&folder)? else {
                return Err(Refused::denied(format!("files in {folder} keep their names; remove them when fetched")));
            };
            let now = self.service.now();
            let Some(draft) = target.drafts.find(&folder, &from) else {
                if target.drafts.just_taken(&folder, &from, now).is_some() {
                    return Err(Refused::denied(format!(
                        "{from} was taken when it was closed and keeps its name; endings that wait for a rename are told \
                         under temporary"
                    )));
                }
                return Err(absent(&folder, &from));
            };
            if !locked(&draft).is_closed {
                return Err(Refused::failed(format!("{from} was broken off or is open; resume it or send it again")));
            }
            let directory = self.service.directory();
            if self.configured(&directory)?.is_temporary(&to) {
                return target.drafts.rename(&folder, &from, &to, replace);
            }
            if !replace && from != to && target.drafts.find(&folder, &to).is_some() {
                return Err(Refused::failed(format!("{to} is there already")));
            }
            take(&target, &from, &to, &draft).await
        })
    }
}
