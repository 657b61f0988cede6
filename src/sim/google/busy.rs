//! `freebusy.query`: rooms and a window in, when each is taken out. What touches is one span.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::Reply;
use super::json::{Mask, Object};
use crate::http::{Bytes, StatusCode};
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

/// The last answer to each question, with the state of the rooms that it was made of.
#[derive(Default)]
pub(super) struct Kept(HashMap<Bytes, (u64, Vec<String>, Bytes)>);

impl Kept {
    /// The answer to a question, made anew when one of its rooms changed.
    pub(super) fn query(&mut self, rooms: &Rooms, question: &Bytes) -> Reply {
        if let Some((state, asked, answer)) = self.0.get(question)
            && *state == rooms.state_of(asked)
        {
            return Reply::json(200, answer.clone());
        }
        let Ok(query) = serde_json::from_slice::<Query>(question) else {
            return Reply::fault(400, "global", "parseError", "Parse Error");
        };
        let reply = answer(rooms, &query);
        if reply.status == StatusCode::OK {
            if self.0.len() >= KEPT_MAX {
                self.0.clear();
            }
            let asked: Vec<String> = query.items.iter().map(|asked| asked.id.to_lowercase()).collect();
            self.0.insert(question.clone(), (rooms.state_of(&asked), asked, reply.body.clone()));
        }
        reply
    }
}

fn answer(rooms: &Rooms, query: &Query) -> Reply {
    if query.time_max <= query.time_min {
        return Reply::fault(400, "global", "timeRangeEmpty", "The specified time range is empty.");
    }
    if query.items.len() > query.calendar_expansion_max.min(CALENDARS_MAX) {
        return Reply::fault(400, "global", "tooManyCalendarsRequested", "Too many calendars requested.");
    }
    let (mut out, all) = (Vec::with_capacity(4096), Mask::default());
    let mut answer = Object::open(&mut out, &all);
    answer.text("kind", "calendar#freeBusy");
    answer.text("timeMin", &query.time_min.to_string());
    answer.text("timeMax", &query.time_max.to_string());
    answer.object("calendars", |calendars| {
        for asked in &query.items {
            let taken = rooms.look(&asked.id, |room| {
                let room = room.filter(|room| room.access != RoomAccess::Nothing)?;
                Some(taken(room, query.time_min, query.time_max))
            });
            calendars.object(&asked.id, |calendar| match taken {
                Some(taken) => calendar.list("busy", taken, |span, (start, end)| {
                    span.instant("start", start);
                    span.instant("end", end);
                }),
                None => {
                    calendar.list("errors", [()], |fault, ()| {
                        fault.text("domain", "global");
                        fault.text("reason", "notFound");
                    });
                    calendar.list("busy", [(); 0], |_, ()| {});
                }
            });
        }
    });
    answer.close();
    Reply::json(200, out)
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
