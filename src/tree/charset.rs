//! Character sets of the envelopes: bytes to text and back. It does not guess: what was declared is tried, and bytes
//! that do not fit are told apart by the caller, who keeps them.

use std::borrow::Cow;

/// The character set the values of an interchange are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charset {
    /// ISO 8859-1, byte for byte; EDIFACT UNOC, and the safe reading of anything undeclared.
    Latin1,
    /// UTF-8; EDIFACT UNOY and UNOW, and X12 by agreement.
    Utf8,
    /// One of the other 8-bit sets, through `encoding_rs`.
    Other(&'static encoding_rs::Encoding),
}

impl Charset {
    /// The set that an EDIFACT syntax identifier declares (UNB 0001, ISO 9735-1 annex A). Levels A and B are ASCII
    /// subsets and read as Latin-1; the check of their repertoire is validation's.
    #[must_use]
    pub fn of_syntax_identifier(identifier: &[u8]) -> Option<Charset> {
        Some(match identifier {
            b"UNOA" | b"UNOB" | b"UNOC" => Charset::Latin1,
            b"UNOD" => Charset::Other(encoding_rs::ISO_8859_2),
            b"UNOE" => Charset::Other(encoding_rs::ISO_8859_5),
            b"UNOF" => Charset::Other(encoding_rs::ISO_8859_7),
            b"UNOG" => Charset::Other(encoding_rs::ISO_8859_3),
            b"UNOH" => Charset::Other(encoding_rs::ISO_8859_4),
            b"UNOI" => Charset::Other(encoding_rs::ISO_8859_6),
            b"UNOJ" => Charset::Other(encoding_rs::ISO_8859_8),
            // encoding_rs gives windows-1254 for ISO 8859-9; the two differ only in 0x80 to 0x9F, controls in UNOK.
            b"UNOK" => Charset::Other(encoding_rs::WINDOWS_1254),
            b"UNOX" | b"UNOW" | b"UNOY" => Charset::Utf8,
            _ => return None,
        })
    }

    /// The name used in decoded JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Charset::Latin1 => "iso-8859-1",
            Charset::Utf8 => "utf-8",
            Charset::Other(encoding) => encoding.name(),
        }
    }

    /// The set of a name that [`Charset::name`] gave.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Charset> {
        match name.to_ascii_lowercase().as_str() {
            "iso-8859-1" => Some(Charset::Latin1),
            "utf-8" => Some(Charset::Utf8),
            other => encoding_rs::Encoding::for_label(other.as_bytes()).map(Charset::Other),
        }
    }

    /// Whether each character is one byte, and ASCII is itself; or it is UTF-8, whose characters can be told apart.
    #[must_use]
    pub fn has_one_byte_each(self) -> bool {
        match self {
            Charset::Latin1 | Charset::Utf8 => true,
            Charset::Other(encoding) => encoding.is_single_byte(),
        }
    }

    /// Bytes as text; bytes that do not fit become U+FFFD.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        if bytes.is_ascii() {
            return String::from_utf8_lossy(bytes);
        }
        match self {
            Charset::Latin1 => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
            Charset::Utf8 => String::from_utf8_lossy(bytes),
            Charset::Other(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }

    /// Text as bytes; `None` when a character has no place in the set.
    #[must_use]
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        if text.is_ascii() {
            return Some(text.as_bytes().to_vec());
        }
        match self {
            Charset::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Charset::Utf8 => Some(text.as_bytes().to_vec()),
            Charset::Other(encoding) => {
                let (bytes, _, unmappable) = encoding.encode(text);
                (!unmappable).then(|| bytes.into_owned())
            }
        }
    }
}

/// Whether a syntax level allows the character (ISO 9735-1, annex A: levels A and B name their characters; the others
/// are whole character sets). Control characters are allowed nowhere.
#[must_use]
pub fn in_repertoire(level: &str, c: char) -> bool {
    const LEVEL_A: &str = " .,-()/='+:?!\"%&*;<>";
    match level {
        "UNOA" => c.is_ascii_uppercase() || c.is_ascii_digit() || LEVEL_A.contains(c),
        "UNOB" => c.is_ascii_alphanumeric() || LEVEL_A.contains(c),
        _ => !c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn latin_1_is_byte_for_byte() {
        let all: Vec<u8> = (0..=255).collect();
        let text = Charset::Latin1.decode(&all).into_owned();
        assert_eq!(Charset::Latin1.encode(&text), Some(all));
    }

    #[test]
    fn cyrillic_is_not_guessed() {
        let charset = Charset::of_syntax_identifier(b"UNOE").unwrap();
        assert_eq!(charset.decode(b"\xBC\xDE\xE1\xDA\xD2\xD0"), "Москва");
        assert_eq!(Charset::of_syntax_identifier(b"UNOQ"), None);
    }
}
