//! The rest of a body that nobody reads any more: it is taken for a while and thrown away. A connection that ends while bytes still
//! come is reset, and a reset overtakes the answer: its sender would hear that nobody listens, in place of why it is refused.
//! What is read of a body, and how slow it may be, is said elsewhere.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::EXPECT;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long the rest of a body is taken: who sends for longer has had the time to read the answer.
const TAKEN_FOR: Duration = Duration::from_secs(5);

/// A body whose rest is taken when it is dropped before its end.
pub struct Unread<B: Rest> {
    /// None once it has ended.
    body: Option<B>,
    /// Who sends it waits for a word of ours before it does.
    waits: bool,
}

/// A body whose rest may be taken.
pub trait Rest: Body<Data = Bytes> + Unpin + Send + 'static {}

impl<B: Body<Data = Bytes> + Unpin + Send + 'static> Rest for B {}

/// A request whose body is taken to its end, or for a while, whatever its handler does.
pub fn unread<B: Rest>(request: Request<B>) -> Request<Unread<B>> {
    let waits = request.headers().contains_key(EXPECT);
    request.map(|body| Unread { body: Some(body), waits })
}

impl<B: Rest> Body for Unread<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(_))) => self.waits = false,
            Poll::Ready(None | Some(Err(_))) => self.body = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Rest> Drop for Unread<B> {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| !self.waits && !body.is_end_stream()) else { return };
        // Where the runtime is gone so is the connection.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let rest = async { while let Some(Ok(_)) = body.frame().await {} };
            let _ = tokio::time::timeout(TAKEN_FOR, rest).await;
        });
    }
}
