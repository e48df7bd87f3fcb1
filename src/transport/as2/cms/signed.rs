//! SignedData (RFC 5652 5): made detached, read detached and with its content inside. Whose signature counts is told by the
//! certificates that the caller trusts; those that a message encloses only help to say whose it might be.

use super::super::asn1::{self, Ber, dotted, tag};
use super::super::certificate::{Certificate, OwnKey, issuer_and_serial, time, written_time};
use super::super::crypto::{self, Digest, Failed, Hash, KeyKind, RSA_ENCRYPTION, Scheme};
use super::{
    DATA, MGF1, NULL, SIGNED_DATA, algorithm, algorithm_identifier, algorithm_under, digest_of, masked, unfit,
};
use crate::clock::Timestamp;
use std::io::{self, Read};

const CONTENT_TYPE: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04];
const SIGNING_TIME: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x05];
/// CMSAlgorithmProtection (RFC 6211).
const ALGORITHM_PROTECTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x34];
/// id-RSASSA-PSS (RFC 4055 3.1).
const PSS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
/// Bytes of a salt of PSS where nothing is said (RFC 4055 3.1).
const SALT_BYTES: u16 = 20;
/// Object identifiers of a signature with its digest: those of RSA (RFC 8017 A.2.4) and of ECDSA (RFC 5758 3.2).
const RSA_WITH: [(u8, Digest); 4] =
    [(0x05, Digest::Sha1), (0x0B, Digest::Sha256), (0x0C, Digest::Sha384), (0x0D, Digest::Sha512)];
const ECDSA_WITH: [(u8, Digest); 3] = [(0x02, Digest::Sha256), (0x03, Digest::Sha384), (0x04, Digest::Sha512)];
const ECDSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03];
/// Signatures of one message that are looked at.
const SIGNERS_MAX: usize = 16;
/// Certificates that one message may enclose.
const CERTIFICATES_MAX: usize = 32;
/// Bytes of the signatures of a message with its certificates, whether they stand beside the content or behind it.
pub const SIGNATURE_BYTES_MAX: u64 = 1 << 20;

/// Signs what has a digest, detached, with the certificate enclosed. The time of signing is held inside those of the
/// certificate, since some verify it there.
///
/// # Errors
/// The key does not sign like that.
pub fn sign(key: &OwnKey, scheme: Scheme, digest: Digest, content: &[u8], now: Timestamp) -> Result<Vec<u8>, Failed> {
    let certificate = &key.certificate;
    let time = written_time(now.clamp(certificate.not_before, certificate.not_after));
    let attribute =
        |oid: &[u8], value: Vec<u8>| asn1::sequence(&[&asn1::element(tag::OID, oid), &asn1::element(tag::SET, &value)]);
    let attributes = asn1::set(vec![
        attribute(CONTENT_TYPE, asn1::element(tag::OID, DATA)),
        attribute(SIGNING_TIME, time),
        attribute(MESSAGE_DIGEST, asn1::element(tag::OCTET_STRING, content)),
    ]);
    let signature = key.private.sign(scheme, digest, &attributes)?;
    let hash = algorithm_identifier(digest.oid(), &[]);
    let how = match scheme {
        Scheme::Pkcs1 => algorithm_identifier(RSA_ENCRYPTION, NULL),
        Scheme::Pss => pss_identifier(digest, content.len())?,
        Scheme::PssSalted(_) => return Err(Failed),
        Scheme::Ecdsa => {
            let (last, _) = ECDSA_WITH.into_iter().find(|(_, known)| *known == digest).ok_or(Failed)?;
            algorithm_identifier(&[ECDSA, &[last]].concat(), &[])
        }
    };
    // The attributes are signed as a SET and stand as [0].
    let attributes = [&[tag::context(0)], &attributes[1..]].concat();
    let signer = asn1::sequence(&[
        &asn1::number(1),
        &issuer_and_serial(certificate),
        &hash,
        &attributes,
        &how,
        &asn1::element(tag::OCTET_STRING, &signature),
    ]);
    let data = asn1::sequence(&[
        &asn1::number(1),
        &asn1::element(tag::SET, &hash),
        &asn1::sequence(&[&asn1::element(tag::OID, DATA)]),
        &asn1::element(tag::context(0), certificate.der()),
        &asn1::element(tag::SET, &signer),
    ]);
    Ok(asn1::sequence(&[&asn1::element(tag::OID, SIGNED_DATA), &asn1::element(tag::context(0), &data)]))
}

