//! What hangs on lines in lists beside them, and goes where they go: the packages that they are in, with those around
//! these, and the orders that they are of (`despatch_advice`). A package stands in one part; one that holds goods of
//! several is said of the whole, and so is what hangs on no line. Counts and weights of packages are made anew where they
//! were right for the whole.

use super::keys::Group;
use super::{checked_sum, told};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Fault;
use crate::entity::definition::SplitFacts;
use crate::entity::view::View;
use crate::entity::{Entity, Map, Value, finding, key, set};
use rust_decimal::Decimal;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The list of what lines are in.
const PACKAGES: &str = "packages";
/// The list of what lines are of.
const ORDERS: &str = "orders";
/// The list that says how many packages of a type there are.
const PACKING: &str = "packing";
/// What of a package is true of all that is in it.
const OF_ALL_IN_IT: [&str; 5] = ["count", "inner", "gross_weight", "volume", "measures"];

/// Which packages and orders go into which part.
pub(super) struct Tied<'w> {
    whole: &'w Entity,
    /// By part: places in the list of packages, and in that of orders.
    parts: Vec<[BTreeSet<usize>; 2]>,
    /// What several parts have, or none has.
    shared: [BTreeSet<usize>; 2],
    homeless: [BTreeSet<usize>; 2],
    totals: Vec<Total>,
}

/// A count, weight or volume of packages.
struct Total {
    /// `totals.packages`, `packing[1].count`.
    place: String,
    /// The item of the list of packings, where it stands there.
    item: Option<usize>,
    /// The field there, or the path from the entity on.
    field: String,
    /// What is counted of a package.
    measure: &'static str,
    /// The packages that it counts in the whole; none where it is none of these sums.
    way: Option<Way>,
}

/// Some of the packages.
#[derive(Clone)]
struct Way {
    nesting: Nesting,
    /// Of this type only.
    only: Option<Value>,
}

#[derive(Clone, Copy)]
enum Nesting {
    /// Those that stand in no other.
    Outer,
    /// Those that hold no other.
    Inner,
    All,
}

impl<'w> Tied<'w> {
    /// Finds them for the parts of an entity; none where nothing hangs on its lines.
    pub fn new(whole: &'w Entity, facts: &SplitFacts, groups: &[Group]) -> Option<Self> {
        if facts.packages.is_empty() {
            return None;
        }
        let mut tied = Tied {
            whole,
            parts: vec![<[BTreeSet<usize>; 2]>::default(); groups.len()],
            shared: Default::default(),
            homeless: Default::default(),
            totals: totals(whole, facts),
        };
        for (part, group) in groups.iter().enumerate() {
            tied.hang(part, group);
        }
        tied.hang_orders_of_all(groups);
        tied.hang_empty_packages();
        for list in 0..2 {
            let count = whole.list([PACKAGES, ORDERS][list]).len();
            for at in 0..count {
                match tied.parts.iter().filter(|part| part[list].contains(&at)).count() {
                    0 => drop(tied.homeless[list].insert(at)),
                    1 => {}
                    _ => drop(tied.shared[list].insert(at)),
                }
            }
        }
        Some(tied)
    }

    /// The packages around the allocations of a part's lines, and the orders that its lines and packages name.
    fn hang(&mut self, part: usize, group: &Group) {
        let packages = self.whole.list(PACKAGES);
        let places: HashMap<&str, usize> =
            packages.iter().enumerate().filter_map(|(at, one)| Some((text(one, "id")?, at))).collect();
        let [own, orders] = &mut self.parts[part];
        for (_, line) in &group.lines {
            for allocation in View::from(line).field("allocations").items() {
                let mut next = allocation.field("package").text().and_then(|id| places.get(id)).copied();
                while let Some(at) = next.filter(|at| own.insert(*at)) {
                    next = text(&packages[at], "parent").and_then(|id| places.get(id)).copied();
                }
            }
            orders.extend(order_of(self.whole, View::from(line)));
        }
        let named = own.iter().filter_map(|at| order_of(self.whole, View::from(&packages[*at])));
        let named: Vec<usize> = named.collect();
        orders.extend(named);
    }

