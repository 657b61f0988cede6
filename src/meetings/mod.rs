//! Meetings → the schedule of one endpoint: what it may show of them (privacy, title), what of that it can hold (fit), and
//! how that compares with what it has (diff, loss). Pure.

mod diff;
mod fit;
mod loss;
mod show;
mod window;

pub use diff::{Diff, diff};
pub use loss::{Loss, loss};
pub use show::{Shown, shown};
pub use window::{read_window, served_until, tick_after};

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::schedule::NoJoin;
use crate::model::{Booking, DeviceSpec, EndpointSpec, Meetings, Schedule};

/// What `endpoint` shall show of `meetings` at `now`, narrowed to what it can hold. `zone` is the room's IANA zone.
#[must_use]
pub fn schedule(meetings: &Meetings, endpoint: &EndpointSpec, zone: &str, now: Timestamp) -> Schedule {
    let view = &endpoint.view;
    let until = served_until(&endpoint.room, view.upcoming_days, zone, now);
    let start_buffer_s = u32::from(view.start_buffer_minutes) * 60;
    let end_buffer_s = u32::from(view.end_buffer_minutes) * 60;
    let since = listed_since(endpoint, now);
    let bookings = meetings
        .list
        .iter()
        .filter(|meeting| meeting.end > since && meeting.start < until)
        .filter_map(|meeting| {
            let Shown { subject, call, no_join } = shown(meeting, view)?;
            Some(Booking {
                id: meeting.id.clone(),
                start: meeting.start,
                end: meeting.end,
                all_day: meeting.all_day,
                start_buffer_s,
                end_buffer_s,
                subject,
                organizer_name: meeting.organizer_name.clone(),
                organizer_email: meeting.organizer_email.clone(),
                private: meeting.private,
                call,
                no_join,
                rule: match &meeting.verdict.by {
                    crate::model::MatchedBy::Rule(rule) => Some(rule.clone()),
                    _ => None,
                },
                last_modified: meeting.last_modified,
            })
        })
        .collect();
    fit::fit(Schedule { bookings }, &endpoint.device.limits(), since)
}

/// Until when [`schedule`] makes `schedule` of the same meetings, endpoint and zone: then a booking of it has ended, or one more
/// day is served.
#[must_use]
pub fn stands_until(schedule: &Schedule, endpoint: &EndpointSpec, zone: &str, now: Timestamp) -> Timestamp {
    let view = &endpoint.view;
    let edge = match view.upcoming_days {
        0 => served_until(&endpoint.room, 0, zone, now),
        _ => tick_after(&endpoint.room, now),
    };
    let behind = now.duration_since(listed_since(endpoint, now));
    let ends = schedule.bookings.iter().filter_map(|booking| booking.end.checked_add(behind).ok());
    ends.min().map_or(edge, |end| end.min(edge))
}

/// What ended before this is not listed.
fn listed_since(endpoint: &EndpointSpec, now: Timestamp) -> Timestamp {
    match endpoint.device {
        // A pushed device lists what can still be joined.
        DeviceSpec::Cisco(_) | DeviceSpec::Webex(_) => {
            now - SignedDuration::from_mins(i64::from(endpoint.view.end_buffer_minutes))
        }
        // A Poly endpoint asks for the span it wants.
        DeviceSpec::Poly(_) => now - SignedDuration::from_hours(24),
    }
}

/// `wished` and, beside it, what a held removal keeps on the endpoint, as last given. A meeting that is in both keeps its
/// new form, with the old address where it has none of its own. Where the endpoint lacks room, the latest kept ones go first.
#[must_use]
pub fn with_kept(wished: &Schedule, kept: &[Booking], endpoint: &EndpointSpec) -> Arc<Schedule> {
    let limit = endpoint.device.limits().bookings;
    let mut bookings = wished.bookings.clone();
    let mut extra = Vec::new();
    for old in kept {
        match bookings.iter_mut().find(|booking| booking.id == old.id) {
            Some(booking) if booking.call.is_none() => {
                booking.call.clone_from(&old.call);
                booking.no_join = None::<NoJoin>;
            }
            Some(_) => {}
            None => extra.push(old.clone()),
        }
    }
    extra.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    extra.truncate(limit.saturating_sub(bookings.len()));
    bookings.extend(extra);
    bookings.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    Arc::new(Schedule { bookings })
}
