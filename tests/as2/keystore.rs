//! Files of keys and certificates: what OpenSSL and keytool write is read, what we write they take, and what is something
//! else is named.

use super::keys::{EXPIRED, Keys, P256, RSA, STRANGER};
use portolan::id::SystemRandom;
use portolan::transport::as2::certificate::{Certificate, SERIAL_OCTETS_MAX};
use portolan::transport::as2::crypto::PrivateKey;
use portolan::transport::as2::exchange::CERTIFICATE_BYTES_MAX;
use portolan::transport::as2::keystore::{
    self, CERTIFICATES_MAX, FILE_BYTES_MAX, Found, KEYS_MAX, NAME_CHARACTERS_MAX, Unread, belongs, pkcs7, pkcs12,
    private_key, read,
};
use portolan::transport::as2::request::{
    ALTERNATIVE_NAMES_MAX, ATTRIBUTE_CHARACTERS_MAX, AlternativeName, Subject, request,
};
use portolan::transport::as2::self_signed::NewKey;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PASSWORD: &str = "Grüße, Lampe 7";

fn program(name: &str, folder: &Path, arguments: &[&str]) -> Option<Output> {
    Command::new(name).args(arguments).current_dir(folder).output().ok()
}

/// Runs OpenSSL; its standard output.
fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let done = program("openssl", folder, arguments).expect("openssl runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "openssl {arguments:?}: {said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// A folder with key and certificate of some.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, keys) in [("rsa", &*RSA), ("p256", &*P256)] {
        fs::write(folder.path().join(format!("{name}.pem")), &keys.certificate_pem).expect("written");
        fs::write(folder.path().join(format!("{name}.key")), &keys.key_pem).expect("written");
    }
    fs::write(folder.path().join("other.pem"), &STRANGER.certificate_pem).expect("written");
    folder
}

fn file(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).expect("it was written")
}

fn found(bytes: &[u8], password: Option<&str>) -> Found {
    read(bytes, password).unwrap_or_else(|error| panic!("{error}"))
}

fn error(bytes: &[u8], password: Option<&str>) -> Unread {
    read(bytes, password).err().expect("it is refused")
}

fn certificates(found: &Found) -> Vec<&Certificate> {
    found.certificates.iter().map(|one| &one.certificate).collect()
}

fn is_key_of(key: &PrivateKey, keys: &Keys) -> bool {
    belongs(key, &keys.own.certificate)
}

#[test]
fn certificates_in_every_form_of_openssl_are_read() {
    let folder = folder();
    let path = folder.path();
    openssl(path, &["x509", "-in", "rsa.pem", "-outform", "DER", "-out", "rsa.der"]);
    openssl(path, &["x509", "-in", "rsa.pem", "-trustout", "-addtrust", "emailProtection", "-out", "trusted.pem"]);
    openssl(path, &["crl2pkcs7", "-nocrl", "-certfile", "rsa.pem", "-certfile", "other.pem", "-out", "two.p7b"]);
    openssl(path, &["pkcs7", "-in", "two.p7b", "-outform", "DER", "-out", "two.der.p7b"]);
    let text = openssl(path, &["x509", "-in", "rsa.pem", "-text"]);
    fs::write(path.join("text.pem"), text.replace('\n', "\r\n")).expect("written");
    let bare: String = RSA.certificate_pem.lines().filter(|line| !line.starts_with('-')).collect();
    fs::write(path.join("bare.txt"), bare).expect("written");
    let (rsa, other) = (&RSA.own.certificate, &STRANGER.own.certificate);
    for name in ["rsa.pem", "rsa.der", "trusted.pem", "text.pem", "bare.txt"] {
        assert_eq!(certificates(&found(&file(path, name), None)), [rsa], "{name}");
    }
    for name in ["two.p7b", "two.der.p7b"] {
        let found = found(&file(path, name), None);
        let mut all = certificates(&found);
        all.sort_by_key(|one| *one != rsa);
        assert_eq!(all, [rsa, other], "{name}");
    }
    let both = format!("{}{}", RSA.certificate_pem, STRANGER.certificate_pem);
    assert_eq!(certificates(&found(both.as_bytes(), None)), [rsa, other]);
    // The same twice is one.
    assert_eq!(certificates(&found(RSA.certificate_pem.repeat(2).as_bytes(), None)), [rsa]);
}

