//! The canary: one request asks for many rooms at once when they are taken, and a room that is taken at other times than at the
//! last look is read.
//!
//! It has a share of the allowance. Rooms stand in groups; each group is asked about every `P` seconds in business hours, every
//! six times `P` outside, where `P` follows from the share, and is not less than ten seconds.
//!
//! A group is asked about all that is served and a day more, eight days at most. A request costs the same whatever its span; but services have been
//! seen to need twenty seconds for one. A service that needs long for the whole span is asked about two days, and every fourth
//! time about all, each group in its turn: so a far change is known after four periods at most. What was seen of later days
//! stays until they are asked about again.
//!
//! | what comes of a group's request | then |
//! |---|---|
//! | it tells | rooms that differ are read; a room of which it does not tell, for good or three times, is read once, which says why, and counts as one that is not watched until it is told of again |
//! | it fails and may pass | it is asked again later; after two such failures, unless they were pleas for fewer requests, the group is halved: one room may be the reason |
//! | it fails for good, about nobody else, while other groups are answered | it is halved; a room that is left alone with it is left out |
//! | it fails for good, and no group was answered for an hour | the service does not allow it: no canary for six hours, its share goes to background reads |

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

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
const BEHIND: SignedDuration = SignedDuration::from_mins(15);
/// No look goes further ahead. Google and Graph take more (Graph less than 62 days); what is that far is in no hurry.
const WHOLE_MAX: SignedDuration = SignedDuration::from_hours(8 * 24);
/// How far ahead the short looks go, where whole ones take long.
const SHORT: SignedDuration = SignedDuration::from_hours(48);
/// Of so many looks one is whole then.
const WHOLE_EVERY: u32 = 4;
/// Whole looks take long when a request takes this many seconds in the mean, and no longer when it takes half of that. A site
/// of some thousand rooms makes four requests a second: at eight seconds each, 32 of them would be under way all the time.
const SLOW_S: f64 = 8.0;
/// The span moves by so many seconds.
const STEP_S: i64 = 900;
/// A service that refused it is asked again after so long.
const OFF_S: u32 = 6 * 3600;
/// Groups that were answered within this time show that the service allows it.
const ALLOWED_S: u32 = 3600;

/// Rooms that are asked about in one request.
#[derive(Debug, Default)]
struct Group {
    rooms: Vec<u32>,
    /// Zones of its first and last room.
    zones: (u16, u16),
    due: Tick,
    /// Asked about for this span, last.
    window: Option<Window>,
    /// When the request about it began, and whether it asks about the whole span.
    begun: (Tick, bool),
    under_way: bool,
    /// How often it was asked about.
    looks: u32,
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
    /// How far ahead whole looks go.
    whole: SignedDuration,
    /// What a request of theirs takes, in seconds, in the mean of the last ones.
    takes_s: f64,
    /// They take long: most looks are short ones.
    is_slow: bool,
}

/// The span that is asked about at `now`. It moves in steps, so that most answers are the very bytes of the last one.
#[must_use]
fn window(now: Timestamp, ahead: SignedDuration) -> Window {
    let step = |at: Timestamp, up: i64| {
        let second = (at.as_second().div_euclid(STEP_S) + up) * STEP_S;
        Timestamp::from_second(second).unwrap_or(at)
    };
    Window { from: step(now - BEHIND, 0), to: step(now + ahead, 1) }
}

impl Canary {
    /// So far ahead goes what is served.
    pub(super) fn reach(&mut self, ahead: SignedDuration) {
        self.whole = ahead.min(WHOLE_MAX);
    }

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
        self.groups.insert(number, Group { rooms, zones, due, ..Group::default() });
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

    /// A group is asked about: the span, and its rooms.
    pub(super) fn begin(&mut self, number: usize, wall: Timestamp, now: Tick) -> (Window, &[u32]) {
        let Some(group) = self.groups.get_mut(&number) else { return (window(wall, self.whole), &[]) };
        self.line.remove(&(group.due, number));
        // Neighbours have their whole looks at different times.
        let is_whole = !self.is_slow || (group.looks as usize + number).is_multiple_of(WHOLE_EVERY as usize);
        let window = window(wall, if is_whole { self.whole } else { self.whole.min(SHORT) });
        group.under_way = true;
        group.looks = group.looks.wrapping_add(1);
        group.begun = (now, is_whole);
        group.window = Some(window);
        (window, &group.rooms)
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
        self.took(number, requests, true, now);
        let Some(group) = self.groups.get_mut(&number) else { return };
        group.failed = 0;
        let period = self.period_s / group.weight(is_open);
        self.again(number, now, period);
    }

    /// The request about a group failed. The answer: it is off from now on.
    pub(super) fn failed(
        &mut self,
        number: usize,
        requests: u32,
        failure: &Failure,
        wall: Timestamp,
        now: Tick,
    ) -> bool {
        let allowed = self.is_allowed(now);
        self.took(number, requests, false, now);
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
            Remedy::Retry
                if failure.scope == Scope::Object
                    && failure.retry_after.is_none()
                    && failed >= 2
                    && group.rooms.len() > 1 =>
            {
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

    /// How long the requests about a group took. One that failed soon says nothing.
    fn took(&mut self, number: usize, requests: u32, is_answered: bool, now: Tick) {
        let Some(Group { begun: (begun, true), .. }) = self.groups.get(&number) else { return };
        let seconds = now.since(*begun) / f64::from(requests.max(1));
        if is_answered || seconds > self.takes_s {
            self.takes_s = 0.7 * self.takes_s + 0.3 * seconds;
            self.is_slow = self.takes_s >= if self.is_slow { SLOW_S / 2.0 } else { SLOW_S };
        }
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
            let rooms = canary.begin(number, wall, now).1.to_vec();
            match answer(&rooms) {
                None => canary.answered(number, 1, |_| true, now),
                Some(failure) => drop(canary.failed(number, 1, &failure, wall, now)),
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
    fn a_service_that_needs_long_for_the_whole_span_is_asked_about_it_every_fourth_time() {
        let mut canary = packed(200, 20.0);
        canary.reach(SignedDuration::from_hours(192));
        let mut now = tick(0);
        // Hours that the looks at one group go ahead, when each takes so many seconds, and fails or not.
        let mut hours = |canary: &mut Canary, takes_s: u32, fails: bool| {
            let mut seen: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
            for _ in 0..64 {
                let (due, number) = canary.first().unwrap();
                now = now.max(due);
                let (window, _) = canary.begin(number, Timestamp::UNIX_EPOCH, now);
                seen.entry(number).or_default().push(window.to.as_second() / 3600);
                now = now.plus(takes_s);
                if fails {
                    let failure = Failure::retry("Throttled", "").about(Scope::Integration);
                    canary.failed(number, 1, &failure, Timestamp::UNIX_EPOCH, now);
                } else {
                    canary.answered(number, 1, |_| true, now);
                }
            }
            seen.into_values().map(|hours| hours[hours.len() - 8..].to_vec()).collect::<Vec<_>>()
        };
        for group in hours(&mut canary, 1, false) {
            assert_eq!(group, [192; 8]);
        }
        for (takes_s, fails) in [(20, false), (1, true)] {
            for group in hours(&mut canary, takes_s, fails) {
                assert_eq!(group.iter().filter(|hours| **hours == 192).count(), 2, "{group:?}");
                assert!(group.iter().all(|hours| [48, 192].contains(hours)), "{group:?}");
            }
        }
        for group in hours(&mut canary, 1, false) {
            assert_eq!(group, [192; 8]);
        }
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
