//! One connection of our own, for sign-ins that belong to a connection and not to a request (NTLM). A request names where to; a
//! [`Link`] comes out, which carries one request after the other, and shows the certificate that the sign-in is bound to.
//!
//! It keeps everything that [`Http`] promises (addresses, trust, web proxy, deadlines, limits) and speaks HTTP/1.1 alone: over HTTP/2
//! requests of several accounts share a connection. Nothing is offered to be compressed. [`Links`] keeps those that are idle.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answering::{Answering, Body};
use super::{Bytes, HeaderValue, Http, HttpError, PlayedStream, Request, Response, USER_AGENT, Url, dial, error, tls};
use super::{header, same_origin};
use crate::model::Digest;

/// An idle connection is closed after this long: sooner than servers do it (120 s for Microsoft's), so that a request seldom meets
/// one that is closing.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Idle connections kept for one account at one server.
const IDLE_EACH: usize = 8;

/// Largest head of an answer.
const HEAD_MAX: usize = 64 << 10;

/// One connection to one origin, whoever it is signed in as.
pub struct Link {
    http: Http,
    origin: Url,
    /// DER.
    certificate: Option<Vec<u8>>,
    wire: Wire,
}

enum Wire {
    /// What requests are handed to, and what moves the bytes: it ends with the link.
    Real(SendRequest<Full<Bytes>>, #[expect(dead_code, reason = "dropped with the link")] JoinSet<()>),
    Played,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Http {
    /// Connects to where `request` leads, as it says, within its deadline; sends nothing of it.
    ///
    /// # Errors
    /// When there is no connection that it may go over.
    pub async fn link(&self, request: &Request) -> Result<Link, HttpError> {
        let made = async {
            let (wire, certificate) = match &self.0.peer {
                Some(_) => (Wire::Played, None),
                None => {
                    let dialled = dial::dial(&self.0, request).await?;
                    let io = TokioIo::new(dialled.stream);
                    let shake = http1::Builder::new().max_buf_size(HEAD_MAX).handshake(io).await;
                    let (sender, connection) = shake.map_err(|_| error::BROKEN)?;
                    let mut driven = JoinSet::new();
                    driven.spawn(async move { drop(connection.await) });
                    (Wire::Real(sender, driven), dialled.certificate)
                }
            };
            Ok(Link { http: self.clone(), origin: request.url.clone(), certificate, wire })
        };
        tokio::time::timeout(request.deadline, made).await.unwrap_or(Err(HttpError::Deadline))
    }
}

impl Link {
    /// The certificate that the server showed, in DER; `None`: no TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Sends a request over this connection and reads the whole answer.
    ///
    /// # Errors
    /// When no complete answer came, or the request is for another server. The connection is of no use then.
    pub async fn send(self, request: Request) -> Result<(Response, Option<Self>), HttpError> {
        let (deadline, memory) = (request.deadline, Arc::clone(&self.http.0.memory_kib));
        let whole = async {
            let mut answering = self.begin(request).await?;
            let response = answering.whole(&memory).await?;
            Ok((response, answering.into_link().filter(Self::is_open)))
        };
        tokio::time::timeout(deadline, whole).await.unwrap_or(Err(HttpError::Deadline))
    }

    /// Sends a request over this connection and reads the head of the answer. The deadline is for that; pieces have their own.
    ///
    /// # Errors
    /// When none came.
    pub async fn open(self, request: Request) -> Result<Answering, HttpError> {
        let deadline = request.deadline;
        tokio::time::timeout(deadline, self.begin(request)).await.unwrap_or(Err(HttpError::Deadline))
    }

    async fn begin(mut self, request: Request) -> Result<Answering, HttpError> {
        if !same_origin(&self.origin, &request.url) {
            return Err(HttpError::Protocol("the connection is to another server"));
        }
        let limit_bytes = request.limit_bytes;
        let Wire::Real(sender, _) = &mut self.wire else {
            let Some(peer) = &self.http.0.peer else { return Err(error::BROKEN) };
            let PlayedStream { after, result } = peer.open(&request);
            tokio::time::sleep(after).await;
            let (status, headers, chunks) = result?;
            let body = Body::Played(chunks, Some(Box::new(self)));
            return Ok(Answering { status, headers, certificate: None, limit_bytes, body });
        };
        sender.ready().await.map_err(|_| error::BROKEN)?;
        let answer = sender.send_request(written(request)?).await.map_err(|_| error::BROKEN)?;
        let certificate = self.certificate.as_deref().map(tls::Certificate::of);
        let (head, body) = answer.into_parts();
        let body = Body::Link(body, Box::new(self));
        Ok(Answering { status: head.status, headers: head.headers, certificate, limit_bytes, body })
    }

    fn is_open(&self) -> bool {
        match &self.wire {
            Wire::Real(sender, _) => !sender.is_closed(),
            Wire::Played => true,
        }
    }
}

/// The request as it goes over the connection: path and query alone, `Host`, and the length of its body.
fn written(request: Request) -> Result<hyper::Request<Full<Bytes>>, HttpError> {
    let wrong = HttpError::Protocol("the request cannot be written");
    let url = &request.url;
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let host = HeaderValue::try_from(host).map_err(|_| wrong.clone())?;
    let made = hyper::Request::builder().method(request.method).uri(path).body(Full::new(request.body));
    let mut made = made.map_err(|_| wrong)?;
    *made.headers_mut() = request.headers;
    made.headers_mut().insert(header::HOST, host);
    made.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    Ok(made)
}

/// Connections that are signed in and idle, by what they are signed in as. Cloning shares them.
#[derive(Clone, Default)]
pub struct Links(Arc<Mutex<BTreeMap<Digest, Vec<Idle>>>>);

/// A connection, and since when nobody uses it.
type Idle = (Instant, Link);

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links")
    }
}

impl Links {
    /// The connection of `whom` that was used last and is still open.
    #[must_use]
    pub fn take(&self, whom: &Digest) -> Option<Link> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let links = idle.get_mut(whom)?;
        while let Some((since, link)) = links.pop() {
            if since.elapsed() < IDLE_MAX && link.is_open() {
                return Some(link);
            }
        }
        None
    }

    /// Keeps a connection of `whom`, whose last answer was read to its end.
    pub fn put(&self, whom: Digest, link: Link) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for links in idle.values_mut() {
            links.retain(|(since, _)| since.elapsed() < IDLE_MAX);
        }
        idle.retain(|_, links| !links.is_empty());
        let links = idle.entry(whom).or_default();
        if links.len() < IDLE_EACH {
            links.push((Instant::now(), link));
        }
    }
}
