//! A simulated Microsoft Graph: rooms as [`Rooms`] has them, in the words of Graph's calendars. In: requests as they would reach the
//! service. Out: its answers, how long they take, and an own count of what was asked of it.
//!
//! | request | answer |
//! |---|---|
//! | `GET …/users/{mail}/calendar/calendarView`, also without `calendar` | the events of a window, page by page |
//! | `POST …/users/{mail}/calendar/getSchedule` | when many rooms are taken |
//! | without a token that was given out | 401 `InvalidAuthenticationToken` |
//! | for a room that the app may not read | 403 `ErrorAccessDenied` |
//! | for a room that there is not | 404 `ErrorInvalidUser` |
//! | more at once, or in ten minutes, than an app may in a mailbox | 429 `ApplicationThrottled` with `Retry-After` |
//!
//! Apps see private events as they are. Types are those of the CSDL of v1.0; limits those of "Throttling limits", Outlook service.
//!
//! An answer that was given before is kept, so that a million unchanged reads cost a look-up each.

mod limits;
mod schedule;
mod view;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub use limits::Counts;
use limits::Limits;

use super::rooms::{RoomAccess, Rooms};
use super::{Bearers, Fake};
use crate::http::{Bytes, HeaderMap, HeaderValue, Method, Played, Request, StatusCode, header};

/// Answers kept for a room: its window's pages, and those of yesterday's window.
const KEPT_OF_A_ROOM: usize = 4;

/// Most bytes of answers that are kept. Those of rooms that come later are made anew each time.
const KEPT_MAX: usize = 512 << 20;

/// How this Graph behaves.
#[derive(Clone, Debug)]
pub struct GraphOptions {
    /// Of the latencies.
    pub seed: u64,
    /// Shortest and longest time of a request.
    pub latency: (Duration, Duration),
    /// What each room adds to a question about schedules.
    pub latency_of_a_schedule: Duration,
    /// Most rooms in a question about schedules: 20 documented, 100 observed.
    pub schedules_max: usize,
    /// Most events on a page, whatever `$top` says.
    pub page_max: usize,
    /// Requests of one app that a mailbox answers at once.
    pub at_once_in_a_mailbox: usize,
    /// Requests of one app that are answered at once, over all mailboxes; `None`: as many as come.
    pub at_once_in_all: Option<usize>,
    /// Requests of one app in a mailbox, in ten minutes.
    pub in_ten_minutes: u32,
    /// Requests of 24 hours above which they are counted as too many. Graph has no such limit: the client has set it itself.
    pub in_a_day: Option<u64>,
}

impl Default for GraphOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            latency: (Duration::from_millis(60), Duration::from_millis(400)),
            latency_of_a_schedule: Duration::from_millis(60),
            schedules_max: 100,
            page_max: 1000,
            at_once_in_a_mailbox: 4,
            at_once_in_all: None,
            in_ten_minutes: 10_000,
            in_a_day: None,
        }
    }
}

/// The service. See the module.
pub struct GraphFake {
    rooms: Arc<Rooms>,
    bearers: Bearers,
    options: GraphOptions,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    limits: Limits,
    kept: HashMap<String, Kept>,
    kept_bytes: usize,
}

/// Answers about one state of a room, by query.
#[derive(Default)]
struct Kept {
    version: u64,
    answers: Vec<(String, Bytes)>,
}

/// What the service says, without the time it takes.
struct Said {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Bytes,
}

impl fmt::Debug for GraphFake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphFake").field("options", &self.options).finish_non_exhaustive()
    }
}

impl GraphFake {
    /// A service that knows `rooms`, whose tokens `bearers` knows.
    #[must_use]
    pub fn new(rooms: Arc<Rooms>, bearers: Bearers, options: GraphOptions) -> Self {
        Self { rooms, bearers, options, state: Mutex::default() }
    }

