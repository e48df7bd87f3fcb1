//! Sealing: AES-256-GCM in 64 KiB chunks, a fresh data key per sealed thing, wrapped by the master key.
//! It hides and detects change; it does not compress, and it keeps no key in the database.
//!
//! Sealed form: `PSL1`, master key id (8), nonce (12), wrapped data key (32 + 16), then chunks of at most 64 KiB
//! plaintext, each followed by its tag (16). A chunk's nonce is its number (the data key is never used twice);
//! its associated data is number and a flag for the last one, so chunks cannot be cut off, swapped or repeated.

use super::error::{Result, StoreError};
use crate::id::Random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Plaintext in one chunk.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// What a sealed thing has before its first chunk.
pub const HEAD_BYTES: usize = 4 + KEY_ID_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES;
/// What each chunk grows by.
pub const TAG_BYTES: usize = 16;
/// The file that names the master key's file, instead of `<data>/master.key`.
pub const MASTER_KEY_VARIABLE: &str = "PORTOLAN_MASTER_KEY_FILE";

const MAGIC: &[u8; 4] = b"PSL1";
const KEY_FILE: &str = "master.key";
const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;

/// The key that wraps all data keys. Never printed, never stored in the database.
pub struct MasterKey {
    key: LessSafeKey,
    key_id: [u8; KEY_ID_BYTES],
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey")
    }
}

impl MasterKey {
    /// Where the key of this data directory lies.
    #[must_use]
    pub fn path(directory: &Path) -> PathBuf {
        std::env::var_os(MASTER_KEY_VARIABLE).map_or_else(|| directory.join(KEY_FILE), PathBuf::from)
    }

    /// Makes the key's file unless there is one; only its owner may read it.
    pub fn create(path: &Path, random: &dyn Random) -> Result<()> {
        let mut options = fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(StoreError::file(path, error)),
        };
        let mut bytes = [0; KEY_BYTES];
        random.fill(&mut bytes);
        let text = format!("{}\n", super::value::hexadecimal(&bytes));
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| StoreError::file(path, error))?;
        path.parent().map_or(Ok(()), super::directory::sync_folder)
    }

    /// Reads the key; refuses a file that others may read.
    pub fn load(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(|error| StoreError::file(path, error))?;
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
            return Err(StoreError::Unfit(format!("{} may be read by others; run chmod 600 on it", path.display())));
        }
        let text = fs::read_to_string(path).map_err(|error| StoreError::file(path, error))?;
        let bytes = parse_key(text.trim()).ok_or_else(|| {
            StoreError::Unfit(format!("{}: expected {} hexadecimal digits", path.display(), KEY_BYTES * 2))
        })?;
        Self::from_bytes(&bytes)
    }

    /// A key from its bytes.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self> {
        let hash = digest::digest(&digest::SHA256, bytes);
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(&hash.as_ref()[..KEY_ID_BYTES]);
        Ok(Self { key: aead_key(bytes)?, key_id })
    }

    /// Begins to seal the thing called `name`; the name is bound in, so sealed things cannot be exchanged.
    pub fn seal(&self, name: &str, random: &dyn Random) -> Result<(Sealer, Vec<u8>)> {
        let mut data_key = [0; KEY_BYTES];
        random.fill(&mut data_key);
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let mut wrapped = data_key.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name.as_bytes()), &mut wrapped)
            .map_err(|_| StoreError::Unfit("sealing failed".to_owned()))?;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&self.key_id);
        head.extend_from_slice(&nonce);
        head.extend_from_slice(&wrapped);
        Ok((Sealer { key: aead_key(&data_key)?, number: 0 }, head))
    }

    /// Begins to open what [`MasterKey::seal`] made under the same name.
    pub fn open(&self, name: &str, head: &[u8]) -> Result<Opener> {
        let damaged = |why: &str| StoreError::Damaged(format!("{name}: {why}"));
        let head: &[u8; HEAD_BYTES] = head.try_into().map_err(|_| damaged("sealed head is cut"))?;
        let (magic, rest) = head.split_at(MAGIC.len());
        let (key_id, rest) = rest.split_at(KEY_ID_BYTES);
        let (nonce, wrapped) = rest.split_at(NONCE_BYTES);
        if magic != MAGIC {
            return Err(damaged("not a sealed thing"));
        }
        if key_id != self.key_id {
            return Err(damaged("sealed with another master key"));
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged("sealed head is cut"))?;
        let mut wrapped = wrapped.to_vec();
        let data_key = self
            .key
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut wrapped)
            .map_err(|_| damaged("sealed head was changed"))?;
        let data_key: &[u8; KEY_BYTES] = (&*data_key).try_into().map_err(|_| damaged("sealed head is cut"))?;
        Ok(Opener { key: aead_key(data_key)?, number: 0, name: name.to_owned() })
    }

    /// Seals all of `plain` at once.
    pub fn seal_all(&self, name: &str, plain: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        let (mut sealer, mut sealed) = self.seal(name, random)?;
        sealed.reserve(plain.len() + (plain.len() / CHUNK_BYTES + 1) * TAG_BYTES);
        let mut rest = plain;
        while rest.len() > CHUNK_BYTES {
            let (chunk, tail) = rest.split_at(CHUNK_BYTES);
            sealer.append(&mut sealed, chunk, false)?;
            rest = tail;
        }
        sealer.append(&mut sealed, rest, true)?;
        Ok(sealed)
    }

    /// Opens all of `sealed` at once.
    pub fn open_all(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let (head, mut rest) = sealed
            .split_at_checked(HEAD_BYTES)
            .ok_or_else(|| StoreError::Damaged(format!("{name}: sealed head is cut")))?;
        let mut opener = self.open(name, head)?;
        let mut plain = Vec::with_capacity(rest.len());
        while rest.len() > CHUNK_BYTES + TAG_BYTES {
            let (chunk, tail) = rest.split_at(CHUNK_BYTES + TAG_BYTES);
            opener.append(&mut plain, chunk, false)?;
            rest = tail;
        }
        opener.append(&mut plain, rest, true)?;
        Ok(plain)
    }
}

