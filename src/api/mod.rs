//! The admin API: what console, command line and scripts use. One endpoint is one file under its resource; this file
//! lists them all, and OpenAPI is generated from the list and pinned in `docs/openapi.json`.

mod ack;
mod agreement;
mod alarm;
mod bulk; // what is asked for of many at once
mod certificate;
mod channel;
mod delivery;
mod document;
mod evidence;
mod lookup;
mod mailbox;
mod pause;
mod problem;
mod recipient;
mod resource;
mod secret;
mod status;
mod token;
mod transmission;
mod watch; // metrics and health
mod webhook;

use crate::pipeline::measure::not_let_in;
use crate::pipeline::state::Service;
use crate::store::{Actor, Cursor, Page};
use crate::transport::http::body::streamed;
use crate::transport::source::Source;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router};
use bulk::Bulk;
use problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What every endpoint shares.
type Shared = Arc<Service>;
/// What an endpoint returns.
type Reply = Result<Json<Value>, Problem>;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Portolan",
    description = "Transmissions, documents and deliveries of a Portolan instance, and the resources it works by."
))]
struct Description;

fn endpoints() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(ack::list::list))
        .routes(routes!(ack::unmatched::unmatched))
        .routes(routes!(agreement::seed::seed))
        .routes(routes!(agreement::seen::seen))
        .routes(routes!(alarm::act::act))
        .routes(routes!(alarm::alerts::list))
        .routes(routes!(alarm::get::get))
        .routes(routes!(alarm::list::list))
        .routes(routes!(alarm::notices::notices))
        .routes(routes!(alarm::retry::retry))
        .routes(routes!(alarm::retry_notice::retry))
        .routes(routes!(certificate::announce::announce))
        .routes(routes!(certificate::announced::announced))
        .routes(routes!(certificate::answer::answer))
        .routes(routes!(certificate::export::export))
        .routes(routes!(certificate::forecast::forecast))
        .routes(routes!(certificate::key::key))
        .routes(routes!(certificate::list::list))
        .routes(routes!(certificate::offered::offered))
        .routes(routes!(certificate::refuse::refuse))
        .routes(routes!(channel::list::list))
        .routes(routes!(channel::pickups::pickups))
        .routes(routes!(channel::test::test))
        .routes(routes!(delivery::act::act))
        .routes(routes!(delivery::get::get))
        .routes(routes!(delivery::groups::groups))
        .routes(routes!(delivery::list::list))
        .routes(routes!(delivery::plan::plan))
        .routes(routes!(delivery::resubmit::resubmit))
        .routes(routes!(delivery::steer::steer))
        .routes(routes!(document::get::get))
        .routes(routes!(document::list::list))
        .routes(routes!(evidence::get::get))
        .routes(routes!(lookup::missing::missing))
        .routes(routes!(mailbox::bans::list))
        .routes(routes!(mailbox::files::files))
        .routes(routes!(mailbox::list::list))
        .routes(routes!(mailbox::password::set))
        .routes(routes!(mailbox::unban::lift))
        .routes(routes!(pause::begin::begin, pause::list::list))
        .routes(routes!(pause::end::end))
        .routes(routes!(recipient::test::test))
        .routes(routes!(resource::apply::apply))
        .routes(routes!(resource::export::export))
        .routes(routes!(resource::plan::plan))
        .routes(routes!(secret::list::list, secret::set::set))
        .routes(routes!(secret::remove::remove))
        .routes(routes!(status::get::get))
        .routes(routes!(token::create::create, token::list::list))
        .routes(routes!(token::revoke::revoke))
        .routes(routes!(transmission::act::act))
        .routes(routes!(transmission::attachments::attachments))
        .routes(routes!(transmission::attachments::attachment))
        .routes(routes!(transmission::content::content))
        .routes(routes!(transmission::get::get))
        .routes(routes!(transmission::groups::groups))
        .routes(routes!(transmission::list::list, transmission::send::send))
        .routes(routes!(transmission::plan::plan))
        .routes(routes!(transmission::reject::reject))
        .routes(routes!(transmission::release::release))
        .routes(routes!(webhook::list::list))
        .routes(routes!(webhook::resume::resume))
        .routes(routes!(webhook::test::test))
}

