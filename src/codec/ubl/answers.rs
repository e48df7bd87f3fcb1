//! ApplicationResponses of partners: what each says of which document of ours, as Peppol's message level and invoice
//! responses and those of procurement have it.

use super::{ACCEPTED, RECEIVED, REJECTED, WORD};
use crate::codec::segment::{Answer, Answered, Verdict};
use crate::codec::xml::{ELEMENTS_MAX, Outline, in_parts};

/// Notes that are kept of one answer, at most.
const NOTES_MAX: usize = 100;
/// Documents that one ApplicationResponse answers for, at most.
const ANSWERS_MAX: usize = 1_000;
const RESPONSE: &str = "DocumentResponse";
/// What a DocumentResponse is made of: what is said, of which documents, and of which of their lines.
const SAID: &str = "DocumentResponse/Response";
const REFERENCE: &str = "DocumentResponse/DocumentReference";
const LINE: &str = "DocumentResponse/LineResponse";

/// An answer for each document that is named.
///
/// # Errors
/// There is more in it than is read; then none of it counts.
pub fn answers(text: &str) -> Result<Vec<Answer>, String> {
    let (mut all, mut open) = (Vec::new(), Heard::default());
    let mut is_too_many = false;
    let is_wanted = |path: &str| path == RESPONSE || path.starts_with("DocumentResponse/");
    let is_part = |path: &str| [RESPONSE, SAID, REFERENCE, LINE].contains(&path);
    let left = in_parts(text, is_wanted, is_part, |part| match part.elements[0].path.as_str() {
        RESPONSE => all.append(&mut std::mem::take(&mut open).answers()),
        REFERENCE if all.len() + open.named.len() == ANSWERS_MAX => is_too_many = true,
        _ => open.take(&part),
    });
    if left.is_cut {
        return Err(format!("expected at most {ELEMENTS_MAX} elements in a part of a DocumentResponse, found more"));
    }
    if is_too_many {
        return Err(format!(
            "expected at most {ANSWERS_MAX} documents to be answered for, found more; send it in parts"
        ));
    }
    Ok(all)
}

/// What one DocumentResponse has said so far.
#[derive(Default)]
struct Heard {
    /// The code of its first Response, with what that says besides.
    said: Option<(String, Vec<String>)>,
    /// Number of each document, and its type as a code (UNCL1001), else in words.
    named: Vec<(String, String)>,
    /// What is said of lines.
    lines: Vec<String>,
}

impl Heard {
    fn take(&mut self, part: &Outline) {
        match part.elements[0].path.as_str() {
            SAID if self.said.is_none() => {
                self.said = Some((part.text(0, "ResponseCode").to_owned(), words(part, 0)));
            }
            REFERENCE => {
                let code = part.text(0, "DocumentTypeCode");
                let kind = if code.is_empty() { part.text(0, "DocumentType") } else { code };
                self.named.push((part.text(0, "ID").to_owned(), kind.to_owned()));
            }
            LINE if self.lines.len() < NOTES_MAX => {
                let place = part.within(0, "LineReference").next().map_or("", |(at, _)| part.text(at, "LineID"));
                for (response, _) in part.within(0, "Response") {
                    let said = words(part, response).join(", ");
                    self.lines.push(if place.is_empty() || place == "NA" { said } else { format!("{place}: {said}") });
                }
            }
            _ => {}
        }
    }

    /// Of each document the same; nothing where there is no Response.
    fn answers(self) -> Vec<Answer> {
        let Some((code, mut notes)) = self.said else { return Vec::new() };
        notes.extend(self.lines);
        notes.retain(|note| !note.is_empty());
        notes.truncate(NOTES_MAX);
        let one = |(number, kind): (String, String)| Answer {
            kind: WORD,
            about: Answered { document_control_number: number, document_type: kind, ..Answered::default() },
            verdict: verdict(&code),
            codes: vec![code.clone()],
            claimed: None,
            notes: notes.clone(),
            faults: Vec::new(),
        };
        self.named.into_iter().map(one).collect()
    }
}

