//! What writing made of one item, kept for the next of the same form; see `mapping/stencil.rs`. It fits an item of the same
//! fields, the same texts where something compares them, and functions that make the same of it: a text, several, or
//! nothing. Making one is `record`'s.

use super::{At, Done, Item, Loop, Refusal, Writer};
use crate::diagnostic::Diagnostic;
use crate::entity::{Filled, Key, Map, Part, Path, Template, Text, Value, View};
use crate::mapping::function::{self, Beside, Call, Spot};
use crate::mapping::notation::Rule;
use crate::standard::definition::Node;
use crate::tree::{DraftForm, DraftSegment, DraftTexts};
use std::cell::{Cell, RefCell};
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
    /// Texts that functions made that decided something, by their trials.
    pub(super) decided: Vec<(Source, Text)>,
    /// The segments, the item's own first.
    pub(super) segments: Arc<DraftForm>,
    /// Where the texts are from that stand in them and are not always the same.
    pub(super) sources: Vec<Source>,
    /// The loops, the item's own first; none where the item is a segment.
    pub(super) loops: Vec<Opened>,
    /// What is told of the item.
    pub(super) told: Vec<Told>,
    /// The document that it was last laid for, by its turn, and the nodes of the item's own loop there, by where they stand:
    /// they are as they were when the stencil was made.
    pub(super) proven: Cell<(u64, usize)>,
}

/// A finding as it was, its place counted from the item's, and the trial whose refusal it tells.
pub(super) type Told = (Diagnostic, Option<usize>);

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
struct Fit {
    /// The parts of the template, each before those in it.
    parts: Vec<Part>,
    /// Holes that must hold these flags.
    flags: Vec<(usize, bool)>,
}

/// Templates that a form remembers.
const KNOWN_TEMPLATES_MAX: usize = 32;

/// The values of an item, by their place in its form.
enum Values<'v> {
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

    /// The texts of an object of two in a template, one after the other, and where the second begins.
    fn pair(&self, number: usize) -> Option<(&str, usize)> {
        let Values::Filled(fit, filled) = self else { return None };
        let Part::Object(parts) = &fit.parts[number] else { return None };
        let &[(_, Part::Text(one)), (_, Part::Text(other))] = &parts[..] else { return None };
        (other == one + 1).then(|| (filled.holes(one..other + 1), filled.hole(one).len()))
    }

    #[inline]
    fn at(&self, number: usize) -> View<'_> {
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

    /// The values of an item of this form, in the order of its parts.
    fn values<'v>(&self, fields: &'v Map) -> Option<Values<'v>> {
        if let Some(filled) = fields.filled() {
            let fit = self.fit(filled.template())?;
            let are_same = fit.flags.iter().all(|(hole, flag)| (filled.hole(*hole) == "true") == *flag);
            return are_same.then_some(Values::Filled(fit, filled));
        }
        let mut found = Vec::with_capacity(self.parts.len());
        (fields.len() == self.fields && fields.iter().all(|(key, value)| self.fits(key, value, &mut found)))
            .then_some(Values::Each(found))
    }

    /// How objects of a template are of this form, if they are; found out once.
    fn fit(&self, template: &Arc<Template>) -> Option<Arc<Fit>> {
        let mut known = self.known.borrow_mut();
        if let Some((_, fit)) = known.iter().find(|(one, _)| Arc::ptr_eq(one, template)) {
            return fit.clone();
        }
        let (parts, mut fit) = (template.parts(), Fit { parts: Vec::new(), flags: Vec::new() });
        let is_of_it =
            parts.len() == self.fields && parts.iter().all(|(key, part)| self.fits_part(key, part, &mut fit));
        let fit = is_of_it.then(|| Arc::new(fit));
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

/// What functions were asked for.
pub(super) struct Trial {
    /// The object of the field; `None` is the item itself.
    pub(super) fields: Option<usize>,
    pub(super) value: Option<usize>,
    pub(super) calls: Vec<Call>,
    pub(super) kind: Kind,
    /// The value that functions measure.
    pub(super) measured: Option<usize>,
    /// Texts that came before and what was made of them, when a text always becomes the same; no text is an empty one.
    pub(super) known: Option<RefCell<Vec<Known>>>,
}

/// By what it is known, see [`Trial::key`], and what was made of it, or why it was refused.
type Known = (Text, usize, Result<Made<'static>, String>);

impl Trial {
    /// Whether it made a text and nothing else.
    fn is_of_text(&self) -> bool {
        let Kind::Made { value: Shaped::Text, beside, lost } = &self.kind else { return false };
        beside.is_empty() && lost.is_empty()
    }

    /// What it makes of an item, when it does as it did; what it refuses goes to `refuse`.
    fn made<'v>(
        &self,
        writer: &Writer<'_>,
        (fields, values): (&'v Map, &Values<'v>),
        around: &Spot<'_>,
        mut refuse: impl FnMut(String),
    ) -> Option<Made<'v>> {
        let text = self.value.map_or(Some(""), |at| values.text(at));
        let key = self.known.as_ref().and_then(|_| self.key(text, values));
        if let Some(known) = key.and_then(|key| self.known(key)) {
            return Some(known.unwrap_or_else(|expected| {
                refuse(expected);
                Made::of(Done::default())
            }));
        }
        let kept = text.filter(|text| !text.is_empty() && self.is_of_text());
        if let Some(text) = kept.filter(|text| function::keep_on_writing(&self.calls, text, around)) {
            return Some(Made::Kept(text));
        }
        let fields = self.fields.map_or(View::Fields(fields), |at| values.at(at));
        let done = writer.run(&self.calls, fields, self.value.map(|at| values.at(at)));
        if !self.kind.is_of(&done) || !writer.missed.borrow().is_empty() {
            return None;
        }
        let made = done.map(Made::of).map_err(|refusal| refusal.expected);
        if let (Some(known), Some((text, length))) = (&self.known, key) {
            let mut known = known.borrow_mut();
            known.truncate(KNOWN_MAX - 1);
            known.insert(0, (text.into(), length, made.clone()));
        }
        Some(made.unwrap_or_else(|expected| {
            refuse(expected);
            Made::of(Done::default())
        }))
    }

    /// By what it is known what was made of a text: the text, and the length of what is measured. A code without a
    /// counterpart, which is a list and a code, is known by both texts and the length of the first.
    fn key<'k>(&self, text: Option<&'k str>, values: &'k Values<'_>) -> Option<(&'k str, usize)> {
        let Some(text) = text else { return values.pair(self.value?).filter(|_| self.measured.is_none()) };
        Some((text, function::length(self.measured.and_then(|at| values.text(at)))))
    }

    /// What was made of a text before, beside the same length of what is measured.
    fn known<'v>(&self, (text, length): (&str, usize)) -> Option<Result<Made<'v>, String>> {
        let known = self.known.as_ref()?.borrow();
        known.iter().find(|(one, of, _)| *of == length && one == text).map(|(.., made)| made.clone())
    }
}

