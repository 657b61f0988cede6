//! What the rules made of an event.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alias::{Alias, Protocol};
use super::names::{Digest, MeetingId, RuleName};
use super::secret::Confidential;

/// One meeting of a room as one evaluation sees it: enough to plan every endpoint's schedule without the event's text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Meeting {
    /// Its id on endpoints.
    pub id: MeetingId,
    /// Digest of the event it was made from.
    pub event: Digest,
    /// Start, inclusive.
    pub start: Timestamp,
    /// End, exclusive.
    pub end: Timestamp,
    /// Whole days of the room's zone.
    pub all_day: bool,
    /// Marked private.
    pub private: bool,
    /// Not accepted yet.
    pub tentative: bool,
    /// The original title. Never shown where the profile replaces it.
    pub subject: Confidential,
    /// The organizer's display name, the address where there is none.
    pub organizer_name: Confidential,
    /// The organizer's mail address.
    pub organizer_email: Confidential,
    /// `replaceSubjectTemplate` rendered; `None` when there is no template, it failed, or it rendered to nothing.
    pub replacement: Option<Confidential>,
    /// What the rules found.
    pub verdict: Verdict,
    /// When the calendar says the event was last changed.
    pub last_modified: Option<Timestamp>,
}

/// The outcome of the rules for one event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The address to dial.
    pub alias: Option<Alias>,
    /// How to dial it.
    pub protocol: Protocol,
    /// What found it.
    pub by: MatchedBy,
}

/// What found an alias.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MatchedBy {
    /// This rule.
    Rule(RuleName),
    /// The search for `sip:`, `sips:` and `h323:` addresses.
    Fallback,
    /// Nothing did.
    None,
}

/// What one evaluation made of one agenda, sorted as the agenda.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Meetings {
    /// The agenda it was made from.
    pub agenda: Digest,
    /// The rules it was made with.
    pub rules: Digest,
    /// One per event.
    pub list: Vec<Meeting>,
}
