//! `multipart/related` (RFC 2387): where the cXML document stands in a body that brings attachments with it. Only parts whose
//! bytes stand as they are can be the document; what the attachments are is not looked at.

use std::borrow::Cow;
use std::ops::Range;

/// Parts of a body, at most.
const PARTS_MAX: usize = 1000;
/// Characters of a boundary, at most (RFC 2046, 5.1.1).
const BOUNDARY_CHARACTERS_MAX: usize = 70;
/// Bytes of the header lines of a part, at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Characters of an encoding that is told as wrong.
const ENCODING_SHOWN_MAX: usize = 40;
/// Parts in parts that are followed, at most.
const DEPTH_MAX: usize = 8;

/// A stretch of a body.
pub(super) struct Piece {
    /// Its bytes, the delimiter and the head before them included.
    pub range: Range<usize>,
    /// Where what was packed begins.
    pub content: usize,
    /// How it was packed.
    pub packing: Packing,
}

/// How the content of a part was packed (RFC 2045, 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Its bytes stand as they are.
    Not,
    Base64,
    Quoted,
    /// Nobody can tell.
    Unknown,
}

impl Packing {
    /// That which an encoding names; of a part that names none, not at all.
    fn of(encoding: Option<&str>) -> Packing {
        match encoding {
            None | Some("7bit" | "8bit" | "binary") => Packing::Not,
            Some("base64") => Packing::Base64,
            Some("quoted-printable") => Packing::Quoted,
            Some(_) => Packing::Unknown,
        }
    }

    /// What was packed; `None` where nobody can tell.
    pub(super) fn unpacked(self, packed: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Packing::Not => Some(packed.into()),
            Packing::Base64 => Some(from_base64(packed).into()),
            Packing::Quoted => Some(from_quoted(packed).into()),
            Packing::Unknown => None,
        }
    }
}

/// The bytes of the root part: that which `start` names, else the first. `None`: the body is one document.
///
/// # Errors
/// What is wrong with the body.
pub fn root(content_type: &str, body: &[u8]) -> Result<Option<Range<usize>>, String> {
    if !is_kind(content_type, "multipart/related") {
        return Ok(None);
    }
    let boundary = boundary(content_type)?;
    let start = parameter(content_type, "start");
    let parts = parts(body, &delimiters(body, boundary.as_bytes())?)?;
    let is_start = |head: &str| start.is_none() || values(head, "content-id").first() == start.as_ref();
    let found = parts.into_iter().find(|(head, _)| is_start(head));
    let (head, range) = found.ok_or("expected a part that is the cXML document, found none under this boundary")?;
    let encoding = encoding(&head);
    if Packing::of(encoding.as_deref()) == Packing::Not {
        return Ok(Some(range));
    }
    let found: String = encoding.unwrap_or_default().chars().take(ENCODING_SHOWN_MAX).collect();
    Err(format!("expected the cXML part as it is (7bit, 8bit or binary), found it in {found}"))
}

/// All bytes of a body, part by part, with what stands before and behind the parts, but for the line breaks of delimiters; one
/// that is not made of parts, or wrongly, is one piece. Parts that are made of parts are followed.
pub(super) fn pieces(content_type: &str, body: &[u8]) -> Vec<Piece> {
    let mut found = Vec::new();
    if !is_multipart(content_type) || !cut(content_type, body, 0..body.len(), 0, &mut found) {
        found = vec![Piece { range: 0..body.len(), content: 0, packing: Packing::Not }];
    }
    found
}

/// Cuts a stretch that is made of parts; whether it could be.
fn cut(content_type: &str, body: &[u8], range: Range<usize>, depth: usize, found: &mut Vec<Piece>) -> bool {
    let Ok(boundary) = boundary(content_type) else { return false };
    let Ok(delimiters) = delimiters(&body[range.clone()], boundary.as_bytes()) else { return false };
    let delimiters: Vec<_> = delimiters.iter().map(|one| one.start + range.start..one.end + range.start).collect();
    let Some(first) = delimiters.first() else { return false };
    let end = |delimiter: &Range<usize>| range.start + without_break(&body[range.start..delimiter.start]).len();
    let aside = |range: Range<usize>| Piece { content: range.start, range, packing: Packing::Not };
    found.push(aside(range.start..end(first)));
    for (number, delimiter) in delimiters.iter().enumerate() {
        let end = delimiters.get(number + 1).map_or(range.end, end);
        let behind = delimiter.start + "--".len() + boundary.len();
        match body[behind..delimiter.end].starts_with(b"--") {
            true => found.push(aside(delimiter.start..end)),
            false => follow(body, delimiter.start, delimiter.end.min(end)..end, depth, found),
        }
    }
    true
}

