//! A folder of this machine as a place of files. It is opened once, and everything is asked of what was opened, so that nothing
//! beside or above it is reached whatever names say; links are not followed. What is written is synced, file and folder.

use super::http::body::streamed;
use super::place::{Done, Entry, Listing, Named, Place, Take, Trouble, Wanted, name_of};
use super::source::Source;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Who may read what we write: its owner and group.
const FILE_MODE: u32 = 0o660;
const FOLDER_MODE: u32 = 0o770;

/// A folder that is open.
pub struct Folder {
    opened: Arc<OwnedFd>,
    shown: String,
}

impl Folder {
    /// Opens a folder that lies in one of `roots`, or is one. Links on the way to it are the administrator's; where they lead
    /// has to lie there too.
    ///
    /// # Errors
    /// [`Trouble::Refused`] with what to do.
    pub async fn open(path: &Path, roots: &[PathBuf]) -> Done<Self> {
        let (path, roots) = (path.to_owned(), roots.to_vec());
        blocking(move || {
            let shown = path.display().to_string();
            let refused = |reason: String| Trouble::Refused { code: "FOLDER", reason };
            let real = path
                .canonicalize()
                .map_err(|error| refused(format!("{shown}: {error}; make the folder, or mend folder of the channel")))?;
            let is_in = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
            if !roots.iter().any(is_in) {
                return Err(refused(format!(
                    "{shown} lies in none of the folders that may be used; if it is meant, add it to roots of [folder] in \
                     portolan.toml and start again"
                )));
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = rustix::fs::open(&real, flags, Mode::empty())
                .map_err(|error| refused(format!("{shown}: {error}; let the service read the folder")))?;
            Ok(Folder { opened: Arc::new(opened), shown })
        })
        .await
    }

    /// Runs work on what is open, off the async threads.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&OwnedFd) -> Done<T> + Send + 'static) -> Done<T> {
        let opened = self.opened.clone();
        blocking(move || work(&opened)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Done<T> + Send + 'static) -> Done<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Trouble::NotReached(format!("the work on a folder ended: {error}"))))
}

/// What a failure on one file comes to.
fn told(error: Errno) -> Trouble {
    match error {
        Errno::NOENT => Trouble::Missing,
        Errno::EXIST => Trouble::Taken,
        // O_NOFOLLOW says so of a link.
        Errno::LOOP => Trouble::File("it is a link, which is not followed".to_owned()),
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {
            Trouble::File(format!("{error}; give the service the right to read, write and remove files in the folder"))
        }
        other => Trouble::File(other.to_string()),
    }
}

fn told_io(error: &std::io::Error) -> Trouble {
    Trouble::File(error.to_string())
}

/// What a file is; none for what is no file.
fn entry(name: &str, stat: &Stat) -> Option<Entry> {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    let at = i128::from(stat.st_mtime) * 1_000_000 + i128::from(stat.st_mtime_nsec) / 1000;
    let (size, at) = (u64::try_from(stat.st_size).ok()?, i64::try_from(at).ok()?);
    is_file.then(|| Entry { name: name.to_owned(), size, at })
}

fn stat(folder: &OwnedFd, name: impl rustix::path::Arg) -> Done<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(told(error)),
    }
}

fn sync(folder: &OwnedFd) -> Done<()> {
    rustix::fs::fsync(folder).map_err(told)
}

/// Renames and never replaces; not all file systems can do both in one.
fn rename(from: &OwnedFd, name: &str, to: &OwnedFd, new: &str) -> Done<()> {
    match rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match stat(to, new)? {
            Some(_) => return Err(Trouble::Taken),
            None => rustix::fs::renameat(from, name, to, new).map_err(told)?,
        },
        done => done.map_err(told)?,
    }
    sync(to)?;
    sync(from)
}

/// The folder at a path below another, made where it is not there; no part of it may be a link.
fn below(folder: &OwnedFd, path: &str) -> Done<OwnedFd> {
    let mut at: Option<OwnedFd> = None;
    for part in path.split('/') {
        let Some(part) = name_of(part.as_bytes()) else {
            return Err(Trouble::File(format!("expected a folder below this one, found {}", path.escape_debug())));
        };
        let from = at.as_ref().unwrap_or(folder);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = match rustix::fs::openat(from, part.as_str(), flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                match rustix::fs::mkdirat(from, part.as_str(), Mode::from_raw_mode(FOLDER_MODE)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(told(error)),
                }
                sync(from)?;
                rustix::fs::openat(from, part.as_str(), flags, Mode::empty())
            }
            found => found,
        };
        at = Some(next.map_err(|error| Trouble::File(format!("{part}: {error}; it has to be a folder and no link")))?);
    }
    at.ok_or(Trouble::Missing)
}

