//! Mailboxes as their partners meet them: OpenSSH's own `sftp` and `scp` against the real binary. What clients of other houses do
//! besides is in `clients.rs`.

pub mod client;
mod clients;
pub mod crash;
pub mod https;
mod many;

use super::edi::{Order, number_of, order, written};
use super::stage::Stage;
use client::{Client, Login, said};
use serde_json::Value;

/// Where the process is killed while partners drop and fetch.
pub const POINTS: [&str; 6] = [
    "mailbox.before_commit",
    "mailbox.after_commit",
    "mailbox_lease.before_commit",
    "mailbox_lease.after_commit",
    "mailbox_confirm.before_commit",
    "mailbox_confirm.after_commit",
];
const SFTP: &str = "[sftp]\nlisten = \"127.0.0.1:0\"\n";
const PASSWORD: &str = "correct horse battery";

/// North Stores and Light and Lamp, each with a mailbox; `more` are keys of North Stores' mailbox, `channel` of its way in.
pub fn resources(northstores: &str, lamps: &str, more: &str, channel: &str) -> String {
    format!(
        "\
kind: partner
name: northstores
party_ids: [ZZ:NORTHSTORES]
---
kind: partner
name: lamps
party_ids: [\"14:4012345000030\"]
---
kind: mailbox
name: northstores
keys: [{northstores}]
{more}
---
kind: mailbox
name: lamps-box
user: lamps
keys: [{lamps}]
---
kind: channel
name: northstores-in
transport: sftp
way: in
mailbox: northstores
partners: [northstores]
{channel}
---
kind: channel
name: northstores-acks
transport: sftp
way: out
mailbox: northstores
folder: acks
---
kind: channel
name: lamps-out
transport: sftp
way: out
mailbox: lamps-box
---
kind: agreement
name: northstores-orders
way: in
partner: northstores
document: x12/004010/850
ack: {{ functional: always, channel: northstores-acks }}
---
kind: agreement
name: lamps-orders
way: out
partner: lamps
document: edifact/d96a/ORDERS
channel: lamps-out
envelope: {{ sender: \"14:4098765000003\", receiver: \"14:4012345000030\" }}
---
kind: route
name: orders-to-lamps
from: northstores-orders
to: lamps-orders
"
    )
}

/// An instance with both mailboxes, and a client of each.
async fn stage(more: &str, channel: &str, sections: &str) -> (Stage, Client, Client) {
    let stage = Stage::bare(&format!("{SFTP}{sections}")).await;
    let (retailer, supplier) = (Client::new("northstores"), Client::new("lamps"));
    stage.apply(&resources(&retailer.public_key(), &supplier.public_key(), more, channel));
    (stage, retailer, supplier)
}

async fn transmissions(stage: &Stage) -> Vec<Value> {
    stage.list("/api/v1/transmissions?direction=in").await
}

/// Waits until so many transmissions came in.
async fn came(stage: &Stage, count: usize) -> Vec<Value> {
    stage
        .until(&format!("{count} transmissions"), || async {
            let rows = transmissions(stage).await;
            (rows.len() == count).then_some(rows)
        })
        .await
}

/// The files that a listing of a folder names.
fn names(client: &Client, stage: &Stage, folder: &str) -> Vec<String> {
    let out = client.done(stage, &format!("ls -1 {folder}\n"));
    out.lines().filter(|line| !line.starts_with("sftp>")).map(|line| line.trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dropped_is_translated_acknowledged_and_fetched() {
    let (stage, retailer, supplier) = stage("", "", "").await;
    retailer.file("order.edi", &order("PX4711", 1));
    let out = retailer.done(&stage, "ls -l /\nput order.edi in/\nls -l in\n");
    assert!(out.contains("drwx") && out.contains("errors") && out.contains("acks"), "{out}");
    let came = came(&stage, 1).await;
    assert_eq!(
        (came[0]["file_name"].as_str(), came[0]["channel"].as_str()),
        (Some("order.edi"), Some("northstores-in"))
    );
    stage.deliveries("delivered", 2).await;
    assert!(names(&retailer, &stage, "in").is_empty(), "what was taken is listed no more");
    assert_eq!(names(&retailer, &stage, "acks"), ["acks/997_1.edi"]);
    assert_eq!(names(&supplier, &stage, "out"), ["out/ORDERS_PX4711_1.edi"]);
    let waiting = stage.done(&["mailbox", "list"], "");
    assert!(waiting.contains("1 files, 1 unfetched") && waiting.contains("acks errors in"), "{waiting}");
    supplier.done(&stage, "get out/ORDERS_PX4711_1.edi got.edi\n");
    assert_eq!(number_of(&supplier.read("got.edi")).as_deref(), Some("PX4711"));
    let shown = stage.done(&["mailbox", "show", "lamps-box"], "");
    assert!(shown.contains("fetched 1×") && shown.contains("127.0.0.1"), "{shown}");
    let files = stage.list("/api/v1/mailboxes/lamps-box/files").await;
    let id = files[0]["transmission_id"].as_str().expect("an id");
    let events = stage.get(&format!("/api/v1/transmissions/{id}")).await;
    let fetched = events["events"].as_array().expect("events").iter().find(|event| event["kind"] == "fetched");
    assert_eq!(fetched.expect("an event")["actor"], "mailbox:lamps-box", "{events:#}");
    // Removed by the partner it is out of sight, and still ours.
    supplier.done(&stage, "rm out/ORDERS_PX4711_1.edi\n");
    assert!(names(&supplier, &stage, "out").is_empty());
    assert!(stage.done(&["mailbox", "show", "lamps-box"], "").contains("removed by the partner"));
    assert!(!stage.log().contains("PX4711"), "no payload and no name of it in the log");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_uploads_and_temporary_names_do_not_count_until_they_are_whole() {
    let (stage, retailer, _) = stage("temporary: [.xfer]", "", "").await;
    retailer.file("order.edi", &order("4711", 1));
    for ending in ["filepart", "part", "tmp", "xfer"] {
        retailer.done(&stage, &format!("put order.edi in/{ending}.edi.{ending}\nls in\n"));
    }
    retailer.done(&stage, "put order.edi in/.order.edi\n");
    assert_eq!(names(&retailer, &stage, "in").len(), 4, "temporary ones are listed, hidden ones by -a");
    assert!(transmissions(&stage).await.is_empty(), "none of them counts");
    // As WinSCP ends an upload: looks, removes what it replaces, renames.
    retailer.done(&stage, "-rm in/order.edi\nrename in/part.edi.part in/order.edi\n");
    let first = came(&stage, 1).await;
    assert_eq!(first[0]["file_name"], "order.edi");
    let again = retailer.run(&stage, "rename in/order.edi in/other.edi\n");
    assert!(said(&again).contains("ermission denied"), "what was taken keeps its name: {}", said(&again));
    retailer.done(&stage, "rm in/xfer.edi.xfer\n");
    // An upload whose connection is cut is there in half, and can be taken up.
    let large = [order("4712", 2), vec![b'\n'; 3_000_000]].concat();
    retailer.file("large.edi", &large);
    let cut = retailer.cut_off(&stage, "put large.edi in/large.edi\n", 700_000).await;
    assert!((1..3_000_000).contains(&cut), "{cut} bytes came");
    assert_eq!(transmissions(&stage).await.len(), 1, "half an upload does not count");
    let renamed = retailer.run(&stage, "rename in/large.edi in/whole.edi\n");
    assert!(said(&renamed).contains("Failure"), "{}", said(&renamed));
    retailer.done(&stage, "reput large.edi in/large.edi\n");
    let both = came(&stage, 2).await;
    let whole = both.iter().find(|one| one["file_name"] == "large.edi").expect("the large one");
    assert_eq!(whole["size"], large.len());
    assert_eq!(whole["digest"].as_str(), Some(client::digest(&large).as_str()));
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_renames_count_a_file_that_was_only_closed_does_not() {
    let (stage, retailer, _) = stage("counts: renamed", "", "").await;
    let large = [order("4711", 1), vec![b'\n'; 8_000_000]].concat();
    retailer.file("large.edi", &large);
    retailer.interrupted(&stage, "put large.edi in/large.edi\n", "large.edi").await;
    let listed = retailer.done(&stage, "ls -l in/large.edi\n");
    let size = listed.lines().find_map(|line| line.contains("large.edi").then(|| line.split_whitespace().nth(4))?);
    let size: usize = size.and_then(|size| size.parse().ok()).expect("a size");
    assert!((1..large.len()).contains(&size), "it was interrupted: {listed}");
    assert!(transmissions(&stage).await.is_empty(), "a part of it counted");
    retailer.done(&stage, "reput large.edi in/large.edi\n");
    assert!(transmissions(&stage).await.is_empty(), "it waits for its rename");
    retailer.done(&stage, "rename in/large.edi in/order.edi\n");
    let first = came(&stage, 1).await;
    assert_eq!(
        (first[0]["file_name"].as_str(), first[0]["size"].as_u64()),
        (Some("order.edi"), Some(large.len() as u64))
    );
    // From one temporary name to another it waits on.
    retailer.file("small.edi", &order("4712", 2));
    retailer.done(&stage, "put small.edi in/small.edi\nrename in/small.edi in/small.edi.part\n");
    assert_eq!(transmissions(&stage).await.len(), 1);
    retailer.done(&stage, "rename in/small.edi.part in/small.edi\n");
    came(&stage, 2).await;
    // scp's older protocol says how long a file is, and HTTPS too: there is never half of one.
    retailer.file("scp.edi", &order("4713", 3));
    assert!(retailer.scp(&stage, true, "scp.edi", "HOST:in/").status.success());
    came(&stage, 3).await;
    let token = stage.done(&["token", "create", "--mailbox", "northstores"], "");
    let put = stage.client.put(format!("{}/mailbox/northstores/in/put.edi", stage.partner)).bearer_auth(token.trim());
    assert_eq!(put.body(order("4714", 4)).send().await.expect("an answer").status(), 201);
    came(&stage, 4).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_file_again_is_one_and_another_of_its_name_is_new() {
    let (stage, retailer, _) = stage("", "", "").await;
    retailer.file("order.edi", &order("4711", 1));
    retailer.done(&stage, "put order.edi in/\nput order.edi in/\n");
    retailer.done(&stage, "put order.edi in/\n");
    let first = came(&stage, 1).await;
    let id = first[0]["transmission_id"].as_str().expect("an id");
    let events = stage.get(&format!("/api/v1/transmissions/{id}")).await;
    let repeats =
        events["events"].as_array().expect("events").iter().filter(|event| event["kind"] == "repeated").count();
    assert_eq!(repeats, 2, "each is to be seen: {events:#}");
    retailer.file("order.edi", &order("4712", 2));
    retailer.done(&stage, "put order.edi in/\n");
    came(&stage, 2).await;
    stage.deliveries("delivered", 4).await;
    // A stock list that did not change is sent each day under its name.
    let (northstores, lamps) = (retailer.public_key(), Client::new("lamps").public_key());
    stage.apply(&resources(&northstores, &lamps, "repeats: taken", ""));
    retailer.done(&stage, "put order.edi in/\n");
    came(&stage, 3).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_told_in_the_mailbox() {
    let (stage, retailer, _) = stage("errors: wrong", "", "").await;
    retailer.file("nothing.edi", b"no interchange at all");
    retailer.file("faulty.edi", &written(&Order { quantity: "many", control: 2, ..Order::default() }));
    retailer.done(&stage, "put nothing.edi in/\nput faulty.edi in/\n");
    stage.until("both are told of", || async { (names(&retailer, &stage, "wrong").len() == 2).then_some(()) }).await;
    assert_eq!(names(&retailer, &stage, "wrong"), ["wrong/faulty.edi.error.txt", "wrong/nothing.edi.error.txt"]);
    retailer.done(&stage, "get wrong/nothing.edi.error.txt\nget wrong/faulty.edi.error.txt\n");
    let nothing = String::from_utf8(retailer.read("nothing.edi.error.txt")).expect("text");
    assert!(nothing.contains("The file was refused") && nothing.contains("FORMAT-UNKNOWN"), "{nothing}");
    let faulty = String::from_utf8(retailer.read("faulty.edi.error.txt")).expect("text");
    assert!(
        faulty.contains("850 4711") && faulty.contains("many") && faulty.contains("1 document with errors"),
        "{faulty}"
    );
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scp_copies_both_ways_by_both_protocols() {
    let (stage, retailer, supplier) = stage("", "", "").await;
    for (number, old) in [(1, false), (2, true)] {
        let name = format!("order-{number}.edi");
        retailer.file(&name, &order(&format!("S-{number}"), number));
        let done = retailer.scp(&stage, old, &name, "HOST:in/");
        assert!(done.status.success(), "{old}: {}", said(&done));
    }
    stage.deliveries("delivered", 4).await;
    for (old, pattern, expected) in [(false, "out/ORDERS_S-1_1.edi", 1), (true, "out/ORDERS*", 2)] {
        let done = supplier.scp(&stage, old, &format!("HOST:{pattern}"), "got/");
        assert!(done.status.success(), "{old}: {}", said(&done));
        assert_eq!(supplier.count("got"), expected);
    }
    let shown = stage.done(&["mailbox", "show", "lamps-box"], "");
    assert!(shown.contains("fetched 2×") && shown.contains("fetched 1×"), "{shown}");
    let refused = supplier.scp(&stage, true, "got/ORDERS_S-1_1.edi", "HOST:out/");
    assert!(
        !refused.status.success() && said(&refused).contains("fetched from out, not dropped"),
        "{}",
        said(&refused)
    );
    let many = retailer.scp(&stage, true, "-r .", "HOST:in/");
    assert!(!many.status.success(), "folders are not taken");
    assert_eq!(transmissions(&stage).await.len(), 2);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_host_is_reached_and_limits_are_told() {
    let (stage, retailer, supplier) = stage("uploads: 3", "body_bytes: 100000", "").await;
    retailer.file("order.edi", &order("4711", 1));
    for (line, why) in [
        ("get /etc/passwd", "not found"),
        ("get ../../../../etc/passwd", "not found"),
        ("ls /etc", "not found"),
        ("put order.edi /order.edi", "Failure"),
        ("put order.edi out/order.edi", "No such file"),
        ("put order.edi acks/order.edi", "ermission denied"),
        ("put order.edi in/deep/order.edi", "No such file"),
        ("mkdir in/deep", "ermission denied"),
        ("rmdir in", "ermission denied"),
        ("ln -s /etc/passwd in/x", "nsupported"),
        ("rename in out", "ermission denied"),
        ("rm in/nothing", "No such file"),
        ("get in/order.edi", "not found"),
    ] {
        let tried = retailer.run(&stage, &format!("{line}\n"));
        assert!(!tried.status.success() && said(&tried).contains(why), "{line}: {}", said(&tried));
    }
    retailer.file("large.edi", &vec![b'x'; 100_001]);
    let large = retailer.run(&stage, "put large.edi in/\n");
    assert!(!large.status.success() && said(&large).contains("Failure"), "{}", said(&large));
    for number in 0..2 {
        retailer.done(&stage, &format!("put order.edi in/{number}.tmp\n"));
    }
    let more = retailer.run(&stage, "put order.edi in/4.tmp\n");
    assert!(!more.status.success(), "{}", said(&more));
    assert!(transmissions(&stage).await.is_empty());
    // No shell, no command, no forwarding.
    for arguments in
        [&["ls"][..], &["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:localhost:1"], &["scp -t /etc; ls"]]
    {
        let tried = supplier.ssh(&stage, arguments);
        assert!(!tried.status.success(), "{arguments:?}: {}", said(&tried));
    }
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_come_in_learns_nothing_and_who_guesses_is_not_heard() {
    let (stage, retailer, _) = stage("", "", "").await;
    let list = "ls\n";
    stage.done(&["mailbox", "password", "northstores"], &format!("{PASSWORD}\n"));
    let short = stage.cli(&["mailbox", "password", "northstores"], "short");
    assert!(String::from_utf8_lossy(&short.stderr).contains("12 to 256 characters"), "{short:?}");
    assert!(retailer.with(Login::Password(PASSWORD)).run(&stage, list).status.success());
    let stranger = Client::new("northstores");
    let nobody = Client::new("nobody");
    let refusals: Vec<String> = [
        stranger.run(&stage, list),
        nobody.run(&stage, list),
        retailer.with(Login::Password("correct horse batterY")).run(&stage, list),
        nobody.with(Login::Password(PASSWORD)).run(&stage, list),
    ]
    .iter()
    .map(|output| {
        assert!(!output.status.success());
        said(output).replace("nobody", "northstores")
    })
    .collect();
    let denied = |text: &String| text.contains("Permission denied (publickey,password)");
    assert!(refusals.iter().all(denied), "all alike: {refusals:#?}");
    // Only from where the partner is.
    let (northstores, lamps) = (retailer.public_key(), Client::new("lamps").public_key());
    stage.apply(&resources(&northstores, &lamps, "networks: [203.0.113.0/24]", ""));
    assert!(denied(&said(&retailer.run(&stage, list))), "another network");
    stage.apply(&resources(&northstores, &lamps, "networks: [127.0.0.0/8]", ""));
    assert!(retailer.run(&stage, list).status.success());
    // A while of guessing, and the address is not heard, whatever it shows then.
    for number in 0..10 {
        let guess = format!("wrong horse battery {number}");
        assert!(!retailer.with(Login::Password(&guess)).run(&stage, list).status.success());
    }
    let banned = retailer.run(&stage, list);
    assert!(!banned.status.success() && !denied(&said(&banned)), "hung up on: {}", said(&banned));
    let listed = stage.get("/api/v1/mailboxes").await;
    assert_eq!(listed["banned"][0]["address"], "127.0.0.1", "{listed:#}");
    assert!(!stage.log().contains("horse"), "no password in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_known_by_its_keys_after_a_restart_and_offers_nothing_old() {
    let (mut stage, retailer, _) = stage("", "", "").await;
    let keys = stage.done(&["mailbox", "host-keys"], "");
    assert!(keys.contains("ssh-ed25519 ") && keys.contains("ssh-rsa ") && keys.contains("SHA256:"), "{keys}");
    for line in keys.lines() {
        let kind = line.split_whitespace().next().expect("a kind");
        retailer.known_host(&stage, line);
        let algorithm = if kind == "ssh-rsa" { "rsa-sha2-512" } else { kind };
        let done = retailer.strict(&stage, &["-o", &format!("HostKeyAlgorithms={algorithm}")]);
        assert!(done.status.success(), "{algorithm}: {}", said(&done));
    }
    assert_eq!(stage.stop().await, Some(0));
    stage.start_again(&[]);
    assert_eq!(stage.done(&["mailbox", "host-keys"], ""), keys, "clients take another key for an attack");
    for old in [
        "KexAlgorithms=diffie-hellman-group14-sha1",
        "Ciphers=aes128-cbc",
        "Ciphers=chacha20-poly1305@openssh.com",
        "MACs=hmac-sha1",
        "HostKeyAlgorithms=ssh-rsa",
    ] {
        let tried = retailer.ssh(&stage, &["-o", old, "-s", "sftp"]);
        assert!(!tried.status.success(), "{old}: {}", said(&tried));
    }
    let strict = retailer.ssh(&stage, &["-vvv", "-s", "sftp"]);
    assert!(said(&strict).contains("will use strict KEX ordering"), "{}", said(&strict));
}
