//! What the functions of a rule did with a value while a stencil was made, and how they do it again with other values: a text
//! that they leave as it is goes on as it stands, what they made before is known, and only of others is it made.

use super::Writer;
use super::run::{Done, Refusal};
use super::stencil::Values;
use crate::entity::{Map, Text, Value, View};
use crate::mapping::function::{self, Beside, Call, Spot};
use crate::standard::definition::Node;
use crate::tree::{DraftForm, DraftTexts};
use std::cell::RefCell;
use std::sync::Arc;

/// What functions were asked for.
pub(super) struct Trial {
    /// The object of the field; `None` is the item itself.
    fields: Option<usize>,
    pub(super) value: Option<usize>,
    /// The value that functions measure.
    pub(super) measured: Option<usize>,
    calls: Vec<Call>,
    kind: Kind,
    /// They made a text and nothing else.
    is_of_text: bool,
    /// Texts that they made that decided something, by their numbers.
    decided: Vec<(u32, Text)>,
    /// Texts that came before and what was made of them, when a text always becomes the same; no text is an empty one.
    known: Option<RefCell<Vec<Known>>>,
}

/// By what it is known, see [`Trial::key`], and what was made of it.
type Known = (Text, usize, Made);

/// Texts of one field that are kept with what was made of them: units and other codes.
const KNOWN_MAX: usize = 8;

/// What a trial made of a value.
enum Made {
    /// These texts, in the order of their numbers.
    Texts(Vec<Text>),
    /// Refused, and why.
    Refused(String),
}

impl Made {
    fn of(done: Result<Done, Refusal>) -> Self {
        let done = match done {
            Ok(done) => done,
            Err(refusal) => return Made::Refused(refusal.expected),
        };
        let mut texts = match done.value {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(Text::from).collect(),
            _ => Vec::new(),
        };
        texts.extend(done.beside.into_iter().map(|(_, text)| Text::from(text)));
        Made::Texts(texts)
    }
}

/// The texts of an item on their way, one after the other by their numbers; used again and again.
#[derive(Default)]
pub(super) struct Making<'a> {
    text: String,
    ends: Vec<u32>,
    /// What was refused, with the trial's number.
    refused: Vec<(usize, String)>,
    /// The nodes of each loop.
    pub(super) nodes: Vec<&'a [Node]>,
}

impl Making<'_> {
    /// Begins anew.
    pub(super) fn begin(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.refused.clear();
        self.nodes.clear();
    }

    /// The texts in the segments of a form.
    pub(super) fn texts(&self, form: &Arc<DraftForm>) -> DraftTexts {
        DraftTexts::of(form, &self.text, &self.ends)
    }

    /// Why a trial was refused, if it was.
    pub(super) fn refusal(&self, trial: usize) -> Option<&str> {
        self.refused.iter().find(|(refused, _)| *refused == trial).map(|(_, expected)| expected.as_str())
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    fn add_made(&mut self, trial: usize, made: &Made) {
        match made {
            Made::Texts(texts) => texts.iter().for_each(|text| self.add(text)),
            Made::Refused(expected) => self.refused.push((trial, expected.clone())),
        }
    }

    fn text(&self, number: u32) -> &str {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[number] as usize]
    }
}

impl Trial {
    /// Functions that were asked for the value of an object, both by their places in the item, beside what they measure.
    pub(super) fn new(
        fields: Option<usize>,
        (value, measured): (Option<usize>, Option<usize>),
        calls: Vec<Call>,
        kind: Kind,
    ) -> Self {
        let is_alone = |beside: &[Beside], lost: &[&str]| beside.is_empty() && lost.is_empty();
        let is_of_text = matches!(&kind, Kind::Made { value: Shaped::Text, beside, lost } if is_alone(beside, lost));
        let known = function::are_steady_on_writing(&calls).then(RefCell::default);
        Trial { fields, value, measured, calls, kind, is_of_text, decided: Vec::new(), known }
    }

    /// How many texts it makes.
    pub(super) fn texts(&self) -> u32 {
        let Kind::Made { value, beside, .. } = &self.kind else { return 0 };
        (value.texts() + beside.len()) as u32
    }

