//! Each class of broken X12 and EDIFACT input, with the finding it leads to and the code its sender is told. A row is a
//! test: what is done to a good interchange, then diagnostic and acknowledgment. Repeats and wrong receivers, which only
//! an agreement knows of, are in `tests/service/acknowledgment.rs`.

use portolan::codec::segment::{AckChoice, Inspection, InterchangeReport, Limits, Stamp, acknowledge};
use portolan::standard::load::Library;
use std::sync::LazyLock;

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(None));

const X12: &str = "ISA*00*          *00*          *ZZ*SENDER         *01*123456789      *260101*0930*U*00401*000000905*0*P*>~\
     GS*PO*SAPP*RAPP*20260101*0930*77*X*004010~\
     ST*850*0001~BEG*00*SA*4711**20260101~N1*ST*Shop*92*12~PO1*1*5*EA*1.5**UP*012345678905~CTT*1~SE*6*0001~\
     GE*1*77~IEA*1*000000905~";
const EDIFACT: &str = "UNB+UNOC:3+SENDER:14+RECEIVER:ZZ+260101:0930+REF905'UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'\
                       DTM+137:20260101:102'NAD+BY+1::9'LIN+1++4000862141404:EN'QTY+21:5'UNS+S'UNT+8+1'UNZ+1+REF905'";

fn inspect(input: &[u8]) -> Vec<InterchangeReport> {
    Inspection::new(&LIBRARY).whole(input, Limits::default()).expect("memory reads")
}

/// All codes that were found, and the acknowledgment.
fn told(input: &[u8]) -> (Vec<String>, String) {
    let reports = inspect(input);
    let mut codes = Vec::new();
    let mut answers = String::new();
    let stamp = Stamp {
        interchange_control_number: "7".into(),
        group_control_numbers: vec!["8".into()],
        prepared: jiff::civil::date(2026, 2, 3).at(4, 5, 0, 0),
    };
    for report in &reports {
        let inner = report
            .groups
            .iter()
            .flat_map(|group| group.faults.iter().chain(group.documents.iter().flat_map(|document| &document.faults)));
        codes.extend(report.faults.iter().chain(inner).map(portolan::diagnostic::Diagnostic::code));
        let choice = AckChoice::default();
        let acknowledgment = acknowledge(report, choice).filter(|_| report.number > 0);
        let bytes = acknowledgment.map(|acknowledgment| acknowledgment.encode(&stamp));
        let bytes = bytes.map(|bytes| bytes.expect("acknowledgments can be written")).unwrap_or_default();
        answers.push_str(&String::from_utf8_lossy(&bytes).replace('\n', ""));
    }
    (codes, answers)
}

/// `from` becomes `to` in a good interchange; then this code is found, and the acknowledgment says this.
fn check(good: &str, changes: &[(&str, &str)], code: &str, said: &str) {
    let mut input = good.to_owned();
    for (from, to) in changes {
        assert!(input.contains(from), "nothing to change: {from}");
        input = input.replacen(from, to, 1);
    }
    let (codes, answer) = told(input.as_bytes());
    assert!(codes.iter().any(|one| one == code), "expected {code}, found {codes:?} in\n{input}");
    assert!(answer.contains(said), "expected {said:?} in\n{answer}\nfor\n{input}");
}

