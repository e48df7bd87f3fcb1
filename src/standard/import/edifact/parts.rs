//! What the messages of a UN/EDIFACT release share: its files of segments, composites, elements and code lists.

use crate::standard::definition::{
    CompositeDefinition, Condition, ElementDefinition, ElementType, Place, SegmentDefinition, Usage,
};
use crate::standard::import::Parts;
use std::collections::BTreeMap;

/// Marks of change in the margin; X means marked for deletion, still valid. What is marked by `-` is deleted, and no line
/// that begins so is read.
const MARKS: [char; 6] = [' ', '*', '#', '|', '+', 'X'];

/// The text behind the marks of change. A letter X counts as one only where it stands alone.
pub fn without_marks(text: &str) -> &str {
    let mut rest = text;
    loop {
        let mut letters = rest.chars();
        let is_mark = match (letters.next(), letters.next()) {
            (Some('X'), next) => next.is_none_or(|next| MARKS.contains(&next)),
            (Some(first), _) => MARKS.contains(&first),
            (None, _) => false,
        };
        if !is_mark {
            return rest;
        }
        rest = &rest[1..];
    }
}

/// The specifications of a file: what stands between lines of dashes.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let line = format!("\n{}", "-".repeat(40));
    // A file may begin with such a line.
    let mut rest = if text.starts_with(&line[1..]) { text.trim_start_matches('-') } else { text };
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (block, after) = match rest.find(&line) {
            Some(at) => {
                let after = &rest[at + 1..];
                (&rest[..at], after.split_once('\n').map_or("", |(_, after)| after))
            }
            None => (rest, ""),
        };
        rest = after;
        Some(block)
    })
}

/// Identifier and name of a block: `      C002  DOCUMENT/MESSAGE NAME`, change marks before it. A long name goes on in
/// the next line.
fn head(block: &str, length: usize) -> Option<(String, String)> {
    let mut lines = block.lines().skip_while(|line| line.trim().is_empty());
    // What is marked as deleted may still be used by what is not.
    let (id, name) = without_marks(lines.next()?.trim_start_matches([' ', '-'])).split_once(' ')?;
    let is_id = id.len() == length && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let more = lines.next().map_or("", str::trim);
    let name = format!("{} {more}", name.trim()).split_whitespace().collect::<Vec<_>>().join(" ");
    is_id.then(|| (id.to_owned(), name))
}

/// The numbered entries of a segment, or the entries of a composite. Those of a composite within a segment are left out:
/// its own table has them. A name may go on in the next line, where usage and representation then stand.
fn entries(block: &str, is_segment: bool) -> Vec<Place> {
    let numbered = block.lines().any(|line| digits(line) == POSITION_DIGITS && begun(line, is_segment, true).is_some());
    let mut found = Vec::new();
    let mut pending: Option<(String, String)> = None;
    for line in block.lines() {
        let begun = begun(line, is_segment, numbered).or_else(|| {
            let (id, name) = pending.take()?;
            Some((id, format!("{} {}", name.trim_end(), line.trim_start())))
        });
        let Some((id, text)) = begun else { continue };
        match usage_in(&text) {
            Some((name, usage, max)) => found.push(Place { id, name, usage, max }),
            None if line.trim().is_empty() => {}
            None => pending = Some((id, text)),
        }
    }
    found
}

/// Digits of the position that entries have from D.96A on.
const POSITION_DIGITS: usize = 3;

fn digits(line: &str) -> usize {
    line.bytes().take_while(u8::is_ascii_digit).count()
}

/// Number and the rest of a line with which an entry begins: `010    C817 ADDRESS USAGE    C    1`. D.93A has no
/// positions; in its segments what belongs to a composite has small letters and a deeper name.
fn begun(line: &str, is_segment: bool, numbered: bool) -> Option<(String, String)> {
    let rest = if numbered { (digits(line) == POSITION_DIGITS).then(|| &line[POSITION_DIGITS..])? } else { line };
    let (id, text) = without_marks(rest).split_at_checked(4)?;
    let is_outer = numbered || !is_segment || !text.starts_with("   ");
    (is_number(id) && text.starts_with(' ') && is_outer).then(|| (id.to_owned(), text.to_owned()))
}

