//! Certificates as far as AS2 uses them: who they name, what key they hold, from when to when they count. Trust is pinned: a
//! certificate counts because it was told to us, never because of who signed it or because a message brings it.

use super::asn1::{self, Ber, tag};
use super::crypto::{Curve, Digest, EC_PUBLIC_KEY, Failed, KeyKind, PrivateKey, RSA_ENCRYPTION, hexadecimal};
use crate::clock::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::io;

/// SubjectKeyIdentifier (RFC 5280 4.2.1.2).
pub(super) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1D, 0x0E];
/// KeyUsage (RFC 5280 4.2.1.3).
pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x0F];
/// SubjectAltName (RFC 5280 4.2.1.6).
pub(super) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
/// BOOLEAN, as whether an extension is critical.
pub(super) const BOOLEAN: u8 = 0x01;
/// Bits of KeyUsage: digitalSignature and nonRepudiation; keyEncipherment and dataEncipherment; keyAgreement.
const FOR_SIGNING: u8 = 0xC0;
const FOR_ENCRYPTING: u8 = 0x30;
const FOR_AGREEING: u8 = 0x08;
/// Attributes of names that have short ones (RFC 4514 3, and what everybody writes), by what stands behind 2.5.4.
const ATTRIBUTES: [(u8, &str); 7] =
    [(3, "CN"), (6, "C"), (7, "L"), (8, "ST"), (10, "O"), (11, "OU"), (5, "SERIALNUMBER")];
const EMAIL_ADDRESS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x01];
const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x19];
/// BMPString, and TeletexString, which is read as Latin-1.
const BMP_STRING: u8 = 0x1E;
const TELETEX_STRING: u8 = 0x14;
/// Of its names: a DNS name.
const DNS_NAME: u8 = tag::context_primitive(2);

/// Octets of a serial number. RFC 5280 4.1.2.2 has 20; some authorities take more, and nobody this many.
pub const SERIAL_OCTETS_MAX: usize = 64;

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// The contents of its INTEGER.
    pub serial: Vec<u8>,
    /// A Name, in DER.
    pub issuer: Vec<u8>,
    /// A Name, in DER.
    pub subject: Vec<u8>,
    /// SubjectPublicKeyInfo, in DER.
    pub spki: Vec<u8>,
    /// What its key is for.
    pub kind: KeyKind,
    /// From when on it counts.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// Its SubjectKeyIdentifier, if it names one.
    pub key_id: Option<Vec<u8>>,
    /// The DNS names that it is for, as servers have them.
    pub dns_names: Vec<String>,
    /// What its key is for, as it says itself: the first octet of KeyUsage; none where it says nothing.
    pub usage: Option<u8>,
}

/// A certificate of ours with its private key.
pub struct OwnKey {
    /// The certificate.
    pub certificate: Certificate,
    /// The key.
    pub private: PrivateKey,
}

impl OwnKey {
    /// A certificate and the key that belongs to it.
    ///
    /// # Errors
    /// It does not belong to it, or is none that is known.
    pub fn new(certificate: Certificate, private: &[u8]) -> Result<Self, Failed> {
        let private = PrivateKey::new(certificate.kind, private)?;
        let (_, public) = public_key(&certificate.spki).map_err(|_| Failed)?;
        if private.public()? != public {
            return Err(Failed);
        }
        Ok(OwnKey { certificate, private })
    }
}

