//! The arithmetic of invoices and credit notes after EN 16931 (BT-106 to BT-117, BT-131): what lines, allowances and
//! taxes come to. It computes beside what was sent and changes nothing; `invoice` compares the two.

use super::Entity;
use super::template::Summed;
use super::view::View;
use rust_decimal::{Decimal, RoundingStrategy};
use std::cell::OnceCell;

/// Decimals of computed amounts: cents.
const SCALE: u32 = 2;

/// Settlements outside the document: what is said there does not change what is to be paid.
const ELSEWHERE: [&str; 5] = ["bill_back", "check_to_customer", "credit_account", "paid_by_vendor", "optional"];

/// Digits and a point that a decimal holds exactly, whatever they are.
const DIGITS_MAX: usize = 28;

/// Digits with at most one point among them, not too many to be exact: a number about which nothing need be done.
#[must_use]
pub fn is_plain_number(text: &str) -> bool {
    is_plain_number_of(text.as_bytes())
}

/// The same of bytes.
#[must_use]
pub fn is_plain_number_of(bytes: &[u8]) -> bool {
    // A point that may still come stands behind a digit; what is read last is one.
    let (mut may_point, mut is_digit) = (true, false);
    for &byte in bytes {
        match byte {
            b'0'..=b'9' => is_digit = true,
            b'.' if is_digit && may_point => (may_point, is_digit) = (false, false),
            _ => return false,
        }
    }
    is_digit && bytes.len() <= DIGITS_MAX
}

/// Totals that are computed.
const TOTALS: [&str; 7] = ["lines_net", "allowances", "charges", "tax_exclusive", "tax", "tax_inclusive", "payable"];

/// The totals of a document; what one rests on is computed once, when it is first asked for.
pub struct Sums<'e> {
    entity: &'e Entity,
    nets: OnceCell<Vec<Option<Decimal>>>,
    /// In the order of [`TOTALS`].
    known: [OnceCell<Option<Decimal>>; TOTALS.len()],
}

impl<'e> Sums<'e> {
    /// Those of an entity, which does not change while they are looked at.
    #[must_use]
    pub fn of(entity: &'e Entity) -> Self {
        Sums { entity, nets: OnceCell::new(), known: Default::default() }
    }

    /// A total of the document as computed, one of `lines_net`, `allowances`, `charges`, `tax_exclusive`, `tax`,
    /// `tax_inclusive` and `payable`, or `line_net` of the line given. Totals below it count as sent where they were sent.
    /// `None` when something it needs is missing.
    #[must_use]
    pub fn computed_in(&self, name: &str, line: View<'_>) -> Option<Decimal> {
        if name == "line_net" { line_net(line) } else { self.computed(name) }
    }

    /// The same of the document alone.
    pub(super) fn computed(&self, name: &str) -> Option<Decimal> {
        let at = TOTALS.iter().position(|one| *one == name)?;
        *self.known[at].get_or_init(|| self.compute(name))
    }

    fn compute(&self, name: &str) -> Option<Decimal> {
        let (entity, sent) = (self.entity, |name: &str| self.sent_or_computed(name));
        match name {
            "lines_net" => self.nets().iter().copied().sum(),
            "allowances" => self.allowances(false),
            "charges" => self.allowances(true),
            "tax_exclusive" => Some(sent("lines_net")? - sent("allowances")? + sent("charges")?),
            "tax" => self.tax(),
            "tax_inclusive" => Some(sent("tax_exclusive")? + sent("tax")?),
            "payable" => Some(sent("tax_inclusive")? - given(entity, "prepaid") + given(entity, "rounding")),
            _ => None,
        }
    }

    /// A total as sent, else as computed.
    pub(super) fn sent_or_computed(&self, name: &str) -> Option<Decimal> {
        sent(self.entity, name).or_else(|| self.computed(name))
    }

    /// The net amount of each line, as sent, else as computed.
    pub(super) fn nets(&self) -> &[Option<Decimal>] {
        self.nets.get_or_init(|| self.entity.views("lines").map(net).collect())
    }

