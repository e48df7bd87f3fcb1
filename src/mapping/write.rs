//! From an entity back to the segments of a document: each rule puts its value at its place, segments come out in the
//! order of the definition. Header and trailer of the document are the codec's.

mod around; // the loops that items of a flat list stand in
mod own; // which items of a list are a rule's to write
mod record; // making stencils
mod run; // functions of rules
mod segment;
mod stencil; // what is kept of one item for the next
mod tree;
mod trial; // what functions did, and do again

pub use stencil::Stencil;

use super::Context;
use super::function::{self, Beside, Call, Spot};
use super::loss::leaves;
use super::notation::{Body, Each, Here, Place, Rule, Selector, Slots, Tag, Turn, Under};
use super::stencil::Stencils;
use super::trace::{Put, Writing};
use crate::diagnostic::{Diagnostic, Fault, Lookup};
use crate::entity::{Entity, Map, Path, Sums, Text, Value};
use crate::standard::definition::Node;
use crate::tree::DraftSegment;
use own::Owned;
use record::Recording;
use run::{Done, Refusal};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use trial::{Making, Source};

const EXTENSIONS: Path<'_> = Path::Field(&Path::Root, "extensions");

/// Writes an entity. Values that cannot be written are findings: an error where something is wrong, a warning where
/// the document has no home for them.
#[must_use]
pub fn write(context: &Context<'_>, entity: &Entity) -> (Vec<DraftSegment>, Vec<Diagnostic>) {
    let (segments, faults, _) = written(context, entity, Writing::default());
    (segments, faults)
}

/// The same, and where each field was put.
#[must_use]
pub fn write_traced(context: &Context<'_>, entity: &Entity) -> (Vec<DraftSegment>, Vec<Diagnostic>, Vec<Put>) {
    written(context, entity, Writing::on())
}

fn written(context: &Context<'_>, entity: &Entity, trace: Writing) -> (Vec<DraftSegment>, Vec<Diagnostic>, Vec<Put>) {
    let (written, faults, missed) = (HashMap::new(), Vec::new(), RefCell::default());
    // Who wants to know each step is shown each step.
    let stencils = (!trace.is_on()).then(|| context.mapping.writing.take());
    let (turn, size) = stencils.as_ref().map_or((0, 0), |stencils| (stencils.turn, stencils.size));
    let (loops, drafts) = (Vec::new(), Vec::with_capacity(size));
    let (recording, sums, known, owned) = (None, Sums::of(entity), RefCell::default(), RefCell::default());
    let mut writer = Writer {
        context,
        entity,
        sums,
        known,
        owned,
        loops,
        drafts,
        written,
        faults,
        missed,
        trace,
        stencils,
        turn,
        recording,
        making: Making::default(),
        sought: Cell::default(),
    };
    writer.open(&context.document.nodes, 0);
    let top = At::Loop(0);
    for (place, value) in &context.mapping.constants {
        writer.put_text(top, place, value.as_str().into(), &Path::Root);
    }
    writer.rules(&context.mapping.rules, top, &entity.fields, &Path::Root);
    writer.selector();
    if let Some(tree) = &context.mapping.tree {
        writer.tree(tree);
    }
    if let Some(mut stencils) = writer.stencils.take() {
        stencils.size = writer.drafts.len();
        context.mapping.writing.give_back(stencils);
    }
    writer.extensions();
    context.mapping.repeated.iter().for_each(|place| writer.repeat(place));
    writer.unmapped();
    let mut order = Vec::with_capacity(writer.drafts.len());
    writer.collect(0, 0, &mut order);
    (in_order(writer.drafts, &order), writer.faults, writer.trace.end())
}

/// A loop being written: what was put at the nodes of its definition.
pub(super) struct Loop<'d> {
    /// The loop around it; the document is in none, and says itself.
    pub(super) around: usize,
    pub(super) nodes: &'d [Node],
    /// Each with its node, in the order of the nodes, those of one node as they were made.
    pub(super) items: Vec<(usize, Item)>,
    /// The segment that begins it; none begins the document.
    pub(super) trigger: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Item {
    /// By its place among the drafts.
    Segment(usize),
    Loop(usize),
}