/// What a trial made of a value.
#[derive(Clone)]
pub(super) enum Made<'v> {
    /// The text itself, which functions left as it is.
    Kept(&'v str),
    /// A text.
    Text(Text),
    /// Nothing.
    Nothing,
    /// Whatever else.
    Done(Box<Done>),
}

impl<'v> Made<'v> {
    fn of(done: Done) -> Self {
        match done {
            Done { value: Some(Value::String(text)), beside, .. } if beside.is_empty() => Made::Text(text),
            Done { value: None, beside, .. } if beside.is_empty() => Made::Nothing,
            done => Made::Done(Box::new(done)),
        }
    }
}

/// Texts of one field that are kept with what was made of them: units and other codes.
const KNOWN_MAX: usize = 8;

/// As much of what functions made as decides anything.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Refused,
    Made {
        value: Shaped,
        /// What they want to stand beside it.
        beside: Vec<Beside>,
        /// What of it they cannot write.
        lost: Vec<&'static str>,
    },
}

/// A value as it is put into segments, without its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shaped {
    Nothing,
    Text,
    /// So many texts.
    Texts(usize),
}

impl Kind {
    /// `None` where a stencil cannot say it, for it has no text.
    pub(super) fn of(done: &Result<Done, Refusal>) -> Option<Self> {
        let Ok(done) = done else { return Some(Kind::Refused) };
        let beside = done.beside.iter().map(|(beside, _)| *beside).collect();
        let kind = Kind::Made { value: Shaped::of(done.value.as_ref())?, beside, lost: done.lost.clone() };
        says_beside(done).then_some(kind)
    }

    /// Whether functions did the same again.
    fn is_of(&self, done: &Result<Done, Refusal>) -> bool {
        let (Ok(done), Kind::Made { value, beside, lost }) = (done, self) else {
            return done.is_err() && *self == Kind::Refused;
        };
        let places = done.beside.iter().map(|(beside, _)| beside);
        Shaped::of(done.value.as_ref()) == Some(*value) && done.lost == *lost && places.eq(beside) && says_beside(done)
    }
}

impl Shaped {
    fn of(value: Option<&Value>) -> Option<Self> {
        let says = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        match value {
            None => Some(Shaped::Nothing),
            Some(Value::Array(items)) => items.iter().all(says).then_some(Shaped::Texts(items.len())),
            Some(value) => says(value).then_some(Shaped::Text),
        }
    }
}

fn says_beside(done: &Done) -> bool {
    done.beside.iter().all(|(_, text)| !text.is_empty())
}

/// Where a text of a segment is from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Whatever the item is.
    Said(Text),
    /// What a trial made; one of several.
    Made(usize, usize),
    /// What a trial wanted to stand beside it.
    Beside(usize, usize),
}

impl Source {
    /// The trial that it is from, if it is from one.
    pub(super) fn trial(&self) -> Option<usize> {
        match self {
            Source::Said(_) => None,
            Source::Made(trial, _) | Source::Beside(trial, _) => Some(*trial),
        }
    }

