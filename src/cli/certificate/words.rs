//! What a certificate says, for people and for scripts.

use crate::clock::Timestamp;
use crate::transport::as2::certificate::Certificate;
use serde_json::{Value, json};

/// What its key is for, as far as it says so.
fn uses(one: &Certificate) -> &'static str {
    match (one.can_sign(), one.can_be_encrypted_to()) {
        (true, true) => "signs, and can be encrypted to",
        (true, false) => "signs, and is not to be encrypted to",
        (false, true) => "can be encrypted to, and does not sign",
        (false, false) => "neither signs nor is encrypted to",
    }
}

/// Lines under its name: subject, key, time, issuer, fingerprint. `whose` says what is known of its key.
pub fn lines(one: &Certificate, whose: &str, now: Timestamp) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let time = match () {
        () if now < one.not_before => "  NOT YET",
        () if now > one.not_after => "  IT IS OVER",
        () => "",
    };
    let issuer = if one.issuer == one.subject { "itself".to_owned() } else { one.issuer_name() };
    format!(
        "    {}\n    {}, {}; {whose}\n    {} to {}{time}; issued by {issuer}, serial number {}\n    SHA-256 {}\n",
        one.subject_name(),
        one.key_name(),
        uses(one),
        day(one.not_before),
        day(one.not_after),
        one.serial_number(),
        one.fingerprint()
    )
}

/// The same for scripts; times are microseconds since 1970.
pub fn json(one: &Certificate) -> Value {
    json!({
        "common_name": one.common_name(),
        "subject": one.subject_name(),
        "issuer": one.issuer_name(),
        "serial": one.serial_number(),
        "fingerprint": one.fingerprint(),
        "key": one.key_name(),
        "signs": one.can_sign(),
        "encrypted_to": one.can_be_encrypted_to(),
        "not_before": one.not_before.as_microsecond(),
        "not_after": one.not_after.as_microsecond(),
        "pem": one.pem(),
    })
}
