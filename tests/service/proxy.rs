//! What goes out through a proxy, with which method and header lines, and what is never followed or reached.

use super::auth::{Authority, certificate, server_tls};
use super::edi::order;
use super::peer::{Answer, Peer};
use super::stage::{Stage, resources};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const QUICK: &str = "[delivery]\nretry_seconds = [1, 1]\nattempt_seconds = 5\n";
const LOGIN: &str = "Basic dXNlcjpwcm94eS1zZWNyZXQ=";

/// A proxy of HTTP that wants a password: CONNECT, and whole addresses. It notes what it is asked for. Names of `.example` are
/// this machine.
#[derive(Clone)]
struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let proxy = Proxy { port, asked: Arc::default() };
        let own = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = own.clone();
                // Who breaks off has its reasons.
                tokio::spawn(async move { proxy.serve(stream).await });
            }
        });
        proxy
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic held it").clone()
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let line = head.lines().next().unwrap_or_default().to_owned();
        self.asked.lock().expect("no panic held it").push(line.clone());
        if !head.to_ascii_lowercase().contains(&format!("proxy-authorization: {}", LOGIN.to_ascii_lowercase())) {
            return stream.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
        let target = line.split(' ').nth(1).unwrap_or_default();
        let host = target.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let port = host.rsplit(':').next().unwrap_or_default();
        let mut other = TcpStream::connect(format!("127.0.0.1:{port}")).await?;
        if line.starts_with("CONNECT ") {
            stream.write_all(b"HTTP/1.1 200 Go on\r\n\r\n").await?;
        } else {
            // What is asked of a server has no host in its first line, and nothing of the proxy.
            let path = target.trim_start_matches("http://").split_once('/').map_or("", |(_, path)| path);
            let rest: String = head
                .lines()
                .skip(1)
                .filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("proxy-"))
                .map(|line| format!("{line}\r\n"))
                .collect();
            let method = line.split(' ').next().unwrap_or_default();
            other.write_all(format!("{method} /{path} HTTP/1.1\r\n{rest}\r\n").as_bytes()).await?;
            other.write_all(&bytes[end..]).await?;
        }
        copy_bidirectional(&mut stream, &mut other).await.map(drop)
    }
}

fn channel(url: &str, more: &str) -> String {
    format!("kind: channel\nname: lamps-out\ntransport: http\nway: out\nurl: {url}\n{more}\n")
}

async fn to_supplier(stage: &Stage, state: &str) -> Value {
    stage
        .until(&format!("a delivery {state}"), || async {
            let rows = stage.list("/api/v1/deliveries?channel=lamps-out").await;
            rows.into_iter().find(|row| row["state"] == state)
        })
        .await
}

