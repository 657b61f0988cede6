//! How many requests were made, and how many may still be: per day and per minute.
//!
//! The day is a sliding 24 hours in buckets of ten minutes on the boot clock, so that a wall clock that jumps resets nothing.
//! Requests are reserved in the store, in blocks, before they are made: however often the process is killed, the store never
//! knows of fewer than were made. Buckets of an earlier process carry wall times; while the wall clock is not trusted they all
//! count.
//!
//! The minute is a strict sliding window of each account. A request counts from its begin, for a little longer than a minute:
//! two requests may reach the service closer to each other than they left.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::Now;

use super::tick::Tick;

/// Length of a bucket.
pub(super) const BUCKET_S: u32 = 600;
/// Buckets that lie within the last 24 hours, also in part.
const BUCKETS: u32 = 24 * 3600 / BUCKET_S + 1;
/// A request counts against the minute for so long.
const MINUTE_S: u32 = 62;

/// A sliding 24 hours.
#[derive(Debug, Default)]
pub(super) struct Sliding {
    buckets: VecDeque<(u32, u32)>,
    sum: u64,
}

impl Sliding {
    /// So many more, now.
    pub(super) fn add(&mut self, count: u32, now: Tick) {
        let bucket = bucket_of(now);
        match self.buckets.back_mut() {
            Some((last, sum)) if *last == bucket => *sum = sum.saturating_add(count),
            _ => self.buckets.push_back((bucket, count)),
        }
        self.sum += u64::from(count);
    }

    /// So many were not made after all.
    pub(super) fn take_back(&mut self, count: u32) {
        if let Some((_, last)) = self.buckets.back_mut() {
            let count = count.min(*last);
            *last -= count;
            self.sum -= u64::from(count);
        }
    }

    /// Forgets what is older than 24 hours.
    pub(super) fn roll(&mut self, now: Tick) {
        let first = bucket_of(now).saturating_sub(BUCKETS - 1);
        while let Some((bucket, count)) = self.buckets.front()
            && *bucket < first
        {
            self.sum -= u64::from(*count);
            self.buckets.pop_front();
        }
    }

    /// In the last 24 hours.
    #[must_use]
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }
}

/// What the store keeps of a calendar service's day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaRecord {
    /// When each bucket began, in seconds since 1970, and its requests, those included that were reserved and perhaps not made.
    pub buckets: Vec<(i64, u32)>,
    /// When the last processes started, in seconds since 1970.
    #[serde(default)]
    pub starts: Vec<i64>,
}

/// The day of one calendar service.
#[derive(Debug)]
pub(super) struct Day {
    limit: u64,
    made: Sliding,
    /// Reserved in the store and not yet used.
    reserved: u32,
    /// Buckets of earlier processes.
    earlier: Vec<(i64, u32)>,
    earlier_sum: u64,
    starts: Vec<i64>,
    /// A wall time that was trusted, and the boot time that belongs to it.
    anchor: Option<Now>,
    trusted: bool,
}

