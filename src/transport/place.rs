//! What a place of files can do, wherever it is: a folder of this machine (`folder`), or one that a partner's SFTP server shows
//! (`sftp::client`). Names are names of one folder and never paths; folders and links in it are not there.

use super::source::Source;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Bytes of a name, at most (NAME_MAX of POSIX systems).
pub const NAME_BYTES_MAX: usize = 255;

/// A file of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the folder.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was changed last, in microseconds since 1970, as the place says it; over SFTP whole seconds.
    pub at: i64,
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Its files, in no order.
    pub entries: Vec<Entry>,
    /// Files left out since their names are not UTF-8, too long, or hold separators or control characters.
    pub unfit: usize,
    /// Whether there are more files than were to be listed.
    pub is_cut: bool,
}

/// Why something was not done. What others wrote in it has no secret of ours and is not longer than a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody answers, or the connection was lost: another time it may go.
    #[error("{0}")]
    NotReached(String),
    /// It stays so until somebody mends it: a stable word, and a sentence that says what to do.
    #[error("{reason}")]
    Refused {
        /// `HOST-KEY`, `LOGIN-REFUSED`, `ADDRESS-REFUSED`, `ALGORITHMS`, `FOLDER`.
        code: &'static str,
        /// For people.
        reason: String,
    },
    /// There is no such file.
    #[error("it is not there")]
    Missing,
    /// Something has the name already.
    #[error("the name is taken")]
    Taken,
    /// The place refuses it for this one file; others may go.
    #[error("{0}")]
    File(String),
}

/// What asking a place comes to.
pub type Done<T> = Result<T, Trouble>;

/// Takes the bytes of a file as they come. An error ends the reading and is what it comes to.
pub type Take<'t> = &'t mut (dyn FnMut(&[u8]) -> Done<()> + Send);

/// A folder of files.
pub trait Place: Send {
    /// Its files, `most` of them at most. Whatever is neither file nor fit is left out.
    fn list(&mut self, most: usize) -> BoxFuture<'_, Done<Listing>>;

    /// What a file is now; none: there is no such file.
    fn look<'p>(&'p mut self, name: &'p str) -> BoxFuture<'p, Done<Option<Entry>>>;

    /// Reads a file from its begin to its end.
    fn read<'p>(&'p mut self, name: &'p str, take: Take<'p>) -> BoxFuture<'p, Done<()>>;

    /// Removes a file. When this returns, it is gone for good.
    fn remove<'p>(&'p mut self, name: &'p str) -> BoxFuture<'p, Done<()>>;

    /// Moves a file into another folder, whose path begins at this one, as `to`. [`Trouble::Taken`] where something is there.
    fn move_to<'p>(&'p mut self, name: &'p str, folder: &'p str, to: &'p str) -> BoxFuture<'p, Done<()>>;

    /// Writes a file, over one of this name. When this returns, its bytes are as safe there as the place can make them.
    fn put<'p>(&'p mut self, name: &'p str, source: Arc<dyn Source>) -> BoxFuture<'p, Done<()>>;

    /// Gives a file another name. [`Trouble::Taken`] where something has it.
    fn rename<'p>(&'p mut self, from: &'p str, to: &'p str) -> BoxFuture<'p, Done<()>>;
}

/// A name as a folder lists it, where it is fit to be one.
#[must_use]
pub fn name_of(bytes: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(bytes).ok()?;
    let is_odd = |c: char| c.is_control() || c == '/' || c == '\\';
    let is_fit = !matches!(name, "" | "." | "..") && name.len() <= NAME_BYTES_MAX && !name.chars().any(is_odd);
    is_fit.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_is_no_name() {
        for name in ["order.edi", "Bestellung Nr. 1.edi", "größe.edi", ".hidden", &"n".repeat(NAME_BYTES_MAX)] {
            assert_eq!(name_of(name.as_bytes()).as_deref(), Some(name));
        }
        for name in ["", ".", "..", "../order.edi", "a/b", "a\\b", "a\0b", "a\nb", &"n".repeat(NAME_BYTES_MAX + 1)] {
            assert_eq!(name_of(name.as_bytes()), None, "{name:?}");
        }
        assert_eq!(name_of(b"caf\xE9.edi"), None, "not UTF-8");
    }
}
