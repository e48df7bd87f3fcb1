//! What an answer takes from the earlier document it answers: the `origin` block of a mapping, read and applied. It is
//! a function of the two entities; where the earlier one is found is the pipeline's.

use super::notation::NotationError;
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax};
use crate::entity::{Entity, Map, Value, get, set};
use serde_json::Value as Json;

/// The `origin` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What the earlier document is: `order`.
    pub entity: String,
    /// Field of the answer with the earlier document's number; it may lie in a list, then there may be several.
    pub number: String,
    /// Field of a line with the number of the earlier document it belongs to, where there are several.
    pub line_number: Option<String>,
    /// By what a line finds the earlier line, the first that fits: a field in which the earlier line's number stands
    /// (`order.line`, `number`), or the scheme of an item's id that both have.
    pub lines: Vec<String>,
    /// Whether the answer waits when the earlier document is not known; else it goes on without it.
    pub holds: bool,
    /// What is taken.
    pub echo: Vec<Echo>,
}

/// One field that is taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Field of the answer.
    pub field: String,
    /// Where from.
    pub from: Taken,
}

/// Where a field is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// A field of the earlier document, when the answer has none; with `first`, it goes before the answer's.
    Field(String, bool),
    /// Items of the list of the same name whose key has one of the codes, when the answer has none with that code.
    Items(String, Vec<String>),
    /// The same for each item of a list: a line and the earlier line it finds, or what names an earlier document, and
    /// that document.
    Each(Vec<Echo>),
}

impl Origin {
    /// Reads the block.
    ///
    /// # Errors
    /// What is not the notation.
    pub(super) fn parse(block: &Json) -> Result<Option<Self>, NotationError> {
        let Some(object) = block.as_object() else { return Ok(None) };
        let known = ["entity", "number", "line_number", "lines", "missing", "echo"];
        if let Some(other) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(wrong(&format!("origin.{other}"), &format!("one of {}", known.join(", ")), other));
        }
        let text = |key: &str| object.get(key).and_then(Json::as_str).map(str::to_owned);
        let needed = |key: &str| text(key).ok_or_else(|| wrong("origin", key, "nothing"));
        let holds = match text("missing").as_deref() {
            Some("hold") => true,
            Some("warn") | None => false,
            Some(other) => return Err(wrong("origin.missing", "hold or warn", other)),
        };
        Ok(Some(Origin {
            entity: needed("entity")?,
            number: needed("number")?,
            line_number: text("line_number"),
            lines: text("lines").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            holds,
            echo: echoes(block.get("echo").unwrap_or(&Json::Null))?,
        }))
    }

    /// The numbers of the earlier documents that an answer names, each once.
    #[must_use]
    pub fn numbers(&self, answer: &Entity) -> Vec<String> {
        let mut found = Vec::new();
        texts(&answer.fields, &self.number, &mut found);
        let mut seen = std::collections::HashSet::new();
        found.retain(|number| seen.insert(number.clone()));
        found
    }

    /// The answer to a part of an earlier document, as one to the whole: its sender knows the part's number alone, and its
    /// receiver that of the whole. `None` where the answer names the whole by another part too, for then both would have
    /// one number.
    #[must_use]
    pub fn to_whole(&self, answer: &Entity, part: &str, whole: &str) -> Option<Entity> {
        if self.numbers(answer).iter().any(|number| number == whole) {
            return None;
        }
        let mut renamed = answer.clone();
        rename(&mut renamed.fields, &self.number, part, whole);
        if let Some(field) = &self.line_number {
            for list in ["lines", "packages"] {
                rename(&mut renamed.fields, &format!("{list}.{field}"), part, whole);
            }
        }
        Some(renamed)
    }

    /// The finding that the earlier document of this number is not there.
    #[must_use]
    pub fn missing(&self, number: &str) -> Diagnostic {
        let severity = if self.holds { Severity::Error } else { Severity::Warning };
        let expected = format!("an {} of that number from the partner", self.entity);
        finding(Fault::OriginMissing, &self.number, expected, number).severity(severity)
    }

    /// The answer with what it takes from the earlier documents, and findings about lines that find none.
    #[must_use]
    pub fn apply(&self, answer: &Entity, origins: &[Entity]) -> (Entity, Vec<Diagnostic>) {
        let (mut echoed, mut findings) = (answer.clone(), Vec::new());
        // What stands once in an answer to several documents is taken from none of them.
        if let [origin] = origins {
            take(&self.echo, &mut echoed.fields, &origin.fields);
        }
        let lists = self.echo.iter().filter_map(|echo| match &echo.from {
            Taken::Each(inner) => Some((&echo.field, inner)),
            _ => None,
        });
        for (field, inner) in lists {
            let Some(Value::Array(items)) = echoed.fields.get_mut(field) else { continue };
            // In `orders[]` of `orders.number` each item is an earlier document, in other lists a line of one.
            let number = self.number.strip_prefix(field).and_then(|rest| rest.strip_prefix('.'));
            for (at, item) in items.iter_mut().enumerate() {
                let Some(item) = item.as_object_mut() else { continue };
                let earlier = match number.map(|number| get(item, number).and_then(Value::as_str)) {
                    Some(number) => origins.iter().find(|one| one.text("number") == number).map(|one| &one.fields),
                    None => origins.iter().find_map(|origin| self.line(item, origin, field)),
                };
                match earlier {
                    Some(earlier) => take(inner, item, earlier),
                    // A document that is not known is told by its number.
                    None if origins.is_empty() || number.is_some() => {}
                    None => {
                        let numbers: Vec<_> = origins.iter().filter_map(|origin| origin.text("number")).collect();
                        let expected =
                            format!("a line of {} {} by {}", self.entity, numbers.join(", "), self.lines.join(", "));
                        findings.push(finding(Fault::OriginLine, &format!("{field}[{}]", at + 1), expected, "none"));
                    }
                }
            }
        }
        (echoed, findings)
    }

    /// The earlier line that a line finds in one earlier document: by the first of the ways by which any fits.
    fn line<'o>(&self, line: &Map, origin: &'o Entity, field: &str) -> Option<&'o Map> {
        let own = self.line_number.as_ref().and_then(|field| get(line, field)).and_then(Value::as_str);
        if own.is_some_and(|own| origin.text("number") != Some(own)) {
            return None;
        }
        let fits = |by: &str, earlier: &Map| match get(line, by) {
            // The answer's own numbering may agree by chance: another item is another line.
            Some(number) => earlier.get("number") == Some(number) && (by != "number" || !is_other_item(line, earlier)),
            None => ids(line, by).any(|one| ids(earlier, by).any(|other| one == other)),
        };
        let earlier = || origin.list(field).iter().filter_map(Value::as_object);
        self.lines.iter().find_map(|by| earlier().find(|earlier| fits(by, earlier)))
    }
}

