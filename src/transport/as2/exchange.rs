//! Certificate exchange messages (draft-meadors-certificate-exchange-14): a partner says in a message which certificate it will
//! use for what, and is answered whether it is taken. Read and written here, both ways; chains of trust and certificates of TLS
//! are passed over. Whether a certificate is taken is a person's to say.

use super::certificate::Certificate;
use super::keystore;
use super::mime::{Base64, Parameters, base64_lines};
use super::receipt::{Body, parts, split};
use crate::clock::Timestamp;
use crate::codec::xml::{Element, Outline, escaped, outline};
use std::io::Read as _;

/// The media type of what is said (section 4).
pub const CONTENT_TYPE: &str = "application/ediint-cert-exchange+xml";
/// Bytes of such a message.
pub const EXCHANGE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a certificate in it; no more of one are kept.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Certificates of a request.
pub const CERTIFICATES_MAX: usize = 16;
const NAMESPACE: &str = "urn:ietf:params:xml:ns:ediintcertificateexchange";
const REQUEST: &str = "EDIINTCertificateExchangeRequest";
const RESPONSE: &str = "EDIINTCertificateExchangeResponse";
/// Characters of what a stranger's text may have.
const TEXT_CHARACTERS_MAX: usize = 512;
/// Uses that are ours: of signatures and of encryption (section 3.2); those of TLS are not.
const USES: [&str; 2] = ["digitalSignature", "keyEncipherment"];

/// Whether a content type is that of a certificate exchange message.
#[must_use]
pub fn is(content_type: &str) -> bool {
    let said = Parameters::parse(content_type);
    said.value == CONTENT_TYPE
        || said.value == "multipart/related"
            && said.get("type").is_some_and(|one| one.eq_ignore_ascii_case(CONTENT_TYPE))
}

/// How a request names a certificate, to be said again in the answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reference {
    /// Of the request: `requestId`.
    pub request: String,
    /// `X509IssuerName`, as it was written.
    pub issuer: String,
    /// `X509SerialNumber`, as it was written.
    pub serial: String,
    /// For what, each once: `digitalSignature`, `keyEncipherment`.
    pub uses: Vec<String>,
    /// Until when an answer is wanted, as it was written.
    pub respond_by: Option<String>,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// Certificates that the partner will use.
    Request(Vec<(Reference, Certificate)>),
    /// An answer to a request of this id.
    Response(String, Vec<Said>),
}

/// What an answer says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `X509SerialNumber`, as it was written.
    pub serial: String,
    /// Whether it is taken.
    pub is_accepted: bool,
    /// Why it is not.
    pub reason: Option<String>,
}

/// A part of the message, by its Content-ID.
struct Part {
    id: String,
    content_type: String,
    content: Vec<u8>,
}

/// Content-ID without its brackets and `cid:`.
fn bare(id: &str) -> &str {
    let id = id.trim().trim_start_matches("cid:");
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

fn all_parts(content_type: &str, body: &[u8]) -> std::io::Result<Vec<Part>> {
    let said = Parameters::parse(content_type);
    if said.value == CONTENT_TYPE {
        return Ok(vec![Part { id: String::new(), content_type: said.value, content: body.to_vec() }]);
    }
    let mut found = Vec::new();
    // The text, and a part for each certificate.
    for part in parts(said.get("boundary").unwrap_or_default(), body, CERTIFICATES_MAX + 1)? {
        let (headers, content) = split(&part)?;
        let mut plain = Vec::new();
        match headers.is_base64() {
            true => drop(Base64::new(content).read_to_end(&mut plain)?),
            false => plain = content.to_vec(),
        }
        let id = bare(headers.get("content-id").unwrap_or_default()).to_owned();
        found.push(Part { id, content_type: headers.content_type().value, content: plain });
    }
    Ok(found)
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARACTERS_MAX).collect()
}

