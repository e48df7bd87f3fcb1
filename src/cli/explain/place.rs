//! `portolan explain x12/004010/850 PO1.04`: what may stand at a place, as the printed guide would say.

use super::words::times;
use crate::cli::paint::{Paint, Tone, counted};
use crate::cli::{Exit, input};
use crate::diagnostic::Syntax;
use crate::engine::Rules;
use crate::mapping;
use crate::pipeline::explain::{Described, DescribedElement, describe};
use std::collections::BTreeSet;

/// Codes printed when a whole segment is asked for; one element gets all of its codes.
const CODES_MAX: usize = 6;

pub fn run(rules: &Rules, name: &str, place: Option<&str>, as_json: bool, paint: Paint) -> anyhow::Result<Exit> {
    let known = rules.library.list();
    let Some([standard, version, kind]) = known.iter().find(|parts| parts.join("/").eq_ignore_ascii_case(name)) else {
        let names: Vec<_> = known.iter().map(|parts| parts.join("/")).collect();
        eprintln!("portolan explain: {name}: neither a file nor a document type{}", crate::near::hint(name, &names));
        return Ok(Exit::NotFound);
    };
    if Syntax::of(standard) == Syntax::Xml {
        eprintln!(
            "portolan explain: {name} has elements, and places are those of segments; `portolan standards show {name}` \
             prints it, and `portolan explain FILE` what a document says"
        );
        return Ok(Exit::Usage);
    }
    let Some(text) = place else {
        eprintln!(
            "portolan explain: say a place, such as `portolan explain {name} {}`; \
            `portolan standards show {name}` prints the whole",
            if Syntax::of(standard) == Syntax::X12 { "PO1.04" } else { "LIN/PRI" }
        );
        return Ok(Exit::Usage);
    };
    let at = match mapping::place(text) {
        Ok(at) if !at.tag.is_empty() => at,
        _ => {
            eprintln!("portolan explain: {text}: expected a place such as PO1.04, N101, NAD.03.1 or LIN/PRI");
            return Ok(Exit::Usage);
        }
    };
    let found = describe(rules, [standard, version, kind], &at)?;
    if found.iter().all(|one| at.elements.0 > 0 && one.elements.is_empty()) {
        eprintln!("portolan explain: {standard}/{version}/{kind} has no place {text}");
        return Ok(Exit::NotFound);
    }
    if as_json {
        input::print_json(&serde_json::to_value(&found)?)?;
    } else {
        let mut told = BTreeSet::new();
        let all = found.iter().map(|one| described(one, at.elements.0 > 0, &mut told, paint));
        input::print(all.collect::<Vec<_>>().join("\n").as_bytes())?;
    }
    Ok(Exit::Ok)
}

/// `told` are the elements whose codes were printed already, in another home of the segment.
fn described(one: &Described, is_element: bool, told: &mut BTreeSet<String>, paint: Paint) -> String {
    let place =
        if one.loop_path.is_empty() { one.area.to_owned() } else { format!("{}, loop {}", one.area, one.loop_path) };
    let label = if one.label.is_empty() { String::new() } else { format!(" ({})", one.label) };
    let what = if one.is_trigger { "begins its loop: " } else { "" };
    let mut text = format!("{}  {}\n", paint.dye(Tone::Strong, &format!("{}  {}", one.tag, one.name)), one.source);
    text.push_str(&format!("  {place}{label}; {what}{}, {}\n", one.usage, times(one.max)));
    for element in &one.elements {
        let is_new = element.codes.is_empty() || told.insert(element.id.clone());
        let most = if is_element { usize::MAX } else { CODES_MAX };
        text.push_str(&element_words(element, if is_new { Some(most) } else { None }, paint));
    }
    for rule in &one.rules {
        text.push_str(&format!("  rule {}: {} ({})\n", rule.rule, rule.words, rule.source));
    }
    text
}

/// `shown` codes at most; `None`: they were told before.
fn element_words(one: &DescribedElement, shown: Option<usize>, paint: Paint) -> String {
    let indent = if one.component > 0 { "    " } else { "  " };
    let repeats = if one.max > 1 { format!(", {}", times(Some(one.max))) } else { String::new() };
    let place = paint.dye(Tone::Place, &one.place);
    let mut text = format!("{indent}{place} {} [{}]: {}, {}{repeats}\n", one.name, one.id, one.usage, one.form);
    for rule in &one.fields {
        let pipe: String = rule.functions.iter().map(|function| format!(" | {function}")).collect();
        text.push_str(&format!("{indent}  → {}  ({}{pipe})\n", paint.dye(Tone::Place, &rule.field), rule.rule));
    }
    let Some(shown) = shown else {
        text.push_str(&format!("{indent}  {} as above\n", counted(one.codes.len(), "code")));
        return text;
    };
    for (code, meaning) in one.codes.iter().take(shown) {
        text.push_str(&format!("{indent}  {code:6} {meaning}\n"));
    }
    if one.codes.len() > shown {
        text.push_str(&format!("{indent}  … {} codes in all\n", one.codes.len()));
    }
    text
}
