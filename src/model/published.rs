//! What the loop hands to the Poly server: accounts, and one cell per endpoint with its schedule. Publishing costs what
//! changed: one pointer in one cell.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

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
    refused: RwLock<Option<Refused>>,
}

/// Logins of an endpoint that were refused, one after the other from one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The first of them.
    pub since: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// Where from.
    pub peer: IpAddr,
}

/// Refusals are of interest for so long after the last of them.
const REFUSED_FOR: SignedDuration = SignedDuration::from_mins(10);

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

    /// A login was refused, from there.
    pub fn refused(&self, at: Timestamp, peer: IpAddr) {
        let mut refused = self.0.refused.write().unwrap_or_else(PoisonError::into_inner);
        let since = refused.filter(|before| before.peer == peer && at.duration_since(before.last) <= REFUSED_FOR);
        *refused = Some(Refused { since: since.map_or(at, |before| before.since), last: at, peer });
    }

    /// A login was right, from there: what was wrong there is mended.
    pub fn granted(&self, peer: IpAddr) {
        let is_mended = |refused: &Refused| refused.peer == peer;
        if self.0.refused.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_mended) {
            *self.0.refused.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Refusals of the last ten minutes that no right login from the same address followed.
    #[must_use]
    pub fn refusals(&self, now: Timestamp) -> Option<Refused> {
        let refused = *self.0.refused.read().unwrap_or_else(PoisonError::into_inner);
        refused.filter(|refused| now.duration_since(refused.last) <= REFUSED_FOR)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_password_is_told_of_until_it_is_mended_there_or_nobody_tries_any_more() {
        let (cell, at) = (Cell::default(), |second: i64| Timestamp::from_second(1_000_000 + second).unwrap());
        let [here, there]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        cell.refused(at(0), here);
        cell.refused(at(60), here);
        assert_eq!(cell.refusals(at(60)).map(|refused| refused.since), Some(at(0)));
        cell.granted(there);
        assert!(cell.refusals(at(60)).is_some(), "it is still wrong where it was");
        assert!(cell.refusals(at(661)).is_none(), "nobody has tried for ten minutes");
        cell.granted(here);
        assert!(cell.refusals(at(60)).is_none());
    }
}
