//! Takes the text of a formula apart. Names are looked up in the definition at once, and kinds are held against each
//! other, so that what is wrong is told where it stands.
//!
//! From the loosest to the tightest: `or`, `and`, `not`, comparisons and `in`, `&` (texts one after the other), `+ -`,
//! `* /`. Texts stand between ' ', with '' for the sign itself.

use super::function::{self, Takes};
use super::path::{Choice, Finding, Path, Step, inner, unknown};
use super::run::exact;
use super::{Comparison, Kind, Node, Operator, Scope};
use crate::entity::{Field, key};
use rust_decimal::Decimal;
use std::fmt;

/// Bytes of a formula, at most.
pub const FORMULA_BYTES_MAX: usize = 4096;

/// Brackets and signs inside each other, at most.
const DEPTH_MAX: usize = 32;

/// Reads a formula and says what it gives.
pub(super) fn formula(text: &str, scope: Scope<'_>) -> Finding<(Node, Kind)> {
    let mut reader = Reader::new(text, scope)?;
    let mut found = reader.whole()?;
    reader.end()?;
    if found.of == Of::Document {
        found.once();
    }
    Ok((found.node, found.kind))
}

/// Reads a path alone, and says what stands there.
pub(super) fn path(text: &str, scope: Scope<'_>) -> Finding<(Path, Kind)> {
    let mut reader = Reader::new(text, scope)?;
    let Token::Word(first) = reader.next() else { return Err(format!("expected the name of a field, found {text}")) };
    let (path, kind) = reader.path(first)?;
    reader.end()?;
    Ok((path, kind))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'t> {
    Word(&'t str),
    Number(&'t str),
    Text(&'t str),
    Sign(&'t str),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(text) | Token::Number(text) | Token::Sign(text) => f.write_str(text),
            Token::Text(text) => write!(f, "'{text}'"),
            Token::End => f.write_str("the end"),
        }
    }
}

/// A part that was read: how it is computed, what it gives, and how it was written.
struct Part<'t> {
    node: Node,
    kind: Kind,
    text: &'t str,
    of: Of,
}

/// What a part looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    /// Nothing: it is written there.
    Nothing,
    /// The document.
    Document,
    /// The item at hand.
    Item,
}

/// What parts look at together. Where that is the item, those of the document alone are computed once for all items.
fn together<'p, 't: 'p>(parts: impl IntoIterator<Item = &'p mut Part<'t>>) -> Of {
    let parts: Vec<&mut Part<'t>> = parts.into_iter().collect();
    let of = parts.iter().map(|part| part.of).max().unwrap_or(Of::Nothing);
    for part in parts.into_iter().filter(|part| of == Of::Item && part.of == Of::Document) {
        part.once();
    }
    of
}

impl Part<'_> {
    fn once(&mut self) {
        let node = std::mem::replace(&mut self.node, Node::Flag(false));
        self.node = Node::Once(Box::new(node));
    }

    fn must(&self, kind: Kind) -> Finding<()> {
        let (expected, found) = (kind.words(), self.kind.words());
        let remedy = if kind == Kind::Number && self.kind == Kind::Text { "; number(…) reads one" } else { "" };
        let text = self.text;
        if self.kind == kind {
            Ok(())
        } else {
            Err(format!("expected {expected}, found {text}, which is {found}{remedy}"))
        }
    }

    /// Fields count as conditions too: whether they are there.
    fn must_be_condition(&self) -> Finding<()> {
        match (&self.node, self.kind) {
            (_, Kind::Flag) | (Node::Path(_), _) => Ok(()),
            (_, kind) => Err(format!("expected a condition, found {}, which is {}", self.text, kind.words())),
        }
    }
}

struct Reader<'t, 'd> {
    text: &'t str,
    /// Where the next token begins, after blanks or before.
    at: usize,
    depth: usize,
    scope: Scope<'d>,
}

impl<'t, 'd> Reader<'t, 'd> {
    fn new(text: &'t str, scope: Scope<'d>) -> Finding<Self> {
        if text.len() > FORMULA_BYTES_MAX {
            return Err(format!("expected a formula not longer than {FORMULA_BYTES_MAX} bytes, found {}", text.len()));
        }
        let reader = Reader { text, at: 0, depth: 0, scope };
        let mut ahead = Reader { ..reader };
        loop {
            match ahead.token()? {
                (Token::End, _) => return Ok(reader),
                (_, next) => ahead.at = next,
            }
        }
    }

