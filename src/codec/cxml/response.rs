//! What is answered: a Response with its Status, written for those who ask us and read of those whom we asked; and the
//! StatusUpdateRequest, which says later what became of a document.

use super::related::parameter;
use crate::codec::segment::{Answer, Answered, Verdict};
use crate::codec::xml::{charset, escaped, outline, read};
use crate::tree::Charset;
use std::fmt::Write as _;
use std::ops::Range;

/// The word of acknowledgments of cXML in the ledger.
const KIND: &str = "cxml";
/// The codes of a Status (cXML 1.2, Status: 200 to 299 success, 400 to 499 permanent errors, 500 to 599 transient ones).
const CODES: Range<u16> = 200..600;
/// Characters of a code that is told as wrong.
const CODE_SHOWN_MAX: usize = 20;

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
            201 => "Accepted",
            400 => "Bad Request",
            401 => "Unauthorized",
            406 => "Not Acceptable",
            409 => "Conflict",
            450 => "Not Implemented",
            500 => "Internal Server Error",
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

/// What a document asks for or tells: the element in its Request or Message, of a document that we wrote. `None`: it is none.
#[must_use]
pub fn payload(content_type: &str, body: &[u8]) -> Option<String> {
    let text = read(body, told(content_type))?.text;
    let found = outline(&text, |path| matches!(path, "Request" | "Message"));
    let holder = found.elements.first().filter(|_| found.root == ["", "cXML"] && !found.is_broken)?.path.clone();
    let (_, rest) = text.split_once(&format!("<{holder}"))?;
    let (_, rest) = rest.split_once('>')?;
    let (inner, _) = rest.rsplit_once(&format!("</{holder}>"))?;
    let inner = inner.trim();
    (!inner.is_empty()).then(|| format!("    {inner}\n"))
}

/// The Status of a Response; `None`: this is none.
#[must_use]
pub fn status(text: &str) -> Option<Status> {
    let found = outline(text, |path| matches!(path, "Response" | "Response/Status"));
    let said = found.at("Response/Status").filter(|_| found.root == ["", "cXML"])?;
    let code = said.attribute("code").parse().ok().filter(|code| CODES.contains(code))?;
    let words = [said.attribute("text"), &said.text].into_iter().filter(|words| !words.is_empty());
    Some(Status { code, words: words.collect::<Vec<_>>().join(": ") })
}

/// The same of the body of an answer of HTTP: in the character set that its Content-Type names, else in the one that it
/// declares.
#[must_use]
pub fn status_of(content_type: &str, body: &[u8]) -> Option<Status> {
    status(&read(body, told(content_type))?.text)
}

/// The Content-Type under which such an answer is handed on: it names the character set that the body was read in.
#[must_use]
pub fn handed_on(content_type: &str, body: &[u8]) -> String {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte);
    let kind = if kind.contains("xml") && kind.bytes().all(is_one) { kind } else { "text/xml" };
    let charset = match told(content_type).or_else(|| Some(read(body, None)?.charset)) {
        Some(Charset::Latin1) => "ISO-8859-1",
        Some(Charset::Other(encoding)) => encoding.name(),
        Some(Charset::Utf8) | None => "UTF-8",
    };
    format!("{kind}; charset={charset}")
}

/// The character set that a Content-Type names; a document that begins in ASCII is not in UTF-16, whatever is told.
fn told(content_type: &str) -> Option<Charset> {
    charset(&parameter(content_type, "charset")?)
}

