//! Opens an X12 interchange: the separators out of ISA, fixed or not, and the reach of binary segments.

use crate::codec::segment::Opening;
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::tree::{Index, Separators};

/// ISA has sixteen elements of fixed width (X12.5): 106 characters with the terminator.
const ISA_BYTES: usize = 106;

/// Reads the separators from the first bytes of an interchange that begins with ISA.
///
/// A well-formed ISA has its component separator at byte 104 and the terminator at 105. An ISA of another length is
/// read by counting element separators and reported.
#[must_use]
pub fn open(bytes: &[u8], offset: u64, line: u64) -> Opening {
    let mut faults = Vec::new();
    let element = bytes.get(3).copied().unwrap_or(b'*');
    let marks: Vec<usize> =
        bytes.iter().enumerate().filter(|&(_, &byte)| byte == element).map(|(at, _)| at).take(16).collect();
    let sixteenth = marks.get(15).copied();
    let (component, segment) = match sixteenth {
        Some(at) if at + 2 < bytes.len() => (bytes[at + 1], bytes[at + 2]),
        _ => (Separators::X12.component, guess_terminator(bytes, element)),
    };
    let place = || Position { segment: 1, ..Position::default() };
    if sixteenth != Some(ISA_BYTES - 3) {
        let end = bytes.iter().position(|&byte| byte == segment).map_or(bytes.len(), |at| at + 1);
        let fault = if sixteenth.is_some() { Fault::InterchangeHeaderLength } else { Fault::InterchangeHeader };
        faults.push(
            Diagnostic::new(Syntax::X12, fault)
                .because("an ISA segment of 106 characters", format!("{end}"))
                .place("ISA", "ISA", place())
                .at(offset, end as u64, line),
        );
    }
    let text = |number: usize| match (marks.get(number - 1), marks.get(number)) {
        (Some(&from), Some(&to)) => &bytes[from + 1..to],
        _ => &b""[..],
    };
    // ISA11 is the standards identifier "U" up to version 00401 and the repetition separator from 00402.
    let repetition = match text(11) {
        [byte] if !byte.is_ascii_alphanumeric() && *byte != b' ' && text(12) >= &b"00402"[..] => Some(*byte),
        _ => None,
    };
    let separators = Separators { component, element, repetition, release: None, segment, decimal: b'.' };
    let unfit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ';
    let is_terminator_wrong = unfit(segment) || segment == element || segment == component;
    if is_terminator_wrong || component == element || unfit(component) || unfit(element) {
        let fault = if is_terminator_wrong { Fault::TerminatorInvalid } else { Fault::SeparatorInvalid };
        let found = [component, element, segment].map(|byte| byte.escape_ascii().to_string()).join(" ");
        faults.push(
            Diagnostic::new(Syntax::X12, fault)
                .because("three different separators, no letters or digits", found)
                .place("ISA", "ISA", place())
                .at(offset, bytes.len().min(ISA_BYTES) as u64, line),
        );
    }
    Opening { syntax: Syntax::X12, separators, charset: None, advice: 0, wrapped: false, faults }
}

/// The terminator of an ISA that was cut: the byte before the group header, else the usual one.
fn guess_terminator(bytes: &[u8], element: u8) -> u8 {
    let group = bytes.windows(3).position(|three| three[..2] == *b"GS" && three[2] == element);
    let before = group.and_then(|at| bytes[..at].iter().rev().find(|byte| !byte.is_ascii_whitespace()));
    match before {
        Some(&byte) if byte != element && !byte.is_ascii_alphanumeric() => byte,
        _ => Separators::X12.segment,
    }
}

/// Whether a segment of this tag has binary data.
#[must_use]
pub fn is_binary(tag: &[u8]) -> bool {
    matches!(tag, b"BIN" | b"BDS")
}

/// For a BIN or BDS segment just indexed: where its binary element ends by the declared length (BIN01 784; BDS02 784
/// after the filter id). Marks found inside the binary bytes are dropped. `None` for every other segment, and for a
/// length that is no number: the segment is then read by its terminator.
#[must_use]
pub fn binary_end(bytes: &[u8], index: &mut Index, separators: &Separators) -> Option<usize> {
    let segment = *index.segments.last()?;
    let tag = bytes.get(segment.start as usize..segment.start as usize + 3)?;
    let length_at = match tag {
        b"BIN" => 0,
        b"BDS" => 1,
        _ => return None,
    };
    let marks = &index.marks[segment.first as usize..];
    let mut elements = marks.iter().filter(|&&mark| bytes[mark as usize] == separators.element).skip(length_at);
    let (&from, &data) = (elements.next()?, elements.next()?);
    let length: usize = std::str::from_utf8(&bytes[from as usize + 1..data as usize]).ok()?.parse().ok()?;
    let keep = index.marks.iter().position(|&mark| mark == data)? + 1;
    index.marks.truncate(keep);
    if let Some(last) = index.segments.last_mut() {
        last.last = keep as u32;
    }
    (data as usize + 1).checked_add(length)
}
