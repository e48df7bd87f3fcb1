//! Deliveries of one lane leave one after the other, in the order of receipt, whatever comes in between; and the queue of one
//! channel is not walked through for another.

use super::*;
use crate::dice::Dice;
use portolan::partner::{Directory, Priority, parse};
use portolan::pipeline::pace::{Pace, Place, Reached};
use portolan::store::bulk::{Action, Object};
use portolan::store::commit::bulk::{NewBulk, NewItem};
use portolan::store::pause::PauseKind;
use std::collections::{BTreeMap, BTreeSet};

/// Receives one, whose document is to go into a lane.
async fn received(store: &Store, number: usize, now: Timestamp) -> String {
    let new = transmission(store, Direction::In, format!("{number}").as_bytes()).await;
    let id = new.transmission_id.clone();
    store.receive(new, None, &Actor::system(), now).await.expect("a reception");
    id
}

/// Translates one into a delivery of a lane.
async fn into_lane(store: &Store, job: &Job, number: usize, turn: (Option<&str>, Priority), now: Timestamp) -> String {
    let control_number = format!("{number}");
    let came = interchange(store, Direction::In, &control_number, None);
    let source = document(store, Direction::In, 1, &came);
    let mut output = output(store, &control_number, Some(&source.document_id)).await;
    output.delivery.turn = Turn { lane: turn.0.map(str::to_owned), priority: turn.1 };
    let id = output.delivery.delivery_id.clone();
    let slice = Slice {
        interchanges: vec![came],
        documents: vec![source],
        outputs: vec![output],
        end: end(TransmissionState::Split),
        ..Slice::default()
    };
    store.translate(job, slice, &Actor::system(), now).await.expect("a commit");
    id
}

/// Receives and translates one after the other; the deliveries.
async fn lined_up(store: &Store, count: usize, lane: &str) -> Vec<String> {
    let mut all = Vec::new();
    for number in 0..count {
        let now = at(i64::try_from(number).expect("a few"));
        received(store, number, now).await;
        let job = lease(store, JobKind::Translate, now).await.expect("a job");
        all.push(into_lane(store, &job, number, (Some(lane), Priority::Normal), now).await);
    }
    all
}

async fn tried(store: &Store, job: &Job, end: AttemptEnd, now: Timestamp) {
    store.deliver_sending(job, "x", now).await.expect("its turn");
    store.deliver_result(job, end, AttemptFacts::default(), now).await.expect("an end");
}

pub(super) async fn one_parked_stops_its_lane_until_it_is_taken_out_or_sent_anew(ground: Ground) {
    let store = fresh(&ground).await;
    let all = lined_up(&store, 4, "a").await;
    let leased = async |now| -> Vec<Job> { store.lease(JobKind::Deliver, 16, &[], at(now)).await.expect("jobs") };
    let jobs = leased(100).await;
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&all[0]], "one at a time");
    tried(&store, &jobs[0], AttemptEnd::Retry(at(110)), at(100)).await;
    assert_eq!(leased(109).await, [], "one that is tried again holds the lane");
    let jobs = leased(110).await;
    tried(&store, &jobs[0], AttemptEnd::Park, at(110)).await;
    assert_eq!(leased(200).await, [], "one that is parked stops it");
    let listed = store.delivery(&all[1]).await.expect("it");
    assert_eq!((listed.waits_for.as_deref(), listed.waits_for_state.as_deref()), (Some(&*all[0]), Some("parked")));
    assert_eq!(store.delivery(&all[0]).await.expect("it").waits_for, None);
    // Sent anew it stands where it stood.
    let again = store.resubmit(&all[0], &Actor::system(), at(200)).await.expect("a new one");
    let jobs = leased(200).await;
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&again]);
    tried(&store, &jobs[0], AttemptEnd::Delivered, at(200)).await;
    let jobs = leased(201).await;
    assert_eq!(jobs[0].subject, all[1]);
    // The process ends while it is being sent; nobody knows whether it arrived, and nothing overtakes it.
    store.deliver_sending(&jobs[0], "x", at(201)).await.expect("its turn");
    store.close().await;
    drop(store);
    let (store, _) = open(&ground).await;
    let leased = async |now| -> Vec<Job> { store.lease(JobKind::Deliver, 16, &[], at(now)).await.expect("jobs") };
    let jobs = leased(202).await;
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&all[1]]);
    tried(&store, &jobs[0], AttemptEnd::Park, at(202)).await;
    store
        .steer_delivery(&all[1], DeliveryState::Cancelled, "not wanted", &Actor::system(), at(203))
        .await
        .expect("cancelled");
    let jobs = leased(204).await;
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&all[2]], "taken out by a person");
    // Held by a person it holds the others; those behind cannot be let go before it.
    tried(&store, &jobs[0], AttemptEnd::Hold, at(204)).await;
    assert_eq!(leased(300).await, []);
    store.steer_delivery(&all[3], DeliveryState::Held, "x", &Actor::system(), at(301)).await.expect("held");
    store.steer_delivery(&all[3], DeliveryState::Ready, "x", &Actor::system(), at(302)).await.expect("released");
    assert_eq!(leased(303).await, [], "released, and behind");
    store.steer_delivery(&all[2], DeliveryState::Ready, "x", &Actor::system(), at(304)).await.expect("released");
    let jobs = leased(305).await;
    tried(&store, &jobs[0], AttemptEnd::Delivered, at(305)).await;
    let jobs = leased(306).await;
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&all[3]]);
}

