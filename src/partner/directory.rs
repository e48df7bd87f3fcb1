//! All resources together, checked against each other; and the decisions: who sent this, under which agreement it
//! falls, where it goes. Made anew when resources change; cheap to share.

use super::alarm::Watching;
use super::overlay::Overlays;
use super::preset;
use super::resource::{
    Agreement, As2, Attachments, Auth, Certificate, Channel, Environment, KINDS, Mailbox, Partner, PartyId, Resource,
    ResourceError, Route, Way, Webhook,
};
use crate::diagnostic::Syntax;
use crate::near::hint;
use std::collections::BTreeMap;

/// The resources at work.
#[derive(Debug, Default)]
pub struct Directory {
    pub(super) partners: BTreeMap<String, Partner>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) auths: BTreeMap<String, Auth>,
    pub(super) mailboxes: BTreeMap<String, Mailbox>,
    pub(super) certificates: BTreeMap<String, Certificate>,
    agreements: BTreeMap<String, Agreement>,
    routes: BTreeMap<String, Route>,
    pub(super) webhooks: BTreeMap<String, Webhook>,
    pub(super) watching: Watching,
    pub(super) overlays: Overlays,
}

/// Standards whose interchanges have numbers of their own.
pub(super) const NUMBERED: [&str; 3] = ["x12/", "edifact/", "cxml/"];
/// Kinds that are kept as they are written.
const OVERLAYS: [&str; 4] = ["mapping", "transformation", "guide", "table"];

/// What an envelope says of its sender.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'e> {
    /// Whose envelope names it.
    pub syntax: Syntax,
    /// ISA05, UNB 0007.
    pub scheme: &'e str,
    /// ISA06, UNB 0004.
    pub value: &'e str,
}

impl Sender<'_> {
    /// Whether a party id is meant. Domains of cXML are written as everybody likes: NetworkID, NetworkId.
    #[must_use]
    pub fn is_called(&self, id: &PartyId) -> bool {
        let is_scheme = |own: &str| match self.syntax {
            Syntax::Xml => own.trim().eq_ignore_ascii_case(self.scheme.trim()),
            _ => own.trim() == self.scheme.trim(),
        };
        id.value == self.value.trim() && id.scheme.as_deref().is_none_or(is_scheme)
    }
}

/// Why something waits: a stable word and a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// `PARTNER-UNKNOWN`, `SENDER-NOT-ALLOWED`, `ENVIRONMENT-MISMATCH`, `AGREEMENT-MISSING`.
    pub code: &'static str,
    /// For people.
    pub reason: String,
}

