//! Bytes that can be read again from their begin, and whose number is known before: what goes out is made of them, so that it
//! is never held whole.

use std::io::{self, Read};

/// Such bytes.
pub trait Source: Send + Sync {
    /// How many.
    fn length(&self) -> u64;

    /// Reads them from their begin.
    ///
    /// # Errors
    /// They cannot be had.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl Source for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self[..]))
    }
}

impl Source for &dyn Source {
    fn length(&self) -> u64 {
        (**self).length()
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        (**self).open()
    }
}
