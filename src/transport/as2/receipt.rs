//! Receipts (MDN, RFC 8098 as RFC 4130 7 uses it): made for what was received, signed or not, and read as partners write them.
//! Whether a receipt belongs to something that was sent is the caller's to know.

use super::certificate::{Certificate, OwnKey};
use super::cms::{self, Signed, Verdict};
use super::crypto::{Digest, Failed, Scheme};
use super::mime::{Base64, Headers, Multipart, Peeked};
use super::name::{bare_id, micalg, written};
use super::open::Mic;
use super::refused::{Cause, Refused, told};
use super::seal::signed_frame;
use crate::clock::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::io::{self, Read};

/// Bytes of a receipt, at most.
pub const RECEIPT_BYTES_MAX: u64 = 4 << 20;
/// Parts of a receipt that are looked at.
const PARTS_MAX: usize = 4;
/// Bytes of each of its parts.
const PART_BYTES_MAX: u64 = 1 << 20;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It was received as it was sent.
    Processed,
    /// It was, and there is something to say.
    Warning(String),
    /// It was received, and could not be used.
    Error(String),
    /// It was not looked at.
    Failed(String),
}

impl Disposition {
    /// For a message that is refused.
    #[must_use]
    pub fn refused(cause: Cause) -> Self {
        let word = cause.word().to_owned();
        if cause.is_failure() { Disposition::Failed(word) } else { Disposition::Error(word) }
    }

    /// Whether the message counts as received.
    #[must_use]
    pub fn is_received(&self) -> bool {
        matches!(self, Disposition::Processed | Disposition::Warning(_))
    }

    fn write(&self) -> String {
        let said = match self {
            Disposition::Processed => "processed".to_owned(),
            Disposition::Warning(text) => format!("processed/warning: {text}"),
            Disposition::Error(text) => format!("processed/error: {text}"),
            Disposition::Failed(text) => format!("failed/failure: {text}"),
        };
        format!("automatic-action/MDN-sent-automatically; {said}")
    }

    /// Reads the field, in any case and spacing; `error` is a field of its own in older receipts (RFC 3798).
    fn parse(text: &str, error: Option<&str>) -> Option<Self> {
        let said = text.split_once(';').map_or(text, |(_, said)| said).trim();
        let (kind, modifier) = said.split_once('/').map_or((said, None), |(kind, modifier)| (kind, Some(modifier)));
        let split = |modifier: &str| {
            let (word, text) = modifier.split_once([':', '=']).unwrap_or((modifier, ""));
            (word.trim().to_ascii_lowercase(), text.trim().to_owned())
        };
        let (word, text) = modifier.map(split).unwrap_or_default();
        let text = if text.is_empty() { error.unwrap_or_default().trim().to_owned() } else { text };
        match (kind.trim().to_ascii_lowercase().as_str(), word.as_str()) {
            ("processed", "") if error.is_none() => Some(Disposition::Processed),
            ("processed", "warning") => Some(Disposition::Warning(text)),
            ("processed", _) => Some(Disposition::Error(text)),
            ("failed", _) => Some(Disposition::Failed(text)),
            _ => None,
        }
    }
}

/// A receipt that is to be sent.
pub struct Receipt<'r> {
    /// Who writes it: the product.
    pub agent: &'r str,
    /// Who received the message: its `AS2-To`.
    pub receiver: &'r str,
    /// The message's id as it came.
    pub message_id: &'r str,
    /// What became of it.
    pub disposition: &'r Disposition,
    /// What was received.
    pub mic: Option<&'r Mic>,
    /// For people.
    pub text: &'r str,
}

/// A body with its `Content-Type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// `Content-Type`.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Receipt<'_> {
    /// Writes it, under a boundary.
    #[must_use]
    pub fn write(&self, boundary: &str) -> Body {
        let one_line = |text: &str| text.replace(['\r', '\n'], " ");
        let mut fields = format!(
            "Reporting-UA: {}\r\nOriginal-Recipient: rfc822; {to}\r\nFinal-Recipient: rfc822; {to}\r\nOriginal-Message-ID: {}\r\nDisposition: {}\r\n",
            one_line(self.agent),
            one_line(self.message_id),
            one_line(&self.disposition.write()),
            to = written(self.receiver),
        );
        if let Some(mic) = self.mic {
            fields += &format!("Received-Content-MIC: {}, {}\r\n", STANDARD.encode(&mic.value), mic.digest.name());
        }
        // Lines end by CRLF, for what is signed may not be changed on the way.
        let text: String = self.text.lines().map(|line| format!("{line}\r\n")).collect();
        let bytes = format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n--{boundary}\r\nContent-Type: message/disposition-notification\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{fields}\r\n--{boundary}--\r\n"
        );
        let content_type = format!("multipart/report; report-type=disposition-notification; boundary=\"{boundary}\"");
        Body { content_type, bytes: bytes.into_bytes() }
    }
}

