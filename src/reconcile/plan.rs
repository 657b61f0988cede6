//! Planning: pure functions of (desired object, what is known of it, now). They answer with at most one step and the time
//! to look again. Nothing here reads a clock, changes what is known, or asks the gate.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::meetings::{diff, read_window, tick_after};
use crate::model::desired::ModeState;
use crate::model::{Desired, DeviceSpec, EndpointSpec, Held, Mono, Now, RoomSpec, Schedule};

use super::observed::{EndpointKnown, OldPlace, RoomState, jittered};
use super::step::Step;

/// How often a calendar is read. A look at an unchanged one costs a request at most.
pub const READ_EVERY: Duration = Duration::from_secs(30);
/// How often an endpoint that can list is read back when nothing is near.
pub const LOOK_EVERY: Duration = Duration::from_mins(60);
/// How often while a meeting with a Join button is near or lasts: people restart a device that misbehaves, and look at it then.
pub const LOOK_NEAR: Duration = Duration::from_mins(5);
/// A meeting is near so long before its Join button appears.
const NEAR: SignedDuration = SignedDuration::from_mins(10);
/// How often an endpoint is given its list although it holds it: what cannot be read back may have got lost.
pub const PUT_AGAIN: Duration = Duration::from_mins(60);
/// The same for a device of the Webex Cloud, which shares the cloud's requests with all others.
pub const PUT_AGAIN_CLOUD: Duration = Duration::from_hours(6);
/// Before that it is read, unless it was so shortly before: somebody else's list is seen, not written over.
const JUST_SEEN: Duration = Duration::from_mins(2);
/// A first list that is empty waits so long for a second complete read: nothing is known of what it would take away.
pub const EMPTY_AGAIN: Duration = Duration::from_secs(60);
/// After so many puts in a row that did not hold, the device is left alone until the schedule changes.
pub const REWRITES: u32 = 2;
/// After so many overwrites within an hour by somebody else, the device is left alone.
pub const OVERWRITES: usize = 3;

/// A place whose device cannot tell what it holds is cleared only so long after it was left: later anybody may live there.
pub const UNLISTED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What to do about one object.
#[derive(Debug)]
pub struct Planned {
    /// At most one step.
    pub step: Option<Step>,
    /// When to look again by itself.
    pub due: Mono,
}

impl Planned {
    fn later(due: Mono) -> Self {
        Self { step: None, due }
    }

    fn now(step: Step) -> Self {
        Self { step: Some(step), due: Mono::NEVER }
    }
}

/// How a room is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// Not at all: nothing it belongs to is acted on.
    Never,
    /// When its calendar service has a turn for it ([`super::pace`]).
    InTurn,
    /// Every half minute.
    Often,
}

/// What to do about a room: run its rules where their result is missing or old, read it when it is due.
#[must_use]
pub fn plan_room(desired: &Desired, room: &Arc<RoomSpec>, known: &RoomState, read: Read, now: Now) -> Planned {
    if known.in_flight || known.carrying {
        return Planned::later(Mono::NEVER);
    }
    if let Some(agenda) = &known.agenda {
        let retry = known.evaluation_trouble.as_ref().map_or(Mono::default(), |trouble| trouble.next);
        let wanted: Vec<_> = room
            .evaluations
            .iter()
            .filter_map(|id| desired.evaluations.get(id))
            .filter(|evaluation| {
                let made = known.meetings.get(&evaluation.id);
                made.is_none_or(|made| made.agenda != agenda.digest || made.rules != evaluation.digest)
            })
            .cloned()
            .collect();
        if !wanted.is_empty() && retry <= now.mono {
            return Planned::now(Step::Evaluate {
                room: room.clone(),
                agenda: agenda.clone(),
                previous: wanted.iter().filter_map(|evaluation| known.meetings.get(&evaluation.id)).cloned().collect(),
                evaluations: wanted,
                zone: zone_of(room, known).to_owned(),
            });
        }
    }
    match read {
        Read::Never => return Planned::later(now.mono + READ_EVERY),
        // Its calendar service says when.
        Read::InTurn => return Planned::later(Mono::NEVER),
        Read::Often => {}
    }
    let due = [
        known.trouble.as_ref().map_or(known.next_read, |trouble| trouble.next),
        known.evaluation_trouble.as_ref().map_or(Mono::default(), |trouble| trouble.next),
        known.confirm_empty.unwrap_or_default(),
    ]
    .into_iter()
    .max()
    .unwrap_or_default();
    if due > now.mono {
        return Planned::later(due);
    }
    Planned::now(read_room(desired, room, known, 0, false, now))
}

