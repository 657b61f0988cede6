//! What the loop lets others see: one cell per object, replaced when the object changed, so that publishing costs what
//! changed and reading never waits for the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::desired::ModeState;
use crate::model::{
    Agenda, DeviceFacts, EndpointName, EndpointSpec, Event, Expiry, Heard, IntegrationName, MeetingId, Mono,
    OtherWriter, ProfileName, RoomKey, Schedule, Signs,
};

use super::audit::Entry;
use super::marks::Marks;
use super::pace::Why;
use super::suspension::Suspensions;

/// The board. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    config: RwLock<Arc<ConfigStatus>>,
    rooms: RwLock<BTreeMap<RoomKey, Arc<RoomStatus>>>,
    endpoints: RwLock<BTreeMap<EndpointName, Arc<EndpointStatus>>>,
    integrations: RwLock<BTreeMap<IntegrationName, Arc<IntegrationStatus>>>,
    plan: RwLock<Arc<PlanStatus>>,
    suspensions: RwLock<Arc<Suspensions>>,
    audit: RwLock<Arc<Vec<Arc<Entry>>>>,
    marks: RwLock<Arc<Marks>>,
    raised: RwLock<Arc<BTreeMap<String, u64>>>,
    pulse: RwLock<Pulse>,
}

/// Why and since when an object is not as wished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drift {
    /// From a closed set: `NeverPut`, `Pending`, `PutFailed`, `PlanHeld`, `RivalWriter`, `DeviceRewrites`,
    /// `DuplicateDevice`, `DeviceReplaced`, `Suspended`, `Observing`, `NeverSeen`, `Silent`, `Behind`, `Stale`, `Unreadable`, `NoPermission`, `NotFound`,
    /// `Throttled`, `ConfigInvalid`, `PolyWrongPassword`.
    pub reason: &'static str,
    /// Since when.
    pub since: Timestamp,
}

/// The last failure of an object that still stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailureNote {
    /// From a closed set, CamelCase.
    pub reason: &'static str,
    /// For people; no secrets, no addresses to join, nothing people wrote in calendars.
    pub message: String,
    /// When it began.
    pub since: Timestamp,
    /// Failed tries in a row.
    pub attempts: u32,
}

/// The configuration in force, and the last attempt to load another.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ConfigStatus {
    /// Counts adoptions since the start; 0: nothing is in force.
    pub generation: u64,
    /// Checksum of the directory in force.
    pub checksum: String,
    /// Its revision; may be empty.
    pub revision: String,
    /// `directory`, or `kept` when the bytes from the store run.
    pub source: &'static str,
    /// When it was adopted.
    pub adopted_at: Option<Timestamp>,
    /// Documents by kind.
    pub documents: BTreeMap<String, usize>,
    /// When its credentials end, where that is known.
    pub expiries: Vec<Expiry>,
    /// Whether the last load succeeded.
    pub last_load_ok: bool,
    /// When a load last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// Findings of the last load.
    pub errors: usize,
    /// Findings of the last load.
    pub warnings: usize,
    /// The findings of the last load as `otj lint` prints them, secrets blanked; empty when there are none.
    pub findings: String,
    /// Set while the directory on disk is not the adopted one: `ConfigInvalid` or `PlanHeld`.
    pub drift: Option<Drift>,
}

/// One room.
#[derive(Clone, PartialEq, Debug)]
pub struct RoomStatus {
    /// Its service and address.
    pub key: RoomKey,
    /// Its endpoints.
    pub endpoints: Vec<EndpointName>,
    /// When it was last read completely.
    pub last_read: Option<Timestamp>,
    /// When it is read next.
    pub next_read: Option<Timestamp>,
    /// Why then; `None`: every room of its service is read alike.
    pub next_why: Option<Why>,
    /// Start of the meeting that it is read for then.
    pub next_meeting: Option<Timestamp>,
    /// How often it is read when nothing asks for more.
    pub read_every: Duration,
    /// Not-ended meetings of its agenda.
    pub meetings: usize,
    /// For each profile: its meetings, and how many of them have no alias.
    pub profiles: Vec<(ProfileName, usize, usize)>,
    /// Events that could not be understood and keep their previous form.
    pub unreadable: usize,
    /// More events than are kept.
    pub truncated: bool,
    /// How its calendar treats invitations.
    pub signs: Signs,
    /// Its calendar is Exchange's, on premises or in the cloud, which changes what a room accepts unless told not to.
    pub of_exchange: bool,
    /// The room's zone; `None`: neither documents nor calendar name one, UTC is used.
    pub time_zone: Option<String>,
    /// Set while the last read failed.
    pub failure: Option<FailureNote>,
    /// `Stale`, `Unreadable`, `NoPermission`, `NotFound` or `Throttled`.
    pub drift: Option<Drift>,
}

/// How an endpoint stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndpointState {
    /// As wished.
    InSync,
    /// Not as wished; the drift says why.
    Drifting,
    /// Never reached, or never heard of.
    NeverContacted,
    /// Suspended, by an operator or by its documents.
    Suspended,
    /// Read and planned only.
    Observing,
}

