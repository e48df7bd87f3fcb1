//! How others write what we would write otherwise: forms, spellings and lies that have to be taken, each by itself.

use super::keys::{PLAIN, RECEIVER, RSA, again, headers, opened, policy, recipient, sealed, wire};
use super::rebuilt::{Beside, opaque};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan::clock::{Clock as _, SystemClock};
use portolan::transport::as2::asn1::{element, sequence, tag};
use portolan::transport::as2::certificate::{Certificate, OwnKey, private_key};
use portolan::transport::as2::cms::{self, GcmForm, Recipient};
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::as2::mime::{Headers, Peeked};
use portolan::transport::as2::open::{Layer, Mic};
use portolan::transport::as2::refused::Cause;
use portolan::transport::as2::seal::Protection;
use std::process::Command;
use std::sync::Arc;

const CONTENT: &[u8] = b"UNA:+.? '\r\nUNB+UNOC:3'\r\n";

/// A multipart/signed as somebody may write it.
struct Written<'w> {
    /// Header lines of the part that is signed.
    part: &'w str,
    content: &'w [u8],
    digest: Digest,
    micalg: &'w str,
    /// `Content-Type` of the signature, and whether it is in base 64.
    signature: (&'w str, bool),
    preamble: &'w str,
    /// The boundary as the header line has it.
    boundary: &'w str,
}

const USUAL: Written<'static> = Written {
    part: "Content-Type: application/EDIFACT\r\nContent-Transfer-Encoding: binary\r\n",
    content: CONTENT,
    digest: Digest::Sha256,
    micalg: "sha-256",
    signature: ("application/pkcs7-signature; name=smime.p7s", true),
    preamble: "",
    boundary: "\"b=1\"",
};

impl Written<'_> {
    fn message(&self) -> (Headers, Vec<u8>) {
        let part = [self.part.as_bytes(), b"\r\n", self.content].concat();
        let digest = self.digest.of(&part);
        let der = match self.digest {
            // Nobody here signs with it any more.
            Digest::Sha1 => signed_with_sha_1(&part),
            other => cms::sign(&RSA.own, Scheme::Pkcs1, other, &digest, SystemClock.now()).expect("signed"),
        };
        let (kind, is_base64) = self.signature;
        let encoding = if is_base64 { "base64" } else { "binary" };
        let signature = if is_base64 { STANDARD.encode(der).into_bytes() } else { der };
        let head = format!("{}--b=1\r\n", self.preamble);
        let between = format!("\r\n--b=1\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
        let body = [head.as_bytes(), &part, between.as_bytes(), &signature, b"\r\n--b=1--\r\n"].concat();
        let (micalg, boundary) = (self.micalg, self.boundary);
        let kind =
            format!("multipart/signed; protocol=\"application/pkcs7-signature\"; micalg={micalg}; boundary={boundary}");
        (headers(&kind), body)
    }

    /// It is opened to its content, and its digest is that of the part as it stands.
    fn is_taken(&self, what: &str, content: &[u8]) {
        let (headers, body) = self.message();
        let trusted = [RSA.own.certificate.clone()];
        let mut policy = policy(&trusted, &[]);
        policy.allows_legacy = self.digest == Digest::Sha1;
        let (seen, found) = opened(&headers, &body, &policy);
        assert_eq!(found.as_deref(), Ok(content), "{what}");
        assert_eq!(seen.layers, [Layer::Signed(0, self.digest)], "{what}");
        let part = [self.part.as_bytes(), b"\r\n", self.content].concat();
        assert_eq!(seen.mic, Some(Mic { digest: self.digest, value: self.digest.of(&part) }), "{what}");
    }
}

/// A signature of OpenSSL's over a part.
fn signed_with_sha_1(part: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [("part", part), ("signer.pem", RSA.certificate_pem.as_bytes()), ("key.pem", RSA.key_pem.as_bytes())];
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("written");
    }
    let line = "cms -sign -binary -md sha1 -in part -signer signer.pem -inkey key.pem -outform DER";
    let signed =
        Command::new("openssl").args(line.split(' ')).current_dir(folder.path()).output().expect("openssl runs");
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    signed.stdout
}

