//! Where mailboxes are served, as it was found: one place for each room of each service, kept in memory and shared by all readings.
//!
//! Rooms that are looked for at the same time are asked about in one request: whoever comes first asks, for all that wait until then.
//! A place that turned out wrong is remembered as such, so that no stored one takes its place again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::discovery::DiscoveryError;
use crate::ews::version::Version;
use crate::http::Url;
use crate::model::{Digest, RoomEmail};

/// What was found out about a room for somebody else's request is worth nothing afterwards.
const TOLD_FOR: SignedDuration = SignedDuration::from_secs(60);

/// A place that cannot be reached is looked up again when it was found longer ago than this.
const DOUBTED_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// A server that let us in so lately does so: what it forbids is one mailbox.
const LETS_IN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Rooms remembered; beyond them all are looked up again.
const ROOMS_MAX: usize = 200_000;

/// Where a mailbox is served.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// EWS, `https://mail.example.com/EWS/Exchange.asmx`.
    pub url: String,
    /// Mailboxes with the same text, and the same URL, can share a streaming connection.
    pub group: Option<String>,
    /// The same EWS by another address, from within or from anywhere, where Autodiscover tells both and both may be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}

impl Place {
    /// What one address leads to.
    pub(super) fn at(url: String, group: Option<String>) -> Self {
        Self { url, group, other: None }
    }

    /// Whether both are asked at the same address, and can share a connection.
    pub(super) fn is_asked_like(&self, another: &Self) -> bool {
        (&self.url, &self.group) == (&another.url, &another.group)
    }

    /// The same by its other address.
    pub(super) fn other_way(&self) -> Option<Self> {
        let url = self.other.clone()?;
        Some(Self { url, group: self.group.clone(), other: Some(self.url.clone()) })
    }
}

/// A room of one service as documents have it now: its digest, and the room's address.
pub(super) type Mailbox = (Digest, RoomEmail);

/// The mailboxes that one Autodiscover service answers for: the service's digest, and the domain.
pub(super) type Site = (Digest, String);

/// See the module. Cloning shares it.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<Learned>>);

#[derive(Default)]
struct Learned {
    found: BTreeMap<Mailbox, Found>,
    versions: BTreeMap<Mailbox, Version>,
    services: BTreeMap<Site, Url>,
    waiting: BTreeMap<Site, BTreeSet<RoomEmail>>,
    turns: BTreeMap<Site, Arc<tokio::sync::Mutex<()>>>,
    told: BTreeMap<Mailbox, (DiscoveryError, Timestamp)>,
    let_in: BTreeMap<(Digest, String), Timestamp>,
    /// Addresses of services that could not be reached while the other ones could.
    away: BTreeSet<(Digest, String)>,
}

struct Found {
    /// `None`: what was stored is wrong.
    place: Option<Place>,
    at: Timestamp,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Places")
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where `mailbox` is served, as far as is known; `stored` is what an earlier process knew.
    pub(super) fn known(&self, mailbox: &Mailbox, stored: Option<&Place>, now: Timestamp) -> Option<Place> {
        let mut learned = self.lock();
        if let Some(found) = learned.found.get(mailbox) {
            return found.place.clone();
        }
        let place = stored?.clone();
        learned.settle(mailbox.clone(), Some(place.clone()), now);
        Some(place)
    }

    /// `mailbox` is served there no more.
    pub(super) fn forget(&self, mailbox: &Mailbox, now: Timestamp) {
        self.lock().settle(mailbox.clone(), None, now);
    }

    /// `mailbox` could not be reached where it was found: perhaps it is elsewhere.
    pub(super) fn doubt(&self, mailbox: &Mailbox, now: Timestamp) {
        let mut learned = self.lock();
        let is_old = |found: &Found| now.duration_since(found.at) > DOUBTED_AFTER;
        if learned.found.get(mailbox).is_some_and(is_old) {
            learned.settle(mailbox.clone(), None, now);
        }
    }

    /// By the address that answered last, where there are two.
    pub(super) fn turned(&self, service: Digest, place: Place) -> Place {
        let is_away = self.lock().away.contains(&(service, place.url.clone()));
        place.other_way().filter(|_| is_away).unwrap_or(place)
    }

    /// This address of `place` cannot be reached, and the other one answers: it is asked first from now on.
    pub(super) fn turn(&self, service: Digest, place: &Place) {
        let away = &mut self.lock().away;
        if let Some(other) = &place.other {
            away.remove(&(service, other.clone()));
            away.insert((service, place.url.clone()));
        }
    }

    /// Whether mailboxes of this service are served in several places.
    pub(super) fn are_several(&self, service: Digest) -> bool {
        let learned = self.lock();
        let from = learned.found.iter().filter(|((of, _), _)| *of == service);
        let mut urls = from.filter_map(|(_, found)| found.place.as_ref().map(|place| &place.url));
        let first = urls.next();
        urls.any(|url| Some(url) != first)
    }

    /// In which version `mailbox` is asked.
    pub(super) fn version(&self, mailbox: &Mailbox) -> Version {
        self.lock().versions.get(mailbox).copied().unwrap_or_default()
    }

    /// `mailbox` is asked in this version from now on.
    pub(super) fn learn_version(&self, mailbox: &Mailbox, version: Version) {
        self.lock().versions.insert(mailbox.clone(), version);
    }

