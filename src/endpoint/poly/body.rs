//! Bodies of requests, with their limits, and the answers that are made around bodies.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::Response;
use http_body_util::BodyExt as _;

/// Most bytes of a request before its sender is known.
const STRANGER_MAX: usize = 64 * 1024;
/// Most bytes of a request of a device.
pub(super) const DEVICE_MAX: usize = 256 * 1024;
/// Bytes that are read and thrown away so that the sender of too much gets to read the answer.
const DRAINED_MAX: usize = 4 * 1024 * 1024;
/// Time for the body of a request.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// Why a body was not read.
pub(super) enum BodyFault {
    /// More than allowed, but read to its end.
    TooLarge,
    /// More than anybody waits for.
    Endless,
    /// Ended early, or took too long.
    Broken,
}

/// Reads a body of at most `max` bytes; what is above is thrown away, so that its sender gets to read the answer.
pub(super) async fn read(mut body: Body, max: usize) -> Result<Vec<u8>, BodyFault> {
    let reading = async {
        let (mut bytes, mut count) = (Vec::new(), 0usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyFault::Broken)?;
            let Some(data) = frame.data_ref() else { continue };
            count = count.saturating_add(data.len());
            if count <= max {
                bytes.extend_from_slice(data);
            } else if count > DRAINED_MAX {
                return Err(BodyFault::Endless);
            }
        }
        if count <= max { Ok(bytes) } else { Err(BodyFault::TooLarge) }
    };
    tokio::time::timeout(BODY_DEADLINE, reading).await.unwrap_or(Err(BodyFault::Broken))
}

/// The body is read to its end: closing a connection under a body breaks many clients, and NTLM.
pub(super) async fn unauthorized(challenges: Vec<String>, said: Option<&str>, mut body: Body) -> Response {
    let draining = async {
        let mut count = 0usize;
        while let Some(Ok(frame)) = body.frame().await {
            count = count.saturating_add(frame.data_ref().map_or(0, |data| data.len()));
            if count > STRANGER_MAX {
                return false;
            }
        }
        true
    };
    let drained = tokio::time::timeout(BODY_DEADLINE, draining).await.unwrap_or(false);
    // A 401 without any challenge would be none.
    let status = if challenges.is_empty() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
    let mut response = match said {
        Some(text) => with_type(status, "text/plain; charset=utf-8", format!("{text}\n")),
        None => plain(status),
    };
    for challenge in challenges {
        let value = HeaderValue::from_str(&challenge).expect("challenges are ASCII");
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
    if drained { response } else { closing(response) }
}

pub(super) async fn too_many(body: Body) -> Response {
    read(body, 0).await.ok();
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

pub(super) fn plain(status: StatusCode) -> Response {
    let text = format!("{}\n", status.canonical_reason().unwrap_or("Error"));
    with_type(status, "text/plain; charset=utf-8", text)
}

pub(super) fn soap(status: StatusCode, text: String) -> Response {
    with_type(status, "text/xml; charset=utf-8", text)
}

pub(super) fn with_type(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

pub(super) fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