/// Signs a receipt, under a boundary of its own.
///
/// # Errors
/// The key does not sign like that.
pub fn sign(
    body: &Body,
    (key, scheme, digest): (&OwnKey, Scheme, Digest),
    boundary: &str,
    now: Timestamp,
) -> Result<Body, Failed> {
    let part = [format!("Content-Type: {}\r\n\r\n", body.content_type).as_bytes(), &body.bytes].concat();
    let signature = cms::sign(key, scheme, digest, &digest.of(&part), now)?;
    let (content_type, begin, behind) = signed_frame(boundary, digest.name(), &signature);
    Ok(Body { content_type, bytes: [begin, part, behind].concat() })
}

/// A receipt that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Whose message it is about, as it says.
    pub message_id: String,
    /// What became of it.
    pub disposition: Disposition,
    /// What was received.
    pub mic: Option<Mic>,
    /// For people.
    pub text: String,
    /// By which of the trusted it is signed.
    pub signed_by: Option<usize>,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unproved {
    /// For people.
    pub reason: String,
    /// The digest that it names and should not.
    pub mic: Option<Mic>,
}

impl Received {
    /// Whether it says that what was sent was received, by one of the digests that it may name, and nothing else.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn proves(&self, message_id: &str, mics: &[Mic], must_be_signed: bool) -> Result<(), Unproved> {
        let unproved = |reason: String| Err(Unproved { reason, mic: None });
        if must_be_signed && self.signed_by.is_none() {
            return unproved("expected a signed receipt, as asked, found one that is not".to_owned());
        }
        if bare_id(&self.message_id) != bare_id(message_id) {
            return unproved(format!("expected a receipt for {message_id}, found one for {}", self.message_id));
        }
        match (&self.disposition, &self.mic) {
            (Disposition::Error(text), _) => unproved(format!("the receiver could not use the message: {text}")),
            (Disposition::Failed(text), _) => unproved(format!("the receiver did not look at the message: {text}")),
            (_, Some(found)) if mics.contains(found) => Ok(()),
            (_, mic) => {
                let shown = |mic: &Mic| format!("{}, {}", STANDARD.encode(&mic.value), mic.digest.name());
                let found = mic.as_ref().map_or_else(|| "none".to_owned(), shown);
                let expected: Vec<_> = mics.iter().map(shown).collect();
                let reason = format!("expected that {} was received, found {found}", expected.join(" or "));
                Err(Unproved { reason, mic: mic.clone() })
            }
        }
    }
}

/// The body without its transfer encoding.
fn unpacked<'b>(headers: &Headers, body: &'b [u8]) -> io::Result<Cow<'b, [u8]>> {
    if !headers.is_base64() {
        return Ok(Cow::Borrowed(body));
    }
    let mut unpacked = Vec::new();
    Base64::new(body).read_to_end(&mut unpacked)?;
    Ok(Cow::Owned(unpacked))
}

/// Which message a receipt is about, as it says itself, signed or not; none where it is no receipt.
#[must_use]
pub fn about(headers: &Headers, body: &[u8]) -> Option<String> {
    let unpacked = unpacked(headers, body).ok()?;
    let body = &*unpacked;
    let content_type = headers.content_type();
    let boundary = content_type.get("boundary").unwrap_or_default();
    match content_type.value.as_str() {
        "multipart/report" => report(headers, body, None).ok().map(|receipt| receipt.message_id),
        "multipart/signed" => {
            let parts = parts(boundary, body, PARTS_MAX).ok()?;
            let (inner, content) = split(parts.first()?).ok()?;
            let is_report = inner.content_type().value == "multipart/report";
            is_report.then(|| report(&inner, content, None).ok()).flatten().map(|receipt| receipt.message_id)
        }
        _ => None,
    }
}

