//! Certificate exchange messages (draft-meadors-certificate-exchange-14): a partner says in a message which certificate it will
//! use for what, and is answered whether it is taken. Read and answered here; requests of our own are not made, chains of trust
//! and certificates of TLS are passed over. Whether a certificate is taken is a person's to say.

use super::certificate::Certificate;
use super::keystore;
use super::mime::{Base64, Parameters};
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
    Response(String),
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
        return Ok(Exchange::Response(id));
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
    let content_type = format!("multipart/related; type=\"{CONTENT_TYPE}\"; boundary=\"{boundary}\"");
    Body { content_type, bytes: bytes.into_bytes() }
}
