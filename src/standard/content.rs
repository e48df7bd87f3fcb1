//! What the elements of an XML document type hold: their text, attributes and child elements, as data. `load` reads it from
//! `contents.yaml` and the files of the document types; `codec::xml` holds documents against it. The records of tables, of
//! files of fixed width and of JSON are the same: elements that hold fields and other records (`layout`).
//!
//! For mappings, guides and the rest, an XML document is the same tree of segments as the others (see [`Content::element`]):
//! an element that has children, or may repeat, is a segment of its name, one with children begins a loop; what stands in it
//! once and has no children is an element of that segment, and attributes are components.

use super::definition::{Area, LoopBody, Node, Nodes, Usage};
use super::entries::Entries;
use super::layout::{Layout, is_date_form};
use super::lines;
use super::load::LoadError;
use super::tag;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// What a text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Any characters.
    Text,
    /// A decimal number, `-12.50`.
    Number,
    /// A whole number.
    Integer,
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// `2026-01-31`, a time zone may follow.
    Date,
    /// `09:30:00`, a time zone may follow.
    Time,
    /// `2026-01-31T09:30:00`, a time zone may follow; or a day alone.
    DateTime,
    /// One of a list, on one line.
    Code,
    /// Base64.
    Binary,
}

impl Form {
    /// All, with the words that files use.
    pub const ALL: [(Form, &str); 9] = [
        (Form::Text, "text"),
        (Form::Number, "number"),
        (Form::Integer, "integer"),
        (Form::Boolean, "boolean"),
        (Form::Date, "date"),
        (Form::Time, "time"),
        (Form::DateTime, "date_time"),
        (Form::Code, "code"),
        (Form::Binary, "binary"),
    ];

    /// The word that files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        Form::ALL.iter().find(|(own, _)| *own == self).map_or("", |(_, word)| word)
    }

    /// The form of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Form> {
        Form::ALL.iter().find(|(_, own)| *own == word).map(|(form, _)| *form)
    }
}

/// An attribute of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, with the prefix where it is one of XML's own (`xml:lang`).
    pub name: String,
    /// Whether it must be there.
    pub usage: Usage,
    /// What its value looks like.
    pub form: Form,
    /// The only values it may have; any, when there is none.
    pub values: Vec<String>,
}

/// A child element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Prefix of its namespace; empty for that of the document.
    pub prefix: String,
    /// Its local name.
    pub name: String,
    /// Whether it must be there.
    pub usage: Usage,
    /// How often; `None` is no limit.
    pub max: Option<u32>,
    /// What it holds, by key.
    pub content: String,
    /// Its number among the elements of the segment; 0 when it is a segment itself.
    element: u16,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Its key.
    pub key: String,
    /// Short name for people.
    pub name: String,
    /// What its text looks like; without one it holds elements only.
    pub text: Option<Form>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// Its child elements.
    pub parts: Vec<Part>,
    /// They may stand in any order.
    pub is_unordered: bool,
    /// Any other element may stand in it.
    pub is_open: bool,
}

/// The element of a segment that is the XML element itself: component 1 is its text, the others are its attributes.
pub const ITSELF: u16 = 1;

impl Content {
    /// What holds a value of a form.
    #[must_use]
    pub fn leaf(key: &str, form: Form) -> Self {
        Content { key: key.to_owned(), name: key.to_owned(), text: Some(form), ..Content::default() }
    }

    /// What holds others.
    #[must_use]
    pub fn branch(key: &str, name: &str, parts: Vec<Part>) -> Self {
        Content { key: key.to_owned(), name: name.to_owned(), parts, ..Content::default() }
    }

    /// Whether no element stands in it.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.parts.is_empty() && !self.is_open
    }

    /// The part of a name, with its place.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<(usize, &Part)> {
        self.parts.iter().enumerate().find(|(_, part)| part.name == name)
    }

    /// The component that an attribute is.
    #[must_use]
    pub fn component(&self, attribute: &str) -> Option<u16> {
        let at = self.attributes.iter().position(|one| one.name == attribute)?;
        u16::try_from(at + 2).ok()
    }

    /// The part that is this element of the segment.
    #[must_use]
    pub fn part_of(&self, element: u16) -> Option<&Part> {
        self.parts.iter().find(|part| element > ITSELF && part.element == element)
    }
}

