//! What is in a calendar: ids, change keys, times. A room and a window in; every item of it, proven, or the reason why not out.
//!
//! A view has no pages. One that does not end where it should (`IncludesLastItemInRange`), or is larger than the server likes, is asked
//! for in halves, and so on; what is in two of them counts once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::call::{Caller, Refusal, Told, unreadable};
use super::places::Place;
use crate::calendar::CalendarError;
use crate::ews::ask::Ask;
use crate::ews::code::Class;
use crate::ews::told::ToldFault;
use crate::ews::told::item::{Broken, Item, Occurrence};
use crate::model::{Digest, LeftOutWhy, RoomEmail, Window};

/// Most items of one answer: what Exchange's throttling lets one caller hold in memory (`EwsFindCountLimit`).
/// See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange>.
const ITEMS_MAX: u32 = 1000;

/// Most requests for one window.
const REQUESTS_MAX: usize = 64;

/// The shortest span that is halved.
const SPAN_MIN: SignedDuration = SignedDuration::from_mins(2);

/// A calendar's items, sorted by id.
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
    /// Over all that the list says of them.
    pub(super) digest: Digest,
    /// What the server said the time is, where that can be believed.
    pub(super) server_date: Option<Timestamp>,
}

/// One of them.
pub(super) struct Entry {
    pub(super) id: String,
    /// Over all that the list says of it.
    pub(super) digest: Digest,
    pub(super) uid: Option<String>,
    /// Where it begins, as far as is told.
    pub(super) start: Option<Timestamp>,
    /// It is cancelled, or the room declined.
    pub(super) gone: Option<LeftOutWhy>,
    /// Where it ends, as far as is told.
    pub(super) end: Option<Timestamp>,
}

/// Lists what is in the calendar of `room` within `window`.
///
/// # Errors
/// When the answers do not prove that everything is there.
pub(super) async fn list(
    caller: &Caller<'_>,
    place: &Place,
    room: &RoomEmail,
    window: Window,
) -> Result<List, CalendarError> {
    let mut spans = vec![window];
    let mut found: BTreeMap<String, Entry> = BTreeMap::new();
    let mut date = None;
    for _ in 0..REQUESTS_MAX {
        let Some(span) = spans.pop() else {
            let entries: Vec<Entry> = found.into_values().collect();
            let digest = Digest::of(entries.iter().map(|entry| entry.digest.0.as_slice()));
            return Ok(List { entries, digest, server_date: date });
        };
        match part(caller, place, room, span).await? {
            Some((entries, server_date)) => {
                found.extend(entries.into_iter().map(|entry| (entry.id.clone(), entry)));
                date = server_date.or(date);
            }
            None => spans.extend(halves(span)?),
        }
    }
    Err(unreadable("it holds more than the server tells in 64 parts"))
}

/// The items of a span; `None`: not all of them.
async fn part(
    caller: &Caller<'_>,
    place: &Place,
    room: &RoomEmail,
    span: Window,
) -> Result<Option<(Vec<Entry>, Option<Timestamp>)>, CalendarError> {
    let Told { reply, server_date } = match caller.ask(place, room, &Ask::list(span, ITEMS_MAX)).await {
        Ok(told) => told,
        Err(Refusal::Said(said)) if said.class() == Class::TooMuch => return Ok(None),
        Err(refusal) => return Err(caller.refused(refusal, room)),
    };
    match reply.found() {
        Ok(found) if !found.complete => Ok(None),
        Ok(found) => {
            let entries = found.entries.into_iter().map(entry).collect::<Result<_, _>>()?;
            Ok(Some((entries, server_date)))
        }
        Err(ToldFault::Said(said)) if said.class() == Class::TooMuch => Ok(None),
        Err(fault) => Err(caller.lacking(fault, room)),
    }
}

/// The later half first: the sooner one is taken from the end.
fn halves(span: Window) -> Result<[Window; 2], CalendarError> {
    let length = span.to.duration_since(span.from);
    if length < SPAN_MIN {
        return Err(unreadable("the server does not tell everything of it, however short the span"));
    }
    // Whole seconds: requests have no others.
    let middle = Timestamp::from_second(span.from.as_second() + length.as_secs() / 2);
    let middle = middle.map_err(|_| unreadable("the span ends after all time"))?;
    Ok([Window { from: middle, to: span.to }, Window { from: span.from, to: middle }])
}

fn entry(listed: Result<Item, Broken>) -> Result<Entry, CalendarError> {
    match listed {
        // Its occurrences are missing then.
        Ok(item) if item.occurrence == Some(Occurrence::RecurringMaster) => {
            Err(unreadable("the answer holds a series instead of its occurrences"))
        }
        Ok(item) => Ok(Entry {
            digest: digest(&item),
            gone: super::event::is_gone(&item),
            end: item.end,
            id: item.key.id,
            uid: item.uid,
            start: item.start,
        }),
        Err(Broken { key: Some(key), uid }) => {
            let digest = Digest::of([key.id.as_bytes(), key.change_key.as_bytes()]);
            Ok(Entry { id: key.id, digest, uid, start: None, end: None, gone: None })
        }
        Err(Broken { key: None, .. }) => Err(unreadable("the answer holds an item without an identity")),
    }
}

fn digest(item: &Item) -> Digest {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let rest = format!(
        "{} {} {} {:?} {:?} {:?} {:?} {} {}",
        time(item.start),
        time(item.end),
        time(item.original_start),
        item.occurrence,
        item.sensitivity,
        item.show,
        item.response,
        item.all_day,
        item.cancelled,
    );
    let uid = item.uid.as_deref().unwrap_or_default();
    let texts = [&item.key.id, &item.key.change_key, uid, item.subject.expose(), &time(item.last_modified), &rest];
    Digest::of(texts.map(str::as_bytes))
}
