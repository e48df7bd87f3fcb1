//! What must agree inside an invoice or a credit note: amounts as sent against what lines, allowances and taxes come to
//! (`arithmetic`), dates, and what it refers to. Each amount is compared with what stands directly below it as sent, so
//! that one wrong line is told once, and not again in every total.

use super::arithmetic::{
    Sums, adjustment, charged, counts, given, gross, has_allowances, line_net, line_net_besides, number, rounded, sent,
    tax_amount,
};
use super::value::Value;
use super::view::View;
use super::{Entity, Tolerance, components, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;
use std::collections::HashSet;

/// Difference that totals with tax may have, for each tax rate: a cent, since each rate is rounded by itself.
const RATE_ROUNDING: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// Lines whose amounts are named in a finding on the total, at most.
const LINES_NAMED_MAX: usize = 10;

/// Appends what does not agree. Amounts that were not sent are not checked.
pub fn check(invoice: &Entity, tolerance: &Tolerance, found: &mut Vec<Diagnostic>) {
    let computed = Sums::of(invoice);
    components::check(invoice, found);
    lines(invoice, tolerance.line, found);
    sums(invoice, &computed, tolerance.total, found);
    summary_allowances(invoice, &computed, tolerance.total, found);
    taxes(invoice, &computed, tolerance.total, found);
    references(invoice, found);
    dates(invoice, found);
}

/// Net amounts of the lines.
fn lines(invoice: &Entity, tolerance: Decimal, found: &mut Vec<Diagnostic>) {
    for (at, line) in invoice.views("lines").enumerate() {
        let (Some(sent), Some(expected)) = (number(line, "net_amount"), line_net(line)) else { continue };
        let fits = |one: Decimal| sent == one || is_finer(sent, one, line);
        if fits(expected) || line_net_besides(line).is_some_and(fits) {
            continue;
        }
        let base = number(line, "price.base_quantity.value").filter(|base| *base != Decimal::ONE);
        let base = base.map_or(String::new(), |base| format!(" ÷ {base}"));
        let (quantity, price) = (text(line, "quantity"), text(line, "price"));
        let besides = adjustment(line).unwrap_or_default();
        let besides = if besides.is_zero() { String::new() } else { format!(", allowances and charges {besides}") };
        let why = format!("{quantity} × {price}{base}{besides}");
        differs(&format!("lines[{}].net_amount", at + 1), (expected, &why), sent, tolerance, found);
    }
}

/// An amount sent with more decimals than cents is compared as exactly as it was sent.
fn is_finer(sent: Decimal, computed: Decimal, line: View<'_>) -> bool {
    let exact = gross(line).zip(adjustment(line)).map(|(gross, besides)| gross + besides);
    rounded(sent) == computed && exact.is_some_and(|exact| exact.round_dp(sent.scale()) == sent)
}

fn text<'v>(line: View<'v>, field: &str) -> &'v str {
    let key = if field == "price" { "amount" } else { "value" };
    line.field(field).field(key).text().unwrap_or_default()
}

