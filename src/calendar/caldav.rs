//! A CalDAV server's calendar of one room: found, asked whether it changed, read.
//!
//! A poll of an unchanged calendar is one request: `PROPFIND` for the collection's `sync-token` or `getctag`. A changed one is
//! read whole with one `calendar-query` over the window, the state being asked for *before* the events, so that a change in
//! between is seen at the next poll. Expansion is ours: servers that expand get exceptions wrong.
//!
//! Finding a room's calendar, where `calendarPath` does not name it: the base URL itself, if it is a calendar; otherwise the
//! calendars of the account (`current-user-principal`, also by way of `/.well-known/caldav`, then `calendar-home-set`). Of those
//! that hold events, the one named after the room (last part of its path, or display name: the address, else what stands before
//! the `@`) is taken, else the only one, else, where the account's own address is the room's, its default calendar. Nothing else
//! is taken: it could be another room's. Where it was found is kept in the cursor; when it is gone, it is looked for again.
//!
//! Every link of an answer is used only on the server of the base URL; credentials go nowhere else.

mod discovery;
mod server;

use super::multistatus::{APPLE, CALDAV, DAV, Multistatus, Resource};
use super::{AgendaRequest, CalendarError, Mark, Reading, complete, ics};
use crate::http::{Http, Url};
use crate::model::service::CalDavSpec;
use crate::model::{Digest, Proof};
use server::Server;

/// What identifies a collection's state.
const STATE: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><D:prop><D:resourcetype/><D:sync-token/><S:getctag/><C:calendar-timezone/></D:prop></D:propfind>"#;

/// A collection, and what it says about itself.
struct Collection {
    url: Url,
    /// `None`: the server does not tell.
    state: Option<String>,
    time_zone: Option<String>,
}

/// Reads a room's calendar. `path` is where documents say it is.
///
/// # Errors
/// When the server's answers do not prove that everything of the window is there.
pub(super) async fn read(
    http: &Http,
    service: &CalDavSpec,
    path: Option<&str>,
    request: &AgendaRequest,
    count: &(dyn Fn(&str) + Sync),
) -> Result<Reading, CalendarError> {
    let server = Server::new(http, service, request, count)?;
    let collection = collection(&server, path, request).await?;
    let same = |mark: &Mark| match mark {
        Mark::Collection { url, state } => {
            *url == collection.url.as_str() && state.is_some() && *state == collection.state
        }
        _ => false,
    };
    if request.mark().is_some_and(same) {
        return Ok(Reading::Unchanged { server_date: server.date() });
    }
    let answer = server.report(&collection.url, &query(request)).await?;
    let server_date = server.date();
    let url = collection.url.clone();
    let parsed = tokio::task::spawn_blocking(move || objects(&answer, &url)).await;
    let (calendars, unreadable) =
        parsed.map_err(|_| CalendarError::Unreadable("parsing its events ended unexpectedly".into()))??;
    let mut complete = complete(calendars, collection.time_zone, Proof::CalDavMultistatus, request).await?;
    complete.unreadable.extend(unreadable);
    let mark = Mark::Collection { url: collection.url.into(), state: collection.state };
    Ok(Reading::Complete { complete, cursor: Some(request.cursor(mark)), server_date })
}

/// The room's collection: named by documents, known from last time, or discovered.
async fn collection(
    server: &Server<'_>,
    path: Option<&str>,
    request: &AgendaRequest,
) -> Result<Collection, CalendarError> {
    if let Some(path) = path {
        return state(server, server.link(path)?).await;
    }
    if let Some(Mark::Collection { url, .. }) = request.earlier_mark() {
        match state(server, server.link(url)?).await {
            Err(CalendarError::NotFound(_)) => {}
            known => return known,
        }
    }
    let url = discovery::find(server, &request.room.key.email).await?;
    state(server, url).await
}

/// Asks a collection for its state; one request.
async fn state(server: &Server<'_>, url: Url) -> Result<Collection, CalendarError> {
    let (answer, url) = server.propfind(&url, 0, STATE).await?;
    let Some(resource) = answer.0.first() else {
        return Err(CalendarError::Unreadable("the answer about the calendar is empty".into()));
    };
    if !is_calendar(resource) {
        return Err(CalendarError::NotFound("what stands at its path is not a calendar collection".into()));
    }
    let text = |namespace, name| resource.property(namespace, name).map(|property| property.text.trim());
    let tokens = [text(DAV, "sync-token"), text(APPLE, "getctag")];
    let state = tokens.into_iter().flatten().find(|token| !token.is_empty()).map(str::to_owned);
    let time_zone = text(CALDAV, "calendar-timezone")
        .and_then(|text| ics::parse(text.as_bytes()).ok())
        .and_then(|calendar| calendar.time_zone());
    Ok(Collection { url, state, time_zone })
}

fn is_calendar(resource: &Resource) -> bool {
    resource.property(DAV, "resourcetype").is_some_and(|kind| kind.child(CALDAV, "calendar").is_some())
}

/// All events that touch the window. A day more on both sides: servers judge whole days and times without zone in a zone of theirs.
fn query(request: &AgendaRequest) -> String {
    let day = jiff::SignedDuration::from_hours(24);
    let stamp = |at: Result<jiff::Timestamp, jiff::Error>, else_at: jiff::Timestamp| {
        at.unwrap_or(else_at).strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    let from = stamp(request.window.from.checked_sub(day), request.window.from);
    let to = stamp(request.window.to.checked_add(day), request.window.to);
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{from}" end="{to}"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#
    )
}

/// The calendars of a query's answer, and the UIDs of those that could not be read.
fn objects(answer: &Multistatus, collection: &Url) -> Result<(Vec<ics::Calendar>, Vec<String>), CalendarError> {
    let (mut calendars, mut unreadable) = (Vec::new(), Vec::new());
    for resource in &answer.0 {
        match (resource.status, resource.property(CALDAV, "calendar-data")) {
            // Deleted while the server was looking.
            (Some(404 | 410), _) => {}
            (Some(status), _) if status >= 300 => {
                return Err(CalendarError::Unreadable(format!(
                    "the server does not hand out an event (HTTP {status})"
                )));
            }
            (_, Some(data)) => match ics::parse(data.text.as_bytes()) {
                Ok(calendar) => calendars.push(calendar),
                Err(_) => unreadable.push(uid_of(&data.text, &resource.href)),
            },
            // Some servers list the collection among its members.
            (_, None) if is_same(collection, &resource.href) => {}
            (_, None) => {
                let status = resource.missing.first().copied().unwrap_or(200);
                return Err(CalendarError::Unreadable(format!("an event came without its data (HTTP {status})")));
            }
        }
    }
    Ok((calendars, unreadable))
}

fn is_same(collection: &Url, href: &str) -> bool {
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    collection.join(href).is_ok_and(|url| path(&url) == path(collection))
}

/// The UID of an object that is no calendar, as far as it can be made out; else something that stands for its place.
fn uid_of(text: &str, href: &str) -> String {
    let uid = text.lines().find_map(|line| line.strip_prefix("UID:")).map(str::trim).filter(|uid| !uid.is_empty());
    uid.map_or_else(|| format!("at-{}", Digest::of([href.as_bytes()])), str::to_owned)
}
