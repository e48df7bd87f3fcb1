//! A document with attachments as one body (multipart/related, RFC 2387, as RFC 6362 sends it): read as a stream of known length,
//! always the same bytes. What the parts are is not looked at; their names are written so that nobody has to change them on the
//! way, since a signature is over all of it.

use super::mime::filename;
use super::source::Chain;
use crate::transport::source::Source;
use std::sync::Arc;

/// What a part is called that says no type.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// A part.
pub struct Part<'p> {
    /// `Content-Type`; one that no header line can hold is written as unknown bytes.
    pub content_type: String,
    /// How its content is packed already; none where it is not.
    pub encoding: Option<&'static str>,
    /// The name of its file.
    pub file_name: Option<String>,
    /// Its content.
    pub content: Arc<dyn Source + 'p>,
}

/// One body of a document, which comes first, and its attachments: its `Content-Type`, and its bytes. The boundary is one that no
/// content has.
#[must_use]
pub fn related<'p>(parts: Vec<Part<'p>>, boundary: &str) -> (String, Chain<'p>) {
    let is_fit = |text: &str| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let ids = boundary.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let id = |at: usize| format!("<{at}.{ids}@portolan>");
    let (mut root, mut sources) = (UNKNOWN_TYPE.to_owned(), Vec::<Arc<dyn Source + 'p>>::new());
    for (at, part) in parts.into_iter().enumerate() {
        let content_type = if is_fit(&part.content_type) { part.content_type.as_str() } else { UNKNOWN_TYPE };
        if at == 0 {
            root = content_type.split(';').next().unwrap_or_default().trim().to_owned();
        }
        let begin = if at == 0 { "" } else { "\r\n" };
        let encoding = part.encoding.unwrap_or("binary");
        let disposition = match &part.file_name {
            Some(name) => format!("Content-Disposition: attachment; {}\r\n", filename(name)),
            None => String::new(),
        };
        let head = format!(
            "{begin}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\
             Content-ID: {}\r\n{disposition}\r\n",
            id(at)
        );
        sources.extend([Arc::new(head.into_bytes()) as Arc<dyn Source + 'p>, part.content]);
    }
    sources.push(Arc::new(format!("\r\n--{boundary}--\r\n").into_bytes()));
    let content_type = format!(
        "multipart/related; type=\"{}\"; start=\"{}\"; boundary=\"{boundary}\"",
        root.replace(['"', '\\'], ""),
        id(0)
    );
    (content_type, Chain(sources))
}

#[cfg(test)]
mod tests {
    use super::super::mime::{Headers, Multipart, Parameters, Peeked};
    use super::*;
    use std::io::Read as _;

    #[test]
    fn what_is_written_is_read_again_part_by_part() {
        let part = |content_type: &str, name: Option<&str>, encoding, content: &[u8]| Part {
            content_type: content_type.to_owned(),
            encoding,
            file_name: name.map(str::to_owned),
            content: Arc::new(content.to_vec()),
        };
        let parts = vec![
            part("application/EDIFACT; charset=\"x\"", Some("order.edi"), None, b"UNA:+.? '\n"),
            part("image/png\r\nX: y", Some("Lampe \u{fc}.png"), Some("base64"), b"QUJD\r\n"),
            part("", None, None, b""),
        ];
        let (content_type, body) = related(parts, "=_b");
        let said = Parameters::parse(&content_type);
        assert_eq!((said.value.as_str(), said.get("type")), ("multipart/related", Some("application/EDIFACT")));
        let mut bytes = Vec::new();
        body.open().expect("memory").read_to_end(&mut bytes).expect("memory reads");
        assert_eq!(bytes.len() as u64, body.length());
        assert!(bytes.is_ascii(), "no way changes what is ASCII");
        let (mut source, mut found) = (&bytes[..], Vec::new());
        let mut peeked = Peeked::new(&mut source);
        let mut multipart = Multipart::new(&mut peeked, said.get("boundary").expect("one")).expect("a boundary");
        while multipart.next_part().expect("parts") {
            let begin = multipart.position();
            let mut part = Peeked::new(&mut multipart);
            let head = part.head().expect("a head");
            let mut content = Vec::new();
            part.read_to_end(&mut content).expect("content");
            let at = usize::try_from(begin).expect("small") + head.len();
            assert_eq!(bytes[at..at + content.len()], content, "it is told where it stands");
            found.push((Headers::parse(&head), content));
        }
        let name = |headers: &Headers| {
            Parameters::parse(headers.get("content-disposition").unwrap_or_default()).extended("filename")
        };
        let said_of = |at: usize, key: &str| found[at].0.get(key).map(str::to_owned);
        assert_eq!(found.len(), 3);
        assert_eq!(said_of(0, "content-id").as_deref(), said.get("start"));
        assert_eq!((name(&found[0].0).as_deref(), &found[0].1[..]), (Some("order.edi"), &b"UNA:+.? '\n"[..]));
        assert_eq!((name(&found[1].0).as_deref(), &found[1].1[..]), (Some("Lampe \u{fc}.png"), &b"QUJD\r\n"[..]));
        assert_eq!(said_of(1, "content-type").as_deref(), Some(UNKNOWN_TYPE), "no line of a stranger's is written");
        assert_eq!(said_of(1, "content-transfer-encoding").as_deref(), Some("base64"));
        assert_eq!((name(&found[2].0), said_of(2, "x"), &found[2].1[..]), (None, None, &b""[..]));
    }
}
