//! From when until when agreements count: the newest valid one wins, and two that claim the same day are refused.

use super::directory::{Directory, Held};
use super::resource::{Agreement, Way};
use jiff::civil::Date;

/// A route with the agreement of way out that counts on it.
#[derive(Debug, Clone, Copy)]
pub struct WayOut<'d> {
    /// Name of the route.
    pub route: &'d str,
    /// Name of the agreement.
    pub name: &'d str,
    /// The agreement.
    pub agreement: &'d Agreement,
}

impl Agreement {
    /// Whether it counts on a day.
    #[must_use]
    pub fn is_valid_on(&self, day: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_until.is_none_or(|until| day <= until)
    }

    /// Whether two are about the same thing, so that only their days tell them apart.
    fn is_like(&self, other: &Agreement) -> bool {
        let same = self.way == other.way && self.partner == other.partner && self.environment == other.environment;
        let document = self.document.eq_ignore_ascii_case(&other.document);
        let envelope =
            (&self.envelope.sender, &self.envelope.receiver) == (&other.envelope.sender, &other.envelope.receiver);
        // Out, routes name the agreement, so there may be several over different channels.
        same && document && (self.way == Way::In || (self.channel == other.channel && envelope))
    }

    /// Whether both claim a day and neither follows the other. One without an end is followed by a newer one.
    fn clashes(&self, other: &Agreement) -> bool {
        let (older, newer) = if self.valid_from <= other.valid_from { (self, other) } else { (other, self) };
        let ended = |until: Option<Date>| until.is_some_and(|until| newer.valid_from.is_some_and(|from| until < from));
        let same_start = older.valid_from == newer.valid_from;
        same_start || (older.valid_until.is_some() && !ended(older.valid_until))
    }
}

impl Directory {
    /// The other agreements that claim days of this one.
    pub(super) fn check_validity(&self, name: &str, agreement: &Agreement) -> Vec<String> {
        let mut found = Vec::new();
        if let (Some(from), Some(until)) = (agreement.valid_from, agreement.valid_until)
            && until < from
        {
            found.push(format!("valid_until: expected a day from {from} on, found {until}"));
        }
        for (other_name, other) in self.agreements() {
            // Told once, at the later of the two names.
            if other_name.as_str() < name && agreement.is_like(other) && agreement.clashes(other) {
                let days = |one: &Agreement| {
                    let day =
                        |day: Option<Date>, open: &str| day.map_or_else(|| open.to_owned(), |day| day.to_string());
                    format!("{} to {}", day(one.valid_from, "always"), day(one.valid_until, "ever"))
                };
                found.push(format!(
                    "valid_from: expected days that agreement {other_name} has not, which is about the same and valid {}; \
                     found {}",
                    days(other),
                    days(agreement)
                ));
            }
        }
        found
    }