/// Reads such a message, as its layers held it.
///
/// # Errors
/// What was expected, and what was found.
pub fn read(content_type: &str, body: &[u8]) -> Result<Exchange, String> {
    if body.len() > EXCHANGE_BYTES_MAX {
        return Err(format!("expected at most {EXCHANGE_BYTES_MAX} bytes, found {}", body.len()));
    }
    let parts = all_parts(content_type, body).map_err(|error| error.to_string())?;
    let text = parts.iter().find(|part| part.content_type == CONTENT_TYPE);
    let text = text.ok_or_else(|| format!("expected a part of type {CONTENT_TYPE}, found none"))?;
    let text = std::str::from_utf8(&text.content).map_err(|_| "expected XML in UTF-8".to_owned())?;
    let said = outline(text, |_| true);
    if said.is_broken || said.is_cut {
        let why = if said.is_cut { "more elements than are read" } else { "XML that is not well-formed or breaks off" };
        return Err(format!("expected a whole document of XML, found {why}"));
    }
    let [namespace, root] = &said.root;
    if namespace != NAMESPACE || ![REQUEST, RESPONSE].contains(&root.as_str()) {
        return Err(format!("expected {REQUEST} or {RESPONSE} of {NAMESPACE}, found {root} of {namespace}"));
    }
    let id = said.at("").map(|root| shortened(root.attribute("requestId"))).unwrap_or_default();
    if id.is_empty() {
        return Err("expected an attribute requestId, found none".to_owned());
    }
    if root == RESPONSE {
        return Ok(Exchange::Response(id, answers(&said)?));
    }
    let mut found = Vec::new();
    for (number, _) in said.elements.iter().enumerate().filter(|(_, one)| one.path == "TrustRequest") {
        if found.len() == CERTIFICATES_MAX {
            return Err(format!("expected at most {CERTIFICATES_MAX} certificates, found more"));
        }
        if let Some(one) = wanted(&said, number, &id, &parts)? {
            found.push(one);
        }
    }
    if found.is_empty() {
        return Err("expected a TrustRequest for signatures or encryption, found none".to_owned());
    }
    Ok(Exchange::Request(found))
}

/// What an answer says of each certificate.
fn answers(said: &Outline) -> Result<Vec<Said>, String> {
    let text = |one: Option<(usize, &Element)>| one.map(|(_, one)| shortened(&one.text)).unwrap_or_default();
    let mut found = Vec::new();
    for (number, _) in said.elements.iter().enumerate().filter(|(_, one)| one.path == "TrustResponse") {
        if found.len() == CERTIFICATES_MAX {
            return Err(format!("expected answers about at most {CERTIFICATES_MAX} certificates, found more"));
        }
        let is_accepted = match text(inner(said, number, "CertStatus")).as_str() {
            "Accepted" => true,
            "Rejected" => false,
            other => return Err(format!("expected a CertStatus of Accepted or Rejected, found {other:?}")),
        };
        let reference = inner(said, number, "CertificateReference").map(|(at, _)| at);
        let serial = reference.map(|at| text(inner(said, at, "X509SerialNumber"))).unwrap_or_default();
        let reason = Some(text(inner(said, number, "ReasonForRejection"))).filter(|text| !text.is_empty());
        found.push(Said { serial, is_accepted, reason });
    }
    Ok(found)
}

/// The first element of a name in another.
fn inner<'o>(said: &'o Outline, parent: usize, name: &'o str) -> Option<(usize, &'o Element)> {
    said.within(parent, name).next()
}

/// One TrustRequest; none where it is for TLS only.
fn wanted(
    said: &Outline,
    number: usize,
    request: &str,
    parts: &[Part],
) -> Result<Option<(Reference, Certificate)>, String> {
    let text = |one: Option<(usize, &Element)>| one.map(|(_, one)| shortened(&one.text)).unwrap_or_default();
    let is_used = |own: &&str| said.within(number, "CertUsage").any(|(_, one)| one.text == *own);
    let uses: Vec<String> = USES.iter().filter(|own| is_used(own)).map(|own| (*own).to_owned()).collect();
    if uses.is_empty() {
        return Ok(None);
    }
    let none = |what: &str| format!("expected {what} in a TrustRequest, found none");
    let (entity, _) = inner(said, number, "EndEntity").ok_or_else(|| none("EndEntity"))?;
    let id = text(inner(said, entity, "CertificateContentID"));
    let part = parts.iter().find(|part| !id.is_empty() && part.id == bare(&id));
    let part = part.ok_or_else(|| format!("expected a part with the Content-ID {id:?}, found none"))?;
    let held = keystore::certificates(&part.content, CERTIFICATE_BYTES_MAX);
    let held = held.map_err(|error| format!("the certificate {id:?}: {error}"))?;
    let named = inner(said, entity, "CertificateIdentifier").map(|(at, _)| at);
    let name = |key: &str| named.map(|at| text(inner(said, at, key))).unwrap_or_default();
    let serial = name("X509SerialNumber");
    let leaves = held.leaves();
    let is_named = |one: &&&keystore::FoundCertificate| one.certificate.serial_decimal() == serial;
    let one = match &leaves[..] {
        [one] if serial.is_empty() => one,
        all if serial.is_empty() => {
            let count = all.len();
            return Err(format!(
                "expected an X509SerialNumber that says which of {count} certificates is meant, found none"
            ));
        }
        all => all.iter().find(is_named).ok_or_else(|| {
            format!("expected a certificate with the serial number {serial} in the part {id:?}, found none")
        })?,
    };
    let certificate = one.certificate.clone();
    let issuer = Some(name("X509IssuerName")).filter(|text| !text.is_empty());
    let reference = Reference {
        request: request.to_owned(),
        issuer: issuer.unwrap_or_else(|| certificate.issuer_name()),
        serial: if serial.is_empty() { certificate.serial_decimal() } else { serial },
        uses,
        respond_by: Some(text(inner(said, number, "RespondByDate"))).filter(|text| !text.is_empty()),
    };
    Ok(Some((reference, certificate)))
}

