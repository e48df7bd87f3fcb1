//! TLS of the partner listener: certificates from files and from resources, chosen by name and changed while it runs; clients
//! that show certificates, with curl and OpenSSL on the other side; limits on handshakes.

use super::auth::{Authority, certificate};
use super::edi::order;
use super::stage::Stage;
use std::process::Command;
use std::time::Duration;

const CHANNELS: &str = "\
---
kind: partner
name: northstores
party_ids: [ZZ:NORTHSTORES]
---
kind: channel
name: open-in
transport: http
way: in
auth: { basic: { user: north, password: { secret: north-password } } }
partners: [northstores]
";

/// What curl says: the status, or why there is none.
fn curl(arguments: &[&str]) -> Result<u16, String> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--output", "/dev/null", "--write-out", "%{http_code}"])
        .args(["--noproxy", "*"])
        .args(arguments)
        .output()
        .expect("curl");
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).parse().expect("a status")),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The common name of the certificate that is shown to a client who calls us so.
fn shown(port: u16, name: &str) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
        .args(if name.is_empty() { vec!["-noservername"] } else { vec!["-servername", name] })
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().expect("a pipe"), &mut said).expect("text");
    child.wait().expect("an end");
    let line = said.lines().find(|line| line.starts_with("subject=")).unwrap_or_default();
    line.rsplit('=').next().unwrap_or_default().trim().to_owned()
}

fn port(stage: &Stage) -> u16 {
    stage.partner.strip_prefix("https://127.0.0.1:").expect("https").parse().expect("a port")
}

fn in_listener(tls: &str) -> String {
    format!(
        "[partner]\nlisten = \"127.0.0.1:0\"\ntls = {tls}\n[admin]\nlisten = \"127.0.0.1:0\"\n[sftp]\nlisten = \"off\"\n"
    )
}

