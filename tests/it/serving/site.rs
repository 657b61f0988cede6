//! A small site on a board, and its router: two rooms, a codec that fails, a Poly endpoint in step, a held plan, and a
//! directory that does not load. Secrets and what people wrote carry canaries.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use jiff::Timestamp;
use otj::listen::Connection;
use otj::model::desired::{Mode, ModeState, OnRemove, View};
use otj::model::device::{OnConflict, PolyEmit, PolyModel, TlsMode, Wire};
use otj::model::tally::Tally;
use otj::model::*;
use otj::reconcile::board::{
    AccountStatus, Board, CanaryStatus, ConfigStatus, Drift, EndpointState, EndpointStatus, FailureNote, Hold,
    IntegrationStatus, PauseStatus, PlanStatus, Pulse, RoomStatus, Shown, SpentStatus,
};
use otj::reconcile::order::{Command, Order, Refused};
use otj::reconcile::pace::Why;
use otj::status::summary::NodeView;
use otj::web::access::Access;
use otj::web::{WebState, router};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

pub(crate) const CANARY_SECRET: &str = "canary-secret";
pub(crate) const CANARY_SUBJECT: &str = "canary-subject";
pub(crate) const CANARY_PERSON: &str = "Canary Person";

pub(crate) struct Site {
    pub(crate) board: Board,
    pub(crate) look_again: mpsc::Receiver<LookAgain>,
    commands: mpsc::Receiver<Command>,
    state: WebState,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Access)) -> Self {
        let site = Self::bare(change);
        fill(&site.board);
        count(&site.state.tally);
        site
    }

    pub(crate) fn empty() -> Self {
        Self::bare(|_| ())
    }

    fn bare(change: impl FnOnce(&mut Access)) -> Self {
        let mut access = Access {
            operator: Secret::new("operator-token".into()),
            reader: Some(Secret::new("reader-token".into())),
            open_to_loopback: false,
            metrics_open: false,
            hosts: vec!["192.0.2.9:9480".into(), "node-a".into(), "otj.example.com".into()],
            https_outside: false,
            sessions: otj::web::session::Sessions::default(),
        };
        change(&mut access);
        let (poke, look_again) = mpsc::channel(4);
        let (ask, commands) = mpsc::channel(4);
        let board = Board::default();
        let state = WebState {
            board: board.clone(),
            tally: Tally::new(),
            clock: Clock::starting_at(at("08:00")),
            started: at("07:00"),
            access: Arc::new(access),
            node: NodeView { name: "node-a".into(), address: "192.0.2.9:9480".into() },
            look_again: poke,
            commands: ask,
            sign_ins: None,
            entrance: None,
            tracer: otj::model::trace::Tracer::default(),
            wish: tokio::sync::watch::channel(Arc::default()).1,
        };
        Self { board, look_again, commands, state }
    }

    /// Without a token, from loopback.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("127.0.0.1", "localhost:9480", &[], "GET", path, "").await
    }

    pub(crate) async fn get_as(&self, who: &str, path: &str) -> Answer {
        self.send(who, "GET", path, &[], "").await
    }

    /// With the token of `who`, from elsewhere.
    pub(crate) async fn send(
        &self,
        who: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let token = format!("Bearer {who}-token");
        let headers: Vec<_> = [("authorization", token.as_str())].into_iter().chain(headers.iter().copied()).collect();
        self.ask("10.0.0.7", "otj.example.com", &headers, method, path, body).await
    }

    pub(crate) async fn ask(
        &self,
        peer: &str,
        host: &str,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !host.is_empty() {
            request = request.header("host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
        request.extensions_mut().insert(Connection { id: 1, peer, tls: false, shared: false });
        let answer = router(self.state.clone()).oneshot(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Asks for an approval, and answers it as the loop would.
    pub(crate) async fn approve(&mut self, body: &str) -> (Answer, ()) {
        self.ask_the_loop("operator", "/api/v1/approve", body).await
    }

    /// Asks for something that the loop does, and answers as it would.
    pub(crate) async fn ask_the_loop(&mut self, who: &str, path: &str, body: &str) -> (Answer, ()) {
        let token = format!("Bearer {who}-token");
        let headers = [("authorization", token.as_str())];
        (self.ask_and_answer("10.0.0.7", "otj.example.com", &headers, path, body).await, ())
    }

    /// People may sign in there, too.
    pub(crate) fn with_entrance(mut self, entrance: otj::web::provider::Entrance) -> Self {
        self.state.entrance = Some(Arc::new(entrance));
        self
    }

    /// Integrations may be signed in.
    pub(crate) fn with_sign_ins(mut self, sign_ins: otj::web::sign_in::SignIns) -> Self {
        self.state.sign_ins = Some(Arc::new(sign_ins));
        self
    }

    /// What forms carry for the browser with this cookie.
    pub(crate) fn csrf_of(&self, cookie: &str) -> String {
        let headers = HeaderMap::from_iter([("cookie".parse().unwrap(), cookie.parse().unwrap())]);
        self.state.access.sessions.of(&headers, self.state.clock.now().mono).unwrap().csrf
    }

    /// Forgets what was asked of the loop.
    pub(crate) fn forget_commands(&mut self) {
        while self.commands.try_recv().is_ok() || self.look_again.try_recv().is_ok() {}
    }

    /// Posts, and answers as the loop would.
    pub(crate) async fn ask_and_answer(
        &mut self,
        peer: &str,
        host: &str,
        headers: &[(&str, &str)],
        path: &str,
        body: &str,
    ) -> Answer {
        let other = Self {
            board: self.board.clone(),
            look_again: mpsc::channel(1).1,
            commands: mpsc::channel(1).1,
            state: self.state.clone(),
        };
        let answering = async {
            while let Some(command) = self.commands.recv().await {
                answer_to(command);
            }
        };
        tokio::select! {
            answer = other.ask(peer, host, headers, "POST", path, body) => answer,
            () = answering => unreachable!("the state keeps the channel open"),
        }
    }

    /// Serves the site on loopback while `work` runs off the runtime, and answers approvals as the loop would.
    pub(crate) async fn serve<T: Send + 'static>(mut self, work: impl FnOnce(String) -> T + Send + 'static) -> T {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let stop = tokio_util::sync::CancellationToken::new();
        let serving = otj::listen::serve(listener, None, router(self.state.clone()), Default::default(), stop.clone());
        let answering = async {
            while let Some(command) = self.commands.recv().await {
                answer_to(command);
            }
        };
        let working = async {
            let done = tokio::task::spawn_blocking(move || work(server)).await.unwrap();
            stop.cancel();
            done
        };
        tokio::select! {
            ((), done) = async { tokio::join!(serving, working) } => done,
            () = answering => unreachable!("the state keeps the channel open"),
        }
    }

    /// Lets virtual time pass.
    pub(crate) async fn wait(&self, span: Duration) {
        tokio::time::pause();
        tokio::time::advance(span).await;
        tokio::time::resume();
    }
}

/// Answers as the loop would.
fn answer_to(command: Command) {
    let (order, who, answer) = match command {
        Command::Do { order, who, answer } => (order, who, answer),
        Command::Show { answer, .. } => return drop(answer.send(Some(Shown { agenda: None, events: None }))),
    };
    let said = match order {
        Order::Approve { checksum } if checksum == "00ff00ff00ff00ff" => Ok("approved".into()),
        Order::Approve { .. } => Err(Refused::Conflict("no plan has that checksum".into())),
        Order::Push { endpoint } if endpoint.as_str() == "none" => {
            Err(Refused::NotFound("there is no such endpoint".into()))
        }
        order => Ok(format!("{who}: {:?} {}", order.about(), order.detail())),
    };
    let _ = answer.send(said);
}

fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}:00Z").parse().unwrap()
}

