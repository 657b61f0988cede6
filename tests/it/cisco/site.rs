//! A site in virtual time: calendars as they are told, the whole loop, and a fleet of codecs that are spoken with as on the
//! network, one request a second each.
#![allow(unreachable_pub, dead_code)] // also part of a benchmark

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use otj::http::{Http, Peer};
use otj::model::published::Accounts;
use otj::model::tally::Tally;
use otj::model::{
    Body, Busy, Clock, Confidential, DeviceSpec, EndpointName, EndpointSpec, Event, Failure, Given, IntegrationName,
    IntegrationSpec, LookAgain, Person, RoomEmail, RoomKey, RoomSpec, Schedule, Secret, Window,
};
use otj::reconcile::board::{Board, EndpointStatus};
use otj::reconcile::desk::Desk;
use otj::reconcile::perform::Workshop;
use otj::reconcile::planner::{Outlets, Planner, PlannerOptions};
use otj::reconcile::run::{Inlets, run};
use otj::reconcile::sim_world::Sim;
use otj::reconcile::step::{Cursor, DocumentsRead, HeldRead, PutDone};
use otj::reconcile::world::codecs::Codecs;
use otj::reconcile::world::{Asking, BusyTold, CalendarReading, World};
use otj::sim::cisco::{Codec, Fleet, Generation};
use otj::store::Store;
use otj::store::memory::MemoryStore;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::wish::{Wish, email};

/// A Monday.
pub const START: &str = "2027-01-04T08:00:00Z";

/// See the module.
pub struct Site {
    pub clock: Clock,
    pub sim: Arc<Sim>,
    pub fleet: Arc<Fleet>,
    pub board: Board,
    pub wish: Wish,
    look_again: mpsc::Sender<LookAgain>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    // The loop ends when nobody can tell it anything any more.
    _told: (mpsc::Sender<otj::model::presence::Presence>, mpsc::Sender<otj::reconcile::order::Command>),
}

/// Calendars of one world, codecs of another.
#[derive(Debug)]
struct Office {
    sim: Arc<Sim>,
    codecs: Codecs,
}

impl Site {
    /// Nobody there yet.
    pub async fn new() -> Self {
        let clock = Clock::starting_at(START.parse().expect("a time"));
        let (sim, fleet) = (Sim::new(clock.clone()), Arc::new(Fleet::new(clock.clone())));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let http = Http::played_by(fleet.clone() as Arc<dyn Peer>).expect("a client");
        let codecs = Codecs::new(http, clock.clone(), store.clone(), "abc123".into()).await.expect("a store");
        let (board, tally) = (Board::default(), Tally::new());
        let (accounts, _) = watch::channel(Accounts::default());
        let (wish, _) = watch::channel(Arc::default());
        let outlets = Outlets { board: board.clone(), accounts, wish, tally: tally.clone() };
        let planner = Planner::new(&PlannerOptions::default(), outlets, None);
        let world = Arc::new(Office { sim: sim.clone(), codecs });
        let workshop = Arc::new(Workshop::new(world, Desk::new(store), clock.clone(), tally));
        let (look_again, looks) = mpsc::channel(1024);
        let (presence, presences) = mpsc::channel(8);
        let (commands, commanded) = mpsc::channel(8);
        let inlets = Inlets { look_again: looks, presence: presences, commands: commanded };
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(planner, workshop, inlets, stop.clone()));
        let _told = (presence, commands);
        Self { clock, sim, fleet, board, wish: Wish::default(), look_again, stop, task, _told }
    }

    /// Installs a codec that takes one request a second.
    pub fn install(&self, host: &str, generation: Generation) {
        let now = self.clock.now().wall;
        let mut codec = Codec::new(generation, &format!("S-{host}"), "admin", Secret::new("secret".into()), now);
        codec.rate_limited = true;
        self.fleet.add(host, codec);
    }

    /// The directory changes.
    pub async fn wish(&mut self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.wish);
        self.sim.wish(self.wish.desired());
        self.look_again.send(LookAgain::Documents).await.expect("the loop runs");
    }

    /// A room's calendar changes, and its service says so.
    pub async fn calendar(&self, room: &str, events: Vec<Event>) {
        self.sim.calendar(&email(room), |calendar| calendar.events = events);
        let key = RoomKey { integration: IntegrationName::parse("calendars").expect("a name"), email: email(room) };
        self.look_again.send(LookAgain::Room(key)).await.expect("the loop runs");
    }

    /// So much time passes.
    pub async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    pub fn status(&self, name: &str) -> Arc<EndpointStatus> {
        self.board.endpoint(&EndpointName::parse(name).expect("a name")).expect("it is on the board")
    }

    /// Ends the loop.
    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("the loop ends well");
    }
}

/// A meeting with an address to dial, or without.
pub fn event(uid: &str, subject: &str, start: Timestamp, minutes: i64, joins: bool) -> Event {
    let body = match joins {
        true => Body::Text(Confidential::new(format!("Join: {uid}@vc.example.com"))),
        false => Body::None,
    };
    Event {
        uid: uid.to_owned(),
        original_start: None,
        start,
        end: start + SignedDuration::from_mins(minutes),
        all_day: false,
        subject: Confidential::new(subject),
        organizer: Person { name: Confidential::new("Ada Lovelace"), email: Confidential::new("ada@example.com") },
        location: Confidential::default(),
        body,
        private: false,
        tentative: false,
        properties: serde_json::Map::new(),
        time_zone: None,
        last_modified: None,
    }
}

impl World for Office {
    async fn read_documents(&self) -> Result<DocumentsRead, Failure> {
        self.sim.read_documents().await
    }

    async fn read_agenda(
        &self,
        room: &Arc<RoomSpec>,
        window: Window,
        cursor: Option<&Cursor>,
        asking: &Asking,
    ) -> Result<CalendarReading, Failure> {
        self.sim.read_agenda(room, window, cursor, asking).await
    }

    async fn read_busy(
        &self,
        integration: &Arc<IntegrationSpec>,
        rooms: &[RoomEmail],
        window: Window,
        asking: &Asking,
    ) -> Result<Vec<BusyTold>, Failure> {
        let told: Vec<(RoomEmail, Result<Busy, Failure>)> =
            self.sim.read_busy(integration, rooms, window, asking).await?;
        Ok(told)
    }

    async fn read_held(&self, endpoint: &EndpointSpec, given: Option<&Schedule>) -> Result<HeldRead, Failure> {
        match &endpoint.device {
            DeviceSpec::Cisco(spec) => self.codecs.read_held(spec, given).await,
            _ => unreachable!("only codecs stand here"),
        }
    }

    async fn put(
        &self,
        endpoint: &EndpointSpec,
        schedule: &Schedule,
        serial: Option<&str>,
    ) -> Result<PutDone, Failure> {
        match &endpoint.device {
            DeviceSpec::Cisco(spec) => self.codecs.put(spec, schedule, serial).await,
            _ => unreachable!("only codecs stand here"),
        }
    }

    async fn forget_pin(&self, endpoint: &EndpointSpec) -> Result<(), Failure> {
        self.sim.forget_pin(endpoint).await
    }

    async fn clear(&self, given: &Given, unlisted: bool) -> Result<Option<&'static str>, Failure> {
        match &given.target {
            Some(DeviceSpec::Cisco(spec)) => self.codecs.clear(spec, given, unlisted).await,
            _ => Ok(None),
        }
    }
}
