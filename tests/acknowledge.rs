//! Acknowledgments: each rule that bites, on small interchanges written out, and read back. What the ledger decides
//! (matching, repeats, clocks) is held by `tests/store.rs` and `tests/service/acknowledgment.rs`.

use portolan::codec::segment::{
    AckChoice, Acknowledging, Acknowledgment, Inspection, InterchangeReport, Limits, PieceKind, Reader, Stamp, Verdict,
    When, acknowledge,
};
use portolan::codec::{edifact, x12};
use portolan::diagnostic::{Diagnostic, Effect, Fault, Position, Syntax};
use portolan::standard::load::Library;
use std::sync::LazyLock;

const ISA: &str =
    "ISA*00*          *00*          *ZZ*SENDER         *01*123456789      *260101*0930*U*00401*000000905*0*T*>~";
const PO: &str =
    "ST*850*0001~BEG*00*SA*4711**20260101~N1*ST*Shop*92*12~PO1*1*5*EA*1.5**UP*012345678905~CTT*1~SE*6*0001~";

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(None));

fn inspect(input: &str) -> Vec<InterchangeReport> {
    Inspection::new(&LIBRARY).whole(input.as_bytes(), Limits::default()).expect("memory reads")
}

fn ack_with(input: &str, choice: AckChoice) -> String {
    answer_to(&inspect(input), choice)
}

fn answer_to(reports: &[InterchangeReport], choice: AckChoice) -> String {
    let stamp = Stamp {
        interchange_control_number: "7".into(),
        group_control_numbers: vec!["8".into()],
        prepared: jiff::civil::date(2026, 2, 3).at(4, 5, 0, 0),
    };
    let one =
        |report: &InterchangeReport| acknowledge(report, choice).map(|acknowledgment| acknowledgment.encode(&stamp));
    let bytes = reports.iter().filter_map(one).map(|bytes| bytes.expect("acknowledgments can be written"));
    bytes.map(|bytes| String::from_utf8(bytes).expect("ASCII").replace('\n', "")).collect()
}

/// What `read` as it comes, forgetting all it may, leads to.
fn streamed(input: &[u8], choice: AckChoice) -> Vec<Option<Acknowledgment>> {
    let reader = Reader::new(input, Limits::default()).knowing(&LIBRARY);
    let (mut reader, mut inspection) = (reader, Inspection::new(&LIBRARY));
    let (mut open, mut made) = (None, Vec::new());
    let mut close = |open: &mut Option<Acknowledging>, reports: Vec<InterchangeReport>| {
        for report in reports.iter().filter(|report| report.number > 0) {
            made.push(open.take().expect("it was begun").closed(report));
        }
    };
    while let Some(piece) = reader.next().expect("memory reads") {
        inspection.take(&piece);
        close(&mut open, inspection.finished());
        if let Some(report) = inspection.interchange() {
            open.get_or_insert_with(|| Acknowledging::new(report, choice)).read(report, piece.kind);
        }
        inspection.forget_documents();
    }
    close(&mut open, inspection.end());
    made
}

fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn made_while_it_is_read_it_is_the_same_answer() {
    let mut paths = Vec::new();
    files(std::path::Path::new("fixtures"), &mut paths);
    let default = AckChoice::default();
    let each = AckChoice { each_document: true, functional: When::OnError, accepted_documents: false, ..default };
    let mut answers = 0;
    for (path, choice) in paths.iter().flat_map(|path| [(path, default), (path, each)]) {
        let input = std::fs::read(path).expect("a readable fixture");
        let reports = Inspection::new(&LIBRARY).whole(&input[..], Limits::default()).expect("memory reads");
        let whole = reports.iter().filter(|report| report.number > 0).map(|report| acknowledge(report, choice));
        let (whole, streamed) = (whole.collect::<Vec<_>>(), streamed(&input, choice));
        answers += whole.iter().flatten().count();
        assert_eq!(format!("{whole:#?}"), format!("{streamed:#?}"), "{}", path.display());
    }
    assert!(answers > 100, "only {answers} answers");
}

fn ack(input: &str) -> String {
    ack_with(input, AckChoice::default())
}

fn group(documents: &str, count: &str) -> String {
    format!("{ISA}GS*PO*SAPP*RAPP*20260101*0930*77*X*004010VICS~{documents}GE*{count}*77~IEA*1*000000905~")
}

