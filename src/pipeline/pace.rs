//! Who may be sent to now, and how many at once: places, rates, circuits and what receivers asked for, by channel and partner. It
//! lives in this process only, which holds the ledger alone; after a start everybody may be tried again.
//!
//! Pure: time comes in as an argument. What leaves is leased by `departures`.

use super::live::late;
use crate::clock::Timestamp;
use crate::partner::CONCURRENCY;
use crate::partner::{Circuit, Directory, Rate};
use crate::store::Micros;
use crate::store::circuit::CircuitState;
use crate::store::job::{DueDelivery, Queue};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Attempts that begin together reach a receiver with some unevenness; windows of a rate are so much longer than it says.
const RATE_SLACK: Duration = Duration::from_millis(50);
/// Of so many places of a channel one goes to the longest waiting, whatever its priority, so that none starves.
const ELDEST_EVERY: u64 = 8;
/// Queues that are looked into at once; where more have something due, each has its turn.
const QUEUES_A_LOOK: usize = 64;

/// What an attempt tells about its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The other side answered sensibly, though it refused what was sent.
    Yes,
    /// It could not be reached or is in trouble.
    No,
    /// It asks to be left alone until then. Whether it is well, that does not tell.
    Busy(Timestamp),
    /// What was tried tells nothing of it.
    Untold,
    /// Nothing was tried, or it failed here before anything left.
    Nothing,
}

/// What becomes of the circuit of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// The channel.
    pub channel: String,
    /// Opened or closed.
    pub to: CircuitState,
    /// Failures in a row that opened it, where it was opened.
    pub failures: u32,
}

/// How a channel, or a partner, is doing.
#[derive(Debug, Default)]
struct Course {
    at_work: usize,
    /// Of these, those that have sent nothing yet.
    unsent: usize,
    /// When attempts were sent, as far back as a rate asks.
    sent: VecDeque<Timestamp>,
    failures: u32,
    /// Since when only probes go.
    open_since: Option<Timestamp>,
    /// No probe before.
    probe_at: Option<Timestamp>,
    /// Until when its receiver asked to be left alone.
    asked_until: Option<Timestamp>,
    /// How many places it was given.
    given: u64,
    /// When it was given one last, counted over all.
    last_given: u64,
    /// The same for each partner of a channel.
    last_given_to: HashMap<String, u64>,
    /// When its queues were looked into last, counted in looks.
    last_looked: u64,
}

impl Course {
    /// Until when nothing goes.
    fn not_before(&self) -> Option<Timestamp> {
        self.asked_until.max(self.probe_at.filter(|_| self.open_since.is_some()))
    }

    fn room(&self, places: usize, rate: Option<Rate>, now: Timestamp) -> usize {
        if self.not_before().is_some_and(|until| until > now) {
            return 0;
        }
        let places = if self.open_since.is_some() { 1 } else { places };
        let free = places.saturating_sub(self.at_work);
        let Some(rate) = rate else { return free };
        let since = now - (rate.per.time() + RATE_SLACK);
        let recent = self.sent.iter().filter(|at| **at > since).count();
        free.min(rate.count.saturating_sub(recent + self.unsent))
    }

    fn begin(&mut self) {
        self.at_work += 1;
        self.unsent += 1;
    }

    fn send(&mut self, rate: Option<Rate>, now: Timestamp) {
        self.unsent = self.unsent.saturating_sub(1);
        if let Some(rate) = rate {
            self.sent.push_back(now);
            while self.sent.len() > rate.count {
                self.sent.pop_front();
            }
        }
    }

    /// What was counted as sent at an instant never left.
    fn unsend(&mut self, at: Timestamp) {
        self.unsent += 1;
        if let Some(found) = self.sent.iter().rposition(|one| *one == at) {
            self.sent.remove(found);
        }
    }

