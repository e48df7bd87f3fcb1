//! Resources as files, picked up while it runs; mistakes told with their place; tokens; the data directory.

use super::edi::order;
use super::peer::Peer;
use super::stage::{Stage, resources};
use serde_json::Value;

fn texts(output: &std::process::Output) -> (Option<i32>, String) {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8_lossy(&both).into_owned())
}

#[tokio::test]
async fn a_plan_shows_what_an_apply_does_and_an_export_is_the_same_again() {
    let stage = Stage::bare("").await;
    let file = stage.file("all.yaml", &resources(1, 2));
    let plan = stage.done(&["plan", &file], "");
    assert!(plan.contains("create partner/northstores") && plan.contains("create route/orders-to-lamps"), "{plan}");
    assert_eq!(stage.done(&["export"], "").trim(), "", "a plan changes nothing");
    assert_eq!(stage.done(&["apply", &file], ""), plan);
    assert_eq!(stage.done(&["plan", &file], ""), "nothing to change\n");
    let exported = stage.done(&["export"], "");
    let again = stage.file("exported.yaml", &exported);
    assert_eq!(stage.done(&["plan", &again, "--prune"], ""), "nothing to change\n", "{exported}");
    let changed = stage.file("changed.yaml", &resources(1, 3));
    let plan = stage.done(&["plan", &changed], "");
    assert!(plan.contains("change channel/lamps-out") && plan.contains(":3/edi"), "{plan}");
    assert!(!plan.contains("northstores"), "only what changes: {plan}");
    let (code, words) = texts(&stage.cli(&["apply", &stage.file("none.yaml", ""), "--prune"], ""));
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(stage.done(&["export"], "").trim(), "", "pruned");
}

#[tokio::test]
async fn mistakes_are_told_with_their_line_and_what_was_expected() {
    let stage = Stage::bare("").await;
    let cases = [
        ("kind: partnr\nname: x\n", "did you mean partner"),
        ("kind: partner\nname: X Y\nparty_ids: [ZZ:A]\n", "expected a name"),
        ("kind: partner\nname: x\nparty_id: [ZZ:A]\n", "party_ids"),
        ("kind: partner\nname: x\nparty_ids: [\"ZZ:\"]\n", "expected QUALIFIER:ID"),
        ("kind: route\nname: r\nfrom: nowhere\nto: nothing\n", "nowhere"),
        ("kind: channel\nname: c\ntransport: pigeon\nway: in\nauth: token\n", "pigeon"),
        ("kind: channel\nname: c\ntransport: http\nway: out\n", "url"),
        ("kind: partner\nname: x\nparty_ids: [ZZ:A\n", ":3"),
        ("{kind: partner, name: a, party_ids: [ZZ:A]}\n---\n{kind: partner, name: b, party_ids: [ZZ:A]}\n", "ZZ:A"),
    ];
    for (text, expected) in cases {
        let file = stage.file("wrong.yaml", text);
        let (code, words) = texts(&stage.cli(&["apply", &file], ""));
        assert_eq!(code, Some(3), "{text}\n{words}");
        assert!(
            words.contains(expected) && words.contains("wrong.yaml"),
            "expected {expected:?} for\n{text}\nin {words}"
        );
    }
    assert_eq!(stage.done(&["export"], "").trim(), "", "nothing of a wrong file is taken");
}

