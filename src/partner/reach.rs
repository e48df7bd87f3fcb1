//! How channels reach partners and are reached by them, checked: auths, certificates of TLS, proxies, methods, header lines.

use super::directory::{Directory, missing};
use super::resource::auth::is_http;
use super::resource::{Auth, Certificate, Channel, ChannelProxy, SecretOrText, Shown, Way, Webhook};

/// Header lines that belong to a connection (RFC 9110 7.6.1) or frame its messages: no channel sets them.
const OF_THE_CONNECTION: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Header lines that are ours to set.
const OURS: [&str; 1] = ["idempotency-key"];
/// Those of a message of AS2.
const OF_AS2: [&str; 14] = [
    "as2-from",
    "as2-to",
    "as2-version",
    "content-disposition",
    "content-transfer-encoding",
    "content-type",
    "date",
    "disposition-notification-options",
    "disposition-notification-to",
    "ediint-features",
    "message-id",
    "mime-version",
    "receipt-delivery-option",
    "subject",
];

impl Directory {
    /// What does not fit in an auth.
    pub(super) fn check_auth(&self, auth: &Auth, found: &mut Vec<String>) {
        auth.check(found);
        if let Some(name) = &auth.certificate {
            self.check_own("certificate", name, found);
        }
        for name in auth.oauth2.iter().flat_map(|one| &one.authorities) {
            self.check_certificate("oauth2.authorities", name, found);
        }
        let headers = auth.signed.iter().flat_map(|one| one.headers.keys());
        headers.for_each(|name| check_header("signed.headers", name, false, found));
    }

    /// What does not fit in how a channel is reached, or reaches others.
    pub(super) fn check_reach(&self, channel: &Channel, found: &mut Vec<String>) {
        let (is_in, is_as2) = (channel.way == Way::In, channel.as2.is_some());
        let mut only = |key: &str, way: Way, is_there: bool| {
            if is_there && channel.way != way {
                let word = if way == Way::In { "in" } else { "out" };
                found.push(format!("{key}: expected in a channel of way {word} only"));
            }
        };
        only("client_certificates", Way::In, !channel.client_certificates.is_empty());
        only("receipt_auth", Way::In, channel.receipt_auth.is_some());
        only("method", Way::Out, channel.method.is_some());
        if channel.receipt_auth.is_some() && !is_as2 {
            found.push("receipt_auth: expected in a channel of transport as2 only".to_owned());
        }
        if is_as2 && channel.method.as_ref().is_some_and(|method| method != "POST") {
            found.push("method: expected POST, for messages of AS2 are posted (RFC 4130 5.1)".to_owned());
        }
        for (key, names) in
            [("client_certificates", &channel.client_certificates), ("authorities", &channel.authorities)]
        {
            names.iter().for_each(|name| self.check_certificate(key, name, found));
        }
        for name in channel.headers.keys() {
            check_header("headers", name, is_as2, found);
        }
        match &channel.auth {
            Some(Shown::Token) if !is_in => {
                found.push("auth: expected the name of an auth, found token, which is of way in".to_owned());
            }
            Some(Shown::Token) if is_as2 => {
                found.push(
                    "auth: expected basic, or the name of an auth with basic, found token: /as2 is no channel's own"
                        .to_owned(),
                );
            }
            Some(Shown::Basic(_)) if !is_in => {
                found.push(
                    "auth: expected the name of an auth, found basic, which is of way in: make an auth of it"
                        .to_owned(),
                );
            }
            Some(Shown::Named(name)) => self.check_shown(channel, name, found),
            _ => {}
        }
        if let Some(receipt) = &channel.receipt_auth {
            self.check_named("receipt_auth.name", &receipt.name, found);
            // Without a slash behind the host, https://lamps.example.evil begins with it too.
            let host = receipt.url.split_once("://").map_or("", |(_, rest)| rest);
            if !is_http(&receipt.url) || !host.contains('/') || host.contains('@') {
                let url = &receipt.url;
                found.push(format!("receipt_auth.url: expected such as https://as2.example.com/, found {url}"));
            }
        }
        check_proxy(channel.proxy.as_ref(), found);
    }

    /// What does not fit in a webhook.
    pub(super) fn check_webhook(&self, hook: &Webhook, found: &mut Vec<String>) {
        hook.check(found);
        if !is_http(&hook.url) {
            found.push(format!("url: expected such as https://hooks.example.com/portolan, found {}", hook.url));
        }
        hook.authorities.iter().for_each(|name| self.check_certificate("authorities", name, found));
        hook.headers.keys().for_each(|name| check_header("headers", name, false, found));
        for name in hook.headers.keys().filter(|name| name.to_ascii_lowercase().starts_with("webhook-")) {
            found.push(format!(
                "headers.{name}: expected a header line of your own, found one that is set for each message"
            ));
        }
        if let Some(name) = &hook.auth {
            self.check_named("auth", name, found);
        }
        check_proxy(hook.proxy.as_ref(), found);
    }

    /// A webhook by name.
    #[must_use]
    pub fn webhook(&self, name: &str) -> Option<&Webhook> {
        self.webhooks.get(name)
    }

    /// All webhooks, by name.
    pub fn webhooks(&self) -> impl Iterator<Item = (&String, &Webhook)> {
        self.webhooks.iter()
    }

