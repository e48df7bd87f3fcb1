//! Order, rates, places and circuits as partners meet them: what is received first arrives first in its lane, whatever fails and
//! whoever is killed, and nobody gets more at once or in a second than was agreed.

use super::edi::{self, Order, number_of};
use super::peer::{Answer, Peer};
use super::stage::{Stage, resources};
use std::collections::BTreeMap;
use std::time::Duration;

const QUICK: &str = "[delivery]\nretry_seconds = [1, 1, 1, 1, 1, 1, 1, 1]\nattempt_seconds = 5\n";

async fn stage(sections: &str) -> (Stage, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    (Stage::with(&retailer, &supplier, sections).await, supplier)
}

/// One resource of the stage, with more keys.
fn resource(supplier: &Peer, name: &str, more: &str) -> String {
    let all = resources(1, supplier.port);
    let one = all.split("---\n").find(|one| one.contains(&format!("name: {name}\n"))).expect("it");
    format!("{one}{more}")
}

/// Order `number`, the `control`th that is sent: its quantity says so, and goes through to the other side.
async fn send(stage: &Stage, number: &str, control: u32) {
    let quantity = control.to_string();
    stage.send(edi::written(&Order { number, control, quantity: &quantity, ..Order::default() })).await;
}

fn quantity_of(body: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(body).into_owned();
    let begin = text.find("QTY+21:").expect("a quantity") + "QTY+21:".len();
    text[begin..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

/// What came of each order, repeats left out.
fn sequences(supplier: &Peer) -> BTreeMap<String, Vec<u32>> {
    let mut all: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for post in supplier.orders() {
        let (number, quantity) = (number_of(&post.body).expect("an order"), quantity_of(&post.body));
        let sequence = all.entry(number).or_default();
        if sequence.last() != Some(&quantity) {
            sequence.push(quantity);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_documents_arrive_in_the_order_of_receipt_in_three_lanes_through_failures_and_a_kill() {
    const DOCUMENTS: u32 = 200;
    let (mut stage, supplier) = stage(QUICK).await;
    stage.apply(&resource(&supplier, "lamps-orders", "order: key\nkey: number\n"));
    stage.apply(&resource(&supplier, "lamps-out", "circuit: { failures: \"100\" }\n"));
    let troubles = [Answer::Status(200), Answer::Status(500), Answer::Cut, Answer::Slow(Duration::from_millis(300))];
    supplier.then(&troubles.iter().cycle().take(24).cloned().collect::<Vec<_>>());
    for control in 1..=DOCUMENTS {
        send(&stage, ["A", "B", "C"][control as usize % 3], control).await;
        if control == DOCUMENTS / 2 {
            stage.kill();
            stage.start_again(&[]);
        }
    }
    let is_done = |sequences: &BTreeMap<String, Vec<u32>>| sequences.values().map(Vec::len).sum::<usize>() >= 200;
    stage.until("all are there", || async { is_done(&sequences(&supplier)).then_some(()) }).await;
    for (number, sequence) in sequences(&supplier) {
        assert!(sequence.is_sorted(), "lane {number}: {sequence:?}");
    }
    // With as many acknowledgments to the other side.
    stage.deliveries("delivered", DOCUMENTS as usize * 2).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_parked_stops_its_lane_and_the_list_says_so() {
    let (stage, supplier) = stage(QUICK).await;
    stage.apply(&resource(&supplier, "lamps-orders", "order: key\nkey: number\n"));
    supplier.then(&[Answer::Status(422)]);
    send(&stage, "A", 1).await;
    let parked = stage
        .until("one is parked", || async { stage.list("/api/v1/deliveries?state=parked").await.into_iter().next() })
        .await;
    let parked = parked["delivery_id"].as_str().expect("an id").to_owned();
    send(&stage, "A", 2).await;
    send(&stage, "B", 3).await;
    stage.until("the other lane goes on", || async { sequences(&supplier).contains_key("B").then_some(()) }).await;
    let waiting = stage.list("/api/v1/deliveries?state=ready&channel=lamps-out").await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!((&waiting[0]["waits_for"], &waiting[0]["waits_for_state"]), (&parked.as_str().into(), &"parked".into()));
    let said = stage.done(&["delivery", "list", "--state", "ready"], "");
    assert!(said.contains(&format!("waits for {parked}, which is parked")), "{said}");
    assert_eq!(sequences(&supplier)["A"], [1]);
    // Who lets one go whose turn it is not is told for whom it waits.
    let second = waiting[0]["delivery_id"].as_str().expect("an id").to_owned();
    assert_eq!(stage.done(&["delivery", "hold", &second], ""), format!("{second} is held\n"));
    let said = stage.done(&["delivery", "release", &second], "");
    assert_eq!(said, format!("{second} is ready; of its lane {parked} goes first, which is parked\n"));
    let said = stage.done(&["delivery", "resubmit", &parked], "");
    assert!(said.starts_with(&format!("{parked} goes again as del_")) && !said.contains("lane"), "{said}");
    stage.until("the lane goes on", || async { (sequences(&supplier)["A"] == [1, 2]).then_some(()) }).await;
    let keys: Vec<String> = supplier.orders().iter().map(|post| post.key().to_owned()).collect();
    assert_eq!(keys.len(), 4, "{keys:?}");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_at_once_and_in_a_second_than_the_channel_says() {
    let (stage, supplier) = stage(QUICK).await;
    stage.apply(&resource(&supplier, "lamps-out", "concurrency: \"2\"\n"));
    supplier.then(&vec![Answer::Slow(Duration::from_millis(150)); 10]);
    for control in 1..=10 {
        send(&stage, "A", control).await;
    }
    stage.until("all are there", || async { (supplier.orders().len() == 10).then_some(()) }).await;
    assert_eq!(supplier.most_at_once(), 2, "places are used, and no more than there are");
    stage.apply(&resource(&supplier, "lamps-out", "rate: { count: \"3\", per: second }\n"));
    for control in 11..=20 {
        send(&stage, "A", control).await;
    }
    stage.until("all are there", || async { (supplier.orders().len() == 20).then_some(()) }).await;
    let times: Vec<_> = supplier.orders().iter().skip(10).map(|post| post.at).collect();
    for four in times.windows(4) {
        assert!(four[3].duration_since(four[0]) >= Duration::from_millis(950), "more than three in a second");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_after_slows_the_whole_channel() {
    let (stage, supplier) = stage(QUICK).await;
    supplier.then(&[Answer::Later(3)]);
    send(&stage, "A", 1).await;
    stage.until("it was asked to wait", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    let asked = supplier.orders()[0].at;
    stage
        .until("the answer is known", || async {
            (!stage.list("/api/v1/deliveries?state=retry_wait").await.is_empty()).then_some(())
        })
        .await;
    send(&stage, "B", 2).await;
    send(&stage, "C", 3).await;
    let said = stage.done(&["channel", "list"], "");
    assert!(said.contains("asked to wait until"), "{said}");
    stage.until("all are there", || async { (supplier.orders().len() == 4).then_some(()) }).await;
    for post in &supplier.orders()[1..] {
        assert!(post.at.duration_since(asked) >= Duration::from_millis(2_900), "it was asked to wait three seconds");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_circuit_is_seen_and_closes_by_a_probe() {
    let ((stage, supplier), hook) = (stage(QUICK).await, Peer::start(&[]).await);
    stage.done(&["webhook", "secret", "hook-secret"], "");
    stage.apply(&format!(
        "kind: webhook\nname: monitor\nurl: http://127.0.0.1:{}/hook\nsecret: {{ secret: hook-secret }}\n\
         allow_networks: [127.0.0.0/8]\nevents: [\"circuit.*\"]\n",
        hook.port
    ));
    stage.apply(&resource(&supplier, "lamps-out", "circuit: { failures: \"2\", seconds: \"2\" }\nretry: { seconds: [\"1\"], jitter_percent: \"0\", give_up_minutes: \"5\" }\n"));
    supplier.then(&[Answer::Status(500), Answer::Status(500), Answer::Status(500)]);
    send(&stage, "A", 1).await;
    let open = stage
        .until("its circuit is open", || async {
            let status = stage.get("/api/v1/status").await;
            status["circuits"].as_array().expect("circuits").first().cloned()
        })
        .await;
    assert_eq!(open["channel"], "lamps-out");
    assert!(stage.done(&["channel", "list"], "").contains("left alone since"));
    assert!(stage.done(&["status"], "").contains("left alone     channel lamps-out since"));
    // With the acknowledgment to the other side.
    stage.deliveries("delivered", 2).await;
    stage
        .until("it is closed", || async {
            (stage.get("/api/v1/status").await["circuits"].as_array().expect("circuits").is_empty()).then_some(())
        })
        .await;
    let times: Vec<_> = supplier.orders().iter().map(|post| post.at).collect();
    assert_eq!(times.len(), 4, "the last delay repeats");
    assert!(times[2].duration_since(times[1]) >= Duration::from_millis(1_900), "between probes it is left alone");
    stage.until("both are told", || async { (hook.posts().len() == 2).then_some(()) }).await;
    let told: Vec<serde_json::Value> =
        hook.posts().iter().map(|post| serde_json::from_slice(&post.body).expect("JSON")).collect();
    let seen: Vec<_> = told.iter().map(|one| (&one["type"], &one["data"]["channel"])).collect();
    assert_eq!(
        seen,
        [(&"circuit.opened".into(), &"lamps-out".into()), (&"circuit.closed".into(), &"lamps-out".into())]
    );
}
