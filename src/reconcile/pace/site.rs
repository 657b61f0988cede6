//! One calendar service: its rooms, what is known of each, and all that decides about its requests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::service::Service;
use crate::model::{Agenda, Busy, Desired, IntegrationName, IntegrationSpec, Meetings, Mono, Now, RoomEmail, RoomSpec};

use super::super::due::Object;
use super::account::{Account, accounts_of, per_day};
use super::breaker::{Breaker, InFlight};
use super::budget::{BUCKET_S, Day, QuotaRecord, Sliding};
use super::canary::Canary;
use super::party::Parties;
use super::plan::Plan;
use super::rhythm::{Beat, Changes, LONGEST_S, Level, Rhythm, next_deadline};
use super::tick::Tick;
use super::turns::FOR_TURNS;
use super::wants::{Satisfied, Times, Wants};
use super::{Known, Why};

/// Rooms that nobody has read yet are read so many a second at most, after a start.
const FIRST_READS_PER_S: f64 = 25.0;
/// After three starts within five minutes first reads are spread over so long.
const RESTARTS_SPREAD_S: f64 = 600.0;

/// What is known of a room, as far as its reads go. There are tens of thousands.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Its address; `None`: the place is free.
    pub(super) email: Option<RoomEmail>,
    pub(super) agenda: Option<Arc<Agenda>>,
    /// What its one evaluation made of that; `None` where it has several.
    pub(super) meetings: Option<Arc<Meetings>>,
    /// When it was taken, as it was told at the last look.
    pub(super) busy: Option<Seen>,
    pub(super) times: Times,
    pub(super) beat: Beat,
    pub(super) changes: Changes,
    /// The last read began then.
    pub(super) read_at: Tick,
    /// Follow-ups count from then.
    pub(super) changed_at: Tick,
    /// Looked at again then.
    pub(super) alarm: Tick,
    /// It may not be read before then.
    pub(super) held: Tick,
    /// A complete read without shortcuts is due from then on.
    pub(super) verify_at: Tick,
    pub(super) salt: u32,
    pub(super) zone: u16,
    /// The hour of the last reads for hits, and how many there were.
    pub(super) hits: (u16, u8),
    pub(super) level: Level,
    pub(super) hit: Hit,
    /// A read found a change since the last look: what that saw is no longer what the list said then.
    pub(super) outrun: bool,
    /// The change that follow-ups follow starts within the hour.
    pub(super) follows_near: bool,
    pub(super) is_read: bool,
    /// How often in a row the canary was not told when it is taken, up to [`UNTOLD`]: from then on it does not count on that.
    pub(super) untold: u8,
    /// Its last read came to nothing.
    pub(super) again: bool,
}

/// A room that is not told of so often in a row is not watched by the canary.
pub(super) const UNTOLD: u8 = 3;
/// Its background reads come so much more often: all its changes are found by them, not only the third of them that changes no
/// time. The square root of that.
const UNWATCHED: f32 = 1.7;

/// What the canary saw of a room.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) busy: Busy,
    /// From then on, in seconds since 1970.
    pub(super) from: u32,
    /// Until then. The days after the last look's span were seen at an earlier one.
    pub(super) to: u32,
}

/// What a canary's hit has led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Hit {
    /// Nothing is open.
    #[default]
    None,
    /// The room is to be read.
    First,
    /// It was read and was as before; it is to be read once more.
    Again,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) account: usize,
    pub(super) begun: Tick,
    pub(super) why: Why,
    /// For whom; `None`: for all.
    pub(super) party: Option<u16>,
    pub(super) satisfied: Satisfied,
    /// It finds out whether a pause is over, of the service or the account.
    pub(super) probes: (bool, bool),
}

/// The day's requests are used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) since: Timestamp,
    /// When background reads go on.
    pub(super) until: Timestamp,
    /// Seen last.
    seen: Tick,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) spec: Arc<IntegrationSpec>,
    pub(super) rooms: Vec<Room>,
    free: Vec<u32>,
    pub(super) by_email: HashMap<RoomEmail, u32>,
    pub(super) wants: Wants,
    pub(super) rhythm: Rhythm,
    alarms: BTreeSet<(Tick, u32)>,
    pub(super) canary: Canary,
    pub(super) day: Day,
    /// Reads that hits led to.
    pub(super) hits: Sliding,
    pub(super) accounts: Vec<Account>,
    pub(super) plan: Plan,
    pub(super) parties: Parties,
    pub(super) breaker: Breaker,
    pub(super) in_flight: InFlight,
    pub(super) flights: BTreeMap<Object, Flight>,
    /// Rooms that failed one after the other, none succeeding in between.
    pub(super) row: BTreeSet<u32>,
    pub(super) reads: BTreeMap<Why, u64>,
    pub(super) looks: u64,
    /// Rooms that the canary is not told of.
    pub(super) unwatched: usize,
    /// The service tells of changes by itself.
    pub(super) is_heard: bool,
    /// Set while the day's requests are used up, as far as background reads may use them.
    pub(super) spent: Option<Spent>,
    hour: Tick,
    trusted: bool,
    is_new: bool,
    many_starts: bool,
}

