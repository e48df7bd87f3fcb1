//! The rules of X12 envelope headers (X12.5, X12.6): ISA, GS. Trailers and counts are `segment::check`'s.

use crate::codec::segment::{element_finding, text};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::definition::Directory;
use crate::tree::Segment;

/// Versions an ISA12 may name (I11).
const VERSION_FIRST: &str = "00200";
const VERSION_LAST: &str = "00801";
/// Versions a GS08 may begin with (480).
const GROUP_VERSION_FIRST: &str = "002000";
const GROUP_VERSION_LAST: &str = "008999";

/// What is wrong with the elements of ISA, GS or any other header; `directory` has the code list of qualifiers (I05).
#[must_use]
pub fn check(header: &Segment<'_>, directory: Option<&Directory>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if header.tag().eq_ignore_ascii_case(b"ISA") {
        interchange(header, directory, &mut found);
    } else if header.tag().eq_ignore_ascii_case(b"GS") {
        group(header, directory, &mut found);
    }
    found
}

fn interchange(header: &Segment<'_>, directory: Option<&Directory>, found: &mut Vec<Diagnostic>) {
    let mut wrong = |fault: Fault, element: u16, expected: &str| {
        let value = text(header, (usize::from(element), 1));
        let finding = element_finding(Syntax::X12, fault, header, (element, 0));
        found.push(finding.because(expected, format!("\"{value}\"")));
    };
    let value = |element: usize| text(header, (element, 1));
    if header.element_count() < 16 {
        return; // Told by the reader: the header is cut off.
    }
    let qualifiers = directory.and_then(|directory| directory.codes.get("I05"));
    for element in [5u16, 7] {
        let known = qualifiers.is_none_or(|codes| codes.contains_key(&*value(element.into())));
        if !known {
            wrong(Fault::InterchangeElement, element, "a qualifier such as 01, 08, 12, 14 or ZZ");
        }
    }
    for element in [6u16, 8] {
        if value(element.into()).is_empty() {
            wrong(Fault::InterchangeElement, element, "a party id");
        }
    }
    if !is_date(&value(9), 6) {
        wrong(Fault::InterchangeDate, 9, "a date YYMMDD");
    }
    if !is_time(&value(10)) {
        wrong(Fault::InterchangeTime, 10, "a time HHMM");
    }
    let version = value(12);
    if version.len() != 5 || !is_digits(&version) || !(VERSION_FIRST..=VERSION_LAST).contains(&&*version) {
        wrong(Fault::InterchangeVersion, 12, "a version from 00200 to 00801");
    }
    if value(13).len() != 9 || !is_digits(&value(13)) {
        wrong(Fault::InterchangeControlNumber, 13, "nine digits");
    }
    for (element, list, expected) in [(14u16, "I13", "0 or 1"), (15, "I14", "P (production), T (test) or I")] {
        let codes = directory.and_then(|directory| directory.codes.get(list));
        if codes.is_some_and(|codes| !codes.contains_key(&*value(element.into()))) {
            wrong(Fault::InterchangeElement, element, expected);
        }
    }
}

fn group(header: &Segment<'_>, directory: Option<&Directory>, found: &mut Vec<Diagnostic>) {
    let value = |element: usize| text(header, (element, 1));
    let mut wrong_as = |fault: Fault, element: u16, expected: &str| {
        let value = text(header, (usize::from(element), 1));
        let finding = element_finding(Syntax::X12, fault, header, (element, 0));
        found.push(finding.because(expected, format!("\"{value}\"")));
    };
    let kinds = directory.and_then(|directory| directory.codes.get("479"));
    if value(1).len() != 2 || kinds.is_some_and(|kinds| !kinds.contains_key(&*value(1))) {
        wrong_as(Fault::GroupUnsupported, 1, "a functional identifier of two letters, such as PO");
    }
    let mut wrong = |element: u16, expected: &str| wrong_as(Fault::GroupElement, element, expected);
    for element in [2u16, 3] {
        if value(element.into()).len() < 2 {
            wrong(element, "an application code of 2 to 15 characters");
        }
    }
    if !is_date(&value(4), 8) && !is_date(&value(4), 6) {
        wrong(4, "a date CCYYMMDD");
    }
    if !is_time(&value(5)) {
        wrong(5, "a time HHMM");
    }
    if value(6).is_empty() || value(6).len() > 9 || !is_digits(&value(6)) {
        wrong(6, "1 to 9 digits");
    }
    let version: String = value(8).chars().take(6).collect();
    if version.len() < 6 || !is_digits(&version) {
        wrong(8, "a version such as 004010");
    } else if !(GROUP_VERSION_FIRST..=GROUP_VERSION_LAST).contains(&&*version) {
        let finding = element_finding(Syntax::X12, Fault::GroupVersion, header, (8, 0));
        found.push(finding.because("a version from 002000 to 008999, such as 004010", format!("\"{version}\"")));
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_date(text: &str, length: usize) -> bool {
    text.len() == length && crate::standard::validate::is_date(text)
}

fn is_time(text: &str) -> bool {
    crate::standard::validate::is_time(text)
}