    /// What was asked of it so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().limits.counts()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, request: &Request, account: &str, now: Timestamp, after: Duration) -> Said {
        let Some((mailbox, what)) = place(request.url.path()) else {
            return fault(StatusCode::BAD_REQUEST, "BadRequest", "Resource not found for the segment.");
        };
        let begun = self.state().limits.begin(&self.options, account, &mailbox, now, after);
        if let Err(wait) = begun {
            let message = "Application is over its MailboxConcurrency limit.";
            let throttled = fault(StatusCode::TOO_MANY_REQUESTS, "ApplicationThrottled", message);
            return Said { retry_after: Some(wait), ..throttled };
        }
        let access = self.rooms.look(&mailbox, |room| room.map(|room| room.access));
        match access {
            None => {
                let message = format!("The requested user '{mailbox}' is invalid.");
                return fault(StatusCode::NOT_FOUND, "ErrorInvalidUser", &message);
            }
            Some(RoomAccess::Nothing | RoomAccess::FreeBusy) => {
                let message =
                    "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.";
                return fault(StatusCode::FORBIDDEN, "ErrorAccessDenied", message);
            }
            Some(RoomAccess::Reader | RoomAccess::Writer) => {}
        }
        match (&request.method, what) {
            (&Method::GET, "calendarView") => self.view(request, mailbox),
            (&Method::POST, "getSchedule") => schedule::answer(&self.rooms, &request.body, self.options.schedules_max)
                .map_or_else(|(code, message)| fault(StatusCode::BAD_REQUEST, code, message), ok),
            _ => fault(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "The method is not allowed here."),
        }
    }

    fn view(&self, request: &Request, mailbox: String) -> Said {
        let query = request.url.query().unwrap_or_default();
        let mut state = self.state();
        self.rooms.look(&mailbox, |room| {
            let Some(room) = room else { return fault(StatusCode::NOT_FOUND, "ErrorInvalidUser", "It is gone.") };
            if let Some(kept) = state.kept.get(&mailbox).filter(|kept| kept.version == room.version)
                && let Some((_, body)) = kept.answers.iter().find(|(asked, _)| asked == query)
            {
                return ok(body.clone());
            }
            match view::answer(room, &request.url, self.options.page_max) {
                Ok(body) => {
                    state.keep(mailbox.clone(), room.version, query, body.clone());
                    ok(body)
                }
                Err((code, message)) => fault(StatusCode::BAD_REQUEST, code, message),
            }
        })
    }
}

impl State {
    fn keep(&mut self, mailbox: String, version: u64, query: &str, body: Bytes) {
        let kept = self.kept.entry(mailbox).or_default();
        if kept.version != version {
            self.kept_bytes -= kept.answers.drain(..).map(|(_, body)| body.len()).sum::<usize>();
            kept.version = version;
        }
        if kept.answers.len() == KEPT_OF_A_ROOM {
            self.kept_bytes -= kept.answers.remove(0).1.len();
        }
        if self.kept_bytes + body.len() <= KEPT_MAX {
            self.kept_bytes += body.len();
            kept.answers.push((query.to_owned(), body));
        }
    }
}

impl Fake for GraphFake {
    fn answer(&self, request: &Request, now: Timestamp) -> Played {
        let asked = request.url.path().ends_with("/getSchedule");
        let rooms = if asked { schedule::rooms_in(&request.body) } else { 0 };
        let after = self.state().limits.latency(&self.options, rooms);
        let token = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        let said = match token.and_then(|token| (self.bearers)(token, now)) {
            Some(account) => self.say(request, &account, now, after),
            None => {
                self.state().limits.refuse(now, self.options.in_a_day);
                fault(
                    StatusCode::UNAUTHORIZED,
                    "InvalidAuthenticationToken",
                    "Access token has expired or is not yet valid.",
                )
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(view::CONTENT_TYPE));
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.extend(HeaderValue::from_str(&date).ok().map(|date| (header::DATE, date)));
        headers.extend(said.retry_after.map(|wait| (header::RETRY_AFTER, HeaderValue::from(wait.as_secs()))));
        Played { after, result: Ok((said.status, headers, said.body)) }
    }
}

/// The mailbox, in lower case, and what is asked of it.
fn place(path: &str) -> Option<(String, &str)> {
    let (_, rest) = path.split_once("/users/")?;
    let (mailbox, what) = rest.split_once('/')?;
    let what = what.strip_prefix("calendar/").unwrap_or(what);
    Some((decoded(mailbox)?.to_lowercase(), what))
}

/// Undoes `%40` and the like.
fn decoded(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(if byte == b'%' { hex(rest.next())? << 4 | hex(rest.next())? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

fn ok(body: Bytes) -> Said {
    Said { status: StatusCode::OK, retry_after: None, body }
}

fn fault(status: StatusCode, code: &str, message: &str) -> Said {
    let body = serde_json::json!({"error": {"code": code, "message": message}});
    Said { status, retry_after: None, body: body.to_string().into() }
}
