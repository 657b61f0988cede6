//! When many rooms are taken: `GetUserAvailability`. The answer is a hint, and a room that is missing in it has failed.
//!
//! The request acts as one of the rooms, another one every ten seconds, so that not always the same mailbox pays for it, and one whose
//! requests hang spoils one answer; one that may not be impersonated tells its own failure, and the next one is tried. Its server asks
//! the others'.

use jiff::{SignedDuration, Timestamp};

use super::call::{Caller, Refusal};
use super::error::ExchangeError;
use super::locate;
use super::places::Place;
use super::sign_in::Exchange;
use crate::calendar::looks::Told;
use crate::calendar::{BusyRequest, CalendarError};
use crate::ews::ask::Ask;
use crate::ews::ask::availability::{ROOMS_MAX, SPAN_DAYS_MAX};
use crate::ews::code::Class;
use crate::ews::told::{Reply, ToldFault};
use crate::model::{Failure, RoomEmail, Scope, Window};

/// Rooms tried to act as, for one request.
const ANCHORS_MAX: usize = 3;

/// Asks when rooms are taken.
///
/// # Errors
/// When nothing is known of any of them.
pub(in crate::calendar) async fn busy(exchange: Exchange<'_>, request: &BusyRequest) -> Result<Told, CalendarError> {
    let caller = Caller::new(exchange);
    let window = at_most(request.window);
    let service = request.integration.name.as_str();
    let learned = &request.access.sign_ins;
    let mut at_once = learned.rooms_at_once(service).unwrap_or(ROOMS_MAX).clamp(1, ROOMS_MAX);
    let mut told = Told::new();
    let mut rest = request.rooms.as_slice();
    while !rest.is_empty() {
        let (rooms, later) = rest.split_at(at_once.min(rest.len()));
        match about(&caller, rooms, window, exchange.now).await {
            Ok(answers) => told.extend(answers),
            Err(TooMany::Rooms) if rooms.len() > 1 => {
                at_once = rooms.len().div_ceil(2);
                learned.learn_rooms_at_once(service, at_once);
                continue;
            }
            Err(error) if told.is_empty() => return Err(error.into()),
            // What is known of the others stays known.
            Err(error) => {
                let failure = Failure::from(CalendarError::from(error)).about(Scope::Object);
                told.extend(rooms.iter().map(|room| (room.clone(), Err(failure.clone()))));
            }
        }
        rest = later;
    }
    Ok(told)
}

/// As much of the window as servers take.
fn at_most(window: Window) -> Window {
    let longest = window.from.saturating_add(SignedDuration::from_hours(24 * SPAN_DAYS_MAX));
    Window { to: longest.map_or(window.to, |longest| window.to.min(longest)), ..window }
}

/// Why a request about many rooms failed.
enum TooMany {
    /// The server does not take so many, or says too much about them.
    Rooms,
    /// It is something else.
    No(CalendarError),
}

impl From<TooMany> for CalendarError {
    fn from(why: TooMany) -> Self {
        match why {
            TooMany::Rooms => super::call::unreadable("the server does not even tell of one room"),
            TooMany::No(error) => error,
        }
    }
}

/// One request about `rooms`, and one more for each that may not be acted as.
async fn about(caller: &Caller<'_>, rooms: &[RoomEmail], window: Window, now: Timestamp) -> Result<Told, TooMany> {
    let mut rooms = rooms.to_vec();
    let mut told = Told::new();
    for _ in 0..ANCHORS_MAX {
        if rooms.is_empty() {
            return Ok(told);
        }
        let turn = usize::try_from(now.as_second() / 10).unwrap_or(0);
        let anchor = turn % rooms.len();
        let asked = match locate(caller, &rooms[anchor], None).await {
            Ok((place, _)) => ask(caller, &place, &rooms, &rooms[anchor], window).await,
            Err(error) => Err(TooMany::No(error.into())),
        };
        match asked {
            Ok(answers) => {
                told.extend(answers);
                return Ok(told);
            }
            Err(TooMany::No(CalendarError::Exchange(error))) if error.is_of_the_mailbox() => {
                let room = rooms.remove(anchor);
                if matches!(error, ExchangeError::Moved(..)) {
                    caller.memory.places.forget(&caller.mailbox(&room), now);
                }
                told.push((room, Err(Failure::from(error).about(Scope::Object))));
            }
            Err(error) => return Err(error),
        }
    }
    let unasked =
        Failure::retry("CalendarUnreadable", "the account may act as none of the rooms that it asked through");
    told.extend(rooms.into_iter().map(|room| (room, Err(unasked.clone()))));
    Ok(told)
}

async fn ask(
    caller: &Caller<'_>,
    place: &Place,
    rooms: &[RoomEmail],
    anchor: &RoomEmail,
    window: Window,
) -> Result<Told, TooMany> {
    let ask = Ask::availability(rooms, window);
    let ask = ask.map_err(|fault| TooMany::No(CalendarError::Unreadable(fault.to_string())))?;
    let raw = match caller.raw(place, anchor, &ask).await {
        Ok(raw) => raw,
        // One that is late may be late because of the room that is acted as: whoever asks again asks through another one.
        Err(Refusal::TooLarge(_)) if rooms.len() > 1 => return Err(TooMany::Rooms),
        Err(refusal) => return Err(refused(caller, refusal, anchor)),
    };
    let body = &raw.response.body;
    caller.exchange.access.looks.read(rooms, body, |_| {
        let reply = Reply::read(body).map_err(|fault| refused(caller, caller.fault(fault), anchor))?;
        let told = reply.busy(rooms.len()).map_err(|fault| match fault {
            ToldFault::Said(said) => refused(caller, Refusal::Said(said), anchor),
            fault => TooMany::No(caller.lacking(fault, anchor)),
        })?;
        let each = rooms.iter().zip(told).map(|(room, told)| {
            // Whatever it says is about this room's free times, not about the account.
            let failure = |said| Failure::from(caller.said(&said, room)).about(Scope::Object);
            (room.clone(), told.map_err(failure))
        });
        Ok(each.collect())
    })
}

fn refused(caller: &Caller<'_>, refusal: Refusal, anchor: &RoomEmail) -> TooMany {
    match refusal {
        Refusal::Said(said) if said.class() == Class::TooMuch => TooMany::Rooms,
        refusal => TooMany::No(caller.refused(refusal, anchor)),
    }
}
