//! What can go wrong in the ledger, told apart by what the caller should do about it.
//! Faults of documents are diagnostics, not errors; they never pass through here.

/// The result of a ledger operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A ledger operation that did not take place. Nothing of it is on disk, except where a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed a statement.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// COMMIT failed and nothing of it was kept.
    #[error("commit failed, nothing was kept: {0}")]
    Commit(String),
    /// The connection broke at COMMIT and the database cannot say what became of it. It may be there: repeat it under
    /// the same key, and remove nothing that it may refer to.
    #[error("the database cannot say whether this was committed: {0}")]
    Unknown(String),
    /// The database does not answer; nothing was written. The writer connects again by itself.
    #[error("the database cannot be reached, nothing was kept")]
    Unreachable,
    /// A file of the data directory could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Another process holds the data directory or the database.
    #[error("{0} is in use by another process")]
    InUse(String),
    /// The data directory or its key is not fit to be used; the text says why and what to do.
    #[error("{0}")]
    Unfit(String),
    /// No such row.
    #[error("no {what} {id}")]
    NotFound {
        /// The kind of thing looked for.
        what: &'static str,
        /// Its id or key.
        id: String,
    },
    /// The row is not in a state from which the transition leads.
    #[error("{what} {id} is {found}, expected {expected}")]
    WrongState {
        /// The kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
        /// The states that would do.
        expected: String,
        /// The state it is in.
        found: String,
    },
    /// The lease was lost: another worker has the job now. Stop and drop the work.
    #[error("the lease on {0} was lost")]
    LeaseLost(String),
    /// An equal interchange came meanwhile in another transmission. Judge it anew.
    #[error("{transmission} was overtaken by {by}, which has the same interchange")]
    Overtaken {
        /// Whose translation it was.
        transmission: String,
        /// Who was first.
        by: String,
    },
    /// Another of its lane goes first. Give its job back: the lane lets it go when its turn comes.
    #[error("delivery {delivery_id} waits in lane {lane} for {before}, which is {state}")]
    NotItsTurn {
        /// Which was to be sent.
        delivery_id: String,
        /// The lane.
        lane: String,
        /// Which goes first.
        before: String,
        /// That one's state.
        state: String,
    },
    /// Something else already holds the unique key; the text names it.
    #[error("conflict: {0}")]
    Conflict(String),
    /// Stored bytes are not what was stored: changed, cut, or sealed with another key.
    #[error("damaged: {0}")]
    Damaged(String),
    /// A limit of the ledger would be passed.
    #[error("limit: {0}")]
    Limit(String),
    /// What is left of the disk is kept for what is here already; nothing more is taken in.
    #[error("expected {reserve_mb} MB free on the disk of the data directory ([storage] reserve_mb), found {free_mb}")]
    NoRoom {
        /// Megabytes that are kept free.
        reserve_mb: u64,
        /// Megabytes that are free.
        free_mb: u64,
    },
    /// The store was opened to read only.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// The writer has stopped (shutdown, or a failure reported before).
    #[error("the writer has stopped")]
    Stopped,
}

impl StoreError {
    /// Whether asking again brings the same answer: the thing is missing or spoilt. Otherwise it is the database that
    /// fails or the disk that is full, and nothing is known of the thing.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Damaged(_) | Self::File { .. }) && !self.is_full()
    }

    /// Whether the disk is full, or what is left of it is kept. The database says so in words only.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let says = |words: &str| self.to_string().contains(words);
        matches!(self, Self::NoRoom { .. }) || says("No space left") || says("disk is full")
    }

    /// The same failure for another who waited for the same commit.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Commit(reason) => Self::Commit(reason.clone()),
            Self::Unknown(reason) => Self::Unknown(reason.clone()),
            Self::Unreachable => Self::Unreachable,
            Self::NoRoom { reserve_mb, free_mb } => Self::NoRoom { reserve_mb: *reserve_mb, free_mb: *free_mb },
            Self::Stopped => Self::Stopped,
            other => Self::Commit(other.to_string()),
        }
    }

    /// A failed file operation, with the path that failed.
    pub fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::Path;

    #[test]
    fn a_full_disk_is_none_that_lasts() {
        let file = |kind: io::ErrorKind| StoreError::file(Path::new("payloads/1"), io::Error::from(kind));
        let full = StoreError::file(Path::new("payloads/1"), io::Error::from_raw_os_error(28));
        assert_eq!((full.is_full(), full.is_lasting()), (true, false), "{full}");
        let missing = file(io::ErrorKind::NotFound);
        assert_eq!((missing.is_full(), missing.is_lasting()), (false, true), "{missing}");
    }
}
