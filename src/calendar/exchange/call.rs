//! One operation on one mailbox: what is asked and where in, the answer or the reason why there is none out. Every request counts.
//!
//! The mailbox is impersonated, and named in `X-AnchorMailbox`, by which load balancers find its server. A server that does not take
//! the version we ask in is asked in the one before, and from then on in that one; whether it says so by a fault, as servers do, or in a
//! response message, as they do where only the mailbox is of an older kind.

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
use crate::http::{
    Answering, Bytes, CALENDAR_LIMIT, HeaderMap, HttpError, Response, StatusCode, Url, retry_after, server_date,
};
use crate::model::service::ExchangeSignIn;
use crate::model::{Digest, RoomEmail, Scope};

/// Longest time for one request, sign-in included. Servers cut their work after a minute; a step has no more for all of it.
const DEADLINE: Duration = Duration::from_secs(40);

/// Versions there are to try.
const VERSIONS: usize = 4;

/// Longest answer that is looked at for a refused version, in bytes. Envelope, header and one message have about one thousand.
const REFUSAL_MAX: usize = 4 << 10;

/// How long the text of a refusal may take, where an answer was to be read piece by piece.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(10);

/// An Exchange service, as one step speaks to it.
pub(super) struct Caller<'a> {
    pub(super) exchange: Exchange<'a>,
    pub(super) memory: &'a Memory,
    /// The service as documents have it now.
    pub(super) service: Digest,
}

/// By what load balancers find the server that is to answer.
pub(super) struct Whither {
    /// The mailbox it serves (`X-AnchorMailbox`).
    pub(super) anchor: RoomEmail,
    /// What keeps further requests with it.
    pub(super) headers: HeaderMap,
}

impl Whither {
    /// To the server of this mailbox.
    pub(super) fn to(mailbox: &RoomEmail) -> Self {
        Self { anchor: mailbox.clone(), headers: HeaderMap::new() }
    }
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
        self.raw_at(place, room, ask, &Whither::to(room)).await
    }

    /// The same, of the server that `whither` leads to.
    pub(super) async fn raw_at(
        &self,
        place: &Place,
        room: &RoomEmail,
        ask: &Ask,
        whither: &Whither,
    ) -> Result<Raw, Refusal> {
        let url = self.url(place)?;
        let mailbox = self.mailbox(room);
        let mut version = self.memory.places.version(&mailbox);
        for _ in 0..VERSIONS {
            let outcome = self.send(&url, room, self.envelope(room, ask, version), whither).await;
            let is_refused = match &outcome {
                Err(Refusal::Said(said)) => is_about_version(said),
                Err(_) => false,
                Ok(raw) => is_refused_by_version(&raw.response.body),
            };
            let Some(older) = version.older().filter(|_| is_refused) else {
                if !is_refused && outcome.is_ok() && version != Version::default() {
                    self.memory.places.learn_version(&mailbox, version);
                }
                return outcome;
            };
            version = older;
        }
        Err(Refusal::No(ExchangeError::TooOld("ErrorInvalidServerVersion".into()).into()))
    }

    /// Asks as `room` for an answer that is read piece by piece; it is to begin within `patience`. The version is the one that was
    /// found out before.
    pub(super) async fn open(
        &self,
        place: &Place,
        room: &RoomEmail,
        ask: &Ask,
        whither: &Whither,
        patience: Duration,
    ) -> Result<Answering, Refusal> {
        let url = self.url(place)?;
        let version = self.memory.places.version(&self.mailbox(room));
        let request = request(&url, self.envelope(room, ask, version), whither, patience);
        self.exchange.access.spent.one_more();
        let answering = self.exchange.open(&request).await.map_err(|error| self.entry(error, &url, room))?;
        if answering.status == StatusCode::OK {
            return Ok(answering);
        }
        let read = self.exchange.http.whole(answering, REFUSAL_PATIENCE).await;
        let (response, _) = read.map_err(|error| self.entry(EntryError::Unreachable(error), &url, room))?;
        Err(self.without_answer(&response))
    }

    fn url(&self, place: &Place) -> Result<Url, Refusal> {
        place.url.parse().map_err(|_| Refusal::No(self.not_exchange("its address is no web address")))
    }

    fn envelope(&self, room: &RoomEmail, ask: &Ask, version: Version) -> String {
        // Who acts as itself needs no role for that.
        let own = self.exchange.spec.account().eq_ignore_ascii_case(room.as_str());
        ask.envelope(&Header { version, mailbox: (!own).then_some(room) })
    }

    async fn send(&self, url: &Url, room: &RoomEmail, envelope: String, whither: &Whither) -> Result<Raw, Refusal> {
        self.exchange.access.spent.one_more();
        let request = request(url, envelope, whither, DEADLINE);
        let response = self.exchange.send(&request).await.map_err(|error| self.entry(error, url, room))?;
        match response.status {
            StatusCode::OK => Ok(Raw { server_date: server_date(url, &response.headers), response }),
            _ => Err(self.without_answer(&response)),
        }
    }

    /// Of an answer with a status other than 200.
    fn without_answer(&self, response: &Response) -> Refusal {
        if response.status != StatusCode::INTERNAL_SERVER_ERROR {
            return Refusal::No(self.status(response).into());
        }
        // Faults come so, and a server's own pages about its faults.
        match Reply::read(&response.body) {
            Err(ToldFault::Said(said)) => Refusal::Said(said),
            _ => Refusal::No(failing("HTTP 500", None).into()),
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

fn request(url: &Url, envelope: String, whither: &Whither, deadline: Duration) -> sign_in::Ask {
    sign_in::Ask {
        url: url.clone(),
        body: Bytes::from(envelope),
        anchor: Some(whither.anchor.as_str().to_owned()),
        headers: whither.headers.clone(),
        deadline,
        limit_bytes: CALENDAR_LIMIT,
    }
}

/// 2010 calls a version that it does not know a value that the schema forbids.
fn is_about_version(said: &Said) -> bool {
    said.class() == Class::Version || said.code() == "ErrorSchemaValidation"
}

/// Whether an answer consists of such a message. It is a short one.
fn is_refused_by_version(body: &[u8]) -> bool {
    let reply = Some(body).filter(|body| body.len() <= REFUSAL_MAX).map(Reply::read);
    let said = reply.and_then(Result::ok).and_then(|reply| reply.refused());
    said.is_some_and(|said| said.class() == Class::Version)
}

fn failing(said: &str, retry_after: Option<Duration>) -> ExchangeError {
    ExchangeError::Failing { said: said.to_owned(), retry_after }
}

pub(super) fn unreadable(why: &str) -> CalendarError {
    CalendarError::Unreadable(why.to_owned())
}
