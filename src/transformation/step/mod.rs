//! The steps of transformations: each file holds one, with its keys, its help and an example that runs as a test.

mod alike; // what merge and gather share
mod append;
mod check;
mod drop;
mod gather;
mod jsonata;
mod keep;
mod key;
mod lookup;
mod merge;
mod number;
mod remove;
mod set;
mod sort;
mod spread;
mod translate;

use super::World;
use super::expression::Failure;
use super::formula::{Around, Formula, Item, Kind, Once, Scope, Target};
use super::items;
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use serde_json::Value;
use std::fmt::Debug;

/// All steps, in the order of their names. A new one is its file and a line here.
pub static ALL: &[&dyn StepKind] = &[
    &append::Append,
    &check::Check,
    &drop::Drop,
    &gather::Gather,
    &jsonata::Jsonata,
    &keep::Keep,
    &key::Key,
    &lookup::Lookup,
    &merge::Merge,
    &number::Number,
    &remove::Remove,
    &set::Set,
    &sort::Sort,
    &spread::Spread,
    &translate::Translate,
];

/// The first number of a sequence, at most: room for all that are counted on.
const FROM_MAX: u64 = 1_000_000_000_000_000;

/// Digits that a number is padded to, at most.
const WIDTH_MAX: usize = 35;

/// One kind of step.
pub trait StepKind: Sync {
    /// The key that says which step it is.
    fn name(&self) -> &'static str;
    /// What it does, with its keys, for the manual.
    fn help(&self) -> &'static str;
    /// A step as YAML, an order before it and after it as JSON.
    fn example(&self) -> [&'static str; 3];
    /// Reads a step; `when` was read before.
    ///
    /// # Errors
    /// What is wrong, under which key.
    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong>;
}

/// A step that was read.
pub trait Step: Debug + Send + Sync {
    /// Changes the entity.
    ///
    /// # Errors
    /// Why it cannot.
    fn run(&self, entity: &mut Entity, world: &World<'_>, findings: &mut Vec<Diagnostic>) -> Result<Done, Failure>;
    /// The lookups that it asks for: table, column, column.
    fn lookups(&self) -> Vec<[String; 3]> {
        Vec::new()
    }
    /// The expression of another language that it runs.
    fn expression(&self) -> Option<&str> {
        None
    }
}

/// What a step cannot do lies in the document, where nobody says otherwise.
impl From<String> for Failure {
    fn from(sentence: String) -> Self {
        Failure::OfDocument(sentence)
    }
}

/// A step in its place.
#[derive(Debug)]
pub struct Placed {
    /// Its name.
    pub name: &'static str,
    /// The condition under which it is done.
    pub when: Option<Formula>,
    /// It.
    pub step: Box<dyn Step>,
}

/// Whether the next step follows.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// It does.
    On,
    /// The document goes no further, for this reason.
    Dropped(String),
}

/// What is wrong with a step: under which of its keys, and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// A key of the step, empty for the step itself.
    pub key: String,
    /// Expected and found.
    pub message: String,
}

/// The keys of a step, taken out one by one, so that those which are left are known to be wrong.
pub struct Keys<'d> {
    left: serde_json::Map<String, Value>,
    taken: Vec<String>,
    /// Where its formulas stand.
    pub scope: Scope<'d>,
}

/// Reads a step.
pub(super) fn read(step: &Value, scope: Scope<'_>) -> Result<Placed, Wrong> {
    let names: Vec<_> = ALL.iter().map(|kind| kind.name()).collect();
    let wrong = |message: String| Wrong { key: String::new(), message };
    let Some(object) = step.as_object() else { return Err(wrong(format!("expected one of {}", names.join(", ")))) };
    let found: Vec<_> = ALL.iter().filter(|kind| object.contains_key(kind.name())).collect();
    let kind = match found.as_slice() {
        [kind] => kind,
        // `set` and `key` name keys of other steps too.
        several if !several.is_empty() => several
            .iter()
            .find(|kind| object.keys().next().is_some_and(|first| first == kind.name()))
            .ok_or_else(|| wrong("expected the step's own key first".to_owned()))?,
        _ => {
            let first = object.keys().next().map_or("", String::as_str);
            return Err(wrong(format!("expected one of {}{}", names.join(", "), crate::near::hint(first, &names))));
        }
    };
    let mut keys = Keys { left: object.clone(), taken: Vec::new(), scope };
    let when = keys.formula("when")?;
    let step = kind.read(&mut keys)?;
    match keys.left.keys().next() {
        None => Ok(Placed { name: kind.name(), when, step }),
        Some(other) => {
            let hint = crate::near::hint(other, &keys.taken);
            Err(Wrong { key: other.clone(), message: format!("{} has no key {other}{hint}", kind.name()) })
        }
    }
}

