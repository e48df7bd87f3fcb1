//! Making a stencil: what is noted while the rules write an item, and what of it writes the item again.

use super::stencil::{Form, Opened, Stencil, Told};
use super::trial::{Kind, Source, Trial};
use super::{Done, Item, Refusal, Writer};
use crate::entity::{Map, Path, Text, Value, get};
use crate::mapping::function::{self, Call};
use crate::tree::{DraftForm, DraftPlace, DraftSegment, DraftValue, PlaceText};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

/// What is noted of one item.
#[derive(Default)]
pub(super) struct Recording {
    /// The loop and the segment of the item; what is before them is not its own.
    own: (Option<usize>, usize),
    /// Something was looked at outside the item, or cannot be said by a stencil.
    is_spoiled: bool,
    trials: Vec<Tried>,
    /// Where each text of a segment is from: by segment, element and component.
    sources: HashMap<(usize, u16, u16), Source>,
    /// Texts that were compared, with where they are from.
    decided: Vec<(Source, Text)>,
    /// Values of the item that were compared, by where they are in memory.
    read: Vec<(usize, Text)>,
    /// Findings by their number, and the trials whose refusals they tell.
    told: Vec<(usize, usize)>,
}

/// Functions that were asked for something; where the object and the value are in memory.
struct Tried {
    fields: usize,
    value: Option<usize>,
    /// The value that they measure.
    measured: Option<usize>,
    /// Which calls, of all the mapping's.
    which: usize,
    calls: Vec<Call>,
    kind: Kind,
}

/// Where something is in memory; it is compared only while it stays there.
fn memory<T>(one: &T) -> usize {
    std::ptr::from_ref(one).addr()
}

impl Recording {
    /// A stencil cannot say what happens.
    pub(super) fn spoil(&mut self) {
        self.is_spoiled = true;
    }

    /// A segment is looked at.
    pub(super) fn look_at(&mut self, draft: usize) {
        self.is_spoiled |= draft < self.own.1;
    }

    /// A loop is looked into.
    pub(super) fn look_into(&mut self, instance: usize) {
        self.is_spoiled |= self.own.0.is_none_or(|own| instance < own);
    }

    /// Functions were asked; a number for what they made.
    pub(super) fn try_on(
        &mut self,
        calls: &[Call],
        fields: &Map,
        value: Option<&Value>,
        done: &Result<Done, Refusal>,
        is_whole: bool,
    ) -> usize {
        let measured = function::measured(calls).and_then(|field| get(fields, field)).map(memory);
        let (fields, value, which) = (memory(fields), value.map(memory), calls.as_ptr().addr());
        let is_same = |one: &Tried| (one.fields, one.value, one.which) == (fields, value, which) && !calls.is_empty();
        if let Some(known) = self.trials.iter().position(is_same) {
            return known;
        }
        let Some(kind) = Kind::of(done).filter(|_| is_whole) else {
            self.spoil();
            return 0;
        };
        self.trials.push(Tried { fields, value, measured, which, calls: calls.to_vec(), kind });
        self.trials.len() - 1
    }

    /// A text is put into a segment.
    pub(super) fn put(&mut self, (draft, element, component): (usize, u16, u16), source: Source) {
        self.sources.insert((draft, element, component), source);
    }

    /// A text that functions made is compared.
    pub(super) fn decide(&mut self, source: Source, text: &str) {
        self.decided.push((source, text.into()));
    }

    /// A text that stands in a segment is compared: whoever put it there decides.
    pub(super) fn compare(&mut self, place: (usize, u16, u16), there: &str) {
        match self.sources.get(&place) {
            Some(source) => self.decided.push((source.clone(), there.into())),
            None => self.spoil(),
        }
    }

    /// A finding tells what a trial refused.
    pub(super) fn tell(&mut self, finding: usize, trial: usize) {
        self.told.push((finding, trial));
    }

    /// A text of the item is compared.
    pub(super) fn read(&mut self, value: &Value) {
        match value.as_str() {
            Some(text) => self.read.push((memory(value), text.into())),
            None => self.spoil(),
        }
    }
}

