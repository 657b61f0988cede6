//! Background reads: whose turn it is, when nothing says that a room changed.
//!
//! For changes that come at random, with rate `c` and harm `w`, the total harm is least when the rate of reads is proportional to
//! `sqrt(w × c)`. Each room has such a share. A virtual time runs on with every background read; a room's turn comes when the
//! virtual time has run `1 / share` since its last read, for whatever reason it was made. So the budget alone decides how fast
//! all goes, and the shares who gets what of it.
//!
//! A room rests after a read: with much quota and few rooms each is read when it has rested. After six hours it is overdue.
//!
//! | nearest start that is known | share | rest | where changes are told |
//! |---|---|---|---|
//! | within an hour | 8 | 15 s | 10 min |
//! | later, in business hours | 1 | 15 s | 30 min |
//! | later, outside | 0.15 | 90 s | 2 h |
//!
//! times the square root of how often it changes, compared with other rooms (0.8 to 1.25).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::model::Agenda;

use super::tick::Tick;

/// After so long a room is overdue.
pub(super) const LONGEST_S: u32 = 6 * 3600;
/// A room's share is looked at anew at least this often.
const LOOK_S: u32 = 900;
/// What a share of one thousand waits in virtual time.
const STEP: u64 = 1 << 40;
/// Changes a day that a room is taken to have before it is known.
const USUAL_CHANGES: f32 = 8.0;
/// The memory of changes, in days.
const MEMORY_D: f32 = 7.0;

/// How near a room's next start is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Level {
    /// Outside business hours.
    #[default]
    Night,
    /// In business hours.
    Day,
    /// A start within an hour.
    Near,
}

impl Level {
    /// Of a room, and seconds until it may be another one.
    #[must_use]
    pub(super) fn of(agenda: Option<&Agenda>, is_open: bool, wall: Timestamp) -> (Self, u32) {
        let far = if is_open { Self::Day } else { Self::Night };
        let Some(start) = agenda.and_then(|agenda| next_start(agenda, wall)) else { return (far, LOOK_S) };
        let wait = u32::try_from(start.duration_since(wall).as_secs()).unwrap_or(u32::MAX);
        match wait {
            0..3600 => (Self::Near, wait + 1),
            _ => (far, (wait - 3599).min(LOOK_S)),
        }
    }

    /// In thousandths.
    #[must_use]
    pub(super) fn share(self) -> f32 {
        match self {
            Self::Night => 150.0,
            Self::Day => 1_000.0,
            Self::Near => 8_000.0,
        }
    }

    /// Seconds between two reads at least. Where the service tells of changes by itself, a turn finds only what was lost.
    #[must_use]
    pub(super) fn rest_s(self, is_heard: bool) -> u32 {
        match (self, is_heard) {
            (Self::Day | Self::Near, false) => 15,
            (Self::Night, false) => 90,
            (Self::Near, true) => 600,
            (Self::Day, true) => 1_800,
            (Self::Night, true) => 7_200,
        }
    }
}

/// The first start after `wall`.
#[must_use]
pub(super) fn next_start(agenda: &Agenda, wall: Timestamp) -> Option<Timestamp> {
    let first = agenda.entries.partition_point(|entry| entry.start <= wall);
    agenda.entries.get(first).map(|entry| entry.start)
}

/// When a room is to be read for one of its starts: the first such moment after `after`. Rooms are spread by `salt`, since
/// meetings begin on the hour everywhere.
#[must_use]
pub(super) fn next_deadline(agenda: &Agenda, salt: u32, after: Timestamp) -> Option<Timestamp> {
    // The earlier look lies between 150 and 100 s before the start, the later one between 40 and 20 s.
    let (early, late) = (150 - i64::from(salt % 51), 40 - i64::from(salt % 21));
    let first = agenda.entries.partition_point(|entry| entry.start <= after);
    agenda.entries[first..]
        .iter()
        .take(8)
        .flat_map(|entry| [early, late].map(|before| entry.start - SignedDuration::from_secs(before)))
        .filter(|moment| *moment > after)
        .min()
}

