//! A long input needs no more memory than a short one: each command reads from a pipe, and its peak is looked at while it
//! still waits for more.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

/// What is fed before the first look: enough for every table, buffer and thread to be there.
const WARM_BYTES: usize = 2 * 1024 * 1024;
/// What is fed after it.
const MORE_BYTES: usize = 8 * 1024 * 1024;
/// How much the peak may grow meanwhile. Keeping one byte in eight would be over it.
const GROWTH_MAX: u64 = 1024 * 1024;

const HEAD: &str = "ISA*00*          *00*          *ZZ*NORTHSTORES    *ZZ*PORTOLAN       *261124*0915*U*00401*000000001*0*P*>~\n\
    GS*PO*NORTHSTORES*PORTOLAN*20261124*0915*1*X*004010~\n";

/// The order with this number: 40 lines.
fn order(number: usize) -> String {
    let mut text =
        format!("ST*850*{number:04}~\nBEG*00*SA*47{number:05}**20261124~\nDTM*002*20261201~\nN1*ST*NORTH*92*0042~\n");
    for line in 1..=40 {
        write!(text, "PO1*{line}*12*EA*4.25**UP*012345678905~\nPID*F****LAMP {line}~\n").expect("memory takes it");
    }
    write!(text, "CTT*40~\nSE*86*{number:04}~\n").expect("memory takes it");
    text
}

/// What is fed: what it begins with, the document of a number, what it ends with after so many.
struct Input {
    head: &'static str,
    document: fn(usize) -> String,
    tail: fn(usize) -> String,
}

const INTERCHANGE: Input =
    Input { head: HEAD, document: order, tail: |count| format!("GE*{count}*1~\nIEA*1*000000001~\n") };

const TABLE: Input = Input {
    head: "order_number;order_date;buyer;line;gtin;quantity;unit\r\n",
    document: |number| {
        let row = |line| format!("47{number:05};2026-11-24;4012345000009;{line};4012345123456;12;EA\r\n");
        (1..=40).map(row).collect()
    },
    tail: |_| String::new(),
};

/// Peak of resident memory so far, in bytes; `None` when the process has ended.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux says so");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number");
    Some(kib * 1024)
}

fn start(line: &[&str], input: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.args(line).stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// How much the peak of the last command of a pipeline grows.
fn growth(pipeline: &[&[&str]], fed_with: &Input) -> u64 {
    let (line, before) = pipeline.split_last().expect("a command");
    let mut first = before.first().map(|line| start(line, Stdio::piped()));
    let given = first.as_mut().map(|first| first.stdout.take().expect("piped"));
    let mut child = start(line, given.map_or_else(Stdio::piped, Stdio::from));
    let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let drained = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()).expect("it is read"));
    let said = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).map(|_| text).expect("it is read")
    });
    let mut input = first.as_mut().unwrap_or(&mut child).stdin.take().expect("piped");
    input.write_all(fed_with.head.as_bytes()).expect("it reads");
    let (mut fed, mut number, mut looks) = (0, 0, Vec::new());
    for until in [WARM_BYTES, WARM_BYTES + MORE_BYTES] {
        while fed < until {
            number += 1;
            let text = (fed_with.document)(number);
            fed += text.len();
            input.write_all(text.as_bytes()).expect("it reads");
        }
        looks.push(peak(child.id()).expect("it lives"));
    }
    input.write_all((fed_with.tail)(number).as_bytes()).expect("it reads");
    drop(input);
    let ended = first.is_none_or(|mut first| first.wait().expect("it ends").success());
    assert!(ended, "{before:?} failed");
    let code = child.wait().expect("it ends").code();
    let (written, said) = (drained.join().expect("it ends"), said.join().expect("it ends"));
    assert_eq!(code, Some(0), "{line:?}: {said}");
    assert!(written > 0, "{line:?} wrote nothing");
    // The kernel counts pages a few at a time, so that a peak may be told a little lower than before.
    looks[1].saturating_sub(looks[0])
}

