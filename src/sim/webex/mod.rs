//! A simulated Webex Cloud with its devices. In: one request and the time. Out: the answer the cloud gives, and what the screens show.
//!
//! | path | answers |
//! |---|---|
//! | `POST /v1/xapi/command/Bookings.Put` | replaces the device's whole list by `body.Bookings` |
//! | `POST /v1/xapi/command/Bookings.List` | the list, rewritten the way devices rewrite; 403 in personal mode |
//! | `POST /v1/xapi/command/Bookings.Clear` | empties it |
//! | `GET /v1/devices`, `/v1/devices/ID` | the devices, page by page, and one of them |
//!
//! Tokens are looked at on every request: 401 without a good one. Over a limit of requests: 429 with `Retry-After`. A device that is
//! not connected refuses every command; with which status is not known, so it can be chosen. Token endpoint: [`super::token`].
//!
//! See <https://developer.webex.com/docs/api/v1/xapi/execute-command> and `…/v1/devices/list-devices`.

mod device;
mod listing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::broadcast;

pub use device::Device;

use super::cisco::Shown;
use super::{Bearers, Fake};
use crate::http::{Bytes, HeaderMap, HeaderValue, Played, Request, StatusCode, header};
use crate::model::Confidential;

/// Requests that are remembered for whoever asserts on them.
const RECEIVED_MAX: usize = 1024;
/// Events a slow listener may miss the oldest of.
const EVENTS: usize = 64;

/// The cloud of one organization. Cloning shares it.
#[derive(Clone)]
pub struct WebexFake(Arc<Shared>);

struct Shared {
    org: Mutex<Org>,
    bearers: Bearers,
    events: broadcast::Sender<Event>,
}

impl std::fmt::Debug for WebexFake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebexFake")
    }
}

/// What happened on a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its id.
    pub device: String,
    /// When.
    pub at: Timestamp,
    /// What the screen shows now.
    pub shown: Vec<Shown>,
}

/// An organization, and how the cloud is today.
#[derive(Debug)]
pub struct Org {
    /// Its devices, by id.
    pub devices: BTreeMap<String, Device>,
    /// Tokens of bots, which never end by themselves.
    pub bots: BTreeSet<String>,
    /// Most requests within so many seconds.
    pub limit: Option<(u32, u32)>,
    /// Accounts may read `/devices`.
    pub tells_devices: bool,
    /// The status of a command to a device that is not connected.
    pub offline_status: u16,
    /// Instead of every answer, this status.
    pub fault: Option<u16>,
    /// Devices on one page.
    pub page: usize,
    /// How long an answer takes.
    pub takes: Duration,
    /// Requests that reached it, refused ones included.
    pub requests: u64,
    /// What was asked, the newest last; at most 1024.
    pub received: VecDeque<Received>,
    window: (i64, u32),
}

/// What is remembered of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// `POST Bookings.Put DEVICE`, `GET devices DEVICE`.
    pub line: String,
    /// The status it was answered with.
    pub status: u16,
    /// Its body.
    pub body: Confidential,
}

/// Status, body, and headers beside the usual ones.
struct Answer {
    status: u16,
    body: Value,
    headers: Vec<(header::HeaderName, String)>,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, body, headers: Vec::new() }
    }

    fn refused(status: u16, text: &str) -> Self {
        let body = json!({ "message": text, "errors": [{ "description": text }] });
        Self { status, body, headers: Vec::new() }
    }
}

impl WebexFake {
    /// An organization without devices; `bearers` says whose token is good.
    #[must_use]
    pub fn new(bearers: Bearers) -> Self {
        let org = Org {
            devices: BTreeMap::new(),
            bots: BTreeSet::new(),
            limit: None,
            tells_devices: true,
            offline_status: 409,
            fault: None,
            page: 100,
            takes: Duration::from_millis(300),
            requests: 0,
            received: VecDeque::new(),
            window: (0, 0),
        };
        Self(Arc::new(Shared { org: Mutex::new(org), bearers, events: broadcast::channel(EVENTS).0 }))
    }

