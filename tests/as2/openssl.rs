//! OpenSSL's `cms` takes what we make, and we take what it makes, in each of the forms that it has.

use super::keys::{
    Keys, P256, P384, P521, PLAIN, RECEIVER, RSA, again, headers, opened, policy, recipient, sealed, wire,
};
use portolan::transport::as2::certificate::OwnKey;
use portolan::transport::as2::cms::GcmForm;
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::as2::mime::Headers;
use portolan::transport::as2::refused::Cause;
use portolan::transport::as2::seal::{Compression, Protection};
use std::fs;
use std::path::Path;
use std::process::Command;

fn run(folder: &Path, arguments: &str) {
    let done = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "openssl {arguments}: {said}");
}

/// A folder with the keys of both sides.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, keys: &Keys| {
        fs::write(folder.path().join(format!("{name}.pem")), &keys.certificate_pem).expect("written");
        fs::write(folder.path().join(format!("{name}.key")), &keys.key_pem).expect("written");
    };
    write("rsa", &RSA);
    write("p256", &P256);
    write("p384", &P384);
    write("p521", &P521);
    write("receiver", &RECEIVER);
    folder
}

/// The message of a file that OpenSSL wrote with header lines.
fn message(folder: &Path, name: &str) -> (Headers, Vec<u8>) {
    let bytes = fs::read(folder.join(name)).expect("it was written");
    let end = bytes.windows(2).position(|two| two == b"\n\n").map(|at| at + 2);
    let crlf = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let end = end.into_iter().chain(crlf).min().expect("an empty line");
    (Headers::parse(&bytes[..end]), bytes[end..].to_vec())
}

/// An entity of MIME as AS2 senders have it.
fn entity(content: &[u8]) -> Vec<u8> {
    [b"Content-Type: application/EDI-X12\r\nContent-Transfer-Encoding: binary\r\n\r\n", content].concat()
}

#[test]
fn openssl_decrypts_and_verifies_what_we_make() {
    let folder = folder();
    let path = folder.path();
    let content = b"ISA*00*4711~\r\n".repeat(20_000);
    let ways: [(&OwnKey, Scheme, Digest, &str); 6] = [
        (&RSA.own, Scheme::Pkcs1, Digest::Sha256, "rsa"),
        (&RSA.own, Scheme::Pkcs1, Digest::Sha384, "rsa"),
        (&RSA.own, Scheme::Pkcs1, Digest::Sha512, "rsa"),
        (&RSA.own, Scheme::Pss, Digest::Sha256, "rsa"),
        (&RSA.own, Scheme::Pss, Digest::Sha512, "rsa"),
        (&P256.own, Scheme::Ecdsa, Digest::Sha256, "p256"),
    ];
    for (key, scheme, digest, name) in ways {
        let (headers, body) = wire(&sealed(&content, &Protection { sign: Some((key, scheme, digest)), ..PLAIN }));
        let lines: String = headers.0.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        fs::write(path.join("signed"), [b"MIME-Version: 1.0\r\n", lines.as_bytes(), b"\r\n", &body].concat())
            .expect("written");
        // With -binary it keeps a carriage return that belongs to the delimiter.
        run(path, &format!("cms -verify -purpose any -in signed -CAfile {name}.pem -out content"));
        let found = fs::read(path.join("content")).expect("the content");
        assert!(found.ends_with(&content), "{name} {scheme:?} {digest:?}");
    }
    for (cipher, name) in Cipher::ALL {
        for transport in [KeyTransport::Pkcs1, KeyTransport::Oaep(Digest::Sha1), KeyTransport::Oaep(Digest::Sha256)] {
            for by_key_id in [false, true] {
                let mut receivers = [recipient(&RECEIVER, transport)];
                receivers[0].by_key_id = by_key_id;
                let encrypt = Some((cipher, GcmForm::AuthEnveloped, &receivers[..]));
                let (_, body) = wire(&sealed(&content, &Protection { encrypt, ..PLAIN }));
                fs::write(path.join("encrypted"), &body).expect("written");
                run(
                    path,
                    "cms -decrypt -binary -inform DER -in encrypted -recip receiver.pem -inkey receiver.key -out content",
                );
                let found = fs::read(path.join("content")).expect("the content");
                assert!(found.ends_with(&content), "{name} {transport:?} {by_key_id}");
            }
        }
    }
    for (name, keys) in [("p256", &P256), ("p384", &P384), ("p521", &P521)] {
        for cipher in [Cipher::Aes128Cbc, Cipher::Aes192Cbc, Cipher::Aes256Gcm] {
            let receivers = [recipient(keys, KeyTransport::Pkcs1)];
            let encrypt = Some((cipher, GcmForm::AuthEnveloped, &receivers[..]));
            let (_, body) = wire(&sealed(&content, &Protection { encrypt, ..PLAIN }));
            fs::write(path.join("encrypted"), &body).expect("written");
            let line = format!(
                "cms -decrypt -binary -inform DER -in encrypted -recip {name}.pem -inkey {name}.key -out content"
            );
            run(path, &line);
            assert!(fs::read(path.join("content")).expect("the content").ends_with(&content), "{name} {cipher:?}");
        }
    }
    let (_, body) = wire(&sealed(&content, &Protection { compress: Some(Compression::BeforeSigning), ..PLAIN }));
    assert!(body.len() * 10 < content.len(), "{} bytes", body.len());
}