/// What a request of ours says.
pub struct Asked<'a> {
    /// Our name of AS2.
    pub name: &'a str,
    /// `requestId`, by which its answer is known.
    pub request: &'a str,
    /// Until when an answer is wanted.
    pub respond_by: Timestamp,
    /// Where the answer goes.
    pub respond_to: &'a str,
    /// The certificate that we will use, for what its key is.
    pub certificate: &'a Certificate,
}

/// A request (section 3.2) with the certificate beside it, under a boundary.
#[must_use]
pub fn request(asked: &Asked<'_>, now: Timestamp, boundary: &str) -> Body {
    let Asked { name, request, respond_by, respond_to, certificate } = asked;
    let uses = [certificate.can_sign(), certificate.can_be_encrypted_to()].into_iter().zip(USES);
    let uses: String =
        uses.filter(|(is_for, _)| *is_for).map(|(_, word)| format!("<CertUsage>{word}</CertUsage>\r\n    ")).collect();
    let id = format!("certificate.{}@portolan", &certificate.fingerprint()[..16]);
    let time = |at: &Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
         <{REQUEST} xmlns=\"{NAMESPACE}\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" requestId=\"{}\">\r\n  \
         <TradingPartnerInfo>\r\n    <Name qualifier=\"AS2\">{}</Name>\r\n    \
         <MessageOriginated>{}</MessageOriginated>\r\n  </TradingPartnerInfo>\r\n  \
         <TrustRequest>\r\n    {uses}<RespondByDate>{}</RespondByDate>\r\n    <ResponseURL>{}</ResponseURL>\r\n    \
         <EndEntity>\r\n      <CertificateIdentifier>\r\n        <ds:X509IssuerName>{}</ds:X509IssuerName>\r\n        \
         <ds:X509SerialNumber>{}</ds:X509SerialNumber>\r\n      </CertificateIdentifier>\r\n      \
         <CertificateContentID>{id}</CertificateContentID>\r\n    </EndEntity>\r\n  </TrustRequest>\r\n</{REQUEST}>\r\n",
        escaped(request),
        escaped(name),
        time(&now),
        time(respond_by),
        escaped(respond_to),
        escaped(&certificate.issuer_name()),
        certificate.serial_decimal(),
    );
    let head = format!(
        "--{boundary}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-ID: <request@portolan>\r\n\r\n{text}\r\n--{boundary}\r\n\
         Content-Type: application/pkcs7-mime; smime-type=certs-only\r\nContent-Transfer-Encoding: base64\r\n\
         Content-ID: <{id}>\r\nContent-Disposition: attachment; filename=\"certificate.p7c\"\r\n\r\n"
    );
    let packed = base64_lines(&keystore::pkcs7(&[certificate]));
    let end = format!("\r\n--{boundary}--\r\n");
    let bytes = [head.as_bytes(), packed.trim_ascii_end(), end.as_bytes()].concat();
    Body { content_type: content_type(boundary), bytes }
}

fn content_type(boundary: &str) -> String {
    format!("multipart/related; type=\"{CONTENT_TYPE}\"; boundary=\"{boundary}\"")
}

/// What is answered for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It counts from now on.
    Accepted,
    /// It does not, and why.
    Rejected(&'a str),
}

