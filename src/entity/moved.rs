//! What became of each value of an entity when something was done to it that cannot say so itself, such as a step of a
//! transformation or a split. Items of lists are marked with where they stand, the same is done again to the marked
//! entity, and where each item went is read from the marks. What was done is never guessed: where marks would change what
//! it makes, fewer are put (only the outer lists, only the lines), and lists without marks are held against each other
//! item by item. It costs several runs, so that only `explain` asks for it.

use super::{Entity, Key, Map, Value};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The field of a marked item with the places it came from; no definition has such a name.
const MARK: &str = "\u{1}from";

/// The list that most of what is done is about.
const LINES: &str = "lines";

/// A value as it stands in what was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which of the entities made, from 0.
    pub part: usize,
    /// `lines[1].quantity.value`.
    pub path: String,
    /// The value.
    pub text: String,
}

/// What became of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedValue {
    /// Where it stood, and what it was; none where it was made.
    pub from: Option<(String, String)>,
    /// Where it stands, or what stands in its place; nowhere when it was dropped.
    pub to: Vec<Standing>,
}

/// What became of an entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Its values in their order, and behind them those that were made.
    pub values: Vec<MovedValue>,
    /// Its items of lists, each with where it stands: in which of the entities made, from 0, and its path.
    pub items: Vec<(String, Vec<(usize, String)>)>,
}

/// How much is marked, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marking {
    All,
    Outer,
    Lines,
    None,
}

impl Marking {
    /// Whether items of a list are marked; `depth` counts the lists around it.
    fn covers(self, depth: usize, list: &str) -> bool {
        match self {
            Marking::All => true,
            Marking::Outer => depth == 0,
            Marking::Lines => depth == 0 && list == LINES,
            Marking::None => false,
        }
    }
}

/// What became of the values of `before` in what was made of it. `again` does the same once more to the entity it is
/// given, and gives nothing where it cannot.
#[must_use]
pub fn moved(before: &Entity, after: &[Entity], again: &dyn Fn(Entity) -> Option<Vec<Entity>>) -> Moved {
    let mut places = HashMap::new();
    let mut walk = Walk::default();
    walk.leave(&before.fields, "", &mut places);
    for marking in [Marking::All, Marking::Outer, Marking::Lines] {
        let mut marked = before.clone();
        mark(&mut marked.fields, "", (marking, 0));
        let Some(made) = again(marked) else { continue };
        let is_same = made.len() == after.len() && made.iter().zip(after).all(|(made, after)| bare(made) == *after);
        if is_same {
            return walk.arrive(before, &made, &places, marking);
        }
    }
    walk.arrive(before, after, &places, Marking::None)
}

