//! What came of requests: counts, pauses, and what a room's reading or a canary's look asks for next.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Agenda, Busy, Failure, Meetings, Mono, Now, Remedy, RoomEmail, Scope, Window};

use super::super::due::Object;
use super::site::{Flight, Hit, Seen, Site, UNTOLD};
use super::tick::Tick;
use super::wants::URGENT;
use super::{Reading, Why};

/// So many rooms that fail one after the other, none succeeding in between, are the service's trouble and not their own.
const ROW: usize = 8;
/// A hit is read after so long: a change often comes in several steps.
const DEBOUNCE: Duration = Duration::from_secs(2);
/// A hit whose reading showed nothing new is read again after so long: free/busy may know before the list does.
const HIT_AGAIN: Duration = Duration::from_secs(10);
/// Follow-ups of a change that starts within the hour, in seconds.
const FOLLOW_NEAR: [u32; 4] = [20, 60, 150, 300];
/// And of another one.
const FOLLOW_FAR: [u32; 1] = [90];
/// A read so shortly before a follow-up makes it needless, in seconds.
const CLOSE_S: u32 = 10;

impl Site {
    /// A request that was begun ended.
    pub(super) fn ended(&mut self, object: &Object, requests: u32, failure: Option<&Failure>, now: Now) {
        let Some(flight) = self.flights.remove(object) else { return };
        let tick = Tick::of(now.mono);
        self.day.end(requests, tick);
        self.spend(&flight, f64::from(requests) - 1.0);
        if let Some(account) = self.accounts.get_mut(flight.account)
            && requests > 1
        {
            account.minute.add(requests - 1, tick);
        }
        let room = match object {
            Object::Room(key) => self.find(&key.email),
            _ => None,
        };
        self.judge(object, room, &flight, failure, now);
        match (object, failure) {
            (Object::Batch(batch), None) => {
                let plan = &self.plan;
                self.canary.answered(batch.number, requests, |zone| plan.is_open(zone), tick);
            }
            (Object::Batch(batch), Some(failure))
                if self.canary.failed(batch.number, requests, failure, now.wall, tick) =>
            {
                tracing::warn!(integration = %self.spec.name, reason = failure.reason, "The service does not tell when rooms are taken; its rooms are read more often instead.");
            }
            _ => {}
        }
        if let Some(index) = room {
            if failure.is_some() {
                self.want_again(index, &flight, tick);
            }
            self.rooms[index as usize].is_read = false;
            self.refresh(index, now);
        }
    }

    /// What a request's end says about the service and the account.
    fn judge(&mut self, object: &Object, room: Option<u32>, flight: &Flight, failure: Option<&Failure>, now: Now) {
        let tick = Tick::of(now.mono);
        let is_look = matches!(object, Object::Batch(_));
        let Some(failure) = failure else {
            self.in_flight.answered(self.flights.len());
            if is_look {
                return;
            }
            self.row.clear();
            let recovered = self.breaker.answered(flight.begun);
            let account = self.accounts.get_mut(flight.account);
            if account.is_some_and(|account| account.breaker.answered(flight.begun)) || recovered {
                tracing::info!(event = "integration_recovered", integration = %self.spec.name, "The calendar service answers again.");
                // It may have refused the canary for the same reason.
                self.canary.try_again();
            }
            return;
        };
        if failure.scope != Scope::Object && (failure.reason == "Throttled" || failure.retry_after.is_some()) {
            self.in_flight.throttled(flight.begun, tick);
        }
        // What is refused to the canary alone is no reason to stop reading.
        let is_refused = is_look && failure.remedy == Remedy::Fix && !self.canary.is_allowed(tick);
        let scope = if is_refused { Scope::Object } else { failure.scope };
        let paused = match scope {
            Scope::Integration => self.breaker.failed(failure, flight.begun, now),
            Scope::Account => match self.accounts.get_mut(flight.account) {
                Some(account) => account.breaker.failed(failure, flight.begun, now),
                None => false,
            },
            Scope::Object if failure.remedy == Remedy::Fix => {
                // It answered, if only about this room.
                if !is_look {
                    self.row.clear();
                    self.breaker.answered(flight.begun);
                    if let Some(account) = self.accounts.get_mut(flight.account) {
                        account.breaker.answered(flight.begun);
                    }
                }
                false
            }
            Scope::Object => {
                self.row.extend(room);
                if self.row.len() >= ROW || flight.probes.0 {
                    self.row.clear();
                    self.breaker.failed(failure, flight.begun, now)
                } else {
                    false
                }
            }
        };
        if paused {
            tracing::warn!(event = "integration_paused", integration = %self.spec.name, reason = failure.reason, "The calendar service is left alone for a while; endpoints keep what they have.");
        }
        self.void_probes(flight);
    }