/// Whether the look at `moment` is the earlier of the two before a start.
#[must_use]
pub(super) fn is_early(agenda: &Agenda, moment: Timestamp) -> bool {
    next_start(agenda, moment).is_some_and(|start| start.duration_since(moment) > SignedDuration::from_secs(60))
}

/// How often a room changes: the changes of some days, older ones fading.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes {
    count: f32,
    days: f32,
    at: Tick,
}

impl Changes {
    /// It was read at `now`, and was another one than before, or not.
    pub(super) fn read(&mut self, changed: bool, now: Tick) {
        let days = if self.at == Tick::default() { 0.0 } else { now.since(self.at) as f32 / 86_400.0 };
        self.at = now;
        let fade = (-days / MEMORY_D).exp();
        self.count = self.count * fade + f32::from(u8::from(changed));
        self.days = self.days * fade + days;
    }

    /// Its weight among rooms: the square root of its changes compared with what is usual.
    #[must_use]
    pub(super) fn weight(&self) -> f32 {
        let rate = (self.count + USUAL_CHANGES) / (self.days + 1.0);
        (rate / USUAL_CHANGES).sqrt().clamp(0.8, 1.25)
    }
}

/// A room's place in the rhythm.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beat {
    /// In thousandths; 0: it takes no part.
    share: u32,
    party: u16,
    /// Virtual time of its last read.
    read: u64,
    /// Its place in the line, when it stands there.
    tag: Option<u64>,
}

/// The rooms that wait for their turn, and the virtual time.
#[derive(Debug)]
pub(super) struct Rhythm {
    /// By party.
    lines: Vec<BTreeSet<(u64, u32)>>,
    /// The sum of shares, by party.
    shares: Vec<u64>,
    time: u64,
    /// Virtual time a second, as measured, and since when.
    speed: f64,
    measured: (Tick, u64),
}

impl Default for Rhythm {
    fn default() -> Self {
        // Late enough that a room can stand before it.
        let time = 1 << 50;
        Self { lines: Vec::new(), shares: Vec::new(), time, speed: 0.0, measured: (Tick::default(), time) }
    }
}

impl Rhythm {
    /// `room` has this share from now on.
    pub(super) fn share(&mut self, beat: &mut Beat, room: u32, share: u32) {
        let (_, shares) = self.of(beat.party);
        *shares = *shares - u64::from(beat.share) + u64::from(share);
        beat.share = share;
        if beat.tag.is_some() {
            self.leave(beat, room);
            self.join(beat, room);
        }
    }

    /// `room` stands in line.
    pub(super) fn join(&mut self, beat: &mut Beat, room: u32) {
        if beat.tag.is_none() && beat.share > 0 {
            let tag = beat.read + STEP / u64::from(beat.share);
            beat.tag = Some(tag);
            self.of(beat.party).0.insert((tag, room));
        }
    }

    /// `room` is served before all that wait for their turn, and after those that have waited so for longer.
    pub(super) fn push_forward(&mut self, beat: &mut Beat, room: u32, since: Tick) {
        self.leave(beat, room);
        let tag = u64::from(since.number());
        beat.tag = Some(tag);
        self.of(beat.party).0.insert((tag, room));
    }

    /// `room` stands in line no more.
    pub(super) fn leave(&mut self, beat: &mut Beat, room: u32) {
        if let Some(tag) = beat.tag.take() {
            self.of(beat.party).0.remove(&(tag, room));
        }
    }

    /// Whose turn it is in each party that waits for one.
    pub(super) fn first(&self) -> impl Iterator<Item = (u16, u32)> {
        (0u16..).zip(&self.lines).filter_map(|(party, line)| Some((party, line.first()?.1)))
    }

    /// The shares of a party's rooms.
    #[must_use]
    pub(super) fn shares(&self, party: u16) -> u64 {
        self.shares.get(usize::from(party)).copied().unwrap_or(0)
    }

    /// `room` belongs to this party. It loses its place in line and its share, and gets them anew.
    pub(super) fn join_party(&mut self, beat: &mut Beat, room: u32, party: u16) {
        self.leave(beat, room);
        self.share(beat, room, 0);
        beat.party = party;
    }

