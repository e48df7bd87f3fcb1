//! The definition files in the binary: an archive that `build.rs` makes of `standards/`, in which each is found by its
//! path and unpacked by itself, when it is asked for. What the files say is `load`'s.

use flate2::read::DeflateDecoder;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::OnceLock;

static PACK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/standards.pack"));
static INDEX: &str = include_str!(concat!(env!("OUT_DIR"), "/standards.index"));

/// A file in the archive.
struct Entry {
    begin: usize,
    packed: usize,
    length: usize,
    name: &'static str,
}

/// The files by path below `standards/`.
fn entries() -> &'static BTreeMap<&'static str, Entry> {
    static ENTRIES: OnceLock<BTreeMap<&str, Entry>> = OnceLock::new();
    let entry = |line: &'static str| {
        let mut cells = line.split('\t');
        let path = cells.next()?;
        let mut number = || cells.next()?.parse().ok();
        let (begin, packed, length) = (number()?, number()?, number()?);
        Some((path, Entry { begin, packed, length, name: cells.next().unwrap_or_default() }))
    };
    ENTRIES.get_or_init(|| INDEX.lines().filter_map(entry).collect())
}

/// The paths of all files, sorted.
pub fn paths() -> impl Iterator<Item = &'static str> {
    entries().keys().copied()
}

/// The text of a file.
pub fn text(path: &str) -> Option<String> {
    let entry = entries().get(path)?;
    let packed = PACK.get(entry.begin..entry.begin + entry.packed)?;
    let mut text = String::with_capacity(entry.length);
    DeflateDecoder::new(packed).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The name of a document type, known without unpacking it; empty for a file that is none.
pub fn name(path: &str) -> Option<&'static str> {
    entries().get(path).map(|entry| entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_file_is_packed_as_it_stands() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("standards");
        let mut count = 0;
        for path in paths() {
            let file = fs::read_to_string(root.join(path)).expect("a packed file is there");
            assert!(text(path).expect("it unpacks") == file, "{path} differs from its file");
            count += 1;
        }
        assert!(count > 100, "only {count} files are packed");
        assert_eq!(text("x12/004010/none.yaml"), None);
        assert_eq!(name("x12/004010/850.yaml"), Some("Purchase Order"));
    }
}
