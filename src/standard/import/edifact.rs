//! Imports EDIFACT from the directories as the UN publishes them (a ZIP of text files), with the service segments of
//! ISO 9735 from neutral tables. It takes tags, positions, usages, lengths and codes, none of the sentences.
//!
//! Layouts from D.96A on. Not supported: D.93A, whose segment tables have no positions; interactive messages.

use super::{Imported, keep_used};
use crate::standard::definition::{
    Area, CompositeDefinition, Derived, Directory, Document, ElementDefinition, ElementType, LoopBody, Node, Place,
    SegmentDefinition, Usage,
};
use anyhow::{Context as _, anyhow, bail};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// Segments of the envelope, which no message table names but an interchange has.
const ENVELOPE: [&str; 4] = ["UNB", "UNG", "UNE", "UNZ"];

/// Reads a directory's ZIP (`d96a.zip`) and keeps the messages of `kinds`, all when empty, with what they use. The
/// service segments are those of `syntax` (1 to 4) in the folder `service` beside the ZIP.
///
/// # Errors
/// A file that is missing or cannot be read, with its name and what was expected; a message the directory lacks.
pub fn import(zip: &Path, syntax: u8, kinds: &[String]) -> anyhow::Result<Imported> {
    let version = zip.file_stem().and_then(|name| name.to_str()).context("the ZIP is named after the version")?;
    let files = unzip(zip)?;
    let mut directory = Directory { standard: "edifact".into(), version: version.into(), ..Directory::default() };
    let mut anomalies = Vec::new();
    for (name, text) in &files {
        match kind_of(name) {
            Some(FileKind::Elements) => elements(text, &mut directory),
            Some(FileKind::Composites) => composites(text, &mut directory, &mut anomalies),
            Some(FileKind::Codes) => codes(text, &mut directory),
            _ => {}
        }
    }
    for (name, text) in &files {
        if kind_of(name) == Some(FileKind::Segments) {
            segments(text, &mut directory, &mut anomalies);
        }
    }
    let service = zip.parent().unwrap_or(Path::new(".")).join("service");
    service_tables(&service, syntax, &mut directory)?;
    let mut documents = Vec::new();
    for (name, text) in &files {
        let Some(FileKind::Message(kind)) = kind_of(name) else { continue };
        if kinds.is_empty() || kinds.contains(&kind) {
            documents.push(message(version, &kind, text).with_context(|| name.clone())?);
        }
    }
    if let Some(missing) = kinds.iter().find(|kind| !documents.iter().any(|document| document.kind == **kind)) {
        return Err(anyhow!("{}: no message {missing}", zip.display()));
    }
    documents.sort_by(|a, b| a.kind.cmp(&b.kind));
    name_places(&mut directory);
    anomalies.extend(keep_used(&documents, &ENVELOPE, &mut directory));
    Ok(Imported { documents, directory, anomalies })
}

/// Makes the service message CONTRL of a syntax version, in a directory of its own: `d3` for syntax 3 (UNH names
/// `CONTRL:D:3`), `41` for syntax 4.
///
/// # Errors
/// A table that is missing or malformed.
pub fn import_service(service: &Path, syntax: u8) -> anyhow::Result<Imported> {
    let version = if syntax == 4 { "41" } else { "d3" };
    let mut directory = Directory { standard: "edifact".into(), version: version.into(), ..Directory::default() };
    service_tables(service, syntax, &mut directory)?;
    let text = fs::read_to_string(service.join("messages.json")).context("cannot read messages.json")?;
    let messages: serde_json::Value = serde_json::from_str(&text).context("messages.json")?;
    let body = &messages["messages"]["CONTRL"]["body"];
    let document = Document {
        standard: "edifact".into(),
        version: version.into(),
        kind: "CONTRL".into(),
        name: "Syntax and service report message".into(),
        groups: Vec::new(),
        nodes: service_nodes(body, "").context("messages.json: CONTRL")?,
        markup: None,
        order: Derived::default(),
    };
    let documents = vec![document];
    name_places(&mut directory);
    let anomalies = keep_used(&documents, &ENVELOPE, &mut directory);
    Ok(Imported { documents, directory, anomalies })
}

