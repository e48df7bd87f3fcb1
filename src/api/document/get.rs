//! `GET /api/v1/documents/{id}`

use crate::api::delivery::waiting;
use crate::api::{Reply, Shared, unpacked};
use crate::store::Page;
use crate::store::delivery::DeliveryFilter;
use crate::store::pause::PauseKind;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

/// A document with its findings, its entity, what it was made from and into, whom it waits for, its deliveries, answers and history.
#[utoipa::path(get, path = "/api/v1/documents/{id}", operation_id = "document_get",
    params(("id" = String, Path, description = "Document")),
    responses((status = 200, description = "The document"), (status = 404, description = "There is none")))]
pub async fn get(State(service): State<Shared>, Path(id): Path<String>) -> Reply {
    let store = &service.store;
    let document = store.document(&id).await?;
    let (made_from, made_into) = store.document_family(&id).await?;
    let mut deliveries = Vec::new();
    let mut acks = store.acks_of(&id).await?;
    for own in made_into.iter().chain([&id]) {
        let transmission_id = Some(store.document(own).await?.transmission_id);
        let filter = DeliveryFilter { transmission_id, ..DeliveryFilter::default() };
        deliveries.extend(store.deliveries(&filter, &Page::default()).await?);
        if *own != id {
            acks.extend(store.acks_of(own).await?);
        }
    }
    // What we answered for the interchange it came in.
    if let Some(interchange_id) = document.interchange_id.as_deref().filter(|_| document.direction == "in") {
        acks.extend(store.acks_of(interchange_id).await?);
    }
    let deliveries = waiting(&service, &deliveries).await?;
    let paused = store.paused(service.now()).await?;
    let company: Vec<Value> = store
        .waiting(&id)
        .await?
        .iter()
        .map(|row| {
            let mut value = json!(row);
            value["waits"] = json!(paused.of(PauseKind::Agreement, &row.agreement));
            value
        })
        .collect();
    let entity = match &document.entity_payload_id {
        Some(payload) => unpacked(&String::from_utf8_lossy(&store.read_payload(payload).await?)),
        None => Value::Null,
    };
    let mut value = json!(document);
    value["report"] = unpacked(&document.report);
    let events = store.document_events(&id).await?;
    Ok(Json(json!({ "document": value, "entity": entity, "made_from": made_from, "made_into": made_into,
        "waiting": company, "deliveries": deliveries, "acks": acks, "events": events })))
}