    /// Allowances, or charges, on the whole document.
    fn allowances(&self, charges: bool) -> Option<Decimal> {
        let lines = || self.sent_or_computed("lines_net").unwrap_or_default();
        let is_of_this_sign = |item: &View<'_>| counts(*item) && item.field("is_charge").flag() == Some(charges);
        let own = document_allowances(self.entity).filter(is_of_this_sign);
        own.map(|item| charged(item, lines(), None)).sum()
    }

    /// All taxes (BT-110): the breakdown's when there is one, else those of lines, allowances and charges, else the one
    /// default of the document.
    fn tax(&self) -> Option<Decimal> {
        let entity = self.entity;
        if !entity.list("taxes").is_empty() {
            return entity.views("taxes").map(|item| tax_amount(item, Decimal::ZERO)).sum();
        }
        let of_line = |(line, net): (View<'_>, &Option<Decimal>)| {
            let net = (*net)?;
            line.field("taxes").items().map(|item| tax_amount(item, net)).sum::<Option<Decimal>>()
        };
        let of_charge = |item: View<'_>| {
            let amount = charged(item, Decimal::ZERO, None)?;
            let taxes: Option<Decimal> = item.field("taxes").items().map(|item| tax_amount(item, amount)).sum();
            signed(item, taxes?)
        };
        let lines = entity.views("lines").zip(self.nets()).map(of_line).sum::<Option<Decimal>>()?;
        let besides = entity.views("allowance_charges").filter(|item| counts(*item));
        let besides = besides.map(of_charge).sum::<Option<Decimal>>()?;
        match entity.list("tax_defaults") {
            [one] if (lines + besides).is_zero() => tax_amount(one.into(), self.sent_or_computed("tax_exclusive")?),
            _ => Some(lines + besides),
        }
    }
}

/// A total as sent.
pub(super) fn sent(entity: &Entity, name: &str) -> Option<Decimal> {
    exact(entity.text(&format!("totals.{name}"))?)
}

/// A total as sent that counts nothing when absent.
pub(super) fn given(entity: &Entity, name: &str) -> Decimal {
    sent(entity, name).unwrap_or_default()
}

/// A line's net amount as sent, else as computed.
pub(super) fn net(line: View<'_>) -> Option<Decimal> {
    line.summed(Summed::NetAmount).and_then(exact).or_else(|| line_net(line))
}

/// A line's net amount (BT-131): quantity × price ÷ base quantity, less allowances, plus charges. A price that is said
/// to be net holds them already.
pub(super) fn line_net(line: View<'_>) -> Option<Decimal> {
    let gross = gross(line)?;
    let is_net = line.summed(Summed::PriceKind) == Some("net");
    let adjustment = if is_net { Decimal::ZERO } else { adjustment_of(line, gross)? };
    Some(rounded(gross + adjustment))
}

/// What a line's net amount may be as well: a net price with allowances and charges besides.
pub(super) fn line_net_besides(line: View<'_>) -> Option<Decimal> {
    let gross = gross(line)?;
    Some(rounded(gross + adjustment_of(line, gross)?))
}

/// Quantity × price ÷ base quantity, not rounded.
pub(super) fn gross(line: View<'_>) -> Option<Decimal> {
    let of_line = |which| line.summed(which).and_then(exact);
    let of_all = of_line(Summed::Quantity)?.checked_mul(of_line(Summed::Price)?)?;
    of_line(Summed::BaseQuantity).map_or(Some(of_all), |base| of_all.checked_div(base))
}

/// The line's charges less its allowances.
pub(super) fn adjustment(line: View<'_>) -> Option<Decimal> {
    adjustment_of(line, gross(line)?)
}

fn adjustment_of(line: View<'_>, gross: Decimal) -> Option<Decimal> {
    let one = |item: View<'_>| signed(item, charged(item, gross, line.summed(Summed::Quantity).and_then(exact))?);
    line.field("allowance_charges").items().filter(|item| counts(*item)).map(one).sum()
}

