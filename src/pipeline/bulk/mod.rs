//! Many deliveries or transmissions at once: what stands still for one cause, which of it is chosen, a plan of what an act over
//! the choice would do, and the act, which is done only while the plan holds. What is done to each is the ledger's.

pub mod act;
pub mod group;
pub mod plan;
pub mod selection;

use crate::store::StoreError;

/// Why there is no plan, or no act.
#[derive(Debug)]
pub enum Unplanned {
    /// What is asked for makes no sense; the text says what, what was expected and what was found.
    Wrong(String),
    /// The plan does not hold any more; the text says what changed.
    Changed(String),
    /// The ledger failed, or there is no such group.
    Store(StoreError),
}

impl From<StoreError> for Unplanned {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
