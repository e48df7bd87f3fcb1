//! `multipart/related` (RFC 2387): where the cXML document stands in a body that brings attachments with it. Only parts whose
//! bytes stand as they are can be the document; what the attachments are is not looked at.

use std::ops::Range;

/// Parts of a body, at most.
const PARTS_MAX: usize = 1000;
/// Characters of a boundary, at most (RFC 2046, 5.1.1).
const BOUNDARY_CHARACTERS_MAX: usize = 70;
/// Bytes of the header lines of a part, at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Characters of an encoding that is told as wrong.
const ENCODING_SHOWN_MAX: usize = 40;

/// The bytes of the root part: that which `start` names, else the first. `None`: the body is one document.
///
/// # Errors
/// What is wrong with the body.
pub fn root(content_type: &str, body: &[u8]) -> Result<Option<Range<usize>>, String> {
    let Some(boundary) = boundary(content_type)? else { return Ok(None) };
    let start = parameter(content_type, "start");
    let parts = parts(body, &delimiters(body, boundary.as_bytes())?)?;
    let is_start = |head: &str| start.as_deref().is_none_or(|start| line(head, "content-id") == Some(start));
    let found = parts.into_iter().find(|(head, _)| is_start(head));
    let (head, range) = found.ok_or("expected a part that is the cXML document, found none under this boundary")?;
    match line(&head, "content-transfer-encoding").unwrap_or("binary").to_ascii_lowercase().as_str() {
        "7bit" | "8bit" | "binary" => Ok(Some(range)),
        other => {
            let found: String = other.chars().take(ENCODING_SHOWN_MAX).collect();
            Err(format!("expected the cXML part as it is (7bit, 8bit or binary), found it in {found}"))
        }
    }
}

/// All bytes of a body, part by part, with what stands before and behind the parts, but for the line breaks of delimiters; one
/// that is not made of parts, or wrongly, is one piece.
pub(super) fn pieces(content_type: &str, body: &[u8]) -> Vec<Range<usize>> {
    let boundary = boundary(content_type).ok().flatten();
    let delimiters = boundary.and_then(|boundary| delimiters(body, boundary.as_bytes()).ok()).unwrap_or_default();
    let begins = std::iter::once(0).chain(delimiters.iter().map(|one| one.start));
    let ends = delimiters.iter().map(|one| without_break(&body[..one.start]).len()).chain([body.len()]);
    begins.zip(ends).map(|(begin, end)| begin..end).collect()
}

/// What a piece holds that is a part in base64 or quoted-printable, and where its content stands. What is not of the encoding
/// is passed over.
pub(super) fn unpacked(piece: &[u8]) -> Option<(Range<usize>, Vec<u8>)> {
    let begin = piece.iter().position(|byte| *byte == b'\n')? + 1;
    let (head, content) = head_of(&piece[begin..]).ok()??;
    let head = String::from_utf8_lossy(&piece[begin..begin + head]);
    let packed = &piece[begin + content..];
    let bytes = match line(&head, "content-transfer-encoding")?.to_ascii_lowercase().as_str() {
        "base64" => from_base64(packed),
        "quoted-printable" => from_quoted(packed),
        _ => return None,
    };
    Some((begin + content..piece.len(), bytes))
}

/// RFC 2045, 6.8.
fn from_base64(packed: &[u8]) -> Vec<u8> {
    let value = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let values: Vec<u8> = packed.iter().filter_map(value).collect();
    let bytes = values.chunks(4).flat_map(|four| {
        let bits = four.iter().fold(0, |bits, value| bits << 6 | u32::from(*value)) << (6 * (4 - four.len()));
        bits.to_be_bytes().into_iter().skip(1).take(four.len() - 1)
    });
    bytes.collect()
}

