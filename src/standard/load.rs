//! Reads definition files into the shapes of `definition`: packed into the binary, or from an overlay folder.
//! Loading is lazy: a version's shared tables and each document type are read once, when first asked for.

mod laid_out;

pub use laid_out::LaidOut;

use super::content::{Contents, Markup};
use super::definition::{
    Area, CompositeDefinition, Condition, Derived, Directory, Document, ElementDefinition, ElementType, LoopBody, Node,
    Place, SegmentDefinition, Usage, name_loops,
};
use super::entries::Entries;
use super::lines::{self, CodeLists};
use super::packed;
use super::version::nearest;
use crate::diagnostic::Fault;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The files that the document types of a version share.
const SEGMENTS: &str = "segments.yaml";
const COMPOSITES: &str = "composites.yaml";
const ELEMENTS: &str = "elements.yaml";
const CODES: &str = "codes.yaml";

/// What a version may have beside: names of the segments that stand in none of its document types here.
const OTHER_SEGMENTS: &str = "other_segments.yaml";

/// What a version may have beside: which levels stand under which in a tree of segments.
const HIERARCHIES: &str = "hierarchies.yaml";

/// What a version of XML documents has instead of the shared files.
const CONTENTS: &str = "contents.yaml";
/// Document types whose nearest version is kept in memory.
const NEAREST_KEPT_MAX: usize = 10_000;

/// The syntax version whose service segments directories are imported with.
const IMPORTED_SYNTAX: &str = "3";

/// Versions of service messages, each of its own syntax version.
const SERVICE_VERSIONS: [&str; 2] = ["d3", "41"];

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

impl LoadError {
    /// The finding that it is about a document which needs the definition.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            LoadError::Unknown(_) => Fault::DocumentTypeUnknown,
            LoadError::Malformed { .. } => Fault::DefinitionMalformed,
        }
    }

    /// What is wrong, of a file that is there.
    #[must_use]
    pub fn malformed(self) -> Option<LoadError> {
        Some(self).filter(|error| matches!(error, LoadError::Malformed { .. }))
    }
}

/// The definitions at hand. Cheap to share; what was read stays in memory.
#[derive(Debug, Clone)]
pub struct Library {
    overlay: Option<PathBuf>,
    /// Files of the overlay, looked through once.
    overlaid: Arc<OnceLock<Vec<String>>>,
    documents: Arc<Mutex<HashMap<String, Arc<Document>>>>,
    directories: Arc<Mutex<HashMap<String, Arc<Directory>>>>,
    /// The root elements of XML document types.
    roots: Arc<OnceLock<Roots>>,
    /// Document types that are laid out by their definition.
    laid_out: Arc<OnceLock<LaidOut>>,
    /// What an input is that does not say it.
    told: Option<Arc<Document>>,
    /// Documents with their directories under the service segments of another syntax version.
    in_syntax: Arc<Mutex<HashMap<String, Defined>>>,
    /// Document types that were not there, each with its nearest version.
    nearest: Arc<Mutex<HashMap<[String; 3], Option<String>>>>,
}

/// The root elements of XML document types, each with its type; and what is wrong with files that do not tell theirs.
#[derive(Debug, Default)]
struct Roots {
    known: Vec<(String, [String; 3])>,
    faults: Vec<LoadError>,
}

/// A document type with what its version's document types share.
pub type Defined = (Arc<Document>, Arc<Directory>);

impl Library {
    /// What is packed into the binary; files of the same path under `overlay` go before it.
    #[must_use]
    pub fn new(overlay: Option<&Path>) -> Self {
        Library {
            overlay: overlay.map(Path::to_owned),
            documents: Arc::default(),
            directories: Arc::default(),
            roots: Arc::default(),
            laid_out: Arc::default(),
            told: None,
            overlaid: Arc::default(),
            in_syntax: Arc::default(),
            nearest: Arc::default(),
        }
    }

