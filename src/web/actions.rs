//! What an operator asks the loop to do. The loop decides; these only carry the question and the answer.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::WebState;
use super::problem::Problem;
use crate::model::LookAgain;
use crate::status::Command;

/// The loop answers between two turns; a turn takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was done, in one sentence.
#[derive(Serialize)]
struct Done<'a> {
    message: &'a str,
}

/// The body of `POST /api/v1/approve`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    checksum: String,
}

/// `POST /-/reload`: the directory is read at once. Whether it loads, the status tells.
pub(super) async fn reload(State(state): State<WebState>) -> Result<Response, Problem> {
    match state.look_again.try_send(LookAgain::Documents) {
        // A full channel already holds such requests, and they carry nothing: one more would change nothing.
        Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {
            let done = Done { message: "the directory is being read" };
            Ok((StatusCode::ACCEPTED, axum::Json(done)).into_response())
        }
        Err(mpsc::error::TrySendError::Closed(_)) => Err(stopping()),
    }
}

/// `POST /api/v1/approve`: lets the held plan with this checksum happen.
pub(super) async fn approve(State(state): State<WebState>, body: Bytes) -> Result<Response, Problem> {
    let approval: Approval = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad_request("the body is `{\"checksum\": \"…\"}`, the checksum of a held plan"))?;
    let (answer, answered) = oneshot::channel();
    state.commands.try_send(Command::Approve { checksum: approval.checksum, answer }).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait; try again in a moment")
        }
        mpsc::error::TrySendError::Closed(_) => stopping(),
    })?;
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(Ok(message))) => Ok(axum::Json(Done { message: &message }).into_response()),
        Ok(Ok(Err(reason))) => Err(Problem::new(StatusCode::CONFLICT, reason)),
        Ok(Err(_)) => Err(stopping()),
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the loop did not answer within 10 s")),
    }
}

fn stopping() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the program is stopping")
}