impl Directory {
    /// Reads resources and holds them against each other.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn new(resources: &[Resource]) -> Result<Self, Vec<ResourceError>> {
        let (mut directory, mut errors) = (Directory::default(), Vec::new());
        let mut seen = BTreeMap::new();
        let mut broken = Vec::new();
        for one in resources {
            let wrong = one.check_shape();
            if !wrong.is_empty() {
                broken.push(format!("{} {} is not there", one.kind, one.name));
                errors.extend(wrong);
                continue;
            }
            if let Some(before) = seen.insert(one.id(), &one.place) {
                errors.push(one.error(&format!("stands twice, first at {before}")));
            }
            if OVERLAYS.contains(&one.kind.as_str()) {
                errors.append(&mut directory.overlays.take(one));
                continue;
            }
            let done = match one.kind.as_str() {
                "partner" => one.read().map(|read| drop(directory.partners.insert(one.name.clone(), read))),
                "channel" => preset::applied(one)
                    .and_then(|one| one.read())
                    .map(|read| drop(directory.channels.insert(one.name.clone(), read))),
                "auth" => one.read().map(|read| drop(directory.auths.insert(one.name.clone(), read))),
                "mailbox" => one.read().map(|read| drop(directory.mailboxes.insert(one.name.clone(), read))),
                "certificate" => one.read().map(|read| drop(directory.certificates.insert(one.name.clone(), read))),
                "agreement" => one.read().map(|read| drop(directory.agreements.insert(one.name.clone(), read))),
                "route" => one.read().map(|read| drop(directory.routes.insert(one.name.clone(), read))),
                "webhook" => one.read().map(|read| drop(directory.webhooks.insert(one.name.clone(), read))),
                "alert" => one.read().map(|read| drop(directory.watching.alerts.insert(one.name.clone(), read))),
                "recipient" => {
                    one.read().map(|read| drop(directory.watching.recipients.insert(one.name.clone(), read)))
                }
                "calendar" => one.read().map(|read| drop(directory.watching.calendars.insert(one.name.clone(), read))),
                other => Err(one.error(&format!("expected a kind of {}, found {other}", KINDS.join(", ")))),
            };
            errors.extend(done.err());
        }
        for one in resources {
            // What is there and wrong is told once, not by all who name it.
            let told = |message: &String| broken.iter().any(|one| message.contains(one.as_str()));
            errors.extend(directory.check(one).into_iter().filter(|message| !told(message)).map(|message| {
                // What is wrong begins with its key.
                let (key, message) = message.split_once(": ").unwrap_or(("", &message));
                one.error_at(key, message)
            }));
        }
        if errors.is_empty() { Ok(directory) } else { Err(errors) }
    }

    /// What does not fit the other resources.
    fn check(&self, one: &Resource) -> Vec<String> {
        let mut found = Vec::new();
        match one.kind.as_str() {
            "partner" => {
                for id in self.partners.get(&one.name).into_iter().flat_map(|partner| &partner.party_ids) {
                    let others = self.partners.iter().filter(|(name, _)| **name != one.name);
                    let other = others.clone().find(|(_, other)| other.party_ids.contains(id));
                    found.extend(other.map(|(name, _)| format!("party_ids: {id} is partner {name}'s too")));
                }
            }
            "channel" => {
                if let Some(channel) = self.channels.get(&one.name) {
                    self.check_channel(channel, &mut found);
                    self.check_answer(channel, &mut found);
                    self.check_as2(&one.name, channel, &mut found);
                    self.check_reach(channel, &mut found);
                    self.check_sftp(&one.name, channel, &mut found);
                    self.check_files(&one.name, channel, &mut found);
                    self.check_times(channel, &mut found);
                }
            }
            "agreement" => {
                if let Some(agreement) = self.agreements.get(&one.name) {
                    self.check_agreement(agreement, &mut found);
                    self.check_unchanged(&one.name, agreement, &mut found);
                    found.extend(self.check_validity(&one.name, agreement));
                    let overlays = self.check_overlays(agreement).into_iter();
                    found.extend(overlays.map(|(key, message)| format!("{key}: {message}")));
                }
            }
            "auth" => self.auths.get(&one.name).into_iter().for_each(|auth| self.check_auth(auth, &mut found)),
            "webhook" => self.webhooks.get(&one.name).into_iter().for_each(|hook| self.check_webhook(hook, &mut found)),
            "mailbox" => self.check_mailbox(&one.name, &mut found),
            "alert" => self.check_alert(one, &mut found),
            "recipient" => self.check_recipient(&one.name, &mut found),
            "calendar" => self.calendar(&one.name).into_iter().for_each(|calendar| calendar.check(&mut found)),
            "certificate" => {}
            kind if OVERLAYS.contains(&kind) => {}
            _ => {
                if let Some(route) = self.routes.get(&one.name) {
                    self.check_way("from", &route.from, Way::In, &mut found);
                    self.check_way("to", &route.to, Way::Out, &mut found);
                    let known = &self.overlays.transformations;
                    for name in route.through.iter().filter(|name| !known.contains_key(*name)) {
                        found.push(missing("through", "transformation", name, known.keys()));
                    }
                    if let (Some(from), Some(to)) = (self.agreements.get(&route.from), self.agreements.get(&route.to))
                        && from.environment != to.environment
                    {
                        let (wanted, came) = (from.environment.as_str(), to.environment.as_str());
                        found.push(format!("to: expected an agreement for {wanted}, found {}, for {came}", route.to));
                    }
                }
            }
        }
        found
    }

    fn check_channel(&self, channel: &Channel, found: &mut Vec<String>) {
        channel.retry.iter().for_each(|retry| retry.check(found));
        channel.check_pace(found);
        if channel.document.as_ref().is_some_and(|document| document.split('/').count() != 3) {
            found.push("document: expected such as csv/1/Order".to_owned());
        }
        for name in channel.partners.iter().filter(|name| !self.partners.contains_key(*name)) {
            found.push(missing("partners", "partner", name, self.partners.keys()));
        }
        match channel.way {
            // Who comes in there is said by the mailbox; to a folder of files it is we who go.
            _ if channel.transport == "sftp" || channel.transport == "folder" => {}
            Way::In if channel.is_open() && channel.cxml.is_none() && channel.as2.is_none() => {
                found.push("auth: expected token or basic; a channel in lets nobody in without".to_owned());
            }
            Way::Out if channel.cxml.is_some() => {
                found.push("cxml: expected in a channel of way in only, found in one of way out".to_owned());
            }
            Way::Out if channel.url.as_ref().is_none_or(|url| !url.starts_with("http")) => {
                found.push("url: expected where to send, such as https://partner.example/in".to_owned());
            }
            _ => {}
        }
        // Who holds the secret speaks for all who may send here, unless it is told who that is.
        if let Some(cxml) = channel.cxml.as_ref().filter(|cxml| cxml.senders.is_empty() && channel.partners.len() != 1)
        {
            let found_partners = if channel.partners.is_empty() { "every partner" } else { "several partners" };
            let secret = &cxml.secret.secret;
            found.push(format!(
                "cxml: expected one partner in partners, or senders that say who speaks for others, found neither: who knows \
                 {secret} could speak for {found_partners}"
            ));
        }
        let punchout = channel.cxml.as_ref().and_then(|cxml| cxml.punchout.as_ref());
        if let Some(url) = punchout.filter(|url| !url.starts_with("http")) {
            found.push(format!("cxml.punchout: expected such as https://shop.example/punchout, found {url}"));
        }
    }

    fn check_answer(&self, channel: &Channel, found: &mut Vec<String>) {
        let Some(answer) = &channel.answer else { return };
        if channel.transport != "http" {
            found.push("answer: expected in a channel of transport http only".to_owned());
        }
        if channel.way == Way::Out {
            let of_calls = [("at_once", answer.at_once.is_some()), ("late", answer.late.is_some())];
            let wrong = of_calls.iter().filter(|(_, is_there)| *is_there);
            found.extend(wrong.map(|(key, _)| format!("answer.{key}: expected in a channel of way in only")));
        }
        let Some(late) = &answer.late else { return };
        match self.channels.get(late) {
            None => found.push(missing("answer.late", "channel", late, self.channels.keys())),
            Some(channel) if channel.way == Way::In || channel.transport != "http" => {
                found.push(format!("answer.late: expected a channel of way out and of transport http, found {late}"));
            }
            Some(channel) if channel.answer.is_some() => {
                found.push(format!("answer.late: expected a channel without answer, found {late}, which asks for one"));
            }
            Some(_) => {}
        }
    }

    fn check_as2(&self, name: &str, channel: &Channel, found: &mut Vec<String>) {
        let as2 = match (channel.transport == "as2", &channel.as2) {
            (true, Some(as2)) => as2,
            (true, None) => return found.push("as2: expected the pair of AS2 names, found none".to_owned()),
            (false, Some(_)) => return found.push("as2: expected in a channel of transport as2 only".to_owned()),
            (false, None) => return,
        };
        as2.check(channel.way == Way::In, found);
        self.check_calendar("as2.receipt_calendar", as2.receipt_calendar.as_ref(), found);
        if channel.cxml.is_some() {
            found.push("cxml: expected in a channel of transport http only".to_owned());
        }
        if channel.partners.len() != 1 {
            found.push(format!("partners: expected the one partner of the pair, found {}", channel.partners.len()));
        }
        for (key, names) in [("as2.certificates", &as2.certificates), ("as2.keys", &as2.keys)] {
            for one in names {
                match self.certificates.get(one) {
                    None => found.push(missing(key, "certificate", one, self.certificates.keys())),
                    Some(Certificate { key: None, .. }) if key == "as2.keys" => {
                        found.push(format!("{key}: expected a certificate with a key, found {one}, which has none"));
                    }
                    Some(_) => {}
                }
            }
        }
        let is_same = |other: &As2| (&other.from, &other.to) == (&as2.from, &as2.to);
        let mut others = self.channels.iter().filter(|(other, _)| *other != name);
        let other = others.find(|(_, other)| other.way == channel.way && other.as2.as_ref().is_some_and(is_same));
        if let (Some((other, _)), Way::In) = (other, channel.way) {
            let (from, to) = (&as2.from, &as2.to);
            found.push(format!("as2.from: expected a pair of its own, found that of channel {other}: {from} to {to}"));
        }
    }

    fn check_agreement(&self, agreement: &Agreement, found: &mut Vec<String>) {
        if !self.partners.contains_key(&agreement.partner) {
            found.push(missing("partner", "partner", &agreement.partner, self.partners.keys()));
        }
        if agreement.document.split('/').count() != 3 {
            found.push(format!("document: expected such as x12/004010/850, found {}", agreement.document));
        }
        agreement.ack.iter().for_each(|ack| ack.check(&agreement.document, found));
        if let Some(name) = agreement.ack.as_ref().and_then(|ack| ack.advice.as_ref()) {
            self.check_way("ack.advice", name, Way::Out, found);
            if let Some(advice) = self.agreements.get(name).filter(|advice| advice.environment != agreement.environment)
            {
                let (wanted, came) = (agreement.environment.as_str(), advice.environment.as_str());
                found.push(format!("ack.advice: expected an agreement for {wanted}, found {name}, for {came}"));
            }
        }
        for expect in &agreement.expect {
            expect.check(&agreement.document, found);
            self.check_calendar("expect.calendar", expect.calendar.as_ref(), found);
        }
        let answers = |name: &String| self.channels.get(name).is_some_and(|one| one.answers_calls().is_some());
        let own = agreement.channel.iter().filter(|name| !answers(name));
        for name in own.chain(agreement.ack.iter().map(|ack| &ack.channel)) {
            match self.channels.get(name) {
                None => found.push(missing("channel", "channel", name, self.channels.keys())),
                Some(channel) if channel.way == Way::In => {
                    found.push(format!("channel: expected one of way out, found {name}, which is in"));
                }
                Some(_) => {}
            }
        }
        agreement.check_order(found);
        let over_as2 = agreement.channel.as_ref().and_then(|name| self.channels.get(name)?.as2.as_ref());
        if agreement.attachments == Attachments::Pass && over_as2.is_none() {
            found.push(
                "attachments: expected pass where the channel is of transport as2, which takes several parts"
                    .to_owned(),
            );
        }
        agreement.envelope.check(&agreement.document, found);
        let gathers = [
            ("envelope.gather", agreement.envelope.gather.is_some()),
            ("envelope.gather_minutes", agreement.envelope.gather_minutes.is_some()),
        ];
        if let Some(name) = agreement.channel.as_ref().filter(|name| answers(name)) {
            let is_cxml = self.channels.get(name).is_some_and(|channel| channel.cxml.is_some());
            if is_cxml && !agreement.document.starts_with("cxml/") {
                let came = &agreement.document;
                found.push(format!("document: expected one of cxml, for {name} answers with a Response, found {came}"));
            }
            let wrong = gathers.iter().filter(|(_, is_there)| *is_there);
            found.extend(wrong.map(|(key, _)| {
                format!("{key}: expected where the channel is of way out; in {name} a call waits for its answer")
            }));
        }
        if let Some(gather) = &agreement.envelope.gather {
            self.check_when("envelope.gather", gather, found);
        }
        found.extend(agreement.split.iter().flat_map(|split| split.rule().err().unwrap_or_default()));
        if agreement.split.is_some() && agreement.way == Way::In {
            found.push("split: expected in an agreement of way out, under which the parts leave".to_owned());
        }
        if agreement.way == Way::Out {
            let wanted = [
                ("channel", agreement.channel.is_some()),
                ("envelope.sender", agreement.envelope.sender.is_some()),
                ("envelope.receiver", agreement.envelope.receiver.is_some()),
            ];
            let lacking = wanted.iter().filter(|(_, is_there)| !is_there);
            found.extend(lacking.map(|(key, _)| format!("{key}: expected in an agreement of way out")));
        }
    }

    fn check_way(&self, key: &str, name: &str, way: Way, found: &mut Vec<String>) {
        match self.agreements.get(name) {
            None => found.push(missing(key, "agreement", name, self.agreements.keys())),
            Some(agreement) if agreement.way != way => {
                found.push(format!("{key}: expected an agreement of the other way, found {name}"));
            }
            Some(_) => {}
        }
    }

    /// A route by name.
    #[must_use]
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.routes.get(name)
    }

    /// A partner by name.
    #[must_use]
    pub fn partner(&self, name: &str) -> Option<&Partner> {
        self.partners.get(name)
    }

    /// All agreements, by name.
    #[must_use]
    pub fn agreements(&self) -> &BTreeMap<String, Agreement> {
        &self.agreements
    }

    /// Whether there is a partner of this name.
    #[must_use]
    pub fn has_partner(&self, name: &str) -> bool {
        self.partners.contains_key(name)
    }

    /// All channels, by name.
    pub fn channels(&self) -> impl Iterator<Item = (&String, &Channel)> {
        self.channels.iter()
    }

    /// A channel by name.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.get(name)
    }

    /// The channel by which a pair of AS2 names sends to us.
    #[must_use]
    pub fn as2_pair(&self, from: &str, to: &str) -> Option<(&str, &Channel, &As2)> {
        let pairs = self.channels.iter().filter(|(_, channel)| channel.way == Way::In);
        let mut pairs = pairs.filter_map(|(name, channel)| Some((name.as_str(), channel, channel.as2.as_ref()?)));
        pairs.find(|(_, _, as2)| as2.from == from && as2.to == to)
    }

    /// The channel by which we send as one AS2 name to another.
    #[must_use]
    pub fn as2_out(&self, channel: &str) -> Option<&As2> {
        self.channels.get(channel).filter(|channel| channel.way == Way::Out)?.as2.as_ref()
    }

    /// A certificate by name.
    #[must_use]
    pub fn certificate(&self, name: &str) -> Option<&Certificate> {
        self.certificates.get(name)
    }

    /// The channels of transport as2 that are a partner's, both ways.
    #[must_use]
    pub fn as2_channels_of(&self, partner: Option<&str>) -> Vec<&str> {
        let is_its = |channel: &Channel| {
            channel.as2.is_some() && partner.is_some_and(|partner| channel.partners.iter().any(|one| one == partner))
        };
        self.channels.iter().filter(|(_, channel)| is_its(channel)).map(|(name, _)| name.as_str()).collect()
    }

    /// The channels of transport as2, by name.
    pub fn as2_channels(&self) -> impl Iterator<Item = (&str, &Channel, &As2)> {
        self.channels.iter().filter_map(|(name, channel)| Some((name.as_str(), channel, channel.as2.as_ref()?)))
    }

    /// The channels that use a certificate, as the partner's or as ours.
    #[must_use]
    pub fn channels_with_certificate(&self, name: &str) -> Vec<&str> {
        let uses = |as2: &As2| as2.certificates.iter().chain(&as2.keys).any(|one| one == name);
        let all = self.channels.iter();
        let all = all.filter(|(_, one)| one.as2.as_ref().is_some_and(uses) || self.uses_for_tls(one, name));
        all.map(|(name, _)| name.as_str()).collect()
    }

    /// An agreement by name.
    #[must_use]
    pub fn agreement(&self, name: &str) -> Option<&Agreement> {
        self.agreements.get(name)
    }

    /// Names of all secrets that resources use.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let envelopes = self.agreements.values().flat_map(|agreement| agreement.envelope.secrets());
        let cxml = self.channels.values().filter_map(|channel| Some(channel.cxml.as_ref()?.secret.secret.clone()));
        let keys = self.certificates.values().filter_map(|one| Some(one.key.as_ref()?.secret.clone()));
        let all: std::collections::BTreeSet<String> = self
            .secrets_of_reach()
            .chain(self.secrets_of_recipients())
            .chain(cxml)
            .chain(envelopes)
            .chain(keys)
            .collect();
        all.into_iter().collect()
    }

    /// The partner who sent an interchange over a channel. `released_as` is a person's word, which overrules.
    ///
    /// # Errors
    /// Why it has to wait.
    pub fn sender(&self, channel: &str, sender: Sender<'_>, released_as: Option<&str>) -> Result<&str, Held> {
        if let Some((name, _)) = released_as.and_then(|name| self.partners.get_key_value(name)) {
            return Ok(name);
        }
        let value = sender.value.trim();
        // XML need not say who sends it; where only one partner may, it is that one.
        let partners = self.channels.get(channel).map(|channel| channel.partners.as_slice());
        if let (true, "", Some([only])) = (sender.syntax.is_by_contents(), value, partners) {
            return Ok(only);
        }
        let found = self.partners.iter().find(|(_, partner)| partner.party_ids.iter().any(|id| sender.is_called(id)));
        let Some((name, _)) = found else {
            return Err(Held { code: "PARTNER-UNKNOWN", reason: self.unknown(sender) });
        };
        let allowed = self.channels.get(channel).map_or(&[][..], |channel| &channel.partners);
        if !allowed.is_empty() && !allowed.contains(name) {
            let reason = format!(
                "{}:{value} is partner {name}, who may not send over channel {channel}; add {name} to its partners, or \
                 release it by hand",
                sender.scheme
            );
            return Err(Held { code: "SENDER-NOT-ALLOWED", reason });
        }
        Ok(name)
    }

    fn unknown(&self, sender: Sender<'_>) -> String {
        let value = sender.value.trim();
        let near = |id: &&PartyId| id.value.eq_ignore_ascii_case(value) || id.value.trim_start_matches('0') == value;
        let ids = self.partners.iter().flat_map(|(name, partner)| partner.party_ids.iter().map(move |id| (name, id)));
        let probably =
            ids.filter(|(_, id)| near(id)).map(|(name, id)| format!("; probably meant: {id}, partner {name}"));
        let probably = probably.take(1).collect::<String>();
        format!(
            "no partner has the party id {}:{value}{probably}; add it to a partner and apply, or release it with --as",
            sender.scheme
        )
    }

    /// The agreement that a document from a partner falls under.
    ///
    /// # Errors
    /// Why it has to wait.
    pub fn agreement_in(
        &self,
        partner: &str,
        document: &str,
        environment: Environment,
        day: jiff::civil::Date,
    ) -> Result<&str, Held> {
        let of_type = |agreement: &Agreement| {
            agreement.way == Way::In
                && agreement.partner == partner
                && agreement.document.eq_ignore_ascii_case(document)
                && agreement.is_valid_on(day)
        };
        let found: Vec<_> = self.agreements.iter().filter(|(_, agreement)| of_type(agreement)).collect();
        let here = found.iter().filter(|(_, agreement)| agreement.environment == environment);
        if let Some((name, _)) = here.max_by_key(|(_, agreement)| agreement.valid_from) {
            return Ok(name);
        }
        let reason = match found.first() {
            Some((name, agreement)) => {
                let (wanted, came) = (agreement.environment.as_str(), environment.as_str());
                let reason = format!("agreement {name} is for {wanted}, and this is {came}");
                return Err(Held { code: "ENVIRONMENT-MISMATCH", reason });
            }
            None => format!("no agreement with {partner} for {document} is valid on {day}; add one and apply"),
        };
        Err(Held { code: "AGREEMENT-MISSING", reason })
    }

    /// The ack policy for what a partner sends in one syntax when no document says which agreement it falls under.
    #[must_use]
    pub fn any_agreement_in(&self, partner: &str, standard: &str, environment: Environment) -> Option<&str> {
        let fits = |agreement: &&Agreement| {
            agreement.way == Way::In
                && agreement.partner == partner
                && agreement.environment == environment
                && agreement.document.starts_with(&format!("{standard}/"))
        };
        self.agreements.iter().find(|(_, agreement)| fits(agreement)).map(|(name, _)| name.as_str())
    }

    /// The shortest clock, in minutes, among the partners who may send over a channel: how long what is held there may
    /// stay without an answer.
    #[must_use]
    pub fn ack_clock(&self, channel: &str) -> u32 {
        let allowed = self.channels.get(channel).map_or(&[][..], |channel| &channel.partners);
        let may_send = |partner: &String| allowed.is_empty() || allowed.contains(partner);
        let agreements = self.agreements.values().filter(|one| one.way == Way::In && may_send(&one.partner));
        let clocks = agreements.filter_map(|agreement| Some(agreement.ack.as_ref()?.within_minutes));
        clocks.min().unwrap_or(super::CLOCK_MINUTES)
    }

    /// The routes that lead on from an agreement, by name.
    #[must_use]
    pub fn routes(&self, agreement: &str) -> Vec<(&str, &Route)> {
        let from = |agreement: &str| -> Vec<(&str, &Route)> {
            let routes = self.routes.iter().filter(|(_, route)| route.from == agreement);
            routes.map(|(name, route)| (name.as_str(), route)).collect()
        };
        let own = from(agreement);
        // A successor without routes takes over those of what it follows.
        let before = || self.forerunners(agreement).into_iter().map(from).find(|routes| !routes.is_empty());
        if own.is_empty() { before().unwrap_or_default() } else { own }
    }
}

