//! What stands around a content is bounded, since whoever sends it has shown nothing yet.

use super::keys::{P256, PLAIN, RECEIVER, RSA, again, headers, opened, policy, recipient, sealed, wire};
use super::rebuilt::{Beside, encrypted, enveloped, opaque};
use portolan::transport::as2::asn1::{Ber, element, number, sequence, tag};
use portolan::transport::as2::certificate::issuer_and_serial;
use portolan::transport::as2::cms::GcmForm;
use portolan::transport::as2::crypto::{Cipher, KeyTransport};
use portolan::transport::as2::mime::{Headers, Peeked};
use portolan::transport::as2::refused::{Cause, Refused};
use portolan::transport::as2::seal::Protection;

const ENTITY: &[u8] = b"Content-Type: application/EDIFACT\r\n\r\nUNB'";
const CONTENT: &[u8] = b"UNB'";

/// Opens a message of the receiver's that has other recipients, made of the one that it has.
fn with(recipients: impl Fn(Vec<u8>) -> Vec<Vec<u8>>) -> Result<Vec<u8>, Cause> {
    let body = encrypted(ENTITY, Cipher::Aes256Cbc);
    let body = enveloped(&body, |mut infos| recipients(infos.remove(0)), |ciphertext| ciphertext);
    let keys = [again(&RECEIVER)];
    opened(&headers("application/pkcs7-mime"), &body, &policy(&[], &keys)).1.map_err(|refused| refused.cause)
}

/// A recipient by a key id, with a key of so many bytes, by PKCS#1 v1.5.
fn other(name: &[u8], key: &[u8]) -> Vec<u8> {
    let rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
    let algorithm = sequence(&[&element(tag::OID, &rsa), &[tag::NULL, 0]]);
    let name = element(tag::context_primitive(0), name);
    sequence(&[&number(2), &name, &algorithm, &element(tag::OCTET_STRING, key)])
}

#[test]
fn err_recipients_over_their_limits_are_not_looked_at() {
    let behind = |count: usize, name: usize, key: usize| {
        with(|ours| [vec![other(&vec![7; name], &vec![7; key]); count], vec![ours]].concat())
    };
    assert_eq!(behind(63, 20, 256).as_deref(), Ok(CONTENT));
    assert_eq!(behind(64, 20, 256), Err(Cause::DecryptionFailed), "the first 64");
    // 42 of them have 252 KiB.
    let behind_last = |name: usize| {
        let last = other(&vec![7; name], &[7; 2048]);
        with(|ours| [vec![other(&[7; 4096], &[7; 2048]); 42], vec![last.clone(), ours]].concat())
    };
    assert_eq!(behind_last(1024).as_deref(), Ok(CONTENT), "255 KiB");
    assert_eq!(behind_last(2048), Err(Cause::DecryptionFailed), "256 KiB");
    // Those that cannot be ours take no room.
    assert_eq!(behind(100, 4097, 20).as_deref(), Ok(CONTENT));
    assert_eq!(behind(100, 20, 2049).as_deref(), Ok(CONTENT));
}

/// Recipients who share an agreement are counted like others.
#[test]
fn err_recipients_of_an_agreement_over_the_limit() {
    let receivers = [recipient(&P256, KeyTransport::Pkcs1)];
    let encrypt = Some((Cipher::Aes256Cbc, GcmForm::AuthEnveloped, &receivers[..]));
    let content = CONTENT.to_vec();
    let (head, body) = wire(&sealed(&content, &Protection { encrypt, ..PLAIN }));
    let keys = [again(&P256)];
    let stranger = sequence(&[&issuer_and_serial(&RSA.own.certificate), &element(tag::OCTET_STRING, &[7; 40])]);
    for (count, is_taken) in [(62, true), (63, false)] {
        let behind = |infos: Vec<Vec<u8>>| {
            let mut ber = Ber::new(&infos[0][..]);
            ber.enter(tag::context(1)).expect("an agreement");
            let begin: Vec<u8> = (0..3).flat_map(|_| ber.whole().expect("an element")).collect();
            ber.enter(tag::SEQUENCE).expect("its recipients");
            let both = sequence(&[&stranger, &ber.whole().expect("ours")]);
            [vec![other(&[7; 20], &[7; 256]); count], vec![element(tag::context(1), &[begin, both].concat())]].concat()
        };
        let body = enveloped(&body, behind, |ciphertext| ciphertext);
        let found = opened(&head, &body, &policy(&[], &keys)).1;
        assert_eq!(found.is_ok(), is_taken, "behind {count} others, and one of the same agreement: {found:?}");
    }
}

#[test]
fn err_each_key_is_asked_once_in_each_way() {
    let name = issuer_and_serial(&RECEIVER.own.certificate);
    let rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
    let algorithm = sequence(&[&element(tag::OID, &rsa), &[tag::NULL, 0]]);
    let damaged = sequence(&[&number(0), &name, &algorithm, &element(tag::OCTET_STRING, &[7; 256])]);
    assert_eq!(with(|ours| vec![ours, damaged.clone()]).as_deref(), Ok(CONTENT));
    assert_eq!(with(|ours| vec![damaged.clone(), ours]), Err(Cause::DecryptionFailed));
}

#[test]
fn err_signatures_over_their_limit_behind_their_content() {
    let found = |bytes: usize| -> Result<Vec<u8>, Refused> {
        // Certificates of another form, of which there may be any number.
        let certificates = &element(tag::context(1), &vec![7; bytes]).repeat(8);
        let message = opaque(CONTENT, &Beside { certificates, ..Beside::default() });
        let mut source = &message[..];
        let head = Peeked::new(&mut source).head().expect("a head");
        let trusted = [RSA.own.certificate.clone()];
        opened(&Headers::parse(&head), &message[head.len()..], &policy(&trusted, &[])).1
    };
    assert_eq!(found(100_000).as_deref(), Ok(CONTENT));
    let refused = found(140_000).expect_err("it is too much");
    assert_eq!(refused.cause, Cause::IntegrityCheckFailed);
    assert!(refused.detail.contains("more than 1048576 bytes"), "{refused}");
}
