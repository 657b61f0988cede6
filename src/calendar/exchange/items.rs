//! What is known of the items of a list: those that are as they were come from memory, the others from the server, ten in a request.
//!
//! An item that fails alone keeps its previous form, and costs its neighbours nothing: an answer that is too large or cannot be read is
//! asked for item by item. What is wrong with the mailbox, the account or the server is a failed reading.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::call::{Caller, Refusal, unreadable};
use super::event::{event, uid_of};
use super::kept::Room;
use super::list::Entry;
use super::places::Place;
use crate::calendar::CalendarError;
use crate::ews::ask::Ask;
use crate::ews::ask::items::{ITEMS_MAX, Text};
use crate::ews::code::{self, Class};
use crate::ews::told::item::Item;
use crate::ews::told::items::NoItem;
use crate::model::{Digest, Event, RoomEmail};

/// A reading that is to believe nothing takes what was read so lately all the same: it may be one that was too long for its step, and
/// goes on where that one ended.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What the items of a list are.
#[derive(Default)]
pub(super) struct Items {
    pub(super) events: Vec<Event>,
    /// UIDs of those that are there and could not be understood.
    pub(super) unreadable: Vec<String>,
    /// Some of them may be had later, without having changed.
    pub(super) passing: bool,
}

/// Everything of `entries`. `fresh`: from the server, whatever is in memory for longer than a few minutes.
///
/// # Errors
/// When something else is wrong than single items.
pub(super) async fn items(
    caller: &Caller<'_>,
    place: &Place,
    room: &RoomEmail,
    entries: &[Entry],
    zone: Option<&TimeZone>,
    fresh: bool,
) -> Result<Items, CalendarError> {
    let known = caller.memory.kept.room(Digest::of([&caller.service.0[..], room.as_str().as_bytes()]));
    let mut reader = Reader { caller, place, room, zone, known, items: Items::default() };
    let since = if fresh { caller.exchange.now - FRESH_FOR } else { Timestamp::MIN };
    let mut missing = Vec::new();
    for entry in entries.iter().filter(|entry| entry.gone.is_none()) {
        match reader.known.get(&reader.key(entry), since) {
            Some(event) => reader.items.events.extend(event),
            None => missing.push(entry),
        }
    }
    let mut batches: VecDeque<&[&Entry]> = missing.chunks(ITEMS_MAX).collect();
    while let Some(batch) = batches.pop_front() {
        reader.batch(batch).await?;
    }
    Ok(reader.items)
}

struct Reader<'a> {
    caller: &'a Caller<'a>,
    place: &'a Place,
    room: &'a RoomEmail,
    zone: Option<&'a TimeZone>,
    known: Room,
    items: Items,
}

/// What came of a request.
enum Batch {
    Told(Vec<Result<Item, NoItem>>),
    /// None of it can be read; perhaps less can, or the same later.
    Whole {
        error: CalendarError,
        passing: bool,
    },
}

impl Reader<'_> {
    /// What an item is kept under: all that the list says of it, and what else decides the event.
    fn key(&self, entry: &Entry) -> Digest {
        let zone = self.zone.and_then(TimeZone::iana_name).unwrap_or_default();
        Digest::of([zone.as_bytes(), &entry.digest.0])
    }

    async fn batch(&mut self, entries: &[&Entry]) -> Result<(), CalendarError> {
        match self.ask(entries).await? {
            Batch::Told(told) => {
                let stopped = self.take(entries, told)?;
                self.one_by_one(&stopped).await?;
            }
            Batch::Whole { passing, .. } if entries.len() == 1 => self.broken(entries[0], passing),
            // Where not one can be had alone, either, it is not the items that are broken.
            Batch::Whole { error, .. } => {
                if self.one_by_one(entries).await? == 0 {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// How many of them were told about.
    async fn one_by_one(&mut self, entries: &[&Entry]) -> Result<usize, CalendarError> {
        let mut told_about = 0;
        for entry in entries {
            match self.ask(&[*entry]).await? {
                Batch::Told(told) => {
                    told_about += 1;
                    if !self.take(&[*entry], told)?.is_empty() {
                        self.broken(entry, true);
                    }
                }
                Batch::Whole { passing, .. } => self.broken(entry, passing),
            }
        }
        Ok(told_about)
    }

    async fn ask(&self, entries: &[&Entry]) -> Result<Batch, CalendarError> {
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        let ask = Ask::items(&ids, Text::Html).map_err(|fault| CalendarError::Unreadable(fault.to_string()))?;
        match self.caller.ask(self.place, self.room, &ask).await {
            Ok(told) => match told.reply.items(ids.len()) {
                Ok(told) => Ok(Batch::Told(told)),
                Err(fault) => Err(self.caller.lacking(fault, self.room)),
            },
            Err(refusal @ (Refusal::TooLarge(_) | Refusal::Unreadable(_))) => {
                let passing = matches!(refusal, Refusal::Unreadable(_));
                Ok(Batch::Whole { error: self.caller.refused(refusal, self.room), passing })
            }
            Err(refusal) => Err(self.caller.refused(refusal, self.room)),
        }
    }

    /// Takes up what was told. Hands back what the server did not look at, because another item stopped it.
    fn take<'e>(
        &mut self,
        entries: &[&'e Entry],
        told: Vec<Result<Item, NoItem>>,
    ) -> Result<Vec<&'e Entry>, CalendarError> {
        let mut stopped = Vec::new();
        for (entry, told) in entries.iter().zip(told) {
            match told {
                Ok(item) if item.key.id != entry.id => {
                    return Err(unreadable("the server answers about other items than it was asked about"));
                }
                Ok(item) => match event(item, self.zone) {
                    Ok(event) => {
                        self.known.put(&self.key(entry), event.clone(), self.caller.exchange.now);
                        self.items.events.extend(event);
                    }
                    Err(super::event::Broken) => self.broken(entry, false),
                },
                // The next list tells whether it is gone.
                Err(no) if no.is_not_there() => self.broken(entry, true),
                Err(NoItem::Broken(_)) => self.broken(entry, false),
                Err(NoItem::Said(said)) if said.code() == "ErrorBatchProcessingStopped" => stopped.push(*entry),
                Err(NoItem::Said(said)) if said.class() == Class::Item => self.broken(entry, false),
                // A server says so of items that it stumbles over, too.
                Err(NoItem::Said(said)) if is_any(said.code()) && said.back_off().is_none() => self.broken(entry, true),
                Err(NoItem::Said(said)) => return Err(self.caller.said(&said, self.room).into()),
            }
        }
        Ok(stopped)
    }

    fn broken(&mut self, entry: &Entry, passing: bool) {
        self.items.unreadable.push(uid_of(entry.uid.as_deref(), &entry.id));
        self.items.passing |= passing;
    }
}

/// Codes that say nothing about what is wrong.
fn is_any(code: &str) -> bool {
    code == "ErrorInternalServerError" || !code::is_known(code)
}