/// A segment being written: its loop, and its place among the drafts.
pub(super) type Address = (usize, usize);

/// What places are relative to.
#[derive(Clone, Copy)]
pub(super) enum At {
    Loop(usize),
    Segment(Address),
    Slot(Address, u16),
}

/// An object of the entity, and the field of it at hand.
type FieldOf<'v> = (&'v Map, Option<&'v Value>);

/// Which segment of several is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Find {
    /// The first that fits, else a new one.
    First,
    /// The last that fits, else a new one.
    Last,
    /// A new one.
    Fresh,
}

/// A rule's number in its list of rules, and what it is among those for the same field.
pub(super) type Numbered<'r> = (usize, &'r Turn);

pub(super) struct Writer<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) entity: &'a Entity,
    sums: Sums<'a>,
    /// What functions made of texts that say what an item is, by the place of the functions and the length of what they
    /// measure: few texts come again and again.
    known: RefCell<Vec<(usize, Text, usize, Done)>>,
    /// What the templates that came so far have where rules look whether an item is theirs.
    owned: RefCell<Vec<Owned>>,
    pub(super) loops: Vec<Loop<'a>>,
    drafts: Vec<DraftSegment>,
    /// Paths of what a rule has written where other rules could as well, with the rule's number in its list of rules.
    pub(super) written: HashMap<String, usize>,
    faults: Vec<Diagnostic>,
    /// What the functions that ran last did not find in a lookup table.
    missed: RefCell<Vec<Lookup>>,
    trace: Writing,
    /// What is known of items of one form; `None` where each step is traced.
    stencils: Option<Stencils<Stencil>>,
    /// Which document this is of those that the stencils were laid for.
    turn: u64,
    /// What is noted of the item at hand, for a stencil.
    recording: Option<RefCell<Recording>>,
    /// Where the texts of an item are put together.
    making: Making<'a>,
    /// The node that was sought last.
    sought: Cell<segment::Sought>,
}

impl<'a> Writer<'a> {
    fn open(&mut self, nodes: &'a [Node], around: usize) -> usize {
        self.loops.push(Loop { around, nodes, items: Vec::new(), trigger: None });
        self.loops.len() - 1
    }

    fn rules(&mut self, rules: &[Rule], at: At, fields: &Map, path: &Path<'_>) {
        for (index, rule) in rules.iter().enumerate() {
            if rule.is_read_only {
                continue;
            }
            let value = rule.field.get(fields);
            // Without a value only a function that supplies one has something to say.
            if value.is_none() && !rule.supplies {
                debug_assert!(self.says_nothing(rule, fields), "{} supplies a value", rule.field);
                continue;
            }
            let field = Path::Field(path, &rule.field);
            let turn = (index, &rule.turn);
            match (&rule.body, value) {
                (Body::One(place, calls), value) => self.one(at, place, calls, (fields, value), &field, turn),
                (Body::Computed(calls), Some(value)) => self.computed(calls, (fields, Some(value)), &field),
                (Body::Many(places, calls), Some(value)) => self.many(at, places, calls, (fields, Some(value)), &field),
                (Body::Each(each), Some(Value::Array(items))) => {
                    let carried = self.carried(rules, items, &field, index);
                    self.each(at, each, items, &field, turn);
                    self.rest(at, each, items, &field, carried);
                }
                (Body::Slots(slots), Some(Value::Array(items))) => self.slots(at, slots, items, &field, turn),
                _ => {}
            }
        }
    }

    /// Where a place begins: in the document, in the loop around a segment or a loop, or here.
    pub(super) fn beginning(&self, at: At, place: &Place) -> At {
        match at {
            _ if place.is_root => At::Loop(0),
            here if !place.is_outer => here,
            At::Segment((instance, _)) | At::Slot((instance, _), _) => At::Loop(instance),
            At::Loop(instance) => {
                self.note(|one| one.look_into(self.loops[instance].around));
                At::Loop(self.loops[instance].around)
            }
        }
    }

