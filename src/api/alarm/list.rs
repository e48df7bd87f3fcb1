//! `GET /api/v1/alarms`

use crate::api::{Paging, Reply, Shared, listed, word};
use crate::store::Cursor;
use crate::store::alarm::AlarmFilter;
use axum::extract::{Query, State};
use serde::Deserialize;

/// Which alarms are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Filter {
    /// `open`, `acknowledged`, `snoozed`, `closed` or `over`.
    state: Option<String>,
    /// Of this alert.
    alert: Option<String>,
    /// Of this partner.
    partner: Option<String>,
    /// Those that are neither over nor closed.
    standing: bool,
}

/// Alarms, newest first; times are microseconds since 1970.
#[utoipa::path(get, path = "/api/v1/alarms", operation_id = "alarm_list", params(Filter, Paging),
    responses((status = 200, description = "{items: [alarm], next}")))]
pub async fn list(State(service): State<Shared>, Query(filter): Query<Filter>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let Filter { state, alert, partner, standing: is_standing } = filter;
    let filter = AlarmFilter { state: word(state.as_ref())?, alert, partner, is_standing };
    let rows = service.store.alarms(&filter, &page).await?;
    listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.alarm_id.clone() })
}
