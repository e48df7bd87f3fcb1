//! What was read of a source and not used yet, in one buffer: read on from its end, used up from its front. What the bytes
//! are, and how many may be held, is for those who look at them.

use std::io::{self, Read};

/// How much is read at once, once the input has shown that it is long.
const WINDOW_BYTES: usize = 64 * 1024;
/// The first window: most inputs are one document of some kilobytes, and room for more would cost more than reading them.
const FIRST_BYTES: usize = 16 * 1024;

/// A source and the bytes at hand.
pub struct Window<R> {
    source: R,
    /// What was read stands in `begin..filled`; the rest is room.
    buffer: Vec<u8>,
    begin: usize,
    filled: usize,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// Nothing is read yet.
    pub fn new(source: R) -> Self {
        Window { source, buffer: Vec::new(), begin: 0, filled: 0, ended: false }
    }

    /// What it reads from.
    pub fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// The bytes at hand.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.begin..self.filled]
    }

    /// Whether nothing follows them.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Lets go of the first of them, as many as there are at most.
    #[inline]
    pub fn skip(&mut self, bytes: usize) {
        self.begin = self.filled.min(self.begin + bytes);
    }

    /// Reads on; false when the source has ended.
    ///
    /// # Errors
    /// What the source says.
    pub fn read_on(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        // What is left moves to the front when more was used than is left, so no byte moves often.
        if self.begin > self.filled - self.begin {
            self.buffer.copy_within(self.begin..self.filled, 0);
            (self.begin, self.filled) = (0, self.filled - self.begin);
        }
        if self.filled == self.buffer.len() {
            let more = self.filled.clamp(FIRST_BYTES, WINDOW_BYTES);
            self.buffer.resize(self.filled + more, 0);
        }
        let read = loop {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.filled += read;
        self.ended = read == 0;
        Ok(!self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_all_bytes_come_in_order_and_few_are_held() {
        let all: Vec<u8> = (0..1_000_000u32).map(|at| at.to_le_bytes()[at as usize % 4]).collect();
        let mut window = Window::new(all.as_slice());
        let mut seen = Vec::new();
        while window.read_on().expect("memory reads") {
            let take = window.bytes().len().saturating_sub(100);
            seen.extend_from_slice(&window.bytes()[..take]);
            window.skip(take);
        }
        seen.extend_from_slice(window.bytes());
        assert!(seen == all && window.has_ended());
        assert!(window.buffer.len() <= 3 * WINDOW_BYTES, "{} bytes are held", window.buffer.len());
        window.skip(1_000);
        assert!(window.bytes().is_empty() && !window.read_on().expect("it ended"));
    }
}
