//! `drop: REASON`: the document goes no further.

use super::{Done, Keys, Step, StepKind, Wrong};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::transformation::World;
use crate::transformation::expression::Failure;

pub struct Drop;

#[derive(Debug)]
struct Dropping(String);

impl StepKind for Drop {
    fn name(&self) -> &'static str {
        "drop"
    }

    fn help(&self) -> &'static str {
        "drop: REASON: the document goes no further on this route; when it goes on no route, it is `dropped`, for this \
         reason. Without a when it drops every one."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ drop: cancelled by phone, when: purpose = 'cancellation' }",
            r#"{ "purpose": "original" }"#,
            r#"{ "purpose": "original" }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        Ok(Box::new(Dropping(keys.must(self.name())?)))
    }
}

impl Step for Dropping {
    fn run(&self, _entity: &mut Entity, _world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        Ok(Done::Dropped(self.0.clone()))
    }
}
