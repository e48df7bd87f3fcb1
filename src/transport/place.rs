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

/// Names of a folder that are looked through, at most; behind them a folder is cut, whoever's the files are.
const NAMES_MAX: usize = 1_000_000;
/// Unfit names that are told, at most.
const UNFIT_MAX: usize = 100;
/// Characters of an unfit name that are told.
const UNFIT_CHARACTERS_MAX: usize = NAME_BYTES_MAX;

/// Which files are to be listed.
#[derive(Clone)]
pub struct Wanted {
    /// Whether a file of this name is one of them. Others count for nothing.
    pub is_wanted: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// So many of them at most.
    pub most: usize,
}

/// What lies in a folder, of what was wanted.
#[derive(Debug, Default)]
pub struct Listing {
    /// Its files, in no order.
    pub entries: Vec<Entry>,
    /// Files left out although their names seem to be wanted, since these are not UTF-8, too long, or hold separators or control
    /// characters; as they can be shown.
    pub unfit: Vec<String>,
    /// Whether there are more files than were to be listed.
    pub is_cut: bool,
    /// Names that were looked through.
    names: usize,
}

/// A name of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// It is not wanted.
    Not,
    /// It is wanted, and fit.
    Fit(String),
    /// It seems to be wanted, and is not fit.
    Unfit,
}

impl Listing {
    /// Looks at the next name.
    pub(super) fn name(&mut self, bytes: &[u8], wanted: &Wanted) -> Named {
        self.names += 1;
        self.is_cut |= self.names > NAMES_MAX;
        match name_of(bytes) {
            Some(name) if (wanted.is_wanted)(&name) => Named::Fit(name),
            None if (wanted.is_wanted)(&String::from_utf8_lossy(bytes)) => Named::Unfit,
            _ => Named::Not,
        }
    }

    /// Takes a file, where there is room.
    pub(super) fn add(&mut self, entry: Entry, wanted: &Wanted) {
        match self.entries.len() < wanted.most {
            true => self.entries.push(entry),
            false => self.is_cut = true,
        }
    }

    /// Notes a file whose name is not fit.
    pub(super) fn add_unfit(&mut self, bytes: &[u8]) {
        if self.unfit.len() < UNFIT_MAX {
            self.unfit.push(shown(bytes));
        }
    }
}

/// A name that is not fit, in printable characters.
fn shown(bytes: &[u8]) -> String {
    let shown: String = match std::str::from_utf8(bytes) {
        Ok(text) => text.escape_debug().take(UNFIT_CHARACTERS_MAX).collect(),
        Err(_) => bytes.escape_ascii().map(char::from).take(UNFIT_CHARACTERS_MAX).collect(),
    };
    shown
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
    /// Its files that are wanted. Whatever is neither file nor fit is left out.
    fn list(&mut self, wanted: Wanted) -> BoxFuture<'_, Done<Listing>>;

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

    #[test]
    fn only_what_is_wanted_counts_and_unfit_names_are_shown() {
        let wanted = Wanted { is_wanted: Arc::new(|name| name.ends_with(".edi")), most: 1 };
        let mut listing = Listing::default();
        let edi: &[u8] = b"order.edi";
        assert_eq!(listing.name(edi, &wanted), Named::Fit("order.edi".to_owned()));
        assert_eq!(listing.name(b"note.txt", &wanted), Named::Not);
        assert_eq!(listing.name(b"caf\xE9.txt", &wanted), Named::Not, "it is not meant");
        for (unfit, told) in [(&b"caf\xE9.edi"[..], "caf\\xe9.edi"), (b"a\tb.edi", "a\\tb.edi")] {
            assert_eq!(listing.name(unfit, &wanted), Named::Unfit);
            assert_eq!(shown(unfit), told);
        }
        let entry = |name: &str| Entry { name: name.to_owned(), size: 1, at: 1 };
        listing.add(entry("order.edi"), &wanted);
        assert!(!listing.is_cut);
        listing.add(entry("other.edi"), &wanted);
        assert!(listing.is_cut && listing.entries.len() == 1);
        (0..2 * UNFIT_MAX).for_each(|_| listing.add_unfit(&[0xFF; 2000]));
        assert_eq!((listing.unfit.len(), listing.unfit[0].chars().count()), (UNFIT_MAX, UNFIT_CHARACTERS_MAX));
    }

    #[test]
    fn a_listing_without_end_is_cut() {
        let nothing = Wanted { is_wanted: Arc::new(|_| false), most: 1 };
        let mut listing = Listing { names: NAMES_MAX - 1, ..Listing::default() };
        listing.name(b"a", &nothing);
        assert!(!listing.is_cut);
        listing.name(b"b", &nothing);
        assert!(listing.is_cut);
    }
}
