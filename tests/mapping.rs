//! Mappings proven on fixtures and on generated entities. A fixture is a dropped folder
//! `fixtures/<standard>/<version>/<type>/<case>/`: `in.edi` or `in.xml`, and beside it what must come of it: `entity.json`,
//! `report.txt` (findings) and `out.<standard>.<version>.<type>` for each target. UPDATE=1 writes them anew, to be read
//! before they are committed.

#[path = "mapping/case.rs"]
mod case;

use case::{carries, cases, input, read, root, rules, try_write};
use portolan::engine::Rules;
use portolan::engine::prove::prove;
use portolan::entity::Entity;
use portolan::mapping::{Context, losses};
use portolan::table::Tables;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Mappings that generated entities do not survive yet, each with the reason.
const NOT_CARRIED: [(&str, &str); 1] =
    [("cxml/1.2/ShipNoticeRequest", "lines may begin a second portion of an order that orders[] has already")];

/// Mappings that read everything that their definitions have a place for.
const READ_WHOLE: [&str; 2] = ["csv/1/Order", "json/1/Order"];

/// Bytes of an entity in a target, and the findings on the way.
fn write(rules: &Rules, name: &str, entity: &Entity) -> (Vec<u8>, Vec<String>) {
    let (bytes, words) = try_write(rules, name, entity);
    (bytes.unwrap_or_else(|why| panic!("{name}: {why}")), words)
}

fn golden(path: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, found).expect("a writable fixture");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(expected == found, "{} differs (UPDATE=1 rewrites it):\n{found}", path.display());
}

#[test]
fn fixtures_come_out_as_they_must() {
    let rules = rules();
    for (own, folder) in cases() {
        let bytes = input(&folder);
        let (entities, mut report) = read(&rules, &bytes);
        let [entity] = entities.as_slice() else { panic!("{}: {} entities", folder.display(), entities.len()) };
        let mut outputs = HashSet::new();
        golden(&folder.join("entity.json"), &format!("{:#}\n", entity.to_json()));
        for parts in rules.mappings.list() {
            let name = parts.join("/");
            if !carries(&rules, &name, entity) {
                continue;
            }
            let (bytes, findings) = try_write(&rules, &name, entity);
            report.extend(findings.iter().map(|finding| format!("to {name}: {finding}")));
            match bytes {
                Ok(bytes) => {
                    let text = String::from_utf8(bytes).expect("text");
                    let file = format!("out.{}", parts.join("."));
                    golden(&folder.join(&file), &text);
                    outputs.insert(file);
                }
                // An element of XML may want what another does not know; then there is no output.
                Err(why) if !["x12", "edifact"].contains(&parts[0].as_str()) => {
                    report.push(format!("to {name}: refused, {why}"));
                }
                Err(why) => panic!("{}: to {name}: {why}", folder.display()),
            }
        }
        golden(&folder.join("report.txt"), &(report.join("\n") + "\n"));
        let files = fs::read_dir(&folder).expect("a folder");
        let files = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
        let there: HashSet<String> = files.filter(|file| file.starts_with("out.")).collect();
        assert_eq!(there, outputs, "{}: outputs that are no longer written", folder.display());
        assert!(own.contains('/'));
    }
}

#[test]
fn reading_after_writing_gives_the_fixtures_again() {
    let rules = rules();
    for (own, folder) in cases().into_iter().filter(|(_, folder)| !folder.ends_with("wrong")) {
        let (entities, _) = read(&rules, &input(&folder));
        let (bytes, mut findings) = write(&rules, &own, &entities[0]);
        // Some fixtures lack what their standard wants.
        findings.retain(|finding| !finding.starts_with(case::OUTPUT));
        assert_eq!(findings, Vec::<String>::new(), "{}: its own document type loses nothing", folder.display());
        let (again, _) = read(&rules, &bytes);
        // Fields come in the order in which the document says them; what they say counts.
        let said = |entities: &[Entity]| entities.iter().map(Entity::to_json).collect::<Vec<_>>();
        assert_eq!(said(&again), said(&entities), "{}: read again", folder.display());
        // Writing what was read gives the same bytes, and so on for ever.
        assert_eq!(write(&rules, &own, &again[0]).0, bytes, "{}: written again", folder.display());
    }
}

