//! The notation of mappings: YAML rules read into the shapes that `read` and `write` walk. `docs/MAPPINGS.md` is its
//! manual. Nothing here knows a document type or an entity.

use super::function::{self, Call};
use super::loss::{Carried, fields_of};
use super::origin::Origin;
use super::tree::Tree;
use crate::entity::{self, EntityDefinition, KeyPath};
use crate::standard::definition::Area;
use crate::standard::tag;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// A mapping between one document type and one entity.
#[derive(Debug)]
pub struct Mapping {
    /// `x12`, `edifact`.
    pub standard: String,
    /// Folder name of the version.
    pub version: String,
    /// Document type.
    pub document: String,
    /// Which entity, by content: the first whose condition holds; the condition is written back as a constant.
    pub select: Vec<Select>,
    /// Values that are always written and never read into a field (`UNS01: S`).
    pub constants: Vec<(Place, String)>,
    /// The rules in order.
    pub rules: Vec<Rule>,
    /// What is taken from the earlier document that this one answers.
    pub origin: Option<Origin>,
    /// The tree that the document holds, when it holds one.
    pub tree: Option<Tree>,
    /// The fields of the entity that are written.
    pub carried: Carried,
}

/// One choice of entity.
#[derive(Debug)]
pub struct Select {
    /// The entity.
    pub entity: String,
    /// `None` is "else".
    pub when: Option<(Place, Vec<String>)>,
    /// An amount that shows the sign: when it is negative, `signed` values are turned, and `negative_in` says so.
    pub negative: Option<Place>,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Entity path, relative to the enclosing list item: `quantity.value`.
    pub field: KeyPath,
    /// What it does.
    pub body: Body,
    /// Another place for the field, read when no rule before it found anything; never written.
    pub is_read_only: bool,
    /// What it is among the rules for the same field.
    pub turn: Turn,
    /// The tags of which one must stand in the loop at hand for the rule to find anything; see [`Tag::bit`].
    pub needs: u64,
    /// It may write a value where the entity has none.
    pub supplies: bool,
    /// An item without the field is not what its definition says.
    pub is_required: bool,
}

/// A rule among those that write the same field.
#[derive(Debug, Default)]
pub struct Turn {
    /// There is no other.
    pub is_only: bool,
    /// No other comes after it.
    pub is_last: bool,
    /// What all of them carry of an item, when there are several and none takes the rest.
    pub shared: BTreeSet<String>,
}

/// Settles which of the rules of a list are for the same field.
fn settle(rules: &mut [Rule]) {
    let takes_rest = |one: &Rule| matches!(&one.body, Body::Each(each) if each.rest.is_some());
    for index in 0..rules.len() {
        let is_same = |other: &&Rule| other.field == rules[index].field && !other.is_read_only;
        let is_last = !rules[index + 1..].iter().any(|other| is_same(&other));
        let mut shared = BTreeSet::new();
        let is_one_of_several = !is_last || rules[..index].iter().any(|other| is_same(&other));
        if is_one_of_several && !rules.iter().filter(is_same).any(takes_rest) {
            rules.iter().filter(is_same).for_each(|one| fields_of(one.inner(), "", &mut shared));
        }
        rules[index].turn = Turn { is_only: !is_one_of_several, is_last, shared };
    }
}

impl Rule {
    /// The rules for an item, when it is a list of objects.
    #[must_use]
    pub fn inner(&self) -> &[Rule] {
        match &self.body {
            Body::Each(each) => &each.rules,
            Body::Slots(slots) => &slots.rules,
            Body::One(..) | Body::Many(..) | Body::Computed(_) => &[],
        }
    }
}

/// What a rule does.
#[derive(Debug)]
pub enum Body {
    /// One value at one place.
    One(Place, Vec<Call>),
    /// A list of plain values over a range of places.
    Many(Vec<Place>, Vec<Call>),
    /// A list of objects, one for each segment or loop.
    Each(Each),
    /// A list of objects, one for each filled slot of a range (pairs in a segment, composites in a row).
    Slots(Slots),
    /// A value without a place, which follows from the others beside it.
    Computed(Vec<Call>),
}

