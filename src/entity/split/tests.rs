//! Entities cut into several: by count, by what the lines say, and lines divided; what is refused, and what no dice make
//! it lose.

use super::*;
use serde_json::json;

fn rule(by: &[&str], lines_max: Option<usize>, number: &str) -> SplitRule {
    let by = by.iter().map(|key| SplitKey::parse(key).expect("a key")).collect();
    SplitRule { by, lines_max, number: number.to_owned(), reference: None, leaves_out: false }
}

fn entity(json: serde_json::Value) -> Entity {
    Entity::from_json(&json).expect("an entity")
}

fn ship_to(id: &str) -> serde_json::Value {
    json!({ "role": "ship_to", "ids": [{ "scheme": "gln", "value": id }] })
}

fn order(lines: serde_json::Value) -> Entity {
    let count = lines.as_array().map_or(0, Vec::len).to_string();
    entity(json!({ "type": "order", "number": "4711", "purpose": "original", "issued": "2026-11-24",
        "parties": [{ "role": "buyer" }, ship_to("A")], "lines": lines, "totals": { "lines": count } }))
}

fn line(number: u32, quantity: u32, to: Option<&str>) -> serde_json::Value {
    let mut line = json!({ "number": number.to_string(), "quantity": { "value": quantity.to_string(), "unit": "EA" } });
    if let Some(to) = to {
        line["parties"] = json!([ship_to(to), { "role": "buyer" }]);
    }
    line
}

fn codes(findings: &[Diagnostic]) -> Vec<(String, String)> {
    findings.iter().map(|one| (one.code(), one.place.clone())).collect()
}

#[test]
fn ok_by_count_with_numbers_and_totals_of_their_own() {
    let mut whole = order(json!([line(10, 1, None), line(20, 2, None), line(30, 3, None)]));
    set(&mut whole.fields, "totals.hash", "6".into());
    let mut by_two = rule(&[], Some(2), "{number}-{part}/{parts}");
    by_two.reference = Some("customer_order".to_owned());
    let parts = split(&whole, &by_two).expect("parts");
    let said: Vec<_> = parts
        .iter()
        .map(|one| {
            let of = |path| one.entity.text(path).map(str::to_owned).unwrap_or_default();
            let reference = one.entity.list("references")[0]["id"].as_str().map(str::to_owned);
            (of("number"), of("totals.lines"), of("totals.hash"), reference)
        })
        .collect();
    let expected = |number: &str, lines: &str, hash: &str| {
        (number.to_owned(), lines.to_owned(), hash.to_owned(), Some("4711".to_owned()))
    };
    assert_eq!(said, [expected("4711-1/2", "2", "3"), expected("4711-2/2", "1", "3")]);
    assert_eq!(
        parts[1].findings[0].message(),
        "one of several that the document became: expected 2 lines at most, found part 2 of 2 of 4711"
    );
    for part in &parts {
        assert_eq!(codes(&part.entity.check()), codes(&whole.check()), "{}", part.entity);
    }
}

#[test]
fn ok_what_need_not_be_cut_stays_as_it_is() {
    let whole = order(json!([line(1, 1, None), line(2, 2, None)]));
    let parts = split(&whole, &rule(&[], Some(2), "{number}-{part}")).expect("a part");
    assert_eq!(parts, [SplitPart { entity: whole, findings: Vec::new() }]);
}

#[test]
fn ok_by_key_in_the_order_first_seen_with_the_key_in_the_header() {
    let lines = json!([line(1, 1, Some("B")), line(2, 2, None), line(3, 3, Some("B")), line(4, 4, Some("C"))]);
    let parts = split(&order(lines), &rule(&["parties[role=ship_to]"], None, "{number}-{key}")).expect("parts");
    let numbers: Vec<_> = parts.iter().map(|one| one.entity.text("number").unwrap_or_default()).collect();
    assert_eq!(numbers, ["4711-B", "4711-A", "4711-C"]);
    let parties = |at: usize| serde_json::Value::from(&parts[at].entity.fields["parties"]);
    assert_eq!(parties(0), json!([{ "role": "buyer" }, ship_to("B")]));
    assert_eq!(parties(1), json!([{ "role": "buyer" }, ship_to("A")]), "what a line does not say, the header does");
    let first = &parts[0].entity.list("lines")[0];
    assert_eq!(serde_json::Value::from(&first["parties"]), json!([{ "role": "buyer" }]), "moved, and nothing else");
    assert_eq!(parts[2].entity.text("totals.lines"), Some("1"));
}

