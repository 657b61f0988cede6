//! Whole calendars as one text: `.ics` files, and calendars published at a URL.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::{AgendaRequest, CalendarError, Mark, Reading, complete, ics};
use crate::http::{
    CALENDAR_LIMIT, HeaderMap, HeaderName, HeaderValue, Http, Method, REDIRECTS_MAX, Request, Response, StatusCode,
    Trust, Url, header, redirect_target, retry_after, server_date,
};
use crate::model::{Digest, Proof, SecretValue};

/// Longest time for one request to a calendar server, in total. A large calendar over a slow line takes half of it.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// Reads a file. One that is missing or empty is unreadable, not an empty calendar: a volume that is not mounted looks the same.
///
/// # Errors
/// When the file is not a complete calendar.
pub(super) async fn read_file(path: &Path, request: &AgendaRequest) -> Result<Reading, CalendarError> {
    let path = path.to_owned();
    let known = match request.mark() {
        Some(Mark::Content(digest)) => Some(*digest),
        _ => None,
    };
    let read = tokio::task::spawn_blocking(move || {
        let bytes = bytes_of(&path)?;
        let digest = Digest::of([bytes.as_slice()]);
        if known == Some(digest) {
            return Ok((digest, None));
        }
        Ok::<_, CalendarError>((digest, Some(ics::parse(&bytes)?)))
    });
    let read = read.await.map_err(|_| CalendarError::Unreadable("reading its file ended unexpectedly".into()))?;
    match read? {
        (_, None) => Ok(Reading::Unchanged { server_date: None }),
        (digest, Some(calendar)) => Ok(Reading::Complete {
            complete: complete(vec![calendar], None, Proof::IcsEnded, request).await?,
            cursor: Some(request.cursor(Mark::Content(digest))),
            server_date: None,
        }),
    }
}

fn bytes_of(path: &PathBuf) -> Result<Vec<u8>, CalendarError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unreadable = |error: std::io::Error| {
        CalendarError::Unreadable(match error.kind() {
            ErrorKind::NotFound => format!("there is no file `{name}` in the integration's directory"),
            kind => format!("the file `{name}` cannot be opened ({kind})"),
        })
    };
    let kind = std::fs::metadata(path).map_err(unreadable)?;
    if !kind.is_file() {
        return Err(CalendarError::Unreadable(format!("`{name}` is not a regular file")));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(CALENDAR_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > CALENDAR_LIMIT {
        return Err(CalendarError::Unreadable(format!("the file `{name}` is larger than 32 MiB")));
    }
    Ok(bytes)
}

/// Fetches a published calendar, with the validators of last time.
///
/// # Errors
/// When the answer is not a complete calendar.
pub(super) async fn read_url(
    http: &Http,
    url: &SecretValue,
    request: &AgendaRequest,
    count: &(dyn Fn(&str) + Sync),
) -> Result<Reading, CalendarError> {
    let text = match url {
        SecretValue::Known(url) => url.expose().trim(),
        SecretValue::Missing(reason) => return Err(CalendarError::SecretMissing(reason.to_string())),
    };
    // webcal: is http: with a hint for programs on a desktop, and served over https by everybody who publishes it.
    let text = match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("webcal:") => format!("https:{}", &text[7..]),
        _ => text.to_owned(),
    };
    let url: Url = text.parse().map_err(|_| CalendarError::NotFound("its URL is not a valid one".into()))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/calendar, */*;q=0.1"));
    let known = match request.mark() {
        Some(Mark::Published { etag, last_modified }) => {
            put(&mut headers, header::IF_NONE_MATCH, etag.as_deref());
            put(&mut headers, header::IF_MODIFIED_SINCE, last_modified.as_deref());
            true
        }
        _ => false,
    };
    let (answer, url) = fetch(http, url, headers, request, count).await?;
    let server_date = server_date(&url, &answer.headers);
    if answer.status == StatusCode::NOT_MODIFIED && known {
        return Ok(Reading::Unchanged { server_date });
    }
    if answer.status != StatusCode::OK {
        return Err(status_error(&answer, request.now));
    }
    let text = |name| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mark = Mark::Published { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
    let can_tell = !matches!(mark, Mark::Published { etag: None, last_modified: None });
    let body = answer.body.clone();
    let parsed = tokio::task::spawn_blocking(move || ics::parse(&body)).await;
    let calendar = parsed.map_err(|_| CalendarError::Unreadable("parsing it ended unexpectedly".into()))??;
    Ok(Reading::Complete {
        complete: complete(vec![calendar], None, Proof::IcsEnded, request).await?,
        cursor: can_tell.then(|| request.cursor(mark)),
        server_date,
    })
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(name, value);
    }
}

async fn fetch(
    http: &Http,
    mut url: Url,
    headers: HeaderMap,
    request: &AgendaRequest,
    count: &(dyn Fn(&str) + Sync),
) -> Result<(Response, Url), CalendarError> {
    for _ in 0..=REDIRECTS_MAX {
        let sent = http.send(Request {
            headers: headers.clone(),
            deadline: DEADLINE,
            limit_bytes: CALENDAR_LIMIT,
            trust: Trust::Verify(request.room.integration.ca_certificates.clone()),
            via: request.room.integration.via(),
            ..Request::new(Method::GET, url.clone())
        });
        let answer = sent.await;
        count(answer.as_ref().map_or_else(|error| error.label(), |answer| outcome(answer.status)));
        let answer = answer?;
        match redirect_target(&url, &answer)? {
            Some(target) => url = target,
            None => return Ok((answer, url)),
        }
    }
    Err(CalendarError::Unreadable("the server redirects more than five times".into()))
}

/// The outcome of an answer in metrics.
pub(super) fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        304 => "Unchanged",
        200..=399 => "Ok",
        401 => "Unauthorized",
        403 => "NoPermission",
        404 | 410 => "NotFound",
        429 | 503 => "Throttled",
        400..=499 => "Refused",
        _ => "ServerError",
    }
}

/// What a status that is no success means.
pub(super) fn status_error(answer: &Response, now: Timestamp) -> CalendarError {
    match answer.status.as_u16() {
        401 => CalendarError::Refused,
        403 => CalendarError::Forbidden(403),
        404 | 410 => CalendarError::NotFound(format!("the server answers HTTP {}", answer.status.as_u16())),
        status @ (429 | 503) => CalendarError::Throttled { status, retry_after: retry_after(&answer.headers, now) },
        status => CalendarError::Unreadable(format!("the server answers HTTP {status}")),
    }
}
