//! Deliveries: what goes out, and how it went.

pub mod act;
pub mod get;
pub mod groups;
pub mod list;
pub mod plan;
pub mod resubmit;
pub mod steer;

use super::problem::Problem;
use crate::pipeline::state::Service;
use crate::store::delivery::Delivery;
use crate::store::job::JobKind;
use serde_json::{Value, json};

/// Deliveries, each with the pause that it waits for.
pub async fn waiting(service: &Service, deliveries: &[Delivery]) -> Result<Vec<Value>, Problem> {
    let ids: Vec<String> = deliveries.iter().map(|one| one.delivery_id.clone()).collect();
    let waiting = service.store.jobs_wait(JobKind::Deliver, &ids, service.now()).await?;
    let shown = |one: &Delivery| {
        let mut value = json!(one);
        value["waits"] = json!(waiting.get(&one.delivery_id));
        value
    };
    Ok(deliveries.iter().map(shown).collect())
}
