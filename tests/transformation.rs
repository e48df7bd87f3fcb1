//! Transformations as their users meet them: the manual's tables and examples, expressions in the processes that run them,
//! and what stops those.

use portolan::engine::Rules;
use portolan::entity::Entity;
use portolan::partner::{Directory, parse};
use portolan::pipeline::configured::Configured;
use portolan::pipeline::expression::Workers;
use portolan::table::Tables;
use portolan::transformation::expression::{Expressions, Failure};
use portolan::transformation::formula::function;
use portolan::transformation::{Numbers, Transformation, World, step};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/TRANSFORMATIONS.md")
}

fn workers() -> Workers {
    Workers::new(PathBuf::from(env!("CARGO_BIN_EXE_portolan")))
}

/// Puts a text between two marks of the page.
fn between(page: &str, mark: &str, text: &str) -> String {
    let begin = format!("<!-- {mark}: written by tests/transformation.rs -->\n");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("the page has no mark {mark}"));
    let (_, after) = rest.split_once("<!-- end -->").expect("an end");
    format!("{before}{begin}{text}<!-- end -->{after}")
}

#[test]
fn the_manual_lists_steps_and_functions() {
    let functions = function::ALL.iter().map(|one| {
        let (formula, result) = one.example;
        format!("| `{}` | {} | `{formula}` | `{result}` |\n", one.name, one.help)
    });
    let functions =
        format!("| function | gives | so | comes to |\n|---|---|---|---|\n{}", functions.collect::<String>());
    let steps = step::ALL.iter().map(|one| {
        let [example, before, after] = one.example();
        format!("**{}** — {}\n```\n- {example}\n  {before}\n  {after}\n```\n", one.name(), one.help())
    });
    let now = std::fs::read_to_string(page()).expect("the page");
    let made = between(&between(&now, "functions", &functions), "steps", &steps.collect::<String>());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(page(), &made).expect("the page");
        return;
    }
    assert!(
        made == now,
        "docs/TRANSFORMATIONS.md is not what the steps say; UPDATE=1 cargo test --test transformation"
    );
}

#[test]
fn the_manuals_example_is_taken() {
    let text = std::fs::read_to_string(page()).expect("the page");
    let yaml = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let resources = parse("docs/TRANSFORMATIONS.md", yaml).unwrap_or_else(|errors| panic!("{errors:?}"));
    let directory = Directory::new(&resources).unwrap_or_else(|errors| panic!("{errors:?}"));
    let configured = Configured::new(&Rules::new(None, None), &directory, &resources);
    let configured = configured.unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(configured.transformations.len(), 1);
}

#[test]
fn the_example_of_the_readme_changes_the_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let line = ["translate", "demo/order-4711.edi", "--to", "entity", "--through", "demo/large-lines.yaml", "--json"];
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_portolan")).args(line).current_dir(root).output();
    let done = done.expect("the program runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let made: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let lines = made["entity"]["lines"].as_array().expect("lines");
    assert_eq!(made["entity"]["contract"], "C-4711");
    assert_eq!(made["entity"]["totals"]["lines"], lines.len().to_string());
    let many =
        |line: &Value| line["quantity"]["value"].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    assert!(!lines.is_empty() && lines.iter().all(|line| many(line) > 50.0));
}

struct NoNumbers;

impl Numbers for NoNumbers {
    fn number(&self, sequence: &str, _start: u64, _owner: &str) -> Result<u64, String> {
        Err(format!("nobody counts {sequence} here"))
    }
}

/// What one step of JSONata makes of an order, or why it cannot.
fn expressed(step: &Value, order: &Value) -> Result<Value, String> {
    let file = json!({ "entity": "order", "steps": [step] });
    let transformation = Transformation::read("test", &file).map_err(|wrong| wrong[0].to_string())?;
    let mut order = order.clone();
    order["type"] = "order".into();
    let mut entity = Entity::from_json(&order).expect("an order");
    let (tables, workers) = (Tables::default(), workers());
    let world = World { tables: &tables, today: "2026-02-01", numbers: &NoNumbers, expressions: &workers };
    let outcome = transformation.run(&mut entity, &world);
    assert_eq!(outcome.undone, None);
    match outcome.findings.first() {
        Some(finding) => Err(finding.message()),
        None => Ok(entity.to_json()),
    }
}

#[test]
fn ok_the_example_of_jsonata_holds() {
    let kind = step::ALL.iter().find(|kind| kind.name() == "jsonata").expect("jsonata");
    let [step, before, after] = kind.example().map(|text| portolan::yaml::document(text).expect(text).to_json());
    let mut expected = after;
    expected["type"] = "order".into();
    assert_eq!(expressed(&step, &before), Ok(json!({ "type": "order", "contract": expected["contract"] })));
}

