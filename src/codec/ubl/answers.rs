//! ApplicationResponses of partners: what each says of which document of ours, as Peppol's message level and invoice
//! responses and those of procurement have it.

use super::{ACCEPTED, RECEIVED, REJECTED, WORD};
use crate::codec::segment::{Answer, Answered, Verdict};
use crate::codec::xml::{Outline, outline};

/// Notes that are kept of one answer, at most.
const NOTES_MAX: usize = 100;
const RESPONSE: &str = "DocumentResponse";

/// An answer for each document that is named.
#[must_use]
pub fn answers(text: &str) -> Vec<Answer> {
    let found = outline(text, |path| path == RESPONSE || path.starts_with("DocumentResponse/"));
    let responses = found.elements.iter().enumerate().filter(|(_, one)| one.path == RESPONSE);
    responses.flat_map(|(number, _)| of_response(&found, number)).collect()
}

fn of_response(found: &Outline, number: usize) -> Vec<Answer> {
    let Some((response, _)) = found.within(number, "Response").next() else { return Vec::new() };
    let code = found.text(response, "ResponseCode");
    let mut notes = words(found, response);
    for (line, _) in found.within(number, "LineResponse") {
        let place = found.within(line, "LineReference").next().map_or("", |(at, _)| found.text(at, "LineID"));
        for (response, _) in found.within(line, "Response") {
            let said = words(found, response).join(", ");
            notes.push(if place.is_empty() || place == "NA" { said } else { format!("{place}: {said}") });
        }
    }
    notes.retain(|note| !note.is_empty());
    notes.truncate(NOTES_MAX);
    let references = found.within(number, "DocumentReference");
    let one = |(reference, _): (usize, _)| Answer {
        kind: WORD,
        about: Answered {
            document_control_number: found.text(reference, "ID").to_owned(),
            document_type: found.text(reference, "DocumentType").to_owned(),
            ..Answered::default()
        },
        verdict: verdict(code),
        codes: vec![code.to_owned()],
        claimed: None,
        notes: notes.clone(),
    };
    references.map(one).collect()
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
            <DocumentReference><ID>I-2</ID></DocumentReference>\
            <LineResponse><LineReference><LineID>/Invoice/ID</LineID></LineReference><Response>\
            <Description>too long</Description></Response></LineResponse></DocumentResponse>\
            <DocumentResponse><Response><ResponseCode>UQ</ResponseCode></Response><DocumentReference><ID>I-3</ID>\
            </DocumentReference></DocumentResponse></ApplicationResponse>";
        let all = answers(text);
        let said: Vec<_> = all.iter().map(|one| (one.about.document_control_number.as_str(), one.verdict)).collect();
        let expected = [("I-1", Verdict::Rejected), ("I-2", Verdict::Rejected), ("I-3", Verdict::AcceptedWithErrors)];
        assert_eq!(said, expected);
        assert_eq!(all[0].about.document_type, "Invoice");
        assert_eq!(all[0].notes, ["not ours", "REF", "/Invoice/ID: too long"]);
        assert!(answers("<ApplicationResponse/>").is_empty());
    }
}
