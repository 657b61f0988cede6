//! An answer whose head is here and whose body still comes, piece by piece: from the pooled client, from one connection of our own,
//! or from an invented world.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::sync::mpsc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::link::Link;
use super::{Bytes, Certificate, HeaderMap, HttpError, Response, StatusCode, error, proxy};

/// One answer, whatever its status, of which the body is still to be read.
pub struct Answering {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The peer's certificate; `None` over plain http.
    pub certificate: Option<Certificate>,
    pub(super) limit_bytes: usize,
    pub(super) body: Body,
}

/// Where the body comes from.
pub(super) enum Body {
    /// The pooled client, and whether a proxy is on the way.
    Client(reqwest::Response, bool),
    /// One connection.
    Link(hyper::body::Incoming, Box<Link>),
    /// An invented world, perhaps over an invented connection.
    Played(mpsc::Receiver<Result<Bytes, HttpError>>, Option<Box<Link>>),
    /// Read to its end; the connection may serve again.
    Over(Option<Box<Link>>),
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹answer {} on its way›", self.status.as_u16())
    }
}

impl Answering {
    /// The next piece of the body, decompressed; `None`: that was all. Silence may last as long as `patience`.
    ///
    /// # Errors
    /// When nothing comes for so long, the connection breaks off, or all pieces together are more than the request's limit.
    pub async fn chunk(&mut self, patience: Duration) -> Result<Option<Bytes>, HttpError> {
        tokio::time::timeout(patience, self.next()).await.unwrap_or(Err(HttpError::Deadline))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        let chunk = match &mut self.body {
            Body::Client(answer, through_proxy) => answer.chunk().await.map_err(|error| match through_proxy {
                false => error::classify(&error),
                true => proxy::fault(Some(&error), error::classify(&error)),
            })?,
            Body::Link(body, _) => data(body).await?,
            Body::Played(chunks, _) => chunks.recv().await.transpose()?,
            Body::Over(_) => None,
        };
        match &chunk {
            None => {
                let link = match std::mem::replace(&mut self.body, Body::Over(None)) {
                    Body::Link(_, link) => Some(link),
                    Body::Played(_, link) | Body::Over(link) => link,
                    Body::Client(..) => None,
                };
                self.body = Body::Over(link);
            }
            Some(chunk) => {
                let rest = self.limit_bytes.checked_sub(chunk.len());
                self.limit_bytes = rest.ok_or(HttpError::TooLarge(self.limit_bytes))?;
            }
        }
        Ok(chunk)
    }

    /// The whole answer. Its share of `memory_kib` is held as long as it lives.
    pub(super) async fn whole(&mut self, memory_kib: &Arc<Semaphore>) -> Result<Response, HttpError> {
        let limit_bytes = self.limit_bytes;
        let mut body = Pieces::default();
        let mut memory: Option<OwnedSemaphorePermit> = None;
        loop {
            let next = self.next().await;
            let Some(chunk) = next.map_err(|error| match error {
                HttpError::TooLarge(_) => HttpError::TooLarge(limit_bytes),
                other => other,
            })?
            else {
                break;
            };
            body.add(chunk);
            let held = memory.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let needed = body.len().div_ceil(1024).saturating_sub(held);
            if needed > 0 {
                let share = share_of(memory_kib, needed).await?;
                match &mut memory {
                    Some(memory) => memory.merge(share),
                    None => memory = Some(share),
                }
            }
        }
        Ok(Response {
            status: self.status,
            headers: self.headers.clone(),
            body: body.into_whole(),
            certificate: self.certificate.clone(),
            _memory: memory,
        })
    }

    /// The connection it came over, when that is our own and the answer was read to its end.
    pub(super) fn into_link(self) -> Option<Link> {
        match self.body {
            Body::Over(link) => link.map(|link| *link),
            _ => None,
        }
    }
}

/// What came of a body. Most have one piece, which is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    /// All of it, once there is a second one.
    grown: Vec<u8>,
}

impl Pieces {
    fn add(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        self.grown.extend_from_slice(&std::mem::take(&mut self.first));
        self.grown.extend_from_slice(&piece);
    }

    fn len(&self) -> usize {
        self.first.len() + self.grown.len()
    }

    fn into_whole(self) -> Bytes {
        if self.grown.is_empty() { self.first } else { self.grown.into() }
    }
}

/// The next piece of a body that is not compressed: our own connections do not offer to decompress.
async fn data(body: &mut hyper::body::Incoming) -> Result<Option<Bytes>, HttpError> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(error::BROKEN),
            Some(Ok(frame)) => {
                if let Ok(chunk) = frame.into_data() {
                    return Ok(Some(chunk));
                }
            }
        }
    }
}

/// Waits until `kib` more fit; the deadline ends a wait that is in vain.
async fn share_of(memory_kib: &Arc<Semaphore>, kib: usize) -> Result<OwnedSemaphorePermit, HttpError> {
    let kib = u32::try_from(kib).map_err(|_| HttpError::TooLarge(usize::MAX))?;
    let share = Arc::clone(memory_kib).acquire_many_owned(kib).await;
    Ok(share.expect("the semaphore is never closed"))
}