#[test]
fn what_openssl_encrypts_is_opened() {
    let folder = folder();
    let path = folder.path();
    let content = b"UNB+UNOA:4'\n".repeat(20_000);
    fs::write(path.join("entity"), entity(&content)).expect("written");
    let keys = [again(&RSA), again(&RECEIVER)];
    let head = headers("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m");
    for cipher in ["des3", "aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "aes-128-gcm", "aes-192-gcm", "aes-256-gcm"] {
        for how in ["", " -stream", " -keyid", " -stream -keyid"] {
            for oaep in [
                "",
                " -keyopt rsa_padding_mode:oaep",
                " -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256",
            ] {
                run(
                    path,
                    &format!(
                        "cms -encrypt -binary -{cipher}{how} -in entity -outform DER -out encrypted -recip receiver.pem{oaep}"
                    ),
                );
                let body = fs::read(path.join("encrypted")).expect("it was written");
                let mut policy = policy(&[], &keys);
                policy.allows_legacy = true;
                let (_, found) = opened(&head, &body, &policy);
                let found = found.unwrap_or_else(|refused| panic!("{cipher}{how}{oaep}: {refused}"));
                assert!(found == content, "{cipher}{how}{oaep}");
            }
        }
    }
    // To keys of curves. AES-192 is wrapped by a key of 192 bits there, which we do not take.
    let curves = [again(&P256), again(&P384), again(&P521)];
    for name in ["p256", "p384", "p521"] {
        for cipher in ["aes-128-cbc", "aes-256-cbc", "aes-256-gcm"] {
            for how in ["", " -keyid -stream", " -keyopt ecdh_kdf_md:sha256", " -keyopt ecdh_kdf_md:sha512"] {
                let how = format!("{how} -recip {name}.pem");
                let how = match how.split_once(" -keyopt ") {
                    // Options of a key stand behind it.
                    Some((before, rest)) => {
                        let (option, recipient) = rest.split_once(' ').expect("a recipient");
                        format!("{before} {recipient} -keyopt {option}")
                    }
                    None => how,
                };
                run(path, &format!("cms -encrypt -binary -{cipher} -in entity -outform DER -out encrypted{how}"));
                let body = fs::read(path.join("encrypted")).expect("it was written");
                let found = opened(&head, &body, &policy(&[], &curves)).1;
                let found = found.unwrap_or_else(|refused| panic!("{name} {cipher}{how}: {refused}"));
                assert!(found == content, "{name} {cipher}{how}");
            }
        }
    }
    // In base 64, as a mail has it, and for two.
    run(path, "cms -encrypt -binary -aes-256-cbc -in entity -out encrypted rsa.pem receiver.pem");
    let (head, body) = message(path, "encrypted");
    assert!(head.is_base64());
    for key in [&RSA, &RECEIVER] {
        assert_eq!(opened(&head, &body, &policy(&[], &[again(key)])).1.as_ref(), Ok(&content));
    }
}

#[test]
fn what_openssl_signs_is_opened() {
    let folder = folder();
    let path = folder.path();
    let content = b"ISA*00*4711~\r\n".repeat(500);
    fs::write(path.join("entity"), entity(&content)).expect("written");
    for (name, keys, how) in [
        ("rsa", &RSA, ""),
        ("rsa", &RSA, " -keyid"),
        ("rsa", &RSA, " -nocerts"),
        ("rsa", &RSA, " -noattr"),
        ("rsa", &RSA, " -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest"),
        ("rsa", &RSA, " -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:max"),
        ("rsa", &RSA, " -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:20"),
        ("rsa", &RSA, " -noattr -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:0"),
        ("p256", &P256, ""),
    ] {
        for digest in ["sha1", "sha256", "sha384", "sha512"] {
            if how.contains("pss") && digest == "sha1" {
                continue;
            }
            for opaque in ["", " -nodetach", " -nodetach -stream"] {
                if how.contains("pss") && opaque.contains("stream") {
                    // It fails to write those.
                    continue;
                }
                run(
                    path,
                    &format!(
                        "cms -sign -binary -md {digest}{opaque} -in entity -out signed -signer {name}.pem -inkey {name}.key{how}"
                    ),
                );
                let (head, body) = message(path, "signed");
                let trusted = [keys.own.certificate.clone()];
                let mut policy = policy(&trusted, &[]);
                (policy.allows_legacy, policy.must_be_signed) = (true, true);
                let (seen, found) = opened(&head, &body, &policy);
                let what = format!("{name} {digest}{how}{opaque}");
                if name == "p256" && digest == "sha1" {
                    // Nobody needs ECDSA with SHA-1.
                    assert!(found.is_err(), "{what}");
                    continue;
                }
                let found = found.unwrap_or_else(|refused| panic!("{what}: {refused}"));
                assert!(found == content, "{what}");
                assert_eq!(seen.mic.map(|mic| mic.digest.name().replace('-', "")), Some(digest.to_owned()), "{what}");
            }
        }
    }
}

