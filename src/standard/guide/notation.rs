//! The notation of guides, read: places, rules and conditions. `docs/RESOURCES.md` is its manual.

use super::named::Names;
use super::{Guide, GuideCondition, GuideError, GuidePlace, GuideRule, GuideTest, Selector, Step};
use crate::diagnostic::Severity;
use crate::standard::definition::{Area, Document, Usage};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const KEYS: [&str; 7] = ["base", "title", "selects", "severity", "adds", "rules", "conditions"];
const RULE_KEYS: [&str; 7] = ["usage", "max", "codes", "length", "value", "message", "severity"];
const CONDITION_KEYS: [&str; 5] = ["each", "when", "need", "message", "severity"];

/// What is wrong so far.
#[derive(Default)]
struct Errors(Vec<GuideError>);

impl Errors {
    fn add(&mut self, key: &str, message: String) {
        self.0.push(GuideError { key: key.to_owned(), message });
    }

    /// A part that may be wrong, which is noted.
    fn note<T>(&mut self, key: &str, part: Result<T, String>) -> Option<T> {
        part.map_err(|message| self.add(key, message)).ok()
    }

    fn unknown_keys(&mut self, at: &str, value: &Value, known: &[&str]) {
        for key in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !known.contains(&key.as_str()) {
                self.add(
                    &inside(at, key),
                    format!("expected one of {}, found {key}{}", known.join(", "), meant(key, known)),
                );
            }
        }
    }
}

/// `; did you mean …?`, when a name is near.
fn meant(found: &str, known: &[&str]) -> String {
    crate::near::nearest(found, known).map_or(String::new(), |name| format!("; did you mean {name}?"))
}

/// How a guide's places are read: by numbers, or by the names of the definition.
type Ground<'d> = Option<Names<'d>>;

/// Reads a guide from its joined file; `document` is what its lowest base names. Without it only the notation is read.
pub(super) fn guide(
    name: &str,
    document: Result<Arc<Document>, String>,
    file: &Value,
) -> Result<Guide, Vec<GuideError>> {
    let mut errors = Errors::default();
    errors.unknown_keys("", file, &KEYS);
    let document = errors.note("base", document);
    let ground = document.as_ref().and_then(|document| Names::of(document.markup.as_ref()?));
    let mut rules = Vec::new();
    for (text, body) in file["rules"].as_object().into_iter().flatten() {
        rules.extend(rule(text, body, ground, &mut errors));
    }
    let mut conditions = Vec::new();
    for (name, body) in file["conditions"].as_object().into_iter().flatten() {
        conditions.extend(condition(name, body, ground, &mut errors));
    }
    let document = document.as_ref().map(|one| format!("{}/{}/{}", one.standard, one.version, one.kind));
    let own = errors.note("severity", severity(&file["severity"]));
    let guide = Guide {
        name: name.to_owned(),
        title: text(&file["title"]),
        document: document.unwrap_or_default(),
        selects: list(&file["selects"]),
        severity: own.flatten().unwrap_or(Severity::Error),
        adds: adds(&file["adds"], &mut errors),
        rules,
        conditions,
        overrides: Vec::new(),
    };
    if errors.0.is_empty() { Ok(guide) } else { Err(errors.0) }
}

/// `"4233": { 33E: marked with its serial shipping container code }`.
fn adds(file: &Value, errors: &mut Errors) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (element, codes) in file.as_object().into_iter().flatten() {
        let Some(codes) = codes.as_object() else {
            errors.add(&inside("adds", element), "expected codes with their meanings".to_owned());
            continue;
        };
        let codes = codes.iter().map(|(code, meaning)| (code.clone(), text(meaning)));
        found.insert(element.clone(), codes.collect());
    }
    found
}

/// `BEG02: required`, or `BEG02: { usage: required, codes: [SA, NE] }`.
fn rule(text: &str, body: &Value, ground: Ground<'_>, errors: &mut Errors) -> Option<GuideRule> {
    let key = inside("rules", text);
    let place = errors.note(&key, place(text, ground))?;
    let mut rule = GuideRule {
        text: text.to_owned(),
        place,
        usage: None,
        max: None,
        codes: Vec::new(),
        length: None,
        value: None,
        message: self::text(&body["message"]),
        severity: None,
    };
    if let Some(word) = body.as_str() {
        rule.usage = errors.note(&key, usage(word));
        return Some(rule);
    }
    if !body.is_object() {
        errors.add(&key, "expected required, optional, unused, or keys such as codes".to_owned());
        return None;
    }
    errors.unknown_keys(&key, body, &RULE_KEYS);
    rule.usage = body["usage"].as_str().and_then(|word| errors.note(&inside(&key, "usage"), usage(word)));
    rule.max = body["max"].as_str().and_then(|max| errors.note(&inside(&key, "max"), number(max)));
    rule.codes = list(&body["codes"]);
    rule.length = body["length"].as_str().and_then(|length| errors.note(&inside(&key, "length"), lengths(length)));
    rule.value = body["value"].as_str().map(str::to_owned);
    rule.severity = errors.note(&inside(&key, "severity"), severity(&body["severity"])).flatten();
    if rule.is_of_values() && rule.place.element == 0 && ground.is_none() {
        errors.add(&key, "codes, length and value: expected on an element, such as BEG02; found a segment".to_owned());
    }
    if rule.max.is_some() && rule.place.element != 0 {
        errors.add(&inside(&key, "max"), "expected on a segment or loop, found an element".to_owned());
    }
    Some(rule)
}

