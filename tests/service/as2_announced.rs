//! A certificate of ours that a partner is told of beforehand: two instances, one that announces it and one where a person accepts
//! or refuses it. It signs when it is accepted, and not before.

use super::as2::made::{Keys, made};
use super::as2::{LAMPS, RETAIL, certificate, lamps, retail};
use super::edi::order;
use super::stage::Stage;
use serde_json::Value;
use std::sync::LazyLock;

/// The one that follows Retail's: it began later, and ends later.
static NEXT: LazyLock<Keys> = LazyLock::new(|| made("Retail Next", &rcgen::PKCS_RSA_SHA256, (-1, 500)));

/// One that counts no more.
static PAST: LazyLock<Keys> = LazyLock::new(|| made("Retail Past", &rcgen::PKCS_RSA_SHA256, (-400, -1)));

/// Both instances, each with a channel in and one out.
async fn both() -> (Stage, Stage) {
    let (lamps, _house) = lamps("").await;
    let retail = retail(&format!("{}/as2", lamps.partner), "").await;
    lamps.apply(&format!(
        "kind: channel\nname: retail-out\ntransport: as2\nway: out\npartners: [retail]\nurl: {}/as2\n\
         allow_networks: [127.0.0.0/8]\n\
         as2: {{ from: \"Light & Lamp\", to: RETAIL, certificates: [retail], keys: [lamps] }}\n",
        retail.partner
    ));
    retail.done(&["secret", "set", "next-key"], &NEXT.key_pem);
    retail.apply(&format!(
        "{}signs: once_accepted\n---\nkind: channel\nname: lamps-as2\ntransport: as2\nway: in\npartners: [lamps]\n\
         as2: {{ from: \"Light & Lamp\", to: RETAIL, certificates: [lamps], keys: [retail] }}\n{}",
        certificate("next", &NEXT, "next-key"),
        certificate("lamps", &LAMPS, "")
    ));
    (lamps, retail)
}

/// The keys of Retail, of both channels.
fn holds(lamps: &Stage, retail: &Stage, keys: &str) {
    retail.apply(&format!(
        "kind: channel\nname: lamps-as2\ntransport: as2\nway: in\npartners: [lamps]\n\
         as2: {{ from: \"Light & Lamp\", to: RETAIL, certificates: [lamps], keys: {keys} }}\n---\n\
         kind: channel\nname: lamps-out\ntransport: as2\nway: out\npartners: [lamps]\nurl: {}/as2\nallow_networks: [127.0.0.0/8]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [lamps], keys: {keys} }}\n",
        lamps.partner
    ));
}

/// Sends an order; the fingerprint of the certificate that signed it, as Lamps saw.
async fn signer(lamps: &Stage, retail: &Stage, number: u32) -> Value {
    let before = lamps.list("/api/v1/documents?direction=in").await.len();
    retail.send(order(&format!("CEM-{number}"), number)).await;
    let came = lamps
        .until("the order", || async {
            let all = lamps.list("/api/v1/documents?direction=in").await;
            (all.len() > before).then(|| all[0].clone())
        })
        .await;
    let id = came["transmission_id"].as_str().expect("an id");
    lamps.get(&format!("/api/v1/transmissions/{id}")).await["transport"]["as2"]["signed_by"].clone()
}

fn announced(retail: &Stage) -> Value {
    let all = retail.done(&["certificate", "list", "--announced", "--json"], "");
    serde_json::from_str::<Value>(&all).expect("JSON")["items"][0].clone()
}

