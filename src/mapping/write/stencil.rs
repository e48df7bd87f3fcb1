//! What writing made of one item, kept for the next of the same form; see `mapping/stencil.rs`. It fits an item of the same
//! fields, the same texts where something compares them, and functions that make the same of it: a text, several, or
//! nothing. Making one is `record`'s.

use super::trial::{Making, Trial};
use super::{At, Item, Loop, Writer};
use crate::diagnostic::Diagnostic;
use crate::entity::{Filled, Key, Map, Part, Path, Template, Text, Value, View};
use crate::mapping::notation::Rule;
use crate::standard::definition::Node;
use crate::tree::{DraftForm, DraftSegment};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;

/// What writing made of an item.
pub struct Stencil {
    /// All that is said of the item but its texts.
    pub(super) form: Form,
    /// The item's own segment before.
    pub(super) before: DraftSegment,
    /// Texts of the item that decided something, by their place among its values.
    pub(super) read: Vec<(usize, Text)>,
    /// What functions were asked for, in order.
    pub(super) trials: Vec<Trial>,
    /// The segments, the item's own first; texts in them that are not always the same are those that the trials make.
    pub(super) segments: Arc<DraftForm>,
    /// The loops, the item's own first; none where the item is a segment.
    pub(super) loops: Vec<Opened>,
    /// What is told of the item.
    pub(super) told: Vec<Told>,
    /// The document that it was last laid for, by its turn, and the nodes of the item's own loop there, by where they stand:
    /// they are as they were when the stencil was made.
    pub(super) proven: Cell<(u64, usize)>,
}

/// What is told of an item.
pub(super) struct Told {
    /// The finding, but for its place.
    pub(super) finding: Diagnostic,
    /// Its place, counted from the item's.
    pub(super) place: String,
    /// The trial whose refusal it tells.
    pub(super) trial: Option<usize>,
}

/// A template with how it fits; `None` where it does not.
type Fitted = (Arc<Template>, Option<Arc<Fit>>);

/// The values of an item one after the other, each before those in it.
#[derive(Default)]
pub(super) struct Form {
    fields: usize,
    parts: Vec<(Key, Shape)>,
    /// Templates that came before, and how each fits if it does.
    known: RefCell<Vec<Fitted>>,
}

/// How objects of a template are of a form.
pub(super) struct Fit {
    /// The parts of the template, each before those in it.
    parts: Vec<Part>,
    /// Holes that must hold these flags.
    flags: Vec<(usize, bool)>,
    /// Where the value of each trial stands.
    ways: Vec<Way>,
}

/// Where the value of a trial stands in a template, and the text that its functions measure.
struct Way {
    held: Held,
    measured: Option<usize>,
}

/// What a template has for the value of a trial.
enum Held {
    /// No value is asked for.
    Nothing,
    /// The text of a hole.
    Text(usize),
    /// An object of two texts, of this hole and the next.
    Pair(usize),
    /// A list of texts, of these holes.
    List(Range<usize>),
    /// Something else.
    Other,
}

impl Way {
    fn of(trial: &Trial, parts: &[Part]) -> Self {
        let hole = |number: usize| if let Part::Text(hole) = &parts[number] { Some(*hole) } else { None };
        let held = match trial.value.map(|number| &parts[number]) {
            None => Held::Nothing,
            Some(Part::Text(hole)) => Held::Text(*hole),
            Some(Part::Object(parts)) => match parts[..] {
                [(_, Part::Text(one)), (_, Part::Text(other))] if other == one + 1 => Held::Pair(one),
                _ => Held::Other,
            },
            Some(Part::List(items)) => {
                let first = if let Some(Part::Text(hole)) = items.first() { *hole } else { 0 };
                let holes = first..first + items.len();
                let are_texts =
                    items.iter().zip(holes.clone()).all(|(item, hole)| matches!(item, Part::Text(at) if *at == hole));
                if are_texts { Held::List(holes) } else { Held::Other }
            }
            Some(_) => Held::Other,
        };
        Way { held, measured: trial.measured.and_then(hole) }
    }
}

/// Templates that a form remembers.
const KNOWN_TEMPLATES_MAX: usize = 32;