#[test]
fn rule_4_an_accepted_group_is_mirrored_with_ids_as_received_and_the_base_version() {
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
fn rule_3_a_value_with_our_separators_is_not_copied() {
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
fn rule_3_the_group_trailers_claim_is_repeated_and_its_fault_rejects_the_group() {
    let answer = ack(&group(PO, "3"));
    assert!(answer.contains("AK9*R*3*1*0*5~"), "{answer}");
}

#[test]
fn rule_1_a_ta1_comes_when_asked_for_and_before_the_group() {
    let asked = group(PO, "1").replace("*000000905*0*T", "*000000905*1*T");
    let answer = ack(&asked);
    assert!(answer.contains("*0*T*>~TA1*000000905*260101*0930*A*000~GS*FA"), "{answer}");
}

#[test]
fn rule_1_after_a_ta1_that_rejects_no_997_follows() {
    let cut = group(PO, "1").replace("IEA*1*000000905~", "IEA*1*000000906~");
    assert!(ack(&cut).contains("TA1*000000905*260101*0930*R*001~IEA*0*"), "{}", ack(&cut));
    let qualifier = group(PO, "1").replace("*ZZ*SENDER ", "*QQ*SENDER ");
    assert!(ack(&qualifier).contains("*R*005~IEA*0"), "{}", ack(&qualifier));
}

#[test]
fn rule_5_a_997_is_never_acknowledged_and_neither_is_a_ta1() {
    let answer = ack(&group(PO, "1"));
    assert_eq!(ack(&answer), "");
    assert_eq!(ack(&format!("{ISA}TA1*000000001*260101*0930*A*000~IEA*0*000000905~")), "");
}

#[test]
fn rule_7_the_agreement_decides_before_the_request() {
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
fn rule_2_a_999_only_for_an_implementation_guide() {
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
            answers = x12::answers(&piece.run, |_, _| None);
        }
    }
    let said: Vec<_> = answers
        .iter()
        .map(|one| (one.about.group_control_number.as_str(), one.about.document_control_number.as_str(), one.verdict))
        .collect();
    let (accepted, rejected) = (Verdict::Accepted, Verdict::Rejected);
    assert_eq!(said, [("77", "0001", accepted), ("77", "0002", rejected), ("77", "", Verdict::AcceptedWithErrors)]);
    assert_eq!(answers[1].notes, ["segment 5 CTT: code 8", "element 1: code 6 \"x\""]);
    assert_eq!(
        answers[1].faults,
        ["segment 5 CTT: code 8", "segment 5 CTT, element 1 (354): code 6"],
        "without the copy"
    );
}

const ORDERS: &str = "UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'DTM+137:20260101:102'NAD+BY+1::9'LIN+1++4000862141404:EN'\
                      QTY+21:5'UNS+S'UNT+8+1'";

fn interchange(documents: &str, count: u32) -> String {
    format!("UNB+UNOC:3+SENDER:14+RECEIVER:ZZ+260101:0930+REF905++++1'{documents}UNZ+{count}+REF905'")
}

#[test]
fn rule_6_contrl_repeats_the_parties_unswapped_and_acknowledges_with_7() {
    assert_eq!(
        ack(&interchange(ORDERS, 1)),
        "UNB+UNOC:3+RECEIVER:ZZ+SENDER:14+260203:0405+7'UNH+1+CONTRL:D:3:UN'UCI+REF905+SENDER:14+RECEIVER:ZZ+7'\
         UNT+3+1'UNZ+1+7'"
    );
}

#[test]
fn rule_6_contrl_counts_the_tag_as_the_first_element() {
    let bad = ORDERS.replace("QTY+21:5'", "QTY+21:five'");
    let answer = ack(&interchange(&bad, 1));
    assert!(answer.contains("+7'UCM+1+ORDERS:D:96A:UN+4'UCS+6'UCD+37+2:2'UNT+6+1'"), "{answer}");
}

#[test]
fn rule_6_contrl_rejects_an_interchange_with_the_place_of_the_error() {
    let bad = interchange(ORDERS, 2);
    assert!(ack(&bad).contains("UCI+REF905+SENDER:14+RECEIVER:ZZ+4+29+UNZ+2'UNT+3+1'"), "{}", ack(&bad));
}

#[test]
fn rule_5_contrl_is_never_acknowledged() {
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
            answers = edifact::answers(&piece.run, |_, _| None).answers;
        }
    }
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0].about.interchange_control_number, "REF905");
    assert_eq!((answers[0].verdict, answers[1].verdict), (Verdict::Accepted, Verdict::Rejected));
    assert_eq!(answers[1].notes, ["segment 6: code ", "element 2: code 37"]);
    assert_eq!(answers[1].faults, ["segment 6, element 2, component 2: code 37"]);
}

