//! From a placed document to entities: each rule takes what stands at its places, what no rule takes is kept as an
//! extension. It changes nothing and checks no sums; that is the entity's.

mod tree;

use super::Context;
use super::function::{self, Beside, Call, Spot};
use super::notation::{Body, Each, Place, Rule, Selector, Slots};
use super::trace::{Fed, Reading};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::entity::{Entity, get, get_mut, set};
use crate::standard::place::{Child, Placement};
use crate::tree::{Run, Segment};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Reads a document. One document may be several entities; today each mapping makes one.
#[must_use]
pub fn read(context: &Context<'_>, run: &Run<'_>, placement: &Placement) -> (Vec<Entity>, Vec<Diagnostic>) {
    let (entities, reader) = entities(context, run, placement, Reading::default());
    (entities, reader.faults)
}

/// The same, and which value fed which field.
#[must_use]
pub fn read_traced(
    context: &Context<'_>,
    run: &Run<'_>,
    placement: &Placement,
) -> (Vec<Entity>, Vec<Diagnostic>, Vec<Fed>) {
    let (entities, reader) = entities(context, run, placement, Reading::on());
    (entities, reader.faults, reader.claimed.trace.end())
}

fn entities<'a>(
    context: &'a Context<'_>,
    run: &'a Run<'_>,
    placement: &'a Placement,
    trace: Reading,
) -> (Vec<Entity>, Reader<'a>) {
    let (numbers, faults) = (HashMap::new(), Vec::new());
    let claimed = Claims { trace, ..Claims::default() };
    let mut reader = Reader { context, run, placement, claimed, numbers, faults, is_negative: false };
    let top = At::Loop(0);
    let is_selected = |(place, values): &(Place, Vec<String>)| {
        let value = reader.first(top, place).map(|found| reader.text(found));
        value.is_some_and(|value| values.contains(&value))
    };
    let choice = context.mapping.select.iter().find(|choice| choice.when.as_ref().is_none_or(is_selected));
    let Some(choice) = choice else { return (Vec::new(), reader) };
    let sign = choice.negative.as_ref().and_then(|place| reader.preferred(top, place));
    reader.is_negative = sign.is_some_and(|address| reader.text(address).starts_with('-'));
    for (place, value) in &context.mapping.constants {
        let as_written: Vec<_> = reader.addresses(top, place);
        reader.claimed.extend(as_written.into_iter().filter(|&at| reader.text(at) == *value).collect::<Vec<_>>());
    }
    let mut entity = Entity::new(&choice.entity);
    reader.rules(&context.mapping.rules, top, &mut entity.fields);
    if reader.is_negative {
        entity.fields.insert("negative_in".into(), context.mapping.standard.clone().into());
    }
    // A rule may have read the precise kind where the entity was chosen; else it is said by the entity.
    if let Some((place, _)) = &choice.when {
        reader.claim_all(top, place);
    }
    if let Some(tree) = &context.mapping.tree {
        reader.tree(tree, &mut entity);
    }
    let extensions = reader.extensions();
    if !extensions.is_empty() {
        entity.fields.insert("extensions".into(), Value::Array(extensions));
    }
    (vec![entity], reader)
}

/// What places are relative to.
#[derive(Clone, Copy)]
enum At {
    /// A loop instance; 0 is the document.
    Loop(usize),
    /// A segment that is no trigger.
    Segment(usize),
    /// A slot of a segment: the segment, and the slot's first element.
    Slot(usize, u16),
}

/// One value's address: segment ordinal, element, component (0 for a simple one).
type Address = (usize, u16, u16);

/// The values that rules have taken, with a way back.
#[derive(Default)]
struct Claims {
    taken: HashSet<Address>,
    /// Values that their rule could not read: no other rule's, and told in the extensions.
    refused: HashSet<Address>,
    log: Vec<Address>,
    trace: Reading,
}

impl Claims {
    fn has(&self, address: &Address) -> bool {
        self.taken.contains(address) || self.refused.contains(address)
    }

    fn insert(&mut self, address: Address) {
        self.trace.take(address, true);
        self.note(address);
    }

    fn extend(&mut self, addresses: impl IntoIterator<Item = Address>) {
        for address in addresses {
            self.trace.take(address, false);
            self.note(address);
        }
    }

    fn note(&mut self, address: Address) {
        if self.taken.insert(address) {
            self.log.push(address);
        }
    }

    /// Where the log stands, for `undo`.
    fn mark(&self) -> usize {
        self.log.len()
    }

