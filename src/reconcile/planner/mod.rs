//! The planner: owner of all that is known, of the due queue and of the gate. It is told what happened and answers with
//! steps; it performs none. A turn costs what is due, whatever the number of rooms.

mod absorb;
mod adopt;
mod carry;
pub(super) mod device;
mod identity;
mod orders;
mod paced;
mod places;
mod report;
mod restore;
pub(super) mod wish;

pub use adopt::foreseen;
pub use restore::Kept;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::model::presence::Presence;
use crate::model::published::{Account, Accounts};
use crate::model::tally::Tally;
use crate::model::{Agenda, Desired, DeviceSpec, EndpointName, LookAgain, Mono, Now, Place, RoomKey};
use crate::store::Op;

use super::audit::Audit;
use super::board::{Board, ConfigStatus};
use super::due::{Due, Object};
use super::gate::Gate;
use super::marks::Marks;
use super::observed::{EndpointKnown, OldPlace, RoomState, Trouble};
use super::pace::{Pace, Why};
use super::plan::{Planned, Read, plan_endpoint, plan_room};
use super::step::{Lane, RoomMove, Step};
use super::suspension::Suspensions;
use super::wall::Wall;

/// The directory is looked at this often even when nothing said it changed.
const DOCUMENTS_EVERY: Duration = Duration::from_mins(5);

/// In a storm the gate changes with every endpoint; it is written down and shown this often. What a kill forgets of it is
/// counted again from what endpoints were given. Approvals are written at once.
const GATE_EVERY: Duration = Duration::from_secs(5);

/// One change of a calendar is said two or three times within a second: a paced room is read when that is over.
const SAID_AGAIN: Duration = Duration::from_secs(2);

/// Settings of a planner.
#[derive(Clone, Debug)]
pub struct PlannerOptions {
    /// Above this percentage of a scope removals are held.
    pub max_change_percent: usize,
    /// No clock is right before this time.
    pub released: Timestamp,
}

impl Default for PlannerOptions {
    fn default() -> Self {
        // The time of this release; a machine whose clock is behind it has lost its time.
        let released = Timestamp::from_second(1_793_491_200).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { max_change_percent: 30, released }
    }
}

/// Where the planner says what it knows.
#[derive(Debug)]
pub struct Outlets {
    /// For the pages and metrics.
    pub board: Board,
    /// For the Poly server.
    pub accounts: watch::Sender<Accounts>,
    /// The wish in force, for those who watch calendars.
    pub wish: watch::Sender<Arc<Desired>>,
    /// What is counted.
    pub tally: Arc<Tally>,
}

/// See the module.
#[derive(Debug)]
pub struct Planner {
    desired: Arc<Desired>,
    rooms: BTreeMap<RoomKey, RoomState>,
    endpoints: BTreeMap<EndpointName, EndpointKnown>,
    old_places: BTreeMap<String, OldPlace>,
    pace: Pace,
    documents: Documents,
    due: Due,
    gate: Gate,
    /// What an operator suspended.
    suspensions: Suspensions,
    /// What operators said about alarms.
    marks: Marks,
    /// What operators did.
    audit: Audit,
    wall: Wall,
    board: Board,
    accounts: watch::Sender<Accounts>,
    wish: watch::Sender<Arc<Desired>>,
    config: ConfigStatus,
    /// Records to be written before the next step: gate, clock.
    records: Vec<Op>,
    /// Rooms whose rules must run before an adoption's losses are known, and what it removes.
    assessing: Option<adopt::Assessment>,
    lag: Duration,
    in_flight: usize,
    last_stored_time: Mono,
    /// Calendar services are shown anew from then on.
    integrations_due: Mono,
    /// The gate is written down from then on.
    gate_due: Mono,
    tally: Arc<Tally>,
    /// Steps under way that began under a former name, and what their objects are called now.
    began_as: BTreeMap<Object, Object>,
    /// Who has which address and port by the documents.
    addresses: BTreeMap<Place, EndpointName>,
    /// Endpoints by the serial number of their device.
    devices: BTreeMap<String, EndpointName>,
    /// Who waits because the device that answers is recorded for another one.
    rivals: BTreeMap<EndpointName, EndpointName>,
    /// What the store kept and nobody claims yet.
    unclaimed: Kept,
}

