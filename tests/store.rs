//! The ledger's contract, through its public functions only: whatever database lies beneath must pass it. Each test runs
//! on every database; the list is at the end.

#[path = "store/alarm.rs"]
mod alarm;
#[path = "store/anew.rs"]
mod anew;
#[path = "store/announced.rs"]
mod announced;
#[path = "store/as2.rs"]
mod as2;
mod backend;
#[path = "store/bulk.rs"]
mod bulk;
#[path = "store/call.rs"]
mod call;
#[path = "store/delta.rs"]
mod delta;
mod dice;
#[path = "store/lane.rs"]
mod lane;
#[path = "store/mailbox.rs"]
mod mailbox;
#[path = "store/matching.rs"]
mod matching;
#[path = "store/offered.rs"]
mod offered;
#[path = "store/overtaken.rs"]
mod overtaken;
#[path = "store/pause.rs"]
mod pause;
#[path = "store/retention.rs"]
mod retention;
#[path = "store/schedule.rs"]
mod schedule;
#[path = "store/telemetry.rs"]
mod telemetry;
#[path = "store/webhook.rs"]
mod webhook;

use anew::jobs_that_vanished_are_made_anew_where_they_stood;
use announced::announced_certificates_that_nobody_accepts_are_found;
use backend::{Ground, store_at};
use bulk::{
    a_doubt_is_told_of_each, a_lost_attempt_stays_a_doubt, a_nul_in_what_a_caller_names_stops_no_act,
    an_act_over_many_is_done_once_and_each_of_it_is_audited, an_act_that_ended_long_ago_is_forgotten,
    err_what_changed_since_the_plan_is_left_alone, err_what_was_resubmitted_is_not_cancelled,
    what_is_one_cause_is_found_and_what_was_resubmitted_is_not,
};
use lane::{
    a_lane_keeps_its_order_through_a_pause_an_act_over_many_and_a_window,
    lanes_keep_their_order_under_random_interleavings, one_parked_stops_its_lane_until_it_is_taken_out_or_sent_anew,
    urgent_ones_are_found_first_and_a_backlog_keeps_no_other_back,
    what_came_first_goes_first_though_it_is_translated_last, what_is_leased_and_then_preceded_waits_for_its_turn,
    what_is_paused_or_came_over_another_channel_stops_no_lane, what_is_under_way_is_found_behind_any_number_of_others,
};
use offered::offered_certificates_are_few_on_each_channel;
use portolan::clock::Timestamp;
use portolan::id::SystemRandom;
use portolan::store::ack::{AckFilter, AckLevel, AckState, Faults, Incoming, NamedDocument, NewExpectation, Said};
use portolan::store::claim::NewClaim;
use portolan::store::commit::deliver::{AttemptEnd, AttemptFacts};
use portolan::store::commit::receive::Reception;
use portolan::store::commit::translate::{End, NewOutput, Slice};
use portolan::store::delivery::{DeliveryFilter, DeliveryState, NewDelivery, Turn};
use portolan::store::document::{DocumentFilter, NewDocument, Processing};
use portolan::store::interchange::NewInterchange;
use portolan::store::job::{DueDelivery, Job, JobKind, LEASE};
use portolan::store::refusal::STRANGERS_KEPT_MAX;
use portolan::store::resource::ResourceChange;
use portolan::store::transmission::{NewTransmission, TransmissionFilter, TransmissionState};
use portolan::store::{Actor, Direction, INLINE_BYTES_MAX, MasterKey, Page, Reconciliation, Store, StoreError};
use schedule::{
    a_schedule_is_followed_until_a_time, an_unchanged_file_has_a_row_and_no_transmission,
    what_waits_for_a_window_is_looked_at_when_windows_change,
};
use serde_json::json;
use sqlx::Connection as _;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("an instant")
}

async fn open(ground: &Ground) -> (Store, Reconciliation) {
    store_at(ground, at(0)).await
}

async fn fresh(ground: &Ground) -> Store {
    open(ground).await.0
}

fn claim(key: &str, answer: &str) -> NewClaim {
    NewClaim { scope: "in".into(), key: key.into(), answer_status: 202, answer_body: answer.into() }
}

async fn transmission(store: &Store, direction: Direction, bytes: &[u8]) -> NewTransmission {
    NewTransmission {
        transmission_id: store.new_id("tra", at(0)),
        direction,
        channel: "in".into(),
        partner: Some("acme".into()),
        environment: None,
        content: store.content(bytes, at(0)).await.expect("content"),
        content_type: "application/edi-x12".into(),
        file_name: None,
        headers: json!({}),
    }
}

async fn receive(store: &Store, bytes: &[u8], key: Option<NewClaim>) -> (String, Reception) {
    let new = transmission(store, Direction::In, bytes).await;
    let id = new.transmission_id.clone();
    (id, store.receive(new, key, &Actor::system(), at(0)).await.expect("a reception"))
}

async fn lease(store: &Store, kind: JobKind, now: Timestamp) -> Option<Job> {
    store.lease(kind, 1, &[], now).await.expect("a look at the jobs").pop()
}

/// The deliveries that are due, of each queue so many.
async fn due(store: &Store, each: u32, at_work: &[String], now: Timestamp) -> Vec<DueDelivery> {
    let queues = store.due_queues(now).await.expect("queues");
    store.due_deliveries(&queues, each, at_work, now).await.expect("a look")
}

fn interchange(store: &Store, direction: Direction, control_number: &str, key: Option<&str>) -> NewInterchange {
    NewInterchange {
        interchange_id: store.new_id("int", at(0)),
        number: 1,
        direction,
        format: "x12".into(),
        sender: "ZZ:US".into(),
        receiver: "ZZ:ACME".into(),
        control_number: control_number.into(),
        environment: "production".into(),
        digest: "d".into(),
        document_count: 1,
        business_key: key.map(str::to_owned),
        was_seen: true,
        remembered_since: None,
        report: json!([]),
    }
}