/// The pieces of a part, from `begin` on, where its delimiter stands.
fn follow(body: &[u8], begin: usize, part: Range<usize>, depth: usize, found: &mut Vec<Piece>) {
    let unknown = |content: usize| Piece { range: begin..part.end, content, packing: Packing::Unknown };
    // One that has no empty line has nothing but a head.
    let Ok(cut_at) = head_of(&body[part.clone()]) else { return found.push(unknown(part.start)) };
    let (head, content) = cut_at.unwrap_or((part.len(), part.len()));
    let (head, content) = (String::from_utf8_lossy(&body[part.start..part.start + head]), part.start + content);
    let kind = values(&head, "content-type").into_iter().next().unwrap_or_default();
    let is_mail = is_kind(&kind, "message/rfc822");
    let has_parts = is_mail || is_multipart(&kind);
    // Some take what is no header line for the begin of the content.
    let is_header = |line: &str| line.contains(':') || line.starts_with([' ', '\t']);
    match Packing::of(encoding(&head).as_deref()) {
        Packing::Not if has_parts && depth < DEPTH_MAX => {
            found.push(Piece { range: begin..content, content, packing: Packing::Not });
            if is_mail {
                follow(body, content, content..part.end, depth + 1, found);
            } else if !cut(&kind, body, content..part.end, depth + 1, found) {
                found.push(Piece { range: content..part.end, content, packing: Packing::Unknown });
            }
        }
        packing if packing != Packing::Not && !head.lines().all(is_header) => found.push(unknown(part.start)),
        _ if has_parts => found.push(unknown(content)),
        packing => found.push(Piece { range: begin..part.end, content, packing }),
    }
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
        at += match (*byte, coded) {
            (b'=', None) if let Some(length) = soft_break(&packed[at + 1..]) => 1 + length,
            (_, Some((high, low))) => {
                bytes.extend(u8::try_from(high * 16 + low));
                3
            }
            _ => {
                bytes.push(*byte);
                1
            }
        };
    }
    bytes
}

/// How long a line end is, with the blanks that were added before it on the way (rule 3).
fn soft_break(rest: &[u8]) -> Option<usize> {
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    (rest.get(blanks) == Some(&b'\n')).then_some(blanks + 1)
}

