//! Reads an input and inspects it, documents by several threads at once. One thread cuts the input into pieces, others
//! judge the documents among them and do what else is asked for each, and the first hands all out again in the order of
//! their bytes. So what is found and made is the same, byte for byte, however many there are; with one, nothing is read
//! ahead and nothing copied.
//!
//! Memory is that of a few portions of pieces, or of one document where that is larger.

use super::inspect::Inspection;
use super::judge::{Judge, Judged};
use super::{DocumentReport, Envelope, InterchangeReport, Piece, PieceKind, Reader};
use crate::codec::table::Sheet;
use crate::diagnostic::{Diagnostic, Syntax};
use crate::tree::{Charset, Index, Run, Separators};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

/// What is done with each document beside judging it, on whichever thread has time.
pub type Work<'w, T> = dyn Fn(&Piece<'_>, &Judged) -> T + Send + Sync + 'w;

/// How the work is shared out.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Threads that judge; with 1 the caller's own does, and there is no other.
    pub threads: usize,
    /// Pieces go to a thread together when they have this many bytes. What has fewer altogether starts no thread.
    pub portion_bytes: usize,
}

/// Threads, at most: one cuts for all of them, and more would wait for it.
const THREADS_MAX: usize = 64;
/// Portions that are on their way for each thread, at most. With 2 a second thread was seen to bring next to nothing: it ran
/// dry while the first one waited for the processor.
const PORTIONS_AHEAD: usize = 8;
/// What a piece counts for at least: however short, it comes with an index and findings of its own.
const PIECE_BYTES_MIN: usize = 512;
/// No portion is cut while those on their way have this many bytes: large documents are held one at a time.
const AHEAD_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Share {
    /// So many threads; as many as the machine has cores for `None`.
    #[must_use]
    pub fn threads(threads: Option<usize>) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or_else(cores).clamp(1, THREADS_MAX);
        Share { threads, portion_bytes: 64 * 1024 }
    }

    /// For work that takes much longer than judging and makes much more than it reads: each document goes alone.
    #[must_use]
    pub fn one_by_one(self) -> Self {
        Share { portion_bytes: 1, ..self }
    }
}

/// The next piece, inspected.
pub struct Step<'a, 'l, T> {
    /// It.
    pub piece: Piece<'a>,
    /// What was made of it, where it is a document.
    pub made: Option<T>,
    /// The inspection, which has taken it.
    pub inspection: &'a mut Inspection<'l>,
}

/// An input being read ahead.
pub struct Ahead<'scope, 'env, R, T> {
    reader: Reader<R>,
    inspection: Inspection<'env>,
    work: Arc<Work<'env, T>>,
    share: Share,
    scope: &'scope Scope<'scope, 'env>,
    /// What the headers cut so far say.
    envelope: Envelope,
    /// Where portions are put for the threads, once there are any.
    queue: Option<Sender<Order<T>>>,
    /// Portions on their way in the order of their bytes, with how many those are.
    coming: VecDeque<(usize, Receiver<Portion<T>>)>,
    coming_bytes: usize,
    /// The portion that is handed out, and how far that has come.
    current: Portion<T>,
    next: usize,
    /// Handed out, their memory to be used again.
    spare: Vec<Kept<T>>,
    /// The input has ended, or cannot be read on.
    ended: Option<io::Result<()>>,
}

/// A portion to judge, and whom to give it back to.
type Order<T> = (Portion<T>, SyncSender<Portion<T>>);

/// Pieces in a row.
struct Portion<T> {
    /// What the headers before them say.
    envelope: Envelope,
    pieces: Vec<Kept<T>>,
    bytes: usize,
}

