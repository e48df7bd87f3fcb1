//! Transformations: what becomes of an entity on its way along a route, as a list of steps. A step selects, sets,
//! computes, translates, looks up, sorts, merges, turns lists round, numbers, checks or drops; each may stand under a
//! condition. Mappings (`mapping`) know documents, transformations do not: they change an entity into one of its kind.
//!
//! They are read with the definition of their entity, so that what is wrong is told before any document comes. They
//! read no clock and no ledger: the day, tables, numbers and expressions come in as a [`World`].

pub mod expression;
pub mod formula;
mod items;
pub mod step;
mod trace; // the same, step by step

pub use trace::StepTrace;

use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::{Entity, definition};
use crate::table::Tables;
use expression::{Expressions, Failure};
use formula::{Around, Formula, Once, Scope};
use serde_json::Value;
use step::{Done, Placed};

/// Steps of a transformation, at most.
pub const STEPS_MAX: usize = 200;

/// A list of steps for one entity.
#[derive(Debug)]
pub struct Transformation {
    /// What it is called.
    pub name: String,
    /// The entity that it is for.
    pub entity: String,
    steps: Vec<Placed>,
}

/// What is wrong with a transformation: under which key, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Wrong {
    /// `entity`, `steps[2].where`.
    pub key: String,
    /// Expected and found.
    pub message: String,
}

/// Gives numbers that stay: whoever asks again for the same gets the same.
pub trait Numbers {
    /// Whether a number was asked for that is not known yet: the steps behind must not go on with another one.
    fn is_open(&self) -> bool {
        false
    }

    /// The number of `owner` in a sequence that begins at `start`.
    ///
    /// # Errors
    /// Why there is none.
    fn number(&self, sequence: &str, start: u64, owner: &str) -> Result<u64, String>;
}

/// What steps may ask beyond the entity.
#[derive(Clone, Copy)]
pub struct World<'w> {
    /// The lookup tables.
    pub tables: &'w Tables,
    /// The day, `2026-01-31`.
    pub today: &'w str,
    /// Numbers that stay.
    pub numbers: &'w dyn Numbers,
    /// Expressions of other languages.
    pub expressions: &'w dyn Expressions,
}

/// What became of an entity.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Why it goes no further, where a step says so.
    pub dropped: Option<String>,
    /// Why it could not be run, where that is no fault of the entity: to be run again in a while.
    pub undone: Option<String>,
    /// What was found; an error means that the entity is not what it should be.
    pub findings: Vec<Diagnostic>,
}