/// The OpenAPI description, as JSON.
#[must_use]
pub fn openapi() -> Value {
    let (_, description) = endpoints().split_for_parts();
    serde_json::to_value(description).unwrap_or_default()
}

/// The router of the admin listener.
pub fn router(service: Arc<Service>, metrics: metrics_exporter_prometheus::PrometheusHandle) -> Router {
    let (guarded, description) = endpoints().split_for_parts();
    let description = serde_json::to_value(description).unwrap_or_default();
    let guarded = guarded.layer(from_fn_with_state(service.clone(), authenticate));
    let open = Router::new()
        .route("/api/openapi.json", axum::routing::get(move || async move { Json(description) }))
        .route("/alarms/{*link}", axum::routing::get(alarm::link::look).post(alarm::link::done))
        .route("/schemas/resource/{kind}", axum::routing::get(resource::schema::schema))
        .merge(watch::router(metrics));
    guarded.merge(open).with_state(service)
}

/// Bytes of any length as an answer, piece by piece.
fn bytes(source: Arc<dyn Source>) -> impl IntoResponse {
    ([(CONTENT_LENGTH, source.length().to_string())], Body::from_stream(streamed(source)))
}

/// The same of what a partner sent: never rendered by a browser, whatever it is.
fn kept(source: Arc<dyn Source>) -> Response {
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CONTENT_DISPOSITION, "attachment")];
    (headers, bytes(source)).into_response()
}

/// What somebody without a token is told.
const NEEDS_TOKEN: &str = "expected Authorization: Bearer with an admin token; the command line shows it by itself on the machine \
                           of the instance, and from elsewhere with --url and PORTOLAN_TOKEN";

/// Lets in who shows a token of a role, and notes who it is.
async fn authenticate(State(service): State<Shared>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let shown = request.headers().get(axum::http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
    let token = service.store.token(shown, service.now()).await?;
    let token = token.filter(|token| token.scope == "role:admin");
    let Some(token) = token else {
        not_let_in("admin");
        let accept = request.headers().get(axum::http::header::ACCEPT).and_then(|value| value.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("text/html")) {
            return Ok(alarm::link::needs_token());
        }
        return Err(Problem::new(401, "NOT-AUTHENTICATED", NEEDS_TOKEN));
    };
    request.extensions_mut().insert(Actor(format!("token:{}", token.label)));
    Ok(next.run(request).await)
}

/// Which page of a list is wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Paging {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows, 200 at most.
    limit: u32,
}

impl Paging {
    fn page(&self) -> Result<Page, Problem> {
        let after = self.after.as_ref().map(|text| text.parse::<Cursor>()).transpose();
        let after = after.map_err(|error| Problem::new(400, "CURSOR-INVALID", &error.to_string()))?;
        Ok(Page { after, limit: self.limit })
    }
}

/// `{items, next}`: `next` is there when the page was full.
fn listed<T: serde::Serialize>(rows: &[T], page: &Page, cursor: impl Fn(&T) -> Cursor) -> Reply {
    let full = if page.limit == 0 { crate::store::PAGE_ROWS_MAX } else { page.limit.min(crate::store::PAGE_ROWS_MAX) };
    let next = rows.last().filter(|_| rows.len() >= full as usize).map(|last| cursor(last).to_string());
    Ok(Json(json!({ "items": rows, "next": next })))
}

/// A word of a closed list in a query.
fn word<T: std::str::FromStr<Err = crate::store::UnknownWord>>(text: Option<&String>) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error: crate::store::UnknownWord| Problem::new(400, "WORD-UNKNOWN", &error.to_string()))
}

/// JSON kept as text, as JSON again.
fn unpacked(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

type By = Extension<Actor>;
