//! What is wrong with a message is told for what it is, and nothing that was damaged is taken.

use super::keys::{
    EXPIRED, Keys, PLAIN, RECEIVER, RSA, STRANGER, again, headers, opened, policy, recipient, sealed, wire,
};
use portolan::transport::as2::cms::GcmForm;
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::as2::refused::{Cause, Refused};
use portolan::transport::as2::seal::{Compression, Protection};

fn signed(keys: &'static Keys) -> Protection<'static> {
    Protection { sign: Some((&keys.own, Scheme::Pkcs1, Digest::Sha256)), ..PLAIN }
}

fn cause(found: Result<Vec<u8>, Refused>) -> Option<Cause> {
    found.err().map(|refused| refused.cause)
}

#[test]
fn err_each_changed_byte_of_what_is_signed_is_noticed() {
    let content = b"ISA*00*4711~".to_vec();
    let (headers, body) = wire(&sealed(&content, &signed(&RSA)));
    let trusted = [RSA.own.certificate.clone()];
    let begin = body.iter().position(|byte| *byte == b'\n').expect("a first delimiter") + 1;
    let end = body.windows(4).position(|four| four == b"\r\n--").expect("a second one");
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        match opened(&headers, &changed, &policy(&trusted, &[])).1 {
            Ok(found) => {
                assert!(found == content && !(begin..end).contains(&at), "byte {at} is changed, nobody notices")
            }
            Err(refused) if (begin..end).contains(&at) => {
                assert_eq!(refused.cause, Cause::IntegrityCheckFailed, "byte {at}: {refused}");
            }
            Err(_) => {}
        }
    }
}

#[test]
fn err_each_changed_byte_of_what_is_encrypted_and_signed_is_noticed() {
    let content = b"ISA*00*4711~".to_vec();
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    let (trusted, keys) = ([RSA.own.certificate.clone()], [again(&RECEIVER)]);
    for (cipher, form) in [
        (Cipher::Aes256Cbc, GcmForm::AuthEnveloped),
        (Cipher::Aes256Gcm, GcmForm::AuthEnveloped),
        (Cipher::Aes256Gcm, GcmForm::Enveloped),
    ] {
        let protection = Protection { encrypt: Some((cipher, form, &receivers)), ..signed(&RSA) };
        let (headers, body) = wire(&sealed(&content, &protection));
        let mut policy = policy(&trusted, &keys);
        (policy.must_be_signed, policy.must_be_encrypted) = (true, true);
        let begin = body.len() - usize::try_from(cipher.encrypted_length(10)).expect("few");
        for at in (0..body.len()).step_by(3).chain(begin..body.len()) {
            let mut changed = body.clone();
            changed[at] ^= 0x41;
            let (seen, found) = opened(&headers, &changed, &policy);
            match found {
                Ok(found) => assert_eq!(found, content, "byte {at}"),
                // All of them are answered alike.
                Err(refused) if refused.cause == Cause::DecryptionFailed && seen.mic.is_some() => {
                    panic!("byte {at}: a digest beside {refused}")
                }
                Err(refused) if cipher.is_gcm() && at >= begin => {
                    assert_eq!(refused.cause, Cause::DecryptionFailed, "byte {at}: {refused}");
                }
                Err(_) => {}
            }
        }
    }
}

#[test]
fn err_strangers_and_certificates_out_of_time() {
    let content = b"ISA*00*4711~".to_vec();
    let (head, body) = wire(&sealed(&content, &signed(&STRANGER)));
    let trusted = [RSA.own.certificate.clone(), EXPIRED.own.certificate.clone()];
    let (seen, found) = opened(&head, &body, &policy(&trusted, &[]));
    assert_eq!(cause(found), Some(Cause::AuthenticationFailed));
    assert_eq!(seen.stranger.as_deref(), Some(&STRANGER.own.certificate), "it is shown, to be accepted or not");
    let (head, body) = wire(&sealed(&content, &signed(&EXPIRED)));
    assert_eq!(cause(opened(&head, &body, &policy(&trusted, &[])).1), Some(Cause::AuthenticationFailed));
    // A certificate that follows another overlaps with it: either will do.
    let both = [STRANGER.own.certificate.clone(), RSA.own.certificate.clone()];
    for keys in [&RSA, &STRANGER] {
        let (head, body) = wire(&sealed(&content, &signed(keys)));
        assert_eq!(opened(&head, &body, &policy(&both, &[])).1, Ok(content.clone()));
    }
}

#[test]
fn err_less_than_was_agreed() {
    let content = b"ISA*00*4711~".to_vec();
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    let (trusted, keys) = ([RSA.own.certificate.clone()], [again(&RECEIVER)]);
    let mut strict = policy(&trusted, &keys);
    (strict.must_be_signed, strict.must_be_encrypted) = (true, true);
    let (head, body) = wire(&sealed(&content, &PLAIN));
    assert_eq!(cause(opened(&head, &body, &strict).1), Some(Cause::InsufficientMessageSecurity));
    let (head, body) = wire(&sealed(&content, &signed(&RSA)));
    assert_eq!(cause(opened(&head, &body, &strict).1), Some(Cause::InsufficientMessageSecurity));
    // What is encrypted and not signed could have been changed by anybody, so no more is told of it than of what is damaged.
    let encrypt = Some((Cipher::Aes256Cbc, GcmForm::AuthEnveloped, &receivers[..]));
    let (head, body) = wire(&sealed(&content, &Protection { encrypt, ..PLAIN }));
    assert_eq!(cause(opened(&head, &body, &strict).1), Some(Cause::DecryptionFailed));
    let encrypt = Some((Cipher::TripleDesCbc, GcmForm::AuthEnveloped, &receivers[..]));
    let (head, body) = wire(&sealed(&content, &Protection { encrypt, ..PLAIN }));
    assert_eq!(cause(opened(&head, &body, &policy(&trusted, &keys)).1), Some(Cause::InsufficientMessageSecurity));
}

