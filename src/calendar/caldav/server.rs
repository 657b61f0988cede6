//! One CalDAV server as one reading speaks to it: requests signed in, redirects followed within the server, answers proven.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::auth::digest::client::best_offer;
use crate::calendar::multistatus::{self, Multistatus};
use crate::calendar::published::{DEADLINE, outcome, status_error};
use crate::calendar::{AgendaRequest, CalendarError};
use crate::http::{
    Bytes, CALENDAR_LIMIT, HeaderMap, HeaderName, HeaderValue, Http, Method, REDIRECTS_MAX, Request, Response,
    StatusCode, Trust, Url, header, redirect_target, same_origin, server_date,
};
use crate::model::service::CalDavSpec;
use crate::model::{Secret, SecretValue};

/// Everything that requests of one reading have in common.
pub(super) struct Server<'a> {
    http: &'a Http,
    /// Where discovery starts; the only origin that is spoken to.
    pub(super) base: Url,
    account: Option<(&'a str, &'a Secret)>,
    request: &'a AgendaRequest,
    count: &'a (dyn Fn(&str) + Sync),
    date: Mutex<Option<Timestamp>>,
}

impl<'a> Server<'a> {
    /// # Errors
    /// When the base URL is none, or the password is missing.
    pub(super) fn new(
        http: &'a Http,
        service: &'a CalDavSpec,
        request: &'a AgendaRequest,
        count: &'a (dyn Fn(&str) + Sync),
    ) -> Result<Self, CalendarError> {
        let mut base: Url = service
            .url
            .trim()
            .parse()
            .map_err(|_| CalendarError::NotFound("the integration's url is not a valid URL".into()))?;
        // Links are kept in cursors; an account in the URL would be kept with them.
        let _ = base.set_username("").and_then(|()| base.set_password(None));
        let account = match (&service.username, &service.password) {
            (None, _) => None,
            (Some(username), Some(SecretValue::Known(password))) => Some((username.as_str(), password)),
            (Some(_), Some(SecretValue::Missing(reason))) => {
                return Err(CalendarError::SecretMissing(reason.to_string()));
            }
            (Some(_), None) => return Err(CalendarError::SecretMissing("username is given, password is not".into())),
        };
        Ok(Self { http, base, account, request, count, date: Mutex::default() })
    }

    /// What its last answer said the time is, where that can be believed.
    pub(super) fn date(&self) -> Option<Timestamp> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A link of documents or answers, on this server.
    ///
    /// # Errors
    /// When it leads elsewhere.
    pub(super) fn link(&self, href: &str) -> Result<Url, CalendarError> {
        let url = self.base.join(href).map_err(|_| CalendarError::NotFound("its path is not a valid one".into()))?;
        if same_origin(&self.base, &url) {
            Ok(url)
        } else {
            Err(CalendarError::Unreadable("a link leads to another server than the integration's url".into()))
        }
    }

    /// `PROPFIND`; hands back where the answer came from as well.
    pub(super) async fn propfind(
        &self,
        url: &Url,
        depth: u8,
        body: &'static str,
    ) -> Result<(Multistatus, Url), CalendarError> {
        self.ask("PROPFIND", url, depth, Bytes::from_static(body.as_bytes())).await
    }

    /// `REPORT`, depth 1.
    pub(super) async fn report(&self, url: &Url, body: &str) -> Result<Multistatus, CalendarError> {
        let (answer, _) = self.ask("REPORT", url, 1, Bytes::copy_from_slice(body.as_bytes())).await?;
        Ok(answer)
    }

    async fn ask(&self, method: &str, url: &Url, depth: u8, body: Bytes) -> Result<(Multistatus, Url), CalendarError> {
        let method = Method::from_bytes(method.as_bytes()).expect("our methods are tokens");
        let mut url = url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.signed_in(&method, &url, depth, &body).await?;
            if let Some(target) = redirect_target(&url, &answer)? {
                if answer.status == StatusCode::SEE_OTHER || !same_origin(&self.base, &target) {
                    let text =
                        "the server redirects to another one; write the URL it redirects to as the integration's url";
                    return Err(CalendarError::Unreadable(text.into()));
                }
                url = target;
                continue;
            }
            if answer.status != StatusCode::MULTI_STATUS {
                return Err(if answer.status.is_success() {
                    CalendarError::Unreadable(
                        "the answer is no multistatus; is the integration's url a CalDAV server?".into(),
                    )
                } else {
                    status_error(&answer, self.request.now)
                });
            }
            let read = tokio::task::spawn_blocking(move || multistatus::parse(&answer.body)).await;
            let read = read.map_err(|_| CalendarError::Unreadable("parsing an answer ended unexpectedly".into()))?;
            return read.map(|read| (read, url)).map_err(|fault| CalendarError::Unreadable(fault.into()));
        }
        Err(CalendarError::Unreadable("the server redirects more than five times".into()))
    }

    /// Sends a request, and once more when the server asks for a sign-in that it was not given. What it is given a second time
    /// answers a challenge just made: when that is refused, the credentials are.
    async fn signed_in(&self, method: &Method, url: &Url, depth: u8, body: &Bytes) -> Result<Response, CalendarError> {
        let answer = self.send(method, url, depth, body).await?;
        let Some((username, _)) = self.account.filter(|_| answer.status == StatusCode::UNAUTHORIZED) else {
            return Ok(answer);
        };
        let lines = answer.headers.get_all(header::WWW_AUTHENTICATE);
        let lines: Vec<&str> = lines.iter().filter_map(|line| line.to_str().ok()).collect();
        let Some(offer) = best_offer(lines) else {
            let text = "the server asks for a kind of sign-in that is not supported (Basic and Digest are)";
            return Err(CalendarError::Unreadable(text.into()));
        };
        self.request.access.sign_ins.learn(username, url, offer);
        self.send(method, url, depth, body).await
    }

    async fn send(&self, method: &Method, url: &Url, depth: u8, body: &Bytes) -> Result<Response, CalendarError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        headers.insert(HeaderName::from_static("depth"), HeaderValue::from(u16::from(depth)));
        if let Some((username, password)) = self.account
            && let Some(text) =
                self.request.access.sign_ins.authorize(username, password.expose(), method.as_str(), url)
        {
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| CalendarError::Unreadable("username or password holds a control character".into()))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let sent = self.http.send(Request {
            headers,
            body: body.clone(),
            deadline: DEADLINE,
            limit_bytes: CALENDAR_LIMIT,
            trust: Trust::Verify(self.request.room.integration.ca_certificates.clone()),
            via: self.request.room.integration.via(),
            ..Request::new(method.clone(), url.clone())
        });
        let answer = sent.await;
        (self.count)(answer.as_ref().map_or_else(|error| error.label(), |answer| outcome(answer.status)));
        let answer = answer?;
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) = server_date(url, &answer.headers);
        Ok(answer)
    }
}
