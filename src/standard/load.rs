//! Reads definition files into the shapes of `definition`: packed into the binary, or from an overlay folder.
//! Loading is lazy: a version's shared tables and each document type are read once, when first asked for.

use super::definition::{
    Area, CompositeDefinition, Condition, Derived, Directory, Document, ElementDefinition, ElementType, LoopBody, Node,
    Place, SegmentDefinition, Usage,
};
use include_dir::{Dir, include_dir};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

static PACKED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/standards");

/// Files of a version that are no document types.
const SHARED_FILES: [&str; 4] = ["segments.yaml", "composites.yaml", "elements.yaml", "codes.yaml"];

/// What a version may have beside: names of the segments that stand in none of its document types here.
const OTHER_SEGMENTS: &str = "other_segments.yaml";

/// What a version may have beside: which levels stand under which in a tree of segments.
const HIERARCHIES: &str = "hierarchies.yaml";

/// Why a definition could not be had.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum LoadError {
    /// Neither packed nor in the overlay.
    #[error("no definition {0}; `portolan standards list` prints what is there")]
    Unknown(String),
    /// The file is there and wrong.
    #[error("{file}: {place}: {problem}")]
    Malformed {
        /// Path below `standards/`.
        file: String,
        /// Which entry.
        place: String,
        /// What is expected and what stands there.
        problem: String,
    },
}

/// The definitions at hand. Cheap to share; what was read stays in memory.
pub struct Library {
    overlay: Option<PathBuf>,
    documents: Mutex<HashMap<String, Arc<Document>>>,
    directories: Mutex<HashMap<String, Arc<Directory>>>,
}

impl Library {
    /// What is packed into the binary; files of the same path under `overlay` go before it.
    #[must_use]
    pub fn new(overlay: Option<&Path>) -> Self {
        Library { overlay: overlay.map(Path::to_owned), documents: Mutex::default(), directories: Mutex::default() }
    }