#[test]
fn keys_in_every_form_of_openssl_are_read() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("pass"), PASSWORD).expect("written");
    for (name, keys) in [("rsa", &*RSA), ("p256", &*P256)] {
        let (source, old) = (format!("{name}.key"), format!("{name}.old"));
        openssl(path, &[if name == "rsa" { "rsa" } else { "ec" }, "-in", &source, "-out", &old]);
        if name == "rsa" {
            openssl(path, &["rsa", "-in", &source, "-traditional", "-out", &old]);
        }
        let first = String::from_utf8_lossy(&file(path, &old)).into_owned();
        assert!(first.starts_with(if name == "rsa" { "-----BEGIN RSA" } else { "-----BEGIN EC" }), "{first}");
        openssl(path, &["pkey", "-in", &source, "-outform", "DER", "-out", "plain.der"]);
        for form in [old.as_str(), "plain.der", &source] {
            let found = found(&file(path, form), None);
            assert!(found.keys.len() == 1 && is_key_of(&found.keys[0].key, keys), "{name} {form}");
            assert!(is_key_of(&private_key(&file(path, form)).expect("a key"), keys));
        }
        for how in [
            &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256"][..],
            &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
            &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512", "-iter", "100000"],
            &["-v2", "des3", "-v2prf", "hmacWithSHA384"],
            &["-v1", "PBE-SHA1-3DES"],
            &["-v1", "PBE-SHA1-2DES"],
        ] {
            let line = ["pkcs8", "-topk8", "-in", &source, "-passout", "file:pass", "-out", "sealed.key"];
            openssl(path, &[&line[..], how].concat());
            let bytes = file(path, "sealed.key");
            let found = found(&bytes, Some(PASSWORD));
            assert!(is_key_of(&found.keys[0].key, keys), "{name} {how:?}");
            assert_eq!(error(&bytes, Some("another")), Unread::PasswordWrong, "{name} {how:?}");
            assert_eq!(error(&bytes, None), Unread::PasswordNeeded);
        }
    }
}

#[test]
fn pkcs12_of_openssl_is_read_with_its_names_and_its_chain() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("pass"), PASSWORD).expect("written");
    let legacy = program("openssl", path, &["list", "-providers", "-provider", "legacy"]);
    let has_legacy = legacy.is_some_and(|done| done.status.success());
    let mut ways: Vec<&[&str]> = vec![
        &[],
        &["-macalg", "SHA512", "-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC"],
        &["-macalg", "SHA1", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"],
        &["-keypbe", "NONE", "-certpbe", "NONE"],
    ];
    if has_legacy {
        // The default of OpenSSL before 3, of old Java and old Windows: RC2 of 40 bits.
        ways.push(&["-legacy"]);
        ways.push(&["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-2DES"]);
    }
    for (name, keys) in [("rsa", &*RSA), ("p256", &*P256)] {
        for way in &ways {
            let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
            let line =
                ["pkcs12", "-export", "-inkey", &key, "-in", &pem, "-certfile", "other.pem", "-name", "Müller AS2"];
            let more = ["-passout", "file:pass", "-out", "keys.p12"];
            openssl(path, &[&line[..], way, &more].concat());
            let bytes = file(path, "keys.p12");
            let found = found(&bytes, Some(PASSWORD));
            assert_eq!(certificates(&found), [&keys.own.certificate, &STRANGER.own.certificate], "{way:?}");
            assert_eq!(found.certificates[0].name.as_deref(), Some("Müller AS2"), "{way:?}");
            assert_eq!(found.keys.len(), 1);
            assert!(is_key_of(&found.keys[0].key, keys), "{name} {way:?}");
            assert_eq!(error(&bytes, Some("another")), Unread::PasswordWrong, "{way:?}");
            assert_eq!(error(&bytes, None), Unread::PasswordNeeded, "{way:?}");
        }
    }
    // Without a password, which is an empty one or none at all; without a MAC.
    openssl(
        path,
        &["pkcs12", "-export", "-inkey", "rsa.key", "-in", "rsa.pem", "-passout", "pass:", "-out", "empty.p12"],
    );
    assert_eq!(certificates(&found(&file(path, "empty.p12"), None)), [&RSA.own.certificate]);
    let line = [
        "pkcs12",
        "-export",
        "-inkey",
        "rsa.key",
        "-in",
        "rsa.pem",
        "-nomac",
        "-passout",
        "pass:x",
        "-out",
        "nomac.p12",
    ];
    openssl(path, &line);
    assert_eq!(found(&file(path, "nomac.p12"), Some("x")).keys.len(), 1);
    assert_eq!(error(&file(path, "nomac.p12"), Some("y")), Unread::PasswordWrong);
    assert_eq!(error(&file(path, "nomac.p12"), None), Unread::PasswordNeeded);
    // Certificates alone.
    openssl(path, &["pkcs12", "-export", "-nokeys", "-in", "rsa.pem", "-passout", "pass:x", "-out", "alone.p12"]);
    assert_eq!(certificates(&found(&file(path, "alone.p12"), Some("x"))), [&RSA.own.certificate]);
}

