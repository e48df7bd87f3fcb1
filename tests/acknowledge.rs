//! Acknowledgments: each rule that bites, on small interchanges written out, and read back.

use portolan::codec::segment::{
    AckChoice, Inspection, InterchangeReport, Limits, PieceKind, Reader, Stamp, Verdict, When,
};
use portolan::codec::{edifact, x12};
use portolan::diagnostic::Syntax;
use portolan::standard::load::Library;

const ISA: &str =
    "ISA*00*          *00*          *ZZ*SENDER         *01*123456789      *260101*0930*U*00401*000000905*0*T*>~";
const PO: &str =
    "ST*850*0001~BEG*00*SA*4711**20260101~N1*ST*Shop*92*12~PO1*1*5*EA*1.5**UP*012345678905~CTT*1~SE*6*0001~";

fn inspect(input: &str) -> Vec<InterchangeReport> {
    let library = Library::new(None);
    let mut reader = Reader::new(input.as_bytes(), Limits::default());
    let mut inspection = Inspection::new(&library);
    while let Some(piece) = reader.next().expect("memory reads") {
        inspection.take(&piece);
    }
    inspection.end()
}

fn ack_with(input: &str, choice: AckChoice) -> String {
    let stamp = Stamp {
        interchange_control_number: "7".into(),
        group_control_numbers: vec!["8".into()],
        prepared: jiff::civil::date(2026, 2, 3).at(4, 5, 0, 0),
    };
    let one = |report: &InterchangeReport| match report.syntax {
        Syntax::X12 => x12::acknowledge(report, &choice, &stamp).map(|draft| x12::encode(&draft)),
        _ => edifact::acknowledge(report, &choice, &stamp).map(|draft| edifact::encode(&draft)),
    };
    let reports = inspect(input);
    let bytes = reports.iter().filter_map(one).map(|bytes| bytes.expect("acknowledgments can be written"));
    bytes.map(|bytes| String::from_utf8(bytes).expect("ASCII").replace('\n', "")).collect()
}

fn ack(input: &str) -> String {
    ack_with(input, AckChoice::default())
}

fn group(documents: &str, count: &str) -> String {
    format!("{ISA}GS*PO*SAPP*RAPP*20260101*0930*77*X*004010VICS~{documents}GE*{count}*77~IEA*1*000000905~")
}

#[test]
fn an_accepted_group_is_mirrored_with_ids_as_received_and_the_base_version() {
    assert_eq!(
        ack(&group(PO, "1")),
        "ISA*00*          *00*          *01*123456789      *ZZ*SENDER         *260203*0405*U*00401*000000007*0*T*>~\
         GS*FA*RAPP*SAPP*20260203*0405*8*X*004010~ST*997*0001~AK1*PO*77~AK2*850*0001~AK5*A~AK9*A*1*1*1~SE*6*0001~\
         GE*1*8~IEA*1*000000007~"
    );
}

#[test]
fn errors_are_named_by_segment_element_and_code_and_the_set_is_rejected() {
    let bad = PO.replace("*5*EA*", "*five*EA*").replace("BEG*00*SA*4711**20260101~", "");
    let bad = bad.replace("SE*6*", "SE*5*");
    let answer = ack(&group(&bad, "1"));
    assert!(
        answer.contains("~AK2*850*0001~AK3*BEG*2**3~AK3*PO1*3**8~AK4*2*330*6*five~AK5*R*5~AK9*R*1*1*0~"),
        "{answer}"
    );
}

#[test]
fn a_value_with_our_separators_is_not_copied() {
    let bad = PO.replace("*EA*", "*E>A*");
    let answer = ack(&group(&bad, "1"));
    assert!(answer.contains("AK4*3*355*3~") || answer.contains("AK4*3**3~"), "{answer}");
}

#[test]
fn one_bad_of_two_is_a_partial_acceptance() {
    let second = PO.replace("0001", "0002").replace("CTT*1", "CTT*x");
    let answer = ack(&group(&format!("{PO}{second}"), "2"));
    assert!(answer.contains("AK5*A~AK2*850*0002~") && answer.contains("AK9*P*2*2*1~"), "{answer}");
}

#[test]
fn the_group_trailers_claim_is_repeated_and_its_fault_rejects_the_group() {
    let answer = ack(&group(PO, "3"));
    assert!(answer.contains("AK9*R*3*1*0*5~"), "{answer}");
}

#[test]
fn ta1_comes_when_asked_for_and_before_the_group() {
    let asked = group(PO, "1").replace("*000000905*0*T", "*000000905*1*T");
    let answer = ack(&asked);
    assert!(answer.contains("*0*T*>~TA1*000000905*260101*0930*A*000~GS*FA"), "{answer}");
}

#[test]
fn after_a_ta1_that_rejects_no_997_follows() {
    let cut = group(PO, "1").replace("IEA*1*000000905~", "IEA*1*000000906~");
    assert!(ack(&cut).contains("TA1*000000905*260101*0930*R*001~IEA*0*"), "{}", ack(&cut));
    let qualifier = group(PO, "1").replace("*ZZ*SENDER ", "*QQ*SENDER ");
    assert!(ack(&qualifier).contains("*R*005~IEA*0"), "{}", ack(&qualifier));
}

