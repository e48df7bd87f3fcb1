//! `docs/ERRORS.md` is the list of faults, printed; `UPDATE=1` writes it anew.

use portolan::diagnostic::{Effect, Fault, Level, Severity};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[test]
fn the_errors_page_is_the_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ERRORS.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).expect("docs can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/ERRORS.md is not the list of faults: run `make generated`");
}

fn page() -> String {
    let mut text = String::from(
        "# Every finding, what it means and what to do\n\n\
         Generated from `src/diagnostic/fault.rs`. A code is the syntax (`X12`, `EDIFACT`, or `DOCUMENT` where neither\n\
         applies) and a name; scripts may rely on it. The effect says which acknowledgment a finding may move: `syntax`\n\
         the TA1, 997, 999 and CONTRL; `guide` the 999 or 824; `business` the 824, APERAK or an alarm. An agreement may\n\
         change the severity.\n",
    );
    for fault in Fault::ALL {
        let info = fault.info();
        let severity = match info.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let effect = match info.effect {
            Effect::Syntax => "syntax",
            Effect::Guide => "guide",
            Effect::Business => "business",
        };
        let (x12_at, edifact_at) = match info.level {
            Level::Interchange => ("TA105", "UCI 0085"),
            Level::Group => ("AK905", "UCF 0085"),
            Level::Document => ("AK502", "UCM 0085"),
            Level::Segment => ("AK304", "UCS 0085"),
            Level::Element => ("AK403", "UCD 0085"),
        };
        let mut answered = Vec::new();
        if !info.x12.is_empty() {
            answered.push(format!("{x12_at} `{}`", info.x12));
        }
        if !info.edifact.is_empty() {
            answered.push(format!("{edifact_at} `{}`", info.edifact));
        }
        let answered = if answered.is_empty() { "not acknowledged".to_owned() } else { answered.join(", ") };
        let _infallible = write!(
            text,
            "\n## {}\n{}: {severity}, {effect}. {answered}.\n\n{}\n**What to do:** {}\n",
            info.name, info.title, info.meaning, info.remedy
        );
    }
    text
}