fn condition(name: &str, body: &Value, ground: Ground<'_>, errors: &mut Errors) -> Option<GuideCondition> {
    let key = inside("conditions", name);
    if !body.is_object() {
        errors.add(&key, format!("expected keys {}", CONDITION_KEYS.join(", ")));
        return None;
    }
    errors.unknown_keys(&key, body, &CONDITION_KEYS);
    let each = body["each"].as_str().map_or_else(Vec::new, |path| path.split('/').map(str::to_owned).collect());
    let ground = match ground.map(|names| names.inside(&each)) {
        Some(inner) => Some(errors.note(&key, inner)?),
        None => None,
    };
    let mut tests = |of: &str| -> Vec<GuideTest> {
        let texts = body[of].as_str().map_or_else(|| list(&body[of]), |one| vec![one.to_owned()]);
        texts.iter().filter_map(|one| errors.note(&inside(&key, of), test(one, ground))).collect()
    };
    let (when, need) = (tests("when"), tests("need"));
    if need.is_empty() && body["need"].is_null() {
        errors.add(&key, "need: expected what must hold, such as DTM[01=002] or BEG02 = SA|NE".to_owned());
    }
    let severity = errors.note(&inside(&key, "severity"), severity(&body["severity"])).flatten();
    Some(GuideCondition { name: name.to_owned(), each, when, need, message: text(&body["message"]), severity })
}

/// `PLACE`, `not PLACE`, `PLACE = A|B`, `PLACE != A|B`.
fn test(text: &str, ground: Ground<'_>) -> Result<GuideTest, String> {
    let (rest, turned) = text.strip_prefix("not ").map_or((text, false), |rest| (rest, true));
    // An equals sign inside brackets belongs to a selector.
    let outside = rest.rfind(']').map_or(0, |at| at + 1);
    let (at, values, unequal) = match rest[outside..].find('=') {
        None => (rest, Vec::new(), false),
        Some(sign) => {
            let (at, values) = (&rest[..outside + sign], &rest[outside + sign + 1..]);
            let values = values.split('|').map(|value| value.trim().to_owned()).collect();
            (at.trim_end_matches('!'), values, at.ends_with('!'))
        }
    };
    let place = place(at.trim(), ground)?;
    if !values.is_empty() && place.element == 0 && ground.is_none() {
        return Err(format!("expected an element before =, such as BEG02; found the segment {at}"));
    }
    Ok(GuideTest { text: text.to_owned(), place, values, negated: turned != unequal })
}

fn place(text: &str, ground: Ground<'_>) -> Result<GuidePlace, String> {
    ground.map_or_else(|| numbered(text), |names| names.place(text))
}

/// Reads `heading:N1[01=ST]/N3.01`, `BEG03`, `NAD.04.1`, `DTM[01.1=137]`.
fn numbered(text: &str) -> Result<GuidePlace, String> {
    let mut found = GuidePlace::default();
    let mut rest = text.trim();
    for area in Area::ALL {
        if let Some(inside) = rest.strip_prefix(area.name()).and_then(|rest| rest.strip_prefix(':')) {
            (found.area, rest) = (Some(area), inside);
        }
    }
    let mut steps: Vec<&str> = rest.split('/').collect();
    let last = steps.pop().unwrap_or_default();
    for one in steps {
        let (step, after) = step(one)?;
        if !after.is_empty() {
            return Err(format!("expected a loop's trigger before /, found {one} in {text}"));
        }
        found.loops.push(step);
    }
    let (segment, after) = step(last)?;
    found.segment = segment;
    let mut numbers = after.trim_start_matches('.').split('.').filter(|digits| !digits.is_empty()).map(|digits| {
        let number = digits.parse::<u16>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| format!("expected an element such as 03 or 03.1, found {digits} in {text}"))
    });
    found.element = numbers.next().transpose()?.unwrap_or(0);
    found.component = numbers.next().transpose()?.unwrap_or(0);
    match numbers.next() {
        None => Ok(found),
        Some(_) => Err(format!("expected TAG.ELEMENT.COMPONENT at most, found {text}")),
    }
}

