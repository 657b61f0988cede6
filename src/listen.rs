//! Every listener of ours: the pages, the Poly server, the simulated peers. A bound socket and an axum router go in; connections are
//! served over HTTP/1.1, with or without TLS, until `stop`.
//!
//! The accept loop is our own because three things must be seen per connection: a failed TLS handshake (with a hint for the
//! person who wonders why a device stays away), the caps, and state that lives as long as the connection.
//!
//! | what a client may take         | limit                       | why                                              |
//! |--------------------------------|-----------------------------|--------------------------------------------------|
//! | TLS handshake                  | [`ListenLimits::handshake`] | half-open connections are cheap to make          |
//! | the head of a request          | [`ListenLimits::head`]      | counted from its first byte, not from the last request |
//! | silence between requests       | [`ListenLimits::idle`]      | devices poll every 30–60 s and keep the connection |
//! | taking an answer               | [`ListenLimits::head`]      | nobody parks an answer in our memory             |
//! | connections, in all, by address | [`ListenLimits::connections`] | one peer never starves another               |
//!
//! ALPN offers `http/1.1` alone: NTLM binds a login to its connection, which HTTP/2 shares.

pub mod door;
mod lasting;
mod paced;
mod tls;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub use door::{Door, Network};
pub use lasting::Lasting;
pub use tls::{TlsFault, TlsSettings, self_signed};

use paced::{Paced, Phase};

/// What one listener lets its clients take.
#[derive(Clone, Copy, Debug)]
pub struct ListenLimits {
    /// Open connections in all; a further one is closed at once.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_peer: usize,
    /// Time for the TLS handshake.
    pub handshake: Duration,
    /// Time from the first byte of a request to the end of its head, and for taking what was written.
    pub head: Duration,
    /// Time without a request after which a connection is closed.
    pub idle: Duration,
    /// Time that requests under way have to finish after `stop`.
    pub grace: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            connections: 8192,
            // A network of devices behind one address translator is one peer here.
            connections_per_peer: 1024,
            handshake: Duration::from_secs(8),
            head: Duration::from_secs(10),
            // Above the 60 s poll of the slowest known device, so that it keeps its connection. Source: Trio polls every 30 s.
            idle: Duration::from_secs(75),
            grace: Duration::from_secs(5),
        }
    }
}

/// The connection a request came over; every request carries it as an extension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection {
    /// Unique in this process.
    pub id: u64,
    /// The other end.
    pub peer: SocketAddr,
    /// Whether it is encrypted.
    pub tls: bool,
    /// Whether the other end is a trusted proxy that did not say whom it speaks for: requests of several may come over it.
    pub shared: bool,
}

/// Serves `router` on `listener` until `stop`, then lets requests under way finish within the grace period.
/// Every task it starts has ended when it returns.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsSettings>,
    router: Router,
    limits: ListenLimits,
    stop: CancellationToken,
) {
    serve_behind(Door::default(), listener, tls, router, limits, stop).await;
}

/// The same for those whom `door` lets in.
pub async fn serve_behind(
    door: Door,
    listener: TcpListener,
    tls: Option<TlsSettings>,
    router: Router,
    limits: ListenLimits,
    stop: CancellationToken,
) {
    let open = Open::default();
    let troubled = Troubled::default();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = running.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((_, peer)) if !door.admits(peer.ip()) => {
                    tracing::debug!(%peer, "A connection from outside of the allowed networks was closed.");
                }
                Ok((stream, peer)) => match open.admit(peer, &limits) {
                    Some(place) => {
                        let shared = door.trusts(peer.ip());
                        let connection = Connection { id: next_id(), peer, tls: tls.is_some(), shared };
                        let guest = Guest { connection, limits, door: door.clone(), troubled: troubled.clone() };
                        let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
                        running.spawn(async move {
                            let _place = place;
                            guest.connect(stream, tls, router, stop).await;
                        });
                    }
                    None => tracing::debug!(%peer, "Too many connections; this one was closed."),
                },
                Err(error) => {
                    // Out of file descriptors, most likely: they come back when connections end, so waiting is all there is to do.
                    tracing::warn!(%error, "No connection could be accepted; trying again.");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    let drained = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, drained).await.is_err() {
        running.shutdown().await;
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// How many connections are open, in all and by address.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<Counted>>);

#[derive(Default)]
struct Counted {
    all: usize,
    by_peer: BTreeMap<IpAddr, usize>,
}

/// One open connection; gives its place back when dropped.
struct Place(Open, IpAddr);

impl Open {
    fn admit(&self, peer: SocketAddr, limits: &ListenLimits) -> Option<Place> {
        let address = peer.ip().to_canonical();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = open.by_peer.get(&address).copied().unwrap_or(0);
        if open.all >= limits.connections || mine >= limits.connections_per_peer {
            return None;
        }
        open.all += 1;
        open.by_peer.insert(address, mine + 1);
        Some(Place(self.clone(), address))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(count) = open.by_peer.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.by_peer.remove(&self.1);
            }
        }
    }
}

