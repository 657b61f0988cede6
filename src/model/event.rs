//! One calendar event of a room, as every calendar service is read into.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::names::Digest;
use super::secret::Confidential;
use super::{MeetingId, RoomEmail};

/// A single event, or one occurrence of a series. Cancelled events and those the room declined never become one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The iCalendar UID, shared by all occurrences of a series.
    pub uid: String,
    /// Where in its series this occurrence was first set; `None` for singles.
    pub original_start: Option<Timestamp>,
    /// Start, inclusive.
    pub start: Timestamp,
    /// End, exclusive, never before the start.
    pub end: Timestamp,
    /// Whole days of the room's zone.
    pub all_day: bool,
    /// The title as written.
    pub subject: Confidential,
    /// Who invited.
    pub organizer: Person,
    /// The place as written.
    pub location: Confidential,
    /// The invitation text.
    pub body: Body,
    /// Marked private or confidential by its organizer.
    pub private: bool,
    /// The room has not accepted, or the organizer is not sure. Shown all the same.
    pub tentative: bool,
    /// What `calendar_event.properties` holds for this kind of calendar; for CalDAV and ICS the `X-` properties by name.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// IANA name of the zone the event was written in, for templates that show its local time.
    pub time_zone: Option<String>,
    /// When the calendar says it was last changed.
    pub last_modified: Option<Timestamp>,
}

/// The fields of Google's events that are kept as properties, under Google's names. Title, text, place and people stand in the
/// event itself.
pub const GOOGLE_PROPERTIES: [&str; 7] = [
    "conferenceData",
    "eventType",
    "extendedProperties",
    "hangoutLink",
    "recurringEventId",
    "transparency",
    "visibility",
];

/// A person of an invitation. Attendees are never kept.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Person {
    /// The display name; may be empty.
    pub name: Confidential,
    /// The mail address; may be empty.
    pub email: Confidential,
}

/// The text of an invitation, as the calendar has it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Body {
    /// No text.
    #[default]
    None,
    /// Plain text.
    Text(Confidential),
    /// HTML, not yet turned into text.
    Html(Confidential),
}

impl Body {
    /// A text of which nobody says whether it has tags: HTML where it looks like it. Who writes so keeps line breaks beside the
    /// tags, so they are kept here.
    #[must_use]
    pub fn with_or_without_tags(text: String) -> Self {
        if text.trim().is_empty() {
            return Self::None;
        }
        if !["</", "<br", "<p", "<a ", "&nbsp;", "&amp;"].iter().any(|tag| text.contains(tag)) {
            return Self::Text(Confidential::new(text));
        }
        let text = if text.contains('\n') { format!("<pre>{text}</pre>") } else { text };
        Self::Html(Confidential::new(text))
    }
}

impl Event {
    /// Everything a rule or an endpoint could see, hashed: two events with equal digests need no second look.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let bytes = serde_json::to_vec(self).expect("an event is plain data with text keys");
        Digest::of([bytes.as_slice()])
    }

    /// Its id on the endpoints of `room`.
    #[must_use]
    pub fn meeting_id(&self, room: &RoomEmail) -> MeetingId {
        MeetingId::new(room, &self.uid, self.original_start)
    }
}
