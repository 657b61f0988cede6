//! What a service is asked next. The order where several are due, and how far each may go where requests are short:
//!
//! | | of the day's limit | debt, in seconds of allowance | of an account's minute |
//! |---|---|---|---|
//! | Asked | all | any | all |
//! | Changed | 99.5 % | 3600 | all |
//! | Starts, the earlier look | 99 % | 900 | all |
//! | the same, when nothing is to be dialled | 98.75 % | 600 | all |
//! | Starts, the later look | 98.5 % | 300 | all |
//! | the same, when nothing is to be dialled | 98.25 % | 200 | all |
//! | Follows | 98 % | 120 | 95 % |
//! | canary | 97.5 % | its own share | 95 % |
//! | Turn | 97 % | none | 90 % |
//! | Verify | 97 % | none | 90 % |
//!
//! So what is made last of all is what somebody asked for, tries again of it included, and what is dropped first are the later looks
//! at meetings without an alias. A look before a start, or a follow-up, that cannot be afforded is dropped; everything else waits.
//! Within a class the parties of a service take turns, and none pays another's debt: see `party`.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Meetings, Mono, Now, RoomKey};

use super::super::due::{Batch, Object};
use super::breaker::Gate;
use super::rhythm::{is_early, next_start};
use super::site::{Flight, Room, Site};
use super::tick::Tick;
use super::wants::{Satisfied, URGENT};
use super::{Turn, Why};

/// Reads that hits lead to: most of one room in an hour.
const HITS_PER_HOUR: u8 = 60;
/// And of a service in a day, as a share of its limit.
const HITS_SHARE: f64 = 0.2;
/// The same where the service tells of changes by itself: reads for other reasons are few then.
const HITS_SHARE_HEARD: f64 = 0.75;
/// What background reads leave for changes that are told, in seconds of allowance.
const LEFT_S: f64 = 120.0;
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

/// Which look before a start it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Start {
    /// The earlier of the two.
    is_early: bool,
    /// As far as is known, the meeting has an alias.
    is_dialled: bool,
}

const fn means(why: Why, start: Start) -> Means {
    let (day, debt_s, minute) = match why {
        Why::Asked => (1.0, f64::INFINITY, 1.0),
        Why::Changed => (0.995, 3600.0, 1.0),
        Why::Starts => match (start.is_early, start.is_dialled) {
            (true, true) => (0.99, 900.0, 1.0),
            (true, false) => (0.9875, 600.0, 1.0),
            (false, true) => (0.985, 300.0, 1.0),
            (false, false) => (0.9825, 200.0, 1.0),
        },
        Why::Follows => (0.98, 120.0, 0.95),
        Why::Turn | Why::Verify => (FOR_TURNS, 0.0, 0.9),
    };
    Means { day, debt_s, minute }
}