fn room(email: &str) -> RoomKey {
    RoomKey { integration: IntegrationName::parse("ics").unwrap(), email: RoomEmail::parse(email).unwrap() }
}

fn name(text: &str) -> EndpointName {
    EndpointName::parse(text).unwrap()
}

fn fill(board: &Board) {
    board.put_pulse(Pulse { lag: Duration::from_millis(250), due: 7, in_flight: 2, ready: true, ..Pulse::default() });
    board.put_config(ConfigStatus {
        generation: 3,
        checksum: "1234567812345678".into(),
        revision: "abc123".into(),
        source: "directory",
        adopted_at: Some(at("06:00")),
        documents: BTreeMap::from([("Endpoint".into(), 2), ("Profile".into(), 1)]),
        expiries: vec![expiry("graph", "2027-03-31T00:00:00Z"), expiry("m365", "2026-03-10T00:00:00Z")],
        last_load_ok: false,
        last_success_at: Some(at("06:00")),
        errors: 1,
        warnings: 0,
        findings: "error[OTJ102]: endpoint `oslo-4` names group `olso`, which no document defines".into(),
        drift: Some(Drift { reason: "ConfigInvalid", since: at("07:50") }),
    });
    let profile = ProfileName::parse("main").unwrap();
    board.put_room(RoomStatus {
        key: room("fjord@example.com"),
        endpoints: vec![name("oslo-4")],
        last_read: Some(at("07:59")),
        next_read: Some(at("08:04")),
        next_why: Some(Why::Starts),
        next_meeting: Some(at("08:06")),
        read_every: Duration::from_secs(372),
        meetings: 2,
        profiles: vec![(profile.clone(), 2, 1)],
        unreadable: 0,
        truncated: false,
        signs: Signs::default(),
        of_exchange: false,
        time_zone: Some("Europe/Oslo".into()),
        failure: None,
        drift: None,
    });
    board.put_room(RoomStatus {
        key: room("vik@example.com"),
        endpoints: vec![name("vik-1")],
        last_read: Some(at("07:00")),
        next_read: Some(at("08:30")),
        next_why: None,
        next_meeting: None,
        read_every: Duration::from_secs(30),
        meetings: 1,
        profiles: vec![(profile, 1, 0)],
        unreadable: 1,
        truncated: false,
        signs: Signs::default(),
        of_exchange: true,
        time_zone: None,
        failure: None,
        drift: Some(Drift { reason: "Stale", since: at("07:15") }),
    });
    board.put_integrations(vec![workspace(), m365()]);
    board.put_endpoint(codec());
    board.put_endpoint(poly());
    board.put_plan(PlanStatus {
        holds: vec![Hold {
            checksum: "00ff00ff00ff00ff".into(),
            detail: "Losses",
            since: at("07:40"),
            summary: "41 meetings of 12 rooms would go.".into(),
            losses: vec![(
                name("oslo-4"),
                room("fjord@example.com"),
                vec![(MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), "u1", None), at("09:00"))],
            )],
        }],
        waiting: 1,
    });
}