impl Body {
    /// See [`Rule::needs`].
    fn needs(&self) -> u64 {
        match self {
            Body::One(place, _) | Body::Each(Each { place, .. }) => place.needs(),
            Body::Many(places, _) | Body::Slots(Slots { places, .. }) => {
                places.iter().fold(0, |needs, place| needs | place.needs())
            }
            Body::Computed(_) => Tag::ANY,
        }
    }
}

/// Segments or loops, each an object.
#[derive(Debug)]
pub struct Each {
    /// Which.
    pub place: Place,
    /// What stands in one.
    pub rules: Vec<Rule>,
    /// Fields of which an item must have one to be this rule's; a code without canonical counterpart does not count.
    pub only: Vec<String>,
    /// Items that this rule takes, at most.
    pub max: usize,
    /// They stand beside the item at hand and name it.
    pub under: Option<Under>,
    /// Also takes what another rule for the list could not carry of an item, and repeats these fields of it.
    pub rest: Option<Vec<String>>,
}

/// `under: 04.2 = 01`: what stands beside the item at hand and belongs to it names it, by what stands here in both.
#[derive(Debug)]
pub struct Under {
    /// Where the names stand: an element and component of the segment.
    pub names: (u16, u16),
    /// Where what they name stands, in the segment that begins the item and in those that belong to it.
    pub named: (u16, u16),
}

/// A row of slots.
#[derive(Debug)]
pub struct Slots {
    /// Where the slots are, in order.
    pub places: Vec<Place>,
    /// Elements that one slot takes: 2 for pairs, 1 for composites.
    pub width: u16,
    /// What stands in a slot; places are relative to it (`+0`, `.1`) or name an element of its segment (`01`).
    pub rules: Vec<Rule>,
    /// Fields of which an item must have one to be this rule's; a code without canonical counterpart does not count.
    pub only: Vec<String>,
    /// Values of an item's first field for which the first place is kept; none when any may stand there.
    pub first: Vec<String>,
}

/// A place in a document, relative to a loop, a segment or a slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Part of the document; any when `None`.
    pub area: Option<Area>,
    /// Begins at the loop around the segment at hand (`^/`).
    pub is_outer: bool,
    /// Loops to go into, by trigger, with conditions on the trigger.
    pub loops: Vec<(Tag, Vec<Selector>)>,
    /// The segment; empty for "the segment at hand".
    pub tag: Tag,
    /// Conditions on the segment.
    pub selectors: Vec<Selector>,
    /// First and last element, from 1; 0 when the place is a whole segment.
    pub elements: (u16, u16),
    /// First and last component, from 1; 0 when the element is simple or taken whole.
    pub components: (u16, u16),
    /// Elements from one to the next of a range.
    pub step: u16,
    /// In a slot: elements on from its first.
    pub offset: Option<u16>,
}

impl Place {
    /// The tags of which one must stand in the loop at hand for anything to be there; see [`Tag::bit`].
    fn needs(&self) -> u64 {
        let first = self.loops.first().map_or(&self.tag, |(tag, _)| tag);
        if self.is_outer || first.is_empty() { Tag::ANY } else { Tag::bit(first.number()) }
    }

    /// Whether it lies in the segment at hand, whichever that is.
    #[must_use]
    pub fn is_own(&self) -> bool {
        !self.is_outer && self.loops.is_empty() && self.tag.is_empty() && self.selectors.is_empty()
    }
}

/// A tag, as text and as a number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tag {
    text: String,
    number: u32,
}

impl Tag {
    /// The bit that every set of tags has.
    pub const ANY: u64 = 1 << 63;

