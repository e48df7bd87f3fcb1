//! Makes a message: signed, compressed, encrypted as is asked, in the order of RFC 5402 3. What comes of it is read as a stream
//! of known length, always the same bytes, and nothing of it is held whole; what is compressed is kept in a spool.

use super::certificate::OwnKey;
use super::cms::{self, Encrypted, GcmForm, Recipient};
use super::crypto::{Cipher, Digest, Scheme, hexadecimal, random_bytes};
use super::mime::{base64_lines, filename};
use super::open::Mic;
use super::source::Chain;
use super::variant::{Ends, Of, digest_of};
use crate::clock::Timestamp;
use crate::id::Random;
use crate::transport::source::{Source, Spooled};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// When it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// What is signed is compressed.
    BeforeSigning,
    /// What is compressed is signed.
    AfterSigning,
}

/// How a message is protected.
pub struct Protection<'k> {
    /// With which key it is signed, and how.
    pub sign: Option<(&'k OwnKey, Scheme, Digest)>,
    /// Whether it is compressed, and when.
    pub compress: Option<Compression>,
    /// How it is encrypted, and to whom.
    pub encrypt: Option<(Cipher, GcmForm, &'k [Recipient])>,
    /// The digest of the receipt that is expected where it is not signed.
    pub receipt_digest: Digest,
    /// What else than the usual the receiver may digest for its receipt.
    pub also: Option<(Of, Ends)>,
    /// `micalg` as RFC 3851 writes it: `sha256`.
    pub has_old_micalg: bool,
}

/// What is sent.
pub struct Payload<'p> {
    /// Its `Content-Type`.
    pub content_type: &'p str,
    /// The name of its file.
    pub file_name: Option<&'p str>,
    /// Its bytes.
    pub content: &'p dyn Source,
}

/// What comes in from outside.
pub struct Means<'m> {
    /// Random bytes.
    pub random: &'m dyn Random,
    /// Now.
    pub now: Timestamp,
    /// Makes an empty file for what is compressed.
    pub spool: &'m dyn Fn() -> io::Result<File>,
}

/// A message.
pub struct Sealed<'s> {
    /// Its `Content-Type`.
    pub content_type: String,
    /// Further header lines that say what it is.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Arc<dyn Source + 's>,
    /// Where it is encrypted, the message as it stands under that, with its header lines.
    pub clear: Option<Arc<dyn Source + 's>>,
    /// Where in that the payload stands as it is, in one stretch; none where it was compressed.
    pub payload_at: Option<u64>,
    /// What a receipt has to say that was received.
    pub mic: Mic,
    /// What it may say instead.
    pub also: Option<Mic>,
}

/// An entity of MIME on its way into the next layer.
struct Entity<'e> {
    headers: Vec<(&'static str, String)>,
    body: Arc<dyn Source + 'e>,
    /// Where in its body the payload stands as it is.
    payload_at: Option<u64>,
}

impl<'e> Entity<'e> {
    /// Where in the whole of it the payload stands as it is.
    fn payload_at_whole(&self) -> Option<u64> {
        self.payload_at.map(|at| self.whole().length() - self.body.length() + at)
    }

    /// With its header lines, as it stands within a layer.
    fn whole(&self) -> Arc<dyn Source + 'e> {
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Arc::new(Chain(vec![Arc::new((lines + "\r\n").into_bytes()), self.body.clone()]))
    }

    fn pkcs7(kind: &str, name: &str, body: Arc<dyn Source + 'e>) -> Self {
        let headers = vec![
            ("Content-Type", format!("application/pkcs7-mime; smime-type={kind}; name=\"{name}\"")),
            ("Content-Transfer-Encoding", "binary".to_owned()),
            ("Content-Disposition", format!("attachment; filename=\"{name}\"")),
        ];
        Entity { headers, body, payload_at: None }
    }

    fn compressed(self, means: &Means<'_>) -> io::Result<Self> {
        let whole = self.whole();
        let mut file = (means.spool)()?;
        cms::deflate(&mut *whole.open()?, &mut file)?;
        let packed = Spooled::new(file)?;
        let head = cms::compressed_head(packed.length());
        let body = Arc::new(Chain(vec![Arc::new(head), Arc::new(packed)]));
        Ok(Entity::pkcs7("compressed-data", "smime.p7z", body))
    }

    fn signed(
        self,
        (key, scheme, digest): (&OwnKey, Scheme, Digest),
        micalg: &str,
        means: &Means<'_>,
    ) -> io::Result<(Self, Vec<u8>)> {
        let whole = self.whole();
        let content = digest_of(digest, &*whole, Ends::AsTheyAre)?;
        let signature = cms::sign(key, scheme, digest, &content, means.now).map_err(io::Error::other)?;
        let (content_type, begin, behind) = signed_frame(&boundary(means.random), micalg, &signature);
        let headers = vec![("Content-Type", content_type)];
        let payload_at = self.payload_at_whole().map(|at| begin.len() as u64 + at);
        let body = Arc::new(Chain(vec![Arc::new(begin), whole, Arc::new(behind)]));
        Ok((Entity { headers, body, payload_at }, content))
    }
}