/// The number of an element or composite: `3035`, `C002`; `E017` of an interactive one, `S009` of a service one.
fn is_number(id: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    id.len() == 4 && (digits(id) || id.strip_prefix(['C', 'E', 'S']).is_some_and(digits))
}

/// Splits `NAME   C  5 an..35`: name, usage, repeat.
fn usage_in(text: &str) -> Option<(String, Usage, u32)> {
    let bytes = text.as_bytes();
    let stands_at = |at: usize| matches!(bytes[at], b'M' | b'C') && bytes.get(at + 1).is_none_or(|&next| next == b' ');
    // A long name leaves one blank before the usage, and then two follow it.
    let at = (2..bytes.len()).rev().find(|&at| stands_at(at) && bytes[at - 2..at] == *b"  ").or_else(|| {
        let narrow = |at: usize| bytes[at - 1] == b' ' && bytes.get(at + 2).is_some_and(|&next| next == b' ');
        (2..bytes.len()).rev().find(|&at| stands_at(at) && narrow(at))
    })?;
    let usage = if bytes[at] == b'M' { Usage::Required } else { Usage::Optional };
    let repeat = text[at + 1..].split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(1);
    Some((text[..at].split_whitespace().collect::<Vec<_>>().join(" "), usage, repeat))
}

/// Reads the file of segments.
pub fn segments(text: &str, directory: &mut Parts, anomalies: &mut Vec<String>) {
    for block in blocks(text) {
        let Some((tag, name)) = head(block, 3) else { continue };
        let mut elements = entries(block, true);
        let conditions = dependency_notes(block, (&tag, true), anomalies);
        let repeated = repeat_by_note(block, &mut elements);
        if repeated && !conditions.is_empty() {
            anomalies.push(format!("segment {tag} repeats an element by a note, and has dependency notes"));
        }
        if elements.is_empty() {
            anomalies.push(format!("segment {tag} has no elements"));
        }
        directory.segments.insert(tag, SegmentDefinition { name: sentence(&name), elements, conditions });
    }
}

/// The line that stands over dependency notes: `Dependency note:`, `Dependency notes:`.
const NOTES: &str = "Dependency note";

/// Dependency notes of a segment or composite, `040  D5(040,030) If first, then all` (UN/EDIFACT message design rules, annex E):
/// the numbers in brackets are positions of entries, which become their numbers from 1.
fn dependency_notes(block: &str, (id, is_segment): (&str, bool), anomalies: &mut Vec<String>) -> Vec<Condition> {
    let Some((entries, notes)) = block.split_once(NOTES) else { return Vec::new() };
    let positions: Vec<&str> = (entries.lines())
        .filter(|line| digits(line) == POSITION_DIGITS && begun(line, is_segment, true).is_some())
        .map(|line| &line[..POSITION_DIGITS])
        .collect();
    let mut found = Vec::new();
    for line in notes.lines().filter(|line| line.contains('(')) {
        match note(line, &positions) {
            Some(condition) => found.push(condition),
            None => anomalies.push(format!("{id} has a dependency note that cannot be read: {}", line.trim())),
        }
    }
    found
}

/// One note: the positions in its list are those of entries, two at least.
fn note(line: &str, positions: &[&str]) -> Option<Condition> {
    let (before, rest) = line.split_once('(')?;
    let letter = before.trim_end().rsplit(' ').next()?.strip_prefix('D')?;
    let letter = letter.chars().next().filter(|digit| letter.len() == 1 && ('1'..='7').contains(digit))?;
    let list = rest.split_once(')')?.0.split(',');
    let number = |position: &str| positions.iter().position(|one| *one == position.trim());
    let elements = list.map(|position| u16::try_from(number(position)? + 1).ok()).collect::<Option<Vec<u16>>>()?;
    (elements.len() > 1).then_some(Condition { letter, elements })
}

