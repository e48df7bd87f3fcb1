//! How a client goes. Some end their connection right behind their last words (a close, say) and reset what still comes: what they
//! said is read to its end, though nothing can be answered any more.

use std::io::Result;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was noticed of how a client went.
#[derive(Default)]
pub(super) struct Parting {
    /// It said that it disconnects (RFC 4253, 11.1): the protocol shuts our side then. It does so as well where we end the session,
    /// after which nobody asks.
    said: AtomicBool,
    /// Something could not be written.
    is_deaf: AtomicBool,
}

impl Parting {
    /// Whether a client ended its session by itself. Whoever closes a connection without a word while something is unread resets it.
    pub(super) fn is_well(&self, ended: &std::result::Result<(), russh::Error>) -> bool {
        let is_closed = match ended {
            Ok(()) => true,
            Err(russh::Error::IO(error)) => error.kind() == std::io::ErrorKind::UnexpectedEof,
            Err(_) => false,
        };
        self.said.load(Ordering::Acquire) || (is_closed && !self.is_deaf.load(Ordering::Acquire))
    }
}

/// A connection to a client. Where nothing can be written any more it takes and drops what is, until all is read.
pub(super) struct ToTheEnd<S> {
    connection: S,
    parting: Arc<Parting>,
}

impl<S> ToTheEnd<S> {
    pub(super) fn new(connection: S) -> (Self, Arc<Parting>) {
        let parting = Arc::new(Parting::default());
        (ToTheEnd { connection, parting: parting.clone() }, parting)
    }

    fn is_deaf(&self) -> bool {
        self.parting.is_deaf.load(Ordering::Acquire)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ToTheEnd<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ToTheEnd<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if self.is_deaf() {
            return Poll::Ready(Ok(bytes.len()));
        }
        match Pin::new(&mut self.connection).poll_write(context, bytes) {
            Poll::Ready(Err(_)) => {
                self.parting.is_deaf.store(true, Ordering::Release);
                Poll::Ready(Ok(bytes.len()))
            }
            other => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match self.is_deaf() {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.connection).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.parting.said.store(true, Ordering::Release);
        match self.is_deaf() {
            true => Poll::Ready(Ok(())),
            false => Pin::new(&mut self.connection).poll_shutdown(context),
        }
    }
}