/// One endpoint.
#[derive(Clone, PartialEq, Debug)]
pub struct EndpointStatus {
    /// Its resolved document.
    pub spec: Arc<EndpointSpec>,
    /// How it stands.
    pub state: EndpointState,
    /// The mode in force.
    pub mode: ModeState,
    /// What it shall show; `None` before the room's first complete read.
    pub schedule: Option<Arc<Schedule>>,
    /// Digest of `schedule` is what it is known to hold (Cisco), or fetched last (Poly).
    pub synced: bool,
    /// How many bookings it is known to hold; `None`: unknown.
    pub held: Option<usize>,
    /// How many of these it keeps only because the gate holds a removal.
    pub kept: usize,
    /// Last answer from it, or poll by it.
    pub last_contact: Option<Timestamp>,
    /// Last successful put or publish.
    pub last_put: Option<Timestamp>,
    /// Bookings somebody else put there, by the last read-back.
    pub foreign: usize,
    /// Who else writes to it, as far as known.
    pub writers: BTreeSet<OtherWriter>,
    /// It lost bookings several times within the hour, and nobody can be told to have written.
    pub keeps_losing: bool,
    /// What the device told of itself.
    pub facts: DeviceFacts,
    /// User-Agent of a Poly endpoint; from outside, escape it.
    pub user_agent: Option<String>,
    /// Set while its last step failed.
    pub failure: Option<FailureNote>,
    /// Why it is not as wished.
    pub drift: Option<Drift>,
    /// `DuplicateDevice`: its device is filled for another endpoint; `DeviceReplaced`: another device answers there than before.
    pub device: Option<Drift>,
    /// Why it is in its mode, as an operator or its documents say.
    pub because: Option<String>,
}

/// One calendar service whose requests are counted.
#[derive(Clone, PartialEq, Debug)]
pub struct IntegrationStatus {
    /// Its name.
    pub name: IntegrationName,
    /// Its rooms.
    pub rooms: usize,
    /// Requests in the last 24 hours, those of earlier processes included.
    pub day_used: u64,
    /// Most requests in 24 hours.
    pub day_limit: u64,
    /// Set while the day's requests are used up, but for those that are kept for what is urgent.
    pub spent: Option<SpentStatus>,
    /// Requests that are reserved in the store and not yet made.
    pub reserved: u32,
    /// Requests a second that are planned at this time of the day.
    pub allowance_per_s: f64,
    /// Allowance that was not needed and is kept for minutes.
    pub saved: Duration,
    /// Allowance that urgent reads have used ahead of time; background reads wait until it is paid back.
    pub owed: Duration,
    /// Its accounts, in the order of the documents.
    pub accounts: Vec<AccountStatus>,
    /// Set while the whole service is left alone.
    pub pause: Option<PauseStatus>,
    /// Requests under way.
    pub under_way: usize,
    /// Most requests under way, as the service bears it.
    pub window: usize,
    /// The requests that ask about many rooms at once.
    pub canary: CanaryStatus,
    /// What it tells by itself; `None`: nobody listens to it.
    pub heard: Option<Heard>,
    /// Reads of rooms since the start of the process, by reason: `Asked`, `Changed`, `Starts`, `Follows`, `Turn`, `Verify`.
    pub reads: BTreeMap<&'static str, u64>,
}

/// The requests of 24 hours are used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpentStatus {
    /// Since when.
    pub since: Timestamp,
    /// When the next ones are to be had for background reads.
    pub until: Timestamp,
}

/// One account of a calendar service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountStatus {
    /// Its address or client id; empty: the service asks for none.
    pub name: String,
    /// Requests in the last minute.
    pub minute_used: usize,
    /// Most requests in a minute; `None`: no such limit.
    pub minute_limit: Option<usize>,
    /// Set while it is left alone.
    pub pause: Option<PauseStatus>,
}

/// Why a service or an account is left alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PauseStatus {
    /// From a closed set, CamelCase: the reason of the failure.
    pub reason: &'static str,
    /// For people; no secrets.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// Failed tries in a row.
    pub attempts: u32,
    /// The next try.
    pub until: Timestamp,
}

/// The requests that ask about many rooms at once.
#[derive(Clone, PartialEq, Debug)]
pub struct CanaryStatus {
    /// In how many groups the rooms stand; 0: the service cannot be asked so.
    pub groups: usize,
    /// How often each group is asked about in business hours.
    pub period: Duration,
    /// Such requests since the start of the process.
    pub looks: u64,
    /// Rooms of which the service does not tell when others are told of: only reads of their own see their changes.
    pub unwatched: usize,
    /// Set while the service refuses them.
    pub off: Option<Drift>,
}

/// What is held back by the gate, or waits for a second look.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PlanStatus {
    /// Held plans.
    pub holds: Vec<Hold>,
    /// Endpoints that wait for a second complete read before they lose meetings.
    pub waiting: usize,
}