impl Transformation {
    /// Reads a transformation from what its file says.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn read(name: &str, file: &Value) -> Result<Self, Vec<Wrong>> {
        let wrong = |key: &str, message: String| Wrong { key: key.to_owned(), message };
        let entity = file["entity"].as_str().unwrap_or_default();
        let Some(definition) = definition(entity) else {
            let names: Vec<_> = crate::entity::names().collect();
            let hint = crate::near::hint(entity, &names);
            return Err(vec![wrong("entity", format!("expected an entity, found {entity:?}{hint}"))]);
        };
        let steps = file["steps"].as_array().map_or(&[][..], Vec::as_slice);
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return Err(vec![wrong("steps", format!("expected 1 to {STEPS_MAX} steps, found {}", steps.len()))]);
        }
        let (mut placed, mut errors) = (Vec::new(), Vec::new());
        for (at, step) in steps.iter().enumerate() {
            match step::read(step, Scope::document(definition)) {
                Ok(step) => placed.push(step),
                Err(error) => {
                    let key = if error.key.is_empty() { String::new() } else { format!(".{}", error.key) };
                    errors.push(wrong(&format!("steps[{}]{key}", at + 1), error.message));
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Transformation { name: name.to_owned(), entity: entity.to_owned(), steps: placed })
    }

    /// The lookups that its steps ask for: table, column, column.
    #[must_use]
    pub fn lookups(&self) -> Vec<[String; 3]> {
        self.steps.iter().flat_map(|placed| placed.step.lookups()).collect()
    }

    /// The expressions of other languages that its steps run, each with the key it stands under.
    pub fn expressions(&self) -> impl Iterator<Item = (String, &str)> {
        let steps = self.steps.iter().enumerate();
        steps.filter_map(|(at, placed)| Some((format!("steps[{}].{}", at + 1, placed.name), placed.step.expression()?)))
    }

    /// Runs all steps over an entity. The first that fails ends it.
    pub fn run(&self, entity: &mut Entity, world: &World<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        if entity.kind != self.entity {
            let expected = format!("{}, which transformation {} is for", self.entity, self.name);
            outcome.findings.push(failed(&expected, &entity.kind));
            return outcome;
        }
        for at in 0..self.steps.len() {
            if !self.step(at, entity, world, &mut outcome) {
                break;
            }
        }
        outcome
    }

    /// Does one step; whether the next follows.
    fn step(&self, at: usize, entity: &mut Entity, world: &World<'_>, outcome: &mut Outcome) -> bool {
        let Some(placed) = self.steps.get(at) else { return false };
        match placed.run(entity, world, &mut outcome.findings) {
            Ok(Done::On) => return !world.numbers.is_open(),
            Ok(Done::Dropped(reason)) => outcome.dropped = Some(reason),
            Err(Failure::OfOurs(sentence)) => outcome.undone = Some(sentence),
            Err(Failure::OfDocument(sentence)) => {
                let mut finding = failed(&sentence, "");
                finding.place = format!("{} steps[{}].{}", self.name, at + 1, placed.name);
                outcome.findings.push(finding);
            }
        }
        false
    }
}

impl Placed {
    fn run(&self, entity: &mut Entity, world: &World<'_>, findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let once = Once::default();
        let around = Around { item: &entity.fields, document: &entity.fields, today: world.today, once: &once };
        let is_due = self.when.as_ref().map_or(Ok(true), |when| when.holds(&around))?;
        if is_due { self.step.run(entity, world, findings) } else { Ok(Done::On) }
    }
}

fn failed(expected: &str, found: &str) -> Diagnostic {
    Diagnostic::new(Syntax::Document, Fault::TransformationFailed).because(expected, found)
}

