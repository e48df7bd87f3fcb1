//! The text around keys and certificates (PEM, RFC 7468), and what people send in their place: requests, public keys, lists,
//! keys of other programs. Each is named, with what to do.

use super::{Unread, from_base64};

/// A block of PEM.
pub(super) struct Block {
    /// Between BEGIN and the hyphens.
    pub label: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// It is sealed in the old way of OpenSSL, which its header lines say (RFC 1421 4.6).
    pub is_sealed: bool,
}

/// The blocks of a text; none where it is no PEM.
///
/// # Errors
/// A block is cut off, or is no base64.
pub(super) fn blocks(bytes: &[u8]) -> Result<Option<Vec<Block>>, Unread> {
    let text = String::from_utf8_lossy(bytes);
    if !text.contains("-----BEGIN ") {
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut rest = &text[..];
    while let Some((_, behind)) = rest.split_once("-----BEGIN ") {
        let cut =
            || Unread::Unfit("it is a PEM that is cut off: BEGIN without its END; ask for it once more".to_owned());
        let (label, behind) = behind.split_once("-----").ok_or_else(cut)?;
        let (body, behind) = behind.split_once("-----END ").ok_or_else(cut)?;
        rest = behind;
        // Header lines end with an empty line.
        let is_headed = body.contains(':');
        let packed = match is_headed {
            true => body.split_once("\n\n").or_else(|| body.split_once("\r\n\r\n")).map_or("", |(_, packed)| packed),
            false => body,
        };
        let wrong =
            || Unread::Unfit(format!("expected base64 in the block {label}, found something else: it is damaged"));
        let bytes = from_base64(packed).ok_or_else(wrong)?;
        found.push(Block { label: label.to_owned(), bytes, is_sealed: body.contains("ENCRYPTED") });
    }
    Ok(Some(found))
}

/// DER in base64 without lines around it, as some systems show it.
pub(super) fn bare_base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    from_base64(text).filter(|der| der.first() == Some(&0x30))
}

/// Blocks of which none is of use.
pub(super) fn only(blocks: &[Block]) -> Unread {
    let label = blocks.iter().map(|block| block.label.as_str()).find(|label| !label.ends_with("PARAMETERS"));
    match label {
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => request(),
        Some("PUBLIC KEY" | "RSA PUBLIC KEY" | "SSH2 PUBLIC KEY") => public_key(),
        Some("X509 CRL") => revocation_list(),
        Some("OPENSSH PRIVATE KEY") => unfit(
            "a PEM of a key of OpenSSH",
            "keys of AS2 have certificates: make one with \
            `portolan certificate new`, or turn this one with `ssh-keygen -p -m PKCS8 -f FILE`",
        ),
        Some(label) if label.starts_with("PGP") => {
            unfit("a PEM of PGP", "PGP is something else than AS2: ask for an X.509 certificate, .cer, .pem or .p7b")
        }
        Some(label) => unfit(&format!("a PEM of {label:?}"), "ask for an X.509 certificate, .cer, .pem or .p7b"),
        None => unfit("a PEM of parameters only", "ask for an X.509 certificate, .cer, .pem or .p7b"),
    }
}

fn unfit(found: &str, remedy: &str) -> Unread {
    Unread::Unfit(format!("expected a certificate or a private key, found {found}; {remedy}"))
}

pub(super) fn request() -> Unread {
    unfit(
        "a certificate request (CSR), PKCS#10",
        "send it to an authority, and import the certificate that it answers with",
    )
}

pub(super) fn public_key() -> Unread {
    unfit("a public key without a certificate", "ask for the certificate of it, .cer, .pem or .p7b")
}

pub(super) fn revocation_list() -> Unread {
    unfit("a list of revoked certificates (CRL)", "ask for the certificate itself, .cer, .pem or .p7b")
}

/// A key of PKCS#1 or SEC 1 that OpenSSL sealed before there was PKCS#8.
pub(super) fn sealed_traditional(label: &str) -> Unread {
    unfit(
        &format!("a PEM of {label:?} that is sealed in the old way of OpenSSL (Proc-Type: 4,ENCRYPTED)"),
        "`openssl pkcs8 -topk8 -in FILE -out NEW.pem` makes a key of it that is read",
    )
}

/// A file that is neither PEM nor a DER of a known form.
pub(super) fn unknown(bytes: &[u8]) -> Unread {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
    let begin = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    match begin {
        _ if bytes.is_empty() => unfit("an empty file", "ask for it once more"),
        _ if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) => {
            unfit("a text in UTF-16", "save it as plain text (ASCII)")
        }
        _ if bytes.starts_with(b"PK\x03\x04") => unfit("a ZIP archive", "unpack it first"),
        _ if begin.starts_with("ssh-") || begin.starts_with("ecdsa-sha2-") => {
            unfit("a public key of SSH", "ask for an X.509 certificate, .cer, .pem or .p7b")
        }
        _ if begin.starts_with("putty-user-key-file") => unfit(
            "a key of PuTTY",
            "ask for a PKCS#12 (.p12, .pfx), or export it from PuTTYgen as OpenSSH and turn that into PKCS#8",
        ),
        _ if begin.starts_with('<') => {
            unfit("a page of HTML or XML", "save the certificate itself, not the page that shows it")
        }
        _ if bytes.first() == Some(&0x30) => {
            unfit("another kind of ASN.1, or one that is cut off", "ask for .cer, .pem, .p7b or .p12, once more")
        }
        _ => unfit("neither PEM nor DER, PKCS#7, PKCS#12 or JKS", "ask for .cer, .pem, .p7b or .p12"),
    }
}
