//! A value that is read is what stands there, or is refused.

use super::defined::{read, refused, told};

const TABLE: &str = "format: csv\ndelimiter: ;\ndecimal: \",\"\ndates: DD.MM.YYYY\nroot: Order\ncontent: order\nenvelope:\n  number: number\n";

fn table(more: &str, form: &str) -> String {
    format!("{TABLE}{more}records:\n  order:\n    fields:\n      - number R text\n      - value O {form}\n")
}

/// What a table reads of one cell, or the code of why not.
fn cell(definition: &str, written: &[u8]) -> Result<String, String> {
    let made = told(definition);
    let bytes = [b"number;value\n1;", written, b"\n"].concat();
    let mut found = read(&made.library, &bytes);
    assert_eq!(found.len(), 1, "one document");
    let read = found.remove(0);
    match read.codes().first() {
        Some(code) => Err(code.clone()),
        None => Ok(read.segments[0].get(2).cloned().unwrap_or_default()),
    }
}

#[test]
fn a_cell_is_read_as_it_is_declared_or_refused() {
    const FORM: Result<&str, &str> = Err("CSV-VALUE-FORM");
    for (form, written, expected) in [
        ("number", "1,50", Ok("1.50")),
        ("number", "1.50", FORM),
        ("number", "1.234", FORM),
        ("number", "1.234,50", FORM),
        ("number", "+-5", FORM),
        ("number", "5,", FORM),
        ("number", "007,10", Ok("007.10")),
        ("number", "12345678901234567890123,1", Ok("12345678901234567890123.1")),
        ("number", "1e3", FORM),
        ("integer", "1,0", FORM),
        ("date", "31.01.2026", Ok("2026-01-31")),
        ("date", "2026-01-31", FORM),
        ("date", "31.01.26", FORM),
        ("date", "1.2.2026", FORM),
        ("time", "09:30", Ok("09:30:00")),
        ("time", "0:930", FORM),
        ("time", "09300:0", FORM),
        ("boolean", "ja", FORM),
        ("text", " a ", Ok(" a ")),
        ("text", "\" a \"", Ok(" a ")),
        ("text", "   ", Ok("")),
        ("text", "\"a\r\nb\"", Ok("a\r\nb")),
        ("text", "a\u{1}b", FORM),
        ("text", "a\u{80}b", FORM),
        ("code", " EA ", Ok("EA")),
    ] {
        let found = cell(&table("", form), written.as_bytes());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{form} {written:?}");
    }
    assert_eq!(cell(&table("blanks: cut\n", "text"), b" a "), Ok("a".to_owned()));
}

#[test]
fn bytes_of_another_character_set_are_told() {
    let windows = table("charset: windows-1252\n", "text");
    assert_eq!(cell(&windows, b"M\xFCller \x80"), Ok("Müller €".to_owned()));
    // What is plainly UTF-8 is read as such, as in EDIFACT, and told.
    assert_eq!(cell(&windows, "Müller".as_bytes()), Err("CSV-CHARACTER-ENCODING".to_owned()));
    let made = told(&windows);
    assert_eq!(read(&made.library, "number;value\n1;Müller\n".as_bytes())[0].segments[0][2], "Müller");
    // ISO 8859-7 has no character for 0xAE.
    assert_eq!(cell(&table("charset: iso-8859-7\n", "text"), b"\xAEx"), Err("CSV-VALUE-FORM".to_owned()));
    let wide: Vec<u8> = "number;value\n1;x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let made = told(&table("", "text"));
    let report = super::defined::reports(&made.library, &[b"\xFF\xFE", &wide[..]].concat()).remove(0);
    let told: Vec<String> = report.faults.iter().map(|fault| fault.message()).collect();
    assert!(told.iter().any(|text| text.contains("UTF-16")), "{told:?}");
}