#[test]
fn a_997_is_never_acknowledged_and_neither_is_a_ta1() {
    let answer = ack(&group(PO, "1"));
    assert_eq!(ack(&answer), "");
    assert_eq!(ack(&format!("{ISA}TA1*000000001*260101*0930*A*000~IEA*0*000000905~")), "");
}

#[test]
fn the_agreement_decides_before_the_request() {
    let asked = group(PO, "1").replace("*000000905*0*T", "*000000905*1*T");
    let never = AckChoice { technical: When::Never, functional: When::Never, ..AckChoice::default() };
    assert_eq!(ack_with(&asked, never), "");
    let on_error = AckChoice { technical: When::OnError, functional: When::OnError, ..AckChoice::default() };
    assert_eq!(ack_with(&asked, on_error), "");
    assert!(ack_with(&group(PO, "3"), on_error).contains("AK9*R"));
    let brief = AckChoice { accepted_documents: false, ..AckChoice::default() };
    assert!(ack_with(&group(PO, "1"), brief).contains("AK1*PO*77~AK9*A*1*1*1~"));
}

#[test]
fn a_999_only_for_an_implementation_guide() {
    let guided = group(PO, "1").replace("004010VICS", "005010X222A1");
    let answer = ack(&guided);
    assert!(answer.contains("*8*X*005010X231A1~ST*999*0001*005010X231A1~AK1*PO*77*005010X222A1~"), "{answer}");
    assert!(answer.contains("IK5*"), "{answer}");
    assert!(ack(&group(PO, "1").replace("004010VICS", "005010VICS")).contains("ST*997*0001~AK1*PO*77*005010VICS~"));
}

#[test]
fn a_997_reads_back_as_what_was_said() {
    let second = PO.replace("0001", "0002").replace("CTT*1", "CTT*x");
    let answer = ack(&group(&format!("{PO}{second}"), "2"));
    let mut reader = Reader::new(answer.as_bytes(), Limits::default());
    let mut answers = Vec::new();
    while let Some(piece) = reader.next().expect("memory reads") {
        if piece.kind == PieceKind::Document {
            answers = x12::answers(&piece.run);
        }
    }
    let said: Vec<_> = answers
        .iter()
        .map(|one| (one.about.group_control_number.as_str(), one.about.document_control_number.as_str(), one.verdict))
        .collect();
    let (accepted, rejected) = (Verdict::Accepted, Verdict::Rejected);
    assert_eq!(said, [("77", "0001", accepted), ("77", "0002", rejected), ("77", "", Verdict::AcceptedWithErrors)]);
    assert_eq!(answers[1].notes, ["segment 5 CTT: code 8", "element 1: code 6 \"x\""]);
}

const ORDERS: &str = "UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'DTM+137:20260101:102'NAD+BY+1::9'LIN+1++4000862141404:EN'\
                      QTY+21:5'UNS+S'UNT+8+1'";

fn interchange(documents: &str, count: u32) -> String {
    format!("UNB+UNOC:3+SENDER:14+RECEIVER:ZZ+260101:0930+REF905++++1'{documents}UNZ+{count}+REF905'")
}

#[test]
fn contrl_repeats_the_parties_unswapped_and_acknowledges_with_7() {
    assert_eq!(
        ack(&interchange(ORDERS, 1)),
        "UNB+UNOC:3+RECEIVER:ZZ+SENDER:14+260203:0405+7'UNH+1+CONTRL:D:3:UN'UCI+REF905+SENDER:14+RECEIVER:ZZ+7'\
         UNT+3+1'UNZ+1+7'"
    );
}

#[test]
fn contrl_counts_the_tag_as_the_first_element() {
    let bad = ORDERS.replace("QTY+21:5'", "QTY+21:five'");
    let answer = ack(&interchange(&bad, 1));
    assert!(answer.contains("+7'UCM+1+ORDERS:D:96A:UN+4'UCS+6'UCD+37+2:2'UNT+6+1'"), "{answer}");
}

#[test]
fn contrl_rejects_an_interchange_with_the_place_of_the_error() {
    let bad = interchange(ORDERS, 2);
    assert!(ack(&bad).contains("UCI+REF905+SENDER:14+RECEIVER:ZZ+4+29+UNZ+2'UNT+3+1'"), "{}", ack(&bad));
}

#[test]
fn contrl_is_never_acknowledged() {
    assert_eq!(ack(&ack(&interchange(ORDERS, 1))), "");
}

#[test]
fn a_contrl_reads_back_as_what_was_said() {
    let bad = ORDERS.replace("QTY+21:5'", "QTY+21:five'");
    let answer = ack(&interchange(&bad, 1));
    let mut reader = Reader::new(answer.as_bytes(), Limits::default());
    let mut answers = Vec::new();
    while let Some(piece) = reader.next().expect("memory reads") {
        if piece.kind == PieceKind::Document {
            answers = edifact::answers(&piece.run).answers;
        }
    }
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0].about.interchange_control_number, "REF905");
    assert_eq!((answers[0].verdict, answers[1].verdict), (Verdict::Accepted, Verdict::Rejected));
    assert_eq!(answers[1].notes, ["segment 6: code ", "element 2: code 37"]);
}