#[test]
fn ok_an_expression_makes_an_entity_anew() {
    let order = json!({ "number": "4711", "lines": [{ "number": "1", "quantity": { "value": "0.1" } },
        { "number": "2", "quantity": { "value": "0.2" } }] });
    let step = json!({ "jsonata": "{ 'number': number, 'lines': [lines[number = '2']],
        'totals': { 'hash': $add(lines[0].quantity.value, lines[1].quantity.value) } }" });
    assert_eq!(
        expressed(&step, &order),
        Ok(json!({ "type": "order", "number": "4711", "lines": [{ "number": "2", "quantity": { "value": "0.2" } }],
            "totals": { "hash": "0.3" } }))
    );
    let one = json!({ "jsonata": "{ 'body': 'x' }", "into": "texts" });
    assert_eq!(
        expressed(&one, &json!({})).expect("a text")["texts"],
        json!([{ "body": "x" }]),
        "one alone stays in its list"
    );
    let none = json!({ "jsonata": "nothing.there", "into": "contract" });
    assert_eq!(expressed(&none, &json!({ "contract": "C" })), Ok(json!({ "type": "order" })));
}

#[test]
fn ok_decimals_stay_exact() {
    let workers = workers();
    for (expression, expected) in [
        ("$add('0.1', '0.2')", "0.3"),
        ("$subtract('1.00', '0.1')", "0.90"),
        ("$multiply('9007199254740993', '2')", "18014398509481986"),
        ("$divide('1', '8')", "0.125"),
        ("$roundDecimal('2.345', 2)", "2.35"),
    ] {
        assert_eq!(workers.run(expression, "{}"), Ok(Some(format!("\"{expected}\""))), "{expression}");
    }
}

#[test]
fn err_expressions_are_told_when_they_cannot_be_read() {
    let workers = workers();
    assert!(workers.check("$sum(lines.quantity)").is_ok());
    let error = workers.check("lines[").expect_err("it does not end");
    assert!(matches!(&error, Failure::OfDocument(told) if !told.is_empty()));
    assert!(workers.check("lines.number").is_ok(), "the worker goes on");
}

/// What would take all memory or time, or tell what is outside, is stopped, soon, and the next expression runs.
#[test]
fn err_what_is_endless_is_stopped() {
    let workers = workers();
    let data = json!({ "text": "x".repeat(1000), "list": (0..1000).collect::<Vec<_>>() }).to_string();
    for (name, expression) in [
        (
            "a text that doubles",
            "($f := function($t, $n) { $n = 0 ? $t : $f($t & $t, $n - 1) }; $length($f(text, 40)))",
        ),
        ("padding", "$length($pad('x', 2000000000))"),
        ("a pattern that grows", "$length($replace($pad('', 900000, 'a'), 'a', $pad('', 9000, 'b')))"),
        ("joined again and again", "$length($reduce([1..200000], function($a, $b) { $a & text }, text))"),
        ("an endless loop", "($f := function($n) { $f($n + 1) }; $f(0))"),
        ("without a bottom", "($f := function($n) { 1 + $f($n + 1) }; $f(0))"),
        ("a long list", "[1..100000000]"),
        ("lists of lists", "$count([1..200000].([1..200000]))"),
        ("the clock", "$now()"),
        ("dice", "$random()"),
        ("dice for places", "$shuffle([1, 2, 3])"),
        ("further expressions", "$eval('1 + 1')"),
        ("a long complaint", "$error($pad('x', 500000))"),
        ("a function", "function($x) { $x }"),
    ] {
        let begun = Instant::now();
        let done = workers.run(expression, &data);
        assert!(matches!(&done, Err(Failure::OfDocument(told)) if told.chars().count() <= 200), "{name}: {done:?}");
        // Killed after ten seconds at the latest; the rest is for a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(60), "{name}");
        assert_eq!(workers.run("1 + 1", "{}"), Ok(Some("2".to_owned())), "after {name}");
    }
    let large = format!("\"{}\"", "x".repeat(2 * 1024 * 1024));
    assert!(workers.run("$ & $", &large).expect_err("too large").sentence().contains("1048576"));
}

#[test]
fn err_a_large_entity_is_not_handed_over() {
    let order = json!({ "texts": [{ "body": "x".repeat(1024 * 1024) }] });
    let step = json!({ "jsonata": "number", "into": "number" });
    assert!(expressed(&step, &order).expect_err("too large").contains("at most 1048576 bytes for jsonata"));
}

#[test]
fn err_what_an_expression_makes_is_held_against_the_definition_at_once() {
    let step = json!({ "jsonata": "['a', 'b']", "into": "lines" });
    let error = expressed(&step, &json!({ "lines": [{ "number": "1" }] })).expect_err("no lines");
    assert!(error.contains("what it made is no order"), "{error}");
}

#[test]
fn err_without_a_program_it_is_told() {
    let nobody = Workers::new(PathBuf::from("/nonexistent/portolan"));
    let failure = nobody.run("1", "{}").expect_err("nobody");
    assert!(matches!(failure, Failure::OfOurs(told) if told.starts_with("cannot start a process for expressions")));
}
