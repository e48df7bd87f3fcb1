//! `GET /api/v1/acks`

use crate::api::{Paging, Reply, Shared, listed, word};
use crate::store::Cursor;
use crate::store::ack::AckFilter;
use axum::extract::{Query, State};
use serde::Deserialize;

/// Which acknowledgments.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Wanted {
    /// `in`: we are answered, or wait for it; `out`: we answer.
    direction: Option<String>,
    /// `receipt`, `technical`, `functional`, `application`.
    level: Option<String>,
    /// `waiting`, `overdue`, `accepted`, `accepted_with_errors`, `rejected`, `none`.
    state: Option<String>,
    /// Partner by name.
    partner: Option<String>,
}

/// Acknowledgments, newest first; `state=overdue` is what should have come and did not.
#[utoipa::path(get, path = "/api/v1/acks", operation_id = "ack_list", params(Wanted, Paging),
    responses((status = 200, description = "{items, next}")))]
pub async fn list(State(service): State<Shared>, Query(wanted): Query<Wanted>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let filter = AckFilter {
        direction: word(wanted.direction.as_ref())?,
        level: word(wanted.level.as_ref())?,
        state: word(wanted.state.as_ref())?,
        partner: wanted.partner,
    };
    let rows = service.store.acks(&filter, &page).await?;
    listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.ack_id.clone() })
}