fn mark(fields: &mut Map, at: &str, (marking, depth): (Marking, usize)) {
    let names: Vec<Key> = fields.keys().cloned().collect();
    for name in names {
        let path = below(at, &name);
        let Some(value) = fields.get_mut(&name) else { continue };
        match value {
            Value::Object(inner) if code(inner).is_none() => mark(inner, &path, (marking, depth)),
            Value::Array(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    let Value::Object(inner) = item else { continue };
                    let place = format!("{path}[{}]", number + 1);
                    mark(inner, &place, (marking, depth + 1));
                    if marking.covers(depth, &name) {
                        inner.insert(Cow::Borrowed(MARK), Value::Array(vec![place.into()]));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The same without marks.
fn bare(entity: &Entity) -> Entity {
    let mut bare = entity.clone();
    strip(&mut bare.fields);
    bare
}

fn strip(fields: &mut Map) {
    fields.remove(MARK);
    let names: Vec<Key> = fields.keys().cloned().collect();
    for name in names {
        match fields.get_mut(&name) {
            Some(Value::Object(inner)) => strip(inner),
            Some(Value::Array(items)) => items.iter_mut().filter_map(Value::as_object_mut).for_each(strip),
            _ => {}
        }
    }
}

fn unmarked(item: &Value) -> Cow<'_, Value> {
    let mut own = item.clone();
    own.as_object_mut().into_iter().for_each(strip);
    Cow::Owned(own)
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// The words for an object that is one value: a code of a list that is not ours.
fn code(fields: &Map) -> Option<String> {
    let text = |name: &str| fields.get(name)?.as_str();
    (fields.len() == 2).then_some(())?;
    Some(format!("{} of {}", text("code")?, text("list")?))
}

/// The words for a value that has no others below it.
fn leaf(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => code(fields),
        Value::Array(_) => None,
        Value::String(text) => Some(text.to_string()),
        other => Some(other.to_string()),
    }
}

/// A value of the entity before, and where it stood.
type From<'b> = (String, &'b Value);

/// The items of the entity before by their places, how much is marked, and how many lists there are around.
type Around<'a, 'b> = (&'a HashMap<String, &'b Value>, Marking, usize);

#[derive(Default)]
struct Walk {
    moved: Moved,
    /// The places in `moved` of values and items by their paths.
    values: HashMap<String, usize>,
    items: HashMap<String, usize>,
    part: usize,
}

impl Walk {
    /// Notes all that stands in the entity before.
    fn leave<'b>(&mut self, fields: &'b Map, at: &str, places: &mut HashMap<String, &'b Value>) {
        for (name, value) in fields {
            self.leave_value(value, below(at, name), places);
        }
    }

    fn leave_value<'b>(&mut self, value: &'b Value, path: String, places: &mut HashMap<String, &'b Value>) {
        if let Some(text) = leaf(value) {
            self.values.insert(path.clone(), self.moved.values.len());
            self.moved.values.push(MovedValue { from: Some((path, text)), to: Vec::new() });
            return;
        }
        match value {
            Value::Object(fields) => self.leave(fields, &path, places),
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    let place = format!("{path}[{}]", number + 1);
                    if item.is_object() {
                        self.items.insert(place.clone(), self.moved.items.len());
                        self.moved.items.push((place.clone(), Vec::new()));
                        places.insert(place.clone(), item);
                    }
                    self.leave_value(item, place, places);
                }
            }
            _ => {}
        }
    }

    fn arrive(mut self, before: &Entity, made: &[Entity], places: &HashMap<String, &Value>, marking: Marking) -> Moved {
        let whole = Value::Object(before.fields.clone());
        for (part, entity) in made.iter().enumerate() {
            self.part = part;
            self.fields(&entity.fields, "", &[(String::new(), &whole)], (places, marking, 0));
        }
        self.moved
    }

    fn fields<'b>(&mut self, fields: &Map, here: &str, origins: &[From<'b>], around: Around<'_, 'b>) {
        for (name, value) in fields.iter().filter(|(name, _)| *name != MARK) {
            let inner = origins.iter().filter_map(|(at, origin)| Some((below(at, name), origin.get(name)?)));
            let inner: Vec<From<'b>> = inner.collect();
            let path = below(here, name);
            match value {
                Value::Array(items) => self.list(items, (name, &path), &inner, around),
                _ => self.value(value, &path, &inner, around),
            }
        }
    }

    fn value<'b>(&mut self, value: &Value, here: &str, origins: &[From<'b>], around: Around<'_, 'b>) {
        if let (None, Value::Object(fields)) = (leaf(value), value) {
            return self.fields(fields, here, origins, around);
        }
        let standing = Standing { part: self.part, path: here.to_owned(), text: leaf(value).unwrap_or_default() };
        let known: Vec<usize> = origins.iter().filter_map(|(at, _)| self.values.get(at).copied()).collect();
        if known.is_empty() {
            self.moved.values.push(MovedValue { from: None, to: vec![standing] });
            return;
        }
        known.into_iter().for_each(|at| self.moved.values[at].to.push(standing.clone()));
    }

    fn list<'b>(
        &mut self,
        items: &[Value],
        (name, here): (&str, &str),
        origins: &[From<'b>],
        (places, marking, depth): Around<'_, 'b>,
    ) {
        let mut taken = HashMap::<String, HashSet<usize>>::new();
        // Lists that nothing here is marked to have come from: what is equal in them was joined with what stands here.
        let marks = |item: &'_ Value| -> Vec<String> {
            let marks = item.get(MARK).and_then(Value::as_array).into_iter().flatten();
            marks.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let all: Vec<String> = items.iter().flat_map(marks).collect();
        let is_joined =
            |at: &str| !all.iter().any(|mark| mark.strip_prefix(at).is_some_and(|rest| rest.starts_with('[')));
        for (number, item) in items.iter().enumerate() {
            let place = format!("{here}[{}]", number + 1);
            let is_marked = marking.covers(depth, name) && item.is_object();
            let own = if is_marked { unmarked(item) } else { Cow::Borrowed(item) };
            let mut from: Vec<From<'b>> = Vec::new();
            if is_marked {
                from.extend(marks(item).into_iter().filter_map(|at| places.get(&at).map(|one| (at, *one))));
            }
            let is_held = !is_marked || !from.is_empty();
            for (at, origin) in origins.iter().filter(|(at, _)| is_held && (!is_marked || is_joined(at))) {
                let Some(list) = origin.as_array() else { continue };
                let counts = (!is_marked).then_some((number, items.len()));
                let found = like(list, &own, counts, taken.entry(at.clone()).or_default());
                from.extend(found.map(|(like, one)| (format!("{at}[{}]", like + 1), one)));
            }
            if item.is_object() {
                for at in from.iter().filter_map(|(at, _)| self.items.get(at)) {
                    self.moved.items[*at].1.push((self.part, place.clone()));
                }
            }
            self.value(item, &place, &from, (places, marking, depth + 1));
        }
    }
}

