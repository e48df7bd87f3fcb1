//! A certificate follows another: on each of the six uses both count while they overlap, and none before its first day or
//! after its last.

use super::as2::made::{Keys, made};
use super::as2::{Sending, USUAL, certificate, send_to};
use super::stage::Stage;
use portolan::clock::{Clock as _, SystemClock};
use portolan::transport::as2::receipt;
use serde_json::Value;
use std::sync::LazyLock;

/// Four of one partner: over, two that overlap, not begun.
struct Four {
    over: LazyLock<Keys>,
    old: LazyLock<Keys>,
    new: LazyLock<Keys>,
    next: LazyLock<Keys>,
}

impl Four {
    fn all(&'static self) -> [(&'static str, &'static LazyLock<Keys>); 4] {
        [("over", &self.over), ("old", &self.old), ("new", &self.new), ("next", &self.next)]
    }
}

static RETAIL: Four = Four {
    over: LazyLock::new(|| made("Retail over", &rcgen::PKCS_RSA_SHA256, (-300, -2))),
    old: LazyLock::new(|| made("Retail old", &rcgen::PKCS_RSA_SHA256, (-200, 10))),
    new: LazyLock::new(|| made("Retail new", &rcgen::PKCS_RSA_SHA256, (-5, 300))),
    next: LazyLock::new(|| made("Retail next", &rcgen::PKCS_RSA_SHA256, (5, 400))),
};
static LAMPS: Four = Four {
    over: LazyLock::new(|| made("Lamps over", &rcgen::PKCS_RSA_SHA256, (-300, -2))),
    old: LazyLock::new(|| made("Lamps old", &rcgen::PKCS_RSA_SHA256, (-200, 10))),
    new: LazyLock::new(|| made("Lamps new", &rcgen::PKCS_RSA_SHA256, (-5, 300))),
    next: LazyLock::new(|| made("Lamps next", &rcgen::PKCS_RSA_SHA256, (5, 400))),
};

/// All eight certificates with the keys of one side.
async fn stage(ours: &'static Four, own: &str, theirs: &'static Four, other: &str) -> Stage {
    let stage = Stage::bare("").await;
    let mut yaml = format!("kind: partner\nname: {other}\nparty_ids: [ZZ:{}]\n", other.to_ascii_uppercase());
    for (name, keys) in ours.all() {
        let secret = format!("{own}-{name}-key");
        stage.done(&["secret", "set", &secret], &keys.key_pem);
        yaml.push_str(&certificate(&format!("{own}-{name}"), keys, &secret));
    }
    for (name, keys) in theirs.all() {
        yaml.push_str(&certificate(&format!("{other}-{name}"), keys, ""));
    }
    stage.apply(&yaml);
    stage
}

fn names(side: &str, names: &[&str]) -> String {
    names.iter().map(|name| format!("{side}-{name}")).collect::<Vec<_>>().join(", ")
}

/// The channel of Lamps on which Retail's messages come.
fn takes(stage: &Stage, retail: &[&str], lamps: &[&str]) {
    stage.apply(&format!(
        "kind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [{}], keys: [{}] }}\n",
        names("retail", retail),
        names("lamps", lamps)
    ));
}

/// The channel of Retail on which messages go to Lamps.
fn sends(stage: &Stage, url: &str, lamps: &[&str], retail: &[&str], more: &str) {
    stage.apply(&format!(
        "kind: channel\nname: lamps-as2\ntransport: as2\nway: out\npartners: [lamps]\nurl: {url}/as2\n\
         allow_networks: [127.0.0.0/8]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [{}], keys: [{}]{more} }}\n",
        names("lamps", lamps),
        names("retail", retail)
    ));
}

/// What AS2 refused; what the messages hold is no document, and is rejected later for that.
async fn refused(stage: &Stage) -> Vec<Value> {
    let mut all = stage.list("/api/v1/transmissions?direction=in&state=rejected").await;
    all.retain(|one| one["code"].as_str().is_some_and(|code| code.starts_with("AS2-")));
    all
}

