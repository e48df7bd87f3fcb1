//! Conditions between elements: the letters of X12 (P R E C L) and EDIFACT's dependency notes (D1 to D7).

use crate::diagnostic::Fault;
use crate::standard::definition::Condition;

/// A condition that is not met.
pub struct Broken<'a> {
    condition: &'a Condition,
    /// The element to blame: the first that should have been filled or empty.
    pub element: u16,
    /// What stands there.
    pub found: &'static str,
}

/// Checks one condition; `filled[n - 1]` says whether element n has a value.
#[must_use]
pub fn broken<'a>(condition: &'a Condition, filled: &[bool]) -> Option<Broken<'a>> {
    let has = |element: u16| filled.get(usize::from(element) - 1).copied().unwrap_or(false);
    let elements = &condition.elements;
    let (&first, others) = elements.split_first()?;
    let any = elements.iter().any(|&element| has(element));
    let missing = |among: &[u16]| among.iter().copied().find(|&element| !has(element));
    let filled_ones = || elements.iter().copied().filter(|&element| has(element));
    let both = |element: u16| Some(Broken { condition, element, found: "both" });
    let blame = match condition.meaning() {
        'P' if any => missing(elements),
        'R' | '1' if !any => Some(first),
        'C' if has(first) => missing(others),
        'L' if has(first) && !others.iter().any(|&element| has(element)) => others.first().copied(),
        'E' | '1' => return filled_ones().nth(1).and_then(both),
        '7' if has(first) => return others.iter().copied().find(|&element| has(element)).and_then(both),
        _ => None,
    };
    blame.map(|element| Broken { condition, element, found: "nothing" })
}

/// Whether a condition holds; `filled[n - 1]` says whether element n has a value.
#[must_use]
pub fn is_met(condition: &Condition, filled: &[bool]) -> bool {
    broken(condition, filled).is_none()
}

/// A condition as a sentence; `name` writes an element's place.
#[must_use]
pub fn in_words(condition: &Condition, name: impl Fn(u16) -> String) -> String {
    let list = |elements: &[u16], joint: &str| match elements.split_last() {
        Some((last, [])) => name(*last),
        Some((last, others)) => {
            let others: Vec<_> = others.iter().map(|&element| name(element)).collect();
            format!("{} {joint} {}", others.join(", "), name(*last))
        }
        None => String::new(),
    };
    let elements = &condition.elements;
    let (first, others) = elements.split_at(elements.len().min(1));
    match (condition.meaning(), elements.len()) {
        ('P', 2) => format!("if either of {} is there, both must be", list(elements, "and")),
        ('P', _) => format!("if any of {} is there, all must be", list(elements, "and")),
        ('R', _) => format!("at least one of {} must be there", list(elements, "and")),
        ('E', 2) => format!("only one of {} may be there", list(elements, "and")),
        ('E', _) => format!("at most one of {} may be there", list(elements, "and")),
        ('1', _) => format!("exactly one of {} must be there", list(elements, "and")),
        ('7', 2) => format!("if {} is there, {} must not be", list(first, "and"), list(others, "and")),
        ('7', _) => format!("if {} is there, none of {} may be", list(first, "and"), list(others, "and")),
        ('C', _) => format!("if {} is there, {} must be too", list(first, "and"), list(others, "and")),
        (_, 2) => format!("if {} is there, {} must be too", list(first, "and"), list(others, "and")),
        _ => format!("if {} is there, at least one of {} must be too", list(first, "and"), list(others, "and")),
    }
}

