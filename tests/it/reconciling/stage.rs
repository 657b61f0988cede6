//! A stage: a simulated world, the loop on it, and a script language to tell what happens.
//!
//! ```text
//! 10:00 calendar fjord standup@11:00* lunch@12:00        * : the invitation has an address to dial
//! 10:05 calendar fjord fails Throttled | works | hangs
//! 10:05 device oslo fails PushFailed | works | hangs | forgets | reboots | rewrites | cannot list | rival | serial S1 | swaps bergen
//! 10:10 wish oslo=fjord bergen=vik:poly nord~sor=fjord:oslo  name[~former]=room[:address[#serial][!]|:poly[=login]], the whole directory; ! pins certificates
//! 10:10 quota 5000                                       requests in 24 hours, for the next wish
//! 10:10 calendars fail Throttled | work                  the whole service
//! 10:10 integration dav~calendars                        what the next wish calls the one calendar service; `profile` likewise
//! 10:10 rule other.example                               the domain the one rule looks for
//! 10:10 directory fails | invalid | git | lost           lost: the kept one does not load any more
//! 10:10 suspend endpoint oslo 12:00 | resume endpoint oslo | refresh fjord | push oslo | trust oslo
//! 10:20 status oslo                                      one line into the log; `conditions oslo` likewise
//! ```

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use otj::model::published::{Accounts, Published};
use otj::model::tally::Tally;
use otj::model::{Body, Clock, Confidential, EndpointName, Event, Failure, LookAgain, Person};
use otj::reconcile::board::Board;
use otj::reconcile::desk::Desk;
use otj::reconcile::order::{Command, Order, Refused};
use otj::reconcile::perform::Workshop;
use otj::reconcile::planner::{Outlets, Planner, PlannerOptions};
use otj::reconcile::run::{Inlets, run};
use otj::reconcile::sim_world::{Sim, titles};
use otj::reconcile::step::DocumentsRead;
use otj::reconcile::suspension::{Suspended, SuspendedKind};
use otj::store::Store;
use otj::store::memory::MemoryStore;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub(super) use super::wish::{Wish, email};

/// When every script begins, a Monday.
pub(crate) const START: &str = "2027-01-04T10:00:00Z";

pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) sim: Arc<Sim>,
    pub(super) board: Board,
    pub(super) store: Arc<MemoryStore>,
    pub(super) accounts: watch::Receiver<Accounts>,
    pub(super) look_again: mpsc::Sender<LookAgain>,
    pub(super) commands: mpsc::Sender<Command>,
    _presence: mpsc::Sender<otj::model::presence::Presence>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    wish: Wish,
}

impl Stage {
    /// A fresh deployment.
    pub(super) async fn new() -> Self {
        let clock = Clock::starting_at(START.parse().unwrap());
        let sim = Sim::new(clock.clone());
        Self::start(clock, sim, Arc::new(MemoryStore::default()), Wish::default()).await
    }

    /// The same world and store after `kill -9`.
    pub(super) async fn killed_and_restarted(self) -> Self {
        self.task.abort();
        let _ = self.task.await;
        Self::start(self.clock, self.sim, self.store, self.wish).await
    }

