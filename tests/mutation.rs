//! A changed rule must fail a test. Every line of every mapping is taken away, moved to the next element, and robbed of
//! its last function; each change must show in a fixture: in the entity that is read, in the bytes that are written from
//! it whole and from what is left without its codes and totals, or in what is told on the way. Entities that came in
//! another document type are written too, as `tests/mapping.rs` does. What does not show is a rule that no fixture
//! exercises: add what it needs to the type's `rich`, `boundary` or `odd` case, or take the rule away. `ONLY=x12/004010/820`
//! tries the mappings of that name alone, several separated by commas.

#[path = "mapping/case.rs"]
mod case;

use case::{carries, cases, read, rules, try_write};
use portolan::engine::Rules;
use portolan::entity::Entity;
use portolan::mapping::Mappings;
use serde_json::Value;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A mapping file with one change, and what the change is.
struct Mutant {
    text: String,
    change: String,
}

/// All changes of one file. Lines that only open a block are left alone: what stands in it is changed.
fn mutants(text: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = text.lines().collect();
    let begin = lines.iter().position(|line| *line == "parts:" || *line == "rules:").unwrap_or(0);
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().skip(begin) {
        let Some((key, rule)) = line.split_once(": ") else { continue };
        if key.trim_start().starts_with('#')
            || rule.trim_start().starts_with('#')
            || matches!(key.trim(), "each" | "slots" | "width" | "use")
        {
            continue;
        }
        let mut change = |changed: Option<String>, what: &str| {
            let others = |(number, one): (usize, &&str)| if number == at { None } else { Some((*one).to_owned()) };
            let mut kept: Vec<Option<String>> = lines.iter().enumerate().map(others).collect();
            kept[at] = changed;
            let text = kept.into_iter().flatten().fold(String::new(), |text, line| text + &line + "\n");
            found.push(Mutant { text, change: format!("{what}: {}", line.trim()) });
        };
        change(None, "without");
        if let Some(moved) = next_element(rule) {
            change(Some(format!("{key}: {moved}")), "moved");
        }
        if let Some((before, _)) = rule.rsplit_once(" | ").filter(|(_, function)| changes_valid_values(function)) {
            change(Some(format!("{key}: {before}")), "without its last function");
        }
    }
    found
}

/// Numbers that are well formed and lists that fit come out of these two as they went in; their own examples test them.
fn changes_valid_values(function: &str) -> bool {
    !function.starts_with("decimal") && !function.starts_with("chunks")
}

/// The rule with its first element number one higher.
fn next_element(rule: &str) -> Option<String> {
    let place = rule.split(" | ").next()?;
    let place = place.split(',').next()?;
    // What stands in brackets chooses, it is not the place.
    let open = place.rfind(']').map_or(0, |at| at + 1);
    let digits = place[open..].find(|c: char| c.is_ascii_digit()).map(|at| at + open)?;
    let at = place[digits..].find(|c: char| !c.is_ascii_digit()).map_or(place.len(), |end| digits + end);
    let from = at.checked_sub(2).filter(|&from| from >= digits)?;
    let number: u8 = place[from..at].parse().ok()?;
    Some(format!("{}{:02}{}", &rule[..from], number + 1, &rule[at..]))
}

/// Whether a fixture comes out differently.
fn is_noticed(rules: &Rules, name: &str, expected: &[Expected]) -> bool {
    let [standard, version, kind] = name.split('/').collect::<Vec<_>>()[..] else { return true };
    if rules.mappings.find(standard, version, kind).is_err() {
        return true;
    }
    let is_read_otherwise = |case: &Expected| read(rules, &case.input) != case.read;
    let is_written_otherwise = |case: &Expected| written(rules, name, &case.read.0[0]) != case.written;
    expected.iter().any(|case| case.is_own && is_read_otherwise(case)) || expected.iter().any(is_written_otherwise)
}

/// Bytes of an entity, or why there are none, and what is told on the way.
type Written = (Result<Vec<u8>, String>, Vec<String>);

/// An entity written, and what is left of it without codes that have defaults and without totals.
fn written(rules: &Rules, name: &str, entity: &Entity) -> [Written; 2] {
    let mut sparse = entity.to_json();
    thin(&mut sparse);
    let sparse = Entity::from_json(&sparse).expect("an entity");
    [entity, &sparse].map(|one| try_write(rules, name, one))
}

