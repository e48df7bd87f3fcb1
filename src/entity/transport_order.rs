//! What must agree inside a transport order: nothing is brought before it was fetched, and what was loaded is unloaded.
//! Stops are taken in the order in which they stand; whether a carrier can make it from one to the next is his to say.

use super::view::View;
use super::{Entity, Tolerance, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;

/// Reasons of stops at which goods come onto the vehicle.
const LOADING: [&str; 3] = ["load", "load_complete", "load_part"];
/// Reasons of stops at which they leave it.
const UNLOADING: [&str; 3] = ["unload", "unload_complete", "unload_part"];
/// Length of `2026-01-31`.
const DAY: usize = 10;

/// Appends what does not agree.
pub fn check(order: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    let mut fetched: Option<&str> = None;
    for (at, stop) in order.views("stops").enumerate() {
        let path = format!("stops[{}]", at + 1);
        if is_one_of(stop, &LOADING) {
            fetched = fetched.max(first_day(stop));
        }
        if let (true, Some(fetched), Some((place, brought))) = (is_one_of(stop, &UNLOADING), fetched, last_day(stop))
            && brought < fetched
        {
            let expected = format!("{fetched}, when goods are fetched, or later");
            found.push(finding(Fault::DateOrder, &format!("{path}.{place}"), &expected, brought));
        }
    }
    weights(order, found);
}

fn is_one_of(stop: View<'_>, reasons: &[&str]) -> bool {
    stop.field("reason").text().is_some_and(|reason| reasons.contains(&reason))
}

/// The days of a stop, each with its place.
fn days<'v>(stop: View<'v>) -> impl Iterator<Item = (String, &'v str)> {
    let days = stop.field("dates").items().enumerate();
    days.filter_map(|(at, date)| Some((format!("dates[{}].at", at + 1), date.field("at").text()?.get(..DAY)?)))
}

/// The first day on which the carrier may be there.
fn first_day(stop: View<'_>) -> Option<&str> {
    days(stop).map(|(_, day)| day).min()
}

/// The last day on which he may.
fn last_day(stop: View<'_>) -> Option<(String, &str)> {
    days(stop).max_by_key(|(_, day)| *day)
}

/// Where all stops say their weight in one unit, what comes on is what goes off. It tells a warning: shippers round.
fn weights(order: &Entity, found: &mut Vec<Diagnostic>) {
    let unit = order.views("stops").map(|stop| stop.at("gross_weight.unit").text()).next().flatten();
    let is_same = |stop: View<'_>| unit.is_some() && stop.at("gross_weight.unit").text() == unit;
    let sum = |reasons: &[&str]| {
        let stops = order.views("stops").filter(|stop| is_one_of(*stop, reasons));
        let weight = |stop: View<'_>| stop.at("gross_weight.value").text()?.parse::<Decimal>().ok();
        stops.map(|stop| weight(stop).filter(|_| is_same(stop))).sum::<Option<Decimal>>()
    };
    if let (Some(loaded), Some(unloaded)) = (sum(&LOADING), sum(&UNLOADING))
        && loaded != unloaded
    {
        let expected = format!("{loaded} unloaded, as much as is loaded");
        let differs = finding(Fault::SumDiffers, "stops.gross_weight", &expected, &unloaded.to_string());
        found.push(differs.severity(Severity::Warning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(stops: Value) -> Vec<String> {
        let order = json!({ "type": "transport_order", "number": "1", "stops": stops });
        let mut found = Vec::new();
        check(&Entity::from_json(&order).expect("an order"), &Tolerance::default(), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    fn weight(value: &str, unit: &str) -> Value {
        json!({ "value": value, "unit": unit })
    }

    #[test]
    fn ok_a_journey_and_what_cannot_be_compared() {
        let stops = json!([
            { "reason": "load_part", "dates": [{ "at": "2026-12-01T08:00" }, { "at": "2026-12-03" }], "gross_weight": weight("5", "KGM") },
            { "reason": "load_complete", "gross_weight": weight("7.5", "KGM") },
            { "reason": "unload_complete", "dates": [{ "at": "2026-12-01" }], "gross_weight": weight("12.50", "KGM") },
            { "reason": "drop_trailer", "dates": [{ "at": "2026-11-01" }] }
        ]);
        assert_eq!(found(stops), Vec::<String>::new());
        let stops = json!([
            { "reason": "load", "gross_weight": weight("5", "KGM") }, { "reason": "unload", "gross_weight": weight("11", "LBR") }
        ]);
        assert_eq!(found(stops), Vec::<String>::new());
    }

    #[test]
    fn err_brought_before_it_was_fetched_and_less_than_was_loaded() {
        let stops = json!([
            { "reason": "load", "dates": [{ "at": "2026-12-02" }], "gross_weight": weight("5", "KGM") },
            { "reason": "unload", "dates": [{ "at": "2026-12-01T23:00" }, { "at": "2026-11-30" }], "gross_weight": weight("4", "KGM") }
        ]);
        assert_eq!(
            found(stops),
            [
                "stops[2].dates[1].at: days in the wrong order: expected 2026-12-02, when goods are fetched, or later, found 2026-12-01",
                "stops.gross_weight: sent total differs from the computed one: expected 5 unloaded, as much as is loaded, found 4",
            ]
        );
    }
}
