//! `GET /api/v1/deliveries`

use super::waiting;
use crate::api::{Paging, Reply, Shared, listed, word};
use crate::store::Cursor;
use crate::store::delivery::DeliveryFilter;
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;

/// Which deliveries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Wanted {
    /// `ready`, `sending`, `retry_wait`, `uncertain`, `delivered`, `parked`, `held`, `cancelled` …
    state: Option<String>,
    /// Channel by name.
    channel: Option<String>,
    /// Partner by name.
    partner: Option<String>,
}

/// Deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", operation_id = "delivery_list", params(Wanted, Paging),
    responses((status = 200, description = "{items, next}; waits is the pause that a delivery waits for")))]
pub async fn list(State(service): State<Shared>, Query(wanted): Query<Wanted>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let filter = DeliveryFilter {
        state: word(wanted.state.as_ref())?,
        channel: wanted.channel,
        partner: wanted.partner,
        transmission_id: None,
    };
    let rows = service.store.deliveries(&filter, &page).await?;
    let Json(mut page) =
        listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.delivery_id.clone() })?;
    page["items"] = waiting(&service, &rows).await?.into();
    Ok(Json(page))
}
