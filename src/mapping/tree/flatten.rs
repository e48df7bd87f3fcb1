//! From the nodes of a tree to the flat lists of an entity, with the ties that say what stood under what.

use super::{LINES, ORDERS, Occurrence, PACKAGES, Seat, Tree, shape};
use crate::entity::{Filling, Items, Key, Map, Value, View, is_plain_number, set};
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};

const ALLOCATIONS: &str = "allocations";
const QUANTITY: &str = "quantity";

/// Puts the nodes into the lists of `fields` and returns what each has become. Nodes of a level without a list are the
/// document's own; their fields are there already.
pub(in crate::mapping) fn flatten(tree: &Tree, nodes: Vec<Occurrence>, fields: &mut Map) -> Vec<Seat> {
    if !nodes.is_empty() {
        fields.insert("structure".into(), shape::of(tree, &nodes).into());
    }
    let seats = nodes.iter().map(|node| (node.level, 0, None)).collect();
    let mut work = Work {
        tree,
        nodes,
        seats,
        orders: Vec::new(),
        packages: Vec::new(),
        lines: Vec::new(),
        shared: HashMap::new(),
    };
    work.orders();
    work.packages();
    work.lines();
    work.contained();
    let mut filling = Filling::default();
    for (list, items) in [(ORDERS, work.orders), (PACKAGES, work.packages), (LINES, work.lines)] {
        let mut made = Items::new(&filling);
        items.into_iter().for_each(|item| item.end(&mut made, &mut filling));
        let made = made.end(&mut filling).filter(|_| tree.levels_of(list).next().is_some());
        made.into_iter().for_each(|made| drop(fields.insert(list.into(), made)));
    }
    work.seats
}

/// An item of a list: what was read of its node, and what the tree says of it. These are kept apart, so that what a stencil
/// laid need not be made fields.
#[derive(Default)]
struct Item {
    read: Map,
    ties: Map,
}

impl Item {
    /// A field.
    fn get(&self, field: &str) -> View<'_> {
        match View::from(&self.read).field(field) {
            View::Nothing => View::from(&self.ties).field(field),
            read => read,
        }
    }

    /// The part of it that has a field, else the one that gets it.
    fn part_of(&mut self, field: &str) -> &mut Map {
        if self.read.contains_key(field) { &mut self.read } else { &mut self.ties }
    }

    fn insert(&mut self, field: &'static str, value: Value) {
        self.part_of(field).insert(field.into(), value);
    }

    /// Adds it to its list.
    fn end(mut self, items: &mut Items, filling: &mut Filling) {
        let read = self.read.filled().filter(|_| !self.ties.is_empty());
        if read.is_some_and(|read| filling.longer(read, &self.ties)) {
            return items.push_filled();
        }
        self.read.extend(self.ties);
        items.push(self.read);
    }
}

struct Work<'t> {
    tree: &'t Tree,
    nodes: Vec<Occurrence>,
    seats: Vec<Seat>,
    orders: Vec<Item>,
    packages: Vec<Item>,
    lines: Vec<Item>,
    /// What a line says of its part and packages stand under it: it holds for each of them.
    shared: HashMap<usize, Map>,
}

