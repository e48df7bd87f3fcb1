//! Bodies that are posted: held where they are small, else read anew each time they are posted, a few pieces ahead of the
//! connection. Their length is always told before (many receivers take no chunks).

use crate::transport::source::Source;
use futures_util::{Stream, StreamExt as _, stream};
use std::fmt;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for the connection.
const PIECES_AHEAD: usize = 4;
/// How long a piece waits for a connection that takes none.
const STALLED: Duration = Duration::from_secs(60);

/// A body.
#[derive(Clone)]
pub enum Body {
    /// In memory.
    Held(Vec<u8>),
    /// Elsewhere.
    Read(Arc<dyn Source>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length())
    }
}

/// How a body fares on its way.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pieces: Arc<AtomicU64>,
    failed: Arc<OnceLock<String>>,
}

impl Progress {
    /// How many pieces the connection took.
    #[must_use]
    pub fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Why no more can be read.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }
}

impl Body {
    /// How many bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Body::Held(bytes) => bytes.len() as u64,
            Body::Read(source) => source.length(),
        }
    }

    /// Hands on all of it, piece by piece, for who signs it.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn each(&self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let source = match self {
            Body::Held(bytes) => {
                take(bytes);
                return Ok(());
            }
            Body::Read(source) => source,
        };
        let (mut source, mut room) = (source.open()?, vec![0; PIECE_BYTES]);
        loop {
            match source.read(&mut room) {
                Ok(0) => return Ok(()),
                Ok(count) => take(&room[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The same as a request has it, and what is taken of it.
    #[must_use]
    pub fn posted(&self) -> (reqwest::Body, Progress) {
        let progress = Progress::default();
        let source = match self {
            Body::Held(bytes) => return (bytes.clone().into(), progress),
            Body::Read(source) => source.clone(),
        };
        let noted = progress.clone();
        let noting = streamed(source).inspect(move |piece| match piece {
            Ok(_) => drop(noted.pieces.fetch_add(1, Ordering::Relaxed)),
            Err(error) => drop(noted.failed.get_or_init(|| error.to_string())),
        });
        (reqwest::Body::wrap_stream(noting), progress)
    }
}

/// A source as a stream, read a few pieces ahead of whoever takes them; it ends with the error where it cannot be read.
pub fn streamed(source: Arc<dyn Source>) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let until = source.length();
    streamed_part(source, 0, until, ())
}

/// The same of the bytes from `start` to before `until`; `place` is given back with the last piece that is read, or when
/// nobody takes one for [`STALLED`].
pub(super) fn streamed_part(
    source: Arc<dyn Source>,
    start: u64,
    until: u64,
    place: impl Send + 'static,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let (to, from) = mpsc::channel(PIECES_AHEAD);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let send = |piece| {
            let sent = async { tokio::time::timeout(STALLED, to.send(piece)).await };
            matches!(runtime.block_on(sent), Ok(Ok(())))
        };
        if let Err(error) = read_all(&*source, (start, until), send) {
            // Nobody may be there any more.
            send(Err(error));
        }
    });
    stream::unfold(from, |mut from| async move { from.recv().await.map(|piece| (piece, from)) })
}

/// Reads a source to its end, or until nobody takes its pieces.
fn read_all(
    source: &dyn Source,
    (start, until): (u64, u64),
    send: impl Fn(io::Result<Vec<u8>>) -> bool,
) -> io::Result<()> {
    let reader = source.open_at(start)?;
    // To the end it is read to the end, where its digest is looked at.
    let most = if until >= source.length() { u64::MAX } else { until - start };
    let mut reader = reader.take(most);
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        (&mut reader).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        if piece.is_empty() || !send(Ok(piece)) {
            return Ok(());
        }
    }
}