/// The item of a list that another was: the first equal one that is not `taken`; else, where it is told which it is of how
/// many, the one of its number in a list of as many.
fn like<'b>(
    list: &'b [Value],
    item: &Value,
    counts: Option<(usize, usize)>,
    taken: &mut HashSet<usize>,
) -> Option<(usize, &'b Value)> {
    let equal = list.iter().enumerate().find(|(at, one)| *one == item && !taken.contains(at));
    let found = equal.or_else(|| {
        let (number, count) = counts?;
        Some((number, list.get(number).filter(|_| list.len() == count)?))
    })?;
    taken.insert(found.0);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(lines: serde_json::Value) -> Entity {
        Entity::from_json(&json!({ "type": "order", "number": "1", "lines": lines })).expect("an order")
    }

    /// Where each value of `before` went, as `path text -> part path text`.
    fn told(before: &Entity, again: &dyn Fn(Entity) -> Option<Vec<Entity>>) -> Vec<String> {
        let after = again(before.clone()).expect("done");
        let standing = |one: &Standing| format!("{} {} {}", one.part, one.path, one.text);
        let words = |one: &MovedValue| {
            let from = one.from.as_ref().map_or_else(|| "made".to_owned(), |(path, text)| format!("{path} {text}"));
            format!("{from} -> {}", one.to.iter().map(standing).collect::<Vec<_>>().join(", "))
        };
        moved(before, &after, again).values.iter().map(words).collect()
    }

    #[test]
    fn items_are_followed_though_they_are_alike_and_change_places() {
        let before = order(
            json!([{ "number": "1", "quantity": { "value": "5" } }, { "number": "2", "quantity": { "value": "5" } }]),
        );
        let turned = |mut entity: Entity| {
            let lines = entity.fields.get_mut("lines")?.as_array_mut()?;
            lines.reverse();
            // What is left of them is the same for both.
            lines.iter_mut().filter_map(Value::as_object_mut).for_each(|line| drop(line.remove("number")));
            Some(vec![entity])
        };
        assert_eq!(
            told(&before, &turned),
            [
                "number 1 -> 0 number 1",
                "lines[1].number 1 -> ",
                "lines[1].quantity.value 5 -> 0 lines[2].quantity.value 5",
                "lines[2].number 2 -> ",
                "lines[2].quantity.value 5 -> 0 lines[1].quantity.value 5",
            ]
        );
    }

    #[test]
    fn what_would_see_the_marks_is_done_without_them() {
        let text = json!([{ "body": "a" }]);
        let before = order(json!([{ "number": "1", "texts": text }, { "number": "2", "texts": text }]));
        // Texts that say the same are one: with marks on them they would be two.
        let joined = |mut entity: Entity| {
            let lines = entity.fields.get_mut("lines")?.as_array_mut()?;
            let second = lines.pop()?;
            let first = lines.first_mut()?.as_object_mut()?;
            for (name, value) in second.as_object()? {
                match (first.get_mut(name), value) {
                    (Some(Value::Array(there)), Value::Array(more)) => {
                        let more: Vec<_> = more.iter().filter(|one| !there.contains(one)).cloned().collect();
                        there.extend(more);
                    }
                    _ => continue,
                }
            }
            Some(vec![entity])
        };
        assert_eq!(
            told(&before, &joined),
            [
                "number 1 -> 0 number 1",
                "lines[1].number 1 -> 0 lines[1].number 1",
                "lines[1].texts[1].body a -> 0 lines[1].texts[1].body a",
                "lines[2].number 2 -> 0 lines[1].number 1",
                "lines[2].texts[1].body a -> 0 lines[1].texts[1].body a",
            ]
        );
    }

    #[test]
    fn where_nothing_can_be_marked_items_are_held_against_each_other() {
        let before = order(json!([{ "number": "1" }, { "number": "2" }]));
        let kept = |mut entity: Entity| {
            let lines = entity.fields.get_mut("lines")?.as_array_mut()?;
            if lines.iter().any(|line| line.as_object().is_some_and(|line| line.len() > 1)) {
                return None;
            }
            lines.remove(0);
            lines.push(Value::from([("number", "3".into())]));
            lines.push(Value::from([("number", "4".into())]));
            Some(vec![entity])
        };
        assert_eq!(
            told(&before, &kept),
            [
                "number 1 -> 0 number 1",
                "lines[1].number 1 -> ",
                "lines[2].number 2 -> 0 lines[1].number 2",
                "made -> 0 lines[2].number 3",
                "made -> 0 lines[3].number 4",
            ]
        );
    }
}
