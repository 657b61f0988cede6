//! The last answers about many rooms at once. Most looks of a day bring the very bytes of the look before: these are recognised
//! by a hash, and not read again; nor is what such an answer says of a room, where it says the same as before.
//!
//! An answer is kept by the room that was named first, so there is one for each group of rooms. The hash is keyed anew in each
//! process; two answers with one hash would hide a change until the room's next reading, which comes in any case.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;

use crate::model::{Busy, Failure, RoomEmail};

/// Most answers kept: of 40,000 rooms in twenties, and as many again.
const KEPT_MAX: usize = 4096;

/// What was said of each room.
pub(super) type Told = Vec<(RoomEmail, Result<Busy, Failure>)>;

/// See the module. Cloning shares it.
#[derive(Clone, Default)]
pub struct Looks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    hash: RandomState,
    by_first: Mutex<HashMap<RoomEmail, Arc<Look>>>,
}

/// An answer, and what was read in it.
#[derive(Default)]
struct Look {
    hash: u64,
    told: Told,
    /// Of what stood there about each room.
    parts: Vec<u64>,
}

/// The last answer about the same rooms, while the next one is read.
pub(super) struct Last<'a> {
    hash: &'a RandomState,
    look: Option<&'a Look>,
    parts: Vec<u64>,
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Looks")
    }
}

impl Last<'_> {
    /// What `part` of an answer tells of the next room, in the order of the rooms: read by `read`, unless the last answer had the
    /// same part about it.
    pub(super) fn part(
        &mut self,
        part: Option<&str>,
        read: impl FnOnce() -> Result<Busy, Failure>,
    ) -> Result<Busy, Failure> {
        let (place, hash) = (self.parts.len(), self.hash.hash_one(part));
        self.parts.push(hash);
        match self.look.filter(|look| look.parts.get(place) == Some(&hash)).and_then(|look| look.told.get(place)) {
            Some((_, Ok(busy))) => Ok(busy.clone()),
            _ => read(),
        }
    }
}

impl Looks {
    /// What `body` tells of `rooms`: read by `read`, unless the last answer about them was the same.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn read<E>(
        &self,
        rooms: &[RoomEmail],
        body: &[u8],
        read: impl FnOnce(&mut Last<'_>) -> Result<Told, E>,
    ) -> Result<Told, E> {
        let hash = self.0.hash.hash_one(body);
        let kept = || self.0.by_first.lock().unwrap_or_else(PoisonError::into_inner);
        let last = rooms.first().and_then(|first| kept().get(first).cloned());
        // The same first room can stand before others by now.
        let last = last.filter(|last| last.told.iter().map(|(room, _)| room).eq(rooms));
        if let Some(last) = last.as_ref().filter(|last| last.hash == hash) {
            return Ok(last.told.clone());
        }
        let mut parts = Last { hash: &self.0.hash, look: last.as_deref(), parts: Vec::with_capacity(rooms.len()) };
        let told = read(&mut parts)?;
        let parts = parts.parts;
        // A failure tells who asked, which may be another account the next time.
        if let Some(first) = rooms.first().filter(|_| told.iter().all(|(_, told)| told.is_ok())) {
            let mut kept = kept();
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(first.clone(), Arc::new(Look { hash, told: told.clone(), parts }));
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rooms `a`, `b`… and an answer with a letter for each; what was read of it anew.
    fn look(looks: &Looks, rooms: &str, body: &str) -> String {
        let rooms: Vec<_> =
            rooms.chars().map(|room| RoomEmail::parse(&format!("{room}@example.com")).unwrap()).collect();
        let mut read = String::new();
        let told = looks.read(&rooms, body.as_bytes(), |last| {
            let parts = rooms.iter().zip(body.chars()).map(|(room, letter)| {
                let busy = last.part(Some(&letter.to_string()), || {
                    read.push(letter);
                    if letter == '!' { Err(Failure::retry("CalendarUnreadable", "")) } else { Ok(Busy::default()) }
                });
                (room.clone(), busy)
            });
            Ok::<_, ()>(parts.collect())
        });
        assert_eq!(told.unwrap().len(), rooms.len());
        read
    }

    #[test]
    fn only_what_differs_from_the_last_answer_about_the_same_rooms_is_read() {
        let looks = Looks::default();
        let seen = [("ab", "xy"), ("ab", "xy"), ("ab", "xz"), ("ab", "xz"), ("a", "x"), ("ba", "xz"), ("ba", "zz")]
            .map(|(rooms, body)| look(&looks, rooms, body));
        assert_eq!(seen, ["xy", "", "z", "", "x", "xz", "z"]);
    }

    #[test]
    fn an_answer_with_a_failure_is_not_kept() {
        let looks = Looks::default();
        assert_eq!([look(&looks, "ab", "x!"), look(&looks, "ab", "x!")], ["x!", "x!"]);
    }
}
