//! An explanation for people: a heading a segment, two lines a value.

use super::entity_of;
use crate::cli::paint::{Paint, Tone, counted, spaced};
use crate::codec::segment::DocumentReport;
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::explain::{
    Became, ChangePart, ElementPart, Explanation, FieldChange, FieldPart, PartOf, RulePart, SegmentPart, StepPart,
};

/// Columns before a value's own lines.
const INDENT: &str = "       ";
/// Characters of a segment printed as it stands.
const TEXT_MAX: usize = 100;

/// Changes of a step that are printed; all are in the JSON.
const CHANGES_MAX: usize = 20;
/// Changes of one field, and places where it was written, that are printed.
const PLACES_MAX: usize = 6;
/// Items of a document of a split, or runs of them, that are printed.
const RUNS_MAX: usize = 20;

/// Collects the text.
pub struct Words {
    paint: Paint,
    text: String,
}

impl Words {
    /// Begins.
    pub fn new(paint: Paint) -> Self {
        Words { paint, text: String::new() }
    }

    /// The text made since last asked.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// A document.
    pub fn document(&mut self, control: &str, report: &DocumentReport, explanation: &Explanation) {
        let Explanation { standard, version, kind, name, .. } = explanation;
        let errors = report.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        let verdict = match errors {
            0 => self.paint.dye(Tone::Good, "valid"),
            errors => self.paint.dye(Tone::Bad, &counted(errors, "error")),
        };
        let title = self.paint.dye(Tone::Strong, &format!("document {control} {standard}/{version}/{kind} {name}"));
        self.text.push_str(&format!("{title}{}: {verdict}\n", entity_of(explanation)));
        explanation.steps.iter().for_each(|step| self.step(step));
        explanation.documents.iter().for_each(|part| self.part(part));
        let mut area = None;
        for part in &explanation.segments {
            if let Some(new) = part.area.filter(|new| area != Some(*new)) {
                area = Some(new);
                self.text.push_str(&format!("{}\n", self.paint.dye(Tone::Faint, new)));
            }
            self.segment(part);
        }
        self.findings(&explanation.report, "  ");
    }

    /// A document whose definition is not there.
    pub fn unknown(&mut self, control: &str, faults: &[Diagnostic]) {
        let title = self.paint.dye(Tone::Strong, &format!("document {control}"));
        self.text.push_str(&format!("{title}: no definition\n"));
        self.findings(faults, "  ");
    }

    /// Segments of the envelope.
    pub fn envelope(&mut self, segments: &[SegmentPart]) {
        segments.iter().for_each(|part| self.segment(part));
    }

    fn segment(&mut self, part: &SegmentPart) {
        let depth = part.loop_path.split('/').filter(|step| !step.is_empty()).count();
        let indent = "  ".repeat(depth);
        let margin = self.paint.dye(Tone::Faint, &format!("{:>6}", part.line));
        let title = self.paint.dye(Tone::Strong, &format!("{}  {}", part.place, part.name));
        let usage = match usage_of(part) {
            usage if usage.is_empty() => usage,
            usage => self.paint.dye(Tone::Faint, &format!("  {usage}")),
        };
        self.text.push_str(&format!("{margin} {indent}{title}{usage}\n"));
        let shown: String = part.text.chars().map(|c| if c.is_control() { '·' } else { c }).take(TEXT_MAX).collect();
        let cut = if part.text.chars().count() > TEXT_MAX { "…" } else { "" };
        self.text.push_str(&format!("{INDENT}{indent}{}\n", self.paint.dye(Tone::Faint, &format!("{shown}{cut}"))));
        let inner = format!("{INDENT}{indent}  ");
        part.elements.iter().for_each(|element| self.element(element, &inner));
        part.asked.iter().for_each(|asked| self.asked(asked, &inner));
        part.rules.iter().for_each(|rule| self.rule(rule, &inner));
        self.findings(&part.findings, &inner);
    }

