//! How we show partners who sends: by passwords, tokens, signatures and certificates of TLS, against receivers that look at
//! them; and that no secret is ever seen.

use super::edi::order;
use super::peer::{Answer, Peer, Post};
use super::stage::Stage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::sync::Arc;

const QUICK: &str = "[delivery]\nretry_seconds = [1, 1, 1]\nattempt_seconds = 5\n";
/// What must be seen by the receiver only.
const SECRET: &str = "correct-horse-battery";

async fn stage(script: &[Answer]) -> (Stage, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(script).await);
    (Stage::with(&retailer, &supplier, QUICK).await, supplier)
}

/// The supplier's channel, with more lines, at an address.
fn channel(url: &str, more: &str) -> String {
    format!(
        "kind: channel\nname: lamps-out\ntransport: http\nway: out\nurl: {url}\nallow_networks: [127.0.0.0/8, \"::1\"]\n{more}\n"
    )
}

/// The same, with an auth that it uses.
fn shown(port: u16, auth: &str) -> String {
    format!(
        "{}auth: lamps-login\n---\nkind: auth\nname: lamps-login\n{auth}\n",
        channel(&format!("http://127.0.0.1:{port}/edi"), "")
    )
}

async fn to_supplier(stage: &Stage, state: &str) -> Value {
    stage
        .until(&format!("a delivery {state}"), || async {
            let rows = stage.list("/api/v1/deliveries?channel=lamps-out").await;
            rows.into_iter().find(|row| row["state"] == state)
        })
        .await
}

fn authorization(post: &Post) -> &str {
    post.headers.get("authorization").map_or("", String::as_str)
}

/// Nothing that is shown to anybody has the secret.
async fn unseen(stage: &Stage, secret: &str) {
    let mut all = stage.log();
    all += &stage.done(&["export"], "");
    for path in ["/api/v1/deliveries", "/api/v1/secrets", "/api/v1/transmissions"] {
        all += &stage.get(path).await.to_string();
    }
    for row in stage.list("/api/v1/deliveries").await {
        all += &stage
            .get(&format!("/api/v1/deliveries/{}", row["delivery_id"].as_str().expect("an id")))
            .await
            .to_string();
    }
    assert!(!all.contains(secret), "{secret} is seen");
}

#[tokio::test]
async fn passwords_and_tokens_are_shown_to_the_receiver_and_to_nobody_else() {
    let (stage, supplier) = stage(&[]).await;
    stage.apply(&shown(supplier.port, "basic: { user: portolan, password: { secret: lamps-secret } }"));
    // A secret that is not set is told by apply, and parks what needs it.
    let told = stage.done(&["secret", "list"], "");
    assert!(told.contains("lamps-secret"), "{told}");
    stage.send(order("4711", 1)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert_eq!(parked["code"], "SECRET-MISSING", "{parked:#}");
    assert!(supplier.posts().is_empty());
    stage.done(&["secret", "set", "lamps-secret"], &format!("{SECRET}\n"));
    stage.done(&["delivery", "resubmit", parked["delivery_id"].as_str().expect("an id")], "");
    to_supplier(&stage, "delivered").await;
    let expected = format!("Basic {}", STANDARD.encode(format!("portolan:{SECRET}")));
    assert_eq!(authorization(&supplier.posts()[0]), expected);

    stage.apply(&shown(supplier.port, "bearer: { secret: lamps-secret }"));
    stage.send(order("4712", 2)).await;
    stage.until("the second", || async { (supplier.posts().len() == 2).then_some(()) }).await;
    assert_eq!(authorization(&supplier.posts()[1]), format!("Bearer {SECRET}"));
    unseen(&stage, SECRET).await;
    unseen(&stage, &STANDARD.encode(format!("portolan:{SECRET}"))).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_take_it_parks_the_delivery_and_says_which_auth() {
    let says = Answer::Status(401);
    let (stage, supplier) = stage(&[says, Answer::Status(403), Answer::Status(401)]).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    stage.apply(&shown(supplier.port, "bearer: { secret: lamps-secret }"));
    for (number, expected) in
        [(1, "does not take what auth lamps-login shows"), (2, "knows auth lamps-login and does not let it in")]
    {
        stage.send(order(&format!("471{number}"), number)).await;
        let parked = stage.deliveries("parked", number as usize).await;
        let reasons: Vec<&str> = parked.iter().filter_map(|one| one["reason"].as_str()).collect();
        assert!(reasons.iter().any(|reason| reason.contains(expected)), "{reasons:?}");
        assert!(parked.iter().all(|one| one["attempts"] == 1), "what is refused is not repeated blindly: {parked:#?}");
    }
    stage.apply(&channel(&format!("http://127.0.0.1:{}/edi", supplier.port), ""));
    stage.send(order("4713", 3)).await;
    let parked = stage.deliveries("parked", 3).await;
    let asks =
        |one: &Value| one["reason"].as_str().is_some_and(|reason| reason.contains("name an auth in the channel"));
    assert!(parked.iter().any(asks), "{parked:#?}");
}

fn granted(token: &str, seconds: u32) -> Answer {
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds });
    Answer::Sends("application/json", body.to_string().into_bytes())
}