/// The answers in the first document of an X12 interchange.
fn read_997(answer: &str) -> Vec<portolan::codec::segment::Answer> {
    let mut reader = Reader::new(answer.as_bytes(), Limits::default());
    while let Some(piece) = reader.next().expect("memory reads") {
        if piece.kind == PieceKind::Document {
            return x12::answers(&piece.run, |_, _| None);
        }
    }
    Vec::new()
}

fn read_contrl(answer: &str) -> edifact::Contrl {
    let mut reader = Reader::new(answer.as_bytes(), Limits::default());
    while let Some(piece) = reader.next().expect("memory reads") {
        if piece.kind == PieceKind::Document {
            return edifact::answers(&piece.run, |_, _| None);
        }
    }
    panic!("no document in {answer}")
}

/// A group with its own GS06, GS01 and GS08.
fn one_group(kind: &str, number: u32, version: &str, documents: &str) -> String {
    let count = documents.matches("~SE*").count();
    format!("GS*{kind}*SAPP*RAPP*20260101*0930*{number}*X*{version}~{documents}GE*{count}*{number}~")
}

fn groups(groups: &[String]) -> String {
    format!("{ISA}{}IEA*{}*000000905~", groups.concat(), groups.len())
}

#[test]
fn rule_1_a_ta1_is_never_sent_for_an_interchange_that_holds_only_ta1_even_a_broken_one() {
    let only = format!("{ISA}TA1*000000001*260101*0930*A*000~IEA*0*000000906~").replace("*0*T*", "*1*T*");
    let always = AckChoice { technical: When::Always, ..AckChoice::default() };
    assert_eq!(ack_with(&only, always), "");
}

#[test]
fn rule_1_a_ta1_echoes_isa13_isa09_and_isa10_and_asks_for_none_itself() {
    let asked = group(PO, "1").replace("*000000905*0*T", "*000000905*1*T").replace("260101*0930*U", "251231*2359*U");
    let answer = ack(&asked);
    assert!(answer.contains("*000000007*0*T*>~TA1*000000905*251231*2359*A*000~"), "{answer}");
}

#[test]
fn rule_2_a_999_does_not_exist_before_005010_whatever_is_wished() {
    let wished = AckChoice { implementation: Some(true), ..AckChoice::default() };
    assert!(ack_with(&group(PO, "1"), wished).contains("~ST*997*"));
    let modern = group(PO, "1").replace("004010VICS", "005010");
    assert!(ack_with(&modern, wished).contains("~ST*999*"));
    assert!(ack(&modern).contains("~ST*997*"), "unless the agreement asks for it");
    for suffix in ["VICS", "UCS", "AIAG"] {
        let answer = ack(&group(PO, "1").replace("004010VICS", &format!("005010{suffix}")));
        assert!(answer.contains("~ST*997*"), "{suffix}: {answer}");
    }
    let guided = AckChoice { implementation: Some(false), ..AckChoice::default() };
    assert!(ack_with(&group(PO, "1").replace("004010VICS", "005010X222A1"), guided).contains("~ST*997*"));
}

#[test]
fn rule_3_ak9_counts_what_was_claimed_received_and_accepted() {
    let second = PO.replace("0001", "0002").replace("CTT*1", "CTT*x");
    let third = PO.replace("0001", "0003");
    let answer = ack(&group(&format!("{PO}{second}{third}"), "3"));
    assert!(answer.contains("~AK9*P*3*3*2~"), "{answer}");
}

#[test]
fn rule_3_accepted_sets_may_be_left_out_and_faulty_ones_are_still_listed() {
    let second = PO.replace("0001", "0002").replace("CTT*1", "CTT*x");
    let brief = AckChoice { accepted_documents: false, ..AckChoice::default() };
    let answer = ack_with(&group(&format!("{PO}{second}"), "2"), brief);
    assert!(answer.contains("~AK1*PO*77~AK2*850*0002~AK3*"), "{answer}");
    assert!(answer.contains("~AK5*R*5~AK9*P*2*2*1~"), "{answer}");
}