fn document(store: &Store, direction: Direction, number: u32, interchange: &NewInterchange) -> NewDocument {
    NewDocument {
        document_id: store.new_id("doc", at(0)),
        interchange_id: Some(interchange.interchange_id.clone()),
        direction,
        number,
        standard: "x12".into(),
        version: "004010".into(),
        kind: "850".into(),
        control_number: format!("{number:04}"),
        group_control_number: Some(interchange.control_number.clone()),
        business_number: Some("4711".into()),
        sender: interchange.sender.clone(),
        receiver: interchange.receiver.clone(),
        partner: Some("acme".into()),
        agreement: Some("orders".into()),
        environment: "production".into(),
        is_acknowledgment: false,
        processing: (direction == Direction::In).then_some(Processing::Routed),
        code: None,
        reason: None,
        report: json!([]),
        offset: 0,
        length: 10,
        entity: None,
        made_from: Vec::new(),
    }
}

fn end(state: TransmissionState) -> Option<End> {
    Some(End { state, code: None, reason: None, duplicate_of: None, partner: None, environment: None })
}

/// One outgoing transmission with a document made from `source`, awaiting a functional acknowledgment.
async fn output(store: &Store, control_number: &str, source: Option<&str>) -> NewOutput {
    let transmission = transmission(store, Direction::Out, b"wire").await;
    let interchange = interchange(store, Direction::Out, control_number, None);
    let mut document = document(store, Direction::Out, 1, &interchange);
    document.made_from = source.map(str::to_owned).into_iter().collect();
    let delivery_id = store.new_id("del", at(0));
    let expectation = NewExpectation {
        document_id: document.document_id.clone(),
        level: AckLevel::Functional,
        kind: "997".into(),
        partner: Some("acme".into()),
        sender: "ZZ:US".into(),
        receiver: "ZZ:ACME".into(),
        interchange_control_number: control_number.into(),
        group_control_number: Some(control_number.into()),
        document_control_number: "0001".into(),
        within_minutes: 60,
        calendar: None,
    };
    NewOutput {
        transmission,
        interchange,
        documents: vec![document],
        delivery: NewDelivery {
            delivery_id: delivery_id.clone(),
            channel: "out".into(),
            partner: Some("acme".into()),
            agreement: Some("orders".into()),
            key: delivery_id,
            on_uncertain: "repeat".into(),
            turn: Turn::default(),
        },
        expectations: vec![expectation],
        answers: Vec::new(),
    }
}

/// Receives, translates into one output, and returns (in document, out document, delivery).
async fn translated(store: &Store, control_number: &str) -> (String, String, String) {
    translated_at(store, control_number, at(1)).await
}

async fn translated_at(store: &Store, control_number: &str, now: Timestamp) -> (String, String, String) {
    translated_as(store, control_number, now, ("850", "production")).await
}

/// The same; what goes out is of this type and environment.
async fn translated_as(
    store: &Store,
    control_number: &str,
    now: Timestamp,
    (kind, environment): (&str, &str),
) -> (String, String, String) {
    let (_, reception) = receive(store, control_number.as_bytes(), None).await;
    assert_eq!(reception, Reception::New);
    let job = lease(store, JobKind::Translate, now).await.expect("a job");
    let came = interchange(store, Direction::In, control_number, None);
    let source = document(store, Direction::In, 1, &came);
    let source_id = source.document_id.clone();
    let mut output = output(store, control_number, Some(&source_id)).await;
    output.documents[0].kind = kind.to_owned();
    output.documents[0].environment = environment.to_owned();
    let ids = (source_id, output.documents[0].document_id.clone(), output.delivery.delivery_id.clone());
    let slice = Slice {
        interchanges: vec![came],
        documents: vec![source],
        outputs: vec![output],
        end: end(TransmissionState::Split),
        ..Slice::default()
    };
    store.translate(&job, slice, &Actor::system(), now).await.expect("a commit");
    ids
}

async fn a_reception_is_there_after_it_was_answered_even_without_a_clean_stop(ground: Ground) {
    let store = fresh(&ground).await;
    let (id, reception) = receive(&store, b"ISA", None).await;
    assert_eq!(reception, Reception::New);
    let left = ground.as_after_a_crash().await;
    let (again, _) = open(&left).await;
    let found = again.transmission(&id).await.expect("the transmission");
    assert_eq!(found.state, "stored");
    assert_eq!(again.read_payload(&found.payload_id).await.expect("bytes"), b"ISA");
    assert!(lease(&again, JobKind::Translate, at(1)).await.is_some(), "its job is there too");
}

async fn two_with_one_key_make_one_transmission(ground: Ground) {
    let store = fresh(&ground).await;
    let one = receive(&store, b"same", Some(claim("k1", "first")));
    let other = receive(&store, b"same", Some(claim("k1", "second")));
    let ((id, one), (_, other)) = tokio::join!(one, other);
    assert_eq!(one, Reception::New);
    assert_eq!(other, Reception::Replay { transmission_id: id.clone(), status: 202, body: b"first".to_vec() });
    let (_, third) = receive(&store, b"other", Some(claim("k1", "third"))).await;
    assert_eq!(third, Reception::Conflict { transmission_id: id });
    let all = store.transmissions(&TransmissionFilter::default(), &Page::default()).await.expect("a list");
    assert_eq!(all.len(), 1);
}

async fn many_at_once_are_all_kept(ground: Ground) {
    let store = fresh(&ground).await;
    let tasks = (0..200u32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { receive(&store, &number.to_be_bytes(), Some(claim(&number.to_string(), ""))).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.expect("a task").1, Reception::New);
    }
    let balances = store.balances().await.expect("counts");
    assert_eq!((balances[0].total, balances[0].terms["open"], balances[0].holds), (200, 200, true));
}

