//! What is measured of ours, each as a caller runs it: reading tolerant, every check on, nothing prepared beforehand
//! but the definitions. Each returns what it counted, so that nothing can be left out.

use crate::generate::Kind;
use portolan::codec::segment::{
    AckChoice, Acknowledging, Ahead, Inspection, InterchangeReport, Judged, Limits, Piece, Placed, Reader, Share,
    Stamp, Step, When,
};
use portolan::diagnostic::Syntax;
use portolan::engine::Rules;
use portolan::engine::canonicalise::canonicalise;
use portolan::engine::encode::{self, Envelope};
use portolan::engine::map::{Target, map};
use portolan::standard::load::Library;
use portolan::tree::Style;
use std::io::Read;
use std::sync::Arc;

/// The stages; the first two are measured on batches too.
pub const NAMES: [&str; 6] = ["tokenise", "validate", "reports", "acknowledge", "canonical JSON", "translate"];

/// Whether a stage's rate is told by the JSON it writes, not by the bytes it reads.
pub fn writes_json(name: &str) -> bool {
    name == "canonical JSON"
}

/// A stage to run again and again; it returns the bytes it wrote, or a count.
pub fn by_name<'a>(name: &str, kind: Kind, input: &'a [u8], rules: &'a Rules) -> Option<Box<dyn FnMut() -> u64 + 'a>> {
    Some(match name {
        "tokenise" => Box::new(move || tokenise(input).bytes),
        "validate" => Box::new(move || validate(input, &rules.library).documents),
        "reports" => Box::new(move || validate_whole(input, &rules.library).len() as u64),
        "acknowledge" => Box::new(move || acknowledge(input, &rules.library)),
        "canonical JSON" => Box::new(move || canonical_json(input, rules)),
        "translate" => {
            let target = Target::parse(rules, other(kind)).expect("a packed mapping");
            Box::new(move || translate(input, rules, &target))
        }
        _ => return None,
    })
}

/// What a document is translated to: the same business in the other standard.
pub fn other(kind: Kind) -> &'static str {
    match kind {
        Kind::X850 => "edifact/d96a/ORDERS",
        Kind::X810 => "edifact/d96a/INVOIC",
        Kind::X856 => "edifact/d96a/DESADV",
        Kind::Orders => "x12/004010/850",
        Kind::Invoic => "x12/004010/810",
    }
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub documents: u64,
    pub findings: u64,
    /// Bytes written, or seen in elements, or 0 where nothing is written.
    pub bytes: u64,
}

/// Finds every separator and visits every element.
pub fn tokenise(source: impl Read) -> Counted {
    let mut reader = Reader::new(source, Limits::default());
    let mut counted = Counted::default();
    while let Some(piece) = reader.next().expect("the source does not fail") {
        for segment in piece.run.segments() {
            counted.bytes += segment.elements().map(|element| element.raw().len() as u64).sum::<u64>();
        }
        counted.documents += u64::from(piece.document > 0);
    }
    counted
}

/// Everything that `portolan validate` checks, as it does it: document by document, the reports not kept.
pub fn validate(source: impl Read, library: &Library) -> Counted {
    validate_and(source, library, |_, _| 0)
}

