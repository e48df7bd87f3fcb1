//! Tokens of OAuth 2.0 by client credentials (RFC 6749 4.4): asked for once, kept until shortly before they end, and asked for
//! by one at a time. They are held in memory only and shown to nobody.

use super::{Secrets, basic};
use crate::transport::http::reach::{Clients, Reach};
use crate::transport::http::send::{self, Cut};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a token may take to come.
pub const TOKEN_WAIT: Duration = Duration::from_secs(30);
/// Bytes of an answer that has a token.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of a token.
const TOKEN_CHARACTERS_MAX: usize = 16 * 1024;
/// Characters of a refusal that are told.
const SAID_MAX: usize = 300;
/// How long before its end a token is not used any more, so that it does not end on its way.
const MARGIN: Duration = Duration::from_secs(30);
/// How long one counts whose end is not told (RFC 6749 5.1 leaves that open).
const LIFE_UNTOLD: Duration = Duration::from_secs(300);
/// The longest that one is believed to count.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Tokens that are held.
const TOKENS_MAX: usize = 1024;

/// Where tokens are had, and who asks.
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: String,
    /// Who we are there.
    pub client_id: String,
    /// What proves it; empty where a certificate does.
    pub client_secret: String,
    /// What the token is for; empty: not said.
    pub scope: String,
    /// For whom it is; empty: not said.
    pub audience: String,
    /// How we prove who we are.
    pub client_auth: ClientAuth,
    /// How the endpoint is reached.
    pub reach: Reach,
}

/// How a client proves to a token endpoint who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// `client_secret_basic` (RFC 6749 2.3.1).
    Basic,
    /// `client_secret_post`: id and secret in the form.
    Post,
    /// `tls_client_auth` (RFC 8705 2.1): the certificate of the connection.
    Certificate,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoToken {
    /// In words, without any secret.
    pub reason: String,
    /// It will be the same again until somebody mends something.
    pub is_lasting: bool,
}

/// A token, and whether it was had just now.
pub(in crate::transport::http) struct Had {
    pub token: String,
    pub is_fresh: bool,
}

struct Held {
    token: String,
    ends: Instant,
}

/// What came of the last time that a client asked.
#[derive(Default)]
struct Asked {
    held: Option<Held>,
    /// When it was given none, and why.
    failed: Option<(Instant, NoToken)>,
}

type Place = Arc<tokio::sync::Mutex<Asked>>;

