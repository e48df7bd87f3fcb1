//! `docs/CORPUS.md`: what the shared corpora hold, how much of it is identified, decoded and valid, and why not: every
//! error of a rejected document has a class in `corpus_page/reasons.yaml`, which says whose mistake it is by which rule.
//! `UPDATE=1` writes the page anew; where the corpora are not there, nothing is compared.

#[path = "corpus_page/reason.rs"]
mod reason;

use portolan::codec::segment::{DocumentReport, Inspection, InterchangeReport, Limits, decode, encode};
use portolan::diagnostic::{Diagnostic, Severity, Syntax};
use portolan::standard::load::Library;
use reason::Reasons;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 7] = ["x12", "edifact", "cxml", "ubl", "cii", "chains", "synthetic"];

/// What was counted in one folder.
#[derive(Default)]
struct Count {
    files: usize,
    identified: usize,
    exact: usize,
    documents: usize,
    valid: usize,
    invalid: usize,
    not_installed: usize,
    envelope: usize,
}

/// What was counted over all folders.
#[derive(Default)]
struct Total {
    /// Standard, version and type → documents, valid ones.
    installed: BTreeMap<String, (usize, usize)>,
    /// Standard and type → documents, and the versions seen.
    missing: BTreeMap<String, usize>,
    /// Error codes in documents of installed types → documents that have them.
    codes: BTreeMap<String, usize>,
    /// Error codes of envelopes → interchanges that have them.
    envelopes: BTreeMap<String, usize>,
    /// Rejected documents of installed types: the sample, and what is wrong with it.
    rejected: Vec<(String, BTreeSet<String>)>,
}

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("PORTOLAN_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![folder], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if !path.to_string_lossy().ends_with(".json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn inspect(library: &Library, bytes: &[u8]) -> Vec<InterchangeReport> {
    let reports = Inspection::new(library).whole(bytes, Limits::default()).expect("memory reads");
    reports.into_iter().filter(|report| report.number > 0).collect()
}

fn errors(faults: &[Diagnostic]) -> Vec<String> {
    let mut codes: Vec<String> =
        faults.iter().filter(|one| one.severity == Severity::Error).map(Diagnostic::code).collect();
    codes.sort();
    codes.dedup();
    codes
}

/// A finding as the classes name it: code and place, without the occurrence (`PO1[2].03` is `PO1.03`).
fn named(finding: &Diagnostic) -> String {
    let place = match finding.place.split_once('[') {
        Some((tag, rest)) => format!("{tag}{}", rest.split_once(']').map_or("", |(_, rest)| rest)),
        None if finding.tag.is_empty() => String::new(), // a segment without a tag has its number only
        None => finding.place.clone(),
    };
    format!("{} {place}", finding.code()).trim_end().to_owned()
}

fn count_document(syntax: Syntax, sample: &str, document: &DocumentReport, count: &mut Count, total: &mut Total) {
    let standard = Some(document.envelope.standard_in(syntax)).filter(|name| !name.is_empty()).unwrap_or("xml");
    let codes = errors(&document.faults);
    let kind = &document.envelope.document_type;
    count.documents += 1;
    if codes.iter().any(|code| code.ends_with("DOCUMENT-TYPE-UNKNOWN")) {
        count.not_installed += 1;
        *total.missing.entry(format!("{standard} {kind}")).or_default() += 1;
        return;
    }
    let row = total.installed.entry(format!("{standard} {} {kind}", document.envelope.version)).or_default();
    row.0 += 1;
    if codes.is_empty() {
        count.valid += 1;
        row.1 += 1;
        return;
    }
    count.invalid += 1;
    for code in codes {
        *total.codes.entry(code).or_default() += 1;
    }
    let found = document.faults.iter().filter(|one| one.severity == Severity::Error).map(named);
    total.rejected.push((sample.to_owned(), found.collect()));
}

fn count_file(library: &Library, sample: &str, bytes: &[u8], count: &mut Count, total: &mut Total) {
    count.files += 1;
    let (decoded, _) = decode(bytes, Limits::default()).expect("memory reads");
    count.exact += usize::from(encode(&decoded).is_ok_and(|again| again == bytes));
    let reports = inspect(library, bytes);
    count.identified += usize::from(!reports.is_empty());
    for report in &reports {
        let faults: Vec<Diagnostic> = report.envelope_faults().cloned().collect();
        let codes = errors(&faults);
        count.envelope += usize::from(!codes.is_empty());
        for code in codes {
            *total.envelopes.entry(code).or_default() += 1;
        }
        for document in report.groups.iter().flat_map(|group| &group.documents) {
            count_document(report.syntax, sample, document, count, total);
        }
    }
}

/// The page, and what the classes do not explain.
fn page(corpora: &Path) -> (String, Vec<String>) {
    let library = Library::new(None);
    let mut total = Total::default();
    let mut text = String::from(
        "# What the corpora say\n\n\
         Generated by `tests/corpus_page.rs` from real and synthetic interchanges of many hands; a file counts as\n\
         identified when an interchange is found in it, and as exact when decoding and encoding gives its bytes back. A\n\
         document is valid when it has no finding of severity error by the definition of its type; what has no definition\n\
         here yet is counted apart. The corpora hold broken files on purpose. \"Why do you reject this?\" is answered for every\n\
         error of every rejected document below, from `tests/corpus_page/reasons.yaml`; [ERRORS.md](ERRORS.md) has each code.\n\n\
         | folder | files | identified | exact | documents | valid | invalid | type not installed | interchanges with a faulty envelope |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for folder in FOLDERS {
        let mut count = Count::default();
        for path in files(corpora.join(folder)) {
            let sample = path.strip_prefix(corpora).expect("a path in it").to_string_lossy().replace('\\', "/");
            count_file(&library, &sample, &fs::read(path).expect("a file"), &mut count, &mut total);
        }
        let Count { files, identified, exact, documents, valid, invalid, not_installed, envelope } = count;
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            text,
            "| {folder} | {files} | {identified} | {exact} | {documents} | {valid} | {invalid} | {not_installed} | {envelope} |"
        );
    }
    let mut table = |title: &str, head: &str, rows: Vec<String>| {
        text.push_str(&format!("\n## {title}\n\n| {head} |\n|{}\n", "---|".repeat(head.split('|').count())));
        rows.iter().for_each(|row| text.push_str(&format!("| {row} |\n")));
    };
    let by_count = |map: &BTreeMap<String, usize>| {
        let mut rows: Vec<_> = map.iter().collect();
        rows.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        rows.into_iter().map(|(name, count)| format!("{name} | {count}")).collect::<Vec<_>>()
    };
    let installed = total.installed.iter().map(|(kind, (all, valid))| format!("{kind} | {all} | {valid}"));
    table("Documents of installed types, by declared version", "document | documents | valid", installed.collect());
    table("What is found in documents that are not valid", "code | documents", by_count(&total.codes));
    table("What is found in faulty envelopes", "code | interchanges", by_count(&total.envelopes));
    table("Types not installed", "type | documents", by_count(&total.missing));
    text.push_str("\n## Why documents are rejected\n\nA document may fall into several classes.\n");
    let mut reasons = Reasons::load();
    total.rejected.iter().for_each(|(sample, findings)| reasons.take(sample, findings));
    text.push_str(&reasons.text());
    (text, reasons.complaints())
}

#[test]
fn the_corpus_page_is_what_is_counted() {
    let Some(corpora) = corpora() else {
        eprintln!("the shared corpora are not there: docs/CORPUS.md is not compared");
        return;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CORPUS.md");
    let (page, complaints) = page(&corpora);
    assert!(complaints.is_empty(), "tests/corpus_page/reasons.yaml does not explain:\n{}", complaints.join("\n"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).expect("docs can be written");
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == page, "docs/CORPUS.md is out of date: `make generated`");
}