/// Where nobody may ask, a party may have saved enough of its own part after so many seconds.
const OWN_S: u32 = 2;

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
            let Some((due, index)) = self.wants.first(why, tick) else { return Err(Tick::NEVER) };
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
            let start = if why == Why::Starts { room.start(now.wall) } else { Start::default() };
            let party = room.times.party();
            match self.may(means(why, start), Some(party), tick) {
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
        let (account, probes) = match self.may(CANARY, None, tick) {
            // What it is told says little about reads.
            May::Go(_, (true, _) | (_, true)) => return Err(Tick::NEVER),
            May::Go(account, probes) => (account, probes),
            May::Wait(at) | May::Dear(at) => return Err(at),
        };
        let (window, rooms) = self.canary.begin(number, now.wall, tick);
        let rooms = rooms.iter().filter_map(|room| self.rooms[*room as usize].email.clone()).collect();
        let batch = Batch { integration: self.spec.name.clone(), number };
        self.looks += 1;
        let flight =
            Flight { account, begun: tick, why: Why::Turn, party: None, satisfied: Satisfied::default(), probes };
        self.begin(Object::Batch(batch.clone()), flight);
        Ok(Turn::Busy { batch, rooms, window, account })
    }

    fn in_turn(&mut self, now: Now) -> Result<Turn, Tick> {
        let tick = Tick::of(now.mono);
        // The party that owes least, or has saved most.
        let saved = |party: u16| self.parties.saved_s(party);
        let first = self.rhythm.first().max_by(|one, other| saved(one.0).total_cmp(&saved(other.0)));
        let Some((party, index)) = first else { return Err(Tick::NEVER) };
        let mut means = means(Why::Turn, Start::default());
        if self.is_heard {
            means.debt_s = -LEFT_S;
        }
        match self.may(means, Some(party), tick) {
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
        let share = if self.is_heard { HITS_SHARE_HEARD } else { HITS_SHARE };
        let most = share * self.day.limit() as f64;
        (room.hits.0 == hour && room.hits.1 >= HITS_PER_HOUR)
            || !self.parties.may_hit(room.times.party(), most, self.hits.sum() as f64)
    }

    fn may(&mut self, means: Means, party: Option<u16>, now: Tick) -> May {
        let is_own = party.is_some_and(|party| self.parties.may_owe(party, means.debt_s));
        if !is_own && !self.plan.may_owe(means.debt_s) {
            return May::Dear(self.plan.affordable(means.debt_s).min(now.plus(OWN_S)));
        }
        if !self.day.has_room(means.day) {
            return May::Dear(now.plus(60));
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
        let party = room.times.party();
        self.wants.serve(why, party);
        self.rhythm.read(&mut room.beat, index, matches!(why, Why::Turn | Why::Verify));
        room.read_at = tick;
        room.is_read = true;
        room.again = false;
        if why == Why::Changed {
            let hour = hour_of(tick);
            room.hits = if room.hits.0 == hour { (hour, room.hits.1.saturating_add(1)) } else { (hour, 1) };
            self.hits.add(1, tick);
            self.parties.hit(party, tick);
        }
        if why == Why::Verify {
            room.verify_at = tick.plus(VERIFY_S);
        }
        self.set_deadline(index, now.wall + SignedDuration::from_secs(10), now);
        self.follow_up(index, tick);
        self.refresh(index, now);
        *self.reads.entry(why).or_default() += 1;
        let flight = Flight { account, begun: tick, why, party: Some(party), satisfied, probes };
        self.begin(Object::Room(key.clone()), flight);
        Turn::Read { room: key, account, why }
    }

    fn begin(&mut self, object: Object, flight: Flight) {
        self.day.begin(flight.begun);
        self.spend(&flight, 1.0);
        if flight.probes.0 {
            self.breaker.probe_begun();
        }
        if let Some(account) = self.accounts.get_mut(flight.account) {
            account.minute.add(1, flight.begun);
            if flight.probes.1 {
                account.breaker.probe_begun();
            }
        }
        self.flights.insert(object, flight);
    }

    /// So many requests were made for one that was begun.
    pub(super) fn spend(&mut self, flight: &Flight, requests: f64) {
        // First reads of a large site would keep everything else waiting for hours. They are within the day's limit.
        if flight.why != Why::Asked {
            self.plan.spend(requests);
            self.parties.spend(flight.party, requests);
        }
    }
}

impl Room {
    /// Which look before which start one at `now` is.
    fn start(&self, now: Timestamp) -> Start {
        let Some(agenda) = self.agenda.as_deref() else { return Start::default() };
        let Some(start) = next_start(agenda, now) else { return Start::default() };
        let made = self.meetings.as_deref().filter(|meetings| meetings.agenda == agenda.digest);
        let has_none = |meetings: &Meetings| {
            meetings.list.iter().filter(|it| it.start == start).all(|meeting| meeting.verdict.alias.is_none())
        };
        Start { is_early: is_early(agenda, now), is_dialled: !made.is_some_and(has_none) }
    }
}

fn hour_of(at: Tick) -> u16 {
    (at.number() / 36_000 % (1 << 16)) as u16
}
