//! Drafts the definition of lines of fixed width from samples: which characters tell the type of a record, where the fields of
//! each type border on each other (`border`), and which records stand in which (`nest`). Each guess has beside it what it
//! rests on; what samples do not tell (who sends, what a field is called, whether it is a number) is left to people.

use super::border::{Field, fields};
use super::nest::{Nest, nest};
use super::{Column, DATES, InferError, ROWS_MAX};
use crate::standard::layout::LINE_BYTES_MAX;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Types of record, at most: more values are data.
const TYPES_MAX: usize = 64;
/// Characters of a type that no blank ends, at most.
const PREFIX_MAX: usize = 8;
/// Characters of a type that a blank ends, at most.
const WORD_MAX: usize = 30;
/// Of four lines, so many may have a type of their own: where more have, no type comes again and nothing can be learnt.
const TYPES_OF_FOUR: usize = 3;
/// Characters of a line that is taken for one of fixed width, at least.
const LENGTH_LEAST: usize = 20;
/// Lines that are nested by their order, at most.
pub(super) const NESTED_MAX: usize = 20_000;

/// A line, character by character.
pub(super) type Chars = Vec<char>;

/// All lines of a type.
pub(super) struct Kind {
    /// What the type reads.
    pub tag: String,
    /// What mappings call the record.
    pub name: String,
    /// Its lines.
    pub lines: Vec<Chars>,
}

/// Drafts a definition of this standard, version and type.
///
/// # Errors
/// [`InferError::NoTypes`] where no characters at the begin of the lines tell their types.
pub(super) fn infer([standard, version, kind]: [&str; 3], samples: &[Vec<u8>]) -> Result<String, InferError> {
    let is_utf8 = samples.iter().all(|bytes| std::str::from_utf8(bytes).is_ok());
    let samples: Vec<Vec<Chars>> = samples.iter().map(|bytes| lines(bytes, is_utf8)).collect();
    let all: Vec<&Chars> = samples.iter().flatten().collect();
    let width = tag_width(&all)?;
    let mut kinds: Vec<Kind> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    // The types of each sample in their order.
    let mut orders: Vec<Vec<usize>> = Vec::new();
    for sample in samples {
        let mut order = Vec::new();
        for line in sample {
            let tag = text(&line, 0, width);
            let at = *known.entry(tag.clone()).or_insert(kinds.len());
            if at == kinds.len() {
                kinds.push(Kind { name: name(&tag), tag, lines: Vec::new() });
            }
            order.push(at);
            kinds[at].lines.push(line);
        }
        orders.push(order);
    }
    let mut named: Vec<String> = Vec::new();
    for (at, kind) in kinds.iter_mut().enumerate() {
        if named.contains(&kind.name) {
            kind.name = format!("{}_{}", kind.name, at + 1);
        }
        named.push(kind.name.clone());
    }
    let nest = nest(&orders, kinds.len());
    let laid: Vec<Vec<Field>> = kinds.iter().map(|kind| fields(&kind.lines, width)).collect();
    let dates: Vec<&str> = DATES
        .into_iter()
        .filter(|form| laid.iter().flatten().any(|field| field.date.is_some_and(|date| date == *form)))
        .collect();
    let count: usize = kinds.iter().map(|kind| kind.lines.len()).sum();
    let (mut out, first) = (String::new(), &kinds[nest.first]);
    let mut say = |text: &str| writeln!(out, "{text}").unwrap_or_default();
    say(&format!(
        "# Drafted from {count} lines in {} samples, whose fields have no names: {}",
        orders.len(),
        LEFT_OPEN
    ));
    say(&format!("standard: {standard}\nversion: \"{version}\"\ntype: {kind}\nname: {kind}\nformat: fixed"));
    say(&format!("charset: {}", if is_utf8 { "utf-8" } else { "windows-1252" }));
    if !dates.is_empty() {
        say(&format!("dates: {}", dates.join(" ")));
    }
    let seen: Vec<String> = kinds.iter().map(|kind| format!("{} ({})", kind.tag, kind.lines.len())).collect();
    say(&format!("# what the first {width} characters read, and in how many lines: {}", seen.join(", ")));
    say(&format!("tag: 1 {width}\nrecognise:\n  - {}", json!(format!("1 {}", first.tag))));
    say("root: Document\ncontent: document\n# envelope: which fields are sender, receiver and number of a document");
    say(&format!("# {}", nest.seen(&first.tag)));
    say("records:\n  document:\n    name: Document\n    records:");
    if let Some(either) = nest.disorder(None, &named) {
        say(&format!("      # {either}"));
    }
    for &at in nest.below(None) {
        say(&format!("      - {}", part(&kinds, &nest, at)));
    }
    for (at, kind) in kinds.iter().enumerate() {
        say(&format!("  {}:\n    name: {}\n    tag: {}", kind.name, kind.name, json!(kind.tag)));
        if let Some(ends) = ends(&kind.lines) {
            say(&format!("    # {ends}"));
        }
        say("    fields:");
        say(&format!("      - type R text {width} = $tag"));
        for field in &laid[at] {
            say(&format!("      # {}\n      - {}", field.seen, field.said));
        }
        let inner = nest.below(Some(at));
        if !inner.is_empty() {
            say("    # by their order: each stood between two of this one");
            nest.disorder(Some(at), &named).into_iter().for_each(|either| say(&format!("    # {either}")));
            say("    records:");
        }
        for &inner in inner {
            say(&format!("      - {}", part(&kinds, &nest, inner)));
        }
    }
    Ok(out)
}

