//! `portolan certificate import`, `show`, `export`, `request`: files of other products come in and ours go out, and a private
//! key is shown nowhere but in a file under a password.

use super::as2::{LAMPS, RETAIL};
use super::certificate::walks;
use super::certificate::{holds, listed};
use super::stage::Stage;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl runs");
    assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// A folder with the key and certificate of Retail and the certificate of Lamps, and both in a PKCS#12.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write("retail.key", &RETAIL.key_pem);
    write("retail.cer", &RETAIL.certificate_pem);
    write("lamps.cer", &LAMPS.certificate_pem);
    let line = ["pkcs12", "-export", "-inkey", "retail.key", "-in", "retail.cer", "-certfile", "lamps.cer"];
    openssl(
        folder.path(),
        &[&line[..], &["-name", "Retail AS2", "-passout", "pass:7 Lampen", "-out", "keys.p12"]].concat(),
    );
    folder
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_product_comes_in_sealed_and_goes_out_under_a_password() {
    let (stage, folder) = (Stage::bare("").await, folder());
    let file = path(&folder, "keys.p12");
    let refused = stage.cli(&["certificate", "import", "our-as2", &file, "--apply"], "");
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("sealed by a password, and none was given; give it"), "{refused:?}");
    let refused = stage.cli(&["certificate", "import", "our-as2", &file, "--password-stdin"], "6 Lampen\n");
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("the password is wrong"), "{refused:?}");
    assert_eq!(stage.done(&["secret", "list"], ""), "", "nothing came in");
    let refused = stage.cli(&["certificate", "import", "our-as2", "-", "--password-stdin"], "7 Lampen\n");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("standard input is the password already"), "{refused:?}");
    // Only one is asked for; the resource is printed, the words go elsewhere.
    let line = ["certificate", "import", "our-as2", &file, "--password-stdin", "--alias", "retail as2"];
    let done = stage.cli(&line, "7 Lampen\n");
    assert!(done.status.success(), "{done:?}");
    let (out, said) = (text(&done.stdout), text(&done.stderr));
    assert!(out.ends_with("key: { secret: our-as2-key }\n"), "{out}");
    for told in [
        "CN=Retail",
        "RSA 2048, signs, and can be encrypted to; its private key is sealed as the secret our-as2-key",
        "issued by itself",
        "left out: CN=Lamps",
        RETAIL.own.certificate.fingerprint().as_str(),
    ] {
        assert!(said.contains(told), "no {told}: {said}");
    }
    assert!(!out.contains("PRIVATE") && !said.contains("PRIVATE"));
    assert!(!holds(stage.data(), "PRIVATE KEY-----"), "the key is sealed");
    stage.apply(&out);
    assert_eq!(listed(&stage, "our-as2")["ours"], true);
    assert_eq!(stage.cli(&line, "7 Lampen\n").status.code(), Some(6), "what is there stays");
    // Out again: into a file that OpenSSL opens.
    let target = path(&folder, "moved.p12");
    // What was there, for all to read and longer, is gone.
    fs::write(&target, vec![b'x'; 100_000]).expect("written");
    #[cfg(unix)]
    fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("it is ours");
    let line =
        ["certificate", "export", "our-as2", "--form", "p12", "--with-key", "--password-stdin", "--out", &target];
    stage.done(&line, "another one\n");
    let plain = openssl(folder.path(), &["pkcs12", "-in", "moved.p12", "-passin", "pass:another one", "-nodes"]);
    let key = openssl(folder.path(), &["pkey", "-in", "retail.key"]);
    assert!(plain.contains(key.trim()), "it is the same key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&target).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!holds(stage.data(), "another one"), "passwords are kept nowhere");
    // Without its key in every form.
    assert_eq!(stage.done(&["certificate", "export", "our-as2"], ""), RETAIL.own.certificate.pem());
    let der = stage.cli(&["certificate", "export", "our-as2", "--form", "der"], "");
    assert_eq!(der.stdout, RETAIL.own.certificate.der());
    let target = path(&folder, "ours.p7b");
    stage.done(&["certificate", "export", "our-as2", "--form", "p7b", "--out", &target], "");
    let printed = openssl(folder.path(), &["pkcs7", "-inform", "DER", "-in", "ours.p7b", "-print_certs"]);
    assert!(printed.contains(RETAIL.own.certificate.pem().trim()), "{printed}");
    let alone = stage.cli(&["certificate", "export", "our-as2", "--form", "p12", "--password-stdin"], "x\n");
    fs::write(folder.path().join("alone.p12"), &alone.stdout).expect("written");
    let plain = openssl(folder.path(), &["pkcs12", "-in", "alone.p12", "-passin", "pass:x", "-nodes"]);
    assert!(plain.contains("BEGIN CERTIFICATE") && !plain.contains("PRIVATE"), "{plain}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_a_file_holds_comes_in_under_names_of_its_own() {
    let (stage, folder) = (Stage::bare("").await, folder());
    let file = path(&folder, "keys.p12");
    let line = ["certificate", "import", "old", &file, "--password-stdin", "--apply", "--json"];
    let told: Value = serde_json::from_str(&stage.done(&line, "7 Lampen")).expect("JSON");
    let names: Vec<&str> =
        told["certificates"].as_array().expect("some").iter().filter_map(|one| one["certificate"].as_str()).collect();
    assert_eq!(names, ["old-retail-as2", "old-lamps"]);
    assert_eq!(told["certificates"][0]["secret"], "old-retail-as2-key");
    assert_eq!(told["certificates"][1]["secret"], Value::Null);
    assert!(!told.to_string().contains("PRIVATE"), "{told}");
    assert_eq!(
        (&listed(&stage, "old-retail-as2")["ours"], &listed(&stage, "old-lamps")["ours"]),
        (&true.into(), &false.into())
    );
    // Key and certificate in files of their own, the key sealed.
    let stage = Stage::bare("").await;
    let line = ["pkcs8", "-topk8", "-in", "retail.key", "-passout", "pass:abcd", "-out", "sealed.key"];
    openssl(folder.path(), &line);
    let (certificate, key) = (path(&folder, "retail.cer"), path(&folder, "sealed.key"));
    let said =
        stage.done(&["certificate", "import", "ours", &certificate, &key, "--password-stdin", "--apply"], "abcd\n");
    assert!(said.contains("its private key is sealed as the secret ours-key"), "{said}");
    let said = stage.done(&["certificate", "import", "theirs", &path(&folder, "lamps.cer"), "--apply"], "");
    assert!(said.contains("a partner's, without a private key"), "{said}");
    // A key alone is of no use, and neither is what is no certificate.
    let refused = stage.cli(&["certificate", "import", "none", &path(&folder, "retail.key")], "");
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("name the file of its certificate beside it"), "{refused:?}");
    let refused = stage.cli(&["certificate", "import", "none", "README.md"], "");
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("README.md: expected a certificate or a private key, found"), "{refused:?}");
    let refused =
        stage.cli(&["certificate", "import", "none", &file, "--password-stdin", "--alias", "retial as2"], "7 Lampen");
    assert_eq!(refused.status.code(), Some(4));
    assert!(text(&refused.stderr).contains("nothing is called retial as2; there is: Retail AS2"), "{refused:?}");
}

