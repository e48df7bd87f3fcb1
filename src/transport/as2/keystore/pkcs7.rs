//! PKCS#7 with certificates only (RFC 5652 5, `certs-only` of RFC 8551 3.2.2): SignedData that nobody signed. Lists of
//! revoked certificates in it are passed over.

use super::super::asn1::{self, Ber, tag};
use super::super::certificate::Certificate;
use super::super::cms::{DATA, SIGNED_DATA};
use super::{Found, Unread};

/// Takes the certificates of one.
pub(super) fn read(der: &[u8], found: &mut Found) -> Result<(), Unread> {
    let mut ber = Ber::new(der);
    ber.enter(tag::SEQUENCE)?;
    let kind = ber.value(tag::OID)?;
    if kind != SIGNED_DATA {
        let what = "expected a PKCS#7 with certificates, found one that holds something else, such as a message";
        return Err(Unread::Unfit(format!("{what}; ask for the certificate as .p7b, .cer or .pem")));
    }
    ber.enter(tag::context(0))?;
    ber.enter(tag::SEQUENCE)?;
    // Version, digests, content.
    for _ in 0..3 {
        ber.pass()?;
    }
    let before = found.certificates.len();
    if ber.enter_if(tag::context(0))? {
        while let Some(next) = ber.peek()? {
            match next {
                tag::SEQUENCE => found.certificate(None, &ber.whole()?)?,
                _ => ber.pass()?,
            }
        }
    }
    if found.certificates.len() == before {
        return Err(Unread::Unfit("expected a PKCS#7 with certificates, found one without any".to_owned()));
    }
    Ok(())
}

/// Certificates as PKCS#7, in DER.
#[must_use]
pub fn write(certificates: &[&Certificate]) -> Vec<u8> {
    let all = certificates.iter().map(|one| one.der().to_vec()).collect();
    // A SET OF under [0].
    let mut certificates = asn1::set(all);
    certificates[0] = tag::context(0);
    let data = asn1::sequence(&[
        &asn1::number(1),
        &asn1::element(tag::SET, &[]),
        &asn1::sequence(&[&asn1::element(tag::OID, DATA)]),
        &certificates,
        &asn1::element(tag::SET, &[]),
    ]);
    asn1::sequence(&[&asn1::element(tag::OID, SIGNED_DATA), &asn1::element(tag::context(0), &data)])
}