/// Addresses whose handshakes failed, so that each is told of once and not at every poll.
#[derive(Clone, Default)]
struct Troubled(Arc<Mutex<BTreeMap<IpAddr, &'static str>>>);

/// Most addresses that are remembered; then all are told of anew.
const TROUBLED_MAX: usize = 4096;

impl Troubled {
    /// Whether that is new of `peer`.
    fn is_new(&self, peer: IpAddr, hint: &'static str) -> bool {
        let mut troubled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if troubled.len() >= TROUBLED_MAX {
            troubled.clear();
        }
        troubled.insert(peer.to_canonical(), hint) != Some(hint)
    }

    fn forget(&self, peer: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&peer.to_canonical());
    }
}

/// Somebody who connected.
struct Guest {
    connection: Connection,
    limits: ListenLimits,
    door: Door,
    troubled: Troubled,
}

impl Guest {
    async fn connect(
        mut self,
        mut stream: TcpStream,
        tls: Option<TlsSettings>,
        router: Router,
        stop: CancellationToken,
    ) {
        // Answers are small and complete: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        if self.connection.shared {
            let announced = tokio::select! {
                () = stop.cancelled() => return,
                announced = tokio::time::timeout(self.limits.handshake, door::announced(&mut stream)) => announced,
            };
            match announced {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(client))) => {
                    self.connection.shared = false;
                    self.connection.peer = client.unwrap_or(self.connection.peer);
                }
                Ok(Err(_)) | Err(_) => {
                    tracing::debug!(peer = %self.connection.peer, "A balancer announced nobody who can be read.");
                    return;
                }
            }
        }
        let Some(tls) = tls else {
            return serve_http(stream, self.connection, Lasting::default(), router, self.limits, stop).await;
        };
        let (acceptor, certificate) = tls.acceptor();
        let shaken = tokio::select! {
            () = stop.cancelled() => return,
            shaken = tokio::time::timeout(self.limits.handshake, acceptor.accept(stream)) => shaken,
        };
        match shaken {
            Ok(Ok(stream)) => {
                self.troubled.forget(self.connection.peer.ip());
                let lasting = Lasting::with(Some(certificate));
                serve_http(stream, self.connection, lasting, router, self.limits, stop).await;
            }
            Ok(Err(error)) => self.refused(tls::reason(&error), &error),
            Err(_) => self.refused(tls::SLOW, &std::io::ErrorKind::TimedOut.into()),
        }
    }

    /// Counts a handshake that failed, and tells of it where it is new.
    fn refused(&self, (reason, hint): (&'static str, &'static str), error: &std::io::Error) {
        let peer = self.connection.peer.ip();
        if let Some(tally) = &self.door.tally {
            tally.tls_failures.add(&[reason]);
            if self.troubled.is_new(peer, hint) {
                tracing::warn!(%peer, %error, hint, "A device could not connect: the TLS handshake failed.");
                return;
            }
        }
        tracing::debug!(%peer, %error, hint, "A TLS handshake failed.");
    }
}

async fn serve_http<S>(
    stream: S,
    connection: Connection,
    lasting: Lasting,
    router: Router,
    limits: ListenLimits,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let phase = Phase::default();
    let stream = Paced::new(stream, phase.clone(), limits.head);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        phase.serving();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection);
        request.extensions_mut().insert(lasting.clone());
        let (answer, phase) = (router.clone().oneshot(request), phase.clone());
        async move {
            let answer = answer.await;
            phase.idle();
            answer
        }
    });
    // hyper counts this limit from the end of the last answer; `Paced` counts the shorter one from the first byte of a head.
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(peer = %connection.peer, %error, "A connection ended early.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_and_all_together_have_a_cap_and_closing_gives_the_place_back() {
        let open = Open::default();
        let limits = ListenLimits { connections: 3, connections_per_peer: 2, ..ListenLimits::default() };
        let at = |address: &str| open.admit(address.parse().unwrap(), &limits);
        let (first, second) = (at("10.0.0.1:1").unwrap(), at("[::ffff:10.0.0.1]:2").unwrap());
        assert!(at("10.0.0.1:3").is_none(), "the same address written otherwise counts as one");
        let third = at("10.0.0.2:1").unwrap();
        assert!(at("10.0.0.3:1").is_none(), "three are open");
        drop((first, second));
        assert!(at("10.0.0.1:4").is_some());
        drop(third);
    }

    #[tokio::test]
    async fn stopping_lets_a_request_under_way_finish_and_then_refuses_connections() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, entered) = (CancellationToken::new(), Arc::new(tokio::sync::Notify::new()));
        let inside = (stop.clone(), entered.clone());
        let route = axum::routing::get(async move |axum::Extension(connection): axum::Extension<Connection>| {
            inside.1.notify_one();
            inside.0.cancelled().await;
            tokio::task::yield_now().await;
            format!("peer {}", connection.peer)
        });
        let router = Router::new().route("/", route);
        let serving = tokio::spawn(serve(listener, None, router, ListenLimits::default(), stop.clone()));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        entered.notified().await;
        stop.cancel();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with(&format!("peer {}", client.local_addr().unwrap())), "{answer}");
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
