//! Functions of mapping rules: each file holds one, with both directions, its help and examples that run as tests.
//!
//! `get` turns what stands in the document into the entity's value, `put` the entity's value into what is written. A
//! function that cannot turn back exactly says in its help which form it chooses.

mod agreed;
mod ai;
mod bound;
mod by_length;
mod chunks;
mod code;
mod computed;
mod count;
mod currency;
mod date;
mod decimal;
mod default;
mod digits;
mod factor;
mod fits;
mod flag;
mod implied;
mod instead_of;
mod is;
mod iso;
mod known;
mod lines;
mod lookup;
mod moment;
mod or;
mod ordinal;
mod prefer;
mod refuse;
mod scheme;
mod shape;
mod signed;
mod sum;
mod temporal;
mod time;
mod unless;
mod unsaid;
mod when;

use super::code::Codes;
use crate::diagnostic::Lookup;
use crate::entity::{Entity, Sums, Value, View};
use crate::table::Tables;
use std::cell::RefCell;

/// All functions, in the order of their names. A new one is its file and a line here.
static ALL: &[&dyn Function] = &[
    &agreed::Agreed,
    &ai::Ai,
    &bound::Bound,
    &by_length::ByLength,
    &chunks::Chunks,
    &code::Code,
    &computed::Computed,
    &count::Count,
    &currency::Currency,
    &date::Date,
    &decimal::Decimal,
    &default::Default,
    &digits::Digits,
    &factor::Factor,
    &fits::Fits,
    &flag::Flag,
    &implied::Implied,
    &instead_of::InsteadOf,
    &is::Is,
    &iso::Iso,
    &known::Known,
    &lines::Lines,
    &lookup::Lookup,
    &moment::Moment,
    &or::Or,
    &ordinal::Ordinal,
    &prefer::Prefer,
    &refuse::Refuse,
    &scheme::Scheme,
    &shape::Shape,
    &signed::Signed,
    &sum::Sum,
    &temporal::Temporal,
    &time::Time,
    &unless::Unless,
    &unsaid::Unsaid,
    &when::When,
];

/// What stands around the value a function works on.
pub struct Spot<'a> {
    /// `x12`, `edifact`: which column of a code list.
    pub standard: &'a str,
    /// Decimal mark of the interchange.
    pub decimal: char,
    /// The code lists.
    pub codes: &'a Codes,
    /// The lookup tables.
    pub tables: &'a Tables,
    /// What the tables have not.
    pub missed: RefCell<Vec<Lookup>>,
    /// Reading: what stands beside the value.
    pub beside: &'a dyn Fn(Beside) -> String,
    /// Reading: the document writes its amounts with a minus that the entity does not have.
    pub is_negative: bool,
    /// Reading: the currency of the document, where it says one.
    pub currency: Option<&'a str>,
    /// Reading: what the functions looked at; it is taken together with the value.
    pub looked: RefCell<Vec<Beside>>,
    /// Writing: what is to stand beside the value.
    pub written: RefCell<Vec<(Beside, String)>>,
    /// Writing: what of the value cannot be written, in words.
    pub lost: RefCell<Vec<&'static str>>,
    /// Writing: the object that the value is a field of.
    pub fields: Option<View<'a>>,
    /// Writing: the whole entity.
    pub entity: Option<&'a Entity>,
    /// Writing: its totals, for computed values.
    pub sums: Option<&'a Sums<'a>>,
}

impl<'a> Spot<'a> {
    /// A spot in no document and no entity: the rest is filled in by whoever has one.
    pub(super) fn new(standard: &'a str, decimal: char, codes: &'a Codes, tables: &'a Tables) -> Self {
        Spot {
            standard,
            decimal,
            codes,
            tables,
            missed: RefCell::default(),
            beside: &|_| String::new(),
            is_negative: false,
            currency: None,
            looked: RefCell::default(),
            written: RefCell::default(),
            lost: RefCell::default(),
            fields: None,
            entity: None,
            sums: None,
        }
    }
}

impl Spot<'_> {
    /// What stands beside the value; it counts as taken.
    fn look(&self, beside: Beside) -> String {
        self.looked.borrow_mut().push(beside);
        (self.beside)(beside)
    }

    /// A field of the object that the value belongs to.
    fn sibling(&self, field: &str) -> Option<View<'_>> {
        Some(self.fields?.at(field)).filter(|view| view.is_there())
    }
}

