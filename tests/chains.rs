//! Five conversations of another house, order to invoice (`fixtures/chains`): every document is identified, decoded byte
//! for byte and validated; the acknowledgment says what ours would; all documents speak of the same order and lines, in
//! the quantities that the other house believes. What is found, and where the houses differ, is data: `chains.yaml`.
//! It sends nothing and keeps no ledger: how Portolan holds such a conversation itself is `tests/service`.

use portolan::codec::segment::{
    AckChoice, Answer, Inspection, InterchangeReport, Limits, PieceKind, Reader, Stamp, Verdict, acknowledge, decode,
    encode,
};
use portolan::codec::{edifact, x12};
use portolan::diagnostic::{Diagnostic, Syntax};
use portolan::engine::Rules;
use portolan::engine::canonicalise::canonicalise;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    chain: String,
    documents: Vec<Expected>,
    #[serde(default)]
    differences: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    file: String,
    is: String,
    #[serde(default)]
    entity: String,
    #[serde(default)]
    findings: Vec<String>,
}

/// Where the other house and ours do not say the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    about: String,
    theirs: String,
    ours: String,
    why: String,
}

/// One file of a chain: an interchange with one document.
struct Seen {
    report: InterchangeReport,
    entity: Option<Value>,
    findings: Vec<String>,
    answers: Vec<Answer>,
    /// Segments between the document's header and trailer.
    body: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/chains")
}

fn chains() -> Vec<Chain> {
    let text = fs::read_to_string(folder().join("chains.yaml")).expect("chains.yaml");
    let node = portolan::yaml::document(&text).expect("YAML");
    serde_json::from_value(node.to_json()).expect("chains as the head comment says")
}

/// The other house's state after the conversation.
fn state(chain: &Chain) -> Value {
    let path = folder().join(&chain.chain).join("chain.json");
    serde_json::from_slice(&fs::read(path).expect("chain.json")).expect("JSON")
}

fn see(rules: &Rules, bytes: &[u8]) -> Seen {
    let mut reader = Reader::new(bytes, Limits::default());
    let mut inspection = Inspection::new(&rules.library);
    let (mut entity, mut answers, mut body, mut faults) = (None, Vec::new(), Vec::new(), Vec::new());
    while let Some(piece) = reader.next().expect("memory reads") {
        let placed = inspection.take(&piece);
        let (PieceKind::Document, Some(placed)) = (piece.kind, placed) else { continue };
        let segments = piece.run.segments().map(|segment| String::from_utf8_lossy(segment.raw()).into_owned());
        body = segments.map(|text| text.trim_end_matches(['~', '\'']).to_owned()).collect();
        body = body[1..body.len() - 1].to_vec();
        faults.extend(inspection.document().expect("a report").faults.clone());
        answers = if placed.document.standard == "x12" {
            x12::answers(&piece.run, |_, _| None)
        } else {
            edifact::answers(&piece.run, |_, _| None).answers
        };
        if answers.is_empty() {
            let (entities, more) = canonicalise(rules, &placed, &piece.run);
            faults.extend(more);
            entity = entities.first().map(|one| one.to_json());
        }
    }
    let mut reports = inspection.end();
    assert_eq!(reports.len(), 1, "one interchange");
    let report = reports.remove(0);
    faults.extend(report.faults.iter().chain(&report.groups[0].faults).cloned());
    let words = |one: &Diagnostic| format!("{} {}", one.code(), one.place);
    Seen { report, entity, findings: faults.iter().map(words).collect(), answers, body }
}

impl Seen {
    fn of(rules: &Rules, chain: &Chain, file: &str) -> Self {
        see(rules, &fs::read(folder().join(&chain.chain).join(file)).expect("a document of the chain"))
    }

    /// Standard, version and type.
    fn is(&self) -> String {
        let standard = if self.report.syntax == Syntax::X12 { "x12" } else { "edifact" };
        let document = &self.report.groups[0].documents[0];
        format!("{standard} {} {}", document.version, document.envelope.document_type)
    }

    fn parties(&self) -> [&str; 2] {
        [&self.report.envelope.sender.value, &self.report.envelope.receiver.value]
    }

