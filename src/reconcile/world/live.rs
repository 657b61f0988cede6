//! The real world: files, HTTP, devices.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::value::to_raw_value;

use crate::calendar::exchange::listen::Listener;
use crate::calendar::{self, Access, AgendaRequest, BusyRequest, Looks, Reading, SignIns};
use crate::endpoint::EndpointError;
use crate::endpoint::cisco::{self, Difference, Seen, Session};
use crate::endpoint::webex::{Clouds, WebexError};
use crate::http::Http;
use crate::model::schedule::NoJoin;
use crate::model::tally::Tally;
use crate::model::{
    Alias, Booking, Busy, Call, CiscoSpec, Clock, Confidential, DeviceSpec, EndpointSpec, Failure, Given,
    IntegrationSpec, Protocol, RoomEmail, RoomSpec, Schedule, WebexSpec, Window,
};
use crate::store::{Op, Store};

use super::super::step::{Cursor, DocumentsRead, HeldRead, Listed, PutDone};
use super::documents::Documents;
pub use super::documents::{DirectoryOptions, documents_read, unpack};
use super::{Asking, CalendarReading, World};
use crate::oauth::Tokens;

/// Where pinned certificate fingerprints stand in the store.
const PINS: &str = "pin/";

/// See the module.
pub struct Live {
    http: Http,
    clock: Clock,
    tally: Arc<Tally>,
    store: Arc<dyn Store>,
    /// Part of every booking's id.
    deployment: String,
    documents: Documents,
    sessions: Mutex<BTreeMap<(String, u16), Session>>,
    sign_ins: SignIns,
    looks: Looks,
    tokens: Tokens,
    clouds: Clouds,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("documents", &self.documents).finish_non_exhaustive()
    }
}

