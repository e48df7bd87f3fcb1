//! Which records stand in which, guessed by their order: what comes between two records of a type stands in the first of them.
//! It sees types as numbers and no values.

use super::fixed::NESTED_MAX;
use std::collections::BTreeMap;

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
    // A record ends those that it does not stand in, so what comes again behind it stands further out.
    while let Some(kind) = closed(&documents, &around, first) {
        around[kind] = around[kind].and_then(|outer| around[outer]);
    }
    let bounds = (0..kinds).map(|kind| bounds(&documents, &around, kind)).collect();
    Nest { first, documents: documents.len(), around, bounds }
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

/// A type one of whose records comes where none of the type around it is open.
fn closed(documents: &[Vec<usize>], around: &[Option<usize>], first: usize) -> Option<usize> {
    for document in documents {
        let mut open: Vec<usize> = Vec::new();
        for kind in document.iter().filter(|kind| **kind != first) {
            let depth = match around[*kind] {
                None => 0,
                Some(outer) => match open.iter().position(|one| *one == outer) {
                    Some(at) => at + 1,
                    None => return Some(*kind),
                },
            };
            open.truncate(depth);
            open.push(*kind);
        }
    }
    None
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
    /// The types that stand in one, or in the document itself, in the order in which they first came.
    pub(super) fn below(&self, outer: Option<usize>) -> Vec<usize> {
        (0..self.around.len()).filter(|kind| self.around[*kind] == outer && *kind != self.first).fold(
            if outer.is_none() { vec![self.first] } else { Vec::new() },
            |mut found, kind| {
                found.push(kind);
                found
            },
        )
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
