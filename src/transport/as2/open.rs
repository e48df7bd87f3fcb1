//! Opens a message: goes through its layers as they come, gives the payload away as a stream, and says what the layers were and
//! what the receipt has to say (RFC 4130 5.2, 7.3.1; RFC 5402 4). The payload counts only once all layers have been read to
//! their end; whoever takes it keeps it aside until then.

use super::certificate::{Certificate, OwnKey};
use super::cms::{self, ContentType, Inflated, Opened, Signed, SignedContent, Verdict};
use super::crypto::{Cipher, Digest, Hash, hexadecimal};
use super::frame::{Frame, Passing, Shared};
use super::mime::{Base64, Headers, Multipart, Peeked};
use super::name::micalg;
use super::refused::{Cause, Refused, Telling, told};
use super::variant::{Ends, Turning};
use crate::clock::Timestamp;
use crate::id::Random;
use std::io::{self, Read, Write};
use std::sync::Arc;

/// Layers within each other, at most: encrypted, compressed, signed, compressed, and the payload.
const LAYERS_MAX: usize = 6;
/// Bytes in which it is said what a CMS message holds, in base64 too.
const CONTENT_TYPE_BYTES: usize = 128;
/// Bytes that are taken at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What a partner's messages have to be.
pub struct Policy<'p> {
    /// The partner's certificates, of which one must have signed.
    pub trusted: &'p [Certificate],
    /// Ours, to one of which it must be encrypted.
    pub keys: &'p [Arc<OwnKey>],
    /// It must be signed.
    pub must_be_signed: bool,
    /// It must be encrypted.
    pub must_be_encrypted: bool,
    /// SHA-1 and 3DES will do.
    pub allows_legacy: bool,
    /// The digest of a receipt where the message is not signed.
    pub receipt_digest: Digest,
    /// A signature also counts where it is over what came with its line feeds made CRLF.
    pub takes_crlf: bool,
    /// Bytes of a payload, at most.
    pub payload_bytes_max: u64,
    /// Now.
    pub now: Timestamp,
}

/// A layer that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// It was encrypted like this, to that one of our keys.
    Encrypted(Cipher, Option<usize>),
    /// It was compressed.
    Compressed,
    /// It was signed by that one of the trusted, with this digest.
    Signed(usize, Digest),
}

/// What a receipt says that was received: the digest, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mic {
    /// Which digest.
    pub digest: Digest,
    /// What it is.
    pub value: Vec<u8>,
}

/// What was seen of a message, as far as it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The layers, the outermost first; signatures that hold only.
    pub layers: Vec<Layer>,
    /// For the receipt.
    pub mic: Option<Mic>,
    /// `Content-Type` of the payload.
    pub content_type: String,
    /// The name of its file, as it was sent.
    pub file_name: Option<String>,
    /// Bytes of the payload.
    pub size: u64,
    /// A certificate that fits the signature and is not trusted.
    pub stranger: Option<Box<Certificate>>,
    /// The digest that was signed, where it is not that of what came.
    pub signed: Option<Vec<u8>>,
    /// The signature is over what came with its line feeds made CRLF.
    pub has_turned_ends: bool,
    /// Where in the message that was kept its payload belongs, which was left out ([`super::frame::around`]).
    pub payload_at: Option<u64>,
}

/// Where what was opened goes.
pub struct Outlets<'w> {
    /// The payload.
    pub payload: &'w mut dyn Write,
    /// The message as it stands under its encryption, with its header lines, to be proved again later; nothing of a message
    /// without any layer, whose payload is all there is.
    pub clear: Option<&'w mut dyn Write>,
    /// Without its payload, where that stands in it as it is ([`Seen::payload_at`]).
    pub leaves_out: bool,
}

/// Opens a message of HTTP: its header lines, and its body.
pub fn open<'o>(
    headers: &Headers,
    body: &mut dyn Read,
    policy: &'o Policy<'o>,
    random: &'o dyn Random,
    outlets: Outlets<'o>,
) -> (Seen, Result<(), Refused>) {
    open_under(headers, None, body, policy, random, outlets)
}