impl Live {
    /// Reads the pinned fingerprints from the store; touches nothing else.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn new(
        http: Http,
        clock: Clock,
        tally: Arc<Tally>,
        store: Arc<dyn Store>,
        deployment: String,
        directory: DirectoryOptions,
        kept_secrets: Option<Vec<u8>>,
    ) -> Result<Self, crate::store::StoreError> {
        let documents = Documents::new(directory, kept_secrets.as_deref(), clock.now().wall);
        let mut sessions = BTreeMap::new();
        for (key, pin) in store.scan(PINS).await? {
            let place = key.trim_start_matches(PINS).rsplit_once(':');
            if let (Some((address, port)), Ok(pin)) = (place, String::from_utf8(pin))
                && let Ok(port) = port.parse()
            {
                sessions.insert((address.to_owned(), port), Session::with_pin(Some(pin)));
            }
        }
        let tokens = Tokens::new(http.clone(), store.clone(), clock.clone()).telling(tally.clone());
        Ok(Self {
            clouds: Clouds::new(http.clone(), tokens.clone(), clock.clone()),
            tokens,
            http,
            clock,
            tally,
            store,
            deployment,
            documents,
            sessions: Mutex::new(sessions),
            sign_ins: SignIns::default(),
            looks: Looks::default(),
        })
    }

    /// For whoever listens to calendar services: what readings use, shared.
    #[must_use]
    pub fn listener(&self) -> Listener {
        Listener {
            http: self.http.clone(),
            tally: self.tally.clone(),
            clock: self.clock.clone(),
            sign_ins: self.sign_ins.clone(),
            looks: self.looks.clone(),
            tokens: self.tokens.clone(),
        }
    }

    /// The session with a place, for as long as the step runs; it comes back however the step ends.
    fn session(&self, cisco: &CiscoSpec) -> Borrowed<'_> {
        let place = cisco.place();
        let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&place);
        let session = session.unwrap_or_default();
        let pin = session.pin().map(str::to_owned);
        Borrowed { live: self, place, session: Some(session), pin }
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

    fn access(&self, asking: &Asking) -> Access {
        Access {
            sign_ins: self.sign_ins.clone(),
            looks: self.looks.clone(),
            tokens: self.tokens.clone(),
            account: asking.account,
            spent: asking.spent.clone(),
        }
    }

    fn schedule_of(&self, seen: &[Seen]) -> Schedule {
        let bookings = seen.iter().filter_map(|seen| {
            let alias = seen.number.as_ref().and_then(|number| Alias::parse(number.expose()).ok());
            Some(Booking {
                id: seen.ours.clone()?,
                start: seen.start?,
                end: seen.end?,
                all_day: false,
                start_buffer_s: seen.start_buffer_s.unwrap_or_default(),
                end_buffer_s: 0,
                subject: seen.title.clone(),
                organizer_name: Confidential::default(),
                organizer_email: Confidential::default(),
                private: seen.private.unwrap_or_default(),
                no_join: alias.is_none().then_some(NoJoin::NoAlias),
                call: alias.map(|alias| Call { alias, protocol: Protocol::Auto }),
                rule: None,
                last_modified: None,
            })
        });
        Schedule { bookings: bookings.collect() }
    }

    async fn read_webex(&self, spec: &WebexSpec, given: Option<&Schedule>) -> Result<HeldRead, Failure> {
        let listing = match self.clouds.list(spec, &self.deployment).await {
            Err(WebexError::CannotList) => {
                let serial = self.clouds.facts(spec).await.and_then(|facts| facts.serial.clone());
                return Ok(HeldRead::CannotList { serial, personal: true });
            }
            other => other?,
        };
        Ok(HeldRead::Listed(Listed {
            ours: self.schedule_of(&listing.bookings),
            foreign: foreign(&listing.bookings),
            same: given.map(|given| self.is_same(given, &listing.bookings)),
            serial: listing.serial,
        }))
    }

    /// A device id is one device's for ever, so no serial number is asked for first.
    async fn put_webex(&self, spec: &WebexSpec, schedule: &Schedule) -> Result<PutDone, Failure> {
        let done = self.clouds.put_schedule(spec, &self.deployment, schedule).await?;
        let seen = done.seen.as_deref();
        Ok(PutDone {
            same: seen.map(|seen| self.is_same(schedule, seen)),
            foreign: seen.map_or(0, foreign),
            serial: done.serial,
        })
    }

    /// Whether a device shows exactly `schedule` of ours, whatever others put beside it.
    fn is_same(&self, schedule: &Schedule, seen: &[Seen]) -> bool {
        cisco::differs(&self.deployment, schedule, seen, self.clock.now().wall)
            .iter()
            .all(|difference| matches!(difference, Difference::Foreign { .. }))
    }
}

struct Borrowed<'a> {
    live: &'a Live,
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
            self.live.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(self.place.clone(), session);
        }
    }
}

fn replaced() -> Failure {
    Failure::retry("DeviceReplaced", "another device answers at this address than the one that was filled")
}

fn foreign(seen: &[Seen]) -> usize {
    seen.iter().filter(|seen| seen.ours.is_none()).count()
}

impl World for Live {
    async fn read_documents(&self) -> Result<DocumentsRead, Failure> {
        self.documents.read(self.clock.now()).await
    }

    async fn read_agenda(
        &self,
        room: &Arc<RoomSpec>,
        window: Window,
        cursor: Option<&Cursor>,
        asking: &Asking,
    ) -> Result<CalendarReading, Failure> {
        let request = AgendaRequest {
            room: Arc::clone(room),
            window,
            cursor: cursor.and_then(|cursor| serde_json::from_str(cursor.0.get()).ok()),
            fresh: cursor.is_none(),
            now: self.clock.now().wall,
            access: self.access(asking),
        };
        let reading = calendar::read_agenda(&self.http, &self.tally, &request).await?;
        let now = self.clock.now().wall;
        let ahead = |server_date: Option<Timestamp>| server_date.map(|date| date.duration_since(now));
        Ok(match reading {
            Reading::Unchanged { server_date } => CalendarReading::Unchanged { server_ahead: ahead(server_date) },
            Reading::Complete { complete, cursor, server_date } => CalendarReading::Complete {
                complete,
                cursor: cursor.and_then(|cursor| to_raw_value(&cursor).ok()).map(|cursor| Cursor(cursor.into())),
                server_ahead: ahead(server_date),
            },
        })
    }