pub(super) async fn what_came_first_goes_first_though_it_is_translated_last(ground: Ground) {
    let store = fresh(&ground).await;
    received(&store, 1, at(1)).await;
    received(&store, 2, at(2)).await;
    let jobs = store.lease(JobKind::Translate, 2, &[], at(3)).await.expect("both");
    let turn = (Some("a"), Priority::Normal);
    let second = into_lane(&store, &jobs[1], 2, turn, at(3)).await;
    assert_eq!(
        store.lease(JobKind::Deliver, 9, &[], at(3)).await.expect("jobs"),
        [],
        "the first is not translated yet"
    );
    let first = into_lane(&store, &jobs[0], 1, turn, at(3)).await;
    let jobs = store.lease(JobKind::Deliver, 9, &[], at(60)).await.expect("jobs");
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&first]);
    tried(&store, &jobs[0], AttemptEnd::Delivered, at(60)).await;
    let jobs = store.lease(JobKind::Deliver, 9, &[], at(60)).await.expect("jobs");
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&second]);
}

/// Receives some and holds them, so that they go into the lane later, in front of what comes meanwhile.
async fn held(store: &Store, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for number in 0..count {
        all.push(received(store, number, at(0)).await);
        let job = lease(store, JobKind::Translate, at(0)).await.expect("a job");
        let slice = Slice { end: end(TransmissionState::Held), ..Slice::default() };
        store.translate(&job, slice, &Actor::system(), at(0)).await.expect("held");
    }
    all
}

/// Releases one that was held, into a lane.
async fn released(store: &Store, transmission_id: &str, number: usize, lane_name: &str, now: Timestamp) -> String {
    store.release_transmission(transmission_id, None, &Actor::system(), now).await.expect("released");
    let job = lease(store, JobKind::Translate, now).await.expect("a job");
    into_lane(store, &job, number, (Some(lane_name), Priority::Normal), now).await
}

pub(super) async fn what_is_under_way_is_found_behind_any_number_of_others(ground: Ground) {
    let store = fresh(&ground).await;
    let held = held(&store, 40).await;
    received(&store, 99, at(10)).await;
    let job = lease(&store, JobKind::Translate, at(10)).await.expect("a job");
    let late = into_lane(&store, &job, 99, (Some("a"), Priority::Normal), at(10)).await;
    let under_way = lease(&store, JobKind::Deliver, at(11)).await.expect("its turn");
    assert_eq!(store.deliver_sending(&under_way, "x", at(11)).await.expect("its turn").delivery_id, late);
    let mut earlier = Vec::new();
    for (number, id) in held.iter().enumerate() {
        earlier.push(released(&store, id, number, "a", at(12)).await);
    }
    let leased = async |now| store.lease(JobKind::Deliver, 16, &[], at(now)).await.expect("jobs");
    assert_eq!(leased(20).await, [], "two of a lane would be under way at once");
    store.deliver_result(&under_way, AttemptEnd::Delivered, AttemptFacts::default(), at(20)).await.expect("an end");
    let jobs = leased(21).await;
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&earlier[0]]);
}

