//! Keys: what they sign and verify, and how the key of a content is encrypted to them and had back. RSA and the curves of
//! NIST; private keys in PKCS#8, PKCS#1 or SEC 1.

use super::super::asn1::{self, tag};
use super::{Digest, Failed};
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, KeyPair as _, RsaKeyPair, RsaParameters, RsaPssSaltLength, UnparsedPublicKey,
    VerificationAlgorithm,
};
use aws_lc_rs::{agreement, digest, rand};

/// How a signature is made of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS with a salt as long as the digest.
    Pss,
    /// RSASSA-PSS with a salt of so many bytes, as others make it.
    PssSalted(u16),
    /// ECDSA.
    Ecdsa,
}

/// A curve of ECDSA and ECDH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// All.
    pub const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    /// The digest that is as strong, with which it signs.
    #[must_use]
    pub fn digest(self) -> Digest {
        match self {
            Curve::P256 => Digest::Sha256,
            Curve::P384 => Digest::Sha384,
            Curve::P521 => Digest::Sha512,
        }
    }

    /// The contents of its object identifier (RFC 5480 2.1.1.1).
    #[must_use]
    pub fn oid(self) -> &'static [u8] {
        match self {
            Curve::P256 => &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
            Curve::P384 => &[0x2B, 0x81, 0x04, 0x00, 0x22],
            Curve::P521 => &[0x2B, 0x81, 0x04, 0x00, 0x23],
        }
    }
}

/// What a public key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, by RFC 3279 2.3.1.
    Rsa,
    /// A point of a curve.
    Ec(Curve),
}

/// Whether a signature over bytes is one of a key. `spki` is a SubjectPublicKeyInfo.
#[must_use]
pub fn verify(kind: KeyKind, spki: &[u8], scheme: Scheme, digest: Digest, signed: &[u8], signature: &[u8]) -> bool {
    if let (KeyKind::Rsa, Scheme::PssSalted(salt)) = (kind, scheme) {
        return pss(digest, salt).is_some_and(|algorithm| algorithm.verify_sig(spki, signed, signature).is_ok());
    }
    let Some(algorithm) = verification(kind, scheme, digest) else { return false };
    UnparsedPublicKey::new(algorithm, spki).verify(signed, signature).is_ok()
}

/// Whether a signature over what has a digest is one of a key.
#[must_use]
pub fn verify_digest(
    kind: KeyKind,
    spki: &[u8],
    scheme: Scheme,
    (digest, value): (Digest, &[u8]),
    signature: &[u8],
) -> bool {
    let Ok(value) = digest::Digest::import_less_safe(value, digest.algorithm()) else { return false };
    if let (KeyKind::Rsa, Scheme::PssSalted(salt)) = (kind, scheme) {
        return pss(digest, salt).is_some_and(|algorithm| algorithm.verify_digest_sig(spki, &value, signature).is_ok());
    }
    let Some(algorithm) = verification(kind, scheme, digest) else { return false };
    UnparsedPublicKey::new(algorithm, spki).verify_digest(&value, signature).is_ok()
}

/// PSS with a salt of so many bytes; the provider makes none with SHA-1.
fn pss(digest: Digest, salt: u16) -> Option<RsaParameters> {
    let algorithm = match digest {
        Digest::Sha1 => return None,
        Digest::Sha256 => signature::RSA_PSS_2048_8192_SHA256,
        Digest::Sha384 => signature::RSA_PSS_2048_8192_SHA384,
        Digest::Sha512 => signature::RSA_PSS_2048_8192_SHA512,
    };
    Some(algorithm.with_pss_salt_length(RsaPssSaltLength::Custom(salt)))
}