    /// All document types as (standard, version, type), sorted.
    #[must_use]
    pub fn list(&self) -> Vec<[String; 3]> {
        let mut found: Vec<[&str; 3]> = self.types().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|parts| parts.map(str::to_owned)).collect()
    }

    /// All document types in no order, those of the overlay that are packed too twice.
    fn types<'l>(&'l self) -> impl Iterator<Item = [&'l str; 3]> {
        let packed = packed::paths().map(|path| -> &'l str { path });
        packed.chain(self.overlaid().iter().map(String::as_str)).filter_map(document_type)
    }

    /// The types of a standard, of all versions, sorted.
    #[must_use]
    pub fn kinds(&self, standard: &str) -> Vec<&str> {
        let types = self.types().filter(|[one, ..]| *one == standard);
        let kinds: BTreeSet<&str> = types.map(|[_, _, kind]| kind).collect();
        kinds.into_iter().collect()
    }

    /// The name of a document type that is there. Of a packed one it is known without reading the definition.
    ///
    /// # Errors
    /// As [`Library::document`].
    pub fn name(&self, standard: &str, version: &str, kind: &str) -> Result<String, LoadError> {
        let file = format!("{standard}/{version}/{kind}.yaml");
        match packed::name(&file).filter(|_| !self.overlaid().contains(&file)) {
            Some(name) => Ok(name.to_owned()),
            None => self.document(standard, version, kind).map(|document| document.name.clone()),
        }
    }

    fn overlaid(&self) -> &[String] {
        self.overlaid.get_or_init(|| {
            let mut files = Vec::new();
            if let Some(overlay) = &self.overlay {
                files_below(overlay, overlay, &mut files);
            }
            files
        })
    }

    /// The definition of a document type.
    ///
    /// # Errors
    /// [`LoadError`]: not there, or malformed.
    pub fn document(&self, standard: &str, version: &str, kind: &str) -> Result<Arc<Document>, LoadError> {
        let name = format!("{standard}/{version}/{kind}");
        if ![standard, version, kind].into_iter().all(is_name) {
            return Err(LoadError::Unknown(name));
        }
        let mut cache = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&name) {
            return Ok(known.clone());
        }
        let file = format!("{name}.yaml");
        let file_name = format!("{kind}.yaml");
        let shared = is_shared(&file_name);
        let text = self.text(&file)?.filter(|_| !shared).ok_or_else(|| LoadError::Unknown(name.clone()))?;
        let parsed = File::of(&file, &text)?;
        let mut read = document(&parsed)?;
        let directory = match self.directory(standard, version) {
            Err(error @ LoadError::Malformed { .. }) => return Err(error),
            other => other.ok(),
        };
        if let Some(shared) = directory.and_then(|directory| directory.contents.clone()) {
            let markup = Markup::parse(&file, &parsed.value, &shared)?;
            if self.own_text(&file)?.is_some() {
                markup.contents.check(&file)?;
            }
            read.nodes = markup.contents.nodes(&markup.root, &markup.content, "");
            read.markup = Some(Box::new(markup));
        }
        let read = Arc::new(read);
        cache.insert(name, read.clone());
        Ok(read)
    }

    /// The XML document types whose root element has this name. Where none has, what is wrong with files that do not tell
    /// their root: one of them may be meant.
    pub fn rooted(&self, root: &str) -> Vec<Result<Arc<Document>, LoadError>> {
        let roots = self.roots.get_or_init(|| {
            let (mut known, mut roots) = (HashMap::new(), Roots::default());
            for parts in self.list() {
                let contents = format!("{}/{}/{CONTENTS}", parts[0], parts[1]);
                // What cannot be read is there.
                let is_there = |contents: &String| self.text(contents).map_or(true, |text| text.is_some());
                if !*known.entry(contents).or_insert_with_key(is_there) {
                    continue;
                }
                match self.root(&format!("{}.yaml", parts.join("/"))) {
                    Ok(root) => roots.known.extend(root.map(|root| (root, parts))),
                    Err(error) => roots.faults.push(error),
                }
            }
            roots
        });
        let of_root = roots.known.iter().filter(|(own, _)| own == root);
        let found = of_root.map(|(_, [standard, version, kind])| self.document(standard, version, kind));
        let found: Vec<Result<Arc<Document>, LoadError>> = found.collect();
        if found.is_empty() { roots.faults.iter().cloned().map(Err).collect() } else { found }
    }

    /// The root element of an XML document type; its file is not read for it where it is as the importer writes it.
    fn root(&self, file: &str) -> Result<Option<String>, LoadError> {
        let Some(text) = self.text(file)? else { return Ok(None) };
        match lines::value(&text, "root") {
            Some(root) => Ok(Some(root)),
            None => Ok(parse(file, &text)?["root"].as_str().map(str::to_owned)),
        }
    }

    /// The version at hand that is nearest to one that is not, among those that have the document type; the later of two.
    #[must_use]
    pub fn nearest(&self, standard: &str, version: &str, kind: &str) -> Option<String> {
        let versions = || self.types().filter(|[one, _, other]| *one == standard && *other == kind);
        let find = || nearest(standard, version, versions().map(|[_, version, _]| version)).map(str::to_owned);
        let mut cache = self.nearest.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() == NEAREST_KEPT_MAX {
            return find(); // somebody tries names out
        }
        cache.entry([standard, version, kind].map(str::to_owned)).or_insert_with(find).clone()
    }

    /// What the document types of a version share.
    ///
    /// # Errors
    /// [`LoadError`]: no such version, or a malformed file.
    pub fn directory(&self, standard: &str, version: &str) -> Result<Arc<Directory>, LoadError> {
        let name = format!("{standard}/{version}");
        if ![standard, version].into_iter().all(is_name) {
            return Err(LoadError::Unknown(name));
        }
        let mut cache = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&name) {
            return Ok(known.clone());
        }
        let mut directory =
            Directory { standard: standard.to_owned(), version: version.to_owned(), ..Directory::default() };
        let contents = format!("{name}/{CONTENTS}");
        if let Some(read) = self.contents(&contents)? {
            directory.contents = Some(Arc::new(read));
            let read = Arc::new(directory);
            cache.insert(name, read.clone());
            return Ok(read);
        }
        if self.is_laid_out(&name) {
            directory.contents = Some(Arc::default());
            let read = Arc::new(directory);
            cache.insert(name, read.clone());
            return Ok(read);
        }
        directory.segments = self.entries(&format!("{name}/{SEGMENTS}"), segments)?;
        directory.composites = self.entries(&format!("{name}/{COMPOSITES}"), composites)?;
        directory.codes = self.entries(&format!("{name}/{CODES}"), codes)?;
        let coded: HashSet<String> = directory.codes.keys().map(str::to_owned).collect();
        let elements = move |file: &str, text: &str| elements(file, text, &coded);
        directory.elements = self.entries(&format!("{name}/{ELEMENTS}"), elements)?;
        let file = format!("{name}/{HIERARCHIES}");
        if let Some(text) = self.text(&file)? {
            directory.hierarchies = hierarchies(&parse(&file, &text)?);
        }
        let file = format!("{name}/{OTHER_SEGMENTS}");
        if let Some(text) = self.text(&file)? {
            directory.other_segments = names(&parse(&file, &text)?);
        }
        let read = Arc::new(directory);
        cache.insert(name, read.clone());
        Ok(read)
    }

    /// A document type and its directory as they are in an interchange of an EDIFACT syntax version: with that version's
    /// service segments. Those of its directory stay where the version is theirs, or not known.
    ///
    /// # Errors
    /// As [`Library::document`] and [`Library::directory`].
    pub fn in_syntax(&self, standard: &str, version: &str, kind: &str, syntax: &str) -> Result<Defined, LoadError> {
        let own = || Ok((self.document(standard, version, kind)?, self.directory(standard, version)?));
        if standard != "edifact" || syntax == IMPORTED_SYNTAX || SERVICE_VERSIONS.contains(&version) {
            return own();
        }
        let name = format!("{version}/{kind} {syntax}");
        let known = |cache: &HashMap<String, Defined>| cache.get(&name).cloned();
        if let Some(found) = known(&self.in_syntax.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(found);
        }
        let (document, directory) = own()?;
        let service = match self.directory(standard, &format!("syntax{syntax}")) {
            Ok(service) => service,
            Err(LoadError::Unknown(_)) => return Ok((document, directory)),
            Err(error) => return Err(error),
        };
        // Documents of one version share the directory in each syntax.
        let shared = format!("{version}/ {syntax}");
        let mut cache = self.in_syntax.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = match cache.get(&shared) {
            Some((_, directory)) => directory.clone(),
            None => {
                let mut merged = Directory::clone(&directory);
                merged.segments = directory.segments.under(&service.segments);
                merged.composites = directory.composites.under(&service.composites);
                merged.elements = directory.elements.under(&service.elements);
                merged.codes = directory.codes.under(&service.codes);
                Arc::new(merged)
            }
        };
        // The order of a document type knows its segments' rules by number: it is worked out anew for another directory.
        let document = Arc::new(Document::clone(&document));
        cache.insert(shared, (document.clone(), directory.clone()));
        cache.insert(name, (document.clone(), directory.clone()));
        Ok((document, directory))
    }

    /// What the elements of a version's XML documents hold, if it has any; read as [`Library::entries`] are.
    fn contents(&self, file: &str) -> Result<Option<Contents>, LoadError> {
        let own = self.own_text(file)?;
        let packed = || packed::text(file);
        if own.is_none()
            && let Some(read) = packed().as_deref().and_then(Contents::by_lines)
        {
            return Ok(Some(read));
        }
        let Some(text) = own.or_else(packed) else { return Ok(None) };
        let mut read = Contents::default();
        read.add(file, &parse(file, &text)?)?;
        read.check(file)?;
        Ok(Some(read))
    }

    fn text(&self, file: &str) -> Result<Option<String>, LoadError> {
        Ok(self.own_text(file)?.or_else(|| packed::text(file)))
    }

    /// A file of the overlay, where there is one.
    fn own_text(&self, file: &str) -> Result<Option<String>, LoadError> {
        let Some(overlay) = &self.overlay else { return Ok(None) };
        match std::fs::read_to_string(overlay.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => {
                let (file, place) = (file.to_owned(), "the whole file".to_owned());
                Err(LoadError::Malformed { file, place, problem: format!("it cannot be read: {error}") })
            }
        }
    }

    /// What a shared file says, by key. Of a packed one an entry is read when it is asked for, as a file of its lines alone:
    /// the tests have read them all. One of the overlay is read whole, so that whatever is wrong with it is told.
    fn entries<T: 'static>(&self, file: &str, read: impl Read<T>) -> Result<Entries<T>, LoadError> {
        if let Some(own) = self.own_text(file)? {
            return Ok(read(file, &own)?.into());
        }
        let text = packed::text(file).ok_or_else(|| LoadError::Unknown(file.to_owned()))?;
        match lines::entries(&text, 0) {
            None => Ok(read(file, &text)?.into()),
            Some(found) => Ok(Entries::of(text, found, move |lines| read("", lines).ok()?.into_values().next())),
        }
    }
}