/// RFC 2045, 6.7.
fn from_quoted(packed: &[u8]) -> Vec<u8> {
    let digit = |at: usize| packed.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::with_capacity(packed.len()), 0);
    while let Some(byte) = packed.get(at) {
        let coded = (*byte == b'=').then(|| digit(at + 1).zip(digit(at + 2))).flatten();
        let length = match (&packed[at..], coded) {
            ([b'=', b'\r', b'\n', ..], _) => 3,
            ([b'=', b'\n', ..], _) => 2,
            (_, Some((high, low))) => {
                bytes.extend(u8::try_from(high * 16 + low));
                3
            }
            _ => {
                bytes.push(*byte);
                1
            }
        };
        at += length;
    }
    bytes
}

/// The boundary of a body that is made of parts.
fn boundary(content_type: &str) -> Result<Option<String>, String> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("multipart/related") {
        return Ok(None);
    }
    let boundary = parameter(content_type, "boundary").unwrap_or_default();
    if boundary.is_empty() || boundary.chars().count() > BOUNDARY_CHARACTERS_MAX {
        let most = BOUNDARY_CHARACTERS_MAX;
        return Err(format!(
            "expected a boundary of 1 to {most} characters in the Content-Type of a multipart/related body"
        ));
    }
    Ok(Some(boundary))
}

/// A parameter of a Content-Type, without quotes.
pub(super) fn parameter(content_type: &str, name: &str) -> Option<String> {
    let mut rest = content_type.split_once(';')?.1;
    loop {
        let (key, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => (behind.split(';').next().unwrap_or_default().trim_end(), behind),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = after.split_once(';')?.1;
    }
}

/// The value of a header line of a part.
fn line<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The lines between parts. RFC 2046, 5.1.1: such a line is the delimiter, two hyphens more where it is the last, and then
/// nothing but blanks; what only begins like it is content.
fn delimiters(body: &[u8], boundary: &[u8]) -> Result<Vec<Range<usize>>, String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let end = body[at..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |length| at + length + 1);
        if let Some(rest) = body[at..end].strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)) {
            let is_last = rest.starts_with(b"--");
            if rest[if is_last { 2 } else { 0 }..].trim_ascii().is_empty() {
                found.push(at..end);
                if is_last {
                    break;
                }
            }
        }
        if found.len() > PARTS_MAX + 1 {
            return Err(format!("expected at most {PARTS_MAX} parts, found more"));
        }
        at = end;
    }
    Ok(found)
}

/// What stands before a delimiter: the line break there is part of that.
fn without_break(before: &[u8]) -> &[u8] {
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    before.strip_suffix(b"\r").unwrap_or(before)
}

/// Head and place of each part.
fn parts(body: &[u8], delimiters: &[Range<usize>]) -> Result<Vec<(String, Range<usize>)>, String> {
    let mut parts = Vec::new();
    for pair in delimiters.windows(2) {
        let part = without_break(&body[pair[0].end..pair[1].start]);
        let Some((head, content)) = head_of(part)? else { continue };
        let begin = pair[0].end;
        parts.push((String::from_utf8_lossy(&part[..head]).into_owned(), begin + content..begin + part.len()));
    }
    Ok(parts)
}

