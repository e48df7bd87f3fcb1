//! `GET /api/v1/lookups/missing`

use crate::api::{Paging, Reply, Shared, listed};
use crate::store::Cursor;
use axum::extract::{Query, State};

/// Of which table.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Of {
    /// Name of a table; all when left out.
    table: Option<String>,
}

/// What lookup tables could not answer, newest first; an entry goes when its table gets the row.
#[utoipa::path(get, path = "/api/v1/lookups/missing", operation_id = "lookup_missing", params(Of, Paging),
    responses((status = 200, description = "{items, next}")))]
pub async fn missing(State(service): State<Shared>, Query(of): Query<Of>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let rows = service.store.missing_lookups(of.table.as_deref(), &page).await?;
    listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.missing_lookup_id.clone() })
}