fn service_nodes(body: &serde_json::Value, outer: &str) -> anyhow::Result<Vec<Node>> {
    let list = body.as_array().context("expected an array of entries")?;
    let one = |entry: &serde_json::Value| {
        let usage = if entry["use"] == "M" { Usage::Required } else { Usage::Optional };
        let max = entry["max"].as_u64().and_then(|max| u32::try_from(max).ok());
        let plain = |tag: &str, body| {
            let (tag, area, position) = (tag.to_owned(), Area::Heading, String::new());
            Node { tag, usage, max, area, position, body }
        };
        match (entry["seg"].as_str(), entry["group"].as_str()) {
            (Some(tag), _) => Ok(plain(tag, None)),
            (None, Some(label)) => {
                let trigger = entry["body"][0]["seg"].as_str().context("a group begins with its trigger")?;
                let path = if outer.is_empty() { trigger.to_owned() } else { format!("{outer}/{trigger}") };
                let nodes = service_nodes(&entry["body"], &path)?;
                Ok(plain(trigger, Some(LoopBody { path, label: label.to_owned(), nodes: nodes.into() })))
            }
            _ => Err(anyhow!("expected a segment or a group, found {entry}")),
        }
    };
    list.iter().map(one).collect()
}

/// What a file of a directory holds, told by its name.
#[derive(Debug, PartialEq, Eq)]
enum FileKind {
    Message(String),
    Segments,
    Composites,
    Elements,
    Codes,
}

fn kind_of(name: &str) -> Option<FileKind> {
    let (stem, _) = name.split_once('.')?;
    match stem {
        "trsd" | "edsd" => Some(FileKind::Segments),
        "trcd" | "edcd" => Some(FileKind::Composites),
        "tred" | "eded" => Some(FileKind::Elements),
        "uncl" | "uncl-1" | "uncl-2" => Some(FileKind::Codes),
        // The six letters of a message, an underscore and the letter of the directory's status.
        other => {
            let kind = other.strip_suffix("_d").or_else(|| other.strip_suffix("_s"))?;
            let is_message = kind.len() == 6 && kind.bytes().all(|byte| byte.is_ascii_lowercase());
            is_message.then(|| FileKind::Message(kind.to_ascii_uppercase()))
        }
    }
}

/// All text files of the ZIP by lower-case name, as text with box characters turned to `-`, `|` and `+`.
fn unzip(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("{} is no ZIP", path.display()))?;
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if kind_of(&name).is_some() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(|| name.clone())?;
            files.insert(name, plain(&bytes));
        }
    }
    if files.is_empty() {
        bail!("{}: no file of a UN/EDIFACT directory in it", path.display());
    }
    Ok(files)
}

/// Code page 437, of which only the box characters matter: corners and tees that open or close a group become `+`.
fn plain(bytes: &[u8]) -> String {
    let one = |&byte: &u8| match byte {
        0xC4 => '-',
        0xB3 => '|',
        0xBF | 0xD9 | 0xC1 | 0xDA | 0xC0 | 0xC2 | 0xC3 | 0xB4 | 0xC5 => '+',
        byte if byte.is_ascii() => char::from(byte),
        _ => '?',
    };
    bytes.iter().filter(|&&byte| byte != b'\r').map(one).collect()
}

/// A group being read: its head, and what has come so far.
struct OpenGroup {
    usage: Usage,
    max: Option<u32>,
    area: Area,
    label: String,
    nodes: Vec<Node>,
}

