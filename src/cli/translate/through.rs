//! The transformations that entities go through (`--through FILE`), as on a route: what the command line can do without an
//! instance. Numbers of our own are counted from the start of their sequences, for there is no ledger.

use crate::cli::own::{Own, resources};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::Entity;
use crate::pipeline::configured::Way;
use crate::pipeline::expression::Workers;
use crate::pipeline::transform::{Transformed, go};
use crate::transformation::expression::Expressions as _;
use crate::transformation::{Numbers, Transformation, World};
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Transformations, and what their steps may ask.
pub struct Through {
    way: Way,
    name: String,
    today: String,
    expressions: Workers,
    numbers: Counted,
}

impl Through {
    /// Reads all transformations of a file of resources, in their order.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(file: &Path, today: String) -> anyhow::Result<Self> {
        let (mut way, expressions, mut errors) = (Way::default(), Workers::of_this_program(), Vec::new());
        for one in resources(file)?.iter().filter(|one| one.kind == "transformation") {
            errors.extend(one.check_shape().iter().map(ToString::to_string));
            match Transformation::read(&one.name, &one.body) {
                Ok(found) => {
                    for (key, expression) in found.expressions() {
                        let wrong = expressions.check(expression).err();
                        errors.extend(wrong.map(|failure| one.error_at(&key, failure.sentence()).to_string()));
                    }
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
        Ok(Through { way, name: file.display().to_string(), today, expressions, numbers: Counted::default() })
    }

    /// Sends an entity through.
    pub fn pass<'e>(&self, entity: &'e Entity, own: &Own) -> Transformed<'e> {
        if self.way.through.iter().all(|one| one.entity != entity.kind) {
            let found: Vec<_> = self.way.through.iter().map(|one| one.entity.as_str()).collect();
            let finding = Diagnostic::new(Syntax::Document, Fault::TransformationFailed);
            let expected = format!("a transformation of {} in {}", entity.kind, self.name);
            return Transformed::Refused(vec![finding.because(expected, found.join(", "))]);
        }
        let tables = own.tables();
        let world = World { tables, today: &self.today, numbers: &self.numbers, expressions: &self.expressions };
        go(&self.way, &self.name, entity, &world)
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
