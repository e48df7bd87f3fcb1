//! From the flat lists of an entity to the nodes of a tree, in the order in which they are written.

use super::{LINES, ORDERS, Occurrence, PACKAGES, Seat, Tree, shape};
use crate::entity::Entity;
use crate::entity::{Map, Value};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// The nodes, each after the one above it, with what each is in the entity. Orders that only lines name get a node.
pub(in crate::mapping) fn plan(tree: &Tree, entity: &Entity) -> Vec<(Occurrence, Seat)> {
    let mut planner = Planner::new(tree, entity);
    planner.lines();
    planner.rest();
    planner.emit()
}

/// A node being planned.
struct Node {
    seat: Seat,
    parent: Option<usize>,
    children: Vec<usize>,
    /// The first line and the first package at or below it.
    first: [Option<usize>; 2],
}

struct Planner<'e> {
    tree: &'e Tree,
    orders: Vec<Map>,
    packages: Vec<&'e Map>,
    lines: Vec<&'e Map>,
    /// The packages around each package, outermost first, itself last.
    chains: Vec<Vec<usize>>,
    /// The level of each package.
    levels: Vec<usize>,
    ranks: Vec<usize>,
    has_root: bool,
    /// The only order, for lines of a shape that had no place to say theirs.
    only_order: Option<usize>,
    nodes: Vec<Node>,
    known: HashMap<(Option<usize>, Seat), usize>,
    planned: HashSet<(&'static str, usize)>,
}

fn objects<'e>(entity: &'e Entity, list: &str) -> Vec<&'e Map> {
    entity.list(list).iter().filter_map(Value::as_object).collect()
}

fn text<'v>(fields: &'v Map, key: &str) -> Option<&'v str> {
    fields.get(key)?.as_str()
}

