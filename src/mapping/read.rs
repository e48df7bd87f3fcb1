//! From a placed document to entities: each rule takes what stands at its places, what no rule takes is kept as an
//! extension. It changes nothing and checks no sums; that is the entity's.

mod place; // what stands where a rule looks
mod record; // making stencils
mod source; // the document, made ready to be looked at
mod stencil; // what is kept of one item for the next
mod tree; // nested documents

pub use stencil::Stencil;

use super::Context;
use super::function::{self, Beside, Call, Spot};
use super::notation::{Body, Each, Here, Place, Rule, Selector, Slots, Tag, Under, suits};
use super::stencil::Stencils;
use super::trace::{Fed, Reading};
use crate::diagnostic::{Diagnostic, Fault, Position};
use crate::entity::{Entity, Filling, Items, Map, Value, View, has, key};
use crate::standard::place::{Child, Placement};
use crate::tree::{Run, Segment};
use record::Recording;
use source::{Address, Source, Span};
use std::borrow::Cow;
use std::collections::HashMap;
use stencil::Got;

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
    let source = Source::new(run, placement, context.directory);
    // Who wants to know each step is shown each step.
    let mut stencils = (!trace.is_on()).then(|| context.mapping.reading.take());
    stencils.iter_mut().for_each(|stencils| stencils.for_documents_of(context.directory));
    let claimed = Claims { trace, cells: vec![0; source.cells()], ..Claims::default() };
    let mut reader = Reader {
        context,
        run,
        source,
        placement,
        claimed,
        numbers,
        faults,
        is_negative: false,
        currency: None,
        stencils,
        recording: None,
        filling: Filling::default(),
        spans: Vec::new(),
    };
    let top = At::Loop(0);
    let is_selected = |(place, values): &(Place, Vec<String>)| {
        let value = reader.first(top, place).map(|found| reader.text(found));
        value.is_some_and(|value| values.iter().any(|one| *one == value))
    };
    let choice = context.mapping.select.iter().find(|choice| choice.when.as_ref().is_none_or(is_selected));
    let Some(choice) = choice else {
        reader.end();
        return (Vec::new(), reader);
    };
    let sign = choice.negative.as_ref().and_then(|place| reader.preferred(top, place));
    reader.is_negative = sign.is_some_and(|address| reader.text(address).starts_with('-'));
    reader.currency = reader.currency_in(&context.mapping.rules);
    reader.claim_envelope();
    for (place, value) in &context.mapping.constants {
        let as_written: Vec<_> = reader.addresses(top, place);
        let as_written: Vec<_> = as_written.into_iter().filter(|&at| reader.text(at) == *value).collect();
        reader.take(as_written);
    }
    // What only repeats the first says nothing of its own.
    for place in &context.mapping.repeated {
        let mut all = reader.addresses(top, place).into_iter();
        let Some(first) = all.next().map(|first| reader.text(first).into_owned()) else { continue };
        let again: Vec<_> = all.filter(|&at| reader.text(at) == first).collect();
        reader.take(again);
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
    let tree = context.mapping.tree.as_ref();
    let nodes = tree.map(|tree| reader.tree(tree, &mut entity)).unwrap_or_default();
    reader.end();
    let left = reader.left();
    if !left.is_empty() {
        if let Some(tree) = tree {
            reader.renumber(tree, &entity, &nodes);
        }
        entity.fields.insert("extensions".into(), Value::Array(reader.extensions(left)));
    }
    (vec![entity], reader)
}

/// Adds a field to an object; where it is an object there already, the fields of it.
fn lay_under(object: &mut Map, field: &str, value: &Value) {
    match (object.get_mut(field), value) {
        (None, value) => drop(object.insert(key(field), value.clone())),
        (Some(Value::Object(there)), Value::Object(more)) => {
            more.iter().for_each(|(field, value)| lay_under(there, field, value));
        }
        (Some(Value::Array(there)), Value::Array(more)) => there.extend(more.iter().cloned()),
        (Some(_), _) => {}
    }
}