impl Certificate {
    /// Reads one in DER.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn from_der(der: &[u8]) -> io::Result<Self> {
        let mut ber = Ber::new(der);
        ber.enter(tag::SEQUENCE)?;
        ber.enter(tag::SEQUENCE)?;
        if ber.peek()? == Some(tag::context(0)) {
            ber.pass()?;
        }
        let serial = ber.value(tag::INTEGER)?;
        if serial.len() > SERIAL_OCTETS_MAX {
            let found = serial.len();
            let text = format!("expected a serial number of at most {SERIAL_OCTETS_MAX} octets, found {found}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        ber.pass()?;
        let issuer = ber.whole()?;
        ber.enter(tag::SEQUENCE)?;
        let (not_before, not_after) = (time(&mut ber)?, time(&mut ber)?);
        ber.leave()?;
        let subject = ber.whole()?;
        let spki = ber.whole()?;
        let (kind, _) = public_key(&spki)?;
        let (mut key_id, mut dns_names, mut usage) = (None, Vec::new(), None);
        while let Some(next) = ber.peek()? {
            if next != tag::context(3) {
                ber.pass()?;
                continue;
            }
            ber.enter(next)?;
            ber.enter(tag::SEQUENCE)?;
            while ber.enter_if(tag::SEQUENCE)? {
                match &ber.value(tag::OID)?[..] {
                    SUBJECT_KEY_IDENTIFIER => {
                        let inner = ber.octet_string(tag::OCTET_STRING)?;
                        key_id = Some(Ber::new(&inner[..]).octet_string(tag::OCTET_STRING)?);
                    }
                    KEY_USAGE => {
                        if ber.peek()? == Some(BOOLEAN) {
                            ber.pass()?;
                        }
                        let inner = ber.octet_string(tag::OCTET_STRING)?;
                        let bits = Ber::new(&inner[..]).value(tag::BIT_STRING)?;
                        // The first octet counts the bits that are not used; without bits it is for nothing.
                        usage = Some(bits.get(1).copied().unwrap_or_default());
                    }
                    SUBJECT_ALT_NAME => {
                        if ber.peek()? == Some(BOOLEAN) {
                            ber.pass()?;
                        }
                        let inner = ber.octet_string(tag::OCTET_STRING)?;
                        // A message is not refused for what only servers are asked.
                        dns_names = alternative_names(&inner).unwrap_or_default();
                    }
                    _ => {}
                }
                ber.leave()?;
            }
            ber.leave()?;
            ber.leave()?;
        }
        Ok(Certificate {
            der: der.to_vec(),
            serial,
            issuer,
            subject,
            spki,
            kind,
            not_before,
            not_after,
            key_id,
            dns_names,
            usage,
        })
    }

    /// All certificates of a text with PEM blocks, or the one of DER.
    ///
    /// # Errors
    /// What is wrong with one of them; there is none.
    pub fn all(bytes: &[u8]) -> io::Result<Vec<Self>> {
        let blocks = pem(bytes);
        let found: Vec<_> = match blocks.is_empty() {
            true => vec![bytes.to_vec()],
            false => blocks.into_iter().filter(|(label, _)| label == "CERTIFICATE").map(|(_, der)| der).collect(),
        };
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "expected a block BEGIN CERTIFICATE, found none"));
        }
        found.iter().map(|der| Certificate::from_der(der)).collect()
    }

    /// In PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        written_pem("CERTIFICATE", &self.der)
    }

    /// As it was read.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of it, in lower-case hexadecimal: its name among people.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hexadecimal(&Digest::Sha256.of(&self.der))
    }

    /// Whether it counts at a time.
    #[must_use]
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.not_before <= at && at <= self.not_after
    }

    /// Its subject's common name, or the last of what the subject says.
    #[must_use]
    pub fn common_name(&self) -> String {
        let all = attributes(&self.subject).unwrap_or_default();
        let own = all.iter().find(|(name, _)| name == "CN").or(all.last());
        own.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Whom it names, as RFC 4514 writes names: `CN=ACME AS2,O=ACME,C=DE`.
    #[must_use]
    pub fn subject_name(&self) -> String {
        written_name(&self.subject)
    }

    /// Who issued it, written in the same way.
    #[must_use]
    pub fn issuer_name(&self) -> String {
        written_name(&self.issuer)
    }

    /// Its serial number in lower-case hexadecimal.
    #[must_use]
    pub fn serial_number(&self) -> String {
        hexadecimal(self.serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(&self.serial))
    }

    /// The same in decimals, as XML writes it (XML Signature 4.5.4.1).
    #[must_use]
    pub fn serial_decimal(&self) -> String {
        // The digits, the last first.
        let mut digits = vec![0u8];
        for octet in &self.serial {
            let mut carry = u32::from(*octet);
            for digit in &mut digits {
                carry += u32::from(*digit) * 256;
                *digit = (carry % 10).to_be_bytes()[3];
                carry /= 10;
            }
            while carry > 0 {
                digits.push((carry % 10).to_be_bytes()[3]);
                carry /= 10;
            }
        }
        digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
    }

    /// What its key is, and how large: `RSA 2048`, `P-256`.
    #[must_use]
    pub fn key_name(&self) -> String {
        match self.kind {
            KeyKind::Rsa => format!("RSA {}", modulus_bits(&self.spki).unwrap_or_default()),
            KeyKind::Ec(Curve::P256) => "P-256".to_owned(),
            KeyKind::Ec(Curve::P384) => "P-384".to_owned(),
            KeyKind::Ec(Curve::P521) => "P-521".to_owned(),
        }
    }

    /// Whether its key may sign, as far as it says what that is for.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.usage.is_none_or(|bits| bits & FOR_SIGNING != 0)
    }

    /// Whether it may be encrypted to, as far as it says what its key is for.
    #[must_use]
    pub fn can_be_encrypted_to(&self) -> bool {
        let wanted = if self.kind == KeyKind::Rsa { FOR_ENCRYPTING } else { FOR_AGREEING };
        self.usage.is_none_or(|bits| bits & wanted != 0)
    }
}

