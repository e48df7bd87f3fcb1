//! What others digest in place of what RFC 4130 7.3.1 says: the payload without its header lines, what was not compressed yet,
//! line feeds made CRLF. Where a digest does not fit, all of these are tried, and the one that fits is named; a channel may say
//! that its partner counts like that. Nothing is taken for right here.

use super::cms::{self, ContentType, Inflated};
use super::crypto::{Digest, Hash};
use super::mime::{Headers, Multipart, Peeked};
use crate::transport::source::Source;
use std::fmt;
use std::io::{self, Read};

/// Bytes of a message whose variants are tried, at most: each is read some dozen times.
pub const TRIED_BYTES_MAX: usize = 16 << 20;
/// Bytes that are taken at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What is digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The part that is signed, or else all under the encryption, with header lines: as it should be.
    Part,
    /// That without its header lines.
    Body,
    /// The part before it was compressed, with its header lines.
    Uncompressed,
    /// That without its header lines: the payload.
    Payload,
    /// The whole message under its encryption, signature and all.
    Whole,
}

/// What is done to line ends before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing.
    AsTheyAre,
    /// Line feeds without a carriage return get one.
    Crlf,
    /// Carriage returns before line feeds are taken away.
    Lf,
}

/// What is done to the end of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    AsItIs,
    /// A line end is added.
    Added,
    /// The last line end is taken away.
    Taken,
}

/// A way to digest that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    of: Of,
    ends: Ends,
    tail: Tail,
    digest: Digest,
}

/// The words of a channel for what its partner digests.
pub const WORDS: &[&str] =
    &["part", "part-crlf", "body", "body-crlf", "uncompressed", "uncompressed-crlf", "payload", "payload-crlf"];

/// What such a word means; none for any other.
#[must_use]
pub fn meant(word: &str) -> Option<(Of, Ends)> {
    let (of, ends) = match word.strip_suffix("-crlf") {
        Some(of) => (of, Ends::Crlf),
        None => (word, Ends::AsTheyAre),
    };
    let of = match of {
        "part" => Of::Part,
        "body" => Of::Body,
        "uncompressed" => Of::Uncompressed,
        "payload" => Of::Payload,
        _ => return None,
    };
    Some((of, ends))
}

impl Variant {
    /// The word of a channel for it, where there is one.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        WORDS.iter().copied().find(|word| self.tail == Tail::AsItIs && meant(word) == Some((self.of, self.ends)))
    }

    /// Whether it is what should be digested but for line feeds that were made CRLF.
    #[must_use]
    pub fn is_part_with_crlf(&self) -> bool {
        (self.of, self.ends, self.tail) == (Of::Part, Ends::Crlf, Tail::AsItIs)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            Of::Part => "what it should be of",
            Of::Body => "that without its header lines",
            Of::Uncompressed => "the part before it was compressed",
            Of::Payload => "the payload without header lines",
            Of::Whole => "the whole message with its signature",
        };
        let ends = match self.ends {
            Ends::AsTheyAre => "",
            Ends::Crlf => ", its line feeds made CRLF",
            Ends::Lf => ", its CRLF made line feeds",
        };
        let tail = match self.tail {
            Tail::AsItIs => "",
            Tail::Added => ", with a line end added",
            Tail::Taken => ", without its last line end",
        };
        write!(f, "the {} of {of}{ends}{tail}", self.digest.name())
    }
}

/// The way in which a digest is one of a message, which is given as it stands under its encryption, with header lines.
#[must_use]
pub fn fitting(message: &[u8], value: &[u8]) -> Option<Variant> {
    let digest = Digest::ALL.into_iter().find(|digest| digest.bytes() == value.len())?;
    if message.len() > TRIED_BYTES_MAX {
        return None;
    }
    for (of, content) in contents(message).unwrap_or_default() {
        for ends in [Ends::AsTheyAre, Ends::Crlf, Ends::Lf] {
            let mut turned = Vec::new();
            let mut turning = Turning::new(ends);
            turning.turn(&content, &mut turned);
            turning.end(&mut turned);
            for tail in [Tail::AsItIs, Tail::Added, Tail::Taken] {
                let found = match tail {
                    Tail::AsItIs => digest.of(&turned),
                    Tail::Added => digest.of(&[&turned[..], b"\r\n"].concat()),
                    Tail::Taken => {
                        let taken = turned.strip_suffix(b"\r\n").or_else(|| turned.strip_suffix(b"\n"));
                        digest.of(taken.unwrap_or(&turned))
                    }
                };
                if found == value {
                    return Some(Variant { of, ends, tail, digest });
                }
            }
        }
    }
    None
}

/// The digest of a source whose line ends are turned before.
///
/// # Errors
/// It cannot be read.
pub fn digest_of(digest: Digest, source: &dyn Source, ends: Ends) -> io::Result<Vec<u8>> {
    let (mut hash, mut reader, mut room) = (Hash::new(digest), source.open()?, vec![0; PIECE_BYTES]);
    let (mut turning, mut turned) = (Turning::new(ends), Vec::new());
    loop {
        match reader.read(&mut room)? {
            0 => {
                turned.clear();
                turning.end(&mut turned);
                hash.update(&turned);
                return Ok(hash.finish());
            }
            count if ends == Ends::AsTheyAre => hash.update(&room[..count]),
            count => {
                turned.clear();
                turning.turn(&room[..count], &mut turned);
                hash.update(&turned);
            }
        }
    }
}

/// Turns line ends piece by piece.
pub(super) struct Turning {
    ends: Ends,
    /// The piece before ended with a carriage return. Where these are taken away it was held back.
    has_return: bool,
}