impl<'d> Keys<'d> {
    fn take(&mut self, key: &str) -> Option<Value> {
        self.taken.push(key.to_owned());
        self.left.shift_remove(key)
    }

    fn wrong<T>(key: &str, message: String) -> Result<T, Wrong> {
        Err(Wrong { key: key.to_owned(), message })
    }

    /// A text.
    fn text(&mut self, key: &str) -> Result<Option<String>, Wrong> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Self::wrong(key, format!("expected a text, found {other}")),
        }
    }

    /// A text that must be there.
    fn must(&mut self, key: &str) -> Result<String, Wrong> {
        match self.text(key)?.filter(|text| !text.is_empty()) {
            Some(text) => Ok(text),
            None => Self::wrong(key, "expected a text, found nothing".to_owned()),
        }
    }

    /// A whole number.
    fn number(&mut self, key: &str) -> Result<Option<u64>, Wrong> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        text.parse().map(Some).or_else(|_| Self::wrong(key, format!("expected a whole number, found {text}")))
    }

    /// One of several words.
    fn word(&mut self, key: &str, words: &[&'static str]) -> Result<Option<&'static str>, Wrong> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => Self::wrong(key, format!("expected {}, found {text}", words.join(" or "))),
        }
    }

    /// A text, or several.
    fn texts(&mut self, key: &str) -> Result<Vec<String>, Wrong> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) => {
                let text = |item: &Value| match item.as_str() {
                    Some(text) => Ok(text.to_owned()),
                    None => Self::wrong(key, format!("expected texts, found {item}")),
                };
                items.iter().map(text).collect()
            }
            Some(other) => Self::wrong(key, format!("expected a list of texts, found {other}")),
        }
    }

    /// Names with what stands at them, in order.
    fn pairs(&mut self, key: &str) -> Result<Vec<(String, Value)>, Wrong> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Object(object)) if !object.is_empty() => Ok(object.into_iter().collect()),
            Some(other) => Self::wrong(key, format!("expected names with values, found {other}")),
        }
    }

    fn formula(&mut self, key: &str) -> Result<Option<Formula>, Wrong> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        Formula::read(&text, self.scope).map(Some).or_else(|message| Self::wrong(key, message))
    }

    fn formulas(&mut self, key: &str) -> Result<Vec<Formula>, Wrong> {
        let texts = self.texts(key)?;
        let read = |text: &String| Formula::read(text, self.scope).or_else(|message| Self::wrong(key, message));
        texts.iter().map(read).collect()
    }

    fn target(&self, key: &str, text: &str) -> Result<Target, Wrong> {
        Target::read(text, self.scope).or_else(|message| Self::wrong(key, message))
    }

    /// A field that may hold a number.
    fn numbered(&self, key: &str, text: &str) -> Result<Target, Wrong> {
        let target = self.target(key, text)?;
        match target.kind {
            Kind::Text | Kind::Number => Ok(target),
            kind => Self::wrong(key, format!("expected a text or a number, found {text}, which is {}", kind.words())),
        }
    }

    /// The first of numbers that are counted on.
    fn from(&mut self) -> Result<u64, Wrong> {
        match self.number("from")?.unwrap_or(1) {
            from if from <= FROM_MAX => Ok(from),
            from => Self::wrong("from", format!("expected at most {FROM_MAX}, found {from}")),
        }
    }

    /// How many digits a number has at least.
    fn width(&mut self) -> Result<usize, Wrong> {
        match self.number("width")?.map_or(Ok(0), usize::try_from) {
            Ok(width) if width <= WIDTH_MAX => Ok(width),
            _ => Self::wrong("width", format!("expected at most {WIDTH_MAX} digits")),
        }
    }

    /// Fields of `scope` with the formulas that they are set to, which stand in the scope at hand.
    fn settings(&mut self, key: &str, scope: Scope<'_>) -> Result<Vec<Setting>, Wrong> {
        let pairs = self.pairs(key)?;
        if pairs.is_empty() {
            return Self::wrong(key, "expected fields with formulas, found nothing".to_owned());
        }
        let read = |(name, value): &(String, Value)| {
            let wrong = |message: String| Wrong { key: format!("{key}.{name}"), message };
            let target = Target::read(name, scope).map_err(wrong)?;
            let text = value.as_str().ok_or_else(|| wrong(format!("expected a formula, found {value}")))?;
            let formula = Formula::read(text, self.scope).map_err(wrong)?;
            if !fits(formula.kind(), target.kind) {
                let (expected, found) = (target.kind.words(), formula.kind().words());
                let remedy = if formula.kind() == Kind::Number { "; text(…) writes a number as one" } else { "" };
                return Err(wrong(format!("{name} is {expected}, `{formula}` is {found}{remedy}")));
            }
            Ok(Setting { target, formula })
        };
        pairs.iter().map(read).collect()
    }

    /// `each` and `where`: the items that a step is done for.
    fn each(&mut self) -> Result<Each, Wrong> {
        let list = self.text("each")?;
        self.each_of(list, "each")
    }

    /// The same where another key names the list. The formulas that follow stand in its items.
    fn each_of(&mut self, list: Option<String>, key: &str) -> Result<Each, Wrong> {
        if let Some(list) = &list {
            self.enter(list, key)?;
        }
        Ok(Each { list, condition: self.formula("where")? })
    }

    /// The formulas that follow stand in the items of a list.
    fn enter(&mut self, list: &str, key: &str) -> Result<(), Wrong> {
        self.scope = self.scope.items(list).or_else(|message| Self::wrong(key, message))?;
        Ok(())
    }
}

