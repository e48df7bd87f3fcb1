//! What a channel says of reaching its partner, with its secrets: header lines, proxy, authorities, and how it is shown who
//! sends. Nothing of it is kept beyond an attempt.

use super::state::Service;
use crate::clock::{Clock, Timestamp};
use crate::partner::{
    Auth, Channel, ChannelProxy, OAuth2 as OAuth2Of, Secret, SecretOrText, Shown, Signed as SignedOf, Way,
};
use crate::store::StoreError;
use crate::transport::as2::certificate::{pem, private_key};
use crate::transport::http::address::Network;
use crate::transport::http::auth::oauth1::OAuth1;
use crate::transport::http::auth::oauth2::{ClientAuth, OAuth2};
use crate::transport::http::auth::signed::{Algorithm, Encoding, SIGNATURE, Signed, Template};
use crate::transport::http::auth::{Credentials, Means, Secrets};
use crate::transport::http::reach::{Identity, Owner, Proxy, Reach};
use crate::transport::http::send::Once;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::sync::Arc;

/// Random bytes of a nonce.
const NONCE_BYTES: usize = 16;

/// Everything but what is sent.
pub(super) struct Outbound {
    /// How it is reached.
    pub reach: Reach,
    /// How it is shown who sends.
    pub credentials: Credentials,
    /// Further header lines.
    pub headers: Vec<(String, String)>,
    /// Those of their values that are secrets.
    pub secrets: Secrets,
    /// What signatures have that no other may have.
    pub once: Once,
}

/// Why a partner cannot be reached as its channel says.
#[derive(Debug)]
pub(super) enum Unready {
    /// A secret of this name is not set.
    NoSecret(String),
    /// A secret, certificate or key is not what it should be: in words, and never itself.
    Unfit(String),
    /// The ledger failed.
    Store(StoreError),
}

type Ready<T> = std::result::Result<T, Unready>;

impl Unready {
    /// What is wrong and what to do; `None` where the ledger failed.
    pub(super) fn told(self) -> std::result::Result<(&'static str, String), StoreError> {
        match self {
            Unready::NoSecret(name) => {
                let reason =
                    format!("secret {name} is not set; set it with `portolan secret set {name}`, then resubmit");
                Ok(("SECRET-MISSING", reason))
            }
            Unready::Unfit(reason) => Ok(("AUTH-UNFIT", format!("{reason}; mend it, then resubmit"))),
            Unready::Store(error) => Err(error),
        }
    }
}

/// How the partner of a channel is reached. `receipt_to`: a receipt that is posted later goes there.
///
/// # Errors
/// [`Unready`].
pub(super) async fn outbound(service: &Service, channel: &Channel, receipt_to: Option<&str>) -> Ready<Outbound> {
    let goes_where_said = receipt_to.is_none_or(|url| {
        let said = channel.receipt_auth.as_ref().map(|auth| auth.url.as_str());
        said.is_some_and(|said| url.starts_with(said))
    });
    let name = match (&channel.auth, &channel.receipt_auth, receipt_to) {
        (Some(Shown::Named(name)), _, _) if channel.way == Way::Out => Some(name.as_str()),
        // Who sent the message says where its receipt goes, so that our secrets go only where the channel says.
        (_, Some(auth), Some(_)) if goes_where_said => Some(auth.name.as_str()),
        _ => None,
    };
    let headers = channel.headers.iter();
    let said = Said {
        networks: &channel.allow_networks,
        authorities: &channel.authorities,
        proxy: channel.proxy.as_ref(),
        headers: headers.filter(|(_, value)| goes_where_said || matches!(value, SecretOrText::Text(_))).collect(),
        auth: name,
        owner: Owner::Channel,
    };
    assemble(service, said).await
}

/// What is said of reaching a server.
pub(super) struct Said<'s> {
    /// Networks that may be reached although they are not public.
    pub networks: &'s [String],
    /// Names of certificates of authorities.
    pub authorities: &'s [String],
    /// The proxy, where it is not the instance's.
    pub proxy: Option<&'s ChannelProxy>,
    /// Further header lines.
    pub headers: Vec<(&'s String, &'s SecretOrText)>,
    /// The name of an auth.
    pub auth: Option<&'s str>,
    /// Who says it.
    pub owner: Owner,
}

/// How a server is reached, with the secrets for it.
///
/// # Errors
/// [`Unready`].
pub(super) async fn assemble(service: &Service, said: Said<'_>) -> Ready<Outbound> {
    let mut reach = Reach {
        allowed: networks(said.networks),
        authorities: authorities(service, said.authorities)?,
        identity: None,
        proxy: proxy(service, said.proxy).await?,
        owner: said.owner,
    };
    let mut credentials = Credentials::default();
    if let Some(name) = said.auth {
        let directory = service.directory();
        let auth = directory.auth(name).ok_or_else(|| Unready::Unfit(format!("auth {name} is not there")))?;
        if let Some(certificate) = &auth.certificate {
            if let Some(one) = service.certificate(certificate).filter(|one| !one.is_valid_at(service.now())) {
                let (from, to) = (one.not_before, one.not_after);
                return Err(Unready::Unfit(format!("certificate {certificate} counts from {from} to {to} only")));
            }
            reach.identity = Some(Arc::new(identity(service, certificate).await?));
        }
        credentials = Credentials { name: name.to_owned(), means: means(service, auth, name, &reach).await? };
    }
    let (mut headers, mut secrets) = (Vec::new(), Secrets::default());
    for (name, value) in said.headers {
        let value = match value {
            SecretOrText::Text(text) => text.clone(),
            SecretOrText::Secret(secret) => {
                let value = self::secret(service, secret).await?;
                secrets.add(&value);
                value
            }
        };
        headers.push((name.clone(), value));
    }
    Ok(Outbound { reach, credentials, headers, secrets, once: once(service) })
}

