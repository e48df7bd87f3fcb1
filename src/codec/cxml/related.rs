//! `multipart/related` (RFC 2387): where the cXML document stands in a body that brings attachments with it. Only parts whose
//! bytes stand as they are can be the document; what the attachments are is not looked at.

use std::ops::Range;

/// Parts of a body, at most.
const PARTS_MAX: usize = 1000;
/// Bytes of the header lines of a part, at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The bytes of the root part: that which `start` names, else the first. `None`: the body is one document.
///
/// # Errors
/// What is wrong with the body.
pub fn root(content_type: &str, body: &[u8]) -> Result<Option<Range<usize>>, String> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("multipart/related") {
        return Ok(None);
    }
    let boundary = parameter(content_type, "boundary").filter(|text| !text.is_empty());
    let boundary = boundary.ok_or("expected a boundary in the Content-Type of a multipart/related body")?;
    let start = parameter(content_type, "start");
    let parts = parts(body, boundary.as_bytes())?;
    let is_start = |head: &str| start.as_deref().is_none_or(|start| line(head, "content-id") == Some(start));
    let found = parts.into_iter().find(|(head, _)| is_start(head));
    let (head, range) = found.ok_or("expected a part that is the cXML document, found none under this boundary")?;
    match line(&head, "content-transfer-encoding").unwrap_or("binary").to_ascii_lowercase().as_str() {
        "7bit" | "8bit" | "binary" => Ok(Some(range)),
        other => Err(format!("expected the cXML part as it is (7bit, 8bit or binary), found it in {other}")),
    }
}

/// A parameter of a Content-Type, without quotes.
fn parameter(content_type: &str, name: &str) -> Option<String> {
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

/// Head and place of each part.
fn parts(body: &[u8], boundary: &[u8]) -> Result<Vec<(String, Range<usize>)>, String> {
    let delimiter = [b"--", boundary].concat();
    let mut marks = Vec::new();
    let mut at = 0;
    while let Some(found) = find(&body[at..], &delimiter).map(|found| found + at) {
        // It stands at the beginning of a line.
        if found == 0 || body[found - 1] == b'\n' {
            marks.push(found);
        }
        if marks.len() > PARTS_MAX {
            return Err(format!("expected at most {PARTS_MAX} parts, found more"));
        }
        at = found + delimiter.len();
    }
    let mut parts = Vec::new();
    for pair in marks.windows(2) {
        let begin = pair[0] + delimiter.len();
        let end = pair[1] - usize::from(pair[1] > 0);
        let end = end - usize::from(end > begin && body[end - 1] == b'\r');
        let Some(part) = body.get(begin..end) else { continue };
        // Header lines end with an empty one; there may be none at all.
        let empty = [&b"\r\n\r\n"[..], b"\n\n"].into_iter().filter_map(|empty| Some((find(part, empty)?, empty.len())));
        let Some((head, length)) = empty.min() else { continue };
        if head > HEAD_BYTES_MAX {
            return Err(format!("expected header lines of at most {HEAD_BYTES_MAX} bytes in a part, found {head}"));
        }
        parts.push((String::from_utf8_lossy(&part[..head]).into_owned(), begin + head + length..end));
    }
    Ok(parts)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
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

    #[test]
    fn err_what_has_no_root_is_told() {
        let wrong = |kind: &str, body: &str| root(kind, body.as_bytes()).expect_err("unfit");
        assert!(wrong("multipart/related", BODY).contains("a boundary"));
        assert!(wrong("multipart/related; boundary=other", BODY).contains("found none"));
        assert!(wrong("multipart/related; boundary=b1; start=x", BODY).contains("found none"));
        let packed = BODY.replace("text/plain", "text/xml\r\nContent-Transfer-Encoding: base64");
        assert!(wrong("multipart/related; boundary=b1", &packed).contains("base64"));
        let many = "--b\n\nx\n".repeat(PARTS_MAX + 2);
        assert!(wrong("multipart/related; boundary=b", &many).contains("at most 1000"));
    }
}
