//! Uploads that are not whole yet: written piece by piece, broken off and resumed, or waiting under a temporary name for
//! their rename. And, for a little while, what was just taken: clients look whether their upload is there.

use super::ranges::Ranges;
use crate::clock::Timestamp;
use crate::store::{INLINE_BYTES_MAX, Result as StoreResult, Spool, Store, StoreError};
use crate::transport::sftp::files::{Done, Refused};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long what was taken can still be looked at.
const TAKEN_SEEN: Duration = Duration::from_secs(5 * 60);
/// What was taken and can still be looked at, at most.
const TAKEN_MAX: usize = 1000;
/// How long an upload that was broken off can be resumed.
const RESUMED_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes that are read at once from a file on its way into the ledger.
const PIECE_BYTES: usize = 256 * 1024;

/// Folder and name.
pub(super) type Key = (String, String);

/// The unfinished uploads of a mailbox.
#[derive(Default)]
pub(super) struct Drafts {
    all: Mutex<BTreeMap<Key, Arc<Mutex<Draft>>>>,
    taken: Mutex<VecDeque<(Key, u64, Timestamp)>>,
}

/// One upload.
pub(super) struct Draft {
    bytes: Bytes,
    seen: Ranges,
    pub size: u64,
    /// When it was written to last.
    pub at: Timestamp,
    /// Something of it was refused: what is there is not what its client sent.
    pub has_failed: bool,
    /// Its client closed it when all of it was there.
    pub is_closed: bool,
    /// Which opening may write: the last one. A client that lost its connection comes back before the old one is noticed.
    pub opening: u64,
    /// The opening that is on its way into the ledger, or that was taken.
    taken: Option<u64>,
}

/// An upload as it was closed, apart from what becomes of it: while it is brought into the ledger nobody waits who only looks at it.
pub(super) struct Closed {
    bytes: Bytes,
    size: u64,
    opening: u64,
}

enum Bytes {
    Memory(Vec<u8>),
    File(File),
}

pub(super) fn locked(draft: &Mutex<Draft>) -> MutexGuard<'_, Draft> {
    draft.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Draft {
    fn new(now: Timestamp) -> Self {
        Self {
            bytes: Bytes::Memory(Vec::new()),
            seen: Ranges::default(),
            size: 0,
            at: now,
            has_failed: false,
            is_closed: false,
            opening: 0,
            taken: None,
        }
    }

    /// Begins anew.
    pub fn clear(&mut self, now: Timestamp) {
        *self = Draft { opening: self.opening, ..Draft::new(now) };
    }

    /// Takes bytes. Blocks for a write to the page cache at most.
    pub fn write(&mut self, store: &Store, offset: u64, bytes: &[u8], limit: u64, now: Timestamp) -> Done<()> {
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= limit);
        let end =
            end.ok_or_else(|| Refused::failed(format!("expected a file of up to {limit} bytes; send it in parts")))?;
        self.fits(store, end, now)?;
        self.put(offset, bytes, end)?;
        self.at = now;
        Ok(())
    }

    /// Only what is written is seen: what a full disk took nothing of is missed when the upload is resumed and closed.
    fn put(&mut self, offset: u64, bytes: &[u8], end: u64) -> Done<()> {
        let is_told = self.has_failed;
        match &mut self.bytes {
            Bytes::Memory(memory) => {
                let (start, end) = (at(offset), at(end));
                if memory.len() < end {
                    memory.resize(end, 0);
                }
                memory[start..end].copy_from_slice(bytes);
            }
            Bytes::File(file) => file.write_all_at(bytes, offset).map_err(|error| unkept_packet(is_told, &error))?,
        }
        self.size = self.size.max(end);
        if !self.seen.add(offset, end) {
            return Err(Refused::failed("expected a file without so many holes"));
        }
        Ok(())
    }

    /// Cuts or stretches it; what is stretched has to be written yet.
    pub fn resize(&mut self, store: &Store, size: u64, limit: u64, now: Timestamp) -> Done<()> {
        if size > limit {
            return Err(Refused::failed(format!("expected a file of up to {limit} bytes; send it in parts")));
        }
        self.fits(store, size, now)?;
        let is_told = self.has_failed;
        match &mut self.bytes {
            Bytes::Memory(memory) => memory.resize(at(size), 0),
            Bytes::File(file) => file.set_len(size).map_err(|error| unkept_packet(is_told, &error))?,
        }
        self.seen.cut(size);
        self.size = size;
        Ok(())
    }

    /// A large one goes into a file that has no name.
    fn fits(&mut self, store: &Store, end: u64, now: Timestamp) -> Done<()> {
        if let Bytes::Memory(memory) = &self.bytes
            && end > INLINE_BYTES_MAX as u64
        {
            let unkept = |error: &dyn std::fmt::Display| unkept_packet(self.has_failed, error);
            let file = store.scratch_file(now).map_err(|error| unkept(&error))?;
            file.write_all_at(memory, 0).map_err(|error| unkept(&error))?;
            self.bytes = Bytes::File(file);
        }
        Ok(())
    }

    /// Whether all its bytes are there; else where they lack.
    pub fn whole(&self) -> Done<()> {
        if self.has_failed {
            return Err(Refused::failed("not all that was sent could be taken; it does not count, send it again"));
        }
        if self.seen.is_whole(self.size) {
            return Ok(());
        }
        let hole = self.seen.hole();
        Err(Refused::failed(format!(
            "bytes from {hole} on were not sent; it does not count, resume it or send it again"
        )))
    }

    /// Its bytes, for the one who takes them into the ledger: once, until that is given up.
    pub fn begin_taking(&mut self) -> Done<Closed> {
        if !self.is_closed {
            return Err(Refused::failed("another session writes to it"));
        }
        if self.taken == Some(self.opening) {
            return Err(Refused::failed("another session has it taken already; look whether it is there"));
        }
        let bytes = match &self.bytes {
            Bytes::Memory(memory) => Bytes::Memory(memory.clone()),
            Bytes::File(file) => Bytes::File(file.try_clone().map_err(|error| unkept(&error))?),
        };
        self.taken = Some(self.opening);
        Ok(Closed { bytes, size: self.size, opening: self.opening })
    }

    /// It was not taken, and can be tried again.
    pub fn give_up(&mut self, opening: u64) {
        if self.taken == Some(opening) {
            self.taken = None;
        }
    }
}

