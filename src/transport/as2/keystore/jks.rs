//! The keystore of Java before version 9 (JKS), as OpenJDK's `sun.security.provider.JavaKeyStore` describes it: entries one
//! behind the other, a digest over all of them under the password, and keys masked by a stream of SHA-1. Keys must be under
//! the password of the file, as keytool asks for. JCEKS is told by its name only.

use super::super::asn1::{Ber, tag};
use super::super::crypto::Digest;
use super::{Found, Unread, algorithm};
use aws_lc_rs::constant_time::verify_slices_are_equal;

/// The first four octets.
const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
/// The other keystore of Java.
const MAGIC_JCEKS: [u8; 4] = [0xCE, 0xCE, 0xCE, 0xCE];
/// Stands in the digest between the password and the file.
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// The algorithm by which keys are masked (1.3.6.1.4.1.42.2.17.1.1).
const KEY_PROTECTOR: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01];
const DIGEST_OCTETS: usize = 20;
const PRIVATE_KEY_ENTRY: u32 = 1;
const CERTIFICATE_ENTRY: u32 = 2;
/// Version 2 says of each certificate which kind it is.
const WITH_KINDS: u32 = 2;

/// Whether a file is a keystore of Java.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || bytes.starts_with(&MAGIC_JCEKS)
}

/// Octets one behind the other, as `DataOutputStream` writes them.
struct Octets<'o>(&'o [u8]);

impl<'o> Octets<'o> {
    fn take(&mut self, count: usize) -> Result<&'o [u8], Unread> {
        let cut = || Unread::Unfit("it is a JKS keystore that is cut off; ask for the file once more".to_owned());
        let (found, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(found)
    }

    fn number(&mut self) -> Result<u32, Unread> {
        Ok(self.take(4)?.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet)))
    }

    fn text(&mut self) -> Result<String, Unread> {
        let count = self.take(2)?.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
        Ok(String::from_utf8_lossy(self.take(count)?).into_owned())
    }

    fn block(&mut self) -> Result<&'o [u8], Unread> {
        let count = self.number()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

/// Takes what stands in one.
pub(super) fn read(bytes: &[u8], password: Option<&str>, found: &mut Found) -> Result<(), Unread> {
    if bytes.starts_with(&MAGIC_JCEKS) {
        return Err(Unread::Unfit(
            "found a JCEKS keystore of Java; `keytool -importkeystore -srckeystore FILE -srcstoretype JCEKS \
             -destkeystore NEW.p12 -deststoretype PKCS12` makes a PKCS#12 of it"
                .to_owned(),
        ));
    }
    let password = password.ok_or(Unread::PasswordNeeded)?;
    let password: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let (body, digest) = bytes.split_at(bytes.len().saturating_sub(DIGEST_OCTETS));
    let expected = Digest::Sha1.of(&[&password, WHITENER, body].concat());
    verify_slices_are_equal(&expected, digest).map_err(|_| Unread::PasswordWrong)?;
    let mut octets = Octets(body);
    octets.take(MAGIC.len())?;
    let version = octets.number()?;
    for _ in 0..octets.number()? {
        let (kind, name) = (octets.number()?, octets.text()?);
        // When it was put in.
        octets.take(8)?;
        let count = match kind {
            PRIVATE_KEY_ENTRY => {
                let key = unmasked(octets.block()?, &password)?;
                found.key(Some(name.clone()), &key)?;
                octets.number()?
            }
            CERTIFICATE_ENTRY => 1,
            other => return Err(Unread::Unfit(format!("found an entry of kind {other} in a JKS keystore"))),
        };
        for at in 0..count {
            if version >= WITH_KINDS {
                octets.text()?;
            }
            // The first is the one that the alias is of; the others are its chain.
            found.certificate((at == 0).then(|| name.clone()), octets.block()?)?;
        }
    }
    Ok(())
}

/// A key without its mask: a salt, the key under a stream of digests, and a digest of the key.
fn unmasked(sealed: &[u8], password: &[u8]) -> Result<Vec<u8>, Unread> {
    let mut ber = Ber::new(sealed);
    ber.enter(tag::SEQUENCE)?;
    let (oid, _) = algorithm(&mut ber)?;
    let masked = ber.octet_string(tag::OCTET_STRING)?;
    if oid != KEY_PROTECTOR || masked.len() < 2 * DIGEST_OCTETS {
        return Err(Unread::unknown("a key in a JKS keystore that is sealed in an unusual way"));
    }
    let (salt, rest) = masked.split_at(DIGEST_OCTETS);
    let (hidden, check) = rest.split_at(rest.len() - DIGEST_OCTETS);
    let mut mask = salt.to_vec();
    let mut plain = Vec::new();
    for part in hidden.chunks(DIGEST_OCTETS) {
        mask = Digest::Sha1.of(&[password, &mask].concat());
        plain.extend(part.iter().zip(&mask).map(|(octet, mask)| octet ^ mask));
    }
    let expected = Digest::Sha1.of(&[password, &plain].concat());
    verify_slices_are_equal(&expected, check).map_err(|_| {
        Unread::Unfit(
            "a key in the JKS keystore has a password of its own; `keytool -keypasswd` gives it that of the file"
                .to_owned(),
        )
    })?;
    Ok(plain)
}