/// The directory, as far as it was read.
#[derive(Debug, Default)]
struct Documents {
    in_flight: bool,
    /// A directory that removes documents, when it was first read so, by checksum.
    removing: Option<(String, Mono)>,
    /// A directory that removes too much: it waits for approval.
    held: Option<adopt::HeldDirectory>,
    /// A directory whose adoption was approved before it was held again, by checksum.
    approved: Option<String>,
    trouble: Option<Trouble>,
    /// To be stored.
    record: Option<Arc<[u8]>>,
    /// The wish in force came from the store.
    kept: bool,
    /// Records of renamed rooms that are still to be moved.
    carry: Vec<RoomMove>,
}

impl Planner {
    /// A planner that knows nothing and wants to read the directory.
    #[must_use]
    pub fn new(options: &PlannerOptions, outlets: Outlets, newest: Option<Timestamp>) -> Self {
        let mut due = Due::default();
        due.touch(Object::Documents);
        Self {
            desired: Arc::default(),
            rooms: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            old_places: BTreeMap::new(),
            pace: Pace::default(),
            documents: Documents::default(),
            due,
            gate: Gate::new(options.max_change_percent),
            suspensions: Suspensions::default(),
            marks: Marks::default(),
            audit: Audit::default(),
            wall: Wall::new(options.released, newest),
            board: outlets.board,
            accounts: outlets.accounts,
            wish: outlets.wish,
            config: ConfigStatus::default(),
            records: Vec::new(),
            assessing: None,
            lag: Duration::ZERO,
            in_flight: 0,
            last_stored_time: Mono::default(),
            integrations_due: Mono::default(),
            gate_due: Mono::default(),
            tally: outlets.tally,
            began_as: BTreeMap::new(),
            addresses: BTreeMap::new(),
            devices: BTreeMap::new(),
            rivals: BTreeMap::new(),
            unclaimed: Kept::default(),
        }
    }

    /// The wish in force.
    #[must_use]
    pub fn desired(&self) -> &Arc<Desired> {
        &self.desired
    }

    /// A room's last complete agenda; `None`: there is no such room.
    #[must_use]
    pub fn agenda(&self, room: &RoomKey) -> Option<Option<Arc<Agenda>>> {
        self.desired.rooms.contains_key(room).then(|| self.rooms.get(room)?.agenda.clone())
    }

    /// Looks at the clocks; once a turn.
    pub fn look_at_clock(&mut self, now: Now) {
        let look = self.wall.look(now);
        if look.jumped || look.changed {
            tracing::warn!(
                trusted = look.trusted,
                jumped = look.jumped,
                "The wall clock moved; everything is planned anew."
            );
            self.touch_all();
        }
        self.pace.trust(look.trusted, now);
        if look.jumped {
            self.pace.wall_jumped(now);
        }
        self.end_suspensions(now);
        if look.trusted && self.last_stored_time.until(now.mono) >= Duration::from_mins(10) {
            self.last_stored_time = now.mono;
            let (endpoints, old_places) = (&self.endpoints, &self.old_places);
            let still = |name: &EndpointName| {
                endpoints.contains_key(name) || old_places.values().any(|place| place.endpoint == *name)
            };
            self.gate.forget_ended(now.wall, still);
            self.records.push(Op::put(super::records::CLOCK, now.wall.as_second().to_string()));
        }
    }

    fn touch_all(&mut self) {
        for room in self.desired.rooms.keys() {
            self.due.touch(Object::Room(room.clone()));
        }
        for endpoint in self.desired.endpoints.keys() {
            self.due.touch(Object::Endpoint(endpoint.clone()));
        }
    }

