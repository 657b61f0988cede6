//! When each object is to be looked at again. Objects that are not due cost nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{EndpointName, IntegrationName, Mono, RoomKey};

/// What the loop plans for, one at a time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// The configuration directory.
    Documents,
    /// A room.
    Room(RoomKey),
    /// An endpoint.
    Endpoint(EndpointName),
    /// A calendar service whose requests are paced: it says which room is read next.
    Integration(IntegrationName),
    /// Rooms that one request asks about.
    Batch(Batch),
    /// A place that an endpoint left and that is to be cleared, by its record name.
    OldPlace(String),
}

/// Rooms of a calendar service that one request asks about, by number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Batch {
    /// Whose.
    pub integration: IntegrationName,
    /// Which.
    pub number: usize,
}

/// The due queue: each object at most once.
#[derive(Debug, Default)]
pub struct Due {
    by_time: BTreeSet<(Mono, Object)>,
    by_object: BTreeMap<Object, Mono>,
}

impl Due {
    /// Look at `object` at `at`, whatever was set before; [`Mono::NEVER`]: only when touched.
    pub fn set(&mut self, object: Object, at: Mono) {
        self.forget(&object);
        if at != Mono::NEVER {
            self.by_time.insert((at, object.clone()));
            self.by_object.insert(object, at);
        }
    }

    /// Look at `object` now.
    pub fn touch(&mut self, object: Object) {
        self.set(object, Mono::default());
    }

    /// Do not look at `object` any more.
    pub fn forget(&mut self, object: &Object) {
        if let Some((object, at)) = self.by_object.remove_entry(object) {
            self.by_time.remove(&(at, object));
        }
    }

    /// Takes the most overdue object, if one is due at `now`, and when it was due.
    pub fn pop_ready(&mut self, now: Mono) -> Option<(Object, Mono)> {
        if self.by_time.first()?.0 > now {
            return None;
        }
        let (at, object) = self.by_time.pop_first()?;
        self.by_object.remove(&object);
        Some((object, at))
    }

    /// When the next object is due.
    #[must_use]
    pub fn next(&self) -> Mono {
        self.by_time.first().map_or(Mono::NEVER, |(at, _)| *at)
    }

    /// How many objects wait for their time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_object.len()
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_object.is_empty()
    }
}
