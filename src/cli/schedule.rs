//! `portolan schedule next`: the times that a schedule comes to, so that a person sees what was written before it counts.

use super::client::{Answered, Instance};
use super::{Exit, input};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::partner::{Calendar, When, calendar, parse_all};
use anyhow::Context as _;
use reqwest::Method;
use serde_json::json;

/// Times that are printed, at most.
const COUNT_MAX: u16 = 1000;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    instance: Instance,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Print the next times of a schedule; without --calendar no instance is asked.
    Next(Next),
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan schedule next '*/15 6-20 * * mon-fri' --zone Europe/Berlin
  portolan schedule next 08:00 17:30 --calendar office
  portolan schedule next 90s --count 3")]
struct Next {
    /// Five fields of cron, or times of day, or a time between two.
    #[arg(required = true)]
    schedule: Vec<String>,
    /// IANA name of the time zone; the calendar's when left out, or UTC.
    #[arg(long)]
    zone: Option<String>,
    /// Only in the working time of this calendar of the instance.
    #[arg(long)]
    calendar: Option<String>,
    /// How many times.
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u16).range(1..=i64::from(COUNT_MAX)))]
    count: u16,
    /// Behind this time instead of now, such as 2026-03-28T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    after: Option<Timestamp>,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let Action::Next(next) = &arguments.action;
    let calendar = match &next.calendar {
        None => None,
        Some(name) => match calendar_of(&arguments.instance, name)? {
            Ok(found) => Some(found),
            Err(exit) => return Ok(exit),
        },
    };
    let when = next.when();
    if let Err(why) = when.schedule(calendar.as_ref()) {
        eprintln!("portolan schedule next: {why}");
        return Ok(Exit::Invalid);
    }
    let zone = match (&next.zone, &calendar) {
        (Some(name), _) => calendar::time_zone(name).map_err(anyhow::Error::msg)?,
        (None, Some(calendar)) => calendar.zone(),
        (None, None) => jiff::tz::TimeZone::UTC,
    };
    let after = next.after.unwrap_or_else(|| SystemClock.now());
    let following = |at: Timestamp| when.next(at, calendar.as_ref());
    let times = std::iter::successors(following(after), |at| following(*at)).take(usize::from(next.count));
    let times: Vec<_> = times.map(|at| at.to_zoned(zone.clone())).collect();
    if as_json {
        let items: Vec<_> = times
            .iter()
            .map(|at| json!({ "at": at.timestamp().as_microsecond(), "local": at.strftime("%FT%T%:z").to_string() }))
            .collect();
        input::print_json(&json!({ "items": items }))?;
    } else {
        let lines: String = times.iter().map(|at| at.strftime("%a %F %T %:z %Q\n").to_string()).collect();
        input::print(lines.as_bytes())?;
    }
    if times.is_empty() {
        eprintln!("portolan schedule next: it never comes in the working time of the calendar");
        return Ok(Exit::Invalid);
    }
    Ok(Exit::Ok)
}

impl Next {
    /// What was typed, by its form: times of day have colons, a time between two is one word.
    fn when(&self) -> When {
        let text = self.schedule.join(" ");
        let words: Vec<String> = text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut when = When { every: None, cron: None, at: Vec::new(), zone: self.zone.clone(), calendar: None };
        match words.as_slice() {
            [first, ..] if first.contains(':') => when.at = words,
            [_] if !text.contains('@') => when.every = Some(text),
            _ => when.cron = Some(text),
        }
        when
    }
}

/// A calendar of the instance.
fn calendar_of(instance: &Instance, name: &str) -> anyhow::Result<Result<Calendar, Exit>> {
    let text = match instance.ask(Method::GET, "/api/v1/resources", &[], None)? {
        Answered::Refused(exit) => return Ok(Err(exit)),
        Answered::Done(text) => text,
    };
    let (all, _) = parse_all("the instance", text.as_str().unwrap_or_default());
    let calendars: Vec<_> = all.into_iter().filter(|one| one.kind == "calendar").collect();
    if let Some(found) = calendars.iter().find(|one| one.name == name) {
        return Ok(Ok(serde_json::from_value(found.body.clone()).with_context(|| format!("calendar {name}"))?));
    }
    let names: Vec<_> = calendars.iter().map(|one| one.name.as_str()).collect();
    eprintln!("portolan schedule next: no calendar {name}{}", crate::near::hint(name, &names));
    Ok(Err(Exit::NotFound))
}