fn verification(kind: KeyKind, scheme: Scheme, digest: Digest) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (kind, scheme, digest) {
        (KeyKind::Rsa, Scheme::Pkcs1, Digest::Sha1) => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (KeyKind::Rsa, Scheme::Pkcs1, Digest::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa, Scheme::Pkcs1, Digest::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa, Scheme::Pkcs1, Digest::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::Rsa, Scheme::Pss, Digest::Sha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa, Scheme::Pss, Digest::Sha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa, Scheme::Pss, Digest::Sha512) => &signature::RSA_PSS_2048_8192_SHA512,
        (KeyKind::Ec(Curve::P256), Scheme::Ecdsa, Digest::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (KeyKind::Ec(Curve::P256), Scheme::Ecdsa, Digest::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (KeyKind::Ec(Curve::P256), Scheme::Ecdsa, Digest::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        (KeyKind::Ec(Curve::P384), Scheme::Ecdsa, Digest::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (KeyKind::Ec(Curve::P384), Scheme::Ecdsa, Digest::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (KeyKind::Ec(Curve::P384), Scheme::Ecdsa, Digest::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
        (KeyKind::Ec(Curve::P521), Scheme::Ecdsa, Digest::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        (KeyKind::Ec(Curve::P521), Scheme::Ecdsa, Digest::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        (KeyKind::Ec(Curve::P521), Scheme::Ecdsa, Digest::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

/// How a content encryption key is encrypted to RSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
    /// RSAES-OAEP, its digest that of MGF1 too.
    Oaep(Digest),
}

fn oaep(digest: Digest) -> &'static OaepAlgorithm {
    match digest {
        Digest::Sha1 => &OAEP_SHA1_MGF1SHA1,
        Digest::Sha256 => &OAEP_SHA256_MGF1SHA256,
        Digest::Sha384 => &OAEP_SHA384_MGF1SHA384,
        Digest::Sha512 => &OAEP_SHA512_MGF1SHA512,
    }
}

/// A content encryption key, for whom a public key belongs to.
///
/// # Errors
/// The public key is none of RSA of 2,048 bits or more.
pub fn wrap(spki: &[u8], transport: KeyTransport, key: &[u8]) -> Result<Vec<u8>, Failed> {
    let public = PublicEncryptingKey::from_der(spki).map_err(|_| Failed)?;
    Ok(match transport {
        KeyTransport::Pkcs1 => {
            let public = Pkcs1PublicEncryptingKey::new(public)?;
            let mut room = vec![0; public.ciphertext_size()];
            public.encrypt(key, &mut room)?.to_vec()
        }
        KeyTransport::Oaep(digest) => {
            let public = OaepPublicEncryptingKey::new(public)?;
            let mut room = vec![0; public.ciphertext_size()];
            public.encrypt(oaep(digest), key, &mut room, None)?.to_vec()
        }
    })
}

fn agreement_of(curve: Curve) -> &'static agreement::Algorithm {
    match curve {
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
        Curve::P521 => &agreement::ECDH_P521,
    }
}

/// A key pair made for one message, and the secret that it has with a point: its own point, and that.
///
/// # Errors
/// The point is none of the curve.
pub fn agree_anew(curve: Curve, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Failed> {
    let own = agreement::PrivateKey::generate(agreement_of(curve))?;
    let public = own.compute_public_key()?.as_ref().to_vec();
    Ok((public, secret(&own, curve, point)?))
}

fn secret(own: &agreement::PrivateKey, curve: Curve, point: &[u8]) -> Result<Vec<u8>, Failed> {
    let other = agreement::UnparsedPublicKey::new(agreement_of(curve), point);
    agreement::agree(own, other, Failed, |secret| Ok(secret.to_vec()))
}

/// The key derivation of ANSI X9.63 (SEC 1 3.6.1).
#[must_use]
pub fn derive(digest: Digest, secret: &[u8], shared: &[u8], bytes: usize) -> Vec<u8> {
    let mut found = Vec::new();
    for counter in 1u32.. {
        if found.len() >= bytes {
            break;
        }
        found.extend(digest.of(&[secret, &counter.to_be_bytes(), shared].concat()));
    }
    found.truncate(bytes);
    found
}

fn wrapping(key: &[u8]) -> Result<AesKek, Failed> {
    Ok(AesKek::new(if key.len() == 16 { &key_wrap::AES_128 } else { &key_wrap::AES_256 }, key)?)
}

/// AES key wrap (RFC 3394).
///
/// # Errors
/// The lengths are none that it takes.
pub fn wrap_key(by: &[u8], key: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut room = vec![0; key.len() + 8];
    Ok(wrapping(by)?.wrap(key, &mut room)?.to_vec())
}

/// Takes it away again.
///
/// # Errors
/// It was wrapped by another key, or damaged.
pub fn unwrap_key(by: &[u8], wrapped: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut room = vec![0; wrapped.len()];
    Ok(wrapping(by)?.unwrap(wrapped, &mut room)?.to_vec())
}

/// A private key, for signing and for being sent to.
pub struct PrivateKey {
    kind: KeyKind,
    pkcs8: Vec<u8>,
    secret: Secret,
}

enum Secret {
    Rsa { pair: Box<RsaKeyPair>, pkcs1: Pkcs1PrivateDecryptingKey, oaep: OaepPrivateDecryptingKey },
    Ec,
}

impl PrivateKey {
    /// One of PKCS#8, PKCS#1 or SEC 1, in DER, that belongs to a public key of a kind.
    ///
    /// # Errors
    /// It is none, or belongs to another kind.
    pub fn new(kind: KeyKind, der: &[u8]) -> Result<Self, Failed> {
        let pkcs8 = pkcs8(kind, der).ok_or(Failed)?;
        let secret = match kind {
            KeyKind::Rsa => {
                let private = || PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|_| Failed);
                let pair = Box::new(RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| Failed)?);
                let pkcs1 = Pkcs1PrivateDecryptingKey::new(private()?)?;
                Secret::Rsa { pair, pkcs1, oaep: OaepPrivateDecryptingKey::new(private()?)? }
            }
            KeyKind::Ec(curve) => {
                pair(curve, curve.digest(), &pkcs8)?;
                Secret::Ec
            }
        };
        Ok(PrivateKey { kind, pkcs8, secret })
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// PKCS#8, in DER.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key that belongs to it, as it stands in the bit string of a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// The provider failed.
    pub fn public(&self) -> Result<Vec<u8>, Failed> {
        Ok(match (&self.secret, self.kind) {
            (Secret::Rsa { pair, .. }, _) => pair.public_key().as_ref().to_vec(),
            (Secret::Ec, KeyKind::Ec(curve)) => {
                pair(curve, curve.digest(), &self.pkcs8)?.public_key().as_ref().to_vec()
            }
            _ => return Err(Failed),
        })
    }

    /// Signs bytes.
    ///
    /// # Errors
    /// The scheme is not for this key, or the provider does not sign with that digest, as none does with SHA-1.
    pub fn sign(&self, scheme: Scheme, digest: Digest, bytes: &[u8]) -> Result<Vec<u8>, Failed> {
        let random = rand::SystemRandom::new();
        match (&self.secret, self.kind, scheme) {
            (Secret::Rsa { pair, .. }, _, Scheme::Pkcs1 | Scheme::Pss) => {
                let encoding: &'static dyn signature::RsaEncoding = match (scheme, digest) {
                    (Scheme::Pkcs1, Digest::Sha256) => &signature::RSA_PKCS1_SHA256,
                    (Scheme::Pkcs1, Digest::Sha384) => &signature::RSA_PKCS1_SHA384,
                    (Scheme::Pkcs1, Digest::Sha512) => &signature::RSA_PKCS1_SHA512,
                    (Scheme::Pss, Digest::Sha256) => &signature::RSA_PSS_SHA256,
                    (Scheme::Pss, Digest::Sha384) => &signature::RSA_PSS_SHA384,
                    (Scheme::Pss, Digest::Sha512) => &signature::RSA_PSS_SHA512,
                    _ => return Err(Failed),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, bytes, &mut signature)?;
                Ok(signature)
            }
            (Secret::Ec, KeyKind::Ec(curve), Scheme::Ecdsa) => {
                Ok(pair(curve, digest, &self.pkcs8)?.sign(&random, bytes)?.as_ref().to_vec())
            }
            _ => Err(Failed),
        }
    }

    /// The secret that it has with a point of its curve.
    ///
    /// # Errors
    /// It is no key of a curve, or the point is none of that.
    pub fn agree(&self, point: &[u8]) -> Result<Vec<u8>, Failed> {
        let KeyKind::Ec(curve) = self.kind else { return Err(Failed) };
        let own = agreement::PrivateKey::from_private_key_der(agreement_of(curve), &self.pkcs8);
        secret(&own.map_err(|_| Failed)?, curve, point)
    }

    /// A content encryption key that was encrypted to it.
    ///
    /// # Errors
    /// It was not, or was damaged. Callers go on with a random key, so that nobody learns which.
    pub fn unwrap(&self, transport: KeyTransport, encrypted: &[u8]) -> Result<Vec<u8>, Failed> {
        let Secret::Rsa { pkcs1, oaep: own, .. } = &self.secret else { return Err(Failed) };
        let mut room = vec![0; pkcs1.min_output_size().max(own.min_output_size())];
        Ok(match transport {
            KeyTransport::Pkcs1 => pkcs1.decrypt(encrypted, &mut room)?.to_vec(),
            KeyTransport::Oaep(digest) => own.decrypt(oaep(digest), encrypted, &mut room, None)?.to_vec(),
        })
    }
}

fn pair(curve: Curve, digest: Digest, pkcs8: &[u8]) -> Result<EcdsaKeyPair, Failed> {
    let algorithm = match (curve, digest) {
        (Curve::P256, Digest::Sha256) => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        (Curve::P384, Digest::Sha384) => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        (Curve::P521, Digest::Sha512) => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => return Err(Failed),
    };
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map_err(|_| Failed)
}

/// rsaEncryption (RFC 8017 A.1).
pub const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
/// id-ecPublicKey (RFC 5480 2.1.1).
pub const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];

/// A private key as PKCS#8 (RFC 5958), whichever of the three forms it comes in.
fn pkcs8(kind: KeyKind, der: &[u8]) -> Option<Vec<u8>> {
    let mut ber = asn1::Ber::new(der);
    ber.enter(tag::SEQUENCE).ok()?;
    ber.pass().ok()?;
    let second = ber.peek().ok()??;
    let algorithm = match kind {
        KeyKind::Rsa => asn1::sequence(&[&asn1::element(tag::OID, RSA_ENCRYPTION), &asn1::element(tag::NULL, &[])]),
        KeyKind::Ec(curve) => {
            asn1::sequence(&[&asn1::element(tag::OID, EC_PUBLIC_KEY), &asn1::element(tag::OID, curve.oid())])
        }
    };
    // PKCS#8 names its algorithm behind the version; PKCS#1 has the modulus there, SEC 1 the private number.
    Some(match second {
        tag::SEQUENCE => der.to_vec(),
        _ => asn1::sequence(&[&asn1::number(0), &algorithm, &asn1::element(tag::OCTET_STRING, der)]),
    })
}
