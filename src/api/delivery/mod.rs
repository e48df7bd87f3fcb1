//! Deliveries: what goes out, and how it went.

pub mod act;
pub mod get;
pub mod groups;
pub mod list;
pub mod plan;
pub mod resubmit;
pub mod steer;

use super::problem::Problem;
use crate::partner::Way;
use crate::pipeline::state::Service;
use crate::store::delivery::Delivery;
use serde_json::{Value, json};

/// States in which a delivery is still to be begun.
const OPEN: [&str; 5] = ["ready", "leased", "retry_wait", "uncertain", "awaiting_receipt"];

/// Deliveries, each with the pause that it waits for. Receipts of AS2 that leave on their own go back over a channel of way
/// in, and wait for none.
pub async fn waiting(service: &Service, deliveries: &[Delivery]) -> Result<Vec<Value>, Problem> {
    let (paused, directory) = (service.store.paused(service.now()).await?, service.directory());
    let shown = |one: &Delivery| {
        let is_receipt = directory.channel(&one.channel).is_some_and(|channel| channel.way == Way::In);
        let pause = paused.over(&one.channel, one.partner.as_deref(), one.agreement.as_deref());
        let mut value = json!(one);
        value["waits"] = json!(pause.filter(|_| !is_receipt && OPEN.contains(&one.state.as_str())));
        value
    };
    Ok(deliveries.iter().map(shown).collect())
}