/// What an item itself must have or lack beyond what the loop around it says; `None` where that says what it must not.
fn beyond<'e>(only: &'e [String], around: &Map) -> Option<Cow<'e, [String]>> {
    let is_said = |field: &str| has(around.into(), field, &|value| !value.field("list").is_there());
    let is_barred = |field: &&String| field.starts_with('!');
    if only.iter().filter_map(|field| field.strip_prefix('!')).any(is_said) {
        return None;
    }
    let is_met = only.iter().any(|field| !is_barred(&field) && is_said(field));
    Some(if is_met { only.iter().filter(is_barred).cloned().collect() } else { Cow::Borrowed(only) })
}

/// What stands beside a value.
fn beside((segment, element, _): Address, beside: Beside) -> Address {
    match beside {
        Beside::Component(component) => (segment, element, component),
        Beside::Element(element) => (segment, element, 0),
    }
}

/// Fields that an item is made ready for; few have more.
const ITEM_FIELDS: usize = 12;

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

/// What a loop says of all items in it, with a way back.
#[derive(Default)]
struct Around {
    /// The loop; 0 for none yet.
    instance: usize,
    fields: Map,
    /// An item has been given it.
    is_said: bool,
    claimed: usize,
    faults: usize,
    taken: usize,
}

/// The values that rules have taken, with a way back.
#[derive(Default)]
struct Claims {
    /// What is known of each value, by its cell.
    cells: Vec<u8>,
    /// What was taken: the first cell, and how many.
    log: Vec<(usize, usize)>,
    /// What was known of those before.
    before: Vec<u8>,
    trace: Reading,
}

/// A rule has taken the value.
const TAKEN: u8 = 1;
/// A rule could not read the value: it is no other rule's, and told in the extensions.
const REFUSED: u8 = 2;

impl Claims {
    fn has(&self, cell: Option<usize>) -> bool {
        cell.is_some_and(|cell| self.cells[cell] != 0)
    }

    fn is_taken(&self, cell: Option<usize>) -> bool {
        cell.is_some_and(|cell| self.cells[cell] & TAKEN != 0)
    }

    fn take(&mut self, cell: Option<usize>, address: Address, is_value: bool) {
        self.trace.take(address, is_value);
        if let Some(cell) = cell {
            self.take_cell(cell);
        }
    }

    fn take_cell(&mut self, cell: usize) {
        if self.cells[cell] & TAKEN == 0 {
            self.before.push(self.cells[cell]);
            self.cells[cell] |= TAKEN;
            self.log.push((cell, 1));
        }
    }

    /// Takes what an item takes: from its first cell on, what is known afterwards.
    fn take_block(&mut self, first: usize, after: &[u8]) {
        let cells = &mut self.cells[first..first + after.len()];
        self.before.extend_from_slice(cells);
        cells.copy_from_slice(after);
        self.log.push((first, after.len()));
    }

    fn refuse(&mut self, cell: Option<usize>) {
        if let Some(cell) = cell {
            self.cells[cell] |= REFUSED;
        }
    }

    /// Where the log stands, for `undo`.
    fn mark(&self) -> usize {
        self.log.len()
    }

    /// Gives back what was taken since.
    fn undo(&mut self, mark: usize) {
        for (first, count) in self.log.drain(mark..).rev() {
            let before = self.before.drain(self.before.len() - count..);
            for (cell, before) in self.cells[first..].iter_mut().zip(before) {
                *cell = *cell & !TAKEN | before & TAKEN;
            }
        }
    }
}

/// The field of every entity that says which currency its amounts are in.
const CURRENCY: &str = "currency";

struct Reader<'a> {
    context: &'a Context<'a>,
    run: &'a Run<'a>,
    source: Source<'a>,
    placement: &'a Placement,
    claimed: Claims,
    /// Occurrences of the loops of a tree as they will be written, where that differs from how they came.
    numbers: HashMap<usize, usize>,
    faults: Vec<Diagnostic>,
    /// The document writes its amounts with a minus that the entity does not have.
    is_negative: bool,
    /// The currency that the document says its amounts are in.
    currency: Option<String>,
    /// What is known of items of one form; `None` where each step is traced.
    stencils: Option<Stencils<Stencil>>,
    /// What is noted of the item at hand, for a stencil.
    recording: Option<Recording>,
    /// Where the texts of items are put together.
    filling: Filling,
    /// Where the texts of the item at hand stand.
    spans: Vec<Span>,
}