/// What the draft says at its head is left to do.
const LEFT_OPEN: &str = "name them, say who sends it to whom, and check borders, forms and nesting. \
                         Fields that no line fills are part of the one before them; \"little\" stands where a border rests on few lines.";

/// `NAME USAGE MAX RECORD` of a record in the one around it.
fn part(kinds: &[Kind], nest: &Nest, at: usize) -> String {
    let (usage, max) = nest.bounds(at);
    format!("{} {usage} {max} {}", kinds[at].name, kinds[at].name)
}

/// Lines that end in different places: what they are padded to is not seen.
fn ends(lines: &[Chars]) -> Option<String> {
    let lengths = lines.iter().map(Vec::len);
    let (least, most) = (lengths.clone().min()?, lengths.max()?);
    (least < most).then(|| {
        format!("its lines end after {least} to {most} characters: the last fields may be wider than what was seen")
    })
}

/// Whether the lines of a sample are of one length, and several.
pub(super) fn is_of_one_length(bytes: &[u8]) -> bool {
    let lines = lines(bytes, std::str::from_utf8(bytes).is_ok());
    lines.len() > 1 && lines[0].len() >= LENGTH_LEAST && lines.iter().all(|line| line.len() == lines[0].len())
}

/// Characters of the lines that are not blank and not over the limit.
fn lines(bytes: &[u8], is_utf8: bool) -> Vec<Chars> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| line.len() <= LINE_BYTES_MAX);
    let decoded = lines.map(|line| -> Chars {
        match is_utf8 {
            true => String::from_utf8_lossy(line).trim_end_matches('\r').chars().collect(),
            // One byte for each character: which, does not move a border.
            false => line.strip_suffix(b"\r").unwrap_or(line).iter().map(|byte| char::from(*byte)).collect(),
        }
    });
    decoded.filter(|line| line.iter().any(|c| *c != ' ')).take(ROWS_MAX).collect()
}

/// A stretch of a line without the blanks around it.
pub(super) fn text(line: &[char], from: usize, to: usize) -> String {
    let to = to.min(line.len());
    line.get(from.min(to)..to).unwrap_or_default().iter().collect::<String>().trim().to_owned()
}

/// How many of the first characters tell the type: a word that a blank ends in every line, or else so many that lines of one
/// type are alike and types are few.
fn tag_width(lines: &[&Chars]) -> Result<usize, InferError> {
    if lines.is_empty() {
        return Err(InferError::NoTypes { lines: 0, values: 0, most: 0 });
    }
    let words: Vec<usize> = lines.iter().map(|line| line.iter().take_while(|c| is_of_type(**c)).count()).collect();
    let is_word =
        |(line, end): (&&Chars, &usize)| (1..=WORD_MAX).contains(end) && line.get(*end).is_none_or(|next| *next == ' ');
    let longest = words.iter().copied().max().unwrap_or(0);
    // Behind a shorter one blanks follow up to the end of the longest.
    let is_padded = |line: &&Chars| line.iter().take(longest).skip_while(|c| is_of_type(**c)).all(|c| *c == ' ');
    let likely = (1..=PREFIX_MAX).filter_map(|width| Some((cost(lines, width, types(lines, width)?), width)));
    let best = likely.min_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    // A word that a blank ends needs less: that one type comes again, and that lines of a type are not much less alike.
    let found = values(lines, longest);
    let is_again = found <= TYPES_MAX.min(lines.len() - 1);
    if lines.iter().zip(&words).all(is_word) && lines.iter().all(is_padded) && is_again {
        let most = best.map_or(f64::INFINITY, |(least, _)| least * COST_OF_WORD + COST_OF_TYPE);
        if found * LINES_OF_WORD <= lines.len() || cost(lines, longest, found) <= most {
            return Ok(longest);
        }
    }
    // Letters that follow in all lines and tell nothing more are of the type, as in HDR; digits may be zeros in front.
    let is_letter = |at: usize| lines.iter().all(|line| line.get(at).is_some_and(char::is_ascii_alphabetic));
    let is_more =
        |width: usize| is_letter(width - 1) && is_letter(width) && values(lines, width + 1) == values(lines, width);
    let best = best.map(|(least, width)| (least, (width..WORD_MAX).find(|width| !is_more(*width)).unwrap_or(width)));
    best.map(|(_, width)| width).ok_or_else(|| InferError::NoTypes {
        lines: lines.len(),
        values: values(lines, 1),
        most: TYPES_MAX.min(lines.len() * TYPES_OF_FOUR / 4),
    })
}

