//! The primitives that AS2 asks for, of one provider: digests, content encryption as a stream, signatures, and content
//! encryption keys for recipients. It knows no message syntax. SHA-1 and 3DES are for partners who can do nothing else; the
//! callers hold back who may use them.

mod gcm;
mod keys;

pub use keys::{
    Curve, EC_PUBLIC_KEY, KeyKind, KeyTransport, PrivateKey, RSA_ENCRYPTION, Scheme, agree_anew, derive, unwrap_key,
    verify, verify_digest, wrap, wrap_key,
};

use crate::id::Random;
use aws_lc_rs::aead;
use aws_lc_rs::cipher::{self, DecryptionContext, EncryptionContext, StreamingDecryptingKey, StreamingEncryptingKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use gcm::{Authenticator, begin};

/// Bytes of a block of every cipher that is known here, at most.
pub const BLOCK_BYTES: usize = 16;
/// Bytes of the tag of GCM (RFC 5084 3.2 recommends 12 and allows 16, which everybody writes).
pub const TAG_BYTES: usize = 16;
/// Bytes of the nonce of GCM.
pub const NONCE_BYTES: usize = 12;

/// What failed, which tells an attacker nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct Failed;

impl From<Unspecified> for Failed {
    fn from(_: Unspecified) -> Self {
        Failed
    }
}

/// A message digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// SHA-1: for old partners only.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// All, the usual one first.
    pub const ALL: [Digest; 4] = [Digest::Sha256, Digest::Sha384, Digest::Sha512, Digest::Sha1];

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Digest::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Digest::Sha256 => &digest::SHA256,
            Digest::Sha384 => &digest::SHA384,
            Digest::Sha512 => &digest::SHA512,
        }
    }

    /// Its name in `micalg` (RFC 5751 3.4.3.2).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Digest::Sha1 => "sha-1",
            Digest::Sha256 => "sha-256",
            Digest::Sha384 => "sha-384",
            Digest::Sha512 => "sha-512",
        }
    }

    /// The one of a name as partners write it: `SHA256`, `sha-256`, `sha2-256`, `rsa-sha1`, `sha256_ecdsa`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let plain = name.trim().trim_matches('"').to_ascii_lowercase();
        let plain = plain.trim_start_matches("rsa-").replace("sha2-", "sha").replace(['-', '_'], "");
        let plain = plain.trim_end_matches("ecdsa").trim_end_matches("rsa");
        Digest::ALL.into_iter().find(|digest| digest.name().replace('-', "") == plain)
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.algorithm().output_len()
    }

    /// The contents of its object identifier.
    #[must_use]
    pub fn oid(self) -> &'static [u8] {
        match self {
            Digest::Sha1 => &[0x2B, 0x0E, 0x03, 0x02, 0x1A],
            Digest::Sha256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
            Digest::Sha384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
            Digest::Sha512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        }
    }

    /// The digest of bytes.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        digest::digest(self.algorithm(), bytes).as_ref().to_vec()
    }
}

/// A digest that grows.
#[derive(Clone)]
pub struct Hash {
    digest: Digest,
    context: digest::Context,
}

impl Hash {
    /// Of nothing yet.
    #[must_use]
    pub fn new(digest: Digest) -> Self {
        Hash { digest, context: digest::Context::new(digest.algorithm()) }
    }

    /// Which it is.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// What came of all bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.context.finish().as_ref().to_vec()
    }
}

/// How content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// 3DES, for old partners only.
    TripleDesCbc,
    /// AES in CBC.
    Aes128Cbc,
    /// AES in CBC.
    Aes192Cbc,
    /// AES in CBC.
    Aes256Cbc,
    /// AES in GCM (RFC 5084).
    Aes128Gcm,
    /// AES in GCM.
    Aes192Gcm,
    /// AES in GCM.
    Aes256Gcm,
}

impl Cipher {
    /// All, with their names in configuration.
    pub const ALL: [(Cipher, &'static str); 7] = [
        (Cipher::Aes256Cbc, "aes256-cbc"),
        (Cipher::Aes192Cbc, "aes192-cbc"),
        (Cipher::Aes128Cbc, "aes128-cbc"),
        (Cipher::Aes256Gcm, "aes256-gcm"),
        (Cipher::Aes192Gcm, "aes192-gcm"),
        (Cipher::Aes128Gcm, "aes128-gcm"),
        (Cipher::TripleDesCbc, "3des"),
    ];

    /// Its name in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        Cipher::ALL.into_iter().find_map(|(cipher, name)| (cipher == self).then_some(name)).unwrap_or_default()
    }

