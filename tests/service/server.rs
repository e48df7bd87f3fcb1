//! The service with its ledger on a PostgreSQL server: the whole way of an order, the server going away, and another
//! process on the same database.

use super::backend::wire::{Proxy, Wire};
use super::backend::{Ground, PASSWORD};
use super::edi::{number_of, order};
use super::peer::{Answer, Peer};
use super::stage::Stage;
use std::process::Command;

#[tokio::test]
async fn an_order_goes_its_way_and_a_restart_repeats_nothing() {
    let Some(ground) = Ground::server().await else { return };
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with_on(&ground.line(), &retailer, &supplier, "").await;
    stage.send(order("4711", 1)).await;
    stage.deliveries("delivered", 2).await;
    assert_eq!(stage.stop().await, Some(0));
    stage.start_again(&[]);
    stage.send(order("4712", 2)).await;
    stage.deliveries("delivered", 4).await;
    assert_eq!((supplier.posts().len(), retailer.posts().len()), (2, 2));
    stage.balanced().await;
    assert!(!stage.data().join("portolan.db").exists(), "no file beside the server");
    let (status, log) = (stage.done(&["status"], ""), stage.log());
    let shown = "PostgreSQL localhost:5432/ledger_";
    assert!(status.contains(shown) && log.contains(shown), "{status}");
    assert!(!status.contains(PASSWORD) && !log.contains(PASSWORD), "the password is nowhere to be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_senders_are_told_to_repeat_and_nothing_is_lost() {
    let Some(ground) = Ground::server().await else { return };
    let Some(socket) = Ground::socket() else { return };
    let proxy = Proxy::start(socket).await;
    let ground = ground.over(proxy.port);
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with_on(&ground.line(), &retailer, &supplier, "").await;
    assert_eq!(stage.post(Some("k1"), order("4711", 1)).await.status, 202);
    stage.deliveries("delivered", 2).await;
    proxy.becomes(Wire::Down);
    let refused = stage.post(Some("k2"), order("4712", 2)).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    proxy.becomes(Wire::Whole);
    stage
        .until("the repeat is taken", || async {
            (stage.post(Some("k2"), order("4712", 2)).await.status == 202).then_some(())
        })
        .await;
    stage.deliveries("delivered", 4).await;
    let orders: Vec<_> = supplier.posts().iter().filter_map(|post| number_of(&post.body)).collect();
    assert_eq!(orders, ["4711", "4712"]);
    stage.balanced().await;
    assert!(!stage.log().contains(PASSWORD), "the password is nowhere to be read");
}

/// `kill -HUP` asks for certificates and resources; that the ledger cannot be asked now ends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_while_the_server_is_away_ends_nothing() {
    let Some(ground) = Ground::server().await else { return };
    let Some(socket) = Ground::socket() else { return };
    let proxy = Proxy::start(socket).await;
    let ground = ground.over(proxy.port);
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with_on(&ground.line(), &retailer, &supplier, "").await;
    proxy.becomes(Wire::Down);
    assert_eq!(stage.post(Some("k1"), order("4711", 1)).await.status, 503, "it is away");
    let id = stage.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill").success());
    stage.until("it is told", || async { stage.log().contains("could not be taken over").then_some(()) }).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(stage.child.try_wait().expect("a child"), None, "it goes on");
    proxy.becomes(Wire::Whole);
    stage
        .until("it is taken", || async { (stage.post(Some("k1"), order("4711", 1)).await.status == 202).then_some(()) })
        .await;
    stage.deliveries("delivered", 2).await;
    assert_eq!(stage.stop().await, Some(0), "it stops in order");
}

#[tokio::test]
async fn faults_and_repeats_are_told_as_with_a_file() {
    let Some(ground) = Ground::server().await else { return };
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[Answer::Status(500), Answer::Cut]).await);
    let sections = "[delivery]\nretry_seconds = [1, 1, 1]\n";
    let stage = Stage::with_on(&ground.line(), &retailer, &supplier, sections).await;
    let nothing = stage.send("no interchange at all").await;
    stage.reaches(&nothing, "rejected").await;
    // A NUL is no character of the standard, and PostgreSQL's text cannot hold one.
    let odd = stage.send(order("47\u{0}11", 1)).await;
    let split = stage.reaches(&odd, "split").await;
    assert_ne!(split["documents"][0]["code"], "POISON", "{split:#}");
    stage.send(order("4712", 2)).await;
    stage.until("the second order", || async { (supplier.orders().len() >= 3).then_some(()) }).await;
    stage
        .until("all delivered", || async {
            let rows = stage.list("/api/v1/deliveries").await;
            rows.iter().all(|row| row["state"] == "delivered").then_some(())
        })
        .await;
    let again = stage.post(Some("k"), order("4713", 3)).await;
    let repeated = stage.post(Some("k"), order("4713", 3)).await;
    assert_eq!((again.word("transmission"), repeated.status.as_u16()), (repeated.word("transmission"), 202));
    assert_eq!(repeated.headers["idempotency-replayed"], "true");
    assert_eq!(stage.post(Some("k"), order("4714", 4)).await.status, 422);
    stage.balanced().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_database_is_told_so() {
    let Some(ground) = Ground::server().await else { return };
    let stage = Stage::on(&ground.line(), "").await;
    let other = tempfile::tempdir().expect("a folder");
    std::fs::write(other.path().join("portolan.toml"), ground.line()).expect("the configuration");
    let output = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["serve", "--data"])
        .arg(other.path())
        .output()
        .expect("the binary");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("in use by another process") && !told.contains(PASSWORD), "{told}");
    stage.balanced().await;
}