fn oauth2(supplier: u16, login: u16, more: &str) -> String {
    let keys = "client_id: our id, client_secret: { secret: lamps-secret }, scope: edi.write, audience: lamps";
    shown(supplier, &format!("oauth2: {{ token_url: \"http://127.0.0.1:{login}/token?key=k\", {keys}, {more} }}"))
}

const ALLOWED: &str = "allow_networks: [127.0.0.0/8]";

#[tokio::test]
async fn a_token_is_asked_for_once_used_until_it_is_refused_and_then_had_anew() {
    let (stage, supplier) = stage(&[]).await;
    let login = Peer::start(&[granted("token-one", 3600), granted("token-two", 3600)]).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    stage.apply(&oauth2(supplier.port, login.port, ALLOWED));
    for number in 1..=6 {
        stage.send(order(&format!("471{number}"), number)).await;
    }
    stage.until("six orders", || async { (supplier.posts().len() == 6).then_some(()) }).await;
    assert_eq!(login.posts().len(), 1, "one fetch for all, however many go at once");
    assert!(supplier.posts().iter().all(|post| authorization(post) == "Bearer token-one"));
    let asked = &login.posts()[0];
    assert_eq!(asked.line, "POST /token?key=k HTTP/1.1");
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(authorization(asked), format!("Basic {}", STANDARD.encode(format!("our+id:{SECRET}"))));
    assert_eq!(asked.body, b"grant_type=client_credentials&scope=edi.write&audience=lamps");
    // The receiver has forgotten it: the same attempt goes on with a fresh one, under the same key.
    supplier.then(&[Answer::Status(401)]);
    stage.send(order("4718", 8)).await;
    stage.deliveries("delivered", 14).await;
    let posts = supplier.posts();
    let (refused, taken) = (&posts[6], &posts[7]);
    assert_eq!((authorization(refused), authorization(taken)), ("Bearer token-one", "Bearer token-two"));
    assert_eq!((refused.key(), &refused.body), (taken.key(), &taken.body));
    // One that is fresh and refused is not asked for again and again.
    login.then(&[granted("token-three", 3600)]);
    supplier.then(&[Answer::Status(401), Answer::Status(401)]);
    stage.send(order("4719", 9)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert_eq!((&parked["code"], &parked["attempts"]), (&"HTTP-401".into(), &1.into()), "{parked:#}");
    assert_eq!((login.posts().len(), supplier.posts().len()), (3, 10));
    for secret in [SECRET, "token-one", "token-two", "token-three"] {
        unseen(&stage, secret).await;
    }
}

#[tokio::test]
async fn a_token_that_ends_soon_is_had_anew_before_it_ends() {
    let (stage, supplier) = stage(&[]).await;
    let login = Peer::start(&[granted("token-one", 1), granted("token-two", 3600)]).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    stage.apply(&oauth2(supplier.port, login.port, &format!("{ALLOWED}, client_auth: post")));
    stage.send(order("4711", 1)).await;
    stage.until("the first", || async { (supplier.posts().len() == 1).then_some(()) }).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    stage.send(order("4712", 2)).await;
    stage.until("the second", || async { (supplier.posts().len() == 2).then_some(()) }).await;
    let shown: Vec<String> = supplier.posts().iter().map(|post| authorization(post).to_owned()).collect();
    assert_eq!(shown, ["Bearer token-one", "Bearer token-two"]);
    let form = "grant_type=client_credentials&client_id=our+id&client_secret=correct-horse-battery&scope=edi.write&audience=lamps";
    assert_eq!(login.posts()[0].body, form.as_bytes());
    assert_eq!(authorization(&login.posts()[0]), "");
}

#[tokio::test]
async fn err_a_token_that_cannot_be_had_is_told_as_such_and_nothing_is_sent() {
    let (stage, supplier) = stage(&[]).await;
    let said = json!({ "error": "invalid_client", "error_description": format!("no {SECRET} here") }).to_string();
    let login = Peer::start(&[Answer::Status(503), granted("token-one", 3600)]).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    stage.apply(&oauth2(supplier.port, login.port, ALLOWED));
    // Not now: it is tried again as any other that did not get through.
    stage.send(order("4711", 1)).await;
    let delivered = to_supplier(&stage, "delivered").await;
    assert_eq!(delivered["attempts"], 2, "{delivered:#}");
    let shown = stage.get(&format!("/api/v1/deliveries/{}", delivered["delivery_id"].as_str().expect("an id"))).await;
    let detail = shown["attempts"][0]["detail"].as_str().expect("a reason");
    let expected = format!("auth lamps-login: the token endpoint http://127.0.0.1/token answered 503: ");
    assert!(detail.starts_with(&expected), "{detail}");
    // Never so: it is parked, and the endpoint's words are kept without the secret that it repeats.
    let login = Peer::start(&[]).await;
    stage.apply(&oauth2(supplier.port, login.port, &format!("{ALLOWED}, client_auth: post")));
    login.then(&[Answer::Refuses(401, said)]);
    stage.send(order("4712", 2)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert_eq!(parked["code"], "TOKEN-REFUSED", "{parked:#}");
    let reason = parked["reason"].as_str().expect("a reason");
    assert!(reason.ends_with("answered 401: invalid_client: no *** here"), "{reason}");
    // An address that is not public is asked only where the auth allows it.
    stage.apply(&oauth2(supplier.port, login.port, ""));
    stage.send(order("4713", 3)).await;
    let parked = stage.deliveries("parked", 2).await;
    let refused =
        parked.iter().find(|one| one["reason"].as_str().is_some_and(|reason| reason.contains("allow_networks")));
    assert!(refused.is_some_and(|one| one["code"] == "TOKEN-REFUSED"), "{parked:#?}");
    assert_eq!((login.posts().len(), supplier.posts().len()), (1, 1));
    unseen(&stage, SECRET).await;
}

/// An authority, and what it made.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key, both in PEM.
    pub fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.0).expect("a certificate").pem(), key.serialize_pem())
    }
}

