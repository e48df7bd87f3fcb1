//! What is answered: a Response with its Status, written for those who ask us and read of those whom we asked; and the
//! StatusUpdateRequest, which says later what became of a document.

use crate::codec::segment::{Answer, Answered, Verdict};
use crate::codec::xml::{escaped, outline};
use std::fmt::Write as _;

/// The word of acknowledgments of cXML in the ledger.
const KIND: &str = "cxml";

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// 200 to 299: taken; 400 to 499: refused for good; 500 to 599: not now.
    pub code: u16,
    /// In words.
    pub words: String,
}

impl Status {
    /// The word that goes with the code.
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self.code {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            406 => "Not Acceptable",
            409 => "Conflict",
            450 => "Not Implemented",
            550 => "Unable to reach cXML server",
            551 => "Unable to forward request",
            560 => "Temporary server error",
            code if code < 300 => "Success",
            code if code < 500 => "Permanent error",
            _ => "Transient error",
        }
    }

    /// What it comes to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.code < 300 { Verdict::Accepted } else { Verdict::Rejected }
    }
}

/// Writes a Response. `doctype` is what its document type declaration says; `inner` stands behind the Status.
#[must_use]
pub fn response(doctype: &str, payload_id: &str, timestamp: &str, status: &Status, inner: &str) -> Vec<u8> {
    let (code, text, words) = (status.code, status.text(), escaped(&status.words));
    let (payload_id, timestamp) = (escaped(payload_id), escaped(timestamp));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE {doctype}>\n\
         <cXML payloadID=\"{payload_id}\" timestamp=\"{timestamp}\">\n  <Response>\n    \
         <Status code=\"{code}\" text=\"{text}\">{words}</Status>\n{inner}  </Response>\n</cXML>\n"
    )
    .into_bytes()
}

/// What stands in a Response that says which requests are taken, and where.
#[must_use]
pub fn profile(effective: &str, requests: &[String], url: &str) -> String {
    let url = escaped(url);
    let mut text = format!("    <ProfileResponse effectiveDate=\"{}\">\n", escaped(effective));
    for request in requests {
        let request = escaped(request);
        // Writing to a text never fails.
        let _ = writeln!(
            text,
            "      <Transaction requestName=\"{request}\">\n        <URL>{url}</URL>\n      </Transaction>"
        );
    }
    text + "    </ProfileResponse>\n"
}

/// The Status of a Response; `None`: this is none.
#[must_use]
pub fn status(text: &str) -> Option<Status> {
    let found = outline(text, |path| path == "Response/Status");
    let said = found.at("Response/Status").filter(|_| found.root == ["", "cXML"])?;
    let code: u16 = said.attribute("code").parse().ok().filter(|code| (200..600).contains(code))?;
    let words = [said.attribute("text"), &said.text].into_iter().filter(|words| !words.is_empty());
    Some(Status { code, words: words.collect::<Vec<_>>().join(": ") })
}

/// What a StatusUpdateRequest says of the document that it names by its payloadID.
#[must_use]
pub fn answers(text: &str) -> Vec<Answer> {
    const UPDATE: &str = "Request/StatusUpdateRequest";
    let found = outline(text, |path| path.starts_with(UPDATE) && path.matches('/').count() < 3);
    let at = |name: &str| found.at(&format!("{UPDATE}/{name}"));
    let Some(said) = at("Status") else { return Vec::new() };
    // One that names no document is about nothing that can be found.
    let named = at("DocumentReference").map_or("", |document| document.attribute("payloadID"));
    let Ok(code) = said.attribute("code").parse() else { return Vec::new() };
    let words = [said.attribute("text"), &said.text].into_iter().filter(|words| !words.is_empty());
    let status = Status { code, words: String::new() };
    vec![Answer {
        kind: KIND,
        about: Answered { document_control_number: named.to_owned(), ..Answered::default() },
        verdict: status.verdict(),
        codes: vec![code.to_string()],
        claimed: None,
        notes: words.map(str::to_owned).collect(),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCTYPE: &str = "cXML SYSTEM \"cXML.dtd\"";

    #[test]
    fn what_is_written_is_read_again() {
        let said = Status { code: 401, words: "no <such> \"id\" & no other".into() };
        let bytes = response(DOCTYPE, "1@us", "2026-11-02T09:30:00Z", &said, "");
        let read = status(std::str::from_utf8(&bytes).expect("text")).expect("a status");
        assert_eq!((read.code, read.words.as_str()), (401, "Unauthorized: no <such> \"id\" & no other"));
    }

    #[test]
    fn err_what_is_no_response_has_no_status() {
        for text in [
            "",
            "<html><body>OK</body></html>",
            "<cXML/>",
            "<cXML><Response><Status code='1' text='x'/></Response></cXML>",
            "<cXML><Response><Status text='x'/></Response></cXML>",
            "<Other><Response><Status code='200' text='x'/></Response></Other>",
        ] {
            assert_eq!(status(text), None, "{text}");
        }
    }

    #[test]
    fn an_update_names_its_document() {
        let text = "<cXML><Request><StatusUpdateRequest><DocumentReference payloadID='7@us'/>\
                    <Status code='423' text='Locked'>later</Status></StatusUpdateRequest></Request></cXML>";
        let [one] = &answers(text)[..] else { panic!("one answer") };
        assert_eq!((one.about.document_control_number.as_str(), one.verdict), ("7@us", Verdict::Rejected));
        assert_eq!((one.codes.join(" "), one.notes.join(": ")), ("423".into(), "Locked: later".into()));
        // One that names none is about nothing we can find, and is listed.
        let unnamed = answers(&text.replace("<DocumentReference payloadID='7@us'/>", ""));
        assert_eq!(unnamed[0].about.document_control_number, "");
        assert!(answers(&text.replace("423", "x")).is_empty());
    }
}