/// The allocations of a line; one without any is in one piece.
fn allocations(line: &Map) -> Vec<Option<&Map>> {
    let list = line.get("allocations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let found: Vec<_> = list.iter().map(Value::as_object).filter(Option::is_some).collect();
    if found.is_empty() { vec![None] } else { found }
}

/// The item that a tie `{number, id}` means.
fn tied(orders: &[Map], tie: Option<&Value>) -> Option<usize> {
    let tie = tie?.as_object()?;
    let by_id = text(tie, "id").and_then(|id| orders.iter().position(|order| text(order, "id") == Some(id)));
    let by_number = || orders.iter().position(|order| text(order, "number") == text(tie, "number"));
    by_id.or_else(by_number)
}

impl<'e> Planner<'e> {
    fn new(tree: &'e Tree, entity: &'e Entity) -> Self {
        let (packages, lines) = (objects(entity, PACKAGES), objects(entity, LINES));
        let orders = match tree.levels_of(ORDERS).next() {
            Some(_) => all_orders(entity, &packages, &lines),
            None => Vec::new(),
        };
        let chains = chains(&packages);
        let levels = package_levels(tree, &packages, &chains);
        let mut planner = Planner {
            tree,
            orders,
            packages,
            lines,
            chains,
            levels,
            ranks: Vec::new(),
            has_root: true,
            only_order: None,
            nodes: Vec::new(),
            known: HashMap::new(),
            planned: HashSet::new(),
        };
        let shape = entity.text("structure").unwrap_or_default();
        planner.ranks = shape::ranks(tree, shape, planner.is_mixed());
        planner.has_root = planner.needs_root(shape);
        let says_orders =
            planner.tree.levels_of(ORDERS).any(|at| shape.split('-').any(|code| code == tree.levels[at].code));
        planner.only_order = (planner.orders.len() == 1 && !says_orders).then_some(0);
        planner
    }

    /// Whether some package holds lines of several orders.
    fn is_mixed(&self) -> bool {
        let mut order_in: HashMap<&str, Option<usize>> = HashMap::new();
        self.lines.iter().any(|line| {
            let order = tied(&self.orders, line.get("order"));
            let packages = allocations(line).into_iter().flatten().filter_map(|one| text(one, "package"));
            packages.into_iter().any(|package| *order_in.entry(package).or_insert(order) != order)
        })
    }

    /// A tree with a level code has its top always; numbered packages may do without when no line stands outside.
    fn needs_root(&self, shape: &str) -> bool {
        let has_no_top = !shape.is_empty() && !shape.split('-').any(|code| self.tree.levels[0].code == code);
        let is_loose =
            |line: &&Map| allocations(line).into_iter().any(|one| one.is_none_or(|one| text(one, "package").is_none()));
        self.tree.level.is_some() || !has_no_top || self.packages.is_empty() || self.lines.iter().any(is_loose)
    }

    fn level(&self, list: &str) -> usize {
        self.tree.levels_of(list).next().unwrap_or_default()
    }

    fn lines(&mut self) {
        let ids: HashMap<String, usize> =
            self.packages.iter().enumerate().filter_map(|(at, one)| Some((text(one, "id")?.to_owned(), at))).collect();
        for (item, &line) in self.lines.clone().iter().enumerate() {
            let order = tied(&self.orders, line.get("order")).or(self.only_order);
            for (number, allocation) in allocations(line).into_iter().enumerate() {
                let package = allocation.and_then(|one| ids.get(text(one, "package")?).copied());
                let number = allocation.map(|_| number);
                let path = self.path(order, package, Some((item, number)));
                self.insert(&path);
            }
        }
    }

    /// Packages and orders in which no line stands.
    fn rest(&mut self) {
        for item in 0..self.packages.len() {
            if !self.planned.contains(&(PACKAGES, item)) {
                let path = self.around(item).unwrap_or_else(|| {
                    let order = self.order_of(item).or(self.only_order);
                    self.path(order, Some(item), None)
                });
                self.insert(&path);
            }
        }
        for item in 0..self.orders.len() {
            if !self.planned.contains(&(ORDERS, item)) {
                let path = self.path(Some(item), None, None);
                self.insert(&path);
            }
        }
        if self.nodes.is_empty() {
            let path = self.path(None, None, None);
            self.insert(&path);
        }
    }

    /// The path to a package that names no order, through the node of the package around it where that is planned.
    fn around(&self, item: usize) -> Option<Vec<Seat>> {
        let chain = &self.chains[item];
        let parent = chain.len().checked_sub(2).map(|at| chain[at])?;
        if self.packages[item].contains_key("order") {
            return None;
        }
        let is_parent = |node: &&Node| self.tree.is_in(node.seat.0, PACKAGES) && node.seat.1 == parent;
        let found = self.nodes.iter().find(is_parent)?;
        let (mut path, mut above) = (vec![found.seat, (self.levels[item], item, None)], found.parent);
        while let Some(node) = above {
            path.insert(0, self.nodes[node].seat);
            above = self.nodes[node].parent;
        }
        Some(path)
    }

    /// The order of a package without lines: its own, or that of one around it.
    fn order_of(&self, item: usize) -> Option<usize> {
        self.chains[item].iter().rev().find_map(|&one| tied(&self.orders, self.packages[one].get("order")))
    }

    /// Seats from the top down to a line or package, by the ranks of the levels.
    fn path(&self, order: Option<usize>, package: Option<usize>, line: Option<(usize, Option<usize>)>) -> Vec<Seat> {
        let chain = package.map_or(&[][..], |package| &self.chains[package]);
        let mut path: Vec<Seat> = chain.iter().map(|&item| (self.levels[item], item, None)).collect();
        let (orders, lines) = (self.level(ORDERS), self.level(LINES));
        if let Some((item, allocation)) = line {
            let is_inside = self.tree.levels[lines].each.is_some();
            let is_above = path.first().is_some_and(|seat| self.ranks[lines] < self.ranks[seat.0]) && !is_inside;
            if is_above {
                path.iter_mut().last().into_iter().for_each(|last| last.2 = allocation);
                path.insert(0, (lines, item, allocation.and_then(|number| self.fellow(item, number))));
            } else {
                path.push((lines, item, allocation));
            }
        }
        if let Some(item) = order {
            let at = path.iter().position(|seat| self.ranks[orders] < self.ranks[seat.0]).unwrap_or(path.len());
            path.insert(at, (orders, item, None));
        }
        if self.has_root {
            path.insert(0, (0, 0, None));
        }
        path
    }

    /// The first allocation of a line that says the same of lot, expiry and serials; `None` when this one says nothing.
    fn fellow(&self, item: usize, number: usize) -> Option<usize> {
        let rest = |one: &Option<&Map>| one.map(part).unwrap_or_default();
        let all = allocations(self.lines[item]);
        let own = all.get(number).map(rest).filter(|own| !own.is_empty())?;
        all.iter().position(|one| rest(one) == own)
    }

    fn insert(&mut self, path: &[Seat]) {
        let line = path.iter().find(|seat| self.tree.is_in(seat.0, LINES)).map(|seat| seat.1);
        let package = path.iter().filter(|seat| self.tree.is_in(seat.0, PACKAGES)).map(|seat| seat.1).min();
        let mut parent = None;
        for &seat in path {
            let node = *self.known.entry((parent, seat)).or_insert_with(|| {
                self.nodes.push(Node { seat, parent, children: Vec::new(), first: [line, package] });
                let node = self.nodes.len() - 1;
                if let Some(parent) = parent {
                    self.nodes[parent].children.push(node);
                }
                node
            });
            for (there, new) in self.nodes[node].first.iter_mut().zip([line, package]) {
                *there = [*there, new].into_iter().flatten().min();
            }
            let lists = [ORDERS, PACKAGES, LINES];
            self.planned
                .extend(lists.into_iter().filter(|list| self.tree.is_in(seat.0, list)).map(|list| (list, seat.1)));
            parent = Some(node);
        }
    }

    fn emit(self) -> Vec<(Occurrence, Seat)> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let top: Vec<usize> = (0..self.nodes.len()).filter(|&node| self.nodes[node].parent.is_none()).collect();
        if self.tree.level.is_some() {
            self.descend(&top, &mut order);
        } else {
            self.by_number(&mut order);
        }
        let mut places = vec![0; self.nodes.len()];
        order.iter().enumerate().for_each(|(at, &node)| places[node] = at);
        let one = |&node: &usize| {
            let (seat, parent) = (self.nodes[node].seat, self.nodes[node].parent);
            let has_packages = !self.nodes[node].children.is_empty();
            let (fields, allocation) = self.fields(seat, parent.map(|parent| self.nodes[parent].seat.1), has_packages);
            (Occurrence { level: seat.0, parent: parent.map(|parent| places[parent]), fields, allocation }, seat)
        };
        order.iter().map(one).collect()
    }

    /// Each node before those below it, fellows in the order of their lists.
    fn descend(&self, nodes: &[usize], order: &mut Vec<usize>) {
        for node in self.sorted(nodes) {
            order.push(node);
            self.descend(&self.nodes[node].children, order);
        }
    }

    /// Packages in the order of their list, which is that of their numbers, each with the lines inside it.
    fn by_number(&self, order: &mut Vec<usize>) {
        let is_line = |node: usize| self.tree.is_in(self.nodes[node].seat.0, LINES);
        let mut nodes: Vec<usize> = (0..self.nodes.len()).filter(|&node| !is_line(node)).collect();
        let depth = |node: usize| self.chains.get(self.nodes[node].seat.1).map_or(0, Vec::len);
        let is_item = |node: usize| self.tree.is_in(self.nodes[node].seat.0, PACKAGES);
        // A package listed before the one around it goes after it.
        let is_sorted = nodes.iter().all(|&node| {
            let parent = self.nodes[node].parent.filter(|&parent| is_item(parent));
            parent.is_none_or(|parent| self.nodes[parent].seat.1 < self.nodes[node].seat.1)
        });
        nodes.sort_by_key(|&node| {
            let first = if is_sorted || !is_item(node) { 0 } else { depth(node) };
            (is_item(node), first, self.nodes[node].seat.1)
        });
        for node in nodes {
            order.push(node);
            let lines: Vec<usize> = self.nodes[node].children.iter().copied().filter(|&node| is_line(node)).collect();
            order.extend(self.sorted(&lines));
        }
    }

    /// Items of one list in its order; among lists, whoever has the earlier package or line goes first.
    fn sorted(&self, nodes: &[usize]) -> Vec<usize> {
        let mut lists: Vec<Vec<usize>> = [None, Some(ORDERS), Some(PACKAGES), Some(LINES)]
            .into_iter()
            .map(|list| {
                let is_in = |node: &usize| self.tree.levels[self.nodes[*node].seat.0].list.as_deref() == list;
                let mut own: Vec<usize> = nodes.iter().copied().filter(is_in).collect();
                own.sort_by_key(|&node| std::cmp::Reverse((self.nodes[node].seat.1, self.nodes[node].seat.2)));
                own
            })
            .collect();
        let mut sorted = Vec::with_capacity(nodes.len());
        while sorted.len() < nodes.len() {
            let heads = lists.iter().enumerate().filter_map(|(at, list)| Some((at, *list.last()?)));
            let Some((at, _)) = heads.reduce(|best, other| match self.compare(best.1, other.1) {
                Ordering::Greater => other,
                _ => best,
            }) else {
                break;
            };
            sorted.extend(lists[at].pop());
        }
        sorted
    }

    fn compare(&self, one: usize, other: usize) -> Ordering {
        let ([line, package], [other_line, other_package]) = (self.nodes[one].first, self.nodes[other].first);
        let both =
            |one: Option<usize>, other: Option<usize>| one.zip(other).map_or(Ordering::Equal, |(a, b)| a.cmp(&b));
        both(package, other_package).then(both(line, other_line)).then(line.is_some().cmp(&other_line.is_some()))
    }

    /// The fields of a node's item and allocation, ties left out: the tree says them.
    fn fields(&self, (level, item, allocation): Seat, above: Option<usize>, has_packages: bool) -> (Map, Map) {
        match self.tree.levels[level].list.as_deref() {
            Some(ORDERS) => (without(&self.orders[item], &["id"]), Map::new()),
            Some(PACKAGES) => {
                // An allocation's package stands right under its line.
                let line = allocation.and(above).and_then(|line| self.lines.get(line));
                let line = line.map(|line| allocations(line));
                let one = line.zip(allocation).and_then(|(all, number)| all.get(number).copied().flatten());
                let package = self.packages.get(item).copied();
                let fields = package.map_or_else(Map::new, |one| without(one, &["id", "parent", "order"]));
                let quantity = one.and_then(|one| one.get("quantity"));
                (fields, quantity.into_iter().map(|value| ("quantity".into(), value.clone())).collect())
            }
            Some(LINES) => self.line_fields(item, allocation, has_packages),
            _ => (Map::new(), Map::new()),
        }
    }

    fn line_fields(&self, item: usize, allocation: Option<usize>, has_packages: bool) -> (Map, Map) {
        let mut fields = without(self.lines[item], &["allocations"]);
        if !self.orders.is_empty()
            && let Some(Value::Object(order)) = fields.get_mut("order")
        {
            order.remove("number");
            order.remove("id");
        }
        let all = allocations(self.lines[item]);
        let Some(one) = allocation.and_then(|number| all.get(number).copied().flatten()) else {
            return (fields, Map::new());
        };
        // With packages below, they say the parts and the line says the whole.
        if let Some(quantity) = one.get("quantity").filter(|_| !has_packages) {
            fields.insert("quantity".into(), quantity.clone());
        }
        (fields, part(one))
    }
}