/// Whether both lines name their item in one scheme, and not the same.
fn is_other_item(line: &Map, earlier: &Map) -> bool {
    let all = get(line, "item.ids").and_then(Value::as_array).into_iter().flatten();
    let mut schemes = all.filter_map(|id| id["scheme"].as_str());
    schemes.any(|scheme| {
        let own: Vec<_> = ids(line, scheme).collect();
        let mut others = ids(earlier, scheme).peekable();
        others.peek().is_some() && !others.any(|other| own.contains(&other))
    })
}

/// The ids of a line's item in one scheme, a GTIN as its fourteen digits.
fn ids<'l>(line: &'l Map, scheme: &'l str) -> impl Iterator<Item = String> + 'l {
    let all = get(line, "item.ids").and_then(Value::as_array).into_iter().flatten();
    all.filter(move |id| id["scheme"] == scheme)
        .filter_map(|id| id["value"].as_str())
        .map(move |value| if scheme == "gtin" { format!("{value:0>14}") } else { value.to_owned() })
}

fn take(echoes: &[Echo], fields: &mut Map, earlier: &Map) {
    for echo in echoes {
        match &echo.from {
            Taken::Field(from, first) => {
                if let (Some(value), true) = (get(earlier, from), *first || get(fields, &echo.field).is_none()) {
                    set(fields, &echo.field, value.clone());
                }
            }
            Taken::Items(key, codes) => items(fields, earlier, &echo.field, key, codes),
            Taken::Each(_) => {}
        }
    }
}

fn items(fields: &mut Map, earlier: &Map, list: &str, key: &str, codes: &[String]) {
    let there = get(fields, list).and_then(Value::as_array).cloned().unwrap_or_default();
    let wanted = |item: &&Value| item[key].as_str().is_some_and(|code| codes.iter().any(|one| one == code));
    let is_new = |item: &&Value| !there.iter().any(|own| own[key] == item[key]);
    let earlier = get(earlier, list).and_then(Value::as_array).into_iter().flatten();
    let more: Vec<_> = earlier.filter(wanted).filter(is_new).cloned().collect();
    if !more.is_empty() {
        set(fields, list, Value::Array(there.iter().cloned().chain(more).collect()));
    }
}

/// All texts at a path that may go through lists.
fn texts(fields: &Map, path: &str, found: &mut Vec<String>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(value) = fields.get(first) else { return };
    for item in value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice) {
        match (rest, item) {
            (None, Value::String(text)) => found.push(text.to_string()),
            (Some(rest), Value::Object(inner)) => texts(inner, rest, found),
            _ => {}
        }
    }
}

