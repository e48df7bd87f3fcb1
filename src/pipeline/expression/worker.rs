//! The process that runs expressions: reads lines from standard input, answers each on standard output, and ends with
//! its input. It bounds itself before it reads the first one.

use super::{Answered, Asked, MEMORY_BYTES_MAX, TIME_MS_MAX};
use crate::transformation::expression::DATA_BYTES_MAX;
use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError, EvaluatorOptions};
use jsonata_core::parser;
use jsonata_core::value::JValue;
use rust_decimal::{Decimal, RoundingStrategy};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::collections::HashMap;
use std::io::{self, BufRead as _, Write as _};
use std::rc::Rc;

/// How deep expressions may call themselves.
const DEPTH_MAX: usize = 1_000;

/// Items of a sequence, at most.
const ITEMS_MAX: usize = 200_000;

/// Characters of what is told of a failure: an expression may make its own.
const ERROR_CHARACTERS_MAX: usize = 200;

/// Expressions kept read.
const READ_MAX: usize = 64;

/// Answers until the input ends.
///
/// # Errors
/// The limits cannot be set, or the other end is gone.
pub fn serve() -> io::Result<()> {
    for (resource, limit) in [(Resource::As, MEMORY_BYTES_MAX), (Resource::Core, 0), (Resource::Fsize, 0)] {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    let (mut known, mut output) = (HashMap::new(), io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let answered = match answer(&line?, &mut known) {
            Ok(made) => Answered { made, error: None },
            Err(error) => Answered { made: None, error: Some(error.chars().take(ERROR_CHARACTERS_MAX).collect()) },
        };
        serde_json::to_writer(&mut output, &answered)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(line: &str, known: &mut HashMap<String, Rc<AstNode>>) -> Result<Option<String>, String> {
    let asked: Asked = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let expression = read(asked.expression, known)?;
    let Some(data) = asked.data else { return Ok(None) };
    let data = JValue::from_json_str(&data).map_err(|error| error.to_string())?;
    let made = evaluator()?.evaluate(&expression, &data).map_err(|error| error.message().to_owned())?;
    if made.is_undefined() || made.is_null() {
        return Ok(None);
    }
    if made.is_function() {
        return Err("expected a value, found a function".to_owned());
    }
    let text = made.to_json_string().map_err(|error| error.to_string())?;
    if text.len() > DATA_BYTES_MAX {
        return Err(format!("expected at most {DATA_BYTES_MAX} bytes, found {}", text.len()));
    }
    Ok(Some(text))
}

fn read(expression: String, known: &mut HashMap<String, Rc<AstNode>>) -> Result<Rc<AstNode>, String> {
    if let Some(read) = known.get(&expression) {
        return Ok(read.clone());
    }
    let read = Rc::new(parser::parse(&expression).map_err(|error| error.to_string())?);
    if known.len() >= READ_MAX {
        known.clear();
    }
    known.insert(expression, read.clone());
    Ok(read)
}

/// What is done with two decimals.
type Compute = fn(Decimal, Decimal) -> Option<Decimal>;

/// An evaluator with our limits, exact decimals, and without what reads a clock, rolls dice or runs further expressions.
fn evaluator() -> Result<Evaluator, String> {
    let options = EvaluatorOptions {
        timeout_ms: Some(TIME_MS_MAX),
        max_stack_depth: Some(DEPTH_MAX),
        max_sequence_length: Some(ITEMS_MAX),
        ..EvaluatorOptions::default()
    };
    let mut evaluator = Evaluator::with_options(Context::new(), options);
    for name in ["now", "millis", "random", "shuffle", "eval"] {
        let refused =
            move |_: &[JValue]| Err(failed(format!("${name} is not there: the same input gives the same output")));
        evaluator.register_fn_override(name, refused).map_err(|error| error.message().to_owned())?;
    }
    let computed: [(&str, Compute); 4] = [
        ("add", Decimal::checked_add),
        ("subtract", Decimal::checked_sub),
        ("multiply", Decimal::checked_mul),
        ("divide", |one, other| one.checked_div(other).map(|result| result.normalize())),
    ];
    for (name, compute) in computed {
        let call = move |values: &[JValue]| {
            let [one, other] = values else {
                return Err(failed(format!("${name} takes 2 values, found {}", values.len())));
            };
            let result = compute(decimal(one)?, decimal(other)?);
            result
                .map(|result| JValue::string(result.to_string()))
                .ok_or_else(|| failed(format!("${name}: a number out of range")))
        };
        evaluator.register_fn(name, call).map_err(|error| error.message().to_owned())?;
    }
    evaluator.register_fn("roundDecimal", rounded).map_err(|error| error.message().to_owned())?;
    Ok(evaluator)
}

fn rounded(values: &[JValue]) -> Result<JValue, EvaluatorError> {
    let [number, decimals] = values else {
        return Err(failed(format!("$roundDecimal takes 2 values, found {}", values.len())));
    };
    let places = u32::try_from(decimal(decimals)?)
        .map_err(|_| failed("$roundDecimal: expected how many decimals".to_owned()))?;
    let rounded = decimal(number)?.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    Ok(JValue::string(rounded.to_string()))
}

/// A decimal: a text that is one, or a number as it is written.
fn decimal(value: &JValue) -> Result<Decimal, EvaluatorError> {
    let text = match (value.as_str(), value.as_f64()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => number.to_string(),
        (None, None) => value.to_json_string().unwrap_or_default(),
    };
    text.parse().map_err(|_| failed(format!("expected a decimal, found {text}")))
}

fn failed(sentence: String) -> EvaluatorError {
    EvaluatorError::EvaluationError(sentence)
}
