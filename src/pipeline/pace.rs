//! Who may be sent to now, and how many at once: places, rates, circuits and what receivers asked for, by channel and partner. It
//! lives in this process only, which holds the ledger alone; after a start everybody may be tried again.
//!
//! Pure: time comes in as an argument. What leaves is leased by `departures`.

use crate::clock::Timestamp;
use crate::partner::CONCURRENCY;
use crate::partner::{Circuit, Directory, Rate};
use crate::store::Micros;
use crate::store::job::DueDelivery;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Attempts that begin together reach a receiver with some unevenness; windows of a rate are so much longer than it says.
const RATE_SLACK: Duration = Duration::from_millis(50);
/// Of so many places of a channel one goes to the longest waiting, whatever its priority, so that none starves.
const ELDEST_EVERY: u64 = 8;

/// What an attempt tells about its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The other side answered sensibly.
    Yes,
    /// It could not be reached or is in trouble.
    No,
    /// It asks to be left alone until then.
    Busy(Timestamp),
    /// What was tried tells nothing of it.
    Untold,
    /// Nothing was tried: the place counts for no rate.
    Nothing,
}

/// How a channel, or a partner, is doing.
#[derive(Debug, Default)]
struct Course {
    at_work: usize,
    /// When attempts began, as far back as a rate asks.
    begun: VecDeque<Timestamp>,
    failures: u32,
    /// Since when only probes go.
    open_since: Option<Timestamp>,
    /// Not before.
    not_before: Option<Timestamp>,
    /// How many places it was given.
    given: u64,
    /// When it was given one last, counted over all.
    last_given: u64,
}

impl Course {
    fn room(&self, places: usize, rate: Option<Rate>, now: Timestamp) -> usize {
        if self.not_before.is_some_and(|until| until > now) {
            return 0;
        }
        let places = if self.open_since.is_some() { 1 } else { places };
        let free = places.saturating_sub(self.at_work);
        let Some(rate) = rate else { return free };
        let since = now - (rate.per.time() + RATE_SLACK);
        let recent = self.begun.iter().filter(|at| **at > since).count();
        free.min(rate.count.saturating_sub(recent))
    }

    /// A place is free again; one that was not used counts for no rate.
    fn end(&mut self, is_used: bool) {
        self.at_work = self.at_work.saturating_sub(1);
        if !is_used {
            self.begun.pop_back();
        }
    }

