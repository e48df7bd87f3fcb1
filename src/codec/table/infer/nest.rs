//! Which records stand in which, guessed by their order: what comes between two records of a type stands in the first of them.
//! It sees types as numbers and no values.

use super::fixed::NESTED_MAX;
use std::collections::{BTreeMap, BTreeSet};

/// The records of a document and those in them.
pub(super) struct Nest {
    /// The type that begins a document.
    pub first: usize,
    /// How many documents there are.
    documents: usize,
    /// The type around each; none of those that stand in the document itself.
    around: Vec<Option<usize>>,
    /// Whether each is there in all that are around it, and how often at most.
    bounds: Vec<(bool, usize)>,
    /// Those that stand in one, or in the document (the last), in their order.
    below: Vec<Vec<usize>>,
    /// Of those, one that came behind another, which comes behind it as well.
    disorder: Vec<Option<[usize; 2]>>,
}

/// Guesses from the types of the lines of each sample, of which there are so many.
pub(super) fn nest(samples: &[Vec<usize>], kinds: usize) -> Nest {
    let first = samples.iter().find_map(|sample| sample.first()).copied().unwrap_or(0);
    let mut documents: Vec<Vec<usize>> = Vec::new();
    for sample in samples {
        for (at, kind) in sample.iter().take(NESTED_MAX).enumerate() {
            if at == 0 || *kind == first {
                documents.push(Vec::new());
            }
            documents.last_mut().into_iter().for_each(|document| document.push(*kind));
        }
    }
    let mut around = vec![None; kinds];
    for inner in (0..kinds).filter(|kind| *kind != first) {
        let likely = (0..kinds).filter(|outer| *outer != first && *outer != inner);
        // The innermost is the one that comes last before it.
        around[inner] = likely
            .filter(|outer| stands_in(&documents, inner, *outer))
            .min_by_key(|outer| distance(&documents, inner, *outer));
    }
    // A record ends those that it does not stand in. What stands between others of a record stands in it as well, where it
    // never comes without one; else what comes again behind it stands further out.
    let mut taken_in = vec![false; kinds];
    while let Some(Closed { kind, outer, by }) = closed(&documents, &around, first) {
        match by {
            Some(by) if !taken_in[by] && around[by] == around[outer] && comes_behind(&documents, by, outer) => {
                taken_in[by] = true;
                around[by] = Some(outer);
            }
            _ => around[kind] = around[outer],
        }
    }
    let bounds = (0..kinds).map(|kind| bounds(&documents, &around, kind)).collect();
    let (mut below, mut disorder) = (Vec::new(), Vec::new());
    for outer in (0..kinds).map(Some).chain([None]) {
        let own: Vec<usize> = (0..kinds).filter(|kind| around[*kind] == outer).collect();
        let before = before(&documents, outer, &own, first);
        let sorted = sorted(own, &before);
        let either = sorted.iter().enumerate().find_map(|(at, one)| {
            let earlier = sorted[..at].iter().find(|other| before.contains(&(*one, **other)))?;
            Some([*one, *earlier])
        });
        below.push(sorted);
        disorder.push(either);
    }
    Nest { first, documents: documents.len(), around, bounds, below, disorder }
}

/// Whether one comes in each document behind the first of the other, and once at least between two of them.
fn stands_in(documents: &[Vec<usize>], inner: usize, outer: usize) -> bool {
    let mut is_between = false;
    for document in documents {
        let at = |kind: usize| document.iter().position(|one| *one == kind);
        let Some(begin) = at(inner) else { continue };
        match (at(outer), document.iter().rposition(|one| *one == outer)) {
            (Some(first), Some(last)) if first < begin => is_between |= begin < last,
            _ => return false,
        }
    }
    is_between
}

/// A record that comes where none of the type around it is open.
struct Closed {
    kind: usize,
    outer: usize,
    /// The type that ended the last one around it, where there was one.
    by: Option<usize>,
}

fn closed(documents: &[Vec<usize>], around: &[Option<usize>], first: usize) -> Option<Closed> {
    for document in documents {
        let (mut open, mut ended_by): (Vec<usize>, BTreeMap<usize, usize>) = (Vec::new(), BTreeMap::new());
        for kind in document.iter().filter(|kind| **kind != first) {
            let depth = match around[*kind] {
                None => 0,
                Some(outer) => match open.iter().position(|one| *one == outer) {
                    Some(at) => at + 1,
                    None => return Some(Closed { kind: *kind, outer, by: ended_by.get(&outer).copied() }),
                },
            };
            ended_by.extend(open.drain(depth..).map(|ended| (ended, *kind)));
            open.push(*kind);
        }
    }
    None
}