/// The segment table of a message: the last section 4 of its file.
fn message(version: &str, kind: &str, text: &str) -> anyhow::Result<Document> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().rposition(|line| line.to_ascii_lowercase().contains("segment table"));
    let start = start.context("no segment table")?;
    let mut area = Area::Heading;
    let mut open = vec![OpenGroup { usage: Usage::Required, max: None, area, label: String::new(), nodes: Vec::new() }];
    for (number, line) in lines.iter().enumerate().skip(start + 1) {
        let wrong = |what: &str| anyhow!("line {}: expected {what}, found {line:?}", number + 1);
        match line.trim() {
            "HEADER SECTION" => area = Area::Heading,
            "DETAIL SECTION" => area = Area::Detail,
            "SUMMARY SECTION" => area = Area::Summary,
            _ => {}
        }
        let Some(row) = row(line) else { continue };
        if let Some(label) = row.group {
            open.push(OpenGroup { usage: row.usage, max: row.max, area, label, nodes: Vec::new() });
            continue;
        }
        let last = open.last_mut().ok_or_else(|| wrong("an open group"))?;
        // A group's trigger carries the group's own place in the order.
        let (tag, usage, max, position, body) = (row.tag, row.usage, row.max, row.position, None);
        last.nodes.push(Node { tag, usage, max, area, position, body });
        for _ in 0..row.closes {
            let closed = open.pop().filter(|_| !open.is_empty()).ok_or_else(|| wrong("no more groups to close"))?;
            let trigger = closed.nodes.first().ok_or_else(|| wrong("a trigger in the group"))?;
            let (tag, position) = (trigger.tag.clone(), trigger.position.clone());
            let body = Some(LoopBody { path: tag.clone(), label: closed.label, nodes: closed.nodes.into() });
            let node = Node { tag, usage: closed.usage, max: closed.max, area: closed.area, position, body };
            open.last_mut().ok_or_else(|| wrong("an outer group"))?.nodes.push(node);
        }
    }
    let mut top = open.pop().filter(|_| open.is_empty()).context("a group is never closed")?;
    if top.nodes.is_empty() {
        bail!("the segment table has no entries");
    }
    top.nodes.iter_mut().for_each(|node| set_paths(node, ""));
    Ok(Document {
        standard: "edifact".into(),
        version: version.into(),
        kind: kind.into(),
        name: name_of(&lines, kind),
        groups: Vec::new(),
        nodes: top.nodes,
        markup: None,
        order: Derived::default(),
    })
}

/// Trigger paths from the outside in; the trigger inside a group has no position of its own beside the group's.
fn set_paths(node: &mut Node, outer: &str) {
    let Some(body) = node.body.as_mut() else { return };
    body.path = if outer.is_empty() { node.tag.clone() } else { format!("{outer}/{}", node.tag) };
    let path = body.path.clone();
    body.nodes.as_mut().iter_mut().for_each(|inner| set_paths(inner, &path));
}

/// The message's name: the first heading of its file that is neither the publisher's nor the paper's kind.
fn name_of(lines: &[&str], kind: &str) -> String {
    let mark = format!("({kind})");
    let joined = lines.iter().take(120).map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let before = joined.find(&mark).map(|at| &joined[..at]);
    let name = before.and_then(|text| text.rfind("definition of the ").map(|at| &text[at + 18..]));
    let name = name.unwrap_or(kind).split_whitespace().collect::<Vec<_>>().join(" ");
    sentence(&name)
}

/// One line of a segment table.
struct Row {
    position: String,
    tag: String,
    group: Option<String>,
    usage: Usage,
    max: Option<u32>,
    closes: usize,
}

