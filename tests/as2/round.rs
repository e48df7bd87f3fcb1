//! What is sealed is opened, and both sides say the same of what was received.

use super::keys::{P256, P384, P521, PLAIN, RECEIVER, RSA, again, opened, policy, recipient, sealed, wire};
use portolan::transport::as2::certificate::OwnKey;
use portolan::transport::as2::cms::GcmForm;
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::as2::open::Layer;
use portolan::transport::as2::seal::{Compression, Protection};
use portolan::transport::as2::variant::{WORDS, fitting, meant};
use std::io::Read as _;

/// What a message of EDI looks like, and what gives trouble: bare line ends, zeros, lines that begin like boundaries.
fn contents() -> Vec<Vec<u8>> {
    let mut binary: Vec<u8> = (0..=255).collect();
    binary.extend_from_slice(b"\n\r\n\r--b\r\n--=_\r\n\0\0--");
    vec![b"ISA*00*~\n".repeat(500), Vec::new(), b"x".to_vec(), binary, b"\r\n".to_vec(), vec![b'7'; 300_000]]
}

fn ways() -> Vec<Option<(&'static OwnKey, Scheme, Digest)>> {
    vec![
        None,
        Some((&RSA.own, Scheme::Pkcs1, Digest::Sha256)),
        Some((&RSA.own, Scheme::Pkcs1, Digest::Sha384)),
        Some((&RSA.own, Scheme::Pkcs1, Digest::Sha512)),
        Some((&RSA.own, Scheme::Pss, Digest::Sha256)),
        Some((&P256.own, Scheme::Ecdsa, Digest::Sha256)),
        Some((&P384.own, Scheme::Ecdsa, Digest::Sha384)),
        Some((&P521.own, Scheme::Ecdsa, Digest::Sha512)),
    ]
}

