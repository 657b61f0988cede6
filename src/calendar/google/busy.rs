//! When rooms are taken: many rooms and a window in, the spans of each out, or why there are none.
//!
//! A room that Google does not find is that room's failure, with what mends it: this is the cheapest test of sharing there is.
//!
//! Source: the discovery document of the Calendar API v3, `freebusy.query`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::api::Api;
use super::super::looks::{Last, Told};
use super::super::{BusyRequest, CalendarError};
use super::{Account, BATCH, GoogleError, api_url, error};
use crate::http::{Bytes, HeaderMap, Method};
use crate::model::instant::read_utc;
use crate::model::service::GoogleSpec;
use crate::model::{Busy, Failure, RoomEmail};

/// As it is written.
#[derive(Deserialize)]
struct Written<'a> {
    kind: String,
    /// By the ids that were asked for.
    #[serde(borrow)]
    calendars: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize)]
struct Calendar<'a> {
    #[serde(default)]
    errors: Vec<Fault>,
    #[serde(borrow)]
    busy: Option<Vec<Span<'a>>>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Span<'a> {
    #[serde(borrow)]
    start: Cow<'a, str>,
    #[serde(borrow)]
    end: Cow<'a, str>,
}

impl Span<'_> {
    fn instants(&self) -> Option<(Timestamp, Timestamp)> {
        let instant = |text: &str| match read_utc(text) {
            Some((instant, "Z")) => Some(instant),
            _ => text.parse().ok(),
        };
        Some((instant(&self.start)?, instant(&self.end)?))
    }
}

/// Asks when rooms are taken.
///
/// # Errors
/// When nothing is known of any of them.
pub(in crate::calendar) async fn busy(
    api: &Api<'_>,
    service: &GoogleSpec,
    request: &BusyRequest,
) -> Result<Told, CalendarError> {
    let account = Account::of(service, api.access.account);
    let url = api_url(service, &["freeBusy"])?;
    let mut told = Vec::with_capacity(request.rooms.len());
    for rooms in request.rooms.chunks(BATCH) {
        let items: Vec<_> = rooms.iter().map(|room| json!({ "id": room.as_str() })).collect();
        let (from, to) = (request.window.from.to_string(), request.window.to.to_string());
        let asked =
            json!({ "timeMin": from, "timeMax": to, "timeZone": "UTC", "calendarExpansionMax": BATCH, "items": items });
        let answer = api.send(&Method::POST, &url, &HeaderMap::new(), &Bytes::from(asked.to_string())).await?;
        error::check(&answer, &account, request.now)?;
        let body = &answer.response.body;
        told.extend(api.access.looks.read(rooms, body, |last| answers(body, rooms, &account, last))?);
    }
    Ok(told)
}

/// What is said of each of `rooms`.
fn answers(
    body: &[u8],
    rooms: &[RoomEmail],
    account: &Account<'_>,
    last: &mut Last<'_>,
) -> Result<Told, CalendarError> {
    let unreadable = || CalendarError::Unreadable("Google's answer does not say when rooms are taken".into());
    let written: Written<'_> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    if written.kind != "calendar#freeBusy" {
        return Err(unreadable());
    }
    let calendars: BTreeMap<String, &RawValue> =
        written.calendars.into_iter().map(|(id, calendar)| (id.to_lowercase(), calendar)).collect();
    let of = |room: &RoomEmail| {
        let calendar = calendars.get(room.as_str()).copied();
        (room.clone(), last.part(calendar.map(RawValue::get), || spans(calendar, account)))
    };
    Ok(rooms.iter().map(of).collect())
}

/// What is said about one room.
fn spans(calendar: Option<&RawValue>, account: &Account<'_>) -> Result<Busy, Failure> {
    let unreadable =
        |what: &str| Failure::from(CalendarError::Unreadable(format!("Google {what} when the room is taken")));
    let calendar = calendar.ok_or_else(|| unreadable("does not say"))?;
    let calendar: Calendar<'_> =
        serde_json::from_str(calendar.get()).map_err(|_| unreadable("says in a form that is not known here"))?;
    if let Some(fault) = calendar.errors.first() {
        return Err(match fault.reason.as_str() {
            "notFound" => GoogleError::NoCalendar(account.email.to_owned()).into(),
            "forbidden" => GoogleError::NotAllowed(account.email.to_owned()).into(),
            // internalError passes; tooManyCalendarsRequested and groupTooBig say that fewer would do.
            _ => unreadable("cannot say at the moment"),
        });
    }
    let spans = calendar.busy.ok_or_else(|| unreadable("does not say"))?;
    let spans: Option<Vec<_>> = spans.iter().map(Span::instants).collect();
    Ok(Busy::of(spans.ok_or_else(|| unreadable("says in a form that is not known here"))?))
}
