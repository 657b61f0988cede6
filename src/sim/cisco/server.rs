//! A simulated codec on a socket. In: a codec, a bound listener, perhaps a certificate. Out: its answers over HTTP, and an
//! [`Event`] whenever what its screen shows has changed.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::{Extension, extract::DefaultBodyLimit};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{Answer, Ask, Codec, Shown};
use crate::listen::{Connection, ListenLimits, TlsSettings};
use crate::model::Clock;

/// Events a slow listener may miss the oldest of.
const EVENTS: usize = 64;

/// What happened on a codec.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What the screen shows now.
    pub shown: Vec<Shown>,
}

/// A codec that others can look at while it is served. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Device(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    codec: Mutex<Codec>,
    clock: Clock,
    events: broadcast::Sender<Event>,
}

impl Device {
    /// `codec` under `clock`.
    #[must_use]
    pub fn new(codec: Codec, clock: Clock) -> Self {
        Self(Arc::new(Shared { codec: Mutex::new(codec), clock, events: broadcast::channel(EVENTS).0 }))
    }

    /// Looks at the codec, or does something to it, at its time.
    pub fn with<R>(&self, look: impl FnOnce(&mut Codec, Timestamp) -> R) -> R {
        look(&mut self.0.codec.lock().unwrap_or_else(PoisonError::into_inner), self.0.clock.now().wall)
    }

    /// Every change of the screen from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// What the screen shows.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        self.with(|codec, now| codec.shown(now))
    }

    /// Restarts the codec, and tells it.
    pub fn reboot(&self) {
        self.with(|codec, now| codec.reboot(now));
        self.tell();
    }

    /// Serves it until `stop`.
    pub async fn serve(self, listener: TcpListener, tls: Option<TlsSettings>, stop: CancellationToken) {
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::max(4 << 20)).with_state(self);
        crate::listen::serve(listener, tls, router, ListenLimits::default(), stop).await;
    }

    fn tell(&self) {
        let event = self.with(|codec, now| Event { at: now, shown: codec.shown(now) });
        // Nobody listening is no error.
        let _ = self.0.events.send(event);
    }
}

async fn answer(
    State(device): State<Device>,
    Extension(connection): Extension<Connection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let ask = Ask {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        authorization: text(header::AUTHORIZATION),
        tls: connection.tls,
        host: text(header::HOST).unwrap_or_default(),
        body: body.to_vec(),
    };
    let answer = device.with(|codec, now| codec.answer(&ask, now));
    if answer.changed {
        device.tell();
    }
    tokio::time::sleep(answer.delay).await;
    let now = device.with(|codec, now| now + codec.clock_ahead);
    written(answer, now)
}

fn written(answer: Answer, now: Timestamp) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if answer.status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"TANDBERG\""));
    }
    if let Some(location) = answer.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    if let Some(seconds) = answer.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Ok(date) = HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        headers.insert(header::DATE, date);
    }
    response
}
