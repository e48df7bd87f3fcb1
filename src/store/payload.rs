//! Payloads: the bytes of transmissions, sealed; small ones in the database, large ones as files synced before
//! the commit that refers to them. It does not look into them, and every read checks the digest.

use super::Store;
use super::directory::sync_folder;
use super::error::{Result, StoreError};
use super::rows::{Cell, Rows};
use super::seal::{CHUNK_BYTES, HEAD_BYTES, Opener, Sealer, TAG_BYTES};
use super::value::{Micros, hexadecimal};
use super::writer::Tx;
use crate::clock::Timestamp;
use aws_lc_rs::digest::{Context, SHA256, digest};
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

/// Up to this many bytes a payload lives in the database; beyond, in a file.
pub const INLINE_BYTES_MAX: usize = 256 * 1024;

/// Of what there is nothing any more where retention removed it.
const PURGED: &str = "bytes any more, since the time that [keep] gives them is over, of payload";

/// What is known of a payload without reading it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Payload {
    /// Its id.
    pub payload_id: String,
    /// SHA-256 of the plaintext, hexadecimal.
    pub digest: String,
    /// Bytes of plaintext.
    pub size: i64,
    /// As its transport said.
    pub content_type: String,
    /// When retention removed the bytes.
    pub purged_at: Option<Micros>,
    /// When it was stored.
    pub created_at: Micros,
}

/// A complete, sealed payload that no commit refers to yet. Dropped without a commit, a file of it is removed at the
/// next start.
#[derive(Debug)]
pub struct Content {
    pub(crate) payload_id: String,
    digest: String,
    size: i64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Inline(Vec<u8>),
    File(PathBuf),
}

impl Place {
    /// The sealed bytes, where they stand in the database.
    fn inline(&self) -> Option<&[u8]> {
        match self {
            Place::Inline(sealed) => Some(sealed),
            Place::File(_) => None,
        }
    }
}

impl Content {
    /// The id it will have as a payload.
    #[must_use]
    pub fn payload_id(&self) -> &str {
        &self.payload_id
    }

    /// SHA-256 of the plaintext, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Removes its file, where it turned out to be unwanted before any commit.
    pub fn discard(self) {
        Files::of([&self]).remove();
    }

    /// Removes its file when this is dropped, unless it is said that somebody keeps it.
    #[must_use]
    pub fn unkept(&self) -> Unkept {
        Unkept(Files::of([self]))
    }

    /// Bytes of plaintext.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(0)
    }
}

/// The file of a content while it may still turn out to be unwanted, be it that who waits for it goes away.
pub struct Unkept(Files);

impl Unkept {
    /// It is wanted, and whoever keeps it removes it where that fails.
    pub fn kept(mut self) {
        self.0.0.clear();
    }
}

impl Drop for Unkept {
    fn drop(&mut self) {
        Files(std::mem::take(&mut self.0.0)).remove();
    }
}

/// The files of contents on their way into a commit.
pub(crate) struct Files(Vec<PathBuf>);

