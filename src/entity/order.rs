//! What must agree inside an order: counts and sums as sent against its lines, check digits of its item numbers.

use super::{Entity, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;
use serde_json::Value;

/// Appends what does not agree. Totals that were not sent are not checked.
pub fn check(order: &Entity, found: &mut Vec<Diagnostic>) {
    let lines = order.list("lines");
    if let Some(sent) = order.text("totals.lines").filter(|sent| sent.parse() != Ok(lines.len())) {
        let expected = format!("{} lines, as there are", lines.len());
        found.push(finding(Fault::SumDiffers, "totals.lines", &expected, sent));
    }
    let quantity = |line: &Value| line["quantity"]["value"].as_str()?.parse::<Decimal>().ok();
    let sent = order.text("totals.hash").and_then(|sent| sent.parse::<Decimal>().ok());
    if let (Some(sent), Some(sum)) = (sent, lines.iter().map(quantity).sum::<Option<Decimal>>())
        && sent != sum
    {
        let expected = format!("{sum}, the sum of the quantities");
        // Partners compute hashes in several ways (points ignored, digits cut): told, not refused.
        let differs = finding(Fault::SumDiffers, "totals.hash", &expected, &sent.to_string());
        found.push(differs.severity(Severity::Warning));
    }
    for (at, line) in lines.iter().enumerate() {
        for id in line["item"]["ids"].as_array().into_iter().flatten().filter(|id| id["scheme"] == "gtin") {
            let value = id["value"].as_str().unwrap_or_default();
            if !has_check_digit(value) {
                let place = format!("lines[{}].item.ids", at + 1);
                let wrong = finding(Fault::CheckDigit, &place, "a GTIN with a right check digit", value);
                found.push(wrong);
            }
        }
    }
}

/// GS1 modulo 10: weights 3 and 1 from the right, the last digit brings the sum to a multiple of ten.
fn has_check_digit(gtin: &str) -> bool {
    let digits: Option<Vec<u32>> = gtin.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| matches!(digits.len(), 8 | 12 | 13 | 14)) else { return false };
    let weighted = digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 0 { *digit } else { digit * 3 });
    weighted.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn check_digits() {
        for good in ["4000862141404", "012345678905", "96385074"] {
            assert!(has_check_digit(good), "{good}");
        }
        for bad in ["4000862141405", "01234567890", "40008621414O4", ""] {
            assert!(!has_check_digit(bad), "{bad}");
        }
    }

    #[test]
    fn err_counts_and_hashes_that_differ() {
        let order = Entity::from_json(&json!({ "type": "order", "number": "1",
            "lines": [{ "quantity": { "value": "2.50" } }, { "quantity": { "value": "3" } }],
            "totals": { "lines": "3", "hash": "5.5" } }));
        let mut found = Vec::new();
        check(&order.expect("an order"), &mut found);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].message(),
            "totals.lines: sent total differs from the computed one: expected 2 lines, as there are, found 3"
        );
    }
}
