//! A partner sends the whole of its table again and again, of which little changes: what says the same under its number makes no
//! work, what changed does, and what is there no more is told where that was asked for. Over every channel, and with the process killed.

use super::edi::order;
use super::peer::{Peer, Post};
use super::stage::{Stage, resources};
use std::collections::{BTreeMap, BTreeSet};

/// Named points at which the service is killed here.
const POINTS: [&str; 2] = ["translate.before_commit", "translate.after_commit"];

fn more(keys: &str) -> String {
    format!(
        "{{kind: partner, name: market, party_ids: [\"14:4012345000009\"]}}\n---\n\
         {{kind: channel, name: market-in, transport: http, way: in, auth: token, document: csv/1/Order, partners: [market]}}\n---\n\
         {{kind: route, name: market-to-lamps, from: market-orders, to: lamps-orders}}\n---\n{}",
        agreement(keys)
    )
}

fn agreement(keys: &str) -> String {
    format!("{{kind: agreement, name: market-orders, way: in, partner: market, document: csv/1/Order{keys}}}\n")
}

const SKIP: &str = ", unchanged: skip, duplicate: allow";

struct Scene {
    stage: Stage,
    supplier: Peer,
}

impl Scene {
    async fn begin(keys: &str) -> Scene {
        let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
        let mut stage = Stage::bare("").await;
        stage.apply(&format!("{}---\n{}", resources(retailer.port, supplier.port), more(keys)));
        stage.token = stage.new_token("market-in");
        Scene { stage, supplier }
    }

    /// Posts a table of these orders, each with the quantity of its one line; what became of the transmission.
    async fn post(&self, orders: &[(&str, &str)]) -> serde_json::Value {
        let id = self.stage.send_over("market-in", table(orders)).await;
        self.stage.reaches(&id, "split").await
    }

    /// What the supplier got; a post that comes again under its key after a kill is none more.
    fn got(&self) -> Vec<Post> {
        let mut keys = BTreeSet::new();
        self.supplier.orders().into_iter().filter(|post| keys.insert(post.key().to_owned())).collect()
    }

    /// Waits until the supplier has so many orders, and counts them by their number.
    async fn orders(&self, count: usize) -> BTreeMap<String, usize> {
        let found = || async { Some(self.got()).filter(|all| all.len() >= count) };
        let all = self.stage.until(&format!("{count} orders"), found).await;
        let mut counted = BTreeMap::new();
        for post in &all {
            *counted.entry(super::edi::number_of(&post.body).expect("an order")).or_default() += 1;
        }
        counted
    }
}

fn table(orders: &[(&str, &str)]) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/csv/1/Order/plain/in.csv");
    let text = std::fs::read_to_string(file).expect("the fixture");
    let (titles, row) = (text.lines().next().expect("titles"), text.lines().nth(1).expect("a row"));
    let rows = orders.iter().map(|(number, quantity)| {
        format!("{}\r\n", row.replacen("4711", number, 1).replace(";120;", &format!(";{quantity};")))
    });
    format!("{titles}\r\n{}", rows.collect::<String>())
}