    /// Gives back what was taken since.
    fn undo(&mut self, mark: usize) {
        for address in self.log.drain(mark..) {
            self.taken.remove(&address);
        }
    }
}

struct Reader<'a> {
    context: &'a Context<'a>,
    run: &'a Run<'a>,
    placement: &'a Placement,
    claimed: Claims,
    /// Occurrences of the loops of a tree as they will be written, where that differs from how they came.
    numbers: HashMap<usize, usize>,
    faults: Vec<Diagnostic>,
    /// The document writes its amounts with a minus that the entity does not have.
    is_negative: bool,
}

impl Reader<'_> {
    fn rules(&mut self, rules: &[Rule], at: At, fields: &mut Map<String, Value>) {
        for rule in rules {
            // Of several rules for one value the first that finds it counts; the others leave theirs alone.
            let is_there = get(fields, &rule.field).is_some();
            let taken = self.claimed.trace.mark();
            let value = match &rule.body {
                Body::One(..) | Body::Many(..) if is_there => None,
                Body::One(place, calls) => self.one(at, place, calls),
                Body::Many(places, calls) => self.many(at, places, calls),
                Body::Each(each) => self.each(at, each),
                Body::Slots(slots) => self.slots(at, slots),
                Body::Computed(calls) => self.computed(calls, fields),
            };
            let there = get(fields, &rule.field).and_then(Value::as_array).map_or(0, Vec::len);
            self.claimed.trace.field(taken, &rule.field, there);
            match (value, get_mut(fields, &rule.field)) {
                // Several rules may fill one list.
                (Some(Value::Array(more)), Some(Value::Array(there))) => there.extend(more),
                (Some(value), _) => set(fields, &rule.field, value),
                (None, _) => {}
            }
        }
    }

    fn one(&mut self, at: At, place: &Place, calls: &[Call]) -> Option<Value> {
        let address = self.preferred(at, place)?;
        let value = self.through(address, Value::String(self.text(address)), calls);
        match value {
            Ok(Some(value)) => {
                self.claim(address);
                self.claim_place(at, address.0, place);
                Some(value)
            }
            Ok(None) => None,
            Err(()) => {
                let constants = place.selectors.iter().filter_map(|one| self.selected(address.0, one));
                let refused: Vec<_> = constants.chain([address]).collect();
                self.claimed.refused.extend(refused);
                None
            }
        }
    }

    fn many(&mut self, at: At, places: &[Place], calls: &[Call]) -> Option<Value> {
        let addresses: Vec<Address> = places.iter().flat_map(|place| self.addresses(at, place)).collect();
        let free: Vec<Address> = addresses.into_iter().filter(|address| !self.claimed.has(address)).collect();
        let first = *free.first()?;
        let texts = free.iter().map(|address| Value::String(self.text(*address))).collect();
        for address in &free {
            self.claim(*address);
            places.iter().for_each(|place| self.claim_place(at, address.0, place));
        }
        self.through(first, Value::Array(texts), calls).unwrap_or(None)
    }

    /// A value that follows from those beside it.
    fn computed(&self, calls: &[Call], fields: &Map<String, Value>) -> Option<Value> {
        let spot = self.spot(&|_| String::new(), Some(fields));
        function::put(calls, None, &spot).unwrap_or(None)
    }

    fn each(&mut self, at: At, each: &Each) -> Option<Value> {
        let mut items = Vec::new();
        for (segment, instance) in self.segments(at, &each.place) {
            // A segment whose qualifier another rule took is that rule's.
            if items.len() == each.max || self.is_taken(segment, 1) {
                continue;
            }
            let inner = instance.map_or(At::Segment(segment), At::Loop);
            self.item((at, inner), segment, (&each.rules, each.only.as_ref(), &each.place), &mut items);
        }
        (!items.is_empty()).then_some(Value::Array(items))
    }

    /// Reads one item. When its first field was refused, or the one it must have is not there, it is not this rule's
    /// and all stays as it was.
    fn item(
        &mut self,
        (outer, inner): (At, At),
        segment: usize,
        (rules, only, place): (&[Rule], Option<&String>, &Place),
        items: &mut Vec<Value>,
    ) {
        let (claimed, faults, taken) = (self.claimed.mark(), self.faults.len(), self.claimed.trace.mark());
        let mut fields = Map::new();
        self.rules(rules, inner, &mut fields);
        let has = |field: &str| get(&fields, field).is_some_and(|value| value.get("list").is_none());
        let refused = rules.first().is_some_and(|rule| match &rule.body {
            Body::One(place, _) => get(&fields, &rule.field).is_none() && !self.addresses(inner, place).is_empty(),
            _ => false,
        });
        if refused || only.is_some_and(|field| !has(field)) {
            self.claimed.undo(claimed);
            self.claimed.trace.undo(taken);
            self.faults.truncate(faults);
            return;
        }
        self.claim_selectors(segment, &place.selectors);
        self.claim_place(outer, segment, place);
        self.claimed.trace.item(taken, items.len());
        if !fields.is_empty() {
            items.push(Value::Object(fields));
        }
    }

    fn slots(&mut self, at: At, slots: &Slots) -> Option<Value> {
        let mut items = Vec::new();
        for place in &slots.places {
            for (segment, _) in self.segments(at, place) {
                let (first, last) = place.elements;
                let step = place.step.max(slots.width).max(1);
                for element in (first..=last).step_by(usize::from(step)) {
                    let filled = (element..element + slots.width).any(|one| self.is_filled(segment, one));
                    let taken = self.is_taken(segment, element);
                    if filled && !taken && !self.is_excepted(slots, segment, element) {
                        let inner = At::Slot(segment, element);
                        self.item((at, inner), segment, (&slots.rules, slots.only.as_ref(), place), &mut items);
                    }
                }
            }
        }
        (!items.is_empty()).then_some(Value::Array(items))
    }

    fn is_taken(&self, segment: usize, element: u16) -> bool {
        self.claimed.has(&(segment, element, 0)) || self.claimed.has(&(segment, element, 1))
    }

    fn is_excepted(&self, slots: &Slots, segment: usize, element: u16) -> bool {
        let Some(list) = &slots.except else { return false };
        let code = self.text((segment, element, 0));
        self.context.codes.canonical(list, &self.context.mapping.standard, &code).is_some()
    }

    /// Runs the functions; a value they refuse is told and left to the extensions.
    fn through(&mut self, at: Address, wire: Value, calls: &[Call]) -> Result<Option<Value>, ()> {
        let (segment, element, _) = at;
        let address = |beside: Beside| match beside {
            Beside::Component(component) => (segment, element, component),
            Beside::Element(element) => (segment, element, 0),
        };
        let beside = |beside: Beside| self.text(address(beside));
        let spot = self.spot(&beside, None);
        let outcome = function::get(calls, wire, &spot);
        let (looked, missed) = (spot.looked.into_inner(), spot.missed.into_inner());
        let is_told = !missed.is_empty();
        for lookup in missed {
            let finding = Diagnostic { fault: Fault::LookupMissing, ..self.finding(at) }.lacking(lookup);
            self.faults.push(finding);
        }
        match outcome {
            Ok(value) => {
                if value.is_some() {
                    self.claimed.extend(looked.into_iter().map(address));
                }
                Ok(value)
            }
            Err(expected) => {
                if !is_told {
                    let finding = self.finding(at).because(expected, "");
                    self.faults.push(finding);
                }
                Err(())
            }
        }
    }

    fn spot<'s>(&'s self, beside: &'s dyn Fn(Beside) -> String, fields: Option<&'s Map<String, Value>>) -> Spot<'s> {
        let context = self.context;
        let decimal = char::from(self.run.separators.decimal);
        let spot = Spot::new(&context.mapping.standard, decimal, context.codes, context.tables);
        Spot { beside, is_negative: self.is_negative, fields, ..spot }
    }

    fn finding(&self, (segment, element, component): Address) -> Diagnostic {
        let syntax = if self.context.mapping.standard == "x12" { Syntax::X12 } else { Syntax::Edifact };
        let finding = Diagnostic::new(syntax, Fault::MappingValue);
        let Some(segment) = self.run.segment(segment) else { return finding };
        let ordinal = u32::try_from(segment.ordinal() + 1).unwrap_or(u32::MAX);
        let position = Position { segment: ordinal, element, component, repetition: 0 };
        let part = if component == 0 { String::new() } else { format!(".{component}") };
        let place = format!("{}.{element:02}{part}", segment.tag_text());
        finding.place(place, segment.tag_text(), position).at(
            segment.offset(),
            segment.raw().len() as u64,
            segment.line(),
        )
    }

    /// The first filled address of a place that no rule has taken.
    fn first(&self, at: At, place: &Place) -> Option<Address> {
        // What the slots of a segment share is read for each.
        let is_shared = matches!(at, At::Slot(..)) && place.offset.is_none();
        self.addresses(at, place).into_iter().find(|address| is_shared || !self.claimed.has(address))
    }

    /// The address of a single value: in the first loop that fits, and of the segments there in one whose code comes
    /// first in the selector, so that values of several rules belong together.
    fn preferred(&self, at: At, place: &Place) -> Option<Address> {
        let wanted = place.selectors.iter().find_map(|selector| match selector {
            Selector::Is(_, _, values) if values.len() > 1 => Some((selector, values)),
            _ => None,
        });
        let narrowed = wanted.and_then(|(selector, values)| {
            let there = self.segments(at, place);
            let code = |segment| self.selected(segment, selector).map(|address| self.text(address));
            let codes: Vec<String> = there.into_iter().filter_map(|(segment, _)| code(segment)).collect();
            let best = values.iter().find(|value| codes.contains(value))?;
            let Selector::Is(element, component, _) = selector else { return None };
            let mut narrowed = place.clone();
            narrowed.selectors.retain(|one| one != selector);
            narrowed.selectors.push(Selector::Is(*element, *component, vec![best.clone()]));
            Some(narrowed)
        });
        let address = self.first(at, narrowed.as_ref().unwrap_or(place))?;
        (place.loops.is_empty() || self.is_in_first_loop(at, place, address.0)).then_some(address)
    }

    fn is_in_first_loop(&self, at: At, place: &Place, segment: usize) -> bool {
        let At::Loop(_) = at else { return true };
        let trigger = Place { tag: String::new(), selectors: Vec::new(), ..place.clone() };
        let outer = self.segments(at, &trigger).first().and_then(|(_, instance)| *instance);
        let home = self.placement.homes.get(segment).copied().flatten().map(|(_, instance)| instance);
        let is_trigger = |home: &usize| self.trigger(*home) == Some(segment);
        let around = home.map(|home| if is_trigger(&home) { self.placement.loops[home].parent } else { home });
        around == outer
    }

    /// All filled addresses of a place, in the order of the document.
    fn addresses(&self, at: At, place: &Place) -> Vec<Address> {
        let mut found = Vec::new();
        let (from, to) = match (at, place.offset) {
            (At::Slot(_, first), Some(offset)) => (first + offset, first + offset),
            _ => place.elements,
        };
        for (segment, _) in self.segments(at, place) {
            for element in (from..=to).step_by(usize::from(place.step.max(1))) {
                let (first, last) = self.component_range(segment, element, place.components);
                found.extend(
                    (first..=last)
                        .map(|component| (segment, element, component))
                        .filter(|address| !self.text(*address).is_empty()),
                );
            }
        }
        found
    }

    /// A simple element is component 0; a composite that a place names whole is its first component.
    fn component_range(&self, segment: usize, element: u16, (first, last): (u16, u16)) -> (u16, u16) {
        let is_composite = self.components(segment, element) > 1 || self.is_defined_composite(segment, element);
        match (first, is_composite) {
            (0, true) => (1, 1),
            (0, false) => (0, 0),
            (1, false) => (0, 0),
            _ => (first, last),
        }
    }

    fn is_defined_composite(&self, segment: usize, element: u16) -> bool {
        let Some(segment) = self.run.segment(segment) else { return false };
        let definition = self.context.directory.segments.get(&*segment.tag_text());
        let place = definition.and_then(|one| one.elements.get(usize::from(element).wrapping_sub(1)));
        place.is_some_and(|place| self.context.directory.composites.contains_key(&place.id))
    }

    /// The segments a place names, with the loop instance each triggers.
    fn segments(&self, at: At, place: &Place) -> Vec<(usize, Option<usize>)> {
        let at = if place.is_outer { self.outer(at) } else { at };
        let mut loops = match at {
            At::Segment(segment) | At::Slot(segment, _) => {
                let fits = place.tag.is_empty() || self.tag_is(segment, &place.tag);
                let here = if fits { vec![(segment, None)] } else { Vec::new() };
                return self.select(here, &place.selectors);
            }
            At::Loop(instance) => vec![instance],
        };
        for (tag, selectors) in &place.loops {
            let inner = loops.iter().flat_map(|&outer| self.inner_loops(outer, tag, place)).collect::<Vec<_>>();
            loops = self.select(inner, selectors).into_iter().filter_map(|(_, instance)| instance).collect();
        }
        if place.tag.is_empty() {
            // The trigger of the loop at hand.
            return loops.iter().filter_map(|&instance| Some((self.trigger(instance)?, Some(instance)))).collect();
        }
        let mut found = Vec::new();
        for &instance in &loops {
            found.extend(self.placement.children(instance).filter_map(|child| match child {
                Child::Segment(segment) if self.tag_is(segment, &place.tag) => {
                    self.in_area(segment, instance, place).then_some((segment, None))
                }
                _ => None,
            }));
            found.extend(self.inner_loops(instance, &place.tag, place));
        }
        self.select(found, &place.selectors)
    }

    /// The loop that a segment stands in, or the one around a loop.
    fn outer(&self, at: At) -> At {
        let home = |segment: usize| self.placement.homes.get(segment).copied().flatten().map_or(0, |home| home.1);
        At::Loop(match at {
            At::Segment(segment) | At::Slot(segment, _) => home(segment),
            At::Loop(instance) => self.placement.loops[instance].parent,
        })
    }

    fn in_area(&self, segment: usize, instance: usize, place: &Place) -> bool {
        let home = self.placement.homes.get(segment).copied().flatten();
        instance != 0 || place.area.is_none_or(|area| home.is_some_and(|(one, _)| one == area))
    }

    fn inner_loops(&self, outer: usize, tag: &str, place: &Place) -> Vec<(usize, Option<usize>)> {
        let inner = self.placement.children(outer).filter_map(|child| match child {
            Child::Loop(instance) => Some((self.trigger(instance)?, Some(instance))),
            Child::Segment(_) => None,
        });
        let fits =
            |instance: usize| outer != 0 || place.area.is_none_or(|area| self.placement.loops[instance].area == area);
        inner.filter(|(segment, instance)| self.tag_is(*segment, tag) && instance.is_some_and(fits)).collect()
    }

    fn select(&self, mut found: Vec<(usize, Option<usize>)>, selectors: &[Selector]) -> Vec<(usize, Option<usize>)> {
        for selector in selectors {
            match selector {
                Selector::Is(element, component, values) => {
                    found.retain(|(segment, _)| {
                        let (component, _) = self.component_range(*segment, *element, (*component, *component));
                        values.contains(&self.text((*segment, *element, component)))
                    });
                }
                Selector::Occurrence(number) => {
                    found = found.into_iter().skip(number.saturating_sub(1)).take(1).collect();
                }
            }
        }
        found
    }

    fn trigger(&self, instance: usize) -> Option<usize> {
        self.placement.children(instance).find_map(|child| match child {
            Child::Segment(segment) => Some(segment),
            Child::Loop(_) => None,
        })
    }

    fn tag_is(&self, segment: usize, tag: &str) -> bool {
        self.run.segment(segment).is_some_and(|segment| segment.tag_text() == tag)
    }

    fn text(&self, (segment, element, component): Address) -> String {
        let Some(value) = self.run.segment(segment).and_then(|segment| segment.element(element.into())) else {
            return String::new();
        };
        let Some(value) = value.repetitions().next() else { return String::new() };
        let value = if component == 0 { Some(value) } else { value.component(component.into()) };
        value.map_or(String::new(), |value| value.text().trim_end_matches(' ').to_owned())
    }

    fn is_filled(&self, segment: usize, element: u16) -> bool {
        let value = self.run.segment(segment).and_then(|segment| segment.element(element.into()));
        value.is_some_and(|value| !value.is_empty())
    }

    fn components(&self, segment: usize, element: u16) -> u16 {
        let value = self.run.segment(segment).and_then(|segment| segment.element(element.into()));
        value.map_or(0, |value| u16::try_from(value.components().count()).unwrap_or(u16::MAX))
    }

    fn claim(&mut self, address: Address) {
        self.claimed.insert(address);
    }

    fn claim_all(&mut self, at: At, place: &Place) {
        let all = self.addresses(at, place);
        self.claimed.extend(all);
        for (segment, _) in self.segments(at, place) {
            self.claim_selectors(segment, &place.selectors);
        }
    }

    /// The selectors of a place, on its segment and on the triggers of the loops it goes through.
    fn claim_place(&mut self, at: At, segment: usize, place: &Place) {
        if place.tag.is_empty() || self.tag_is(segment, &place.tag) {
            self.claim_selectors(segment, &place.selectors);
        }
        let At::Loop(outer) = at else { return };
        let Some((_, mut instance)) = self.placement.homes.get(segment).copied().flatten() else { return };
        if self.trigger(instance) == Some(segment) && !place.tag.is_empty() {
            // The place names the trigger itself; the loops of its path are those around it.
            instance = self.placement.loops[instance].parent;
        }
        for (_, selectors) in place.loops.iter().rev() {
            if instance == outer {
                return;
            }
            if let Some(trigger) = self.trigger(instance) {
                self.claim_selectors(trigger, selectors);
            }
            instance = self.placement.loops[instance].parent;
        }
    }

    /// The constants of a selector are said by the rule itself.
    fn claim_selectors(&mut self, segment: usize, selectors: &[Selector]) {
        let constants: Vec<_> = selectors.iter().filter_map(|one| self.selected(segment, one)).collect();
        self.claimed.extend(constants);
    }

    /// The address that a selector looks at.
    fn selected(&self, segment: usize, selector: &Selector) -> Option<Address> {
        let Selector::Is(element, component, _) = selector else { return None };
        let (component, _) = self.component_range(segment, *element, (*component, *component));
        Some((segment, *element, component))
    }

    /// What no rule took, header and trailer left aside.
    fn extensions(&mut self) -> Vec<Value> {
        let mapping = self.context.mapping;
        let document = format!("{}/{}/{}", mapping.standard, mapping.version, mapping.document);
        let mut found = Vec::new();
        for segment in self.run.segments() {
            let is_envelope = matches!(segment.tag(), b"ST" | b"SE" | b"UNH" | b"UNT");
            if is_envelope || self.is_selected_constant(&segment) {
                continue;
            }
            let ordinal = segment.ordinal();
            for element in 1..=u16::try_from(segment.element_count()).unwrap_or(u16::MAX) {
                let (first, last) = match self.components(ordinal, element) {
                    count if count > 1 || self.is_defined_composite(ordinal, element) => (1, count),
                    _ => (0, 0),
                };
                for component in first..=last {
                    let address = (ordinal, element, component);
                    let value = self.text(address);
                    if !value.is_empty() && !self.claimed.taken.contains(&address) {
                        let place = self.printed(address);
                        let taken = self.claimed.trace.mark();
                        self.claimed.trace.take(address, true);
                        self.claimed.trace.item(taken, found.len());
                        self.claimed.trace.field(taken, "extensions", 0);
                        found.push(json!({ "document": document, "place": place, "value": value }));
                    }
                }
            }
        }
        found
    }

    /// Selectors of scalar rules mark the qualifier as said once the value was taken.
    fn is_selected_constant(&self, segment: &Segment<'_>) -> bool {
        segment.element_count() == 0
    }

    /// The place in the notation of mappings, each loop and segment with its occurrence, so that it can be written.
    fn printed(&self, (ordinal, element, component): Address) -> String {
        let Some(segment) = self.run.segment(ordinal) else { return String::new() };
        let home = self.placement.homes.get(ordinal).copied().flatten();
        let mut steps = Vec::new();
        let mut instance = home.map_or(0, |(_, instance)| instance);
        while instance != 0 {
            let parent = self.placement.loops[instance].parent;
            let tag = self
                .trigger(instance)
                .and_then(|at| self.run.segment(at))
                .map_or(String::new(), |one| one.tag_text().into_owned());
            let fellows = self.inner_loops(
                parent,
                &tag,
                &Place { area: Some(self.placement.loops[instance].area), ..Place::default() },
            );
            let number = fellows.iter().position(|(_, one)| *one == Some(instance)).map_or(1, |at| at + 1);
            let number = self.numbers.get(&instance).copied().unwrap_or(number);
            steps.push(format!("{tag}[{number}]"));
            instance = parent;
        }
        steps.reverse();
        let (area, home) = home.unwrap_or_default();
        let tag = segment.tag_text();
        let is_trigger = home != 0 && self.trigger(home) == Some(ordinal);
        let last = if is_trigger {
            steps.pop().unwrap_or_default()
        } else {
            let fellows = self.placement.children(home).filter_map(|child| match child {
                Child::Segment(one)
                    if self.tag_is(one, &tag) && self.placement.homes[one].map(|home| home.0) == Some(area) =>
                {
                    Some(one)
                }
                _ => None,
            });
            let number = fellows.take_while(|&one| one <= ordinal).count();
            format!("{tag}[{number}]")
        };
        steps.push(last);
        let part = if component == 0 { String::new() } else { format!(".{component}") };
        format!("{}:{}.{element:02}{part}", area.name(), steps.join("/"))
    }
}
