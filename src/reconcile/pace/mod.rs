//! Who is read next, when requests are counted. In: rooms, what became of their reads, reasons to look. Out: one turn at a time
//! for each calendar service that has a quota, and when to ask again.
//!
//! ```text
//!  operator, new room ── Asked ──┐                                  ┌ day, reserved in blocks (budget)
//!  canary's hit ──────── Changed ┤                                  ├ each account's minute (budget)
//!  known starts ──────── Starts ─┼─ wants: a line a class ─┐        ├ allowance: spend so that it lasts (plan)
//!  a seen change ─────── Follows ┘                         ├─ turns ┤
//!  many rooms at once ── canary ───────────────────────────┤        ├ pauses, one probe (breaker)
//!  nothing ───────────── Turn, Verify: rhythm ─────────────┘        └ requests under way (breaker)
//! ```
//!
//! The order is `turns`'s table; that no profile takes another's part is `party`'s. A read satisfies all that was due when it began; what came later stays. A read that fails
//! satisfies nothing. Whatever is wrong with an account or a whole service is told once and pauses it: its rooms wait, and are
//! not marked one by one.
//!
//! Services without a quota are not paced: their rooms are read every half minute, each by its own due time.
//!
//! Nothing here reads a clock or performs anything; the planner asks [`Pace::next`] when a service is due, begins what it is
//! told, and tells how it ended with [`Pace::step_ended`]. A turn costs the logarithm of the number of rooms.
//!
//! # A service that tells of changes
//!
//! Where nearly all rooms are heard, what is asked is for what was told ([`Why::Changed`]), for starts, and for what was lost on the
//! way: the canary goes on, background reads come seldom and leave two minutes of allowance for changes, follow-ups are left out, and
//! what is told may take most of the day. When rooms fall silent everything is at once as for a service that tells of nothing. It is
//! decided for the service as a whole: single rooms that are not heard have the canary and their turns.
//!
//! # Design notes
//! * The canary is not stopped by others' debt: without its hits all else reads blindly. It has a share, and the day's limit.
//! * Looks and background reads that cannot be made are not made up for; only first reads and what somebody asked for wait.
//! * A background read is no different from another: the rhythm goes on from the last read of a room, whatever its reason.

mod account;
mod breaker;
mod budget;
mod canary;
#[cfg(test)]
mod drive;
mod outcome;
mod party;
mod plan;
mod rhythm;
#[cfg(test)]
mod scarcity;
mod site;
#[cfg(test)]
mod tests;
mod tick;
mod turns;
mod wants;

pub use budget::QuotaRecord;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Agenda, Busy, Desired, Failure, IntegrationName, Meetings, Mono, Now, RoomEmail, RoomKey, RoomSpec, Window,
};

use super::board::{AccountStatus, CanaryStatus, Drift, IntegrationStatus, PauseStatus, SpentStatus};
use super::due::{Batch, Object};
use account::day_limit;
use breaker::Pause;
use rhythm::LONGEST_S;
use site::Site;
use tick::Tick;

/// The share of a service's rooms that must be heard.
const HEARD: f64 = 0.9;

/// Why a room is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// An operator asked, the room is new, or a suspicious reading needs a second look.
    Asked,
    /// Something said that it changed.
    Changed,
    /// A meeting starts soon.
    Starts,
    /// It changed a moment ago: changes come in bursts.
    Follows,
    /// Its turn.
    Turn,
    /// Once a day, without anything that makes a read cheaper.
    Verify,
}

impl Why {
    /// Its name in metrics and pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Asked => "Asked",
            Self::Changed => "Changed",
            Self::Starts => "Starts",
            Self::Follows => "Follows",
            Self::Turn => "Turn",
            Self::Verify => "Verify",
        }
    }
}

/// What a calendar service is asked next.
#[derive(Debug)]
pub enum Turn {
    /// Read this room.
    Read {
        /// Which.
        room: RoomKey,
        /// With which account.
        account: usize,
        /// Why.
        why: Why,
    },
    /// Ask when these rooms are taken.
    Busy {
        /// Which group.
        batch: Batch,
        /// Its rooms.
        rooms: Vec<RoomEmail>,
        /// For which span.
        window: Window,
        /// With which account.
        account: usize,
    },
    /// Nothing before then.
    Later(Mono),
}

/// What is known of a room when it is taken up.
#[derive(Debug, Default)]
pub struct Known {
    /// Its agenda.
    pub agenda: Option<Arc<Agenda>>,
    /// Its zone, by its IANA name.
    pub zone: String,
    /// What its evaluation made of the agenda; `None` also where it has several.
    pub meetings: Option<Arc<Meetings>>,
}

