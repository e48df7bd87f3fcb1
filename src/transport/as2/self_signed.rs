//! A new key of ours and its certificate (RFC 5280), signed by itself: partners of AS2 trust certificates because they were
//! told of them, and ask for no authority. Requests to authorities are `request`'s; it makes no certificates of servers.

use super::asn1::{element, number, sequence, set, tag};
use super::certificate::{BOOLEAN, Certificate, KEY_USAGE, SUBJECT_KEY_IDENTIFIER, written_pem, written_time};
use super::cms::{NULL, algorithm_identifier};
use super::crypto::{Curve, Digest, Failed, KeyKind, PrivateKey, Scheme, random_bytes};
use crate::clock::Timestamp;
use crate::id::Random;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
};

/// Characters of a common name, at most (RFC 5280, ub-common-name).
pub const COMMON_NAME_CHARACTERS_MAX: usize = 64;
/// Octets of a serial number (RFC 5280 4.1.2.2 allows 20).
const SERIAL_OCTETS: usize = 16;
/// Octets of a key identifier (RFC 7093 2: the first of a SHA-256).
const KEY_ID_OCTETS: usize = 20;

const UTF8_STRING: u8 = 0x0C;
const COMMON_NAME: u8 = 3;
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
const SHA256_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const ECDSA_WITH_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03];

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewKey {
    /// RSA of 2048 bits, for partners whose products are old.
    Rsa2048,
    /// RSA of 3072 bits, which every partner takes.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
    /// A key of the curve P-256.
    P256,
    /// A key of the curve P-384.
    P384,
}

/// A key and its certificate.
pub struct SelfSigned {
    /// The certificate as it is read.
    pub certificate: Certificate,
    /// The same in PEM.
    pub certificate_pem: String,
    /// The private key as PKCS#8, in PEM: a secret.
    pub key_pem: String,
}

/// Makes a key, and a certificate for a common name that counts from one moment to another, whole seconds of UTC.
///
/// # Errors
/// The provider failed, or the common name is empty or has more than [`COMMON_NAME_CHARACTERS_MAX`] characters.
pub fn self_signed(
    common_name: &str,
    key: NewKey,
    (from, until): (Timestamp, Timestamp),
    random: &dyn Random,
) -> Result<SelfSigned, Failed> {
    if common_name.is_empty() || common_name.chars().count() > COMMON_NAME_CHARACTERS_MAX {
        return Err(Failed);
    }
    let (private, spki) = generated(key)?;
    let signing = Signing::of(private.kind());
    let algorithm = &signing.algorithm;
    let mut serial = random_bytes(random, SERIAL_OCTETS);
    // A positive number whose first octet is needed.
    serial[0] = serial[0] & 0x7F | 0x40;
    let name = sequence(&[&named(COMMON_NAME, UTF8_STRING, common_name)]);
    let key_id = &Digest::Sha256.of(&private.public()?)[..KEY_ID_OCTETS];
    let extensions = sequence(&[
        &extension(BASIC_CONSTRAINTS, true, &sequence(&[])),
        &extension(KEY_USAGE, true, &element(tag::BIT_STRING, &signing.usage)),
        &extension(SUBJECT_KEY_IDENTIFIER, false, &element(tag::OCTET_STRING, key_id)),
    ]);
    let body = sequence(&[
        &element(tag::context(0), &number(2)),
        &element(tag::INTEGER, &serial),
        algorithm,
        &name,
        &sequence(&[&written_time(from), &written_time(until)]),
        &name,
        &spki,
        &element(tag::context(3), &extensions),
    ]);
    let der = signing.signed(&private, &body)?;
    let certificate = Certificate::from_der(&der).map_err(|_| Failed)?;
    let (certificate_pem, key_pem) = (written_pem("CERTIFICATE", &der), written_pem("PRIVATE KEY", private.pkcs8()));
    Ok(SelfSigned { certificate, certificate_pem, key_pem })
}

/// How a key signs what is made for it, and what it is for.
pub(super) struct Signing {
    scheme: Scheme,
    digest: Digest,
    algorithm: Vec<u8>,
    /// KeyUsage: the bits that are not used, and the bits.
    pub usage: [u8; 2],
}

