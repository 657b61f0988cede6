//! Devices of the Webex Cloud: a schedule in, what the device says it holds out. The same commands with the same bookings as a codec
//! takes ([`super::cisco`]), carried by the cloud, and the same comparison of what comes back.
//!
//! ```text
//! Schedule ─ cisco::fields ─► Sent ─ cisco::bookings_json ─► POST /xapi/command/Bookings.Put  ─► done, or an error
//!                                    Bookings.List ─► listing ─► Seen ─ cisco::differs ─► what is not as wished
//! ```
//!
//! * A 200 says that the device performed the command. A refusal says nothing of the device: no status is documented for one that is
//!   not connected, so the devices API is asked what the device is.
//! * A device in personal mode takes bookings and does not tell them: it is filled and never read back.
//! * A device that is not connected is looked for in the devices API, one cheap request, before anything is sent to it again.
//!
//! Documented: <https://developer.webex.com/docs/api/v1/xapi/execute-command>. Its example shows `body: {"Booking": {…}}`; the
//! command takes `body: {"Bookings": […]}`, as Cisco's own samples send it.

mod answer;
mod cloud;
mod device;
mod error;
mod listing;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use device::DeviceFacts;
pub use error::{Tracking, WebexError};

use self::cloud::{Cloud, Talk};
use super::cisco::answer::reason_without;
use super::cisco::bookings_json::{WithoutCall, payload};
use super::cisco::fields::{self, Sent};
use super::cisco::{Listing, PutDone, Seen};
use crate::http::Http;
use crate::model::device::Wire;
use crate::model::{Clock, IntegrationName, Schedule, WebexSpec};
use crate::oauth::Tokens;

/// All Webex Clouds of a process. Cloning shares them.
#[derive(Clone)]
pub struct Clouds {
    http: Http,
    tokens: Tokens,
    clock: Clock,
    by_name: Arc<Mutex<BTreeMap<IntegrationName, Arc<Cloud>>>>,
}

impl fmt::Debug for Clouds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clouds")
    }
}

impl Clouds {
    /// None was spoken to yet.
    #[must_use]
    pub fn new(http: Http, tokens: Tokens, clock: Clock) -> Self {
        Self { http, tokens, clock, by_name: Arc::default() }
    }

    /// Replaces everything the device shows by `schedule`, which is already narrowed to what a device can hold; an empty one clears
    /// it. `deployment` becomes part of every id.
    ///
    /// # Errors
    /// When the cloud could not be reached, did not accept us, or did not say that the device took the list. What the device listed
    /// afterwards is missing where it could not be asked: the list was taken all the same.
    pub async fn put_schedule(
        &self,
        webex: &WebexSpec,
        deployment: &str,
        schedule: &Schedule,
    ) -> Result<PutDone, WebexError> {
        let cloud = self.cloud(webex);
        cloud.is_now(&webex.integration);
        let talk = self.talk(&cloud, webex);
        let bookings = fields::sent(deployment, schedule);
        let put = async {
            talk.is_there().await?;
            let facts = talk.facts().await;
            if bookings.is_empty() {
                talk.command(CLEAR, None).await?;
            } else {
                let without_call = facts.as_ref().map_or(WithoutCall::EmptySip, |facts| facts.without_call());
                talk.command(PUT, Some(&payload(&bookings, without_call))).await?;
            }
            // The list was taken, whatever comes of asking for it.
            let seen = tokio::time::timeout(READ_BACK, listed(&talk, deployment)).await;
            let seen = seen.ok().and_then(Result::ok);
            let (serial, software) = facts.map(|it| (it.serial.clone(), it.software.clone())).unwrap_or_default();
            Ok(PutDone { seen, serial, software, date: None, wire: Wire::Json })
        };
        put.await.map_err(|error| without_texts(error, &bookings))
    }

