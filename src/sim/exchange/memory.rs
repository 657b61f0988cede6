//! What the servers remember of calendars, so that they can tell what has changed: for each item the revision in which it changed last.
//!
//! A series is one item: its occurrences change with it, and share its change key. Rooms are looked at when somebody asks about them,
//! and compared with what was there before, so two changes between two looks are one.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::ids;
use crate::sim::rooms::{SimEvent, SimRoom};

/// Deleted items that are remembered; of those before nothing is known, and states that reach back so far are invalid.
const GONE_MAX: usize = 2000;

/// All calendars.
#[derive(Default)]
pub(super) struct Memory(HashMap<String, Known>);

/// One calendar.
#[derive(Default)]
pub(super) struct Known {
    /// The state of the room that was looked at.
    version: Option<u64>,
    /// Counts looks that found a change.
    pub(super) revision: u64,
    /// By id of the series, or of the event.
    items: BTreeMap<String, Kept>,
    gone: BTreeMap<String, Kept>,
    /// Deletions up to here are forgotten.
    forgotten: u64,
}

#[derive(Clone, Copy)]
struct Kept {
    digest: u64,
    created: u64,
    changed: u64,
}

/// What happened to an item since some revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Happened {
    Created,
    Modified,
    Deleted,
}

/// One change.
pub(super) struct Change {
    pub(super) item: String,
    pub(super) revision: u64,
    pub(super) happened: Happened,
    pub(super) change_key: String,
}

/// The item that an event belongs to.
pub(super) fn item_of(event: &SimEvent) -> &str {
    event.series.as_ref().map_or(&event.id, |(series, _)| series)
}

impl Memory {
    /// What is known of a room after this look at it.
    pub(super) fn look(&mut self, mailbox: &str, room: &SimRoom) -> &Known {
        if !self.0.contains_key(mailbox) {
            self.0.insert(mailbox.to_owned(), Known::default());
        }
        let known = self.0.entry(mailbox.to_owned()).or_default();
        if known.version != Some(room.version) {
            known.version = Some(room.version);
            known.compare(room);
        }
        known
    }
}

impl Known {
    fn compare(&mut self, room: &SimRoom) {
        let mut digests: BTreeMap<&str, u64> = BTreeMap::new();
        for event in room.events.values() {
            let digest = digests.entry(item_of(event)).or_default();
            *digest = digest.wrapping_mul(31).wrapping_add(digest_of(event));
        }
        let next = self.revision + 1;
        let mut changed = false;
        self.items.retain(|item, kept| {
            let is_there = digests.contains_key(item.as_str());
            if !is_there {
                changed = true;
                self.gone.insert(item.clone(), Kept { changed: next, ..*kept });
            }
            is_there
        });
        for (item, digest) in digests {
            match self.items.get_mut(item) {
                Some(kept) if kept.digest == digest => {}
                Some(kept) => {
                    changed = true;
                    (kept.digest, kept.changed) = (digest, next);
                }
                None => {
                    changed = true;
                    self.gone.remove(item);
                    self.items.insert(item.to_owned(), Kept { digest, created: next, changed: next });
                }
            }
        }
        if self.gone.len() > GONE_MAX {
            self.forgotten = self.gone.values().map(|kept| kept.changed).max().unwrap_or(0).saturating_sub(1);
            self.gone.retain(|_, kept| kept.changed > self.forgotten);
        }
        self.revision += u64::from(changed);
    }

    /// The change key of an item, or of an occurrence of one.
    pub(super) fn change_key(&self, item: &str) -> String {
        self.items.get(item).map_or_else(|| ids::change_key(0, 0), |kept| ids::change_key(kept.digest, kept.changed))
    }

    /// What happened after a revision, and in it after an item, in this order. `None`: that is not known any more, or never was.
    pub(super) fn since(&self, revision: u64, item: &str) -> Option<Vec<Change>> {
        if (revision > 0 && revision < self.forgotten) || revision > self.revision {
            return None;
        }
        let later = |(id, kept): &(&String, &Kept)| (kept.changed, id.as_str()) > (revision, item);
        let here = self.items.iter().filter(later).map(|(id, kept)| {
            // One that was created in the revision that is half told is new to whoever has not seen it.
            let is_new = (kept.created, id.as_str()) > (revision, item);
            (id, kept, if is_new { Happened::Created } else { Happened::Modified })
        });
        let gone = self.gone.iter().filter(later).filter(|(_, kept)| kept.created <= revision);
        let gone = gone.map(|(id, kept)| (id, kept, Happened::Deleted));
        let mut all: Vec<Change> = here
            .chain(gone)
            .map(|(id, kept, happened)| Change {
                item: id.clone(),
                revision: kept.changed,
                happened,
                change_key: ids::change_key(kept.digest, kept.changed),
            })
            .collect();
        all.sort_by(|a, b| (a.revision, &a.item).cmp(&(b.revision, &b.item)));
        Some(all)
    }
}

fn digest_of(event: &SimEvent) -> u64 {
    let mut hasher = DefaultHasher::new();
    let SimEvent { id, uid, series, start, end, all_day, subject, body, location, organizer, .. } = event;
    (id, uid, series, start, end, all_day, subject, body, location, organizer).hash(&mut hasher);
    let SimEvent { private, cancelled, free, response, conference, properties, updated, .. } = event;
    (private, cancelled, free, *response as u8, conference, properties, updated).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::rooms::Rooms;

    #[test]
    fn each_change_is_told_once_and_has_a_change_key_of_its_own() {
        let (rooms, mut memory) = (Rooms::default(), Memory::default());
        let told = |memory: &mut Memory, since: u64| {
            rooms.look("a", |room| {
                let known = memory.look("a", room.unwrap());
                let changes = known.since(since, "\u{10ffff}").unwrap();
                let names: Vec<String> = changes.iter().map(|it| format!("{:?} {}", it.happened, it.item)).collect();
                (names.join(", "), known.revision, known.change_key("1"))
            })
        };
        let set = |id: &str, subject: &str, series: Option<&str>| {
            let series = series.map(|series| (series.to_owned(), jiff::Timestamp::UNIX_EPOCH));
            let event = SimEvent { id: id.into(), subject: subject.into(), series, ..SimEvent::default() };
            rooms.change("a", |room| room.events.insert(id.into(), event));
        };
        set("1", "x", None);
        set("2", "x", Some("s"));
        let (names, first, key) = told(&mut memory, 0);
        assert_eq!((names.as_str(), first), ("Created 1, Created s", 1));
        assert_eq!(told(&mut memory, 1), (String::new(), 1, key.clone()));
        set("1", "y", None);
        set("3", "x", Some("s"));
        let (names, _, second) = told(&mut memory, 1);
        assert_eq!(names, "Modified 1, Modified s");
        set("1", "x", None);
        let (_, _, third) = told(&mut memory, 1);
        assert!(key != second && second != third && key != third, "back to what it was, and another key all the same");
        rooms.change("a", |room| room.events.remove("1"));
        assert_eq!(told(&mut memory, 1).0, "Modified s, Deleted 1");
        assert_eq!(told(&mut memory, 0).0, "Created s");
        assert!(rooms.look("a", |room| memory.look("a", room.unwrap()).since(9, "").is_none()));
    }
}
