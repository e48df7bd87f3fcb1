//! The data directory: who holds it, what lies in it, and making its entries durable.
//! It knows no rows; which payload files are still wanted is asked of the ledger.

use super::error::{Result, StoreError};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "lock";
const PAYLOAD_FOLDER: &str = "payload";
const TEMPORARY_FOLDER: &str = "temporary";

/// A data directory held by this process until dropped.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    lock: Option<File>,
}

impl Drop for DataDirectory {
    /// Closing the file is not enough: a child process that is just being started has it open as well for a moment.
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }
}

impl DataDirectory {
    /// Makes what is missing, takes the lock.
    pub(crate) fn hold(path: &Path) -> Result<Self> {
        for folder in [path.to_owned(), path.join(PAYLOAD_FOLDER), path.join(TEMPORARY_FOLDER)] {
            private_folder(&folder).map_err(|error| StoreError::file(&folder, error))?;
        }
        let lock_path = path.join(LOCK_FILE);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| StoreError::file(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse(format!("the data directory {}", path.display())));
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::file(&lock_path, error)),
        }
        let directory = Self { path: path.to_owned(), lock: Some(lock) };
        directory.sync()?;
        Ok(directory)
    }

    /// Uses a directory that another process may hold, to read only.
    pub(crate) fn look(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(|error| StoreError::file(path, error))?;
        if !metadata.is_dir() {
            return Err(StoreError::Unfit(format!("{} is not a folder", path.display())));
        }
        Ok(Self { path: path.to_owned(), lock: None })
    }

    /// Bytes that are free on its disk, and all of them; none where the system does not say.
    pub(crate) fn room(&self) -> Option<(u64, u64)> {
        let said = rustix::fs::statvfs(&self.path).ok()?;
        Some((said.f_bavail.saturating_mul(said.f_frsize), said.f_blocks.saturating_mul(said.f_frsize)))
    }

    /// Where a stored payload's sealed bytes lie. Payload ids are ours, so they are safe as names.
    pub(crate) fn payload(&self, payload_id: &str) -> PathBuf {
        self.path.join(PAYLOAD_FOLDER).join(payload_id)
    }

    /// Where a payload grows until it is complete.
    pub(crate) fn temporary(&self, payload_id: &str) -> PathBuf {
        self.path.join(TEMPORARY_FOLDER).join(payload_id)
    }

    /// Makes the directory's own entries (database, lock, folders) durable.
    pub(crate) fn sync(&self) -> Result<()> {
        sync_folder(&self.path)
    }

    /// Removes what uploads of an earlier run left behind; returns how many there were.
    pub(crate) fn clear_temporary(&self) -> Result<u64> {
        let mut removed = 0;
        for path in files_in(&self.path.join(TEMPORARY_FOLDER))? {
            fs::remove_file(&path).map_err(|error| StoreError::file(&path, error))?;
            removed += 1;
        }
        Ok(removed)
    }

    /// The payload files there are, by name.
    pub(crate) fn payload_names(&self) -> Result<Vec<String>> {
        let files = files_in(&self.path.join(PAYLOAD_FOLDER))?;
        Ok(files.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| StoreError::file(folder, error))?;
    entries.map(|entry| Ok(entry.map_err(|error| StoreError::file(folder, error))?.path())).collect()
}

/// A new name in a folder survives a power cut only once the folder itself is synced.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(|error| StoreError::file(folder, error))
}

/// Makes a folder that only its owner looks into; one that is there stays as it is.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
