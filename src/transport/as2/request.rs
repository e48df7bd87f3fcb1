//! A new key of ours and a request for its certificate (PKCS#10, RFC 2986), which goes to an authority. What the authority
//! makes of it comes back as a file (`keystore`); here nothing is sent, and no answer awaited.

use super::asn1::{element, number, sequence, set, tag};
use super::certificate::{KEY_USAGE, SUBJECT_ALT_NAME, written_pem};
use super::crypto::{Failed, PrivateKey};
use super::self_signed::{COMMON_NAME_CHARACTERS_MAX, NewKey, Signing, extension, generated, named};
use std::net::IpAddr;

/// Characters of organisation, unit, place (RFC 5280, ub-organization-name; ub-locality-name is 128).
pub const ATTRIBUTE_CHARACTERS_MAX: usize = 64;
/// Names beside the subject.
pub const ALTERNATIVE_NAMES_MAX: usize = 100;
/// Characters of one of them.
pub const ALTERNATIVE_NAME_CHARACTERS_MAX: usize = 255;

const UTF8_STRING: u8 = 0x0C;
const PRINTABLE_STRING: u8 = 0x13;
/// extensionRequest (RFC 2985 5.4.2).
const EXTENSION_REQUEST: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x0E];

/// Whom the certificate is to name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// CN.
    pub common_name: String,
    /// O.
    pub organization: Option<String>,
    /// OU.
    pub unit: Option<String>,
    /// L.
    pub locality: Option<String>,
    /// ST.
    pub state: Option<String>,
    /// C: two letters of ISO 3166.
    pub country: Option<String>,
}

/// A name beside the subject (RFC 5280 4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlternativeName {
    /// Of a host.
    Dns(String),
    /// An address of e-mail.
    Email(String),
    /// An address of IP.
    Ip(IpAddr),
    /// A URI.
    Uri(String),
}

/// A key and the request for its certificate.
pub struct Requested {
    /// The request in PEM, for the authority.
    pub request_pem: String,
    /// The private key as PKCS#8, in PEM: a secret.
    pub key_pem: String,
    /// The key.
    pub key: PrivateKey,
}

impl Subject {
    /// The Name, country first.
    fn name(&self) -> Result<Vec<u8>, Failed> {
        let is_fit = |text: &str, most: usize| !text.is_empty() && text.chars().count() <= most;
        let all = [
            (6, &self.country),
            (8, &self.state),
            (7, &self.locality),
            (10, &self.organization),
            (11, &self.unit),
            (3, &Some(self.common_name.clone())),
        ];
        let mut parts = Vec::new();
        for (attribute, value) in all {
            let Some(value) = value else { continue };
            let most = if attribute == 3 { COMMON_NAME_CHARACTERS_MAX } else { ATTRIBUTE_CHARACTERS_MAX };
            let is_country = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase());
            if !is_fit(value, most) || (attribute == 6 && !is_country) {
                return Err(Failed);
            }
            parts.extend(named(attribute, if attribute == 6 { PRINTABLE_STRING } else { UTF8_STRING }, value));
        }
        Ok(element(tag::SEQUENCE, &parts))
    }
}

impl AlternativeName {
    fn written(&self) -> Result<Vec<u8>, Failed> {
        let (place, text) = match self {
            AlternativeName::Email(text) => (1, text),
            AlternativeName::Dns(text) => (2, text),
            AlternativeName::Uri(text) => (6, text),
            AlternativeName::Ip(IpAddr::V4(ip)) => return Ok(element(tag::context_primitive(7), &ip.octets())),
            AlternativeName::Ip(IpAddr::V6(ip)) => return Ok(element(tag::context_primitive(7), &ip.octets())),
        };
        let is_fit = (1..=ALTERNATIVE_NAME_CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_fit { Ok(element(tag::context_primitive(place), text.as_bytes())) } else { Err(Failed) }
    }
}

/// Makes a key, and asks for a certificate of it.
///
/// # Errors
/// The provider failed, or a name is empty, too long or of other characters than it may have.
pub fn request(subject: &Subject, beside: &[AlternativeName], key: NewKey) -> Result<Requested, Failed> {
    if beside.len() > ALTERNATIVE_NAMES_MAX {
        return Err(Failed);
    }
    let name = subject.name()?;
    let beside = beside.iter().map(AlternativeName::written).collect::<Result<Vec<_>, _>>()?.concat();
    let (private, spki) = generated(key)?;
    let signing = Signing::of(private.kind());
    let mut extensions = extension(KEY_USAGE, true, &element(tag::BIT_STRING, &signing.usage));
    if !beside.is_empty() {
        extensions.extend(extension(SUBJECT_ALT_NAME, false, &element(tag::SEQUENCE, &beside)));
    }
    let wanted = set(vec![element(tag::SEQUENCE, &extensions)]);
    let attribute = sequence(&[&element(tag::OID, EXTENSION_REQUEST), &wanted]);
    let body = sequence(&[&number(0), &name, &spki, &element(tag::context(0), &attribute)]);
    let der = signing.signed(&private, &body)?;
    Ok(Requested {
        request_pem: written_pem("CERTIFICATE REQUEST", &der),
        key_pem: written_pem("PRIVATE KEY", private.pkcs8()),
        key: private,
    })
}
