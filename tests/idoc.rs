//! IDocs as XML say what the flat ones say. Their definitions are made of those of the flat files, so that no segment and no
//! field is written down twice: `UPDATE=1 cargo test --test idoc` makes them anew. Each has a fixture for each of the flat one,
//! and both are the same entity.

#[path = "mapping/case.rs"]
mod case;

use case::{carries, cases, input, read, root, rules, try_write};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

/// Where the definitions of flat files stand, and those that are made of them.
const FLAT: &str = "idoc/dc40";
const XML: &str = "idoc/xml";

fn flat(kind: &str) -> Value {
    let file = root().join(format!("standards/{FLAT}/{kind}.yaml"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    portolan::yaml::document(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())).to_json()
}

/// The names of the document types of a version.
fn kinds(version: &str) -> BTreeSet<String> {
    let files = fs::read_dir(root().join("standards").join(version)).expect("the version's folder");
    let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned)).filter(|name| name != "contents").collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The definition of the XML that a flat file is: a root of the type's name, in it IDOC, and in that an element for each record,
/// with one for each field.
fn made(kind: &str) -> String {
    let flat = flat(kind);
    let said = |key: &str| flat[key].as_str().unwrap_or_default();
    let mut made = format!(
        "# Made of standards/{FLAT}/{kind}.yaml by UPDATE=1 cargo test --test idoc: what is changed, is changed there.\n\
         standard: idoc\nversion: xml\ntype: {kind}\nname: {}\nroot: {kind}\ncontent: {kind}\ncodes: {}\ndates: {}\nenvelope:\n",
        said("name"),
        said("codes"),
        said("dates"),
    );
    let control = &flat["records"]["control"];
    // Which way it goes and how it is sent is the sender's matter: it is no part of what the document says.
    let sent: Vec<(String, &str)> = texts(&control["fields"])
        .filter_map(|field| field.split_once(" = "))
        .filter(|(field, value)| field.contains(" O ") && !value.starts_with('$'))
        .filter_map(|(field, value)| Some((field.split(' ').next()?.to_owned(), value)))
        .collect();
    for (name, fact) in flat["envelope"].as_object().expect("an envelope").iter().filter(|(name, _)| *name != "writes")
    {
        let paths = fact.as_str().expect("a text").split(" | ");
        let paths: Vec<String> = paths.map(|path| format!("{}/{path}", said("root"))).collect();
        let _ = writeln!(made, "  {name}: {}", paths.join(" | "));
    }
    let mut writes = flat["envelope"]["writes"].as_str().unwrap_or_default().to_owned();
    for (name, value) in &sent {
        let _ = writeln!(made, "  {}: {}/EDI_DC40/{name} = {value}", name.to_lowercase(), said("root"));
        let _ = write!(writes, " {}", name.to_lowercase());
    }
    let _ = writeln!(made, "  writes: {writes}");
    let _ = write!(made, "contents:\n  {kind}:\n    parts:\n      - {} R 1 {}\n", said("root"), said("content"));
    for (key, record) in flat["records"].as_object().expect("records") {
        let mark = if key == said("content") { "BEGIN" } else { "SEGMENT" };
        let _ = write!(made, "  {key}:\n    name: {}\n", record["name"].as_str().expect("a name"));
        if record["open"] == "true" {
            made.push_str("    open: true\n");
        }
        let _ = write!(made, "    attributes:\n      - {mark} R code = 1\n    parts:\n");
        for field in texts(&record["fields"]) {
            let words: Vec<&str> = field.split(' ').collect();
            let _ = writeln!(made, "      - {} {} 1 {}", words[0], words[1], words[2]);
        }
        for inner in texts(&record["records"]) {
            let _ = writeln!(made, "      - {inner}");
        }
    }
    made
}

#[test]
fn xml_is_defined_by_the_flat_file() {
    assert_eq!(kinds(XML), kinds(FLAT), "each IDoc is known in both forms");
    for kind in kinds(FLAT) {
        let file = root().join(format!("standards/{XML}/{kind}.yaml"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, made(&kind)).expect("a writable definition");
        }
        assert!(fs::read_to_string(&file).expect("a definition") == made(&kind), "{} is another", file.display());
    }
}

