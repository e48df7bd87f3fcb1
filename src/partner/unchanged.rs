//! What `unchanged: skip` and `vanished: tell` of an agreement want beside them, checked. What is done with them is not said here:
//! the pipeline compares, and the ledger notes what came last.

use super::directory::{Directory, NUMBERED};
use super::duplicate::Duplicate;
use super::resource::{Agreement, Channel, Way};

impl Directory {
    /// What does not fit an agreement that skips what is unchanged.
    pub(super) fn check_unchanged(&self, name: &str, agreement: &Agreement, found: &mut Vec<String>) {
        if agreement.tells_vanished() && !agreement.skips_unchanged() {
            found.push("vanished: expected with unchanged: skip, which notes what came last".to_owned());
        }
        if !agreement.skips_unchanged() {
            return;
        }
        if agreement.way == Way::Out {
            found.push("unchanged: expected in an agreement of way in, under which documents come".to_owned());
            return;
        }
        let has_numbers = NUMBERED.iter().any(|standard| agreement.document.starts_with(standard));
        if !has_numbers && agreement.duplicate != Duplicate::Allow {
            let why = "the number of its first document is else taken for that of the whole, which may not come again";
            found.push(format!("unchanged: expected with duplicate: allow where a document has no envelope; {why}"));
        }
        if let Some((called, asked)) = self.waited_for(name, agreement) {
            found.push(format!(
                "unchanged: expected take where a caller waits for an answer: of a document that makes no work none would \
                 come to the calls over channel {called}, which end at channel {asked}; let it come over a channel without \
                 answer"
            ));
        }
    }

    /// The channel whose calls may bring a document of an agreement and wait for what comes of it, and the one of a route from
    /// there that leads to an answer: the call's own, or one whose receiver is asked.
    fn waited_for(&self, name: &str, agreement: &Agreement) -> Option<(&str, &str)> {
        let may_send = |channel: &Channel| {
            let is_partner = channel.partners.is_empty() || channel.partners.contains(&agreement.partner);
            is_partner && channel.document.as_ref().is_none_or(|document| *document == agreement.document)
        };
        let mut calls = self.channels().filter(|(_, one)| one.answers_calls().is_some() && may_send(one));
        let (called, _) = calls.next()?;
        let outward =
            self.routes(name).into_iter().filter_map(|(_, route)| self.agreement(&route.to)?.channel.as_ref());
        let mut asked = outward.filter(|name| self.channel(name).is_some_and(|channel| channel.answer.is_some()));
        asked.next().map(|asked| (called.as_str(), asked.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::resource::parse;

    const FILE: &str = "
{kind: partner, name: erp, party_ids: ['ZZ:ERP']}
---
{kind: partner, name: lamps, party_ids: ['ZZ:LAMPS']}
---
{kind: channel, name: night, transport: http, way: in, auth: token, partners: [erp]}
---
{kind: channel, name: live, transport: http, way: in, auth: token, partners: [erp], answer: {}}
---
{kind: channel, name: plain, transport: http, way: out, url: 'https://lamps.example/in'}
---
{kind: channel, name: ask, transport: http, way: out, url: 'https://lamps.example/ask', answer: {}}
---
{kind: agreement, name: orders, way: in, partner: erp, document: x12/004010/850, unchanged: skip}
---
{kind: agreement, name: out, way: out, partner: lamps, document: edifact/d96a/ORDERS, channel: plain, envelope: {sender: 'ZZ:US', receiver: 'ZZ:LAMPS'}}
---
{kind: route, name: on, from: orders, to: out}
";

    /// What is wrong with the file after these changes; empty when nothing is.
    fn wrong(changes: &[(&str, &str)]) -> String {
        let text = changes.iter().fold(FILE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let resources = parse("file.yaml", &text).expect("resources");
        Directory::new(&resources).err().map(|errors| errors[0].to_string()).unwrap_or_default()
    }

    #[test]
    fn err_a_caller_that_waits_gets_no_answer_to_what_is_unchanged() {
        assert_eq!(wrong(&[]), "", "nobody waits for what goes over a plain channel");
        let expected = "unchanged: expected take where a caller waits for an answer";
        for (channel, words) in
            [("ask", "the calls over channel live, which end at channel ask"), ("live", "channel live")]
        {
            let told = wrong(&[("channel: plain", &format!("channel: {channel}"))]);
            assert!(told.contains(expected) && told.contains(words), "{told}");
        }
        let asks = ("channel: plain", "channel: ask");
        for apart in [
            // Its documents come over other channels only.
            ("auth: token, partners: [erp], answer", "auth: token, partners: [lamps], answer"),
            ("partners: [erp], answer: {}", "partners: [erp], document: csv/1/Order, answer: {}"),
            (", answer: {}}\n---\n{kind: channel, name: plain", "}\n---\n{kind: channel, name: plain"),
            (", unchanged: skip", ""),
        ] {
            assert_eq!(wrong(&[asks, apart]), "", "{apart:?}");
        }
    }

    #[test]
    fn err_what_it_wants_beside_it() {
        let told = |from: &str, to: &str| wrong(&[(from, to)]);
        assert!(told(", unchanged: skip", ", vanished: tell").contains("vanished: expected with unchanged: skip"));
        assert!(told("x12/004010/850, ", "csv/1/Order, ").contains("unchanged: expected with duplicate: allow"));
        assert_eq!(told("x12/004010/850, ", "csv/1/Order, duplicate: allow, "), "");
        let out = told("channel: plain, ", "channel: plain, unchanged: skip, ");
        assert!(out.contains("unchanged: expected in an agreement of way in"), "{out}");
    }
}
