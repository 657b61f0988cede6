//! What an operator asks the loop to do. The loop decides; these only carry the question and the answer.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::WebState;
use super::access::Visitor;
use super::body::{Body, Shape};
use super::problem::Problem;
use crate::model::{EndpointName, LookAgain};
use crate::status::alarms;
use crate::status::{Command, Order, Refused, Suspended, SuspendedKind};

/// The loop answers between two turns; a turn takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was done, in one sentence.
#[derive(Serialize)]
pub(super) struct Done {
    /// The sentence.
    pub(super) message: String,
}

/// The body of `POST /api/v1/approve`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    checksum: String,
}

impl Shape for Approval {
    const SHAPE: &'static str = r#"{"checksum": "…"}, the checksum of a held plan"#;
}

/// The body of `POST /api/v1/suspend` and `resume`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Suspension {
    kind: String,
    name: String,
    until: Option<Timestamp>,
    reason: Option<String>,
}

impl Shape for Suspension {
    const SHAPE: &'static str = r#"{"kind": "Endpoint", "name": "…", "until": "2026-12-24T18:00:00Z", "reason": "…"}; until and reason may be left out"#;
}

/// The body of `POST /api/v1/refresh`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfRoom {
    room: String,
}

impl Shape for OfRoom {
    const SHAPE: &'static str = r#"{"room": "…"}, a room's address or the name of one of its endpoints"#;
}

/// The body of `POST /api/v1/push` and `trust`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfEndpoint {
    endpoint: String,
}

impl Shape for OfEndpoint {
    const SHAPE: &'static str = r#"{"endpoint": "…"}, an endpoint's name"#;
}

/// `POST /-/reload`: the directory is read at once. Whether it loads, the status tells.
pub(super) async fn reload(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    match state.look_again.try_send(LookAgain::Documents) {
        // A full channel already holds such requests, and they carry nothing: one more would change nothing.
        Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {
            note(&state, &visitor, "reload", "config", "directory", "");
            let done = Done { message: "the directory is being read".into() };
            Ok((StatusCode::ACCEPTED, axum::Json(done)).into_response())
        }
        Err(mpsc::error::TrySendError::Closed(_)) => Err(stopping()),
    }
}

/// `POST /api/v1/approve`: lets the held plan with this checksum happen.
pub(super) async fn approve(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Body<Approval>,
) -> Result<Response, Problem> {
    let order = Order::Approve { checksum: body.wish.checksum.trim().to_owned() };
    obey(&state, &visitor, order, body.back).await
}

/// `POST /api/v1/suspend`: nothing is read, put or cleared there.
pub(super) async fn suspend(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Body<Suspension>,
) -> Result<Response, Problem> {
    let Suspension { kind, name, until, reason } = body.wish;
    let what = suspended(&kind, name)?;
    obey(&state, &visitor, Order::Suspend { what, until, reason }, body.back).await
}

/// `POST /api/v1/resume`: it is acted on again.
pub(super) async fn resume(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Body<Suspension>,
) -> Result<Response, Problem> {
    let what = suspended(&body.wish.kind, body.wish.name)?;
    obey(&state, &visitor, Order::Resume { what }, body.back).await
}

/// `POST /api/v1/refresh`: a room is read now.
pub(super) async fn refresh(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Body<OfRoom>,
) -> Result<Response, Problem> {
    obey(&state, &visitor, Order::Refresh { room: body.wish.room }, body.back).await
}

/// `POST /api/v1/push`: an endpoint is given its list once more.
pub(super) async fn push(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Body<OfEndpoint>,
) -> Result<Response, Problem> {
    let endpoint = endpoint(&body.wish.endpoint)?;
    obey(&state, &visitor, Order::Push { endpoint }, body.back).await
}

/// `POST /api/v1/trust`: the certificate that an endpoint shows next is pinned.
pub(super) async fn trust(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Body<OfEndpoint>,
) -> Result<Response, Problem> {
    let endpoint = endpoint(&body.wish.endpoint)?;
    obey(&state, &visitor, Order::Trust { endpoint }, body.back).await
}

