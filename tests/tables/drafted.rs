//! What is drafted from lines of fixed width: the draft loads, reads its own samples without a finding, and says what each
//! border rests on. Samples are a format of ours, the IDocs of the fixtures, and generated ones. `SEED` chooses others.

use super::defined::{read, told};
use super::written::Dice;
use portolan::codec::table::{InferError, infer};
use std::fs;
use std::path::Path;

/// Two orders of a warehouse: number with zeros in front, day, customer, name, currency; lines with item, words, quantity
/// and price pushed to the right, unit, amount; lots with a day that may be zeros; a trailer.
const ORDERS: &str = "\
0100004711202611204012345000009Markt & Mehr GmbH             EUR
020001LAMPE-7     Stehlampe                120        4.25PCE000012000
03A1        20280131000120
03B22       20280228000120
020002LAMPE-9     Tischlampe gross          12       31.50PCE000001200
09000002       132
0100004712202611214012345000016Lichthaus                     EUR
020001SCHIRM-12   Schirm rund                7        8.00PCE000000700
03C3        00000000000007
020002LAMPE-7     Stehlampe                  1        4.25PCE000000100
020003KABEL       Kabel 3m                  40        1.10PCE000004000
03D4        20290101000040
09000003        48
";

fn draft(samples: &[&str]) -> Result<String, InferError> {
    infer(["own", "1", "Order"], &samples.iter().map(|sample| sample.as_bytes().to_vec()).collect::<Vec<_>>())
}

/// The definition without the names that `told` writes itself, used on its samples.
fn findings(draft: &str, sample: &[u8]) -> Vec<String> {
    let heads = ["standard:", "version:", "type:", "name: Order"];
    let is_head = |line: &&str| !heads.iter().any(|head| line.starts_with(head));
    let own: String = draft.lines().filter(is_head).map(|line| format!("{line}\n")).collect();
    let made = told(&own);
    let documents = read(&made.library, sample);
    assert!(!documents.is_empty(), "no document was read");
    documents.iter().flat_map(|document| &document.findings).map(portolan::diagnostic::Diagnostic::message).collect()
}

#[test]
fn a_format_of_ours_is_drafted_and_read() {
    let draft = draft(&[ORDERS]).expect("a draft");
    for expected in [
        "charset: utf-8\ndates: YYYYMMDD\n# what the first 2 characters read, and in how many lines: 01 (2), 02 (5), 03 (4), 09 (2)\n",
        "tag: 1 2\nrecognise:\n  - \"1 01\"\n",
        "      - record_01 R 1 record_01\n      - record_02 R >1 record_02\n      - record_09 R 1 record_09\n",
        "    # by their order: each stood between two of this one\n    records:\n      - record_03 O >1 record_03\n",
        "      - at_3 R text 8\n",
        "a day in all 2 lines, which is little; in 2 of 2 rows, 2 values of 8 to 8 characters, such as \"20261120\"\n      - at_11 R date 8\n",
        "digits change to letters in all 2 lines, which is little",
        "      - at_32 R text 30\n",
        "zeros in front in 5 of 5: a number or an id, and several may follow\n      - at_3 R text 4\n",
        "3 blank columns before its values in all 5 lines; in 5 of 5 rows, 4 values of 8 to 16 characters, such as \"Stehlampe\", blanks behind\n      - at_19 R text 25\n",
        "\"120\", blanks in front: it may begin earlier\n      - at_44 R integer 3\n",
        "      - at_47 R number 12\n",
        "digits change to letters in all 5 lines; in 5 of 5 rows, 1 values of 3 to 3 characters, such as \"PCE\"\n      - at_59 R text 3\n",
        "      - at_3 R text 10\n",
        "      - at_13 O date 8\n",
    ] {
        assert!(draft.contains(expected), "no {expected} in\n{draft}");
    }
    assert_eq!(findings(&draft, ORDERS.as_bytes()), Vec::<String>::new());
}

