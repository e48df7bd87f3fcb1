//! The characters that structure an interchange. They always come from the data, never from configuration.

/// Separators of one interchange.
///
/// X12: element from ISA position 4, repetition from ISA11 (from version 00402), component from ISA16, terminator the
/// byte after it. EDIFACT: UNA1 to UNA6 (ISO 9735-1, 7.1): component, element, decimal mark, release, repetition
/// (reserved before syntax 4), terminator; or the defaults of the syntax level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Separators {
    /// Between components of a composite.
    pub component: u8,
    /// Between elements.
    pub element: u8,
    /// Between repetitions of an element, where the syntax version has them.
    pub repetition: Option<u8>,
    /// Makes the next character data; EDIFACT only.
    pub release: Option<u8>,
    /// Ends a segment.
    pub segment: u8,
    /// Decimal mark of numbers.
    pub decimal: u8,
}

impl Separators {
    /// The usual X12 set of 004010: `*`, `>`, `~`.
    pub const X12: Separators =
        Separators { component: b'>', element: b'*', repetition: None, release: None, segment: b'~', decimal: b'.' };

    /// EDIFACT without UNA, syntax 1 to 3 with level A or another printable level (`:+.? '`).
    pub const EDIFACT: Separators = Separators {
        component: b':',
        element: b'+',
        repetition: None,
        release: Some(b'?'),
        segment: b'\'',
        decimal: b'.',
    };

    /// Whether `byte` would structure the data if written unreleased.
    #[must_use]
    pub fn is_special(&self, byte: u8) -> bool {
        byte == self.component
            || byte == self.element
            || byte == self.segment
            || Some(byte) == self.repetition
            || Some(byte) == self.release
    }
}
