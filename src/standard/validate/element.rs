//! Checks one value against its element: type, length, code list, calendar. Values come released and decoded.

use crate::diagnostic::Fault;
use crate::standard::definition::{ElementDefinition, ElementType};
use std::collections::BTreeMap;

/// What is wrong with a value: fault, expected, found.
type Finding = (Fault, String, String);

/// How many codes a finding lists before it says how many there are.
const CODES_LISTED_MAX: usize = 8;

/// All faults of one value that is not empty. `decimal` is the decimal mark of the interchange.
#[must_use]
pub fn faults(
    definition: &ElementDefinition,
    codes: Option<&BTreeMap<String, String>>,
    text: &str,
    decimal: u8,
) -> Vec<Finding> {
    let mut found = Vec::new();
    if definition.kind == ElementType::Binary {
        return found;
    }
    // Blanks that pad the value to the right are not part of it (X12.6, 3.5.1.4), unless the minimum asks for them.
    let value = trimmed(text, definition);
    if value.is_empty() {
        found.push((Fault::ElementBlank, "a value, or nothing".into(), "blanks only".into()));
        return found;
    }
    let typed = wrong_type(definition.kind, value, decimal);
    let is_number = matches!(definition.kind, ElementType::Number | ElementType::Implied(_));
    if let Some(typed) = typed {
        found.push(typed);
        if is_number {
            return found; // what is no number has no length in digits
        }
    }
    let length = length(definition.kind, value);
    let quoted = || format!("{length} (\"{value}\")");
    if length < definition.min as usize {
        found.push((Fault::ElementTooShort, lengths(definition), quoted()));
    }
    if length > definition.max as usize {
        found.push((Fault::ElementTooLong, lengths(definition), quoted()));
    }
    if let Some(codes) = codes.filter(|codes| !codes.is_empty() && !codes.contains_key(value)) {
        found.push((Fault::CodeUnknown, code_words(codes), value.to_owned()));
    }
    if value.len() != text.len() && found.is_empty() {
        found.push((Fault::ElementBlank, "no trailing blanks".into(), format!("\"{text}\"")));
    }
    found
}

/// The value without padding at its end, but never shorter than the minimum length.
fn trimmed<'a>(text: &'a str, definition: &ElementDefinition) -> &'a str {
    let short = text.trim_end_matches(' ');
    let fixed = definition.min > 1 && definition.min == definition.max;
    if fixed && text.chars().count() == definition.max as usize { text } else { short }
}

fn lengths(definition: &ElementDefinition) -> String {
    match (definition.min, definition.max) {
        (min, max) if min == max => format!("{max} characters"),
        (min, max) if min <= 1 => format!("at most {max} characters"),
        (min, max) => format!("{min} to {max} characters"),
    }
}

/// Characters that count: of numbers only digits, neither sign nor mark nor exponent letter (X12.6, 3.5.1.1).
fn length(kind: ElementType, value: &str) -> usize {
    match kind {
        ElementType::Number | ElementType::Implied(_) => value.bytes().filter(u8::is_ascii_digit).count(),
        _ => value.chars().count(),
    }
}

fn code_words(codes: &BTreeMap<String, String>) -> String {
    let listed: Vec<_> = codes.keys().take(CODES_LISTED_MAX).map(String::as_str).collect();
    let more = if codes.len() > CODES_LISTED_MAX { format!(" … ({} codes)", codes.len()) } else { String::new() };
    format!("one of {}{more}", listed.join(", "))
}

fn wrong_type(kind: ElementType, value: &str, decimal: u8) -> Option<Finding> {
    let because = |fault: Fault, expected: &str| Some((fault, expected.to_owned(), format!("\"{value}\"")));
    match kind {
        ElementType::Implied(_) if is_number_in(value.as_bytes(), None).is_none() => {
            because(Fault::ElementCharacter, "digits, with a minus before them if negative")
        }
        ElementType::Number if is_number_in(value.as_bytes(), Some(decimal)).is_none() => {
            because(Fault::ElementCharacter, "a number with at most one decimal mark")
        }
        ElementType::Letters if value.chars().any(|c| c.is_ascii_digit()) => {
            because(Fault::ElementCharacter, "letters only")
        }
        ElementType::Date if !is_date(value) => because(Fault::ElementDate, "a date CCYYMMDD or YYMMDD"),
        ElementType::Time if !is_time(value) => because(Fault::ElementTime, "a time HHMM, HHMMSS or with hundredths"),
        _ if value.chars().any(char::is_control) => because(Fault::ElementCharacter, "no control characters"),
        _ => None,
    }
}