#[test]
fn an_idoc_is_drafted_and_what_rests_on_little_is_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/idoc/dc40");
    let mut drafted = 0;
    for kind in ["ORDERS05", "INVOIC02", "SHPMNT05"] {
        for case in fs::read_dir(folder.join(kind)).expect("a folder") {
            let path = case.expect("a case").path().join("in.idoc");
            let sample = fs::read(&path).expect("an IDoc");
            let draft = infer(["own", "1", "Order"], std::slice::from_ref(&sample))
                .unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert_eq!(findings(&draft, &sample), Vec::<String>::new(), "{}\n{draft}", path.display());
            assert!(draft.contains("in the only line, which is little"), "{}", path.display());
            drafted += 1;
        }
    }
    assert!(drafted >= 9, "only {drafted} IDocs drafted");
    let sample = fs::read(folder.join("ORDERS05/plain/in.idoc")).expect("an IDoc");
    let draft = infer(["own", "1", "Order"], &[sample]).expect("a draft");
    for expected in [
        "tag: 1 10\n",
        "E2EDKA1003 (2)",
        "      - E2EDK03 R >1 E2EDK03\n",
        "      - E2EDP20001 O 1 E2EDP20001\n      - E2EDP19001 R >1 E2EDP19001\n",
        "    # its lines end after 109 to 409 characters: the last fields may be wider than what was seen\n",
    ] {
        assert!(draft.contains(expected), "no {expected} in\n{draft}");
    }
}

#[test]
fn lines_whose_types_no_blank_ends_are_told_apart_by_what_is_alike() {
    // One character tells the type, or three do: the next ones are data.
    for (types, width) in [(["H", "P", "E"], 1), (["HDR", "HPO", "TRL"], 3), (["10", "11", "99"], 2)] {
        let mut sample = String::new();
        for order in 1..=4 {
            sample += &format!("{}{:07}{:<20}\n", types[0], order * 7919, "Haus am Markt");
            for line in 1..=3 {
                sample += &format!("{}{:<12}{:06}\n", types[1], format!("LAMPE-{line}{order}"), line * 531);
            }
            sample += &format!("{}{:03}\n", types[2], 3);
        }
        let draft = draft(&[&sample]).expect("a draft");
        assert!(draft.contains(&format!("tag: 1 {width}\n")), "{types:?} in\n{draft}");
        assert_eq!(findings(&draft, sample.as_bytes()), Vec::<String>::new(), "{draft}");
    }
}

#[test]
fn records_stand_in_those_that_come_again_around_them() {
    // A second file is a document too.
    for (samples, expected, documents) in [
        (&["H 1\nA 1\nX 1\nA 2\nX 2\nB 9\nA 3\n", "H 2\nA 4\nA 5\n"][..], "      - X O 1 X\n      - B O 1 B\n", 2),
        // B stands before C wherever both are, though C was seen first.
        (&["H 1\nA 1\nC 1\nA 2\nB 1\nC 2\nA 3\n"], "      - B O 1 B\n      - C O 1 C\n", 1),
    ] {
        let draft = draft(samples).expect("a draft");
        assert!(draft.contains(&format!(": {documents} documents")) && draft.contains(expected), "{expected}{draft}");
        let told = samples.iter().flat_map(|sample| findings(&draft, sample.as_bytes()));
        assert_eq!(told.collect::<Vec<_>>(), Vec::<String>::new(), "{draft}");
    }
    // Y comes between two X, and behind a B, which is in A: what B ends, Y cannot be in, so that it stands beside X.
    let draft_of_ended = draft(&["H 1\nA 1\nX 1\nX 2\nY 1\nX 3\nA 2\nB 1\nY 2\nA 3\n"]).expect("a draft");
    assert!(draft_of_ended.contains("# Y came behind X and before it"), "{draft_of_ended}");
    let either = "H 1\nA 1\nX 1\nB 1\nA 2\nB 9\nX 2\nA 3\n";
    let draft = draft(&[either]).expect("a draft");
    let said = "# B came behind X and before it: where they come otherwise than here, it is told\n";
    assert!(draft.contains(said), "{draft}");
    assert_eq!(
        findings(&draft, either.as_bytes()),
        ["/Document/A[2]/X: record out of order: expected X before B, found X after it"]
    );
}

#[test]
fn a_table_with_an_uneven_row_is_a_table_still() {
    let rows: String = (1..20).map(|row| format!("A{row:03};20261120;LAMPE\n")).collect();
    let draft = draft(&[&format!("{rows}A020;20261120;LAMPE;more\n")]).expect("a draft");
    assert!(draft.contains("format: csv\n"), "{draft}");
    // In lines of fixed width a delimiter stands by chance.
    let draft =
        infer(["own", "1", "Order"], &[ORDERS.replace("Mehr GmbH", "Mehr;GmbH").into_bytes()]).expect("a draft");
    assert!(draft.contains("format: fixed\n"), "{draft}");
}

