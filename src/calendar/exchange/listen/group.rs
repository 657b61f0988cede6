//! Up to 200 rooms of one place, which share a connection: subscribed, listened to, and subscribed again, for as long as they are wanted.
//! What happens to this group happens to no other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::places::Place;
use super::Rooms;
use super::affinity::Affinity;
use super::connection::{Connection, End, Ended};
use super::pause;
use super::service::{Line, News};
use super::subscribing::{Refused, subscribe, unsubscribe};
use crate::ews::code::Class;
use crate::ews::told::notices::Lost;
use crate::model::{Ear, Failure, GroupHeard, Remedy, RoomEmail, Scope};

/// A long connection's time, in minutes. The longest that Exchange takes is 30, and subscriptions without a connection last as long.
const MINUTES: (u32, u32) = (24, 29);
/// How long a long connection may keep silent at first. Exchange says something at once.
const PROMPT: Duration = Duration::from_secs(30);
/// And one of a minute, whose answer comes at its end.
const WHOLE: Duration = Duration::from_secs(100);
/// A group that nothing comes through to tries again after about so long.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_mins(50), Duration::from_mins(70));
/// A connection that lasted so long was no failure, however it ended.
const GOOD: Duration = Duration::from_secs(60);
/// A new connection is opened for other rooms so long after the last at the soonest: servers notice late that one was closed.
const SETTLED: Duration = Duration::from_secs(20);
/// Rooms that come and go together are one change.
const QUIET: Duration = Duration::from_secs(2);
/// Subscriptions of one group on their way at a time.
const AT_ONCE: usize = 4;
/// So many rooms that fail one after the other are their server's trouble.
const ROW: u32 = 3;
/// So many failures in a row, and subscriptions are made anew; twice as many, again and again, and it is asked where the rooms are.
const ANEW: u32 = 3;
/// A room whose subscription needs a person is tried again after about so long.
const REFUSED_FOR: (Duration, Duration) = (Duration::from_mins(50), Duration::from_mins(70));
/// A pause shorter than this is not worth telling.
const UNHEARD_AFTER: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct Group {
    line: Arc<Line>,
    number: usize,
    place: Place,
    news: mpsc::Sender<News>,
    affinity: Option<Affinity>,
    /// Subscriptions by room.
    ids: BTreeMap<RoomEmail, String>,
    /// Rooms that could not be subscribed.
    excused: BTreeMap<RoomEmail, Excuse>,
    /// Long connections do not come through.
    by_minute: bool,
    /// Nor do short ones: one room alone is listened to.
    trying: bool,
    /// One after the other.
    failures: u32,
    /// How often in a row the server had forgotten what it was to tell.
    losses: u32,
    connections: u32,
}

struct Excuse {
    until: Instant,
    times: u32,
    reason: &'static str,
}

impl Group {
    pub(super) fn new(line: Arc<Line>, number: usize, place: Place, news: mpsc::Sender<News>) -> Self {
        Self {
            line,
            number,
            place,
            news,
            affinity: None,
            ids: BTreeMap::new(),
            excused: BTreeMap::new(),
            by_minute: false,
            trying: false,
            failures: 0,
            losses: 0,
            connections: 0,
        }
    }

    /// Listens to `members` until there are none.
    pub(super) async fn keep(mut self, mut members: watch::Receiver<Rooms>) {
        loop {
            let wanted = Rooms::clone(&members.borrow_and_update());
            self.leave(&wanted).await;
            if wanted.is_empty() || members.has_changed().is_err() {
                self.line.tell(self.number, None);
                return;
            }
            let pause = match self.subscribe(&wanted).await {
                Err(failure) => self.fail(&wanted, failure.reason, failure.retry_after).await,
                Ok(()) if self.ids.is_empty() => {
                    self.tell(&wanted, Ear::Deaf, None);
                    called(&mut members, self.next_try(), Instant::now()).await;
                    continue;
                }
                Ok(()) => self.listen(&wanted, &mut members).await,
            };
            let over = Instant::now() + pause;
            tokio::select! {
                () = sleep_until(over) => {}
                // Nobody is left to wait for.
                _ = members.wait_for(|rooms| rooms.is_empty()) => {}
            }
        }
    }