    /// Whether the functions of a rule make nothing of nothing.
    fn says_nothing(&self, rule: &Rule, fields: &Map) -> bool {
        let Body::One(_, calls) = &rule.body else { return true };
        self.run(calls, fields.into(), None).is_ok_and(|done| done.value.is_none() && done.beside.is_empty())
    }

    fn has_written(&self, path: &Path<'_>) -> bool {
        !self.written.is_empty() && self.written.contains_key(&path.to_string())
    }

    /// A value without a place: it is lost when no rule before had one, and it is not what follows from the others.
    fn computed(&mut self, calls: &[Call], (fields, value): FieldOf<'_>, field: &Path<'_>) {
        if self.has_written(field) {
            return;
        }
        match self.through(calls, fields, value) {
            Err(refusal) => return self.refused(calls, field, &refusal),
            Ok(done) if done.value.is_none() => return,
            Ok(done) => done.lost.iter().for_each(|lost| self.loss(field, lost)),
        }
        self.note(Recording::spoil);
        // What makes nothing of nothing, but an error, is said by the place.
        let Ok(follows) = self.through(calls, fields, None).map(|done| done.value) else { return };
        if follows.as_ref() != value {
            let follows = follows.map_or_else(|| "nothing".to_owned(), |follows| follows.to_string());
            self.loss(field, &format!("what follows from the values beside it, {follows}"));
        }
    }

    /// Of several rules for one value the first that can writes it; the last one tells what is left.
    fn one(
        &mut self,
        at: At,
        place: &Place,
        calls: &[Call],
        (fields, value): FieldOf<'_>,
        field: &Path<'_>,
        (index, turn): Numbered<'_>,
    ) {
        if !turn.is_only && self.has_written(field) {
            return;
        }
        let done = self.through(calls, fields, value);
        let is_told = self.tell_missed(field);
        match done {
            Ok(done) => {
                done.lost.iter().for_each(|lost| self.loss(field, lost));
                match done.value {
                    Some(Value::String(text)) => {
                        self.put(at, place, (text, &done.beside, done.trial), field);
                        if !turn.is_only {
                            self.written.insert(field.to_string(), index);
                        }
                    }
                    Some(other) => {
                        self.note(Recording::spoil);
                        self.fault(Fault::MappingValue, field, "a text", &other.to_string());
                    }
                    None => {}
                }
            }
            Err(_) if !turn.is_last || is_told => {}
            Err(refusal) => self.refused(calls, field, &refusal),
        }
    }

    fn many(&mut self, at: At, places: &[Place], calls: &[Call], (fields, value): FieldOf<'_>, field: &Path<'_>) {
        let Some(value) = value else { return };
        let done = match self.through(calls, fields, Some(value)) {
            Ok(done) => done,
            Err(refusal) => return self.refuse(Fault::MappingLoss, field, &refusal),
        };
        done.lost.iter().for_each(|lost| self.loss(field, lost));
        let values = match done.value {
            Some(Value::Array(values)) => values,
            Some(one @ Value::String(_)) => vec![one],
            _ => return,
        };
        let mut texts = values.iter().filter_map(Value::as_str).enumerate().peekable();
        for (index, place) in places.iter().enumerate() {
            let at = self.beginning(at, place);
            let is_last = index + 1 == places.len();
            // A segment that repeats is begun anew: what stands in the others is another rule's.
            let own = matches!(at, At::Segment(_) | At::Slot(..))
                || place.tag.is_empty()
                || (place.loops.is_empty() && self.names_trigger(at, place));
            let mut find = if own { Find::First } else { Find::Fresh };
            while texts.peek().is_some() {
                let Some(address) = self.segment(at, place, find, field) else { break };
                let mut put = 0;
                for (element, component) in spots(place, at) {
                    if !self.draft(address).get(element, component).is_empty() {
                        continue;
                    }
                    let Some((number, text)) = texts.next() else { break };
                    self.draft_mut(address).set(element, component, text);
                    self.note(|one| one.put((address.1, element, component), Source::Made(done.trial, number)));
                    self.trace.put(address, (element, component), field);
                    put += 1;
                }
                // A full segment is followed by a fresh one, where its kind may repeat and no other place comes.
                if !is_last || put == 0 || own {
                    break;
                }
                find = Find::Fresh;
            }
        }
        let left: Vec<_> = texts.collect();
        if !left.is_empty() {
            self.loss(field, &format!("room for {} more", left.len()));
        }
    }

