//! BER as it comes, and DER as we write it (X.690). The reader takes definite and indefinite lengths and octet strings in
//! pieces, holds no more than what it is asked for, and does not recurse; what the elements mean is the callers' concern.

use super::source::read_on;
use std::io::{self, Read};

/// Containers within containers, at most.
pub const DEPTH_MAX: usize = 32;
/// Bytes of an element that is held whole, at most.
pub const ELEMENT_BYTES_MAX: usize = 256 * 1024;
/// Bytes read ahead of the source at once.
const AHEAD_BYTES: usize = 64 * 1024;

/// Identifier octets.
pub mod tag {
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;
    /// A constructed element.
    pub const CONSTRUCTED: u8 = 0x20;

    /// `[n]` over a constructed element.
    #[must_use]
    pub const fn context(n: u8) -> u8 {
        0xA0 | n
    }

    /// `[n]` over a primitive one.
    #[must_use]
    pub const fn context_primitive(n: u8) -> u8 {
        0x80 | n
    }
}

/// Where a container ends.
#[derive(Debug, Clone, Copy)]
enum End {
    At(u64),
    /// At two zero octets.
    Marked,
}

/// The octets of a string that is being read.
#[derive(Debug, Clone, Copy)]
enum Octets {
    /// So many are left of a piece, and the string ends with the containers down to this depth.
    Piece {
        left: u64,
        depth: usize,
    },
    Ended,
}

/// Reads elements one after the other.
pub struct Ber<R> {
    source: R,
    ahead: Vec<u8>,
    from: usize,
    /// Where the next octet stands in the source.
    at: u64,
    open: Vec<End>,
    octets: Octets,
}

/// The identifier and the length of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    tag: u8,
    /// None: it ends at two zero octets.
    length: Option<u64>,
}

fn wrong(at: u64, what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("at byte {at} of the ASN.1: {what}"))
}

impl<R: Read> Ber<R> {
    /// Reads from here on.
    pub fn new(source: R) -> Self {
        Ber { source, ahead: Vec::new(), from: 0, at: 0, open: Vec::new(), octets: Octets::Ended }
    }

    /// Makes at least `count` octets ready, if the source has them.
    fn fill(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.ahead.len() - self.from < count {
            if self.from > 0 {
                self.ahead.drain(..self.from);
                self.from = 0;
            }
            if read_on(&mut self.source, &mut self.ahead, AHEAD_BYTES)? == 0 {
                break;
            }
        }
        Ok(&self.ahead[self.from..])
    }

    fn skip(&mut self, count: usize) {
        self.from += count;
        self.at += count as u64;
    }

    /// The next element's head and how many octets it has; none at the end of the container, whose mark stays.
    fn head(&mut self) -> io::Result<Option<(Head, usize)>> {
        let at = self.at;
        match self.open.last().copied() {
            Some(End::At(end)) if at >= end => return Ok(None),
            Some(End::Marked) if self.fill(2)?.starts_with(&[0, 0]) => return Ok(None),
            None if self.fill(1)?.is_empty() => return Ok(None),
            _ => {}
        }
        let ahead = self.fill(10)?;
        let &[tag, first, ..] = ahead else { return Err(wrong(at, "it is cut off")) };
        if tag & 0x1F == 0x1F {
            return Err(wrong(at, "expected a tag number below 31"));
        }
        let (length, size) = match first {
            0..=0x7F => (Some(u64::from(first)), 2),
            0x80 if tag & tag::CONSTRUCTED == 0 => return Err(wrong(at, "a primitive element without a length")),
            0x80 => (None, 2),
            _ => {
                let count = usize::from(first & 0x7F);
                let octets = ahead.get(2..2 + count).filter(|_| count <= 8);
                let octets = octets.ok_or_else(|| wrong(at, "a length that is cut off or has more than 8 octets"))?;
                let length = octets.iter().fold(0u64, |length, octet| length << 8 | u64::from(*octet));
                (Some(length), 2 + count)
            }
        };
        let limit = self.open.iter().rev().find_map(|end| match end {
            End::At(end) => Some(*end),
            End::Marked => None,
        });
        let begin = at + size as u64;
        let end = length.map(|length| begin.checked_add(length).ok_or_else(|| wrong(at, "an endless length")));
        let end = end.transpose()?.unwrap_or(begin);
        if limit.is_some_and(|limit| end > limit) {
            return Err(wrong(at, "an element that is longer than what holds it"));
        }
        Ok(Some((Head { tag, length }, size)))
    }

