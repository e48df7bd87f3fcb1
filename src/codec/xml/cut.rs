//! Where the root element of an XML input begins. It reads no further than that; whether the rest is well-formed is seen
//! when it is read.

/// How an input begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The first byte of the root element.
    At(usize),
    /// Not as XML does.
    No,
    /// More of it is needed to tell.
    Unfinished,
}

/// What a page of a web server begins with.
const PAGE: [&str; 2] = ["<!doctype html", "<html"];

/// Finds the root element behind what may stand before it. `has_ended` says that nothing follows these bytes.
#[must_use]
pub fn start(bytes: &[u8], has_ended: bool) -> Start {
    let more = if has_ended { Start::No } else { Start::Unfinished };
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    loop {
        let Some(blanks) = bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace()) else { return more };
        at += blanks;
        let rest = &bytes[at..];
        if rest.len() < PAGE[0].len() && !has_ended {
            return more;
        }
        let next = match rest {
            [b'<', b'?', ..] | [b'<', b'!', b'-', b'-', ..] => past(bytes, at),
            // However well-formed it is.
            _ if is_page(rest) => return Start::No,
            [b'<', b'!', ..] => past_doctype(bytes, at),
            [b'<', name, ..] if name.is_ascii_alphabetic() || *name == b'_' || !name.is_ascii() => {
                return Start::At(at);
            }
            _ => return Start::No,
        };
        match next {
            Some(next) => at = next,
            None => return more,
        }
    }
}

/// Where a document type declaration declares an entity.
#[must_use]
pub fn entities(prolog: &[u8]) -> Option<usize> {
    let mut at = 0;
    while !prolog.get(at..)?.starts_with(b"<!ENTITY") {
        at = past(prolog, at)?;
    }
    Some(at)
}

fn is_page(bytes: &[u8]) -> bool {
    let begins = |with: &str| bytes.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    PAGE.into_iter().any(begins)
}

/// Past the comment, the instruction or the quoted text that begins here, else past one byte.
fn past(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let behind = |from: usize, end: &[u8]| {
        let found = rest.get(from..)?.windows(end.len()).position(|window| window == end)?;
        Some(at + from + found + end.len())
    };
    match rest {
        [b'<', b'!', b'-', b'-', ..] => behind(4, b"-->"),
        [b'<', b'?', ..] => behind(2, b"?>"),
        [quote @ (b'"' | b'\''), ..] => behind(1, &[*quote]),
        [_, ..] => Some(at + 1),
        [] => None,
    }
}

/// Past the `>` of a document type declaration, what stands between its brackets included.
fn past_doctype(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0;
    loop {
        match bytes.get(at)? {
            b'[' => depth += 1,
            b']' => depth -= 1,
            b'>' if depth == 0 => return Some(at + 1),
            _ => {}
        }
        at = past(bytes, at)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_behind_whatever_stands_before_it() {
        for before in [
            "",
            "\u{feff}",
            "<?xml version=\"1.0\"?>\n",
            "<!-- a > b --> ",
            "<!-->-->",
            "<!DOCTYPE a [<!ENTITY b \">\">]>\r\n",
            "<!DOCTYPE a [<!-- it's --><?it's?>]>",
        ] {
            let text = format!("{before}<a>1</a>");
            assert_eq!(start(text.as_bytes(), true), Start::At(before.len()), "{before}");
            for end in 0..before.len() {
                assert_eq!(start(&text.as_bytes()[..end], false), Start::Unfinished, "{before} up to {end}");
            }
        }
        for other in
            ["", "ISA*00", "<!DOCTYPE html><html/>", "<HTML>", "< a", "<?xml version=\"1.0\"?>", "<1>", "<!-- a"]
        {
            assert_eq!(start(other.as_bytes(), true), Start::No, "{other}");
        }
    }

    #[test]
    fn entities_are_found_where_they_are_declared() {
        for (prolog, found) in [
            ("<!DOCTYPE a [<!ENTITY b '1'>]>", Some(13)),
            ("<!DOCTYPE a SYSTEM \"<!--\" [<!ENTITY b '1'>]>", Some(27)),
            ("<!-- it's <!ENTITY b '1'> -->", None),
            ("<!DOCTYPE a [<!-- <!ENTITY b '1'> --><?b <!ENTITY?>]>", None),
        ] {
            assert_eq!(entities(prolog.as_bytes()), found, "{prolog}");
        }
    }
}
