//! The canary: one request asks for many rooms at once when they are taken, and a room that is taken at other times than at the
//! last look is read.
//!
//! It has a share of the allowance. Rooms stand in groups; each group is asked about every `P` seconds in business hours, every
//! six times `P` outside, where `P` follows from the share, and is not less than ten seconds.
//!
//! | what comes of a group's request | then |
//! |---|---|
//! | it tells | rooms that differ are read; a room's own failure takes nothing from the others |
//! | it fails and may pass | it is asked again later; after two such failures the group is halved: one room may be the reason |
//! | it fails for good, about nobody else, while other groups are answered | it is halved; a room that is left alone with it is left out |
//! | it fails for good, and no group was answered for an hour | the service does not allow it: no canary for six hours, its share goes to background reads |

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::service::Service;
use crate::model::{Failure, Remedy, Scope, Window};

use super::tick::Tick;

/// The share of the allowance that it has.
const SHARE: f64 = 0.22;
/// Outside business hours a group is asked about so much less often.
const NIGHT: f64 = 1.0 / 6.0;
/// A group is not asked about more often than this, in seconds.
const SHORTEST_S: f64 = 10.0;
/// Nor less often, in business hours, whatever the shortage.
const LONGEST_S: f64 = 900.0;
/// It looks back so far: what is just ending may be extended.
pub(super) const BEHIND: SignedDuration = SignedDuration::from_mins(15);
/// A service that refused it is asked again after so long.
const OFF_S: u32 = 6 * 3600;
/// Groups that were answered within this time show that the service allows it.
const ALLOWED_S: u32 = 3600;

/// Rooms that are asked about in one request.
#[derive(Debug)]
struct Group {
    rooms: Vec<u32>,
    /// Zones of its first and last room.
    zones: (u16, u16),
    due: Tick,
    /// Asked about for this span, last.
    window: Option<Window>,
    under_way: bool,
    failed: u32,
}

/// Why there is no canary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Off {
    /// From the failure.
    pub(super) reason: &'static str,
    /// Since when.
    pub(super) since: Timestamp,
    until: Tick,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Canary {
    groups: BTreeMap<usize, Group>,
    line: BTreeSet<(Tick, usize)>,
    next_number: usize,
    answered: Option<Tick>,
    off: Option<Off>,
    period_s: f64,
    /// Requests for one group, as measured: some services take fewer rooms at once than others of their kind.
    cost: f64,
}

/// How far ahead a service is asked.
#[must_use]
pub(super) fn reach(service: &Service) -> SignedDuration {
    match service {
        // getSchedule becomes slow over long spans; later changes are found by reads.
        Service::Graph(_) => SignedDuration::from_hours(48),
        Service::Google(_) | Service::CalDav(_) | Service::Exchange(_) | Service::Ics => {
            SignedDuration::from_hours(8 * 24)
        }
    }
}

/// The span that is asked about at `now`.
#[must_use]
pub(super) fn window(now: Timestamp, ahead: SignedDuration) -> Window {
    Window { from: now - BEHIND, to: now + ahead }
}

impl Canary {
    /// Packs rooms, given with their zones, into groups of `size`.
    pub(super) fn pack(&mut self, mut rooms: Vec<(u16, u32)>, size: usize, now: Tick) {
        rooms.sort_unstable();
        self.groups.clear();
        self.line.clear();
        let count = rooms.len().div_ceil(size.max(1)).max(1);
        for (index, part) in rooms.chunks(size.max(1)).enumerate() {
            // The first round is spread over half a minute.
            let due = now.plus_tenths(u32::try_from(index * 300 / count).unwrap_or(0));
            self.add(part.iter().map(|(_, room)| *room).collect(), (part[0].0, part[part.len() - 1].0), due);
        }
    }

    fn add(&mut self, rooms: Vec<u32>, zones: (u16, u16), due: Tick) {
        let number = self.next_number;
        self.next_number += 1;
        self.line.insert((due, number));
        self.groups.insert(number, Group { rooms, zones, due, window: None, under_way: false, failed: 0 });
    }

