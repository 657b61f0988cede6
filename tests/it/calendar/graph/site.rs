//! A simulated Graph behind the reader, in virtual time. Events are written as text, a line each; what was read is, too.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use otj::calendar::{
    Access, AgendaRequest, BusyRequest, CalendarError, Cursor, Looks, Reading, SignIns, read_agenda, read_busy,
};
use otj::http::{Bytes, HeaderMap, HeaderName, HeaderValue, Http, HttpError, Peer, Played, Request, StatusCode};
use otj::model::service::{AppCredential, GraphSpec, Service};
use otj::model::tally::{Spent, Tally};
use otj::model::{
    Busy, Clock, Event, Failure, IntegrationName, IntegrationSpec, Remedy, RoomEmail, RoomSpec, Scope, Secret,
    SecretValue, Window,
};
use otj::oauth::Tokens;
use otj::sim::Fake as _;
use otj::sim::graph::{GraphFake, GraphOptions};
use otj::sim::rooms::{RoomResponse, Rooms, SimEvent};
use otj::sim::token::{App, Dialect, Issued, TokenService};
use otj::store::memory::MemoryStore;
use serde_json::{Value, json};

pub(super) const ROOM: &str = "fjord@example.com";
const APP: &str = "6f0e4c1a-0000-4000-8000-000000000001";
const TOKEN_URL: &str = "https://login.microsoftonline.com/example/oauth2/v2.0/token";
const SECRET: &str = "an app's secret";

/// Graph, and everything between it and the reader.
pub(super) struct Site {
    pub(super) rooms: Arc<Rooms>,
    pub(super) graph: GraphFake,
    pub(super) issued: Arc<Issued>,
    clock: Clock,
    tokens: TokenService,
    /// Answers that come instead of Graph's, in turn.
    script: Mutex<VecDeque<Scripted>>,
    log: Mutex<Vec<Value>>,
}

/// Status, headers, body; or none.
type Scripted = Result<(u16, Vec<(&'static str, String)>, String), HttpError>;

impl Site {
    pub(super) fn with(options: GraphOptions) -> Arc<Self> {
        let (rooms, issued) = (Arc::new(Rooms::default()), Arc::new(Issued::default()));
        let tokens = TokenService::new(Dialect::Microsoft, TOKEN_URL.parse().unwrap(), Arc::clone(&issued));
        let app = App { secret: Some(SECRET.into()), ..App::default() };
        tokens.change(|registered| registered.apps.insert(APP.into(), app));
        let known = Arc::clone(&issued);
        let bearers = Box::new(move |token: &str, now| known.is_valid(token, now));
        Arc::new(Self {
            graph: GraphFake::new(Arc::clone(&rooms), bearers, options),
            rooms,
            issued,
            clock: Clock::starting_at("2026-01-05T10:00Z".parse().unwrap()),
            tokens,
            script: Mutex::default(),
            log: Mutex::default(),
        })
    }

    pub(super) fn new() -> Arc<Self> {
        Self::with(GraphOptions::default())
    }

    /// Changes the room's calendar to these events.
    pub(super) fn book(&self, lines: &str) {
        self.book_in(ROOM, lines);
    }

    /// Changes a room's calendar to these events.
    pub(super) fn book_in(&self, room: &str, lines: &str) {
        let events = lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(event);
        self.rooms.change(room, |room| {
            room.time_zone = "Europe/Oslo".into();
            room.events = events.map(|event| (event.id.clone(), event)).collect();
        });
    }

    /// The next answer, instead of Graph's.
    pub(super) fn says(&self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.script.lock().unwrap().push_back(Ok((status, headers, body.to_owned())));
    }

    /// Next, no answer.
    pub(super) fn fails(&self, error: HttpError) {
        self.script.lock().unwrap().push_back(Err(error));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// What went to Graph and came back so far: method, url, headers, sent, status, body.
    pub(super) fn exchanges(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    fn played(&self, request: &Request) -> Played {
        if request.url.as_str() == TOKEN_URL {
            return self.tokens.answer(request, self.now());
        }
        let scripted = self.script.lock().unwrap().pop_front();
        let Some(scripted) = scripted else { return self.graph.answer(request, self.now()) };
        let result = scripted.map(|(status, headers, body)| {
            let headers: HeaderMap = headers
                .into_iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap()))
                .collect();
            (StatusCode::from_u16(status).unwrap(), headers, Bytes::from(body))
        });
        Played { after: std::time::Duration::from_millis(50), result }
    }
}

impl Peer for Site {
    fn answer(&self, request: &Request) -> Played {
        let played = self.played(request);
        if request.url.as_str() != TOKEN_URL
            && let Ok((status, _, body)) = &played.result
        {
            let text = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), json!(value.to_str().unwrap()));
            let headers = Value::Object(request.headers.iter().map(text).collect());
            let json = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes).ok();
            self.log.lock().unwrap().push(json!({
                "method": request.method.as_str(), "url": request.url.as_str(), "headers": headers,
                "sent": json(&request.body), "status": status.as_u16(), "body": json(body),
            }));
        }
        played
    }
}

