//! Packets of the SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02), which every client speaks. Only
//! what a server reads and writes, and the words that both sides have; no sockets.
//!
//! Not supported: later versions. Why: clients that know them speak version 3 as well. Seen as: SSH_FXP_VERSION 3.

use super::files::{Refused, Status};

/// Bytes of a packet, at most; as OpenSSH's server takes them, so that clients send none that is larger.
pub const PACKET_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one read or write that we announce (limits@openssh.com); a packet has room for them with its head.
pub const DATA_BYTES_MAX: u32 = 255 * 1024;
/// The version spoken.
pub const VERSION: u32 = 3;

pub(super) const INIT: u8 = 1;
pub(super) const VERSION_ANSWER: u8 = 2;
pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const READ: u8 = 5;
pub(super) const WRITE: u8 = 6;
pub(super) const LSTAT: u8 = 7;
const FSTAT: u8 = 8;
const SETSTAT: u8 = 9;
const FSETSTAT: u8 = 10;
pub(super) const OPENDIR: u8 = 11;
pub(super) const READDIR: u8 = 12;
pub(super) const REMOVE: u8 = 13;
const MKDIR: u8 = 14;
const RMDIR: u8 = 15;
const REALPATH: u8 = 16;
const STAT: u8 = 17;
pub(super) const RENAME: u8 = 18;
const READLINK: u8 = 19;
const SYMLINK: u8 = 20;
pub(super) const STATUS: u8 = 101;
pub(super) const HANDLE: u8 = 102;
pub(super) const DATA: u8 = 103;
pub(super) const NAME: u8 = 104;
pub(super) const ATTRS: u8 = 105;
pub(super) const EXTENDED: u8 = 200;
const EXTENDED_REPLY: u8 = 201;

pub(super) const ATTR_SIZE: u32 = 0x1;
pub(super) const ATTR_OWNER: u32 = 0x2;
pub(super) const ATTR_PERMISSIONS: u32 = 0x4;
pub(super) const ATTR_TIMES: u32 = 0x8;

/// SSH_FXF_READ.
pub const FLAG_READ: u32 = 0x01;
/// SSH_FXF_WRITE.
pub const FLAG_WRITE: u32 = 0x02;
/// SSH_FXF_APPEND.
pub const FLAG_APPEND: u32 = 0x04;
/// SSH_FXF_CREAT.
pub const FLAG_CREATE: u32 = 0x08;
/// SSH_FXF_TRUNC.
pub const FLAG_TRUNCATE: u32 = 0x10;
/// SSH_FXF_EXCL.
pub const FLAG_EXCLUSIVE: u32 = 0x20;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// To open a file.
    Open { path: Vec<u8>, flags: u32 },
    /// To close a handle.
    Close { handle: Vec<u8> },
    /// To read.
    Read { handle: Vec<u8>, offset: u64, length: u32 },
    /// To write.
    Write { handle: Vec<u8>, offset: u64, bytes: Vec<u8> },
    /// What a path is; there are no links, so LSTAT and STAT are one.
    Stat { path: Vec<u8> },
    /// What a handle is.
    FileStat { handle: Vec<u8> },
    /// To change a path's attributes; the size, where it is one of them.
    SetStat { path: Vec<u8>, size: Option<u64> },
    /// The same of a handle.
    FileSetStat { handle: Vec<u8>, size: Option<u64> },
    /// To open a folder.
    OpenFolder { path: Vec<u8> },
    /// The next names of a folder.
    ReadFolder { handle: Vec<u8> },
    /// To remove a file.
    Remove { path: Vec<u8> },
    /// A path in full.
    RealPath { path: Vec<u8> },
    /// To give another name; `replace` what has it (posix-rename@openssh.com).
    Rename { from: Vec<u8>, to: Vec<u8>, replace: bool },
    /// What we can take at most (limits@openssh.com).
    Limits,
    /// To make or remove a folder.
    Folders,
    /// Something that this server does not do.
    Other,
}

/// A packet of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The first one, with the client's version.
    Init(u32),
    /// A request under its number.
    Request(u32, Ask),
}

/// A packet that breaks the protocol; the session ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a packet that breaks the protocol: {0}")]
pub struct Broken(pub &'static str);

/// The length of the next packet, once its four bytes are there.
///
/// # Errors
/// It is empty, or larger than [`PACKET_BYTES_MAX`].
pub fn length(head: [u8; 4]) -> Result<usize, Broken> {
    match usize::try_from(u32::from_be_bytes(head)) {
        Ok(0) => Err(Broken("no bytes")),
        Ok(length) if length <= PACKET_BYTES_MAX => Ok(length),
        _ => Err(Broken("more than 256 KiB")),
    }
}

/// What is left of a packet that is being read.
pub(super) struct Cut<'p>(pub &'p [u8]);

