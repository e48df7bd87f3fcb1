//! `portolan validate FILE`: every fault of every document, with place, expected, found and remedy.

use super::{Exit, input};
use crate::codec::segment::{Inspection, InterchangeReport, Limits, Reader};
use crate::diagnostic::{Diagnostic, Severity};
use crate::standard::load::Library;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes shown before and after the place of a fault.
const EXCERPT_BYTES: u64 = 60;
/// Findings printed for people, per document.
const SHOWN_MAX: usize = 20;

#[derive(clap::Args)]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
    /// Definitions that go before those in the binary.
    #[arg(long, value_name = "DIR")]
    standards: Option<PathBuf>,
    /// A partner's guide: what it asks beyond the standard is checked too.
    #[arg(long, value_name = "FILE")]
    guide: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, json: bool) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.standards.as_deref());
    let reports = inspect(&arguments.file, &library, arguments.guide.as_deref())?;
    if json {
        let items: Vec<_> = reports.iter().flat_map(InterchangeReport::items).collect();
        input::print_json(&serde_json::json!(items))?;
    } else {
        let mut text = String::new();
        reports.iter().for_each(|report| words(report, &arguments.file, &mut text));
        input::print(text.as_bytes())?;
    }
    let valid = reports.iter().all(InterchangeReport::is_valid);
    Ok(if valid { Exit::Ok } else { Exit::Invalid })
}

/// Reads a whole file into reports.
pub fn inspect(file: &Path, library: &Library, guide: Option<&Path>) -> anyhow::Result<Vec<InterchangeReport>> {
    let mut inspection = Inspection::new(library);
    if let Some(guide) = guide {
        inspection = inspection.guided(input::by_guide(input::guide(guide)?));
    }
    let mut reader = Reader::new(input::open(file)?, Limits::default());
    let mut reports = Vec::new();
    while let Some(piece) = reader.next()? {
        inspection.take(&piece);
        reports.append(&mut inspection.finished());
    }
    reports.append(&mut inspection.end());
    Ok(reports)
}

fn words(report: &InterchangeReport, file: &Path, text: &mut String) {
    let envelope = &report.envelope;
    if report.number > 0 {
        let (sender, receiver) = (&envelope.sender.value, &envelope.receiver.value);
        let control = &envelope.interchange_control_number;
        text.push_str(&format!("interchange {} {control} from {sender} to {receiver}\n", report.number));
    }
    findings(&report.faults, report, file, text);
    for group in &report.groups {
        if !group.faults.is_empty() {
            text.push_str(&format!("group {} {}\n", group.number, group.envelope.group_control_number));
            findings(&group.faults, report, file, text);
        }
        for document in &group.documents {
            let errors = document.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
            let verdict = match (errors, document.faults.len()) {
                (0, 0) => "valid".to_owned(),
                (0, warnings) => format!("valid, {}", counted(warnings, "warning")),
                (errors, _) => counted(errors, "error"),
            };
            let envelope = &document.envelope;
            let kind = match envelope.document_type.as_str() {
                "" => "of no type",
                kind => &format!("{kind} {}", envelope.version),
            };
            text.push_str(&format!("document {} {kind}: {verdict}\n", envelope.document_control_number));
            findings(&document.faults, report, file, text);
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn findings(faults: &[Diagnostic], report: &InterchangeReport, file: &Path, text: &mut String) {
    for fault in faults.iter().take(SHOWN_MAX) {
        let severity = match fault.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        text.push_str(&format!("  {severity} {}\n    {}\n", fault.code(), fault.message()));
        if let Some((line, caret)) = excerpt(fault, report, file) {
            let margin = fault.line.to_string();
            let blank = " ".repeat(margin.len());
            text.push_str(&format!("    {margin} | {line}\n    {blank} | {caret}\n"));
        }
        text.push_str(&format!("    {}\n", fault.fault.info().remedy));
    }
    if faults.len() > SHOWN_MAX {
        text.push_str(&format!("  … and {} more; --json lists 100\n", faults.len() - SHOWN_MAX));
    }
}

/// The bytes around the fault, within its segment, and a line with carets under it.
fn excerpt(fault: &Diagnostic, report: &InterchangeReport, path: &Path) -> Option<(String, String)> {
    if (fault.length == 0 && fault.place.is_empty()) || report.number == 0 {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let from = fault.offset.saturating_sub(EXCERPT_BYTES);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(fault.offset - from + fault.length + EXCERPT_BYTES).read_to_end(&mut bytes).ok()?;
    let at = usize::try_from(fault.offset - from).ok()?.min(bytes.len());
    let ends = |byte: &u8| *byte == report.separators.segment || *byte == b'\n' || *byte == b'\r';
    let start = bytes[..at].iter().rposition(ends).map_or(0, |place| place + 1);
    let stop = bytes[at..].iter().position(ends).map_or(bytes.len(), |place| at + place);
    let marked = usize::try_from(fault.length).ok()?.min(stop - at).min(2 * EXCERPT_BYTES as usize);
    let shown = |bytes: &[u8]| -> String {
        String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() { '.' } else { c }).collect()
    };
    let (before, inside) = (shown(&bytes[start..at]), shown(&bytes[at..at + marked]));
    let after = shown(&bytes[at + marked..stop.min(at + marked + EXCERPT_BYTES as usize)]);
    let caret = format!("{}{}", " ".repeat(before.chars().count()), "^".repeat(inside.chars().count().max(1)));
    Some((format!("{before}{inside}{after}"), caret))
}
