//! EnvelopedData (RFC 5652 6) and AuthEnvelopedData (RFC 5083): content for recipients, as a stream in both directions. GCM
//! is read in both, since products that stand on one well-known library put it into the former, its tag behind the content.

use super::super::asn1::{self, Ber, dotted, tag};
use super::super::certificate::{Certificate, OwnKey, issuer_and_serial};
use super::super::crypto::{
    self, BLOCK_BYTES, Cipher, Decryptor, Digest, Encryptor, Failed, KeyKind, KeyTransport, RSA_ENCRYPTION, TAG_BYTES,
    random_bytes,
};
use super::agreed::{self, Agreed};
use super::{
    AUTH_ENVELOPED_DATA, ContentType, DATA, ENVELOPED_DATA, MGF1, NULL, algorithm, algorithm_identifier, masked, unfit,
};
use crate::id::Random;
use crate::transport::source::Source;
use std::io::{self, Read};
use std::sync::Arc;

/// id-RSAES-OAEP (RFC 4055 4.1).
const OAEP: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x07];
/// Recipients that are looked at.
pub(super) const RECIPIENTS_MAX: usize = 64;
/// Bytes of a recipient's name that is looked at; no certificate of ours has a longer issuer.
pub(super) const NAME_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a key as it is encrypted to a recipient: what RSA of 16,384 bits makes.
pub(super) const KEY_BYTES_MAX: usize = 2 * 1024;
/// Bytes of all recipients that are held. Whoever sends has shown nothing yet.
const RECIPIENTS_BYTES_MAX: usize = 256 * 1024;
/// Bytes that are encrypted at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Who is encrypted to.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Whose certificate.
    pub certificate: Certificate,
    /// How the key is encrypted.
    pub transport: KeyTransport,
    /// Named by SubjectKeyIdentifier, where the certificate has one.
    pub by_key_id: bool,
}

/// In what GCM goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GcmForm {
    /// AuthEnvelopedData, as RFC 5084 has it.
    #[default]
    AuthEnveloped,
    /// EnvelopedData with the tag behind the content.
    Enveloped,
}

/// A message whose content is encrypted while it is read, always to the same bytes.
pub struct Encrypted<'s> {
    content: Arc<dyn Source + 's>,
    cipher: Cipher,
    key: Vec<u8>,
    iv: Vec<u8>,
    head: Vec<u8>,
    /// What stands behind the content and before the tag.
    before_tag: Vec<u8>,
    length: u64,
}

impl<'s> Encrypted<'s> {
    /// Content for recipients.
    ///
    /// # Errors
    /// A recipient's key is none that can be encrypted to.
    pub fn new(
        content: Arc<dyn Source + 's>,
        cipher: Cipher,
        form: GcmForm,
        recipients: &[Recipient],
        random: &dyn Random,
    ) -> Result<Self, Failed> {
        let (key, iv) = (random_bytes(random, cipher.key_bytes()), random_bytes(random, cipher.iv_bytes()));
        let infos = recipients.iter().map(|one| one.info(&key)).collect::<Result<Vec<_>, _>>()?;
        let is_rsa = |one: &Recipient| one.certificate.kind == KeyKind::Rsa;
        let is_plain = recipients.iter().all(|one| one.key_id().is_none() && is_rsa(one));
        let infos = asn1::set(infos);
        let is_auth = cipher.is_gcm() && form == GcmForm::AuthEnveloped;
        let parameters = match cipher.is_gcm() {
            true => {
                let tag_bytes = asn1::number(u8::try_from(TAG_BYTES).map_err(|_| Failed)?);
                asn1::sequence(&[&asn1::element(tag::OCTET_STRING, &iv), &tag_bytes])
            }
            false => asn1::element(tag::OCTET_STRING, &iv),
        };
        let mut encrypted = cipher.encrypted_length(content.length());
        let (mut before_tag, mut behind) = (Vec::new(), 0);
        if is_auth {
            before_tag = asn1::head(tag::OCTET_STRING, TAG_BYTES as u64);
            behind = (before_tag.len() + TAG_BYTES) as u64;
        } else if cipher.is_gcm() {
            encrypted += TAG_BYTES as u64;
        }
        let kind = asn1::element(tag::OID, DATA);
        let algorithm = algorithm_identifier(cipher.oid(), &parameters);
        let octets = asn1::head(tag::context_primitive(0), encrypted);
        let inner = kind.len() + algorithm.len() + octets.len();
        let inner = [asn1::head(tag::SEQUENCE, inner as u64 + encrypted), kind, algorithm, octets].concat();
        let version = asn1::number(if is_auth || is_plain { 0 } else { 2 });
        let data = (version.len() + infos.len() + inner.len()) as u64 + encrypted + behind;
        let data = [asn1::head(tag::SEQUENCE, data), version, infos, inner].concat();
        let rest = encrypted + behind;
        let explicit = [asn1::head(tag::context(0), data.len() as u64 + rest), data].concat();
        let kind = asn1::element(tag::OID, if is_auth { AUTH_ENVELOPED_DATA } else { ENVELOPED_DATA });
        let head = [asn1::head(tag::SEQUENCE, (kind.len() + explicit.len()) as u64 + rest), kind, explicit].concat();
        let length = head.len() as u64 + rest;
        Ok(Encrypted { content, cipher, key, iv, head, before_tag, length })
    }
}