    /// A place is free again.
    fn end(&mut self, is_sent: bool) {
        self.at_work = self.at_work.saturating_sub(1);
        self.unsent = self.unsent.saturating_sub(usize::from(!is_sent));
    }
}

/// A channel that is probed only.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OpenCircuit {
    /// The channel.
    pub channel: String,
    /// Since when.
    pub since: Micros,
    /// Failures in a row.
    pub failures: u32,
    /// When the next probe goes, if something waits.
    pub next_probe: Option<Micros>,
}

/// A place that was given to something that leaves, over which channel and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    channel: String,
    partner: String,
    /// When it was sent.
    sent_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct All {
    channels: BTreeMap<String, Course>,
    partners: HashMap<String, Course>,
    given: u64,
    looks: u64,
    /// When queues that have something due were looked into last.
    looked: HashMap<Queue, u64>,
}

/// How all are doing.
#[derive(Debug, Default)]
pub struct Pace(Mutex<All>);

impl Pace {
    fn all(&self) -> std::sync::MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which of the queues that have something due are looked into now: none that is full, [`QUEUES_A_LOOK`] at most. Channels
    /// take turns, and within a channel its queues, what is urgent first; once in a while whatever was looked into longest ago.
    #[must_use]
    pub fn queues(&self, directory: &Directory, due: Vec<Queue>, now: Timestamp) -> Vec<Queue> {
        let all = &mut *self.all();
        all.looks += 1;
        let (looks, mut channels) = (all.looks, BTreeMap::<String, Vec<Queue>>::new());
        let there: HashSet<&Queue> = due.iter().collect();
        all.looked.retain(|queue, _| there.contains(queue));
        for queue in due {
            let channel = over(directory, &queue.channel);
            if channel_room(all, directory, channel, now) > 0 && partner_room(all, directory, &queue.partner, now) > 0 {
                channels.entry(channel.to_owned()).or_default().push(queue);
            }
        }
        let last = |queue: &Queue| all.looked.get(queue).copied().unwrap_or_default();
        for queues in channels.values_mut() {
            // The next is the last.
            match looks % ELDEST_EVERY {
                0 => queues.sort_by_key(|queue| Reverse(last(queue))),
                _ => queues.sort_by_key(|queue| Reverse((queue.priority, last(queue)))),
            }
        }
        let mut turns: Vec<_> = channels.into_iter().collect();
        turns.sort_by_key(|(channel, _)| all.channels.get(channel).map_or(0, |course| course.last_looked));
        let mut chosen = Vec::new();
        while chosen.len() < QUEUES_A_LOOK && !turns.is_empty() {
            for (channel, queues) in &mut turns {
                if chosen.len() < QUEUES_A_LOOK
                    && let Some(queue) = queues.pop()
                {
                    all.channels.entry(channel.clone()).or_default().last_looked = looks;
                    all.looked.insert(queue.clone(), looks);
                    chosen.push(queue);
                }
            }
            turns.retain(|(_, queues)| !queues.is_empty());
        }
        chosen
    }

    /// Which of those that are due go now, `free` at most, with the places that they are given. Channels are served in turn, those
    /// with the fewest at work first; within a channel what is urgent goes first, and partners take turns.
    #[must_use]
    pub fn choose(
        &self,
        directory: &Directory,
        due: Vec<DueDelivery>,
        free: usize,
        now: Timestamp,
    ) -> Vec<(DueDelivery, Place)> {
        let mut all = self.all();
        let mut waiting: BTreeMap<String, Vec<DueDelivery>> = BTreeMap::new();
        for one in due {
            waiting.entry(over(directory, &one.channel).to_owned()).or_default().push(one);
        }
        let mut chosen = Vec::new();
        while chosen.len() < free {
            let has_room = |channel: &&String| channel_room(&all, directory, channel, now) > 0;
            let turn = |channel: &&String| {
                all.channels.get(*channel).map_or((0, 0), |course| (course.at_work, course.last_given))
            };
            let Some(channel) = waiting.keys().filter(has_room).min_by_key(turn).cloned() else { break };
            let queue = waiting.entry(channel.clone()).or_default();
            queue.retain(|one| partner_room(&all, directory, &one.partner, now) > 0);
            let Some(next) = next(&all, &channel, queue) else {
                waiting.remove(&channel);
                continue;
            };
            let one = queue.remove(next);
            if queue.is_empty() {
                waiting.remove(&channel);
            }
            let place = give(&mut all, &channel, &one.partner);
            chosen.push((one, place));
        }
        chosen
    }

