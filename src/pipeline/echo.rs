//! An answer takes from the earlier document of its conversation what the receiver wants back. The mapping of the target
//! says what; here the earlier document is found: in the ledger, or among those at hand.

use super::state::Service;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::engine::Rules;
use crate::engine::map::Target;
use crate::entity::Entity;
use crate::mapping::Origin;
use crate::store::{Result as StoreResult, Store};

/// The `origin` block of a target's mapping, when the entity is one that answers.
#[must_use]
pub fn origin(rules: &Rules, target: &Target, entity: &Entity) -> Option<Origin> {
    let mapping = rules.mappings.find(&target.standard, &target.version, &target.document).ok()?;
    let is_its_own = mapping.select.iter().any(|choice| choice.entity == entity.kind);
    mapping.origin.clone().filter(|_| is_its_own)
}

/// The answer with what it takes from the earlier documents at hand; those that are not there are told.
#[must_use]
pub fn echo(origin: &Origin, answer: &Entity, known: &[Entity]) -> (Entity, Vec<Diagnostic>) {
    let (mut origins, mut findings) = (Vec::new(), Vec::new());
    for number in origin.numbers(answer) {
        let is_it = |one: &&Entity| one.kind == origin.entity && one.text("number") == Some(&number);
        match known.iter().find(is_it) {
            Some(earlier) => origins.push(earlier.clone()),
            None => findings.push(origin.missing(&number)),
        }
    }
    let (echoed, more) = origin.apply(answer, &origins);
    findings.extend(more);
    (echoed, findings)
}

/// The same with the ledger: the earlier document came in from the partner whom the answer goes to. An answer to a part of
/// one that was cut into several becomes one to the whole, which is told.
///
/// # Errors
/// The ledger failed.
pub async fn from_ledger(
    service: &Service,
    target: &Target,
    entity: &Entity,
    partner: &str,
    environment: &str,
) -> StoreResult<(Entity, Vec<Diagnostic>)> {
    let Some(origin) = origin(&service.rules, target, entity) else { return Ok((entity.clone(), Vec::new())) };
    let (mut answer, mut known, mut findings) = (entity.clone(), Vec::new(), Vec::new());
    for number in origin.numbers(entity) {
        let under = service.store.entities_numbered(&number, partner, environment).await?;
        let mut earlier = newest(&service.store, &origin.entity, under).await?;
        if earlier.is_none() {
            let of_part = service.store.entities_of_part(&number, partner, environment).await?;
            let whole = newest(&service.store, &origin.entity, of_part).await?;
            let renamed = whole.as_ref().and_then(|whole| origin.to_whole(&answer, &number, whole.text("number")?));
            if let (Some(whole), Some(renamed)) = (whole, renamed) {
                let expected = format!("its receiver's number {}", whole.text("number").unwrap_or_default());
                let mut told = Diagnostic::new(Syntax::Document, Fault::Split).because(expected, &number);
                told.place.clone_from(&origin.number);
                findings.push(told);
                (answer, earlier) = (renamed, Some(whole));
            }
        }
        known.extend(earlier);
    }
    let (echoed, more) = echo(&origin, &answer, &known);
    findings.extend(more);
    Ok((echoed, findings))
}

/// The newest entity of a kind among payloads, the newest of which stands first.
async fn newest(store: &Store, kind: &str, payloads: Vec<String>) -> StoreResult<Option<Entity>> {
    for payload_id in payloads {
        let bytes = store.read_payload(&payload_id).await?;
        let read = serde_json::from_slice(&bytes).ok().and_then(|json| Entity::from_json(&json).ok());
        if let Some(entity) = read.filter(|entity| entity.kind == kind) {
            return Ok(Some(entity));
        }
    }
    Ok(None)
}