async fn large_bodies_are_files_and_nothing_lies_open(ground: Ground) {
    let store = fresh(&ground).await;
    let secret = b"ISA*00*very recognisable order 4711*".repeat(20_000);
    assert!(secret.len() > INLINE_BYTES_MAX);
    let (id, _) = receive(&store, &secret, None).await;
    let (small, _) = receive(&store, b"a small very recognisable order", None).await;
    store.set_secret("password", b"very recognisable", &Actor::system(), at(0)).await.expect("set");
    let found = store.transmission(&id).await.expect("the transmission");
    let mut reader = store.open_payload(&found.payload_id).await.expect("a reader");
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).expect("bytes");
    assert!(bytes == secret);
    assert_eq!(store.secret("password").await.expect("the secret"), b"very recognisable");
    store.transmission(&small).await.expect("the small one");
    let query = "SELECT sealed FROM payload WHERE sealed IS NOT NULL UNION ALL SELECT sealed FROM secret";
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(query).fetch_all(&mut ground.raw().await).await.expect("rows");
    assert!(rows.len() == 2 && !rows.iter().any(|row| row.windows(17).any(|part| part == b"very recognisable")));
    store.close().await;
    let mut open = vec![ground.path().to_owned()];
    let mut files = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        files += 1;
        assert!(!bytes.windows(17).any(|part| part == b"very recognisable"), "{} is readable", path.display());
    }
    assert!(files >= 3, "key, lock and a payload");
}

async fn a_spool_refuses_what_passes_its_limit_and_leaves_nothing(ground: Ground) {
    let store = fresh(&ground).await;
    let mut spool = store.spool(400_000, at(0));
    spool.write(&vec![1; 300_000]).expect("within the limit");
    assert!(matches!(spool.write(&vec![1; 100_001]), Err(StoreError::Limit(_))));
    drop(spool);
    let left = std::fs::read_dir(ground.path().join("temporary")).expect("a folder").count();
    assert_eq!(left, 0);
}

async fn what_cannot_be_kept_leaves_no_file(ground: Ground) {
    let store = fresh(&ground).await;
    let payloads = ground.path().join("payload");
    let moved = ground.path().join("elsewhere");
    let mut spool = store.spool(u64::MAX, at(0));
    spool.write(&vec![1; INLINE_BYTES_MAX + 1]).expect("there is room");
    std::fs::rename(&payloads, &moved).expect("renamed");
    assert!(spool.finish().await.is_err(), "there is no folder for it");
    std::fs::rename(&moved, &payloads).expect("renamed");
    let files = |folder: &str| std::fs::read_dir(ground.path().join(folder)).expect("a folder").count();
    assert_eq!((files("temporary"), files("payload")), (0, 0), "nothing waits for the next start");
    // One that turns out to be unwanted.
    let content = store.content(&vec![1; INLINE_BYTES_MAX + 1], at(0)).await.expect("kept");
    assert_eq!(files("payload"), 1);
    drop(content.unkept());
    assert_eq!(files("payload"), 0);
}

async fn stretches_of_a_large_payload_are_read_from_where_they_begin(ground: Ground) {
    const BLOCK: usize = 64 * 1024;
    let store = fresh(&ground).await;
    for size in [1000, INLINE_BYTES_MAX + 1, 40 * BLOCK, 40 * BLOCK + 5] {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let (id, _) = receive(&store, &bytes, None).await;
        let payload_id = store.transmission(&id).await.expect("the transmission").payload_id;
        let source = store.payload_source(&payload_id).await.expect("a source");
        let is_file = size > INLINE_BYTES_MAX;
        let mut blocks = 0;
        for start in (0..size).step_by(1000.max(size / 100)).chain([size - 1, size, size + BLOCK]) {
            let mut reader = source.open_at(start as u64).expect("it is opened");
            let mut found = Vec::new();
            reader.by_ref().take(100).read_to_end(&mut found).expect("bytes");
            assert!(found == bytes[start.min(size)..size.min(start + 100)], "{size} from {start}");
            assert!(reader.blocks() <= 2, "{} blocks for 100 bytes from {start}", reader.blocks());
            blocks += reader.blocks();
        }
        assert_eq!(blocks > 0, is_file, "what stands in the database has none");
        let mut reader = source.open_at(5).expect("it is opened");
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).expect("bytes");
        assert!(rest == bytes[5..], "{size}");
        // Back and forth, and from the begin on with the digest again.
        for start in [size / 2, 3, 0] {
            let mut found = Vec::new();
            reader.go_to(start as u64).expect("there");
            reader.read_to_end(&mut found).expect("bytes");
            assert!(found == bytes[start..], "{size} from {start}");
        }
        if is_file {
            let file = ground.path().join("payload").join(&payload_id);
            let mut sealed = std::fs::read(&file).expect("a file");
            let last = sealed.len() - 1;
            sealed[last] ^= 1;
            std::fs::write(&file, &sealed).expect("written");
            assert!(source.open_at(0).expect("its begin").read_to_end(&mut Vec::new()).is_err());
            let from_the_last = source.open_at(size as u64 - 1).and_then(|mut one| one.read_to_end(&mut Vec::new()));
            assert!(from_the_last.is_err(), "what was changed is no stretch of it");
            std::fs::write(&file, &sealed[..sealed.len() / 2]).expect("written");
            let behind = source.open_at(size as u64 - 1).err().expect("it is cut").to_string();
            assert!(behind.contains("its file ends before"), "{behind}");
        }
    }
}