/// The present time and random text.
pub(super) fn once(service: &Service) -> Once {
    let mut bytes = [0; NONCE_BYTES];
    service.store.fill_random(&mut bytes);
    once_at(&*service.clock, bytes)
}

/// The time of the machine: a receiver refuses what was signed in its future.
fn once_at(clock: &dyn Clock, random: [u8; NONCE_BYTES]) -> Once {
    let nonce = random.iter().fold(String::new(), |mut nonce, byte| {
        // A String takes everything.
        let _ = write!(nonce, "{byte:02x}");
        nonce
    });
    Once { now: clock.machine(), nonce }
}

/// The networks that a list names; what is none was told when it was applied.
pub(super) fn networks(names: &[String]) -> Vec<Network> {
    names.iter().filter_map(|text| text.parse().ok()).collect()
}

async fn means(service: &Service, auth: &Auth, name: &str, reach: &Reach) -> Ready<Means> {
    if let Some(basic) = &auth.basic {
        return Ok(Means::Basic { user: basic.user.clone(), password: secret(service, &basic.password).await? });
    }
    if let Some(token) = &auth.bearer {
        return Ok(Means::Bearer(secret(service, token).await?));
    }
    if let Some(one) = &auth.oauth2 {
        return Ok(Means::OAuth2(Arc::new(oauth2(service, one, reach).await?)));
    }
    if let Some(one) = &auth.oauth1 {
        let token_secret = match &one.token_secret {
            Some(named) => secret(service, named).await?,
            None => String::new(),
        };
        return Ok(Means::OAuth1(Arc::new(OAuth1 {
            consumer_key: one.consumer_key.clone(),
            consumer_secret: secret(service, &one.consumer_secret).await?,
            token: one.token.clone().unwrap_or_default(),
            token_secret,
            realm: one.realm.clone().unwrap_or_default(),
            is_sha256: one.signature == "hmac-sha256",
        })));
    }
    if let Some(one) = &auth.signed {
        return Ok(Means::Signed(Arc::new(signed(service, one, name).await?)));
    }
    Ok(Means::None)
}

async fn oauth2(service: &Service, one: &OAuth2Of, reach: &Reach) -> Ready<OAuth2> {
    let client_secret = match &one.client_secret {
        Some(named) => secret(service, named).await?,
        None => String::new(),
    };
    Ok(OAuth2 {
        token_url: one.token_url.clone(),
        client_id: one.client_id.clone(),
        client_secret,
        scope: one.scope.clone().unwrap_or_default(),
        audience: one.audience.clone().unwrap_or_default(),
        client_auth: match one.client_auth.as_str() {
            "post" => ClientAuth::Post,
            "certificate" => ClientAuth::Certificate,
            _ => ClientAuth::Basic,
        },
        reach: Reach {
            allowed: networks(&one.allow_networks),
            authorities: authorities(service, &one.authorities)?,
            identity: reach.identity.clone(),
            proxy: reach.proxy.clone(),
            owner: Owner::Token,
        },
    })
}

async fn signed(service: &Service, one: &SignedOf, name: &str) -> Ready<Signed> {
    let written = secret(service, &one.key).await?;
    let key = match one.key_encoding.as_str() {
        "hex" => from_hexadecimal(&written),
        "base64" => STANDARD.decode(&written).ok(),
        _ => Some(written.into_bytes()),
    };
    let (secret, encoding) = (&one.key.secret, &one.key_encoding);
    let unfit = || Unready::Unfit(format!("secret {secret} of auth {name} is not written in {encoding}"));
    let (text, headers) =
        templates(one).map_err(|(key, error)| Unready::Unfit(format!("auth {name}: {key}: {error}")))?;
    Ok(Signed {
        algorithm: match one.hmac.as_str() {
            "sha1" => Algorithm::Sha1,
            "sha512" => Algorithm::Sha512,
            _ => Algorithm::Sha256,
        },
        key: key.ok_or_else(unfit)?,
        text,
        encoding: if one.encoding == "base64" { Encoding::Base64 } else { Encoding::Hex },
        headers,
    })
}

/// The text that is signed, and the header lines that are added.
type Templates = (Template, Vec<(String, Template)>);

