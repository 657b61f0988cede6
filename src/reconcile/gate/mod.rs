//! The one gate for removals. Whoever would take meetings or Join buttons from an endpoint asks here;
//! what may not go yet is kept on the endpoint, so that additions and changes go on.
//!
//! | what causes the loss | how much | then |
//! |---|---|---|
//! | an adopted directory | at most 30 % of every scope, or fewer than 5 endpoints | it goes |
//! | an adopted directory | more | held: an operator approves it |
//! | calendar reads | the endpoint is not *shrunk* | it goes |
//! | calendar reads | the first 1 % (at least 1) shrunk of every scope within an hour | it goes |
//! | calendar reads | further shrunk ones | wait for a second complete read, 10 minutes later |
//! | calendar reads | shrunk and waiting exceed 30 % of a scope (at least 5; under 5: all, at least 3) | held |
//!
//! A held or waiting endpoint is released by approval, by a read that brings the loss back, or by the meetings' end.

mod scope;

pub use scope::Scopes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::meetings::Loss;
use crate::model::{
    Booking, Digest, EndpointName, EndpointSpec, IntegrationName, MeetingId, Mono, Now, ProfileName, RoomKey,
};

use super::board::Hold;
use scope::Scope;

/// A second complete read counts when it comes at least this long after the first.
const SECOND_READ_AFTER: Duration = Duration::from_mins(10);
/// How long a shrunk endpoint counts against its scopes.
const SHRUNK_FOR: Duration = Duration::from_mins(60);
/// How long an approval, and what an adoption allowed, stay good.
const ALLOWED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What may go, what waits, what is held.
#[derive(Debug)]
pub struct Gate {
    /// The percentage of a scope above which removals are held.
    percent: usize,
    scopes: Scopes,
    /// Pairs that may go, until then.
    allowed: BTreeMap<(EndpointName, MeetingId), Timestamp>,
    waiting: BTreeMap<EndpointName, Waiting>,
    held: BTreeMap<EndpointName, HeldLoss>,
    /// Endpoints that shrank within the hour, oldest first.
    shrunk: VecDeque<(Mono, EndpointName)>,
    /// Endpoints whose losses are being counted for an adoption: nothing goes until all are known.
    assessing: BTreeSet<EndpointName>,
    /// Held plans as they were shown, for approval.
    shown: BTreeMap<String, Shown>,
    /// Since the last [`Gate::changed`] something must be stored and shown.
    changed: bool,
}

#[derive(Debug)]
struct Waiting {
    since: Mono,
    reads: u64,
    scopes: Vec<Scope>,
    loss: HeldLoss,
}

/// A held loss of one endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct HeldLoss {
    room: RoomKey,
    since: Timestamp,
    meetings: Vec<(MeetingId, Timestamp)>,
}

/// A held plan that was shown: what an approval of its checksum covers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Shown {
    at: Timestamp,
    pairs: Vec<(EndpointName, MeetingId)>,
}

/// What the store keeps of the gate.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GateRecord {
    allowed: Vec<((EndpointName, MeetingId), Timestamp)>,
    held: BTreeMap<EndpointName, HeldLoss>,
    shown: BTreeMap<String, Shown>,
}

/// What things are called after an adoption.
pub trait Names {
    /// An endpoint.
    fn endpoint(&self, former: &EndpointName) -> EndpointName;
    /// A calendar service.
    fn integration(&self, former: &IntegrationName) -> IntegrationName;
    /// A profile.
    fn profile(&self, former: &ProfileName) -> ProfileName;
    /// A room.
    fn room(&self, former: &RoomKey) -> RoomKey {
        RoomKey { integration: self.integration(&former.integration), email: former.email.clone() }
    }
}

/// How often and when an endpoint's room was completely read.
#[derive(Clone, Copy, Debug)]
pub struct ReadMark {
    /// Complete reads since the start.
    pub count: u64,
    /// The last of them.
    pub at: Mono,
}