/// Reads `0090 + RFF Reference  M   1  ||` or `0080  --- Segment group 1 --- C   10---+`.
fn row(line: &str) -> Option<Row> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if !(4..=5).contains(&digits) {
        return None;
    }
    let (position, rest) = line.split_at(digits);
    // Change marks stand in the margin between position and tag.
    let rest = rest.trim_start_matches([' ', '*', '#', '|', '+', 'X']).trim_start();
    let group = rest.starts_with("--").then(|| {
        let after = rest.split_once("roup").map_or("", |(_, after)| after).trim_start();
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        format!("SG{number}")
    });
    let tag: String = if group.is_some() { String::new() } else { rest.get(..3)?.to_owned() };
    if group.is_none() && !tag.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    // Usage and maximum stand right of the name: the last lone M or C before a number.
    let bytes = rest.as_bytes();
    let at = (1..bytes.len().saturating_sub(1)).rev().find(|&at| {
        matches!(bytes[at], b'M' | b'C')
            && bytes[at - 1] == b' '
            && bytes[at + 1] == b' '
            && rest[at + 1..].trim_start().starts_with(|c: char| c.is_ascii_digit())
    })?;
    let usage = if bytes[at] == b'M' { Usage::Required } else { Usage::Optional };
    let after = rest[at + 1..].trim_start();
    let number: String = after.chars().take_while(char::is_ascii_digit).collect();
    let closes = if group.is_some() { 0 } else { after.bytes().filter(|&byte| byte == b'+').count() };
    Some(Row { position: position.to_owned(), tag, group, usage, max: number.parse().ok(), closes })
}

/// The specifications of a file: what stands between lines of dashes.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let line = format!("\n{}", "-".repeat(40));
        let (block, after) = match rest.find(&line) {
            Some(at) => {
                let after = &rest[at + 1..];
                (&rest[..at], after.split_once('\n').map_or("", |(_, after)| after))
            }
            None => (rest, ""),
        };
        rest = after;
        Some(block)
    })
}

/// Identifier and name of a block: `      C002  DOCUMENT/MESSAGE NAME`, change marks before it.
fn head(block: &str, length: usize) -> Option<(String, String)> {
    let line = block.lines().find(|line| !line.trim().is_empty())?;
    let text = line.trim_start_matches([' ', '*', '#', '|', '+', 'X', '-']);
    let (id, name) = text.split_once(' ')?;
    let is_id = id.len() == length && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_id.then(|| (id.to_owned(), name.trim().to_owned()))
}

/// One entry of a segment or composite: number, name, usage, repeat and representation.
struct Entry {
    id: String,
    name: String,
    usage: Usage,
    max: u32,
}

/// The numbered entries of a block. Unnumbered ones repeat the components of a composite and are left out; a name may
/// go on in the next line, where usage and representation then stand.
fn entries(block: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut pending: Option<(String, String)> = None;
    for line in block.lines() {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let begun = if (3..=4).contains(&digits) {
            let rest = line[digits..].trim_start_matches([' ', '*', '#', '|', '+', 'X']);
            let (id, name) = rest.split_at(rest.len().min(4));
            is_number(id).then(|| (id.to_owned(), name.to_owned()))
        } else {
            pending.take().map(|(id, name)| (id, format!("{} {}", name.trim_end(), line.trim_start())))
        };
        let Some((id, text)) = begun else { continue };
        match usage_in(&text) {
            Some((name, usage, max)) => found.push(Entry { id, name, usage, max }),
            None if line.trim().is_empty() => {}
            None => pending = Some((id, text)),
        }
    }
    found
}

fn is_number(id: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    id.len() == 4 && (digits(id) || id.strip_prefix('C').is_some_and(digits))
}

/// Splits `NAME   C  5 an..35`: name, usage, repeat.
fn usage_in(text: &str) -> Option<(String, Usage, u32)> {
    let bytes = text.as_bytes();
    let stands_at = |at: usize| matches!(bytes[at], b'M' | b'C') && bytes.get(at + 1).is_none_or(|&next| next == b' ');
    // A long name leaves one blank before the usage, and then two follow it.
    let at = (2..bytes.len()).rev().find(|&at| stands_at(at) && bytes[at - 2..at] == *b"  ").or_else(|| {
        let narrow = |at: usize| bytes[at - 1] == b' ' && bytes.get(at + 2).is_some_and(|&next| next == b' ');
        (2..bytes.len()).rev().find(|&at| stands_at(at) && narrow(at))
    })?;
    let usage = if bytes[at] == b'M' { Usage::Required } else { Usage::Optional };
    let repeat = text[at + 1..].split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(1);
    Some((text[..at].split_whitespace().collect::<Vec<_>>().join(" "), usage, repeat))
}

