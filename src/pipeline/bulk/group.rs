//! Groups of equal failures: what waits for a person over one channel, for one partner, under one code and for one reason, ids
//! and numbers in the reason left out.

use super::Unplanned;
use crate::store::bulk::{CAUSES_MAX, Cause, Object};
use crate::store::{Micros, Store, StoreError, hexadecimal};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use std::collections::HashMap;

/// Ids that a group shows, at most.
pub const SAMPLES_MAX: usize = 3;
/// Words of a reason that have a digit and so many characters are taken for an id or a number of somebody's.
const ID_CHARACTERS_MIN: usize = 4;
/// Bytes of a digest that make a key.
const KEY_BYTES: usize = 6;

/// What waits for one cause.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Group {
    /// What it is chosen by.
    pub key: String,
    /// Where all of it stands.
    pub state: String,
    /// The channel.
    pub channel: String,
    /// The partner, when known.
    pub partner: Option<String>,
    /// Why: a stable word.
    pub code: Option<String>,
    /// The same for people, with `…` for ids and numbers.
    pub reason: Option<String>,
    /// How many.
    pub count: i64,
    /// When the first came to be so.
    pub first_at: Micros,
    /// When the last did.
    pub last_at: Micros,
    /// Some of them.
    pub samples: Vec<String>,
}

/// All groups, the largest first; whether there are causes beyond the limit that were not looked at.
///
/// # Errors
/// The database failed.
pub async fn groups(store: &Store, object: Object) -> Result<(Vec<Group>, bool), StoreError> {
    let causes = store.causes(object).await?;
    let is_cut = causes.len() >= CAUSES_MAX as usize;
    Ok((folded(object, causes), is_cut))
}

/// The group of a key.
///
/// # Errors
/// There is none now, or the database failed.
pub async fn group(store: &Store, object: Object, key: &str) -> Result<Group, Unplanned> {
    let (all, _) = groups(store, object).await?;
    let found = all.into_iter().find(|group| group.key == key);
    found.ok_or_else(|| Unplanned::Store(StoreError::NotFound { what: "group of failures now", id: key.to_owned() }))
}

/// A reason without what differs from one to the next of the same cause.
#[must_use]
pub fn form(reason: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut form = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(first) = rest.chars().next() {
        if !is_word(first) {
            form.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()));
        let is_id = word.chars().count() >= ID_CHARACTERS_MIN && word.chars().any(|c| c.is_ascii_digit());
        form.push_str(if is_id { "…" } else { word });
        rest = after;
    }
    form
}

fn folded(object: Object, causes: Vec<Cause>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for cause in causes {
        let reason = cause.reason.as_deref().map(form);
        let key = key(object, &cause, reason.as_deref());
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push(Group {
                key,
                state: cause.state.clone(),
                channel: cause.channel.clone(),
                partner: cause.partner.clone(),
                code: cause.code.clone(),
                reason,
                count: 0,
                first_at: cause.first_at,
                last_at: cause.last_at,
                samples: Vec::new(),
            });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.count += cause.count;
        group.first_at = group.first_at.min(cause.first_at);
        group.last_at = group.last_at.max(cause.last_at);
        for id in [cause.oldest, cause.newest] {
            if group.samples.len() < SAMPLES_MAX && !group.samples.contains(&id) {
                group.samples.push(id);
            }
        }
    }
    groups.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.first_at.cmp(&other.first_at)));
    groups
}

/// The same for the same cause, today and tomorrow.
fn key(object: Object, cause: &Cause, reason: Option<&str>) -> String {
    let said = json!([object, cause.state, cause.channel, cause.partner, cause.code, reason]);
    let digest = digest(&SHA256, said.to_string().as_bytes());
    format!("grp_{}", hexadecimal(&digest.as_ref()[..KEY_BYTES]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_loses_its_ids_and_numbers() {
        for (reason, expected) in [
            ("the receiver answered 503", "the receiver answered 503"),
            ("order 471100: unknown", "order …: unknown"),
            ("delivery del_01a2-b3 is gone", "delivery … is gone"),
            ("café n° 12", "café n° 12"),
            ("", ""),
        ] {
            assert_eq!(form(reason), expected);
        }
    }

    #[test]
    fn what_differs_in_its_numbers_is_one_group_and_what_differs_in_words_is_not() {
        let cause = |reason: &str, count, at| Cause {
            state: "parked".into(),
            channel: "out".into(),
            partner: None,
            code: Some("HTTP-422".into()),
            reason: Some(reason.into()),
            count,
            first_at: Micros(at),
            last_at: Micros(at + 1),
            oldest: format!("del_{at}"),
            newest: format!("del_{at}x"),
        };
        let all = folded(
            Object::Delivery,
            vec![cause("order 10001 unknown", 2, 5), cause("order 10002 unknown", 1, 3), cause("closed", 9, 1)],
        );
        let told: Vec<_> = all.iter().map(|group| (group.count, group.first_at.0, group.last_at.0)).collect();
        assert_eq!(told, [(9, 1, 2), (3, 3, 6)]);
        assert_eq!(all[1].samples, ["del_5", "del_5x", "del_3"]);
        assert_ne!(all[0].key, all[1].key);
    }
}
