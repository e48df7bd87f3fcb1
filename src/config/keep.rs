//! `[keep]`: for how long what can prove something is kept.

use super::within::within;
use serde::{Deserialize, Deserializer};

/// Days that messages of AS2 are kept, at least: repeats come that late.
pub const AS2_DAYS_MIN: u64 = 90;
/// At most: as good as for ever.
pub const AS2_DAYS_MAX: u64 = 36_500;

/// How long is kept what has ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// Days that the bytes of messages of AS2 are kept, which are their evidence: seven years when left out; [`AS2_DAYS_MIN`] at
    /// least, [`AS2_DAYS_MAX`] at most. Receipts, claims and histories stay.
    #[serde(deserialize_with = "as2_days")]
    pub as2_days: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self { as2_days: 2557 }
    }
}

fn as2_days<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(from, (AS2_DAYS_MIN, AS2_DAYS_MAX), "days")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn err_days_that_are_too_few_or_too_many() {
        let with = |days: &str| Config::parse(&format!("[keep]\nas2_days = {days}\n"));
        assert_eq!(with("90").expect("the fewest").keep.as2_days, AS2_DAYS_MIN);
        assert_eq!(with("36500").expect("the most").keep.as2_days, AS2_DAYS_MAX);
        assert_eq!(Config::default().keep.as2_days, 2557);
        for wrong in ["89", "36501", "-1", "0"] {
            let error = with(wrong).expect_err("days that are refused");
            let expected = format!("expected 90 days at least and 36500 at most, found {wrong}");
            assert!(error.contains(&expected), "{error}");
        }
    }
}
