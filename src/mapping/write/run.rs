//! Running the functions of a rule on writing: what they make of a value, or why they refuse it. Where it is put, and what is
//! told of it, is `write`'s.

use super::Writer;
use crate::entity::{KeyPath, Map, Text, Value, View};
use crate::mapping::function::{self, Beside, Call, Spot};

/// What the functions of a rule made of a value.
#[derive(Clone, Default)]
pub(super) struct Done {
    pub(super) value: Option<Value>,
    pub(super) beside: Vec<(Beside, String)>,
    pub(super) lost: Vec<&'static str>,
    /// Its number in the recording of an item.
    pub(super) trial: usize,
}

/// What functions expected of a value that they refused.
pub(super) struct Refusal {
    pub(super) expected: String,
    /// Its number in the recording of an item.
    pub(super) trial: usize,
}

/// Texts that say what an item is, kept with what functions made of them: of a few lists of codes those that a document uses.
const KNOWN_MAX: usize = 32;

impl Writer<'_> {
    /// Runs the functions of a rule; what they did is noted where an item is recorded.
    pub(super) fn through(&self, calls: &[Call], fields: &Map, value: Option<&Value>) -> Result<Done, Refusal> {
        let mut done = self.run(calls, fields.into(), value.map(View::from));
        self.note(|one| {
            let trial = one.try_on(calls, fields, value, &done, self.missed.borrow().is_empty());
            match &mut done {
                Ok(done) => done.trial = trial,
                Err(refusal) => refusal.trial = trial,
            }
        });
        done
    }

    /// What the functions of a rule make of its field. Only who notes it needs to know the value itself.
    pub(super) fn tried(&self, calls: &[Call], fields: &Map, field: &KeyPath) -> Result<Done, Refusal> {
        if self.recording.is_some() {
            return self.through(calls, fields, field.get(fields));
        }
        let value = View::from(fields).at(field);
        let text = value.text().filter(|_| function::are_steady_on_writing(calls));
        let key = text.map(|text| (calls.as_ptr().addr(), text, self.measure(calls, fields)));
        if let Some(done) = key.and_then(|key| self.known(key, Done::clone)) {
            return Ok(done);
        }
        let done = self.run(calls, fields.into(), Some(value).filter(|value| value.is_there()));
        if let (Some((place, text, length)), Ok(done), true) = (key, &done, self.missed.borrow().is_empty()) {
            let mut known = self.known.borrow_mut();
            known.truncate(KNOWN_MAX - 1);
            known.insert(0, (place, text.into(), length, done.clone()));
        }
        done
    }

    /// Whether it is soon seen that functions write a text: they leave it as it is, or wrote the same before.
    pub(super) fn is_writable(&self, calls: &[Call], fields: &Map, text: &str, around: &Spot<'_>) -> bool {
        function::keep_on_writing(calls, text, around) || {
            let place = calls.as_ptr().addr();
            self.known((place, text, self.measure(calls, fields)), |_| ()).is_some()
        }
    }

    /// What functions made of a text before, beside the same length of what they measure.
    fn known<T>(&self, (place, text, length): (usize, &str, usize), show: impl FnOnce(&Done) -> T) -> Option<T> {
        let known = self.known.borrow();
        let is_it = |one: &&(usize, Text, usize, Done)| one.0 == place && one.2 == length && one.1 == text;
        let found = known.iter().find(is_it).map(|(.., done)| show(done));
        if found.is_some() {
            self.missed.borrow_mut().clear();
        }
        found
    }

    /// The length of what functions measure.
    fn measure(&self, calls: &[Call], fields: &Map) -> usize {
        function::length(function::measured(calls).and_then(|field| View::from(fields).at(field).text()))
    }

    /// What stands around functions on writing.
    pub(super) fn spot<'s>(&'s self, fields: View<'s>) -> Spot<'s> {
        let context = self.context;
        let spot = Spot::new(context.document.codes(), context.decimal, context.codes, context.tables);
        Spot { fields: Some(fields), entity: Some(self.entity), sums: Some(&self.sums), ..spot }
    }

    /// What functions make of a value that stands among these fields; nothing is noted.
    pub(super) fn run(&self, calls: &[Call], fields: View<'_>, value: Option<View<'_>>) -> Result<Done, Refusal> {
        let spot = self.spot(fields);
        let is_kept = match value.and_then(View::text) {
            Some(text) => function::keep_on_writing(calls, text, &spot),
            None => calls.is_empty(),
        };
        let value = value.map(View::value);
        if is_kept {
            self.missed.borrow_mut().clear();
            return Ok(Done { value, ..Done::default() });
        }
        let value = function::put(calls, value, &spot);
        self.missed.replace(spot.missed.into_inner());
        let value = value.map_err(|expected| Refusal { expected, trial: 0 })?;
        Ok(Done { value, beside: spot.written.into_inner(), lost: spot.lost.into_inner(), trial: 0 })
    }
}
