//! What a route makes of an entity before it is written: whether it takes it at all, and the transformations it goes
//! through.

use super::configured::{Configured, Way};
use super::state::Service;
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax, is_clean};
use crate::entity::Entity;
use crate::store::{Result as StoreResult, StoreError};
use crate::transformation::{Numbers, Outcome, Transformation, World};
use futures_util::future::join_all;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of an entity.
pub enum Transformed<'e> {
    /// It goes on, with what was found.
    On(Cow<'e, Entity>, Vec<Diagnostic>),
    /// The route does not take it, and says so in a finding.
    Dropped(Diagnostic),
    /// It cannot go on.
    Refused(Vec<Diagnostic>),
    /// It could not be tried, which is no fault of the entity.
    Undone(String),
}

impl Transformed<'_> {
    /// The same, with an entity of its own.
    #[must_use]
    pub fn owned(self) -> Transformed<'static> {
        match self {
            Transformed::On(entity, found) => Transformed::On(Cow::Owned(entity.into_owned()), found),
            Transformed::Dropped(reason) => Transformed::Dropped(reason),
            Transformed::Refused(found) => Transformed::Refused(found),
            Transformed::Undone(why) => Transformed::Undone(why),
        }
    }
}

/// A number that somebody asks for: sequence, start, and for what.
type Asked = (String, u64, String);

/// The numbers that are known; what else is asked for is noted, and answered with the start of its sequence until it is.
#[derive(Default)]
struct Known {
    numbers: BTreeMap<Asked, u64>,
    asked: RefCell<BTreeSet<Asked>>,
}

impl Numbers for Known {
    fn number(&self, sequence: &str, start: u64, owner: &str) -> Result<u64, String> {
        let asked = (sequence.to_owned(), start, owner.to_owned());
        let known = self.numbers.get(&asked).copied();
        if known.is_none() {
            self.asked.borrow_mut().insert(asked);
        }
        Ok(known.unwrap_or(start))
    }

    fn is_open(&self) -> bool {
        !self.asked.borrow().is_empty()
    }
}

/// Sends an entity through what a route says. Numbers of our own come from the ledger and stay: whatever is run again
/// gets them again.
///
/// # Errors
/// The ledger failed.
pub async fn transform<'e>(
    service: &Service,
    configured: &Configured,
    route: &str,
    entity: &'e Entity,
) -> StoreResult<Transformed<'e>> {
    let Some(way) = configured.ways.get(route) else { return Ok(Transformed::On(Cow::Borrowed(entity), Vec::new())) };
    let today = service.today();
    let mut known = Known::default();
    loop {
        let world =
            World { tables: &configured.tables, today: &today, numbers: &known, expressions: &service.expressions };
        let transformed = go(way, route, entity, &world);
        // Each run ends at the first step that asks, for what is asked behind it may depend on the answer.
        let asked = known.asked.take();
        if asked.is_empty() {
            return match transformed {
                Transformed::Undone(why) => Err(StoreError::Unfit(format!("route {route}: {why}"))),
                done => Ok(done),
            };
        }
        // All at once, so that they share commits.
        let taken = asked.iter().map(|(sequence, start, owner)| {
            service.store.take_numbers(vec![(format!("key {sequence}"), *start)], owner, service.now())
        });
        for (asked, taken) in asked.iter().zip(join_all(taken).await) {
            known.numbers.insert(asked.clone(), taken?.first().copied().unwrap_or(asked.1));
        }
    }
}

/// The same for who has no ledger: numbers are counted from the start of their sequence.
pub fn go<'e>(way: &Way, route: &str, entity: &'e Entity, world: &World<'_>) -> Transformed<'e> {
    go_by(way, route, entity, world, &mut |transformation, made| transformation.run(made, world))
}

/// The same with `run` for what runs a transformation, which may look at what it does.
pub fn go_by<'e>(
    way: &Way,
    route: &str,
    entity: &'e Entity,
    world: &World<'_>,
    run: &mut dyn FnMut(&Transformation, &mut Entity) -> Outcome,
) -> Transformed<'e> {
    if let Some((_, condition)) = way.conditions.iter().find(|(kind, _)| *kind == entity.kind) {
        match condition.holds(entity, world.today) {
            Ok(true) => {}
            Ok(false) => return dropped(&format!("{condition}, as route {route} asks")),
            Err(sentence) => {
                let mut finding = Diagnostic::new(Syntax::Document, Fault::TransformationFailed).because(sentence, "");
                finding.place = format!("route {route} when");
                return Transformed::Refused(vec![finding]);
            }
        }
    }
    let through: Vec<_> = way.through.iter().filter(|one| one.entity == entity.kind).collect();
    if through.is_empty() {
        return Transformed::On(Cow::Borrowed(entity), Vec::new());
    }
    let (mut made, mut findings) = (entity.clone(), Vec::new());
    for transformation in through {
        let outcome = run(transformation, &mut made);
        findings.extend(outcome.findings);
        if let Some(why) = outcome.undone {
            return Transformed::Undone(why);
        }
        if let Some(reason) = outcome.dropped {
            return dropped(&format!("another document on route {route}; of this one it says: {reason}"));
        }
        if !is_clean(&findings) {
            return Transformed::Refused(findings);
        }
    }
    // What was wrong before was told before.
    let before = entity.check();
    findings.extend(made.check().into_iter().filter(|one| one.severity == Severity::Error && !before.contains(one)));
    if is_clean(&findings) { Transformed::On(Cow::Owned(made), findings) } else { Transformed::Refused(findings) }
}

fn dropped<'e>(expected: &str) -> Transformed<'e> {
    Transformed::Dropped(Diagnostic::new(Syntax::Document, Fault::DroppedByRule).because(expected, ""))
}
