//! The machine's clock is set while the service runs, and while it does not: nothing is stuck, nothing goes twice.

use super::super::alarm::{MailServer, failing, stage as mailing};
use super::super::edi::order;
use super::super::peer::{Answer, Peer};
use super::super::sftp::https::Caller;
use super::super::stage::Stage;
use super::alarm;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use portolan::clock::{CLOCK_VARIABLE, Clock as _, SystemClock};
use portolan::transport::sftp::ban::{ADDRESS_FAILURES_MAX, BAN};
use reqwest::Method;
use std::collections::BTreeSet;
use std::time::Duration;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const SECTIONS: &str = "[delivery]\nretry_seconds = [2, 2, 2]\n[alert]\nlook_seconds = 1\nsettle_seconds = 1\n";

/// An instance whose clock a file sets.
async fn stage(offset: i64) -> (Stage, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&retailer, &supplier, SECTIONS).await;
    stage.kill();
    set(&stage, offset);
    start(&mut stage);
    (stage, supplier)
}

fn set(stage: &Stage, offset: i64) {
    // By a rename, so that no look finds half of it.
    stage.file("clock.new", &offset.to_string());
    std::fs::rename(stage.data().join("clock.new"), stage.data().join("clock")).expect("renamed");
}

fn start(stage: &mut Stage) {
    let file = stage.data().join("clock").display().to_string();
    stage.start_again(&[(CLOCK_VARIABLE, &file)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_forward_by_an_hour_what_is_under_way_does_not_go_twice() {
    let (stage, supplier) = stage(0).await;
    supplier.then(&[Answer::Slow(Duration::from_secs(6))]);
    stage.send(order("4711", 1)).await;
    stage.until("it is under way", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    set(&stage, HOUR);
    let rows = stage.deliveries("delivered", 2).await;
    assert!(rows.iter().all(|row| row["attempts"] == 1), "{rows:#?}");
    assert_eq!(supplier.orders().len(), 1, "its lease ran out by the clock, and it went twice");
    assert!(!stage.log().contains("Job failed"), "{}", stage.log());
    stage.send(order("4712", 2)).await;
    stage.deliveries("delivered", 4).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_back_by_an_hour_nothing_is_stuck() {
    let (mut stage, supplier) = stage(HOUR).await;
    supplier.then(&[Answer::Status(503)]);
    stage.send(order("4711", 1)).await;
    stage.until("it is refused once", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    // Its next attempt would be due in an hour and two seconds.
    set(&stage, 0);
    stage.deliveries("delivered", 2).await;
    alarm(&stage, "trouble", "behind the ledger's").await;
    stage.send(order("4712", 2)).await;
    stage.deliveries("delivered", 4).await;
    // The same while it does not run.
    supplier.then(&[Answer::Status(503)]);
    stage.send(order("4713", 3)).await;
    stage.until("it is refused once", || async { (supplier.orders().len() == 4).then_some(()) }).await;
    stage.kill();
    start(&mut stage);
    stage.deliveries("delivered", 6).await;
    stage.send(order("4714", 4)).await;
    stage.deliveries("delivered", 8).await;
    let orders = supplier.orders();
    let keys: std::collections::BTreeSet<&str> = orders.iter().map(|post| post.key()).collect();
    assert_eq!(keys.len(), 4, "each order under one key");
    stage.balanced().await;
}

/// The subjects of the mails to somebody, by their ids: one that comes again under its id is none more.
fn told(mail: &MailServer, address: &str) -> Vec<String> {
    let all = mail.mails();
    let mut ids = BTreeSet::new();
    let to = all.iter().filter(|one| one.to() == address && ids.insert(one.header("message-id")));
    to.map(|one| one.subject()).collect()
}

/// Long enough for several looks.
async fn looks() {
    tokio::time::sleep(Duration::from_secs(4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_hours_hold_by_the_clock_however_it_is_set_and_no_mail_is_lost_or_doubled() {
    let mail = MailServer::plain();
    let (mut stage, _, supplier) = mailing(&mail, "").await;
    let minute = |minutes: i64| {
        let at = SystemClock.now() + SignedDuration::from_mins(minutes);
        at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
    };
    stage.apply(&format!(
        "kind: recipient\nname: asleep\nmail: [asleep@example.com]\nalerts: [failed, parked]\ndigest_minutes: \"0\"\n\
         quiet: {{ from: \"{}\", to: \"{}\" }}\n---\n\
         kind: recipient\nname: awake\nmail: [awake@example.com]\nalerts: [failed, parked]\ndigest_minutes: \"0\"\n",
        minute(-60),
        minute(60),
    ));
    stage.kill();
    set(&stage, 0);
    start(&mut stage);
    let awake = async |stage: &Stage, count: usize| {
        let found = || async { (told(&mail, "awake@example.com").len() == count).then_some(()) };
        stage.until(&format!("{count} mails to who is awake"), found).await;
    };
    stage.send(failing("Q-1", 1)).await;
    awake(&stage, 1).await;
    looks().await;
    assert_eq!(told(&mail, "asleep@example.com").len(), 0, "it is quiet");
    // Forward, out of the quiet hours: what waited is told once.
    set(&stage, 2 * HOUR);
    stage.until("it is told", || async { (told(&mail, "asleep@example.com").len() == 1).then_some(()) }).await;
    // Back into them: what is new waits again, though the ledger's time is two hours ahead; and so it does after a restart.
    set(&stage, 0);
    supplier.then(&[Answer::Status(400)]);
    stage.send(order("Q-2", 2)).await;
    awake(&stage, 2).await;
    looks().await;
    stage.kill();
    start(&mut stage);
    looks().await;
    assert_eq!(told(&mail, "asleep@example.com").len(), 1, "it is quiet by the clock on the wall");
    set(&stage, 2 * HOUR);
    stage.until("the other is told", || async { (told(&mail, "asleep@example.com").len() == 2).then_some(()) }).await;
    set(&stage, 0);
    looks().await;
    for address in ["asleep@example.com", "awake@example.com"] {
        let subjects = told(&mail, address);
        assert_eq!(subjects.len(), 2, "{address}: {subjects:?}");
        assert!(subjects[0].contains("Documents failed") && subjects[1].contains("parked"), "{subjects:?}");
    }
    assert_eq!(stage.list("/api/v1/notices?state=ready").await.len(), 0, "none was left");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_comes_again_after_the_clock_was_ahead() {
    let mail = MailServer::plain();
    let (mut stage, _, _) = mailing(&mail, "").await;
    stage.kill();
    set(&stage, 40 * DAY);
    start(&mut stage);
    // Its time of day is over for today, so that the next would be in forty days and one.
    let passed = SystemClock.now() - SignedDuration::from_hours(1);
    stage.apply(&format!(
        "kind: recipient\nname: dawn\nmail: [dawn@example.com]\nalerts: [none-of-them*]\nheartbeat: \"{}\"\n",
        passed.to_zoned(TimeZone::UTC).strftime("%H:%M")
    ));
    looks().await;
    let beats = || told(&mail, "dawn@example.com");
    assert_eq!(beats(), Vec::<String>::new(), "not yet");
    set(&stage, 0);
    stage.until("it beats", || async { (beats().len() == 1).then_some(()) }).await;
    looks().await;
    assert_eq!(beats(), ["Portolan edi-1 is running"], "once");
    set(&stage, DAY);
    stage.until("it beats the next day", || async { (beats().len() == 2).then_some(()) }).await;
    looks().await;
    assert_eq!(beats().len(), 2, "once a day");
}

/// Guesses at a mailbox by wrong tokens until the address is not heard.
async fn guessed(stage: &Stage) {
    let url = format!("{}/mailbox/northstores/acks", stage.partner);
    for _ in 0..ADDRESS_FAILURES_MAX {
        let answer = stage.client.get(&url).bearer_auth("ptl_0000").send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "it is heard");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guessed_is_not_heard_for_its_time_however_the_clock_is_set() {
    let (stage, _) = stage(0).await;
    stage.apply(
        "kind: mailbox\nname: northstores\n---\nkind: channel\nname: by-mailbox\ntransport: sftp\nway: in\n\
         mailbox: northstores\npartners: [northstores]\n",
    );
    let caller = Caller::new(&stage, "northstores");
    let heard = async || caller.ask(Method::GET, "/in").await.status.as_u16();
    guessed(&stage).await;
    assert_eq!(heard().await, 429);
    // Its time is over by the clock.
    set(&stage, HOUR);
    assert_eq!(heard().await, 200);
    // Set back meanwhile it neither ends at once nor lasts until that hour comes again.
    guessed(&stage).await;
    set(&stage, 0);
    assert_eq!(heard().await, 429);
    set(&stage, HOUR + BAN.as_secs().cast_signed() + 60);
    assert_eq!(heard().await, 200);
    // A ban of a time that was none is over, and the next one counts.
    set(&stage, 40 * DAY);
    guessed(&stage).await;
    assert_eq!(heard().await, 429);
    set(&stage, HOUR);
    assert_eq!(heard().await, 200);
    guessed(&stage).await;
    assert_eq!(heard().await, 429);
    let listed = stage.get("/api/v1/mailboxes").await;
    assert_eq!(listed["banned"].as_array().map(Vec::len), Some(1), "{listed:#}");
    set(&stage, HOUR + BAN.as_secs().cast_signed() + 60);
    assert_eq!(heard().await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_links_end_by_the_clock_and_do_not_live_again_when_it_is_set_back() {
    let mail = MailServer::plain();
    let (mut stage, _, supplier) = mailing(&mail, "links = \"https://portolan.example\"").await;
    let lasting = stage.token.clone();
    let brief = stage.done(&["token", "create", "--channel", "northstores-in", "--days", "1"], "").trim().to_owned();
    stage.kill();
    set(&stage, 0);
    start(&mut stage);
    let posted = async |stage: &mut Stage, token: &str, number: u32| {
        token.clone_into(&mut stage.token);
        stage.post(None, order(&format!("T-{number}"), number)).await.status.as_u16()
    };
    supplier.then(&[Answer::Status(400)]);
    assert_eq!(posted(&mut stage, &brief, 1).await, 202);
    let told = mail.mail(&stage, "parked", |one| one.text().contains("I take it up")).await;
    let path = |label: &str| told.link(label).trim_start_matches("https://portolan.example").to_owned();
    let (take, snooze) = (path("I take it up"), path("Quiet for four hours"));
    let asked = async |stage: &Stage, method: &str, path: &str| {
        let request = stage.client.request(method.parse().expect("a method"), format!("{}{path}", stage.admin));
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a page"))
    };
    assert_eq!(asked(&stage, "POST", &take).await.0, 200);
    stage.deliveries("delivered", 1).await;
    // The token's day is over; the links have seven.
    set(&stage, DAY + HOUR / 2);
    assert_eq!(posted(&mut stage, &brief, 2).await, 401);
    assert_eq!(posted(&mut stage, &lasting, 2).await, 202);
    assert_eq!(asked(&stage, "GET", &snooze).await.0, 200);
    assert_eq!(asked(&stage, "POST", &take).await.0, 409, "once");
    stage.deliveries("delivered", 3).await;
    for is_restarted in [false, true] {
        set(&stage, HOUR);
        if is_restarted {
            stage.kill();
            start(&mut stage);
        }
        assert_eq!(posted(&mut stage, &brief, 3).await, 401, "restarted: {is_restarted}");
    }
    set(&stage, 7 * DAY + HOUR);
    assert_eq!(posted(&mut stage, &lasting, 3).await, 202);
    stage.deliveries("delivered", 5).await;
    for is_restarted in [false, true] {
        if is_restarted {
            set(&stage, 6 * DAY + 12 * HOUR);
            stage.kill();
            start(&mut stage);
        }
        for (method, link) in [("GET", &snooze), ("POST", &snooze), ("POST", &take)] {
            let (status, page) = asked(&stage, method, link).await;
            assert!(status == 403 && page.contains("too old"), "restarted: {is_restarted}: {status} {page}");
        }
    }
    stage.balanced().await;
}
