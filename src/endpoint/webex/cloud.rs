//! One Webex Cloud, as one integration speaks to it: who may ask now, with which token, and what was learned of its devices.
//!
//! * At most four requests are under way at a time. The cloud publishes no limits, and a device takes about a second.
//! * 429 is about the whole integration: nobody asks before the time it names. A short wait is waited for here, a long one is the
//!   failure of every step until then.
//! * A token that is refused is fetched anew once; a bot's is left alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::answer::{self, Said};
use super::device::DeviceFacts;
use super::error::{Tracking, WebexError};
use crate::http::{Bytes, HeaderValue, Http, Method, Request, Url, header, retry_after};
use crate::http::{Response, Trust};
use crate::model::service::WebexIntegrationSpec;
use crate::model::{Clock, WebexSpec};
use crate::oauth::{Bearer, Tokens};

/// Requests of one integration at a time.
const AT_ONCE: usize = 4;
/// Longest time one command may take: the cloud hands it on to the device and waits for it, as a rule about a second.
const COMMAND_DEADLINE: Duration = Duration::from_secs(10);
/// Longest time for what the cloud knows by itself.
const LOOK_DEADLINE: Duration = Duration::from_secs(4);
/// A pause no longer than this is waited for within the step.
const SHORT: Duration = Duration::from_secs(3);
/// The pause where 429 names none.
const PAUSE: Duration = Duration::from_secs(30);
/// Longest pause that is believed.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a device is believed to be what it was.
const FACTS_AGE: Duration = Duration::from_secs(60 * 60);
/// How long a device that could not list is not asked to.
const PERSONAL_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// See the module.
pub(super) struct Cloud {
    seats: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Nobody asks before.
    until: Option<Instant>,
    devices: BTreeMap<String, Known>,
    /// As it was used last.
    spec: Option<Arc<WebexIntegrationSpec>>,
}

/// What was learned of one device.
#[derive(Default)]
struct Known {
    facts: Option<(Arc<DeviceFacts>, Instant)>,
    /// The account may not know what it is.
    untold: Option<Instant>,
    /// It could not list.
    personal: Option<Instant>,
    /// It was not connected.
    offline: bool,
}

impl Default for Cloud {
    fn default() -> Self {
        Self { seats: Semaphore::new(AT_ONCE), state: Mutex::default() }
    }
}

/// One step's conversation with one device.
pub(super) struct Talk<'a> {
    pub(super) http: &'a Http,
    pub(super) tokens: &'a Tokens,
    pub(super) clock: &'a Clock,
    pub(super) cloud: &'a Cloud,
    pub(super) webex: &'a WebexSpec,
}

impl Cloud {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the integration as the documents have it now.
    pub(super) fn is_now(&self, spec: &Arc<WebexIntegrationSpec>) {
        self.state().spec = Some(spec.clone());
    }

    /// The integration as it was used last, with which what was filled with an older one can be cleared.
    pub(super) fn latest(&self, api_url: &str) -> Option<Arc<WebexIntegrationSpec>> {
        self.state().spec.clone().filter(|spec| spec.api_url == api_url)
    }

    fn device<R>(&self, id: &str, look: impl FnOnce(&mut Known) -> R) -> R {
        look(self.state().devices.entry(id.to_owned()).or_default())
    }

    /// How long nobody may ask.
    fn pause(&self) -> Option<Duration> {
        let until = self.state().until?;
        Some(until.saturating_duration_since(Instant::now())).filter(|rest| !rest.is_zero())
    }

    fn hold_off(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.state();
        state.until = Some(state.until.map_or(until, |before| before.max(until)));
    }
}