#[test]
fn a_member_of_json_is_what_stands_there_or_refused() {
    const FORM: Result<&str, &str> = Err("JSON-VALUE-FORM");
    let definition = |form: &str| {
        format!(
            "format: json\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - number O text\n      - value O {form} = of/value\n"
        )
    };
    for (form, written, expected) in [
        ("number", "1.10", Ok("1.10")),
        ("number", "1e3", FORM),
        ("number", "12345678901234567890123.10", Ok("12345678901234567890123.10")),
        ("number", "\"1.10\"", Ok("1.10")),
        ("number", "true", FORM),
        ("text", "4711", Ok("4711")),
        ("text", "1.10", Ok("1.10")),
        ("text", "true", FORM),
        ("text", "false", FORM),
        ("text", "{}", FORM),
        ("text", "[\"a\"]", FORM),
        ("text", "null", Ok("")),
        ("text", "\" a\\u0041 \"", Ok(" aA ")),
        ("text", "\"a\\u0001b\"", FORM),
        ("text", "\"a\\u001db\"", FORM),
        ("text", "\"\\ud800\"", Err("JSON-MALFORMED")),
        ("text", "\"\\ud83d\\ude00\"", Ok("😀")),
        ("boolean", "true", Ok("true")),
        ("code", "true", FORM),
        ("date", "20260131", FORM),
    ] {
        let made = told(&definition(form));
        let found = read(&made.library, format!("{{\"number\":\"1\",\"of\":{{\"value\":{written}}}}}").as_bytes());
        let read = match found[0].codes().first() {
            Some(code) => Err(code.clone()),
            None => Ok(found[0].segments[0].get(2).cloned().unwrap_or_default()),
        };
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{form} {written}");
    }
    // What should be an object on the way to a value, and is none.
    let made = told(&definition("text"));
    for (text, expected) in [
        ("{\"number\":\"1\",\"of\":\"x\"}", &["JSON-VALUE-FORM"][..]),
        ("{\"number\":\"1\",\"of\":[{\"value\":\"x\"}]}", &["JSON-VALUE-FORM"]),
        ("{\"number\":\"1\",\"of\":null}", &[]),
        ("{\"number\":\"1\",\"number\":\"2\"}", &["JSON-MEMBER-TWICE"]),
        ("{\"of\":{\"value\":\"1\",\"value\":\"2\"}}", &["JSON-MEMBER-TWICE"]),
    ] {
        assert_eq!(read(&made.library, text.as_bytes())[0].codes(), expected, "{text}");
    }
}

#[test]
fn places_of_json_in_another_character_set_are_those_of_its_bytes() {
    let made = told(
        "format: json\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - name O text\n      - day O date\n",
    );
    let found = read(&made.library, b"{\"name\":\"M\xFC\xFC\",\n\"day\":\"x\"}");
    let wrong = found[0].findings.iter().find(|one| one.code() == "JSON-VALUE-FORM").expect("a day");
    assert_eq!((wrong.offset, wrong.length, wrong.line), (21, 3, 2));
}

#[test]
fn keys_that_change_back_and_forth_are_told_at_every_level() {
    let made = told(
        "format: csv\ndelimiter: ;\nroot: Order\ncontent: order\nrecords:\n  order:\n    key: number\n    fields:\n      - number R text\n    records:\n      - Line R >1 line\n  line:\n    key: line\n    fields:\n      - line R text\n      - item O text\n    records:\n      - Part O >1 part\n  part:\n    fields:\n      - day O text\n",
    );
    let codes = |rows: &str| read(&made.library, format!("number;line;item;day\n{rows}").as_bytes())[0].codes();
    let none: [&str; 0] = [];
    assert_eq!(codes("1;1;a;x\n1;1;a;y\n1;2;b;x\n"), none);
    assert_eq!(codes("1;1;a;x\n1;2;b;x\n1;1;a;y\n"), ["CSV-KEY-AGAIN"]);
    // The same line in another order is another line.
    assert_eq!(read(&made.library, b"number;line;item;day\n1;1;a;x\n2;1;a;x\n")[1].codes(), none);
    // A part whose line is not said is nobody's.
    assert_eq!(codes("1;1;a;x\n1;;;y\n"), ["CSV-RECORD-MISPLACED"]);
    assert_eq!(codes("1;;;y\n"), ["CSV-RECORD-MISPLACED", "CSV-RECORD-MISSING"]);
}