impl Source for Encrypted<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Encrypting {
            content: self.content.open()?,
            encryptor: Some(Encryptor::new(self.cipher, &self.key, &self.iv).map_err(io::Error::other)?),
            before_tag: &self.before_tag,
            ready: self.head.clone(),
            from: 0,
            plain: vec![0; PIECE_BYTES],
        }))
    }
}

struct Encrypting<'e> {
    content: Box<dyn Read + 'e>,
    encryptor: Option<Encryptor>,
    before_tag: &'e [u8],
    ready: Vec<u8>,
    from: usize,
    plain: Vec<u8>,
}

impl Read for Encrypting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.from == self.ready.len() {
            let Some(mut encryptor) = self.encryptor.take() else { return Ok(0) };
            self.ready.clear();
            self.from = 0;
            let count = self.content.read(&mut self.plain)?;
            if count > 0 && buffer.len() >= count + BLOCK_BYTES {
                // Where there is room for all of it, it is not copied.
                let written = encryptor.update_into(&self.plain[..count], buffer).map_err(io::Error::other)?;
                self.encryptor = Some(encryptor);
                if written > 0 {
                    return Ok(written);
                }
            } else if count > 0 {
                encryptor.update(&self.plain[..count], &mut self.ready).map_err(io::Error::other)?;
                self.encryptor = Some(encryptor);
            } else if let Some(tag) = encryptor.finish(&mut self.ready).map_err(io::Error::other)? {
                self.ready.extend_from_slice(self.before_tag);
                self.ready.extend_from_slice(&tag);
            }
        }
        let ready = &self.ready[self.from..];
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.from += count;
        Ok(count)
    }
}

impl Recipient {
    fn key_id(&self) -> Option<&Vec<u8>> {
        self.certificate.key_id.as_ref().filter(|_| self.by_key_id)
    }

    /// KeyTransRecipientInfo, or for a key of a curve KeyAgreeRecipientInfo.
    fn info(&self, key: &[u8]) -> Result<Vec<u8>, Failed> {
        if let KeyKind::Ec(curve) = self.certificate.kind {
            return agreed::info(&self.certificate, curve, self.key_id().map(Vec::as_slice), key);
        }
        let encrypted = crypto::wrap(&self.certificate.spki, self.transport, key)?;
        let (version, name) = match self.key_id() {
            Some(id) => (2, asn1::element(tag::context_primitive(0), id)),
            None => (0, issuer_and_serial(&self.certificate)),
        };
        let algorithm = match self.transport {
            KeyTransport::Pkcs1 => algorithm_identifier(RSA_ENCRYPTION, NULL),
            KeyTransport::Oaep(digest) => {
                let hash = algorithm_identifier(digest.oid(), NULL);
                let generator = algorithm_identifier(MGF1, &hash);
                let hash = asn1::element(tag::context(0), &hash);
                algorithm_identifier(OAEP, &asn1::sequence(&[&hash, &asn1::element(tag::context(1), &generator)]))
            }
        };
        Ok(asn1::sequence(&[&asn1::number(version), &name, &algorithm, &asn1::element(tag::OCTET_STRING, &encrypted)]))
    }
}

/// The content of a message for us. The last read fails where the padding or the tag is wrong; until then nothing that it
/// gave away is proved.
pub struct Opened<R> {
    ber: Ber<R>,
    decryptor: Option<Decryptor>,
    /// How it was encrypted.
    pub cipher: Cipher,
    /// Which of our certificates it is for: its place among the keys.
    pub for_key: Option<usize>,
    /// How the key is encrypted to one of ours, where that is not known. The message says so itself, whatever our keys are.
    pub unknown: Option<String>,
    /// The tag stands behind the content, not in an element of its own.
    is_tag_inside: bool,
    encrypted: Vec<u8>,
    /// So many bytes of `encrypted` are there and not decrypted yet.
    held: usize,
    ready: Vec<u8>,
    from: usize,
}

/// What a message says of one of its recipients.
struct Named {
    is_key_id: bool,
    name: Vec<u8>,
    way: Way,
    encrypted: Vec<u8>,
}