impl Day {
    /// A day of which nothing is known.
    #[must_use]
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            made: Sliding::default(),
            reserved: 0,
            earlier: Vec::new(),
            earlier_sum: 0,
            starts: Vec::new(),
            anchor: None,
            trusted: true,
        }
    }

    /// Most requests in 24 hours.
    #[must_use]
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// The documents say another limit.
    pub(super) fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Takes up what an earlier process wrote down. The answer: how many processes started within the last five minutes, this
    /// one included.
    pub(super) fn restore(&mut self, record: QuotaRecord, now: Now) -> usize {
        self.earlier = record.buckets;
        self.starts = record.starts;
        let second = now.wall.as_second();
        self.starts.retain(|start| (second - start).unsigned_abs() < 300);
        self.starts.push(second);
        let surplus = self.starts.len().saturating_sub(8);
        self.starts.drain(..surplus);
        self.look(now, self.trusted);
        self.starts.len()
    }

    /// Looks at the clocks, at least every few minutes.
    pub(super) fn look(&mut self, now: Now, trusted: bool) {
        self.trusted = trusted;
        if trusted || self.anchor.is_none() {
            self.anchor = Some(now);
        }
        self.made.roll(Tick::of(now.mono));
        let oldest = now.wall.as_second() - i64::from(BUCKETS * BUCKET_S);
        if trusted {
            // What lies in the future was written by a clock that was wrong; it counts until it is a day old.
            self.earlier_sum =
                self.earlier.iter().filter(|(at, _)| *at > oldest).map(|(_, count)| u64::from(*count)).sum();
        } else {
            self.earlier_sum = self.earlier.iter().map(|(_, count)| u64::from(*count)).sum();
        }
    }

    /// In the last 24 hours.
    #[must_use]
    pub(super) fn used(&self) -> u64 {
        self.made.sum() + self.earlier_sum
    }

    /// Whether one more may be made, when the first `share` of the limit may be used.
    #[must_use]
    pub(super) fn has_room(&self, share: f64) -> bool {
        (self.used() as f64) + 1.0 <= self.limit as f64 * share
    }

    /// In how many seconds [`Day::has_room`] is true, if nothing more is made until then.
    #[must_use]
    pub(super) fn room_after(&self, share: f64, now: Now) -> u32 {
        let span = i64::from(BUCKETS * BUCKET_S);
        let (mono, wall) = (i64::try_from(now.mono.0.as_secs()).unwrap_or(0), now.wall.as_second());
        let made = self.made.buckets.iter();
        let made = made.map(|(bucket, count)| (i64::from(*bucket) * i64::from(BUCKET_S) + span - mono, *count));
        let earlier = self.earlier.iter().filter(|(at, _)| !self.trusted || *at > wall - span);
        let mut ends: Vec<(i64, u32)> = made.chain(earlier.map(|(at, count)| (at + span - wall, *count))).collect();
        ends.sort_unstable();
        let mut used = self.used();
        for (wait, count) in ends {
            used = used.saturating_sub(u64::from(count));
            if used as f64 + 1.0 <= self.limit as f64 * share {
                return u32::try_from(wait.max(0)).unwrap_or(u32::MAX);
            }
        }
        0
    }

    /// Whether a reserved request is left.
    #[must_use]
    pub(super) fn has_reserve(&self) -> bool {
        self.reserved > 0
    }

    /// Reserved requests that are left.
    #[must_use]
    pub(super) fn reserve(&self) -> u32 {
        self.reserved
    }

    /// One is made.
    pub(super) fn begin(&mut self, now: Tick) {
        self.reserved = self.reserved.saturating_sub(1);
        self.made.add(1, now);
    }

    /// A step that began with one request made `requests`.
    pub(super) fn end(&mut self, requests: u32, now: Tick) {
        if requests == 0 {
            self.made.take_back(1);
            self.reserved += 1;
        } else {
            self.reserved = self.reserved.saturating_sub(requests - 1);
            self.made.add(requests - 1, now);
        }
    }

    /// Reserves more when less than half a block is left: the record must be in the store before the next request is made.
    pub(super) fn reserve_more(&mut self, now: Now) -> Option<QuotaRecord> {
        // About ten seconds of an even day, and enough for everything that may be under way at once.
        let block = u32::try_from(self.limit / 8_000).unwrap_or(u32::MAX).clamp(16, 256);
        // No more than may still be made.
        let block = block.min(u32::try_from(self.limit.saturating_sub(self.used())).unwrap_or(u32::MAX));
        if self.reserved > 0 && self.reserved >= block / 2 || block == 0 {
            return None;
        }
        self.reserved = block;
        Some(self.record(now))
    }

    fn record(&mut self, now: Now) -> QuotaRecord {
        let anchor = self.anchor.unwrap_or(now);
        let wall_of = |bucket: u32| {
            let ahead = i64::from(bucket) * i64::from(BUCKET_S) - i64::try_from(anchor.mono.0.as_secs()).unwrap_or(0);
            anchor.wall.as_second().saturating_add(ahead)
        };
        let oldest = now.wall.as_second() - i64::from(BUCKETS * BUCKET_S);
        if self.trusted {
            self.earlier.retain(|(at, _)| *at > oldest);
        }
        let mut buckets = self.earlier.clone();
        buckets.extend(self.made.buckets.iter().map(|(bucket, count)| (wall_of(*bucket), *count)));
        buckets.push((wall_of(bucket_of(Tick::of(now.mono))), self.reserved));
        // Many short-lived processes leave many buckets; those of one ten minutes are one.
        buckets.sort_unstable();
        buckets.dedup_by(|later, first| {
            let one = later.0.div_euclid(i64::from(BUCKET_S)) == first.0.div_euclid(i64::from(BUCKET_S));
            if one {
                // The later time stands for both: it is forgotten later.
                *first = (later.0, first.1.saturating_add(later.1));
            }
            one
        });
        QuotaRecord { buckets, starts: self.starts.clone() }
    }
}

/// The last minute of one account.
#[derive(Debug)]
pub(super) struct Minute {
    limit: usize,
    begun: VecDeque<Tick>,
}

