//! A segment's bytes as a person can see them, with carets exactly under what is meant. Control characters show as
//! symbols, bytes are read in the interchange's character set, and of a long segment only the part around the carets
//! is drawn.

use crate::tree::Charset;
use std::ops::Range;

/// Columns of a drawing; longer segments are cut.
pub const COLUMNS: usize = 96;
/// Columns left standing before the first caret of a cut segment.
const BEFORE: usize = 24;
/// Carets under one value at most: a longer value is cut too.
const CARETS_MAX: usize = 64;
/// Bytes looked at on either side of a first caret: as many columns as a drawing has, in the longest characters there are.
const AROUND_BYTES: usize = 4 * (COLUMNS + BEFORE);

/// One drawing: lines of equal origin, the second and third to be put under the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The bytes.
    pub text: String,
    /// The carets.
    pub carets: String,
    /// Numbers of the marks under their carets; empty when they need none.
    pub numbers: String,
}

/// A character with where its bytes begin and which column it stands in.
struct Cell {
    byte: usize,
    column: usize,
    shown: char,
    width: usize,
}

/// Draws `bytes` with carets under each of `marks` (ranges of bytes, ascending); an empty range is one caret at its
/// place. Marks too far apart for one drawing come in several. `numbers` asks for the number of each mark under it.
#[must_use]
pub fn draw(bytes: &[u8], charset: Charset, marks: &[Range<usize>], numbers: bool) -> Vec<Picture> {
    let mut pictures = Vec::new();
    let mut from = 0;
    while let Some(first) = marks.get(from) {
        let around = around(bytes, first.start);
        let cells = cells(&bytes[around.clone()], charset);
        let width = cells.last().map_or(0, |cell| cell.column + cell.width);
        let inside = |at: usize| at.clamp(around.start, around.end) - around.start;
        let near = marks[from..].iter().take_while(|mark| mark.start <= around.end);
        let spans: Vec<Range<usize>> =
            near.map(|mark| columns(&cells, width, &(inside(mark.start)..inside(mark.end)))).collect();
        let window = spans.first().map_or(0..width + 1, |span| window(span, width));
        let count = spans.iter().take_while(|span| span.start < window.end || width <= COLUMNS).count().max(1);
        pictures.push(one(&cells, window, &spans[..count.min(spans.len())], numbers.then_some(from + 1)));
        from += count;
    }
    pictures
}

/// The bytes that can be seen around a place, whole characters of UTF-8.
fn around(bytes: &[u8], place: usize) -> Range<usize> {
    let is_inside = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let place = place.min(bytes.len());
    let start = place.saturating_sub(AROUND_BYTES);
    let start = if start == 0 { 0 } else { (start..start + 4).find(|at| !is_inside(at)).unwrap_or(start) };
    start..bytes.len().min(place + AROUND_BYTES)
}

/// The columns to show for a first caret.
fn window(span: &Range<usize>, width: usize) -> Range<usize> {
    if width <= COLUMNS {
        return 0..width + 1;
    }
    let start = span.start.saturating_sub(BEFORE).min(width + 1 - COLUMNS);
    start..start + COLUMNS
}

/// The columns of a range of bytes; one column at least.
fn columns(cells: &[Cell], width: usize, mark: &Range<usize>) -> Range<usize> {
    let column = |byte: usize| cells.iter().find(|cell| cell.byte >= byte).map_or(width, |cell| cell.column);
    let start = column(mark.start);
    let end = column(mark.end).max(start + 1);
    start..end.min(start + CARETS_MAX)
}

fn one(cells: &[Cell], window: Range<usize>, spans: &[Range<usize>], first: Option<usize>) -> Picture {
    let width = cells.last().map_or(0, |cell| cell.column + cell.width);
    let seen: String = cells.iter().filter(|cell| window.contains(&cell.column)).map(|cell| cell.shown).collect();
    let (cut_before, cut_after) = (window.start > 0, window.end < width);
    let (head, tail) = (if cut_before { "…" } else { "" }, if cut_after { "…" } else { "" });
    let shift = usize::from(cut_before);
    let mut carets = String::new();
    let mut numbers = String::new();
    for (index, span) in spans.iter().enumerate() {
        let at = span.start - window.start.min(span.start) + shift;
        let until = span.end.min(window.end) - window.start.min(span.start) + shift;
        let have = carets.chars().count();
        carets.push_str(&" ".repeat(at.saturating_sub(have)));
        carets.push_str(&"^".repeat(until.saturating_sub(at.max(have))));
        let Some(first) = first else { continue };
        let have = numbers.chars().count();
        if numbers.is_empty() || have < at {
            numbers.push_str(&" ".repeat(at - have));
            numbers.push_str(&(first + index).to_string());
        } else {
            numbers.push_str(&format!(",{}", first + index));
        }
    }
    Picture { text: format!("{head}{seen}{tail}"), carets, numbers }
}