/// A complete reading, as far as it matters here.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The room's agenda now.
    pub agenda: &'a Arc<Agenda>,
    /// The room's zone, by its IANA name.
    pub zone: &'a str,
    /// When the soonest event starts that is new, gone or another; `None`: it is as it was, or was read for the first time.
    pub news: Option<Timestamp>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Pace {
    sites: BTreeMap<IntegrationName, Site>,
    /// Days of earlier processes whose services nobody named yet.
    kept: BTreeMap<IntegrationName, QuotaRecord>,
    trusted: Option<bool>,
}

impl Pace {
    /// Takes up the days that an earlier process wrote down.
    pub fn restore(&mut self, kept: BTreeMap<IntegrationName, QuotaRecord>) {
        self.kept = kept;
    }

    /// Takes up the rooms of a new wish, and forgets those that are gone. `known` says what is known of a room.
    pub fn adopt(&mut self, desired: &Desired, known: impl Fn(&RoomSpec) -> Known, now: Now) {
        let paced = |name: &IntegrationName| {
            desired.integrations.get(name).is_some_and(|integration| day_limit(&integration.service).is_some())
        };
        // A service that has another name now has spent what it has spent.
        for (name, formers) in &desired.renames.integrations {
            let former = formers.iter().find(|former| !paced(former) && self.sites.contains_key(*former));
            if paced(name)
                && !self.sites.contains_key(name)
                && let Some(mut site) = former.and_then(|former| self.sites.remove(former))
            {
                site.forget_flights(now);
                self.sites.insert(name.clone(), site);
            }
        }
        self.sites.retain(|name, _| paced(name));
        for (name, spec) in desired.integrations.iter().filter(|(name, _)| paced(name)) {
            let site = self.sites.entry(name.clone()).or_insert_with(|| {
                let mut site = Site::new(spec, now);
                site.trust(self.trusted.unwrap_or(true), now);
                site.restore(self.kept.remove(name).unwrap_or_default(), now);
                site
            });
            site.adopt(name, desired, &known, now);
        }
    }

    /// What was wrong with a service, or with its accounts, is mended: it is asked again at once.
    pub fn mended(&mut self, integration: &IntegrationName) {
        if let Some(site) = self.sites.get_mut(integration) {
            site.breaker.close();
            site.accounts.iter_mut().for_each(|account| account.breaker.close());
        }
    }

    /// Whether the reads of this service are decided here.
    #[must_use]
    pub fn paces(&self, integration: &IntegrationName) -> bool {
        self.sites.contains_key(integration)
    }

    /// Whether the wall clock is trusted: if not, no day of an earlier process ends.
    pub fn trust(&mut self, trusted: bool, now: Now) {
        if self.trusted != Some(trusted) {
            self.trusted = Some(trusted);
            self.sites.values_mut().for_each(|site| site.trust(trusted, now));
        }
    }

    /// The wall clock jumped.
    pub fn wall_jumped(&mut self, now: Now) {
        self.sites.values_mut().for_each(|site| site.wall_jumped(now));
    }

    /// Reservations that must be in the store before the next request is made.
    pub fn reserve(&mut self, now: Now) -> Vec<(IntegrationName, QuotaRecord)> {
        let sites = self.sites.iter_mut();
        sites.filter_map(|(name, site)| Some((name.clone(), site.day.reserve_more(now)?))).collect()
    }

    /// In this share of a service's rooms changes are told by the service itself, from 0 to 1.
    pub fn hears(&mut self, integration: &IntegrationName, share: f64) {
        if let Some(site) = self.sites.get_mut(integration) {
            site.is_heard = share >= HEARD;
        }
    }

    /// What to ask this service now. What is answered counts as begun.
    pub fn next(&mut self, integration: &IntegrationName, now: Now) -> Turn {
        self.sites.get_mut(integration).map_or(Turn::Later(Mono::NEVER), |site| site.next(now))
    }

    /// A reason to read `room` at `at`, or sooner when it is to be read sooner anyway; at [`Mono::default`]: an operator asks.
    pub fn ask(&mut self, room: &RoomKey, why: Why, at: Mono) {
        if let Some(site) = self.sites.get_mut(&room.integration)
            && let Some(index) = site.find(&room.email)
        {
            site.ask(index, why, at);
        }
    }

    /// `room` cannot be read before `until`: another step is under way, it is suspended, or its last read failed.
    pub fn put_off(&mut self, room: &RoomKey, until: Mono, now: Now) {
        if let Some(site) = self.sites.get_mut(&room.integration)
            && let Some(index) = site.find(&room.email)
        {
            site.put_off(index, &Object::Room(room.clone()), until, now);
        }
    }

    /// A step that was begun on the answer of [`Pace::next`] ended, after so many requests.
    pub fn step_ended(&mut self, object: &Object, requests: u32, failure: Option<&Failure>, now: Now) {
        let integration = match object {
            Object::Room(key) => &key.integration,
            Object::Batch(batch) => &batch.integration,
            _ => return,
        };
        if let Some(site) = self.sites.get_mut(integration) {
            site.ended(object, requests, failure, now);
        }
    }