/// What ends behind its content, in lengths that are told and in marks, is known to end under CBC too.
#[test]
fn what_openssl_signs_inside_and_encrypts_is_opened() {
    let folder = folder();
    let path = folder.path();
    let content = b"ISA*00*4711~\r\n".repeat(500);
    fs::write(path.join("entity"), entity(&content)).expect("written");
    let (trusted, keys) = ([RSA.own.certificate.clone()], [again(&RECEIVER)]);
    for how in ["", " -stream", " -stream -noattr"] {
        for form in ["SMIME", "DER"] {
            let line = format!("cms -sign -binary -md sha256 -nodetach{how} -in entity -outform {form} -out signed");
            run(path, &format!("{line} -signer rsa.pem -inkey rsa.key"));
            let mut signed = fs::read(path.join("signed")).expect("it was written");
            if form == "DER" {
                let lines = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n";
                signed = [&lines[..], &signed].concat();
            }
            fs::write(path.join("opaque"), signed).expect("written");
            for cipher in ["des3", "aes-128-cbc", "aes-256-gcm"] {
                let line =
                    format!("cms -encrypt -binary -{cipher} -in opaque -outform DER -out encrypted receiver.pem");
                run(path, &line);
                let body = fs::read(path.join("encrypted")).expect("it was written");
                let mut policy = policy(&trusted, &keys);
                (policy.allows_legacy, policy.must_be_signed) = (true, true);
                let found = opened(&headers("application/pkcs7-mime"), &body, &policy).1;
                let found = found.unwrap_or_else(|refused| panic!("{form}{how} {cipher}: {refused}"));
                assert!(found == content, "{form}{how} {cipher}");
            }
        }
    }
}

/// The provider has PSS with one digest only; what is wrong has to be told by its name.
#[test]
fn err_pss_with_another_digest_in_mgf1_is_named() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("entity"), entity(b"ISA*00*4711~")).expect("written");
    run(
        path,
        "cms -sign -binary -md sha256 -in entity -out signed -signer rsa.pem -inkey rsa.key -keyopt rsa_padding_mode:pss \
         -keyopt rsa_mgf1_md:sha1",
    );
    let (head, body) = message(path, "signed");
    let trusted = [RSA.own.certificate.clone()];
    let refused = opened(&head, &body, &policy(&trusted, &[])).1.expect_err("it is not known");
    assert_eq!(refused.cause, Cause::AuthenticationFailed);
    assert!(refused.detail.ends_with("expected sha-256 with MGF1 of sha-256, found MGF1 of sha-1"), "{refused}");
}

/// The same of OAEP; the cause is that of all that cannot be decrypted.
#[test]
fn err_oaep_with_another_digest_in_mgf1_is_named() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("entity"), entity(b"ISA*00*4711~")).expect("written");
    let oaep = "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha1";
    let line = "cms -encrypt -binary -aes-256-cbc -in entity -outform DER -out encrypted -recip";
    run(path, &format!("{line} receiver.pem {oaep}"));
    let body = fs::read(path.join("encrypted")).expect("it was written");
    let (head, keys) = (headers("application/pkcs7-mime"), [again(&RECEIVER)]);
    let refused = opened(&head, &body, &policy(&[], &keys)).1.expect_err("it is not known");
    assert_eq!(refused.cause, Cause::DecryptionFailed);
    assert!(refused.detail.ends_with("expected sha-256 with MGF1 of sha-256, found MGF1 of sha-1"), "{refused}");
    // For another recipient it is nothing to us.
    run(path, &format!("{line} rsa.pem {oaep} -recip receiver.pem"));
    let body = fs::read(path.join("encrypted")).expect("it was written");
    assert_eq!(opened(&head, &body, &policy(&[], &keys)).1.as_deref(), Ok(&b"ISA*00*4711~"[..]));
}