/// What an allocation says beside the package and the quantity.
fn part(allocation: &Map) -> Map {
    without(allocation, &["package", "quantity"])
}

fn without(fields: &Map, keys: &[&str]) -> Map {
    fields
        .iter()
        .filter(|(key, _)| !keys.contains(&key.as_ref()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The orders of the entity, and after them those that only a package or line names.
fn all_orders(entity: &Entity, packages: &[&Map], lines: &[&Map]) -> Vec<Map> {
    let mut orders: Vec<Map> = objects(entity, ORDERS).into_iter().cloned().collect();
    for tie in packages.iter().chain(lines).filter_map(|item| item.get("order")) {
        let number = tie.get("number").filter(|_| tied(&orders, Some(tie)).is_none());
        orders.extend(number.map(|number| Map::from_iter([("number".into(), number.clone())])));
    }
    orders
}

/// For each package those around it, outermost first, itself last; a circle is cut where it closes.
fn chains(packages: &[&Map]) -> Vec<Vec<usize>> {
    let ids: HashMap<&str, usize> =
        packages.iter().enumerate().filter_map(|(at, one)| Some((text(one, "id")?, at))).collect();
    let chain = |item: usize| {
        let (mut chain, mut seen) = (vec![item], HashSet::from([item]));
        let mut at = item;
        while let Some(&parent) =
            text(packages[at], "parent").and_then(|id| ids.get(id)).filter(|one| seen.insert(**one))
        {
            chain.insert(0, parent);
            at = parent;
        }
        chain
    };
    (0..packages.len()).map(chain).collect()
}

/// By its kind; a package of no known kind is of the first level when others stand in it, else of the second.
fn package_levels(tree: &Tree, packages: &[&Map], chains: &[Vec<usize>]) -> Vec<usize> {
    let levels: Vec<usize> = tree.levels_of(PACKAGES).collect();
    let outer: HashSet<usize> =
        chains.iter().filter_map(|chain| chain.len().checked_sub(2).map(|at| chain[at])).collect();
    let level = |(item, package): (usize, &&Map)| {
        let kind = text(package, "kind");
        let by_kind = levels.iter().find(|&&level| kind.is_some() && tree.levels[level].kind.as_deref() == kind);
        let by_place = if outer.contains(&item) { levels.first() } else { levels.get(1).or(levels.first()) };
        by_kind.or(by_place).copied().unwrap_or_default()
    };
    packages.iter().enumerate().map(level).collect()
}