impl Named {
    fn bytes(&self) -> usize {
        self.name.len() + self.encrypted.len()
    }
}

/// The recipients of a message that are held; of too many, the first, and of those too long to be ours none.
#[derive(Default)]
struct Recipients {
    named: Vec<Named>,
    bytes: usize,
}

impl Recipients {
    /// Whether no more are held.
    fn is_full(&self) -> bool {
        self.named.len() >= RECIPIENTS_MAX || self.bytes >= RECIPIENTS_BYTES_MAX
    }

    fn keep(&mut self, one: Named) {
        let is_fit = one.name.len() <= NAME_BYTES_MAX && one.encrypted.len() <= KEY_BYTES_MAX;
        if is_fit && !self.is_full() && self.bytes + one.bytes() <= RECIPIENTS_BYTES_MAX {
            self.bytes += one.bytes();
            self.named.push(one);
        }
    }

    fn agree(&mut self, mut agreed: Agreed) {
        let recipients = std::mem::take(&mut agreed.recipients);
        self.bytes += agreed.bytes();
        let agreed = Arc::new(agreed);
        for (is_key_id, name, encrypted) in recipients {
            self.keep(Named { is_key_id, name, way: Way::Agreement(agreed.clone()), encrypted });
        }
    }
}

/// How the key is encrypted to a recipient.
enum Way {
    Transport(KeyTransport),
    Agreement(Arc<Agreed>),
    /// In a way that is not known, and what that is.
    Unknown(String),
}

impl<R: Read> Opened<R> {
    /// Of a message that was begun, with any of our keys. Where none of them is right it goes on with a random one, so that
    /// nobody can tell what was wrong: then `for_key` is none, and the content comes to nothing.
    ///
    /// # Errors
    /// It is no such message, or its cipher is none that is known.
    pub fn new(kind: ContentType, mut ber: Ber<R>, keys: &[Arc<OwnKey>], random: &dyn Random) -> io::Result<Self> {
        ber.enter(tag::SEQUENCE)?;
        ber.number()?;
        if ber.peek()? == Some(tag::context(0)) {
            ber.pass()?;
        }
        ber.enter(tag::SET)?;
        let mut recipients = Recipients::default();
        while let Some(next) = ber.peek()? {
            match next {
                _ if recipients.is_full() => ber.pass()?,
                tag::SEQUENCE => recipients.keep(recipient(&mut ber)?),
                _ if next == tag::context(1) => {
                    agreed::read(&mut ber)?.into_iter().for_each(|one| recipients.agree(one))
                }
                _ => ber.pass()?,
            }
        }
        ber.leave()?;
        ber.enter(tag::SEQUENCE)?;
        ber.value(tag::OID)?;
        let (oid, parameters) = algorithm(&mut ber)?;
        let cipher = Cipher::ALL.into_iter().find_map(|(cipher, _)| (cipher.oid() == oid).then_some(cipher));
        let cipher =
            cipher.ok_or_else(|| unfit(format_args!("expected 3DES or AES in CBC or GCM, found {}", dotted(&oid))))?;
        let parameters = parameters.unwrap_or_default();
        let mut inner = Ber::new(&parameters[..]);
        let iv = match cipher.is_gcm() {
            true => {
                inner.enter(tag::SEQUENCE)?;
                inner.octet_string(tag::OCTET_STRING)?
            }
            false => inner.octet_string(tag::OCTET_STRING)?,
        };
        if iv.len() != cipher.iv_bytes() {
            return Err(unfit(format_args!("expected {} bytes to begin with, found {}", cipher.iv_bytes(), iv.len())));
        }
        let random_key = random_bytes(random, cipher.key_bytes());
        let mut unknown = None;
        let found = unwrapped(&recipients.named, keys, cipher, &mut unknown);
        let (for_key, key) = found.map_or((None, random_key), |(at, key)| (Some(at), key));
        let decryptor = Decryptor::new(cipher, &key, &iv).map_err(io::Error::other)?;
        ber.begin_octets(tag::context_primitive(0))?;
        Ok(Opened {
            ber,
            decryptor: Some(decryptor),
            cipher,
            for_key,
            unknown,
            is_tag_inside: cipher.is_gcm() && kind == ContentType::Enveloped,
            encrypted: vec![0; PIECE_BYTES],
            held: 0,
            ready: Vec::new(),
            from: 0,
        })
    }

    /// What stands behind the content.
    fn tag(&mut self) -> io::Result<Vec<u8>> {
        if self.is_tag_inside {
            return Ok(self.encrypted[..self.held].to_vec());
        }
        if !self.cipher.is_gcm() {
            return Ok(Vec::new());
        }
        self.ber.leave()?;
        if self.ber.peek()? == Some(tag::context(1)) {
            // They would have to be known before the content.
            return Err(unfit("expected no authenticated attributes beside the content"));
        }
        self.ber.octet_string(tag::OCTET_STRING)
    }

