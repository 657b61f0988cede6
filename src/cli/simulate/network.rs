//! The network of a simulated site: requests go to the token endpoint or to the calendars by their host, through the weather,
//! and can be written down as they pass.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use super::provider::Provider;
use crate::http::{Bytes, Method, Peer, Played, PlayedStream, Request, StatusCode};
use crate::model::Clock;
use crate::sim::weather::{About, Place, Weather};

/// See the module.
pub(super) struct Network {
    pub(super) clock: Clock,
    pub(super) provider: Provider,
    pub(super) weather: Option<Mutex<Weather>>,
    /// A JSON object a line: method, url, headers, what was sent, status, body.
    pub(super) log: Option<Mutex<File>>,
}

impl Peer for Network {
    fn answer(&self, request: &Request) -> Played {
        let place = self.place(request);
        if let Some(played) = self.weathered(place, request) {
            return played;
        }
        let played = match place {
            Place::Tokens => self.provider.tokens.answer(request, self.clock.now().wall),
            Place::Calendars => self.provider.calendars.answer(request, self.clock.now().wall),
        };
        self.note(place, request, played.result.as_ref().ok().map(|(status, _, body)| (*status, body)));
        played
    }

    fn open(&self, request: &Request) -> PlayedStream {
        let place = self.place(request);
        // All but one kind of answer comes as a whole, and whole answers can be written down.
        if place == Place::Tokens || !is_stream(request) {
            return self.answer(request).into();
        }
        if let Some(played) = self.weathered(place, request) {
            return played.into();
        }
        let played = self.provider.calendars.open(request, self.clock.now().wall);
        let not_here = Bytes::new();
        self.note(place, request, played.result.as_ref().ok().map(|(status, ..)| (*status, &not_here)));
        played
    }
}

impl Network {
    /// A second has passed.
    pub(super) fn pass(&self) {
        let now = self.clock.now();
        if let Some(weather) = &self.weather {
            let turns = weather.lock().unwrap_or_else(PoisonError::into_inner).turns(now.mono.0.as_secs());
            turns.into_iter().for_each(|(fault, begins)| (self.provider.strikes)(fault, begins));
        }
        self.provider.calendars.pass(now.wall);
    }

    fn place(&self, request: &Request) -> Place {
        let to_tokens = request.url.host_str() == Some(&self.provider.token_host);
        if to_tokens { Place::Tokens } else { Place::Calendars }
    }

    fn weathered(&self, place: Place, request: &Request) -> Option<Played> {
        let mut weather = self.weather.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        // Google and Graph name a room in the path, Exchange in a header.
        let path = (request.method == Method::GET).then(|| request.url.path());
        let anchor = request.headers.get("x-anchormailbox").and_then(|anchor| anchor.to_str().ok());
        let host = request.url.host_str().unwrap_or_default();
        weather.befalls(About { place, host, room: anchor.or(path) }, self.clock.now().mono.0.as_secs())
    }

    fn note(&self, place: Place, request: &Request, answer: Option<(StatusCode, &Bytes)>) {
        if let (Some(log), Place::Calendars) = (&self.log, place) {
            write_down(&mut log.lock().unwrap_or_else(PoisonError::into_inner), request, answer);
        }
    }
}

/// Whether the answer to a request goes on for as long as it is listened to.
fn is_stream(request: &Request) -> bool {
    let needle = b"GetStreamingEvents";
    request.body.windows(needle.len()).any(|part| part == needle)
}

/// A line that cannot be written is missing: the log is for checks, which count.
fn write_down(log: &mut File, request: &Request, answer: Option<(StatusCode, &Bytes)>) {
    let headers = request.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let headers: serde_json::Map<String, serde_json::Value> =
        headers.map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut line =
        serde_json::json!({"method": request.method.as_str(), "url": request.url.as_str(), "headers": headers});
    line["sent"] = shown(&request.body);
    if let Some((status, body)) = answer {
        line["status"] = status.as_u16().into();
        line["body"] = shown(body);
    }
    let _ = writeln!(log, "{line}");
}

/// JSON as it is, everything else as a text; nothing as null.
fn shown(body: &[u8]) -> serde_json::Value {
    if body.is_empty() {
        return serde_json::Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
