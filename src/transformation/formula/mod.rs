//! Formulas of transformations: conditions and values made from the fields of an entity, such as
//! `quantity.value * price.amount` or `purpose in ('cancellation', 'replace')`. They are read once, with the definition
//! of the entity at hand, so that a slip in a name or a comparison of a number with a text is told before any document
//! comes. They read no clock and nothing outside of what they are given, and each ends: there are no loops.
//!
//! `read` takes the text apart, `path` finds and sets fields, `function` lists the functions, `run` computes.

pub mod function;
mod path;
mod read;
mod run;

pub use path::{Path, Target};
pub use read::FORMULA_BYTES_MAX;
pub use run::{Around, Item, Once};

use crate::entity::{EntityDefinition, Field, FieldType};
use function::Function;
use rust_decimal::Decimal;
use std::fmt;

/// Where a formula stands: the fields that its names are looked up in.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'d> {
    /// Those of the item at hand; of the whole document where there is none.
    pub fields: &'d [Field],
    /// Those of the document, which `$.` begins with.
    pub document: &'d [Field],
    /// What the item at hand is, for messages: `lines`, or the entity's name.
    pub name: &'d str,
}

impl<'d> Scope<'d> {
    /// Of a whole document.
    #[must_use]
    pub fn document(definition: &'d EntityDefinition) -> Self {
        Scope { fields: &definition.fields, document: &definition.fields, name: &definition.kind }
    }

    /// Of the items of a list of the document; its path may go through lists (`lines.allocations`).
    ///
    /// # Errors
    /// There is no such list.
    pub fn items(self, list: &str) -> Result<Self, String> {
        Scope { fields: self.document, ..self }.inside(list)
    }

    /// Of the items of a list of the item at hand.
    ///
    /// # Errors
    /// There is no such list.
    pub fn inside(self, list: &str) -> Result<Self, String> {
        let field = path::field(self.fields, list, self.name)?;
        match &field.kind {
            FieldType::Object(fields) if field.is_list => Ok(Scope { fields, name: &field.name, ..self }),
            _ => {
                Err(format!("expected a list of items with fields, found {list}, which is {}", Kind::of(field).words()))
            }
        }
    }
}

/// What a formula gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, a code among them.
    Text,
    /// An exact decimal.
    Number,
    /// A day, time or period, which are texts that are put in order as such.
    Day,
    /// True or false.
    Flag,
    /// Fields.
    Object,
}

impl Kind {
    /// Of a field.
    #[must_use]
    pub fn of(field: &Field) -> Self {
        match field.kind {
            FieldType::Text | FieldType::Code(_) => Kind::Text,
            FieldType::Date | FieldType::Time | FieldType::Temporal => Kind::Day,
            FieldType::Decimal | FieldType::Count => Kind::Number,
            FieldType::Flag => Kind::Flag,
            FieldType::Object(_) => Kind::Object,
        }
    }

    /// For messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Number => "a number",
            Kind::Day => "a day or time",
            Kind::Flag => "true or false",
            Kind::Object => "an object",
        }
    }
}

/// A formula that was read.
#[derive(Debug, Clone)]
pub struct Formula {
    text: String,
    node: Node,
    kind: Kind,
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// What was expected and what was found, with the nearest name there is.
    pub fn read(text: &str, scope: Scope<'_>) -> Result<Self, String> {
        let (node, kind) = read::formula(text, scope).map_err(|error| format!("{error} in `{text}`"))?;
        Ok(Formula { text: text.to_owned(), node, kind })
    }

    /// What it gives.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it comes to.
    ///
    /// # Errors
    /// It cannot be computed: a division by zero, a number out of range, a text that is no number.
    pub fn run(&self, around: &Around<'_>) -> Result<Item, String> {
        run::run(&self.node, around).map_err(|error| format!("{error} in `{}`", self.text))
    }

