//! An event as Graph writes it → the event of an agenda.
//!
//! | Graph | event |
//! |---|---|
//! | `iCalUId` | the UID; Graph gives every occurrence of a series one of its own, which it keeps when it is moved |
//! | `originalStart` of an occurrence or exception | where in its series it was first set |
//! | `isCancelled`, `responseStatus` declined | none |
//! | `responseStatus` notResponded or tentativelyAccepted, `showAs` tentative | tentative |
//! | `sensitivity` private, confidential, or a word nobody knows | private |
//! | `isAllDay` with midnights | whole days of the room's zone, else of the zone it was written in |
//! | `originalStartTimeZone` | the zone it was written in; IANA or Windows, `tzone://Microsoft/Custom` is none |
//! | `onlineMeeting`, `onlineMeetingUrl` | properties under the same names |
//! | extended properties | properties under the guide's names |
//! | `type`, `sensitivity` | the properties that the guide has from Exchange, with Exchange's words |
//!
//! An event is broken when a part has not its documented type, when it has no times, or ends before it starts; then the agenda
//! keeps its previous form.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::calendar::vevent::{LINE_MAX, TEXT_MAX, cut};
use crate::model::instant::read_utc;
use crate::model::mapi::{MESSAGE_CLASS, NAMED, PUBLIC_STRINGS, guides_name};
use crate::model::zone::named;
use crate::model::{Body, Confidential, Event, LeftOut, LeftOutWhy, Person};

/// Why an event cannot be understood; nobody asks more closely, since what is wrong may be what people wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// What is not selected, or has no value, is absent or null. No `Debug`: people wrote most of it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Written {
    pub(super) id: Option<String>,
    #[serde(rename = "iCalUId")]
    pub(super) uid: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    original_start: Option<String>,
    original_start_time_zone: Option<String>,
    subject: Option<String>,
    body: Option<Content>,
    start: Option<Moment>,
    end: Option<Moment>,
    is_all_day: Option<bool>,
    is_cancelled: Option<bool>,
    organizer: Option<Recipient>,
    location: Option<Place>,
    sensitivity: Option<String>,
    show_as: Option<String>,
    response_status: Option<Response>,
    online_meeting: Option<OnlineMeeting>,
    online_meeting_url: Option<String>,
    single_value_extended_properties: Option<Vec<Extended>>,
}

