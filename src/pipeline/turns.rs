//! Whose turn it is among those that are worked for one after the other, each by one task at a time and a few at once. It knows no
//! work; tasks are told apart by their ids, so that one that panics gives back its place and no other.

use std::collections::HashMap;
use tokio::task::{Id, JoinError};

/// Each that is worked for has one of so many places.
pub(super) struct Turns {
    places: usize,
    at_work: HashMap<Id, String>,
    /// Who came last; those behind it come next.
    last: String,
}

impl Turns {
    /// So many at once.
    pub(super) fn new(places: usize) -> Self {
        Self { places, at_work: HashMap::new(), last: String::new() }
    }

    /// Who comes next, of these in their order, for the places that are free.
    pub(super) fn next(&mut self, names: &[String]) -> Vec<String> {
        let behind = names.partition_point(|name| *name <= self.last);
        let (before, behind) = names.split_at(behind);
        let waiting = behind.iter().chain(before).filter(|name| !self.at_work.values().any(|one| one == *name));
        let found: Vec<String> = waiting.take(self.places.saturating_sub(self.at_work.len())).cloned().collect();
        if let Some(last) = found.last() {
            self.last.clone_from(last);
        }
        found
    }

    /// A task began for one of them.
    pub(super) fn begun(&mut self, id: Id, name: String) {
        self.at_work.insert(id, name);
    }

    /// Gives back the place of one that ended, though it panicked; what the task came to, where it did not.
    pub(super) fn ended<T>(&mut self, ended: Result<(Id, T), JoinError>) -> Option<T> {
        let (id, done) = match ended {
            Ok((id, done)) => (id, Some(done)),
            Err(error) => (error.id(), None),
        };
        self.at_work.remove(&id);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinSet;

    const PLACES: usize = 16;

    #[tokio::test]
    async fn each_has_its_turn_and_a_panic_gives_back_one_place_only() {
        let names: Vec<String> = (0..PLACES + 4).map(|at| format!("w{at:02}")).collect();
        let (mut running, mut turns) = (JoinSet::new(), Turns::new(PLACES));
        let first = turns.next(&names);
        assert_eq!(first, names[..PLACES]);
        for (at, name) in first.into_iter().enumerate() {
            let told = running.spawn(async move {
                match at {
                    0 => panic!("it is meant"),
                    1 => true,
                    _ => std::future::pending().await,
                }
            });
            turns.begun(told.id(), name);
        }
        let ended = [running.join_next_with_id().await, running.join_next_with_id().await];
        let more: Vec<Option<bool>> = ended.into_iter().flatten().map(|one| turns.ended(one)).collect();
        assert_eq!(more, [None, Some(true)]);
        // Those who wait come before those who had a turn, although they have more; the others are still at work.
        assert_eq!(turns.next(&names), names[PLACES..PLACES + 2]);
        assert_eq!(turns.at_work.len(), PLACES - 2);
        assert_eq!(turns.next(&names), names[PLACES + 2..]);
        assert_eq!(turns.next(&names), names[..2]);
    }
}
