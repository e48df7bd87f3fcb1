//! `POST /api/v1/certificates/key`

use crate::api::problem::Problem;
use crate::api::{Reply, Shared};
use crate::pipeline::as2::key::key_of;
use crate::transport::as2::certificate::Certificate;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

/// A certificate whose key is looked for.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// It, in PEM.
    pem: String,
}

/// The secret that is the private key of a certificate, as when an authority answered a request; its value is not told.
#[utoipa::path(post, path = "/api/v1/certificates/key", operation_id = "certificate_key", request_body = Whose,
    responses((status = 200, description = "{secret}, null where there is none"),
        (status = 422, description = "It is no certificate")))]
pub async fn key(State(service): State<Shared>, Json(whose): Json<Whose>) -> Reply {
    let wrong = |error: std::io::Error| Problem::new(422, "CERTIFICATE-WRONG", &error.to_string());
    let certificate = Certificate::all(whose.pem.as_bytes()).map_err(wrong)?.swap_remove(0);
    Ok(Json(json!({ "secret": key_of(&service, &certificate).await? })))
}
