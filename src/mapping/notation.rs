//! The notation of mappings: YAML rules read into the shapes that `read` and `write` walk. `docs/MAPPINGS.md` is its
//! manual. Nothing here knows a document type; of entities only what they must have is asked (`settle`).

mod name; // places by names
mod place; // places of a document, by numbers
mod settle; // what is known of rules beforehand

pub use name::Here;
pub use place::{Place, Selector, Tag, place};

use super::function::{self, Call};
use super::loss::Carried;
use super::origin::Origin;
use super::stencil::Shelf;
use super::tree::Tree;
use super::{read, write};
use crate::entity::KeyPath;
use crate::standard::names::split_outside;
use serde_json::{Map, Value};
use settle::settle;
use std::collections::BTreeSet;

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
    /// Values that each of several segments says again: of those that are there, all say what the first does.
    pub repeated: Vec<Place>,
    /// The rules in order.
    pub rules: Vec<Rule>,
    /// What is taken from the earlier document that this one answers.
    pub origin: Option<Origin>,
    /// The tree that the document holds, when it holds one.
    pub tree: Option<Tree>,
    /// The fields of the entity that are written.
    pub carried: Carried,
    /// What reading has learned of items of one form.
    pub reading: Shelf<read::Stencil>,
    /// The same of writing.
    pub writing: Shelf<write::Stencil>,
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

impl Rule {
    /// What stands after the item at hand and belongs to it: the tag it has, and how it names the item.
    #[must_use]
    pub fn under(&self) -> Option<(&Tag, &Under)> {
        let Body::Each(Each { place, under: Some(under), .. }) = &self.body else { return None };
        Some((&place.tag, under))
    }

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
    /// What the loop around says of all items in it, and behind it what stands in one; see [`Each::around`].
    pub rules: Vec<Rule>,
    /// How many of the rules are for the loop around.
    pub around: usize,
    /// Fields of which an item must have one to be this rule's, and with a `!` those that it must not have; see [`suits`].
    pub only: Vec<String>,
    /// Items that this rule takes, at most: one, where the place is what is at hand.
    pub max: usize,
    /// They stand beside the item at hand and name it.
    pub under: Option<Under>,
    /// It takes items only where no other rule for the list took one: between those of another they would be theirs.
    pub is_alone: bool,
    /// Also takes what another rule for the list could not carry of an item, and repeats these fields of it.
    pub rest: Option<Vec<String>>,
}

impl Each {
    /// The rules for the loop around, which items that stand beside each other share.
    #[must_use]
    pub fn around(&self) -> &[Rule] {
        &self.rules[..self.around]
    }

    /// The rules for an item.
    #[must_use]
    pub fn own(&self) -> &[Rule] {
        &self.rules[self.around..]
    }

    /// The loop around the items: the last that their place goes into.
    #[must_use]
    pub fn home(&self) -> Place {
        let mut home = self.place.clone();
        if let Some((tag, selectors)) = home.loops.pop() {
            (home.tag, home.selectors) = (tag, selectors);
        }
        home
    }

    /// The items inside it.
    #[must_use]
    pub fn inside(&self) -> Place {
        Place { loops: Vec::new(), area: None, is_outer: false, is_root: false, ..self.place.clone() }
    }
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

/// Whether an item is a rule's by its fields: it has one of those in `only`, and none of those with a `!`.
pub fn suits(only: &[String], has: impl Fn(&str) -> bool) -> bool {
    let mut wanted = only.iter().filter(|field| !field.starts_with('!')).peekable();
    let is_barred = only.iter().filter_map(|field| field.strip_prefix('!')).any(&has);
    !is_barred && (wanted.peek().is_none() || wanted.any(|field| has(field)))
}

/// Reads a mapping from its parsed file; `here` is the document that its places are of.
///
/// # Errors
/// The first thing that is not the notation.
pub fn mapping([standard, version, document]: [&str; 3], here: &Here, file: &Value) -> Result<Mapping, NotationError> {
    let known = ["entity", "select", "origin", "constants", "repeated", "parts", "rules", "tree"];
    let object = file.as_object().ok_or_else(|| wrong("file", "an object", "something else"))?;
    if let Some(other) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(other, &format!("one of {}", known.join(", ")), other));
    }
    let mut select = Vec::new();
    for choice in file["select"].as_array().into_iter().flatten() {
        let entity = choice["entity"].as_str().ok_or_else(|| wrong("select", "entity", &choice.to_string()))?;
        let when = choice["when"].as_str().map(|text| condition(here, text)).transpose()?;
        let negative = choice["negative"].as_str().map(|text| here.place(text)).transpose()?;
        select.push(Select { entity: entity.to_owned(), when, negative });
    }
    if let Some(entity) = file["entity"].as_str() {
        select.push(Select { entity: entity.to_owned(), when: None, negative: None });
    }
    if select.is_empty() {
        return Err(wrong("entity", "the entity this document is", "nothing"));
    }
    let constants = file["constants"].as_object().into_iter().flatten();
    let constants = constants.map(|(at, value)| Ok((here.place(at)?, value.as_str().unwrap_or_default().to_owned())));
    let repeated = file["repeated"].as_array().into_iter().flatten();
    let repeated = repeated.map(|at| here.place(at.as_str().unwrap_or_default()));
    let written = file["rules"].as_object().ok_or_else(|| wrong("rules", "an object", "nothing"))?;
    let mut mapping = Mapping {
        standard: standard.to_owned(),
        version: version.to_owned(),
        document: document.to_owned(),
        select,
        constants: constants.collect::<Result<_, NotationError>>()?,
        repeated: repeated.collect::<Result<_, NotationError>>()?,
        rules: rules(written, "", &file["parts"], here)?,
        origin: Origin::parse(&file["origin"])?,
        tree: Tree::parse(&file["tree"], &file["parts"])?,
        carried: Carried::default(),
        reading: Shelf::default(),
        writing: Shelf::default(),
    };
    mapping.settle_levels();
    mapping.mark_required();
    Ok(Mapping { carried: Carried::of(&mapping), ..mapping })
}

