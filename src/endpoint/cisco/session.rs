//! One codec's side of the conversation: what is remembered between requests, how they are spaced, and the one function that
//! sends. In: a path and a body. Out: an answer that is neither a refusal nor a page for people.
//!
//! Credentials leave this file only towards the host of the document, and only after its certificate is one we trust: under
//! `PinOnFirstUse` a first connection without them learns which one that is.

use std::net::Ipv6Addr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::answer;
use super::element::Element;
use super::facts::{Facts, registered};
use crate::auth::basic;
use crate::endpoint::EndpointError;
use crate::http::{Bytes, Certificate, HeaderValue, Http, Method, Request, Response, Trust, Url, header};
use crate::model::device::{TlsMode, Wire};
use crate::model::{CiscoSpec, DeviceFacts, SecretValue};

/// Longest time one request may take, in total. A codec waking from standby answers within ten seconds; half as much again
/// keeps one slow room from looking broken.
const DEADLINE: Duration = Duration::from_secs(15);

/// Least time between two requests to one device. Documented: requests with Basic authentication are limited to one a
/// second, with a queue of 30, then 503 (release notes of RoomOS 10, 11 and 26, "HTTP Rate limiting").
const SPACING: Duration = Duration::from_secs(1);

/// How long a device is believed to be the one it was. A list is never judged on older facts: reading it asks again.
const FACTS_AGE: Duration = Duration::from_secs(60 * 60);

/// What is remembered of one device between requests: keep one for each place, lose it freely. Only the pin is worth
/// storing. One request is in flight at a time: whoever sends holds it by `&mut`.
#[derive(Debug)]
pub struct Session {
    spacing: Duration,
    last: Option<Instant>,
    place: Option<(String, u16)>,
    facts: Option<(Facts, Instant)>,
    /// The wire that was found by trying.
    pub(super) learned: Option<Wire>,
    pin: Option<String>,
    certificate: Option<Certificate>,
    /// Its `Date` header, and when it came.
    date: Option<(Timestamp, Instant)>,
}

impl Default for Session {
    fn default() -> Self {
        Self::with_pin(None)
    }
}

impl Session {
    /// With the certificate fingerprint that was pinned at this place before, if any.
    #[must_use]
    pub fn with_pin(pin: Option<String>) -> Self {
        Self {
            spacing: SPACING,
            last: None,
            place: None,
            facts: None,
            learned: None,
            pin,
            certificate: None,
            date: None,
        }
    }

    /// The same with another spacing of requests: simulated devices have no limit worth waiting for.
    #[must_use]
    pub fn spaced(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self
    }

    /// The fingerprint pinned at first use, SHA-256 in lower-case hex: store it, and give it back after a restart.
    #[must_use]
    pub fn pin(&self) -> Option<&str> {
        self.pin.as_deref()
    }

    /// What the device told of itself last.
    #[must_use]
    pub fn known(&self) -> Option<&Facts> {
        self.facts.as_ref().map(|(facts, _)| facts)
    }

    /// The same as it is kept and shown at `now`.
    #[must_use]
    pub fn device(&self, now: Timestamp) -> DeviceFacts {
        let certificate = self.certificate.as_ref();
        let of_connection = DeviceFacts {
            clock_ahead_s: self.date.map(|(date, at)| {
                let since = SignedDuration::try_from(at.elapsed()).unwrap_or_default();
                (date.duration_since(now) + since).as_secs()
            }),
            fingerprint: certificate.map(|certificate| certificate.fingerprint.clone()),
            certificate_ends: certificate.and_then(|certificate| certificate.ends),
            ..DeviceFacts::default()
        };
        let Some((facts, told)) = &self.facts else { return of_connection };
        let up = facts.uptime_s.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
        let since = SignedDuration::try_from(told.elapsed()).unwrap_or_default();
        DeviceFacts {
            product: facts.product.clone(),
            software: facts.software.clone(),
            serial: facts.serial.clone(),
            started: up.and_then(|up| now.checked_sub(up).ok()?.checked_sub(since).ok()),
            ..of_connection
        }
    }

    /// Facts that are no older than an hour.
    pub(super) async fn facts(&mut self, http: &Http, cisco: &CiscoSpec) -> Result<Facts, EndpointError> {
        self.turn_to(cisco);
        match &self.facts {
            Some((facts, at)) if at.elapsed() < FACTS_AGE => Ok(facts.clone()),
            _ => self.fresh_facts(http, cisco).await.map(|(facts, _)| facts),
        }
    }

    /// Facts asked for now, with the device's date.
    pub(super) async fn fresh_facts(
        &mut self,
        http: &Http,
        cisco: &CiscoSpec,
    ) -> Result<(Facts, Option<Timestamp>), EndpointError> {
        let (root, date) = self.status(http, cisco, Some("/Status/SystemUnit")).await?;
        let mut facts = root.as_ref().map(Facts::from_status).unwrap_or_default();
        if facts == Facts::default() {
            // A path that is not known is answered with an empty document; the whole status exists everywhere.
            let (root, _) = self.status(http, cisco, None).await?;
            facts = root.as_ref().map(Facts::from_status).unwrap_or_default();
        }
        if facts.needs_registration() {
            let (root, _) = self.status(http, cisco, Some("/Status/Webex")).await?;
            facts.webex_registered = Some(root.as_ref().and_then(registered).unwrap_or(false));
        }
        if self.known().is_some_and(|known| known.software != facts.software) {
            self.learned = None;
        }
        self.facts = Some((facts.clone(), Instant::now()));
        Ok((facts, date))
    }

