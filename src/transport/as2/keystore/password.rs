//! What a password seals in files of keys: PBES2 (RFC 8018 6.2) with AES and 3DES, and what PKCS#12 had before it (RFC 7292 B,
//! C) with 3DES and RC2, which old products write; the MAC over a PKCS#12. Written is PBES2 with AES-256 only. PBES1 of PKCS#5,
//! RC4 and scrypt are not known: what they are is told, with the command that makes another file of it.

use super::super::asn1::{self, Ber, tag};
use super::super::cms::{NULL, algorithm_identifier};
use super::super::crypto::{Cipher, Decryptor, Digest, Encryptor, Failed, random_bytes};
use super::{Unread, algorithm};
use crate::id::Random;
use aws_lc_rs::{hmac, pbkdf2};
use rc2::Rc2;
use rc2::cipher::{Array, BlockCipherDecrypt as _};
use std::num::NonZeroU32;

/// Rounds of all key derivations of a file together, at most: a few seconds of work.
pub const ITERATIONS_MAX: u32 = 5_000_000;
/// Rounds of what is written.
pub const ITERATIONS: u32 = 100_000;
/// Octets of a salt of what is written.
const SALT_OCTETS: usize = 16;
/// Octets of a key that is derived, at most.
const KEY_OCTETS_MAX: u32 = 64;
/// Octets of a block of RC2.
const RC2_BLOCK: usize = 8;

const PBES2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D];
const PBKDF2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
/// RFC 9579.
const PBMAC1: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0E];
const SCRYPT: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B];
/// pkcs-5, whose first arcs are PBES1.
const PKCS5: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05];
/// pkcs-12PbeIds (RFC 7292 C).
const PKCS12_PBE: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01];
/// hmacWithSHA1 and those after it (RFC 8018 B.1).
const HMAC_WITH: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02];
const HMACS: [(u8, Digest); 4] = [(7, Digest::Sha1), (9, Digest::Sha256), (10, Digest::Sha384), (11, Digest::Sha512)];

/// What a derived octet string of PKCS#12 is for (RFC 7292 B.3).
const FOR_KEY: u8 = 1;
const FOR_IV: u8 = 2;
const FOR_MAC: u8 = 3;

/// A password as PKCS#12 has it, BMPString with two zero octets behind; an empty one is written in two ways.
fn in_pkcs12(password: &str) -> Vec<Vec<u8>> {
    let mut octets: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    octets.extend([0, 0]);
    if password.is_empty() { vec![octets, Vec::new()] } else { vec![octets] }
}

/// Rounds that the key derivations of a file have asked for so far.
#[derive(Debug, Default)]
pub struct Rounds(u32);

impl Rounds {
    /// Reads how many the next derivation asks for, and counts them before any is done.
    fn iterations(&mut self, ber: &mut Ber<&[u8]>) -> Result<NonZeroU32, Unread> {
        let found = ber.count()?;
        let fit = NonZeroU32::new(found).filter(|found| found.get() <= ITERATIONS_MAX).ok_or_else(|| {
            Unread::Unfit(format!("expected a key derivation of 1 to {ITERATIONS_MAX} rounds, found one of {found}"))
        })?;
        self.0 = self.0.saturating_add(found);
        match self.0 {
            0..=ITERATIONS_MAX => Ok(fit),
            all => Err(Unread::Unfit(format!(
                "expected key derivations of at most {ITERATIONS_MAX} rounds in a file, found {all} and perhaps more; take the \
                 certificates or keys out of it one by one"
            ))),
        }
    }
}

/// The key derivation of PKCS#12 (RFC 7292 B.2).
fn derive(digest: Digest, purpose: u8, password: &[u8], salt: &[u8], rounds: u32, octets: usize) -> Vec<u8> {
    let block = if matches!(digest, Digest::Sha384 | Digest::Sha512) { 128 } else { 64 };
    let filled =
        |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().cycle().take(bytes.len().div_ceil(block) * block).collect() };
    let mut mixed = [filled(salt), filled(password)].concat();
    let mut found = Vec::new();
    while found.len() < octets {
        let mut round = digest.of(&[&vec![purpose; block][..], &mixed].concat());
        for _ in 1..rounds {
            round = digest.of(&round);
        }
        let add: Vec<u8> = round.iter().copied().cycle().take(block).collect();
        for part in mixed.chunks_mut(block) {
            let mut carry = 1;
            for (octet, more) in part.iter_mut().zip(&add).rev() {
                carry += u16::from(*octet) + u16::from(*more);
                *octet = carry.to_be_bytes()[1];
                carry >>= 8;
            }
        }
        found.extend(round);
    }
    found.truncate(octets);
    found
}