/// The values of an item, by their place in its form.
pub(super) enum Values<'v> {
    Each(Vec<&'v Value>),
    Filled(Arc<Fit>, &'v Filled),
}

impl<'v> Values<'v> {
    /// The text of a value that is one.
    #[inline]
    fn text(&self, number: usize) -> Option<&'v str> {
        match self {
            Values::Each(values) => values[number].as_str(),
            Values::Filled(fit, filled) => match fit.parts[number] {
                Part::Text(hole) => Some(filled.hole(hole)),
                _ => None,
            },
        }
    }

    /// The text of a trial's value, an empty one for nothing; `None` where it is no text.
    #[inline(always)]
    pub(super) fn text_of(&self, (number, trial): (usize, &Trial)) -> Option<&'v str> {
        match self {
            Values::Each(values) => trial.value.map_or(Some(""), |at| values[at].as_str()),
            Values::Filled(fit, filled) => match fit.ways[number].held {
                Held::Nothing => Some(""),
                Held::Text(hole) => Some(filled.hole(hole)),
                Held::Pair(_) | Held::List(_) | Held::Other => None,
            },
        }
    }

    /// The texts of a trial's value that is an object of two, one after the other, and where the second begins.
    pub(super) fn pair_of(&self, number: usize) -> Option<(&'v str, usize)> {
        let Values::Filled(fit, filled) = self else { return None };
        let Held::Pair(one) = fit.ways[number].held else { return None };
        Some((filled.holes(one..one + 2), filled.hole(one).len()))
    }

    /// The texts of a trial's value that is a list of them.
    pub(super) fn texts_of(&self, number: usize) -> Option<impl ExactSizeIterator<Item = &'v str> + Clone> {
        let Values::Filled(fit, filled) = self else { return None };
        let Held::List(holes) = &fit.ways[number].held else { return None };
        let filled = *filled;
        Some(holes.clone().map(move |hole| filled.hole(hole)))
    }

    /// The text that a trial's functions measure.
    #[inline]
    pub(super) fn measured(&self, (number, trial): (usize, &Trial)) -> Option<&'v str> {
        match self {
            Values::Each(values) => trial.measured.and_then(|at| values[at].as_str()),
            Values::Filled(fit, filled) => fit.ways[number].measured.map(|hole| filled.hole(hole)),
        }
    }

    pub(super) fn at(&self, number: usize) -> View<'_> {
        match self {
            Values::Each(values) => View::Value(values[number]),
            Values::Filled(fit, filled) => match &fit.parts[number] {
                Part::Text(hole) => View::Text(filled.hole(*hole)),
                part => View::Part(filled, part),
            },
        }
    }
}

/// A value without its text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Flag(bool),
    List(usize),
    Object(usize),
    /// What no entity that is right holds.
    Other,
}

impl Shape {
    fn of(value: &Value) -> Self {
        match value {
            Value::String(_) => Shape::Text,
            Value::Bool(flag) => Shape::Flag(*flag),
            Value::Array(items) => Shape::List(items.len()),
            Value::Object(fields) => Shape::Object(fields.len()),
            Value::Null | Value::Number(_) => Shape::Other,
        }
    }
}

impl Form {
    pub(super) fn of(fields: &Map) -> Self {
        let mut form = Form { fields: fields.len(), ..Form::default() };
        fields.iter().for_each(|(key, value)| form.add(key.clone(), value));
        form
    }

    fn add(&mut self, key: Key, value: &Value) {
        self.parts.push((key, Shape::of(value)));
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add(Key::default(), item)),
            Value::Object(fields) => fields.iter().for_each(|(key, value)| self.add(key.clone(), value)),
            _ => {}
        }
    }

    /// The values of an item of this form, in the order of its parts, as the trials look at them.
    fn values<'v>(&self, fields: &'v Map, trials: &[Trial]) -> Option<Values<'v>> {
        if let Some(filled) = fields.filled() {
            let fit = self.fit(filled.template(), trials)?;
            let are_same = fit.flags.iter().all(|(hole, flag)| (filled.hole(*hole) == "true") == *flag);
            return are_same.then_some(Values::Filled(fit, filled));
        }
        let mut found = Vec::with_capacity(self.parts.len());
        (fields.len() == self.fields && fields.iter().all(|(key, value)| self.fits(key, value, &mut found)))
            .then_some(Values::Each(found))
    }

    /// How objects of a template are of this form, if they are; found out once.
    fn fit(&self, template: &Arc<Template>, trials: &[Trial]) -> Option<Arc<Fit>> {
        let mut known = self.known.borrow_mut();
        if let Some((_, fit)) = known.iter().find(|(one, _)| Arc::ptr_eq(one, template)) {
            return fit.clone();
        }
        let (parts, mut fit) = (template.parts(), Fit { parts: Vec::new(), flags: Vec::new(), ways: Vec::new() });
        let is_of_it =
            parts.len() == self.fields && parts.iter().all(|(key, part)| self.fits_part(key, part, &mut fit));
        let fit = is_of_it.then(|| {
            fit.ways = trials.iter().map(|trial| Way::of(trial, &fit.parts)).collect();
            Arc::new(fit)
        });
        known.truncate(KNOWN_TEMPLATES_MAX - 1);
        known.insert(0, (template.clone(), fit.clone()));
        fit
    }

    fn fits_part(&self, key: &str, part: &Part, fit: &mut Fit) -> bool {
        let expected = self.parts.get(fit.parts.len()).filter(|(known, _)| *known == *key);
        let Some((_, shape)) = expected else { return false };
        fit.parts.push(part.clone());
        match (shape, part) {
            (Shape::Text, Part::Text(_)) => true,
            (Shape::Flag(flag), Part::Flag(hole)) => {
                fit.flags.push((*hole, *flag));
                true
            }
            (Shape::List(count), Part::List(items)) => {
                *count == items.len() && items.iter().all(|item| self.fits_part("", item, fit))
            }
            (Shape::Object(count), Part::Object(parts)) => {
                *count == parts.len() && parts.iter().all(|(key, part)| self.fits_part(key, part, fit))
            }
            _ => false,
        }
    }

    fn fits<'v>(&self, key: &str, value: &'v Value, found: &mut Vec<&'v Value>) -> bool {
        let is_it = |(known, shape): &(Key, Shape)| {
            *shape == Shape::of(value) && (std::ptr::eq(&**known, key) || **known == *key)
        };
        if !self.parts.get(found.len()).is_some_and(is_it) {
            return false;
        }
        found.push(value);
        match value {
            Value::Array(items) => items.iter().all(|item| self.fits("", item, found)),
            Value::Object(fields) => fields.iter().all(|(key, value)| self.fits(key, value, found)),
            _ => true,
        }
    }
}

