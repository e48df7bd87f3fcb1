//! Limits hold, and what is long takes as long as it is long: inputs that would take minutes if it grew with the square.

use super::defined::{codes, defined, read, told};
use portolan::codec::segment::{Limits, Reader};
use portolan::codec::table::{LINE_BYTES_MAX, infer};

/// Seconds of a processor that none of these takes; with the square of its length each takes more.
const ENOUGH: f64 = 40.0;

/// Ticks of the kernel's count in a second.
const TICKS: f64 = 100.0;

const LONG: usize = 64 << 20;

fn table(more: &str) -> String {
    format!(
        "format: csv\ndelimiter: ;\n{more}root: Order\ncontent: order\nenvelope:\n  number: number\nrecords:\n  order:\n    key: number\n    fields:\n      - number R text\n    records:\n      - Line O >1 line\n  line:\n    fields:\n      - item O text\n"
    )
}

/// Seconds of a processor that this thread has had, whatever else the machine does.
fn seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux says so");
    let behind = stat.rsplit_once(") ").expect("the name of the thread").1;
    let ticks = behind.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / TICKS
}

fn is_quick<T>(what: &str, done: impl FnOnce() -> T) -> T {
    let begun = seconds();
    let made = done();
    let taken = seconds() - begun;
    assert!(taken < ENOUGH, "{what} took {taken} seconds");
    made
}

#[test]
fn err_a_line_over_its_limit_is_told_and_not_read() {
    let made = told(&table(""));
    let row = |bytes: usize| format!("number;item\n1;{}\n2;b\n", "x".repeat(bytes - 2));
    assert!(codes(&made.library, row(LINE_BYTES_MAX).as_bytes())[0].is_empty());
    let found = read(&made.library, row(LINE_BYTES_MAX + 1).as_bytes());
    // Its key is not known: it breaks the document that it may be of.
    assert!(found[0].codes().contains(&"CSV-LINE-TOO-LONG".to_owned()), "{:?}", found[0].codes());
    let found = codes(&made.library, format!("number;item\n0;a\n{}", &row(LINE_BYTES_MAX + 1)[12..]).as_bytes());
    assert_eq!(found, [vec!["CSV-LINE-TOO-LONG".to_owned()], vec![]]);
    let titles = format!("{};item\n1;a\n", "x".repeat(LINE_BYTES_MAX));
    let report = super::defined::reports(&made.library, titles.as_bytes()).remove(0);
    assert!(report.faults.iter().any(|fault| fault.code() == "CSV-LINE-TOO-LONG"), "{:?}", report.faults);
    // Titles over 64 KiB are read as they are.
    let wide = format!("number;item;{}\n1;a;\n", "x".repeat(100_000));
    let made = defined(&[("own/1/Order", &table("recognise: header\n"))]);
    assert!(codes(&made.library, wide.as_bytes())[0].is_empty());
}

#[test]
fn a_long_line_is_gone_through_once() {
    for more in ["", "quote: none\n"] {
        let made = told(&table(more));
        let text = format!("number;item\n1;a\n1;{}\n2;b\n", "x".repeat(LONG));
        let found = is_quick("a long line", || codes(&made.library, text.as_bytes()));
        assert_eq!(found, [vec!["CSV-LINE-TOO-LONG".to_owned()], vec![]]);
    }
}

#[test]
fn a_run_of_blanks_is_gone_through_once() {
    let made = told(&table(""));
    let text = format!("number;item\n{}1;a\n", format!("{}\n", " ".repeat(100_000)).repeat(LONG / 100_000));
    let found = is_quick("a run of blanks", || codes(&made.library, text.as_bytes()));
    assert_eq!(found, [Vec::<String>::new()]);
}

#[test]
fn rows_of_one_document_are_gone_through_once() {
    let made = told(
        "format: csv\ndelimiter: ;\nroot: Order\ncontent: order\nrecords:\n  order:\n    key: number\n    fields:\n      - number R text\n    records:\n      - Line O >1 line\n  line:\n    key: line\n    fields:\n      - line R text\n    records:\n      - Part O >1 part\n  part:\n    fields:\n      - day O text\n",
    );
    let rows: String = (0..60_000).map(|line| format!("1;{line};a\n1;{line};b\n")).collect();
    let found = is_quick("many rows", || read(&made.library, format!("number;line;day\n{rows}").as_bytes()));
    assert_eq!((found.len(), found[0].segments.len(), found[0].codes().len()), (1, 180_001, 0));
}