    /// Whether it holds: it is true, or it is there at all and neither false nor empty.
    ///
    /// # Errors
    /// As [`Formula::run`].
    pub fn holds(&self, around: &Around<'_>) -> Result<bool, String> {
        self.run(around).map(|item| item.holds())
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A part of a formula.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Number(Decimal),
    Flag(bool),
    Path(Path),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare {
        comparison: Comparison,
        kind: Kind,
        one: Box<Node>,
        other: Box<Node>,
    },
    In {
        kind: Kind,
        one: Box<Node>,
        several: Vec<Node>,
    },
    Compute(Operator, Box<Node>, Box<Node>),
    Join(Box<Node>, Box<Node>),
    Call(&'static Function, Vec<Node>),
    /// Of the document alone, in a formula of its items.
    Once(Box<Node>),
}

/// How two values are compared. Numbers are compared as such, all else as texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{Entity, definition};
    use serde_json::json;

    fn order() -> Entity {
        let json = json!({ "type": "order", "number": "4711", "purpose": "original", "currency": "EUR", "issued": "2026-01-31",
            "parties": [{ "role": "buyer", "name": "North" }, { "role": "ship_to", "name": "Hall 2" }],
            "lines": [
                { "number": "1", "quantity": { "value": "10", "unit": "EA" }, "price": { "amount": "1.25" },
                  "item": { "ids": [{ "scheme": "gtin", "value": "4012345678901" }, { "scheme": "buyer", "value": "B-1" }] } },
                { "number": "2", "quantity": { "value": "2.50", "unit": "KGM" }, "item": { "description": "Rope" } }] });
        Entity::from_json(&json).expect("an order")
    }

    fn at(text: &str, list: Option<&str>) -> Result<String, String> {
        let entity = order();
        let scope = Scope::document(definition("order").expect("order"));
        let scope = list.map_or(Ok(scope), |list| scope.items(list))?;
        let formula = Formula::read(text, scope)?;
        let item = list.map(|list| entity.list(list)[0].as_object().expect("an item"));
        let once = Once::default();
        let item = item.unwrap_or(&entity.fields);
        let around = Around { item, document: &entity.fields, today: "2026-02-01", once: &once };
        formula.run(&around).map(|item| item.to_string())
    }

    fn of(text: &str) -> String {
        at(text, None).unwrap_or_else(|error| error)
    }

    #[test]
    fn ok_values() {
        for (formula, expected) in [
            ("number", "4711"),
            ("number & '-A'", "4711-A"),
            ("sum(lines.quantity.value)", "12.50"),
            ("count(lines)", "2"),
            ("1 + 2 * 3 - 4 / 8", "6.5"),
            ("(1 + 2) * 3", "9"),
            ("-2 - -3", "1"),
            ("purpose = 'original'", "true"),
            ("purpose in ('cancellation', 'original') and not release", "true"),
            ("purpose != 'original' or count(lines) > 2", "false"),
            ("lines.item.ids.scheme = 'gtin'", "true"),
            ("lines.item.ids[scheme = 'buyer'].value", "B-1"),
            ("parties[role = 'ship_to'].name", "Hall 2"),
            ("parties[2].name", "Hall 2"),
            ("parties[3].name", ""),
            ("issued < today()", "true"),
            ("if(currency = 'EUR', 'euro', currency)", "euro"),
            ("join(lines.number, '+')", "1+2"),
            ("lines[quantity.value > 5].number", "1"),
            ("'it''s'", "it's"),
            ("if(count(lines) = 0, 0, 10 / count(lines))", "5"),
            ("if(count(lines) = 2, 7, 1 / (count(lines) - 2))", "7"),
            ("-0.5 * 2", "-1.0"),
            ("number('-3') < 0", "true"),
            ("or('2026-01-31T10:00', issued) <= issued", "true"),
            ("release = 'x'", "false"),
            ("release != 'x'", "true"),
        ] {
            assert_eq!(of(formula), expected, "{formula}");
        }
        assert_eq!(at("quantity.value * price.amount", Some("lines")), Ok("12.50".to_owned()));
        assert_eq!(
            at("item.ids[scheme = 'gtin'].value & ' ' & $.currency", Some("lines")).as_deref(),
            Ok("4012345678901 EUR")
        );
    }

    #[test]
    fn err_what_is_wrong_is_told_before_any_document() {
        for (formula, part) in [
            ("numbr", "no field numbr of order; did you mean number?"),
            ("lines.quantiy.value", "no field quantiy of lines; did you mean quantity?"),
            ("number.value", "number is a text and has no fields"),
            ("number = 4711", "number is a text, 4711 is a number; a text is written '4711'"),
            ("lines.quantity.value > 'x'", "lines.quantity.value is a number, 'x' is a text"),
            ("number * 2", "expected a number, found number, which is a text; number(…) reads one"),
            ("sum(lines)", "expected a number, found lines, which is an object"),
            ("summ(lines.quantity.value)", "no function summ; did you mean sum?"),
            ("round(1)", "round takes 2 values, found 1"),
            ("(1 + 2", "expected ), found the end"),
            ("1 +", "expected a value, found the end"),
            ("number number", "expected the end, found number"),
            ("'open", "a text that begins and does not end"),
            ("number ~ 'x'", "found ~"),
            ("lines[number].number", "expected a condition or a number from 1 in [ ], found number, which is a text"),
            ("lines[0].number", "items are counted from 1"),
            ("'a' and 'b'", "expected a condition"),
            ("$", "expected $. and the name of a field"),
            ("if(number = '1', 'abc', 5)", "expected values of one kind"),
            ("0.12345678901234567890123456789012345", "at most 28 digits"),
        ] {
            let error = of(formula);
            assert!(error.contains(part), "{formula}: {error}");
            assert!(error.ends_with(&format!("in `{formula}`")), "{error}");
        }
        assert!(at("currency", Some("lines")).expect_err("of the document").contains("$.currency is the document's"));
        assert!(at("number", Some("line")).expect_err("no list").contains("did you mean lines?"));
        assert!(at("number", Some("currency")).expect_err("no list").contains("which is a text"));
    }

    #[test]
    fn err_what_cannot_be_computed() {
        for (formula, part) in [
            ("1 / (count(lines) - 2)", "division by zero"),
            ("number(currency)", "expected a number, found EUR"),
            ("79228162514264337593543950335 * 2", "out of range"),
            ("79228162514264337593543950335 + 0.4", "out of range"),
            ("0.000000000000001 * 0.000000000000001", "out of range"),
        ] {
            let error = of(formula);
            assert!(error.contains(part), "{formula}: {error}");
        }
    }

    #[test]
    fn err_deep_and_long_ones_are_refused() {
        let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
        assert!(of(&deep).contains("deeper than"), "{}", of(&deep));
        let long = "1+".repeat(FORMULA_BYTES_MAX);
        assert!(of(&long).contains("longer than"));
        let nots = format!("{}true", "not ".repeat(500));
        assert!(of(&nots).contains("deeper than"), "{}", of(&nots));
        let minus = format!("{}1", "- ".repeat(500));
        assert!(of(&minus).contains("deeper than"), "{}", of(&minus));
    }
}
