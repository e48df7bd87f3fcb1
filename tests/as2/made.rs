//! Keys and certificates made for tests.

use jiff::ToSpan as _;
use portolan::clock::{Clock as _, SystemClock};
use portolan::transport::as2::certificate::{Certificate, OwnKey, private_key};
use rcgen::{CertificateParams, DnType, KeyIdMethod, KeyPair, SignatureAlgorithm};

/// Days from now on and until which the usual ones count.
pub const NOW: (i64, i64) = (-2, 365);

/// A key in PEM, and what we read of it.
pub struct Keys {
    pub certificate_pem: String,
    pub key_pem: String,
    pub own: OwnKey,
}

/// A self-signed certificate that counts from so many days from now to so many.
pub fn made(name: &str, algorithm: &'static SignatureAlgorithm, (from, to): (i64, i64)) -> Keys {
    let pair = KeyPair::generate_for(algorithm).expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_identifier_method = KeyIdMethod::Sha256;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let at = |days: i64| {
        let day = (SystemClock.now() + (24 * days).hours()).to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    (params.not_before, params.not_after) = (at(from), at(to));
    let certificate_pem = params.self_signed(&pair).expect("a certificate").pem();
    let key_pem = pair.serialize_pem();
    let certificate = Certificate::all(certificate_pem.as_bytes()).expect("it is read").remove(0);
    let own = OwnKey::new(certificate, &private_key(key_pem.as_bytes()).expect("a key")).expect("they belong together");
    Keys { certificate_pem, key_pem, own }
}
