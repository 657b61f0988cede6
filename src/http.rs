//! The one way out to the network. A [`Request`] goes in with its deadline, its size limit and whom to trust; a [`Response`] or an
//! [`HttpError`] comes out, and neither tells a URL or a credential to whoever prints it.
//!
//! * No redirect is followed here: callers decide with [`redirect_target`], at most [`REDIRECTS_MAX`] hops, never from https to http,
//!   and credentials belong to one origin ([`same_origin`]).
//! * Environment proxies are ignored. A location's web proxy is used where a request names it ([`Request::via`]).
//! * The address finally dialled is checked after name resolution ([`address`]), so that a name or an answer cannot lead to the
//!   machine itself or to a cloud's metadata service.
//! * The deadline is for everything from the look-up to the last byte; the limit counts decompressed bytes.
//! * Bodies are sent with `Content-Length`, never chunked, and without `Expect`: codecs know neither.
//! * An answer is read whole ([`Http::send`]), or piece by piece while it lasts ([`Http::open`]); where a sign-in belongs to a
//!   connection, a request goes over one of its own ([`Http::link`]).
//!
//! *Design notes.* One client per kind of trust, not per request: a client owns a connection pool, and connections made under
//! weaker trust must never serve a request that asked for more.

pub mod address;
mod answering;
mod dial;
mod error;
mod link;
mod proxy;
mod said;
mod tls;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use answering::Answering;
pub use error::{HttpError, TlsFault};
pub use hyper::body::Bytes;
pub use link::{Link, Links};
pub use proxy::ProxyFault;
pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode, Url};
pub use said::{retry_after, server_date};
pub use tls::Certificate;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use self::answering::Body;
use crate::model::Digest;
use crate::model::location::WebProxySpec;

/// Redirects that a caller may follow for one request.
pub const REDIRECTS_MAX: usize = 5;

/// Largest calendar page, decompressed.
pub const CALENDAR_LIMIT: usize = 32 << 20;

/// Largest answer of a device, decompressed.
pub const DEVICE_LIMIT: usize = 4 << 20;

/// Answers held in memory at a time, all together, in KiB.
const IN_FLIGHT_KIB: usize = 256 << 10;

/// Clients kept. Only pinned devices bring one each; the one longest unused goes.
const CLIENTS_MAX: usize = 1024;

/// Longest wait for one TCP connection and its TLS handshake, so that a dead first address leaves time for the second.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// What we call ourselves.
const USER_AGENT: &str = concat!("otj/", env!("CARGO_PKG_VERSION"));

/// What a whole process decides about its egress.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpOptions {
    /// Loopback addresses may be dialled (`--allow-loopback`: the demo and tests).
    pub allow_loopback: bool,
}

/// Whom to believe that they are who they say. Plain http ignores it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The system's roots and these PEM bundles; host name, dates and signatures included.
    Verify(Vec<Arc<[u8]>>),
    /// The same as the first, and we show a certificate of our own.
    Mutual(Arc<Mutual>),
    /// Exactly the certificate with this SHA-256 fingerprint, in lower-case hex, and nothing else about it.
    Pinned(String),
    /// Anybody.
    Insecure,
}

/// Authorities to trust, and who we are.
#[derive(PartialEq, Eq)]
pub struct Mutual {
    /// PEM bundles beside the system's roots.
    pub roots: Vec<Arc<[u8]>>,
    /// Our certificate chain, PEM.
    pub certificate: Vec<u8>,
    /// Its key, PEM.
    pub key: zeroize::Zeroizing<Vec<u8>>,
}

impl std::hash::Hash for Mutual {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.certificate.hash(state);
    }
}

impl Trust {
    /// The system's roots alone.
    #[must_use]
    pub fn system() -> Self {
        Self::Verify(Vec::new())
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verify(extra) => write!(f, "Verify(system's and {} bundles)", extra.len()),
            Self::Mutual(mutual) => write!(f, "Mutual(system's and {} bundles)", mutual.roots.len()),
            Self::Pinned(fingerprint) => write!(f, "Pinned({fingerprint})"),
            Self::Insecure => f.write_str("Insecure"),
        }
    }
}

/// One request. Build it with [`Request::new`] and set what differs.
#[derive(Clone)]
pub struct Request {
    /// Method, also WebDAV's.
    pub method: Method,
    /// Absolute http or https URL.
    pub url: Url,
    /// Headers; `Host`, `Content-Length`, `User-Agent` and `Accept-Encoding` are ours.
    pub headers: HeaderMap,
    /// The whole body; empty: none.
    pub body: Bytes,
    /// Total time, look-up and last byte included.
    pub deadline: Duration,
    /// Most bytes of the answer's body, decompressed.
    pub limit_bytes: usize,
    /// Whom to trust.
    pub trust: Trust,
    /// The web proxy it goes through, unless that one is not for its host.
    pub via: Option<Arc<WebProxySpec>>,
}