#[test]
fn every_command_that_streams_keeps_one_document() {
    let pipelines: [&[&[&str]]; 10] = [
        &[&["identify", "-"]],
        &[&["decode", "-"]],
        &[&["decode", "-"], &["encode", "-"]],
        &[&["validate", "-"]],
        &[&["validate", "-", "--json"]],
        &[&["explain", "-"]],
        &[&["ack", "-"]],
        &[&["translate", "-", "--to", "entity"]],
        &[&["translate", "-", "--to", "edifact/d96a/ORDERS"]],
        &[
            &["translate", "-", "--to", "entity"],
            &["encode", "-", "--to", "edifact/d96a/ORDERS", "--sender", "ZZ:A", "--receiver", "ZZ:B"],
        ],
    ];
    flat(&pipelines, &INTERCHANGE);
}

#[test]
fn a_table_is_read_document_by_document() {
    let pipelines: [&[&[&str]]; 4] = [
        &[&["decode", "-"], &["encode", "-"]],
        &[&["validate", "-"]],
        &[&["translate", "-", "--to", "entity"]],
        &[&["translate", "-", "--to", "edifact/d96a/ORDERS", "--sender", "ZZ:A", "--receiver", "ZZ:B"]],
    ];
    flat(&pipelines, &TABLE);
}

fn flat(pipelines: &[&[&[&str]]], input: &Input) {
    let name = |pipeline: &[&[&str]]| pipeline.iter().map(|line| line.join(" ")).collect::<Vec<_>>().join(" | ");
    let grown: Vec<_> = pipelines.iter().map(|pipeline| (name(pipeline), growth(pipeline, input))).collect();
    let over: Vec<_> = grown.iter().filter(|(_, bytes)| *bytes > GROWTH_MAX).collect();
    assert!(over.is_empty(), "bytes of growth over {MORE_BYTES} bytes of input: {over:?}");
}

/// What nobody sends who means well, or whose separators went wrong: so many bytes of it.
const HOSTILE_BYTES: usize = 4 * 1024 * 1024;
/// Peak of memory on it, at most: what a document has for each of its segments, however short they are, and findings up to
/// their limit. Without limits it was 300 bytes and more for each byte of input.
const HOSTILE_PEAK_MAX: u64 = 100 * HOSTILE_BYTES as u64;
/// What is printed, at most: a line or two for each interchange or document.
const HOSTILE_PRINTED_MAX: u64 = 8 * HOSTILE_BYTES as u64;

#[test]
fn hostile_input_is_bounded_in_memory_and_in_words() {
    let document = |content: &str| (format!("{HEAD}ST*850*0001~{content}"), content.to_owned());
    let whole = |text: &str| (String::new(), text.to_owned());
    let after = |begin: &str, text: &str| (begin.to_owned(), text.to_owned());
    let isa = HEAD.split_inclusive('~').next().expect("ISA");
    let cases = [
        ("a header without end", after("UNB+UNOA:1+", "x")),
        ("an ISA without end", after("ISA*00*", "x")),
        ("headers of X12 only", whole("ISA*")),
        ("headers of EDIFACT only", whole("UNB+'")),
        ("advice only", whole("UNA:+.? '")),
        ("a group's header without end", after(&format!("{isa}GS*PO*"), "x")),
        ("a tag without end", after(&document("").0, "x")),
        ("separators only", after(&format!("{}BEG", document("").0), "*")),
        ("terminators only", document("~")),
        ("segments that nobody knows", document("A~")),
        (
            "repetitions of values that have components",
            after(&format!("{}BEG*00*SA*", document("").0).replace("*U*00401", "*^*00501"), "A>B^"),
        ),
        ("segments outside documents", after(isa, "A~")),
        ("answers of the envelope only", after(isa, "TA1~")),
        ("documents that are not", after(HEAD, "ST*850*0001~SE*9*1~")),
    ];
    for (name, (begin, text)) in cases {
        let mut child = start(&["validate", "-"], Stdio::piped());
        let (mut input, mut out) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let fed = std::thread::spawn(move || {
            let times = HOSTILE_BYTES / text.len();
            let bytes = [begin.into_bytes(), text.repeat(times).into_bytes()].concat();
            input.write_all(&bytes).expect("it reads");
        });
        let read = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()).expect("it is read"));
        let mut highest = 0;
        while let Some(now) = peak(child.id()) {
            highest = highest.max(now);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        fed.join().expect("fed");
        let printed = read.join().expect("read");
        assert_eq!(child.wait().expect("it ends").code(), Some(3), "{name}");
        assert!((1..HOSTILE_PEAK_MAX).contains(&highest), "{name}: {highest} bytes of memory");
        assert!(printed < HOSTILE_PRINTED_MAX, "{name}: {printed} bytes printed");
    }
}
