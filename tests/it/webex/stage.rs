//! The loop in virtual time: calendars of the simulated world, codecs of the simulated world, and devices of the Webex Cloud over the
//! real client and the simulated cloud.
//!
//! ```text
//! 10:00 calendar fjord standup@11:00*       * : the invitation has an address to dial
//! 10:00 wish oslo=fjord:one codec=vik:10.0.0.5    a place without dots is a device of the Webex Cloud
//! 10:05 one disconnected | connected | personal | calendar-service | reboots | rewrites
//! 10:05 cloud 500 | works | limit 10/60
//! 10:20 status oslo ; 10:20 shows one       one line into the log
//! ```

use std::sync::Arc;

use jiff::Timestamp;
use otj::config::{LoadOptions, SecretOptions};
use otj::model::published::Accounts;
use otj::model::{
    Clock, DeviceSpec, EndpointName, EndpointSpec, Failure, Given, IntegrationSpec, LookAgain, RoomEmail, RoomSpec,
    Schedule, WebexSpec, Window,
};
use otj::reconcile::board::Board;
use otj::reconcile::desk::Desk;
use otj::reconcile::perform::Workshop;
use otj::reconcile::planner::{Outlets, Planner, PlannerOptions};
use otj::reconcile::run::{Inlets, run};
use otj::reconcile::sim_world::{Sim, titles};
use otj::reconcile::step::{Cursor, DocumentsRead, HeldRead, PutDone};
use otj::reconcile::world::live::{DirectoryOptions, Live};
use otj::reconcile::world::{Asking, BusyTold, CalendarReading, World as Outside};
use otj::sim::webex::Device;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::world::{DEPLOYMENT, World, bot, cloud};
use crate::reconciling::stage::{START, event, time_of};
use crate::reconciling::wish::{Wish, email};

/// Directory, calendars and codecs are the simulated world's; devices of the Webex Cloud are reached as ever.
struct Half {
    sim: Arc<Sim>,
    live: Live,
}

impl Outside for Half {
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
        self.sim.read_busy(integration, rooms, window, asking).await
    }

    async fn read_held(&self, endpoint: &EndpointSpec, given: Option<&Schedule>) -> Result<HeldRead, Failure> {
        match &endpoint.device {
            DeviceSpec::Webex(_) => self.live.read_held(endpoint, given).await,
            _ => self.sim.read_held(endpoint, given).await,
        }
    }

    async fn put(
        &self,
        endpoint: &EndpointSpec,
        schedule: &Schedule,
        serial: Option<&str>,
    ) -> Result<PutDone, Failure> {
        match &endpoint.device {
            DeviceSpec::Webex(_) => self.live.put(endpoint, schedule, serial).await,
            _ => self.sim.put(endpoint, schedule, serial).await,
        }
    }

    async fn forget_pin(&self, endpoint: &EndpointSpec) -> Result<(), Failure> {
        self.live.forget_pin(endpoint).await
    }

    async fn clear(&self, given: &Given, unlisted: bool) -> Result<Option<&'static str>, Failure> {
        match &given.target {
            Some(DeviceSpec::Webex(_)) => self.live.clear(given, unlisted).await,
            _ => self.sim.clear(given, unlisted).await,
        }
    }
}

struct Stage {
    world: World,
    sim: Arc<Sim>,
    clock: Clock,
    board: Board,
    look_again: mpsc::Sender<LookAgain>,
    wish: Wish,
    log: Vec<String>,
}