impl<'a> Reader<'a> {
    /// Gives the stencils back: all items are read.
    fn end(&mut self) {
        if let Some(stencils) = self.stencils.take() {
            self.context.mapping.reading.give_back(stencils);
        }
    }

    /// What the first rule for the entity's currency finds; nothing is taken.
    fn currency_in(&self, rules: &[Rule]) -> Option<String> {
        let found = rules.iter().filter(|rule| *rule.field == *CURRENCY).find_map(|rule| match &rule.body {
            Body::One(place, _) => self.preferred(At::Loop(0), place),
            _ => None,
        });
        found.map(|address| self.text(address).into_owned())
    }

    fn rules(&mut self, rules: &[Rule], at: At, fields: &mut Map) {
        let there = match at {
            At::Loop(instance) => self.source.tags(instance),
            At::Segment(segment) | At::Slot(segment, _) => self.source.tag_bit(segment),
        };
        for rule in rules.iter().filter(|rule| rule.needs & there != 0) {
            let taken = self.claimed.trace.mark();
            // Of several rules for one value the first that finds it counts; the others leave theirs alone.
            let is_there = |fields: &Map| rule.field.get(fields).is_some();
            let value = match &rule.body {
                Body::One(..) | Body::Many(..) | Body::Computed(_) if is_there(fields) => None,
                Body::One(place, calls) => self.one(at, place, calls),
                Body::Many(places, calls) => self.many(at, places, calls),
                Body::Each(each) => self.each(at, each),
                Body::Slots(slots) => self.slots(at, slots),
                Body::Computed(calls) => self.computed(calls, fields),
            };
            if self.claimed.trace.is_on() {
                let there = rule.field.get(fields).and_then(Value::as_array).map_or(0, Vec::len);
                self.claimed.trace.field(taken, &rule.field, there);
            }
            match value {
                // Several rules may fill one list.
                Some(Value::Array(more)) => match rule.field.get_mut(fields) {
                    Some(Value::Array(there)) => there.extend(more),
                    _ => rule.field.set(fields, Value::Array(more)),
                },
                Some(value) => rule.field.set(fields, value),
                None => {}
            }
        }
    }

