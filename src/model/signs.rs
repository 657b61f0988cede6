//! What a reading says beside its events: what was left out of it, and how the calendar treats invitations. Counts and times,
//! nothing that people wrote.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Body, Event};

/// Most events of one agenda that are remembered as left out; the soonest win.
pub const LEFT_OUT_MAX: usize = 50;

/// An event that is in the calendar and that no endpoint shows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Why it is not shown.
    pub why: LeftOutWhy,
}

/// Why an event is left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum LeftOutWhy {
    /// Its organizer cancelled it.
    Cancelled,
    /// The room declined it.
    Declined,
    /// It is a working location, a birthday, an absence or time to focus.
    NoMeeting,
}

/// How a calendar treats invitations, counted over an agenda.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Signs {
    /// Events.
    pub events: u32,
    /// Of these, without any text: Exchange removes it from what a room accepts unless told not to (`DeleteComments`).
    pub without_text: u32,
    /// Whose title is the organizer's name: Exchange puts it there unless told not to (`DeleteSubject`, `AddOrganizerToSubject`).
    pub titled_by_organizer: u32,
    /// Marked private.
    pub private: u32,
    /// Which the room has not accepted.
    pub tentative: u32,
}

/// So many events must agree before a calendar's settings are believed to be the cause.
const ENOUGH: u32 = 5;

impl Signs {
    /// Counts over `events`.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let count = |holds: fn(&Event) -> bool| {
            u32::try_from(events.iter().filter(|event| holds(event)).count()).unwrap_or(u32::MAX)
        };
        Self {
            events: u32::try_from(events.len()).unwrap_or(u32::MAX),
            without_text: count(Event::has_no_text),
            titled_by_organizer: count(Event::is_titled_by_organizer),
            private: count(|event| event.private),
            tentative: count(|event| event.tentative),
        }
    }

    /// Every invitation came without text.
    #[must_use]
    pub fn body_stripped(&self) -> bool {
        self.all(self.without_text)
    }

    /// Every title is the organizer's name.
    #[must_use]
    pub fn subject_stripped(&self) -> bool {
        self.all(self.titled_by_organizer)
    }

    /// The room accepted nothing.
    #[must_use]
    pub fn not_accepting(&self) -> bool {
        self.all(self.tentative)
    }

    fn all(&self, count: u32) -> bool {
        self.events >= ENOUGH && count == self.events
    }
}

impl Event {
    /// Whether its invitation has no text and no conference of its own.
    #[must_use]
    pub fn has_no_text(&self) -> bool {
        let blank = match &self.body {
            Body::None => true,
            Body::Text(text) | Body::Html(text) => text.is_blank(),
        };
        blank && !self.properties.contains_key("conferenceData") && !self.properties.contains_key("hangoutLink")
    }

    /// Whether its title is the organizer's name.
    #[must_use]
    pub fn is_titled_by_organizer(&self) -> bool {
        let (title, name) = (self.subject.expose().trim(), self.organizer.name.expose().trim());
        !name.is_empty() && title.eq_ignore_ascii_case(name)
    }
}
