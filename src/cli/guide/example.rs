//! An example of a segment as a guide leaves it: what must be there and what the guide names, filled with values of the
//! right form. It shows the shape, not a business case.

use crate::standard::definition::Usage;
use crate::standard::outline::{Entry, Level};
use crate::tree::Separators;

/// Characters of a made-up text, at most.
const TEXT_MAX: usize = 12;

/// The segment with its terminator; `parts` are its elements and components in order, `kind` the document type.
#[must_use]
pub fn segment(tag: &str, parts: &[&Entry], kind: &str, separators: &Separators) -> String {
    let (element, component) = (char::from(separators.element), char::from(separators.component));
    let mut values: Vec<String> = Vec::new();
    for (index, part) in parts.iter().enumerate().filter(|(_, part)| part.level == Level::Element) {
        let inner: Vec<_> = parts[index + 1..].iter().take_while(|one| one.level == Level::Component).collect();
        let is_shown = is_shown(part) || inner.iter().any(|one| !one.asked.is_empty());
        let value = match (is_shown, inner.as_slice()) {
            (false, _) => String::new(),
            (true, []) => value(part, kind),
            (true, inner) => {
                let filled = inner.iter().enumerate().map(|(at, one)| {
                    // The first component is what a composite is about.
                    if at == 0 || self::is_shown(one) { value(one, kind) } else { String::new() }
                });
                let joined = filled.collect::<Vec<_>>().join(&component.to_string());
                joined.trim_end_matches(component).to_owned()
            }
        };
        values.push(value);
    }
    let whole: String = values.iter().map(|value| format!("{element}{value}")).collect();
    format!("{tag}{}{}", whole.trim_end_matches(element), char::from(separators.segment))
}

fn is_shown(part: &Entry) -> bool {
    part.usage == Usage::Required || (!part.asked.is_empty() && part.usage != Usage::Unused)
}

fn value(part: &Entry, kind: &str) -> String {
    if part.codes.contains_key(kind) {
        return kind.to_owned();
    }
    if let Some(code) = part.codes.keys().next() {
        return code.clone();
    }
    let (form, lengths) = part.form.rsplit_once(' ').unwrap_or((part.form.as_str(), "1..1"));
    let (min, max) = lengths.split_once("..").unwrap_or(("1", "1"));
    let (min, max) = (min.parse::<usize>().unwrap_or(1).max(1), max.parse::<usize>().unwrap_or(1));
    let sample = match form {
        "date" if max >= 8 => "20260131",
        "date" => "260131",
        "time" => "0915",
        "number" => "12",
        _ if form.starts_with("implied") => "1",
        _ => "ABCDEFGHIJKL",
    };
    let digit = form == "number" || form.starts_with("implied");
    let cut: String = sample.chars().take(max.min(TEXT_MAX)).collect();
    match (cut.chars().count() < min, digit) {
        (true, true) => format!("{cut:0>min$}"),
        (true, false) => format!("{cut:X<min$}"),
        (false, _) => cut,
    }
}
