//! Codecs on the network: one session for each place, its pinned certificate, and leave to send it a password.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::step::{HeldRead, Listed, PutDone};
use super::passwords::Passwords;
use super::seen::{Lists, foreign};
use crate::endpoint::EndpointError;
use crate::endpoint::cisco::{self, Session};
use crate::http::Http;
use crate::model::{CiscoSpec, Clock, DeviceFacts, Failure, Given, Schedule};
use crate::store::{Op, Store, StoreError};

/// Where pinned certificate fingerprints stand in the store.
const PINS: &str = "pin/";

/// All codecs.
#[derive(Debug)]
pub struct Codecs {
    http: Http,
    clock: Clock,
    store: Arc<dyn Store>,
    /// Part of every booking's id.
    deployment: String,
    sessions: Mutex<BTreeMap<(String, u16), Session>>,
    passwords: Passwords,
}

impl Codecs {
    /// Reads the pinned fingerprints from the store; touches nothing else. `deployment` becomes part of every booking's id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn new(http: Http, clock: Clock, store: Arc<dyn Store>, deployment: String) -> Result<Self, StoreError> {
        let mut sessions = BTreeMap::new();
        for (key, pin) in store.scan(PINS).await? {
            let place = key.trim_start_matches(PINS).rsplit_once(':');
            if let (Some((address, port)), Ok(pin)) = (place, String::from_utf8(pin))
                && let Ok(port) = port.parse()
            {
                sessions.insert((address.to_owned(), port), Session::with_pin(Some(pin)));
            }
        }
        let passwords = Passwords::new(store.clone(), clock.clone());
        Ok(Self { http, clock, store, deployment, sessions: Mutex::new(sessions), passwords })
    }

    /// What the codec holds, against what it was given.
    ///
    /// # Errors
    /// When it could not be asked, or its password is not to be sent now.
    pub async fn read_held(&self, spec: &CiscoSpec, given: Option<&Schedule>) -> Result<HeldRead, Failure> {
        let trial = self.passwords.trial(spec).await?;
        let mut session = self.session(spec);
        let listed = cisco::list(&self.http, session.get(), spec, &self.deployment).await;
        trial.ended(listed.as_ref().err()).await;
        let lists = self.lists();
        let listing = match listed {
            Err(EndpointError::CannotList) => {
                let facts = Box::new(session.get().device(lists.now));
                return Ok(HeldRead::CannotList { facts });
            }
            other => other?,
        };
        let facts = Box::new(session.get().device(lists.now));
        self.keep_pin(&session).await;
        let (same, only_missing) = lists.compared(given, &listing.bookings);
        let foreign = foreign(&listing.bookings);
        // Whoever wrote there is asked for only when something was written: that costs the device two more requests.
        let writers = if same == Some(false) || foreign > 0 {
            cisco::other_writers(&self.http, session.get(), spec, &listing.bookings).await
        } else {
            BTreeSet::new()
        };
        let ours = lists.schedule(&listing.bookings);
        Ok(HeldRead::Listed(Listed { ours, foreign, same, only_missing, writers, facts }))
    }

    /// Gives the codec its whole list; `serial` is the number that is recorded for it.
    ///
    /// # Errors
    /// When it did not say that it took the list, its password is not to be sent now, or another device answers.
    pub async fn put(&self, spec: &CiscoSpec, schedule: &Schedule, serial: Option<&str>) -> Result<PutDone, Failure> {
        let mut session = self.session(spec);
        let known = session.get().known().and_then(|facts| facts.serial.as_deref());
        if let (Some(recorded), Some(known)) = (serial, known)
            && recorded != known
        {
            let said = "another device answers at this address than the one that was filled";
            return Err(Failure::retry("DeviceReplaced", said));
        }
        let trial = self.passwords.trial(spec).await?;
        let put = cisco::put_schedule(&self.http, session.get(), spec, &self.deployment, schedule).await;
        trial.ended(put.as_ref().err()).await;
        let done = put?;
        self.keep_pin(&session).await;
        let (seen, lists) = (done.seen.as_deref(), self.lists());
        let facts = session.get().device(lists.now);
        Ok(PutDone {
            same: seen.map(|seen| lists.is_same(schedule, seen)),
            foreign: seen.map_or(0, foreign),
            facts: Box::new(DeviceFacts { wire: Some(done.wire), ..facts }),
        })
    }

    /// Empties the list of a place that an endpoint left, if the recorded device holds nothing there but ours; otherwise says
    /// why it was left as it is.
    ///
    /// # Errors
    /// As [`Codecs::put`].
    pub async fn clear(
        &self,
        spec: &CiscoSpec,
        given: &Given,
        unlisted: bool,
    ) -> Result<Option<&'static str>, Failure> {
        let trial = self.passwords.trial(spec).await?;
        let mut session = self.session(spec);
        let cleared = self.clear_if_ours(session.get(), spec, given, unlisted).await;
        trial.ended(cleared.as_ref().err()).await;
        Ok(cleared?)
    }

    async fn clear_if_ours(
        &self,
        session: &mut Session,
        spec: &CiscoSpec,
        given: &Given,
        unlisted: bool,
    ) -> Result<Option<&'static str>, EndpointError> {
        let listed = cisco::list(&self.http, session, spec, &self.deployment).await;
        let serial = match &listed {
            Ok(listing) => listing.serial.clone(),
            // The facts were asked for before the list.
            Err(EndpointError::CannotList) => session.known().and_then(|facts| facts.serial.clone()),
            Err(_) => None,
        };
        let is_recorded = given.serial.is_some() && serial == given.serial;
        match listed {
            Ok(_) | Err(EndpointError::CannotList) if !is_recorded => {
                return Ok(Some("another device answers there, or none that tells its serial number"));
            }
            Ok(listing) if foreign(&listing.bookings) > 0 => return Ok(Some("somebody else's bookings are there")),
            Ok(listing) if listing.bookings.is_empty() => return Ok(None),
            Err(EndpointError::CannotList) if !unlisted => {
                return Ok(Some("the device cannot tell what it holds, and it was left too long ago"));
            }
            Ok(_) | Err(EndpointError::CannotList) => {}
            Err(error) => return Err(error),
        }
        cisco::clear(&self.http, session, spec).await?;
        Ok(None)
    }

    /// Forgets the pinned certificate of a place, in memory and in the store.
    ///
    /// # Errors
    /// When the store does not take it; the pin stands then.
    pub async fn forget_pin(&self, spec: &CiscoSpec) -> Result<(), Failure> {
        let place = spec.place();
        let key = format!("{PINS}{}:{}", place.0, place.1);
        self.store.commit(vec![Op::delete(key)]).await.map_err(|error| {
            Failure::retry("StoreUnavailable", format!("the pinned certificate could not be forgotten: {error}"))
        })?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
        Ok(())
    }

    fn lists(&self) -> Lists<'_> {
        Lists { deployment: &self.deployment, now: self.clock.now().wall }
    }

    /// The session with a place, for as long as the step runs; it comes back however the step ends.
    fn session(&self, cisco: &CiscoSpec) -> Borrowed<'_> {
        let place = cisco.place();
        let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
        let session = session.unwrap_or_default();
        let pin = session.pin().map(str::to_owned);
        Borrowed { of: self, place, session: Some(session), pin }
    }

    async fn keep_pin(&self, borrowed: &Borrowed<'_>) {
        let pin = borrowed.session.as_ref().and_then(Session::pin);
        if let Some(pin) = pin.filter(|pin| Some(*pin) != borrowed.pin.as_deref()) {
            let key = format!("{PINS}{}:{}", borrowed.place.0, borrowed.place.1);
            if let Err(error) = self.store.commit(vec![Op::put(key, pin)]).await {
                tracing::warn!(%error, "A pinned certificate could not be stored.");
            }
        }
    }
}

struct Borrowed<'a> {
    of: &'a Codecs,
    place: (String, u16),
    session: Option<Session>,
    pin: Option<String>,
}

impl Borrowed<'_> {
    fn get(&mut self) -> &mut Session {
        self.session.get_or_insert_default()
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.of.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(self.place.clone(), session);
        }
    }
}
