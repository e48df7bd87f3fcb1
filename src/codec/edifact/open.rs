//! Opens an EDIFACT interchange: separators from UNA or the defaults of the syntax level, character set from UNB.

use crate::codec::segment::Opening;
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::tree::{Charset, Separators};

/// Reads the separators from the first bytes of an interchange that begins with UNA, UNB or UIB (ISO 9735-1, 7).
#[must_use]
pub fn open(bytes: &[u8], offset: u64, line: u64) -> Opening {
    let mut faults = Vec::new();
    let (advice, mut separators) = match bytes.get(..3) {
        Some(tag) if tag.eq_ignore_ascii_case(b"UNA") => advised(bytes, offset, line, &mut faults),
        _ => (0, defaults(bytes)),
    };
    let header = bytes[advice..].iter().position(|byte| !byte.is_ascii_whitespace()).map_or(advice, |n| advice + n);
    let identifier = bytes.get(header + 4..header + 8).unwrap_or_default();
    let version = bytes.get(header + 9).copied().unwrap_or(b'3');
    if advice == 0 && version == b'4' && separators.element == b'+' {
        separators.repetition = Some(b'*');
    } else if version != b'4' {
        // UNA5 is reserved before syntax 4, a space as a rule.
        separators.repetition = None;
    }
    let charset = Charset::of_syntax_identifier(identifier);
    let finding = |fault: Fault| {
        let position = Position { segment: 1, element: 1, component: 1, repetition: 0 };
        Diagnostic::new(Syntax::Edifact, fault).place("UNB.01.1", "UNB", position)
    };
    if bytes[header..].get(..3).is_some_and(|tag| tag.eq_ignore_ascii_case(b"UIB")) {
        let interactive = Diagnostic::new(Syntax::Edifact, Fault::InterchangeUnsupported);
        let interactive = interactive.place("UIB", "UIB", Position { segment: 1, ..Position::default() });
        faults.push(interactive.because("UNB", "UIB").at(offset + header as u64, 3, line));
    } else if charset.is_none() {
        let found = String::from_utf8_lossy(identifier).into_owned();
        faults.push(finding(Fault::InterchangeVersion).because("UNOA to UNOK, UNOX, UNOW or UNOY", found).at(
            offset + bytes.len().min(header + 4) as u64,
            identifier.len() as u64,
            line,
        ));
    }
    Opening {
        syntax: Syntax::Edifact,
        separators,
        charset: Some(charset.unwrap_or(Charset::Latin1)),
        advice,
        wrapped: false,
        faults,
    }
}

/// UNA1 to UNA6: component, element, decimal mark, release, repetition, terminator; a blank release means none.
fn advised(bytes: &[u8], offset: u64, line: u64, faults: &mut Vec<Diagnostic>) -> (usize, Separators) {
    let unb = bytes.windows(3).position(|tag| tag.eq_ignore_ascii_case(b"UNB") || tag.eq_ignore_ascii_case(b"UIB"));
    let length = unb.map_or(bytes.len(), |at| at).min(9);
    if length < 9 {
        let found = String::from_utf8_lossy(&bytes[..length]).into_owned();
        faults.push(
            Diagnostic::new(Syntax::Edifact, Fault::SeparatorInvalid)
                .because("six characters after UNA", found)
                .place("UNA", "UNA", Position::default())
                .at(offset, length as u64, line),
        );
        return (length, defaults(&bytes[unb.unwrap_or(length)..]));
    }
    let release = Some(bytes[6]).filter(|&byte| byte != b' ');
    let repetition = Some(bytes[7]).filter(|&byte| byte != b' ');
    let separators = Separators {
        component: bytes[3],
        element: bytes[4],
        decimal: bytes[5],
        release,
        repetition,
        segment: bytes[8],
    };
    let mut structural: Vec<u8> = [bytes[3], bytes[4], bytes[8]].into_iter().chain(release).chain(repetition).collect();
    structural.sort_unstable();
    let clash = structural.windows(2).any(|two| two[0] == two[1]);
    if clash || structural.iter().any(u8::is_ascii_alphanumeric) {
        let found = bytes[3..9].escape_ascii().to_string();
        faults.push(
            Diagnostic::new(Syntax::Edifact, Fault::SeparatorInvalid)
                .because("different separators, no letters or digits", found)
                .place("UNA", "UNA", Position::default())
                .at(offset, 9, line),
        );
        // Such a UNA cannot be meant; the data more likely follows the defaults.
        return (9, defaults(&bytes[unb.unwrap_or(9)..]));
    }
    (9, separators)
}

/// Without UNA: the printable defaults, or those of level B (ISO 9735:1988 annex B: IS1, IS3, IS4) when UNB is
/// followed by IS3.
fn defaults(bytes: &[u8]) -> Separators {
    match bytes.get(3) {
        Some(0x1D) => {
            Separators { component: 0x1F, element: 0x1D, repetition: None, release: None, segment: 0x1C, decimal: b'.' }
        }
        _ => Separators::EDIFACT,
    }
}