pub(super) fn missing<'k>(key: &str, kind: &str, name: &str, known: impl Iterator<Item = &'k String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    format!("{key}: {kind} {name} is not there{}", hint(name, &known))
}

#[cfg(test)]
mod tests {
    use super::super::resource::parse;
    use super::*;

    const FILE: &str = "
kind: partner
name: acme
party_ids: [ZZ:ACME, 14:4012345000009]
---
kind: partner
name: other
party_ids: [ZZ:OTHER]
---
{kind: channel, name: acme-in, transport: http, way: in, auth: token, partners: [acme]}
---
{kind: channel, name: acme-out, transport: http, way: out, url: 'https://acme.example/in'}
---
{kind: agreement, name: orders, way: in, partner: acme, document: x12/004010/850, valid_until: '2026-12-31', ack: {channel: acme-out}}
---
{kind: agreement, name: out, way: out, partner: other, document: edifact/d96a/ORDERS, channel: acme-out, envelope: {sender: 'ZZ:US', receiver: 'ZZ:OTHER'}}
---
{kind: route, name: r, from: orders, to: out}
";

    fn directory() -> Directory {
        let resources = parse("f", FILE).expect("resources");
        Directory::new(&resources).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    fn day(text: &str) -> jiff::civil::Date {
        text.parse().expect("a day")
    }

    #[test]
    fn senders_are_known_by_id_and_bound_to_their_channel() {
        let directory = directory();
        let sender = |scheme, value| Sender { syntax: Syntax::X12, scheme, value };
        assert_eq!(directory.sender("acme-in", sender("ZZ", "ACME           "), None), Ok("acme"));
        let held = directory.sender("acme-in", sender("ZZ", "OTHER"), None).expect_err("not allowed");
        assert_eq!(held.code, "SENDER-NOT-ALLOWED");
        let held = directory.sender("acme-in", sender("ZZ", "acme"), None).expect_err("case counts");
        assert!(held.code == "PARTNER-UNKNOWN" && held.reason.contains("probably meant: ZZ:ACME"), "{held:?}");
        assert!(directory.sender("acme-in", sender("01", "ACME"), None).is_err(), "another qualifier");
        assert_eq!(directory.sender("acme-in", sender("ZZ", "?"), Some("other")), Ok("other"));
        // A document of XML may say nothing of its sender, where the channel does; an envelope may not.
        let silent = |syntax| directory.sender("acme-in", Sender { syntax, scheme: "", value: "  " }, None);
        assert_eq!(silent(Syntax::Xml), Ok("acme"));
        for syntax in [Syntax::X12, Syntax::Edifact] {
            assert_eq!(silent(syntax).expect_err("nobody").code, "PARTNER-UNKNOWN");
        }
    }

    #[test]
    fn agreements_are_found_by_type_environment_and_day() {
        let directory = directory();
        let find = |document, environment, on| directory.agreement_in("acme", document, environment, day(on));
        assert_eq!(find("x12/004010/850", Environment::Production, "2026-11-24"), Ok("orders"));
        let held = find("x12/004010/850", Environment::Test, "2026-11-24").expect_err("test");
        assert_eq!(held.code, "ENVIRONMENT-MISMATCH");
        assert_eq!(
            find("x12/004010/850", Environment::Production, "2027-01-01").expect_err("late").code,
            "AGREEMENT-MISSING"
        );
        assert_eq!(
            find("x12/004010/810", Environment::Production, "2026-11-24").expect_err("type").code,
            "AGREEMENT-MISSING"
        );
        let routes: Vec<_> =
            directory.routes("orders").iter().map(|(name, route)| (*name, route.to.as_str())).collect();
        assert_eq!(routes, [("r", "out")]);
    }

    #[test]
    fn err_all_that_is_wrong_is_told_with_its_place() {
        let file = FILE
            .replace("partner: acme, document", "partner: acmee, document")
            .replace("transport: http, way: out", "transport: smtp, way: out");
        let errors = Directory::new(&parse("f.yaml", &file).expect("resources")).expect_err("wrong");
        let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert!(text.iter().any(|one| one.contains("partner acmee is not there; did you mean acme?")), "{text:?}");
        assert!(text.iter().any(|one| one.contains("expected http or as2 or sftp or folder, found smtp")), "{text:?}");
        assert!(text.iter().all(|one| one.starts_with("f.yaml:")), "{text:?}");
    }

    #[test]
    fn err_an_order_that_cannot_be_kept() {
        let of = |more: &str| {
            let file =
                FILE.replace("channel: acme-out, envelope: {", &format!("channel: acme-out, {more}, envelope: {{"));
            Directory::new(&parse("f", &file).expect("resources")).map_err(|errors| errors[0].to_string())
        };
        for fit in ["order: partner", "order: key, key: order.number", "order: key, key: 'lines[0].number'"] {
            assert!(of(fit).is_ok(), "{fit}: {:?}", of(fit).err());
        }
        for shared in ["gather: {at: ['06:00']}", "gather_minutes: '5'", "documents_max: '2'"] {
            let file = FILE.replace("envelope: {", &format!("order: key, key: number, envelope: {{{shared}, "));
            let told = Directory::new(&parse("f", &file).expect("resources")).expect_err(shared)[0].to_string();
            let key = shared.split(':').next().expect("a key");
            assert!(told.contains(&format!("(envelope.{key}), which has many keys; found key")), "{told}");
        }
        for (unfit, told) in [
            ("order: key", "expected the field that keeps documents in order"),
            ("order: key, key: nummer", "found nummer, which none has"),
            ("key: number", "expected with order: key only"),
        ] {
            assert!(of(unfit).expect_err(unfit).contains(told), "{unfit}");
        }
    }

    #[test]
    fn err_a_channel_of_cxml_says_who_speaks_for_whom() {
        let of = |more: &str| {
            let channel = format!(
                "---\n{{kind: channel, name: c, transport: http, way: in, cxml: {{secret: {{secret: s}}{more}}}\n"
            );
            Directory::new(&parse("f", &format!("{FILE}{channel}")).expect("resources"))
        };
        for fit in ["}, partners: [acme]", ", senders: ['DUNS:1']}", ", senders: ['DUNS:1']}, partners: [acme, other]"]
        {
            assert!(of(fit).is_ok(), "{fit}: {:?}", of(fit).err());
        }
        for (unfit, whom) in
            [("}", "every partner"), ("}, auth: token", "every partner"), ("}, partners: [acme, other]", "several")]
        {
            let errors = of(unfit).expect_err("anybody could speak for anybody");
            assert!(errors[0].to_string().contains(whom) && errors[0].to_string().contains("senders"), "{errors:?}");
        }
    }

    #[test]
    fn err_an_answer_needs_a_channel_that_can_give_it() {
        let of = |more: &str| {
            let resources = parse("f", &format!("{FILE}---\n{more}\n")).expect("resources");
            Directory::new(&resources).err().map(|errors| errors[0].to_string()).unwrap_or_default()
        };
        let live = "{kind: channel, name: live, transport: http, way: in, auth: token, answer: {late: acme-out}}";
        let back = "{kind: agreement, name: back, way: out, partner: acme, document: x12/004010/855, channel: live, \
                    envelope: {sender: 'ZZ:US', receiver: 'ZZ:ACME'}}";
        assert_eq!(of(&format!("{live}\n---\n{back}")), "");
        for gathers in ["gather_minutes: '5'", "gather: {at: ['06:00']}"] {
            let key = gathers.split(':').next().expect("a key");
            let told = of(&format!("{live}\n---\n{}", back.replace("sender:", &format!("{gathers}, sender:"))));
            assert!(told.contains(&format!("envelope.{key}: expected where the channel is of way out")), "{told}");
        }
        let asks = "{kind: channel, name: asks, transport: http, way: out, url: 'http://a.example/', answer: {}}";
        let told = of(&format!("{asks}\n---\n{}", live.replace("late: acme-out", "late: asks")));
        assert!(told.contains("answer.late: expected a channel without answer, found asks"), "{told}");
        let silent = live.replace(", answer: {late: acme-out}", "");
        assert!(of(&format!("{silent}\n---\n{back}")).contains("expected one of way out, found live, which is in"));
        for (from, to, told) in [
            ("late: acme-out", "late: acme-in", "answer.late: expected a channel of way out"),
            ("late: acme-out", "late: nobody", "answer.late: channel nobody is not there"),
            ("late: acme-out", "wait_seconds: '301'", "wait_seconds"),
            (
                "way: in, auth: token",
                "way: out, url: 'http://a.example/'",
                "answer.late: expected in a channel of way in only",
            ),
            ("transport: http", "transport: folder, folder: /srv", "answer: expected in a channel of transport http"),
        ] {
            let said = of(&live.replace(from, to));
            assert!(said.contains(told), "{to}: {said}");
        }
    }

    #[test]
    fn err_keys_and_kinds() {
        let errors = parse("f.yaml", "kind: partnr\nname: a\n").expect_err("a wrong kind");
        assert!(errors[0].to_string().contains("did you mean partner?"), "{errors:?}");
        let unknown = parse("f.yaml", "kind: partner\nname: a\nparty_idz: []\n").expect("resources");
        let errors = Directory::new(&unknown).expect_err("a wrong key");
        assert!(errors[0].message.contains("party_idz") && errors[0].message.contains("party_ids"), "{errors:?}");
    }
}