/// The digest of an hmacWith… identifier.
fn hmac_digest(oid: &[u8]) -> Option<Digest> {
    let (last, begin) = oid.split_last()?;
    HMACS.into_iter().find(|(own, _)| begin == HMAC_WITH && own == last).map(|(_, digest)| digest)
}

fn derivation(digest: Digest) -> pbkdf2::Algorithm {
    match digest {
        Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Digest::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    }
}

/// PBKDF2 as its parameters say (RFC 8018 A.2); `octets` are those that are needed.
struct Derivation {
    salt: Vec<u8>,
    rounds: NonZeroU32,
    octets: Option<u32>,
    digest: Digest,
}

impl Derivation {
    fn read(parameters: &[u8], counted: &mut Rounds) -> Result<Self, Unread> {
        let mut ber = Ber::new(parameters);
        ber.enter(tag::SEQUENCE)?;
        let salt = ber.octet_string(tag::OCTET_STRING)?;
        let rounds = counted.iterations(&mut ber)?;
        let octets = if ber.peek()? == Some(tag::INTEGER) { Some(ber.count()?) } else { None };
        let digest = match ber.peek()? {
            Some(_) => hmac_digest(&algorithm(&mut ber)?.0),
            None => Some(Digest::Sha1),
        };
        let unknown = || Unread::unknown("a key derivation with a digest that is not of SHA-1 or SHA-2");
        Ok(Derivation { salt, rounds, octets, digest: digest.ok_or_else(unknown)? })
    }

    fn derive(&self, password: &str, octets: usize) -> Vec<u8> {
        let mut key = vec![0; octets];
        pbkdf2::derive(derivation(self.digest), self.rounds, &self.salt, password.as_bytes(), &mut key);
        key
    }
}

/// Opens what a password seals, as an AlgorithmIdentifier says. What its key derivation costs is `counted` for its file.
///
/// # Errors
/// [`Unread::PasswordWrong`] where what comes out is padded wrongly; it is sealed in a way that is not known, or the file asks
/// for more than [`ITERATIONS_MAX`].
pub fn open(
    (oid, parameters): (&[u8], &[u8]),
    password: &str,
    sealed: &[u8],
    counted: &mut Rounds,
) -> Result<Vec<u8>, Unread> {
    if oid == PBES2 {
        return open_pbes2(parameters, password, sealed, counted);
    }
    let legacy = oid.split_last().filter(|(_, begin)| *begin == PKCS12_PBE).map(|(last, _)| *last);
    match legacy {
        Some(last @ (3..=6)) => open_pkcs12((last, parameters), password, sealed, counted),
        Some(_) => Err(Unread::unknown("a key sealed by RC4")),
        None if oid.starts_with(PKCS5) => Err(Unread::unknown("a key sealed by PBES1 with DES or RC2")),
        None => Err(Unread::unknown("a key sealed in another way than PBES2 or that of PKCS#12")),
    }
}

