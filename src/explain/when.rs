//! Which meeting is meant, and times as people in the room read them.

use std::str::FromStr as _;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::Event;

/// A meeting that starts so close to the time that was asked for is meant.
const NEAR: SignedDuration = SignedDuration::from_mins(15);

/// Which meeting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// The one that runs, or else the next.
    Next,
    /// The one with this id.
    Id(String),
    /// The one at this time.
    At(Timestamp),
}

impl Wanted {
    /// `at` as people give it: `10:00` (today, in the room's zone), `2026-11-24T10:00` (in the room's zone), or with an offset.
    ///
    /// # Errors
    /// What can be given instead.
    pub fn at(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(instant) = Timestamp::from_str(text) {
            return Ok(Self::At(instant));
        }
        let today = now.to_zoned(zone.clone()).date();
        let local = match (Time::strptime("%H:%M", text), DateTime::from_str(text)) {
            (Ok(time), _) => today.to_datetime(time),
            (_, Ok(local)) => local,
            _ => return Err("a time is `10:00` (today), `2026-11-24T10:00`, or `2026-11-24T10:00:00Z`".into()),
        };
        let instant = local.to_zoned(zone.clone()).map_err(|_| "there is no such time".to_owned())?;
        Ok(Self::At(instant.timestamp()))
    }

    /// The event that is meant, among those sorted by start.
    pub(super) fn find<'e>(
        &self,
        events: &'e [Event],
        id_of: impl Fn(&Event) -> String,
        now: Timestamp,
    ) -> Option<&'e Event> {
        match self {
            Self::Next => {
                let runs = |event: &&Event| event.start <= now && event.end > now && !event.all_day;
                let ahead = |event: &&Event| event.start > now;
                events
                    .iter()
                    .find(runs)
                    .or_else(|| events.iter().find(ahead))
                    .or_else(|| events.iter().find(|event| event.end > now))
            }
            Self::Id(id) => events.iter().find(|event| id_of(event) == *id),
            Self::At(at) => {
                let starts = |event: &&Event| event.start == *at;
                let runs = |event: &&Event| event.start <= *at && event.end > *at;
                let near = |event: &&Event| event.start.duration_since(*at).abs() <= NEAR;
                let timed = || events.iter().filter(|event| !event.all_day);
                timed()
                    .find(starts)
                    .or_else(|| timed().find(runs))
                    .or_else(|| timed().find(near))
                    .or_else(|| events.iter().find(runs))
            }
        }
    }
}

/// A span as people read it: `Tue 24 Nov 10:00–10:30 CET`.
#[must_use]
pub fn local(start: Timestamp, end: Timestamp, all_day: bool, zone: &TimeZone) -> String {
    let (from, to) = (start.to_zoned(zone.clone()), end.to_zoned(zone.clone()));
    let day = from.strftime("%a %-d %b");
    if all_day {
        return format!("{day}, all day");
    }
    let to = if from.date() == to.date() { to.strftime("%H:%M") } else { to.strftime("%a %-d %b %H:%M") };
    format!("{day} {}–{to} {}", from.strftime("%H:%M"), from.strftime("%Z"))
}

/// A time of the day as people read it.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_as_people_say_it_in_the_rooms_zone() {
        let oslo = TimeZone::get("Europe/Oslo").unwrap();
        let now = "2026-11-24T07:30:00Z".parse().unwrap();
        for (given, meant) in [
            ("10:00", "2026-11-24T09:00:00Z"),
            (" 9:05 ", "2026-11-24T08:05:00Z"),
            ("2026-07-01T10:00", "2026-07-01T08:00:00Z"),
            ("2026-11-24T10:00:00+02:00", "2026-11-24T08:00:00Z"),
        ] {
            assert_eq!(Wanted::at(given, &oslo, now), Ok(Wanted::At(meant.parse().unwrap())), "{given}");
        }
        for wrong in ["", "ten", "25:00", "2026-13-01T10:00"] {
            assert!(Wanted::at(wrong, &oslo, now).is_err(), "{wrong}");
        }
    }
}
