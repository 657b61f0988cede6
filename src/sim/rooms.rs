//! Invented rooms and what is booked in them: the truth that simulated calendar services render, each in its own format.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use foldhash::fast::FixedState;
use jiff::Timestamp;

/// All rooms, by address in lower case. Shared by the services that render them and by whoever changes them.
#[derive(Debug, Default)]
pub struct Rooms {
    rooms: Mutex<HashMap<String, SimRoom, FixedState>>,
    watches: Mutex<Vec<Weak<Mutex<BTreeSet<String>>>>>,
}

/// The addresses of rooms that were changed since somebody asked last.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Mutex<BTreeSet<String>>>);

impl Watch {
    /// They, and from now on others.
    #[must_use]
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One room.
#[derive(Clone, Debug)]
pub struct SimRoom {
    /// Its events by id.
    pub events: BTreeMap<String, SimEvent>,
    /// Counts changes: what identifies a state of the calendar.
    pub version: u64,
    /// IANA zone of its calendar.
    pub time_zone: String,
    /// What the reading account may see.
    pub access: RoomAccess,
}

/// What a reading account may see of a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RoomAccess {
    /// Everything, also of private events.
    Writer,
    /// Everything but the details of private events.
    #[default]
    Reader,
    /// When it is taken.
    FreeBusy,
    /// Nothing.
    Nothing,
}

/// What the room answered to an invitation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RoomResponse {
    /// It comes.
    #[default]
    Accepted,
    /// It does not.
    Declined,
    /// Somebody decides.
    NeedsAction,
    /// Perhaps.
    Tentative,
}

/// One event, or one occurrence of a series: what an expanded view lists.
#[derive(Clone, Debug, Default)]
pub struct SimEvent {
    /// The service's own id of it.
    pub id: String,
    /// iCalendar UID, shared by a series.
    pub uid: String,
    /// Id of the series and where in it this occurrence was first set.
    pub series: Option<(String, Timestamp)>,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// Whole days of the room's zone.
    pub all_day: bool,
    /// Title.
    pub subject: String,
    /// HTML.
    pub body: String,
    /// Place as written.
    pub location: String,
    /// Display name and address.
    pub organizer: (String, String),
    /// Marked private.
    pub private: bool,
    /// Cancelled, and still listed by services that do so.
    pub cancelled: bool,
    /// It takes no time: shown as free.
    pub free: bool,
    /// What the room answered.
    pub response: RoomResponse,
    /// Named texts beside it (PS_PUBLIC_STRINGS of Exchange), by MAPI's name: `UCCapabilities`.
    pub properties: Vec<(String, String)>,
    /// Link of a conference that the service itself knows of (Meet's `hangoutLink`, Teams' `joinUrl`).
    pub conference: Option<String>,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Default for SimRoom {
    fn default() -> Self {
        Self { events: BTreeMap::new(), version: 0, time_zone: "UTC".into(), access: RoomAccess::default() }
    }
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, SimRoom, FixedState>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells, from now on, which rooms are changed.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let changed = Arc::default();
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&changed));
        Watch(changed)
    }

    /// Changes a room, which is made where there is none.
    pub fn change<R>(&self, email: &str, change: impl FnOnce(&mut SimRoom) -> R) -> R {
        let email = email.to_lowercase();
        let mut rooms = self.lock();
        let room = rooms.entry(email.clone()).or_default();
        room.version += 1;
        let done = change(room);
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).retain(|watch| {
            let watched = watch.upgrade();
            if let Some(changed) = &watched {
                changed.lock().unwrap_or_else(PoisonError::into_inner).insert(email.clone());
            }
            watched.is_some()
        });
        done
    }

    /// What identifies the state of these rooms, named in lower case: another number after any change of one.
    #[must_use]
    pub fn state_of(&self, emails: &[String]) -> u64 {
        let rooms = self.lock();
        emails.iter().filter_map(|email| rooms.get(email)).map(|room| room.version).sum()
    }

    /// Looks at a room; `None`: there is none.
    pub fn look<R>(&self, email: &str, look: impl FnOnce(Option<&SimRoom>) -> R) -> R {
        let email = if email.contains(char::is_uppercase) { Cow::Owned(email.to_lowercase()) } else { email.into() };
        look(self.lock().get(&*email))
    }
}