/// A place near the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Component of the same element, from 1.
    Component(u16),
    /// Simple element of the same segment, from 1.
    Element(u16),
}

/// A value on its way: what a function returns, or a sentence saying what it expected.
pub type Outcome = Result<Option<Value>, String>;

/// One function of the notation.
pub trait Function: Sync {
    /// Its name in rules.
    fn name(&self) -> &'static str;
    /// What it does, with its arguments; printed by `mappings show` and in the manual.
    fn help(&self) -> &'static str;
    /// (arguments, what stands in an X12 document, value in the entity); run in both directions by the tests.
    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)];
    /// Works on several values at once, so that the rule covers a range of places.
    fn takes_list(&self) -> bool {
        false
    }
    /// Document to entity; never called without a value.
    ///
    /// # Errors
    /// What was expected.
    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome;
    /// A text of a document, or each of a list, stays as it is; asked for characters of ASCII only.
    fn keeps(&self, _wire: &[u8], _spot: &Spot<'_>) -> bool {
        false
    }
    /// Appends the text that `get` makes of a text, where that is soon done, looking at what `get` looks at; else says so.
    /// Asked for characters of ASCII only.
    fn get_text(&self, _arguments: &[String], wire: &[u8], spot: &Spot<'_>, text: &mut Vec<u8>) -> bool {
        let is_kept = self.keeps(wire, spot);
        if is_kept {
            text.extend_from_slice(wire);
        }
        is_kept
    }
    /// A text of a document always becomes the same, whatever stands around it and whoever sent it.
    fn is_steady(&self) -> bool {
        false
    }
    /// Entity to document; `None` when the entity has no such field.
    ///
    /// # Errors
    /// What was expected.
    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome;
    /// A text of an entity, or each of a list where the function takes lists, is written as it stands, nothing is put
    /// beside it, and nothing of it is lost.
    fn keeps_on_writing(&self, _arguments: &[String], _text: &str, _spot: &Spot<'_>) -> bool {
        false
    }
    /// A text of an entity is always written the same, whatever stands beside it; so is nothing, beside the same fields.
    fn is_steady_on_writing(&self) -> bool {
        false
    }
    /// Writing: the field beside the value whose length, in characters, decides too; all else beside it decides nothing.
    fn measures<'a>(&self, _arguments: &'a [String]) -> Option<&'a str> {
        None
    }
    /// On writing it may give a value where the entity has none.
    fn supplies(&self) -> bool {
        false
    }
    /// A value that cannot be written changes the meaning of the others: an error, not a loss.
    fn is_vital(&self, _arguments: &[String], _spot: &Spot<'_>) -> bool {
        false
    }
    /// Another field, beside the rule's own, that the function writes.
    fn writes<'a>(&self, _arguments: &'a [String]) -> Option<&'a str> {
        None
    }
    /// A value of the entity that the function can carry both ways, made from rolls of dice; `None`: any text will do.
    fn sample(&self, _arguments: &[String], _dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        None
    }
}

/// A function with the arguments a rule gives it.
#[derive(Clone)]
pub struct Call {
    /// Which.
    pub function: &'static dyn Function,
    /// Between its parentheses.
    pub arguments: Vec<String>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.function.name(), self.arguments.join(", "))
    }
}

/// The function of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Function> {
    ALL.iter().copied().find(|function| function.name() == name)
}

/// The names there are.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|function| function.name()).collect()
}

/// Name, help and examples of every function, for the manual.
pub fn all() -> impl Iterator<Item = &'static dyn Function> {
    ALL.iter().copied()
}

/// Runs the functions of a rule from the document to the entity.
///
/// # Errors
/// The sentence of the function that failed.
pub fn get(calls: &[Call], wire: Value, spot: &Spot<'_>) -> Outcome {
    calls.iter().try_fold(Some(wire), |value, call| match value {
        Some(value) => call.function.get(&call.arguments, value, spot),
        None => Ok(None),
    })
}