/// The allowances and charges on the whole document; where the document has none anywhere but sums in its summary, those
/// are all that is said of them.
fn document_allowances(entity: &Entity) -> impl Iterator<Item = View<'_>> {
    entity.views(if has_allowances(entity) { "allowance_charges" } else { "totals.allowance_charges" })
}

/// Whether the document names allowances or charges one by one.
pub(super) fn has_allowances(entity: &Entity) -> bool {
    let of_line = |line: View<'_>| line.field("allowance_charges").items().any(counts);
    entity.views("allowance_charges").any(counts) || entity.views("lines").any(of_line)
}

/// Whether money is taken off or added; what is only told is no part of any sum.
pub(super) fn counts(item: View<'_>) -> bool {
    item.field("information_only").flag() != Some(true)
}

fn signed(item: View<'_>, amount: Decimal) -> Option<Decimal> {
    Some(if item.field("is_charge").flag()? { amount } else { -amount })
}

/// The money of one allowance or charge: as sent, else of its percentage or rate; nothing when it says none of them or
/// is settled elsewhere.
pub(super) fn charged(item: View<'_>, of: Decimal, quantity: Option<Decimal>) -> Option<Decimal> {
    if item.field("settlement").text().is_some_and(|one| ELSEWHERE.contains(&one)) {
        return Some(Decimal::ZERO);
    }
    if let Some(amount) = number(item, "amount") {
        return Some(amount);
    }
    if let Some(percent) = number(item, "percent") {
        return Some(rounded(number(item, "base").unwrap_or(of).checked_mul(percent)? / Decimal::ONE_HUNDRED));
    }
    let rate = number(item, "rate").zip(number(item, "quantity.value").or(quantity));
    rate.map_or(Some(Decimal::ZERO), |(rate, quantity)| rate.checked_mul(quantity).map(rounded))
}

/// A tax's money: as sent, else of its rate; nothing when the price holds it already.
pub(super) fn tax_amount(item: View<'_>, of: Decimal) -> Option<Decimal> {
    if item.field("is_included").flag() == Some(true) {
        return Some(Decimal::ZERO);
    }
    match (number(item, "amount"), number(item, "rate")) {
        (Some(amount), _) => Some(amount),
        (None, Some(rate)) => {
            Some(rounded(number(item, "base").unwrap_or(of).checked_mul(rate)? / Decimal::ONE_HUNDRED))
        }
        (None, None) => Some(Decimal::ZERO),
    }
}

/// A decimal by path, exactly as written.
pub(super) fn number(value: View<'_>, path: &str) -> Option<Decimal> {
    exact(value.at(path).text()?)
}

fn exact(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok()
}