#[test]
fn ok_by_several_keys_and_by_count_at_once() {
    let day = |line: serde_json::Value, day: &str| {
        let mut line = line;
        line["dates"] = json!([{ "role": "delivery", "at": day }]);
        line
    };
    let lines: Vec<_> =
        (1..=6).map(|at| day(line(at, at, Some("B")), if at % 2 == 0 { "2026-12-01" } else { "2026-12-02" })).collect();
    let both = rule(&["parties[role=ship_to].ids.value", "dates[role=delivery].at"], Some(2), "{number}.{part}");
    let parts = split(&order(json!(lines)), &both).expect("parts");
    let said: Vec<_> = parts
        .iter()
        .map(|one| {
            let numbers: Vec<_> = one.entity.list("lines").iter().filter_map(|line| line["number"].as_str()).collect();
            (one.entity.list("dates")[0]["at"].as_str().unwrap_or_default(), numbers.join(" "))
        })
        .collect();
    let expected = [("2026-12-02", "1 3"), ("2026-12-02", "5"), ("2026-12-01", "2 4"), ("2026-12-01", "6")];
    assert_eq!(said, expected.map(|(day, lines)| (day, lines.to_owned())));
}

/// The retailer's order with its stores below each line: one order a store, the line's quantity the store's.
#[test]
fn ok_a_line_is_divided_among_its_deliveries() {
    let to = |store: &str, quantity: &str| json!({ "location": { "value": store }, "quantity": { "value": quantity } });
    let mut lines = json!([line(1, 10, None), line(2, 5, None)]);
    lines[0]["deliveries"] = json!([to("S1", "4"), to("S2", "6")]);
    lines[1]["deliveries"] = json!([to("S2", "5")]);
    let stores = rule(&["deliveries.location as parties[role=ship_to].ids"], None, "{number}-{key}");
    let parts = split(&order(lines.clone()), &stores).expect("parts");
    let said: Vec<_> = parts
        .iter()
        .map(|one| {
            let quantity = |line: &Value| line["quantity"]["value"].as_str().unwrap_or_default().to_owned();
            let ship_to = &one.entity.list("parties")[1]["ids"][0]["value"];
            let quantities: Vec<_> = one.entity.list("lines").iter().map(quantity).collect();
            (one.entity.text("number").unwrap_or_default(), ship_to.as_str().unwrap_or_default(), quantities.join(" "))
        })
        .collect();
    assert_eq!(said, [("4711-S1", "S1", "4".to_owned()), ("4711-S2", "S2", "6 5".to_owned())]);
    assert_eq!(parts[1].entity.text("totals.lines"), Some("2"));
    // What they do not make up cannot be divided, nor what is said of the line as a whole.
    lines[0]["quantity"]["value"] = "11".into();
    lines[1]["amounts"] = json!([{ "kind": "total", "amount": "50" }]);
    lines[1]["deliveries"] = json!([to("S1", "2"), to("S2", "3")]);
    let refused = split(&order(lines), &stores).expect_err("no sum");
    let expected = [("DOCUMENT-SPLIT-WHOLE", "lines[1].quantity"), ("DOCUMENT-SPLIT-WHOLE", "lines[2].amounts")];
    assert_eq!(codes(&refused), expected.map(|(code, place)| (code.to_owned(), place.to_owned())));
}

#[test]
fn ok_a_field_of_the_lines_that_the_header_has_too() {
    let line = |order: &str| json!({ "quantity": { "value": "1" }, "order": { "number": order, "line": "1" } });
    let whole = entity(json!({ "type": "invoice", "number": "R1", "issued": "2026-11-24",
        "lines": [line("A"), line("B"), line("A")] }));
    let parts = split(&whole, &rule(&["order.number"], None, "{number}-{part}")).expect("parts");
    let said: Vec<_> = parts.iter().map(|one| one.entity.text("order.number").unwrap_or_default()).collect();
    assert_eq!(said, ["A", "B"]);
    let numbers: Vec<_> = parts[0].entity.list("lines").iter().filter_map(|line| line["number"].as_str()).collect();
    assert_eq!(numbers, ["1", "3"], "the place in the whole, where no line has a number");
    let mut mixed = whole;
    let lines = mixed.fields.get_mut("lines").and_then(Value::as_array_mut).expect("lines");
    lines[0].as_object_mut().expect("a line").insert("number".into(), "3".into());
    let parts = split(&mixed, &rule(&["order.number"], None, "{number}-{part}")).expect("parts");
    let numbers: Vec<_> = parts[0].entity.list("lines").iter().map(|line| line["number"].as_str()).collect();
    assert_eq!(numbers, [Some("3"), None], "no number that another line has");
}