const ALL: [&str; 4] = ["over", "old", "new", "next"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_of_both_count_while_they_overlap() {
    let lamps = stage(&LAMPS, "lamps", &RETAIL, "retail").await;
    takes(&lamps, &ALL, &["new"]);
    let trusted = [LAMPS.new.own.certificate.clone()];
    for (at, (name, keys)) in RETAIL.all().into_iter().enumerate() {
        let id = format!("<{at}@test>");
        let sent = send_to(&lamps, &Sending { id: &id, signer: Some(keys), ..USUAL }, &LAMPS.new).await;
        let said = receipt::read(&sent.headers, &sent.body, &trusted, SystemClock.now()).expect("a signed receipt");
        let is_taken = format!("{:?}", said.disposition) == "Processed";
        assert_eq!(is_taken, ["old", "new"].contains(&name), "{name}: {:?}", said.disposition);
        assert!(is_taken || format!("{:?}", said.disposition).contains("authentication-failed"), "{name}");
    }
    let rejected = refused(&lamps).await;
    assert_eq!(rejected.len(), 2);
    assert!(
        rejected.iter().all(|one| one["reason"].as_str().is_some_and(|why| why.contains("counts from"))),
        "{rejected:?}"
    );
    // Neither is offered: it is known, and it is not its time.
    assert_eq!(lamps.done(&["certificate", "list", "--offered"], ""), "no certificate is offered\n");
}

/// What is encrypted to any key of ours is opened: a partner that is late is not locked out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_encrypted_to_any_of_our_keys_is_opened() {
    let lamps = stage(&LAMPS, "lamps", &RETAIL, "retail").await;
    takes(&lamps, &["new"], &ALL);
    for (at, (name, keys)) in LAMPS.all().into_iter().enumerate() {
        let id = format!("<{at}@test>");
        let sent = send_to(&lamps, &Sending { id: &id, signer: Some(&RETAIL.new), ..USUAL }, keys).await;
        // And the receipt is signed by the newest that has begun, alone.
        for (other, own) in LAMPS.all() {
            let trusted = [own.own.certificate.clone()];
            let said = receipt::read(&sent.headers, &sent.body, &trusted, SystemClock.now());
            assert_eq!(said.is_ok(), other == "new", "encrypted to {name}, read with {other}: {said:?}");
        }
    }
    assert_eq!(lamps.list("/api/v1/transmissions?direction=in").await.len(), 4);
    assert!(refused(&lamps).await.is_empty());
}