    /// A tag.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Tag { text: text.to_owned(), number: Tag::key(text.as_bytes()) }
    }

    /// The number of a tag; 0 of what is none.
    #[must_use]
    pub fn key(text: &[u8]) -> u32 {
        tag::key(text).unwrap_or_default()
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// A bit for a set of tags. Others may have the same, so that a set tells for certain only what is not in it.
    #[must_use]
    pub fn bit(number: u32) -> u64 {
        let hash = number.wrapping_mul(0x9E37_79B1) >> 26;
        1 << hash.min(62)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq<Tag> for String {
    fn eq(&self, other: &Tag) -> bool {
        *self == other.text
    }
}

impl std::ops::Deref for Tag {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// A condition on a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `[01.1=2|10]`: the element (and component) has one of the values; the first is written.
    Is(u16, u16, Vec<String>),
    /// `[2]`: the occurrence.
    Occurrence(usize),
}

/// What is wrong with a mapping file: where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}")]
pub struct NotationError {
    /// Key or text concerned.
    pub place: String,
    /// What must stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

pub(super) fn wrong(place: &str, expected: &str, found: &str) -> NotationError {
    NotationError { place: place.to_owned(), expected: expected.to_owned(), found: found.to_owned() }
}

/// Reads a mapping from its parsed file.
///
/// # Errors
/// The first thing that is not the notation.
pub fn mapping(standard: &str, version: &str, document: &str, file: &Value) -> Result<Mapping, NotationError> {
    let known = ["entity", "select", "origin", "constants", "parts", "rules", "tree"];
    let object = file.as_object().ok_or_else(|| wrong("file", "an object", "something else"))?;
    if let Some(other) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(other, &format!("one of {}", known.join(", ")), other));
    }
    let mut select = Vec::new();
    for choice in file["select"].as_array().into_iter().flatten() {
        let entity = choice["entity"].as_str().ok_or_else(|| wrong("select", "entity", &choice.to_string()))?;
        let when = choice["when"].as_str().map(condition).transpose()?;
        let negative = choice["negative"].as_str().map(place).transpose()?;
        select.push(Select { entity: entity.to_owned(), when, negative });
    }
    if let Some(entity) = file["entity"].as_str() {
        select.push(Select { entity: entity.to_owned(), when: None, negative: None });
    }
    if select.is_empty() {
        return Err(wrong("entity", "the entity this document is", "nothing"));
    }
    let constants = file["constants"].as_object().into_iter().flatten();
    let constants = constants.map(|(at, value)| Ok((place(at)?, value.as_str().unwrap_or_default().to_owned())));
    let written = file["rules"].as_object().ok_or_else(|| wrong("rules", "an object", "nothing"))?;
    let mut mapping = Mapping {
        standard: standard.to_owned(),
        version: version.to_owned(),
        document: document.to_owned(),
        select,
        constants: constants.collect::<Result<_, NotationError>>()?,
        rules: rules(written, "", &file["parts"])?,
        origin: Origin::parse(&file["origin"])?,
        tree: Tree::parse(&file["tree"], &file["parts"])?,
        carried: Carried::default(),
    };
    mapping.settle_levels();
    mapping.mark_required();
    Ok(Mapping { carried: Carried::of(&mapping), ..mapping })
}

impl Mapping {
    /// The rules of levels that are no items write fields of the document, as its own rules do; what an item has in a
    /// package stands beside what it says of itself.
    fn settle_levels(&mut self) {
        let Some(tree) = &mut self.tree else { return };
        let (items, loose): (Vec<_>, Vec<_>) = tree.levels.iter_mut().partition(|level| level.list.is_some());
        let mut document: Vec<&mut Rule> = self.rules.iter_mut().collect();
        document.extend(loose.into_iter().flat_map(|level| level.allocation.iter_mut().chain(&mut level.rules)));
        share(document);
        for level in items {
            share(level.allocation.iter_mut().chain(&mut level.rules).collect());
        }
    }

    /// Marks the rules for fields that items must have.
    fn mark_required(&mut self) {
        let definition = self.select.iter().find_map(|choice| entity::definition(&choice.entity));
        let Some(definition) = definition else { return };
        mark(&mut self.rules, "", definition);
        for level in self.tree.iter_mut().flat_map(|tree| &mut tree.levels) {
            let list = level.list.clone().unwrap_or_default();
            mark(&mut level.rules, &list, definition);
            mark(&mut level.allocation, &format!("{list}.allocations"), definition);
        }
    }
}

fn mark(rules: &mut [Rule], prefix: &str, definition: &EntityDefinition) {
    for rule in rules {
        let field = if prefix.is_empty() { rule.field.to_string() } else { format!("{prefix}.{}", rule.field) };
        rule.is_required = definition.field(&field).is_some_and(|field| field.is_required);
        match &mut rule.body {
            Body::Each(Each { rules, .. }) | Body::Slots(Slots { rules, .. }) => mark(rules, &field, definition),
            Body::One(..) | Body::Many(..) | Body::Computed(_) => {}
        }
    }
}

/// Rules of several lists that write the fields of one object: none is the only one for a field that another has.
fn share(rules: Vec<&mut Rule>) {
    let mut count: HashMap<String, usize> = HashMap::new();
    rules.iter().for_each(|rule| *count.entry(rule.field.to_string()).or_default() += 1);
    for rule in rules {
        rule.turn.is_only &= count.get(&*rule.field) == Some(&1);
    }
}

/// `BIG07 = CR|CN`.
fn condition(text: &str) -> Result<(Place, Vec<String>), NotationError> {
    let (at, values) = text.split_once('=').ok_or_else(|| wrong(text, "PLACE = VALUE|VALUE", text))?;
    Ok((place(at.trim())?, values.split('|').map(|value| value.trim().to_owned()).collect()))
}

/// `parts` are rules that several lists share; a list takes them in with `use`.
pub(super) fn rules(object: &Map<String, Value>, prefix: &str, parts: &Value) -> Result<Vec<Rule>, NotationError> {
    let mut found = Vec::new();
    for (key, value) in object {
        // `deliveries[] also` is a second rule for the same field, `also also` a third; `name read` is read, never written.
        let (key, is_read_only) = key.strip_suffix(" read").map_or((key.as_str(), false), |key| (key, true));
        let key = key.trim_end_matches(" also");
        let (name, is_list) = key.strip_suffix("[]").map_or((key, false), |name| (name, true));
        let field = format!("{prefix}{name}");
        let body = match value {
            Value::String(text) if is_list => {
                let (places, calls) = pipe(&field, text)?;
                Body::Many(places, calls)
            }
            Value::String(text) if text.starts_with('=') => {
                let (_, calls) = pipe(&field, &text.replacen('=', "|", 1))?;
                Body::Computed(calls)
            }
            Value::String(text) => {
                let (places, calls) = pipe(&field, text)?;
                if calls.iter().any(|call| call.function.takes_list()) {
                    Body::Many(places, calls)
                } else {
                    let [place] = <[Place; 1]>::try_from(places).map_err(|_| wrong(&field, "one place", text))?;
                    Body::One(place, calls)
                }
            }
            Value::Object(inner) if is_list => list(&field, inner, parts)?,
            Value::Object(inner) => {
                found.extend(rules(inner, &format!("{field}."), parts)?);
                continue;
            }
            other => return Err(wrong(&field, "a rule", &other.to_string())),
        };
        found.push(Rule {
            field: KeyPath::new(field),
            needs: body.needs(),
            supplies: matches!(&body, Body::One(_, calls) if calls.iter().any(|call| call.function.supplies())),
            body,
            is_read_only,
            turn: Turn::default(),
            is_required: false,
        });
    }
    settle(&mut found);
    Ok(found)
}

/// The object with the parts it uses; what it says itself goes before them.
pub(super) fn with_parts(
    field: &str,
    object: &Map<String, Value>,
    parts: &Value,
) -> Result<Map<String, Value>, NotationError> {
    let mut inner = object.clone();
    let used = inner.shift_remove("use");
    for name in used.as_ref().and_then(Value::as_str).into_iter().flat_map(|names| names.split(',')).map(str::trim) {
        let part = parts[name].as_object().ok_or_else(|| wrong(field, "a part of this file", name))?;
        for (key, rule) in part {
            inner.entry(key).or_insert_with(|| rule.clone());
        }
    }
    Ok(inner)
}

fn list(field: &str, object: &Map<String, Value>, parts: &Value) -> Result<Body, NotationError> {
    let mut inner = with_parts(field, object, parts)?;
    let mut take = |key: &str| inner.shift_remove(key).and_then(|value| value.as_str().map(str::to_owned));
    let (each, slots, width, only) = (take("each"), take("slots"), take("width"), take("only"));
    let (first, rest) = (take("first").unwrap_or_default(), take("rest"));
    let only = only.iter().flat_map(|fields| fields.split('|')).map(|field| field.trim().to_owned()).collect();
    let rest = rest.map(|fields| fields.split(',').map(|field| field.trim().to_owned()).collect());
    let under = take("under").map(|text| under(&text)).transpose()?;
    let max = take("max").map_or(Ok(usize::MAX), |max| max.parse().map_err(|_| wrong(field, "a number", &max)))?;
    let rules = rules(&inner, "", parts)?;
    match (each, slots) {
        (Some(each), None) => Ok(Body::Each(Each { place: place(&each)?, rules, only, max, under, rest })),
        (None, Some(slots)) => {
            let places = places(&slots)?;
            let width = width.map_or(Ok(1), |width| width.parse().map_err(|_| wrong(field, "a width", &width)))?;
            let first = first.split('|').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
            Ok(Body::Slots(Slots { places, width, rules, only, first }))
        }
        _ => Err(wrong(field, "`each: SEGMENT` or `slots: RANGE`", "neither or both")),
    }
}

/// `04.2 = 01`.
fn under(text: &str) -> Result<Under, NotationError> {
    let (names, named) = text.split_once('=').ok_or_else(|| wrong(text, "PLACE = PLACE", text))?;
    let spot = |text: &str| place(text.trim()).map(|place| (place.elements.0, place.components.0));
    Ok(Under { names: spot(names)?, named: spot(named)? })
}

/// `PLACE, PLACE | function | function(a, b)`.
fn pipe(field: &str, text: &str) -> Result<(Vec<Place>, Vec<Call>), NotationError> {
    let mut parts = split_outside(text, '|').into_iter();
    let places = places(parts.next().unwrap_or_default().trim())?;
    let calls = parts.map(|call| {
        let call = call.trim();
        let (name, arguments) = call.split_once('(').map_or((call, ""), |(name, rest)| (name, rest));
        let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
        let function = function::find(name.trim())
            .ok_or_else(|| wrong(field, &format!("one of the functions {}", function::names().join(", ")), name))?;
        let arguments = arguments.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty());
        Ok(Call { function, arguments: arguments.collect() })
    });
    Ok((places, calls.collect::<Result<_, NotationError>>()?))
}