    /// A probe that said nothing leaves the place to the next.
    fn void_probes(&mut self, flight: &Flight) {
        if flight.probes.0 {
            self.breaker.probe_void();
        }
        if flight.probes.1
            && let Some(account) = self.accounts.get_mut(flight.account)
        {
            account.breaker.probe_void();
        }
    }

    /// The read of a room came to nothing: what it would have satisfied is still wanted.
    fn want_again(&mut self, index: u32, flight: &Flight, now: Tick) {
        let room = &mut self.rooms[index as usize];
        room.again = true;
        for why in URGENT {
            if flight.satisfied.has(why) {
                self.wants.ask(&mut room.times, index, why, now);
            }
        }
    }

    /// A reason to read a room at `at`; at the beginning of time: an operator asks, who waits for no pause of the room.
    pub(super) fn ask(&mut self, index: u32, why: Why, at: Mono) {
        let room = &mut self.rooms[index as usize];
        self.wants.ask(&mut room.times, index, why, Tick::of(at));
        if why == Why::Asked && at == Mono::default() && !room.is_read {
            room.held = Tick::default();
            self.wants.enter(&mut room.times, index);
        }
    }

    /// A room cannot be read before `until`.
    pub(super) fn put_off(&mut self, index: u32, object: &Object, until: Mono, now: Now) {
        if let Some(flight) = self.flights.remove(object) {
            // It was never begun.
            let tick = Tick::of(now.mono);
            self.day.end(0, tick);
            self.spend(&flight, -1.0);
            if let Some(account) = self.accounts.get_mut(flight.account) {
                account.minute.take_back();
            }
            if let Some(reads) = self.reads.get_mut(&flight.why) {
                *reads = reads.saturating_sub(1);
            }
            self.void_probes(&flight);
            self.want_again(index, &flight, tick);
        }
        let room = &mut self.rooms[index as usize];
        room.is_read = false;
        room.held = Tick::not_before(until);
        self.refresh(index, now);
    }

    /// A room was read completely.
    pub(super) fn was_read(&mut self, index: u32, reading: &Reading<'_>, now: Now) {
        let tick = Tick::of(now.mono);
        let zone = self.plan.zone(reading.zone);
        let room = &mut self.rooms[index as usize];
        if room.zone != zone {
            self.plan.count(room.zone, -1);
            self.plan.count(zone, 1);
            room.zone = zone;
        }
        room.agenda = Some(Arc::clone(reading.agenda));
        room.changes.read(reading.news.is_some(), tick);
        room.held = Tick::default();
        let began = room.read_at;
        let waits_for_hit = room.times.get(Why::Changed) != Tick::NEVER;
        if !waits_for_hit {
            let unexplained = room.hit == Hit::First && reading.news.is_none();
            room.hit = if unexplained { Hit::Again } else { Hit::None };
            if unexplained {
                self.wants.ask(&mut room.times, index, Why::Changed, Tick::not_before(now.mono + HIT_AGAIN));
            }
        }
        if let Some(soonest) = reading.news {
            room.outrun = true;
            room.changed_at = began;
            room.follows_near = soonest < now.wall + SignedDuration::from_mins(60);
            if self.is_heard {
                // The next step of a burst is told as well.
                room.changed_at = Tick::default();
            }
            self.follow_up(index, began);
        }
        let ago = SignedDuration::try_from(Duration::from_secs_f64(tick.since(began))).unwrap_or_default();
        self.set_deadline(index, now.wall - ago + SignedDuration::from_secs(10), now);
        self.refresh(index, now);
    }

    /// What the rules made of a room's agenda, as far as it says what is dialled.
    pub(super) fn was_evaluated(&mut self, index: u32, meetings: Option<Arc<Meetings>>) {
        self.rooms[index as usize].meetings = meetings;
    }

