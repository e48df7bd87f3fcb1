//! The algorithms of SSH that are offered, as a server and as a client: modern ones, and none that needs strict key exchange to be
//! safe.

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};
use std::borrow::Cow;

/// Kinds of host keys, best first.
pub(super) const HOST_KEYS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// What is offered, best first; `extensions` are those of our side. AES in GCM and in counter mode with a MAC over the ciphertext
/// are safe whether or not the other side knows strict key exchange (CVE-2023-48795); ChaCha20-Poly1305 is not, so it is left out.
pub(super) fn preferred(extensions: [kex::Name; 2]) -> Preferred {
    let exchanges = [
        kex::MLKEM768X25519_SHA256,
        kex::CURVE25519,
        kex::CURVE25519_PRE_RFC_8731,
        kex::ECDH_SHA2_NISTP256,
        kex::ECDH_SHA2_NISTP384,
        kex::DH_G16_SHA512,
        kex::DH_G14_SHA256,
    ];
    Preferred {
        kex: Cow::Owned(exchanges.into_iter().chain(extensions).collect()),
        key: Cow::Owned(HOST_KEYS.to_vec()),
        cipher: Cow::Borrowed(&[
            cipher::AES_256_GCM,
            cipher::AES_128_GCM,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]),
        mac: Cow::Borrowed(&[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM, mac::HMAC_SHA512, mac::HMAC_SHA256]),
        compression: Cow::Borrowed(&[compression::NONE]),
        ..Preferred::DEFAULT
    }
}
