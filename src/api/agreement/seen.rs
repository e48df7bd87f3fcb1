//! `POST /api/v1/agreements/{name}/seen`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use crate::partner::{PartyId, Way};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// Interchanges that came to the system before this one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Who sent them, QUALIFIER:ID as in the envelope.
    sender: String,
    /// To whom, QUALIFIER:ID.
    receiver: String,
    /// ISA13, UNB 0020.
    control_numbers: Vec<String>,
    /// Where they were seen.
    #[serde(default)]
    note: String,
}

/// Notes interchanges that were processed before this instance took over: sent again, they are known as duplicates.
#[utoipa::path(post, path = "/api/v1/agreements/{name}/seen", operation_id = "agreement_seen", request_body = Seen,
    params(("name" = String, Path)), responses((status = 200, description = "{noted}: how many were new"),
        (status = 404, description = "No such agreement"), (status = 422, description = "Not the partner's id")))]
pub async fn seen(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(name): Path<String>,
    Json(seen): Json<Seen>,
) -> Reply {
    let directory = service.directory();
    let Some(agreement) = directory.agreement(&name).filter(|agreement| agreement.way == Way::In) else {
        return Err(Problem::new(404, "NOT-FOUND", &format!("no agreement of way in is called {name}")));
    };
    let (scheme, value) = seen.sender.split_once(':').unwrap_or(("", &seen.sender));
    let is_its = |id: &PartyId| id.value == value && id.scheme.as_deref().is_none_or(|one| one == scheme);
    if !directory.partner(&agreement.partner).is_some_and(|partner| partner.party_ids.iter().any(is_its)) {
        let detail = format!("sender: expected a party id of partner {}, found {}", agreement.partner, seen.sender);
        return Err(Problem::new(422, "SENDER-NOT-PARTNER", &detail));
    }
    let standard = agreement.document.split('/').next().unwrap_or_default();
    // ISA13 has nine digits with zeros in front; lists of other systems often have not.
    let whole = |number: &String| if standard == "x12" { format!("{number:0>9}") } else { number.clone() };
    let key = |number: &String| format!("{standard} {} {} {}", seen.sender, seen.receiver, whole(number));
    let note =
        if seen.note.is_empty() { "another system, before this one took over".to_owned() } else { seen.note.clone() };
    let noted = service.store.seed_seen(seen.control_numbers.iter().map(key).collect(), &note, &actor, service.now());
    Ok(Json(json!({ "noted": noted.await? })))
}
