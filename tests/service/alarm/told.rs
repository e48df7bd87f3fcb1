//! How alarms are told: one mail for one cause, recoveries, quiet, escalations, posts, heartbeats, links, and mail servers that
//! refuse, are busy, want TLS and a login, or see us killed.

use super::mail::{Mail, MailServer};
use crate::edi::{Order, order, written};
use crate::fault::disk::Disk;
use crate::peer::{Answer, Peer};
use crate::stage::{Stage, resources};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use portolan::clock::{Clock as _, SystemClock};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Named points at which the service is killed here.
pub const POINTS: [&str; 8] = [
    "alert_hits.before_commit",
    "alert_hits.after_commit",
    "alarm.before_commit",
    "alarm.after_commit",
    "notice.before_commit",
    "notice.after_commit",
    "notice_tried.before_commit",
    "notice_tried.after_commit",
];

/// The sections that make alarms quick, and mail them.
pub fn sections(mail: &MailServer, more: &str) -> String {
    format!(
        "[delivery]\nretry_seconds = [1]\n[alert]\nname = \"edi-1\"\nlook_seconds = 1\nsettle_seconds = 1\n{more}\n\
         [mail]\nserver = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Portolan <edi@example.com>\"\n\
         to = [\"operator@example.com\"]\n",
        mail.port
    )
}

/// What a nearly full disk of the machine that runs the tests would add.
pub const ANY_DISK: &str = "kind: alert\nname: disk\nwatch: disk\nenabled: \"no\"\n---\n\
                            kind: alert\nname: disk-full\nwatch: disk\nenabled: \"no\"\n";

/// An instance with both partners that looks at everything but the disk, from its first look on.
async fn with(retailer: &Peer, supplier: &Peer, sections: &str) -> Stage {
    within(&std::env::temp_dir(), (retailer, supplier), sections).await
}

/// The same, on some disk.
async fn within(place: &Path, (retailer, supplier): (&Peer, &Peer), sections: &str) -> Stage {
    let yaml = format!("{}---\n{ANY_DISK}", resources(retailer.port, supplier.port));
    let mut stage = Stage::prepared(place, sections, &yaml).await;
    stage.token = stage.new_token("northstores-in");
    stage
}

/// An instance whose operator is told at once of all that follows.
pub async fn stage(mail: &MailServer, more: &str) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = with(&retailer, &supplier, &sections(mail, more)).await;
    (stage, retailer, supplier)
}

/// An order that fails.
pub fn failing(number: &str, control: u32) -> Vec<u8> {
    written(&Order { number, control, quantity: "12O", ..Order::default() })
}

/// These tests hold on a machine whose disk is nearly full: what counts alarms and mails counts none of the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_switched_off_before_the_start_is_never_raised() {
    // Room enough to take in more, and less than either alert of the disk wants.
    let Some(disk) = Disk::new(512) else { return };
    let (mail, retailer, supplier) = (MailServer::plain(), Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = within(disk.path(), (&retailer, &supplier), &sections(&mail, "")).await;
    stage.send(failing("D-1", 1)).await;
    mail.mail(&stage, "what failed", |one| one.subject().contains("Documents failed")).await;
    let names: Vec<Value> = stage.list("/api/v1/alarms").await.iter().map(|one| one["alert"].clone()).collect();
    assert_eq!(names, ["failed"]);
    // Switched on again they see what they were made for.
    stage.apply(&ANY_DISK.replace("enabled: \"no\"", "enabled: \"yes\""));
    stage.until("both are raised", || async { (stage.list("/api/v1/alarms").await.len() == 3).then_some(()) }).await;
}