/// An instance with a proxy; the retailer is reached without it.
async fn stage(proxy: &Proxy, supplier: &Peer) -> Stage {
    let retailer = Peer::start(&[]).await;
    let section = format!(
        "{QUICK}[proxy]\nurl = \"http://127.0.0.1:{}\"\nuser = \"user\"\npassword = \"proxy-password\"\n\
         no_proxy = [\"127.0.0.0/8\"]\n",
        proxy.port
    );
    let mut stage = Stage::bare(&section).await;
    stage.done(&["secret", "set", "proxy-password"], "proxy-secret");
    stage.apply(&resources(retailer.port, supplier.port));
    stage.token = stage.new_token("northstores-in");
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_out_goes_through_the_proxy_and_hosts_that_are_named_without_it() {
    let (proxy, authority) = (Proxy::start().await, Authority::new("CA"));
    let plain = Peer::start(&[]).await;
    let secure = Peer::start_tls(&[], server_tls(&authority.issue("lamps.example"), None)).await;
    let stage = stage(&proxy, &plain).await;
    // A name that this machine does not know: the proxy looks it up.
    let url = format!("http://lamps.example:{}/edi?x=1", plain.port);
    stage.apply(&channel(&url, ""));
    stage.send(order("4711", 1)).await;
    to_supplier(&stage, "delivered").await;
    assert_eq!(proxy.asked(), [format!("POST {url} HTTP/1.1")], "the answer to the retailer went without it");
    let post = &plain.posts()[0];
    assert_eq!(post.line, "POST /edi?x=1 HTTP/1.1");
    assert!(!post.headers.contains_key("proxy-authorization"));
    // Over TLS there is a tunnel, and the server's certificate is looked at as ever.
    let ca = certificate("lamps-ca", &authority.pem(), "");
    let url = format!("https://lamps.example:{}/edi", secure.port);
    stage.apply(&format!("{}{ca}", channel(&url, "authorities: [lamps-ca]")));
    stage.send(order("4712", 2)).await;
    stage.until("it came", || async { (secure.posts().len() == 1).then_some(()) }).await;
    assert_eq!(proxy.asked()[1], format!("CONNECT lamps.example:{} HTTP/1.1", secure.port));
    // A channel that wants none, and one that has its own.
    stage
        .apply(&channel(&format!("http://127.0.0.1:{}/edi", plain.port), "proxy: none\nallow_networks: [127.0.0.0/8]"));
    stage.send(order("4713", 3)).await;
    stage.until("it came", || async { (plain.posts().len() == 2).then_some(()) }).await;
    assert_eq!(proxy.asked().len(), 2);
    let own = Proxy::start().await;
    let url = format!("http://lamps.example:{}/edi", plain.port);
    let named = format!(
        "proxy: {{ url: \"http://127.0.0.1:{}\", user: user, password: {{ secret: proxy-password }} }}",
        own.port
    );
    stage.apply(&channel(&url, &named));
    stage.send(order("4714", 4)).await;
    let parked = to_supplier(&stage, "parked").await;
    let reason = parked["reason"].as_str().expect("a reason");
    assert!(reason.contains("allow_networks"), "the proxy of a channel is held against the policy: {reason}");
    stage.apply(&channel(&url, &format!("{named}\nallow_networks: [127.0.0.0/8]")));
    stage.done(&["delivery", "resubmit", parked["delivery_id"].as_str().expect("an id")], "");
    stage.until("it came", || async { (plain.posts().len() == 3).then_some(()) }).await;
    assert_eq!((own.asked().len(), proxy.asked().len()), (1, 2));
    assert!(!stage.log().contains("proxy-secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_a_proxy_that_refuses_and_addresses_that_it_must_not_be_asked_for() {
    let (proxy, authority) = (Proxy::start().await, Authority::new("CA"));
    let plain = Peer::start(&[]).await;
    let secure = Peer::start_tls(&[], server_tls(&authority.issue("lamps.example"), None)).await;
    let stage = stage(&proxy, &plain).await;
    // Addresses that are written as numbers, and names that this machine knows, are held against the policy before.
    for (number, url) in
        [(1, format!("http://10.0.0.1:{}/edi", plain.port)), (2, format!("http://localhost:{}/edi", plain.port))]
    {
        stage.apply(&channel(&url, ""));
        stage.send(order(&format!("471{number}"), number)).await;
        let parked = stage.deliveries("parked", number as usize).await;
        let told = |one: &Value| one["reason"].as_str().is_some_and(|reason| reason.contains("allow_networks"));
        assert!(parked.iter().all(told), "{parked:#?}");
    }
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
    // A wrong password of ours.
    stage.done(&["secret", "set", "proxy-password"], "another");
    for (number, scheme, port) in [(3, "http", plain.port), (4, "https", secure.port)] {
        stage.apply(&channel(&format!("{scheme}://lamps.example:{port}/edi"), ""));
        stage.send(order(&format!("471{number}"), number)).await;
        let parked = stage.deliveries("parked", number as usize).await;
        let count = parked.iter().filter(|one| one["code"] == "HTTP-407").count();
        assert_eq!(count, number as usize - 2, "{parked:#?}");
        assert!(parked.iter().all(|one| one["attempts"] == 1), "{parked:#?}");
    }
    assert!(plain.posts().is_empty() && secure.posts().is_empty());
}

#[tokio::test]
async fn a_channel_says_the_method_and_its_own_header_lines() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, QUICK).await;
    let url = format!("http://127.0.0.1:{}/orders", supplier.port);
    for (at, method) in [(1, "PUT"), (2, "PATCH"), (3, "POST")] {
        let more = "headers: { Content-Type: application/xml, X-Sender: us }\nallow_networks: [127.0.0.0/8]";
        stage.apply(&channel(&url, &format!("method: {method}\n{more}")));
        stage.send(order(&format!("471{at}"), at)).await;
        stage.until("it came", || async { (supplier.posts().len() == at as usize).then_some(()) }).await;
        let post = supplier.posts().pop().expect("a post");
        assert_eq!(post.line, format!("{method} /orders HTTP/1.1"));
        assert_eq!((&*post.headers["content-type"], &*post.headers["x-sender"]), ("application/xml", "us"));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    let (retailer, supplier, other) = (Peer::start(&[]).await, Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, QUICK).await;
    for (number, status) in [(1, 301), (2, 302), (3, 303), (4, 307), (5, 308)] {
        supplier.then(&[Answer::Leads(status, format!("http://127.0.0.1:{}/edi", other.port))]);
        stage.send(order(&format!("471{number}"), number)).await;
        let parked = stage.deliveries("parked", number as usize).await;
        let told =
            |one: &Value| one["reason"].as_str().is_some_and(|reason| reason.contains("redirects are not followed"));
        assert!(parked.iter().all(told), "{parked:#?}");
        assert!(parked.iter().any(|one| one["code"] == format!("HTTP-{status}")), "{parked:#?}");
    }
    assert_eq!((supplier.posts().len(), other.posts().len()), (5, 0));
}
