//! What is written is read the same again, or is refused: generated values, in dialects of all kinds. `SEED` chooses others.

use super::defined::{read, told};
use portolan::codec::{json, table};
use portolan::diagnostic::Diagnostic;
use portolan::standard::definition::Document;
use portolan::tree::{DocumentDraft, DraftSegment, InterchangeDraft, Style};

/// xorshift64*: small, seeded, good enough to choose values.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides.max(1)
    }

    pub(super) fn one<'o, T>(&mut self, of: &'o [T]) -> &'o T {
        &of[self.roll(of.len())]
    }
}

/// A way in which a file may be written.
struct Dialect {
    format: &'static str,
    lines: Vec<String>,
    delimiter: char,
    has_quotes: bool,
    cuts_blanks: bool,
    is_windows: bool,
    has_short_years: bool,
}

impl Dialect {
    fn of(dice: &mut Dice) -> Self {
        let format = *dice.one(&["csv", "csv", "csv", "fixed", "json"]);
        let delimiter = *dice.one(&[';', ',', '|', '\t']);
        let has_quotes = dice.roll(3) > 0;
        let decimal = if delimiter == ',' && !has_quotes { "." } else { *dice.one(&[".", ","]) };
        let (cuts_blanks, is_windows) = (dice.roll(3) == 0, format != "json" && dice.roll(3) == 0);
        let dates = *dice.one(&["YYYY-MM-DD", "DD.MM.YYYY YYYYMMDD", "MM/DD/YY"]);
        let sign = if delimiter == '\t' { "tab".to_owned() } else { delimiter.to_string() };
        let quote = *dice.one(&["\"", "'"]);
        let mut lines = vec![
            format!("format: {format}"),
            format!("decimal: {decimal:?}"),
            format!("dates: {dates}"),
            format!("delimiter: {sign:?}"),
            format!("quote: {:?}", if has_quotes { quote } else { "none" }),
            format!("line_end: {}", dice.one(&["lf", "crlf"])),
            format!("charset: {}", if is_windows { "windows-1252" } else { "utf-8" }),
        ];
        lines.extend(cuts_blanks.then(|| "blanks: cut".to_owned()));
        lines.extend((format == "csv" && dice.roll(3) == 0).then(|| "header: none".to_owned()));
        lines.extend((format == "fixed").then(|| "tag: 1 2".to_owned()));
        let has_short_years = dates == "MM/DD/YY";
        Dialect { format, lines, delimiter, has_quotes, cuts_blanks, is_windows, has_short_years }
    }

    fn definition(&self) -> String {
        let is_fixed = self.format == "fixed";
        let field = |(name, form): &(&str, &str)| match is_fixed {
            true => format!("      - {name} O {form} {WIDTH}\n"),
            false => format!("      - {name} O {form}\n"),
        };
        let fields: String = FIELDS.iter().map(field).collect();
        let own = |tag: &str| if is_fixed { format!("      - TAG{tag} R text 2 = $tag\n") } else { String::new() };
        let tag = |tag: &str| if is_fixed { format!("    tag: {tag}\n") } else { String::new() };
        let key = if self.format == "csv" { "    key: number\n" } else { "" };
        let lines = fields.replace("- ", "- l_");
        format!(
            "{}\nroot: Order\ncontent: order\nenvelope:\n  number: number\nrecords:\n  order:\n{}{key}    fields:\n{}{}{fields}    records:\n      - Line O >1 line\n  line:\n{}    fields:\n{}{}{lines}",
            self.lines.join("\n"),
            tag("OR"),
            own("O"),
            field(&("number", "text")),
            tag("LI"),
            own("L"),
            field(&("l_number", "integer")),
        )
    }

    /// What a text is in such a file, which may have no place for some of its blanks.
    fn meant(&self, form: &str, text: &str) -> String {
        match form {
            _ if text.trim().is_empty() => String::new(),
            "text" if self.cuts_blanks => text.trim().to_owned(),
            "text" if self.format == "fixed" => text.trim_end_matches(' ').to_owned(),
            _ => text.to_owned(),
        }
    }

    /// Whether the file has no place for a value.
    fn may_refuse(&self, form: &str, text: &str) -> bool {
        let is_control = |c: char| c.is_control() && !"\t\n\r".contains(c);
        let is_odd = |c: char| c == self.delimiter || "\r\n".contains(c);
        let is_long = text.chars().count() > WIDTH || text.contains(['\n', '\r']);
        text.contains(is_control)
            || (self.is_windows && text.contains('λ'))
            || (self.format == "csv" && !self.has_quotes && text.contains(is_odd))
            || (self.format == "fixed" && is_long)
            || (form == "date" && self.has_short_years && !text.starts_with("20"))
    }
}

const WIDTH: usize = 24;

const FIELDS: [(&str, &str); 7] = [
    ("name", "text"),
    ("note", "text"),
    ("price", "number"),
    ("count", "integer"),
    ("day", "date"),
    ("hour", "time"),
    ("flag", "boolean"),
];