pub(super) async fn what_is_leased_and_then_preceded_waits_for_its_turn(ground: Ground) {
    let store = fresh(&ground).await;
    let held = held(&store, 1).await;
    received(&store, 1, at(10)).await;
    let job = lease(&store, JobKind::Translate, at(10)).await.expect("a job");
    let second = into_lane(&store, &job, 1, (Some("a"), Priority::Normal), at(10)).await;
    let leased = lease(&store, JobKind::Deliver, at(11)).await.expect("its turn");
    let first = released(&store, &held[0], 0, "a", at(12)).await;
    let refused = store.deliver_sending(&leased, "x", at(12)).await.expect_err("another goes first");
    assert!(
        matches!(&refused, StoreError::NotItsTurn { delivery_id, before, state, .. }
            if (delivery_id, before, state.as_str()) == (&second, &first, "ready")),
        "{refused}"
    );
    store.give_back(&leased, at(12)).await.expect("given back");
    for expected in [first, second] {
        let mut jobs = store.lease(JobKind::Deliver, 9, &[], at(13)).await.expect("jobs");
        if jobs.is_empty() {
            // A look that found one before its turn; the next finds the first.
            jobs = store.lease(JobKind::Deliver, 9, &[], at(13)).await.expect("jobs");
        }
        assert_eq!(jobs.iter().map(|job| (&job.subject, job.losses)).collect::<Vec<_>>(), [(&expected, 0)]);
        tried(&store, &jobs[0], AttemptEnd::Delivered, at(13)).await;
    }
}

pub(super) async fn what_is_paused_or_came_over_another_channel_stops_no_lane(ground: Ground) {
    let (store, ann) = (fresh(&ground).await, Actor("user:ann".into()));
    let route = ResourceChange { kind: "route".into(), name: "along".into(), body: Some(json!({})) };
    store.apply(vec![route], 0, &ann, at(0)).await.expect("applied");
    store.pause((PauseKind::Route, "along"), (None, None), &ann, at(0)).await.expect("paused");
    // What goes along the route waits, as a whole, for who knows how long.
    received(&store, 1, at(1)).await;
    let job = lease(&store, JobKind::Translate, at(1)).await.expect("a job");
    let pause = job.paused.of(PauseKind::Route, "along").expect("it is paused").clone();
    store.set_aside(&job, &pause, at(1)).await.expect("set aside");
    // Over another channel came more than anybody translates at once.
    for number in 0..70 {
        let mut new = transmission(&store, Direction::In, format!("other {number}").as_bytes()).await;
        new.channel = "busy".into();
        store.receive(new, None, &Actor::system(), at(2)).await.expect("a reception");
    }
    let last = received(&store, 2, at(3)).await;
    let job = store.lease_of(JobKind::Translate, &last, &[], at(3)).await.expect("a look").expect("a job");
    let delivery = into_lane(&store, &job, 2, (Some("a"), Priority::Normal), at(3)).await;
    let jobs = store.lease(JobKind::Deliver, 9, &[], at(3)).await.expect("jobs");
    assert_eq!(jobs.iter().map(|job| &job.subject).collect::<Vec<_>>(), [&delivery]);
    tried(&store, &jobs[0], AttemptEnd::Delivered, at(3)).await;
    // When the pause is over, what waited for it is waited for.
    store.resume(PauseKind::Route, "along", &ann, at(4)).await.expect("it goes on");
    let last = received(&store, 3, at(5)).await;
    let job = store.lease_of(JobKind::Translate, &last, &[], at(5)).await.expect("a look").expect("a job");
    into_lane(&store, &job, 3, (Some("a"), Priority::Normal), at(5)).await;
    assert_eq!(store.lease(JobKind::Deliver, 9, &[], at(5)).await.expect("jobs"), []);
}