#[test]
fn openssl_reads_what_we_write() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("pass"), PASSWORD).expect("written");
    for keys in [&*RSA, &*P256] {
        let own = &keys.own;
        let chain = [&STRANGER.own.certificate];
        let bytes = pkcs12("our-as2", (&own.certificate, Some(&own.private)), &chain, PASSWORD, &SystemRandom);
        let bytes = bytes.expect("it is written");
        fs::write(path.join("ours.p12"), &bytes).expect("written");
        let plain = openssl(path, &["pkcs12", "-in", "ours.p12", "-passin", "file:pass", "-nodes"]);
        assert!(plain.contains("friendlyName: our-as2"), "{plain}");
        let again = found(plain.as_bytes(), None);
        assert_eq!(certificates(&again), [&own.certificate, &STRANGER.own.certificate]);
        assert!(is_key_of(&again.keys[0].key, keys));
        let info = program("openssl", path, &["pkcs12", "-in", "ours.p12", "-passin", "file:pass", "-info", "-noout"]);
        let info = String::from_utf8_lossy(&info.expect("openssl").stderr).into_owned();
        assert!(info.contains("AES-256-CBC") && info.contains("hmacWithSHA256"), "{info}");
        let ours = found(&bytes, Some(PASSWORD));
        assert_eq!(ours.certificates[0].name.as_deref(), Some("our-as2"));
        // Without the key there is none in it.
        let alone = pkcs12("theirs", (&own.certificate, None), &[], PASSWORD, &SystemRandom).expect("it is written");
        assert!(found(&alone, Some(PASSWORD)).keys.is_empty());
    }
    fs::write(path.join("ours.p7b"), pkcs7(&[&RSA.own.certificate, &STRANGER.own.certificate])).expect("written");
    let printed = openssl(path, &["pkcs7", "-inform", "DER", "-in", "ours.p7b", "-print_certs"]);
    assert_eq!(found(printed.as_bytes(), None).certificates.len(), 2);
    assert_eq!(found(&file(path, "ours.p7b"), None).certificates.len(), 2);
}