    async fn start(clock: Clock, sim: Arc<Sim>, store: Arc<MemoryStore>, wish: Wish) -> Self {
        let board = Board::default();
        let (accounts_in, accounts) = watch::channel(Accounts::default());
        let tally = Tally::new();
        let (wish_in, _) = watch::channel(Arc::default());
        let outlets = Outlets { board: board.clone(), accounts: accounts_in, wish: wish_in, tally: tally.clone() };
        let kept = otj::reconcile::keep::load(&*store, |record| {
            wish.wished.get(std::str::from_utf8(record).unwrap()).cloned()
        })
        .await
        .unwrap();
        let mut planner = Planner::new(&PlannerOptions::default(), outlets, kept.newest);
        planner.restore(kept.kept, clock.now());
        let desk = Desk::new(store.clone());
        let workshop = Arc::new(Workshop::new(sim.clone(), desk, clock.clone(), tally));
        let (look_again, look_again_out) = mpsc::channel(64);
        let (presence, presence_out) = mpsc::channel(64);
        let (commands, commands_out) = mpsc::channel(8);
        let inlets = Inlets { look_again: look_again_out, presence: presence_out, commands: commands_out };
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(planner, workshop, inlets, stop.clone()));
        Self { clock, sim, board, store, accounts, look_again, commands, _presence: presence, stop, task, wish }
    }

    pub(super) async fn until(&self, time: &str) {
        let at = time_of(time);
        let wait = at.duration_since(self.clock.now().wall);
        tokio::time::sleep(std::time::Duration::try_from(wait).unwrap_or_default()).await;
    }

    pub(super) async fn wish(&mut self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.wish);
        let desired = self.wish.desired();
        self.wish.wished.insert(desired.checksum.clone(), Arc::new(desired.clone()));
        self.sim.wish(desired);
        self.look_again.send(LookAgain::Documents).await.unwrap();
    }

    /// The directory as it was wished last.
    pub(super) fn last_wished(&self) -> Arc<otj::model::Desired> {
        self.wish.wished[&self.checksum()].clone()
    }

    pub(super) fn checksum(&self) -> String {
        self.wish.desired().checksum
    }

    pub(super) async fn approve(&self, checksum: &str) -> Result<String, String> {
        self.order(Order::Approve { checksum: checksum.to_owned() }).await.map_err(|refused| refused.to_string())
    }

    pub(super) async fn order(&self, order: Order) -> Result<String, Refused> {
        let (answer, said) = oneshot::channel();
        self.commands.send(Command::Do { order, who: "Ada".into(), answer }).await.unwrap();
        said.await.unwrap()
    }

    pub(super) fn status(&self, name: &str) -> String {
        let status = self.board.endpoint(&EndpointName::parse(name).unwrap()).expect("the endpoint is on the board");
        let drift = status.drift.as_ref().map_or("", |drift| drift.reason);
        let failure = status.failure.as_ref().map(|failure| failure.reason).unwrap_or_default();
        format!("{:?} {drift} {failure}", status.state).trim_end().to_owned()
    }

    /// What a Poly endpoint would be answered.
    pub(super) fn published(&self, name: &str) -> String {
        let accounts = self.accounts.borrow();
        match accounts.0.get(name).map(|account| account.cell.look()) {
            None => "no login".into(),
            Some(Published::NotReady) => "busy".into(),
            Some(Published::Ready(edition)) => titles(&edition.schedule),
        }
    }

    async fn tell(&mut self, words: &[&str], log: &mut Vec<String>) {
        log.extend(self.sim.take_log());
        let now = self.clock.now().wall;
        match words {
            ["calendar", room, "fails", reason] => {
                let failure = Failure::retry(reason_of(reason), "told so");
                self.sim.calendar(&email(room), |calendar| calendar.fails = Some(failure));
            }
            ["calendar", room, "works"] => self.sim.calendar(&email(room), |calendar| {
                calendar.fails = None;
                calendar.hangs = false;
            }),
            ["calendar", room, "hangs"] => self.sim.calendar(&email(room), |calendar| calendar.hangs = true),
            ["calendar", room, "unreadable", uid] => self.sim.calendar(&email(room), |calendar| {
                calendar.events.retain(|event| event.uid != *uid);
                calendar.unreadable = vec![(*uid).to_owned()];
            }),
            ["calendar", room, events @ ..] => {
                let events = events.iter().map(|text| event(text)).collect();
                self.sim.calendar(&email(room), |calendar| calendar.events = events);
            }
            ["device", address, "fails", reason] => {
                let failure = match *reason {
                    "CredentialsRefused" => Failure::fix("CredentialsRefused", "told so"),
                    other => Failure::retry(reason_of(other), "told so"),
                };
                self.sim.device(address, |device| device.fails = Some(failure));
            }
            ["device", one, "swaps", other] => self.sim.swap_devices(one, other),
            ["device", address, words @ ..] => self.sim.device(address, |device| match words {
                ["works"] => {
                    device.fails = None;
                    device.hangs = false;
                }
                ["hangs"] => device.hangs = true,
                ["panics"] => device.panics = true,
                ["forgets"] => device.shows = otj::model::Schedule::default(),
                ["reboots"] => device.reboot(now),
                ["rewrites"] => device.rewrites = true,
                ["cannot", "list"] => device.lists = false,
                ["rival"] => {
                    device.shows = otj::model::Schedule::default();
                    device.foreign = 1;
                }
                ["serial", serial] => device.serial = (*serial).to_owned(),
                other => panic!("a device does not {other:?}"),
            }),
            ["wish", endpoints @ ..] => {
                self.wish(|wish| wish.endpoints = endpoints.iter().map(|text| (*text).to_owned()).collect()).await;
            }
            ["calendars", "fail", reason] => {
                let failure = Failure::retry(reason_of(reason), "told so").about(otj::model::Scope::Integration);
                self.sim.all_calendars_fail(Some(failure));
            }
            ["calendars", "work"] => self.sim.all_calendars_fail(None),
            ["quota", requests] => self.wish.requests_per_day = Some(requests.parse().unwrap()),
            ["status", "integration"] => {
                let integrations = self.board.integrations();
                let pause = integrations[0].pause.as_ref().map_or("", |pause| pause.reason);
                log.push(format!("{} integration {pause}", self.time()).trim_end().to_owned());
            }
            ["integration", name] => self.wish.integration = (*name).to_owned(),
            ["profile", name] => self.wish.profile = (*name).to_owned(),
            ["directory", "lost"] => self.wish.wished.clear(),
            ["rule", domain] => self.wish(|wish| wish.rule_domain = (*domain).to_owned()).await,
            ["directory", "fails"] => {
                self.sim.documents_fail(Failure::retry("DirectoryUnreadable", "told so"));
                self.look_again.send(LookAgain::Documents).await.unwrap();
            }
            ["directory", "git"] => {
                self.sim.documents_fail(Failure::retry("GitAtWork", "told so"));
                self.look_again.send(LookAgain::Documents).await.unwrap();
            }
            ["directory", "invalid"] => {
                self.sim.documents(DocumentsRead {
                    checksum: "invalid".into(),
                    desired: None,
                    errors: 1,
                    warnings: 0,
                    findings: "error: told so\n".into(),
                    record: Arc::default(),
                });
                self.look_again.send(LookAgain::Documents).await.unwrap();
            }
            ["clock", hours] => self.clock.skew(SignedDuration::from_hours(hours.parse().unwrap())),
            ["status", "config"] => {
                let config = self.board.config();
                let drift = config.drift.as_ref().map_or("", |drift| drift.reason);
                log.push(format!("{} config {} {drift}", self.time(), config.source).trim_end().to_owned());
            }
            ["status", "room", room] => {
                let rooms = self.board.rooms();
                let room = rooms.iter().find(|it| it.key.email == email(room)).expect("the room is on the board");
                let drift = room.drift.as_ref().map_or("", |drift| drift.reason);
                log.push(
                    format!("{} room {} meetings={} {drift}", self.time(), room.key, room.meetings)
                        .trim_end()
                        .to_owned(),
                );
            }
            ["conditions", name] => {
                let status = self.board.endpoint(&EndpointName::parse(name).unwrap()).expect("it is on the board");
                let conditions = otj::status::conditions::of_endpoint(&status);
                let reasons: Vec<String> = conditions.into_iter().map(|condition| condition.reason).collect();
                log.push(format!("{} conditions {name} {}", self.time(), reasons.join(" ")).trim_end().to_owned());
            }
            ["status", name] => log.push(format!("{} status {name} {}", self.time(), self.status(name))),
            ["published", name] => log.push(format!("{} published {name} {}", self.time(), self.published(name))),
            ["shows", address] => {
                log.push(format!("{} shows {address} {}", self.time(), titles(&self.sim.shows(address))));
            }
            ["approve"] => {
                let holds = self.board.plan().holds.clone();
                for hold in holds {
                    self.approve(&hold.checksum).await.unwrap();
                }
            }
            ["suspend", kind, name, rest @ ..] => {
                let until = rest.first().map(|until| time_of(until));
                let order = Order::Suspend { what: what(kind, name), until, reason: None };
                log.push(format!("{} {}", self.time(), said(self.order(order).await)));
            }
            ["resume", kind, name] => {
                let order = Order::Resume { what: what(kind, name) };
                log.push(format!("{} {}", self.time(), said(self.order(order).await)));
            }
            ["refresh", room] => {
                let order = Order::Refresh { room: (*room).to_owned() };
                log.push(format!("{} {}", self.time(), said(self.order(order).await)));
            }
            ["push", name] => {
                let order = Order::Push { endpoint: EndpointName::parse(name).unwrap() };
                log.push(format!("{} {}", self.time(), said(self.order(order).await)));
            }
            ["trust", name] => {
                let order = Order::Trust { endpoint: EndpointName::parse(name).unwrap() };
                log.push(format!("{} {}", self.time(), said(self.order(order).await)));
            }
            ["end"] => {}
            other => panic!("nobody knows how to {other:?}"),
        }
    }

    fn time(&self) -> String {
        self.clock.now().wall.strftime("%H:%M:%S").to_string()
    }

    pub(super) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Plays a script and compares what was done to endpoints, and what was asked, with what is expected.
