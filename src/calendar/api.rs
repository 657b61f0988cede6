//! One request to a JSON calendar API: with a bearer, counted, and once more with a fresh bearer when the first is refused.
//! What an answer means is for whoever knows the service.

use std::time::Duration;

use super::published::{DEADLINE, outcome};
use super::{Access, CalendarError};
use crate::http::{
    Bytes, CALENDAR_LIMIT, HeaderMap, HeaderValue, Http, Method, Request, Response, StatusCode, Trust, Url, header,
    server_date,
};
use crate::model::IntegrationSpec;
use crate::model::tally::Tally;
use jiff::Timestamp;

/// A calendar service as one step speaks to it.
pub(super) struct Api<'a> {
    pub(super) http: &'a Http,
    pub(super) tally: &'a Tally,
    pub(super) access: &'a Access,
    pub(super) integration: &'a IntegrationSpec,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) response: Response,
    /// What the server said the time is, where that can be believed.
    pub(super) server_date: Option<Timestamp>,
}

impl Api<'_> {
    /// Sends one request; `headers` and `body` as the service wants them.
    ///
    /// # Errors
    /// When there is no token, or no complete answer.
    pub(super) async fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, CalendarError> {
        let answer = self.signed_in(method, url, headers, body).await?;
        if answer.response.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        // A token can end early: the account was changed, or a clock is wrong. With another one the answer is final.
        self.signed_in(method, url, headers, body).await
    }

    async fn signed_in(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, CalendarError> {
        let Access { tokens, account, spent, .. } = self.access;
        let bearer = tokens.bearer(self.integration, *account).await?;
        let mut headers = headers.clone();
        let value = bearer.header().ok_or_else(|| CalendarError::Unreadable("the token is no text".into()))?;
        headers.insert(header::AUTHORIZATION, value);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        spent.one_more();
        let sent = self.http.send(Request {
            headers,
            body: body.clone(),
            deadline: DEADLINE,
            limit_bytes: CALENDAR_LIMIT,
            trust: Trust::Verify(self.integration.ca_certificates.clone()),
            via: self.integration.via(),
            ..Request::new(method.clone(), url.clone())
        });
        let response = sent.await;
        let said = response.as_ref().map_or_else(|error| error.label(), |answer| outcome(answer.status));
        self.tally.calendar_requests.add(&[self.integration.name.as_str(), said]);
        let response = response.map_err(CalendarError::Offline)?;
        if response.status == StatusCode::UNAUTHORIZED {
            tokens.refused(self.integration, *account, &bearer);
        }
        let server_date = server_date(url, &response.headers);
        Ok(Answer { response, server_date })
    }
}

/// `Retry-After`, or nothing.
pub(super) fn retry_after(answer: &Answer, now: Timestamp) -> Option<Duration> {
    crate::http::retry_after(&answer.response.headers, now)
}
