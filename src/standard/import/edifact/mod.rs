//! Imports EDIFACT from the directories as the UN publishes them (a ZIP of text files), with the service segments of
//! ISO 9735 from neutral tables. It takes tags, positions, usages, lengths and codes, none of the sentences.
//!
//! `release` reads the ZIP, `message` a segment table, `parts` the files of segments, composites, elements and codes,
//! `service` the neutral tables. Interactive messages are read and checked, and not written: no interchange that
//! carries them is decoded.

mod message;
mod parts;
mod release;
mod service;

pub use service::{import_service, import_syntax, import_tables};

use super::{Counts, Imported, Parts, entries, keep_used};
use crate::standard::definition::Document;
use anyhow::{Context as _, anyhow};
use release::FileKind;
use std::collections::BTreeMap;
use std::path::Path;

/// Segments of the envelope, which no message table names but an interchange has.
const ENVELOPE: [&str; 4] = ["UNB", "UNG", "UNE", "UNZ"];

/// Segment with which an interactive message begins.
const INTERACTIVE_HEADER: &str = "UIH";

/// Reads a directory's ZIP (`d96a.zip`) and keeps the messages of `kinds`, all when empty, with what they use. The
/// service segments are those of `syntax` (1 to 4) in the folder `service` beside the ZIP. A release without code lists
/// of its own takes those of `codes`, another release's ZIP.
///
/// # Errors
/// A file that is missing or cannot be read, with its name and what was expected; a message the directory lacks.
pub fn import(zip: &Path, syntax: u8, kinds: &[String], codes: Option<&Path>) -> anyhow::Result<Imported> {
    let version = zip.file_stem().and_then(|name| name.to_str()).context("the ZIP is named after the version")?;
    let version = version.to_ascii_lowercase();
    let mut reading = Reading::of(version);
    let files = release::files(zip)?;
    reading.parts(&files);
    reading.count_parts();
    if reading.directory.codes.is_empty()
        && let Some(other) = codes
    {
        let theirs = release::files(other)?;
        let lists = theirs.iter().filter(|(kind, _, _)| *kind == FileKind::Codes);
        lists.for_each(|(_, _, text)| parts::codes(text, &mut reading.directory));
        let elements = &reading.directory.elements;
        reading.directory.codes.retain(|id, _| elements.contains_key(id));
        open_lists(&theirs, &mut reading.directory);
    }
    open_lists(&files, &mut reading.directory);
    reading.messages(&files)?;
    let folder = zip.parent().unwrap_or(Path::new(".")).join("service");
    service::tables(&folder, syntax, &mut reading.directory)?;
    service::tables(&folder, service::NEWEST_SYNTAX, &mut reading.interactive_parts)?;
    reading.finish(kinds).with_context(|| zip.display().to_string())
}

/// Takes away the lists of elements that a release says are listed elsewhere.
fn open_lists(files: &[release::Named], directory: &mut Parts) {
    let elements = files.iter().filter(|(kind, _, _)| *kind == FileKind::Elements);
    elements.flat_map(|(_, _, text)| parts::listed_elsewhere(text)).for_each(|id| _ = directory.codes.remove(&id));
}

/// A release being read.
#[derive(Default)]
struct Reading {
    directory: Parts,
    /// Segments, composites of the interactive messages.
    interactive_parts: Parts,
    documents: Vec<Document>,
    interactive: Vec<Document>,
    counts: Counts,
    anomalies: Vec<String>,
}

impl Reading {
    fn of(version: String) -> Self {
        let directory = Parts { standard: "edifact".into(), version, ..Parts::default() };
        Reading { interactive_parts: directory.clone(), directory, ..Reading::default() }
    }

    fn parts(&mut self, files: &[release::Named]) {
        for (kind, _, text) in files {
            let (batch, other) = (&mut self.directory, &mut self.interactive_parts);
            match kind {
                FileKind::Elements => parts::elements(text, batch),
                FileKind::Composites => parts::composites(text, batch, &mut self.anomalies),
                FileKind::Segments => parts::segments(text, batch, &mut self.anomalies),
                FileKind::Codes => parts::codes(text, batch),
                FileKind::InteractiveComposites => parts::composites(text, other, &mut self.anomalies),
                FileKind::InteractiveSegments => parts::segments(text, other, &mut self.anomalies),
                FileKind::Message(_) | FileKind::Names => {}
            }
        }
    }

    fn messages(&mut self, files: &[release::Named]) -> anyhow::Result<()> {
        let lists = files.iter().filter(|(kind, _, _)| *kind == FileKind::Names);
        let names: BTreeMap<String, String> = lists.flat_map(|(_, _, text)| message::names(text)).collect();
        for (kind, name, text) in files {
            let FileKind::Message(kind) = kind else { continue };
            let document = message::message(&self.directory.version, kind, text, &mut self.anomalies);
            let mut document = document.with_context(|| name.clone())?;
            if document.name.is_empty() {
                names.get(kind).unwrap_or(kind).clone_into(&mut document.name);
            }
            self.counts.types += 1;
            self.counts.entries += entries(&document.nodes);
            let is_interactive = document.nodes.first().is_some_and(|first| first.tag == INTERACTIVE_HEADER);
            if is_interactive { &mut self.interactive } else { &mut self.documents }.push(document);
        }
        Ok(())
    }

    /// What the release itself has, before service tables and without regard to what is used.
    fn count_parts(&mut self) {
        self.counts = Counts {
            interactive_segments: self.interactive_parts.segments.len(),
            interactive_composites: self.interactive_parts.composites.len(),
            ..Counts::of(&self.directory)
        };
    }

    /// Checks that everything used is defined, and keeps the messages asked for with what they use.
    fn finish(mut self, kinds: &[String]) -> anyhow::Result<Imported> {
        self.counts.interactive = self.interactive.len();
        let mut other = self.interactive_parts;
        other.elements.extend(self.directory.elements.clone());
        other.composites.extend(self.directory.composites.clone());
        self.anomalies.extend(keep_used(&self.interactive, &[], &mut other));
        if let Some(refused) = self.interactive.iter().find(|one| kinds.contains(&one.kind)) {
            return Err(anyhow!("{} is an interactive message, which are not supported", refused.kind));
        }
        self.documents.retain(|document| kinds.is_empty() || kinds.contains(&document.kind));
        if let Some(missing) = kinds.iter().find(|kind| !self.documents.iter().any(|one| one.kind == **kind)) {
            return Err(anyhow!("no message {missing}"));
        }
        self.documents.sort_by(|a, b| a.kind.cmp(&b.kind));
        parts::name_places(&mut self.directory);
        self.anomalies.extend(keep_used(&self.documents, &ENVELOPE, &mut self.directory));
        let Reading { documents, directory, anomalies, counts, .. } = self;
        Ok(Imported { documents, directory, counts, anomalies })
    }
}
