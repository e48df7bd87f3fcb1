//! What a recipient is to be told now. One cause is told once, again when it grows, stays or was quiet for a while, and when it is
//! over; what comes within the time of a digest waits for it; nothing goes out in quiet hours unless it is bad enough; what is over
//! before either ends is told then; an escalation is told only what nobody took up.

use crate::clock::{AHEAD_MAX, Timestamp};
use crate::partner::calendar::{is_between, time_of_day};
use crate::partner::{Calendar, Recipient, Severity};
use jiff::tz::TimeZone;
use std::time::Duration;

/// How often growth is told, at most.
pub const GROWTH_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often is told that an alarm stands that nobody took up.
pub const REMIND_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// An alarm as it stands, and what the recipient knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How bad it is.
    pub severity: Severity,
    /// Whether nobody took it up and it is not quiet for a while; of one that is over, whether nobody ever did.
    pub is_open: bool,
    /// Whether it is over by itself as time passes, as events that are counted are, and happened all the same.
    pub is_passing: bool,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When its time of quiet ended, where it had one and stands.
    pub woken_at: Option<Timestamp>,
    /// When its cause was gone.
    pub ended_at: Option<Timestamp>,
    /// How many there are.
    pub count: i64,
    /// What the recipient knows.
    pub told: Option<Told>,
}

/// What a recipient was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// How many there were.
    pub count: i64,
    /// That it is over.
    pub is_over: bool,
}

/// What is new in an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// It was raised.
    Raised,
    /// Nobody took it up for so long that this recipient is told.
    Escalated,
    /// There are more.
    Grown,
    /// It stands, and nobody took it up.
    Stands,
    /// Its time of quiet is over, and it stands.
    Woken,
    /// It was, and is over, before this recipient could be told.
    Passed,
    /// It is over.
    Over,
}

/// A recipient, with what its hours depend on.
#[derive(Debug, Clone)]
pub struct Hours<'r> {
    /// Who it is.
    pub recipient: &'r Recipient,
    /// The calendar of its quiet hours.
    pub calendar: Option<&'r Calendar>,
    /// The time zone of times of day.
    pub zone: TimeZone,
    /// How far the present time is ahead of the machine's clock, by which people live.
    pub ahead: Duration,
    /// When it was told something last.
    pub told_last: Option<Timestamp>,
    /// How long an alarm stands before it is told first.
    pub settle: Duration,
}

impl Hours<'_> {
    /// Whether nothing of this severity is told at a time.
    #[must_use]
    pub fn is_quiet(&self, severity: Severity, now: Timestamp) -> bool {
        let Some(quiet) = self.recipient.quiet.as_ref().filter(|quiet| severity < quiet.unless) else { return false };
        let here = now - self.ahead;
        let time = |text: &Option<String>| text.as_ref().and_then(|text| time_of_day(text).ok());
        let by_clock = match (time(&quiet.from), time(&quiet.to)) {
            (Some(from), Some(to)) => is_between(here.to_zoned(self.zone.clone()).time(), from, to),
            _ => false,
        };
        by_clock || self.calendar.is_some_and(|calendar| !calendar.is_working(here))
    }

    /// What is new of these alarms for the recipient, by their places. They go together; none: nothing is to be told now.
    #[must_use]
    pub fn due(&self, all: &[Standing], now: Timestamp) -> Vec<(usize, News)> {
        let news = all.iter().enumerate().filter_map(|(at, one)| Some((at, self.news(one, now)?)));
        let due: Vec<_> = news.filter(|(at, _)| !self.is_quiet(all[*at].severity, now)).collect();
        let digest = Duration::from_secs(self.recipient.digest_minutes * 60);
        let waits = self.told_last.is_some_and(|last| !has_passed(last, digest, now));
        let is_urgent = |(at, news): &(usize, News)| {
            all[*at].severity == Severity::Critical && matches!(news, News::Raised | News::Escalated)
        };
        if waits && !due.iter().any(is_urgent) { Vec::new() } else { due }
    }

    fn news(&self, one: &Standing, now: Timestamp) -> Option<News> {
        let after = self.recipient.after_minutes.map(|minutes| Duration::from_secs(minutes * 60));
        let wait = after.unwrap_or_default().max(self.settle);
        let has_woken = |told: Told| {
            one.woken_at.is_some_and(|woken| told.at < woken && has_passed(woken, after.unwrap_or_default(), now))
        };
        match one.told {
            None if !one.is_open || !has_passed(one.raised_at, wait, now) => None,
            None if one.ended_at.is_some() => self.is_worth_telling(one, wait).then_some(News::Passed),
            None if after.is_some() => Some(News::Escalated),
            None => Some(News::Raised),
            Some(told) if one.ended_at.is_some() => {
                (!told.is_over && self.recipient.is_told_recoveries()).then_some(News::Over)
            }
            Some(_) if !one.is_open => None,
            Some(told) if has_woken(told) => Some(News::Woken),
            Some(told) if one.count > told.count && has_passed(told.at, GROWTH_EVERY, now) => Some(News::Grown),
            Some(told) => has_passed(told.at, REMIND_EVERY, now).then_some(News::Stands),
        }
    }

    /// Whether one that is over and was not told has to be: what happened always; what was so for a while, where somebody would have
    /// had to do something. Who is told what nobody took up is told neither unless it was there for so long.
    fn is_worth_telling(&self, one: &Standing, wait: Duration) -> bool {
        let has_lasted = one.ended_at.is_some_and(|ended| has_passed(one.raised_at, wait, ended));
        match one.is_passing {
            true => self.recipient.after_minutes.is_none() || has_lasted,
            false => one.severity >= Severity::Error && has_lasted,
        }
    }
}