/// How many digits a number has; `None` when it is none. Digits with an optional minus, and with `decimal` one mark (a
/// comma always counts as one in EDIFACT, a point in X12, ISO 9735-1, 10.1) and an exponent.
pub(super) fn is_number_in(value: &[u8], decimal: Option<u8>) -> Option<usize> {
    let unsigned = value.strip_prefix(b"-").unwrap_or(value);
    let (mut digits, mut marks) = (0, 0);
    for (at, &byte) in unsigned.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'.' | b',' if decimal.is_some() => marks += 1,
            byte if Some(byte) == decimal => marks += 1,
            b'E' if decimal.is_some() && digits > 0 && marks <= 1 => {
                let exponent = &unsigned[at + 1..];
                let exponent = exponent.strip_prefix(b"-").unwrap_or(exponent);
                let is_one = !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit);
                return is_one.then_some(digits + exponent.len());
            }
            _ => return None,
        }
    }
    (digits > 0 && marks <= 1).then_some(digits)
}

/// CCYYMMDD or YYMMDD, a day of the calendar; two-digit years may be any century.
pub(crate) fn is_date(value: &str) -> bool {
    is_date_in(value.as_bytes())
}

/// Days of the months in a year that is no leap year.
const MONTH_DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The same of bytes.
pub(super) fn is_date_in(value: &[u8]) -> bool {
    if !matches!(value.len(), 6 | 8) || !value.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = value.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    // A short year may be of any century: 2000 has all days that any has.
    let year = if value.len() == 6 { 2000 + year } else { year };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = (1..=12).contains(&month).then(|| MONTH_DAYS[month as usize - 1] + u32::from(is_leap && month == 2));
    days.is_some_and(|days| (1..=days).contains(&day))
}

/// HHMM, HHMMSS, HHMMSSd or HHMMSSdd.
pub(crate) fn is_time(value: &str) -> bool {
    is_time_in(value.as_bytes())
}

/// The same of bytes.
pub(super) fn is_time_in(value: &[u8]) -> bool {
    if !matches!(value.len(), 4 | 6 | 7 | 8) || !value.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let pair = |from: usize| value.get(from..from + 2).map_or(0, |two| (two[0] - b'0') * 10 + two[1] - b'0');
    pair(0) <= 23 && pair(2) <= 59 && pair(4) <= 59
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ElementType, min: u32, max: u32, value: &str) -> Vec<Fault> {
        let definition = ElementDefinition { name: String::new(), kind, min, max, codes: String::new() };
        faults(&definition, None, value, b'.').into_iter().map(|(fault, ..)| fault).collect()
    }

    #[test]
    fn err_lengths_at_their_edges() {
        assert_eq!(check(ElementType::Text, 2, 3, "a"), [Fault::ElementTooShort]);
        assert!(check(ElementType::Text, 2, 3, "ab").is_empty() && check(ElementType::Text, 2, 3, "abc").is_empty());
        assert_eq!(check(ElementType::Text, 2, 3, "abcd"), [Fault::ElementTooLong]);
        assert!(check(ElementType::Number, 1, 3, "-12.5").is_empty(), "sign and point do not count");
        assert_eq!(check(ElementType::Number, 1, 3, "12.55"), [Fault::ElementTooLong]);
    }

    #[test]
    fn err_numbers() {
        for good in ["1", "-1", ".5", "5.", "0,5", "1E-3"] {
            assert!(check(ElementType::Number, 1, 9, good).is_empty(), "{good}");
        }
        for bad in ["1.2.3", "--1", "1-", "x", "24X", "1E", "."] {
            assert_eq!(check(ElementType::Number, 0, 9, bad), [Fault::ElementCharacter], "{bad}");
        }
        assert_eq!(check(ElementType::Implied(2), 1, 9, "1.5"), [Fault::ElementCharacter]);
    }

    #[test]
    fn err_dates_and_times() {
        assert!(check(ElementType::Date, 8, 8, "20240229").is_empty());
        assert_eq!(check(ElementType::Date, 8, 8, "20230229"), [Fault::ElementDate]);
        assert!(check(ElementType::Time, 4, 8, "2359").is_empty());
        assert_eq!(check(ElementType::Time, 4, 8, "2460"), [Fault::ElementTime]);
        assert_eq!(check(ElementType::Time, 4, 8, "12345"), [Fault::ElementTime]);
    }

    #[test]
    fn err_code_unknown_lists_the_first_codes() {
        let codes: BTreeMap<String, String> = (10..20).map(|n| (n.to_string(), String::new())).collect();
        let kind = ElementType::Code;
        let definition = ElementDefinition { name: String::new(), kind, min: 2, max: 2, codes: "1".into() };
        let found = faults(&definition, Some(&codes), "99", b'.');
        let expected = "one of 10, 11, 12, 13, 14, 15, 16, 17 … (10 codes)".to_owned();
        assert_eq!(found, [(Fault::CodeUnknown, expected, "99".to_owned())]);
    }

    #[test]
    fn blanks_are_told() {
        assert_eq!(check(ElementType::Text, 1, 9, "   "), [Fault::ElementBlank]);
        assert_eq!(check(ElementType::Text, 1, 9, "ab "), [Fault::ElementBlank]);
        assert!(check(ElementType::Text, 10, 10, "ab        ").is_empty(), "fixed width keeps its padding");
    }
}