/// Whether one never comes before the first of the other.
fn comes_behind(documents: &[Vec<usize>], inner: usize, outer: usize) -> bool {
    documents.iter().all(|document| {
        let at = |kind: usize| document.iter().position(|one| *one == kind);
        at(inner).is_none_or(|inner| at(outer).is_some_and(|outer| outer < inner))
    })
}

/// Lines from the outer to the first inner behind it, at least.
fn distance(documents: &[Vec<usize>], inner: usize, outer: usize) -> usize {
    let mut least = usize::MAX;
    for document in documents {
        let mut last = None;
        for (at, kind) in document.iter().enumerate() {
            if *kind == outer {
                last = Some(at);
            } else if let (true, Some(last)) = (*kind == inner, last) {
                least = least.min(at - last);
            }
        }
    }
    least
}

/// Pairs of those that stand in one: the first came before the second somewhere.
fn before(documents: &[Vec<usize>], outer: Option<usize>, own: &[usize], first: usize) -> BTreeSet<(usize, usize)> {
    let mut found = BTreeSet::new();
    for document in documents {
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        for kind in document {
            if Some(*kind) == outer || (outer.is_none() && *kind == first) {
                seen.clear();
            }
            if own.contains(kind) {
                found.extend(seen.iter().filter(|one| *one != kind).map(|one| (*one, *kind)));
                seen.insert(*kind);
            }
        }
    }
    found
}

/// Each behind those that only ever came before it; where two came either way, the first that was seen.
fn sorted(mut own: Vec<usize>, before: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut found = Vec::new();
    while !own.is_empty() {
        let is_behind = |one: usize, other: usize| before.contains(&(other, one)) && !before.contains(&(one, other));
        let free = own.iter().position(|one| !own.iter().any(|other| is_behind(*one, *other))).unwrap_or(0);
        found.push(own.remove(free));
    }
    found
}

/// Whether a type is there in all that are around it, and how often at most.
fn bounds(documents: &[Vec<usize>], around: &[Option<usize>], kind: usize) -> (bool, usize) {
    let (mut is_always, mut most) = (true, 0);
    for document in documents {
        // The document itself counts as one around it.
        let mut counts: Vec<usize> = if around[kind].is_none() { vec![0] } else { Vec::new() };
        for one in document {
            if Some(*one) == around[kind] {
                counts.push(0);
            } else if let (true, Some(last)) = (*one == kind, counts.last_mut()) {
                *last += 1;
            }
        }
        is_always &= counts.iter().all(|count| *count > 0);
        most = most.max(counts.into_iter().max().unwrap_or(0));
    }
    (is_always, most)
}

impl Nest {
    /// The types that stand in one, or in the document itself, in the order in which they came.
    pub(super) fn below(&self, outer: Option<usize>) -> &[usize] {
        &self.below[outer.unwrap_or(self.below.len() - 1)]
    }

    /// That those in one have no order, where they have none.
    pub(super) fn disorder(&self, outer: Option<usize>, names: &[String]) -> Option<String> {
        let [one, other] = self.disorder[outer.unwrap_or(self.disorder.len() - 1)]?;
        let (one, other) = (&names[one], &names[other]);
        Some(format!("{one} came behind {other} and before it: where they come otherwise than here, it is told"))
    }

    /// Usage and how often at most.
    pub(super) fn bounds(&self, kind: usize) -> (&'static str, &'static str) {
        let (is_always, most) = self.bounds[kind];
        (if is_always { "R" } else { "O" }, if most > 1 { ">1" } else { "1" })
    }

    /// What the documents were told by.
    pub(super) fn seen(&self, first: &str) -> String {
        let held: BTreeMap<bool, usize> = self.around.iter().fold(BTreeMap::new(), |mut held, outer| {
            *held.entry(outer.is_some()).or_insert(0) += 1;
            held
        });
        format!(
            "a document begins with {first}, as the samples do: {} documents; nesting is guessed by the order of lines, of \
             {NESTED_MAX} of each sample at most: {} types stand in others",
            self.documents,
            held.get(&true).copied().unwrap_or(0)
        )
    }
}
