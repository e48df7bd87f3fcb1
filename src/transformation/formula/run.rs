//! Computes formulas. Decimals stay exact; nothing is rounded unless the formula says so.

use super::function::limited;
use super::path::Finding;
use super::{Comparison, Kind, Node, Operator};
use crate::entity::{Map, Text, Value};
use rust_decimal::Decimal;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

/// What a formula is computed in.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The item at hand, or the document.
    pub item: &'a Map,
    /// The document.
    pub document: &'a Map,
    /// The day, `2026-01-31`.
    pub today: &'a str,
    /// What was computed of the document alone.
    pub once: &'a Once,
}

/// What parts of formulas that look at nothing but the document came to: it is the same for each of its items, so that it is
/// computed once for all of them. To be made anew when the document changes.
#[derive(Debug, Default)]
pub struct Once(RefCell<HashMap<usize, Item>>);

/// The values between a function's brackets, each computed when it is asked for.
pub(super) struct Values<'v> {
    nodes: &'v [Node],
    pub around: &'v Around<'v>,
}

impl Values<'_> {
    pub fn item(&self, at: usize) -> Finding<Item> {
        self.nodes.get(at).map_or(Ok(Item::Nothing), |node| run(node, self.around))
    }
}

/// What a formula comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Nothing is there.
    Nothing,
    /// A text, a day or a code.
    Text(Text),
    /// A number.
    Number(Decimal),
    /// True or false.
    Flag(bool),
    /// Fields, or a code that has no canonical counterpart.
    Object(Map),
    /// All that a list has, in order.
    Many(Vec<Item>),
}

impl Item {
    /// A value of an entity. Numbers are texts there.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Item::Nothing,
            Value::Bool(flag) => Item::Flag(*flag),
            Value::Number(number) => Item::Text(number.to_string().into()),
            Value::String(text) => Item::Text(text.clone()),
            Value::Array(items) => Item::Many(items.iter().map(Item::of).collect()),
            Value::Object(fields) => Item::Object(fields.clone()),
        }
    }

    /// Values that were found: one that can be but one stands by itself.
    pub(super) fn of_all(mut found: Vec<Item>, are_several: bool) -> Self {
        match found.len() {
            _ if are_several => Item::Many(found),
            0 => Item::Nothing,
            1 => found.remove(0),
            _ => Item::Many(found),
        }
    }

    /// Each of several, or the one.
    #[must_use]
    pub fn all(self) -> Vec<Item> {
        match self {
            Item::Nothing => Vec::new(),
            Item::Many(items) => items.into_iter().flat_map(Item::all).collect(),
            one => vec![one],
        }
    }

    /// Whether it counts as true: a flag that is; anything else that is there.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Item::Nothing => false,
            Item::Flag(flag) => *flag,
            Item::Text(text) => !text.is_empty(),
            Item::Many(items) => items.iter().any(Item::holds),
            Item::Number(_) | Item::Object(_) => true,
        }
    }

    /// The number that it is.
    ///
    /// # Errors
    /// It is none.
    pub fn number(&self) -> Finding<Option<Decimal>> {
        match self {
            Item::Nothing => Ok(None),
            Item::Number(number) => Ok(Some(*number)),
            Item::Text(text) => exact(text).map(Some),
            Item::Many(items) => match items.as_slice() {
                [] => Ok(None),
                [one] => one.number(),
                several => Err(format!("expected one number, found {} values", several.len())),
            },
            other => Err(format!("expected a number, found {other}")),
        }
    }

    /// As a value of an entity; nothing gives none.
    #[must_use]
    pub fn value(self) -> Option<Value> {
        match self {
            Item::Nothing => None,
            Item::Text(text) => Some(Value::String(text)),
            Item::Number(number) => Some(Value::from(number.to_string())),
            Item::Flag(flag) => Some(Value::Bool(flag)),
            Item::Object(fields) => Some(Value::Object(fields)),
            Item::Many(items) => {
                let values: Vec<_> = items.into_iter().filter_map(Item::value).collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
        }
    }
}

/// As it stands in a text; several one after the other.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Nothing => Ok(()),
            Item::Text(text) => f.write_str(text),
            Item::Number(number) => write!(f, "{number}"),
            Item::Flag(flag) => write!(f, "{flag}"),
            // A code without a canonical counterpart is `{ list, code }`.
            Item::Object(fields) if fields.len() == 2 && fields.contains_key("list") => {
                f.write_str(fields.text("code").unwrap_or_default())
            }
            Item::Object(fields) => write!(f, "{}", Value::Object(fields.clone())),
            Item::Many(items) => items.iter().try_for_each(|item| write!(f, "{item}")),
        }
    }
}

/// A number with all of its digits.
///
/// # Errors
/// It is none, or has more digits than are computed with.
pub(super) fn exact(text: &str) -> Finding<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_number {
        return Err(format!("expected a number, found {text}"));
    }
    Decimal::from_str_exact(text).map_err(|_| format!("expected a number of at most 28 digits, found {text}"))
}