/// Puts another text for one at a path that may go through lists.
fn rename(fields: &mut Map, path: &str, from: &str, to: &str) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(value) = fields.get_mut(first) else { return };
    let items = if let Value::Array(items) = value { items.as_mut_slice() } else { std::slice::from_mut(value) };
    for item in items {
        match (rest, item) {
            (None, Value::String(text)) if text == from => *text = to.into(),
            (Some(rest), Value::Object(inner)) => rename(inner, rest, from, to),
            _ => {}
        }
    }
}

/// `field: origin_field`, `field: first origin_field`, `list[]: key = a|b`, `lines[]: { … }`.
fn echoes(block: &Json) -> Result<Vec<Echo>, NotationError> {
    let one = |(key, value): (&String, &Json)| {
        let (field, is_list) = key.strip_suffix("[]").map_or((key.as_str(), false), |field| (field, true));
        let from = match (value, is_list) {
            (Json::String(text), false) => match text.strip_prefix("first ") {
                Some(from) => Taken::Field(from.trim().to_owned(), true),
                None => Taken::Field(text.clone(), false),
            },
            (Json::String(text), true) => {
                let (by, codes) = text.split_once('=').ok_or_else(|| wrong(key, "KEY = CODE|CODE", text))?;
                Taken::Items(by.trim().to_owned(), codes.split('|').map(|code| code.trim().to_owned()).collect())
            }
            (inner @ Json::Object(_), true) => Taken::Each(echoes(inner)?),
            (other, _) => return Err(wrong(key, "a field of the earlier document", &other.to_string())),
        };
        Ok(Echo { field: field.to_owned(), from })
    };
    block.as_object().into_iter().flatten().map(one).collect()
}

fn wrong(place: &str, expected: &str, found: &str) -> NotationError {
    NotationError { place: place.to_owned(), expected: expected.to_owned(), found: found.to_owned() }
}

