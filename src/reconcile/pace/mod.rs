//! Who is read next, when requests are counted. In: rooms, what became of their reads, reasons to look. Out: one turn at a time
//! for each calendar service that has a quota, and when to ask again.
//!
//! Services without a quota are not paced: their rooms are read every half minute, each by its own due time.
//!
//! Nothing here reads a clock or performs anything; the planner asks [`Pace::next`] when a service is due, begins what it is
//! told, and tells how it ended with [`Pace::step_ended`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::service::Service;
use crate::model::{Agenda, Busy, Desired, Failure, IntegrationName, Mono, Now, RoomEmail, RoomKey, Window};

use super::due::{Batch, Object};

/// Why a room is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// An operator asked, the room is new, or a suspicious reading needs a second look.
    Asked,
    /// Something said that it changed.
    Changed,
    /// A meeting starts soon.
    Starts,
    /// It changed a moment ago: changes come in bursts.
    Follows,
    /// Its turn.
    Turn,
}

/// What a calendar service is asked next.
#[derive(Debug)]
pub enum Turn {
    /// Read this room.
    Read {
        /// Which.
        room: RoomKey,
        /// With which account.
        account: usize,
        /// Why.
        why: Why,
    },
    /// Ask when these rooms are taken.
    Busy {
        /// Which group.
        batch: Batch,
        /// Its rooms.
        rooms: Vec<RoomEmail>,
        /// For which span.
        window: Window,
        /// With which account.
        account: usize,
    },
    /// Nothing before then.
    Later(Mono),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Pace {
    sites: BTreeMap<IntegrationName, Site>,
}

/// One calendar service with a quota.
#[derive(Debug, Default)]
struct Site {
    rooms: BTreeMap<RoomKey, (Mono, Why)>,
    queue: BTreeSet<(Mono, RoomKey)>,
    under_way: BTreeSet<Object>,
}

impl Pace {
    /// Takes up the rooms of a new wish, and forgets those that are gone.
    pub fn adopt(&mut self, desired: &Desired, now: Now) {
        let paced = |name: &IntegrationName| {
            desired.integrations.get(name).is_some_and(|integration| is_paced(&integration.service))
        };
        self.sites.retain(|name, _| paced(name));
        for name in desired.integrations.keys().filter(|name| paced(name)) {
            self.sites.entry(name.clone()).or_default();
        }
        for site in self.sites.values_mut() {
            let gone: Vec<RoomKey> =
                site.rooms.keys().filter(|key| !desired.rooms.contains_key(key)).cloned().collect();
            for key in gone {
                site.forget(&key);
            }
        }
        for key in desired.rooms.keys() {
            if let Some(site) = self.sites.get_mut(&key.integration)
                && !site.rooms.contains_key(key)
            {
                site.set(key, now.mono, Why::Asked);
            }
        }
    }

    /// Whether the reads of this service are decided here.
    #[must_use]
    pub fn paces(&self, integration: &IntegrationName) -> bool {
        self.sites.contains_key(integration)
    }

    /// What to ask this service now. What is answered counts as begun.
    pub fn next(&mut self, integration: &IntegrationName, now: Now) -> Turn {
        let Some(site) = self.sites.get_mut(integration) else { return Turn::Later(Mono::NEVER) };
        let Some((due, room)) = site.queue.first().cloned() else { return Turn::Later(Mono::NEVER) };
        if due > now.mono {
            return Turn::Later(due);
        }
        let why = site.rooms.get(&room).map_or(Why::Turn, |(_, why)| *why);
        site.set(&room, now.mono + Duration::from_mins(5), Why::Turn);
        site.under_way.insert(Object::Room(room.clone()));
        Turn::Read { room, account: 0, why }
    }

    /// A reason to read `room` at `at`, or sooner when it is to be read sooner anyway.
    pub fn ask(&mut self, room: &RoomKey, why: Why, at: Mono) {
        if let Some(site) = self.sites.get_mut(&room.integration)
            && site.rooms.get(room).is_none_or(|(due, _)| at < *due)
        {
            site.set(room, at, why);
        }
    }

    /// `room` cannot be read before `until`: another step is under way, it is suspended, or its last read failed.
    pub fn put_off(&mut self, room: &RoomKey, until: Mono) {
        if let Some(site) = self.sites.get_mut(&room.integration) {
            site.under_way.remove(&Object::Room(room.clone()));
            let why = site.rooms.get(room).map_or(Why::Turn, |(_, why)| *why);
            site.set(room, until, why);
        }
    }

    /// A step that was begun on the answer of [`Pace::next`] ended, after so many requests.
    pub fn step_ended(&mut self, object: &Object, requests: u32, failure: Option<&Failure>, now: Now) {
        let _ = (requests, failure, now);
        let integration = match object {
            Object::Room(key) => &key.integration,
            Object::Batch(batch) => &batch.integration,
            _ => return,
        };
        if let Some(site) = self.sites.get_mut(integration) {
            site.under_way.remove(object);
        }
    }

    /// `room` was read completely; `changed`: it is not what it was.
    pub fn was_read(&mut self, room: &RoomKey, agenda: &Agenda, changed: bool, now: Now) {
        let _ = (room, agenda, changed, now);
    }

    /// What a group of rooms said about when they are taken.
    pub fn busy_told(&mut self, batch: &Batch, told: &[(RoomEmail, Result<Busy, Failure>)], now: Now) {
        let _ = (batch, told, now);
    }

    /// When `room` is read next, as far as can be said, and why.
    #[must_use]
    pub fn next_read(&self, room: &RoomKey) -> Option<(Mono, Why)> {
        self.sites.get(&room.integration)?.rooms.get(room).copied()
    }
}

impl Site {
    fn set(&mut self, room: &RoomKey, at: Mono, why: Why) {
        self.forget(room);
        self.rooms.insert(room.clone(), (at, why));
        self.queue.insert((at, room.clone()));
    }

    fn forget(&mut self, room: &RoomKey) {
        if let Some((at, _)) = self.rooms.remove(room) {
            self.queue.remove(&(at, room.clone()));
        }
    }
}

fn is_paced(service: &Service) -> bool {
    match service {
        Service::Google(_) | Service::Graph(_) => true,
        Service::CalDav(spec) => spec.max_requests_per_day.is_some(),
        // Read with a pace of their own.
        Service::Exchange(_) | Service::Ics => false,
    }
}
