//! Room and window in, a complete reading out, or the reason why there is none.
//!
//! A room is read with one call, [`read_agenda`]. It decides nothing about when; it keeps nothing but what its caller hands back
//! to it: the [`Cursor`] of the last reading, and the [`SignIns`] that all readings share. A reading is `Complete` only with
//! proof (see [`Proof`]), and `Unchanged` only for the same request and window as the cursor's.

mod api;
mod caldav;
mod error;
pub mod exchange;
pub mod google;
pub mod graph;
pub mod hints;
pub mod ics;
mod lines;
mod looks;
mod multistatus;
mod published;
mod recurrence;
mod sign_in;
mod vevent;
mod zone;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use error::CalendarError;
pub use looks::Looks;
pub use sign_in::SignIns;

use crate::http::Http;
use crate::model::desired::RoomSource;
use crate::model::service::Service;
use crate::model::tally::{Spent, Tally};
use crate::model::{Busy, Complete, Digest, Failure, IntegrationSpec, Proof, RoomEmail, RoomSpec, Window};
use crate::oauth::Tokens;
use api::Api;
use exchange::places::Place;
use exchange::sign_in::Exchange;

/// What one reading is asked for.
#[derive(Clone, Debug)]
pub struct AgendaRequest {
    /// The room.
    pub room: Arc<RoomSpec>,
    /// The span of time.
    pub window: Window,
    /// Of the last complete reading, as it was handed out.
    pub cursor: Option<Cursor>,
    /// Read everything, whatever the cursor says: the second look before meetings are taken away.
    pub fresh: bool,
    /// The time, for servers that name the moment of the next try.
    pub now: Timestamp,
    /// Who asks.
    pub access: Access,
}

/// What one look at many rooms is asked for.
#[derive(Clone, Debug)]
pub struct BusyRequest {
    /// The service.
    pub integration: Arc<IntegrationSpec>,
    /// The rooms; no more than the service takes at once.
    pub rooms: Vec<RoomEmail>,
    /// The span of time.
    pub window: Window,
    /// The time.
    pub now: Timestamp,
    /// Who asks.
    pub access: Access,
}

/// Who asks a calendar service, and with what.
#[derive(Clone, Debug)]
pub struct Access {
    /// How servers wanted to be signed in to last time, shared by all readings of the process.
    pub sign_ins: SignIns,
    /// The last answers about many rooms, shared by all readings of the process.
    pub looks: Looks,
    /// Tokens, shared by all readings of the process.
    pub tokens: Tokens,
    /// Which of the service's accounts asks; 0 where there is but one.
    pub account: usize,
    /// The requests made so far.
    pub spent: Spent,
}

/// What came of it.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on its way from the reader to the loop")]
pub enum Reading {
    /// The same as at the last complete reading, for the same window.
    Unchanged {
        /// What the server said the time is, over a verified connection.
        server_date: Option<Timestamp>,
    },
    /// Everything of the window.
    Complete {
        /// The events, with what proves that none is missing.
        complete: Complete,
        /// For the next reading; `None`: this calendar cannot tell whether it changed.
        cursor: Option<Cursor>,
        /// What the server said the time is, over a verified connection.
        server_date: Option<Timestamp>,
    },
}

/// How to ask next time whether anything changed. Valid for one window of one request; kept in the store between readings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cursor {
    /// The window it was made for.
    window: Window,
    /// Digest of everything else that decides the result.
    request: Digest,
    mark: Mark,
}

/// What a calendar is recognised by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Mark {
    /// Digest of a file.
    Content(Digest),
    /// Validators of a published calendar.
    Published { etag: Option<String>, last_modified: Option<String> },
    /// A CalDAV collection, where it was found, and the state it was in, where the server tells.
    Collection { url: String, state: Option<String> },
    /// The ETag of a Google calendar.
    Etag(String),
    /// An Exchange mailbox, where it is served, and a digest of its list.
    Mailbox { place: Place, digest: Digest },
}

impl AgendaRequest {
    /// The mark to compare with, when it was made for exactly this request.
    fn mark(&self) -> Option<&Mark> {
        let cursor = self.cursor.as_ref().filter(|_| !self.fresh)?;
        (cursor.window == self.window && cursor.request == self.digest()).then_some(&cursor.mark)
    }

    /// The mark of an earlier window of the same request: it tells where the calendar is, not whether it changed.
    fn earlier_mark(&self) -> Option<&Mark> {
        let cursor = self.cursor.as_ref().filter(|_| !self.fresh)?;
        (cursor.request == self.digest()).then_some(&cursor.mark)
    }

    fn cursor(&self, mark: Mark) -> Cursor {
        Cursor { window: self.window, request: self.digest(), mark }
    }

