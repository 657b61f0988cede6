//! A simulated Exchange organisation: rooms as [`Rooms`] has them, in the words of Exchange Web Services and Autodiscover. In: requests
//! as they would reach its servers. Out: their answers, how long they take, and an own count of what was asked.
//!
//! | request | answer |
//! |---|---|
//! | `POST …/EWS/Exchange.asmx` of a server ([`Server::ews`]) | SOAP: the operations below |
//! | `POST …/autodiscover/autodiscover.svc` of any host | SOAP: `GetUserSettings`, redirects |
//! | `GET …/autodiscover/autodiscover.xml` | 302 where [`Org::redirects`] has the host |
//! | without a sign-in that is good | 401 with the schemes offered |
//! | NTLM, over a connection that is known ([`Fake::open_over`]) | 401 with a challenge, then as who signed in |
//! | an account, or a mailbox, without EWS | 403 |
//! | above a budget | 500 with `ErrorServerBusy` and `BackOffMilliseconds`, or `ErrorExceededConnectionCount` |
//!
//! | file | operations |
//! |---|---|
//! | `items` | `FindItem` (`CalendarView`), `GetItem`, `SyncFolderItems`, `GetFolder`, `ConvertId` |
//! | `notices` | `Subscribe` (streaming, pull), `GetEvents`, `Unsubscribe` |
//! | `stream` | `GetStreamingEvents` |
//! | `availability` | `GetUserAvailability` |
//! | `zones` | `GetServerTimeZones` |
//! | `autodiscover` | `GetUserSettings` |
//!
//! Servers are told apart by host, port and path of the URL; the scheme is not looked at, since TLS may end before the fake.
//!
//! # Answers that do not end
//!
//! [`Fake::open`] answers `GetStreamingEvents` with pieces that come as things happen. They are sent by [`Fake::pass`], which whoever
//! plays the world calls about every second (of virtual time, too): it sends the notifications that are due, says that silent streams
//! live, and ends those whose time is over. [`Fake::answer`] cannot show such an answer; it gives what a proxy would that keeps
//! everything until the end: one body, after the connection's whole time, of what had happened at its beginning.
//!
//! Answers are written after the 2013 and 2016 schema, which `tests/it/sim` checks.

mod autodiscover;
mod availability;
mod ids;
mod items;
mod limits;
mod memory;
mod notices;
mod org;
mod property;
mod sign_in;
mod soap;
mod stream;
mod windows;
mod xml;
mod zones;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub use org::{Account, Counts, ExchangeOptions, Fault, Mailbox, Offered, Org, Processing, Server, Whose};

use self::availability::Views;
use self::items::Place;
use self::limits::Limits;
use self::memory::Memory;
use self::notices::Subscriptions;
use self::sign_in::{NotSignedIn, challenges, offering};
use self::soap::Refused;
use self::stream::Streams;
use self::windows::{Challenge, Connections};
use self::xml::Node;
use super::rooms::{RoomAccess, Rooms, Watch};
use super::{Bearers, Fake};
use crate::http::{
    Bytes, HeaderMap, HeaderName, HeaderValue, HttpError, Method, Played, PlayedStream, Request, StatusCode, Url,
    header,
};
use crate::listen::Connection;

/// The cookie that keeps a client with one back end.
/// See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-maintain-affinity-between-group-of-subscriptions-and-mailbox-server>.
const COOKIE: &str = "X-BackEndOverrideCookie";

/// What can be asked of EWS.
const OPERATIONS: [&str; 11] = [
    "FindItem",
    "GetItem",
    "GetFolder",
    "SyncFolderItems",
    "ConvertId",
    "Subscribe",
    "Unsubscribe",
    "GetEvents",
    "GetStreamingEvents",
    "GetUserAvailability",
    "GetServerTimeZones",
];

/// The service. See the module.
pub struct ExchangeFake {
    rooms: Arc<Rooms>,
    bearers: Bearers,
    options: ExchangeOptions,
    state: Mutex<State>,
}

/// Everything that changes.
struct State {
    org: Org,
    limits: Limits,
    memory: Memory,
    subscriptions: Subscriptions,
    streams: Streams,
    views: Views,
    watch: Watch,
    connections: Connections,
}

/// A request that was let in.
struct Call<'a> {
    operation: &'a str,
    node: &'a Node,
    account: &'a str,
    /// Whom it acts as.
    impersonated: Option<&'a str>,
    server_name: &'a str,
    server: &'a Server,
    back_end: u32,
    now: Timestamp,
}

