//! Reads what importers are given: tables with a heading, and the files of a ZIP. What they say is each importer's.

use anyhow::{Context as _, anyhow, bail};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// Bytes of all files of a ZIP that are asked for together, unpacked, at most: ten times what the largest source has.
pub const UNPACKED_BYTES_MAX: u64 = 100 << 20;

/// The text of a file.
///
/// # Errors
/// It cannot be read.
pub fn text(folder: &Path, name: &str) -> anyhow::Result<String> {
    let path = folder.join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Rows of a table, the heading left out. Each has `least` cells at least; those that are not there are empty.
///
/// # Errors
/// It cannot be read, or a row has another number of columns.
pub fn rows<const N: usize>(folder: &Path, name: &str, least: usize) -> anyhow::Result<Vec<[String; N]>> {
    let text = text(folder, name)?;
    let row = |(number, line): (usize, &str)| {
        let mut cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let found = cells.len();
        if found >= least {
            cells.resize(N.max(found), String::new());
        }
        let wrong = |_| anyhow!("{name} line {}: expected {N} columns, found {found}", number + 1);
        <[String; N]>::try_from(cells).map_err(wrong)
    };
    text.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty()).map(row).collect()
}

/// The files of a ZIP that `kind` tells something of, by their names there.
///
/// # Errors
/// It cannot be read, is no ZIP, or unpacks to more than `bytes_max` bytes.
pub fn unzip<K>(
    path: &Path,
    bytes_max: u64,
    kind: impl Fn(&str) -> Option<K>,
) -> anyhow::Result<Vec<(K, String, Vec<u8>)>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("{} is no ZIP", path.display()))?;
    let (mut files, mut room) = (Vec::new(), bytes_max);
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let Some(kind) = kind(&name) else { continue };
        let mut bytes = Vec::new();
        entry.take(room + 1).read_to_end(&mut bytes).with_context(|| name.clone())?;
        let Some(left) = room.checked_sub(bytes.len() as u64) else {
            bail!("{}: more than {bytes_max} bytes unpacked, which no release has", path.display());
        };
        room = left;
        files.push((kind, name, bytes));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn err_a_zip_that_unpacks_to_too_much() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = zip::ZipWriter::new(file.reopen().expect("the file"));
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, length) in [("a.xsd", 60), ("b.txt", 500), ("c.xsd", 40)] {
            writer.start_file(name, stored).expect("begun");
            writer.write_all(&vec![b'x'; length]).expect("written");
        }
        writer.finish().expect("ended");
        let unzip = |max| unzip(file.path(), max, |name| name.ends_with(".xsd").then_some(()));
        let names: Vec<String> = unzip(100).expect("enough").into_iter().map(|(_, name, _)| name).collect();
        assert_eq!(names, ["a.xsd", "c.xsd"]);
        assert!(unzip(99).expect_err("too much").to_string().contains("more than 99 bytes"));
    }

    #[test]
    fn rows_have_their_columns() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("t.tsv"), "a\tb\tc\n1\t2\n\n3\t4\t5\n").expect("written");
        let rows = |least| super::rows::<3>(folder.path(), "t.tsv", least);
        assert_eq!(rows(1).expect("rows"), [["1", "2", ""], ["3", "4", "5"]].map(|row| row.map(str::to_owned)));
        assert_eq!(rows(3).expect_err("two").to_string(), "t.tsv line 2: expected 3 columns, found 2");
        let wide = super::rows::<2>(folder.path(), "t.tsv", 1).expect_err("three");
        assert_eq!(wide.to_string(), "t.tsv line 4: expected 2 columns, found 3");
    }
}