/// Appends the text that the functions of a rule make of a text of ASCII, where each of them can; else says so.
pub fn get_text(calls: &[Call], wire: &[u8], spot: &Spot<'_>, text: &mut Vec<u8>) -> bool {
    if let [one] = calls {
        return one.function.get_text(&one.arguments, wire, spot, text);
    }
    let are_kept = keep(calls, wire, spot);
    if are_kept {
        text.extend_from_slice(wire);
    }
    are_kept
}

/// Whether the functions of a rule leave a text of ASCII as it is, by itself or in a list.
pub fn keep(calls: &[Call], wire: &[u8], spot: &Spot<'_>) -> bool {
    calls.iter().all(|call| call.function.keeps(wire, spot))
}

/// Runs the functions of a rule from the entity to the document, the last one first.
///
/// # Errors
/// The sentence of the function that failed.
pub fn put(calls: &[Call], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
    calls.iter().rev().try_fold(value, |value, call| call.function.put(&call.arguments, value, spot))
}

/// Whether the functions of a rule write a text of an entity as it stands.
#[inline]
pub fn keep_on_writing(calls: &[Call], text: &str, spot: &Spot<'_>) -> bool {
    calls.iter().rev().all(|call| call.function.keeps_on_writing(&call.arguments, text, spot))
}

/// Whether the functions of a rule write each text of a list as it stands.
pub fn keep_each_on_writing<'t>(calls: &[Call], mut texts: impl Iterator<Item = &'t str>, spot: &Spot<'_>) -> bool {
    calls.iter().all(|call| call.function.takes_list()) && texts.all(|text| keep_on_writing(calls, text, spot))
}

/// Whether the functions of a rule always write a text of an entity the same, beside the same length of what they measure.
pub fn are_steady_on_writing(calls: &[Call]) -> bool {
    let is_only = |call: &Call| call.function.measures(&call.arguments).is_none_or(|one| Some(one) == measured(calls));
    !calls.is_empty() && calls.iter().all(|call| call.function.is_steady_on_writing() && is_only(call))
}

/// The field beside the value that the functions of a rule measure on writing.
pub fn measured(calls: &[Call]) -> Option<&str> {
    calls.iter().find_map(|call| call.function.measures(&call.arguments))
}

/// The length of what is measured; of nothing, as the functions have it.
pub fn length(measured: Option<&str>) -> usize {
    measured.map_or(0, |text| text.chars().count())
}

/// Whether a value that these functions cannot write changes the meaning of the others.
pub fn is_vital(calls: &[Call], spot: &Spot<'_>) -> bool {
    calls.iter().any(|call| call.function.is_vital(&call.arguments, spot))
}

