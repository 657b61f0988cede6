//! A hall with rooms, an Exchange that has their calendars, and somebody who listens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::ToSpan as _;
use otj::calendar::exchange::listen::{Listener, listen};
use otj::calendar::exchange::sign_in::Exchange;
use otj::calendar::{Access, AgendaRequest, Looks, SignIns, read_agenda};
use otj::http::{Http, Peer, Played, PlayedStream, Request};
use otj::model::service::Service;
use otj::model::tally::{Spent, Tally};
use otj::model::{Clock, Desired, Heard, IntegrationSpec, LookAgain, RoomEmail, RoomSpec, Window};
use otj::oauth::Tokens;
use otj::sim::Fake as _;
use otj::sim::exchange::{Account, ExchangeFake, ExchangeOptions, Org, Server, Whose};
use otj::sim::rooms::{Rooms, SimEvent};
use otj::store::memory::MemoryStore;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::rig::{Asker, ask, basic};

pub(super) const ONE: &str = "https://one.example.com/EWS/Exchange.asmx";
pub(super) const TWO: &str = "https://two.example.com/EWS/Exchange.asmx";
/// Another address of one of them.
pub(super) const INSIDE: &str = "https://inside.example.com/EWS/Exchange.asmx";

/// See the module.
pub(super) struct Hall {
    pub(super) fake: Arc<ExchangeFake>,
    pub(super) tally: Arc<Tally>,
    pub(super) net: Arc<Net>,
    pub(super) stop: CancellationToken,
    pub(super) clock: Clock,
    listener: Listener,
    rooms: Arc<Rooms>,
    integration: IntegrationSpec,
    wish: watch::Sender<Arc<Desired>>,
    told: mpsc::Receiver<LookAgain>,
    tasks: JoinSet<()>,
    changes: u32,
}

/// What answers instead of Exchange.
pub(super) type Instead = Box<dyn Fn(&Request, &str) -> Option<PlayedStream> + Send + Sync>;

/// The way to it.
pub(super) struct Net {
    fake: Arc<ExchangeFake>,
    clock: Clock,
    /// The text of each request, and where it went.
    pub(super) log: Mutex<Vec<(String, String)>>,
    /// In the way.
    pub(super) instead: Mutex<Option<Instead>>,
}

impl Peer for Net {
    fn answer(&self, request: &Request) -> Played {
        self.fake.answer(request, self.clock.now().wall)
    }

    fn open(&self, request: &Request) -> PlayedStream {
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        self.log.lock().unwrap().push((request.url.to_string(), text.clone()));
        let instead = self.instead.lock().unwrap().as_ref().and_then(|instead| instead(request, &text));
        instead.unwrap_or_else(|| self.fake.open(request, self.clock.now().wall))
    }
}

/// Notifications come after a quarter of a second.
pub(super) fn quick() -> ExchangeOptions {
    let quarter = Duration::from_millis(250);
    ExchangeOptions { notice_after: (quarter, quarter), ..ExchangeOptions::default() }
}

pub(super) fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("room-{number:03}@example.com")).collect()
}

pub(super) fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split(after).next()
}

impl Hall {
    /// At one server, which documents name; all rooms are listened to when it comes back, and what was caught up with is over.
    pub(super) async fn of(rooms: &[&str], options: ExchangeOptions) -> Self {
        Self::with(rooms, options, Some(ONE), |_| {}).await
    }

    pub(super) async fn with(
        rooms: &[&str],
        options: ExchangeOptions,
        ews_url: Option<&str>,
        configure: impl FnOnce(&mut Org),
    ) -> Self {
        let clock = Clock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
        let truth = Arc::<Rooms>::default();
        let fake = Arc::new(ExchangeFake::new(truth.clone(), Box::new(|_, _| None), options));
        fake.change(|org| {
            org.servers.insert("one".into(), Server::at(ONE.parse().unwrap()));
            let account = Account { password: Some("right".into()), impersonates: Whose::All, ..Account::default() };
            org.accounts.insert("otj@example.com".into(), account);
            configure(org);
        });
        let net = Net { fake: fake.clone(), clock: clock.clone(), log: Mutex::default(), instead: Mutex::default() };
        let net = Arc::new(net);
        let http = Http::played_by(net.clone()).unwrap();
        let mut integration =
            Asker::over(http.clone(), &ONE.parse().unwrap(), basic("otj@example.com", "right")).integration;
        let Service::Exchange(spec) = &mut integration.service else { unreachable!() };
        spec.ews_url = ews_url.map(str::to_owned);
        let tally = Tally::new();
        let tokens = Tokens::new(http.clone(), Arc::new(MemoryStore::new()), clock.clone());
        let listener = Listener {
            http,
            tally: tally.clone(),
            clock: clock.clone(),
            sign_ins: SignIns::default(),
            looks: Looks::default(),
            tokens,
        };
        let (wish, wishes) = watch::channel(Arc::<Desired>::default());
        let (look_again, told) = mpsc::channel(4096);
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(listen(listener.clone(), wishes, look_again, stop.clone()));
        let mut hall =
            Self { fake, tally, net, stop, clock, listener, rooms: truth, integration, wish, told, tasks, changes: 0 };
        rooms.iter().for_each(|room| hall.change(room));
        hall.want(rooms);
        hall.pass(Duration::from_secs(2 + rooms.len() as u64 / 9)).await;
        hall.told();
        hall
    }