impl Request {
    /// Without headers and body; 30 s, a device's size limit, the system's roots.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline: Duration::from_secs(30),
            limit_bytes: DEVICE_LIMIT,
            trust: Trust::system(),
            via: None,
        }
    }
}

impl fmt::Debug for Request {
    /// URLs and headers carry credentials: neither is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹{} request, {} bytes›", self.method, self.body.len())
    }
}

/// One complete answer, whatever its status.
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
    /// The peer's certificate; `None` over plain http.
    pub certificate: Option<Certificate>,
    /// This answer's share of the memory for answers, given back when it is dropped.
    _memory: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹answer {}, {} bytes›", self.status.as_u16(), self.body.len())
    }
}

/// The client of the whole process. Cloning shares it.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

/// Stands in for the network: an invented world, in virtual time.
pub trait Peer: Send + Sync {
    /// What becomes of a request that leaves now.
    fn answer(&self, request: &Request) -> Played;

    /// The same for an answer that is read piece by piece. A peer that has no such answers gives each in one piece.
    fn open(&self, request: &Request) -> PlayedStream {
        self.answer(request).into()
    }
}

/// What an invented network makes of a request.
#[derive(Debug)]
pub struct Played {
    /// How long it takes.
    pub after: Duration,
    /// The status, headers and body that come, or why none do.
    pub result: Result<(StatusCode, HeaderMap, Bytes), HttpError>,
}

/// A body as it comes, until its sender is dropped.
pub type Pieces = mpsc::Receiver<Result<Bytes, HttpError>>;

/// What an invented network makes of a request whose answer is read piece by piece.
#[derive(Debug)]
pub struct PlayedStream {
    /// How long the head takes.
    pub after: Duration,
    /// Status, headers, and the pieces as they come, until their sender is dropped; or why nothing comes.
    pub result: Result<(StatusCode, HeaderMap, Pieces), HttpError>,
}

impl From<Played> for PlayedStream {
    /// In one piece.
    fn from(Played { after, result }: Played) -> Self {
        let result = result.map(|(status, headers, body)| {
            let (piece, pieces) = mpsc::channel(1);
            // There is room for one, and somebody to take it.
            let _ = piece.try_send(Ok(body));
            (status, headers, pieces)
        });
        Self { after, result }
    }
}

struct Shared {
    /// Instead of the network.
    peer: Option<Arc<dyn Peer>>,
    roots: tls::Roots,
    names: Arc<address::Names>,
    /// Of web proxies, which may be on this host.
    proxy_names: Arc<address::Names>,
    options: HttpOptions,
    clients: Mutex<Clients>,
    memory_kib: Arc<Semaphore>,
}

/// Whom a client trusts, and which web proxy it uses.
type Way = (Trust, Option<Digest>);

#[derive(Default)]
struct Clients {
    /// With each client the number of the request that used it last.
    by_way: HashMap<Way, (reqwest::Client, u64)>,
    /// Requests so far.
    requests: u64,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Http").field(&self.0.options).finish()
    }
}