/// Where there is a Java, whose keystores are what many products of AS2 keep theirs in.
#[test]
fn keytool_and_we_read_each_other() {
    let folder = folder();
    let path = folder.path();
    let Some(keytool) = program("keytool", path, &["-help"]) else { return };
    assert!(keytool.status.success());
    let run = |arguments: &[&str]| {
        let done = program("keytool", path, arguments).expect("keytool");
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert!(done.status.success(), "keytool {arguments:?}: {said}");
        said
    };
    for (kind, algorithm) in [("PKCS12", "RSA"), ("PKCS12", "EC"), ("JKS", "RSA"), ("JKS", "EC")] {
        let store = format!("{kind}-{algorithm}.store");
        let base = ["-keystore", &store, "-storetype", kind, "-storepass", "changeit"];
        let more = ["-alias", "our-as2", "-dname", "CN=ACME AS2, O=ACME, C=DE", "-keyalg", algorithm];
        run(&[&["-genkeypair"][..], &base, &more, &["-keypass", "changeit"]].concat());
        run(&[&["-importcert", "-noprompt", "-alias", "lamps", "-file", "other.pem"][..], &base].concat());
        let bytes = file(path, &store);
        let found = found(&bytes, Some("changeit"));
        assert_eq!((found.certificates.len(), found.keys.len()), (2, 1), "{store}");
        let own = found.certificates.iter().find(|one| one.name.as_deref() == Some("our-as2")).expect("ours");
        assert_eq!(own.certificate.subject_name(), "CN=ACME AS2,O=ACME,C=DE");
        assert!(belongs(&found.keys[0].key, &own.certificate), "{store}");
        assert!(certificates(&found).contains(&&STRANGER.own.certificate));
        assert_eq!(error(&bytes, Some("another")), Unread::PasswordWrong, "{store}");
        assert_eq!(error(&bytes, None), Unread::PasswordNeeded, "{store}");
    }
    let own = &RSA.own;
    let bytes = pkcs12("our-as2", (&own.certificate, Some(&own.private)), &[], "changeit", &SystemRandom);
    fs::write(path.join("ours.p12"), bytes.expect("it is written")).expect("written");
    let listed = run(&["-list", "-v", "-keystore", "ours.p12", "-storepass", "changeit"]);
    assert!(listed.contains("PrivateKeyEntry") && listed.contains("our-as2"), "{listed}");
    let line =
        ["-importkeystore", "-srckeystore", "ours.p12", "-srcstorepass", "changeit", "-destkeystore", "ours.jks"];
    run(&[&line[..], &["-deststoretype", "JKS", "-deststorepass", "changeit"]].concat());
    assert!(is_key_of(&found(&file(path, "ours.jks"), Some("changeit")).keys[0].key, &RSA));
}

