//! How near versions of a standard are to each other: by their names, which tell their age.

use std::cmp::Reverse;

/// The version of a standard that is nearest to another; the later of two.
#[must_use]
pub fn nearest<'v>(standard: &str, wanted: &str, versions: impl Iterator<Item = &'v str>) -> Option<&'v str> {
    let wanted = age(standard, wanted);
    versions.min_by_key(|version| {
        let age = age(standard, version);
        ((age - wanted).abs(), Reverse(age))
    })
}

/// A number that grows with the age of versions. X12: the six digits of `004010`, `005010X222A1`. EDIFACT: year and part
/// of the year, four parts a year, of `d96a`, `s93a`, and of `1911`, which is version 1, release 911; of the service
/// messages' `d3`, `41` the syntax version.
fn age(standard: &str, version: &str) -> i64 {
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    let number = |digits: &str| digits.parse::<i64>().unwrap_or(0);
    if standard != "edifact" {
        // ISA12 leaves the last digit out: 00501.
        let last = if digits.len() + 1 == X12_DIGITS { 10 } else { 1 };
        return number(digits.get(..X12_DIGITS).unwrap_or(&digits)) * last;
    }
    let year_of = |two: &str| number(two) + if number(two) < FIRST_YEAR { 2000 } else { 1900 };
    match (digits.len(), version.as_bytes().last()) {
        (2, Some(letter @ b'a'..=b'z')) => year_of(&digits) * 4 + i64::from((letter - b'a').min(3)),
        (4, _) => year_of(&digits[1..3]) * 4 + (number(&digits[3..]) - 1).clamp(0, 3),
        (1..=3, _) => number(&digits[..1]),
        _ => number(&digits),
    }
}

/// Digits of an X12 version: version, release, subrelease.
const X12_DIGITS: usize = 6;

/// EDIFACT releases name their year by two digits; none is older than of this year.
const FIRST_YEAR: i64 = 70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_age() {
        let of = |standard, wanted, versions: &[&'static str]| {
            nearest(standard, wanted, versions.iter().copied()).expect("one")
        };
        let x12 = ["004010", "005010"];
        for (wanted, expected) in [
            ("003040", "004010"),
            ("004030", "004010"),
            ("004010X098A1", "004010"),
            ("004010VICS", "004010"),
            ("005010X222A1", "005010"),
            ("00501", "005010"),
            ("00401", "004010"),
            ("008020", "005010"),
        ] {
            assert_eq!(of("x12", wanted, &x12), expected, "{wanted}");
        }
        let edifact = ["d93a", "d96a", "d97a", "d99b", "d01b", "d20b", "d21b"];
        for (wanted, expected) in [
            ("s93a", "d93a"),
            ("1911", "d93a"),
            ("2912", "d93a"),
            ("d96b", "d96a"),
            ("d98a", "d97a"),
            ("d98b", "d99b"),
            ("d00a", "d99b"),
            ("d05a", "d01b"),
            ("d15b", "d20b"),
            ("d24a", "d21b"),
        ] {
            assert_eq!(of("edifact", wanted, &edifact), expected, "{wanted}");
        }
        assert_eq!(of("edifact", "42", &["d3", "41"]), "41");
        assert_eq!(of("edifact", "d4", &["d3", "41"]), "41");
        assert_eq!(nearest("x12", "004010", std::iter::empty()), None);
    }
}