    /// Somebody says: look again. It says where, never what to do.
    pub fn look_again(&mut self, at: LookAgain, now: Now) {
        match at {
            LookAgain::Documents => {
                self.documents.trouble = None;
                self.due.touch(Object::Documents);
            }
            // What is said while it is being read is asked for once more.
            LookAgain::Room(room) if self.pace.paces(&room.integration) => {
                self.ask_pace(&room, Why::Changed, now.mono + SAID_AGAIN);
            }
            LookAgain::Room(room) => {
                if let Some(known) = self.rooms.get_mut(&room) {
                    known.next_read = Mono::default();
                    known.trouble = None;
                    self.due.touch(Object::Room(room));
                }
            }
            LookAgain::Endpoint(endpoint) => self.look_at_endpoint(endpoint),
        }
    }

    fn look_at_endpoint(&mut self, endpoint: EndpointName) {
        if let Some(known) = self.endpoints.get_mut(&endpoint) {
            known.trouble = None;
            known.yields.until = Mono::default();
            known.next_look = Mono::default();
            self.due.touch(Object::Endpoint(endpoint));
        }
    }

    /// A Poly endpoint's poll brought news.
    pub fn heard_from(&mut self, mut presence: Presence, now: Now) {
        let name = presence.endpoint.clone();
        if let Some(known) = self.endpoints.get_mut(&name) {
            // News of anything but a list says nothing about what was fetched.
            if let Some(before) = known.presence.take().filter(|_| presence.fetched.is_none()) {
                presence.fetched = before.fetched;
                presence.window = before.window;
            }
            known.last_contact = Some(presence.at);
            known.presence = Some(presence);
            self.report_endpoint(&name, now);
            self.due.touch(Object::Endpoint(name));
        }
    }

    /// Takes the next due object that has something to be done, and the step. `None`: nothing is due.
    pub fn next_step(&mut self, now: Now) -> Option<Step> {
        while let Some((object, due)) = self.due.pop_ready(now.mono) {
            if due != Mono::default() {
                self.lag = self.lag.max(due.until(now.mono));
            }
            let Planned { step, due } = self.plan(&object, now);
            if step.is_some() {
                return step;
            }
            self.due.set(object, due);
        }
        None
    }

    /// The step has begun.
    pub fn begin(&mut self, step: &Step) {
        self.in_flight += 1;
        self.set_in_flight(&step.object(), true);
    }

    /// Where `step` runs: endpoints that failed last time share fewer places.
    #[must_use]
    pub fn lane(&self, step: &Step) -> Lane {
        let (device, failed) = match step {
            Step::ReadDocuments | Step::KeepDirectory { .. } | Step::CarryRooms { .. } | Step::ForgetPlace { .. } => {
                return Lane::Documents;
            }
            Step::ReadAgenda { room, .. } => {
                let integration = room.key.integration.clone();
                let paced = self.pace.paces(&integration);
                return if paced { Lane::Paced(integration) } else { Lane::Calendar(integration) };
            }
            Step::ReadBusy { batch, .. } => return Lane::Paced(batch.integration.clone()),
            Step::Evaluate { .. } => return Lane::Rules,
            Step::ReadHeld { endpoint, .. }
            | Step::Put { endpoint, .. }
            | Step::Publish { endpoint, .. }
            | Step::ForgetPin { endpoint } => {
                let failed = self.endpoints.get(&endpoint.name).is_some_and(|known| known.trouble.is_some());
                (Some(&endpoint.device), failed)
            }
            Step::Clear { place, given, .. } => {
                let failed = self.old_places.get(place).is_some_and(|known| known.trouble.is_some());
                (given.target.as_ref(), failed)
            }
        };
        match device {
            Some(DeviceSpec::Webex(webex)) => Lane::Webex(webex.integration.name.clone(), failed),
            _ if failed => Lane::Failed,
            _ => Lane::Healthy,
        }
    }

    /// Looks at `object` as soon as possible.
    pub fn touch(&mut self, object: Object) {
        self.due.touch(object);
    }

    fn set_in_flight(&mut self, object: &Object, under_way: bool) {
        match object {
            Object::Documents => self.documents.in_flight = under_way,
            Object::Room(key) => {
                if let Some(known) = self.rooms.get_mut(key) {
                    known.in_flight = under_way;
                }
            }
            Object::Endpoint(name) => {
                if let Some(known) = self.endpoints.get_mut(name) {
                    known.in_flight = under_way;
                }
            }
            Object::OldPlace(place) => {
                if let Some(known) = self.old_places.get_mut(place) {
                    known.in_flight = under_way;
                }
            }
            // What they have under way is known to the pace.
            Object::Integration(_) | Object::Batch(_) => {}
        }
    }

