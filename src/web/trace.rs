//! `/api/v1/trace`: recordings of what a Poly endpoint says, for its operator.

use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::WebState;
use super::access::Visitor;
use super::problem::Problem;
use crate::model::trace::{LONGEST, Traced};
use crate::model::{DeviceSpec, EndpointName};

/// The body of `POST /api/v1/trace`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    endpoint: String,
    seconds: u64,
}

#[derive(Serialize)]
struct Done {
    message: String,
}

/// What was recorded so far.
#[derive(Serialize)]
struct Recorded {
    endpoint: EndpointName,
    /// Whether it goes on.
    running: bool,
    exchanges: Vec<Traced>,
}

/// `POST /api/v1/trace`: records an endpoint from now on.
pub(super) async fn begin(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Result<Response, Problem> {
    let wish: Wish = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad_request("the body is `{\"endpoint\": \"…\", \"seconds\": 600}`"))?;
    let endpoint = EndpointName::parse(&wish.endpoint).ok().and_then(|name| state.board.endpoint(&name));
    let endpoint = endpoint.ok_or_else(|| Problem::not_found("there is no such endpoint"))?;
    if !matches!(endpoint.spec.device, DeviceSpec::Poly(_)) {
        return Err(Problem::bad_request("only Poly endpoints ask us; others are asked by us"));
    }
    let span = Duration::from_secs(wish.seconds).min(LONGEST);
    state.tracer.begin(&endpoint.spec.name, span, state.clock.now().mono);
    super::actions::note(&state, &visitor, "trace", "endpoint", endpoint.spec.name.as_str(), "");
    let message = format!("what {} says is recorded for {} s", endpoint.spec.name, span.as_secs());
    Ok((StatusCode::ACCEPTED, axum::Json(Done { message })).into_response())
}

/// `GET /api/v1/trace/NAME`.
pub(super) async fn look(State(state): State<WebState>, Path(name): Path<String>) -> Result<Response, Problem> {
    let found = EndpointName::parse(&name)
        .ok()
        .and_then(|endpoint| state.tracer.look(&endpoint, state.clock.now().mono).map(|found| (endpoint, found)));
    let (endpoint, (exchanges, running)) =
        found.ok_or_else(|| Problem::not_found("nothing of that name is recorded"))?;
    Ok(axum::Json(Recorded { endpoint, running, exchanges }).into_response())
}
