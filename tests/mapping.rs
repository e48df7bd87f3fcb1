//! Mappings proven on fixtures and on generated entities. A fixture is a dropped folder
//! `fixtures/<standard>/<version>/<type>/<case>/`: `in.edi`, and beside it what must come of it: `entity.json`,
//! `report.txt` (findings) and `out.<standard>.<version>.<type>` for each target. UPDATE=1 writes them anew, to be read
//! before they are committed.

use portolan::codec::segment::{Inspection, Limits, PieceKind, Reader};
use portolan::diagnostic::Syntax;
use portolan::entity::Entity;
use portolan::mapping::{Context, losses};
use portolan::pipeline::Rules;
use portolan::pipeline::canonicalise::canonicalise;
use portolan::pipeline::encode::{self, Envelope};
use portolan::pipeline::map::{Target, map};
use portolan::pipeline::prove::prove;
use portolan::tree::Style;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rules() -> Rules {
    Rules::new(None, None)
}

/// The case folders of all mapped document types, with the type's name.
fn cases() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for parts in rules().mappings.list() {
        let folder = root().join("fixtures").join(parts.join("/"));
        let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("no fixtures for {}", parts.join("/")));
        found.extend(entries.map(|entry| (parts.join("/"), entry.expect("a readable folder").path())));
    }
    found.sort();
    assert!(!found.is_empty(), "no fixtures found: the test looks in the wrong place");
    found
}

/// Entities and findings of a file.
fn read(rules: &Rules, bytes: &[u8]) -> (Vec<Entity>, Vec<String>) {
    let mut reader = Reader::new(bytes, Limits::default());
    let mut inspection = Inspection::new(&rules.library);
    let (mut entities, mut findings) = (Vec::new(), Vec::new());
    while let Some(piece) = reader.next().expect("memory can be read") {
        let placed = inspection.take(&piece);
        if let (PieceKind::Document, Some(placed)) = (piece.kind, placed) {
            let report = inspection.document().map(|report| report.faults.clone()).unwrap_or_default();
            let (mut found, more) = canonicalise(rules, &placed, &piece.run);
            findings.extend(report.iter().chain(&more).map(|one| format!("{} {}", one.code(), one.message())));
            entities.append(&mut found);
        }
    }
    for report in inspection.end() {
        findings.extend(report.faults.iter().map(|one| format!("{} {}", one.code(), one.message())));
    }
    (entities, findings)
}

fn envelope(target: &Target) -> Envelope {
    Envelope {
        sender: ["ZZ".to_owned(), "SENDER".to_owned()],
        receiver: ["ZZ".to_owned(), "RECEIVER".to_owned()],
        group_parties: Default::default(),
        group_version: String::new(),
        control_number: "1".to_owned(),
        group_control_number: "1".to_owned(),
        prepared: jiff::civil::DateTime::constant(2026, 11, 24, 9, 15, 0, 0),
        test: false,
        acknowledgment_requested: false,
        style: if target.syntax() == Syntax::X12 { Style::x12() } else { Style::edifact() },
    }
}

/// Bytes of an entity in a target, and the findings on the way.
fn write(rules: &Rules, name: &str, entity: &Entity) -> (Vec<u8>, Vec<String>) {
    let target = Target::parse(rules, name).expect("a target");
    let (draft, findings) = map(rules, &target, entity, "1").expect("a mapping for the entity");
    let words = findings.iter().map(|one| format!("{} {}", one.code(), one.message())).collect();
    let draft = encode::draft(&target, envelope(&target), vec![draft]);
    let (bytes, _) = encode::encode(rules, target.syntax(), &draft, None).expect("bytes");
    (bytes, words)
}

fn golden(path: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, found).expect("a writable fixture");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(expected == found, "{} differs (UPDATE=1 rewrites it):\n{found}", path.display());
}

/// Whether a document type is one of the entity's.
fn carries(rules: &Rules, [standard, version, kind]: &[String; 3], entity: &Entity) -> bool {
    let mapping = rules.mappings.find(standard, version, kind).expect("a mapping");
    mapping.select.iter().any(|choice| choice.entity == entity.kind)
}