#[test]
fn err_lines_that_say_no_type_are_not_drafted() {
    let line =
        |row: usize| format!("{}{:<20}{:>8}\n", char::from(b'A' + u8::try_from(row).expect("a letter")), "x", row);
    let sample: String = (0..20).map(line).collect();
    let error = draft(&[&sample]).expect_err("no draft");
    assert_eq!(error, InferError::NoTypes { lines: 20, values: 20, most: 15 });
    assert_eq!(
        error.to_string(),
        "expected lines of fixed width that begin with the type of their record, 15 types at most in 20 lines; found 20 values \
         of their first character alone. Give samples of several documents, or write the definition by hand (docs/FORMATS.md)"
    );
    for sample in ["", "\n \n", "one\ntwo\n"] {
        assert_eq!(draft(&[sample]), Err(InferError::NoTable), "{sample:?}");
    }
}

/// A generated type of record: its tag and its fields, as (kind, width).
fn fields(dice: &mut Dice) -> Vec<(usize, usize)> {
    (0..1 + dice.roll(5)).map(|_| (dice.roll(6), 1 + dice.roll(12))).collect()
}

fn value(dice: &mut Dice, (kind, width): (usize, usize)) -> String {
    let number = dice.roll(100_000).to_string();
    let number = &number[..number.len().min(width)];
    match kind {
        0 => format!("{number:0>width$}"),
        1 => format!("{number:>width$}"),
        2 => format!("2026{:02}{:02}", 1 + dice.roll(12), 1 + dice.roll(28)),
        3 => " ".repeat(width),
        4 => format!(
            "{:<width$}",
            dice.one(&["LAMPE", "A 7", "Größe", "b-12", ""]).chars().take(width).collect::<String>()
        ),
        _ => format!("{:>width$}", format!("-{number}.5").chars().take(width).collect::<String>()),
    }
}

#[test]
fn drafts_of_generated_files_read_them() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut dice = Dice(seed);
    let (mut drafted, mut without_order) = (0, 0);
    for round in 0..300 {
        let tags = *dice.one(&[["H", "L", "M", "T"], ["HEAD", "LINE", "MORE", "TAIL"], ["01", "02", "03", "99"]]);
        let blank = *dice.one(&["", " ", "   "]);
        let kinds: Vec<Vec<(usize, usize)>> = (0..4).map(|_| fields(&mut dice)).collect();
        let mut sample = String::new();
        let mut write = |dice: &mut Dice, at: usize| {
            let values: String = kinds[at].iter().map(|field| value(dice, *field)).collect();
            sample += &format!("{}{blank}{values}", tags[at]);
            sample.truncate(sample.trim_end_matches(' ').len());
            sample.push('\n');
        };
        for _ in 0..1 + dice.roll(4) {
            write(&mut dice, 0);
            for _ in 0..dice.roll(4) {
                write(&mut dice, 1);
                for at in [2, 2, 3] {
                    if dice.roll(2) == 0 {
                        write(&mut dice, at);
                    }
                }
            }
        }
        let Ok(draft) = draft(&[&sample]) else { continue };
        if !draft.contains("format: fixed\n") {
            continue;
        }
        let told = findings(&draft, sample.as_bytes());
        if draft.contains("where they come otherwise than here, it is told") {
            assert!(told.iter().all(|told| told.contains("out of order")), "seed {seed}: {told:?}\n{draft}");
            without_order += 1;
            continue;
        }
        assert_eq!(told, Vec::<String>::new(), "seed {seed}, round {round}:\n{sample}\n{draft}");
        drafted += 1;
    }
    assert!(without_order < 10, "{without_order} drafts found no order");
    assert!(drafted > 200, "only {drafted} of 300 files were drafted");
}

/// What stands between thousands is told by a number that is one with it only; without it prices were texts.
#[test]
fn signs_between_thousands_are_drafted() {
    for (decimal, sign, row) in
        [(",", ".", "1.234,50"), (",", " ", "1 234,50"), (".", ",", "1,234.50"), (".", "'", "1'234.50")]
    {
        let plain = format!("0{decimal}50");
        let sample = format!(
            "number;day;item;price\n1;31.01.2026;A-7;{row}\n1;31.01.2026;B-7;{plain}\n2;01.02.2026;A-7;{plain}\n"
        );
        let draft = draft(&[&sample]).expect("a draft");
        let said = format!("decimal: \"{decimal}\"\n# as in \"{row}\"\nthousands: \"{sign}\"\n");
        assert!(draft.contains(&said) && draft.contains("- price R number\n"), "{draft}");
        assert_eq!(findings(&draft, sample.as_bytes()), Vec::<String>::new(), "{draft}");
    }
    let plain = draft(&["number;day;price\n1;31.01.2026;1,5\n2;01.02.2026;0,5\n"]).expect("a draft");
    assert!(!plain.contains("thousands"), "{plain}");
}
