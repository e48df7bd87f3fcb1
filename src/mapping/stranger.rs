//! Fields that rules name and the entity does not have. A mistyped one is told when the mapping is read: on running, its
//! value would be there under a name that nobody looks for. What the fields hold is the entity's own check.

use super::notation::{Mapping, NotationError, Rule, wrong};
use super::tree::LINES;
use crate::entity::{self, EntityDefinition};

/// Asks for each field of each rule whether one of the mapping's entities has it.
///
/// # Errors
/// The first that none has.
pub(super) fn refuse(mapping: &Mapping) -> Result<(), NotationError> {
    let known: Vec<_> = mapping.select.iter().filter_map(|choice| entity::definition(&choice.entity)).collect();
    among(&mapping.rules, "", &known)?;
    for level in mapping.tree.iter().flat_map(|tree| &tree.levels) {
        among(&level.rules, level.list.as_deref().unwrap_or_default(), &known)?;
        among(&level.allocation, &format!("{LINES}.allocations"), &known)?;
    }
    Ok(())
}

fn among(rules: &[Rule], prefix: &str, known: &[&EntityDefinition]) -> Result<(), NotationError> {
    for rule in rules {
        let field = if prefix.is_empty() { rule.field.to_string() } else { format!("{prefix}.{}", rule.field) };
        if !known.iter().any(|one| one.field(&field).is_some()) {
            let entities: Vec<_> = known.iter().map(|one| one.kind.as_str()).collect();
            return Err(wrong(&field, &format!("a field of {}", entities.join(" or ")), "none of that name"));
        }
        among(rule.inner(), &field, known)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::notation::{Here, mapping};
    use super::*;

    fn told(rules: &str) -> String {
        let file = crate::yaml::document(&format!("entity: order\nrules:\n{rules}")).expect("YAML").to_json();
        let mapping = mapping(["x12", "004010", "850"], &Here::default(), &file).expect("the notation");
        refuse(&mapping).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn err_a_field_that_the_entity_has_not() {
        assert_eq!(told("  number: BEG03\n  lines[]:\n    each: PO1\n    quantity.value: 02\n"), "");
        assert_eq!(told("  numbre: BEG03\n"), "numbre: expected a field of order, found none of that name");
        assert_eq!(
            told("  lines[]:\n    each: PO1\n    dates[]:\n      each: DTM\n      on: 02\n"),
            "lines.dates.on: expected a field of order, found none of that name"
        );
    }
}
