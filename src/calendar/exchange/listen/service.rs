//! One service: which of its rooms is served where, and so which rooms are listened to together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::call::Caller;
use super::super::discovery;
use super::super::places::Place;
use super::super::sign_in::Exchange;
use super::group::Group;
use super::later::Later;
use super::{Listener, Rooms, pause};
use crate::calendar::Access;
use crate::ews::ask::notices::SUBSCRIPTIONS_MAX;
use crate::ews::autodiscover::USERS_MAX;
use crate::model::service::{ExchangeSpec, Service};
use crate::model::tally::Spent;
use crate::model::{Failure, GroupHeard, IntegrationSpec, LookAgain, Remedy, RoomEmail, RoomKey};

/// Subscriptions of one service on their way at a time: some fifty a second, so that 40,000 rooms are subscribed within a quarter of an
/// hour and nobody notices.
const AT_ONCE: usize = 4;

/// Groups of one service whose rooms are subscribed at a time: the first ones are heard while the last ones still wait.
const GROUPS_AT_ONCE: usize = 4;

/// A room that Autodiscover knows nothing of, or that is served nowhere, is looked for again after about so long.
const UNKNOWN_FOR: (Duration, Duration) = (Duration::from_mins(50), Duration::from_mins(70));

/// What all groups of a service share.
pub(super) struct Line {
    listener: Listener,
    pub(super) integration: Arc<IntegrationSpec>,
    pub(super) spec: ExchangeSpec,
    look_again: mpsc::Sender<LookAgain>,
    /// Rooms of which something may have been missed.
    pub(super) later: Later,
    /// For subscriptions.
    pub(super) turns: Semaphore,
    /// For groups that subscribe.
    pub(super) groups: Semaphore,
}

/// What a group tells.
pub(super) enum News {
    /// A room is served elsewhere.
    Elsewhere(usize, RoomEmail),
    /// Nothing has gone well for a while: perhaps all its rooms are elsewhere.
    Doubtful(usize),
}

impl Line {
    /// `None`: it is no Exchange.
    pub(super) fn new(
        listener: Listener,
        integration: Arc<IntegrationSpec>,
        look_again: mpsc::Sender<LookAgain>,
    ) -> Option<Self> {
        let Service::Exchange(spec) = &integration.service else { return None };
        let (spec, later) = (spec.clone(), Later::default());
        let (turns, groups) = (Semaphore::new(AT_ONCE), Semaphore::new(GROUPS_AT_ONCE));
        Some(Self { listener, integration, spec, look_again, later, turns, groups })
    }

    /// Who asks.
    pub(super) fn access(&self) -> Access {
        let Listener { sign_ins, looks, tokens, .. } = self.listener.clone();
        Access { sign_ins, looks, tokens, account: 0, spent: Spent::default() }
    }

    pub(super) fn caller<'a>(&'a self, access: &'a Access) -> Caller<'a> {
        let Listener { http, tally, clock, .. } = &self.listener;
        let (integration, spec, now) = (&*self.integration, &self.spec, clock.now().wall);
        Caller::new(Exchange { http, tally, access, integration, spec, now })
    }

    /// Asks for a look at `room`.
    pub(super) async fn look_at(&self, room: RoomEmail) {
        let key = RoomKey { integration: self.integration.name.clone(), email: room };
        // Nobody looks any more at a stop.
        let _ = self.look_again.send(LookAgain::Room(key)).await;
    }

    /// Says how a group is heard; what changed for the service is logged once.
    pub(super) fn tell(&self, group: usize, heard: Option<GroupHeard>) {
        let name = &self.integration.name;
        let (before, after) = self.listener.tally.hearing.set(name, group, heard);
        let why = heard.and_then(|heard| heard.why).unwrap_or("NotSubscribed");
        let rooms = after.at_once + after.by_the_minute;
        if before.connections > 0 && after.connections == 0 {
            tracing::warn!(event = "calendar_unheard", integration = %name, reason = why, "Exchange tells of no changes now; calendars are read in turn.");
        } else if after.deaf == 0 && (before.deaf > 0 || before.connections == 0) && after.connections > 0 {
            tracing::info!(event = "calendar_heard", integration = %name, rooms, connections = after.connections, "Exchange tells of changes in all rooms.");
        }
    }
}

/// The rooms of a service, and the groups they are in.
struct Seats {
    line: Arc<Line>,
    /// The group of each room that has one.
    placed: BTreeMap<RoomEmail, usize>,
    /// When the others are looked for, and how often in vain.
    sought: BTreeMap<RoomEmail, (Instant, u32)>,
    /// Rooms that were said to be elsewhere, when last, and how often within the hour.
    moved: BTreeMap<RoomEmail, (Instant, u32)>,
    groups: BTreeMap<usize, Seat>,
    made: usize,
    tasks: JoinSet<()>,
    news: mpsc::Sender<News>,
}

struct Seat {
    place: Place,
    rooms: watch::Sender<Rooms>,
}

