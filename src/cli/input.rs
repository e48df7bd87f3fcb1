//! Input and output files of commands: `-` is the standard stream.

use crate::codec::segment::GuideChoice;
use crate::standard::guide::Guide;
use anyhow::Context as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Opens FILE for reading, or standard input for `-`.
pub fn open(file: &Path) -> anyhow::Result<Box<dyn Read>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Box::new(opened))
}

/// Writes to standard output; a reader that went away is no error.
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to standard output"),
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
