//! Makes entities that a mapping can carry, from rolls of dice: writing and reading them again must give the same.

mod text;
mod tree;

use super::Context;
use super::function::{self, Call};
use super::notation::{Body, Each, Place, Rule, Selector, Slots, suits};
use crate::entity::{self, Entity, Field, FieldType, KeyPath, View};
use crate::entity::{Map, Value};
use crate::standard::content::Content;
use crate::standard::definition::{Area, Node};

/// Items of a sampled list, at most.
const ITEMS_MAX: usize = 3;
/// Rolls for a code that stands for the entity, at most.
const TRIES_MAX: usize = 200;

/// An entity with values in the fields that the mapping's rules carry; about one field in five is left out.
pub fn sample(context: &Context<'_>, dice: &mut dyn FnMut(usize) -> usize) -> Entity {
    let select = &context.mapping.select;
    let choice = select.get(dice(select.len()));
    let kind = choice.map_or("order", |choice| choice.entity.as_str());
    let mut entity = Entity::new(kind);
    if choice.is_some_and(|choice| choice.negative.is_some()) && dice(3) == 0 {
        entity.fields.insert("negative_in".into(), context.mapping.standard.clone().into());
    }
    // Computed values need the lists, so they are made in a second round.
    for computed in [false, true] {
        let snapshot = entity.clone();
        let mut fields = std::mem::take(&mut entity.fields);
        let mut sampler = Sampler { context, entity: &snapshot, computed, dice, said: Vec::new(), named: Vec::new() };
        let known = entity::definition(kind).map_or(&[][..], |definition| &definition.fields);
        let content = context.document.markup.as_ref().and_then(|markup| markup.root()).map(|content| &**content);
        let top = Spot { tag: "", around: "", nodes: &context.document.nodes, content, outer: None, known };
        sampler.object(&context.mapping.rules, top, &|_| false, &mut fields);
        if let Some(tree) = context.mapping.tree.as_ref().filter(|_| !computed) {
            sampler.tree(tree, top, &mut fields);
            let rules = (context.mapping.rules.as_slice(), &[][..]);
            tree::without_captured(context, rules, &context.document.nodes, (&mut fields, &Map::new()));
        }
        entity.fields = fields;
    }
    entity
}

/// Where rules are relative to: the segment at hand, and what may stand in its loop.
#[derive(Clone, Copy)]
struct Spot<'d> {
    tag: &'d str,
    /// The segment that begins the loop around.
    around: &'d str,
    nodes: &'d [Node],
    /// What the element at hand holds, of an XML document.
    content: Option<&'d Content>,
    /// What the one around it holds.
    outer: Option<&'d Content>,
    known: &'d [Field],
}

impl<'d> Spot<'d> {
    /// The definition of a field by its path.
    fn field(&self, path: &str) -> Option<&'d Field> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let field = self.known.iter().find(|field| field.name == first)?;
        match (rest, &field.kind) {
            (None, _) => Some(field),
            (Some(rest), FieldType::Object(known)) => Spot { known, ..*self }.field(rest),
            (Some(_), _) => None,
        }
    }

    /// The fields of a list's items.
    fn inner(&self, path: &str) -> &'d [Field] {
        match self.field(path).map(|field| &field.kind) {
            Some(FieldType::Object(known)) => known,
            _ => &[],
        }
    }
}

struct Sampler<'a> {
    context: &'a Context<'a>,
    entity: &'a Entity,
    computed: bool,
    dice: &'a mut dyn FnMut(usize) -> usize,
    /// What stands once around several items and is said of all of them.
    said: Vec<(Place, Option<Value>)>,
    /// What a list says of the loops that items of another stand in: an item names one of them.
    named: Vec<(Place, Vec<Value>)>,
}

