//! Who shares a service: the rooms of one profile are a party; where all are of one profile, those of one location. In: parties with
//! their rooms, requests made for each. Out: who may still ask, and whose turn it is.
//!
//! However many rooms one party has, and however much of it changes:
//! * reads of one class are made for the parties in turn (`wants`);
//! * each party has its part of the allowance, by the shares that its rooms have of background reads. What a party owes, the others
//!   need not pay back: they go on with their parts;
//! * of the reads that hits may lead to in a day, half is for whoever comes first, the other half belongs to the parties by their
//!   rooms.
//!
//! What a party does not use is for the others. With one party all of this comes to nothing.

use std::collections::BTreeSet;

use crate::model::{Desired, RoomSpec};

use super::budget::Sliding;
use super::plan::KEPT_S;
use super::tick::Tick;

/// More parties share places: a turn looks at each.
const MOST: usize = 16;

#[derive(Debug, Default)]
struct Party {
    rooms: u64,
    /// Requests that it may make, or owes when negative.
    credit: f64,
    /// Its part of the allowance, in requests a second.
    rate: f64,
    /// Reads that hits led to.
    hits: Sliding,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Parties {
    names: Vec<String>,
    by_profile: bool,
    list: Vec<Party>,
    settled: Tick,
}

impl Parties {
    /// Finds the parties of these rooms.
    pub(super) fn adopt<'a>(&mut self, desired: &Desired, rooms: impl Iterator<Item = &'a RoomSpec> + Clone) {
        let named = |by_profile: bool| -> Vec<String> {
            rooms.clone().map(|room| name_of(desired, room, by_profile)).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let profiles = named(true);
        let by_profile = profiles.len() > 1;
        let names = if by_profile { profiles } else { named(false) };
        if (&names, by_profile) != (&self.names, self.by_profile) {
            // Old debts are nobody's.
            self.list = (0..names.len().min(MOST)).map(|_| Party::default()).collect();
            (self.names, self.by_profile) = (names, by_profile);
        }
        for party in &mut self.list {
            party.rooms = 0;
        }
    }

    /// The party of a room, which is counted.
    pub(super) fn join(&mut self, desired: &Desired, room: &RoomSpec) -> u16 {
        let name = name_of(desired, room, self.by_profile);
        let place = self.names.binary_search(&name).unwrap_or(0) % MOST;
        if let Some(party) = self.list.get_mut(place) {
            party.rooms += 1;
        }
        u16::try_from(place).unwrap_or(0)
    }

    /// Lets time pass, in which so many requests a second were allowed. `weight`: of each party.
    pub(super) fn settle(&mut self, rate: f64, weight: impl Fn(u16) -> u64, now: Tick) {
        let passed = now.since(self.settled);
        self.settled = now;
        if self.list.len() < 2 {
            return;
        }
        let all = (0u16..).zip(&self.list).map(|(place, _)| weight(place)).sum::<u64>().max(1) as f64;
        for (place, party) in (0u16..).zip(&mut self.list) {
            party.rate = rate * weight(place) as f64 / all;
            party.credit = (party.credit + passed * party.rate).min(KEPT_S * party.rate);
        }
    }

    /// So many requests were made, for one party or for all.
    pub(super) fn spend(&mut self, party: Option<u16>, requests: f64) {
        if let Some(party) = party {
            if let Some(party) = self.list.get_mut(usize::from(party)) {
                party.credit -= requests;
            }
            return;
        }
        let all: f64 = self.list.iter().map(|party| party.rate).sum();
        for party in self.list.iter_mut().filter(|_| all > 0.0) {
            party.credit -= requests * party.rate / all;
        }
    }

    /// Whether a party may make a request of its own part, if its debt may come to `seconds` of it.
    #[must_use]
    pub(super) fn may_owe(&self, party: u16, seconds: f64) -> bool {
        let party = self.list.get(usize::from(party)).filter(|party| self.list.len() > 1 && party.rate > 0.0);
        party.is_some_and(|party| party.credit >= 1.0 - seconds * party.rate)
    }

    /// Seconds of its part that a party has saved, or owes when negative.
    #[must_use]
    pub(super) fn saved_s(&self, party: u16) -> f64 {
        let party = self.list.get(usize::from(party)).filter(|party| party.rate > 0.0);
        party.map_or(0.0, |party| party.credit / party.rate)
    }

    /// A hit of this party is read.
    pub(super) fn hit(&mut self, party: u16, now: Tick) {
        if let Some(party) = self.list.get_mut(usize::from(party)) {
            party.hits.add(1, now);
        }
    }

    /// Whether a party's hits may lead to one more read, of `most` in a day for all of them, of which `used` are made.
    #[must_use]
    pub(super) fn may_hit(&self, party: u16, most: f64, used: f64) -> bool {
        let rooms = self.list.iter().map(|party| party.rooms).sum::<u64>().max(1) as f64;
        let own = |party: &Party| 0.5 * most * party.rooms as f64 / rooms;
        let beyond = |party: &Party| (party.hits.sum() as f64 - own(party)).max(0.0);
        let taken: f64 = self.list.iter().map(beyond).sum();
        let is_within = self.list.get(usize::from(party)).is_some_and(|party| (party.hits.sum() as f64) < own(party));
        used < most && (is_within || taken < 0.5 * most)
    }

    /// Forgets hits that are older than a day.
    pub(super) fn roll(&mut self, now: Tick) {
        self.list.iter_mut().for_each(|party| party.hits.roll(now));
    }
}

fn name_of(desired: &Desired, room: &RoomSpec, by_profile: bool) -> String {
    if by_profile {
        return room.evaluations.first().map(|evaluation| evaluation.profile.to_string()).unwrap_or_default();
    }
    let endpoint = room.endpoints.first().and_then(|name| desired.endpoints.get(name));
    endpoint.map(|endpoint| endpoint.location.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parties(rooms: &[u64]) -> Parties {
        let list = rooms.iter().map(|rooms| Party { rooms: *rooms, ..Party::default() }).collect();
        Parties { list, ..Parties::default() }
    }

    #[test]
    fn what_one_party_owes_takes_nothing_from_the_part_of_another() {
        let mut two = parties(&[900, 100]);
        let weight = |party: u16| [900, 100][usize::from(party)];
        two.settle(10.0, weight, Tick::default());
        two.settle(10.0, weight, Tick::default().plus(10));
        two.spend(Some(0), 5_000.0);
        two.spend(None, 10.0);
        assert!(!two.may_owe(0, 300.0) && two.may_owe(0, 600.0), "{}", two.saved_s(0));
        assert!(two.may_owe(1, 0.0));
        assert!((two.saved_s(1) - 9.0).abs() < 0.01, "{}", two.saved_s(1));
        // Nobody has a part of his own where there is nobody else.
        let mut one = parties(&[900]);
        one.settle(10.0, |_| 900, Tick::default().plus(10));
        assert!(!one.may_owe(0, 1e9));
    }

    #[test]
    fn a_party_whose_rooms_change_all_day_leaves_the_others_their_part_of_the_reads_for_hits() {
        let mut two = parties(&[900, 100]);
        let mut made = [0u32; 2];
        for (party, tries) in [(0, 5_000), (1, 5_000), (0, 5_000)] {
            for _ in 0..tries {
                if two.may_hit(party, 1_000.0, f64::from(made.iter().sum::<u32>())) {
                    two.hit(party, Tick::default());
                    made[usize::from(party)] += 1;
                }
            }
        }
        assert_eq!(made, [950, 50]);
    }
}