    fn plan(&mut self, object: &Object, now: Now) -> Planned {
        match object {
            Object::Documents => self.plan_documents(now),
            Object::Room(key) => {
                let desired = self.desired.clone();
                match (desired.rooms.get(key), self.rooms.get(key)) {
                    (Some(room), Some(known)) => {
                        let read = match self.is_acted_on(room, now) {
                            false => Read::Never,
                            true if self.pace.paces(&key.integration) => Read::InTurn,
                            true => Read::Often,
                        };
                        let planned = plan_room(&desired, room, known, read, now);
                        self.report_room(key, now);
                        planned
                    }
                    _ => Planned { step: None, due: Mono::NEVER },
                }
            }
            Object::Endpoint(name) => {
                let desired = self.desired.clone();
                let Some(endpoint) = desired.endpoints.get(name) else {
                    return Planned { step: None, due: Mono::NEVER };
                };
                self.wish_for(endpoint, now);
                let Some(known) = self.endpoints.get(name) else { return Planned { step: None, due: Mono::NEVER } };
                let room = self.rooms.get(&endpoint.room);
                let mode = self.suspensions.mode(endpoint, now.wall);
                let planned = plan_endpoint(endpoint, mode, known, known.wished.as_ref(), room, now);
                self.report_endpoint(name, now);
                planned
            }
            Object::OldPlace(name) => self.plan_old_place(name, now),
            Object::Integration(name) => self.plan_integration(name, now),
            // Asked about when its service has a turn for it.
            Object::Batch(_) => Planned { step: None, due: Mono::NEVER },
        }
    }

    fn plan_documents(&mut self, now: Now) -> Planned {
        if self.documents.in_flight {
            return Planned { step: None, due: Mono::NEVER };
        }
        if !self.documents.carry.is_empty() {
            return Planned { step: Some(Step::CarryRooms { moves: self.next_to_carry() }), due: Mono::NEVER };
        }
        if let Some(record) = self.documents.record.take() {
            return Planned { step: Some(Step::KeepDirectory { record }), due: Mono::NEVER };
        }
        let waits = self.documents.trouble.as_ref().map(|trouble| trouble.next).filter(|next| *next > now.mono);
        match waits {
            Some(next) => Planned { step: None, due: next },
            None => Planned { step: Some(Step::ReadDocuments), due: Mono::NEVER },
        }
    }

    /// Records to be written before anything else happens.
    pub fn take_records(&mut self, now: Now) -> Vec<Op> {
        if now.mono >= self.gate_due && self.gate.changed() {
            self.gate_due = now.mono + GATE_EVERY;
            match serde_json::to_vec(&self.gate.record()) {
                Ok(value) => self.records.push(Op::put(super::records::GATE, value)),
                Err(error) => tracing::error!(%error, "The gate could not be written down."),
            }
            self.report_plan(now);
        }
        self.reserve_requests(now);
        std::mem::take(&mut self.records)
    }

    /// When the loop must turn again.
    #[must_use]
    pub fn next_due(&self) -> Mono {
        self.due.next()
    }

    /// Tells the wish in force, and hands the Poly server its accounts, after an adoption.
    fn publish_wish(&self) {
        self.wish.send_replace(self.desired.clone());
        let mut accounts = BTreeMap::new();
        for endpoint in self.desired.endpoints.values() {
            let DeviceSpec::Poly(poly) = &endpoint.device else { continue };
            let Some(known) = self.endpoints.get(&endpoint.name) else { continue };
            let account = Account {
                endpoint: endpoint.name.clone(),
                room: endpoint.room.email.clone(),
                poly: poly.clone(),
                time_zone: endpoint.time_zone.clone().unwrap_or_else(|| "UTC".into()),
                cell: known.cell.clone(),
            };
            accounts.insert(poly.username.to_lowercase(), account);
        }
        self.accounts.send_replace(Accounts(Arc::new(accounts)));
    }
}