/// Listens to a service until it is dropped.
pub(super) async fn keep(line: Arc<Line>, mut rooms: watch::Receiver<Rooms>) {
    let (sender, mut news) = mpsc::channel(64);
    let mut seats = Seats {
        line: Arc::clone(&line),
        placed: BTreeMap::new(),
        sought: BTreeMap::new(),
        moved: BTreeMap::new(),
        groups: BTreeMap::new(),
        made: 0,
        tasks: JoinSet::new(),
        news: sender,
    };
    let missed = async {
        loop {
            let room = line.later.next().await;
            line.look_at(room).await;
        }
    };
    let mut missed = std::pin::pin!(missed);
    loop {
        let wanted = Rooms::clone(&rooms.borrow_and_update());
        seats.adopt(&wanted);
        let next = tokio::select! {
            next = seats.seat() => next,
            () = &mut missed => return,
        };
        tokio::select! {
            changed = rooms.changed() => if changed.is_err() { return },
            Some(told) = news.recv() => seats.take(told),
            Some(_) = seats.tasks.join_next() => seats.forget(),
            () = sleep_until(next) => {}
            () = &mut missed => return,
        }
    }
}

impl Seats {
    /// Rooms come and go.
    fn adopt(&mut self, wanted: &Rooms) {
        let gone: Vec<RoomEmail> = self.placed.keys().filter(|room| !wanted.contains(*room)).cloned().collect();
        gone.iter().for_each(|room| self.remove(room));
        self.sought.retain(|room, _| wanted.contains(room));
        self.moved.retain(|room, _| wanted.contains(room));
        for room in wanted.iter().filter(|room| !self.placed.contains_key(*room)) {
            self.sought.entry(room.clone()).or_insert_with(|| (Instant::now(), 0));
        }
    }

    /// Looks for the rooms whose time has come; when to do so next.
    async fn seat(&mut self) -> Instant {
        loop {
            let now = Instant::now();
            let due = self.sought.iter().filter(|(_, (at, _))| *at <= now).map(|(room, _)| room.clone());
            let due: Vec<RoomEmail> = due.take(2 * USERS_MAX).collect();
            if due.is_empty() {
                break;
            }
            let mut seated: BTreeMap<(String, Option<String>), Vec<RoomEmail>> = BTreeMap::new();
            let mut trouble = None;
            for (room, outcome) in self.locate(due).await {
                match outcome {
                    Ok(place) => seated.entry((place.url, place.group)).or_default().push(room),
                    Err(failure) => {
                        self.seek_again(room, Some(&failure));
                        trouble = Some(failure);
                    }
                }
            }
            if let Some(failure) = trouble.filter(|failure| seated.is_empty() && failure.remedy == Remedy::Retry) {
                // Nobody could be found: the others would not be, either.
                let others = self.sought.iter().filter(|(_, (at, _))| *at <= now).map(|(room, _)| room.clone());
                for room in others.collect::<Vec<_>>() {
                    self.seek_again(room, Some(&failure));
                }
            }
            for ((url, group), rooms) in seated {
                self.join(&Place::at(url, group), rooms);
            }
        }
        let name = &self.line.integration.name;
        let why = Some("NotFound").filter(|_| !self.sought.is_empty());
        self.line.listener.tally.hearing.set_rest(name, self.sought.len(), why);
        let far = Instant::now() + Duration::from_secs(3600);
        self.sought.values().map(|(at, _)| *at).min().unwrap_or(far)
    }

    /// Where rooms are served. What readings found out is known here, and the other way round.
    async fn locate(&self, rooms: Vec<RoomEmail>) -> Vec<(RoomEmail, Result<Place, Failure>)> {
        if let Some(url) = &self.line.spec.ews_url {
            return rooms.into_iter().map(|room| (room, Ok(Place::at(url.clone(), None)))).collect();
        }
        let access = self.line.access();
        let caller = self.line.caller(&access);
        let (places, now) = (&caller.memory.places, caller.exchange.now);
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        for room in rooms {
            match places.known(&caller.mailbox(&room), None, now) {
                Some(place) => found.push((room, Ok(places.turned(caller.service, place)))),
                None => unknown.push(room),
            }
        }
        for some in unknown.chunks(USERS_MAX) {
            for (room, outcome) in discovery::directions(&caller, some.to_vec()).await {
                if let Ok(place) = &outcome {
                    places.tell(caller.mailbox(&room), Ok(place.clone()), now);
                }
                let outcome = outcome.map(|place| places.turned(caller.service, place));
                found.push((room, outcome.map_err(Failure::from)));
            }
        }
        found
    }

    /// Looks for a room again, later: after a pause that grows, or after an hour where a person must act.
    fn seek_again(&mut self, room: RoomEmail, failure: Option<&Failure>) {
        let times = self.sought.get(&room).map_or(0, |(_, times)| *times) + 1;
        let least = failure.and_then(|failure| failure.retry_after).unwrap_or_default();
        let pause = match failure {
            Some(failure) if failure.remedy == Remedy::Fix => {
                pause::between(UNKNOWN_FOR.0, UNKNOWN_FOR.1, room.as_str(), times)
            }
            // All of an outage together: they are asked about together, too.
            _ => pause::after(times + 2, ""),
        };
        self.sought.insert(room, (Instant::now() + pause.max(least), times));
    }

