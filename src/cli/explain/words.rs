//! An explanation for people: a heading a segment, two lines a value.

use super::entity_of;
use crate::cli::paint::{Paint, Tone, counted, spaced};
use crate::codec::segment::DocumentReport;
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::explain::{ElementPart, Explanation, FieldPart, RulePart, SegmentPart};

/// Columns before a value's own lines.
const INDENT: &str = "       ";
/// Characters of a segment printed as it stands.
const TEXT_MAX: usize = 100;

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
        let name = if part.name.is_empty() { "(not in the definition)" } else { &part.name };
        let number = self.paint.dye(Tone::Place, number);
        self.text.push_str(&format!("{indent}{number} {name}: {value}\n"));
        let mut facts = Vec::new();
        if let Some(usage) = part.usage {
            let said = format!("{usage}, {} ({} {})", part.form, part.source, part.id);
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
        let became: Vec<String> =
            part.became.iter().map(|one| format!("{} {}", one.place, quoted(&one.value))).collect();
        let became = if became.is_empty() { String::new() } else { format!(" ⇒ {}", became.join(", ")) };
        format!("{arrow}{field}{became}")
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