#[test]
fn err_a_definition_that_would_lose_or_mistake_values_is_refused() {
    let table = |more: &str, fields: &str| {
        format!("format: csv\n{more}root: Order\ncontent: order\nrecords:\n  order:\n    fields:\n{fields}")
    };
    let two = "      - a O text\n      - b O text\n";
    let json =
        |fields: &str| format!("format: json\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n{fields}");
    let tagged = |tag: &str, fields: &str| {
        table(&format!("tag: {tag}\n"), fields).replace("    fields", "    tag: H\n    fields")
    };
    let fixed = |tag: &str, form: &str| {
        format!(
            "format: fixed\ntag: {tag}\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: AB\n    fields:\n      - a O {form}\n      - b O text 3\n"
        )
    };
    for (definition, said) in [
        (table("delimitter: ;\n", two), "delimitter: expected a key that is known; did you mean delimiter?"),
        (table("line_end: cr\n", two), "line_end: expected crlf or lf, found cr"),
        (table("header: no\n", two), "header: expected none"),
        (table("columns: a b\n", two), "columns: expected a list of texts"),
        (table("columns: [a, b, c]\n", two), "columns: expected titles that a field has"),
        (table("columns: [a]\n", two), "columns: expected b, which a field has"),
        (table("columns: [a, b, a]\n", two), "columns: expected each title once"),
        (table("", "      - a O text\n      - b O text = a\n"), "order: expected a column of its own, and not that of a"),
        (table("header: none\n", "      - a O text = 2\n      - b O text = 2\n"), "order: expected a column of its own"),
        (
            table("tag: 1\n", "      - a O text = 3\n      - b O text = 3\n").replace("    fields", "    tag: H\n    fields"),
            "order: expected a column of its own",
        ),
        (table("decimal: none\n", two), "decimal: expected a sign"),
        (table("decimal: \",\"\nthousands: \",\"\n", two), "thousands: expected a sign"),
        (table("quote: \";\"\ndelimiter: ;\n", two), "quote: expected a sign other than the delimiter"),
        (table("quote: none\ndecimal: \",\"\n", two), "delimiter: expected a sign that stands in no number"),
        (table("quote: none\n", "      - a O text = a,b\n"), "order: expected a title"),
        (table("dates: DD.MM.YYYY MM.DD.YYYY\n", two), "dates: expected forms of days none of which could be another"),
        (table("dates: DD-MMM-YYYY\n", two), "dates: expected forms"),
        (table("charset: utf-16le\n", two), "charset: expected utf-8, or a character set that has one byte"),
        (table("charset: shift_jis\n", two), "charset: expected utf-8, or a character set that has one byte"),
        (table("recognise: /order\n", two), "recognise: expected header of a table"),
        (table("header: none\nrecognise: header\n", two), "recognise: expected header of a table"),
        (table("envelope:\n  sender: byer\n", two), "envelope.sender: expected a field"),
        (table("", "      - a O text 9..3\n"), "order: expected NAME USAGE FORM"),
        (json("      - a O text = x\n      - b O text = x/y\n"), "order: expected a member that is neither x nor stands in it"),
        (json("      - a O text = x\n      - b O text = x\n"), "order: expected a member that is neither x nor stands in it"),
        (
            "format: csv\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - a O text\n    records:\n      - B O 1 b\n      - C O 1 c\n  b:\n    fields:\n      - x O text\n  c:\n    fields:\n      - y O text\n".to_owned(),
            "order: expected one record in each",
        ),
        (
            "format: fixed\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - a O text 2\n".to_owned(),
            "tag: expected POSITION WIDTH",
        ),
        (
            "format: csv\ntag: 1\nroot: Order\ncontent: order\nrecords:\n  order:\n    records:\n      - Line O >1 line\n  line:\n    tag: L\n    fields:\n      - a O text\n".to_owned(),
            "order: expected R 1 of its first record",
        ),
        (
            "format: csv\ntag: 1\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: H\n    records:\n      - Line O >1 line\n  line:\n    fields:\n      - a O text\n".to_owned(),
            "line: expected a type of record (tag)",
        ),
        (
            "format: fixed\ntag: 1 2\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: AB\n    fields:\n      - a O text 2 = ABC\n".to_owned(),
            "order: expected NAME USAGE FORM",
        ),
        // What a definition says is held to the limits of what is read by it.
        (tagged("1", "      - far O text 1..5 = 99999999999\n"), "order: expected one of the first 4096 columns"),
        (tagged("1", "      - far O text = 18446744073709551615\n      - b O text\n"), "order: expected "),
        (tagged("1", "      - far O text = 4097\n"), "order: expected one of the first 4096 columns"),
        (tagged("4097", two), "tag: expected one of the first 4096 columns"),
        (table("header: none\n", "      - a O text = 18446744073709551615\n      - b O text\n"), "order: expected one of"),
        (table("header: none\nrecognise: 1048577 H\n", two), "recognise: expected a place in the first 1048576 characters"),
        (fixed("1 2", "text 18446744073709551610"), "order: expected a place in the first 1048576 characters"),
        (fixed("1 2", "text 18446744073709551615"), "order: expected NAME USAGE FORM"),
        (fixed("1 2", "text 1048574"), "order: expected a place in the first 1048576 characters"),
        (fixed("1 1048577", "text 2"), "tag: expected a place in the first 1048576 characters"),
        (fixed("18446744073709551615 2", "text 2"), "tag: expected a place in the first 1048576 characters"),
        (fixed("1 2\nlead: [a R text 1048577]", "text 2"), "lead: expected a place in the first 1048576 characters"),
        (fixed("1 2\nlead: [a R text 1048573]", "text 2"), "order: expected a place in the first 1048576 characters"),
    ] {
        let told = refused(&definition);
        assert!(told.contains(said), "{told}\nof\n{definition}");
    }
}

/// What a definition may say at most is read and written.
#[test]
fn the_last_column_and_the_last_character_of_a_line_may_be_named() {
    let last = told(
        "format: csv\nheader: none\ntag: 1\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: H\n    fields:\n      - a O text = 4096\n",
    );
    let found = read(&last.library, format!("H{}x\n", ",".repeat(4095)).as_bytes());
    assert_eq!(found[0].segments, [["Order", "x"]]);
    let last = told(
        "format: fixed\ntag: 1 1\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: H\n    fields:\n      - h R text 1\n      - a O text 1048574\n      - b O text 1\n",
    );
    let found = read(&last.library, format!("H{}x\n", " ".repeat(1_048_574)).as_bytes());
    assert_eq!((found[0].segments[0].last().map(String::as_str), found[0].codes().len()), (Some("x"), 0));
}