    /// Orders that nothing names are those of the lines that name none.
    fn hang_orders_of_all(&mut self, groups: &[Group]) {
        let named: HashSet<usize> = self.parts.iter().flat_map(|[_, orders]| orders.iter().copied()).collect();
        let of_all: Vec<usize> = (0..self.whole.list(ORDERS).len()).filter(|at| !named.contains(at)).collect();
        for (part, group) in groups.iter().enumerate() {
            let names_none = |(_, line): &(usize, Value)| text(line, "order.number").is_none();
            if group.lines.iter().any(names_none) {
                self.parts[part][1].extend(&of_all);
            }
        }
    }

    /// Packages in which no line stands go with the one around them, else with the order that they name, where that is in
    /// one part.
    fn hang_empty_packages(&mut self) {
        let packages = self.whole.list(PACKAGES);
        let only = |parts: &[[BTreeSet<usize>; 2]], list: usize, at: usize| {
            let mut there = parts.iter().enumerate().filter(|(_, part)| part[list].contains(&at)).map(|(part, _)| part);
            there.next().filter(|_| there.next().is_none())
        };
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for (at, package) in packages.iter().enumerate() {
                if self.parts.iter().any(|[own, _]| own.contains(&at)) {
                    continue;
                }
                let around = text(package, "parent")
                    .and_then(|id| packages.iter().position(|one| text(one, "id") == Some(id)))
                    .and_then(|parent| only(&self.parts, 0, parent));
                let order = order_of(self.whole, View::from(package));
                // A package around is hung first; one that is nowhere itself says nothing.
                let home = match text(package, "parent") {
                    Some(_) => around,
                    None => order.and_then(|order| only(&self.parts, 1, order)),
                };
                if let Some(home) = home {
                    is_changed |= self.parts[home][0].insert(at);
                }
            }
        }
    }

    /// What is said of the whole: what goes into no part or several, and totals that are none of packages; as errors, or as
    /// losses where it is left out.
    pub fn stated(&self, leaves_out: bool) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (list, name) in [PACKAGES, ORDERS].into_iter().enumerate() {
            let fault = if leaves_out { Fault::MappingLoss } else { Fault::SplitWhole };
            for at in &self.homeless[list] {
                let expected = format!("a line by which it goes into one of the parts, as for all {name}");
                found.push(finding(fault, &format!("{name}[{}]", at + 1), &expected, "none"));
            }
            for at in &self.shared[list] {
                let place = format!("{name}[{}]", at + 1);
                if list == 0 {
                    let expected = "a package of which all that is in it goes into one part";
                    found.push(finding(fault, &place, expected, "several parts"));
                } else if self.whole.list(name)[*at].get(PACKING).is_some() {
                    found.push(told(&format!("{place}.{PACKING}"), leaves_out));
                }
            }
        }
        let lost = self.totals.iter().filter(|total| self.is_lost(total));
        found.extend(lost.map(|total| told(&total.place, leaves_out)));
        found
    }

    /// Whether no part can have a total: it is none of packages, or weighs some that several parts have.
    fn is_lost(&self, total: &Total) -> bool {
        let Some(way) = &total.way else { return true };
        let packages = self.whole.list(PACKAGES);
        let is_shared = |one: &&Value| self.shared[0].iter().any(|at| std::ptr::eq(&packages[*at], *one));
        total.measure != "count" && way.chosen(packages).iter().any(is_shared)
    }

    /// Puts into a part what hangs on its lines, and the totals of its packages.
    pub fn put(&self, part: usize, fields: &mut Map) {
        for (list, name) in [PACKAGES, ORDERS].into_iter().enumerate() {
            if !fields.contains_key(name) {
                continue;
            }
            let stripped = |at: &usize| {
                let mut one = self.whole.list(name).get(*at)?.clone();
                if self.shared[list].contains(at) {
                    let of_all = if list == 0 { &OF_ALL_IN_IT[..] } else { &[PACKING][..] };
                    let fields = one.as_object_mut()?;
                    of_all.iter().for_each(|field| drop(fields.remove(field)));
                }
                Some(one)
            };
            let own: Vec<Value> = self.parts[part][list].iter().filter_map(stripped).collect();
            if own.is_empty() {
                fields.remove(name);
            } else {
                fields.insert(key(name), Value::Array(own));
            }
        }
        self.put_totals(fields);
    }

    fn put_totals(&self, fields: &mut Map) {
        let packages: Vec<Value> = fields.get(PACKAGES).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut gone = BTreeSet::new();
        for total in &self.totals {
            let sum = total.way.as_ref().and_then(|way| sum(&packages, total.measure, way));
            match (total.item, sum) {
                (None, Some(sum)) => put_number(fields, &total.field, sum),
                (None, None) => super::leave_out(fields, &total.field),
                (Some(item), sum) => {
                    let items = fields.get_mut(PACKING).and_then(Value::as_array_mut);
                    let Some(one) = items.and_then(|items| items.get_mut(item)?.as_object_mut()) else { continue };
                    match sum {
                        Some(sum) if total.measure == "count" && sum.is_zero() => drop(gone.insert(item)),
                        Some(sum) => put_number(one, &total.field, sum),
                        // How many there are is what it says of them.
                        None if total.measure == "count" => drop(gone.insert(item)),
                        None => drop(one.remove(&total.field)),
                    }
                }
            }
        }
        if let Some(items) = fields.get_mut(PACKING).and_then(Value::as_array_mut) {
            let mut at = 0..;
            items.retain(|_| at.next().is_some_and(|at| !gone.contains(&at)));
            if items.is_empty() {
                fields.remove(PACKING);
            }
        }
    }
}