#[tokio::test]
async fn a_changed_route_counts_from_the_next_document_on_without_a_restart() {
    let (retailer, supplier, other) = (Peer::start(&[]).await, Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    stage.send(order("4711", 1)).await;
    stage.until("the first", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    stage.apply(&resources(retailer.port, other.port));
    stage.send(order("4712", 2)).await;
    stage.until("the second", || async { (other.orders().len() == 1).then_some(()) }).await;
    assert_eq!(supplier.orders().len(), 1);
}

#[tokio::test]
async fn tokens_open_what_they_are_for_until_they_are_revoked() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let (code, words) = texts(&stage.cli(&["token", "create", "--channel", "no-such"], ""));
    assert_eq!(code, Some(4), "{words}");
    let admin = stage.done(&["token", "create", "--label", "script"], "").trim().to_owned();
    let ask = async |token: &str| {
        let request = stage.client.get(format!("{}/api/v1/status", stage.admin)).bearer_auth(token);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!((ask(&admin).await, ask(&stage.token).await, ask("wrong").await), (200, 401, 401));
    let list: Value = serde_json::from_str(&stage.done(&["token", "list", "--json"], "")).expect("JSON");
    let find = |scope: &str, label: &str| {
        let items = list["items"].as_array().expect("items").iter();
        let found = items.clone().find(|one| one["scope"] == scope && (label.is_empty() || one["label"] == label));
        found.unwrap_or_else(|| panic!("{scope} {label} in {list:#}"))["token_id"].as_str().expect("an id").to_owned()
    };
    stage.done(&["token", "revoke", &find("role:admin", "script")], "");
    stage.done(&["token", "revoke", &find("channel:northstores-in", "")], "");
    assert_eq!(ask(&admin).await, 401);
    assert_eq!(stage.post(None, order("4711", 1)).await.status, 401);
    assert!(!stage.done(&["token", "list"], "").contains(&admin), "texts are shown once");
}

#[tokio::test]
async fn a_data_directory_has_one_master_and_a_wrong_configuration_names_its_line() {
    let mut stage = Stage::bare("").await;
    let data = stage.data().to_string_lossy().into_owned();
    let (code, words) = texts(&stage.cli(&["serve", "--data", &data], ""));
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("another process"), "{words}");
    assert_eq!(stage.stop().await, Some(0));
    let (code, words) = texts(&stage.cli(&["status"], ""));
    assert_eq!(code, Some(7), "{words}");
    stage.file("portolan.toml", "[partner]\nlissten = \"x\"\n");
    let (code, words) = texts(&stage.cli(&["serve", "--data", &data], ""));
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("line 2") && words.contains("lissten"), "{words}");
}

#[tokio::test]
async fn init_makes_a_data_directory_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let run = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.args(["init", "--data"]).arg(&data).output().expect("the binary")
    };
    let (code, words) = texts(&run());
    assert_eq!(code, Some(0), "{words}");
    for name in ["master.key", "admin.token"] {
        let mode = std::fs::metadata(data.join(name)).expect(name).permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(std::fs::metadata(&data).expect("the folder").permissions().mode() & 0o777, 0o700);
    let token = std::fs::read(data.join("admin.token")).expect("a token");
    let (_, words) = texts(&run());
    assert_eq!(
        std::fs::read(data.join("admin.token")).expect("a token"),
        token,
        "a second init spoils nothing: {words}"
    );
}

#[tokio::test]
async fn with_a_certificate_partners_speak_https_and_without_its_key_it_does_not_start() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("chain.pem"), made.cert.pem()).expect("written");
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).expect("written");
    let listen = "[partner]\nlisten = \"127.0.0.1:0\"\ntls = { certificate = \"chain.pem\", key = \"key.pem\" }\n\
                  [admin]\nlisten = \"127.0.0.1:0\"\n[sftp]\nlisten = \"off\"\n";
    std::fs::write(path("portolan.toml"), listen).expect("written");
    let binary = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.args(["serve", "--data"]).arg(folder.path()).stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        command
    };
    let mut child = binary().spawn().expect("the binary");
    let mut ready = String::new();
    let out = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut ready).expect("a line");
    let address = std::fs::read_to_string(path("partner.address")).expect("an address");
    let port = address.trim().strip_prefix("https://127.0.0.1:").expect("an https address").to_owned();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client");
    let answer = client.post(format!("https://localhost:{port}/in/x")).body("x").send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    let plain = client.post(format!("http://localhost:{port}/in/x")).body("x").send().await;
    assert!(plain.is_err(), "plain HTTP on a TLS listener: {plain:?}");
    child.kill().expect("killed");
    child.wait().expect("ended");

    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(path("key.pem"), other.signing_key.serialize_pem()).expect("written");
    let output = binary().output().expect("the binary");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && words.contains("[partner] tls"), "{words}");
    std::fs::write(path("key.pem"), "nothing").expect("written");
    let words = String::from_utf8_lossy(&binary().output().expect("the binary").stderr).into_owned();
    assert!(words.contains("key.pem: expected a private key in PEM"), "{words}");
}