#[test]
fn a_file_is_looked_at_without_an_instance() {
    let folder = folder();
    let run = |line: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_portolan"))
            .args(line)
            .current_dir(folder.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("the binary");
        std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"7 Lampen\n").expect("written");
        let done = child.wait_with_output().expect("an end");
        assert!(done.status.success(), "{done:?}");
        text(&done.stdout)
    };
    let said = run(&["certificate", "show", "keys.p12", "--password-stdin"]);
    assert!(said.starts_with("Retail AS2\n    CN=Retail\n    RSA 2048, "), "{said}");
    assert!(said.contains("its private key is here") && said.contains("without a private key"), "{said}");
    let told: Value =
        serde_json::from_str(&run(&["certificate", "show", "keys.p12", "--password-stdin", "--json"])).expect("JSON");
    assert_eq!(told["certificates"][0]["fingerprint"], RETAIL.own.certificate.fingerprint());
    assert_eq!(
        (&told["certificates"][0]["has_key"], &told["certificates"][1]["has_key"]),
        (&true.into(), &false.into())
    );
}

/// Asked for at an authority, answered, brought in without a word of its key, and used by both sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_an_authority_finds_its_key_and_is_used() {
    let (acme, lamps) = (Stage::bare("").await, Stage::bare("").await);
    let folder = tempfile::tempdir().expect("a folder");
    let asked = acme.done(
        &[
            "certificate",
            "request",
            "acme",
            "--common-name",
            "ACME AS2",
            "--organization",
            "ACME",
            "--country",
            "DE",
            "--dns",
            "as2.acme.example",
            "--email",
            "edi@acme.example",
            "--key",
            "rsa-2048",
        ],
        "",
    );
    fs::write(folder.path().join("acme.csr"), &asked).expect("written");
    let shown = openssl(folder.path(), &["req", "-in", "acme.csr", "-verify", "-noout", "-text"]);
    assert!(shown.contains("C = DE, O = ACME, CN = ACME AS2") && shown.contains("DNS:as2.acme.example"), "{shown}");
    assert!(!holds(acme.data(), "PRIVATE KEY-----"), "the key is sealed");
    let again = acme.cli(&["certificate", "request", "acme", "--common-name", "ACME AS2"], "");
    assert_eq!(again.status.code(), Some(6), "the key that was asked with stays");
    let authority = [
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
    openssl(folder.path(), &authority);
    let line = [
        "x509",
        "-req",
        "-in",
        "acme.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-copy_extensions",
        "copyall",
        "-days",
        "30",
        "-out",
        "answer.cer",
    ];
    openssl(folder.path(), &line);
    // Authorities answer with their chain.
    let line = ["crl2pkcs7", "-nocrl", "-certfile", "answer.cer", "-certfile", "ca.pem", "-out", "answer.p7b"];
    openssl(folder.path(), &line);
    let file = folder.path().join("answer.p7b").display().to_string();
    let said = acme.done(&["certificate", "import", "acme", &file, "--apply"], "");
    assert!(said.contains("its private key is there already, the secret acme-key"), "{said}");
    assert!(said.contains("issued by CN=Authority") && said.contains("left out: CN=Authority"), "{said}");
    // The same key, asked with again and answered anew, is found too.
    let renewed = acme.done(&["certificate", "import", "acme-2", &file], "");
    assert!(renewed.ends_with("key: { secret: acme-key }\n"), "{renewed}");
    let own = acme.done(&["certificate", "export", "acme"], "");
    let other = lamps.done(&["certificate", "new", "lamps", "--common-name", "Lamps", "--ec", "--apply"], "");
    walks(&acme, &lamps, &own, &other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_what_may_not_leave_does_not() {
    let (stage, folder) = (Stage::bare("").await, folder());
    stage.done(
        &["certificate", "import", "ours", &path(&folder, "retail.cer"), &path(&folder, "retail.key"), "--apply"],
        "",
    );
    stage.done(&["certificate", "import", "theirs", &path(&folder, "lamps.cer"), "--apply"], "");
    for (line, input, code, told) in [
        (&["ours", "--form", "pem", "--with-key"][..], "", 2, "leaves in p12 only"),
        (&["ours", "--form", "p12", "--with-key"], "", 2, "a p12 needs a password"),
        (&["ours", "--form", "p12", "--with-key", "--password-stdin"], "\n", 2, "a p12 needs a password"),
        (&["theirs", "--form", "p12", "--with-key", "--password-stdin"], "x\n", 6, "is a partner's"),
        (&["none", "--form", "pem"], "", 4, "none"),
    ] {
        let refused = stage.cli(&[&["certificate", "export"][..], line].concat(), input);
        assert_eq!(refused.status.code(), Some(code), "{line:?} {refused:?}");
        assert!(text(&refused.stderr).contains(told) && refused.stdout.is_empty(), "{line:?} {refused:?}");
    }
    // The endpoint holds the same, whoever asks it.
    for (body, status) in [
        (serde_json::json!({ "form": "pem", "with_key": true }), 409),
        (serde_json::json!({ "form": "p12", "with_key": true }), 409),
        (serde_json::json!({ "form": "p12", "with_key": true, "password": "" }), 409),
        (serde_json::json!({ "form": "pfx" }), 422),
    ] {
        let answer = stage.ask(reqwest::Method::POST, "/api/v1/certificates/ours/export", Some(body.clone())).await;
        assert_eq!(answer.status.as_u16(), status, "{body} {answer:?}");
    }
    let asked = stage.cli(&["certificate", "request", "new", "--common-name", "A", "--country", "Germany"], "");
    assert_eq!(asked.status.code(), Some(2));
    assert_eq!(stage.done(&["secret", "list"], ""), "ours-key\n", "nothing is left behind");
}