/// "The composite C770 … occurs 100 times in the segment": written as so many places, as the data has them. Whether it did.
fn repeat_by_note(block: &str, places: &mut Vec<Place>) -> bool {
    let words: Vec<&str> = block.split_whitespace().collect();
    let Some(at) = words.iter().position(|word| *word == "occurs") else { return false };
    let id = words[..at].iter().rev().find(|word| is_number(word));
    let times = words.get(at + 1).and_then(|word| word.parse::<usize>().ok());
    if let (Some(id), Some(times)) = (id, times)
        && let Some(index) = places.iter().position(|place| place.id == **id)
    {
        let place = places[index].clone();
        places.splice(index..=index, std::iter::repeat_n(place, times));
        return true;
    }
    false
}

/// Reads the file of composites.
pub fn composites(text: &str, directory: &mut Parts, anomalies: &mut Vec<String>) {
    for block in blocks(text) {
        let Some((id, name)) = head(block, 4) else { continue };
        let components = entries(block, false);
        if components.is_empty() {
            anomalies.push(format!("composite {id} has no components"));
        }
        let conditions = dependency_notes(block, (&id, false), anomalies);
        directory.composites.insert(id, CompositeDefinition { name: sentence(&name), components, conditions });
    }
}

/// Reads the file of elements.
pub fn elements(text: &str, directory: &mut Parts) {
    for block in blocks(text) {
        let Some((id, name)) = head(block, 4) else { continue };
        let repr = block.lines().find_map(|line| line.trim().strip_prefix("Repr:"));
        let Some((kind, min, max)) = repr.and_then(representation) else { continue };
        directory.elements.insert(id, ElementDefinition { name, kind, min, max, codes: String::new() });
    }
}

/// The elements whose note sends people to a list elsewhere (an ISO standard, a recommendation of UNECE): what the
/// directory adds to such a list is no list that closes the element.
pub fn listed_elsewhere(text: &str) -> impl Iterator<Item = String> {
    blocks(text).filter_map(|block| {
        let (id, _) = head(block, 4)?;
        let (_, note) = block.split_once("Note:")?;
        let is_elsewhere = note.contains("ISO ") || note.to_lowercase().contains("recommendation ");
        is_elsewhere.then_some(id)
    })
}

/// `an..35`, `n6`, `a3`: type, fewest and most characters.
pub fn representation(text: &str) -> Option<(ElementType, u32, u32)> {
    let text = text.trim();
    let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let (kind, lengths) = text.split_at(letters);
    let kind = match kind {
        "an" => ElementType::Text,
        "a" => ElementType::Letters,
        "n" => ElementType::Number,
        _ => return None,
    };
    match lengths.strip_prefix("..") {
        Some(max) => Some((kind, 1, max.parse().ok()?)),
        None => lengths.parse().ok().map(|length| (kind, length, length)),
    }
}

/// Columns of a file of code lists; a description is indented deeper than the name.
#[derive(Clone, Copy)]
struct Columns {
    code: usize,
    name: usize,
    /// The code ends before the name's column, rather than to begin at its own.
    right_aligned: bool,
}

/// D.96A and D.97A; later releases.
const LAYOUTS: [Columns; 2] =
    [Columns { code: 2, name: 10, right_aligned: true }, Columns { code: 5, name: 11, right_aligned: false }];

/// Reads a file of code lists, by the layout that finds most in it.
pub fn codes(text: &str, directory: &mut Parts) {
    let read = LAYOUTS.map(|columns| code_lists(text, columns));
    let count = |lists: &CodeLists| lists.values().map(BTreeMap::len).sum::<usize>();
    if let Some(most) = read.into_iter().max_by_key(count) {
        directory.codes.extend(most);
    }
}

type CodeLists = BTreeMap<String, BTreeMap<String, String>>;

fn code_lists(text: &str, columns: Columns) -> CodeLists {
    let mut lists = CodeLists::new();
    for block in blocks(text) {
        let Some((id, _)) = head(block, 4).filter(|(id, _)| is_number(id)) else { continue };
        let mut list = BTreeMap::new();
        let mut last: Option<String> = None;
        // Until the representation all is heading and description of the element itself.
        for line in block.lines().skip_while(|line| !line.trim_start().starts_with("Repr:")).skip(1) {
            match code_line(line, columns) {
                Some((code, name)) => {
                    list.insert(code.clone(), name);
                    last = Some(code);
                }
                // A name that goes on: same column, no code.
                None if goes_on(line, columns) => {
                    if let Some(name) = last.as_ref().and_then(|code| list.get_mut(code)) {
                        *name = format!("{name} {}", line.trim());
                    }
                }
                None => last = None,
            }
        }
        if !list.is_empty() {
            lists.insert(id, list);
        }
    }
    lists
}

