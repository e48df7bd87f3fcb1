//! What can be wrong with a document, said so that a person can mend it: code, place, expected, found, remedy.
//!
//! A [`Fault`] is one entry of the closed list in `fault.rs`; a [`Diagnostic`] is one finding of it in one document.
//! Failures of our own (disk full, network down) are not diagnostics: they are `Result` errors where they happen.

mod fault;
pub use fault::{Effect, Fault, FaultInfo, Level};

use serde::Serialize;

/// The syntax family a finding belongs to; it is the prefix of the finding's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Syntax {
    /// ASC X12.
    X12,
    /// UN/EDIFACT, ISO 9735.
    Edifact,
    /// XML 1.0: UBL, cXML, CII and others.
    Xml,
    /// Tables whose columns are separated, RFC 4180 and its relatives.
    Csv,
    /// Lines whose values stand at fixed positions, SAP's IDoc among them.
    Fixed,
    /// JSON, RFC 8259.
    Json,
    /// Neither: the bytes could not be told to be of any known format, or the finding is about an entity.
    Document,
}

impl Syntax {
    /// That of a standard, by the name of its folder: XML where it is neither X12 nor EDIFACT. What is laid out otherwise,
    /// the definition of the document type knows.
    #[must_use]
    pub fn of(standard: &str) -> Self {
        match standard {
            "x12" => Syntax::X12,
            "edifact" => Syntax::Edifact,
            _ => Syntax::Xml,
        }
    }

    /// It has no segments of its own: records, elements, members, laid out as segments where they are needed.
    #[must_use]
    pub fn is_by_contents(self) -> bool {
        matches!(self, Syntax::Xml | Syntax::Csv | Syntax::Fixed | Syntax::Json)
    }

    /// The prefix of the code, such as `X12`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Syntax::X12 => "X12",
            Syntax::Edifact => "EDIFACT",
            Syntax::Xml => "XML",
            Syntax::Csv => "CSV",
            Syntax::Fixed => "FIXED",
            Syntax::Json => "JSON",
            Syntax::Document => "DOCUMENT",
        }
    }
}

/// How bad a finding is when no agreement says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing need be done.
    Info,
    /// Not as the standard says, yet read without doubt.
    Warning,
    /// The document breaks the standard.
    Error,
}

/// Where in the document: 1-based; zero means "not that deep". The segment counts from the document's first segment
/// (ST, UNH) as 1, as AK301 and UCS 0096 count; in an envelope finding the header segment itself is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize)]
pub struct Position {
    /// Ordinal of the segment.
    pub segment: u32,
    /// Element within the segment, the tag not counted.
    pub element: u16,
    /// Component within a composite.
    pub component: u16,
    /// Repetition of a repeating element.
    pub repetition: u16,
}

/// A value that a lookup table has not: an entry of the work list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The table.
    pub table: String,
    /// The column it was looked for in.
    pub column: String,
    /// The column it was to become.
    pub to: String,
    /// What was looked for.
    pub value: String,
    /// Whether the document waits for it.
    pub holds: bool,
    /// In words.
    pub expected: String,
    /// How bad that is.
    pub severity: Severity,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which entry of the closed list.
    pub fault: Fault,
    /// Whose code it prints.
    pub syntax: Syntax,
    /// How bad.
    pub severity: Severity,
    /// The place as the field writes it, such as `PO1[2].04` or `NAD.03.1`; empty when it concerns the whole.
    pub place: String,
    /// The place as numbers.
    pub position: Position,
    /// Tag of the segment concerned, empty when none.
    pub tag: String,
    /// Loop the segment stands or should stand in, by trigger path (`N1`, `LIN/PRI`); empty outside loops.
    pub loop_path: String,
    /// What the rule wants, a phrase: `1 to 15 characters`.
    pub expected: String,
    /// What stands there, a phrase or the value itself, cut to 80 characters.
    pub found: String,
    /// Number of the data element in the standard's dictionary (`380`, `6060`), empty when none; AK402 wants it.
    pub element: String,
    /// Of a broken condition: the element of the same segment that makes it bite, 0 when none; CTX05 of a 999 names it.
    pub trigger: u16,
    /// The value that stands there, cut to [`VALUE_CHARACTERS_MAX`]; AK404 quotes it.
    pub value: String,
    /// What a lookup table lacks, where that is the finding.
    pub lookup: Option<Box<Lookup>>,
    /// Bytes from the beginning of the input, from 0.
    pub offset: u64,
    /// Length in bytes of the part concerned.
    pub length: u64,
    /// Line of the input, from 1.
    pub line: u64,
}

