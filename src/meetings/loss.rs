//! What an endpoint would lose by a new list: the measure of the gate for removals.

use jiff::Timestamp;

use crate::model::{Booking, Schedule};

/// What a new list takes from an endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Loss {
    /// Not-ended bookings that would be gone, or would lose their Join button, as last given.
    pub bookings: Vec<Booking>,
    /// It would keep fewer than half of its meetings (or buttons) and lose at least two, or lose its last one.
    pub shrunk: bool,
}

impl Loss {
    /// Nothing is lost.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bookings.is_empty()
    }
}

/// What `new` takes from an endpoint that was given `given`. A meeting is lost when the new list has neither its id nor its
/// (start, end, alias); a button when the meeting stays without alias. Moved, renamed, or another alias is a change, no loss.
#[must_use]
pub fn loss(given: &Schedule, new: &Schedule, now: Timestamp) -> Loss {
    let mut loss = Loss::default();
    let (mut meetings, mut buttons) = ((0, 0), (0, 0));
    for old in given.bookings.iter().filter(|old| old.end > now) {
        meetings.0 += 1;
        buttons.0 += usize::from(old.call.is_some());
        let successor = new.get(&old.id).or_else(|| new.bookings.iter().find(|new| is_same_call(old, new)));
        let button_lost = old.call.is_some() && successor.is_none_or(|new| new.call.is_none());
        meetings.1 += usize::from(successor.is_none());
        buttons.1 += usize::from(button_lost);
        if successor.is_none() || button_lost {
            loss.bookings.push(old.clone());
        }
    }
    loss.shrunk = is_shrunk(meetings) || is_shrunk(buttons);
    loss
}

fn is_same_call(old: &Booking, new: &Booking) -> bool {
    old.start == new.start
        && old.end == new.end
        && old.call.as_ref().map(|c| &c.alias) == new.call.as_ref().map(|c| &c.alias)
}

fn is_shrunk((had, lost): (usize, usize)) -> bool {
    let kept = had - lost;
    (lost >= 2 && kept * 2 < had) || (lost >= 1 && kept == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alias, Call, Confidential, MeetingId, Protocol, RoomEmail};

    /// `a10+ b11 c12+`: name, hour of the start, `+` with a button.
    fn schedule(text: &str) -> Schedule {
        let bookings = text.split_whitespace().map(|word| {
            let (name, rest) = word.split_at(1);
            let hour: i64 = rest.trim_end_matches('+').parse().unwrap();
            let start = "2027-01-04T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour);
            Booking {
                id: MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), name, None),
                start,
                end: start + jiff::SignedDuration::from_hours(1),
                all_day: false,
                start_buffer_s: 0,
                end_buffer_s: 0,
                subject: Confidential::new(name),
                organizer_name: Confidential::default(),
                organizer_email: Confidential::default(),
                private: false,
                call: rest
                    .ends_with('+')
                    .then(|| Call { alias: Alias::parse("1@x").unwrap(), protocol: Protocol::Sip }),
                no_join: None,
                rule: None,
                last_modified: None,
            }
        });
        Schedule { bookings: bookings.collect() }
    }

    #[test]
    fn losses_are_told_from_changes_and_from_age() {
        for (given, new, lost, shrunk) in [
            ("a10+ b11+ c12+", "a10+ b11+ c12+", "", false),
            ("a10+ b11+ c12+", "a10+ b11+", "c", false),
            ("a10+ b11+ c12+", "a10+", "bc", true),
            ("a10+ b11+ c12+ d13+", "a10+ b11+", "cd", false),
            ("a10+", "", "a", true),
            ("a10+ b11", "b11", "a", true),
            ("a10+ b11+", "a12+ b11+", "", false),
            ("a10+ b11+", "a10 b11+", "a", false),
            ("a10+ b11+", "a10 b11", "ab", true),
            ("a10+", "z10+", "", false),
            ("a08+", "", "", false),
            ("a08+ b10", "b10", "", false),
            ("", "a10+", "", false),
        ] {
            let loss = loss(&schedule(given), &schedule(new), "2027-01-04T09:00:00Z".parse().unwrap());
            let names: String = loss.bookings.iter().map(|booking| booking.subject.expose()).collect();
            assert_eq!((names.as_str(), loss.shrunk), (lost, shrunk), "{given} → {new}");
        }
    }
}