/// Opens a message as it was kept: with its own header lines, the digest of which goes into that of what is not signed.
///
/// # Errors
/// Its header lines have no end.
pub fn open_clear<'o>(
    message: &mut dyn Read,
    policy: &'o Policy<'o>,
    random: &'o dyn Random,
    payload: &'o mut dyn Write,
) -> io::Result<(Seen, Result<(), Refused>)> {
    let mut peeked = Peeked::new(message);
    let head = peeked.head()?;
    let outlets = Outlets { payload, clear: None, leaves_out: false };
    Ok(open_under(&Headers::parse(&head), Some(&head), &mut peeked, policy, random, outlets))
}

fn open_under<'o>(
    headers: &Headers,
    head: Option<&[u8]>,
    body: &mut dyn Read,
    policy: &'o Policy<'o>,
    random: &'o dyn Random,
    Outlets { payload, clear, leaves_out }: Outlets<'o>,
) -> (Seen, Result<(), Refused>) {
    let frame = clear.map(|clear| Frame::shared(clear, leaves_out));
    let (unframed, seen, has) = (frame.clone(), Seen::default(), Has::default());
    let mut opening = Opening { policy, random, payload, unframed, frame: None, seen, has, unproved: None, depth: 0 };
    let mut done = opening.entity(headers, head, body, None);
    if let Some(frame) = frame {
        match frame.borrow_mut().finish() {
            Ok(at) => opening.seen.payload_at = at,
            Err(error) => done = done.and(Err(error.into())),
        }
    }
    if done.is_ok() {
        done = opening.is_protected();
    }
    if done.as_ref().is_err_and(|refused| refused.cause == Cause::DecryptionFailed) {
        // Whether there was anything to digest would tell how far it was decrypted.
        opening.seen.mic = None;
    }
    (opening.seen, done)
}

/// Which layers were gone into.
#[derive(Default)]
struct Has {
    signed: bool,
    encrypted: bool,
    compressed: bool,
}

/// What an entity is, by its type and by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// CMS with encrypted content.
    Enveloped,
    /// Other CMS.
    Layer,
    /// multipart/signed.
    Signed,
    /// None of these.
    Payload,
}

impl Form {
    /// The type may lie about which layer it is; what stands in front of the content does not.
    fn of(headers: &Headers, ahead: &[u8]) -> Self {
        match headers.content_type().value.as_str() {
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => {}
            "multipart/signed" => return Form::Signed,
            _ => return Form::Payload,
        }
        let begun = match headers.is_base64() {
            true => cms::begin(Base64::new(ahead)).map(|(kind, _)| kind),
            false => cms::begin(ahead).map(|(kind, _)| kind),
        };
        match begun {
            Ok(ContentType::Enveloped | ContentType::AuthEnveloped) => Form::Enveloped,
            _ => Form::Layer,
        }
    }
}

struct Opening<'o> {
    policy: &'o Policy<'o>,
    random: &'o dyn Random,
    payload: &'o mut dyn Write,
    /// Until it is known what stands under the encryption.
    unframed: Option<Shared<'o>>,
    /// From then on.
    frame: Option<Shared<'o>>,
    seen: Seen,
    has: Has,
    /// What is read was decrypted by a cipher that does not prove it, and nobody signed it yet: so many bytes that mean nothing
    /// may stand behind it.
    unproved: Option<usize>,
    depth: usize,
}