    /// The place of a text among those that it makes; `None` where it makes none.
    pub(super) fn place(&self, source: &Source) -> Option<u32> {
        let Kind::Made { value, beside, .. } = &self.kind else { return None };
        let place = match source {
            Source::Said(_) => None,
            Source::Made(_, at) => Some(*at).filter(|at| *at < value.texts()),
            Source::Beside(_, at) => Some(value.texts() + at).filter(|_| *at < beside.len()),
        };
        place.map(|place| place as u32)
    }

    /// One of its texts decides something; by its number.
    pub(super) fn decide(&mut self, number: u32, text: Text) {
        let decided = (number, text);
        if !self.decided.contains(&decided) {
            self.decided.push(decided);
        }
    }

    /// Adds what it makes of an item; whether it does as it did.
    pub(super) fn make<'v>(
        (number, trial): (usize, &Self),
        writer: &Writer<'_>,
        (fields, values): (&'v Map, &Values<'v>),
        around: &Spot<'_>,
        making: &mut Making<'_>,
    ) -> bool {
        let text = values.text_of((number, trial));
        let is_kept = |text: &&str| trial.is_of_text && !text.is_empty();
        let is_done = if let Some(known) = &trial.known
            && let Some(key) = trial.key(text, number, values)
        {
            trial.make_known((number, key), known, (writer, fields, values, around), making)
        } else if let Some(text) = text.filter(is_kept)
            && function::keep_on_writing(&trial.calls, text, around)
        {
            making.add(text);
            true
        } else if let Some(texts) = values.texts_of(number).filter(|texts| trial.keeps_each(texts.clone(), around)) {
            texts.for_each(|text| making.add(text));
            true
        } else {
            let made = trial.run(writer, fields, values);
            made.as_ref().into_iter().for_each(|made| making.add_made(number, made));
            made.is_some()
        };
        is_done && trial.decided.iter().all(|(number, text)| making.text(*number) == text)
    }

    /// The same where a text always becomes the same.
    fn make_known<'v>(
        &self,
        (number, (text, length)): (usize, (&str, usize)),
        known: &RefCell<Vec<Known>>,
        (writer, fields, values, around): (&Writer<'_>, &'v Map, &Values<'v>, &Spot<'_>),
        making: &mut Making<'_>,
    ) -> bool {
        let found = known.borrow();
        if let Some((.., made)) = found.iter().find(|(one, of, _)| *of == length && one == text) {
            making.add_made(number, made);
            return true;
        }
        drop(found);
        let is_text = self.is_of_text && !text.is_empty() && values.text_of((number, self)).is_some();
        if is_text && function::keep_on_writing(&self.calls, text, around) {
            making.add(text);
            return true;
        }
        let Some(made) = self.run(writer, fields, values) else { return false };
        making.add_made(number, &made);
        let mut known = known.borrow_mut();
        known.truncate(KNOWN_MAX - 1);
        known.insert(0, (text.into(), length, made));
        true
    }

    /// Whether each of several texts is written as it stands, as they were.
    fn keeps_each<'v>(&self, texts: impl ExactSizeIterator<Item = &'v str> + Clone, around: &Spot<'_>) -> bool {
        let Kind::Made { value: Shaped::Texts(count), beside, lost } = &self.kind else { return false };
        let is_alone = beside.is_empty() && lost.is_empty() && texts.clone().all(|text| !text.is_empty());
        *count == texts.len() && is_alone && function::keep_each_on_writing(&self.calls, texts, around)
    }

    /// What the functions make of a value, when that is of the kind that it was.
    fn run(&self, writer: &Writer<'_>, fields: &Map, values: &Values<'_>) -> Option<Made> {
        let fields = self.fields.map_or(View::Fields(fields), |at| values.at(at));
        let done = writer.run(&self.calls, fields, self.value.map(|at| values.at(at)));
        (self.kind.is_of(&done) && writer.missed.borrow().is_empty()).then(|| Made::of(done))
    }

    /// By what it is known what was made of a text: the text, and the length of what is measured. A code without a
    /// counterpart, which is a list and a code, is known by both texts and the length of the first.
    fn key<'k>(&self, text: Option<&'k str>, number: usize, values: &Values<'k>) -> Option<(&'k str, usize)> {
        let Some(text) = text else { return values.pair_of(number).filter(|_| self.measured.is_none()) };
        Some((text, function::length(values.measured((number, self)))))
    }
}

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

    fn texts(self) -> usize {
        match self {
            Shaped::Nothing => 0,
            Shaped::Text => 1,
            Shaped::Texts(count) => count,
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
}