impl Work<'_> {
    fn all(&self, list: &str) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&node| self.tree.is_in(self.nodes[node].level, list)).collect()
    }

    /// The nearest node above that is an item of a list.
    fn above(&self, node: usize, list: &str) -> Option<usize> {
        let mut at = self.nodes[node].parent;
        while let Some(parent) = at.filter(|&parent| parent < self.nodes.len()) {
            if self.tree.is_in(self.nodes[parent].level, list) {
                return Some(parent);
            }
            at = self.nodes[parent].parent;
        }
        None
    }

    fn take(&mut self, node: usize) -> Item {
        Item { read: std::mem::take(&mut self.nodes[node].fields), ties: Map::new() }
    }

    /// An order that stands under several packages is one; two orders of one number side by side get ids.
    fn orders(&mut self) {
        let mut known: HashMap<String, (usize, Vec<Option<usize>>)> = HashMap::new();
        for node in self.all(ORDERS) {
            let (order, parent) = (self.take(node), self.nodes[node].parent);
            let text = Value::Object(order.read.clone()).to_string();
            let item = match known.get_mut(&text) {
                Some((item, parents)) if !parents.contains(&parent) => {
                    parents.push(parent);
                    *item
                }
                _ => {
                    self.orders.push(order);
                    known.insert(text, (self.orders.len() - 1, vec![parent]));
                    self.orders.len() - 1
                }
            };
            self.seats[node].1 = item;
        }
        let mut seen: HashMap<String, u32> = HashMap::new();
        let number = |order: &Item| match order.get("number") {
            View::Nothing => String::new(),
            number => number.value().to_string(),
        };
        for order in &self.orders {
            *seen.entry(number(order)).or_default() += 1;
        }
        for (at, order) in self.orders.iter_mut().enumerate() {
            if seen.get(&number(order)).is_some_and(|count| *count > 1) {
                order.insert("id", (at + 1).to_string().into());
            }
        }
    }

    /// `{number, id}` of the order that a node is.
    fn order_tie(&self, node: usize) -> Map {
        let order = &self.orders[self.seats[node].1];
        let keys = ["number", "id"].into_iter().map(|key| (key, order.get(key)));
        keys.filter(|(_, view)| view.is_there()).map(|(key, view)| (key.into(), view.value())).collect()
    }

    fn packages(&mut self) {
        let mut holds = vec![false; self.nodes.len()];
        for line in self.all(LINES) {
            let mut at = self.nodes[line].parent;
            while let Some(parent) = at.filter(|&parent| !holds[parent]) {
                holds[parent] = true;
                at = self.nodes[parent].parent;
            }
        }
        for node in self.all(PACKAGES) {
            let mut package = self.take(node);
            package.insert("id", (self.packages.len() + 1).to_string().into());
            if let Some(kind) = &self.tree.levels[self.nodes[node].level].kind {
                package.insert("kind", kind.clone().into());
            }
            if let Some(parent) = self.above(node, PACKAGES) {
                package.insert("parent", self.package_id(parent));
            }
            // A package with lines is of their order; an empty one must say whose it is.
            let order = self.nodes[node].parent.filter(|&parent| self.tree.is_in(self.nodes[parent].level, ORDERS));
            if let Some(order) = order.filter(|_| !holds[node] && self.above(node, LINES).is_none()) {
                package.insert("order", Value::Object(self.order_tie(order)));
            }
            self.seats[node].1 = self.packages.len();
            self.packages.push(package);
        }
    }

    fn package_id(&self, node: usize) -> Value {
        self.packages[self.seats[node].1].get("id").value()
    }

    fn lines(&mut self) {
        let mut known: HashMap<String, Vec<usize>> = HashMap::new();
        let packed: HashSet<usize> =
            self.all(PACKAGES).into_iter().filter_map(|node| self.nodes[node].parent).collect();
        for node in self.all(LINES) {
            if packed.contains(&node) {
                let shared = std::mem::take(&mut self.nodes[node].allocation);
                self.shared.insert(node, shared);
            }
            let mut line = self.take(node);
            if let Some(order) = self.above(node, ORDERS) {
                for (key, value) in self.order_tie(order) {
                    set(line.part_of("order"), &format!("order.{key}"), value);
                }
            }
            let allocation = self.allocation(node, &line);
            let name = allocation.as_ref().and_then(|_| name(&line));
            let alike = name.as_ref().and_then(|name| known.get(name)).map_or(&[][..], Vec::as_slice);
            let known_line = alike.iter().copied().find(|&item| is_one(&self.lines[item], &line));
            let item = known_line.filter(|&item| add(&mut self.lines[item], &line)).unwrap_or(self.lines.len());
            if item == self.lines.len() {
                self.lines.push(line);
                name.into_iter().for_each(|name| known.entry(name).or_default().push(item));
            }
            self.seats[node].1 = item;
            self.seats[node].2 = allocation.map(|allocation| push(&mut self.lines[item], allocation));
        }
    }

    /// What the line has at this node; `None` when the node is the whole line and in no package.
    fn allocation(&mut self, node: usize, line: &Item) -> Option<Map> {
        let package = self.above(node, PACKAGES);
        let more = std::mem::take(&mut self.nodes[node].allocation);
        if package.is_none() && more.is_empty() {
            return None;
        }
        let mut allocation = Map::new();
        if let Some(package) = package {
            allocation.insert("package".into(), self.package_id(package));
        }
        let quantity = line.get(QUANTITY);
        if quantity.is_there() {
            allocation.insert(QUANTITY.into(), quantity.value());
        }
        allocation.extend(more);
        Some(allocation)
    }

    /// Packages that stand under a line are its allocations.
    fn contained(&mut self) {
        for node in self.all(PACKAGES) {
            let parent = self.nodes[node].parent;
            let Some(line) = parent.filter(|&parent| self.tree.is_in(self.nodes[parent].level, LINES)) else {
                continue;
            };
            let mut allocation = Map::new();
            allocation.insert("package".into(), self.package_id(node));
            allocation.extend(std::mem::take(&mut self.nodes[node].allocation));
            let shared = self.shared.get(&line).cloned().unwrap_or_default();
            let says_more = !shared.is_empty();
            allocation.extend(shared);
            let number = push(&mut self.lines[self.seats[line].1], allocation);
            self.seats[node].2 = Some(number);
            self.seats[line].2 = self.seats[line].2.or(says_more.then_some(number));
        }
    }
}

