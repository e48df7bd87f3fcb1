//! `portolan as2 import openas2`: what is drafted is applied as it is, with the keys of the keystore sealed; and a channel takes
//! the settings of its preset.

use super::as2::{LAMPS, RETAIL, STRANGER};
use super::certificate::{holds, listed};
use super::stage::Stage;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, arguments: &[&str]) {
    let done = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl runs");
    assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A keystore with the key of Retail and the certificate of Lamps, and partnerships between them.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write("retail.key", &RETAIL.key_pem);
    write("retail.cer", &RETAIL.certificate_pem);
    write("lamps.cer", &LAMPS.certificate_pem);
    let line =
        ["pkcs12", "-export", "-inkey", "retail.key", "-in", "retail.cer", "-certfile", "lamps.cer", "-name", "retail"];
    openssl(
        folder.path(),
        &[&line[..], &["-caname", "lamps", "-passout", "pass:testas2", "-out", "as2_certs.p12"]].concat(),
    );
    let attribute = |name: &str, value: &str| format!("<attribute name=\"{name}\" value=\"{value}\"/>");
    write(
        "partnerships.xml",
        &format!(
            "<partnerships>\n<partner name=\"Retail\" as2_id=\"RETAIL\" x509_alias=\"Retail\"/>\n\
             <partner name=\"Lamps\" as2_id=\"Light &amp; Lamp\" x509_alias=\"lamps\"/>\n\
             <partnership name=\"out\"><sender name=\"Retail\"/><receiver name=\"Lamps\"/>{}{}{}{}</partnership>\n\
             <partnership name=\"in\"><sender name=\"Lamps\"/><receiver name=\"Retail\"/>{}{}</partnership>\n</partnerships>\n",
            attribute("as2_url", "https://as2.lamps.example/as2"),
            attribute(
                "as2_mdn_options",
                "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, SHA512"
            ),
            attribute("sign", "SHA512"),
            attribute("encrypt", "AES128"),
            attribute("sign", "SHA256"),
            attribute("encrypt", "AES256"),
        ),
    );
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partnerships_of_openas2_are_drafted_and_applied_with_their_keys() {
    let (stage, folder) = (Stage::bare("").await, folder());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, keystore) = (path("partnerships.xml"), path("as2_certs.p12"));
    let line = ["as2", "import", "openas2", &file, "--keystore", &keystore, "--password-stdin"];
    let refused = stage.cli(&line, "another\n");
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the password is wrong"), "{refused:?}");
    // Who has its key in the keystore is us; the draft alone sets nothing.
    let told: Value = serde_json::from_str(&stage.done(&[&line[..], &["--json"]].concat(), "testas2\n")).expect("JSON");
    assert_eq!((&told["secrets"], &told["sealed"]), (&serde_json::json!(["retail-key"]), &false.into()));
    assert!(!told.to_string().contains("PRIVATE"), "no key is shown");
    assert_eq!(stage.done(&["secret", "list"], ""), "");
    let draft = stage.done(&[&line[..], &["--seal-keys"]].concat(), "testas2\n");
    assert_eq!(draft, told["resource"].as_str().expect("YAML"));
    assert!(!holds(stage.data(), "PRIVATE KEY-----"), "it is sealed");
    assert_eq!(stage.done(&["secret", "list"], ""), "retail-key\n");
    // What is sealed already stays: the key is nowhere else.
    let again = stage.cli(&[&line[..], &["--seal-keys"]].concat(), "testas2\n");
    assert_eq!(again.status.code(), Some(6), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("secret retail-key is there already"), "{again:?}");
    assert!(again.stdout.is_empty());
    stage.apply(&draft);
    assert_eq!((&listed(&stage, "retail")["ours"], &listed(&stage, "lamps")["ours"]), (&true.into(), &false.into()));
    assert_eq!(listed(&stage, "retail")["channels"], serde_json::json!(["lamps-as2-in", "lamps-as2-out"]));
    let exported = stage.done(&["export"], "");
    for told in [
        "sign: sha-512",
        "encrypt: aes128-cbc",
        "receipt: signed",
        "url: \"https://as2.lamps.example/as2\"",
        "from: \"Light & Lamp\"",
    ] {
        assert!(exported.contains(told), "no {told}: {exported}");
    }
    // Every setting of the file is told, one by one.
    let notes = told["notes"].as_array().expect("notes");
    for (of, setting) in [
        ("partnership out", "sign"),
        ("partnership out", "as2_url"),
        ("partnership out", "as2_mdn_options"),
        ("partnership out", "encrypt"),
        ("partnership in", "sign"),
        ("partnership in", "encrypt"),
        ("partner Lamps", "as2_id"),
        ("partner Lamps", "x509_alias"),
        ("partner Retail", "as2_id"),
        ("keystore", "retail"),
        ("keystore", "lamps"),
    ] {
        let found = notes.iter().filter(|one| one["of"] == of && one["setting"] == setting).count();
        assert_eq!(found, 1, "{of} {setting}: {notes:#?}");
    }
    let open: Vec<&Value> = notes.iter().filter(|one| one["understood"] == false).collect();
    assert_eq!(open.len(), 1, "only the ids of envelopes are not known: {open:#?}");
}