/// `ID DAY FROM-TO SUBJECT; WORDS` of January 2026 in UTC, `05 10:00-11:00`, or `05-06` for whole days in Oslo.
fn event(line: &str) -> SimEvent {
    let (line, words) = line.split_once(';').unwrap_or((line, ""));
    let mut parts = line.trim().splitn(4, ' ');
    let (id, day) = (parts.next().unwrap(), parts.next().unwrap());
    let at = |text: String| text.parse::<Timestamp>().unwrap();
    let (start, end, all_day, subject) = match day.split_once('-') {
        Some((first, last)) => {
            let day = |day: &str| at(format!("2026-01-{day}T00:00+01:00"));
            (day(first), day(last), true, parts.collect::<Vec<_>>().join(" "))
        }
        None => {
            let (from, to) = parts.next().unwrap().split_once('-').unwrap();
            let time = |time: &str| at(format!("2026-01-{day}T{time}Z"));
            (time(from), time(to), false, parts.next().unwrap_or_default().to_owned())
        }
    };
    let mut event = SimEvent {
        id: format!("AAMk-{id}"),
        uid: format!("0400-{id}"),
        start,
        end,
        all_day,
        subject,
        organizer: ("Dana Field".into(), "dana@example.com".into()),
        updated: at("2026-01-02T08:00Z".into()),
        ..SimEvent::default()
    };
    for word in words.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("private", _) => event.private = true,
            ("cancelled", _) => event.cancelled = true,
            ("free", _) => event.free = true,
            ("declined", _) => event.response = RoomResponse::Declined,
            ("asked", _) => event.response = RoomResponse::NeedsAction,
            ("maybe", _) => event.response = RoomResponse::Tentative,
            ("first", day) => event.series = Some(("AAMk-series".into(), at(format!("2026-01-{day}Z")))),
            ("joins", link) => event.conference = Some(link.into()),
            ("says", text) => event.body = text.into(),
            other => panic!("{other:?}"),
        }
    }
    event
}

/// The reader: its room, and what it keeps between readings.
pub(super) struct Reader {
    pub(super) request: AgendaRequest,
    pub(super) spent: Spent,
    site: Arc<Site>,
    http: Http,
    tally: Arc<Tally>,
}

impl Reader {
    pub(super) fn of(site: &Arc<Site>) -> Self {
        Self::at(site, "https://graph.microsoft.com/v1.0", ROOM)
    }

    pub(super) fn at(site: &Arc<Site>, api_url: &str, room: &str) -> Self {
        let service = GraphSpec {
            client_id: APP.into(),
            credential: AppCredential::Secret(SecretValue::Known(Secret::new(SECRET.into()))),
            client_secret_expires: None,
            token_url: TOKEN_URL.into(),
            host: "graph.microsoft.com".into(),
            api_url: api_url.into(),
            max_requests_per_day: 1_000_000,
        };
        let name = IntegrationName::parse("graph").unwrap();
        let integration = Arc::new(IntegrationSpec::of(name, Service::Graph(service)));
        let room = RoomSpec::of(integration, RoomEmail::parse(room).unwrap());
        let http = Http::played_by(Arc::clone(site) as Arc<dyn Peer>).unwrap();
        let tokens = Tokens::new(http.clone(), Arc::new(MemoryStore::new()), site.clock.clone());
        let spent = Spent::default();
        let at = |text: &str| text.parse().unwrap();
        Self {
            request: AgendaRequest {
                room: Arc::new(room),
                window: Window { from: at("2026-01-05T00:00Z"), to: at("2026-01-12T00:00Z") },
                cursor: None,
                fresh: false,
                now: site.now(),
                access: Access {
                    sign_ins: SignIns::default(),
                    looks: Looks::default(),
                    tokens,
                    account: 0,
                    spent: spent.clone(),
                },
            },
            spent,
            site: Arc::clone(site),
            http,
            tally: Tally::new(),
        }
    }