    /// What we would answer.
    fn acknowledged(&self, rules: &Rules) -> Seen {
        let stamp = Stamp {
            interchange_control_number: "1".into(),
            group_control_numbers: vec!["1".into()],
            prepared: jiff::civil::date(2026, 11, 22).at(0, 58, 0, 0),
        };
        let choice = AckChoice::default();
        let acknowledgment = acknowledge(&self.report, choice).expect("an answer is due");
        see(rules, &acknowledgment.encode(&stamp).expect("it can be written"))
    }

    /// The harshest verdict of an acknowledgment.
    fn verdict(&self) -> Verdict {
        self.answers.iter().map(|answer| answer.verdict).max().expect("an acknowledgment")
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// The numbers of the orders that an entity speaks of.
fn orders(entity: &Value) -> BTreeSet<&str> {
    let own = match text(entity, "/type") {
        "order" => text(entity, "/number"),
        _ => text(entity, "/order/number"),
    };
    let named = list(entity, "orders").iter().map(|order| text(order, "/number"));
    let of_lines = list(entity, "lines").iter().map(|line| text(line, "/order/number"));
    named.chain(of_lines).chain([own]).filter(|number| !number.is_empty()).collect()
}

/// The order line that a line answers.
fn order_line(line: &Value) -> &str {
    [text(line, "/order/line"), text(line, "/number")].into_iter().find(|one| !one.is_empty()).unwrap_or_default()
}

fn item_ids(line: &Value) -> BTreeSet<&str> {
    list(&line["item"], "ids").iter().map(|id| text(id, "/value")).collect()
}

/// What an entity says of an order line's quantities, under the names of the other house.
fn quantities(entity: &Value, line: &Value) -> Vec<(&'static str, String)> {
    let answered = |status: &str| {
        let of_status = list(line, "responses").iter().filter(|one| text(one, "/status") == status);
        let values: Vec<&str> = of_status.map(|one| text(one, "/quantity/value")).collect();
        assert!(values.len() < 2, "more than one {status} quantity: the test would have to add them up");
        values.first().copied().unwrap_or("0").to_owned()
    };
    let own = text(line, "/quantity/value").to_owned();
    match text(entity, "/type") {
        "order" => vec![("quantity", own)],
        "order_response" => vec![("confirmed", answered("accepted")), ("backordered", answered("backordered"))],
        "despatch_advice" => vec![("shipped", own)],
        _ => vec![("invoiced", own)],
    }
}

#[test]
fn each_document_is_identified_exact_and_found_as_listed() {
    let rules = Rules::new(None, None);
    let listed = chains();
    let folders = fs::read_dir(folder()).expect("fixtures/chains").map(|entry| entry.expect("an entry").path());
    let folders: BTreeSet<_> = folders.filter(|path| path.is_dir()).collect();
    let named: BTreeSet<_> = listed.iter().map(|chain| folder().join(&chain.chain)).collect();
    assert_eq!(folders, named, "each chain is a folder and an entry of chains.yaml");
    for chain in &listed {
        let files = fs::read_dir(folder().join(&chain.chain)).expect("a chain");
        let files = files.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let files: BTreeSet<_> = files.filter(|name| name.ends_with(".edi")).collect();
        let named: BTreeSet<_> = chain.documents.iter().map(|document| document.file.clone()).collect();
        assert_eq!(files, named, "{}", chain.chain);
        for document in &chain.documents {
            let name = format!("{}/{}", chain.chain, document.file);
            let bytes = fs::read(folder().join(&name)).expect("a document");
            let (decoded, _) = decode(&bytes[..], Limits::default()).expect("memory reads");
            assert!(encode(&decoded).is_ok_and(|again| again == bytes), "{name}: not the same bytes");
            let seen = see(&rules, &bytes);
            assert_eq!(seen.is(), document.is, "{name}");
            assert_eq!(seen.findings, document.findings, "{name}");
            let kind = seen.entity.as_ref().map_or("", |entity| text(entity, "/type"));
            assert_eq!(kind, document.entity, "{name}");
        }
    }
}

#[test]
fn all_documents_speak_of_the_same_parties_order_and_lines() {
    let rules = Rules::new(None, None);
    for chain in chains() {
        let state = state(&chain);
        let first = Seen::of(&rules, &chain, &chain.documents[0].file);
        let order = first.entity.clone().expect("the chain begins with an order");
        let lines: BTreeMap<_, _> = list(&order, "lines").iter().map(|line| (order_line(line), line)).collect();
        assert!(!lines.is_empty(), "{}: an order without lines", chain.chain);
        for document in &chain.documents[1..] {
            let name = format!("{}/{}", chain.chain, document.file);
            let seen = Seen::of(&rules, &chain, &document.file);
            let [sender, receiver] = first.parties();
            assert_eq!(seen.parties(), [receiver, sender], "{name}");
            let Some(entity) = seen.entity else { continue };
            assert_eq!(orders(&entity), orders(&order), "{name}");
            let spoken_of: BTreeSet<_> = list(&entity, "lines").iter().map(order_line).collect();
            assert_eq!(spoken_of.len(), list(&entity, "lines").len(), "{name}: a line twice");
            if document.entity == "order_response" {
                assert!(spoken_of.iter().eq(lines.keys()), "{name}: answers {spoken_of:?}");
            }
            for line in list(&entity, "lines") {
                let ordered = lines.get(order_line(line)).unwrap_or_else(|| panic!("{name}: {line} was not ordered"));
                assert!(!item_ids(line).is_empty() && item_ids(line).is_subset(&item_ids(ordered)), "{name}: {line}");
                assert_eq!(line["quantity"]["unit"], ordered["quantity"]["unit"], "{name}: {line}");
            }
            let order = &state["order"];
            match document.entity.as_str() {
                "order_response" => assert_eq!(entity["number"], order["seller_order"], "{name}"),
                "despatch_advice" => assert_eq!(entity["number"], order["shipments"][0]["shipment_id"], "{name}"),
                _ => {
                    let invoice = &order["invoices"][0];
                    assert_eq!(entity["number"], invoice["invoice_number"], "{name}");
                    assert_eq!(entity["totals"]["payable"], invoice["total"], "{name}");
                    let advice = list(&entity, "references").iter().find(|one| one["kind"] == "despatch");
                    assert_eq!(advice.map(|one| &one["id"]), Some(&invoice["shipment_id"]), "{name}");
                }
            }
        }
    }
}

/// Segments of one list that the other has not, side by side.
fn differing(theirs: &[String], ours: &[String]) -> Vec<(String, String)> {
    let without = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|segment| !other.contains(segment)).cloned().collect()
    };
    let (theirs, ours) = (without(theirs, ours), without(ours, theirs));
    let at = |list: &[String], index: usize| list.get(index).cloned().unwrap_or_default();
    (0..theirs.len().max(ours.len())).map(|index| (at(&theirs, index), at(&ours, index))).collect()
}