    /// A place for what leaves beside the queues, for a call: it waits for nobody, and counts like all others.
    #[must_use]
    pub fn take(&self, directory: &Directory, channel: &str, partner: &str) -> Place {
        give(&mut self.all(), over(directory, channel), partner)
    }

    /// Something leaves now.
    pub fn send(&self, directory: &Directory, place: &mut Place, now: Timestamp) {
        if place.sent_at.is_some() {
            return;
        }
        place.sent_at = Some(now);
        let mut all = self.all();
        let rate = directory.channel(&place.channel).and_then(|channel| channel.rate);
        all.channels.entry(place.channel.clone()).or_default().send(rate, now);
        let rate = directory.partner(&place.partner).and_then(|partner| partner.rate);
        all.partners.entry(place.partner.clone()).or_default().send(rate, now);
    }

    /// It did not leave after all, and counts for no rate.
    pub fn unsend(&self, place: &mut Place) {
        let Some(at) = place.sent_at.take() else { return };
        let mut all = self.all();
        all.channels.entry(place.channel.clone()).or_default().unsend(at);
        all.partners.entry(place.partner.clone()).or_default().unsend(at);
    }

    /// A place is free again, and this came of it. What becomes of the channel's circuit, where something does.
    pub fn leave(&self, directory: &Directory, place: &Place, reached: Reached, now: Timestamp) -> Option<Turned> {
        let (mut all, is_sent) = (self.all(), place.sent_at.is_some());
        if let Some(course) = all.partners.get_mut(&place.partner) {
            course.end(is_sent);
        }
        let rule = directory.channel(&place.channel).and_then(|channel| channel.circuit).unwrap_or_default();
        let course = all.channels.entry(place.channel.clone()).or_default();
        course.end(is_sent);
        let turned = note(&place.channel, course, rule, reached, now);
        metrics::gauge!("portolan_circuits_open").set(open(&all).count() as f64);
        turned.map(|(to, failures)| Turned { channel: place.channel.clone(), to, failures })
    }

    /// Lets a channel be tried at once, whatever its receiver asked for; one whose circuit is open is probed. For what people
    /// want to go, or have changed.
    pub fn hasten(&self, directory: &Directory, channel: &str) {
        if let Some(course) = self.all().channels.get_mut(over(directory, channel)) {
            (course.asked_until, course.probe_at) = (None, None);
        }
    }

    /// Channels that are probed only.
    #[must_use]
    pub fn open_circuits(&self) -> Vec<OpenCircuit> {
        open(&self.all()).collect()
    }

    /// Until when a channel is left alone, as its receiver asked or its circuit says.
    #[must_use]
    pub fn not_before(&self, channel: &str, now: Timestamp) -> Option<Timestamp> {
        self.all().channels.get(channel).and_then(Course::not_before).filter(|until| *until > now)
    }
}

/// The channel that something leaves over: answers whose call is over go over another, at the pace of that.
pub(super) fn over<'n>(directory: &'n Directory, channel: &'n str) -> &'n str {
    let policy = directory.channel(channel).and_then(|channel| channel.answers_calls());
    policy.and_then(|policy| late(directory, policy)).map_or(channel, |(name, _)| name)
}

fn open(all: &All) -> impl Iterator<Item = OpenCircuit> {
    all.channels.iter().filter_map(|(channel, course)| {
        Some(OpenCircuit {
            channel: channel.clone(),
            since: course.open_since?.into(),
            failures: course.failures,
            next_probe: course.not_before().map(Micros::from),
        })
    })
}

