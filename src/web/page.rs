//! The overview: one page, made on the server, readable without script, in light and dark, on a telephone.
//!
//! In: the board and who asks. Out: HTML from `pages/overview.html`, in an environment of its own in which everything is
//! escaped; rule templates never meet it. What goes wrong comes first in each table, and tables end after a screenful or
//! two: the API has the rest.

use std::sync::LazyLock;

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::problem::Problem;
use super::{Asking, WebState};
use crate::status::age::ago;
use crate::status::summary::{self, EndpointView, LossView, RoomView, StatusView};

/// Rows of a table before it ends with a count of the rest.
const ROWS_MAX: usize = 100;

/// Every page, by name.
pub(super) static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in [
        ("sign_in", include_str!("pages/sign_in.html")),
        ("login", include_str!("pages/login.html")),
        ("layout", include_str!("pages/layout.html")),
        ("overview", include_str!("pages/overview.html")),
        ("integrations", include_str!("pages/integrations.html")),
    ] {
        pages.add_template(name, text).expect("the page is a template");
    }
    pages
});

/// `GET /`.
pub(super) async fn overview(State(state): State<WebState>, Extension(caller): Asking) -> Result<Response, Problem> {
    let reads = state.access.reads(caller);
    html(move || render(&state, reads)).await
}

/// A page, made where it may take its time.
pub(super) async fn html(
    make: impl FnOnce() -> Result<String, minijinja::Error> + Send + 'static,
) -> Result<Response, Problem> {
    let made = tokio::task::spawn_blocking(make);
    let html = made.await.map_err(|_| Problem::internal())?.map_err(|error| {
        tracing::error!(%error, "A page could not be rendered.");
        Problem::internal()
    })?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

/// `GET /style.css`.
pub(super) async fn style() -> Response {
    let kind = (header::CONTENT_TYPE, "text/css; charset=utf-8");
    ([kind, (header::CACHE_CONTROL, "max-age=300")], include_str!("pages/style.css")).into_response()
}

/// `GET /icon.svg`.
pub(super) async fn icon() -> Response {
    let kind = (header::CONTENT_TYPE, "image/svg+xml");
    ([kind, (header::CACHE_CONTROL, "max-age=86400")], include_str!("pages/icon.svg")).into_response()
}

/// A point in time as people read it, and as machines do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct When {
    iso: String,
    full: String,
    ago: String,
}

/// All that the page says.
#[derive(Serialize)]
struct Overview<'a> {
    node: &'a str,
    now: When,
    adopted: Option<When>,
    verdict: (&'static str, String),
    drift: Table<DriftRow>,
    held: Vec<HeldRow>,
    rooms: Table<RoomRow>,
    endpoints: Table<EndpointRow>,
    meetings: Option<Table<MeetingRow>>,
    status: &'a StatusView,
}

/// What is not as wished.
#[derive(Serialize)]
struct DriftRow {
    kind: String,
    name: String,
    reason: String,
    message: String,
    since: When,
}

#[derive(Serialize)]
struct RoomRow {
    room: RoomView,
    last_read: Option<When>,
    next_read: Option<When>,
}

#[derive(Serialize)]
struct EndpointRow {
    endpoint: EndpointView,
    last_contacted: Option<When>,
}

#[derive(Serialize)]
struct MeetingRow {
    start: Timestamp,
    day: String,
    time: String,
    zone: String,
    room: String,
    endpoints: Vec<String>,
    subject: String,
    organizer: String,
    alias: Option<String>,
    no_join: Option<String>,
    rule: Option<String>,
    running: bool,
}

#[derive(Serialize)]
struct HeldRow {
    checksum: String,
    summary: String,
    endpoints: usize,
    meetings: usize,
    since: When,
    losses: Vec<LossView>,
}

/// The first rows of a table, and how many there are.
#[derive(Serialize)]
struct Table<T> {
    rows: Vec<T>,
    all: usize,
    more: usize,
}

impl<T> Table<T> {
    fn new<S>(items: Vec<S>, row: impl FnMut(S) -> T) -> Self {
        let all = items.len();
        let rows: Vec<T> = items.into_iter().take(ROWS_MAX).map(row).collect();
        Self { more: all - rows.len(), rows, all }
    }
}

fn render(state: &WebState, reads: bool) -> Result<String, minijinja::Error> {
    let now = state.clock.now();
    let status = summary::status(&state.board, now);
    let wall = now.wall;
    let page = Overview {
        node: &state.node.name,
        now: when(wall, wall),
        adopted: status.config.adopted_at.map(|at| when(at, wall)),
        verdict: verdict(&status),
        drift: drift_table(&status, wall),
        held: held(state, &status, reads, wall),
        rooms: room_table(state, wall),
        endpoints: endpoint_table(state, wall),
        meetings: reads.then(|| meeting_table(state, wall)),
        status: &status,
    };
    PAGES.get_template("overview")?.render(minijinja::value::Serde(&page))
}