fn finding(fault: Fault, place: &str, expected: String, found: &str) -> Diagnostic {
    let mut finding = Diagnostic::new(Syntax::Document, fault).because(expected, found);
    place.clone_into(&mut finding.place);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn origin(more: &str) -> Origin {
        let text = format!(
            "entity: order\nnumber: order.number\nlines: order.line gtin buyer number\n{more}echo:\n  currency: currency\n  \
             references[]: kind = department|promotion\n  lines[]:\n    order.line: first number\n    price: price\n    \
             item.ids[]: scheme = buyer\n"
        );
        let block = crate::yaml::document(&text).expect("YAML").to_json();
        Origin::parse(&block).expect("the notation").expect("a block")
    }

    fn entity(kind: &str, mut fields: Value) -> Entity {
        fields["type"] = kind.into();
        Entity::from_json(&fields).expect("an entity")
    }

    fn order() -> Entity {
        let item = |gtin: &str, buyer: &str| json!({ "ids": [{ "scheme": "gtin", "value": gtin }, { "scheme": "buyer", "value": buyer }] });
        entity(
            "order",
            json!({ "number": "4711", "currency": "EUR",
                "references": [{ "kind": "department", "id": "038" }, { "kind": "quotation", "id": "Q" }],
                "lines": [{ "number": "10", "price": { "amount": "4.25" }, "item": item("012345678905", "90017") },
                    { "number": "20", "price": { "amount": "31.50" }, "item": item("4000862141404", "90018") }] }),
        )
    }

    #[test]
    fn an_answer_takes_what_it_lacks() {
        let answer = entity(
            "order_response",
            json!({ "order": { "number": "4711" }, "references": [{ "kind": "promotion", "id": "SPRING" }],
                "lines": [{ "number": "1", "item": { "ids": [{ "scheme": "gtin", "value": "00012345678905" }] } },
                    { "number": "2", "order": { "line": "20" }, "price": { "amount": "30" } }] }),
        );
        let (echoed, findings) = origin("").apply(&answer, &[order()]);
        assert_eq!(findings, []);
        assert_eq!(echoed.text("currency"), Some("EUR"));
        let kinds: Vec<_> = echoed.list("references").iter().filter_map(|one| one["kind"].as_str()).collect();
        assert_eq!(kinds, ["promotion", "department"]);
        let lines = echoed.list("lines");
        assert_eq!([&lines[0]["order"]["line"], &lines[0]["price"]["amount"]], ["10", "4.25"]);
        assert_eq!(
            lines[0]["item"]["ids"][1],
            crate::entity::Value::from(json!({ "scheme": "buyer", "value": "90017" }))
        );
        assert_eq!([&lines[1]["order"]["line"], &lines[1]["price"]["amount"]], ["20", "30"]);
    }

    #[test]
    fn an_answer_to_a_part_becomes_one_to_the_whole() {
        let block = json!({ "entity": "order", "number": "orders.number", "line_number": "order.number", "echo": {} });
        let origin = Origin::parse(&block).expect("the notation").expect("a block");
        let answer = |other: &str| {
            let lines = json!([{ "order": { "number": "4711-2" } }, { "order": { "number": other } }]);
            let orders = json!([{ "number": "4711-2" }, { "number": other }]);
            entity("despatch_advice", json!({ "orders": orders, "lines": lines }))
        };
        let renamed = origin.to_whole(&answer("4800"), "4711-2", "4711").expect("an answer");
        assert_eq!(origin.numbers(&renamed), ["4711", "4800"]);
        let of_lines: Vec<_> = renamed.list("lines").iter().map(|line| line["order"]["number"].clone()).collect();
        assert_eq!(of_lines, ["4711", "4800"]);
        assert_eq!(origin.to_whole(&answer("4711"), "4711-2", "4711"), None, "two orders would have one number");
    }

    #[test]
    fn err_a_line_finds_none() {
        let answer = entity("order_response", json!({ "order": { "number": "4711" }, "lines": [{ "number": "7" }] }));
        let (echoed, findings) = origin("").apply(&answer, &[order()]);
        assert_eq!(echoed.list("lines"), answer.list("lines"));
        assert_eq!(
            findings.iter().map(Diagnostic::message).collect::<Vec<_>>(),
            [
                "lines[1]: line not found in the earlier document: expected a line of order 4711 by order.line, gtin, buyer, \
              number, found none"
            ]
        );
    }

    #[test]
    fn a_number_that_agrees_by_chance_is_another_line() {
        let line = |gtin: &str| json!({ "number": "20", "item": { "ids": [{ "scheme": "gtin", "value": gtin }] } });
        let answer =
            |gtin: &str| entity("order_response", json!({ "order": { "number": "4711" }, "lines": [line(gtin)] }));
        let told = |gtin: &str| origin("").apply(&answer(gtin), &[order()]).1.len();
        assert_eq!((told("96385074"), told("04000862141404")), (1, 0));
        let bare = entity("order_response", json!({ "order": { "number": "4711" }, "lines": [{ "number": "20" }] }));
        assert_eq!(origin("").apply(&bare, &[order()]).0.list("lines")[0]["order"]["line"], "20");
    }

    #[test]
    fn several_orders_are_told_apart_by_the_lines_own() {
        let mut other = order().to_json();
        other["number"] = "4712".into();
        other["lines"][0]["price"]["amount"] = "5.00".into();
        let other = Entity::from_json(&other).expect("an order");
        let answer = entity(
            "order_response",
            json!({ "order": { "number": "4711" }, "lines": [{ "of": "4712", "order": { "line": "10" } }, { "of": "4711", "order": { "line": "10" } }] }),
        );
        let (echoed, findings) = origin("line_number: of\n").apply(&answer, &[order(), other]);
        assert_eq!((findings, echoed.text("currency")), (Vec::new(), None));
        let prices: Vec<_> = echoed.list("lines").iter().map(|line| line["price"]["amount"].clone()).collect();
        assert_eq!(prices, ["5.00", "4.25"]);
    }

    #[test]
    fn a_list_that_names_the_orders_takes_from_each() {
        let mut other = order();
        other.fields.insert("number".into(), "4712".into());
        other.fields.insert("issued".into(), "2026-11-20".into());
        let block =
            json!({ "entity": "order", "number": "orders.number", "echo": { "orders[]": { "issued": "issued" } } });
        let origin = Origin::parse(&block).expect("the notation").expect("a block");
        let answer = json!({ "orders": [{ "number": "4713" }, { "number": "4712" }, { "number": "4711" }] });
        let (echoed, findings) = origin.apply(&entity("despatch_advice", answer), &[order(), other]);
        assert_eq!(findings, []);
        let days: Vec<_> = echoed.list("orders").iter().map(|order| order["issued"].as_str()).collect();
        assert_eq!(days, [None, Some("2026-11-20"), None]);
    }

    #[test]
    fn err_unknown_order_and_notation() {
        let held = origin("missing: hold\n").missing("4711");
        assert_eq!((held.severity, held.code().as_str()), (Severity::Error, "DOCUMENT-ORIGIN-MISSING"));
        assert_eq!(origin("missing: warn\n").missing("4711").severity, Severity::Warning);
        let wrong = |block: Value| Origin::parse(&block).expect_err("wrong").to_string();
        assert!(wrong(json!({ "entity": "order" })).contains("expected number"));
        assert!(wrong(json!({ "of": "order" })).contains("one of entity, number"));
        assert!(wrong(json!({ "entity": "order", "number": "n", "missing": "drop" })).contains("hold or warn"));
    }
}