async fn what_comes_together_is_answered_each_for_itself(ground: Ground) {
    let (store, _) = open(&ground).await;
    let (first, _) = receive(&store, b"first", Some(claim("k0", "first"))).await;
    // More than a statement has rows; among those that are new: the same again, other bytes under its key, and two of one.
    let mut running = tokio::task::JoinSet::new();
    for number in 0..100_u32 {
        let store = store.clone();
        running.spawn(async move {
            let (key, bytes) = match number {
                40 => ("k0".to_owned(), "first".to_owned()),
                41 => ("k0".to_owned(), "other".to_owned()),
                42 | 43 => ("twin".to_owned(), "twin".to_owned()),
                _ => (format!("k{}", number + 1), format!("bytes {number}")),
            };
            (number, receive(&store, bytes.as_bytes(), Some(claim(&key, &key))).await.1)
        });
    }
    let mut answers: Vec<_> = running.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    let answers: Vec<_> = answers.into_iter().map(|(_, answer)| answer).collect();
    let replay = Reception::Replay { transmission_id: first.clone(), status: 202, body: b"first".to_vec() };
    assert_eq!((&answers[40], &answers[41]), (&replay, &Reception::Conflict { transmission_id: first }));
    let twins = [&answers[42], &answers[43]].map(|one| *one == Reception::New);
    assert!(twins == [true, false] || twins == [false, true], "{:?} {:?}", answers[42], answers[43]);
    assert_eq!(answers.iter().filter(|one| **one == Reception::New).count(), 97);
    let sums = store.balances().await.expect("sums");
    assert!(sums.iter().all(|sum| sum.holds), "{sums:?}");
    assert_eq!(store.lease(JobKind::Translate, 200, &[], at(1)).await.expect("jobs").len(), 98);
    assert_eq!(store.verify_events().await.expect("a look"), Vec::<String>::new());
}

async fn a_full_channel_keeps_no_other_from_going(ground: Ground) {
    let (store, _) = open(&ground).await;
    for number in 0..6 {
        translated(&store, &format!("{number}")).await;
    }
    let lease = async |full: &[&str], count: u32| {
        let mut queues = store.due_queues(at(2)).await.expect("queues");
        queues.retain(|queue| !full.contains(&queue.channel.as_str()));
        let due = store.due_deliveries(&queues, count, &[], at(2)).await.expect("a look");
        let leased = store.lease_deliveries(due, at(2)).await.expect("leases");
        leased.into_iter().map(|(_, due)| due.channel).collect::<Vec<_>>()
    };
    assert_eq!(lease(&["out", "else"], 16).await.len(), 0, "full");
    assert_eq!(lease(&["else"], 1).await, ["out"]);
    assert_eq!(lease(&[], 4).await, ["out"; 4]);
    assert_eq!(lease(&[], 4).await, ["out"]);
    assert_eq!(lease(&[], 16).await.len(), 0, "all are leased");
}

async fn changed_bytes_and_a_foreign_key_are_noticed(ground: Ground) {
    let store = fresh(&ground).await;
    let (id, _) = receive(&store, &vec![7; INLINE_BYTES_MAX + 1], None).await;
    let payload_id = store.transmission(&id).await.expect("it").payload_id;
    let file = ground.path().join("payload").join(&payload_id);
    let mut bytes = std::fs::read(&file).expect("a file");
    bytes[100_000] ^= 1;
    std::fs::write(&file, bytes).expect("a changed file");
    assert!(matches!(store.read_payload(&payload_id).await, Err(StoreError::Damaged(_))));
    let other = MasterKey::from_bytes(&[1; 32]).expect("a key");
    assert!(other.open_all("x", &[0; 200]).is_err());
}

async fn a_second_process_is_kept_out_and_a_reader_let_in(ground: Ground) {
    let store = fresh(&ground).await;
    let second = Store::open(ground.path(), ground.database(), Arc::new(SystemRandom), "b", at(0)).await;
    assert!(matches!(second.err(), Some(StoreError::InUse(_))));
    let (id, _) = receive(&store, b"x", None).await;
    let looking = Store::look(ground.path(), ground.database(), Arc::new(SystemRandom)).await.expect("a reader");
    assert_eq!(looking.transmission(&id).await.expect("it").state, "stored");
    let refused = looking.set_secret("a", b"b", &Actor::system(), at(0)).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)));
}

async fn a_lost_lease_changes_nothing_and_twice_lost_is_poison(ground: Ground) {
    let store = fresh(&ground).await;
    let (id, _) = receive(&store, b"x", None).await;
    let first = lease(&store, JobKind::Translate, at(0)).await.expect("a job");
    assert!(lease(&store, JobKind::Translate, at(30)).await.is_none(), "leased");
    store.heartbeat(&first, at(30)).await.expect("still ours");
    let later = at(31) + LEASE;
    let second = lease(&store, JobKind::Translate, later).await.expect("the lease ran out");
    assert_eq!((second.losses, second.is_poison()), (1, false));
    let slice = Slice { end: end(TransmissionState::Split), ..Slice::default() };
    let done = store.translate(&first, slice, &Actor::system(), later).await;
    assert!(matches!(done, Err(StoreError::LeaseLost(_))));
    assert!(matches!(store.heartbeat(&first, later).await, Err(StoreError::LeaseLost(_))));
    assert_eq!(store.transmission(&id).await.expect("it").state, "stored", "nothing was changed");
    let third = lease(&store, JobKind::Translate, later + LEASE + Duration::from_secs(1)).await.expect("again");
    assert!(third.is_poison());
}

/// Two that are equal are judged at once: who commits second is judged anew, and nothing of it is written.
async fn err_an_interchange_that_was_overtaken_is_not_written(ground: Ground) {
    let store = fresh(&ground).await;
    let mut jobs = Vec::new();
    for bytes in [&b"ISA1"[..], b"ISA2"] {
        receive(&store, bytes, None).await;
        jobs.push(lease(&store, JobKind::Translate, at(1)).await.expect("a job"));
    }
    let slice = |was_seen| {
        let came = NewInterchange { was_seen, ..interchange(&store, Direction::In, "1", Some("key")) };
        let documents = vec![document(&store, Direction::In, 1, &came)];
        Slice { interchanges: vec![came], documents, ..Slice::default() }
    };
    store.translate(&jobs[0], slice(false), &Actor::system(), at(2)).await.expect("the first");
    let second = store.translate(&jobs[1], slice(false), &Actor::system(), at(2)).await;
    let Err(StoreError::Overtaken { transmission, by }) = second else { panic!("{second:?}") };
    assert_eq!((&transmission, &by), (&jobs[1].subject, &jobs[0].subject));
    assert_eq!(store.interchanges(&transmission).await.expect("a look"), []);
    store.translate(&jobs[1], slice(true), &Actor::system(), at(3)).await.expect("judged anew");
    let second = &store.interchanges(&transmission).await.expect("a look")[0];
    let first = &store.interchanges(&by).await.expect("a look")[0];
    assert_eq!(second.duplicate_of.as_ref(), Some(&first.interchange_id));
}