impl<'scope, 'env, R: Read, T: Send + 'env> Ahead<'scope, 'env, R, T> {
    /// Begins to read.
    pub fn new(
        scope: &'scope Scope<'scope, 'env>,
        share: Share,
        reader: Reader<R>,
        inspection: Inspection<'env>,
        work: Arc<Work<'env, T>>,
    ) -> Self {
        Ahead {
            reader,
            inspection,
            work,
            share,
            scope,
            envelope: Envelope::default(),
            queue: None,
            coming: VecDeque::new(),
            coming_bytes: 0,
            current: Portion::new(Envelope::default()),
            next: 0,
            spare: Vec::new(),
            ended: None,
        }
    }

    /// The next piece, or `None` at the end of the input.
    ///
    /// # Errors
    /// As for [`Reader::next`], after everything before it was handed out.
    #[allow(clippy::should_implement_trait)] // it lends: an Iterator cannot
    pub fn next(&mut self) -> io::Result<Option<Step<'_, 'env, T>>> {
        if self.share.threads <= 1 {
            return self.alone();
        }
        if self.next == self.current.pieces.len() && !self.next_portion()? {
            return Ok(None);
        }
        let kept = &mut self.current.pieces[self.next];
        self.next += 1;
        let (report, made) = (kept.report.take(), kept.made.take());
        let piece = kept.piece();
        self.inspection.receive(&piece, report);
        Ok(Some(Step { piece, made, inspection: &mut self.inspection }))
    }

    /// As [`Inspection::forget_documents`].
    pub fn forget_documents(&mut self) {
        self.inspection.forget_documents();
    }

    /// The input has ended: what is left to say of it.
    pub fn end(self) -> Vec<InterchangeReport> {
        self.inspection.end()
    }

    fn alone(&mut self) -> io::Result<Option<Step<'_, 'env, T>>> {
        let Some(piece) = self.reader.next()? else { return Ok(None) };
        let inspection = &mut self.inspection;
        let judged = inspection.judged(&piece);
        let made = judged.as_ref().map(|judged| (self.work)(&piece, judged));
        inspection.put_piece(&piece, judged.map(|judged| judged.report));
        Ok(Some(Step { piece, made, inspection }))
    }

    /// Has the next portion in hand, and the threads at work on those that follow; false at the end.
    fn next_portion(&mut self) -> io::Result<bool> {
        self.spare.append(&mut self.current.pieces);
        self.next = 0;
        let ahead_max = self.share.threads * PORTIONS_AHEAD;
        while self.ended.is_none()
            && self.coming.len() < ahead_max
            && (self.coming.is_empty() || self.coming_bytes < AHEAD_BYTES_MAX)
        {
            let portion = self.cut();
            if portion.pieces.is_empty() {
                break;
            }
            if self.ended.is_some() && self.queue.is_none() && self.coming.is_empty() {
                // All of a short input: not worth a thread.
                let judge = self.inspection.judge();
                self.current = portion.judged(&judge, &*self.work);
                return Ok(true);
            }
            self.order(portion);
        }
        match self.coming.pop_front() {
            Some((bytes, portion)) => {
                self.coming_bytes -= bytes;
                // A thread that panics takes this one down when the scope ends.
                self.current = portion.recv().map_err(|_| io::Error::other("a thread that judged documents died"))?;
                Ok(true)
            }
            None => self.ended.take().unwrap_or(Ok(())).map(|()| {
                self.ended = Some(Ok(()));
                false
            }),
        }
    }

    /// Cuts the next portion; one with no pieces at the end of the input.
    fn cut(&mut self) -> Portion<T> {
        let mut portion = Portion::new(self.envelope.clone());
        while portion.bytes < self.share.portion_bytes {
            match self.reader.next() {
                Ok(Some(piece)) => {
                    self.envelope.note(&piece, self.inspection.judge().library());
                    portion.bytes += piece.run.bytes.len().max(PIECE_BYTES_MIN);
                    let mut kept = self.spare.pop().unwrap_or_default();
                    kept.keep(piece);
                    self.reader.exchange(&mut kept.index);
                    portion.pieces.push(kept);
                }
                Ok(None) => {
                    self.ended = Some(Ok(()));
                    break;
                }
                Err(error) => {
                    self.ended = Some(Err(error));
                    break;
                }
            }
        }
        portion
    }

    /// Gives a portion to the threads, which are started with the first.
    fn order(&mut self, portion: Portion<T>) {
        let queue = self.queue.get_or_insert_with(|| {
            let (queue, orders) = channel::<Order<T>>();
            let orders = Arc::new(Mutex::new(orders));
            for _ in 0..self.share.threads {
                let (orders, judge, work) = (orders.clone(), self.inspection.judge(), self.work.clone());
                self.scope.spawn(move || judge_all(&orders, &judge, &*work));
            }
            queue
        });
        let (done, coming) = sync_channel(1);
        self.coming.push_back((portion.bytes, coming));
        self.coming_bytes += portion.bytes;
        // It fails when the threads have died, which receiving tells.
        let _ = queue.send((portion, done));
    }
}