/// Standard, version and type of a definition file's path; none of a file that document types share.
fn document_type(path: &str) -> Option<[&str; 3]> {
    let mut parts = path.split('/');
    let (standard, version, file) = (parts.next()?, parts.next()?, parts.next()?);
    let is_document = parts.next().is_none() && !is_shared(file);
    Some([standard, version, file.strip_suffix(".yaml").filter(|_| is_document)?])
}

/// Whether a file holds what the document types of a version share, and is none itself.
fn is_shared(file: &str) -> bool {
    [SEGMENTS, COMPOSITES, ELEMENTS, CODES, HIERARCHIES, OTHER_SEGMENTS, CONTENTS].contains(&file)
}

/// Whether a text may be a part of a path. What comes over the wire names definitions, and must not lead out of their folder.
#[must_use]
pub fn is_name(part: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    !part.is_empty() && part.chars().all(is_plain) && part != "." && !part.contains("..")
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

/// Paths of all files below a folder, with slashes.
pub fn files_below(root: &Path, folder: &Path, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(root, &path, paths);
        } else if let Ok(inside) = path.strip_prefix(root) {
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            paths.push(parts.join("/"));
        }
    }
}

/// Reads a file of this name and text.
trait Read<T>: Fn(&str, &str) -> Result<BTreeMap<String, T>, LoadError> + Send + Sync + 'static {}

