//! What an act over a choice would do: how many, over which channels, to whom, what cannot be done and why, what may have
//! arrived before. Its token is a digest of all that and of when each changed last, so that an act is of what was seen.

use super::Unplanned;
use super::selection::{Chosen, Selection};
use crate::clock::Timestamp;
use crate::partner::{Channel, Directory};
use crate::pipeline::deliver::obstacle;
use crate::pipeline::live::late;
use crate::pipeline::state::Service;
use crate::store::bulk::{Action, Candidate, Object};
use crate::store::commit::bulk::NewItem;
use crate::store::{Micros, Result as Stored, hexadecimal};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Ids that are shown of those that cannot be done for one reason, or that may have arrived.
pub const SAMPLES_MAX: usize = 5;
/// Bytes of a digest that make a token.
const TOKEN_BYTES: usize = 16;
/// Bytes of a reason given by hand.
pub const REASON_BYTES_MAX: usize = 1000;

/// What is wanted of whom.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of what there are many.
    pub object: Object,
    /// What is done to each.
    pub action: Action,
    /// Which.
    pub selection: Selection,
    /// For those who look later.
    pub reason: String,
    /// Of whom released transmissions are said to be.
    pub as_partner: Option<String>,
}

impl Wish {
    /// A digest of all of it: an act goes on only for whoever asks for the same again.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut selection = self.selection.clone();
        selection.ids.sort();
        let whole = json!([self.object, self.action, selection, self.reason, self.as_partner]);
        hexadecimal(digest(&SHA256, whole.to_string().as_bytes()).as_ref())
    }
}

/// What would be done.
#[derive(Debug, serde::Serialize)]
pub struct Plan {
    /// Its token: an act names it.
    pub plan: String,
    /// Of what there are many.
    pub object: Object,
    /// What is done to each.
    pub action: Action,
    /// How many are chosen.
    pub count: usize,
    /// How many of them it can be done to.
    pub able: usize,
    /// Of those, how many go over which channel, and where that leads.
    pub channels: Vec<Over>,
    /// Of those, how many are whose.
    pub partners: Vec<Whose>,
    /// The others, by reason.
    pub unable: Vec<Unable>,
    /// Of those it can be done to, those that the receiver may have got: there may be duplicates.
    pub doubtful: Doubtful,
    /// There are more than one act is about; these are the oldest.
    pub is_more: bool,
    /// All of them, as an act is begun with them.
    #[serde(skip)]
    pub items: Vec<NewItem>,
}

/// Over a channel.
#[derive(Debug, serde::Serialize)]
pub struct Over {
    /// Its name.
    pub channel: String,
    /// Where it leads, for deliveries.
    pub destination: Option<String>,
    /// Since when it is left alone for its failures: one goes first, the others once that arrived. No part of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_since: Option<Micros>,
    /// How many.
    pub count: usize,
}

/// Of a partner.
#[derive(Debug, serde::Serialize)]
pub struct Whose {
    /// Its name.
    pub partner: Option<String>,
    /// How many.
    pub count: usize,
}

/// What cannot be done, for one reason.
#[derive(Debug, serde::Serialize)]
pub struct Unable {
    /// Why: a stable word.
    pub code: String,
    /// The same for people.
    pub why: String,
    /// How many.
    pub count: usize,
    /// Some of them.
    pub samples: Vec<String>,
}

/// What may have arrived.
#[derive(Debug, Default, serde::Serialize)]
pub struct Doubtful {
    /// How many.
    pub count: usize,
    /// Some of them.
    pub samples: Vec<String>,
}

/// A stable word, and the same for people.
type Why = (String, String);

/// Plans it as of an instant.
///
/// # Errors
/// [`Unplanned`].
pub async fn plan(service: &Service, wish: &Wish, now: Timestamp) -> Result<(Plan, Chosen), Unplanned> {
    check(service, wish)?;
    let chosen = wish.selection.find(&service.store, (wish.object, wish.action)).await?;
    let obstacles = obstacles(service, wish, &chosen.candidates).await?;
    Ok((planned(service, wish, &chosen, &obstacles, now), chosen))
}

fn check(service: &Service, wish: &Wish) -> Result<(), Unplanned> {
    let known = Action::of(wish.object);
    if !known.contains(&wish.action) {
        let known: Vec<_> = known.iter().map(|action| action.as_str()).collect();
        let (object, found) = (wish.object, wish.action);
        return Err(Unplanned::Wrong(format!(
            "action: expected one of {} for each {object}, found {found}",
            known.join(", ")
        )));
    }
    if wish.reason.len() > REASON_BYTES_MAX {
        let found = wish.reason.len();
        return Err(Unplanned::Wrong(format!("reason: expected {REASON_BYTES_MAX} bytes at most, found {found}")));
    }
    match &wish.as_partner {
        Some(_) if (wish.object, wish.action) != (Object::Transmission, Action::Release) => {
            Err(Unplanned::Wrong("as: only transmissions that are released are said to be somebody's".to_owned()))
        }
        Some(name) if !service.directory().has_partner(name) => {
            Err(Unplanned::Wrong(format!("as: expected the name of a partner, found {name:?}")))
        }
        _ => Ok(()),
    }
}

/// What keeps deliveries from leaving over channels.
async fn obstacles(service: &Service, wish: &Wish, candidates: &[Candidate]) -> Stored<HashMap<String, Why>> {
    let mut obstacles = HashMap::new();
    if wish.object != Object::Delivery || !matches!(wish.action, Action::Resubmit | Action::Release) {
        return Ok(obstacles);
    }
    let is_anew = wish.action == Action::Resubmit;
    let names: BTreeSet<&str> = candidates.iter().map(|one| one.channel.as_str()).collect();
    for name in names {
        if let Some((code, why)) = obstacle(service, name, is_anew).await? {
            obstacles.insert(name.to_owned(), (code.to_owned(), why));
        }
    }
    Ok(obstacles)
}