    async fn status(
        &mut self,
        http: &Http,
        cisco: &CiscoSpec,
        location: Option<&str>,
    ) -> Result<(Option<Element>, Option<Timestamp>), EndpointError> {
        let query = location.map(|location| format!("location={location}"));
        let path = if location.is_some() { "/getxml" } else { "/status.xml" };
        match self.exchange(http, cisco, path, query.as_deref(), None).await {
            Ok(response) => Ok((Element::parse(&response.body), date(&response))),
            // A device that does not know the path is no worse for it.
            Err(EndpointError::Unsupported | EndpointError::Status(_) | EndpointError::Unclear(_)) => Ok((None, None)),
            Err(error) => Err(error),
        }
    }

    /// One part of what it is and how it is set; `None` where it does not answer that.
    pub(super) async fn subtree(&mut self, http: &Http, cisco: &CiscoSpec, location: &str) -> Option<Element> {
        self.status(http, cisco, Some(location)).await.ok()?.0
    }

    /// Posts XML and gives back the answer's body, a 200 that is no page for people.
    pub(super) async fn post(
        &mut self,
        http: &Http,
        cisco: &CiscoSpec,
        path: &str,
        body: String,
    ) -> Result<Response, EndpointError> {
        self.exchange(http, cisco, path, None, Some(body)).await
    }

    async fn exchange(
        &mut self,
        http: &Http,
        cisco: &CiscoSpec,
        path: &str,
        query: Option<&str>,
        body: Option<String>,
    ) -> Result<Response, EndpointError> {
        self.turn_to(cisco);
        let password = match &cisco.password {
            SecretValue::Known(password) => password,
            SecretValue::Missing(why) => return Err(EndpointError::SecretMissing(why.clone())),
        };
        let mut url = url(cisco)?;
        let trust = self.trust(http, cisco, &url).await?;
        url.set_path(path);
        url.set_query(query);
        let credentials = basic::header(&cisco.username, password.expose());
        let mut credentials = HeaderValue::from_str(&credentials).map_err(|_| EndpointError::Address)?;
        credentials.set_sensitive(true);
        let mut request = Request::new(Method::GET, url.clone());
        request.headers.insert(header::AUTHORIZATION, credentials);
        if let Some(body) = body {
            request.method = Method::POST;
            request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
            request.body = Bytes::from(body);
        }
        request.trust = trust;
        request.via.clone_from(&cisco.web_proxy);
        let response = self.send(http, request).await?;
        answer::check(&url, &response)?;
        Ok(response)
    }

    /// Whom to trust: the fingerprint of the document, the mode's roots, or the certificate seen first.
    async fn trust(&mut self, http: &Http, cisco: &CiscoSpec, url: &Url) -> Result<Trust, EndpointError> {
        if !cisco.use_https {
            return Ok(Trust::system());
        }
        if let Some(fingerprint) = &cisco.fingerprint {
            return Ok(Trust::Pinned(fingerprint.clone()));
        }
        match cisco.tls {
            TlsMode::Verify => Ok(Trust::Verify(cisco.ca_certificates.clone())),
            TlsMode::Insecure => Ok(Trust::Insecure),
            TlsMode::PinOnFirstUse => match &self.pin {
                Some(pin) => Ok(Trust::Pinned(pin.clone())),
                None => {
                    let mut first = Request::new(Method::HEAD, url.clone());
                    first.trust = Trust::Insecure;
                    first.via.clone_from(&cisco.web_proxy);
                    let seen = self.send(http, first).await?.certificate;
                    let pin = seen.ok_or(EndpointError::Unclear("without a certificate"))?.fingerprint;
                    self.pin = Some(pin.clone());
                    Ok(Trust::Pinned(pin))
                }
            },
        }
    }

    async fn send(&mut self, http: &Http, mut request: Request) -> Result<Response, EndpointError> {
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + self.spacing).await;
        }
        request.deadline = DEADLINE;
        // Counted before and after: a request that is given up has reached the device all the same.
        self.last = Some(Instant::now());
        let response = http.send(request).await;
        self.last = Some(Instant::now());
        let response = response?;
        self.certificate.clone_from(&response.certificate);
        self.date = date(&response).map(|date| (date, Instant::now()));
        Ok(response)
    }

    /// Forgets what was learned of another place.
    fn turn_to(&mut self, cisco: &CiscoSpec) {
        let place = cisco.place();
        if self.place.as_ref().is_some_and(|known| *known != place) {
            *self = Self::with_pin(None).spaced(self.spacing);
        }
        self.place = Some(place);
    }
}

/// The device's root URL. What is no plain host cannot become another host, a user or a path.
fn url(cisco: &CiscoSpec) -> Result<Url, EndpointError> {
    let address = cisco.address.as_str();
    let host = match address.parse::<Ipv6Addr>() {
        Ok(v6) => format!("[{v6}]"),
        Err(_) => address.to_owned(),
    };
    let plain = |c: char| c.is_alphanumeric() || "-._".contains(c);
    if address.is_empty() || (!host.starts_with('[') && !address.chars().all(plain)) {
        return Err(EndpointError::Address);
    }
    let scheme = if cisco.use_https { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{host}:{}/", cisco.port)).map_err(|_| EndpointError::Address)
}

/// The `Date` header.
pub(super) fn date(response: &Response) -> Option<Timestamp> {
    let text = response.headers.get(header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
