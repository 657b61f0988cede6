//! Exchange, read through EWS: room mailboxes by an account that may impersonate them, or by an app that may read all. A room and a
//! window in, a complete reading out, or when many rooms are taken.
//!
//! ```text
//!  room ─► discovery (places) ─► list: ids, change keys ─► same as last time? ─► Unchanged
//!                                                     └──► items: what is not kept, ten a request ─► Complete
//! ```
//!
//! A list is complete when the server says that it includes the last item of its range; every item of it is then asked for and
//! answered, or keeps its previous form. A mailbox that is served elsewhere now is looked up again, once, within the same reading.
//!
//! | file | is |
//! |---|---|
//! | `sign_in`, `refusal` | one request, signed in as documents say |
//! | `call` | one operation on one mailbox |
//! | `discovery`, `places` | where mailboxes are served, and what is remembered of it |
//! | `list`, `items`, `event`, `kept` | what is in a calendar, and what is remembered of it |
//! | `busy` | when many rooms are taken |
//! | `listen` | which rooms changed, told by Exchange itself |
//! | `error` | whose trouble it is, and what mends it |
//!
//! *Design note.* `SyncFolderItems` is not used: it tells of series, not of their occurrences, so that a change costs a list all the same,
//! and its state would have to be kept for each room. An unchanged room costs one request either way.

mod busy;
mod call;
pub mod discovery;
pub mod error;
mod event;
mod items;
mod kept;
mod list;
pub mod listen;
pub mod places;
pub mod refusal;
pub mod sign_in;

pub(super) use busy::busy;
pub use error::ExchangeError;

use super::{AgendaRequest, CalendarError, Mark, Reading};
use crate::ews::autodiscover::USERS_MAX;
use crate::model::agenda::EVENTS_MAX;
use crate::model::zone::named;
use crate::model::{Complete, Digest, LeftOut, Proof, RoomEmail};
use call::Caller;
use places::{Place, Places};
use sign_in::Exchange;

/// What all readings of the process share about Exchange.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    places: Places,
    kept: kept::Kept,
}

/// Reads a room's calendar.
///
/// # Errors
/// When the answers do not prove that everything of the window is there.
pub(super) async fn read(exchange: Exchange<'_>, request: &AgendaRequest) -> Result<Reading, CalendarError> {
    let caller = Caller::new(exchange);
    let room = &request.room.key.email;
    let stored = match request.earlier_mark() {
        Some(Mark::Mailbox { place, .. }) => Some(place),
        _ => None,
    };
    let (place, is_new) = locate(&caller, room, stored).await?;
    let (mailbox, places) = (caller.mailbox(room), &caller.memory.places);
    match at(&caller, &place, request).await {
        Err(CalendarError::Exchange(error)) if !is_new && error.is_elsewhere() => {
            places.forget(&mailbox, exchange.now);
            match locate(&caller, room, None).await {
                Ok((found, _)) if found != place => at(&caller, &found, request).await,
                // Nobody knows better, so far.
                _ => Err(error.into()),
            }
        }
        Err(CalendarError::Exchange(error)) if error.is_unreachable() => {
            if let Some(other) = place.other_way() {
                let done = at(&caller, &other, request).await;
                if !matches!(&done, Err(CalendarError::Exchange(error)) if error.is_unreachable()) {
                    places.turn(caller.service, &place);
                    return done;
                }
            }
            places.doubt(&mailbox, exchange.now);
            Err(error.into())
        }
        done => done,
    }
}

/// Where `room` is served, and whether that was found out just now, or is what documents say: asking again would tell nothing else.
async fn locate(caller: &Caller<'_>, room: &RoomEmail, stored: Option<&Place>) -> Result<(Place, bool), ExchangeError> {
    let (place, is_new) = looked_up(caller, room, stored).await?;
    Ok((caller.memory.places.turned(caller.service, place), is_new))
}

async fn looked_up(
    caller: &Caller<'_>,
    room: &RoomEmail,
    stored: Option<&Place>,
) -> Result<(Place, bool), ExchangeError> {
    if let Some(url) = &caller.exchange.spec.ews_url {
        return Ok((Place::at(url.clone(), None), true));
    }
    let (places, now) = (&caller.memory.places, caller.exchange.now);
    let mailbox = caller.mailbox(room);
    if let Some(place) = places.known(&mailbox, stored, now) {
        return Ok((place, false));
    }
    let site = (caller.service, discovery::domain(room).to_owned());
    let turn = places.wait(&site, room);
    let _turn = turn.lock().await;
    if let Some(told) = places.told(&mailbox, now) {
        return Ok((told?, true));
    }
    let rooms = places.take_waiting(&site, room, USERS_MAX);
    let mut own = None;
    for (other, outcome) in discovery::directions(caller, rooms).await {
        if other == *room {
            own = Some(outcome.clone());
        }
        if other != *room || outcome.is_ok() {
            places.tell(caller.mailbox(&other), outcome, now);
        }
    }
    let own = own.expect("there is an outcome of every room");
    Ok((own?, true))
}

async fn at(caller: &Caller<'_>, place: &Place, request: &AgendaRequest) -> Result<Reading, CalendarError> {
    let room = &request.room.key.email;
    let list::List { mut entries, digest, server_date } = list::list(caller, place, room, request.window).await?;
    if matches!(request.mark(), Some(Mark::Mailbox { digest: known, .. }) if *known == digest) {
        return Ok(Reading::Unchanged { server_date });
    }
    // An agenda keeps the soonest, and says that there are more when there is one more.
    let left_out = entries
        .iter()
        .filter_map(|entry| Some(LeftOut { start: entry.start?, end: entry.end?, why: entry.gone? }))
        .collect();
    entries.retain(|entry| entry.gone.is_none());
    entries.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    entries.truncate(EVENTS_MAX + 1);
    let zone = request.room.time_zone.as_deref().and_then(named);
    let items::Items { events, unreadable, passing } =
        items::items(caller, place, room, &entries, zone.as_ref(), request.fresh).await?;
    // What may be had later is asked for again although the list is the same: no list has this digest.
    let digest = if passing { Digest::of([&digest.0[..], b"and what may be had later"]) } else { digest };
    let cursor = Some(request.cursor(Mark::Mailbox { place: place.clone(), digest }));
    let proof = Proof::WholeRange;
    let complete = Complete { proof, window: request.window, events, unreadable, time_zone: None, left_out };
    Ok(Reading::Complete { complete, cursor, server_date })
}