/// The step that reads a room; `in_full`: without anything that makes it cheaper.
#[must_use]
pub fn read_room(
    desired: &Desired,
    room: &Arc<RoomSpec>,
    known: &RoomState,
    account: usize,
    in_full: bool,
    now: Now,
) -> Step {
    let window = read_window(&room.key, room.upcoming_days, now.wall);
    // A look that must be sure takes nothing for granted.
    let cursor = if in_full || known.confirm_empty.is_some() || known.reads == 0 { None } else { known.cursor.clone() };
    let without_private_texts = desired.endpoints_of(&room.key).all(|endpoint| !endpoint.view.private_meetings);
    Step::ReadAgenda { room: room.clone(), window, account, cursor, last: known.agenda.clone(), without_private_texts }
}

/// The room's zone: the documents' word, else the calendar's own, else UTC.
#[must_use]
pub fn zone_of<'a>(room: &'a RoomSpec, known: &'a RoomState) -> &'a str {
    room.time_zone.as_deref().or(known.time_zone.as_deref()).unwrap_or("UTC")
}

/// When the next calendar read of a room is due after a successful one.
#[must_use]
pub fn next_read(room: &RoomSpec, reads: u64, now: Now) -> Mono {
    now.mono + jittered(READ_EVERY, room.key.email.as_str(), u32::try_from(reads % 1024).unwrap_or(0))
}

/// What to do about an endpoint in `mode` that shall show `wished`, what the gate keeps included. `None`: not known yet.
#[must_use]
pub fn plan_endpoint(
    endpoint: &Arc<EndpointSpec>,
    mode: ModeState,
    known: &EndpointKnown,
    wished: Option<&Arc<Schedule>>,
    room: Option<&RoomState>,
    now: Now,
) -> Planned {
    if known.in_flight || known.behind.is_some() {
        return Planned::later(Mono::NEVER);
    }
    // The served edge moves, a mode ends: both are looked for at least hourly, and the edge exactly.
    let edge = tick_after(&endpoint.room, now.wall).duration_since(now.wall);
    let later = now.mono + Duration::try_from(edge).unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
    if mode != ModeState::Enforce {
        return Planned::later(later);
    }
    if let Some(trouble) = &known.trouble
        && trouble.next > now.mono
    {
        return Planned::later(trouble.next);
    }
    if known.trust_anew {
        return Planned::now(Step::ForgetPin { endpoint: endpoint.clone() });
    }
    match &endpoint.device {
        DeviceSpec::Cisco(_) | DeviceSpec::Webex(_) => plan_pushed(endpoint, known, wished, room, now, later),
        DeviceSpec::Poly(_) => plan_poly(endpoint, known, wished, room, now, later),
    }
}

fn plan_pushed(
    endpoint: &Arc<EndpointSpec>,
    known: &EndpointKnown,
    wished: Option<&Arc<Schedule>>,
    room: Option<&RoomState>,
    now: Now,
    later: Mono,
) -> Planned {
    let look = || {
        let given = known.given().map(|given| given.schedule.clone());
        Planned::now(Step::ReadHeld { endpoint: endpoint.clone(), given })
    };
    if known.look_first || (known.held == Held::Unknown && !known.cannot_list) {
        return look();
    }
    let due = next_look(endpoint, known, wished, now);
    if known.rival.is_some() {
        return if known.next_look <= now.mono { look() } else { Planned::later(later.min(known.next_look)) };
    }
    let Held::Known(given) = &known.held else {
        return first_list(known, wished, room, now, later, |schedule| Step::Put {
            endpoint: endpoint.clone(),
            schedule,
            serial: known.serial.clone(),
            first: true,
            again: false,
        });
    };
    let put = |schedule: &Arc<Schedule>, again| {
        Planned::now(Step::Put {
            endpoint: endpoint.clone(),
            schedule: schedule.clone(),
            serial: known.serial.clone(),
            first: given.target.is_none(),
            again,
        })
    };
    if let Some(wished) = wished
        && may_put(known, wished, now)
    {
        if !diff(wished, &given.schedule, now.wall).is_empty() {
            return put(wished, false);
        }
        let seen = known.cannot_list || known.last_look.is_some_and(|at| at + JUST_SEEN > now.mono);
        if known.put_again <= now.mono {
            return if seen { put(wished, true) } else { look() };
        }
    }
    let ahead = [known.put_again, known.yields.until].into_iter().filter(|at| *at > now.mono);
    let later = ahead.fold(later, Mono::min);
    if known.cannot_list {
        return Planned::later(later);
    }
    if due <= now.mono { look() } else { Planned::later(later.min(due)) }
}