impl Attribute {
    /// `schemeID O text`, `version R text = 1.2`, `type O code = new|update|delete`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (facts, values) = text.split_once(" = ").unwrap_or((text, ""));
        let values = values.split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect();
        let [name, letter, form] = <[&str; 3]>::try_from(facts.split(' ').collect::<Vec<_>>()).ok()?;
        Some(Attribute { name: name.to_owned(), usage: usage(letter)?, form: Form::of(form)?, values })
    }

    /// The value of one that must be there and can have this only: it says nothing, is written always, and is not in the tree.
    #[must_use]
    pub fn only(&self) -> Option<&str> {
        let [only] = self.values.as_slice() else { return None };
        Some(only.as_str()).filter(|_| self.usage == Usage::Required)
    }
}

impl fmt::Display for Attribute {
    /// As [`Attribute::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = if self.values.is_empty() { String::new() } else { format!(" = {}", self.values.join("|")) };
        write!(f, "{} {} {}{values}", self.name, letter(self.usage), self.form.name())
    }
}

impl Part {
    /// A part; its name may have a prefix.
    #[must_use]
    pub fn new(name: &str, usage: Usage, max: Option<u32>, content: &str) -> Self {
        let (prefix, name) = name.split_once(':').unwrap_or(("", name));
        let (prefix, name, content) = (prefix.to_owned(), name.to_owned(), content.to_owned());
        Part { prefix, name, usage, max, content, element: 0 }
    }

    /// `cbc:ID R 1 Identifier`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let [name, letter, max, content] = <[&str; 4]>::try_from(text.split(' ').collect::<Vec<_>>()).ok()?;
        let max = if max == ">1" { None } else { Some(max.parse().ok()?) };
        Some(Part::new(name, usage(letter)?, max, content))
    }

    /// Its name with the prefix.
    #[must_use]
    pub fn qualified(&self) -> String {
        if self.prefix.is_empty() { self.name.clone() } else { format!("{}:{}", self.prefix, self.name) }
    }

    /// Its number among the elements of the segment around it, when it is none itself.
    #[must_use]
    pub fn element(&self) -> Option<u16> {
        (self.element > 0).then_some(self.element)
    }
}

impl fmt::Display for Part {
    /// As [`Part::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max.map_or_else(|| ">1".to_owned(), |max| max.to_string());
        write!(f, "{} {} {max} {}", self.qualified(), letter(self.usage), self.content)
    }
}

/// The contents of a version, and of one of its document types.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Namespaces by the prefix that files use and we write.
    pub namespaces: BTreeMap<String, String>,
    /// As files say them: no part has its number yet, which hangs on what it holds.
    said: Entries<Content>,
    /// The same with the numbers, each made when first asked for.
    numbered: Vec<OnceLock<Option<Arc<Content>>>>,
}

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        self.namespaces == other.namespaces && self.said == other.said
    }
}

impl Eq for Contents {}

/// What an XML document type has beside its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markup {
    /// What its elements hold.
    pub contents: Arc<Contents>,
    /// Namespace of the root; empty for none.
    pub namespace: String,
    /// Name of the root element.
    pub root: String,
    /// What the root holds, by key.
    pub content: String,
    /// The elements below the root that tell the type, where the root alone does not.
    pub inside: Vec<String>,
    /// Where the facts of the envelope stand, by their names: several paths are tried in turn, and the last word after `=`
    /// is the value that is meant.
    pub envelope: BTreeMap<String, Fact>,
    /// Those of them that are no part of what the document says, and are written with it.
    pub writes: Vec<String>,
    /// What stands in its document type declaration; empty for none.
    pub doctype: String,
    /// The standard whose codes its values are, where the definition says it.
    pub codes: String,
    /// How its bytes are laid out, where it is no XML.
    pub layout: Option<Layout>,
    /// The forms in which XML writes days where they are not XML Schema's, `YYYYMMDD`: all are read, the first is written.
    /// Times are then `093000` too, and a minus may stand behind a number. Empty for XML Schema's.
    pub dates: Vec<String>,
}