    fn decrypt(&mut self) -> io::Result<bool> {
        let Some(mut decryptor) = self.decryptor.take() else { return Ok(false) };
        self.ready.clear();
        self.from = 0;
        let keep = if self.is_tag_inside { TAG_BYTES } else { 0 };
        let count = self.ber.octets(&mut self.encrypted[self.held..])?;
        self.held += count;
        if count > 0 {
            let known = self.held.saturating_sub(keep);
            decryptor.update(&mut self.encrypted[..known], &mut self.ready).map_err(io::Error::other)?;
            self.encrypted.copy_within(known..self.held, 0);
            self.held -= known;
            self.decryptor = Some(decryptor);
            return Ok(true);
        }
        let tag = self.tag()?;
        decryptor.finish(&tag, &mut self.ready).map_err(|_| unfit("what was decrypted is not what was encrypted"))?;
        Ok(true)
    }
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.from == self.ready.len() {
            if !self.decrypt()? {
                return Ok(0);
            }
        }
        let ready = &self.ready[self.from..];
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.from += count;
        Ok(count)
    }
}

/// KeyTransRecipientInfo.
fn recipient<R: Read>(ber: &mut Ber<R>) -> io::Result<Named> {
    ber.enter(tag::SEQUENCE)?;
    ber.number()?;
    let is_key_id = ber.peek()? != Some(tag::SEQUENCE);
    let name = match is_key_id {
        true => ber.octet_string(tag::context_primitive(0))?,
        false => ber.whole()?,
    };
    let (oid, parameters) = algorithm(ber)?;
    let way = match &oid[..] {
        RSA_ENCRYPTION => Way::Transport(KeyTransport::Pkcs1),
        OAEP => match oaep(&parameters.unwrap_or_default()) {
            Ok(transport) => Way::Transport(transport),
            Err(error) => Way::Unknown(format!("the parameters of OAEP: {error}")),
        },
        _ => Way::Unknown(format!("expected RSA with PKCS#1 v1.5 or OAEP, found {}", dotted(&oid))),
    };
    let encrypted = ber.octet_string(tag::OCTET_STRING)?;
    ber.leave()?;
    Ok(Named { is_key_id, name, way, encrypted })
}

/// RSAES-OAEP-params (RFC 4055 4.1). The provider has one digest for both ends, and no label.
fn oaep(parameters: &[u8]) -> io::Result<KeyTransport> {
    let mut ber = Ber::new(parameters);
    if parameters.is_empty() || !ber.enter_if(tag::SEQUENCE)? {
        return Ok(KeyTransport::Oaep(Digest::Sha1));
    }
    let (digest, generator) = masked(&mut ber)?;
    if generator != digest {
        let (digest, generator) = (digest.name(), generator.name());
        return Err(unfit(format_args!("expected {digest} with MGF1 of {digest}, found MGF1 of {generator}")));
    }
    if ber.enter_if(tag::context(2))? {
        let label = algorithm(&mut ber)?.1.unwrap_or_default();
        if !matches!(label[..], [] | [tag::OCTET_STRING, 0]) {
            return Err(unfit("expected no label, found one"));
        }
    }
    Ok(KeyTransport::Oaep(digest))
}

/// The content encryption key, by whichever of our keys opens it. Each is asked once in each way: what is encrypted to one twice
/// is the same twice, and asking is what costs.
fn unwrapped(
    named: &[Named],
    keys: &[Arc<OwnKey>],
    cipher: Cipher,
    unknown: &mut Option<String>,
) -> Option<(usize, Vec<u8>)> {
    let mut asked = Vec::new();
    for one in named {
        let is_named = |key: &Arc<OwnKey>| match one.is_key_id {
            true => key.certificate.key_id.as_ref() == Some(&one.name),
            false => issuer_and_serial(&key.certificate) == one.name,
        };
        let Some(at) = keys.iter().position(is_named) else { continue };
        let way = match &one.way {
            Way::Transport(transport) => (at, Some(*transport)),
            Way::Agreement(_) => (at, None),
            Way::Unknown(what) => {
                unknown.get_or_insert_with(|| what.clone());
                continue;
            }
        };
        if asked.contains(&way) {
            continue;
        }
        asked.push(way);
        let private = &keys[at].private;
        let key = match &one.way {
            Way::Transport(transport) => private.unwrap(*transport, &one.encrypted),
            Way::Agreement(agreed) => agreed.unwrap(private, &one.encrypted),
            Way::Unknown(_) => continue,
        };
        if let Some(key) = key.ok().filter(|key| key.len() == cipher.key_bytes()) {
            return Some((at, key));
        }
    }
    None
}
