//! Passwords of mailboxes: kept as a hash (Argon2id, RFC 9106), sealed like a secret, never told.

use crate::id::Random;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Characters of a password, at least and at most.
pub const CHARACTERS: std::ops::RangeInclusive<usize> = 12..=256;
/// KiB of memory that a hash takes.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Ahead of salt and hash: which algorithm, as its users write it.
const HEAD: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// The secret under which a mailbox's password is kept.
#[must_use]
pub fn secret_name(mailbox: &str) -> String {
    format!("mailbox.{mailbox}.password")
}

/// A password that will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a password of {} to {} characters, found {found}", CHARACTERS.start(), CHARACTERS.end())]
pub struct Unfit {
    /// Characters that it has.
    pub found: usize,
}

/// The hash of a password, as text.
///
/// # Errors
/// It is too short or too long.
pub fn hash(password: &str, random: &dyn Random) -> Result<String, Unfit> {
    let characters = password.chars().count();
    if !CHARACTERS.contains(&characters) {
        return Err(Unfit { found: characters });
    }
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let hashed = hashed(password, &salt);
    Ok(format!("{HEAD}{}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hashed)))
}

/// Whether a password is the one of a hash. Without a hash it takes as long and is never right.
#[must_use]
pub fn is_right(password: &str, hash: Option<&str>) -> bool {
    let parts = hash.and_then(|hash| hash.strip_prefix(HEAD)).and_then(|rest| rest.split_once('$'));
    let decoded = parts.and_then(|(salt, hash)| {
        let salt: [u8; SALT_BYTES] = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        let hash: [u8; HASH_BYTES] = STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?;
        Some((salt, hash))
    });
    let (salt, wanted) = decoded.unwrap_or_default();
    let is_it = verify_slices_are_equal(&hashed(password, &salt), &wanted).is_ok();
    is_it && decoded.is_some()
}

fn hashed(password: &str, salt: &[u8]) -> [u8; HASH_BYTES] {
    let mut hash = [0; HASH_BYTES];
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).expect("parameters within RFC 9106");
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    // It fails for lengths only, and these are ours; the password's are below 4 GiB.
    argon.hash_password_into(password.as_bytes(), salt, &mut hash).expect("lengths within RFC 9106");
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SystemRandom;

    #[test]
    fn a_password_is_right_and_others_are_not() {
        let kept = hash("correct horse battery", &SystemRandom).expect("a fit password");
        assert!(kept.starts_with(HEAD) && !kept.contains("horse"));
        assert!(is_right("correct horse battery", Some(&kept)));
        assert!(!is_right("correct horse batterY", Some(&kept)));
        for none in [None, Some(""), Some("correct horse battery"), Some("$argon2id$v=19$m=19456,t=2,p=1$AA$AA")] {
            assert!(!is_right("correct horse battery", none), "{none:?}");
        }
        assert_ne!(kept, hash("correct horse battery", &SystemRandom).expect("a fit password"), "salted");
        assert_eq!(hash("short", &SystemRandom), Err(Unfit { found: 5 }));
    }
}
