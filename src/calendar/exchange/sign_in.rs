//! One request to an Exchange server, signed in the way the documents say: a request goes in, an answer of any status but 401 and 403
//! comes out, whole or piece by piece.
//!
//! | documents | what happens |
//! |---|---|
//! | `basic` | the first request to a server goes without a password, and asks whether it takes Basic at all |
//! | `ntlm` | a connection is signed in once and then used again and again, by requests without any credentials |
//! | `oauth`, `appOnly` | a bearer; a refused one is replaced once |
//!
//! Before a password is sent, [`Tokens::trial`](crate::oauth::Tokens::trial) is asked, so that no account is ever locked; and the host must
//! be one that the documents trust, over https.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::refusal::{EntryError, Offers, fault};
use crate::auth::digest::client::Offer;
use crate::auth::ntlm::binding;
use crate::auth::ntlm::client::{Account, Handshake};
use crate::auth::{basic, ntlm::NtlmError};
use crate::calendar::Access;
use crate::calendar::published::outcome;
use crate::http::{
    Answering, Bytes, HeaderMap, HeaderName, HeaderValue, Http, HttpError, Link, Method, Request, Response, StatusCode,
    Trust, Url, header, same_origin,
};
use crate::model::service::{ExchangeSignIn, ExchangeSpec};
use crate::model::tally::Tally;
use crate::model::{Digest, IntegrationSpec, Secret, SecretValue};
use crate::oauth::password::Trial;

/// What tokens are for where the documents name no other server.
const EXCHANGE_ONLINE: &str = "outlook.office365.com";

/// How long the rest of a refusal may take.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(10);

/// An Exchange service, as one account speaks to it.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The way out.
    pub http: &'a Http,
    /// Where requests are counted, by outcome.
    pub tally: &'a Tally,
    /// Tokens, passwords, and what servers taught us.
    pub access: &'a Access,
    /// The service.
    pub integration: &'a IntegrationSpec,
    /// Its part that is Exchange's alone.
    pub spec: &'a ExchangeSpec,
    /// The time.
    pub now: Timestamp,
}

/// One request: a `POST` of XML.
#[derive(Clone)]
pub struct Ask {
    /// Where to: the EWS service, or an Autodiscover service.
    pub url: Url,
    /// The envelope.
    pub body: Bytes,
    /// The mailbox that the request is about, for servers that spread mailboxes over many machines (`X-AnchorMailbox`).
    pub anchor: Option<String>,
    /// Further headers: `X-BackEndOverrideCookie` and the like.
    pub headers: HeaderMap,
    /// [`Exchange::send`]: for everything, sign-in included; [`Exchange::open`]: until the answer begins.
    pub deadline: Duration,
    /// Most bytes of the answer's body.
    pub limit_bytes: usize,
}