/// Two aliases, two partners and two channels that would be called alike keep apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_openas2_that_are_written_alike_keep_apart() {
    let (stage, folder) = (Stage::bare("").await, folder());
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    let path = |name: &str| folder.path().join(name).display().to_string();
    write("both.cer", &format!("{}{}", LAMPS.certificate_pem, STRANGER.certificate_pem));
    let line = ["pkcs12", "-export", "-inkey", "retail.key", "-in", "retail.cer", "-certfile", "both.cer"];
    let names =
        ["-name", "retail", "-caname", "lamps_1", "-caname", "lamps-1", "-passout", "pass:x", "-out", "all.p12"];
    openssl(folder.path(), &[&line[..], &names].concat());
    let side = |from: &str, to: &str| {
        format!(
            "<partnership name=\"{from}-{to}\"><sender name=\"{from}\"/><receiver name=\"{to}\"/>\
             <attribute name=\"as2_url\" value=\"https://as2.example/as2\"/></partnership>\n"
        )
    };
    write(
        "alike.xml",
        &format!(
            "<partnerships>\n<partner name=\"Retail\" as2_id=\"RETAIL\" x509_alias=\"retail\"/>\n\
             <partner name=\"Lamps\" as2_id=\"LAMPS-1\" x509_alias=\"lamps_1\"/>\n\
             <partner name=\"LAMPS\" as2_id=\"LAMPS-2\" x509_alias=\"lamps-1\"/>\n{}{}{}</partnerships>\n",
            side("Retail", "Lamps"),
            side("Retail", "LAMPS"),
            // Another name of ours.
            side("Retail", "Lamps").replace("<sender ", "<sender as2_id=\"RETAIL-TEST\" "),
        ),
    );
    let (file, keystore) = (path("alike.xml"), path("all.p12"));
    let line = ["as2", "import", "openas2", &file, "--keystore", &keystore, "--password-stdin", "--seal-keys"];
    let draft = stage.done(&line, "x\n");
    stage.apply(&draft);
    for (name, keys, channels) in
        [("lamps-1", &LAMPS, &["lamps-as2-out", "lamps-as2-out-2"][..]), ("lamps-1-2", &STRANGER, &["lamps-2-as2-out"])]
    {
        let one = listed(&stage, name);
        assert_eq!(one["fingerprint"], keys.own.certificate.fingerprint(), "{name}");
        assert_eq!(one["channels"], serde_json::json!(channels), "{name}");
    }
    let exported = stage.done(&["export"], "");
    for told in
        ["kind: partner\nname: lamps\n", "kind: partner\nname: lamps-2\n", "from: RETAIL-TEST", "title: LAMPS\n"]
    {
        assert!(exported.contains(told), "no {told}: {exported}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_a_preset_that_is_misspelt_is_told_with_its_line() {
    let stage = Stage::bare("").await;
    let refused = stage.refused(
        "kind: partner\nname: lamps\nparty_ids: [ZZ:LAMPS]\n---\nkind: channel\nname: lamps-as2\ntransport: as2\nway: out\n\
         partners: [lamps]\nurl: https://as2.lamps.example/as2\nas2:\n  from: A\n  to: B\n  preset: opensa2\n",
    );
    assert!(
        refused.contains("resources.yaml:14: channel/lamps-as2: as2.preset: expected one of")
            && refused.contains("openas2"),
        "{refused}"
    );
}