/// The first sentence of the page and its colour.
fn verdict(status: &StatusView) -> (&'static str, String) {
    if !status.healthy {
        return ("bad", "The loop has stopped turning.".into());
    }
    if !status.ready {
        return ("bad", "No configuration is in force.".into());
    }
    if !status.held.is_empty() {
        return ("warn", "A change waits for your approval.".into());
    }
    match status.drift.len() {
        0 => ("good", "Everything is as wished.".into()),
        1 => ("warn", "One object is not as wished.".into()),
        n => ("warn", format!("{n} objects are not as wished.")),
    }
}

fn drift_table(status: &StatusView, now: Timestamp) -> Table<DriftRow> {
    Table::new(status.drift.clone(), |one| DriftRow {
        since: when(one.since, now),
        kind: one.kind,
        name: one.name,
        reason: one.reason,
        message: one.message,
    })
}

fn held(state: &WebState, status: &StatusView, reads: bool, now: Timestamp) -> Vec<HeldRow> {
    let losses = if reads { summary::losses(&state.board) } else { Vec::new() };
    let row = |held: &summary::HeldView| HeldRow {
        checksum: held.checksum.clone(),
        summary: held.summary.clone(),
        endpoints: held.endpoints,
        meetings: held.meetings,
        since: when(held.since, now),
        losses: losses.iter().filter(|loss| loss.checksum == held.checksum).take(ROWS_MAX).cloned().collect(),
    };
    status.held.iter().map(row).collect()
}

/// Rooms that are not fresh first, then by name.
fn room_table(state: &WebState, now: Timestamp) -> Table<RoomRow> {
    let mut rooms = summary::rooms(&state.board);
    rooms.sort_by_key(|room| room.fresh);
    Table::new(rooms, |room| RoomRow {
        last_read: room.last_read.map(|at| when(at, now)),
        next_read: room.next_read.map(|at| when(at, now)),
        room,
    })
}

/// Endpoints that are not in sync first, then by name.
fn endpoint_table(state: &WebState, now: Timestamp) -> Table<EndpointRow> {
    let endpoints = state.board.endpoints();
    let mut views: Vec<EndpointView> =
        endpoints.iter().map(|endpoint| summary::endpoint_view(endpoint, &state.node)).collect();
    views.sort_by_key(|endpoint| endpoint.state == "InSync");
    Table::new(views, |endpoint| EndpointRow {
        last_contacted: endpoint.last_contacted.map(|at| when(at, now)),
        endpoint,
    })
}

/// Meetings that have not ended, soonest first; one row for all endpoints of a room that show the same.
fn meeting_table(state: &WebState, now: Timestamp) -> Table<MeetingRow> {
    let zones: std::collections::BTreeMap<String, String> = summary::rooms(&state.board)
        .into_iter()
        .filter_map(|room| room.time_zone.map(|zone| (room.room_email, zone)))
        .collect();
    let endpoints = state.board.endpoints();
    let mut views: Vec<_> = endpoints.iter().flat_map(summary::meetings_of).filter(|m| m.end_time > now).collect();
    views.sort_by(|a, b| (a.start_time, &a.room_email, &a.id).cmp(&(b.start_time, &b.room_email, &b.id)));
    let groups: Vec<Vec<summary::MeetingView>> = views
        .chunk_by(|a, b| a.id == b.id && a.subject == b.subject && a.alias == b.alias)
        .map(<[_]>::to_vec)
        .collect();
    Table::new(groups, |group| {
        let endpoints = group.iter().map(|meeting| meeting.endpoint_name.clone()).collect();
        let meeting = group.into_iter().next().expect("a chunk holds at least one");
        let zone = zones.get(&meeting.room_email).and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let (start, end) = (meeting.start_time.to_zoned(zone.clone()), meeting.end_time.to_zoned(zone));
        MeetingRow {
            start: meeting.start_time,
            day: start.strftime("%a %-d %b").to_string(),
            time: if meeting.all_day {
                "all day".into()
            } else {
                format!("{}–{}", start.strftime("%H:%M"), end.strftime("%H:%M"))
            },
            zone: start.strftime("%Z").to_string(),
            room: meeting.room_email,
            endpoints,
            subject: meeting.subject,
            organizer: meeting.organizer_name,
            alias: meeting.alias,
            no_join: meeting.no_join,
            rule: meeting.matched_rule,
            running: meeting.start_time <= now,
        }
    })
}

/// `at` as it reads at `now`.
pub(super) fn when(at: Timestamp, now: Timestamp) -> When {
    When {
        iso: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        full: at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        ago: ago(at, now),
    }
}
