//! `GET /api/v1/notices`

use crate::api::{Paging, Reply, Shared, listed, word};
use crate::store::Cursor;
use axum::extract::{Query, State};
use serde::Deserialize;

/// Which notices are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Filter {
    /// `ready`, `sent` or `given_up`.
    state: Option<String>,
}

/// Mails and posts about alarms, newest first, without what they say.
#[utoipa::path(get, path = "/api/v1/notices", operation_id = "notice_list", params(Filter, Paging),
    responses((status = 200, description = "{items: [{notice_id, recipient, address, kind, state, attempts, next_at, \
        reason, created_at, changed_at}], next}")))]
pub async fn notices(
    State(service): State<Shared>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
) -> Reply {
    let page = paging.page()?;
    let rows = service.store.notices(word(filter.state.as_ref())?, &page).await?;
    listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.notice_id.clone() })
}