/// The characters of `bytes`; what is none in the character set shows as `�`.
fn cells(bytes: &[u8], charset: Charset) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut column = 0;
    let mut push = |byte: usize, c: char| {
        let (shown, width) = (symbol(c), width(c));
        cells.push(Cell { byte, column, shown, width });
        column += width;
    };
    if charset == Charset::Utf8 {
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            chunk.valid().char_indices().for_each(|(inside, c)| push(at + inside, c));
            at += chunk.valid().len();
            for _ in chunk.invalid() {
                push(at, char::REPLACEMENT_CHARACTER);
                at += 1;
            }
        }
    } else {
        for (at, byte) in bytes.iter().enumerate() {
            charset.decode(&[*byte]).chars().for_each(|c| push(at, c));
        }
    }
    cells
}

/// A control character as its picture (U+2400…), all else as it is.
fn symbol(c: char) -> char {
    match u32::from(c) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('·'),
        0x7F => '␡',
        0x80..0xA0 | 0x200B..=0x200F | 0x2028..=0x202E | 0x2066..=0x2069 | 0xFEFF => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// Columns a character takes on a terminal: 2 for East Asian wide ones, 0 for combining marks.
fn width(c: char) -> usize {
    match u32::from(c) {
        0x0300..0x0370 => 0,
        0x1100..0x1160
        | 0x2E80..0xA4D0
        | 0xAC00..0xD7A4
        | 0xF900..0xFB00
        | 0xFE30..0xFE70
        | 0xFF00..0xFF61
        | 0xFFE0..0xFFE7
        | 0x1F300..0x1FB00
        | 0x20000..0x40000 => 2,
        _ => 1,
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // one mark is a list of one range
mod tests {
    use super::*;

    fn drawn(bytes: &[u8], charset: Charset, marks: &[Range<usize>]) -> String {
        let pictures = draw(bytes, charset, marks, marks.len() > 1);
        let lines = pictures.iter().map(|one| format!("{}\n{}\n{}", one.text, one.carets, one.numbers));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn carets_stand_under_their_bytes() {
        assert_eq!(drawn(b"PO1*1*12O*EA~", Charset::Latin1, &[6..9]), "PO1*1*12O*EA~\n      ^^^\n");
        assert_eq!(drawn(b"N1*BY**92~", Charset::Latin1, &[6..6, 7..9]), "N1*BY**92~\n      ^^^\n      1,2");
        assert_eq!(drawn(b"REF*AA*X~", Charset::Latin1, &[4..6, 7..8]), "REF*AA*X~\n    ^^ ^\n    1  2");
    }

    #[test]
    fn bytes_show_as_characters_of_their_set() {
        let utf8 = "NAD+BY+Größe+x".as_bytes();
        assert_eq!(drawn(utf8, Charset::Utf8, &[15..16]), "NAD+BY+Größe+x\n             ^\n");
        assert_eq!(drawn(b"A+Gr\xF6\xDFe+x", Charset::Latin1, &[8..9]), "A+Größe+x\n        ^\n");
        assert_eq!(drawn(b"A+\xFF\xFE+x", Charset::Utf8, &[5..6]), "A+��+x\n     ^\n");
        assert_eq!(drawn("A+東京+x".as_bytes(), Charset::Utf8, &[9..10]), "A+東京+x\n       ^\n");
    }

    #[test]
    fn control_characters_are_symbols() {
        assert_eq!(drawn(b"MSG*a\r\nb\x1b[2J~", Charset::Latin1, &[5..7]), "MSG*a␍␊b␛[2J~\n     ^^\n");
    }

    #[test]
    fn a_long_segment_is_cut_around_the_carets() {
        let long = format!("MSG*{}*{}~", "a".repeat(200), "b".repeat(200));
        let text = drawn(long.as_bytes(), Charset::Latin1, &[205..405]);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("…aaa") && lines[0].ends_with("bbb…"), "{text}");
        assert_eq!(lines[0].chars().count(), COLUMNS + 2);
        assert_eq!((lines[1].find('^'), lines[1].matches('^').count()), (Some(25), CARETS_MAX));
        let two = draw(long.as_bytes(), Charset::Latin1, &[4..5, 405..406], true);
        assert_eq!(two.len(), 2, "too far apart for one drawing");
        assert_eq!(two[1].numbers.trim(), "2");
    }

    /// What cannot be seen is not made into characters, and what is seen is the same as in a shorter one.
    #[test]
    fn of_a_huge_segment_only_what_is_seen_is_looked_at() {
        let (far, wide) = ("é".repeat(500_000), "東".repeat(300));
        let text = format!("MSG*{far}*{wide}{wide}*{far}~");
        let at = text.find('東').expect("a wide one") + wide.len();
        assert_eq!(around(text.as_bytes(), at), at - AROUND_BYTES..at + AROUND_BYTES);
        assert_eq!(around(text.as_bytes(), at + 1), at + 3 - AROUND_BYTES..at + 1 + AROUND_BYTES, "a whole character");
        let seen = |text: &str, at: usize| drawn(text.as_bytes(), Charset::Utf8, &[at..at + 9]);
        assert_eq!(seen(&text, at), seen(&format!("…{wide}{wide}…"), "…".len() + wide.len()));
        assert_eq!(around(b"N1*BY", 5), 0..5);
    }

    #[test]
    fn a_place_past_the_end_has_its_caret_there() {
        assert_eq!(drawn(b"N1*BY", Charset::Latin1, &[5..5]), "N1*BY\n     ^\n");
    }
}