/// Reads a receipt: the header lines of HTTP, and its body. A signature must be one of the trusted.
///
/// # Errors
/// It is none, or its signature does not hold.
pub fn read(headers: &Headers, body: &[u8], trusted: &[Certificate], now: Timestamp) -> Result<Received, Refused> {
    let wrong = || told(Cause::UnexpectedProcessingError);
    let content_type = headers.content_type();
    let unpacked = unpacked(headers, body).map_err(wrong())?;
    let body = &*unpacked;
    if content_type.value != "multipart/signed" {
        return report(headers, body, None);
    }
    let digests = micalg(&content_type);
    let parts = parts(content_type.get("boundary").unwrap_or_default(), body, PARTS_MAX).map_err(wrong())?;
    let [content, signature, ..] = &parts[..] else {
        return Err(Refused::new(Cause::UnexpectedProcessingError, "expected a receipt and its signature"));
    };
    let signed = signature_of(signature).map_err(told(Cause::IntegrityCheckFailed))?;
    let taken: Vec<_> =
        digests.into_iter().chain(signed.digests()).map(|digest| (digest, digest.of(content))).collect();
    match signed.verdict(&taken, trusted, now) {
        Verdict::By { at, .. } => {
            let (inner, inner_body) = split(content).map_err(wrong())?;
            report(&inner, inner_body, Some(at))
        }
        Verdict::ContentChanged { .. } | Verdict::SignatureWrong => {
            Err(Refused::new(Cause::IntegrityCheckFailed, "the signature of the receipt does not hold"))
        }
        Verdict::Stranger(Some(own)) => {
            let (name, fingerprint) = (own.common_name(), own.fingerprint());
            let detail = format!(
                "the receipt is signed by none of the partner's certificates, but by that of {name:?} ({fingerprint})"
            );
            Err(Refused { stranger: Some(own), ..Refused::new(Cause::AuthenticationFailed, detail) })
        }
        Verdict::OutOfTime(at) => {
            let (one, from, to) = (&trusted[at], trusted[at].not_before, trusted[at].not_after);
            let detail = format!(
                "the receipt is signed by none of the partner's certificates that count today: {} counts from {from} to {to}",
                one.fingerprint()
            );
            Err(Refused::new(Cause::AuthenticationFailed, detail))
        }
        _ => {
            let why = signed.unread.map(|why| format!(", or in a way that is not known: {why}")).unwrap_or_default();
            let detail = format!("the receipt is signed by none of the partner's certificates{why}");
            Err(Refused::new(Cause::AuthenticationFailed, detail))
        }
    }
}

fn signature_of(part: &[u8]) -> io::Result<Signed> {
    let (headers, content) = split(part)?;
    let mut unpacked = Vec::new();
    let der = match headers.is_base64() {
        true => {
            Base64::new(content).read_to_end(&mut unpacked)?;
            &unpacked[..]
        }
        false => content,
    };
    let (_, ber) = cms::begin(der)?;
    Signed::detached(ber)
}

/// The parts of a multipart that is held whole, the first so many.
pub(super) fn parts(boundary: &str, mut body: &[u8], most: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut peeked = Peeked::new(&mut body);
    let mut multipart = Multipart::new(&mut peeked, boundary)?;
    let mut found = Vec::new();
    while found.len() < most && multipart.next_part()? {
        let mut part = Vec::new();
        (&mut multipart).take(PART_BYTES_MAX).read_to_end(&mut part)?;
        found.push(part);
    }
    Ok(found)
}

/// Header lines and body of a part.
pub(super) fn split(mut part: &[u8]) -> io::Result<(Headers, &[u8])> {
    let whole = part;
    let head = Peeked::new(&mut part).head()?;
    Ok((Headers::parse(&head), &whole[head.len()..]))
}