    async fn read_busy(
        &self,
        integration: &Arc<IntegrationSpec>,
        rooms: &[RoomEmail],
        window: Window,
        asking: &Asking,
    ) -> Result<Vec<(RoomEmail, Result<Busy, Failure>)>, Failure> {
        let request = BusyRequest {
            integration: Arc::clone(integration),
            rooms: rooms.to_vec(),
            window,
            now: self.clock.now().wall,
            access: self.access(asking),
        };
        Ok(calendar::read_busy(&self.http, &self.tally, &request).await?)
    }

    async fn read_held(&self, endpoint: &EndpointSpec, given: Option<&Schedule>) -> Result<HeldRead, Failure> {
        let spec = match &endpoint.device {
            DeviceSpec::Cisco(spec) => spec,
            DeviceSpec::Poly(_) => return Ok(HeldRead::CannotList { serial: None, personal: false }),
            DeviceSpec::Webex(spec) => return self.read_webex(spec, given).await,
        };
        let mut session = self.session(spec);
        let listing = match cisco::list(&self.http, session.get(), spec, &self.deployment).await {
            Err(EndpointError::CannotList) => {
                let serial = session.get().known().and_then(|facts| facts.serial.clone());
                return Ok(HeldRead::CannotList { serial, personal: false });
            }
            other => other?,
        };
        self.keep_pin(&session).await;
        Ok(HeldRead::Listed(Listed {
            ours: self.schedule_of(&listing.bookings),
            foreign: foreign(&listing.bookings),
            same: given.map(|given| self.is_same(given, &listing.bookings)),
            serial: listing.serial,
        }))
    }

    async fn put(
        &self,
        endpoint: &EndpointSpec,
        schedule: &Schedule,
        serial: Option<&str>,
    ) -> Result<PutDone, Failure> {
        let spec = match &endpoint.device {
            DeviceSpec::Cisco(spec) => spec,
            DeviceSpec::Poly(_) => {
                return Err(Failure::fix("NotAPutEndpoint", "this kind of endpoint fetches its schedule"));
            }
            DeviceSpec::Webex(spec) => return self.put_webex(spec, schedule).await,
        };
        let mut session = self.session(spec);
        let known = session.get().known().and_then(|facts| facts.serial.as_deref());
        if let (Some(recorded), Some(known)) = (serial, known)
            && recorded != known
        {
            return Err(replaced());
        }
        let done = cisco::put_schedule(&self.http, session.get(), spec, &self.deployment, schedule).await?;
        self.keep_pin(&session).await;
        let seen = done.seen.as_deref();
        Ok(PutDone {
            same: seen.map(|seen| self.is_same(schedule, seen)),
            foreign: seen.map_or(0, foreign),
            serial: done.serial,
        })
    }

    async fn clear(&self, given: &Given, unlisted: bool) -> Result<Option<&'static str>, Failure> {
        let spec = match &given.target {
            Some(DeviceSpec::Cisco(spec)) => spec,
            Some(DeviceSpec::Webex(spec)) => {
                return Ok(self.clouds.clear_if_ours(spec, &self.deployment, unlisted).await?);
            }
            Some(DeviceSpec::Poly(_)) | None => return Ok(Some("it has no address")),
        };
        let mut session = self.session(spec);
        let listed = cisco::list(&self.http, session.get(), spec, &self.deployment).await;
        let serial = match &listed {
            Ok(listing) => listing.serial.clone(),
            // The facts were asked for before the list.
            Err(EndpointError::CannotList) => session.get().known().and_then(|facts| facts.serial.clone()),
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
            Err(error) => return Err(error.into()),
        }
        cisco::clear(&self.http, session.get(), spec).await?;
        Ok(None)
    }
}