/// Bits of the modulus of a key of RSA.
fn modulus_bits(spki: &[u8]) -> io::Result<usize> {
    let (_, key) = public_key(spki)?;
    let mut ber = Ber::new(&key[..]);
    ber.enter(tag::SEQUENCE)?;
    let modulus = ber.value(tag::INTEGER)?;
    let leading = modulus.iter().take_while(|octet| **octet == 0).count();
    let first = modulus.get(leading).map_or(0, |octet| octet.leading_zeros());
    Ok((modulus.len() - leading) * 8 - usize::try_from(first).unwrap_or_default())
}

/// The DNS names among GeneralNames.
fn alternative_names(names: &[u8]) -> io::Result<Vec<String>> {
    let (mut ber, mut found) = (Ber::new(names), Vec::new());
    ber.enter(tag::SEQUENCE)?;
    while let Some(next) = ber.peek()? {
        match next {
            DNS_NAME => found.push(String::from_utf8_lossy(&ber.value(DNS_NAME)?).into_owned()),
            _ => ber.pass()?,
        }
    }
    Ok(found)
}

/// What a Name says, in its order: short names of attributes, or their identifiers, and values.
fn attributes(name: &[u8]) -> io::Result<Vec<(String, String)>> {
    let (mut ber, mut found) = (Ber::new(name), Vec::new());
    ber.enter(tag::SEQUENCE)?;
    while ber.enter_if(tag::SET)? {
        while ber.enter_if(tag::SEQUENCE)? {
            let kind = ber.value(tag::OID)?;
            let form = ber.peek()?.unwrap_or_default();
            let octets = if form == 0 { Vec::new() } else { ber.value(form)? };
            found.push((attribute(&kind), text(form, &octets)));
            ber.leave()?;
        }
        ber.leave()?;
    }
    Ok(found)
}

fn attribute(oid: &[u8]) -> String {
    let short = match oid {
        [0x55, 0x04, last] => ATTRIBUTES.into_iter().find_map(|(own, name)| (own == *last).then_some(name)),
        EMAIL_ADDRESS => Some("emailAddress"),
        DOMAIN_COMPONENT => Some("DC"),
        _ => None,
    };
    short.map_or_else(|| format!("OID.{}", hexadecimal(oid)), str::to_owned)
}