/// Longest value quoted in a finding; more would drown the sentence.
pub const FOUND_CHARACTERS_MAX: usize = 80;

/// Longest place; those of XML keep their end beyond it.
pub const PLACE_CHARACTERS_MAX: usize = 242;

/// Longest copy of a bad value (X12 element 724 takes 99).
pub const VALUE_CHARACTERS_MAX: usize = 99;

/// Findings of one document, or of one level of an envelope, that are kept.
pub const FINDINGS_MAX: usize = 100_000;

/// Adds a finding. Of those beyond [`FINDINGS_MAX`] none is kept; one for each effect and severity says so in their place, at the
/// first of them, so that a verdict is the same as if all were there. An order of bytes is made afterwards.
pub fn keep(findings: &mut Vec<Diagnostic>, finding: Diagnostic) {
    if findings.len() < FINDINGS_MAX {
        return findings.push(finding);
    }
    let fault = match finding.fault.info().effect {
        Effect::Syntax => Fault::FindingsMany,
        Effect::Guide | Effect::Business => Fault::GuideFindingsMany,
    };
    let is_said = |one: &Diagnostic| one.fault == fault && one.severity >= finding.severity;
    // They were added last; an order of bytes may have moved them.
    if !findings.iter().rev().any(is_said) {
        let beyond = Diagnostic::new(finding.syntax, fault).severity(finding.severity);
        let beyond = beyond.because(format!("at most {FINDINGS_MAX} findings"), "more");
        findings.push(Diagnostic { position: finding.position, ..beyond.at(finding.offset, 0, finding.line) });
    }
}

/// No finding is an error.
#[must_use]
pub fn is_clean(findings: &[Diagnostic]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Error)
}

impl Diagnostic {
    /// Begins a finding of `fault`; the severity is the fault's own until changed.
    #[must_use]
    pub fn new(syntax: Syntax, fault: Fault) -> Self {
        Diagnostic {
            fault,
            syntax,
            severity: fault.info().severity,
            place: String::new(),
            position: Position::default(),
            tag: String::new(),
            loop_path: String::new(),
            expected: String::new(),
            found: String::new(),
            element: String::new(),
            trigger: 0,
            value: String::new(),
            lookup: None,
            offset: 0,
            length: 0,
            line: 0,
        }
    }

    /// Says what was expected and what was found.
    #[must_use]
    pub fn because(mut self, expected: impl Into<String>, found: impl AsRef<str>) -> Self {
        self.expected = expected.into();
        self.found = shortened(found.as_ref());
        self
    }

    /// Says where in the bytes.
    #[must_use]
    pub fn at(mut self, offset: u64, length: u64, line: u64) -> Self {
        (self.offset, self.length, self.line) = (offset, length, line);
        self
    }

    /// Says where in the document: the printed place and its numbers.
    #[must_use]
    pub fn place(mut self, place: impl Into<String>, tag: impl Into<String>, position: Position) -> Self {
        (self.place, self.tag, self.position) = (place.into(), tag.into(), position);
        // Both may hold what stands there in place of a tag.
        (self.place, self.tag) = (cut(self.place, PLACE_CHARACTERS_MAX), shortened(self.tag));
        self
    }

    /// Sets another severity than the fault's own.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says what a lookup table lacks.
    #[must_use]
    pub fn lacking(mut self, lookup: Lookup) -> Self {
        self.severity = lookup.severity;
        self = self.because(lookup.expected.clone(), "");
        self.lookup = Some(Box::new(lookup));
        self
    }

    /// The stable code, such as `X12-ELEMENT-TOO-LONG`.
    #[must_use]
    pub fn code(&self) -> String {
        format!("{}-{}", self.syntax.prefix(), self.fault.info().name)
    }

    /// One sentence with place, expected and found.
    #[must_use]
    pub fn message(&self) -> String {
        let place = if self.place.is_empty() { String::new() } else { format!("{}: ", visible(&self.place)) };
        let what = self.fault.info().title;
        let (expected, found) = (visible(&self.expected), visible(&self.found));
        match (expected.is_empty(), found.is_empty()) {
            (true, true) => format!("{place}{what}"),
            (false, true) => format!("{place}{what}: expected {expected}"),
            (true, false) => format!("{place}{what}: found {found}"),
            (false, false) => format!("{place}{what}: expected {expected}, found {found}"),
        }
    }