/// What a response says besides its code: in words, and the codes of its statuses with theirs.
fn words(found: &Outline, response: usize) -> Vec<String> {
    let mut all: Vec<String> = found.within(response, "Description").map(|(_, one)| one.text.clone()).collect();
    for (status, _) in found.within(response, "Status") {
        let said = [found.text(status, "StatusReasonCode"), found.text(status, "StatusReason")];
        all.push(said.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" "));
    }
    all
}

/// In process and paid say that it was taken; what is conditional, in question or not known is for a person to look at.
fn verdict(code: &str) -> Verdict {
    match code {
        RECEIVED | ACCEPTED | "IP" | "PD" => Verdict::Accepted,
        REJECTED => Verdict::Rejected,
        _ => Verdict::AcceptedWithErrors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_that_is_named_is_answered() {
        let text = "<ApplicationResponse><DocumentResponse><Response><ResponseCode>RE</ResponseCode>\
            <Description>not ours</Description><Status><StatusReasonCode>REF</StatusReasonCode></Status></Response>\
            <DocumentReference><ID>I-1</ID><DocumentType>Invoice</DocumentType></DocumentReference>\
            <DocumentReference><ID>I-2</ID><DocumentTypeCode>380</DocumentTypeCode><DocumentType>Rechnung</DocumentType>\
            </DocumentReference>\
            <LineResponse><LineReference><LineID>/Invoice/ID</LineID></LineReference><Response>\
            <Description>too long</Description></Response></LineResponse></DocumentResponse>\
            <DocumentResponse><Response><ResponseCode>UQ</ResponseCode></Response><DocumentReference><ID>I-3</ID>\
            </DocumentReference></DocumentResponse></ApplicationResponse>";
        let all = answers(text).expect("answers");
        let said: Vec<_> = all.iter().map(|one| (one.about.document_control_number.as_str(), one.verdict)).collect();
        let expected = [("I-1", Verdict::Rejected), ("I-2", Verdict::Rejected), ("I-3", Verdict::AcceptedWithErrors)];
        assert_eq!(said, expected);
        let kinds: Vec<_> = all.iter().map(|one| one.about.document_type.as_str()).collect();
        assert_eq!(kinds, ["Invoice", "380", ""]);
        assert_eq!(all[0].notes, ["not ours", "REF", "/Invoice/ID: too long"]);
        assert!(answers("<ApplicationResponse/>").expect("none").is_empty());
    }

    const RESPONSE: &str = "<Response><ResponseCode>RE</ResponseCode></Response>";

    #[test]
    fn what_stands_behind_very_many_lines_is_read() {
        let line = "<LineResponse><LineReference><LineID>1</LineID></LineReference><Response><Description>no\
                    </Description></Response></LineResponse>";
        let of = |number: &str, lines: usize| {
            let reference = format!("<DocumentReference><ID>{number}</ID></DocumentReference>");
            format!("<DocumentResponse>{RESPONSE}{reference}{}</DocumentResponse>", line.repeat(lines))
        };
        let all = answers(&format!("<r>{}{}</r>", of("1", 20_000), of("2", 1))).expect("answers");
        let numbers: Vec<_> = all.iter().map(|one| one.about.document_control_number.as_str()).collect();
        assert_eq!(numbers, ["1", "2"]);
        assert_eq!((all[0].notes.len(), all[1].notes.join(" ")), (NOTES_MAX, "1: no".to_owned()));
    }

    #[test]
    fn err_an_answer_for_too_many_documents_is_told() {
        let of = |count: usize| {
            let references = "<DocumentReference><ID>1</ID></DocumentReference>".repeat(count);
            format!("<r><DocumentResponse>{RESPONSE}{references}</DocumentResponse></r>")
        };
        assert_eq!(answers(&of(ANSWERS_MAX)).expect("answers").len(), ANSWERS_MAX);
        assert!(answers(&of(ANSWERS_MAX + 1)).expect_err("more").contains("at most 1000 documents"));
        let wide = of(1).replace("<ID>", &format!("{}<ID>", "<Note/>".repeat(ELEMENTS_MAX)));
        assert!(answers(&wide).expect_err("more").contains("at most 10000 elements"));
    }
}
