//! The rules of EDIFACT envelope headers (ISO 9735-1, annex C): UNB, UNG. Trailers and counts are `segment::check`'s.

use crate::codec::segment::{element_finding, text};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::validate::{is_date, is_time};
use crate::tree::Segment;

/// Longest interchange control reference (0020) and party identification (0004, 0010).
const CONTROL_REFERENCE_CHARACTERS_MAX: usize = 14;
const PARTY_CHARACTERS_MAX: usize = 35;

/// What is wrong with the elements of UNB, UNG or any other header.
#[must_use]
pub fn check(header: &Segment<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if header.tag().eq_ignore_ascii_case(b"UNB") {
        interchange(header, &mut found);
    } else if header.tag().eq_ignore_ascii_case(b"UNG") {
        group(header, &mut found);
    }
    found
}

fn interchange(header: &Segment<'_>, found: &mut Vec<Diagnostic>) {
    let mut wrong = |fault: Fault, (element, component): (u16, u16), expected: &str| {
        let value = text(header, (usize::from(element), usize::from(component)));
        let finding = element_finding(Syntax::Edifact, fault, header, (element, component));
        found.push(finding.because(expected, format!("\"{value}\"")));
    };
    let value = |element: usize, component: usize| text(header, (element, component));
    let version = value(1, 2);
    if !["1", "2", "3", "4"].contains(&&*version) {
        wrong(Fault::InterchangeVersion, (1, 2), "a syntax version from 1 to 4");
    }
    for element in [2u16, 3] {
        let party = value(element.into(), 1);
        if party.is_empty() || party.chars().count() > PARTY_CHARACTERS_MAX {
            wrong(Fault::InterchangeElement, (element, 1), "a party identification of 1 to 35 characters");
        }
    }
    let date = value(4, 1);
    if !is_date(&date) || (date.len() == 8 && version != "4") {
        let expected = if version == "4" { "a date CCYYMMDD" } else { "a date YYMMDD" };
        wrong(Fault::InterchangeDate, (4, 1), expected);
    }
    if value(4, 2).len() != 4 || !is_time(&value(4, 2)) {
        wrong(Fault::InterchangeTime, (4, 2), "a time HHMM");
    }
    let reference = value(5, 1);
    if reference.is_empty() || reference.chars().count() > CONTROL_REFERENCE_CHARACTERS_MAX {
        wrong(Fault::InterchangeControlNumber, (5, 1), "1 to 14 characters");
    }
}

fn group(header: &Segment<'_>, found: &mut Vec<Diagnostic>) {
    let value = text(header, (5, 1));
    if value.is_empty() || value.chars().count() > CONTROL_REFERENCE_CHARACTERS_MAX {
        let finding = element_finding(Syntax::Edifact, Fault::GroupElement, header, (5, 1));
        found.push(finding.because("1 to 14 characters", format!("\"{value}\"")));
    }
}