/// Makes a message of a payload.
///
/// # Errors
/// The payload or the spool cannot be read, or a key is not for what it is used.
pub fn seal<'s>(payload: &Payload<'s>, protection: &Protection<'s>, means: &Means<'_>) -> io::Result<Sealed<'s>> {
    let mut headers = vec![("Content-Type", payload.content_type.to_owned())];
    let is_layered = protection.sign.is_some() || protection.compress.is_some() || protection.encrypt.is_some();
    if is_layered {
        headers.push(("Content-Transfer-Encoding", "binary".to_owned()));
    }
    headers.extend(payload.file_name.map(|name| ("Content-Disposition", format!("attachment; {}", filename(name)))));
    let mut entity = Entity { headers, body: Arc::new(payload.content), payload_at: Some(0) };
    let mut mic = None;
    if protection.sign.is_none() {
        let digest = protection.receipt_digest;
        let value = match is_layered {
            true => digest_of(digest, &*entity.whole(), Ends::AsTheyAre)?,
            false => digest_of(digest, payload.content, Ends::AsTheyAre)?,
        };
        mic = Some(Mic { digest, value });
    }
    let uncompressed = entity.whole();
    if protection.compress == Some(Compression::BeforeSigning) {
        entity = entity.compressed(means)?;
    }
    let (part, body) = match protection.sign {
        Some(_) => (entity.whole(), entity.body.clone()),
        None => (uncompressed.clone(), Arc::new(payload.content) as Arc<dyn Source>),
    };
    if let Some((key, scheme, digest)) = protection.sign {
        let plain = digest.name().replace('-', "");
        let micalg = if protection.has_old_micalg { &plain } else { digest.name() };
        let (signed, value) = entity.signed((key, scheme, digest), micalg, means)?;
        entity = signed;
        mic = Some(Mic { digest, value });
    }
    if protection.compress == Some(Compression::AfterSigning) {
        entity = entity.compressed(means)?;
    }
    let (mut clear, payload_at) = (None, entity.payload_at_whole());
    if let Some((cipher, form, recipients)) = protection.encrypt {
        let whole = entity.whole();
        clear = Some(whole.clone());
        let is_auth = cipher.is_gcm() && form == GcmForm::AuthEnveloped;
        let encrypted = Encrypted::new(whole, cipher, form, recipients, means.random).map_err(io::Error::other)?;
        let kind = if is_auth { "authEnveloped-data" } else { "enveloped-data" };
        entity = Entity::pkcs7(kind, "smime.p7m", Arc::new(encrypted));
    }
    let mut headers = entity.headers.into_iter();
    let content_type = headers.next().map(|(_, value)| value).unwrap_or_default();
    let mic = mic.ok_or_else(|| io::Error::other("no digest was taken"))?;
    let also = protection.also.map(|(of, ends)| {
        let source: &dyn Source = match of {
            Of::Part | Of::Whole => &*part,
            Of::Body => &*body,
            Of::Uncompressed => &*uncompressed,
            Of::Payload => payload.content,
        };
        digest_of(mic.digest, source, ends).map(|value| Mic { digest: mic.digest, value })
    });
    let also = also.transpose()?;
    Ok(Sealed { content_type, headers: headers.collect(), body: entity.body, clear, payload_at, mic, also })
}

/// A multipart/signed (RFC 1847) around a part: its `Content-Type`, and what stands before and behind the part.
pub(super) fn signed_frame(boundary: &str, micalg: &str, signature: &[u8]) -> (String, Vec<u8>, Vec<u8>) {
    let content_type =
        format!("multipart/signed; protocol=\"application/pkcs7-signature\"; micalg={micalg}; boundary=\"{boundary}\"");
    let between = format!(
        "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n"
    );
    let end = format!("\r\n--{boundary}--\r\n");
    let behind = [between.as_bytes(), base64_lines(signature).trim_ascii_end(), end.as_bytes()].concat();
    (content_type, format!("--{boundary}\r\n").into_bytes(), behind)
}

/// A boundary that stands in no content, for nobody can guess it.
#[must_use]
pub fn boundary(random: &dyn Random) -> String {
    "=_".to_owned() + &hexadecimal(&random_bytes(random, 16))
}