/// What the service says, without the time it takes.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

enum Body {
    Whole(Bytes),
    /// A stream that was opened.
    Stream(Box<stream::Opened>),
}

impl fmt::Debug for ExchangeFake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeFake").field("options", &self.options).finish_non_exhaustive()
    }
}

impl ExchangeFake {
    /// An organisation without servers and accounts, whose room mailboxes are `rooms`, and whose tokens `bearers` knows.
    #[must_use]
    pub fn new(rooms: Arc<Rooms>, bearers: Bearers, options: ExchangeOptions) -> Self {
        let state = State {
            org: Org::default(),
            limits: Limits::default(),
            memory: Memory::default(),
            subscriptions: Subscriptions::default(),
            streams: Streams::default(),
            views: Views::default(),
            watch: rooms.watch(),
            connections: Connections::default(),
        };
        Self { rooms, bearers, options, state: Mutex::new(state) }
    }

    /// Looks at, or changes, what is configured.
    pub fn change<R>(&self, change: impl FnOnce(&mut Org) -> R) -> R {
        change(&mut self.state().org)
    }

    /// What was asked so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().limits.counts.clone()
    }

    /// Every subscription is forgotten, as by servers that are started again; streams break off.
    pub fn restart(&self) {
        let mut state = self.state();
        state.subscriptions = Subscriptions::default();
        state.streams.break_off();
    }

    /// Every stream breaks off, as by a network that fails; subscriptions live on.
    pub fn break_streams(&self) {
        self.state().streams.break_off();
    }

    /// Streams that are open.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.state().streams.open()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, and how long it takes.
    fn take(
        &self,
        over: Option<&Connection>,
        request: &Request,
        now: Timestamp,
    ) -> (Duration, Result<Answer, HttpError>) {
        let mut guard = self.state();
        let state = &mut *guard;
        let after = state.limits.latency(&self.options);
        state.limits.count(&self.options, !is_listening(request), now);
        let answer = match &state.org.fault {
            Some(Fault::Unreachable(error)) => return (after, Err(error.clone())),
            Some(Fault::Status(status)) => page(StatusCode::from_u16(*status).unwrap_or_default()),
            Some(Fault::Soap(code)) => fault(Refused(code), self.options.back_off),
            None => self.route(state, over, request, now, after).unwrap_or_else(|refused| refused),
        };
        (after, Ok(answer))
    }

    #[expect(clippy::result_large_err, reason = "a refusal is an answer like others")]
    fn route(
        &self,
        state: &mut State,
        over: Option<&Connection>,
        request: &Request,
        now: Timestamp,
        after: Duration,
    ) -> Result<Answer, Answer> {
        let host = request.url.host_str().unwrap_or_default().to_lowercase();
        let path = request.url.path().to_lowercase();
        let is_autodiscover = path.ends_with("/autodiscover.svc");
        if (is_autodiscover || path.ends_with("/autodiscover.xml"))
            && let Some(elsewhere) = state.org.redirects.get(&host)
        {
            return Err(redirect(elsewhere));
        }
        let server = state.org.servers.iter().find(|(_, server)| {
            is_at(&server.ews, &request.url) || server.internal.as_ref().is_some_and(|it| is_at(it, &request.url))
        });
        let server = server.or_else(|| state.org.servers.iter().next().filter(|_| is_autodiscover));
        let (server_name, server) = server.map(|(name, server)| (name.clone(), server.clone())).ok_or_else(not_here)?;
        let account = self.who(state, over, request, &server, now)?;
        if request.method != Method::POST {
            return Err(page(StatusCode::METHOD_NOT_ALLOWED));
        }
        let schema = || fault(Refused("ErrorSchemaValidation"), None);
        let (said, node) = soap::request(&request.body).ok_or_else(schema)?;
        if is_autodiscover {
            *state.limits.counts.operations.entry("GetUserSettings").or_default() += 1;
            return Ok(ok(autodiscover::answer(&state.org, &server, &self.rooms, &node)));
        }
        let versions = server.versions();
        if said.version.is_some_and(|version| !versions.contains(&version.as_str())) {
            return Err(fault(Refused("ErrorInvalidServerVersion"), None));
        }
        let impersonated = said.impersonated.as_deref();
        self.admit(state, &account, impersonated)?;
        let owner = impersonated.unwrap_or(&account);
        let begun = state.limits.begin(&self.options, owner, now, after);
        begun.map_err(|(refused, back_off)| fault(refused, back_off))?;
        let (back_end, cookie) = self.back_end(request, &server_name, owner);
        let call = Call {
            // The one operation whose request is called otherwise than it is.
            operation: node.name.strip_suffix("Request").unwrap_or(&node.name),
            node: &node,
            account: &account,
            impersonated,
            server_name: &server_name,
            server: &server,
            back_end,
            now,
        };
        let mut answer = self.perform(state, &call)?;
        answer.headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
        Ok(answer)
    }

    /// The account that a request is signed in with, or the 401.
    #[expect(clippy::result_large_err, reason = "a refusal is an answer like others")]
    fn who(
        &self,
        state: &mut State,
        over: Option<&Connection>,
        request: &Request,
        server: &Server,
        now: Timestamp,
    ) -> Result<String, Answer> {
        let (org, headers, locks_after) = (&mut state.org, &request.headers, self.options.locks_after);
        let connections = &mut state.connections;
        let seen = over.and_then(|over| connections.look(over, headers, org, server, locks_after, now));
        let seen = seen.unwrap_or_else(|| Ok(org.account_of(headers, &self.bearers, now, locks_after)));
        let (why, challenges) = match seen {
            Ok(Ok(account)) => return Ok(account),
            Ok(Err(why)) => (why, challenges(org.offered, request.url.host_str().unwrap_or_default())),
            Err(Challenge(challenge)) => (NotSignedIn::Unasked, offering(&[&challenge])),
        };
        state.limits.counts.refuse(why);
        Err(Answer { headers: challenges, ..page(StatusCode::UNAUTHORIZED) })
    }

    /// Whether an account may use EWS, for itself or as somebody else.
    #[expect(clippy::result_large_err, reason = "a refusal is an answer like others")]
    fn admit(&self, state: &mut State, account: &str, impersonated: Option<&str>) -> Result<(), Answer> {
        let off = |mailbox: &str| state.org.mailboxes.get(mailbox).is_some_and(|it| it.ews_disabled);
        let known = state.org.accounts.get(account);
        if known.is_some_and(|it| it.ews_disabled) || impersonated.is_some_and(off) {
            return Err(page(StatusCode::FORBIDDEN));
        }
        let Some(mailbox) = impersonated else { return Ok(()) };
        let access = self.rooms.look(mailbox, |room| room.map(|room| room.access));
        let Some(access) = access else { return Err(fault(Refused("ErrorNonExistentMailbox"), None)) };
        let may = known.is_some_and(|it| it.impersonates.has(mailbox));
        if !may || matches!(access, RoomAccess::Nothing | RoomAccess::FreeBusy) {
            state.limits.counts.impersonation_refused += 1;
            return Err(fault(Refused("ErrorImpersonateUserDenied"), None));
        }
        Ok(())
    }

    /// Which back end of a server serves a request: that of its cookie, or of the mailbox it is anchored to.
    fn back_end(&self, request: &Request, server: &str, owner: &str) -> (u32, Option<HeaderValue>) {
        let said = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let back_ends = self.options.back_ends.max(1);
        let stays = said("X-PreferServerAffinity").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let cookies = request.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let kept = pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, value)| value.split_once('~'));
        let kept = kept.filter(|(name, _)| *name == server).and_then(|(_, number)| number.parse::<u32>().ok());
        if let Some(back_end) = kept.filter(|number| stays && *number < back_ends) {
            return (back_end, None);
        }
        let anchor = said("X-AnchorMailbox").unwrap_or(owner).to_lowercase();
        let back_end =
            anchor.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % back_ends;
        let cookie = format!("{COOKIE}={server}~{back_end}; path=/; secure; HttpOnly");
        (back_end, HeaderValue::from_str(&cookie).ok().filter(|_| stays))
    }

    #[expect(clippy::result_large_err, reason = "a refusal is an answer like others")]
    fn perform(&self, state: &mut State, call: &Call<'_>) -> Result<Answer, Answer> {
        let Some(operation) = OPERATIONS.iter().find(|known| **known == call.operation) else {
            return Err(fault(Refused("ErrorInvalidRequest"), None));
        };
        *state.limits.counts.operations.entry(operation).or_default() += 1;
        let place = Place { rooms: &self.rooms, options: &self.options, state };
        let body = match call.operation {
            "FindItem" => place.find(call),
            "GetItem" => place.get(call),
            "GetFolder" => place.folders(call),
            "SyncFolderItems" => place.sync(call),
            "ConvertId" => place.convert(call),
            "Subscribe" => place.subscribe(call),
            "Unsubscribe" => place.unsubscribe(call),
            "GetEvents" => place.events(call),
            "GetUserAvailability" => place.availability(call),
            "GetServerTimeZones" => place.zones(call),
            "GetStreamingEvents" => {
                let opened = place.stream(call).map_err(|refused| fault(refused, None))?;
                let headers = content("text/xml; charset=utf-8");
                return Ok(Answer { status: StatusCode::OK, headers, body: Body::Stream(Box::new(opened)) });
            }
            _ => Err(Refused("ErrorInvalidRequest")),
        };
        Ok(ok(soap::envelope(call.server, &body.map_err(|refused| fault(refused, None))?)))
    }
}

