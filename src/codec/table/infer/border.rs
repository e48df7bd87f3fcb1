//! Where the fields of one type of record border on each other, by what holds in all its lines: columns of blanks, digits
//! that change to letters, days, zeros in front. A border that rests on few lines is told to. It knows no names.

use super::fixed::Chars;
use super::{Column, DATES, is_number};
use crate::codec::content::refusal;
use crate::standard::content::Form;
use crate::standard::layout::Layout;

/// Lines from which on one column of blanks is a border: in fewer, words of a text may happen to end alike.
const LINES_FOR_ONE_BLANK: usize = 4;
/// Lines below which a border is told to rest on little.
const LINES_ENOUGH: usize = 3;
/// Digits from which on a whole number is told to be an id.
const DIGITS_OF_ID: usize = 10;
/// Digits of a day.
const DAY_DIGITS: usize = 8;
/// Years between which eight digits are taken for a day.
const YEARS: std::ops::RangeInclusive<u32> = 1980..=2079;

/// Characters from which on a stretch without blanks is told to be several fields, maybe.
const WIDTH_OF_SEVERAL: usize = 8;

/// A stretch of a line.
pub(super) struct Field {
    /// `NAME USAGE FORM WIDTH`.
    pub said: String,
    /// What was seen of it.
    pub seen: String,
    /// The form of its days.
    pub date: Option<&'static str>,
}

/// What stands in a column, in all lines that have something there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    /// In no line.
    Blank,
    Digit,
    Letter,
    /// Other signs, or several classes.
    Mixed,
}

/// The fields behind the type, to the end of the longest line.
pub(super) fn fields(lines: &[Chars], begin: usize) -> Vec<Field> {
    let end = lines.iter().map(Vec::len).max().unwrap_or(0);
    let mut borders = borders(lines, begin, end);
    borders.push((end, String::new()));
    let pairs = borders.windows(2).filter(|two| two[0].0 < two[1].0);
    pairs.map(|two| Field::new(lines, two[0].0, two[1].0, &two[0].1)).collect()
}

/// What a border rests on, in words.
fn rests(count: usize) -> String {
    match count {
        1 => "in the only line, which is little".to_owned(),
        few if few < LINES_ENOUGH => format!("in all {few} lines, which is little"),
        count => format!("in all {count} lines"),
    }
}

/// Where fields begin, and why.
fn borders(lines: &[Chars], begin: usize, end: usize) -> Vec<(usize, String)> {
    let classes: Vec<Class> = (0..end).map(|at| class(lines, at)).collect();
    let run = |at: usize, is_blank: bool| {
        at + classes[at..].iter().take_while(|class| (**class == Class::Blank) == is_blank).count()
    };
    let (count, mut at) = (lines.len(), begin);
    let mut found = vec![(begin, "behind the type".to_owned())];
    while at < end {
        let next = run(at, true);
        let is_wide = next >= at + 2 || count >= LINES_FOR_ONE_BLANK;
        if next > at && next < end && is_wide {
            // Blanks before values that are pushed to the right are theirs, where the value before has none behind it.
            let is_full_before = at > begin && is_filled(lines, at - 1, at);
            let is_pushed =
                !is_filled(lines, next, next + 1) && is_filled(lines, run(next, false) - 1, run(next, false));
            let blanks = next - at;
            let why = format!("{blanks} blank columns before its values {}", rests(count));
            let is_theirs = count > 1 && is_full_before && is_pushed;
            push(&mut found, if is_theirs { at } else { next }, why);
        }
        at = run(next, false);
        inside(lines, &classes, (next, at), &mut found);
    }
    found
}

/// Borders where no blanks are.
fn inside(lines: &[Chars], classes: &[Class], (from, to): (usize, usize), found: &mut Vec<(usize, String)>) {
    let mut at = from;
    while at < to {
        let length = classes[at..to].iter().take_while(|class| **class == classes[at]).count();
        // Digits that are filled in all lines are a field of their own beside letters; others belong to an id such as A7.
        let is_number =
            |at: usize, end: usize| classes[at] == Class::Digit && end > at + 1 && is_filled(lines, at, end);
        let (is_first, is_changed) = (at == from, lines.len() > 1);
        let before = (from..at).rev().take_while(|before| classes[*before] == Class::Digit).last();
        if !is_first && is_changed && classes[at - 1] == Class::Letter && is_number(at, at + length) {
            push(found, at, format!("letters change to digits {}", rests(lines.len())));
        }
        let is_letter = classes[at] == Class::Letter && is_filled(lines, at, at + 1);
        if is_changed && is_letter && before.is_some_and(|before| is_number(before, at)) {
            push(found, at, format!("digits change to letters {}", rests(lines.len())));
        }
        if classes[at] == Class::Digit {
            digits(lines, (at, at + length), found);
        }
        at += length;
    }
}

