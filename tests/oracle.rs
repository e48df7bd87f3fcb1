//! Two EDIFACT readers of other houses as independent oracles: on clean input all three of us see the same segments,
//! elements, repetitions and components, with the same values. What an oracle is known to read wrongly is named here
//! with the reason, and a name that is no longer needed fails the test.

use edifact_parser::{EdifactHandler, EdifactStreamParser};
use edifact_primitives::{Control, EdifactDelimiters, RawSegment};
use portolan::codec::segment::{EnvelopeCheck, Limits, PieceKind, Reader};
use portolan::tree::Charset;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Elements of repetitions of components.
type Elements = Vec<Vec<Vec<String>>>;
/// A segment: tag and elements.
type Token = (String, Elements);

/// Files on which an oracle differs, by the end of their path, and why it is the oracle that is wrong.
const PARSER_DIFFERS: &[(&str, &str)] = &[];
const RS_DIFFERS: &[(&str, &str)] = &[
    ("edifact-converter__REF06_1.edi", DIGITS),
    ("edifact-converter__REF06_2.edi", DIGITS),
    ("edifact-converter__REF06_3.edi", DIGITS),
    ("edifact-converter__REF07_1.edi", DIGITS),
    ("edifact-converter__REF07_2.edi", DIGITS),
    ("edifact-converter__REF07_3.edi", DIGITS),
    ("edifact-converter__REQ01_1.edi", DIGITS),
    ("edifact-converter__REQ02_1.edi", DIGITS),
    ("edifact-converter__REQ03_2.edi", DIGITS),
];
/// ISO 9735-1 has alphanumeric tags, and health care in Denmark uses S01 and the like.
const DIGITS: &str = "it takes tags of three letters only";

fn files() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let shared = std::env::var_os("PORTOLAN_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    let mut open = vec![own];
    open.extend(["edifact", "chains", "synthetic"].map(|folder| shared.join(folder)));
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What we read, when the input is clean: one EDIFACT interchange without any fault of envelope or characters.
fn ours(bytes: &[u8]) -> Option<Vec<Token>> {
    if !matches!(bytes.get(..3), Some(b"UNA" | b"UNB")) {
        return None;
    }
    let mut reader = Reader::new(bytes, Limits::default());
    let mut check = EnvelopeCheck::new(None);
    let (mut tokens, mut interchanges, mut faults) = (Vec::new(), 0, 0);
    while let Some(piece) = reader.next().expect("memory reads") {
        faults += check.take(&piece).len();
        interchanges += u32::from(piece.kind == PieceKind::InterchangeHeader);
        if piece.kind == PieceKind::Between {
            continue;
        }
        for segment in piece.run.segments() {
            let elements = segment.elements().map(|element| {
                let repetitions = element.repetitions();
                repetitions.map(|one| one.components().map(|value| value.text().into_owned()).collect()).collect()
            });
            tokens.push((segment.tag_text().into_owned(), elements.collect()));
        }
    }
    faults += check.end().len();
    (faults == 0 && interchanges == 1).then_some(tokens)
}

/// The input in UTF-8, which both oracles want; the set is the one that UNB declares.
fn text(bytes: &[u8]) -> String {
    let at = bytes.windows(4).position(|four| four.starts_with(b"UNO")).unwrap_or(0);
    let declared = bytes.get(at..at + 4).and_then(Charset::of_syntax_identifier).unwrap_or(Charset::Utf8);
    declared.decode(bytes).into_owned()
}

#[derive(Default)]
struct Collector {
    separators: EdifactDelimiters,
    tokens: Vec<Token>,
}

impl EdifactHandler for Collector {
    fn on_delimiters(&mut self, delimiters: &EdifactDelimiters, _explicit: bool) {
        self.separators = *delimiters;
    }

    fn on_segment(&mut self, segment: &RawSegment) -> Control {
        let values = |components: &Vec<&str>| {
            let own = components.iter().map(|value| self.separators.unescape(value));
            vec![own.collect()]
        };
        self.tokens.push((segment.id.to_owned(), segment.elements.iter().map(values).collect()));
        Control::Continue
    }
}

fn by_edifact_parser(text: &str) -> Result<Vec<Token>, String> {
    let mut collector = Collector::default();
    EdifactStreamParser::parse(text.as_bytes(), &mut collector).map_err(|error| format!("{error:?}"))?;
    Ok(collector.tokens)
}

fn by_edifact_rs(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for segment in edifact_rs::from_bytes(text.as_bytes()) {
        let segment = segment.map_err(|error| error.to_string())?;
        let elements = segment.elements.iter().map(|element| {
            let repetitions = element.repetitions();
            repetitions.map(|one| one.iter().map(|(value, _)| value.clone().into_owned()).collect()).collect()
        });
        let token = (segment.tag.clone().into_owned(), elements.collect());
        if token.0 != "UNA" {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

/// The first difference in words, or nothing.
fn difference(ours: &[Token], theirs: &Result<Vec<Token>, String>) -> Option<String> {
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(error) => return Some(format!("it refuses the file: {error}")),
    };
    if let Some(at) = (0..ours.len().min(theirs.len())).find(|&at| ours[at] != theirs[at]) {
        return Some(format!("segment {}: ours {:?}, theirs {:?}", at + 1, ours[at], theirs[at]));
    }
    (ours.len() != theirs.len()).then(|| format!("ours {} segments, theirs {}", ours.len(), theirs.len()))
}

/// Compares all clean files with one oracle; returns how many agreed.
fn compare(
    name: &str,
    differs: &[(&str, &str)],
    read: impl Fn(&str) -> Result<Vec<Token>, String>,
    fits: impl Fn(&[Token], &str) -> bool,
) -> usize {
    let (mut agreed, mut wrong, mut needed) = (0, Vec::new(), BTreeSet::new());
    for path in files() {
        let bytes = fs::read(&path).expect("a readable file");
        let Some(ours) = ours(&bytes) else { continue };
        let text = text(&bytes);
        if !fits(&ours, &text) {
            continue;
        }
        match difference(&ours, &read(&text)) {
            None => agreed += 1,
            Some(told) => match differs.iter().find(|(end, _)| path.to_string_lossy().ends_with(end)) {
                Some((end, _)) => drop(needed.insert(*end)),
                None => wrong.push(format!("{}: {told}", path.display())),
            },
        }
    }
    println!("{name} agrees on {agreed} clean files and is known to differ on {}", needed.len());
    assert!(wrong.is_empty(), "{name} differs on {} files:\n{}", wrong.len(), wrong.join("\n"));
    let all_there = std::env::var_os("PORTOLAN_CORPORA").is_some_and(|folder| Path::new(&folder).is_dir());
    let spare: Vec<_> = differs.iter().filter(|(end, _)| all_there && !needed.contains(end)).collect();
    assert!(spare.is_empty(), "{name} no longer differs on {spare:?}; take the names out");
    agreed
}

#[test]
fn edifact_parser_sees_the_same() {
    // It knows no repetitions, and as separators only what a full UNA or the defaults give; thousands of terminators in
    // a row would overflow its stack.
    let fits = |ours: &[Token], text: &str| {
        ours.iter().all(|(_, elements)| elements.iter().all(|one| one.len() == 1)) && !text.contains("''''''''")
    };
    let agreed = compare("edifact-parser", PARSER_DIFFERS, by_edifact_parser, fits);
    assert!(agreed >= 20, "only {agreed} files");
}

#[test]
fn edifact_rs_sees_the_same() {
    let agreed = compare("edifact-rs", RS_DIFFERS, by_edifact_rs, |_, _| true);
    assert!(agreed >= 20, "only {agreed} files");
}
