//! What commands say to people: each case is a folder in `fixtures/commands` with the command's `line`, the files it
//! names, and in `said.txt` its exit code and what it printed. A new case is a dropped folder; UPDATE=1 writes what is
//! said, to be read before it is committed.

use std::path::{Path, PathBuf};
use std::process::Command;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/commands");
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    assert!(found.len() >= 20, "only {} cases", found.len());
    found
}

fn portolan(line: &[&str], folder: &Path) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    let output = command.args(line).current_dir(folder).output().expect("the binary");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn commands_say_what_is_written_down() {
    let mut wrong = Vec::new();
    for case in cases() {
        let line = std::fs::read_to_string(case.join("line")).expect("a line");
        let (code, out, err) = portolan(&line.split_whitespace().collect::<Vec<_>>(), &case);
        assert!(!err.contains("panicked"), "{}: {err}", case.display());
        let err = if err.is_empty() { String::new() } else { format!("--- to standard error\n{err}") };
        let said = format!("exit code {}\n{out}{err}", code.unwrap_or(-1));
        let file = case.join("said.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &said).expect("written");
        } else if std::fs::read_to_string(&file).unwrap_or_default() != said {
            wrong.push(format!("{}\n{said}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "said otherwise than written down:\n{}", wrong.join("\n"));
}

/// Each caret stands under a byte of the fault: the columns of the carets, taken from the line above, are the value that
/// the finding names.
#[test]
fn carets_stand_under_the_value_that_is_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (_, out, _) = portolan(&["validate", "fixtures/x12/004010/850/wrong/in.edi"], folder);
    let lines: Vec<&str> = out.lines().collect();
    let mut checked = 0;
    for (carets, above) in lines.iter().skip(1).zip(&lines) {
        // One run of carets for each value named.
        for run in carets.split_whitespace().filter(|run| run.starts_with('^')) {
            let first = carets.find(run).expect("it is there");
            let value = above.get(first..first + run.len()).unwrap_or_default();
            checked += usize::from(["20261131", "12O", "QX"].contains(&value));
        }
    }
    assert_eq!(checked, 3, "{out}");
}

#[test]
fn without_a_terminal_there_is_no_colour_and_no_progress() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in ["validate", "explain"] {
        let (_, out, err) = portolan(&[line, "fixtures/x12/004010/850/wrong/in.edi"], folder);
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{line}: {out}{err}");
    }
}

/// The shape of `explain --json` (docs/COMMANDS.md).
#[test]
fn explained_values_say_where_they_come_from_and_go_to() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let line = ["explain", "fixtures/x12/004010/850/plain/in.edi", "--to", "edifact/d96a/ORDERS", "--json"];
    let (code, out, err) = portolan(&line, folder);
    assert_eq!(code, Some(0), "{err}");
    let items: Vec<serde_json::Value> = serde_json::from_str(&out).expect("an array");
    let document = items.iter().find(|item| item["document"] == 1).expect("the document");
    assert_eq!((&document["type"], &document["entity"]), (&"850".into(), &"order".into()));
    let segments = document["segments"].as_array().expect("segments");
    let line = segments.iter().find(|one| one["place"] == "PO1[1]").expect("the first line");
    assert_eq!((&line["loop"], &line["is_trigger"], &line["usage"]), (&"PO1".into(), &true.into(), &"required".into()));
    let unit = line["elements"].as_array().expect("elements").iter().find(|one| one["element"] == 3).expect("PO103");
    assert_eq!(unit["meaning"], "Each");
    assert_eq!(unit["fields"][0]["field"], "lines[1].quantity.unit");
    let became = &unit["fields"][0]["became"][0];
    // What is said to stand in the other standard stands there.
    let (_, translated, _) =
        portolan(&["translate", "fixtures/x12/004010/850/plain/in.edi", "--to", "edifact/d96a/ORDERS"], folder);
    assert_eq!((&became["place"], &became["value"]), (&"QTY[1].01.3".into(), &"EA".into()));
    assert!(translated.contains("QTY+21:120:EA'"), "{translated}");
    let envelope = items.iter().find(|item| item["document"].is_null()).expect("the envelope");
    assert_eq!(envelope["segments"][0]["tag"], "ISA");
}

/// Every value of the plain fixtures either feeds a field or is the envelope's: `explain` leaves none unexplained.
#[test]
fn every_value_of_a_plain_order_feeds_a_field() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["fixtures/x12/004010/850/plain/in.edi", "fixtures/edifact/d96a/ORDERS/plain/in.edi"] {
        let (_, out, _) = portolan(&["explain", file, "--json"], folder);
        let items: Vec<serde_json::Value> = serde_json::from_str(&out).expect("an array");
        let segments =
            items.iter().filter(|item| !item["document"].is_null()).flat_map(|item| item["segments"].as_array());
        let mut count = 0;
        for segment in segments.flatten() {
            let tag = segment["tag"].as_str().expect("a tag");
            for element in segment["elements"].as_array().expect("elements") {
                let is_constant = ["ST", "SE", "UNH", "UNT", "UNS"].contains(&tag);
                let is_fed = element["fields"].as_array().is_some_and(|fields| !fields.is_empty());
                assert!(is_fed || is_constant, "{file}: {} feeds nothing", element["place"]);
                count += usize::from(is_fed);
            }
        }
        assert!(count > 20, "{file}: only {count} values");
    }
}

