//! From the nodes of a tree to the flat lists of an entity, with the ties that say what stood under what.

use super::{LINES, ORDERS, Occurrence, PACKAGES, Seat, Tree, shape};
use crate::entity::{Key, Map, Value, get, is_plain_number, set};
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
    for (list, items) in [(ORDERS, work.orders), (PACKAGES, work.packages), (LINES, work.lines)] {
        if tree.levels_of(list).next().is_some() && !items.is_empty() {
            let items = items.into_iter().map(Value::Object).collect();
            fields.insert(list.into(), Value::Array(items));
        }
    }
    work.seats
}

struct Work<'t> {
    tree: &'t Tree,
    nodes: Vec<Occurrence>,
    seats: Vec<Seat>,
    orders: Vec<Map>,
    packages: Vec<Map>,
    lines: Vec<Map>,
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

    fn take(&mut self, node: usize) -> Map {
        std::mem::take(&mut self.nodes[node].fields)
    }

    /// An order that stands under several packages is one; two orders of one number side by side get ids.
    fn orders(&mut self) {
        let mut known: HashMap<String, (usize, Vec<Option<usize>>)> = HashMap::new();
        for node in self.all(ORDERS) {
            let (fields, parent) = (self.take(node), self.nodes[node].parent);
            let text = Value::Object(fields.clone()).to_string();
            let item = match known.get_mut(&text) {
                Some((item, parents)) if !parents.contains(&parent) => {
                    parents.push(parent);
                    *item
                }
                _ => {
                    self.orders.push(fields);
                    known.insert(text, (self.orders.len() - 1, vec![parent]));
                    self.orders.len() - 1
                }
            };
            self.seats[node].1 = item;
        }
        let mut seen: HashMap<String, u32> = HashMap::new();
        let number = |order: &Map| order.get("number").map(Value::to_string).unwrap_or_default();
        for order in &self.orders {
            *seen.entry(number(order)).or_default() += 1;
        }
        for (at, order) in self.orders.iter_mut().enumerate() {
            if seen.get(&number(order)).is_some_and(|count| *count > 1) {
                order.insert("id".into(), (at + 1).to_string().into());
            }
        }
    }

    /// `{number, id}` of the order that a node is.
    fn order_tie(&self, node: usize) -> Map {
        let order = &self.orders[self.seats[node].1];
        let keys = ["number", "id"].into_iter();
        keys.filter_map(|key| Some((key.into(), order.get(key)?.clone()))).collect()
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
            let mut fields = self.take(node);
            fields.insert("id".into(), (self.packages.len() + 1).to_string().into());
            if let Some(kind) = &self.tree.levels[self.nodes[node].level].kind {
                fields.insert("kind".into(), kind.clone().into());
            }
            if let Some(parent) = self.above(node, PACKAGES) {
                fields.insert("parent".into(), self.package_id(parent));
            }
            // A package with lines is of their order; an empty one must say whose it is.
            let order = self.nodes[node].parent.filter(|&parent| self.tree.is_in(self.nodes[parent].level, ORDERS));
            if let Some(order) = order.filter(|_| !holds[node] && self.above(node, LINES).is_none()) {
                fields.insert("order".into(), Value::Object(self.order_tie(order)));
            }
            self.seats[node].1 = self.packages.len();
            self.packages.push(fields);
        }
    }

    fn package_id(&self, node: usize) -> Value {
        self.packages[self.seats[node].1].get("id").cloned().unwrap_or_default()
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
            let mut fields = self.take(node);
            if let Some(order) = self.above(node, ORDERS) {
                for (key, value) in self.order_tie(order) {
                    set(&mut fields, &format!("order.{key}"), value);
                }
            }
            let allocation = self.allocation(node, &fields);
            let name = allocation.as_ref().and_then(|_| name(&fields));
            let alike = name.as_ref().and_then(|name| known.get(name)).map_or(&[][..], Vec::as_slice);
            let known_line = alike.iter().copied().find(|&item| is_one(&self.lines[item], &fields));
            let item = known_line.filter(|&item| add(&mut self.lines[item], &fields)).unwrap_or(self.lines.len());
            if item == self.lines.len() {
                self.lines.push(fields);
                name.into_iter().for_each(|name| known.entry(name).or_default().push(item));
            }
            self.seats[node].1 = item;
            self.seats[node].2 = allocation.map(|allocation| push(&mut self.lines[item], allocation));
        }
    }

    /// What the line has at this node; `None` when the node is the whole line and in no package.
    fn allocation(&mut self, node: usize, fields: &Map) -> Option<Map> {
        let package = self.above(node, PACKAGES);
        let more = std::mem::take(&mut self.nodes[node].allocation);
        if package.is_none() && more.is_empty() {
            return None;
        }
        let mut allocation = Map::new();
        if let Some(package) = package {
            allocation.insert("package".into(), self.package_id(package));
        }
        if let Some(quantity) = fields.get(QUANTITY) {
            allocation.insert(QUANTITY.into(), quantity.clone());
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
fn name(fields: &Map) -> Option<String> {
    let quantity = get(fields, "quantity.value")?.as_str()?;
    let is_number = is_plain_number(quantity) || quantity.parse::<Decimal>().is_ok();
    let name = get(fields, "number").or_else(|| get(fields, "item.ids")).filter(|_| is_number)?;
    Some(name.as_str().map_or_else(|| name.to_string(), str::to_owned))
}

/// Whether two nodes are one line in several packages: all but the quantity is equal. `line` has its allocations already.
fn is_one(line: &Map, other: &Map) -> bool {
    let said = |fields: &Map| fields.keys().filter(|key| **key != ALLOCATIONS).count();
    let is_same = |(key, value): (&Key, &Value)| match (line.get(key), value) {
        (Some(Value::Object(there)), Value::Object(own)) if *key == QUANTITY => {
            let is_same = |(key, value): (&Key, &Value)| *key == "value" || there.get(key) == Some(value);
            there.len() == own.len() && own.iter().all(is_same)
        }
        (there, value) => there == Some(value),
    };
    said(line) == other.len() && other.iter().all(is_same)
}

/// Adds the quantity of a further node to its line; `false` when that is no number.
fn add(line: &mut Map, more: &Map) -> bool {
    let number = |fields: &Map| get(fields, "quantity.value")?.as_str()?.parse::<Decimal>().ok();
    let Some(sum) = number(line).zip(number(more)).and_then(|(one, other)| one.checked_add(other)) else {
        return false;
    };
    set(line, "quantity.value", sum.to_string().into());
    true
}

/// Appends to the line's allocations and returns the place in them.
fn push(line: &mut Map, allocation: Map) -> usize {
    let list = line.or_insert_with(&ALLOCATIONS.into(), || Value::Array(Vec::new()));
    let Value::Array(list) = list else { return 0 };
    list.push(Value::Object(allocation));
    list.len() - 1
}