#[test]
fn err_encrypted_to_somebody_else() {
    let content = b"ISA*00*4711~".to_vec();
    let receivers = [recipient(&STRANGER, KeyTransport::Pkcs1)];
    for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
        let encrypt = Some((cipher, GcmForm::AuthEnveloped, &receivers[..]));
        let (head, body) = wire(&sealed(&content, &Protection { encrypt, ..PLAIN }));
        let keys = [again(&RECEIVER)];
        assert_eq!(cause(opened(&head, &body, &policy(&[], &keys)).1), Some(Cause::DecryptionFailed));
    }
}

#[test]
fn err_what_is_cut_off_or_junk() {
    let content = b"ISA*00*4711~".repeat(100);
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    let (trusted, keys) = ([RSA.own.certificate.clone()], [again(&RECEIVER)]);
    let encrypt = Some((Cipher::Aes256Cbc, GcmForm::AuthEnveloped, &receivers[..]));
    for protection in [
        signed(&RSA),
        Protection { encrypt, ..signed(&RSA) },
        Protection { compress: Some(Compression::AfterSigning), ..signed(&RSA) },
        Protection { compress: Some(Compression::BeforeSigning), encrypt, ..PLAIN },
    ] {
        let (head, body) = wire(&sealed(&content, &protection));
        // The last line of a multipart may be missing its end.
        for length in (0..body.len() - 4).step_by(11) {
            let (_, found) = opened(&head, &body[..length], &policy(&trusted, &keys));
            assert!(
                found.is_err(),
                "{} cut at {length} of {}",
                head.get("content-type").unwrap_or_default(),
                body.len()
            );
        }
    }
    for content_type in ["application/pkcs7-mime", "multipart/signed", "multipart/signed; boundary=b"] {
        for junk in [&b""[..], b"junk", b"--b\r\n\r\n--b--", b"--b\r\n\r\nx\r\n--b\r\n\r\njunk\r\n--b--", &[0x30, 0x80]]
        {
            assert!(opened(&headers(content_type), junk, &policy(&trusted, &keys)).1.is_err(), "{content_type}");
        }
    }
}

#[test]
fn err_damaged_or_doubled_compression() {
    let content = b"ISA*00*4711~".repeat(100);
    let (head, body) = wire(&sealed(&content, &Protection { compress: Some(Compression::BeforeSigning), ..PLAIN }));
    for at in [body.len() - 1, body.len() - 20, body.len() / 2] {
        let mut changed = body.clone();
        changed[at] ^= 0x55;
        assert_eq!(cause(opened(&head, &changed, &policy(&[], &[])).1), Some(Cause::DecompressionFailed), "byte {at}");
    }
    let lines: String = head.0.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let inner = [lines.as_bytes(), b"\r\n", &body].concat();
    let mut packed = Vec::new();
    portolan::transport::as2::cms::deflate(&mut &inner[..], &mut packed).expect("memory writes");
    let twice = [portolan::transport::as2::cms::compressed_head(packed.len() as u64), packed].concat();
    assert_eq!(cause(opened(&head, &twice, &policy(&[], &[])).1), Some(Cause::DecompressionFailed));
}

#[test]
fn err_compressed_bytes_that_end_early() {
    let content = b"ISA*00*4711~".repeat(10_000);
    let inner = [b"Content-Type: application/EDI-X12\r\n\r\n", &content[..]].concat();
    let mut packed = Vec::new();
    portolan::transport::as2::cms::deflate(&mut &inner[..], &mut packed).expect("memory writes");
    let message = |packed: &[u8]| {
        let body = [portolan::transport::as2::cms::compressed_head(packed.len() as u64), packed.to_vec()].concat();
        opened(&headers("application/pkcs7-mime; smime-type=compressed-data"), &body, &policy(&[], &[])).1
    };
    assert_eq!(message(&packed), Ok(content));
    // However few are missing: the length of the message says that all are there.
    for missing in [1, 3, 4, 5, packed.len() / 2, packed.len() - 1] {
        assert_eq!(cause(message(&packed[..packed.len() - missing])), Some(Cause::DecompressionFailed), "{missing}");
    }
}

#[test]
fn err_a_payload_over_its_limit() {
    let content = vec![b'0'; 3 << 20];
    let (head, body) = wire(&sealed(&content, &Protection { compress: Some(Compression::BeforeSigning), ..PLAIN }));
    assert!(body.len() < 30_000, "{} bytes", body.len());
    let mut policy = policy(&[], &[]);
    policy.payload_bytes_max = 1 << 20;
    let refused = opened(&head, &body, &policy).1.expect_err("it is too large");
    assert!(refused.detail.contains("at most 1048576 bytes"), "{refused}");
}