/// RSASSA-PSS-params, all of them said, since what is left out is read differently.
fn pss_identifier(digest: Digest, salt: usize) -> Result<Vec<u8>, Failed> {
    let hash = algorithm_identifier(digest.oid(), NULL);
    let generator = algorithm_identifier(MGF1, &hash);
    let salt = asn1::number(u8::try_from(salt).map_err(|_| Failed)?);
    let parameters = asn1::sequence(&[
        &asn1::element(tag::context(0), &hash),
        &asn1::element(tag::context(1), &generator),
        &asn1::element(tag::context(2), &salt),
    ]);
    Ok(algorithm_identifier(PSS, &parameters))
}

/// Digests of a content.
pub type Digests = Vec<(Digest, Vec<u8>)>;

/// How a signer is named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    IssuerAndSerial(Vec<u8>),
    KeyId(Vec<u8>),
}

/// One signature.
#[derive(Debug, Clone)]
pub struct Signer {
    name: Name,
    /// Of the content.
    pub digest: Digest,
    /// How it is signed.
    pub scheme: Scheme,
    /// When, as it says.
    pub at: Option<Timestamp>,
    /// The signed attributes as a SET, and the digest of the content in them.
    attributes: Option<(Vec<u8>, Vec<u8>)>,
    signature: Vec<u8>,
}

/// What a message says of its signatures.
#[derive(Debug, Clone, Default)]
pub struct Signed {
    /// Them.
    pub signers: Vec<Signer>,
    /// The certificates that it encloses.
    pub certificates: Vec<Certificate>,
    /// Why a signature of it is not looked at, where that is so.
    pub unread: Option<String>,
    /// Something stands beside a signature that it is not over.
    has_unsigned: bool,
}

/// What comes of looking at signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is signed by this one of the trusted, with this digest.
    By {
        /// Its place among the trusted.
        at: usize,
        /// The digest of the content.
        digest: Digest,
    },
    /// The content is another than that which was signed.
    ContentChanged {
        /// What was signed, by its digest.
        signed: Vec<u8>,
        /// The digest that it is.
        digest: Digest,
    },
    /// It says to be signed by one that is trusted, and is not.
    SignatureWrong,
    /// It is signed by a key that is not trusted; the enclosed certificate that fits, if any.
    Stranger(Option<Box<Certificate>>),
    /// By one that was trusted at another time.
    OutOfTime(usize),
    /// The same in other words: none of its signatures can be looked at.
    Unknown,
}

impl Signed {
    /// The digests that its signatures are of.
    #[must_use]
    pub fn digests(&self) -> Vec<Digest> {
        self.signers.iter().map(|signer| signer.digest).collect()
    }

    /// Looks at the signatures. `content` has the digests of what was signed, as far as they were taken.
    #[must_use]
    pub fn verdict(&self, content: &[(Digest, Vec<u8>)], trusted: &[Certificate], now: Timestamp) -> Verdict {
        let mut worst = Verdict::Unknown;
        for signer in &self.signers {
            match signer.verdict(content, trusted, &self.certificates, now) {
                found @ Verdict::By { .. } => return found,
                found if worst == Verdict::Unknown => worst = found,
                _ => {}
            }
        }
        worst
    }