impl Fake for ExchangeFake {
    fn answer(&self, request: &Request, now: Timestamp) -> Played {
        let (mut after, answer) = self.take(None, request, now);
        let result = answer.map(|answer| {
            let body = match answer.body {
                Body::Whole(body) => body,
                Body::Stream(opened) => {
                    after = opened.lasts;
                    opened.at_once()
                }
            };
            (answer.status, stamped(answer.headers, now), body)
        });
        Played { after, result }
    }

    fn open(&self, request: &Request, now: Timestamp) -> PlayedStream {
        played(self.take(None, request, now), now)
    }

    fn open_over(&self, connection: &Connection, request: &Request, now: Timestamp) -> PlayedStream {
        played(self.take(Some(connection), request, now), now)
    }

    fn pass(&self, now: Timestamp) {
        let mut guard = self.state();
        let state = &mut *guard;
        Place { rooms: &self.rooms, options: &self.options, state }.pass(now);
    }
}

fn played((after, answer): (Duration, Result<Answer, HttpError>), now: Timestamp) -> PlayedStream {
    let whole =
        |status, headers, body| PlayedStream::from(Played { after, result: Ok((status, stamped(headers, now), body)) });
    match answer {
        Err(error) => PlayedStream { after, result: Err(error) },
        Ok(Answer { status, headers, body: Body::Whole(body) }) => whole(status, headers, body),
        Ok(Answer { status, headers, body: Body::Stream(opened) }) => {
            PlayedStream { after, result: Ok((status, stamped(headers, now), opened.pieces)) }
        }
    }
}