/// The totals (BR-CO-10 to BR-CO-16 of EN 16931). Each rests on the ones before it as they were sent.
fn sums(invoice: &Entity, computed: &Sums<'_>, tolerance: Decimal, found: &mut Vec<Diagnostic>) {
    let by_rate = RATE_ROUNDING * Decimal::from(rates(invoice).max(1));
    let part =
        |name: &str, label: &str| format!("{label} {}", cents(computed.sent_or_computed(name).unwrap_or_default()));
    let outside = || {
        let (prepaid, rounding) = (given(invoice, "prepaid"), given(invoice, "rounding"));
        let prepaid = if prepaid.is_zero() { String::new() } else { format!(" - prepaid {prepaid}") };
        let rounding = if rounding.is_zero() { String::new() } else { format!(" + rounding {rounding}") };
        format!("{prepaid}{rounding}")
    };
    let without_tax = || {
        let (lines, less, plus) =
            (part("lines_net", "lines"), part("allowances", "allowances"), part("charges", "charges"));
        format!("{lines} - {less} + {plus}")
    };
    let with_tax = || match sent(invoice, "tax_exclusive") {
        Some(sent) => format!("without tax {sent} + {}", part("tax", "tax")),
        None => format!("{} + {}", without_tax(), part("tax", "tax")),
    };
    let payable = || match sent(invoice, "tax_inclusive") {
        Some(sent) => format!("with tax {sent}{}", outside()),
        None => format!("{}{}{}", with_tax(), outside(), line_amounts(invoice, computed)),
    };
    type Why<'a> = &'a dyn Fn() -> String;
    let totals: [(&str, Decimal, Why<'_>); 7] = [
        ("lines_net", Decimal::ZERO, &|| format!("the lines{}", line_amounts(invoice, computed))),
        ("allowances", Decimal::ZERO, &|| "the allowances on the whole document".to_owned()),
        ("charges", Decimal::ZERO, &|| "the charges on the whole document".to_owned()),
        ("tax_exclusive", Decimal::ZERO, &without_tax),
        ("tax", by_rate, &|| "the taxes".to_owned()),
        ("tax_inclusive", by_rate, &with_tax),
        ("payable", by_rate, &payable),
    ];
    for (name, rounding, why) in totals {
        let (Some(sent), Some(expected)) = (sent(invoice, name), computed.computed(name)) else {
            continue;
        };
        if (sent - expected).abs() > rounding {
            differs(&format!("totals.{name}"), (expected, &why()), sent, tolerance, found);
        }
    }
}

/// `: 1 102.00, 2 144.00` for documents with few lines, so that the wrong one can be seen.
fn line_amounts(invoice: &Entity, computed: &Sums<'_>) -> String {
    if !(2..=LINES_NAMED_MAX).contains(&invoice.list("lines").len()) {
        return String::new();
    }
    let named = invoice.views("lines").zip(computed.nets()).enumerate().filter_map(|(at, (line, net))| {
        let number = line.field("number").text().map_or_else(|| (at + 1).to_string(), str::to_owned);
        Some(format!("line {number}: {}", cents((*net)?)))
    });
    format!(" ({})", named.collect::<Vec<_>>().join(", "))
}

/// Kinds, categories and rates of tax in the document.
fn rates(invoice: &Entity) -> usize {
    let of_lines = invoice.views("lines").flat_map(|line| line.field("taxes").items());
    let all = invoice.views("taxes").chain(of_lines);
    // Few differ.
    let mut known: Vec<(View<'_>, View<'_>, Option<Decimal>)> = Vec::new();
    for tax in all {
        let one = (tax.field("kind"), tax.field("category"), number(tax, "rate"));
        if !known.contains(&one) {
            known.push(one);
        }
    }
    known.len()
}

/// Sums of allowances by kind that stand in the summary beside the allowances themselves.
fn summary_allowances(invoice: &Entity, computed: &Sums<'_>, tolerance: Decimal, found: &mut Vec<Diagnostic>) {
    if !has_allowances(invoice) {
        return;
    }
    let lines_net = computed.sent_or_computed("lines_net").unwrap_or_default();
    for (at, sum) in invoice.views("totals.allowance_charges").enumerate() {
        let same = |item: &View<'_>| {
            let is_same = |name: &str| item.field(name) == sum.field(name);
            counts(*item) && is_same("is_charge") && is_same("code")
        };
        let of_lines = invoice.views("lines").flat_map(|line| {
            let (gross, quantity) = (gross(line).unwrap_or_default(), number(line, "quantity.value"));
            line.field("allowance_charges").items().filter(same).map(move |item| charged(item, gross, quantity))
        });
        let own = invoice.views("allowance_charges").filter(same).map(|item| charged(item, lines_net, None));
        let (Some(own), Some(of_lines)) = (own.sum::<Option<Decimal>>(), of_lines.sum::<Option<Decimal>>()) else {
            continue;
        };
        let Some(sent) = number(sum, "amount") else { continue };
        // Some senders sum up those of the heading only, some those of the lines as well.
        if sent != own && sent != own + of_lines {
            let path = format!("totals.allowance_charges[{}].amount", at + 1);
            let why = "the allowances and charges of this kind";
            differs(&path, (own + of_lines, why), sent, tolerance, found);
        }
    }
}