#[test]
fn parts_are_taken_in_each_encoding() {
    let packed = STANDARD.encode(CONTENT);
    for (part, content) in [
        ("Content-Type: application/EDIFACT\r\n", CONTENT),
        ("Content-Type: application/EDIFACT\r\nContent-Transfer-Encoding: 8bit\r\n", CONTENT),
        ("content-type: application/EDIFACT\r\ncontent-transfer-encoding: BINARY\r\n", CONTENT),
        ("Content-Type: application/EDIFACT\r\nContent-Transfer-Encoding: base64\r\n", packed.as_bytes()),
        ("Content-Type: application/EDIFACT;\r\n name=\"o.edi\"\r\nContent-Transfer-Encoding: binary\r\n", CONTENT),
    ] {
        Written { part, content, ..USUAL }.is_taken(part, CONTENT);
    }
}

#[test]
fn signatures_are_taken_in_each_form() {
    for kind in ["application/pkcs7-signature", "application/x-pkcs7-signature; name=\"smime.p7s\""] {
        for is_base64 in [true, false] {
            Written { signature: (kind, is_base64), ..USUAL }.is_taken(kind, CONTENT);
        }
    }
}

#[test]
fn digests_are_known_in_every_spelling_and_where_they_are_named_wrongly() {
    for micalg in ["sha-256", "SHA256", "sha2-256", "\"sha-256\"", "rsa-sha256", "sha256_ecdsa", "sha1, sha256"] {
        Written { micalg, ..USUAL }.is_taken(micalg, CONTENT);
    }
    // What is announced is another one than the signature has.
    Written { micalg: "sha1", ..USUAL }.is_taken("sha1, and it is sha-256", CONTENT);
    Written { micalg: "sha-256", digest: Digest::Sha1, ..USUAL }.is_taken("sha-256, and it is sha-1", CONTENT);
    Written { micalg: "unknown", ..USUAL }.is_taken("unknown, and it is sha-256", CONTENT);
    Written { micalg: "sha-512", digest: Digest::Sha512, ..USUAL }.is_taken("sha-512", CONTENT);
}

#[test]
fn err_sha_1_that_nobody_announced_is_told_as_too_weak() {
    let (headers, body) = Written { digest: Digest::Sha1, ..USUAL }.message();
    let trusted = [RSA.own.certificate.clone()];
    let (_, found) = opened(&headers, &body, &policy(&trusted, &[]));
    let refused = found.expect_err("it is refused");
    assert_eq!(refused.cause.word(), "insufficient-message-security", "{refused}");
}

#[test]
fn what_stands_around_the_parts_is_passed_over() {
    for preamble in ["This is a signed message.\r\n", "--b=10\r\n\r\n", "\r\n\r\n"] {
        Written { preamble, ..USUAL }.is_taken(preamble, CONTENT);
    }
    // Contents that look like delimiters, and those that are next to nothing.
    for content in [&b"--b=1x\r\n--b=12\r\n--\r\n"[..], b"", b"\n", b"\0"] {
        Written { content, ..USUAL }.is_taken("content", content);
    }
}

#[test]
fn encrypted_messages_are_taken_as_others_name_and_pack_them() {
    let content = CONTENT.to_vec();
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    let encrypt = Some((Cipher::Aes128Cbc, GcmForm::AuthEnveloped, &receivers[..]));
    let protection = Protection { encrypt, ..PLAIN };
    let sealed = sealed(&content, &protection);
    let (_, body) = wire(&sealed);
    let (packed, keys) = (STANDARD.encode(&body).into_bytes(), [again(&RECEIVER)]);
    for kind in [
        "application/pkcs7-mime; smime-type=enveloped-data",
        "application/x-pkcs7-mime; smime-type=enveloped-data",
        "application/pkcs7-mime",
        "application/pkcs7-mime; smime-type=signed-data",
        "Application/PKCS7-MIME; SMIME-TYPE=\"enveloped-data\"",
    ] {
        for (encoding, body) in [(None, &body), (Some("base64"), &packed), (Some("binary"), &body)] {
            let mut lines = vec![("content-type".to_owned(), kind.to_owned())];
            lines.extend(encoding.map(|name| ("CONTENT-TRANSFER-ENCODING".to_owned(), name.to_owned())));
            let (seen, found) = opened(&Headers(lines), body, &policy(&[], &keys));
            assert_eq!(found.as_ref(), Ok(&content), "{kind} {encoding:?}");
            assert_eq!(seen.layers, [Layer::Encrypted(Cipher::Aes128Cbc, Some(0))], "{kind} {encoding:?}");
        }
    }
}

