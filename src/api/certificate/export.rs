//! `POST /api/v1/certificates/{name}/export`

use crate::api::{By, Reply, Shared};
use crate::pipeline::as2::key::{self, FileForm};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

/// As what, and how much of it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// As what.
    form: FileForm,
    /// With its private key: p12 only.
    #[serde(default)]
    with_key: bool,
    /// The password of a p12; it is kept nowhere.
    #[serde(default)]
    password: Option<String>,
}

/// A certificate of the resources as a file. With its private key only where that is asked for, under the password, and noted
/// in the audit.
#[utoipa::path(post, path = "/api/v1/certificates/{name}/export", operation_id = "certificate_export",
    params(("name" = String, Path, description = "Certificate")), request_body = Wish,
    responses((status = 200, description = "{certificate, form, with_key, content}, the content in base64"),
        (status = 404, description = "There is none"), (status = 409, description = "It has no key, or no password was given")))]
pub async fn export(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(name): Path<String>,
    Json(wish): Json<Wish>,
) -> Reply {
    let password = wish.password.unwrap_or_default();
    let content = key::export(&service, &name, (wish.form, &password, wish.with_key), &actor).await?;
    let form = format!("{:?}", wish.form).to_ascii_lowercase();
    Ok(Json(
        json!({ "certificate": name, "form": form, "with_key": wish.with_key, "content": STANDARD.encode(content) }),
    ))
}