/// Sets a number, or the value of a quantity.
fn put_number(fields: &mut Map, path: &str, sum: Decimal) {
    let is_quantity = View::from(&*fields).at(path).field("value").is_there();
    let path = if is_quantity { format!("{path}.value") } else { path.to_owned() };
    set(fields, &path, sum.to_string().into());
}

/// The place of the order that a line or a package names.
fn order_of(whole: &Entity, item: View<'_>) -> Option<usize> {
    let (number, id) = (item.at("order.number").text()?, item.at("order.id").text());
    whole
        .list(ORDERS)
        .iter()
        .position(|order| text(order, "number") == Some(number) && (id.is_none() || text(order, "id") == id))
}

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.as_object()?.text(path)
}

/// The totals of packages, each with the packages that it counts.
fn totals(whole: &Entity, facts: &SplitFacts) -> Vec<Total> {
    let measures = ["count", "gross_weight", "volume"];
    let mut found = Vec::new();
    for path in &facts.packages {
        if path == PACKING {
            for (item, one) in whole.list(PACKING).iter().enumerate() {
                let there = measures.into_iter().filter(|measure| one.get(measure).is_some());
                found.extend(there.map(|measure| Total {
                    place: format!("{PACKING}[{}].{measure}", item + 1),
                    item: Some(item),
                    field: measure.to_owned(),
                    measure,
                    way: way(whole, measure, View::from(one).field(measure), one.get("type")),
                }));
            }
            continue;
        }
        let sent = View::from(&whole.fields).at(path);
        let name = path.rsplit('.').next().unwrap_or(path);
        let measure = measures.into_iter().find(|measure| *measure == name).unwrap_or("count");
        if sent.is_there() {
            let way = way(whole, measure, sent, None);
            found.push(Total { place: path.clone(), item: None, field: path.clone(), measure, way });
        }
    }
    found
}

/// The packages that a total counts.
fn way(whole: &Entity, measure: &str, sent: View<'_>, kind: Option<&Value>) -> Option<Way> {
    let packages = whole.list(PACKAGES);
    let number = if measure == "count" { sent } else { sent.field("value") };
    let sent_number: Decimal = number.text()?.parse().ok()?;
    let unit = sent.field("unit").text();
    let is_unit = |one: &&Value| measure == "count" || View::from(*one).field(measure).field("unit").text() == unit;
    let only = kind.map(|kind| Some(kind.clone()));
    for only in only.into_iter().chain([None]) {
        for nesting in [Nesting::Outer, Nesting::Inner, Nesting::All] {
            let way = Way { nesting, only: only.clone() };
            let chosen = way.chosen(packages);
            let is_it = !chosen.is_empty() && chosen.iter().all(is_unit);
            if is_it && sum(packages, measure, &way) == Some(sent_number) {
                return Some(way);
            }
        }
    }
    None
}

