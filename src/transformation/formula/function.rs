//! The functions of formulas, one row each, with help and an example that is run by the tests.

use super::Kind;
use super::path::Finding;
use super::run::{Item, Values};
use rust_decimal::{Decimal, RoundingStrategy};

/// Characters that a function makes of a text, at most.
pub(super) const TEXT_MAX: usize = 64 * 1024;

/// What a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Numbers.
    Number,
    /// Texts; all else as it is written.
    Text,
    /// A condition.
    Condition,
    /// A day.
    Day,
    /// Whatever there is.
    Any,
    /// Whatever there is, and the function gives the like.
    Given,
}

/// A function.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The values between its brackets.
    pub takes: &'static [Takes],
    /// What it gives; `None`: what it was given.
    pub gives: Option<Kind>,
    /// What it does, for the manual.
    pub help: &'static str,
    /// A formula, and what it comes to.
    pub example: (&'static str, &'static str),
    pub(super) call: fn(&Values<'_>) -> Finding<Item>,
}

macro_rules! functions {
    ($($name:literal ($($takes:ident),*) -> $gives:expr, $help:literal, $example:literal = $result:literal, $call:expr;)+) => {
        /// All functions, in the order of their names.
        pub static ALL: &[Function] = &[$(Function {
            name: $name, takes: &[$(Takes::$takes),*], gives: $gives, help: $help, example: ($example, $result),
            call: $call,
        },)+];
    };
}

functions! {
    "abs"(Number) -> Some(Kind::Number), "a number without its sign", "abs(3 - 5)" = "2",
        |values| map_number(&values.item(0)?, |number| Ok(number.abs()));
    "average"(Number) -> Some(Kind::Number), "the sum over the count; of none, nothing",
        "average(lines.quantity.value)" = "3", |values| average(&values.item(0)?);
    "count"(Any) -> Some(Kind::Number), "how many there are", "count(lines)" = "2",
        |values| Ok(Item::Number(values.item(0)?.all().len().into()));
    "days"(Day, Number) -> Some(Kind::Day), "the day so many days later, or earlier with a minus",
        "days(issued, -31)" = "2025-12-31", |values| days(values);
    "distinct"(Given) -> None, "each value once, in the order they come", "join(distinct(lines.quantity.unit), ' ')" = "EA",
        |values| Ok(distinct(&values.item(0)?));
    "first"(Given) -> None, "the first of several", "first(lines.number)" = "1",
        |values| Ok(values.item(0)?.all().into_iter().next().unwrap_or(Item::Nothing));
    "if"(Condition, Given, Given) -> None, "the second value when the condition holds, else the third",
        "if(number = '1', 'one', 'more')" = "more",
        |values| values.item(if values.item(0)?.holds() { 1 } else { 2 });
    "join"(Any, Text) -> Some(Kind::Text), "several values as one text, the second between them",
        "join(lines.number, '/')" = "1/2", |values| join(values);
    "last"(Given) -> None, "the last of several", "last(lines.number)" = "2",
        |values| Ok(values.item(0)?.all().pop().unwrap_or(Item::Nothing));
    "left"(Text, Number) -> Some(Kind::Text), "the first characters, so many at most", "left('4711-A', 4)" = "4711",
        |values| Ok(text(values.item(0)?.to_string().chars().take(whole(&values.item(1)?)?).collect()));
    "length"(Text) -> Some(Kind::Number), "how many characters", "length('abc')" = "3",
        |values| Ok(Item::Number(values.item(0)?.to_string().chars().count().into()));
    "lower"(Text) -> Some(Kind::Text), "in small letters", "lower('EDI')" = "edi",
        |values| Ok(text(values.item(0)?.to_string().to_lowercase()));
    "max"(Number) -> Some(Kind::Number), "the greatest", "max(lines.quantity.value)" = "4",
        |values| Ok(numbers(&values.item(0)?)?.into_iter().max().map_or(Item::Nothing, Item::Number));
    "min"(Number) -> Some(Kind::Number), "the least", "min(lines.quantity.value)" = "2",
        |values| Ok(numbers(&values.item(0)?)?.into_iter().min().map_or(Item::Nothing, Item::Number));
    "number"(Text) -> Some(Kind::Number), "the number that a text is", "number('007') + 1" = "8",
        |values| Ok(values.item(0)?.number()?.map_or(Item::Nothing, Item::Number));
    "or"(Given, Given) -> None, "the first value, or the second where there is none", "or(release, 'none')" = "none",
        |values| match values.item(0)? {
            Item::Nothing => values.item(1),
            one => Ok(one),
        };
    "pad"(Text, Number, Text) -> Some(Kind::Text), "filled up from the left to so many characters",
        "pad(number, 6, '0')" = "004711", |values| pad(values);
    "replace"(Text, Text, Text) -> Some(Kind::Text), "each occurrence of the second text becomes the third",
        "replace('a-b-c', '-', '')" = "abc", |values| replace(values);
    "right"(Text, Number) -> Some(Kind::Text), "the last characters, so many at most", "right('4711-A', 1)" = "A",
        |values| {
            let (all, wanted) = (values.item(0)?.to_string(), whole(&values.item(1)?)?);
            let skipped = all.chars().count().saturating_sub(wanted);
            Ok(text(all.chars().skip(skipped).collect()))
        };
    "round"(Number, Number) -> Some(Kind::Number), "to so many decimals, halves away from zero",
        "round(2.345, 2)" = "2.35", |values| round(values);
    "sum"(Number) -> Some(Kind::Number), "all of them added up; of none, 0", "sum(lines.quantity.value)" = "6",
        |values| sum(&numbers(&values.item(0)?)?).map(Item::Number);
    "text"(Any) -> Some(Kind::Text), "a value as it is written", "text(1.50) & ' m'" = "1.50 m",
        |values| Ok(text(values.item(0)?.to_string()));
    "today"() -> Some(Kind::Day), "the day on which this runs (UTC)", "today()" = "2026-02-01",
        |values| Ok(text(values.around.today.to_owned()));
    "trim"(Text) -> Some(Kind::Text), "without blanks at either end", "trim('  a b ')" = "a b",
        |values| Ok(text(values.item(0)?.to_string().trim().to_owned()));
    "upper"(Text) -> Some(Kind::Text), "in capital letters", "upper('edi')" = "EDI",
        |values| Ok(text(values.item(0)?.to_string().to_uppercase()));
}

