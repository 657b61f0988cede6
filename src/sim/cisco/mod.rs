//! A simulated Cisco codec. In: one HTTP request and the time. Out: the answer a codec of that generation gives, and what its
//! screen shows.
//!
//! | generation | JSON `Bookings Put` | `/bookingsputxml` | `Bookings Clear` | bookings without number | locks out |
//! |---|---|---|---|---|---|
//! | TC7 | no | yes | no | XML | no |
//! | CE8 | no | yes | yes | XML | no |
//! | CE9.15 | when registered to Webex | yes | yes | `SIP` and no number | no |
//! | RoomOS 10.19 | when registered to Webex | yes | yes | `SIP` and no number | no |
//! | RoomOS 11.14 | yes | yes | yes | `SIP` and no number | no |
//! | RoomOS 26.4 | yes | no | yes | `None` | after 5 failed logins, 5 minutes |
//!
//! All of them: one list, replaced as a whole and forgotten at a restart; one request a second with a queue of 30, then 503;
//! an empty document for a path that does not exist. Whether RoomOS 26 still serves `/bookingsputxml` is not known; here it
//! does not, so that nothing leans on it.

mod agenda;
mod commands;
mod fleet;
mod server;
mod status;
mod tree;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub(super) use agenda::from_json;
pub use agenda::{Entry, Shown};
pub use fleet::{Fate, Fleet};
pub use server::{Device, Event};

use crate::auth::basic;
use crate::model::{Confidential, Secret};

/// Requests that may wait, at one a second. See the release notes of RoomOS, "HTTP Rate limiting".
const QUEUE: i64 = 30;

/// Requests that are remembered for whoever asserts on them.
const RECEIVED_MAX: usize = 256;

/// Failed logins before RoomOS 26 locks, and for how long.
const LOGINS_MAX: u32 = 5;
const LOCKED: SignedDuration = SignedDuration::from_mins(5);

/// A family of software.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// TC7.3.
    Tc7,
    /// CE8.3.
    Ce8,
    /// CE9.15.
    Ce9,
    /// RoomOS 10.19.
    RoomOs10,
    /// RoomOS 11.14.
    RoomOs11,
    /// RoomOS 26.4.
    RoomOs26,
}

/// One way in which a codec, or what stands before it, misbehaves.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Quirk {
    /// It does not.
    #[default]
    None,
    /// Every request is answered with the page to sign in, and 200.
    SignInPage,
    /// Every request is redirected there.
    RedirectsTo(String),
    /// Plain HTTP is redirected to HTTPS of the same host.
    WantsHttps,
    /// Every request is answered with this status.
    Status(u16),
    /// Every request is answered with 503, and when to come back, in seconds.
    Busy(u64),
    /// Every command is answered with `<Command/>`.
    EmptyCommand,
    /// The list is refused with this reason, in a 200.
    Declines(String),
    /// Microsoft Teams Rooms mode.
    TeamsRooms,
    /// `List` is not known.
    CannotList,
    /// `List` in the request of a `Put` answers with the list from before.
    ListsBeforePut,
}

/// A codec.
#[derive(Debug)]
pub struct Codec {
    /// What it runs.
    pub generation: Generation,
    /// Serial number.
    pub serial: String,
    /// The one account, with the Admin role.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Registered to Webex.
    pub webex_registered: bool,
    /// One request a second, a queue of 30.
    pub rate_limited: bool,
    /// Its clock is ahead of everybody's by so much: its `Date` says so, and Join appears early.
    pub clock_ahead: SignedDuration,
    /// Cisco TMS provisions it.
    pub managed_by_tms: bool,
    /// How it misbehaves.
    pub quirk: Quirk,
    /// What was asked, the newest last; at most 256.
    pub received: VecDeque<Received>,
    bookings: Vec<Entry>,
    started: Timestamp,
    last_updated: Timestamp,
    free_at: Timestamp,
    failed_logins: u32,
    locked_until: Timestamp,
}

/// One HTTP request as a codec sees it.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// `GET`, `POST`, `HEAD`.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query without `?`.
    pub query: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// Over TLS.
    pub tls: bool,
    /// The `Host` header.
    pub host: String,
    /// The body.
    pub body: Vec<u8>,
}

/// One HTTP answer of a codec.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the request stood in the queue.
    pub delay: Duration,
    /// Whether what the screen shows may have changed.
    pub changed: bool,
}

/// What is remembered of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// `GET /getxml`.
    pub line: String,
    /// Whether it carried credentials.
    pub with_credentials: bool,
    /// The status it was answered with.
    pub status: u16,
    /// Its body.
    pub body: Confidential,
}

impl Codec {
    /// A codec that started at `now`, with an empty list, registered to Webex, not limited.
    #[must_use]
    pub fn new(generation: Generation, serial: &str, username: &str, password: Secret, now: Timestamp) -> Self {
        Self {
            generation,
            serial: serial.to_owned(),
            username: username.to_owned(),
            password,
            webex_registered: true,
            rate_limited: false,
            clock_ahead: SignedDuration::ZERO,
            managed_by_tms: false,
            quirk: Quirk::None,
            received: VecDeque::new(),
            bookings: Vec::new(),
            started: now,
            last_updated: now,
            free_at: now,
            failed_logins: 0,
            locked_until: Timestamp::MIN,
        }
    }

