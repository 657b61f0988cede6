//! What is known of the world: one owner, the planner.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::presence::Presence;
use crate::model::published::Cell;
use crate::model::{Agenda, DeviceFacts, Digest, Failure, Given, Held, Mono, Now, OtherWriter, Remedy, Schedule};

use super::board::{Drift, FailureNote};
use super::planner::device::{Times, Yields};
use super::planner::wish::Made;
use super::step::{Cursor, MeetingsByEvaluation};

/// A failure that still stands, and when the next try is.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What happened last.
    pub failure: Failure,
    /// Failed tries in a row.
    pub attempts: u32,
    /// When the first of them failed.
    pub since: Timestamp,
    /// The next try.
    pub next: Mono,
}

impl Trouble {
    /// One more failure on top of `before`. Passing failures are tried again after 2 s, 4 s, 8 s … up to 5 min; those that
    /// need a person after 30 min. `salt` spreads the tries of many objects.
    #[must_use]
    pub fn after(before: Option<&Self>, failure: Failure, salt: &str, now: Now) -> Self {
        let attempts = before.map_or(0, |before| before.attempts) + 1;
        let wait = match failure.remedy {
            Remedy::Retry => Duration::from_secs(2u64.saturating_pow(attempts.min(9))).min(Duration::from_mins(5)),
            Remedy::Fix => Duration::from_mins(30),
        };
        let wait = jittered(wait, salt, attempts).max(failure.retry_after.unwrap_or_default());
        let since = before.map_or(now.wall, |before| before.since);
        Self { failure, attempts, since, next: now.mono + wait }
    }

    /// For the board.
    #[must_use]
    pub fn note(&self) -> FailureNote {
        FailureNote {
            reason: self.failure.reason,
            message: self.failure.message.clone(),
            since: self.since,
            attempts: self.attempts,
        }
    }
}

/// `span` made 10 % longer or shorter, always alike for the same salt and number.
#[must_use]
pub fn jittered(span: Duration, salt: &str, number: u32) -> Duration {
    let digest = Digest::of([salt.as_bytes(), &number.to_be_bytes()]);
    let share = f64::from(u16::from_be_bytes([digest.0[0], digest.0[1]])) / f64::from(u16::MAX);
    span.mul_f64(0.9 + 0.2 * share)
}

/// What is known of a room.
#[derive(Debug, Default)]
pub struct RoomState {
    /// The last complete agenda, also one from before a restart.
    pub agenda: Option<Arc<Agenda>>,
    /// For a cheaper look.
    pub cursor: Option<Cursor>,
    /// What the rules made of it.
    pub meetings: MeetingsByEvaluation,
    /// The calendar's own zone.
    pub time_zone: Option<String>,
    /// Complete reads since the start of the process.
    pub reads: u64,
    /// The last of them.
    pub last_read: Option<Now>,
    /// The last complete read, also one from before a restart.
    pub last_read_wall: Option<Timestamp>,
    /// When what is shown now was first seen in the calendar.
    pub changed_at: Option<Timestamp>,
    /// A complete read said that all of at least three meetings are gone: when it is read again to be sure.
    pub confirm_empty: Option<Mono>,
    /// When it is read next.
    pub next_read: Mono,
    /// Why it could not be read.
    pub trouble: Option<Trouble>,
    /// Why its rules could not be run.
    pub evaluation_trouble: Option<Trouble>,
    /// A step is under way.
    pub in_flight: bool,
    /// Its records are being moved to its new name.
    pub carrying: bool,
    /// As reported.
    pub drift: Option<Drift>,
}

/// What is known of an endpoint.
#[derive(Debug, Default)]
pub struct EndpointKnown {
    /// What it was given, or was seen to hold.
    pub held: Held,
    /// It cannot list, so nothing is known until it is given something.
    pub cannot_list: bool,
    /// Since when it is known to belong to a person, so that nobody else reads it.
    pub personal_since: Option<Timestamp>,
    /// The first complete read since it stood there unknown, and how many reads the room had then: an empty first list
    /// waits for a second one.
    pub first_empty: Option<(Mono, u64)>,
    /// A step is under way.
    pub in_flight: bool,
    /// Its old place is tried first.
    pub behind: Option<String>,
    /// Why its last step failed.
    pub trouble: Option<Trouble>,
    /// Last answer from it.
    pub last_contact: Option<Timestamp>,
    /// Last successful put or publish.
    pub last_put: Option<Timestamp>,
    /// When it is read back next, if no meeting asks for more.
    pub next_look: Mono,
    /// When it last told what it holds.
    pub last_look: Option<Mono>,
    /// When it is given its list once more, changed or not.
    pub put_again: Mono,
    /// Puts in a row whose read-back differed, of the schedule with this digest.
    pub unheld: (u32, Digest),
    /// When somebody else's list was found on it, the last hour.
    pub overwritten: Times,
    /// When bookings were gone and nobody had written anything, the last hour.
    pub lost: Times,
    /// How often it was left to whoever else writes to it.
    pub yields: Yields,
    /// Who that is.
    pub writers: BTreeSet<OtherWriter>,
    /// What the device told of itself.
    pub facts: DeviceFacts,
    /// Foreign bookings at the last look.
    pub foreign: usize,
    /// The device's recorded serial number.
    pub serial: Option<String>,
    /// The serial number that answered last, and when.
    pub answered: Option<(String, Mono)>,
    /// The device that answers is not this endpoint's to fill.
    pub rival: Option<Rival>,
    /// When another device was first seen here.
    pub replaced_at: Option<Timestamp>,
    /// It is read before anything is put: what is known of the device is in doubt.
    pub look_first: bool,
    /// An operator wants the certificate pinned anew that it shows next.
    pub trust_anew: bool,
    /// What it shall show by itself, kept for as long as that stands.
    pub(super) made: Option<Made>,
    /// What it shall show, what the gate keeps included.
    pub wished: Option<Arc<Schedule>>,
    /// How many of these are kept by the gate.
    pub kept: usize,
    /// Poly: where it fetches.
    pub cell: Cell,
    /// Poly: its last poll that brought news.
    pub presence: Option<Presence>,
    /// Poly: since when what it fetched is not what is published.
    pub behind_since: Option<Timestamp>,
    /// As reported.
    pub drift: Option<Drift>,
}

impl EndpointKnown {
    /// What it holds, as far as known.
    #[must_use]
    pub fn given(&self) -> Option<&Given> {
        match &self.held {
            Held::Known(given) => Some(given),
            Held::Unknown => None,
        }
    }
}

/// Why a device that answers is not filled.
#[derive(Clone, Debug)]
pub struct Rival {
    /// `DuplicateDevice` or `DeviceReplaced`.
    pub drift: Drift,
    /// Since when it is in question whose the device is.
    pub asked: Mono,
}

/// A place that an endpoint left.
#[derive(Debug)]
pub struct OldPlace {
    /// Whose it was.
    pub endpoint: crate::model::EndpointName,
    /// What was given there, and how it is reached.
    pub given: Given,
    /// When the documents named it last.
    pub left_at: Timestamp,
    /// Cleared from then on: at once after a move, ten minutes after a removal.
    pub clear_from: Mono,
    /// Given up from then on.
    pub give_up: Mono,
    /// A step is under way.
    pub in_flight: bool,
    /// Why the last try failed.
    pub trouble: Option<Trouble>,
    /// The endpoint is gone from the documents, so its meetings count as lost until it is back.
    pub removed: bool,
}
