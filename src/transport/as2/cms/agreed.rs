//! KeyAgreeRecipientInfo (RFC 5652 6.2.2, RFC 5753 3.1): the key of a content for a recipient with a key of a curve. A key pair
//! is made for the message, both sides agree on a secret, and what is derived of it encrypts the key.

use super::super::asn1::{self, Ber, tag};
use super::super::certificate::{Certificate, issuer_and_serial, public_key};
use super::super::crypto::{self, Curve, Digest, EC_PUBLIC_KEY, Failed, KeyKind, PrivateKey};
use super::enveloped::{KEY_BYTES_MAX, NAME_BYTES_MAX, RECIPIENTS_MAX};
use super::{algorithm, algorithm_identifier};
use std::io::{self, Read};

/// dhSinglePass-stdDH with the key derivation of X9.63 (RFC 5753 7.1.4).
const AGREEMENTS: [(&[u8], Digest); 4] = [
    (&[0x2B, 0x81, 0x04, 0x01, 0x0B, 0x01], Digest::Sha256),
    (&[0x2B, 0x81, 0x04, 0x01, 0x0B, 0x02], Digest::Sha384),
    (&[0x2B, 0x81, 0x04, 0x01, 0x0B, 0x03], Digest::Sha512),
    (&[0x2B, 0x81, 0x05, 0x10, 0x86, 0x48, 0x3F, 0x00, 0x02], Digest::Sha1),
];
/// AES key wrap (RFC 3565 2.3.2), by the bytes of its key.
const WRAPS: [(&[u8], usize); 2] = [
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x05], 16),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2D], 32),
];
/// Bytes of a point; one of P-521 has 133.
const POINT_BYTES_MAX: usize = 256;
/// Bytes of what the sender has both sides derive from beside the secret.
const NOTE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of how the key is wrapped.
const WRAP_BYTES_MAX: usize = 256;

/// ECC-CMS-SharedInfo (RFC 5753 7.2).
fn shared(wrap: &[u8], note: Option<&[u8]>, key_bytes: usize) -> Vec<u8> {
    let bits = u32::try_from(8 * key_bytes).unwrap_or_default().to_be_bytes();
    let note = note.map(|note| asn1::element(tag::context(0), &asn1::element(tag::OCTET_STRING, note)));
    let bits = asn1::element(tag::context(2), &asn1::element(tag::OCTET_STRING, &bits));
    asn1::sequence(&[wrap, &note.unwrap_or_default(), &bits])
}

/// For a recipient whose certificate has a key of a curve.
///
/// # Errors
/// The provider failed.
pub fn info(certificate: &Certificate, curve: Curve, by_key_id: Option<&[u8]>, key: &[u8]) -> Result<Vec<u8>, Failed> {
    let (_, point) = public_key(&certificate.spki).map_err(|_| Failed)?;
    let (own, secret) = crypto::agree_anew(curve, &point)?;
    let digest = curve.digest();
    let (agreement, _) = AGREEMENTS.into_iter().find(|(_, own)| *own == digest).ok_or(Failed)?;
    // A key is wrapped by one that is no weaker.
    let (wrap, bytes) = if key.len() <= 16 { WRAPS[0] } else { WRAPS[1] };
    let wrap = algorithm_identifier(wrap, &[]);
    let derived = crypto::derive(digest, &secret, &shared(&wrap, None, bytes), bytes);
    let encrypted = crypto::wrap_key(&derived, key)?;
    let algorithm = algorithm_identifier(EC_PUBLIC_KEY, &asn1::element(tag::OID, curve.oid()));
    let bits = asn1::element(tag::BIT_STRING, &[&[0], &own[..]].concat());
    let originator = asn1::element(tag::context(1), &[algorithm, bits].concat());
    let name = match by_key_id {
        Some(id) => asn1::element(tag::context(0), &asn1::element(tag::OCTET_STRING, id)),
        None => issuer_and_serial(certificate),
    };
    let encrypted = asn1::sequence(&[&name, &asn1::element(tag::OCTET_STRING, &encrypted)]);
    let contents = [
        asn1::number(3),
        asn1::element(tag::context(0), &originator),
        algorithm_identifier(agreement, &wrap),
        asn1::sequence(&[&encrypted]),
    ];
    Ok(asn1::element(tag::context(1), &contents.concat()))
}

