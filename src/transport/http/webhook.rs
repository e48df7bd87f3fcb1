//! Signatures of outgoing webhooks, as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time and body, in
//! `webhook-signature` as `v1,` and Base64; several, for secrets that overlap, with blanks between.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a secret begins with when it is written.
pub const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret, at least and at most.
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The bytes of a secret as it is written.
///
/// # Errors
/// It is none: what was expected, and nothing of it.
pub fn secret(written: &str) -> Result<Vec<u8>, String> {
    let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
    let expected = || format!("expected {SECRET_PREFIX} and {least} to {most} bytes in Base64");
    let bytes = written.trim().strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
    bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len())).ok_or_else(expected)
}

/// The header lines of a message: its id, the seconds since 1970 of this attempt, and a signature by each secret.
#[must_use]
pub fn lines(id: &str, seconds: i64, body: &[u8], secrets: &[Vec<u8>]) -> Vec<(String, String)> {
    let signed = |secret: &Vec<u8>| {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    };
    let signatures: Vec<String> = secrets.iter().map(signed).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries.
    #[test]
    fn a_message_has_the_signature_that_others_compute() {
        let key = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let body = br#"{"test": 2432232314}"#;
        let lines = lines("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body, &[key]);
        assert_eq!(lines[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn err_a_secret_is_told_without_itself() {
        for wrong in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_?"] {
            assert_eq!(secret(wrong), Err("expected whsec_ and 24 to 64 bytes in Base64".to_owned()), "{wrong}");
        }
    }
}