    fn element(&mut self, part: &ElementPart, indent: &str) {
        let number = part.place.rsplit_once('.').map_or("", |_| &part.place[part.place.find('.').unwrap_or(0)..]);
        let value = match (part.value.is_empty(), &part.meaning) {
            (true, _) => self.paint.dye(Tone::Bad, "(nothing)"),
            (false, None) => quoted(&part.value),
            (false, Some(meaning)) => format!("{} = {meaning}", quoted(&part.value)),
        };
        // The tables of service segments have no names of components.
        let name = match (part.name.as_str(), part.id.as_str()) {
            ("", "") => "(not in the definition)".to_owned(),
            ("", id) => format!("element {id}"),
            (name, _) => name.to_owned(),
        };
        let number = self.paint.dye(Tone::Place, number);
        self.text.push_str(&format!("{indent}{number} {name}: {value}\n"));
        let mut facts = Vec::new();
        if let Some(usage) = part.usage {
            // Elements of XML have no numbers.
            let source = format!("{} {}", part.source, part.id);
            let said = format!("{usage}, {} ({})", part.form, source.trim_end());
            facts.push(self.paint.dye(Tone::Faint, &said));
        }
        facts.extend(part.fields.iter().map(|field| self.field(field)));
        if !facts.is_empty() {
            self.text.push_str(&format!("{indent}    {}\n", facts.join("  ")));
        }
        part.asked.iter().for_each(|asked| self.asked(asked, &format!("{indent}    ")));
        self.findings(&part.findings, &format!("{indent}    "));
    }

    fn asked(&mut self, asked: &str, indent: &str) {
        self.text.push_str(&format!("{indent}{}\n", self.paint.dye(Tone::Faint, asked)));
    }

    fn field(&self, part: &FieldPart) -> String {
        let arrow = if part.is_value { "→ " } else { "tells " };
        let field = self.paint.dye(Tone::Place, &part.field);
        let changed = shortened(part.changed.iter().map(change_of_field).collect(), " · ");
        let changed = if changed.is_empty() { changed } else { format!(" · {changed}") };
        format!("{arrow}{field}{changed}{}", became(&part.became))
    }

    /// A step of a transformation or a split, and what it changed.
    fn step(&mut self, step: &StepPart) {
        let place = if step.place.is_empty() { String::new() } else { format!(" ({})", step.place) };
        let title = self.paint.dye(Tone::Strong, &step.by);
        let done = match (&step.dropped, step.changes.is_empty() && step.findings.is_empty()) {
            (Some(reason), _) => format!(": drops the document: {reason}"),
            (None, true) => ": changes nothing".to_owned(),
            (None, false) => String::new(),
        };
        self.text.push_str(&format!("  {title}{}{done}\n", self.paint.dye(Tone::Faint, &place)));
        for change in step.changes.iter().take(CHANGES_MAX) {
            self.text.push_str(&format!("    {}\n", self.change(change)));
        }
        if let more @ 1.. = step.changes.len().saturating_sub(CHANGES_MAX) {
            let said = format!("and {} more, which --json tells", spaced(more.try_into().unwrap_or(u64::MAX)));
            self.text.push_str(&format!("    {}\n", self.paint.dye(Tone::Faint, &said)));
        }
        self.findings(&step.findings, "    ");
    }

    fn change(&self, change: &ChangePart) -> String {
        let field = self.paint.dye(Tone::Place, &change.field);
        let text = |text: &Option<String>| quoted(text.as_deref().unwrap_or_default());
        let document = change.document.map_or_else(String::new, |document| format!(" in document {document}"));
        let there = match change.to.as_slice() {
            [to] if *to == change.field => String::new(),
            to => format!(" at {}", to.join(", ")),
        };
        match change.change {
            "dropped" if change.before.is_none() => format!("{field} dropped"),
            "dropped" => format!("{field} {} dropped", text(&change.before)),
            "moved" => format!("{field} → {}", change.to.join(", ")),
            "made" => format!("{field} made: {}{document}{}", text(&change.after), became(&change.became)),
            _ => format!("{field} {} → {}{there}{document}", text(&change.before), text(&change.after)),
        }
    }

    /// A document of a split.
    fn part(&mut self, part: &PartOf) {
        let number = part.number.as_ref().map_or_else(String::new, |number| format!(" {}", quoted(number)));
        let title = self.paint.dye(Tone::Strong, &format!("document {}{number}", part.document));
        self.text.push_str(&format!("  {title}: {}\n", ranges(&part.items)));
    }

    fn rule(&mut self, rule: &RulePart, indent: &str) {
        let verdict = if rule.is_met { "" } else { ": broken" };
        let text = format!("rule {}: {} ({}){verdict}", rule.rule, rule.words, rule.source);
        let tone = if rule.is_met { Tone::Faint } else { Tone::Bad };
        self.text.push_str(&format!("{indent}{}\n", self.paint.dye(tone, &text)));
    }

