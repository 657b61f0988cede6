//! One operation on one mailbox: what is asked and where in, the answer or the reason why there is none out. Every request counts.
//!
//! The mailbox is impersonated, and named in `X-AnchorMailbox`, by which load balancers find its server. A server that does not take
//! the version we ask in is asked in the one before, and from then on in that one.

use std::time::Duration;

use jiff::Timestamp;

use super::Memory;
use super::error::{ExchangeError, Parties, of_said};
use super::places::{Mailbox, Place};
use super::refusal::EntryError;
use super::sign_in::{self, Exchange};
use crate::calendar::CalendarError;
use crate::ews::ask::{Ask, Header};
use crate::ews::code::Class;
use crate::ews::told::{Reply, Said, ToldFault};
use crate::ews::version::Version;
use crate::http::{Bytes, CALENDAR_LIMIT, HeaderMap, HttpError, Response, StatusCode, Url, retry_after, server_date};
use crate::model::service::ExchangeSignIn;
use crate::model::{Digest, RoomEmail, Scope};

/// Longest time for one request, sign-in included. Servers cut their work after a minute; a step has no more for all of it.
const DEADLINE: Duration = Duration::from_secs(40);

/// Versions there are to try.
const VERSIONS: usize = 4;

/// An Exchange service, as one step speaks to it.
pub(super) struct Caller<'a> {
    pub(super) exchange: Exchange<'a>,
    pub(super) memory: &'a Memory,
    /// The service as documents have it now.
    pub(super) service: Digest,
}

/// An answer that is no fault.
pub(super) struct Told {
    pub(super) reply: Reply,
    /// What the server said the time is, where that can be believed.
    pub(super) server_date: Option<Timestamp>,
}

/// An answer that is not read yet.
pub(super) struct Raw {
    pub(super) response: Response,
    pub(super) server_date: Option<Timestamp>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Exchange says so.
    Said(Said),
    /// The answer is larger than it may be.
    TooLarge(CalendarError),
    /// It did not come in time.
    Late(CalendarError),
    /// Half an answer, or one that cannot be read.
    Unreadable(ToldFault),
    /// Anything else.
    No(CalendarError),
}

impl<'a> Caller<'a> {
    pub(super) fn new(exchange: Exchange<'a>) -> Self {
        let spec = exchange.spec;
        let trust = spec.autodiscover_trust.join(" ");
        let written = [exchange.integration.name.as_str(), &exchange.integration.service.source(), &trust];
        Self { memory: exchange.access.sign_ins.exchange(), service: Digest::of(written.map(str::as_bytes)), exchange }
    }

    pub(super) fn mailbox(&self, room: &RoomEmail) -> Mailbox {
        (self.service, room.clone())
    }

    /// Asks about `room` where it is served.
    pub(super) async fn ask(&self, place: &Place, room: &RoomEmail, ask: &Ask) -> Result<Told, Refusal> {
        let Raw { response, server_date } = self.raw(place, room, ask).await?;
        // Away from the threads that serve the network; the answer's share of memory is held until it is read.
        let read = tokio::task::spawn_blocking(move || Reply::read(&response.body));
        let read = read.await.map_err(|_| Refusal::No(unreadable("reading the answer ended unexpectedly")))?;
        let reply = read.map_err(|fault| self.fault(fault))?;
        if let Ok(url) = place.url.parse() {
            self.memory.places.was_let_in(self.service, &url, self.exchange.now);
        }
        Ok(Told { reply, server_date })
    }

    /// The same, before the answer is read.
    pub(super) async fn raw(&self, place: &Place, room: &RoomEmail, ask: &Ask) -> Result<Raw, Refusal> {
        let wrong = || Refusal::No(self.not_exchange("its address is no web address"));
        let url: Url = place.url.parse().map_err(|_| wrong())?;
        let mailbox = self.mailbox(room);
        let mut version = self.memory.places.version(&mailbox);
        for _ in 0..VERSIONS {
            // Who acts as itself needs no role for that.
            let own = self.exchange.spec.account().eq_ignore_ascii_case(room.as_str());
            let header = Header { version, mailbox: (!own).then_some(room) };
            let outcome = self.send(&url, room, ask.envelope(&header)).await;
            let older = match &outcome {
                Err(Refusal::Said(said)) if is_about_version(said) => version.older(),
                _ => None,
            };
            let Some(older) = older else {
                if outcome.is_ok() && version != Version::default() {
                    self.memory.places.learn_version(&mailbox, version);
                }
                return outcome;
            };
            version = older;
        }
        Err(Refusal::No(ExchangeError::TooOld("ErrorInvalidServerVersion".into()).into()))
    }