/// What a thread does until there are no more orders.
fn judge_all<T>(orders: &Mutex<Receiver<Order<T>>>, judge: &Judge<'_>, work: &Work<'_, T>) {
    let next = || orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok((portion, done)) = next() {
        // It fails when nobody wants to know any more.
        let _ = done.send(portion.judged(judge, work));
    }
}

impl<T> Portion<T> {
    fn new(envelope: Envelope) -> Self {
        Portion { envelope, pieces: Vec::new(), bytes: 0 }
    }

    /// Judges its documents.
    fn judged(mut self, judge: &Judge<'_>, work: &Work<'_, T>) -> Self {
        for kept in &mut self.pieces {
            let piece = kept.piece();
            self.envelope.note(&piece, judge.library());
            let judged = (piece.kind == PieceKind::Document).then(|| judge.document(&self.envelope, &piece));
            let made = judged.as_ref().map(|judged| work(&piece, judged));
            let faults = piece.faults;
            (kept.report, kept.made, kept.faults) = (judged.map(|judged| judged.report), made, faults);
        }
        self
    }
}

/// A piece with its own bytes and index.
struct Kept<T> {
    kind: PieceKind,
    syntax: Syntax,
    interchange: u32,
    group: u32,
    document: u32,
    bytes: Vec<u8>,
    offset: u64,
    line: u64,
    separators: Separators,
    charset: Charset,
    index: Index,
    sheet: Option<Arc<Sheet>>,
    faults: Vec<Diagnostic>,
    report: Option<DocumentReport>,
    made: Option<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept {
            kind: PieceKind::Between,
            syntax: Syntax::Document,
            interchange: 0,
            group: 0,
            document: 0,
            bytes: Vec::new(),
            offset: 0,
            line: 0,
            separators: Separators::X12,
            charset: Charset::Utf8,
            index: Index::default(),
            sheet: None,
            faults: Vec::new(),
            report: None,
            made: None,
        }
    }
}

impl<T> Kept<T> {
    /// All of a piece but its index, which the reader gives away.
    fn keep(&mut self, piece: Piece<'_>) {
        let Piece { kind, syntax, interchange, group, document, run, left_out: _, sheet, faults } = piece;
        self.sheet = sheet;
        (self.kind, self.syntax, self.faults) = (kind, syntax, faults);
        (self.interchange, self.group, self.document) = (interchange, group, document);
        (self.offset, self.line, self.separators, self.charset) = (run.offset, run.line, *run.separators, run.charset);
        self.bytes.clear();
        self.bytes.extend_from_slice(run.bytes);
    }

    /// The piece again; its faults go with it.
    fn piece(&mut self) -> Piece<'_> {
        let faults = std::mem::take(&mut self.faults);
        let sheet = self.sheet.clone();
        let Kept { kind, syntax, interchange, group, document, .. } = *self;
        let run = Run {
            bytes: &self.bytes,
            offset: self.offset,
            line: self.line,
            separators: &self.separators,
            charset: self.charset,
            index: &self.index,
        };
        Piece { kind, syntax, interchange, group, document, run, left_out: &[], sheet, faults }
    }
}
