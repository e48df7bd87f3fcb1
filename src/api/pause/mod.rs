//! Pauses: what an operator keeps from going on for a while.

pub mod begin;
pub mod end;
pub mod list;

use super::problem::Problem;
use crate::store::pause::PauseKind;

/// What a kind is called.
fn kind(word: &str) -> Result<PauseKind, Problem> {
    let expected = format!("kind: expected partner, channel, agreement or route, found {word}");
    word.parse().map_err(|_| Problem::new(400, "WORD-UNKNOWN", &expected))
}
