//! Requests to etcd: one member after the other until one answers, signed in anew when the token has ended, and what is noted of each
//! answer: whether it is still the same etcd, and not one of yesterday.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::EtcdOptions;
use super::wire::{Header, Refusal, TokenAnswer};
use crate::http::{Answering, HeaderValue, Http, HttpError, Method, Request, Response, header, server_date};
use crate::store::StoreError;

/// A member that answers does so within milliseconds, also while a new leader is elected within a second or two.
const MEMBER_DEADLINE: Duration = Duration::from_secs(2);
/// A leader is elected within this time; nobody waits longer.
const ALL_DEADLINE: Duration = Duration::from_secs(5);
/// Between two rounds over all members.
const ROUND_AGAIN: Duration = Duration::from_millis(150);
/// Largest answer: a page of records.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// gRPC: the caller is not signed in.
const UNAUTHENTICATED: u32 = 16;
/// gRPC: there is no leader just now, or it took too long to agree.
const UNAVAILABLE: u32 = 14;
/// gRPC: out of space, or too many requests.
const EXHAUSTED: u32 = 8;

/// See the module.
pub(super) struct Gateway {
    http: Http,
    options: EtcdOptions,
    /// The member that answered last.
    good: AtomicUsize,
    token: Mutex<Option<HeaderValue>>,
    pub(super) mark: Mark,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "etcd with {} members", self.options.endpoints.len())
    }
}

/// Which etcd this is and how far it was seen to be. Going back is what a restored backup does.
#[derive(Debug, Default)]
pub(super) struct Mark {
    pub(super) cluster: AtomicU64,
    pub(super) revision: AtomicU64,
    pub(super) restored: AtomicBool,
}

impl Mark {
    /// An answer to a request that was sent when the mark stood at `before`.
    fn note(&self, header: &Header, before: u64) {
        if header.cluster_id == 0 || header.revision == 0 {
            return;
        }
        let known = self.cluster.swap(header.cluster_id, Ordering::SeqCst);
        let is_other = known != 0 && known != header.cluster_id;
        if (is_other || header.revision < before) && !self.restored.swap(true, Ordering::SeqCst) {
            tracing::error!(
                event = "store_restored",
                "etcd is another one, or went back to an earlier state; what it says is checked against the world."
            );
        }
        if is_other || header.revision < before {
            self.revision.store(header.revision, Ordering::SeqCst);
        } else {
            self.revision.fetch_max(header.revision, Ordering::SeqCst);
        }
    }
}

/// An answer that was understood, and what its server's clock says.
pub(super) struct Said<T> {
    pub(super) answer: T,
    pub(super) date: Option<Timestamp>,
}

/// Why there is no answer.
enum Fault {
    /// The member may be asked again, and another one at once; `true`: nothing can have happened.
    Away(String, bool),
    Refused(Refusal),
}

impl Gateway {
    pub(super) fn new(http: Http, options: EtcdOptions) -> Self {
        let (good, token) = (AtomicUsize::default(), Mutex::default());
        Self { http, options, good, token, mark: Mark::default() }
    }

    /// The full key of a record.
    pub(super) fn key(&self, record: &str) -> String {
        format!("{}/{record}", self.options.prefix)
    }