/// The body of `POST /api/v1/alarms/ID/acknowledge`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl Shape for Nothing {
    const SHAPE: &'static str = "{}, or empty";
}

/// The body of `POST /api/v1/alarms/ID/silence`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Silence {
    until: Timestamp,
}

impl Shape for Silence {
    const SHAPE: &'static str = r#"{"until": "2026-12-24T18:00:00Z"}; a time that has passed ends the silence"#;
}

/// `POST /api/v1/alarms/ID/acknowledge`: somebody has seen it.
pub(super) async fn acknowledge(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: Body<Nothing>,
) -> Result<Response, Problem> {
    let alarm = standing(&state, id).await?;
    obey(&state, &visitor, Order::Acknowledge { alarm }, body.back).await
}

/// `POST /api/v1/alarms/ID/silence`: nobody is told of it for a while.
pub(super) async fn silence(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: Body<Silence>,
) -> Result<Response, Problem> {
    let alarm = standing(&state, id).await?;
    obey(&state, &visitor, Order::Silence { alarm, until: body.wish.until }, body.back).await
}

/// The id, if such an alarm stands.
async fn standing(state: &WebState, id: String) -> Result<String, Problem> {
    let (board, now) = (state.board.clone(), state.clock.now().wall);
    let all = tokio::task::spawn_blocking(move || alarms::alarms(&board, now)).await;
    let stands = all.map_err(|_| Problem::internal())?.iter().any(|alarm| alarm.id == id);
    if stands { Ok(id) } else { Err(Problem::not_found("there is no such alarm now")) }
}

fn suspended(kind: &str, name: String) -> Result<Suspended, Problem> {
    let kinds = || {
        let all: Vec<&str> = SuspendedKind::ALL.into_iter().map(SuspendedKind::label).collect();
        Problem::bad_request(format!("`kind` is one of {}", all.join(", ")))
    };
    Ok(Suspended { kind: SuspendedKind::parse(kind).ok_or_else(kinds)?, name })
}

fn endpoint(name: &str) -> Result<EndpointName, Problem> {
    EndpointName::parse(name).map_err(|_| Problem::not_found("there is no such endpoint"))
}

/// Gives the loop an order and waits for its answer. A browser goes on to the page it came from.
pub(super) async fn obey(
    state: &WebState,
    visitor: &Visitor,
    order: Order,
    back: Option<String>,
) -> Result<Response, Problem> {
    let message = ask(state, visitor, order).await?;
    Ok(match back {
        Some(back) => axum::response::Redirect::to(&back).into_response(),
        None => axum::Json(Done { message }).into_response(),
    })
}

/// Gives the loop an order: what it says to it.
pub(super) async fn ask(state: &WebState, visitor: &Visitor, order: Order) -> Result<String, Problem> {
    let (answer, answered) = oneshot::channel();
    let command = Command::Do { order, who: visitor.who.clone(), answer };
    state.commands.try_send(command).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait; try again in a moment")
        }
        mpsc::error::TrySendError::Closed(_) => stopping(),
    })?;
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(Ok(message))) => Ok(message),
        Ok(Ok(Err(refused))) => Err(Problem::new(
            match refused {
                Refused::NotFound(_) => StatusCode::NOT_FOUND,
                Refused::Conflict(_) => StatusCode::CONFLICT,
                Refused::Wrong(_) => StatusCode::BAD_REQUEST,
            },
            refused.to_string(),
        )),
        Ok(Err(_)) => Err(stopping()),
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the loop did not answer within 10 s")),
    }
}

/// Has it written down that somebody did something that is not the loop's to do.
pub(super) fn note(
    state: &WebState,
    visitor: &Visitor,
    action: &'static str,
    kind: &'static str,
    name: &str,
    detail: &str,
) {
    let order = Order::Note { action, kind, name: name.to_owned(), detail: detail.to_owned() };
    let command = Command::Do { order, who: visitor.who.clone(), answer: oneshot::channel().0 };
    if state.commands.try_send(command).is_err() {
        tracing::warn!(action, kind, name, "An operator's action could not be written down.");
    }
}

fn stopping() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the program is stopping")
}
