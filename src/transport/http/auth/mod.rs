//! How a request shows who sends it: nothing, Basic (RFC 7617), a bearer token (RFC 6750), one of OAuth 2.0's client
//! credentials (RFC 6749 4.4), a signature of OAuth 1.0 (RFC 5849), or one of the receiver's own making. Secrets come in as
//! values; where they are kept is not known here, and none is ever shown.

pub mod oauth1; // signatures of OAuth 1.0
pub mod oauth2; // tokens of client credentials
pub mod signed; // signatures that a receiver declares

use super::body::Body;
use crate::clock::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth1::OAuth1;
use oauth2::OAuth2;
use reqwest::Url;
use signed::Signed;
use std::fmt;
use std::io;
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
    /// Its body; only a signature that has it looks at it.
    pub body: &'r Body,
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

/// What must not be seen, whoever repeats it: some servers say what they were sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl Secrets {
    /// One more, as it is sent. Of the value of a header line such as `Bearer abc`, the last word alone is one too.
    pub fn add(&mut self, secret: &str) {
        let last = secret.rsplit(' ').next().filter(|last| last.len() < secret.len());
        self.0
            .extend(std::iter::once(secret).chain(last).filter(|one| one.len() >= HIDDEN_BYTES_MIN).map(str::to_owned));
        // One that holds another goes first, or its other half would be left.
        self.0.sort_by_key(|one| std::cmp::Reverse(one.len()));
    }

    /// The password of a user, in clear and as `Authorization: Basic` has both (RFC 7617 2).
    pub(super) fn add_basic(&mut self, user: &str, password: &str) {
        self.add(password);
        self.add(&basic(user, password));
    }

    /// These and others.
    #[must_use]
    pub(super) fn with(mut self, others: &Secrets) -> Secrets {
        others.0.iter().for_each(|one| self.add(one));
        self
    }

    /// What somebody else said, for people to read: without control characters, with stars over secrets, and only then cut to
    /// so many characters, so that no half of a secret is left at the cut.
    #[must_use]
    pub fn shown(&self, said: &str, characters: usize) -> String {
        let said: String = said.chars().filter(|c| !c.is_control()).collect();
        self.0.iter().fold(said, |said, secret| said.replace(secret, "***")).chars().take(characters).collect()
    }
}

impl Credentials {
    /// The header lines of a request; those of a token that is asked for are not among them.
    ///
    /// # Errors
    /// A signature has the body, which cannot be read.
    pub fn lines(&self, request: &Request<'_>) -> io::Result<Vec<(String, String)>> {
        let authorization = |value: String| vec![("authorization".to_owned(), value)];
        Ok(match &self.means {
            Means::None | Means::OAuth2(_) => Vec::new(),
            Means::Basic { user, password } => authorization(basic(user, password)),
            Means::Bearer(token) => authorization(format!("Bearer {token}")),
            Means::OAuth1(one) => authorization(one.authorization(request)),
            Means::Signed(one) => one.lines(request)?,
        })
    }

    /// What must not be seen, in all forms in which it is sent.
    pub(super) fn secrets(&self) -> Secrets {
        let mut found = Secrets::default();
        match &self.means {
            // The key of a signature is not sent.
            Means::None | Means::Signed(_) => {}
            Means::Basic { user, password } => found.add_basic(user, password),
            Means::Bearer(token) => found.add(token),
            Means::OAuth2(one) => found = one.secrets(),
            Means::OAuth1(one) => [&one.consumer_secret, &one.token_secret].into_iter().for_each(|one| found.add(one)),
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::source::Source;

    /// A file that is gone.
    struct Gone;

    impl Source for Gone {
        fn length(&self) -> u64 {
            1 << 40
        }

        fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
            Err(io::Error::other("gone"))
        }
    }

    #[test]
    fn a_body_is_read_only_where_it_is_signed() {
        let url = Url::parse("https://edi.example.com/in").expect("a URL");
        let body = &Body::Read(Arc::new(Gone));
        let request = Request { method: "POST", url: &url, headers: &[], body, now: Timestamp::UNIX_EPOCH, nonce: "n" };
        let lines = |means| Credentials { name: "a".into(), means }.lines(&request);
        let one = OAuth1 {
            consumer_key: "ck".into(),
            consumer_secret: "cs".into(),
            token: String::new(),
            token_secret: String::new(),
            realm: String::new(),
            is_sha256: true,
        };
        assert_eq!(lines(Means::OAuth1(Arc::new(one))).expect("its base string has no body").len(), 1);
        let signed = |text: &str| {
            let template = |text| signed::Template::parse(text, true).expect("a template");
            Means::Signed(Arc::new(Signed {
                algorithm: signed::Algorithm::Sha256,
                key: b"key".to_vec(),
                text: template(text),
                encoding: signed::Encoding::Hex,
                headers: vec![("x".to_owned(), template("{signature}"))],
            }))
        };
        assert_eq!(lines(signed("{method}{timestamp}")).expect("it has no body").len(), 1);
        assert_eq!(lines(signed("{method}{body}")).expect_err("it is gone").to_string(), "gone");
    }

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
        let secrets = credentials.secrets();
        assert_eq!(secrets.shown("you sent correct\n horse", 99), "you sent ***");
        assert_eq!(secrets.shown(&format!("you sent {}", basic("u", "correct horse")), 99), "you sent ***");
        assert_eq!(secrets.shown("dTpjb3JyZWN0IGhvcnNl it was", 99), "*** it was", "without its word Basic");
        let mut short = Secrets::default();
        short.add("a");
        assert_eq!(short.shown("a b", 99), "a b");
    }

    /// Cut first, half a secret would be left.
    #[test]
    fn stars_go_over_secrets_before_a_text_is_cut() {
        let mut secrets = Secrets::default();
        for one in ["horse", "correct horse battery"] {
            secrets.add(one);
        }
        assert_eq!(secrets.shown("you sent correct horse battery", 16), "you sent ***");
        assert_eq!(secrets.shown("correct horse battery, horse", 99), "***, ***");
        assert_eq!(format!("{secrets:?}"), "3 secrets");
    }
}