pub(super) fn run(node: &Node, around: &Around<'_>) -> Finding<Item> {
    let holds = |node: &Node| run(node, around).map(|item| item.holds());
    Ok(match node {
        Node::Text(text) => Item::Text(text.as_str().into()),
        Node::Number(number) => Item::Number(*number),
        Node::Flag(flag) => Item::Flag(*flag),
        Node::Path(path) => path.find(around)?,
        Node::Not(inner) => Item::Flag(!holds(inner)?),
        Node::And(one, other) => Item::Flag(holds(one)? && holds(other)?),
        Node::Or(one, other) => Item::Flag(holds(one)? || holds(other)?),
        Node::Compare { comparison, kind, one, other } => {
            Item::Flag(compare((*comparison, *kind), &run(one, around)?, &run(other, around)?)?)
        }
        Node::In { kind, one, several } => {
            let (one, mut is_in) = (run(one, around)?, false);
            for other in several {
                is_in |= compare((Comparison::Equal, *kind), &one, &run(other, around)?)?;
            }
            Item::Flag(is_in)
        }
        Node::Compute(operator, one, other) => {
            let (one, other) = (run(one, around)?.number()?, run(other, around)?.number()?);
            match (one, other) {
                (Some(one), Some(other)) => Item::Number(compute(*operator, one, other)?),
                _ => Item::Nothing,
            }
        }
        Node::Join(one, other) => {
            let joined = format!("{}{}", run(one, around)?, run(other, around)?);
            limited(joined.len())?;
            Item::Text(joined.into())
        }
        Node::Call(function, nodes) => (function.call)(&Values { nodes, around })?,
        Node::Once(inner) => {
            let place = std::ptr::from_ref::<Node>(inner) as usize;
            if let Some(known) = around.once.0.borrow().get(&place) {
                return Ok(known.clone());
            }
            let found = run(inner, around)?;
            around.once.0.borrow_mut().insert(place, found.clone());
            found
        }
    })
}

/// Of several values one that passes is enough. Nothing is unequal to all there is, and in no order with it.
fn compare(how: (Comparison, Kind), one: &Item, other: &Item) -> Finding<bool> {
    let (comparison, kind) = how;
    if comparison == Comparison::Unequal {
        return Ok(!compare((Comparison::Equal, kind), one, other)?);
    }
    if let (Item::Many(items), other) | (other, Item::Many(items)) = (one, other) {
        let is_turned = !matches!(one, Item::Many(_));
        for item in items {
            if if is_turned { compare(how, other, item)? } else { compare(how, item, other)? } {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let order = match (one, other) {
        (Item::Nothing, Item::Nothing) => return Ok(comparison == Comparison::Equal),
        (Item::Nothing, _) | (_, Item::Nothing) => return Ok(false),
        (one, other) if kind == Kind::Number => one.number()?.cmp(&other.number()?),
        (Item::Text(one), Item::Text(other)) if kind == Kind::Day => {
            // A day and a time of that day are one as far as both say it.
            let length = one.len().min(other.len());
            one.as_bytes()[..length].cmp(&other.as_bytes()[..length])
        }
        (Item::Text(one), Item::Text(other)) => one.cmp(other),
        (one, other) => one.to_string().cmp(&other.to_string()),
    };
    Ok(match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::AtMost => order.is_le(),
        Comparison::More => order.is_gt(),
        Comparison::AtLeast => order.is_ge(),
    })
}

fn compute(operator: Operator, one: Decimal, other: Decimal) -> Finding<Decimal> {
    let result = match operator {
        Operator::Plus => exactly((one, other), Decimal::checked_add, u32::max),
        Operator::Minus => exactly((one, other), Decimal::checked_sub, u32::max),
        Operator::Times => exactly((one, other), Decimal::checked_mul, |one, other| one + other),
        Operator::Over if other.is_zero() => return Err(format!("division by zero, of {one}")),
        // What does not end is cut after 28 digits; what does has no zeros behind it.
        Operator::Over => one.checked_div(other).map(|result| result.normalize()),
    };
    result.ok_or_else(|| format!("a number out of range, of more than 28 digits, from {one} and {other}"))
}

/// A result with all of its digits: as many behind the point as it has to have, of the numbers as they are or without the
/// zeros behind them.
fn exactly(
    (one, other): (Decimal, Decimal),
    compute: fn(Decimal, Decimal) -> Option<Decimal>,
    digits: fn(u32, u32) -> u32,
) -> Option<Decimal> {
    let tries = [(one, other), (one.normalize(), other.normalize())];
    tries.into_iter().find_map(|(one, other)| {
        let is_whole = |result: &Decimal| result.scale() >= digits(one.scale(), other.scale());
        let is_nothing = |result: &Decimal| result.is_zero() && (one.is_zero() || other.is_zero());
        compute(one, other).filter(|result| is_whole(result) || is_nothing(result))
    })
}
