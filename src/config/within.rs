//! Whole numbers of the configuration that have limits.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};

/// Reads a number of a unit between two limits, both included.
///
/// # Errors
/// It is another: a sentence with the limits and what was found.
pub(super) fn within<'de, D: Deserializer<'de>>(
    from: D,
    (least, most): (u64, u64),
    unit: &str,
) -> Result<u64, D::Error> {
    let found = i64::deserialize(from)?;
    u64::try_from(found).ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        let expected =
            if least == 0 { format!("{most} {unit}") } else { format!("{least} {unit} at least and {most}") };
        D::Error::custom(format!("expected {expected} at most, found {found}"))
    })
}