    /// The tag of the next element; none at the end of the container.
    ///
    /// # Errors
    /// The source failed, or it is no BER.
    pub fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.head()?.map(|(head, _)| head.tag))
    }

    fn expect(&mut self, expected: u8) -> io::Result<Head> {
        let at = self.at;
        let Some((head, size)) = self.head()? else {
            return Err(wrong(at, format_args!("expected an element {expected:#04x}, found the end")));
        };
        if head.tag != expected {
            return Err(wrong(at, format_args!("expected an element {expected:#04x}, found {:#04x}", head.tag)));
        }
        self.skip(size);
        Ok(head)
    }

    /// Goes into a constructed element.
    ///
    /// # Errors
    /// Another one stands there, or too many are open.
    pub fn enter(&mut self, expected: u8) -> io::Result<()> {
        let head = self.expect(expected)?;
        self.push(head)
    }

    fn push(&mut self, head: Head) -> io::Result<()> {
        if self.open.len() == DEPTH_MAX {
            return Err(wrong(self.at, format_args!("more than {DEPTH_MAX} elements within each other")));
        }
        self.open.push(head.length.map_or(End::Marked, |length| End::At(self.at + length)));
        Ok(())
    }

    /// Goes into it if it is the next one.
    ///
    /// # Errors
    /// As [`Ber::enter`].
    pub fn enter_if(&mut self, expected: u8) -> io::Result<bool> {
        let is_there = self.peek()? == Some(expected);
        if is_there {
            self.enter(expected)?;
        }
        Ok(is_there)
    }

    /// Passes over what is left of the innermost open element, and leaves it.
    ///
    /// # Errors
    /// It is cut off.
    pub fn leave(&mut self) -> io::Result<()> {
        while self.peek()?.is_some() {
            self.pass()?;
        }
        if let Some(End::Marked) = self.open.pop() {
            self.skip(2);
        }
        Ok(())
    }

    /// How many octets were read.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Leaves all open elements; whether nothing was left in them.
    ///
    /// # Errors
    /// It is cut off.
    pub fn close(&mut self) -> io::Result<bool> {
        let mut is_read = true;
        while !self.open.is_empty() {
            is_read &= self.peek()?.is_none();
            self.leave()?;
        }
        Ok(is_read)
    }

    /// What was not read.
    pub fn into_rest(mut self) -> impl Read {
        self.ahead.drain(..self.from);
        io::Cursor::new(self.ahead).chain(self.source)
    }

    /// Passes over the next element, if there is one.
    ///
    /// # Errors
    /// It is cut off.
    pub fn pass(&mut self) -> io::Result<()> {
        let depth = self.open.len();
        let Some((head, size)) = self.head()? else { return Ok(()) };
        self.skip(size);
        match head.length {
            Some(length) => self.pass_octets(length)?,
            None => self.push(head)?,
        }
        while self.open.len() > depth {
            match self.head()? {
                Some((head, size)) => {
                    self.skip(size);
                    match head.length {
                        Some(length) => self.pass_octets(length)?,
                        None => self.push(head)?,
                    }
                }
                None => {
                    self.open.pop();
                    self.skip(2);
                }
            }
        }
        Ok(())
    }

    fn pass_octets(&mut self, mut left: u64) -> io::Result<()> {
        while left > 0 {
            let at = self.at;
            let ready = self.fill(1)?.len();
            if ready == 0 {
                return Err(wrong(at, "it is cut off"));
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(ready);
            self.skip(count);
            left -= count as u64;
        }
        Ok(())
    }

    /// The contents of a primitive element.
    ///
    /// # Errors
    /// Another one stands there, it is cut off or longer than [`ELEMENT_BYTES_MAX`].
    pub fn value(&mut self, expected: u8) -> io::Result<Vec<u8>> {
        let head = self.expect(expected)?;
        self.held(head.length.unwrap_or(0))
    }

    fn held(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let at = self.at;
        let length = usize::try_from(length).ok().filter(|length| *length <= ELEMENT_BYTES_MAX);
        let length = length.ok_or_else(|| wrong(at, format_args!("more than {ELEMENT_BYTES_MAX} bytes")))?;
        let ready = self.fill(length)?;
        let held = ready.get(..length).ok_or_else(|| wrong(at, "it is cut off"))?.to_vec();
        self.skip(length);
        Ok(held)
    }

    /// The next element whole, with its head, lengths made definite.
    ///
    /// # Errors
    /// There is none, it is cut off or longer than [`ELEMENT_BYTES_MAX`].
    pub fn whole(&mut self) -> io::Result<Vec<u8>> {
        let (at, depth) = (self.at, self.open.len());
        // Of each element without a length its tag, and what was found in it.
        let mut unfinished: Vec<(u8, Vec<u8>)> = Vec::new();
        loop {
            let done = match self.head()? {
                Some((head, size)) => {
                    self.skip(size);
                    match head.length {
                        Some(length) => element(head.tag, &self.held(length)?),
                        None => {
                            self.push(head)?;
                            unfinished.push((head.tag, Vec::new()));
                            continue;
                        }
                    }
                }
                None if self.open.len() > depth => {
                    self.open.pop();
                    self.skip(2);
                    let (tag, found) = unfinished.pop().unwrap_or_default();
                    element(tag, &found)
                }
                None => return Err(wrong(at, "expected an element, found the end")),
            };
            let Some((_, found)) = unfinished.last_mut() else { return Ok(done) };
            found.extend_from_slice(&done);
            if found.len() > ELEMENT_BYTES_MAX {
                return Err(wrong(at, format_args!("more than {ELEMENT_BYTES_MAX} bytes")));
            }
        }
    }

    /// Begins an octet string under a tag, primitive or in pieces; [`Ber::octets`] reads it.
    ///
    /// # Errors
    /// Something else stands there.
    pub fn begin_octets(&mut self, primitive: u8) -> io::Result<()> {
        let depth = self.open.len();
        let is_whole = self.peek()? == Some(primitive);
        let head = self.expect(if is_whole { primitive } else { primitive | tag::CONSTRUCTED })?;
        let left = if is_whole { head.length.unwrap_or(0) } else { 0 };
        if !is_whole {
            self.push(head)?;
        }
        self.octets = Octets::Piece { left, depth };
        Ok(())
    }

    /// The next octets of the string that was begun; none at its end.
    ///
    /// # Errors
    /// It is cut off, or something else stands in it.
    pub fn octets(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Octets::Piece { left, depth } = self.octets {
            if left > 0 {
                let at = self.at;
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let ready = self.fill(1)?;
                let count = most.min(ready.len());
                if count == 0 {
                    return Err(wrong(at, "it is cut off"));
                }
                buffer[..count].copy_from_slice(&ready[..count]);
                self.skip(count);
                self.octets = Octets::Piece { left: left - count as u64, depth };
                return Ok(count);
            }
            self.octets = if self.open.len() > depth { self.next_piece(depth)? } else { Octets::Ended };
        }
        Ok(0)
    }

    fn next_piece(&mut self, depth: usize) -> io::Result<Octets> {
        let at = self.at;
        Ok(match self.head()? {
            Some((head, size)) if head.tag == tag::OCTET_STRING => {
                self.skip(size);
                Octets::Piece { left: head.length.unwrap_or(0), depth }
            }
            Some((head, size)) if head.tag == tag::OCTET_STRING | tag::CONSTRUCTED => {
                self.skip(size);
                self.push(head)?;
                Octets::Piece { left: 0, depth }
            }
            Some((head, _)) => {
                return Err(wrong(at, format_args!("expected a piece of an octet string, found {:#04x}", head.tag)));
            }
            None => {
                if let Some(End::Marked) = self.open.pop() {
                    self.skip(2);
                }
                Octets::Piece { left: 0, depth }
            }
        })
    }

    /// An octet string that is held whole, primitive or in pieces.
    ///
    /// # Errors
    /// As [`Ber::octets`], or it is longer than [`ELEMENT_BYTES_MAX`].
    pub fn octet_string(&mut self, primitive: u8) -> io::Result<Vec<u8>> {
        self.begin_octets(primitive)?;
        let (at, mut found) = (self.at, vec![0; 1024]);
        let mut length = 0;
        loop {
            let read = self.octets(&mut found[length..])?;
            length += read;
            if read == 0 {
                found.truncate(length);
                return Ok(found);
            }
            if length == found.len() {
                if length > ELEMENT_BYTES_MAX {
                    return Err(wrong(at, format_args!("more than {ELEMENT_BYTES_MAX} bytes")));
                }
                found.resize(2 * length, 0);
            }
        }
    }

    /// An octet string that may be longer than [`ELEMENT_BYTES_MAX`]; the source is what bounds it.
    ///
    /// # Errors
    /// As [`Ber::octets`].
    pub fn long_octet_string(&mut self, primitive: u8) -> io::Result<Vec<u8>> {
        self.begin_octets(primitive)?;
        let (mut found, mut room) = (Vec::new(), [0; 4096]);
        loop {
            match self.octets(&mut room)? {
                0 => return Ok(found),
                count => found.extend_from_slice(&room[..count]),
            }
        }
    }

    /// A number that counts something.
    ///
    /// # Errors
    /// No INTEGER from 0 to 2^32 - 1 stands there.
    pub fn count(&mut self) -> io::Result<u32> {
        let at = self.at;
        let octets = self.value(tag::INTEGER)?;
        let is_positive = octets.first().is_some_and(|first| *first < 0x80);
        let found = octets.iter().try_fold(0u32, |sum, octet| sum.checked_mul(256).map(|sum| sum | u32::from(*octet)));
        found.filter(|_| is_positive).ok_or_else(|| wrong(at, "expected a number below 2^32"))
    }

    /// A small number.
    ///
    /// # Errors
    /// No INTEGER of one or two octets stands there.
    pub fn number(&mut self) -> io::Result<u16> {
        let at = self.at;
        match self.value(tag::INTEGER)?[..] {
            [one @ 0..=0x7F] => Ok(u16::from(one)),
            [high @ 0..=0x7F, low] => Ok(u16::from_be_bytes([high, low])),
            _ => Err(wrong(at, "expected a small number")),
        }
    }
}

