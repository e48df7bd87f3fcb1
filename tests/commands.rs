//! The command line's contract (DESIGN section 6), run as scripts run it: exit codes, shapes of `--json`, standard input,
//! and the way from a file to its decoded form, its entity, another standard, and back.

use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const PLAIN: &str = "fixtures/x12/004010/850/plain/in.edi";
const WRONG: &str = "fixtures/x12/004010/850/wrong/in.edi";

struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn portolan(line: &[&str], stdin: &[u8]) -> Done {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(line)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = stdin.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that does not read its input may end first.
        let _ = pipe.write_all(&input);
    });
    let output = child.wait_with_output().expect("an end");
    writer.join().expect("written");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn json(line: &[&str], stdin: &[u8]) -> Value {
    let done = portolan(line, stdin);
    serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{line:?}: {error}: {}{}", done.out, done.err))
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file")
}

#[test]
fn exit_codes_tell_what_happened() {
    for (line, code) in [
        (&["validate", PLAIN][..], 0),
        (&["validate", WRONG], 3),
        (&["validate", "README.md"], 3),
        (&["identify", "README.md"], 3),
        (&["validate", "no/such/file"], 1),
        (&["validate"], 2),
        (&["no-such-command"], 2),
        (&["--help"], 0),
        (&["decode", WRONG], 0),
        (&["ack", WRONG], 0),
        (&["translate", WRONG, "--to", "entity"], 3),
        (&["translate", PLAIN, "--to", "x12/004010/997"], 2),
        (&["standards", "show", "x12/004010/NOPE"], 4),
        (&["status", "--data", "/no/such/folder"], 7),
    ] {
        let done = portolan(line, b"");
        assert_eq!(done.code, Some(code), "{line:?}: {}{}", done.out, done.err);
    }
}

#[test]
fn decoded_json_goes_back_to_the_bytes_through_pipes() {
    let bytes = file(PLAIN);
    let decoded = portolan(&["decode", "-", "--json"], &bytes);
    let value: Value = serde_json::from_str(&decoded.out).expect("JSON");
    assert_eq!(value["format"], "x12");
    assert!(value["interchanges"][0]["groups"][0]["documents"][0].is_object());
    let encoded = portolan(&["encode", "-"], decoded.out.as_bytes());
    assert_eq!((encoded.code, encoded.out.into_bytes()), (Some(0), bytes));
}

#[test]
fn encode_says_what_was_written_before_a_fault() {
    let decoded = portolan(&["decode", PLAIN], b"").out;
    let broken = decoded.replacen("\"tag\": \"BEG\"", "\"tag\": 1", 1);
    let done = portolan(&["encode", "-"], broken.as_bytes());
    let before = String::from_utf8(file(PLAIN)).expect("ASCII");
    let before = &before[..before.find("BEG").expect("it has one")];
    assert_eq!((done.code, done.out.as_str()), (Some(3), before.trim_end()));
    let place = "/interchanges/0/groups/0/documents/0/segments/1/tag";
    let said =
        format!("-: {place}: expected a string, found 1\n-: the {} bytes before it were written\n", done.out.len());
    assert_eq!(done.err, said);
    let cut = portolan(&["encode", "-"], &decoded.as_bytes()[..decoded.len() / 2]);
    assert_eq!(cut.code, Some(3), "{}", cut.err);
    assert!(!cut.out.is_empty() && cut.err.contains("not JSON"), "{}", cut.err);
}

#[test]
fn validate_lists_every_key() {
    let items = json(&["validate", WRONG, "--json"], b"");
    let item = &items[0];
    for key in ["interchange", "group", "document", "standard", "version", "type", "control_number", "valid", "report"]
    {
        assert!(item.get(key).is_some(), "{key} in {item:#}");
    }
    let finding = &item["report"][0];
    for key in
        ["code", "severity", "message", "place", "position", "expected", "found", "remedy", "offset", "length", "line"]
    {
        assert!(finding.get(key).is_some(), "{key} in {finding:#}");
    }
    let (offset, length) = (finding["offset"].as_u64().expect("a number"), finding["length"].as_u64().expect("one"));
    assert!(offset + length <= file(WRONG).len() as u64);
    let none = json(&["validate", "README.md", "--json"], b"");
    assert_eq!((none[0]["valid"].as_bool(), none[0]["document"].is_null()), (Some(false), true), "{none:#}");
}