/// A value as the tree has it.
fn value(form: &str, dice: &mut Dice) -> String {
    const LETTERS: [&str; 22] = [
        "a", "B", "0", "1", " ", " ", ";", ",", "|", "\t", "\"", "\"\"", "'", "\n", "\r\n", "\r", ".", "ü", "€", "λ",
        "\u{1D}", "\\",
    ];
    /// Of these, those that every file can hold; most values have no others.
    const PLAIN: usize = 6;
    if dice.roll(5) == 0 {
        return String::new();
    }
    let digits = |dice: &mut Dice, most: usize| -> String {
        (0..=dice.roll(most)).map(|_| char::from(b'0' + dice.roll(10) as u8)).collect()
    };
    match form {
        "number" if dice.roll(2) == 0 => format!("{}{}.{}", dice.one(&["", "-"]), digits(dice, 9), digits(dice, 5)),
        "number" | "integer" => format!("{}{}", dice.one(&["", "-"]), digits(dice, 12)),
        "date" => format!(
            "{}-{:02}-{:02}",
            dice.one(&["2026", "2001", "2000", "2099", "2026", "2012", "2024", "2031", "1999"]),
            1 + dice.roll(12),
            1 + dice.roll(28)
        ),
        "time" => format!("{:02}:{:02}:{:02}", dice.roll(24), dice.roll(60), dice.roll(60)),
        "boolean" => (*dice.one(&["true", "false", "1", "0"])).to_owned(),
        _ => {
            let letters = if dice.roll(6) == 0 { &LETTERS[..] } else { &LETTERS[..PLAIN] };
            (0..=dice.roll(8)).map(|_| *dice.one(letters)).collect()
        }
    }
}

/// A record's values, by form, as they are meant to be read, and whether one of them may be refused.
fn record(dialect: &Dialect, number: &str, dice: &mut Dice) -> (Vec<String>, Vec<String>, bool) {
    let written: Vec<String> = FIELDS.iter().map(|(_, form)| value(form, dice)).collect();
    let may_refuse = FIELDS.iter().zip(&written).any(|((_, form), text)| dialect.may_refuse(form, text));
    let meant = FIELDS.iter().zip(&written).map(|((_, form), text)| dialect.meant(form, text));
    let own = |values: Vec<String>| std::iter::once(number.to_owned()).chain(values).collect();
    (own(written.clone()), own(meant.collect()), may_refuse)
}

fn segment(tag: &str, depth: u16, values: &[String], first: u16) -> DraftSegment {
    let mut made = DraftSegment::new(tag.into());
    made.depth = depth;
    (first..).zip(values).for_each(|(element, text)| made.set(element, 1, text.as_str()));
    made
}

fn head() -> InterchangeDraft {
    InterchangeDraft {
        sender: Default::default(),
        receiver: Default::default(),
        control_number: "1".to_owned(),
        prepared: jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0),
        test: false,
        acknowledgment_requested: false,
        style: Style::x12(),
        technical: Vec::new(),
        groups: Vec::new(),
    }
}

fn write(definition: &Document, documents: &[DocumentDraft], format: &str) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let mut bytes = table::header(definition);
    for document in documents {
        bytes.extend(match format {
            "json" => json::document(definition, &head(), document)?,
            _ => table::document(definition, &head(), document)?,
        });
    }
    Ok(bytes)
}

#[test]
fn what_is_written_is_read_the_same_or_refused() {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_126);
    let (mut written, mut refused) = (0, 0);
    for round in 0..600_u64 {
        let mut dice = Dice((seed ^ round.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1);
        let dialect = Dialect::of(&mut dice);
        let made = told(&dialect.definition());
        let definition = made.library.is_told().expect("it is told").clone();
        // Element 1 is the record itself; of fixed width its type comes first.
        let first = if dialect.format == "fixed" { 3 } else { 2 };
        for _ in 0..10 {
            let (mut documents, mut meant, mut may_refuse) = (Vec::new(), Vec::new(), false);
            for number in ["A1", "A2"] {
                let mut document = DocumentDraft::default();
                let mut segments = Vec::new();
                for line in 0..=1 + dice.roll(3) {
                    let own = if line == 0 { number.to_owned() } else { line.to_string() };
                    let (values, read, is_odd) = record(&dialect, &own, &mut dice);
                    may_refuse |= is_odd;
                    let tag = if line == 0 { "Order" } else { "Line" };
                    document.segments.push(segment(tag, u16::from(line > 0), &values, first));
                    segments.push((tag, read));
                }
                documents.push(document);
                meant.push(segments);
            }
            let bytes = match write(&definition, &documents, dialect.format) {
                Ok(bytes) => bytes,
                Err(findings) => {
                    let found: Vec<String> = findings.iter().map(Diagnostic::message).collect();
                    assert!(may_refuse, "seed {seed} round {round}: {found:?}\n{}", dialect.definition());
                    refused += 1;
                    continue;
                }
            };
            written += 1;
            let found = read(&made.library, &bytes);
            let show =
                || format!("seed {seed} round {round}\n{}\n{}", dialect.definition(), String::from_utf8_lossy(&bytes));
            assert_eq!(found.len(), meant.len(), "{}", show());
            for (found, meant) in found.iter().zip(&meant) {
                assert!(found.codes().is_empty(), "{:?}\n{}", found.findings, show());
                let own = |segment: &Vec<String>| -> Vec<String> {
                    let mut values: Vec<String> = segment[usize::from(first) - 1..].to_vec();
                    values.resize(FIELDS.len() + 1, String::new());
                    values
                };
                let read: Vec<(&str, Vec<String>)> = found.segments.iter().map(|one| (&*one[0], own(one))).collect();
                assert_eq!(&read, meant, "{}", show());
            }
        }
    }
    assert!(written > 1000 && refused > 200, "{written} written, {refused} refused");
}

