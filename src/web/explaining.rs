//! `GET /api/v1/explain?room=&meeting=&at=`: why a meeting has, or has not, its button.
//!
//! `room` is an address, or the name of a room or an endpoint; `meeting` an id; `at` a time as people say it. Without either the meeting
//! that runs, or the next one, is meant. In: the board, the wish, and the agenda from the loop. Out: an [`Explanation`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::WebState;
use super::api::answer;
use super::problem::Problem;
use crate::explain::{self, Case, Wanted};
use crate::model::{EndpointName, RoomKey};
use crate::status::conditions::room_names;
use crate::status::{Command, EndpointStatus, RoomStatus, Shown};

/// The loop answers between two turns, the store within a moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) room: String,
    pub(super) meeting: Option<String>,
    pub(super) at: Option<String>,
}

/// `GET /api/v1/explain`.
pub(super) async fn explain(
    State(state): State<WebState>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|_| {
        Problem::bad_request(
            "this takes `room` (an address, or the name of a room or endpoint), and `meeting` (an id) or `at` (a time)",
        )
    })?;
    let case = case(&state, &asked).await?;
    answer(headers, move || Ok(explain::explain(&case))).await
}

async fn case(state: &WebState, asked: &Asked) -> Result<Case, Problem> {
    let (room, only) = found(state, &asked.room)?;
    let now = state.clock.now().wall;
    let zone = room.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let wanted = match (&asked.meeting, &asked.at) {
        (Some(id), _) if !id.is_empty() => Wanted::Id(id.clone()),
        (_, Some(at)) if !at.trim().is_empty() => Wanted::at(at, &zone, now).map_err(Problem::bad_request)?,
        _ => Wanted::Next,
    };
    let Shown { agenda, events } = shown(state, room.key.clone()).await?;
    let names = only.map_or_else(|| room.endpoints.clone(), |only| vec![only]);
    let endpoints: Vec<Arc<EndpointStatus>> = names.iter().filter_map(|name| state.board.endpoint(name)).collect();
    let desired = state.wish.borrow().clone();
    Ok(Case { room, endpoints, desired, agenda, events, wanted, now })
}

/// The room that is meant, and the endpoint where one was named.
fn found(state: &WebState, name: &str) -> Result<(Arc<RoomStatus>, Option<EndpointName>), Problem> {
    let wanted = name.trim().to_lowercase();
    let rooms = state.board.rooms();
    let by_address = rooms.iter().position(|room| room.key.email.as_str() == wanted);
    let by_name = || room_names(&rooms).iter().position(|name| name.to_lowercase() == wanted);
    if let Some(room) = by_address.or_else(by_name) {
        return Ok((rooms[room].clone(), None));
    }
    let endpoint = EndpointName::parse(name.trim()).ok().and_then(|name| state.board.endpoint(&name));
    if let Some(endpoint) = endpoint {
        let room = rooms.iter().find(|room| room.key == endpoint.spec.room);
        let room = room
            .ok_or_else(|| Problem::not_found("the room of that endpoint is not known yet; ask again in a moment"))?;
        return Ok((room.clone(), Some(endpoint.spec.name.clone())));
    }
    let display = |room: &&Arc<RoomStatus>| {
        let desired = state.wish.borrow();
        let name =
            desired.rooms.get(&room.key).and_then(|room| room.display_name.as_ref().map(|name| name.to_lowercase()));
        name.is_some_and(|name| name == wanted) || room.key.email.as_str().split('@').next() == Some(wanted.as_str())
    };
    let mut found = rooms.iter().filter(display);
    match (found.next(), found.next()) {
        (Some(room), None) => Ok((room.clone(), None)),
        (Some(_), Some(_)) => Err(Problem::bad_request("several rooms are called so; give the room's address")),
        _ => Err(Problem::not_found("there is no such room or endpoint; `otj status rooms` lists them")),
    }
}

/// The agenda with its texts.
pub(super) async fn shown(state: &WebState, room: RoomKey) -> Result<Shown, Problem> {
    let unavailable = |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    let (answer, answered) = oneshot::channel();
    let asked = state.commands.try_send(Command::Show { room, answer });
    asked.map_err(|_| unavailable("too many requests wait, or the program is stopping; try again in a moment"))?;
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(Some(shown))) => Ok(shown),
        Ok(Ok(None)) => Err(Problem::not_found("there is no such room")),
        Ok(Err(_)) | Err(_) => Err(unavailable("the loop did not answer within 10 s")),
    }
}
