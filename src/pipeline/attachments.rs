//! The parts of a body that brings attachments with its document (RFC 2387; RFC 6362 over AS2): what each is, its bytes, and
//! which of them is the document. What stands in it is the translation's. Bodies are read as streams, never whole.

use super::state::Service;
use crate::store::{Result, StoreError};
use crate::transport::as2::crypto::{Digest, Hash, hexadecimal};
use crate::transport::as2::mime::{Base64, Headers, Multipart, Parameters, Peeked};
use crate::transport::file_name::safe_name;
use crate::transport::source::Spooled;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::ops::Range;

/// Parts of a body that are told.
const PARTS_MAX: u32 = 1000;
/// Bytes that are taken at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its place in the body, from 1 on.
    pub number: u32,
    /// The name of its file, without what could lead elsewhere.
    pub name: Option<String>,
    /// As it says.
    pub content_type: String,
    /// `Content-ID`, without its brackets.
    pub content_id: Option<String>,
    /// Bytes of its content, unpacked.
    pub size: u64,
    /// SHA-256 of them, hexadecimal.
    pub sha256: String,
    /// What is translated: the one that `start` names, else the first.
    pub is_document: bool,
    /// `Content-Transfer-Encoding`, as it says.
    #[serde(skip)]
    pub encoding: Option<String>,
    /// Where its content stands in the body, packed as it is.
    #[serde(skip)]
    pub place: Range<u64>,
}

impl Part {
    /// As its header lines say; what it holds is not known yet.
    fn new(number: u32, headers: &Headers, start: Option<&str>) -> Self {
        let kind = headers.content_type();
        let disposition = Parameters::parse(headers.get("content-disposition").unwrap_or_default());
        let content_id = headers.get("content-id").map(|id| bare(id).to_owned());
        Part {
            number,
            name: disposition.extended("filename").or_else(|| kind.extended("name")).and_then(|name| safe_name(&name)),
            content_type: headers.get("content-type").unwrap_or("text/plain").to_owned(),
            is_document: start.map_or(number == 1, |start| content_id.as_deref() == Some(start)),
            content_id,
            encoding: headers.get("content-transfer-encoding").map(str::to_owned),
            size: 0,
            sha256: String::new(),
            place: 0..0,
        }
    }

    /// Whether its bytes stand as they are.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let encoding = self.encoding.as_deref().unwrap_or("binary").trim().to_ascii_lowercase();
        ["7bit", "8bit", "binary"].contains(&encoding.as_str())
    }
}

/// The parts of a transmission; none where it is no body with parts.
///
/// # Errors
/// There is no such transmission, or its bytes cannot be read.
pub async fn list(service: &Service, id: &str) -> Result<Vec<Part>> {
    let (_, parts) = walk(service, id, None).await?;
    Ok(parts)
}

/// The content of a part, unpacked, in a file without a name.
///
/// # Errors
/// There is no such part, or its bytes cannot be read.
pub async fn content(service: &Service, id: &str, number: u32) -> Result<Spooled> {
    let file = service.store.scratch_file(service.now())?;
    let missing = || StoreError::NotFound { what: "part of the transmission", id: format!("{id}/{number}") };
    let (file, _) = walk(service, id, Some((number, file))).await?;
    let unfit = |error: io::Error| StoreError::Unfit(format!("part {number} of {id}: {error}"));
    Spooled::new(file.ok_or_else(missing)?).map_err(unfit)
}

/// Goes through the parts, up to the one that is wanted, whose content goes into its file.
async fn walk(service: &Service, id: &str, wanted: Option<(u32, File)>) -> Result<(Option<File>, Vec<Part>)> {
    let transmission = service.store.transmission(id).await?;
    let content_type = Parameters::parse(&transmission.content_type);
    if !content_type.value.starts_with("multipart/") {
        return Ok((None, Vec::new()));
    }
    let payload = service.store.payload_source(&transmission.payload_id).await?;
    let walked = tokio::task::spawn_blocking(move || parts(&mut payload.open()?, &content_type, wanted));
    let unfit = |error: &dyn std::fmt::Display| StoreError::Unfit(format!("the parts of {id}: {error}"));
    walked.await.map_err(|error| unfit(&error))?.map_err(|error| match is_of_form(&error) {
        true => unfit(&error),
        false => StoreError::Damaged(format!("{id}: {error}")),
    })
}

