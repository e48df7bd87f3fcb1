//! Packets of the SSH File Transfer Protocol, version 3, as a client writes and reads them; those of a server are in `wire`.

use super::wire::{
    ATTR_OWNER, ATTR_PERMISSIONS, ATTR_SIZE, ATTR_TIMES, ATTRS, Broken, CLOSE, Cut, DATA, EXTENDED, HANDLE, INIT,
    LSTAT, NAME, OPEN, OPENDIR, READ, READDIR, REMOVE, RENAME, STATUS, VERSION, VERSION_ANSWER, WRITE, begin, framed,
    put_four, put_text,
};

/// SSH_FX_OK.
pub const OK: u32 = 0;
/// SSH_FX_EOF.
pub const END: u32 = 1;
/// SSH_FX_NO_SUCH_FILE.
pub const NO_SUCH_FILE: u32 = 2;
/// SSH_FX_PERMISSION_DENIED.
pub const PERMISSION_DENIED: u32 = 3;
/// The name of the extension that syncs a file.
pub const FSYNC: &str = "fsync@openssh.com";

/// Extended attributes (5).
const ATTR_EXTENDED: u32 = 0x8000_0000;
/// S_IFMT and S_IFREG of POSIX.
const KIND: u32 = 0o170_000;
const KIND_FILE: u32 = 0o100_000;
/// Attributes of one packet, at most; more than fit into it.
const NAMES_MAX: u32 = 100_000;

/// What a server says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Bytes.
    pub size: Option<u64>,
    /// Seconds since 1970 when it was changed.
    pub at: Option<u32>,
    /// Whether it is a file: neither a folder nor a link; none where it does not say it.
    pub is_file: Option<bool>,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// SSH_FXP_VERSION with the names of its extensions.
    Version(u32, Vec<Vec<u8>>),
    /// How it went, with words for people.
    Status(u32, Vec<u8>),
    /// What is open.
    Handle(Vec<u8>),
    /// Bytes.
    Data(Vec<u8>),
    /// Names of a folder.
    Names(Vec<(Vec<u8>, Attributes)>),
    /// Of a file.
    Attributes(Attributes),
}

/// SSH_FXP_INIT.
pub fn init() -> Vec<u8> {
    framed(begin(INIT, VERSION))
}

fn with(kind: u8, number: u32, texts: &[&[u8]]) -> Vec<u8> {
    let mut packet = begin(kind, number);
    texts.iter().for_each(|text| put_text(&mut packet, text));
    framed(packet)
}

/// SSH_FXP_OPEN, attributes left to the server.
pub fn open(number: u32, path: &[u8], flags: u32) -> Vec<u8> {
    let mut packet = begin(OPEN, number);
    put_text(&mut packet, path);
    put_four(&mut packet, flags);
    put_four(&mut packet, 0);
    framed(packet)
}

/// SSH_FXP_CLOSE.
pub fn close(number: u32, handle: &[u8]) -> Vec<u8> {
    with(CLOSE, number, &[handle])
}

/// SSH_FXP_READ.
pub fn read(number: u32, handle: &[u8], offset: u64, length: u32) -> Vec<u8> {
    let mut packet = begin(READ, number);
    put_text(&mut packet, handle);
    packet.extend(offset.to_be_bytes());
    put_four(&mut packet, length);
    framed(packet)
}

/// SSH_FXP_WRITE.
pub fn write(number: u32, handle: &[u8], offset: u64, bytes: &[u8]) -> Vec<u8> {
    let mut packet = begin(WRITE, number);
    put_text(&mut packet, handle);
    packet.extend(offset.to_be_bytes());
    put_text(&mut packet, bytes);
    framed(packet)
}

/// SSH_FXP_LSTAT.
pub fn look(number: u32, path: &[u8]) -> Vec<u8> {
    with(LSTAT, number, &[path])
}

/// SSH_FXP_OPENDIR.
pub fn open_folder(number: u32, path: &[u8]) -> Vec<u8> {
    with(OPENDIR, number, &[path])
}

/// SSH_FXP_READDIR.
pub fn read_folder(number: u32, handle: &[u8]) -> Vec<u8> {
    with(READDIR, number, &[handle])
}

/// SSH_FXP_REMOVE.
pub fn remove(number: u32, path: &[u8]) -> Vec<u8> {
    with(REMOVE, number, &[path])
}

/// SSH_FXP_RENAME.
pub fn rename(number: u32, from: &[u8], to: &[u8]) -> Vec<u8> {
    with(RENAME, number, &[from, to])
}

/// fsync@openssh.com.
pub fn sync(number: u32, handle: &[u8]) -> Vec<u8> {
    with(EXTENDED, number, &[FSYNC.as_bytes(), handle])
}

fn attributes(cut: &mut Cut<'_>) -> Result<Attributes, Broken> {
    let flags = cut.four()?;
    let mut found = Attributes::default();
    if flags & ATTR_SIZE != 0 {
        found.size = Some(cut.eight()?);
    }
    if flags & ATTR_OWNER != 0 {
        cut.eight()?;
    }
    if flags & ATTR_PERMISSIONS != 0 {
        // Some servers give permissions and no kind.
        let kind = cut.four()? & KIND;
        found.is_file = (kind != 0).then_some(kind == KIND_FILE);
    }
    if flags & ATTR_TIMES != 0 {
        cut.four()?;
        found.at = Some(cut.four()?);
    }
    if flags & ATTR_EXTENDED != 0 {
        for _ in 0..cut.four()?.min(NAMES_MAX) {
            cut.text()?;
            cut.text()?;
        }
    }
    Ok(found)
}