pub(super) async fn check(script: &str, expected: &str) {
    let mut stage = Stage::new().await;
    let mut log = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, told) = line.split_once(' ').unwrap();
        stage.until(time).await;
        if told == "kill -9" {
            log.extend(stage.sim.take_log());
            stage = stage.killed_and_restarted().await;
            continue;
        }
        let words: Vec<&str> = told.split_whitespace().collect();
        stage.tell(&words, &mut log).await;
    }
    log.extend(stage.sim.take_log());
    stage.end().await;
    log.retain(|line| !line.contains(" list ") && !line.contains(" again "));
    // What happens within a minute is compared in no order.
    let mut expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    expected.sort_unstable();
    let mut seconds_hidden: Vec<String> = log.iter().map(|line| format!("{}{}", &line[..5], &line[8..])).collect();
    seconds_hidden.sort();
    assert_eq!(seconds_hidden, expected, "\n{}", log.join("\n"));
}

pub(super) fn what(kind: &str, name: &str) -> Suspended {
    let kind = SuspendedKind::parse(kind).unwrap();
    let name = if kind == SuspendedKind::Room { email(name).to_string() } else { name.to_owned() };
    Suspended { kind, name }
}

fn said(said: Result<String, Refused>) -> String {
    said.unwrap_or_else(|refused| format!("refused: {refused}"))
}

