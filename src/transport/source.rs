//! Bytes that can be read again from their begin, and whose number is known before: what goes out is made of them, so that it
//! is never held whole.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

/// Such bytes.
pub trait Source: Send + Sync {
    /// How many.
    fn length(&self) -> u64;

    /// Reads them from their begin.
    ///
    /// # Errors
    /// They cannot be had.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;

    /// Reads them from one of them on; what can go there at once does.
    ///
    /// # Errors
    /// They cannot be had.
    fn open_at(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut reader = self.open()?;
        io::copy(&mut (&mut reader).take(start), &mut io::sink())?;
        Ok(reader)
    }
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

    fn open_at(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        (**self).open_at(start)
    }
}

/// A file, whole.
pub struct Spooled {
    file: File,
    length: u64,
}

impl Spooled {
    /// As it is now.
    ///
    /// # Errors
    /// Its length cannot be had.
    pub fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Spooled { file, length })
    }
}

impl Source for Spooled {
    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        self.open_at(0)
    }

    fn open_at(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(From { file: &self.file, at: start }))
    }
}

struct From<'f> {
    file: &'f File,
    at: u64,
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