    fn begin(&mut self, rate: Option<Rate>, now: Timestamp) {
        self.at_work += 1;
        if let Some(rate) = rate {
            self.begun.push_back(now);
            while self.begun.len() > rate.count {
                self.begun.pop_front();
            }
        }
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

#[derive(Debug, Default)]
struct All {
    channels: BTreeMap<String, Course>,
    partners: HashMap<String, Course>,
    given: u64,
}

/// How all are doing.
#[derive(Debug, Default)]
pub struct Pace(Mutex<All>);

impl Pace {
    fn all(&self) -> std::sync::MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing may go over a channel to a partner now.
    #[must_use]
    pub fn is_full(&self, directory: &Directory, channel: &str, partner: &str, now: Timestamp) -> bool {
        let all = self.all();
        channel_room(&all, directory, channel, now) == 0 || partner_room(&all, directory, partner, now) == 0
    }

    /// Which of those that are due go now, `free` at most, and gives them their places. Channels are served in turn, those with
    /// the fewest at work first; within a channel what is urgent goes first.
    #[must_use]
    pub fn choose(
        &self,
        directory: &Directory,
        due: Vec<DueDelivery>,
        free: usize,
        now: Timestamp,
    ) -> Vec<DueDelivery> {
        let mut all = self.all();
        let mut waiting: BTreeMap<String, Vec<DueDelivery>> = BTreeMap::new();
        for one in due {
            waiting.entry(one.channel.clone()).or_default().push(one);
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
            let Some(next) = next(&all, queue) else {
                waiting.remove(&channel);
                continue;
            };
            let one = queue.remove(next);
            if queue.is_empty() {
                waiting.remove(&channel);
            }
            give(&mut all, directory, &one, now);
            chosen.push(one);
        }
        chosen
    }

    /// A place is free again, and this came of it.
    pub fn leave(&self, directory: &Directory, one: &DueDelivery, reached: Reached, now: Timestamp) {
        let mut all = self.all();
        if let Some(course) = all.partners.get_mut(&one.partner) {
            course.end(reached != Reached::Nothing);
        }
        let rule = directory.channel(&one.channel).and_then(|channel| channel.circuit).unwrap_or_default();
        if let Some(course) = all.channels.get_mut(&one.channel) {
            course.end(reached != Reached::Nothing);
            note(&one.channel, course, rule, reached, now);
        }
        metrics::gauge!("portolan_circuits_open").set(open(&all).count() as f64);
    }

    /// Lets a channel be tried at once, whatever its receiver asked for; one whose circuit is open is probed. For what people
    /// want to go, or have changed.
    pub fn hasten(&self, channel: &str) {
        if let Some(course) = self.all().channels.get_mut(channel) {
            course.not_before = None;
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
        self.all().channels.get(channel).and_then(|course| course.not_before).filter(|until| *until > now)
    }
}

fn open(all: &All) -> impl Iterator<Item = OpenCircuit> {
    all.channels.iter().filter_map(|(channel, course)| {
        Some(OpenCircuit {
            channel: channel.clone(),
            since: course.open_since?.into(),
            failures: course.failures,
            next_probe: course.not_before.map(Micros::from),
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
/// longest waiting; and once in a while the longest waiting of all.
fn next(all: &All, queue: &[DueDelivery]) -> Option<usize> {
    let given = all.channels.get(&queue.first()?.channel).map_or(0, |course| course.given);
    let is_eldests = given % ELDEST_EVERY == ELDEST_EVERY - 1;
    let at_work = |one: &DueDelivery| all.partners.get(&one.partner).map_or(0, |course| course.at_work);
    let key = |one: &DueDelivery| match is_eldests {
        true => (0, 0, one.run_at),
        false => (one.priority.number(), at_work(one), one.run_at),
    };
    queue.iter().enumerate().min_by_key(|(_, one)| key(one)).map(|(at, _)| at)
}

fn give(all: &mut All, directory: &Directory, one: &DueDelivery, now: Timestamp) {
    all.given += 1;
    let course = all.channels.entry(one.channel.clone()).or_default();
    course.begin(directory.channel(&one.channel).and_then(|channel| channel.rate), now);
    (course.given, course.last_given) = (course.given + 1, all.given);
    let rate = directory.partner(&one.partner).and_then(|partner| partner.rate);
    all.partners.entry(one.partner.clone()).or_default().begin(rate, now);
}

fn note(channel: &str, course: &mut Course, rule: Circuit, reached: Reached, now: Timestamp) {
    match reached {
        Reached::Yes => {
            if course.open_since.is_some() {
                tracing::info!(channel, "The channel takes deliveries again");
            }
            (course.failures, course.open_since, course.not_before) = (0, None, None);
        }
        Reached::No => {
            course.failures += 1;
            if course.failures >= rule.failures() {
                if course.open_since.is_none() {
                    tracing::warn!(
                        channel,
                        failures = course.failures,
                        "Failures in a row; the channel is probed only"
                    );
                    course.open_since = Some(now);
                }
                course.not_before = Some(now + rule.wait());
            }
        }
        Reached::Busy(until) => course.not_before = course.not_before.max(Some(until)),
        // A probe that came to nothing: the next one waits as long.
        Reached::Untold if course.open_since.is_some() => course.not_before = Some(now + rule.wait()),
        Reached::Untold | Reached::Nothing => {}
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
            pace.leave(&none, &one, Reached::No, after(0));
        }
        assert_eq!(go("lamps", after(0)).len(), 0);
        let opened = pace.open_circuits();
        assert_eq!((opened.len(), opened[0].failures, opened[0].since), (1, 5, Micros(0)));
        assert_eq!(opened[0].next_probe, Some(Micros::from(after(0) + wait)));
        assert_eq!(go("others", after(0)).len(), CONCURRENCY, "each channel for itself");
        let probe = go("lamps", after(0) + wait);
        assert_eq!(probe.len(), 1, "one goes as a probe");
        assert_eq!(go("lamps", after(0) + wait).len(), 0, "the others wait on");
        pace.leave(&none, &probe[0], Reached::Yes, after(0) + wait);
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
        pace.leave(&said, &both[0], Reached::No, after(0));
        pace.leave(&said, &both[1], Reached::Nothing, after(0));
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
            for one in pace.choose(&said, normal("lamps", 9), 16, after(now)) {
                begun.push(now);
                pace.leave(&said, &one, Reached::Yes, after(now));
            }
        }
        assert!(begun.len() >= 27, "nearly all of the rate is used: {}", begun.len());
        for at in &begun {
            assert!(begun.iter().filter(|one| (*at..at + 1_000).contains(*one)).count() <= 3, "{begun:?}");
        }
    }

    #[test]
    fn a_place_that_was_not_used_counts_for_no_rate() {
        let said = directory(
            "kind: channel\nname: lamps\ntransport: http\nway: out\nurl: https://lamps.example/\nrate: { count: 3, per: minute }\n",
        );
        let pace = Pace::default();
        for _ in 0..9 {
            for one in pace.choose(&said, normal("lamps", 9), 16, after(0)) {
                pace.leave(&said, &one, Reached::Nothing, after(0));
            }
        }
        let chosen = pace.choose(&said, normal("lamps", 9), 16, after(0));
        assert_eq!(chosen.len(), 3);
        chosen.iter().for_each(|one| pace.leave(&said, one, Reached::Untold, after(0)));
        assert_eq!(pace.choose(&said, normal("lamps", 9), 16, after(0)), [], "what was tried counts");
    }

    #[test]
    fn a_partner_has_its_own_places_over_all_its_channels() {
        let said = directory("kind: partner\nname: lamps\nparty_ids: [\"ZZ:LAMPS\"]\nconcurrency: 3\n");
        let pace = Pace::default();
        let all = [normal("one", 9), normal("two", 9), vec![due("two", "other", Priority::Normal, 99)]].concat();
        let chosen = pace.choose(&said, all, 16, after(0));
        assert_eq!(chosen.iter().filter(|one| one.partner == "lamps").count(), 3);
        assert!(chosen.iter().any(|one| one.partner == "other"), "a full partner keeps no other from going");
        assert!(pace.is_full(&said, "three", "lamps", after(0)));
    }

    #[test]
    fn what_was_asked_for_slows_the_whole_channel() {
        let (pace, none) = (Pace::default(), Directory::default());
        let one = pace.choose(&none, normal("lamps", 1), 1, after(0)).remove(0);
        pace.leave(&none, &one, Reached::Busy(after(7_000)), after(0));
        assert_eq!(pace.choose(&none, normal("lamps", 9), 16, after(6_999)).len(), 0);
        assert_eq!(pace.choose(&none, normal("lamps", 9), 16, after(7_000)).len(), CONCURRENCY);
        assert_eq!(pace.open_circuits(), []);
    }

    #[test]
    fn what_a_person_wants_to_go_waits_for_no_probe_and_no_wish_of_the_receiver() {
        let (pace, none) = (Pace::default(), Directory::default());
        let go = || pace.choose(&none, normal("lamps", 9), 16, after(0));
        let one = pace.choose(&none, normal("lamps", 1), 1, after(0)).remove(0);
        pace.leave(&none, &one, Reached::Busy(after(7_000)), after(0));
        pace.hasten("lamps");
        let all = go();
        assert_eq!(all.len(), CONCURRENCY);
        all.iter().for_each(|one| pace.leave(&none, one, Reached::No, after(0)));
        let one = pace.choose(&none, normal("lamps", 1), 1, after(0)).remove(0);
        pace.leave(&none, &one, Reached::No, after(0));
        assert_eq!((go().len(), pace.open_circuits().len()), (0, 1));
        pace.hasten("lamps");
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
            let one = pace.choose(&none, waiting.clone(), 1, after(0)).remove(0);
            waiting.retain(|other| *other != one);
            pace.leave(&none, &one, Reached::Yes, after(0));
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
            if chosen.iter().any(|one| one.channel == "single") {
                assert!(round <= 6, "one turn of all channels at most");
                return;
            }
            chosen.iter().for_each(|one| pace.leave(&none, one, Reached::Yes, after(round)));
        }
        panic!("it starved");
    }
}