    /// The next token, and where it ends.
    fn token(&self) -> Finding<(Token<'t>, usize)> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        let rest = &self.text[start..];
        let run = |is_part: &dyn Fn(char) -> bool| rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let Some(first) = rest.chars().next() else { return Ok((Token::End, start)) };
        if first == '\'' {
            let mut end = 1;
            loop {
                let Some(quote) = rest[end..].find('\'') else {
                    return Err(format!("a text that begins and does not end: {rest}"));
                };
                end += quote + 1;
                if !rest[end..].starts_with('\'') {
                    return Ok((Token::Text(&rest[1..end - 1]), start + end));
                }
                end += 1;
            }
        }
        if first.is_ascii_digit() {
            let end = run(&|c| c.is_ascii_digit() || c == '.');
            return Ok((Token::Number(&rest[..end]), start + end));
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let end = run(&|c| c.is_ascii_alphanumeric() || c == '_');
            return Ok((Token::Word(&rest[..end]), start + end));
        }
        let two = ["!=", "<=", ">=", "$."].into_iter().find(|sign| rest.starts_with(sign));
        let one = || "()[],.=<>+-*/&$".contains(first).then(|| &rest[..1]);
        match two.map(|sign| &rest[..sign.len()]).or_else(one) {
            Some(sign) => Ok((Token::Sign(sign), start + sign.len())),
            None => Err(format!("expected a name, a number, a 'text' or a sign, found {first}")),
        }
    }

