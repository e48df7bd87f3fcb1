//! A transformation step by step: what each step found and what became of every value, which is what `explain` shows. The
//! steps are the same; what is sent on its way does not pay for it.

use super::{Outcome, Transformation, World};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::entity::moved::{Moved, moved};

/// What a step did.
#[derive(Debug)]
pub struct StepTrace {
    /// Which it is, from 1.
    pub at: usize,
    /// Its name.
    pub name: &'static str,
    /// What became of the values.
    pub moved: Moved,
    /// Why the document goes no further, where the step says so.
    pub dropped: Option<String>,
    /// What it found.
    pub findings: Vec<Diagnostic>,
}

impl Transformation {
    /// As [`Transformation::run`], with what each step did that was come to. Each is done several times: `world` must give
    /// the same answer to the same question.
    pub fn trace(&self, entity: &mut Entity, world: &World<'_>) -> (Outcome, Vec<StepTrace>) {
        if entity.kind != self.entity {
            return (self.run(entity, world), Vec::new());
        }
        let (mut outcome, mut traces) = (Outcome::default(), Vec::new());
        for (number, placed) in self.steps.iter().enumerate() {
            let (before, known) = (entity.clone(), outcome.findings.len());
            let goes_on = self.step(number, entity, world, &mut outcome);
            let again = |mut marked: Entity| {
                placed.run(&mut marked, world, &mut Vec::new()).ok()?;
                Some(vec![marked])
            };
            traces.push(StepTrace {
                at: number + 1,
                name: placed.name,
                moved: moved(&before, std::slice::from_ref(entity), &again),
                dropped: outcome.dropped.clone(),
                findings: outcome.findings[known..].to_vec(),
            });
            if !goes_on {
                break;
            }
        }
        (outcome, traces)
    }
}
