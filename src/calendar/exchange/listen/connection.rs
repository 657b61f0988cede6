//! One connection on which Exchange tells what changes in a group of rooms, from its opening to its end. Each notification becomes a
//! request to look at the room again; what happened to the connection comes out.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::super::call::Refusal;
use super::super::error::ExchangeError;
use super::super::places::Place;
use super::affinity::Affinity;
use super::service::Line;
use super::subscribing::Refused;
use crate::calendar::CalendarError;
use crate::ews::ask::Ask;
use crate::ews::told::ToldFault;
use crate::ews::told::notices::{Lost, Streamed};
use crate::ews::told::stream::Stream;
use crate::http::HttpError;
use crate::model::RoomEmail;

/// A server that has nothing to tell says every 45 s that it lives; Microsoft's own clients give it two such spans.
const SILENCE: Duration = Duration::from_secs(105);

/// A connection that lasts so much longer than was asked for is closed from here.
const OVERTIME: Duration = Duration::from_secs(60);

/// A gateway's refusal that takes so long is its own patience with an answer that does not end.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(15);

/// What is listened to.
pub(super) struct Connection<'a> {
    pub(super) line: &'a Line,
    pub(super) place: &'a Place,
    pub(super) affinity: &'a Affinity,
    /// Rooms by subscription.
    pub(super) rooms: &'a BTreeMap<String, RoomEmail>,
    /// How long it is to last.
    pub(super) minutes: u32,
    /// How long until the first sign of life.
    pub(super) patience: Duration,
}

/// What came of it.
pub(super) struct Ended {
    /// How long the first sign of life took.
    pub(super) first: Option<Duration>,
    pub(super) lasted: Duration,
    pub(super) end: End,
}

/// Why it ended.
pub(super) enum End {
    /// Its time is over.
    Over,
    /// Something else is to be done.
    Called,
    /// Exchange tells no more of some rooms, or of all.
    Lost(Vec<Lost>),
    /// It broke off, fell silent, or cannot be read; a closed set.
    Broken(&'static str),
    /// Nothing ever came.
    Mute,
    /// It was not opened.
    Refused(Refused),
}

impl Connection<'_> {
    /// Listens until the end, or until `called`; `heard` is told of the first sign of life.
    pub(super) async fn listen(
        &self,
        called: impl Future<Output = ()> + Send,
        heard: &mut (dyn FnMut(Duration) + Send),
    ) -> Ended {
        let began = Instant::now();
        let mut first = None;
        let mut told = |at: Instant| {
            if first.is_none() {
                first = Some(at - began);
                heard(at - began);
            }
        };
        let end = tokio::select! {
            biased;
            end = self.told(began, &mut told) => end,
            () = called => End::Called,
        };
        Ended { first, lasted: began.elapsed(), end }
    }

    async fn told(&self, began: Instant, alive: &mut (dyn FnMut(Instant) + Send)) -> End {
        let access = self.line.access();
        let caller = self.line.caller(&access);
        let ids: Vec<&String> = self.rooms.keys().collect();
        let Ok(ask) = Ask::events_of(&ids, self.minutes) else { return End::Over };
        let anchor = &self.affinity.anchor;
        let opened = caller.open(self.place, anchor, &ask, &self.affinity.whither(), self.patience).await;
        let mut answering = match opened {
            Ok(answering) => answering,
            Err(Refusal::Said(said)) => return End::Lost(vec![Lost { said, subscriptions: Vec::new() }]),
            Err(Refusal::Late(_)) => return End::Mute,
            Err(refusal) => {
                let error = caller.refused(refusal, anchor);
                let failing = matches!(&error, CalendarError::Exchange(ExchangeError::Failing { .. }));
                if failing && began.elapsed() >= GATEWAY_PATIENCE {
                    return End::Mute;
                }
                return End::Refused(Refused::of(error, self.line.spec.ews_url.is_none()));
            }
        };
        let mut stream = Stream::new();
        let latest = began + Duration::from_secs(60) * self.minutes + OVERTIME;
        let (mut due, mut is_heard) = (began + self.patience, false);
        loop {
            let now = Instant::now();
            if now >= latest && is_heard {
                return End::Over;
            }
            let patience = due.min(latest).saturating_duration_since(now);
            let late = if is_heard { End::Broken("Silent") } else { End::Mute };
            if patience.is_zero() {
                return late;
            }
            let piece = match answering.chunk(patience).await {
                Ok(Some(piece)) => piece,
                Ok(None) if stream.finish().is_err() || !is_heard => return End::Broken("Cut"),
                Ok(None) => return End::Over,
                Err(HttpError::Deadline) if Instant::now() >= latest && is_heard => return End::Over,
                Err(HttpError::Deadline) => return late,
                Err(error) => return End::Broken(error.label()),
            };
            for streamed in stream.feed(&piece) {
                let streamed = match streamed {
                    Ok(streamed) => streamed,
                    Err(ToldFault::Said(said)) => return End::Lost(vec![Lost { said, subscriptions: Vec::new() }]),
                    Err(_) => return End::Broken("Unreadable"),
                };
                if streamed.lost.is_empty() {
                    is_heard = true;
                    alive(Instant::now());
                    due = Instant::now() + SILENCE;
                }
                if let Some(end) = self.take(streamed).await {
                    return end;
                }
            }
        }
    }

    /// Passes on what an envelope tells.
    async fn take(&self, streamed: Streamed) -> Option<End> {
        for notification in streamed.notifications.iter().filter(|it| it.events > 0) {
            if let Some(room) = self.rooms.get(&notification.subscription) {
                self.line.look_at(room.clone()).await;
            }
        }
        if !streamed.lost.is_empty() {
            return Some(End::Lost(streamed.lost));
        }
        streamed.closed.then_some(End::Over)
    }
}
