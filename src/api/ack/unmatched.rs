//! `GET /api/v1/acks/unmatched`

use crate::api::{Paging, Reply, Shared, listed};
use crate::store::Cursor;
use axum::extract::{Query, State};

/// Acknowledgments that came and fit nothing we sent, newest first.
#[utoipa::path(get, path = "/api/v1/acks/unmatched", operation_id = "ack_unmatched", params(Paging),
    responses((status = 200, description = "{items, next}")))]
pub async fn unmatched(State(service): State<Shared>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let rows = service.store.unmatched_acks(&page).await?;
    listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.ack_id.clone() })
}
