//! The rules of a version's segments as tables: what `definition` says of elements, composites, conditions and codes,
//! without names and without a look-up by text.
//!
//! Those of a segment are worked out when they are first asked for, and answer one question quickly: is it without fault?
//! What is wrong with one that is not, `validate` says from the definitions themselves, in words. What a table has no
//! room for it leaves to that second look.

use super::definition::{Condition, Directory, ElementType, Place, Usage};
use super::tag::Tags;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Elements of a segment, or components of a composite, at most: one bit each in a mask.
pub const PLACES_MAX: usize = 64;

/// Bytes of the longest code that a set holds.
pub const CODE_BYTES_MAX: usize = 8;

/// The rules of a version: its tables, and the definitions that they are made of.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'d> {
    directory: &'d Directory,
    tables: &'d Tables,
}

/// The tables, each made when first asked for and kept. Segments, composites and code lists have the numbers of their
/// places among those of the directory.
#[derive(Debug, Default)]
pub struct Tables {
    tags: Tags,
    /// Segments first; then composites.
    rows: Box<[OnceLock<Rows>]>,
    sets: Box<[OnceLock<CodeSet>]>,
}

/// What holds for the elements of a segment, or the components of a composite.
#[derive(Debug, Default)]
pub struct Rows {
    /// The rules of its places.
    pub places: Box<[PlaceRule]>,
    conditions: Box<[MaskCondition]>,
    /// Bit n - 1: element n must be there.
    required: u64,
    /// The tables hold all of it.
    is_whole: bool,
    /// The filled places that were last allowed, 0 for none: most segments of a tag look alike. It hangs on no document.
    allowed: AtomicU64,
    /// Its first elements number a node of a tree and name the one above it: where level and has-child code stand.
    pub node: Option<[Option<usize>; 2]>,
    /// Where the structure code of the document stands.
    pub structure: Option<usize>,
}

/// What holds for one place.
#[derive(Debug, Clone, Copy)]
pub struct PlaceRule {
    /// What may stand there.
    pub content: Content,
    /// Fewest characters.
    pub min: u32,
    /// Most characters.
    pub max: u32,
    /// Its code list among the sets, or [`UNCODED`].
    set: u32,
}

/// No code list.
const UNCODED: u32 = u32::MAX;

/// What may stand at a place.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// Anything: nothing is defined.
    Anything,
    /// A value of this type.
    Value(ElementType),
    /// Components, by the number of their rows.
    Composite(u32),
}

/// A condition on the places of a segment or composite, as masks of those that are filled.
#[derive(Debug, Clone, Copy)]
pub struct MaskCondition {
    letter: char,
    first: u64,
    all: u64,
}

/// Codes of up to eight bytes as numbers, at the place that their hash gives or the next free one behind it.
#[derive(Debug, Clone)]
pub struct CodeSet {
    slots: Box<[u64]>,
    shift: u32,
}

/// Elements that number a node of a tree and name the one above it: X12 HL, EDIFACT CPS.
const NODE_NUMBERS: [[&str; 2]; 2] = [["628", "734"], ["7164", "7166"]];
/// Level code of a node.
pub const LEVEL: &str = "735";
/// Whether nodes stand below it: 0 none, 1 some.
pub const CHILD: &str = "736";
/// Structure code of the document.
pub const STRUCTURE: &str = "1005";

impl Tables {
    /// Of a directory; nothing is worked out yet but the numbers of tags.
    #[must_use]
    pub fn new(directory: &Directory) -> Self {
        let rows = directory.segments.len() + directory.composites.len();
        Tables {
            tags: Tags::new(directory.segments.keys()),
            rows: (0..rows).map(|_| OnceLock::new()).collect(),
            sets: (0..directory.codes.len()).map(|_| OnceLock::new()).collect(),
        }
    }
}

impl<'d> Rules<'d> {
    /// By the tables of this directory.
    #[must_use]
    pub fn new(directory: &'d Directory, tables: &'d Tables) -> Self {
        Rules { directory, tables }
    }