    /// Reads what stands from a reader on that is in front of SignedData, whose content is elsewhere.
    ///
    /// # Errors
    /// It is no SignedData.
    pub fn detached<R: Read>(mut ber: Ber<R>) -> io::Result<Self> {
        begin(&mut ber)?;
        ber.leave()?;
        end(&mut ber)
    }
}

/// Goes into SignedData as far as the content; the digests that it announces.
fn begin<R: Read>(ber: &mut Ber<R>) -> io::Result<Vec<Digest>> {
    ber.enter(tag::SEQUENCE)?;
    ber.number()?;
    ber.enter(tag::SET)?;
    let mut digests = Vec::new();
    while ber.peek()?.is_some() {
        let (oid, _) = algorithm(ber)?;
        let known = digest_of(&oid).ok();
        // All of the content is digested for each that is announced.
        digests.extend(known.filter(|digest| !digests.contains(digest)));
    }
    ber.leave()?;
    ber.enter(tag::SEQUENCE)?;
    ber.value(tag::OID)?;
    Ok(digests)
}

/// What stands behind the content.
fn end<R: Read>(ber: &mut Ber<R>) -> io::Result<Signed> {
    let mut found = Signed::default();
    let begin = ber.position();
    let is_within = |ber: &Ber<R>| match ber.position() - begin <= SIGNATURE_BYTES_MAX {
        true => Ok(()),
        false => Err(unfit(format_args!("more than {SIGNATURE_BYTES_MAX} bytes of signatures and certificates"))),
    };
    if ber.enter_if(tag::context(0))? {
        while let Some(next) = ber.peek()? {
            if next == tag::SEQUENCE && found.certificates.len() < CERTIFICATES_MAX {
                // One that cannot be read proves nothing anyway.
                found.certificates.extend(Certificate::from_der(&ber.whole()?).ok());
            } else {
                ber.pass()?;
            }
            is_within(ber)?;
        }
        ber.leave()?;
    }
    if ber.peek()? == Some(tag::context(1)) {
        ber.pass()?;
    }
    ber.enter(tag::SET)?;
    while ber.peek()?.is_some() {
        if found.signers.len() == SIGNERS_MAX {
            return Err(unfit(format_args!("more than {SIGNERS_MAX} signatures")));
        }
        signer(ber, &mut found)?;
        is_within(ber)?;
    }
    ber.leave()?;
    Ok(found)
}

/// SignerInfo; passed over where it is signed in a way that is not known.
fn signer<R: Read>(ber: &mut Ber<R>, found: &mut Signed) -> io::Result<()> {
    ber.enter(tag::SEQUENCE)?;
    ber.number()?;
    let name = match ber.peek()? {
        Some(tag::SEQUENCE) => Name::IssuerAndSerial(ber.whole()?),
        _ => Name::KeyId(ber.octet_string(tag::context_primitive(0))?),
    };
    let (hash, _) = algorithm(ber)?;
    let attributes = match ber.peek()? {
        Some(first) if first == tag::context(0) => Some(ber.whole()?),
        _ => None,
    };
    let (how, parameters) = algorithm(ber)?;
    let signature = ber.octet_string(tag::OCTET_STRING)?;
    found.has_unsigned |= ber.peek()?.is_some();
    ber.leave()?;
    let named = digest_of(&hash).and_then(|digest| Ok((digest, scheme(&how, &parameters.unwrap_or_default())?)));
    let (digest, scheme) = match named {
        Ok((digest, (scheme, own))) if own.is_none_or(|own| own == digest) => (digest, scheme),
        Ok((digest, _)) => {
            found.unread.get_or_insert(format!("it is said to be over {} and signs another digest", digest.name()));
            return Ok(());
        }
        Err(why) => {
            found.unread.get_or_insert(why);
            return Ok(());
        }
    };
    let mut at = None;
    let attributes = match attributes {
        Some(mut bytes) => {
            bytes[0] = tag::SET;
            let said = read_attributes(&bytes, &hash, &how)?;
            at = said.at;
            Some((bytes, said.digest.ok_or_else(|| unfit("expected a messageDigest among the signed attributes"))?))
        }
        None => None,
    };
    found.signers.push(Signer { name, digest, scheme, at, attributes, signature });
    Ok(())
}

