//! An item as Exchange tells it → the event of an agenda.
//!
//! | Exchange | event |
//! |---|---|
//! | `UID` | the UID, shared by a series; an item without one is known by its own id |
//! | `RecurrenceId`, else `OriginalStart`, of an occurrence or exception | where in its series it was first set |
//! | `IsCancelled`, `MyResponseType` Decline | none |
//! | `MyResponseType` Tentative or NoResponseReceived, `LegacyFreeBusyStatus` Tentative | tentative |
//! | `Sensitivity` Private, Confidential, or a word nobody knows | private |
//! | `IsAllDayEvent` from midnight to midnight of `StartTimeZone` | whole days of the room's zone, where documents tell one |
//! | `StartTimeZone` | the zone it was written in |
//! | named properties, `ItemClass`, `IsRecurring`, `CalendarItemType`, `Sensitivity` | properties under the guide's names |
//!
//! Whoever impersonates the room sees what the room sees: private meetings with their texts. What of them is shown is decided later,
//! as for every other calendar.
//!
//! An item is broken when it has no times, ends before it starts, or is an exception of which nobody says from where it was moved:
//! then the agenda keeps its previous form.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::calendar::vevent::{LINE_MAX, TEXT_MAX, cut};
use crate::ews::told::item::{Item, Occurrence, Response, Show};
use crate::model::zone::named;
use crate::model::{Body, Confidential, Digest, Event, LeftOutWhy, Person};

/// Why an item cannot be understood; nobody asks more closely, since what is wrong may be what people wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// Why nothing of it is to be shown.
pub(super) fn is_gone(item: &Item) -> Option<LeftOutWhy> {
    if item.cancelled {
        return Some(LeftOutWhy::Cancelled);
    }
    (item.response == Some(Response::Decline)).then_some(LeftOutWhy::Declined)
}

/// What an item without a UID is known by.
pub(super) fn uid_of(uid: Option<&str>, id: &str) -> String {
    uid.map_or_else(|| format!("item-{}", Digest::of([id.as_bytes()])), str::to_owned)
}

/// The event; `None` when it is cancelled or the room declined. `room` is the zone of the room, where documents tell.
///
/// # Errors
/// When it cannot be understood.
pub(super) fn event(item: Item, room: Option<&TimeZone>) -> Result<Option<Event>, Broken> {
    if item.occurrence == Some(Occurrence::RecurringMaster) {
        return Err(Broken);
    }
    if is_gone(&item).is_some() {
        return Ok(None);
    }
    let written_in = item.time_zone.as_deref().and_then(named);
    let (start, end) = times(&item, room, written_in.as_ref())?;
    Ok(Some(Event {
        uid: uid_of(item.uid.as_deref(), &item.key.id),
        original_start: original(&item)?,
        start,
        end,
        all_day: item.all_day,
        private: item.sensitivity.is_some_and(crate::ews::told::item::Sensitivity::is_private),
        tentative: matches!(item.response, Some(Response::Tentative | Response::NoResponseReceived))
            || item.show == Some(Show::Tentative),
        properties: properties(&item),
        time_zone: written_in.as_ref().and_then(TimeZone::iana_name).map(str::to_owned),
        last_modified: item.last_modified,
        subject: line(&item.subject),
        organizer: Person { name: line(&item.organizer.name), email: line(&item.organizer.email) },
        location: line(&item.location),
        body: body(item.body),
    }))
}

fn times(
    item: &Item,
    room: Option<&TimeZone>,
    written_in: Option<&TimeZone>,
) -> Result<(Timestamp, Timestamp), Broken> {
    let (start, end) = (item.start.ok_or(Broken)?, item.end.ok_or(Broken)?);
    if start > end {
        return Err(Broken);
    }
    if item.all_day
        && let (Some(room), Some(zone)) = (room, written_in)
        && let Some(whole) = whole_days(start, zone, room).zip(whole_days(end, zone, room))
    {
        return Ok(whole);
    }
    Ok((start, end))
}

/// The midnight of `to` on the day that begins at `at` in `from`.
fn whole_days(at: Timestamp, from: &TimeZone, to: &TimeZone) -> Option<Timestamp> {
    let local = from.to_datetime(at);
    let is_midnight = local.time() == Time::midnight();
    is_midnight.then(|| to.to_ambiguous_timestamp(local).compatible().ok()).flatten()
}

fn original(item: &Item) -> Result<Option<Timestamp>, Broken> {
    match (item.occurrence, item.original_start) {
        (Some(Occurrence::Occurrence | Occurrence::Exception), Some(original)) => Ok(Some(original)),
        (Some(Occurrence::Occurrence), None) => Ok(item.start),
        // It may have been moved: its id would be another one.
        (Some(Occurrence::Exception), None) => Err(Broken),
        _ => Ok(None),
    }
}

fn properties(item: &Item) -> Map<String, Value> {
    let mut properties = Map::new();
    if let Some(kind) = item.occurrence {
        properties.insert("calendar_item_type".into(), kind.name().into());
    }
    let recurring = item.recurring.or(item.occurrence.map(|kind| kind != Occurrence::Single));
    properties.extend(recurring.map(|is| ("is_recurring".to_owned(), is.into())));
    properties.extend(item.sensitivity.map(|it| ("sensitivity".to_owned(), it.name().into())));
    let class = item.item_class.clone().map(|class| cut(class, LINE_MAX));
    properties.extend(class.map(|class| ("item_class".to_owned(), class.into())));
    for (name, value) in &item.properties {
        properties.insert((*name).to_owned(), cut(value.expose().to_owned(), LINE_MAX).into());
    }
    properties
}

fn line(text: &Confidential) -> Confidential {
    Confidential::new(cut(text.expose().to_owned(), LINE_MAX))
}

fn body(body: Body) -> Body {
    let short = |text: &Confidential| Confidential::new(cut(text.expose().to_owned(), TEXT_MAX));
    match &body {
        Body::Text(text) | Body::Html(text) if text.expose().trim().is_empty() => Body::None,
        Body::Text(text) => Body::Text(short(text)),
        Body::Html(text) => Body::Html(short(text)),
        Body::None => Body::None,
    }
}
