//! Every X12, EDIFACT and XML sample there is: pieces join to the file, decoded JSON gives the file's bytes back, one
//! edited value changes those bytes alone, and nothing panics. Beside the fixtures it walks the shared corpora, where
//! they are (`PORTOLAN_CORPORA`); zero cases fail.

use portolan::codec::segment::{Ahead, Inspection, Judged, Limits, Piece, Reader, Share, Step, decode, encode};
use portolan::engine::Rules;
use portolan::engine::canonicalise::canonicalise;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn samples() -> Vec<(PathBuf, Vec<u8>)> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let shared = std::env::var_os("PORTOLAN_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    if !shared.is_dir() {
        eprintln!("{} is not there: only the project's own fixtures are walked", shared.display());
    }
    let mut open = vec![own];
    open.extend(["x12", "edifact", "cxml", "ubl", "cii", "chains", "synthetic"].map(|folder| shared.join(folder)));
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if !path.to_string_lossy().ends_with(".json") {
                let bytes = fs::read(&path).expect("a readable sample");
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no samples at all");
    found
}

#[test]
fn pieces_join_to_the_file() {
    for (path, bytes) in samples() {
        let mut reader = Reader::new(&bytes[..], Limits::default());
        let mut joined = Vec::new();
        while let Some(piece) = reader.next().expect("a slice reads without error") {
            assert_eq!(piece.run.offset, joined.len() as u64, "{}", path.display());
            joined.extend_from_slice(piece.run.bytes);
        }
        assert!(joined == bytes, "{}: {} bytes in, {} out", path.display(), bytes.len(), joined.len());
    }
}

#[test]
fn decoded_json_gives_the_bytes_back() {
    let mut interchanges = 0;
    for (path, bytes) in samples() {
        let (decoded, _) = decode(&bytes[..], Limits::default()).expect("a slice reads without error");
        interchanges += decoded["interchanges"].as_array().map_or(0, Vec::len);
        let again = encode(&decoded).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let differs = again.iter().zip(&bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
        assert!(again == bytes, "{}: differs at byte {differs}", path.display());
    }
    assert!(interchanges > 0, "no sample was recognised");
}

/// Pointers of all element values of documents.
fn values(node: &Value, pointer: String, inside: bool, found: &mut Vec<String>) {
    match node {
        Value::String(text) if inside && !text.is_empty() => found.push(pointer),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                values(item, format!("{pointer}/{at}"), inside, found);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                let inside = inside || key == "elements";
                if key != "bytes" {
                    values(item, format!("{pointer}/{key}"), inside, found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn one_edited_value_changes_those_bytes_alone() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut edited = 0;
    for (path, bytes) in samples() {
        let (mut decoded, _) = decode(&bytes[..], Limits::default()).expect("a slice reads without error");
        let mut pointers = Vec::new();
        values(&decoded["interchanges"], "/interchanges".into(), false, &mut pointers);
        if pointers.is_empty() {
            continue;
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pointer = &pointers[(seed >> 33) as usize % pointers.len()];
        let value = decoded.pointer_mut(pointer).expect("a pointer just found");
        *value = Value::String("Q7Q".to_owned());
        let again = encode(&decoded).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let front = again.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
        let back = again[front..].iter().rev().zip(bytes[front..].iter().rev()).take_while(|(a, b)| a == b).count();
        let changed = &again[front..again.len() - back];
        assert!(changed.len() <= 3, "{} {pointer}: changed {:?}", path.display(), String::from_utf8_lossy(changed));
        edited += 1;
    }
    assert!(edited > 0, "no sample had a value to edit");
}

/// Everything that is told of an input: its pieces in order, what is made of its documents, and all reports.
fn told(rules: &Rules, bytes: &[u8], share: Share) -> String {
    let work = |piece: &Piece<'_>, judged: &Judged| {
        let entities = judged.placed.as_ref().map(|placed| canonicalise(rules, placed, &piece.run));
        format!("{entities:?}")
    };
    std::thread::scope(|scope| {
        let inspection = Inspection::new(&rules.library);
        let reader = Reader::new(bytes, Limits::default());
        let mut ahead = Ahead::new(scope, share, reader, inspection, Arc::new(work));
        let mut told = String::new();
        while let Some(Step { piece, made, inspection }) = ahead.next().expect("a slice reads without error") {
            told.push_str(&format!("{piece:?} {made:?} {:?}\n", inspection.finished()));
        }
        told.push_str(&format!("{:?}", ahead.end()));
        told
    })
}

#[test]
fn however_many_threads_judge_it_is_the_same() {
    let rules = Rules::new(None, None);
    let mut shared = 0;
    for (at, (path, bytes)) in samples().into_iter().enumerate() {
        let alone = told(&rules, &bytes, Share { threads: 1, portion_bytes: 1 });
        // Pieces one by one, or some together.
        let portion_bytes = [1, 2000][at % 2];
        let several = told(&rules, &bytes, Share { threads: 3, portion_bytes });
        assert!(alone == several, "{}: not the same with three threads and {portion_bytes} bytes", path.display());
        shared += usize::from(bytes.len() > 2000);
    }
    assert!(shared > 10, "only {shared} samples were shared out");
}
