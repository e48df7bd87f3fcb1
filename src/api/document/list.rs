//! `GET /api/v1/documents`

use crate::api::{Paging, Reply, Shared, word};
use crate::store::document::{Document, DocumentFilter};
use crate::store::{Cursor, PAGE_ROWS_MAX};
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

/// Which documents.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Wanted {
    /// `in` or `out`.
    direction: Option<String>,
    /// Partner by name.
    partner: Option<String>,
    /// Document type: `850`, `ORDERS`.
    r#type: Option<String>,
    /// Number of the order, invoice …: where is order 4711?
    number: Option<String>,
    /// `routed`, `failed`, `held`, `duplicate`, `dropped`.
    processing: Option<String>,
    /// `delivered`, `retry_wait`, `parked` …
    delivery: Option<String>,
    /// `waiting`, `accepted`, `rejected`, `overdue` …
    ack: Option<String>,
}

/// A document without its report.
pub fn short(document: &Document) -> Value {
    let mut value = json!(document);
    if let Value::Object(fields) = &mut value {
        fields.shift_remove("report");
    }
    value
}

/// Documents, newest first.
#[utoipa::path(get, path = "/api/v1/documents", operation_id = "document_list", params(Wanted, Paging),
    responses((status = 200, description = "{items, next}")))]
pub async fn list(State(service): State<Shared>, Query(wanted): Query<Wanted>, Query(paging): Query<Paging>) -> Reply {
    let page = paging.page()?;
    let filter = DocumentFilter {
        direction: word(wanted.direction.as_ref())?,
        partner: wanted.partner,
        kind: wanted.r#type,
        business_number: wanted.number,
        processing: word(wanted.processing.as_ref())?,
        delivery: wanted.delivery,
        ack: wanted.ack,
        transmission_id: None,
    };
    let rows = service.store.documents(&filter, &page).await?;
    let full = if page.limit == 0 { PAGE_ROWS_MAX } else { page.limit.min(PAGE_ROWS_MAX) } as usize;
    let last = rows.last().filter(|_| rows.len() >= full);
    let next = last.map(|row| Cursor { created_at: row.created_at, id: row.document_id.clone() }.to_string());
    let items: Vec<Value> = rows.iter().map(short).collect();
    Ok(Json(json!({ "items": items, "next": next })))
}