#[test]
fn shells_get_scripts_and_manual_pages_are_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, script, err) = portolan(&["completions", shell], folder);
        assert_eq!(code, Some(0), "{err}");
        assert!(["validate", "explain", "losses"].iter().all(|word| script.contains(word)), "{shell}: {script}");
    }
    let pages = tempfile::tempdir().expect("a folder");
    let into = pages.path().to_string_lossy().into_owned();
    assert_eq!(portolan(&["completions", "--man", &into], folder).0, Some(0));
    let page = std::fs::read_to_string(pages.path().join("portolan-guide-diff.1")).expect("a page");
    assert!(page.contains("List what differs"), "{page}");
}

/// `portolan … | head -1` ends quietly and at once.
#[test]
fn a_reader_that_went_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["explain", "fixtures/x12/004010/850/rich/in.edi"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

/// `explain` through steps and a split says of each field what became of it, and where it went (docs/COMMANDS.md).
#[test]
fn explained_fields_say_what_steps_and_splits_did_to_them() {
    let explained = |case: &str, line: &[&str]| -> serde_json::Value {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/commands").join(case);
        let (code, out, err) = portolan(line, &folder);
        assert_eq!(code, Some(0), "{err}");
        let items: Vec<serde_json::Value> = serde_json::from_str(&out).expect("an array");
        items.into_iter().find(|item| item["document"] == 1).expect("the document")
    };
    let field = |document: &serde_json::Value, field: &str| -> serde_json::Value {
        let segments = document["segments"].as_array().expect("segments").iter();
        let elements = segments.flat_map(|one| one["elements"].as_array().expect("elements").iter());
        let mut fields = elements.flat_map(|one| one["fields"].as_array().expect("fields").iter());
        fields.find(|one| one["field"] == field && one["is_value"] == true).expect(field).clone()
    };
    let through = "explain order.edi --to x12/004010/850 --through rules.yaml --tables rules.yaml --json";
    let document = explained("explain-through", &through.split(' ').collect::<Vec<_>>());
    // Two lines of one article became one; it was put behind the other, and got another number.
    let quantity = field(&document, "lines[3].quantity.value");
    assert_eq!(
        quantity["changed"],
        serde_json::json!([
            { "by": "lamps-orders steps[1].merge", "change": "changed", "before": "30", "after": "42",
              "to": "lines[1].quantity.value", "document": null },
            { "by": "lamps-orders steps[2].sort", "change": "moved", "before": "42", "after": "42",
              "to": "lines[2].quantity.value", "document": null }])
    );
    assert_eq!(quantity["became"], serde_json::json!([{ "document": null, "place": "PO1[2].02", "value": "42" }]));
    let gone = field(&document, "lines[4].quantity.value");
    assert_eq!((gone["changed"][0]["change"].as_str(), &gone["became"]), (Some("dropped"), &serde_json::json!([])));
    let steps = document["steps"].as_array().expect("steps");
    let places: Vec<_> = steps.iter().map(|step| (step["by"].as_str(), step["place"].as_str())).collect();
    assert_eq!(places[0], (Some("house-rules steps[1].keep"), Some("rules.yaml:5")));
    assert_eq!(places.len(), 8);
    assert_eq!(steps[2]["changes"], serde_json::json!([]), "its condition does not hold");
    let made = &steps[6]["changes"];
    let contract = made.as_array().expect("changes").iter().find(|one| one["field"] == "contract").expect("made");
    assert_eq!((&contract["change"], &contract["became"][0]["value"]), (&"made".into(), &"C-4711".into()));

    let split = "explain order.edi --to edifact/d96a/ORDERS --split agreement.yaml --json";
    let document = explained("explain-split", &split.split(' ').collect::<Vec<_>>());
    assert_eq!(
        document["documents"],
        serde_json::json!([
            { "document": 1, "number": "4711-0012", "items": ["lines[1].deliveries[1]"] },
            { "document": 2, "number": "4711-0013", "items": ["lines[1].deliveries[2]", "lines[2]"] }])
    );
    let quantity = field(&document, "lines[1].quantity.value");
    assert_eq!(
        quantity["became"],
        serde_json::json!([
            { "document": 1, "place": "QTY[1].01.2", "value": "40" },
            { "document": 2, "place": "QTY[1].01.2", "value": "60" }])
    );
    assert_eq!(field(&document, "lines[2].quantity.value")["became"][0]["document"], 2);
}