/// Where the header lines of a part end, and its content begins. An empty line stands between, and it may be the first.
fn head_of(part: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let mut at = 0;
    while let Some(length) = part.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
        let end = at + length + 1;
        if matches!(&part[at..end], b"\n" | b"\r\n") {
            return Ok(Some((at, end)));
        }
        if end > HEAD_BYTES_MAX {
            return Err(format!("expected header lines of at most {HEAD_BYTES_MAX} bytes in a part, found {end}"));
        }
        at = end;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "preamble\r\n--b1\r\nContent-Type: text/plain\r\nContent-ID: <note>\r\n\r\nHello --b1\r\n--b1\r\n\
                        Content-Type: text/xml\r\nContent-ID: <main>\r\n\r\n<cXML/>\r\n--b1--\r\n";

    #[test]
    fn the_root_is_the_one_that_is_named_else_the_first() {
        let found = |kind: &str| root(kind, BODY.as_bytes()).expect("fit").map(|range| &BODY[range]);
        assert_eq!(found("multipart/related; boundary=b1; start=\"<main>\""), Some("<cXML/>"));
        assert_eq!(found("Multipart/Related; type=\"text/xml\"; BOUNDARY=\"b1\""), Some("Hello --b1"));
        assert_eq!(found("text/xml; charset=UTF-8"), None);
    }

    /// RFC 2046, 5.1.1: blanks may follow the delimiter on its line, and nothing else.
    #[test]
    fn what_only_begins_like_the_delimiter_is_content() {
        let kind = "multipart/related; boundary=abc";
        let body =
            "--abc \t\r\n\r\n<a>\r\n--abcd\r\n--abc-\r\n --abc\r\n--abc--d\r\n</a>\r\n--abc\r\n\r\n2\n--abc-- \n";
        let found = root(kind, body.as_bytes()).expect("fit").map(|range| &body[range]);
        assert_eq!(found, Some("<a>\r\n--abcd\r\n--abc-\r\n --abc\r\n--abc--d\r\n</a>"));
        // Behind the last nothing is a part, and a part may have no header line.
        let behind = "--abc--\n--abc\n\nx\n--abc--\n";
        assert!(root(kind, behind.as_bytes()).expect_err("none").contains("found none"));
        let short = "--abc\n\nx\n--abc--";
        assert_eq!(root(kind, short.as_bytes()).expect("fit").map(|range| &short[range]), Some("x"));
    }

    #[test]
    fn packed_parts_are_unpacked() {
        use base64::Engine as _;
        for length in 0..9 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte * 31).collect();
            let packed = base64::engine::general_purpose::STANDARD.encode(&bytes);
            let piece = format!("--b\r\nContent-Transfer-Encoding: BASE64\r\n\r\n{}\r\n", packed.replace('A', "A\r\n"));
            let (content, unpacked) = unpacked(piece.as_bytes()).expect("a packed part");
            assert_eq!((content.end, unpacked), (piece.len(), bytes), "{piece}");
            assert!(piece[..content.start].ends_with("\r\n\r\n"));
        }
        let quoted = "--b\ncontent-transfer-encoding: quoted-printable\n\n=3CShared=\r\nSec=\nret=3e=X";
        assert_eq!(unpacked(quoted.as_bytes()).map(|(_, bytes)| bytes), Some(b"<SharedSecret>=X".to_vec()));
        for other in ["", "--b", "--b\n\n", "--b\nContent-Transfer-Encoding: 8bit\n\nx", "--b\nx: y\n\nbase64"] {
            assert_eq!(unpacked(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn pieces_leave_nothing_out() {
        let told = |kind: &str, body: &'static str| -> Vec<&str> {
            pieces(kind, body.as_bytes()).into_iter().map(|piece| &body[piece]).collect()
        };
        let body = "a\n--b\nc\n--b\nd\n--b--\ne";
        assert_eq!(told("multipart/related; boundary=b", body), ["a", "--b\nc", "--b\nd", "--b--\ne"]);
        assert_eq!(told("multipart/related", body), [body]);
        assert_eq!(told("text/xml; boundary=b", body), [body]);
    }

    #[test]
    fn err_what_has_no_root_is_told() {
        let wrong = |kind: &str, body: &str| root(kind, body.as_bytes()).expect_err("unfit");
        assert!(wrong("multipart/related", BODY).contains("a boundary of 1 to 70"));
        let bounded = |length: usize| wrong(&format!("multipart/related; boundary={}", "b".repeat(length)), BODY);
        assert!(bounded(70).contains("found none") && bounded(71).contains("a boundary of 1 to 70"));
        assert!(wrong("multipart/related; boundary=other", BODY).contains("found none"));
        assert!(wrong("multipart/related; boundary=b1; start=x", BODY).contains("found none"));
        let packed = BODY.replace("text/plain", "text/xml\r\nContent-Transfer-Encoding: base64");
        assert!(wrong("multipart/related; boundary=b1", &packed).contains("base64"));
        let most = "--b\n\nx\n".repeat(PARTS_MAX + 1);
        assert!(root("multipart/related; boundary=b", most.as_bytes()).is_ok());
        let many = "--b\n\nx\n".repeat(PARTS_MAX + 2);
        assert!(wrong("multipart/related; boundary=b", &many).contains("at most 1000"));
    }
}
