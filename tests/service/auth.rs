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
    for path in [
        "/api/v1/deliveries",
        "/api/v1/secrets",
        "/api/v1/transmissions",
        "/api/v1/documents",
        "/api/v1/acks",
        "/api/v1/webhooks",
        "/api/v1/certificates",
    ] {
        all += &stage.get(path).await.to_string();
    }
    // With their events and attempts.
    for (path, key) in [("transmissions", "transmission_id"), ("documents", "document_id")] {
        for row in stage.list(&format!("/api/v1/{path}")).await {
            all += &stage.get(&format!("/api/v1/{path}/{}", row[key].as_str().expect("an id"))).await.to_string();
        }
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
    let told = stage.apply(&shown(supplier.port, "basic: { user: portolan, password: { secret: lamps-secret } }"));
    // A secret that is not set is told by apply, and parks what needs it.
    assert!(told.ends_with("\nsecret lamps-secret is not set: portolan secret set lamps-secret\n"), "{told}");
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

/// Servers that repeat what they were sent, in clear and in Base64, whole and across the place where their words are cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_receiver_repeats_of_a_secret_is_kept_nowhere() {
    let (stage, supplier) = stage(&[]).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    let written = STANDARD.encode(format!("portolan:{SECRET}"));
    let at = format!("http://127.0.0.1:{}/edi", supplier.port);
    let header = channel(&at, "headers: { X-Key: { secret: lamps-secret }, X-Name: portolan }");
    let basic = shown(supplier.port, "basic: { user: portolan, password: { secret: lamps-secret } }");
    let mut number = 0;
    for resources in [&basic, &header] {
        stage.apply(resources);
        // 300 characters of an answer are kept: the cut goes through all that is repeated.
        for dots in [0, 60, 120, 150, 180, 210, 240, 270] {
            number += 1;
            supplier.then(&[Answer::Repeats(400, dots)]);
            stage.send(order(&format!("47{number:02}"), number)).await;
            stage.deliveries("parked", number as usize).await;
        }
    }
    let parked = stage.deliveries("parked", number as usize).await;
    let reasons: Vec<&str> = parked.iter().filter_map(|one| one["reason"].as_str()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("authorization: ***")), "{reasons:#?}");
    assert!(reasons.iter().any(|reason| reason.contains("x-key: ***")), "{reasons:#?}");
    for part in [SECRET, &SECRET[..6], &written, &written[..6]] {
        unseen(&stage, part).await;
    }
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
    let expected = "auth lamps-login: the token endpoint http://127.0.0.1/token answered 503: ";
    assert!(detail.starts_with(expected), "{detail}");
    // Never so: it is parked, and the endpoint's words are kept without the secret that it repeats.
    let login = Peer::start(&[]).await;
    stage.apply(&oauth2(supplier.port, login.port, &format!("{ALLOWED}, client_auth: post")));
    login.then(&[Answer::Refuses(401, said)]);
    stage.send(order("4712", 2)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert_eq!(parked["code"], "TOKEN-REFUSED", "{parked:#}");
    let reason = parked["reason"].as_str().expect("a reason");
    assert!(reason.ends_with("answered 401: invalid_client: no *** here"), "{reason}");
    // So are its words where they repeat the header line, in which id and secret are Base64, or the form.
    for (number, client_auth, dots) in [(5, "basic", 0), (6, "basic", 200), (7, "basic", 240), (8, "post", 0)] {
        stage.apply(&oauth2(supplier.port, login.port, &format!("{ALLOWED}, client_auth: {client_auth}")));
        login.then(&[Answer::Repeats(401, dots)]);
        stage.send(order(&format!("471{number}"), number)).await;
        stage.deliveries("parked", number as usize - 3).await;
    }
    let encoded = STANDARD.encode(format!("our+id:{SECRET}"));
    for part in [&encoded, &encoded[..12]] {
        unseen(&stage, part).await;
    }
    // An address that is not public is asked only where the auth allows it.
    stage.apply(&oauth2(supplier.port, login.port, ""));
    stage.send(order("4713", 3)).await;
    let parked = stage.deliveries("parked", 6).await;
    let refused =
        parked.iter().find(|one| one["reason"].as_str().is_some_and(|reason| reason.contains("allow_networks")));
    assert!(refused.is_some_and(|one| one["code"] == "TOKEN-REFUSED"), "{parked:#?}");
    assert_eq!((login.posts().len(), supplier.posts().len()), (5, 1));
    unseen(&stage, SECRET).await;
}