fn places(text: &str) -> Result<Vec<Place>, NotationError> {
    split_outside(text, ',').into_iter().map(|one| place(one.trim())).collect()
}

/// Splits at `separator` where it is not inside brackets or parentheses.
fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0i32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            c if c == separator && depth == 0 => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Reads `heading:N1[01=ST]/N3.01..02`, `BEG03`, `PO106..PO125 step 2`, `C507` is written `DTM01.2`; in a list `02`,
/// `.1`, `+1`.
///
/// # Errors
/// What part is not understood.
pub fn place(text: &str) -> Result<Place, NotationError> {
    let mut found = Place { step: 1, ..Place::default() };
    let (mut rest, step) = text.split_once(" step ").map_or((text, None), |(rest, step)| (rest, Some(step)));
    if let Some(step) = step {
        found.step = step.trim().parse().map_err(|_| wrong(text, "a number after step", step))?;
    }
    rest = rest.trim();
    if let Some(outer) = rest.strip_prefix("^/") {
        (found.is_outer, rest) = (true, outer);
    }
    for area in Area::ALL {
        if let Some(inside) = rest.strip_prefix(area.name()).and_then(|rest| rest.strip_prefix(':')) {
            (found.area, rest) = (Some(area), inside);
        }
    }
    let mut steps = split_outside(rest, '/');
    let last = steps.pop().unwrap_or_default();
    for one in steps {
        let (tag, selectors, after) = tagged(text, one)?;
        if !after.is_empty() || tag.is_empty() {
            return Err(wrong(text, "a loop's trigger before /", one));
        }
        found.loops.push((Tag::new(&tag), selectors));
    }
    let (tag, selectors, after) = tagged(text, last)?;
    (found.tag, found.selectors) = (Tag::new(&tag), selectors);
    numbers(text, after, &mut found)?;
    Ok(found)
}