    fn peek(&self) -> Token<'t> {
        self.token().map_or(Token::End, |(token, _)| token)
    }

    fn next(&mut self) -> Token<'t> {
        let (token, end) = self.token().unwrap_or((Token::End, self.text.len()));
        self.at = end;
        token
    }

    fn skip(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Sign(found) | Token::Word(found) if found == sign);
        if is_next {
            self.next();
        }
        is_next
    }

    fn must(&mut self, sign: &str) -> Finding<()> {
        if self.skip(sign) { Ok(()) } else { Err(format!("expected {sign}, found {}", self.peek())) }
    }

    fn end(&self) -> Finding<()> {
        match self.peek() {
            Token::End => Ok(()),
            other => Err(format!("expected the end, found {other}")),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Finding<T>) -> Finding<T> {
        if self.depth == DEPTH_MAX {
            return Err(format!("expected nothing deeper than {DEPTH_MAX} brackets and signs"));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn since(&self, start: usize) -> &'t str {
        self.text[start..self.at].trim()
    }

    fn whole(&mut self) -> Finding<Part<'t>> {
        self.deeper(Self::either)
    }

    fn either(&mut self) -> Finding<Part<'t>> {
        self.conditions("or", Self::both, Node::Or)
    }

    fn both(&mut self) -> Finding<Part<'t>> {
        self.conditions("and", Self::negated, Node::And)
    }

    fn conditions(
        &mut self,
        word: &str,
        read: impl Fn(&mut Self) -> Finding<Part<'t>>,
        make: impl Fn(Box<Node>, Box<Node>) -> Node,
    ) -> Finding<Part<'t>> {
        let start = self.at;
        let mut found = read(self)?;
        while self.skip(word) {
            found.must_be_condition()?;
            let mut other = read(self)?;
            other.must_be_condition()?;
            let of = together([&mut found, &mut other]);
            let node = make(Box::new(found.node), Box::new(other.node));
            found = Part { node, kind: Kind::Flag, text: self.since(start), of };
        }
        Ok(found)
    }

    fn negated(&mut self) -> Finding<Part<'t>> {
        let start = self.at;
        if !self.skip("not") {
            return self.compared();
        }
        let inner = self.deeper(Self::negated)?;
        inner.must_be_condition()?;
        let node = Node::Not(Box::new(inner.node));
        Ok(Part { node, kind: Kind::Flag, text: self.since(start), of: inner.of })
    }

    fn compared(&mut self) -> Finding<Part<'t>> {
        let start = self.at;
        let mut one = self.joined()?;
        if self.skip("in") {
            self.must("(")?;
            let first = self.joined()?;
            let kind = comparable(&one, &first)?;
            let mut several = vec![first];
            while self.skip(",") {
                let other = self.joined()?;
                comparable(&one, &other)?;
                several.push(other);
            }
            self.must(")")?;
            let of = together(several.iter_mut().chain([&mut one]));
            let several = several.into_iter().map(|part| part.node).collect();
            let node = Node::In { kind, one: Box::new(one.node), several };
            return Ok(Part { node, kind: Kind::Flag, text: self.since(start), of });
        }
        let comparison = match self.peek() {
            Token::Sign("=") => Comparison::Equal,
            Token::Sign("!=") => Comparison::Unequal,
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::AtMost,
            Token::Sign(">") => Comparison::More,
            Token::Sign(">=") => Comparison::AtLeast,
            _ => return Ok(one),
        };
        self.next();
        let mut other = self.joined()?;
        let kind = comparable(&one, &other)?;
        let of = together([&mut one, &mut other]);
        let (one, other) = (Box::new(one.node), Box::new(other.node));
        Ok(Part { node: Node::Compare { comparison, kind, one, other }, kind: Kind::Flag, text: self.since(start), of })
    }

    fn joined(&mut self) -> Finding<Part<'t>> {
        let start = self.at;
        let mut found = self.added()?;
        while self.skip("&") {
            let mut other = self.added()?;
            let of = together([&mut found, &mut other]);
            let node = Node::Join(Box::new(found.node), Box::new(other.node));
            found = Part { node, kind: Kind::Text, text: self.since(start), of };
        }
        Ok(found)
    }

    fn added(&mut self) -> Finding<Part<'t>> {
        self.computed(&[("+", Operator::Plus), ("-", Operator::Minus)], Self::multiplied)
    }

    fn multiplied(&mut self) -> Finding<Part<'t>> {
        self.computed(&[("*", Operator::Times), ("/", Operator::Over)], Self::value)
    }

    fn computed(
        &mut self,
        signs: &[(&str, Operator)],
        read: impl Fn(&mut Self) -> Finding<Part<'t>>,
    ) -> Finding<Part<'t>> {
        let start = self.at;
        let mut found = read(self)?;
        while let Some((_, operator)) = signs.iter().find(|(sign, _)| self.skip(sign)) {
            found.must(Kind::Number)?;
            let mut other = read(self)?;
            other.must(Kind::Number)?;
            let of = together([&mut found, &mut other]);
            let node = Node::Compute(*operator, Box::new(found.node), Box::new(other.node));
            found = Part { node, kind: Kind::Number, text: self.since(start), of };
        }
        Ok(found)
    }

    fn value(&mut self) -> Finding<Part<'t>> {
        let start = self.at;
        let (node, kind, of) = match self.next() {
            Token::Text(text) => (Node::Text(text.replace("''", "'")), Kind::Text, Of::Nothing),
            Token::Number(text) => (Node::Number(exact(text)?), Kind::Number, Of::Nothing),
            Token::Word(word @ ("true" | "false")) => (Node::Flag(word == "true"), Kind::Flag, Of::Nothing),
            Token::Word(word) if self.peek() == Token::Sign("(") => self.call(word)?,
            Token::Word(word) => {
                let (path, kind) = self.path(word)?;
                (Node::Path(path), kind, Of::Item)
            }
            Token::Sign("$.") => {
                let Token::Word(word) = self.next() else { return Err(NO_FIELD.to_owned()) };
                let here = self.scope;
                self.scope = Scope { fields: here.document, ..here };
                let found = self.path(word);
                self.scope = here;
                let (path, kind) = found?;
                (Node::Path(Path { is_from_document: true, ..path }), kind, Of::Document)
            }
            Token::Sign("$") => return Err(NO_FIELD.to_owned()),
            Token::Sign("(") => {
                let inner = self.whole()?;
                self.must(")")?;
                (inner.node, inner.kind, inner.of)
            }
            Token::Sign("-") => {
                let inner = self.deeper(Self::value)?;
                inner.must(Kind::Number)?;
                let zero = Box::new(Node::Number(Decimal::ZERO));
                (Node::Compute(Operator::Minus, zero, Box::new(inner.node)), Kind::Number, inner.of)
            }
            other => return Err(format!("expected a value, found {other}")),
        };
        Ok(Part { node, kind, text: self.since(start), of })
    }

    fn call(&mut self, name: &str) -> Finding<(Node, Kind, Of)> {
        let function = function::find(name)
            .ok_or_else(|| format!("no function {name}{}", crate::near::hint(name, &function::names())))?;
        self.must("(")?;
        let mut parts = Vec::new();
        while !self.skip(")") {
            if !parts.is_empty() {
                self.must(",")?;
            }
            parts.push(self.whole()?);
        }
        let takes = function.takes;
        if takes.len() != parts.len() {
            let s = if takes.len() == 1 { "" } else { "s" };
            return Err(format!("{name} takes {} value{s}, found {}", takes.len(), parts.len()));
        }
        let (mut kind, mut given) = (function.gives, None);
        for (takes, part) in takes.iter().zip(&parts) {
            match takes {
                Takes::Number => part.must(Kind::Number)?,
                Takes::Condition => part.must_be_condition()?,
                Takes::Day => part.must(Kind::Day)?,
                Takes::Text | Takes::Any => {}
                // What comes out is of the kind that goes in.
                Takes::Given => {
                    let first = *given.get_or_insert(part);
                    same_kind(first, part)?;
                    kind = Some(first.kind);
                }
            }
        }
        let of = together(&mut parts);
        let values = parts.into_iter().map(|part| part.node).collect();
        Ok((Node::Call(function, values), kind.unwrap_or(Kind::Text), of))
    }

    /// A path whose first name was read.
    fn path(&mut self, first: &'t str) -> Finding<(Path, Kind)> {
        let (scope, mut of) = (self.scope, self.scope.name);
        let (mut known, mut name, mut steps) = (scope.fields, first, Vec::new());
        loop {
            let field = known.iter().find(|field| field.name == name).ok_or_else(|| {
                let is_document = steps.is_empty() && scope.document.iter().any(|field| field.name == name);
                let hint = if is_document { format!("; $.{name} is the document's") } else { String::new() };
                unknown(known, name, of) + &hint
            })?;
            let choice = self.choice(field)?;
            steps.push(Step { name: key(name), choice, is_list: field.is_list });
            if !self.skip(".") {
                return Ok((Path { is_from_document: false, steps }, Kind::of(field)));
            }
            (known, of) = (inner(field), name);
            if known.is_empty() {
                return Err(format!("{name} is {} and has no fields", Kind::of(field).words()));
            }
            let Token::Word(next) = self.next() else { return Err(format!("expected the name of a field of {of}")) };
            name = next;
        }
    }

    /// What stands in brackets behind the name of a list.
    fn choice(&mut self, field: &'d Field) -> Finding<Option<Choice>> {
        if !self.skip("[") {
            return Ok(None);
        }
        let name = field.name.as_str();
        if !field.is_list {
            return Err(format!("{name} is no list, so that [ ] cannot choose of it"));
        }
        let here = self.scope;
        self.scope = Scope { fields: inner(field), name: &field.name, ..here };
        let found = self.whole();
        self.scope = here;
        let found = found?;
        self.must("]")?;
        Ok(Some(match found.node {
            Node::Number(number) => {
                let number = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
                Choice::At(number.ok_or("items are counted from 1")?)
            }
            node if found.kind == Kind::Flag => Choice::Where(Box::new(node)),
            _ => {
                let (text, kind) = (found.text, found.kind.words());
                return Err(format!("expected a condition or a number from 1 in [ ], found {text}, which is {kind}"));
            }
        }))
    }
}