/// A string of ASN.1, without control characters.
fn text(form: u8, octets: &[u8]) -> String {
    let text = match form {
        BMP_STRING => {
            let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        TELETEX_STRING => octets.iter().map(|octet| char::from(*octet)).collect(),
        _ => String::from_utf8_lossy(octets).into_owned(),
    };
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A Name as RFC 4514 writes it, the last attribute first.
fn written_name(name: &[u8]) -> String {
    let escaped = |value: &str| -> String {
        let mark = |c: char| matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=');
        value.chars().flat_map(|c| mark(c).then_some('\\').into_iter().chain([c])).collect()
    };
    let all = attributes(name).unwrap_or_default();
    let written: Vec<_> = all.iter().rev().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    written.join(",")
}

/// What a SubjectPublicKeyInfo holds, and the contents of its bit string.
pub(super) fn public_key(spki: &[u8]) -> io::Result<(KeyKind, Vec<u8>)> {
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, "expected a key of RSA or of P-256, P-384 or P-521");
    let mut ber = Ber::new(spki);
    ber.enter(tag::SEQUENCE)?;
    ber.enter(tag::SEQUENCE)?;
    let algorithm = ber.value(tag::OID)?;
    let kind = match &algorithm[..] {
        RSA_ENCRYPTION => KeyKind::Rsa,
        EC_PUBLIC_KEY => {
            let curve = ber.value(tag::OID)?;
            KeyKind::Ec(Curve::ALL.into_iter().find(|known| known.oid() == curve).ok_or_else(unknown)?)
        }
        _ => return Err(unknown()),
    };
    ber.leave()?;
    // The first octet counts the bits that are not used: none.
    let bits = ber.value(tag::BIT_STRING)?;
    Ok((kind, bits.get(1..).ok_or_else(unknown)?.to_vec()))
}

/// The years that UTCTime can write (RFC 5280 4.1.2.5, RFC 5652 11.3).
const UTC_YEARS: std::ops::Range<i16> = 1950..2050;

/// UTCTime, or GeneralizedTime where the year needs it.
pub(super) fn written_time(at: Timestamp) -> Vec<u8> {
    let at = at.to_zoned(TimeZone::UTC);
    let (tag, form) = match UTC_YEARS.contains(&at.year()) {
        true => (tag::UTC_TIME, "%y%m%d%H%M%SZ"),
        false => (tag::GENERALIZED_TIME, "%Y%m%d%H%M%SZ"),
    };
    asn1::element(tag, at.strftime(form).to_string().as_bytes())
}

/// UTCTime or GeneralizedTime, in seconds and Zulu as RFC 5280 4.1.2.5 has them.
pub(super) fn time<R: io::Read>(ber: &mut Ber<R>) -> io::Result<Timestamp> {
    let wrong = |text: &str| io::Error::new(io::ErrorKind::InvalidData, format!("expected a time, found {text:?}"));
    let tag = ber.peek()?.unwrap_or_default();
    let text = String::from_utf8_lossy(&ber.value(tag)?).into_owned();
    let long = match (tag, text.get(..2).and_then(|year| year.parse::<u8>().ok())) {
        (tag::UTC_TIME, Some(0..50)) => format!("20{text}"),
        (tag::UTC_TIME, Some(_)) => format!("19{text}"),
        (tag::GENERALIZED_TIME, _) => text.clone(),
        _ => return Err(wrong(&text)),
    };
    let long = long.split(['.', 'Z']).next().unwrap_or_default();
    let parsed = DateTime::strptime("%Y%m%d%H%M%S", long).map_err(|_| wrong(&text))?;
    // A year of 9999 is how endless ones are written; it is beyond no calendar of ours.
    Ok(TimeZone::UTC.to_timestamp(parsed).unwrap_or(Timestamp::MAX))
}

/// Characters of a line of PEM (RFC 7468 2).
const PEM_COLUMNS: usize = 64;

/// A block of PEM (RFC 7468).
#[must_use]
pub fn written_pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let packed = STANDARD.encode(der);
    let mut rest = &packed[..];
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(PEM_COLUMNS));
        text.push_str(line);
        text.push('\n');
        rest = behind;
    }
    text + &format!("-----END {label}-----\n")
}

/// The blocks of a text of PEM (RFC 7468): what each is called, and its bytes.
#[must_use]
pub fn pem(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut rest = &text[..];
    while let Some((_, behind)) = rest.split_once("-----BEGIN ") {
        let Some((label, behind)) = behind.split_once("-----") else { break };
        let Some((body, behind)) = behind.split_once("-----END ") else { break };
        let packed: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        if let Ok(der) = STANDARD.decode(packed) {
            found.push((label.to_owned(), der));
        }
        rest = behind;
    }
    found
}

/// The first private key of a text of PEM, or DER as it is.
#[must_use]
pub fn private_key(bytes: &[u8]) -> Option<Vec<u8>> {
    let blocks = pem(bytes);
    if blocks.is_empty() {
        return Some(bytes.to_vec());
    }
    let is_key = |label: &str| label.ends_with("PRIVATE KEY") && !label.starts_with("ENCRYPTED");
    blocks.into_iter().find(|(label, _)| is_key(label)).map(|(_, der)| der)
}

/// Issuer and serial number, which name a certificate (RFC 5652 10.2.4).
#[must_use]
pub fn issuer_and_serial(certificate: &Certificate) -> Vec<u8> {
    asn1::sequence(&[&certificate.issuer, &asn1::element(tag::INTEGER, &certificate.serial)])
}