/// Plays a script and compares what it tells with what is expected.
pub(super) async fn check(script: &str, expected: &str) {
    let mut world = World::of(&["one", "two", "three"]);
    world.clock = Clock::starting_at(START.parse().unwrap());
    let clock = world.clock.clone();
    let sim = Sim::new(clock.clone());
    let load = LoadOptions::default();
    let directory = DirectoryOptions { roots: Vec::new(), secrets: SecretOptions::new(&[], None), load };
    let (store, tally) = (world.store.clone(), world.tally.clone());
    let http = world.http_at(&clock);
    let live = Live::new(http, clock.clone(), tally.clone(), store.clone(), DEPLOYMENT.into(), directory, None);
    let outside = Arc::new(Half { sim: sim.clone(), live: live.await.unwrap() });
    let board = Board::default();
    let (accounts, _) = watch::channel(Accounts::default());
    let (wished, _) = watch::channel(Arc::default());
    let outlets = Outlets { board: board.clone(), accounts, wish: wished, tally: tally.clone() };
    let planner = Planner::new(&PlannerOptions::default(), outlets, None);
    let workshop = Arc::new(Workshop::new(outside, Desk::new(store), clock.clone(), tally));
    let (look_again, look_again_out) = mpsc::channel(64);
    let (_presence, presence) = mpsc::channel(1);
    let (_commands, commands) = mpsc::channel(1);
    let inlets = Inlets { look_again: look_again_out, presence, commands };
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(planner, workshop, inlets, stop.clone()));
    let mut stage = Stage { world, sim, clock, board, look_again, wish: Wish::default(), log: Vec::new() };
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, told) = line.split_once(' ').unwrap();
        let wait = time_of(time).duration_since(stage.clock.now().wall);
        tokio::time::sleep(std::time::Duration::try_from(wait).unwrap_or_default()).await;
        let words: Vec<&str> = told.split_whitespace().collect();
        stage.tell(time, &words).await;
    }
    stop.cancel();
    task.await.unwrap();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(stage.log, expected, "\n{}", stage.log.join("\n"));
}

impl Stage {
    async fn tell(&mut self, time: &str, words: &[&str]) {
        let now = self.clock.now().wall;
        match words {
            ["calendar", room, events @ ..] => {
                let events = events.iter().map(|text| event(text)).collect();
                self.sim.calendar(&email(room), |calendar| calendar.events = events);
            }
            ["wish", endpoints @ ..] => {
                self.wish.endpoints = endpoints.iter().map(|text| (*text).to_owned()).collect();
                self.wish().await;
            }
            ["cloud", "works"] => self.world.fake.change(|org| (org.fault, org.limit) = (None, None)),
            ["cloud", "limit", limit] => {
                let (most, seconds) = limit.split_once('/').unwrap();
                let limit = (most.parse().unwrap(), seconds.parse().unwrap());
                self.world.fake.change(|org| org.limit = Some(limit));
            }
            ["cloud", status] => self.world.fake.change(|org| org.fault = Some(status.parse().unwrap())),
            ["status", name] => {
                let name = EndpointName::parse(name).unwrap();
                let status = self.board.endpoint(&name).expect("the endpoint is on the board");
                let reasons: Vec<String> =
                    otj::status::conditions::of_endpoint(&status).into_iter().map(|it| it.reason).collect();
                let line = format!("{time} {name} {:?} {}", status.state, reasons.join(" "));
                self.log.push(line.trim_end().to_owned());
            }
            ["shows", device] if device.contains('.') => {
                self.log.push(format!("{time} {device} {}", titles(&self.sim.shows(device))));
            }
            ["shows", device] => {
                let screen = super::world::screen(&self.world.fake, device, now);
                self.log.push(format!("{time} {device} {screen:?}"));
            }
            ["asked", word] => {
                let asked = self.world.asked().into_iter().filter(|line| line.contains(word)).count();
                self.log.push(format!("{time} {word} {asked}"));
            }
            [device, what] => {
                self.world.fake.device(device, |device| change(device, what, now)).expect("there is such a device");
            }
            other => panic!("nobody knows how to {other:?}"),
        }
    }

    async fn wish(&mut self) {
        let mut desired = self.wish.desired();
        let cloud = cloud("cloud", bot());
        for endpoint in desired.endpoints.values_mut() {
            if let DeviceSpec::Cisco(cisco) = &endpoint.device
                && !cisco.address.contains('.')
            {
                let webex = WebexSpec { device_id: cisco.address.clone(), integration: cloud.clone() };
                Arc::make_mut(endpoint).device = DeviceSpec::Webex(webex);
            }
        }
        self.sim.wish(desired);
        self.look_again.send(LookAgain::Documents).await.unwrap();
    }
}

fn change(device: &mut Device, what: &str, now: Timestamp) {
    match what {
        "disconnected" => device.connected = false,
        "connected" => device.connected = true,
        "personal" => device.personal = true,
        "rewrites" => device.rewrites = true,
        "reboots" => device.reboot(now),
        "calendar-service" => device.taken_over(&["Theirs"], time_of("23:00"), now),
        other => panic!("a device does not {other:?}"),
    }
}