    /// The number of a segment's rules; `None` when the version has none of this tag.
    #[must_use]
    #[inline]
    pub fn segment(&self, tag: &[u8]) -> Option<usize> {
        self.tables.tags.find(tag)
    }

    /// The rules of a segment or composite.
    #[must_use]
    #[inline]
    pub fn rows(&self, number: usize) -> &'d Rows {
        let directory = self.directory;
        self.tables.rows[number].get_or_init(|| rows_of(directory, number))
    }

    /// Whether a place takes this code; where there is no list it takes any.
    #[must_use]
    #[inline]
    pub fn has_code(&self, place: &PlaceRule, code: u64) -> bool {
        !place.is_coded() || self.set(place.set as usize).has(code)
    }

    /// A code list as a set. One with codes that do not fit becomes an empty set, which leaves all to the second look.
    #[inline]
    fn set(&self, number: usize) -> &'d CodeSet {
        let directory = self.directory;
        self.tables.sets[number].get_or_init(|| {
            let made = directory.codes.at(number).and_then(CodeSet::new);
            made.unwrap_or_else(|| CodeSet { slots: vec![0; 2].into(), shift: 63 })
        })
    }
}

impl Rows {
    fn new(directory: &Directory, places: &[Place], conditions: &[Condition]) -> Self {
        let masks: Box<[MaskCondition]> = conditions.iter().filter_map(MaskCondition::new).collect();
        let is_required = |(at, place): (usize, &Place)| u64::from(place.usage == Usage::Required) << (at % PLACES_MAX);
        let ids: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
        let at = |id: &str| ids.iter().position(|one| *one == id).map(|at| at + 1);
        let is_node = NODE_NUMBERS.iter().any(|pair| ids.get(..2) == Some(&pair[..]));
        Rows {
            is_whole: places.len() <= PLACES_MAX && masks.len() == conditions.len(),
            places: places.iter().map(|place| PlaceRule::new(directory, place)).collect(),
            conditions: masks,
            allowed: AtomicU64::new(0),
            required: places.iter().enumerate().map(is_required).fold(0, |all, bit| all | bit),
            node: is_node.then(|| [at(LEVEL), at(CHILD)]),
            structure: at(STRUCTURE),
        }
    }

    /// Whether nothing is wrong with which places are filled; bit n - 1 says that place n is.
    #[must_use]
    #[inline]
    pub fn allows(&self, filled: u64) -> bool {
        if filled != 0 && self.allowed.load(Ordering::Relaxed) == filled {
            return true;
        }
        let is_met = || self.conditions.iter().all(|condition| condition.is_met(filled));
        let allows = self.is_whole && self.required & !filled == 0 && is_met();
        if allows {
            self.allowed.store(filled, Ordering::Relaxed);
        }
        allows
    }
}

/// The rules that a number stands for.
#[cold]
fn rows_of(directory: &Directory, number: usize) -> Rows {
    let segment = directory.segments.at(number).map(|one| (&one.elements, &one.conditions));
    let composite = || {
        let definition = directory.composites.at(number.checked_sub(directory.segments.len())?);
        definition.map(|one| (&one.components, &one.conditions))
    };
    let Some((places, conditions)) = segment.or_else(composite) else { return Rows::default() };
    Rows::new(directory, places, conditions)
}

impl PlaceRule {
    fn new(directory: &Directory, place: &Place) -> Self {
        let open = PlaceRule { content: Content::Anything, min: 0, max: u32::MAX, set: UNCODED };
        if let Some(number) = directory.composites.number(&place.id) {
            let rows = directory.segments.len() + number;
            return PlaceRule { content: Content::Composite(rows as u32), ..open };
        }
        let Some(element) = directory.elements.get(&place.id) else { return open };
        let (content, set) = (Content::Value(element.kind), directory.codes.number(&element.codes));
        let set = set.map_or(UNCODED, |number| number as u32);
        PlaceRule { content, min: element.min, max: element.max, set }
    }

    /// Whether only listed codes may stand here.
    #[must_use]
    #[inline]
    pub fn is_coded(&self) -> bool {
        self.set != UNCODED
    }
}