fn channel_room(all: &All, directory: &Directory, channel: &str, now: Timestamp) -> usize {
    let said = directory.channel(channel);
    let places = said.and_then(|channel| channel.concurrency).unwrap_or(CONCURRENCY);
    let rate = said.and_then(|channel| channel.rate);
    all.channels.get(channel).map_or(places, |course| course.room(places, rate, now))
}

fn partner_room(all: &All, directory: &Directory, partner: &str, now: Timestamp) -> usize {
    let said = directory.partner(partner);
    let places = said.and_then(|partner| partner.concurrency).unwrap_or(usize::MAX);
    let rate = said.and_then(|partner| partner.rate);
    all.partners.get(partner).map_or(places, |course| course.room(places, rate, now))
}

/// Which of a channel's deliveries goes next: the most urgent, of these the one whose partner has the fewest at work, of these the
/// one whose partner had its turn longest ago, of these the longest waiting; and once in a while the longest waiting of all.
fn next(all: &All, channel: &str, queue: &[DueDelivery]) -> Option<usize> {
    let course = all.channels.get(channel);
    let given = course.map_or(0, |course| course.given);
    let is_eldests = given % ELDEST_EVERY == ELDEST_EVERY - 1;
    let at_work = |one: &DueDelivery| all.partners.get(&one.partner).map_or(0, |course| course.at_work);
    let turn =
        |one: &DueDelivery| course.and_then(|course| course.last_given_to.get(&one.partner)).copied().unwrap_or(0);
    let key = |one: &DueDelivery| match is_eldests {
        true => (0, 0, 0, one.run_at),
        false => (one.priority.number(), at_work(one), turn(one), one.run_at),
    };
    queue.iter().enumerate().min_by_key(|(_, one)| key(one)).map(|(at, _)| at)
}

fn give(all: &mut All, channel: &str, partner: &str) -> Place {
    all.given += 1;
    let course = all.channels.entry(channel.to_owned()).or_default();
    course.begin();
    (course.given, course.last_given) = (course.given + 1, all.given);
    course.last_given_to.insert(partner.to_owned(), all.given);
    all.partners.entry(partner.to_owned()).or_default().begin();
    Place { channel: channel.to_owned(), partner: partner.to_owned(), sent_at: None }
}

fn note(
    channel: &str,
    course: &mut Course,
    rule: Circuit,
    reached: Reached,
    now: Timestamp,
) -> Option<(CircuitState, u32)> {
    match reached {
        Reached::Yes => {
            let was_open = course.open_since.is_some();
            (course.failures, course.open_since, course.probe_at) = (0, None, None);
            if was_open {
                tracing::info!(channel, "The channel takes deliveries again");
                return Some((CircuitState::Closed, 0));
            }
        }
        Reached::No => {
            course.failures = course.failures.saturating_add(1);
            if course.failures >= rule.failures() {
                course.probe_at = Some(now + rule.wait());
                if course.open_since.is_none() {
                    let failures = course.failures;
                    tracing::warn!(channel, failures, "Failures in a row; the channel is probed only");
                    course.open_since = Some(now);
                    return Some((CircuitState::Opened, failures));
                }
            }
        }
        Reached::Busy(until) => {
            course.asked_until = course.asked_until.max(Some(until));
            wait_for_probe(course, rule, now);
        }
        Reached::Untold => wait_for_probe(course, rule, now),
        Reached::Nothing => {}
    }
    None
}

