//! Private keys as files hold them: PKCS#8 (RFC 5958), sealed or not, PKCS#1 (RFC 8017 A.1.2) and SEC 1 (RFC 5915), of RSA and
//! of the curves P-256, P-384 and P-521.

use super::super::asn1::{self, Ber, tag};
use super::super::crypto::{Curve, EC_PUBLIC_KEY, KeyKind, PrivateKey, RSA_ENCRYPTION};
use super::password::{self, Rounds};
use super::{Unread, algorithm};
use std::io;

/// Reads one that is not sealed.
pub(super) fn read(der: &[u8]) -> Result<PrivateKey, Unread> {
    let unfit =
        |found: &str| Unread::Unfit(format!("expected a private key of RSA, P-256, P-384 or P-521, found {found}"));
    let kind = kind(der)?.ok_or_else(|| unfit("one of another kind, or of a curve that is written out"))?;
    PrivateKey::new(kind, der).map_err(|_| unfit("one that is damaged, or of RSA below 2048 bits or above 8192"))
}

fn curve(oid: &[u8]) -> Option<KeyKind> {
    Curve::ALL.into_iter().find(|known| known.oid() == oid).map(KeyKind::Ec)
}

/// What kind of key it is, whichever of the three forms it has.
fn kind(der: &[u8]) -> io::Result<Option<KeyKind>> {
    let mut ber = Ber::new(der);
    ber.enter(tag::SEQUENCE)?;
    ber.pass()?;
    match ber.peek()? {
        Some(tag::SEQUENCE) => {
            let (oid, parameters) = algorithm(&mut ber)?;
            Ok(match &oid[..] {
                RSA_ENCRYPTION => Some(KeyKind::Rsa),
                EC_PUBLIC_KEY => Ber::new(&parameters[..]).value(tag::OID).ok().and_then(|oid| curve(&oid)),
                _ => None,
            })
        }
        Some(tag::INTEGER) => Ok(Some(KeyKind::Rsa)),
        _ => {
            // SEC 1: the number, then [0] with the curve.
            ber.pass()?;
            let is_named = ber.enter_if(tag::context(0))?;
            Ok(if is_named { ber.value(tag::OID).ok().and_then(|oid| curve(&oid)) } else { None })
        }
    }
}

/// What EncryptedPrivateKeyInfo seals (RFC 5958 3).
pub(super) fn unsealed(der: &[u8], password: &str, counted: &mut Rounds) -> Result<Vec<u8>, Unread> {
    let mut ber = Ber::new(der);
    ber.enter(tag::SEQUENCE)?;
    let (oid, parameters) = algorithm(&mut ber)?;
    let sealed = ber.octet_string(tag::OCTET_STRING)?;
    let plain = password::open((&oid, &parameters), password, &sealed, counted)?;
    // Another password may leave a padding that looks right.
    let is_key = plain.first() == Some(&tag::SEQUENCE) && kind(&plain).is_ok();
    if is_key { Ok(plain) } else { Err(Unread::PasswordWrong) }
}

/// EncryptedPrivateKeyInfo of a sealed key.
pub(super) fn sealed(algorithm: &[u8], sealed: &[u8]) -> Vec<u8> {
    asn1::sequence(&[algorithm, &asn1::element(tag::OCTET_STRING, sealed)])
}