#[test]
fn from_x12_to_the_entity_to_edifact_and_back() {
    let entity = portolan(&["translate", PLAIN, "--to", "entity", "--json"], b"");
    let value: Value = serde_json::from_str(&entity.out).expect("JSON");
    assert_eq!(value["entity"]["type"], "order");
    assert!(value["entity"]["lines"].as_array().is_some_and(|lines| !lines.is_empty()));
    let now = ["--now", "2026-11-24T10:00:00Z", "--control", "7"];
    let direct = portolan(&[&["translate", PLAIN, "--to", "EDIFACT/D96A/orders"][..], &now].concat(), b"");
    assert!(direct.out.contains("UNH+1+ORDERS:D:96A:UN'"), "{}{}", direct.out, direct.err);
    let valid = portolan(&["validate", "-"], direct.out.as_bytes());
    assert_eq!(valid.code, Some(0), "what we write is valid: {}", valid.out);
    let parties = ["--sender", "ZZ:NORTH", "--receiver", "14:4012345000030"];
    let line = [&["encode", "-", "--to", "edifact/d96a/ORDERS"][..], &now, &parties].concat();
    let encoded = portolan(&line, entity.out.as_bytes());
    assert_eq!(encoded.code, Some(0), "{}", encoded.err);
    let body = |text: &str| text.lines().filter(|line| !line.starts_with("UN")).collect::<Vec<_>>().join("\n");
    assert_eq!(body(&encoded.out), body(&direct.out), "by way of the entity it is the same document");
    let back = portolan(&["translate", "-", "--to", "entity", "--json"], direct.out.as_bytes());
    let back: Value = serde_json::from_str(&back.out).expect("JSON");
    assert_eq!(back["entity"]["number"], value["entity"]["number"]);
}

#[test]
fn standards_are_listed_and_shown() {
    let list = json(&["standards", "list", "--json"], b"");
    let rows = list.as_array().expect("rows");
    assert!(rows.iter().any(|row| row["standard"] == "x12" && row["version"] == "004010" && row["type"] == "850"));
    let segment = portolan(&["standards", "show", "x12/004010/BEG"], b"");
    assert!(segment.out.contains("353   required     code 2..2"), "{}", segment.out);
    let tree = json(&["standards", "show", "edifact/d96a/ORDERS", "--json"], b"");
    let line = tree.as_array().expect("nodes").iter().find(|node| node["loop"] == "LIN").expect("the lines");
    assert!(line["nodes"].as_array().is_some_and(|nodes| nodes[0]["tag"] == "LIN"), "{line:#}");
    assert!(portolan(&["standards", "show", "x12/004010/92"], b"").out.contains("SA     Stand-alone Order"));
}

#[test]
fn an_answer_takes_from_the_origin_given() {
    let answer = "fixtures/edifact/d96a/ORDRSP/plain/in.edi";
    let line = ["translate", answer, "--to", "x12/004010/855", "--origin"];
    let done = portolan(&[&line[..], &["fixtures/x12/004010/850/plain/in.edi"]].concat(), b"");
    // The first line finds the order's second by its GTIN; the second finds none, though its number is there.
    assert!(done.out.contains("PO1*2*120*PC*4.25**EN*4000862141404~"), "{}", done.out);
    assert!(done.err.contains("DOCUMENT-ORIGIN-LINE lines[2]"), "{}", done.err);
    let other = portolan(&[&line[..], &["fixtures/x12/004010/850/rich/entity.json"]].concat(), b"");
    assert!(other.err.contains("DOCUMENT-ORIGIN-MISSING order.number"), "{}", other.err);
    assert!(!portolan(&line[..4], b"").err.contains("ORIGIN"));
}

