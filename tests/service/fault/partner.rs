//! Partners that take a connection and never answer, stall or drop in the middle of a body, or before their answer is whole.

use super::super::large::long_order;
use super::super::peer::Peer;
use super::super::stage::Stage;
use super::alarm_or_its_end;
use super::line::{Fault, Line};

const SECTIONS: &str = "[delivery]\nattempt_seconds = 2\nretry_seconds = [1, 1, 1, 1, 1]\n\
                        [alert]\nlook_seconds = 1\nsettle_seconds = 1\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_is_silent_stalls_or_drops_gets_the_document_once() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    // Four in a row: a fifth would leave the channel alone for a while.
    let faults = [Fault::Silent, Fault::StallsUp(100_000), Fault::CutUp(100_000), Fault::CutDown(10)];
    let line = Line::to(supplier.port, &faults).await;
    let stage = Stage::with(&retailer, &supplier.behind(line.port), SECTIONS).await;
    stage.apply("kind: alert\nname: retrying\nwatch: retrying\nminutes: \"0\"\n");
    stage.send(long_order()).await;
    // The acknowledgment to another partner does not wait for it.
    stage.until("the 997", || async { (!retailer.posts().is_empty()).then_some(()) }).await;
    assert!(line.struck() < faults.len(), "the 997 waited for the supplier");
    alarm_or_its_end(&stage, "retrying", "lamps-out").await;
    let rows = stage.deliveries("delivered", 2).await;
    let order = rows.iter().find(|row| row["channel"] == "lamps-out").expect("the order's");
    assert_eq!((line.struck(), order["attempts"].as_i64()), (faults.len(), Some(5)), "{order:#}");
    let posts = supplier.orders();
    // Whole twice, since its first answer was cut: as one thing.
    assert_eq!(posts.len(), 2);
    assert!(posts[0].key() == posts[1].key() && posts[0].body == posts[1].body, "one key, the same bytes");
    stage.balanced().await;
}
