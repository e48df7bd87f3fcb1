//! Whose turn a delivery is: what an agreement of way out says of order and urgency. How turns are kept is `store::lane`'s.

use serde::{Deserialize, Serialize};

/// In which order deliveries leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As they can: one that has to wait is overtaken.
    #[default]
    None,
    /// One after the other to the partner, as their documents were received.
    Partner,
    /// The same among those with one value of `key`, such as an order and its changes.
    Key,
}

/// What leaves first within a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before all others.
    Urgent,
    /// As everything that says nothing.
    #[default]
    Normal,
    /// After all others, but for one place in so many.
    Bulk,
}

impl Priority {
    /// All, what leaves first in front.
    pub const ALL: [Priority; 3] = [Priority::Urgent, Priority::Normal, Priority::Bulk];
    /// Their words.
    pub const WORDS: [&'static str; 3] = ["urgent", "normal", "bulk"];

    /// Its number in the ledger: the lower, the earlier.
    #[must_use]
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The priority of a number.
    #[must_use]
    pub fn of(number: i64) -> Self {
        Self::ALL.into_iter().find(|one| one.number() == number).unwrap_or_default()
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// Characters of a value that tell lanes apart. Longer ones that begin alike share a lane, which is slower and never wrong.
pub const KEY_CHARACTERS_MAX: usize = 120;

/// The lane of what goes to a partner in an environment; with a key, of those with the same.
#[must_use]
pub fn lane(partner: &str, environment: &str, key: Option<&str>) -> String {
    match key {
        None => format!("{environment}/{partner}"),
        Some(key) => format!("{environment}/{partner}/{}", key.chars().take(KEY_CHARACTERS_MAX).collect::<String>()),
    }
}