#[test]
fn what_is_sealed_is_opened() {
    let trusted: Vec<_> = [&RSA, &P256, &P384, &P521].map(|keys| keys.own.certificate.clone()).into();
    let keys = [again(&RSA), again(&RECEIVER)];
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    let mut count = 0;
    for content in contents() {
        for sign in ways() {
            for compress in [None, Some(Compression::BeforeSigning), Some(Compression::AfterSigning)] {
                for cipher in [None, Some(Cipher::Aes256Cbc), Some(Cipher::Aes128Gcm)] {
                    let encrypt = cipher.map(|cipher| (cipher, GcmForm::AuthEnveloped, &receivers[..]));
                    let sealed = sealed(&content, &Protection { sign, compress, encrypt, ..PLAIN });
                    let (headers, body) = wire(&sealed);
                    let (seen, found) = opened(&headers, &body, &policy(&trusted, &keys));
                    let what =
                        format!("{} bytes, {:?}, {compress:?}, {cipher:?}", content.len(), sign.map(|way| way.1));
                    let found = found.unwrap_or_else(|refused| panic!("{what}: {refused}"));
                    assert!(found == content, "{what}: {} bytes", found.len());
                    assert_eq!(seen.mic.as_ref(), Some(&sealed.mic), "{what}");
                    assert_eq!(seen.file_name.as_deref(), Some("order 4711.edi"), "{what}");
                    let encrypted = cipher.map(|cipher| Layer::Encrypted(cipher, Some(1)));
                    let signed = sign.map(|(key, _, digest)| {
                        let at = trusted.iter().position(|one| one.der() == key.certificate.der());
                        Layer::Signed(at.expect("it is trusted"), digest)
                    });
                    let packed = |when| (compress == Some(when)).then_some(Layer::Compressed);
                    let (before, after) = (packed(Compression::BeforeSigning), packed(Compression::AfterSigning));
                    let layers: Vec<_> = [encrypted, after, signed, before].into_iter().flatten().collect();
                    assert_eq!(seen.layers, layers, "{what}: the outermost first");
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 6 * 8 * 3 * 3);
}

#[test]
fn every_cipher_form_and_transport_is_opened() {
    let content = b"UNB+UNOA:4'".repeat(1000);
    let keys = [again(&RECEIVER)];
    for (cipher, name) in Cipher::ALL {
        for form in [GcmForm::AuthEnveloped, GcmForm::Enveloped] {
            let oaep = Digest::ALL.map(KeyTransport::Oaep);
            for transport in [KeyTransport::Pkcs1].into_iter().chain(oaep) {
                for by_key_id in [false, true] {
                    let mut receivers = vec![recipient(&RSA, transport), recipient(&RECEIVER, transport)];
                    receivers.iter_mut().for_each(|one| one.by_key_id = by_key_id);
                    let sealed = sealed(&content, &Protection { encrypt: Some((cipher, form, &receivers)), ..PLAIN });
                    let (headers, body) = wire(&sealed);
                    let mut policy = policy(&[], &keys);
                    policy.allows_legacy = true;
                    let (seen, found) = opened(&headers, &body, &policy);
                    let what = format!("{name} {form:?} {transport:?} {by_key_id}");
                    assert_eq!(found.as_ref(), Ok(&content), "{what}");
                    assert_eq!(seen.layers, [Layer::Encrypted(cipher, Some(0))], "{what}");
                }
            }
        }
    }
}

#[test]
fn keys_of_curves_are_encrypted_to() {
    let content = b"UNB+UNOA:4'".repeat(1000);
    let keys = [again(&P256), again(&P384), again(&P521)];
    for (at, curve) in [&P256, &P384, &P521].into_iter().enumerate() {
        for (cipher, name) in Cipher::ALL {
            for by_key_id in [false, true] {
                // One of RSA beside it, which we have not got the key of.
                let mut receivers = [recipient(&RSA, KeyTransport::Pkcs1), recipient(curve, KeyTransport::Pkcs1)];
                receivers[1].by_key_id = by_key_id;
                let encrypt = Some((cipher, GcmForm::AuthEnveloped, &receivers[..]));
                let (headers, body) = wire(&sealed(&content, &Protection { encrypt, ..PLAIN }));
                let mut policy = policy(&[], &keys);
                policy.allows_legacy = true;
                let (seen, found) = opened(&headers, &body, &policy);
                assert_eq!(found.as_ref(), Ok(&content), "{name} {at} {by_key_id}");
                assert_eq!(seen.layers, [Layer::Encrypted(cipher, Some(at))], "{name}");
            }
        }
    }
}

#[test]
fn a_message_is_the_same_each_time_it_is_read() {
    let content = b"x".repeat(200_000);
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    let encrypt = Some((Cipher::Aes256Gcm, GcmForm::AuthEnveloped, &receivers[..]));
    let sign = Some((&RSA.own, Scheme::Pss, Digest::Sha256));
    let sealed = sealed(&content, &Protection { sign, encrypt, ..PLAIN });
    assert!(wire(&sealed).1 == wire(&sealed).1);
}

/// What a partner may digest instead is told of the message alone, and is what sealing says it would be.
#[test]
fn what_else_may_be_digested_is_found_out() {
    assert_eq!(WORDS, portolan::partner::MICS, "what a channel may say");
    let content = b"UNA:+.? '\nUNB+UNOC:3'\n".repeat(20);
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    for sign in [None, Some((&RSA.own, Scheme::Pkcs1, Digest::Sha384))] {
        for compress in [None, Some(Compression::BeforeSigning), Some(Compression::AfterSigning)] {
            let mut values = Vec::new();
            for word in WORDS {
                let encrypt = Some((Cipher::Aes128Cbc, GcmForm::AuthEnveloped, &receivers[..]));
                let sealed = sealed(&content, &Protection { sign, compress, encrypt, also: meant(word), ..PLAIN });
                let value = sealed.also.as_ref().expect("a digest").value.clone();
                let mut clear = Vec::new();
                sealed.clear.expect("it is encrypted").open().expect("it opens").read_to_end(&mut clear).expect("read");
                let found = fitting(&clear, &value).unwrap_or_else(|| panic!("{word} {compress:?} is not found"));
                let what = format!("{word} {compress:?} is {found}");
                // Where nothing is compressed before, two words mean the same.
                let found = found.word().expect("a word of the channel");
                assert!(found == *word || (compress != Some(Compression::BeforeSigning) || sign.is_none()), "{what}");
                if *word == "part" {
                    assert_eq!(value, sealed.mic.value, "{what}");
                }
                values.push(value);
            }
            values.sort();
            values.dedup();
            assert!(values.len() >= 4, "{sign:?} {compress:?}", sign = sign.is_some());
        }
    }
}
