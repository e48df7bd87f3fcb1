//! Messages as nobody writes them: taken apart and put together again with something else in them, all lengths right.

use super::keys::{RECEIVER, RSA, recipient};
use portolan::clock::{Clock as _, SystemClock};
use portolan::id::SystemRandom;
use portolan::transport::as2::asn1::{self, Ber, tag};
use portolan::transport::as2::cms::{self, Encrypted, GcmForm};
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::source::Source as _;
use std::io::Read as _;
use std::sync::Arc;

/// Elements one after the other, and those within each other.
struct Elements<'e>(Ber<&'e [u8]>);

impl Elements<'_> {
    fn enter(&mut self, tags: &[u8]) -> &mut Self {
        tags.iter().for_each(|tag| self.0.enter(*tag).expect("it goes on"));
        self
    }

    fn next(&mut self) -> Vec<u8> {
        self.0.whole().expect("an element")
    }

    /// All that are left in the one that was entered.
    fn rest(&mut self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while self.0.peek().expect("it goes on").is_some() {
            found.push(self.next());
        }
        self.0.leave().expect("its end");
        found
    }
}

/// What may stand in a signature beside what is usual.
#[derive(Default)]
pub struct Beside<'b> {
    /// Behind the certificates.
    pub certificates: &'b [u8],
    /// Behind the signature, which is not over it.
    pub unsigned: &'b [u8],
    /// Among the signed attributes.
    pub attribute: &'b [u8],
}

/// SignedData with its content, which is an entity, inside; with its header lines.
pub fn opaque(content: &[u8], beside: &Beside<'_>) -> Vec<u8> {
    let part = [b"Content-Type: application/EDIFACT\r\n\r\n", content].concat();
    let digest = Digest::Sha256.of(&part);
    let der = cms::sign(&RSA.own, Scheme::Pkcs1, Digest::Sha256, &digest, SystemClock.now()).expect("signed");
    let mut elements = Elements(Ber::new(&der[..]));
    let kind = elements.enter(&[tag::SEQUENCE]).next();
    let begin = [elements.enter(&[tag::context(0), tag::SEQUENCE]).next(), elements.next()].concat();
    let data = elements.enter(&[tag::SEQUENCE]).next();
    elements.0.leave().expect("the content is elsewhere");
    let certificates = elements.enter(&[tag::context(0)]).rest().concat();
    // Version, name, digest, attributes, how it is signed, and the signature.
    let mut signer = elements.enter(&[tag::SET, tag::SEQUENCE]).rest();
    if !beside.attribute.is_empty() {
        let mut attributes = Elements(Ber::new(&signer[3][..])).enter(&[tag::context(0)]).rest();
        attributes.push(beside.attribute.to_vec());
        let set = asn1::set(attributes);
        let signature = RSA.own.private.sign(Scheme::Pkcs1, Digest::Sha256, &set).expect("signed");
        signer[3] = [&[tag::context(0)], &set[1..]].concat();
        signer[5] = asn1::element(tag::OCTET_STRING, &signature);
    }
    let signer = [&signer.concat()[..], beside.unsigned].concat();
    let content = asn1::element(tag::context(0), &asn1::element(tag::OCTET_STRING, &part));
    let certificates = asn1::element(tag::context(0), &[&certificates[..], beside.certificates].concat());
    let signers = asn1::element(tag::SET, &asn1::element(tag::SEQUENCE, &signer));
    let data = asn1::sequence(&[&begin, &asn1::sequence(&[&data, &content]), &certificates, &signers]);
    let body = asn1::sequence(&[&kind, &asn1::element(tag::context(0), &data)]);
    [b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n", &body[..]].concat()
}

/// An entity, encrypted to the receiver.
pub fn encrypted(entity: &[u8], cipher: Cipher) -> Vec<u8> {
    let receivers = [recipient(&RECEIVER, KeyTransport::Pkcs1)];
    let entity = Arc::new(entity.to_vec());
    let made = Encrypted::new(entity, cipher, GcmForm::AuthEnveloped, &receivers, &SystemRandom).expect("encrypted");
    let mut body = Vec::new();
    made.open().expect("memory").read_to_end(&mut body).expect("memory reads");
    body
}

/// A message with other recipients, made of those that it has, and another ciphertext, made of the one that it has.
pub fn enveloped(
    body: &[u8],
    recipients: impl Fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>,
    ciphertext: impl Fn(Vec<u8>) -> Vec<u8>,
) -> Vec<u8> {
    let mut elements = Elements(Ber::new(body));
    let kind = elements.enter(&[tag::SEQUENCE]).next();
    let version = elements.enter(&[tag::context(0), tag::SEQUENCE]).next();
    let infos = asn1::element(tag::SET, &recipients(elements.enter(&[tag::SET]).rest()).concat());
    let inner = [elements.enter(&[tag::SEQUENCE]).next(), elements.next()].concat();
    let found = elements.0.octet_string(tag::context_primitive(0)).expect("the ciphertext");
    let content = asn1::element(tag::context_primitive(0), &ciphertext(found));
    let data = asn1::sequence(&[&version, &infos, &asn1::sequence(&[&inner, &content])]);
    asn1::sequence(&[&kind, &asn1::element(tag::context(0), &data)])
}