    /// The finding as the command line and the API print it (DESIGN section 6); every key always there.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "code": self.code(), "severity": self.severity, "message": self.message(), "place": self.place,
            "position": self.position, "expected": self.expected, "found": self.found,
            "remedy": self.fault.info().remedy, "offset": self.offset, "length": self.length, "line": self.line,
        })
    }
}

/// What a stranger wrote, as a line for people: of at most [`FOUND_CHARACTERS_MAX`] characters, control characters as their
/// escapes, so that nothing of it can steer a terminal.
#[must_use]
pub fn quoted(text: &str) -> String {
    visible(&shortened(text))
}

/// Control characters as their escapes, all else as it is.
#[must_use]
pub fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    if text.contains(char::is_control) { text.chars().map(shown).collect() } else { text.to_owned() }
}

/// At most [`FOUND_CHARACTERS_MAX`] characters of it.
#[must_use]
pub fn shortened(text: impl AsRef<str> + Into<String>) -> String {
    cut(text, FOUND_CHARACTERS_MAX)
}

fn cut(text: impl AsRef<str> + Into<String>, characters: usize) -> String {
    match text.as_ref().char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text.as_ref()[..end]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_one_sentence() {
        let finding = Diagnostic::new(Syntax::X12, Fault::ElementTooLong)
            .because("1 to 15 characters", "18 (\"1234\")")
            .place("PO1[3].02", "PO1", Position { segment: 7, element: 2, ..Position::default() });
        assert_eq!(finding.code(), "X12-ELEMENT-TOO-LONG");
        assert_eq!(finding.message(), "PO1[3].02: element too long: expected 1 to 15 characters, found 18 (\"1234\")");
    }

    #[test]
    fn findings_are_kept_up_to_their_limit_and_what_is_beyond_still_counts() {
        let finding = |fault, severity| Diagnostic::new(Syntax::X12, fault).severity(severity).at(7, 1, 1);
        let mut findings = Vec::new();
        let trailing = || finding(Fault::ElementTrailing, Severity::Warning);
        (0..FINDINGS_MAX).for_each(|_| keep(&mut findings, trailing()));
        assert!(findings.iter().all(|one| one.fault == Fault::ElementTrailing) && is_clean(&findings));
        let mut beyond = |more: &[(Fault, Severity)]| {
            more.iter().for_each(|&(fault, severity)| keep(&mut findings, finding(fault, severity)));
            let said = findings[FINDINGS_MAX..].iter().map(|one| (one.fault, one.severity, one.offset));
            said.collect::<Vec<_>>()
        };
        let warning = (Fault::FindingsMany, Severity::Warning, 7);
        assert_eq!(beyond(&[(Fault::ElementTrailing, Severity::Warning); 2]), [warning]);
        // What breaks a guide alone does not break the standard.
        let guide = (Fault::GuideFindingsMany, Severity::Error, 7);
        assert_eq!(
            beyond(&[(Fault::GuideCode, Severity::Error), (Fault::GuideUsage, Severity::Warning)]),
            [warning, guide]
        );
        let error = (Fault::FindingsMany, Severity::Error, 7);
        assert_eq!(beyond(&[(Fault::DocumentCount, Severity::Error)]), [warning, guide, error]);
        // Wherever an order of bytes put them, they are said once, and no other finding is touched.
        findings.rotate_right(2);
        let before = findings.clone();
        keep(&mut findings, finding(Fault::SegmentEmpty, Severity::Error));
        assert!(findings == before);
    }

    #[test]
    fn what_a_stranger_wrote_steers_no_terminal_and_fills_no_screen() {
        assert_eq!(quoted("SEN\u{1b}[2JDER"), "SEN\\u{1b}[2JDER");
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), FOUND_CHARACTERS_MAX + 1);
        let tag = "\u{7}".repeat(1000);
        let finding = Diagnostic::new(Syntax::X12, Fault::SegmentTag).place(tag.clone(), tag, Position::default());
        let message = finding.message();
        assert!(
            !message.contains(char::is_control) && message.len() < "\\u{7}".len() * (PLACE_CHARACTERS_MAX + 20),
            "{message}"
        );
    }

    #[test]
    fn found_is_cut_at_its_limit() {
        let at_limit = Diagnostic::new(Syntax::X12, Fault::CodeUnknown).because("", "x".repeat(80));
        assert_eq!(at_limit.found.chars().count(), 80);
        let beyond = Diagnostic::new(Syntax::X12, Fault::CodeUnknown).because("", "x".repeat(81));
        assert!(beyond.found.ends_with('…'));
    }
}
