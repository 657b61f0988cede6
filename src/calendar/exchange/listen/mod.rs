//! Listens to Exchange: it says by itself that a calendar changed, over connections that stay open. In: the wish in force. Out: requests
//! to look again at a room, which carry nothing; whoever gets one reads the calendar.
//!
//! ```text
//!  wish ─► service: which room is served where ─► group: up to 200 rooms of one place ─► Subscribe, each room for itself
//!                                                                                     └► GetStreamingEvents ─► look again
//! ```
//!
//! | what happens | what is done |
//! |---|---|
//! | a connection ends, or breaks off | it is opened again at once, then after growing pauses; after a break all its rooms are looked at once, one by one |
//! | nothing is said for longer than two signs of life | the connection is broken |
//! | a subscription is lost | the room is subscribed again, and looked at once |
//! | the mailbox is served elsewhere | Autodiscover is asked, and the room joins another group |
//! | the room may not be subscribed | the others go on; it is tried again each hour |
//! | the account is refused | nothing is asked until the reader's own pauses are over: both share [`Tokens`](crate::oauth::Tokens) |
//! | Exchange asks for fewer requests | a pause, as long as it says |
//! | nothing comes at once, but plain requests are answered | the ladder below |
//!
//! # The ladder
//!
//! Something on the way that keeps answers until they are whole (a proxy that scans them) lets nothing through while a connection lasts. So
//! connections of one minute are opened then, whose whole answer comes at their end: a change is known within a minute, at one request a
//! minute for 200 rooms. Where an answer begins at once again, the next connection is a long one. Where even such an answer does
//! not come, rooms are read as the pace has it, and one room is listened to each hour to see whether that has changed.
//!
//! *Design notes.* Pull subscriptions (`GetEvents`) are not used for this: they cost a request for each room each time, as much as reading
//! its list does, which says what changed as well; minutes of streaming do the same for a 200th of that. Subscriptions and streams
//! count as requests to the service, not to its day: a day's limit is about reading, one connection replaces thousands of
//! reads, and a room whose subscription fails is tried again seldom. Reading a calendar changes nothing in it, so it tells of nothing.
//! At a stop nothing is taken back: the server forgets subscriptions that nobody listens to after half an hour.
//!
//! See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-maintain-affinity-between-group-of-subscriptions-and-mailbox-server>.

mod affinity;
mod connection;
mod group;
mod later;
mod pause;
mod service;
mod subscribing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::calendar::{Looks, SignIns};
use crate::http::Http;
use crate::model::desired::RoomSource;
use crate::model::service::Service;
use crate::model::tally::Tally;
use crate::model::{Clock, Desired, IntegrationName, IntegrationSpec, LookAgain, RoomEmail};
use crate::oauth::Tokens;
use service::Line;

/// What listening takes: all of it shared with the readings of the process.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The way out.
    pub http: Http,
    /// Where requests are counted, and what is heard is told.
    pub tally: Arc<Tally>,
    /// The time.
    pub clock: Clock,
    /// What servers taught us.
    pub sign_ins: SignIns,
    /// The last answers about many rooms.
    pub looks: Looks,
    /// Tokens, and which passwords may be sent.
    pub tokens: Tokens,
}

/// The rooms of a service, in order.
type Rooms = Arc<BTreeSet<RoomEmail>>;

/// A service that is listened to.
struct Kept {
    integration: Arc<IntegrationSpec>,
    rooms: watch::Sender<Rooms>,
    task: AbortHandle,
}

/// Listens to all Exchange rooms of the wish until `stop`.
pub async fn listen(
    listener: Listener,
    mut wish: watch::Receiver<Arc<Desired>>,
    look_again: mpsc::Sender<LookAgain>,
    stop: CancellationToken,
) {
    let mut tasks = JoinSet::new();
    let mut kept: BTreeMap<IntegrationName, Kept> = BTreeMap::new();
    loop {
        let desired = Arc::clone(&wish.borrow_and_update());
        let mut wanted = rooms_of(&desired);
        kept.retain(|name, it| {
            let stays = wanted.contains_key(name);
            if !stays {
                it.task.abort();
                listener.tally.hearing.forget(name);
            }
            stays
        });
        for (name, (integration, rooms)) in std::mem::take(&mut wanted) {
            let before = kept.remove(&name).filter(|it| is_reached_alike(&it.integration, &integration));
            let it = match before.filter(|it| !it.task.is_finished()) {
                Some(it) => it,
                None => {
                    listener.tally.hearing.forget(&name);
                    let Some(line) = Line::new(listener.clone(), Arc::clone(&integration), look_again.clone()) else {
                        continue;
                    };
                    let (sender, receiver) = watch::channel(Rooms::default());
                    let task = tasks.spawn(service::keep(Arc::new(line), receiver));
                    Kept { integration, rooms: sender, task }
                }
            };
            it.rooms.send_if_modified(|known| {
                let differs = *known != rooms;
                *known = rooms;
                differs
            });
            kept.insert(name, it);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = wish.changed() => if changed.is_err() { return },
            Some(_) = tasks.join_next() => {}
        }
    }
}

fn rooms_of(desired: &Desired) -> BTreeMap<IntegrationName, (Arc<IntegrationSpec>, Rooms)> {
    let mut rooms: BTreeMap<IntegrationName, (Arc<IntegrationSpec>, BTreeSet<RoomEmail>)> = BTreeMap::new();
    for (key, room) in &desired.rooms {
        if matches!((&room.integration.service, &room.source), (Service::Exchange(_), RoomSource::Mailbox)) {
            let of = rooms.entry(key.integration.clone());
            of.or_insert_with(|| (Arc::clone(&room.integration), BTreeSet::new())).1.insert(key.email.clone());
        }
    }
    rooms.into_iter().map(|(name, (integration, rooms))| (name, (integration, Arc::new(rooms)))).collect()
}

/// Whether a change of documents leaves connections as they are.
fn is_reached_alike(before: &IntegrationSpec, after: &IntegrationSpec) -> bool {
    *before == IntegrationSpec { labels: before.labels.clone(), ..after.clone() }
}
