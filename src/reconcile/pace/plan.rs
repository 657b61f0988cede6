//! How fast requests may be spent, so that the day's quota lasts for the day and most of it goes to business hours.
//!
//! The allowance at a time is `0.95 × N × w(t) / W`: `w(t)` counts the rooms, those outside their business hours by a fraction,
//! and `W` is the sum of `w` over a day, the last or the next 24 hours, whichever is more. What is allowed and not spent is kept
//! as credit for some minutes; urgent reads may run into debt, which the others pay back by waiting.

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::tick::Tick;

/// The share of a day's quota that is spent by plan. Three parts in a hundred are for what an operator asks and for tries again;
/// two more since the day is counted in buckets, of which the oldest counts until all of it is 24 hours old.
pub(super) const PLANNED: f64 = 0.95;
/// What a room weighs outside business hours.
pub(super) const NIGHT: f64 = 1.0 / 15.0;
/// The plan is made anew this often: zones differ by quarters of an hour.
const EVERY_S: u32 = 900;
/// Credit is kept for so long, in seconds of allowance.
pub(super) const KEPT_S: f64 = 300.0;
/// Business hours: from seven to six in the evening, Monday to Friday, in the room's zone.
const HOURS: std::ops::Range<i8> = 7..18;

/// The rooms of one zone.
#[derive(Debug)]
struct Zone {
    tz: TimeZone,
    rooms: u32,
    open: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Plan {
    zones: Vec<Zone>,
    by_name: BTreeMap<String, u16>,
    limit: f64,
    /// Requests a second.
    rate: f64,
    credit: f64,
    settled: Tick,
    next: Tick,
}

impl Plan {
    /// For `limit` requests in 24 hours.
    #[must_use]
    pub(super) fn new(limit: u64, now: Tick) -> Self {
        Self {
            zones: Vec::new(),
            by_name: BTreeMap::new(),
            limit: limit as f64,
            rate: 0.0,
            credit: 0.0,
            settled: now,
            next: Tick::default(),
        }
    }

    /// The documents say another limit.
    pub(super) fn set_limit(&mut self, limit: u64) {
        self.limit = limit as f64;
        self.next = Tick::default();
    }

    /// The number of a zone by its name; UTC when nobody knows it.
    pub(super) fn zone(&mut self, name: &str) -> u16 {
        if let Some(zone) = self.by_name.get(name) {
            return *zone;
        }
        let tz = crate::model::zone::named(name).unwrap_or(TimeZone::UTC);
        let zone = u16::try_from(self.zones.len()).unwrap_or(0);
        if zone as usize == self.zones.len() {
            self.zones.push(Zone { tz, rooms: 0, open: true });
            self.by_name.insert(name.to_owned(), zone);
            self.next = Tick::default();
        }
        zone
    }

    /// A room more, or less, in a zone.
    pub(super) fn count(&mut self, zone: u16, by: i32) {
        if let Some(zone) = self.zones.get_mut(usize::from(zone)) {
            zone.rooms = zone.rooms.saturating_add_signed(by);
            self.next = Tick::default();
        }
    }

    /// Whether it is business hours in a zone.
    #[must_use]
    pub(super) fn is_open(&self, zone: u16) -> bool {
        self.zones.get(usize::from(zone)).is_none_or(|zone| zone.open)
    }

    /// Lets time pass. True: the plan was made anew.
    pub(super) fn settle(&mut self, wall: Timestamp, now: Tick) -> bool {
        let passed = now.since(self.settled);
        self.credit = (self.credit + passed * self.rate).min(KEPT_S * self.rate);
        self.settled = now;
        if now < self.next {
            return false;
        }
        let into_quarter = u32::try_from(wall.as_second().rem_euclid(i64::from(EVERY_S))).unwrap_or(0);
        self.next = now.plus(EVERY_S - into_quarter);
        let weight = |at: Timestamp| -> f64 {
            self.zones.iter().map(|zone| f64::from(zone.rooms) * if is_open(&zone.tz, at) { 1.0 } else { NIGHT }).sum()
        };
        let half_hours = |from: i64| -> f64 {
            (from..from + 48).map(|half| weight(wall + SignedDuration::from_mins(half * 30 + 15)) * 1800.0).sum()
        };
        let day = half_hours(-48).max(half_hours(0));
        self.rate = if day > 0.0 { PLANNED * self.limit * weight(wall) / day } else { 0.0 };
        for zone in &mut self.zones {
            zone.open = is_open(&zone.tz, wall);
        }
        true
    }