impl Turning {
    pub(super) fn new(ends: Ends) -> Self {
        Turning { ends, has_return: false }
    }

    /// Gives what was held back.
    fn end(&mut self, out: &mut Vec<u8>) {
        if self.ends == Ends::Lf && std::mem::take(&mut self.has_return) {
            out.push(b'\r');
        }
    }

    pub(super) fn turn(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self.ends {
            Ends::AsTheyAre => out.extend_from_slice(piece),
            Ends::Crlf => {
                for byte in piece {
                    if *byte == b'\n' && !self.has_return {
                        out.push(b'\r');
                    }
                    out.push(*byte);
                    self.has_return = *byte == b'\r';
                }
            }
            Ends::Lf => {
                for byte in piece {
                    if self.has_return && *byte != b'\n' {
                        out.push(b'\r');
                    }
                    self.has_return = *byte == b'\r';
                    if !self.has_return {
                        out.push(*byte);
                    }
                }
            }
        }
    }
}

/// All that could have been digested of a message.
fn contents(message: &[u8]) -> io::Result<Vec<(Of, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut entity = message.to_vec();
    let mut is_signed = false;
    // Compressed and signed within, or not signed: then what counts is not compressed either.
    if let Some(inner) = inflated(&entity)? {
        entity = inner;
    }
    let (headers, body) = split(&entity)?;
    if headers.content_type().value == "multipart/signed" {
        let content_type = headers.content_type();
        let mut source = body;
        let mut peeked = Peeked::new(&mut source);
        let mut parts = Multipart::new(&mut peeked, content_type.get("boundary").unwrap_or_default())?;
        let mut part = Vec::new();
        if parts.next_part()? {
            parts.read_to_end(&mut part)?;
        }
        entity = part;
        is_signed = true;
    }
    let body_of = |entity: &[u8]| split(entity).map(|(_, body)| body.to_vec());
    found.push((Of::Part, entity.clone()));
    found.push((Of::Body, body_of(&entity)?));
    if let Some(inner) = inflated(&entity)? {
        found.push((Of::Payload, body_of(&inner)?));
        found.push((Of::Uncompressed, inner));
    }
    if is_signed {
        found.push((Of::Whole, message.to_vec()));
    }
    Ok(found)
}

/// What an entity is that is compressed; none where it is not.
fn inflated(entity: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let (headers, body) = split(entity)?;
    if !headers.content_type().value.ends_with("pkcs7-mime") {
        return Ok(None);
    }
    let (ContentType::Compressed, ber) = cms::begin(body)? else { return Ok(None) };
    let mut inner = Vec::new();
    Inflated::new(ber)?.take(TRIED_BYTES_MAX as u64).read_to_end(&mut inner)?;
    Ok(Some(inner))
}

fn split(mut entity: &[u8]) -> io::Result<(Headers, &[u8])> {
    let whole = entity;
    let head = Peeked::new(&mut entity).head()?;
    Ok((Headers::parse(&head), &whole[head.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(ends: Ends, pieces: &[&str]) -> String {
        let (mut turning, mut out) = (Turning::new(ends), Vec::new());
        pieces.iter().for_each(|piece| turning.turn(piece.as_bytes(), &mut out));
        turning.end(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn line_ends_are_turned_across_pieces() {
        assert_eq!(turned(Ends::Crlf, &["a\nb\r", "\nc\r\n\n"]), "a\r\nb\r\nc\r\n\r\n");
        assert_eq!(turned(Ends::Lf, &["a\r", "\nb\r", "c\r\nd\n"]), "a\nb\rc\nd\n");
        assert_eq!(turned(Ends::Lf, &["a\r\n", "b\r"]), "a\nb\r");
        assert_eq!(turned(Ends::AsTheyAre, &["a\r", "\nb"]), "a\r\nb");
    }

    #[test]
    fn each_way_to_digest_is_told_with_its_word() {
        let part = "Content-Type: application/EDIFACT\r\n\r\nUNA\nUNB\n";
        let message = format!(
            "Content-Type: multipart/signed; boundary=\"b\"\r\n\r\n--b\r\n{part}\r\n--b\r\nContent-Type: x/y\r\n\r\nz\r\n--b--\r\n"
        );
        let crlf = part.replace("\r\n", "\n").replace('\n', "\r\n");
        for (content, word, said) in [
            (part.to_owned(), Some("part"), "the sha-1 of what it should be of"),
            (crlf, Some("part-crlf"), "its line feeds made CRLF"),
            ("UNA\nUNB\n".to_owned(), Some("body"), "without its header lines"),
            ("UNA\r\nUNB\r\n".to_owned(), Some("body-crlf"), "its line feeds made CRLF"),
            ("UNA\nUNB".to_owned(), None, "without its last line end"),
            (message.clone(), None, "the whole message"),
        ] {
            let found = fitting(message.as_bytes(), &Digest::Sha1.of(content.as_bytes())).expect(said);
            assert_eq!(found.word(), word, "{found}");
            assert!(found.to_string().contains(said), "{found}");
        }
        assert_eq!(fitting(message.as_bytes(), &Digest::Sha256.of(b"else")), None);
        assert_eq!(fitting(message.as_bytes(), b"no digest"), None);
    }

    #[test]
    fn every_word_has_a_meaning_of_its_own() {
        let all: Vec<_> = WORDS.iter().map(|word| meant(word).expect("a meaning")).collect();
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)), "{all:?}");
        assert_eq!(meant("whole"), None);
    }
}
