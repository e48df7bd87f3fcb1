//! One session of the file protocol: packets in, answers out, handles between. It keeps nothing and opens nothing of the
//! host; what a mailbox holds is asked of [`Files`].

use super::files::{Begin, Done, Entry, Fetch, Files, Refused, Status, Upload};
use super::path::{Place, place};
use super::wire::{self, Ask, Attributes, Broken, Packet};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Open files and folders of one session, at most.
pub const HANDLES_MAX: usize = 64;
/// Names in one answer to a listing.
const NAMES_AT_ONCE: usize = 100;

/// What a handle stands for.
enum Open {
    Fetch(Box<dyn Fetch>),
    Upload { upload: Box<dyn Upload>, append: bool },
    Folder(std::vec::IntoIter<(String, Attributes)>),
}

/// A session; [`Session::answer`] takes its packets one by one.
pub struct Session {
    files: Arc<dyn Files>,
    open: BTreeMap<u32, Open>,
    next: u32,
    has_begun: bool,
}

impl Session {
    /// A session over the files of one mailbox.
    #[must_use]
    pub fn new(files: Arc<dyn Files>) -> Self {
        Self { files, open: BTreeMap::new(), next: 1, has_begun: false }
    }

    /// Answers a packet, its length left out; the answer has its own.
    ///
    /// # Errors
    /// It breaks the protocol, and the session is over.
    pub async fn answer(&mut self, packet: &[u8]) -> Result<Vec<u8>, Broken> {
        match wire::read(packet)? {
            Packet::Init(version) if !self.has_begun && version >= wire::VERSION => {
                self.has_begun = true;
                Ok(wire::version())
            }
            Packet::Init(_) => Err(Broken("SSH_FXP_INIT of version 3 or later, once")),
            Packet::Request(..) if !self.has_begun => Err(Broken("expected SSH_FXP_INIT first")),
            Packet::Request(number, ask) => {
                let answer = self.done(number, ask).await;
                Ok(answer.unwrap_or_else(|refused| wire::refusal(number, &refused)))
            }
        }
    }

    fn is_fetching(&self) -> bool {
        self.open.values().any(|open| matches!(open, Open::Fetch(_)))
    }

    /// The client ended it by itself: what it still fetches it has left.
    async fn end(self) {
        for open in self.open.into_values() {
            if let Open::Fetch(fetch) = open {
                fetch.left().await;
            }
        }
    }

