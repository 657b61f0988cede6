//! One event as Google writes it in, the room's event out, or that it is none, or that it cannot be read.
//!
//! | Google's event | here |
//! |---|---|
//! | cancelled, or declined by the room | none |
//! | `workingLocation`, `birthday`, `outOfOffice`, `focusTime` | none: nobody meets |
//! | not answered yet, answered "maybe", or the organizer is not sure | tentative, and shown |
//! | the room's answer is missing | accepted: answers of more than 200 guests are not spread |
//! | transparent (shown as free) | an event: who booked a room comes to it |
//! | private or confidential | private; to a reader Google hides everything but its times |
//! | a date instead of a time | whole days of the room's zone, the end exclusive |
//! | one of a series | its original start, also when it was moved |
//!
//! The description has tags where it was written in Google's own calendar, and its line breaks are kept there as well.
//!
//! Source: the discovery document of the Calendar API v3, `Event`; guide "Events with attendees" for the 200.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::vevent::{LINE_MAX, TEXT_MAX, cut};
use crate::model::{Body, Confidential, Digest, Event, LeftOut, LeftOutWhy, Person, RoomEmail, zone};

/// Longest item. Google's own limits for the parts of an event add up to less than a tenth.
const ITEM_MAX: usize = 1 << 20;

/// Longest UID that is kept, in bytes.
const UID_MAX: usize = 1024;

/// Longest property that is kept: what templates may be given.
const PROPERTY_MAX: usize = 64 << 10;

/// What an item is.
pub(super) enum Item {
    /// An event, and Google's id of it.
    Event(String, Box<Event>),
    /// Nothing that is shown; Google's id of it.
    Dropped(String, Option<LeftOut>),
    /// Not understood; its UID, or what stands for it.
    Unreadable(String),
}