/// Whether the server of `url` is given the credentials of `spec` (over https, which is not asked here).
#[must_use]
pub fn is_trusted(spec: &ExchangeSpec, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let written = spec.ews_url.iter().chain(spec.autodiscover_urls.iter().map(|(_, url)| url));
    let is_written = written.filter_map(|text| Url::parse(text).ok()).any(|known| same_origin(&known, url));
    let is_online = host == EXCHANGE_ONLINE
        && matches!(spec.sign_in, ExchangeSignIn::Oauth { .. } | ExchangeSignIn::AppOnly { .. });
    let is_below = |domain: &String| {
        !domain.is_empty()
            && (host == *domain || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.')))
    };
    is_written || is_online || spec.autodiscover_trust.iter().any(is_below)
}

impl Exchange<'_> {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is none of a server that we are signed in to.
    pub async fn send(&self, ask: &Ask) -> Result<Response, EntryError> {
        let whole = async {
            let (answering, kept) = self.begin(ask, Over::Shared).await?;
            let read = self.http.whole(answering, ask.deadline).await;
            let (response, link) = read.map_err(EntryError::Unreachable)?;
            if let (Some(whom), Some(link)) = (kept, link) {
                self.access.sign_ins.links().put(whom, link);
            }
            Ok(response)
        };
        let late = Err(EntryError::Unreachable(HttpError::Deadline));
        self.counted(tokio::time::timeout(ask.deadline, whole), late, |answer| answer.status).await
    }

    /// Sends a request and reads the head of the answer; what comes back is read piece by piece, for as long as it lasts. It comes over
    /// a connection of its own: over HTTP/2 as many as servers allow, about a hundred, would leave no room for anything else.
    ///
    /// # Errors
    /// When no answer of a server that we are signed in to began.
    pub async fn open(&self, ask: &Ask) -> Result<Answering, EntryError> {
        let mut ask = ask.clone();
        // A server that compresses keeps pieces back until there are more of them.
        ask.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let head = async { self.begin(&ask, Over::Own).await.map(|(answering, _)| answering) };
        let late = Err(EntryError::Unreachable(HttpError::Deadline));
        self.counted(tokio::time::timeout(ask.deadline, head), late, |answer| answer.status).await
    }

    async fn counted<T, Late>(
        &self,
        asked: impl Future<Output = Result<Result<T, EntryError>, Late>>,
        late: Result<T, EntryError>,
        status: impl Fn(&T) -> StatusCode,
    ) -> Result<T, EntryError> {
        let answer = asked.await.unwrap_or(late);
        let said = match &answer {
            Ok(answer) => outcome(status(answer)),
            Err(EntryError::Unreachable(error)) => error.label(),
            Err(error) => error.label(),
        };
        self.tally.calendar_requests.add(&[self.integration.name.as_str(), said]);
        answer
    }

    /// The answer's head, and whom its connection may serve afterwards.
    async fn begin(&self, ask: &Ask, over: Over) -> Result<(Answering, Option<Digest>), EntryError> {
        self.check(&ask.url)?;
        let (answering, kept) = match &self.spec.sign_in {
            ExchangeSignIn::Basic { username, password } => {
                (self.basic(ask, over, username, known(password)?).await?, None)
            }
            ExchangeSignIn::Ntlm { username, password } => {
                let whom = self.whom(&ask.url, username, known(password)?);
                (self.ntlm(ask, over, username, known(password)?, &whom).await?, Some(whom))
            }
            ExchangeSignIn::Oauth { .. } | ExchangeSignIn::AppOnly { .. } => (self.bearer(ask, over).await?, None),
        };
        if answering.status == StatusCode::FORBIDDEN {
            return Err(EntryError::Disabled);
        }
        Ok((answering, kept))
    }

    /// Whether credentials may go to `url`.
    ///
    /// This machine itself is reached without TLS, too, where it may be reached at all: what goes there leaves nothing behind.
    pub(super) fn check(&self, url: &Url) -> Result<(), EntryError> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_matches(['[', ']']);
        let is_here = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
        match url.scheme() {
            _ if !is_trusted(self.spec, url) => Err(EntryError::Untrusted(host.to_owned())),
            "https" => Ok(()),
            _ if is_here => Ok(()),
            _ => Err(EntryError::WithoutTls(host.to_owned())),
        }
    }

    fn request(&self, ask: &Ask, authorization: Option<&str>, body: Bytes) -> Result<Request, EntryError> {
        let unfit = |_| EntryError::Unreachable(HttpError::Protocol("the request cannot be written"));
        let mut headers = ask.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        if let Some(anchor) = &ask.anchor {
            let value = HeaderValue::from_str(anchor).map_err(unfit)?;
            headers.insert(HeaderName::from_static("x-anchormailbox"), value);
        }
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_str(authorization).map_err(unfit)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(Request {
            headers,
            body,
            deadline: ask.deadline,
            limit_bytes: ask.limit_bytes,
            trust: Trust::Verify(self.integration.ca_certificates.clone()),
            via: self.integration.via(),
            ..Request::new(Method::POST, ask.url.clone())
        })
    }

    async fn bearer(&self, ask: &Ask, over: Over) -> Result<Answering, EntryError> {
        let Access { tokens, account, .. } = self.access;
        for _ in 0..2 {
            let bearer = tokens.bearer(self.integration, *account).await.map_err(EntryError::Token)?;
            let text = format!("Bearer {}", bearer.0.expose());
            let request = self.request(ask, Some(&text), ask.body.clone())?;
            let answering = self.opened(request, over).await.map_err(EntryError::Unreachable)?;
            if answering.status != StatusCode::UNAUTHORIZED {
                return Ok(answering);
            }
            // A token can end early: the account was changed, or a clock is wrong. With another one the answer is final.
            tokens.refused(self.integration, *account, &bearer);
        }
        Err(EntryError::TokenRefused)
    }

    async fn basic(&self, ask: &Ask, over: Over, username: &str, password: &Secret) -> Result<Answering, EntryError> {
        let sign_ins = &self.access.sign_ins;
        if !sign_ins.takes_basic(username, &ask.url) {
            let request = self.request(ask, None, Bytes::new())?;
            let asked = self.http.open(request).await.map_err(EntryError::Unreachable)?;
            if asked.status != StatusCode::UNAUTHORIZED {
                // Down, or not an Exchange server: a password goes to nobody who does not ask for it.
                return Ok(asked);
            }
            self.offering_basic(&asked.headers)?;
            sign_ins.learn(username, &ask.url, Offer::Basic);
        }
        let authorization = basic::header(username, password.expose());
        let request = self.request(ask, Some(&authorization), ask.body.clone())?;
        let trial = self.trial(ask, over, username, password).await?;
        let answering = sent(self.opened(request, over).await, trial).await?;
        match answering {
            (answering, None) => Ok(answering),
            (answering, Some(trial)) => {
                let offering = self.offering_basic(&answering.headers);
                if let Err(error) = offering {
                    // It was not looked at.
                    trial.unsent().await;
                    return Err(error);
                }
                Err(self.refused(answering, trial).await)
            }
        }
    }

    fn offering_basic(&self, headers: &HeaderMap) -> Result<(), EntryError> {
        let offered = offers(headers);
        if offered.basic { Ok(()) } else { Err(EntryError::NotOffered { wanted: "Basic", offered }) }
    }

    /// Over a connection that is signed in, or else over a new one that is then.
    async fn ntlm(
        &self,
        ask: &Ask,
        over: Over,
        username: &str,
        password: &Secret,
        whom: &Digest,
    ) -> Result<Answering, EntryError> {
        while let Some(link) = self.access.sign_ins.links().take(whom) {
            match link.open(self.request(ask, None, ask.body.clone())?).await {
                Ok(answering) if answering.status != StatusCode::UNAUTHORIZED => return Ok(answering),
                // The server forgot whose it is, or closed it at this very moment.
                Ok(_) | Err(HttpError::Protocol(_)) => {}
                Err(error) => return Err(EntryError::Unreachable(error)),
            }
        }
        let trial = self.trial(ask, over, username, password).await?;
        let challenged = match self.challenged(ask).await {
            Ok(challenged) => challenged,
            Err(error) => {
                trial.unsent().await;
                return Err(error);
            }
        };
        let Challenged { link, handshake, scheme, challenge } = challenged;
        let account = Account {
            name: username,
            password: password.expose(),
            host: ask.url.host_str().unwrap_or_default(),
            binding: link.certificate().map(binding::of),
        };
        let mut random = [0; 8];
        SystemRandom::new().fill(&mut random).expect("the system has random bytes");
        let answer = match handshake.answer(&challenge, &account, random, self.now) {
            Ok(answer) => answer,
            Err(error) => {
                trial.unsent().await;
                return Err(error.into());
            }
        };
        let request = self.request(ask, Some(&format!("{scheme} {answer}")), ask.body.clone())?;
        match sent(link.open(request).await, trial).await? {
            (answering, None) => Ok(answering),
            (answering, Some(trial)) => Err(self.refused(answering, trial).await),
        }
    }

    /// A new connection, and the server's challenge on it.
    async fn challenged(&self, ask: &Ask) -> Result<Challenged, EntryError> {
        let mut link =
            self.http.link(&self.request(ask, None, Bytes::new())?).await.map_err(EntryError::Unreachable)?;
        for scheme in ["NTLM", "Negotiate"] {
            let handshake = Handshake::default();
            let authorization = format!("{scheme} {}", handshake.negotiate());
            let request = self.request(ask, Some(&authorization), Bytes::new())?;
            let (answer, kept) = link.send(request).await.map_err(EntryError::Unreachable)?;
            let broken = EntryError::Unreachable(HttpError::Protocol(
                "the server, or a proxy before it, ends the connection while we sign in",
            ));
            if let Some(challenge) = challenge(&answer.headers, scheme) {
                return Ok(Challenged { link: kept.ok_or(broken)?, handshake, scheme, challenge });
            }
            let offered = offers(&answer.headers);
            if answer.status != StatusCode::UNAUTHORIZED {
                let what = "the server answers a sign-in with neither a challenge nor a refusal";
                return Err(EntryError::Unreachable(HttpError::Protocol(what)));
            }
            if offered.ntlm || !offered.negotiate {
                let no_challenge = NtlmError::Malformed("there is none");
                return Err(if offered.ntlm {
                    no_challenge.into()
                } else {
                    EntryError::NotOffered { wanted: "NTLM", offered }
                });
            }
            link = kept.ok_or(broken)?;
        }
        Err(NtlmError::Malformed("there is none").into())
    }

    async fn trial(&self, ask: &Ask, over: Over, username: &str, password: &Secret) -> Result<Trial, EntryError> {
        let mut trial = self.access.tokens.trial(&ask.url, username, password).await?;
        if over == Over::Own {
            // What is read piece by piece may begin late, where something on the way keeps it back.
            trial.detain_nobody();
        }
        Ok(trial)
    }

    async fn opened(&self, request: Request, over: Over) -> Result<Answering, HttpError> {
        match over {
            Over::Shared => self.http.open(request).await,
            Over::Own => self.http.link(&request).await?.open(request).await,
        }
    }

    /// A password that was looked at and not taken.
    async fn refused(&self, answering: Answering, trial: Trial) -> EntryError {
        let read = self.http.whole(answering, REFUSAL_PATIENCE).await;
        let fault = read.map_or(crate::oauth::password::PasswordFault::Wrong, |(refusal, _)| fault(&refusal));
        trial.refused(fault).await.into()
    }

    /// What connections are kept under: a changed password, trust or proxy needs another.
    fn whom(&self, url: &Url, username: &str, password: &Secret) -> Digest {
        let via = self.integration.via().map(|via| via.url.clone()).unwrap_or_default();
        let origin = url.origin().ascii_serialization();
        let own = [self.integration.name.as_str(), &origin, username, password.expose(), &via].map(str::as_bytes);
        Digest::of(own.into_iter().chain(self.integration.ca_certificates.iter().map(|pem| &**pem)))
    }
}

