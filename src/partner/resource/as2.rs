//! What a channel says of AS2: the pair of names, whose certificates count, and how messages are protected. What the words
//! mean for the bytes is `transport::as2`'s.

use super::parsed;
use super::shape::{Key, Shape, may, must};
use serde::Deserialize;

const NAMES: Shape = Shape::List(&Shape::Filled);
const DIGESTS: &[&str] = &["none", "sha-256", "sha-384", "sha-512"];
const CIPHERS: &[&str] =
    &["none", "aes256-cbc", "aes192-cbc", "aes128-cbc", "aes256-gcm", "aes192-gcm", "aes128-gcm", "3des"];
/// What a partner may digest, as `transport::as2` knows it.
pub const MICS: &[&str] =
    &["part", "part-crlf", "body", "body-crlf", "uncompressed", "uncompressed-crlf", "payload", "payload-crlf"];
const TRANSPORTS: &[&str] = &["pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"];

/// Its keys.
pub const KEYS: &[Key] = &[
    must("from", Shape::Filled, "AS2-From: the partner's name where messages come in, ours where they go out"),
    must("to", Shape::Filled, "AS2-To: ours where messages come in, the partner's where they go out"),
    may("preset", Shape::Filled, "The partner's product, whose settings count where nothing else is said"),
    may("certificates", NAMES, "The partner's certificates: one of them signs, and is encrypted to"),
    may("keys", NAMES, "Our certificates with their keys: one of them signs, and is encrypted to"),
    may(
        "require",
        Shape::List(&Shape::Word(&["signed", "encrypted"])),
        "In: what messages must be; both when left out",
    ),
    may("legacy", Shape::Word(&["refused", "allowed"]), "In: whether SHA-1 and 3DES will do"),
    may("line_ends", Shape::Word(&["as-signed", "crlf"]), "In: crlf takes what was signed with CRLF and came with LF"),
    may("sign", Shape::Word(DIGESTS), "Out: with which digest; sha-256 when left out"),
    may("scheme", Shape::Word(&["pkcs1", "pss"]), "Out: how a key of RSA signs"),
    may("encrypt", Shape::Word(CIPHERS), "Out: how content is encrypted; aes256-cbc when left out"),
    may("key_transport", Shape::Word(TRANSPORTS), "Out: how its key is encrypted"),
    may("gcm_form", Shape::Word(&["auth-enveloped", "enveloped"]), "Out: in what GCM goes; RFC 5084 has the former"),
    may(
        "compress",
        Shape::Word(&["none", "before", "after"]),
        "Out: whether it is compressed, before or after signing",
    ),
    may("receipt", Shape::Word(&["signed", "unsigned", "none"]), "Out: which receipt is asked for"),
    may("mic", Shape::Word(MICS), "Out: what else than the usual the partner may digest for its receipts"),
    may(
        "receipt_url",
        Shape::Url("leave it out; receipts are known by what they answer"),
        "Out: our address to which receipts come later; none: they stand in the answer",
    ),
    may("receipt_minutes", Shape::Number(1, 43_200), "Out: how long one that comes later is awaited; 60 when left out"),
    may("receipt_calendar", Shape::Filled, "Out: the calendar by whose working time these are counted"),
];