impl Sampler<'_> {
    fn object(&mut self, rules: &[Rule], spot: Spot<'_>, must: &dyn Fn(&str) -> bool, fields: &mut Map) {
        let mut taken: Vec<&Place> = Vec::new();
        let mut used: Vec<(&Each, usize)> = Vec::new();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.is_read_only) {
            let calls: &[Call] = match &rule.body {
                Body::One(_, calls) | Body::Many(_, calls) | Body::Computed(calls) => calls,
                _ => &[],
            };
            // What is written in place of another field comes back as that one.
            if calls.iter().any(|call| matches!(call.function.name(), "unless" | "instead_of")) {
                continue;
            }
            // What is written only beside another field is there only with it.
            let lacks = |call: &Call| {
                call.arguments.first().is_none_or(|field| !entity::has(View::from(&*fields), field, &|_| true))
            };
            if calls.iter().any(|call| call.function.name() == "when" && lacks(call)) {
                continue;
            }
            let is_computed = calls.iter().any(|call| matches!(call.function.name(), "count" | "sum"));
            // The first field says what an item is; it is never left out. Nor is what would be made up on writing.
            let made_up = calls
                .iter()
                .any(|call| matches!(call.function.name(), "agreed" | "default" | "computed" | "or" | "ordinal"));
            let is_required = spot.field(&rule.field).is_some_and(|field| field.is_required)
                || matches!(&rule.body, Body::One(place, _) if is_around(place) || names_segment(place) || is_told_apart(place, rules));
            let may_lack = index > 0 && !spot.tag.is_empty() && !must(&rule.field) && !made_up && !is_required;
            if is_computed != self.computed || (may_lack && (self.dice)(5) == 0) {
                continue;
            }
            // Of a rule that takes items alone and the others for its list only one has any.
            let is_alone = |rule: &Rule| matches!(&rule.body, Body::Each(each) if each.is_alone);
            let for_same = |other: &&Rule| other.field == rule.field && is_alone(other);
            let gives_way =
                !is_alone(rule) && rules[index + 1..].iter().any(|other| for_same(&other)) && (self.dice)(2) == 0;
            if gives_way || (is_alone(rule) && rule.field.get(fields).is_some()) {
                continue;
            }
            // Of two rules for one place only one has a value, and of two for one value the first.
            if let Body::One(place, _) = &rule.body {
                if taken.contains(&place) || rule.field.get(fields).is_some() {
                    continue;
                }
                taken.push(place);
            }
            let value = match &rule.body {
                Body::One(place, calls) if place.is_of_loop_around() => {
                    self.one(place, Spot { tag: spot.around, ..spot }, calls)
                }
                Body::One(place, calls) => self.one(place, spot, calls),
                Body::Many(places, calls) => text::many(self.context, places, spot, calls, self.dice),
                Body::Each(each) => {
                    let is_same = |(other, _): &&(&Each, usize)| places_of(other) == places_of(each);
                    let there = used.iter().filter(is_same).map(|(_, count)| count).sum();
                    self.named = named(each, rules, fields);
                    let mut items = self.each(each, rules, there, Spot { known: spot.inner(&rule.field), ..spot });
                    without_claimed(&rules[..index], &rule.field, &mut items);
                    used.push((each, items.as_array().map_or(0, Vec::len)));
                    Some(items).filter(|items| items.as_array().is_some_and(|items| !items.is_empty()))
                }
                Body::Slots(slots) => Some(self.slots(slots, Spot { known: spot.inner(&rule.field), ..spot })),
                Body::Computed(calls) => computed(self.context, calls, fields),
            };
            match (value, rule.field.get_mut(fields)) {
                (Some(Value::Array(more)), Some(Value::Array(there))) => there.extend(more),
                (Some(value), _) => rule.field.set(fields, value),
                (None, _) => {}
            }
        }
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.turn.is_only) {
            if !rules[..index].iter().any(|before| before.field == rule.field) {
                self.by_rule(rules, &rule.field, fields);
            }
        }
    }

    /// Puts the items of a list that several rules are for into the order in which they come back: rule by rule, each item
    /// with the first that takes it.
    fn by_rule(&self, rules: &[Rule], list: &KeyPath, fields: &mut Map) {
        let lists = rules.iter().filter(|rule| rule.field == *list && !rule.is_read_only);
        let lists: Vec<_> =
            lists.filter_map(|rule| if let Body::Each(each) = &rule.body { Some(each) } else { None }).collect();
        let Some(Value::Array(items)) = list.get_mut(fields).filter(|_| lists.len() > 1) else { return };
        let mut counts = vec![0; lists.len()];
        items.sort_by_cached_key(|item| {
            let takes = |at: &usize| counts[*at] < lists[*at].max && self.takes(lists[*at], item);
            let first = (0..lists.len()).find(takes);
            first.into_iter().for_each(|at| counts[at] += 1);
            first
        });
    }

    /// Whether a rule for a list takes the item, by what says what it is.
    fn takes(&self, each: &Each, item: &Value) -> bool {
        let Some(item) = item.as_object() else { return false };
        let can = |rule: &Rule| match &rule.body {
            Body::One(_, calls) | Body::Computed(calls) => {
                let spot = function_spot(self.context, Some(item), Some(self.entity));
                function::put(calls, rule.field.get(item).cloned(), &spot).is_ok()
            }
            _ => true,
        };
        suits(&each.only, |field| entity::has(item.into(), field, &|_| true)) && each.rules.first().is_none_or(can)
    }

    /// A single value; where it decides which entity the document is, one that stands for this entity.
    fn one(&mut self, place: &Place, spot: Spot<'_>, calls: &[Call]) -> Option<Value> {
        if let Some((_, values)) = self.named.iter().find(|(known, values)| known == place && !values.is_empty()) {
            return values.get((self.dice)(values.len())).cloned();
        }
        if let Some((_, said)) = self.said.iter().find(|(known, _)| is_around(place) && known == place) {
            return said.clone();
        }
        let found = self.roll(place, spot, calls);
        if is_around(place) {
            self.said.push((place.clone(), found.clone()));
        }
        found
    }

    fn roll(&mut self, place: &Place, spot: Spot<'_>, calls: &[Call]) -> Option<Value> {
        let choices = &self.context.mapping.select;
        let decides = choices.iter().any(|choice| choice.when.as_ref().is_some_and(|(at, _)| at == place));
        for _ in 0..TRIES_MAX {
            let found = text::value(self.context, place, spot, calls, self.entity, self.dice);
            let is_said_by = |name: &str| found.as_ref().is_some_and(|found| text::names(calls, name, found));
            if is_said_by("unsaid") {
                return None;
            }
            let code = found.as_ref().and_then(Value::as_str).and_then(|canonical| {
                let list = calls.first()?.arguments.first()?;
                self.context.codes.preferred(list, self.context.document.codes(), canonical)
            });
            let chosen = choices.iter().find(|choice| {
                choice
                    .when
                    .as_ref()
                    .is_none_or(|(_, values)| code.as_ref().is_some_and(|code| values.iter().any(|one| one == code)))
            });
            if is_said_by("refuse") {
                continue;
            }
            if !decides || chosen.is_some_and(|choice| choice.entity == self.entity.kind) {
                return found;
            }
        }
        None
    }

    /// Items of one list; the lists beside it that stand in the same segments leave room for each other.
    /// `there` of them are there already.
    fn each(&mut self, each: &Each, rules: &[Rule], there: usize, spot: Spot<'_>) -> Value {
        // What stands beside the item at hand stands in the document, as lines and their components do.
        let around = if each.under.is_some() { &self.context.document.nodes } else { spot.nodes };
        let node = node_of(around, &each.place);
        let shares = |rule: &&Rule| matches!(&rule.body, Body::Each(other) if places_of(other) == places_of(each));
        let sharing = rules.iter().filter(shares).count().max(1);
        let max = node.and_then(|node| node.max);
        let room = |max: u32| (max as usize / sharing).max(1).min((max as usize).saturating_sub(there));
        let max = each.max.min(max.map_or(ITEMS_MAX, |max| ITEMS_MAX.min(room(max))));
        if max == 0 {
            return Value::Array(Vec::new());
        }
        let nodes = node.and_then(|node| node.body.as_ref()).map_or(&[][..], |body| &body.nodes);
        let begins = each.place.loops.last().map_or(spot.tag, |(tag, _)| tag);
        let inner = match each.place.is_own() {
            true => spot,
            false => {
                let base = if each.place.is_outer { spot.outer } else { spot.content };
                let content = text::inside(self.context, base, &each.place);
                let outer = match each.place.loops.is_empty() {
                    true => base,
                    false => text::inside(self.context, base, &each.home()),
                };
                Spot { tag: &each.place.tag, around: begins, nodes, content, outer, known: spot.known }
            }
        };
        let must = |field: &str| each.only.iter().any(|one| one == field);
        let count = 1 + (self.dice)(max.min(each.max));
        let mut items = self.items(count, each.own(), inner, &must);
        if each.around > 0 {
            let home = each.home();
            let nodes = node_of(around, &home).and_then(|node| node.body.as_ref()).map_or(&[][..], |body| &body.nodes);
            let outer = Spot { tag: &home.tag, around: spot.tag, nodes, ..spot };
            for item in items.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                self.object(each.around(), outer, &must, item);
            }
        }
        self.as_named(&each.rules, &mut items);
        together(&each.rules, &mut items);
        // What names another item would name none of those made here.
        let names = |rule: &&Rule| match (&rule.body, &each.under) {
            (Body::One(place, _), Some(under)) => (place.elements.0, place.components.0) == under.names,
            _ => false,
        };
        if let Some(rule) = each.rules.iter().find(names) {
            let fields = items.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
            fields.for_each(|fields| drop(fields.remove(&rule.field)));
        }
        items
    }

    /// Puts items into the order of the loops that they name.
    fn as_named(&self, rules: &[Rule], items: &mut Value) {
        let Value::Array(items) = items else { return };
        for (place, values) in &self.named {
            let is_it = |rule: &&Rule| matches!(&rule.body, Body::One(own, _) if own == place);
            let Some(rule) = rules.iter().find(is_it) else { continue };
            let said = |item: &Value| rule.field.get(item.as_object()?).cloned();
            items.sort_by_cached_key(|item| values.iter().position(|value| said(item).as_ref() == Some(value)));
        }
    }

    /// The values of a slot belong together, so none is left out; their number is what the segment has room for.
    fn slots(&mut self, slots: &Slots, spot: Spot<'_>) -> Value {
        let own = |place: &Place| place.tag.is_empty() || *place.tag == *spot.tag;
        let step = |place: &Place| place.step.max(slots.width).max(1);
        let room = |place: &Place| usize::from((place.elements.1 - place.elements.0) / step(place) + 1);
        let max = if slots.places.iter().all(own) { slots.places.iter().map(room).sum() } else { ITEMS_MAX };
        let tag = slots.places.last().map_or("", |place| if place.tag.is_empty() { spot.tag } else { &place.tag });
        let count = 1 + (self.dice)(ITEMS_MAX.min(max));
        let mut items = self.items(count, &slots.rules, Spot { tag, ..spot }, &|_| true);
        if let (Value::Array(items), Some(key)) = (&mut items, slots.rules.first().map(|rule| &rule.field)) {
            // The first place is kept for some: as written they stand first.
            let is_kept =
                |item: &Value| item[&**key].as_str().is_some_and(|key| slots.first.iter().any(|one| one == key));
            items.sort_by_key(|item| !is_kept(item));
        }
        items
    }

    fn items(&mut self, count: usize, rules: &[Rule], spot: Spot<'_>, must: &dyn Fn(&str) -> bool) -> Value {
        let items = (0..count).map(|_| {
            let mut item = Map::new();
            self.object(rules, spot, must, &mut item);
            Value::Object(item)
        });
        // What says nothing is no item.
        Value::Array(items.filter(|item| item.as_object().is_some_and(|item| !item.is_empty())).collect())
    }
}