    async fn send(&self, url: &Url, room: &RoomEmail, envelope: String) -> Result<Raw, Refusal> {
        self.exchange.access.spent.one_more();
        let request = sign_in::Ask {
            url: url.clone(),
            body: Bytes::from(envelope),
            anchor: Some(room.as_str().to_owned()),
            headers: HeaderMap::new(),
            deadline: DEADLINE,
            limit_bytes: CALENDAR_LIMIT,
        };
        let response = self.exchange.send(&request).await.map_err(|error| self.entry(error, url, room))?;
        match response.status {
            StatusCode::OK => Ok(Raw { server_date: server_date(url, &response.headers), response }),
            // Faults come so, and a server's own pages about its faults.
            StatusCode::INTERNAL_SERVER_ERROR => match Reply::read(&response.body) {
                Err(ToldFault::Said(said)) => Err(Refusal::Said(said)),
                _ => Err(Refusal::No(failing("HTTP 500", None).into())),
            },
            _ => Err(Refusal::No(self.status(&response).into())),
        }
    }

    /// Why an answer tells nothing.
    pub(super) fn fault(&self, fault: ToldFault) -> Refusal {
        match fault {
            ToldFault::Said(said) => Refusal::Said(said),
            ToldFault::NotSoap => Refusal::No(self.not_exchange("a page that is no SOAP")),
            fault => Refusal::Unreadable(fault),
        }
    }

    fn entry(&self, error: EntryError, url: &Url, room: &RoomEmail) -> Refusal {
        let Exchange { now, .. } = self.exchange;
        let places = &self.memory.places;
        match error {
            EntryError::Unreachable(HttpError::TooLarge(_)) => Refusal::TooLarge(ExchangeError::from(error).into()),
            EntryError::Unreachable(HttpError::Deadline) => Refusal::Late(ExchangeError::from(error).into()),
            EntryError::Unreachable(cause) if places.are_several(self.service) => {
                Refusal::No(ExchangeError::OneServer(cause).into())
            }
            EntryError::Disabled if places.lets_in(self.service, url, now) => {
                Refusal::No(ExchangeError::MailboxDisabled(room.clone()).into())
            }
            error => Refusal::No(ExchangeError::from(error).into()),
        }
    }

    /// Of an answer without an envelope: whoever sent it stands in front of Exchange, or instead of it.
    fn status(&self, response: &Response) -> ExchangeError {
        let status = response.status.as_u16();
        let said = format!("HTTP {status}");
        let pause = retry_after(&response.headers, self.exchange.now);
        match status {
            429 => ExchangeError::Busy { said, retry_after: pause, scope: Scope::Integration },
            503 if pause.is_some() => ExchangeError::Busy { said, retry_after: pause, scope: Scope::Integration },
            300..=399 | 404 | 405 | 410 => self.no_service(said),
            _ => failing(&said, pause),
        }
    }

    fn no_service(&self, said: String) -> ExchangeError {
        let setting = if self.exchange.spec.ews_url.is_some() { "ewsUrl" } else { "what Autodiscover answers" };
        ExchangeError::NotExchange { said, setting }
    }

    fn not_exchange(&self, said: &str) -> CalendarError {
        self.no_service(said.to_owned()).into()
    }

    /// What a refusal means for the reading of `room`.
    pub(super) fn refused(&self, refusal: Refusal, room: &RoomEmail) -> CalendarError {
        match refusal {
            Refusal::Said(said) => self.said(&said, room).into(),
            Refusal::TooLarge(error) | Refusal::Late(error) | Refusal::No(error) => error,
            Refusal::Unreadable(fault) => CalendarError::Unreadable(crate::model::failure::chain(&fault)),
        }
    }

    /// What a code means for `room`.
    pub(super) fn said(&self, said: &Said, room: &RoomEmail) -> ExchangeError {
        let spec = self.exchange.spec;
        let is_app = matches!(spec.sign_in, ExchangeSignIn::AppOnly { .. });
        of_said(said, &Parties { room, account: spec.account(), is_app, is_written: spec.ews_url.is_some() })
    }

    /// What an answer without its parts means.
    pub(super) fn lacking(&self, fault: ToldFault, room: &RoomEmail) -> CalendarError {
        match fault {
            ToldFault::Said(said) => self.said(&said, room).into(),
            fault => CalendarError::Unreadable(crate::model::failure::chain(&fault)),
        }
    }
}

/// 2010 calls a version that it does not know a value that the schema forbids.
fn is_about_version(said: &Said) -> bool {
    said.class() == Class::Version || said.code() == "ErrorSchemaValidation"
}

fn failing(said: &str, retry_after: Option<Duration>) -> ExchangeError {
    ExchangeError::Failing { said: said.to_owned(), retry_after }
}

pub(super) fn unreadable(why: &str) -> CalendarError {
    CalendarError::Unreadable(why.to_owned())
}