/// A loop that was made; places are counted from the item's own.
pub(super) struct Opened {
    /// The loop around it, and its node there; of the item's own not known.
    pub(super) around: Option<(usize, usize)>,
    pub(super) trigger: usize,
    /// What was put at its nodes, with the most that the node takes.
    pub(super) items: Vec<(usize, Option<u32>, Item)>,
}

impl<'a> Writer<'a> {
    /// Writes the fields of an item that is to stand in a fresh segment or loop: by a stencil that fits, else by the rules.
    pub(super) fn by_stencil(&mut self, rules: &[Rule], at: At, fields: &Map, path: &Path<'_>, is_only: bool) {
        let fresh = if self.recording.is_some() || rules.is_empty() { None } else { self.fresh(at) };
        let (Some(own), Some(stencils)) = (fresh, &mut self.stencils) else {
            return self.rules(rules, at, fields, path);
        };
        let mut set = std::mem::take(stencils.of(rules));
        let mut making = std::mem::take(&mut self.making);
        match set.lay(|stencil| stencil.lay(self, own, fields, &mut making)) {
            Some((front, ())) => {
                let stencil = &set.stencils[front];
                let before = cfg!(debug_assertions).then(|| (self.drafts[own.1].clone(), self.faults.len()));
                stencil.tell(self, &making, path);
                stencil.apply(self, own, &making);
                if let Some(before) = before {
                    self.prove(own, before, |writer| writer.rules(rules, at, fields, path));
                }
            }
            None if set.wants_more() => {
                let stencil = self.record(own, (fields, path), is_only, |writer| writer.rules(rules, at, fields, path));
                set.keep(stencil);
            }
            None => self.rules(rules, at, fields, path),
        }
        self.making = making;
        if let Some(stencils) = &mut self.stencils {
            *stencils.of(rules) = set;
        }
    }

    /// The loop and segment of an item, when nothing has been put there yet; of a segment in a loop only that.
    fn fresh(&self, at: At) -> Option<(Option<usize>, usize)> {
        let own = match at {
            At::Loop(instance) => (Some(instance), self.loops[instance].trigger?),
            At::Segment((_, draft)) => (None, draft),
            At::Slot(..) => return None,
        };
        let is_last = own.0.is_none_or(|instance| {
            instance > 0 && instance + 1 == self.loops.len() && self.loops[instance].items.len() == 1
        });
        (is_last && own.1 + 1 == self.drafts.len()).then_some(own)
    }