    /// Gives back the subscriptions of rooms that are not wanted any more.
    async fn leave(&mut self, wanted: &Rooms) {
        self.excused.retain(|room, _| wanted.contains(room));
        let gone: Vec<RoomEmail> = self.ids.keys().filter(|room| !wanted.contains(*room)).cloned().collect();
        let Some(affinity) = self.affinity.clone() else { return };
        for room in gone {
            if let Some(id) = self.ids.remove(&room) {
                unsubscribe(&self.line, &self.place, &room, &affinity, &id).await;
            }
        }
        if !wanted.contains(&affinity.anchor) {
            self.begin_anew();
        }
    }

    /// Nothing that was subscribed counts any more; the next room leads the group.
    fn begin_anew(&mut self) {
        self.affinity = None;
        self.ids.clear();
    }

    /// Subscribes who is not yet.
    ///
    /// # Errors
    /// When it is not about single rooms.
    async fn subscribe(&mut self, wanted: &Rooms) -> Result<(), Failure> {
        let now = Instant::now();
        let is_due = |room: &&RoomEmail| self.excused.get(*room).is_none_or(|excuse| excuse.until <= now);
        let missing = wanted.iter().filter(|room| !self.ids.contains_key(*room)).filter(is_due);
        let mut missing: std::collections::VecDeque<RoomEmail> = missing.cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let line = Arc::clone(&self.line);
        let _turn = line.groups.acquire().await;
        let mut row = 0;
        while self.affinity.is_none()
            && let Some(room) = missing.pop_front()
        {
            let affinity = Affinity::of(room.clone());
            let outcome = subscribe(&self.line, &self.place, &room, &affinity).await;
            self.settle(room, affinity, outcome, &mut row).await?;
        }
        let Some(affinity) = self.affinity.clone() else { return Ok(()) };
        if self.trying && !self.ids.is_empty() {
            return Ok(());
        }
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some(room) = missing.pop_front()
            {
                let (line, place, affinity) = (Arc::clone(&self.line), self.place.clone(), affinity.clone());
                under_way.spawn(async move { (subscribe(&line, &place, &room, &affinity).await, room) });
            }
            let Some(ended) = under_way.join_next().await else { return Ok(()) };
            let Ok((outcome, room)) = ended else { continue };
            self.settle(room, affinity.clone(), outcome, &mut row).await?;
        }
    }

    /// Takes down what came of a subscription; `row`: so many failed one after the other.
    async fn settle(
        &mut self,
        room: RoomEmail,
        mut affinity: Affinity,
        outcome: Result<(String, crate::http::HeaderMap), Refused>,
        row: &mut u32,
    ) -> Result<(), Failure> {
        match outcome {
            Ok((id, headers)) => {
                *row = 0;
                if self.affinity.is_none() {
                    affinity.learn(&headers);
                    self.affinity = Some(affinity);
                }
                self.excused.remove(&room);
                self.ids.insert(room.clone(), id);
                // Nobody told what happened before.
                self.line.later.add([room]);
            }
            Err(Refused::All(failure)) => return Err(failure),
            Err(refused @ (Refused::Elsewhere(_) | Refused::Room(_))) => {
                let failure = self.set_aside(room, refused).await;
                *row += u32::from(failure.remedy == Remedy::Retry);
                if *row >= ROW {
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    /// A refusal of one room.
    async fn set_aside(&mut self, room: RoomEmail, refused: Refused) -> Failure {
        match refused {
            Refused::Elsewhere(failure) => {
                self.move_away(room).await;
                failure
            }
            Refused::Room(failure) | Refused::All(failure) => {
                self.excuse(room, &failure);
                failure
            }
        }
    }

    fn excuse(&mut self, room: RoomEmail, failure: &Failure) {
        self.ids.remove(&room);
        let times = self.excused.get(&room).map_or(0, |excuse| excuse.times) + 1;
        let (least, most) = match failure.remedy {
            Remedy::Fix => REFUSED_FOR,
            Remedy::Retry => {
                let most = Duration::from_secs(30 << times.min(4));
                (most / 2, most)
            }
        };
        let pause = pause::between(least, most, room.as_str(), times).max(failure.retry_after.unwrap_or_default());
        tracing::debug!(integration = %self.line.integration.name, %room, reason = failure.reason, "A room cannot be listened to; it is read as often as others that cannot.");
        self.excused.insert(room, Excuse { until: Instant::now() + pause, times, reason: failure.reason });
    }

    /// Another group will have it, when it is known where it is; or this one again, where nobody knows better.
    async fn move_away(&mut self, room: RoomEmail) {
        self.ids.remove(&room);
        let times = self.excused.get(&room).map_or(0, |excuse| excuse.times) + 1;
        let until = Instant::now() + Duration::from_secs(30 << times.min(4));
        self.excused.insert(room.clone(), Excuse { until, times, reason: "CalendarUnreadable" });
        if self.affinity.as_ref().is_some_and(|affinity| affinity.anchor == room) {
            self.begin_anew();
        }
        let _ = self.news.send(News::Elsewhere(self.number, room)).await;
    }

    /// When the next room is to be subscribed again.
    fn next_try(&self) -> Option<Instant> {
        self.excused.values().map(|excuse| excuse.until).min()
    }

    /// Listens once; how long to wait then.
    async fn listen(&mut self, wanted: &Rooms, members: &mut watch::Receiver<Rooms>) -> Duration {
        let Some(affinity) = self.affinity.clone() else { return Duration::ZERO };
        self.connections = self.connections.wrapping_add(1);
        let rooms: BTreeMap<String, RoomEmail> = self.ids.iter().map(|(room, id)| (id.clone(), room.clone())).collect();
        let (least, most) = MINUTES;
        let share = pause::share(affinity.anchor.as_str(), self.connections);
        let (minutes, patience) = match self.by_minute {
            true => (1, WHOLE),
            false => (least + (f64::from(most - least) * share).round() as u32, PROMPT),
        };
        let (line, place) = (Arc::clone(&self.line), self.place.clone());
        let connection =
            Connection { line: &line, place: &place, affinity: &affinity, rooms: &rooms, minutes, patience };
        let called = called(members, self.next_try(), Instant::now() + SETTLED);
        let this = &*self;
        let mut heard = |first: Duration| this.tell(wanted, ear(first), None);
        let Ended { first, lasted, end } = connection.listen(called, &mut heard).await;
        if let Some(first) = first {
            self.by_minute = ear(first) != Ear::AtOnce;
            if std::mem::take(&mut self.trying) {
                tracing::info!(integration = %self.line.integration.name, "Exchange tells of changes again.");
            }
        }
        if lasted >= GOOD && first.is_some() {
            (self.failures, self.losses) = (0, 0);
        }
        match end {
            End::Over if first.is_some() && lasted >= GOOD / 2 => Duration::ZERO,
            End::Called => Duration::ZERO,
            End::Over => self.fail_anew(wanted, "Cut", None).await,
            End::Lost(lost) => self.lose(wanted, lost, &rooms).await,
            End::Broken(why) => {
                // What the server had written already is gone.
                self.line.later.add(self.ids.keys().cloned());
                self.fail_anew(wanted, why, None).await
            }
            End::Mute => self.step_down(wanted, &affinity).await,
            End::Refused(refused) => self.refused(wanted, refused, affinity.anchor).await,
        }
    }

    /// Nothing came. Where plain requests are answered, answers that go on are not let through.
    async fn step_down(&mut self, wanted: &Rooms, affinity: &Affinity) -> Duration {
        let anchor = &affinity.anchor;
        let id = self.ids.remove(anchor).unwrap_or_default();
        if !unsubscribe(&self.line, &self.place, anchor, affinity, &id).await {
            return self.fail(wanted, "CalendarUnreadable", None).await;
        }
        if !std::mem::replace(&mut self.by_minute, true) {
            return Duration::ZERO;
        }
        self.begin_anew();
        self.trying = true;
        self.tell(wanted, Ear::Deaf, Some("Buffered"));
        let (least, most) = TRY_AGAIN;
        self.connections = self.connections.wrapping_add(1);
        pause::between(least, most, anchor.as_str(), self.connections)
    }

    async fn refused(&mut self, wanted: &Rooms, refused: Refused, anchor: RoomEmail) -> Duration {
        match refused {
            Refused::Elsewhere(failure) => {
                self.move_away(anchor).await;
                self.fail(wanted, failure.reason, None).await
            }
            Refused::Room(failure) if failure.remedy == Remedy::Fix => {
                // Another one leads the group.
                self.excuse(anchor, &failure);
                self.begin_anew();
                Duration::ZERO
            }
            Refused::Room(failure) | Refused::All(failure) => {
                self.fail(wanted, failure.reason, failure.retry_after).await
            }
        }
    }

    /// Exchange tells no more of some rooms.
    async fn lose(&mut self, wanted: &Rooms, lost: Vec<Lost>, rooms: &BTreeMap<String, RoomEmail>) -> Duration {
        let Some(anchor) = self.affinity.as_ref().map(|affinity| affinity.anchor.clone()) else {
            return Duration::ZERO;
        };
        let mut pause = Duration::ZERO;
        for Lost { said, subscriptions } in lost {
            let access = self.line.access();
            let failure = Failure::from(self.line.caller(&access).said(&said, &anchor));
            let named: Vec<RoomEmail> = subscriptions.iter().filter_map(|id| rooms.get(id)).cloned().collect();
            let of_all = subscriptions.is_empty();
            tracing::debug!(integration = %self.line.integration.name, code = said.code(), rooms = named.len(), "Exchange tells no more of rooms.");
            match said.class() {
                _ if failure.scope != Scope::Object => {
                    pause = pause.max(self.fail(wanted, failure.reason, failure.retry_after).await);
                }
                Class::Resync => {
                    let these = if of_all { self.ids.keys().cloned().collect() } else { named };
                    these.iter().for_each(|room| drop(self.ids.remove(room)));
                    self.line.later.add(these);
                    // It answers: what failed before is over.
                    self.losses = self.losses.saturating_add(1);
                    pause = pause.max(pause::after(self.losses, anchor.as_str()));
                    if pause > UNHEARD_AFTER {
                        self.tell(wanted, Ear::Deaf, Some("SubscriptionLost"));
                    }
                }
                Class::Moved => {
                    for room in if of_all { vec![anchor.clone()] } else { named } {
                        self.move_away(room).await;
                    }
                }
                Class::Permission | Class::Room if said.code() == "ErrorSubscriptionAccessDenied" => {
                    // Made by somebody else, as which we signed in before.
                    self.begin_anew();
                    pause = pause.max(self.fail(wanted, failure.reason, None).await);
                }
                Class::Permission | Class::Room => {
                    for room in if of_all { vec![anchor.clone()] } else { named } {
                        self.excuse(room, &failure);
                    }
                    if !self.ids.contains_key(&anchor) {
                        self.begin_anew();
                    }
                }
                _ => pause = pause.max(self.fail_anew(wanted, failure.reason, failure.retry_after).await),
            }
        }
        pause
    }

    /// The same of a server that answers: perhaps it is the subscriptions.
    async fn fail_anew(&mut self, wanted: &Rooms, why: &'static str, at_least: Option<Duration>) -> Duration {
        let pause = self.fail(wanted, why, at_least).await;
        if self.failures.is_multiple_of(ANEW) {
            self.begin_anew();
        }
        pause
    }

    /// One more failure in a row; how long to wait.
    async fn fail(&mut self, wanted: &Rooms, why: &'static str, at_least: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let who = wanted.first().map_or("", |room| room.as_str());
        let pause = pause::after(self.failures, who).max(at_least.unwrap_or_default());
        if self.failures.is_multiple_of(2 * ANEW) {
            let _ = self.news.send(News::Doubtful(self.number)).await;
        }
        if pause > UNHEARD_AFTER {
            self.tell(wanted, Ear::Deaf, Some(why));
        }
        pause
    }

    fn tell(&self, wanted: &Rooms, ear: Ear, why: Option<&'static str>) {
        let rooms = if ear == Ear::Deaf { wanted.len() } else { self.ids.len() };
        let deaf = wanted.len() - rooms.min(wanted.len());
        let excuse = || self.excused.values().map(|excuse| excuse.reason).next().unwrap_or("NotSubscribed");
        let why = why.or_else(|| (deaf > 0 || ear == Ear::Deaf).then(excuse));
        self.line.tell(self.number, Some(GroupHeard { ear, rooms, deaf, why }));
    }
}

/// How an answer is heard whose first sign of life took so long.
fn ear(first: Duration) -> Ear {
    if first <= PROMPT { Ear::AtOnce } else { Ear::ByTheMinute }
}

/// Returns when other rooms are wanted, or one is to be tried again, and all is quiet; not before `settled`.
async fn called(members: &mut watch::Receiver<Rooms>, again: Option<Instant>, settled: Instant) {
    let again = async {
        match again {
            Some(again) => sleep_until(again).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        changed = members.changed() => if changed.is_err() { return },
        () = again => {}
    }
    sleep_until(settled.max(Instant::now() + QUIET)).await;
}
