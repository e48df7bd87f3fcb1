//! Which deliveries or transmissions somebody means: ids, a group, or conditions.

use super::Unplanned;
use super::group::{form, group};
use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::bulk::{Action, Candidate, Conditions, Object};
use crate::store::delivery::DeliveryState;
use crate::store::transmission::TransmissionState;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// What one act is about, at most. Of more, the oldest are taken, and the plan says that there are more.
pub const SELECTED_MAX: usize = 10_000;
/// Rows that are looked at for a text in their reasons, at most.
pub const LOOKED_AT_MAX: usize = 200_000;
/// Bytes of a text that reasons are searched for.
const TEXT_BYTES_MAX: usize = 1000;

/// Which are meant: ids, or a group, or conditions that all hold.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// These, 10,000 at most.
    pub ids: Vec<String>,
    /// All of a group, by its key.
    pub group: Option<String>,
    /// Over this channel.
    pub channel: Option<String>,
    /// Of this partner.
    pub partner: Option<String>,
    /// In this state; when left out, in those that the action is for.
    pub state: Option<String>,
    /// With this code.
    pub code: Option<String>,
    /// That came to be so then or later: `2026-11-27T06:00:00Z`, or a day, from its beginning in UTC.
    pub since: Option<String>,
    /// That came to be so before.
    pub until: Option<String>,
    /// Whose reason has this text, in capitals or not.
    pub reason_like: Option<String>,
}

/// What was chosen.
#[derive(Debug)]
pub struct Chosen {
    /// In the order of their ids.
    pub candidates: Vec<Candidate>,
    /// Ids of which there are none.
    pub missing: Vec<String>,
    /// There are more than one act is about.
    pub is_more: bool,
}

impl Selection {
    /// Finds them.
    ///
    /// # Errors
    /// Nothing or too much is asked for, a word is none, there is no such group, or the database failed.
    pub async fn find(&self, store: &Store, (object, action): (Object, Action)) -> Result<Chosen, Unplanned> {
        self.check(object)?;
        if !self.ids.is_empty() {
            return self.by_id(store, object).await;
        }
        let (conditions, reason) = match &self.group {
            Some(key) => {
                let group = group(store, object, key).await?;
                let conditions = Conditions {
                    state: Some(group.state),
                    channel: Some(group.channel),
                    partner: Some(group.partner),
                    code: Some(group.code),
                    ..Conditions::default()
                };
                (conditions, Wanted::Form(group.reason))
            }
            None => (self.conditions()?, self.reason_like.as_ref().map_or(Wanted::Any, |text| Wanted::like(text))),
        };
        let (mut candidates, mut after, mut looked_at) = (Vec::new(), None, 0);
        loop {
            let (rows, next) = store.candidates_of((object, action), &conditions, after).await?;
            looked_at += rows.len();
            candidates.extend(rows.into_iter().filter(|row| reason.fits(row.reason.as_deref())));
            let Some(next) = next.filter(|_| candidates.len() <= SELECTED_MAX) else { break };
            if looked_at >= LOOKED_AT_MAX {
                return wrong(&format!("more than {LOOKED_AT_MAX} would be looked at; narrow it by channel or time"));
            }
            after = Some(next);
        }
        let is_more = candidates.len() > SELECTED_MAX;
        candidates.truncate(SELECTED_MAX);
        candidates.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Chosen { candidates, missing: Vec::new(), is_more })
    }

    async fn by_id(&self, store: &Store, object: Object) -> Result<Chosen, Unplanned> {
        let ids: BTreeSet<&String> = self.ids.iter().collect();
        let asked: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
        let found = store.candidates(object, &asked).await?;
        let mut by_id: HashMap<String, Candidate> = found.into_iter().map(|one| (one.id.clone(), one)).collect();
        let (mut candidates, mut missing) = (Vec::new(), Vec::new());
        for id in asked {
            match by_id.remove(&id) {
                Some(found) => candidates.push(found),
                None => missing.push(id),
            }
        }
        Ok(Chosen { candidates, missing, is_more: false })
    }

    fn check(&self, object: Object) -> Result<(), Unplanned> {
        let conditions =
            [&self.channel, &self.partner, &self.state, &self.code, &self.since, &self.until, &self.reason_like];
        let ways = [!self.ids.is_empty(), self.group.is_some(), conditions.iter().any(|condition| condition.is_some())];
        match ways.iter().filter(|is_used| **is_used).count() {
            0 => {
                return wrong(
                    "nothing is chosen: expected ids, a group, or one of channel, partner, state, code, since, until, \
                     reason_like",
                );
            }
            1 => {}
            _ => return wrong("expected ids, or a group, or conditions; found more than one of the three"),
        }
        if self.ids.len() > SELECTED_MAX {
            return wrong(&format!("ids: expected {SELECTED_MAX} at most, found {}", self.ids.len()));
        }
        let is_long = self.reason_like.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX);
        if is_long || self.reason_like.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return wrong(&format!("reason_like: expected a text of {TEXT_BYTES_MAX} bytes at most"));
        }
        let states: Vec<&str> = match object {
            Object::Delivery => DeliveryState::ALL.iter().map(|state| state.as_str()).collect(),
            Object::Transmission => TransmissionState::ALL.iter().map(|state| state.as_str()).collect(),
        };
        match &self.state {
            Some(state) if !states.contains(&state.as_str()) => {
                wrong(&format!("state: expected one of {}, found {state:?}", states.join(", ")))
            }
            _ => Ok(()),
        }
    }

    fn conditions(&self) -> Result<Conditions, Unplanned> {
        Ok(Conditions {
            state: self.state.clone(),
            channel: self.channel.clone(),
            partner: self.partner.clone().map(Some),
            code: self.code.clone().map(Some),
            since: instant("since", self.since.as_ref())?,
            until: instant("until", self.until.as_ref())?,
        })
    }
}

