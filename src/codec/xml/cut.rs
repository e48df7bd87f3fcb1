//! Where the root element of an XML input begins. It reads no further than that; whether the rest is well-formed is seen
//! when it is read.

/// The parts of an input: what stands before the root element, the document, and the blanks behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// First byte of the root element.
    pub start: usize,
    /// One past the last byte that is no blank.
    pub end: usize,
}

/// Finds the root element; `None` when the bytes do not begin as XML does.
#[must_use]
pub fn cut(bytes: &[u8]) -> Option<Cut> {
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    loop {
        at += bytes.get(at..)?.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let rest = bytes.get(at..)?;
        at += match rest {
            [b'<', b'?', ..] => after(rest, b"?>")?,
            [b'<', b'!', b'-', b'-', ..] => after(rest, b"-->")?,
            // A page of a web server is no document, however well-formed.
            _ if is_page(rest) => return None,
            [b'<', b'!', ..] => after_doctype(rest)?,
            [b'<', name, ..] if name.is_ascii_alphabetic() || *name == b'_' || !name.is_ascii() => break,
            _ => return None,
        };
    }
    let end = bytes.iter().rposition(|byte| !byte.is_ascii_whitespace())? + 1;
    Some(Cut { start: at, end })
}

/// Where a document type declaration declares an entity.
#[must_use]
pub fn entities(prolog: &[u8]) -> Option<usize> {
    const DECLARATION: &[u8] = b"<!ENTITY";
    prolog.windows(DECLARATION.len()).position(|window| window == DECLARATION)
}

fn is_page(bytes: &[u8]) -> bool {
    let begins = |with: &str| bytes.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    begins("<!doctype html") || begins("<html")
}

fn after(bytes: &[u8], end: &[u8]) -> Option<usize> {
    bytes.windows(end.len()).position(|window| window == end).map(|at| at + end.len())
}

/// Past the `>` of a document type declaration, what stands between its brackets included.
fn after_doctype(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, &byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => depth += 1,
            (None, b']') => depth -= 1,
            (None, b'>') if depth == 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_behind_whatever_stands_before_it() {
        for before in
            ["", "\u{feff}", "<?xml version=\"1.0\"?>\n", "<!-- a > b --> ", "<!DOCTYPE a [<!ENTITY b \">\">]>\r\n"]
        {
            let text = format!("{before}<a>1</a>\n\n");
            let found = cut(text.as_bytes()).expect("XML");
            assert_eq!(&text[found.start..found.end], "<a>1</a>");
        }
        for other in ["", "ISA*00", "<!DOCTYPE html><html/>", "<HTML>", "< a", "<?xml version=\"1.0\"?>", "<1>"] {
            assert_eq!(cut(other.as_bytes()), None, "{other}");
        }
    }
}
