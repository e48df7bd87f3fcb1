//! Every alert that an instance has finds what it watches for, provoked for real, and a person gets a mail of it. The page
//! `docs/ALARMS.md` names the test of each alert by reading this file.

use super::mail::{Mail, MailServer};
use super::told::{failing, sections, stage};
use crate::as2::{LAMPS, RETAIL, STRANGER, Sending, USUAL, certificate, send_content};
use crate::edi::{Order, control_of, order, written};
use crate::peer::{Answer, Peer};
use crate::stage::{Stage, resources};
use portolan::clock::{Clock as _, SystemClock};
use portolan::transport::as2::exchange::{self, Reference};
use portolan::transport::sftp::ban::ADDRESS_FAILURES_MAX;
use sqlx::Executor as _;
use std::time::Duration;

/// Somebody who is told everything as it comes.
const NOW: &str = "kind: recipient\nname: now\nmail: [now@example.com]\ndigest_minutes: \"0\"\n";

/// An alert was raised with these words, and a mail names its alarm.
async fn raised(mail: &MailServer, stage: &Stage, alert: &str, words: &str) -> Mail {
    let path = format!("/api/v1/alarms?alert={alert}");
    let id = stage
        .until(&format!("{alert}: {words}"), || async {
            let rows = stage.list(&path).await;
            let one = rows.iter().find(|one| one["words"].as_str().is_some_and(|said| said.contains(words)))?;
            one["alarm_id"].as_str().map(str::to_owned)
        })
        .await;
    mail.mail(stage, alert, |one| one.to() == "now@example.com" && one.text().contains(&id)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_fail_are_held_or_refused() {
    let mail = MailServer::plain();
    let (stage, retailer, supplier) = stage(&mail, "").await;
    // The sender's clock runs for an hour, so that what is held wants an answer within hours from the begin.
    let all = resources(retailer.port, supplier.port);
    let own = "ack: { functional: always, channel: northstores-out }";
    stage.apply(&format!(
        "{}---\n{NOW}",
        all.replace(own, "ack: { functional: always, channel: northstores-out, within_minutes: \"60\" }")
    ));
    stage.send(failing("F-1", 1)).await;
    stage.send(written(&Order { sender: "SOMEBODY", control: 2, ..Order::default() })).await;
    stage.send("this is no interchange at all").await;
    raised(&mail, &stage, "failed", "1 document of type 850 of northstores over channel northstores-in failed").await;
    raised(&mail, &stage, "held", "over channel northstores-in is held: PARTNER-UNKNOWN").await;
    raised(&mail, &stage, "unanswered", "its sender waits for an answer until").await;
    raised(&mail, &stage, "rejected-transmission", "1 event (transmission.rejected) over channel northstores-in").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_that_do_not_arrive() {
    let mail = MailServer::plain();
    let hook = Peer::start(&vec![Answer::Status(500); 50]).await;
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[Answer::Status(404)]).await);
    let text = sections(&mail, "").replace("retry_seconds = [1]", "retry_seconds = [3600, 3600]");
    let stage = Stage::with(&retailer, &supplier, &text).await;
    stage.done(&["webhook", "secret", "hook-secret"], "");
    stage.apply(&format!(
        "{NOW}---\nkind: alert\nname: retrying\nwatch: retrying\nminutes: \"0\"\n---\n\
         kind: alert\nname: backlog\nwatch: backlog\nminutes: \"0\"\n---\n\
         kind: alert\nname: webhook\nwatch: webhook\nminutes: \"0\"\n---\n\
         kind: alert\nname: unfetched\nwatch: unfetched\nminutes: \"0\"\n---\n\
         kind: webhook\nname: monitor\nurl: http://127.0.0.1:{}/hook\nsecret: {{ secret: hook-secret }}\n\
         allow_networks: [127.0.0.0/8]\n",
        hook.port
    ));
    stage.send(order("D-1", 1)).await;
    raised(&mail, &stage, "parked", "1 delivery of lamps over channel lamps-out is parked: HTTP-404").await;
    raised(&mail, &stage, "webhook", "Webhook monitor takes no events since").await;
    supplier.then(&[Answer::Status(503)]);
    stage.send(order("D-2", 2)).await;
    raised(&mail, &stage, "retrying", "1 delivery of lamps over channel lamps-out does not arrive: HTTP-503").await;
    // What is under way counts as due until it is done.
    supplier.then(&[Answer::Slow(Duration::from_secs(5))]);
    stage.send(order("D-3", 3)).await;
    raised(&mail, &stage, "backlog", "1 jobs of kind deliver are due").await;
    // One that is parked has another behind it in its lane; and a channel that failed once is left alone.
    let ordered = resources(retailer.port, supplier.port);
    let ordered = ordered.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    stage.apply(&format!("{ordered}order: partner\n---\nkind: alert\nname: circuit\nwatch: circuit\nminutes: \"0\"\n"));
    supplier.then(&[Answer::Status(404)]);
    stage.send(order("D-5", 5)).await;
    stage.send(order("D-6", 6)).await;
    raised(&mail, &stage, "lane", "1 delivery of lamps over channel lamps-out waits in its lane for one: parked").await;
    stage.apply(&ordered);
    let failing = resources(retailer.port, supplier.port).replace(
        &format!("127.0.0.1:{}/edi\n", supplier.port),
        &format!("127.0.0.1:{}/edi\ncircuit: {{ failures: \"1\", seconds: \"5\" }}\n", supplier.port),
    );
    stage.apply(&failing);
    // What is under way and arrives would have it tried again.
    stage
        .until("the slow one arrived", || async {
            let rows = stage.list("/api/v1/deliveries?channel=lamps-out&state=delivered").await;
            (rows.len() == 1).then_some(())
        })
        .await;
    supplier.then(&[Answer::Status(500)]);
    stage.send(order("D-7", 7)).await;
    raised(&mail, &stage, "circuit", "Channel lamps-out is left alone since").await;
    // A mailbox in place of the post.
    let http = format!(
        "name: lamps-out\ntransport: http\nway: out\nurl: http://127.0.0.1:{}/edi\nallow_networks: [127.0.0.0/8]\n",
        supplier.port
    );
    let own = "name: lamps-out\ntransport: sftp\nway: out\nmailbox: lamps-box\n---\nkind: mailbox\nname: lamps-box\n";
    stage.apply(&resources(retailer.port, supplier.port).replace(&http, own));
    stage.send(order("D-4", 4)).await;
    raised(&mail, &stage, "unfetched", "1 file of lamps in mailbox lamps-box is not fetched").await;
    stage.apply("kind: recipient\nname: gone\nmail: [refused@example.com]\ndigest_minutes: \"0\"\n");
    raised(&mail, &stage, "notice", "could not be sent: gone").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgments_that_do_not_come_or_refuse() {
    let mail = MailServer::plain();
    let (stage, retailer, supplier) = stage(&mail, "").await;
    let all = resources(retailer.port, supplier.port);
    let agreement = all.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    stage.apply(&format!(
        "{NOW}---\n{agreement}expect: [{{ kind: contrl, within_minutes: \"0\" }}]\n---\n\
         {{kind: channel, name: lamps-in, transport: http, way: in, auth: token, partners: [lamps]}}\n"
    ));
    let contrl = |number: &str, action: &str, errors: &str| {
        format!(
            "UNB+UNOA:2+4012345000030:14+4098765000003:14+261124:1000+{number}'UNH+1+CONTRL:2:2:UN'\
             UCI+{number}+4098765000003:14+4012345000030:14+{action}'{errors}UNT+{}+1'UNZ+1+{number}'",
            if errors.is_empty() { 3 } else { 4 }
        )
    };
    stage.send(order("A-1", 1)).await;
    let sent = stage.until("an order", || async { supplier.orders().into_iter().next() }).await;
    raised(&mail, &stage, "overdue", "of type contrl of lamps is overdue").await;
    let control = control_of(&sent.body);
    stage.send_over("lamps-in", contrl(&control, "4", "").replace("+4'", "+4+12'")).await;
    raised(&mail, &stage, "rejected", "1 document of type ORDERS of lamps was refused by contrl: 12 (Invalid value)")
        .await;
    stage.send(order("A-2", 2)).await;
    let sent = stage.until("another order", || async { supplier.orders().into_iter().nth(1) }).await;
    let control = control_of(&sent.body);
    stage.send_over("lamps-in", contrl(&control, "7", "UCM+1+ORDERS:D:96A:UN+7+12'")).await;
    // What is wrong where, as the supplier has it.
    stage.send(order("A-3", 3)).await;
    let sent = stage.until("a third order", || async { supplier.orders().into_iter().nth(2) }).await;
    let control = control_of(&sent.body);
    let named = "UCM+1+ORDERS:D:96A:UN+4+18'UCS+2+13'UCS+6'UCD+37+2:2'";
    let body = contrl(&control, "7", named).replace("UNT+4+", "UNT+7+");
    stage.send_over("lamps-in", body).await;
    let told = raised(&mail, &stage, "rejected", "was refused by contrl: 18").await;
    let words = ["segment 2: code 13 (Missing)", "segment 6, element 2, component 2: code 37 ("];
    assert!(words.iter().all(|one| told.text().contains(one) && told.html().contains(one)), "{}", told.text());
    stage.send_over("lamps-in", contrl("99999", "7", "")).await;
    raised(&mail, &stage, "unmatched", "of type contrl of lamps fits nothing we sent").await;
    // What came late counts all the same, and ends the alarm; who was told of it is told so.
    let over = || async { stage.list("/api/v1/alarms?alert=overdue&standing=true").await.is_empty().then_some(()) };
    stage.until("nothing is overdue any more", over).await;
    let is_end = |one: &Mail| one.to() == "now@example.com" && one.text().contains("OVER  Acknowledgments are overdue");
    mail.mail(&stage, "the end", is_end).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_997_that_takes_with_errors_or_refuses_is_told() {
    let mail = MailServer::plain();
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, &sections(&mail, "")).await;
    // Lamps gets an 850 and answers with a 997.
    let all = resources(retailer.port, supplier.port)
        .replace("document: edifact/d96a/ORDERS", "document: x12/004010/850")
        .replace(
            "envelope: { sender: \"14:4098765000003\", receiver: \"14:4012345000030\" }",
            "envelope: { sender: ZZ:US, receiver: ZZ:LAMPS }\nexpect: [{ kind: \"997\", within_minutes: \"60\" }]",
        )
        .replace("[\"14:4012345000030\"]", "[ZZ:LAMPS]");
    stage.apply(&format!("{all}---\n{NOW}---\n{{kind: channel, name: lamps-in, transport: http, way: in, auth: token, partners: [lamps]}}\n"));
    stage.send(order("E-1", 1)).await;
    let sent = stage.until("an order", || async { supplier.orders().into_iter().next() }).await;
    let text = String::from_utf8_lossy(&sent.body).into_owned();
    let group = text.split("GS*").nth(1).and_then(|rest| rest.split('*').nth(5)).expect("GS06").to_owned();
    let document =
        text.split("ST*850*").nth(1).expect("ST").chars().take_while(char::is_ascii_digit).collect::<String>();
    let ack = |number: u32, errors: &str, verdict: &str, segments: usize| {
        format!(
            "ISA*00*          *00*          *ZZ*LAMPS          *ZZ*US             *261124*0915*U*00401*{number:09}*0*P*>~\
             GS*FA*LAMPS*US*20261124*0915*{number}*X*004010~ST*997*0001~AK1*PO*{group}~AK2*850*{document}~{errors}\
             AK5*{verdict}*5~AK9*{verdict}*1*1*0~SE*{segments}*0001~GE*1*{number}~IEA*1*{number:09}~"
        )
    };
    stage.send_over("lamps-in", ack(1, "", "E", 6)).await;
    raised(&mail, &stage, "accepted-with-errors", "1 event (ack.accepted_with_errors)").await;
    // The partner thinks again: the codes are said in words, and the document is ours.
    let errors = "AK3*BEG*2**8~AK4*3*324*1~AK4*5>2>1*373*8*SECRET-4711~AK3*PO1*7*SECRET-LOOP*8~AK4*4*212*6*SECRET-12X~\
                  AK4*2*330*1~AK3*CTT*9**3~";
    stage.send_over("lamps-in", ack(2, errors, "R", 13)).await;
    let refused = "1 document of type 850 of lamps was refused by 997: 5 (One or more segments in error)";
    let told = raised(&mail, &stage, "rejected", refused).await;
    // Where and what, with the words of the code list; never what stands there.
    for line in [
        "segment 2 BEG: code 8 (Segment has element errors)",
        "segment 2 BEG, element 3 (324): code 1 (Mandatory element missing)",
        "segment 2 BEG, element 5, component 2 (373): code 8 (Invalid date)",
        "segment 7 PO1: code 8 (Segment has element errors)",
        "segment 7 PO1, element 4 (212): code 6 (Invalid character in element)",
        "and 2 more",
    ] {
        let is_told = told.text().lines().any(|one| one.trim_end() == format!("  {line}"));
        assert!(is_told, "{line} in\n{}", told.text());
        assert!(told.html().contains(&format!("<li>{line}</li>")), "{line} in\n{}", told.html());
    }
    let all = mail.mails().iter().map(|one| one.0.to_string()).collect::<String>();
    assert!(!all.contains("SECRET") && !told.text().contains("CTT"), "{all}");
    let kept = stage.get("/api/v1/notices").await.to_string();
    assert!(kept.contains("now@example.com") && !kept.contains("SECRET"), "{kept}");
    let ours = stage.list("/api/v1/documents?direction=out&ack=rejected").await;
    let shown = stage.done(&["document", "show", ours[0]["document_id"].as_str().expect("an id")], "");
    let said = "segment 2 BEG: code 8 (Segment has element errors); element 3: code 1 (Mandatory element missing)";
    assert!(shown.contains(said) && shown.contains("SECRET-4711") && !shown.contains("\"\""), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_is_silent_or_talks_too_much() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "").await;
    let weekday = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).weekday();
    let idle = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][usize::from(weekday.to_monday_zero_offset() as u8)];
    let others: Vec<&str> =
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].into_iter().filter(|day| *day != idle).collect();
    // A full minute that lies half a minute ahead at least.
    let soon = SystemClock.now() + Duration::from_secs(90);
    let by = soon.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M").to_string();
    stage.apply(&format!(
        "{NOW}---\nkind: alert\nname: silent\ntitle: Nothing from North Stores\nwatch: silence\npartners: [northstores]\nby: \"{by}\"\n---\n\
         kind: alert\nname: silent-channel\nwatch: silence\nchannels: [northstores-in]\nminutes: \"2\"\n---\n\
         kind: alert\nname: silent-before\nwatch: silence\npartners: [northstores]\nby: \"00:00\"\n---\n\
         kind: alert\nname: no-invoice\nwatch: silence\npartners: [northstores]\ndocuments: [\"810\"]\nby: \"{by}\"\n---\n\
         kind: alert\nname: rests\nwatch: silence\npartners: [northstores]\nminutes: \"1\"\ncalendar: other-days\n---\n\
         kind: alert\nname: few\nwatch: rate\npartners: [northstores]\nat_least: \"2\"\nwithin_minutes: \"1\"\n---\n\
         kind: alert\nname: many\nwatch: rate\nat_most: \"1\"\nwithin_minutes: \"60\"\n---\n\
         kind: calendar\nname: other-days\ntime_zone: UTC\ndays: [{}]\n",
        others.join(", ")
    ));
    // What was awaited before it was said is not missed.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(stage.list("/api/v1/alarms").await, Vec::<serde_json::Value>::new());
    raised(&mail, &stage, "silent", &format!("Nothing came from northstores by {by}")).await;
    raised(&mail, &stage, "no-invoice", &format!("No 810 came from northstores by {by}")).await;
    raised(&mail, &stage, "few", "0 transmissions came from northstores within 1 minutes, at least 2 were expected")
        .await;
    raised(&mail, &stage, "silent-channel", "Nothing came from northstores-in for 2 minutes; nothing came before")
        .await;
    stage.send(order("S-1", 1)).await;
    stage.send(order("S-2", 2)).await;
    raised(&mail, &stage, "many", "2 transmissions came within 60 minutes, at most 1 were expected").await;
    let over = |alert: &'static str| {
        let (mail, stage) = (&mail, &stage);
        async move { mail.mail(stage, alert, |one| one.text().contains(&format!("OVER  {alert}"))).await }
    };
    over("Nothing from North Stores").await;
    over("few").await;
    let open = stage.list("/api/v1/alarms?standing=true").await;
    let names: Vec<&str> = open.iter().map(|one| one["alert"].as_str().expect("a name")).collect();
    assert!(
        names.contains(&"no-invoice") && !names.contains(&"rests") && !names.contains(&"silent-channel"),
        "{names:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_machine_and_the_ledger() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "").await;
    stage.apply(&format!(
        "{NOW}---\nkind: alert\nname: disk\nwatch: disk\nmegabytes: \"1000000000\"\nseverity: critical\n"
    ));
    stage.send(order("M-1", 1)).await;
    stage.deliveries("delivered", 2).await;
    raised(&mail, &stage, "disk", "percent free").await;
    stage.apply("kind: alert\nname: disk-full\nwatch: disk\nmegabytes: \"1000000000\"\nseverity: critical\n");
    raised(&mail, &stage, "disk-full", "percent free").await;
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", stage.data().join("portolan.db").display());
    let mut raw = <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.expect("a connection");
    // Somebody changes the ledger behind our back: a delivery vanishes, and resources that nobody could apply appear.
    raw.execute("PRAGMA foreign_keys = OFF").await.expect("switched off");
    raw.execute("DELETE FROM delivery WHERE delivery_id = (SELECT MIN(delivery_id) FROM delivery)")
        .await
        .expect("gone");
    raised(&mail, &stage, "balance", "The history knows 2 deliveries, the ledger has 1").await;
    raw.execute(
        "INSERT INTO resource_version (resource_version_id, resource_id, version, body, actor, created_at)
         SELECT resource_id || '/x', resource_id, version + 1, '{\"transport\": \"pigeon\"}', 'nobody', created_at
         FROM resource WHERE resource_id = 'channel/lamps-out'",
    )
    .await
    .expect("added");
    raw.execute("UPDATE resource SET version = version + 1 WHERE resource_id = 'channel/lamps-out'")
        .await
        .expect("done");
    raised(&mail, &stage, "trouble", "RESOURCES: ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_end_are_offered_or_guessed() {
    let mail = MailServer::plain();
    let stage = Stage::bare(&sections(&mail, "")).await;
    stage.done(&["secret", "set", "lamps-key"], &LAMPS.key_pem);
    let days = |days: u64| {
        let (name, lasts) = (format!("own-{days}"), days.to_string());
        stage.done(&["certificate", "new", &name, "--common-name", "Lamps", "--ec", "--days", &lasts, "--apply"], "");
    };
    days(20);
    days(2);
    let channel = |name: &str, from: &str, key: &str| {
        format!(
            "---\nkind: channel\nname: {name}\ntransport: as2\nway: in\npartners: [retail]\nallow_networks: [127.0.0.0/8]\n\
             as2: {{ from: {from}, to: \"Light & Lamp\", certificates: [retail], keys: [{key}] }}\n"
        )
    };
    stage.apply(&format!(
        "{NOW}---\nkind: partner\nname: retail\nparty_ids: [\"14:4098765000003\"]\n{}{}{}{}{}",
        certificate("lamps", &LAMPS, "lamps-key"),
        certificate("retail", &RETAIL, ""),
        channel("retail-as2", "RETAIL", "lamps"),
        channel("soon-as2", "SOON", "own-20"),
        channel("now-as2", "NOW", "own-2"),
    ));
    raised(&mail, &stage, "certificate", "Channel soon-as2 has no certificate or key to sign receipt from").await;
    raised(&mail, &stage, "certificate-soon", "own-2 ends then").await;
    Sending { signer: Some(&STRANGER), ..USUAL }.send(&stage).await;
    raised(&mail, &stage, "offered", "1 certificate of retail over channel retail-as2 waits to be accepted or refused")
        .await;
    stage.apply("kind: alert\nname: refused\nwatch: refused\ncount: \"3\"\n");
    for _ in 0..3 {
        Sending { signer: Some(&STRANGER), ..USUAL }.send(&stage).await;
    }
    raised(&mail, &stage, "refused", "of somebody who did not prove who it is").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_ours_that_a_partner_refuses() {
    let (mail, retail) = (MailServer::plain(), Peer::start(&[]).await);
    let stage = Stage::bare(&sections(&mail, "")).await;
    stage.done(&["secret", "set", "lamps-key"], &LAMPS.key_pem);
    stage.apply(&format!(
        "{NOW}---\nkind: partner\nname: retail\nparty_ids: [\"14:4098765000003\"]\n{}{}---\nkind: channel\nname: retail-as2\n\
         transport: as2\nway: in\npartners: [retail]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [retail], keys: [lamps] }}\n---\nkind: channel\n\
         name: retail-out\ntransport: as2\nway: out\npartners: [retail]\nurl: http://127.0.0.1:{}/as2\n\
         allow_networks: [127.0.0.0/8]\n\
         as2: {{ from: \"Light & Lamp\", to: RETAIL, certificates: [retail], keys: [lamps], receipt: none }}\n",
        certificate("lamps", &LAMPS, "lamps-key"),
        certificate("retail", &RETAIL, ""),
        retail.port
    ));
    let to = ["--respond-to", "https://lamps.example/as2", "--json"];
    let told = stage.done(&[&["certificate", "announce", "lamps", "--channel", "retail-out"], &to[..]].concat(), "");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let reference = Reference {
        request: told["request"].as_str().expect("an id").to_owned(),
        issuer: LAMPS.own.certificate.issuer_name(),
        serial: LAMPS.own.certificate.serial_decimal(),
        uses: Vec::new(),
        respond_by: None,
    };
    let refused = exchange::Answer::Rejected("its key is short");
    let answer = exchange::response("RETAIL", &reference, refused, SystemClock.now(), "b");
    send_content(&stage, "<9@test>", &answer.content_type, &answer.bytes).await;
    let wanted = "1 certificate of ours of retail over channel retail-out was announced and is not accepted";
    raised(&mail, &stage, "announced", wanted).await;
    assert!(stage.done(&["certificate", "list", "--announced"], "").contains("rejected: its key is short"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_looked_at() {
    let (mail, folder) = (MailServer::plain(), tempfile::tempdir().expect("a folder"));
    let (root, inside) = (folder.path().display().to_string(), folder.path().join("in"));
    std::fs::create_dir(&inside).expect("made");
    let stage = Stage::bare(&sections(&mail, &format!("[folder]\nroots = [\"{root}\"]"))).await;
    stage.apply(&format!(
        "{NOW}---\nkind: alert\nname: pickup\nwatch: pickup\nminutes: \"0\"\n---\n\
         kind: partner\nname: northstores\nparty_ids: [ZZ:NORTHSTORES]\n---\n\
         kind: channel\nname: folder-in\ntransport: folder\nway: in\npartners: [northstores]\nfolder: {}\n\
         pickup: {{ every_seconds: \"1\", then: delete }}\n",
        inside.display()
    ));
    std::fs::remove_dir(&inside).expect("gone");
    raised(&mail, &stage, "pickup", "The folder of channel folder-in cannot be looked at since").await;
    // There again it is over by itself.
    std::fs::create_dir(&inside).expect("made");
    mail.mail(&stage, "the end", |one| one.text().contains("OVER  pickup")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paused_for_long_and_keeps_others_from_crying_wolf() {
    let mail = MailServer::plain();
    let (stage, _retailer, supplier) = stage(&mail, "").await;
    stage.apply(&format!(
        "{NOW}---\nkind: alert\nname: paused\nwatch: paused\nminutes: \"0\"\ncodes: [\"channel/*\"]\n---\n\
         kind: alert\nname: retrying\nwatch: retrying\nminutes: \"0\"\n---\n\
         kind: alert\nname: backlog\nwatch: backlog\nminutes: \"0\"\ncodes: [deliver]\n"
    ));
    stage.done(&["pause", "channel", "lamps-out"], "");
    stage.send(order("P-1", 1)).await;
    raised(&mail, &stage, "paused", "The channel lamps-out is paused since").await;
    let waits = || async { (stage.list("/api/v1/pauses").await[0]["deliveries"] == 1).then_some(()) };
    stage.until("it waits", waits).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for alert in ["backlog", "retrying"] {
        let standing = stage.list(&format!("/api/v1/alarms?alert={alert}&standing=true")).await;
        assert!(standing.is_empty(), "{standing:?}");
    }
    assert!(supplier.orders().is_empty());
    stage.done(&["resume", "channel", "lamps-out"], "");
    let over = || async { stage.list("/api/v1/alarms?alert=paused&standing=true").await.is_empty().then_some(()) };
    stage.until("it is over", over).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guessed_and_is_not_heard_is_told_and_can_be_lifted() {
    let mail = MailServer::plain();
    let (stage, _, _) = stage(&mail, "").await;
    stage.apply(&format!(
        "{NOW}---\nkind: mailbox\nname: northstores\n---\nkind: channel\nname: by-mailbox\ntransport: sftp\nway: in\n\
         mailbox: northstores\npartners: [northstores]\n"
    ));
    assert_eq!(stage.done(&["mailbox", "bans"], ""), "nobody is banned\n");
    let heard = async || {
        let url = format!("{}/mailbox/northstores/in", stage.partner);
        stage.client.get(&url).bearer_auth("ptl_0000").send().await.expect("an answer").status().as_u16()
    };
    for _ in 0..ADDRESS_FAILURES_MAX {
        assert_eq!(heard().await, 401);
    }
    assert_eq!(heard().await, 429);
    raised(&mail, &stage, "barred", "The address 127.0.0.1 is not heard until").await;
    let (listed, status) = (stage.done(&["mailbox", "bans"], ""), stage.done(&["status"], ""));
    assert!(listed.starts_with("address 127.0.0.1 from "), "{listed}");
    assert!(status.contains("not heard      address 127.0.0.1 from "), "{status}");
    assert_eq!(stage.cli(&["mailbox", "unban", "192.0.2.1"], "").status.code(), Some(4));
    assert_eq!(stage.done(&["mailbox", "unban", "127.0.0.1"], ""), "127.0.0.1 is heard again\n");
    assert_eq!(heard().await, 401);
    assert_eq!(stage.done(&["mailbox", "bans"], ""), "nobody is banned\n");
    mail.mail(&stage, "the end", |one| one.text().contains("OVER  Somebody guessed")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_takes_no_traces_is_told() {
    let (mail, collector) = (MailServer::plain(), Peer::start(&vec![Answer::Status(503); 4]).await);
    let more = format!("[telemetry]\nendpoint = \"http://127.0.0.1:{}\"", collector.port);
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, &format!("{}{more}\n", sections(&mail, ""))).await;
    stage.apply(&format!(
        "{NOW}---\nkind: alert\nname: collector\nwatch: collector\nminutes: \"0\"\nseverity: warning\n"
    ));
    stage.send(order("T-1", 1)).await;
    raised(&mail, &stage, "collector", "The collector of [telemetry] takes no traces since").await;
    assert!(stage.done(&["status"], "").contains("not traced     the collector takes no traces since"));
    // It takes them again, and the alarm is over by itself.
    mail.mail(&stage, "the end", |one| one.text().contains("OVER  collector")).await;
    assert!(!stage.done(&["status"], "").contains("not traced"));
}
