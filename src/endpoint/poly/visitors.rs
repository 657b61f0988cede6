//! What is remembered of each device between its requests: when it was here, what it fetched, which family it is, which subscriptions it
//! ended, how many streams it has open. All of it is bounded, and a restart may forget it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::profile;
use crate::ews::Dialect;
use crate::model::device::PolyModel;
use crate::model::presence::Presence;
use crate::model::published::{Account, Accounts, Edition};
use crate::model::{Digest, EndpointName, Mono, Now, Window};

/// A device that was silent for this long is news when it comes back.
const SILENCE: Duration = Duration::from_secs(120);
/// Most ended subscriptions that are remembered of a device.
const ENDED_MAX: usize = 8;
/// Most streams that a device has open at once.
const STREAMS_MAX: u32 = 2;

/// All devices that were here.
#[derive(Default)]
pub(super) struct Visitors(Mutex<BTreeMap<EndpointName, Visitor>>);

#[derive(Default)]
struct Visitor {
    /// The last poll that was told, or brought nothing new.
    seen: Option<Seen>,
    model: PolyModel,
    ended: VecDeque<String>,
    streams: Arc<AtomicU32>,
}

/// When a device was last here, and what it fetched then. The digest of a list is computed once a list, not once a poll.
struct Seen {
    at: Mono,
    fetched: Option<(Arc<Edition>, Digest)>,
}

/// What a request says of who makes it.
pub(super) struct Guise<'a> {
    pub(super) user_agent: Option<&'a str>,
    pub(super) scheme: &'static str,
    pub(super) peer: String,
}

/// An open stream; gives its place back when dropped.
pub(super) struct StreamPlace(Arc<AtomicU32>);

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Visitors {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<EndpointName, Visitor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The family of a device. What it once called itself holds for requests without a name, too.
    pub(super) fn model(&self, account: &Account, user_agent: Option<&str>, dialect: Dialect) -> PolyModel {
        let mut known = self.lock();
        let visitor = known.entry(account.endpoint.clone()).or_default();
        let model = profile::recognised(account.poly.model, user_agent, dialect);
        if model != PolyModel::Auto {
            visitor.model = model;
        }
        visitor.model
    }

    /// The subscriptions that a device ended.
    pub(super) fn ended(&self, endpoint: &EndpointName) -> Vec<String> {
        self.lock().get(endpoint).map(|visitor| visitor.ended.iter().cloned().collect()).unwrap_or_default()
    }

    /// It ended one more.
    pub(super) fn end(&self, endpoint: &EndpointName, subscription: String) {
        let mut known = self.lock();
        let ended = &mut known.entry(endpoint.clone()).or_default().ended;
        ended.truncate(ENDED_MAX - 1);
        ended.push_front(subscription);
    }

    /// A place for one more stream; `None`: it has enough.
    pub(super) fn open_stream(&self, endpoint: &EndpointName) -> Option<StreamPlace> {
        let streams = self.lock().entry(endpoint.clone()).or_default().streams.clone();
        let place = StreamPlace(streams);
        (place.0.fetch_add(1, Ordering::Relaxed) < STREAMS_MAX).then_some(place)
    }

    /// Forgets devices that have no account any more, where there are many. Returns whether it did.
    pub(super) fn forget_strangers(&self, accounts: &Accounts) -> bool {
        let mut known = self.lock();
        let many = known.len() > accounts.0.len().saturating_mul(2) + 100;
        if many {
            known.retain(|endpoint, _| accounts.0.values().any(|account| account.endpoint == *endpoint));
        }
        many
    }

    /// Hands `tell` a poll that brings news: the first one, one after a silence, one that fetched another list. What it could not pass on is
    /// told again by the next poll, which finds the same difference.
    pub(super) fn tell(
        &self,
        account: &Account,
        guise: Guise<'_>,
        fetched: Option<(Arc<Edition>, Option<Window>)>,
        now: Now,
        tell: impl FnOnce(Presence) -> bool,
    ) {
        let mut known = self.lock();
        let visitor = known.entry(account.endpoint.clone()).or_default();
        let before = visitor.seen.as_ref();
        let (edition, window) = fetched.unzip();
        let fetched = edition.map(|edition| {
            let same = before.and_then(|seen| seen.fetched.as_ref()).filter(|(last, _)| Arc::ptr_eq(last, &edition));
            let digest = same.map_or_else(|| edition.schedule.digest(), |(_, digest)| *digest);
            (edition, digest)
        });
        let digest = fetched.as_ref().map(|(_, digest)| *digest);
        let is_news = before.is_none_or(|seen| {
            let last = seen.fetched.as_ref().map(|(_, digest)| *digest);
            now.mono.0.saturating_sub(seen.at.0) >= SILENCE || (digest.is_some() && digest != last)
        });
        if is_news {
            let news = Presence {
                endpoint: account.endpoint.clone(),
                at: now.wall,
                fetched: digest,
                window: window.flatten(),
                user_agent: guise.user_agent.map(str::to_owned),
                model: profile::name(visitor.model),
                scheme: guise.scheme,
                peer: guise.peer,
            };
            if !tell(news) {
                return;
            }
        }
        let fetched = fetched.or_else(|| visitor.seen.take().and_then(|seen| seen.fetched));
        visitor.seen = Some(Seen { at: now.mono, fetched });
    }
}
