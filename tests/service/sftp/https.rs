//! The same mailboxes over HTTPS: what systems do that have no SFTP client, and those of our own side that take files, work on
//! them and confirm.

use super::super::edi::{number_of, order};
use super::super::large::long_order;
use super::super::stage::{Answer, PATIENCE, Stage};
use super::client::{Client, Login, digest, said};
use super::{POINTS, came, names, resources, stage};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A system that reaches a mailbox with its token.
pub struct Caller<'s> {
    stage: &'s Stage,
    mailbox: &'static str,
    token: String,
}

impl<'s> Caller<'s> {
    pub fn new(stage: &'s Stage, mailbox: &'static str) -> Caller<'s> {
        let token = stage.done(&["token", "create", "--mailbox", mailbox], "").trim().to_owned();
        Caller { stage, mailbox, token }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/mailbox/{}{path}", self.stage.partner, self.mailbox);
        self.stage.client.request(method, url).bearer_auth(&self.token)
    }

    async fn said(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a body");
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) }
    }

    pub async fn ask(&self, method: Method, path: &str) -> Answer {
        self.said(self.request(method, path)).await
    }

    async fn put(&self, path: &str, body: Vec<u8>) -> Answer {
        self.said(self.request(Method::PUT, path).body(body)).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = headers
            .iter()
            .fold(self.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("an answer")
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.said(self.request(Method::POST, path).json(&body)).await
    }

    /// The names that a folder shows, page by page.
    async fn list(&self, folder: &str, limit: u32) -> Vec<String> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.ask(Method::GET, &format!("/{folder}?limit={limit}{after}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            all.extend(named(&page.body));
            match page.body["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return all,
            }
        }
    }

    /// Takes files for so many seconds: the lease, and their names.
    async fn lease(&self, files: u32, seconds: u32) -> (String, Vec<String>) {
        let taken = self.post("/out/lease", json!({ "files": files, "seconds": seconds })).await;
        assert_eq!(taken.status, 200, "{taken:?}");
        (taken.word("lease").to_owned(), named(&taken.body))
    }
}