const NO_FIELD: &str = "expected $. and the name of a field";

/// Values of which one is chosen are of one kind; days are texts of a form of their own.
fn same_kind(one: &Part<'_>, other: &Part<'_>) -> Finding<()> {
    let is_text = |kind: Kind| matches!(kind, Kind::Text | Kind::Day);
    if one.kind == other.kind || (is_text(one.kind) && is_text(other.kind)) {
        return Ok(());
    }
    let (one, other) = ((one.text, one.kind.words()), (other.text, other.kind.words()));
    Err(format!("expected values of one kind; {} is {}, {} is {}", one.0, one.1, other.0, other.1))
}

/// As what two values are compared.
fn comparable(one: &Part<'_>, other: &Part<'_>) -> Finding<Kind> {
    let kind = match (one.kind, other.kind) {
        (one, other) if one == other => Some(one),
        // Days are texts of a form of their own.
        (Kind::Day, Kind::Text) | (Kind::Text, Kind::Day) => Some(Kind::Day),
        _ => None,
    };
    kind.filter(|kind| *kind != Kind::Object).ok_or_else(|| {
        let hint = match (&one.node, &other.node) {
            (Node::Number(_), _) if other.kind == Kind::Text => format!("; a text is written '{}'", one.text),
            (_, Node::Number(_)) if one.kind == Kind::Text => format!("; a text is written '{}'", other.text),
            _ => String::new(),
        };
        let (one, other) = ((one.text, one.kind.words()), (other.text, other.kind.words()));
        format!("expected two values that can be compared; {} is {}, {} is {}{hint}", one.0, one.1, other.0, other.1)
    })
}