/// How a pair of partners speaks AS2.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct As2 {
    /// AS2-From of the messages.
    pub from: String,
    /// AS2-To of the messages.
    pub to: String,
    /// The partner's product, whose settings count where nothing else is said.
    #[serde(default)]
    pub preset: Option<String>,
    /// Names of the partner's certificates.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// Names of our certificates.
    #[serde(default)]
    pub keys: Vec<String>,
    /// In: what messages must be.
    #[serde(default = "both")]
    pub require: Vec<Required>,
    /// In: whether SHA-1 and 3DES will do.
    #[serde(default)]
    pub legacy: Legacy,
    /// In: how line ends may have been changed on the way.
    #[serde(default)]
    pub line_ends: LineEnds,
    /// Out: the digest of the signature, or `none`.
    #[serde(default = "sha_256")]
    pub sign: String,
    /// Out: `pkcs1` or `pss`.
    #[serde(default = "pkcs1")]
    pub scheme: String,
    /// Out: the cipher, or `none`.
    #[serde(default = "aes256_cbc")]
    pub encrypt: String,
    /// Out: `pkcs1`, or OAEP with a digest.
    #[serde(default = "pkcs1")]
    pub key_transport: String,
    /// Out: `auth-enveloped` or `enveloped`.
    #[serde(default = "auth_enveloped")]
    pub gcm_form: String,
    /// Out: whether it is compressed, and when.
    #[serde(default)]
    pub compress: Compress,
    /// Out: the receipt that is asked for.
    #[serde(default)]
    pub receipt: Receipt,
    /// Out: what else than the usual the partner may digest.
    #[serde(default)]
    pub mic: Option<String>,
    /// Out: our address to which receipts come later; none: they stand in the answer.
    #[serde(default)]
    pub receipt_url: Option<String>,
    /// Out: how long one that comes later is awaited before the message is sent again.
    #[serde(default = "an_hour", deserialize_with = "parsed")]
    pub receipt_minutes: u64,
    /// Out: the calendar by whose working time they are counted; none: by the clock.
    #[serde(default)]
    pub receipt_calendar: Option<String>,
}

fn an_hour() -> u64 {
    60
}

fn both() -> Vec<Required> {
    vec![Required::Signed, Required::Encrypted]
}

fn sha_256() -> String {
    "sha-256".to_owned()
}

fn pkcs1() -> String {
    "pkcs1".to_owned()
}

fn aes256_cbc() -> String {
    "aes256-cbc".to_owned()
}

fn auth_enveloped() -> String {
    "auth-enveloped".to_owned()
}

/// What a message must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Required {
    /// Signed by the partner.
    Signed,
    /// Encrypted to us.
    Encrypted,
}

/// Whether weak algorithms will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Legacy {
    /// They will not.
    #[default]
    Refused,
    /// They will, for this partner has no others.
    Allowed,
}

/// How line ends may have been changed between signing and sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineEnds {
    /// Not at all.
    #[default]
    AsSigned,
    /// CRLF was signed, and came as LF.
    Crlf,
}

/// Whether a message is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compress {
    /// It is not.
    #[default]
    None,
    /// Before it is signed.
    Before,
    /// After.
    After,
}

/// Which receipt is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receipt {
    /// A signed one.
    #[default]
    Signed,
    /// Any.
    Unsigned,
    /// None: the status of HTTP is all there is.
    None,
}

impl As2 {
    /// What does not fit within it, by key.
    pub(in crate::partner) fn check(&self, is_in: bool, found: &mut Vec<String>) {
        let mut need = |key: &str, is_empty: bool, what: &str| {
            if is_empty {
                found.push(format!("as2.{key}: expected {what}, found none"));
            }
        };
        let no_certificate = self.certificates.is_empty();
        match is_in {
            true => {
                let must_sign = self.require.contains(&Required::Signed);
                need("certificates", must_sign && no_certificate, "the partner's, since messages must be signed");
                let must_encrypt = self.require.contains(&Required::Encrypted);
                need("keys", must_encrypt && self.keys.is_empty(), "ours, since messages must be encrypted");
            }
            false => {
                need("keys", self.sign != "none" && self.keys.is_empty(), "ours, to sign with, or sign: none");
                let encrypts = self.encrypt != "none" && no_certificate;
                need("certificates", encrypts, "the partner's, to encrypt to, or encrypt: none");
                let is_receipted = self.receipt == Receipt::Signed && no_certificate;
                need(
                    "certificates",
                    is_receipted && !encrypts,
                    "the partner's, who signs receipts, or receipt: unsigned",
                );
            }
        }
        for (key, name) in [("from", &self.from), ("to", &self.to)] {
            if name.len() > 128 || !name.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
                found.push(format!("as2.{key}: expected up to 128 printable ASCII characters, found {name:?}"));
            }
        }
        if let Some(url) = self.receipt_url.as_ref().filter(|url| !url.starts_with("http")) {
            found.push(format!("as2.receipt_url: expected such as https://edi.example.com/as2, found {url}"));
        }
        if self.from == self.to {
            found.push(format!("as2.to: expected another name than {}, which is from", self.from));
        }
    }
}
