//! What is kept of one item for the next decides nothing: an entity is written the same whatever was written before it.
//! Each case is a mapping in which a text, or what stands already, decides more than the form of an item says.

#[path = "mapping/case.rs"]
mod case;

use case::{carries, cases, input, read, rules, try_write};
use portolan::entity::Entity;
use portolan::mapping::Mappings;
use portolan::pipeline::Rules;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The rules of the product, with a mapping of orders to the 850 whose lines are written by `lines`.
fn rules_with(folder: &Path, lines: &str) -> Rules {
    let indented: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!("entity: order\nrules:\n  number: BEG03\n  lines[]:\n    each: PO1\n{indented}");
    fs::create_dir_all(folder.join("x12/004010")).expect("a folder");
    fs::write(folder.join("x12/004010/850.yaml"), text).expect("a file");
    Rules { mappings: Mappings::new(Some(folder)), ..rules() }
}

/// Asserts that each line comes out as it does when nothing was written before it.
fn comes_out_as_alone(lines: &str, items: &[Value]) {
    let folder = tempfile::tempdir().expect("a folder");
    let order = |line: &Value| Entity::from_json(&json!({ "type": "order", "number": "1", "lines": [line] }));
    let write = |rules: &Rules, item: &Value| {
        let (bytes, findings) = try_write(rules, "x12/004010/850", &order(item).expect("an order"));
        (bytes.map(|bytes| String::from_utf8(bytes).expect("text")), findings)
    };
    let used = rules_with(folder.path(), lines);
    for item in items {
        assert_eq!(write(&used, item), write(&rules_with(folder.path(), lines), item), "{lines}\n{item}");
    }
}

#[test]
fn two_rules_for_one_place() {
    let item = |quantity: &str, price: &str| json!({ "quantity": { "value": quantity }, "price": { "amount": price } });
    let items = [item("1", "1"), item("1", "1"), item("2", "1"), item("2", "3"), item("4", "4")];
    comes_out_as_alone("number: 01\nquantity.value: 02\nprice.amount: 02", &items);
    comes_out_as_alone("number: 01\nquantity.value: REF[01=IA].02\nprice.amount: REF[01=IA].02", &items);
}

#[test]
fn a_segment_that_stands_already() {
    let date = |day: usize| json!({ "role": "delivery_requested", "at": format!("2026-11-{day}") });
    // So many that lines are no longer tried, and dates alone are.
    let items: Vec<_> = (0..70).map(|at| json!({ "dates": [date(10 + at % 9), date(19 + at % 9)] })).collect();
    comes_out_as_alone("number: 01\ndates[]:\n  each: DTM[1]\n  role: 01 | code(date_role)\n  at: 02 | date", &items);
}

#[test]
fn losses_are_told_of_each_line() {
    let code = |code: &str| json!({ "number": "1", "references": [{ "kind": { "list": "edifact/reference", "code": code }, "id": "7" }] });
    let items = [code("AAA"), code("BBB"), json!({ "references": [{ "kind": "contract", "id": "8" }] }), code("CCC")];
    comes_out_as_alone("number: 01\nreferences[]:\n  each: REF\n  kind: 01 | code(reference)\n  id: 02", &items);
}

/// What is read and written does not depend on what was before either, in whatever order.
#[test]
fn documents_come_out_as_alone() {
    let files: Vec<_> = cases().into_iter().map(|(_, folder)| input(&folder)).collect();
    let used = rules();
    // Mappings that have seen nothing; definitions keep nothing of what was read by them.
    let fresh = || Rules { library: used.library.clone(), mappings: Mappings::new(None).by(&used.library) };
    let alone: Vec<_> = files.iter().map(|bytes| there_and_on(&fresh(), bytes)).collect();
    let all = files.iter().zip(&alone);
    for (bytes, alone) in all.clone().chain(all.rev()) {
        assert_eq!(there_and_on(&used, bytes), *alone);
    }
}

/// What a file says, and what it becomes in every target that carries it.
fn there_and_on(rules: &Rules, bytes: &[u8]) -> Vec<String> {
    let (entities, findings) = read(rules, bytes);
    let mut found = findings;
    for entity in &entities {
        found.push(entity.to_string());
        let targets = rules.mappings.list().into_iter().map(|parts| parts.join("/"));
        for target in targets.filter(|target| carries(rules, target, entity)) {
            found.push(format!("{:?}", try_write(rules, &target, entity)));
        }
    }
    found
}
