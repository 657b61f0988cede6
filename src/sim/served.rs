//! Simulated services on a socket. In: services with the beginning of the paths that are theirs, a bound listener. Out: their answers
//! over HTTP, after the time that they take, in one piece or as they come.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::{Extension, Router};
use hyper::body::Frame;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Fake;
use crate::http::{HttpError, Request, Url};
use crate::listen::{Connection, ListenLimits, TlsSettings};
use crate::model::Clock;

/// Largest body of a request.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Services do what is due by itself this often.
const PASS_EVERY: Duration = Duration::from_millis(200);

/// The beginning of paths, `/token`, and who answers below it.
pub type ByPath = Vec<(&'static str, Arc<dyn Fake>)>;

/// Services by the beginning of their paths; the first that fits is asked.
#[derive(Clone)]
pub struct Services {
    /// Who answers.
    pub by_path: ByPath,
    /// The time.
    pub clock: Clock,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_path.iter().map(|(beginning, _)| beginning)).finish()
    }
}

impl Services {
    /// Answers on `listener` until `stop`.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        self.serve_over(listener, None, stop).await;
    }

    /// The same, perhaps over TLS.
    pub async fn serve_over(self, listener: TcpListener, tls: Option<TlsSettings>, stop: CancellationToken) {
        let (by_path, clock) = (self.by_path.clone(), self.clock.clone());
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(self);
        let mut served = std::pin::pin!(crate::listen::serve(listener, tls, router, ListenLimits::default(), stop));
        let mut tick = tokio::time::interval(PASS_EVERY);
        loop {
            tokio::select! {
                () = &mut served => return,
                _ = tick.tick() => by_path.iter().for_each(|(_, fake)| fake.pass(clock.now().wall)),
            }
        }
    }
}

/// An answer whose pieces come as they come.
struct Pieces(mpsc::Receiver<Result<Bytes, HttpError>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// One that is all there is sent as a whole, with its length.
fn as_body(mut pieces: mpsc::Receiver<Result<Bytes, HttpError>>) -> Body {
    if pieces.sender_strong_count() == 0
        && pieces.len() == 1
        && let Ok(Ok(whole)) = pieces.try_recv()
    {
        return Body::from(whole);
    }
    Body::new(Pieces(pieces))
}

async fn answer(
    State(services): State<Services>,
    Extension(connection): Extension<Connection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let asked = uri.path_and_query().map_or("/", |asked| asked.as_str());
    let Ok(url) = Url::parse(&format!("http://{host}{asked}")) else { return status(StatusCode::BAD_REQUEST) };
    let Some((_, fake)) = services.by_path.iter().find(|(beginning, _)| uri.path().starts_with(beginning)) else {
        return status(StatusCode::NOT_FOUND);
    };
    let mut request = Request::new(method, url);
    (request.headers, request.body) = (headers, body);
    let played = fake.open_over(&connection, &request, services.clock.now().wall);
    tokio::time::sleep(played.after).await;
    match played.result {
        Ok((code, headers, pieces)) => {
            let mut response = Response::new(as_body(pieces));
            *response.status_mut() = code;
            *response.headers_mut() = headers;
            response
        }
        // As a gateway answers whose service does not.
        Err(_) => status(StatusCode::BAD_GATEWAY),
    }
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