    fn findings(&mut self, faults: &[Diagnostic], indent: &str) {
        for fault in faults {
            let (tone, severity) = match fault.severity {
                Severity::Error => (Tone::Bad, "error"),
                Severity::Warning => (Tone::Doubtful, "warning"),
                Severity::Info => (Tone::Place, "info"),
            };
            let severity = self.paint.dye(tone, severity);
            let remedy = self.paint.dye(Tone::Faint, &format!("remedy: {}", fault.fault.info().remedy));
            let (code, message) = (fault.code(), fault.message());
            self.text.push_str(&format!("{indent}{severity} {code}\n{indent}  {message}\n{indent}  {remedy}\n"));
        }
    }
}

/// Where a value was written; what stands at the same place in several documents is said once.
fn became(all: &[Became]) -> String {
    let mut told: Vec<(String, Vec<usize>)> = Vec::new();
    for one in all {
        let words = format!("{} {}", one.place, quoted(&one.value));
        match told.iter_mut().find(|(known, _)| *known == words) {
            Some((_, documents)) => documents.extend(one.document),
            None => told.push((words, one.document.into_iter().collect())),
        }
    }
    let words = |(words, documents): (String, Vec<usize>)| match documents.as_slice() {
        [] => words,
        [one] => format!("{words} in document {one}"),
        several => {
            let several: Vec<String> = several.iter().map(|one| format!("[{one}]")).collect();
            format!("{words} in documents {}", ranges(&several).replace(['[', ']'], ""))
        }
    };
    let told = shortened(told.into_iter().map(words).collect(), ", ");
    if told.is_empty() { told } else { format!(" ⇒ {told}") }
}

/// The first of several, and how many more there are.
fn shortened(mut all: Vec<String>, between: &str) -> String {
    if let more @ 1.. = all.len().saturating_sub(PLACES_MAX) {
        all.truncate(PLACES_MAX);
        all.push(format!("and {more} more, which --json tells"));
    }
    all.join(between)
}

/// What a step did to a field.
fn change_of_field(change: &FieldChange) -> String {
    let text = |text: &Option<String>| quoted(text.as_deref().unwrap_or_default());
    let document = change.document.map_or_else(String::new, |document| format!(" in document {document}"));
    match change.change {
        "dropped" => format!("dropped by {}", change.by),
        "moved" => format!("moved to {} by {}", change.to.as_deref().unwrap_or_default(), change.by),
        _ => format!("{} → {} by {}{document}", text(&change.before), text(&change.after), change.by),
    }
}

/// Items of lists, those that follow each other as one run: `lines[1]–lines[3], lines[7]`.
fn ranges(items: &[String]) -> String {
    let split = |item: &str| -> Option<(String, u64)> {
        let (list, number) = item.strip_suffix(']')?.rsplit_once('[')?;
        Some((list.to_owned(), number.parse().ok()?))
    };
    let mut runs: Vec<(&str, &str)> = Vec::new();
    for item in items {
        let follows = |last: &str| match (split(last), split(item)) {
            (Some((list, last)), Some((same, next))) => list == same && last + 1 == next,
            _ => false,
        };
        match runs.last_mut() {
            Some((_, last)) if follows(last) => *last = item,
            _ => runs.push((item, item)),
        }
    }
    let words =
        |(first, last): &(&str, &str)| if first == last { (*first).to_owned() } else { format!("{first}–{last}") };
    let mut told: Vec<String> = runs.iter().take(RUNS_MAX).map(words).collect();
    if runs.len() > RUNS_MAX {
        told.push("and more, which --json tells".to_owned());
    }
    told.join(", ")
}

/// A value between quotes where its ends could not be seen.
fn quoted(value: &str) -> String {
    let shown: String = value.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
    if value.trim() == value && shown == value { shown } else { format!("\"{shown}\"") }
}

/// `required, once`; of a trigger what is said of its loop.
fn usage_of(part: &SegmentPart) -> String {
    let Some(usage) = part.usage else { return String::new() };
    let most = times(part.max);
    let label = if part.label.is_empty() || part.label == part.loop_path { "" } else { &part.label };
    match (part.is_trigger, label) {
        (false, _) => format!("{usage}, {most}"),
        (true, "") => format!("begins loop {}: {usage}, {most}", part.loop_path),
        (true, label) => format!("begins loop {} ({label}): {usage}, {most}", part.loop_path),
    }
}

/// A maximum in words.
pub fn times(max: Option<u32>) -> String {
    match max {
        Some(1) => "once".to_owned(),
        Some(max) => format!("at most {} times", spaced(max.into())),
        None => "any number of times".to_owned(),
    }
}
