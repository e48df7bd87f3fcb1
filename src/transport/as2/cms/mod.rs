//! Cryptographic Message Syntax (RFC 5652, 3274, 5083): signed, enveloped and compressed data, written in DER and read in BER,
//! content as a stream. Which of them may be inside which, and who is trusted, is not decided here.

mod agreed;
mod compressed;
mod enveloped;
mod signed;

pub use compressed::{Inflated, compressed_head, deflate};
pub use enveloped::{Encrypted, GcmForm, Opened, Recipient};
pub use signed::{SIGNATURE_BYTES_MAX, Signed, SignedContent, Signer, Verdict, sign};

use super::asn1::{self, Ber, dotted, tag};
use super::crypto::Digest;
use std::io::{self, Read};

/// id-data.
pub(super) const DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];
pub(super) const SIGNED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
const ENVELOPED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03];
/// id-ct-authEnvelopedData (RFC 5083 2).
const AUTH_ENVELOPED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x17];
/// id-ct-compressedData (RFC 3274 1.1).
const COMPRESSED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x09];

/// id-mgf1 (RFC 4055 2.2).
const MGF1: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08];

/// What a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// SignedData.
    Signed,
    /// EnvelopedData.
    Enveloped,
    /// AuthEnvelopedData.
    AuthEnveloped,
    /// CompressedData.
    Compressed,
}

/// Begins a message: what it holds, and a reader that stands in front of that.
///
/// # Errors
/// It is no ContentInfo of a type that is known.
pub fn begin<R: Read>(source: R) -> io::Result<(ContentType, Ber<R>)> {
    let mut ber = Ber::new(source);
    ber.enter(tag::SEQUENCE)?;
    let found = match &ber.value(tag::OID)?[..] {
        SIGNED_DATA => ContentType::Signed,
        ENVELOPED_DATA => ContentType::Enveloped,
        AUTH_ENVELOPED_DATA => ContentType::AuthEnveloped,
        COMPRESSED_DATA => ContentType::Compressed,
        other => {
            return Err(unfit(format_args!(
                "expected data that is signed, enveloped or compressed, found {}",
                dotted(other)
            )));
        }
    };
    ber.enter(tag::context(0))?;
    Ok((found, ber))
}

/// What stands behind a message that was read as far as it means something; none where more stands in it.
fn behind<R: Read>(mut ber: Ber<R>) -> io::Result<Option<impl Read>> {
    Ok(ber.close()?.then(|| ber.into_rest()))
}

fn unfit(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// AlgorithmIdentifier: its object identifier, and its parameters whole, if it has any.
pub(super) fn algorithm<R: Read>(ber: &mut Ber<R>) -> io::Result<(Vec<u8>, Option<Vec<u8>>)> {
    algorithm_under(ber, tag::SEQUENCE)
}

/// The digest of an object identifier.
fn digest_of(oid: &[u8]) -> Result<Digest, String> {
    let known = Digest::ALL.into_iter().find(|digest| digest.oid() == oid);
    known.ok_or_else(|| format!("expected a digest of SHA, found {}", dotted(oid)))
}

/// The digest in parameters of PSS or OAEP, and that of their MGF1: SHA-1 where nothing is said (RFC 4055 3.1, 4.1).
fn masked<R: Read>(ber: &mut Ber<R>) -> io::Result<(Digest, Digest)> {
    let (mut digest, mut generator) = (Digest::Sha1, Digest::Sha1);
    if ber.enter_if(tag::context(0))? {
        digest = digest_of(&algorithm(ber)?.0).map_err(unfit)?;
        ber.leave()?;
    }
    if ber.enter_if(tag::context(1))? {
        let (oid, parameters) = algorithm(ber)?;
        if oid != MGF1 {
            return Err(unfit(format_args!("expected MGF1, found {}", dotted(&oid))));
        }
        generator = digest_of(&algorithm(&mut Ber::new(&parameters.unwrap_or_default()[..]))?.0).map_err(unfit)?;
        ber.leave()?;
    }
    Ok((digest, generator))
}

fn algorithm_under<R: Read>(ber: &mut Ber<R>, tag: u8) -> io::Result<(Vec<u8>, Option<Vec<u8>>)> {
    ber.enter(tag)?;
    let oid = ber.value(tag::OID)?;
    let parameters = ber.peek()?.map(|_| ber.whole()).transpose()?;
    ber.leave()?;
    Ok((oid, parameters))
}

pub(super) fn algorithm_identifier(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::element(tag::OID, oid), parameters])
}

/// NULL, which algorithms of RSA have as their parameters.
pub(super) const NULL: &[u8] = &[tag::NULL, 0];