/// Where a fact of the envelope stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fact {
    /// Paths from the root: `Header/From/Credential@domain`.
    pub paths: Vec<String>,
    /// The value that is meant, where the fact is yes or no.
    pub value: Option<String>,
    /// The value that says the opposite: `= test|production`.
    pub otherwise: Option<String>,
}

impl Contents {
    /// What stands under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Arc<Content>> {
        let number = self.said.number(key)?;
        self.numbered.get(number)?.get_or_init(|| self.said.at(number).map(|one| self.number(one))).as_ref()
    }

    /// All contents.
    pub fn all(&self) -> impl Iterator<Item = &Content> {
        self.said.keys().filter_map(|key| self.get(key).map(|content| &**content))
    }

    /// How many of them were read so far.
    #[must_use]
    pub fn read(&self) -> usize {
        self.said.read()
    }

    /// Gives the parts that are elements of a segment their numbers.
    fn number(&self, said: &Content) -> Arc<Content> {
        let mut content = said.clone();
        let mut next = ITSELF;
        for part in &mut content.parts {
            if part.max == Some(1) && self.said.get(&part.content).is_some_and(Content::is_leaf) {
                next += 1;
                part.element = next;
            }
        }
        Arc::new(content)
    }

    /// The nodes of an element: itself, and what may stand in it and is a segment. `path` is the loop it begins.
    #[must_use]
    pub fn nodes(self: &Arc<Self>, tag: &str, key: &str, path: &str) -> Vec<Node> {
        let node = |tag: &str, usage, max, body| Node {
            tag: tag.to_owned(),
            usage,
            max,
            area: Area::Heading,
            position: String::new(),
            body,
        };
        let mut nodes = vec![node(tag, Usage::Required, Some(1), None)];
        let Some(content) = self.get(key) else { return nodes };
        for part in content.parts.iter().filter(|part| part.element == 0) {
            let holds = self.said.get(&part.content).is_some_and(|inner| !inner.is_leaf());
            let inner = if path.is_empty() { part.name.clone() } else { format!("{path}/{}", part.name) };
            let body = holds.then(|| LoopBody {
                label: String::new(),
                nodes: Nodes::derived(self, &part.name, &part.content, &inner),
                path: inner,
            });
            nodes.push(node(&part.name, part.usage, part.max, body));
        }
        nodes
    }

    /// The content at the end of a path of names from another one.
    #[must_use]
    pub fn follow<'c>(&'c self, key: &str, path: &[&str]) -> Option<&'c Arc<Content>> {
        path.iter().try_fold(self.get(key)?, |content, name| self.get(&content.part(name)?.1.content))
    }

    /// What a file says that is as the importer writes it; each content is read when it is asked for. For files that are
    /// known to be right: `None` of one that is written otherwise.
    #[must_use]
    pub fn by_lines(text: &str) -> Option<Self> {
        let mut contents = Contents::default();
        for (key, lines) in lines::entries(text, 0)? {
            let (_, inside) = text.get(lines.clone())?.split_once('\n')?;
            if key == "contents" {
                let read =
                    |lines: &str| said("", &crate::yaml::document(lines).ok()?.to_json()).ok()?.into_values().next();
                contents.lay(&Entries::of(inside.to_owned(), lines::entries(inside, 2)?, read));
            } else {
                contents.name(&crate::yaml::document(text.get(lines)?).ok()?.to_json());
            }
        }
        Some(contents)
    }

    /// Adds what a file says.
    ///
    /// # Errors
    /// What is not the notation.
    pub fn add(&mut self, file: &str, value: &Value) -> Result<(), LoadError> {
        self.name(value);
        self.lay(&said(file, &value["contents"])?.into());
        Ok(())
    }

    fn name(&mut self, value: &Value) {
        for (prefix, namespace) in value["namespaces"].as_object().into_iter().flatten() {
            self.namespaces.insert(prefix.clone(), namespace.as_str().unwrap_or_default().to_owned());
        }
    }

    /// Lays contents over those that are here.
    pub fn lay(&mut self, above: &Entries<Content>) {
        self.said = self.said.under(above);
        self.numbered = (0..self.said.len()).map(|_| OnceLock::new()).collect();
    }

    /// Whether all hold together; it reads them all.
    ///
    /// # Errors
    /// What refers to nothing, and names that cannot be told apart.
    pub fn check(&self, file: &str) -> Result<(), LoadError> {
        let mut tags: BTreeMap<u32, &str> = BTreeMap::new();
        for (key, content) in self.said.iter() {
            for part in &content.parts {
                let tag = tag::key(part.name.as_bytes()).unwrap_or_default();
                if let Some(other) = tags.insert(tag, &part.name).filter(|other| *other != part.name) {
                    return Err(wrong(file, key, &format!("a name that is told apart from {other}"), &part.name));
                }
                if !self.said.contains_key(&part.content) {
                    return Err(wrong(file, key, "a content of this version", &part.content));
                }
            }
        }
        Ok(())
    }
}

