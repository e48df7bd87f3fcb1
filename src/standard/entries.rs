//! Definitions by name, each read when first asked for: a version of X12 has 8,000 places, 1,300 elements and 32,000
//! codes, of which a document needs some hundred. `lines` finds where entries stand, `load` says how one is read and of
//! which files.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Entries of one kind, sorted by their keys.
#[derive(Clone)]
pub struct Entries<T> {
    sorted: Vec<Entry<T>>,
}

#[derive(Clone)]
struct Entry<T> {
    key: String,
    value: OnceLock<Option<T>>,
    /// Where it stands, if it was not put here read.
    source: Option<(Arc<Source<T>>, Range<usize>)>,
}

/// A file, and how an entry of it is read.
struct Source<T> {
    text: String,
    read: Box<Read<T>>,
}

/// Reads an entry from its lines.
type Read<T> = dyn Fn(&str) -> Option<T> + Send + Sync;

impl<T> Entries<T> {
    /// The entries of a file, each at its lines; `read` is given those. What it cannot read counts as not there: this is for
    /// files that are known to be right.
    #[must_use]
    pub fn of(
        text: String,
        found: Vec<(String, Range<usize>)>,
        read: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        let source = Arc::new(Source { text, read: Box::new(read) });
        let unread = |(key, lines)| Entry { key, value: OnceLock::new(), source: Some((source.clone(), lines)) };
        Entries { sorted: found.into_iter().map(unread).collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many were read so far.
    #[must_use]
    pub fn read(&self) -> usize {
        self.sorted.iter().filter(|entry| entry.value.get().is_some()).count()
    }

    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&T> {
        self.at(self.number(key)?)
    }

    /// Whether a key is there.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.number(key).is_some()
    }

    /// The place of a key among all.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<usize> {
        self.sorted.binary_search_by(|entry| entry.key.as_str().cmp(key)).ok()
    }

    /// The entry at a place.
    #[must_use]
    pub fn at(&self, number: usize) -> Option<&T> {
        self.sorted.get(number)?.get()
    }

    /// The keys in order; nothing is read for them.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.sorted.iter().map(|entry| entry.key.as_str())
    }

    /// All entries, read.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.sorted.iter().filter_map(|entry| Some((entry.key.as_str(), entry.get()?)))
    }

    /// All values, read.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }
}

impl<T: Clone> Entries<T> {
    /// These, with `above` going before them where both have a key.
    #[must_use]
    pub fn under(&self, above: &Self) -> Self {
        let mut all: BTreeMap<&str, &Entry<T>> = self.sorted.iter().map(|entry| (entry.key.as_str(), entry)).collect();
        all.extend(above.sorted.iter().map(|entry| (entry.key.as_str(), entry)));
        Entries { sorted: all.into_values().cloned().collect() }
    }
}

impl<T> Entry<T> {
    fn get(&self) -> Option<&T> {
        let read = |(source, lines): &(Arc<Source<T>>, Range<usize>)| (source.read)(source.text.get(lines.clone())?);
        self.value.get_or_init(|| self.source.as_ref().and_then(read)).as_ref()
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries { sorted: Vec::new() }
    }
}

impl<T> From<BTreeMap<String, T>> for Entries<T> {
    fn from(all: BTreeMap<String, T>) -> Self {
        let entry = |(key, value)| Entry { key, value: OnceLock::from(Some(value)), source: None };
        Entries { sorted: all.into_iter().map(entry).collect() }
    }
}

impl<T: PartialEq> PartialEq for Entries<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for Entries<T> {}

impl<T: PartialEq> PartialEq<BTreeMap<String, T>> for Entries<T> {
    fn eq(&self, other: &BTreeMap<String, T>) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter().map(|(key, value)| (key.as_str(), value)))
    }
}

impl<T> fmt::Debug for Entries<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries, {} of them read", self.len(), self.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Entries<String> {
        let found = super::super::lines::entries(text, 0).expect("as the importer writes it");
        Entries::of(text.to_owned(), found, |entry| entry.split_once(':').map(|(_, rest)| rest.trim().to_owned()))
    }

    #[test]
    fn only_what_is_asked_for_is_read() {
        let entries = words("A: one\n\"10\": ten\n  and more\nB: two\n");
        assert_eq!((entries.len(), entries.read()), (3, 0));
        assert_eq!(entries.get("10").map(String::as_str), Some("ten\n  and more"));
        assert!(entries.get("1").is_none() && entries.contains_key("B") && entries.keys().eq(["10", "A", "B"]));
        assert_eq!(entries.read(), 1);
        assert_eq!(entries.values().count(), 3);
        assert_eq!(entries.read(), 3);
    }

    #[test]
    fn what_lies_above_goes_before() {
        let (below, above) = (words("A: one\nB: two\n"), words("B: 2\nC: 3\n"));
        let both = below.under(&above);
        let expected = [("A", "one"), ("B", "2"), ("C", "3")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert!(both == BTreeMap::from(expected) && both != below);
    }
}
