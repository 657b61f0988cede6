//! An organisation with two servers and a few rooms, and somebody who asks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, ToSpan as _};
use otj::ews::ask::{Ask, Header};
use otj::ews::told::{Reply, ToldFault};
use otj::ews::version::Version;
use otj::http::{Bytes, HeaderMap, HttpError, Method, PlayedStream, Request, StatusCode, Url, header};
use otj::model::{RoomEmail, Window};
use otj::sim::Fake as _;
use otj::sim::exchange::{Account, ExchangeFake, ExchangeOptions, Server, Whose};
use otj::sim::rooms::{Rooms, SimEvent};

pub(super) const ROOM: &str = "fjord@example.com";
pub(super) const ONE: &str = "https://one.example.com/EWS/Exchange.asmx";
pub(super) const TWO: &str = "https://two.example.com/EWS/Exchange.asmx";
pub(super) const AUTODISCOVER: &str = "https://autodiscover.example.com/autodiscover/autodiscover.svc";

/// The organisation.
pub(super) struct Site {
    pub(super) rooms: Arc<Rooms>,
    pub(super) fake: Arc<ExchangeFake>,
    pub(super) now: Mutex<Timestamp>,
    /// Every answer so far.
    pub(super) said: Mutex<Vec<String>>,
}

/// How it is asked.
#[derive(Clone, Debug)]
pub(super) struct As<'a> {
    pub(super) url: &'a str,
    pub(super) sign_in: String,
    pub(super) mailbox: Option<&'a str>,
    pub(super) version: Version,
    pub(super) headers: Vec<(&'static str, String)>,
}

pub(super) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// The account `otj`, as [`ROOM`], at the first server.
pub(super) fn otj() -> As<'static> {
    As {
        url: ONE,
        sign_in: basic("otj@example.com", "right"),
        mailbox: Some(ROOM),
        version: Version::default(),
        headers: Vec::new(),
    }
}

pub(super) fn room(email: &str) -> RoomEmail {
    RoomEmail::parse(email).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    format!("2026-01-{text}Z").parse().unwrap()
}

pub(super) fn window(from: &str, to: &str) -> Window {
    Window { from: at(from), to: at(to) }
}

/// `ID DAYTHOUR:MINUTE SUBJECT`, for half an hour.
pub(super) fn event(line: &str) -> SimEvent {
    let mut words = line.splitn(3, ' ');
    let (id, start, subject) = (words.next().unwrap(), at(words.next().unwrap()), words.next().unwrap());
    SimEvent {
        id: id.into(),
        uid: format!("uid-{id}"),
        start,
        end: start + 30.minutes(),
        subject: subject.into(),
        body: format!("<p>Join <a href=\"https://meet.example.com/{id}\">here</a></p>"),
        organizer: ("Carol Example".into(), "carol@example.com".into()),
        updated: at("01T00:00"),
        ..SimEvent::default()
    }
}

impl Site {
    pub(super) fn with(options: ExchangeOptions) -> Self {
        let rooms = Arc::new(Rooms::default());
        let bearers = Box::new(|token: &str, _| (token == "good").then(|| "app".to_owned()));
        let fake = ExchangeFake::new(Arc::clone(&rooms), bearers, options);
        fake.change(|org| {
            org.servers.insert("one".into(), Server::at(ONE.parse().unwrap()));
            org.servers.insert("two".into(), Server::at(TWO.parse().unwrap()));
            let account = |password: Option<&str>, impersonates| Account {
                password: password.map(str::to_owned),
                impersonates,
                ..Account::default()
            };
            org.accounts.insert("otj@example.com".into(), account(Some("right"), Whose::All));
            org.accounts.insert("app".into(), account(None, Whose::These([ROOM.to_owned()].into())));
        });
        let site = Self { rooms, fake: Arc::new(fake), now: Mutex::new(at("05T08:00")), said: Mutex::default() };
        site.book(ROOM, &["a 05T09:00 Standup", "b 05T10:00 Review"]);
        site
    }

    pub(super) fn new() -> Self {
        Self::with(ExchangeOptions::default())
    }

    /// Adds or replaces events.
    pub(super) fn book(&self, room: &str, lines: &[&str]) {
        self.rooms.change(room, |room| {
            for line in lines {
                let event = event(line);
                room.events.insert(event.id.clone(), event);
            }
        });
    }

