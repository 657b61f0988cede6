//! `GetStreamingEvents`: answers that go on, an envelope at a time. Opened by a request; filled, kept alive and ended by
//! [`Place::pass`].

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::Call;
use super::items::Place;
use super::notices::events;
use super::org::Server;
use super::soap::{self, Refused};
use super::xml::escaped;
use crate::http::{Bytes, HttpError};
use crate::sim::dice::Dice;

/// Pieces that may wait for a slow reader; a slower one loses its stream.
const PIECES_MAX: usize = 256;

const OPERATION: &str = "GetStreamingEvents";
const ALIVE: &str = "<m:ConnectionStatus>OK</m:ConnectionStatus>";
const CLOSED: &str = "<m:ConnectionStatus>Closed</m:ConnectionStatus>";

/// A stream that was opened.
pub(super) struct Opened {
    pub(super) pieces: mpsc::Receiver<Result<Bytes, HttpError>>,
    /// How long the connection is to last.
    pub(super) lasts: Duration,
    server: Server,
}

impl Opened {
    /// Everything that is known at the beginning, and the end.
    pub(super) fn at_once(mut self) -> Bytes {
        let mut all = Vec::new();
        while let Ok(Ok(piece)) = self.pieces.try_recv() {
            all.extend_from_slice(&piece);
        }
        all.extend(envelope(&self.server, &soap::success(OPERATION, CLOSED)).into_bytes());
        all.into()
    }
}

/// All open streams.
#[derive(Default)]
pub(super) struct Streams {
    open: BTreeMap<u64, Open>,
    /// The stream of each subscription that has one.
    of: BTreeMap<String, u64>,
    made: u64,
    /// Mailboxes that were seen to change so far: what the dice are thrown for.
    thrown: u64,
}

struct Open {
    sender: mpsc::Sender<Result<Bytes, HttpError>>,
    server: Server,
    subscriptions: Vec<String>,
    /// Whose budget it takes from.
    owner: String,
    ends: Option<Timestamp>,
    next_beat: Timestamp,
    /// What something on the way keeps until the end.
    kept: Option<Vec<u8>>,
}

impl Open {
    /// Whether somebody still takes it.
    fn send(&mut self, message: &str) -> bool {
        let text = envelope(&self.server, message).into_bytes();
        match &mut self.kept {
            Some(kept) => {
                kept.extend(text);
                !self.sender.is_closed()
            }
            None => self.sender.try_send(Ok(text.into())).is_ok(),
        }
    }

    fn end(mut self, message: &str) {
        self.send(message);
        if let Some(kept) = self.kept.take() {
            let _ = self.sender.try_send(Ok(kept.into()));
        }
    }
}

fn envelope(server: &Server, message: &str) -> String {
    soap::envelope(server, &soap::response(OPERATION, &[message.to_owned()]))
}

impl Streams {
    pub(super) fn open(&self) -> usize {
        self.open.values().filter(|stream| !stream.sender.is_closed()).count()
    }

    pub(super) fn break_off(&mut self) {
        for stream in std::mem::take(&mut self.open).into_values() {
            let _ = stream.sender.try_send(Err(HttpError::Protocol("the connection was closed")));
        }
        self.of.clear();
    }

    fn remove(&mut self, id: u64) -> Option<Open> {
        let gone = self.open.remove(&id)?;
        for subscription in &gone.subscriptions {
            if self.of.get(subscription) == Some(&id) {
                self.of.remove(subscription);
            }
        }
        Some(gone)
    }

    /// Forgets streams whose reader has gone.
    fn tidy(&mut self) {
        let gone: Vec<u64> =
            self.open.iter().filter(|(_, stream)| stream.sender.is_closed()).map(|(id, _)| *id).collect();
        for id in gone {
            self.remove(id);
        }
    }
}