impl Site {
    pub(super) fn new(spec: &Arc<IntegrationSpec>, now: Now) -> Self {
        let limit = per_day(&spec.service);
        let tick = Tick::of(now.mono);
        let window = if matches!(spec.service, Service::Google(_)) { 8 } else { 4 };
        let mut day = Day::new(limit);
        day.look(now, true);
        Self {
            spec: Arc::clone(spec),
            rooms: Vec::new(),
            free: Vec::new(),
            by_email: HashMap::new(),
            wants: Wants::default(),
            rhythm: Rhythm::default(),
            alarms: BTreeSet::new(),
            canary: Canary::default(),
            day,
            hits: Sliding::default(),
            accounts: accounts_of(&spec.service),
            plan: Plan::new(limit, tick),
            parties: Parties::default(),
            breaker: Breaker::default(),
            in_flight: InFlight::starting_at(window),
            flights: BTreeMap::new(),
            row: BTreeSet::new(),
            reads: BTreeMap::new(),
            looks: 0,
            unwatched: 0,
            is_heard: false,
            spent: None,
            hour: Tick::default(),
            trusted: true,
            is_new: true,
            many_starts: false,
        }
    }

    /// Takes up what an earlier process wrote down.
    pub(super) fn restore(&mut self, record: QuotaRecord, now: Now) {
        self.many_starts = self.day.restore(record, now) >= 3;
    }

    /// Takes up the rooms of a new wish, and forgets those that are gone.
    pub(super) fn adopt(
        &mut self,
        name: &IntegrationName,
        desired: &Desired,
        known: &impl Fn(&RoomSpec) -> Known,
        now: Now,
    ) {
        if let Some(spec) = desired.integrations.get(name)
            && *spec != self.spec
        {
            self.changed(spec);
        }
        let wished: Vec<&Arc<RoomSpec>> = desired.rooms.values().filter(|room| room.key.integration == *name).collect();
        let keep: HashSet<&RoomEmail> = wished.iter().map(|room| &room.key.email).collect();
        let gone: Vec<u32> = (0u32..)
            .zip(&self.rooms)
            .filter(|(_, room)| room.email.as_ref().is_some_and(|email| !keep.contains(email)))
            .map(|(index, _)| index)
            .collect();
        let mut moved = !gone.is_empty();
        gone.into_iter().for_each(|room| self.forget(room));
        let new: Vec<&&Arc<RoomSpec>> =
            wished.iter().filter(|room| !self.by_email.contains_key(&room.key.email)).collect();
        moved |= !new.is_empty();
        let per_s = if self.many_starts { new.len() as f64 / RESTARTS_SPREAD_S } else { self.first_reads_per_s() };
        for (index, spec) in new.into_iter().enumerate() {
            let first = now.mono + Duration::from_secs_f64(index as f64 / per_s);
            self.add(spec, known(spec), first, now);
        }
        self.parties.adopt(desired, wished.iter().map(|room| &***room));
        for spec in &wished {
            let party = self.parties.join(desired, spec);
            if let Some(index) = self.find(&spec.key.email) {
                self.move_to(index, party, now);
            }
        }
        self.is_new = false;
        if let Some(size) = self.spec.service.rooms_at_once() {
            let days = wished.iter().map(|room| i64::from(room.upcoming_days)).max().unwrap_or(0) + 1;
            self.canary.reach(SignedDuration::from_hours(24 * days));
            if moved {
                let rooms = (0u32..).zip(&self.rooms).filter(|(_, room)| room.email.is_some());
                self.canary.pack(rooms.map(|(index, room)| (room.zone, index)).collect(), size, Tick::of(now.mono));
            }
        }
        self.settle(now);
    }

    /// First reads come before all else. A service at work keeps half of what its accounts may ask in a minute for the rest.
    fn first_reads_per_s(&self) -> f64 {
        let in_a_minute: usize = self.accounts.iter().map(|account| account.minute.limit()).sum();
        if self.is_new { FIRST_READS_PER_S } else { FIRST_READS_PER_S.min(in_a_minute as f64 / 120.0) }
    }