    /// Rooms of one place join the groups there.
    fn join(&mut self, place: &Place, rooms: Vec<RoomEmail>) {
        let mut rooms = rooms.into_iter().peekable();
        while rooms.peek().is_some() {
            let free = |seat: &Seat| seat.place == *place && seat.rooms.borrow().len() < SUBSCRIPTIONS_MAX;
            let number = self.groups.iter().find(|(_, seat)| free(seat)).map(|(number, _)| *number);
            let number = number.unwrap_or_else(|| self.found(place));
            let seat = self.groups.get(&number).expect("it was found, or founded, a moment ago");
            let mut members = BTreeSet::clone(&seat.rooms.borrow());
            let begins_empty = members.is_empty();
            while members.len() < SUBSCRIPTIONS_MAX
                && let Some(room) = rooms.next()
            {
                self.sought.remove(&room);
                self.placed.insert(room.clone(), number);
                members.insert(room);
            }
            seat.rooms.send_replace(Arc::new(members));
            if begins_empty {
                let group = Group::new(Arc::clone(&self.line), number, place.clone(), self.news.clone());
                self.tasks.spawn(group.keep(seat.rooms.subscribe()));
            }
        }
    }

    /// A new group, without rooms and without anybody who listens.
    fn found(&mut self, place: &Place) -> usize {
        self.made += 1;
        self.groups.insert(self.made, Seat { place: place.clone(), rooms: watch::channel(Rooms::default()).0 });
        self.made
    }

    /// A room leaves its group; a group without rooms ends.
    fn remove(&mut self, room: &RoomEmail) {
        let Some(number) = self.placed.remove(room) else { return };
        let Some(seat) = self.groups.get(&number) else { return };
        let mut members = BTreeSet::clone(&seat.rooms.borrow());
        members.remove(room);
        let is_empty = members.is_empty();
        seat.rooms.send_replace(Arc::new(members));
        if is_empty {
            // It has the empty set to look at, and ends by itself.
            self.groups.remove(&number);
        }
    }

    /// What a group tells.
    fn take(&mut self, told: News) {
        let access = self.line.access();
        let caller = self.line.caller(&access);
        let (places, now) = (&caller.memory.places, caller.exchange.now);
        match told {
            News::Elsewhere(number, room) => {
                let Some(seat) = self.groups.get(&number).filter(|_| self.placed.get(&room) == Some(&number)) else {
                    return;
                };
                let mailbox = caller.mailbox(&room);
                // A reading may have found the new place already.
                let is_there = |place: &Place| place.is_asked_like(&seat.place);
                let known = places.known(&mailbox, None, now);
                if known.is_some_and(|known| is_there(&known) || known.other_way().as_ref().is_some_and(is_there)) {
                    places.forget(&mailbox, now);
                }
                self.remove(&room);
                let now = Instant::now();
                let lately = self.moved.get(&room).filter(|(at, _)| now.duration_since(*at) < UNKNOWN_FOR.0);
                let times = lately.map_or(0, |(_, times)| *times);
                self.moved.insert(room.clone(), (now, times + 1));
                self.sought.insert(room.clone(), (now, times));
                self.seek_again(room, None);
            }
            News::Doubtful(number) => {
                let is_found = self.line.spec.ews_url.is_none();
                let Some(seat) = self.groups.get(&number).filter(|_| is_found) else { return };
                let members = Rooms::clone(&seat.rooms.borrow());
                let elsewhere = members.iter().filter(|room| {
                    let mailbox = caller.mailbox(room);
                    places.doubt(&mailbox, now);
                    let known = places.known(&mailbox, None, now).map(|known| places.turned(caller.service, known));
                    !known.is_some_and(|known| known.is_asked_like(&seat.place))
                });
                let elsewhere: Vec<RoomEmail> = elsewhere.cloned().collect();
                for room in elsewhere {
                    self.remove(&room);
                    self.seek_again(room, None);
                }
            }
        }
    }

    /// A group ended: it has no rooms, or stopped where it must not. Its rooms are listened to by another one then.
    fn forget(&mut self) {
        let left = self.groups.iter().filter(|(_, seat)| seat.rooms.receiver_count() == 0);
        for number in left.map(|(number, _)| *number).collect::<Vec<_>>() {
            tracing::error!(integration = %self.line.integration.name, "Listening to a group of rooms stopped; please report it.");
            self.groups.remove(&number);
            self.line.tell(number, None);
            let rooms: Vec<RoomEmail> =
                self.placed.iter().filter(|(_, of)| **of == number).map(|(room, _)| room.clone()).collect();
            for room in rooms {
                self.placed.remove(&room);
                self.sought.insert(room.clone(), (Instant::now(), 6));
                self.seek_again(room, None);
            }
        }
    }
}