/// Tag and selectors, and what follows them. In the short form the last two digits are the element: `N101` is `N1.01`.
fn step(text: &str) -> Result<(Step, &str), String> {
    let end = text.bytes().position(|byte| !byte.is_ascii_uppercase() && !byte.is_ascii_digit()).unwrap_or(text.len());
    if !text.starts_with(|first: char| first.is_ascii_uppercase()) || end < 2 {
        return Err(format!("expected a segment tag such as BEG, found {text:?}"));
    }
    let (tag, mut rest) = text.split_at(if end > 3 { end - 2 } else { end });
    let mut step = Step { tag: tag.to_owned(), selectors: Vec::new() };
    while let Some(inside) = rest.strip_prefix('[') {
        let (selector, after) = inside.split_once(']').ok_or_else(|| format!("expected a closing ] in {text}"))?;
        let parts = selector.split_once('=').and_then(|(at, values)| {
            let (element, component) = at.split_once('.').unwrap_or((at, "0"));
            let (element, component) = (element.trim().parse().ok()?, component.trim().parse().ok()?);
            let values = values.split('|').map(|value| value.trim().to_owned()).collect();
            Some(Selector { place: GuidePlace { element, component, ..GuidePlace::default() }, values })
        });
        step.selectors.push(parts.ok_or_else(|| format!("expected [ELEMENT=VALUE], found [{selector}]"))?);
        rest = after;
    }
    Ok((step, rest))
}

fn usage(word: &str) -> Result<Usage, String> {
    match word {
        "required" => Ok(Usage::Required),
        "optional" => Ok(Usage::Optional),
        "unused" => Ok(Usage::Unused),
        other => Err(format!("expected required, optional or unused, found {other}")),
    }
}

fn severity(value: &Value) -> Result<Option<Severity>, String> {
    match value.as_str() {
        None => Ok(None),
        Some("error") => Ok(Some(Severity::Error)),
        Some("warning") => Ok(Some(Severity::Warning)),
        Some("info") => Ok(Some(Severity::Info)),
        Some(other) => Err(format!("expected error, warning or info, found {other}")),
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("expected a number, found {text}"))
}

/// `1..9`, or `10` for exactly so many.
fn lengths(text: &str) -> Result<(u32, u32), String> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let (min, max) = (number(min.trim())?, number(max.trim())?);
    if min > max { Err(format!("expected FEWEST..MOST, found {text}")) } else { Ok((min, max)) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn inside(outer: &str, key: &str) -> String {
    if outer.is_empty() { key.to_owned() } else { format!("{outer}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_places() {
        let deep = numbered("heading:N1[01=ST|BT]/N3.01").expect("a place");
        assert_eq!((deep.area, deep.path().as_str(), deep.element), (Some(Area::Heading), "N1", 1));
        let [selector] = &deep.loops[0].selectors[..] else { panic!("{deep:?}") };
        assert_eq!((selector.place.element, selector.values.join(" ").as_str()), (1, "ST BT"));
        let short = numbered("N104").expect("a place");
        assert_eq!((short.segment.tag.as_str(), short.element), ("N1", 4));
        let component = numbered("NAD.04.1").expect("a place");
        assert_eq!((component.segment.tag.as_str(), component.element, component.component), ("NAD", 4, 1));
        assert_eq!(numbered("PO1").expect("a place").element, 0);
        let selected = numbered("DTM[01.1=137].01.2").expect("a place");
        assert_eq!((selected.element, selected.component), (1, 2));
    }

    #[test]
    fn ok_tests() {
        let one = test("DTM[01=002]", None).expect("a test");
        assert!(one.values.is_empty() && !one.negated);
        let other = test("BEG02 != SA|NE", None).expect("a test");
        assert!(other.values == ["SA", "NE"] && other.negated);
        assert!(test("not REF[01=DP].02 = 5", None).expect("a test").negated);
    }

    #[test]
    fn err_places() {
        for (text, part) in [
            ("beg", "a segment tag"),
            ("N1[01", "closing"),
            ("N1[x=1]", "[ELEMENT"),
            ("BEG.0", "an element"),
            ("", "tag"),
        ] {
            assert!(numbered(text).expect_err(text).contains(part), "{text}: {:?}", numbered(text));
        }
    }
}
