//! What is kept of one item for the next decides nothing: an entity is written the same whatever was written before it.
//! Each case is a mapping in which a text, or what stands already, decides more than the form of an item says.

#[path = "mapping/case.rs"]
mod case;

use case::{carries, cases, input, read, rules, try_write};
use portolan::engine::Rules;
use portolan::entity::Entity;
use portolan::mapping::Mappings;
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
    let alone = |files: &[Vec<u8>]| -> Vec<_> { files.iter().map(|bytes| there_and_on(&fresh(), bytes)).collect() };
    let (some, others) = files.split_at(files.len() / 2);
    let alone: Vec<_> = std::thread::scope(|scope| {
        let workers = [some, others].map(|files| scope.spawn(|| alone(files)));
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
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
        is_as_made_of_fields(entity);
        found.push(entity.to_string());
        let targets = rules.mappings.list().into_iter().map(|parts| parts.join("/"));
        for target in targets.filter(|target| carries(rules, target, entity)) {
            found.push(format!("{:?}", try_write(rules, &target, entity)));
        }
    }
    found
}

/// Asserts that an entity whose items are texts in templates is what the same entity is that has fields of its own.
fn is_as_made_of_fields(entity: &Entity) {
    let own = Entity::from_json(&entity.to_json()).expect("an entity");
    assert_eq!(own, *entity);
    assert_eq!(own.to_string(), entity.to_string());
    let told = |entity: &Entity| entity.check().iter().map(|one| format!("{one:?}")).collect::<Vec<_>>();
    assert_eq!(told(&own), told(entity), "{entity}");
}

/// Lines of one form, each with a text that the lines before did not have: what a hole of a template may be filled with.
#[test]
fn texts_of_lines_that_are_alike() {
    let order = |line: &str| {
        let body = format!("ST*850*0001~BEG*00*SA*1**20261124~N1*BY*ACME*92*7~{line}CTT*1~");
        let count = body.matches('~').count() + 1;
        format!(
            "ISA*00*          *00*          *ZZ*A              *ZZ*B              *261124*0915*U*00401*000000101*0*P*>~\
             GS*PO*A*B*20261124*0915*1*X*004010~{body}SE*{count}*0001~GE*1*1~IEA*1*000000101~"
        )
    };
    let line = |[quantity, unit, price, gtin, text, units, date]: [&str; 7]| {
        order(&format!("PO1*1*{quantity}*{unit}*{price}**EN*{gtin}~PID*F****{text}~PO4*{units}~DTM*002*{date}~"))
    };
    let plain = ["2", "EA", "1.50", "4000862141404", "LAMP", "12", "20261201"];
    let others = [
        (0, &["2.", ".5", "-2", "1,5", "X", "007", "1234567890123456789012345678901", "2 "][..]),
        (1, &["CA", "QQ", "E A", "1"]),
        (2, &["0", "1.", "1.2.3", "--1"]),
        (3, &["4000862141405", "012345678905", "A", "4000862141404 "]),
        (4, &["A \"LAMP\"", "A\\B", "L\u{e9}", "LAMP  ", " ", "THE DESCRIPTION OF THIS LAMP IS LONGER THAN IN PLACE"]),
        (5, &["0", "00", "012", "-5", "X", "123456"]),
        (6, &["20261301", "261201", "2026120", "00000000"]),
    ];
    let mut documents = vec![line(plain), line(plain)];
    for (at, texts) in others {
        documents.extend(texts.iter().map(|text| {
            let mut one = plain;
            one[at] = text;
            line(one)
        }));
    }
    let used = rules();
    for document in documents.iter().chain(documents.iter().rev()) {
        let (entities, findings) = read(&used, document.as_bytes());
        let (alone, told) = read(&rules(), document.as_bytes());
        assert_eq!((&entities, &findings), (&alone, &told), "{document}");
        entities.iter().for_each(is_as_made_of_fields);
    }
}