impl<'p> Cut<'p> {
    fn take(&mut self, length: usize) -> Result<&'p [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Broken("it ends too soon"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn byte(&mut self) -> Result<u8, Broken> {
        Ok(self.take(1)?[0])
    }

    pub fn four(&mut self) -> Result<u32, Broken> {
        Ok(self.take(4)?.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    pub fn eight(&mut self) -> Result<u64, Broken> {
        Ok(u64::from(self.four()?) << 32 | u64::from(self.four()?))
    }

    pub fn text(&mut self) -> Result<Vec<u8>, Broken> {
        let length = self.four()? as usize;
        Ok(self.take(length)?.to_vec())
    }

    /// The size among attributes (5); the rest says nothing that a mailbox keeps.
    fn size(&mut self) -> Result<Option<u64>, Broken> {
        // Some clients leave them out where the protocol wants them.
        if self.0.is_empty() {
            return Ok(None);
        }
        let flags = self.four()?;
        if flags & ATTR_SIZE == 0 { Ok(None) } else { self.eight().map(Some) }
    }
}

/// Reads a packet, its length left out.
///
/// # Errors
/// It ends too soon, or is none.
pub fn read(packet: &[u8]) -> Result<Packet, Broken> {
    let mut cut = Cut(packet);
    let kind = cut.byte()?;
    let number = cut.four()?;
    if kind == INIT {
        return Ok(Packet::Init(number));
    }
    let ask = match kind {
        OPEN => Ask::Open { path: cut.text()?, flags: cut.four()? },
        CLOSE => Ask::Close { handle: cut.text()? },
        READ => Ask::Read { handle: cut.text()?, offset: cut.eight()?, length: cut.four()? },
        WRITE => Ask::Write { handle: cut.text()?, offset: cut.eight()?, bytes: cut.text()? },
        LSTAT | STAT => Ask::Stat { path: cut.text()? },
        FSTAT => Ask::FileStat { handle: cut.text()? },
        SETSTAT => Ask::SetStat { path: cut.text()?, size: cut.size()? },
        FSETSTAT => Ask::FileSetStat { handle: cut.text()?, size: cut.size()? },
        OPENDIR => Ask::OpenFolder { path: cut.text()? },
        READDIR => Ask::ReadFolder { handle: cut.text()? },
        REMOVE => Ask::Remove { path: cut.text()? },
        REALPATH => Ask::RealPath { path: cut.text()? },
        RENAME => Ask::Rename { from: cut.text()?, to: cut.text()?, replace: false },
        MKDIR | RMDIR => Ask::Folders,
        EXTENDED => match cut.text()?.as_slice() {
            b"posix-rename@openssh.com" => Ask::Rename { from: cut.text()?, to: cut.text()?, replace: true },
            b"limits@openssh.com" => Ask::Limits,
            _ => Ask::Other,
        },
        READLINK | SYMLINK => Ask::Other,
        _ => Ask::Other,
    };
    Ok(Packet::Request(number, ask))
}

/// What a listing shows of a file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970 when it came.
    pub at: u32,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether the partner may write to it.
    pub may_write: bool,
}

impl Attributes {
    /// Kind and permissions as POSIX writes them (5).
    fn mode(&self) -> u32 {
        match (self.is_folder, self.may_write) {
            (true, true) => 0o040_770,
            (true, false) => 0o040_550,
            (false, true) => 0o100_660,
            (false, false) => 0o100_440,
        }
    }

    fn put(&self, packet: &mut Vec<u8>) {
        put_four(packet, ATTR_SIZE | ATTR_OWNER | ATTR_PERMISSIONS | ATTR_TIMES);
        packet.extend(self.size.to_be_bytes());
        // User and group: nobody's.
        put_four(packet, 0);
        put_four(packet, 0);
        put_four(packet, self.mode());
        put_four(packet, self.at);
        put_four(packet, self.at);
    }

    /// The line that `ls -l` prints.
    fn line(&self, name: &str) -> String {
        let kind = if self.is_folder { 'd' } else { '-' };
        let bits: String =
            (0..9).map(|at| if self.mode() & (0o400 >> at) == 0 { '-' } else { ['r', 'w', 'x'][at % 3] }).collect();
        let at = crate::clock::Timestamp::from_second(i64::from(self.at)).unwrap_or_default();
        format!("{kind}{bits}    1 mailbox  mailbox  {:>12} {} {name}", self.size, at.strftime("%b %e  %Y"))
    }
}

pub(super) fn put_four(packet: &mut Vec<u8>, number: u32) {
    packet.extend(number.to_be_bytes());
}

pub(super) fn put_text(packet: &mut Vec<u8>, text: &[u8]) {
    put_four(packet, u32::try_from(text.len()).unwrap_or(u32::MAX));
    packet.extend(text);
}

/// Begins a packet; [`framed`] puts its length before it.
pub(super) fn begin(kind: u8, number: u32) -> Vec<u8> {
    let mut packet = vec![0, 0, 0, 0, kind];
    put_four(&mut packet, number);
    packet
}

pub(super) fn framed(mut packet: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(packet.len() - 4).unwrap_or(u32::MAX);
    packet[..4].copy_from_slice(&length.to_be_bytes());
    packet
}