/// The ship notice and the invoice of the demo leave out what its order says; both get it back.
#[test]
fn a_ship_notice_and_an_invoice_take_from_the_order_too() {
    let order = ["--origin", "demo/order-4711.edi"];
    let to = |answer: &str, kind: &str| {
        let line = ["translate", answer, "--to", kind];
        let plain = portolan(&line, b"").out;
        (plain, portolan(&[&line[..], &order].concat(), b""))
    };
    let (plain, done) = to("demo/despatch-4711.edi", "x12/004010/856");
    assert!(!plain.contains("VN*LAMP-7") && done.out.contains("VN*LAMP-7"), "{}{}", done.out, done.err);
    let (plain, done) = to("demo/invoice-4711.edi", "x12/004010/810");
    assert!(!plain.contains("VN*LAMP-7") && done.out.contains("VN*LAMP-7"), "{}{}", done.out, done.err);
}

#[test]
fn each_interchange_of_an_input_becomes_one_of_its_own() {
    let first = String::from_utf8(file(PLAIN)).expect("text");
    let other = first.replace("000000101", "000000102");
    let header = first.lines().next().expect("ISA");
    let sender = header.split('*').nth(6).expect("ISA06").trim();
    let other =
        other.replacen(sender, &"SOUTH".chars().chain(" ".repeat(sender.len() - 5).chars()).collect::<String>(), 1);
    let input = [first.as_str(), other.as_str()].concat();
    let line = ["translate", "-", "--to", "edifact/d96a/ORDERS", "--now", "2026-11-24T10:00:00Z", "--control", "0099"];
    let done = portolan(&line, input.as_bytes());
    assert_eq!(done.code, Some(0), "{}", done.err);
    let headers: Vec<_> = done.out.lines().filter(|line| line.starts_with("UNB")).collect();
    assert_eq!(headers.len(), 2, "{}", done.out);
    assert!(headers[0].contains(sender) && headers[0].contains("+0099'"), "{headers:?}");
    assert!(headers[1].contains("SOUTH") && headers[1].contains("+0100'"), "{headers:?}");
    let trailers: Vec<_> = done.out.lines().filter(|line| line.starts_with("UNZ")).collect();
    assert_eq!(trailers, ["UNZ+1+0099'", "UNZ+1+0100'"]);
    let uncountable = [&line[..7], &["ABC"]].concat();
    let refused = portolan(&uncountable, input.as_bytes());
    assert!(refused.err.contains("expected a number to count on from"), "{}", refused.err);
}

/// An interchange of so many orders, every seventh with faults, longer than what is looked at by one thread at once.
fn many(orders: usize) -> Vec<u8> {
    let plain = String::from_utf8(file(PLAIN)).expect("ASCII");
    let (begin, end) = (plain.find("ST*").expect("a document"), plain.find("GE*").expect("its end"));
    let mut text = plain[..begin].to_owned();
    for number in 1..=orders {
        let order = plain[begin..end].replace("*0001", &format!("*{number:04}"));
        text.push_str(&if number % 7 == 0 { order.replace("*EA*", "*E?*").replace("BEG*00", "BEG*XX") } else { order });
    }
    text.push_str(&plain[end..].replacen("GE*1*", &format!("GE*{orders}*"), 1));
    text.into_bytes()
}