/// The first character of a field in the line of its record, from 1.
fn offset(flat: &Value, record: &str, field: &str) -> usize {
    let width = |text: &str| text.split(" = ").next()?.rsplit(' ').next()?.parse::<usize>().ok();
    let is_without_lead = flat["records"][record]["lead"] == "none";
    let lead: usize = texts(&flat["lead"]).filter(|_| !is_without_lead).filter_map(width).sum();
    let before = texts(&flat["records"][record]["fields"]).take_while(|text| text.split(' ').next() != Some(field));
    1 + lead + before.filter_map(width).sum::<usize>()
}

/// Where SAP's documentation of the record layouts has them.
#[test]
fn fields_stand_where_sap_has_them() {
    for kind in kinds(FLAT) {
        let flat = flat(&kind);
        for (record, field, first) in [
            ("control", "SERIAL", 505),
            ("E1EDK01", "WKURS_M", 409),
            ("E1EDKA1", "ILNNR", 937),
            ("E1EDK02", "DATUM", 108),
            ("E1EDK04", "KTEXT", 121),
            ("E1EDK05", "KOEIN", 246),
            ("E1EDK18", "ZTERM_TXT", 83),
            ("E1EDK28", "ACNAM", 254),
            ("E1EDP01", "MATNR", 458),
            ("E1EDP02", "BSARK", 122),
            ("E1EDP05", "MWSKZ", 252),
            ("E1EDP19", "MFRNR", 214),
            ("E1EDP26", "BETRG", 67),
            ("E1EDS01", "WAERQ", 88),
            // The last fields of lines of a shipment that a system of SAP wrote in their full length.
            ("E1ADRM4", "TZDESC", 981),
            ("E1EDT10", "EVENT_ALI", 197),
            ("E1EDK33", "CONT_DG", 199),
            ("E1EDT44", "BAHNRA", 152),
            ("E1EDT45", "VSTGA", 127),
            ("E1EDT01", "PARID", 74),
            ("E1ADRM1", "TZDESC", 981),
            ("E1EDL35", "PREFE", 109),
            ("E1EDL41", "POSEX", 126),
        ] {
            let has_it = flat["records"].get(record).is_some();
            assert!(!has_it || offset(&flat, record, field) == first, "{kind}: {record}/{field}");
        }
    }
}

#[test]
fn a_segment_has_the_same_fields_in_every_idoc() {
    let definitions: Vec<Value> = kinds(FLAT).iter().map(|kind| flat(kind)).collect();
    let mut compared = 0;
    for (key, record) in definitions[0]["records"].as_object().expect("records") {
        let others = definitions[1..].iter().filter_map(|other| other["records"].get(key));
        for other in others.filter(|_| !["idoc", "control"].contains(&key.as_str())) {
            assert_eq!((&record["tag"], &record["fields"]), (&other["tag"], &other["fields"]), "{key}");
            compared += 1;
        }
    }
    assert!(compared > 15, "only {compared} segments compared");
}

/// What a fixture says, without what only its own form has a place for.
fn said(rules: &portolan::engine::Rules, bytes: &[u8]) -> (Value, Vec<String>) {
    let (entities, findings) = read(rules, bytes);
    let mut said = entities.first().expect("an entity").to_json();
    said.as_object_mut().expect("an object").remove("extensions");
    (said, findings)
}

#[test]
fn both_forms_of_a_fixture_are_one_entity() {
    let rules = rules();
    let mut compared = 0;
    for (name, folder) in cases() {
        let Some(kind) = name.strip_prefix(&format!("{FLAT}/")) else { continue };
        let case = folder.file_name().expect("a case").to_string_lossy().into_owned();
        let twin = root().join(format!("fixtures/{XML}/{kind}/{case}"));
        let (own, findings) = said(&rules, &input(&folder));
        if case == "wrong" {
            // What is wrong on purpose is told at places of each form's own, and cannot be written.
            assert_eq!(said(&rules, &input(&twin)).0, own, "{}", twin.display());
            continue;
        }
        assert_eq!(said(&rules, &input(&twin)), (own, findings), "{}", twin.display());
        // Each is written in the other form too, and read there again.
        for (from, to) in [(&folder, XML), (&twin, FLAT)] {
            let (entities, _) = read(&rules, &input(from));
            let to = format!("{to}/{kind}");
            assert!(carries(&rules, &to, &entities[0]), "{to} has another entity");
            let (bytes, words) = try_write(&rules, &to, &entities[0]);
            let again = said(&rules, &bytes.unwrap_or_else(|why| panic!("{}: {why}", from.display())));
            assert_eq!(again, said(&rules, &input(from)), "{} in {to}: {words:?}", from.display());
            compared += 1;
        }
    }
    assert!(compared >= 2, "no fixture of an IDoc was compared");
}