/// What stands in types; `|`, `#` and `*` mean something in a definition.
fn is_of_type(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./+".contains(c)
}

/// How many values the first characters have.
fn values(lines: &[&Chars], width: usize) -> usize {
    let values: std::collections::BTreeSet<&[char]> = lines.iter().map(|line| &line[..width.min(line.len())]).collect();
    values.len()
}

/// How many types there are by the first characters; none where they are too many, or not what a type reads.
fn types(lines: &[&Chars], width: usize) -> Option<usize> {
    let is_type = |line: &&Chars| {
        let tag = &line[..width.min(line.len())];
        let end = tag.iter().rposition(|c| *c != ' ').map_or(0, |last| last + 1);
        end > 0 && tag[..end].iter().all(|c| is_of_type(*c))
    };
    let found = values(lines, width);
    (lines.iter().all(is_type) && found <= TYPES_MAX && found * 4 <= lines.len() * TYPES_OF_FOUR).then_some(found)
}

/// What a split by words may cost of the best other one: where a blank ends them all, they are words.
const COST_OF_WORD: f64 = 1.5;

/// Lines of each word on average, from which on words are types whatever else could be.
const LINES_OF_WORD: usize = 8;

/// What a type more costs, in columns that are mixed.
const COST_OF_TYPE: f64 = 1.5;

/// What a split by the first characters costs: columns in which lines of a type mix digits, letters and blanks, and the types.
fn cost(lines: &[&Chars], width: usize, types: usize) -> f64 {
    let mut groups: BTreeMap<&[char], Vec<&Chars>> = BTreeMap::new();
    for line in lines {
        groups.entry(&line[..width.min(line.len())]).or_default().push(line);
    }
    let mixed = |group: &Vec<&Chars>| {
        let longest = group.iter().map(|line| line.len()).max().unwrap_or(0);
        // Of each column, a bit for each class that stands there; behind the end of a line are blanks.
        let mut seen = vec![0_u8; longest];
        for line in group {
            let classes = line.iter().map(|c| match c {
                c if c.is_ascii_digit() => 1,
                c if c.is_alphabetic() => 2,
                ' ' => 4,
                _ => 0,
            });
            seen.iter_mut().zip(classes.chain(std::iter::repeat(4))).for_each(|(seen, class)| *seen |= class);
        }
        seen.iter().skip(width).filter(|seen| seen.count_ones() > 1).count() * group.len()
    };
    let mixed: usize = groups.values().map(mixed).sum();
    mixed as f64 / lines.len() as f64 + COST_OF_TYPE * types as f64
}

/// What mappings call a record or field of this type.
fn name(tag: &str) -> String {
    let plain: String = tag.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let is_own = plain.starts_with(|c: char| c.is_ascii_alphabetic()) && plain != "document";
    if is_own { plain } else { format!("record_{plain}") }
}

impl Field {
    /// A field of this stretch, from 0, with what its border rests on.
    pub(super) fn new(lines: &[Chars], from: usize, to: usize, border: &str) -> Field {
        let cells: Vec<String> = lines.iter().map(|line| text(line, from, to)).collect();
        let column = Column { title: format!("at_{}", from + 1), cells };
        let width = to - from;
        let (form, date) = super::border::form(&column, width);
        // Zeros are no day.
        let is_lacking = date.is_some() && column.cells.iter().any(|cell| cell.bytes().all(|byte| byte == b'0'));
        let usage = if is_lacking { 'O' } else { column.usage() };
        let said = format!("{} {usage} {form} {width}", column.title);
        let padding = if date.is_some() { String::new() } else { super::border::padding(lines, from, to) };
        let seen = format!("{border}; {}{padding}", column.seen());
        Field { said, seen, date }
    }
}