/// What a line that has a quantity is called; one that names nothing is equal to none.
fn name(line: &Item) -> Option<String> {
    let quantity = line.get(QUANTITY).field("value").text()?;
    let is_number = is_plain_number(quantity) || quantity.parse::<Decimal>().is_ok();
    let names = [line.get("number"), line.get("item").field("ids")].into_iter();
    let name = names.filter(|_| is_number).find(|name| name.is_there())?;
    Some(name.text().map_or_else(|| name.value().to_string(), str::to_owned))
}

/// Whether two nodes are one line in several packages: all but the quantity is equal. `line` has its allocations already.
fn is_one(line: &Item, other: &Item) -> bool {
    let said = |item: &Item| item.read.keys().chain(item.ties.keys()).filter(|key| **key != ALLOCATIONS).count();
    let is_same = |(key, value): (&Key, &Value)| match (line.get(key).value(), value) {
        (Value::Object(there), Value::Object(own)) if *key == QUANTITY => {
            let is_same = |(key, value): (&Key, &Value)| *key == "value" || there.get(key) == Some(value);
            there.len() == own.len() && own.iter().all(is_same)
        }
        (there, value) => there == *value,
    };
    said(line) == other.read.len() + other.ties.len() && other.read.iter().chain(&other.ties).all(is_same)
}

/// Adds the quantity of a further node to its line; `false` when that is no number.
fn add(line: &mut Item, more: &Item) -> bool {
    let number = |item: &Item| item.get(QUANTITY).field("value").text()?.parse::<Decimal>().ok();
    let Some(sum) = number(line).zip(number(more)).and_then(|(one, other)| one.checked_add(other)) else {
        return false;
    };
    set(line.part_of(QUANTITY), "quantity.value", sum.to_string().into());
    true
}

/// Appends to the line's allocations and returns the place in them.
fn push(line: &mut Item, allocation: Map) -> usize {
    let list = line.part_of(ALLOCATIONS).or_insert_with(&ALLOCATIONS.into(), || Value::Array(Vec::new()));
    let Value::Array(list) = list else { return 0 };
    list.push(Value::Object(allocation));
    list.len() - 1
}
