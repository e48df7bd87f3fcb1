//! The files of a UN/EDIFACT release: which there are in its ZIP, and their text.

use crate::standard::import::source;
use anyhow::bail;
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

/// The files of the ZIP that are of a kind, sorted by it, with box characters turned to `-`, `|` and `+`.
///
/// # Errors
/// A ZIP that cannot be read, is no release, or unpacks to more than any release has.
pub fn files(path: &Path) -> anyhow::Result<Vec<Named>> {
    let file_name = |name: &str| name.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let found = source::unzip(path, source::UNPACKED_BYTES_MAX, |name| kind_of(&file_name(name)))?;
    let mut files: Vec<Named> =
        found.into_iter().map(|(kind, name, bytes)| (kind, file_name(&name), plain(&bytes))).collect();
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
