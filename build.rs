//! Packs the definitions of `standards/` for the binary, and builds anew when a folder that is packed changes (the
//! compiler alone does not notice new files).
//!
//! Two files come into the build's folder: `standards.pack`, the definition files one behind the other, each deflated by
//! itself, and `standards.index`, a line for each: path, where it begins in the pack, how many bytes it has there, how
//! many when unpacked, and of a document type its name. `src/standard/packed.rs` reads them.

use flate2::{Compression, write::DeflateEncoder};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The folder beside those of the standards: the entities, which are packed with their code.
const ENTITIES: &str = "entity";

fn main() -> io::Result<()> {
    for folder in ["standards", "mappings", "guides", "as2"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let root = Path::new("standards");
    let mut paths = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with(ENTITIES) {
            files(&path, &mut paths)?;
        }
    }
    paths.sort();
    let (mut pack, mut index) = (Vec::new(), String::new());
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let begin = pack.len();
        let mut encoder = DeflateEncoder::new(&mut pack, Compression::best());
        encoder.write_all(text.as_bytes())?;
        encoder.finish()?;
        let inside: Vec<_> = path.strip_prefix(root).into_iter().flatten().map(|part| part.to_string_lossy()).collect();
        let (packed, name) = (pack.len() - begin, name(&text));
        // Writing to a string cannot fail.
        let _infallible = writeln!(index, "{}\t{begin}\t{packed}\t{}\t{name}", inside.join("/"), text.len());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo names no OUT_DIR"))?);
    fs::write(out.join("standards.pack"), pack)?;
    fs::write(out.join("standards.index"), index)
}

/// The definition files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.extension().is_some_and(|end| end == "yaml") {
            found.push(path);
        }
    }
    Ok(())
}

/// The name of a document type, which stands in its first lines, comments left out; empty for what document types share.
fn name(text: &str) -> &str {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    if !lines.next().is_some_and(|first| first.starts_with("standard:")) {
        return "";
    }
    lines.take(5).find_map(|line| line.strip_prefix("name: ")).map_or("", |name| name.trim_matches('"'))
}
