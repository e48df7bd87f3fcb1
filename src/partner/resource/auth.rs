//! `kind: auth`: how we show a partner who sends, used by name in channels. Secrets are named here and kept elsewhere; what
//! becomes of them on the wire is `transport::http::auth`'s.

use super::Secret;
use super::shape::{Key, SECRET, Shape, may, must};
use serde::Deserialize;

const BASIC: &[Key] = &[must("user", Shape::Filled, "User name"), must("password", SECRET, "Its password")];

const OAUTH2: &[Key] = &[
    must(
        "token_url",
        Shape::Url("client_id and client_secret say who we are"),
        "The token endpoint, which is asked for tokens by client credentials",
    ),
    must("client_id", Shape::Filled, "Who we are there"),
    may("client_secret", SECRET, "What proves it; left out with client_auth: certificate"),
    may("client_auth", Shape::Word(&["basic", "post", "certificate"]), "Where it stands; basic when left out"),
    may("scope", Shape::Filled, "What the token is for, separated by blanks"),
    may("audience", Shape::Filled, "For whom it is"),
    may("authorities", Shape::List(&Shape::Filled), "Certificates of authorities that count for the token endpoint"),
    may("allow_networks", Shape::List(&Shape::Filled), "Networks of the token endpoint, where it is not public"),
];

const OAUTH1: &[Key] = &[
    must("consumer_key", Shape::Filled, "oauth_consumer_key"),
    must("consumer_secret", SECRET, "Its secret"),
    may("token", Shape::Filled, "oauth_token; left out: there is none"),
    may("token_secret", SECRET, "Its secret"),
    may("realm", Shape::Filled, "The realm, where the partner wants one"),
    may("signature", Shape::Word(&["hmac-sha256", "hmac-sha1"]), "How it is signed; hmac-sha256 when left out"),
];

const SIGNED: &[Key] = &[
    must("key", SECRET, "The key of the HMAC"),
    may("key_encoding", Shape::Word(&["text", "hex", "base64"]), "How the key is written; text when left out"),
    may("hmac", Shape::Word(&["sha256", "sha512", "sha1"]), "Which HMAC; sha256 when left out"),
    must("text", Shape::Filled, "What is signed, with parts in braces: {method}\\n{path}\\n{timestamp}.{body}"),
    may("encoding", Shape::Word(&["hex", "base64"]), "How the signature is written; hex when left out"),
    must("headers", Shape::Map(&Shape::Filled), "Header lines that are added, with {signature} in one of them"),
];

/// Its keys.
pub const KEYS: &[Key] = &[
    may("basic", Shape::Object(BASIC), "Authorization: Basic"),
    may("bearer", SECRET, "Authorization: Bearer, with this token"),
    may("oauth2", Shape::Object(OAUTH2), "Authorization: Bearer, with a token of OAuth 2.0's client credentials"),
    may("oauth1", Shape::Object(OAUTH1), "Authorization: OAuth, a signature of OAuth 1.0"),
    may("signed", Shape::Object(SIGNED), "Header lines with a signature of the partner's own making"),
    may("certificate", Shape::Filled, "TLS: our certificate that is shown, a certificate with a key"),
];

/// How we show who sends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// `Authorization: Basic`.
    #[serde(default)]
    pub basic: Option<Basic>,
    /// `Authorization: Bearer`, with a token that does not change.
    #[serde(default)]
    pub bearer: Option<Secret>,
    /// `Authorization: Bearer`, with a token that is asked for.
    #[serde(default)]
    pub oauth2: Option<OAuth2>,
    /// `Authorization: OAuth`.
    #[serde(default)]
    pub oauth1: Option<OAuth1>,
    /// A signature that the partner declares.
    #[serde(default)]
    pub signed: Option<Signed>,
    /// TLS: the name of our certificate that is shown.
    #[serde(default)]
    pub certificate: Option<String>,
}

/// User and password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// User name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// Client credentials of OAuth 2.0 (RFC 6749 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: String,
    /// Who we are there.
    pub client_id: String,
    /// What proves it.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// `basic`, `post` or `certificate`.
    #[serde(default = "word_basic")]
    pub client_auth: String,
    /// What the token is for.
    #[serde(default)]
    pub scope: Option<String>,
    /// For whom it is.
    #[serde(default)]
    pub audience: Option<String>,
    /// Names of certificates of authorities.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Networks that may be reached although they are not public.
    #[serde(default)]
    pub allow_networks: Vec<String>,
}

