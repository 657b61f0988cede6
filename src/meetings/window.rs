//! Which span of time is read, and which is served.
//!
//! Both edges move once a day, at an instant of its own for each room, so that a room's reads of one day are alike (an
//! unchanged calendar stays unchanged) and 40,000 rooms do not move at once. One day more is read than served.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Digest, RoomKey, Window};

const DAY_S: i64 = 86_400;

/// What is read of `room` at `now` when its endpoints look `upcoming_days` ahead.
#[must_use]
pub fn read_window(room: &RoomKey, upcoming_days: u16, now: Timestamp) -> Window {
    let tick = tick_before(room, now);
    let days = i64::from(upcoming_days.max(1)) + 2;
    Window { from: tick - SignedDuration::from_secs(DAY_S), to: tick + SignedDuration::from_secs(days * DAY_S) }
}

/// Meetings that start before this are served: at least `upcoming_days` from `now`; with 0, up to the end of the room's day.
#[must_use]
pub fn served_until(room: &RoomKey, upcoming_days: u16, zone: &str, now: Timestamp) -> Timestamp {
    if upcoming_days == 0 {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let midnight = now.to_zoned(zone).tomorrow().and_then(|next| next.start_of_day());
        return midnight.map_or(now + SignedDuration::from_secs(DAY_S), |midnight| midnight.timestamp());
    }
    tick_before(room, now) + SignedDuration::from_secs((i64::from(upcoming_days) + 1) * DAY_S)
}

/// When the edges of `room` move next.
#[must_use]
pub fn tick_after(room: &RoomKey, now: Timestamp) -> Timestamp {
    tick_before(room, now) + SignedDuration::from_secs(DAY_S)
}

/// The latest instant up to `now` at which the edges of `room` moved.
fn tick_before(room: &RoomKey, now: Timestamp) -> Timestamp {
    let digest = Digest::of([room.integration.as_str().as_bytes(), room.email.as_str().as_bytes()]);
    let jitter = i64::from(u32::from_be_bytes([digest.0[0], digest.0[1], digest.0[2], digest.0[3]])) % DAY_S;
    let second = now.as_second();
    let since = (second - jitter).rem_euclid(DAY_S);
    Timestamp::from_second(second - since).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IntegrationName, RoomEmail};

    #[test]
    fn the_window_stands_still_for_a_day_and_always_covers_what_is_served() {
        let room = RoomKey {
            integration: IntegrationName::parse("ics").unwrap(),
            email: RoomEmail::parse("fjord@example.com").unwrap(),
        };
        let start: Timestamp = "2027-01-04T00:00:00Z".parse().unwrap();
        let mut windows = std::collections::BTreeSet::new();
        for minutes in 0..(24 * 60) {
            let now = start + SignedDuration::from_mins(minutes);
            let window = read_window(&room, 7, now);
            windows.insert(window.from);
            let served = served_until(&room, 7, "UTC", now);
            assert!(served >= now + SignedDuration::from_hours(7 * 24) && served < window.to);
            assert!(window.from <= now - SignedDuration::from_hours(24));
        }
        assert!(windows.len() <= 2, "{windows:?}");
    }

    #[test]
    fn zero_days_serve_the_rest_of_the_rooms_day() {
        let room = RoomKey {
            integration: IntegrationName::parse("ics").unwrap(),
            email: RoomEmail::parse("fjord@example.com").unwrap(),
        };
        let now = "2027-01-04T22:30:00Z".parse().unwrap();
        assert_eq!(served_until(&room, 0, "Europe/Oslo", now).to_string(), "2027-01-04T23:00:00Z");
        assert_eq!(served_until(&room, 0, "UTC", now).to_string(), "2027-01-05T00:00:00Z");
    }
}