/// A local time and its zone (`dateTimeTimeZone`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moment {
    date_time: String,
    #[serde(default)]
    time_zone: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    content_type: Option<String>,
    content: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Recipient {
    email_address: Option<Address>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Address {
    name: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Place {
    display_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Response {
    response: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct OnlineMeeting {
    join_url: Option<String>,
    conference_id: Option<String>,
}

#[derive(Deserialize)]
struct Extended {
    id: String,
    #[serde(default)]
    value: Option<String>,
}

/// `$expand` of a view: the properties that are fetched.
pub(super) fn expand() -> String {
    let named = NAMED.iter().map(|(name, _)| format!("id eq '{PUBLIC_STRINGS}{name}'"));
    let all: Vec<String> = named.chain([format!("id eq '{}'", MESSAGE_CLASS.0)]).collect();
    format!("singleValueExtendedProperties($filter={})", all.join(" or "))
}

impl Moment {
    /// As the clock shows it in its zone.
    fn local(&self) -> Result<DateTime, Broken> {
        self.date_time.parse().map_err(|_| Broken)
    }

    /// The instant. Without a zone it is UTC, which is what was asked for.
    pub(super) fn instant(&self) -> Result<Timestamp, Broken> {
        if let (None | Some("UTC"), Some((instant, rest))) = (self.time_zone.as_deref(), read_utc(&self.date_time))
            && rest.trim_start_matches('.').bytes().all(|digit| digit == b'0')
        {
            return Ok(instant);
        }
        if let Ok(instant) = self.date_time.parse::<Timestamp>() {
            return Ok(instant);
        }
        let zone = match self.time_zone.as_deref() {
            None | Some("UTC") => TimeZone::UTC,
            Some(name) => named(name).ok_or(Broken)?,
        };
        in_zone(self.local()?, &zone)
    }

    fn is_midnight(&self) -> bool {
        self.local().is_ok_and(|local| local.time() == Time::midnight())
    }
}

fn in_zone(local: DateTime, zone: &TimeZone) -> Result<Timestamp, Broken> {
    zone.to_ambiguous_timestamp(local).compatible().map_err(|_| Broken)
}

impl Written {
    /// A whole series, which a view never lists: it lists what it is made of.
    pub(super) fn is_series(&self) -> bool {
        self.kind.as_deref() == Some("seriesMaster")
    }

    /// The event, or that it is left out since it is cancelled or the room declined. `room` is the zone of the room, where documents tell.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub(super) fn into_event(self, room: Option<&TimeZone>) -> Result<Result<Event, Option<LeftOut>>, Broken> {
        let response = self.response_status.as_ref().and_then(|status| status.response.as_deref());
        let gone = match self.is_cancelled {
            Some(true) => Some(LeftOutWhy::Cancelled),
            _ => (response == Some("declined")).then_some(LeftOutWhy::Declined),
        };
        if let Some(why) = gone {
            let times = self.times(room).ok();
            return Ok(Err(times.map(|(start, end)| LeftOut { start, end, why })));
        }
        let written_in = self.original_start_time_zone.as_deref().and_then(named);
        let (start, end) = self.times(room.or(written_in.as_ref()))?;
        let event = Event {
            original_start: self.original(start)?,
            start,
            end,
            all_day: self.is_all_day == Some(true),
            private: self.is_private(),
            tentative: matches!(response, Some("notResponded" | "tentativelyAccepted"))
                || self.show_as.as_deref() == Some("tentative"),
            properties: self.properties(),
            time_zone: written_in.as_ref().and_then(TimeZone::iana_name).map(str::to_owned),
            last_modified: None,
            uid: self.uid.filter(|uid| !uid.is_empty()).ok_or(Broken)?,
            subject: confidential(self.subject),
            organizer: self.organizer.map(Recipient::person).unwrap_or_default(),
            location: confidential(self.location.and_then(|place| place.display_name)),
            body: self.body.map(Content::body).unwrap_or_default(),
        };
        Ok(Ok(event))
    }

    fn times(&self, zone: Option<&TimeZone>) -> Result<(Timestamp, Timestamp), Broken> {
        let (start, end) = (self.start.as_ref().ok_or(Broken)?, self.end.as_ref().ok_or(Broken)?);
        // Whole days have no zone. Where they are no midnights, they were converted from one on the way, and are instants.
        let whole = self.is_all_day == Some(true) && start.is_midnight() && end.is_midnight();
        let (start, end) = match zone.filter(|_| whole) {
            Some(zone) => (in_zone(start.local()?, zone)?, in_zone(end.local()?, zone)?),
            None => (start.instant()?, end.instant()?),
        };
        if start <= end { Ok((start, end)) } else { Err(Broken) }
    }

    fn original(&self, start: Timestamp) -> Result<Option<Timestamp>, Broken> {
        match (self.kind.as_deref(), &self.original_start) {
            (Some("occurrence" | "exception"), Some(original)) => {
                let local = || in_zone(original.parse().map_err(|_| Broken)?, &TimeZone::UTC);
                original.parse().or_else(|_| local()).map(Some)
            }
            (Some("occurrence"), None) => Ok(Some(start)),
            // It may have been moved: its id would be another one.
            (Some("exception"), None) => Err(Broken),
            _ => Ok(None),
        }
    }

    fn is_private(&self) -> bool {
        !matches!(self.sensitivity.as_deref(), None | Some("normal" | "personal"))
    }

    fn properties(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        let kind = match self.kind.as_deref() {
            Some("singleInstance") => Some("Single"),
            Some("occurrence") => Some("Occurrence"),
            Some("exception") => Some("Exception"),
            Some("seriesMaster") => Some("RecurringMaster"),
            _ => None,
        };
        if let Some(kind) = kind {
            properties.insert("calendar_item_type".into(), kind.into());
            properties.insert("is_recurring".into(), (kind != "Single").into());
        }
        let sensitivity = match self.sensitivity.as_deref() {
            Some("normal") => Some("Normal"),
            Some("personal") => Some("Personal"),
            Some("private") => Some("Private"),
            Some("confidential") => Some("Confidential"),
            _ => None,
        };
        properties.extend(sensitivity.map(|word| ("sensitivity".to_owned(), word.into())));
        for Extended { id, value } in self.single_value_extended_properties.iter().flatten() {
            if let (Some(name), Some(value)) = (guides_name(id), value) {
                properties.insert(name.into(), cut(value.clone(), LINE_MAX).into());
            }
        }
        if let Some(meeting) = &self.online_meeting {
            let mut kept = Map::new();
            kept.extend(meeting.join_url.as_ref().map(|url| ("joinUrl".to_owned(), json!(cut(url.clone(), LINE_MAX)))));
            kept.extend(
                meeting.conference_id.as_ref().map(|id| ("conferenceId".to_owned(), json!(cut(id.clone(), LINE_MAX)))),
            );
            properties.insert("onlineMeeting".into(), kept.into());
        }
        let url = self.online_meeting_url.as_ref().filter(|url| !url.is_empty());
        properties.extend(url.map(|url| ("onlineMeetingUrl".to_owned(), json!(cut(url.clone(), LINE_MAX)))));
        properties
    }
}

fn confidential(text: Option<String>) -> Confidential {
    Confidential::new(cut(text.unwrap_or_default(), LINE_MAX))
}

impl Recipient {
    fn person(self) -> Person {
        let Address { name, address } = self.email_address.unwrap_or_default();
        Person { name: confidential(name), email: confidential(address) }
    }
}

impl Content {
    fn body(self) -> Body {
        let is_text = self.content_type.is_some_and(|kind| kind.eq_ignore_ascii_case("text"));
        match self.content.filter(|content| !content.trim().is_empty()).map(|content| cut(content, TEXT_MAX)) {
            None => Body::None,
            Some(content) if is_text => Body::Text(Confidential::new(content)),
            Some(content) => Body::Html(Confidential::new(content)),
        }
    }
}