    /// The Autodiscover service that answered last.
    pub(super) fn service_of(&self, site: &Site) -> Option<Url> {
        self.lock().services.get(site).cloned()
    }

    /// It answers there, or nowhere that is known.
    pub(super) fn learn_service(&self, site: &Site, url: Option<Url>) {
        let services = &mut self.lock().services;
        match url {
            Some(url) => services.insert(site.clone(), url),
            None => services.remove(site),
        };
    }

    /// `room` is to be looked for; whoever holds the lock that comes back does so.
    pub(super) fn wait(&self, site: &Site, room: &RoomEmail) -> Arc<tokio::sync::Mutex<()>> {
        let mut learned = self.lock();
        learned.waiting.entry(site.clone()).or_default().insert(room.clone());
        Arc::clone(learned.turns.entry(site.clone()).or_default())
    }

    /// What somebody else found out about `mailbox` meanwhile.
    pub(super) fn told(&self, mailbox: &Mailbox, now: Timestamp) -> Option<Result<Place, DiscoveryError>> {
        let mut learned = self.lock();
        if let Some(place) = learned.found.get(mailbox).and_then(|found| found.place.clone()) {
            return Some(Ok(place));
        }
        let (error, at) = learned.told.remove(mailbox)?;
        (now.duration_since(at) < TOLD_FOR).then_some(Err(error))
    }

    /// The rooms to ask about now, `room` among them, `most` at most.
    pub(super) fn take_waiting(&self, site: &Site, room: &RoomEmail, most: usize) -> Vec<RoomEmail> {
        let mut learned = self.lock();
        let Some(waiting) = learned.waiting.get_mut(site) else { return vec![room.clone()] };
        waiting.remove(room);
        let mut rooms = vec![room.clone()];
        while rooms.len() < most
            && let Some(next) = waiting.pop_first()
        {
            rooms.push(next);
        }
        rooms
    }

    /// What was found out about a mailbox that somebody else waits for.
    pub(super) fn tell(&self, mailbox: Mailbox, outcome: Result<Place, DiscoveryError>, now: Timestamp) {
        let mut learned = self.lock();
        match outcome {
            Ok(place) => learned.settle(mailbox, Some(place), now),
            Err(error) => {
                learned.told.retain(|_, (_, at)| now.duration_since(*at) < TOLD_FOR);
                learned.told.insert(mailbox, (error, now));
            }
        }
    }

    /// The server of `url` answered as it should.
    pub(super) fn was_let_in(&self, service: Digest, url: &Url, now: Timestamp) {
        self.lock().let_in.insert((service, url.origin().ascii_serialization()), now);
    }

    /// Whether it did so lately.
    pub(super) fn lets_in(&self, service: Digest, url: &Url, now: Timestamp) -> bool {
        let learned = self.lock();
        let at = learned.let_in.get(&(service, url.origin().ascii_serialization()));
        at.is_some_and(|at| now.duration_since(*at) < LETS_IN_FOR)
    }
}

impl Learned {
    fn settle(&mut self, mailbox: Mailbox, place: Option<Place>, at: Timestamp) {
        if self.found.len() >= ROOMS_MAX && !self.found.contains_key(&mailbox) {
            self.found.clear();
            self.versions.clear();
        }
        self.found.insert(mailbox, Found { place, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str) -> Mailbox {
        (Digest::default(), RoomEmail::parse(&format!("{name}@example.com")).unwrap())
    }

    fn place(host: &str) -> Place {
        Place::at(format!("https://{host}/EWS/Exchange.asmx"), None)
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn what_was_stored_serves_until_it_proves_wrong_and_never_again() {
        let (places, fjord) = (Places::default(), mailbox("fjord"));
        let stored = place("old.example.com");
        assert_eq!(places.known(&fjord, Some(&stored), at(0)), Some(stored.clone()));
        places.forget(&fjord, at(1));
        assert_eq!(places.known(&fjord, Some(&stored), at(2)), None);
        places.tell(fjord.clone(), Ok(place("new.example.com")), at(3));
        assert_eq!(places.known(&fjord, Some(&stored), at(4)), Some(place("new.example.com")));
    }

    #[test]
    fn a_place_that_does_not_answer_is_looked_up_again_once_an_hour() {
        let (places, fjord) = (Places::default(), mailbox("fjord"));
        places.tell(fjord.clone(), Ok(place("mail.example.com")), at(0));
        for (minute, kept) in [(30, true), (60, true), (61, false)] {
            places.doubt(&fjord, at(minute));
            assert_eq!(places.known(&fjord, None, at(minute)).is_some(), kept, "{minute}");
        }
    }

    #[test]
    fn rooms_that_wait_are_asked_about_together_each_once() {
        let places = Places::default();
        let site = (Digest::default(), "example.com".to_owned());
        let rooms: Vec<RoomEmail> = (0..150).map(|number| mailbox(&format!("room-{number:03}")).1).collect();
        for room in &rooms {
            places.wait(&site, room);
        }
        let first = places.take_waiting(&site, &rooms[7], 100);
        assert_eq!((first.len(), &first[0]), (100, &rooms[7]));
        let second = places.take_waiting(&site, &rooms[149], 100);
        assert_eq!((second.len(), &second[0]), (50, &rooms[149]));
        assert!(first.iter().all(|room| !second.contains(room)));
    }
}
