// What must hold for any bytes whatever. Included by the libFuzzer targets and by the seeded driver `tests/fuzz.rs`.

use portolan::codec::segment::index::{index, index_bytewise};
use portolan::codec::segment::{
    AckChoice, Envelope, Inspection, Limits, PieceKind, Reader, Stamp, When, acknowledge, decode, encode,
};
use portolan::diagnostic::Syntax;
use portolan::standard::load::Library;
use portolan::tree::{Index, Separators};
use std::sync::LazyLock;

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(None));

/// Pieces join to the input; decoded JSON gives the input back.
pub fn bytes_survive(input: &[u8]) {
    let mut reader = Reader::new(input, Limits::default());
    let mut joined = Vec::with_capacity(input.len());
    while let Some(piece) = reader.next().expect("memory reads") {
        // Behind a document of XML nothing need follow; its trailer ends it all the same.
        let may_be_empty = piece.syntax == Syntax::Xml && piece.kind == PieceKind::InterchangeTrailer;
        assert!(may_be_empty || !piece.run.bytes.is_empty(), "an empty piece would never end");
        joined.extend_from_slice(piece.run.bytes);
    }
    assert!(joined == input, "the pieces do not join to the input");
    let (decoded, _) = decode(input, Limits::default()).expect("memory reads");
    let again = encode(&decoded).expect("what was decoded can be encoded");
    assert!(again == input, "decode and encode do not give the bytes back");
}

/// The vector kernel and its scalar twin find the same separators.
pub fn kernels_agree(input: &[u8]) {
    for separators in [Separators::X12, Separators::EDIFACT] {
        let (mut fast, mut slow) = (Index::default(), Index::default());
        index(input, &separators, &mut fast);
        index_bytewise(input, &separators, &mut slow);
        assert!(fast == slow, "the kernels differ");
    }
}

/// Identification ends and takes every document once.
pub fn identifies(input: &[u8]) {
    let mut reader = Reader::new(input, Limits::default());
    let mut envelope = Envelope::default();
    while let Some(piece) = reader.next().expect("memory reads") {
        envelope.note(&piece, &LIBRARY);
        assert!(piece.run.offset as usize + piece.run.bytes.len() <= input.len());
    }
}

/// Validation ends, its places lie inside the input, and what it says can be written as an acknowledgment that is
/// itself valid.
pub fn is_answered(input: &[u8]) {
    let always = AckChoice { technical: When::Always, functional: When::Always, ..AckChoice::default() };
    let stamp = Stamp {
        interchange_control_number: "1".into(),
        group_control_numbers: vec!["1".into()],
        prepared: jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0),
    };
    for report in inspect(input) {
        let documents = report.groups.iter().flat_map(|group| &group.documents);
        for fault in documents.flat_map(|document| &document.faults).chain(&report.faults) {
            assert!(fault.offset + fault.length <= input.len() as u64, "{} lies outside the input", fault.code());
        }
        let acknowledgment = acknowledge(&report, always).filter(|_| report.number > 0);
        let written = acknowledgment.map(|acknowledgment| acknowledgment.encode(&stamp));
        // Ids that cannot be written are told as faults; what is written must read back as one interchange.
        if let Some(Ok(bytes)) = written {
            let again = inspect(&bytes);
            assert_eq!(again.iter().filter(|one| one.number > 0).count(), 1, "{}", String::from_utf8_lossy(&bytes));
        }
    }
}

fn inspect(input: &[u8]) -> Vec<portolan::codec::segment::InterchangeReport> {
    Inspection::new(&LIBRARY).whole(input, Limits::default()).expect("memory reads")
}
