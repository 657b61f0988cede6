//! What one endpoint shall show.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alias::{Alias, Protocol};
use super::names::{Digest, MeetingId, RuleName};
use super::secret::Confidential;

/// The wished list of one endpoint: meetings after privacy, subject, buffers and fit, sorted by start, then id.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Schedule {
    /// The list.
    pub bookings: Vec<Booking>,
}

/// One meeting on one endpoint. The field calls it a booking.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Booking {
    /// Its id; the same on every endpoint of the room.
    pub id: MeetingId,
    /// Start, whole seconds.
    pub start: Timestamp,
    /// End, whole seconds.
    pub end: Timestamp,
    /// Whole days of the room's zone.
    pub all_day: bool,
    /// Join is offered this many seconds before the start.
    pub start_buffer_s: u32,
    /// And this many seconds after the end.
    pub end_buffer_s: u32,
    /// What the endpoint shows as title.
    pub subject: Confidential,
    /// The organizer's name.
    pub organizer_name: Confidential,
    /// The organizer's mail address.
    pub organizer_email: Confidential,
    /// Marked private.
    pub private: bool,
    /// What Join dials; `None`: no Join button.
    pub call: Option<Call>,
    /// Why there is no Join button although the rules found an address, from a closed set of sentences.
    pub no_join: Option<NoJoin>,
    /// The rule that found the address.
    pub rule: Option<RuleName>,
    /// When the calendar says the event was last changed. Not compared.
    pub last_modified: Option<Timestamp>,
}

/// Why a booking has no Join button.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NoJoin {
    /// No rule found an address.
    NoAlias,
    /// The profile shows private meetings without address.
    Private,
    /// The address is longer than the endpoint takes.
    TooLong,
}

/// What Join dials.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The address.
    pub alias: Alias,
    /// How.
    pub protocol: Protocol,
}

impl Booking {
    /// Whether an endpoint shows both alike: everything but the change time and how the address was found.
    #[must_use]
    pub fn shows_as(&self, other: &Self) -> bool {
        self.id == other.id
            && (self.start, self.end, self.all_day) == (other.start, other.end, other.all_day)
            && (self.start_buffer_s, self.end_buffer_s) == (other.start_buffer_s, other.end_buffer_s)
            && self.subject == other.subject
            && self.organizer_name == other.organizer_name
            && self.organizer_email == other.organizer_email
            && self.private == other.private
            && self.call == other.call
    }

    /// Digest of what an endpoint shows, without the change time.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut shown = self.clone();
        shown.last_modified = None;
        shown.rule = None;
        shown.no_join = None;
        let bytes = serde_json::to_vec(&shown).expect("a booking is plain data");
        Digest::of([bytes.as_slice()])
    }
}

impl Schedule {
    /// Digest over all bookings: equal digests show the same.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let digests: Vec<Digest> = self.bookings.iter().map(Booking::digest).collect();
        Digest::of(digests.iter().map(|digest| digest.0.as_slice()))
    }

    /// The booking with this id.
    #[must_use]
    pub fn get(&self, id: &MeetingId) -> Option<&Booking> {
        self.bookings.iter().find(|booking| booking.id == *id)
    }
}