    /// A room belongs to this party.
    fn move_to(&mut self, index: u32, party: u16, now: Now) {
        let room = &mut self.rooms[index as usize];
        if room.times.party() != party {
            self.wants.leave(&mut room.times, index);
            room.times.join_party(party);
            self.rhythm.join_party(&mut room.beat, index, party);
            self.refresh(index, now);
        }
    }

    /// Its documents changed: limits, accounts, secrets. What was paused is tried again.
    fn changed(&mut self, spec: &Arc<IntegrationSpec>) {
        self.spec = Arc::clone(spec);
        let limit = per_day(&spec.service);
        self.day.set_limit(limit);
        self.plan.set_limit(limit);
        let mut before = std::mem::take(&mut self.accounts);
        for mut account in accounts_of(&spec.service) {
            if let Some(at) = before.iter().position(|before| before.name == account.name) {
                let old = before.swap_remove(at);
                let limit = u32::try_from(account.minute.limit()).unwrap_or(u32::MAX);
                account.minute = old.minute;
                account.minute.set_limit(limit);
            }
            self.accounts.push(account);
        }
        self.breaker.close();
        self.canary.try_again();
    }

    fn add(&mut self, spec: &RoomSpec, known: Known, first: Mono, now: Now) {
        let Known { agenda, zone, meetings } = known;
        let index = self.free.pop().unwrap_or_else(|| {
            self.rooms.push(Room::default());
            u32::try_from(self.rooms.len() - 1).unwrap_or(u32::MAX)
        });
        let zone = self.plan.zone(&zone);
        self.plan.count(zone, 1);
        let salt = salt_of(&spec.key.email);
        let tick = Tick::of(now.mono);
        let is_known = agenda.is_some();
        self.rooms[index as usize] = Room {
            email: Some(spec.key.email.clone()),
            agenda,
            meetings,
            alarm: Tick::NEVER,
            salt,
            zone,
            verify_at: tick.plus(20 * 3600),
            ..Room::default()
        };
        self.by_email.insert(spec.key.email.clone(), index);
        self.refresh(index, now);
        let room = &mut self.rooms[index as usize];
        self.rhythm.leave(&mut room.beat, index);
        self.rhythm.begin(&mut room.beat, salt);
        if is_known {
            self.rhythm.join(&mut room.beat, index);
            self.set_deadline(index, now.wall, now);
        } else {
            self.wants.ask(&mut room.times, index, Why::Asked, Tick::not_before(first));
        }
    }

    fn forget(&mut self, index: u32) {
        let room = &mut self.rooms[index as usize];
        self.wants.leave(&mut room.times, index);
        self.rhythm.leave(&mut room.beat, index);
        self.rhythm.share(&mut room.beat, index, 0);
        self.alarms.remove(&(room.alarm, index));
        self.plan.count(room.zone, -1);
        self.unwatched -= usize::from(room.untold >= UNTOLD);
        if let Some(email) = std::mem::take(room).email {
            self.by_email.remove(&email);
        }
        self.free.push(index);
    }

    /// Lets time pass: allowance, clocks, rooms that are to be looked at again.
    pub(super) fn settle(&mut self, now: Now) {
        let tick = Tick::of(now.mono);
        self.parties.settle(self.plan.rate(), |party| self.rhythm.shares(party), tick);
        let anew = self.plan.settle(now.wall, tick);
        if anew || self.hour <= tick {
            self.hour = tick.plus(60);
            self.day.look(now, self.trusted);
            self.look_at_day(now);
            self.hits.roll(tick);
            self.parties.roll(tick);
            let is_paused =
                self.breaker.pause().is_some() || self.accounts.iter().all(|account| account.breaker.pause().is_some());
            if is_paused {
                self.rhythm.skip(tick);
            } else {
                self.rhythm.measure(tick);
            }
            let plan = &self.plan;
            self.canary.follow(plan.rate(), |zone| plan.is_open(zone));
        }
        while let Some((alarm, room)) = self.alarms.first().copied()
            && alarm <= tick
        {
            self.refresh(room, now);
        }
    }

    /// Whether the day's requests are used up. They are until ten minutes have passed in which they were not: the oldest count
    /// no more ten minutes by ten minutes.
    fn look_at_day(&mut self, now: Now) {
        let tick = Tick::of(now.mono);
        if self.day.has_room(FOR_TURNS) {
            self.spent = self.spent.filter(|spent| tick.since(spent.seen) < f64::from(BUCKET_S));
            return;
        }
        let wait = SignedDuration::from_secs(i64::from(self.day.room_after(FOR_TURNS, now)));
        let since = self.spent.map_or(now.wall, |spent| spent.since);
        self.spent = Some(Spent { since, until: now.wall.saturating_add(wait).unwrap_or(now.wall), seen: tick });
    }

