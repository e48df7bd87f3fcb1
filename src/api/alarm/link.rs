//! `GET` and `POST /alarms/…`: what links of mails lead to. They need no token, for they are signed; a look at one shows what it
//! would do, the button does it.

use crate::alert::mail::page;
use crate::api::Shared;
use crate::pipeline::alarm::act;
use crate::store::StoreError;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

fn shown(status: StatusCode, facts: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    match page(facts) {
        Ok(page) => (status, headers, page).into_response(),
        Err(error) => {
            tracing::error!(error, "A page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn refused(error: &StoreError) -> Response {
    let status = match error {
        StoreError::NotFound { .. } => StatusCode::NOT_FOUND,
        StoreError::Conflict(_) | StoreError::WrongState { .. } => StatusCode::CONFLICT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    shown(status, &json!({ "title": "Nothing was done", "words": error.to_string(), "button": null, "note": null }))
}

fn unlinked(words: &str) -> Response {
    shown(StatusCode::FORBIDDEN, &json!({ "title": "Nothing was done", "words": words, "button": null, "note": null }))
}

/// What a browser is shown that follows a link of a mail to an alarm itself: it has no token.
pub fn needs_token() -> Response {
    let words = "This is shown to programs that have an admin token, and a browser has none. On the machine of the instance, \
                 portolan alarm show with the id of the alarm, which stands behind the last / of this address, tells all of it; from \
                 elsewhere the same with --url and PORTOLAN_TOKEN. The buttons of the mail need no token.";
    let facts = json!({ "title": "A token is needed", "words": words, "button": null, "note": null });
    shown(StatusCode::UNAUTHORIZED, &facts)
}

/// What a link would do.
pub async fn look(State(service): State<Shared>, uri: Uri) -> Response {
    match act::read(&service, uri.path()).await {
        Ok(Ok((_, alarm))) if alarm.ended_at.is_some() => {
            let note = format!("It is {} already; there is nothing to do.", alarm.state);
            shown(StatusCode::OK, &json!({ "title": alarm.title, "words": alarm.words, "button": null, "note": note }))
        }
        Ok(Ok((link, alarm))) => {
            let facts = json!({ "title": alarm.title, "words": alarm.words, "button": link.act.label(), "note": null });
            shown(StatusCode::OK, &facts)
        }
        Ok(Err(error)) => unlinked(&error.to_string()),
        Err(error) => refused(&error),
    }
}

/// Does it.
pub async fn done(State(service): State<Shared>, uri: Uri) -> Response {
    let (link, alarm) = match act::read(&service, uri.path()).await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return unlinked(&error.to_string()),
        Err(error) => return refused(&error),
    };
    match act::act(&service, &link, &alarm).await {
        Ok(note) => {
            shown(StatusCode::OK, &json!({ "title": alarm.title, "words": alarm.words, "button": null, "note": note }))
        }
        Err(error) => refused(&error),
    }
}