impl Talk<'_> {
    /// Performs a command and gives back its result. `body` is JSON.
    ///
    /// # Errors
    /// When the cloud could not be reached or did not say that the device performed it.
    pub(super) async fn command(&self, name: &str, body: Option<&str>) -> Result<serde_json::Value, WebexError> {
        let id = serde_json::Value::from(self.webex.device_id.as_str());
        let body = body.map(|body| format!(",\"body\":{body}")).unwrap_or_default();
        // `arguments` is required, also where there are none.
        let text = format!("{{\"deviceId\":{id},\"arguments\":{{}}{body}}}");
        let mut url = self.url()?;
        extend(&mut url, &["xapi", "command", name]);
        let mut request = Request::new(Method::POST, url);
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        (request.body, request.deadline) = (Bytes::from(text), COMMAND_DEADLINE);
        match self.send(&request).await? {
            Said::Done(body) => {
                self.cloud.device(&self.webex.device_id, |known| known.offline = false);
                answer::result(&body, &self.webex.device_id)
            }
            Said::Refused { status, reason, tracking } => Err(self.refused(name, status, reason, tracking).await),
            other => Err(failed(other)),
        }
    }

    /// A device that was not connected is looked for before it is given anything.
    ///
    /// # Errors
    /// When it still is not.
    pub(super) async fn is_there(&self) -> Result<(), WebexError> {
        if !self.cloud.device(&self.webex.device_id, |known| known.offline) {
            return Ok(());
        }
        match self.look().await {
            Ok(facts) if facts.connected == Some(false) => Err(WebexError::Offline(Tracking::default())),
            // Where the cloud does not tell, the command will.
            Ok(_) | Err(WebexError::Forbidden(_) | WebexError::UnknownDevice(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What the device is, no older than an hour; `None` where the account may not know.
    pub(super) async fn facts(&self) -> Option<Arc<DeviceFacts>> {
        let id = &self.webex.device_id;
        let (known, untold) = self.cloud.device(id, |known| (known.facts.clone(), known.untold));
        match (known, untold) {
            (Some((facts, at)), _) if at.elapsed() < FACTS_AGE => Some(facts),
            (_, Some(at)) if at.elapsed() < FACTS_AGE => None,
            _ => match self.look().await {
                Err(WebexError::Forbidden(_)) => {
                    self.cloud.device(id, |known| known.untold = Some(Instant::now()));
                    None
                }
                looked => looked.ok(),
            },
        }
    }

    /// Whether the device could not list a while ago.
    pub(super) fn is_personal(&self) -> bool {
        self.cloud.device(&self.webex.device_id, |known| known.personal.is_some_and(|at| at.elapsed() < PERSONAL_FOR))
    }

    /// What the device is, asked for now.
    async fn look(&self) -> Result<Arc<DeviceFacts>, WebexError> {
        let mut url = self.url()?;
        extend(&mut url, &["devices", &self.webex.device_id]);
        let mut request = Request::new(Method::GET, url);
        request.deadline = LOOK_DEADLINE;
        match self.send(&request).await? {
            Said::Done(body) => {
                let facts = DeviceFacts::read(body.to_string().as_bytes());
                let facts = Arc::new(facts.ok_or(WebexError::Unclear("a device without id"))?);
                self.cloud.device(&self.webex.device_id, |known| {
                    known.offline = facts.connected == Some(false);
                    known.facts = Some((facts.clone(), Instant::now()));
                });
                Ok(facts)
            }
            Said::Refused { status: 404 | 410, tracking, .. } => Err(WebexError::UnknownDevice(tracking)),
            Said::Refused { status: 403, tracking, .. } => Err(WebexError::Forbidden(tracking)),
            other => Err(failed(other)),
        }
    }

    /// What a 4xx means is said by what the device is: no status is documented for one that is not connected.
    async fn refused(&self, command: &str, status: u16, reason: String, tracking: Tracking) -> WebexError {
        let lower = reason.to_ascii_lowercase();
        if lower.contains("microsoftteams") || lower.contains("microsoft teams") {
            return WebexError::TeamsRoomsMode;
        }
        let reads = command == "Bookings.List";
        if status == 403 && !reads {
            return WebexError::Forbidden(tracking);
        }
        match self.look().await {
            Ok(facts) if reads && facts.personal => {
                self.cloud.device(&self.webex.device_id, |known| known.personal = Some(Instant::now()));
                WebexError::CannotList
            }
            Ok(facts) if facts.connected == Some(false) => WebexError::Offline(tracking),
            _ if status == 403 => WebexError::Forbidden(tracking),
            Err(WebexError::UnknownDevice(_)) => WebexError::UnknownDevice(tracking),
            Err(WebexError::Forbidden(_)) if matches!(status, 404 | 410) => WebexError::UnknownDevice(tracking),
            Err(error @ (WebexError::Throttled { .. } | WebexError::Refused(_) | WebexError::Token(_))) => error,
            Ok(_) | Err(_) => WebexError::Declined(status, reason, tracking),
        }
    }

    fn url(&self) -> Result<Url, WebexError> {
        let url = Url::parse(&self.webex.integration.api_url).map_err(|_| WebexError::Address)?;
        if url.cannot_be_a_base() { Err(WebexError::Address) } else { Ok(url) }
    }

    /// Sends one request: when it may, with a token, and once more with another one when that is refused.
    async fn send(&self, request: &Request) -> Result<Said, WebexError> {
        let mut refused: Option<Bearer> = None;
        let mut waited = false;
        loop {
            if let Some(rest) = self.cloud.pause() {
                if waited || rest > SHORT {
                    return Err(WebexError::Throttled { retry_after: rest });
                }
                waited = true;
                tokio::time::sleep(rest).await;
            }
            let integration = &*self.webex.integration;
            let bearer = self.tokens.bearer(integration, 0).await.map_err(WebexError::Token)?;
            if refused.as_ref() == Some(&bearer) {
                return Err(WebexError::Refused(Tracking::default()));
            }
            let response = self.send_with(request, &bearer).await?;
            match answer::read(&response) {
                Said::NotOurToken(tracking) => {
                    self.tokens.refused(integration, 0, &bearer);
                    self.tokens.gave_up_on(integration, &bearer).await;
                    if refused.replace(bearer).is_some() {
                        return Err(WebexError::Refused(tracking));
                    }
                }
                Said::TooMany => {
                    let wait = retry_after(&response.headers, self.clock.now().wall);
                    // A second at least: zero would be asking for the next refusal.
                    self.cloud.hold_off(wait.unwrap_or(PAUSE).clamp(Duration::from_secs(1), PAUSE_MAX));
                }
                said => return Ok(said),
            }
        }
    }

    async fn send_with(&self, request: &Request, bearer: &Bearer) -> Result<Response, WebexError> {
        let integration = &*self.webex.integration;
        let mut request = request.clone();
        let value = bearer.header().ok_or(WebexError::Refused(Tracking::default()))?;
        request.headers.insert(header::AUTHORIZATION, value);
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request.trust = Trust::Verify(integration.ca_certificates.clone());
        request.via = integration.via();
        let _seat = self.cloud.seats.acquire().await.expect("the semaphore is never closed");
        self.http.send(request).await.map_err(WebexError::Unreachable)
    }
}

/// Appends to the path, whatever is in the segments.
fn extend(url: &mut Url, segments: &[&str]) {
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
}

fn failed(said: Said) -> WebexError {
    match said {
        Said::Failed(error) => error,
        Said::NotOurToken(tracking) => WebexError::Refused(tracking),
        Said::TooMany => WebexError::Throttled { retry_after: PAUSE },
        Said::Refused { status, reason, tracking } => WebexError::Declined(status, reason, tracking),
        Said::Done(_) => WebexError::Unclear("an answer to another question"),
    }
}
