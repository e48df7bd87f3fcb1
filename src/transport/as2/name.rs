//! What the header lines of an AS2 message say (RFC 4130 6 and 7.3): who sends to whom, under which id, and which receipt is
//! asked for. It reads as much of what partners write as has one meaning.

use super::crypto::Digest;
use super::mime::{Parameters, split_quoted, unquoted};

/// Characters of an AS2 name, at most (RFC 4130 6.2).
pub const NAME_CHARACTERS_MAX: usize = 128;
/// Characters of a Message-ID, at most (RFC 5322 2.1.1).
pub const MESSAGE_ID_CHARACTERS_MAX: usize = 998;

/// An AS2 name as it stands in a header line, quoted or not; compared as it is, case and all.
///
/// # Errors
/// It is empty, too long, or has other characters than printable ASCII.
pub fn name(text: &str) -> Result<String, String> {
    let name = unquoted(text.trim());
    let is_fit =
        !name.is_empty() && name.len() <= NAME_CHARACTERS_MAX && name.bytes().all(|b| (0x20..0x7F).contains(&b));
    let wrong =
        || format!("expected an AS2 name of 1 to {NAME_CHARACTERS_MAX} printable ASCII characters, found {text:?}");
    is_fit.then_some(name).ok_or_else(wrong)
}

/// An AS2 name as it is written: quoted where it has blanks, quotes or backslashes.
#[must_use]
pub fn written(name: &str) -> String {
    if name.contains([' ', '"', '\\']) {
        return format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    }
    name.to_owned()
}

/// A Message-ID as it came, with its brackets or without.
///
/// # Errors
/// It is empty, too long, or has blanks or controls.
pub fn message_id(text: &str) -> Result<String, String> {
    let id = text.trim();
    let is_fit =
        !id.is_empty() && id.len() <= MESSAGE_ID_CHARACTERS_MAX && id.bytes().all(|b| (0x21..0x7F).contains(&b));
    let wrong = || format!("expected a Message-ID such as <left@right>, found {text:?}");
    is_fit.then(|| id.to_owned()).ok_or_else(wrong)
}

/// The id without its brackets, by which two are the same.
#[must_use]
pub fn bare_id(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>')
}

/// Which receipt a sender asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiptWish {
    /// Any.
    pub is_asked: bool,
    /// A signed one.
    pub is_signed: bool,
    /// Nothing else than a signed one will do, but of a protocol that is not known.
    pub unknown_protocol: Option<String>,
    /// The digests that it may be of, as far as they are known, the sender's favourite first.
    pub digests: Vec<Digest>,
    /// One is required, and none of those named is known.
    pub unknown_digests: Option<String>,
    /// Where to, later; none: in the answer.
    pub url: Option<String>,
}

impl ReceiptWish {
    /// Reads `Disposition-Notification-To`, `Disposition-Notification-Options` and `Receipt-Delivery-Option`.
    #[must_use]
    pub fn parse(to: Option<&str>, options: Option<&str>, url: Option<&str>) -> Self {
        let mut wish = ReceiptWish { is_asked: to.is_some(), ..ReceiptWish::default() };
        wish.url = url.map(|url| url.trim().to_owned()).filter(|url| !url.is_empty() && wish.is_asked);
        for piece in split_quoted(options.unwrap_or_default(), ';') {
            let Some((name, values)) = piece.split_once('=') else { continue };
            let mut values: Vec<String> =
                split_quoted(values, ',').into_iter().map(|value| unquoted(value.trim())).collect();
            // Some leave out how important it is to them, and name what they want at once.
            let is_first = |word: &str| values.first().is_some_and(|value| value.eq_ignore_ascii_case(word));
            let is_required = is_first("required");
            if is_required || is_first("optional") {
                values.remove(0);
            }
            match name.trim().to_ascii_lowercase().as_str() {
                "signed-receipt-protocol" => {
                    wish.is_signed = values.iter().any(|one| one.to_ascii_lowercase().contains("pkcs7-signature"));
                    if is_required && !wish.is_signed {
                        wish.unknown_protocol = Some(values.join(", "));
                    }
                }
                "signed-receipt-micalg" => {
                    wish.digests = values.iter().filter_map(|one| Digest::named(one)).collect();
                    if is_required && wish.digests.is_empty() {
                        wish.unknown_digests = Some(values.join(", "));
                    }
                }
                _ => {}
            }
        }
        wish
    }
}

/// `micalg` of a multipart/signed, as far as it is known.
#[must_use]
pub fn micalg(content_type: &Parameters) -> Vec<Digest> {
    let said = content_type.get("micalg").unwrap_or_default();
    said.split(',').filter_map(Digest::named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_quoted_or_not() {
        for (text, expected) in
            [("ACME", "ACME"), (" \"ACME\" ", "ACME"), ("\"A \\\"B\\\" \\\\\"", "A \"B\" \\"), ("a b", "a b")]
        {
            assert_eq!(name(text).as_deref(), Ok(expected), "{text}");
            assert_eq!(name(&written(expected)).as_deref(), Ok(expected));
        }
        for text in ["", "\"\"", "Müller", "a\tb", &"x".repeat(129)] {
            assert!(name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn receipts_are_asked_for_in_many_ways() {
        let wish = |options: &str| ReceiptWish::parse(Some("x"), Some(options), None);
        let usual =
            wish("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha1, sha-256");
        assert!(usual.is_signed);
        assert_eq!(usual.digests, [Digest::Sha1, Digest::Sha256]);
        let close = wish(
            "signed-receipt-micalg=optional,unheard-of,SHA256;signed-receipt-protocol=required,\"pkcs7-signature\"",
        );
        assert!(close.is_signed);
        assert_eq!(close.digests, [Digest::Sha256]);
        let bare = wish("signed-receipt-protocol=pkcs7-signature; signed-receipt-micalg=sha-256, sha1");
        assert!(bare.is_signed, "nobody said how important it is");
        assert_eq!((bare.digests, bare.unknown_digests), (vec![Digest::Sha256, Digest::Sha1], None));
        let loud = wish("signed-receipt-protocol=OPTIONAL, PKCS7-Signature; signed-receipt-micalg=Required, sha-512");
        assert!(loud.is_signed);
        assert_eq!(loud.digests, [Digest::Sha512]);
        let hard = wish("signed-receipt-protocol=required,pgp;signed-receipt-micalg=required,md4");
        assert_eq!((hard.unknown_protocol.as_deref(), hard.unknown_digests.as_deref()), (Some("pgp"), Some("md4")));
        assert_eq!(ReceiptWish::parse(None, None, Some("http://a/")).url, None);
        assert_eq!(ReceiptWish::parse(Some(""), None, Some("http://a/")).url.as_deref(), Some("http://a/"));
    }

    #[test]
    fn err_ids_with_blanks() {
        assert_eq!(message_id(" <a@b> ").as_deref(), Ok("<a@b>"));
        assert_eq!(bare_id("<a@b>"), bare_id("a@b"));
        for text in ["", "<a b>", "<a\u{7}b>", &"x".repeat(999)] {
            assert!(message_id(text).is_err(), "{text}");
        }
    }
}
