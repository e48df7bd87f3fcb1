//! The receiver of what the service delivers: notes each key and each number, answers 200, keeps the connection.

use crate::http::{Message, Wire};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How long nothing may arrive before the run has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A receiver at work.
#[derive(Clone)]
pub struct Peer {
    pub port: u16,
    got: Rc<Got>,
}

#[derive(Default)]
struct Got {
    keys: RefCell<HashSet<String>>,
    orders: RefCell<HashSet<String>>,
    posts: Cell<usize>,
    connections: Cell<usize>,
    bell: Notify,
}

impl Peer {
    /// Listens; call it inside a `LocalSet`.
    pub async fn start() -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let peer = Peer { port, got: Rc::default() };
        let own = peer.clone();
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.got.connections.set(own.got.connections.get() + 1);
                let (peer, mut wire) = (own.clone(), Wire::new(stream));
                tokio::task::spawn_local(async move {
                    while let Some(post) = wire.read().await {
                        peer.note(&post);
                        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"").await;
                    }
                });
            }
        });
        peer
    }

    fn note(&self, post: &Message) {
        self.got.posts.set(self.got.posts.get() + 1);
        let key = post.header("idempotency-key").expect("each delivery has a key");
        self.got.keys.borrow_mut().insert(key.to_owned());
        let text = String::from_utf8_lossy(&post.body);
        let number = text.split_once("BGM+220+").and_then(|(_, rest)| rest.split(['+', '\'']).next());
        self.got.orders.borrow_mut().insert(number.expect("an ORDERS with its number").to_owned());
        self.got.bell.notify_waiters();
    }

    /// Waits until so many different orders came in all; when the last one did.
    pub async fn has(&self, orders: usize) -> Instant {
        let mut last = Instant::now();
        while self.got.orders.borrow().len() < orders {
            let rung = tokio::time::timeout(PATIENCE, self.got.bell.notified()).await;
            assert!(rung.is_ok(), "{} of {orders} orders came, then none", self.got.orders.borrow().len());
            last = Instant::now();
        }
        last
    }

    /// So many came, each once, each under a key of its own.
    pub fn got_each_once(&self, orders: usize) {
        let (posts, keys) = (self.got.posts.get(), self.got.keys.borrow().len());
        assert_eq!((posts, keys, self.got.orders.borrow().len()), (orders, orders, orders), "each order came once");
    }

    /// Different orders that came so far.
    pub fn orders(&self) -> usize {
        self.got.orders.borrow().len()
    }

    /// Connections that were opened so far.
    pub fn connections(&self) -> usize {
        self.got.connections.get()
    }
}