/// Identifier and length, the latter in as few octets as hold it.
#[must_use]
pub fn head(tag: u8, length: u64) -> Vec<u8> {
    if length < 0x80 {
        return vec![tag, length.to_be_bytes()[7]];
    }
    let octets: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    let count = u8::try_from(octets.len()).unwrap_or(8);
    [vec![tag, 0x80 | count], octets].concat()
}

/// An element of one tag.
#[must_use]
pub fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    [&head(tag, contents.len() as u64), contents].concat()
}

/// SEQUENCE of elements.
#[must_use]
pub fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, &elements.concat())
}

/// SET OF elements, in the order that DER asks for.
#[must_use]
pub fn set(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    element(tag::SET, &elements.concat())
}

/// INTEGER of a number that counts something.
#[must_use]
pub fn count(count: u32) -> Vec<u8> {
    let octets: Vec<u8> = count.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    let sign: &[u8] = if octets.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    element(tag::INTEGER, &[sign, &octets].concat())
}

/// INTEGER of a small number.
#[must_use]
pub fn number(number: u8) -> Vec<u8> {
    element(tag::INTEGER, &[number])
}

/// An object identifier as it is written for people: `1.2.840.113549.2.5` (X.660). Arcs that are no numbers of 64 bits end it.
pub fn dotted(oid: &[u8]) -> String {
    let (mut arcs, mut arc) = (Vec::new(), 0u64);
    for octet in oid {
        let Some(more) = arc.checked_mul(128) else { break };
        arc = more | u64::from(octet & 0x7F);
        if octet & 0x80 == 0 {
            match arcs.is_empty() {
                // The first two share an octet.
                true => arcs.extend([arc.min(80) / 40, arc - arc.min(80) / 40 * 40]),
                false => arcs.push(arc),
            }
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_are_shown_in_arcs() {
        let cases: [(&[u8], &str); 4] = [
            (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x05], "1.2.840.113549.2.5"),
            (&[0x60, 0x86, 0x48, 0x01, 0x65], "2.16.840.1.101"),
            (&[0x88, 0x37, 0x03], "2.999.3"),
            (&[], ""),
        ];
        for (oid, shown) in cases {
            assert_eq!(dotted(oid), shown);
        }
        assert_eq!(dotted(&[0xFF; 40]), "", "it ends nowhere");
    }

    fn read_octets(ber: &mut Ber<&[u8]>) -> io::Result<Vec<u8>> {
        ber.octet_string(tag::OCTET_STRING)
    }

    #[test]
    fn octets_in_pieces_within_pieces() {
        let input = [0x24, 0x80, 0x04, 2, 1, 2, 0x24, 5, 0x04, 1, 3, 0x04, 0, 0x04, 1, 4, 0, 0, 0x02, 1, 7];
        let mut ber = Ber::new(&input[..]);
        assert_eq!(read_octets(&mut ber).expect("octets"), [1, 2, 3, 4]);
        assert_eq!(ber.number().expect("a number behind"), 7);
        assert_eq!(ber.peek().expect("the end"), None);
    }

    #[test]
    fn what_has_no_length_gets_one() {
        let input = [0x30, 0x80, 0x31, 0x80, 0x02, 1, 7, 0, 0, 0x05, 0, 0, 0];
        let mut ber = Ber::new(&input[..]);
        assert_eq!(ber.whole().expect("an element"), [0x30, 7, 0x31, 3, 0x02, 1, 7, 0x05, 0]);
        let mut ber = Ber::new(&input[..]);
        ber.pass().expect("passed over");
        assert_eq!(ber.peek().expect("the end"), None);
    }

    #[test]
    fn lengths_in_as_few_octets_as_hold_them() {
        for (length, octets) in [(0, 2), (127, 2), (128, 3), (255, 3), (256, 4), (65_536, 5), (u64::MAX, 10)] {
            assert_eq!(head(4, length).len(), octets, "{length}");
        }
        let long = element(4, &[7; 300]);
        assert_eq!(read_octets(&mut Ber::new(&long[..])).expect("octets"), [7; 300]);
    }

    #[test]
    fn numbers_that_count_go_both_ways() {
        for (number, octets) in
            [(0, &[2, 1, 0][..]), (127, &[2, 1, 127]), (128, &[2, 2, 0, 128]), (600_000, &[2, 3, 9, 39, 192])]
        {
            assert_eq!(count(number), octets);
            assert_eq!(Ber::new(octets).count().expect("a number"), number);
        }
        assert_eq!(Ber::new(&count(u32::MAX)[..]).count().expect("a number"), u32::MAX);
        for wrong in [&[2, 1, 0x80][..], &[2, 6, 0, 1, 0, 0, 0, 0], &[2, 0]] {
            assert!(Ber::new(wrong).count().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn err_what_is_no_ber_is_told() {
        let deep = [0x30, 0x80].repeat(DEPTH_MAX + 1);
        for (input, told) in [
            (&[0x30][..], "cut off"),
            (&[0x30, 0x85, 1, 1][..], "cut off"),
            (&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1][..], "more than 8"),
            (&[0x04, 0x80, 0, 0][..], "without a length"),
            (&[0x3F, 0x81, 1, 0][..], "below 31"),
            (&[0x30, 3, 0x04, 2, 1, 2][..], "longer than what holds it"),
            (&[0x30, 0x80, 0x04, 2, 1][..], "cut off"),
            (&[0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF][..], "cut off"),
            (&[0x30, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF][..], "endless"),
            (&deep[..], "within each other"),
        ] {
            let read = |input: &[u8]| {
                let mut ber = Ber::new(input);
                while ber.peek()? == Some(tag::SEQUENCE) {
                    ber.enter(tag::SEQUENCE)?;
                }
                ber.pass()
            };
            let error = read(input).expect_err("refused").to_string();
            assert!(error.contains(told), "{input:?}: {error}");
        }
    }
}
