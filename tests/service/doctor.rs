//! `portolan doctor` finds what is wrong with an installation, says how to mend it, and finds nothing where all is well.

use super::alarm::{MailServer, sections};
use super::large::long_order;
use super::peer::Peer;
use super::stage::Stage;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn asked(stage: &Stage, more: &[&str]) -> (bool, Value) {
    let output = stage.cli(&[&["doctor", "--json"], more].concat(), "");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.success(), said["well"] == true, "{said:#}");
    (output.status.success(), said)
}

/// Verdict and words about something.
fn about(said: &Value, what: &str) -> (String, String) {
    let items = said["items"].as_array().expect("items");
    let one = items.iter().find(|one| one["what"] == what).unwrap_or_else(|| panic!("nothing about {what}: {said:#}"));
    let text = |key: &str| one[key].as_str().expect("text").to_owned();
    (text("verdict"), format!("{} → {}", text("seen"), text("remedy")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_is_well_is_told_so_and_each_fault_with_its_remedy() {
    let mail = MailServer::plain();
    let mut stage = Stage::bare(&sections(&mail, "")).await;
    let (is_well, said) = asked(&stage, &["--history"]);
    assert!(is_well, "{said:#}");
    for what in [
        "data directory",
        "configuration",
        "master key",
        "instance",
        "mail",
        "ledger",
        "disk",
        "history",
        "resources",
        "secrets",
        "certificates",
    ] {
        assert_eq!(about(&said, what).0, "well", "{what}: {said:#}");
    }
    // A secret that is named and not set; nothing is sent to that channel until it is.
    stage.apply(
        "kind: channel\nname: out\ntransport: http\nway: out\nurl: https://edi.example.com/in\n\
         headers: { Authorization: { secret: out-token } }\n",
    );
    let (is_well, said) = asked(&stage, &[]);
    assert!(!is_well);
    assert_eq!(about(&said, "secrets"), ("wrong".into(), "not set: out-token → portolan secret set out-token".into()));
    stage.done(&["secret", "set", "out-token"], "x");
    drop(mail);
    let token = stage.data().join("admin.token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let (is_well, said) = asked(&stage, &[]);
    assert!(!is_well);
    assert_eq!(about(&said, "mail").0, "wrong");
    assert!(about(&said, "admin token").1.contains("chmod 600"), "{said:#}");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).expect("changed");
    // Stopped it says that none runs, and whether its addresses are free.
    assert_eq!(stage.stop().await, Some(0));
    let (_, said) = asked(&stage, &[]);
    assert_eq!(about(&said, "instance").0, "warning");
    assert_eq!(about(&said, "[partner] listen").0, "well");
    let words = String::from_utf8_lossy(&stage.cli(&["doctor"], "").stdout).into_owned();
    assert!(words.contains("WARNING  instance       none runs") && words.contains("→ portolan serve"), "{words}");
    std::fs::write(stage.data().join("portolan.toml"), "[partner]\nlissten = \"x\"\n").expect("written");
    let (_, said) = asked(&stage, &[]);
    assert!(about(&said, "configuration").1.contains("lissten"), "{said:#}");
}

#[test]
fn err_a_folder_that_is_none_of_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_portolan")).args(["doctor", "--data"]).arg(folder.path()).output();
    let output = output.expect("the binary");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && words.contains("portolan init --data"), "{words}");
}

/// The files of payloads.
fn payload_files(stage: &Stage) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(stage.data().join("payload")).expect("a folder");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_that_lost_their_files_are_named_and_an_alarm_says_so_from_the_start_on() {
    let (mail, north, lamps) = (MailServer::plain(), Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&north, &lamps, &sections(&mail, "")).await;
    stage.send(long_order()).await;
    let delivered = stage.deliveries("delivered", 2).await;
    let made =
        delivered.iter().find(|one| one["channel"] == "lamps-out").and_then(|one| one["transmission_id"].as_str());
    let made = made.expect("what was made of the order").to_owned();
    let (_, said) = asked(&stage, &["--history"]);
    assert_eq!(about(&said, "payloads").0, "well", "{said:#}");
    assert_eq!(stage.stop().await, Some(0));
    let files = payload_files(&stage);
    assert!(files.len() >= 2, "the order and what was made of it: {files:?}");
    let aside = tempfile::tempdir().expect("a folder");
    for file in &files {
        std::fs::copy(file, aside.path().join(file.file_name().expect("a name"))).expect("copied");
        std::fs::remove_file(file).expect("gone");
    }
    let (is_well, said) = asked(&stage, &["--history"]);
    let (verdict, words) = about(&said, "payloads");
    assert!(!is_well && verdict == "wrong" && words.starts_with(&format!("{} have no file", files.len())), "{words}");
    assert!(words.contains(&format!(" of {made}")) && words.contains("from a copy"), "{words}");
    stage.start_again(&[]);
    let alarm = stage
        .until("an alarm", || async {
            let rows = stage.list("/api/v1/alarms?alert=trouble").await;
            rows.into_iter().find(|row| row["words"].as_str().is_some_and(|words| words.contains("PAYLOAD: ")))
        })
        .await;
    let words = alarm["words"].as_str().expect("words");
    assert!(words.contains("payload/pay_") && words.contains("from a copy") && words.contains(" more"), "{words}");
    assert_eq!(alarm["severity"], "critical", "{alarm:#}");
    // Put back while it runs they are there again; but one of them was not copied to its end.
    for file in &files {
        std::fs::copy(aside.path().join(file.file_name().expect("a name")), file).expect("back");
    }
    let (_, said) = asked(&stage, &[]);
    assert_eq!(about(&said, "payloads").0, "well", "{said:#}");
    let whole = std::fs::metadata(&files[0]).expect("a file").len();
    std::fs::File::options().write(true).open(&files[0]).and_then(|file| file.set_len(whole - 1)).expect("cut");
    let (is_well, said) = asked(&stage, &[]);
    let words = about(&said, "payloads").1;
    assert!(!is_well && words.contains(&format!("(expected {whole} bytes, found {})", whole - 1)), "{words}");
}

/// What `portolan serve` says where it does not start; it must not.
fn not_started(data: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_portolan")).args(["serve", "--data"]).arg(data).output();
    let output = output.expect("the binary");
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_another_key_and_a_spoilt_ledger_are_told_with_a_remedy_that_does_no_harm() {
    let (north, lamps) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&north, &lamps, "").await;
    stage.send(long_order()).await;
    stage.deliveries("delivered", 2).await;
    assert_eq!(stage.stop().await, Some(0));
    let files = payload_files(&stage);
    // The key of another installation.
    let (key, other) = (stage.data().join("master.key"), tempfile::tempdir().expect("a folder"));
    let init = Command::new(env!("CARGO_BIN_EXE_portolan")).args(["init", "--data"]).arg(other.path()).output();
    assert!(init.expect("the binary").status.success());
    let own = std::fs::read(&key).expect("a key");
    std::fs::copy(other.path().join("master.key"), &key).expect("another key");
    let (is_well, said) = asked(&stage, &[]);
    let items = said["items"].as_array().expect("items");
    let told = items.iter().find(|one| one["what"] == "master key" && one["verdict"] == "wrong");
    let told = told.unwrap_or_else(|| panic!("nothing wrong with the key: {said:#}"));
    assert!(!is_well && told["seen"].as_str().is_some_and(|seen| seen.contains("another master.key")), "{told}");
    assert!(told["remedy"].as_str().is_some_and(|remedy| remedy.contains("from its copy")), "{told}");
    assert!(not_started(stage.data()).contains("another master.key"));
    std::fs::write(&key, own).expect("the own key");
    // Junk over pages that no query of ours need read.
    let ledger = stage.data().join("portolan.db");
    let whole = std::fs::read(&ledger).expect("a ledger");
    let mut junk = whole.clone();
    let middle = whole.len() / 2 / 4096 * 4096;
    junk[middle..middle + 8 * 4096].fill(0xA5);
    std::fs::write(&ledger, &junk).expect("written");
    let (is_well, said) = asked(&stage, &[]);
    let (verdict, words) = about(&said, "ledger");
    let is_told = ["is spoilt: ", "cannot be read: "].iter().any(|told| words.contains(told));
    assert!(!is_well && verdict == "wrong" && is_told, "{words}");
    assert!(words.contains("do not start it") && words.contains("from a copy"), "{words}");
    // No database at all.
    for bytes in [vec![0xA5; 20 * 4096], Vec::new()] {
        let _ = std::fs::remove_file(stage.data().join("portolan.db-wal"));
        std::fs::write(&ledger, &bytes).expect("written");
        let (is_well, said) = asked(&stage, &[]);
        let (verdict, words) = about(&said, "ledger");
        assert!(!is_well && verdict == "wrong" && words.contains("do not start it"), "{words}");
    }
    // A start on an empty one would begin anew, and take all payloads for orphans.
    let words = not_started(stage.data());
    assert!(words.contains("a file of 0 bytes") && words.contains("from a copy"), "{words}");
    assert_eq!(payload_files(&stage), files, "nothing is removed");
    std::fs::write(&ledger, &whole).expect("from the copy");
    let (_, said) = asked(&stage, &["--history"]);
    for what in ["ledger", "payloads", "history", "master key"] {
        assert_eq!(about(&said, what).0, "well", "{what}: {said:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_files_folders_and_servers_that_are_not_what_the_configuration_says() {
    let (mut stage, web) = (Stage::bare("").await, Peer::start(&[]).await);
    let (_, said) = asked(&stage, &[]);
    assert_eq!(about(&said, "instance").0, "well", "{said:#}");
    assert_eq!(stage.stop().await, Some(0));
    stage.file("chain.pem", "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n");
    stage.file("key.pem", "no key\n");
    let folder = stage.data().join("not-mounted");
    let text = format!(
        "[partner]\nlisten = \"127.0.0.1:0\"\ntls = {{ certificate = \"chain.pem\", key = \"key.pem\" }}\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n[sftp]\nlisten = \"off\"\n[folder]\nroots = [\"{}\"]\n\
         [mail]\nserver = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"edi@example.com\"\nto = [\"a@example.com\"]\n",
        folder.display(),
        web.port
    );
    stage.file("portolan.toml", &text);
    // Another program has the port that was ours.
    stage.file("admin.address", &format!("http://127.0.0.1:{}\n", web.port));
    let (is_well, said) = asked(&stage, &[]);
    assert!(!is_well);
    for (what, seen) in [
        ("[partner] tls", "key.pem: expected a private key in PEM"),
        ("[folder] roots", "not-mounted: expected a folder"),
        ("mail", &format!("127.0.0.1:{}", web.port)),
        ("instance", "is no Portolan"),
    ] {
        let (verdict, words) = about(&said, what);
        assert!(verdict == "wrong" && words.contains(seen), "{what}: {words}");
    }
    assert!(about(&said, "mail").1.contains("220"), "{said:#}");
    std::fs::create_dir(&folder).expect("made");
    let (_, said) = asked(&stage, &[]);
    assert_eq!(about(&said, "[folder] roots").0, "well");
}
