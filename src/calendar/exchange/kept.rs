//! Events that were read a while ago, by what the list says of them: as long as that is the same, they are, too, and need not be asked
//! for again. Kept in memory, shared by all readings, within a fixed number of bytes: without them a reading asks for everything.
//!
//! The key is a digest of all that a list tells of an item, its id and change key among it. The change key alone would not do: all
//! occurrences of a series have that of their series.
//!
//! *Design note.* The store has the texts, too, but a reader has no access to it, and shall have none. A restart therefore costs one
//! request more for every ten events of a room that changes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::model::{Body, Digest, Event};

/// Bytes of each of the two halves. The older one goes when the younger one is full.
const HALF_BYTES: usize = 48 << 20;

/// What an event takes beside its texts, about.
const EACH_BYTES: usize = 600;

/// See the module. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Halves>>);

#[derive(Default)]
struct Halves {
    young: HashMap<Digest, Read>,
    bytes: usize,
    old: HashMap<Digest, Read>,
}

#[derive(Clone)]
struct Read {
    /// `None`: it is cancelled, or the room declined.
    event: Option<Event>,
    at: Timestamp,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    /// What was read under this key, not before `since`; the inner `None`: it is cancelled, or the room declined.
    pub(super) fn get(&self, key: &Digest, since: Timestamp) -> Option<Option<Event>> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = halves.young.get(key) {
            return (read.at >= since).then(|| read.event.clone());
        }
        let read = halves.old.remove(key).filter(|read| read.at >= since)?;
        halves.put(*key, read.clone(), HALF_BYTES);
        Some(read.event)
    }

    /// This was read under this key.
    pub(super) fn put(&self, key: Digest, event: Option<Event>, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, Read { event, at }, HALF_BYTES);
    }
}

impl Halves {
    fn put(&mut self, key: Digest, read: Read, half: usize) {
        let bytes = read.event.as_ref().map_or(EACH_BYTES, bytes_of);
        if self.bytes + bytes > half {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.young.insert(key, read);
    }
}

fn bytes_of(event: &Event) -> usize {
    let body = match &event.body {
        Body::None => 0,
        Body::Text(text) | Body::Html(text) => text.expose().len(),
    };
    let properties = event.properties.values().map(|value| value.as_str().map_or(16, str::len) + 64);
    EACH_BYTES + body + event.subject.expose().len() + event.location.expose().len() + properties.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Digest {
        Digest::of([&number.to_be_bytes()[..]])
    }

    #[test]
    fn what_was_used_lately_stays_and_the_rest_goes_within_the_bytes() {
        let mut halves = Halves::default();
        // Ten fit into a half.
        for number in 0..25 {
            halves.put(key(number), Read { event: None, at: Timestamp::UNIX_EPOCH }, 10 * EACH_BYTES);
            assert!(halves.young.len() <= 10 && halves.old.len() <= 10);
        }
        let kept = |number| halves.young.contains_key(&key(number)) || halves.old.contains_key(&key(number));
        assert!((10..25).all(kept) && !(0..10).any(kept));
    }

    #[test]
    fn an_event_that_is_gone_is_known_to_be_gone_and_what_is_too_old_is_not_known() {
        let (kept, early, late) = (Kept::default(), Timestamp::UNIX_EPOCH, Timestamp::MAX);
        assert_eq!(kept.get(&key(1), early), None);
        kept.put(key(1), None, early);
        assert_eq!(kept.get(&key(1), early), Some(None));
        assert_eq!(kept.get(&key(1), late), None);
    }
}