fn expiry(name: &str, at: &str) -> Expiry {
    Expiry { kind: "GraphIntegration", name: name.into(), credential: "clientSecret", at: at.parse().unwrap() }
}

/// A service of which one account of two is refused.
fn workspace() -> IntegrationStatus {
    let pause = PauseStatus {
        reason: "CredentialsRefused",
        message: "the token endpoint refused the account's key".into(),
        since: at("07:20"),
        attempts: 3,
        until: at("08:15"),
    };
    let account =
        |name: &str, pause| AccountStatus { name: name.into(), minute_used: 27, minute_limit: Some(540), pause };
    IntegrationStatus {
        name: IntegrationName::parse("workspace").unwrap(),
        rooms: 40,
        day_used: 812_345,
        day_limit: 900_000,
        spent: Some(SpentStatus { since: at("06:10"), until: at("09:20") }),
        reserved: 60,
        allowance_per_s: 10.416,
        saved: Duration::from_secs(90),
        owed: Duration::ZERO,
        accounts: vec![account("otj-1@rooms.example", None), account("otj-2@rooms.example", Some(pause))],
        pause: None,
        under_way: 3,
        window: 24,
        canary: CanaryStatus { groups: 1, period: Duration::from_millis(12_340), looks: 77, unwatched: 2, off: None },
        heard: None,
        reads: BTreeMap::from([("Starts", 12), ("Turn", 1_400)]),
    }
}

/// A service that cannot be reached at all.
fn m365() -> IntegrationStatus {
    let pause = PauseStatus {
        reason: "CalendarUnreadable",
        message: "the calendar service cannot be reached: no connection".into(),
        since: at("07:55"),
        attempts: 5,
        until: at("08:01"),
    };
    let off = Drift { reason: "NoPermission", since: at("07:00") };
    IntegrationStatus {
        name: IntegrationName::parse("m365").unwrap(),
        rooms: 1100,
        day_used: 5,
        day_limit: 1_000_000,
        spent: None,
        accounts: Vec::new(),
        pause: Some(pause),
        canary: CanaryStatus { groups: 11, period: Duration::from_secs(10), looks: 0, unwatched: 0, off: Some(off) },
        heard: Some(Heard { at_once: 1000, by_the_minute: 0, deaf: 100, connections: 5, why: Some("Buffered") }),
        reads: BTreeMap::new(),
        ..workspace()
    }
}

