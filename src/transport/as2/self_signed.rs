//! A new key of ours and its certificate (RFC 5280), signed by itself: partners of AS2 trust certificates because they were
//! told of them, and ask for no authority. It makes no requests to authorities and no certificates of servers.

use super::asn1::{element, number, sequence, set, tag};
use super::certificate::{Certificate, SUBJECT_KEY_IDENTIFIER, to_pem, written_time};
use super::crypto::{Curve, Digest, Failed, KeyKind, PrivateKey, Scheme, random_bytes};
use crate::clock::Timestamp;
use crate::id::Random;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

/// Characters of a common name, at most (RFC 5280, ub-common-name).
pub const COMMON_NAME_CHARACTERS_MAX: usize = 64;
/// Octets of a serial number (RFC 5280 4.1.2.2 allows 20).
const SERIAL_OCTETS: usize = 16;
/// Octets of a key identifier (RFC 7093 2: the first of a SHA-256).
const KEY_ID_OCTETS: usize = 20;

const BOOLEAN: u8 = 0x01;
const UTF8_STRING: u8 = 0x0C;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x0F];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
const SHA256_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewKey {
    /// RSA of 3072 bits, which every partner takes.
    Rsa3072,
    /// A key of the curve P-256.
    P256,
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
    let (scheme, algorithm, usage) = match key {
        // digitalSignature and keyEncipherment; digitalSignature and keyAgreement (RFC 5280 4.2.1.3).
        NewKey::Rsa3072 => {
            let algorithm = sequence(&[&element(tag::OID, SHA256_WITH_RSA), &element(tag::NULL, &[])]);
            (Scheme::Pkcs1, algorithm, [5, 0xA0])
        }
        NewKey::P256 => (Scheme::Ecdsa, sequence(&[&element(tag::OID, ECDSA_WITH_SHA256)]), [3, 0x88]),
    };
    let mut serial = random_bytes(random, SERIAL_OCTETS);
    // A positive number whose first octet is needed.
    serial[0] = serial[0] & 0x7F | 0x40;
    let pair = sequence(&[&element(tag::OID, COMMON_NAME), &element(UTF8_STRING, common_name.as_bytes())]);
    let name = sequence(&[&set(vec![pair])]);
    let key_id = &Digest::Sha256.of(&private.public()?)[..KEY_ID_OCTETS];
    let extensions = sequence(&[
        &extension(BASIC_CONSTRAINTS, true, &sequence(&[])),
        &extension(KEY_USAGE, true, &element(tag::BIT_STRING, &usage)),
        &extension(SUBJECT_KEY_IDENTIFIER, false, &element(tag::OCTET_STRING, key_id)),
    ]);
    let body = sequence(&[
        &element(tag::context(0), &number(2)),
        &element(tag::INTEGER, &serial),
        &algorithm,
        &name,
        &sequence(&[&written_time(from), &written_time(until)]),
        &name,
        &spki,
        &element(tag::context(3), &extensions),
    ]);
    let signature = private.sign(scheme, Digest::Sha256, &body)?;
    let signature = element(tag::BIT_STRING, &[&[0], &signature[..]].concat());
    let der = sequence(&[&body, &algorithm, &signature]);
    let certificate = Certificate::from_der(&der).map_err(|_| Failed)?;
    let (certificate_pem, key_pem) = (to_pem("CERTIFICATE", &der), to_pem("PRIVATE KEY", private.pkcs8()));
    Ok(SelfSigned { certificate, certificate_pem, key_pem })
}

/// A key, and its SubjectPublicKeyInfo.
fn generated(key: NewKey) -> Result<(PrivateKey, Vec<u8>), Failed> {
    match key {
        NewKey::Rsa3072 => {
            let pair = rsa::KeyPair::generate(KeySize::Rsa3072).map_err(|_| Failed)?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Failed)?;
            let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Failed)?;
            Ok((PrivateKey::new(KeyKind::Rsa, pkcs8.as_ref())?, spki.as_ref().to_vec()))
        }
        NewKey::P256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| Failed)?;
            let pkcs8 = pair.to_pkcs8v1().map_err(|_| Failed)?;
            let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Failed)?;
            Ok((PrivateKey::new(KeyKind::Ec(Curve::P256), pkcs8.as_ref())?, spki.as_ref().to_vec()))
        }
    }
}

fn extension(oid: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
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