#[test]
fn rule_3_ak103_and_ak203_exist_from_005010_only() {
    assert!(ack(&group(PO, "1")).contains("~AK1*PO*77~AK2*850*0001~"));
    let modern = PO.replace("ST*850*0001", "ST*850*0001*005010X1");
    let answer = ack(&groups(&[one_group("PO", 77, "005010VICS", &modern)]));
    assert!(answer.contains("~AK1*PO*77*005010VICS~AK2*850*0001*005010X1~"), "{answer}");
}

#[test]
fn rule_4_isa11_isa12_isa15_and_the_separators_are_mirrored() {
    let modern = group(PO, "1").replace("*U*00401*000000905*0*T*>~", "*^*00501*000000905*0*P*>~");
    assert!(ack(&modern).contains("*^*00501*000000007*0*P*>~"), "{}", ack(&modern));
    let other = group(PO, "1").replace('*', "|").replace('>', "<");
    assert!(ack(&other).contains("|U|00401|000000007|0|T|<~GS|FA|"), "{}", ack(&other));
}

#[test]
fn rule_4_the_version_suffix_is_echoed_where_the_agreement_says_so() {
    let echo = AckChoice { version_suffix: true, ..AckChoice::default() };
    assert!(ack_with(&group(PO, "1"), echo).contains("*8*X*004010VICS~ST*997*0001~"));
}

#[test]
fn rule_4_groups_of_other_versions_or_parties_are_answered_in_groups_of_their_own() {
    let answer = ack(&groups(&[
        one_group("PO", 77, "004010", PO),
        one_group("PO", 78, "005010", PO),
        one_group("PO", 79, "004010VICS", PO),
    ]));
    assert!(answer.contains("*8*X*004010~ST*997*0001~AK1*PO*77~"), "{answer}");
    assert!(answer.contains("~ST*997*0002~AK1*PO*79~"), "the same base version travels together: {answer}");
    assert!(
        answer.contains("~GE*2*8~GS*FA*RAPP*SAPP*20260203*0405*9*X*005010~ST*997*0001~AK1*PO*78*005010~"),
        "{answer}"
    );
    assert!(answer.ends_with("~GE*1*9~IEA*2*000000007~"), "{answer}");
}

#[test]
fn rule_5_824_is_answered_and_fa_is_not() {
    let advice = "ST*824*0001~BGN*11*1*20260101~SE*3*0001~";
    let answer = ack(&groups(&[one_group("AG", 77, "004010", advice)]));
    assert!(answer.contains("~AK1*AG*77~AK2*824*0001~"), "{answer}");
    let functional = "ST*997*0001~AK1*PO*1~AK9*A*1*1*1~SE*4*0001~";
    let mixed = ack(&groups(&[one_group("FA", 76, "004010", functional), one_group("PO", 77, "004010", PO)]));
    assert!(mixed.contains("AK1*PO*77~") && !mixed.contains("AK1*FA"), "{mixed}");
    let broken = groups(&[one_group("FA", 76, "004010", functional)]).replace("IEA*1*000000905", "IEA*1*000000906");
    assert_eq!(ack(&broken), "", "nothing at all for acknowledgments, not even a TA1");
}

#[test]
fn rule_5_aperak_is_answered_and_contrl_is_not() {
    let aperak = "UNH+1+APERAK:D:96A:UN'BGM+313+1'UNT+3+1'";
    assert!(ack(&interchange(aperak, 1)).contains("UCI+REF905+"), "{}", ack(&interchange(aperak, 1)));
    let contrl = "UNH+1+CONTRL:D:3:UN'UCI+1+A:14+B:14+7'UNT+3+1'";
    assert_eq!(ack(&interchange(contrl, 2)), "", "not even a broken one");
}

#[test]
fn rule_6_with_action_7_only_what_is_rejected_has_a_ucm() {
    let second = ORDERS.replace("UNH+1+", "UNH+2+").replace("UNT+8+1", "UNT+8+2").replace("QTY+21:5'", "QTY+21:five'");
    let answer = ack(&interchange(&format!("{ORDERS}{second}"), 2));
    assert_eq!(answer.matches("UCM+").count(), 1, "{answer}");
    assert!(answer.contains("+7'UCM+2+ORDERS:D:96A:UN+4'"), "{answer}");
}