impl Way {
    fn chosen<'p>(&self, packages: &'p [Value]) -> Vec<&'p Value> {
        let parents: HashSet<&str> = packages.iter().filter_map(|one| text(one, "parent")).collect();
        let is_chosen = |one: &&Value| {
            let is_nested = match self.nesting {
                Nesting::Outer => text(one, "parent").is_none(),
                Nesting::Inner => text(one, "id").is_none_or(|id| !parents.contains(id)),
                Nesting::All => true,
            };
            is_nested && self.only.as_ref().is_none_or(|only| one.get("type") == Some(only))
        };
        packages.iter().filter(is_chosen).collect()
    }
}

/// A count, weight or volume over packages; none where one does not say it.
fn sum(packages: &[Value], measure: &str, way: &Way) -> Option<Decimal> {
    let one = |package: &Value| match measure {
        "count" => text(package, "count").map_or(Some(Decimal::ONE), |count| count.parse().ok()),
        measure => View::from(package).field(measure).field("value").text()?.parse().ok(),
    };
    checked_sum(way.chosen(packages).into_iter().map(one))
}

#[cfg(test)]
mod tests {
    use super::super::{SplitKey, SplitRule, split};
    use super::*;
    use crate::diagnostic::Severity;
    use serde_json::json;

    fn rule(by: &[&str], lines_max: Option<usize>, leaves_out: bool) -> SplitRule {
        let by = by.iter().map(|key| SplitKey::parse(key).expect("a key")).collect();
        SplitRule { by, lines_max, number: "{number}-{part}".to_owned(), reference: None, leaves_out }
    }

    fn line(order: &str, allocations: &[(&str, u32)]) -> serde_json::Value {
        let sum: u32 = allocations.iter().map(|(_, quantity)| quantity).sum();
        let one = |(package, quantity): &(&str, u32)| json!({ "package": package, "quantity": { "value": quantity.to_string() } });
        json!({ "order": { "number": order }, "quantity": { "value": sum.to_string() },
            "allocations": allocations.iter().map(one).collect::<Vec<_>>() })
    }

    fn advice(json: serde_json::Value) -> Entity {
        let mut whole =
            json!({ "type": "despatch_advice", "number": "L-1", "purpose": "original", "issued": "2026-11-24" });
        for (name, value) in json.as_object().expect("fields") {
            whole[name] = value.clone();
        }
        Entity::from_json(&whole).expect("an advice")
    }

    fn ids(entity: &Entity, list: &str, field: &str) -> Vec<String> {
        entity.list(list).iter().filter_map(|one| one[field].as_str().map(str::to_owned)).collect()
    }

    fn told(findings: &[Diagnostic]) -> Vec<(String, String)> {
        findings.iter().map(|one| (one.code(), one.place.clone())).collect()
    }

    /// Two pallets with a carton each, of two orders, and a carton that is empty.
    fn two_pallets() -> serde_json::Value {
        let weight = |value: &str| json!({ "value": value, "unit": "KGM" });
        json!({ "orders": [{ "number": "O1" }, { "number": "O2" }],
            "packages": [{ "id": "P1", "type": "pallet", "gross_weight": weight("20.5") }, { "id": "C1", "parent": "P1" },
                { "id": "C9", "parent": "P1" }, { "id": "P2", "type": "pallet", "gross_weight": weight("30") },
                { "id": "C2", "parent": "P2", "count": "2" }],
            "lines": [line("O1", &[("C1", 5)]), line("O2", &[("C2", 7)])],
            "packing": [{ "type": "pallet", "count": "2", "gross_weight": weight("50.5") }, { "type": "carton", "count": "4" }],
            "totals": { "hash": "12", "packages": "2", "gross_weight": weight("50.5") } })
    }