    /// Reads once, keeps the cursor, and tells what came of it, an event a line.
    pub(super) async fn read(&mut self) -> String {
        match self.events().await {
            Ok(None) => "unchanged".into(),
            Ok(Some((events, unreadable))) => {
                let unreadable = unreadable.iter().map(|uid| format!("unreadable {uid}"));
                events.iter().map(line).chain(unreadable).collect::<Vec<_>>().join("\n")
            }
            Err(error) => told(&error.into()),
        }
    }

    /// The events by start, and the UIDs of unreadable ones; `None`: nothing changed.
    pub(super) async fn events(&mut self) -> Result<Option<(Vec<Event>, Vec<String>)>, CalendarError> {
        self.request.now = self.site.now();
        Ok(match read_agenda(&self.http, &self.tally, &self.request).await? {
            Reading::Unchanged { .. } => None,
            Reading::Complete { mut complete, cursor, .. } => {
                // What the store does between readings.
                let stored = serde_json::to_string(&cursor).unwrap();
                self.request.cursor = serde_json::from_str::<Option<Cursor>>(&stored).unwrap();
                complete.events.sort_by_key(|event| (event.start, event.uid.clone()));
                Some((complete.events, complete.unreadable))
            }
        })
    }

    /// Asks when rooms are taken, and tells it, a room a line.
    pub(super) async fn busy(&self, rooms: &[&str]) -> String {
        match self.busy_of(rooms).await {
            Ok(rooms) => {
                let line = |(room, told_of): &(RoomEmail, Result<Busy, Failure>)| match told_of {
                    Ok(busy) => format!("{room} {busy:?}"),
                    Err(failure) => format!("{room} {}", told(failure)),
                };
                rooms.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Err(error) => told(&error.into()),
        }
    }

    /// When rooms are taken.
    pub(super) async fn busy_of(
        &self,
        rooms: &[&str],
    ) -> Result<Vec<(RoomEmail, Result<Busy, Failure>)>, CalendarError> {
        let request = BusyRequest {
            integration: Arc::clone(&self.request.room.integration),
            rooms: rooms.iter().map(|room| RoomEmail::parse(room).unwrap()).collect(),
            window: self.request.window,
            now: self.site.now(),
            access: self.request.access.clone(),
        };
        read_busy(&self.http, &self.tally, &request).await
    }
}

/// `REASON [whom] next [after …]: message`.
pub(super) fn told(failure: &Failure) -> String {
    let next = if failure.remedy == Remedy::Retry { "retry" } else { "fix" };
    let wait = failure.retry_after.map(|wait| format!(" after {wait:?}")).unwrap_or_default();
    let whom = match failure.scope {
        Scope::Object => "",
        Scope::Account => " account",
        Scope::Integration => " integration",
    };
    format!("{}{whom} {next}{wait}: {}", failure.reason, failure.message)
}

/// `FROM TO SUBJECT [what is special]`.
fn line(event: &Event) -> String {
    let time = |at: Timestamp| at.strftime("%dT%H:%M").to_string();
    let mut text = format!("{} {} {}", time(event.start), time(event.end), event.subject.expose());
    for (is, word) in [(event.all_day, "all-day"), (event.private, "private"), (event.tentative, "tentative")] {
        if is {
            text.push_str(&format!(" [{word}]"));
        }
    }
    if let Some(original) = event.original_start {
        text.push_str(&format!(" [first {}]", time(original)));
    }
    text
}
