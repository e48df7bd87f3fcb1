//! Says what is wrong with a request that is no HTTP/1.1. The parser answers such a one by itself, with a status and nothing
//! else; here the answer gets a reason, as every other refusal has one. Bytes are looked at and never changed.

use super::receive::Refusal;
use hyper::body::{Body, Frame, SizeHint};
use serde_json::json;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a head that are looked at for the reason.
const LOOKED_AT_MAX: usize = 64 * 1024;
/// Characters of the name of a header line that are told.
const NAME_SHOWN_MAX: usize = 64;

/// Nothing of a handler is under way: what is written now is the parser's.
const NOTHING: u8 = 0;
/// An answer of a handler is under way.
const UNDER_WAY: u8 = 1;
/// All of one is with the writer, which may hold bytes of it still.
const HANDED_OVER: u8 = 2;

/// Whether an answer of a handler is under way on a connection, which has one at a time.
#[derive(Debug, Clone)]
pub struct Answering(Arc<AtomicU8>);

impl Default for Answering {
    fn default() -> Self {
        Answering(Arc::new(AtomicU8::new(NOTHING)))
    }
}

impl Answering {
    /// There is an answer with such a body; it is under way until the body was dropped and what it gave is written.
    pub fn begin<B>(&self, body: B) -> Answered<B> {
        self.0.store(UNDER_WAY, Ordering::Release);
        Answered { body, answering: self.clone() }
    }
}

/// The body of an answer, which tells when it is dropped.
pub struct Answered<B> {
    body: B,
    answering: Answering,
}

impl<B: Body + Unpin> Body for Answered<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Answered<B> {
    fn drop(&mut self) {
        self.answering.0.store(HANDED_OVER, Ordering::Release);
    }
}

/// A connection whose answers of the parser get a reason.
pub struct Told<S> {
    stream: S,
    answering: Answering,
    /// What came since the last answer, as far as it is looked at.
    head: Vec<u8>,
    /// What is written in place of the parser's answer, and how much of it is.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Told<S> {
    /// Looks at what goes over a connection.
    pub fn new(stream: S, answering: Answering) -> Self {
        Told { stream, answering, head: Vec::new(), instead: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Told<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let room = LOOKED_AT_MAX.saturating_sub(self.head.len());
        let came = &buffer.filled()[before..];
        self.head.extend_from_slice(&came[..came.len().min(room)]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Told<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let own = &mut *self;
        if own.instead.is_none() {
            // What a handler sends may begin like an answer of the parser, at any of its bytes.
            let is_ours = own.answering.0.load(Ordering::Acquire) != NOTHING;
            if !is_ours && let Some(refusal) = refusal(bytes, &own.head) {
                own.instead = Some((answer(&refusal), 0));
            }
        }
        if let Some((answer, written)) = &mut own.instead {
            while *written < answer.len() {
                let count = ready!(Pin::new(&mut own.stream).poll_write(cx, &answer[*written..]))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                *written += count;
            }
            // The parser closes the connection after it.
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut own.stream).poll_write(cx, bytes)
    }

    /// hyper flushes when it holds no byte more, so that what was handed over is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let own = &mut *self;
        let flag = &own.answering.0;
        if flag.compare_exchange(HANDED_OVER, NOTHING, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            own.head.clear();
        }
        Pin::new(&mut own.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What an answer of the parser means; `None` where it is none.
fn refusal(answer: &[u8], head: &[u8]) -> Option<Refusal> {
    let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    Some(match status {
        b"400" => malformed(head),
        b"414" => Refusal { status: 414, code: "URI-TOO-LONG", detail: "the address is too long".to_owned() },
        b"431" => Refusal {
            status: 431,
            code: "HEADER-TOO-LARGE",
            detail: "the header lines are too many or too long; send fewer".to_owned(),
        },
        _ => return None,
    })
}

/// Why the head of a request cannot be read.
fn malformed(head: &[u8]) -> Refusal {
    let end = head.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(head.len());
    let mut lines = head[..end].split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let mut last = "";
    for line in lines {
        if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            let name: String = last.chars().filter(|c| !c.is_control()).take(NAME_SHOWN_MAX).collect();
            let detail = format!(
                "header line {name} goes on in a second line, which HTTP/1.1 has no more (RFC 9112 5.2); send it in one line"
            );
            return Refusal { status: 400, code: "HEADER-FOLDED", detail };
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        last = std::str::from_utf8(name).unwrap_or("?");
    }
    let is_http = first.trim_ascii_end().ends_with(b" HTTP/1.1") || first.trim_ascii_end().ends_with(b" HTTP/1.0");
    let what = if is_http { "a header line" } else { "its first line" };
    let detail = format!("the request cannot be read: {what} is not as HTTP/1.1 has it (RFC 9112)");
    Refusal { status: 400, code: "REQUEST-MALFORMED", detail }
}

fn answer(refusal: &Refusal) -> Vec<u8> {
    let title = match refusal.status {
        414 => "URI Too Long",
        431 => "Request Header Fields Too Large",
        _ => "Bad Request",
    };
    let Refusal { status, code, detail } = refusal;
    let body = json!({ "type": "about:blank", "title": title, "status": status, "code": code, "detail": detail });
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_by_name() {
        let folded = malformed(b"POST /in/x HTTP/1.1\r\nHost: h\r\nSubject: a\r\n b\r\n\r\n c");
        assert_eq!(folded.code, "HEADER-FOLDED");
        assert!(folded.detail.starts_with("header line Subject goes on"), "{}", folded.detail);
        // What stands in the body is none of the head.
        let other = malformed(b"POST /in/x HTTP/1.1\r\nHost h\r\n\r\n c\r\n d");
        assert_eq!(other.code, "REQUEST-MALFORMED");
        assert!(other.detail.contains("a header line"), "{}", other.detail);
        assert!(malformed(b"\x16\x03\x01").detail.contains("its first line"));
        assert_eq!(refusal(b"HTTP/1.1 202 Accepted\r\n", b""), None);
    }
}
