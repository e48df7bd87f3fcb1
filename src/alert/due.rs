//! What a recipient is to be told now. One cause is told once, again when it grows or stays, and when it is over; what comes
//! within the time of a digest waits for it; nothing goes out in quiet hours unless it is bad enough; an escalation is told only
//! what nobody took up.

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
    /// Whether nobody took it up and it is not quiet for a while.
    pub is_open: bool,
    /// Whether its cause is gone.
    pub is_over: bool,
    /// When it was raised.
    pub raised_at: Timestamp,
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
        match one.told {
            None if !one.is_open || one.is_over => None,
            None => {
                let first = if after.is_some() { News::Escalated } else { News::Raised };
                has_passed(one.raised_at, after.unwrap_or_default().max(self.settle), now).then_some(first)
            }
            Some(told) if one.is_over => (!told.is_over && self.recipient.is_told_recoveries()).then_some(News::Over),
            Some(_) if !one.is_open => None,
            Some(told) if one.count > told.count && has_passed(told.at, GROWTH_EVERY, now) => Some(News::Grown),
            Some(told) => has_passed(told.at, REMIND_EVERY, now).then_some(News::Stands),
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
        Standing { severity, is_open: true, is_over: false, raised_at: begin(), count: 1, told: None }
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
        let over = Standing { is_over: true, is_open: false, ..known };
        assert_eq!(hours.due(&[over], first + MINUTE), [(0, News::Over)]);
        let never_told = Standing { told: None, ..over };
        assert_eq!(hours.due(&[never_told], first), [], "who heard nothing of it hears no end of it");
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