#[test]
fn err_what_is_said_of_the_whole_or_left_out_and_told() {
    let mut whole = order(json!([line(1, 1, None), line(2, 2, None)]));
    let money = json!([{ "is_charge": false, "percent": "3" }, { "is_charge": true, "amount": "15.00" }]);
    whole.fields.insert("allowance_charges".into(), Value::from(money));
    set(&mut whole.fields, "totals.hash", "17".into());
    let place = json!([{ "document": "d", "place": "detail:PO1[2].06", "value": "x" },
        { "document": "d", "place": "heading:N9[1].02", "value": "y" }]);
    whole.fields.insert("extensions".into(), Value::from(place));
    let mut by_one = rule(&[], Some(1), "{number}-{part}");
    let refused = split(&whole, &by_one).expect_err("an amount of the whole");
    assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-WHOLE".to_owned(), "allowance_charges.amount".to_owned())]);
    by_one.leaves_out = true;
    let parts = split(&whole, &by_one).expect("parts");
    let left = serde_json::Value::from(&parts[1].entity.fields["allowance_charges"]);
    assert_eq!(left, json!([{ "is_charge": false, "percent": "3" }]), "a per cent holds for a part too");
    assert_eq!(parts[1].entity.text("totals.hash"), None, "counted in a way of their own");
    assert_eq!(parts[1].entity.list("extensions").len(), 1);
    let told: Vec<_> = codes(&parts[1].findings).into_iter().map(|(_, place)| place).collect();
    assert_eq!(told, ["", "allowance_charges.amount", "extensions", "totals.hash"]);
}

#[test]
fn err_lines_without_a_key_or_with_two_and_numbers_that_meet() {
    let mut lines = json!([line(1, 1, None), line(2, 2, Some("B"))]);
    lines[1]["parties"].as_array_mut().expect("parties").push(ship_to("C"));
    let mut whole = order(lines);
    whole.fields.remove("parties");
    let refused = split(&whole, &rule(&["parties[role=ship_to]"], None, "{part}")).expect_err("no key");
    let places: Vec<_> = codes(&refused).into_iter().map(|(code, place)| format!("{code} {place}")).collect();
    assert_eq!(places, ["DOCUMENT-SPLIT-KEY lines[1]", "DOCUMENT-SPLIT-KEY lines[2].parties"]);
    let many = order(json!([line(1, 1, Some("B")), line(2, 2, Some("B")), line(3, 3, Some("C"))]));
    let refused = split(&many, &rule(&["parties[role=ship_to]"], Some(1), "{number}-{key}")).expect_err("one number");
    assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-NUMBER".to_owned(), "number".to_owned())]);
    let same = split(&many, &rule(&["parties[role=ship_to]"], None, SAME_NUMBER)).expect("wanted so");
    assert!(same.iter().all(|one| one.entity.text("number") == Some("4711")));
}

#[test]
fn err_more_pieces_than_one_commit_writes() {
    let lines = |count: u32| json!((1..=count).map(|at| line(at, 1, None)).collect::<Vec<_>>());
    let by_one = rule(&[], Some(1), "{number}-{part}");
    let max = u32::try_from(PARTS_MAX).expect("a small number");
    assert_eq!(split(&order(lines(max)), &by_one).map(|parts| parts.len()), Ok(PARTS_MAX));
    let refused = split(&order(lines(max + 1)), &by_one).expect_err("one too many");
    assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-LIMIT".to_owned(), "lines".to_owned())]);
    let wrong = entity(json!({ "type": "party", "lines": [] }));
    assert_eq!(codes(&split(&wrong, &by_one).expect_err("no lines"))[0].0, "DOCUMENT-SPLIT-WHOLE");
}

/// A ship-to with all that is said of it.
fn named(id: &str) -> serde_json::Value {
    let mut named = ship_to(id);
    named["name"] = json!(["Store"]);
    named["address"] = json!({ "city": "Hamburg" });
    named
}

fn parties(entity: &Entity) -> serde_json::Value {
    serde_json::Value::from(&entity.fields["parties"])
}