/// Tag and selectors at the beginning, and what follows them.
fn tagged<'t>(whole: &str, text: &'t str) -> Result<(String, Vec<Selector>, &'t str), NotationError> {
    let starts_with_letter = text.starts_with(|c: char| c.is_ascii_uppercase());
    // A tag has two or three characters; the third belongs to it unless two digits alone follow it (N1 in N101).
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|byte| !byte.is_ascii_uppercase() && !byte.is_ascii_digit()).unwrap_or(bytes.len());
    let length = match (starts_with_letter, end) {
        (false, _) => 0,
        (true, 0..=3) => end,
        // The short form: the last two digits are the element.
        (true, 4 | 5) => end - 2,
        (true, _) => 3,
    };
    let (tag, mut rest) = text.split_at(length);
    let mut selectors = Vec::new();
    while let Some(inside) = rest.strip_prefix('[') {
        let (selector, after) = inside.split_once(']').ok_or_else(|| wrong(whole, "a closing ]", rest))?;
        selectors.push(self::selector(whole, selector)?);
        rest = after;
    }
    Ok((tag.to_owned(), selectors, rest))
}

fn selector(whole: &str, text: &str) -> Result<Selector, NotationError> {
    let Some((at, values)) = text.split_once('=') else {
        let number = text.parse().map_err(|_| wrong(whole, "[occurrence] or [element=value]", text))?;
        return Ok(Selector::Occurrence(number));
    };
    let (element, component) = at.split_once('.').unwrap_or((at, "0"));
    let number = |text: &str| text.trim().parse().map_err(|_| wrong(whole, "an element number", at));
    let values = values.split('|').map(|value| value.trim().to_owned()).collect();
    Ok(Selector::Is(number(element)?, number(component)?, values))
}