/// A consumer of OAuth 1.0 (RFC 5849), and its token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth1 {
    /// `oauth_consumer_key`.
    pub consumer_key: String,
    /// Its secret.
    pub consumer_secret: Secret,
    /// `oauth_token`.
    #[serde(default)]
    pub token: Option<String>,
    /// Its secret.
    #[serde(default)]
    pub token_secret: Option<Secret>,
    /// The realm.
    #[serde(default)]
    pub realm: Option<String>,
    /// `hmac-sha256` or `hmac-sha1`.
    #[serde(default = "word_hmac_sha256")]
    pub signature: String,
}

/// A signature that the partner declares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The key of the HMAC.
    pub key: Secret,
    /// `text`, `hex` or `base64`.
    #[serde(default = "word_text")]
    pub key_encoding: String,
    /// `sha256`, `sha512` or `sha1`.
    #[serde(default = "word_sha256")]
    pub hmac: String,
    /// What is signed.
    pub text: String,
    /// `hex` or `base64`.
    #[serde(default = "word_hex")]
    pub encoding: String,
    /// The header lines that are added.
    pub headers: std::collections::BTreeMap<String, String>,
}

fn word_basic() -> String {
    "basic".to_owned()
}

fn word_hmac_sha256() -> String {
    "hmac-sha256".to_owned()
}

fn word_text() -> String {
    "text".to_owned()
}

fn word_sha256() -> String {
    "sha256".to_owned()
}

fn word_hex() -> String {
    "hex".to_owned()
}

impl Auth {
    /// What does not fit within it, by key.
    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        let all = [
            ("basic", self.basic.is_some()),
            ("bearer", self.bearer.is_some()),
            ("oauth2", self.oauth2.is_some()),
            ("oauth1", self.oauth1.is_some()),
            ("signed", self.signed.is_some()),
        ];
        let said: Vec<&str> = all.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
        match said[..] {
            [] if self.certificate.is_none() => {
                found.push(
                    "basic: expected one of basic, bearer, oauth2, oauth1, signed, certificate, found none".to_owned(),
                );
            }
            [first, second, ..] => found.push(format!("{second}: expected one of them, found {first} too")),
            _ => {}
        }
        if let Some(basic) = self.basic.as_ref().filter(|basic| basic.user.contains(':')) {
            found.push(format!("basic.user: expected a name without a colon (RFC 7617), found {}", basic.user));
        }
        if let Some(oauth2) = &self.oauth2 {
            let url = &oauth2.token_url;
            if !is_http(url) {
                found.push(format!("oauth2.token_url: expected such as https://login.example.com/token, found {url}"));
            }
            let has_certificate = oauth2.client_auth == "certificate";
            if has_certificate && self.certificate.is_none() {
                let what = "ours, which the token endpoint is shown, or client_auth: basic";
                found.push(format!("certificate: expected {what}, found none"));
            }
            if !has_certificate && oauth2.client_secret.is_none() {
                let what = "expected what proves who we are, or client_auth: certificate, found none";
                found.push(format!("oauth2.client_secret: {what}"));
            }
        }
        if let Some(oauth1) = self.oauth1.as_ref().filter(|one| one.token.is_some() != one.token_secret.is_some()) {
            let lacking = if oauth1.token.is_some() { "token_secret" } else { "token" };
            found.push(format!("oauth1.{lacking}: expected with the other half of it, found none"));
        }
    }

    /// Names of all secrets that it uses.
    pub(in crate::partner) fn secrets(&self) -> Vec<String> {
        let oauth1 = self.oauth1.iter().flat_map(|one| [Some(&one.consumer_secret), one.token_secret.as_ref()]);
        let others = [
            self.basic.as_ref().map(|one| &one.password),
            self.bearer.as_ref(),
            self.oauth2.as_ref().and_then(|one| one.client_secret.as_ref()),
            self.signed.as_ref().map(|one| &one.key),
        ];
        others.into_iter().chain(oauth1).flatten().map(|one| one.secret.clone()).collect()
    }

    /// Whether it writes the header line `Authorization`.
    pub(in crate::partner) fn writes_authorization(&self) -> bool {
        let is_header = |name: &String| name.eq_ignore_ascii_case("authorization");
        let signed = self.signed.as_ref().is_some_and(|one| one.headers.keys().any(is_header));
        signed || self.basic.is_some() || self.bearer.is_some() || self.oauth2.is_some() || self.oauth1.is_some()
    }
}

/// Whether a text is an address of HTTP.
pub(in crate::partner) fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}
