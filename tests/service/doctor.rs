//! `portolan doctor` finds what is wrong with an installation, says how to mend it, and finds nothing where all is well.

use super::alarm::{MailServer, sections};
use super::stage::Stage;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
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