#[test]
fn generated_entities_survive_writing_and_reading() {
    let rules = rules();
    let names: Vec<String> = rules.mappings.list().into_iter().map(|parts| parts.join("/")).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            survive(&rules, name);
        }
    };
    std::thread::scope(|scope| [scope.spawn(work), scope.spawn(work)].map(|worker| worker.join().expect("they hold")));
}

/// Generated entities of a mapping come back as they were written, unless it is known that they do not.
fn survive(rules: &Rules, name: &str) {
    let reason = NOT_CARRIED.iter().find(|(own, _)| *own == name).map(|(_, reason)| reason);
    if let Some(reason) = reason {
        let fails = (1..=3).any(|seed| prove(rules, name, 100, seed).expect("a mapping").failure.is_some());
        assert!(fails, "{name} holds now: \"{reason}\" is mended");
        return;
    }
    for seed in 1..=3 {
        let proof = prove(rules, name, 100, seed).expect("a mapping");
        assert_eq!(proof.failure, None, "{name}, seed {seed}, round {}", proof.rounds);
        assert!(proof.lossy * 2 < proof.rounds, "{name}: most generated entities should be carried whole");
    }
}

#[test]
fn totals_that_nobody_sent_are_computed_on_writing() {
    let entity = Entity::from_json(&serde_json::json!({ "type": "invoice", "number": "1", "issued": "2026-12-01",
        "lines": [{ "quantity": { "value": "3", "unit": "EA" }, "price": { "amount": "4.25" } },
            { "quantity": { "value": "250", "unit": "EA" }, "price": { "amount": "3.99", "base_quantity": { "value": "100" } } }],
        "allowance_charges": [{ "is_charge": false, "code": "discount", "percent": "10" }],
        "taxes": [{ "kind": "vat", "category": "S", "rate": "19", "amount": "3.89" }] }));
    let entity = entity.expect("an invoice");
    let rules = rules();
    let (bytes, _) = write(&rules, "x12/004010/810", &entity);
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.contains("TDS*2435~"), "{text}");
    let (bytes, _) = write(&rules, "edifact/d96a/INVOIC", &entity);
    let text = String::from_utf8(bytes).expect("text").replace('\n', "");
    for amount in
        ["MOA+203:12.75'", "MOA+203:9.98'", "MOA+79:22.73'", "MOA+125:20.46'", "MOA+124:3.89'", "MOA+77:24.35'"]
    {
        assert!(text.contains(amount), "{amount} in {text}");
    }
    assert!(text.contains("MOA+9:24.35'"), "{text}");
}

#[test]
fn err_a_kind_of_another_entity_is_refused() {
    let rules = rules();
    for (kind, own, name) in [
        ("invoice", "credit_note", "x12/004010/810"),
        ("credit_note", "debit_note", "x12/004010/810"),
        ("invoice", "financial_credit_note", "edifact/d01b/INVOIC"),
        ("credit_note", "commercial", "edifact/d96a/INVOIC"),
    ] {
        let entity = Entity::from_json(&serde_json::json!({ "type": kind, "kind": own, "number": "1",
            "issued": "2026-12-01", "lines": [{ "quantity": { "value": "1" } }] }));
        let (_, findings) = write(&rules, name, &entity.expect("an entity"));
        let expected =
            format!("kind: value cannot be mapped: expected a kind that says it is of type {kind}, found {own}");
        assert!(findings.iter().any(|finding| finding.ends_with(&expected)), "{name}: {findings:?}");
    }
}

/// A fixture with one text in it changed, read.
fn read_changed(folder: &str, from: &str, to: &str) -> (Vec<Entity>, Vec<String>) {
    let text = String::from_utf8(input(&root().join("fixtures").join(folder))).expect("UTF-8");
    assert!(text.contains(from), "{folder} has no {from}");
    read(&rules(), text.replacen(from, to, 1).as_bytes())
}

#[test]
fn err_an_amount_in_another_currency_is_refused() {
    let price = r#"<cbc:PriceAmount currencyID="EUR">"#;
    let (entities, findings) = read_changed("ubl/2.1/Invoice/plain", price, &price.replace("EUR", "USD"));
    let expected = "an amount in EUR, the currency of the document, not in USD";
    assert!(findings.iter().any(|finding| finding.contains(expected)), "{findings:?}");
    let entity = entities[0].to_json();
    assert!(entity["lines"][0]["price"].get("amount").is_none(), "{entity:#}");
    assert!(entity["extensions"].to_string().contains("USD"), "{entity:#}");
}