#[test]
fn the_houses_differ_only_where_it_is_listed_and_never_in_the_verdict() {
    let rules = Rules::new(None, None);
    for chain in chains() {
        let state = state(&chain);
        let mut found = Vec::new();
        let order = Seen::of(&rules, &chain, &chain.documents[0].file);
        let (theirs, ours) = (Seen::of(&rules, &chain, &chain.documents[1].file), order.acknowledged(&rules));
        assert_eq!(theirs.is(), ours.is(), "{}", chain.chain);
        assert_eq!(theirs.verdict(), ours.verdict(), "{}", chain.chain);
        let rejects = order.report.groups[0].documents[0].breaks_syntax();
        assert_eq!(theirs.verdict() == Verdict::Rejected, rejects, "{}", chain.chain);
        for (theirs, ours) in differing(&theirs.body, &ours.body) {
            found.push((chain.documents[1].file.clone(), theirs, ours));
        }
        let believed = list(&state["order"], "lines");
        assert_eq!(believed.is_empty(), rejects, "{}: a rejected order has no state", chain.chain);
        for document in chain.documents.iter().filter(|_| !rejects) {
            let Some(entity) = Seen::of(&rules, &chain, &document.file).entity else { continue };
            for line in list(&entity, "lines") {
                let number = order_line(line);
                let theirs = believed.iter().find(|one| text(one, "/line") == number).expect("a line of theirs");
                for (what, ours) in quantities(&entity, line) {
                    if theirs[what] != ours {
                        found.push((format!("line {number}, {what}"), text(theirs, &format!("/{what}")).into(), ours));
                    }
                }
            }
        }
        assert!(chain.differences.iter().all(|one| !one.why.is_empty()), "{}: a difference has a reason", chain.chain);
        let listed = chain.differences.into_iter().map(|one| (one.about, one.theirs, one.ours));
        assert_eq!(found, listed.collect::<Vec<_>>(), "{}", chain.chain);
    }
}
