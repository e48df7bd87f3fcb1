//! `portolan certificate`: keys made by the command serve AS2 at once, and are nowhere but in the ledger.

use super::peer::{Answer, Peer};
use super::stage::Stage;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A resource with the certificate of a partner.
fn theirs(name: &str, pem: &str) -> String {
    format!("---\nkind: certificate\nname: {name}\npem: |\n  {}\n", pem.trim_end().replace('\n', "\n  "))
}

pub fn listed(stage: &Stage, name: &str) -> Value {
    let all: Value = serde_json::from_str(&stage.done(&["certificate", "list", "--json"], "")).expect("JSON");
    let found = all["items"].as_array().expect("items").iter().find(|one| one["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("no {name} in {all:#}"))
}

/// Whether a file of a folder has such bytes.
pub fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

/// Two instances that know each other by what `certificate new` printed; one has a key of RSA, the other one of a curve.
/// ACME walks to Lamps, each with its own certificate, which the other side was told.
pub fn walks(acme: &Stage, lamps: &Stage, own: &str, other: &str) {
    lamps.apply(&format!(
        "kind: partner\nname: acme\nparty_ids: [ZZ:ACME]\n{}---\nkind: channel\nname: acme-as2\ntransport: as2\nway: in\n\
         partners: [acme]\nas2: {{ from: ACME, to: LAMPS, certificates: [acme], keys: [lamps] }}\n",
        theirs("acme", own)
    ));
    acme.apply(&format!(
        "kind: partner\nname: lamps\nparty_ids: [ZZ:LAMPS]\n{}---\nkind: channel\nname: lamps-as2\ntransport: as2\n\
         way: out\nurl: {}/as2\npartners: [lamps]\nallow_networks: [127.0.0.0/8]\n\
         as2: {{ from: ACME, to: LAMPS, certificates: [lamps], keys: [acme] }}\n",
        theirs("lamps", other),
        lamps.partner
    ));
    let walked = acme.done(&["as2", "test", "lamps-as2"], "");
    assert!(walked.contains("receipt  passed  a signed receipt"), "{walked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_made_serve_both_sides() {
    let (acme, lamps) = (Stage::bare("").await, Stage::bare("").await);
    let own = acme.done(&["certificate", "new", "acme", "--common-name", "ACME AS2", "--apply"], "");
    let other = lamps.done(&["certificate", "new", "lamps", "--common-name", "Lamps", "--ec", "--apply"], "");
    for pem in [&own, &other] {
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n") && !pem.contains("PRIVATE"), "{pem}");
        let file = acme.file("shown.pem", pem);
        let checked = Command::new("openssl").args(["verify", "-CAfile", &file, &file]).output().expect("openssl");
        assert!(checked.status.success(), "{checked:?}");
    }
    walks(&acme, &lamps, &own, &other);
    let (mine, partner) = (listed(&acme, "acme"), listed(&acme, "lamps"));
    assert_eq!((&mine["ours"], &partner["ours"]), (&true.into(), &false.into()));
    assert_eq!((mine["common_name"].as_str(), mine["ends_soon"].as_bool()), (Some("ACME AS2"), Some(false)));
    assert_eq!(mine["days_left"].as_i64(), Some(1094));
    assert_eq!(partner["channels"], serde_json::json!(["lamps-as2"]));
    assert_eq!(partner["fingerprint"], listed(&lamps, "lamps")["fingerprint"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_shown_nowhere_and_what_is_there_is_not_replaced() {
    let stage = Stage::bare("").await;
    let line = ["certificate", "new", "our-as2", "--common-name", "ACME AS2", "--ec", "--days", "60"];
    let output = stage.cli(&line, "");
    assert!(output.status.success(), "{output:?}");
    let resource = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        resource.starts_with("kind: certificate\nname: our-as2\npem: |\n  -----BEGIN CERTIFICATE-----\n"),
        "{resource}"
    );
    assert!(resource.ends_with("key: { secret: our-as2-key }\n"), "{resource}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("secret our-as2-key is set"), "{output:?}");
    for text in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(text).contains("PRIVATE"), "{output:?}");
    }
    assert!(!holds(stage.data(), "PRIVATE KEY-----"), "the key is sealed");
    assert_eq!(stage.done(&["secret", "list"], ""), "our-as2-key\n");
    // Its key is there, although the resource is not yet.
    assert_eq!(stage.cli(&line, "").status.code(), Some(6));
    stage.apply(&resource);
    stage.done(&["secret", "remove", "our-as2-key"], "");
    assert_eq!(stage.cli(&line, "").status.code(), Some(6), "the certificate is there");
    // Sixty days are a little less than sixty by now.
    let item = listed(&stage, "our-as2");
    assert_eq!((item["days_left"].as_i64(), item["ends_soon"].as_bool()), (Some(59), Some(true)), "{item}");
    let words = stage.done(&["certificate", "list"], "");
    assert!(words.contains("59 days left  ENDS SOON\n    no channel; SHA-256 "), "{words}");
    let later = ["certificate", "new", "next-as2", "--common-name", "ACME AS2", "--ec", "--days", "62", "--apply"];
    stage.done(&later, "");
    assert_eq!(listed(&stage, "next-as2")["ends_soon"], false);
    let told: Value = {
        let line = ["certificate", "new", "third", "--common-name", "T", "--ec", "--json"];
        serde_json::from_str(&stage.done(&line, "")).expect("JSON")
    };
    assert_eq!((&told["secret"], &told["applied"]), (&"third-key".into(), &false.into()));
    assert!(!told.to_string().contains("PRIVATE"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_names_and_days_that_are_none() {
    let stage = Stage::bare("").await;
    for line in [
        ["certificate", "new", "Our AS2", "--common-name", "A", "--days", "10"],
        ["certificate", "new", "our-as2", "--common-name", "", "--days", "10"],
        ["certificate", "new", "our-as2", "--common-name", &"x".repeat(65), "--days", "10"],
        ["certificate", "new", "our-as2", "--common-name", "A", "--days", "3651"],
    ] {
        assert_eq!(stage.cli(&line, "").status.code(), Some(2), "{line:?}");
    }
    assert_eq!(stage.done(&["secret", "list"], ""), "", "nothing is left behind");
}

/// Where nobody knows whether the certificate was applied, its key stays: nowhere else is there one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_a_key_goes_only_where_its_certificate_was_refused() {
    let stage = Stage::bare("").await;
    let ready = [Answer::Status(200), Answer::Status(200), Answer::Status(200)];
    for (answer, code, goes) in [
        (Answer::Status(503), 1, false),
        (Answer::Status(500), 1, false),
        (Answer::Cut, 7, false),
        (Answer::Status(422), 3, true),
        (Answer::Status(409), 6, true),
    ] {
        let peer = Peer::start(&[&ready[..], std::slice::from_ref(&answer)].concat()).await;
        let url = format!("http://127.0.0.1:{}", peer.port);
        let line = ["certificate", "new", "ours", "--common-name", "Ours", "--ec", "--apply", "--url", &url];
        let refused = stage.cli(&line, "");
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        let posts = peer.posts();
        assert!(posts[3].line.starts_with("POST /api/v1/resources/apply"), "{posts:?}");
        let is_gone = posts.get(4).is_some_and(|post| post.line.starts_with("DELETE /api/v1/secrets/ours-key"));
        assert_eq!((is_gone, posts.len()), (goes, if goes { 5 } else { 4 }), "{answer:?}");
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(told.contains("its key stays, the secret ours-key"), !goes, "{told}");
    }
}
