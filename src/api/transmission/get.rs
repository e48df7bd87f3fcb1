//! `GET /api/v1/transmissions/{id}`

use crate::api::delivery::waiting;
use crate::api::{Reply, Shared, unpacked};
use crate::store::Page;
use crate::store::delivery::DeliveryFilter;
use crate::store::document::DocumentFilter;
use crate::store::job::JobKind;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

/// A transmission with the pause that it waits for, what its transport said, its interchanges, documents, deliveries and history, and
/// the delivery that it is the answer to.
#[utoipa::path(get, path = "/api/v1/transmissions/{id}", operation_id = "transmission_get",
    params(("id" = String, Path, description = "Transmission")),
    responses((status = 200, description = "The transmission"), (status = 404, description = "There is none")))]
pub async fn get(State(service): State<Shared>, Path(id): Path<String>) -> Reply {
    let store = &service.store;
    let transmission = store.transmission(&id).await?;
    let interchanges: Vec<Value> = store
        .interchanges(&id)
        .await?
        .iter()
        .map(|row| {
            let mut value = json!(row);
            value["report"] = unpacked(&row.report);
            value
        })
        .collect();
    let documents = DocumentFilter { transmission_id: Some(id.clone()), ..DocumentFilter::default() };
    let documents = store.documents(&documents, &Page::default()).await?;
    let deliveries = DeliveryFilter { transmission_id: Some(id.clone()), ..DeliveryFilter::default() };
    let deliveries = store.deliveries(&deliveries, &Page::default()).await?;
    let deliveries = waiting(&service, &deliveries).await?;
    let waits = store.job_waits(JobKind::Translate, &id, service.now()).await?;
    let documents: Vec<Value> = documents.iter().map(crate::api::document::list::short).collect();
    Ok(Json(json!({
        "transmission": transmission, "waits": waits, "interchanges": interchanges, "documents": documents, "deliveries": deliveries,
        "events": store.events(&id).await?, "transport": store.transport_facts(&id).await?,
        "answers": store.answers_delivery(&id).await?,
    })))
}
