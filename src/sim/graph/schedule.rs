//! `getSchedule` of a simulated Graph: a question about many rooms in, when each is taken out.

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::view::{Wrong, show_as};
use crate::http::Bytes;
use crate::sim::rooms::{RoomAccess, RoomResponse, Rooms, SimEvent, SimRoom};

/// The span must be shorter.
const SPAN_MAX: SignedDuration = SignedDuration::from_hours(62 * 24);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    schedules: Vec<String>,
    start_time: Moment,
    end_time: Moment,
    #[serde(default = "half_an_hour")]
    availability_view_interval: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moment {
    date_time: String,
    time_zone: String,
}

fn half_an_hour() -> i64 {
    30
}

impl Moment {
    fn instant(&self) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        Some(self.date_time.parse::<DateTime>().ok()?.to_zoned(zone).ok()?.timestamp())
    }
}

/// How many rooms a question is about.
pub(super) fn rooms_in(body: &[u8]) -> usize {
    serde_json::from_slice::<Question>(body).map_or(0, |question| question.schedules.len())
}

/// When the rooms of a question are taken.
///
/// # Errors
/// When Graph would refuse it.
pub(super) fn answer(rooms: &Rooms, body: &[u8], most: usize) -> Result<Bytes, Wrong> {
    let question: Question =
        serde_json::from_slice(body).map_err(|_| ("BadRequest", "Unable to read JSON request payload."))?;
    let invalid = ("ErrorInvalidParameter", "The time or the time zone is invalid.");
    let (from, to) = question.start_time.instant().zip(question.end_time.instant()).ok_or(invalid)?;
    if to <= from || to.duration_since(from) >= SPAN_MAX {
        return Err(("ErrorTimeIntervalTooBig", "The requested time duration is too long."));
    }
    if !(5..=1440).contains(&question.availability_view_interval) {
        return Err(("ErrorInvalidMergedFreeBusyInterval", "The interval must be between 5 and 1440 minutes."));
    }
    if question.schedules.is_empty() {
        return Err(("ErrorMailboxDataArrayEmpty", "There must be at least one schedule."));
    }
    if question.schedules.len() > most {
        return Err(("ErrorMailboxDataArrayTooBig", "The number of mailboxes is above the allowed size."));
    }
    let window = (from, to, SignedDuration::from_mins(question.availability_view_interval));
    let of = |mail: &String| rooms.look(mail, |room| schedule(mail, room, window));
    let value: Vec<Value> = question.schedules.iter().map(of).collect();
    Ok(json!({"@odata.context": "$metadata#Collection(microsoft.graph.scheduleInformation)", "value": value})
        .to_string()
        .into())
}

fn schedule(mail: &str, room: Option<&SimRoom>, (from, to, interval): (Timestamp, Timestamp, SignedDuration)) -> Value {
    let refused = |code: &str, message: &str| {
        let error = json!({"message": message, "responseCode": code});
        json!({"scheduleId": mail, "availabilityView": null, "scheduleItems": [], "workingHours": null, "error": error})
    };
    let room = match room {
        None => return refused("5009", "The mail recipient is not found."),
        Some(room) if room.access == RoomAccess::Nothing => {
            return refused("ErrorNoFreeBusyAccess", "The caller has no access to free/busy information.");
        }
        Some(room) => room,
    };
    let within = |event: &&SimEvent| {
        event.start < to && event.end > from && !event.cancelled && event.response != RoomResponse::Declined
    };
    let mut events: Vec<&SimEvent> = room.events.values().filter(within).collect();
    events.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    let items: Vec<Value> = events.iter().map(|event| item(event)).collect();
    let mut view = String::new();
    let mut slot = from;
    while slot < to {
        let end = (slot + interval).min(to);
        let taken = events.iter().filter(|event| event.start < end && event.end > slot).map(|event| digit(event)).max();
        let _ = write!(view, "{}", taken.unwrap_or(0));
        slot = end;
    }
    json!({"scheduleId": mail, "availabilityView": view, "scheduleItems": items})
}

fn item(event: &SimEvent) -> Value {
    let time = |at: Timestamp| {
        let local = TimeZone::UTC.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string();
        json!({"dateTime": local, "timeZone": "UTC"})
    };
    json!({"isPrivate": event.private, "status": show_as(event), "start": time(event.start), "end": time(event.end)})
}

fn digit(event: &SimEvent) -> u8 {
    match show_as(event) {
        "tentative" => 1,
        "busy" => 2,
        _ => 0,
    }
}
