//! How soon changes are known. In: changes when they happen, complete readings when they are handed over. Out: how long each
//! change took, who was too late, and readings that lost an event which is still there.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::rooms::Rooms;
use super::workload::{Change, What, address, uid, version_of};
use crate::model::{Complete, Event, Mono};

/// A change is late when it is not known this long after its meeting started.
const GRACE_S: f64 = 30.0;

/// What became of one change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// When it happened, in seconds from the script's beginning.
    pub at_s: i64,
    /// In which room.
    pub room: u32,
    /// How long until it was known; until the end when it never was.
    pub after_s: f64,
    /// It changed when the room is taken.
    pub busy_time: bool,
    /// Its meeting started within the hour.
    pub near: bool,
    /// And it was not known then.
    pub late: bool,
}

impl Known {
    /// What a change comes to that is known after so many seconds.
    #[must_use]
    pub fn after(change: &Change, after_s: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "seconds of some days")]
        let lead_s = (change.by_s - change.at_s) as f64;
        let near = change.is_near();
        let late = near && after_s > lead_s + GRACE_S;
        Self { at_s: change.at_s, room: change.room, after_s, busy_time: change.is_of_busy_time(), near, late }
    }
}

/// Changes by how soon they were known.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// How many.
    pub changes: usize,
    /// Half of them sooner than this.
    pub median_seconds: f64,
    /// All but one in a hundred sooner than this.
    pub p99_seconds: f64,
}

impl Spread {
    /// Of these delays, in any order.
    #[must_use]
    pub fn of(delays: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = delays.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
            sorted.get(rank).map_or(0.0, |delay| (delay * 10.0).round() / 10.0)
        };
        Self { changes: sorted.len(), median_seconds: at(50), p99_seconds: at(99) }
    }
}

/// The figures of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Changes of when a room is taken.
    pub busy_time: Spread,
    /// Changes of meetings that start within the hour.
    pub near: Spread,
    /// All.
    pub all: Spread,
    /// Share of near changes that were not known when the meeting started.
    pub late_share: f64,
}

