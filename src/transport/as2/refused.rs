//! Why a message is not taken, in the words that a receipt has for it (RFC 4130 7.4.3, RFC 5402 5, draft-ietf-ediint-rfc4130bis),
//! and in ours.

use super::certificate::Certificate;
use std::fmt;
use std::io::{self, Read};

/// What a receipt says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody who is trusted signed it.
    AuthenticationFailed,
    /// It cannot be decompressed.
    DecompressionFailed,
    /// It cannot be decrypted.
    DecryptionFailed,
    /// It is not what was signed.
    IntegrityCheckFailed,
    /// It is less protected than was agreed.
    InsufficientMessageSecurity,
    /// Its Message-ID is none.
    InvalidMessageId,
    /// We do not know who sends, or to whom.
    UnknownTradingRelationship,
    /// Anything else.
    UnexpectedProcessingError,
    /// The receipt is wanted in a form that is not known.
    UnsupportedFormat,
    /// The receipt is wanted with digests of which none is known.
    UnsupportedMicAlgorithms,
}

impl Cause {
    /// The text of its disposition modifier.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::AuthenticationFailed => "authentication-failed",
            Cause::DecompressionFailed => "decompression-failed",
            Cause::DecryptionFailed => "decryption-failed",
            Cause::IntegrityCheckFailed => "integrity-check-failed",
            Cause::InsufficientMessageSecurity => "insufficient-message-security",
            Cause::InvalidMessageId => "invalid-message-id",
            Cause::UnknownTradingRelationship => "unknown-trading-relationship",
            Cause::UnexpectedProcessingError => "unexpected-processing-error",
            Cause::UnsupportedFormat => "unsupported format",
            Cause::UnsupportedMicAlgorithms => "unsupported MIC-algorithms",
        }
    }

    /// Whether it is a failure, not an error: the message itself was not looked at (RFC 4130 7.5.5).
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Cause::UnsupportedFormat | Cause::UnsupportedMicAlgorithms)
    }
}

/// A message that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// For the sender.
    pub cause: Cause,
    /// For us: what was expected, and what was found.
    pub detail: String,
    /// Of a receipt: a certificate that fits its signature and is not trusted.
    pub stranger: Option<Box<Certificate>>,
}

impl Refused {
    /// For a cause.
    pub fn new(cause: Cause, detail: impl fmt::Display) -> Self {
        Refused { cause, detail: detail.to_string(), stranger: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.word(), self.detail)
    }
}

impl std::error::Error for Refused {}

/// What a layer tells of itself on the way, or what is wrong with the bytes under all of them.
impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
            Some(refused) => refused.clone(),
            None => Refused::new(Cause::UnexpectedProcessingError, error),
        }
    }
}

/// Whether an error is about what the bytes say, not about getting them.
fn is_content(error: &io::Error) -> bool {
    let is_told = error.get_ref().is_some_and(|inner| inner.is::<Refused>());
    let kinds = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput, io::ErrorKind::UnexpectedEof];
    !is_told && kinds.contains(&error.kind())
}

/// Tells an error in the content of a layer for what it is there.
pub fn told(cause: Cause) -> impl Fn(io::Error) -> Refused {
    move |error| if is_content(&error) { Refused::new(cause, error) } else { error.into() }
}

/// A layer whose errors are told for what they are there, through all layers within it.
pub struct Telling<R>(pub R, pub Cause);

impl<R: Read> Read for Telling<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0
            .read(buffer)
            .map_err(|error| if is_content(&error) { io::Error::other(Refused::new(self.1, error)) } else { error })
    }
}
