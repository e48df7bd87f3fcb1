//! Attachments that came with what a document was made from, and go on with it where its agreement says so: document and
//! attachments as one body (RFC 6362), kept beside the message that is sealed of it. Which documents were made from which is the
//! ledger's.

use crate::partner::Attachments;
use crate::pipeline::attachments::{self, Part as Came};
use crate::pipeline::state::Service;
use crate::store::delivery::Delivery;
use crate::store::transmission::Transmission;
use crate::store::{Content, PayloadSource, Result, StoreError};
use crate::transport::as2::mime::Parameters;
use crate::transport::as2::related::{Part, related};
use crate::transport::as2::seal::boundary;
use crate::transport::file_name::safe_name;
use crate::transport::source::Source;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

/// Transmissions whose attachments go into one message, at most.
const ORIGINS_MAX: u32 = 100;
/// Bytes that are taken at once.
const PIECE_BYTES: usize = 64 * 1024;
/// How a content may be packed (RFC 2045 6.1).
const ENCODINGS: [&str; 5] = ["7bit", "8bit", "binary", "base64", "quoted-printable"];

/// A document with its attachments.
pub(super) struct Joined {
    /// Its bytes.
    pub content: Content,
    /// Its `Content-Type`.
    pub content_type: String,
}

/// What leaves with a delivery besides its document; none where nothing came with it, or its agreement does not pass it on.
///
/// # Errors
/// What came is not kept any more or cannot be read, too many transmissions brought attachments, or the ledger failed.
pub(super) async fn joined(
    service: &Service,
    delivery: &Delivery,
    transmission: &Transmission,
) -> Result<Option<Joined>> {
    let directory = service.directory();
    let agreement = delivery.agreement.as_deref().and_then(|name| directory.agreement(name));
    if agreement.is_none_or(|agreement| agreement.attachments != Attachments::Pass) {
        return Ok(None);
    }
    let mut origins = Vec::new();
    let all = service.store.made_from(&transmission.transmission_id, ORIGINS_MAX + 1).await?;
    if all.len() > ORIGINS_MAX as usize {
        let reason =
            format!("expected documents of at most {ORIGINS_MAX} transmissions to pass on attachments, found more");
        return Err(StoreError::Unfit(format!("{reason}; let fewer documents share an interchange")));
    }
    for (content_type, payload_id) in all {
        let content_type = Parameters::parse(&content_type);
        if content_type.value.starts_with("multipart/") {
            origins.push((content_type, service.store.payload_source(&payload_id).await?));
        }
    }
    if origins.is_empty() {
        return Ok(None);
    }
    let document = Part {
        content_type: transmission.content_type.clone(),
        encoding: None,
        file_name: transmission.file_name.clone(),
        content: Arc::new(service.store.payload_source(&transmission.payload_id).await?) as Arc<dyn Source>,
    };
    let (store, now) = (service.store.clone(), service.now());
    let work = tokio::task::spawn_blocking(move || {
        let mut parts = vec![document];
        parts.extend(came(&origins)?);
        if parts.len() == 1 {
            return Ok(None);
        }
        let (content_type, body) = related(parts, &boundary(store.random()));
        let (mut spool, mut body, mut room) = (store.spool(u64::MAX, now), body.open()?, vec![0; PIECE_BYTES]);
        loop {
            match body.read(&mut room)? {
                0 => break,
                count => spool.write(&room[..count]).map_err(io::Error::other)?,
            }
        }
        let content = spool.finish_blocking().map_err(io::Error::other)?;
        Ok::<_, io::Error>(Some(Joined { content, content_type }))
    });
    let unfit =
        |error: &dyn std::fmt::Display| StoreError::Unfit(format!("its attachments cannot be passed on: {error}"));
    work.await.map_err(|error| unfit(&error))?.map_err(|error| unfit(&error))
}

/// The attachments of bodies: of equal ones under one name the first, and of different ones each under a name of its own.
fn came(origins: &[(Parameters, PayloadSource)]) -> io::Result<Vec<Part<'static>>> {
    let (mut found, mut seen, mut names) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (content_type, source) in origins {
        for part in attachments::parts_of(&mut source.open()?, content_type)? {
            let Came { number, name, content_type, sha256, is_document, encoding, place, .. } = part;
            if is_document || !seen.insert((name.clone(), sha256)) {
                continue;
            }
            let name = name.unwrap_or_else(|| format!("attachment-{number}"));
            let free = |at: usize| if at == 1 { Some(name.clone()) } else { safe_name(&format!("{at}-{name}")) };
            let file_name = (1..).filter_map(free).find(|name| names.insert(name.to_lowercase()));
            let said = encoding.unwrap_or_default().trim().to_ascii_lowercase();
            let encoding = ENCODINGS.into_iter().find(|one| *one == said);
            let content = Arc::new(Stretch { source: source.clone(), place });
            found.push(Part { content_type, encoding, file_name, content });
        }
    }
    Ok(found)
}

/// A stretch of a payload.
struct Stretch {
    source: PayloadSource,
    place: Range<u64>,
}

impl Source for Stretch {
    fn length(&self) -> u64 {
        self.place.end - self.place.start
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        self.open_at(0)
    }

    fn open_at(&self, start: u64) -> io::Result<Box<dyn Read + '_>> {
        let begin = self.place.start.saturating_add(start).min(self.place.end);
        Ok(Box::new(self.source.open_at(begin)?.take(self.place.end - begin)))
    }
}