fn wrong(file: &str, place: &str, expected: &str, found: &str) -> LoadError {
    let problem = format!("expected {expected}, found {found}");
    LoadError::Malformed { file: file.to_owned(), place: place.to_owned(), problem }
}

/// Contents as a file says them.
fn said(file: &str, contents: &Value) -> Result<BTreeMap<String, Content>, LoadError> {
    let one = |(key, facts): (&String, &Value)| {
        let texts = |name: &str| facts[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        let text = facts["text"].as_str();
        let form = |word: &str| Form::of(word).ok_or_else(|| wrong(file, key, "a form such as text or number", word));
        let is_open = facts["open"].as_str() == Some("true");
        let content = Content {
            key: key.clone(),
            name: facts["name"].as_str().unwrap_or(key).to_owned(),
            // What may hold anything may hold text.
            text: text.map(form).transpose()?.or(is_open.then_some(Form::Text)),
            attributes: texts("attributes")
                .map(|text| {
                    Attribute::parse(text).ok_or_else(|| wrong(file, key, "NAME USAGE FORM [= VALUE|VALUE…]", text))
                })
                .collect::<Result<_, _>>()?,
            parts: texts("parts")
                .map(|text| Part::parse(text).ok_or_else(|| wrong(file, key, "[PREFIX:]NAME USAGE MAX CONTENT", text)))
                .collect::<Result<_, _>>()?,
            is_unordered: facts["order"].as_str() == Some("any"),
            is_open,
        };
        Ok((key.clone(), content))
    };
    contents.as_object().into_iter().flatten().map(one).collect()
}

fn usage(letter: &str) -> Option<Usage> {
    match letter {
        "R" => Some(Usage::Required),
        "O" => Some(Usage::Optional),
        _ => None,
    }
}

fn letter(usage: Usage) -> char {
    if usage == Usage::Required { 'R' } else { 'O' }
}

impl Markup {
    /// What the file of a document type says beside its name; `shared` is its version's.
    ///
    /// # Errors
    /// What is not the notation, or refers to nothing.
    pub fn parse(file: &str, value: &Value, shared: &Contents) -> Result<Markup, LoadError> {
        let mut contents = shared.clone();
        let layout = match value["format"].as_str() {
            None | Some("xml") => {
                contents.add(file, value)?;
                None
            }
            Some(_) => Some(Layout::parse(file, value, &mut contents)?),
        };
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let dates = if layout.is_some() { String::new() } else { text("dates") };
        let dates: Vec<String> = dates.split_whitespace().map(str::to_owned).collect();
        if let Some(bad) = dates.iter().find(|form| !is_date_form(form)) {
            return Err(wrong(file, "dates", "forms of YYYY or YY, MM and DD", bad));
        }
        let envelope = value["envelope"].as_object().into_iter().flatten();
        let envelope = envelope.filter(|(name, _)| *name != "writes");
        let envelope = envelope.filter_map(|(name, fact)| Some((name.clone(), Fact::parse(fact.as_str()?))));
        let inside = text("inside");
        let markup = Markup {
            namespace: text("namespace"),
            root: text("root"),
            content: text("content"),
            writes: value["envelope"]["writes"].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect(),
            doctype: text("doctype"),
            codes: text("codes"),
            layout,
            dates,
            inside: inside.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect(),
            envelope: envelope.collect(),
            contents: Arc::new(contents),
        };
        let inside: Vec<&str> = markup.inside.iter().map(String::as_str).collect();
        match markup.contents.follow(&markup.content, &inside) {
            Some(_) => Ok(markup),
            None => Err(LoadError::Malformed {
                file: file.to_owned(),
                place: "content".to_owned(),
                problem: format!("expected contents for {} {}, found none", markup.content, markup.inside.join("/")),
            }),
        }
    }

    /// The place of an element and component in the segment at the end of `steps`, as people write it:
    /// `InvoiceLine[2]/InvoicedQuantity@unitCode`. The root's own segment may be the first step.
    #[must_use]
    pub fn place(&self, steps: &[String], element: u16, component: u16) -> String {
        let name = |step: &String| step.split_once('[').map_or(step.clone(), |(name, _)| name.to_owned());
        let below = if steps.first().is_some_and(|step| name(step) == self.root) { &steps[1..] } else { steps };
        let names: Vec<String> = below.iter().map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut found = below.to_vec();
        let Some(content) = self.contents.follow(&self.content, &names) else { return found.join("/") };
        let part = content.part_of(element);
        found.extend(part.map(|part| part.name.clone()));
        let holder = part.map_or(Some(content), |part| self.contents.get(&part.content));
        let attribute = usize::from(component).checked_sub(2).and_then(|at| holder?.attributes.get(at));
        let attribute = attribute.map_or(String::new(), |attribute| format!("@{}", attribute.name));
        match (found.is_empty(), attribute.is_empty()) {
            (true, true) => ".".to_owned(),
            _ => format!("{}{attribute}", found.join("/")),
        }
    }

    /// What the root holds.
    #[must_use]
    pub fn root(&self) -> Option<&Arc<Content>> {
        self.contents.get(&self.content)
    }

    /// The namespace that a prefix stands for.
    #[must_use]
    pub fn namespace_of(&self, prefix: &str) -> &str {
        if prefix.is_empty() {
            &self.namespace
        } else {
            self.contents.namespaces.get(prefix).map_or("", String::as_str)
        }
    }
}

impl Fact {
    fn parse(text: &str) -> Self {
        let (paths, value) = text.split_once(" = ").map_or((text, None), |(paths, value)| (paths, Some(value)));
        let (value, otherwise) = match value {
            Some(text) => {
                let mut values = text.split('|').map(|one| one.trim().to_owned());
                (values.next(), values.next())
            }
            None => (None, None),
        };
        Fact { paths: paths.split('|').map(|path| path.trim().to_owned()).collect(), value, otherwise }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_paths_and_what_says_yes_and_no() {
        let fact = |text: &str| {
            let Fact { paths, value, otherwise } = Fact::parse(text);
            (paths.join(" "), value.unwrap_or_default(), otherwise.unwrap_or_default())
        };
        for (text, [paths, value, otherwise]) in [
            ("A/B | C@d", ["A/B C@d", "", ""]),
            ("A/B = true", ["A/B", "true", ""]),
            ("A@b | C = test|production", ["A@b C", "test", "production"]),
        ] {
            assert_eq!(fact(text), (paths.to_owned(), value.to_owned(), otherwise.to_owned()), "{text}");
        }
    }
}
