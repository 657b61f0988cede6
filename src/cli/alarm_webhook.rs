//! Sends alarms on: each that is raised or cleared is POSTed to one URL, in order, again and again until it is taken.

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::http::{HeaderValue, Http, HttpOptions, Method, Request, StatusCode, Url, header};
use crate::status::alarm_rounds::Change;

/// Alarms that wait at most; later ones are offered again when there is room.
pub(super) const WAITING_MAX: usize = 1000;
/// The first pause after a failure; each is twice the one before.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where to, of the bytes of `--alarm-webhook-url-file`. The URL is a secret: it often holds one.
pub(super) fn url(bytes: &[u8]) -> anyhow::Result<Url> {
    let text = std::str::from_utf8(bytes).context("a URL is text")?.trim();
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.context("the file holds no http or https URL")
}

/// Sends until `stop`.
pub(super) async fn send(url: Url, mut changes: mpsc::Receiver<Change>, stop: CancellationToken) {
    // The flag names it, so it may well be this machine.
    let http = match Http::new(HttpOptions { allow_loopback: true }) {
        Ok(http) => http,
        Err(error) => {
            tracing::error!(error = error.label(), "Alarms cannot be sent on.");
            return stop.cancelled().await;
        }
    };
    let work = async {
        while let Some(change) = changes.recv().await {
            deliver(&http, &url, &change).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => stop.cancelled().await,
    }
}

async fn deliver(http: &Http, url: &Url, change: &Change) {
    let body = serde_json::to_vec(change).expect("an alarm is plain data");
    let mut pause = PAUSE;
    let mut failed = false;
    loop {
        let mut request = Request::new(Method::POST, url.clone());
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = body.clone().into();
        request.deadline = DEADLINE;
        let why = match http.send(request).await {
            Ok(answer) if answer.status.is_success() => {
                if failed {
                    tracing::info!("Alarms are sent on again.");
                }
                return;
            }
            Ok(answer) if is_final(answer.status) => {
                let status = answer.status.as_u16();
                tracing::error!(status, alarm = change.alarm.id, "An alarm was refused where it was sent to.");
                return;
            }
            Ok(answer) => answer.status.to_string(),
            Err(error) => error.label().to_owned(),
        };
        if !failed {
            failed = true;
            tracing::warn!(reason = why, "An alarm could not be sent on; trying again.");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Whether another try would be answered alike.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT && status != StatusCode::TOO_MANY_REQUESTS
}