/// SSH_FXP_VERSION with the extensions we have.
#[must_use]
pub fn version() -> Vec<u8> {
    let mut packet = begin(VERSION_ANSWER, VERSION);
    for extension in ["posix-rename@openssh.com", "limits@openssh.com"] {
        put_text(&mut packet, extension.as_bytes());
        put_text(&mut packet, b"1");
    }
    framed(packet)
}

/// SSH_FXP_STATUS.
#[must_use]
pub fn status(number: u32, status: Status, text: &str) -> Vec<u8> {
    let mut packet = begin(STATUS, number);
    put_four(&mut packet, status as u32);
    put_text(&mut packet, text.as_bytes());
    put_text(&mut packet, b"en");
    framed(packet)
}

/// A refusal as SSH_FXP_STATUS.
#[must_use]
pub fn refusal(number: u32, refused: &Refused) -> Vec<u8> {
    status(number, refused.status, &refused.text)
}

/// SSH_FXP_HANDLE.
#[must_use]
pub fn handle(number: u32, handle: u32) -> Vec<u8> {
    let mut packet = begin(HANDLE, number);
    put_text(&mut packet, &handle.to_be_bytes());
    framed(packet)
}

/// SSH_FXP_DATA.
#[must_use]
pub fn data(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut packet = begin(DATA, number);
    put_text(&mut packet, bytes);
    framed(packet)
}

/// SSH_FXP_NAME.
#[must_use]
pub fn names(number: u32, entries: &[(String, Attributes)]) -> Vec<u8> {
    let mut packet = begin(NAME, number);
    put_four(&mut packet, u32::try_from(entries.len()).unwrap_or(u32::MAX));
    for (name, attributes) in entries {
        put_text(&mut packet, name.as_bytes());
        put_text(&mut packet, attributes.line(name).as_bytes());
        attributes.put(&mut packet);
    }
    framed(packet)
}

/// SSH_FXP_ATTRS.
#[must_use]
pub fn attributes(number: u32, attributes: &Attributes) -> Vec<u8> {
    let mut packet = begin(ATTRS, number);
    attributes.put(&mut packet);
    framed(packet)
}

/// SSH_FXP_EXTENDED_REPLY to limits@openssh.com: packet, read, write, open handles.
#[must_use]
pub fn limits(number: u32, handles: usize) -> Vec<u8> {
    let mut packet = begin(EXTENDED_REPLY, number);
    for limit in [PACKET_BYTES_MAX as u64, u64::from(DATA_BYTES_MAX), u64::from(DATA_BYTES_MAX), handles as u64] {
        packet.extend(limit.to_be_bytes());
    }
    framed(packet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_clients_write_them() {
        // OPEN 7 "/in/a" WRITE|CREAT|TRUNC without attributes.
        let mut packet = vec![OPEN, 0, 0, 0, 7];
        put_text(&mut packet, b"/in/a");
        put_four(&mut packet, 0x1A);
        put_four(&mut packet, 0);
        let ask = Ask::Open { path: b"/in/a".to_vec(), flags: FLAG_WRITE | FLAG_CREATE | FLAG_TRUNCATE };
        assert_eq!(read(&packet), Ok(Packet::Request(7, ask)));
        assert_eq!(read(&[INIT, 0, 0, 0, 6]), Ok(Packet::Init(6)));
        let mut packet = vec![FSETSTAT, 0, 0, 0, 1];
        put_text(&mut packet, b"h");
        put_four(&mut packet, ATTR_SIZE);
        packet.extend(5_u64.to_be_bytes());
        let ask = Ask::FileSetStat { handle: b"h".to_vec(), size: Some(5) };
        assert_eq!(read(&packet), Ok(Packet::Request(1, ask)));
        assert_eq!(read(&[99, 0, 0, 0, 3]), Ok(Packet::Request(3, Ask::Other)), "answered, not ended");
    }

    #[test]
    fn err_packets_that_lie_about_their_length() {
        let mut packet = vec![WRITE, 0, 0, 0, 7];
        put_text(&mut packet, b"h");
        packet.extend(0_u64.to_be_bytes());
        put_four(&mut packet, u32::MAX);
        packet.extend(b"few");
        assert_eq!(read(&packet), Err(Broken("it ends too soon")));
        assert!(read(&[]).is_err() && read(&[OPEN, 0]).is_err());
        let most = u32::try_from(PACKET_BYTES_MAX).expect("small");
        assert_eq!(length(most.to_be_bytes()), Ok(PACKET_BYTES_MAX));
        assert!(length((most + 1).to_be_bytes()).is_err() && length([0; 4]).is_err());
    }

    #[test]
    fn a_line_of_a_listing_looks_like_ls() {
        let folder = Attributes { size: 0, at: 1_795_730_400, is_folder: true, may_write: true };
        assert_eq!(folder.line("in"), "drwxrwx---    1 mailbox  mailbox             0 Nov 26  2026 in");
        let file = Attributes { size: 1234, is_folder: false, may_write: false, ..folder };
        assert_eq!(file.line("a.edi"), "-r--r-----    1 mailbox  mailbox          1234 Nov 26  2026 a.edi");
    }
}