/// Reads a packet, its length left out: the number of the request, and the answer.
///
/// # Errors
/// It ends too soon, or is no answer.
pub fn answer(packet: &[u8]) -> Result<(u32, Answer), Broken> {
    let mut cut = Cut(packet);
    let (kind, number) = (cut.byte()?, cut.four()?);
    let answer = match kind {
        VERSION_ANSWER => {
            let mut extensions = Vec::new();
            while !cut.0.is_empty() {
                extensions.push(cut.text()?);
                cut.text()?;
            }
            return Ok((0, Answer::Version(number, extensions)));
        }
        STATUS => {
            let code = cut.four()?;
            // Old servers leave the words out.
            Answer::Status(code, cut.text().unwrap_or_default())
        }
        HANDLE => Answer::Handle(cut.text()?),
        DATA => Answer::Data(cut.text()?),
        NAME => {
            let mut names = Vec::new();
            for _ in 0..cut.four()?.min(NAMES_MAX) {
                let (name, line) = (cut.text()?, cut.text()?);
                let mut found = attributes(&mut cut)?;
                // The line is as `ls -l` prints it, where the attributes do not say what it is.
                found.is_file = found.is_file.or_else(|| line.first().map(|kind| *kind == b'-'));
                names.push((name, found));
            }
            Answer::Names(names)
        }
        ATTRS => Answer::Attributes(attributes(&mut cut)?),
        _ => return Err(Broken("no answer")),
    };
    Ok((number, answer))
}

#[cfg(test)]
mod tests {
    use super::super::wire::{self, Ask, FLAG_READ, Packet};
    use super::*;

    /// What a client writes is what our server reads, and the other way round.
    #[test]
    fn both_sides_mean_the_same() {
        for (packet, ask) in [
            (open(1, b"/in/a", FLAG_READ), Ask::Open { path: b"/in/a".to_vec(), flags: FLAG_READ }),
            (close(1, b"h"), Ask::Close { handle: b"h".to_vec() }),
            (read(1, b"h", 5, 7), Ask::Read { handle: b"h".to_vec(), offset: 5, length: 7 }),
            (write(1, b"h", 5, b"xy"), Ask::Write { handle: b"h".to_vec(), offset: 5, bytes: b"xy".to_vec() }),
            (look(1, b"a"), Ask::Stat { path: b"a".to_vec() }),
            (open_folder(1, b"a"), Ask::OpenFolder { path: b"a".to_vec() }),
            (read_folder(1, b"h"), Ask::ReadFolder { handle: b"h".to_vec() }),
            (remove(1, b"a"), Ask::Remove { path: b"a".to_vec() }),
            (rename(1, b"a", b"b"), Ask::Rename { from: b"a".to_vec(), to: b"b".to_vec(), replace: false }),
            (sync(1, b"h"), Ask::Other),
        ] {
            assert_eq!(wire::read(&packet[4..]), Ok(Packet::Request(1, ask)));
        }
        assert_eq!(wire::read(&init()[4..]), Ok(Packet::Init(3)));
        let listed = wire::Attributes { size: 9, at: 77, is_folder: false, may_write: true };
        let own = Attributes { size: Some(9), at: Some(77), is_file: Some(true) };
        for (packet, expected) in [
            (wire::handle(4, 2), Answer::Handle(vec![0, 0, 0, 2])),
            (wire::data(4, b"xy"), Answer::Data(b"xy".to_vec())),
            (wire::attributes(4, &listed), Answer::Attributes(own.clone())),
            (wire::names(4, &[("a.edi".to_owned(), listed)]), Answer::Names(vec![(b"a.edi".to_vec(), own)])),
            (
                wire::status(4, super::super::files::Status::NoSuchFile, "no"),
                Answer::Status(NO_SUCH_FILE, b"no".to_vec()),
            ),
        ] {
            assert_eq!(answer(&packet[4..]), Ok((4, expected)));
        }
        assert!(matches!(answer(&wire::version()[4..]), Ok((0, Answer::Version(3, names))) if names.len() == 2));
    }

    #[test]
    fn err_answers_that_lie_about_their_length() {
        let mut names = begin(NAME, 1);
        put_four(&mut names, u32::MAX);
        assert_eq!(answer(&names[4..]), Err(Broken("it ends too soon")));
        assert!(answer(&[]).is_err() && answer(&[STATUS, 0, 0]).is_err() && answer(&[99, 0, 0, 0, 1]).is_err());
        let folder =
            [&[NAME, 0, 0, 0, 1, 0, 0, 0, 1][..], &[0, 0, 0, 1, b'd', 0, 0, 0, 4], b"drwx", &[0, 0, 0, 0]].concat();
        let found = Attributes { is_file: Some(false), ..Attributes::default() };
        assert_eq!(answer(&folder), Ok((1, Answer::Names(vec![(b"d".to_vec(), found)]))), "by its line");
    }
}
