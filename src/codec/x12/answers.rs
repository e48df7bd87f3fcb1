//! TA1, 997 and 999 read, when a partner sends them. What they refer to is found by the ledger.

use crate::codec::segment::{Answer, Answered, HeaderValues, Verdict, place_word, text};
use crate::tree::{Run, Segment};

/// What a TA1 segment says, as received in the envelope of an interchange.
#[must_use]
pub fn technical_answer(ta1: &HeaderValues) -> Answer {
    let verdict = match value(ta1, 4) {
        "A" => Verdict::Accepted,
        "E" => Verdict::AcceptedWithErrors,
        _ => Verdict::Rejected,
    };
    let about = Answered { interchange_control_number: value(ta1, 1).to_owned(), ..Answered::default() };
    Answer {
        kind: "ta1",
        about,
        verdict,
        codes: vec![value(ta1, 5).to_owned()],
        claimed: None,
        notes: Vec::new(),
        faults: Vec::new(),
    }
}

/// What a 997 or 999 says: one answer for the group, and one for each AK2 loop. AK9 `A` without AK2 accepts all of
/// the group. `meant` says what a code of an element means, by its number.
#[must_use]
pub fn answers(run: &Run<'_>, meant: impl Fn(&str, &str) -> Option<String>) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    let mut group = Answered::default();
    let (mut open, mut at): (Option<Answer>, _) = (None, String::new());
    let implementation = run.segment(0).is_some_and(|header| text(&header, (1, 1)) == "999");
    let kind = if implementation { "999" } else { "997" };
    for segment in run.segments() {
        let field = |number: usize| text(&segment, (number, 1)).into_owned();
        match segment.tag() {
            b"AK1" => {
                group.group_type = field(1);
                group.group_control_number = field(2);
            }
            b"AK2" => {
                at.clear();
                found.extend(open.take());
                let about = Answered { document_type: field(1), document_control_number: field(2), ..group.clone() };
                open = Some(Answer {
                    kind,
                    about,
                    verdict: Verdict::Accepted,
                    codes: vec![],
                    claimed: None,
                    notes: vec![],
                    faults: vec![],
                });
            }
            b"AK3" | b"IK3" | b"AK4" | b"IK4" => {
                if let Some(open) = open.as_mut() {
                    open.notes.push(note(&segment, &meant));
                    open.faults.push(fault(&segment, &mut at, &meant));
                }
            }
            b"AK5" | b"IK5" => {
                if let Some(mut answer) = open.take() {
                    answer.verdict = verdict_of(&field(1));
                    answer.codes = (2..=6).map(field).filter(|code| !code.is_empty()).collect();
                    found.push(answer);
                }
            }
            b"AK9" => {
                found.extend(open.take());
                let codes = (5..=9).map(field).filter(|code| !code.is_empty()).collect();
                let counts = format!("{} claimed, {} received, {} accepted", field(2), field(3), field(4));
                // Partly accepted: the documents' own answers tell which.
                let verdict = if field(1) == "P" { Verdict::AcceptedWithErrors } else { verdict_of(&field(1)) };
                let claimed = field(2).parse().ok();
                found.push(Answer {
                    kind,
                    about: group.clone(),
                    verdict,
                    codes,
                    claimed,
                    notes: vec![counts],
                    faults: vec![],
                });
            }
            _ => {}
        }
    }
    found.extend(open);
    found
}

/// AK501, AK901: A accepts, E accepts with errors; R, M, W and X reject.
fn verdict_of(letter: &str) -> Verdict {
    match letter {
        "A" => Verdict::Accepted,
        "E" => Verdict::AcceptedWithErrors,
        _ => Verdict::Rejected,
    }
}

/// `segment 2 BEG: code 8 (Segment has element errors)`, `element 3: code 7 (Invalid code value) "XX"`.
fn note(segment: &Segment<'_>, meant: &impl Fn(&str, &str) -> Option<String>) -> String {
    let field = |number: usize| text(segment, (number, 1));
    let code = |number: usize, element: &str| {
        let code = field(number);
        match meant(element, &code) {
            Some(words) => format!("code {code} ({words})"),
            None => format!("code {code}"),
        }
    };
    let of_segment = |element: &str| format!("segment {} {}: {}", field(2), field(1), code(4, element));
    let of_element = |element: &str| {
        let value = field(4);
        let shown = if value.is_empty() { String::new() } else { format!(" \"{value}\"") };
        format!("element {}: {}{shown}", field(1), code(3, element))
    };
    match segment.tag() {
        b"AK3" => of_segment("720"),
        b"IK3" => of_segment("620"),
        b"AK4" => of_element("723"),
        _ => of_element("621"),
    }
}

/// The same without the copy of what stands there (AK404): `segment 2 BEG, element 3 (353): code 7 (Invalid code value)`. `at` is
/// the segment, which an element follows.
fn fault(segment: &Segment<'_>, at: &mut String, meant: &impl Fn(&str, &str) -> Option<String>) -> String {
    let word = |element: usize, component: usize| place_word(&text(segment, (element, component)));
    let (element, code) = match segment.tag() {
        b"AK3" => ("720", word(4, 1)),
        b"IK3" => ("620", word(4, 1)),
        b"AK4" => ("723", word(3, 1)),
        _ => ("621", word(3, 1)),
    };
    let code = match meant(element, &code) {
        Some(words) => format!("code {code} ({words})"),
        None => format!("code {code}"),
    };
    if matches!(segment.tag(), b"AK3" | b"IK3") {
        *at = format!("segment {} {}", word(2, 1), word(1, 1));
        return format!("{at}: {code}");
    }
    let filled = |before: &str, word: String, behind: &str| match word.is_empty() {
        true => String::new(),
        false => format!("{before}{word}{behind}"),
    };
    let of_segment = if at.is_empty() { String::new() } else { format!("{at}, ") };
    let (component, number) = (filled(", component ", word(1, 2), ""), filled(" (", word(2, 1), ")"));
    format!("{of_segment}element {}{component}{number}: {code}", word(1, 1))
}

fn value(header: &HeaderValues, number: usize) -> &str {
    header.value(number, 1)
}