    fn of(&mut self, party: u16) -> (&mut BTreeSet<(u64, u32)>, &mut u64) {
        let party = usize::from(party);
        if self.lines.len() <= party {
            self.lines.resize_with(party + 1, BTreeSet::new);
            self.shares.resize(party + 1, 0);
        }
        (&mut self.lines[party], &mut self.shares[party])
    }

    /// `room` is read, `in_turn` or for another reason.
    pub(super) fn read(&mut self, beat: &mut Beat, room: u32, in_turn: bool) {
        if in_turn && let Some(tag) = beat.tag {
            self.time = self.time.max(tag);
        }
        self.leave(beat, room);
        beat.read = self.time;
    }

    /// A room nobody has read takes its first place: by its share, and spread among its like by `salt`.
    pub(super) fn begin(&mut self, beat: &mut Beat, salt: u32) {
        let spread = STEP / u64::from(beat.share.max(1)) / 1024 * u64::from(salt % 1024);
        beat.read = self.time.saturating_sub(spread);
    }

    /// Time in which nothing could be read says nothing about how fast it runs.
    pub(super) fn skip(&mut self, now: Tick) {
        self.measured = (now, self.time);
    }

    /// Measures how fast the virtual time runs; now and then.
    pub(super) fn measure(&mut self, now: Tick) {
        let (since, time) = self.measured;
        let passed = now.since(since);
        if passed >= 60.0 {
            let speed = (self.time - time) as f64 / passed;
            self.speed = if self.speed == 0.0 { speed } else { 0.7 * self.speed + 0.3 * speed };
            self.measured = (now, self.time);
        }
    }

    /// Seconds between two background reads of a room, as things go.
    #[must_use]
    pub(super) fn interval_s(&self, beat: &Beat, level: Level, is_heard: bool) -> u32 {
        let step = STEP as f64 / f64::from(beat.share.max(1));
        let seconds = if self.speed > 0.0 { (step / self.speed) as u32 } else { LONGEST_S };
        seconds.clamp(level.rest_s(is_heard), LONGEST_S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_shared_as_the_shares_say() {
        let mut rhythm = Rhythm::default();
        let mut beats = [Beat::default(); 4];
        for (room, beat) in (0..).zip(&mut beats) {
            rhythm.share(beat, room, [1_000, 5_000, 150, 1_000][room as usize]);
            rhythm.begin(beat, room * 300);
            rhythm.join(beat, room);
        }
        let mut reads = [0u32; 4];
        for turn in 0..7_150u32 {
            let (_, room) = rhythm.first().next().unwrap();
            reads[room as usize] += 1;
            rhythm.read(&mut beats[room as usize], room, true);
            rhythm.join(&mut beats[room as usize], room);
            if turn % 10 == 0 {
                // The last room is often read for other reasons: it needs fewer turns.
                rhythm.read(&mut beats[3], 3, false);
                rhythm.join(&mut beats[3], 3);
            }
        }
        assert!((4.5..5.5).contains(&(f64::from(reads[1]) / f64::from(reads[0]))), "{reads:?}");
        assert!((0.1..0.2).contains(&(f64::from(reads[2]) / f64::from(reads[0]))), "{reads:?}");
        assert!(reads[3] < reads[0] * 3 / 4, "{reads:?}");
    }

    #[test]
    fn rooms_that_change_often_weigh_more_within_limits() {
        let day = 864_000;
        for (changes_a_day, from, to) in [(0, 0.79, 0.81), (8, 0.95, 1.05), (16, 1.2, 1.26), (500, 1.24, 1.26)] {
            let mut changes = Changes::default();
            for n in 0..5 * changes_a_day.max(1) {
                let at = Tick::default().plus_tenths(1 + n * (day / changes_a_day.max(1)));
                changes.read(changes_a_day > 0, at);
            }
            let weight = changes.weight();
            assert!((from..to).contains(&weight), "{changes_a_day}: {weight}");
        }
    }
}
