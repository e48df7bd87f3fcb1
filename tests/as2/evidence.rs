//! Evidence of messages that no ledger kept: what was signed counts by the day on which it was signed.

use super::keys::{NOW, PLAIN, RSA, sealed, wire};
use super::made::made;
use jiff::ToSpan as _;
use portolan::clock::{Clock as _, SystemClock, Timestamp};
use portolan::id::SystemRandom;
use portolan::transport::as2::crypto::{Digest, Scheme};
use portolan::transport::as2::evidence::{About, FORM, Outcome, Parts, Way, Whose, verify, write};
use portolan::transport::as2::receipt::{self, Disposition, Receipt};
use portolan::transport::as2::seal::Protection;
use serde_json::Value;
use std::io::Cursor;

/// A partner may change its certificate between a message and its receipt.
#[test]
fn a_receipt_counts_by_the_day_on_which_it_came() {
    let now = SystemClock.now();
    let (content, later) = (b"UNB+UNOC:3'".to_vec(), made("New", &rcgen::PKCS_RSA_SHA256, (0, NOW.1)));
    let protection = Protection { sign: Some((&RSA.own, Scheme::Pkcs1, Digest::Sha256)), ..PLAIN };
    let message = sealed(&content, &protection);
    let (headers, body) = wire(&message);
    let disposition = Disposition::Processed;
    let receipt = Receipt {
        agent: "test",
        receiver: "LAMPS",
        message_id: "<1@test>",
        disposition: &disposition,
        mic: Some(&message.mic),
        text: "",
    };
    let signed = receipt::sign(&receipt.write("b"), (&later.own, Scheme::Pkcs1, Digest::Sha256), "c", now);
    let signed = signed.expect("it is signed");
    let receipt = [format!("Content-Type: {}\r\n\r\n", signed.content_type).as_bytes(), &signed.bytes].concat();
    let judged = |receipt_at: Timestamp| {
        let about = About {
            form: FORM.to_owned(),
            way: Way::Out,
            id: "del_1".to_owned(),
            partner: None,
            from: "RETAIL".to_owned(),
            to: "LAMPS".to_owned(),
            message_id: "<1@test>".to_owned(),
            at: now - 24.hours(),
            receipt_at,
            content_type: "application/EDIFACT".to_owned(),
            file_name: None,
            mic: None,
            history: Value::Null,
            payload: None,
            message: None,
            receipt: None,
            certificates: Vec::new(),
        };
        let certificates =
            [(RSA.own.certificate.clone(), Whose::Ours), (later.own.certificate.clone(), Whose::Partner)];
        let parts = Parts {
            payload: &mut &content[..],
            message: Some(&mut Cursor::new([headers.of_entity(), body.clone()].concat())),
            receipt: Some(&receipt),
            certificates: &certificates,
        };
        let file = write(Cursor::new(Vec::new()), about, parts).expect("it is written");
        verify(file, None, &SystemRandom).expect("it is read")
    };
    let holds = judged(now);
    assert!(holds.holds() && holds.looks.iter().all(|look| look.outcome == Outcome::Proved), "{:#?}", holds.looks);
    let early = judged(now - 24.hours());
    let receipt = early.looks.iter().find(|look| look.at == "receipt").expect("a look");
    assert!(receipt.outcome == Outcome::Failed && !early.holds(), "{receipt:?}");
}
