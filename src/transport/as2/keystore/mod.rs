//! Files in which certificates and private keys travel: PEM, DER, PKCS#7, PKCS#12, PKCS#8 sealed and not, the older forms of
//! keys, and the keystore of Java. What a file is, its first bytes tell and never its name. Whether a certificate is to be
//! trusted is not decided here. What is read and can't be used is named, with the command that makes something else of it.

mod foreign;
mod jks;
mod key;
pub mod password;
mod pkcs12;
mod pkcs7;

pub use pkcs7::write as pkcs7;
pub use pkcs12::write as pkcs12;

use self::password::Rounds;
use super::asn1::{Ber, tag};
use super::certificate::{Certificate, public_key};
use super::cms;
use super::crypto::PrivateKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;

/// Bytes of a file.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Certificates of a file.
pub const CERTIFICATES_MAX: usize = 1000;
/// Private keys of a file.
pub const KEYS_MAX: usize = 100;
/// Characters of the name that a file gives to what stands in it.
pub const NAME_CHARACTERS_MAX: usize = 128;

/// What blocks of PEM are called that hold certificates.
const CERTIFICATE_LABELS: [&str; 5] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "PKCS7", "CMS"];

/// A certificate of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCertificate {
    /// What the file calls it: friendlyName, the alias of a keystore.
    pub name: Option<String>,
    /// It.
    pub certificate: Certificate,
}

/// A private key of a file.
pub struct FoundKey {
    /// What the file calls it.
    pub name: Option<String>,
    /// It.
    pub key: PrivateKey,
}

/// What stands in files.
#[derive(Default)]
pub struct Found {
    /// Certificates, in their order, each once.
    pub certificates: Vec<FoundCertificate>,
    /// Private keys.
    pub keys: Vec<FoundKey>,
    /// Rounds that its key derivations asked for.
    rounds: Rounds,
    /// Bytes of a certificate, where few are wanted.
    certificate_bytes_max: Option<usize>,
}

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is sealed, and no password was given.
    #[error("it is sealed by a password, and none was given")]
    PasswordNeeded,
    /// The password that was given is another.
    #[error("the password is wrong: what it opens is not what was sealed")]
    PasswordWrong,
    /// What was expected, what was found, and what to do.
    #[error("{0}")]
    Unfit(String),
}

impl Unread {
    /// A form that is known by name only.
    fn unknown(what: &str) -> Self {
        Unread::Unfit(format!(
            "found {what}, which is not read here; `openssl pkcs12 -in FILE -nodes | openssl pkcs12 -export -out NEW.p12` \
             makes a file that is (with -legacy behind the first pkcs12 for old ones)"
        ))
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Unread::Unfit(format!("it is damaged or cut off: {error}"))
    }
}

/// Reads a file; `password` where it is sealed, which an empty one may do as well.
///
/// # Errors
/// [`Unread`]: it is none of those that are known, is damaged, or the password does not open it.
pub fn read(bytes: &[u8], password: Option<&str>) -> Result<Found, Unread> {
    if bytes.len() > FILE_BYTES_MAX {
        let size = bytes.len();
        return Err(Unread::Unfit(format!("expected a file of at most {FILE_BYTES_MAX} bytes, found {size}")));
    }
    let mut found = Found::default();
    if let Some(blocks) = foreign::blocks(bytes)? {
        for block in &blocks {
            found.block(block, password)?;
        }
        if found.certificates.is_empty() && found.keys.is_empty() {
            return Err(foreign::only(&blocks));
        }
        return Ok(found);
    }
    if jks::is(bytes) {
        jks::read(bytes, password, &mut found)?;
        return Ok(found);
    }
    let unpacked = foreign::bare_base64(bytes);
    found.der(unpacked.as_deref().unwrap_or(bytes), password)?;
    Ok(found)
}

