//! PKCS#12 (RFC 7292): keys and certificates under a password. Read is what other products write, the MAC first; written is
//! one certificate with its chain and, where it is given, its key. Files that are sealed to a certificate in place of a
//! password are not read.

use super::super::asn1::{self, Ber, tag};
use super::super::certificate::Certificate;
use super::super::cms::DATA;
use super::super::crypto::{Digest, Failed, PrivateKey};
use super::password::{self, Rounds};
use super::{Found, Unread, algorithm, key};
use crate::id::Random;

const ENCRYPTED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x06];
/// bagtypes (RFC 7292 D); the last arc tells which.
const BAGS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01];
const KEY_BAG: u8 = 1;
const SHROUDED_KEY_BAG: u8 = 2;
const CERTIFICATE_BAG: u8 = 3;
const BAGS_BAG: u8 = 6;
const X509_CERTIFICATE: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x16, 0x01];
const FRIENDLY_NAME: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x14];
const LOCAL_KEY_ID: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x15];
const BMP_STRING: u8 = 0x1E;
/// Bags within bags, at most.
const BAGS_DEPTH_MAX: usize = 4;

/// Takes what stands in one.
pub(super) fn read(der: &[u8], password: Option<&str>, found: &mut Found) -> Result<(), Unread> {
    let mut ber = Ber::new(der);
    ber.enter(tag::SEQUENCE)?;
    ber.number()?;
    ber.enter(tag::SEQUENCE)?;
    if ber.value(tag::OID)? != DATA {
        return Err(Unread::unknown("a PKCS#12 that is signed by a key in place of a password"));
    }
    ber.enter(tag::context(0))?;
    let safe = ber.long_octet_string(tag::OCTET_STRING)?;
    ber.leave()?;
    ber.leave()?;
    // One that was made without a password opens with none; all others say that they want one.
    let (given, is_given) = (password.unwrap_or_default(), password.is_some());
    let told = |error| match error {
        Unread::PasswordWrong if !is_given => Unread::PasswordNeeded,
        other => other,
    };
    let has_mac = ber.peek()?.is_some();
    if has_mac {
        password::check_mac(&mut ber, given, &safe, &mut found.rounds).map_err(told)?;
    }
    let told = |error| match error {
        Unread::PasswordWrong if has_mac => Unread::Unfit(
            "the password is the right one, and what it seals is damaged; ask for the file once more".to_owned(),
        ),
        other => told(other),
    };
    let mut ber = Ber::new(&safe[..]);
    ber.enter(tag::SEQUENCE)?;
    while ber.enter_if(tag::SEQUENCE)? {
        let kind = ber.value(tag::OID)?;
        ber.enter(tag::context(0))?;
        let bags = match &kind[..] {
            DATA => ber.long_octet_string(tag::OCTET_STRING)?,
            ENCRYPTED_DATA => encrypted(&mut ber, given, &mut found.rounds).map_err(told)?,
            _ => return Err(Unread::unknown("a PKCS#12 that is sealed to a certificate in place of a password")),
        };
        ber.leave()?;
        ber.leave()?;
        let mut inner = Ber::new(&bags[..]);
        inner.enter(tag::SEQUENCE)?;
        read_bags(&mut inner, given, found, 1).map_err(told)?;
    }
    if found.certificates.is_empty() && found.keys.is_empty() {
        return Err(Unread::Unfit("expected a PKCS#12 with a certificate or a key, found an empty one".to_owned()));
    }
    Ok(())
}

/// EncryptedData (RFC 5652 8).
fn encrypted(ber: &mut Ber<&[u8]>, password: &str, counted: &mut Rounds) -> Result<Vec<u8>, Unread> {
    ber.enter(tag::SEQUENCE)?;
    ber.number()?;
    ber.enter(tag::SEQUENCE)?;
    ber.value(tag::OID)?;
    let (oid, parameters) = algorithm(ber)?;
    let sealed = ber.long_octet_string(tag::context_primitive(0))?;
    ber.leave()?;
    ber.leave()?;
    let plain = password::open((&oid, &parameters), password, &sealed, counted)?;
    if plain.first() == Some(&tag::SEQUENCE) { Ok(plain) } else { Err(Unread::PasswordWrong) }
}