fn reason_of(text: &str) -> &'static str {
    ["Throttled", "CalendarUnreadable", "NoPermission", "PushFailed"]
        .into_iter()
        .find(|it| *it == text)
        .expect("a known reason")
}

pub(crate) fn time_of(text: &str) -> Timestamp {
    let (day, time) = text.split_once('+').map_or((0, text), |(day, time)| (day.parse().unwrap(), time));
    let start: Timestamp = START.parse().unwrap();
    let (hour, minute) = time.split_once(':').unwrap();
    let (minute, second) = minute.split_once(':').unwrap_or((minute, "0"));
    let seconds: i64 =
        hour.parse::<i64>().unwrap() * 3600 + minute.parse::<i64>().unwrap() * 60 + second.parse::<i64>().unwrap();
    start - SignedDuration::from_hours(10) + SignedDuration::from_secs(seconds) + SignedDuration::from_hours(24 * day)
}

/// `standup@11:00*`: one hour from eleven, with an address to dial; `!` instead of the star marks it private.
pub(crate) fn event(text: &str) -> Event {
    let (name, time) = text.split_once('@').unwrap();
    let start = time_of(time.trim_end_matches(['*', '!']));
    let body = match time.contains('*') {
        true => Body::Text(Confidential::new(format!("Join: {name}@vc.example.com"))),
        false => Body::None,
    };
    Event {
        uid: name.to_owned(),
        original_start: None,
        start,
        end: start + SignedDuration::from_hours(1),
        all_day: false,
        subject: Confidential::new(name),
        organizer: Person { name: Confidential::new("Ada"), email: Confidential::new("ada@example.com") },
        location: Confidential::default(),
        body,
        private: time.contains('!'),
        tentative: false,
        properties: serde_json::Map::new(),
        time_zone: None,
        last_modified: None,
    }
}

/// Whether the store has a record.
pub(super) async fn is_stored(stage: &Stage, key: &str) -> bool {
    stage.store.get(key).await.unwrap().is_some()
}