fn segments(text: &str, directory: &mut Directory, anomalies: &mut Vec<String>) {
    for block in blocks(text) {
        let Some((tag, name)) = head(block, 3) else { continue };
        let mut elements: Vec<Place> = entries(block).into_iter().map(place).collect();
        repeat_by_note(block, &mut elements);
        if elements.is_empty() {
            anomalies.push(format!("segment {tag} has no elements"));
        }
        let conditions = Vec::new();
        directory.segments.insert(tag, SegmentDefinition { name: sentence(&name), elements, conditions });
    }
}

fn place(entry: Entry) -> Place {
    Place { id: entry.id, name: entry.name, usage: entry.usage, max: entry.max }
}

/// "The composite C770 … occurs 100 times in the segment": written as so many places, as the data has them.
fn repeat_by_note(block: &str, places: &mut Vec<Place>) {
    let words: Vec<&str> = block.split_whitespace().collect();
    let Some(at) = words.iter().position(|word| *word == "occurs") else { return };
    let id = words[..at].iter().rev().find(|word| is_number(word));
    let times = words.get(at + 1).and_then(|word| word.parse::<usize>().ok());
    if let (Some(id), Some(times)) = (id, times)
        && let Some(index) = places.iter().position(|place| place.id == **id)
    {
        let place = places[index].clone();
        places.splice(index..=index, std::iter::repeat_n(place, times));
    }
}

fn composites(text: &str, directory: &mut Directory, anomalies: &mut Vec<String>) {
    for block in blocks(text) {
        let Some((id, name)) = head(block, 4) else { continue };
        let components: Vec<Place> = entries(block).into_iter().map(place).collect();
        if components.is_empty() {
            anomalies.push(format!("composite {id} has no components"));
        }
        let conditions = Vec::new();
        directory.composites.insert(id, CompositeDefinition { name: sentence(&name), components, conditions });
    }
}

fn elements(text: &str, directory: &mut Directory) {
    for block in blocks(text) {
        let Some((id, name)) = head(block, 4) else { continue };
        let repr = block.lines().find_map(|line| line.trim().strip_prefix("Repr:"));
        let Some((kind, min, max)) = repr.and_then(representation) else { continue };
        directory.elements.insert(id, ElementDefinition { name, kind, min, max, codes: String::new() });
    }
}

/// `an..35`, `n6`, `a3`: type, fewest and most characters.
fn representation(text: &str) -> Option<(ElementType, u32, u32)> {
    let text = text.trim();
    let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let (kind, lengths) = text.split_at(letters);
    let kind = match kind {
        "an" => ElementType::Text,
        "a" => ElementType::Letters,
        "n" => ElementType::Number,
        _ => return None,
    };
    match lengths.strip_prefix("..") {
        Some(max) => Some((kind, 1, max.parse().ok()?)),
        None => lengths.parse().ok().map(|length| (kind, length, length)),
    }
}

/// Columns of the code lists: the code stands before, its name begins at this one, descriptions are indented deeper.
const NAME_COLUMN: usize = 10;
const CODE_COLUMN: usize = 2;

fn codes(text: &str, directory: &mut Directory) {
    for block in blocks(text) {
        let Some((id, _)) = head(block, 4).filter(|(id, _)| is_number(id)) else { continue };
        let mut list = BTreeMap::new();
        let mut last: Option<String> = None;
        let mut heading = true;
        for line in block.lines() {
            // Until the representation all is heading and description of the element itself.
            if heading {
                heading = !line.trim_start().starts_with("Repr:");
                continue;
            }
            match code_line(line) {
                Some((code, name)) => {
                    list.insert(code.clone(), name);
                    last = Some(code);
                }
                // A name that goes on: same column, no code.
                None if line.len() > NAME_COLUMN
                    && line[..NAME_COLUMN].trim().is_empty()
                    && !line[NAME_COLUMN..].starts_with(' ') =>
                {
                    if let Some(name) = last.as_ref().and_then(|code| list.get_mut(code)) {
                        *name = format!("{name} {}", line.trim());
                    }
                }
                None => last = None,
            }
        }
        if !list.is_empty() {
            directory.codes.insert(id, list);
        }
    }
}

