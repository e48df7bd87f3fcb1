//! Cuts bytes into lines, and lines into cells. It decodes nothing; what is odd about a quote is said of its cell.

use crate::diagnostic::{Fault, Syntax};
use crate::standard::layout::{COLUMNS_MAX, LINE_BYTES_MAX, Layout};
use std::borrow::Cow;

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its first byte.
    pub start: usize,
    /// One past its last byte, the line end not counted.
    pub end: usize,
    /// Where the next one begins.
    pub next: usize,
}

impl Line {
    /// The bytes of it.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start..self.end]
    }

    /// Nothing is said in it: it is blank, or has cells of nothing but blanks, as spreadsheets leave behind their last row.
    #[must_use]
    pub fn is_blank(self, layout: &Layout, bytes: &[u8]) -> bool {
        let raw = self.of(bytes);
        if !raw.iter().all(|byte| layout.is_idle(*byte)) {
            return false;
        }
        let says_nothing = |cell: &Cell<'_>| cell.fault.is_none() && cell.text.trim_ascii().is_empty();
        let cut = if layout.syntax == Syntax::Csv { cells(layout, raw) } else { Vec::new() };
        cut.len() <= COLUMNS_MAX && cut.iter().all(says_nothing)
    }

    /// It is over the limit, and not cut into values.
    #[must_use]
    pub fn is_too_long(self) -> bool {
        self.end - self.start > LINE_BYTES_MAX
    }
}

/// Whether all lines say nothing.
#[must_use]
pub fn says_nothing(layout: &Layout, bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(next) = line(layout, bytes, at, true) {
        if !next.is_blank(layout, bytes) {
            return false;
        }
        at = next.next;
    }
    true
}

/// The line that begins at a byte; none where its end is still to come, and at the end of the input.
#[must_use]
pub fn line(layout: &Layout, bytes: &[u8], start: usize, has_ended: bool) -> Option<Line> {
    let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
    let feed = || rest.iter().position(|byte| *byte == b'\n');
    let quote = layout.quote.filter(|_| layout.syntax == Syntax::Csv);
    let at = match quote {
        None => feed(),
        Some(quote) => {
            let near = &rest[..rest.len().min(LINE_BYTES_MAX)];
            match outside_quotes(near, quote, layout.delimiter) {
                Feed::At(at) => Some(at),
                // It is not closed: the line ends where the first one would, so that only its own document is broken.
                Feed::Unclosed => feed(),
                Feed::ToCome if has_ended || near.len() == LINE_BYTES_MAX => feed(),
                Feed::ToCome => None,
            }
        }
    };
    let (end, next) = match at {
        Some(at) => (at, at + 1),
        None if has_ended => (rest.len(), rest.len()),
        None => return None,
    };
    let end = if end > 0 && next > end && rest[end - 1] == b'\r' { end - 1 } else { end };
    Some(Line { start, end: start + end, next: start + next })
}

/// Where a line ends that may have quotes.
enum Feed {
    /// The first line feed that stands in no quotes.
    At(usize),
    /// A quote goes on over the end of a line, and what ends it begins a value: it was never closed.
    Unclosed,
    /// More is to be read.
    ToCome,
}

fn outside_quotes(bytes: &[u8], quote: u8, delimiter: u8) -> Feed {
    let (mut is_inside, mut is_begin, mut has_feed, mut at) = (false, true, false, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            _ if is_inside && byte == quote => match bytes.get(at + 1) {
                Some(next) if *next == quote => at += 1,
                Some(next) if has_feed && ![delimiter, b'\r', b'\n'].contains(next) => return Feed::Unclosed,
                _ => is_inside = false,
            },
            _ if is_inside => has_feed |= byte == b'\n',
            b'\n' => return Feed::At(at),
            _ if is_begin && byte == quote => (is_inside, has_feed) = (true, false),
            _ => {}
        }
        is_begin = !is_inside && byte == delimiter;
        at += 1;
    }
    Feed::ToCome
}

/// A value of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Its first byte in the line, quotes included.
    pub start: usize,
    /// One past its last.
    pub end: usize,
    /// What it says.
    pub text: Cow<'a, [u8]>,
    /// What is odd about its quotes.
    pub fault: Option<Fault>,
}

/// The cells of a line; those over the limit are not cut.
#[must_use]
pub fn cells<'a>(layout: &Layout, line: &'a [u8]) -> Vec<Cell<'a>> {
    let (mut found, mut start) = (Vec::new(), 0);
    loop {
        let rest = &line[start..];
        let to_delimiter = |rest: &[u8]| rest.iter().position(|byte| *byte == layout.delimiter).unwrap_or(rest.len());
        let (length, text, fault) = match layout.quote.filter(|quote| rest.first() == Some(quote)) {
            None => {
                let length = to_delimiter(rest);
                (length, Cow::Borrowed(&rest[..length]), None)
            }
            Some(quote) => match quoted(rest, quote) {
                None => (to_delimiter(rest), Cow::Borrowed(&rest[..to_delimiter(rest)]), Some(Fault::QuoteUnclosed)),
                Some((length, text)) => {
                    let more = to_delimiter(&rest[length..]);
                    if more == 0 {
                        (length, text, None)
                    } else {
                        (length + more, Cow::Borrowed(&rest[..length + more]), Some(Fault::QuoteStray))
                    }
                }
            },
        };
        found.push(Cell { start, end: start + length, text, fault });
        start += length + 1;
        if start > line.len() || found.len() > COLUMNS_MAX {
            return found;
        }
    }
}

/// How long a quoted value is, and what it says; none where the quote is not closed.
fn quoted(rest: &[u8], quote: u8) -> Option<(usize, Cow<'_, [u8]>)> {
    let (mut text, mut from) = (Vec::new(), 1);
    loop {
        let at = from + rest.get(from..)?.iter().position(|byte| *byte == quote)?;
        if rest.get(at + 1) != Some(&quote) {
            if text.is_empty() {
                return Some((at + 1, Cow::Borrowed(&rest[1..at])));
            }
            text.extend_from_slice(&rest[from..at]);
            return Some((at + 1, Cow::Owned(text)));
        }
        text.extend_from_slice(&rest[from..=at]);
        from = at + 2;
    }
}

/// A value as it is written: in quotes where it must be; as it is where there are none.
#[must_use]
pub fn written(text: &[u8], delimiter: u8, quote: Option<u8>) -> Vec<u8> {
    match quote.filter(|_| needs_quotes(text, delimiter, quote)) {
        Some(quote) => in_quotes(text, quote),
        None => text.to_vec(),
    }
}

/// Whether a value would be read as another one without quotes.
#[must_use]
pub fn needs_quotes(text: &[u8], delimiter: u8, quote: Option<u8>) -> bool {
    text.iter().any(|byte| [delimiter, b'\r', b'\n'].contains(byte) || Some(*byte) == quote)
}

/// A value in quotes.
#[must_use]
pub fn in_quotes(text: &[u8], quote: u8) -> Vec<u8> {
    let mut made = vec![quote];
    for byte in text {
        made.extend(std::iter::repeat_n(*byte, if *byte == quote { 2 } else { 1 }));
    }
    made.push(quote);
    made
}
