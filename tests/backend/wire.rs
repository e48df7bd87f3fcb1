//! A wire between a ledger and its server that breaks when it is told to, also in the middle of a COMMIT.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// What the wire does.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub enum Wire {
    Whole,
    /// Breaks instead of carrying the next COMMIT.
    BreaksBeforeCommit,
    /// Carries the next COMMIT, and breaks instead of carrying its answer.
    BreaksAfterCommit,
    /// Carries nothing.
    Down,
}

/// A wire between the store and the server that breaks when it is told to.
pub struct Proxy {
    pub port: u16,
    wire: Arc<AtomicU8>,
}

impl Proxy {
    pub async fn start(socket: PathBuf) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let wire = Arc::new(AtomicU8::new(Wire::Whole as u8));
        let shared = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (wire, socket) = (shared.clone(), socket.clone());
                tokio::spawn(async move {
                    if let Ok(server) = UnixStream::connect(&socket).await {
                        carry(client, server, &wire).await;
                    }
                });
            }
        });
        Proxy { port, wire }
    }

    pub fn becomes(&self, wire: Wire) {
        self.wire.store(wire as u8, Ordering::SeqCst);
    }

    pub fn is(&self, wire: Wire) -> bool {
        self.wire.load(Ordering::SeqCst) == wire as u8
    }
}

/// Carries bytes both ways until one side closes or the wire breaks.
async fn carry(mut client: TcpStream, mut server: UnixStream, wire: &AtomicU8) {
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    let mut swallows = false;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = match read { Ok(count) if count > 0 => &up[..count], _ => return };
                let is_commit = bytes.windows(7).any(|part| part == b"COMMIT\0");
                let state = wire.load(Ordering::SeqCst);
                let breaks = is_commit && state == Wire::BreaksBeforeCommit as u8;
                if breaks || state == Wire::Down as u8 {
                    if breaks { wire.store(Wire::Whole as u8, Ordering::SeqCst); }
                    return;
                }
                swallows = is_commit && state == Wire::BreaksAfterCommit as u8;
                if server.write_all(bytes).await.is_err() { return; }
            }
            read = server.read(&mut down) => {
                let bytes = match read { Ok(count) if count > 0 => &down[..count], _ => return };
                if swallows {
                    wire.store(Wire::Whole as u8, Ordering::SeqCst);
                    return;
                }
                if client.write_all(bytes).await.is_err() { return; }
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                if wire.load(Ordering::SeqCst) == Wire::Down as u8 { return; }
            }
        }
    }
}