#[tokio::test]
async fn err_a_token_whose_answer_breaks_off_is_asked_for_again_and_one_that_has_no_end_is_not() {
    let (stage, supplier) = stage(&[]).await;
    let broken = Answer::Breaks("application/json", 90, b"{\"access_token\": \"tok".to_vec());
    let login = Peer::start(&[broken, granted("token-one", 3600)]).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    stage.apply(&oauth2(supplier.port, login.port, ALLOWED));
    stage.send(order("4711", 1)).await;
    let delivered = to_supplier(&stage, "delivered").await;
    let shown = stage.get(&format!("/api/v1/deliveries/{}", delivered["delivery_id"].as_str().expect("an id"))).await;
    let detail = shown["attempts"][0]["detail"].as_str().expect("a reason");
    assert!(detail.ends_with("answered 200, and its answer broke off"), "{detail}");
    let login = Peer::start(&[Answer::Sends("application/json", vec![b' '; 70_000])]).await;
    stage.apply(&oauth2(supplier.port, login.port, ALLOWED));
    stage.send(order("4712", 2)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert_eq!(parked["code"], "TOKEN-REFUSED", "{parked:#}");
    let reason = parked["reason"].as_str().expect("a reason");
    assert!(reason.contains("answered 200, and its answer has more than 64 KiB"), "{reason}");
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

/// The token endpoint is looked at as any other server is, and what is told of it names the auth.
#[tokio::test]
async fn err_a_token_endpoint_that_nobody_vouches_for_is_asked_once() {
    let (stage, supplier) = stage(&[]).await;
    let theirs = Authority::new("Lamps CA");
    let login = Peer::start_tls(&[], server_tls(&theirs.issue("localhost"), None)).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    let keys = "client_id: our id, client_secret: { secret: lamps-secret }";
    let auth =
        |more: &str| format!("oauth2: {{ token_url: \"https://localhost:{}/token\", {keys}{more} }}", login.port);
    for (number, more, expected) in [
        (1, ", allow_networks: [127.0.0.0/8, \"::1\"]", "UnknownIssuer"),
        (2, "", "add its network to allow_networks of oauth2 of the auth"),
    ] {
        stage.apply(&shown(supplier.port, &auth(more)));
        stage.send(order(&format!("471{number}"), number)).await;
        let parked = stage.deliveries("parked", number as usize).await;
        let told = |one: &&Value| one["reason"].as_str().is_some_and(|reason| reason.contains(expected));
        let one = parked.iter().find(told).unwrap_or_else(|| panic!("{expected}: {parked:#?}"));
        assert_eq!((&one["code"], &one["attempts"]), (&"TOKEN-REFUSED".into(), &1.into()), "{one:#}");
    }
    let parked = stage.deliveries("parked", 2).await;
    let told =
        |one: &Value| one["reason"].as_str().is_some_and(|reason| reason.contains("authorities of oauth2 of the auth"));
    assert!(parked.iter().any(told), "{parked:#?}");
    assert!(supplier.posts().is_empty() && login.posts().is_empty());
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

/// Retail sends to Lamps over AS2: the password of Retail is shown with the message, and wanted by Lamps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_as2_show_and_want_a_password_and_receipts_prove_themselves() {
    use super::as2::{lamps, retail};
    let (lamps, house) = lamps("").await;
    let inbound = lamps.done(&["export"], "");
    let inbound = inbound.split("---\n").find(|one| one.contains("name: retail-as2")).expect("the channel").to_owned();
    lamps.apply(&format!("{inbound}auth: {{ basic: {{ user: retail, password: {{ secret: retail-password }} }} }}\n"));
    lamps.done(&["secret", "set", "retail-password"], SECRET);
    for later in ["", ", receipt_url: OWN/as2"] {
        let retail = retail(&format!("{}/as2", lamps.partner), later).await;
        let outbound = retail.done(&["export"], "");
        let outbound =
            outbound.split("---\n").find(|one| one.contains("name: lamps-out\n")).expect("the channel").to_owned();
        // Receipts that come later come from another machine perhaps: they show nothing, and are taken all the same.
        retail.apply(
            "kind: channel\nname: lamps-in\ntransport: as2\nway: in\npartners: [lamps]\nas2: { from: \"Light & Lamp\", \
             to: RETAIL, certificates: [lamps], keys: [retail] }\nauth: { basic: { user: x, password: { secret: y } } }\n",
        );
        retail.send(order("AS2-1", 1)).await;
        let parked = to_supplier(&retail, "parked").await;
        assert_eq!(parked["code"], "HTTP-401", "{parked:#}");
        let auth = "---\nkind: auth\nname: lamps-login\nbasic: { user: retail, password: { secret: lamps-secret } }\n";
        retail.apply(&format!("{outbound}auth: lamps-login\n{auth}"));
        retail.done(&["secret", "set", "lamps-secret"], SECRET);
        retail.done(&["delivery", "resubmit", parked["delivery_id"].as_str().expect("an id")], "");
        let delivered = to_supplier(&retail, "delivered").await;
        let id = delivered["delivery_id"].as_str().expect("an id");
        assert!(retail.get(&format!("/api/v1/deliveries/{id}")).await["receipt"].is_string(), "a receipt proves it");
        unseen(&retail, SECRET).await;
        // The walk to a partner shows it too.
        let told = retail.done(&["as2", "test", "lamps-out"], "");
        assert!(told.contains("http     passed"), "{told}");
        // What is no receipt is not taken from there without the password.
        let message = retail
            .client
            .post(format!("{}/as2", retail.partner))
            .header("as2-from", "\"Light & Lamp\"")
            .header("as2-to", "RETAIL")
            .header("message-id", "<x@lamps>");
        let signed = message.try_clone().expect("a request").header("content-type", "multipart/signed; boundary=b");
        for request in [message.header("content-type", "application/edifact"), signed] {
            assert_eq!(request.body("UNB").send().await.expect("an answer").status(), 401);
        }
    }
    lamps.until("the orders leave", || async { (!house.posts().is_empty()).then_some(()) }).await;
    unseen(&lamps, SECRET).await;
}

/// Who sends a message says where its receipt goes; our password goes only where the channel says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_is_posted_later_shows_its_auth_where_the_channel_says_and_nowhere_else() {
    use super::as2::{lamps, retail};
    let (known, other) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let (lamps, _house) = lamps("").await;
    let inbound = lamps.done(&["export"], "");
    let inbound = inbound.split("---\n").find(|one| one.contains("name: retail-as2")).expect("the channel").to_owned();
    lamps.done(&["secret", "set", "retail-secret"], SECRET);
    lamps.apply(&format!(
        "{inbound}receipt_auth: {{ name: retail-login, url: \"http://127.0.0.1:{}/\" }}\nheaders: {{ X-Key: {{ secret: \
         retail-secret }}, X-Plain: us }}\n---\nkind: auth\nname: retail-login\nbearer: {{ secret: retail-secret }}\n",
        known.port
    ));
    for (peer, token, key) in [(&known, format!("Bearer {SECRET}"), Some(SECRET)), (&other, String::new(), None)] {
        let later = format!(", receipt_url: \"http://127.0.0.1:{}/mdn\"", peer.port);
        let retail = retail(&format!("{}/as2", lamps.partner), &later).await;
        retail.send(order("AS2-1", 1)).await;
        lamps.until("the receipt", || async { (peer.posts().len() == 1).then_some(()) }).await;
        let post = &peer.posts()[0];
        assert_eq!(authorization(post), token);
        assert_eq!(post.headers.get("x-key").map(String::as_str), key);
        assert_eq!(post.headers["x-plain"], "us");
    }
    let refused =
        lamps.refused(&format!("{inbound}receipt_auth: {{ name: retail-login, url: \"http://partner.example\" }}\n"));
    assert!(refused.contains("receipt_auth.url: expected such as https://as2.example.com/"), "{refused}");
    unseen(&lamps, SECRET).await;
}

#[tokio::test]
async fn signatures_of_oauth_1_and_of_the_partners_own_making_hold_for_what_was_sent() {
    let (stage, supplier) = stage(&[]).await;
    stage.done(&["secret", "set", "lamps-secret"], SECRET);
    let keys = "consumer_key: ck, consumer_secret: { secret: lamps-secret }, realm: \"1234_SB1\"";
    for (number, signature, bits) in [(1, "hmac-sha256", "sha256"), (2, "hmac-sha1", "sha1")] {
        stage.apply(&shown(supplier.port, &format!("oauth1: {{ {keys}, signature: {signature} }}")));
        stage.send(order(&format!("471{number}"), number)).await;
        stage.until("it came", || async { (supplier.posts().len() == number as usize).then_some(()) }).await;
        let post = supplier.posts().pop().expect("a post");
        let said = authorization(&post).to_owned();
        assert!(said.starts_with("OAuth realm=\"1234_SB1\", oauth_consumer_key=\"ck\", "), "{said}");
        let word = |name: &str| {
            let (_, rest) = said.split_once(&format!("{name}=\"")).expect(name);
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        // RFC 5849 3.4, by hand: nothing here needs more encoding than the address.
        let parameters: String =
            ["oauth_consumer_key", "oauth_nonce", "oauth_signature_method", "oauth_timestamp", "oauth_version"]
                .iter()
                .map(|name| format!("{name}%3D{}", word(name)))
                .collect::<Vec<_>>()
                .join("%26");
        let base = format!("POST&http%3A%2F%2F127.0.0.1%3A{}%2Fedi&{parameters}", supplier.port);
        let expected = openssl_hmac(bits, &format!("{SECRET}&"), base.as_bytes());
        let signature = word("oauth_signature").replace("%3D", "=").replace("%2B", "+").replace("%2F", "/");
        assert_eq!(STANDARD.decode(signature).expect("Base64"), expected, "{said}");
    }
    stage.apply(&shown(
        supplier.port,
        "signed:\n  key: { secret: lamps-secret }\n  hmac: sha512\n  text: \"{method}\\\\n{path}\\\\n{timestamp}.{body}\"\n  \
         headers: { X-Partner: portolan, X-Signature: \"t={timestamp},v1={signature}\" }",
    ));
    stage.send(order("4713", 3)).await;
    stage.until("it came", || async { (supplier.posts().len() == 3).then_some(()) }).await;
    let post = supplier.posts().pop().expect("a post");
    assert_eq!(post.headers["x-partner"], "portolan");
    let (time, signature) = post.headers["x-signature"].split_once(",v1=").expect("a signature");
    let time = time.strip_prefix("t=").expect("a time");
    let text = [format!("POST\n/edi\n{time}.").as_bytes(), &post.body].concat();
    let expected: String = openssl_hmac("sha512", SECRET, &text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(signature, expected);
    unseen(&stage, SECRET).await;
}

/// OpenSSL's HMAC.
fn openssl_hmac(digest: &str, key: &str, text: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut child = std::process::Command::new("openssl")
        .args(["dgst", &format!("-{digest}"), "-hmac", key, "-binary"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("openssl");
    child.stdin.take().expect("a pipe").write_all(text).expect("written");
    child.wait_with_output().expect("an end").stdout
}

#[tokio::test]
async fn err_what_cannot_be_meant_is_told_before_it_counts() {
    let stage = Stage::bare("").await;
    let auth = |body: &str| format!("kind: auth\nname: a\n{body}\n");
    let out = |more: &str| channel("http://partner.example/in", more);
    let secret = "{ secret: s }";
    let basic = format!("basic: {{ user: u, password: {secret} }}");
    for (yaml, expected) in [
        (
            auth("{}").replace("{}\n", ""),
            "expected one of basic, bearer, oauth2, oauth1, signed, certificate, found none".to_owned(),
        ),
        (auth(&format!("{basic}\nbearer: {secret}")), "bearer: expected one of them, found basic too".to_owned()),
        (auth("basic: { user: \"a:b\", password: { secret: s } }"), "expected a name without a colon".to_owned()),
        (
            auth("oauth2: { token_url: \"ftp://x\", client_id: c, client_secret: { secret: s } }"),
            "expected such as https://login.example.com/token, found ftp://x".to_owned(),
        ),
        (
            auth("oauth2: { token_url: \"https://x/t\", client_id: c }"),
            "oauth2.client_secret: expected what proves who we are".to_owned(),
        ),
        (
            auth("oauth2: { token_url: \"https://x/t\", client_id: c, client_auth: certificate }"),
            "certificate: expected ours".to_owned(),
        ),
        (
            auth("oauth1: { consumer_key: c, consumer_secret: { secret: s }, token: t }"),
            "oauth1.token_secret: expected with the other half".to_owned(),
        ),
        (
            auth("signed: { key: { secret: s }, text: \"{boddy}\", headers: { X-A: \"{signature}\" } }"),
            "found {boddy}; did you mean body?".to_owned(),
        ),
        (
            auth("signed: { key: { secret: s }, text: \"{body}\", headers: { X-A: x } }"),
            "expected {signature} in one of them".to_owned(),
        ),
        (
            auth("signed: { key: { secret: s }, text: \"{body}\", headers: { Host: \"{signature}\" } }"),
            "found one of the connection".to_owned(),
        ),
        (auth("certificate: ours"), "certificate ours is not there".to_owned()),
        (
            format!(
                "kind: webhook\nname: w\nurl: https://x.example/\n{}",
                "secret: { secret: s }\nallow_networks: [10.0.0/8]\n"
            ),
            "allow_networks[1]: expected a network such as 10.0.0.0/8, found 10.0.0/8".to_owned(),
        ),
        (
            auth(
                "oauth2: { token_url: \"https://x/t\", client_id: c, client_secret: { secret: s }, allow_networks: [10.0.0.0/8, near] }",
            ),
            "oauth2.allow_networks[2]: expected a network such as 10.0.0.0/8, found near".to_owned(),
        ),
        (out("auth: nobody"), "auth: auth nobody is not there".to_owned()),
        (out("auth: token"), "found token, which is of way in".to_owned()),
        (out("method: DELETE"), "expected POST or PUT or PATCH, found DELETE".to_owned()),
        (out("headers: { Transfer-Encoding: chunked }"), "found one of the connection".to_owned()),
        (out("headers: { Idempotency-Key: k }"), "found one that is set for each message".to_owned()),
        (out("headers: { \"a b\": k }"), "expected the name of a header line".to_owned()),
        (out("proxy: { url: \"socks5://p\" }"), "proxy.url: expected such as http://proxy.example:3128".to_owned()),
        (out("client_certificates: [x]"), "expected in a channel of way in only".to_owned()),
        (
            format!("{}---\n{}", out("auth: a\nheaders: { Authorization: x }"), auth(&basic)),
            "expected here or in auth a, found in both".to_owned(),
        ),
    ] {
        let told = stage.refused(&yaml);
        assert!(told.contains(&expected), "{expected}\n{told}");
    }
    for named in ["10.0.0/8", "10.0.0.0/33", "nonsense"] {
        let yaml = format!(
            "kind: channel\nname: n\ntransport: http\nway: out\nurl: https://x.example/\nallow_networks: [{named}]\n"
        );
        let expected = format!("allow_networks[1]: expected a network such as 10.0.0.0/8, found {named}");
        let told = stage.refused(&yaml);
        assert!(told.contains(&expected), "{expected}\n{told}");
    }
}