    /// The next follow-up of a room's last change, after a read that began at `began`.
    pub(super) fn follow_up(&mut self, index: u32, began: Tick) {
        let room = &mut self.rooms[index as usize];
        if room.changed_at == Tick::default() {
            return;
        }
        let steps: &[u32] = if room.follows_near { &FOLLOW_NEAR } else { &FOLLOW_FAR };
        let next = steps.iter().map(|step| room.changed_at.plus(*step)).find(|at| *at > began.plus(CLOSE_S));
        if next.is_none() {
            room.changed_at = Tick::default();
        }
        self.wants.set(&mut room.times, index, Why::Follows, next.unwrap_or(Tick::NEVER));
    }

    /// What a group of rooms said.
    pub(super) fn told(&mut self, number: usize, told: &[(RoomEmail, Result<Busy, Failure>)], now: Now) {
        let Some(window) = self.canary.asked(number) else { return };
        for (email, busy) in told {
            let Some(index) = self.find(email) else { continue };
            let busy = match busy {
                Ok(busy) => busy,
                Err(failure) => {
                    self.untold(index, failure, now);
                    continue;
                }
            };
            let room = &mut self.rooms[index as usize];
            self.unwatched -= usize::from(std::mem::take(&mut room.untold) >= UNTOLD);
            let Some(before) = room.busy.take() else {
                room.busy = Some(Seen::at(busy.clone(), window));
                continue;
            };
            let shared = overlap(window, before.window());
            let reaches_all = window.to >= before.window().to;
            // What was added, read, and taken away again between two looks leaves no trace in them.
            let is_alike = !room.outrun && before.busy.is_alike(busy, shared);
            let is_hit = !is_alike && !is_known(room.agenda.as_deref(), busy, shared);
            if is_hit || reaches_all {
                room.outrun = false;
            }
            room.busy = Some(before.followed_by(busy, window));
            if is_hit {
                room.hit = Hit::First;
                self.wants.ask(&mut room.times, index, Why::Changed, Tick::not_before(now.mono + DEBOUNCE));
            }
        }
    }
}

impl Site {
    /// The service told of other rooms, not of this one. A read may say why, and says it to the operator: one read, when it is
    /// clear that this is no accident. From then on the room counts as one that the canary does not see.
    fn untold(&mut self, index: u32, failure: &Failure, now: Now) {
        let room = &mut self.rooms[index as usize];
        let before = room.untold;
        room.untold = match failure.remedy {
            Remedy::Fix => UNTOLD,
            Remedy::Retry => (before + 1).min(UNTOLD),
        };
        if before < UNTOLD && room.untold >= UNTOLD {
            self.unwatched += 1;
            // What it was then says nothing about what it will be when it is told again.
            room.busy = None;
            // In turn, before the others: should all rooms be refused at once, they do not crowd out what is urgent.
            room.again = true;
            self.refresh(index, now);
        }
    }
}

impl Seen {
    fn at(busy: Busy, window: Window) -> Self {
        Self { busy, from: second(window.from), to: second(window.to) }
    }

    /// A later look at `window`, and what was seen before of the time after it.
    fn followed_by(self, busy: &Busy, window: Window) -> Self {
        let seen = self.window();
        if seen.to <= window.to || seen.from > window.to {
            return Self::at(busy.clone(), window);
        }
        Self { busy: busy.until(window.to, &self.busy), from: second(window.from), to: self.to }
    }

    fn window(&self) -> Window {
        let at = |second: u32| Timestamp::from_second(i64::from(second)).unwrap_or(Timestamp::MAX);
        Window { from: at(self.from), to: at(self.to) }
    }
}

/// In seconds since 1970.
fn second(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

/// Whether the list already says that the room is taken so: then it was read since.
fn is_known(agenda: Option<&Agenda>, busy: &Busy, shared: Window) -> bool {
    let Some(agenda) = agenda else { return false };
    let shared = overlap(shared, agenda.window);
    let spans = agenda.entries.iter().map(|entry| (entry.start, entry.end));
    Busy::of(spans).is_alike(busy, shared)
}

fn overlap(one: Window, other: Window) -> Window {
    Window { from: one.from.max(other.from), to: one.to.min(other.to) }
}