/// What a StatusUpdateRequest says of the document that it names by its payloadID. One that names none is about nothing that
/// can be found.
///
/// # Errors
/// What it does not say.
pub fn answers(text: &str) -> Result<Vec<Answer>, String> {
    const UPDATE: &str = "Request/StatusUpdateRequest";
    const WANTED: [&str; 4] =
        ["Request", UPDATE, "Request/StatusUpdateRequest/DocumentReference", "Request/StatusUpdateRequest/Status"];
    let found = outline(text, |path| WANTED.contains(&path));
    let said = found.at(WANTED[3]).ok_or("expected a Status in StatusUpdateRequest, found none")?;
    let named = found.at(WANTED[2]).map_or("", |document| document.attribute("payloadID"));
    let (first, last, code) = (CODES.start, CODES.end - 1, said.attribute("code"));
    let code = code.parse().ok().filter(|code| CODES.contains(code)).ok_or_else(|| {
        let found: String = code.chars().take(CODE_SHOWN_MAX).collect();
        format!("expected a Status code of {first} to {last} in StatusUpdateRequest, found {found:?}")
    })?;
    let words = [said.attribute("text"), &said.text].into_iter().filter(|words| !words.is_empty());
    let status = Status { code, words: String::new() };
    Ok(vec![Answer {
        kind: KIND,
        about: Answered { document_control_number: named.to_owned(), ..Answered::default() },
        verdict: status.verdict(),
        codes: vec![code.to_string()],
        claimed: None,
        notes: words.map(str::to_owned).collect(),
        faults: Vec::new(),
    }])
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
    fn what_a_document_asks_for_is_found_in_it() {
        let text =
            "<?xml version='1.0'?><cXML><Header/><Request deploymentMode='test'>\n<A b='1'><C/></A>\n</Request></cXML>";
        assert_eq!(payload("text/xml", text.as_bytes()).as_deref(), Some("    <A b='1'><C/></A>\n"));
        let said = Status { code: 200, words: String::new() };
        let bytes = response(DOCTYPE, "1@us", "2026-11-02T09:30:00Z", &said, "    <A b='1'><C/></A>\n");
        assert!(status(std::str::from_utf8(&bytes).expect("text")).is_some_and(|status| status.code == 200));
        for none in ["UNB+UNOC:3'", "<Order/>", "<cXML><Response/></cXML>", "<cXML><Request></Request></cXML>"] {
            assert_eq!(payload("text/xml", none.as_bytes()), None, "{none}");
        }
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
        let read = answers(text).expect("an answer");
        let [one] = &read[..] else { panic!("one answer") };
        assert_eq!((one.about.document_control_number.as_str(), one.verdict), ("7@us", Verdict::Rejected));
        assert_eq!((one.codes.join(" "), one.notes.join(": ")), ("423".into(), "Locked: later".into()));
        // One that names none is about nothing we can find, and is listed.
        let unnamed = answers(&text.replace("<DocumentReference payloadID='7@us'/>", "")).expect("an answer");
        assert_eq!(unnamed[0].about.document_control_number, "");
    }

    #[test]
    fn err_an_update_without_a_status_of_the_standard_says_nothing() {
        let update = |status: &str| {
            format!("<cXML><Request><StatusUpdateRequest>{status}</StatusUpdateRequest></Request></cXML>")
        };
        for code in ["x", "", "0", "100", "199", "600", "99999"] {
            let error = answers(&update(&format!("<Status code='{code}'/>"))).expect_err("no code");
            assert_eq!(error, format!("expected a Status code of 200 to 599 in StatusUpdateRequest, found {code:?}"));
        }
        assert!(answers(&update("")).expect_err("no status").contains("expected a Status in"));
        for (code, verdict) in
            [(200, Verdict::Accepted), (299, Verdict::Accepted), (300, Verdict::Rejected), (599, Verdict::Rejected)]
        {
            assert_eq!(
                answers(&update(&format!("<Status code='{code}'/>"))).expect("one")[0].verdict,
                verdict,
                "{code}"
            );
        }
    }

    #[test]
    fn an_answer_is_read_in_its_own_character_set() {
        let text = "<cXML><Response><Status code='400' text='Größe 日'/></Response></cXML>";
        for (kind, declaration, charset) in [
            ("text/xml; charset=Shift_JIS", "", encoding_rs::SHIFT_JIS),
            ("text/xml; charset=\"gb18030\"", "<?xml version='1.0' encoding='UTF-8'?>", encoding_rs::GB18030),
            ("text/xml", "<?xml version='1.0' encoding='gb18030'?>", encoding_rs::GB18030),
            ("", "<?xml version='1.0'?>\n<!DOCTYPE cXML SYSTEM 'cXML.dtd'>", encoding_rs::UTF_8),
        ] {
            let text =
                if charset == encoding_rs::SHIFT_JIS { text.replace("Größe", "size") } else { text.to_owned() };
            let body = charset.encode(&format!("{declaration}{text}")).0.into_owned();
            let words = status_of(kind, &body).expect("a status").words;
            assert!(words.ends_with(" 日") && text.contains(&words), "{kind}: {words}");
        }
        assert_eq!(status_of("text/xml", b"OK"), None);
        assert_eq!(status_of("text/xml; charset=utf-16", text.as_bytes()).map(|said| said.code), Some(400));
        for (kind, body, expected) in [
            ("", "<a/>", "text/xml; charset=UTF-8"),
            (
                "application/xml",
                "<?xml version='1.0' encoding='iso-8859-1'?><a/>",
                "application/xml; charset=ISO-8859-1",
            ),
            ("text/xml; charset=euc-jp", "<?xml version='1.0' encoding='utf-8'?><a/>", "text/xml; charset=EUC-JP"),
            ("text/html; charset=unheard-of", "<?xml version='1.0' encoding='big5'?><a/>", "text/xml; charset=Big5"),
            ("text/xml; charset=utf-16", "<a/>", "text/xml; charset=UTF-8"),
            ("x/xml\u{1}", "", "text/xml; charset=UTF-8"),
        ] {
            assert_eq!(handed_on(kind, body.as_bytes()), expected);
        }
    }
}