    /// When the plan is made anew.
    #[must_use]
    pub(super) fn next(&self) -> Tick {
        self.next
    }

    /// Requests a second that may be spent now.
    #[must_use]
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether a request may be made that may bring the debt to `seconds` of allowance.
    #[must_use]
    pub(super) fn may_owe(&self, seconds: f64) -> bool {
        self.credit >= 1.0 - seconds * self.rate
    }

    /// When [`Plan::may_owe`] is true.
    #[must_use]
    pub(super) fn affordable(&self, seconds: f64) -> Tick {
        if self.rate <= 0.0 {
            return self.next;
        }
        let wait = (1.0 - seconds * self.rate - self.credit) / self.rate;
        self.settled.plus_tenths((wait.clamp(0.0, 1e6) * 10.0).ceil() as u32).min(self.next)
    }

    /// So many requests were made.
    pub(super) fn spend(&mut self, requests: f64) {
        self.credit -= requests;
    }

    /// Seconds of allowance that are saved, or owed when negative.
    #[must_use]
    pub(super) fn saved_s(&self) -> f64 {
        if self.rate > 0.0 { self.credit / self.rate } else { 0.0 }
    }
}

fn is_open(tz: &TimeZone, at: Timestamp) -> bool {
    let local = tz.to_datetime(at);
    HOURS.contains(&local.hour()) && !matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests that a plan allows from `from`, for so many hours, if all are spent.
    fn allowed(plan: &mut Plan, from: &str, start: Tick, hours: u32) -> f64 {
        let from: Timestamp = from.parse().unwrap();
        let mut sum = 0.0;
        for minute in 0..hours * 60 {
            plan.settle(from + SignedDuration::from_mins(i64::from(minute)), start.plus(minute * 60));
            sum += plan.rate() * 60.0;
        }
        sum
    }

    #[test]
    fn every_day_of_a_week_allows_its_share_and_business_hours_get_most_of_it() {
        let mut plan = Plan::new(900_000, Tick::default());
        let oslo = plan.zone("Europe/Oslo");
        (0..4_000).for_each(|_| plan.count(oslo, 1));
        let tuesday = allowed(&mut plan, "2027-01-05T00:00:00Z", Tick::default(), 24);
        assert!((tuesday / 900_000.0 - PLANNED).abs() < 0.002, "{tuesday}");
        let office = allowed(&mut plan, "2027-01-06T06:00:00Z", Tick::default().plus(200_000), 11);
        assert!(office > 0.85 * tuesday, "{office}");
        let weekend = allowed(&mut plan, "2027-01-08T18:00:00Z", Tick::default().plus(400_000), 24);
        assert!(weekend < 0.98 * 900_000.0, "{weekend}");
    }

    #[test]
    fn what_is_not_spent_is_kept_for_minutes_and_what_was_borrowed_is_paid_back() {
        let mut plan = Plan::new(86_400, Tick::default());
        let utc = plan.zone("UTC");
        plan.count(utc, 1);
        let night: Timestamp = "2027-01-05T01:00:00Z".parse().unwrap();
        plan.settle(night, Tick::default());
        plan.settle(night, Tick::default().plus(3_000));
        assert!((plan.saved_s() - 300.0).abs() < 0.1);
        plan.spend(plan.rate() * 310.0);
        assert!(!plan.may_owe(0.0) && plan.may_owe(60.0));
        let due = plan.affordable(0.0);
        plan.settle(night, due);
        assert!(plan.may_owe(0.0));
    }
}
