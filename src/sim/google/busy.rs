//! `freebusy.query`: rooms and a window in, when each is taken out. What touches is one span.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::Reply;
use super::json::{Mask, Object};
use crate::http::Bytes;
use crate::sim::rooms::{RoomAccess, RoomResponse, Rooms, SimRoom};

/// Most calendars of a query. Source: `calendarExpansionMax`.
const CALENDARS_MAX: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    time_min: Timestamp,
    time_max: Timestamp,
    items: Vec<Asked>,
    #[serde(default = "calendars_max")]
    calendar_expansion_max: usize,
}

#[derive(Deserialize)]
struct Asked {
    id: String,
}

fn calendars_max() -> usize {
    CALENDARS_MAX
}

/// Answers that are kept: those of some thousand rooms.
const KEPT_MAX: usize = 256;
/// Rooms of whom is kept when they are taken.
const PARTS_MAX: usize = 10_000;

/// What was answered, for as long as the rooms stay as they were: the same is asked again and again.
#[derive(Default)]
pub(super) struct Kept {
    /// By question: the state of its rooms, their addresses, the answer.
    answers: HashMap<Bytes, (u64, Vec<String>, Bytes)>,
    /// By room: its version, the window, what stands in answers about it.
    parts: HashMap<String, (u64, (Timestamp, Timestamp), String)>,
}

impl Kept {
    /// The answer to a question.
    pub(super) fn query(&mut self, rooms: &Rooms, question: &Bytes) -> Reply {
        if let Some((state, asked, answer)) = self.answers.get(question)
            && *state == rooms.state_of(asked)
        {
            return Reply::json(200, answer.clone());
        }
        let Ok(query) = serde_json::from_slice::<Query>(question) else {
            return Reply::fault(400, "global", "parseError", "Parse Error");
        };
        if query.time_max <= query.time_min {
            return Reply::fault(400, "global", "timeRangeEmpty", "The specified time range is empty.");
        }
        if query.items.len() > query.calendar_expansion_max.min(CALENDARS_MAX) {
            return Reply::fault(400, "global", "tooManyCalendarsRequested", "Too many calendars requested.");
        }
        let reply = self.answer(rooms, &query);
        if self.answers.len() >= KEPT_MAX {
            self.answers.clear();
        }
        let asked: Vec<String> = query.items.iter().map(|asked| asked.id.to_lowercase()).collect();
        self.answers.insert(question.clone(), (rooms.state_of(&asked), asked, reply.body.clone()));
        reply
    }

    fn answer(&mut self, rooms: &Rooms, query: &Query) -> Reply {
        let (mut out, all) = (Vec::with_capacity(4096), Mask::default());
        let mut answer = Object::open(&mut out, &all);
        answer.text("kind", "calendar#freeBusy");
        answer.text("timeMin", &query.time_min.to_string());
        answer.text("timeMax", &query.time_max.to_string());
        answer.object("calendars", |calendars| {
            for asked in &query.items {
                rooms.look(&asked.id, |room| {
                    let room = room.filter(|room| room.access != RoomAccess::Nothing);
                    calendars.bare(&asked.id, self.part(&asked.id, room, (query.time_min, query.time_max)));
                });
            }
        });
        answer.close();
        Reply::json(200, out)
    }

    /// What stands in an answer about one room; `None`: whoever asks may not see it.
    fn part(&mut self, id: &str, room: Option<&SimRoom>, window: (Timestamp, Timestamp)) -> &str {
        let Some(room) = room else {
            return r#"{"errors":[{"domain":"global","reason":"notFound"}],"busy":[]}"#;
        };
        if self.parts.len() >= PARTS_MAX && !self.parts.contains_key(id) {
            self.parts.clear();
        }
        let part = self.parts.entry(id.to_owned()).or_default();
        if (part.0, part.1) != (room.version, window) || part.2.is_empty() {
            let (mut out, all) = (Vec::with_capacity(4096), Mask::default());
            let mut calendar = Object::open(&mut out, &all);
            calendar.list("busy", taken(room, window.0, window.1), |span, (start, end)| {
                span.instant("start", start);
                span.instant("end", end);
            });
            calendar.close();
            *part = (room.version, window, String::from_utf8(out).unwrap_or_default());
        }
        &part.2
    }
}

/// The spans that take the room's time, sorted and merged.
fn taken(room: &SimRoom, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let events = room.events.values().filter(|event| {
        let counts = !event.cancelled && !event.free && event.response != RoomResponse::Declined;
        counts && event.end > from && event.start < to
    });
    let mut spans: Vec<(Timestamp, Timestamp)> =
        events.map(|event| (event.start.max(from), event.end.min(to))).collect();
    spans.sort_unstable();
    spans.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1;
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
    spans
}