    /// Answers one request.
    pub fn answer(&mut self, ask: &Ask, now: Timestamp) -> Answer {
        let answer = match self.wait(now) {
            Ok(delay) => Answer { delay, ..self.admitted(ask, now) },
            Err(()) => Answer::empty(503),
        };
        if self.received.len() == RECEIVED_MAX {
            self.received.pop_front();
        }
        self.received.push_back(Received {
            line: format!("{} {}", ask.method, ask.path),
            with_credentials: ask.authorization.is_some(),
            status: answer.status,
            body: Confidential::new(String::from_utf8_lossy(&ask.body)),
        });
        answer
    }

    /// Starts anew: the list is gone, the clock of its uptime begins again.
    pub fn reboot(&mut self, now: Timestamp) {
        self.bookings.clear();
        (self.started, self.last_updated, self.free_at) = (now, now, now);
        self.failed_logins = 0;
    }

    /// Another system replaces the list by its own.
    pub fn overwritten_by(&mut self, rival: Vec<Entry>, now: Timestamp) {
        self.bookings = rival;
        self.last_updated = now;
    }

    /// Another system adds to the list, as the Webex calendar service does.
    pub fn joined_by(&mut self, entry: Entry, now: Timestamp) {
        self.bookings.push(entry);
        self.last_updated = now;
    }

    /// What it holds and has not ended, by start.
    #[must_use]
    pub fn bookings(&self, now: Timestamp) -> Vec<&Entry> {
        let its_time = now + self.clock_ahead;
        let mut current: Vec<&Entry> = self.bookings.iter().filter(|entry| entry.closes() > its_time).collect();
        current.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        current
    }

    /// When its list was last replaced.
    #[must_use]
    pub fn last_updated(&self) -> Timestamp {
        self.last_updated
    }

    /// What the screen shows.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Vec<Shown> {
        self.bookings(now).into_iter().map(|entry| entry.shown(now + self.clock_ahead)).collect()
    }

    fn admitted(&mut self, ask: &Ask, now: Timestamp) -> Answer {
        match &self.quirk {
            Quirk::SignInPage => {
                return Answer::page("<!DOCTYPE html><html><form action=\"/web/signin\">Sign in</form></html>");
            }
            Quirk::RedirectsTo(target) => return Answer::redirect(target.clone()),
            Quirk::WantsHttps if !ask.tls => {
                let host = ask.host.rsplit_once(':').map_or(ask.host.as_str(), |(host, _)| host);
                return Answer::redirect(format!("https://{host}{}", ask.path));
            }
            Quirk::Status(status) => return Answer::empty(*status),
            Quirk::Busy(seconds) => return Answer { retry_after_s: Some(*seconds), ..Answer::empty(503) },
            _ => {}
        }
        if ask.path == "/" {
            return Answer::page("<!DOCTYPE html><html><form action=\"/web/signin\">Sign in</form></html>");
        }
        if !self.logs_in(ask.authorization.as_deref(), now) {
            return Answer::empty(401);
        }
        match (ask.method.as_str(), ask.path.as_str()) {
            ("GET", "/status.xml") => Answer::xml(self.status(now)),
            ("GET", "/getxml") => Answer::xml(self.status_at(&ask.query, now)),
            ("POST", "/putxml") => self.run(&ask.body, now),
            ("POST", "/bookingsputxml") if self.generation != Generation::RoomOs26 => {
                self.take_document(&ask.body, now)
            }
            _ => Answer::empty(404),
        }
    }

    /// How long the request waits for its turn.
    fn wait(&mut self, now: Timestamp) -> Result<Duration, ()> {
        if !self.rate_limited {
            return Ok(Duration::ZERO);
        }
        let wait = self.free_at.duration_since(now).max(SignedDuration::ZERO);
        if wait > SignedDuration::from_secs(QUEUE) {
            return Err(());
        }
        self.free_at = self.free_at.max(now) + SignedDuration::from_secs(1);
        Ok(Duration::try_from(wait).unwrap_or_default())
    }

    /// A request without credentials is no failed login.
    fn logs_in(&mut self, authorization: Option<&str>, now: Timestamp) -> bool {
        let Some(authorization) = authorization else { return false };
        if now < self.locked_until {
            return false;
        }
        let right = basic::parse(authorization)
            .is_some_and(|(user, password)| user == self.username && password == self.password.expose());
        if right {
            self.failed_logins = 0;
            return true;
        }
        self.failed_logins += 1;
        if self.generation == Generation::RoomOs26 && self.failed_logins >= LOGINS_MAX {
            self.locked_until = now + LOCKED;
            self.failed_logins = 0;
        }
        false
    }
}

impl Answer {
    fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: "text/plain",
            location: None,
            retry_after_s: None,
            body: Vec::new(),
            delay: Duration::ZERO,
            changed: false,
        }
    }

    fn xml(body: impl Into<Vec<u8>>) -> Self {
        Self { content_type: "text/xml", body: body.into(), ..Self::empty(200) }
    }

    fn page(html: &str) -> Self {
        Self { content_type: "text/html", body: html.into(), ..Self::empty(200) }
    }

    fn redirect(location: String) -> Self {
        Self { location: Some(location), ..Self::empty(302) }
    }
}