fn is_kind(content_type: &str, kind: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

fn is_multipart(content_type: &str) -> bool {
    content_type.trim_start().split('/').next().unwrap_or_default().eq_ignore_ascii_case("multipart")
}

/// The boundary of a body that is made of parts.
fn boundary(content_type: &str) -> Result<String, String> {
    let boundary = parameter(content_type, "boundary").unwrap_or_default();
    if boundary.is_empty() || boundary.chars().count() > BOUNDARY_CHARACTERS_MAX {
        let most = BOUNDARY_CHARACTERS_MAX;
        return Err(format!(
            "expected a boundary of 1 to {most} characters in the Content-Type of a multipart/related body"
        ));
    }
    Ok(boundary)
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

/// The values of the header lines of a name. A line that begins with a blank goes on with the one before (RFC 5322, 2.2.3).
fn values(head: &str, name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in head.lines() {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    let lines = lines.iter().filter_map(|line| line.split_once(':'));
    lines.filter(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
}

/// The encoding that a head names, without what is said about it; all of them, where it names several.
fn encoding(head: &str) -> Option<String> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, ';' | '(');
    let values = values(head, "content-transfer-encoding");
    let tokens: Vec<&str> = values.iter().map(|value| value.split(is_end).next().unwrap_or_default()).collect();
    (!tokens.is_empty()).then(|| tokens.join(", ").to_ascii_lowercase())
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
        let unpacked = |piece: &str| {
            let found = pieces("multipart/related; boundary=b", piece.as_bytes()).pop().expect("one");
            assert_eq!(found.range.end, piece.len(), "{piece}");
            (found.packing, found.packing.unpacked(&piece.as_bytes()[found.content..]).map(Cow::into_owned))
        };
        for length in 0..9 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte * 31).collect();
            let packed = base64::engine::general_purpose::STANDARD.encode(&bytes);
            let piece = format!("--b\r\nContent-Transfer-Encoding: BASE64\r\n\r\n{}\r\n", packed.replace('A', "A\r\n"));
            assert_eq!(unpacked(&piece), (Packing::Base64, Some(bytes)), "{piece}");
        }
        let quoted =
            |content: &str| unpacked(&format!("--b\ncontent-transfer-encoding: quoted-printable\n\n{content}"));
        let text = |text: &[u8]| (Packing::Quoted, Some(text.to_vec()));
        assert_eq!(quoted("=3CShared=\r\nSec=\nret=3e=X"), text(b"<SharedSecret>=X"));
        assert_eq!(quoted("Shared= \r\nSec=\t \nret= = ="), text(b"SharedSecret= = ="));
        for other in ["--b", "--b\n\n", "--b\nContent-Transfer-Encoding: 8bit\n\nx", "--b\nx: y\n\nbase64"] {
            assert_eq!(unpacked(other).0, Packing::Not, "{other}");
        }
    }

    /// RFC 2045, 6.1 and RFC 5322, 2.2.3.
    #[test]
    fn an_encoding_is_read_however_its_line_is_written() {
        for (line, packing) in [
            ("Content-Transfer-Encoding:\r\n base64", Packing::Base64),
            ("content-transfer-encoding :\tBase64 (as it was)", Packing::Base64),
            ("Content-Transfer-Encoding: base64;x", Packing::Base64),
            ("X: y\r\n Content-Transfer-Encoding: base64", Packing::Not),
            ("Content-Transfer-Encoding: 7bit (plain)", Packing::Not),
            ("Content-Transfer-Encoding: x-uuencode", Packing::Unknown),
            ("Content-Transfer-Encoding:", Packing::Unknown),
            ("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64", Packing::Unknown),
            ("Content-Transfer-Encoding: base64\r\nPFNoYXJlZFNlY3JldD4", Packing::Unknown),
            ("Content-Type: multipart/mixed; boundary=c\r\nContent-Transfer-Encoding: base64", Packing::Unknown),
            ("Content-Type: multipart/mixed", Packing::Unknown),
        ] {
            let body = format!("--b\r\n{line}\r\n\r\nx\r\n--b--");
            let pieces = pieces("multipart/related; boundary=b", body.as_bytes());
            assert_eq!(pieces[pieces.len() - 2].packing, packing, "{line}");
            assert_eq!(
                root("multipart/related; boundary=b", body.as_bytes()).is_ok(),
                matches!(packing, Packing::Not) || line.ends_with("mixed")
            );
        }
    }

    #[test]
    fn pieces_leave_nothing_out() {
        let told = |kind: &str, body: &'static str| -> Vec<&str> {
            pieces(kind, body.as_bytes()).into_iter().map(|piece| &body[piece.range]).collect()
        };
        let body = "a\n--b\nc\n--b\nd\n--b--\ne";
        assert_eq!(told("multipart/related; boundary=b", body), ["a", "--b\nc", "--b\nd", "--b--\ne"]);
        assert_eq!(told("Multipart/mixed; boundary=b", body), ["a", "--b\nc", "--b\nd", "--b--\ne"]);
        assert_eq!(told("multipart/related", body), [body]);
        let head = "Content-Type: multipart/mixed; boundary=c\n\n";
        let nested = "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nd\n--c--\n--b\ne\n--b--";
        let first = format!("--b\n{head}");
        assert_eq!(
            told("multipart/related; boundary=b", nested),
            ["", &first, "", "--c\nd", "--c--", "--b\ne", "--b--"]
        );
        let mail = "--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\nd\n--b--";
        let first = "--b\nContent-Type: message/rfc822\n\n";
        assert_eq!(told("multipart/related; boundary=b", mail), ["", first, head, "", "--c\nd", "--b--"]);
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