/// A value as it is written in the arguments of a rule.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The text of a value, or what was expected of it.
fn text<'v>(value: &'v Value, expected: &str) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("{expected}, found {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_holds_both_ways() {
        let codes = Codes::new(None);
        let items = serde_json::json!({ "columns": ["buyer", "gtin"], "directions": ["buyer to gtin", "gtin to buyer"],
            "rows": [["B-100", "4012345678901"]] });
        let items = crate::table::Table::read("items", &items).expect("a table");
        let tables = Tables { all: [("items".to_owned(), items.into())].into(), ..Tables::default() };
        let beside = |_: Beside| "102".to_owned();
        for function in ALL {
            assert!(!function.examples().is_empty(), "{} has no example", function.name());
            for (arguments, wire, value) in function.examples() {
                let arguments: Vec<_> =
                    arguments.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
                let entity = Entity::from_json(&serde_json::json!({ "type": "order", "value": "012345678905",
                    "lines": [{ "quantity": { "value": "2" } }, { "quantity": { "value": "0.5" } }] }));
                let entity = entity.expect("an order");
                let spot = Spot::new("x12", '.', &codes, &tables);
                let (fields, whole) = (Some(View::from(&entity.fields)), Some(&entity));
                let spot = Spot { beside: &beside, fields, entity: whole, ..spot };
                let json = |text: &str| {
                    serde_json::from_str::<serde_json::Value>(text).map_or_else(|_| Value::from(text), Value::from)
                };
                let (wire, value): (Value, Value) = (json(wire), json(value));
                let got = function.get(&arguments, wire.clone(), &spot);
                assert_eq!(got, Ok(Some(value.clone())), "{} get", function.name());
                assert_eq!(function.put(&arguments, Some(value), &spot), Ok(Some(wire)), "{} put", function.name());
            }
        }
    }

    #[test]
    fn the_short_way_makes_what_the_long_one_makes() {
        let (codes, tables) = (Codes::new(None), Tables::default());
        let texts = [
            "",
            "0",
            "7",
            "07",
            "007",
            "12",
            "-5",
            "12500",
            "00",
            "000",
            "12.5",
            ".5",
            "1.",
            "1,5",
            "1.2.3",
            "X",
            "20260131",
            "20260230",
            "260131",
            "00000000",
            "2026013A",
            "1234567890123456789",
            "12345678901234567890123456789",
        ];
        for (function, is_negative) in ALL.iter().flat_map(|function| [(function, false), (function, true)]) {
            let spot = Spot { is_negative, ..Spot::new("x12", '.', &codes, &tables) };
            for (arguments, text) in
                [&[][..], &["2"], &["0"], &["20"]].iter().flat_map(|one| texts.map(|text| (*one, text)))
            {
                let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
                let (mut made, name) = (Vec::new(), function.name());
                if function.get_text(&arguments, text.as_bytes(), &spot, &mut made) {
                    let long = function.get(&arguments, text.into(), &spot);
                    assert_eq!(long, Ok(Some(String::from_utf8(made).expect("text").into())), "{name} of {text}");
                }
                if function.keeps(text.as_bytes(), &spot) {
                    assert_eq!(function.get(&arguments, text.into(), &spot), Ok(Some(text.into())), "{name} of {text}");
                    let list = Value::Array(vec![text.into()]);
                    let takes_list = function.takes_list();
                    assert!(!takes_list || function.get(&arguments, list.clone(), &spot) == Ok(Some(list)), "{name}");
                }
            }
        }
    }

    #[test]
    fn what_is_said_to_be_kept_on_writing_is_written_as_it_stands() {
        let (codes, tables) = (Codes::new(None), Tables::default());
        let negative = serde_json::json!({ "type": "invoice", "negative_in": "x12", "value": "012345678905" });
        let entity = Entity::from_json(&negative).expect("an invoice");
        let texts = ["", "0", "7", "-5", "12.50", ".5", "1,5", "1234567890123456789012345678901", "EN", "UP", "N", "é"];
        let arguments = [&[][..], &["2"], &["value", "12 UP", "13 EN"], &["x", "value"], &["7"], &["12.50"]];
        let mut kept = Vec::new();
        for (function, decimal) in ALL.iter().flat_map(|function| ['.', ','].map(|mark| (function, mark))) {
            for (whole, arguments, text) in [None, Some(&entity)]
                .iter()
                .flat_map(|whole| arguments.map(|one| (*whole, one)))
                .flat_map(|(whole, one)| texts.map(|text| (whole, one, text)))
            {
                let sums = whole.map(Sums::of);
                let fields = whole.map(|entity| View::from(&entity.fields));
                let spot = Spot::new("x12", decimal, &codes, &tables);
                let spot = Spot { fields, entity: whole, sums: sums.as_ref(), ..spot };
                let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
                if function.keeps_on_writing(&arguments, text, &spot) {
                    let name = function.name();
                    assert_eq!(function.put(&arguments, Some(text.into()), &spot), Ok(Some(text.into())), "{name}");
                    assert!(spot.written.take().is_empty() && spot.lost.take().is_empty(), "{name} of {text}");
                    assert!(spot.missed.take().is_empty(), "{name} of {text}");
                    let list = Value::Array(vec![text.into(), text.into()]);
                    let takes_list = function.takes_list();
                    assert!(
                        !takes_list || function.put(&arguments, Some(list.clone()), &spot) == Ok(Some(list)),
                        "{name}"
                    );
                    kept.push(name);
                }
            }
        }
        kept.dedup();
        assert_eq!(kept, ["by_length", "chunks", "computed", "decimal", "default", "or", "signed"]);
    }

    #[test]
    fn names_are_in_order_and_unique() {
        let names = names();
        assert!(names.windows(2).all(|two| two[0] < two[1]), "{names:?}");
    }
}
