//! What lines are made up of, against the lines: components are counted beside lines by some and not by others, and a
//! component that is part of another names one of the same line. Their prices are no part of any sum.

use super::view::View;
use super::{Entity, finding};
use crate::diagnostic::{Diagnostic, Fault};

/// Appends what does not agree.
pub(super) fn check(entity: &Entity, found: &mut Vec<Diagnostic>) {
    count(entity, found);
    for (line, value) in entity.views("lines").enumerate() {
        let components = || value.field("components").items().enumerate();
        for (at, component) in components() {
            let Some(parent) = component.field("parent").text() else { continue };
            let is_parent = |(other, one): (usize, View<'_>)| other != at && one.field("number").text() == Some(parent);
            if !components().any(is_parent) {
                let path = format!("lines[{}].components[{}].parent", line + 1, at + 1);
                found.push(finding(
                    Fault::FieldsDisagree,
                    &path,
                    "the number of another component of the line",
                    parent,
                ));
            }
        }
    }
}

/// The number of lines as sent: X12 counts the lines alone, many an EDIFACT sender the components with them.
fn count(entity: &Entity, found: &mut Vec<Diagnostic>) {
    let lines = entity.list("lines");
    let Some(sent) = entity.text("totals.lines") else { return };
    let components: usize = entity.views("lines").map(|line| line.field("components").items().count()).sum();
    let counted = sent.parse::<usize>().ok();
    if counted != Some(lines.len()) && counted != Some(lines.len() + components) {
        let with =
            if components == 0 { String::new() } else { format!(", or {} with components", lines.len() + components) };
        let expected = format!("{} lines, as there are{with}", lines.len());
        found.push(finding(Fault::SumDiffers, "totals.lines", &expected, sent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn messages(count: &str, parent: &str) -> Vec<String> {
        let order = Entity::from_json(&json!({ "type": "order", "totals": { "lines": count },
            "lines": [{ "components": [{ "number": "11" }, { "number": "12", "parent": parent }] }, {}] }));
        let mut found = Vec::new();
        check(&order.expect("an order"), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    #[test]
    fn lines_are_counted_with_components_or_without() {
        assert_eq!(messages("2", "11"), Vec::<String>::new());
        assert_eq!(messages("4", "11"), Vec::<String>::new());
        assert_eq!(
            messages("3", "11"),
            [
                "totals.lines: sent total differs from the computed one: expected 2 lines, as there are, or 4 with components, found 3"
            ]
        );
    }

    #[test]
    fn err_part_of_nothing_or_of_itself() {
        for parent in ["13", "12"] {
            let expected = format!(
                "lines[1].components[2].parent: fields do not agree: expected the number of another component of the line, found {parent}"
            );
            assert_eq!(messages("2", parent), [expected]);
        }
    }
}