fn thin(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let dropped = [
                "totals",
                "count",
                "basis",
                "kind",
                "purpose",
                "function",
                "subject",
                "scheme",
                "stage",
                "payer",
                "percent_of",
                "agency",
                "commitment",
                "mode",
                "report",
            ];
            // `{list, code}` is a code of another standard, which stays whole.
            let is_code = fields.contains_key("list");
            // A party without its role is none, but that of an account has a default.
            let is_account = fields.contains_key("bank");
            // What the days of a schedule are of.
            let is_planned = fields.contains_key("quantity");
            // A status that follows from those of the parts below.
            let has_parts = fields.contains_key("responses") || fields.contains_key("lines");
            // A line of a warehouse order, whose number has a default; others go by theirs.
            let is_stored = fields.contains_key("lot");
            if let Some(Value::Object(package)) = fields.get_mut("package") {
                package.remove("number");
            }
            fields.retain(|key, _| match key.as_str() {
                "code" => is_code,
                "number" => !is_stored,
                "role" => !is_account && !is_planned,
                "status" => !has_parts,
                key => !dropped.contains(&key),
            });
            fields.values_mut().for_each(thin);
        }
        Value::Array(items) => items.iter_mut().for_each(thin),
        _ => {}
    }
}

/// What a fixture gives with the mapping as it is.
struct Expected {
    /// It is of the mapping's document type; else only its entity is written.
    is_own: bool,
    input: Vec<u8>,
    read: (Vec<Entity>, Vec<String>),
    written: [Written; 2],
}

/// The fixtures that a mapping reads, and those whose entity it can write.
fn expected(rules: &Rules, name: &str) -> Vec<Expected> {
    let mut found = Vec::new();
    for (own, folder) in cases() {
        let input = case::input(&folder);
        let read = read(rules, &input);
        if carries(rules, name, &read.0[0]) {
            let written = written(rules, name, &read.0[0]);
            found.push(Expected { is_own: own == name, input, read, written });
        }
    }
    found.sort_by_key(|case| !case.is_own);
    found
}

#[test]
fn every_changed_rule_shows_in_a_fixture() {
    let only = std::env::var("ONLY").unwrap_or_default();
    // One that is asked for by name is tried in any case.
    let is_asked = |name: &String| only.split(',').any(|one| name.contains(one));
    let all = Mappings::new(None).list();
    let names: Vec<String> = all.iter().map(|parts| parts.join("/")).filter(is_asked).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut tried, mut survivors) = (0, Vec::new());
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            tried += survive(name, &mut survivors);
        }
        (tried, survivors)
    };
    let (mut tried, mut survivors) = (0, Vec::new());
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        for (number, mut found) in workers.map(|worker| worker.join().expect("a worker")) {
            tried += number;
            survivors.append(&mut found);
        }
    });
    println!("{tried} changed rules tried");
    assert!(tried > 1000 || !only.is_empty(), "only {tried} changes: the test reads the mappings wrongly");
    survivors.sort();
    assert!(survivors.is_empty(), "{} of {tried} went unnoticed:\n{}", survivors.len(), survivors.join("\n"));
}

/// Changes every rule of one mapping; appends what went unnoticed, returns how many changes were tried.
fn survive(name: &str, survivors: &mut Vec<String>) -> usize {
    let overlay = tempfile::tempdir().expect("a folder");
    let mut rules = rules();
    let parts: Vec<_> = name.split('/').collect();
    let text = rules.mappings.text(parts[0], parts[1], parts[2]).expect("a mapping");
    let expected = expected(&rules, name);
    let file = overlay.path().join(format!("{name}.yaml"));
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let mutants = mutants(&text);
    for mutant in &mutants {
        fs::write(&file, &mutant.text).expect("a file");
        rules.mappings = Mappings::new(Some(overlay.path()));
        if !is_noticed(&rules, name, &expected) {
            survivors.push(format!("{name}: {}", mutant.change));
        }
    }
    mutants.len()
}

#[test]
fn elements_are_moved_by_one() {
    for (rule, moved) in [
        ("BEG03", Some("BEG04")),
        ("02.1 | code(x)", Some("03.1 | code(x)")),
        ("DTM[01.1=137].01.2 | temporal(3)", Some("DTM[01.1=137].02.2 | temporal(3)")),
        ("+0 | code(channel)", None),
        ("BGM01.1 | code(kind)", Some("BGM02.1 | code(kind)")),
    ] {
        assert_eq!(next_element(rule).as_deref(), moved, "{rule}");
    }
}
