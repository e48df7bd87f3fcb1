//! Whether a document says what came last under its number, where its agreement says `unchanged: skip`: then it makes no work. What
//! is compared is the entity, so that another order of columns or another envelope is no change.

use super::state::Service;
use crate::entity::Entity;
use crate::store::Result;
use crate::store::delta::NewDelta;
use crate::store::hexadecimal;
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::HashMap;

/// The code of a transmission of which not all makes work.
pub(super) const UNCHANGED: &str = "UNCHANGED";

/// What the slice that is being filled will note, by agreement and number.
pub(super) type Pending = HashMap<(String, String), String>;

/// What a document says, held against what came last. `None` where its agreement takes all, or nothing tells its number.
///
/// # Errors
/// The ledger failed.
pub(super) async fn compared(
    service: &Service,
    agreement: Option<&str>,
    entities: &[Entity],
    pending: &Pending,
) -> Result<Option<NewDelta>> {
    let directory = service.directory();
    let Some(name) = agreement.filter(|name| directory.agreement(name).is_some_and(|one| one.skips_unchanged())) else {
        return Ok(None);
    };
    let Some(number) = entities.first().and_then(Entity::known_by) else { return Ok(None) };
    let known = match pending.get(&(name.to_owned(), number.to_owned())) {
        Some(digest) => Some(digest.clone()),
        None => service.store.known_digest(name, number).await?,
    };
    let digest = digest_of(entities);
    Ok(Some(NewDelta { agreement: name.to_owned(), number: number.to_owned(), digest, known, document_id: None }))
}

/// Whether nothing new is said.
pub(super) fn is_unchanged(compared: &NewDelta) -> bool {
    compared.known.as_ref() == Some(&compared.digest)
}

/// Of how many documents of a transmission so many say nothing new.
pub(super) fn told(unchanged: u64, all: u64) -> String {
    format!("{unchanged} of {all} documents say what came last under their numbers, and make no work")
}

fn digest_of(entities: &[Entity]) -> String {
    let mut context = Context::new(&SHA256);
    for entity in entities {
        let text = entity.to_string();
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    hexadecimal(context.finish().as_ref())
}
