//! What an input without any interchange seems to be: for the sentence that says why it cannot be read, nothing else.

/// How many bytes of an unrecognised input are looked at.
pub const FIRST_BYTES: usize = 1024;

/// Text has fewer than one control character in so many bytes; EDI with control characters as separators has an envelope,
/// and is not guessed.
const NO_TEXT_ONE_IN: usize = 20;

/// What bytes without any interchange seem to be, with how they begin.
#[must_use]
pub fn seems(first: &[u8]) -> String {
    let text = String::from_utf8_lossy(first);
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let shown: String = start.chars().take(40).map(|c| if c.is_control() { '.' } else { c }).collect();
    match by_signature(first).unwrap_or_else(|| by_text(start)) {
        "" => format!("\"{shown}\""),
        guess => format!("{guess}: \"{shown}\""),
    }
}

fn by_signature(first: &[u8]) -> Option<&'static str> {
    let is_wide = first.starts_with(&[0xFF, 0xFE]) || first.starts_with(&[0xFE, 0xFF]);
    match first {
        _ if is_wide || first.first() == Some(&0) || first.get(1) == Some(&0) => Some("UTF-16 text"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF"),
        [0x1F, 0x8B, ..] => Some("gzip data"),
        _ if first.iter().filter(|byte| is_no_text(**byte)).count() * NO_TEXT_ONE_IN > first.len() => {
            Some("binary data")
        }
        _ => None,
    }
}

/// Control characters other than those that break and indent lines.
fn is_no_text(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C)
}

fn by_text(start: &str) -> &'static str {
    let lower = start.to_ascii_lowercase();
    let line = start.lines().next().unwrap_or_default();
    match () {
        () if lower.starts_with("<!doctype html") || lower.starts_with("<html") => "an HTML page",
        () if lower.starts_with('<') && start.contains("<cXML") => "cXML",
        () if lower.starts_with('<') && lower.contains("specification:ubl:schema") => "UBL",
        () if lower.starts_with('<') && start.contains("CrossIndustry") => "a UN/CEFACT cross industry document in XML",
        () if lower.starts_with('<') && start.contains("EDI_DC40") => "an SAP IDoc in XML",
        () if lower.starts_with('<') => "XML",
        () if start.starts_with("EDI_DC") => "an SAP IDoc",
        () if start.starts_with("STX=") => "TRADACOMS",
        () if start.starts_with('{') || start.starts_with('[') => "JSON",
        () if start.starts_with("GS") || start.starts_with("ST") => "X12 segments without their ISA",
        () if start.starts_with("UNH") => "an EDIFACT message without its UNB",
        () if line.matches([',', ';', '\t']).count() > 1 => "a table (CSV)",
        () => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_others_are_named() {
        for (bytes, guess) in [
            ("<?xml version=\"1.0\"?><Order xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Order-2\">", "UBL"),
            ("<?xml version=\"1.0\"?>\n<cXML payloadID=\"1\">", "cXML"),
            ("\u{feff}<a/>", "XML"),
            ("EDI_DC40  400", "an SAP IDoc"),
            ("STX=ANAA:1+50", "TRADACOMS"),
            ("GS*PO*A*B~", "X12 segments without their ISA"),
            ("number;date;item\n1;2;3", "a table (CSV)"),
            ("H\0e\0", "UTF-16 text"),
            ("\x01\x7f;a;\x02b;c;\n", "binary data"),
            ("hello", "\"hello\""),
        ] {
            assert!(seems(bytes.as_bytes()).starts_with(guess), "{}", seems(bytes.as_bytes()));
        }
    }
}