    /// Follows the allowance of `rate` requests a second.
    pub(super) fn follow(&mut self, rate: f64, is_open: impl Fn(u16) -> bool) {
        let weight: f64 = self.groups.values().map(|group| group.weight(&is_open)).sum();
        self.period_s = if rate > 0.0 {
            (weight * self.cost.max(1.0) / (SHARE * rate)).clamp(SHORTEST_S, LONGEST_S)
        } else {
            LONGEST_S
        };
    }

    /// Which group is next, and when.
    #[must_use]
    pub(super) fn first(&self) -> Option<(Tick, usize)> {
        let (due, number) = self.line.first().copied()?;
        let off = self.off.as_ref().map_or(Tick::default(), |off| off.until);
        Some((due.max(off), number))
    }

    /// A group is asked about: its rooms.
    pub(super) fn begin(&mut self, number: usize, window: Window) -> &[u32] {
        let Some(group) = self.groups.get_mut(&number) else { return &[] };
        self.line.remove(&(group.due, number));
        group.under_way = true;
        group.window = Some(window);
        &group.rooms
    }

    /// The span that a group was asked about; `None`: there is no such group any more.
    #[must_use]
    pub(super) fn asked(&self, number: usize) -> Option<Window> {
        self.groups.get(&number)?.window
    }

    /// The requests about a group were answered.
    pub(super) fn answered(&mut self, number: usize, requests: u32, is_open: impl Fn(u16) -> bool, now: Tick) {
        self.answered = Some(now);
        self.off = None;
        self.cost = 0.8 * self.cost.max(1.0) + 0.2 * f64::from(requests);
        let Some(group) = self.groups.get_mut(&number) else { return };
        group.failed = 0;
        let period = self.period_s / group.weight(is_open);
        self.again(number, now, period);
    }

    /// The request about a group failed. The answer: it is off from now on.
    pub(super) fn failed(&mut self, number: usize, failure: &Failure, wall: Timestamp, now: Tick) -> bool {
        let allowed = self.is_allowed(now);
        let Some(group) = self.groups.get_mut(&number) else { return false };
        group.failed += 1;
        let failed = group.failed;
        match failure.remedy {
            Remedy::Fix if !allowed => {
                let was_on = self.off.is_none();
                let since = self.off.take().map_or(wall, |off| off.since);
                self.off = Some(Off { reason: failure.reason, since, until: now.plus(OFF_S) });
                self.again(number, now, f64::from(OFF_S));
                was_on
            }
            // Everybody's trouble is no reason to suspect one room.
            Remedy::Fix if failure.scope == Scope::Object => {
                self.halve(number, now);
                false
            }
            Remedy::Retry if failure.scope == Scope::Object && failed >= 2 && group.rooms.len() > 1 => {
                self.halve(number, now);
                false
            }
            Remedy::Fix | Remedy::Retry => {
                let asked = failure.retry_after.map_or(0.0, |asked| asked.as_secs_f64());
                let wait = f64::from(10u32 << failed.min(5)).max(self.period_s).max(asked);
                self.again(number, now, wait);
                false
            }
        }
    }

    /// The service has told lately when rooms are taken.
    pub(super) fn is_allowed(&self, now: Tick) -> bool {
        self.answered.is_some_and(|at| now.since(at) < f64::from(ALLOWED_S))
    }

    /// The period in business hours, in seconds.
    #[must_use]
    pub(super) fn period_s(&self) -> f64 {
        self.period_s
    }

    /// How many groups there are.
    #[must_use]
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Why there is none.
    #[must_use]
    pub(super) fn off(&self) -> Option<&Off> {
        self.off.as_ref()
    }

    /// It is tried again.
    pub(super) fn try_again(&mut self) {
        self.off = None;
    }