    async fn done(&mut self, number: u32, ask: Ask) -> Done<Vec<u8>> {
        let fine = || wire::status(number, Status::Ok, "done");
        match ask {
            Ask::Open { path, flags } => {
                self.has_room()?;
                let opened = open_file(&self.files, &path, flags).await?;
                Ok(self.handed_out(number, opened))
            }
            Ask::OpenFolder { path } => {
                self.has_room()?;
                let names = listing(&self.files, &path).await?;
                Ok(self.handed_out(number, Open::Folder(names.into_iter())))
            }
            Ask::ReadFolder { handle } => match self.opened(&handle)? {
                Open::Folder(names) => {
                    let some: Vec<_> = names.take(NAMES_AT_ONCE).collect();
                    if some.is_empty() {
                        return Ok(wire::status(number, Status::Eof, "no more names"));
                    }
                    Ok(wire::names(number, &some))
                }
                _ => Err(Refused::failed("expected the handle of a folder")),
            },
            Ask::Read { handle, offset, length } => match self.opened(&handle)? {
                Open::Fetch(fetch) => {
                    let bytes = fetch.read(offset, length.min(wire::DATA_BYTES_MAX) as usize).await?;
                    if bytes.is_empty() && length > 0 {
                        return Ok(wire::status(number, Status::Eof, "the end of the file"));
                    }
                    Ok(wire::data(number, &bytes))
                }
                _ => Err(Refused::denied("expected the handle of a file that is fetched")),
            },
            Ask::Write { handle, offset, bytes } => match self.opened(&handle)? {
                Open::Upload { upload, append } => {
                    let offset = if *append { upload.entry().size } else { offset };
                    upload.write(offset, bytes).await?;
                    Ok(fine())
                }
                _ => Err(Refused::denied("expected the handle of a file that is dropped")),
            },
            Ask::Close { handle } => {
                let key = key(&handle)?;
                match self.open.remove(&key).ok_or_else(unknown)? {
                    Open::Upload { upload, .. } => upload.close().await?,
                    Open::Fetch(fetch) => fetch.close().await?,
                    Open::Folder(_) => {}
                }
                Ok(fine())
            }
            Ask::Stat { path } => Ok(wire::attributes(number, &stat(&self.files, &path).await?)),
            Ask::FileStat { handle } => match self.opened(&handle)? {
                Open::Fetch(fetch) => Ok(wire::attributes(number, &of_file(fetch.entry()))),
                Open::Upload { upload, .. } => Ok(wire::attributes(number, &of_file(&upload.entry()))),
                Open::Folder(_) => Ok(wire::attributes(number, &of_folder(false))),
            },
            // Times and permissions of a mailbox are its own; clients set them after an upload and want to hear yes.
            Ask::SetStat { path, size } => match size {
                None => stat(&self.files, &path).await.map(|_| fine()),
                Some(_) => Err(Refused::denied("a file that lies here keeps its size; open it to change it")),
            },
            Ask::FileSetStat { handle, size } => match (self.opened(&handle)?, size) {
                (Open::Upload { upload, .. }, Some(size)) => {
                    upload.resize(size).await?;
                    Ok(fine())
                }
                (_, None) => Ok(fine()),
                _ => Err(Refused::denied("what is fetched keeps its size")),
            },
            Ask::Remove { path } => match place(&path)? {
                Place::File(folder, name) => {
                    self.files.remove(&folder, &name).await?;
                    Ok(fine())
                }
                other => Err(Refused::failed(format!("expected a file, found the folder {other}"))),
            },
            Ask::RealPath { path } => {
                let path = place(&path)?;
                Ok(wire::names(number, &[(path.to_string(), of_folder(false))]))
            }
            Ask::Rename { from, to, replace } => {
                rename(&self.files, place(&from)?, place(&to)?, replace).await?;
                Ok(fine())
            }
            Ask::Limits => Ok(wire::limits(number, HANDLES_MAX)),
            Ask::Folders => Err(Refused::denied("the folders of a mailbox are what its configuration says")),
            Ask::Other => Err(Refused { status: Status::Unsupported, text: "not done by this server".to_owned() }),
        }
    }

    fn has_room(&self) -> Done<()> {
        if self.open.len() < HANDLES_MAX {
            return Ok(());
        }
        Err(Refused::failed(format!("expected up to {HANDLES_MAX} open files and folders; close one first")))
    }

    fn handed_out(&mut self, number: u32, opened: Open) -> Vec<u8> {
        // Numbers are not used again, so that a late packet for a closed file meets no other.
        let key = self.next;
        self.next = self.next.wrapping_add(1);
        self.open.insert(key, opened);
        wire::handle(number, key)
    }

    fn opened(&mut self, handle: &[u8]) -> Done<&mut Open> {
        self.open.get_mut(&key(handle)?).ok_or_else(unknown)
    }
}

async fn rename(files: &Arc<dyn Files>, from: Place, to: Place, replace: bool) -> Done<()> {
    match (from, to) {
        (Place::File(folder, from), Place::File(other, to)) if folder == other => {
            files.rename(&folder, &from, &to, replace).await
        }
        (Place::File(..), Place::File(..)) => Err(Refused::denied("files stay in their folder")),
        _ => Err(Refused::denied("the folders of a mailbox are what its configuration says")),
    }
}

async fn open_file(files: &Arc<dyn Files>, path: &[u8], flags: u32) -> Done<Open> {
    let has = |flag| flags & flag != 0;
    let (folder, name) = match place(path)? {
        Place::File(folder, name) => (folder, name),
        other => return Err(Refused::failed(format!("expected a file, found the folder {other}"))),
    };
    if !has(wire::FLAG_WRITE) {
        return files.fetch(&folder, &name).await.map(Open::Fetch);
    }
    let begin = Begin {
        truncate: has(wire::FLAG_TRUNCATE),
        exclusive: has(wire::FLAG_EXCLUSIVE),
        existing: !has(wire::FLAG_CREATE),
        append: has(wire::FLAG_APPEND),
        is_announced: false,
    };
    let upload = files.drop_file(&folder, &name, begin).await?;
    Ok(Open::Upload { upload, append: begin.append })
}