/// Reads certificates alone, as somebody sends them who is not to make us work: PEM, DER and PKCS#7. Nothing that is sealed is
/// opened, and no certificate of more than `bytes_max` bytes is looked at.
///
/// # Errors
/// [`Unread::Unfit`]: it is of another form, is damaged, or holds no certificate or one that is too large.
pub fn certificates(bytes: &[u8], bytes_max: usize) -> Result<Found, Unread> {
    let mut found = Found { certificate_bytes_max: Some(bytes_max), ..Found::default() };
    let others = || Unread::Unfit("expected a certificate, or a PKCS#7 of certificates, found another form".to_owned());
    match foreign::blocks(bytes)? {
        Some(blocks) => {
            for block in blocks.iter().filter(|block| CERTIFICATE_LABELS.contains(&block.label.as_str())) {
                found.block(block, None)?;
            }
        }
        None => {
            let unpacked = foreign::bare_base64(bytes);
            let der = unpacked.as_deref().unwrap_or(bytes);
            match form(der) {
                Form::Certificate | Form::Pkcs7 => found.der(der, None)?,
                _ => return Err(others()),
            }
        }
    }
    if found.certificates.is_empty() {
        return Err(others());
    }
    Ok(found)
}

/// What a DER file is, as far as its first elements tell.
enum Form {
    Certificate,
    Pkcs7,
    Pkcs12,
    Key,
    SealedKey,
    Request,
    PublicKey,
    RevocationList,
    Unknown,
}

/// The tags of the first elements within, and within the first of them.
fn form(der: &[u8]) -> Form {
    let tags = |ber: &mut Ber<&[u8]>| -> Option<Vec<u8>> {
        let mut found = Vec::new();
        while let Some(tag) = ber.peek().ok()?.filter(|_| found.len() < 4) {
            found.push(tag);
            ber.pass().ok()?;
        }
        Some(found)
    };
    let inside = |depth: usize| -> Option<Vec<u8>> {
        let mut ber = Ber::new(der);
        for _ in 0..depth {
            ber.enter(tag::SEQUENCE).ok()?;
        }
        tags(&mut ber)
    };
    const VERSIONED: u8 = tag::context(0);
    let (outer, inner) = (inside(1).unwrap_or_default(), inside(2).unwrap_or_default());
    match (&outer[..], &inner[..]) {
        ([tag::OID, VERSIONED], _) => Form::Pkcs7,
        ([tag::INTEGER, tag::SEQUENCE, tag::OCTET_STRING, ..], _) => Form::Key,
        ([tag::INTEGER, tag::INTEGER, ..] | [tag::INTEGER, tag::OCTET_STRING, ..], _) => Form::Key,
        ([tag::INTEGER, tag::SEQUENCE] | [tag::INTEGER, tag::SEQUENCE, tag::SEQUENCE], _) => Form::Pkcs12,
        ([tag::SEQUENCE, tag::OCTET_STRING], [tag::OID, ..]) => Form::SealedKey,
        ([tag::SEQUENCE, tag::BIT_STRING], [tag::OID, ..]) => Form::PublicKey,
        ([tag::SEQUENCE, tag::SEQUENCE, tag::BIT_STRING], inner) => match inner {
            [tag::INTEGER, tag::SEQUENCE, tag::SEQUENCE, VERSIONED] => Form::Request,
            // Of a list, a time stands third: its issuer and the algorithm come first.
            [tag::INTEGER, tag::SEQUENCE, tag::SEQUENCE, tag::UTC_TIME | tag::GENERALIZED_TIME]
            | [tag::SEQUENCE, tag::SEQUENCE, tag::UTC_TIME | tag::GENERALIZED_TIME, ..] => Form::RevocationList,
            _ => Form::Certificate,
        },
        _ => Form::Unknown,
    }
}

impl Found {
    fn certificate(&mut self, name: Option<String>, der: &[u8]) -> Result<(), Unread> {
        if let Some(most) = self.certificate_bytes_max.filter(|most| der.len() > *most) {
            let size = der.len();
            return Err(Unread::Unfit(format!("expected a certificate of at most {most} bytes, found one of {size}")));
        }
        let certificate = Certificate::from_der(der)
            .map_err(|error| Unread::Unfit(format!("it holds a certificate that cannot be used: {error}")))?;
        if self.certificates.iter().any(|one| one.certificate == certificate) {
            return Ok(());
        }
        if self.certificates.len() == CERTIFICATES_MAX {
            return Err(Unread::Unfit(format!("expected at most {CERTIFICATES_MAX} certificates, found more")));
        }
        self.certificates.push(FoundCertificate { name: name.map(shortened), certificate });
        Ok(())
    }

    fn key(&mut self, name: Option<String>, der: &[u8]) -> Result<(), Unread> {
        if self.keys.len() == KEYS_MAX {
            return Err(Unread::Unfit(format!("expected at most {KEYS_MAX} private keys, found more")));
        }
        self.keys.push(FoundKey { name: name.map(shortened), key: key::read(der)? });
        Ok(())
    }