/// What people send in place of a certificate is named, with what to do.
#[test]
fn err_files_that_are_something_else_are_named() {
    let folder = folder();
    let path = folder.path();
    openssl(path, &["req", "-new", "-key", "rsa.key", "-subj", "/CN=x", "-out", "request.pem"]);
    openssl(path, &["req", "-in", "request.pem", "-outform", "DER", "-out", "request.der"]);
    openssl(path, &["pkey", "-in", "rsa.key", "-pubout", "-out", "public.pem"]);
    openssl(path, &["pkey", "-in", "rsa.key", "-pubout", "-outform", "DER", "-out", "public.der"]);
    openssl(path, &["rsa", "-in", "rsa.key", "-traditional", "-aes128", "-passout", "pass:abcd", "-out", "old.pem"]);
    openssl(path, &["pkcs8", "-topk8", "-in", "rsa.key", "-scrypt", "-passout", "pass:abcd", "-out", "scrypt.pem"]);
    openssl(path, &["genpkey", "-algorithm", "ED25519", "-out", "ed.pem"]);
    openssl(path, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1", "-out", "k1.pem"]);
    openssl(path, &["genrsa", "-out", "small.pem", "1024"]);
    let cut = &RSA.certificate_pem[..RSA.certificate_pem.len() - 30];
    let damaged = RSA.certificate_pem.replacen("MII", "M*I", 1);
    let named = |bytes: &[u8], told: &str| match error(bytes, Some("abcd")) {
        Unread::Unfit(text) => assert!(text.contains(told), "expected {told:?} in: {text}"),
        other => panic!("{told}: {other}"),
    };
    for (name, told) in [
        ("request.pem", "a certificate request (CSR)"),
        ("request.der", "a certificate request (CSR)"),
        ("public.pem", "a public key without a certificate"),
        ("public.der", "a public key without a certificate"),
        ("old.pem", "`openssl pkcs8 -topk8 -in FILE -out NEW.pem`"),
        ("scrypt.pem", "a key sealed by scrypt"),
        ("ed.pem", "expected a private key of RSA, P-256, P-384 or P-521"),
        ("k1.pem", "expected a private key of RSA, P-256, P-384 or P-521"),
        ("small.pem", "of RSA below 2048 bits"),
    ] {
        named(&file(path, name), told);
    }
    let der = RSA.own.certificate.der();
    for (bytes, told) in [
        (&b""[..], "an empty file"),
        (b"PK\x03\x04junk", "a ZIP archive"),
        (b"<!DOCTYPE html><html>", "a page of HTML"),
        (b"ssh-rsa AAAAB3Nza", "a public key of SSH"),
        (b"PuTTY-User-Key-File-2: ssh-rsa", "a key of PuTTY"),
        (b"\xCE\xCE\xCE\xCE\0\0\0\x02", "a JCEKS keystore"),
        (b"ISA*00*", "neither PEM nor DER"),
        (&[0x30, 0x03, 0x02, 0x01, 0x00], "another kind of ASN.1"),
        (&der[..der.len() - 20], "cut off"),
        (cut.as_bytes(), "a PEM that is cut off"),
        (damaged.as_bytes(), "expected base64 in the block CERTIFICATE"),
        (b"-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", "a list of revoked certificates"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nMIIB\n-----END PGP PUBLIC KEY BLOCK-----\n", "a PEM of PGP"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nMIIB\n-----END OPENSSH PRIVATE KEY-----\n", "ssh-keygen -p -m PKCS8"),
    ] {
        named(bytes, told);
    }
}

/// A file that is damaged anywhere is refused or means the same, and nothing of it panics.
#[test]
fn err_damaged_files_end() {
    let own = &RSA.own;
    let good = pkcs12("our-as2", (&own.certificate, Some(&own.private)), &[], "x", &SystemRandom).expect("written");
    for length in (0..good.len()).step_by(7) {
        assert!(read(&good[..length], Some("x")).is_err(), "cut at {length}");
    }
    // The MAC is over all but its own head; each reading costs a key derivation.
    for at in (0..good.len()).step_by(good.len() / 24) {
        let mut changed = good.clone();
        changed[at] ^= 0x11;
        if let Ok(found) = read(&changed, Some("x")) {
            assert_eq!(certificates(&found), [&own.certificate], "byte {at}");
        }
    }
    let all = pkcs7(&[&own.certificate, &STRANGER.own.certificate]);
    for length in 0..all.len() {
        assert!(read(&all[..length], None).is_err(), "cut at {length}");
    }
}

#[test]
fn err_more_than_the_limits() {
    let large = vec![b' '; FILE_BYTES_MAX + 1];
    assert!(error(&large, None).to_string().contains("at most 4194304 bytes"));
    let keys = RSA.key_pem.repeat(KEYS_MAX);
    assert_eq!(found(keys.as_bytes(), None).keys.len(), KEYS_MAX);
    assert!(error(format!("{keys}{}", RSA.key_pem).as_bytes(), None).to_string().contains("at most 100 private keys"));
    // Certificates that differ in one octet of what nobody verifies here.
    let (der, at) = (RSA.own.certificate.der(), RSA.own.certificate.der().len() - 4);
    let one = |n: usize| {
        let mut other = der.to_vec();
        other[at..at + 2].copy_from_slice(&u16::try_from(n).expect("few").to_be_bytes());
        Certificate::from_der(&other).expect("a certificate")
    };
    let all: Vec<Certificate> = (0..=CERTIFICATES_MAX).map(one).collect();
    let all: Vec<&Certificate> = all.iter().collect();
    assert_eq!(found(&pkcs7(&all[1..]), None).certificates.len(), CERTIFICATES_MAX);
    assert!(error(&pkcs7(&all), None).to_string().contains("at most 1000 certificates"));
    let name = "n".repeat(NAME_CHARACTERS_MAX + 5);
    let long = pkcs12(&name, (&RSA.own.certificate, None), &[], "x", &SystemRandom).expect("written");
    assert_eq!(found(&long, Some("x")).certificates[0].name.as_ref().map(String::len), Some(NAME_CHARACTERS_MAX));
    // A key derivation of two thousand million rounds would take an hour.
    let good = pkcs12("n", (&RSA.own.certificate, None), &[], "x", &SystemRandom).expect("written");
    let rounds = [0x02, 0x03, 0x01, 0x86, 0xA0];
    let last = good.windows(5).rposition(|five| five == rounds).expect("the rounds of the MAC");
    let mut endless = good.clone();
    endless[last + 2..last + 5].copy_from_slice(&[0x7F, 0xFF, 0xFF]);
    assert!(error(&endless, Some("x")).to_string().contains("1 to 5000000 rounds"));
}

/// Each derivation is within the limit, and all of a file together are too.
#[test]
fn err_key_derivations_of_a_file_that_are_too_many_together() {
    let folder = folder();
    let path = folder.path();
    let line = ["pkcs8", "-topk8", "-in", "p256.key", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA256", "-iter"];
    openssl(path, &[&line[..], &["2600000", "-passout", "pass:x", "-out", "slow.key"]].concat());
    let slow = file(path, "slow.key");
    assert_eq!(found(&slow, Some("x")).keys.len(), 1);
    let told = error(&slow.repeat(2), Some("x")).to_string();
    assert!(told.contains("at most 5000000 rounds in a file, found 5200000"), "{told}");
}

/// What a stranger sends is read where it is certificates; nothing of it is opened.
#[test]
fn err_certificates_of_strangers_are_no_keystores() {
    let folder = folder();
    let path = folder.path();
    openssl(
        path,
        &["pkcs12", "-export", "-inkey", "rsa.key", "-in", "rsa.pem", "-passout", "pass:", "-out", "empty.p12"],
    );
    openssl(path, &["pkcs8", "-topk8", "-in", "rsa.key", "-passout", "pass:x", "-out", "sealed.key"]);
    openssl(
        path,
        &["pkcs8", "-topk8", "-in", "rsa.key", "-passout", "pass:x", "-outform", "DER", "-out", "sealed.der"],
    );
    let names = format!("subjectAltName=DNS:{}", vec!["n".repeat(60); 300].join(",DNS:"));
    openssl(path, &["req", "-x509", "-key", "rsa.key", "-subj", "/CN=x", "-addext", &names, "-out", "large.pem"]);
    let jks = [&[0xFE, 0xED, 0xFE, 0xED][..], &[0; 40]].concat();
    let read = |bytes: &[u8]| keystore::certificates(bytes, CERTIFICATE_BYTES_MAX);
    for (bytes, told) in [
        (file(path, "empty.p12"), "found another form"),
        (file(path, "sealed.key"), "found another form"),
        (file(path, "sealed.der"), "found another form"),
        (file(path, "rsa.key"), "found another form"),
        (jks, "found another form"),
        (file(path, "large.pem"), "expected a certificate of at most 16384 bytes, found one of"),
    ] {
        let error = read(&bytes).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(told), "{told}: {error}");
    }
    // A key beside it is not looked at.
    let both = [file(path, "sealed.key"), file(path, "rsa.pem")].concat();
    for bytes in [both, RSA.own.certificate.der().to_vec(), pkcs7(&[&RSA.own.certificate])] {
        let found = read(&bytes).expect("a certificate");
        assert_eq!((certificates(&found), found.keys.len()), (vec![&RSA.own.certificate], 0));
    }
}

#[test]
fn err_a_serial_number_of_too_many_octets() {
    let folder = folder();
    let path = folder.path();
    for (octets, is_read) in [(SERIAL_OCTETS_MAX, true), (SERIAL_OCTETS_MAX + 1, false)] {
        let serial = format!("0x{}", "11".repeat(octets));
        openssl(
            path,
            &["req", "-x509", "-key", "rsa.key", "-subj", "/CN=x", "-set_serial", &serial, "-out", "long.pem"],
        );
        let read = read(&file(path, "long.pem"), None);
        assert_eq!(read.is_ok(), is_read, "{octets}");
        let told = read.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(is_read || told.contains("a serial number of at most 64 octets, found 65"), "{told}");
    }
}

#[test]
fn the_authorities_of_a_chain_are_told_from_its_leaf() {
    let folder = folder();
    let path = folder.path();
    let line = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-subj",
        "/CN=Authority",
        "-out",
        "ca.pem",
    ];
    openssl(path, &line);
    openssl(path, &["req", "-new", "-key", "rsa.key", "-subj", "/C=DE/O=Lamps, Inc./CN=Lamps AS2", "-out", "leaf.csr"]);
    let line = [
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-set_serial",
        "0x80ab",
        "-out",
        "leaf.pem",
    ];
    openssl(path, &line);
    let both = [file(path, "ca.pem"), file(path, "leaf.pem")].concat();
    let both = found(&both, None);
    let leaves = both.leaves();
    assert_eq!(leaves.len(), 1);
    let leaf = &leaves[0].certificate;
    assert_eq!(leaf.subject_name(), "CN=Lamps AS2,O=Lamps\\, Inc.,C=DE");
    assert_eq!((leaf.issuer_name().as_str(), leaf.serial_number().as_str()), ("CN=Authority", "80ab"));
    assert_eq!(leaf.key_name(), "RSA 2048");
    assert_eq!(P256.own.certificate.key_name(), "P-256");
    assert!(leaf.can_sign() && leaf.can_be_encrypted_to(), "it says nothing of what it is for");
    // An authority that has its key here is one of ours.
    let mut with_key = both;
    with_key.extend(found(&file(path, "ca.key"), None)).expect("few");
    assert_eq!(with_key.leaves().len(), 2);
    // Two that are self-signed are both meant.
    let two = format!("{}{}", RSA.certificate_pem, EXPIRED.certificate_pem);
    assert_eq!(found(two.as_bytes(), None).leaves().len(), 2);
    // The one that follows has the subject of the one before, and neither issued the other.
    for (name, key) in [("before.pem", "rsa.key"), ("after.pem", "p256.key")] {
        openssl(path, &["req", "-x509", "-key", key, "-subj", "/CN=Lamps AS2", "-out", name]);
    }
    let two = [file(path, "before.pem"), file(path, "after.pem")].concat();
    assert_eq!(found(&two, None).leaves().len(), 2);
}