/// TLS of a server; `clients`: the authority whose certificates it wants to see.
pub fn server_tls((certificate, key): &(String, String), clients: Option<&Authority>) -> rustls::ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.0.der().clone()).expect("a root");
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    builder.with_single_cert(chain, key).expect("a pair")
}

/// A certificate as a resource; `secret` names its key.
pub fn certificate(name: &str, pem: &str, secret: &str) -> String {
    let pem = pem.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let key = if secret.is_empty() { String::new() } else { format!("key: {{ secret: {secret} }}\n") };
    format!("---\nkind: certificate\nname: {name}\npem: |\n{pem}{key}")
}

#[tokio::test]
async fn a_server_that_asks_for_our_certificate_sees_it_and_its_authority_counts_where_the_channel_says() {
    let (stage, _) = stage(&[]).await;
    let (theirs, ours) = (Authority::new("Lamps CA"), Authority::new("Partners CA"));
    let server = Peer::start_tls(&[], server_tls(&theirs.issue("localhost"), Some(&ours))).await;
    let (certificate_pem, key) = ours.issue("portolan");
    let url = format!("https://localhost:{}/edi", server.port);
    let certificates = format!(
        "{}{}",
        certificate("lamps-ca", &theirs.pem(), ""),
        certificate("our-tls", &certificate_pem, "our-tls-key")
    );
    // Nobody vouches for the server: nothing is sent, and it is not tried again blindly.
    stage.apply(&format!("{}{certificates}", channel(&url, "")));
    stage.send(order("4711", 1)).await;
    let waiting = to_supplier(&stage, "parked").await;
    let reason = waiting["reason"].as_str().expect("a reason");
    assert!(reason.contains("UnknownIssuer") && reason.contains("authorities of the channel"), "{reason}");
    assert_eq!(waiting["attempts"], 1, "{waiting:#}");
    // The server is trusted, and does not trust us.
    stage.apply(&channel(&url, "authorities: [lamps-ca]"));
    stage.send(order("4712", 2)).await;
    let parked = stage.deliveries("parked", 2).await;
    let told = |one: &Value| one["reason"].as_str().is_some_and(|reason| reason.contains("CertificateRequired"));
    assert!(parked.iter().any(told), "{parked:#?}");
    assert!(server.posts().is_empty());
    let auth = "---\nkind: auth\nname: lamps-login\ncertificate: our-tls\n";
    stage.apply(&format!("{}{auth}", channel(&url, "authorities: [lamps-ca]\nauth: lamps-login")));
    stage.done(&["secret", "set", "our-tls-key"], &key);
    stage.send(order("4713", 3)).await;
    to_supplier(&stage, "delivered").await;
    assert_eq!(server.posts().len(), 1);
    let listed = stage.done(&["certificate", "list"], "");
    assert!(listed.contains("lamps-out"), "who uses it is told: {listed}");
    // A key that is none of the certificate's.
    stage.done(&["secret", "set", "our-tls-key"], &ours.issue("another").1);
    stage.send(order("4714", 4)).await;
    let parked = stage.deliveries("parked", 3).await;
    let told = |one: &Value| one["reason"].as_str().is_some_and(|reason| reason.contains("are no pair"));
    assert!(parked.iter().any(told), "{parked:#?}");
    stage.balanced().await;
}
