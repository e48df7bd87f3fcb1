//! What must agree inside a party information: no party is told of twice in one role under one id, for which of the two
//! would hold, nobody could say.

use super::{Entity, Tolerance, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use std::collections::HashMap;

/// Appends what does not agree.
pub fn check(information: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (at, record) in information.views("records").enumerate() {
        for (number, id) in record.field("ids").items().enumerate() {
            let key = format!("{} {}", record.field("role").value(), id.value());
            match seen.get(&key) {
                Some(first) => {
                    let place = format!("records[{}].ids[{}]", at + 1, number + 1);
                    let expected = format!("an id of its own, as records[{}] has this one", first + 1);
                    let twice =
                        finding(Fault::ReferenceTwice, &place, &expected, id.field("value").text().unwrap_or_default());
                    found.push(twice.severity(Severity::Warning));
                }
                None => drop(seen.insert(key, at)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_a_party_told_of_twice() {
        let one = json!({ "role": "buyer", "ids": [{ "scheme": "gln", "value": "4012345000023" }] });
        let other = json!({ "role": "payer", "ids": [{ "scheme": "gln", "value": "4012345000023" }] });
        let information = json!({ "type": "party", "records": [one, other, one] });
        let mut found = Vec::new();
        check(&Entity::from_json(&information).expect("a party"), &Tolerance::default(), &mut found);
        assert_eq!(
            found.iter().map(Diagnostic::message).collect::<Vec<_>>(),
            [
                "records[3].ids[1]: number used twice: expected an id of its own, as records[1] has this one, found 4012345000023"
            ]
        );
    }
}