#[test]
fn rule_6_action_8_says_no_more_than_that_it_came() {
    let only = AckChoice { functional: When::Never, technical: When::Always, ..AckChoice::default() };
    let answer = ack_with(&interchange(&ORDERS.replace("QTY+21:5'", "QTY+21:five'"), 1), only);
    assert!(answer.contains("UCI+REF905+SENDER:14+RECEIVER:ZZ+8'UNT+3+1'"), "{answer}");
    let refused = ack_with(&interchange(ORDERS, 2), only);
    assert!(refused.contains("+4+29+UNZ+2'"), "{refused}");
    assert!(read_contrl(&answer).only_received && !read_contrl(&refused).only_received);
}

#[test]
fn rule_6_a_rejected_group_has_a_ucf_and_no_ucm() {
    let grouped = |count: u32, documents: &str| {
        let group = format!("UNG+ORDERS+A+B+260101:0930+G1+UN+D:96A'{documents}UNE+{count}+G1'");
        format!("UNB+UNOC:3+SENDER:14+RECEIVER:ZZ+260101:0930+REF905'{group}UNZ+1+REF905'")
    };
    let bad = ORDERS.replace("QTY+21:5'", "QTY+21:five'");
    let rejected = ack(&grouped(2, &bad));
    assert!(rejected.contains("+7'UCF+G1+A+B+4+29+UNE+2'UNT+"), "{rejected}");
    assert!(!rejected.contains("UCM+"), "{rejected}");
    let inside = ack(&grouped(1, &bad));
    assert!(inside.contains("UCF+G1+A+B+7'UCM+1+ORDERS:D:96A:UN+4'UCS+6'"), "{inside}");
}

#[test]
fn rule_6_the_syntax_version_follows_the_unb_received() {
    let modern = interchange(ORDERS, 1).replace("UNOC:3", "UNOC:4").replace("+260101:0930+", "+20260101:0930+");
    let answer = ack(&modern);
    assert!(answer.contains("UNB+UNOC:4+RECEIVER:ZZ+SENDER:14+20260203:0405+7'UNH+1+CONTRL:4:1:UN'"), "{answer}");
    assert!(ack(&interchange(ORDERS, 1).replace("UNOC:3", "UNOA:2")).contains("UNB+UNOA:2+"));
}

#[test]
fn rule_7_on_request_follows_isa14_and_unb_0031_and_errors_are_told_unasked() {
    let wish = AckChoice { technical: When::OnRequest, functional: When::OnRequest, ..AckChoice::default() };
    assert_eq!(ack_with(&group(PO, "1"), wish), "");
    let asked = group(PO, "1").replace("*000000905*0*T", "*000000905*1*T");
    assert!(ack_with(&asked, wish).contains("TA1*") && ack_with(&asked, wish).contains("AK9*A"));
    assert!(ack_with(&group(PO, "3"), wish).contains("AK9*R"));
    assert!(ack_with(&interchange(ORDERS, 1), wish).contains("UCI+"), "0031 is 1 there");
    assert_eq!(ack_with(&interchange(ORDERS, 1).replace("REF905++++1'", "REF905'"), wish), "");
}

#[test]
fn rule_7_one_997_for_each_document_where_the_partner_wants_so() {
    let second = PO.replace("0001", "0002").replace("CTT*1", "CTT*x");
    let each = AckChoice { each_document: true, ..AckChoice::default() };
    let answer = ack_with(&group(&format!("{PO}{second}"), "2"), each);
    assert!(answer.contains("~ST*997*0001~AK1*PO*77~AK2*850*0001~AK5*A~AK9*A*1*1*1~SE*6*0001~"), "{answer}");
    assert!(answer.contains("~ST*997*0002~AK1*PO*77~AK2*850*0002~AK3*"), "{answer}");
    assert!(answer.contains("~AK9*R*1*1*0~") && answer.contains("~GE*2*8~"), "{answer}");
    let on_error = AckChoice { functional: When::OnError, ..each };
    let answer = ack_with(&group(&format!("{PO}{second}"), "2"), on_error);
    assert!(!answer.contains("*0001~AK5") && answer.contains("AK2*850*0002~"), "{answer}");
    let refused = ack_with(&group(&format!("{PO}{second}"), "9"), each);
    assert_eq!(refused.matches("~ST*997*").count(), 1, "a group that is refused is told as one: {refused}");
}

#[test]
fn rule_8_ak9_a_without_ak2_accepts_all_of_the_group() {
    let brief = AckChoice { accepted_documents: false, ..AckChoice::default() };
    let answers = read_997(&ack_with(&group(PO, "1"), brief));
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].verdict, answers[0].claimed), (Verdict::Accepted, Some(1)));
    assert!(answers[0].about.document_control_number.is_empty());
}