    fn each(&mut self, at: At, each: &Each, items: &[Value], field: &Path<'_>, (index, turn): Numbered<'_>) {
        let (mut count, mut around) = (0, None);
        let is_item = |number| self.has_written(&Path::Item(field, number));
        let comes_late = each.is_alone && (1..=items.len()).any(is_item);
        for (number, item) in items.iter().enumerate() {
            let path = Path::Item(field, number + 1);
            if comes_late {
                if !self.has_written(&path) {
                    let expected = "what others of the list have, for among them it would be read as theirs";
                    self.fault(Fault::MappingValue, &path, expected, "nothing of it");
                }
                continue;
            }
            if count == each.max {
                if turn.is_last && !self.has_written(&path) {
                    self.loss(&path, &format!("at most {} of them", each.max));
                }
                continue;
            }
            let Some(fields) = self.own(item, each.own(), &each.only, &path, (index, turn)) else {
                continue;
            };
            count += 1;
            if each.around > 0 {
                self.in_loop(at, each, (fields, &path), &mut around, turn.is_only);
            } else {
                self.item(at, each, fields, &path, turn.is_only);
            }
            self.left(&each.rules, fields, &path, turn);
        }
    }

    /// Writes one item as a segment or loop of its own; `is_only`: no other rule is for the same list.
    pub(super) fn item(&mut self, at: At, each: &Each, fields: &Map, path: &Path<'_>, is_only: bool) {
        // What belongs to the loop at hand and names it stands beside it.
        let at = match (at, &each.under) {
            (At::Loop(own), Some(under)) => return self.below(own, each, under, fields, path),
            _ => at,
        };
        // What says something of what is at hand stands in it.
        if each.place.is_own() {
            self.note(Recording::spoil);
            return self.rules(each.own(), at, fields, path);
        }
        let Some(address) = self.begun(at, each, fields, path) else { return };
        let inner = if self.loops[address.0].trigger == Some(address.1) && self.is_trigger(address, at) {
            At::Loop(address.0)
        } else {
            At::Segment(address)
        };
        self.by_stencil(each.own(), inner, fields, path, is_only);
    }

    /// Writes an item beside the loop that it belongs to, with what names that loop, or what the item itself names.
    fn below(&mut self, own: usize, each: &Each, under: &Under, fields: &Map, path: &Path<'_>) {
        self.note(Recording::spoil);
        let ((element, component), named) = (under.names, under.named);
        let trigger = self.loops[own].trigger.map(|trigger| self.draft((own, trigger)));
        let number = trigger.map_or("", |trigger| trigger.get(named.0, named.1.max(1))).to_owned();
        if number.is_empty() {
            return self.fault(Fault::MappingValue, path, "a number of what it belongs to", "none");
        }
        let around = At::Loop(self.loops[own].around);
        let Some(address) = self.segment(around, &each.place, Find::Fresh, path) else { return };
        self.rules(each.own(), At::Loop(address.0), fields, path);
        let component = component.max(1);
        if self.draft(address).get(element, component).is_empty() {
            self.draft_mut(address).set(element, component, number);
        }
    }

    fn slots(&mut self, at: At, slots: &Slots, items: &[Value], field: &Path<'_>, (index, turn): Numbered<'_>) {
        for (number, item) in items.iter().enumerate() {
            let path = Path::Item(field, number + 1);
            let Some(fields) = self.own(item, &slots.rules, &slots.only, &path, (index, turn)) else {
                continue;
            };
            match self.free_slot(at, slots, fields, &path) {
                Some((address, element)) => {
                    self.rules(&slots.rules, At::Slot(address, element), fields, &path);
                    self.left(&slots.rules, fields, &path, turn);
                }
                // The next rule may have a place.
                None if !turn.is_last => drop(self.written.remove(&path.to_string())),
                None => self.loss(&path, "a free place for it"),
            }
        }
    }