/// Whether so much time has passed since something. What lies more than a day ahead was noted before the clock was set back by
/// that, and nobody waits for that time to come again; what lies a little ahead was noted before a restart.
fn has_passed(since: Timestamp, wait: Duration, now: Timestamp) -> bool {
    since > now + AHEAD_MAX || now >= since + wait
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::{Quiet, Recipient};

    const MINUTE: Duration = Duration::from_secs(60);

    fn begin() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().expect("a time")
    }

    fn recipient() -> Recipient {
        Recipient::of_mail(vec!["edi@example.com".into()], None)
    }

    fn hours(recipient: &Recipient) -> Hours<'_> {
        Hours {
            recipient,
            calendar: None,
            zone: TimeZone::UTC,
            ahead: Duration::ZERO,
            told_last: None,
            settle: MINUTE / 2,
        }
    }

    fn raised(severity: Severity) -> Standing {
        Standing {
            severity,
            is_open: true,
            is_passing: false,
            raised_at: begin(),
            woken_at: None,
            ended_at: None,
            count: 1,
            told: None,
        }
    }

    fn told(one: Standing, at: Timestamp, count: i64) -> Standing {
        Standing { told: Some(Told { at, count, is_over: false }), ..one }
    }

    #[test]
    fn one_cause_is_told_once_and_when_it_is_over() {
        let recipient = recipient();
        let hours = hours(&recipient);
        let one = raised(Severity::Error);
        assert_eq!(hours.due(&[one], begin() + MINUTE / 4), [], "it may still be gathering");
        let first = begin() + MINUTE;
        assert_eq!(hours.due(&[one], first), [(0, News::Raised)]);
        let known = told(one, first, 1);
        assert_eq!(hours.due(&[known], first + 300 * MINUTE), []);
        let grown = Standing { count: 312, ..known };
        assert_eq!(hours.due(&[grown], first + 59 * MINUTE), []);
        assert_eq!(hours.due(&[grown], first + 60 * MINUTE), [(0, News::Grown)]);
        assert_eq!(hours.due(&[known], first + REMIND_EVERY), [(0, News::Stands)]);
        let taken_up = Standing { is_open: false, ..grown };
        assert_eq!(hours.due(&[taken_up], first + REMIND_EVERY), []);
        let over = Standing { ended_at: Some(first + MINUTE), is_open: false, ..known };
        assert_eq!(hours.due(&[over], first + MINUTE), [(0, News::Over)]);
        let never_told = Standing { told: None, ..over };
        assert_eq!(hours.due(&[never_told], first + MINUTE), [], "somebody took it up, and it is over");
        let known_over = Standing { told: Some(Told { is_over: true, at: first, count: 1 }), ..over };
        assert_eq!(hours.due(&[known_over], first + REMIND_EVERY), []);
    }

    #[test]
    fn a_storm_is_one_mail_and_then_a_digest() {
        let recipient = recipient();
        let now = begin() + MINUTE;
        let storm: Vec<_> = (0..50).map(|_| raised(Severity::Error)).collect();
        assert_eq!(hours(&recipient).due(&storm, now).len(), 50, "all of it in one");
        let just_told = Hours { told_last: Some(now), ..hours(&recipient) };
        let later = Standing { raised_at: now, ..raised(Severity::Error) };
        assert_eq!(just_told.due(&[later], now + 14 * MINUTE), []);
        assert_eq!(just_told.due(&[later], now + 15 * MINUTE), [(0, News::Raised)]);
        let urgent = Standing { severity: Severity::Critical, ..later };
        assert_eq!(
            just_told.due(&[later, urgent], now + MINUTE).len(),
            2,
            "what is critical goes, and takes the rest along"
        );
    }

    #[test]
    fn what_was_over_before_it_could_be_told_is_told_in_the_digest() {
        let recipient = recipient();
        let just_told = Hours { told_last: Some(begin()), ..hours(&recipient) };
        let over = |one: Standing, minutes: u32| Standing { ended_at: Some(begin() + MINUTE * minutes), ..one };
        let (warning, error) = (raised(Severity::Warning), raised(Severity::Error));
        let event = Standing { is_passing: true, ..warning };
        let all = [over(error, 2), over(warning, 2), over(event, 2)];
        assert_eq!(just_told.due(&all, begin() + 14 * MINUTE), [], "none has a mail of its own");
        let digest = begin() + 15 * MINUTE;
        assert_eq!(
            just_told.due(&all, digest),
            [(0, News::Passed), (2, News::Passed)],
            "a warning that is over is not"
        );
        let critical = over(raised(Severity::Critical), 2);
        assert_eq!(just_told.due(&[critical], begin() + 3 * MINUTE), [], "what is over cannot be hurried");
        assert_eq!(just_told.due(&[over(error, 0)], digest), [], "it did not stand for as long as what is told");
        assert_eq!(just_told.due(&[over(event, 0)], digest), [(0, News::Passed)], "it happened all the same");
        let known = Told { at: digest, count: 1, is_over: true };
        assert_eq!(just_told.due(&[Standing { told: Some(known), ..all[0] }], digest + REMIND_EVERY), []);
    }

    #[test]
    fn what_was_over_in_quiet_hours_is_told_at_their_end() {
        let quiet = Quiet {
            from: Some("20:00".to_owned()),
            to: Some("07:00".to_owned()),
            calendar: None,
            unless: Severity::Critical,
        };
        let asleep = Recipient { quiet: Some(quiet), ..recipient() };
        let hour = 60 * MINUTE;
        let raised_at = begin() + 9 * hour;
        let event =
            Standing { is_passing: true, raised_at, ended_at: Some(raised_at + hour), ..raised(Severity::Warning) };
        assert_eq!(hours(&asleep).due(&[event], begin() + 18 * hour), [], "six in the morning");
        assert_eq!(hours(&asleep).due(&[event], begin() + 19 * hour), [(0, News::Passed)]);
        let boss = Recipient { after_minutes: Some(30), ..asleep };
        assert_eq!(
            hours(&boss).due(&[event], begin() + 19 * hour),
            [(0, News::Passed)],
            "nobody took it up for an hour"
        );
        let brief = Standing { ended_at: Some(raised_at + 29 * MINUTE), ..event };
        assert_eq!(hours(&boss).due(&[brief], begin() + 19 * hour), []);
    }

    #[test]
    fn what_still_stands_when_its_quiet_ends_is_told_then() {
        let recipient = recipient();
        let (told_at, until) = (begin() + MINUTE, begin() + 240 * MINUTE);
        let snoozed = Standing { is_open: false, ..told(raised(Severity::Error), told_at, 1) };
        assert_eq!(hours(&recipient).due(&[snoozed], until), []);
        let woken = Standing { is_open: true, woken_at: Some(until), ..snoozed };
        assert_eq!(hours(&recipient).due(&[woken], until), [(0, News::Woken)]);
        let known = told(woken, until, 1);
        assert_eq!(hours(&recipient).due(&[known], until + 60 * MINUTE), [], "once");
        assert_eq!(hours(&recipient).due(&[known], until + REMIND_EVERY), [(0, News::Stands)]);
        let boss = Recipient { after_minutes: Some(30), ..recipient };
        assert_eq!(hours(&boss).due(&[woken], until + 29 * MINUTE), []);
        assert_eq!(hours(&boss).due(&[woken], until + 30 * MINUTE), [(0, News::Woken)]);
    }

    #[test]
    fn nothing_is_told_in_quiet_hours_unless_it_is_bad_enough() {
        let quiet = |from: Option<&str>, calendar: Option<&str>| Recipient {
            quiet: Some(Quiet {
                from: from.map(str::to_owned),
                to: from.map(|_| "07:00".to_owned()),
                calendar: calendar.map(str::to_owned),
                unless: Severity::Critical,
            }),
            ..recipient()
        };
        let (night, morning) = (begin() + 11 * 60 * MINUTE, begin() + 19 * 60 * MINUTE);
        let by_clock = quiet(Some("22:00"), None);
        assert_eq!(hours(&by_clock).due(&[raised(Severity::Error)], night), []);
        assert_eq!(hours(&by_clock).due(&[raised(Severity::Critical)], night).len(), 1);
        assert_eq!(hours(&by_clock).due(&[raised(Severity::Error)], morning).len(), 1, "it waits for the morning");
        let by_calendar = quiet(None, Some("office"));
        let office = Calendar { days: vec!["mon".into()], ..Calendar::always() };
        let idle = Hours { calendar: Some(&office), ..hours(&by_calendar) };
        assert_eq!(idle.due(&[raised(Severity::Error)], begin() + MINUTE), [], "a Friday");
        assert_eq!(idle.due(&[raised(Severity::Error)], begin() + 3 * 24 * 60 * MINUTE).len(), 1);
    }

    #[test]
    fn it_is_quiet_by_the_machines_clock_while_the_ledgers_is_ahead() {
        let quiet = Quiet {
            from: Some("22:00".to_owned()),
            to: Some("07:00".to_owned()),
            calendar: None,
            unless: Severity::Critical,
        };
        let asleep = Recipient { quiet: Some(quiet), ..recipient() };
        let night = begin() + 12 * 60 * MINUTE;
        let ahead = Hours { ahead: 10 * 60 * MINUTE, ..hours(&asleep) };
        assert_eq!(ahead.due(&[raised(Severity::Error)], night).len(), 1, "two in the afternoon");
        let morning = begin() + 20 * 60 * MINUTE;
        assert_eq!(ahead.due(&[raised(Severity::Error)], morning), [], "ten at night");
    }

    #[test]
    fn what_was_told_in_a_time_that_was_none_keeps_nobody_from_being_told() {
        let recipient = recipient();
        let month = 30 * 24 * 60 * MINUTE;
        let wrong = Hours { told_last: Some(begin() + month), ..hours(&recipient) };
        assert_eq!(wrong.due(&[raised(Severity::Error)], begin() + MINUTE), [(0, News::Raised)]);
        let later = Standing { raised_at: begin() + month, ..raised(Severity::Error) };
        assert_eq!(hours(&recipient).due(&[later], begin() + MINUTE), [(0, News::Raised)]);
        // A restart may go on a little before what was told last.
        let known = told(raised(Severity::Error), begin() + 2 * MINUTE, 1);
        assert_eq!(hours(&recipient).due(&[known], begin() + MINUTE), []);
    }

    #[test]
    fn an_escalation_is_told_what_nobody_took_up() {
        let boss = Recipient { after_minutes: Some(30), ..recipient() };
        let one = raised(Severity::Error);
        assert_eq!(hours(&boss).due(&[one], begin() + 29 * MINUTE), []);
        assert_eq!(hours(&boss).due(&[one], begin() + 30 * MINUTE), [(0, News::Escalated)]);
        let taken_up = Standing { is_open: false, ..one };
        assert_eq!(hours(&boss).due(&[taken_up], begin() + 60 * MINUTE), []);
    }
}