#[test]
fn err_what_would_be_read_as_one_is_not_written_as_two() {
    let made = told(
        "format: csv\nroot: Order\ncontent: order\nenvelope:\n  number: number\nrecords:\n  order:\n    key: number\n    fields:\n      - number R text\n    records:\n      - Line R >1 line\n  line:\n    key: line\n    fields:\n      - line R text\n    records:\n      - Part O >1 part\n  part:\n    fields:\n      - day O text\n",
    );
    let definition = made.library.is_told().expect("it is told").clone();
    let document = |lines: [&str; 2]| {
        let mut document = DocumentDraft::default();
        document.segments.push(segment("Order", 0, &["1".to_owned()], 2));
        for line in lines {
            document.segments.push(segment("Line", 1, &[line.to_owned()], 2));
            document.segments.push(segment("Part", 2, &["x".to_owned()], 2));
        }
        document
    };
    assert!(table::document(&definition, &head(), &document(["1", "2"])).is_ok());
    let found = table::document(&definition, &head(), &document(["1", "1"])).expect_err("two lines of one key");
    assert_eq!(found[0].code(), "CSV-KEY-AGAIN");

    // Two documents of one key in a file.
    let rules = portolan::engine::Rules::new(Some(made.folder.path()), None);
    let mut draft = head();
    let own =
        DocumentDraft { standard: "own".into(), version: "1".into(), kind: "Order".into(), ..document(["1", "2"]) };
    draft.groups.push(portolan::tree::GroupDraft { documents: vec![own.clone(), own], ..Default::default() });
    let found = portolan::engine::encode::encode(&rules, portolan::diagnostic::Syntax::Csv, &draft, None);
    assert_eq!(found.expect_err("two documents of one key")[0].code(), "CSV-KEY-AGAIN");
}

/// What is made is as wide as its field, however wide that may be.
#[test]
fn a_number_that_is_made_fills_its_field() {
    let made = told(
        "format: fixed\ntag: 1 1\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: H\n    fields:\n      - kind R text 1 = $tag\n      - number R number 70000 = $number\n",
    );
    let definition = made.library.is_told().expect("it is told");
    let document = DocumentDraft { segments: vec![segment("Order", 0, &[], 2)], ..DocumentDraft::default() };
    let written = write(definition, &[document], "fixed").expect("it has room");
    assert_eq!(String::from_utf8(written), Ok(format!("H{}1\n", "0".repeat(69_999))));
}

#[test]
fn documents_of_one_key_do_not_share_a_file() {
    let made = told(
        "format: csv\nroot: Order\ncontent: order\nrecords:\n  order:\n    key: number\n    fields:\n      - number R text\n",
    );
    let definition = made.library.is_told().expect("it is told");
    let document = |number: &str| DocumentDraft {
        segments: vec![segment("Order", 0, &[number.to_owned()], 2)],
        ..DocumentDraft::default()
    };
    let mut keys = table::Keys::default();
    let shared = ["1", "2", "1", "", "3"].map(|number| keys.share(definition, &document(number)));
    assert_eq!(shared, [true, true, false, false, true]);
    // Rows without a key are all of one document.
    let made =
        told("format: csv\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - number R text\n");
    let definition = made.library.is_told().expect("it is told");
    let mut keys = table::Keys::default();
    assert_eq!(["1", "1"].map(|number| keys.share(definition, &document(number))), [true, false]);
    let mut keys = table::Keys::default();
    let taken = ["1", "2"].map(|number| keys.take(definition, &head(), &document(number)).is_ok());
    assert_eq!(taken, [true, false]);
    // Records that have types tell where the next document begins.
    let made = told(
        "format: csv\ntag: 1\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: H\n    fields:\n      - number R text\n",
    );
    let definition = made.library.is_told().expect("it is told");
    let mut keys = table::Keys::default();
    assert_eq!(["1", "1"].map(|number| keys.share(definition, &document(number))), [true, true]);
}