    /// Over the room, where its calendar is, its zone, and our version: a newer one may read the same text differently.
    fn digest(&self) -> Digest {
        let room = &self.room;
        let source = match &room.source {
            RoomSource::IcsFile(path) => format!("file {}", path.display()),
            RoomSource::IcsUrl(url) => format!("url {}", url.known().map_or("", |url| url.expose())),
            RoomSource::CalDav { path } => format!("caldav {path:?}"),
            RoomSource::Mailbox => "mailbox".to_owned(),
        };
        let service = room.integration.service.source();
        let zone = room.time_zone.as_deref().unwrap_or_default();
        let email = room.key.email.as_str();
        Digest::of([email, &source, &service, zone, env!("CARGO_PKG_VERSION")].map(str::as_bytes))
    }
}

/// Reads one room's events of the window.
///
/// # Errors
/// When the calendar could not be read completely; nothing is known then, least of all that it is empty.
pub async fn read_agenda(http: &Http, tally: &Tally, request: &AgendaRequest) -> Result<Reading, CalendarError> {
    let integration = &request.room.integration;
    let count = |outcome: &str| {
        request.access.spent.one_more();
        tally.calendar_requests.add(&[integration.name.as_str(), outcome]);
    };
    let api = Api { http, tally, access: &request.access, integration };
    match (&request.room.integration.service, &request.room.source) {
        (Service::Ics, RoomSource::IcsFile(path)) => {
            let reading = published::read_file(path, request).await;
            count(reading.as_ref().map_or_else(CalendarError::label, |_| "Ok"));
            reading
        }
        (Service::Ics, RoomSource::IcsUrl(url)) => published::read_url(http, url, request, &count).await,
        (Service::CalDav(service), RoomSource::CalDav { path }) => {
            caldav::read(http, service, path.as_deref(), request, &count).await
        }
        (Service::Google(service), RoomSource::Mailbox) => google::read(&api, service, request).await,
        (Service::Graph(service), RoomSource::Mailbox) => graph::read(&api, service, request).await,
        (Service::Exchange(spec), RoomSource::Mailbox) => {
            exchange::read(
                Exchange { http, tally, access: &request.access, integration, spec, now: request.now },
                request,
            )
            .await
        }
        (service, _) => {
            let kind = service.kind();
            Err(CalendarError::NotFound(format!("a {kind} keeps no calendar where the room's is said to be")))
        }
    }
}

/// Asks when rooms are taken, many in one request: who differs from last time is worth reading. The failure of one room is its own.
///
/// # Errors
/// When nothing is known of any of them.
pub async fn read_busy(
    http: &Http,
    tally: &Tally,
    request: &BusyRequest,
) -> Result<Vec<(RoomEmail, Result<Busy, Failure>)>, CalendarError> {
    let api = Api { http, tally, access: &request.access, integration: &request.integration };
    match &request.integration.service {
        Service::Google(service) => google::busy(&api, service, request).await,
        Service::Graph(service) => graph::busy(&api, service, request).await,
        Service::Exchange(spec) => {
            let (access, integration) = (&request.access, &*request.integration);
            exchange::busy(Exchange { http, tally, access, integration, spec, now: request.now }, request).await
        }
        service @ (Service::CalDav(_) | Service::Ics) => Err(CalendarError::NotInEffect(service.kind())),
    }
}

/// Expands what was read, away from the threads that serve the network. `own_zone` is what the calendar says about itself
/// besides its texts.
async fn complete(
    calendars: Vec<ics::Calendar>,
    own_zone: Option<String>,
    proof: Proof,
    request: &AgendaRequest,
) -> Result<Complete, CalendarError> {
    let (room, window) = (Arc::clone(&request.room), request.window);
    let expanded = tokio::task::spawn_blocking(move || {
        let own_zone = own_zone.or_else(|| calendars.iter().find_map(ics::Calendar::time_zone));
        let zone = zone_of(&room, own_zone.as_deref());
        let found = ics::Calendar::occurrences_of(&calendars, &room.key.email, &zone, window);
        let ics::Occurrences { events, unreadable, left_out } = found;
        Complete { proof, window, events, unreadable, time_zone: own_zone, left_out }
    });
    expanded.await.map_err(|_| CalendarError::Unreadable("the calendar's recurrences could not be computed".into()))
}

/// The room's zone from documents, else the calendar's own, else UTC.
fn zone_of(room: &RoomSpec, own: Option<&str>) -> TimeZone {
    let names = [room.time_zone.as_deref(), own];
    names.into_iter().flatten().find_map(crate::model::zone::named).unwrap_or(TimeZone::UTC)
}
