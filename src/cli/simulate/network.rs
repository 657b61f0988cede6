//! The network of a simulated site: requests go to the token endpoint or to the calendars by their host, through the weather,
//! and can be written down as they pass.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::{Method, Peer, Played, Request};
use crate::model::Clock;
use crate::sim::Fake;
use crate::sim::weather::{Place, Weather};

/// See the module.
pub(super) struct Network {
    pub(super) clock: Clock,
    /// Its host.
    pub(super) token_host: String,
    pub(super) tokens: Arc<dyn Fake>,
    pub(super) calendars: Arc<dyn Fake>,
    pub(super) weather: Option<Mutex<Weather>>,
    /// A JSON object a line: method, url, headers, status, body.
    pub(super) log: Option<Mutex<File>>,
}

impl Peer for Network {
    fn answer(&self, request: &Request) -> Played {
        let now = self.clock.now();
        let to_tokens = request.url.host_str() == Some(&self.token_host);
        let (place, fake) = if to_tokens { (Place::Tokens, &self.tokens) } else { (Place::Calendars, &self.calendars) };
        if let Some(weather) = &self.weather {
            let room = (request.method == Method::GET).then(|| request.url.path());
            let mut weather = weather.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(played) = weather.befalls(place, room, now.mono.0.as_secs()) {
                return played;
            }
        }
        let played = fake.answer(request, now.wall);
        if let (Some(log), Place::Calendars) = (&self.log, place) {
            write_down(&mut log.lock().unwrap_or_else(PoisonError::into_inner), request, &played);
        }
        played
    }
}

/// A line that cannot be written is missing: the log is for checks, which count.
fn write_down(log: &mut File, request: &Request, played: &Played) {
    let headers = request.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let headers: serde_json::Map<String, serde_json::Value> =
        headers.map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut line =
        serde_json::json!({"method": request.method.as_str(), "url": request.url.as_str(), "headers": headers});
    let json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    line["sent"] = json(&request.body);
    if let Ok((status, _, body)) = &played.result {
        line["status"] = status.as_u16().into();
        line["body"] = json(body);
    }
    let _ = writeln!(log, "{line}");
}