async fn shows(stage: &Stage, name: &str, expected: &str) {
    let port = port(stage);
    stage.until(&format!("{expected} for {name}"), || async { (shown(port, name) == expected).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_in_files_is_taken_over_when_it_changes_and_a_wrong_one_changes_nothing() {
    let authority = Authority::new("CA");
    let (first, second) = (authority.issue("first.example"), authority.issue("second.example"));
    let files = [("chain.pem", first.0.as_str()), ("key.pem", first.1.as_str())];
    let stage = Stage::configured(&in_listener("{ certificate = \"chain.pem\", key = \"key.pem\" }"), &files).await;
    assert_eq!(shown(port(&stage), "first.example"), "first.example");
    // One of them has changed and the other not yet: what is shown stays.
    stage.file("chain.pem", &second.0);
    stage.until("it is told", || async { stage.log().contains("the earlier ones stay").then_some(()) }).await;
    assert_eq!(shown(port(&stage), ""), "first.example");
    stage.file("key.pem", &second.1);
    let id = stage.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill").success());
    shows(&stage, "", "second.example").await;
    let log = stage.log();
    assert!(log.contains("Shown to partners") && !log.contains("PRIVATE KEY"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_resources_are_chosen_by_name_and_taken_over_by_an_apply() {
    let authority = Authority::new("CA");
    let (ours, theirs, later) =
        (authority.issue("ours.example"), authority.issue("customer.example"), authority.issue("later.example"));
    let stage = Stage::configured(&in_listener("{ resources = [\"ours\", \"customer\"] }"), &[]).await;
    assert_eq!(shown(port(&stage), "ours.example"), "", "nothing is shown, and nothing is answered in the clear");
    let plain = curl(&[&format!("http://127.0.0.1:{}/in/x", port(&stage)), "--data", "x"]);
    assert!(plain.is_err(), "{plain:?}");
    stage.apply(&format!(
        "{}{}",
        certificate("ours", &ours.0, "ours-key"),
        certificate("customer", &theirs.0, "customer-key")
    ));
    stage.done(&["secret", "set", "ours-key"], &ours.1);
    stage.done(&["secret", "set", "customer-key"], &theirs.1);
    shows(&stage, "customer.example", "customer.example").await;
    assert_eq!(shown(port(&stage), "ours.example"), "ours.example");
    assert_eq!(shown(port(&stage), "nobody.example"), "ours.example", "the first is for all others");
    // A chain is sent whole, and renewed without a restart.
    stage.done(&["secret", "set", "ours-key"], &later.1);
    stage.apply(&certificate("ours", &format!("{}{}", later.0, authority.pem()), "ours-key"));
    shows(&stage, "nobody.example", "later.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_fit_takes_nothing_from_the_others() {
    let authority = Authority::new("CA");
    let [ours, theirs, later] = ["ours.example", "customer.example", "later.example"].map(|name| authority.issue(name));
    let mut stage = Stage::configured(&in_listener("{ resources = [\"ours\", \"customer\"] }"), &[]).await;
    let both = [certificate("ours", &ours.0, "ours-key"), certificate("customer", &theirs.0, "customer-key")].concat();
    stage.apply(&both);
    stage.done(&["secret", "set", "ours-key"], &ours.1);
    stage.done(&["secret", "set", "customer-key"], &theirs.1);
    shows(&stage, "customer.example", "customer.example").await;
    // A key that is none: what was shown stays, and the other is renewed all the same.
    stage.done(&["secret", "set", "customer-key"], "no key");
    stage.done(&["secret", "set", "ours-key"], &later.1);
    stage.apply(&certificate("ours", &later.0, "ours-key"));
    shows(&stage, "later.example", "later.example").await;
    assert_eq!(shown(port(&stage), "customer.example"), "customer.example");
    // After a restart nothing is known of an earlier one.
    stage.kill();
    stage.start_again(&[]);
    shows(&stage, "customer.example", "later.example").await;
    assert!(stage.log().contains("certificate customer: unknown or invalid key format"), "{}", stage.log());
    // A plan says what the listener loses.
    let file = stage.file("rest.yaml", &certificate("customer", &theirs.0, "customer-key"));
    let told = stage.done(&["plan", "--prune", &file], "");
    assert!(
        told.contains("delete certificate/ours\n    the partner listener has it in [partner] tls.resources"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_in_files_is_shown_while_a_resource_beside_it_is_missing() {
    let authority = Authority::new("CA");
    let ours = authority.issue("ours.example");
    let files = [("chain.pem", ours.0.as_str()), ("key.pem", ours.1.as_str())];
    let tls = "{ certificate = \"chain.pem\", key = \"key.pem\", resources = [\"customer\"] }";
    let stage = Stage::configured(&in_listener(tls), &files).await;
    assert_eq!(shown(port(&stage), "customer.example"), "ours.example");
    let theirs = authority.issue("customer.example");
    stage.apply(&certificate("customer", &theirs.0, "customer-key"));
    stage.done(&["secret", "set", "customer-key"], &theirs.1);
    shows(&stage, "customer.example", "customer.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_takes_only_those_who_show_its_certificate_and_have_its_key() {
    let (authority, partners) = (Authority::new("CA"), Authority::new("Partners"));
    let ours = authority.issue("localhost");
    let (known, stranger) = (partners.issue("north"), partners.issue("stranger"));
    let files = [
        ("chain.pem", ours.0.as_str()),
        ("key.pem", ours.1.as_str()),
        ("ca.pem", &authority.pem()),
        ("known.pem", &known.0),
        ("known.key", &known.1),
        ("stranger.pem", &stranger.0),
        ("stranger.key", &stranger.1),
    ];
    let stage = Stage::configured(&in_listener("{ certificate = \"chain.pem\", key = \"key.pem\" }"), &files).await;
    let pinned = CHANNELS
        .replace("open-in", "pinned-in")
        .replace("---\nkind: partner\nname: northstores\nparty_ids: [ZZ:NORTHSTORES]\n", "");
    let pinned = format!("{pinned}client_certificates: [north-tls]\n");
    let only = "---\nkind: channel\nname: only-in\ntransport: http\nway: in\nclient_certificates: [north-tls]\n";
    stage.apply(&format!("{CHANNELS}{pinned}{only}{}", certificate("north-tls", &known.0, "")));
    stage.done(&["secret", "set", "north-password"], "p");
    stage.file("order.edi", std::str::from_utf8(&order("4711", 1)).expect("text"));
    let at = |name: &str| stage.data().join(name).to_string_lossy().into_owned();
    let (ca, body) = (at("ca.pem"), format!("@{}", at("order.edi")));
    let post = |channel: &str, more: &[&str]| {
        let url = format!("https://localhost:{}/in/{channel}", port(&stage));
        let mut line = vec!["--cacert", &ca, "--data-binary", &body, &url];
        line.extend(more);
        curl(&line)
    };
    let (pem, key) = (at("known.pem"), at("known.key"));
    let known = ["--cert", pem.as_str(), "--key", key.as_str()];
    let (pem, key) = (at("stranger.pem"), at("stranger.key"));
    let stranger = ["--cert", pem.as_str(), "--key", key.as_str()];
    let user = ["--user", "north:p"];
    stage.until("clients are asked", || async { (post("only-in", &known) == Ok(202)).then_some(()) }).await;
    assert_eq!(post("open-in", &user), Ok(202), "who shows none is served where none is wanted");
    for (what, channel, more, expected) in [
        ("a stranger's", "only-in", [&stranger[..], &[]].concat(), 401),
        ("none", "only-in", vec![], 401),
        ("the right one without a password", "pinned-in", known.to_vec(), 401),
        ("a password alone", "pinned-in", user.to_vec(), 401),
        ("a password and a stranger's", "pinned-in", [&stranger[..], &user].concat(), 401),
        ("both", "pinned-in", [&known[..], &user].concat(), 202),
        ("both, over TLS 1.2", "pinned-in", [&known[..], &user, &["--tls-max", "1.2"]].concat(), 202),
    ] {
        assert_eq!(post(channel, &more), Ok(expected), "{what}");
    }
    for version in ["1.0", "1.1"] {
        let old = post("open-in", &[&user[..], &["--tlsv1.0", "--tls-max", version]].concat());
        assert!(old.is_err(), "TLS {version}: {old:?}");
    }
    let rows = stage.list("/api/v1/transmissions?channel=only-in").await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    // Another certificate of the same authority is another certificate: what is pinned is itself.
    stage.apply(&certificate("north-tls", &std::fs::read_to_string(at("stranger.pem")).expect("a file"), ""));
    assert_eq!((post("only-in", &known), post("only-in", &stranger)), (Ok(401), Ok(202)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_have_a_time_and_a_number_and_others_go_on() {
    let ours = Authority::new("CA").issue("localhost");
    let files = [("chain.pem", ours.0.as_str()), ("key.pem", ours.1.as_str())];
    let limits = "[limits]\nhandshakes_per_address = 2\nhandshake_seconds = 3\n";
    let listener = in_listener("{ certificate = \"chain.pem\", key = \"key.pem\" }");
    let stage = Stage::configured(&format!("{listener}{limits}"), &files).await;
    let url = format!("https://localhost:{}/in/x", port(&stage));
    let asked = || curl(&["--insecure", "--data", "x", &url]);
    assert_eq!(asked(), Ok(401));
    // Two who say nothing hold both places; the next is closed at once, until they are given up.
    let address = format!("127.0.0.1:{}", port(&stage));
    let silent: Vec<_> = (0..2).map(|_| std::net::TcpStream::connect(&address).expect("a connection")).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(asked().is_err());
    stage.until("the places are free again", || async { (asked() == Ok(401)).then_some(()) }).await;
    drop(silent);
    let metrics = stage
        .client
        .get(format!("{}/metrics", stage.admin))
        .bearer_auth(std::fs::read_to_string(stage.data().join("admin.token")).expect("a token").trim());
    let text = metrics.send().await.expect("an answer").text().await.expect("text");
    for outcome in ["refused", "late", "done"] {
        let line = format!("portolan_handshakes_total{{outcome=\"{outcome}\"}}");
        assert!(text.contains(&line), "{line} in {text}");
    }
}