/// A value that is one of those by which its segment is chosen: one of them is written in any case.
fn names_segment(place: &Place) -> bool {
    let own = (place.elements.0, place.components.0);
    let names = |one: &Selector| matches!(one, Selector::Is(element, component, values) if (*element, *component) == own && values.len() > 1);
    place.selectors.iter().any(names)
}

/// A value that stands around the item at hand, and is said of those beside it too. An item that says something else of
/// the segment that begins the loop stands in another loop.
fn is_around(place: &Place) -> bool {
    place.is_root || (place.is_outer && !place.is_of_loop_around())
}

/// A value in one of the segments that a list beside it reads: left out, the list's first would be taken for it.
fn is_told_apart(place: &Place, rules: &[Rule]) -> bool {
    let reads_too = |rule: &Rule| matches!(&rule.body, Body::Each(each) if each.place.tag == place.tag);
    !place.tag.is_empty() && !place.selectors.is_empty() && rules.iter().any(reads_too)
}

/// Puts items together that say the same of the loop around them: apart, each would begin a loop of its own, and where
/// loops are numbered, none may have the number of another.
fn together(rules: &[Rule], items: &mut Value) {
    let of_loop = |rule: &&Rule| matches!(&rule.body, Body::One(place, _) if place.is_of_loop_around());
    let fields: Vec<_> = rules.iter().filter(of_loop).map(|rule| &rule.field).collect();
    let Value::Array(items) = items else { return };
    let said = |item: &Value| -> Vec<Option<Value>> {
        let of = |fields: &Map, field: &KeyPath| field.get(fields).cloned();
        fields.iter().map(|field| item.as_object().and_then(|item| of(item, field))).collect()
    };
    let all: Vec<_> = items.iter().map(&said).collect();
    items.sort_by_cached_key(|item| all.iter().position(|one| *one == said(item)));
}

