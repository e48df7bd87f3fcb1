//! `check: CONDITION`: what must hold.

use super::{Done, Each, Keys, Step, StepKind, Wrong};
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax};
use crate::entity::Entity;
use crate::transformation::World;
use crate::transformation::expression::Failure;
use crate::transformation::formula::Formula;

pub struct Check;

#[derive(Debug)]
struct Checking {
    each: Each,
    condition: Formula,
    expect: String,
    severity: Severity,
}

impl StepKind for Check {
    fn name(&self) -> &'static str {
        "check"
    }

    fn help(&self) -> &'static str {
        "check: CONDITION, expect: TEXT: what must hold, and in words; else it is CHECK-FAILED. severity: error, or warning. each: LIST and where: CONDITION: in each of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ check: quantity.value > 0, each: lines, expect: something to be ordered }",
            r#"{ "lines": [{ "quantity": { "value": "1", "unit": "EA" } }] }"#,
            r#"{ "lines": [{ "quantity": { "value": "1", "unit": "EA" } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let each = keys.each()?;
        let severity = keys.word("severity", &["error", "warning"])?;
        let severity = if severity == Some("warning") { Severity::Warning } else { Severity::Error };
        let expect = keys.must("expect")?;
        match keys.formula(self.name())? {
            Some(condition) => Ok(Box::new(Checking { each, condition, expect, severity })),
            None => Keys::wrong(self.name(), "expected a condition, found nothing".to_owned()),
        }
    }
}

impl Step for Checking {
    fn run(&self, entity: &mut Entity, world: &World<'_>, findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let found = self.each.look(entity, world.today, |around| self.condition.holds(around))?;
        for (at, _) in found.iter().enumerate().filter(|(_, holds)| **holds == Some(false)) {
            let mut finding = Diagnostic::new(Syntax::Document, Fault::CheckFailed);
            finding.severity = self.severity;
            finding.place = self.each.place(at);
            findings.push(finding.because(self.expect.clone(), ""));
        }
        Ok(Done::On)
    }
}
