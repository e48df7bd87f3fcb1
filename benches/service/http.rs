//! As little HTTP/1.1 as senders and a receiver need, on bare sockets that are kept open: a head, a body of a known
//! length. It is no client for anyone else.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of a head; more is a fault of the bench.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A connection with what was read ahead on it.
pub struct Wire {
    stream: TcpStream,
    ahead: Vec<u8>,
}

/// A request or an answer.
pub struct Message {
    /// All lines before the empty one.
    pub head: String,
    pub body: Vec<u8>,
}

impl Message {
    /// The value of a header line; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(key, value)| (key, value.trim())).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|one| one.1)
    }

    /// Of an answer.
    pub fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

impl Wire {
    pub fn new(stream: TcpStream) -> Wire {
        // The bench sends a message whole; waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        Wire { stream, ahead: Vec::new() }
    }

    /// The next message; `None` when the other side has closed.
    pub async fn read(&mut self) -> Option<Message> {
        let end = loop {
            if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.ahead.len() < HEAD_BYTES_MAX, "no end of the head");
            if self.more().await == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.ahead[..end]).into_owned();
        let mut message = Message { head, body: Vec::new() };
        let length: usize = message.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while self.ahead.len() < end + length {
            if self.more().await == 0 {
                return None;
            }
        }
        message.body = self.ahead[end..end + length].to_vec();
        self.ahead.drain(..end + length);
        Some(message)
    }

    async fn more(&mut self) -> usize {
        // A connection that broke has ended.
        self.stream.read_buf(&mut self.ahead).await.unwrap_or(0)
    }

    /// Sends head and body at once.
    pub async fn write(&mut self, head: &str, body: &[u8]) {
        let message = [head.as_bytes(), body].concat();
        self.stream.write_all(&message).await.expect("the other side reads");
    }
}