    /// An auth in a channel.
    fn check_shown(&self, channel: &Channel, name: &str, found: &mut Vec<String>) {
        let Some(auth) = self.check_named("auth", name, found) else { return };
        if channel.way == Way::In {
            if auth.basic.is_none() || auth.certificate.is_some() {
                let what = "an auth with basic; certificates that senders show stand in client_certificates";
                found.push(format!("auth: expected {what}, found {name}"));
            }
            return;
        }
        let own = channel.headers.keys().find(|header| header.eq_ignore_ascii_case("authorization"));
        if let Some(header) = own.filter(|_| auth.writes_authorization()) {
            found.push(format!("headers.{header}: expected here or in auth {name}, found in both"));
        }
        let is_plain = channel.url.as_ref().is_some_and(|url| url.starts_with("http://"));
        if auth.certificate.is_some() && is_plain {
            found.push(format!("url: expected https, since auth {name} shows a certificate of TLS, found http"));
        }
    }

    pub(super) fn check_named(&self, key: &str, name: &str, found: &mut Vec<String>) -> Option<&Auth> {
        let auth = self.auth(name);
        if auth.is_none() {
            found.push(missing(key, "auth", name, self.auths.keys()));
        }
        auth
    }

    fn check_certificate(&self, key: &str, name: &str, found: &mut Vec<String>) {
        if self.certificate(name).is_none() {
            found.push(missing(key, "certificate", name, self.certificates.keys()));
        }
    }

    fn check_own(&self, key: &str, name: &str, found: &mut Vec<String>) {
        match self.certificate(name) {
            None => self.check_certificate(key, name, found),
            Some(Certificate { key: None, .. }) => {
                found.push(format!("{key}: expected a certificate with a key, found {name}, which has none"));
            }
            Some(_) => {}
        }
    }

    /// An auth by name.
    #[must_use]
    pub fn auth(&self, name: &str) -> Option<&Auth> {
        self.auths.get(name)
    }

    /// The channels and auths that use a certificate for TLS.
    pub(super) fn uses_for_tls(&self, channel: &Channel, name: &str) -> bool {
        let named = |all: &[String]| all.iter().any(|one| one == name);
        let of_auth = |auth: &str| {
            let of_token = |auth: &Auth| auth.oauth2.as_ref().is_some_and(|one| named(&one.authorities));
            self.auth(auth).is_some_and(|auth| auth.certificate.as_deref() == Some(name) || of_token(auth))
        };
        let shown = match &channel.auth {
            Some(Shown::Named(auth)) => of_auth(auth),
            _ => false,
        };
        let receipts = channel.receipt_auth.as_ref().is_some_and(|one| of_auth(&one.name));
        shown || receipts || named(&channel.client_certificates) || named(&channel.authorities)
    }

    /// Whether some channel wants to see a certificate of TLS.
    #[must_use]
    pub fn asks_for_certificates(&self) -> bool {
        self.channels().any(|(_, channel)| !channel.client_certificates.is_empty())
    }

    /// Names of the secrets that auths, proxies and channels use.
    pub(super) fn secrets_of_reach(&self) -> impl Iterator<Item = String> + '_ {
        let auths = self.auths.values().flat_map(Auth::secrets);
        let channels = self.channels().flat_map(|(_, channel)| {
            let basic = match &channel.auth {
                Some(Shown::Basic(basic)) => Some(basic.password.secret.clone()),
                _ => None,
            };
            named(channel.headers.values(), channel.proxy.as_ref()).into_iter().chain(basic)
        });
        let webhooks = self.webhooks.values().flat_map(|hook| {
            let own = std::iter::once(&hook.secret).chain(&hook.previous_secret).map(|one| one.secret.clone());
            named(hook.headers.values(), hook.proxy.as_ref()).into_iter().chain(own.collect::<Vec<_>>())
        });
        auths.chain(channels).chain(webhooks)
    }
}

/// The secrets of header lines and of a proxy.
fn named<'h>(headers: impl Iterator<Item = &'h SecretOrText>, proxy: Option<&ChannelProxy>) -> Vec<String> {
    let headers = headers.filter_map(|value| match value {
        SecretOrText::Secret(secret) => Some(secret.secret.clone()),
        SecretOrText::Text(_) => None,
    });
    let proxy = match proxy {
        Some(ChannelProxy::Proxy(proxy)) => proxy.password.as_ref().map(|one| one.secret.clone()),
        _ => None,
    };
    headers.chain(proxy).collect()
}

fn check_proxy(proxy: Option<&ChannelProxy>, found: &mut Vec<String>) {
    match proxy {
        Some(ChannelProxy::Proxy(proxy)) if !proxy.url.starts_with("http://") => {
            found.push(format!("proxy.url: expected such as http://proxy.example:3128, found {}", proxy.url));
        }
        Some(ChannelProxy::Proxy(proxy)) if proxy.user.is_some() != proxy.password.is_some() => {
            found.push("proxy.user: expected user and password, or neither, found one".to_owned());
        }
        _ => {}
    }
}

fn check_header(key: &str, name: &str, is_as2: bool, found: &mut Vec<String>) {
    let low = name.to_ascii_lowercase();
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        found.push(format!("{key}.{name}: expected the name of a header line (RFC 9110 5.1), found {name:?}"));
    } else if OF_THE_CONNECTION.contains(&low.as_str()) {
        found.push(format!("{key}.{name}: expected a header line of your own, found one of the connection"));
    } else if OURS.contains(&low.as_str()) || (is_as2 && OF_AS2.contains(&low.as_str())) {
        found.push(format!("{key}.{name}: expected a header line of your own, found one that is set for each message"));
    }
}