/// The function of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().find(|function| function.name == name)
}

/// Their names.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|function| function.name).collect()
}

fn text(text: String) -> Item {
    Item::Text(text.into())
}

fn numbers(item: &Item) -> Finding<Vec<Decimal>> {
    item.clone().all().iter().filter_map(|item| item.number().transpose()).collect()
}

fn sum(numbers: &[Decimal]) -> Finding<Decimal> {
    let add = |sum: Decimal, number: &Decimal| sum.checked_add(*number);
    numbers.iter().try_fold(Decimal::ZERO, add).ok_or_else(|| "a number out of range: the sum".to_owned())
}

fn average(item: &Item) -> Finding<Item> {
    let numbers = numbers(item)?;
    if numbers.is_empty() {
        return Ok(Item::Nothing);
    }
    Ok(Item::Number((sum(&numbers)? / Decimal::from(numbers.len())).normalize()))
}

fn map_number(item: &Item, change: impl Fn(Decimal) -> Finding<Decimal>) -> Finding<Item> {
    item.number()?.map(change).transpose().map(|number| number.map_or(Item::Nothing, Item::Number))
}

fn whole(item: &Item) -> Finding<usize> {
    let number = item.number()?.filter(Decimal::is_integer).and_then(|number| usize::try_from(number).ok());
    number
        .filter(|number| *number <= TEXT_MAX)
        .ok_or_else(|| format!("expected a whole number up to {TEXT_MAX}, found {item}"))
}

fn round(values: &Values<'_>) -> Finding<Item> {
    let decimals = whole(&values.item(1)?)?;
    let decimals = u32::try_from(decimals).unwrap_or(u32::MAX);
    map_number(&values.item(0)?, |number| {
        Ok(number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero))
    })
}