impl Files {
    pub fn of<'c>(contents: impl IntoIterator<Item = &'c Content>) -> Self {
        let file = |content: &Content| match &content.place {
            Place::Inline(_) => None,
            Place::File(path) => Some(path.clone()),
        };
        Files(contents.into_iter().filter_map(file).collect())
    }

    /// Removes them, where the contents turned out to be unwanted; should that fail, the next start does.
    pub fn remove(self) {
        for path in self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A body on its way in: counts, digests and seals as it grows; in memory first, in a file once it is large.
pub struct Spool {
    store: Store,
    payload_id: String,
    context: Context,
    size: u64,
    limit: u64,
    pending: Vec<u8>,
    file: Option<(File, PathBuf, Sealer)>,
    /// It comes in, and leaves what is kept of the disk alone.
    leaves_reserve: bool,
}

impl Spool {
    /// The same for what comes in: as a file it does not grow into what is kept of the disk.
    #[must_use]
    pub fn leaving_reserve(mut self) -> Self {
        self.leaves_reserve = true;
        self
    }

    /// Takes the next bytes. Blocks for a write to the page cache at most; refuses what passes the limit.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            return Err(StoreError::Limit(format!("a body of more than {} bytes", self.limit)));
        }
        self.context.update(bytes);
        if self.file.is_some() {
            return self.fill(bytes);
        }
        self.pending.extend_from_slice(bytes);
        if self.pending.len() <= INLINE_BYTES_MAX {
            return Ok(());
        }
        self.begin_file()?;
        let room = Vec::with_capacity(CHUNK_BYTES + TAG_BYTES);
        let first = std::mem::replace(&mut self.pending, room);
        self.fill(&first)
    }

    /// Bytes taken so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    fn begin_file(&mut self) -> Result<()> {
        let path = self.store.directory().temporary(&self.payload_id);
        let (sealer, head) = self.store.master_key().seal(&self.payload_id, self.store.random())?;
        let mut file = File::create_new(&path).map_err(|error| StoreError::file(&path, error))?;
        file.write_all(&head).map_err(|error| StoreError::file(&path, error))?;
        self.file = Some((file, path, sealer));
        Ok(())
    }

    /// Fills the chunk at hand, and writes it when more comes: the last chunk must be known as such.
    fn fill(&mut self, mut bytes: &[u8]) -> Result<()> {
        let Some((file, path, sealer)) = &mut self.file else { return Ok(()) };
        if self.leaves_reserve {
            self.store.has_room()?;
        }
        while !bytes.is_empty() {
            if self.pending.len() == CHUNK_BYTES {
                sealer.seal(&mut self.pending, false)?;
                file.write_all(&self.pending).map_err(|error| StoreError::file(path, error))?;
                self.pending.clear();
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Seals the end and, for a file, syncs it under its final name. After this the content may be committed.
    pub async fn finish(self) -> Result<Content> {
        if self.file.is_none() {
            // What stands in the database is sealed sooner than another thread is woken.
            return self.finish_blocking();
        }
        tokio::task::spawn_blocking(move || self.finish_blocking())
            .await
            .map_err(|error| StoreError::Unfit(format!("spool: {error}")))?
    }

    /// [`Spool::finish`] for callers outside the runtime.
    pub fn finish_blocking(mut self) -> Result<Content> {
        let context = std::mem::replace(&mut self.context, Context::new(&SHA256));
        let digest = hexadecimal(context.finish().as_ref());
        let size = i64::try_from(self.size).map_err(|_| StoreError::Limit("a body's size".to_owned()))?;
        let payload_id = self.payload_id.clone();
        let Some((mut file, path, mut sealer)) = self.file.take() else {
            let sealed = self.store.master_key().seal_all(&payload_id, &self.pending, self.store.random())?;
            return Ok(Content { payload_id, digest, size, place: Place::Inline(sealed) });
        };
        let target = self.store.directory().payload(&payload_id);
        let mut keep = || {
            sealer.seal(&mut self.pending, true)?;
            file.write_all(&self.pending)
                .and_then(|()| file.sync_all())
                .and_then(|()| std::fs::rename(&path, &target))
                .map_err(|error| StoreError::file(&path, error))?;
            target.parent().map_or(Ok(()), sync_folder)
        };
        if let Err(error) = keep() {
            // It stands under one of the two names; a disk that is full has the more room.
            Files(vec![path, target]).remove();
            return Err(error);
        }
        crate::fail::fail_point("payload.synced");
        Ok(Content { payload_id, digest, size, place: Place::File(target) })
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Some((_, path, _)) = &self.file {
            // An unfinished upload; what cannot be removed now is removed at the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Reads a payload's plaintext piece by piece; the last read fails if the digest does not match. From elsewhere than its begin it
/// has no digest, and each block of it is proved by its seal.
pub struct PayloadReader {
    payload: Payload,
    source: Source,
    context: Option<Context>,
    buffer: Vec<u8>,
    taken: usize,
    blocks: u64,
}

enum Source {
    Plain,
    File { file: io::BufReader<File>, opener: Opener, sealed_left: u64 },
}

impl PayloadReader {
    /// What is being read.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The same from its beginning, where it is in memory: a payload of the database, checked already.
    #[must_use]
    pub fn again(&self) -> Option<PayloadReader> {
        let Source::Plain = self.source else { return None };
        let (payload, buffer) = (self.payload.clone(), self.buffer.clone());
        Some(PayloadReader { payload, source: Source::Plain, context: None, buffer, taken: 0, blocks: 0 })
    }

    /// How many sealed blocks were opened for what was read.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Goes to a byte of the plaintext; of a file no block before that byte's is read.
    ///
    /// # Errors
    /// The file cannot be read or is cut, or the block was changed.
    pub fn go_to(&mut self, start: u64) -> io::Result<()> {
        let within = |start: u64| usize::try_from(start).unwrap_or(usize::MAX);
        let Source::File { file, opener, sealed_left } = &mut self.source else {
            self.taken = within(start).min(self.buffer.len());
            return Ok(());
        };
        let (block, whole) = (start / CHUNK_BYTES as u64, (CHUNK_BYTES + TAG_BYTES) as u64);
        let length = file.get_ref().metadata()?.len();
        let place = (HEAD_BYTES as u64).saturating_add(block.saturating_mul(whole)).min(length);
        if place == length && start < u64::try_from(self.payload.size).unwrap_or(0) {
            let (id, size) = (&self.payload.payload_id, self.payload.size);
            let words =
                format!("{id}: expected {size} bytes, as they were kept, and its file ends before byte {start}");
            return Err(io::Error::other(StoreError::Damaged(words)));
        }
        file.seek(SeekFrom::Start(place))?;
        opener.go_to(block);
        (*sealed_left, self.buffer, self.taken) = (length - place, Vec::new(), 0);
        self.context = (start == 0).then(|| Context::new(&SHA256));
        let left = start % CHUNK_BYTES as u64;
        if left > 0 && self.refill()? {
            self.taken = within(left).min(self.buffer.len());
        }
        Ok(())
    }

    fn refill(&mut self) -> io::Result<bool> {
        let Source::File { file, opener, sealed_left } = &mut self.source else { return Ok(false) };
        if *sealed_left == 0 {
            return Ok(false);
        }
        let whole = (CHUNK_BYTES + TAG_BYTES) as u64;
        let length = (*sealed_left).min(whole);
        self.buffer.resize(usize::try_from(length).unwrap_or(CHUNK_BYTES + TAG_BYTES), 0);
        // Nothing of it counts before it is opened.
        self.taken = self.buffer.len();
        file.read_exact(&mut self.buffer)?;
        *sealed_left -= length;
        opener.open(&mut self.buffer, *sealed_left == 0).map_err(io::Error::other)?;
        (self.taken, self.blocks) = (0, self.blocks + 1);
        if let Some(context) = &mut self.context {
            context.update(&self.buffer);
        }
        Ok(true)
    }

    fn check(&mut self) -> io::Result<()> {
        let Some(context) = self.context.take() else { return Ok(()) };
        differs(&self.payload, &hexadecimal(context.finish().as_ref())).map_err(io::Error::other)
    }
}

impl Read for PayloadReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.buffer.len() {
            if !self.refill()? {
                self.check()?;
                return Ok(0);
            }
        }
        let length = target.len().min(self.buffer.len() - self.taken);
        target[..length].copy_from_slice(&self.buffer[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}

/// A payload that is read as often as somebody wants, without asking the database again.
#[derive(Clone)]
pub struct PayloadSource {
    store: Store,
    payload: Payload,
    /// Those of the database, as they were found.
    plain: Option<Arc<[u8]>>,
}

impl PayloadSource {
    /// What it is.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Its bytes, where they are in memory.
    #[must_use]
    pub fn held(&self) -> Option<&[u8]> {
        self.plain.as_deref()
    }

    /// Reads it from its begin; off the runtime's threads.
    ///
    /// # Errors
    /// Its file cannot be had.
    pub fn open(&self) -> io::Result<PayloadReader> {
        match &self.plain {
            Some(plain) => {
                let (payload, buffer) = (self.payload.clone(), plain.to_vec());
                Ok(PayloadReader { payload, source: Source::Plain, context: None, buffer, taken: 0, blocks: 0 })
            }
            None => open_file(&self.store, self.payload.clone()).map_err(io::Error::other),
        }
    }

    /// Reads it from a byte on, without reading what stands before; off the runtime's threads.
    ///
    /// # Errors
    /// Its file cannot be had, or was changed.
    pub fn open_at(&self, start: u64) -> io::Result<PayloadReader> {
        let mut reader = self.open()?;
        reader.go_to(start)?;
        Ok(reader)
    }
}

#[derive(sqlx::FromRow)]
struct StoredPayload {
    #[sqlx(flatten)]
    payload: Payload,
    sealed: Option<Vec<u8>>,
}

impl Store {
    /// Begins a body of at most `limit` bytes.
    #[must_use]
    pub fn spool(&self, limit: u64, now: Timestamp) -> Spool {
        Spool {
            store: self.clone(),
            payload_id: self.new_id("pay", now),
            context: Context::new(&SHA256),
            size: 0,
            limit,
            pending: Vec::new(),
            file: None,
            leaves_reserve: false,
        }
    }

    /// An empty file that has no name any more, for what is on its way: it is gone with its last use, or with the process.
    pub fn scratch_file(&self, now: Timestamp) -> Result<File> {
        let path = self.directory().temporary(&self.new_id("tmp", now));
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| StoreError::file(&path, error))?;
        std::fs::remove_file(&path).map_err(|error| StoreError::file(&path, error))?;
        Ok(file)
    }

    /// Seals a body that is in memory already.
    pub async fn content(&self, bytes: &[u8], now: Timestamp) -> Result<Content> {
        if bytes.len() > INLINE_BYTES_MAX {
            let mut spool = self.spool(u64::MAX, now);
            spool.write(bytes)?;
            return spool.finish().await;
        }
        let payload_id = self.new_id("pay", now);
        let sealed = self.master_key().seal_all(&payload_id, bytes, self.random())?;
        let digest = hexadecimal(digest(&SHA256, bytes).as_ref());
        Ok(Content { payload_id, digest, size: bytes.len() as i64, place: Place::Inline(sealed) })
    }

    /// What is known of a payload.
    pub async fn payload(&self, payload_id: &str) -> Result<Option<Payload>> {
        let query =
            "SELECT payload_id, digest, size, content_type, purged_at, created_at FROM payload WHERE payload_id = $1";
        Ok(sqlx::query_as(query).bind(payload_id).fetch_optional(self.reader()).await?)
    }

    /// All of a payload's plaintext, digest checked. For large ones see [`Store::open_payload`].
    pub async fn read_payload(&self, payload_id: &str) -> Result<Vec<u8>> {
        let mut reader = self.open_payload(payload_id).await?;
        let id = payload_id.to_owned();
        if matches!(reader.source, Source::Plain) {
            return Ok(std::mem::take(&mut reader.buffer));
        }
        tokio::task::spawn_blocking(move || {
            let mut plain = Vec::new();
            reader.read_to_end(&mut plain).map_err(|error| StoreError::Damaged(format!("{id}: {error}")))?;
            Ok(plain)
        })
        .await
        .map_err(|error| StoreError::Unfit(format!("payload: {error}")))?
    }

    /// A content that no commit refers to yet, to be read as often as somebody wants.
    ///
    /// # Errors
    /// It is damaged.
    pub fn content_source(&self, content: &Content) -> Result<PayloadSource> {
        let payload = Payload {
            payload_id: content.payload_id.clone(),
            digest: content.digest.clone(),
            size: content.size,
            content_type: String::new(),
            purged_at: None,
            created_at: Micros(0),
        };
        let plain = match content.place.inline() {
            Some(sealed) => Some(open_inline(self, payload.clone(), sealed)?.buffer.into()),
            None => None,
        };
        Ok(PayloadSource { store: self.clone(), payload, plain })
    }

    /// A payload that is read as often as somebody wants.
    pub async fn payload_source(&self, payload_id: &str) -> Result<PayloadSource> {
        let PayloadReader { payload, source, buffer, .. } = self.open_payload(payload_id).await?;
        let plain = matches!(source, Source::Plain).then(|| buffer.into());
        Ok(PayloadSource { store: self.clone(), payload, plain })
    }

    /// A reader over a payload's plaintext; reading blocks, so use it off the runtime's threads.
    pub async fn open_payload(&self, payload_id: &str) -> Result<PayloadReader> {
        let query = "SELECT payload_id, digest, size, content_type, purged_at, created_at, sealed
                     FROM payload WHERE payload_id = $1";
        let stored: Option<StoredPayload> =
            sqlx::query_as(query).bind(payload_id).fetch_optional(self.reader()).await?;
        let missing = || StoreError::NotFound { what: "payload", id: payload_id.to_owned() };
        let StoredPayload { payload, sealed } = stored.ok_or_else(missing)?;
        if payload.purged_at.is_some() {
            return Err(StoreError::NotFound { what: PURGED, id: payload_id.to_owned() });
        }
        match sealed {
            Some(sealed) => open_inline(self, payload, &sealed),
            None => open_file(self, payload),
        }
    }

    /// Removes the files of payloads whose bytes are gone by a commit, as far as they have one; should that fail, the next start does.
    pub(crate) fn remove_purged(&self, payloads: &[String]) {
        Files(payloads.iter().map(|id| self.directory().payload(id)).collect()).remove();
    }
}

/// Bytes of the file of a payload of so many bytes of plaintext.
pub(super) fn file_bytes(size: u64) -> u64 {
    HEAD_BYTES as u64 + size + size.div_ceil(CHUNK_BYTES as u64).max(1) * TAG_BYTES as u64
}

/// Whether what was read is what was kept.
fn differs(Payload { payload_id, digest, .. }: &Payload, found: &str) -> Result<()> {
    if found == digest {
        return Ok(());
    }
    Err(StoreError::Damaged(format!(
        "{payload_id}: expected bytes of SHA-256 {digest}, as they were kept, found {found}"
    )))
}

fn open_inline(store: &Store, payload: Payload, sealed: &[u8]) -> Result<PayloadReader> {
    let plain = store.master_key().open_all(&payload.payload_id, sealed)?;
    differs(&payload, &hexadecimal(digest(&SHA256, &plain).as_ref()))?;
    Ok(PayloadReader { payload, source: Source::Plain, context: None, buffer: plain, taken: 0, blocks: 0 })
}

fn open_file(store: &Store, payload: Payload) -> Result<PayloadReader> {
    let path = store.directory().payload(&payload.payload_id);
    let file = File::open(&path).map_err(|error| StoreError::file(&path, error))?;
    let length = file.metadata().map_err(|error| StoreError::file(&path, error))?.len();
    let mut file = io::BufReader::with_capacity(CHUNK_BYTES + TAG_BYTES, file);
    let mut head = [0; HEAD_BYTES];
    file.read_exact(&mut head).map_err(|error| StoreError::file(&path, error))?;
    let opener = store.master_key().open(&payload.payload_id, &head)?;
    let source = Source::File { file, opener, sealed_left: length - HEAD_BYTES as u64 };
    let context = Some(Context::new(&SHA256));
    Ok(PayloadReader { payload, source, context, buffer: Vec::new(), taken: 0, blocks: 0 })
}

/// Removes a payload's bytes and keeps its facts, inside a commit behind which [`Store::remove_purged`] removes its file.
pub(crate) async fn purge(tx: &mut Tx<'_>, payload_id: &str, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE payload SET sealed = NULL, purged_at = $2 WHERE payload_id = $1 AND purged_at IS NULL")
        .bind(payload_id)
        .bind(Micros::from(now))
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Writes the row of a content, inside the commit that refers to it.
pub(crate) async fn insert(tx: &mut Tx<'_>, content: &Content, content_type: &str, now: Timestamp) -> Result<()> {
    insert_all(tx, &[(content, content_type, now)]).await
}

/// The same of several, each with its type and its time.
pub(crate) async fn insert_all(tx: &mut Tx<'_>, contents: &[(&Content, &str, Timestamp)]) -> Result<()> {
    let mut rows = Rows::new("INSERT INTO payload (payload_id, digest, size, content_type, sealed, created_at)");
    for (content, content_type, now) in contents {
        rows.push([
            Cell::Text(&content.payload_id),
            Cell::Text(&content.digest),
            Cell::Number(content.size),
            Cell::Text(content_type),
            Cell::BytesOrNull(content.place.inline()),
            Micros::from(*now).into(),
        ]);
    }
    rows.insert(tx).await?;
    Ok(())
}