    fn text<'s>(&'s self, made: &'s [Made<'_>]) -> Option<&'s str> {
        match self {
            Source::Said(text) => Some(text),
            Source::Made(trial, at) => match made.get(*trial)? {
                Made::Kept(text) => Some(text),
                Made::Text(text) => Some(text),
                Made::Nothing => None,
                Made::Done(done) => match done.value.as_ref()? {
                    Value::Array(items) => items.get(*at)?.as_str(),
                    value => value.as_str(),
                },
            },
            Source::Beside(trial, at) => match made.get(*trial)? {
                Made::Done(done) => done.beside.get(*at).map(|(_, text)| text.as_str()),
                _ => None,
            },
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
        match set.lay(|stencil| stencil.lay(self, own, fields)) {
            Some((front, laid)) => {
                let stencil = &set.stencils[front];
                let before = cfg!(debug_assertions).then(|| (self.drafts[own.1].clone(), self.faults.len()));
                stencil.tell(self, &laid, path);
                stencil.apply(self, own, laid);
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

/// What a stencil makes of an item, not yet put anywhere.
struct Laid<'a, 'v> {
    made: Vec<Made<'v>>,
    /// What was refused, with the trial's number.
    refused: Vec<(usize, String)>,
    /// The nodes of each loop.
    nodes: Vec<&'a [Node]>,
}

impl Stencil {
    /// What it makes of an item, if it fits.
    fn lay<'a, 'v>(&self, writer: &Writer<'a>, own: (Option<usize>, usize), fields: &'v Map) -> Option<Laid<'a, 'v>> {
        let is_same = self.before == writer.drafts[own.1] && own.0.is_none() == self.loops.is_empty();
        let values = self.form.values(fields).filter(|_| is_same)?;
        if !self.read.iter().all(|(at, text)| values.text(*at) == Some(text)) {
            return None;
        }
        writer.missed.borrow_mut().clear();
        let around = writer.spot(View::Nothing);
        let (mut made, mut refused) = (Vec::with_capacity(self.trials.len()), Vec::new());
        let mut decided = self.decided.iter();
        for (number, trial) in self.trials.iter().enumerate() {
            made.push(trial.made(writer, (fields, &values), &around, |expected| refused.push((number, expected)))?);
            let of_trial = decided.as_slice().iter().take_while(|(source, _)| source.trial() == Some(number)).count();
            if !decided.by_ref().take(of_trial).all(|(source, text)| source.text(&made) == Some(text)) {
                return None;
            }
        }
        let nodes = self.nodes(writer, own.0)?;
        Some(Laid { made, refused, nodes })
    }

    /// The nodes of each loop, if the definition has them as it had.
    fn nodes<'a>(&self, writer: &Writer<'a>, own: Option<usize>) -> Option<Vec<&'a [Node]>> {
        let mut nodes: Vec<&'a [Node]> = Vec::with_capacity(self.loops.len());
        for opened in &self.loops {
            nodes.push(match opened.around {
                Some((around, node)) => &nodes[around].get(node)?.body.as_ref()?.nodes,
                None => writer.loops[own?].nodes,
            });
        }
        let proven = (writer.turn, nodes.first().map_or(0, |nodes| nodes.as_ptr().addr()));
        if self.proven.get() != proven {
            self.loops.iter().zip(&nodes).all(|(opened, nodes)| self.has_same(opened, nodes)).then_some(())?;
            self.proven.set(proven);
        }
        Some(nodes)
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
    fn tell(&self, writer: &mut Writer<'_>, laid: &Laid<'_, '_>, path: &Path<'_>) {
        for (told, trial) in &self.told {
            let mut finding = told.clone();
            finding.place = format!("{path}{}", told.place);
            let refusal = laid.refused.iter().find(|(refused, _)| Some(*refused) == *trial);
            if let Some((_, expected)) = refusal {
                finding.expected.clone_from(expected);
            }
            writer.faults.push(finding);
        }
    }

    /// Puts what it makes into the item's segments and loops.
    fn apply<'a>(&self, writer: &mut Writer<'a>, own: (Option<usize>, usize), laid: Laid<'a, '_>) {
        let (first_loop, first_draft) = (own.0.unwrap_or(writer.loops.len()), own.1);
        writer.drafts.truncate(first_draft);
        let texts = self.sources.iter().map(|source| source.text(&laid.made).unwrap_or_default());
        let texts = Arc::new(DraftTexts::of(&self.segments, texts));
        let segments = 0..self.segments.segments().len();
        writer.drafts.extend(segments.map(|number| DraftSegment::laid(texts.clone(), number)));
        for (opened, nodes) in self.loops.iter().zip(laid.nodes) {
            let place = |(node, _, item): &(usize, Option<u32>, Item)| match *item {
                Item::Segment(draft) => (*node, Item::Segment(first_draft + draft)),
                Item::Loop(inner) => (*node, Item::Loop(first_loop + inner)),
            };
            let items = opened.items.iter().map(place).collect();
            match opened.around {
                Some((around, _)) => {
                    let (around, trigger) = (first_loop + around, Some(first_draft + opened.trigger));
                    writer.loops.push(Loop { around, nodes, items, trigger });
                }
                None => writer.loops[first_loop].items = items,
            }
        }
    }
}
