//! What an agreement says about interchanges that came before: how one is told, and what happens to it.

use serde::Deserialize;

/// What happens to an interchange that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Duplicate {
    /// It is processed all the same.
    Allow,
    /// It is processed, and a warning says that it came before.
    Warn,
    /// It is held for a person.
    Hold,
    /// It goes no further, and the sender is told so (TA1 025, CONTRL 26).
    #[default]
    Reject,
    /// It goes no further, and the sender gets the acknowledgment of the first one again.
    Answer,
}

/// How an interchange that came before is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKey {
    /// By both parties and the control number; other content under the same number is held.
    #[default]
    ControlNumber,
    /// By both parties and the bytes, for senders whose control numbers repeat.
    Content,
}