async fn stat(files: &Arc<dyn Files>, path: &[u8]) -> Done<Attributes> {
    match place(path)? {
        Place::Top => Ok(of_folder(false)),
        Place::Folder(name) => {
            let folder = files.folders().into_iter().find(|folder| folder.name == name);
            let folder = folder.ok_or_else(|| no_folder(&name))?;
            Ok(of_folder(folder.may_write))
        }
        Place::File(folder, name) => files.stat(&folder, &name).await.map(|entry| of_file(&entry)),
    }
}

async fn listing(files: &Arc<dyn Files>, path: &[u8]) -> Done<Vec<(String, Attributes)>> {
    let mut names: Vec<_> = [".", ".."].map(|dots| (dots.to_owned(), of_folder(false))).into();
    match place(path)? {
        Place::Top => {
            let folders = files.folders().into_iter();
            names.extend(folders.map(|folder| (folder.name, of_folder(folder.may_write))));
        }
        Place::Folder(name) => {
            if !files.folders().iter().any(|folder| folder.name == name) {
                return Err(no_folder(&name));
            }
            let entries = files.list(&name).await?;
            names.extend(entries.into_iter().map(|entry| (entry.name.clone(), of_file(&entry))));
        }
        Place::File(..) => return Err(Refused::failed("expected a folder, found a file")),
    }
    Ok(names)
}

fn key(handle: &[u8]) -> Done<u32> {
    handle.try_into().map(u32::from_be_bytes).map_err(|_| unknown())
}

fn unknown() -> Refused {
    Refused::failed("a handle that is not open")
}

/// There is no such folder.
pub(super) fn no_folder(name: &str) -> Refused {
    Refused::missing(format!("this mailbox has no folder {name}"))
}

fn of_file(entry: &Entry) -> Attributes {
    let at = u32::try_from(entry.at.as_second()).unwrap_or(0);
    Attributes { size: entry.size, at, is_folder: false, may_write: entry.may_write }
}

fn of_folder(may_write: bool) -> Attributes {
    Attributes { size: 0, at: 0, is_folder: true, may_write }
}

/// Serves a session: its packets from `packets`, its answers to `out`. Ends when there are no more packets, or when one
/// breaks the protocol.
///
/// # Errors
/// A packet broke the protocol.
pub async fn serve(
    files: Arc<dyn Files>,
    packets: &mut (impl Packets + Send),
    out: &mut (impl AsyncWrite + Unpin + Send),
) -> std::io::Result<()> {
    let mut session = Session::new(files);
    let mut is_heard = true;
    while let Some(packet) = packets.next().await {
        // What a client asked before it went is done, though nobody hears of it; what it wanted to see is not looked up.
        if !is_heard && is_question(&packet) {
            continue;
        }
        let answer = session.answer(&packet).await.map_err(std::io::Error::other)?;
        is_heard = is_heard && out.write_all(&answer).await.is_ok() && out.flush().await.is_ok();
    }
    if session.is_fetching() && packets.ended_well().await {
        session.end().await;
    }
    Ok(())
}

/// Whether all that a packet asks for is in its answer, which may be much.
fn is_question(packet: &[u8]) -> bool {
    let read = wire::read(packet);
    matches!(read, Ok(Packet::Request(_, Ask::Read { .. } | Ask::OpenFolder { .. } | Ask::ReadFolder { .. })))
}

/// Where packets come from.
pub trait Packets {
    /// The next one; none when the client has sent its last.
    fn next(&mut self) -> impl Future<Output = Option<Vec<u8>>> + Send;
    /// Behind the last: whether the client ended by itself, with all read that was sent to it.
    fn ended_well(&mut self) -> impl Future<Output = bool> + Send;
}