#[test]
fn fixtures_come_out_as_they_must() {
    let rules = rules();
    for (own, folder) in cases() {
        let bytes = fs::read(folder.join("in.edi")).expect("in.edi");
        let (entities, mut report) = read(&rules, &bytes);
        let [entity] = entities.as_slice() else { panic!("{}: {} entities", folder.display(), entities.len()) };
        golden(&folder.join("entity.json"), &format!("{:#}\n", entity.to_json()));
        for parts in rules.mappings.list() {
            let name = parts.join("/");
            if !carries(&rules, &parts, entity) {
                continue;
            }
            let (bytes, findings) = write(&rules, &name, entity);
            golden(&folder.join(format!("out.{}", parts.join("."))), &String::from_utf8(bytes).expect("text"));
            report.extend(findings.iter().map(|finding| format!("to {name}: {finding}")));
        }
        golden(&folder.join("report.txt"), &(report.join("\n") + "\n"));
        assert!(own.contains('/'));
    }
}

#[test]
fn reading_after_writing_gives_the_fixtures_again() {
    let rules = rules();
    for (own, folder) in cases().into_iter().filter(|(_, folder)| !folder.ends_with("wrong")) {
        let (entities, _) = read(&rules, &fs::read(folder.join("in.edi")).expect("in.edi"));
        let (bytes, findings) = write(&rules, &own, &entities[0]);
        assert_eq!(findings, Vec::<String>::new(), "{}: its own document type loses nothing", folder.display());
        let (again, _) = read(&rules, &bytes);
        assert_eq!(again, entities, "{}: read again", folder.display());
        // Writing what was read gives the same bytes, and so on for ever.
        assert_eq!(write(&rules, &own, &again[0]).0, bytes, "{}: written again", folder.display());
    }
}

#[test]
fn generated_entities_survive_writing_and_reading() {
    let rules = rules();
    for parts in rules.mappings.list() {
        let name = parts.join("/");
        for seed in 1..=3 {
            let proof = prove(&rules, &name, 100, seed).expect("a mapping");
            assert_eq!(proof.failure, None, "{name}, seed {seed}, round {}", proof.rounds);
            assert!(proof.lossy * 2 < proof.rounds, "{name}: most generated entities should be carried whole");
        }
    }
}

#[test]
fn a_changed_rule_fails_the_proof() {
    // Each change swaps what a rule says; a proof that does not notice proves nothing.
    let changes = [
        ("x12/004010/850", "number: BEG03", "number: BEG04"),
        ("x12/004010/850", "value: +1", "value: +0"),
        ("x12/004010/850", "issued: BEG05 | date", "issued: BEG05 | time"),
        ("x12/004010/850", "amount: 05 | implied(2)", "amount: 05 | decimal"),
        ("edifact/d96a/ORDERS", "PRI[1].01.2 | decimal", "PRI[1].01.3 | decimal"),
        ("edifact/d96a/ORDERS", "address.city: 06", "address.city: 07"),
        ("edifact/d96a/ORDERS", "each: heading:TAX[01=7]", "each: heading:TAX[01=5|7]"),
    ];
    for (at, (name, from, to)) in changes.into_iter().enumerate() {
        let overlay = std::env::temp_dir().join(format!("portolan-mapping-{}-{at}", std::process::id()));
        let parts: Vec<_> = name.split('/').collect();
        let text = rules().mappings.text(parts[0], parts[1], parts[2]).expect("a mapping");
        assert!(text.contains(from), "{name} has no rule {from}");
        let file = overlay.join(format!("{name}.yaml"));
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text.replacen(from, to, 1)).expect("a file");
        let changed = Rules::new(None, Some(&overlay));
        let proof = prove(&changed, name, 100, 1);
        let differs = proof.is_err() || proof.is_ok_and(|proof| proof.failure.is_some() || proof.lossy > 50);
        let golden_differs = cases().iter().any(|(own, folder)| {
            let expected = fs::read_to_string(folder.join("entity.json")).expect("entity.json");
            let (entities, _) = read(&changed, &fs::read(folder.join("in.edi")).expect("in.edi"));
            own == name && entities.first().is_none_or(|entity| format!("{:#}\n", entity.to_json()) != expected)
        });
        let written_differs = cases().iter().any(|(own, folder)| {
            let (entities, _) = read(&rules(), &fs::read(folder.join("in.edi")).expect("in.edi"));
            own == name && write(&changed, name, &entities[0]).0 != write(&rules(), name, &entities[0]).0
        });
        fs::remove_dir_all(&overlay).expect("a removable folder");
        assert!(differs || golden_differs || written_differs, "{name}: {from} → {to} was not noticed");
    }
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
            let wrong: Vec<_> = unique.into_iter().filter(|code| !known.contains_key(*code)).collect();
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
        let context = Context { mapping: &mapping, document: &definition, directory: &directory, codes, decimal: '.' };
        let found = losses(&context);
        assert!(found.iter().any(|loss| loss.direction == "read"), "{document}: segments without rules");
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
