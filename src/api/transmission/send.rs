//! `POST /api/v1/transmissions`

use crate::api::problem::Problem;
use crate::api::{By, Shared};
use crate::pipeline::submit::{self, Wish};
use crate::transport::http::receive::{Answer, Refusal};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde::Deserialize;

/// Where it goes.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// A channel of transport as2 and way out.
    channel: String,
    /// The name of its file, which the receiver is told.
    file_name: Option<String>,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::new(refusal.status, refusal.code, &refusal.detail)
    }
}

/// Sends the body as it is over a channel of AS2, whatever it is; of `multipart/related` the first part is the document, and the
/// others are its attachments (RFC 6362). It is on disk and will be delivered when this is answered. The same again under its
/// `Idempotency-Key` gets the same answer and is sent once.
#[utoipa::path(post, path = "/api/v1/transmissions", operation_id = "transmission_send",
    params(Sending, ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters")),
    request_body(content = String, description = "The bytes, with their Content-Type", content_type = "*/*"),
    responses((status = 202, description = "{transmission, delivery}"), (status = 400, description = "A word is wrong"),
        (status = 404, description = "There is no such channel"), (status = 409, description = "It is of another kind"),
        (status = 413, description = "It is larger than [limits] body_bytes"),
        (status = 422, description = "Its parts cannot be told apart, or its key came before with other bytes")))]
pub async fn send(
    State(service): State<Shared>,
    Extension(actor): By,
    Query(Sending { channel, file_name }): Query<Sending>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let line = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let content_type = line("content-type").unwrap_or_else(|| "application/octet-stream".to_owned());
    let wish = Wish { channel, content_type, file_name, key: line("idempotency-key") };
    let mut submission = submit::begin(&service, wish)?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece =
            piece.map_err(|error| Problem::new(400, "BODY-BROKEN", &format!("the body breaks off: {error}")))?;
        submission.write(&piece)?;
    }
    let Answer { status, body, location, replayed, .. } = submission.finish(&service, &actor).await?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED);
    let mut response =
        (status, [(CONTENT_TYPE, "application/json".to_owned()), (LOCATION, location)], body).into_response();
    if replayed {
        response.headers_mut().insert("idempotency-replayed", axum::http::HeaderValue::from_static("true"));
    }
    Ok(response)
}