    /// Builds for tests let the rules walk as well.
    fn prove(
        &mut self,
        own: (Option<usize>, usize),
        (draft, faults): (DraftSegment, usize),
        walk: impl FnOnce(&mut Self),
    ) {
        let first = own.0.unwrap_or(self.loops.len());
        let print = |writer: &Self| {
            let of_loop = |one: &Loop<'_>| {
                let nodes = one.items.iter().map(|(node, item)| format!("{node}:{item:?}"));
                format!("{} {:?} {}", one.around, one.trigger, nodes.collect::<Vec<_>>().join(" "))
            };
            let loops: Vec<_> = writer.loops.get(first..).unwrap_or_default().iter().map(of_loop).collect();
            (format!("{:?}", &writer.drafts[own.1..]), loops, writer.faults[faults..].to_vec())
        };
        let laid = print(self);
        self.drafts.truncate(own.1 + 1);
        self.drafts[own.1] = draft;
        self.faults.truncate(faults);
        if let Some(instance) = own.0 {
            self.loops.truncate(instance + 1);
            self.loops[instance].items.truncate(1);
        }
        // What no stencil notes, that the tests go on as a release does.
        let written = self.written.clone();
        walk(self);
        self.written = written;
        assert_eq!(laid, print(self), "a stencil writes what the rules write");
    }
}

impl Stencil {
    /// Makes the texts of an item, if it fits.
    fn lay<'a>(
        &self,
        writer: &Writer<'a>,
        own: (Option<usize>, usize),
        fields: &Map,
        making: &mut Making<'a>,
    ) -> Option<()> {
        let is_same = self.before == writer.drafts[own.1] && own.0.is_none() == self.loops.is_empty();
        let values = self.form.values(fields, &self.trials).filter(|_| is_same)?;
        if !self.read.iter().all(|(at, text)| values.text(*at) == Some(text)) {
            return None;
        }
        writer.missed.borrow_mut().clear();
        let around = writer.spot(View::Nothing);
        making.begin();
        let mut trials = self.trials.iter().enumerate();
        trials.all(|trial| Trial::make(trial, writer, (fields, &values), &around, making)).then_some(())?;
        self.nodes(writer, own.0, &mut making.nodes)
    }

    /// Finds the nodes of each loop, if the definition has them as it had.
    fn nodes<'a>(&self, writer: &Writer<'a>, own: Option<usize>, nodes: &mut Vec<&'a [Node]>) -> Option<()> {
        for opened in &self.loops {
            nodes.push(match opened.around {
                Some((around, node)) => &nodes[around].get(node)?.body.as_ref()?.nodes,
                None => writer.loops[own?].nodes,
            });
        }
        let proven = (writer.turn, nodes.first().map_or(0, |nodes| nodes.as_ptr().addr()));
        if self.proven.get() != proven {
            self.loops.iter().zip(&*nodes).all(|(opened, nodes)| self.has_same(opened, nodes)).then_some(())?;
            self.proven.set(proven);
        }
        Some(())
    }

    /// Whether a loop has the nodes that it had, as far as something was put there.
    fn has_same(&self, opened: &Opened, nodes: &[Node]) -> bool {
        opened.items.iter().all(|(node, max, item)| {
            let draft = match item {
                Item::Segment(draft) => *draft,
                Item::Loop(inner) => self.loops[*inner].trigger,
            };
            let tag = &self.segments.segments()[draft].tag;
            nodes.get(*node).is_some_and(|node| node.max == *max && *node.tag == **tag)
        })
    }

    /// Tells what is to be told of the item at a path.
    fn tell(&self, writer: &mut Writer<'_>, making: &Making<'_>, path: &Path<'_>) {
        for told in &self.told {
            let mut finding = told.finding.clone();
            finding.place = path.before(&told.place);
            let refusal = told.trial.and_then(|trial| making.refusal(trial));
            if let Some(expected) = refusal {
                expected.clone_into(&mut finding.expected);
            }
            writer.faults.push(finding);
        }
    }

    /// Puts what it makes into the item's segments and loops.
    fn apply<'a>(&self, writer: &mut Writer<'a>, own: (Option<usize>, usize), making: &Making<'a>) {
        let (first_loop, first_draft) = (own.0.unwrap_or(writer.loops.len()), own.1);
        writer.drafts.truncate(first_draft);
        let texts = Arc::new(making.texts(&self.segments));
        let segments = 0..self.segments.segments().len();
        writer.drafts.extend(segments.map(|number| DraftSegment::laid(texts.clone(), number)));
        for (opened, &nodes) in self.loops.iter().zip(&making.nodes) {
            let place = |(node, _, item): &(usize, Option<u32>, Item)| match *item {
                Item::Segment(draft) => (*node, Item::Segment(first_draft + draft)),
                Item::Loop(inner) => (*node, Item::Loop(first_loop + inner)),
            };
            let items = opened.items.iter().map(place);
            match opened.around {
                Some((around, _)) => {
                    let (around, trigger) = (first_loop + around, Some(first_draft + opened.trigger));
                    writer.loops.push(Loop { around, nodes, items: items.collect(), trigger });
                }
                None => {
                    let own = &mut writer.loops[first_loop].items;
                    own.clear();
                    own.extend(items);
                }
            }
        }
    }
}