async fn slices_keep_their_cursor_and_the_last_one_ends(ground: Ground) {
    let store = fresh(&ground).await;
    let (id, _) = receive(&store, b"x", None).await;
    let job = lease(&store, JobKind::Translate, at(0)).await.expect("a job");
    let came = interchange(&store, Direction::In, "7", None);
    let documents = vec![document(&store, Direction::In, 1, &came)];
    let next = document(&store, Direction::In, 2, &came);
    let slice = Slice { interchanges: vec![came], documents, cursor: Some("1".into()), ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), at(1)).await.expect("the first slice");
    let job = lease(&store, JobKind::Translate, at(2) + LEASE).await.expect("after a crash");
    assert_eq!(job.cursor.as_deref(), Some("1"));
    let slice = Slice { documents: vec![next], end: end(TransmissionState::Split), ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), at(3)).await.expect("the last slice");
    assert_eq!(store.transmission(&id).await.expect("it").state, "split");
    assert!(lease(&store, JobKind::Translate, at(9999)).await.is_none(), "the job is done");
    let filter = DocumentFilter { transmission_id: Some(id), ..DocumentFilter::default() };
    assert_eq!(store.documents(&filter, &Page::default()).await.expect("documents").len(), 2);
}

async fn a_delivery_goes_its_way_and_its_documents_follow(ground: Ground) {
    let store = fresh(&ground).await;
    let (source, made, delivery_id) = translated(&store, "1").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a delivery");
    let delivery = store.deliver_sending(&job, "http://acme", at(2)).await.expect("sending");
    assert_eq!((delivery.key.as_str(), delivery.attempts), (delivery_id.as_str(), 1));
    assert_eq!(store.document(&source).await.expect("it").delivery.as_deref(), Some("sending"));
    let facts = AttemptFacts {
        status: Some(503),
        code: Some("HTTP-503".into()),
        detail: Some("busy".into()),
        ..AttemptFacts::default()
    };
    store.deliver_result(&job, AttemptEnd::Retry(at(12)), facts, at(3)).await.expect("a result");
    assert_eq!(store.document(&made).await.expect("it").delivery.as_deref(), Some("retry_wait"));
    assert!(lease(&store, JobKind::Deliver, at(11)).await.is_none(), "not yet");
    let job = lease(&store, JobKind::Deliver, at(12)).await.expect("due again");
    let again = store.deliver_sending(&job, "http://acme", at(12)).await.expect("sending");
    assert_eq!((again.key, again.attempts), (delivery.key, 2), "the same key");
    store.deliver_result(&job, AttemptEnd::Delivered, AttemptFacts::default(), at(13)).await.expect("a result");
    assert_eq!(store.document(&source).await.expect("it").delivery.as_deref(), Some("delivered"));
    let attempts = store.attempts(&delivery_id).await.expect("attempts");
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.as_deref()).collect();
    assert_eq!(outcomes, [Some("retry_wait"), Some("delivered")]);
    assert_eq!(attempts[0].status, Some(503));
    assert!(lease(&store, JobKind::Deliver, at(99_999)).await.is_none());
}

async fn only_lawful_steps_are_taken(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, delivery_id) = translated(&store, "1").await;
    let actor = Actor("user:ann".into());
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a delivery");
    let done = store.deliver_result(&job, AttemptEnd::Delivered, AttemptFacts::default(), at(2)).await;
    assert!(matches!(done, Err(StoreError::WrongState { .. })), "nothing was sent yet");
    assert!(matches!(store.resubmit(&delivery_id, &actor, at(2)).await, Err(StoreError::WrongState { .. })));
    store.deliver_sending(&job, "x", at(2)).await.expect("sending");
    let held = store.steer_delivery(&delivery_id, DeliveryState::Held, "wait", &actor, at(2)).await;
    assert!(matches!(held, Err(StoreError::WrongState { .. })), "bytes are on their way");
    store.deliver_result(&job, AttemptEnd::Park, AttemptFacts::default(), at(3)).await.expect("parked");
    let new = store.resubmit(&delivery_id, &actor, at(4)).await.expect("a new delivery");
    assert!(matches!(store.resubmit(&delivery_id, &actor, at(4)).await, Err(StoreError::Conflict(_))), "once");
    let found = store.delivery(&new).await.expect("it");
    assert_eq!((found.state.as_str(), found.resubmit_of.as_deref()), ("ready", Some(delivery_id.as_str())));
    assert_ne!(found.key, delivery_id, "a new key");
    store.steer_delivery(&new, DeliveryState::Held, "wait", &actor, at(5)).await.expect("held");
    assert!(lease(&store, JobKind::Deliver, at(99)).await.is_none(), "held");
    store.steer_delivery(&new, DeliveryState::Ready, "go", &actor, at(6)).await.expect("released");
    assert!(lease(&store, JobKind::Deliver, at(99)).await.is_some());
    assert_eq!(store.audit(10).await.expect("entries").len(), 3);
    assert_eq!(store.verify_audit().await.expect("a check"), Vec::<String>::new());
}

async fn a_restart_while_sending_is_uncertain_and_goes_again_under_the_same_key(ground: Ground) {
    let store = fresh(&ground).await;
    let (source, _, delivery_id) = translated(&store, "1").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a delivery");
    store.deliver_sending(&job, "x", at(2)).await.expect("sending");
    store.close().await;
    drop(store);
    let (store, found) = open(&ground).await;
    assert_eq!((found.deliveries_uncertain, found.leases_freed), (1, 0));
    assert_eq!(store.document(&source).await.expect("it").delivery.as_deref(), Some("uncertain"));
    let job = lease(&store, JobKind::Deliver, at(3)).await.expect("again");
    let again = store.deliver_sending(&job, "x", at(3)).await.expect("sending");
    assert_eq!((again.key, again.attempts), (delivery_id, 2));
}