    /// All document types as (standard, version, type), sorted.
    #[must_use]
    pub fn list(&self) -> Vec<[String; 3]> {
        let mut paths: Vec<PathBuf> = Vec::new();
        collect(&PACKED, &mut paths);
        if let Some(overlay) = &self.overlay {
            collect_overlay(overlay, overlay, &mut paths);
        }
        let mut found: Vec<[String; 3]> = paths
            .iter()
            .filter_map(|path| {
                let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
                let [standard, version, file] = <[String; 3]>::try_from(parts).ok()?;
                let shared = is_shared(&file);
                (!shared).then(|| file.strip_suffix(".yaml").map(|kind| [standard, version, kind.to_owned()]))?
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// The definition of a document type.
    ///
    /// # Errors
    /// [`LoadError`]: not there, or malformed.
    pub fn document(&self, standard: &str, version: &str, kind: &str) -> Result<Arc<Document>, LoadError> {
        let name = format!("{standard}/{version}/{kind}");
        let mut cache = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&name) {
            return Ok(known.clone());
        }
        let file = format!("{name}.yaml");
        let file_name = format!("{kind}.yaml");
        let shared = is_shared(&file_name);
        let text = self.text(&file).filter(|_| !shared).ok_or_else(|| LoadError::Unknown(name.clone()))?;
        let read = Arc::new(document(&File { name: &file, value: parse(&file, &text)? })?);
        cache.insert(name, read.clone());
        Ok(read)
    }

    /// The version at hand that is nearest to one that is not, among those that have the document type.
    #[must_use]
    pub fn nearest(&self, standard: &str, version: &str, kind: &str) -> Option<String> {
        let wanted = age(standard, version);
        let rows = self.list().into_iter().filter(|[one, _, other]| one == standard && other == kind);
        rows.map(|[_, version, _]| version).min_by_key(|version| (age(standard, version) - wanted).abs())
    }

    /// What the document types of a version share.
    ///
    /// # Errors
    /// [`LoadError`]: no such version, or a malformed file.
    pub fn directory(&self, standard: &str, version: &str) -> Result<Arc<Directory>, LoadError> {
        let name = format!("{standard}/{version}");
        let mut cache = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&name) {
            return Ok(known.clone());
        }
        let mut directory =
            Directory { standard: standard.to_owned(), version: version.to_owned(), ..Directory::default() };
        for shared in SHARED_FILES {
            let file = format!("{name}/{shared}");
            let text = self.text(&file).ok_or_else(|| LoadError::Unknown(file.clone()))?;
            let file = File { name: &file, value: parse(&file, &text)? };
            match shared {
                "segments.yaml" => directory.segments = segments(&file)?,
                "composites.yaml" => directory.composites = composites(&file)?,
                "elements.yaml" => directory.elements = elements(&file)?,
                _ => directory.codes = codes(&file)?,
            }
        }
        let file = format!("{name}/{HIERARCHIES}");
        if let Some(text) = self.text(&file) {
            directory.hierarchies = hierarchies(&parse(&file, &text)?);
        }
        let file = format!("{name}/{OTHER_SEGMENTS}");
        if let Some(text) = self.text(&file) {
            directory.other_segments = names(&parse(&file, &text)?);
        }
        for (id, element) in &mut directory.elements {
            if directory.codes.contains_key(id) {
                element.codes.clone_from(id);
            }
        }
        let read = Arc::new(directory);
        cache.insert(name, read.clone());
        Ok(read)
    }

    fn text(&self, file: &str) -> Option<String> {
        let overlaid = self.overlay.as_ref().and_then(|folder| std::fs::read_to_string(folder.join(file)).ok());
        overlaid.or_else(|| PACKED.get_file(file)?.contents_utf8().map(str::to_owned))
    }
}

/// A number that grows with the age of versions: X12 `004010`; EDIFACT `d96a` by year and half, and the service
/// messages' `d3`, `41` by syntax version.
fn age(standard: &str, version: &str) -> i64 {
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    let number = digits.parse::<i64>().unwrap_or(0);
    match (standard, digits.len()) {
        ("edifact", 2) if version.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let century = if number < 70 { 2000 } else { 1900 };
            let half = version.bytes().last().filter(u8::is_ascii_alphabetic).map_or(0, |letter| letter - b'a');
            (century + number) * 4 + i64::from(half)
        }
        ("edifact", 1..=3) => number / 10_i64.pow(u32::try_from(digits.len()).unwrap_or(1) - 1),
        _ => number,
    }
}

/// Whether a file holds what the document types of a version share, and is none itself.
fn is_shared(file: &str) -> bool {
    SHARED_FILES.contains(&file) || [HIERARCHIES, OTHER_SEGMENTS].contains(&file)
}

fn names(file: &Value) -> BTreeMap<String, String> {
    let name = |(tag, name): (&String, &Value)| Some((tag.clone(), name.as_str()?.to_owned()));
    file.as_object().into_iter().flatten().filter_map(name).collect()
}

fn hierarchies(file: &Value) -> BTreeMap<String, Vec<Vec<String>>> {
    let step = |step: &Value| step.as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let steps = |steps: &Value| steps.as_array().into_iter().flatten().map(step).collect();
    file.as_object().into_iter().flatten().map(|(code, one)| (code.clone(), steps(one))).collect()
}

fn collect(folder: &Dir<'_>, paths: &mut Vec<PathBuf>) {
    paths.extend(folder.files().map(|file| file.path().to_owned()));
    folder.dirs().for_each(|inner| collect(inner, paths));
}

fn collect_overlay(root: &Path, folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_overlay(root, &path, paths);
        } else if let Ok(inside) = path.strip_prefix(root) {
            paths.push(inside.to_owned());
        }
    }
}

/// A parsed file with the name its errors carry.
struct File<'a> {
    name: &'a str,
    value: Value,
}