impl Place for Folder {
    fn list(&mut self, wanted: Wanted) -> BoxFuture<'_, Done<Listing>> {
        let shown = self.shown.clone();
        Box::pin(self.run(move |folder| {
            let refused = |error: Errno| Trouble::Refused {
                code: "FOLDER",
                reason: format!("{shown} cannot be listed: {error}; let the service read the folder"),
            };
            let mut listing = Listing::default();
            for found in Dir::read_from(folder.as_fd()).map_err(refused)? {
                let found = found.map_err(refused)?;
                if matches!(found.file_name().to_bytes(), b"." | b"..") {
                    continue;
                }
                // One that went away meanwhile is not there.
                match listing.name(found.file_name().to_bytes(), &wanted) {
                    Named::Fit(name) => {
                        if let Some(entry) = stat(folder, name.as_str())?.and_then(|stat| entry(&name, &stat)) {
                            listing.add(entry, &wanted);
                        }
                    }
                    Named::Unfit => {
                        if stat(folder, found.file_name())?.is_some_and(|stat| entry("", &stat).is_some()) {
                            listing.add_unfit(found.file_name().to_bytes());
                        }
                    }
                    Named::Not => {}
                }
                if listing.is_cut {
                    break;
                }
            }
            Ok(listing)
        }))
    }

    fn look<'p>(&'p mut self, name: &'p str) -> BoxFuture<'p, Done<Option<Entry>>> {
        let name = name.to_owned();
        Box::pin(self.run(move |folder| match stat(folder, name.as_str())? {
            None => Ok(None),
            Some(stat) => {
                let none = || Trouble::File("something is there that is no file".to_owned());
                entry(&name, &stat).map(Some).ok_or_else(none)
            }
        }))
    }

    fn read<'p>(&'p mut self, name: &'p str, take: Take<'p>) -> BoxFuture<'p, Done<()>> {
        let name = name.to_owned();
        Box::pin(async move {
            let opened = self
                .run(move |folder| {
                    // Opening a pipe would wait for its writer.
                    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                    let opened = rustix::fs::openat(folder, name.as_str(), flags, Mode::empty()).map_err(told)?;
                    let stat = rustix::fs::fstat(&opened).map_err(told)?;
                    let none = || Trouble::File("it is no file any more".to_owned());
                    entry(&name, &stat).map(|_| File::from(opened)).ok_or_else(none)
                })
                .await?;
            let mut file = tokio::fs::File::from_std(opened);
            let mut piece = vec![0; PIECE_BYTES];
            loop {
                match file.read(&mut piece).await.map_err(|error| told_io(&error))? {
                    0 => return Ok(()),
                    count => take(&piece[..count])?,
                }
            }
        })
    }

    fn remove<'p>(&'p mut self, name: &'p str) -> BoxFuture<'p, Done<()>> {
        let name = name.to_owned();
        Box::pin(self.run(move |folder| {
            rustix::fs::unlinkat(folder, name.as_str(), AtFlags::empty()).map_err(told)?;
            sync(folder)
        }))
    }

    fn move_to<'p>(&'p mut self, name: &'p str, folder: &'p str, to: &'p str) -> BoxFuture<'p, Done<()>> {
        let (name, path, to) = (name.to_owned(), folder.to_owned(), to.to_owned());
        Box::pin(self.run(move |folder| rename(folder, &name, &below(folder, &path)?, &to)))
    }

    fn put<'p>(&'p mut self, name: &'p str, source: Arc<dyn Source>) -> BoxFuture<'p, Done<()>> {
        let name = name.to_owned();
        Box::pin(async move {
            let opened = self
                .run(move |folder| {
                    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let mode = Mode::from_raw_mode(FILE_MODE);
                    let opened = rustix::fs::openat(folder, name.as_str(), flags, mode).map_err(told)?;
                    Ok(File::from(opened))
                })
                .await?;
            let mut file = tokio::fs::File::from_std(opened);
            let mut pieces = std::pin::pin!(streamed(source));
            while let Some(piece) = pieces.next().await {
                let piece = piece.map_err(|error| Trouble::File(format!("its bytes cannot be read: {error}")))?;
                file.write_all(&piece).await.map_err(|error| told_io(&error))?;
            }
            file.flush().await.map_err(|error| told_io(&error))?;
            file.sync_all().await.map_err(|error| told_io(&error))
        })
    }

    fn rename<'p>(&'p mut self, from: &'p str, to: &'p str) -> BoxFuture<'p, Done<()>> {
        let (from, to) = (from.to_owned(), to.to_owned());
        Box::pin(self.run(move |folder| rename(folder, &from, folder, &to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(most: usize) -> Wanted {
        Wanted { is_wanted: Arc::new(|_| true), most }
    }

    async fn opened() -> (tempfile::TempDir, Folder) {
        let ground = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(ground.path().join("in")).expect("a folder");
        let roots = [ground.path().to_owned()];
        let folder = Folder::open(&ground.path().join("in"), &roots).await.expect("it opens");
        (ground, folder)
    }

    #[tokio::test]
    async fn nothing_outside_is_reached_by_a_link() {
        let (ground, mut folder) = opened().await;
        let (secret, inside) = (ground.path().join("secret"), ground.path().join("in"));
        std::fs::write(&secret, "secret").expect("written");
        std::os::unix::fs::symlink(&secret, inside.join("link.edi")).expect("a link");
        std::os::unix::fs::symlink(ground.path(), inside.join("archive")).expect("a link");
        std::fs::write(inside.join("order.edi"), "order").expect("written");
        let listed = folder.list(all(10)).await.expect("a listing");
        assert_eq!(listed.entries.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["order.edi"]);
        let unfit = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xE9.edi");
        let unfit: &std::ffi::OsStr = unfit;
        std::fs::create_dir(inside.join("a\tfolder")).expect("made");
        std::fs::write(inside.join(unfit), "order").expect("written");
        assert_eq!(folder.list(all(10)).await.expect("a listing").unfit, ["caf\\xe9.edi"], "a folder is none");
        let mut bytes = Vec::new();
        let read = folder
            .read("link.edi", &mut |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })
            .await;
        assert!(read.is_err() && bytes.is_empty(), "{read:?}");
        let written = folder.put("link.edi", Arc::new(b"over".to_vec())).await;
        assert!(written.is_err(), "{written:?}");
        let moved = folder.move_to("order.edi", "archive", "order.edi").await;
        assert!(matches!(&moved, Err(Trouble::File(told)) if told.contains("no link")), "{moved:?}");
        let out = folder.move_to("order.edi", "..", "order.edi").await;
        assert!(matches!(&out, Err(Trouble::File(told)) if told.contains("below this one")), "{out:?}");
        assert_eq!(std::fs::read(&secret).expect("still there"), b"secret");
        assert!(inside.join("order.edi").exists() && !ground.path().join("order.edi").exists());
        let elsewhere = Folder::open(ground.path(), &[inside]).await.err();
        assert!(matches!(&elsewhere, Some(Trouble::Refused { reason, .. }) if reason.contains("roots of [folder]")));
    }

    #[tokio::test]
    async fn what_is_there_is_never_replaced() {
        let (ground, mut folder) = opened().await;
        let inside = ground.path().join("in");
        folder.put(".a.part", Arc::new(b"new".to_vec())).await.expect("written");
        std::fs::write(inside.join("a.edi"), "old").expect("written");
        assert_eq!(folder.rename(".a.part", "a.edi").await, Err(Trouble::Taken));
        assert_eq!(std::fs::read(inside.join("a.edi")).expect("there"), b"old");
        folder.rename(".a.part", "b.edi").await.expect("free");
        folder.move_to("b.edi", "done/2026", "b.edi").await.expect("moved");
        assert_eq!(std::fs::read(inside.join("done/2026/b.edi")).expect("there"), b"new");
        assert_eq!(folder.move_to("a.edi", "done/2026", "b.edi").await, Err(Trouble::Taken));
        assert_eq!(folder.look("b.edi").await, Ok(None));
        assert_eq!(folder.remove("b.edi").await, Err(Trouble::Missing));
        let cut = folder.list(all(0)).await.expect("a listing");
        assert!(cut.is_cut && cut.entries.is_empty());
    }
}
