//! One room is subscribed, or its subscription given back; and what a refusal of Exchange means for those who listen.

use super::super::call::{Caller, Refusal};
use super::super::places::Place;
use super::affinity::Affinity;
use super::service::Line;
use crate::calendar::CalendarError;
use crate::ews::ask::Ask;
use crate::ews::told::Reply;
use crate::http::HeaderMap;
use crate::model::{Failure, RoomEmail, Scope};

/// Whom a refusal is about.
#[derive(Debug)]
pub(super) enum Refused {
    /// The room, which is served elsewhere by now.
    Elsewhere(Failure),
    /// The room alone.
    Room(Failure),
    /// All rooms.
    All(Failure),
}

impl Refused {
    /// Of a question about one room.
    pub(super) fn of(error: CalendarError, may_be_found: bool) -> Self {
        match error {
            CalendarError::Exchange(error) if error.is_elsewhere() && may_be_found => Self::Elsewhere(error.into()),
            error => {
                let failure = Failure::from(error);
                if failure.scope == Scope::Object { Self::Room(failure) } else { Self::All(failure) }
            }
        }
    }
}

/// Subscribes `room`: the id, and the headers of the answer.
pub(super) async fn subscribe(
    line: &Line,
    place: &Place,
    room: &RoomEmail,
    affinity: &Affinity,
) -> Result<(String, HeaderMap), Refused> {
    let _turn = line.turns.acquire().await;
    let access = line.access();
    let caller = line.caller(&access);
    let refused = |error| Refused::of(error, line.spec.ews_url.is_none());
    let raw = caller.raw_at(place, room, &Ask::subscribe_to_stream(), &affinity.whither()).await;
    let raw = raw.map_err(|refusal| refused(caller.refused(refusal, room)))?;
    let reply = Reply::read(&raw.response.body);
    let reply = reply.map_err(|fault| refused(caller.refused(caller.fault(fault), room)))?;
    let subscription = reply.subscribed().map_err(|fault| refused(caller.lacking(fault, room)))?;
    Ok((subscription.id, raw.response.headers.clone()))
}

/// Gives a subscription back. Whether Exchange answered, whatever it said: one that is not given back ends by itself.
pub(super) async fn unsubscribe(line: &Line, place: &Place, room: &RoomEmail, affinity: &Affinity, id: &str) -> bool {
    let _turn = line.turns.acquire().await;
    let access = line.access();
    let caller: Caller<'_> = line.caller(&access);
    let answer = caller.raw_at(place, room, &Ask::unsubscribe(id), &affinity.whither()).await;
    matches!(answer, Ok(_) | Err(Refusal::Said(_)))
}
