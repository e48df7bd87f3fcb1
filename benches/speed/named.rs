//! The formats that name what they hold, XML and tables, and which mapping is the slowest. The inputs are fixtures whose
//! lines stand again and again, each under a number of its own.

use crate::{Case, baseline, rates, read, stage};
use portolan::engine::Rules;
use portolan::engine::map::Target;
use std::path::Path;

/// What is measured: a fixture, what begins and what ends its first line, the number in it, and what it is written as.
const INPUTS: [Input; 4] = [
    Input {
        name: "cXML OrderRequest",
        file: "fixtures/cxml/1.2/OrderRequest/plain/in.xml",
        line: ["<ItemOut lineNumber=\"1\"", "</ItemOut>"],
        number: "lineNumber=\"1\"",
        target: "edifact/d96a/ORDERS",
    },
    Input {
        name: "UBL Order",
        file: "fixtures/ubl/2.1/Order/plain/in.xml",
        line: ["<cac:OrderLine>", "</cac:OrderLine>"],
        number: "<cbc:ID>1</cbc:ID>",
        target: "edifact/d96a/ORDERS",
    },
    Input {
        name: "UBL Invoice",
        file: "fixtures/ubl/2.1/Invoice/plain/in.xml",
        line: ["<cac:InvoiceLine>", "</cac:InvoiceLine>"],
        number: "<cbc:ID>1</cbc:ID>",
        target: "edifact/d96a/INVOIC",
    },
    Input {
        name: "CSV Order",
        file: "fixtures/csv/1/Order/plain/in.csv",
        line: ["4711;", "120;EA;1,25;\r\n"],
        number: ";1;4012345123456;",
        target: "edifact/d96a/ORDERS",
    },
];

/// Fixtures are run so often that a mapping has about this many bytes to do.
const MAPPING_BYTES: u64 = 300_000;
/// Mappings told of, the slowest first.
const SLOWEST: usize = 5;

struct Input {
    name: &'static str,
    file: &'static str,
    line: [&'static str; 2],
    number: &'static str,
    target: &'static str,
}

impl Input {
    /// About so many bytes.
    fn bytes(&self, wanted: u64) -> Vec<u8> {
        let text = fixture(Path::new(self.file));
        let (head, rest) = text.split_once(self.line[0]).expect("a line begins");
        let (line, tail) = rest.split_once(self.line[1]).expect("a line ends");
        let line = format!("{}{line}{}", self.line[0], self.line[1]);
        assert!(line.contains(self.number), "{}: no number in {line}", self.file);
        let mut made = head.to_owned();
        // The fixture's other lines have numbers of their own.
        for number in 101_u64.. {
            if (made.len() + tail.len()) as u64 >= wanted {
                break;
            }
            made.push_str(&line.replacen(self.number, &self.number.replacen('1', &number.to_string(), 1), 1));
        }
        (made + tail).into_bytes()
    }
}

fn fixture(file: &Path) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the fixture")
}

/// A row for each input, size and stage.
pub fn rows(rules: &Rules, sizes: &[(&'static str, u64)], rounds: usize) {
    println!("\n| format | size | stage | MB/s | x memchr3 | x quick-xml events |");
    println!("|---|---|---|---|---|---|");
    for (input, (size, wanted)) in INPUTS.iter().flat_map(|input| sizes.iter().map(move |size| (input, *size))) {
        let bytes = input.bytes(wanted);
        let is_xml = input.file.ends_with("xml");
        assert_eq!(stage::validate(&bytes[..], &rules.library).findings, 0, "{} of {size} is not clean", input.name);
        let target = Target::parse(rules, input.target).expect("a packed mapping");
        let length = bytes.len() as u64;
        let three: [u8; 3] = if is_xml { *b"<>&" } else { *b";\"\n" };
        let mut cases: Vec<Case<'_>> = vec![
            ("memchr3", Box::new(|| read(length, baseline::visited(&bytes, three)))),
            ("validate", Box::new(|| read(length, stage::validate(&bytes[..], &rules.library).documents))),
            ("canonical JSON", Box::new(|| read(length, stage::canonical_json(&bytes, rules)))),
            ("translate", Box::new(|| read(length, stage::translate_by(&bytes, rules, &target, 1)))),
        ];
        if is_xml {
            cases.push(("quick-xml events", Box::new(|| read(length, baseline::xml_events(&bytes)))));
        }
        let rates = rates(&mut cases, rounds);
        let rate = |name: &str| rates.iter().find(|(one, _)| *one == name).map(|(_, rate)| *rate);
        for (name, own) in &rates {
            let to = |other: &str| rate(other).map_or(String::new(), |other| format!("{:.3}", own / other));
            println!(
                "| {} | {size} | {name} | {own:.2} | {} | {} |",
                input.name,
                to("memchr3"),
                to("quick-xml events")
            );
        }
    }
}

/// How fast each mapping reads its fixtures and writes them again in its own type; the slowest ones.
pub fn slowest(rules: &Rules) {
    let mut found: Vec<(f64, String, u64)> = Vec::new();
    for parts in rules.mappings.list() {
        let name = parts.join("/");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(&name);
        let target = Target::parse(rules, &name).expect("a packed mapping");
        let cases = std::fs::read_dir(&folder).expect("fixtures").filter_map(|case| Some(case.ok()?.path()));
        let inputs = cases.filter_map(|case| {
            let mut files = std::fs::read_dir(&case).ok()?.filter_map(|file| Some(file.ok()?.path()));
            std::fs::read(files.find(|file| file.file_stem().is_some_and(|stem| stem == "in"))?).ok()
        });
        let inputs: Vec<Vec<u8>> = inputs.collect();
        let run = || inputs.iter().map(|bytes| stage::there_and_back(bytes, rules, &target)).sum::<u64>();
        run();
        let all: u64 = inputs.iter().map(|bytes| bytes.len() as u64).sum();
        let (begun, mut done) = (crate::clock::Moment::now(), 0);
        while done < MAPPING_BYTES && all > 0 {
            std::hint::black_box(run());
            done += all;
        }
        found.push((done as f64 / 1e6 / begun.seconds(), name, all));
    }
    found.sort_by(|one, other| one.0.total_cmp(&other.0));
    println!("\n| slowest mappings, read and written again | bytes of its fixtures | MB/s | x median |");
    println!("|---|---|---|---|");
    let median = found[found.len() / 2].0;
    for (rate, name, bytes) in found.iter().take(SLOWEST) {
        println!("| {name} | {bytes} | {rate:.2} | {:.2} |", rate / median);
    }
    println!("| the median of {} mappings | | {median:.2} | 1 |", found.len());
}