/// One held plan. `otj approve CHECKSUM` lets exactly this happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// What to approve.
    pub checksum: String,
    /// `DocumentsRemoved`: a directory that removes too much; `Losses`: too many endpoints would lose meetings.
    pub detail: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// One plain sentence.
    pub summary: String,
    /// What would be lost: endpoint, room, and each meeting's id and start. Titles are not listed.
    pub losses: Vec<EndpointLoss>,
}

/// Endpoint, room, and each meeting's id and start.
pub type EndpointLoss = (EndpointName, RoomKey, Vec<(MeetingId, Timestamp)>);

/// How the loop itself is.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Pulse {
    /// Boot-clock time of its last turn; healthy means within 30 s.
    pub last_turn: Mono,
    /// How late the most overdue object of that turn was.
    pub lag: Duration,
    /// Objects in the due queue.
    pub due: usize,
    /// Steps under way.
    pub in_flight: usize,
    /// A wish is in force and the store answers.
    pub ready: bool,
    /// The wall clock is not trusted: nothing is removed.
    pub clock_untrusted: bool,
    /// The store did not take the last record.
    pub store_unavailable: bool,
}

/// A room's agenda as it was last read.
#[derive(Clone, Debug)]
pub struct Shown {
    /// `None`: it was never read completely.
    pub agenda: Option<Arc<Agenda>>,
    /// The events of the agenda; `None` where the store does not give their texts.
    pub events: Option<Vec<Event>>,
}

impl Board {
    /// The configuration.
    #[must_use]
    pub fn config(&self) -> Arc<ConfigStatus> {
        self.0.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All calendar services whose requests are counted, sorted by name.
    #[must_use]
    pub fn integrations(&self) -> Vec<Arc<IntegrationStatus>> {
        self.0.integrations.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Replaces the cells of calendar services: those that are not named are gone.
    pub fn put_integrations(&self, all: Vec<IntegrationStatus>) {
        let all = all.into_iter().map(|status| (status.name.clone(), Arc::new(status))).collect();
        *self.0.integrations.write().unwrap_or_else(PoisonError::into_inner) = all;
    }

    /// Held plans.
    #[must_use]
    pub fn plan(&self) -> Arc<PlanStatus> {
        self.0.plan.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What operators suspended.
    #[must_use]
    pub fn suspensions(&self) -> Arc<Suspensions> {
        self.0.suspensions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What operators said about alarms.
    #[must_use]
    pub fn marks(&self) -> Arc<Marks> {
        self.0.marks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often each alarm was raised since the start, by id.
    #[must_use]
    pub fn raised(&self) -> Arc<BTreeMap<String, u64>> {
        self.0.raised.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What operators did, oldest first.
    #[must_use]
    pub fn audit(&self) -> Arc<Vec<Arc<Entry>>> {
        self.0.audit.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The loop.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        *self.0.pulse.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// All rooms, sorted by key.
    #[must_use]
    pub fn rooms(&self) -> Vec<Arc<RoomStatus>> {
        self.0.rooms.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// All endpoints, sorted by name.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Arc<EndpointStatus>> {
        self.0.endpoints.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One endpoint.
    #[must_use]
    pub fn endpoint(&self, name: &EndpointName) -> Option<Arc<EndpointStatus>> {
        self.0.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Replaces the configuration's cell.
    pub fn put_config(&self, status: ConfigStatus) {
        *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(status);
    }

    /// Replaces the held plans.
    pub fn put_plan(&self, status: PlanStatus) {
        *self.0.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(status);
    }

    /// Replaces what is suspended.
    pub fn put_suspensions(&self, all: Suspensions) {
        *self.0.suspensions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }

    /// Replaces what operators said about alarms.
    pub fn put_marks(&self, all: Marks) {
        *self.0.marks.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }

    /// Replaces how often each alarm was raised.
    pub fn put_raised(&self, counts: BTreeMap<String, u64>) {
        *self.0.raised.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(counts);
    }

    /// Replaces what operators did.
    pub fn put_audit(&self, entries: Vec<Arc<Entry>>) {
        *self.0.audit.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(entries);
    }

    /// Replaces the pulse.
    pub fn put_pulse(&self, pulse: Pulse) {
        *self.0.pulse.write().unwrap_or_else(PoisonError::into_inner) = pulse;
    }

    /// Replaces a room's cell.
    pub fn put_room(&self, status: RoomStatus) {
        self.0.rooms.write().unwrap_or_else(PoisonError::into_inner).insert(status.key.clone(), Arc::new(status));
    }

    /// Takes a room off the board.
    pub fn remove_room(&self, key: &RoomKey) {
        self.0.rooms.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Replaces an endpoint's cell.
    pub fn put_endpoint(&self, status: EndpointStatus) {
        let name = status.spec.name.clone();
        self.0.endpoints.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::new(status));
    }

    /// Takes an endpoint off the board.
    pub fn remove_endpoint(&self, name: &EndpointName) {
        self.0.endpoints.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}
