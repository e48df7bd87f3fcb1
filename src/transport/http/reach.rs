//! How a server is reached: which addresses, over which proxy, and with which certificates of TLS. Each way has a client of its
//! own, so that no connection is used by who might not have made it. What is posted is `send`'s.

use super::address::{Network, may_reach};
use super::auth::Secrets;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{NoProxy, Url};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::Verifier;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a connection stays open without a post. Shorter than receivers commonly wait: what is sent while they close
/// it would be in doubt.
const CONNECTION_IDLE: Duration = Duration::from_secs(2);
/// How long a client is used.
const CLIENT_LIFE: Duration = Duration::from_secs(600);
/// Clients that are kept; the oldest goes when there are more.
const CLIENTS_MAX: usize = 256;
/// How long the addresses of a name may take, where we ask for them before anything is sent.
pub(super) const RESOLVE_WAIT: Duration = Duration::from_secs(5);

/// How a server is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Networks that may be reached although they are not public.
    pub allowed: Vec<Network>,
    /// Whose certificates of servers count besides those that this machine trusts, in DER.
    pub authorities: Vec<Vec<u8>>,
    /// What we show a server that asks for a certificate.
    pub identity: Option<Arc<Identity>>,
    /// What the connection goes through.
    pub proxy: Option<Proxy>,
    /// Where all this is said.
    pub owner: Owner,
}

/// Where it is said how a server is reached, so that a remedy can name the place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Owner {
    /// In a channel.
    #[default]
    Channel,
    /// In a webhook.
    Webhook,
    /// In the post of a recipient.
    Recipient,
    /// In an auth, for its token endpoint.
    Token,
    /// In the configuration of this instance: whoever runs it chose the address, so that none is refused.
    Telemetry,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Owner::Channel => "the channel",
            Owner::Webhook => "the webhook",
            Owner::Recipient => "the recipient's post",
            Owner::Token => "oauth2 of the auth",
            Owner::Telemetry => "[telemetry]",
        })
    }
}

/// A certificate of ours with its key.
#[derive(PartialEq, Eq)]
pub struct Identity {
    /// The certificate, then those that lead to its root, in DER.
    pub chain: Vec<Vec<u8>>,
    /// Its private key in DER: PKCS#8, PKCS#1 or SEC1.
    pub key: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

/// A proxy of HTTP: CONNECT for https (RFC 9110 9.3.6), the whole URL for http (RFC 9112 3.2.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its address, `http://proxy.example:3128`.
    pub url: String,
    /// Its user and password, where it asks for them.
    pub login: Option<(String, String)>,
    /// Hosts that are reached without it: `example.com` with all below it, `10.0.0.0/8`, `*`.
    pub not_for: Vec<String>,
    /// Whoever runs this machine named it, so its own address is not looked at.
    pub is_ours: bool,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, is_open) = (&self.url, self.login.is_none());
        f.debug_struct("Proxy").field("url", url).field("is_open", &is_open).finish_non_exhaustive()
    }
}

/// Why a server is not asked.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// It has only addresses that may not be reached: in words.
    #[error("{0}")]
    NotAllowed(String),
    /// Certificates, keys or the proxy are not what they should be: in words, and never the key.
    #[error("{0}")]
    Unfit(String),
}

/// The clients there are.
#[derive(Default)]
pub(super) struct Clients(Mutex<Vec<Client>>);

struct Client {
    reach: Reach,
    patience: Duration,
    made: Instant,
    client: reqwest::Client,
}

impl Clients {
    /// The client for such a way. One that has lived long enough is made anew, for it knows the authorities of when it
    /// was made; reading those takes some milliseconds, which is why it is kept at all.
    pub(super) fn of(&self, reach: &Reach, patience: Duration) -> Result<reqwest::Client, ReachError> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|one| one.made.elapsed() < CLIENT_LIFE);
        if let Some(one) = clients.iter().find(|one| one.reach == *reach && one.patience == patience) {
            return Ok(one.client.clone());
        }
        let unfit = |error: reqwest::Error| ReachError::Unfit(format!("no client can be made: {error}"));
        let ours = reach.proxy.as_ref().filter(|proxy| proxy.is_ours).and_then(Proxy::host);
        let builder = reqwest::Client::builder()
            .dns_resolver(Arc::new(Checked { allowed: reach.allowed.clone(), ours, owner: reach.owner }))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience)
            .pool_idle_timeout(CONNECTION_IDLE)
            .tls_backend_preconfigured(reach.tls()?);
        let builder = match &reach.proxy {
            None => builder.no_proxy(),
            Some(proxy) => builder.proxy(proxy.read().map_err(unfit)?),
        };
        let client = builder.build().map_err(unfit)?;
        if clients.len() == CLIENTS_MAX {
            clients.remove(0);
        }
        clients.push(Client { reach: reach.clone(), patience, made: Instant::now(), client: client.clone() });
        Ok(client)
    }
}

impl Proxy {
    fn read(&self) -> reqwest::Result<reqwest::Proxy> {
        let proxy = reqwest::Proxy::all(&self.url)?.no_proxy(NoProxy::from_string(&self.not_for.join(",")));
        Ok(match &self.login {
            Some((user, password)) => proxy.basic_auth(user, password),
            None => proxy,
        })
    }