/// What a message says of recipients who share an agreement.
pub struct Agreed {
    point: Vec<u8>,
    note: Option<Vec<u8>>,
    digest: Digest,
    /// AlgorithmIdentifier, whole.
    wrap: Vec<u8>,
    wrap_bytes: usize,
    /// Of each, whether it is named by key id, its name, and its key.
    pub recipients: Vec<(bool, Vec<u8>, Vec<u8>)>,
}

/// Reads one; none where its algorithms are not known, or it is longer than any of ours.
///
/// # Errors
/// It is none.
pub fn read<R: Read>(ber: &mut Ber<R>) -> io::Result<Option<Agreed>> {
    ber.enter(tag::context(1))?;
    ber.number()?;
    ber.enter(tag::context(0))?;
    let mut point = None;
    if ber.enter_if(tag::context(1))? {
        algorithm(ber)?;
        point = ber.value(tag::BIT_STRING)?.get(1..).map(<[u8]>::to_vec);
        ber.leave()?;
    }
    ber.leave()?;
    let mut note = None;
    if ber.enter_if(tag::context(1))? {
        note = Some(ber.octet_string(tag::OCTET_STRING)?);
        ber.leave()?;
    }
    let (agreement, wrap) = algorithm(ber)?;
    ber.enter(tag::SEQUENCE)?;
    let mut recipients = Vec::new();
    while ber.peek()?.is_some() {
        ber.enter(tag::SEQUENCE)?;
        let is_key_id = ber.peek()? != Some(tag::SEQUENCE);
        let name = match is_key_id {
            true => {
                ber.enter(tag::context(0))?;
                let id = ber.octet_string(tag::OCTET_STRING)?;
                ber.leave()?;
                id
            }
            false => ber.whole()?,
        };
        let encrypted = ber.octet_string(tag::OCTET_STRING)?;
        ber.leave()?;
        let is_fit = name.len() <= NAME_BYTES_MAX && encrypted.len() <= KEY_BYTES_MAX;
        if is_fit && recipients.len() < RECIPIENTS_MAX {
            recipients.push((is_key_id, name, encrypted));
        }
    }
    ber.leave()?;
    ber.leave()?;
    let digest = AGREEMENTS.into_iter().find_map(|(oid, digest)| (oid == agreement).then_some(digest));
    let wrap = wrap.unwrap_or_default();
    let wrap_oid = (!wrap.is_empty()).then(|| algorithm(&mut Ber::new(&wrap[..]))).transpose()?.map(|(oid, _)| oid);
    let wrap_bytes = WRAPS.into_iter().find_map(|(oid, bytes)| (Some(oid) == wrap_oid.as_deref()).then_some(bytes));
    let is_fit = point.as_ref().is_none_or(|point| point.len() <= POINT_BYTES_MAX)
        && note.as_ref().is_none_or(|note| note.len() <= NOTE_BYTES_MAX)
        && wrap.len() <= WRAP_BYTES_MAX;
    let known = point.zip(digest).zip(wrap_bytes).filter(|_| is_fit);
    Ok(known.map(|((point, digest), wrap_bytes)| Agreed { point, note, digest, wrap, wrap_bytes, recipients }))
}

impl Agreed {
    /// Bytes that its recipients share.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.point.len() + self.note.as_ref().map_or(0, Vec::len) + self.wrap.len()
    }

    /// The key of the content, by a private key of one of its recipients.
    ///
    /// # Errors
    /// It is not for that key, or was damaged.
    pub fn unwrap(&self, private: &PrivateKey, encrypted: &[u8]) -> Result<Vec<u8>, Failed> {
        let KeyKind::Ec(_) = private.kind() else { return Err(Failed) };
        let secret = private.agree(&self.point)?;
        let shared = shared(&self.wrap, self.note.as_deref(), self.wrap_bytes);
        crypto::unwrap_key(&crypto::derive(self.digest, &secret, &shared, self.wrap_bytes), encrypted)
    }
}