/// What goes out is signed by our newest and encrypted to the partner's newest that have begun: who has only these reads it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_out_is_signed_by_and_encrypted_to_the_newest_that_has_begun() {
    let lamps = stage(&LAMPS, "lamps", &RETAIL, "retail").await;
    let retail = stage(&RETAIL, "retail", &LAMPS, "lamps").await;
    sends(&retail, &lamps.partner, &ALL, &ALL, "");
    takes(&lamps, &["new"], &["new"]);
    let walked = retail.done(&["as2", "test", "lamps-as2"], "");
    assert!(walked.contains("receipt  passed"), "{walked}");
    let (own, theirs) = (RETAIL.new.own.certificate.fingerprint(), LAMPS.new.own.certificate.fingerprint());
    assert!(walked.contains(&own) && walked.contains(&theirs), "{walked}");
    // Where the newest is gone, the one before goes on; where only those out of their time are left, nothing is sent.
    sends(&retail, &lamps.partner, &["over", "old", "next"], &["over", "old", "next"], "");
    takes(&lamps, &["old"], &["old"]);
    assert!(retail.done(&["as2", "test", "lamps-as2"], "").contains("receipt  passed"));
    for (theirs, own, told) in
        [(&["over", "next"][..], &["new"][..], "encrypted to"), (&["new"], &["over", "next"], "signed with")]
    {
        sends(&retail, &lamps.partner, theirs, own, "");
        let refused = retail.cli(&["as2", "test", "lamps-as2"], "");
        let words = String::from_utf8_lossy(&refused.stdout).into_owned();
        assert!(words.contains("keys     FAILED") && words.contains(told) && words.contains("not today"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_both_count_while_they_overlap() {
    let lamps = stage(&LAMPS, "lamps", &RETAIL, "retail").await;
    let retail = stage(&RETAIL, "retail", &LAMPS, "lamps").await;
    sends(&retail, &lamps.partner, &ALL, &["new"], ", encrypt: none");
    for (name, is_proof) in [("over", false), ("old", true), ("new", true), ("next", false)] {
        // Of keys that are all out of their time the receipt is signed all the same: it is due.
        lamps.apply(&format!(
            "kind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\n\
             as2: {{ from: RETAIL, to: \"Light & Lamp\", require: [signed], certificates: [retail-new], keys: [lamps-{name}] }}\n"
        ));
        let walked = retail.cli(&["as2", "test", "lamps-as2"], "");
        let words = String::from_utf8_lossy(&walked.stdout).into_owned();
        assert_eq!(walked.status.success(), is_proof, "{name}: {words}");
        assert!(is_proof || words.contains("that count today"), "{name}: {words}");
    }
}

fn forecast(stage: &Stage, days: &str) -> Vec<(String, String, i64, Value, Value)> {
    let all: Value =
        serde_json::from_str(&stage.done(&["certificate", "forecast", "--days", days, "--json"], "")).expect("JSON");
    let item = |one: &Value| {
        let word = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        (
            word("channel"),
            word("use"),
            one["days_left"].as_i64().expect("days"),
            one["ends"].clone(),
            one["follows"].clone(),
        )
    };
    all["items"].as_array().expect("items").iter().map(item).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forecast_names_channel_use_and_day() {
    let retail = stage(&RETAIL, "retail", &LAMPS, "lamps").await;
    let ours = |what: &str, days: i64, ends: &str, follows: Value| {
        ("lamps-as2".to_owned(), what.to_owned(), days, Value::from(ends), follows)
    };
    // All four: covered until the last day of the last.
    sends(&retail, "http://127.0.0.1:1", &ALL, &ALL, "");
    assert_eq!(forecast(&retail, "350"), []);
    assert_eq!(
        retail.done(&["certificate", "forecast", "--days", "350"], ""),
        "every channel has what it needs for 350 days\n"
    );
    let all = forecast(&retail, "401");
    assert_eq!(
        all.iter().map(|one| one.1.as_str()).collect::<Vec<_>>(),
        ["verify_receipt", "encrypt_to", "sign_message"]
    );
    assert!(all.iter().all(|one| [399, 400].contains(&one.2) && one.4.is_null()), "{all:?}");
    // One that ends before the next begins; one that is over already.
    sends(&retail, "http://127.0.0.1:1", &["over", "next"], &["old"], ", receipt: unsigned");
    let all = forecast(&retail, "300");
    let days = all.iter().find(|one| one.1 == "sign_message").map(|one| one.2).expect("ours end");
    assert!([9, 10].contains(&days), "{all:?}");
    assert_eq!(
        all,
        [
            ours("encrypt_to", 0, "lamps-over", "lamps-next".into()),
            ours("sign_message", days, "retail-old", Value::Null)
        ]
    );
    let words = retail.done(&["certificate", "forecast"], "");
    assert!(words.contains("cannot encrypt to the partner: lamps-over ends, lamps-next counts from "), "{words}");
    assert!(words.contains("cannot sign messages: retail-old ends, nothing follows; in"), "{words}");
    // The way in needs three others.
    let lamps = stage(&LAMPS, "lamps", &RETAIL, "retail").await;
    takes(&lamps, &["old"], &["old"]);
    let uses: Vec<String> = forecast(&lamps, "30").into_iter().map(|one| one.1).collect();
    assert_eq!(uses, ["verify_signature", "decrypt", "sign_receipt"]);
    // What the channel does not ask for it does not need.
    lamps.apply(
        "kind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\n\
         as2: { from: RETAIL, to: \"Light & Lamp\", require: [signed], certificates: [retail-old] }\n",
    );
    let uses: Vec<String> = forecast(&lamps, "30").into_iter().map(|one| one.1).collect();
    assert_eq!(uses, ["verify_signature"]);
    let wrong = lamps.ask(reqwest::Method::GET, "/api/v1/certificates/forecast?days=0", None).await;
    assert_eq!(wrong.status.as_u16(), 400);
}