    /// The agreements that were about the same before this one, the latest first.
    pub(super) fn forerunners(&self, name: &str) -> Vec<&str> {
        let Some(agreement) = self.agreement(name) else { return Vec::new() };
        let like = self.agreements().iter().filter(|(other, one)| *other != name && one.is_like(agreement));
        let mut found: Vec<_> = like.filter(|(_, one)| one.valid_from < agreement.valid_from).collect();
        found.sort_by_key(|(_, one)| std::cmp::Reverse(one.valid_from));
        found.into_iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The agreement under which something goes out on a day, when a route names `name`: itself, or its successor.
    ///
    /// # Errors
    /// None is valid that day.
    pub fn agreement_out(&self, name: &str, day: Date) -> Result<&str, Held> {
        let missing = |reason: String| Held { code: "AGREEMENT-MISSING", reason };
        let Some(agreement) = self.agreement(name) else { return Err(missing(format!("no agreement {name}"))) };
        let like = self.agreements().iter().filter(|(_, other)| agreement.is_like(other) && other.is_valid_on(day));
        let newest = like.max_by_key(|(_, other)| other.valid_from).map(|(name, _)| name.as_str());
        newest.ok_or_else(|| {
            missing(format!("agreement {name} is not valid on {day}, nor is there a newer one; add one and apply"))
        })
    }

    /// The ways out that what came in under `agreement` goes on a day.
    ///
    /// # Errors
    /// One of the routes leads nowhere that day.
    pub fn outward(&self, agreement: &str, day: Date) -> Result<Vec<WayOut<'_>>, Held> {
        let mut found = Vec::new();
        for (route, said) in self.routes(agreement) {
            let name = self.agreement_out(&said.to, day)?;
            found.extend(self.agreement(name).map(|agreement| WayOut { route, name, agreement }));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::resource::parse;
    use super::*;

    fn agreement(from: &str, until: &str) -> Agreement {
        let from = if from.is_empty() { String::new() } else { format!(", valid_from: '{from}'") };
        let until = if until.is_empty() { String::new() } else { format!(", valid_until: '{until}'") };
        let text = format!("{{kind: agreement, name: a, way: in, partner: p, document: x12/004010/850{from}{until}}}");
        parse("f", &text).expect("a resource")[0].read().expect("an agreement")
    }

    #[test]
    fn a_newer_one_follows_and_days_are_claimed_once() {
        let clash = |one: [&str; 2], other: [&str; 2]| {
            let (one, other) = (agreement(one[0], one[1]), agreement(other[0], other[1]));
            assert_eq!(one.clashes(&other), other.clashes(&one), "the same both ways");
            one.clashes(&other)
        };
        assert!(clash(["", ""], ["", ""]), "twice the same");
        assert!(!clash(["", ""], ["2026-07-01", ""]), "a successor");
        assert!(!clash(["", "2026-06-30"], ["2026-07-01", ""]), "one after the other");
        assert!(clash(["", "2026-07-01"], ["2026-07-01", ""]), "one day of both");
        assert!(clash(["2026-01-01", "2026-12-31"], ["2026-07-01", ""]), "the older says it lasts");
        assert!(clash(["2026-01-01", ""], ["2026-01-01", "2026-02-01"]), "the same first day");
    }

    #[test]
    fn a_successor_takes_over_in_and_out_with_the_routes() {
        let text = "
{kind: partner, name: p, party_ids: [ZZ:P]}
---
{kind: channel, name: c, transport: http, way: out, url: 'https://p.example/in'}
---
{kind: agreement, name: old, way: in, partner: p, document: x12/004010/850}
---
{kind: agreement, name: new, way: in, partner: p, document: x12/004010/850, valid_from: '2026-07-01'}
---
{kind: agreement, name: out, way: out, partner: p, document: x12/004010/850, channel: c, valid_until: '2026-06-30', envelope: {sender: 'ZZ:US', receiver: 'ZZ:P'}}
---
{kind: agreement, name: out-2, way: out, partner: p, document: x12/004010/850, channel: c, valid_from: '2026-07-01', valid_until: '2026-12-31', envelope: {sender: 'ZZ:US', receiver: 'ZZ:P'}}
---
{kind: route, name: r, from: old, to: out}
";
        let directory = Directory::new(&parse("f", text).expect("resources")).expect("a directory");
        let day = |text: &str| text.parse::<Date>().expect("a day");
        let (june, july) = (day("2026-06-30"), day("2026-07-01"));
        let production = super::super::resource::Environment::Production;
        assert_eq!(directory.agreement_in("p", "x12/004010/850", production, june), Ok("old"));
        assert_eq!(directory.agreement_in("p", "x12/004010/850", production, july), Ok("new"));
        assert_eq!(directory.routes("new")[0].1.to, "out", "the forerunner's");
        assert_eq!(directory.agreement_out("out", june), Ok("out"));
        assert_eq!(directory.agreement_out("out", july), Ok("out-2"));
        let held = directory.agreement_out("out", day("2027-01-01")).expect_err("too late");
        assert!(held.code == "AGREEMENT-MISSING" && held.reason.contains("not valid on 2027-01-01"), "{held:?}");
        let twice = text.replace("valid_from: '2026-07-01'}", "valid_until: '2026-07-01'}");
        let errors = Directory::new(&parse("f", &twice).expect("resources")).expect_err("two at once");
        assert!(errors[0].message.contains("expected days that agreement new has not"), "{errors:?}");
    }
}