/// Whether it is how the body is made that is wrong, and not that its bytes cannot be had: they are damaged, say.
pub(super) fn is_of_form(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// The parts of a body.
///
/// # Errors
/// It cannot be read, or is not made of parts as it says.
pub(super) fn parts_of(body: &mut dyn Read, content_type: &Parameters) -> io::Result<Vec<Part>> {
    parts(body, content_type, None).map(|(_, parts)| parts)
}

/// Where the document stands in a body that brings attachments; none where that is not made of parts as it says, or the document
/// in it is packed.
///
/// # Errors
/// The body cannot be read.
pub(super) fn document(body: &mut dyn Read, content_type: &Parameters) -> io::Result<Option<Range<u64>>> {
    let start = start_of(content_type);
    let mut source = Peeked::new(body);
    let unfit = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => Ok(None),
        _ => Err(error),
    };
    let boundary = content_type.get("boundary").unwrap_or_default();
    let mut multipart = match Multipart::new(&mut source, boundary) {
        Ok(multipart) => multipart,
        Err(error) => return unfit(error),
    };
    for number in 1..=PARTS_MAX {
        match multipart.next_part() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return unfit(error),
        }
        let begin = multipart.position();
        let mut content = Peeked::new(&mut multipart);
        // A part without an empty line has nothing but a head.
        let Ok(head) = content.head() else { continue };
        let part = Part::new(number, &Headers::parse(&head), start.as_deref());
        if part.is_document {
            let from = begin + head.len() as u64;
            return match io::copy(&mut content, &mut io::sink()) {
                Ok(length) => Ok(part.is_plain().then_some(from..from + length)),
                Err(error) => unfit(error),
            };
        }
    }
    Ok(None)
}

fn start_of(content_type: &Parameters) -> Option<String> {
    content_type.get("start").map(|id| bare(id).to_owned())
}

fn parts(
    body: &mut dyn Read,
    content_type: &Parameters,
    mut wanted: Option<(u32, File)>,
) -> io::Result<(Option<File>, Vec<Part>)> {
    let start = start_of(content_type);
    let mut source = Peeked::new(body);
    let mut multipart = Multipart::new(&mut source, content_type.get("boundary").unwrap_or_default())?;
    let mut found = Vec::new();
    for number in 1..=PARTS_MAX {
        let told = |error: io::Error| io::Error::new(error.kind(), format!("part {number}: {error}"));
        if !multipart.next_part().map_err(told)? {
            break;
        }
        let begin = multipart.position();
        let mut part = Peeked::new(&mut multipart);
        let head = part.head().map_err(told)?;
        let headers = Headers::parse(&head);
        let mut file = wanted.as_mut().filter(|(wanted, _)| *wanted == number).map(|(_, file)| file);
        let (mut hash, mut size, mut room) = (Hash::new(Digest::Sha256), 0, vec![0; PIECE_BYTES]);
        let mut unpacked = Base64::new(&mut part);
        let content: &mut dyn Read = if headers.is_base64() { &mut unpacked } else { unpacked.inner() };
        loop {
            let count = content.read(&mut room).map_err(told)?;
            if count == 0 {
                break;
            }
            hash.update(&room[..count]);
            size += count as u64;
            if let Some(file) = &mut file {
                file.write_all(&room[..count])?;
            }
        }
        let is_wanted = file.is_some();
        let place = begin + head.len() as u64..begin + part.taken();
        let known = Part::new(number, &headers, start.as_deref());
        found.push(Part { size, sha256: hexadecimal(&hash.finish()), place, ..known });
        if is_wanted {
            break;
        }
    }
    let file = wanted.filter(|(wanted, _)| found.last().is_some_and(|one| one.number == *wanted));
    Ok((file.map(|(_, file)| file), found))
}

fn bare(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives these bytes, and then fails as a payload does that is damaged.
    struct Damaged(&'static [u8]);

    impl Read for Damaged {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other(StoreError::Damaged("pay_1: expected a, found b".to_owned()))),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn err_damaged_bytes_are_told_as_that_with_the_part() {
        let kind = Parameters::parse("multipart/related; boundary=b");
        let begin: &[u8] = b"--b\r\n\r\nfirst\r\n--b\r\n\r\nsecond";
        let error = parts_of(&mut Damaged(begin), &kind).expect_err("it is damaged");
        assert!(!is_of_form(&error), "nothing is wrong with how it is made: {error}");
        let told = error.to_string();
        assert!(told.starts_with("part 2: ") && told.contains("expected a, found b"), "{told}");
        let error = parts_of(&mut &begin[..], &kind).expect_err("it has no end");
        assert!(is_of_form(&error) && error.to_string().starts_with("part 2: "), "{error}");
    }
}