/// An order whose header says these parties.
fn order_to(parties: serde_json::Value, lines: serde_json::Value) -> Entity {
    let mut whole = order(lines);
    whole.fields.insert("parties".into(), Value::from(parties));
    whole
}

#[test]
fn ok_what_the_header_says_of_a_key_is_not_lost_to_a_line_that_says_less() {
    let by_id = rule(&["parties[role=ship_to].ids.value"], None, "{number}-{key}");
    let only = |id: &str| json!([ship_to(id), { "role": "buyer" }]);
    for lines in [json!([line(1, 1, Some("A")), line(2, 2, None)]), json!([line(1, 1, None), line(2, 2, Some("A"))])] {
        let parts = split(&order_to(json!([named("A")]), lines), &by_id).expect("a part");
        assert_eq!(parties(&parts[0].entity), json!([named("A")]));
        let left: Vec<_> = parts[0].entity.list("lines").iter().map(|line| line["parties"].to_string()).collect();
        assert!(!left.concat().contains("ship_to"), "what the header says is said once: {left:?}");
    }
    // What a line says beyond the header stays with it; another value takes the header's place.
    let mut lines = json!([line(1, 1, Some("A")), line(2, 2, Some("B"))]);
    lines[0]["parties"][0]["name"] = json!(["Gate 2"]);
    let parts = split(&order_to(json!([named("A")]), lines), &by_id).expect("parts");
    assert_eq!(parties(&parts[0].entity), json!([named("A")]));
    let mut gate = only("A");
    gate[0]["name"] = json!(["Gate 2"]);
    assert_eq!(serde_json::Value::from(&parts[0].entity.list("lines")[0]["parties"]), gate);
    assert_eq!(parties(&parts[1].entity), json!([ship_to("B")]));
    // The same where the key has a place of its own in the header.
    let to = |store: &str| json!({ "location": { "scheme": "gln", "value": store }, "quantity": { "value": "1" } });
    let line = json!([{ "number": "1", "quantity": { "value": "2" }, "deliveries": [to("A"), to("B")] }]);
    let stores = rule(&["deliveries.location as parties[role=ship_to].ids"], None, "{number}-{key}");
    let parts = split(&order_to(json!([named("A")]), line), &stores).expect("parts");
    assert_eq!(parties(&parts[0].entity), json!([named("A")]));
    assert_eq!(parties(&parts[1].entity), json!([ship_to("B")]));
}

/// A header that is for none of its lines is told, not dropped in silence.
#[test]
fn ok_a_header_that_no_line_goes_by_is_told() {
    let by_id = rule(&["parties[role=ship_to].ids.value"], None, "{number}-{key}");
    let lines = json!([line(1, 1, Some("B")), line(2, 2, Some("C"))]);
    let parts = split(&order_to(json!([{ "role": "buyer" }, named("A")]), lines), &by_id).expect("parts");
    for part in &parts {
        let told: Vec<_> = codes(&part.findings).into_iter().map(|(code, place)| format!("{code} {place}")).collect();
        assert_eq!(told, ["DOCUMENT-SPLIT ", "DOCUMENT-MAPPING-LOSS parties[2]"]);
    }
    let lines = json!([line(1, 1, Some("B")), line(2, 2, None)]);
    let parts = split(&order_to(json!([named("A")]), lines), &by_id).expect("parts");
    assert!(parts.iter().all(|part| part.findings.len() == 1), "a part has it");
}

#[test]
fn err_two_in_the_header_are_two_like_on_a_line() {
    let by_id = rule(&["parties[role=ship_to].ids.value"], None, "{number}-{key}");
    let two = json!([ship_to("A"), { "role": "buyer" }, ship_to("C")]);
    let lines = json!([line(1, 1, Some("B")), line(2, 2, None), line(3, 3, None)]);
    let refused = split(&order_to(two.clone(), lines), &by_id).expect_err("which of them");
    let expected = [("DOCUMENT-SPLIT-KEY".to_owned(), "parties".to_owned())];
    assert_eq!(codes(&refused), expected, "once, not for each line");
    assert!(refused[0].message().ends_with("found 2 values"), "{}", refused[0].message());
    // Where each line says it for itself, each part is for its own alone.
    let parts = split(&order_to(two, json!([line(1, 1, Some("B")), line(2, 2, Some("C"))])), &by_id).expect("parts");
    assert_eq!(parties(&parts[0].entity), json!([ship_to("B"), { "role": "buyer" }]));
    assert_eq!(parties(&parts[1].entity), json!([{ "role": "buyer" }, ship_to("C")]));
}