    /// What another rule for the list would have carried, and the one that wrote the item does not.
    fn left(&mut self, rules: &[Rule], fields: &Map, path: &Path<'_>, turn: &Turn) {
        if turn.shared.is_empty() {
            return;
        }
        let (mut carried, mut there) = (BTreeSet::new(), BTreeSet::new());
        super::loss::fields_of(rules, "", &mut carried);
        leaves(&Value::Object(fields.clone()), String::new(), &mut there);
        for field in there.difference(&carried).filter(|field| turn.shared.contains(*field)) {
            self.loss(&Path::Field(path, field), "a place beside what is written of it");
        }
    }

    /// The next empty slot, in a fresh segment where the last place's kind may repeat.
    fn free_slot(&mut self, at: At, slots: &Slots, fields: &Map, path: &Path<'_>) -> Option<(Address, u16)> {
        let key = slots.rules.first().and_then(|rule| rule.field.get(fields)).and_then(Value::as_str);
        if let (Some(rule), false) = (slots.rules.first(), slots.first.is_empty()) {
            rule.field.get(fields).into_iter().for_each(|value| self.note(|one| one.read(value)));
        }
        let may_be_first = slots.first.is_empty() || key.is_some_and(|key| slots.first.iter().any(|one| one == key));
        for (index, place) in slots.places.iter().enumerate() {
            let at = self.beginning(at, place);
            let is_last = index + 1 == slots.places.len();
            if index == 0 && !may_be_first {
                continue;
            }
            for find in [Find::Last, Find::Fresh] {
                let own = place.tag.is_empty()
                    || matches!(at, At::Segment(_) | At::Slot(..))
                    || self.names_trigger(at, place);
                if find == Find::Fresh && (!is_last || own) {
                    continue;
                }
                let Some(address) = self.segment(at, place, find, path) else { continue };
                if !self.agrees(address, slots, fields) {
                    continue;
                }
                let step = usize::from(place.step.max(slots.width).max(1));
                let free = (place.elements.0..=place.elements.1).step_by(step).find(|&element| {
                    let draft = self.draft(address);
                    (element..element + slots.width).all(|one| draft.get(one, 1).is_empty())
                });
                if let Some(element) = free {
                    return Some((address, element));
                }
            }
        }
        None
    }

    /// Whether what the item says of its whole segment (`01`, not `+1`) is what the segment says already.
    fn agrees(&self, address: Address, slots: &Slots, fields: &Map) -> bool {
        if self.draft(address).values().is_empty() {
            return true;
        }
        slots.rules.iter().all(|rule| {
            let Body::One(place, calls) = &rule.body else { return true };
            if place.offset.is_some() {
                return true;
            }
            self.note(Recording::spoil);
            let done = self.through(calls, fields, rule.field.get(fields));
            let value = done.ok().and_then(|done| done.value);
            let there = self.draft(address).get(place.elements.0, place.components.0.max(1));
            value.as_ref().and_then(Value::as_str).unwrap_or_default() == there
        })
    }

    fn names_trigger(&self, at: At, place: &Place) -> bool {
        matches!(at, At::Loop(instance) if instance != 0 && self.loops[instance].nodes.first().is_some_and(|node| node.tag == place.tag))
    }

    /// Puts a text that no function made.
    pub(super) fn put_text(&mut self, at: At, place: &Place, text: Text, field: &Path<'_>) {
        self.note(Recording::spoil);
        self.put(at, place, (text, &[], 0), field);
    }

