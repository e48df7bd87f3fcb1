//! From which day on a channel of AS2 will have no certificate or key that counts, for each of the six things that it needs one
//! for; told while there is time to change it with the partner. Pure: it is asked with a time, and is given resources and what partners accepted.

use crate::clock::Timestamp;
use crate::partner::{As2, Channel, Directory, Receipt, Required, Signs, Way};
use crate::pipeline::configured::Configured;
use crate::transport::as2::certificate::Certificate;
use jiff::ToSpan as _;
use serde::Serialize;
use std::collections::BTreeSet;

/// Days that are looked ahead, at most.
pub const DAYS_MAX: u32 = 3650;

/// What a certificate or key is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// The partner's: messages that come in are signed with it.
    VerifySignature,
    /// The partner's: its receipts are signed with it.
    VerifyReceipt,
    /// The partner's: what goes out is encrypted to it.
    EncryptTo,
    /// Ours: what comes in is encrypted to it.
    Decrypt,
    /// Ours: what goes out is signed with it.
    SignMessage,
    /// Ours: our receipts are signed with it.
    SignReceipt,
}

/// A time in which a channel has nothing that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The channel.
    pub channel: String,
    /// Its partner.
    pub partner: Option<String>,
    /// For what.
    #[serde(rename = "use")]
    pub what: Use,
    /// From when on, microseconds since 1970; the present where it is so already.
    pub from: i64,
    /// Until when; none: nothing follows.
    pub until: Option<i64>,
    /// Whole days from now until it begins.
    pub days_left: i64,
    /// The certificate that ends then; none: there is none that counted before.
    pub ends: Option<String>,
    /// The one that counts behind it.
    pub follows: Option<String>,
}

const DAY_MICROSECONDS: i64 = 24 * 3600 * 1_000_000;

/// What a channel needs, and the names of what it has for it.
fn needs<'c>(channel: &Channel, as2: &'c As2) -> Vec<(Use, &'c [String])> {
    let (certificates, keys) = (&as2.certificates[..], &as2.keys[..]);
    let all = match channel.way {
        Way::In => [
            (as2.require.contains(&Required::Signed), Use::VerifySignature, certificates),
            (as2.require.contains(&Required::Encrypted), Use::Decrypt, keys),
            (!keys.is_empty(), Use::SignReceipt, keys),
        ],
        Way::Out => [
            (as2.encrypt != "none", Use::EncryptTo, certificates),
            (as2.sign != "none", Use::SignMessage, keys),
            (as2.receipt == Receipt::Signed, Use::VerifyReceipt, certificates),
        ],
    };
    all.into_iter().filter(|(is_needed, _, _)| *is_needed).map(|(_, what, names)| (what, names)).collect()
}

/// Of those that a channel has, the ones that serve for a use.
fn serving<'c>(what: Use, all: Vec<(&'c str, &'c Certificate)>) -> Vec<(&'c str, &'c Certificate)> {
    let fit = |one: &Certificate| match what {
        Use::EncryptTo => one.can_be_encrypted_to(),
        Use::SignMessage | Use::SignReceipt => one.can_sign(),
        Use::VerifySignature | Use::VerifyReceipt | Use::Decrypt => true,
    };
    // Where all say to be for something else, one of them is taken all the same.
    let chosen: Vec<_> = all.iter().copied().filter(|(_, one)| fit(one)).collect();
    if chosen.is_empty() { all } else { chosen }
}

/// A time without any: from, until, what ends, what follows.
type Without<'c> = (Timestamp, Option<Timestamp>, Option<&'c str>, Option<&'c str>);

/// The times without any of these, from now on until another time.
fn gaps<'c>(all: &[(&'c str, &'c Certificate)], now: Timestamp, until: Timestamp) -> Vec<Without<'c>> {
    let (mut found, mut at, mut last) = (Vec::new(), now, None);
    while at < until {
        let counting = all.iter().filter(|(_, one)| one.is_valid_at(at)).max_by_key(|(_, one)| one.not_after);
        if let Some((name, one)) = counting {
            last = Some(*name);
            // It counts in its last moment, too.
            let Ok(next) = one.not_after.checked_add(1.microsecond()) else { break };
            at = next;
            continue;
        }
        let ended = || {
            let over = all.iter().filter(|(_, one)| one.not_after < at).max_by_key(|(_, one)| one.not_after);
            over.map(|(name, _)| *name)
        };
        let next = all.iter().filter(|(_, one)| one.not_before > at).min_by_key(|(_, one)| one.not_before);
        let begins = next.map(|(_, one)| one.not_before);
        found.push((at, begins, last.or_else(ended), next.map(|(name, _)| *name)));
        let Some(begins) = begins else { break };
        at = begins;
    }
    found
}

/// Of keys that a channel has, those that sign: not one that its partner has still to accept, unless there is no other. Where the
/// others end it signs all the same, and nobody knows whether the partner takes it: that is told while there is time.
fn signing<'c>(
    all: Vec<(&'c str, &'c Certificate)>,
    directory: &Directory,
    accepted: &Accepted,
    (ours, theirs): (&str, &str),
) -> Vec<(&'c str, &'c Certificate)> {
    let signs = |name: &str, one: &Certificate| {
        let waits = directory.certificate(name).is_some_and(|known| known.signs == Signs::OnceAccepted);
        !waits || accepted.contains(&(one.fingerprint(), ours.to_owned(), theirs.to_owned()))
    };
    let chosen: Vec<_> = all.iter().copied().filter(|(name, one)| signs(name, one)).collect();
    if chosen.is_empty() { all } else { chosen }
}

/// Certificates of ours that partners take: each by its fingerprint, our name and the partner's.
pub type Accepted = BTreeSet<(String, String, String)>;

/// The gaps of all channels within so many days, the first first.
#[must_use]
pub fn forecast(
    (directory, configured): (&Directory, &Configured),
    accepted: &Accepted,
    days: u32,
    now: Timestamp,
) -> Vec<Gap> {
    let until = now.checked_add((i64::from(days.min(DAYS_MAX)) * 24).hours()).unwrap_or(Timestamp::MAX);
    let mut found = Vec::new();
    for (name, channel, as2) in directory.as2_channels() {
        let pair = match channel.way {
            Way::In => (as2.to.as_str(), as2.from.as_str()),
            Way::Out => (as2.from.as_str(), as2.to.as_str()),
        };
        for (what, names) in needs(channel, as2) {
            let has = names.iter().filter_map(|one| Some((one.as_str(), &**configured.certificates.get(one)?)));
            let has = match what {
                Use::SignMessage | Use::SignReceipt => signing(has.collect(), directory, accepted, pair),
                _ => has.collect(),
            };
            for (from, begins, ends, follows) in gaps(&serving(what, has), now, until) {
                found.push(Gap {
                    channel: name.to_owned(),
                    partner: channel.partners.first().cloned(),
                    what,
                    from: from.as_microsecond(),
                    until: begins.map(Timestamp::as_microsecond),
                    days_left: (from.as_microsecond() - now.as_microsecond()).div_euclid(DAY_MICROSECONDS),
                    ends: ends.map(str::to_owned),
                    follows: follows.map(str::to_owned),
                });
            }
        }
    }
    found.sort_by(|one, other| (one.from, &one.channel, one.what).cmp(&(other.from, &other.channel, other.what)));
    found
}