/// A line of so much, with deliveries of so much.
fn delivered(quantity: serde_json::Value, deliveries: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let one =
        |(store, quantity): &(&str, serde_json::Value)| json!({ "location": { "value": store }, "quantity": quantity });
    json!([{ "number": "1", "quantity": quantity, "deliveries": deliveries.iter().map(one).collect::<Vec<_>>() }])
}

#[test]
fn err_quantities_that_are_no_number_together_are_not_divided() {
    let stores = rule(&["deliveries.location"], None, "{number}-{key}");
    let of = |number: &str| json!({ "value": number });
    let big = Decimal::MAX.to_string();
    let bigger = format!("{big}0");
    let refused = |quantity: &str, deliveries: [(&str, &str); 3]| {
        let lines = delivered(of(quantity), &deliveries.map(|(store, quantity)| (store, of(quantity))));
        codes(&split(&order(lines), &stores).expect_err("no sum"))
    };
    let expected = [("DOCUMENT-SPLIT-WHOLE".to_owned(), "lines[1].quantity".to_owned())];
    assert_eq!(refused("1", [("A", &big), ("A", &big), ("B", "1")]), expected, "too much for one store");
    assert_eq!(refused("1", [("A", &big), ("B", &big), ("B", "1")]), expected, "too much for all");
    assert_eq!(refused(&bigger, [("A", &bigger), ("B", &bigger), ("B", "1")]), expected, "no number at all");
}