    /// Looks at, or changes, the organization.
    pub fn change<R>(&self, change: impl FnOnce(&mut Org) -> R) -> R {
        change(&mut self.0.org.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at, or changes, one device; `None`: there is none.
    pub fn device<R>(&self, id: &str, change: impl FnOnce(&mut Device) -> R) -> Option<R> {
        self.change(|org| org.devices.get_mut(id).map(change))
    }

    /// Every change of a screen from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    fn is_known(&self, request: &Request, now: Timestamp) -> bool {
        let value = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = value.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
        self.change(|org| org.bots.contains(token)) || (self.0.bearers)(token, now).is_some()
    }

    fn decide(&self, request: &Request, now: Timestamp) -> (String, Answer) {
        let path: Vec<String> = request.url.path_segments().into_iter().flatten().map(decoded).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let known = self.is_known(request, now);
        let line = line_of(request, &path);
        let answer = self.change(|org| {
            org.requests += 1;
            if let Some(status) = org.fault {
                return Answer::refused(status, "The server is out of order.");
            }
            if let Some(seconds) = org.is_over_the_limit(now) {
                let headers = vec![(header::RETRY_AFTER, seconds.to_string())];
                return Answer { headers, ..Answer::refused(429, "Too many requests.") };
            }
            if !known {
                return Answer::refused(401, "The request requires a valid access token.");
            }
            match (request.method.as_str(), path.as_slice()) {
                ("POST", ["v1", "xapi", "command", name]) => org.command(name, &request.body, now),
                ("GET", ["v1", "devices"]) if org.tells_devices => org.devices_from(request),
                ("GET", ["v1", "devices", id]) if org.tells_devices => match org.devices.get(*id) {
                    Some(device) => Answer::ok(device.told(id, now)),
                    None => Answer::refused(404, "Could not find device."),
                },
                ("GET", ["v1", "devices", ..]) => Answer::refused(403, "Missing required scopes."),
                _ => Answer::refused(404, "The requested resource could not be found."),
            }
        });
        (line, answer)
    }
}

impl Fake for WebexFake {
    fn answer(&self, request: &Request, now: Timestamp) -> Played {
        let (line, answer) = self.decide(request, now);
        let changed = answer.status == 200 && (line.contains(" Bookings.Put ") || line.contains(" Bookings.Clear "));
        if let Some(device) = line.rsplit(' ').next().filter(|_| changed)
            && let Some(shown) = self.device(device, |device| device.shown(now))
        {
            // Nobody listening is no error.
            let _ = self.0.events.send(Event { device: device.to_owned(), at: now, shown });
        }
        let (after, number) = self.change(|org| {
            if org.received.len() == RECEIVED_MAX {
                org.received.pop_front();
            }
            let body = Confidential::new(String::from_utf8_lossy(&request.body));
            org.received.push_back(Received { line, status: answer.status, body });
            (org.takes, org.requests)
        });
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
        let (mut body, tracking) = (answer.body, format!("FAKE_{number}"));
        headers.extend(HeaderValue::from_str(&tracking).ok().map(|id| (TRACKING, id)));
        if answer.status >= 400 {
            body["trackingId"] = json!(tracking);
        }
        headers.extend(
            answer.headers.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?))),
        );
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Played { after, result: Ok((status, headers, Bytes::from(body.to_string()))) }
    }
}

const TRACKING: header::HeaderName = header::HeaderName::from_static("trackingid");

impl Org {
    /// When to come back, in seconds, if this one is too many.
    fn is_over_the_limit(&mut self, now: Timestamp) -> Option<i64> {
        let (most, seconds) = self.limit?;
        let (seconds, now) = (i64::from(seconds.max(1)), now.as_second());
        let window = now.div_euclid(seconds);
        if self.window.0 != window {
            self.window = (window, 0);
        }
        self.window.1 += 1;
        (self.window.1 > most).then(|| (window + 1) * seconds - now)
    }

    fn command(&mut self, name: &str, body: &[u8], now: Timestamp) -> Answer {
        let Ok(asked) = serde_json::from_slice::<Value>(body) else { return Answer::refused(400, "Malformed JSON.") };
        let (Some(id), true) = (asked["deviceId"].as_str(), asked["arguments"].is_object()) else {
            return Answer::refused(400, "deviceId and arguments are required.");
        };
        let offline_status = self.offline_status;
        let Some(device) = self.devices.get_mut(id) else { return Answer::refused(404, "Could not find device.") };
        if device.locked {
            return Answer::refused(423, "The device is locked.");
        }
        if !device.connected {
            return Answer::refused(offline_status, "The device did not respond.");
        }
        match device.perform(name, &asked["body"], now) {
            Ok(result) => Answer::ok(json!({ "deviceId": id, "arguments": asked["arguments"], "result": result })),
            Err((status, text)) => Answer::refused(status, &text),
        }
    }

    /// One page; the `Link` header leads to the next.
    fn devices_from(&self, request: &Request) -> Answer {
        let asked: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let number = |name: &str| asked.get(name).and_then(|text| text.parse::<usize>().ok());
        let (start, most) = (number("start").unwrap_or(0), number("max").unwrap_or(self.page).clamp(1, self.page));
        let now = Timestamp::UNIX_EPOCH;
        let items: Vec<Value> =
            self.devices.iter().skip(start).take(most).map(|(id, device)| device.told(id, now)).collect();
        let mut answer = Answer::ok(json!({ "items": items }));
        if start + most < self.devices.len() {
            let mut next = request.url.clone();
            next.set_query(Some(&format!("start={}&max={most}", start + most)));
            answer.headers.push((header::LINK, format!("<{next}>; rel=\"next\"")));
        }
        answer
    }
}

fn line_of(request: &Request, path: &[&str]) -> String {
    let device = || {
        let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        body["deviceId"].as_str().unwrap_or("-").to_owned()
    };
    match path {
        ["v1", "xapi", "command", name] => format!("{} {name} {}", request.method, device()),
        ["v1", rest @ ..] => format!("{} {}", request.method, rest.join(" ")),
        _ => format!("{} elsewhere", request.method),
    }
}

/// A path segment without its percents.
fn decoded(segment: &str) -> String {
    let Ok(url) = crate::http::Url::parse(&format!("x:?x={}", segment.replace('+', "%2B"))) else {
        return segment.to_owned();
    };
    url.query_pairs().next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
