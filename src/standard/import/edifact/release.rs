//! The files of a UN/EDIFACT release: which there are in its ZIP, and their text.

use anyhow::{Context as _, bail};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// What a file of a release holds, told by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A message of this name.
    Message(String),
    /// Segments of batch messages.
    Segments,
    /// Composites of batch messages.
    Composites,
    /// Elements.
    Elements,
    /// Code lists.
    Codes,
    /// Segments of interactive messages.
    InteractiveSegments,
    /// Composites of interactive messages.
    InteractiveComposites,
    /// The list of messages with their names.
    Names,
}

/// Kind, name and text of a file.
pub type Named = (FileKind, String, String);

/// Bytes of all files of a release together, unpacked, at most: ten times what the largest has.
const UNPACKED_BYTES_MAX: u64 = 100 << 20;

/// The files of the ZIP that are of a kind, sorted by it, with box characters turned to `-`, `|` and `+`.
///
/// # Errors
/// A ZIP that cannot be read, is no release, or unpacks to more than any release has.
pub fn files(path: &Path) -> anyhow::Result<Vec<Named>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("{} is no ZIP", path.display()))?;
    let mut files = Vec::new();
    let mut room = UNPACKED_BYTES_MAX;
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        let name = entry.name()?.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        let Some(kind) = kind_of(&name) else { continue };
        let mut bytes = Vec::new();
        entry.take(room + 1).read_to_end(&mut bytes).with_context(|| name.clone())?;
        let Some(left) = room.checked_sub(bytes.len() as u64) else {
            bail!("{}: more than {UNPACKED_BYTES_MAX} bytes unpacked, which no release has", path.display());
        };
        room = left;
        files.push((kind, name, plain(&bytes)));
    }
    if files.is_empty() {
        bail!("{}: no file of a UN/EDIFACT directory in it", path.display());
    }
    files.sort();
    Ok(files)
}

fn kind_of(name: &str) -> Option<FileKind> {
    let (stem, _) = name.split_once('.')?;
    match stem {
        "trsd" | "edsd" => Some(FileKind::Segments),
        "trcd" | "edcd" => Some(FileKind::Composites),
        "tred" | "eded" => Some(FileKind::Elements),
        "uncl" | "uncl-1" | "uncl-2" => Some(FileKind::Codes),
        "idsd" => Some(FileKind::InteractiveSegments),
        "idcd" => Some(FileKind::InteractiveComposites),
        "trmdi1" | "edmdi1" => Some(FileKind::Names),
        // The six letters of a message, an underscore and the letter of the directory's status.
        other => {
            let kind = other.strip_suffix("_d").or_else(|| other.strip_suffix("_s"))?;
            let is_message = kind.len() == 6 && kind.bytes().all(|byte| byte.is_ascii_lowercase());
            is_message.then(|| FileKind::Message(kind.to_ascii_uppercase()))
        }
    }
}

/// Code page 437, of which only the box characters matter: corners and tees that open or close a group become `+`.
fn plain(bytes: &[u8]) -> String {
    let one = |&byte: &u8| match byte {
        0xC4 => '-',
        0xB3 => '|',
        0xBF | 0xD9 | 0xC1 | 0xDA | 0xC0 | 0xC2 | 0xC3 | 0xB4 | 0xC5 => '+',
        byte if byte.is_ascii() => char::from(byte),
        _ => '?',
    };
    bytes.iter().filter(|&&byte| byte != b'\r').map(one).collect()
}