/// Reads the templates of a signature.
///
/// # Errors
/// The key of the first that is none, and why.
pub(super) fn templates(one: &SignedOf) -> std::result::Result<Templates, (String, String)> {
    let text = Template::parse(&one.text, false).map_err(|error| ("signed.text".to_owned(), error))?;
    let mut headers = Vec::new();
    for (name, value) in &one.headers {
        let key = || format!("signed.headers.{name}");
        let template = Template::parse(value, true).map_err(|error| (key(), error))?;
        if template.has("body") {
            return Err((key(), "expected no {body}, which is no header line".to_owned()));
        }
        headers.push((name.clone(), template));
    }
    if !headers.iter().any(|(_, template)| template.has(SIGNATURE)) {
        return Err(("signed.headers".to_owned(), "expected {signature} in one of them, found none".to_owned()));
    }
    Ok((text, headers))
}

/// The bytes that hexadecimal digits stand for, where they are some.
pub(super) fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let is_fit = digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    pairs.collect::<Option<Vec<u8>>>().filter(|_| is_fit)
}

/// A secret as text, without the line end that an editor puts behind it.
pub(super) async fn secret(service: &Service, named: &Secret) -> Ready<String> {
    match service.store.secret(&named.secret).await {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) if error.is_lasting() => Err(Unready::NoSecret(named.secret.clone())),
        Err(error) => Err(Unready::Store(error)),
    }
}

/// The proxy that is said, or that of the instance.
async fn proxy(service: &Service, said: Option<&ChannelProxy>) -> Ready<Option<Proxy>> {
    match said {
        Some(ChannelProxy::Word(_)) => Ok(None),
        Some(ChannelProxy::Proxy(one)) => {
            let login = match (&one.user, &one.password) {
                (Some(user), Some(password)) => Some((user.clone(), secret(service, password).await?)),
                _ => None,
            };
            Ok(Some(Proxy { url: one.url.clone(), login, not_for: Vec::new(), is_ours: false }))
        }
        None => {
            let Some(one) = &service.config.proxy else { return Ok(None) };
            let login = match (&one.user, &one.password) {
                (Some(user), Some(name)) => {
                    let named = Secret { secret: name.clone() };
                    Some((user.clone(), secret(service, &named).await?))
                }
                _ => None,
            };
            Ok(Some(Proxy { url: one.url.clone(), login, not_for: one.no_proxy.clone(), is_ours: true }))
        }
    }
}

/// All certificates that stand under some names.
fn authorities(service: &Service, names: &[String]) -> Ready<Vec<Vec<u8>>> {
    let (directory, mut found) = (service.directory(), Vec::new());
    for name in names {
        let one = directory.certificate(name);
        let one = one.ok_or_else(|| Unready::Unfit(format!("certificate {name} is not there")))?;
        found.extend(chain(&one.pem));
    }
    Ok(found)
}

fn chain(text: &str) -> Vec<Vec<u8>> {
    pem(text.as_bytes()).into_iter().filter(|(label, _)| label == "CERTIFICATE").map(|(_, der)| der).collect()
}

/// A certificate of ours with its key, for TLS.
async fn identity(service: &Service, name: &str) -> Ready<Identity> {
    let directory = service.directory();
    let unfit = |what: &str| Unready::Unfit(format!("certificate {name} {what}"));
    let found = directory.certificate(name).ok_or_else(|| unfit("is not there"))?;
    let key = found.key.as_ref().ok_or_else(|| unfit("has no key"))?;
    let written = secret(service, key).await?;
    let der = private_key(written.as_bytes());
    let der = der.ok_or_else(|| Unready::Unfit(format!("secret {} is no private key in PEM", key.secret)))?;
    Ok(Identity { chain: chain(&found.pem), key: der })
}

/// A certificate of ours with its key, for a listener. One whose time is over is shown all the same: clients say so.
///
/// # Errors
/// What is missing or wrong, in words.
pub async fn identity_of(service: &Service, name: &str) -> std::result::Result<Identity, String> {
    identity(service, name).await.map_err(|unready| match unready {
        Unready::NoSecret(secret) => {
            format!("certificate {name}: secret {secret} is not set; set it with `portolan secret set {secret}`")
        }
        Unready::Unfit(reason) => reason,
        Unready::Store(error) => error.to_string(),
    })
}

/// Whether a certificate that was shown is one of those that a channel names, and counts now.
pub(super) fn is_pinned(service: &Service, names: &[String], shown: &[u8], now: Timestamp) -> bool {
    let found = names.iter().filter_map(|name| service.certificate(name));
    found.into_iter().any(|one| one.der() == shown && one.is_valid_at(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::LedgerClock;

    /// A machine whose clock stands still.
    struct Still(Timestamp);

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    #[test]
    fn signatures_have_the_time_of_the_machine_while_the_ledger_is_ahead() {
        let machine = Timestamp::from_second(1_000_000).expect("a time");
        let ledger = Timestamp::from_second(1_003_600).expect("a time");
        let clock = LedgerClock::new(Arc::new(Still(machine)), Some(ledger));
        assert!(clock.now() >= ledger, "an hour ahead");
        let once = once_at(&clock, [0xA5; NONCE_BYTES]);
        assert_eq!((once.now, once.nonce), (machine, "a5".repeat(NONCE_BYTES)));
    }
}