impl Gate {
    /// A gate that holds when more than `percent` of a scope lose something.
    #[must_use]
    pub fn new(percent: usize) -> Self {
        Self {
            percent,
            scopes: Scopes::default(),
            allowed: BTreeMap::new(),
            waiting: BTreeMap::new(),
            held: BTreeMap::new(),
            shrunk: VecDeque::new(),
            assessing: BTreeSet::new(),
            shown: BTreeMap::new(),
            changed: false,
        }
    }

    /// Counts the endpoints of every scope anew, after an adoption.
    pub fn count_scopes<'a>(&mut self, endpoints: impl Iterator<Item = &'a EndpointSpec>) {
        self.scopes.count(endpoints);
    }

    /// Which of `loss` stays on the endpoint for now. `reads` tells the reads of its room.
    pub fn keep(&mut self, endpoint: &EndpointSpec, loss: &Loss, reads: ReadMark, now: Now) -> Vec<Booking> {
        let name = &endpoint.name;
        let rest: Vec<Booking> =
            loss.bookings.iter().filter(|lost| !self.is_allowed(name, &lost.id, now.wall)).cloned().collect();
        if rest.is_empty() {
            self.release(name);
            return rest;
        }
        if self.assessing.contains(name) {
            return rest;
        }
        if let Some(held) = self.held.get_mut(name) {
            let meetings = pairs(&rest);
            if held.meetings != meetings {
                held.meetings = meetings;
                self.changed = true;
            }
            return rest;
        }
        if !loss.shrunk {
            self.release(name);
            return Vec::new();
        }
        self.forget_old_shrinks(now.mono);
        if let Some(waiting) = self.waiting.get(name) {
            let second = reads.count > waiting.reads && reads.at >= waiting.since + SECOND_READ_AFTER;
            if second {
                self.release(name);
                self.shrink(endpoint, now.mono);
                return Vec::new();
            }
            return rest;
        }
        let scopes = Scope::of(endpoint);
        if scopes.iter().all(|scope| self.scopes.may_shrink_at_once(scope)) {
            self.shrink(endpoint, now.mono);
            return Vec::new();
        }
        self.scopes.wait(&scopes);
        let loss = HeldLoss { room: endpoint.room.clone(), since: now.wall, meetings: pairs(&rest) };
        let waiting = Waiting { since: now.mono, reads: reads.count, scopes: scopes.clone(), loss };
        self.waiting.insert(name.clone(), waiting);
        self.changed = true;
        for scope in
            scopes.iter().filter(|scope| self.scopes.too_many(scope, self.percent)).cloned().collect::<Vec<_>>()
        {
            self.hold_waiting(&scope);
        }
        rest
    }

    /// Endpoints held or waiting look again after each complete read of their room.
    #[must_use]
    pub fn concerns(&self, endpoint: &EndpointName) -> bool {
        self.waiting.contains_key(endpoint) || self.held.contains_key(endpoint)
    }

    /// Whether this endpoint loses something once its room was read again.
    #[must_use]
    pub fn awaits_read(&self, endpoint: &EndpointName) -> bool {
        self.waiting.contains_key(endpoint)
    }

    /// Whether a removal of this endpoint is held, or still being counted.
    #[must_use]
    pub fn blocks(&self, endpoint: &EndpointName) -> bool {
        self.held.contains_key(endpoint) || self.assessing.contains(endpoint)
    }

    /// The endpoint would lose nothing any more: the loss came back, or ended with its meetings.
    pub fn nothing_lost(&mut self, endpoint: &EndpointName) {
        if !self.assessing.contains(endpoint) {
            self.release(endpoint);
        }
    }

    /// From now until [`Gate::judge_adoption`] nothing is taken from `endpoints`.
    pub fn assess(&mut self, endpoints: impl IntoIterator<Item = EndpointName>) {
        self.assessing.extend(endpoints);
    }

    /// Ends the counting: `losses` are all that the adoption takes, by endpoint. Returns the endpoints that are held.
    pub fn judge_adoption(&mut self, losses: &[(&EndpointSpec, Loss)], now: Now) -> Vec<EndpointName> {
        self.assessing.clear();
        let fresh: Vec<&(&EndpointSpec, Loss)> = losses
            .iter()
            .filter(|(endpoint, loss)| !loss.is_empty() && !self.held.contains_key(&endpoint.name))
            .collect();
        let mut touched: BTreeMap<Scope, (usize, usize)> = BTreeMap::new();
        for (endpoint, loss) in &fresh {
            for scope in Scope::of(endpoint) {
                let (taken, shrunk) = touched.entry(scope).or_default();
                *taken += 1;
                *shrunk += usize::from(loss.shrunk);
            }
        }
        let held_scopes: BTreeSet<Scope> = touched
            .into_iter()
            .filter(|(scope, (taken, shrunk))| self.scopes.adoption_too_large(scope, *taken, *shrunk, self.percent))
            .map(|(scope, _)| scope)
            .collect();
        let mut held = Vec::new();
        for (endpoint, loss) in fresh {
            if Scope::of(endpoint).iter().any(|scope| held_scopes.contains(scope)) {
                self.release(&endpoint.name);
                let loss = HeldLoss { room: endpoint.room.clone(), since: now.wall, meetings: pairs(&loss.bookings) };
                self.held.insert(endpoint.name.clone(), loss);
                held.push(endpoint.name.clone());
            } else {
                self.allow(loss.bookings.iter().map(|lost| (endpoint.name.clone(), lost.id.clone())), now.wall);
            }
        }
        self.changed = true;
        held
    }

    /// Drops what is known of an endpoint that is cleared and gone.
    pub fn forget(&mut self, endpoint: &EndpointName) {
        self.release(endpoint);
        self.assessing.remove(endpoint);
    }

    /// Held losses end with their meetings.
    pub fn forget_ended(&mut self, now: Timestamp, still: impl Fn(&EndpointName) -> bool) {
        let before = self.held.len() + self.allowed.len();
        self.held.retain(|name, _| still(name));
        self.allowed.retain(|_, until| *until > now);
        self.shown.retain(|_, shown| shown.at + ALLOWED_FOR > now);
        self.changed |= before != self.held.len() + self.allowed.len();
    }

    /// The held plan as people see it; its checksum stays approvable for a day.
    pub fn hold(&mut self, now: Timestamp) -> Option<Hold> {
        if self.held.is_empty() {
            return None;
        }
        let losses: Vec<_> =
            self.held.iter().map(|(name, held)| (name.clone(), held.room.clone(), held.meetings.clone())).collect();
        let pairs: Vec<(EndpointName, MeetingId)> = losses
            .iter()
            .flat_map(|(name, _, meetings)| meetings.iter().map(|(id, _)| (name.clone(), id.clone())))
            .collect();
        let text: Vec<String> = pairs.iter().map(|(name, id)| format!("{name}\n{id}")).collect();
        let checksum = Digest::of(text.iter().map(String::as_bytes)).short();
        let since = self.held.values().map(|held| held.since).min().unwrap_or(now);
        let summary = format!("{} endpoints would lose {} meetings or Join buttons", losses.len(), pairs.len());
        if !self.shown.contains_key(&checksum) {
            self.shown.insert(checksum.clone(), Shown { at: now, pairs });
        }
        Some(Hold { checksum, detail: "Losses", since, summary, losses })
    }

    /// Lets a plan that was shown happen: exactly its pairs. Returns the endpoints to look at again, or `None` for a
    /// checksum that was never shown, or too long ago.
    pub fn approve(&mut self, checksum: &str, now: Timestamp) -> Option<BTreeSet<EndpointName>> {
        let shown = self.shown.get(checksum).filter(|shown| shown.at + ALLOWED_FOR > now)?.clone();
        let endpoints: BTreeSet<EndpointName> = shown.pairs.iter().map(|(name, _)| name.clone()).collect();
        self.allow(shown.pairs.into_iter(), now);
        for name in &endpoints {
            let all_allowed = self.held.get(name).is_some_and(|held| {
                held.meetings.iter().all(|(id, _)| self.allowed.contains_key(&(name.clone(), id.clone())))
            });
            if all_allowed {
                self.release(name);
            }
        }
        Some(endpoints)
    }

    /// How many endpoints wait for a second read.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether something changed that must be stored and shown; asking resets it.
    pub fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// For the store.
    #[must_use]
    pub fn record(&self) -> GateRecord {
        GateRecord {
            allowed: self.allowed.iter().map(|(pair, until)| (pair.clone(), *until)).collect(),
            held: self.held.clone(),
            shown: self.shown.clone(),
        }
    }

    /// As it was before a restart.
    pub fn restore(&mut self, record: GateRecord) {
        self.allowed = record.allowed.into_iter().collect();
        self.held = record.held;
        self.shown = record.shown;
    }

    /// Endpoints and what they stand in have new names: what counts against them and for them goes on.
    pub fn rename(&mut self, names: &dyn Names) {
        let allowed = std::mem::take(&mut self.allowed);
        self.allowed = allowed.into_iter().map(|((name, id), until)| ((names.endpoint(&name), id), until)).collect();
        let waiting = std::mem::take(&mut self.waiting);
        let renamed = waiting.into_iter().map(|(name, mut waiting)| {
            waiting.scopes = waiting.scopes.iter().map(|scope| scope.renamed(names)).collect();
            waiting.loss.room = names.room(&waiting.loss.room);
            (names.endpoint(&name), waiting)
        });
        self.waiting = renamed.collect();
        let held = std::mem::take(&mut self.held);
        let renamed = held
            .into_iter()
            .map(|(name, held)| (names.endpoint(&name), HeldLoss { room: names.room(&held.room), ..held }));
        self.held = renamed.collect();
        self.shrunk.iter_mut().for_each(|(_, name)| *name = names.endpoint(name));
        self.assessing = self.assessing.iter().map(|name| names.endpoint(name)).collect();
        for shown in self.shown.values_mut() {
            shown.pairs.iter_mut().for_each(|(name, _)| *name = names.endpoint(name));
        }
        self.scopes.rename(names);
        self.changed = true;
    }

    fn is_allowed(&self, name: &EndpointName, id: &MeetingId, now: Timestamp) -> bool {
        self.allowed.get(&(name.clone(), id.clone())).is_some_and(|until| *until > now)
    }

    fn allow(&mut self, pairs: impl Iterator<Item = (EndpointName, MeetingId)>, now: Timestamp) {
        let until = now + ALLOWED_FOR;
        self.allowed.extend(pairs.map(|pair| (pair, until)));
        self.changed = true;
    }

    /// Nothing of it waits or is held any more.
    fn release(&mut self, name: &EndpointName) {
        if let Some(waiting) = self.waiting.remove(name) {
            self.scopes.no_longer_wait(&waiting.scopes);
            self.changed = true;
        }
        if !self.held.is_empty() && self.held.remove(name).is_some() {
            self.scopes.grow(name);
            self.changed = true;
        }
    }

    fn shrink(&mut self, endpoint: &EndpointSpec, now: Mono) {
        self.scopes.shrink(&endpoint.name, Scope::of(endpoint));
        self.shrunk.push_back((now, endpoint.name.clone()));
    }

    fn forget_old_shrinks(&mut self, now: Mono) {
        while self.shrunk.front().is_some_and(|(at, _)| *at + SHRUNK_FOR <= now) {
            if let Some((_, name)) = self.shrunk.pop_front() {
                self.scopes.grow(&name);
            }
        }
    }

    /// All that wait in `scope` are held from now on, and count as shrunk until they are released.
    fn hold_waiting(&mut self, scope: &Scope) {
        let names: Vec<EndpointName> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.scopes.contains(scope))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            if let Some(waiting) = self.waiting.remove(&name) {
                self.scopes.no_longer_wait(&waiting.scopes);
                self.scopes.shrink(&name, waiting.scopes);
                self.held.insert(name, waiting.loss);
            }
        }
    }
}

fn pairs(bookings: &[Booking]) -> Vec<(MeetingId, Timestamp)> {
    bookings.iter().map(|booking| (booking.id.clone(), booking.start)).collect()
}
