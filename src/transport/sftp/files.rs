//! What a mailbox can do, as its protocols ask for it. Who implements this keeps the bytes; the protocols keep nothing.

use crate::clock::Timestamp;
use futures_util::future::BoxFuture;
use std::net::IpAddr;
use std::sync::Arc;

/// Why something is refused, as the protocol can say it (draft-ietf-secsh-filexfer-02, 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which kind of refusal.
    pub status: Status,
    /// For people.
    pub text: String,
}

/// Codes of SSH_FXP_STATUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Nothing more to read.
    Eof = 1,
    /// No such file.
    NoSuchFile = 2,
    /// Not allowed here.
    PermissionDenied = 3,
    /// It failed, or a limit was met; the text says which.
    Failure = 4,
    /// The packet breaks the protocol.
    BadMessage = 5,
    /// Not done by this server.
    Unsupported = 8,
}

impl Refused {
    /// There is no such file.
    #[must_use]
    pub fn missing(text: impl Into<String>) -> Self {
        Self { status: Status::NoSuchFile, text: text.into() }
    }

    /// It is not allowed.
    #[must_use]
    pub fn denied(text: impl Into<String>) -> Self {
        Self { status: Status::PermissionDenied, text: text.into() }
    }

    /// It failed for now, or a limit was met.
    #[must_use]
    pub fn failed(text: impl Into<String>) -> Self {
        Self { status: Status::Failure, text: text.into() }
    }
}

/// Something, or why not.
pub type Done<T> = Result<T, Refused>;

/// A file as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in its folder.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it came.
    pub at: Timestamp,
    /// Whether the partner may write to it.
    pub may_write: bool,
}

/// A folder of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name.
    pub name: String,
    /// Whether the partner drops files here.
    pub may_write: bool,
}

/// How an upload begins (SSH_FXF flags).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Begin {
    /// What is there is forgotten.
    pub truncate: bool,
    /// Only where there is nothing yet.
    pub exclusive: bool,
    /// Only where there is something already.
    pub existing: bool,
    /// Everything goes to the end.
    pub append: bool,
    /// Its client said how long it is: it is closed only when it is whole.
    pub is_announced: bool,
}

/// The files of one mailbox, for one who was let in.
pub trait Files: Send + Sync {
    /// Its folders.
    fn folders(&self) -> Vec<Folder>;
    /// What lies in a folder.
    fn list(&self, folder: &str) -> BoxFuture<'_, Done<Vec<Entry>>>;
    /// What is known of a file.
    fn stat(&self, folder: &str, name: &str) -> BoxFuture<'_, Done<Entry>>;
    /// Opens a file to be fetched.
    fn fetch(&self, folder: &str, name: &str) -> BoxFuture<'_, Done<Box<dyn Fetch>>>;
    /// Opens a file to be dropped.
    fn drop_file(&self, folder: &str, name: &str, begin: Begin) -> BoxFuture<'_, Done<Box<dyn Upload>>>;
    /// Removes a file from sight.
    fn remove(&self, folder: &str, name: &str) -> BoxFuture<'_, Done<()>>;
    /// Gives a file another name in its folder; `replace` whatever has that name.
    fn rename(&self, folder: &str, from: &str, to: &str, replace: bool) -> BoxFuture<'_, Done<()>>;
}

/// A file being fetched.
pub trait Fetch: Send {
    /// What is known of it.
    fn entry(&self) -> &Entry;
    /// Bytes from an offset on, at most so many; empty at the end.
    fn read(&mut self, offset: u64, most: usize) -> BoxFuture<'_, Done<Vec<u8>>>;
    /// The partner closed it. When this returns, a complete fetch is noted.
    fn close(self: Box<Self>) -> BoxFuture<'static, Done<()>>;
    /// The partner ended its session by itself and left it open. Where it asked what lies behind the last byte, that counts as a close:
    /// some clients go away before theirs has left them.
    fn left(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A file being dropped. Dropped without [`Upload::close`], it was broken off and may be resumed.
pub trait Upload: Send {
    /// What is known of it by now.
    fn entry(&self) -> Entry;
    /// Takes bytes at an offset.
    fn write(&mut self, offset: u64, bytes: Vec<u8>) -> BoxFuture<'_, Done<()>>;
    /// Cuts or stretches it.
    fn resize(&mut self, size: u64) -> BoxFuture<'_, Done<()>>;
    /// The partner closed it. When this returns `Ok`, it is on disk and counts, unless its name is a temporary one.
    fn close(self: Box<Self>) -> BoxFuture<'static, Done<()>>;
}

/// What somebody shows who wants to come in.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'s> {
    /// A password.
    Password(&'s str),
    /// A public key as SSH writes it (RFC 4253, 6.6), whose owner proved to hold it, or will have to.
    Key(&'s [u8]),
}

/// Who may come in.
pub trait Gate: Send + Sync {
    /// Whether this address may try at all, before anything is said.
    fn may_try(&self, address: IpAddr) -> bool;
    /// The mailbox of a user, if what they show is right; unknown users and wrong proofs are alike in answer and time.
    fn admit<'g>(&'g self, user: &'g str, shown: Shown<'g>, address: IpAddr) -> BoxFuture<'g, Option<Arc<dyn Files>>>;
    /// Whether a key is among those of a user. Nobody is let in by that.
    fn knows_key(&self, user: &str, key: &[u8], address: IpAddr) -> bool;
    /// How many sessions a user may have.
    fn sessions_max(&self, user: &str) -> usize;
    /// A session is over in which nobody came in, nor tried a password.
    fn left_outside(&self, address: IpAddr) -> BoxFuture<'_, ()>;
}