impl File<'_> {
    fn wrong(&self, place: &str, expected: &str, found: &str) -> LoadError {
        let problem = format!("expected {expected}, found {found}");
        LoadError::Malformed { file: self.name.to_owned(), place: place.to_owned(), problem }
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.value.as_object().into_iter().flatten()
    }
}

fn parse(file: &str, text: &str) -> Result<Value, LoadError> {
    if text.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let node = crate::yaml::document(text).map_err(|error| LoadError::Malformed {
        file: file.to_owned(),
        place: format!("line {}", error.line),
        problem: error.message,
    });
    node.map(|node| node.to_json())
}

fn document(file: &File<'_>) -> Result<Document, LoadError> {
    let text = |key: &str| match &file.value[key] {
        Value::String(text) => Ok(text.clone()),
        other => Err(file.wrong(key, "a text", &other.to_string())),
    };
    let mut nodes = Vec::new();
    for area in Area::ALL {
        nodes.extend(self::nodes(file, &file.value[area.name()], area, "")?);
    }
    let groups = file.value["groups"].as_array().into_iter().flatten();
    Ok(Document {
        standard: text("standard")?,
        version: text("version")?,
        kind: text("type")?,
        name: text("name")?,
        groups: groups.filter_map(|group| group.as_str().map(str::to_owned)).collect(),
        nodes,
        order: Derived::default(),
    })
}