    #[test]
    fn ok_packages_and_orders_go_with_their_lines_and_are_counted_anew() {
        let mut whole = two_pallets();
        for carton in [1, 2, 4] {
            whole["packages"][carton]["type"] = json!("carton");
        }
        let parts = split(&advice(whole), &rule(&[], Some(1), false)).expect("parts");
        let [first, second] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!(
            (ids(&first.entity, "packages", "id"), ids(&first.entity, "orders", "number")),
            (vec!["P1".into(), "C1".into(), "C9".into()], vec!["O1".into()])
        );
        assert_eq!(
            (ids(&second.entity, "packages", "id"), ids(&second.entity, "orders", "number")),
            (vec!["P2".into(), "C2".into()], vec!["O2".into()])
        );
        let totals = |part: &Entity| {
            ["totals.hash", "totals.packages", "totals.gross_weight.value"].map(|at| part.text(at).map(str::to_owned))
        };
        assert_eq!(totals(&first.entity), [Some("5".into()), Some("1".into()), Some("20.5".into())]);
        assert_eq!(totals(&second.entity), [Some("7".into()), Some("1".into()), Some("30".into())]);
        let packing = |part: &Entity| {
            let one = |one: &Value| {
                format!("{} {}", one["type"].as_str().unwrap_or_default(), one["count"].as_str().unwrap_or_default())
            };
            part.list("packing").iter().map(one).collect::<Vec<_>>()
        };
        assert_eq!(
            (packing(&first.entity), packing(&second.entity)),
            (vec!["pallet 1".into(), "carton 2".into()], vec!["pallet 1".into(), "carton 2".into()])
        );
        for part in &parts {
            assert_eq!(part.entity.check(), [], "{}", part.entity);
        }
    }

    #[test]
    fn err_what_is_said_of_several_parts_is_refused_or_left_out() {
        let mut whole = two_pallets();
        // The second carton stands on the first pallet, too; an order and a package are named by nothing.
        whole["packages"][4]["parent"] = json!("P1");
        whole["packages"].as_array_mut().expect("a list").push(json!({ "id": "X" }));
        whole["orders"].as_array_mut().expect("a list").push(json!({ "number": "O3" }));
        whole["orders"][0]["packing"] = json!([{ "count": "1" }]);
        whole["lines"].as_array_mut().expect("a list").push(line("O1", &[("C1", 1)]));
        whole["totals"]["hash"] = json!("13");
        whole["measures"] = json!([{ "kind": "length", "value": "3" }]);
        let whole = advice(whole);
        let refused = split(&whole, &rule(&[], Some(1), false)).expect_err("not to be cut");
        let places = [
            "measures",
            "packages[3]",
            "packages[4]",
            "packages[6]",
            "packages[1]",
            "packages[2]",
            "orders[3]",
            "orders[1].packing",
            "totals.packages",
            "totals.gross_weight",
            "packing[1].gross_weight",
            "packing[2].count",
        ];
        let places: Vec<_> = places.into_iter().map(|at| ("DOCUMENT-SPLIT-WHOLE".to_owned(), at.to_owned())).collect();
        assert_eq!(told(&refused), places);
        let parts = split(&whole, &rule(&[], Some(1), true)).expect("parts");
        assert_eq!(parts.len(), 3);
        for part in &parts {
            assert!(
                part.findings.iter().filter(|one| one.severity == Severity::Warning).count() >= 10,
                "{:?}",
                part.findings
            );
            assert!(part.entity.text("totals.packages").is_none() && part.entity.fields.get("measures").is_none());
            assert!(part.entity.list("packages").iter().all(|one| one["id"] != "X" && one["gross_weight"].is_null()));
            assert_eq!(part.entity.check(), [], "{}", part.entity);
        }
    }

