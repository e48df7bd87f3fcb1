//! `portolan standards infer FILE…`: the draft of a definition, to standard output.

use super::Exit;
use crate::codec::json;
use crate::codec::table::{self, LINE_BYTES_MAX};
use crate::standard::load::is_name;
use anyhow::Context as _;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes that are looked at of each sample, and some more to the end of the line.
const SAMPLE_BYTES_MAX: usize = 16 << 20;

pub fn run(files: &[PathBuf], name: &str, as_json: bool) -> anyhow::Result<Exit> {
    let parts = <[&str; 3]>::try_from(name.split('/').collect::<Vec<_>>()).ok();
    let Some(parts) = parts.filter(|parts| parts.iter().all(|part| is_name(part))) else {
        eprintln!("portolan standards infer: --as {name}: expected STANDARD/VERSION/TYPE, such as grocer/1/Order");
        return Ok(Exit::Usage);
    };
    let samples = files.iter().map(|file| sample(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let is_json = samples.iter().any(|bytes| bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'));
    let draft = match is_json {
        true => json::infer(parts, &samples).map_err(|error| error.to_string()),
        false => table::infer(parts, &samples).map_err(|error| error.to_string()),
    };
    let draft = match draft {
        Ok(draft) => draft,
        Err(error) => {
            eprintln!("portolan standards infer: {error}");
            return Ok(Exit::Invalid);
        }
    };
    match as_json {
        true => println!("{:#}", serde_json::json!({ "name": name, "draft": draft })),
        false => print!("{draft}"),
    }
    Ok(Exit::Ok)
}

/// The beginning of a file, whole lines of it.
fn sample(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = File::open(file).with_context(|| file.display().to_string())?;
    let most = (SAMPLE_BYTES_MAX + LINE_BYTES_MAX) as u64;
    opened.take(most).read_to_end(&mut bytes).with_context(|| file.display().to_string())?;
    if bytes.len() > SAMPLE_BYTES_MAX {
        let end = bytes[SAMPLE_BYTES_MAX..].iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(SAMPLE_BYTES_MAX + end);
    }
    Ok(bytes)
}
