//! What must agree inside a despatch advice: totals and allocations against the lines, packages against each other,
//! dates against their order.

use super::value::Value;
use super::{Entity, Tolerance, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};

/// Appends what does not agree. What was not sent is not checked.
pub fn check(advice: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    hash(advice, found);
    allocations(advice, found);
    orders(advice, found);
    parents(advice, found);
    codes(advice, found);
    package_count(advice, found);
    dates(advice, found);
}

fn number(value: &Value, path: &str) -> Option<Decimal> {
    text(value, path)?.parse().ok()
}

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.as_object()?.text(path)
}

fn hash(advice: &Entity, found: &mut Vec<Diagnostic>) {
    let sent = advice.text("totals.hash").and_then(|sent| sent.parse::<Decimal>().ok());
    let sum: Option<Decimal> = advice.list("lines").iter().map(|line| number(line, "quantity.value")).sum();
    if let Some((sent, sum)) = sent.zip(sum).filter(|(sent, sum)| sent != sum) {
        let expected = format!("{sum}, the sum of the quantities despatched");
        // Partners compute hashes in several ways (points ignored, digits cut): told, not refused.
        let differs = finding(Fault::SumDiffers, "totals.hash", &expected, &sent.to_string());
        found.push(differs.severity(Severity::Warning));
    }
}

/// What is in packages must be what the line says; a line of which only a part is packed says so by a lower sum.
fn allocations(advice: &Entity, found: &mut Vec<Diagnostic>) {
    let packages: HashSet<&str> = advice.list("packages").iter().filter_map(|one| text(one, "id")).collect();
    for (at, line) in advice.list("lines").iter().enumerate() {
        let path = format!("lines[{}]", at + 1);
        let all = line["allocations"].as_array().map_or(&[][..], Vec::as_slice);
        for (number, one) in all.iter().enumerate() {
            if let Some(package) = text(one, "package").filter(|package| !packages.contains(package)) {
                let place = format!("{path}.allocations[{}].package", number + 1);
                found.push(finding(Fault::ReferenceUnknown, &place, "the id of a package", package));
            }
        }
        let parts: Option<Decimal> = all.iter().map(|one| number(one, "quantity.value")).sum();
        let whole = number(line, "quantity.value");
        if let Some((parts, whole)) = parts.filter(|_| !all.is_empty()).zip(whole).filter(|(one, other)| one != other) {
            let expected = format!("{whole}, the quantity of the line, over its allocations");
            found.push(finding(Fault::SumDiffers, &format!("{path}.allocations"), &expected, &parts.to_string()));
        }
    }
}

fn orders(advice: &Entity, found: &mut Vec<Diagnostic>) {
    let known: HashSet<&str> = advice.list("orders").iter().filter_map(|one| text(one, "number")).collect();
    if known.is_empty() {
        return;
    }
    for (at, line) in advice.list("lines").iter().enumerate() {
        if let Some(order) = text(line, "order.number").filter(|order| !known.contains(order)) {
            let place = format!("lines[{}].order.number", at + 1);
            // A heading with room for few orders need not name them all.
            let unknown = finding(Fault::ReferenceUnknown, &place, "the number of one of the orders", order);
            found.push(unknown.severity(Severity::Warning));
        }
    }
}

fn parents(advice: &Entity, found: &mut Vec<Diagnostic>) {
    let packages = advice.list("packages");
    let parents: HashMap<&str, Option<&str>> =
        packages.iter().filter_map(|one| Some((text(one, "id")?, text(one, "parent")))).collect();
    for (at, package) in packages.iter().enumerate() {
        let Some(parent) = text(package, "parent") else { continue };
        let place = format!("packages[{}].parent", at + 1);
        if !parents.contains_key(parent) {
            found.push(finding(Fault::ReferenceUnknown, &place, "the id of a package", parent));
            continue;
        }
        let (mut seen, mut next) = (HashSet::new(), Some(parent));
        while let Some(one) = next.filter(|one| seen.insert(*one)) {
            next = parents.get(one).copied().flatten();
        }
        if text(package, "id").is_some_and(|id| seen.contains(id)) {
            found.push(finding(Fault::ReferenceUnknown, &place, "a package that is not inside this one", parent));
        }
    }
}

/// A serial shipping container code names one package in the world.
fn codes(advice: &Entity, found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, String> = HashMap::new();
    for (at, package) in advice.list("packages").iter().enumerate() {
        let path = format!("packages[{}]", at + 1);
        let more = package["more"].as_array().map_or(&[][..], Vec::as_slice);
        let more = more.iter().enumerate().map(|(at, one)| (one, format!("{path}.more[{}].sscc", at + 1)));
        for (one, place) in std::iter::once((package, format!("{path}.sscc"))).chain(more) {
            let Some(code) = text(one, "sscc") else { continue };
            match seen.get(code) {
                Some(first) => {
                    let expected = format!("a code of its own, as {first} has this one");
                    found.push(finding(Fault::ReferenceTwice, &place, &expected, code));
                }
                None => drop(seen.insert(code, place)),
            }
        }
    }
}

/// How many packages a row of codes stands for, by the serial numbers in front of the check digits.
fn codes_in(package: &Value) -> Option<u64> {
    let serial = |code: &str| code.get(..code.len().checked_sub(1)?)?.parse::<u64>().ok();
    let one = |row: &Value| -> Option<u64> {
        let Some(last) = text(row, "sscc_last") else { return text(row, "sscc").map(|_| 1) };
        serial(last)?.checked_sub(serial(text(row, "sscc")?)?)?.checked_add(1)
    };
    let more = package["more"].as_array().map_or(&[][..], Vec::as_slice);
    std::iter::once(package).chain(more).map(one).try_fold(0u64, |sum, count| sum.checked_add(count?))
}