impl Writer<'_> {
    /// Something to note, when an item is recorded.
    pub(super) fn note(&self, note: impl FnOnce(&mut Recording)) {
        if let Some(recording) = &self.recording {
            note(&mut recording.borrow_mut());
        }
    }

    /// Lets the rules write an item, and makes a stencil of what they do where one can be made.
    pub(super) fn record(
        &mut self,
        own: (Option<usize>, usize),
        (fields, path): (&Map, &Path<'_>),
        is_only: bool,
        walk: impl FnOnce(&mut Self),
    ) -> Option<Stencil> {
        let (faults, written) = (self.faults.len(), self.written.len());
        let mut recording = Recording { own, ..Recording::default() };
        let before = self.drafts[own.1].clone();
        for value in before.values() {
            let place = (own.1, value.element, value.component);
            recording.put(place, Source::Said(value.text.clone()));
        }
        self.recording = Some(RefCell::new(recording));
        walk(self);
        let recording = self.recording.take()?.into_inner();
        // What others may have written too is known to later rules by its path, which no stencil says.
        let is_known = !is_only && self.written.len() > written;
        if recording.is_spoiled || is_known {
            return None;
        }
        let path = path.to_string();
        let told = self.faults.iter().enumerate().skip(faults).map(|(at, finding)| {
            let place = finding.place.strip_prefix(&path)?.to_owned();
            let trial = recording.told.iter().find(|(told, _)| *told == at).map(|(_, trial)| *trial);
            let mut finding = finding.clone();
            finding.place.clear();
            Some(Told { finding, place, trial })
        });
        let told = told.collect::<Option<_>>()?;
        self.stencil(recording, fields, (before, told))
    }

    fn stencil(
        &self,
        recording: Recording,
        fields: &Map,
        (before, told): (DraftSegment, Vec<Told>),
    ) -> Option<Stencil> {
        let (first_loop, first_draft) = recording.own;
        let values = values(fields);
        let find = |place: usize| values.iter().position(|one| one.0 == place || one.1 == Some(place));
        let mut trials = Vec::with_capacity(recording.trials.len());
        for tried in recording.trials {
            let object = if tried.fields == memory(fields) { None } else { Some(find(tried.fields)?) };
            let found = |place: Option<usize>| place.map_or(Some(None), |place| find(place).map(Some));
            let (value, measured) = (found(tried.value)?, found(tried.measured)?);
            trials.push(Trial::new(object, (value, measured), tried.calls, tried.kind));
        }
        let mut next = 0;
        let first = |trial: &Trial| {
            next += trial.texts();
            next - trial.texts()
        };
        let firsts: Vec<u32> = trials.iter().map(first).collect();
        let number = |source: &Source| {
            let trial = source.trial()?;
            Some(firsts[trial] + trials.get(trial)?.place(source)?)
        };
        let read = recording.read.into_iter().map(|(place, text)| Some((find(place)?, text)));
        let read = read.collect::<Option<_>>()?;
        let mut segments = Vec::new();
        for at in first_draft..self.drafts.len() {
            let mut places = Vec::new();
            for DraftValue { element, component, .. } in self.drafts[at].values() {
                let text = match recording.sources.get(&(at, *element, *component))? {
                    Source::Said(text) => PlaceText::Said(text.clone()),
                    made => PlaceText::Own(number(made)?),
                };
                places.push(DraftPlace { element: *element, component: *component, text });
            }
            segments.push((self.drafts[at].tag.clone(), places));
        }
        let segments = Arc::new(DraftForm::new(segments));
        let decided = recording.decided.into_iter().filter(|(source, _)| !matches!(source, Source::Said(_)));
        let decided = decided.map(|(source, text)| Some((source.trial()?, number(&source)?, text)));
        for (trial, number, text) in decided.collect::<Option<Vec<_>>>()? {
            trials[trial].decide(number, text);
        }
        let mut loops = Vec::new();
        for at in first_loop.unwrap_or(self.loops.len())..self.loops.len() {
            loops.push(self.opened(at, first_loop?, first_draft)?);
        }
        let (form, proven) = (Form::of(fields), Cell::default());
        Some(Stencil { form, before, read, trials, segments, loops, told, proven })
    }

    /// A loop of the item, counted from its own.
    fn opened(&self, at: usize, first_loop: usize, first_draft: usize) -> Option<Opened> {
        let own = &self.loops[at];
        let around = match at == first_loop {
            true => None,
            false => {
                let is_own = |(_, item): &&(usize, Item)| matches!(item, Item::Loop(inner) if *inner == at);
                let (node, _) = self.loops[own.around].items.iter().find(is_own)?;
                Some((own.around - first_loop, *node))
            }
        };
        let items = own.items.iter().map(|(node, item)| {
            let item = match *item {
                Item::Segment(draft) => Item::Segment(draft - first_draft),
                Item::Loop(inner) => Item::Loop(inner - first_loop),
            };
            (*node, own.nodes[*node].max, item)
        });
        Some(Opened { around, trigger: own.trigger? - first_draft, items: items.collect() })
    }
}

/// The values of an item in the order of its form: where each is in memory, and where the object is that it may be.
fn values(fields: &Map) -> Vec<(usize, Option<usize>)> {
    fn add(value: &Value, found: &mut Vec<(usize, Option<usize>)>) {
        found.push((memory(value), value.as_object().map(memory)));
        match value {
            Value::Array(items) => items.iter().for_each(|item| add(item, found)),
            Value::Object(fields) => fields.iter().for_each(|(_, value)| add(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    fields.iter().for_each(|(_, value)| add(value, &mut found));
    found
}