    fn one(&mut self, at: At, place: &Place, calls: &[Call]) -> Option<Value> {
        let address = self.preferred(at, place)?;
        let value = self.through(&[address], Value::String(self.text(address).into()), calls);
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
                refused.into_iter().for_each(|address| self.claimed.refuse(self.source.cell(address)));
                None
            }
        }
    }

    fn many(&mut self, at: At, places: &[Place], calls: &[Call]) -> Option<Value> {
        let addresses: Vec<Address> = places.iter().flat_map(|place| self.addresses(at, place)).collect();
        let free: Vec<Address> = addresses.into_iter().filter(|address| !self.is_claimed(address)).collect();
        if free.is_empty() {
            return None;
        }
        let texts = free.iter().map(|address| Value::String(self.text(*address).into())).collect();
        for address in &free {
            self.claim(*address);
            places.iter().for_each(|place| self.claim_place(at, address.0, place));
        }
        self.through(&free, Value::Array(texts), calls).unwrap_or(None)
    }

    /// A value that follows from those beside it.
    fn computed(&self, calls: &[Call], fields: &Map) -> Option<Value> {
        let spot = self.spot(&|_| String::new(), Some(fields));
        // Of nothing, most functions make nothing; what others make may follow from the texts beside it.
        let is_moot = calls.iter().all(|call| !call.function.supplies());
        if let (Some(recording), false) = (&self.recording, is_moot) {
            recording.spoil();
        }
        function::put(calls, None, &spot).unwrap_or(None)
    }

    fn each(&mut self, at: At, each: &Each) -> Option<Value> {
        let mut items = Items::new(&self.filling);
        if let Some(under) = &each.under {
            self.below(at, each, under, &mut items);
            return items.end(&mut self.filling);
        }
        let mut around = Around::default();
        for (segment, instance) in self.segments(at, &each.place) {
            // A segment whose qualifier another rule took is that rule's.
            if items.len() == each.max || self.is_taken(segment, 1) {
                continue;
            }
            let inner = instance.map_or(At::Segment(segment), At::Loop);
            let mut only = Cow::Borrowed(each.only.as_slice());
            if each.around > 0 {
                self.around(each, inner, items.len(), &mut around);
                match beyond(&each.only, &around.fields) {
                    Some(beyond) => only = beyond,
                    None => continue,
                }
            }
            let count = items.len();
            self.item((at, inner), segment, (each.own(), &only, &each.place), &mut items);
            if items.len() == count || each.around == 0 {
                continue;
            }
            if let Some(item) = items.last_mut(&mut self.filling) {
                around.is_said = true;
                around.fields.iter().for_each(|(field, value)| lay_under(item, field, value));
            }
        }
        self.left_unsaid(&around);
        items.end(&mut self.filling)
    }

    /// Reads what the loop around an item says of all items in it, unless it is known from the item before.
    fn around(&mut self, each: &Each, inner: At, number: usize, around: &mut Around) {
        let At::Loop(instance) = self.outer(inner) else { return };
        if around.instance == instance {
            return;
        }
        if let Some(recording) = &self.recording {
            recording.spoil();
        }
        self.left_unsaid(around);
        let (claimed, faults, taken) = (self.claimed.mark(), self.faults.len(), self.claimed.trace.mark());
        *around = Around { instance, claimed, faults, taken, ..Around::default() };
        self.rules(each.around(), At::Loop(instance), &mut around.fields);
        self.claimed.trace.item(taken, number);
    }

    /// Gives back what a loop says of its items, when it had none: it is nobody's yet.
    fn left_unsaid(&mut self, around: &Around) {
        if around.instance != 0 && !around.is_said {
            self.claimed.undo(around.claimed);
            self.claimed.trace.undo(around.taken);
            self.faults.truncate(around.faults);
        }
    }

    /// The loop after a segment that has a tag, stands beside the item at hand, and names another loop; with the name.
    fn next_below(&self, around: usize, tag: &Tag, under: &Under, segment: usize) -> Option<(usize, usize, Address)> {
        let (segment, inner) = self.source.next_loop(around, tag, segment)?;
        let name = self.in_segment(segment, under.names);
        inner.filter(|_| !self.source.is_blank(name)).map(|inner| (segment, inner, name))
    }

    /// Whether what follows the item at hand belongs to it.
    fn is_followed(&self, at: At, tag: &Tag, under: &Under) -> bool {
        let At::Loop(instance) = at else { return false };
        let own = self.source.trigger(instance);
        own.is_some_and(|own| self.next_below(self.placement.loops[instance].parent, tag, under, own).is_some())
    }

    /// An element and component of a segment.
    fn in_segment(&self, segment: usize, (element, component): (u16, u16)) -> Address {
        let (component, _) = self.component_range(segment, element, (component, component));
        (segment, element, component)
    }

    /// Reads what follows the item at hand and names it, or names another that does: up to the next that names nothing.
    fn below(&mut self, at: At, each: &Each, under: &Under, items: &mut Items) {
        let At::Loop(instance) = at else { return };
        let Some(own) = self.source.trigger(instance) else { return };
        if let Some(recording) = &self.recording {
            recording.follow(instance, under);
        }
        let mut known = vec![self.text(self.in_segment(own, under.named)).into_owned()];
        let around = self.placement.loops[instance].parent;
        let mut last = own;
        while let Some((segment, inner, name)) = self.next_below(around, &each.place.tag, under, last) {
            last = segment;
            let named = self.text(name).into_owned();
            if !known.contains(&named) {
                let finding = self.finding(name).because("the number of a line above it", &named);
                self.faults.push(finding);
                continue;
            }
            let mark = self.claimed.mark();
            // What names the item itself says nothing more; else it is a field.
            if named == known[0] {
                self.claim(name);
            }
            let count = items.len();
            self.item((at, At::Loop(inner)), segment, (each.own(), &each.only, &each.place), items);
            if items.len() == count {
                self.claimed.undo(mark);
                continue;
            }
            self.take([(segment, 1, 0)]);
            known.push(self.text(self.in_segment(segment, under.named)).into_owned());
        }
    }

    /// Reads one item, unless what stands there is none of this rule's.
    fn item(
        &mut self,
        (outer, inner): (At, At),
        segment: usize,
        (rules, only, place): (&[Rule], &[String], &Place),
        items: &mut Items,
    ) {
        let taken = self.claimed.trace.mark();
        // An item in what is at hand has no form of its own.
        let got = if place.tag.is_empty() && matches!(inner, At::Loop(_)) {
            self.by_rules(rules, only, inner).map(Got::Fields)
        } else {
            self.by_stencil(rules, inner, |reader| reader.by_rules(rules, only, inner))
        };
        let Some(got) = got else { return };
        self.claim_selectors(segment, &place.selectors);
        self.claim_place(outer, segment, place);
        self.claimed.trace.item(taken, items.len());
        match got {
            Got::Laid(_) => items.push_filled(),
            Got::Fields(fields) if fields.is_empty() => {}
            Got::Fields(fields) => items.push(fields),
        }
    }

    /// The fields of an item. When its first field was refused, or the one it must have is not there, it is none, and all
    /// stays as it was.
    fn by_rules(&mut self, rules: &[Rule], only: &[String], at: At) -> Option<Map> {
        let (claimed, faults, taken) = (self.claimed.mark(), self.faults.len(), self.claimed.trace.mark());
        let mut fields = Map::with_capacity(rules.len().min(ITEM_FIELDS));
        self.rules(rules, at, &mut fields);
        let has = |field: &str| has(View::from(&fields), field, &|value| !value.field("list").is_there());
        let refused = rules.first().is_some_and(|rule| match &rule.body {
            Body::One(place, _) => rule.field.get(&fields).is_none() && !self.addresses(at, place).is_empty(),
            _ => false,
        });
        if refused || !suits(only, has) {
            self.claimed.undo(claimed);
            self.claimed.trace.undo(taken);
            self.faults.truncate(faults);
            return None;
        }
        Some(fields)
    }

    fn slots(&mut self, at: At, slots: &Slots) -> Option<Value> {
        let mut items = Items::new(&self.filling);
        for place in &slots.places {
            for (segment, _) in self.segments(at, place) {
                let (first, last) = place.elements;
                let step = place.step.max(slots.width).max(1);
                let last = last.min(self.source.element_count(segment));
                for element in (first..=last).step_by(usize::from(step)) {
                    let filled = (element..element + slots.width).any(|one| self.source.is_filled(segment, one));
                    if filled && !self.is_taken(segment, element) {
                        let inner = At::Slot(segment, element);
                        self.item((at, inner), segment, (&slots.rules, &slots.only, place), &mut items);
                    }
                }
            }
        }
        items.end(&mut self.filling)
    }

    fn is_taken(&self, segment: usize, element: u16) -> bool {
        // Of most segments nothing is.
        let cells = &self.claimed.cells[self.source.cells_of(segment)];
        if cells.iter().all(|cell| *cell == 0) {
            return false;
        }
        self.is_claimed(&(segment, element, 0)) || self.is_claimed(&(segment, element, 1))
    }

    /// Runs the functions on a value, or on several as a list; what they refuse is told and left to the extensions.
    fn through(&mut self, addresses: &[Address], wire: Value, calls: &[Call]) -> Result<Option<Value>, ()> {
        let Some(&at) = addresses.first() else { return Ok(None) };
        let is_list = matches!(wire, Value::Array(_));
        let here = |one| beside(at, one);
        let text = |one| self.text(here(one)).into_owned();
        let spot = self.spot(&text, None);
        let outcome = function::get(calls, wire, &spot);
        let (looked, missed) = (spot.looked.into_inner(), spot.missed.into_inner());
        let is_told = !missed.is_empty();
        for lookup in missed {
            let finding = Diagnostic { fault: Fault::LookupMissing, ..self.finding(at) }.lacking(lookup);
            self.faults.push(finding);
        }
        let outcome = outcome.map_err(|expected| {
            if !is_told {
                let finding = self.finding(at).because(expected, "");
                self.faults.push(finding);
            }
        });
        if let Some(recording) = &mut self.recording {
            let trial = recording.try_on(addresses, is_list, calls, &outcome, &looked);
            if let Ok(Some(_)) = outcome {
                self.claimed.trace.made(trial);
            }
        }
        if let Ok(Some(_)) = outcome {
            self.take(looked.into_iter().map(here));
        }
        outcome
    }

    fn spot<'s>(&'s self, beside: &'s dyn Fn(Beside) -> String, fields: Option<&'s Map>) -> Spot<'s> {
        let context = self.context;
        let decimal = char::from(self.run.separators.decimal);
        let spot = Spot::new(context.document.codes(), decimal, context.codes, context.tables);
        let currency = self.currency.as_deref();
        Spot { beside, is_negative: self.is_negative, currency, fields: fields.map(View::from), ..spot }
    }

    fn finding(&self, (segment, element, component): Address) -> Diagnostic {
        let syntax = self.context.document.syntax();
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

    fn claim(&mut self, address: Address) {
        self.claimed.take(self.source.cell(address), address, true);
    }

    /// Takes what stands beside a value and says what it is.
    fn take(&mut self, addresses: impl IntoIterator<Item = Address>) {
        for address in addresses {
            self.claimed.take(self.source.cell(address), address, false);
        }
    }

    fn is_claimed(&self, address: &Address) -> bool {
        self.claimed.has(self.source.cell(*address))
    }

    /// What stands in a document for an envelope, or is written without a rule, is no part of what it says.
    fn claim_envelope(&mut self) {
        let Some(markup) = self.context.document.markup.as_deref() else { return };
        let here = Here::of(Some(self.context.document));
        let facts = markup.writes.iter().filter_map(|fact| markup.envelope.get(fact));
        for place in facts.flat_map(|fact| &fact.paths).filter_map(|path| here.place(path).ok()) {
            self.claim_all(At::Loop(0), &place);
        }
        let made = markup.made();
        for segment in self.run.segments() {
            let own = made.iter().filter(|(tag, ..)| tag.as_bytes() == segment.tag());
            let addresses = own.map(|(_, element, text)| ((segment.ordinal(), *element, 0), *text));
            let is_made = |(address, text): &(Address, &str)| text.starts_with('$') || self.text(*address) == *text;
            let found: Vec<Address> = addresses.filter(is_made).map(|(address, _)| address).collect();
            self.take(found);
        }
    }

    fn claim_all(&mut self, at: At, place: &Place) {
        let all = self.addresses(at, place);
        self.take(all);
        for (segment, _) in self.segments(at, place) {
            self.claim_selectors(segment, &place.selectors);
        }
    }

    /// The selectors of a place, on its segment and on the triggers of the loops it goes through.
    fn claim_place(&mut self, at: At, segment: usize, place: &Place) {
        if place.is_own() || (place.selectors.is_empty() && place.loops.is_empty()) {
            return;
        }
        if place.tag.is_empty() || self.source.tag_is(segment, &place.tag) {
            self.claim_selectors(segment, &place.selectors);
        }
        let At::Loop(outer) = at else { return };
        let Some((_, mut instance)) = self.placement.homes.get(segment).copied().flatten() else { return };
        if self.source.trigger(instance) == Some(segment) && !place.tag.is_empty() {
            // The place names the trigger itself; the loops of its path are those around it.
            instance = self.placement.loops[instance].parent;
        }
        for (_, selectors) in place.loops.iter().rev() {
            if instance == outer {
                return;
            }
            if let Some(trigger) = self.source.trigger(instance) {
                self.claim_selectors(trigger, selectors);
            }
            instance = self.placement.loops[instance].parent;
        }
    }

    /// The constants of a selector are said by the rule itself.
    fn claim_selectors(&mut self, segment: usize, selectors: &[Selector]) {
        if selectors.is_empty() {
            return;
        }
        let constants: Vec<_> = selectors.iter().filter_map(|one| self.selected(segment, one)).collect();
        self.take(constants);
        for selector in selectors {
            if let (Selector::Inside(inside, _), Some((_, home))) = (selector, self.placement.homes[segment]) {
                self.claim_all(At::Loop(home), inside);
            }
        }
    }

    /// The address that a selector looks at.
    fn selected(&self, segment: usize, selector: &Selector) -> Option<Address> {
        let Selector::Is(element, component, _) = selector else { return None };
        let (component, _) = self.component_range(segment, *element, (*component, *component));
        Some((segment, *element, component))
    }

    /// What no rule took, header and trailer left aside.
    fn left(&self) -> Vec<Address> {
        let mut found = Vec::new();
        for segment in self.run.segments() {
            let ordinal = segment.ordinal();
            if self.source.is_done(ordinal, &self.claimed.cells, |known| known & TAKEN != 0) {
                continue;
            }
            let is_envelope = matches!(segment.tag(), b"ST" | b"SE" | b"UNH" | b"UNT");
            if is_envelope || self.is_selected_constant(&segment) {
                continue;
            }
            for element in 1..=self.source.element_count(ordinal) {
                let (first, last) = match self.source.is_composite(ordinal, element) {
                    Some(true) => (1, self.source.components(ordinal, element)),
                    _ => (0, 0),
                };
                let addresses = (first..=last).map(|component| (ordinal, element, component));
                let is_left = |&at: &Address| !self.claimed.is_taken(self.source.cell(at)) && !self.source.is_blank(at);
                found.extend(addresses.filter(is_left));
            }
        }
        found
    }

    /// Values with the document and the place that they are of, so that they can go back there.
    fn extensions(&mut self, left: Vec<Address>) -> Vec<Value> {
        let mapping = self.context.mapping;
        let document = format!("{}/{}/{}", mapping.standard, mapping.version, mapping.document);
        let mut found = Vec::with_capacity(left.len());
        for address in left {
            let (place, value) = (self.printed(address), Value::String(self.text(address).into()));
            let taken = self.claimed.trace.mark();
            self.claimed.trace.take(address, true);
            self.claimed.trace.item(taken, found.len());
            self.claimed.trace.field(taken, "extensions", 0);
            found.push([("document", document.as_str().into()), ("place", place.into()), ("value", value)].into());
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
        let markup = self.context.document.markup.as_deref();
        let home = self.placement.homes.get(ordinal).copied().flatten();
        let mut steps = Vec::new();
        let mut instance = home.map_or(0, |(_, instance)| instance);
        while instance != 0 {
            let parent = self.placement.loops[instance].parent;
            let tag = self
                .source
                .trigger(instance)
                .and_then(|at| self.run.segment(at))
                .map_or(String::new(), |one| one.tag_text().into_owned());
            let area = Place { area: Some(self.placement.loops[instance].area), ..Place::default() };
            let key = Tag::new(&tag);
            let mut fellows = self.inner_loops(parent, &key, &area);
            let number = fellows.position(|(_, one)| one == Some(instance)).map_or(1, |at| at + 1);
            let number = self.numbers.get(&instance).copied().unwrap_or(number);
            steps.push(format!("{tag}[{number}]"));
            instance = parent;
        }
        steps.reverse();
        let (area, home) = home.unwrap_or_default();
        let tag = segment.tag_text();
        let key = Tag::new(&tag);
        let is_trigger = home != 0 && self.source.trigger(home) == Some(ordinal);
        let last = if is_trigger {
            steps.pop().unwrap_or_default()
        } else {
            let fellows = self.placement.children(home).filter_map(|child| match child {
                Child::Segment(one)
                    if self.source.tag_is(one, &key) && self.placement.homes[one].map(|home| home.0) == Some(area) =>
                {
                    Some(one)
                }
                _ => None,
            });
            let number = fellows.take_while(|&one| one <= ordinal).count();
            format!("{tag}[{number}]")
        };
        steps.push(last);
        if let Some(markup) = markup {
            return markup.place(&steps, element, component);
        }
        let part = if component == 0 { String::new() } else { format!(".{component}") };
        format!("{}:{}.{element:02}{part}", area.name(), steps.join("/"))
    }
}