#[test]
fn what_a_rule_found_is_not_overruled_by_one_that_has_no_place() {
    let kind = "<cbc:OrderTypeCode>220</cbc:OrderTypeCode>";
    for (written, read) in [(kind.replace("220", "221"), "blanket"), (String::new(), "stand_alone")] {
        let (entities, _) = read_changed("ubl/2.1/Order/plain", kind, &written);
        assert_eq!(entities[0].text("kind"), Some(read), "{written}");
    }
}

#[test]
fn what_a_loop_says_of_items_that_are_none_is_kept() {
    let (entities, _) = read_changed("edifact/d01b/DELFOR/plain", "SCC+4++W'\nQTY+113:1600", "SCC+4++W'\nQTY+113:ABC");
    let extensions = entities[0].to_json()["extensions"].to_string();
    assert!(extensions.contains("SCC") && extensions.contains("\"W\""), "{extensions}");
}

#[test]
fn a_value_that_several_go_into_is_told() {
    let rules = rules();
    let entity = Entity::from_json(&serde_json::json!({ "type": "invoice", "number": "1", "issued": "2026-12-01",
        "currency": "EUR", "parties": [{ "role": "supplier", "name": ["A"] }], "lines": [] }));
    let (_, findings) = try_write(&rules, "ubl/2.1/Invoice", &entity.expect("an invoice"));
    let expected = "parties[1].role: value has no home in the target: expected a value of its own";
    assert!(findings.iter().any(|finding| finding.ends_with(expected)), "{findings:?}");
}

#[test]
fn every_code_of_the_lists_is_in_its_standard() {
    let rules = rules();
    let directories = [("x12", "004010"), ("edifact", "d96a")];
    let mut checked = 0;
    for list in portolan::mapping::code::Codes::names() {
        for (standard, version) in directories {
            let (element, codes) = rules.mappings.codes().of_standard(&list, standard);
            let unique: HashSet<_> = codes.iter().collect();
            assert!(!codes.is_empty() || element.is_none(), "{list}: no codes for {standard}");
            let directory = rules.library.directory(standard, version).expect("a directory");
            let Some(known) = element.as_ref().and_then(|element| directory.codes.get(element)) else { continue };
            let wrong: Vec<_> = unique.into_iter().filter(|code| !known.contains_key(code.as_str())).collect();
            assert!(known.is_empty() || wrong.is_empty(), "{list}.yaml: {wrong:?} not in {standard} {element:?}");
            checked += codes.len();
        }
    }
    assert!(checked > 300, "only {checked} codes checked");
}

#[test]
fn losses_are_told_for_each_direction() {
    let rules = rules();
    for [standard, version, document] in rules.mappings.list() {
        let mapping = rules.mappings.find(&standard, &version, &document).expect("a mapping");
        let definition = rules.library.document(&standard, &version, &document).expect("a definition");
        let directory = rules.library.directory(&standard, &version).expect("a directory");
        let codes = rules.mappings.codes();
        let tables = &Tables::default();
        let context =
            Context { mapping: &mapping, document: &definition, directory: &directory, codes, tables, decimal: '.' };
        let found = losses(&context);
        let is_read_whole = READ_WHOLE.contains(&format!("{standard}/{version}/{document}").as_str());
        let is_lost = found.iter().any(|loss| loss.direction == "read");
        assert_ne!(is_lost, is_read_whole, "{document}: places without rules, unless all are read");
        assert!(found.iter().any(|loss| loss.direction == "write"), "{document}: fields without rules");
    }
}

#[test]
fn the_manual_lists_the_functions() {
    let path = root().join("docs/MAPPINGS.md");
    let text = fs::read_to_string(&path).expect("docs/MAPPINGS.md");
    let (before, rest) = text.split_once("tests/mapping.rs -->\n").expect("the marker");
    let (_, after) = rest.split_once("<!-- end -->").expect("the end marker");
    let mut lines = String::from("| function | in a document | in the entity |\n|---|---|---|\n");
    for function in portolan::mapping::function::all() {
        for (at, (arguments, wire, value)) in function.examples().iter().enumerate() {
            let help = if at == 0 { function.help().replace('|', "\\|") } else { String::new() };
            let call = if arguments.is_empty() { String::new() } else { format!(" ({arguments})") };
            lines.push_str(&format!("| {help}{call} | `{wire}` | `{}` |\n", value.replace('\n', "\\n")));
        }
    }
    golden(&path, &format!("{before}tests/mapping.rs -->\n{lines}<!-- end -->{after}"));
}