#[test]
fn what_a_key_is_for_is_told() {
    let folder = folder();
    let path = folder.path();
    for (usage, signs, encrypted_to) in [
        ("digitalSignature", true, false),
        ("nonRepudiation", true, false),
        ("keyEncipherment", false, true),
        ("dataEncipherment", false, true),
        ("critical,digitalSignature,keyEncipherment", true, true),
        ("keyCertSign,cRLSign", false, false),
    ] {
        let usage = format!("keyUsage={usage}");
        let line = ["req", "-x509", "-key", "rsa.key", "-subj", "/CN=x", "-addext", &usage, "-out", "used.pem"];
        openssl(path, &line);
        let one = found(&file(path, "used.pem"), None);
        let one = &one.certificates[0].certificate;
        assert_eq!((one.can_sign(), one.can_be_encrypted_to()), (signs, encrypted_to), "{usage}");
    }
    let line =
        ["req", "-x509", "-key", "p256.key", "-subj", "/CN=x", "-addext", "keyUsage=keyAgreement", "-out", "used.pem"];
    openssl(path, &line);
    let one = found(&file(path, "used.pem"), None);
    assert!(one.certificates[0].certificate.can_be_encrypted_to() && !one.certificates[0].certificate.can_sign());
}

/// A certificate that says what its key is for, and cannot be understood, is not taken for one that says nothing.
#[test]
fn err_a_use_of_a_key_that_cannot_be_read() {
    let folder = folder();
    let path = folder.path();
    let line = ["req", "-x509", "-key", "rsa.key", "-subj", "/CN=x", "-addext", "keyUsage=digitalSignature"];
    openssl(path, &[&line[..], &["-outform", "DER", "-out", "used.der"]].concat());
    let der = file(path, "used.der");
    let written = [0x04, 0x04, 0x03, 0x02, 0x07, 0x80];
    let at = der.windows(6).position(|six| six == written).expect("the KeyUsage");
    let changed = |to: [u8; 6]| {
        let mut other = der.clone();
        other[at..at + 6].copy_from_slice(&to);
        Certificate::from_der(&other)
    };
    assert!(changed(written).is_ok_and(|one| one.can_sign()));
    assert!(changed([0x04, 0x04, 0x04, 0x02, 0x07, 0x80]).is_err(), "no BIT STRING");
    let none = changed([0x04, 0x04, 0x03, 0x01, 0x00, 0x00]).expect("no bits");
    assert!(!none.can_sign() && !none.can_be_encrypted_to());
}