/// A condition over a whole entity, as routes have.
#[derive(Debug)]
pub struct Condition(Formula);

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Condition {
    /// Reads it for an entity.
    ///
    /// # Errors
    /// What was expected and found.
    pub fn read(text: &str, entity: &str) -> Result<Self, String> {
        let definition = definition(entity).ok_or_else(|| format!("expected an entity, found {entity}"))?;
        Formula::read(text, Scope::document(definition)).map(Condition)
    }

    /// Whether it holds for an entity.
    ///
    /// # Errors
    /// It cannot be computed.
    pub fn holds(&self, entity: &Entity, today: &str) -> Result<bool, String> {
        let once = Once::default();
        self.0.holds(&Around { item: &entity.fields, document: &entity.fields, today, once: &once })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Counted(RefCell<BTreeMap<String, u64>>);

    impl Numbers for Counted {
        fn number(&self, sequence: &str, start: u64, owner: &str) -> Result<u64, String> {
            let mut known = self.0.borrow_mut();
            let next = start + known.len() as u64;
            Ok(*known.entry(format!("{sequence} {owner}")).or_insert(next))
        }
    }

    /// Expressions run in a process of their own (`tests/transformation.rs`).
    struct Elsewhere;

    impl Expressions for Elsewhere {
        fn check(&self, _expression: &str) -> Result<(), Failure> {
            Err(Failure::OfOurs("not here".to_owned()))
        }
        fn run(&self, _expression: &str, _data: &str) -> Result<Option<String>, Failure> {
            Err(Failure::OfOurs("not here".to_owned()))
        }
    }

    fn yaml(text: &str) -> Value {
        crate::yaml::document(text).expect("YAML").to_json()
    }

    fn tables() -> Tables {
        let items = json!({ "columns": ["buyer", "gtin"], "directions": ["buyer to gtin"], "missing": "error",
            "rows": [["B-100", "4012345678901"]] });
        let items = crate::table::Table::read("items", &items).expect("a table");
        Tables { all: [("items".to_owned(), items.into())].into(), ..Tables::default() }
    }

    fn transformed(steps: &str, order: &Value) -> (Entity, Outcome) {
        let file = json!({ "entity": "order", "steps": yaml(steps) });
        let transformation = Transformation::read("test", &file).unwrap_or_else(|wrong| panic!("{steps}: {wrong:?}"));
        let mut order = order.clone();
        order["type"] = "order".into();
        let mut entity = Entity::from_json(&order).expect("an order");
        let (tables, numbers) = (tables(), Counted::default());
        let world = World { tables: &tables, today: "2026-02-01", numbers: &numbers, expressions: &Elsewhere };
        let outcome = transformation.run(&mut entity, &world);
        (entity, outcome)
    }

    fn wrong(steps: &str) -> String {
        let file = json!({ "entity": "order", "steps": yaml(steps) });
        let errors = Transformation::read("test", &file).expect_err(steps);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn ok_every_example_holds() {
        for kind in step::ALL.iter().filter(|kind| kind.name() != "jsonata") {
            let [step, before, after] = kind.example();
            let json = |text: &str| serde_json::from_str::<Value>(text).expect(text);
            let (entity, outcome) = transformed(&format!("[{step}]"), &json(before));
            assert_eq!(outcome.findings, [], "{}", kind.name());
            let mut made = entity.to_json();
            made.as_object_mut().expect("an object").shift_remove("type");
            assert_eq!(made, json(after), "{}", kind.name());
        }
    }

    #[test]
    fn ok_names_are_in_order() {
        let names: Vec<_> = step::ALL.iter().map(|kind| kind.name()).collect();
        assert!(names.windows(2).all(|two| two[0] < two[1]), "{names:?}");
    }

    #[test]
    fn ok_a_condition_keeps_a_step_from_being_done() {
        let order = json!({ "number": "1", "purpose": "original" });
        let steps = "- { set: { release: \"'x'\" }, when: purpose = 'cancellation' }\n- { set: { contract: number } }";
        let (entity, _) = transformed(steps, &order);
        assert_eq!(entity.to_json(), json!({ "type": "order", "number": "1", "purpose": "original", "contract": "1" }));
    }

    #[test]
    fn ok_a_dropped_document_goes_no_further() {
        let steps = "- { drop: by phone, when: purpose = 'cancellation' }\n- { set: { number: \"'never'\" } }";
        let (entity, outcome) = transformed(steps, &json!({ "number": "1", "purpose": "cancellation" }));
        assert_eq!((outcome.dropped.as_deref(), entity.text("number")), (Some("by phone"), Some("1")));
    }

    #[test]
    fn ok_checks_and_lookups_tell_where() {
        let order = json!({ "number": "1", "lines": [
            { "quantity": { "value": "1" }, "item": { "ids": [{ "scheme": "buyer", "value": "B-100" }] } },
            { "quantity": { "value": "0" }, "item": { "ids": [{ "scheme": "buyer", "value": "B-200" }] } }] });
        let steps = "- { check: quantity.value > 0, each: lines, expect: something to be ordered, severity: warning }\n\
            - { lookup: items, column: buyer, value: \"item.ids[scheme = 'buyer'].value\", \
            into: { \"item.ids[scheme = 'gtin'].value\": gtin }, each: lines }";
        let (entity, outcome) = transformed(steps, &order);
        let told: Vec<_> = outcome.findings.iter().map(|one| (one.code(), one.place.as_str(), one.severity)).collect();
        use crate::diagnostic::Severity::{Error, Warning};
        assert_eq!(
            told,
            [
                ("DOCUMENT-CHECK-FAILED".to_owned(), "lines[2]", Warning),
                ("DOCUMENT-LOOKUP-MISSING".to_owned(), "lines[2]", Error)
            ]
        );
        assert!(
            outcome.findings[0].message().contains("expected something to be ordered"),
            "{}",
            outcome.findings[0].message()
        );
        assert_eq!(
            entity.list("lines")[0]["item"]["ids"][1],
            Entity::from_json(&json!({ "type": "x", "scheme": "gtin",
            "value": "4012345678901" }))
            .map(|one| crate::entity::Value::Object(one.fields))
            .expect("an id")
        );
        let (default, _) = transformed(&steps.replace("gtin }, each", "gtin }, default: none, each"), &order);
        assert_eq!(default.list("lines")[1]["item"]["ids"][1]["value"], "none");
    }

    #[test]
    fn ok_what_merging_loses_is_told() {
        let order = json!({ "lines": [
            { "number": "1", "quantity": { "value": "1", "unit": "EA" }, "texts": [{ "body": "a" }] },
            { "number": "2", "quantity": { "value": "2", "unit": "EA" }, "texts": [{ "body": "a" }, { "body": "b" }] }] });
        let (entity, outcome) = transformed("- { merge: lines, by: quantity.unit, add: quantity.value }", &order);
        assert_eq!(entity.list("lines").len(), 1);
        assert_eq!(entity.list("lines")[0]["quantity"]["value"], "3");
        assert_eq!(entity.list("lines")[0]["texts"].as_array().map(Vec::len), Some(2));
        let told: Vec<_> = outcome.findings.iter().map(|one| (one.code(), one.place.as_str())).collect();
        assert_eq!(told, [("DOCUMENT-MAPPING-LOSS".to_owned(), "lines[2].number")]);
    }

    #[test]
    fn ok_what_says_nothing_is_like_no_other_and_what_gathering_loses_is_told() {
        let order = json!({ "lines": [
            { "number": "1", "quantity": { "value": "1" }, "price": { "amount": "2" } },
            { "quantity": { "value": "2" } }, { "quantity": { "value": "3" } },
            { "number": "1", "quantity": { "value": "4" }, "price": { "amount": "3" } }] });
        let (merged, _) = transformed("- { merge: lines, by: number, add: quantity.value }", &order);
        let values: Vec<_> = merged.list("lines").iter().map(|line| line["quantity"]["value"].as_str()).collect();
        assert_eq!(values, [Some("5"), Some("2"), Some("3")]);
        let steps =
            "- { gather: lines, by: number, add: quantity.value, into: deliveries, with: { quantity: quantity } }";
        let (gathered, outcome) = transformed(steps, &order);
        let many: Vec<_> =
            gathered.list("lines").iter().map(|line| line["deliveries"].as_array().map(Vec::len)).collect();
        assert_eq!(many, [Some(2), Some(1), Some(1)]);
        let told: Vec<_> = outcome.findings.iter().map(|one| (one.code(), one.place.as_str())).collect();
        assert_eq!(told, [("DOCUMENT-MAPPING-LOSS".to_owned(), "lines[4].price")]);
    }

    #[test]
    fn ok_charges_of_merged_items_all_count_and_numbers_that_are_equal_are_alike() {
        let line = |quantity: &str, price: &str| {
            json!({ "quantity": { "value": quantity }, "price": { "amount": price }, "texts": [{ "body": "a" }],
                "allowance_charges": [{ "is_charge": true, "amount": "5" }] })
        };
        let order = json!({ "lines": [line("1", "2.0"), line("2", "2"), line("3", "3")] });
        let (entity, outcome) = transformed("- { merge: lines, by: price.amount, add: quantity.value }", &order);
        let first = &entity.list("lines")[0];
        assert_eq!((entity.list("lines").len(), first["quantity"]["value"].as_str()), (2, Some("3")));
        assert_eq!(first["allowance_charges"].as_array().map(Vec::len), Some(2), "each is to be paid");
        assert_eq!(first["texts"].as_array().map(Vec::len), Some(1));
        let told: Vec<_> = outcome.findings.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(told, ["lines[2].price"], "2 is written otherwise than 2.0");
        // What lists say is not run together.
        let texts = |all: [&str; 2]| json!({ "texts": all.map(|body| json!({ "body": body })) });
        let order = json!({ "lines": [texts(["1", "23"]), texts(["12", "3"])] });
        assert_eq!(transformed("- { merge: lines, by: texts.body }", &order).0.list("lines").len(), 2);
    }

    #[test]
    fn ok_numbers_are_sorted_as_numbers_through_lists_too() {
        let line = |value: &str| json!({ "number": value, "deliveries": [{ "quantity": { "value": value } }] });
        let order = json!({ "lines": [line("10"), line("5"), { "number": "none" }, line("-1")] });
        for (by, expected) in [
            ("deliveries.quantity.value", ["-1", "5", "10", "none"]),
            ("deliveries.quantity.value down", ["10", "5", "-1", "none"]),
            ("number", ["-1", "10", "5", "none"]),
        ] {
            let (entity, _) = transformed(&format!("- {{ sort: lines, by: {by} }}"), &order);
            let numbers: Vec<_> = entity.list("lines").iter().filter_map(|line| line["number"].as_str()).collect();
            assert_eq!(numbers, expected, "{by}");
        }
    }

    #[test]
    fn ok_codes_of_others_are_translated_and_nothing_is_left_of_what_goes() {
        let unit = json!({ "list": "x12/unit", "code": "ZQ" });
        let ids = json!([{ "scheme": "seller", "value": "S" }]);
        let order = json!({ "lines": [{ "quantity": { "value": "1", "unit": unit }, "item": { "ids": ids } }] });
        let steps = "- { translate: quantity.unit, values: { ZQ: EA }, otherwise: fail, each: lines }\n\
            - { set: { \"item.ids[scheme = 'seller'].value\": \"item.ids[scheme = 'buyer'].value\" }, each: lines }";
        let (entity, outcome) = transformed(steps, &order);
        assert_eq!(outcome.findings, []);
        assert_eq!(entity.to_json()["lines"], json!([{ "quantity": { "value": "1", "unit": "EA" } }]));
    }

    #[test]
    fn ok_what_is_of_the_document_is_computed_once_for_its_items() {
        let lines: Vec<_> = (1..=20_000).map(|number| json!({ "number": number.to_string() })).collect();
        let steps =
            "- { set: { number: \"number & '/' & text(count($.lines))\" }, each: lines, where: count($.lines) > 1 }";
        let (entity, _) = transformed(steps, &json!({ "lines": lines }));
        assert_eq!(entity.list("lines")[19_999]["number"], "20000/20000");
    }

    #[test]
    fn ok_lists_inside_lists() {
        let order = json!({ "lines": [
            { "deliveries": [{ "quantity": { "value": "2" } }, { "quantity": { "value": "1" } }] },
            { "deliveries": [{ "quantity": { "value": "0" } }] }] });
        let steps = "- { keep: lines.deliveries, where: quantity.value > 0 }\n\
            - { sort: lines.deliveries, by: quantity.value }\n\
            - { set: { quantity.unit: \"'EA'\" }, each: lines.deliveries, where: quantity.value = 1 }";
        let (entity, _) = transformed(steps, &order);
        assert_eq!(
            entity.to_json()["lines"],
            json!([{ "deliveries": [{ "quantity": { "value": "1", "unit": "EA" } }, { "quantity": { "value": "2" } }] }, {}])
        );
    }

    #[test]
    fn err_a_step_that_fails_ends_it_and_says_which() {
        let steps =
            "- { set: { contract: number } }\n- { set: { totals.hash: 1 / (count(lines) - 0) } }\n- { number: lines }";
        let (_, outcome) = transformed(steps, &json!({ "number": "1" }));
        let [finding] = outcome.findings.as_slice() else { panic!("{:?}", outcome.findings) };
        assert_eq!(
            (finding.code().as_str(), finding.place.as_str()),
            ("DOCUMENT-TRANSFORMATION-FAILED", "test steps[2].set")
        );
        assert!(finding.message().contains("division by zero"), "{}", finding.message());
        let mut invoice = Entity::new("invoice");
        let file = json!({ "entity": "order", "steps": [{ "number": "lines" }] });
        let (tables, numbers) = (tables(), Counted::default());
        let world = World { tables: &tables, today: "2026-02-01", numbers: &numbers, expressions: &Elsewhere };
        let outcome = Transformation::read("test", &file).expect("steps").run(&mut invoice, &world);
        assert!(outcome.findings[0].message().contains("order, which transformation test is for"));
    }

    #[test]
    fn err_what_is_wrong_is_told_by_key() {
        for (steps, part) in [
            ("- { sett: { number: \"'1'\" } }", "steps[1]: expected one of append, check"),
            ("- { sett: { number: \"'1'\" } }", "did you mean set?"),
            ("- { set: { numbr: \"'1'\" } }", "steps[1].set.numbr: no field numbr of order; did you mean number?"),
            (
                "- { set: { number: 1 } }",
                "steps[1].set.number: number is a text, `1` is a number; text(…) writes a number as one",
            ),
            ("- { set: { lines.number: \"'1'\" } }", "expected lines[field = 'text'], which says the item"),
            ("- { set: { \"lines[1].number\": \"'1'\" } }", "for items have no number of their own"),
            ("- { set: { $.number: \"'1'\" } }", "expected the name of a field"),
            ("- { set: { number: \"'1'\" }, wen: number }", "steps[1].wen: set has no key wen; did you mean when?"),
            ("- { set: { number: \"'1'\" }, when: nummer = '1' }", "steps[1].when: no field nummer of order"),
            ("- { keep: lines }", "steps[1].where: expected a condition, or first"),
            ("- { keep: line, where: number = '1' }", "steps[1].keep: no field line of order; did you mean lines?"),
            ("- { sort: lines }", "steps[1].by: expected a formula"),
            (
                "- { merge: lines, by: number, add: number }",
                "steps[1].add: expected a number of the item, found number",
            ),
            (
                "- { gather: lines, by: number, into: delivery, with: { quantity: quantity } }",
                "steps[1].into: no field delivery",
            ),
            (
                "- { spread: lines, of: texts, with: { quantity: body } }",
                "steps[1].with.quantity: quantity is an object",
            ),
            ("- { key: parties, of: number, sequence: x }", "steps[1].key: expected a text or a number, found parties"),
            (
                "- { check: number, severity: fatal, expect: x }",
                "steps[1].severity: expected error or warning, found fatal",
            ),
            ("- { number: lines, width: '99' }", "steps[1].width: expected at most 35 digits"),
            ("- { number: lines, from: '18446744073709551615' }", "steps[1].from: expected at most"),
            ("- { translate: purpose }", "steps[1].values: expected OLD: NEW"),
            ("- { lookup: items, column: buyer, value: number }", "steps[1].into: expected FIELD: COLUMN"),
            ("- { append: texts }", "steps[1].with: expected fields with formulas"),
            ("- drop", "steps[1]: expected one of"),
            ("- { drop: x }\n- { set: { a: number } }\n- { set: { b: number } }", "steps[3].set.b"),
        ] {
            let told = wrong(steps);
            assert!(told.contains(part), "{steps}: {told}");
        }
        let file = json!({ "entity": "ordre", "steps": [] });
        let told = Transformation::read("test", &file).expect_err("no entity")[0].to_string();
        assert!(told.starts_with("entity: expected an entity, found \"ordre\""), "{told}");
    }
}
