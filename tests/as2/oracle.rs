//! Whoever changes what CBC encrypts learns nothing from the answers. Without that, one who caught a message and asks often enough,
//! each time with a block of it behind another of his own, reads all of it: by whether the padding is right.

use super::keys::{PLAIN, RECEIVER, RSA, STRANGER, again, headers, opened, policy, sealed, wire};
use super::rebuilt::{Beside, encrypted, enveloped, opaque};
use portolan::transport::as2::asn1::{element, tag};
use portolan::transport::as2::certificate::OwnKey;
use portolan::transport::as2::crypto::{Cipher, Digest, Scheme};
use portolan::transport::as2::open::Seen;
use portolan::transport::as2::refused::{Cause, Refused};
use portolan::transport::as2::seal::{Compression, Protection};

const CONTENT: &[u8] = b"UNB+UNOC:3+A+B'UNZ+0+1'";

/// A message under its encryption, signed, with its header lines.
fn signed(key: &OwnKey, compress: Option<Compression>) -> Vec<u8> {
    let content = CONTENT.to_vec();
    let protection = Protection { sign: Some((key, Scheme::Pkcs1, Digest::Sha256)), compress, ..PLAIN };
    let (headers, body) = wire(&sealed(&content, &protection));
    let lines: String = headers.0.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    [lines.as_bytes(), b"\r\n", &body].concat()
}

fn strictly(body: &[u8]) -> (Seen, Result<Vec<u8>, Refused>) {
    let (trusted, keys) = ([RSA.own.certificate.clone()], [again(&RECEIVER)]);
    let mut policy = policy(&trusted, &keys);
    (policy.must_be_signed, policy.must_be_encrypted) = (true, true);
    opened(&headers("application/pkcs7-mime; smime-type=enveloped-data"), body, &policy)
}

/// However much of a message is left, a block of it behind it is answered alike whether it makes a right padding or a wrong one.
#[test]
fn err_a_block_behind_what_was_caught_tells_nothing_of_its_padding() {
    let unsigned = &element(tag::context(1), &element(tag::OCTET_STRING, &[0; 40]));
    for (name, entity, is_taken) in [
        ("detached", signed(&RSA.own, None), true),
        ("compressed before", signed(&RSA.own, Some(Compression::BeforeSigning)), true),
        ("compressed after", signed(&RSA.own, Some(Compression::AfterSigning)), true),
        ("opaque", opaque(CONTENT, &Beside::default()), true),
        // What nobody signed could be changed, and stands at the end.
        ("opaque with unsigned attributes", opaque(CONTENT, &Beside { unsigned, ..Beside::default() }), false),
    ] {
        let body = encrypted(&entity, Cipher::Aes256Cbc);
        let untouched = strictly(&body).1;
        assert_eq!(untouched.as_deref().ok(), is_taken.then_some(CONTENT), "{name}: {untouched:?}");
        let blocks = entity.len() / 16 + 1;
        // Most of it is content and certificates; the end is where signatures and delimiters stand.
        let kept = (0..blocks).step_by(7).chain(blocks.saturating_sub(40)..=blocks);
        for (kept, wanted) in kept.flat_map(|kept| [0, 1, 16].map(|padding| (kept, padding))) {
            let changed = enveloped(
                &body,
                |recipients| recipients,
                |ciphertext| {
                    // What the second block has to be joined with that it ends in what is wanted.
                    let (first, second) = (&ciphertext[..16], &ciphertext[16..32]);
                    let joined: Vec<u8> = (0..16).map(|at| first[at] ^ entity[16 + at] ^ wanted).collect();
                    [&ciphertext[..16 * kept], &joined, second].concat()
                },
            );
            let (seen, found) = strictly(&changed);
            let cause = found.map_err(|refused| refused.cause);
            assert_eq!((cause, seen.mic), (Err(Cause::DecryptionFailed), None), "{name}: {kept} of {blocks}, {wanted}");
        }
    }
}

#[test]
fn line_ends_may_stand_behind_what_is_signed_and_encrypted() {
    let entity = signed(&RSA.own, None);
    let with = |behind: &[u8], cipher| strictly(&encrypted(&[&entity[..], behind].concat(), cipher)).1;
    for behind in [&b""[..], b"\r\n", b"\n \t\r\n", &[b'\n'; 15]] {
        assert_eq!(with(behind, Cipher::Aes128Cbc).as_deref(), Ok(CONTENT), "{behind:?}");
    }
    for behind in [&b"epilogue"[..], b"\r\n.", &[b'\n'; 16], &[0]] {
        let cause = with(behind, Cipher::Aes128Cbc).map_err(|refused| refused.cause);
        assert_eq!(cause, Err(Cause::DecryptionFailed), "{behind:?}");
        // GCM tells by itself what was changed.
        assert_eq!(with(behind, Cipher::Aes128Gcm).as_deref(), Ok(CONTENT), "{behind:?}");
    }
}

/// What is whole, and wrong, is told for what it is: a partner has to learn it.
#[test]
fn err_signatures_that_do_not_hold_are_told_under_encryption() {
    let cause = |entity: &[u8]| strictly(&encrypted(entity, Cipher::Aes256Cbc)).1.map_err(|refused| refused.cause);
    assert_eq!(cause(&signed(&STRANGER.own, None)), Err(Cause::AuthenticationFailed));
    let mut changed = signed(&RSA.own, None);
    let at = changed.windows(CONTENT.len()).position(|it| it == CONTENT).expect("it is there");
    changed[at] ^= 1;
    assert_eq!(cause(&changed), Err(Cause::IntegrityCheckFailed));
}