    fn host(&self) -> Option<String> {
        Url::parse(&self.url).ok()?.host_str().map(str::to_owned)
    }
}

impl Reach {
    /// What a proxy is shown: it may answer in the place of who is asked.
    pub(super) fn secrets(&self) -> Secrets {
        let mut found = Secrets::default();
        if let Some((user, password)) = self.proxy.as_ref().and_then(|proxy| proxy.login.as_ref()) {
            found.add_basic(user, password);
        }
        found
    }

    /// TLS 1.2 and 1.3 as a client. Who is trusted is said by this machine, and by `authorities`.
    ///
    /// # Errors
    /// A certificate or key is not what it should be.
    pub fn tls(&self) -> Result<ClientConfig, ReachError> {
        let unfit = |error: rustls::Error| ReachError::Unfit(format!("TLS: {error}"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(self.verifier()?);
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(unfit)?.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::try_from(identity.key.clone());
                let key = key.map_err(|error| ReachError::Unfit(format!("the key of our certificate: {error}")))?;
                let chain = identity.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
                config.with_client_auth_cert(chain, key).map_err(|error| {
                    ReachError::Unfit(format!("our certificate and its key are no pair for TLS: {error}"))
                })?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Who says whether the certificate of a server counts.
    ///
    /// # Errors
    /// An authority is none.
    pub(super) fn verifier(&self) -> Result<Verifier, ReachError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let roots = self.authorities.iter().map(|der| CertificateDer::from(der.clone()));
        let verifier = Verifier::new_with_extra_roots(roots, provider);
        verifier.map_err(|error| ReachError::Unfit(format!("the authorities of {}: {error}", self.owner)))
    }

    /// Refuses what can be known not to be reachable before anybody is asked. An address that stands in place of a name is
    /// looked at here, for no name is looked up then; and so are the addresses of a name that a proxy will look up, as far
    /// as this machine knows them. What the proxy makes of the name is its own affair.
    ///
    /// # Errors
    /// [`ReachError::NotAllowed`], with what to do where it is meant.
    pub(super) async fn check(&self, url: &Url) -> Result<(), ReachError> {
        self.check_host(url)?;
        let Some(proxy) = &self.proxy else { return Ok(()) };
        if let (false, Ok(own)) = (proxy.is_ours, Url::parse(&proxy.url)) {
            self.check_host(&own)?;
        }
        let host = url.host_str().unwrap_or_default();
        let found = tokio::time::timeout(RESOLVE_WAIT, tokio::net::lookup_host((host, 0))).await;
        let Ok(Ok(found)) = found else { return Ok(()) };
        let all: Vec<IpAddr> = found.map(|one| one.ip()).collect();
        self.check_all(host, &all)
    }

    /// A proxy is given the name, and which of its addresses it takes is its choice: each must be allowed.
    fn check_all(&self, host: &str, all: &[IpAddr]) -> Result<(), ReachError> {
        match all.iter().find(|one| !may_reach(**one, &self.allowed)) {
            Some(one) => Err(ReachError::NotAllowed(not_public(host, Some(*one), self.owner))),
            None => Ok(()),
        }
    }

    fn check_host(&self, url: &Url) -> Result<(), ReachError> {
        let host = url.host_str().ok_or_else(|| ReachError::NotAllowed(format!("{url}: no host")))?;
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !may_reach(address, &self.allowed) => {
                Err(ReachError::NotAllowed(not_public(host, Some(address), self.owner)))
            }
            _ => Ok(()),
        }
    }
}

/// Finds the addresses of a name, and tells only those that may be reached.
struct Checked {
    allowed: Vec<Network>,
    /// The host of our own proxy.
    ours: Option<String>,
    owner: Owner,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, owner) = (self.allowed.clone(), self.owner);
        let is_ours = self.ours.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await;
            let all: Vec<_> = found.map_err(|error| std::io::Error::other(format!("{host}: {error}")))?.collect();
            let may = |one: &SocketAddr| is_ours || may_reach(one.ip(), &allowed);
            let open: Vec<_> = all.iter().copied().filter(may).collect();
            if open.is_empty() {
                return Err(ReachError::NotAllowed(not_public(host, all.first().map(SocketAddr::ip), owner)).into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

/// Why an address is not tried, and what to do where it is meant.
pub(super) fn not_public(host: &str, address: Option<IpAddr>, owner: Owner) -> String {
    let found = address.map_or_else(|| "no address".to_owned(), |address| address.to_string());
    format!(
        "{host} is {found}, which is not a public address; if it is meant, add its network to allow_networks of {owner}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_not_given_a_name_of_which_one_address_may_not_be_reached() {
        let all = ["203.0.114.7", "10.0.0.1"].map(|text| text.parse().expect("an address"));
        let reach = Reach { owner: Owner::Webhook, ..Reach::default() };
        let told = reach.check_all("lamps.example", &all).expect_err("10.0.0.1 is not public").to_string();
        assert!(told.starts_with("lamps.example is 10.0.0.1, "), "{told}");
        assert!(told.ends_with("allow_networks of the webhook"), "{told}");
        let allowed = vec!["10.0.0.0/8".parse().expect("a network")];
        let reach = Reach { allowed, ..Reach::default() };
        assert!(reach.check_all("lamps.example", &all).is_ok());
    }
}
