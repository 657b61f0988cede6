//! Narrows a schedule to what an endpoint can hold. What is cut is cut before anything is compared: otherwise drift never ends.

use jiff::{SignedDuration, Timestamp};

use crate::model::schedule::NoJoin;
use crate::model::{Booking, Confidential, Limits, Schedule};

/// Whole seconds, one line of title of at most `limits.title` characters, addresses it takes, bookings no longer than a day
/// where it needs that, and the soonest `limits.bookings` of them. Parts that ended before `since` are left out.
pub(super) fn fit(schedule: Schedule, limits: &Limits, since: Timestamp) -> Schedule {
    let mut bookings: Vec<Booking> = schedule
        .bookings
        .into_iter()
        .map(|booking| narrowed(booking, limits))
        .flat_map(|booking| parts(booking, limits))
        .filter(|booking| booking.end > since)
        .collect();
    bookings.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    bookings.truncate(limits.bookings);
    // Kept for each endpoint: not more memory than they need.
    bookings.shrink_to_fit();
    Schedule { bookings }
}

fn narrowed(mut booking: Booking, limits: &Limits) -> Booking {
    booking.start = whole_second(booking.start);
    booking.end = whole_second(booking.end).max(booking.start);
    booking.subject = title(&booking.subject, limits.title);
    booking.organizer_name = title(&booking.organizer_name, limits.title);
    if booking.call.as_ref().is_some_and(|call| call.alias.as_str().len() > limits.alias) {
        booking.call = None;
        booking.no_join = Some(NoJoin::TooLong);
    }
    booking
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// One line: control characters and runs of white space become one space.
fn title(text: &Confidential, limit: usize) -> Confidential {
    let spaced = text.expose().replace(|c: char| c.is_control(), " ");
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = line.char_indices().nth(limit).map_or(line.as_str(), |(end, _)| &line[..end]).trim_end();
    // Nearly every title is as it should be, and is shared.
    if cut == text.expose() { text.clone() } else { Confidential::new(cut) }
}

/// A booking longer than the device takes becomes one a day: the same id, and which day it is.
fn parts(booking: Booking, limits: &Limits) -> Vec<Booking> {
    let longest = match limits.minutes {
        Some(minutes) if booking.end.duration_since(booking.start) > SignedDuration::from_mins(minutes) => {
            SignedDuration::from_mins(minutes)
        }
        _ => return vec![booking],
    };
    let mut parts = Vec::new();
    let mut start = booking.start;
    while start < booking.end && parts.len() < 400 {
        let end = start.checked_add(longest).map_or(booking.end, |end| end.min(booking.end));
        parts.push(Booking { id: booking.id.day(parts.len()), start, end, ..booking.clone() });
        start = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alias, Call, MeetingId, Protocol, RoomEmail};

    fn booking(start: &str, end: &str, subject: &str, alias: &str) -> Booking {
        Booking {
            id: MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), subject, None),
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
            all_day: false,
            start_buffer_s: 300,
            end_buffer_s: 0,
            subject: Confidential::new(subject),
            organizer_name: Confidential::default(),
            organizer_email: Confidential::default(),
            private: false,
            call: Some(Call { alias: Alias::parse(alias).unwrap(), protocol: Protocol::Auto }),
            no_join: None,
            rule: None,
            last_modified: None,
        }
    }

    const LIMITS: Limits = Limits { bookings: 3, title: 10, alias: 20, minutes: Some(1440) };

    fn fitted(bookings: Vec<Booking>) -> Vec<String> {
        let since = "2027-01-04T00:00:00Z".parse().unwrap();
        let fitted = fit(Schedule { bookings }, &LIMITS, since);
        let line = |b: &Booking| {
            let day = b.id.as_str().get(40..).unwrap_or_default();
            format!("{}/{} {}{day} {:?}", b.start, b.end, b.subject.expose(), b.no_join)
        };
        fitted.bookings.iter().map(line).collect()
    }

    #[test]
    fn titles_become_one_short_line_and_long_addresses_lose_their_join() {
        let long = booking("2027-01-04T10:00:00.7Z", "2027-01-04T11:00:00Z", "a\r\n b\tc defghijkl", &"9".repeat(21));
        assert_eq!(fitted(vec![long]), ["2027-01-04T10:00:00Z/2027-01-04T11:00:00Z a b c defg Some(TooLong)"]);
    }

    #[test]
    fn a_meeting_of_several_days_becomes_one_booking_a_day() {
        let trip = booking("2027-01-03T12:00:00Z", "2027-01-06T00:00:00Z", "trip", "1@x.example");
        assert_eq!(
            fitted(vec![trip]),
            [
                "2027-01-03T12:00:00Z/2027-01-04T12:00:00Z trip-1 None",
                "2027-01-04T12:00:00Z/2027-01-05T12:00:00Z trip-2 None",
                "2027-01-05T12:00:00Z/2027-01-06T00:00:00Z trip-3 None",
            ]
        );
    }

    #[test]
    fn the_soonest_win_where_there_is_not_room_for_all() {
        let day = |d: u8| {
            booking(&format!("2027-01-0{d}T10:00:00Z"), &format!("2027-01-0{d}T11:00:00Z"), &d.to_string(), "1@x")
        };
        let kept = fitted(vec![day(7), day(5), day(6), day(4)]);
        assert_eq!(kept.len(), 3);
        assert!(kept[2].contains(" 6 "), "{kept:?}");
    }
}
