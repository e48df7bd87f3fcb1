//! What a segment does to the envelope, by its tag: begins or ends an interchange, a group, a document. It looks at nothing
//! but the tag.

use crate::codec::segment::PieceKind;
use crate::codec::{edifact, x12};
use crate::diagnostic::Syntax;

/// What a tag does to the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    InterchangeHeader,
    GroupHeader,
    DocumentHeader,
    DocumentTrailer,
    GroupTrailer,
    InterchangeTrailer,
    Inner,
}

impl Role {
    /// The piece that a segment of this role begins.
    pub(super) fn begins(self) -> PieceKind {
        match self {
            Role::InterchangeHeader => PieceKind::InterchangeHeader,
            Role::GroupHeader => PieceKind::GroupHeader,
            Role::DocumentHeader => PieceKind::Document,
            Role::GroupTrailer => PieceKind::GroupTrailer,
            Role::InterchangeTrailer => PieceKind::InterchangeTrailer,
            Role::Inner | Role::DocumentTrailer => PieceKind::Loose,
        }
    }
}

pub(super) fn role_of(syntax: Syntax, tag: &[u8]) -> Role {
    const ROLES: [Role; 6] = [
        Role::InterchangeHeader,
        Role::GroupHeader,
        Role::DocumentHeader,
        Role::DocumentTrailer,
        Role::GroupTrailer,
        Role::InterchangeTrailer,
    ];
    let own = match syntax {
        Syntax::X12 => x12::ENVELOPE_TAGS,
        _ => edifact::ENVELOPE_TAGS,
    };
    let is = |wanted: &[u8]| tag.eq_ignore_ascii_case(wanted);
    match own.iter().position(|wanted| is(wanted)) {
        Some(at) => ROLES[at],
        None if is(b"UNA") && syntax != Syntax::X12 => Role::InterchangeHeader,
        // An interchange of the other syntax may follow one that was cut off.
        None if matches!(tag, b"ISA" | b"UNB" | b"UNA" | b"UIB") => Role::InterchangeHeader,
        None => Role::Inner,
    }
}

/// Which bytes a special tag may begin with: most segments are told by theirs.
pub(super) const SPECIAL: [bool; 256] = {
    let mut may = [false; 256];
    let (letters, mut at) = (b"BGISUgisu", 0);
    while at < letters.len() {
        may[letters[at] as usize] = true;
        at += 1;
    }
    may
};

/// Whether a segment of this tag is of the envelope or binary.
pub(super) fn is_special(syntax: Syntax, tag: &[u8]) -> bool {
    (syntax == Syntax::X12 && x12::is_binary(tag))
        || (ENVELOPE_KEYS.contains(&upper_key(tag)) && role_of(syntax, tag) != Role::Inner)
}

/// The tags that have a role in either syntax, as numbers: most segments have none, which is told by them at once.
const ENVELOPE_KEYS: [u32; 14] = {
    let [own, others, more] = [x12::ENVELOPE_TAGS, edifact::ENVELOPE_TAGS, [b"UNA", b"UIB", b"", b"", b"", b""]];
    let (mut keys, mut at) = ([0; 14], 0);
    while at < 14 {
        keys[at] = upper_key(if at < 6 {
            own[at]
        } else if at < 12 {
            others[at - 6]
        } else {
            more[at - 12]
        });
        at += 1;
    }
    keys
};

/// A tag of two or three letters as a number, upper and lower case alike; others may share one.
#[inline]
const fn upper_key(tag: &[u8]) -> u32 {
    const LOWER: u8 = 0x20;
    match *tag {
        [a, b] => u32::from_le_bytes([a & !LOWER, b & !LOWER, 0, 0]),
        [a, b, c] => u32::from_le_bytes([a & !LOWER, b & !LOWER, c & !LOWER, 0]),
        _ => 0,
    }
}
