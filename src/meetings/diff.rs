//! Compares what a device should show with what it is known to hold.
//!
//! | wanted | held | result |
//! |---|---|---|
//! | yes | no | added |
//! | yes | yes, same | – |
//! | yes | yes, other | changed |
//! | no | yes, not ended | removed |
//! | no | yes, ended | –: a meeting that leaves by age is not a difference |
//! | any | unknown | read it first, never assume empty |

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Booking, MeetingId, Schedule};

/// How a schedule differs from what is held; each list sorted by the schedule's order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Diff {
    /// Not held yet.
    pub added: Vec<MeetingId>,
    /// Held in another form.
    pub changed: Vec<MeetingId>,
    /// Held, not ended, no longer wished.
    pub removed: Vec<MeetingId>,
}

impl Diff {
    /// Nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// `wished` against `held` at `now`.
#[must_use]
pub fn diff(wished: &Schedule, held: &Schedule, now: Timestamp) -> Diff {
    let old: BTreeMap<&MeetingId, &Booking> = held.bookings.iter().map(|booking| (&booking.id, booking)).collect();
    let mut diff = Diff::default();
    for booking in &wished.bookings {
        match old.get(&booking.id) {
            None => diff.added.push(booking.id.clone()),
            Some(old) if !old.shows_as(booking) => diff.changed.push(booking.id.clone()),
            Some(_) => {}
        }
    }
    let ended = |booking: &Booking| booking.end + SignedDuration::from_secs(i64::from(booking.end_buffer_s)) <= now;
    diff.removed.extend(
        held.bookings.iter().filter(|old| !ended(old) && wished.get(&old.id).is_none()).map(|old| old.id.clone()),
    );
    diff
}
