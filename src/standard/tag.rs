//! Tags as numbers: a small open-addressed table from the bytes of a tag to where its rules stand. Tags of segments have
//! three characters at most; names of XML elements are longer and have a hash for number, which no two names of one version
//! may share (`content` sees to that).

/// From tags to numbers.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    /// Key (0 is none) and number, at the place that the key's hash gives or the next free one behind it.
    slots: Box<[(u32, u16)]>,
}

impl Tags {
    /// Numbers the tags by their order, from 0. What is empty is left out.
    #[must_use]
    pub fn new<'t>(tags: impl ExactSizeIterator<Item = &'t str>) -> Self {
        let mut made = Tags { slots: vec![(0, 0); (tags.len() * 2).next_power_of_two().max(2)].into() };
        for (number, tag) in (0..).zip(tags) {
            if let Some(key) = key(tag.as_bytes()) {
                let slot = made.slot(key);
                made.slots[slot] = (key, number);
            }
        }
        made
    }

    /// The number of a tag, upper and lower case being different.
    #[must_use]
    #[inline]
    pub fn find(&self, tag: &[u8]) -> Option<usize> {
        let key = key(tag)?;
        let (found, number) = *self.slots.get(self.slot(key))?;
        (found == key).then_some(usize::from(number))
    }

    /// Where a key stands, or the free place where it would.
    fn slot(&self, key: u32) -> usize {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = (key.wrapping_mul(0x9E37_79B1) >> 12) as usize & mask;
        while self.slots.get(slot).is_some_and(|(other, _)| *other != 0 && *other != key) {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// The length of a tag and its bytes as one number, or the hash of a name; none of an empty one.
#[must_use]
#[inline]
pub fn key(tag: &[u8]) -> Option<u32> {
    match *tag {
        [a] => Some(u32::from_le_bytes([a, 0, 0, 1])),
        [a, b] => Some(u32::from_le_bytes([a, b, 0, 2])),
        [a, b, c] => Some(u32::from_le_bytes([a, b, c, 3])),
        [] => None,
        _ => Some(hash(tag)),
    }
}

/// FNV-1a with the highest bit set, which no number of a short tag has.
fn hash(name: &[u8]) -> u32 {
    let add = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    name.iter().fold(0x811C_9DC5, add) | 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_found_and_no_other() {
        let tags: Vec<String> =
            (0..300u32).map(|n| format!("{}{}", char::from(b'A' + (n % 26) as u8), n / 26)).collect();
        let made = Tags::new(tags.iter().map(String::as_str));
        for (number, tag) in tags.iter().enumerate() {
            assert_eq!(made.find(tag.as_bytes()), Some(number));
            assert_eq!(made.find(tag.to_ascii_lowercase().as_bytes()), None);
        }
        for other in [&b""[..], b"A", b"A123", b"\0A1", b"A1\0", b"ZZZ"] {
            assert_eq!(made.find(other), None, "{other:?}");
        }
        assert_eq!(Tags::new([].into_iter()).find(b"ST"), None);
        assert_eq!(Tags::default().find(b"ST"), None);
    }
}