/// To cents, halves away from zero as in commerce.
#[must_use]
pub fn rounded(amount: Decimal) -> Decimal {
    let mut cents = amount.round_dp_with_strategy(SCALE, RoundingStrategy::MidpointAwayFromZero);
    cents.rescale(SCALE);
    if cents.is_zero() { Decimal::new(0, SCALE) } else { cents }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Value;
    use serde_json::json;

    fn amount(text: &str) -> Option<Decimal> {
        exact(text)
    }

    fn total(entity: &Entity, name: &str) -> Option<Decimal> {
        Sums::of(entity).computed_in(name, View::Nothing)
    }

    #[test]
    fn line_net_amounts() {
        let cases = [
            ("plain", json!({ "quantity": { "value": "3" }, "price": { "amount": "4.25" } }), Some("12.75")),
            (
                "per hundred",
                json!({ "quantity": { "value": "250" }, "price": { "amount": "3.99", "base_quantity": { "value": "100" } } }),
                Some("9.98"),
            ),
            (
                "allowance in per cent and a charge at a rate",
                json!({ "quantity": { "value": "10" }, "price": { "amount": "10" }, "allowance_charges": [
                    { "is_charge": false, "percent": "5" }, { "is_charge": true, "rate": "0.10" }] }),
                Some("96.00"),
            ),
            (
                "a net price holds them already",
                json!({ "quantity": { "value": "10" }, "price": { "amount": "9.50", "kind": "net" },
                    "allowance_charges": [{ "is_charge": false, "amount": "5.00" }] }),
                Some("95.00"),
            ),
            (
                "settled elsewhere",
                json!({ "quantity": { "value": "1" }, "price": { "amount": "10" },
                    "allowance_charges": [{ "is_charge": false, "amount": "5.00", "settlement": "bill_back" }] }),
                Some("10.00"),
            ),
            (
                "only told",
                json!({ "quantity": { "value": "1" }, "price": { "amount": "10" },
                    "allowance_charges": [{ "information_only": true, "amount": "5.00" }] }),
                Some("10.00"),
            ),
            (
                "base of nothing",
                json!({ "quantity": { "value": "1" },
                "price": { "amount": "1", "base_quantity": { "value": "0" } } }),
                None,
            ),
            ("no price", json!({ "quantity": { "value": "3" } }), None),
        ];
        for (name, line, expected) in cases {
            assert_eq!(line_net((&Value::from(line)).into()), expected.and_then(amount), "{name}");
        }
    }

    #[test]
    fn totals_rest_on_what_was_sent() {
        let mut invoice = Entity::from_json(&json!({ "type": "invoice",
            "lines": [{ "quantity": { "value": "2" }, "price": { "amount": "50" } }],
            "allowance_charges": [{ "is_charge": false, "percent": "10" }, { "is_charge": true, "amount": "5" }],
            "taxes": [{ "kind": "vat", "rate": "19", "base": "95", "amount": "18.05" }],
            "totals": { "prepaid": "3.05" } }))
        .expect("an invoice");
        for (name, expected) in [
            ("lines_net", "100"),
            ("allowances", "10"),
            ("charges", "5"),
            ("tax_exclusive", "95"),
            ("tax", "18.05"),
            ("tax_inclusive", "113.05"),
            ("payable", "110.00"),
        ] {
            assert_eq!(total(&invoice, name), amount(expected), "{name}");
        }
        let summed = Entity::from_json(&json!({ "type": "invoice", "lines": [{ "net_amount": "100" }],
            "totals": { "allowance_charges": [{ "is_charge": true, "amount": "5" }] } }));
        assert_eq!(total(&summed.expect("an invoice"), "payable"), amount("105"), "sums are all there is");
        super::super::set(&mut invoice.fields, "totals.tax", "18.06".into());
        assert_eq!(total(&invoice, "payable"), amount("110.01"));
        let told = json!({ "information_only": true, "is_charge": true, "amount": "7", "taxes": [{ "rate": "19" }] });
        let mut told = Entity::from_json(&json!({ "type": "invoice", "lines": [{ "net_amount": "100" }],
            "allowance_charges": [told], "totals": { "allowance_charges": [{ "is_charge": true, "amount": "5" }] } }))
        .expect("an invoice");
        assert_eq!(total(&told, "payable"), amount("105"), "what is only told is no part of a sum");
        told.fields.remove("totals");
        assert_eq!(total(&told, "payable"), amount("100"));
    }

    #[test]
    fn taxes_of_lines_and_of_the_one_default() {
        let lines = json!([{ "net_amount": "100", "taxes": [{ "kind": "vat", "rate": "7" }] },
            { "net_amount": "10", "taxes": [{ "kind": "vat", "amount": "1.90" }, { "kind": "vat", "rate": "5", "is_included": true }] }]);
        let of_lines = Entity::from_json(&json!({ "type": "invoice", "lines": lines })).expect("an invoice");
        assert_eq!(total(&of_lines, "tax"), amount("8.90"));
        let default = Entity::from_json(&json!({ "type": "invoice", "lines": [{ "net_amount": "200" }],
            "tax_defaults": [{ "kind": "vat", "rate": "19" }] }))
        .expect("an invoice");
        assert_eq!(total(&default, "payable"), amount("238"));
    }
}
