//! A room's events of the window. An [`Agenda`] can be built only from a [`Complete`] reading: a failed or partial read never
//! becomes one, so it can never empty a screen.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::names::{Digest, MeetingId, RoomKey};
use super::signs::{LEFT_OUT_MAX, LeftOut, Signs};

/// Most events of one window that are kept; the soonest win, and `TooManyMeetings` is raised.
pub const EVENTS_MAX: usize = 2000;

/// The span of time a room is read for: events with `end > from` and `start < to`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Exclusive lower bound for ends.
    pub from: Timestamp,
    /// Exclusive upper bound for starts.
    pub to: Timestamp,
}

impl Window {
    /// Whether something from `start` to `end` touches the window. Something without length counts as its instant.
    #[must_use]
    pub fn touches(&self, start: Timestamp, end: Timestamp) -> bool {
        (end > self.from || (start == end && start >= self.from)) && start < self.to
    }
}

/// What showed that a reading left nothing out. A status code is not proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Every component of the file, down to a final `END:VCALENDAR`.
    IcsEnded,
    /// A well-formed 207 whose every response was understood, without 507 and without 403 or 5xx inside.
    CalDavMultistatus,
    /// Every page, the last of them without a continuation.
    LastPage,
    /// Every part of the span, each said to include the last item of its range.
    WholeRange,
    /// An invented world, in tests and the demo.
    Simulated,
}

/// A complete reading of one room for one window.
#[derive(Clone, Debug)]
pub struct Complete {
    /// What showed it.
    pub proof: Proof,
    /// The window that was asked for.
    pub window: Window,
    /// Every event of the window, in any order.
    pub events: Vec<Event>,
    /// UIDs of events that are there but could not be understood. They keep their previous form.
    pub unreadable: Vec<String>,
    /// The calendar's own zone, where it tells one.
    pub time_zone: Option<String>,
    /// What is in the calendar and not shown, as far as it tells.
    pub left_out: Vec<LeftOut>,
}

/// A room's events of the window, proven complete. The texts live in the store, by digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Agenda {
    /// Whose.
    pub room: RoomKey,
    /// The window it was read for.
    pub window: Window,
    /// Sorted by start, then id.
    pub entries: Vec<AgendaEntry>,
    /// Over all entries.
    pub digest: Digest,
    /// More than [`EVENTS_MAX`] events: the latest were left out.
    pub truncated: bool,
    /// Events that could not be read and have no previous form, or keep it.
    pub unreadable: usize,
    /// What is in the calendar and not shown, soonest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// How the calendar treats invitations.
    #[serde(default)]
    pub signs: Signs,
}

/// One event of an agenda, without its text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AgendaEntry {
    /// Its id on endpoints.
    pub id: MeetingId,
    /// Digest of the event.
    pub event: Digest,
    /// Start of the event.
    pub start: Timestamp,
    /// End of the event.
    pub end: Timestamp,
}

impl Agenda {
    /// Builds the agenda and hands back the events it kept, in the agenda's order. `previous` are the events of the last good agenda; those that
    /// are unreadable now keep their form.
    #[must_use]
    pub fn from_complete(room: RoomKey, complete: Complete, previous: &[Event]) -> (Self, Vec<Event>) {
        let Complete { window, mut events, unreadable, mut left_out, .. } = complete;
        let missing: BTreeSet<&str> = unreadable.iter().map(String::as_str).collect();
        if !missing.is_empty() {
            // Of a series some occurrences may be readable and one not.
            let read: BTreeSet<_> = events.iter().map(|event| (event.uid.clone(), event.original_start)).collect();
            let keeps = |event: &&Event| {
                missing.contains(event.uid.as_str()) && !read.contains(&(event.uid.clone(), event.original_start))
            };
            events.extend(previous.iter().filter(keeps).cloned());
        }
        events.retain(|event| window.touches(event.start, event.end));
        let mut keyed: Vec<(AgendaEntry, Event)> = events
            .into_iter()
            .map(|event| {
                let entry = AgendaEntry {
                    id: event.meeting_id(&room.email),
                    event: event.digest(),
                    start: event.start,
                    end: event.end,
                };
                (entry, event)
            })
            .collect();
        keyed.sort_by(|(a, _), (b, _)| (a.start, &a.id).cmp(&(b.start, &b.id)));
        let mut seen = BTreeSet::new();
        keyed.retain(|(entry, _)| seen.insert(entry.id.clone()));
        let truncated = keyed.len() > EVENTS_MAX;
        keyed.truncate(EVENTS_MAX);
        let digest = Digest::of(keyed.iter().map(|(entry, _)| entry.event.0.as_slice()));
        let (entries, events): (_, Vec<Event>) = keyed.into_iter().unzip();
        left_out.retain(|one| window.touches(one.start, one.end));
        left_out.sort();
        left_out.truncate(LEFT_OUT_MAX);
        left_out.shrink_to_fit();
        let signs = Signs::of(&events);
        (Self { room, window, entries, digest, truncated, unreadable: unreadable.len(), left_out, signs }, events)
    }

    /// When the soonest event starts that has not ended at `now` and is new here, gone, or another than in `before`. What came into
    /// the window, or left it, with the time is no news.
    #[must_use]
    pub fn news_since(&self, before: &Self, now: Timestamp) -> Option<Timestamp> {
        if self.digest == before.digest {
            return None;
        }
        let shared = self.window.to.min(before.window.to);
        let lasting = |agenda: &Self| -> BTreeSet<(Timestamp, Digest)> {
            let entries = agenda.entries.iter().filter(|entry| entry.end > now && entry.start < shared);
            entries.map(|entry| (entry.start, entry.event)).collect()
        };
        let (old, new) = (lasting(before), lasting(self));
        let only = |one: &BTreeSet<(Timestamp, Digest)>, other: &BTreeSet<_>| {
            one.difference(other).next().map(|(start, _)| *start)
        };
        only(&new, &old).into_iter().chain(only(&old, &new)).min()
    }

    /// How many of its events have not ended at `now`.
    #[must_use]
    pub fn not_ended(&self, now: Timestamp) -> usize {
        self.entries.iter().filter(|entry| entry.end > now).count()
    }
}