/// Takes out items that rules before for the same list would write, since theirs is what these say they are (`is`).
fn without_claimed(before: &[Rule], list: &KeyPath, items: &mut Value) {
    let Value::Array(items) = items else { return };
    for rule in before.iter().filter(|rule| rule.field == *list) {
        let Body::Each(each) = &rule.body else { continue };
        for (field, calls) in each.rules.iter().filter_map(|rule| match &rule.body {
            Body::Computed(calls) => Some((&rule.field, calls)),
            _ => None,
        }) {
            let Some(call) = calls.iter().find(|call| call.function.name() == "is") else { continue };
            let said = |item: &Value| item.as_object().and_then(|item| field.get(item)?.as_str().map(str::to_owned));
            items.retain(|item| said(item).is_none_or(|said| call.arguments.iter().all(|own| *own != said)));
        }
    }
}

/// What lists beside this one say, whose items are the loops that its items stand in, at the places that these name of the
/// loop around (`^/OrderReference`).
fn named(each: &Each, rules: &[Rule], fields: &Map) -> Vec<(Place, Vec<Value>)> {
    let outer = each.rules.iter().filter_map(|rule| match &rule.body {
        Body::One(place, _) if place.is_outer && !place.tag.is_empty() => Some(place),
        _ => None,
    });
    let home = each.home();
    let of_list = |place: &Place, rule: &Rule| -> Option<Vec<Value>> {
        let Body::Each(list) = &rule.body else { return None };
        let inner = Place { is_outer: false, ..place.clone() };
        let is_it = |one: &&Rule| matches!(&one.body, Body::One(own, _) if *own == inner);
        let own = list.rules.iter().find(is_it).filter(|_| list.place == home)?;
        let items = rule.field.get(fields)?.as_array()?;
        Some(items.iter().filter_map(|item| own.field.get(item.as_object()?).cloned()).collect())
    };
    outer.filter_map(|place| Some((place.clone(), rules.iter().find_map(|rule| of_list(place, rule))?))).collect()
}

