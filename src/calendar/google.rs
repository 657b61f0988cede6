//! Google's calendars, through the Calendar API. In: a room and a window. Out: every event of it, or why there is no telling.
//!
//! A room is one request where nothing changed and one where something did: the whole window, series expanded by Google, with the
//! ETag of last time. An ETag stands for a calendar's state, not for a window of it, so it is sent for the same window only.
//! Google's sync tokens are not used: they save bytes, not requests, and do not tell what came into a window with the time.
//!
//! | answer | means |
//! |---|---|
//! | 304, to our ETag | nothing changed |
//! | 200 with a page of events that names its kind, its items and our right to read | read on, or the end without `nextPageToken` |
//! | anything else, as [`GoogleError`] tells them apart | a failed reading: nothing is known |
//!
//! A page may be short or empty while another one follows. One page token twice, more than 100 pages, or more than 64 MiB of
//! them is a failed reading. An item that cannot be read is told by its UID and keeps its earlier form.
//!
//! No zone is asked for: times come with their offset, and the answer then tells the calendar's own zone, which whole days need.
//!
//! Source: the discovery document of the Calendar API v3, `events.list`.

mod busy;
mod error;
mod event;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::api::Api;
use super::{AgendaRequest, CalendarError, Mark, Reading};
use crate::http::{Bytes, HeaderMap, HeaderValue, Method, StatusCode, Url, header};
use crate::model::service::{GoogleSignIn, GoogleSpec};
use crate::model::{Complete, Event, LeftOut, Proof, Scope, Window};
use page::Page;

pub(super) use busy::busy;
pub use error::GoogleError;

/// Most rooms of one question when they are taken. Source: `calendarExpansionMax` of `freebusy.query`.
pub const BATCH: usize = 50;

/// Most events of a page. Source: `maxResults` of `events.list`.
const ITEMS_MAX: usize = 2500;

/// Most pages of one reading.
const PAGES_MAX: usize = 100;

/// Most bytes of all pages of one reading.
const READING_MAX: usize = 64 << 20;

/// Longest page token or ETag that is sent back.
const TOKEN_MAX: usize = 4096;

/// Pages up to this size are read where they arrive: handing them over would cost more.
const INLINE_MAX: usize = 512 << 10;

/// What an answer shall hold: everything that is read, nothing else.
const FIELDS: &str = "kind,etag,timeZone,accessRole,nextPageToken,items(kind,id,status,iCalUID,recurringEventId,\
    originalStartTime,updated,summary,description,location,organizer(displayName,email),attendees(email,self,responseStatus),\
    visibility,transparency,eventType,start,end,hangoutLink,\
    conferenceData(conferenceId,conferenceSolution(key,name),entryPoints,notes),extendedProperties)";

/// Who asks.
struct Account<'a> {
    /// Its address. No secret: rooms are shared with it.
    email: &'a str,
    /// Whom it is about what happens to its project.
    project: Scope,
}

impl<'a> Account<'a> {
    fn of(service: &'a GoogleSpec, number: usize) -> Self {
        match &service.sign_in {
            GoogleSignIn::ServiceAccounts(accounts) => {
                let project = |email: &'a str| email.split_once('@').map_or("", |(_, domain)| domain);
                let email = accounts.get(number).map_or("", |account| account.email.as_str());
                // A service account's domain is that of its project: PROJECT.iam.gserviceaccount.com.
                let one = accounts.iter().all(|other| project(&other.email).eq_ignore_ascii_case(project(email)));
                Self { email, project: if one { Scope::Integration } else { Scope::Account } }
            }
            GoogleSignIn::User { email, .. } => Self { email, project: Scope::Integration },
        }
    }
}

/// Reads a room's calendar.
///
/// # Errors
/// When the answers do not prove that everything of the window is there.
pub(super) async fn read(
    api: &Api<'_>,
    service: &GoogleSpec,
    request: &AgendaRequest,
) -> Result<Reading, CalendarError> {
    let account = Account::of(service, api.access.account);
    let first = list_url(service, request)?;
    let known = match request.mark() {
        Some(Mark::Etag(etag)) => HeaderValue::from_str(etag).ok(),
        _ => None,
    };
    let mut pages = Pages::default();
    let mut url = first.clone();
    for number in 0..PAGES_MAX {
        let mut headers = HeaderMap::new();
        if let Some(etag) = known.as_ref().filter(|_| number == 0) {
            headers.insert(header::IF_NONE_MATCH, etag.clone());
        }
        let conditional = !headers.is_empty();
        let answer = api.send(&Method::GET, &url, &headers, &Bytes::new()).await?;
        let server_date = answer.server_date;
        if conditional && answer.response.status == StatusCode::NOT_MODIFIED {
            return Ok(Reading::Unchanged { server_date });
        }
        error::check(&answer, &account, request.now)?;
        let etag = answer.response.headers.get(header::ETAG).and_then(|etag| Some(etag.to_str().ok()?.to_owned()));
        let page = page::read(answer.response.body, request).await?;
        let next = pages.add(page, etag, &account)?;
        let Some(token) = next else {
            let (complete, etag) = pages.complete(request.window);
            let cursor = etag.map(|etag| request.cursor(Mark::Etag(etag)));
            return Ok(Reading::Complete { complete, cursor, server_date });
        };
        url = first.clone();
        url.query_pairs_mut().append_pair("pageToken", &token);
    }
    Err(CalendarError::Unreadable(format!("Google's answer has more than {PAGES_MAX} pages")))
}