#[test]
fn members_of_one_object_are_gone_through_once() {
    let made =
        told("format: json\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - number R text\n");
    let members: String = (0..100_000).map(|number| format!(",\"{number}\":{number}")).collect();
    let text = format!("{{\"number\":\"1\"{members}}}");
    let found = is_quick("many members", || read(&made.library, text.as_bytes()));
    assert_eq!(found[0].codes().len(), 100_000);
    // Texts that are long, and values that are deep in one another.
    let deep =
        format!("{{\"number\":\"{}\",\"x\":{}{}}}", "y".repeat(8 << 20), "[".repeat(1 << 20), "]".repeat(1 << 20));
    let found = is_quick("a long and deep document", || read(&made.library, deep.as_bytes()));
    assert_eq!(found[0].codes(), ["JSON-MALFORMED"]);
}

#[test]
fn broken_documents_of_json_are_gone_through_once() {
    let made =
        told("format: json\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - number R text\n");
    let found = is_quick("many broken documents", || codes(&made.library, "{\"a\":[\n".repeat(20_000).as_bytes()));
    assert_eq!(found.len(), 20_000);
}

#[test]
fn a_draft_of_a_wide_table_is_made_in_time() {
    let line = |cell: &dyn Fn(usize) -> String| format!("{}\n", (0..3000).map(cell).collect::<Vec<_>>().join(";"));
    let rows: String = (0..200).map(|row| line(&|column| format!("{}", row / 2 + column))).collect();
    let sample = line(&|_| "title".to_owned()).replacen("title", "key", 1) + &rows;
    // Titles that are alike are no titles: each column gets a name of its own.
    let draft = is_quick("a wide table", || infer(["own", "1", "Order"], &[sample.into_bytes()])).expect("a draft");
    assert!(draft.contains("column_3000"));
    let titles = format!("a{}", line(&|column| format!("t{}", "-".repeat(column % 7) + &column.to_string())));
    let draft = is_quick("titles", || infer(["own", "1", "Order"], &[(titles + &rows).into_bytes()])).expect("a draft");
    assert!(draft.contains("header"));
}

#[test]
fn a_draft_of_long_lines_is_made_in_time() {
    // Digits, half of them zeros in all lines; and lines of one type after another, which are nested.
    let lines: String = (0..8).map(|row| format!("L {}\n", format!("{row}00").repeat(300_000))).collect();
    let draft = is_quick("long lines", || infer(["own", "1", "Order"], &[lines.into_bytes()])).expect("a draft");
    assert!(draft.contains("format: fixed"));
    let lines: String = (0..90_000).map(|row| format!("T{:02} {row}\n", row * 7 % 60)).collect();
    let draft = is_quick("many types", || infer(["own", "1", "Order"], &[lines.into_bytes()])).expect("a draft");
    assert!(draft.contains("T59 (1500)"));
}

/// Blanks stand behind the last document or in it; what is read of a file is held until it ends or a document does.
#[test]
fn err_more_blanks_than_the_limit_are_refused_with_their_place() {
    let made = told(&table(""));
    let end = |text: String, blank_bytes_max: usize| -> Result<usize, String> {
        let limits = Limits { blank_bytes_max, ..Limits::default() };
        let mut reader = Reader::new(text.as_bytes(), limits).knowing(&made.library);
        let mut pieces = 0;
        loop {
            match reader.next() {
                Ok(Some(_)) => pieces += 1,
                Ok(None) => return Ok(pieces),
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    let head = "number;item\n1;a\n";
    for behind in ["", "2;b\n"] {
        let text = |blanks: usize| format!("{head}{}{behind}", ";\n".repeat(blanks / 2));
        assert!(end(text(1000), 1000).is_ok(), "{behind:?}");
        let refused = "more than 1000 bytes of blank lines behind byte 12; take them out of the file";
        assert_eq!(end(text(1002), 1000), Err(refused.to_owned()), "{behind:?}");
    }
}