impl Opening<'_> {
    /// An entity of MIME. `head` are its header lines as they stand, where they belong to what is signed or encrypted; `place` is
    /// where its body begins in the message that is kept, where it stands in that as it is.
    fn entity(
        &mut self,
        headers: &Headers,
        head: Option<&[u8]>,
        body: &mut dyn Read,
        place: Option<u64>,
    ) -> Result<(), Refused> {
        self.depth += 1;
        if self.depth > LAYERS_MAX {
            let detail = format!("expected at most {LAYERS_MAX} layers");
            return Err(Refused::new(Cause::UnexpectedProcessingError, detail));
        }
        let mut body = Peeked::new(body);
        let form = Form::of(headers, body.ahead(CONTENT_TYPE_BYTES).map_err(told(Cause::UnexpectedProcessingError))?);
        let is_clear = !matches!(form, Form::Enveloped) && (head.is_some() || !matches!(form, Form::Payload));
        match self.unframed.take_if(|_| is_clear) {
            None => self.formed(form, headers, head, &mut body, place),
            Some(frame) => {
                let lines = head.map_or_else(|| headers.of_entity(), <[u8]>::to_vec);
                frame.borrow_mut().passes(&lines)?;
                self.frame = Some(frame.clone());
                let mut passing = Passing { source: &mut body, frame };
                self.formed(form, headers, head, &mut passing, Some(lines.len() as u64))
            }
        }
    }

    fn formed(
        &mut self,
        form: Form,
        headers: &Headers,
        head: Option<&[u8]>,
        body: &mut dyn Read,
        place: Option<u64>,
    ) -> Result<(), Refused> {
        let place = place.filter(|_| !headers.is_base64());
        let is_layer = match form {
            Form::Payload => return self.payload(headers, head, body, place),
            Form::Layer | Form::Enveloped => true,
            Form::Signed => false,
        };
        let mut unpacked = Base64::new(&mut *body);
        let body: &mut dyn Read = if headers.is_base64() { &mut unpacked } else { unpacked.inner() };
        if is_layer { self.layer(body) } else { self.multipart(headers, body, place) }
    }

    fn layer(&mut self, body: &mut dyn Read) -> Result<(), Refused> {
        let (kind, ber) = cms::begin(body).map_err(told(Cause::UnexpectedProcessingError))?;
        match kind {
            ContentType::Enveloped | ContentType::AuthEnveloped if !self.has.encrypted => {
                self.has.encrypted = true;
                let begun = Opened::new(kind, ber, self.policy.keys, self.random);
                self.encrypted(begun.map_err(told(Cause::DecryptionFailed))?)
            }
            ContentType::Compressed if !self.has.compressed => {
                self.has.compressed = true;
                self.seen.layers.push(Layer::Compressed);
                let cause = self.ill_formed(Cause::DecompressionFailed);
                let mut inflated = Telling(Inflated::new(ber).map_err(told(cause))?, cause);
                let found = self.inner(&mut inflated, cause);
                self.ended(found, || inflated.0.behind())
            }
            ContentType::Compressed => {
                Err(Refused::new(self.ill_formed(Cause::DecompressionFailed), "it is compressed twice"))
            }
            ContentType::Signed if !self.has.signed => {
                self.has.signed = true;
                let outside = self.seen.layers.len();
                let cause = self.ill_formed(Cause::IntegrityCheckFailed);
                let mut content = SignedContent::new(ber).map_err(told(cause))?;
                self.inner(&mut Telling(&mut content, cause), cause)?;
                let (digests, signed) = content.finish().map_err(told(cause))?;
                self.ended(Ok(()), || content.behind(&signed))?;
                let judged = self.signed(&signed, digests, None, outside);
                // Its last bytes are those of the signature, and of the padding.
                judged.map_err(|refused| Refused { cause: self.ill_formed(refused.cause), ..refused })
            }
            _ => Err(Refused::new(Cause::UnexpectedProcessingError, "it is signed or encrypted twice")),
        }
    }

    /// Goes into an entity that stands in a layer, and reads that to its end.
    fn inner(&mut self, content: &mut dyn Read, cause: Cause) -> Result<(), Refused> {
        let mut peeked = Peeked::new(content);
        let head = peeked.head().map_err(told(cause))?;
        let found = self.entity(&Headers::parse(&head), Some(&head), &mut peeked, None);
        self.ended(found, || Ok(Some(&mut peeked)))?;
        peeked.drain().map_err(told(cause))
    }

    /// The cause to tell of a layer whose form is wrong. Whoever changes the end of what CBC encrypts spoils the padding or, behind a
    /// padding that is right by luck, the form of what stands there: would one be told from the other, all of it could be
    /// decrypted byte by byte, asking which changes give a right padding.
    fn ill_formed(&self, cause: Cause) -> Cause {
        if self.unproved.is_some() { Cause::DecryptionFailed } else { cause }
    }

    /// For the same reason nothing may stand behind what ends, where nobody would miss what was changed: whoever appends to what
    /// CBC encrypts appends two blocks, of which one becomes noise. Line ends, which many write there, may, and fewer than a
    /// block of them, so that those two never fit. What is left of the last block holds a delimiter or a signature, which are
    /// not guessed byte by byte.
    fn ended<R: Read>(
        &self,
        found: Result<(), Refused>,
        behind: impl FnOnce() -> io::Result<Option<R>>,
    ) -> Result<(), Refused> {
        let Some(most) = self.unproved else { return found };
        if let Err(Refused { cause: Cause::DecryptionFailed | Cause::UnexpectedProcessingError, .. }) = found {
            return found; // told in the same way
        }
        let is_end = match behind().map_err(told(Cause::DecryptionFailed))? {
            Some(mut left) => Peeked::new(&mut left).drain_blank(most).map_err(told(Cause::DecryptionFailed))?,
            None => false,
        };
        let detail = "expected the end behind what is signed or compressed, found bytes that nobody signed";
        if is_end { found } else { Err(Refused::new(Cause::DecryptionFailed, detail)) }
    }

    /// What is encrypted is read to its end whatever stands in it, and whatever is wrong with how it was encrypted comes
    /// first and is told in one way: nobody learns from a receipt what they do not know already.
    fn encrypted<R: Read>(&mut self, opened: Opened<R>) -> Result<(), Refused> {
        let (cipher, for_key, unknown) = (opened.cipher, opened.for_key, opened.unknown.clone());
        self.seen.layers.push(Layer::Encrypted(cipher, for_key));
        if cipher == Cipher::TripleDesCbc && !self.policy.allows_legacy {
            let detail = "expected encryption by AES, found 3DES, which this partner may not use";
            return Err(Refused::new(Cause::InsufficientMessageSecurity, detail));
        }
        self.unproved = (!cipher.is_gcm()).then(|| cipher.iv_bytes() - 1);
        let failed = |detail: &dyn std::fmt::Display| Refused::new(Cause::DecryptionFailed, detail);
        let mut opened = Telling(opened, Cause::DecryptionFailed);
        let mut peeked = Peeked::new(&mut opened);
        let inner = peeked
            .head()
            .map_err(told(Cause::DecryptionFailed))
            .and_then(|head| self.entity(&Headers::parse(&head), Some(&head), &mut peeked, None));
        let inner = self.ended(inner, || Ok(Some(&mut peeked)));
        let drained = peeked.drain().map_err(told(Cause::DecryptionFailed));
        if for_key.is_none() {
            return Err(match unknown {
                Some(what) => {
                    failed(&format_args!("the key in it is encrypted to us in a way that is not known: {what}"))
                }
                None => failed(&"it is encrypted to none of our certificates, or the key in it is damaged"),
            });
        }
        drained?;
        match inner {
            Err(refused) if refused.cause == Cause::UnexpectedProcessingError => Err(failed(&refused.detail)),
            inner => inner,
        }
    }

    fn multipart(&mut self, headers: &Headers, body: &mut dyn Read, place: Option<u64>) -> Result<(), Refused> {
        if std::mem::replace(&mut self.has.signed, true) {
            return Err(Refused::new(Cause::UnexpectedProcessingError, "it is signed twice"));
        }
        let wrong = || told(Cause::UnexpectedProcessingError);
        let content_type = headers.content_type();
        let boundary = content_type.get("boundary").unwrap_or_default();
        let mut source = Peeked::new(body);
        let mut parts = Multipart::new(&mut source, boundary).map_err(wrong())?;
        // What is announced may not be what was signed, and what was signed is only known behind it.
        let mut digests = micalg(&content_type);
        if digests.is_empty() || self.policy.allows_legacy {
            digests.push(Digest::Sha1);
        }
        digests.push(Digest::Sha256);
        digests.sort();
        digests.dedup();
        let turned = self.policy.takes_crlf.then(|| (Turning::new(Ends::Crlf), hashes(&digests)));
        let mut hashing = Hashing { source: &mut parts, hashes: hashes(&digests), turned };
        if !hashing.source.next_part().map_err(wrong())? {
            return Err(Refused::new(Cause::UnexpectedProcessingError, "expected two parts, found none"));
        }
        let (outside, begin) = (self.seen.layers.len(), hashing.source.position());
        let mut peeked = Peeked::new(&mut hashing);
        let head = peeked.head().map_err(wrong());
        // What stands in this part is told only where its signature holds, which proves it.
        let unproved = self.unproved.take();
        let inner = head.and_then(|head| {
            let place = place.map(|place| place + begin + head.len() as u64);
            self.entity(&Headers::parse(&head), Some(&head), &mut peeked, place)
        });
        self.unproved = unproved;
        peeked.drain().map_err(wrong())?;
        let Hashing { source: parts, hashes, turned } = hashing;
        let (content, turned) = (finished(hashes), turned.map(|(_, hashes)| finished(hashes)));
        if !parts.next_part().map_err(wrong())? {
            return Err(Refused::new(Cause::UnexpectedProcessingError, "expected a signature behind what was signed"));
        }
        let signed = signature(parts).map_err(told(self.ill_formed(Cause::IntegrityCheckFailed)))?;
        if parts.next_part().map_err(wrong())? {
            return Err(Refused::new(Cause::UnexpectedProcessingError, "expected two parts, found a third"));
        }
        self.ended(Ok(()), || Ok(Some(&mut source)))?;
        self.signed(&signed, content, turned, outside)?;
        // What is signed and cannot be read is told as that; what is not signed by its sender is told first.
        inner
    }

    /// Judges a signature, which stands within so many layers: it is read behind what it signs.
    fn signed(
        &mut self,
        signed: &Signed,
        mut content: Vec<(Digest, Vec<u8>)>,
        turned: Option<Vec<(Digest, Vec<u8>)>>,
        outside: usize,
    ) -> Result<(), Refused> {
        let trusted = self.policy.trusted;
        let mut verdict = signed.verdict(&content, trusted, self.policy.now);
        if let (Verdict::ContentChanged { .. }, Some(turned)) = (&verdict, turned)
            && let again @ Verdict::By { .. } = signed.verdict(&turned, trusted, self.policy.now)
        {
            (content, verdict) = (turned, again);
            self.seen.has_turned_ends = true;
        }
        let refused = |cause, detail: String| Err(Refused::new(cause, detail));
        let named = |one: &Certificate| format!("{} ({})", one.common_name(), one.fingerprint());
        let mic = |digest: Digest| content.iter().find(|(own, _)| *own == digest).cloned();
        let as_mic = |(digest, value)| Mic { digest, value };
        self.seen.mic = signed.digests().first().and_then(|digest| mic(*digest)).map(as_mic);
        match verdict {
            // Where it is not announced, that digest was not even taken.
            Verdict::By { digest: Digest::Sha1, .. } | Verdict::ContentChanged { digest: Digest::Sha1, .. }
                if !self.policy.allows_legacy =>
            {
                let detail = "expected a signature with SHA-256 or better, found SHA-1, which this partner may not use";
                refused(Cause::InsufficientMessageSecurity, detail.to_owned())
            }
            Verdict::By { at, digest } => {
                self.seen.mic = mic(digest).map(as_mic);
                self.seen.layers.insert(outside, Layer::Signed(at, digest));
                Ok(())
            }
            Verdict::ContentChanged { signed, digest } => {
                let found = mic(digest).map(|(_, value)| hexadecimal(&value)).unwrap_or_default();
                let (name, told) = (digest.name(), hexadecimal(&signed));
                self.seen.signed = Some(signed);
                refused(Cause::IntegrityCheckFailed, format!("signed was content of {name} {told}, found {found}"))
            }
            Verdict::SignatureWrong => {
                let detail = "the signature is not one of the certificate that it names".to_owned();
                refused(Cause::IntegrityCheckFailed, detail)
            }
            Verdict::Stranger(Some(stranger)) => {
                let detail =
                    format!("it is signed by {}, which is none of the partner's certificates", named(&stranger));
                self.seen.stranger = Some(stranger);
                refused(Cause::AuthenticationFailed, detail)
            }
            Verdict::OutOfTime(at) => {
                let (one, from, to) = (&trusted[at], trusted[at].not_before, trusted[at].not_after);
                refused(Cause::AuthenticationFailed, format!("{} counts from {from} to {to} only", named(one)))
            }
            Verdict::Stranger(None) | Verdict::Unknown => {
                let detail = "it is signed by none of the partner's certificates, or in a way that is not known";
                let why = signed.unread.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                refused(Cause::AuthenticationFailed, format!("{detail}{why}"))
            }
        }
    }

    fn payload(
        &mut self,
        headers: &Headers,
        head: Option<&[u8]>,
        body: &mut dyn Read,
        place: Option<u64>,
    ) -> Result<(), Refused> {
        self.seen.content_type = headers.get("content-type").unwrap_or("application/octet-stream").to_owned();
        let disposition = super::mime::Parameters::parse(headers.get("content-disposition").unwrap_or_default());
        let content_type = headers.content_type();
        self.seen.file_name = disposition.extended("filename").or_else(|| content_type.extended("name"));
        let mut hash = (!self.has.signed).then(|| Hash::new(self.policy.receipt_digest));
        // A message without any layer has its header lines in HTTP, and those are not digested (RFC 4130 7.3.1).
        if let (Some(hash), Some(head)) = (&mut hash, head) {
            hash.update(head);
        }
        let mut hashing = Hashing { source: body, hashes: hash.into_iter().collect(), turned: None };
        let mut unpacked = Base64::new(&mut hashing);
        let content: &mut dyn Read = if headers.is_base64() { &mut unpacked } else { unpacked.inner() };
        let frame = self.frame.clone().zip(place);
        if let Some((frame, place)) = &frame {
            frame.borrow_mut().begins(*place)?;
        }
        let mut room = vec![0; PIECE_BYTES];
        loop {
            let count = content.read(&mut room).map_err(told(Cause::UnexpectedProcessingError))?;
            if count == 0 {
                break;
            }
            self.seen.size += count as u64;
            if self.seen.size > self.policy.payload_bytes_max {
                let most = self.policy.payload_bytes_max;
                let detail = format!("expected a payload of at most {most} bytes, found more");
                return Err(Refused::new(Cause::UnexpectedProcessingError, detail));
            }
            if let Some((frame, _)) = &frame {
                frame.borrow_mut().has(count);
            }
            self.payload.write_all(&room[..count])?;
        }
        if let Some((frame, _)) = &frame {
            frame.borrow_mut().ends()?;
        }
        let value = hashing.hashes.pop().map(|hash| Mic { digest: hash.digest(), value: hash.finish() });
        self.seen.mic = self.seen.mic.take().or(value);
        Ok(())
    }

    /// Whether it is protected as was agreed.
    fn is_protected(&self) -> Result<(), Refused> {
        if self.policy.must_be_encrypted && !self.has.encrypted {
            let detail = "expected an encrypted message, as agreed, found one that is not";
            return Err(Refused::new(Cause::InsufficientMessageSecurity, detail));
        }
        if self.policy.must_be_signed && !self.has.signed {
            let detail = "expected a signed message, as agreed, found one that is not";
            // Who changes what is encrypted and not signed could learn from another answer what stands in it.
            let cause = if self.has.encrypted { Cause::DecryptionFailed } else { Cause::InsufficientMessageSecurity };
            return Err(Refused::new(cause, detail));
        }
        Ok(())
    }
}

