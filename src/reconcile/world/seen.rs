//! What a device holds, against what it was given. In: its bookings as it lists them. Out: whether they are as given, and the
//! schedule they amount to.

use jiff::Timestamp;

use crate::endpoint::cisco::{self, Difference, Seen};
use crate::model::schedule::NoJoin;
use crate::model::{Alias, Booking, Call, Confidential, Protocol, Schedule};

/// Lists are looked at with these eyes.
pub(super) struct Lists<'a> {
    /// Whose bookings are ours.
    pub(super) deployment: &'a str,
    /// Until when meetings have ended.
    pub(super) now: Timestamp,
}

impl Lists<'_> {
    /// Ours among `seen`, as far as a device gives them back.
    pub(super) fn schedule(&self, seen: &[Seen]) -> Schedule {
        let bookings = seen.iter().filter_map(|seen| {
            let alias = seen.number.as_ref().and_then(|number| Alias::parse(number.expose()).ok());
            Some(Booking {
                id: seen.ours.clone()?,
                start: seen.start?,
                end: seen.end?,
                all_day: false,
                start_buffer_s: seen.start_buffer_s.unwrap_or_default(),
                end_buffer_s: 0,
                subject: seen.title.clone(),
                organizer_name: Confidential::default(),
                organizer_email: Confidential::default(),
                private: seen.private.unwrap_or_default(),
                no_join: alias.is_none().then_some(NoJoin::NoAlias),
                call: alias.map(|alias| Call { alias, protocol: Protocol::Auto }),
                rule: None,
                last_modified: None,
            })
        });
        Schedule { bookings: bookings.collect() }
    }

    /// Whether a device shows exactly what it was given, and whether nothing but some of it is gone.
    pub(super) fn compared(&self, given: Option<&Schedule>, seen: &[Seen]) -> (Option<bool>, bool) {
        let Some(given) = given else { return (None, false) };
        let differences = cisco::differs(self.deployment, given, seen, self.now);
        let same = differences.iter().all(|difference| matches!(difference, Difference::Foreign { .. }));
        let missing = |difference: &Difference| matches!(difference, Difference::Missing { .. });
        (Some(same), !same && differences.iter().all(missing))
    }

    /// Whether a device shows exactly `schedule` of ours, whatever others put beside it.
    pub(super) fn is_same(&self, schedule: &Schedule, seen: &[Seen]) -> bool {
        cisco::differs(self.deployment, schedule, seen, self.now)
            .iter()
            .all(|difference| matches!(difference, Difference::Foreign { .. }))
    }
}

/// How many bookings somebody else put there.
pub(super) fn foreign(seen: &[Seen]) -> usize {
    seen.iter().filter(|seen| seen.ours.is_none()).count()
}