/// The breakdown (BR-CO-17): each rate's amount is its base times the rate, and its base the lines of that rate.
fn taxes(invoice: &Entity, computed: &Sums<'_>, tolerance: Decimal, found: &mut Vec<Diagnostic>) {
    for (at, tax) in invoice.views("taxes").enumerate() {
        let (Some(rate), Some(base)) = (number(tax, "rate"), number(tax, "base")) else { continue };
        let Some(amount) = number(tax, "amount") else { continue };
        let Some(expected) = tax_amount((&Value::from([("rate", rate.to_string().into())])).into(), base) else {
            continue;
        };
        if (amount - expected).abs() > RATE_ROUNDING {
            let why = format!("{base} × {rate} %");
            differs(&format!("taxes[{}].amount", at + 1), (expected, &why), amount, tolerance, found);
        }
        // Prices that hold the tax are more than its base.
        let held = if tax.field("is_included").flag() == Some(true) { amount } else { Decimal::ZERO };
        if let Some(expected) =
            taxable(invoice, computed, tax).map(|sum| sum - held).filter(|expected| *expected != base)
        {
            let path = format!("taxes[{}].base", at + 1);
            let why = "the lines, allowances and charges of this rate";
            differs(&path, (expected, why), base, tolerance, found);
        }
    }
}

/// What a rate of the breakdown is computed on; `None` when a line or an allowance does not say which rate it has.
fn taxable(invoice: &Entity, computed: &Sums<'_>, tax: View<'_>) -> Option<Decimal> {
    let rate = number(tax, "rate");
    let same = |one: View<'_>| {
        let is_same = |name: &str| one.field(name) == tax.field(name);
        is_same("kind") && is_same("category") && number(one, "rate") == rate
    };
    let of_one = |item: View<'_>| -> Option<bool> {
        let mut own = item.field("taxes").items();
        match (own.next(), own.next()) {
            (Some(one), None) => Some(same(one)),
            _ => None,
        }
    };
    let mut sum = Decimal::ZERO;
    for (line, net) in invoice.views("lines").zip(computed.nets()) {
        if of_one(line)? {
            sum += (*net)?;
        }
    }
    let lines_net = computed.sent_or_computed("lines_net")?;
    for item in invoice.views("allowance_charges").filter(|item| counts(*item)) {
        let is_charge = item.field("is_charge").flag()?;
        if of_one(item)? {
            let amount = charged(item, lines_net, None)?;
            sum += if is_charge { amount } else { -amount };
        }
    }
    Some(sum)
}

/// A document cannot credit or correct itself, and its lines are told apart by their numbers.
fn references(invoice: &Entity, found: &mut Vec<Diagnostic>) {
    let (own, before) = (invoice.text("number"), invoice.text("preceding_invoice.number"));
    if invoice.kind == "credit_note" && before.is_none() {
        let expected = "the number of the invoice that is credited";
        found.push(finding(Fault::FieldMissing, "preceding_invoice.number", expected, "nothing"));
    }
    if let Some(own) = own.filter(|own| invoice.kind == "credit_note" && Some(*own) == before) {
        let expected = "another document's number";
        found.push(finding(Fault::FieldsDisagree, "preceding_invoice.number", expected, own));
    }
    let mut seen = HashSet::new();
    for (at, line) in invoice.views("lines").enumerate() {
        if let Some(number) = line.field("number").text().filter(|number| !seen.insert(*number)) {
            let expected = "a number that no line before it has";
            found.push(finding(Fault::FieldsDisagree, &format!("lines[{}].number", at + 1), expected, number));
        }
    }
}

/// Nothing is due before it is invoiced, and nothing invoiced before it is ordered.
fn dates(invoice: &Entity, found: &mut Vec<Diagnostic>) {
    let day = |text: &str| text.get(..10).and_then(|day| day.parse::<jiff::civil::Date>().ok());
    let Some(issued) = invoice.text("issued").and_then(day) else { return };
    let mut order = |path: &str, text: Option<&str>, must_follow: bool| {
        let Some(date) = text.and_then(day) else { return };
        if (date < issued && must_follow) || (date > issued && !must_follow) {
            let expected = format!("a day {} {issued}, when it was issued", if must_follow { "from" } else { "up to" });
            found.push(finding(Fault::FieldsDisagree, path, &expected, &date.to_string()));
        }
    };
    order("order.issued", invoice.text("order.issued"), false);
    order("preceding_invoice.issued", invoice.text("preceding_invoice.issued"), false);
    for (at, terms) in invoice.list("terms").iter().enumerate() {
        for field in ["net_date", "discount_date"] {
            order(&format!("terms[{}].{field}", at + 1), terms[field].as_str(), true);
        }
    }
}

/// With two decimals at least, and no minus before nothing.
fn cents(amount: Decimal) -> Decimal {
    let mut amount = if amount.is_zero() { Decimal::ZERO } else { amount };
    amount.rescale(amount.scale().max(2));
    amount
}