/// The signature of a multipart/signed: its second part.
fn signature(part: &mut dyn Read) -> io::Result<Signed> {
    let mut limited = part.take(cms::SIGNATURE_BYTES_MAX);
    let mut peeked = Peeked::new(&mut limited);
    let headers = Headers::parse(&peeked.head()?);
    let mut unpacked = Base64::new(&mut peeked);
    let content: &mut dyn Read = if headers.is_base64() { &mut unpacked } else { unpacked.inner() };
    let (kind, ber) = cms::begin(content)?;
    if kind != ContentType::Signed {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "expected SignedData in the signature"));
    }
    Signed::detached(ber)
}

/// Takes digests of what passes.
struct Hashing<R> {
    source: R,
    hashes: Vec<Hash>,
    /// The same of what passes with its line ends turned.
    turned: Option<(Turning, Vec<Hash>)>,
}

fn hashes(digests: &[Digest]) -> Vec<Hash> {
    digests.iter().copied().map(Hash::new).collect()
}

fn finished(hashes: Vec<Hash>) -> Vec<(Digest, Vec<u8>)> {
    hashes.into_iter().map(|hash| (hash.digest(), hash.finish())).collect()
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hashes.iter_mut().for_each(|hash| hash.update(&buffer[..count]));
        if let Some((turning, hashes)) = &mut self.turned {
            let mut turned = Vec::with_capacity(count);
            turning.turn(&buffer[..count], &mut turned);
            hashes.iter_mut().for_each(|hash| hash.update(&turned));
        }
        Ok(count)
    }
}