/// On how many channels nothing of Retail's signs some day within 400 days: its old certificate counts for 365.
fn unsigned_ahead(retail: &Stage) -> usize {
    let said = retail.done(&["certificate", "forecast", "--days", "400", "--json"], "");
    let all: Value = serde_json::from_str(&said).expect("JSON");
    let signs = |one: &&Value| ["sign_message", "sign_receipt"].contains(&one["use"].as_str().unwrap_or_default());
    all["items"].as_array().expect("items").iter().filter(signs).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_announced_and_signs_once_it_is_accepted() {
    for accepts in [true, false] {
        let (lamps, retail) = both().await;
        let (own, next) = (RETAIL.own.certificate.fingerprint(), NEXT.own.certificate.fingerprint());
        assert_eq!(retail.done(&["certificate", "list", "--announced"], ""), "no certificate was announced\n");
        let line = ["certificate", "announce", "next", "--channel", "lamps-out"];
        let to = format!("{}/as2", retail.partner);
        let whole = [&line[..], &["--respond-to", &to]].concat();
        let refused = |line: &[&str], told: &str| {
            let refused = retail.cli(line, "");
            assert_eq!(refused.status.code(), Some(6), "{refused:?}");
            assert!(String::from_utf8_lossy(&refused.stderr).contains(told), "{told}: {refused:?}");
        };
        refused(&whole, "certificate next is not among its keys");
        holds(&lamps, &retail, "[retail, next]");
        refused(&line, "nothing says where the answer goes");
        refused(
            &["certificate", "announce", "next", "--channel", "lamps-as2"],
            "expected one of transport as2 and way out",
        );
        assert_eq!(signer(&lamps, &retail, 1).await, own, "nobody has accepted it");
        assert_eq!(unsigned_ahead(&retail), 2, "one that nobody has accepted follows nothing");
        retail.done(&whole, "");
        refused(&whole, "waits for the answer of Light & Lamp already");
        let offered = lamps
            .until("an offer", || async {
                let all = lamps.get("/api/v1/certificates/offered").await;
                all["items"].as_array().filter(|all| !all.is_empty()).map(|all| all[0].clone())
            })
            .await;
        assert_eq!((&offered["fingerprint"], &offered["wants_answer"]), (&next.clone().into(), &true.into()));
        assert_eq!(offered["uses"], serde_json::json!(["digitalSignature", "keyEncipherment"]));
        assert_eq!(announced(&retail)["state"], "waiting");
        assert_eq!(signer(&lamps, &retail, 2).await, own, "it is not accepted yet");
        let accept = ["certificate", "accept", &next, "--channel", "retail-as2", "--channel", "retail-out", "--yes"];
        match accepts {
            true => lamps.done(&accept, ""),
            false => lamps.done(&["certificate", "refuse", &next], ""),
        };
        let state = if accepts { "accepted" } else { "rejected" };
        let told =
            retail.until("an answer", || async { Some(announced(&retail)).filter(|one| one["state"] == state) }).await;
        assert_eq!((&told["name"], told["reason"].is_string()), (&"next".into(), !accepts), "{told}");
        assert!(retail.done(&["certificate", "list", "--announced"], "").contains(state));
        assert_eq!(signer(&lamps, &retail, 3).await, if accepts { next } else { own });
        assert_eq!(unsigned_ahead(&retail), if accepts { 0 } else { 2 });
        if !accepts {
            let raised = retail.until("an alarm", || async {
                let all = retail.list("/api/v1/alarms").await;
                all.into_iter().find(|one| one["alert"] == "announced")
            });
            let raised = raised.await;
            assert!(raised.to_string().contains("1 certificate of ours"), "{raised}");
        }
        for stage in [&lamps, &retail] {
            stage.balanced().await;
        }
    }
}

/// The newest announcement: what it says of being given up, and how many there are.
fn given_up(retail: &Stage) -> (Value, usize) {
    let all = retail.done(&["certificate", "list", "--announced", "--json"], "");
    let all: Value = serde_json::from_str(&all).expect("JSON");
    let all = all["items"].as_array().expect("items");
    (all[0]["is_given_up"].clone(), all.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_that_was_given_up_keeps_nothing_from_leaving() {
    let (lamps, retail) = both().await;
    let to = format!("{}/as2", retail.partner);
    let line = ["certificate", "announce", "next", "--channel", "lamps-out", "--respond-to", &to];
    // Nobody listens there.
    retail.apply(
        "kind: channel\nname: lamps-out\ntransport: as2\nway: out\npartners: [lamps]\nurl: http://127.0.0.1:9/as2\n\
         allow_networks: [127.0.0.0/8]\n\
         as2: { from: RETAIL, to: \"Light & Lamp\", certificates: [lamps], keys: [retail, next] }\n---\n\
         kind: channel\nname: lamps-as2\ntransport: as2\nway: in\npartners: [lamps]\n\
         as2: { from: \"Light & Lamp\", to: RETAIL, certificates: [lamps], keys: [retail, next] }\n",
    );
    let said: Value = serde_json::from_str(&retail.done(&[&line[..], &["--json"]].concat(), "")).expect("JSON");
    let delivery = said["delivery"].as_str().expect("an id");
    assert_eq!(given_up(&retail), (false.into(), 1), "it is tried still");
    assert_eq!(retail.cli(&line, "").status.code(), Some(6), "it waits already");
    retail
        .until("a pause between attempts", || async {
            let row = retail.get(&format!("/api/v1/deliveries/{delivery}")).await;
            (row["delivery"]["state"] == "retry_wait" || row["delivery"]["state"] == "parked").then_some(())
        })
        .await;
    retail.cli(&["delivery", "cancel", delivery], "");
    retail.until("the end of it", || async { (given_up(&retail).0 == true).then_some(()) }).await;
    assert!(retail.done(&["certificate", "list", "--announced"], "").contains("ITS MESSAGE IS GIVEN UP"));
    holds(&lamps, &retail, "[retail, next]");
    retail.done(&line, "");
    assert_eq!(given_up(&retail), (false.into(), 2), "it is announced anew");
    assert_eq!(signer(&lamps, &retail, 1).await, RETAIL.own.certificate.fingerprint(), "nobody has accepted it");
    // The partner never answers, and all others are over: Lamps has the certificate by another way.
    retail.done(&["secret", "set", "past-key"], &PAST.key_pem);
    retail.apply(&certificate("past", &PAST, "past-key"));
    holds(&lamps, &retail, "[past, next]");
    lamps.apply(&format!(
        "kind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\nallow_networks: [127.0.0.0/8]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [retail, next], keys: [lamps] }}\n{}",
        certificate("next", &NEXT, "")
    ));
    assert_eq!(signer(&lamps, &retail, 2).await, NEXT.own.certificate.fingerprint());
    for stage in [&lamps, &retail] {
        stage.balanced().await;
    }
}
