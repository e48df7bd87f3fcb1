//! Signatures that a receiver declares: HMAC over a text made of parts of the request, written into a header line. The text
//! and the line are templates; what may stand in them in braces is [`PARTS`], and nothing else is run.

use super::{Body, Request};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::io;

/// What may stand in braces: its name, and what it is. `header.NAME` is any header line that is sent.
pub const PARTS: [(&str, &str); 13] = [
    ("method", "POST"),
    ("url", "the whole address"),
    ("host", "the host, with its port where it is not the usual one"),
    ("path", "the path"),
    ("query", "what stands behind the question mark"),
    ("timestamp", "the seconds since 1970"),
    ("timestamp_ms", "the milliseconds since 1970"),
    ("time", "2026-01-31T09:30:00Z"),
    ("date", "Sat, 31 Jan 2026 09:30:00 GMT"),
    ("nonce", "random text, once"),
    ("body", "the body"),
    ("body_sha256_hex", "its SHA-256, in lower-case hexadecimal"),
    ("body_sha256_base64", "its SHA-256, in Base64"),
];
/// What may stand in the header line only.
pub const SIGNATURE: &str = "signature";
/// A part that is a header line: `header.x-partner`.
const HEADER: &str = "header.";
/// Bytes of a template.
pub const TEMPLATE_BYTES_MAX: usize = 4096;

/// A text with parts in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Part(String),
}

/// Which HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA1, for receivers who can do nothing else.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Base64, padded.
    Base64,
}

/// A signature that is declared.
pub struct Signed {
    /// Which HMAC.
    pub algorithm: Algorithm,
    /// Its key.
    pub key: Vec<u8>,
    /// What is signed.
    pub text: Template,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The header lines that are added; `{signature}` may stand in them.
    pub headers: Vec<(String, Template)>,
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Part(name) => write!(f, "{{{name}}}"),
        })
    }
}

impl Template {
    /// Reads a template: `{method}\n{path}`; `{{` and `}}` are braces, `\n` and `\t` what they are everywhere.
    ///
    /// # Errors
    /// A part that is not known, with those that are; a brace alone; too long.
    pub fn parse(text: &str, has_signature: bool) -> Result<Self, String> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(format!("expected up to {TEMPLATE_BYTES_MAX} bytes, found {}", text.len()));
        }
        let text = text.replace("\\n", "\n").replace("\\t", "\t");
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text.as_str());
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = behind;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{");
            let end =
                end.ok_or_else(|| format!("expected a part in braces, or {brace}{brace}, found {brace} alone"))?;
            let name = rest[..end].to_owned();
            rest = &rest[end + 1..];
            let header = name.strip_prefix(HEADER).is_some_and(|header| !header.is_empty());
            if !(header || PARTS.iter().any(|(known, _)| *known == name) || (has_signature && name == SIGNATURE)) {
                let mut known: Vec<&str> = PARTS.iter().map(|(known, _)| *known).collect();
                known.extend(["header.NAME"].iter().chain(has_signature.then_some(&SIGNATURE)));
                let hint = crate::near::hint(&name, &known);
                return Err(format!("expected one of {}, found {{{name}}}{hint}", known.join(", ")));
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Part(name));
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Template(pieces))
    }

    /// Whether a part stands in it.
    #[must_use]
    pub fn has(&self, part: &str) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Part(name) if name == part))
    }

    /// Hands on what it comes to, piece by piece.
    fn each(&self, request: &Request<'_>, signature: &str, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => take(text.as_bytes()),
                Piece::Part(name) if name == "body" => request.body.each(&mut take)?,
                Piece::Part(name) if name == SIGNATURE => take(signature.as_bytes()),
                Piece::Part(name) => take(part(name, request)?.as_bytes()),
            }
        }
        Ok(())
    }
}

fn sha256(body: &Body) -> io::Result<digest::Digest> {
    let mut context = digest::Context::new(&digest::SHA256);
    body.each(|piece| context.update(piece))?;
    Ok(context.finish())
}

