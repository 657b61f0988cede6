//! What a service is asked next. The order where several are due, and how far each may go where requests are short:
//!
//! | | of the day's limit | debt, in seconds of allowance | of an account's minute |
//! |---|---|---|---|
//! | Asked | all | any | all |
//! | Changed | 99.5 % | 3600 | all |
//! | Starts, the earlier look | 99 % | 900 | all |
//! | Starts, the later look | 98.5 % | 300 | all |
//! | Follows | 98 % | 120 | 95 % |
//! | canary | 97.5 % | its own share | 95 % |
//! | Turn | 97 % | none | 90 % |
//! | Verify | 97 % | none | 90 % |
//!
//! A look before a start, or a follow-up, that cannot be afforded is dropped; everything else waits.

use jiff::SignedDuration;

use crate::model::{Mono, Now, RoomKey};

use super::super::due::{Batch, Object};
use super::breaker::Gate;
use super::rhythm::is_early;
use super::site::{Flight, Site};
use super::tick::Tick;
use super::wants::{Satisfied, URGENT};
use super::{Turn, Why};

/// Reads that hits lead to: most of one room in an hour.
const HITS_PER_HOUR: u8 = 60;
/// And of a service in a day, as a share of its limit.
const HITS_SHARE: f64 = 0.2;
/// A complete read without shortcuts, once in so long, at night.
const VERIFY_S: u32 = 20 * 3600;
/// After so long it is made by day, too.
const VERIFY_LATEST_S: u32 = 44 * 3600;

/// Background reads may use so much of the day's limit.
pub(super) const FOR_TURNS: f64 = 0.97;

/// How far a kind of request may go.
#[derive(Clone, Copy, Debug)]
struct Means {
    day: f64,
    debt_s: f64,
    minute: f64,
}

const fn means(why: Why, is_early: bool) -> Means {
    let (day, debt_s, minute) = match why {
        Why::Asked => (1.0, f64::INFINITY, 1.0),
        Why::Changed => (0.995, 3600.0, 1.0),
        Why::Starts if is_early => (0.99, 900.0, 1.0),
        Why::Starts => (0.985, 300.0, 1.0),
        Why::Follows => (0.98, 120.0, 0.95),
        Why::Turn | Why::Verify => (FOR_TURNS, 0.0, 0.9),
    };
    Means { day, debt_s, minute }
}

const CANARY: Means = Means { day: 0.975, debt_s: f64::INFINITY, minute: 0.95 };

/// Whether something may be asked.
enum May {
    /// With this account; whether it probes the service, and the account.
    Go(usize, (bool, bool)),
    /// Not before then.
    Wait(Tick),
    /// It costs more than may be owed, until then.
    Dear(Tick),
}

impl Site {
    /// What to ask now. What is answered counts as begun.
    pub(super) fn next(&mut self, now: Now) -> Turn {
        self.settle(now);
        let tick = Tick::of(now.mono);
        if self.flights.len() >= self.in_flight.window() as usize {
            return Turn::Later(Mono::NEVER);
        }
        if !self.day.has_reserve() {
            // It is reserved at the next turn, unless the day is full.
            return Turn::Later(if self.day.has_room(1.0) { tick.plus_tenths(1) } else { tick.plus(60) }.mono());
        }
        let mut later = self.next_alarm().min(self.plan.next());
        for why in URGENT {
            match self.urgent(why, now) {
                Ok(turn) => return turn,
                Err(at) => later = later.min(at),
            }
        }
        match self.look(now) {
            Ok(turn) => return turn,
            Err(at) => later = later.min(at),
        }
        match self.in_turn(now) {
            Ok(turn) => return turn,
            Err(at) => later = later.min(at),
        }
        Turn::Later(later.max(tick.plus_tenths(1)).mono())
    }

    fn urgent(&mut self, why: Why, now: Now) -> Result<Turn, Tick> {
        let tick = Tick::of(now.mono);
        loop {
            let Some((due, index)) = self.wants.first(why) else { return Err(Tick::NEVER) };
            if due > tick {
                return Err(due);
            }
            let room = &self.rooms[index as usize];
            if why == Why::Changed && self.is_hit_too_often(index, tick) {
                // It is served with the next turn instead.
                let room = &mut self.rooms[index as usize];
                self.wants.set(&mut room.times, index, why, Tick::NEVER);
                self.rhythm.push_forward(&mut room.beat, index, tick);
                continue;
            }
            let early = why == Why::Starts && room.agenda.as_deref().is_some_and(|agenda| is_early(agenda, now.wall));
            match self.may(means(why, early), tick) {
                May::Go(account, probes) => return Ok(self.read(index, why, account, probes, now)),
                May::Wait(at) => return Err(at),
                May::Dear(at) => match why {
                    Why::Starts => self.set_deadline(index, now.wall, now),
                    Why::Follows => {
                        let room = &mut self.rooms[index as usize];
                        self.wants.set(&mut room.times, index, why, Tick::NEVER);
                    }
                    _ => return Err(at),
                },
            }
        }
    }