    fn block(&mut self, block: &foreign::Block, password: Option<&str>) -> Result<(), Unread> {
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => self.certificate(None, &block.bytes),
            // OpenSSL writes behind the certificate what it is trusted for.
            "TRUSTED CERTIFICATE" => self.certificate(None, &Ber::new(&block.bytes[..]).whole()?),
            "PKCS7" | "CMS" => pkcs7::read(&block.bytes, self),
            "ENCRYPTED PRIVATE KEY" => self.sealed_key(&block.bytes, password),
            _ if block.is_sealed => Err(foreign::sealed_traditional(&block.label)),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => self.key(None, &block.bytes),
            _ => Ok(()),
        }
    }

    fn sealed_key(&mut self, der: &[u8], password: Option<&str>) -> Result<(), Unread> {
        let plain = key::unsealed(der, password.ok_or(Unread::PasswordNeeded)?, &mut self.rounds)?;
        self.key(None, &plain)
    }

    fn der(&mut self, der: &[u8], password: Option<&str>) -> Result<(), Unread> {
        match form(der) {
            Form::Certificate => self.certificate(None, der),
            Form::Pkcs7 => pkcs7::read(der, self),
            Form::Pkcs12 => pkcs12::read(der, password, self),
            Form::Key => self.key(None, der),
            Form::SealedKey => self.sealed_key(der, password),
            Form::Request => Err(foreign::request()),
            Form::PublicKey => Err(foreign::public_key()),
            Form::RevocationList => Err(foreign::revocation_list()),
            Form::Unknown => Err(foreign::unknown(der)),
        }
    }

    /// Takes what stands in another file.
    ///
    /// # Errors
    /// There are too many in all.
    pub fn extend(&mut self, other: Found) -> Result<(), Unread> {
        for one in other.certificates {
            self.certificate(one.name, one.certificate.der())?;
        }
        if self.keys.len() + other.keys.len() > KEYS_MAX {
            return Err(Unread::Unfit(format!("expected at most {KEYS_MAX} private keys, found more")));
        }
        self.keys.extend(other.keys);
        Ok(())
    }

    /// The key that belongs to a certificate.
    #[must_use]
    pub fn key_of(&self, certificate: &Certificate) -> Option<&FoundKey> {
        self.keys.iter().find(|one| belongs(&one.key, certificate))
    }

    /// The certificates that issued none of the others: those that people and machines have, not their authorities. One
    /// that has its key here is always among them, and two that are self-signed, one to follow the other, both are.
    #[must_use]
    pub fn leaves(&self) -> Vec<&FoundCertificate> {
        let is_issuer = |one: &FoundCertificate| {
            let mut others = self.certificates.iter().map(|other| &other.certificate);
            others.any(|other| {
                let is_self_signed = other.issuer == other.subject;
                *other != one.certificate && other.issuer == one.certificate.subject && !is_self_signed
            })
        };
        let is_kept = |one: &&FoundCertificate| self.key_of(&one.certificate).is_some() || !is_issuer(one);
        self.certificates.iter().filter(is_kept).collect()
    }
}

/// Whether a private key belongs to a certificate.
#[must_use]
pub fn belongs(key: &PrivateKey, certificate: &Certificate) -> bool {
    let public = public_key(&certificate.spki).map(|(_, public)| public);
    key.kind() == certificate.kind && public.ok().zip(key.public().ok()).is_some_and(|(one, other)| one == other)
}

/// A private key alone, as it was kept: PKCS#8, PKCS#1 or SEC 1 in PEM or DER, not sealed.
///
/// # Errors
/// It is none.
pub fn private_key(bytes: &[u8]) -> Result<PrivateKey, Unread> {
    let mut found = read(bytes, None)?;
    let none = || Unread::Unfit("expected a private key, found none".to_owned());
    if found.keys.is_empty() { Err(none()) } else { Ok(found.keys.swap_remove(0).key) }
}

fn shortened(name: String) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX).collect()
}

/// AlgorithmIdentifier; parameters that are not there are empty.
fn algorithm(ber: &mut Ber<&[u8]>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    cms::algorithm(ber).map(|(oid, parameters)| (oid, parameters.unwrap_or_default()))
}

/// The bytes of a text in base64, white space left out; none where it is something else.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}