impl Http {
    /// Reads the system's roots; connects nowhere.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(options: HttpOptions) -> Result<Self, HttpError> {
        Self::over(None, options)
    }

    /// A client that reaches `peer` instead of the network, whatever the address.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn played_by(peer: Arc<dyn Peer>) -> Result<Self, HttpError> {
        Self::over(Some(peer), HttpOptions::default())
    }

    fn over(peer: Option<Arc<dyn Peer>>, options: HttpOptions) -> Result<Self, HttpError> {
        let shared = Shared {
            peer,
            roots: tls::Roots::system(),
            names: Arc::new(address::Names::new(options.allow_loopback)),
            proxy_names: Arc::new(address::Names::new(true)),
            options,
            clients: Mutex::default(),
            memory_kib: Arc::new(Semaphore::new(IN_FLIGHT_KIB)),
        };
        let http = Self(Arc::new(shared));
        http.client(&Trust::system(), None)?;
        Ok(http)
    }

    /// Sends one request and reads the whole answer. Any status is an answer; a redirect is handed back as it is.
    ///
    /// # Errors
    /// When no complete answer came within the deadline and the limit.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let deadline = request.deadline;
        let whole = async { self.begin(request).await?.whole(&self.0.memory_kib).await };
        tokio::time::timeout(deadline, whole).await.unwrap_or(Err(HttpError::Deadline))
    }

    /// Sends one request and reads the head of the answer, within the deadline. The body is read from what comes back, for as long as
    /// it lasts; the limit is for all of it.
    ///
    /// # Errors
    /// When no head came.
    pub async fn open(&self, request: Request) -> Result<Answering, HttpError> {
        let deadline = request.deadline;
        tokio::time::timeout(deadline, self.begin(request)).await.unwrap_or(Err(HttpError::Deadline))
    }

    /// The rest of an answer, and the connection of our own that it came over, if that may serve again.
    ///
    /// # Errors
    /// When not all of it came within `deadline` and the limit.
    pub async fn whole(&self, mut from: Answering, deadline: Duration) -> Result<(Response, Option<Link>), HttpError> {
        let read = tokio::time::timeout(deadline, from.whole(&self.0.memory_kib)).await;
        let response = read.unwrap_or(Err(HttpError::Deadline))?;
        Ok((response, from.into_link()))
    }

    async fn begin(&self, request: Request) -> Result<Answering, HttpError> {
        let limit_bytes = request.limit_bytes;
        if !matches!(request.url.scheme(), "http" | "https") {
            return Err(HttpError::Protocol("the address is neither http nor https"));
        }
        if let Some(peer) = &self.0.peer {
            let PlayedStream { after, result } = peer.open(&request);
            tokio::time::sleep(after).await;
            let (status, headers, pieces) = result?;
            return Ok(Answering { status, headers, certificate: None, limit_bytes, body: Body::Played(pieces, None) });
        }
        // A literal address never reaches the resolver.
        if let Some(literal) = address::literal(&request.url) {
            address::check(literal, self.0.options.allow_loopback)?;
        }
        let via = request.via.as_deref().filter(|via| !proxy::is_passed(via, &request.url));
        let client = self.client(&request.trust, via)?;
        let mut out = client.request(request.method, request.url).headers(request.headers);
        if !request.body.is_empty() {
            out = out.body(request.body);
        }
        let answer = out.send().await.map_err(|error| match (error::classify(&error), via) {
            (found, None) => found,
            (found, Some(_)) => proxy::fault(Some(&error), found),
        })?;
        let shown = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = shown.and_then(|tls| tls.peer_certificate()).map(Certificate::of);
        let (status, headers) = (answer.status(), answer.headers().clone());
        if via.is_some() && status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(HttpError::Proxy(ProxyFault::AccountRefused));
        }
        Ok(Answering { status, headers, certificate, limit_bytes, body: Body::Client(answer, via.is_some()) })
    }

    fn client(&self, trust: &Trust, via: Option<&WebProxySpec>) -> Result<reqwest::Client, HttpError> {
        let way = (trust.clone(), via.map(proxy::digest));
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.requests += 1;
        let requests = clients.requests;
        if let Some((client, used)) = clients.by_way.get_mut(&way) {
            *used = requests;
            return Ok(client.clone());
        }
        let client = self.build(trust, via)?;
        if clients.by_way.len() >= CLIENTS_MAX {
            let oldest = clients.by_way.iter().min_by_key(|(_, (_, used))| *used).map(|(way, _)| way.clone());
            oldest.and_then(|oldest| clients.by_way.remove(&oldest));
        }
        clients.by_way.insert(way, (client.clone(), requests));
        Ok(client)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that makes clients")]
    fn build(&self, trust: &Trust, via: Option<&WebProxySpec>) -> Result<reqwest::Client, HttpError> {
        let trust = trust_through(trust, via);
        let names = if via.is_some() { &self.0.proxy_names } else { &self.0.names };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.0.roots.config(&trust)?)
            .tls_info(true)
            .dns_resolver(address::Resolver(Arc::clone(names)))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_PATIENCE)
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(8)
            .user_agent(USER_AGENT);
        let client = match via {
            Some(via) => client.proxy(proxy::of(via)?),
            None => client,
        };
        client.build().map_err(|_| HttpError::Protocol("the TLS library cannot be set up"))
    }
}

/// The same trust where a proxy is on the way, which may open TLS with an authority of its own.
fn trust_through(trust: &Trust, via: Option<&WebProxySpec>) -> Trust {
    let mut trust = trust.clone();
    if let (Trust::Verify(roots), Some(via)) = (&mut trust, via) {
        roots.extend(via.ca_certificates.iter().cloned());
    }
    trust
}

/// Whether credentials for `a` may go to `b`: the same scheme, host and port.
#[must_use]
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

/// Where `response` to a request for `from` sends the client, if it is a redirect.
///
/// # Errors
/// When it leads from https to http, or to something that is no http address.
pub fn redirect_target(from: &Url, response: &Response) -> Result<Option<Url>, HttpError> {
    if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) else {
        return Err(HttpError::Protocol("a redirect without a target"));
    };
    let target = from.join(location).map_err(|_| HttpError::Protocol("a redirect to something that is no address"))?;
    match (from.scheme(), target.scheme()) {
        (_, "https") | ("http", "http") => Ok(Some(target)),
        ("https", "http") => Err(HttpError::Protocol("a redirect from https to http")),
        _ => Err(HttpError::Protocol("a redirect to something that is no http address")),
    }
}
