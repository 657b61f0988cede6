//! The last answers about many rooms at once. Most looks of a day bring the very bytes of the look before: these are recognised
//! by a hash, and not read again.
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
    by_first: Mutex<HashMap<RoomEmail, (u64, Arc<Told>)>>,
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Looks")
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
        read: impl FnOnce() -> Result<Told, E>,
    ) -> Result<Told, E> {
        let Some(first) = rooms.first() else { return read() };
        let hash = self.0.hash.hash_one(body);
        let kept = || self.0.by_first.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept().get(first).filter(|(last, _)| *last == hash).map(|(_, told)| told.clone());
        // The same first room can stand before others by now.
        if let Some(told) = last.filter(|told| told.iter().map(|(room, _)| room).eq(rooms)) {
            return Ok((*told).clone());
        }
        let told = read()?;
        // A failure tells who asked, which may be another account the next time.
        if told.iter().any(|(_, told)| told.is_err()) {
            return Ok(told);
        }
        let mut kept = kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(first.clone(), (hash, Arc::new(told.clone())));
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_about_the_same_rooms_are_read_once() {
        let looks = Looks::default();
        let [one, two] = ["a@example.com", "b@example.com"].map(|room| RoomEmail::parse(room).unwrap());
        let mut reads = 0;
        let mut look = |rooms: &[RoomEmail], body: &[u8]| {
            let told = looks.read(rooms, body, || {
                reads += 1;
                Ok::<_, ()>(rooms.iter().map(|room| (room.clone(), Ok(Busy::default()))).collect())
            });
            (told.unwrap().len(), reads)
        };
        let both = [one.clone(), two.clone()];
        let seen = [
            look(&both, b"x"),
            look(&both, b"x"),
            look(&both, b"y"),
            look(&both, b"x"),
            look(&[one], b"x"),
            look(&[two], b"x"),
        ];
        assert_eq!(seen, [(2, 1), (2, 1), (2, 2), (2, 3), (1, 4), (1, 5)]);
    }
}
