//! Proves a mapping on generated entities: written, encoded, read again they must be what they were.

use super::Rules;
use super::canonicalise::canonicalise;
use super::encode::{self, Envelope};
use super::map::{Target, map};
use crate::codec::segment::{Inspection, Limits, PieceKind, Reader};
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax};
use crate::entity::Entity;
use crate::mapping::{self, Context};
use crate::table::Tables;
use crate::tree::Style;
use serde_json::Value;

/// How a proof went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Rounds run; the failing one is the last.
    pub rounds: u32,
    /// Rounds in which something had no home and the rest was compared.
    pub lossy: u32,
    /// What differed, in words.
    pub failure: Option<String>,
}

/// Runs `rounds` generated entities through the mapping `name`.
///
/// # Errors
/// A sentence when there is no such mapping.
pub fn prove(rules: &Rules, name: &str, rounds: u32, seed: u64) -> Result<Proof, String> {
    let target = Target::parse(rules, name)?;
    let mut state = seed;
    let mut dice = |sides: usize| {
        // Steele's SplitMix64: even, and the same everywhere.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or(0) % sides.max(1)
    };
    let mut lossy = 0;
    for round in 1..=rounds {
        let entity = sample(rules, &target, &mut dice)?;
        let done = there_and_back(rules, &target, &entity).and_then(|(carried, losses)| {
            if losses.is_empty() {
                return same(&entity, &carried);
            }
            lossy += 1;
            // What was carried must hold without any further loss.
            match there_and_back(rules, &target, &carried)? {
                (again, none) if none.is_empty() => same(&carried, &again),
                (_, more) => Err(format!("losses in what had been written and read before: {}", words(&more))),
            }
        });
        if let Err(failure) = done {
            return Ok(Proof { rounds: round, lossy, failure: Some(failure) });
        }
    }
    Ok(Proof { rounds, lossy, failure: None })
}

fn sample(rules: &Rules, target: &Target, dice: &mut dyn FnMut(usize) -> usize) -> Result<Entity, String> {
    let (standard, version, document) = (&target.standard, &target.version, &target.document);
    let mapping = rules.mappings.find(standard, version, document).map_err(|error| error.to_string())?;
    let definition = rules.library.document(standard, version, document).map_err(|error| error.to_string())?;
    let directory = rules.library.directory(standard, version).map_err(|error| error.to_string())?;
    let codes = rules.mappings.codes();
    let tables = &Tables::default();
    let context =
        Context { mapping: &mapping, document: &definition, directory: &directory, codes, tables, decimal: '.' };
    Ok(mapping::sample(&context, dice))
}

fn same(written: &Entity, read: &Entity) -> Result<(), String> {
    if written == read {
        return Ok(());
    }
    let mut found = Vec::new();
    differences(&written.to_json(), &read.to_json(), "", &mut found);
    Err(found.join("\n"))
}

/// Where two values differ, a line each.
fn differences(written: &Value, read: &Value, path: &str, found: &mut Vec<String>) {
    match (written, read) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differences(&written[key], &read[key], &path, found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for at in 0..one.len().max(other.len()) {
                differences(
                    one.get(at).unwrap_or(&Value::Null),
                    other.get(at).unwrap_or(&Value::Null),
                    &format!("{path}[{}]", at + 1),
                    found,
                );
            }
        }
        _ if written != read => found.push(format!("{path}: written {written}, read {read}")),
        _ => {}
    }
}

/// Writes an entity to bytes and reads it back; with what is told of values that had no home.
///
/// # Errors
/// What could not be written, or is not what the standard allows, with the bytes.
pub fn there_and_back(rules: &Rules, target: &Target, entity: &Entity) -> Result<(Entity, Vec<Diagnostic>), String> {
    let (draft, findings) = map(rules, target, entity, "1").map_err(|finding| finding.message())?;
    let interchange = encode::draft(target, envelope(target), vec![draft]);
    let encoded = encode::encode(rules, target.syntax(), &interchange, None);
    let (bytes, _) = encoded.map_err(|findings| words(&findings))?;
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(format!("{}\n{shown}", words(&findings)));
    }
    let mut reader = Reader::new(bytes.as_slice(), Limits::default()).knowing(&rules.library);
    let mut inspection = Inspection::new(&rules.library);
    let (mut back, mut faults) = (Vec::new(), Vec::new());
    while let Ok(Some(piece)) = reader.next() {
        let placed = inspection.take(&piece);
        if let (PieceKind::Document, Some(placed)) = (piece.kind, placed) {
            let report = inspection.document().map(|report| report.faults.clone()).unwrap_or_default();
            faults.extend(report.into_iter().filter(is_of_the_mapping));
            back.extend(canonicalise(rules, &placed, &piece.run).0);
        }
    }
    if !faults.is_empty() {
        return Err(format!("{}\n{shown}", words(&faults)));
    }
    match <[Entity; 1]>::try_from(back) {
        Ok([one]) => Ok((one, findings)),
        Err(several) => Err(format!("{} entities came back\n{shown}", several.len())),
    }
}

/// Generated entities lack values at random, which the standard may miss; all else is the mapping's doing.
fn is_of_the_mapping(finding: &Diagnostic) -> bool {
    let lacks = [
        Fault::ElementMissing,
        Fault::ElementCondition,
        Fault::SegmentMissing,
        Fault::NodeMissing,
        Fault::AttributeMissing,
    ];
    finding.severity == Severity::Error && !lacks.contains(&finding.fault)
}

fn envelope(target: &Target) -> Envelope {
    Envelope {
        sender: ["ZZ".to_owned(), "SENDER".to_owned()],
        receiver: ["ZZ".to_owned(), "RECEIVER".to_owned()],
        group_parties: Default::default(),
        group_version: String::new(),
        control_number: "1".to_owned(),
        group_control_number: "1".to_owned(),
        prepared: jiff::civil::DateTime::constant(2026, 1, 31, 13, 45, 0, 0),
        test: true,
        acknowledgment_requested: false,
        style: if target.syntax() == Syntax::X12 { Style::x12() } else { Style::edifact() },
    }
}

fn words(findings: &[Diagnostic]) -> String {
    findings.iter().map(Diagnostic::message).collect::<Vec<_>>().join("\n")
}