    /// `room` was read completely.
    pub fn was_read(&mut self, room: &RoomKey, reading: &Reading<'_>, now: Now) {
        if let Some(site) = self.sites.get_mut(&room.integration)
            && let Some(index) = site.find(&room.email)
        {
            site.was_read(index, reading, now);
        }
    }

    /// What the rules made of `room`: by its one evaluation, `None` where it has several.
    pub fn was_evaluated(&mut self, room: &RoomKey, meetings: Option<Arc<Meetings>>) {
        if let Some(site) = self.sites.get_mut(&room.integration)
            && let Some(index) = site.find(&room.email)
        {
            site.was_evaluated(index, meetings);
        }
    }

    /// What a group of rooms said about when they are taken.
    pub fn busy_told(&mut self, batch: &Batch, told: &[(RoomEmail, Result<Busy, Failure>)], now: Now) {
        if let Some(site) = self.sites.get_mut(&batch.integration) {
            site.told(batch.number, told, now);
        }
    }

    /// When `room` is read next, as far as can be said, and why; `None`: it is not paced.
    #[must_use]
    pub fn next_read(&self, room: &RoomKey) -> Option<(Mono, Why)> {
        let site = self.sites.get(&room.integration)?;
        let room = &site.rooms[site.find(&room.email)? as usize];
        let turn = room.read_at.plus(site.interval_s(room));
        let urgent = room.times.next(Tick::NEVER).filter(|(at, _)| *at <= turn);
        let (at, why) = urgent.unwrap_or((turn, Why::Turn));
        let paused = site.breaker.pause().map_or(Tick::default(), |pause| pause.until);
        Some((at.max(room.held).max(paused).mono(), why))
    }

    /// How often `room` is read when nothing asks for more; `None`: it is not paced.
    #[must_use]
    pub fn interval(&self, room: &RoomKey) -> Option<Duration> {
        let site = self.sites.get(&room.integration)?;
        let room = &site.rooms[site.find(&room.email)? as usize];
        Some(Duration::from_secs(u64::from(site.interval_s(room))))
    }

    /// A room whose last complete read is older than this is stale: three planned intervals, and at least 15 minutes.
    #[must_use]
    pub fn stale_after(&self, room: &RoomKey) -> Option<SignedDuration> {
        let site = self.sites.get(&room.integration)?;
        let room = &site.rooms[site.find(&room.email)? as usize];
        let interval = site.interval_s(room).min(LONGEST_S);
        Some(SignedDuration::from_secs(i64::from(3 * interval)).max(SignedDuration::from_mins(15)))
    }

    /// How each service stands.
    pub fn status(&mut self, now: Now) -> Vec<IntegrationStatus> {
        self.sites.iter_mut().map(|(name, site)| status(name, site, now)).collect()
    }
}

fn status(name: &IntegrationName, site: &mut Site, now: Now) -> IntegrationStatus {
    let tick = Tick::of(now.mono);
    let pause = |pause: &Pause| PauseStatus {
        reason: pause.reason,
        message: pause.message.clone(),
        since: pause.since,
        attempts: pause.attempts,
        until: now.wall.checked_add(now.mono.until(pause.until.mono())).unwrap_or(now.wall),
    };
    let accounts = site.accounts.iter_mut().map(|account| AccountStatus {
        name: account.name.clone(),
        minute_used: account.minute.used(tick),
        minute_limit: Some(account.minute.limit()).filter(|limit| *limit < u32::MAX as usize),
        pause: account.breaker.pause().map(pause),
    });
    let accounts = accounts.collect();
    let is_off = site.canary.off().map(|off| Drift { reason: off.reason, since: off.since });
    IntegrationStatus {
        name: name.clone(),
        rooms: site.by_email.len(),
        day_used: site.day.used(),
        day_limit: site.day.limit(),
        spent: site.spent.map(|spent| SpentStatus { since: spent.since, until: spent.until }),
        reserved: site.day.reserve(),
        allowance_per_s: site.plan.rate(),
        saved: Duration::from_secs_f64(site.plan.saved_s().max(0.0)),
        owed: Duration::from_secs_f64((-site.plan.saved_s()).max(0.0)),
        accounts,
        pause: site.breaker.pause().map(pause),
        under_way: site.flights.len(),
        window: site.in_flight.window() as usize,
        canary: CanaryStatus {
            groups: site.canary.groups(),
            period: Duration::from_secs_f64(site.canary.period_s()),
            looks: site.looks,
            unwatched: site.unwatched,
            off: is_off,
        },
        heard: None,
        reads: site.reads.iter().map(|(why, reads)| (why.label(), *reads)).collect(),
    }
}