/// The same, and something done with each document that was placed; it returns the bytes it wrote.
pub fn validate_and(source: impl Read, library: &Library, mut with: impl FnMut(&Placed, &Piece<'_>) -> u64) -> Counted {
    let mut reader = Reader::new(source, Limits::default()).knowing(library);
    let mut inspection = Inspection::new(library);
    let mut counted = Counted::default();
    while let Some(piece) = reader.next().expect("the source does not fail") {
        if let Some(placed) = inspection.take(&piece) {
            counted.documents += 1;
            counted.findings += inspection.document().map_or(0, |report| report.faults.len() as u64);
            counted.bytes += with(&placed, &piece);
        }
        inspection.forget_documents();
        counted.findings += inspection.finished().iter().map(findings_of_envelope).sum::<u64>();
    }
    counted.findings += inspection.end().iter().map(findings_of_envelope).sum::<u64>();
    counted
}

/// Validation, and the acknowledgment its sender is owed, as bytes, as `portolan ack` makes it.
fn acknowledge(input: &[u8], library: &Library) -> u64 {
    let choice = AckChoice { functional: When::Always, ..AckChoice::default() };
    let stamp = Stamp {
        interchange_control_number: "1".into(),
        group_control_numbers: vec!["1".into()],
        prepared: jiff::civil::date(2026, 11, 24).at(9, 15, 0, 0),
    };
    let (mut reader, mut inspection) = (Reader::new(input, Limits::default()), Inspection::new(library));
    let (mut open, mut written) = (None, 0);
    let mut close = |open: &mut Option<Acknowledging>, report: &InterchangeReport| {
        let acknowledgment = open.take().and_then(|open| open.closed(report)).expect("one is asked for");
        written += acknowledgment.encode(&stamp).expect("it can be written").len() as u64;
    };
    while let Some(piece) = reader.next().expect("the source does not fail") {
        inspection.take(&piece);
        inspection.finished().iter().for_each(|report| close(&mut open, report));
        if let Some(report) = inspection.interchange() {
            open.get_or_insert_with(|| Acknowledging::new(report, choice)).read(report, piece.kind);
        }
        inspection.forget_documents();
    }
    inspection.end().iter().for_each(|report| close(&mut open, report));
    written
}

/// Validation, and the canonical entity of each document as JSON.
pub fn canonical_json(input: &[u8], rules: &Rules) -> u64 {
    let mut text = Vec::new();
    let counted = validate_and(input, &rules.library, |placed, piece| {
        let (entities, _) = canonicalise(rules, placed, &piece.run);
        text.clear();
        for entity in &entities {
            entity.write_json(&mut text);
        }
        text.len() as u64
    });
    counted.bytes
}

/// Validation, canonical entities, and each of them as a document of a type again, which is not written out.
pub fn there_and_back(input: &[u8], rules: &Rules, target: &Target) -> u64 {
    let counted = validate_and(input, &rules.library, |placed, piece| {
        let (entities, _) = canonicalise(rules, placed, &piece.run);
        let written = entities.iter().filter_map(|entity| map(rules, target, entity, "1").ok());
        written.map(|(draft, _)| draft.segments.len() as u64).sum()
    });
    counted.bytes
}

/// Validation, canonical entities, and one interchange of all documents in the other standard, read again as it leaves.
fn translate(input: &[u8], rules: &Rules, target: &Target) -> u64 {
    translate_by(input, rules, target, 1)
}

/// The same by several threads, as `portolan translate` does it.
pub fn translate_by(input: &[u8], rules: &Rules, target: &Target, threads: usize) -> u64 {
    let mut drafts = Vec::new();
    let work = |piece: &Piece<'_>, judged: &Judged| {
        let (entities, _) = canonicalise(rules, judged.placed.as_ref().expect("a known type"), &piece.run);
        let draft = |entity| map(rules, target, entity, "").expect("a packed mapping").0;
        entities.iter().map(draft).collect::<Vec<_>>()
    };
    let share = Share::threads(Some(threads)).one_by_one();
    ahead(input, &rules.library, share, work, |step| {
        for mut draft in step.made.into_iter().flatten() {
            draft.control_number = (drafts.len() + 1).to_string();
            drafts.push(draft);
        }
    });
    let envelope = Envelope {
        sender: ["14".into(), "4012345000009".into()],
        receiver: ["14".into(), "4098765000003".into()],
        group_parties: <[String; 2]>::default(),
        group_version: String::new(),
        control_number: "1".into(),
        group_control_number: "1".into(),
        prepared: jiff::civil::date(2026, 11, 24).at(9, 15, 0, 0),
        test: false,
        acknowledgment_requested: false,
        style: if target.syntax() == Syntax::X12 { Style::x12() } else { Style::edifact() },
    };
    let draft = encode::draft(target, envelope, drafts);
    encode::encode(rules, target.syntax(), &draft, None).expect("it can be written").0.len() as u64
}

/// All that `portolan validate` checks, by several threads; returns how many documents there were.
pub fn validate_by(input: &[u8], library: &Library, threads: usize) -> u64 {
    let mut documents = 0;
    ahead(
        input,
        library,
        Share::threads(Some(threads)),
        |_, _| (),
        |step| {
            documents += u64::from(step.made.is_some());
            step.inspection.finished();
        },
    );
    documents
}

/// Reads an input to its end, `work` being done with each document where a thread has time.
fn ahead<T: Send>(
    input: &[u8],
    library: &Library,
    share: Share,
    work: impl Fn(&Piece<'_>, &Judged) -> T + Send + Sync,
    mut tell: impl FnMut(Step<'_, '_, T>),
) {
    let reader = Reader::new(input, Limits::default()).knowing(library);
    let (inspection, work) = (Inspection::new(library), Arc::new(work));
    std::thread::scope(|scope| {
        let mut ahead = Ahead::new(scope, share, reader, inspection, work);
        while let Some(step) = ahead.next().expect("the source does not fail") {
            tell(step);
            ahead.forget_documents();
        }
    });
}

fn findings_of_envelope(report: &InterchangeReport) -> u64 {
    report.envelope_faults().count() as u64
}

/// Validation whose reports are kept, as an acknowledgment needs them.
pub fn validate_whole(source: impl Read, library: &Library) -> Vec<InterchangeReport> {
    Inspection::new(library).whole(source, Limits::default()).expect("the source does not fail")
}