/// The answer to a request (section 3.3), under a boundary; `name` is ours, of AS2.
#[must_use]
pub fn response(name: &str, reference: &Reference, answer: Answer<'_>, now: Timestamp, boundary: &str) -> Body {
    let said = match answer {
        Answer::Accepted => "<CertStatus>Accepted</CertStatus>".to_owned(),
        Answer::Rejected(why) => format!(
            "<CertStatus>Rejected</CertStatus>\r\n    <ReasonForRejection>{}</ReasonForRejection>",
            escaped(why)
        ),
    };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
         <{RESPONSE} xmlns=\"{NAMESPACE}\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" requestId=\"{}\">\r\n  \
         <TradingPartnerInfo>\r\n    <Name qualifier=\"AS2\">{}</Name>\r\n    \
         <MessageOriginated>{}</MessageOriginated>\r\n  </TradingPartnerInfo>\r\n  \
         <TrustResponse>\r\n    {said}\r\n    <CertificateReference>\r\n      \
         <ds:X509IssuerName>{}</ds:X509IssuerName>\r\n      \
         <ds:X509SerialNumber>{}</ds:X509SerialNumber>\r\n    \
         </CertificateReference>\r\n  </TrustResponse>\r\n</{RESPONSE}>\r\n",
        escaped(&reference.request),
        escaped(name),
        now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        escaped(&reference.issuer),
        escaped(&reference.serial),
    );
    let bytes = format!(
        "--{boundary}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-ID: <response@portolan>\r\n\r\n{text}\r\n--{boundary}--\r\n"
    );
    Body { content_type: content_type(boundary), bytes: bytes.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::as2::self_signed::{NewKey, self_signed};

    /// The elements of a request in the order of the schema (draft-meadors-certificate-exchange-14, appendix), each once.
    #[test]
    fn a_request_is_as_its_schema_has_it_and_is_read_again() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().expect("a time");
        let made = self_signed("A & B", NewKey::P256, (now, now), &crate::id::SystemRandom).expect("a key");
        let certificate = Certificate::all(made.certificate_pem.as_bytes()).expect("a certificate").remove(0);
        let respond_to = "https://as2.example/as2?a=1&b=2";
        let asked = Asked { name: "A & B", request: "1@test", respond_by: now, respond_to, certificate: &certificate };
        let body = request(&asked, now, "=_b");
        assert!(is(&body.content_type), "{}", body.content_type);
        let text = String::from_utf8(body.bytes.clone()).expect("ASCII");
        let xml = text.split_once("<?xml").and_then(|(_, rest)| rest.split_once("\r\n--=_b")).expect("a part").0;
        let names: Vec<&str> = xml
            .split('<')
            .skip(1)
            .filter(|tag| !tag.starts_with('/'))
            .map(|tag| tag.split([' ', '>']).next().unwrap_or_default())
            .collect();
        let wanted = "EDIINTCertificateExchangeRequest TradingPartnerInfo Name MessageOriginated TrustRequest CertUsage \
                      RespondByDate ResponseURL EndEntity CertificateIdentifier ds:X509IssuerName ds:X509SerialNumber \
                      CertificateContentID";
        assert_eq!(names.join(" ").replace("CertUsage CertUsage", "CertUsage"), wanted);
        for told in [
            "xmlns=\"urn:ietf:params:xml:ns:ediintcertificateexchange\"",
            "<Name qualifier=\"AS2\">A &amp; B</Name>",
            "<MessageOriginated>2026-11-27T10:00:00Z<",
            "<ResponseURL>https://as2.example/as2?a=1&amp;b=2<",
        ] {
            assert!(xml.contains(told), "no {told}: {xml}");
        }
        assert!(text.contains("Content-Type: application/pkcs7-mime; smime-type=certs-only"), "{text}");
        match read(&body.content_type, &body.bytes) {
            Ok(Exchange::Request(found)) => {
                assert_eq!(found.len(), 1);
                assert_eq!((&found[0].1, found[0].0.request.as_str()), (&certificate, "1@test"));
                assert_eq!(found[0].0.serial, certificate.serial_decimal());
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_answered_is_read_again() {
        let reference = Reference {
            request: "1@test".to_owned(),
            issuer: "CN=A".to_owned(),
            serial: "7".to_owned(),
            uses: Vec::new(),
            respond_by: None,
        };
        let said = |answer| {
            let body = response("B", &reference, answer, Timestamp::UNIX_EPOCH, "=_b");
            read(&body.content_type, &body.bytes)
        };
        let one = |is_accepted, reason: Option<&str>| {
            let said = Said { serial: "7".to_owned(), is_accepted, reason: reason.map(str::to_owned) };
            Ok(Exchange::Response("1@test".to_owned(), vec![said]))
        };
        assert_eq!(said(Answer::Accepted), one(true, None));
        assert_eq!(said(Answer::Rejected("a < b")), one(false, Some("a < b")));
        let body = response("B", &reference, Answer::Accepted, Timestamp::UNIX_EPOCH, "=_b");
        let changed = String::from_utf8(body.bytes).expect("text").replace("Accepted", "Perhaps");
        let refused = read(&body.content_type, changed.as_bytes()).expect_err("it says nothing");
        assert!(refused.contains("CertStatus of Accepted or Rejected, found \"Perhaps\""), "{refused}");
    }
}