/// Element and component numbers after the tag: `03`, `.03`, `.03.1`, `06..PO125`, `+1`, `.1..5` in a slot.
fn numbers(whole: &str, text: &str, found: &mut Place) -> Result<(), NotationError> {
    let parse = |digits: &str| digits.parse::<u16>().map_err(|_| wrong(whole, "a number", digits));
    if let Some(offset) = text.strip_prefix('+') {
        let (offset, component) = offset.split_once('.').unwrap_or((offset, "0"));
        found.offset = Some(parse(offset)?);
        found.components = (parse(component)?, parse(component)?);
        return Ok(());
    }
    let (from, to) = text.split_once("..").map_or((text, None), |(from, to)| (from, Some(to)));
    // `PO106..PO125` repeats the tag for the reader's sake.
    let to = to.map(|to| to.strip_prefix(&*found.tag).unwrap_or(to).trim_start_matches('.'));
    let is_slot = found.tag.is_empty() && found.selectors.is_empty() && from.starts_with('.');
    let from = from.strip_prefix('.').unwrap_or(from);
    if from.is_empty() {
        return Ok(());
    }
    match (is_slot, from.split_once('.')) {
        (true, _) => {
            let first = parse(from)?;
            (found.offset, found.components) = (Some(0), (first, to.map_or(Ok(first), parse)?));
        }
        (false, Some((element, component))) => {
            let (element, component) = (parse(element)?, parse(component)?);
            found.elements = (element, element);
            found.components = (component, to.map_or(Ok(component), parse)?);
        }
        (false, None) => {
            let element = parse(from)?;
            found.elements = (element, to.map_or(Ok(element), parse)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_places() {
        let short = place("BEG03").expect("a place");
        assert_eq!((&*short.tag, short.elements), ("BEG", (3, 3)));
        let two = place("N101").expect("a place");
        assert_eq!((&*two.tag, two.elements), ("N1", (1, 1)));
        let deep = place("heading:N1[01=ST]/N3[2].01..02").expect("a place");
        assert_eq!(deep.area, Some(Area::Heading));
        assert_eq!(deep.loops, [(Tag::new("N1"), vec![Selector::Is(1, 0, vec!["ST".into()])])]);
        assert_eq!((&*deep.tag, deep.elements), ("N3", (1, 2)));
        let pairs = place("PO106..PO125 step 2").expect("a place");
        assert_eq!((pairs.elements, pairs.step), ((6, 25), 2));
        let component = place("DTM[01.1=137].01.2").expect("a place");
        assert_eq!((component.elements, component.components), ((1, 1), (2, 2)));
        assert_eq!(place("NAD04.1..5").expect("a place").components, (1, 5));
        assert_eq!(place(".2").expect("a place").components, (2, 2));
        assert_eq!(place("+1").expect("a place").offset, Some(1));
        assert_eq!(place("02").expect("a place").elements, (2, 2));
        assert_eq!(&*place("PRI/CUX").expect("a place").tag, "CUX");
        let outer = place("^/PIA[01=3].02..06").expect("a place");
        assert_eq!((outer.is_outer, &*outer.tag, outer.elements), (true, "PIA", (2, 6)));
    }

    #[test]
    fn err_places() {
        assert!(place("BEG[03").is_err());
        assert!(place("BEG[x]").is_err());
        assert!(place("N1/").is_ok_and(|place| place.tag.is_empty()) || place("N1/").is_err());
    }
}