    /// Puts a text and what stands beside it, as functions made it.
    fn put(
        &mut self,
        at: At,
        place: &Place,
        (text, beside, trial): (Text, &[(Beside, String)], usize),
        field: &Path<'_>,
    ) {
        let at = self.beginning(at, place);
        if names(place).is_some() {
            self.note(|one| one.decide(Source::Made(trial, 0), &text));
        }
        let named = naming(place, &text);
        let place = named.as_ref().unwrap_or(place);
        let address =
            if place.is_own() { self.own_segment(at) } else { self.segment_for(at, place, (&text, trial), field) };
        let Some(address) = address else { return };
        let (element, component) = spot(place, at);
        let there = self.draft(address).get(element, component);
        if !there.is_empty() {
            self.note(|one| {
                one.decide(Source::Made(trial, 0), &text);
                one.compare((address.1, element, component), there);
            });
            if there != text {
                self.note(Recording::spoil);
                let expected = format!("its place free, where {there} stands already");
                return self.loss(field, &expected);
            }
        }
        self.trace.put(address, (element, component), field);
        self.draft_mut(address).set(element, component, text);
        self.note(|one| one.put((address.1, element, component), Source::Made(trial, 0)));
        for (number, (beside, text)) in beside.iter().enumerate() {
            let (element, component) = match *beside {
                Beside::Component(component) => (element, component),
                Beside::Element(element) => (element, 1),
            };
            self.draft_mut(address).set(element, component, text.as_str());
            self.note(|one| one.put((address.1, element, component), Source::Beside(trial, number)));
            self.trace.put(address, (element, component), field);
        }
    }

    /// A value that cannot be written: an error where the rest would mean something else without it.
    fn refused(&mut self, calls: &[Call], field: &Path<'_>, refusal: &Refusal) {
        let context = self.context;
        let spot = Spot::new(context.document.codes(), context.decimal, context.codes, context.tables);
        let fault = if function::is_vital(calls, &spot) { Fault::MappingValue } else { Fault::MappingLoss };
        self.refuse(fault, field, refusal);
    }

    fn refuse(&mut self, fault: Fault, field: &Path<'_>, refusal: &Refusal) {
        self.note(|one| one.tell(self.faults.len(), refusal.trial));
        self.fault(fault, field, &refusal.expected, "");
    }

    fn extensions(&mut self) {
        let mapping = self.context.mapping;
        let own = format!("{}/{}/{}", mapping.standard, mapping.version, mapping.document);
        let (here, mut foreign) = (Here::of(Some(self.context.document)), 0);
        for extension in self.entity.list("extensions") {
            let text = |key: &str| extension[key].as_str().unwrap_or_default().to_owned();
            if text("document") != own {
                foreign += 1;
                continue;
            }
            match here.place(&text("place")) {
                Ok(place) => self.put_text(At::Loop(0), &place, text("value").into(), &EXTENSIONS),
                Err(error) => self.fault(Fault::MappingValue, &EXTENSIONS, &error.expected, &error.found),
            }
        }
        if foreign > 0 {
            self.loss(&EXTENSIONS, &format!("a home for {foreign} values that only another document type has"));
        }
    }

    /// Lets all segments at a place say what the first does, where they say nothing.
    fn repeat(&mut self, place: &Place) {
        let mut there: Vec<Address> = vec![(0, 0)];
        for tag in place.loops.iter().map(|(tag, _)| tag).chain([&place.tag]) {
            let inner = |&(instance, _): &Address| {
                let nodes = self.loops[instance].nodes;
                let node = nodes.iter().position(|node| Tag::key(node.tag.as_bytes()) == tag.number());
                node.map(|node| self.addresses(instance, node).collect::<Vec<_>>()).unwrap_or_default()
            };
            there = there.iter().flat_map(inner).collect();
        }
        let (element, component) = spot(place, At::Loop(0));
        let Some((first, others)) = there.split_first() else { return };
        let text = self.draft(*first).get(element, component).to_owned();
        for address in others {
            if self.draft(*address).get(element, component).is_empty() {
                self.draft_mut(*address).set(element, component, text.as_str());
            }
        }
    }

    /// Fields that no rule of the mapping writes.
    fn unmapped(&mut self) {
        let mut missed = BTreeSet::new();
        self.context.mapping.carried.missed_of(&self.entity.fields, &Path::Root, &mut missed);
        for field in missed.iter().filter(|field| !field.starts_with("extensions")) {
            self.loss(&Path::Field(&Path::Root, field), "a rule of the mapping");
        }
    }

