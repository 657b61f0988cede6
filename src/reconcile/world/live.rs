//! The real world: files, HTTP, devices.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::to_raw_value;

use crate::calendar::exchange::listen::Listener;
use crate::calendar::{self, Access, AgendaRequest, BusyRequest, Looks, Reading, SignIns};
use crate::endpoint::cisco;
use crate::endpoint::webex::{Clouds, WebexError};
use crate::http::Http;
use crate::model::tally::Tally;
use crate::model::{
    Busy, Clock, DeviceFacts, DeviceSpec, EndpointSpec, Failure, Given, IntegrationSpec, RoomEmail, RoomSpec, Schedule,
    WebexSpec, Window,
};
use crate::store::Store;

use super::super::step::{Cursor, DocumentsRead, HeldRead, Listed, PutDone};
use super::codecs::Codecs;
use super::documents::Documents;
pub use super::documents::{DirectoryOptions, documents_read, unpack};
use super::seen::{self, Lists};
use super::{Asking, CalendarReading, World};
use crate::oauth::Tokens;

/// See the module.
pub struct Live {
    http: Http,
    clock: Clock,
    tally: Arc<Tally>,
    /// Part of every booking's id.
    deployment: String,
    documents: Documents,
    codecs: Codecs,
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
        let tokens = Tokens::new(http.clone(), store.clone(), clock.clone()).telling(tally.clone());
        Ok(Self {
            codecs: Codecs::new(http.clone(), clock.clone(), store, deployment.clone()).await?,
            clouds: Clouds::new(http.clone(), tokens.clone(), clock.clone()),
            tokens,
            http,
            clock,
            tally,
            deployment,
            documents,
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

    fn lists(&self) -> Lists<'_> {
        Lists { deployment: &self.deployment, now: self.clock.now().wall }
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

    async fn read_webex(&self, spec: &WebexSpec, given: Option<&Schedule>) -> Result<HeldRead, Failure> {
        let listing = match self.clouds.list(spec, &self.deployment).await {
            Err(WebexError::CannotList) => {
                let facts = self.webex_facts(spec).await;
                return Ok(HeldRead::CannotList { facts: Box::new(DeviceFacts { personal: true, ..facts }) });
            }
            other => other?,
        };
        let lists = self.lists();
        let (same, only_missing) = lists.compared(given, &listing.bookings);
        Ok(HeldRead::Listed(Listed {
            ours: lists.schedule(&listing.bookings),
            foreign: seen::foreign(&listing.bookings),
            same,
            only_missing,
            writers: cisco::writers_by_id(&listing.bookings),
            facts: Box::new(self.webex_facts(spec).await),
        }))
    }

    /// What the cloud told of a device within the hour.
    async fn webex_facts(&self, spec: &WebexSpec) -> DeviceFacts {
        self.clouds.facts(spec).await.map(|facts| facts.kept()).unwrap_or_default()
    }

    /// A device id is one device's for ever, so no serial number is asked for first.
    async fn put_webex(&self, spec: &WebexSpec, schedule: &Schedule) -> Result<PutDone, Failure> {
        let done = self.clouds.put_schedule(spec, &self.deployment, schedule).await?;
        let seen = done.seen.as_deref();
        Ok(PutDone {
            same: seen.map(|seen| self.lists().is_same(schedule, seen)),
            foreign: seen.map_or(0, seen::foreign),
            facts: Box::new(self.webex_facts(spec).await),
        })
    }
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
        match &endpoint.device {
            DeviceSpec::Cisco(spec) => self.codecs.read_held(spec, given).await,
            DeviceSpec::Poly(_) => Ok(HeldRead::CannotList { facts: Box::default() }),
            DeviceSpec::Webex(spec) => self.read_webex(spec, given).await,
        }
    }

    async fn put(
        &self,
        endpoint: &EndpointSpec,
        schedule: &Schedule,
        serial: Option<&str>,
    ) -> Result<PutDone, Failure> {
        match &endpoint.device {
            DeviceSpec::Cisco(spec) => self.codecs.put(spec, schedule, serial).await,
            DeviceSpec::Poly(_) => Err(Failure::fix("NotAPutEndpoint", "this kind of endpoint fetches its schedule")),
            DeviceSpec::Webex(spec) => self.put_webex(spec, schedule).await,
        }
    }

    async fn forget_pin(&self, endpoint: &EndpointSpec) -> Result<(), Failure> {
        match &endpoint.device {
            DeviceSpec::Cisco(spec) => self.codecs.forget_pin(spec).await,
            DeviceSpec::Poly(_) | DeviceSpec::Webex(_) => Ok(()),
        }
    }

    async fn clear(&self, given: &Given, unlisted: bool) -> Result<Option<&'static str>, Failure> {
        match &given.target {
            Some(DeviceSpec::Cisco(spec)) => self.codecs.clear(spec, given, unlisted).await,
            Some(DeviceSpec::Webex(spec)) => Ok(self.clouds.clear_if_ours(spec, &self.deployment, unlisted).await?),
            Some(DeviceSpec::Poly(_)) | None => Ok(Some("it has no address")),
        }
    }
}
