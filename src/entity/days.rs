//! Two days of which one does not come before the other. Only whole days of the calendar are compared: a month or a week
//! is no day.

use super::finding;
use super::view::View;
use crate::diagnostic::{Diagnostic, Fault};

/// Length of `2026-01-31`.
const DAY: usize = 10;

/// Appends a warning where the last day comes before the first.
pub(super) fn in_order(first: View<'_>, last: View<'_>, path: &str, found: &mut Vec<Diagnostic>) {
    let (Some(from), Some(until)) = (day(first), day(last)) else { return };
    if until < from {
        found.push(finding(Fault::DateOrder, path, &format!("a day not before {from}, when it begins"), until));
    }
}

/// The day of a date, alone or with a time.
fn day(value: View<'_>) -> Option<&str> {
    let text = value.text()?;
    text.get(..DAY).filter(|day| day.bytes().filter(|byte| *byte == b'-').count() == 2 && !text.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_compared_and_nothing_else() {
        for (from, until, is_told) in [
            ("2026-11-01", "2026-11-01", false),
            ("2026-11-02T08:00", "2026-11-01", true),
            ("2026-11-02", "2026-10", false),
            ("2026-W45", "2026-W40", false),
            ("2026-11-02/2026-11-05", "2026-11-01", false),
        ] {
            let mut found = Vec::new();
            in_order(View::Text(from), View::Text(until), "until", &mut found);
            assert_eq!(!found.is_empty(), is_told, "{from} {until}");
        }
        let mut found = Vec::new();
        in_order(View::Text("2026-11-02"), View::Nothing, "until", &mut found);
        assert!(found.is_empty());
    }
}