#[test]
fn err_quantities_in_another_unit_are_not_divided() {
    let stores = rule(&["deliveries.location"], None, "{number}-{key}");
    let of = |number: &str, unit: &str| json!({ "value": number, "unit": unit });
    let lines = delivered(of("3", "CT"), &[("A", of("1", "PK")), ("B", of("2", "EA"))]);
    let refused = split(&order(lines), &stores).expect_err("packs are no cartons");
    let expected = [("DOCUMENT-SPLIT-WHOLE".to_owned(), "lines[1].deliveries[1].quantity.unit".to_owned())];
    assert_eq!(codes(&refused), expected);
    let message = refused[0].message();
    assert!(
        message.ends_with("expected the unit CT, as in the quantity that is divided among them, found PK"),
        "{message}"
    );
    let lines = delivered(of("3", "CT"), &[("A", of("1", "CT")), ("B", json!({ "value": "2" }))]);
    let parts = split(&order(lines), &stores).expect("cartons");
    let said: Vec<_> = parts.iter().map(|one| one.entity.list("lines")[0]["quantity"].to_string()).collect();
    assert_eq!(said, [r#"{"value":"1","unit":"CT"}"#, r#"{"value":"2","unit":"CT"}"#]);
}

/// It stops at the first place too many; that of a line is told at the line.
#[test]
fn err_a_line_for_more_places_than_there_may_be_parts() {
    let stores = rule(&["deliveries.location"], None, "{number}-{part}");
    let names: Vec<String> = (0..20_000).map(|at| format!("S{at}")).collect();
    let deliveries: Vec<_> = names.iter().map(|store| (store.as_str(), json!({ "value": "1" }))).collect();
    let lines = delivered(json!({ "value": "20000" }), &deliveries);
    let refused = split(&order(lines), &stores).expect_err("too many");
    assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-LIMIT".to_owned(), "lines[1].deliveries".to_owned())]);
    let lines = delivered(json!({ "value": PARTS_MAX.to_string() }), &deliveries[..PARTS_MAX]);
    assert_eq!(split(&order(lines), &stores).map(|parts| parts.len()), Ok(PARTS_MAX));
    // Each line has few, all together too many; and by two keys one line has.
    let lines: Vec<_> = (1..=300).map(|at| line(at, 1, Some(&format!("S{at}")))).collect();
    let refused = split(&order(json!(lines)), &rule(&["parties[role=ship_to]"], None, "{part}")).expect_err("many");
    assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-LIMIT".to_owned(), "lines".to_owned())]);
    let dates: Vec<_> = (1..=20).map(|at| json!({ "role": "delivery", "at": format!("2026-12-{at:02}") })).collect();
    let deliveries: Vec<_> =
        names[..20].iter().map(|store| json!({ "location": { "value": store }, "dates": dates })).collect();
    let line = json!([{ "number": "1", "deliveries": deliveries }]);
    let both = rule(&["deliveries.location", "deliveries.dates.at"], None, "{part}");
    let refused = split(&order(line), &both).expect_err("400 of them");
    assert_eq!(codes(&refused), [("DOCUMENT-SPLIT-LIMIT".to_owned(), "lines[1]".to_owned())]);
}

/// Each part has its own deliveries made for it, not all of them made and thrown away: before, this took as many times as
/// long as there are parts.
#[test]
fn a_long_list_is_divided_in_about_the_time_that_it_takes_to_copy_it() {
    let stores = rule(&["deliveries.location"], None, "{number}-{part}");
    let names: Vec<String> = (0..10_000).map(|at| format!("S{}", at % PARTS_MAX)).collect();
    let deliveries: Vec<_> = names.iter().map(|store| (store.as_str(), json!({ "value": "1" }))).collect();
    let whole = order(delivered(json!({ "value": "10000" }), &deliveries));
    let least = |work: &dyn Fn()| {
        let taken = (0..3).map(|_| {
            let begun = std::time::Instant::now();
            work();
            begun.elapsed()
        });
        taken.min().unwrap_or_default()
    };
    let copied = least(&|| drop(std::hint::black_box(whole.clone())));
    let divided = least(&|| assert_eq!(split(&whole, &stores).map(|parts| parts.len()), Ok(PARTS_MAX)));
    assert!(divided < copied * 100, "{divided:?} to divide what is copied in {copied:?}");
}

/// Numbers from nowhere, the same at each run.
fn dice(seed: &mut u64, sides: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % sides
}

/// A ship-to of which more may be said, and not always the same.
fn described(seed: &mut u64, id: &str) -> serde_json::Value {
    let mut described = ship_to(id);
    if dice(seed, 3) == 0 {
        described["name"] = json!([format!("Store {}", dice(seed, 2))]);
    }
    if dice(seed, 3) == 0 {
        described["address"] = json!({ "city": "Hamburg" });
    }
    described
}

/// The lines of the parts are the lines of the whole: all, none twice, in their order within each part; what was moved
/// to the header is there.
#[test]
fn the_lines_of_the_pieces_are_those_of_the_whole() {
    let mut seed = 11;
    let mut cut = 0;
    for _ in 0..400 {
        let stores = 1 + dice(&mut seed, 5);
        let count = 1 + u32::try_from(dice(&mut seed, 60)).expect("small");
        let lines: Vec<_> = (1..=count)
            .map(|at| {
                let store = dice(&mut seed, stores + 1);
                let mut line = line(at, at, (store > 0).then(|| format!("S{store}")).as_deref());
                if store > 0 {
                    line["parties"][0] = described(&mut seed, &format!("S{store}"));
                }
                line
            })
            .collect();
        let whole = order(json!(lines));
        let max = (dice(&mut seed, 2) == 0).then(|| 1 + usize::try_from(dice(&mut seed, 20)).expect("small"));
        let keys: &[&str] = if max.is_some() && dice(&mut seed, 2) == 0 { &[] } else { &["parties[role=ship_to]"] };
        let parts = split(&whole, &rule(keys, max, "{number}-{part}")).expect("parts");
        cut += usize::from(parts.len() > 1);
        let mut back: Vec<Value> = Vec::new();
        for part in &parts {
            let own = part.entity.list("lines");
            assert!(own.len() <= max.unwrap_or(usize::MAX) && !own.is_empty());
            let numbers: Vec<u32> =
                own.iter().map(|line| line["number"].as_str().expect("a number").parse().expect("one")).collect();
            assert!(numbers.windows(2).all(|two| two[0] < two[1]), "in order: {numbers:?}");
            assert_eq!(part.entity.text("totals.lines"), Some(own.len().to_string().as_str()));
            let there = part.entity.list("parties").iter().find(|one| one["role"] == "ship_to").expect("a ship-to");
            back.extend(own.iter().cloned().map(|mut line| {
                let said = whole.list("lines").iter().find(|one| one["number"] == line["number"]).expect("a line");
                let before = said["parties"].as_array().and_then(|all| all.iter().find(|one| one["role"] == "ship_to"));
                if !keys.is_empty() && before.is_some() {
                    assert_eq!(before, Some(there));
                    let fields = line.as_object_mut().expect("fields");
                    let mut parties = vec![there.clone()];
                    parties
                        .extend(fields.remove("parties").and_then(|all| all.as_array().cloned()).unwrap_or_default());
                    fields.insert("parties".into(), Value::Array(parties));
                }
                line
            }));
        }
        back.sort_by_key(|line| line["number"].as_str().and_then(|number| number.parse::<u32>().ok()));
        assert_eq!(back, whole.list("lines"));
    }
    assert!(cut > 200, "only {cut} were cut");
}

/// Where lines are divided, each delivery is in one part, and the quantities of a line in all parts are its own.
#[test]
fn the_deliveries_of_the_pieces_are_those_of_the_whole() {
    let mut seed = 5;
    for _ in 0..200 {
        let lines = (1..=1 + dice(&mut seed, 20)).map(|at| {
            let deliveries: Vec<_> = (0..1 + dice(&mut seed, 6))
                .map(|_| {
                    let (store, quantity) = (dice(&mut seed, 4), 1 + dice(&mut seed, 9));
                    json!({ "location": { "value": format!("S{store}") }, "quantity": { "value": quantity.to_string() } })
                })
                .collect();
            let sum: u64 = deliveries.iter().filter_map(|one| one["quantity"]["value"].as_str()?.parse::<u64>().ok()).sum();
            json!({ "number": at.to_string(), "quantity": { "value": sum.to_string() }, "deliveries": deliveries })
        });
        let whole = order(json!(lines.collect::<Vec<_>>()));
        let parts = split(&whole, &rule(&["deliveries.location"], None, "{number}-{key}")).expect("parts");
        let all = |entity: &Entity| -> Vec<String> {
            let of_line = |line: &Value| {
                let number = line["number"].as_str().unwrap_or_default().to_owned();
                let deliveries = line["deliveries"].as_array().cloned().unwrap_or_default();
                assert_eq!(sum(&deliveries, "quantity.value"), sum(std::slice::from_ref(line), "quantity.value"));
                deliveries.into_iter().map(move |one| format!("{number} {one}")).collect::<Vec<_>>()
            };
            entity.list("lines").iter().flat_map(of_line).collect()
        };
        let mut back: Vec<String> = parts.iter().flat_map(|part| all(&part.entity)).collect();
        let mut expected = all(&whole);
        back.sort();
        expected.sort();
        assert_eq!(back, expected);
        for part in &parts {
            let places: HashSet<_> = part
                .entity
                .list("lines")
                .iter()
                .flat_map(|line| {
                    let deliveries = line["deliveries"].as_array().cloned().unwrap_or_default();
                    deliveries.into_iter().map(|one| one["location"]["value"].to_string())
                })
                .collect();
            assert_eq!(places.len(), 1, "{}", part.entity);
        }
    }
}

fn ship_tos(value: &Map) -> Vec<Value> {
    let parties = value.get("parties").and_then(Value::as_array);
    parties.into_iter().flatten().filter(|one| one["role"] == "ship_to").cloned().collect()
}

fn id(party: &Value) -> Option<&str> {
    party["ids"][0]["value"].as_str()
}

/// Header and lines say more or less of the same places, and the header may say none or two. What the header says is still
/// said in a part, or told where it holds for none; what a line says, it says itself, or its header does.
#[test]
fn what_header_and_lines_say_of_a_key_is_said_in_the_pieces() {
    let mut seed = 23;
    let (mut refused, mut told) = (0, 0);
    for _ in 0..1000 {
        let mut header = vec![json!({ "role": "buyer" })];
        for _ in 0..dice(&mut seed, 4).min(2) {
            let store = format!("S{}", dice(&mut seed, 4));
            header.push(described(&mut seed, &store));
        }
        let silent = dice(&mut seed, 2) * 5;
        let lines: Vec<_> = (1..=1 + u32::try_from(dice(&mut seed, 8)).expect("small"))
            .map(|at| {
                let store = dice(&mut seed, 4 + silent);
                let mut line = line(at, at, (store < 4).then_some(""));
                if store < 4 {
                    line["parties"][0] = described(&mut seed, &format!("S{store}"));
                }
                line
            })
            .collect();
        let whole = order_to(json!(header), json!(lines));
        let of_header = ship_tos(&whole.fields);
        let of_lines: Vec<Vec<Value>> =
            whole.list("lines").iter().map(|line| ship_tos(line.as_object().expect("a line"))).collect();
        let values: HashSet<_> = of_header.iter().map(id).collect();
        let inherits = of_lines.iter().any(Vec::is_empty);
        let by_id = rule(&["parties[role=ship_to].ids.value"], None, "{number}-{key}");
        let parts = match split(&whole, &by_id) {
            Ok(parts) => parts,
            Err(findings) => {
                assert!(inherits && values.len() != 1, "{whole}");
                assert!(codes(&findings).iter().all(|(code, _)| code == "DOCUMENT-SPLIT-KEY"));
                refused += 1;
                continue;
            }
        };
        assert!(!inherits || values.len() == 1, "{whole}");
        for (at, one) in whole.list("parties").iter().enumerate().filter(|(_, one)| one["role"] == "ship_to") {
            let is_said = parts.iter().any(|part| ship_tos(&part.entity.fields).contains(one));
            let place = format!("parties[{}]", at + 1);
            let is_told = parts.iter().all(|part| part.findings.iter().any(|finding| finding.place == place));
            assert!(is_said != is_told, "{one} of {whole}");
            let holds = inherits || of_lines.iter().flatten().any(|line| id(line) == id(one));
            assert_eq!(is_said, holds, "{one} of {whole}");
            told += usize::from(is_told);
        }
        for part in &parts {
            let there = ship_tos(&part.entity.fields);
            assert!(there.iter().all(|one| id(one) == id(&there[0])), "one place: {}", part.entity);
            for line in part.entity.list("lines") {
                let at: usize = line["number"].as_str().expect("a number").parse().expect("one");
                let left = ship_tos(line.as_object().expect("a line"));
                let said = &of_lines[at - 1];
                assert!(said.is_empty() || id(&said[0]) == id(&there[0]), "{}", part.entity);
                let in_header = |one: &Value| {
                    let mut fields = one.as_object().into_iter().flatten();
                    fields.all(|(name, value)| there.iter().any(|there| there[name.as_ref()] == *value))
                };
                assert!(said.iter().all(|one| left.contains(one) || in_header(one)), "{} of {whole}", part.entity);
            }
        }
    }
    assert!(refused > 100 && told > 100, "{refused} refused, {told} told");
}

/// Deliveries in the unit of their line or another, of what is a number or too large for one: a line is divided where they
/// add up in its unit, else refused; nothing panics.
#[test]
fn deliveries_in_any_unit_and_of_any_size_are_divided_or_refused() {
    let mut seed = 31;
    let (mut cut, mut refused) = (0, 0);
    for _ in 0..500 {
        let (mut lines, mut expected) = (Vec::new(), Vec::new());
        for at in 1..=1 + dice(&mut seed, 4) {
            let (mut sum, mut is_fine, mut stores) = (0, true, HashSet::new());
            let deliveries: Vec<_> = (0..1 + dice(&mut seed, 6))
                .map(|_| {
                    let (store, number) = (dice(&mut seed, 4), 1 + dice(&mut seed, 9));
                    let (number, is_number) = match dice(&mut seed, 40) {
                        0 => (format!("{}0", Decimal::MAX), false),
                        1 | 2 => (Decimal::MAX.to_string(), false),
                        _ => (number.to_string(), true),
                    };
                    let mut quantity = json!({ "value": number });
                    let unit = dice(&mut seed, 30);
                    if unit < 15 {
                        quantity["unit"] = json!(if unit == 0 { "EA" } else { "CT" });
                    }
                    is_fine &= unit != 0 && is_number;
                    sum += number.parse::<u64>().unwrap_or_default();
                    stores.insert(store);
                    json!({ "location": { "value": format!("S{store}") }, "quantity": quantity })
                })
                .collect();
            if stores.len() > 1 && !is_fine {
                expected.push(format!("lines[{at}]"));
            }
            lines.push(json!({ "number": at.to_string(), "quantity": { "value": sum.to_string(), "unit": "CT" },
                "deliveries": deliveries }));
        }
        let whole = order(json!(lines));
        let findings = match split(&whole, &rule(&["deliveries.location"], None, "{number}-{key}")) {
            Ok(parts) => {
                cut += usize::from(parts.len() > 1);
                Vec::new()
            }
            Err(findings) => findings,
        };
        refused += usize::from(!findings.is_empty());
        assert!(codes(&findings).iter().all(|(code, _)| code == "DOCUMENT-SPLIT-WHOLE"));
        let places = findings.iter().map(|finding| finding.place.split_once('.').expect("below a line").0);
        assert_eq!(places.collect::<Vec<_>>(), expected, "{whole}");
    }
    assert!(cut > 100 && refused > 100, "{cut} cut, {refused} refused");
}
