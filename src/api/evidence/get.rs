//! `GET /api/v1/evidence/{id}`

use crate::api::problem::Problem;
use crate::api::{By, Shared};
use crate::pipeline::as2::evidence::evidence;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::io::AsyncReadExt as _;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What proves a message of AS2: a transmission that came in, or a delivery that went out. A ZIP file, which
/// `portolan as2 verify` checks without this instance.
#[utoipa::path(get, path = "/api/v1/evidence/{id}", operation_id = "evidence_get",
    params(("id" = String, Path, description = "Transmission that came in over AS2, or delivery that went out over it")),
    responses((status = 200, description = "The file"), (status = 404, description = "There is no such message of AS2")))]
pub async fn get(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (file, length) = evidence(&service, &id).await?;
    tracing::info!(evidence.of = id, actor = actor.0, "Evidence was read");
    let name = format!("attachment; filename=\"{id}.evidence.zip\"");
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, name),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, streamed(file)).into_response())
}

/// A file as a body, piece by piece.
pub fn streamed(file: std::fs::File) -> Body {
    Body::from_stream(stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
        let mut piece = vec![0; PIECE_BYTES];
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        Ok::<_, std::io::Error>((count > 0).then_some((piece, file)))
    }))
}