    /// The record of a full key.
    pub(super) fn record<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        let rest = key.strip_prefix(self.options.prefix.as_bytes())?.strip_prefix(b"/")?;
        std::str::from_utf8(rest).ok()
    }

    /// Asks until a member answers. `again`: what may have happened may happen once more.
    ///
    /// # Errors
    /// When none answers in time, or etcd refuses.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        again: bool,
    ) -> Result<Said<T>, StoreError> {
        let body = body.to_string();
        let asked = tokio::time::timeout(ALL_DEADLINE, self.ask_all(path, body, again)).await;
        asked.unwrap_or_else(|_| Err(unavailable("no member answers in time")))
    }

    async fn ask_all<T: DeserializeOwned>(&self, path: &str, body: String, again: bool) -> Result<Said<T>, StoreError> {
        let members = self.options.endpoints.len();
        let mut signed_in_anew = false;
        for round in 0_usize.. {
            for _ in 0..members {
                let member = self.good.load(Ordering::Relaxed) % members;
                match self.ask_member(member, path, &body).await {
                    Ok(said) => return Ok(said),
                    Err(Fault::Refused(refusal)) if is_about_the_token(&refusal) && !signed_in_anew => {
                        signed_in_anew = true;
                        self.forget_token();
                    }
                    Err(Fault::Refused(refusal)) => return Err(refused(&refusal)),
                    Err(Fault::Away(why, nothing_happened)) => {
                        // Whoever noticed first turns to the next one.
                        let next = (member + 1) % members;
                        let _ = self.good.compare_exchange(member, next, Ordering::Relaxed, Ordering::Relaxed);
                        if !(again || nothing_happened) {
                            return Err(unavailable(&why));
                        }
                    }
                }
            }
            if round >= 2 && self.is_hopeless() {
                break;
            }
            tokio::time::sleep(ROUND_AGAIN).await;
        }
        Err(unavailable("no member answers"))
    }

    /// One member alone that refuses connections is given up soon: nobody elects another.
    fn is_hopeless(&self) -> bool {
        self.options.endpoints.len() == 1
    }

    async fn ask_member<T: DeserializeOwned>(&self, member: usize, path: &str, body: &str) -> Result<Said<T>, Fault> {
        let token = self.token().await?;
        let before = self.mark.revision.load(Ordering::SeqCst);
        let response = self.send(member, path, body.to_owned(), token).await?;
        let date = server_date(&self.options.endpoints[member], &response.headers);
        let body = understood(&response)?;
        let head: Head = serde_json::from_slice(body).map_err(|_| strange())?;
        self.mark.note(&head.header, before);
        let answer = serde_json::from_slice(body).map_err(|_| strange())?;
        Ok(Said { answer, date })
    }

    async fn send(
        &self,
        member: usize,
        path: &str,
        body: String,
        token: Option<HeaderValue>,
    ) -> Result<Response, Fault> {
        let mut request = self.request(member, path, body, token);
        request.deadline = MEMBER_DEADLINE;
        request.limit_bytes = ANSWER_BYTES_MAX;
        self.http.send(request).await.map_err(|error| away(&error))
    }

    fn request(&self, member: usize, path: &str, body: String, token: Option<HeaderValue>) -> Request {
        let mut url = self.options.endpoints[member].clone();
        url.set_path(path);
        let mut request = Request::new(Method::POST, url);
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            request.headers.insert(header::AUTHORIZATION, token);
        }
        request.body = body.into();
        request.trust = self.options.trust.clone();
        request
    }

    /// Opens a stream at a member that answers.
    pub(super) async fn open(&self, path: &str, body: &Value) -> Result<Answering, StoreError> {
        let members = self.options.endpoints.len();
        let mut last = String::new();
        for _ in 0..=members {
            let member = self.good.load(Ordering::Relaxed) % members;
            let opened = async {
                let token = self.token().await?;
                let mut request = self.request(member, path, body.to_string(), token);
                request.deadline = MEMBER_DEADLINE;
                request.limit_bytes = usize::MAX;
                self.http.open(request).await.map_err(|error| away(&error))
            };
            match opened.await {
                Ok(answering) if answering.status.is_success() => return Ok(answering),
                Ok(answering) => {
                    self.forget_token();
                    last = format!("it answers {}", answering.status.as_u16());
                }
                Err(Fault::Refused(refusal)) => return Err(refused(&refusal)),
                Err(Fault::Away(why, _)) => last = why,
            }
            let next = (member + 1) % members;
            let _ = self.good.compare_exchange(member, next, Ordering::Relaxed, Ordering::Relaxed);
        }
        Err(unavailable(&last))
    }

    fn forget_token(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The token of our user, fetched where there is none.
    async fn token(&self) -> Result<Option<HeaderValue>, Fault> {
        let Some((name, password)) = &self.options.user else { return Ok(None) };
        if let Some(token) = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(Some(token));
        }
        let body = json!({"name": name, "password": password.expose()}).to_string();
        let member = self.good.load(Ordering::Relaxed) % self.options.endpoints.len();
        let response = self.send(member, "/v3/auth/authenticate", body, None).await?;
        let answer: TokenAnswer = serde_json::from_slice(understood(&response)?).map_err(|_| strange())?;
        let mut token = HeaderValue::try_from(answer.token).map_err(|_| strange())?;
        token.set_sensitive(true);
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(Some(token))
    }
}

#[cfg(test)]
impl Gateway {
    /// The token is one that etcd does not know.
    pub(super) fn spoil_token(&self) {
        *self.token.lock().unwrap() = Some(HeaderValue::from_static("spoilt.1"));
    }
}

/// What every answer begins with.
#[derive(serde::Deserialize)]
struct Head {
    #[serde(default)]
    header: Header,
}

/// The body of an answer that is one.
fn understood(response: &Response) -> Result<&[u8], Fault> {
    if response.status.is_success() {
        return Ok(&response.body);
    }
    // Behind the object the gateway writes trailers into the body.
    let mut objects = serde_json::Deserializer::from_slice(&response.body).into_iter::<Refusal>();
    match objects.next() {
        Some(Ok(refusal)) if refusal.code == UNAVAILABLE => Err(Fault::Away(refusal.message, false)),
        Some(Ok(refusal)) if refusal.code != 0 => Err(Fault::Refused(refusal)),
        _ => Err(Fault::Away(format!("it answers {}", response.status.as_u16()), false)),
    }
}

fn strange() -> Fault {
    Fault::Away("its answer is not etcd's".into(), false)
}

fn away(error: &HttpError) -> Fault {
    Fault::Away(error.to_string(), error.was_not_sent())
}

fn is_about_the_token(refusal: &Refusal) -> bool {
    refusal.code == UNAUTHENTICATED
        || refusal.message.contains("invalid auth token")
        || refusal.message.contains("revision of auth store is old")
}

fn refused(refusal: &Refusal) -> StoreError {
    if refusal.code == EXHAUSTED && refusal.message.contains("space") {
        return StoreError::Full;
    }
    StoreError::Other {
        what: format!("etcd refuses: {}", refusal.message.trim_start_matches("etcdserver: ")),
        source: std::io::ErrorKind::PermissionDenied.into(),
    }
}

/// Whether etcd answered, and refused.
pub(super) fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Other { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied)
}

pub(super) fn unavailable(why: &str) -> StoreError {
    StoreError::Other { what: format!("etcd does not answer ({why})"), source: std::io::ErrorKind::NotConnected.into() }
}
