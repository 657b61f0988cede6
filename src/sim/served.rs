//! Simulated services on a socket. In: services with the beginning of the paths that are theirs, a bound listener. Out: their answers
//! over plain HTTP, after the time that they take.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Fake;
use crate::http::{Request, Url};
use crate::listen::ListenLimits;
use crate::model::Clock;

/// Largest body of a request.
const BODY_BYTES_MAX: usize = 4 << 20;

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
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(self);
        crate::listen::serve(listener, None, router, ListenLimits::default(), stop).await;
    }
}

async fn answer(
    State(services): State<Services>,
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
    let played = fake.answer(&request, services.clock.now().wall);
    tokio::time::sleep(played.after).await;
    match played.result {
        Ok((code, headers, body)) => {
            let mut response = Response::new(Body::from(body));
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