/// A probe that came to nothing: the next one waits as long.
fn wait_for_probe(course: &mut Course, rule: Circuit, now: Timestamp) {
    if course.open_since.is_some() {
        course.probe_at = Some(now + rule.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::{Priority, parse};

    fn directory(yaml: &str) -> Directory {
        Directory::new(&parse("test.yaml", yaml).expect("resources")).expect("a directory")
    }

    fn due(channel: &str, partner: &str, priority: Priority, at: i64) -> DueDelivery {
        let (channel, partner) = (channel.to_owned(), partner.to_owned());
        DueDelivery { job_id: format!("{channel}-{partner}-{at}"), channel, partner, priority, run_at: Micros(at) }
    }

    fn queue(channel: &str, partner: &str, priority: Priority) -> Queue {
        Queue { channel: channel.to_owned(), partner: partner.to_owned(), priority }
    }

    fn after(millis: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn normal(channel: &str, count: i64) -> Vec<DueDelivery> {
        (0..count).map(|at| due(channel, "lamps", Priority::Normal, at)).collect()
    }

    #[test]
    fn a_channel_that_fails_five_times_is_probed_only() {
        let (pace, none, wait) = (Pace::default(), Directory::default(), Circuit::default().wait());
        let go = |channel: &str, now| pace.choose(&none, normal(channel, 9), 16, now);
        for _ in 0..5 {
            let one = pace.choose(&none, normal("lamps", 1), 1, after(0)).remove(0);
            pace.leave(&none, &one.1, Reached::No, after(0));
        }
        assert_eq!(go("lamps", after(0)).len(), 0);
        let opened = pace.open_circuits();
        assert_eq!((opened.len(), opened[0].failures, opened[0].since), (1, 5, Micros(0)));
        assert_eq!(opened[0].next_probe, Some(Micros::from(after(0) + wait)));
        assert_eq!(go("others", after(0)).len(), CONCURRENCY, "each channel for itself");
        let probe = go("lamps", after(0) + wait);
        assert_eq!(probe.len(), 1, "one goes as a probe");
        assert_eq!(go("lamps", after(0) + wait).len(), 0, "the others wait on");
        pace.leave(&none, &probe[0].1, Reached::Yes, after(0) + wait);
        assert_eq!(
            (go("lamps", after(0) + wait).len(), pace.open_circuits().len()),
            (CONCURRENCY, 0),
            "all may go again"
        );
    }

    #[test]
    fn a_circuit_as_its_channel_says() {
        let said = directory(
            "kind: channel\nname: lamps\ntransport: http\nway: out\nurl: https://lamps.example/\ncircuit: { failures: 1, seconds: 2 }\nconcurrency: 2\n",
        );
        let pace = Pace::default();
        let both = pace.choose(&said, normal("lamps", 9), 16, after(0));
        assert_eq!(both.len(), 2, "so many at once");
        pace.leave(&said, &both[0].1, Reached::No, after(0));
        pace.leave(&said, &both[1].1, Reached::Nothing, after(0));
        assert_eq!(pace.choose(&said, normal("lamps", 9), 16, after(1_999)).len(), 0);
        assert_eq!(pace.choose(&said, normal("lamps", 9), 16, after(2_000)).len(), 1);
    }

    #[test]
    fn no_window_has_more_than_the_rate() {
        let said = directory(
            "kind: channel\nname: lamps\ntransport: http\nway: out\nurl: https://lamps.example/\nrate: { count: 3, per: second }\n",
        );
        let (pace, mut begun) = (Pace::default(), Vec::new());
        for now in (0..10_000).step_by(37) {
            for (_, mut place) in pace.choose(&said, normal("lamps", 9), 16, after(now)) {
                begun.push(now);
                pace.send(&said, &mut place, after(now));
                pace.leave(&said, &place, Reached::Yes, after(now));
            }
        }
        assert!(begun.len() >= 27, "nearly all of the rate is used: {}", begun.len());
        for at in &begun {
            assert!(begun.iter().filter(|one| (*at..at + 1_000).contains(*one)).count() <= 3, "{begun:?}");
        }
    }

    #[test]
    fn what_is_not_sent_counts_for_no_rate_and_what_is_counts_from_then_on() {
        let said = directory(
            "kind: channel\nname: lamps\ntransport: http\nway: out\nurl: https://lamps.example/\nrate: { count: 3, per: minute }\n",
        );
        let (pace, minute) = (Pace::default(), 60_050);
        let go = |now| pace.choose(&said, normal("lamps", 9), 16, after(now));
        for _ in 0..9 {
            for (_, place) in go(0) {
                pace.leave(&said, &place, Reached::Nothing, after(0));
            }
        }
        let mut places: Vec<Place> = go(0).into_iter().map(|(_, place)| place).collect();
        assert_eq!((places.len(), go(0)), (3, Vec::new()), "places that were given may be sent");
        // One is sent at once, one is sealed for a long time, and of one no byte leaves.
        pace.send(&said, &mut places[0], after(0));
        pace.send(&said, &mut places[1], after(50_000));
        pace.send(&said, &mut places[2], after(50_000));
        pace.unsend(&mut places[2]);
        places.iter().for_each(|place| drop(pace.leave(&said, place, Reached::Untold, after(50_000))));
        let one = go(50_000);
        assert_eq!(one.len(), 1, "what never left is given back, and only that");
        pace.leave(&said, &one[0].1, Reached::Nothing, after(50_000));
        assert_eq!(go(minute).len(), 2, "of the two that were sent, one was in the last minute");
    }

    #[test]
    fn a_partner_has_its_own_places_over_all_its_channels() {
        let said = directory("kind: partner\nname: lamps\nparty_ids: [\"ZZ:LAMPS\"]\nconcurrency: 3\n");
        let pace = Pace::default();
        let all = [normal("one", 9), normal("two", 9), vec![due("two", "other", Priority::Normal, 99)]].concat();
        let chosen = pace.choose(&said, all, 16, after(0));
        assert_eq!(chosen.iter().filter(|(one, _)| one.partner == "lamps").count(), 3);
        assert!(chosen.iter().any(|(one, _)| one.partner == "other"), "a full partner keeps no other from going");
        let queues = vec![queue("three", "lamps", Priority::Normal), queue("three", "other", Priority::Normal)];
        assert_eq!(pace.queues(&said, queues.clone(), after(0)), queues[1..], "it is not looked for either");
    }

    #[test]
    fn what_was_asked_for_slows_the_whole_channel() {
        let (pace, none) = (Pace::default(), Directory::default());
        let one = pace.choose(&none, normal("lamps", 1), 1, after(0)).remove(0);
        pace.leave(&none, &one.1, Reached::Busy(after(7_000)), after(0));
        assert_eq!(pace.choose(&none, normal("lamps", 9), 16, after(6_999)).len(), 0);
        assert_eq!(pace.choose(&none, normal("lamps", 9), 16, after(7_000)).len(), CONCURRENCY);
        assert_eq!(pace.open_circuits(), []);
    }

    #[test]
    fn what_a_person_wants_to_go_waits_for_no_probe_and_no_wish_of_the_receiver() {
        let (pace, none) = (Pace::default(), Directory::default());
        let go = || pace.choose(&none, normal("lamps", 9), 16, after(0));
        let one = pace.choose(&none, normal("lamps", 1), 1, after(0)).remove(0);
        pace.leave(&none, &one.1, Reached::Busy(after(7_000)), after(0));
        pace.hasten(&none, "lamps");
        let all = go();
        assert_eq!(all.len(), CONCURRENCY);
        all.iter().for_each(|one| drop(pace.leave(&none, &one.1, Reached::No, after(0))));
        let one = pace.choose(&none, normal("lamps", 1), 1, after(0)).remove(0);
        pace.leave(&none, &one.1, Reached::No, after(0));
        assert_eq!((go().len(), pace.open_circuits().len()), (0, 1));
        pace.hasten(&none, "lamps");
        assert_eq!(go().len(), 1, "a probe, and no more");
    }

    #[test]
    fn urgent_before_normal_before_bulk_and_every_eighth_the_eldest() {
        let (pace, none) = (Pace::default(), Directory::default());
        let mut waiting = Vec::new();
        for at in 0..40 {
            waiting.push(due("lamps", "lamps", Priority::Urgent, 100 + at));
            waiting.push(due("lamps", "lamps", Priority::Normal, 50 + at));
            waiting.push(due("lamps", "lamps", Priority::Bulk, at));
        }
        let mut order = Vec::new();
        for _ in 0..16 {
            let (one, place) = pace.choose(&none, waiting.clone(), 1, after(0)).remove(0);
            waiting.retain(|other| *other != one);
            pace.leave(&none, &place, Reached::Yes, after(0));
            order.push(one.priority);
        }
        let bulk: Vec<usize> =
            order.iter().enumerate().filter(|(_, one)| **one == Priority::Bulk).map(|(at, _)| at).collect();
        assert_eq!(bulk, [7, 15], "{order:?}");
        assert!(order.iter().all(|one| *one != Priority::Normal), "urgent ones wait: {order:?}");
    }

    #[test]
    fn a_single_document_does_not_wait_behind_a_hundred_channels_with_backlogs() {
        let (pace, none) = (Pace::default(), Directory::default());
        let busy = || (0..100).flat_map(|channel| normal(&format!("c{channel:03}"), 20)).collect::<Vec<_>>();
        for round in 0..20 {
            let mut waiting = busy();
            waiting.push(due("single", "single", Priority::Normal, 1_000_000));
            let chosen = pace.choose(&none, waiting, 16, after(round));
            if chosen.iter().any(|(one, _)| one.channel == "single") {
                assert!(round <= 6, "one turn of all channels at most");
                return;
            }
            chosen.iter().for_each(|one| drop(pace.leave(&none, &one.1, Reached::Yes, after(round))));
        }
        panic!("it starved");
    }

    #[test]
    fn what_a_receiver_asks_for_neither_opens_a_circuit_nor_begins_its_count_anew() {
        let (pace, none, wait) = (Pace::default(), Directory::default(), Circuit::default().wait());
        let turned = |to, failures| Some(Turned { channel: "lamps".to_owned(), to, failures });
        let leave = |reached, now| {
            let one = pace.choose(&none, normal("lamps", 1), 1, now).remove(0);
            pace.leave(&none, &one.1, reached, now)
        };
        for _ in 0..4 {
            assert_eq!(leave(Reached::No, after(0)), None);
        }
        for _ in 0..9 {
            assert_eq!(leave(Reached::Busy(after(0)), after(0)), None);
        }
        assert_eq!(leave(Reached::No, after(0)), turned(CircuitState::Opened, 5), "the fifth in a row");
        // A probe is asked to come again soon: the circuit stays open, and its next probe waits as long as ever.
        let probed = after(0) + wait;
        assert_eq!(leave(Reached::Busy(probed), probed), None);
        assert_eq!(pace.open_circuits()[0].next_probe, Some(Micros::from(probed + wait)));
        assert_eq!(leave(Reached::Yes, probed + wait), turned(CircuitState::Closed, 0));
    }

    #[test]
    fn what_a_receiver_asks_for_holds_whatever_comes_of_those_under_way() {
        for reached in [Reached::Yes, Reached::No, Reached::Untold, Reached::Nothing] {
            let (pace, none) = (Pace::default(), Directory::default());
            let both = pace.choose(&none, normal("lamps", 2), 2, after(0));
            pace.leave(&none, &both[0].1, Reached::Busy(after(90_000)), after(0));
            pace.leave(&none, &both[1].1, reached, after(1));
            assert_eq!(pace.choose(&none, normal("lamps", 9), 16, after(89_999)), [], "{reached:?}");
            assert_eq!(pace.choose(&none, normal("lamps", 9), 16, after(90_000)).len(), CONCURRENCY);
        }
    }

    #[test]
    fn a_backlog_of_one_partner_keeps_no_other_of_the_channel_back() {
        let said = directory(
            "kind: channel\nname: van\ntransport: http\nway: out\nurl: https://van.example/\nconcurrency: 1\n",
        );
        let pace = Pace::default();
        // Each place is given when the one before is free: nobody has any at work then.
        for round in 0..3 {
            let mut waiting: Vec<_> = (0..100).map(|at| due("van", "many", Priority::Normal, at)).collect();
            waiting.push(due("van", "one", Priority::Normal, 1_000_000));
            let chosen = pace.choose(&said, waiting, 16, after(round));
            assert_eq!(chosen.len(), 1);
            pace.leave(&said, &chosen[0].1, Reached::Yes, after(round));
            if chosen[0].0.partner == "one" {
                return;
            }
        }
        panic!("it waits for the backlog of another");
    }

    #[test]
    fn of_many_queues_each_is_looked_into_in_turn_and_urgent_ones_first() {
        const QUEUES: usize = 1_000;
        let (pace, none) = (Pace::default(), Directory::default());
        let mut all: Vec<_> = (0..QUEUES).map(|at| queue("van", &format!("p{at:04}"), Priority::Bulk)).collect();
        let urgent: Vec<_> = (0..QUEUES).map(|at| queue("van", &format!("p{at:04}"), Priority::Urgent)).collect();
        all.extend(urgent.iter().take(10).cloned());
        all.push(queue("other", "lamps", Priority::Bulk));
        let (mut looked, mut looks) = (HashSet::new(), 0);
        while looked.len() < all.len() {
            let chosen = pace.queues(&none, all.clone(), after(0));
            assert_eq!(chosen.len(), QUEUES_A_LOOK);
            if looks % ELDEST_EVERY != ELDEST_EVERY - 1 {
                assert_eq!(chosen.iter().filter(|one| one.priority == Priority::Urgent).count(), 10, "look {looks}");
            }
            assert!(chosen.iter().any(|one| one.channel == "other"), "a channel with many keeps no other back");
            looked.extend(chosen);
            looks += 1;
            assert!(looks <= 20, "some starve: {} of {} were looked into", looked.len(), all.len());
        }
        // Though there are always more urgent ones than a look takes.
        all.extend(urgent);
        let is_bulk = |one: &Queue| one.priority == Priority::Bulk && one.channel == "van";
        let (mut looked, mut looks) = (HashSet::new(), 0);
        while looked.len() < QUEUES {
            looked.extend(pace.queues(&none, all.clone(), after(0)).into_iter().filter(is_bulk));
            looks += 1;
            assert!(looks <= 200, "they starve: {} of {QUEUES} were looked into", looked.len());
        }
    }

    #[test]
    fn an_answer_whose_call_is_over_goes_at_the_pace_of_the_channel_it_leaves_over() {
        let said = directory(
            "kind: channel\nname: calls\ntransport: http\nway: in\nauth: token\nanswer: { late: back }\n---\n\
             kind: channel\nname: back\ntransport: http\nway: out\nurl: https://lamps.example/\nconcurrency: 2\n",
        );
        let pace = Pace::default();
        let all = [normal("calls", 9), normal("back", 9)].concat();
        let chosen = pace.choose(&said, all.clone(), 16, after(0));
        assert_eq!(chosen.len(), 2, "both share the places of one channel");
        pace.leave(&said, &chosen[0].1, Reached::Busy(after(5_000)), after(0));
        pace.leave(&said, &chosen[1].1, Reached::Nothing, after(0));
        assert_eq!(pace.choose(&said, all, 16, after(4_999)), [], "what the receiver asked for counts for both");
        assert_eq!(pace.not_before("back", after(0)), Some(after(5_000)));
        pace.hasten(&said, "calls");
        assert_eq!(pace.not_before("back", after(0)), None);
    }
}