fn decrypted(cipher: Cipher, key: &[u8], iv: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unread> {
    let wrong = |_: Failed| Unread::PasswordWrong;
    let mut decryptor = Decryptor::new(cipher, key, iv).map_err(|_| Unread::unknown("a key of odd length"))?;
    let mut plain = Vec::new();
    decryptor.update(&mut sealed.to_vec(), &mut plain).map_err(wrong)?;
    decryptor.finish(&[], &mut plain).map_err(wrong)?;
    Ok(plain)
}

fn open_pbes2(parameters: &[u8], password: &str, sealed: &[u8], counted: &mut Rounds) -> Result<Vec<u8>, Unread> {
    let mut ber = Ber::new(parameters);
    ber.enter(tag::SEQUENCE)?;
    let (how, derived) = algorithm(&mut ber)?;
    match &how[..] {
        PBKDF2 => {}
        SCRYPT => return Err(Unread::unknown("a key sealed by scrypt")),
        _ => return Err(Unread::unknown("a key derivation other than PBKDF2")),
    }
    let derivation = Derivation::read(&derived, counted)?;
    let (oid, iv) = algorithm(&mut ber)?;
    let cipher = Cipher::ALL.into_iter().map(|(cipher, _)| cipher).find(|one| one.oid() == oid && !one.is_gcm());
    let cipher = cipher.ok_or_else(|| Unread::unknown("a cipher other than AES or 3DES in CBC"))?;
    let iv = Ber::new(&iv[..]).octet_string(tag::OCTET_STRING)?;
    decrypted(cipher, &derivation.derive(password, cipher.key_bytes()), &iv, sealed)
}

/// The four of PKCS#12 that old products write: 3DES of three keys and of two, RC2 of 128 bits and of 40.
fn open_pkcs12(
    (which, parameters): (u8, &[u8]),
    password: &str,
    sealed: &[u8],
    counted: &mut Rounds,
) -> Result<Vec<u8>, Unread> {
    let mut ber = Ber::new(parameters);
    ber.enter(tag::SEQUENCE)?;
    let salt = ber.octet_string(tag::OCTET_STRING)?;
    let rounds = counted.iterations(&mut ber)?.get();
    let mut last = Unread::PasswordWrong;
    for password in in_pkcs12(password) {
        let derived = |purpose, octets| derive(Digest::Sha1, purpose, &password, &salt, rounds, octets);
        let iv = derived(FOR_IV, RC2_BLOCK);
        let found = match which {
            3 => decrypted(Cipher::TripleDesCbc, &derived(FOR_KEY, 24), &iv, sealed),
            4 => {
                let two = derived(FOR_KEY, 16);
                decrypted(Cipher::TripleDesCbc, &[&two[..], &two[..8]].concat(), &iv, sealed)
            }
            5 => rc2(&derived(FOR_KEY, 16), &iv, sealed),
            _ => rc2(&derived(FOR_KEY, 5), &iv, sealed),
        };
        match found {
            Ok(plain) => return Ok(plain),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// RC2 in CBC (RFC 2268), with as many effective bits as the key has.
fn rc2(key: &[u8], iv: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unread> {
    let cipher = Rc2::new_with_eff_key_len(key, key.len() * 8);
    let (mut plain, mut before) = (Vec::new(), iv);
    if !sealed.len().is_multiple_of(RC2_BLOCK) {
        return Err(Unread::PasswordWrong);
    }
    for block in sealed.chunks(RC2_BLOCK) {
        let mut found = Array::try_from(block).map_err(|_| Unread::PasswordWrong)?;
        cipher.decrypt_block(&mut found);
        plain.extend(found.iter().zip(before).map(|(octet, mask)| octet ^ mask));
        before = block;
    }
    let padding = plain.last().copied().filter(|count| (1..=RC2_BLOCK).contains(&usize::from(*count)));
    let count = padding.ok_or(Unread::PasswordWrong)?;
    let end = plain.len() - usize::from(count);
    if plain[end..].iter().any(|octet| *octet != count) {
        return Err(Unread::PasswordWrong);
    }
    plain.truncate(end);
    Ok(plain)
}

/// Seals under a password by PBES2: its AlgorithmIdentifier, and what is sealed.
///
/// # Errors
/// The provider failed.
pub fn seal(password: &str, plain: &[u8], random: &dyn Random) -> Result<(Vec<u8>, Vec<u8>), Failed> {
    let cipher = Cipher::Aes256Cbc;
    let (salt, iv) = (random_bytes(random, SALT_OCTETS), random_bytes(random, cipher.iv_bytes()));
    let derivation =
        Derivation { salt, rounds: NonZeroU32::new(ITERATIONS).ok_or(Failed)?, octets: None, digest: Digest::Sha256 };
    let mut encryptor = Encryptor::new(cipher, &derivation.derive(password, cipher.key_bytes()), &iv)?;
    let mut sealed = Vec::new();
    encryptor.update(plain, &mut sealed)?;
    encryptor.finish(&mut sealed)?;
    let hash = algorithm_identifier(&[HMAC_WITH, &[9]].concat(), NULL);
    let how = asn1::sequence(&[&asn1::element(tag::OCTET_STRING, &derivation.salt), &asn1::count(ITERATIONS), &hash]);
    let parameters = asn1::sequence(&[
        &algorithm_identifier(PBKDF2, &how),
        &algorithm_identifier(cipher.oid(), &asn1::element(tag::OCTET_STRING, &iv)),
    ]);
    Ok((algorithm_identifier(PBES2, &parameters), sealed))
}

fn keyed(digest: Digest, key: &[u8]) -> hmac::Key {
    let algorithm = match digest {
        Digest::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Digest::Sha256 => hmac::HMAC_SHA256,
        Digest::Sha384 => hmac::HMAC_SHA384,
        Digest::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::Key::new(algorithm, key)
}

/// Holds MacData (RFC 7292 4, RFC 9579) against what it is over. `ber` stands in front of it.
///
/// # Errors
/// [`Unread::PasswordWrong`]; it is of a digest that is not known, or the file asks for more than [`ITERATIONS_MAX`].
pub fn check_mac(ber: &mut Ber<&[u8]>, password: &str, content: &[u8], counted: &mut Rounds) -> Result<(), Unread> {
    ber.enter(tag::SEQUENCE)?;
    ber.enter(tag::SEQUENCE)?;
    let (oid, parameters) = algorithm(ber)?;
    let expected = ber.octet_string(tag::OCTET_STRING)?;
    ber.leave()?;
    let salt = ber.octet_string(tag::OCTET_STRING)?;
    let rounds = if ber.peek()?.is_some() { counted.iterations(ber)?.get() } else { 1 };
    let unknown = || Unread::unknown("a MAC with a digest that is not of SHA-1 or SHA-2");
    let keys: Vec<hmac::Key> = if oid == PBMAC1 {
        let mut inner = Ber::new(&parameters[..]);
        inner.enter(tag::SEQUENCE)?;
        let (_, derived) = algorithm(&mut inner)?;
        let derivation = Derivation::read(&derived, counted)?;
        let digest = hmac_digest(&algorithm(&mut inner)?.0).ok_or_else(unknown)?;
        let octets = derivation.octets.filter(|octets| (1..=KEY_OCTETS_MAX).contains(octets)).ok_or_else(unknown)?;
        vec![keyed(digest, &derivation.derive(password, usize::try_from(octets).unwrap_or_default()))]
    } else {
        let digest = Digest::ALL.into_iter().find(|one| one.oid() == oid).ok_or_else(unknown)?;
        let octets = digest.of(&[]).len();
        let derived = |password: &Vec<u8>| keyed(digest, &derive(digest, FOR_MAC, password, &salt, rounds, octets));
        in_pkcs12(password).iter().map(derived).collect()
    };
    let holds = keys.iter().any(|key| hmac::verify(key, content, &expected).is_ok());
    if holds { Ok(()) } else { Err(Unread::PasswordWrong) }
}

/// MacData over a content, of SHA-256.
#[must_use]
pub fn mac(password: &str, content: &[u8], random: &dyn Random) -> Vec<u8> {
    let (digest, salt) = (Digest::Sha256, random_bytes(random, SALT_OCTETS));
    let octets = digest.of(&[]).len();
    let password = in_pkcs12(password).swap_remove(0);
    let key = keyed(digest, &derive(digest, FOR_MAC, &password, &salt, ITERATIONS, octets));
    let signed = hmac::sign(&key, content);
    let hash = asn1::sequence(&[
        &algorithm_identifier(digest.oid(), NULL),
        &asn1::element(tag::OCTET_STRING, signed.as_ref()),
    ]);
    asn1::sequence(&[&hash, &asn1::element(tag::OCTET_STRING, &salt), &asn1::count(ITERATIONS)])
}