fn goes_on(line: &str, columns: Columns) -> bool {
    let split = line.split_at_checked(columns.name);
    split.is_some_and(|(left, name)| left.trim().is_empty() && !name.is_empty() && !name.starts_with(' '))
}

fn code_line(line: &str, columns: Columns) -> Option<(String, String)> {
    let (margin, rest) = line.split_at_checked(columns.code)?;
    if !margin.chars().all(|mark| MARKS.contains(&mark)) || (rest.starts_with(' ') && !columns.right_aligned) {
        return None;
    }
    // A code longer than the column moves its name to the right.
    let code: &str = rest.trim_start().split(' ').next()?;
    let begin = columns.code + (rest.len() - rest.trim_start().len());
    let name_at = columns.name.max(begin + code.len() + 1);
    let (left, name) = line.split_at_checked(name_at)?;
    let is_code = !code.is_empty() && !code.ends_with(':') && left[begin + code.len()..].trim().is_empty();
    (is_code && begin < columns.name && !name.starts_with(' ') && !name.is_empty())
        .then(|| (code.to_owned(), name.trim().to_owned()))
}

/// Places are named after what stands in them: the upper-case names of the segment tables say no more.
pub fn name_places(directory: &mut Parts) {
    let names: BTreeMap<String, String> = (directory.composites.iter().map(|(id, one)| (id.clone(), one.name.clone())))
        .chain(directory.elements.iter().map(|(id, one)| (id.clone(), one.name.clone())))
        .collect();
    let segments = directory.segments.values_mut().flat_map(|segment| &mut segment.elements);
    for place in segments.chain(directory.composites.values_mut().flat_map(|one| &mut one.components)) {
        if let Some(name) = names.get(&place.id).filter(|name| !name.is_empty()) {
            place.name.clone_from(name);
        }
    }
}

/// `DOCUMENT/MESSAGE NAME` as `Document/message name`.
pub fn sentence(name: &str) -> String {
    let lower = name.to_lowercase();
    let mut letters = lower.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes in the form of D.20B, and what can be none.
    #[test]
    fn dependency_notes_become_conditions() {
        let file = "\
----------------------------------------------------------------------

       TDT  TRANSPORT INFORMATION

       Function: To specify information regarding the transport.

010    8051 TRANSPORT STAGE CODE QUALIFIER             M    1 an..3

020    C220 MODE OF TRANSPORT                          C    1
       8067  Transport mode name code                  C      an..3

040    C001 TRANSPORT MEANS                            C    1

       Dependency notes:
       040  D5(040,020) If first, then all
       010  D1( 010, 020, 040 ) One and only one
       010  D5(040,030) If first, then all
       020  D8(010,020)
       020  D7(020)

----------------------------------------------------------------------
";
        let (mut directory, mut anomalies) = (Parts::default(), Vec::new());
        segments(file, &mut directory, &mut anomalies);
        let conditions: Vec<_> = directory.segments["TDT"].conditions.iter().map(Condition::to_string).collect();
        assert_eq!(conditions, ["D5(03,02)", "D1(01,02,03)"]);
        assert_eq!(directory.segments["TDT"].elements.len(), 3);
        let wrong = |note: &str| format!("TDT has a dependency note that cannot be read: {note}");
        assert_eq!(
            anomalies,
            [wrong("010  D5(040,030) If first, then all"), wrong("020  D8(010,020)"), wrong("020  D7(020)")]
        );
        let composite = file.replace("TDT  TRANSPORT", "C999 TRANSPORT").replace("       C999", "       C999 ");
        composites(&composite, &mut directory, &mut Vec::new());
        assert_eq!(directory.composites["C999"].conditions.len(), 2);
    }
}