    /// Its requests under way will end under a former name, and are not told any more.
    pub(super) fn forget_flights(&mut self, now: Now) {
        self.flights.clear();
        self.breaker.probe_void();
        for account in &mut self.accounts {
            account.breaker.probe_void();
        }
        for index in 0..u32::try_from(self.rooms.len()).unwrap_or(0) {
            if std::mem::take(&mut self.rooms[index as usize].is_read) {
                self.rooms[index as usize].again = true;
                self.refresh(index, now);
            }
        }
    }

    /// Seconds between two background reads of a room, as things go.
    pub(super) fn interval_s(&self, room: &Room) -> u32 {
        self.rhythm.interval_s(&room.beat, room.level, self.is_heard)
    }

    /// When time has to pass next.
    pub(super) fn next_alarm(&self) -> Tick {
        self.alarms.first().map_or(Tick::NEVER, |(at, _)| *at)
    }

    /// Whether the wall clock is trusted.
    pub(super) fn trust(&mut self, trusted: bool, now: Now) {
        self.trusted = trusted;
        self.day.look(now, trusted);
    }

    /// The wall clock jumped: what depends on it is found anew.
    pub(super) fn wall_jumped(&mut self, now: Now) {
        for index in 0..u32::try_from(self.rooms.len()).unwrap_or(0) {
            if self.rooms[index as usize].email.is_some() {
                self.set_deadline(index, now.wall, now);
                self.refresh(index, now);
            }
        }
    }

    /// Looks at a room again: its share, and whether it stands in line.
    pub(super) fn refresh(&mut self, index: u32, now: Now) {
        let tick = Tick::of(now.mono);
        let room = &mut self.rooms[index as usize];
        self.alarms.remove(&(room.alarm, index));
        room.alarm = Tick::NEVER;
        if room.email.is_none() {
            return;
        }
        let (level, wait) = Level::of(room.agenda.as_deref(), self.plan.is_open(room.zone), now.wall);
        room.level = level;
        let watched = if room.untold < UNTOLD { 1.0 } else { UNWATCHED };
        let share = (level.share() * room.changes.weight() * watched) as u32;
        self.rhythm.share(&mut room.beat, index, share.max(1));
        let is_read = room.is_read;
        let mut alarm = tick.plus(wait.max(1));
        if is_read || room.held > tick {
            self.wants.leave(&mut room.times, index);
            self.rhythm.leave(&mut room.beat, index);
            // A read that ends looks at the room.
            alarm = if is_read { Tick::NEVER } else { room.held };
        } else {
            self.wants.enter(&mut room.times, index);
            let rested = room.read_at.plus(level.rest_s(self.is_heard));
            let overdue = room.read_at.plus(LONGEST_S);
            if room.again {
                self.rhythm.push_forward(&mut room.beat, index, room.held);
            } else if room.read_at == Tick::default() {
                // It was never read: it has its place, or was asked for.
                if room.agenda.is_some() {
                    self.rhythm.join(&mut room.beat, index);
                }
            } else if tick < rested {
                self.rhythm.leave(&mut room.beat, index);
                alarm = alarm.min(rested);
            } else if tick >= overdue {
                self.rhythm.push_forward(&mut room.beat, index, room.read_at);
            } else {
                self.rhythm.join(&mut room.beat, index);
                alarm = alarm.min(overdue);
            }
        }
        if alarm != Tick::NEVER {
            room.alarm = alarm;
            self.alarms.insert((alarm, index));
        }
    }

    /// The next look before a start, after `after`.
    pub(super) fn set_deadline(&mut self, index: u32, after: Timestamp, now: Now) {
        let room = &mut self.rooms[index as usize];
        let moment = room.agenda.as_deref().and_then(|agenda| next_deadline(agenda, room.salt, after));
        let at = moment.map_or(Tick::NEVER, |moment| {
            let wait = Duration::try_from(moment.duration_since(now.wall)).unwrap_or_default();
            Tick::not_before(now.mono + wait)
        });
        self.wants.set(&mut room.times, index, Why::Starts, at);
    }

    /// The place of a room.
    pub(super) fn find(&self, email: &RoomEmail) -> Option<u32> {
        self.by_email.get(email).copied()
    }
}

/// A number that is always alike for the same room.
fn salt_of(email: &RoomEmail) -> u32 {
    let digest = crate::model::Digest::of([email.as_str().as_bytes()]);
    u32::from_be_bytes([digest.0[0], digest.0[1], digest.0[2], digest.0[3]])
}