fn nodes(file: &File<'_>, list: &Value, area: Area, outer: &str) -> Result<Vec<Node>, LoadError> {
    let one = |item: &Value| match item {
        Value::String(text) => node(file, text, None, area, outer),
        Value::Object(object) => match object.iter().next() {
            Some((text, body)) => node(file, text, Some(body), area, outer),
            None => Err(file.wrong(area.name(), "a loop", "nothing")),
        },
        other => Err(file.wrong(area.name(), "a segment `TAG USAGE MAX` or a loop", &other.to_string())),
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

/// One line of the tree: `[POSITION] TAG [loop] USAGE MAX [LABEL]`.
fn node(file: &File<'_>, text: &str, body: Option<&Value>, area: Area, outer: &str) -> Result<Node, LoadError> {
    let mut words = text.split(' ').peekable();
    // A tag has a letter, a position none: 010 in X12, 0010 in EDIFACT.
    let position = words.next_if(|word| word.bytes().all(|b| b.is_ascii_digit())).unwrap_or("");
    let tag = words.next().unwrap_or_default();
    let is_loop = words.next_if_eq(&"loop").is_some();
    if is_loop != body.is_some() {
        return Err(file.wrong(text, "`loop` on entries with content below, and only there", text));
    }
    let usage = usage(file, text, words.next().unwrap_or_default())?;
    let max = match words.next().unwrap_or_default() {
        ">1" => None,
        number => Some(number.parse().map_err(|_| file.wrong(text, "a maximum, or >1", number))?),
    };
    let label = words.collect::<Vec<_>>().join(" ");
    let path = if outer.is_empty() { tag.to_owned() } else { format!("{outer}/{tag}") };
    let body = match body {
        Some(list) => Some(LoopBody { nodes: nodes(file, list, area, &path)?, path, label }),
        None => None,
    };
    Ok(Node { tag: tag.to_owned(), usage, max, area, position: position.to_owned(), body })
}

fn usage(file: &File<'_>, place: &str, letter: &str) -> Result<Usage, LoadError> {
    match letter {
        "R" => Ok(Usage::Required),
        "O" => Ok(Usage::Optional),
        "C" => Ok(Usage::Conditional),
        "U" => Ok(Usage::Unused),
        other => Err(file.wrong(place, "a usage (R, O, C or U)", other)),
    }
}

fn segments(file: &File<'_>) -> Result<BTreeMap<String, SegmentDefinition>, LoadError> {
    let one = |(tag, facts): (&String, &Value)| {
        let elements = places(file, tag, &facts["elements"])?;
        let conditions = conditions(file, tag, &facts["conditions"])?;
        Ok((tag.clone(), SegmentDefinition { name: name_of(facts), elements, conditions }))
    };
    file.entries().map(one).collect()
}

fn composites(file: &File<'_>) -> Result<BTreeMap<String, CompositeDefinition>, LoadError> {
    let one = |(id, facts): (&String, &Value)| {
        let components = places(file, id, &facts["components"])?;
        let conditions = conditions(file, id, &facts["conditions"])?;
        Ok((id.clone(), CompositeDefinition { name: name_of(facts), components, conditions }))
    };
    file.entries().map(one).collect()
}

fn name_of(facts: &Value) -> String {
    facts["name"].as_str().unwrap_or_default().to_owned()
}

/// Element places: `NUMBER USAGE [xN] Name`.
fn places(file: &File<'_>, holder: &str, list: &Value) -> Result<Vec<Place>, LoadError> {
    let one = |item: &Value| {
        let text = item.as_str().unwrap_or_default();
        let mut words = text.splitn(3, ' ');
        let id = words.next().unwrap_or_default().to_owned();
        let usage = usage(file, &format!("{holder}: {text}"), words.next().unwrap_or_default())?;
        let rest = words.next().unwrap_or_default();
        let repeat = rest.strip_prefix('x').and_then(|rest| rest.split_once(' '));
        let (max, name) = match repeat.map(|(max, name)| (max.parse(), name)) {
            Some((Ok(max), name)) => (max, name),
            _ => (1, rest),
        };
        Ok(Place { id, name: name.to_owned(), usage, max })
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

/// Conditions: `P0203`.
fn conditions(file: &File<'_>, holder: &str, list: &Value) -> Result<Vec<Condition>, LoadError> {
    let one = |item: &Value| {
        let text = item.as_str().unwrap_or_default();
        let wrong = || file.wrong(holder, "a condition such as P0203", text);
        let letter = text.chars().next().filter(|letter| "PRECL".contains(*letter)).ok_or_else(wrong)?;
        let digits = text.as_bytes()[1..].chunks(2).map(|two| std::str::from_utf8(two).ok()?.parse().ok());
        Ok(Condition { letter, elements: digits.collect::<Option<_>>().ok_or_else(wrong)? })
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

/// Elements: `TYPE MIN/MAX Name`.
fn elements(file: &File<'_>) -> Result<BTreeMap<String, ElementDefinition>, LoadError> {
    let one = |(id, facts): (&String, &Value)| {
        let text = facts.as_str().unwrap_or_default();
        let mut words = text.splitn(3, ' ');
        let wrong = || file.wrong(id, "`TYPE MIN/MAX Name`", text);
        let kind = words.next().and_then(element_type).ok_or_else(wrong)?;
        let (min, max) = words.next().and_then(|lengths| lengths.split_once('/')).ok_or_else(wrong)?;
        let (min, max) = (min.parse().map_err(|_| wrong())?, max.parse().map_err(|_| wrong())?);
        let name = words.next().unwrap_or_default().to_owned();
        Ok((id.clone(), ElementDefinition { name, kind, min, max, codes: String::new() }))
    };
    file.entries().map(one).collect()
}

/// The type of its name in the notation.
fn element_type(name: &str) -> Option<ElementType> {
    Some(match name.as_bytes() {
        b"AN" => ElementType::Text,
        b"A" => ElementType::Letters,
        b"R" => ElementType::Number,
        b"ID" => ElementType::Code,
        b"DT" => ElementType::Date,
        b"TM" => ElementType::Time,
        b"B" => ElementType::Binary,
        [b'N', digit @ b'0'..=b'9'] => ElementType::Implied(digit - b'0'),
        _ => return None,
    })
}

fn codes(file: &File<'_>) -> Result<BTreeMap<String, BTreeMap<String, String>>, LoadError> {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let list = |codes: &Value| -> BTreeMap<String, String> {
        codes.as_object().into_iter().flatten().map(|(code, name)| (code.clone(), text(name))).collect()
    };
    Ok(file.entries().map(|(id, codes)| (id.clone(), list(codes))).collect())
}
