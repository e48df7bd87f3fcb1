//! What a message is made of on its way out: sources one behind the other.

use crate::transport::source::Source;
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes that are read ahead at first. Most messages are small, and zeros for more would take longer than reading them.
const FIRST_BYTES: usize = 4 * 1024;

/// Reads on once behind what is ahead, up to so many bytes, at first fewer; how many came, none at the end.
pub(super) fn read_on(source: &mut dyn Read, ahead: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let had = ahead.len();
    ahead.resize(had + most.min(FIRST_BYTES.max(2 * ahead.capacity())), 0);
    let read = loop {
        match source.read(&mut ahead[had..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    ahead.truncate(had + *read.as_ref().unwrap_or(&0));
    read
}

/// One behind the other.
pub struct Chain<'s>(pub Vec<Arc<dyn Source + 's>>);

impl Source for Chain<'_> {
    fn length(&self) -> u64 {
        self.0.iter().map(|one| one.length()).sum()
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        self.open_at(0)
    }

    fn open_at(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        let (mut all, mut left): (Box<dyn Read + '_>, _) = (Box::new(io::empty()), start);
        for one in &self.0 {
            let skipped = left.min(one.length());
            left -= skipped;
            // One that is passed over whole is not even opened.
            if skipped == 0 || skipped < one.length() {
                all = Box::new(all.chain(one.open_at(skipped)?));
            }
        }
        Ok(all)
    }
}
