//! Where stencils are kept: of each list of rules those that were made, what fits going to the front. What a stencil is
//! stands with who makes them: `read` of segments, `write` of entities. This file knows neither.
//!
//! A stencil is what the rules did with one item, kept for the next of the same form. Lines of a document are alike: the
//! same fields or elements filled, the same qualifiers, other values. What the rules decide follows from that; so it is
//! decided once and noted while the rules walk. A stencil decides nothing itself: it fits only where all is the same that
//! the rules looked at. Where something differs, the rules walk. Builds for tests let them walk each time, and compare.

use super::notation::Rule;
use crate::standard::definition::Directory;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Stencils of one list of rules; an item that none of them fits is left to the rules.
const STENCILS_MAX: usize = 32;

/// Items in a row that none of them fits, after which they are forgotten and made anew.
const MISSES_MAX: usize = 512;

/// The stencils that are at hand for a mapping: a document takes some, and gives them back with what it learned.
pub struct Shelf<S>(Mutex<Vec<Stencils<S>>>);

impl<S> Shelf<S> {
    /// Stencils that no other document uses.
    pub fn take(&self) -> Stencils<S> {
        let mut stencils = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        stencils.turn += 1;
        stencils
    }

    /// Back, for the next document.
    pub fn give_back(&self, stencils: Stencils<S>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(stencils);
    }
}

impl<S> Default for Shelf<S> {
    fn default() -> Self {
        Shelf(Mutex::default())
    }
}

impl<S> std::fmt::Debug for Shelf<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shelf")
    }
}

/// Sorted by the list of rules that they stand for. A list is known by where it stands: the rules of a mapping do not move
/// once it is read.
pub struct Stencils<S> {
    sets: Vec<(usize, Set<S>)>,
    /// Which of them was asked for last.
    recent: usize,
    /// How many documents took them, the one at hand included.
    pub turn: u64,
    /// How many segments the last of them came to, where that was asked: the next may be as long.
    pub size: usize,
    /// The directory of the documents that they were made of, where that was told.
    directory: Weak<Directory>,
}

impl<S> Default for Stencils<S> {
    fn default() -> Self {
        Stencils { sets: Vec::new(), recent: 0, turn: 0, size: 0, directory: Weak::new() }
    }
}

impl<S> Stencils<S> {
    /// Forgets those of documents of another directory: which elements are composites decides what rules see.
    pub fn for_documents_of(&mut self, directory: &Arc<Directory>) {
        if self.directory.as_ptr() != Arc::as_ptr(directory) {
            self.sets.clear();
            self.directory = Arc::downgrade(directory);
        }
    }

    /// The place of those of a list of rules.
    pub fn of(&mut self, rules: &[Rule]) -> &mut Set<S> {
        let place = rules.as_ptr() as usize;
        // Items of a list come one after the other.
        if self.sets.get(self.recent).is_some_and(|(known, _)| *known == place) {
            return &mut self.sets[self.recent].1;
        }
        let at = self.sets.binary_search_by_key(&place, |(known, _)| *known).unwrap_or_else(|at| {
            let follower = rules.iter().position(|rule| rule.under().is_some());
            self.sets.insert(at, (place, Set { follower, ..Set::default() }));
            at
        });
        self.recent = at;
        &mut self.sets[at].1
    }
}

/// Those of one list of rules.
pub struct Set<S> {
    /// The stencils, the one that fitted last near the front.
    pub stencils: Vec<S>,
    /// The rule for what stands after the item and belongs to it.
    pub follower: Option<usize>,
    /// Items that a stencil was to be made of.
    tries: usize,
    /// Items in a row that none fitted.
    misses: usize,
}

impl<S> Default for Set<S> {
    fn default() -> Self {
        Set { stencils: Vec::new(), follower: None, tries: 0, misses: 0 }
    }
}

impl<S> Set<S> {
    /// What the first stencil shows that fits, with its place.
    pub fn lay<T>(&mut self, mut show: impl FnMut(&S) -> Option<T>) -> Option<(usize, T)> {
        let found = self.stencils.iter().enumerate().find_map(|(at, one)| Some((at, show(one)?)));
        self.misses = if found.is_some() { 0 } else { self.misses + 1 };
        let (at, shown) = found?;
        let front = at.saturating_sub(1);
        self.stencils.swap(at, front);
        Some((front, shown))
    }

    /// Whether a stencil is to be made of an item that none fits.
    pub fn wants_more(&mut self) -> bool {
        if self.misses > MISSES_MAX {
            *self = Set { follower: self.follower, ..Set::default() };
        }
        self.tries += 1;
        self.tries <= STENCILS_MAX
    }

    /// Keeps a stencil.
    pub fn keep(&mut self, stencil: Option<S>) {
        self.stencils.splice(0..0, stencil);
    }
}