    /// The contents of its object identifier.
    #[must_use]
    pub fn oid(self) -> &'static [u8] {
        match self {
            Cipher::TripleDesCbc => &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x03, 0x07],
            Cipher::Aes128Cbc => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02],
            Cipher::Aes128Gcm => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x06],
            Cipher::Aes192Cbc => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16],
            Cipher::Aes192Gcm => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x1A],
            Cipher::Aes256Cbc => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A],
            Cipher::Aes256Gcm => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2E],
        }
    }

    /// Whether it tells damage by itself.
    #[must_use]
    pub fn is_gcm(self) -> bool {
        matches!(self, Cipher::Aes128Gcm | Cipher::Aes192Gcm | Cipher::Aes256Gcm)
    }

    /// Bytes of its key.
    #[must_use]
    pub fn key_bytes(self) -> usize {
        match self {
            Cipher::Aes128Cbc | Cipher::Aes128Gcm => 16,
            Cipher::TripleDesCbc | Cipher::Aes192Cbc | Cipher::Aes192Gcm => 24,
            Cipher::Aes256Cbc | Cipher::Aes256Gcm => 32,
        }
    }

    /// Bytes of its initialisation vector or nonce.
    #[must_use]
    pub fn iv_bytes(self) -> usize {
        match self {
            Cipher::TripleDesCbc => 8,
            _ if self.is_gcm() => NONCE_BYTES,
            _ => BLOCK_BYTES,
        }
    }

    /// Bytes that so many become, the tag of GCM not counted.
    #[must_use]
    pub fn encrypted_length(self, plain: u64) -> u64 {
        let block = self.iv_bytes() as u64;
        if self.is_gcm() { plain } else { (plain / block + 1) * block }
    }

    /// The provider's GCM under a key.
    fn gcm_key(self, key: &[u8]) -> Result<aead::LessSafeKey, Failed> {
        let algorithm = match self {
            Cipher::Aes128Gcm => &aead::AES_128_GCM,
            Cipher::Aes192Gcm => &aead::AES_192_GCM,
            Cipher::Aes256Gcm => &aead::AES_256_GCM,
            _ => return Err(Failed),
        };
        Ok(aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, key)?))
    }

    #[allow(deprecated)] // 3DES is asked for by partners' old products
    fn key(self, key: &[u8]) -> Result<cipher::UnboundCipherKey, Failed> {
        let algorithm = match self.key_bytes() {
            // Two keys, the first of them used twice.
            24 if self == Cipher::TripleDesCbc && key.len() == 24 && key[..8] == key[16..] => {
                return Ok(cipher::UnboundCipherKey::new(&cipher::DES_EDE_FOR_LEGACY_USE_ONLY, &key[..16])?);
            }
            _ if self == Cipher::TripleDesCbc => &cipher::DES_EDE3_FOR_LEGACY_USE_ONLY,
            16 => &cipher::AES_128,
            24 => &cipher::AES_192,
            _ => &cipher::AES_256,
        };
        Ok(cipher::UnboundCipherKey::new(algorithm, key)?)
    }
}

/// Encrypts a stream.
pub struct Encryptor {
    stream: StreamingEncryptingKey,
    authenticator: Option<Authenticator>,
}

impl Encryptor {
    /// Under a key and an initialisation vector, which are never used again.
    ///
    /// # Errors
    /// They have other lengths than the cipher asks for.
    pub fn new(cipher: Cipher, key: &[u8], iv: &[u8]) -> Result<Self, Failed> {
        if cipher.is_gcm() {
            let (stream, authenticator) = begin(cipher, key, iv)?;
            return Ok(Encryptor { stream, authenticator: Some(authenticator) });
        }
        let context = match <[u8; BLOCK_BYTES]>::try_from(iv) {
            Ok(iv) => EncryptionContext::Iv128(FixedLength::from(iv)),
            Err(_) => EncryptionContext::Iv64(FixedLength::from(<[u8; 8]>::try_from(iv).map_err(|_| Failed)?)),
        };
        let stream = StreamingEncryptingKey::less_safe_cbc_pkcs7(cipher.key(key)?, context)?;
        Ok(Encryptor { stream, authenticator: None })
    }

    /// Appends what the next bytes become.
    ///
    /// # Errors
    /// More than GCM encrypts under one nonce.
    pub fn update(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let begin = out.len();
        out.resize(begin + plain.len() + BLOCK_BYTES, 0);
        let written = self.update_into(plain, &mut out[begin..])?;
        out.truncate(begin + written);
        Ok(())
    }

    /// Writes what the next bytes become; how many they are. There must be room for [`BLOCK_BYTES`] more than came.
    ///
    /// # Errors
    /// There is less room, or it is more than GCM encrypts under one nonce.
    pub fn update_into(&mut self, plain: &[u8], out: &mut [u8]) -> Result<usize, Failed> {
        let written = self.stream.update(plain, out)?.written().len();
        if let Some(authenticator) = &mut self.authenticator {
            authenticator.update(&mut out[..written])?;
        }
        Ok(written)
    }

    /// Appends what is left; the tag of GCM.
    ///
    /// # Errors
    /// The provider failed.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<Option<[u8; TAG_BYTES]>, Failed> {
        let mut room = [0; 2 * BLOCK_BYTES];
        let (_, last) = self.stream.finish(&mut room)?;
        // Counter mode has nothing left.
        out.extend_from_slice(last.written());
        Ok(self.authenticator.map(Authenticator::tag))
    }
}

/// Decrypts a stream. What it gives away before [`Decryptor::finish`] is not yet proved to be what was encrypted.
pub struct Decryptor {
    stream: Stream,
    authenticator: Option<Authenticator>,
}

