//! Events that were read a while ago, by what the list says of them: as long as that is the same, they are, too, and need not be asked
//! for again. Kept in memory, shared by all readings, within a fixed number of bytes: without them a reading asks for everything.
//!
//! The key is a digest of all that a list tells of an item, its id and change key among it. The change key alone would not do: all
//! occurrences of a series have that of their series.
//!
//! A room's events are kept compressed, as one text: invitations repeat each other, so that a room of seventy meetings takes some
//! kilobytes, and thousands of rooms stay. It is opened where a list differs from the last one, and only there.
//!
//! *Design note.* The store has the texts, too, but a reader has no access to it, and shall have none. A restart therefore costs one
//! request more for every ten events of a room that changes.

use std::collections::HashMap;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Digest, Event};

/// Bytes of each of the two halves. The older one goes when the younger one is full.
const HALF_BYTES: usize = 128 << 20;

/// What a room takes beside its text, about.
const EACH_BYTES: usize = 150;

/// See the module. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Halves>>);

/// The rooms, each with its compressed events.
#[derive(Default)]
struct Halves {
    young: HashMap<Digest, Arc<[u8]>>,
    bytes: usize,
    old: HashMap<Digest, Arc<[u8]>>,
}

/// A room's events, while it is read. When the reading ends, however it does, those of its list are kept, and no others.
pub(super) struct Room {
    kept: Kept,
    room: Digest,
    before: HashMap<Key, Read>,
    now: HashMap<Key, Read>,
    differs: bool,
}

/// Half a digest tells the items of one room apart.
type Key = [u64; 2];

#[derive(Clone, Serialize, Deserialize)]
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
    /// What is kept of a room.
    pub(super) fn room(&self, room: Digest) -> Room {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&room);
        let before = text.and_then(|text| opened(&text)).unwrap_or_default();
        Room { kept: self.clone(), room, before, now: HashMap::new(), differs: false }
    }
}

impl Room {
    /// What was read under this key, not before `since`; the inner `None`: it is cancelled, or the room declined.
    pub(super) fn get(&mut self, key: &Digest, since: Timestamp) -> Option<Option<Event>> {
        let read = self.before.remove(&short(key)).filter(|read| read.at >= since)?;
        let event = read.event.clone();
        self.now.insert(short(key), read);
        Some(event)
    }

    /// This was read under this key.
    pub(super) fn put(&mut self, key: &Digest, event: Option<Event>, at: Timestamp) {
        self.differs = true;
        self.now.insert(short(key), Read { event, at });
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.differs {
            let text = closed(&self.now);
            self.kept.0.lock().unwrap_or_else(PoisonError::into_inner).put(self.room, text, HALF_BYTES);
        }
    }
}

impl Halves {
    fn get(&mut self, room: &Digest) -> Option<Arc<[u8]>> {
        if let Some(text) = self.young.get(room) {
            return Some(text.clone());
        }
        let text = self.old.remove(room)?;
        self.put(*room, text.clone(), HALF_BYTES);
        Some(text)
    }

    fn put(&mut self, room: Digest, text: Arc<[u8]>, half: usize) {
        let size = |text: &Arc<[u8]>| text.len() + EACH_BYTES;
        if let Some(before) = self.young.remove(&room) {
            self.bytes -= size(&before);
        }
        self.old.remove(&room);
        if self.bytes + size(&text) > half {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += size(&text);
        self.young.insert(room, text);
    }
}

fn short(key: &Digest) -> Key {
    let part = |from: usize| key.0[from..from + 8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    [part(0), part(8)]
}

fn closed(events: &HashMap<Key, Read>) -> Arc<[u8]> {
    let list: Vec<(&Key, &Read)> = events.iter().collect();
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    // What cannot be written is not kept: it is asked for again.
    let written = serde_json::to_vec(&list).is_ok_and(|plain| encoder.write_all(&plain).is_ok());
    encoder.finish().ok().filter(|_| written).unwrap_or_default().into()
}

fn opened(text: &[u8]) -> Option<HashMap<Key, Read>> {
    let mut plain = Vec::new();
    DeflateDecoder::new(text).read_to_end(&mut plain).ok()?;
    let list: Vec<(Key, Read)> = serde_json::from_slice(&plain).ok()?;
    Some(list.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Confidential, Person};

    fn key(number: usize) -> Digest {
        Digest::of([&number.to_be_bytes()[..]])
    }

    fn event(number: usize) -> Event {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        Event {
            uid: format!("{number}@example.com"),
            original_start: Some(start),
            start,
            end: start,
            all_day: false,
            subject: Confidential::new(format!("Review {number}")),
            organizer: Person::default(),
            location: Confidential::default(),
            body: Body::Html(Confidential::new(format!("<p>Join <b>{number}</b></p>").repeat(40))),
            private: false,
            tentative: false,
            properties: serde_json::Map::from_iter([("is_recurring".to_owned(), true.into())]),
            time_zone: Some("Europe/Oslo".into()),
            last_modified: None,
        }
    }

    #[test]
    fn what_was_used_lately_stays_and_the_rest_goes_within_the_bytes() {
        let mut halves = Halves::default();
        // Ten fit into a half.
        for number in 0..25 {
            for again in 0..3 {
                halves.put(key(number), vec![again; 50].into(), 10 * (EACH_BYTES + 50));
            }
            assert!(halves.young.len() <= 10 && halves.old.len() <= 10);
        }
        let kept = |number| halves.young.contains_key(&key(number)) || halves.old.contains_key(&key(number));
        assert!((10..25).all(kept) && !(0..10).any(kept));
    }

    #[test]
    fn an_event_that_is_gone_is_known_to_be_gone_and_what_is_too_old_is_not_known() {
        let (kept, early, late) = (Kept::default(), Timestamp::UNIX_EPOCH, Timestamp::MAX);
        assert_eq!(kept.room(key(0)).get(&key(1), early), None);
        kept.room(key(0)).put(&key(1), None, early);
        assert_eq!(kept.room(key(0)).get(&key(1), early), Some(None));
        assert_eq!(kept.room(key(0)).get(&key(1), late), None);
        assert_eq!(kept.room(key(2)).get(&key(1), early), None, "another room's");
    }

    #[test]
    fn a_rooms_events_are_kept_as_they_were_in_little_space_and_those_that_left_its_list_are_forgotten() {
        let (kept, at) = (Kept::default(), Timestamp::UNIX_EPOCH);
        let mut room = kept.room(key(0));
        (1..71).for_each(|number| room.put(&key(number), Some(event(number)), at));
        drop(room);
        let bytes = kept.0.lock().unwrap().bytes;
        assert!(bytes < 10_000, "{bytes} for seventy events of a kilobyte");
        let mut room = kept.room(key(0));
        assert_eq!(room.get(&key(7), at), Some(Some(event(7))));
        room.put(&key(100), Some(event(100)), at);
        drop(room);
        let mut room = kept.room(key(0));
        let known = [7, 8, 100].map(|number| room.get(&key(number), at).is_some());
        assert_eq!(known, [true, false, true]);
    }
}