fn read_bags(ber: &mut Ber<&[u8]>, password: &str, found: &mut Found, depth: usize) -> Result<(), Unread> {
    if depth > BAGS_DEPTH_MAX {
        return Err(Unread::Unfit(format!("expected at most {BAGS_DEPTH_MAX} bags within each other, found more")));
    }
    while ber.enter_if(tag::SEQUENCE)? {
        let oid = ber.value(tag::OID)?;
        let kind = oid.split_last().filter(|(_, begin)| *begin == BAGS).map(|(last, _)| *last);
        ber.enter(tag::context(0))?;
        let value = match kind {
            Some(KEY_BAG | SHROUDED_KEY_BAG | CERTIFICATE_BAG | BAGS_BAG) => ber.whole()?,
            // Lists of revoked certificates, and secrets of other kinds.
            _ => Vec::new(),
        };
        ber.leave()?;
        let name = friendly_name(ber)?;
        ber.leave()?;
        match kind {
            Some(KEY_BAG) => found.key(name, &value)?,
            Some(SHROUDED_KEY_BAG) => {
                let plain = key::unsealed(&value, password, &mut found.rounds)?;
                found.key(name, &plain)?;
            }
            Some(BAGS_BAG) => {
                let mut inner = Ber::new(&value[..]);
                inner.enter(tag::SEQUENCE)?;
                read_bags(&mut inner, password, found, depth + 1)?;
            }
            Some(CERTIFICATE_BAG) => {
                let mut inner = Ber::new(&value[..]);
                inner.enter(tag::SEQUENCE)?;
                if inner.value(tag::OID)? == X509_CERTIFICATE {
                    inner.enter(tag::context(0))?;
                    found.certificate(name, &inner.octet_string(tag::OCTET_STRING)?)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The friendlyName among the attributes of a bag, which stand next if there are any.
fn friendly_name(ber: &mut Ber<&[u8]>) -> Result<Option<String>, Unread> {
    let mut found = None;
    if !ber.enter_if(tag::SET)? {
        return Ok(None);
    }
    while ber.enter_if(tag::SEQUENCE)? {
        let oid = ber.value(tag::OID)?;
        ber.enter(tag::SET)?;
        if oid == FRIENDLY_NAME && ber.peek()? == Some(BMP_STRING) {
            let octets = ber.value(BMP_STRING)?;
            let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            found = Some(String::from_utf16_lossy(&units)).filter(|name| !name.is_empty());
        }
        ber.leave()?;
        ber.leave()?;
    }
    ber.leave()?;
    Ok(found)
}

/// A PKCS#12 with a certificate, its key where it is given, and others of its chain, all under a password by AES-256 and
/// SHA-256, in DER.
///
/// # Errors
/// The provider failed.
pub fn write(
    name: &str,
    (certificate, key): (&Certificate, Option<&PrivateKey>),
    chain: &[&Certificate],
    password: &str,
    random: &dyn Random,
) -> Result<Vec<u8>, Failed> {
    let attribute =
        |oid: &[u8], value: Vec<u8>| asn1::sequence(&[&asn1::element(tag::OID, oid), &asn1::element(tag::SET, &value)]);
    let bmp: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let named = attribute(FRIENDLY_NAME, asn1::element(BMP_STRING, &bmp));
    let id = Digest::Sha256.of(certificate.der());
    let tied = attribute(LOCAL_KEY_ID, asn1::element(tag::OCTET_STRING, &id));
    let own = if key.is_some() { asn1::set(vec![named.clone(), tied]) } else { asn1::set(vec![named]) };
    let bag = |kind: u8, value: &[u8], attributes: &[u8]| {
        let oid = asn1::element(tag::OID, &[BAGS, &[kind]].concat());
        asn1::sequence(&[&oid, &asn1::element(tag::context(0), value), attributes])
    };
    let holding = |one: &Certificate| {
        let der = asn1::element(tag::OCTET_STRING, one.der());
        asn1::sequence(&[&asn1::element(tag::OID, X509_CERTIFICATE), &asn1::element(tag::context(0), &der)])
    };
    let mut bags = bag(CERTIFICATE_BAG, &holding(certificate), &own);
    for one in chain {
        bags.extend(bag(CERTIFICATE_BAG, &holding(one), &[]));
    }
    let (how, sealed) = password::seal(password, &asn1::element(tag::SEQUENCE, &bags), random)?;
    let content =
        asn1::sequence(&[&asn1::element(tag::OID, DATA), &how, &asn1::element(tag::context_primitive(0), &sealed)]);
    let info = |kind: &[u8], value: &[u8]| {
        asn1::sequence(&[&asn1::element(tag::OID, kind), &asn1::element(tag::context(0), value)])
    };
    let mut infos = info(ENCRYPTED_DATA, &asn1::sequence(&[&asn1::number(0), &content]));
    if let Some(private) = key {
        let (how, sealed) = password::seal(password, private.pkcs8(), random)?;
        let bags = asn1::sequence(&[&bag(SHROUDED_KEY_BAG, &key::sealed(&how, &sealed), &own)]);
        infos.extend(info(DATA, &asn1::element(tag::OCTET_STRING, &bags)));
    }
    let safe = asn1::element(tag::SEQUENCE, &infos);
    let mac = password::mac(password, &safe, random);
    Ok(asn1::sequence(&[&asn1::number(3), &info(DATA, &asn1::element(tag::OCTET_STRING, &safe)), &mac]))
}