/// Borders in a run of digits: around days, and before zeros that stand in front of a number in all lines.
fn digits(lines: &[Chars], (from, to): (usize, usize), found: &mut Vec<(usize, String)>) {
    let count = lines.len();
    let are_zeros: Vec<bool> = (from..to).map(|at| lines.iter().all(|line| line.get(at) == Some(&'0'))).collect();
    let is_zero = |at: usize| at >= from && at < to && are_zeros[at - from];
    let last_other = (from..to).rev().find(|at| !is_zero(*at)).unwrap_or(from);
    let mut at = from;
    while at < to {
        if at + DAY_DIGITS <= to && is_day(lines, at) {
            push(found, at, format!("a day {}", rests(count)));
            at += DAY_DIGITS;
            if at < to {
                push(found, at, format!("behind a day {}", rests(count)));
            }
            continue;
        }
        let is_front = at > from && is_zero(at) && is_zero(at + 1) && !is_zero(at - 1);
        if is_front && count >= LINES_ENOUGH && last_other > at {
            push(found, at, format!("zeros in front in all {count} lines, which is little"));
        }
        at += 1;
    }
}

fn push(found: &mut Vec<(usize, String)>, at: usize, why: String) {
    match found.last() {
        // A border that is there already has its reason.
        Some((last, _)) if *last == at => {}
        _ => found.push((at, why)),
    }
}

/// Eight digits that are a day of our time in all lines that have one; zeros are none.
fn is_day(lines: &[Chars], at: usize) -> bool {
    let mut days = 0;
    let is_fit = lines.iter().all(|line| {
        let text: String = line.get(at..at + DAY_DIGITS).unwrap_or_default().iter().collect();
        let is_day = is_of_our_time("YYYYMMDD", &text);
        days += usize::from(is_day);
        is_day || text.trim().is_empty() || text.bytes().all(|byte| byte == b'0')
    });
    is_fit && days > 0
}

/// A day in this form, in a year that documents are of.
fn is_of_our_time(form: &str, text: &str) -> bool {
    let day = Layout::day_in(form, text);
    day.and_then(|day| day.get(..4)?.parse().ok()).is_some_and(|year: u32| YEARS.contains(&year))
}

/// Whether a stretch is filled in all lines.
fn is_filled(lines: &[Chars], from: usize, to: usize) -> bool {
    lines.iter().all(|line| line.get(from..to).is_some_and(|stretch| stretch.iter().all(|c| *c != ' ')))
}

fn class(lines: &[Chars], at: usize) -> Class {
    let of = |c: &char| match c {
        c if c.is_ascii_digit() => Class::Digit,
        c if c.is_alphabetic() => Class::Letter,
        _ => Class::Mixed,
    };
    let mut seen = lines.iter().filter_map(|line| line.get(at)).filter(|c| **c != ' ').map(of);
    let Some(first) = seen.next() else { return Class::Blank };
    if seen.all(|other| other == first) { first } else { Class::Mixed }
}

/// The form that all its values have, and that of its days. Digits with zeros in front are a text: whether they are a number
/// or an id is not seen.
pub(super) fn form(column: &Column, width: usize) -> (&'static str, Option<&'static str>) {
    let filled: Vec<&String> = column.cells.iter().filter(|cell| !cell.is_empty()).collect();
    let is_none = |cell: &str| cell.bytes().all(|byte| byte == b'0');
    let date = DATES.into_iter().find(|form| {
        let is_fit = |cell: &&String| is_none(cell) || is_of_our_time(form, cell);
        form.len() == width && filled.iter().all(is_fit) && filled.iter().any(|cell| is_of_our_time(form, cell))
    });
    if date.is_some() {
        return ("date", date);
    }
    let has_zeros = |cell: &&&String| cell.len() > 1 && cell.starts_with('0') && !cell.contains('.');
    let is_plain = !filled.is_empty() && !filled.iter().any(|cell| has_zeros(&cell));
    if is_plain
        && filled.iter().all(|cell| cell.len() < DIGITS_OF_ID)
        && filled.iter().all(|cell| refusal(Form::Integer, cell).is_none())
    {
        return ("integer", None);
    }
    if is_plain
        && filled.iter().any(|cell| cell.contains('.'))
        && filled.iter().all(|cell| is_number(cell, ('.', None)))
    {
        return ("number", None);
    }
    ("text", None)
}

/// On which side the values are filled up, and with what, as far as it is seen.
pub(super) fn padding(lines: &[Chars], from: usize, to: usize) -> String {
    let width = to - from;
    let cells = || {
        let stretches = lines.iter().map(|line| {
            let mut cell: Chars = line.get(from.min(line.len())..to.min(line.len())).unwrap_or_default().to_vec();
            cell.resize(width, ' ');
            cell
        });
        stretches.filter(|cell| cell.iter().any(|c| *c != ' '))
    };
    let (mut front, mut behind, mut zeros, mut count) = (0, 0, 0, 0);
    for cell in cells() {
        count += 1;
        front += usize::from(cell[0] == ' ');
        behind += usize::from(cell[width - 1] == ' ');
        let is_digits = width > 1 && cell.iter().all(char::is_ascii_digit);
        zeros += usize::from(is_digits && cell[0] == '0');
    }
    match (front > 0, behind > 0, zeros > 0) {
        (true, false, _) => ", blanks in front: it may begin earlier".to_owned(),
        (false, true, _) => ", blanks behind".to_owned(),
        (true, true, _) => ", blanks on both sides: a border may be missed or misplaced".to_owned(),
        (false, false, true) => {
            format!(", zeros in front in {zeros} of {count}: a number or an id, and several may follow")
        }
        (false, false, false) if count > 0 && width >= WIDTH_OF_SEVERAL => {
            ", filled from end to end: several fields may stand in it".to_owned()
        }
        _ => String::new(),
    }
}