/// The tokens there are, by all that makes them differ.
#[derive(Default)]
pub(in crate::transport::http) struct Tokens(Mutex<HashMap<Vec<u8>, Place>>);

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: serde_json::Value,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Tokens {
    /// The token of a client. `spent` is one that the receiver refused: it is not given again.
    pub(in crate::transport::http) async fn of(
        &self,
        one: &OAuth2,
        clients: &Clients,
        spent: Option<&str>,
    ) -> Result<Had, NoToken> {
        let (place, began) = (self.place(one.key()), Instant::now());
        // Whoever comes second waits here, and finds what the first was given, or why it was given none.
        let mut asked = place.lock().await;
        let fits = |held: &&Held| held.ends > Instant::now() && spent != Some(&*held.token);
        if let Some(held) = asked.held.as_ref().filter(fits) {
            return Ok(Had { token: held.token.clone(), is_fresh: false });
        }
        if let Some((_, why)) = asked.failed.as_ref().filter(|(at, _)| began <= *at) {
            return Err(why.clone());
        }
        asked.held = None;
        match one.ask(clients).await {
            Ok(new) => {
                let token = new.token.clone();
                asked.held = Some(new);
                Ok(Had { token, is_fresh: true })
            }
            Err(why) => {
                asked.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    fn place(&self, key: Vec<u8>) -> Place {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= TOKENS_MAX && !all.contains_key(&key) {
            all.clear();
        }
        all.entry(key).or_default().clone()
    }
}

impl OAuth2 {
    /// A changed secret is another client.
    fn key(&self) -> Vec<u8> {
        let own = [&self.token_url, &self.client_id, &self.client_secret, &self.scope, &self.audience];
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for text in own {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        context.update(format!("{:?}", self.client_auth).as_bytes());
        let identity = self.reach.identity.iter().flat_map(|identity| &identity.chain);
        identity.for_each(|der| context.update(der));
        context.finish().as_ref().to_vec()
    }

    /// The client's secret, in all forms in which it is sent.
    pub(super) fn secrets(&self) -> Secrets {
        let mut found = Secrets::default();
        let encoded = form_encoded(&self.client_secret);
        found.add(&self.client_secret);
        found.add_basic(&form_encoded(&self.client_id), &encoded);
        found
    }

    async fn ask(&self, clients: &Clients) -> Result<Held, NoToken> {
        let lasting = |reason: String| NoToken { reason, is_lasting: true };
        let passing = |reason: String| NoToken { reason, is_lasting: false };
        let url = Url::parse(&self.token_url).map_err(|error| lasting(format!("its token_url: {error}")))?;
        let shown = format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
        self.reach.check(&url).await.map_err(|error| lasting(format!("the token endpoint: {error}")))?;
        let client = clients.of(&self.reach, TOKEN_WAIT).map_err(|error| lasting(error.to_string()))?;
        let mut request = client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        request = request.header("accept", "application/json").body(self.form());
        if self.client_auth == ClientAuth::Basic {
            // 2.3.1: both are encoded as in a form before they are put together.
            let (id, secret) = (form_encoded(&self.client_id), form_encoded(&self.client_secret));
            request = request.header(AUTHORIZATION, basic(&id, &secret));
        }
        let answer = async {
            let mut response = request.send().await.map_err(|error| {
                let reason = send::cause(&error);
                match send::refusal(&error).or_else(|| send::untrusted(&error, self.reach.owner)) {
                    Some(reason) => lasting(format!("the token endpoint: {reason}")),
                    None => passing(format!("the token endpoint {shown} cannot be reached: {reason}")),
                }
            })?;
            let (status, mut body) = (response.status(), Vec::new());
            let told = |cut| format!("the token endpoint {shown} answered {}, and its answer {cut}", status.as_u16());
            match send::read(&mut response, &mut body, ANSWER_BYTES_MAX).await {
                // Of a refusal, what came is enough for a reason.
                Err(cut @ Cut::TooLong(_)) if status.is_success() => Err(lasting(told(cut))),
                Err(cut) if status.is_success() => Err(passing(told(cut))),
                _ => Ok((status, body)),
            }
        };
        let late = || passing(format!("the token endpoint {shown} did not answer within {} s", TOKEN_WAIT.as_secs()));
        let (status, body) = tokio::time::timeout(TOKEN_WAIT, answer).await.unwrap_or_else(|_| Err(late()))?;
        if !status.is_success() {
            let said = match serde_json::from_slice::<Refused>(&body) {
                Ok(Refused { error, error_description }) if error_description.is_empty() => error,
                Ok(Refused { error, error_description }) => format!("{error}: {error_description}"),
                Err(_) => String::from_utf8_lossy(&body).into_owned(),
            };
            let said = self.secrets().shown(&said, SAID_MAX);
            let reason = format!("the token endpoint {shown} answered {}: {said}", status.as_u16());
            let is_passing = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
            return Err(if is_passing { passing(reason) } else { lasting(reason) });
        }
        let wrong =
            |what: &str| lasting(format!("the token endpoint {shown} answered {}, and {what}", status.as_u16()));
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| wrong("no JSON with access_token and token_type in it"))?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") {
            return Err(wrong("with a token that is no bearer token"));
        }
        let is_plain = granted.access_token.bytes().all(|byte| byte.is_ascii_graphic());
        if granted.access_token.is_empty() || granted.access_token.len() > TOKEN_CHARACTERS_MAX || !is_plain {
            return Err(wrong("with a token that cannot stand in a header line"));
        }
        let life = match &granted.expires_in {
            serde_json::Value::Number(number) => number.as_u64(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let life = life.map_or(LIFE_UNTOLD, Duration::from_secs).min(LIFE_MAX);
        // A short one is used for most of its time, and a new one is not asked for at each post.
        let ends = Instant::now() + life.saturating_sub(MARGIN.min(life / 5));
        Ok(Held { token: granted.access_token, ends })
    }

    fn form(&self) -> String {
        let mut fields = vec![("grant_type", "client_credentials")];
        match self.client_auth {
            ClientAuth::Basic => {}
            ClientAuth::Post => {
                fields.extend([("client_id", &*self.client_id), ("client_secret", &*self.client_secret)])
            }
            ClientAuth::Certificate => fields.push(("client_id", &*self.client_id)),
        }
        let more = [("scope", &*self.scope), ("audience", &*self.audience)];
        fields.extend(more.into_iter().filter(|(_, value)| !value.is_empty()));
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", form_encoded(value))).collect();
        pairs.join("&")
    }
}

/// `application/x-www-form-urlencoded` (RFC 6749 B).
fn form_encoded(text: &str) -> String {
    super::oauth1::encoded(text).replace("%20", "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(client_auth: ClientAuth) -> OAuth2 {
        OAuth2 {
            token_url: "https://login.example.com/token".into(),
            client_id: "our id".into(),
            client_secret: "s&=+".into(),
            scope: "edi.write edi.read".into(),
            audience: String::new(),
            client_auth,
            reach: Reach::default(),
        }
    }

    #[test]
    fn the_form_says_what_is_asked_for() {
        let scope = "grant_type=client_credentials&scope=edi.write+edi.read";
        assert_eq!(client(ClientAuth::Basic).form(), scope);
        let post = "grant_type=client_credentials&client_id=our+id&client_secret=s%26%3D%2B&scope=edi.write+edi.read";
        assert_eq!(client(ClientAuth::Post).form(), post);
        let own = "grant_type=client_credentials&client_id=our+id&scope=edi.write+edi.read";
        assert_eq!(client(ClientAuth::Certificate).form(), own);
    }

    /// A token endpoint that takes its time to refuse: who waited for its answer has it, and does not wait for another.
    #[tokio::test]
    async fn who_waits_for_a_token_shares_the_failure_too() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mut one = client(ClientAuth::Basic);
        one.token_url = format!("http://{}/token", listener.local_addr().expect("an address"));
        one.reach.allowed = vec!["127.0.0.0/8".parse().expect("a network")];
        let asked = Arc::new(Mutex::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                *count.lock().expect("no panic held it") += 1;
                tokio::time::sleep(Duration::from_millis(400)).await;
                let _ = stream.read(&mut [0; 4096]).await.expect("a request");
                let answer = b"HTTP/1.1 503 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
                stream.write_all(answer).await.expect("written");
            }
        });
        let (tokens, clients) = (Tokens::default(), Clients::default());
        let of = || tokens.of(&one, &clients, None);
        let (first, second, third) = tokio::join!(of(), of(), of());
        for had in [first, second, third] {
            let told = had.err().expect("there is no token").reason;
            assert!(told.ends_with("answered 503: no"), "{told}");
        }
        assert_eq!(*asked.lock().expect("no panic held it"), 1);
        // Who comes afterwards asks anew.
        assert!(of().await.is_err());
        assert_eq!(*asked.lock().expect("no panic held it"), 2);
    }

    #[test]
    fn another_secret_is_another_token() {
        let (one, mut other) = (client(ClientAuth::Basic), client(ClientAuth::Basic));
        assert_eq!(one.key(), other.key());
        other.client_secret.push('x');
        assert_ne!(one.key(), other.key());
        assert_ne!(one.key(), client(ClientAuth::Post).key());
    }
}
