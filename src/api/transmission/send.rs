//! `POST /api/v1/transmissions`

use crate::api::problem::Problem;
use crate::api::{By, Shared};
use crate::pipeline::receive::pace;
use crate::pipeline::submit::{self, Wish};
use crate::transport::http::receive::{Refusal, answered, body, check_head, key, text};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
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
    responses((status = 202, description = "{transmission, delivery}"),
        (status = 400, description = "A word is wrong, or the body is empty or cut"),
        (status = 404, description = "There is no such channel"), (status = 409, description = "It is of another kind"),
        (status = 408, description = "It is slower than [limits] says"),
        (status = 413, description = "It is larger than [limits] body_bytes"),
        (status = 415, description = "It has a Content-Encoding"),
        (status = 422, description = "Its parts cannot be told apart, or its key came before with other bytes"),
        (status = 503, description = "It could not be kept; again with the same key")))]
pub async fn send(
    State(service): State<Shared>,
    Extension(actor): By,
    Query(Sending { channel, file_name }): Query<Sending>,
    headers: HeaderMap,
    taken: Body,
) -> Result<Response, Problem> {
    let limits = &service.config.limits;
    check_head(&headers, limits.header_bytes)?;
    let content_type = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let content_type = content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    let wish = Wish { channel, content_type, file_name, key: key(&headers)? };
    let length = text(&headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let submission = submit::begin(&service, wish, actor).await?;
    Ok(answered(body(Box::new(submission), taken, length, pace(limits)).await?))
}