impl Minute {
    /// `limit`: most requests in any minute.
    #[must_use]
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: limit.max(1) as usize, begun: VecDeque::new() }
    }

    /// The documents say another limit.
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit.max(1) as usize;
    }

    /// Most requests in any minute.
    #[must_use]
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// So many more, now.
    pub(super) fn add(&mut self, count: u32, now: Tick) {
        self.roll(now);
        self.begun.extend(std::iter::repeat_n(now, count as usize));
    }

    /// The last one was not made after all.
    pub(super) fn take_back(&mut self) {
        self.begun.pop_back();
    }

    /// In the last minute.
    pub(super) fn used(&mut self, now: Tick) -> usize {
        self.roll(now);
        self.begun.len()
    }

    /// How many more may be made now, when the first `share` of the limit may be used.
    pub(super) fn room(&mut self, share: f64, now: Tick) -> usize {
        self.roll(now);
        self.allowed(share).saturating_sub(self.begun.len())
    }

    /// When one more may be made; call it where none may be now.
    #[must_use]
    pub(super) fn free_at(&self, share: f64) -> Tick {
        let surplus = self.begun.len().saturating_sub(self.allowed(share));
        self.begun.get(surplus).map_or(Tick::default(), |begun| begun.plus(MINUTE_S).plus_tenths(1))
    }

    fn allowed(&self, share: f64) -> usize {
        ((self.limit as f64 * share) as usize).max(1)
    }

    fn roll(&mut self, now: Tick) {
        while self.begun.front().is_some_and(|begun| begun.plus(MINUTE_S) < now) {
            self.begun.pop_front();
        }
    }
}

fn bucket_of(at: Tick) -> u32 {
    at.number() / (BUCKET_S * 10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::model::Mono;

    fn at(second: u64) -> Now {
        let wall = Timestamp::from_second(1_800_000_000 + i64::try_from(second).unwrap()).unwrap();
        Now { wall, mono: Mono(Duration::from_secs(second)) }
    }

    #[test]
    fn a_day_never_holds_more_than_its_limit_however_often_the_process_is_killed() {
        let (mut record, mut made) = (QuotaRecord::default(), 0u64);
        for kill in 0..200 {
            let now = at(kill * 60);
            let mut day = Day::new(1_000);
            day.restore(record.clone(), now);
            for _ in 0..(kill % 23) {
                if let Some(written) = day.reserve_more(now) {
                    record = written;
                }
                if day.has_reserve() && day.has_room(1.0) {
                    day.begin(Tick::of(now.mono));
                    made += 1;
                }
            }
        }
        assert!(made > 300 && made <= 1_000, "{made}");
        assert!(record.buckets.len() < 40, "one bucket for each ten minutes: {}", record.buckets.len());
    }

    #[test]
    fn what_was_made_a_day_ago_does_not_count_any_more_but_not_by_the_word_of_an_untrusted_clock() {
        let mut day = Day::new(100);
        day.reserve_more(at(0));
        (0..10).for_each(|_| day.begin(Tick::of(at(0).mono)));
        let record = day.reserve_more(at(10)).unwrap();
        let mut later = Day::new(100);
        later.restore(record, at(90_000));
        assert_eq!(later.used(), 0);
        later.look(at(90_000), false);
        assert_eq!(later.used(), 10 + 16);
        // In one process the wall clock is not asked at all.
        let jumped = Now { wall: at(900_000).wall, mono: at(20).mono };
        day.look(jumped, true);
        assert_eq!(day.used(), 10);
        day.look(at(87_600), true);
        assert_eq!(day.used(), 0);
    }

    #[test]
    fn it_says_when_there_is_room_again() {
        let mut day = Day::new(100);
        day.earlier = vec![(1_800_000_000 - 80_000, 30)];
        for (second, count) in [(0, 40), (1_500, 30)] {
            day.look(at(second), true);
            (0..count).for_each(|_| day.begin(Tick::of(at(second).mono)));
        }
        for (share, wait) in [(0.97, 87_000 - 80_000 - 1_500), (0.5, 87_000 - 1_500), (0.2, 87_000 + 1_200 - 1_500)] {
            assert!(!day.has_room(share));
            assert_eq!(day.room_after(share, at(1_500)), wait, "{share}");
            let mut day = Day {
                earlier: day.earlier.clone(),
                made: Sliding { buckets: day.made.buckets.clone(), sum: day.made.sum },
                ..Day::new(100)
            };
            day.look(at(1_500 + u64::from(wait) - 1), true);
            assert!(!day.has_room(share), "{share}");
            day.look(at(1_500 + u64::from(wait)), true);
            assert!(day.has_room(share), "{share}");
        }
    }

    #[test]
    fn no_minute_holds_more_than_its_limit() {
        let mut minute = Minute::new(10);
        let mut begun: Vec<u32> = Vec::new();
        for tenth in 0..5_000 {
            let now = Tick::default().plus_tenths(tenth);
            if minute.room(1.0, now) > 0 {
                minute.add(1, now);
                begun.push(tenth);
            } else {
                assert!(minute.free_at(1.0) > now);
            }
        }
        assert!(begun.len() > 70);
        assert!(begun.windows(11).all(|eleven| eleven[10] - eleven[0] > 600));
    }
}