impl MaskCondition {
    fn new(condition: &Condition) -> Option<Self> {
        let bit = |element: &u16| (1..=PLACES_MAX as u16).contains(element).then(|| 1 << (element - 1));
        let bits: Option<Vec<u64>> = condition.elements.iter().map(bit).collect();
        let bits = bits?;
        let (&first, all) = (bits.first()?, bits.iter().fold(0, |all, bit| all | bit));
        Some(MaskCondition { letter: condition.meaning(), first, all })
    }

    /// The letters are explained at [`Condition`].
    fn is_met(self, filled: u64) -> bool {
        let here = filled & self.all;
        match self.letter {
            'P' => here == 0 || here == self.all,
            'R' => here != 0,
            'E' => here.count_ones() <= 1,
            'C' => here & self.first == 0 || here == self.all,
            'L' => here & self.first == 0 || here != self.first,
            '1' => here.count_ones() == 1,
            '7' => here & self.first == 0 || here == self.first,
            _ => true,
        }
    }
}

impl CodeSet {
    /// `None` when a code does not fit.
    fn new(codes: &BTreeMap<String, String>) -> Option<Self> {
        let bits = (codes.len() * 2).next_power_of_two().trailing_zeros().max(1);
        let mut made = CodeSet { slots: vec![0; 1 << bits].into(), shift: 64 - bits };
        for code in codes.keys() {
            let key = code_key(code.as_bytes())?;
            let slot = made.slot(key);
            made.slots[slot] = key;
        }
        Some(made)
    }

    #[inline]
    fn has(&self, key: u64) -> bool {
        let (mask, mut slot) = (self.slots.len() - 1, self.begin(key));
        loop {
            match self.slots[slot & mask] {
                found if found == key => return true,
                0 => return false,
                _ => slot += 1,
            }
        }
    }

    /// Where the search for a key begins.
    #[inline]
    fn begin(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// Where a key stands, or the free place where it would; half of the places are free.
    fn slot(&self, key: u64) -> usize {
        let mut slot = self.begin(key);
        while self.slots[slot] != 0 && self.slots[slot] != key {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }
}

/// A code as a number, its first byte lowest; `None` of an empty or long one, and of one with a NUL.
#[must_use]
pub fn code_key(code: &[u8]) -> Option<u64> {
    let fits = (1..=CODE_BYTES_MAX).contains(&code.len()) && !code.contains(&0);
    fits.then(|| code.iter().rev().fold(0, |key, &byte| key << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard::load::Library;
    use crate::standard::validate::is_met;

    #[test]
    fn masks_say_of_every_condition_what_the_letters_say() {
        for letter in Condition::LETTERS.chars() {
            for elements in [vec![1, 2], vec![2, 1], vec![3, 1, 4], vec![1, 2, 3, 4]] {
                let condition = Condition { letter, elements };
                let mask = MaskCondition::new(&condition).expect("elements 1 to 4");
                for filled in 0..16u64 {
                    let flags: Vec<bool> = (0..4).map(|bit| filled >> bit & 1 == 1).collect();
                    assert_eq!(mask.is_met(filled), is_met(&condition, &flags), "{condition} {filled:04b}");
                }
            }
        }
        assert!(MaskCondition::new(&Condition { letter: 'P', elements: vec![1, 65] }).is_none());
    }

    #[test]
    fn a_set_has_its_codes_and_no_others() {
        for (standard, version) in [("x12", "004010"), ("edifact", "d96a")] {
            let directory = Library::new(None).directory(standard, version).expect("packed");
            for codes in directory.codes.values().filter(|codes| codes.keys().all(|code| code.len() <= CODE_BYTES_MAX))
            {
                let set = CodeSet::new(codes).expect("all fit");
                assert!(codes.keys().all(|code| set.has(code_key(code.as_bytes()).expect("it fits"))));
                for other in ["~~", "?", "00000000", "zzz"].iter().filter(|other| !codes.contains_key(**other)) {
                    assert!(!set.has(code_key(other.as_bytes()).expect("it fits")));
                }
            }
        }
        assert_eq!((code_key(b""), code_key(b"123456789"), code_key(b"A\0")), (None, None, None));
    }
}