impl Figures {
    /// Of what became of each change.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of some days")]
    pub fn of(known: &[Known]) -> Self {
        let spread = |which: fn(&Known) -> bool| Spread::of(known.iter().filter(|it| which(it)).map(|it| it.after_s));
        let near = spread(|it| it.near);
        let late = known.iter().filter(|it| it.late).count();
        Self {
            busy_time: spread(|it| it.busy_time),
            near,
            all: spread(|_| true),
            late_share: late as f64 / near.changes.max(1) as f64,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    /// By room: what happened and is not known yet.
    pending: Vec<Vec<(Change, Mono)>>,
    known: Vec<Known>,
    wipes: usize,
}

impl Ledger {
    /// Of so many rooms.
    #[must_use]
    pub fn new(rooms: u32) -> Self {
        Self { pending: vec![Vec::new(); rooms as usize], known: Vec::new(), wipes: 0 }
    }

    /// A change can be seen from now on.
    pub fn happened(&mut self, change: Change, now: Mono) {
        if let Some(room) = self.pending.get_mut(change.room as usize) {
            room.push((change, now));
        }
    }

    /// A room was read completely, by a read that was begun at `begun`.
    pub fn was_read(&mut self, room: u32, read: &Complete, begun: Timestamp, now: Mono, truth: &Rooms) {
        if has_lost(room, read, begun, truth) {
            self.wipes += 1;
        }
        let Some(pending) = self.pending.get_mut(room as usize) else { return };
        if pending.is_empty() {
            return;
        }
        let cancelled: BTreeSet<u32> = pending
            .iter()
            .filter(|(change, _)| change.what == What::Cancel)
            .map(|(change, _)| change.meeting)
            .collect();
        let known = &mut self.known;
        pending.retain(|(change, at)| {
            let uid = uid(change.room, change.meeting);
            let seen = read.events.iter().find(|event| event.uid == uid);
            let is_known = match (seen, change.what) {
                (Some(_), What::Cancel) => false,
                (Some(event), _) => version_of(event.subject.expose()).is_some_and(|seen| seen >= change.version),
                // It is gone, as was to be.
                (None, _) => cancelled.contains(&change.meeting),
            };
            if is_known {
                known.push(Known::after(change, at.until(now).as_secs_f64()));
            }
            !is_known
        });
    }

    /// Complete readings without an event that was there before, and still is.
    #[must_use]
    pub fn wipes(&self) -> usize {
        self.wipes
    }

    /// What became of each change by now; what is not known yet counts as known now.
    #[must_use]
    pub fn sum_up(&self, now: Mono) -> Vec<Known> {
        let unknown = self.pending.iter().flatten();
        let unknown = unknown.map(|(change, at)| Known::after(change, at.until(now).as_secs_f64()));
        self.known.iter().copied().chain(unknown).collect()
    }
}

/// Whether an event is missing that is in the calendar, unchanged since before the read began.
fn has_lost(room: u32, read: &Complete, begun: Timestamp, truth: &Rooms) -> bool {
    truth.look(&address(room), |sim| {
        let Some(sim) = sim else { return false };
        let there = || sim.events.values().filter(|event| read.window.touches(event.start, event.end));
        // Nearly always the numbers agree.
        if there().count() == read.events.len() {
            return false;
        }
        let uids: BTreeSet<&str> = read.events.iter().map(uid_of).collect();
        there().any(|event| event.updated < begun && !uids.contains(event.uid.as_str()))
    })
}

fn uid_of(event: &Event) -> &str {
    &event.uid
}

/// How long after `to_s` it took until every change of busy time was known that happened between `from_s` and then. A change
/// that follows a bad time closely is not behind because of it.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "seconds of some days")]
pub fn recovery_s(known: &[Known], from_s: u64, to_s: u64) -> f64 {
    let (from, to) = (from_s as f64, to_s as f64);
    let meanwhile = known.iter().filter(|it| it.busy_time && (from..to).contains(&(it.at_s as f64)));
    meanwhile.map(|it| it.at_s as f64 + it.after_s - to).fold(0.0, f64::max)
}

/// How soon the changes of a script are known to somebody who reads every room each `interval`, one after another.
#[must_use]
pub fn by_asking_evenly(changes: &[Change], rooms: u32, interval: Duration) -> Vec<Known> {
    let interval_s = interval.as_secs_f64();
    let known = changes.iter().map(|change| {
        let turn = interval_s * f64::from(change.room) / f64::from(rooms.max(1));
        #[expect(clippy::cast_precision_loss, reason = "seconds of some days")]
        let since = change.at_s as f64 - turn;
        Known::after(change, interval_s - since.rem_euclid(interval_s))
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Confidential, Person, Proof, Window};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn change(what: What, version: u32, at_s: i64) -> Change {
        Change { at_s, room: 0, meeting: 1, version, what, start_s: 600, end_s: 1200, by_s: 600 }
    }

    fn event(meeting: u32, version: u32) -> Event {
        Event {
            uid: uid(0, meeting),
            original_start: None,
            start: at(600),
            end: at(1200),
            all_day: false,
            subject: Confidential::new(format!("Review {meeting} #{version}")),
            organizer: Person::default(),
            location: Confidential::default(),
            body: Body::None,
            private: false,
            tentative: false,
            properties: serde_json::Map::new(),
            time_zone: None,
            last_modified: None,
        }
    }

    fn reading(events: Vec<Event>) -> Complete {
        let window = Window { from: at(-86_400), to: at(86_400) };
        Complete {
            proof: Proof::Simulated,
            window,
            events,
            unreadable: Vec::new(),
            time_zone: None,
            left_out: Vec::new(),
        }
    }

    fn mono(second: u64) -> Mono {
        Mono(Duration::from_secs(second))
    }

    #[test]
    fn a_change_is_known_by_the_reading_that_shows_it_or_what_came_after_it() {
        let truth = Rooms::default();
        let mut ledger = Ledger::new(1);
        ledger.happened(change(What::Rewrite, 1, 10), mono(10));
        ledger.was_read(0, &reading(vec![event(1, 0)]), at(20), mono(20), &truth);
        assert_eq!(ledger.known.len(), 0, "an old reading shows nothing");
        ledger.happened(change(What::Rewrite, 2, 30), mono(30));
        ledger.was_read(0, &reading(vec![event(1, 2)]), at(40), mono(40), &truth);
        assert_eq!(ledger.known.iter().map(|it| it.after_s).collect::<Vec<_>>(), [30.0, 10.0]);
        ledger.happened(change(What::Rewrite, 3, 50), mono(50));
        ledger.happened(change(What::Cancel, 4, 60), mono(60));
        ledger.was_read(0, &reading(vec![event(1, 3)]), at(70), mono(70), &truth);
        assert_eq!(ledger.known.len(), 3, "the cancellation is not known yet");
        ledger.was_read(0, &reading(vec![]), at(80), mono(80), &truth);
        assert_eq!(ledger.known.len(), 4);
    }

    #[test]
    fn late_is_what_is_not_known_half_a_minute_after_the_start() {
        let known = |after_s| Known::after(&change(What::Move, 1, 100), after_s).late;
        assert!(!known(530.0));
        assert!(known(531.0));
    }

    #[test]
    fn a_reading_without_an_event_that_is_still_there_is_a_wipe() {
        let truth = Rooms::default();
        truth.change(&address(0), |room| {
            let (start, end) = (at(600), at(1200));
            let event = super::super::rooms::SimEvent { uid: uid(0, 1), start, end, ..Default::default() };
            room.events.insert("1".into(), event);
        });
        let mut ledger = Ledger::new(1);
        ledger.was_read(0, &reading(vec![event(1, 0)]), at(0), mono(0), &truth);
        assert_eq!(ledger.wipes(), 0);
        ledger.was_read(0, &reading(vec![]), at(0), mono(0), &truth);
        assert_eq!(ledger.wipes(), 1);
    }

    #[test]
    fn a_site_has_recovered_when_the_last_change_of_a_bad_time_is_known() {
        let known = |at_s, after_s| Known { at_s, ..Known::after(&change(What::Move, 1, 0), after_s) };
        let all = [known(90, 500.0), known(100, 30.0), known(150, 95.0), known(200, 70.0)];
        assert_eq!(recovery_s(&all, 100, 200), 45.0);
        assert_eq!(recovery_s(&all[..2], 100, 200), 0.0);
    }

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let spread = Spread::of((1..=200).map(f64::from));
        assert_eq!(spread, Spread { changes: 200, median_seconds: 100.0, p99_seconds: 198.0 });
        assert_eq!(Spread::of(std::iter::empty()), Spread::default());
    }
}