fn days(values: &Values<'_>) -> Finding<Item> {
    let (day, count) = (values.item(0)?.to_string(), values.item(1)?.number()?);
    let (false, Some(count)) = (day.is_empty(), count) else { return Ok(Item::Nothing) };
    let parsed: jiff::civil::Date =
        day.parse().map_err(|_| format!("expected a day such as 2026-01-31, found {day}"))?;
    let count = i64::try_from(count).ok().filter(|_| count.is_integer());
    let span = count.and_then(|count| jiff::Span::new().try_days(count).ok());
    let later = span.and_then(|span| parsed.checked_add(span).ok());
    later
        .map(|day| text(day.to_string()))
        .ok_or_else(|| "expected a whole number of days, within the years that there are".to_owned())
}

fn distinct(item: &Item) -> Item {
    let mut seen = std::collections::HashSet::new();
    Item::Many(item.clone().all().into_iter().filter(|item| seen.insert(item.to_string())).collect())
}

pub(super) fn limited(length: usize) -> Finding<()> {
    if length <= TEXT_MAX { Ok(()) } else { Err(format!("a text longer than {TEXT_MAX} characters")) }
}

fn join(values: &Values<'_>) -> Finding<Item> {
    let all: Vec<String> = values.item(0)?.all().iter().map(ToString::to_string).collect();
    let between = values.item(1)?.to_string();
    limited(all.iter().map(String::len).sum::<usize>() + between.len() * all.len())?;
    Ok(if all.is_empty() { Item::Nothing } else { text(all.join(&between)) })
}

fn pad(values: &Values<'_>) -> Finding<Item> {
    let (all, width, fill) = (values.item(0)?.to_string(), whole(&values.item(1)?)?, values.item(2)?.to_string());
    if fill.is_empty() {
        return Err("expected a character to pad with, found none".to_owned());
    }
    let missing = width.saturating_sub(all.chars().count());
    Ok(text(fill.chars().cycle().take(missing).chain(all.chars()).collect()))
}

fn replace(values: &Values<'_>) -> Finding<Item> {
    let [all, from, to] = [values.item(0)?, values.item(1)?, values.item(2)?].map(|item| item.to_string());
    if from.is_empty() {
        return Err("expected a text to replace, found an empty one".to_owned());
    }
    limited(all.len() + all.matches(&from).count() * to.len())?;
    Ok(text(all.replace(&from, &to)))
}

#[cfg(test)]
mod tests {
    use super::super::{Around, Formula, Once, Scope};
    use super::*;
    use crate::entity::{Entity, definition};
    use serde_json::json;

    #[test]
    fn ok_every_example_holds() {
        let order = json!({ "type": "order", "number": "4711", "issued": "2026-01-31", "lines": [
            { "number": "1", "quantity": { "value": "2", "unit": "EA" } },
            { "number": "2", "quantity": { "value": "4", "unit": "EA" } }] });
        let entity = Entity::from_json(&order).expect("an order");
        let scope = Scope::document(definition("order").expect("order"));
        let once = Once::default();
        let around = Around { item: &entity.fields, document: &entity.fields, today: "2026-02-01", once: &once };
        for function in ALL {
            let (example, result) = function.example;
            assert!(example.contains(&format!("{}(", function.name)), "{example}");
            let formula = Formula::read(example, scope).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(formula.run(&around).map(|item| item.to_string()).as_deref(), Ok(result), "{example}");
        }
    }

    #[test]
    fn ok_names_are_in_order() {
        assert!(names().windows(2).all(|two| two[0] < two[1]), "{:?}", names());
    }

    #[test]
    fn err_texts_do_not_grow_without_end() {
        let entity = Entity::new("order");
        let scope = Scope::document(definition("order").expect("order"));
        let once = Once::default();
        let around = Around { item: &entity.fields, document: &entity.fields, today: "2026-02-01", once: &once };
        for formula in ["pad('a', 100000, 'b')", "replace(pad('', 60000, 'a'), 'a', 'bcd')"] {
            assert!(Formula::read(formula, scope).expect("a formula").run(&around).is_err(), "{formula}");
        }
    }
}