/// What a part is, the body and the signature left out.
fn part(name: &str, request: &Request<'_>) -> io::Result<String> {
    let (url, now) = (request.url, request.now);
    let zoned = || now.to_zoned(jiff::tz::TimeZone::UTC);
    Ok(match name {
        "method" => request.method.to_owned(),
        "url" => url.to_string(),
        "host" => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}", url.host_str().unwrap_or_default())
        }
        "path" => url.path().to_owned(),
        "query" => url.query().unwrap_or_default().to_owned(),
        "timestamp" => now.as_second().to_string(),
        "timestamp_ms" => now.as_millisecond().to_string(),
        "time" => zoned().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "date" => zoned().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        "nonce" => request.nonce.to_owned(),
        "body_sha256_hex" => hexadecimal(sha256(request.body)?.as_ref()),
        "body_sha256_base64" => STANDARD.encode(sha256(request.body)?),
        _ => {
            let wanted = name.strip_prefix(HEADER).unwrap_or_default();
            let found = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        }
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signed {
    /// The header lines of a request.
    ///
    /// # Errors
    /// The body stands in them, and cannot be read.
    pub fn lines(&self, request: &Request<'_>) -> io::Result<Vec<(String, String)>> {
        let algorithm = match self.algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, &self.key));
        self.text.each(request, "", |piece| context.update(piece))?;
        let signature = match self.encoding {
            Encoding::Hex => hexadecimal(context.sign().as_ref()),
            Encoding::Base64 => STANDARD.encode(context.sign()),
        };
        let line = |(name, template): &(String, Template)| {
            let mut value = Vec::new();
            template.each(request, &signature, |piece| value.extend_from_slice(piece))?;
            Ok((name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned()))
        };
        self.headers.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::transport::source::Source;
    use reqwest::Url;
    use std::io::Read as _;
    use std::sync::Arc;

    fn template(text: &str) -> Template {
        Template::parse(text, true).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The expected value is OpenSSL's: `printf … | openssl dgst -sha256 -hmac key`.
    #[test]
    fn a_declared_text_is_signed_and_written_where_it_is_said() {
        let url = Url::parse("https://edi.example.com:8443/in/orders?a=1").expect("a URL");
        let headers = [("content-type".to_owned(), "application/xml".to_owned())];
        let request = Request {
            method: "POST",
            url: &url,
            headers: &headers,
            body: &Body::Held(b"<Order/>".to_vec()),
            now: Timestamp::from_second(1_790_000_000).expect("a time"),
            nonce: "abc",
        };
        let signed = Signed {
            algorithm: Algorithm::Sha256,
            key: b"key".to_vec(),
            text: template("{method}\\n{path}?{query}\\n{header.Content-Type}\\n{timestamp}.{body}"),
            encoding: Encoding::Hex,
            headers: vec![("X-Signature".to_owned(), template("t={timestamp},n={nonce},{{v1}}={signature}"))],
        };
        let lines = signed.lines(&request).expect("the body is held");
        let expected = "t=1790000000,n=abc,{v1}=627d7b1a56c30ef43f6f4103eb5871b27fc20861e46ccb6a48c3d1ab54298642";
        assert_eq!(lines, [("x-signature".to_owned(), expected.to_owned())]);
        let part = |name| part(name, &request).expect("the body is held");
        assert_eq!((part("body_sha256_hex").len(), part("host").as_str()), (64, "edi.example.com:8443"));
        assert_eq!(part("date"), "Mon, 21 Sep 2026 14:13:20 GMT");
    }

    /// A file of so many bytes, of which nobody takes more than a piece at once.
    struct Large(u64);

    impl Source for Large {
        fn length(&self) -> u64 {
            self.0
        }

        fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
            Ok(Box::new(Pieces(io::repeat(b'7').take(self.0))))
        }
    }

    struct Pieces(io::Take<io::Repeat>);

    impl io::Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(buffer.len() <= 64 * 1024, "{} bytes at once", buffer.len());
            self.0.read(buffer)
        }
    }

    #[test]
    fn a_large_body_is_signed_piece_by_piece() {
        let url = Url::parse("https://edi.example.com/in").expect("a URL");
        let lines = |body: &Body, text: &str| {
            let signed = Signed {
                algorithm: Algorithm::Sha256,
                key: b"key".to_vec(),
                text: template(text),
                encoding: Encoding::Hex,
                headers: vec![("x-signature".to_owned(), template("{signature}{body_sha256_base64}"))],
            };
            let now = Timestamp::UNIX_EPOCH;
            signed.lines(&Request { method: "POST", url: &url, headers: &[], body, now, nonce: "" })
        };
        let (large, held) = (Body::Read(Arc::new(Large(1 << 20))), Body::Held(vec![b'7'; 1 << 20]));
        for text in ["{body}", "{body_sha256_hex}\n{method}"] {
            assert_eq!(lines(&large, text).expect("it is read"), lines(&held, text).expect("it is held"), "{text}");
        }
    }

    #[test]
    fn err_a_template_says_what_it_may_hold() {
        let error = |text: &str| Template::parse(text, false).expect_err(text);
        assert!(error("{methd}").ends_with("found {methd}; did you mean method?"), "{}", error("{methd}"));
        assert!(error("{signature}").starts_with("expected one of method, url"), "what is signed has none");
        assert_eq!(error("a}b"), "expected a part in braces, or }}, found } alone");
        assert_eq!(error("a{b"), "expected a part in braces, or {{, found { alone");
        assert!(error(&"x".repeat(TEMPLATE_BYTES_MAX + 1)).contains("4096 bytes"));
        assert!(template("{header.x}").has("header.x") && template("{{x}}").to_string() == "{{x}}");
    }
}
