//! The way from an item or the document to fields: through objects by names, through lists to all of their items, or to
//! those that brackets choose.

use super::run::{Around, Item, run};
use super::{Kind, Node, Scope};
use crate::entity::{Field, FieldType, Key, Map, Value};

/// A way to fields.
#[derive(Debug, Clone)]
pub struct Path {
    /// It begins at the document, not at the item at hand.
    pub(super) is_from_document: bool,
    /// Names, outermost first.
    pub(super) steps: Vec<Step>,
}

/// One name, and which items of a list are meant.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub name: Key,
    pub choice: Option<Choice>,
    /// The field is a list.
    pub is_list: bool,
}

/// Which items of a list.
#[derive(Debug, Clone)]
pub(super) enum Choice {
    /// The one of this number, from 0.
    At(usize),
    /// Those for which it holds.
    Where(Box<Node>),
}

/// A value or the sentence that says why there is none.
pub(super) type Finding<T> = Result<T, String>;

/// A field by names with dots.
///
/// # Errors
/// The first name that is none, with the nearest there is.
pub(super) fn field<'d>(fields: &'d [Field], path: &str, of: &str) -> Finding<&'d Field> {
    let (mut known, mut of, mut found) = (fields, of, None);
    for name in path.split('.') {
        let next = known.iter().find(|field| field.name == name).ok_or_else(|| unknown(known, name, of))?;
        known = inner(next);
        (of, found) = (name, Some(next));
    }
    found.ok_or_else(|| "expected the name of a field".to_owned())
}

/// The fields of a field.
pub(super) fn inner(field: &Field) -> &[Field] {
    if let FieldType::Object(fields) = &field.kind { fields } else { &[] }
}

/// There is no such field.
pub(super) fn unknown(known: &[Field], name: &str, of: &str) -> String {
    if known.is_empty() {
        return format!("{of} has no fields, found {name}");
    }
    let names: Vec<_> = known.iter().map(|field| field.name.as_str()).collect();
    format!("no field {name} of {of}{}", crate::near::hint(name, &names))
}

impl Path {
    /// What stands there, in order.
    pub(super) fn find(&self, around: &Around<'_>) -> Finding<Item> {
        let from = if self.is_from_document { around.document } else { around.item };
        let mut found = Vec::new();
        follow(from, &self.steps, around, &mut found)?;
        Ok(Item::of_all(found, self.steps.iter().any(Step::is_several)))
    }
}

impl Step {
    /// It may lead to several values.
    fn is_several(&self) -> bool {
        self.is_list && !matches!(self.choice, Some(Choice::At(_)))
    }

    fn chooses(&self, at: usize, item: &Value, around: &Around<'_>) -> Finding<bool> {
        match (&self.choice, item) {
            (None, _) => Ok(true),
            (Some(Choice::At(number)), _) => Ok(*number == at),
            (Some(Choice::Where(node)), Value::Object(fields)) => {
                Ok(run(node, &Around { item: fields, ..*around })?.holds())
            }
            (Some(Choice::Where(_)), _) => Ok(false),
        }
    }
}

fn follow(fields: &Map, steps: &[Step], around: &Around<'_>, found: &mut Vec<Item>) -> Finding<()> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    let mut take = |value: &Value| match (rest, value) {
        ([], value) => {
            found.push(Item::of(value));
            Ok(())
        }
        (rest, Value::Object(inner)) => follow(inner, rest, around, found),
        _ => Ok(()),
    };
    match fields.get(&step.name) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                if step.chooses(at, item, around)? {
                    take(item)?;
                }
            }
            Ok(())
        }
        Some(value) => take(value),
    }
}

/// A field to set: a path from the item at hand. Where it goes through a list it says which item is meant,
/// `parties[role = 'buyer'].name`, and an item that is not there is made to be so.
#[derive(Debug, Clone)]
pub struct Target {
    /// As it was written.
    pub text: String,
    /// What the field holds.
    pub kind: Kind,
    /// The field is a list, so that it takes all that there is.
    pub is_list: bool,
    steps: Vec<(Key, Option<Made>)>,
}

/// What makes an item the one that is meant: fields with texts.
type Made = Vec<(Key, String)>;

impl Target {
    /// Reads a field to set.
    ///
    /// # Errors
    /// There is none, it begins at the document, or it does not say which item of a list is meant.
    pub fn read(text: &str, scope: Scope<'_>) -> Finding<Self> {
        Target::new(text, scope, false)
    }