/// Counter mode goes the same way in both directions.
enum Stream {
    Cbc(StreamingDecryptingKey),
    Counter(StreamingEncryptingKey),
}

impl Decryptor {
    /// Under a key and an initialisation vector.
    ///
    /// # Errors
    /// They have other lengths than the cipher asks for.
    pub fn new(cipher: Cipher, key: &[u8], iv: &[u8]) -> Result<Self, Failed> {
        if cipher.is_gcm() {
            let (stream, authenticator) = begin(cipher, key, iv)?;
            return Ok(Decryptor { stream: Stream::Counter(stream), authenticator: Some(authenticator) });
        }
        let context = match <[u8; BLOCK_BYTES]>::try_from(iv) {
            Ok(iv) => DecryptionContext::Iv128(FixedLength::from(iv)),
            Err(_) => DecryptionContext::Iv64(FixedLength::from(<[u8; 8]>::try_from(iv).map_err(|_| Failed)?)),
        };
        let stream = StreamingDecryptingKey::cbc_pkcs7(cipher.key(key)?, context)?;
        Ok(Decryptor { stream: Stream::Cbc(stream), authenticator: None })
    }

    /// Appends what the next bytes become, which are afterwards as they were.
    ///
    /// # Errors
    /// The provider failed.
    pub fn update(&mut self, encrypted: &mut [u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        if let Some(authenticator) = &mut self.authenticator {
            authenticator.update(encrypted)?;
        }
        let begin = out.len();
        out.resize(begin + encrypted.len() + BLOCK_BYTES, 0);
        let written = match &mut self.stream {
            Stream::Cbc(stream) => stream.update(encrypted, &mut out[begin..])?.written().len(),
            Stream::Counter(stream) => stream.update(encrypted, &mut out[begin..])?.written().len(),
        };
        out.truncate(begin + written);
        Ok(())
    }

    /// Appends what is left, and says whether all of it is what was encrypted, as far as the cipher tells.
    ///
    /// # Errors
    /// The padding or the tag is wrong.
    pub fn finish(self, expected: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let mut room = [0; 2 * BLOCK_BYTES];
        match self.stream {
            Stream::Cbc(stream) => out.extend_from_slice(stream.finish(&mut room)?.written()),
            Stream::Counter(stream) => out.extend_from_slice(stream.finish(&mut room)?.1.written()),
        }
        match self.authenticator {
            Some(authenticator) => Ok(verify_slices_are_equal(&authenticator.tag(), expected)?),
            None => Ok(()),
        }
    }
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Random bytes.
#[must_use]
pub fn random_bytes(random: &dyn Random, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    random.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_by_the_names_that_partners_write() {
        for (name, digest) in [
            ("sha1", Some(Digest::Sha1)),
            ("SHA-1", Some(Digest::Sha1)),
            ("rsa-sha1", Some(Digest::Sha1)),
            ("sha256", Some(Digest::Sha256)),
            ("SHA-256", Some(Digest::Sha256)),
            ("sha2-256", Some(Digest::Sha256)),
            ("sha256_ecdsa", Some(Digest::Sha256)),
            (" \"sha-512\" ", Some(Digest::Sha512)),
            ("md5", None),
            ("sha-3", None),
        ] {
            assert_eq!(Digest::named(name), digest, "{name}");
        }
    }

    #[test]
    fn what_is_encrypted_in_pieces_is_decrypted_in_others() {
        let plain: Vec<u8> = (0..100_000u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for (cipher, name) in Cipher::ALL {
            for length in [0, 1, 15, 16, 17, 4096, plain.len()] {
                let (key, iv) = (vec![7; cipher.key_bytes()], vec![9; cipher.iv_bytes()]);
                // The three keys of 3DES may not be one.
                let key: Vec<u8> = key.iter().enumerate().map(|(at, byte)| byte + at.to_le_bytes()[0]).collect();
                let mut encryptor = Encryptor::new(cipher, &key, &iv).expect("made");
                let mut encrypted = Vec::new();
                for piece in plain[..length].chunks(1000) {
                    encryptor.update(piece, &mut encrypted).expect("encrypted");
                }
                let tag = encryptor.finish(&mut encrypted).expect("finished");
                assert_eq!(encrypted.len() as u64, cipher.encrypted_length(length as u64), "{name} {length}");
                let decrypt = |encrypted: &[u8], tag: &[u8]| {
                    let mut decryptor = Decryptor::new(cipher, &key, &iv).expect("made");
                    let mut found = Vec::new();
                    for piece in encrypted.to_vec().chunks_mut(777) {
                        decryptor.update(piece, &mut found).expect("decrypted");
                    }
                    decryptor.finish(tag, &mut found).map(|()| found)
                };
                let tag = tag.map_or(Vec::new(), |tag| tag.to_vec());
                assert_eq!(decrypt(&encrypted, &tag).as_deref(), Ok(&plain[..length]), "{name} {length}");
                if let (true, Some(last)) = (cipher.is_gcm(), encrypted.last_mut()) {
                    *last ^= 1;
                    assert_eq!(decrypt(&encrypted, &tag), Err(Failed), "{name} {length}");
                }
            }
        }
    }
}