fn named(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

/// The file of an order in the mailbox of Light and Lamp.
fn file(number: u32) -> String {
    format!("ORDERS_H-{number}_{number}.edi")
}

/// An instance in which orders lie for Light and Lamp.
async fn with_orders(count: u32, sections: &str) -> (Stage, Client, Client) {
    let (stage, retailer, supplier) = stage("", "", sections).await;
    let north = Caller::new(&stage, "northstores");
    for number in 1..=count {
        let put = north.put(&format!("/in/{number}.edi"), order(&format!("H-{number}"), number)).await;
        assert_eq!(put.status, 201, "{put:?}");
        // One after the other, so that they lie in their order.
        stage.deliveries("delivered", 2 * number as usize).await;
    }
    (stage, retailer, supplier)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_is_one_over_sftp_and_https() {
    let (stage, retailer, supplier) = stage("", "", "").await;
    let (north, lamps) = (Caller::new(&stage, "northstores"), Caller::new(&stage, "lamps-box"));
    let folders = north.ask(Method::GET, "").await.body;
    assert_eq!(
        folders["folders"],
        json!([{ "name": "acks", "way": "out" }, { "name": "errors", "way": "errors" }, { "name": "in", "way": "in" }])
    );
    // What is put is there once, however often it is sent, and whichever way.
    let bytes = order("PX4711", 1);
    let put = north.put("/in/order%20one.edi", bytes.clone()).await;
    assert_eq!((put.status, put.word("name")), (StatusCode::CREATED, "order one.edi"), "{put:?}");
    let again = north.put("/in/order%20one.edi", bytes.clone()).await;
    assert_eq!((again.status, again.word("transmission")), (StatusCode::CREATED, put.word("transmission")));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    retailer.file("order one.edi", &bytes);
    retailer.done(&stage, "put \"order one.edi\" in/\n");
    let first = came(&stage, 1).await;
    assert_eq!((&first[0]["file_name"], &first[0]["channel"]), (&json!("order one.edi"), &json!("northstores-in")));
    stage.deliveries("delivered", 2).await;
    // With a key of the sender's own the key counts, as with POST.
    let keyed =
        |body: Vec<u8>| north.said(north.request(Method::PUT, "/in/a.edi").header("idempotency-key", "k1").body(body));
    let (one, two, other) =
        (keyed(order("PX4712", 2)).await, keyed(order("PX4712", 2)).await, keyed(order("PX4713", 3)).await);
    assert_eq!((one.status, two.status, other.status.as_u16()), (StatusCode::CREATED, StatusCode::CREATED, 422));
    assert_eq!((one.word("transmission"), other.word("code")), (two.word("transmission"), "KEY-REUSED"));
    stage.deliveries("delivered", 4).await;
    // Both ways show the same.
    assert_eq!(lamps.list("out", 1).await, ["ORDERS_PX4711_1.edi", "ORDERS_PX4712_2.edi"]);
    assert_eq!(names(&supplier, &stage, "out"), ["out/ORDERS_PX4711_1.edi", "out/ORDERS_PX4712_2.edi"]);
    let got = lamps.get("/out/ORDERS_PX4711_1.edi", &[]).await;
    let (headers, bytes) = (got.headers().clone(), got.bytes().await.expect("a body"));
    assert_eq!(number_of(&bytes).as_deref(), Some("PX4711"));
    assert_eq!(headers["etag"], format!("\"{}\"", digest(&bytes)));
    assert!(headers["repr-digest"].to_str().expect("text").starts_with("sha-256=:"), "{headers:?}");
    let told = lamps.ask(Method::GET, "/out").await.body["items"][0].clone();
    assert_eq!((&told["fetched"], &told["digest"]), (&json!(1), &json!(digest(&bytes))), "{told:#}");
    let shown = stage.done(&["mailbox", "show", "lamps-box"], "");
    assert!(shown.contains("fetched 1×") && shown.contains("127.0.0.1"), "{shown}");
    let unchanged =
        lamps.get("/out/ORDERS_PX4711_1.edi", &[("if-none-match", headers["etag"].to_str().expect("text"))]).await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(lamps.ask(Method::DELETE, "/out/ORDERS_PX4711_1.edi").await.status, 204);
    assert_eq!(lamps.ask(Method::DELETE, "/out/ORDERS_PX4711_1.edi").await.status, 404);
    assert_eq!(names(&supplier, &stage, "out"), ["out/ORDERS_PX4712_2.edi"]);
    assert!(!stage.log().contains("PX4711"), "no payload and no name of it in the log");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_fetched_in_parts_and_counts_when_all_of_it_was() {
    let (stage, retailer, _) = stage("", "", "").await;
    let (north, lamps) = (Caller::new(&stage, "northstores"), Caller::new(&stage, "lamps-box"));
    let large = long_order();
    assert_eq!(north.put("/in/large.edi", large.clone()).await.status, 201);
    let rows = came(&stage, 1).await;
    assert_eq!((&rows[0]["size"], &rows[0]["digest"]), (&json!(large.len()), &json!(digest(&large))));
    stage.deliveries("delivered", 2).await;
    let path = "/out/ORDERS_LONG-1_1.edi";
    let whole = lamps.get(path, &[("range", "bytes=0-")]).await;
    assert_eq!(whole.status(), 206);
    let whole = whole.bytes().await.expect("a body");
    let size = whole.len();
    assert!(size > 256 * 1024, "a file of its own: {size}");
    let fetched = || async { lamps.ask(Method::GET, "/out").await.body["items"][0]["fetched"].clone() };
    assert_eq!(fetched().await, 1);
    let half = size / 2;
    let head = lamps.said(lamps.request(Method::HEAD, path)).await;
    assert_eq!((head.status, head.headers["content-length"].to_str().ok()), (StatusCode::OK, Some(&*size.to_string())));
    let first = lamps.get(path, &[("range", &format!("bytes=0-{}", half - 1))]).await;
    assert_eq!(first.headers()["content-range"], format!("bytes 0-{}/{size}", half - 1));
    assert_eq!(first.bytes().await.expect("a body"), whole[..half]);
    assert_eq!(fetched().await, 1, "half of it is not all of it");
    let etag = format!("\"{}\"", digest(&whole));
    let rest = lamps.get(path, &[("range", &format!("bytes={half}-")), ("if-range", &etag)]).await;
    assert_eq!(
        (rest.status(), rest.bytes().await.expect("a body")),
        (StatusCode::PARTIAL_CONTENT, whole.slice(half..))
    );
    assert_eq!(fetched().await, 2, "both halves are");
    let other = lamps.get(path, &[("range", "bytes=5-"), ("if-range", "\"another\"")]).await;
    assert_eq!((other.status(), other.bytes().await.expect("a body").len()), (StatusCode::OK, size));
    let beyond = lamps.get(path, &[("range", &format!("bytes={size}-"))]).await;
    assert_eq!(
        (beyond.status().as_u16(), &beyond.headers()["content-range"]),
        (416, &format!("bytes */{size}").parse().expect("a value"))
    );
    assert_eq!(fetched().await, 3);
    assert_eq!(names(&retailer, &stage, "acks"), ["acks/997_1.edi"]);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mailbox_does_not_take_is_told_with_the_remedy() {
    let limits = "[limits]\nbody_bytes = 100000\n";
    let (stage, retailer, _) = stage("sessions: 2", "", limits).await;
    let north = Caller::new(&stage, "northstores");
    for (method, path, status, code) in [
        (Method::GET, "/nowhere", 404, "NOT-FOUND"),
        (Method::GET, "/acks/nothing.edi", 404, "NOT-FOUND"),
        (Method::GET, "/in/order.edi", 403, "NOT-ALLOWED"),
        (Method::PUT, "/acks/order.edi", 403, "NOT-ALLOWED"),
        (Method::PUT, "/in/order.edi.part", 422, "NAME-TEMPORARY"),
        (Method::PUT, "/in/..%2Forder.edi", 400, "NAME-INVALID"),
        (Method::PUT, "/in/order%00.edi", 400, "NAME-INVALID"),
        (Method::GET, "/acks?limit=many", 400, "QUERY-INVALID"),
        (Method::GET, "/acks?after=nothing", 400, "CURSOR-INVALID"),
        (Method::POST, "/in/lease", 403, "NOT-ALLOWED"),
        (Method::POST, "/acks/order.edi", 405, "METHOD-WRONG"),
        (Method::DELETE, "/acks", 405, "METHOD-WRONG"),
        (Method::DELETE, "/in/order.edi", 404, "NOT-FOUND"),
        (Method::POST, "/acks/confirm", 400, "BODY-INVALID"),
    ] {
        let body = if method == Method::PUT { "order" } else { "" };
        let answer = north.said(north.request(method.clone(), path).body(body)).await;
        assert_eq!((answer.status.as_u16(), answer.word("code")), (status, code), "{method} {path}: {answer:?}");
        assert!(answer.word("detail").len() > 20, "{method} {path}: {answer:?}");
    }
    assert_eq!(north.put("/in/large.edi", vec![b'x'; 100_001]).await.word("code"), "BODY-TOO-LARGE");
    assert_eq!(north.put("/in/none.edi", Vec::new()).await.word("code"), "BODY-EMPTY");
    let part = north.request(Method::PUT, "/in/part.edi").header("content-range", "bytes 0-3/9").body("part");
    assert_eq!(north.said(part).await.word("code"), "RANGE-NOT-TAKEN");
    for asked in [
        json!({ "files": 0 }),
        json!({ "files": 101 }),
        json!({ "seconds": 0 }),
        json!({ "seconds": 43_201 }),
        json!({ "fils": 1 }),
    ] {
        assert_eq!(north.post("/acks/lease", asked.clone()).await.word("code"), "BODY-INVALID", "{asked}");
    }
    assert!(super::transmissions(&stage).await.is_empty());
    // Two bodies on their way are as many as this mailbox may have. One that comes while we ask is refused, and comes again.
    let slow = || async {
        loop {
            let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
            let put = north.request(Method::PUT, "/in/slow.edi").body(reqwest::Body::wrap_stream(never));
            let refused = north.said(put).await;
            assert_eq!(refused.word("code"), "SESSIONS-MANY", "{refused:?}");
        }
    };
    let third = stage.until("no third comes in", || async {
        (north.ask(Method::GET, "").await.word("code") == "SESSIONS-MANY").then_some(())
    });
    tokio::select! {
        () = third => {}
        () = slow() => {}
        () = slow() => {}
    }
    stage
        .until("their places are free again", || async {
            (north.ask(Method::GET, "").await.status == 200).then_some(())
        })
        .await;
    // What is on its way over SFTP is seen.
    retailer.file("order.edi", b"order");
    retailer.done(&stage, "put order.edi in/order.edi.part\n");
    let listed = north.ask(Method::GET, "/in").await.body;
    assert_eq!(
        (&listed["items"][0]["name"], &listed["items"][0]["unfinished"]),
        (&json!("order.edi.part"), &json!(true))
    );
    assert_eq!(north.ask(Method::DELETE, "/in/order.edi.part").await.status, 204);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_right_token_learns_nothing_and_is_not_heard_after_a_while() {
    let (stage, retailer, supplier) = stage("", "", "").await;
    let (north, lamps) = (Caller::new(&stage, "northstores"), Caller::new(&stage, "lamps-box"));
    let admin = std::fs::read_to_string(stage.data().join("admin.token")).expect("the admin token");
    let two = stage.cli(&["token", "create", "--mailbox", "northstores", "--channel", "northstores-in"], "");
    assert_eq!(two.status.code(), Some(2), "one or the other");
    let none = stage.cli(&["token", "create", "--mailbox", "nothing"], "");
    assert!(said(&none).contains("no mailbox nothing"), "{}", said(&none));
    let with = |mailbox: &'static str, token: &str| Caller { stage: &stage, mailbox, token: token.to_owned() };
    let mut answers = BTreeSet::new();
    for stranger in [
        with("lamps-box", &north.token),
        with("northstores", "ptl_0000"),
        with("nothing", &north.token),
        with("northstores", admin.trim()),
        with("northstores", &stage.new_token("northstores-in")),
    ] {
        let answer = stranger.ask(Method::GET, "/acks").await;
        assert_eq!(answer.status, 401);
        answers.insert(answer.body.to_string());
    }
    let (northstores, lamps_key) = (retailer.public_key(), supplier.public_key());
    stage.apply(&resources(&northstores, &lamps_key, "networks: [203.0.113.0/24]", ""));
    answers.insert(north.ask(Method::GET, "/acks").await.body.to_string());
    assert_eq!(answers.len(), 1, "all alike: {answers:#?}");
    stage.apply(&resources(&northstores, &lamps_key, "networks: [127.0.0.0/8]", ""));
    assert_eq!(north.ask(Method::GET, "/acks").await.status, 200);
    let id = stage.get("/api/v1/tokens").await["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|one| one["scope"] == "mailbox:lamps-box")
        .expect("the token")["token_id"]
        .clone();
    stage.done(&["token", "revoke", id.as_str().expect("an id")], "");
    assert_eq!(lamps.ask(Method::GET, "/out").await.status, 401, "a token that is ended");
    for _ in 0..9 {
        with("northstores", "ptl_0000").ask(Method::GET, "").await;
    }
    let banned = north.ask(Method::GET, "/acks").await;
    assert_eq!((banned.status.as_u16(), banned.word("code")), (429, "NOT-HEARD"), "{banned:?}");
    assert!(!retailer.with(Login::Key).run(&stage, "ls\n").status.success(), "nor over SFTP");
    let log = stage.log();
    assert!(!log.contains(&north.token) && !log.contains("ptl_0000"), "no token in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_is_one_systems_until_it_is_confirmed_or_comes_back() {
    let (stage, _, supplier) = with_orders(4, "").await;
    let lamps = Caller::new(&stage, "lamps-box");
    let (first, taken) = lamps.lease(2, 300).await;
    assert_eq!(taken, [file(1), file(2)], "the oldest");
    let (second, rest) = lamps.lease(10, 300).await;
    assert_eq!((rest, lamps.lease(10, 300).await.1.len()), (vec![file(3), file(4)], 0));
    assert_eq!(lamps.list("out", 200).await.len(), 4, "they are in sight all the while");
    let done = json!({ "lease": first, "files": [file(1)] });
    assert_eq!(lamps.post("/out/confirm", done.clone()).await.body, json!({ "confirmed": [file(1)] }));
    assert_eq!(lamps.post("/out/confirm", done).await.status, 200, "whose answer was lost is answered again");
    assert_eq!(names(&supplier, &stage, "out").len(), 3, "out of sight");
    // What is another's is not confirmed, and nothing of what is named with it.
    let mixed = lamps.post("/out/confirm", json!({ "lease": first, "files": [file(2), file(3)] })).await;
    assert_eq!((mixed.status.as_u16(), mixed.word("code")), (409, "LEASE-LOST"));
    assert!(mixed.word("detail").contains(&file(3)) && !mixed.word("detail").contains(&file(2)), "{mixed:?}");
    assert_eq!(lamps.list("out", 200).await.len(), 3);
    // Given back it is anybody's at once, and confirmed by who had it no more.
    assert_eq!(
        lamps.post("/out/give-back", json!({ "lease": second, "files": [file(3)] })).await.body,
        json!({ "given_back": [file(3)] })
    );
    let (third, again) = lamps.lease(10, 1).await;
    assert_eq!(again, [file(3)]);
    assert_eq!(
        lamps.post("/out/confirm", json!({ "lease": second, "files": [file(3)] })).await.word("code"),
        "LEASE-LOST"
    );
    // In time it can be had for longer; else it comes back, and who is late is told when another has it.
    assert_eq!(lamps.post("/out/extend", json!({ "lease": third, "seconds": 1 })).await.body["held"], json!([file(3)]));
    let fourth = stage
        .until("it comes back", || async {
            let (lease, taken) = lamps.lease(10, 300).await;
            (taken == [file(3)]).then_some(lease)
        })
        .await;
    assert_eq!(
        lamps.post("/out/confirm", json!({ "lease": third, "files": [file(3)] })).await.word("code"),
        "LEASE-LOST"
    );
    assert_eq!(
        lamps.post("/out/extend", json!({ "lease": third, "files": [file(3)] })).await.word("code"),
        "LEASE-LOST"
    );
    for (lease, name) in [(&first, file(2)), (&fourth, file(3)), (&second, file(4))] {
        assert_eq!(lamps.post("/out/confirm", json!({ "lease": lease, "files": [name] })).await.status, 200);
    }
    assert!(lamps.list("out", 200).await.is_empty());
    let files = stage.list("/api/v1/mailboxes/lamps-box/files").await;
    let times =
        |number| files.iter().find(|one| one["name"] == file(number).as_str()).expect("a file")["leased"].clone();
    assert_eq!((times(1), times(3)), (json!(1), json!(3)), "how often each was taken: {files:#?}");
    let id = files[3]["transmission_id"].as_str().expect("an id");
    let events = stage.get(&format!("/api/v1/transmissions/{id}")).await;
    let confirmed: Vec<_> =
        events["events"].as_array().expect("events").iter().filter(|event| event["kind"] == "confirmed").collect();
    assert_eq!(confirmed.len(), 1, "once: {events:#}");
    assert!(confirmed[0]["actor"].as_str().is_some_and(|actor| actor.starts_with("token:tok_")), "{events:#}");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_systems_share_a_folder_and_each_file_is_worked_on_once() {
    const FILES: u32 = 30;
    let (stage, _, _) = with_orders(FILES, "").await;
    let lamps = Caller::new(&stage, "lamps-box");
    let work = || async {
        let mut mine = Vec::new();
        loop {
            let (lease, taken) = lamps.lease(3, 300).await;
            if taken.is_empty() {
                return mine;
            }
            for name in &taken {
                let bytes = lamps.get(&format!("/out/{name}"), &[]).await.bytes().await.expect("a body");
                mine.push(number_of(&bytes).expect("an order"));
            }
            assert_eq!(lamps.post("/out/confirm", json!({ "lease": lease, "files": taken })).await.status, 200);
        }
    };
    let all: Vec<String> = futures_util::future::join_all((0..6).map(|_| work())).await.concat();
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (FILES as usize, FILES as usize), "{all:?}");
    assert!(lamps.list("out", 200).await.is_empty());
    stage.balanced().await;
}

/// Killed at every commit that a file passes which is put, fetched, taken and confirmed. Who was not answered asks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_over_https_nothing_is_lost_or_doubled() {
    let delivery = "[delivery]\nretry_seconds = [1, 1, 1, 1]\n";
    let (mut stage, _, _) = stage("", "", delivery).await;
    let tokens = ["northstores", "lamps-box"].map(|mailbox| Caller::new(&stage, mailbox).token);
    let caller = |stage: &Stage, at: usize| -> (String, String) {
        let mailbox = ["northstores", "lamps-box"][at];
        (format!("{}/mailbox/{mailbox}", stage.partner), tokens[at].clone())
    };
    let client =
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(PATIENCE).build().expect("a client");
    let put = async |stage: &Stage, number: u32| {
        let (url, token) = caller(stage, 0);
        let mut body = order(&format!("H-{number}"), number);
        // Large enough for a file, so that `payload.synced` is passed.
        body.resize(300 * 1024, b'\n');
        let sent = client.put(format!("{url}/in/{number}.edi")).bearer_auth(token).body(body).send().await;
        sent.is_ok_and(|answer| answer.status() == 201)
    };
    let post = async |stage: &Stage, verb: &str, body: Value| -> Option<Value> {
        let (url, token) = caller(stage, 1);
        let answer = client.post(format!("{url}/out/{verb}")).bearer_auth(token).json(&body).send().await.ok()?;
        assert_eq!(answer.status(), 200);
        answer.json().await.ok()
    };
    let mut sent = 0;
    for point in ["payload.synced", "receive.before_commit", "receive.after_commit", "mailbox.taken"] {
        sent += 1;
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        assert!(!put(&stage, sent).await, "answered although killed at {point}");
        stage.dies(point).await;
        stage.start_again(&[]);
        assert!(put(&stage, sent).await, "the repeat after {point}");
        stage.deliveries("delivered", 2 * sent as usize).await;
    }
    assert_eq!(super::transmissions(&stage).await.len(), sent as usize, "each file is one transmission");
    let mut confirmed = 0;
    for point in POINTS {
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        let name = file(sent);
        if point.starts_with("mailbox.") {
            let (url, token) = caller(&stage, 1);
            let got = client.get(format!("{url}/out/{name}")).bearer_auth(token).send().await;
            let whole = match got {
                Ok(answer) => answer.bytes().await.is_ok(),
                Err(_) => false,
            };
            assert!(!whole, "all of it although killed at {point}");
        } else if point.starts_with("mailbox_lease") {
            assert_eq!(post(&stage, "lease", json!({ "files": 1, "seconds": 1 })).await, None, "answered at {point}");
        } else {
            let taken = post(&stage, "lease", json!({ "files": 1, "seconds": 300 })).await.expect("a lease");
            let done = json!({ "lease": taken["lease"], "files": named(&taken) });
            assert_eq!(named(&taken).len(), 1, "{taken}");
            assert_eq!(post(&stage, "confirm", done.clone()).await, None, "answered at {point}");
            stage.dies(point).await;
            stage.start_again(&[]);
            assert!(post(&stage, "confirm", done).await.is_some(), "the repeat after {point}");
            confirmed += 1;
            continue;
        }
        stage.dies(point).await;
        stage.start_again(&[]);
        // Nobody was answered, so nobody has it: what was taken comes back.
        let wanted = (sent - confirmed) as usize;
        stage
            .until("all can be taken", || async {
                let taken = post(&stage, "lease", json!({ "files": 100, "seconds": 300 })).await.expect("a lease");
                let lease = json!({ "lease": taken["lease"] });
                post(&stage, "give-back", lease).await.expect("given back");
                (named(&taken).len() == wanted).then_some(())
            })
            .await;
    }
    let taken = post(&stage, "lease", json!({ "files": 100, "seconds": 300 })).await.expect("a lease");
    assert_eq!(named(&taken).len(), (sent - confirmed) as usize, "{taken}");
    let files = stage.list("/api/v1/mailboxes/lamps-box/files").await;
    let hidden = files.iter().filter(|file| !file["hidden_at"].is_null()).count();
    assert_eq!((files.len(), hidden), (sent as usize, confirmed as usize), "{files:#?}");
    for file in files.iter().filter(|file| !file["hidden_at"].is_null()) {
        let id = file["transmission_id"].as_str().expect("an id");
        let events = stage.get(&format!("/api/v1/transmissions/{id}")).await;
        let events = events["events"].as_array().expect("events").iter().filter(|event| event["kind"] == "confirmed");
        assert_eq!(events.count(), 1, "confirmed once");
    }
    stage.balanced().await;
}