fn parse_key(text: &str) -> Option<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    if text.len() != KEY_BYTES * 2 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

fn aead_key(bytes: &[u8; KEY_BYTES]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| StoreError::Unfit("unusable key".to_owned()))?;
    Ok(LessSafeKey::new(key))
}

fn chunk_nonce(number: u64) -> Nonce {
    let mut nonce = [0; NONCE_BYTES];
    nonce[NONCE_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn chunk_facts(number: u64, is_last: bool) -> [u8; 9] {
    let mut facts = [0; 9];
    facts[..8].copy_from_slice(&number.to_be_bytes());
    facts[8] = u8::from(is_last);
    facts
}

/// Seals the chunks of one thing, in order.
pub struct Sealer {
    key: LessSafeKey,
    number: u64,
}

impl Sealer {
    /// Seals the next chunk where it stands, and puts its tag behind it; all but the last have [`CHUNK_BYTES`] of plaintext.
    pub fn seal(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<()> {
        self.seal_from(0, chunk, is_last)
    }

    /// The same of plaintext that comes behind what is sealed already.
    fn append(&mut self, to: &mut Vec<u8>, plain: &[u8], is_last: bool) -> Result<()> {
        let from = to.len();
        to.extend_from_slice(plain);
        self.seal_from(from, to, is_last)
    }

    fn seal_from(&mut self, from: usize, bytes: &mut Vec<u8>, is_last: bool) -> Result<()> {
        let chunk = &mut bytes[from..];
        debug_assert!(chunk.len() == CHUNK_BYTES || is_last && chunk.len() < CHUNK_BYTES + 1);
        let (nonce, facts) = (chunk_nonce(self.number), chunk_facts(self.number, is_last));
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(facts), chunk);
        let tag = tag.map_err(|_| StoreError::Unfit("sealing failed".to_owned()))?;
        bytes.extend_from_slice(tag.as_ref());
        self.number += 1;
        Ok(())
    }
}

/// Opens the chunks of one thing, in order, from whichever on.
pub struct Opener {
    key: LessSafeKey,
    number: u64,
    name: String,
}

impl Opener {
    /// The chunk of this number comes next, counted from 0; a chunk is bound to its number, so that no other is taken for it.
    pub fn go_to(&mut self, number: u64) {
        self.number = number;
    }

    /// Opens the next chunk where it stands; `is_last` when nothing follows it.
    pub fn open(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<()> {
        self.open_from(0, chunk, is_last)
    }

    /// The same of a chunk that comes behind what is open already.
    fn append(&mut self, to: &mut Vec<u8>, sealed: &[u8], is_last: bool) -> Result<()> {
        let from = to.len();
        to.extend_from_slice(sealed);
        self.open_from(from, to, is_last)
    }

    fn open_from(&mut self, from: usize, bytes: &mut Vec<u8>, is_last: bool) -> Result<()> {
        let (nonce, facts) = (chunk_nonce(self.number), chunk_facts(self.number, is_last));
        let length = self
            .key
            .open_in_place(nonce, Aad::from(facts), &mut bytes[from..])
            .map_err(|_| StoreError::Damaged(format!("{}: sealed chunk {} was changed", self.name, self.number + 1)))?
            .len();
        bytes.truncate(from + length);
        self.number += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SystemRandom;

    fn key() -> MasterKey {
        MasterKey::from_bytes(&[7; 32]).expect("a key")
    }

    #[test]
    fn sizes_round_the_chunk_edge_come_back() {
        for size in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5] {
            let plain: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let sealed = key().seal_all("a", &plain, &SystemRandom).expect("sealed");
            assert_eq!(key().open_all("a", &sealed).expect("opened"), plain, "{size} bytes");
        }
    }

    #[test]
    fn a_change_a_cut_and_another_name_are_noticed() {
        let plain = vec![5; 2 * CHUNK_BYTES + 10];
        let sealed = key().seal_all("a", &plain, &SystemRandom).expect("sealed");
        assert!(key().open_all("b", &sealed).is_err(), "another name");
        assert!(
            key().open_all("a", &sealed[..HEAD_BYTES + 2 * (CHUNK_BYTES + TAG_BYTES)]).is_err(),
            "last chunk cut off"
        );
        for place in [0, 6, 20, 60, HEAD_BYTES + 3, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key().open_all("a", &changed).is_err(), "byte {place} changed");
        }
    }
}
