//! What the loop hands to the Poly server: accounts, and one cell per endpoint with its schedule. Publishing costs what
//! changed: one pointer in one cell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use super::device::PolySpec;
use super::names::{EndpointName, RoomEmail};
use super::schedule::{Booking, Schedule};

/// What a Poly endpoint is answered from.
#[derive(Clone, Debug, Default)]
pub enum Published {
    /// The room was never read: `ErrorServerBusy`, never an empty list.
    #[default]
    NotReady,
    /// This list.
    Ready(Arc<Edition>),
}

/// One published list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// What the endpoint shall show.
    pub schedule: Arc<Schedule>,
    /// When it was published.
    pub at: Timestamp,
    /// Meetings of earlier lists that are in this one no more and had not ended: some devices keep what they are not told of, and have
    /// to be shown that it is cancelled.
    pub withdrawn: Vec<Booking>,
}

/// Most meetings that are remembered as withdrawn; the soonest ones.
const WITHDRAWN_MAX: usize = 200;

impl Edition {
    /// One that follows nothing.
    #[must_use]
    pub fn new(schedule: Arc<Schedule>, at: Timestamp) -> Self {
        Self { schedule, at, withdrawn: Vec::new() }
    }

    /// The same, after `before`.
    fn after(mut self, before: &Self) -> Self {
        let listed: BTreeSet<&str> = self.schedule.bookings.iter().map(|booking| booking.id.as_str()).collect();
        let gone = |booking: &&Booking| booking.end > self.at && !listed.contains(booking.id.as_str());
        let earlier = before.withdrawn.iter().chain(&before.schedule.bookings).filter(gone);
        let mut withdrawn: BTreeMap<&str, &Booking> = BTreeMap::new();
        withdrawn.extend(earlier.map(|booking| (booking.id.as_str(), booking)));
        let mut withdrawn: Vec<Booking> = withdrawn.into_values().cloned().collect();
        withdrawn.sort_by_key(|booking| booking.start);
        withdrawn.truncate(WITHDRAWN_MAX);
        self.withdrawn = withdrawn;
        self
    }
}

/// One endpoint's place on the desk. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Cell(Arc<Place>);

#[derive(Debug, Default)]
struct Place {
    published: RwLock<Published>,
    /// Second of the last contact; 0: never.
    contact: AtomicI64,
}

impl Cell {
    /// Replaces what the endpoint is answered from.
    pub fn publish(&self, edition: Edition) {
        let mut published = self.0.published.write().unwrap_or_else(PoisonError::into_inner);
        let edition = match &*published {
            Published::Ready(before) => edition.after(before),
            Published::NotReady => edition,
        };
        *published = Published::Ready(Arc::new(edition));
    }

    /// What the endpoint is answered from now.
    #[must_use]
    pub fn look(&self) -> Published {
        self.0.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The endpoint signed in and asked for something. Said at every request; the loop looks here instead of being woken.
    pub fn contact(&self, at: Timestamp) {
        self.0.contact.fetch_max(at.as_second(), Ordering::Relaxed);
    }

    /// When it last did.
    #[must_use]
    pub fn last_contact(&self) -> Option<Timestamp> {
        match self.0.contact.load(Ordering::Relaxed) {
            0 => None,
            second => Timestamp::from_second(second).ok(),
        }
    }
}

/// One Poly endpoint's account: one login sees one room.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whose.
    pub endpoint: EndpointName,
    /// The room it sees.
    pub room: RoomEmail,
    /// Login, password, model, forms.
    pub poly: PolySpec,
    /// IANA zone of the room.
    pub time_zone: String,
    /// Where its schedule stands.
    pub cell: Cell,
}

/// All accounts, by login in lower case (logins are unique ignoring case; the server compares the case it needs).
/// Handed to the Poly server on a watch channel and replaced when documents change.
#[derive(Clone, Debug, Default)]
pub struct Accounts(pub Arc<BTreeMap<String, Account>>);