/// Where the items of a list stand, whichever they are.
fn places_of(each: &Each) -> (Option<Area>, Vec<&str>, &str) {
    let loops = each.place.loops.iter().map(|(tag, _)| &**tag).collect();
    (each.place.area, loops, &each.place.tag)
}

/// The node of the definition that a place names.
fn node_of<'d>(nodes: &'d [Node], place: &Place) -> Option<&'d Node> {
    let mut here = nodes;
    let is_there = |node: &&Node| place.area.is_none_or(|area| node.area == area);
    for (tag, _) in &place.loops {
        here = &here.iter().filter(is_there).find(|node| node.tag == *tag)?.body.as_ref()?.nodes;
    }
    here.iter().filter(is_there).find(|node| node.tag == place.tag)
}

/// What the functions work on here: the standard and its codes, and no document.
fn function_spot<'s>(
    context: &'s Context<'_>,
    fields: Option<&'s Map>,
    entity: Option<&'s Entity>,
) -> function::Spot<'s> {
    let spot = function::Spot::new(context.document.codes(), '.', context.codes, context.tables);
    function::Spot { fields: fields.map(View::from), entity, ..spot }
}

/// What follows from the fields there are.
fn computed(context: &Context<'_>, calls: &[Call], fields: &Map) -> Option<Value> {
    function::put(calls, None, &function_spot(context, Some(fields), None)).unwrap_or(None)
}