    /// Reads a field to take away, which through a list means that of all its items.
    ///
    /// # Errors
    /// As [`Target::read`].
    pub fn read_all(text: &str, scope: Scope<'_>) -> Finding<Self> {
        Target::new(text, scope, true)
    }

    fn new(text: &str, scope: Scope<'_>, may_be_all: bool) -> Finding<Self> {
        let (path, kind) = super::read::path(text, scope)?;
        if path.is_from_document {
            return Err(format!(
                "expected a field of the item at hand, found {text}; leave out each to set the document's"
            ));
        }
        let last = path.steps.len() - 1;
        let mut steps = Vec::new();
        for (at, step) in path.steps.iter().enumerate() {
            let made = match &step.choice {
                Some(Choice::Where(node)) => Some(made(node).ok_or_else(|| {
                    format!("expected {}[field = 'text'], which a new item can be made by, found {text}", step.name)
                })?),
                Some(Choice::At(_)) => {
                    return Err(format!(
                        "expected {}[field = 'text'], for items have no number of their own",
                        step.name
                    ));
                }
                None if step.is_list && at < last && !may_be_all => {
                    return Err(format!("expected {}[field = 'text'], which says the item, found {text}", step.name));
                }
                None => None,
            };
            steps.push((step.name.clone(), made));
        }
        let end = &path.steps[last];
        Ok(Target { text: text.to_owned(), kind, is_list: end.is_list && end.choice.is_none(), steps })
    }

    /// Sets it.
    pub fn set(&self, fields: &mut Map, value: Value) {
        set(fields, &self.steps, value);
    }

    /// Takes it away; objects and lists that have nothing in them any more go with it.
    pub fn remove(&self, fields: &mut Map) {
        remove(fields, &self.steps);
    }
}

/// `scheme = 'gtin' and …` as the fields of a new item.
fn made(node: &Node) -> Option<Made> {
    match node {
        Node::And(one, other) => Some([made(one)?, made(other)?].concat()),
        Node::Compare { comparison: super::Comparison::Equal, one, other, .. } => match (&**one, &**other) {
            (Node::Path(path), Node::Text(text)) if !path.is_from_document => match path.steps.as_slice() {
                [step] if step.choice.is_none() => Some(vec![(step.name.clone(), text.clone())]),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn is_meant(item: &Value, made: &Made) -> bool {
    made.iter().all(|(name, text)| item[name.as_ref()] == text.as_str())
}

fn set(fields: &mut Map, steps: &[(Key, Option<Made>)], value: Value) {
    let Some(((name, made), rest)) = steps.split_first() else { return };
    let Some(made) = made else {
        if rest.is_empty() {
            fields.insert(name.clone(), value);
        } else if let Value::Object(inner) = fields.or_insert_with(name, || Value::Object(Map::new())) {
            set(inner, rest, value);
        }
        return;
    };
    let Some(items) = fields.or_insert_with(name, || Value::Array(Vec::new())).as_array_mut() else { return };
    let at = items.iter().position(|item| is_meant(item, made)).unwrap_or_else(|| {
        let fields = made.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str())));
        items.push(Value::Object(fields.collect()));
        items.len() - 1
    });
    match rest {
        [] => items[at] = value,
        rest => items[at].as_object_mut().into_iter().for_each(|inner| set(inner, rest, value.clone())),
    }
}

fn remove(fields: &mut Map, steps: &[(Key, Option<Made>)]) {
    let Some(((name, made), rest)) = steps.split_first() else { return };
    let Some(value) = fields.get_mut(name) else { return };
    let is_empty = match (value, made, rest) {
        (_, None, []) => true,
        (Value::Array(items), Some(made), []) => {
            items.retain(|item| !is_meant(item, made));
            items.is_empty()
        }
        (Value::Array(items), made, rest) => {
            let meant = items.iter_mut().filter(|item| made.as_ref().is_none_or(|made| is_meant(item, made)));
            meant.filter_map(Value::as_object_mut).for_each(|inner| remove(inner, rest));
            // What is left of an item but what its brackets say is nothing.
            let says_more = |inner: &Map| inner.keys().any(|key| made.iter().flatten().all(|(name, _)| name != key));
            let is_left = |item: &Value| made.as_ref().is_some_and(|made| !is_meant(item, made));
            items.retain(|item| item.as_object().is_none_or(says_more) || is_left(item));
            items.is_empty()
        }
        (Value::Object(inner), _, rest) => {
            remove(inner, rest);
            inner.is_empty()
        }
        _ => false,
    };
    if is_empty {
        fields.remove(name);
    }
}
