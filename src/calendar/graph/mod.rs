//! Microsoft Graph's calendars: a room and a window in, a complete reading out, or when many rooms are taken.
//!
//! One room is `GET /users/{mail}/calendar/calendarView` with a start and an end, which lists series occurrence by occurrence. It is
//! complete when every page has its `value`, and the last one has no `@odata.nextLink`. That link is followed as it is, on the
//! same origin only. An event that comes twice, because it changed while we turned the page, is what it was last.
//!
//! The view has no validator to ask with, so its text is recognised: a digest over the pages, before anything is parsed. Nothing in
//! a page changes by itself (links hold offsets, tags and identifiers belong to versions of events).
//!
//! *Design notes.*
//! * `$batch` is not used: each inner request counts by itself, at most four run at once, and one page with a failure inside would
//!   have to be taken apart again. It would save connections, of which HTTP/2 needs one anyway.
//! * Delta queries are not used: an unchanged room costs one request either way, a changed one would cost two, and the link is bound
//!   to a window, without `$select` and without the properties that Teams keeps its numbers in.
//! * `createdDateTime` and `lastModifiedDateTime` may not be selected in a view, so when an event was changed is not known.
//!
//! Sources: Microsoft Graph v1.0, "List calendarView", "event resource type", "Outlook immutable identifiers", "Throttling limits",
//! "JSON batching"; types as in the CSDL of v1.0.

mod busy;
mod error;
mod event;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

pub(super) use busy::busy;
pub use error::GraphError;
use page::{Found, Page};

use super::api::{Answer, Api};
use super::{AgendaRequest, CalendarError, Mark, Reading};
use crate::http::{
    Bytes, CALENDAR_LIMIT, HeaderMap, HeaderName, HeaderValue, HttpError, Method, StatusCode, Url, same_origin,
};
use crate::model::service::GraphSpec;
use crate::model::zone::named;
use crate::model::{Complete, Digest, Proof, RoomEmail};

/// Events a page. A week of a busy room fits into one; with 60 KB of HTML each they stay below the limit of an answer.
const PAGE: usize = 250;

/// Events a page where so many are more than an answer may hold.
const SMALL_PAGE: usize = 20;

/// Most pages of one reading.
const PAGES_MAX: usize = 100;

/// Most bytes of all pages of one reading.
const READING_LIMIT: usize = 2 * CALENDAR_LIMIT;

/// `Prefer`: times in UTC, texts with their links, identifiers that stay when an event is moved between folders.
const PREFER: &str = r#"outlook.timezone="UTC", outlook.body-content-type="html", IdType="ImmutableId""#;

/// What the reader looks at, and nothing else: an unchanged answer is recognised by its bytes.
const SELECT: &str = "id,iCalUId,type,originalStart,originalStartTimeZone,subject,body,start,end,isAllDay,isCancelled,\
    organizer,location,sensitivity,showAs,responseStatus,onlineMeeting,onlineMeetingUrl";

/// Reads a room's calendar.
///
/// # Errors
/// When the answers do not prove that everything of the window is there.
pub(super) async fn read(
    api: &Api<'_>,
    service: &GraphSpec,
    request: &AgendaRequest,
) -> Result<Reading, CalendarError> {
    match pages(api, service, request, PAGE).await {
        Err(CalendarError::Offline(HttpError::TooLarge(_))) => pages(api, service, request, SMALL_PAGE).await,
        done => done,
    }
}

async fn pages(
    api: &Api<'_>,
    service: &GraphSpec,
    request: &AgendaRequest,
    at_once: usize,
) -> Result<Reading, CalendarError> {
    let room = &request.room.key.email;
    let known = match request.mark() {
        Some(Mark::Content(digest)) => Some(*digest),
        _ => None,
    };
    let zone = request.room.time_zone.as_deref().and_then(named);
    let first = view(service, request, at_once)?;
    let headers = headers();
    let (mut digest, mut bytes) = (Digest::default(), 0);
    let mut seen = BTreeSet::new();
    let mut found = BTreeMap::new();
    let mut url = first.clone();
    for _ in 0..PAGES_MAX {
        if !seen.insert(url.to_string()) {
            return Err(unreadable("one of its pages leads back to an earlier one"));
        }
        let answer = api.send(&Method::GET, &url, &headers, &Bytes::new()).await?;
        if answer.response.status != StatusCode::OK {
            return Err(error::of(&answer, room, service, request.now).into());
        }
        let Answer { response, server_date } = answer;
        digest = Digest::of([digest.0.as_slice(), &response.body]);
        if known == Some(digest) {
            return Ok(Reading::Unchanged { server_date });
        }
        bytes += response.body.len();
        if bytes > READING_LIMIT {
            return Err(unreadable("its texts are larger than 64 MiB in all"));
        }
        let page = parsed(response.body.clone(), zone.clone()).await?;
        found.extend(page.items);
        match page.next {
            Some(next) => url = following(&first, &next)?,
            None => {
                return Ok(Reading::Complete {
                    complete: complete(found, request),
                    cursor: Some(request.cursor(Mark::Content(digest))),
                    server_date,
                });
            }
        }
    }
    Err(unreadable("it has more than 100 pages"))
}

/// The first page's address.
fn view(service: &GraphSpec, request: &AgendaRequest, at_once: usize) -> Result<Url, CalendarError> {
    let mut url = of_calendar(service, &request.room.key.email, "calendarView")?;
    let (from, to) = (request.window.from.to_string(), request.window.to.to_string());
    url.query_pairs_mut()
        .append_pair("startDateTime", &from)
        .append_pair("endDateTime", &to)
        .append_pair("$top", &at_once.to_string())
        .append_pair("$select", SELECT)
        .append_pair("$expand", &event::expand());
    // A space is `+` in forms alone.
    let query = url.query().map(|query| query.replace('+', "%20"));
    url.set_query(query.as_deref());
    Ok(url)
}

/// `{apiUrl}/users/{mail}/calendar/{what}`.
fn of_calendar(service: &GraphSpec, room: &RoomEmail, what: &str) -> Result<Url, CalendarError> {
    let wrong = || unreadable("apiUrl is no web address");
    let mut url: Url = service.api_url.parse().map_err(|_| wrong())?;
    url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(["users", room.as_str(), "calendar", what]);
    Ok(url)
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("prefer"), HeaderValue::from_static(PREFER))])
}

/// Where a page's link leads. The bearer goes nowhere else.
fn following(first: &Url, next: &str) -> Result<Url, CalendarError> {
    let url: Url = next.parse().map_err(|_| unreadable("its next page has no address"))?;
    if same_origin(first, &url) { Ok(url) } else { Err(unreadable("its next page is said to be on another host")) }
}

/// Parses away from the threads that serve the network.
async fn parsed(body: Bytes, zone: Option<TimeZone>) -> Result<Page, CalendarError> {
    let parsed = tokio::task::spawn_blocking(move || Page::read(&body, zone.as_ref())).await;
    let parsed = parsed.map_err(|_| unreadable("parsing it ended unexpectedly"))?;
    parsed.map_err(CalendarError::Unreadable)
}

fn complete(found: BTreeMap<String, Found>, request: &AgendaRequest) -> Complete {
    let (mut events, mut broken, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for item in found.into_values() {
        match item {
            Found::Event(event) => events.push(*event),
            Found::Gone(one) => left_out.extend(one),
            Found::Unreadable(uid) => broken.push(uid),
        }
    }
    Complete { proof: Proof::LastPage, window: request.window, events, unreadable: broken, time_zone: None, left_out }
}

fn unreadable(why: &str) -> CalendarError {
    CalendarError::Unreadable(why.to_owned())
}