/// Whose reason is wanted.
enum Wanted {
    Any,
    Like(String),
    Form(Option<String>),
}

impl Wanted {
    fn like(text: &str) -> Wanted {
        Wanted::Like(text.to_lowercase())
    }

    fn fits(&self, reason: Option<&str>) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::Like(text) => reason.is_some_and(|reason| reason.to_lowercase().contains(text)),
            Wanted::Form(wanted) => reason.map(form) == *wanted,
        }
    }
}

fn instant(key: &str, text: Option<&String>) -> Result<Option<Timestamp>, Unplanned> {
    let Some(text) = text else { return Ok(None) };
    let whole = if text.contains('T') { text.clone() } else { format!("{text}T00:00:00Z") };
    match whole.parse() {
        Ok(at) => Ok(Some(at)),
        Err(_) => wrong(&format!("{key}: expected 2026-11-27 or 2026-11-27T06:00:00Z, found {text:?}")),
    }
}

fn wrong<T>(words: &str) -> Result<T, Unplanned> {
    Err(Unplanned::Wrong(words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(selection: &Selection) -> String {
        let checked = selection.check(Object::Delivery).and_then(|()| selection.conditions().map(drop));
        match checked {
            Err(Unplanned::Wrong(words)) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn err_a_choice_that_is_none() {
        let text = |text: &str| Some(text.to_owned());
        assert!(refused(&Selection::default()).starts_with("nothing is chosen: expected ids"));
        let both = Selection { ids: vec!["del_1".into()], channel: text("out"), ..Selection::default() };
        assert!(refused(&both).contains("more than one of the three"));
        let state = Selection { state: text("lost"), ..Selection::default() };
        assert!(refused(&state).contains("parked") && refused(&state).ends_with("found \"lost\""));
        let since = Selection { since: text("yesterday"), ..Selection::default() };
        assert!(refused(&since).contains("since: expected 2026-11-27"));
        let many = Selection { ids: vec![String::new(); SELECTED_MAX + 1], ..Selection::default() };
        assert!(refused(&many).contains("expected 10000 at most, found 10001"));
        assert!(refused(&Selection { reason_like: text(" "), ..Selection::default() }).contains("reason_like"));
        let day = Selection { since: text("2026-11-27"), until: text("2026-11-27T06:00:00Z"), ..Selection::default() };
        day.check(Object::Delivery).expect("a choice");
        assert!(day.conditions().expect("times").since < day.conditions().expect("times").until);
    }
}
