//! The transformations that entities go through (`--through FILE`), as on a route: what the command line can do without an
//! instance; `explain` has each step looked at. Numbers of our own are counted from the start of their sequences, for there
//! is no ledger.

use crate::cli::own::{Own, resources};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::Entity;
use crate::pipeline::configured::Way;
use crate::pipeline::explain::Stage;
use crate::pipeline::expression::Workers;
use crate::pipeline::transform::{Transformed, go, go_by};
use crate::transformation::expression::Expressions as _;
use crate::transformation::{Numbers, Transformation, World};
use anyhow::Context as _;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Transformations, and what their steps may ask.
pub struct Through {
    way: Way,
    name: String,
    today: String,
    expressions: Workers,
    numbers: Counted,
    /// Where the steps of each stand in the file.
    lines: HashMap<String, Vec<String>>,
}

impl Through {
    /// Reads all transformations of a file of resources, in their order.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(file: &Path, today: String) -> anyhow::Result<Self> {
        let (mut way, expressions, mut errors) = (Way::default(), Workers::of_this_program(), Vec::new());
        let mut lines = HashMap::new();
        for one in resources(file)?.iter().filter(|one| one.kind == "transformation") {
            errors.extend(one.check_shape().iter().map(ToString::to_string));
            match Transformation::read(&one.name, &one.body) {
                Ok(found) => {
                    for (key, expression) in found.expressions() {
                        let wrong = expressions.check(expression).err();
                        errors.extend(wrong.map(|failure| one.error_at(&key, failure.sentence()).to_string()));
                    }
                    let count = one.body["steps"].as_array().map_or(0, Vec::len);
                    let line = |at: usize| one.line_of(&format!("steps[{at}]")).unwrap_or_default();
                    lines.insert(one.name.clone(), (1..=count).map(line).collect());
                    way.through.push(Arc::new(found));
                }
                Err(wrong) => {
                    errors.extend(wrong.iter().map(|wrong| one.error_at(&wrong.key, &wrong.message).to_string()))
                }
            }
        }
        anyhow::ensure!(errors.is_empty(), "{}", errors.join("\n"));
        way.through
            .first()
            .with_context(|| format!("{}: expected a resource of kind transformation", file.display()))?;
        Ok(Through { way, name: file.display().to_string(), today, expressions, numbers: Counted::default(), lines })
    }

    /// Sends an entity through.
    pub fn pass<'e>(&self, entity: &'e Entity, own: &Own) -> Transformed<'e> {
        let world = self.world(own);
        self.foreign(entity).unwrap_or_else(|| go(&self.way, &self.name, entity, &world))
    }

    /// The same, with what each step did.
    pub fn trace(&self, entity: &Entity, own: &Own) -> (Transformed<'static>, Vec<Stage>) {
        let (world, mut stages) = (self.world(own), Vec::new());
        if let Some(foreign) = self.foreign(entity) {
            return (foreign, stages);
        }
        let transformed = go_by(&self.way, &self.name, entity, &world, &mut |transformation, made| {
            let (outcome, traces) = transformation.trace(made, &world);
            let lines = self.lines.get(&transformation.name);
            stages.extend(traces.into_iter().map(|trace| Stage {
                by: format!("{} steps[{}].{}", transformation.name, trace.at, trace.name),
                place: lines.and_then(|lines| lines.get(trace.at - 1)).cloned().unwrap_or_default(),
                moved: trace.moved,
                dropped: trace.dropped,
                findings: trace.findings,
            }));
            outcome
        });
        (transformed.owned(), stages)
    }

    fn world<'w>(&'w self, own: &'w Own) -> World<'w> {
        World { tables: own.tables(), today: &self.today, numbers: &self.numbers, expressions: &self.expressions }
    }

    /// What is said of an entity that no transformation of the file is for.
    fn foreign<'e>(&self, entity: &Entity) -> Option<Transformed<'e>> {
        if self.way.through.iter().any(|one| one.entity == entity.kind) {
            return None;
        }
        let found: Vec<_> = self.way.through.iter().map(|one| one.entity.as_str()).collect();
        let finding = Diagnostic::new(Syntax::Document, Fault::TransformationFailed);
        let expected = format!("a transformation of {} in {}", entity.kind, self.name);
        Some(Transformed::Refused(vec![finding.because(expected, found.join(", "))]))
    }
}

/// Numbers by sequence and what they are for.
#[derive(Default)]
struct Counted(Mutex<BTreeMap<String, BTreeMap<String, u64>>>);

impl Numbers for Counted {
    fn number(&self, sequence: &str, start: u64, owner: &str) -> Result<u64, String> {
        let mut known = self.0.lock().map_err(|error| error.to_string())?;
        let sequence = known.entry(sequence.to_owned()).or_default();
        let next = start + sequence.len() as u64;
        Ok(*sequence.entry(owner.to_owned()).or_insert(next))
    }
}
