//! Computes formulas. Decimals stay exact; nothing is rounded unless the formula says so.

use super::path::Finding;
use super::{Comparison, Kind, Node, Operator};
use crate::entity::{Map, Text, Value, is_plain_number};
use rust_decimal::Decimal;
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
            Item::Text(text) if is_plain_number(text) => {
                text.parse().map(Some).map_err(|_| format!("number out of range: {text}"))
            }
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
            Item::Object(fields) => write!(f, "{}", Value::Object(fields.clone())),
            Item::Many(items) => items.iter().try_for_each(|item| write!(f, "{item}")),
        }
    }
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
        Node::Join(one, other) => Item::Text(format!("{}{}", run(one, around)?, run(other, around)?).into()),
        Node::Call(function, values) => {
            let values: Vec<Item> = values.iter().map(|value| run(value, around)).collect::<Finding<_>>()?;
            (function.call)(values, around)?
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
        Operator::Plus => one.checked_add(other),
        Operator::Minus => one.checked_sub(other),
        Operator::Times => one.checked_mul(other),
        Operator::Over if other.is_zero() => return Err(format!("division by zero, of {one}")),
        // What does not end is cut after 28 digits; what does has no zeros behind it.
        Operator::Over => one.checked_div(other).map(|result| result.normalize()),
    };
    result.ok_or_else(|| format!("a number out of range, from {one} and {other}"))
}