/// A value of one kind may stand in a field of the other.
fn fits(value: Kind, field: Kind) -> bool {
    value == field || (value == Kind::Text && field == Kind::Day) || (value == Kind::Day && field == Kind::Text)
}

/// The items that a step is done for: all of a list for which a condition holds, or the document.
#[derive(Debug)]
struct Each {
    list: Option<String>,
    condition: Option<Formula>,
}

impl Each {
    /// Where the item of this index stands, for findings; empty for the document.
    fn place(&self, at: usize) -> String {
        self.list.as_ref().map_or_else(String::new, |list| format!("{list}[{}]", at + 1))
    }

    /// What `find` finds in each item that is meant, `None` for the others.
    fn look<T>(
        &self,
        entity: &Entity,
        today: &str,
        mut find: impl FnMut(&Around<'_>) -> Result<T, String>,
    ) -> Result<Vec<Option<T>>, String> {
        let (mut found, once) = (Vec::new(), Once::default());
        for item in items::items(&entity.fields, self.list.as_deref()) {
            let around = Around { item, document: &entity.fields, today, once: &once };
            let is_meant = self.condition.as_ref().map_or(Ok(true), |condition| condition.holds(&around))?;
            found.push(if is_meant { Some(find(&around)?) } else { None });
        }
        Ok(found)
    }

    /// Changes each item that is meant by what was found in it.
    fn change<T>(
        &self,
        entity: &mut Entity,
        found: Vec<Option<T>>,
        mut change: impl FnMut(&mut crate::entity::Map, T),
    ) {
        let items = items::items_mut(&mut entity.fields, self.list.as_deref());
        for (item, found) in items.into_iter().zip(found) {
            if let Some(found) = found {
                change(item, found);
            }
        }
    }
}

/// A field and what it is set to.
#[derive(Debug)]
struct Setting {
    target: Target,
    formula: Formula,
}

impl Setting {
    /// The value: a list takes all that there is, another field the first.
    fn value(&self, around: &Around<'_>) -> Result<Option<crate::entity::Value>, String> {
        let item = self.formula.run(around)?;
        Ok(if self.target.is_list { Item::Many(item.all()).value() } else { first(item) })
    }

    /// Sets the field, or takes it away where there is no value.
    fn set(&self, fields: &mut crate::entity::Map, value: Option<crate::entity::Value>) {
        match value {
            Some(value) => self.target.set(fields, value),
            None => self.target.remove(fields),
        }
    }
}

/// The values of settings.
fn values(settings: &[Setting], around: &Around<'_>) -> Result<Vec<Option<crate::entity::Value>>, String> {
    settings.iter().map(|setting| setting.value(around)).collect()
}

/// Sets all of them.
fn set_all(settings: &[Setting], fields: &mut crate::entity::Map, values: Vec<Option<crate::entity::Value>>) {
    settings.iter().zip(values).for_each(|(setting, value)| setting.set(fields, value));
}

/// The first of several, or the one.
fn first(item: Item) -> Option<crate::entity::Value> {
    item.all().into_iter().next().and_then(Item::value)
}

/// What formulas say of an item, each all that it gives: numbers that are equal are written alike.
fn key_of(formulas: &[Formula], around: &Around<'_>) -> Result<Vec<Vec<String>>, String> {
    let said = |formula: &Formula| -> Result<Vec<String>, String> {
        let text = |item: Item| match formula.kind() {
            Kind::Number => Ok(item.number()?.map(|number| number.normalize().to_string()).unwrap_or_default()),
            _ => Ok(item.to_string()),
        };
        let all = formula.run(around)?.all().into_iter().map(text).collect::<Result<Vec<_>, String>>()?;
        Ok(all.into_iter().filter(|text| !text.is_empty()).collect())
    };
    formulas.iter().map(said).collect()
}