/// When a device is read back next: hourly, and every five minutes while a meeting with a Join button is near or lasts.
fn next_look(endpoint: &EndpointSpec, known: &EndpointKnown, wished: Option<&Arc<Schedule>>, now: Now) -> Mono {
    let (Some(wished), Some(last)) = (wished, known.last_look) else { return known.next_look };
    // All devices of a cloud share its few requests a second; they are needed for changes.
    if matches!(endpoint.device, DeviceSpec::Webex(_)) {
        return known.next_look;
    }
    let first = wished.bookings.iter().find(|booking| booking.call.is_some() && booking.end > now.wall);
    let Some(booking) = first else { return known.next_look };
    let until = booking.start.duration_since(now.wall) - SignedDuration::from_secs(booking.start_buffer_s.into());
    // Meetings begin on the hour everywhere: the first looks are spread.
    let spread = jittered(LOOK_NEAR * 5, endpoint.name.as_str(), 2) - LOOK_NEAR * 4;
    let near = Duration::try_from(until - NEAR).unwrap_or_default();
    let from = now.mono + near.saturating_sub(spread);
    known.next_look.min(from.max(last + jittered(LOOK_NEAR, endpoint.name.as_str(), 0)))
}

/// A device that rewrites what it is given, or that somebody else writes to, is not written to for ever.
#[must_use]
pub fn may_put(known: &EndpointKnown, wished: &Schedule, now: Now) -> bool {
    let rewrites = known.unheld.0 >= REWRITES && known.unheld.1 == wished.digest();
    !rewrites && !is_fought_over(known, now.mono)
}

/// Somebody else keeps overwriting the device, and it is left to him for a while.
#[must_use]
pub fn is_fought_over(known: &EndpointKnown, now: Mono) -> bool {
    known.yields.until > now
}

fn plan_poly(
    endpoint: &Arc<EndpointSpec>,
    known: &EndpointKnown,
    wished: Option<&Arc<Schedule>>,
    room: Option<&RoomState>,
    now: Now,
    later: Mono,
) -> Planned {
    let publish = |schedule| Step::Publish { endpoint: endpoint.clone(), schedule, cell: known.cell.clone() };
    let Held::Known(given) = &known.held else {
        return first_list(known, wished, room, now, later, publish);
    };
    if let Some(wished) = wished
        && !diff(wished, &given.schedule, now.wall).is_empty()
    {
        return Planned::now(publish(wished.clone()));
    }
    // Silence and falling behind are noticed within a minute.
    Planned::later(later.min(now.mono + Duration::from_mins(1)))
}

/// The first list of an endpoint of which nothing is known goes out after one complete read, an empty one after a second.
fn first_list(
    known: &EndpointKnown,
    wished: Option<&Arc<Schedule>>,
    room: Option<&RoomState>,
    now: Now,
    later: Mono,
    step: impl FnOnce(Arc<Schedule>) -> Step,
) -> Planned {
    let (Some(wished), Some(room)) = (wished, room) else { return Planned::later(later) };
    let Some(last_read) = room.last_read else { return Planned::later(later) };
    if !wished.bookings.is_empty() {
        return Planned::now(step(wished.clone()));
    }
    match known.first_empty {
        Some((at, reads)) if room.reads > reads && last_read.mono >= at + EMPTY_AGAIN => {
            Planned::now(step(wished.clone()))
        }
        _ => Planned::later(later.min(now.mono + READ_EVERY)),
    }
}

/// What to do about a place that an endpoint left.
#[must_use]
pub fn plan_old_place(name: &str, place: &OldPlace, blocked: bool, now: Now) -> Planned {
    if place.in_flight {
        return Planned::later(Mono::NEVER);
    }
    if now.mono >= place.give_up {
        return Planned::now(Step::ForgetPlace { place: name.to_owned() });
    }
    if blocked {
        return Planned::later(now.mono + Duration::from_mins(1));
    }
    let due = place.trouble.as_ref().map_or(place.clear_from, |trouble| trouble.next.max(place.clear_from));
    if due > now.mono {
        return Planned::later(due.min(place.give_up));
    }
    let unlisted = now.wall.duration_since(place.left_at) < UNLISTED_FOR;
    Planned::now(Step::Clear { place: name.to_owned(), given: Box::new(place.given.clone()), unlisted })
}