async fn resubmitted(store: &Store, delivery_id: &str) -> NewBulk {
    let found = store.candidates(Object::Delivery, &[delivery_id.to_owned()]).await.expect("it");
    let changed_at = Some(found[0].changed_at);
    NewBulk {
        bulk_act_id: "plan_1".into(),
        object: Object::Delivery,
        action: Action::Resubmit,
        reason: "by hand".into(),
        as_partner: None,
        wish: "digest".into(),
        items: vec![NewItem { subject: delivery_id.to_owned(), changed_at, why: None }],
    }
}

pub(super) async fn a_lane_keeps_its_order_through_a_pause_an_act_over_many_and_a_window(ground: Ground) {
    let (store, ann) = (fresh(&ground).await, Actor("user:ann".into()));
    let channel = ResourceChange { kind: "channel".into(), name: "out".into(), body: Some(json!({})) };
    store.apply(vec![channel], 0, &ann, at(0)).await.expect("applied");
    let all = lined_up(&store, 3, "a").await;
    let lease_of = async |id: &str, now| store.lease_of(JobKind::Deliver, id, &[], at(now)).await.expect("a look");
    let due = async |at_work: &[String], now| super::due(&store, 9, at_work, at(now)).await;
    assert_eq!(lease_of(&all[1], 100).await, None, "it is not its turn");
    // What is paused is set aside, whoever asks for it; the others of its lane have no job.
    store.pause((PauseKind::Channel, "out"), (None, None), &ann, at(100)).await.expect("paused");
    assert_eq!(lease_of(&all[0], 101).await, None);
    assert_eq!(due(&[], 101).await, []);
    assert_eq!(store.pauses(at(101)).await.expect("a list")[0].deliveries, 1);
    store.resume(PauseKind::Channel, "out", &ann, at(102)).await.expect("it goes on");
    let leased = store.lease_deliveries(due(&[], 103).await, at(103)).await.expect("leases");
    assert_eq!(leased.iter().map(|(job, _)| &job.subject).collect::<Vec<_>>(), [&all[0]]);
    tried(&store, &leased[0].0, AttemptEnd::Park, at(103)).await;
    // One that is sent anew with many others takes the place of the old one.
    store.bulk_begin(resubmitted(&store, &all[0]).await, &ann, at(104)).await.expect("begun");
    assert!(!store.bulk_slice("plan_1", at(104)).await.expect("a slice"));
    let job = lease(&store, JobKind::Deliver, at(105)).await.expect("a job");
    assert_eq!(store.delivery(&job.subject).await.expect("it").resubmit_of.as_deref(), Some(&*all[0]));
    // The clock is set forward: its lease ran out, and it is at work here all the same.
    assert_eq!(due(&[], 1000).await.len(), 1);
    assert_eq!(due(std::slice::from_ref(&job.job_id), 1000).await, []);
    tried(&store, &job, AttemptEnd::Delivered, at(106)).await;
    // A closed window holds the lane, and nothing overtakes.
    let job = lease_of(&all[1], 107).await.expect("its turn");
    store.give_back(&job, at(500)).await.expect("given back");
    assert_eq!((due(&[], 499).await.len(), lease_of(&all[2], 499).await), (0, None));
    store.windows_changed(at(450)).await.expect("a change");
    assert!(lease_of(&all[1], 450).await.is_some());
}

/// A model of what a lane may do: what was received earlier is out of it before anything later begins.
struct Model {
    lane_of: BTreeMap<usize, usize>,
    open: BTreeSet<usize>,
    number_of: BTreeMap<String, usize>,
    begun: Vec<usize>,
}

/// How the channel of the model is sent to.
const CHANNEL: &str = "kind: channel\nname: out\ntransport: http\nway: out\nurl: https://lamps.example/\nconcurrency: 2\n\
                       rate: { count: 100, per: second }\ncircuit: { failures: 3, seconds: 1 }\n";

