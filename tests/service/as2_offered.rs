//! Who signs with a certificate that nobody knows is refused, and the certificate is shown to be accepted: by a person, into
//! channels that are named, after the plan was shown.

use super::as2::{RETAIL, STRANGER, Sending, USUAL, certificate, lamps, retail};
use super::edi::order;
use super::stage::Stage;
use serde_json::Value;

fn offered(stage: &Stage) -> Vec<Value> {
    let all: Value =
        serde_json::from_str(&stage.done(&["certificate", "list", "--offered", "--json"], "")).expect("JSON");
    all["items"].as_array().expect("items").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_unknown_is_shown_and_accepted_by_a_person() {
    let (stage, _house) = lamps("").await;
    assert_eq!(stage.done(&["certificate", "list", "--offered"], ""), "no certificate is offered\n");
    let unknown = Sending { signer: Some(&STRANGER), ..USUAL };
    for _ in 0..3 {
        assert_eq!(unknown.send(&stage).await.error(), "authentication-failed");
    }
    let fingerprint = STRANGER.own.certificate.fingerprint();
    let all = offered(&stage);
    assert_eq!(all.len(), 1, "{all:#?}");
    let one = &all[0];
    assert_eq!((&one["fingerprint"], &one["subject"]), (&fingerprint.clone().into(), &"CN=Stranger".into()));
    assert_eq!((&one["channel"], &one["partner"]), (&"retail-as2".into(), &"retail".into()));
    assert_eq!((one["signed"].as_str(), one["seen"].as_i64()), (Some("message"), Some(3)));
    assert_eq!(one["channels"], serde_json::json!(["retail-as2"]));
    let seen_in = one["seen_in"].as_str().expect("where");
    let transmission = stage.get(&format!("/api/v1/transmissions/{seen_in}")).await;
    assert_eq!(transmission["transmission"]["code"], "AS2-AUTHENTICATION-FAILED");
    let words = stage.done(&["certificate", "list", "--offered"], "");
    assert!(words.starts_with(&fingerprint) && words.contains("signed a message on retail-as2, 3 times"), "{words}");
    // It is told once, and nobody's name reaches the log.
    let log = stage.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("not trusted signed")).collect();
    assert!(told.len() == 1 && told[0].contains(&fingerprint) && !log.contains("Stranger"), "{told:?}");
    // Shown, and nothing is changed before somebody says so.
    let short = fingerprint[..20].to_ascii_uppercase();
    let line = ["certificate", "accept", &short, "--channel", "retail-as2"];
    let asked = stage.cli(&line, "");
    let plan = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert_eq!(asked.status.code(), Some(6), "{asked:?}");
    let name = format!("retail-as2-{}", &fingerprint[..8]);
    for told in [
        fingerprint.as_str(),
        &format!("create certificate/{name}"),
        "change channel/retail-as2",
        &format!("+ as2.certificates[2]: {name}"),
    ] {
        assert!(plan.contains(told), "no {told}: {plan}");
    }
    assert_eq!(unknown.send(&stage).await.error(), "authentication-failed", "it is not trusted by being looked at");
    stage.done(&[&line[..], &["--yes"]].concat(), "");
    let taken = unknown.send(&stage).await;
    assert_eq!(taken.receipt().message_id, "<1@test>");
    assert_eq!(stage.list("/api/v1/transmissions?direction=in&state=rejected").await.len(), 4);
    assert!(offered(&stage).is_empty(), "what is trusted is offered no more");
    // The one before still counts: both overlap.
    let before = Sending { id: "<2@test>", ..USUAL }.send(&stage).await;
    assert_eq!(before.receipt().message_id, "<2@test>");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_offered_by_a_receipt_too_and_may_be_refused() {
    // A receiver whose receipts are signed with another certificate than the one we know.
    let (lamps, _house) = lamps("").await;
    let retail = retail(&format!("{}/as2", lamps.partner), "").await;
    lamps.done(&["secret", "set", "new-key"], &STRANGER.key_pem);
    lamps.apply(&format!(
        "{}---\nkind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [retail], keys: [new, lamps] }}\n",
        certificate("new", &STRANGER, "new-key")
    ));
    // Both began on the same day; the first that is named signs.
    let walked = retail.cli(&["as2", "test", "lamps-out"], "");
    let words = String::from_utf8_lossy(&walked.stdout).into_owned();
    let fingerprint = STRANGER.own.certificate.fingerprint();
    assert_eq!(walked.status.code(), Some(1), "{words}");
    assert!(words.contains(&fingerprint) && words.contains("certificate accept"), "{words}");
    assert_eq!(offered(&retail)[0]["signed"], "receipt");
    retail.done(&["certificate", "refuse", &fingerprint], "");
    assert!(offered(&retail).is_empty());
    assert_eq!(retail.cli(&["certificate", "refuse", &fingerprint], "").status.code(), Some(4));
    // A delivery whose receipt is signed by it is parked, and offers it again.
    retail.send(order("AS2-1", 1)).await;
    let parked = retail.deliveries("parked", 1).await;
    assert!(parked[0]["reason"].as_str().is_some_and(|reason| reason.contains(&fingerprint)), "{parked:?}");
    let all = offered(&retail);
    assert_eq!((&all[0]["channel"], &all[0]["seen_in"]), (&"lamps-out".into(), &parked[0]["delivery_id"]));
    let line =
        ["certificate", "accept", &fingerprint, "--channel", "lamps-out", "--name", "lamps-2", "--yes", "--json"];
    let told: Value = serde_json::from_str(&retail.done(&line, "")).expect("JSON");
    assert_eq!((&told["certificate"], &told["fingerprint"]), (&"lamps-2".into(), &fingerprint.into()));
    let walked = retail.done(&["as2", "test", "lamps-out"], "");
    assert!(walked.contains("receipt  passed"), "{walked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_a_certificate_that_is_not_offered_is_not_accepted() {
    let (stage, _house) = lamps("").await;
    Sending { signer: Some(&STRANGER), ..USUAL }.send(&stage).await;
    let fingerprint = STRANGER.own.certificate.fingerprint();
    let known = RETAIL.own.certificate.fingerprint();
    for (fingerprint, channel, code, told) in [
        (&fingerprint[..15], "retail-as2", 2, "at least 16 hexadecimal digits"),
        ("not a fingerprint", "retail-as2", 2, "expected a fingerprint"),
        (&known, "retail-as2", 4, "is offered"),
        (&fingerprint, "retial-as2", 4, "no channel of transport as2 is called retial-as2"),
        (&fingerprint, "house-out", 4, "no channel of transport as2 is called house-out"),
    ] {
        let refused = stage.cli(&["certificate", "accept", fingerprint, "--channel", channel, "--yes"], "");
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(told), "{told}: {refused:?}");
    }
    // Whose key it is that signed, nobody else can offer: a certificate that does not fit the signature is not kept.
    let strangers = Sending { signer: Some(&STRANGER), from: "NOBODY", id: "<3@test>", ..USUAL }.send(&stage).await;
    assert_eq!(strangers.error(), "unknown-trading-relationship");
    assert_eq!(offered(&stage).len(), 1, "who has no channel offers nothing");
}
