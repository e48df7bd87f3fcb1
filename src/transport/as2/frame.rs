//! What stands around a payload in a message that is kept beside it: header lines, borders, signature. A payload that stands in its
//! message as it is, in one stretch, is left out, since it is kept already: put where it stood, the message is the same again,
//! byte for byte. Of others, compressed or packed, all of the message is kept. Where the payload begins is for who opens it to say.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;

/// Bytes that are held while nobody knows where the payload begins; a message that has more before it is kept whole.
const HELD_BYTES_MAX: usize = 512 * 1024;

/// A message on its way to where it is kept.
pub(super) struct Frame<'f> {
    to: &'f mut dyn Write,
    /// What passed and is not written: before the payload all of the message, later what may be of the payload.
    held: Vec<u8>,
    stage: Stage,
}

/// Where a message on its way stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before the payload, as far as is known.
    Before,
    /// In it; it began there.
    Within(u64),
    /// Behind it, or there is none that could be left out.
    Behind(Option<u64>),
}

/// The same for those who read it and those who know what they read.
pub(super) type Shared<'f> = Rc<RefCell<Frame<'f>>>;

impl<'f> Frame<'f> {
    /// A message that is kept there; `leaves_out`: without its payload where that can be left out.
    pub(super) fn shared(to: &'f mut dyn Write, leaves_out: bool) -> Shared<'f> {
        let stage = if leaves_out { Stage::Before } else { Stage::Behind(None) };
        Rc::new(RefCell::new(Frame { to, held: Vec::new(), stage }))
    }

    /// The next bytes of it.
    pub(super) fn passes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if matches!(self.stage, Stage::Behind(_)) {
            return self.to.write_all(bytes);
        }
        self.held.extend_from_slice(bytes);
        if self.stage == Stage::Before && self.held.len() > HELD_BYTES_MAX {
            self.stage = Stage::Behind(None);
            return self.writes_held();
        }
        Ok(())
    }

    /// The payload begins there, and stands as it is.
    pub(super) fn begins(&mut self, at: u64) -> io::Result<()> {
        let before = usize::try_from(at).ok().filter(|before| *before <= self.held.len());
        if let (Stage::Before, Some(before)) = (self.stage, before) {
            self.to.write_all(&self.held[..before])?;
            self.held.drain(..before);
            self.stage = Stage::Within(at);
        }
        Ok(())
    }

    /// So many bytes more are of the payload.
    pub(super) fn has(&mut self, count: usize) {
        if let Stage::Within(_) = self.stage {
            self.held.drain(..count.min(self.held.len()));
        }
    }

    /// The payload has ended.
    pub(super) fn ends(&mut self) -> io::Result<()> {
        if let Stage::Within(at) = self.stage {
            self.stage = Stage::Behind(Some(at));
            self.writes_held()?;
        }
        Ok(())
    }

    /// All has passed; where the payload belongs that was left out.
    pub(super) fn finish(&mut self) -> io::Result<Option<u64>> {
        self.writes_held()?;
        match self.stage {
            Stage::Behind(at) => Ok(at),
            Stage::Before | Stage::Within(_) => Ok(None),
        }
    }

    fn writes_held(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        self.to.write_all(&held)
    }
}

/// Tells a message on its way what is read of it.
pub(super) struct Passing<'p, 'f> {
    pub source: &'p mut dyn Read,
    pub frame: Shared<'f>,
}

impl Read for Passing<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.frame.borrow_mut().passes(&buffer[..count])?;
        Ok(count)
    }
}

/// A message out of what was kept around its payload, and the payload, which belongs there.
///
/// # Errors
/// What stands before the payload cannot be read, or is shorter.
pub fn around<'r>(
    mut frame: impl Read + Send + 'r,
    payload: impl Read + Send + 'r,
    at: u64,
) -> io::Result<Box<dyn Read + Send + 'r>> {
    let mut before = Vec::new();
    (&mut frame).take(at).read_to_end(&mut before)?;
    if before.len() as u64 != at {
        let found = before.len();
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("expected {at} bytes before a payload, found {found}"),
        ));
    }
    Ok(Box::new(io::Cursor::new(before).chain(payload).chain(frame)))
}
