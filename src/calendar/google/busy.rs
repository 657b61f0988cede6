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
use super::super::{BusyRequest, CalendarError};
use super::{Account, BATCH, GoogleError, api_url, error};
use crate::http::{Bytes, HeaderMap, Method};
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
struct Calendar {
    #[serde(default)]
    errors: Vec<Fault>,
    busy: Option<Vec<Span>>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Span {
    start: Timestamp,
    end: Timestamp,
}

/// Asks when rooms are taken.
///
/// # Errors
/// When nothing is known of any of them.
pub(in crate::calendar) async fn busy(
    api: &Api<'_>,
    service: &GoogleSpec,
    request: &BusyRequest,
) -> Result<Vec<(RoomEmail, Result<Busy, Failure>)>, CalendarError> {
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
        let unreadable = || CalendarError::Unreadable("Google's answer does not say when rooms are taken".into());
        let written: Written<'_> = serde_json::from_slice(&answer.response.body).map_err(|_| unreadable())?;
        if written.kind != "calendar#freeBusy" {
            return Err(unreadable());
        }
        let calendars: BTreeMap<String, &RawValue> =
            written.calendars.into_iter().map(|(id, calendar)| (id.to_lowercase(), calendar)).collect();
        told.extend(rooms.iter().map(|room| (room.clone(), spans(calendars.get(room.as_str()).copied(), &account))));
    }
    Ok(told)
}

/// What is said about one room.
fn spans(calendar: Option<&RawValue>, account: &Account<'_>) -> Result<Busy, Failure> {
    let unreadable =
        |what: &str| Failure::from(CalendarError::Unreadable(format!("Google {what} when the room is taken")));
    let calendar = calendar.ok_or_else(|| unreadable("does not say"))?;
    let calendar: Calendar =
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
    Ok(Busy::of(spans.into_iter().map(|span| (span.start, span.end))))
}