/// How a signature is made, and with which digest, where the algorithm says so itself; else what it is.
fn scheme(oid: &[u8], parameters: &[u8]) -> Result<(Scheme, Option<Digest>), String> {
    let unknown = || format!("expected a signature by RSA or ECDSA, found {}", dotted(oid));
    match oid {
        RSA_ENCRYPTION => return Ok((Scheme::Pkcs1, None)),
        crypto::EC_PUBLIC_KEY => return Ok((Scheme::Ecdsa, None)),
        PSS => {
            let (digest, salt) = pss(parameters).map_err(|error| format!("the parameters of PSS: {error}"))?;
            let is_usual = usize::from(salt) == digest.bytes();
            return Ok((if is_usual { Scheme::Pss } else { Scheme::PssSalted(salt) }, Some(digest)));
        }
        _ => {}
    }
    let (last, begin) = oid.split_last().ok_or_else(unknown)?;
    let with = |known: &[(u8, Digest)]| {
        known.iter().find_map(|(own, digest)| (own == last).then_some(*digest)).ok_or_else(unknown)
    };
    if begin == &RSA_ENCRYPTION[..RSA_ENCRYPTION.len() - 1] {
        return Ok((Scheme::Pkcs1, Some(with(&RSA_WITH)?)));
    }
    if begin == ECDSA {
        return Ok((Scheme::Ecdsa, Some(with(&ECDSA_WITH)?)));
    }
    Err(unknown())
}

/// RSASSA-PSS-params (RFC 4055 3.1): the digest, and the bytes of the salt. The provider has one digest for both ends.
fn pss(parameters: &[u8]) -> io::Result<(Digest, u16)> {
    let mut ber = Ber::new(parameters);
    let (digest, generator) = match !parameters.is_empty() && ber.enter_if(tag::SEQUENCE)? {
        true => masked(&mut ber)?,
        false => (Digest::Sha1, Digest::Sha1),
    };
    if generator != digest {
        let (digest, generator) = (digest.name(), generator.name());
        return Err(unfit(format_args!("expected {digest} with MGF1 of {digest}, found MGF1 of {generator}")));
    }
    let mut salt = SALT_BYTES;
    if !parameters.is_empty() && ber.enter_if(tag::context(2))? {
        salt = ber.number()?;
    }
    Ok((digest, salt))
}

#[derive(Default)]
struct Said {
    digest: Option<Vec<u8>>,
    at: Option<Timestamp>,
}

fn read_attributes(set: &[u8], hash: &[u8], how: &[u8]) -> io::Result<Said> {
    let mut ber = Ber::new(set);
    let mut said = Said::default();
    ber.enter(tag::SET)?;
    while ber.enter_if(tag::SEQUENCE)? {
        let oid = ber.value(tag::OID)?;
        ber.enter(tag::SET)?;
        match &oid[..] {
            MESSAGE_DIGEST => said.digest = Some(ber.octet_string(tag::OCTET_STRING)?),
            SIGNING_TIME => said.at = time(&mut ber).ok(),
            ALGORITHM_PROTECTION => {
                ber.enter(tag::SEQUENCE)?;
                let protected = (algorithm(&mut ber)?.0, algorithm_under(&mut ber, tag::context(1))?.0);
                if protected != (hash.to_vec(), how.to_vec()) {
                    return Err(unfit("the protected algorithms are others than those of the signature (RFC 6211)"));
                }
                ber.leave()?;
            }
            _ => {}
        }
        ber.leave()?;
        ber.leave()?;
    }
    Ok(said)
}

impl Signer {
    fn is(&self, certificate: &Certificate) -> bool {
        match &self.name {
            Name::IssuerAndSerial(name) => *name == issuer_and_serial(certificate),
            Name::KeyId(id) => certificate.key_id.as_ref() == Some(id),
        }
    }