async fn a_restart_after_the_clock_was_set_back_goes_on_where_the_ledger_ended(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, delivery_id) = translated(&store, "1").await;
    store.close().await;
    drop(store);
    let day = Duration::from_secs(24 * 3600);
    // An hour is made up for; who sets a clock back by more than a day is believed.
    for (sent, started, goes_on) in [(at(2), at(2 - 3600), at(2)), (at(3), at(2) - day, at(2) - day)] {
        let store = store_at(&ground, sent).await.0;
        let job = lease(&store, JobKind::Deliver, sent).await.expect("a delivery");
        store.deliver_sending(&job, "x", sent).await.expect("sending");
        store.close().await;
        drop(store);
        let (store, _) = store_at(&ground, started).await;
        let transmission_id = store.delivery(&delivery_id).await.expect("it").transmission_id;
        let events = store.events(&transmission_id).await.expect("events");
        let doubt = events.iter().rfind(|one| one.to_state.as_deref() == Some("uncertain")).expect("it is in doubt");
        assert_eq!(doubt.at.timestamp(), goes_on);
        store.close().await;
    }
}

async fn an_attempt_whose_end_could_not_be_written_is_uncertain_once_its_lease_runs_out(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, delivery_id) = translated(&store, "1").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a delivery");
    store.deliver_sending(&job, "x", at(2)).await.expect("sending");
    let later = at(3) + LEASE;
    let job = lease(&store, JobKind::Deliver, later).await.expect("again");
    assert_eq!(store.delivery(&delivery_id).await.expect("it").state, "uncertain");
    let again = store.deliver_sending(&job, "x", later).await.expect("sending");
    assert_eq!((again.key, again.attempts), (delivery_id, 2));
}

async fn a_nul_in_a_strangers_value_stops_nothing(ground: Ground) {
    let store = fresh(&ground).await;
    let (id, _) = receive(&store, b"x", None).await;
    let job = lease(&store, JobKind::Translate, at(0)).await.expect("a job");
    let mut came = interchange(&store, Direction::In, "7\0", Some("x12 ZZ:A\0 ZZ:B 7"));
    came.sender = "ZZ:A\0".into();
    let mut source = document(&store, Direction::In, 1, &came);
    source.business_number = Some("47\u{0}11".into());
    let slice = Slice {
        interchanges: vec![came],
        documents: vec![source],
        end: end(TransmissionState::Split),
        ..Slice::default()
    };
    store.translate(&job, slice, &Actor::system(), at(1)).await.expect("a commit");
    assert_eq!(store.transmission(&id).await.expect("it").state, "split");
    let by = |text: &str| DocumentFilter { business_number: Some(text.into()), ..DocumentFilter::default() };
    assert_eq!(store.documents(&by("47\u{0}11"), &Page::default()).await.expect("a list").len(), 1);
    let found = store.interchange_by_key("x12 ZZ:A\0 ZZ:B 7", "d", None).await.expect("a look").expect("it");
    assert_eq!(found.sender, "ZZ:A\u{FFFD}");
}

async fn rejected_in_its_call(store: &Store) -> NewTransmission {
    NewTransmission {
        transmission_id: store.new_id("tra", at(0)),
        direction: Direction::In,
        channel: "in".into(),
        partner: None,
        environment: None,
        content: store.content(b"", at(0)).await.expect("content"),
        content_type: "text/xml".into(),
        file_name: None,
        headers: json!({}),
    }
}

async fn strangers_are_counted_and_only_the_first_are_rows(ground: Ground) {
    let store = fresh(&ground).await;
    let refuse = async |claims: Option<&str>, now: Timestamp| {
        let (new, actor) = (rejected_in_its_call(&store).await, Actor("cxml".into()));
        store.settle_stranger(new, claims, ("CREDENTIALS-REFUSED", "no"), &actor, now).await.expect("a commit")
    };
    for number in 1..=STRANGERS_KEPT_MAX + 20 {
        assert_eq!(refuse(None, at(number)).await, number <= STRANGERS_KEPT_MAX, "{number}");
    }
    assert!(refuse(Some("acme"), at(500)).await, "a partner's own failures are seen beside");
    assert!(refuse(None, at(3600)).await, "and in the next hour a stranger's again");
    let kept = usize::try_from(STRANGERS_KEPT_MAX).expect("few") + 2;
    let filter = TransmissionFilter { state: Some(TransmissionState::Rejected), ..TransmissionFilter::default() };
    assert_eq!(store.transmissions(&filter, &Page::default()).await.expect("a list").len(), kept);
    let told = store.refusals(at(0)).await.expect("counts");
    let told: Vec<_> = told.iter().map(|one| (one.hour.0 / 1_000_000, one.claims.as_str(), one.refused)).collect();
    let hour = at(0).as_second();
    assert_eq!(told, [(hour + 3600, "", 1), (hour, "", STRANGERS_KEPT_MAX + 20), (hour, "acme", 1)]);
    assert!(refuse(None, at(91 * 24 * 3600)).await);
    assert_eq!(store.refusals(at(0)).await.expect("counts").len(), 1, "counts are forgotten some day");
    assert!(store.balances().await.expect("sums").iter().all(|one| one.holds));
}

async fn what_was_settled_in_its_call_is_kept_without_a_job(ground: Ground) {
    let store = fresh(&ground).await;
    let new = rejected_in_its_call(&store).await;
    let (id, actor) = (new.transmission_id.clone(), Actor("cxml".into()));
    let told = ("CREDENTIALS-REFUSED", "no \u{0} such");
    store.settle(new, TransmissionState::Rejected, told, &actor, at(0)).await.expect("a commit");
    let kept = store.transmission(&id).await.expect("it");
    assert_eq!((kept.state.as_str(), kept.code.as_deref()), ("rejected", Some("CREDENTIALS-REFUSED")));
    assert_eq!(kept.size, 0);
    assert!(lease(&store, JobKind::Translate, at(9)).await.is_none());
    assert!(store.balances().await.expect("sums").iter().all(|one| one.holds));
}