/// Over which connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// One that others use, too.
    Shared,
    /// One of its own.
    Own,
}

/// A connection that waits for the proof.
struct Challenged {
    link: Link,
    handshake: Handshake,
    scheme: &'static str,
    challenge: String,
}

/// What came of a request with a password: the trial is handed back where the server refused.
async fn sent(sent: Result<Answering, HttpError>, trial: Trial) -> Result<(Answering, Option<Trial>), EntryError> {
    match sent {
        Ok(answering) => {
            match answering.status.as_u16() {
                401 => return Ok((answering, Some(trial))),
                200..=299 | 403 | 500 => trial.accepted().await,
                // Who looks at a password and does not like it answers 401; this one perhaps did not look.
                300..=407 | 409..=499 => trial.unsent().await,
                // Nobody knows what the server behind has seen.
                _ => drop(trial),
            }
            Ok((answering, None))
        }
        Err(error) => {
            let never_left = matches!(
                error,
                HttpError::Dns | HttpError::Refused | HttpError::Connect(_) | HttpError::Tls(_) | HttpError::Proxy(_)
            );
            if never_left {
                trial.unsent().await;
            }
            Err(EntryError::Unreachable(error))
        }
    }
}

fn known(secret: &SecretValue) -> Result<&Secret, EntryError> {
    match secret {
        SecretValue::Known(secret) => Ok(secret),
        SecretValue::Missing(reason) => Err(EntryError::SecretMissing(reason.to_string())),
    }
}

fn lines(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok())
}

fn offers(headers: &HeaderMap) -> Offers {
    Offers::of(lines(headers))
}

/// What follows the name of the scheme.
fn challenge(headers: &HeaderMap, scheme: &str) -> Option<String> {
    lines(headers).find_map(|line| {
        let (name, rest) = line.trim().split_once(' ')?;
        let rest = rest.trim();
        (name.eq_ignore_ascii_case(scheme) && !rest.is_empty()).then(|| rest.to_owned())
    })
}