fn finding(fault: Fault, segment: u32, value: &str) -> Diagnostic {
    let position = Position { segment, element: 2, ..Position::default() };
    let mut finding = Diagnostic::new(Syntax::X12, fault).place("PO1.02", "PO1", position);
    value.clone_into(&mut finding.value);
    finding
}

#[test]
fn guide_and_business_findings_reject_in_no_997_unless_the_agreement_says_so_and_guides_do_in_a_999() {
    let with = |version: &str, fault: Fault, choice: AckChoice| {
        let mut reports = inspect(&groups(&[one_group("PO", 77, version, PO)]));
        reports[0].groups[0].documents[0].faults.push(finding(fault, 4, "5"));
        answer_to(&reports, choice)
    };
    let plain = AckChoice::default();
    let reaching = |reach| AckChoice { reach: Some(reach), ..plain };
    assert!(with("004010", Fault::GuideUsage, plain).contains("~AK5*A~AK9*A*1*1*1~"));
    assert!(with("004010", Fault::SumDiffers, plain).contains("~AK5*A~AK9*A*1*1*1~"));
    let told = with("004010", Fault::GuideUsage, reaching(Effect::Guide));
    assert!(told.contains("~AK3*PO1*4**8~AK4*2**7*5~AK5*R*5~AK9*R*1*1*0~"), "{told}");
    assert!(with("004010", Fault::SumDiffers, reaching(Effect::Guide)).contains("~AK5*A~"));
    let told = with("004010", Fault::SumDiffers, reaching(Effect::Business));
    assert!(told.contains("~AK5*R*5~"), "{told}");
    let told = with("005010X222A1", Fault::GuideUsage, plain);
    assert!(told.contains("~IK3*PO1*4**8~IK4*2**I12*5~IK5*R*I5~AK9*R*1*1*0~"), "{told}");
    assert!(with("005010X222A1", Fault::GuideUsage, reaching(Effect::Syntax)).contains("~IK5*A~"));
}

#[test]
fn a_999_names_the_loop_and_the_element_that_makes_a_condition_bite() {
    let bad = PO.replace("N1*ST*Shop*92*12", "N1*ST*Shop*92");
    let answer = ack(&groups(&[one_group("PO", 77, "005010X222A1", &bad)]));
    assert!(answer.contains("~IK3*N1*3*N1*8~IK4*4*67*2~CTX*SITUATIONAL TRIGGER*N1*3*N1*3~IK5*R*5~"), "{answer}");
}

#[test]
fn a_contrl_that_accepts_with_remarks_reads_as_accepted_with_errors() {
    let noted = "UNB+UNOC:3+RECEIVER:ZZ+SENDER:14+260203:0405+7'UNH+1+CONTRL:D:3:UN'UCI+REF905+SENDER:14+RECEIVER:ZZ+7'\
                 UCM+1+ORDERS:D:96A:UN+7'UCS+6'UCD+37+2:2'UNT+6+1'UNZ+1+7'";
    let contrl = read_contrl(noted);
    assert_eq!(contrl.answers[1].verdict, Verdict::AcceptedWithErrors);
}

/// The page on the rules names the tests that hold them; each must be there.
#[test]
fn the_page_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file");
    let tests: String = [
        "tests/acknowledge.rs",
        "tests/store.rs",
        "tests/store/matching.rs",
        "tests/service/acknowledgment.rs",
        "tests/service/advice.rs",
        "tests/service/cxml.rs",
        "tests/service/split.rs",
        "tests/service/ubl.rs",
        "src/codec/cxml/secret.rs",
        "src/codec/ubl/answers.rs",
        "src/partner/directory.rs",
        "src/pipeline/answer.rs",
        "src/pipeline/unanswered.rs",
    ]
    .map(read)
    .concat();
    let page = read("docs/ACKNOWLEDGMENTS.md");
    let is_name = |word: &&str| word.len() > 20 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let names: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_name).collect();
    assert!(names.len() > 40, "only {} names", names.len());
    let keys = read("docs/RESOURCES.md");
    for name in names.iter().filter(|name| !name.starts_with("portolan_") && !keys.contains(**name)) {
        assert!(tests.contains(&format!("fn {name}(")), "no test {name}");
    }
    for rule in 1..=10 {
        assert!(names.iter().any(|name| name.starts_with(&format!("rule_{rule}_"))), "no test for rule {rule}");
    }
}