#[test]
fn long_keys_sign_and_are_encrypted_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "req -x509 -newkey rsa:4096 -nodes -subj /CN=Long -days 2 -keyout key.pem -out certificate.pem";
    let made = Command::new("openssl").args(line.split(' ')).current_dir(folder.path()).output().expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("it was written");
    let certificate = Certificate::all(&read("certificate.pem")).expect("a certificate").remove(0);
    let key = private_key(&read("key.pem")).expect("a key");
    let own = || OwnKey::new(certificate.clone(), &key).expect("they belong together");
    let (signer, content) = (own(), CONTENT.to_vec());
    let receivers = [Recipient {
        certificate: certificate.clone(),
        transport: KeyTransport::Oaep(Digest::Sha256),
        by_key_id: true,
    }];
    let protection = Protection {
        sign: Some((&signer, Scheme::Pkcs1, Digest::Sha512)),
        encrypt: Some((Cipher::Aes256Gcm, GcmForm::AuthEnveloped, &receivers)),
        has_old_micalg: true,
        ..PLAIN
    };
    let (headers, body) = wire(&sealed(&content, &protection));
    let (trusted, keys) = ([certificate.clone()], [Arc::new(own())]);
    let (seen, found) = opened(&headers, &body, &policy(&trusted, &keys));
    assert_eq!(found.as_ref(), Ok(&content));
    assert_eq!(seen.layers, [Layer::Encrypted(Cipher::Aes256Gcm, Some(0)), Layer::Signed(0, Digest::Sha512)]);
}

/// BouncyCastle says among what it signs how it signs (RFC 6211): a signature by a weaker digest cannot be put in its place.
#[test]
fn algorithms_that_are_protected_are_those_of_the_signature() {
    let (oid, null) = (|bytes: &[u8]| element(tag::OID, bytes), [tag::NULL, 0]);
    let rsa = oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]);
    let curve = oid(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]);
    let protection = oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x34]);
    let found = |digest: Digest, how: &[u8]| {
        let how = element(tag::context(1), &[how, &null].concat());
        let value = sequence(&[&sequence(&[&oid(digest.oid()), &null]), &how]);
        let attribute = &sequence(&[&protection, &element(tag::SET, &value)]);
        let message = opaque(CONTENT, &Beside { attribute, ..Beside::default() });
        let mut source = &message[..];
        let head = Peeked::new(&mut source).head().expect("a head");
        let trusted = [RSA.own.certificate.clone()];
        opened(&Headers::parse(&head), &message[head.len()..], &policy(&trusted, &[])).1
    };
    assert_eq!(found(Digest::Sha256, &rsa).as_deref(), Ok(CONTENT));
    for (digest, how) in [(Digest::Sha1, &rsa), (Digest::Sha512, &rsa), (Digest::Sha256, &curve)] {
        let refused = found(digest, how).expect_err("another algorithm is said");
        assert_eq!(refused.cause, Cause::IntegrityCheckFailed, "{refused}");
        assert!(refused.detail.contains("RFC 6211"), "{refused}");
    }
}

/// Some name the signature by an algorithm with its digest in it: sha256WithRSAEncryption.
#[test]
fn signatures_are_known_by_either_name_of_their_algorithm() {
    let (headers, body) = Written { signature: ("application/pkcs7-signature", false), ..USUAL }.message();
    // rsaEncryption and sha256WithRSAEncryption differ in their last octet; the signer's stands last.
    let plain = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
    let at = body.windows(plain.len()).rposition(|it| it == plain).expect("it is there");
    let mut other = body.clone();
    other[at + plain.len() - 1] = 0x0B;
    let trusted = [RSA.own.certificate.clone()];
    for body in [body, other] {
        let (seen, found) = opened(&headers, &body, &policy(&trusted, &[]));
        assert_eq!(found.as_deref(), Ok(CONTENT));
        assert_eq!(seen.layers, [Layer::Signed(0, Digest::Sha256)]);
    }
}