    /// The order in which the segments stand: of each its place among the drafts, and how deep it stands.
    fn collect(&mut self, instance: usize, depth: u16, order: &mut Vec<(usize, u16)>) {
        for at in 0..self.loops[instance].items.len() {
            let (node, item) = self.loops[instance].items[at];
            match item {
                Item::Segment(draft) => {
                    self.trace.settle((instance, draft), order.len());
                    order.push((draft, depth + u16::from(node > 0)));
                }
                Item::Loop(inner) => self.collect(inner, depth + 1, order),
            }
        }
    }

    /// Tells what lookup tables lack; whether there was any.
    fn tell_missed(&mut self, field: &Path<'_>) -> bool {
        if self.missed.get_mut().is_empty() {
            return false;
        }
        let missed = self.missed.take();
        for lookup in &missed {
            self.fault(Fault::LookupMissing, field, "", "");
            if let Some(last) = self.faults.last_mut() {
                *last = last.clone().lacking(lookup.clone());
            }
        }
        true
    }

    pub(super) fn fault(&mut self, fault: Fault, field: &Path<'_>, expected: &str, found: &str) {
        let syntax = self.context.document.syntax();
        let mut finding = Diagnostic::new(syntax, fault).because(expected, found);
        finding.place = field.to_string();
        self.faults.push(finding);
    }

    pub(super) fn loss(&mut self, field: &Path<'_>, expected: &str) {
        self.fault(Fault::MappingLoss, field, expected, "");
    }
}

/// So many drafts are moved one by one, all others staying where they are.
const MOVED_MAX: usize = 8;

/// The drafts in the order in which they stand, and how deep. Most are made in it: what stands behind others that were made
/// later is moved there.
fn in_order(mut drafts: Vec<DraftSegment>, order: &[(usize, u16)]) -> Vec<DraftSegment> {
    let (mut latest, mut late) = (0, Vec::new());
    for (place, &(draft, depth)) in order.iter().enumerate() {
        drafts[draft].depth = depth;
        if draft < latest {
            late.push((draft, place));
        }
        latest = latest.max(draft);
    }
    if order.len() != drafts.len() || late.len() > MOVED_MAX {
        return order.iter().map(|&(draft, _)| std::mem::take(&mut drafts[draft])).collect();
    }
    late.sort_unstable();
    let mut moved: Vec<_> = late.iter().rev().map(|&(draft, place)| (place, drafts.remove(draft))).collect();
    moved.sort_unstable_by_key(|(place, _)| *place);
    moved.into_iter().for_each(|(place, draft)| drafts.insert(place, draft));
    drafts
}

/// The first element and component of a place.
fn spot(place: &Place, at: At) -> (u16, u16) {
    let element = match (at, place.offset) {
        (At::Slot(_, first), Some(offset)) => first + offset,
        _ => place.elements.0,
    };
    (element, place.components.0.max(1))
}

/// Elements and components of a place, a simple element being component 1.
fn spots(place: &Place, at: At) -> impl Iterator<Item = (u16, u16)> {
    let (from, to) = match (at, place.offset) {
        (At::Slot(_, first), Some(offset)) => (first + offset, first + offset),
        _ => place.elements,
    };
    let (first, last) = (place.components.0.max(1), place.components.1.max(1));
    let elements = (from..=to).step_by(usize::from(place.step.max(1)));
    elements.flat_map(move |element| (first..=last).map(move |component| (element, component)))
}

/// The selector of a place that looks at the value to be written, and leaves a choice.
fn names(place: &Place) -> Option<(usize, &[String])> {
    let at = (place.elements.0, place.components.0.max(1));
    place.selectors.iter().enumerate().find_map(|(own, selector)| match selector {
        Selector::Is(element, component, values) if (*element, (*component).max(1)) == at && values.len() > 1 => {
            Some((own, values.as_slice()))
        }
        _ => None,
    })
}

/// The place with its selector narrowed to `text`, where the value to be written is the one that the selector looks at:
/// `MOA[01.1=9|86].01.1` says which of the two it is.
fn naming(place: &Place, text: &str) -> Option<Place> {
    let (own, _) = names(place).filter(|(_, values)| values.iter().any(|value| value == text))?;
    let mut named = place.clone();
    named.selectors[own] = Selector::Is(place.elements.0, place.components.0, vec![text.to_owned()]);
    Some(named)
}