impl Closed {
    /// Which opening it was.
    pub fn opening(&self) -> u64 {
        self.opening
    }

    /// Brings it into a spool of the ledger. Blocks.
    pub fn pour(&self, spool: &mut Spool) -> StoreResult<()> {
        let file = match &self.bytes {
            Bytes::Memory(memory) => return spool.write(memory),
            Bytes::File(file) => file,
        };
        let (mut piece, mut offset) = (vec![0; PIECE_BYTES], 0);
        while offset < self.size {
            let length = at((self.size - offset).min(PIECE_BYTES as u64));
            let read = file.read_exact_at(&mut piece[..length], offset);
            read.map_err(|error| StoreError::Damaged(format!("an upload on its way: {error}")))?;
            spool.write(&piece[..length])?;
            offset += length as u64;
        }
        Ok(())
    }
}

/// Sizes in memory are below [`INLINE_BYTES_MAX`], pieces below [`PIECE_BYTES`].
fn at(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// What is said to who dropped a file that could not be kept.
const UNKEPT: &str = "it could not be kept; nothing was lost, send it again later";

/// Our own failure, told without our paths.
pub(super) fn unkept(error: &dyn std::fmt::Display) -> Refused {
    tracing::error!(error = %error, "An upload was not kept");
    Refused::failed(UNKEPT)
}

/// The same of one packet; those of an upload of which it is told already fail alike, and are not told.
fn unkept_packet(is_told: bool, error: &dyn std::fmt::Display) -> Refused {
    if is_told { Refused::failed(UNKEPT) } else { unkept(error) }
}

impl Drafts {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Mutex<Draft>>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> MutexGuard<'_, VecDeque<(Key, u64, Timestamp)>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An upload that is there.
    pub fn find(&self, folder: &str, name: &str) -> Option<Arc<Mutex<Draft>>> {
        self.all().get(&(folder.to_owned(), name.to_owned())).cloned()
    }

    /// An upload that is there or begins now, where there is room.
    pub fn find_or_begin(&self, folder: &str, name: &str, most: usize, now: Timestamp) -> Done<Arc<Mutex<Draft>>> {
        let mut all = self.all();
        let key = (folder.to_owned(), name.to_owned());
        if let Some(found) = all.get(&key) {
            return Ok(found.clone());
        }
        all.retain(|_, draft| Arc::strong_count(draft) > 1 || locked(draft).at + RESUMED_WITHIN > now);
        if all.len() >= most {
            return Err(Refused::failed(format!("expected up to {most} unfinished uploads; finish or remove some")));
        }
        Ok(all.entry(key).or_insert_with(|| Arc::new(Mutex::new(Draft::new(now)))).clone())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all().len()
    }

    /// What lies in a folder: name, size, when.
    pub fn list(&self, folder: &str) -> Vec<(String, u64, Timestamp)> {
        let all = self.all();
        let here = all.iter().filter(|((of, _), _)| of == folder);
        here.map(|((_, name), draft)| {
            let draft = locked(draft);
            (name.clone(), draft.size, draft.at)
        })
        .collect()
    }

    /// Removes an upload; whether there was one.
    pub fn remove(&self, folder: &str, name: &str) -> bool {
        self.all().remove(&(folder.to_owned(), name.to_owned())).is_some()
    }

    /// Removes this very upload, not one that began anew under its name.
    pub fn remove_this(&self, folder: &str, name: &str, draft: &Arc<Mutex<Draft>>) {
        let (mut all, key) = (self.all(), (folder.to_owned(), name.to_owned()));
        if all.get(&key).is_some_and(|found| Arc::ptr_eq(found, draft)) {
            all.remove(&key);
        }
    }

    /// Gives an upload another name; what has that name is replaced where `replace` says so.
    pub fn rename(&self, folder: &str, from: &str, to: &str, replace: bool) -> Done<()> {
        let (mut all, key) = (self.all(), (folder.to_owned(), to.to_owned()));
        if all.contains_key(&key) && !replace && from != to {
            return Err(Refused::failed(format!("{to} is there already")));
        }
        let draft = all.remove(&(folder.to_owned(), from.to_owned()));
        all.insert(key, draft.ok_or_else(|| Refused::missing(format!("no file {from}")))?);
        Ok(())
    }

    /// Notes that a file was taken.
    pub fn note_taken(&self, folder: &str, name: &str, size: u64, now: Timestamp) {
        let mut taken = self.taken();
        taken.retain(|((of, other), _, at)| (of != folder || other != name) && *at + TAKEN_SEEN > now);
        if taken.len() >= TAKEN_MAX {
            taken.pop_front();
        }
        taken.push_back(((folder.to_owned(), name.to_owned()), size, now));
    }

    /// Size and time of a file that was taken just now.
    pub fn just_taken(&self, folder: &str, name: &str, now: Timestamp) -> Option<(u64, Timestamp)> {
        let taken = self.taken();
        let found = taken.iter().find(|((of, other), _, at)| of == folder && other == name && *at + TAKEN_SEEN > now);
        found.map(|(_, size, at)| (*size, *at))
    }

    /// Takes a file that was taken out of sight; whether it was in it.
    pub fn forget_taken(&self, folder: &str, name: &str) -> bool {
        let mut taken = self.taken();
        let before = taken.len();
        taken.retain(|((of, other), _, _)| of != folder || other != name);
        taken.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    #[test]
    fn bytes_that_could_not_be_written_are_missed_when_it_is_resumed() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let read_only = File::open(file.path()).expect("a file");
        let mut draft = Draft { bytes: Bytes::File(read_only), ..Draft::new(at(0)) };
        assert!(draft.put(0, b"lost", 4).is_err(), "there was no room");
        draft.bytes = Bytes::File(file.reopen().expect("a file"));
        draft.put(4, b"kept", 8).expect("there is room again");
        assert_eq!((draft.size, draft.whole().is_err()), (8, true), "four bytes of it are not there");
        draft.put(0, b"lost", 4).expect("sent again");
        assert_eq!(draft.whole(), Ok(()));
    }

    #[test]
    fn an_upload_is_taken_once_unless_it_was_given_up() {
        let mut draft = Draft::new(at(0));
        assert!(draft.begin_taking().is_err(), "it is open");
        draft.is_closed = true;
        let opening = draft.begin_taking().map(|closed| closed.opening()).expect("closed");
        assert!(draft.begin_taking().is_err(), "it is being taken");
        draft.give_up(opening + 1);
        assert!(draft.begin_taking().is_err());
        draft.give_up(opening);
        assert!(draft.begin_taking().is_ok(), "once more");
        // Who opens it anew has another file.
        draft.opening += 1;
        assert!(draft.begin_taking().is_ok());
    }
}