    /// What the device holds and what it is.
    ///
    /// # Errors
    /// As [`Self::put_schedule`]; [`WebexError::CannotList`] where the device is in personal mode.
    pub async fn list(&self, webex: &WebexSpec, deployment: &str) -> Result<Listing, WebexError> {
        let cloud = self.cloud(webex);
        cloud.is_now(&webex.integration);
        self.list_over(&cloud, webex, deployment).await
    }

    /// What the device is, as far as that is known without asking again within the hour.
    pub async fn facts(&self, webex: &WebexSpec) -> Option<Arc<DeviceFacts>> {
        self.talk(&self.cloud(webex), webex).facts().await
    }

    /// Empties the list of a device that an endpoint left, if it holds our bookings only; one that cannot list is emptied only when
    /// `unlisted`. `Some(reason)`: it was left as it is.
    ///
    /// # Errors
    /// As [`Self::put_schedule`].
    pub async fn clear_if_ours(
        &self,
        webex: &WebexSpec,
        deployment: &str,
        unlisted: bool,
    ) -> Result<Option<&'static str>, WebexError> {
        let cloud = self.cloud(webex);
        // The credential of that time may have been replaced since.
        let integration = cloud.latest(&webex.integration.api_url).unwrap_or_else(|| webex.integration.clone());
        let webex = &WebexSpec { device_id: webex.device_id.clone(), integration };
        match self.list_over(&cloud, webex, deployment).await {
            Ok(listing) if listing.bookings.iter().any(|seen| seen.ours.is_none()) => {
                return Ok(Some("somebody else's bookings are there"));
            }
            Ok(listing) if listing.bookings.is_empty() => return Ok(None),
            Err(WebexError::CannotList) if !unlisted => {
                return Ok(Some("the device cannot tell what it holds, and it was left too long ago"));
            }
            Ok(_) | Err(WebexError::CannotList) => {}
            Err(error) => return Err(error),
        }
        self.talk(&cloud, webex).command(CLEAR, None).await.map_err(|error| without_texts(error, &[]))?;
        Ok(None)
    }

    async fn list_over(&self, cloud: &Cloud, webex: &WebexSpec, deployment: &str) -> Result<Listing, WebexError> {
        let talk = self.talk(cloud, webex);
        let list = async {
            talk.is_there().await?;
            let bookings = listed(&talk, deployment).await?;
            let facts = talk.facts().await;
            let (serial, software) = facts.map(|it| (it.serial.clone(), it.software.clone())).unwrap_or_default();
            Ok(Listing { bookings, serial, software, uptime_s: None, date: None })
        };
        list.await.map_err(|error| without_texts(error, &[]))
    }

    fn cloud(&self, webex: &WebexSpec) -> Arc<Cloud> {
        let mut clouds = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        clouds.entry(webex.integration.name.clone()).or_default().clone()
    }

    fn talk<'a>(&'a self, cloud: &'a Cloud, webex: &'a WebexSpec) -> Talk<'a> {
        Talk { http: &self.http, tokens: &self.tokens, clock: &self.clock, cloud, webex }
    }
}

/// Longest time for reading back what was just put: a step may take 20 s, and a put that went well must not be lost to a slow list.
const READ_BACK: Duration = Duration::from_secs(5);

const PUT: &str = "Bookings.Put";
const LIST: &str = "Bookings.List";
const CLEAR: &str = "Bookings.Clear";

/// The device's list.
async fn listed(talk: &Talk<'_>, deployment: &str) -> Result<Vec<Seen>, WebexError> {
    if talk.is_personal() {
        return Err(WebexError::CannotList);
    }
    let result = talk.command(LIST, None).await?;
    listing::bookings(&result, deployment).ok_or(WebexError::Unclear("a result that is no list of bookings"))
}

/// The error without anything a booking says.
fn without_texts(error: WebexError, bookings: &[Sent]) -> WebexError {
    match error {
        WebexError::Declined(status, reason, tracking) => {
            let reason = reason_without(&reason, bookings.iter().flat_map(Sent::texts));
            WebexError::Declined(status, reason, tracking)
        }
        other => other,
    }
}