/// As it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    id: String,
    status: Option<String>,
    #[serde(rename = "iCalUID")]
    uid: Option<String>,
    recurring_event_id: Option<String>,
    original_start_time: Option<Moment>,
    updated: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    location: Option<String>,
    organizer: Option<Organizer>,
    #[serde(default)]
    attendees: Vec<Attendee>,
    visibility: Option<String>,
    transparency: Option<String>,
    event_type: Option<String>,
    start: Option<Moment>,
    end: Option<Moment>,
    hangout_link: Option<String>,
    #[serde(borrow)]
    conference_data: Option<&'a RawValue>,
    #[serde(borrow)]
    extended_properties: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moment {
    date_time: Option<String>,
    date: Option<String>,
    time_zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organizer {
    display_name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attendee {
    email: Option<String>,
    #[serde(rename = "self", default)]
    own: bool,
    response_status: Option<String>,
}

/// Reads one item of a page. `zone` is for whole days.
pub(super) fn item(text: &str, room: &RoomEmail, zone: &TimeZone) -> Item {
    if text.len() > ITEM_MAX {
        return Item::Unreadable(name_of(text));
    }
    let written = match serde_json::from_str::<Written<'_>>(text) {
        Ok(written) if !written.id.is_empty() => written,
        _ => return Item::Unreadable(name_of(text)),
    };
    let answer = written.answer_of(room);
    let is_meeting =
        !matches!(written.event_type.as_deref(), Some("workingLocation" | "birthday" | "outOfOffice" | "focusTime"));
    let why = match written.status.as_deref() {
        Some("cancelled") => Some(LeftOutWhy::Cancelled),
        _ if answer == Some("declined") => Some(LeftOutWhy::Declined),
        _ if !is_meeting => Some(LeftOutWhy::NoMeeting),
        _ => None,
    };
    if let Some(why) = why {
        let span = |moment: &Option<Moment>| moment.as_ref()?.instant(zone);
        let left_out = span(&written.start).zip(span(&written.end)).map(|(start, end)| LeftOut { start, end, why });
        return Item::Dropped(written.id, left_out);
    }
    let tentative =
        written.status.as_deref() == Some("tentative") || matches!(answer, Some("needsAction" | "tentative"));
    let uid = cut(written.uid().to_owned(), UID_MAX);
    match written.into_event(tentative, zone) {
        Some((id, event)) => Item::Event(id, Box::new(event)),
        None => Item::Unreadable(uid),
    }
}

impl Written<'_> {
    /// What the room answered.
    fn answer_of(&self, room: &RoomEmail) -> Option<&str> {
        let is_room = |attendee: &&Attendee| {
            attendee.own || attendee.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(room.as_str()))
        };
        self.attendees.iter().find(is_room)?.response_status.as_deref()
    }

    /// What all occurrences share. Google hides the UID of some private events.
    fn uid(&self) -> &str {
        let names = [&self.uid, &self.recurring_event_id];
        names.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or(&self.id)
    }

    /// `None` when its times cannot be read.
    fn into_event(self, tentative: bool, zone: &TimeZone) -> Option<(String, Event)> {
        let (start, end) = (self.start.as_ref()?, self.end.as_ref()?);
        let (all_day, from) = (start.date.is_some(), start.instant(zone)?);
        let mut to = end.instant(zone)?;
        if all_day && to == from {
            to = from.to_zoned(zone.clone()).tomorrow().ok()?.timestamp();
        }
        let of_series = self.recurring_event_id.is_some();
        let original_start = match &self.original_start_time {
            Some(moment) if of_series => Some(moment.instant(zone)?),
            // An occurrence that is hidden from us may come without.
            None if of_series => Some(from),
            _ => None,
        };
        if to < from {
            return None;
        }
        let properties = self.properties();
        let uid = cut(self.uid().to_owned(), UID_MAX);
        let zone = start.zone().and_then(|zone| zone.iana_name().map(str::to_owned));
        let (name, email) = self.organizer.map_or((None, None), |organizer| (organizer.display_name, organizer.email));
        let event = Event {
            uid,
            original_start,
            start: from,
            end: to,
            all_day,
            subject: line(self.summary),
            organizer: Person { name: line(name), email: line(email) },
            location: line(self.location),
            body: Body::with_or_without_tags(cut(self.description.unwrap_or_default(), TEXT_MAX)),
            private: matches!(self.visibility.as_deref(), Some("private" | "confidential")),
            tentative,
            properties,
            time_zone: zone,
            last_modified: self.updated.as_deref().and_then(|text| text.parse().ok()),
        };
        Some((self.id, event))
    }

    /// What rules and templates find beside the text, under Google's names. Title, text, place and people stand in the event
    /// itself; attendees are not kept.
    fn properties(&self) -> Map<String, Value> {
        let texts = [
            ("eventType", &self.event_type),
            ("hangoutLink", &self.hangout_link),
            ("recurringEventId", &self.recurring_event_id),
            ("transparency", &self.transparency),
            ("visibility", &self.visibility),
        ];
        let texts =
            texts.into_iter().filter_map(|(name, text)| Some((name, Value::from(cut(text.clone()?, LINE_MAX)))));
        let values = [("conferenceData", self.conference_data), ("extendedProperties", self.extended_properties)];
        let values = values.into_iter().filter_map(|(name, raw)| {
            let raw = raw.filter(|raw| raw.get().len() <= PROPERTY_MAX)?;
            Some((name, serde_json::from_str(raw.get()).ok()?))
        });
        texts.chain(values).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Moment {
    /// The instant; `zone` is for dates, and for times without offset and zone.
    fn instant(&self, zone: &TimeZone) -> Option<Timestamp> {
        if let Some(text) = &self.date_time {
            if let Ok(instant) = text.parse() {
                return Some(instant);
            }
            let zone = self.zone().unwrap_or_else(|| zone.clone());
            return Some(text.parse::<DateTime>().ok()?.to_zoned(zone).ok()?.timestamp());
        }
        Some(self.date.as_deref()?.parse::<Date>().ok()?.to_zoned(zone.clone()).ok()?.timestamp())
    }

    fn zone(&self) -> Option<TimeZone> {
        self.time_zone.as_deref().and_then(zone::named)
    }
}

fn line(text: Option<String>) -> Confidential {
    Confidential::new(cut(text.unwrap_or_default(), LINE_MAX))
}

/// The UID of an item that cannot be read, as far as it can be made out; else something that stands for its place.
fn name_of(text: &str) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        #[serde(rename = "iCalUID")]
        uid: Option<Value>,
        recurring_event_id: Option<Value>,
        id: Option<Value>,
    }
    let named = serde_json::from_str::<Named>(text).ok();
    let names = named.into_iter().flat_map(|named| [named.uid, named.recurring_event_id, named.id]).flatten();
    let name = names.filter_map(|name| Some(name.as_str()?.to_owned())).find(|name| !name.is_empty());
    name.map(|name| cut(name, UID_MAX)).unwrap_or_else(|| format!("at-{}", Digest::of([text.as_bytes()])))
}
