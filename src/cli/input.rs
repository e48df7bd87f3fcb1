//! Input and output files of commands: `-` is the standard stream.

use super::progress::{self, Progress};
use crate::codec::segment::GuideChoice;
use crate::standard::guide::Guide;
use anyhow::Context as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write};
use std::path::Path;
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

/// A JSON array printed item by item, so that a long one is never held.
#[derive(Default)]
pub struct JsonList {
    count: usize,
}

impl JsonList {
    /// Prints the next item.
    pub fn item(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?.replace('\n', "\n  ");
        let lead = if self.count == 0 { "[\n  " } else { ",\n  " };
        self.count += 1;
        print(format!("{lead}{text}").as_bytes())
    }

    /// Ends the array; returns how many items there were.
    pub fn end(self) -> anyhow::Result<usize> {
        print(if self.count == 0 { b"[]\n".as_slice() } else { b"\n]\n" })?;
        Ok(self.count)
    }
}

/// Prints one JSON value and a line end.
pub fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    print(&text)
}

/// Reads a guide file; all that is wrong with it is the error.
pub fn guide(file: &Path) -> anyhow::Result<Arc<Guide>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let guide = Guide::parse(&text).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(|error| format!("{}: {error}", file.display())).collect();
        anyhow::anyhow!(lines.join("\n"))
    })?;
    Ok(Arc::new(guide))
}

/// Every document of the guide's type is held against it.
pub fn by_guide<'g>(guide: Arc<Guide>) -> GuideChoice<'g> {
    Box::new(move |_, _, document| guide.is_for(document).then(|| guide.clone()))
}