/// Whether a request is about being told of changes. What clients allow themselves in a day is for reading.
fn is_listening(request: &Request) -> bool {
    let said = |name: &str| request.body.windows(name.len()).any(|part| part == name.as_bytes());
    ["Subscribe>", "GetStreamingEvents>"].into_iter().any(said)
}

/// Whether a request to `url` is for this address of EWS.
fn is_at(ews: &Url, url: &Url) -> bool {
    let port = |url: &Url| url.port().filter(|port| !matches!(port, 80 | 443));
    ews.host_str() == url.host_str() && port(ews) == port(url) && ews.path().eq_ignore_ascii_case(url.path())
}

fn ok(body: String) -> Answer {
    Answer { status: StatusCode::OK, headers: content("text/xml; charset=utf-8"), body: Body::Whole(body.into()) }
}

fn fault(refused: Refused, back_off: Option<Duration>) -> Answer {
    let back_off = back_off.filter(|_| refused == Refused("ErrorServerBusy"));
    Answer { status: StatusCode::INTERNAL_SERVER_ERROR, ..ok(soap::fault(refused, back_off)) }
}

/// The fault with which a server says, with status 500, that it has no time for so long.
pub(super) fn busy(back_off: Duration) -> String {
    soap::fault(Refused("ErrorServerBusy"), Some(back_off))
}

/// A page of the web server itself.
fn page(status: StatusCode) -> Answer {
    let body = format!("<html><body><h1>{status}</h1></body></html>");
    Answer { status, headers: content("text/html; charset=utf-8"), body: Body::Whole(body.into()) }
}

fn not_here() -> Answer {
    page(StatusCode::NOT_FOUND)
}

fn redirect(url: &Url) -> Answer {
    let mut answer = page(StatusCode::FOUND);
    answer.headers.extend(HeaderValue::from_str(url.as_str()).ok().map(|url| (header::LOCATION, url)));
    answer
}

fn content(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
}

fn stamped(mut headers: HeaderMap, now: Timestamp) -> HeaderMap {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    headers.extend(HeaderValue::from_str(&date).ok().map(|date| (header::DATE, date)));
    headers.insert(header::SERVER, HeaderValue::from_static("Microsoft-IIS/10.0"));
    headers.insert(HeaderName::from_static("x-feserver"), HeaderValue::from_static("MBX1"));
    headers
}