#[test]
fn openssl_takes_our_requests() {
    let folder = folder();
    let path = folder.path();
    let subject = Subject {
        common_name: "Müller AS2".to_owned(),
        organization: Some("Müller & Söhne".to_owned()),
        unit: Some("EDI".to_owned()),
        locality: Some("Köln".to_owned()),
        state: Some("NRW".to_owned()),
        country: Some("DE".to_owned()),
    };
    let beside = [
        AlternativeName::Dns("as2.example.com".to_owned()),
        AlternativeName::Email("edi@example.com".to_owned()),
        AlternativeName::Ip("192.0.2.7".parse().expect("an address")),
        AlternativeName::Ip("2001:db8::7".parse().expect("an address")),
        AlternativeName::Uri("https://example.com/as2".to_owned()),
    ];
    for (key, algorithm) in [
        (NewKey::Rsa2048, "sha256WithRSAEncryption"),
        (NewKey::Rsa3072, "sha256WithRSAEncryption"),
        (NewKey::P256, "ecdsa-with-SHA256"),
        (NewKey::P384, "ecdsa-with-SHA384"),
    ] {
        let made = request(&subject, &beside, key).expect("it is made");
        fs::write(path.join("our.csr"), &made.request_pem).expect("written");
        let shown = openssl(path, &["req", "-in", "our.csr", "-verify", "-noout", "-text", "-nameopt", "utf8"]);
        for told in [
            "C=DE, ST=NRW, L=Köln, O=Müller & Söhne, OU=EDI, CN=Müller AS2",
            algorithm,
            "DNS:as2.example.com",
            "email:edi@example.com",
            "IP Address:192.0.2.7",
            "IP Address:2001:DB8:0:0:0:0:0:7",
            "URI:https://example.com/as2",
            "Digital Signature",
        ] {
            assert!(shown.contains(told), "{key:?}: no {told} in {shown}");
        }
        openssl(
            path,
            &[
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-subj", "/CN=CA", "-out",
                "ca.pem",
            ],
        );
        let line = [
            "x509",
            "-req",
            "-in",
            "our.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-copy_extensions",
            "copyall",
            "-CAcreateserial",
            "-out",
            "answer.cer",
        ];
        openssl(path, &line);
        let answer = found(&file(path, "answer.cer"), None);
        let answer = &answer.certificates[0].certificate;
        assert!(belongs(&made.key, answer) && !belongs(&RSA.own.private, answer));
        assert!(belongs(&private_key(made.key_pem.as_bytes()).expect("a key"), answer));
        assert_eq!(answer.dns_names, ["as2.example.com"]);
    }
}

#[test]
fn err_requests_for_names_that_do_not_fit() {
    let named = |name: &str| Subject { common_name: name.to_owned(), ..Subject::default() };
    let country = |code: &str| Subject { country: Some(code.to_owned()), ..named("A") };
    let long = Subject { organization: Some("x".repeat(ATTRIBUTE_CHARACTERS_MAX + 1)), ..named("A") };
    for subject in [named(""), named(&"x".repeat(65)), country("de"), country("DEU"), long] {
        assert!(request(&subject, &[], NewKey::P256).is_err(), "{subject:?}");
    }
    let dns = |name: &str| [AlternativeName::Dns(name.to_owned())];
    for name in ["", "a b", "müller.example", &"x".repeat(256)] {
        assert!(request(&named("A"), &dns(name), NewKey::P256).is_err(), "{name}");
    }
    let many = vec![AlternativeName::Dns("a".to_owned()); ALTERNATIVE_NAMES_MAX + 1];
    assert!(request(&named("A"), &many, NewKey::P256).is_err());
    assert!(request(&named("A"), &many[1..], NewKey::P256).is_ok());
}