/// Tells a difference: an error, or a warning where it was agreed to let it pass.
fn differs(
    path: &str,
    (expected, why): (Decimal, &str),
    sent: Decimal,
    tolerance: Decimal,
    found: &mut Vec<Diagnostic>,
) {
    let difference = (sent - expected).abs();
    let more = if sent > expected { "more" } else { "less" };
    let mut said = format!("{sent}, which is {} {more}", cents(difference));
    let is_agreed = difference <= tolerance;
    if is_agreed {
        said.push_str(&format!(", within the agreed {}", cents(tolerance)));
    }
    let finding = finding(Fault::SumDiffers, path, &format!("{}, from {why}", cents(expected)), &said);
    found.push(if is_agreed { finding.severity(Severity::Warning) } else { finding });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_was_agreed_to_pass_is_a_warning() {
        let line = |net: &str| json!({ "number": "1", "quantity": { "value": "3" }, "price": { "amount": "1.11" }, "net_amount": net });
        let told = |net: &str, payable: &str| {
            let invoice = json!({ "type": "invoice", "lines": [line(net)], "totals": { "payable": payable } });
            let tolerance = Tolerance { line: Decimal::new(2, 2), total: Decimal::new(5, 2) };
            let mut found = Vec::new();
            check(&Entity::from_json(&invoice).expect("an entity"), &tolerance, &mut found);
            found.into_iter().map(|one| (one.place.clone(), one.severity, one.message())).collect::<Vec<_>>()
        };
        let within = told("3.35", "3.40");
        assert_eq!(
            within.iter().map(|one| (&*one.0, one.1)).collect::<Vec<_>>(),
            [("lines[1].net_amount", Severity::Warning), ("totals.payable", Severity::Warning)]
        );
        assert!(within[0].2.ends_with("3.35, which is 0.02 more, within the agreed 0.02"), "{within:?}");
        let over = told("3.36", "3.42");
        assert!(over.iter().all(|one| one.1 == Severity::Error) && over.len() == 2, "{over:?}");
    }

    fn messages(entity: Value) -> Vec<String> {
        let mut found = Vec::new();
        check(&Entity::from_json(&entity).expect("an entity"), &Tolerance::default(), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    fn line(number: &str, quantity: &str, price: &str, net: &str) -> Value {
        json!({ "number": number, "quantity": { "value": quantity }, "price": { "amount": price }, "net_amount": net,
            "taxes": [{ "kind": "vat", "category": "S", "rate": "19" }] })
    }

    fn invoice() -> Value {
        json!({ "type": "invoice", "number": "1", "issued": "2026-11-24",
            "lines": [line("1", "10", "8.50", "85.00"), line("2", "3", "5.00", "15.00")],
            "taxes": [{ "kind": "vat", "category": "S", "rate": "19", "base": "100.00", "amount": "19.00" }],
            "totals": { "lines": "2", "lines_net": "100.00", "tax_exclusive": "100.00", "tax": "19.00",
                "tax_inclusive": "119.00", "prepaid": "19.00", "payable": "100.00" } })
    }

    #[test]
    fn what_agrees_has_no_findings() {
        assert_eq!(messages(invoice()), Vec::<String>::new());
        // A cent for each rate is rounding.
        let mut rounded = invoice();
        rounded["totals"]["tax_inclusive"] = "119.01".into();
        rounded["totals"]["payable"] = "100.01".into();
        assert_eq!(messages(rounded), Vec::<String>::new());
    }

    #[test]
    fn a_tax_that_the_prices_hold_is_no_part_of_its_base() {
        let mut held = invoice();
        held["taxes"][0] = json!({ "kind": "vat", "category": "S", "rate": "19", "base": "84.03", "amount": "15.97",
            "is_included": true });
        held["totals"] = json!({ "lines_net": "100.00", "payable": "100.00" });
        assert_eq!(messages(held.clone()), Vec::<String>::new());
        held["taxes"][0]["base"] = "84.04".into();
        assert_eq!(messages(held).len(), 1);
    }

    #[test]
    fn err_each_amount_is_told_where_it_differs_and_only_there() {
        let cases = [
            (
                "/lines/1/net_amount",
                "15.01",
                vec![
                    "lines[2].net_amount: sent total differs from the computed one: expected 15.00, from 3 × 5.00, found 15.01, which is 0.01 more",
                    "totals.lines_net: sent total differs from the computed one: expected 100.01, from the lines (line 1: 85.00, line 2: 15.01), found 100.00, which is 0.01 less",
                    "taxes[1].base: sent total differs from the computed one: expected 100.01, from the lines, allowances and charges of this rate, found 100.00, which is 0.01 less",
                ],
            ),
            (
                "/totals/lines",
                "3",
                vec!["totals.lines: sent total differs from the computed one: expected 2 lines, as there are, found 3"],
            ),
            (
                "/totals/tax_exclusive",
                "100.01",
                vec![
                    "totals.tax_exclusive: sent total differs from the computed one: expected 100.00, from lines 100.00 - allowances 0.00 + charges 0.00, found 100.01, which is 0.01 more",
                ],
            ),
            (
                "/totals/tax",
                "19.02",
                vec![
                    "totals.tax: sent total differs from the computed one: expected 19.00, from the taxes, found 19.02, which is 0.02 more",
                    "totals.tax_inclusive: sent total differs from the computed one: expected 119.02, from without tax 100.00 + tax 19.02, found 119.00, which is 0.02 less",
                ],
            ),
            (
                "/totals/payable",
                "119.00",
                vec![
                    "totals.payable: sent total differs from the computed one: expected 100.00, from with tax 119.00 - prepaid 19.00, found 119.00, which is 19.00 more",
                ],
            ),
            (
                "/taxes/0/amount",
                "19.02",
                vec![
                    "totals.tax: sent total differs from the computed one: expected 19.02, from the taxes, found 19.00, which is 0.02 less",
                    "taxes[1].amount: sent total differs from the computed one: expected 19.00, from 100.00 × 19 %, found 19.02, which is 0.02 more",
                ],
            ),
        ];
        for (at, value, expected) in cases {
            let mut wrong = invoice();
            *wrong.pointer_mut(at).expect("a field") = value.into();
            assert_eq!(messages(wrong), expected, "{at}");
        }
    }

    /// X12 sends one total (TDS01); the finding lays open how it is made up.
    #[test]
    fn err_one_total_only() {
        let wrong = json!({ "type": "invoice", "number": "1", "issued": "2026-11-24",
            "lines": [{ "quantity": { "value": "12" }, "price": { "amount": "8.5" } },
                { "quantity": { "value": "6" }, "price": { "amount": "24" } }],
            "allowance_charges": [{ "is_charge": true, "amount": "15.00" }, { "is_charge": false, "amount": "8.00" }],
            "totals": { "payable": "261.00" } });
        assert_eq!(
            messages(wrong),
            [
                "totals.payable: sent total differs from the computed one: expected 253.00, from lines 246.00 - allowances 8.00 + charges 15.00 + tax 0.00 (line 1: 102.00, line 2: 144.00), found 261.00, which is 8.00 more"
            ]
        );
    }

    #[test]
    fn err_sums_of_allowances_are_no_allowances() {
        let mut summed = invoice();
        summed["lines"][0]["allowance_charges"] = json!([{ "is_charge": false, "code": "discount", "amount": "0.00" }]);
        summed["totals"]["allowance_charges"] = json!([{ "is_charge": false, "code": "discount", "amount": "2.00" }]);
        assert_eq!(
            messages(summed),
            [
                "totals.allowance_charges[1].amount: sent total differs from the computed one: expected 0.00, from the allowances and charges of this kind, found 2.00, which is 2.00 more"
            ]
        );
    }

    #[test]
    fn err_dates_and_references() {
        let wrong = json!({ "type": "credit_note", "number": "7", "issued": "2026-11-24",
            "order": { "issued": "2026-11-25" }, "preceding_invoice": { "number": "7" },
            "terms": [{ "net_date": "2026-11-23" }],
            "lines": [{ "number": "1", "quantity": { "value": "1" } }, { "number": "1", "quantity": { "value": "1" } }] });
        assert_eq!(
            messages(wrong),
            [
                "preceding_invoice.number: fields do not agree: expected another document's number, found 7",
                "lines[2].number: fields do not agree: expected a number that no line before it has, found 1",
                "order.issued: fields do not agree: expected a day up to 2026-11-24, when it was issued, found 2026-11-25",
                "terms[1].net_date: fields do not agree: expected a day from 2026-11-24, when it was issued, found 2026-11-23",
            ]
        );
        assert_eq!(
            messages(json!({ "type": "credit_note", "number": "7", "lines": [] })),
            [
                "preceding_invoice.number: field missing: expected the number of the invoice that is credited, found nothing"
            ]
        );
    }
}