fn report(headers: &Headers, body: &[u8], signed_by: Option<usize>) -> Result<Received, Refused> {
    let none = |what: String| Refused::new(Cause::UnexpectedProcessingError, what);
    let content_type = headers.content_type();
    if content_type.value != "multipart/report" {
        return Err(none(format!("expected multipart/report, found {:?}", content_type.value)));
    }
    let parts = parts(content_type.get("boundary").unwrap_or_default(), body, PARTS_MAX).map_err(Refused::from)?;
    let (mut text, mut fields) = (String::new(), None);
    for part in &parts {
        let (headers, content) = split(part).map_err(Refused::from)?;
        let mut content = content.to_vec();
        if headers.is_base64() {
            let mut unpacked = Vec::new();
            Base64::new(&content[..]).read_to_end(&mut unpacked).map_err(Refused::from)?;
            content = unpacked;
        }
        match headers.content_type().value.as_str() {
            "message/disposition-notification" => fields = Some(Headers::parse(&content)),
            "text/plain" if text.is_empty() => text = String::from_utf8_lossy(&content).trim().to_owned(),
            _ => {}
        }
    }
    let fields =
        fields.ok_or_else(|| none("expected a part message/disposition-notification, found none".to_owned()))?;
    let said = fields.get("disposition").unwrap_or_default();
    let error = fields.get("error").or_else(|| fields.get("failure"));
    let disposition = Disposition::parse(said, error);
    let disposition = disposition.ok_or_else(|| none(format!("expected a disposition, found {said:?}")))?;
    let mic = fields.get("received-content-mic").and_then(read_mic);
    let message_id = fields.get("original-message-id").unwrap_or_default().to_owned();
    Ok(Received { message_id, disposition, mic, text, signed_by })
}

/// `base64, sha-256`, in whichever spacing.
fn read_mic(text: &str) -> Option<Mic> {
    let (value, name) = text.rsplit_once(',')?;
    let value = STANDARD.decode(value.chars().filter(|c| !c.is_whitespace()).collect::<String>()).ok()?;
    Some(Mic { digest: Digest::named(name)?, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispositions_are_read_as_partners_write_them() {
        let (processed, error) = (Disposition::Processed, |text: &str| Disposition::Error(text.to_owned()));
        for (text, field, expected) in [
            ("automatic-action/MDN-sent-automatically; processed", None, processed.clone()),
            ("automatic-action/MDN-sent-automatically;Processed", None, processed),
            (
                "automatic-action/MDN-sent-automatically; processed/error: decryption-failed",
                None,
                error("decryption-failed"),
            ),
            (
                "automatic-action/MDN-sent-automatically; processed/Error:  decompresion-failed",
                None,
                error("decompresion-failed"),
            ),
            (
                "automatic-action/MDN-sent-automatically; processed/error",
                Some("authentication-failed"),
                error("authentication-failed"),
            ),
            ("a/b; processed/warning: duplicate-document", None, Disposition::Warning("duplicate-document".to_owned())),
            (
                "a/b; failed/failure=sender-equals-receiver",
                None,
                Disposition::Failed("sender-equals-receiver".to_owned()),
            ),
        ] {
            assert_eq!(Disposition::parse(text, field), Some(expected), "{text}");
        }
        assert_eq!(Disposition::parse("a/b; displayed", None), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let mic = Mic { digest: Digest::Sha256, value: vec![7; 32] };
        for disposition in [
            Disposition::Processed,
            Disposition::Warning("duplicate-document".to_owned()),
            Disposition::refused(Cause::DecryptionFailed),
            Disposition::refused(Cause::UnsupportedFormat),
        ] {
            let receipt = Receipt {
                agent: "portolan",
                receiver: "A \"B\"",
                message_id: "<1@here>",
                disposition: &disposition,
                mic: Some(&mic),
                text: "received\nso it is",
            };
            let body = receipt.write("b");
            let headers = Headers(vec![("Content-Type".to_owned(), body.content_type.clone())]);
            let found = read(&headers, &body.bytes, &[], Timestamp::UNIX_EPOCH).expect("a receipt");
            assert_eq!(found.disposition, disposition);
            assert_eq!(found.mic.as_ref(), Some(&mic));
            assert_eq!(found.text, "received\r\nso it is");
            let mics = [mic.clone()];
            assert_eq!(found.proves("1@here", &mics, false).is_ok(), disposition.is_received());
            assert!(found.proves("1@here", &mics, true).is_err(), "it is not signed");
            assert!(found.proves("2@here", &mics, false).is_err());
            let other = Mic { digest: Digest::Sha256, value: vec![8; 32] };
            assert!(found.proves("1@here", &[other], false).is_err());
        }
    }
}