    pub(super) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// Time goes by, second by second.
    pub(super) fn wait(&self, seconds: i64) {
        for _ in 0..seconds {
            let mut now = self.now.lock().unwrap();
            *now += Duration::from_secs(1);
            self.fake.pass(*now);
        }
    }

    pub(super) fn request(url: &str, body: String, who: &As<'_>) -> Request {
        let mut request = Request::new(Method::POST, url.parse::<Url>().unwrap());
        request.headers.insert(header::AUTHORIZATION, who.sign_in.parse().unwrap());
        for (name, value) in &who.headers {
            request.headers.insert(*name, value.parse().unwrap());
        }
        request.body = body.into();
        request
    }

    fn asked(ask: &Ask, who: &As<'_>) -> Request {
        let mailbox = who.mailbox.map(room);
        let envelope = ask.envelope(&Header { version: who.version, mailbox: mailbox.as_ref() });
        Self::request(who.url, envelope, who)
    }

    /// Sends anything.
    pub(super) fn send(&self, request: &Request) -> (StatusCode, HeaderMap, Bytes) {
        let (status, headers, body) = self.fake.answer(request, self.now()).result.unwrap();
        self.said.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
        (status, headers, body)
    }

    /// What is made of the answer; statuses other than 200 and 500 are given as such.
    pub(super) fn ask(&self, ask: &Ask, who: &As<'_>) -> Result<Result<Reply, ToldFault>, u16> {
        let (status, _, body) = self.send(&Self::asked(ask, who));
        match status.as_u16() {
            200 | 500 => Ok(Reply::read(&body)),
            other => Err(other),
        }
    }

    /// The answer of a server that gives one.
    pub(super) fn reply(&self, ask: &Ask, who: &As<'_>) -> Reply {
        self.ask(ask, who).unwrap().unwrap()
    }

    /// The code of a refusal.
    pub(super) fn refusal<T>(&self, told: Result<T, ToldFault>) -> String {
        match told {
            Err(ToldFault::Said(said)) => said.code().to_owned(),
            Err(other) => format!("{other:?}"),
            Ok(_) => "none".into(),
        }
    }

    /// An answer in pieces.
    pub(super) fn open(&self, ask: &Ask, who: &As<'_>) -> Pieces {
        let PlayedStream { result, .. } = self.fake.open(&Self::asked(ask, who), self.now());
        Pieces { pieces: result.unwrap().2, stream: otj::ews::told::stream::Stream::new() }
    }
}

/// An answer that goes on.
pub(super) struct Pieces {
    pieces: tokio::sync::mpsc::Receiver<Result<Bytes, HttpError>>,
    stream: otj::ews::told::stream::Stream,
}

impl Pieces {
    /// What has come, a word each: `alive`, the subscriptions told about with their events, a loss, `closed`, how it ended.
    pub(super) fn come(&mut self, site: &Site) -> Vec<String> {
        use tokio::sync::mpsc::error::TryRecvError;
        let mut words = Vec::new();
        loop {
            match self.pieces.try_recv() {
                Ok(Ok(piece)) => {
                    site.said.lock().unwrap().extend(
                        String::from_utf8(piece.to_vec()).unwrap().split_inclusive("</s:Envelope>").map(str::to_owned),
                    );
                    for told in self.stream.feed(&piece) {
                        let told = match told {
                            Ok(told) => told,
                            Err(ToldFault::Said(said)) => {
                                words.push(said.code().to_owned());
                                continue;
                            }
                            Err(other) => panic!("{other}"),
                        };
                        words.extend(told.lost.iter().map(|lost| lost.said.code().to_owned()));
                        words.extend(told.notifications.iter().map(|it| it.events.to_string()));
                        if told.closed {
                            words.push("closed".into());
                        } else if told.notifications.is_empty() && told.lost.is_empty() {
                            words.push("alive".into());
                        }
                    }
                }
                Ok(Err(_)) => words.push("broken".into()),
                Err(TryRecvError::Empty) => return words,
                Err(TryRecvError::Disconnected) => {
                    words.push("end".into());
                    return words;
                }
            }
        }
    }
}
