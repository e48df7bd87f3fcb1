//! Servers that refuse a password, or are gone in the middle of a file; and files that are kept or moved there.

use super::remote::{drop_in, passed_on, pickup, server_at, stage};
use super::sshd::Sshd;
use super::*;
use crate::fault::line::{Fault, Line};
use crate::large::long_order;
use crate::sftp::client::{Client, port};
use std::sync::Arc;

const PASSWORD: &str = "correct horse battery";

/// Our resources, with a folder of their server named in both channels.
fn out_to(ground: &Ground, server: &str) -> String {
    passed_on(ground, &format!("transport: sftp\nserver: {server}\nfolder: /in\nallow_networks: [127.0.0.0/8]"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_parks_with_the_reason_and_the_right_one_goes_on() {
    let theirs = Stage::bare("[sftp]\nlisten = \"127.0.0.1:0\"\n").await;
    let (one, other) = (Client::new("northstores"), Client::new("lamps"));
    theirs.apply(&crate::sftp::resources(&one.public_key(), &other.public_key(), "", ""));
    theirs.done(&["mailbox", "password", "northstores"], &format!("{PASSWORD}\n"));
    let (ground, at) = (Ground::new(), port(&theirs));
    let ours = Stage::bare(&ground.section()).await;
    let shown = ours.done(&["channel", "host-keys", &format!("127.0.0.1:{at}")], "");
    let key = shown.lines().next().and_then(|line| line.split_whitespace().last()).expect("a fingerprint").to_owned();
    let server = format!(
        "{{ host: 127.0.0.1, port: {at}, user: northstores, password: {{ secret: their-password }}, host_keys: [\"{key}\"] }}"
    );
    ours.done(&["secret", "set", "their-password"], "wrong horse battery");
    ours.apply(&out_to(&ground, &server));
    drop_in(&ground, "4711", 1);
    let parked = ours.deliveries("parked", 1).await;
    assert_eq!(parked[0]["code"], "LOGIN-REFUSED", "{parked:#?}");
    let told = parked[0].to_string();
    assert!(told.contains("password refused") && told.contains("set the secret, then resubmit"), "{told}");
    // Where we fetch it is told as well.
    let fetched = format!(
        "kind: channel\nname: fetched\nway: in\npartners: [northstores]\ntransport: sftp\nserver: {server}\nfolder: /acks\n\
         allow_networks: [127.0.0.0/8]\npickup: {{ every_seconds: 3600, then: keep }}\n"
    );
    ours.apply(&fetched);
    let told = ours
        .until("it says so", || async {
            let all = ours.get("/api/v1/pickups").await;
            let own = all["items"].as_array()?.iter().find(|one| one["channel"] == "fetched")?["state"].clone();
            (own["code"] == "LOGIN-REFUSED").then(|| own["reason"].as_str().unwrap_or_default().to_owned())
        })
        .await;
    assert!(told.contains("password refused"), "{told}");
    assert!(transmissions(&theirs).await.is_empty());
    ours.done(&["secret", "set", "their-password"], PASSWORD);
    ours.done(&["delivery", "resubmit", parked[0]["delivery_id"].as_str().expect("an id")], "");
    ours.deliveries("delivered", 1).await;
    came(&theirs, 1).await;
    for word in ["horse", "battery"] {
        assert!(!ours.log().contains(word) && !theirs.log().contains(word), "no password in a log");
    }
    ours.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_in_the_middle_of_a_download_gives_the_file_once() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    let mut large = order("4711", 1);
    large.resize(3_000_001, b'\n');
    ground.file("large.edi", &large);
    let faults = [Fault::CutDown(1_000_000), Fault::CutDown(2_900_000)];
    let line = Line::hooked(sshd.port, &faults, Arc::new(sshd.ends_sessions())).await;
    let said = pickup(&ground, &sshd, &sshd.host_key(), "then: delete")
        .replace(&format!("port: {}", sshd.port), &format!("port: {}", line.port));
    let stage = stage(&ground, &sshd, &said).await;
    came(&stage, 1).await;
    until_names(&stage, &ground.path("in"), &[]).await;
    assert_eq!(line.struck(), 2, "it was cut in the middle");
    let id = transmissions(&stage).await[0]["transmission_id"].as_str().expect("an id").to_owned();
    assert!(stage.content(&id).await == large, "byte by byte");
    looked_twice(&stage).await;
    assert_eq!(std::fs::read_dir(stage.data().join("temporary")).expect("a folder").count(), 0, "nothing half-written");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_in_the_middle_of_an_upload_has_the_file_once_and_whole() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    let faults = [Fault::CutUp(100_000), Fault::CutUp(200_000)];
    let line = Line::hooked(sshd.port, &faults, Arc::new(sshd.ends_sessions())).await;
    let said = format!(
        "transport: sftp\nserver: {}\nfolder: {}\nallow_networks: [127.0.0.0/8]",
        server_at(line.port, &sshd.host_key()),
        ground.path("out").display()
    );
    let stage = stage(&ground, &sshd, &passed_on(&ground, &said)).await;
    ground.file("long.edi", &long_order());
    ground.file("long.edi.done", b"");
    let rows = stage.deliveries("delivered", 1).await;
    assert_eq!((line.struck(), rows[0]["attempts"].as_i64()), (2, Some(3)), "{rows:#?}");
    let names = ground.names("out");
    assert_eq!(names.len(), 1, "one file, and nothing half-written: {names:?}");
    let bytes = std::fs::read(ground.path("out").join(names.first().expect("one"))).expect("a file");
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.len() > 256 * 1024 && text.trim_end().ends_with('\''), "whole: {} bytes", text.len());
    assert_eq!(text.matches("LIN+").count(), 6_000);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_or_moved_on_a_server_is_not_taken_again() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    std::fs::create_dir(ground.path("in").join("archive")).expect("a folder");
    let as_said = |then: &str| pickup(&ground, &sshd, &sshd.host_key(), then);
    let mut stage = stage(&ground, &sshd, &as_said("then: { move: archive }")).await;
    for (number, count) in [("4711", 1), ("4712", 2)] {
        ground.file("order.edi", &order(number, count));
        came(&stage, count as usize).await;
        until_names(&stage, &ground.path("in"), &[]).await;
    }
    until_names(&stage, &ground.path("in/archive"), &["order.edi", "order-2.edi"]).await;
    stage.apply(&as_said("then: keep"));
    ground.file("stay.edi", &order("4713", 3));
    came(&stage, 3).await;
    looked_twice(&stage).await;
    stage.kill();
    stage.start_again(&[]);
    looked_twice(&stage).await;
    looked_twice(&stage).await;
    came(&stage, 3).await;
    // A server tells times in whole seconds: later, and with another content, it is a new one.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    std::fs::write(ground.path("in").join("stay.edi"), order("4714", 4)).expect("written");
    came(&stage, 4).await;
    assert_eq!(ground.names("in"), ["stay.edi".to_owned()].into());
    assert_eq!(numbers(&stage).await, ["4711", "4712", "4713", "4714"]);
    stage.balanced().await;
}