/// `BIG07 = CR|CN`.
fn condition(here: &Here, text: &str) -> Result<(Place, Vec<String>), NotationError> {
    let (at, values) = text.split_once('=').ok_or_else(|| wrong(text, "PLACE = VALUE|VALUE", text))?;
    Ok((here.place(at.trim())?, values.split('|').map(|value| value.trim().to_owned()).collect()))
}

/// `parts` are rules that several lists share; a list takes them in with `use`.
pub(super) fn rules(
    object: &Map<String, Value>,
    prefix: &str,
    parts: &Value,
    here: &Here,
) -> Result<Vec<Rule>, NotationError> {
    let mut found = Vec::new();
    for (key, value) in object {
        // `deliveries[] also` is a second rule for the same field, `also also` a third; `name read` is read, never written.
        let (key, is_read_only) = key.strip_suffix(" read").map_or((key.as_str(), false), |key| (key, true));
        let key = key.trim_end_matches(" also");
        let (name, is_list) = key.strip_suffix("[]").map_or((key, false), |name| (name, true));
        let field = format!("{prefix}{name}");
        let body = match value {
            Value::String(text) if is_list => {
                let (places, calls) = pipe(&field, text, here)?;
                Body::Many(places, calls)
            }
            Value::String(text) if text.starts_with('=') => {
                let (_, calls) = pipe(&field, &text.replacen('=', "|", 1), here)?;
                Body::Computed(calls)
            }
            Value::String(text) => {
                let (places, calls) = pipe(&field, text, here)?;
                if calls.iter().any(|call| call.function.takes_list()) {
                    Body::Many(places, calls)
                } else {
                    let [place] = <[Place; 1]>::try_from(places).map_err(|_| wrong(&field, "one place", text))?;
                    Body::One(place, calls)
                }
            }
            Value::Object(inner) if is_list => list(&field, inner, parts, here)?,
            Value::Object(inner) => {
                found.extend(rules(inner, &format!("{field}."), parts, here)?);
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

fn list(field: &str, object: &Map<String, Value>, parts: &Value, here: &Here) -> Result<Body, NotationError> {
    let mut inner = with_parts(field, object, parts)?;
    let mut take = |key: &str| inner.shift_remove(key).and_then(|value| value.as_str().map(str::to_owned));
    let (each, slots, width, only) = (take("each"), take("slots"), take("width"), take("only"));
    let (first, rest, alone) = (take("first").unwrap_or_default(), take("rest"), take("alone"));
    let is_alone = match alone.as_deref() {
        None => false,
        Some("yes") => true,
        Some(other) => return Err(wrong(field, "`alone: yes`", other)),
    };
    let only = only.iter().flat_map(|fields| fields.split('|')).map(|field| field.trim().to_owned()).collect();
    let rest = rest.map(|fields| fields.split(',').map(|field| field.trim().to_owned()).collect());
    let under = take("under").map(|text| under(&text)).transpose()?;
    let max = take("max").map(|max| max.parse::<usize>().map_err(|_| wrong(field, "a number", &max))).transpose()?;
    let around = inner.shift_remove("around");
    match (each, slots) {
        (Some(each), None) => {
            let (place, inside) = here.item(&each)?;
            let around = match around {
                Some(Value::Object(_)) if place.loops.is_empty() => {
                    return Err(wrong(field, "a place inside a loop, since there are rules for what is around", &each));
                }
                Some(Value::Object(around)) => rules(&with_parts(field, &around, parts)?, "", parts, &inside.around())?,
                Some(other) => return Err(wrong(field, "rules for the loop around", &other.to_string())),
                None => Vec::new(),
            };
            let count = around.len();
            // What is at hand is there once.
            let most = if place.is_own() { 1 } else { usize::MAX };
            let max = max.unwrap_or(most).min(most);
            let rules = around.into_iter().chain(rules(&inner, "", parts, &inside)?).collect();
            Ok(Body::Each(Each { place, rules, around: count, only, max, under, is_alone, rest }))
        }
        (None, Some(slots)) if around.is_none() => {
            let rules = rules(&inner, "", parts, here)?;
            let places = places(&slots, here)?;
            let width = width.map_or(Ok(1), |width| width.parse().map_err(|_| wrong(field, "a width", &width)))?;
            let first = first.split('|').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
            Ok(Body::Slots(Slots { places, width, rules, only, first }))
        }
        _ => Err(wrong(
            field,
            "`each: SEGMENT`, with `around:` where it is a loop's, or `slots: RANGE`",
            "something else",
        )),
    }
}

/// `04.2 = 01`.
fn under(text: &str) -> Result<Under, NotationError> {
    let (names, named) = text.split_once('=').ok_or_else(|| wrong(text, "PLACE = PLACE", text))?;
    let spot = |text: &str| place(text.trim()).map(|place| (place.elements.0, place.components.0));
    Ok(Under { names: spot(names)?, named: spot(named)? })
}

/// `PLACE, PLACE | function | function(a, b)`.
fn pipe(field: &str, text: &str, here: &Here) -> Result<(Vec<Place>, Vec<Call>), NotationError> {
    let mut parts = split_outside(text, '|').into_iter();
    let places = places(parts.next().unwrap_or_default().trim(), here)?;
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

fn places(text: &str, here: &Here) -> Result<Vec<Place>, NotationError> {
    split_outside(text, ',').into_iter().map(|one| here.place(one.trim())).collect()
}