impl Place<'_> {
    /// `GetStreamingEvents`.
    ///
    /// # Errors
    /// When there is no stream, and a fault instead.
    pub(super) fn stream(mut self, call: &Call<'_>) -> Result<Opened, Refused> {
        let ids: Vec<String> = call.node.all("SubscriptionIds").iter().map(|id| id.text.clone()).collect();
        let minutes: Option<u32> = call.node.text_at(&["ConnectionTimeout"]).parse().ok();
        let minutes = minutes.filter(|minutes| (1..=30).contains(minutes)).ok_or(Refused("ErrorSchemaValidation"))?;
        if ids.is_empty() {
            return Err(Refused("ErrorSchemaValidation"));
        }
        let streams = &mut self.state.streams;
        streams.tidy();
        let owner = call.impersonated.unwrap_or(call.account);
        let open = streams.open.values().filter(|stream| stream.owner == owner).count();
        if open >= self.options.streams_at_once {
            self.state.limits.counts.over_budget += 1;
            return Err(Refused("ErrorExceededConnectionCount"));
        }
        let peak = &mut self.state.limits.counts.peak_streams;
        *peak = (*peak).max(open + 1);
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        let lasts = Duration::from_secs(u64::from(minutes) * 60);
        let mut opened = Open {
            sender,
            server: call.server.clone(),
            owner: owner.to_owned(),
            ends: self.options.streams_end.then_some(call.now + lasts),
            next_beat: call.now + self.options.beat,
            kept: self.options.buffered.then(Vec::new),
            subscriptions: ids,
        };
        let server = opened.server.clone();
        match self.refusal(call, &opened.subscriptions) {
            Some(refusal) => {
                opened.end(&refusal);
                return Ok(Opened { pieces, lasts: Duration::from_millis(50), server });
            }
            None => {
                opened.send(&soap::success(OPERATION, ALIVE));
            }
        }
        self.take_over(&opened.subscriptions);
        let streams = &mut self.state.streams;
        streams.made += 1;
        let id = streams.made;
        streams.of.extend(opened.subscriptions.iter().map(|subscription| (subscription.clone(), id)));
        let subscriptions = opened.subscriptions.clone();
        streams.open.insert(id, opened);
        // What happened since it was subscribed.
        self.tell(&subscriptions, call.now, false);
        Ok(Opened { pieces, lasts, server })
    }

    /// What is said instead of a stream about subscriptions of which one is no good.
    fn refusal(&mut self, call: &Call<'_>, ids: &[String]) -> Option<String> {
        let mut bad: Option<(Refused, String)> = None;
        for id in ids {
            match self.state.subscriptions.usable(call, id, false) {
                Ok(subscription) => subscription.heard = call.now,
                Err(refused) => {
                    let (_, named) = bad.get_or_insert((refused, String::new()));
                    *named += &format!("<t:SubscriptionId>{}</t:SubscriptionId>", escaped(id));
                }
            }
        }
        let (refused, named) = bad?;
        let inside = format!("<m:ErrorSubscriptionIds>{named}</m:ErrorSubscriptionIds>{CLOSED}");
        Some(soap::failure(OPERATION, refused, &inside))
    }

    /// Ends the streams that had these subscriptions before.
    fn take_over(&mut self, subscriptions: &[String]) {
        for subscription in subscriptions {
            let before = self.state.streams.of.get(subscription).copied();
            if let Some(stream) = before.and_then(|id| self.state.streams.remove(id)) {
                let ids: String = stream
                    .subscriptions
                    .iter()
                    .map(|id| format!("<t:SubscriptionId>{id}</t:SubscriptionId>"))
                    .collect();
                let inside = format!("<m:ErrorSubscriptionIds>{ids}</m:ErrorSubscriptionIds>{CLOSED}");
                stream.end(&soap::failure(OPERATION, Refused("ErrorNewEventStreamConnectionOpened"), &inside));
            }
        }
    }

    /// Everything that is due: notifications, signs of life, ends.
    pub(super) fn pass(mut self, now: Timestamp) {
        let (least, most) = self.options.notice_after;
        for mailbox in self.state.watch.take() {
            if !self.state.subscriptions.of(&mailbox).is_empty() {
                self.state.streams.thrown += 1;
                let share = Dice::new(self.options.seed ^ 1, self.state.streams.thrown).share();
                let after = least + most.saturating_sub(least).mul_f64(share);
                self.state.subscriptions.due.insert((now + after, mailbox));
            }
        }
        let mut due = Vec::new();
        while self.state.subscriptions.due.first().is_some_and(|(at, _)| *at <= now) {
            let mailbox = self.state.subscriptions.due.pop_first().map(|(_, mailbox)| mailbox).unwrap_or_default();
            due.extend(self.state.subscriptions.of(&mailbox));
        }
        self.tell(&due, now, true);
        self.state.streams.tidy();
        let mut over = Vec::new();
        for (id, stream) in &mut self.state.streams.open {
            if stream.ends.is_some_and(|end| end <= now) {
                over.push((*id, true));
            } else if stream.next_beat <= now {
                stream.next_beat = now + self.options.beat;
                if !stream.send(&soap::success(OPERATION, ALIVE)) {
                    over.push((*id, false));
                }
            }
        }
        for (id, is_end) in over {
            let Some(stream) = self.state.streams.remove(id) else { continue };
            for subscription in &stream.subscriptions {
                if let Some(subscription) = self.state.subscriptions.get_mut(subscription) {
                    subscription.heard = now;
                }
            }
            if is_end {
                stream.end(&soap::success(OPERATION, CLOSED));
            }
        }
    }

    /// Tells what these subscriptions have not told yet, where a stream of them is open. Some is lost.
    fn tell(&mut self, subscriptions: &[String], now: Timestamp, may_be_lost: bool) {
        let mut told: BTreeMap<u64, String> = BTreeMap::new();
        for id in subscriptions {
            let Some(stream) = self.state.streams.of.get(id) else { continue };
            let Some(subscription) = self.state.subscriptions.get_mut(id) else { continue };
            subscription.heard = now;
            let memory = &mut self.state.memory;
            let mailbox = subscription.mailbox.clone();
            let news = self.rooms.look(&mailbox, |room| {
                let known = memory.look(&mailbox, room?);
                let news = events(subscription, known, subscription.told, now, None);
                subscription.told = known.revision;
                news.flatten()
            });
            let Some(news) = news else { continue };
            self.state.streams.thrown += 1;
            let mut dice = Dice::new(self.options.seed ^ 2, self.state.streams.thrown);
            if may_be_lost && dice.happens(self.options.notices_lost) {
                self.state.limits.counts.notices_lost += 1;
                continue;
            }
            self.state.limits.counts.notices += 1;
            let notification =
                format!("<t:Notification><t:SubscriptionId>{id}</t:SubscriptionId>{news}</t:Notification>");
            told.entry(*stream).or_default().push_str(&notification);
        }
        for (id, notifications) in told {
            let message = soap::success(OPERATION, &format!("<m:Notifications>{notifications}</m:Notifications>"));
            let Some(stream) = self.state.streams.open.get_mut(&id) else { continue };
            stream.next_beat = now + self.options.beat;
            if !stream.send(&message) {
                self.state.streams.remove(id);
            }
        }
    }
}
