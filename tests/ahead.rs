//! Reading ahead: how far it goes, and what comes of a source that fails. That findings are the same however many threads
//! there are is held by `tests/corpus.rs`, and of what is printed by `tests/commands.rs`.

use portolan::codec::segment::{Ahead, Inspection, Limits, Reader, Share, Step};
use portolan::standard::load::Library;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;

const HEAD: &str = "ISA*00*          *00*          *ZZ*NORTHSTORES    *ZZ*PORTOLAN       *261124*0915*U*00401*000000001*0*P*>~\n\
    GS*PO*NORTHSTORES*PORTOLAN*20261124*0915*1*X*004010~\n";
const ORDERS: usize = 2000;

/// An interchange of many orders that has no end.
fn endless() -> Vec<u8> {
    let mut text = HEAD.to_owned();
    for number in 1..=ORDERS {
        let lines = "PO1*1*12*EA*4.25**UP*012345678905~\n".repeat(10);
        text.push_str(&format!("ST*850*{number:04}~\nBEG*00*SA*47{number:05}**20261124~\n{lines}SE*13*{number:04}~\n"));
    }
    text.into_bytes()
}

/// Counts what was read of it, and fails at its end.
struct Breaking<'a> {
    rest: &'a [u8],
    read: Rc<Cell<usize>>,
}

impl Read for Breaking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            return Err(io::Error::other("the line went dead"));
        }
        let count = self.rest.read(buffer)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }
}

/// The documents handed out, what was said in the end, and how many bytes were read ahead at most.
fn read(share: Share) -> (usize, String, usize) {
    let (library, input, read) = (Library::new(None), endless(), Rc::new(Cell::new(0)));
    let source = Breaking { rest: &input, read: read.clone() };
    std::thread::scope(|scope| {
        let reader = Reader::new(source, Limits::default());
        let mut ahead = Ahead::new(scope, share, reader, Inspection::new(&library), Arc::new(|_, _| ()));
        let (mut documents, mut furthest) = (0, 0);
        loop {
            match ahead.next() {
                Ok(Some(Step { piece, made, inspection })) => {
                    documents += usize::from(made.is_some());
                    furthest = furthest.max(read.get() - (piece.run.offset as usize + piece.run.bytes.len()));
                    inspection.forget_documents();
                }
                Ok(None) => return (documents, "the end".to_owned(), furthest),
                Err(error) => return (documents, error.to_string(), furthest),
            }
        }
    })
}

#[test]
fn what_was_read_before_a_source_fails_is_handed_out_first() {
    let alone = read(Share { threads: 1, portion_bytes: 4096 });
    assert_eq!((alone.0, alone.1.as_str()), (ORDERS, "the line went dead"));
    for portion_bytes in [1, 4096, 1 << 30] {
        let several = read(Share { threads: 3, portion_bytes });
        assert_eq!((several.0, several.1), (alone.0, alone.1.clone()), "portions of {portion_bytes} bytes");
    }
}

#[test]
fn no_more_is_read_ahead_than_a_few_portions() {
    const WINDOW: usize = 64 * 1024;
    const ORDER_MAX: usize = 1024;
    let (threads, portion_bytes) = (3, 16 * 1024);
    let (_, _, furthest) = read(Share { threads, portion_bytes });
    let portions = (8 * threads + 1) * (portion_bytes + ORDER_MAX);
    assert!(furthest <= portions + 2 * WINDOW, "{furthest} bytes were read ahead");
    assert!(furthest > 2 * portion_bytes, "only {furthest} bytes were: nothing is read ahead at all");
}