impl<T, R: Fn(&str, &str) -> Result<BTreeMap<String, T>, LoadError> + Send + Sync + 'static> Read<T> for R {}

/// A parsed file with the name its errors carry.
struct File<'a> {
    name: &'a str,
    value: Value,
}

impl<'a> File<'a> {
    fn of(name: &'a str, text: &str) -> Result<Self, LoadError> {
        Ok(File { name, value: parse(name, text)? })
    }

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
        nodes.extend(self::nodes(file, &file.value[area.name()], area)?);
    }
    name_loops(&mut nodes, "");
    let groups = file.value["groups"].as_array().into_iter().flatten();
    Ok(Document {
        standard: text("standard")?,
        version: text("version")?,
        kind: text("type")?,
        name: text("name")?,
        groups: groups.filter_map(|group| group.as_str().map(str::to_owned)).collect(),
        nodes,
        markup: None,
        order: Derived::default(),
    })
}

fn nodes(file: &File<'_>, list: &Value, area: Area) -> Result<Vec<Node>, LoadError> {
    let one = |item: &Value| match item {
        Value::String(text) => node(file, text, None, area),
        Value::Object(object) => match object.iter().next() {
            Some((text, body)) => node(file, text, Some(body), area),
            None => Err(file.wrong(area.name(), "a loop", "nothing")),
        },
        other => Err(file.wrong(area.name(), "a segment `TAG USAGE MAX` or a loop", &other.to_string())),
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

/// One line of the tree: `[POSITION] TAG [loop] USAGE MAX [LABEL]`.
fn node(file: &File<'_>, text: &str, body: Option<&Value>, area: Area) -> Result<Node, LoadError> {
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
    let body = match body {
        Some(list) => Some(LoopBody { nodes: nodes(file, list, area)?.into(), path: String::new(), label }),
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

fn segments(file: &str, text: &str) -> Result<BTreeMap<String, SegmentDefinition>, LoadError> {
    let file = &File::of(file, text)?;
    let one = |(tag, facts): (&String, &Value)| {
        let elements = places(file, tag, &facts["elements"])?;
        let conditions = conditions(file, tag, &facts["conditions"])?;
        Ok((tag.clone(), SegmentDefinition { name: name_of(facts), elements, conditions }))
    };
    file.entries().map(one).collect()
}

fn composites(file: &str, text: &str) -> Result<BTreeMap<String, CompositeDefinition>, LoadError> {
    let file = &File::of(file, text)?;
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

/// Conditions: `P0203`, `D5(05,04)`.
fn conditions(file: &File<'_>, holder: &str, list: &Value) -> Result<Vec<Condition>, LoadError> {
    let one = |item: &Value| {
        let text = item.as_str().unwrap_or_default();
        Condition::parse(text).ok_or_else(|| file.wrong(holder, "a condition such as P0203 or D5(05,04)", text))
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

/// Elements: `TYPE MIN/MAX Name`; `coded` are those with a code list.
fn elements(file: &str, text: &str, coded: &HashSet<String>) -> Result<BTreeMap<String, ElementDefinition>, LoadError> {
    let file = &File::of(file, text)?;
    let one = |(id, facts): (&String, &Value)| {
        let text = facts.as_str().unwrap_or_default();
        let mut words = text.splitn(3, ' ');
        let wrong = || file.wrong(id, "`TYPE MIN/MAX Name`", text);
        let kind = words.next().and_then(element_type).ok_or_else(wrong)?;
        let (min, max) = words.next().and_then(|lengths| lengths.split_once('/')).ok_or_else(wrong)?;
        let (min, max) = (min.parse().map_err(|_| wrong())?, max.parse().map_err(|_| wrong())?);
        let name = words.next().unwrap_or_default().to_owned();
        let codes = coded.get(id).cloned().unwrap_or_default();
        Ok((id.clone(), ElementDefinition { name, kind, min, max, codes }))
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

fn codes(file: &str, text: &str) -> Result<CodeLists, LoadError> {
    if let Some(read) = lines::codes(text) {
        return Ok(read);
    }
    let file = File::of(file, text)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let list = |codes: &Value| -> BTreeMap<String, String> {
        codes.as_object().into_iter().flatten().map(|(code, name)| (code.clone(), text(name))).collect()
    };
    Ok(file.entries().map(|(id, codes)| (id.clone(), list(codes))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a packed file, and what reading it whole says.
    fn whole<T>(file: &str, read: impl Read<T>) -> BTreeMap<String, T> {
        let text = packed::text(file).unwrap_or_else(|| panic!("{file} is not packed"));
        assert!(lines::entries(&text, 0).is_some(), "{file} is not as the importer writes it");
        read(file, &text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_entry_read_alone_is_what_the_whole_file_says() {
        let library = Library::new(None);
        let mut compared = 0;
        for folder in packed::paths().filter_map(|path| path.strip_suffix("/segments.yaml")) {
            let (standard, version) = folder.split_once('/').expect("a standard and a version");
            let directory = library.directory(standard, version).expect("packed");
            let file = |name: &str| format!("{folder}/{name}");
            let codes = whole(&file(CODES), codes);
            let coded: HashSet<String> = codes.keys().cloned().collect();
            let elements = move |file: &str, text: &str| elements(file, text, &coded);
            assert_eq!(directory.segments.read() + directory.elements.read() + directory.codes.read(), 0, "{folder}");
            assert!(directory.segments == whole(&file(SEGMENTS), segments), "{folder}: segments");
            assert!(directory.composites == whole(&file(COMPOSITES), composites), "{folder}: composites");
            assert!(directory.elements == whole(&file(ELEMENTS), elements), "{folder}: elements");
            assert!(directory.codes == codes, "{folder}: codes");
            compared += directory.segments.len() + directory.elements.len() + codes.len();
        }
        assert!(compared > 10_000, "only {compared} entries compared");
    }

    #[test]
    fn every_content_read_alone_is_what_the_whole_file_says_and_all_hold_together() {
        let library = Library::new(None);
        let mut compared = 0;
        for file in packed::paths().filter(|path| path.ends_with(CONTENTS)) {
            let text = packed::text(file).expect("packed");
            let mut whole = Contents::default();
            whole.add(file, &parse(file, &text).expect("YAML")).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(whole.check(file), Ok(()));
            let lazy = Contents::by_lines(&text).unwrap_or_else(|| panic!("{file} is not as the importer writes it"));
            assert_eq!(lazy.read(), 0, "{file}");
            assert!(lazy == whole, "{file}");
            compared += whole.all().count();
        }
        assert!(compared > 500, "only {compared} contents compared");
        for [standard, version, kind] in library.list() {
            let Ok(document) = library.document(&standard, &version, &kind) else { panic!("{version}/{kind}") };
            let file = format!("{standard}/{version}/{kind}.yaml");
            let Some(markup) = &document.markup else { continue };
            assert_eq!(markup.contents.check(&file), Ok(()));
            let root = lines::value(&packed::text(&file).expect("packed"), "root");
            assert_eq!(root.as_deref(), Some(markup.root.as_str()), "{file}");
        }
    }

    #[test]
    fn err_a_name_that_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let (own, outside) = (folder.path().join("own"), folder.path().join("outside"));
        let text = "standard: x\nversion: \"1\"\ntype: Secret\nname: Secret\nroot: a\ncontent: A\ncontents:\n  A:\n    text: text\n";
        for inside in [outside.clone(), own.join("x/1")] {
            std::fs::create_dir_all(&inside).expect("made");
            std::fs::write(inside.join("Secret.yaml"), text).expect("written");
        }
        let library = Library::new(Some(&own));
        assert_eq!(library.document("x", "1", "Secret").expect("its own").name, "Secret");
        let outside = outside.to_str().expect("a path");
        for parts in [
            ["", outside, "Secret"],
            ["", "", &format!("{outside}/Secret")],
            ["..", "outside", "Secret"],
            ["x", "../../outside", "Secret"],
            ["x", "1", "..\\Secret"],
            ["x", ".", "1/Secret"],
            ["x", "1", "Secret\0"],
        ] {
            let [standard, version, kind] = parts;
            let unknown = LoadError::Unknown(parts.join("/"));
            assert_eq!(library.document(standard, version, kind).expect_err("unknown"), unknown);
        }
        let directory = library.directory("edifact", "syntax/../../outside");
        assert_eq!(directory.expect_err("unknown"), LoadError::Unknown("edifact/syntax/../../outside".to_owned()));
    }

    #[test]
    fn err_own_files_are_read_whole_and_what_is_wrong_is_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let told = |standard: &str, version: &str| {
            let library = Library::new(Some(folder.path()));
            library.directory(standard, version).map(|_| ()).expect_err("wrong").to_string()
        };
        put("x12/004010/segments.yaml", "BEG:\n  name: Begin\n  elements:\n    - \"353 M Purpose\"\n");
        let expected = "x12/004010/segments.yaml: BEG: 353 M Purpose: expected a usage (R, O, C or U), found M";
        assert_eq!(told("x12", "004010"), expected);
        put("x12/004010/segments.yaml", "BEG:\n  name: Begin\nBEG:\n  name: Again\n");
        assert_eq!(told("x12", "004010"), "x12/004010/segments.yaml: line 3: key BEG stands twice");
        put("ubl/2.1/contents.yaml", "contents:\n  Party:\n    parts:\n      - cbc:Name O 1 Nothing\n");
        let expected = "ubl/2.1/contents.yaml: Party: expected a content of this version, found Nothing";
        assert_eq!(told("ubl", "2.1"), expected);
    }
}
