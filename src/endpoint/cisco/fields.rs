//! A schedule as a codec can hold it. In: the wished schedule, already fitted. Out: one [`Sent`] per booking, with exactly
//! the texts, times and numbers that both wires carry and that the read-back is compared with.
//!
//! | field | narrowed to | why |
//! |---|---|---|
//! | id | `otj-DEPLOYMENT-` and the meeting's id | two deployments on one codec see each other |
//! | title, organizer | one line, no control characters | a line break or a NUL makes the XML unreadable |
//! | end | whole minutes after the start, up | the JSON wire carries a duration in minutes; the same on the XML wire, so that a change of wire is no difference |
//! | longer than a day | one booking a day | `Bookings Book` documents 1440 minutes as the most |
//! | address | at most 128 characters, else no Join | the limit of `Bookings Book` |

use jiff::{SignedDuration, Timestamp};

use super::element::is_xml;
use crate::model::{Booking, Confidential, Limits, MeetingId, Protocol, Schedule};

/// What every id of ours begins with, before the deployment.
const OURS: &str = "otj-";

/// Longest organizer name or address sent, in characters. The schema names no limit; no screen shows more.
const PERSON_MAX: usize = 128;

/// Most parts one meeting is cut into; the window is shorter than this many days.
const PARTS_MAX: usize = 400;

/// One booking, ready for either wire.
pub(in crate::endpoint) struct Sent {
    pub(in crate::endpoint) id: String,
    pub(super) title: String,
    pub(super) private: bool,
    /// Never empty: the JSON wire requires it.
    pub(super) organizer_name: String,
    pub(super) organizer_email: String,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) start_buffer_s: u32,
    pub(super) end_buffer_s: u32,
    /// The address without scheme, and SIP or H323.
    pub(in crate::endpoint) call: Option<(String, &'static str)>,
}

impl Sent {
    /// Whole minutes from start to end, at least one.
    pub(super) fn minutes(&self) -> i64 {
        self.end.duration_since(self.start).as_mins()
    }

    /// What people wrote, and where Join leads: nothing of it may be repeated in an error.
    pub(in crate::endpoint) fn texts(&self) -> impl Iterator<Item = &str> {
        let number = self.call.iter().map(|(number, _)| number.as_str());
        [self.title.as_str(), &self.organizer_name, &self.organizer_email].into_iter().chain(number)
    }
}

/// `schedule` as a codec can hold it, in its order.
pub(in crate::endpoint) fn sent(deployment: &str, schedule: &Schedule) -> Vec<Sent> {
    let mut all: Vec<Sent> =
        schedule.bookings.iter().flat_map(|booking| parts(&Limits::CISCO, deployment, booking)).collect();
    all.truncate(Limits::CISCO.bookings);
    all
}

/// One booking, or one for each stretch of the longest length a codec takes. A fitted schedule has been cut already; this
/// is the last guard against a duration that a codec would refuse, and the whole list with it.
fn parts(limits: &Limits, deployment: &str, booking: &Booking) -> Vec<Sent> {
    let longest = limits.minutes.unwrap_or(i64::MAX);
    let start = whole_seconds(booking.start);
    let seconds = whole_seconds(booking.end).duration_since(start).as_secs().max(1);
    let total = seconds / 60 + i64::from(seconds % 60 != 0);
    let at = |minute: i64| start.checked_add(SignedDuration::from_mins(minute)).unwrap_or(Timestamp::MAX);
    if total <= longest {
        return vec![one(limits, wire_id(deployment, &booking.id), booking, start, at(total))];
    }
    (0..PARTS_MAX)
        .map(|part| (part, i64::try_from(part).unwrap_or(i64::MAX).saturating_mul(longest)))
        .take_while(|(_, from)| *from < total)
        .map(|(part, from)| {
            let id = wire_id(deployment, &booking.id.day(part));
            one(limits, id, booking, at(from), at(total.min(from + longest)))
        })
        .collect()
}

fn wire_id(deployment: &str, meeting: &MeetingId) -> String {
    format!("{OURS}{deployment}-{meeting}")
}

fn one(limits: &Limits, id: String, booking: &Booking, start: Timestamp, end: Timestamp) -> Sent {
    let call = booking.call.as_ref().filter(|call| call.alias.as_str().chars().count() <= limits.alias);
    Sent {
        id,
        title: one_line(&booking.subject, limits.title),
        private: booking.private,
        organizer_name: organizer(booking),
        organizer_email: one_line(&booking.organizer_email, PERSON_MAX),
        start,
        end,
        start_buffer_s: booking.start_buffer_s,
        end_buffer_s: booking.end_buffer_s,
        call: call.map(|call| (call.alias.as_str().to_owned(), protocol(call.protocol))),
    }
}

/// What the screen names as organizer. The JSON wire requires one, so there is always one.
fn organizer(booking: &Booking) -> String {
    [&booking.organizer_name, &booking.organizer_email]
        .into_iter()
        .map(|text| one_line(text, PERSON_MAX))
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| "Unknown".to_owned())
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Auto | Protocol::Sip => "SIP",
        Protocol::H323 => "H323",
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The text on one line: white space collapsed, other control characters and what XML cannot hold left out, cut to `max`
/// characters.
pub(super) fn one_line(text: &Confidential, max: usize) -> String {
    tidy(text.expose()).chars().take(max).collect::<String>().trim_end().to_owned()
}

/// White space collapsed and invisible characters dropped: how titles are compared.
pub(super) fn tidy(text: &str) -> String {
    let kept: String = text.chars().filter(|c| is_xml(*c) && (c.is_whitespace() || !c.is_control())).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whose a booking id is: `Some((deployment, meeting))` for one of ours or of another deployment's.
pub(super) fn owner_of<'a>(ours: &'a str, id: &'a str) -> Option<(&'a str, MeetingId)> {
    let rest = id.strip_prefix(OURS)?;
    let own = rest.strip_prefix(ours).and_then(|rest| rest.strip_prefix('-')).and_then(MeetingId::parse);
    if let Some(meeting) = own {
        return Some((ours, meeting));
    }
    // A deployment's name may hold dashes, so the first cut that leaves an id is taken.
    rest.match_indices('-').find_map(|(at, _)| Some((&rest[..at], MeetingId::parse(&rest[at + 1..])?)))
}

/// `2026-03-02T09:00:00Z`.
pub(super) fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