    /// Documents name these rooms from now on.
    pub(super) fn want(&self, rooms: &[&str]) {
        let integration = Arc::new(self.integration.clone());
        let mut desired = Desired::default();
        for room in rooms {
            let room = RoomSpec::of(integration.clone(), RoomEmail::parse(room).unwrap());
            desired.rooms.insert(room.key.clone(), Arc::new(room));
        }
        self.wish.send_replace(Arc::new(desired));
    }

    /// Documents name the service otherwise from now on.
    pub(super) fn name(&mut self, change: impl FnOnce(&mut IntegrationSpec), rooms: &[&str]) {
        change(&mut self.integration);
        self.want(rooms);
    }

    /// Somebody books a meeting.
    pub(super) fn change(&mut self, room: &str) {
        self.changes += 1;
        let start = self.clock.now().wall + 2.hours();
        let id = format!("meeting-{}", self.changes);
        let event = SimEvent {
            id: id.clone(),
            uid: id.clone(),
            start,
            end: start + 30.minutes(),
            subject: "Standup".into(),
            organizer: ("Carol Example".into(), "carol@example.com".into()),
            updated: self.clock.now().wall,
            ..SimEvent::default()
        };
        self.rooms.change(room, |room| room.events.insert(id, event));
    }

    /// Time goes by, in steps that are short enough for what is looked at.
    pub(super) async fn pass(&self, time: Duration) {
        let step = match time.as_secs() {
            0..300 => Duration::from_millis(100),
            300..10_000 => Duration::from_secs(1),
            _ => Duration::from_secs(5),
        };
        let end = Instant::now() + time;
        while Instant::now() < end {
            tokio::time::sleep(step).await;
            self.fake.pass(self.clock.now().wall);
        }
        // What was told a moment ago arrives.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// The rooms that were told of since, sorted, each once.
    pub(super) fn told(&mut self) -> Vec<String> {
        let mut rooms = std::collections::BTreeSet::new();
        while let Ok(told) = self.told.try_recv() {
            let LookAgain::Room(key) = told else { panic!("{told:?}") };
            rooms.insert(key.email.as_str().to_owned());
        }
        rooms.into_iter().collect()
    }

    /// How long somebody else waits for an answer, with the same account.
    pub(super) async fn answered_within(&self) -> Duration {
        let Listener { http, tally, clock, sign_ins, looks, tokens } = self.listener.clone();
        let access = Access { sign_ins, looks, tokens, account: 0, spent: Spent::default() };
        let Service::Exchange(spec) = &self.integration.service else { unreachable!() };
        let (integration, now) = (&self.integration, clock.now().wall);
        let exchange = Exchange { http: &http, tally: &tally, access: &access, integration, spec, now };
        let asked = Instant::now();
        exchange.send(&ask(&ONE.parse().unwrap())).await.unwrap();
        asked.elapsed()
    }

    /// Somebody reads a room, and knows what those who listen know.
    pub(super) async fn read(&self, room: &str) {
        let Listener { http, tally, clock, sign_ins, looks, tokens } = self.listener.clone();
        let access = Access { sign_ins, looks, tokens, account: 0, spent: Spent::default() };
        let room = RoomSpec::of(Arc::new(self.integration.clone()), RoomEmail::parse(room).unwrap());
        let now = clock.now().wall;
        let window = Window { from: now, to: now + 24.hours() };
        let request = AgendaRequest { room: Arc::new(room), window, cursor: None, fresh: false, now, access };
        read_agenda(&http, &tally, &request).await.unwrap();
    }

    /// What is heard of the service.
    pub(super) fn heard(&self) -> Heard {
        self.tally.hearing.of(&self.integration.name).unwrap_or_default()
    }

    fn logged(&self, operation: &str) -> Vec<(String, String)> {
        let log = self.net.log.lock().unwrap();
        log.iter().filter(|(_, text)| text.contains(&format!("<m:{operation}"))).cloned().collect()
    }

    /// As whom connections were opened.
    pub(super) fn streams_opened(&self) -> Vec<String> {
        let whom = |text: &str| between(text, "<t:SmtpAddress>", "<").unwrap().to_owned();
        self.logged("GetStreamingEvents").iter().map(|(_, text)| whom(text)).collect()
    }

    /// Where connections were opened, sorted.
    pub(super) fn streams_at(&self) -> Vec<String> {
        let mut urls: Vec<String> = self.logged("GetStreamingEvents").into_iter().map(|(url, _)| url).collect();
        urls.sort();
        urls
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}
