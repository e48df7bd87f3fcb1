//! Input and output files of commands: `-` is the standard stream.

use super::progress::{self, Progress};
use crate::codec::segment::{GuideChoice, Share};
use crate::standard::guide::{Guide, ready};
use crate::standard::load::Library;
use anyhow::Context as _;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens FILE for reading, or standard input for `-`. How far it was read is shown where that takes long.
pub fn open(file: &Path) -> anyhow::Result<Box<dyn Read>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(Progress::new(io::stdin().lock(), None)));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let facts = opened.metadata().with_context(|| format!("cannot read {}", file.display()))?;
    anyhow::ensure!(!facts.is_dir(), "cannot read {}: it is a folder", file.display());
    Ok(Box::new(Progress::new(opened, facts.is_file().then_some(facts.len()))))
}

/// What is known of documents, and of the file at hand.
#[derive(clap::Args)]
pub struct Definitions {
    /// Definitions that go before those in the binary.
    #[arg(long, value_name = "DIR")]
    pub standards: Option<PathBuf>,
    /// What the file is, where it does not say it: a table, lines of fixed width, JSON.
    #[arg(long = "as", value_name = "STANDARD/VERSION/TYPE")]
    told: Option<String>,
}

impl Definitions {
    /// The definitions, with what the file is said to be.
    ///
    /// # Errors
    /// There is no such document type.
    pub fn library(&self) -> anyhow::Result<Library> {
        self.tell(Library::new(self.standards.as_deref()))
    }

    /// The same definitions, with what the file is said to be.
    ///
    /// # Errors
    /// There is no such document type.
    pub fn tell(&self, library: Library) -> anyhow::Result<Library> {
        Ok(self.told.as_deref().map_or(Ok(library.clone()), |told| library.told(told))?)
    }
}

/// How many threads a command may use.
#[derive(clap::Args, Clone, Copy)]
pub struct Jobs {
    /// Documents looked at at once; as many as there are cores when left out. What is printed is the same.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl Jobs {
    /// How the work is shared out.
    pub fn share(self) -> Share {
        Share::threads(self.jobs.map(usize::from))
    }
}

/// Whoever read our output has read enough (`portolan … | head`): the command ends quietly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads standard output any more")]
pub struct Gone;

/// Writes to standard output.
///
/// # Errors
/// [`Gone`], and what the system says.
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    if io::stdout().is_terminal() {
        progress::wipe();
    }
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Gone.into()),
        done => done.context("cannot write to standard output"),
    }
}

/// Where a command writes what it makes: standard output, or a file that is created with the first bytes.
#[derive(Default)]
pub struct Sink {
    path: Option<PathBuf>,
    file: Option<BufWriter<File>>,
    written: u64,
}

impl Sink {
    /// A file, or standard output for `None`.
    pub fn new(path: Option<&Path>) -> Self {
        Sink { path: path.map(Path::to_owned), ..Sink::default() }
    }

    /// Bytes put so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes what comes next.
    ///
    /// # Errors
    /// [`Gone`], and what the system says.
    pub fn put(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.written += bytes.len() as u64;
        let Some(path) = &self.path else { return print(bytes) };
        let cannot = || format!("cannot write {}", path.display());
        if bytes.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(File::create(path).with_context(cannot)?)),
        };
        file.write_all(bytes).with_context(cannot)
    }

    /// Everything was put: it must have arrived.
    ///
    /// # Errors
    /// As for [`Sink::put`].
    pub fn end(&mut self) -> anyhow::Result<()> {
        let (Some(path), Some(file)) = (&self.path, &mut self.file) else { return Ok(()) };
        file.flush().with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes).map(|()| bytes.len()).map_err(failed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end().map_err(failed)
    }
}

/// An error of ours where [`io::Write`] wants one of its own.
fn failed(error: anyhow::Error) -> io::Error {
    let kind = if error.is::<Gone>() { io::ErrorKind::BrokenPipe } else { io::ErrorKind::Other };
    io::Error::new(kind, format!("{error:#}"))
}

/// A JSON array printed item by item, so that a long one is never held.
#[derive(Default)]
pub struct JsonList {
    sink: Sink,
    count: usize,
    /// The first item, held until it is known whether another follows; only where one stands without the array.
    first: Option<String>,
    is_bare_alone: bool,
}

impl JsonList {
    /// An array that is left out when it holds one item.
    pub fn bare_alone(sink: Sink) -> Self {
        JsonList { sink, is_bare_alone: true, ..JsonList::default() }
    }

    /// Prints the next item.
    pub fn item(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        self.count += 1;
        if self.count == 1 && self.is_bare_alone {
            self.first = Some(text);
            return Ok(());
        }
        if let Some(first) = self.first.take() {
            self.put("[\n  ", &first)?;
        }
        self.put(if self.count == 1 { "[\n  " } else { ",\n  " }, &text)
    }

    /// Ends the array; returns how many items there were.
    pub fn end(mut self) -> anyhow::Result<usize> {
        match (self.first.take(), self.count) {
            (Some(only), _) => self.sink.put(format!("{only}\n").as_bytes())?,
            (None, 0) => self.sink.put(b"[]\n")?,
            (None, _) => self.sink.put(b"\n]\n")?,
        }
        self.sink.end()?;
        Ok(self.count)
    }

    fn put(&mut self, lead: &str, text: &str) -> anyhow::Result<()> {
        self.sink.put(format!("{lead}{}", text.replace('\n', "\n  ")).as_bytes())
    }
}

/// Prints one JSON value and a line end.
pub fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    print(&text)
}

/// The text of a guide: a file's, or that of a ready guide by its name.
pub fn guide_text(named: &Path) -> anyhow::Result<Cow<'static, str>> {
    let ready = named.to_str().filter(|_| !named.is_file()).and_then(ready::text);
    if let Some(text) = ready {
        return Ok(Cow::Borrowed(text));
    }
    let text = std::fs::read_to_string(named).with_context(|| {
        let name = named.display();
        let hint = crate::near::hint(&name.to_string(), &ready::names());
        format!("cannot read {name}, which is no ready guide either{hint}")
    });
    Ok(Cow::Owned(text?))
}

/// Reads a guide, or takes a ready one; all that is wrong with it is the error.
pub fn guide(named: &Path, library: &Library) -> anyhow::Result<Arc<Guide>> {
    let guide = Guide::parse(&guide_text(named)?, library).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(|error| format!("{}: {error}", named.display())).collect();
        anyhow::anyhow!(lines.join("\n"))
    })?;
    Ok(Arc::new(guide))
}

/// Every document of the guide's type is held against it.
pub fn by_guide<'g>(guide: Arc<Guide>) -> GuideChoice<'g> {
    Box::new(move |_, _, document| guide.is_for(document).then(|| guide.clone()))
}