macro_rules! rows {
    ($module:ident of $good:ident: $($name:ident [$(($from:expr, $to:expr)),+] $code:literal, $said:literal;)+) => {
        mod $module {
            $(#[test] fn $name() { super::check(super::$good, &[$(($from, $to)),+], $code, $said); })+
        }
    };
}

rows! { ta1 of X12:
    control_numbers_of_isa_and_iea_differ_001 [("IEA*1*000000905", "IEA*1*000000906")] "X12-INTERCHANGE-REFERENCE", "*R*001~IEA*0";
    segment_terminator_is_a_letter_004 [("*P*>~", "*P*>S"), ("004010~", "004010S"), ("0001~B", "0001SB")] "X12-TERMINATOR-INVALID", "*R*004~IEA*0";
    sender_qualifier_unknown_005 [("*ZZ*SENDER", "*QQ*SENDER")] "X12-INTERCHANGE-ELEMENT", "*R*005~IEA*0";
    sender_empty_006 [("SENDER         ", "               ")] "X12-INTERCHANGE-ELEMENT", "*R*006~IEA*0";
    receiver_qualifier_unknown_007 [("*01*123456789", "*QQ*123456789")] "X12-INTERCHANGE-ELEMENT", "*R*007~IEA*0";
    receiver_empty_008 [("123456789      ", "               ")] "X12-INTERCHANGE-ELEMENT", "*R*008~IEA*0";
    date_is_none_014 [("*260101*0930*U", "*261301*0930*U")] "X12-INTERCHANGE-DATE", "*R*014~IEA*0";
    time_is_none_015 [("*260101*0930*U", "*260101*2560*U")] "X12-INTERCHANGE-TIME", "*R*015~IEA*0";
    version_unknown_017 [("*U*00401*", "*U*00999*")] "X12-INTERCHANGE-VERSION", "*R*017~IEA*0";
    control_number_no_number_018 [("*00401*000000905*", "*00401*00000A905*"), ("IEA*1*000000905", "IEA*1*00000A905")] "X12-INTERCHANGE-CONTROL-NUMBER", "*R*018~IEA*0";
    request_flag_unknown_019 [("*000000905*0*P", "*000000905*9*P")] "X12-INTERCHANGE-ELEMENT", "*R*019~IEA*0";
    test_flag_unknown_020 [("*000000905*0*P", "*000000905*0*X")] "X12-INTERCHANGE-ELEMENT", "*R*020~IEA*0";
    count_of_groups_wrong_021 [("IEA*1*", "IEA*3*")] "X12-INTERCHANGE-COUNT", "*R*021~IEA*0";
    trailer_missing_023 [("IEA*1*000000905~", "")] "X12-INTERCHANGE-TRAILER-MISSING", "*R*023~IEA*0";
    document_outside_any_group_024 [("GS*PO*SAPP*RAPP*20260101*0930*77*X*004010~", "")] "X12-INTERCHANGE-CONTENT", "*R*024~IEA*0";
    separators_the_same_026 [("*P*>~", "*P**~")] "X12-SEPARATOR-INVALID", "*R*026~IEA*0";
}

rows! { x12_group of X12:
    group_type_unknown_ak9_1 [("GS*PO*", "GS*QQ*")] "X12-GROUP-UNSUPPORTED", "~AK9*R*1*1*0*1~";
    group_version_unknown_ak9_2 [("*X*004010", "*X*009999")] "X12-GROUP-VERSION", "~AK9*R*1*1*0*2~";
    group_trailer_missing_ak9_3 [("GE*1*77~", "")] "X12-GROUP-TRAILER-MISSING", "~AK9*R*1*1*0*3~";
    group_control_numbers_differ_ak9_4 [("GE*1*77", "GE*1*78")] "X12-GROUP-REFERENCE", "~AK9*R*1*1*0*4~";
    count_of_documents_wrong_ak9_5 [("GE*1*77", "GE*3*77")] "X12-GROUP-COUNT", "~AK9*R*3*1*0*5~";
    group_control_number_no_number_ak9_6 [("*0930*77*X", "*0930*7A*X"), ("GE*1*77", "GE*1*7A")] "X12-GROUP-ELEMENT", "~AK9*R*1*1*0*6~";
}

rows! { x12_document of X12:
    type_unknown_ak5_1 [("ST*850*", "ST*899*")] "X12-DOCUMENT-TYPE-UNKNOWN", "~AK5*R*1";
    trailer_missing_ak5_2 [("SE*6*0001~", "")] "X12-DOCUMENT-TRAILER-MISSING", "~AK5*R*2";
    control_numbers_differ_ak5_3 [("SE*6*0001", "SE*6*0002")] "X12-DOCUMENT-REFERENCE", "~AK5*R*3~";
    count_of_segments_wrong_ak5_4 [("SE*6*", "SE*9*")] "X12-DOCUMENT-COUNT", "~AK5*R*4~";
    segments_in_error_ak5_5 [("*5*EA*", "*five*EA*")] "X12-ELEMENT-CHARACTER", "~AK5*R*5~";
    type_in_the_wrong_group_ak5_6 [("GS*PO*", "GS*IN*")] "X12-DOCUMENT-GROUP", "~AK5*R*6~";
    control_number_missing_ak5_7 [("ST*850*0001", "ST*850*"), ("SE*6*0001", "SE*6*")] "X12-DOCUMENT-CONTROL-NUMBER", "~AK5*R*7";
    control_number_used_twice_ak5_23 [("GE*1*77", "ST*850*0001~BEG*00*SA*4712**20260101~PO1*1*5*EA~SE*4*0001~GE*2*77")] "X12-DOCUMENT-CONTROL-NUMBER-REPEATED", "~AK5*R*23~";
}

rows! { x12_segment of X12:
    unknown_ak3_1 [("CTT*1~", "CTT*1~ZZZ*1~"), ("SE*6", "SE*7")] "X12-SEGMENT-UNKNOWN", "~AK3*ZZZ*6**1~";
    not_expected_here_ak3_2 [("CTT*1~", "CTT*1~N3*Street~"), ("SE*6", "SE*7")] "X12-SEGMENT-UNEXPECTED", "~AK3*N3*6**2~";
    mandatory_one_missing_ak3_3 [("BEG*00*SA*4711**20260101~", ""), ("SE*6", "SE*5")] "X12-SEGMENT-MISSING", "~AK3*BEG*2**3~";
    loop_too_often_ak3_4 [("CTT*1~", "CTT*1~CTT*1~"), ("SE*6", "SE*7")] "X12-LOOP-TOO-MANY", "~AK3*CTT*6**4~";
    too_often_ak3_5 [("PO1*1", "N3*A~N3*B~N3*C~PO1*1"), ("SE*6", "SE*9")] "X12-SEGMENT-TOO-MANY", "~AK3*N3*6**5~";
    not_of_this_document_type_ak3_6 [("CTT*1~", "AK1*PO*1~CTT*1~"), ("SE*6", "SE*7")] "X12-SEGMENT-FOREIGN", "~AK3*AK1*5**6~";
    out_of_order_ak3_7 [("CTT*1~", "CTT*1~BEG*00*SA*4711**20260101~"), ("SE*6", "SE*7")] "X12-SEGMENT-OUT-OF-ORDER", "~AK3*BEG*6**7~";
    empty_ak3_8 [("BEG*00*SA*4711**20260101~", "BEG~")] "X12-SEGMENT-EMPTY", "~AK3*BEG*2**8~";
}

rows! { x12_element of X12:
    mandatory_one_missing_ak4_1 [("BEG*00*SA*4711*", "BEG*00*SA**")] "X12-ELEMENT-MISSING", "~AK4*3*324*1~";
    condition_broken_ak4_2 [("*92*12~", "*92~")] "X12-ELEMENT-CONDITION", "~AK4*4*67*2~";
    too_many_ak4_3 [("CTT*1~", "CTT*1*2*3*EA*5*CF*x*y~")] "X12-ELEMENT-TOO-MANY", "~AK4*8**3*y~";
    too_short_ak4_4 [("*92*12~", "*92*1~")] "X12-ELEMENT-TOO-SHORT", "~AK4*4*67*4*1~";
    too_long_ak4_5 [("*4711*", "*47110000000000000000000*")] "X12-ELEMENT-TOO-LONG", "~AK4*3*324*5*47110000000000000000000~";
    letter_in_a_number_ak4_6 [("*5*EA*", "*5O*EA*")] "X12-ELEMENT-CHARACTER", "~AK4*2*330*6*5O~";
    code_unknown_ak4_7 [("BEG*00*SA", "BEG*00*QQ")] "X12-CODE-UNKNOWN", "~AK4*2*92*7*QQ~";
    date_impossible_ak4_8 [("**20260101~N1", "**20260231~N1")] "X12-ELEMENT-DATE", "~AK4*5*373*8*20260231~";
    time_impossible_ak4_9 [("CTT*1~", "DTM*002*20260101*2561~CTT*1~"), ("SE*6", "SE*7")] "X12-ELEMENT-TIME", "~AK4*3*337*9*2561~";
    elements_exclude_each_other_ak4_10 [("CTT*1~", "MEA*PD*HT*5*EA****03~CTT*1~"), ("SE*6", "SE*7")] "X12-ELEMENT-EXCLUSION", "~AK4*8*936*10*03~";
}

rows! { contrl of EDIFACT:
    syntax_version_unknown_2 [("UNOC:3", "UNOC:9")] "EDIFACT-INTERCHANGE-VERSION", "+4+2+UNB+2:2'UNT";
    syntax_level_unknown_2 [("UNOC:3", "UNOQ:3")] "EDIFACT-INTERCHANGE-VERSION", "+4+2+UNB+2:1'UNT";
    date_is_none_12 [("260101:0930", "261301:0930")] "EDIFACT-INTERCHANGE-DATE", "+4+12+UNB+5:1'UNT";
    code_unknown_12 [("BGM+220", "BGM+QQQ")] "EDIFACT-CODE-UNKNOWN", "UCD+12+2:1'";
    mandatory_element_missing_13 [("QTY+21:5'", "QTY+21'")] "EDIFACT-ELEMENT-MISSING", "UCD+13+2:2'";
    mandatory_segment_missing_13 [("BGM+220+4711+9'", ""), ("UNT+8", "UNT+7")] "EDIFACT-SEGMENT-MISSING", "UCS+2+13'";
    trailer_missing_13 [("UNZ+1+REF905'", "")] "EDIFACT-INTERCHANGE-TRAILER-MISSING", "+4+13+UNB'UNT";
    type_unknown_14 [("ORDERS:D:96A", "QUATSCH:D:96A")] "EDIFACT-DOCUMENT-TYPE-UNKNOWN", "+4+14+UNH+3:1'";
    segment_unknown_15 [("UNS+S'", "ZZZ+1'UNS+S'"), ("UNT+8", "UNT+9")] "EDIFACT-SEGMENT-UNKNOWN", "UCS+7+15'";
    components_too_many_16 [("QTY+21:5'", "QTY+21:5:PCE:x'")] "EDIFACT-ELEMENT-TOO-MANY", "UCD+16+2:4'";
    separators_the_same_20 [("UNB+UNOC", "UNA:+.?+'UNB+UNOC")] "EDIFACT-SEPARATOR-INVALID", "+4+20+UNA'UNT";
    control_numbers_differ_28 [("UNZ+1+REF905", "UNZ+1+REF906")] "EDIFACT-INTERCHANGE-REFERENCE", "+4+28+UNZ+3'UNT";
    release_character_at_the_end_28 [("UNZ+1+REF905'", "UNZ+1+REF905?")] "EDIFACT-INTERCHANGE-REFERENCE", "+4+28+UNZ+3'UNT";
    document_references_differ_28 [("UNT+8+1", "UNT+8+2")] "EDIFACT-DOCUMENT-REFERENCE", "UCM+1+ORDERS:D:96A:UN+4+28+UNT+3'";
    count_of_documents_wrong_29 [("UNZ+1", "UNZ+2")] "EDIFACT-INTERCHANGE-COUNT", "+4+29+UNZ+2'UNT";
    count_of_segments_wrong_29 [("UNT+8", "UNT+9")] "EDIFACT-DOCUMENT-COUNT", "UCM+1+ORDERS:D:96A:UN+4+29+UNT+2'";
    document_reference_twice_26 [("UNZ+1", "UNH+1+ORDERS:D:96A:UN'BGM+220+4712+9'DTM+137:20260101:102'UNS+S'UNT+5+1'UNZ+2")] "EDIFACT-DOCUMENT-CONTROL-NUMBER-REPEATED", "+4+26+UNH+2'";
    groups_and_documents_mixed_30 [("UNZ+1", "UNG+ORDERS+A+B+260101:0930+G1+UN+D:96A'UNE+0+G1'UNH+2+ORDERS:D:96A:UN'BGM+220+4712+9'DTM+137:20260101:102'UNS+S'UNT+5+2'UNZ+2")] "EDIFACT-INTERCHANGE-MIXED", "+4+30+UNH'UNT";
    document_without_content_32 [("BGM+220+4711+9'DTM+137:20260101:102'NAD+BY+1::9'LIN+1++4000862141404:EN'QTY+21:5'UNS+S'UNT+8", "UNT+2")] "EDIFACT-DOCUMENT-SEGMENTS", "UCM+1+ORDERS:D:96A:UN+4+32";
    segment_outside_any_document_33 [("UNZ+1", "FTX+AAI'UNZ+1")] "EDIFACT-INTERCHANGE-CONTENT", "+4+33'UNT";
    segment_too_often_35 [("BGM+220+4711+9'", "BGM+220+4711+9'BGM+220+4711+9'"), ("UNT+8", "UNT+9")] "EDIFACT-SEGMENT-TOO-MANY", "UCS+3+35'";
    letter_in_a_number_37 [("QTY+21:5'", "QTY+21:5O'")] "EDIFACT-ELEMENT-CHARACTER", "UCD+37+2:2'";
    element_too_long_39 [("+4711+9", "+471100000000000000000000000000000000000+9")] "EDIFACT-ELEMENT-TOO-LONG", "UCD+39+3";
}

#[test]
fn contrl_interchange_without_documents_32() {
    let (codes, answer) = told(b"UNB+UNOC:3+SENDER:14+RECEIVER:ZZ+260101:0930+REF905'UNZ+0+REF905'");
    assert_eq!(codes, ["EDIFACT-INTERCHANGE-EMPTY"]);
    assert!(answer.contains("+4+32+UNB'UNT"), "{answer}");
}

#[test]
fn contrl_characters_outside_the_level_21() {
    let input = EDIFACT.replace("UNOC:3", "UNOA:3").replace("+4711+", "+a4711+");
    let (codes, answer) = told(input.as_bytes());
    assert!(codes.iter().any(|code| code == "EDIFACT-CHARACTER-ENCODING"), "{codes:?}");
    assert!(answer.contains("+7'UCM+1+ORDERS:D:96A:UN+7+21'UNT"), "noted, not refused: {answer}");
    let faults = inspect(input.as_bytes()).remove(0).groups.remove(0).documents.remove(0).faults;
    assert_eq!(faults[0].offset, input.find("a4711").expect("it") as u64, "told by its offset");
}

#[test]
fn contrl_segment_over_the_limit_18() {
    let input = EDIFACT.replace("+4711+", &format!("+{}+", "x".repeat(1024 * 1024 + 1)));
    let (codes, answer) = told(input.as_bytes());
    assert!(codes.iter().any(|code| code == "EDIFACT-SEGMENT-TOO-BIG"), "{codes:?}");
    assert!(answer.contains("+7'UCM+1+ORDERS:D:96A:UN+4+18'"), "{answer}");
}

#[test]
fn isa_too_short_says_how_many_characters_it_needs() {
    let reports = inspect(&X12.as_bytes()[..80]);
    let told: String = reports[0].faults.iter().map(portolan::diagnostic::Diagnostic::message).collect();
    assert!(told.contains("an ISA segment of 106 characters") && told.contains("80"), "{told}");
}

#[test]
fn what_is_no_interchange_is_answered_by_nothing() {
    for input in [&b"<html>"[..], b"", b"   \r\n", b"PK\x03\x04"] {
        let (codes, answer) = told(input);
        assert!(codes.iter().all(|code| code.starts_with("DOCUMENT-")) && codes.len() == 1, "{codes:?}");
        assert_eq!(answer, "");
    }
}

#[test]
fn una_errors_are_told() {
    for (una, code) in [("UNA:+", "EDIFACT-SEPARATOR-INVALID"), ("UNA::.? '", "EDIFACT-SEPARATOR-INVALID")] {
        let (codes, answer) = told(format!("{una}{EDIFACT}").as_bytes());
        assert!(codes.iter().any(|one| one == code), "{una}: {codes:?}");
        assert!(answer.contains("+4+20"), "{answer}");
    }
}