/// Codes against the count of a row, and the rows that stand in no other package against the total.
fn package_count(advice: &Entity, found: &mut Vec<Diagnostic>) {
    let packages = advice.list("packages");
    for (at, package) in packages.iter().enumerate() {
        let (count, codes) = (number(package, "count"), codes_in(package).map(Decimal::from));
        if let Some((count, codes)) = count.zip(codes).filter(|(count, codes)| codes > count) {
            let place = format!("packages[{}].count", at + 1);
            found.push(finding(Fault::SumDiffers, &place, &format!("{codes}, as there are codes"), &count.to_string()));
        }
    }
    let Some(sent) = advice.text("totals.packages").and_then(|sent| sent.parse::<Decimal>().ok()) else { return };
    let parents: HashSet<&str> = packages.iter().filter_map(|one| text(one, "parent")).collect();
    let count = |is_counted: &dyn Fn(&Value) -> bool| -> Decimal {
        let counted = packages.iter().filter(|one| is_counted(one));
        counted.map(|one| number(one, "count").unwrap_or(Decimal::ONE)).sum()
    };
    let outer = count(&|one| text(one, "parent").is_none());
    let inner = count(&|one| text(one, "id").is_none_or(|id| !parents.contains(id)));
    let stated: Decimal = advice.list("packing").iter().filter_map(|one| number(one, "count")).sum();
    // Some senders count pallets, some cartons, some both.
    let sums = [outer, inner, count(&|_| true), stated];
    if (!packages.is_empty() || !stated.is_zero()) && !sums.contains(&sent) {
        let expected = format!("{outer} outer packages or {inner} that hold no other");
        let differs = finding(Fault::SumDiffers, "totals.packages", &expected, &sent.to_string());
        found.push(differs.severity(Severity::Warning));
    }
}

/// Nothing arrives before it is shipped, nor is a line best after it expires.
fn dates(advice: &Entity, found: &mut Vec<Diagnostic>) {
    let date = |role: &str| {
        let all = advice.list("dates").iter().enumerate();
        let mut fitting = all.filter(|(_, one)| text(one, "role") == Some(role));
        fitting.find_map(|(at, one)| Some((at, text(one, "at")?.get(..10)?.to_owned())))
    };
    let Some((_, shipped)) = date("shipped") else { return };
    for role in ["arrival_estimated", "delivery_estimated", "delivery_scheduled", "delivered"] {
        if let Some((at, day)) = date(role).filter(|(_, day)| *day < shipped) {
            let place = format!("dates[{}].at", at + 1);
            let expected = format!("{shipped}, when it is shipped, or later");
            found.push(finding(Fault::DateOrder, &place, &expected, &day));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(advice: Value) -> Vec<String> {
        let mut found = Vec::new();
        check(&Entity::from_json(&advice).expect("an advice"), &Tolerance::default(), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    #[test]
    fn ok_what_holds_together() {
        let advice = json!({ "type": "despatch_advice", "orders": [{ "number": "1" }],
            "dates": [{ "role": "shipped", "at": "2026-01-30" }, { "role": "delivery_estimated", "at": "2026-01-31" }],
            "packages": [{ "id": "1" }, { "id": "2", "parent": "1", "sscc": "340123450000000017" },
                { "id": "3", "parent": "1", "count": "3", "sscc": "340123450000000024", "sscc_last": "340123450000000048" }],
            "lines": [{ "order": { "number": "1" }, "quantity": { "value": "10" }, "allocations": [
                { "package": "2", "quantity": { "value": "4" } }, { "package": "3", "quantity": { "value": "6" } }] }],
            "totals": { "hash": "10", "packages": "4" } });
        assert_eq!(said(advice), Vec::<String>::new());
    }

    #[test]
    fn err_each_difference_is_told_by_itself() {
        let advice = json!({ "type": "despatch_advice", "orders": [{ "number": "1" }],
            "dates": [{ "role": "delivered", "at": "2026-01-29T10:00" }, { "role": "shipped", "at": "2026-01-30" }],
            "packages": [{ "id": "1", "parent": "2", "sscc": "340123450000000017" },
                { "id": "2", "parent": "1", "count": "1",
                  "sscc": "340123450000000017", "sscc_last": "340123450000000031" },
                { "id": "3", "parent": "9" }],
            "lines": [{ "order": { "number": "2" }, "quantity": { "value": "10" }, "allocations": [
                { "package": "8", "quantity": { "value": "4" } }, { "package": "1", "quantity": { "value": "5" } }] }],
            "totals": { "hash": "12", "packages": "7" } });
        assert_eq!(
            said(advice),
            [
                "totals.hash: sent total differs from the computed one: expected 10, the sum of the quantities despatched, found 12",
                "lines[1].allocations[1].package: refers to nothing: expected the id of a package, found 8",
                "lines[1].allocations: sent total differs from the computed one: expected 10, the quantity of the line, over its allocations, found 9",
                "lines[1].order.number: refers to nothing: expected the number of one of the orders, found 2",
                "packages[1].parent: refers to nothing: expected a package that is not inside this one, found 2",
                "packages[2].parent: refers to nothing: expected a package that is not inside this one, found 1",
                "packages[3].parent: refers to nothing: expected the id of a package, found 9",
                "packages[2].sscc: number used twice: expected a code of its own, as packages[1].sscc has this one, found 340123450000000017",
                "packages[2].count: sent total differs from the computed one: expected 3, as there are codes, found 1",
                "totals.packages: sent total differs from the computed one: expected 0 outer packages or 1 that hold no other, found 7",
                "dates[1].at: days in the wrong order: expected 2026-01-30, when it is shipped, or later, found 2026-01-29",
            ]
        );
    }
}