fn code_line(line: &str) -> Option<(String, String)> {
    let (left, name) = (line.get(CODE_COLUMN..NAME_COLUMN)?, line.get(NAME_COLUMN..)?);
    let code = left.trim();
    let is_code = !code.is_empty() && !code.contains(' ') && !code.ends_with(':') && left.ends_with(' ');
    (is_code && !name.starts_with(' ') && !name.is_empty()).then(|| (code.to_owned(), name.trim().to_owned()))
}

/// The service segments of one syntax version from the neutral tables.
fn service_tables(folder: &Path, syntax: u8, directory: &mut Directory) -> anyhow::Result<()> {
    let wanted = syntax.to_string();
    let rows = |name: &str| -> anyhow::Result<Vec<Vec<String>>> {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        Ok(text.lines().skip(1).map(cells).filter(|row| row[0] == wanted).collect())
    };
    let usage = |letter: &str| if letter == "M" { Usage::Required } else { Usage::Optional };
    let element = |directory: &mut Directory, id: &str, name: &str, repr: &str| {
        if let Some((kind, min, max)) = representation(repr).filter(|_| !id.is_empty()) {
            let known = directory.elements.entry(id.to_owned());
            known.or_insert(ElementDefinition { name: name.to_owned(), kind, min, max, codes: String::new() });
        }
    };
    for row in rows("segments.tsv")? {
        let [_, tag, segment_name, _, id, name, letter, repr, repeat] = row.as_slice() else {
            bail!("segments.tsv: expected 9 columns, found {row:?}");
        };
        element(directory, id, name, repr);
        let segment = directory.segments.entry(tag.clone()).or_default();
        segment.name.clone_from(segment_name);
        let max = repeat.parse().unwrap_or(1);
        segment.elements.push(Place { id: id.clone(), name: name.clone(), usage: usage(letter), max });
    }
    for row in rows("composites.tsv")? {
        let [_, id, composite_name, _, component, letter, repr] = row.as_slice() else {
            bail!("composites.tsv: expected 7 columns, found {row:?}");
        };
        element(directory, component, "", repr);
        let composite = directory.composites.entry(id.clone()).or_default();
        composite.name.clone_from(composite_name);
        let place = Place { id: component.clone(), name: String::new(), usage: usage(letter), max: 1 };
        composite.components.push(place);
    }
    for row in rows("codes.tsv")? {
        let [_, id, code, name] = row.as_slice() else { bail!("codes.tsv: expected 4 columns, found {row:?}") };
        directory.codes.entry(id.clone()).or_default().insert(code.clone(), name.clone());
    }
    Ok(())
}

/// Places are named after what stands in them: the upper-case names of the segment tables say no more.
fn name_places(directory: &mut Directory) {
    let names: BTreeMap<String, String> = (directory.composites.iter().map(|(id, one)| (id.clone(), one.name.clone())))
        .chain(directory.elements.iter().map(|(id, one)| (id.clone(), one.name.clone())))
        .collect();
    let segments = directory.segments.values_mut().flat_map(|segment| &mut segment.elements);
    for place in segments.chain(directory.composites.values_mut().flat_map(|one| &mut one.components)) {
        if let Some(name) = names.get(&place.id).filter(|name| !name.is_empty()) {
            place.name.clone_from(name);
        }
    }
}

/// `DOCUMENT/MESSAGE NAME` as `Document/message name`.
fn sentence(name: &str) -> String {
    let lower = name.to_lowercase();
    let mut letters = lower.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