async fn numbers_belong_to_their_owner(ground: Ground) {
    let store = fresh(&ground).await;
    let take = |owner: &'static str| store.take_numbers(vec![("isa".into(), 100), ("gs".into(), 1)], owner, at(0));
    assert_eq!(take("a").await.expect("numbers"), [100, 1]);
    assert_eq!(take("b").await.expect("numbers"), [101, 2]);
    assert_eq!(take("a").await.expect("numbers"), [100, 1], "asked again");
    let (one, other) = tokio::join!(take("c"), take("d"));
    assert_ne!(one.expect("numbers"), other.expect("numbers"));
}

async fn a_business_key_is_taken_once_and_what_failed_gives_it_up(ground: Ground) {
    let store = fresh(&ground).await;
    let outcomes = [(Processing::Failed, false), (Processing::Routed, false), (Processing::Duplicate, true)];
    for (round, (processing, is_repeat)) in outcomes.into_iter().enumerate() {
        receive(&store, &[u8::try_from(round).expect("few")], None).await;
        let job = lease(&store, JobKind::Translate, at(1)).await.expect("a job");
        let came = interchange(&store, Direction::In, "1", Some("x12 ZZ:US ZZ:ACME 1"));
        let documents = vec![NewDocument { processing: Some(processing), ..document(&store, Direction::In, 1, &came) }];
        let slice =
            Slice { interchanges: vec![came], documents, end: end(TransmissionState::Split), ..Slice::default() };
        store.translate(&job, slice, &Actor::system(), at(1)).await.expect("a commit");
        let found = store.interchanges(&job.subject).await.expect("rows");
        assert_eq!(found[0].duplicate_of.is_some(), is_repeat, "round {round}");
    }
}

async fn a_content_key_is_forgotten_after_its_window(ground: Ground) {
    let store = fresh(&ground).await;
    let day = 24 * 60 * 60;
    let key = "x12 ZZ:US ZZ:ACME content d";
    for (round, (now, is_repeat)) in [(0, false), (29 * day, true), (31 * day, false)].into_iter().enumerate() {
        receive(&store, &[u8::try_from(round).expect("few")], None).await;
        let job = lease(&store, JobKind::Translate, at(now)).await.expect("a job");
        let since = at((now - 30 * day).max(0));
        let earlier = store.interchange_by_key(key, "d", Some(since)).await.expect("a look");
        assert_eq!(earlier.is_some(), is_repeat, "round {round}");
        let came = interchange(&store, Direction::In, "1", Some(key));
        let came = NewInterchange { remembered_since: Some(since), ..came };
        let documents = vec![document(&store, Direction::In, 1, &came)];
        let slice =
            Slice { interchanges: vec![came], documents, end: end(TransmissionState::Split), ..Slice::default() };
        store.translate(&job, slice, &Actor::system(), at(now)).await.expect("a commit");
        let found = store.interchanges(&job.subject).await.expect("rows");
        assert_eq!(found[0].duplicate_of.is_some(), is_repeat, "round {round}");
    }
}

async fn changed_history_and_deleted_rows_raise_the_alarm(ground: Ground) {
    let store = fresh(&ground).await;
    translated(&store, "1").await;
    translated(&store, "2").await;
    store.set_secret("a", b"b", &Actor::system(), at(3)).await.expect("an audited change");
    assert!(store.anchor(at(60)).await.expect("an anchor") > 0);
    assert_eq!(store.anchor(at(61)).await.expect("nothing grew"), 0);
    assert_eq!(store.verify_events().await.expect("a check"), Vec::<String>::new());
    assert!(store.balances().await.expect("counts").iter().all(|balance| balance.holds));
    store.close().await;
    drop(store);
    let mut raw = ground.raw().await;
    for guarded in [
        "UPDATE event SET kind = 'x' WHERE number = 1",
        "DELETE FROM event WHERE number = 1",
        "UPDATE audit SET actor = 'x' WHERE number = 1",
        "DELETE FROM audit WHERE number = 1",
        "UPDATE anchor SET heads = '' WHERE number = 1",
        "DELETE FROM anchor WHERE number = 1",
    ] {
        assert!(sqlx::query(guarded).execute(&mut raw).await.is_err(), "the database itself refuses {guarded}");
    }
    let mut raw = ground.unguarded().await;
    for statement in [
        "UPDATE event SET cause = 'x' WHERE event_id = (SELECT MIN(event_id) FROM event)",
        "DELETE FROM delivery WHERE delivery_id = (SELECT MIN(delivery_id) FROM delivery)",
    ] {
        sqlx::query(statement).execute(&mut raw).await.expect(statement);
    }
    raw.close().await.expect("closed");
    let (store, _) = open(&ground).await;
    assert_eq!(store.verify_events().await.expect("a check").len(), 1);
    let balances = store.balances().await.expect("counts");
    assert!(!balances[2].holds, "a deleted delivery is missed");
}

async fn resources_have_versions_and_a_stale_plan_is_refused(ground: Ground) {
    let store = fresh(&ground).await;
    let change = |name: &str, body: Option<serde_json::Value>| ResourceChange {
        kind: "partner".into(),
        name: name.into(),
        body,
    };
    let actor = Actor("user:ann".into());
    let revision =
        store.apply(vec![change("acme", Some(json!({ "a": "1" })))], 0, &actor, at(0)).await.expect("applied");
    let stale = store.apply(vec![change("acme", None)], 0, &actor, at(0)).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))));
    store.apply(vec![change("acme", Some(json!({ "a": "2" })))], revision, &actor, at(1)).await.expect("applied");
    let found = store.resources().await.expect("resources");
    assert_eq!((found.len(), found[0].version, &found[0].body), (1, 2, &json!({ "a": "2" })));
    let revision = store.resource_revision().await.expect("a number");
    store.apply(vec![change("acme", None)], revision, &actor, at(2)).await.expect("deleted");
    assert_eq!(store.resources().await.expect("resources"), []);
}

