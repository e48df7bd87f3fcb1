//! `GET /api/v1/bans`

use crate::api::{Reply, Shared};
use crate::pipeline::mailbox::Ban;
use crate::pipeline::state::Service;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// Who is not heard for a while: addresses that guessed, and users whose password was guessed at.
#[utoipa::path(get, path = "/api/v1/bans", operation_id = "ban_list",
    responses((status = 200, description = "{items: [{name, mailbox, since, until}]}; mailbox is null for an address")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    Ok(Json(json!({ "items": banned(&service) })))
}

/// The same, as `status` has it too.
pub fn banned(service: &Service) -> Vec<Value> {
    let one = |Ban { name, mailbox, since, until }: Ban| {
        let (since, until) = (since.as_microsecond(), until.as_microsecond());
        json!({ "name": name, "mailbox": mailbox, "since": since, "until": until })
    };
    service.mailboxes.banned(&service.directory(), service.now()).into_iter().map(one).collect()
}
