//! What must agree inside an application advice: a document that was taken as it stood has no errors, one that was refused
//! has at least one.

use super::{Entity, Tolerance, finding};
use crate::diagnostic::{Diagnostic, Fault};

/// Appends what does not agree. A status that is none of ours says nothing.
pub fn check(advice: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    for (at, document) in advice.views("documents").enumerate() {
        let Some(status) = document.field("status").text() else { continue };
        let errors = document.field("errors").items().count();
        let expected = match (status, errors) {
            (status, 1..) if status.ends_with("accepted") && !status.ends_with("partly_accepted") => "no errors",
            (status, 0) if status.ends_with("rejected") => "an error that says why",
            _ => continue,
        };
        let (path, there) = (format!("documents[{}].errors", at + 1), format!("{errors}, and the status {status}"));
        found.push(finding(Fault::FieldsDisagree, &path, expected, &there));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_a_status_that_the_errors_do_not_bear_out() {
        let errors = json!([{ "code": "missing" }]);
        let advice = json!({ "type": "application_advice", "documents": [
            { "status": "accepted" }, { "status": "item_rejected", "errors": errors }, { "status": "partly_accepted", "errors": errors },
            { "status": "group_accepted", "errors": errors }, { "status": "rejected" }, { "errors": errors }] });
        let mut found = Vec::new();
        check(&Entity::from_json(&advice).expect("an advice"), &Tolerance::default(), &mut found);
        assert_eq!(
            found.iter().map(Diagnostic::message).collect::<Vec<_>>(),
            [
                "documents[4].errors: fields do not agree: expected no errors, found 1, and the status group_accepted",
                "documents[5].errors: fields do not agree: expected an error that says why, found 0, and the status rejected",
            ]
        );
    }
}