    /// An order that no line names is that of all lines which name none.
    #[test]
    fn ok_the_order_of_the_whole_is_that_of_each_part() {
        let one = |package: &str| json!({ "quantity": { "value": "1" }, "allocations": [{ "package": package, "quantity": { "value": "1" } }] });
        let whole = advice(json!({ "orders": [{ "number": "O1" }], "packages": [{ "id": "1" }, { "id": "2" }],
            "lines": [one("1"), one("2")] }));
        let parts = split(&whole, &rule(&["allocations.package"], None, false)).expect("parts");
        for (part, package) in parts.iter().zip(["1", "2"]) {
            assert_eq!(
                (ids(&part.entity, "orders", "number"), ids(&part.entity, "packages", "id")),
                (vec!["O1".to_owned()], vec![package.to_owned()])
            );
        }
    }

    fn dice(seed: &mut u64, sides: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % sides
    }

    /// Trees of packages and lines in them, cut by package, by order and by count: each allocation is in one part, together with
    /// its package and all around it; no package and no order is lost; what a part says holds together.
    #[test]
    fn packages_of_the_pieces_are_those_of_the_whole() {
        let mut seed = 41;
        let mut cut = 0;
        for _ in 0..300 {
            let count = 1 + dice(&mut seed, 8);
            let packages: Vec<_> = (0..count)
                .map(|at| match at {
                    0 => json!({ "id": "0" }),
                    at => match dice(&mut seed, 3) {
                        0 => json!({ "id": at.to_string() }),
                        _ => json!({ "id": at.to_string(), "parent": dice(&mut seed, at).to_string() }),
                    },
                })
                .collect();
            let names: Vec<String> = (0..count).map(|at| at.to_string()).collect();
            let lines: Vec<_> = (0..1 + dice(&mut seed, 6))
                .map(|_| {
                    let order = format!("O{}", dice(&mut seed, 3));
                    let allocations: Vec<(&str, u32)> = (0..1 + dice(&mut seed, 3))
                        .map(|_| {
                            (
                                &*names[usize::try_from(dice(&mut seed, count)).expect("small")],
                                1 + dice(&mut seed, 9) as u32,
                            )
                        })
                        .collect();
                    line(&order, &allocations)
                })
                .collect();
            let outer = packages.iter().filter(|one| one["parent"].is_null()).count();
            let whole = advice(json!({ "orders": [{ "number": "O0" }, { "number": "O1" }, { "number": "O2" }],
                "packages": packages, "lines": lines, "totals": { "packages": outer.to_string() } }));
            let by = match dice(&mut seed, 3) {
                0 => rule(&["allocations.package"], None, true),
                1 => rule(&["order.number"], None, true),
                _ => rule(&[], Some(1 + usize::try_from(dice(&mut seed, 3)).expect("small")), true),
            };
            let parts = split(&whole, &by).expect("parts");
            if parts.len() < 2 {
                continue;
            }
            cut += 1;
            let allocations = |entity: &Entity| -> Vec<String> {
                let lines = entity.list("lines").iter();
                let of = |line: &Value| line["allocations"].as_array().cloned().unwrap_or_default();
                let mut all: Vec<String> = lines.flat_map(of).map(|one| one.to_string()).collect();
                all.sort();
                all
            };
            let mut back: Vec<String> = parts.iter().flat_map(|part| allocations(&part.entity)).collect();
            back.sort();
            assert_eq!(back, allocations(&whole));
            for part in &parts {
                assert_eq!(part.entity.check(), [], "{} of {whole}", part.entity);
            }
            for (name, field) in [("packages", "id"), ("orders", "number")] {
                for (at, one) in ids(&whole, name, field).iter().enumerate() {
                    let there = parts.iter().filter(|part| ids(&part.entity, name, field).contains(one)).count();
                    let place = format!("{name}[{}]", at + 1);
                    let is_told = parts[0].findings.iter().any(|finding| finding.place == place);
                    // An order of several parts is whole in each; a package of several is not.
                    assert_eq!(is_told, there == 0 || (there > 1 && name == "packages"), "{place} of {whole}");
                }
            }
        }
        assert!(cut > 150, "only {cut} were cut");
    }
}
