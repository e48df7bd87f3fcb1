//! How a request shows who sends it: nothing, Basic (RFC 7617), a bearer token (RFC 6750), one of OAuth 2.0's client
//! credentials (RFC 6749 4.4), a signature of OAuth 1.0 (RFC 5849), or one of the receiver's own making. Secrets come in as
//! values; where they are kept is not known here, and none is ever shown.

pub mod oauth1; // signatures of OAuth 1.0
pub mod oauth2; // tokens of client credentials
pub mod signed; // signatures that a receiver declares

use crate::clock::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth1::OAuth1;
use oauth2::OAuth2;
use reqwest::Url;
use signed::Signed;
use std::fmt;
use std::sync::Arc;

/// Secrets shorter than this are not looked for in what others say: they would be found everywhere.
const HIDDEN_BYTES_MIN: usize = 4;

/// What is shown, and under which name people know it.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The name of the auth; empty where nothing is shown.
    pub name: String,
    /// What is shown.
    pub means: Means,
}

/// What is shown.
#[derive(Clone, Default)]
pub enum Means {
    /// Nothing.
    #[default]
    None,
    /// `Authorization: Basic`.
    Basic {
        /// The user; it has no colon (RFC 7617 2).
        user: String,
        /// Its password.
        password: String,
    },
    /// `Authorization: Bearer`, with a token that does not change.
    Bearer(String),
    /// `Authorization: Bearer`, with a token that is asked for.
    OAuth2(Arc<OAuth2>),
    /// `Authorization: OAuth`.
    OAuth1(Arc<OAuth1>),
    /// A header line with a signature.
    Signed(Arc<Signed>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a signature is made of, and when.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// `POST`.
    pub method: &'r str,
    /// Where to.
    pub url: &'r Url,
    /// Its header lines as they are sent, in lower case.
    pub headers: &'r [(String, String)],
    /// Its body.
    pub body: &'r [u8],
    /// The present time.
    pub now: Timestamp,
    /// Random text that is used once.
    pub nonce: &'r str,
}

/// `Authorization: Basic` (RFC 7617 2).
#[must_use]
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Puts stars over secrets in what somebody else said: some servers repeat what they were sent.
pub(super) fn without(text: &str, secrets: &[&str]) -> String {
    let long = secrets.iter().filter(|secret| secret.len() >= HIDDEN_BYTES_MIN);
    long.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

impl Credentials {
    /// The header lines of a request; those of a token that is asked for are not among them.
    #[must_use]
    pub fn lines(&self, request: &Request<'_>) -> Vec<(String, String)> {
        let authorization = |value: String| vec![("authorization".to_owned(), value)];
        match &self.means {
            Means::None | Means::OAuth2(_) => Vec::new(),
            Means::Basic { user, password } => authorization(basic(user, password)),
            Means::Bearer(token) => authorization(format!("Bearer {token}")),
            Means::OAuth1(one) => authorization(one.authorization(request)),
            Means::Signed(one) => one.lines(request),
        }
    }

    /// What must not be seen.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match &self.means {
            Means::None => Vec::new(),
            Means::Basic { password, .. } => vec![password],
            Means::Bearer(token) => vec![token],
            Means::OAuth2(one) => vec![&one.client_secret],
            Means::OAuth1(one) => vec![&one.consumer_secret, &one.token_secret],
            Means::Signed(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7617 2 has this pair.
    #[test]
    fn basic_is_as_the_rfc_has_it() {
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn secrets_show_nowhere() {
        let means = Means::Basic { user: "u".into(), password: "correct horse".into() };
        let credentials = Credentials { name: "lamps".into(), means };
        assert_eq!(format!("{credentials:?}"), "Credentials { name: \"lamps\", .. }");
        assert_eq!(without("you sent correct horse", &credentials.secrets()), "you sent ***");
        assert_eq!(without("a b", &["a"]), "a b");
    }
}
