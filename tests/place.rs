//! Placing segments of real documents into the loops of their definition.

use portolan::codec::segment::index::index;
use portolan::diagnostic::Diagnostic;
use portolan::standard::load::Library;
use portolan::standard::place::{Placement, place};
use portolan::tree::{Charset, Index, Run, Separators};

fn placed(text: &str) -> (Placement, Vec<Diagnostic>) {
    let library = Library::new(None);
    let document = library.document("x12", "004010", "850").expect("packed");
    let directory = library.directory("x12", "004010").expect("packed");
    let mut found = Index::default();
    let separators = Separators::X12;
    index(text.as_bytes(), &separators, &mut found);
    let run = Run {
        bytes: text.as_bytes(),
        offset: 0,
        line: 1,
        separators: &separators,
        charset: Charset::Utf8,
        index: &found,
    };
    place(&document, &directory, &run)
}

fn messages(text: &str) -> Vec<String> {
    placed(text).1.iter().map(|fault| format!("{} {}", fault.code(), fault.message())).collect()
}

const GOOD: &str = "ST*850*0001~BEG*00*SA*1**20260101~REF*DP*1~N1*BY*A~REF*VR*9~N1*ST*B~N3*X~\
                    PO1*1*1*EA~PID*F~PO1*2*1*EA~CTT*2~SE*12*0001~";

#[test]
fn loops_are_found_by_their_triggers() {
    let (placement, faults) = placed(GOOD);
    assert_eq!(faults, Vec::<Diagnostic>::new());
    let paths: Vec<_> = (0..).zip(&placement.loops).map(|(at, one)| (placement.path(at), one.parent)).collect();
    let expected = [("", 0), ("N1", 0), ("N1", 0), ("PO1", 0), ("PO1/PID", 3), ("PO1", 0), ("CTT", 0)];
    assert_eq!(paths, expected);
    // The first REF stands in the heading, the second in the N1 loop before it.
    assert_eq!(placement.homes[2].map(|(_, home)| home), Some(0));
    assert_eq!(placement.homes[4].map(|(_, home)| home), Some(1));
}

#[test]
fn err_segment_missing() {
    assert_eq!(
        messages("ST*850*0001~PO1*1*1*EA~SE*3*0001~"),
        ["X12-SEGMENT-MISSING BEG: mandatory segment missing: expected BEG before PO1"]
    );
    assert_eq!(
        messages("ST*850*0001~BEG*00~SE*3*0001~"),
        ["X12-SEGMENT-MISSING PO1: mandatory segment missing: expected PO1 before SE"]
    );
}

#[test]
fn err_segment_unknown_unexpected_and_out_of_order() {
    let found = messages(&GOOD.replace("REF*DP*1~", "ZZZ*1~AK1*PO*1~REF*DP*1~"));
    assert_eq!(
        found,
        [
            "X12-SEGMENT-UNKNOWN ZZZ: segment not known: expected a segment of this version, found ZZZ",
            "X12-SEGMENT-FOREIGN AK1: segment not of this document type: expected a segment of 850, which AK1 (Functional Group \
             Response Header) is not, found AK1",
        ]
    );
    let found = messages(&GOOD.replace("CTT*2~", "CTT*2~BEG*00~"));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("X12-SEGMENT-OUT-OF-ORDER BEG"), "{found:?}");
}

#[test]
fn err_a_loop_out_of_order_is_opened_where_it_should_have_stood() {
    let (placement, faults) = placed(&GOOD.replace("PO1*1*1*EA~PID*F~", "PO1*1*1*EA~PO4*1~REF*VR*1~PID*F~MEA*X~"));
    let said: Vec<_> = faults.iter().map(Diagnostic::message).collect();
    assert_eq!(said, ["PID: segment out of order: expected PID before REF, found PID"]);
    // PID and what follows in its loop, in the first PO1, not in the heading, which has a PID of its own.
    let paths: Vec<_> = placement.loops.iter().enumerate().map(|(at, one)| (placement.path(at), one.parent)).collect();
    assert_eq!(paths[3..], [("PO1", 0), ("PO1/PID", 3), ("PO1", 0), ("CTT", 0)]);
    assert_eq!(placement.homes[10..12], [placement.homes[10]; 2]);
    assert_eq!(placement.homes[10].map(|(_, home)| home), Some(4));
}

#[test]
fn err_loops_out_of_order_do_not_nest_in_each_other() {
    let late = "PO1*3*1*EA~PID*F~N1*ST*C~".repeat(50);
    let (placement, faults) = placed(&GOOD.replace("CTT*2~", &format!("CTT*2~{late}")));
    assert_eq!(faults.len(), 50, "one finding for each PO1, none for what stands in it");
    assert!(placement.loops.iter().enumerate().all(|(at, one)| placement.path(at) != "PO1" || one.parent == 0));
}

#[test]
fn err_too_many() {
    let found = messages(&GOOD.replace("N3*X~", "N3*X~N3*X~N3*X~"));
    assert_eq!(found, ["X12-SEGMENT-TOO-MANY N3: segment occurs too often: expected at most 2, found 3"]);
}
