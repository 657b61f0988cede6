//! Google's Calendar API, simulated: a request and the time in, the answer Google gives out. Rooms and their events are those of
//! [`Rooms`]; who may ask is said by whoever issues tokens.
//!
//! | asked | answered |
//! |---|---|
//! | `GET calendars/ROOM/events` | pages of the events that touch the window, with the ETag of the calendar's state; 304 to that ETag |
//! | `POST freeBusy` | when each of up to 50 rooms is taken, merged |
//! | without a good token | 401 |
//! | above a quota | 403 or 429, sometimes with `Retry-After` |
//! | a room that is not there, or not shared | 404 |
//!
//! What makes clients fail at Google does so here: an ETag stands for the calendar and not for the window that was asked for;
//! pages can be short or empty with another one after them; a private event comes without anything but its times; the mask of
//! fields leaves out what was not asked for.
//!
//! Requests are counted here on their own, so that a client's own count can be held against it.
//!
//! Sources: the discovery document of the Calendar API v3; guides "Handle API errors" and "Manage quotas".
//!
//! *Design note.* Rendered calendars are not kept: each is asked for without its ETag once after each change, and 40,000 of them are
//! more than a machine holds. Answers about many rooms are, some of them: these are asked for again and again.

mod busy;
mod events;
mod json;
mod quota;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub use quota::{Counts, Quotas};

use super::rooms::Rooms;
use super::{Bearers, Fake};
use crate::http::{Bytes, HeaderMap, HeaderValue, Method, Played, Request, StatusCode, header};
use quota::Quota;

/// How this Google behaves.
#[derive(Clone, Debug)]
pub struct GoogleOptions {
    /// Decides latencies, and which of the forms of a refusal comes.
    pub seed: u64,
    /// What may be asked for.
    pub quotas: Quotas,
    /// Most events of a page, below what was asked for.
    pub page_max: usize,
    /// Every second page is empty, and another one follows.
    pub empty_pages: bool,
}

impl Default for GoogleOptions {
    fn default() -> Self {
        Self { seed: 0, quotas: Quotas::default(), page_max: 2500, empty_pages: false }
    }
}

/// The service. See the module.
pub struct GoogleFake {
    rooms: Arc<Rooms>,
    bearers: Bearers,
    options: GoogleOptions,
    quota: Mutex<Quota>,
    kept: Mutex<busy::Kept>,
    /// The last mask of fields: clients ask for the same ones again and again.
    mask: Mutex<Option<(String, Arc<json::Mask>)>>,
}

impl fmt::Debug for GoogleFake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleFake").field("options", &self.options).finish_non_exhaustive()
    }
}

impl GoogleFake {
    /// A service for `rooms`, whose tokens `bearers` knows.
    #[must_use]
    pub fn new(rooms: Arc<Rooms>, bearers: Bearers, options: GoogleOptions) -> Self {
        let quota = Mutex::new(Quota::new(options.quotas));
        Self { rooms, bearers, options, quota, kept: Mutex::default(), mask: Mutex::default() }
    }

    /// The requests so far, as Google counts them.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.quota.lock().unwrap_or_else(PoisonError::into_inner).counts
    }

    /// A mask of fields, taken apart; `None`: it is none.
    fn mask(&self, text: &str) -> Option<Arc<json::Mask>> {
        let mut last = self.mask.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, mask)) = last.as_ref().filter(|(last, _)| last == text) {
            return Some(mask.clone());
        }
        let mask = Arc::new(json::Mask::parse(text)?);
        *last = Some((text.to_owned(), mask.clone()));
        Some(mask)
    }

    fn reply(&self, request: &Request, now: Timestamp, number: u64) -> Reply {
        let token = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        let Some(account) = token.and_then(|token| (self.bearers)(token, now)) else {
            return Reply::fault(401, "global", "authError", "Invalid Credentials");
        };
        let dice = dice(self.options.seed, number);
        let spent = self.quota.lock().unwrap_or_else(PoisonError::into_inner).spend(&account, now);
        if let Err(limit) = spent {
            return limit.reply(dice);
        }
        let Some((_, path)) = request.url.path().split_once("/calendar/v3/") else { return Reply::unknown_path() };
        match (&request.method, path.split('/').collect::<Vec<_>>().as_slice()) {
            (&Method::GET, ["calendars", room, "events"]) => events::list(self, &json::decoded(room), request),
            (&Method::POST, ["freeBusy"]) => {
                self.kept.lock().unwrap_or_else(PoisonError::into_inner).query(&self.rooms, &request.body)
            }
            _ => Reply::unknown_path(),
        }
    }
}

impl Fake for GoogleFake {
    fn answer(&self, request: &Request, now: Timestamp) -> Played {
        let number = {
            let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
            quota.counts.requests += 1;
            quota.counts.requests
        };
        let reply = self.reply(request, now, number);
        let after = latency(dice(!self.options.seed, number), &reply);
        let mut headers = reply.headers;
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        let date = date.ok().and_then(|date| HeaderValue::from_str(&date).ok());
        headers.extend(date.map(|date| (header::DATE, date)));
        Played { after, result: Ok((reply.status, headers, reply.body)) }
    }
}

/// An answer before it is sent.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
        Self { status: StatusCode::from_u16(status).unwrap_or_default(), headers, body: body.into() }
    }

    /// A refusal in Google's form.
    fn fault(status: u16, domain: &str, reason: &str, message: &str) -> Self {
        let body = serde_json::json!({"error": {
            "code": status, "message": message,
            "errors": [{"domain": domain, "reason": reason, "message": message}],
        }});
        Self::json(status, body.to_string())
    }

    fn not_found() -> Self {
        Self::fault(404, "global", "notFound", "Not Found")
    }

    /// What answers before any API is reached.
    fn unknown_path() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
        let body = Bytes::from_static(b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>");
        Self { status: StatusCode::NOT_FOUND, headers, body }
    }

    fn with(mut self, name: header::HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }
}

/// The query of a request by name; of a name that stands several times all values.
fn query(request: &Request) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in request.url.query_pairs() {
        all.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    all
}

/// A number for request `number`, the same for the same seed (SplitMix64).
fn dice(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 40 to 120 ms, 1 ms more for each 4 KiB, and one answer of a hundred takes ten times as long. Chosen, not measured.
fn latency(dice: u64, reply: &Reply) -> Duration {
    let usual = 40 + dice % 80 + reply.body.len() as u64 / 4096;
    Duration::from_millis(if (dice >> 32).is_multiple_of(100) { usual * 10 } else { usual })
}