impl Signing {
    /// With digitalSignature and keyEncipherment for RSA, digitalSignature and keyAgreement for curves (RFC 5280 4.2.1.3).
    pub(super) fn of(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa => {
                let algorithm = algorithm_identifier(SHA256_WITH_RSA, NULL);
                Signing { scheme: Scheme::Pkcs1, digest: Digest::Sha256, algorithm, usage: [5, 0xA0] }
            }
            KeyKind::Ec(curve) => {
                let digest = curve.digest();
                let oid = if digest == Digest::Sha256 { ECDSA_WITH_SHA256 } else { ECDSA_WITH_SHA384 };
                let algorithm = algorithm_identifier(oid, &[]);
                Signing { scheme: Scheme::Ecdsa, digest, algorithm, usage: [3, 0x88] }
            }
        }
    }

    /// A body, how it is signed, and the signature.
    pub(super) fn signed(&self, key: &PrivateKey, body: &[u8]) -> Result<Vec<u8>, Failed> {
        let signature = key.sign(self.scheme, self.digest, body)?;
        let signature = element(tag::BIT_STRING, &[&[0], &signature[..]].concat());
        Ok(sequence(&[body, &self.algorithm, &signature]))
    }
}

/// An attribute of a name, by what stands behind 2.5.4.
pub(super) fn named(attribute: u8, form: u8, value: &str) -> Vec<u8> {
    let pair = sequence(&[&element(tag::OID, &[0x55, 0x04, attribute]), &element(form, value.as_bytes())]);
    set(vec![pair])
}

/// A key, and its SubjectPublicKeyInfo.
pub(super) fn generated(key: NewKey) -> Result<(PrivateKey, Vec<u8>), Failed> {
    let of_rsa = |size: KeySize| {
        let pair = rsa::KeyPair::generate(size).map_err(|_| Failed)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Failed)?;
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Failed)?;
        Ok((PrivateKey::new(KeyKind::Rsa, pkcs8.as_ref())?, spki.as_ref().to_vec()))
    };
    let of_curve = |curve: Curve, algorithm| {
        let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| Failed)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| Failed)?;
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Failed)?;
        Ok((PrivateKey::new(KeyKind::Ec(curve), pkcs8.as_ref())?, spki.as_ref().to_vec()))
    };
    match key {
        NewKey::Rsa2048 => of_rsa(KeySize::Rsa2048),
        NewKey::Rsa3072 => of_rsa(KeySize::Rsa3072),
        NewKey::Rsa4096 => of_rsa(KeySize::Rsa4096),
        NewKey::P256 => of_curve(Curve::P256, &ECDSA_P256_SHA256_ASN1_SIGNING),
        NewKey::P384 => of_curve(Curve::P384, &ECDSA_P384_SHA384_ASN1_SIGNING),
    }
}

pub(super) fn extension(oid: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if is_critical { element(BOOLEAN, &[0xFF]) } else { Vec::new() };
    sequence(&[&element(tag::OID, oid), &critical, &element(tag::OCTET_STRING, value)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SystemRandom;
    use crate::transport::as2::certificate::{OwnKey, private_key};
    use crate::transport::as2::crypto::verify;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    #[test]
    fn a_new_certificate_is_read_with_its_key_and_holds() {
        for (key, kind, scheme) in
            [(NewKey::Rsa3072, KeyKind::Rsa, Scheme::Pkcs1), (NewKey::P256, KeyKind::Ec(Curve::P256), Scheme::Ecdsa)]
        {
            for until in ["2029-11-26T12:00:00Z", "2055-01-02T03:04:05Z"] {
                let (from, until) = (at("2026-11-26T12:00:00Z"), at(until));
                let made = self_signed("Müller AS2", key, (from, until), &SystemRandom).expect("it is made");
                let read = Certificate::all(made.certificate_pem.as_bytes()).expect("it is read").remove(0);
                assert_eq!(read, made.certificate);
                assert_eq!((read.common_name().as_str(), read.kind), ("Müller AS2", kind));
                assert_eq!((read.not_before, read.not_after), (from, until));
                assert_eq!((read.serial.len(), read.key_id.as_ref().map(Vec::len)), (16, Some(20)));
                assert_eq!(read.issuer, read.subject);
                // What is signed is the first element within, the signature the last.
                let mut ber = crate::transport::as2::asn1::Ber::new(read.der());
                ber.enter(tag::SEQUENCE).expect("a certificate");
                let body = ber.whole().expect("what is signed");
                ber.pass().expect("the algorithm");
                let signature = ber.value(tag::BIT_STRING).expect("the signature");
                assert!(verify(kind, &read.spki, scheme, Digest::Sha256, &body, &signature[1..]));
                let private = private_key(made.key_pem.as_bytes()).expect("a key");
                OwnKey::new(read, &private).expect("they belong together");
            }
        }
    }

    #[test]
    fn err_a_name_that_is_empty_or_too_long() {
        let days = (at("2026-11-26T12:00:00Z"), at("2027-11-26T12:00:00Z"));
        for name in ["", &"x".repeat(65)] {
            assert!(self_signed(name, NewKey::P256, days, &SystemRandom).is_err(), "{name}");
        }
        assert!(self_signed(&"ü".repeat(64), NewKey::P256, days, &SystemRandom).is_ok());
    }
}
