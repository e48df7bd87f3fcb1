//! `GET /api/v1/mailboxes/{name}/files`

use crate::api::problem::Problem;
use crate::api::{Paging, Reply, Shared, listed};
use crate::store::Cursor;
use axum::extract::{Path, Query, State};

/// Files that lie in a mailbox or lay there, newest first: when they were put there, fetched, and removed from sight.
#[utoipa::path(get, path = "/api/v1/mailboxes/{name}/files", operation_id = "mailbox_files",
    params(("name" = String, Path, description = "Mailbox"), Paging),
    responses((status = 200, description = "{items, next}"), (status = 404, description = "There is none")))]
pub async fn files(State(service): State<Shared>, Path(name): Path<String>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let rows = service.store.mailbox_files(&name, &page).await?;
    if rows.is_empty() && page.after.is_none() && service.directory().mailbox(&name).is_none() {
        return Err(Problem::new(404, "NOT-FOUND", &format!("no mailbox {name}")));
    }
    listed(&rows, &page, |row| Cursor { created_at: row.created_at, id: row.mailbox_file_id.clone() })
}