/// Leases what may go at the pace of the channel.
async fn leased(
    store: &Store,
    (pace, directory): (&Pace, &Directory),
    at_work: &[String],
    now: Timestamp,
) -> Vec<(Job, Place)> {
    let queues = pace.queues(directory, store.due_queues(now).await.expect("queues"), now);
    let due = store.due_deliveries(&queues, 3, at_work, now).await.expect("a look");
    let (chosen, mut places): (Vec<_>, Vec<_>) =
        pace.choose(directory, due, 3, now).into_iter().map(|(due, place)| (due.clone(), (due, place))).unzip();
    let mut all = Vec::new();
    for (job, due) in store.lease_deliveries(chosen, now).await.expect("leases") {
        let at = places.iter().position(|(one, _)| *one == due).expect("its place");
        all.push((job, places.swap_remove(at).1));
    }
    places.iter().for_each(|(_, place)| drop(pace.leave(directory, place, Reached::Nothing, now)));
    all
}

pub(super) async fn lanes_keep_their_order_under_random_interleavings(ground: Ground) {
    const DOCUMENTS: usize = 60;
    let directory = Directory::new(&parse("out.yaml", CHANNEL).expect("a channel")).expect("a directory");
    let mut pace = Pace::default();
    let seed = crate::dice::number("PORTOLAN_SEED", 0x1A9E5);
    // So that no lease runs out.
    let after = |millis: u64| at(0) + Duration::from_millis(millis);
    let mut dice = Dice::new(seed, 1);
    let mut store = fresh(&ground).await;
    let channel = ResourceChange { kind: "channel".into(), name: "out".into(), body: Some(json!({})) };
    store.apply(vec![channel], 0, &Actor::system(), at(0)).await.expect("applied");
    let mut is_paused = false;
    let mut model =
        Model { lane_of: BTreeMap::new(), open: BTreeSet::new(), number_of: BTreeMap::new(), begun: Vec::new() };
    let mut translating: Vec<(usize, Job)> = Vec::new();
    let mut delivering: Vec<(Job, Place)> = Vec::new();
    let (mut next, mut received_as, mut parked) = (0, BTreeMap::new(), Vec::new());
    let mut now = 0;
    while next < DOCUMENTS || !model.open.is_empty() {
        now += 1;
        assert!(now < 50_000, "seed {seed}: it stands: {:?} {parked:?}", model.open);
        match dice.roll(9) {
            0 if next < DOCUMENTS => {
                received_as.insert(received(&store, next, after(now)).await, next);
                model.lane_of.insert(next, dice.roll(3));
                model.open.insert(next);
                next += 1;
            }
            1 | 2 => {
                let jobs = store.lease(JobKind::Translate, 2, &[], after(now)).await.expect("jobs");
                translating.extend(jobs.into_iter().map(|job| (received_as[&job.subject], job)));
            }
            3 | 4 if !translating.is_empty() => {
                let (number, job) = translating.swap_remove(dice.roll(translating.len()));
                let lane = format!("lane {}", model.lane_of[&number]);
                let id = into_lane(&store, &job, number, (Some(&lane), Priority::Normal), after(now)).await;
                model.number_of.insert(id, number);
            }
            5 | 6 => {
                let at_work: Vec<_> = delivering.iter().map(|(job, _)| job.job_id.clone()).collect();
                delivering.extend(leased(&store, (&pace, &directory), &at_work, after(now)).await);
                assert!(delivering.len() <= 2, "seed {seed}: more at once than the channel says");
            }
            7 if !delivering.is_empty() => {
                let (job, mut place) = delivering.swap_remove(dice.roll(delivering.len()));
                let number = model.number_of[&job.subject];
                pace.send(&directory, &mut place, after(now));
                store.deliver_sending(&job, "x", after(now)).await.expect("its turn");
                let is_mate = |one: &&usize| model.lane_of[*one] == model.lane_of[&number];
                assert_eq!(model.open.iter().find(is_mate), Some(&number), "seed {seed}: overtaken at {now}");
                model.begun.push(number);
                let (end, reached) = match dice.roll(7) {
                    0 => (AttemptEnd::Retry(after(now + 5)), Reached::No),
                    1 => (AttemptEnd::Uncertain(after(now + 3)), Reached::Untold),
                    2 => (AttemptEnd::Park, Reached::Yes),
                    3 => (AttemptEnd::Retry(after(now + 5)), Reached::Busy(after(now + 20))),
                    _ => (AttemptEnd::Delivered, Reached::Yes),
                };
                pace.leave(&directory, &place, reached, after(now));
                match end {
                    AttemptEnd::Delivered => {
                        model.open.remove(&number);
                    }
                    AttemptEnd::Park => parked.push(job.subject.clone()),
                    _ => {}
                }
                store.deliver_result(&job, end, AttemptFacts::default(), after(now)).await.expect("an end");
            }
            8 if !parked.is_empty() => {
                let id = parked.swap_remove(dice.roll(parked.len()));
                let number = model.number_of[&id];
                if dice.roll(3) == 0 {
                    let to = DeliveryState::Cancelled;
                    store.steer_delivery(&id, to, "x", &Actor::system(), after(now)).await.expect("cancelled");
                    model.open.remove(&number);
                } else {
                    let again = store.resubmit(&id, &Actor::system(), after(now)).await.expect("again");
                    model.number_of.insert(again, number);
                }
            }
            _ if dice.roll(30) == 0 => {
                let (ann, now) = (Actor("user:ann".into()), after(now));
                match is_paused {
                    true => store.resume(PauseKind::Channel, "out", &ann, now).await.expect("it goes on"),
                    false => store.pause((PauseKind::Channel, "out"), (None, None), &ann, now).await.expect("paused"),
                }
                is_paused = !is_paused;
            }
            _ if dice.roll(40) == 0 => {
                // Whatever was at work is gone, and its leases with it.
                store.close().await;
                drop(store);
                store = store_at(&ground, after(now)).await.0;
                translating.clear();
                delivering.clear();
                pace = Pace::default();
            }
            _ => {}
        }
    }
    assert!(model.begun.len() >= DOCUMENTS - 20, "most were tried: {}", model.begun.len());
    assert_eq!(store.verify_events().await.expect("a look"), Vec::<String>::new());
}

