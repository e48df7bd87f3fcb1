//! By how much amounts may differ from what they are computed as.

use rust_decimal::Decimal;
use serde::Deserialize;

/// Differences that two parties agreed to let pass, in the currency of the document. They are still named, as warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tolerance {
    /// Of the net amount of a line.
    pub line: Decimal,
    /// Of each total, and of each amount of the tax breakdown.
    pub total: Decimal,
}
