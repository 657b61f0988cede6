//! A streaming answer: envelopes one after the other over a connection that stays open, each told when the room's list changed, and every
//! 45 s that nothing did. There is no task behind it: the connection's own polling drives it, and it ends with the connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::answer::Stream;
use super::visitors::StreamPlace;
use crate::model::Clock;
use crate::model::published::{Account, Accounts};

/// The list is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Without news, the other side hears of us this often: clients and proxies give up after a minute of silence.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(45);

/// The body of a streaming answer.
pub(super) struct StreamBody {
    /// What comes first; afterwards `None`.
    first: Option<String>,
    stream: Stream,
    account: Account,
    accounts: watch::Receiver<Accounts>,
    clock: Clock,
    look: Interval,
    until: Instant,
    said: Instant,
    ended: bool,
    _place: StreamPlace,
}

impl StreamBody {
    /// Begins with `first`.
    pub(super) fn new(
        first: String,
        stream: Stream,
        account: Account,
        accounts: watch::Receiver<Accounts>,
        clock: Clock,
        place: StreamPlace,
    ) -> Self {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        let until = now + Duration::from_secs(60) * stream.minutes;
        Self {
            first: Some(first),
            stream,
            account,
            accounts,
            clock,
            look,
            until,
            said: now,
            ended: false,
            _place: place,
        }
    }

    /// Whether whoever listens may still see the room.
    fn is_allowed(&self) -> bool {
        let accounts = self.accounts.borrow();
        let same = |account: &Account| {
            account.endpoint == self.account.endpoint
                && account.room == self.account.room
                && account.poly.password == self.account.poly.password
        };
        accounts.0.get(&self.account.poly.username.to_lowercase()).is_some_and(same)
    }

    fn turn(&mut self) -> Option<String> {
        let now = self.clock.now().wall;
        if !self.is_allowed() || Instant::now() >= self.until {
            self.ended = true;
            return Some(self.stream.end());
        }
        let news = self.stream.news(&self.account.cell.look(), now);
        if news.is_none() && self.said.elapsed() < HEARTBEAT_EVERY {
            return None;
        }
        self.said = Instant::now();
        // Somebody still takes what is written, else the connection would have been given up.
        self.account.cell.contact(now);
        Some(news.unwrap_or_else(|| self.stream.heartbeat(now)))
    }
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first.into()))));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        loop {
            ready!(this.look.poll_tick(context));
            if let Some(text) = this.turn() {
                return Poll::Ready(Some(Ok(Frame::data(text.into()))));
            }
        }
    }
}