pub(super) async fn urgent_ones_are_found_first_and_a_backlog_keeps_no_other_back(ground: Ground) {
    let store = fresh(&ground).await;
    let turns = [(Priority::Bulk, "x"), (Priority::Normal, "x"), (Priority::Urgent, "x"), (Priority::Normal, "y")];
    for (number, (priority, channel)) in turns.iter().enumerate() {
        let now = at(i64::try_from(number).expect("a few"));
        received(&store, number, now).await;
        let job = lease(&store, JobKind::Translate, now).await.expect("a job");
        let came = interchange(&store, Direction::In, &format!("{number}"), None);
        let source = document(&store, Direction::In, 1, &came);
        let mut output = output(&store, &format!("{number}"), Some(&source.document_id)).await;
        output.delivery.turn.priority = *priority;
        output.delivery.channel = (*channel).to_owned();
        let slice = Slice {
            interchanges: vec![came],
            documents: vec![source],
            outputs: vec![output],
            end: end(TransmissionState::Split),
            ..Slice::default()
        };
        store.translate(&job, slice, &Actor::system(), now).await.expect("a commit");
    }
    let queues = store.due_queues(at(9)).await.expect("queues");
    let due = store.due_deliveries(&queues, 9, &[], at(9)).await.expect("a look");
    let shown = |due: &[DueDelivery]| -> Vec<(String, &'static str)> {
        due.iter().map(|one| (one.channel.clone(), one.priority.as_str())).collect()
    };
    let expected = [("x", "urgent"), ("x", "normal"), ("x", "bulk"), ("y", "normal")];
    assert_eq!(shown(&due), expected.map(|(channel, word)| (channel.to_owned(), word)));
    let without = store.due_deliveries(&queues[3..], 9, &[], at(9)).await.expect("a look");
    assert_eq!(shown(&without), [("y".to_owned(), "normal")], "a full queue is not asked");
    let first = store.due_deliveries(&queues, 1, &[], at(9)).await.expect("a look");
    assert_eq!(first.len(), 4, "one of each priority and queue");
    let leased = store.lease_deliveries(due.clone(), at(9)).await.expect("leases");
    assert_eq!(leased.len(), 4);
    assert_eq!(
        store.lease_deliveries(due, at(9)).await.expect("leases").len(),
        0,
        "what is leased is not leased again"
    );
}
