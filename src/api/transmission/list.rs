//! `GET /api/v1/transmissions`

use crate::api::problem::Problem;
use crate::api::{Paging, Reply, Shared, listed, word};
use crate::store::Cursor;
use crate::store::transmission::TransmissionFilter;
use axum::extract::{Query, State};
use serde::Deserialize;

/// Which transmissions.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Wanted {
    /// `in` or `out`.
    direction: Option<String>,
    /// `stored`, `split`, `held`, `rejected`, `duplicate` …
    state: Option<String>,
    /// Channel by name.
    channel: Option<String>,
    /// Partner by name.
    partner: Option<String>,
}

/// Transmissions, newest first.
#[utoipa::path(get, path = "/api/v1/transmissions", operation_id = "transmission_list", params(Wanted, Paging),
    responses((status = 200, description = "{items, next}")))]
pub async fn list(State(service): State<Shared>, Query(wanted): Query<Wanted>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let filter = TransmissionFilter {
        direction: word(wanted.direction.as_ref())?,
        state: word(wanted.state.as_ref())?,
        channel: wanted.channel,
        partner: wanted.partner,
        digest: None,
    };
    let rows = service.store.transmissions(&filter, &page).await.map_err(Problem::from)?;
    listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.transmission_id.clone() })
}