fn counted(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|(number, count)| ((*number).to_owned(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_table_that_comes_again_only_what_changed_makes_work() {
    let scene = Scene::begin(SKIP).await;
    scene.post(&[("A1", "1"), ("A2", "2"), ("A3", "3")]).await;
    scene.orders(3).await;
    // One is another, one is new, two are as they were, in another order.
    let shown = scene.post(&[("A4", "4"), ("A3", "3"), ("A2", "20"), ("A1", "1")]).await;
    assert_eq!(scene.orders(5).await, counted(&[("A1", 1), ("A2", 2), ("A3", 1), ("A4", 1)]));
    assert_eq!(shown["documents"].as_array().map(Vec::len), Some(2), "{shown:#}");
    let transmission = &shown["transmission"];
    assert_eq!(transmission["code"], "UNCHANGED", "{transmission:#}");
    let reason = transmission["reason"].as_str().expect("words");
    assert_eq!(reason, "2 of 4 documents say what came last under their numbers, and make no work");
    // What came before the last is something new.
    let shown = scene.post(&[("A2", "2")]).await;
    assert_eq!(
        (shown["documents"].as_array().map(Vec::len), &shown["transmission"]["code"]),
        (Some(1), &serde_json::Value::Null)
    );
    assert_eq!(scene.orders(6).await["A2"], 3);
    scene.stage.balanced().await;
    let refused = scene.stage.refused(&agreement(", unchanged: skip"));
    assert!(refused.contains("unchanged: expected with duplicate: allow"), "{refused}");
}

/// In X12, where several interchanges come in one body: each document is held against the one before it, and all are acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_twice_in_one_body_makes_work_once_and_is_acknowledged_twice() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let own = resources(retailer.port, supplier.port);
    let own = own.split("---\n").find(|one| one.contains("name: northstores-orders")).expect("it").to_owned();
    stage.apply(&format!("{own}unchanged: skip\n"));
    let body = [order("X1", 1), order("X1", 2), order("X2", 3), order("X1", 4)].concat();
    let id = stage.send(body).await;
    let shown = stage.reaches(&id, "split").await;
    assert!(shown["transmission"]["reason"].as_str().is_some_and(|reason| reason.starts_with("2 of 4")), "{shown:#}");
    stage.deliveries("delivered", 6).await;
    assert_eq!((supplier.orders().len(), retailer.posts().len()), (2, 4));
    stage.balanced().await;
}

/// An interchange of which nothing makes work was taken all the same: what repeats it is a repeat.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interchange_that_says_nothing_new_is_known_when_it_comes_again() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let own = resources(retailer.port, supplier.port);
    let own = own.split("---\n").find(|one| one.contains("name: northstores-orders")).expect("it").to_owned();
    stage.apply(&format!("{own}unchanged: skip\n"));
    let first = stage.send(order("X1", 1)).await;
    stage.reaches(&first, "split").await;
    let same = stage.send(order("X1", 2)).await;
    let shown = stage.reaches(&same, "split").await;
    assert_eq!(shown["transmission"]["code"], "UNCHANGED", "{shown:#}");
    let again = stage.send(order("X1", 2)).await;
    let shown = stage.reaches(&again, "duplicate").await;
    assert_eq!(shown["transmission"]["duplicate_of"], same.as_str(), "{shown:#}");
    // Other content under its number is for a person, as it is of any.
    let other = stage.send(order("X2", 2)).await;
    let shown = stage.reaches(&other, "held").await;
    assert_eq!(shown["transmission"]["code"], "INTERCHANGE-NUMBER-REUSED", "{shown:#}");
    assert_eq!(supplier.orders().len(), 1);
    stage.balanced().await;
}

/// A thousand small rows are less than a slice of documents holds in bytes; they go in more than one commit all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_two_slices_of_what_is_unchanged_it_goes_on_where_it_stood() {
    let mut scene = Scene::begin(SKIP).await;
    scene.stage.done(&["pause", "channel", "lamps-out"], "");
    let numbers: Vec<String> = (0..1100).map(|number| format!("N{number}")).collect();
    let orders: Vec<(&str, &str)> = numbers.iter().map(|number| (number.as_str(), "1")).collect();
    scene.post(&orders).await;
    scene.stage.kill();
    // At the second commit it dies only where there are two.
    scene.stage.start_again(&[("PORTOLAN_FAIL_POINT", "translate.before_commit:2")]);
    let id = scene.stage.send_over("market-in", table(&orders)).await;
    scene.stage.dies("the second slice").await;
    scene.stage.start_again(&[]);
    let shown = scene.stage.reaches(&id, "split").await;
    let reason = shown["transmission"]["reason"].as_str().expect("words");
    assert!(reason.starts_with("1100 of 1100 documents"), "{reason}");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_looked_at_again_and_an_agreement_that_takes_all_knows_nothing() {
    let scene = Scene::begin(SKIP).await;
    scene.post(&[("B1", "1"), ("B2", "1O")]).await;
    scene.orders(1).await;
    // The faulty one comes again as it was, and is faulty again.
    let shown = scene.post(&[("B1", "1"), ("B2", "1O")]).await;
    let documents = shown["documents"].as_array().expect("documents");
    assert_eq!((documents.len(), &documents[0]["processing"]), (1, &"failed".into()), "{shown:#}");
    scene.post(&[("B2", "10"), ("B3", "3")]).await;
    scene.orders(3).await;
    // While all is taken nothing is noted, so that nothing is known afterwards.
    scene.stage.apply(&agreement(", duplicate: allow"));
    scene.post(&[("B1", "7"), ("B3", "3")]).await;
    scene.orders(5).await;
    scene.stage.apply(&agreement(SKIP));
    scene.post(&[("B1", "1"), ("B3", "3"), ("B4", "4")]).await;
    assert_eq!(scene.orders(8).await, counted(&[("B1", 3), ("B2", 1), ("B3", 3), ("B4", 1)]));
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_no_more_is_told_where_that_was_asked_for() {
    let scene = Scene::begin(", unchanged: skip, duplicate: allow, vanished: tell").await;
    scene.post(&[("C1", "1"), ("C2", "2"), ("C3", "3")]).await;
    let shown = scene.post(&[("C1", "1"), ("C4", "4")]).await;
    let (code, reason) = (&shown["transmission"]["code"], shown["transmission"]["reason"].as_str().expect("words"));
    assert_eq!(code, "VANISHED", "{shown:#}");
    assert!(reason.ends_with("2 that agreement market-orders had are there no more: C2, C3"), "{reason}");
    // Told once; and when it comes back, it is new.
    let shown = scene.post(&[("C1", "1"), ("C4", "4"), ("C2", "2")]).await;
    assert_eq!(
        (shown["documents"].as_array().map(Vec::len), &shown["transmission"]["code"]),
        (Some(1), &"UNCHANGED".into())
    );
    // Where one cannot be read, nobody knows which are missing.
    let shown = scene.post(&[("C1", "1"), ("C9", "1O")]).await;
    assert_eq!(shown["transmission"]["code"], "UNCHANGED", "{shown:#}");
    assert_eq!(scene.orders(5).await, counted(&[("C1", 1), ("C2", 2), ("C3", 1), ("C4", 1)]));
    let refused = scene.stage.refused(&agreement(", vanished: tell"));
    assert!(refused.contains("vanished: expected with unchanged: skip"), "{refused}");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_changes_are_noted_none_is_lost_and_none_comes_twice() {
    let mut scene = Scene::begin(SKIP).await;
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for (round, point) in (1_u32..).zip(POINTS) {
        scene.stage.kill();
        scene.stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        let quantity = round.to_string();
        let orders = [("D0", "5"), ("D1", quantity.as_str()), ("D2", quantity.as_str())];
        let url = format!("{}/in/market-in", scene.stage.partner);
        // The answer may be lost with the process.
        let key = format!("k{round}");
        let post = |stage: &Stage, url: &str| {
            stage.client.post(url).bearer_auth(&stage.token).header("idempotency-key", &key).body(table(&orders)).send()
        };
        let _ = post(&scene.stage, &url).await;
        scene.stage.dies(point).await;
        scene.stage.start_again(&[]);
        let url = format!("{}/in/market-in", scene.stage.partner);
        assert_eq!(post(&scene.stage, &url).await.expect("an answer").status(), 202);
        for number in ["D1", "D2"] {
            *expected.entry(number.to_owned()).or_default() += 1;
        }
        expected.insert("D0".to_owned(), 1);
        assert_eq!(scene.orders(expected.values().sum()).await, expected, "{point}");
    }
    scene.post(&[("D0", "5"), ("D1", "2"), ("D2", "2"), ("D3", "9")]).await;
    expected.insert("D3".to_owned(), 1);
    assert_eq!(scene.orders(expected.values().sum()).await, expected);
    scene.stage.balanced().await;
}

/// Several that bring the same at once: one of them makes the work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_by_several_at_once_makes_work_once() {
    let scene = Scene::begin(SKIP).await;
    let orders: Vec<(String, String)> = (0..40).map(|number| (format!("E{number}"), "1".to_owned())).collect();
    let mut bodies = Vec::new();
    for round in 0..6 {
        // Each has an order of its own, so that none is the repeat of another.
        let own = (format!("F{round}"), "1".to_owned());
        let all: Vec<(&str, &str)> =
            orders.iter().chain([&own]).map(|(number, quantity)| (number.as_str(), quantity.as_str())).collect();
        bodies.push(table(&all));
    }
    let url = format!("{}/in/market-in", scene.stage.partner);
    let posts = bodies.into_iter().map(|body| {
        let request = scene.stage.client.post(&url).bearer_auth(&scene.stage.token).body(body);
        tokio::spawn(async move { request.send().await.expect("an answer").status() })
    });
    for post in posts.collect::<Vec<_>>() {
        assert_eq!(post.await.expect("an end"), 202);
    }
    let all = scene.orders(46).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!((all.len(), scene.got().len()), (46, 46), "each once");
    scene.stage.balanced().await;
}