/// The first page of the window. The same for every reading of it, as ETags want it.
fn list_url(service: &GoogleSpec, request: &AgendaRequest) -> Result<Url, CalendarError> {
    let mut url = api_url(service, &["calendars", request.room.key.email.as_str(), "events"])?;
    let Window { from, to } = request.window;
    // Parts of a second are ignored; an end on its last part must not cut off what starts in it.
    let to = if to.subsec_nanosecond() > 0 { to.as_second() + 1 } else { to.as_second() };
    let stamp = |second: i64| jiff::Timestamp::from_second(second).unwrap_or(request.window.to).to_string();
    url.set_query(Some(&ALWAYS_ASKED));
    url.query_pairs_mut().extend_pairs([("timeMin", &stamp(from.as_second())), ("timeMax", &stamp(to))]);
    Ok(url)
}

/// What every reading asks alike, written once.
static ALWAYS_ASKED: LazyLock<String> = LazyLock::new(|| {
    let mut url = Url::parse("https://www.googleapis.com").expect("this is an address");
    url.query_pairs_mut().extend_pairs([
        ("singleEvents", "true"),
        ("orderBy", "startTime"),
        ("maxResults", "2500"),
        // Of more guests than these only the calendar's own entry comes: the room's.
        ("maxAttendees", "1"),
        ("eventTypes", "default"),
        ("eventTypes", "fromGmail"),
        ("fields", FIELDS),
    ]);
    url.query().unwrap_or_default().to_owned()
});

/// An address below the API's.
fn api_url(service: &GoogleSpec, path: &[&str]) -> Result<Url, CalendarError> {
    let invalid = || CalendarError::NotFound("apiUrl of the integration is not a valid URL".into());
    let mut url: Url = service.api_url.parse().map_err(|_| invalid())?;
    url.path_segments_mut().map_err(|()| invalid())?.pop_if_empty().extend(path);
    Ok(url)
}

/// What was read so far.
#[derive(Default)]
struct Pages {
    count: usize,
    bytes: usize,
    tokens: BTreeSet<String>,
    /// By Google's id: what stands on two pages, because the calendar changed meanwhile, is as the later one has it.
    events: BTreeMap<String, Event>,
    unreadable: Vec<String>,
    left_out: Vec<LeftOut>,
    time_zone: Option<String>,
    /// Of every page alike; `None` once two differ: then it was two states that were read.
    etag: Option<String>,
}

impl Pages {
    /// Takes a page in; the token of the next one.
    fn add(
        &mut self,
        page: Page,
        etag: Option<String>,
        account: &Account<'_>,
    ) -> Result<Option<String>, CalendarError> {
        match page.access_role.as_str() {
            "reader" | "writerWithoutPrivateAccess" | "writer" | "owner" => {}
            "freeBusyReader" | "none" => return Err(GoogleError::FreeBusyOnly(account.email.to_owned()).into()),
            _ => return Err(CalendarError::Unreadable("Google names a right to read that is not known here".into())),
        }
        self.bytes += page.bytes;
        if self.bytes > READING_MAX {
            return Err(CalendarError::Unreadable("Google's answer is larger than 64 MiB".into()));
        }
        for id in &page.dropped {
            self.events.remove(id);
        }
        self.events.extend(page.events);
        self.unreadable.extend(page.unreadable);
        self.left_out.extend(page.left_out);
        let etag = etag.or(page.etag).filter(|etag| etag.len() <= TOKEN_MAX);
        self.etag = if self.count == 0 { etag } else { self.etag.take().filter(|first| etag.as_ref() == Some(first)) };
        self.time_zone = self.time_zone.take().or(page.time_zone);
        self.count += 1;
        match page.next {
            Some(token) if token.is_empty() || token.len() > TOKEN_MAX => {
                Err(CalendarError::Unreadable("Google's answer goes on without a usable page token".into()))
            }
            Some(token) if !self.tokens.insert(token.clone()) => {
                Err(CalendarError::Unreadable("Google's answer leads back to a page that was read".into()))
            }
            next => Ok(next),
        }
    }

    /// Once the last page is in.
    fn complete(self, window: Window) -> (Complete, Option<String>) {
        let events = self.events.into_values().collect();
        let Self { unreadable, time_zone, etag, left_out, .. } = self;
        (Complete { proof: Proof::LastPage, window, events, unreadable, time_zone, left_out }, etag)
    }
}
