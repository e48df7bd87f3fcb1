//! What the API answers when something does not go: RFC 9457, with a stable code and what to do.

use crate::pipeline::bulk::Unplanned;
use crate::store::StoreError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    status: u16,
    code: &'static str,
    detail: String,
}

impl Problem {
    /// A refusal with its words.
    pub fn new(status: u16, code: &'static str, detail: &str) -> Self {
        Problem { status, code, detail: detail.to_owned() }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (status, code) = match &error {
            StoreError::NotFound { .. } => (404, "NOT-FOUND"),
            StoreError::WrongState { .. } => (409, "STATE-WRONG"),
            StoreError::Conflict(_) => (409, "CONFLICT"),
            StoreError::NotItsTurn { .. } => (409, "NOT-ITS-TURN"),
            StoreError::Limit(_) => (413, "LIMIT"),
            StoreError::Stopped => (503, "STOPPING"),
            StoreError::Unreachable => (503, "DATABASE-UNREACHABLE"),
            StoreError::Unknown(_) => (503, "OUTCOME-UNKNOWN"),
            _ => (500, "FAILED"),
        };
        if status == 500 {
            tracing::error!(error = %error, "The API could not answer");
        }
        Problem { status, code, detail: error.to_string() }
    }
}

impl From<Unplanned> for Problem {
    fn from(error: Unplanned) -> Self {
        match error {
            Unplanned::Wrong(words) => Problem::new(400, "SELECTION-WRONG", &words),
            Unplanned::Changed(words) => Problem::new(409, "PLAN-STALE", &words),
            Unplanned::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = status.canonical_reason().unwrap_or("Error");
        let body = json!({ "type": "about:blank", "title": title, "status": self.status, "code": self.code,
            "detail": self.detail });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}