async fn what_is_held_is_looked_at_again_after_an_apply(ground: Ground) {
    let store = fresh(&ground).await;
    let (id, _) = receive(&store, b"x", None).await;
    let job = lease(&store, JobKind::Translate, at(0)).await.expect("a job");
    let slice = Slice { end: end(TransmissionState::Held), ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), at(0)).await.expect("held");
    assert!(lease(&store, JobKind::Translate, at(1)).await.is_none());
    store.apply(Vec::new(), 0, &Actor::system(), at(2)).await.expect("applied");
    assert_eq!(store.transmission(&id).await.expect("it").state, "stored");
    assert!(lease(&store, JobKind::Translate, at(3)).await.is_some());
}

async fn tokens_are_shown_once_and_end(ground: Ground) {
    let store = fresh(&ground).await;
    let actor = Actor("user:ann".into());
    let (token, text) = store.create_token("channel:in", "acme", Some(at(100)), &actor, at(0)).await.expect("a token");
    assert_eq!(store.token(&text, at(1)).await.expect("a look").map(|found| found.scope), Some("channel:in".into()));
    assert_eq!(store.token(&text, at(100)).await.expect("a look"), None, "expired");
    assert_eq!(store.token("ptl_0", at(1)).await.expect("a look"), None);
    store.revoke_token(&token.token_id, &actor, at(2)).await.expect("revoked");
    assert_eq!(store.token(&text, at(3)).await.expect("a look"), None);
    assert!(store.revoke_token(&token.token_id, &actor, at(3)).await.is_err());
}

async fn lists_page_without_gaps_or_repeats(ground: Ground) {
    let store = fresh(&ground).await;
    for number in 0..7u8 {
        receive(&store, &[number], None).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: 3 };
        let rows = store.transmissions(&TransmissionFilter::default(), &page).await.expect("a page");
        let Some(last) = rows.last() else { break };
        after = Some(portolan::store::Cursor { created_at: last.created_at, id: last.transmission_id.clone() });
        seen.extend(rows.into_iter().map(|row| row.transmission_id));
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (7, 7));
    let filter = DeliveryFilter { state: Some(DeliveryState::Ready), ..DeliveryFilter::default() };
    assert_eq!(store.deliveries(&filter, &Page::default()).await.expect("a list"), []);
}

on_every_database![
    a_reception_is_there_after_it_was_answered_even_without_a_clean_stop,
    two_with_one_key_make_one_transmission,
    many_at_once_are_all_kept,
    what_comes_together_is_answered_each_for_itself,
    a_full_channel_keeps_no_other_from_going,
    one_parked_stops_its_lane_until_it_is_taken_out_or_sent_anew,
    a_lane_keeps_its_order_through_a_pause_an_act_over_many_and_a_window,
    what_is_leased_and_then_preceded_waits_for_its_turn,
    what_is_paused_or_came_over_another_channel_stops_no_lane,
    what_is_under_way_is_found_behind_any_number_of_others,
    what_came_first_goes_first_though_it_is_translated_last,
    lanes_keep_their_order_under_random_interleavings,
    urgent_ones_are_found_first_and_a_backlog_keeps_no_other_back,
    large_bodies_are_files_and_nothing_lies_open,
    a_spool_refuses_what_passes_its_limit_and_leaves_nothing,
    what_cannot_be_kept_leaves_no_file,
    stretches_of_a_large_payload_are_read_from_where_they_begin,
    changed_bytes_and_a_foreign_key_are_noticed,
    a_second_process_is_kept_out_and_a_reader_let_in,
    a_lost_lease_changes_nothing_and_twice_lost_is_poison,
    err_an_interchange_that_was_overtaken_is_not_written,
    slices_keep_their_cursor_and_the_last_one_ends,
    a_delivery_goes_its_way_and_its_documents_follow,
    only_lawful_steps_are_taken,
    a_restart_while_sending_is_uncertain_and_goes_again_under_the_same_key,
    a_restart_after_the_clock_was_set_back_goes_on_where_the_ledger_ended,
    an_attempt_whose_end_could_not_be_written_is_uncertain_once_its_lease_runs_out,
    jobs_that_vanished_are_made_anew_where_they_stood,
    a_nul_in_a_strangers_value_stops_nothing,
    numbers_belong_to_their_owner,
    a_business_key_is_taken_once_and_what_failed_gives_it_up,
    strangers_are_counted_and_only_the_first_are_rows,
    what_was_settled_in_its_call_is_kept_without_a_job,
    a_content_key_is_forgotten_after_its_window,
    changed_history_and_deleted_rows_raise_the_alarm,
    resources_have_versions_and_a_stale_plan_is_refused,
    what_is_held_is_looked_at_again_after_an_apply,
    tokens_are_shown_once_and_end,
    announced_certificates_that_nobody_accepts_are_found,
    offered_certificates_are_few_on_each_channel,
    what_waits_for_a_window_is_looked_at_when_windows_change,
    a_schedule_is_followed_until_a_time,
    an_unchanged_file_has_a_row_and_no_transmission,
    lists_page_without_gaps_or_repeats,
    an_act_over_many_is_done_once_and_each_of_it_is_audited,
    what_is_one_cause_is_found_and_what_was_resubmitted_is_not,
    an_act_that_ended_long_ago_is_forgotten,
    a_doubt_is_told_of_each,
    a_nul_in_what_a_caller_names_stops_no_act,
    a_lost_attempt_stays_a_doubt,
    err_what_changed_since_the_plan_is_left_alone,
    err_what_was_resubmitted_is_not_cancelled,
];