    /// Whether the signature is one of a certificate's key, over what it says to have signed. Without attributes that is
    /// the content itself, of which there is the digest.
    fn is_by(&self, certificate: &Certificate, content: Option<&[u8]>) -> bool {
        let (kind, spki) = (certificate.kind, &certificate.spki);
        let is_fit = matches!(kind, KeyKind::Rsa) != matches!(self.scheme, Scheme::Ecdsa);
        let is_over = || match (&self.attributes, content) {
            (Some((attributes, _)), _) => {
                crypto::verify(kind, spki, self.scheme, self.digest, attributes, &self.signature)
            }
            (None, Some(content)) => {
                crypto::verify_digest(kind, spki, self.scheme, (self.digest, content), &self.signature)
            }
            (None, None) => false,
        };
        is_fit && is_over()
    }

    fn verdict(
        &self,
        content: &[(Digest, Vec<u8>)],
        trusted: &[Certificate],
        enclosed: &[Certificate],
        now: Timestamp,
    ) -> Verdict {
        let content = content.iter().find(|(digest, _)| *digest == self.digest).map(|(_, found)| &found[..]);
        // The one that is named comes first; its key may be that of another certificate, too.
        let mut order: Vec<usize> = (0..trusted.len()).collect();
        order.sort_by_key(|at| (!self.is(&trusted[*at]), !trusted[*at].is_valid_at(now)));
        let Some(at) = order.into_iter().find(|at| self.is_by(&trusted[*at], content)) else {
            if trusted.iter().any(|one| self.is(one)) {
                return Verdict::SignatureWrong;
            }
            let own = enclosed.iter().find(|one| self.is(one) && self.is_by(one, content));
            return Verdict::Stranger(own.cloned().map(Box::new));
        };
        if !trusted[at].is_valid_at(now) {
            return Verdict::OutOfTime(at);
        }
        match (&self.attributes, content) {
            (Some((_, signed)), content) if content != Some(signed) => {
                Verdict::ContentChanged { signed: signed.clone(), digest: self.digest }
            }
            _ => Verdict::By { at, digest: self.digest },
        }
    }
}

/// The content of SignedData that has it inside; behind it stand the signatures.
pub struct SignedContent<R> {
    ber: Ber<R>,
    hashes: Vec<Hash>,
}

impl<R: Read> SignedContent<R> {
    /// Of a message that was begun.
    ///
    /// # Errors
    /// It is no SignedData, or its content is not in it.
    pub fn new(mut ber: Ber<R>) -> io::Result<Self> {
        let hashes = begin(&mut ber)?.into_iter().map(Hash::new).collect();
        if !ber.enter_if(tag::context(0))? {
            return Err(unfit("expected the content that was signed inside the signature"));
        }
        ber.begin_octets(tag::OCTET_STRING)?;
        Ok(SignedContent { ber, hashes })
    }

    /// The digests of the content, and what signs them, once it was read to its end.
    ///
    /// # Errors
    /// It is cut off.
    pub fn finish(&mut self) -> io::Result<(Digests, Signed)> {
        self.ber.leave()?;
        self.ber.leave()?;
        let signed = end(&mut self.ber)?;
        let hashes = std::mem::take(&mut self.hashes);
        Ok((hashes.into_iter().map(|hash| (hash.digest(), hash.finish())).collect(), signed))
    }

    /// What stands behind the message, once it is finished; none where something stands in it behind what its signatures are over.
    ///
    /// # Errors
    /// It is cut off.
    pub fn behind(self, signed: &Signed) -> io::Result<Option<impl Read>> {
        Ok(super::behind(self.ber)?.filter(|_| !signed.has_unsigned))
    }
}

impl<R: Read> Read for SignedContent<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.ber.octets(buffer)?;
        self.hashes.iter_mut().for_each(|hash| hash.update(&buffer[..count]));
        Ok(count)
    }
}