impl Broken<'_> {
    /// Which fault it is: too little is there, or elements that exclude each other.
    #[must_use]
    pub fn fault(&self) -> Fault {
        if self.found == "both" { Fault::ElementExclusion } else { Fault::ElementCondition }
    }

    /// The element that makes the rule bite: one that is there, or the blamed one when none is.
    #[must_use]
    pub fn trigger(&self, filled: &[bool]) -> u16 {
        let is_filled = |element: u16| filled.get(usize::from(element) - 1).copied().unwrap_or(false);
        let others = self.condition.elements.iter().copied().filter(|&element| element != self.element);
        others.into_iter().find(|&element| is_filled(element)).unwrap_or(self.element)
    }

    /// The rule in words, with the letters of the standard behind.
    #[must_use]
    pub fn expected(&self, place: impl Fn(u16) -> String) -> String {
        let list = |elements: &[u16], joint: &str| {
            elements.iter().map(|&element| place(element)).collect::<Vec<_>>().join(joint)
        };
        let elements = &self.condition.elements;
        let (first, others) = (&elements[..1], &elements[1..]);
        let words = match self.condition.meaning() {
            'P' => format!("all or none of {}", list(elements, ", ")),
            'R' => format!("at least one of {}", list(elements, ", ")),
            'E' => format!("at most one of {}", list(elements, ", ")),
            '1' => format!("exactly one of {}", list(elements, ", ")),
            '7' => format!("none of {} when {} is there", list(others, ", "), list(first, "")),
            'C' => format!("{} when {} is there", list(others, " and "), list(first, "")),
            _ => format!("one of {} when {} is there", list(others, ", "), list(first, "")),
        };
        format!("{words} (rule {})", self.condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blame(letter: char, elements: &[u16], filled: &[u16]) -> Option<u16> {
        let condition = Condition { letter, elements: elements.to_vec() };
        let filled: Vec<bool> = (1..=4).map(|element| filled.contains(&element)).collect();
        broken(&condition, &filled).map(|broken| broken.element)
    }

    #[test]
    fn each_letter_is_met_and_broken() {
        assert_eq!((blame('P', &[2, 3], &[]), blame('P', &[2, 3], &[3])), (None, Some(2)));
        assert_eq!((blame('R', &[1, 2], &[2]), blame('R', &[1, 2], &[3])), (None, Some(1)));
        assert_eq!((blame('E', &[1, 2], &[2]), blame('E', &[1, 2], &[1, 2])), (None, Some(2)));
        assert_eq!((blame('C', &[1, 2, 3], &[2]), blame('C', &[1, 2, 3], &[1, 2])), (None, Some(3)));
        assert_eq!((blame('L', &[1, 2, 3], &[1, 3]), blame('L', &[1, 2, 3], &[1])), (None, Some(2)));
    }

    /// UN/EDIFACT message design rules, annex E.
    #[test]
    fn each_dependency_note_is_met_and_broken() {
        assert_eq!(blame('1', &[1, 2], &[2]), None);
        assert_eq!((blame('1', &[1, 2], &[]), blame('1', &[1, 2], &[1, 2])), (Some(1), Some(2)));
        assert_eq!((blame('2', &[2, 3], &[]), blame('2', &[2, 3], &[3])), (None, Some(2)));
        assert_eq!((blame('3', &[1, 2], &[2]), blame('3', &[1, 2], &[3])), (None, Some(1)));
        assert_eq!((blame('4', &[1, 2], &[]), blame('4', &[1, 2], &[1, 2])), (None, Some(2)));
        assert_eq!((blame('5', &[1, 2, 3], &[2]), blame('5', &[1, 2, 3], &[1, 2])), (None, Some(3)));
        assert_eq!((blame('6', &[1, 2, 3], &[1, 3]), blame('6', &[1, 2, 3], &[1])), (None, Some(2)));
        assert_eq!((blame('7', &[1, 2, 3], &[2, 3]), blame('7', &[1, 2, 3], &[1, 3])), (None, Some(3)));
        let excluded = Condition { letter: '7', elements: vec![1, 2] };
        let excluded = broken(&excluded, &[true, true]).expect("both are there");
        assert_eq!(excluded.fault(), Fault::ElementExclusion);
        assert_eq!(
            excluded.expected(|at| format!("TDT.{at:02}")),
            "none of TDT.02 when TDT.01 is there (rule D7(01,02))"
        );
    }

    #[test]
    fn conditions_are_read_as_they_are_written() {
        for text in ["P0304", "C0504", "D1(01,02)", "D5(05,04)", "D7(01,02,12)"] {
            assert_eq!(Condition::parse(text).map(|one| one.to_string()).as_deref(), Some(text));
        }
        for text in ["", "P", "X0102", "50504", "D8(01,02)", "D5(05,00)", "D5 05,04", "PD(01)", "DP(01,02)"] {
            assert_eq!(Condition::parse(text), None, "{text}");
        }
    }

    #[test]
    fn each_letter_is_a_sentence() {
        let said = |letter: char, elements: &[u16]| {
            let condition = Condition { letter, elements: elements.to_vec() };
            in_words(&condition, |element| format!("{element:02}"))
        };
        assert_eq!(said('P', &[3, 4]), "if either of 03 and 04 is there, both must be");
        assert_eq!(said('P', &[3, 4, 5]), "if any of 03, 04 and 05 is there, all must be");
        assert_eq!(said('R', &[2, 3]), "at least one of 02 and 03 must be there");
        assert_eq!(said('E', &[2, 3]), "only one of 02 and 03 may be there");
        assert_eq!(said('C', &[5, 4]), "if 05 is there, 04 must be too");
        assert_eq!(said('L', &[5, 4, 6]), "if 05 is there, at least one of 04 and 06 must be too");
        assert_eq!(said('1', &[2, 3]), "exactly one of 02 and 03 must be there");
        assert_eq!(said('5', &[5, 4]), "if 05 is there, 04 must be too");
        assert_eq!(said('7', &[5, 4]), "if 05 is there, 04 must not be");
        assert_eq!(said('7', &[5, 4, 6]), "if 05 is there, none of 04 and 06 may be");
    }

    #[test]
    fn the_rule_is_said_in_words() {
        let condition = Condition { letter: 'C', elements: vec![5, 4] };
        let broken = broken(&condition, &[false, false, false, false, true]).expect("4 is missing");
        let words = broken.expected(|element| format!("PO1.{element:02}"));
        assert_eq!(words, "PO1.04 when PO1.05 is there (rule C0504)");
    }
}
