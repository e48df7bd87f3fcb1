//! `portolan guide render`: the printed guide: the order of segments, then each with its elements, codes, conditions and
//! an example.

use super::page::{Block, html, markdown};
use super::{Side, example};
use crate::cli::explain::times;
use crate::cli::{Exit, input};
use crate::diagnostic::Syntax;
use crate::standard::definition::Usage;
use crate::standard::guide::{Guide, GuideCondition, GuideTest};
use crate::standard::outline::{Entry, Level};
use crate::tree::Separators;

/// Codes written out; longer lists of the standard are only counted.
const CODES_MAX: usize = 16;

pub fn render(side: &Side, as_html: bool, as_json: bool) -> anyhow::Result<Exit> {
    let entries = side.outline();
    if as_json {
        input::print_json(&serde_json::to_value(&entries)?)?;
        return Ok(Exit::Ok);
    }
    let title = title(side);
    let blocks = blocks(side, &title, &entries);
    let page = if as_html { html(&title, &blocks) } else { markdown(&blocks) };
    input::print(page.as_bytes())?;
    Ok(Exit::Ok)
}

fn title(side: &Side) -> String {
    let document = &side.document;
    match side.guide.as_ref().filter(|guide| !guide.title.is_empty()) {
        Some(guide) => guide.title.clone(),
        None => format!("{} {}", document.kind, document.name),
    }
}

fn blocks(side: &Side, title: &str, entries: &[Entry]) -> Vec<Block> {
    let document = &side.document;
    let mut blocks = vec![Block::Heading(1, title.to_owned())];
    let standard = format!("{}/{}/{} {}", document.standard, document.version, document.kind, document.name);
    match &side.guide {
        None => blocks.push(Block::Text(format!("The standard's own definition of {standard}."))),
        Some(guide) => about(guide, &standard, &mut blocks),
    }
    blocks.push(Block::Heading(2, "Order of segments".to_owned()));
    blocks.push(Block::Lines(tree(entries)));
    if let Some(guide) = side.guide.as_ref().filter(|guide| !guide.conditions.is_empty()) {
        blocks.push(Block::Heading(2, "Conditions of this guide".to_owned()));
        blocks.push(Block::List(guide.conditions.iter().map(condition).collect()));
    }
    blocks.push(Block::Heading(2, "Segments".to_owned()));
    let separators = match Syntax::of(&document.standard) {
        Syntax::X12 => Some(Separators::X12),
        Syntax::Edifact => Some(Separators::EDIFACT),
        Syntax::Xml | Syntax::Document => None,
    };
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| is_segment(entry)) {
        let parts: Vec<&Entry> = entries[index + 1..].iter().take_while(|one| !is_segment(one)).collect();
        if entry.usage != Usage::Unused {
            segment(entry, &parts, &document.kind, separators.as_ref(), &mut blocks);
        }
    }
    blocks
}

fn about(guide: &Guide, standard: &str, blocks: &mut Vec<Block>) {
    let mut points = vec![format!("narrows {standard}")];
    if !guide.selects.is_empty() {
        points.push(format!("chosen by envelopes that say {}", guide.selects.join(" or ")));
    }
    points.extend(guide.overrides.iter().map(|change| format!("changes its base: {change}")));
    blocks.push(Block::Text(format!("Guide {}.", guide.name)));
    blocks.push(Block::List(points));
}

fn is_segment(entry: &Entry) -> bool {
    matches!(entry.level, Level::Loop | Level::Segment)
}

fn tree(entries: &[Entry]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut area = "";
    for entry in entries.iter().filter(|entry| is_segment(entry)) {
        let own = entry.place.split(':').next().unwrap_or_default();
        if own != area {
            area = own;
            lines.push(area.to_owned());
        }
        let indent = "  ".repeat(entry.depth + 1);
        let what = if entry.level == Level::Loop { format!("{} loop", entry.id) } else { entry.id.clone() };
        let usage = if entry.usage == Usage::Unused { "not used" } else { entry.usage.name() };
        let times = if entry.usage == Usage::Unused { String::new() } else { times(entry.max) };
        let left = format!("{indent}{what}");
        lines.push(format!("{left:24} {usage:12} {times:24} {}", entry.name).trim_end().to_owned());
    }
    lines
}

/// One segment with its elements, and an example of it where the standard has segments.
fn segment(entry: &Entry, parts: &[&Entry], kind: &str, separators: Option<&Separators>, blocks: &mut Vec<Block>) {
    let begins = if entry.level == Level::Loop { " (begins its loop)" } else { "" };
    blocks.push(Block::Heading(3, format!("{} {}{begins}", entry.place, entry.name)));
    let what = if entry.level == Level::Loop { "The loop is" } else { "It is" };
    blocks.push(Block::Text(format!("{what} {}, {}.", entry.usage.name(), times(entry.max))));
    if !entry.asked.is_empty() {
        blocks.push(Block::List(entry.asked.iter().map(|asked| format!("guide: {asked}")).collect()));
    }
    let rows = parts.iter().filter(|part| part.usage != Usage::Unused || !part.asked.is_empty()).map(|part| row(part));
    blocks.push(Block::Table(vec!["place", "no.", "name", "usage", "form", "values"], rows.collect()));
    if !entry.conditions.is_empty() {
        blocks.push(Block::List(entry.conditions.clone()));
    }
    if let Some(separators) = separators {
        blocks.push(Block::Lines(vec![example::segment(&entry.id, parts, kind, separators)]));
    }
}

fn row(part: &Entry) -> Vec<String> {
    let place = part.place.split_once('.').map_or(part.place.as_str(), |(_, number)| number);
    let usage = if part.usage == Usage::Unused { "not used".to_owned() } else { part.usage.name().to_owned() };
    let usage = match part.max {
        Some(max) if max > 1 => format!("{usage}, {}", times(Some(max))),
        _ => usage,
    };
    let mut values: Vec<String> = match part.codes.len() {
        0 => Vec::new(),
        count if count > CODES_MAX => vec![format!("{count} codes of the standard")],
        _ => part.codes.iter().map(|(code, meaning)| format!("{code} {meaning}").trim_end().to_owned()).collect(),
    };
    values.extend(part.asked.iter().map(|asked| format!("guide: {asked}")));
    let name = if part.level == Level::Component { format!("– {}", part.name) } else { part.name.clone() };
    vec![place.to_owned(), part.id.clone(), name, usage, part.form.clone(), values.join("\n")]
}

/// A condition of a guide as a sentence.
pub fn condition(condition: &GuideCondition) -> String {
    let joined = |tests: &[GuideTest]| tests.iter().map(|test| test.text.as_str()).collect::<Vec<_>>().join(" and ");
    let each =
        if condition.each.is_empty() { String::new() } else { format!("in each {}, ", condition.each.join("/")) };
    let when = if condition.when.is_empty() { String::new() } else { format!("when {}, ", joined(&condition.when)) };
    let message = if condition.message.is_empty() { String::new() } else { format!(" ({})", condition.message) };
    format!("{}: {each}{when}there must be {}{message}", condition.name, joined(&condition.need))
}