/// Why it cannot be done to one.
fn unable(wish: &Wish, one: &Candidate, obstacles: &HashMap<String, Why>) -> Option<Why> {
    let states = wish.action.from_states(wish.object);
    if !states.contains(&one.state.as_str()) {
        let why = format!("it is {}, expected {}", one.state, states.join(" or "));
        return Some(("STATE-WRONG".to_owned(), why));
    }
    if matches!(wish.action, Action::Resubmit | Action::Cancel) && one.later.is_some() {
        return Some(("ALREADY-RESUBMITTED".to_owned(), "it was resubmitted already; look at the new one".to_owned()));
    }
    obstacles.get(&one.channel).cloned()
}

fn planned(service: &Service, wish: &Wish, chosen: &Chosen, obstacles: &HashMap<String, Why>, now: Timestamp) -> Plan {
    let mut channels: BTreeMap<&str, usize> = BTreeMap::new();
    let mut partners: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut refused: BTreeMap<Why, Vec<&str>> = BTreeMap::new();
    let (mut doubtful, mut items, mut said, mut able) = (Doubtful::default(), Vec::new(), Vec::new(), 0);
    for one in &chosen.candidates {
        let why = unable(wish, one, obstacles);
        let code = why.as_ref().map(|(code, _)| code);
        said.push(json!([one.id, one.state, one.changed_at, one.is_doubtful, code]));
        items.push(NewItem {
            subject: one.id.clone(),
            changed_at: Some(one.changed_at),
            why: why.as_ref().map(|(code, why)| format!("{code}: {why}")),
        });
        match why {
            Some(why) => refused.entry(why).or_default().push(&one.id),
            None => {
                able += 1;
                *channels.entry(&one.channel).or_default() += 1;
                *partners.entry(one.partner.as_deref()).or_default() += 1;
                if one.is_doubtful != 0 && matches!(wish.action, Action::Resubmit | Action::Release) {
                    doubtful.count += 1;
                    doubtful.samples.extend(Some(one.id.clone()).filter(|_| doubtful.count <= SAMPLES_MAX));
                }
            }
        }
    }
    let missing = ("NOT-FOUND".to_owned(), format!("there is no such {}", wish.object));
    for id in &chosen.missing {
        said.push(json!([id, null, null, null, "NOT-FOUND"]));
        let why = Some(format!("{}: {}", missing.0, missing.1));
        items.push(NewItem { subject: id.clone(), changed_at: None, why });
        refused.entry(missing.clone()).or_default().push(id);
    }
    let directory = service.directory();
    let mut channels: Vec<Over> =
        channels.into_iter().map(|(channel, count)| over(&directory, wish.object, channel, count)).collect();
    let whole = json!([wish.object, wish.action, wish.as_partner, said, channels]);
    for open in service.pace.open_circuits() {
        let over = channels.iter_mut().filter(|over| over.channel == open.channel && over.destination.is_some());
        over.for_each(|over| over.open_since = Some(open.since));
    }
    Plan {
        plan: token(now, items.len(), whole.to_string().as_bytes()),
        object: wish.object,
        action: wish.action,
        count: items.len(),
        able,
        channels,
        partners: partners
            .into_iter()
            .map(|(partner, count)| Whose { partner: partner.map(str::to_owned), count })
            .collect(),
        unable: refused
            .into_iter()
            .map(|((code, why), ids)| Unable {
                code,
                why,
                count: ids.len(),
                samples: ids.into_iter().take(SAMPLES_MAX).map(str::to_owned).collect(),
            })
            .collect(),
        doubtful,
        is_more: chosen.is_more,
        items,
    }
}

fn over(directory: &Directory, object: Object, name: &str, count: usize) -> Over {
    let leads = |channel: &Channel| {
        let folder = channel.folder().trim_start_matches('/');
        let place = channel
            .server
            .as_ref()
            .map(|server| format!("sftp://{}@{}:{}/{folder}", server.user, server.host, server.port));
        let mailbox = channel.mailbox.as_ref().map(|name| format!("mailbox {name}/{folder}"));
        channel.url.clone().or(mailbox).or(place).or_else(|| channel.folder.clone())
    };
    // What came in over a channel does not leave over it; an answer whose call is over leaves over another.
    let channel = directory.channel(name).filter(|_| object == Object::Delivery);
    let late = |policy| late(directory, policy).map(|(_, channel)| channel);
    let channel = channel.and_then(|one| one.answers_calls().map_or(Some(one), late));
    Over { channel: name.to_owned(), destination: channel.and_then(leads), open_since: None, count }
}

/// `plan_<instant>_<count>_<digest>`.
fn token(now: Timestamp, count: usize, said: &[u8]) -> String {
    let digest = digest(&SHA256, said);
    format!("plan_{}_{count}_{}", Micros::from(now).0, hexadecimal(&digest.as_ref()[..TOKEN_BYTES]))
}

/// When a plan was made, and of how many, as its token says.
///
/// # Errors
/// It is none of ours.
pub fn read(token: &str) -> Result<(Timestamp, usize), Unplanned> {
    let parts: Vec<&str> = token.split('_').collect();
    let read = match parts.as_slice() {
        ["plan", at, count, digest] if digest.len() == TOKEN_BYTES * 2 => at.parse().ok().zip(count.parse().ok()),
        _ => None,
    };
    let read = read.map(|(at, count): (i64, usize)| (Micros(at).timestamp(), count));
    read.ok_or_else(|| Unplanned::Wrong("plan: expected the token of a plan, plan_…; plan first".to_owned()))
}