async fn alarms(stage: &Stage, state: &str, count: usize) -> Vec<Value> {
    stage
        .until(&format!("{count} alarms {state}"), || async {
            let rows = stage.list(&format!("/api/v1/alarms?state={state}")).await;
            (rows.len() == count).then_some(rows)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_failures_of_one_cause_are_one_mail_and_their_end_is_another() {
    let mail = MailServer::plain();
    let refusing = vec![Answer::Status(400); 30];
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&refusing).await);
    let stage =
        with(&retailer, &supplier, &sections(&mail, "").replace("settle_seconds = 1", "settle_seconds = 4")).await;
    stage.apply("kind: recipient\nname: all-at-once\nmail: [second@example.com]\ndigest_minutes: \"0\"\n");
    for number in 1..=30 {
        stage.send(order(&format!("P-{number}"), number)).await;
    }
    stage.deliveries("parked", 30).await;
    let told =
        mail.mail(&stage, "parked", |one| one.to() == "second@example.com" && one.subject().contains("parked")).await;
    assert_eq!(
        told.subject(),
        "ERROR: Deliveries are parked: 30 deliveries of lamps over channel lamps-out are parked: HTTP-400"
    );
    for expected in ["ERROR  Deliveries are parked", "Look at: delivery/del_", "Alarm: alm_", "Portolan edi-1"] {
        assert!(told.text().contains(expected), "{expected} in {}", told.text());
    }
    assert!(told.html().contains("30 deliveries of lamps") && told.header("auto-submitted") == "auto-generated");
    assert_eq!(
        (told.0["from"].as_str(), told.header("from").as_str()),
        (Some("edi@example.com"), "Portolan <edi@example.com>")
    );
    // Never what a partner wrote.
    for payload in ["P-1", "NORTHSTORES", "North Stores", "4.25"] {
        assert!(!told.text().contains(payload) && !told.html().contains(payload), "{payload} in {}", told.text());
    }
    let open = alarms(&stage, "open", 1).await;
    assert_eq!((open[0]["alert"].as_str(), open[0]["count"].as_i64()), (Some("parked"), Some(30)));
    // Sent again they arrive: the alarm is over by itself.
    let id = open[0]["alarm_id"].as_str().expect("an id");
    assert_eq!(stage.done(&["alarm", "retry", id], ""), "30 deliveries go again\n");
    stage.deliveries("delivered", 60).await;
    let over =
        mail.mail(&stage, "the end", |one| one.to() == "second@example.com" && one.subject().starts_with("Over")).await;
    assert!(over.subject().starts_with("Over: Deliveries are parked"), "{}", over.subject());
    let of_second =
        mail.mails().into_iter().filter(|one| one.to() == "second@example.com" && one.subject().contains("parked"));
    assert_eq!(of_second.count(), 2, "30 failures of one cause are one mail");
    let shown = stage.done(&["alarm", "show", id], "");
    assert!(shown.contains("raised") && shown.contains("over"), "{shown}");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_storm_is_one_mail_and_then_a_digest() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "").await;
    for number in 0..12 {
        let sender = format!("STRANGER{number}");
        stage.send(written(&Order { sender: &sender, control: number + 1, ..Order::default() })).await;
    }
    stage.send(failing("F-1", 100)).await;
    stage.send(written(&Order { usage: 'T', control: 101, ..Order::default() })).await;
    let first = mail.mail(&stage, "anything", |_| true).await;
    // What comes within the quarter of an hour after it waits for the digest, whatever it is.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(mail.mails().len(), 1, "{:?}", mail.mails().iter().map(Mail::subject).collect::<Vec<_>>());
    assert!(stage.list("/api/v1/alarms?standing=true").await.len() >= 3, "{}", first.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_a_mail_act_once_and_only_by_their_button() {
    let mail = MailServer::plain();
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[Answer::Status(400), Answer::Status(400)]).await);
    // The links lead to the admin listener, whose port is known once it runs.
    let stage = with(&retailer, &supplier, &sections(&mail, "links = \"https://portolan.example/\"")).await;
    stage.send(order("L-1", 1)).await;
    stage.send(order("L-2", 2)).await;
    let told = mail.mail(&stage, "parked", |one| one.text().contains("Send again what is parked")).await;
    let here = |link: String| link.replace("https://portolan.example", &stage.admin);
    let take = here(told.link("I take it up"));
    let client = &stage.client;
    let page = |answer: reqwest::Response| async { (answer.status().as_u16(), answer.text().await.expect("a page")) };
    for _ in 0..2 {
        let seen = client.get(&take).send().await.expect("an answer");
        let policy = seen.headers()["content-security-policy"].to_str().expect("text").to_owned();
        let (status, body) = page(seen).await;
        assert!(status == 200 && body.contains("<button>I take it up") && policy.contains("default-src"), "{body}");
    }
    let alarm = alarms(&stage, "open", 1).await.remove(0);
    let (status, body) = page(client.post(&take).send().await.expect("an answer")).await;
    assert!(status == 200 && body.contains("It is yours"), "{body}");
    let taken = alarms(&stage, "acknowledged", 1).await.remove(0);
    assert_eq!((&taken["alarm_id"], taken["acted_by"].as_str()), (&alarm["alarm_id"], Some("recipient:mail")));
    let (status, body) = page(client.post(&take).send().await.expect("an answer")).await;
    assert!(status == 409 && body.contains("used before"), "{status} {body}");
    // A link that was changed does nothing.
    let forged = take.replace("acknowledge", "snooze");
    for (method, link) in [("GET", &forged), ("POST", &forged), ("GET", &format!("{}/alarms/x", stage.admin))] {
        let request = client.request(method.parse().expect("a method"), link);
        let (status, body) = page(request.send().await.expect("an answer")).await;
        assert!(status == 403 && body.contains("was not made by this instance"), "{method} {link}: {status} {body}");
    }
    // Who reads the ledger finds no link that acts.
    let signed = take.rsplit('/').next().expect("a signature").to_owned();
    for name in ["portolan.db", "portolan.db-wal"] {
        let bytes = std::fs::read(stage.data().join(name)).unwrap_or_default();
        let snooze = told.link("Quiet for four hours");
        let unused = snooze.rsplit('/').next().expect("a signature").as_bytes();
        assert!(!bytes.windows(unused.len()).any(|some| some == unused), "{name} holds a link that was not used");
    }
    assert!(!stage.log().contains(&signed));
    let retry = here(told.link("Send again what is parked"));
    let (status, body) = page(client.post(&retry).send().await.expect("an answer")).await;
    assert!(status == 200 && body.contains("2 deliveries go again"), "{body}");
    assert_eq!(page(client.post(&retry).send().await.expect("an answer")).await.0, 409);
    stage.deliveries("delivered", 4).await;
    alarms(&stage, "over", 1).await;
    let (_, body) = page(client.get(here(told.link("Quiet for four hours"))).send().await.expect("an answer")).await;
    assert!(body.contains("It is over already") && !body.contains("<button>"), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_does_by_command_counts_and_is_noted() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "").await;
    stage.send(failing("C-1", 1)).await;
    let alarm = alarms(&stage, "open", 1).await.remove(0);
    let id = alarm["alarm_id"].as_str().expect("an id");
    assert!(stage.done(&["alarm", "list"], "").contains("Documents failed: 1 document of type 850 of northstores"));
    stage.done(&["alarm", "snooze", id, "--minutes", "5"], "");
    assert_eq!(alarms(&stage, "snoozed", 1).await[0]["acted_by"], "token:local");
    let shown = stage.done(&["alarm", "show", id], "");
    for said in [
        "snoozed",
        "count        1\n",
        "quiet until  ",
        "acted_by     token:local\n",
        "raised",
        "subject      document/doc_",
    ] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    stage.done(&["alarm", "acknowledge", id], "");
    stage.done(&["alarm", "close", id], "");
    assert_eq!(stage.done(&["alarm", "list"], ""), "no alarms\n");
    assert_eq!(stage.cli(&["alarm", "close", id], "").status.code(), Some(6), "it is closed already");
    assert_eq!(stage.cli(&["alarm", "show", "alm_0"], "").status.code(), Some(4));
    assert_eq!(stage.cli(&["alarm", "retry", id], "").status.code(), Some(6), "failed documents are not sent again");
    // Closed it stays closed, until more of it comes.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(stage.list("/api/v1/alarms").await.len(), 1);
    stage.send(failing("C-2", 2)).await;
    let again = alarms(&stage, "open", 1).await.remove(0);
    assert_ne!(again["alarm_id"], alarm["alarm_id"]);
    let events: Vec<String> = stage.get(&format!("/api/v1/alarms/{id}")).await["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| event["to_state"].as_str().expect("a state").to_owned())
        .collect();
    assert_eq!(events, ["raised", "snoozed", "acknowledged", "closed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_recipient_is_told_what_is_its_business_when_it_may_be() {
    let mail = MailServer::plain();
    let hook = Peer::start(&[]).await;
    let (stage, _, _) = stage(&mail, "").await;
    let minute = |minutes: i64| {
        let at = SystemClock.now() + SignedDuration::from_mins(minutes);
        at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
    };
    stage.done(&["secret", "set", "hook-url"], &format!("http://127.0.0.1:{}/hook/T0K3N", hook.port));
    stage.apply(&format!(
        "kind: recipient\nname: parked-only\nmail: [parked@example.com]\nalerts: [parked]\n---\n\
         kind: recipient\nname: asleep\nmail: [asleep@example.com]\nquiet: {{ from: \"{}\", to: \"{}\" }}\n---\n\
         kind: recipient\nname: boss\nmail: [boss@example.com]\nafter_minutes: \"60\"\n---\n\
         kind: recipient\nname: lamps-people\nmail: [lamps@example.com]\npartners: [lamps]\n---\n\
         kind: recipient\nname: orders-people\nmail: [orders@example.com]\ndocuments: [\"8*\"]\n---\n\
         kind: recipient\nname: chat\npost: {{ url: {{ secret: hook-url }}, form: slack, allow_networks: [127.0.0.0/8] }}\n",
        minute(-60),
        minute(60),
    ));
    stage.send(failing("W-1", 1)).await;
    mail.mail(&stage, "the operator", |one| one.to() == "operator@example.com").await;
    mail.mail(&stage, "those of orders", |one| one.to() == "orders@example.com").await;
    let post = stage.until("a post", || async { hook.posts().into_iter().next() }).await;
    let said: Value = serde_json::from_slice(&post.body).expect("JSON");
    assert_eq!(post.line, "POST /hook/T0K3N HTTP/1.1");
    assert!(said["text"].as_str().expect("text").starts_with("ERROR: Documents failed: 1 document"), "{said}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told: BTreeSet<String> = mail.mails().iter().map(|one| one.to().to_owned()).collect();
    let expected = ["operator@example.com", "orders@example.com"].map(str::to_owned);
    assert_eq!(told, BTreeSet::from(expected));
    assert!(!stage.log().contains("T0K3N") && !stage.done(&["alarm", "notices", "--json"], "").contains("T0K3N"));
}

/// All kinds of recipients, and one that came too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_before_it_could_be_told_is_told_all_the_same() {
    let mail = MailServer::plain();
    let hook = Peer::start(&[]).await;
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[Answer::Status(400)]).await);
    let stage = with(&retailer, &supplier, &sections(&mail, "")).await;
    stage.done(&["secret", "set", "hook-url"], &format!("http://127.0.0.1:{}/hook", hook.port));
    // It is quiet from a minute ago until a full minute that lies two minutes ahead at least.
    let minute = |seconds: i64| {
        let at = SystemClock.now() + SignedDuration::from_secs(seconds);
        at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
    };
    let quiet = format!("quiet: {{ from: \"{}\", to: \"{}\" }}", minute(-60), minute(180));
    let recipient = |name: &str, more: &str| {
        format!("kind: recipient\nname: {name}\nmail: [{name}@example.com]\nalerts: [brief, parked]\n{more}\n---\n")
    };
    stage.apply(&format!(
        "{}{}{}kind: recipient\nname: chat\nalerts: [brief]\n{quiet}\n\
         post: {{ url: {{ secret: hook-url }}, form: slack, allow_networks: [127.0.0.0/8] }}\n---\n\
         kind: alert\nname: brief\nwatch: events\nevents: [document.failed]\nwithin_minutes: \"1\"\nseverity: warning\n",
        recipient("asleep", &quiet),
        recipient("digest", "digest_minutes: \"2\""),
        recipient("boss", &format!("after_minutes: \"60\"\n{quiet}")),
    ));
    // Who was just told something waits for its digest.
    stage.send(failing("B-1", 1)).await;
    mail.mail(&stage, "the first", |one| one.to() == "digest@example.com").await;
    // A delivery is parked, and a little later somebody mends that.
    stage.send(order("B-2", 2)).await;
    let parked =
        stage.until("parked", || async { stage.list("/api/v1/alarms?alert=parked").await.into_iter().next() }).await;
    let id = parked["alarm_id"].as_str().expect("an id").to_owned();
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.done(&["alarm", "retry", &id], "");
    let over = || async { stage.list("/api/v1/alarms?standing=true&alert=parked").await.is_empty().then_some(()) };
    stage.until("parked is over", over).await;
    let brief = || async { stage.list("/api/v1/alarms?alert=brief&state=over").await.into_iter().next() };
    let brief = stage.until("the event is over", brief).await["alarm_id"].as_str().expect("an id").to_owned();
    assert!(!mail.mails().iter().any(|one| one.to() == "asleep@example.com"), "it is quiet");
    let late =
        "kind: recipient\nname: late\nmail: [late@example.com]\ndigest_minutes: \"0\"\nalerts: [brief, parked]\n";
    stage.apply(late);
    let of = |who: &'static str, id: &str| {
        let id = id.to_owned();
        move |one: &Mail| one.to() == who && one.text().contains(&format!("Alarm: {id}"))
    };
    let told = mail.mail(&stage, "the digest", of("digest@example.com", &id)).await;
    assert!(told.text().contains("ERROR, over by now  Deliveries are parked"), "{}", told.text());
    let told = mail.mail(&stage, "the end of the quiet hours", of("asleep@example.com", &id)).await;
    assert_eq!(told.subject(), "2 alarms: 2 over by now");
    let words = "It was, and is over, before you were told.";
    assert!(told.text().contains(&brief) && told.text().matches(words).count() == 2, "{}", told.text());
    assert!(!told.text().contains("I take it up"), "there is nothing to take up");
    let post = stage.until("a post", || async { hook.posts().into_iter().next() }).await;
    let said: Value = serde_json::from_slice(&post.body).expect("JSON");
    assert!(said["text"].as_str().expect("text").starts_with("WARNING, over by now: brief: 1 event"), "{said}");
    tokio::time::sleep(Duration::from_secs(4)).await;
    let count = |who: &str| mail.mails().iter().filter(|one| one.to() == who).count();
    assert_eq!(count("asleep@example.com"), 1, "once");
    assert_eq!(count("boss@example.com"), 0, "it was over long before an hour");
    assert_eq!(count("late@example.com"), 0, "what was before it is none of its business");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_still_stands_after_its_time_of_quiet_is_told_again() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "links = \"https://portolan.example\"").await;
    stage.apply("kind: recipient\nname: now\nmail: [now@example.com]\ndigest_minutes: \"0\"\n");
    stage.send(failing("Z-1", 1)).await;
    let id = alarms(&stage, "open", 1).await[0]["alarm_id"].as_str().expect("an id").to_owned();
    let told = mail.mail(&stage, "it", |one| one.to() == "now@example.com").await;
    stage.done(&["alarm", "snooze", &id, "--minutes", "1"], "");
    let again =
        mail.mail(&stage, "it again", |one| one.to() == "now@example.com" && one.subject().contains("still")).await;
    assert!(again.text().contains("Its time of quiet is over, and it still stands."), "{}", again.text());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(mail.mails().iter().filter(|one| one.to() == "now@example.com").count(), 2, "once");
    assert!(stage.done(&["alarm", "show", &id], "").contains("was quiet to"));
    // The link to the alarm itself says to a browser, which has no token, what to do.
    let line = told.text().lines().find(|line| line.starts_with("Alarm: ")).expect("a link").to_owned();
    let path = line.split("https://portolan.example").nth(1).expect("a path").to_owned();
    let asked = |accept: &'static str| {
        let request = stage.client.get(format!("{}{path}", stage.admin)).header("accept", accept);
        async move {
            let answer = request.send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("text"))
        }
    };
    let (status, page) = asked("text/html,application/xhtml+xml").await;
    assert!(status == 401 && page.contains("<h1") && page.contains("portolan alarm show"), "{status} {page}");
    assert!(!page.contains("850"), "it tells nothing of the alarm: {page}");
    let (status, body) = asked("*/*").await;
    assert!(status == 401 && body.contains("NOT-AUTHENTICATED") && body.contains("PORTOLAN_TOKEN"), "{status} {body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_go_over_tls_with_a_login_and_wait_for_a_password_that_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.path().join("tls.pem"), folder.path().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let (certificate, key) = (certificate.to_string_lossy().into_owned(), key.to_string_lossy().into_owned());
    for mode in ["starttls", "implicit"] {
        let mail = MailServer::start(&[mode, &certificate, &key, "portolan", "s3cret"]);
        let text = sections(&mail, "")
            .replace("\"127.0.0.1\"", "\"localhost\"")
            .replace("tls = \"none\"", &format!("tls = \"{mode}\"\nuser = \"portolan\"\npassword = \"mail-password\""));
        let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
        // Nobody vouches for the server's certificate: nothing is said to it.
        let stage = with(&retailer, &supplier, &text).await;
        stage.done(&["secret", "set", "mail-password"], "wrong-3\n");
        stage.done(&["alarm", "test", "mail"], "");
        let reason = async |word: &'static str| {
            stage
                .until(word, || async {
                    let rows = stage.list("/api/v1/notices").await;
                    let reason = rows.first()?["reason"].as_str()?.to_owned();
                    reason.contains(word).then_some((reason, rows[0]["state"].clone()))
                })
                .await
        };
        let (said, state) = reason("certificate").await;
        assert!(said.starts_with("localhost:") && state == "ready", "{said}");
        drop(stage);
        let stage =
            with(&retailer, &supplier, &text.replace("from =", &format!("authorities = \"{certificate}\"\nfrom =")))
                .await;
        stage.done(&["secret", "set", "mail-password"], "wrong-3\n");
        assert_eq!(stage.done(&["alarm", "test", "mail"], "").split(' ').next(), Some("1"));
        let said = stage
            .until("a refusal", || async {
                let rows = stage.list("/api/v1/notices?state=ready").await;
                rows.first()?["reason"].as_str().map(str::to_owned)
            })
            .await;
        assert!(said.contains("535") && !said.contains("wrong-3"), "{said}");
        stage.done(&["secret", "set", "mail-password"], "s3cret\n");
        let taken = mail.mail(&stage, "the test", |one| one.subject() == "A test of Portolan edi-1").await;
        // The other server speaks nothing but TLS, and its library does not say so.
        assert_eq!((taken.0["is_private"] == true, taken.0["user"].as_str()), (mode == "starttls", Some("portolan")));
        assert!(!stage.log().contains("s3cret") && !stage.log().contains("wrong-3"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_that_are_refused_are_given_up_and_those_that_are_put_off_go_again() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "").await;
    stage.apply(
        "kind: recipient\nname: mixed\nmail: [refused@example.com, busy@example.com, slow@example.com]\nalerts: [failed]\n",
    );
    stage.send(failing("R-1", 1)).await;
    mail.mail(&stage, "slow", |one| one.to() == "slow@example.com").await;
    let lost = stage
        .until("one is given up", || async { stage.list("/api/v1/notices?state=given_up").await.into_iter().next() })
        .await;
    assert_eq!(lost["address"], "refused@example.com");
    assert!(lost["reason"].as_str().is_some_and(|reason| reason.contains("nobody of that name")), "{lost}");
    let put_off = stage.list("/api/v1/notices?state=ready").await;
    assert!(
        put_off.iter().any(|one| one["address"] == "busy@example.com"
            && one["reason"].as_str().is_some_and(|reason| reason.contains("451"))),
        "{put_off:#?}"
    );
    let shown = stage.done(&["alarm", "notices", "--state", "given_up"], "");
    assert!(shown.contains("refused@example.com  given_up: 127.0.0.1:"), "{shown}");
    let id = lost["notice_id"].as_str().expect("an id");
    stage.done(&["alarm", "resend", id], "");
    assert_eq!(stage.cli(&["alarm", "resend", "ntc_0"], "").status.code(), Some(4));
    // Two refusals for now, ten and thirty seconds apart.
    mail.mail(&stage, "the one put off", |one| one.to() == "busy@example.com").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_no_alarm_is_lost_and_a_mail_comes_again_under_its_id() {
    let mail = MailServer::plain();
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = with(&retailer, &supplier, &sections(&mail, "")).await;
    // Each look has something new to tell at once.
    stage.apply(
        "kind: recipient\nname: now\nmail: [now@example.com]\ndigest_minutes: \"0\"\n---\n\
         kind: alert\nname: every-hold\nwatch: events\nevents: [document.failed]\n",
    );
    for (number, point) in (0_u32..).zip(POINTS) {
        stage.kill();
        let is_up = stage.try_start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        if is_up {
            let sender = format!("NOBODY{number}");
            // The answer may be lost with the process.
            let _ = stage
                .try_post(
                    None,
                    written(&Order { sender: &sender, control: number + 1, kind: "850", ..Order::default() }),
                )
                .await;
            let _ = stage.try_post(None, failing(&format!("K-{number}"), number + 100)).await;
        }
        stage.dies(point).await;
        stage.start_again(&[]);
    }
    let failed = stage.list("/api/v1/documents?processing=failed").await.len();
    assert!(failed > 0);
    let open = stage
        .until("all failures in one alarm", || async {
            let rows = stage.list("/api/v1/alarms?standing=true").await;
            let one = rows.iter().find(|one| one["alert"] == "failed")?.clone();
            (one["count"].as_u64() == Some(failed as u64)).then_some((one, rows))
        })
        .await;
    // One open alarm for each cause.
    let causes: BTreeSet<String> = open.1.iter().map(|one| format!("{} {}", one["alert"], one["cause"])).collect();
    assert_eq!(causes.len(), open.1.len(), "{:#?}", open.1);
    stage
        .until("all notices sent", || async {
            stage.list("/api/v1/notices?state=ready").await.is_empty().then_some(())
        })
        .await;
    let notices = stage.list("/api/v1/notices?state=sent").await;
    let mails = mail.mails();
    let ids: BTreeSet<String> = mails.iter().map(|one| one.header("message-id")).collect();
    let expected: BTreeSet<String> =
        notices.iter().map(|one| format!("<{}@example.com>", one["notice_id"].as_str().expect("an id"))).collect();
    assert_eq!(ids, expected, "each notice came, and nothing else");
    assert!(mails.len() > ids.len(), "one was sent again, under the same id: {} of {}", ids.len(), mails.len());
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_says_every_day_that_all_is_well() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "").await;
    // It beats at a full minute that lies far enough ahead for it to be known by then: one that has passed comes tomorrow.
    let at = SystemClock.now() + Duration::from_secs(80);
    let minute = at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string();
    stage.apply(&format!(
        "kind: recipient\nname: dawn\nmail: [dawn@example.com]\nheartbeat: \"{minute}\"\nalerts: [none-of-them*]\n"
    ));
    stage.send(order("H-1", 1)).await;
    stage.deliveries("delivered", 2).await;
    let begin = std::time::Instant::now();
    let told = loop {
        match mail.mails().into_iter().find(|one| one.to() == "dawn@example.com") {
            Some(told) => break told,
            None => assert!(begin.elapsed() < Duration::from_secs(140), "{}", stage.log()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(told.subject(), "Portolan edi-1 is running");
    assert!(
        told.text().contains("1 transmissions came in, 2 deliveries arrived, 0 documents failed"),
        "{}",
        told.text()
    );
    assert!(
        told.text().contains(&format!("{minute} UTC")) && told.text().contains("If it does not come"),
        "{}",
        told.text()
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(mail.mails().len(), 1, "once a day");
}

#[tokio::test]
async fn err_settings_that_do_not_fit_are_told_before_anything_starts() {
    let mail = MailServer::plain();
    for (from, to, expected) in [
        ("look_seconds = 1", "time_zone = \"Mars/Olympus\"", "[alert] time_zone: expected the IANA name"),
        ("look_seconds = 1", "links = \"portolan.example\"", "[alert] links: expected such as https"),
        ("Portolan <edi@example.com>", "Portolan", "[mail] from: expected an address"),
        ("operator@example.com", "operator", "[mail] to: expected an address"),
        ("tls = \"none\"", "user = \"x\"", "[mail] user: expected user and password"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let listen =
            "[partner]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[sftp]\nlisten = \"off\"\n";
        let text = format!("{listen}{}", sections(&mail, "").replace(from, to));
        std::fs::write(folder.path().join("portolan.toml"), text).expect("written");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_portolan"))
            .args(["serve", "--data"])
            .arg(folder.path())
            .output()
            .expect("the binary");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(expected), "{expected} in {said}");
    }
    let stage = Stage::bare("").await;
    for (yaml, expected) in [
        ("kind: recipient\nname: r\n", "mail: expected an address, or post"),
        (
            "kind: recipient\nname: r\npost: { url: \"https://x.example\", allow_networks: [nonsense] }\n",
            "post.allow_networks[1]",
        ),
        ("kind: recipient\nname: r\nmail: [nobody]\n", "mail: expected an address such as"),
        ("kind: recipient\nname: r\nmail: [a@b.example]\nalerts: [parkd]\n", "did you mean parked?"),
        ("kind: alert\nname: a\nwatch: silence\npartners: [lamps]\nby: \"10:00\"\n", "partner lamps is not there"),
        ("kind: alert\nname: a\nwatch: disk\ncalendar: office\n", "calendar: expected with watch: disk one of"),
        ("kind: calendar\nname: c\ntime_zone: Europe/Berln\n", "time_zone: expected the IANA name"),
    ] {
        assert!(stage.refused(yaml).contains(expected), "{expected} in {}", stage.refused(yaml));
    }
}