    fn again(&mut self, number: usize, now: Tick, wait_s: f64) {
        if let Some(group) = self.groups.get_mut(&number) {
            self.line.remove(&(group.due, number));
            group.under_way = false;
            group.due = now.plus_tenths((wait_s * 10.0) as u32);
            self.line.insert((group.due, number));
        }
    }

    fn halve(&mut self, number: usize, now: Tick) {
        let Some(group) = self.groups.remove(&number) else { return };
        self.line.remove(&(group.due, number));
        if group.rooms.len() > 1 {
            let (one, other) = group.rooms.split_at(group.rooms.len() / 2);
            self.add(one.to_vec(), group.zones, now.plus(1));
            self.add(other.to_vec(), group.zones, now.plus(2));
        }
    }
}

impl Group {
    fn weight(&self, is_open: impl Fn(u16) -> bool) -> f64 {
        if is_open(self.zones.0) || is_open(self.zones.1) { 1.0 } else { NIGHT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(second: u32) -> Tick {
        Tick::default().plus(second)
    }

    /// Asks until `until`; `answer` says what comes of each request.
    fn run(canary: &mut Canary, until: u32, mut answer: impl FnMut(&[u32]) -> Option<Failure>) -> Vec<(u32, Vec<u32>)> {
        let wall = Timestamp::UNIX_EPOCH;
        let mut asked = Vec::new();
        let mut now = Tick::default();
        loop {
            let Some((due, number)) = canary.first() else { return asked };
            now = now.max(due);
            if now > tick(until) {
                return asked;
            }
            let rooms = canary.begin(number, window(wall, SignedDuration::from_hours(48))).to_vec();
            match answer(&rooms) {
                None => canary.answered(number, 1, |_| true, now),
                Some(failure) => drop(canary.failed(number, &failure, wall, now)),
            }
            asked.push((now.number() / 10, rooms));
        }
    }

    fn packed(rooms: u32, rate: f64) -> Canary {
        let mut canary = Canary::default();
        canary.pack((0..rooms).map(|room| (0, room)).collect(), 50, Tick::default());
        canary.follow(rate, |_| true);
        canary
    }

    #[test]
    fn its_period_follows_from_its_share_and_ends_at_ten_seconds() {
        for (rooms, rate, period) in
            [(170, 20.0, 10.0), (4_000, 20.0, 18.2), (40_000, 20.0, 181.8), (5_000, 0.0, 900.0)]
        {
            let mut canary = packed(rooms, rate);
            assert!((canary.period_s() - period).abs() < 0.1, "{rooms}: {}", canary.period_s());
            let asked = run(&mut canary, 1_200, |_| None).len() as f64;
            let expected = f64::from(rooms.div_ceil(50)) * 1_200.0 / period;
            assert!((asked / expected - 1.0).abs() < 0.6, "{rooms}: {asked} {expected}");
        }
    }

    #[test]
    fn one_room_that_breaks_its_group_is_found_by_halving() {
        let mut canary = packed(100, 20.0);
        let bad =
            |rooms: &[u32]| rooms.contains(&70).then(|| Failure::fix("RequestRefused", "an address it does not take"));
        let asked = run(&mut canary, 300, bad);
        assert!(asked.iter().filter(|(_, rooms)| rooms.contains(&70)).count() <= 7, "{asked:?}");
        let last: BTreeSet<u32> =
            asked.iter().filter(|(at, _)| *at > 250).flat_map(|(_, rooms)| rooms.clone()).collect();
        assert_eq!(last.len(), 99);
    }

    #[test]
    fn a_service_that_does_not_allow_it_is_not_bothered() {
        let mut canary = packed(4_000, 20.0);
        let asked = run(&mut canary, 20_000, |_| Some(Failure::fix("NotAllowed", "")));
        assert_eq!(asked.len(), 1);
        assert_eq!(canary.off().unwrap().reason, "NotAllowed");
        let asked = run(&mut canary, 30_000, |_| None);
        assert!(asked.len() > 1_000 && canary.off().is_none());
    }
}