fn codec() -> EndpointStatus {
    let device = DeviceSpec::Cisco(CiscoSpec {
        address: "10.1.2.3".into(),
        port: 443,
        use_https: true,
        tls: TlsMode::Verify,
        ca_certificates: Vec::new(),
        username: "admin".into(),
        password: SecretValue::Known(Secret::new(CANARY_SECRET.into())),
        wire: Wire::Auto,
        serial: None,
        fingerprint: None,
        on_conflict: OnConflict::Report,
        web_proxy: None,
    });
    let subject = format!("<script>alert(1)</script> {CANARY_SUBJECT}");
    EndpointStatus {
        spec: spec("oslo-4", "fjord@example.com", device),
        state: EndpointState::Drifting,
        mode: ModeState::Enforce,
        schedule: Some(Arc::new(Schedule {
            bookings: vec![booking("u1", "09:00", &subject, true), booking("u2", "11:00", "no link", false)],
        })),
        synced: false,
        held: None,
        kept: 0,
        last_contact: None,
        last_put: None,
        foreign: 0,
        writers: std::collections::BTreeSet::new(),
        keeps_losing: false,
        facts: otj::model::DeviceFacts::default(),
        user_agent: None,
        failure: Some(FailureNote {
            reason: "PutFailed",
            message: "the device did not take its schedule: no complete answer in time".into(),
            since: at("07:30"),
            attempts: 4,
        }),
        drift: Some(Drift { reason: "PutFailed", since: at("07:30") }),
        device: None,
        because: None,
    }
}

fn poly() -> EndpointStatus {
    let device = DeviceSpec::Poly(PolySpec {
        username: "vik".into(),
        password: SecretValue::Known(Secret::new(CANARY_SECRET.into())),
        model: PolyModel::Auto,
        emit: PolyEmit::default(),
    });
    EndpointStatus {
        spec: spec("vik-1", "vik@example.com", device),
        state: EndpointState::InSync,
        mode: ModeState::Enforce,
        schedule: Some(Arc::new(Schedule { bookings: vec![booking("u3", "10:00", "Weekly", true)] })),
        synced: true,
        held: Some(1),
        kept: 0,
        last_contact: Some(at("07:59")),
        last_put: Some(at("07:30")),
        foreign: 0,
        writers: std::collections::BTreeSet::new(),
        keeps_losing: false,
        facts: otj::model::DeviceFacts::default(),
        user_agent: Some("Trio</td>".into()),
        failure: None,
        drift: None,
        device: None,
        because: None,
    }
}

fn spec(endpoint: &str, email: &str, device: DeviceSpec) -> Arc<EndpointSpec> {
    let profile = ProfileName::parse("main").unwrap();
    Arc::new(EndpointSpec {
        name: name(endpoint),
        description: String::new(),
        labels: BTreeMap::from([("site-a".into(), "Oslo \"1\"".into()), ("site.a".into(), "twice".into())]),
        group: None,
        profile: profile.clone(),
        location: LocationName::parse("default").unwrap(),
        room: room(email),
        room_email: RoomEmail::parse(email).unwrap(),
        evaluation: EvaluationId { profile, variant: Digest::default() },
        time_zone: None,
        raise_alarms: true,
        view: View { end_buffer_minutes: 5, ..View::default() },
        device,
        disable_web_proxy: false,
        mode: Mode::default(),
        on_remove: OnRemove::Clear,
    })
}

fn booking(uid: &str, start: &str, subject: &str, joins: bool) -> Booking {
    let fjord = RoomEmail::parse("fjord@example.com").unwrap();
    let alias = Alias::parse("4711@zoom.example").unwrap();
    Booking {
        id: MeetingId::new(&fjord, uid, None),
        start: at(start),
        end: at(start) + Duration::from_secs(1800),
        all_day: false,
        start_buffer_s: 300,
        end_buffer_s: 300,
        subject: Confidential::new(subject),
        organizer_name: Confidential::new(CANARY_PERSON),
        organizer_email: Confidential::new("canary@example.com"),
        private: false,
        call: joins.then_some(Call { alias, protocol: Protocol::Auto }),
        no_join: (!joins).then_some(schedule::NoJoin::NoAlias),
        rule: joins.then(|| RuleName::parse("zoom").unwrap()),
        last_modified: None,
    }
}

fn count(tally: &Tally) {
    tally.calendar_requests.add(&["ics", "ok"]);
    tally.calendar_requests.add(&["gone-service", "ok"]);
    for service in ["ics", "gone-service"] {
        let group = GroupHeard { ear: Ear::AtOnce, rooms: 200, deaf: 3, why: None };
        tally.hearing.set(&IntegrationName::parse(service).unwrap(), 1, Some(group));
    }
    tally.poly_logins.add(&["digest", "ok"]);
    tally.poly_requests.add(&["FindItem", "ok"]);
    tally.rule_matches.add(&["main", "zoom"]);
    tally.steps.observe(&["Put", "ok"], Duration::from_millis(70));
    tally.change_to_endpoint.observe(&[], Duration::from_secs(4));
}