    fn look(&mut self, now: Now) -> Result<Turn, Tick> {
        let tick = Tick::of(now.mono);
        let Some((due, number)) = self.canary.first() else { return Err(Tick::NEVER) };
        if due > tick {
            return Err(due);
        }
        let (account, probes) = match self.may(CANARY, tick) {
            // What it is told says little about reads.
            May::Go(_, (true, _) | (_, true)) => return Err(Tick::NEVER),
            May::Go(account, probes) => (account, probes),
            May::Wait(at) | May::Dear(at) => return Err(at),
        };
        let (window, rooms) = self.canary.begin(number, now.wall, tick);
        let rooms = rooms.iter().filter_map(|room| self.rooms[*room as usize].email.clone()).collect();
        let batch = Batch { integration: self.spec.name.clone(), number };
        self.looks += 1;
        self.begin(Object::Batch(batch.clone()), Why::Turn, Satisfied::default(), account, probes, tick);
        Ok(Turn::Busy { batch, rooms, window, account })
    }

    fn in_turn(&mut self, now: Now) -> Result<Turn, Tick> {
        let tick = Tick::of(now.mono);
        let Some(index) = self.rhythm.first() else { return Err(Tick::NEVER) };
        match self.may(means(Why::Turn, false), tick) {
            May::Go(account, probes) => {
                let room = &self.rooms[index as usize];
                let waits = tick.since(room.verify_at);
                let is_quiet = !self.plan.is_open(room.zone) && room.read_at != Tick::default();
                let verify = waits > 0.0 && (is_quiet || waits > f64::from(VERIFY_LATEST_S - VERIFY_S));
                Ok(self.read(index, if verify { Why::Verify } else { Why::Turn }, account, probes, now))
            }
            May::Wait(at) | May::Dear(at) => Err(at),
        }
    }

    fn is_hit_too_often(&self, index: u32, now: Tick) -> bool {
        let room = &self.rooms[index as usize];
        let hour = hour_of(now);
        (room.hits.0 == hour && room.hits.1 >= HITS_PER_HOUR)
            || self.hits.sum() as f64 >= HITS_SHARE * self.day.limit() as f64
    }

    fn may(&mut self, means: Means, now: Tick) -> May {
        if !self.plan.may_owe(means.debt_s) {
            return May::Dear(self.plan.affordable(means.debt_s));
        }
        if !self.day.has_room(means.day) {
            return May::Wait(now.plus(60));
        }
        let site_probe = match self.breaker.gate(now) {
            Gate::Closed => false,
            Gate::Probe => true,
            Gate::Until(at) => return May::Wait(at),
        };
        let (mut best, mut soonest) = (None, Tick::NEVER);
        for (index, account) in self.accounts.iter_mut().enumerate() {
            let probe = match account.breaker.gate(now) {
                Gate::Closed => false,
                Gate::Probe => true,
                Gate::Until(at) => {
                    soonest = soonest.min(at);
                    continue;
                }
            };
            let room = account.minute.room(means.minute, now);
            if room == 0 {
                soonest = soonest.min(account.minute.free_at(means.minute));
                continue;
            }
            // An account that may be well again is tried first: it is one request, and a room that is read a little later.
            let rank = (probe, room);
            if best.is_none_or(|(_, best)| rank > best) {
                best = Some((index, rank));
            }
        }
        match best {
            Some((account, (probe, _))) => May::Go(account, (site_probe, probe)),
            None => May::Wait(soonest),
        }
    }

    fn read(&mut self, index: u32, why: Why, account: usize, probes: (bool, bool), now: Now) -> Turn {
        let tick = Tick::of(now.mono);
        let room = &mut self.rooms[index as usize];
        let key = RoomKey {
            integration: self.spec.name.clone(),
            email: room.email.clone().expect("a room that stands in line has an address"),
        };
        let satisfied = self.wants.satisfy(&mut room.times, index, tick);
        self.rhythm.read(&mut room.beat, index, matches!(why, Why::Turn | Why::Verify));
        room.read_at = tick;
        room.is_read = true;
        room.again = false;
        if why == Why::Changed {
            let hour = hour_of(tick);
            room.hits = if room.hits.0 == hour { (hour, room.hits.1.saturating_add(1)) } else { (hour, 1) };
            self.hits.add(1, tick);
        }
        if why == Why::Verify {
            room.verify_at = tick.plus(VERIFY_S);
        }
        self.set_deadline(index, now.wall + SignedDuration::from_secs(10), now);
        self.follow_up(index, tick);
        self.refresh(index, now);
        *self.reads.entry(why).or_default() += 1;
        self.begin(Object::Room(key.clone()), why, satisfied, account, probes, tick);
        Turn::Read { room: key, account, why }
    }

    fn begin(
        &mut self,
        object: Object,
        why: Why,
        satisfied: Satisfied,
        account: usize,
        probes: (bool, bool),
        now: Tick,
    ) {
        self.day.begin(now);
        if why != Why::Asked {
            // First reads of a large site would keep everything else waiting for hours. They are within the day's limit.
            self.plan.spend(1.0);
        }
        if probes.0 {
            self.breaker.probe_begun();
        }
        if let Some(account) = self.accounts.get_mut(account) {
            account.minute.add(1, now);
            if probes.1 {
                account.breaker.probe_begun();
            }
        }
        self.flights.insert(object, Flight { account, begun: now, why, satisfied, probes });
    }
}

fn hour_of(at: Tick) -> u16 {
    (at.number() / 36_000 % (1 << 16)) as u16
}