#[test]
fn however_many_jobs_what_is_printed_is_the_same() {
    let input = many(900);
    assert!(input.len() > 4 * 64 * 1024, "{} bytes are too few to be shared out", input.len());
    let now = ["--now", "2026-11-24T09:15:00Z"];
    for line in [
        &["validate", "-"][..],
        &["validate", "-", "--json"],
        &["ack", "-", now[0], now[1]],
        &["translate", "-", "--to", "entity"],
        &["translate", "-", "--to", "edifact/d96a/ORDERS", now[0], now[1]],
    ] {
        let [one, three] = ["1", "3"].map(|jobs| portolan(&[line, &["--jobs", jobs]].concat(), &input));
        assert_eq!((one.code, one.err.len()), (three.code, three.err.len()), "{line:?}: {}", three.err);
        assert!(one.out == three.out && one.err == three.err, "{line:?}: not the same with three jobs");
        assert!(one.out.len() > 10_000, "{line:?} printed next to nothing: {}", one.err);
    }
}

#[test]
fn the_scheme_of_a_party_is_translated_from_every_standard() {
    let order = String::from_utf8(file("fixtures/ubl/2.1/Order/plain/in.xml")).expect("text");
    let order =
        order.replace("<cac:Party>", "<cac:Party><cbc:EndpointID schemeID=\"0088\">4012345000009</cbc:EndpointID>");
    for (target, sender) in [("edifact/d96a/ORDERS", ":14+"), ("x12/004010/850", "*07*")] {
        let line = ["translate", "-", "--to", target, "--now", "2026-11-24T10:00:00Z"];
        let done = portolan(&line, order.as_bytes());
        let header = done
            .out
            .split(['\'', '~'])
            .map(str::trim_start)
            .find(|one| one.starts_with("UNB") || one.starts_with("ISA"));
        assert!(header.is_some_and(|header| header.matches(sender).count() >= 1), "{target}: {}{}", done.out, done.err);
    }
}

#[test]
fn controls_that_xml_may_hold_are_written_as_references() {
    let order = String::from_utf8(file("fixtures/ubl/2.1/Order/plain/in.xml")).expect("text");
    let order = order.replace("North Stores GmbH", "North&#133;Stores\u{7f} GmbH");
    let line = ["translate", "-", "--to", "ubl/2.1/Order", "--sender", "0088:1", "--receiver", "0088:2"];
    let done = portolan(&line, order.as_bytes());
    assert!(done.out.contains("North&#133;Stores&#127; GmbH"), "{}{}", done.out, done.err);
    assert_eq!(done.code, Some(0), "{}", done.err);
}

/// All commands below one, with what `--help` says of each.
fn all_commands(above: &[&str]) -> Vec<(String, String)> {
    let help = portolan(&[above, &["--help"]].concat(), b"").out;
    let Some((_, rest)) = help.split_once("\nCommands:\n") else { return vec![(above.join(" "), help)] };
    let names = rest.lines().take_while(|line| !line.is_empty());
    // A description that is long goes on under itself.
    let names = names.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names = names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help");
    names.flat_map(|name| all_commands(&[above, &[name]].concat())).collect()
}

#[test]
fn every_command_and_option_is_on_its_page() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/COMMANDS.md")).expect("the page");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut lacking, mut counted) = (Vec::new(), 0);
    for (command, help) in all_commands(&[]) {
        counted += 1;
        // `as2 test CHANNEL`, or a list of those of one kind: `delivery resubmit|hold|release|cancel`.
        let (first, last) = command.split_once(' ').unwrap_or((&command, ""));
        let of_kind = page.split('`').any(|said| {
            let mut words = said.split(' ');
            let is_kind = words.next() == Some(first);
            is_kind && (last.is_empty() || words.next().is_some_and(|word| word.split('|').any(|one| one == last)))
        });
        let is_said = of_kind || page.contains(&format!("`{command}"));
        lacking.extend((!is_said).then(|| command.clone()));
        let options = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let long = options.filter_map(|line| line.split([' ', ',', '=']).find(|word| word.starts_with("--")));
        let unsaid = long.filter(|option| !page.contains(*option) && *option != "--help");
        lacking.extend(unsaid.map(|option| format!("{command} {option}")));
    }
    assert!(counted > 60, "only {counted} commands");
    assert!(lacking.is_empty(), "docs/COMMANDS.md lacks {lacking:#?}");
}
