//! Thousands of codecs in one process and in virtual time. In: requests as our own client would send them. Out: what each codec
//! answers, after as long as it takes.
//!
//! Nothing goes over a socket, so certificates are not shown; everything else is as on the network: queues, 503, waiting.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Ask, Codec};
use crate::http::{Bytes, HeaderMap, HeaderValue, HttpError, Peer, Played, Request, StatusCode, header};
use crate::model::Clock;

/// How long a codec takes for an answer, beyond what its queue makes it wait.
const THINKS: Duration = Duration::from_millis(60);

/// What becomes of requests to a codec.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fate {
    /// It answers.
    #[default]
    Answers,
    /// Whatever is sent there disappears.
    BlackHole,
    /// It answers every request with 500.
    Fails,
    /// Nobody listens there: it is switched off.
    Refuses,
}

/// Codecs by host name.
#[derive(Debug)]
pub struct Fleet {
    clock: Clock,
    codecs: Mutex<BTreeMap<String, (Codec, Fate)>>,
}

impl Fleet {
    /// Nobody yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, codecs: Mutex::default() }
    }

    /// Adds a codec at `host`.
    pub fn add(&self, host: &str, codec: Codec) {
        self.codecs().insert(host.to_owned(), (codec, Fate::Answers));
    }

    /// From now on.
    pub fn becomes(&self, host: &str, fate: Fate) {
        if let Some((_, of)) = self.codecs().get_mut(host) {
            *of = fate;
        }
    }

    /// Looks at the codec at `host`, or does something to it; `None`: there is none.
    pub fn with<R>(&self, host: &str, look: impl FnOnce(&mut Codec, jiff::Timestamp) -> R) -> Option<R> {
        let now = self.clock.now().wall;
        self.codecs().get_mut(host).map(|(codec, _)| look(codec, now))
    }

    fn codecs(&self) -> MutexGuard<'_, BTreeMap<String, (Codec, Fate)>> {
        self.codecs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer for Fleet {
    fn answer(&self, request: &Request) -> Played {
        let now = self.clock.now().wall;
        let mut codecs = self.codecs();
        let host = request.url.host_str().unwrap_or_default();
        let Some((codec, fate)) = codecs.get_mut(host) else {
            return Played { after: Duration::ZERO, result: Err(HttpError::Dns) };
        };
        match fate {
            // Longer than anybody waits.
            Fate::BlackHole => return Played { after: Duration::from_hours(1), result: Err(HttpError::Deadline) },
            Fate::Refuses => {
                let refused = HttpError::Connect("connection refused".to_owned());
                return Played { after: Duration::from_millis(1), result: Err(refused) };
            }
            Fate::Fails => {
                let result = Ok((StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), Bytes::new()));
                return Played { after: THINKS, result };
            }
            Fate::Answers => {}
        }
        let text =
            |name| request.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        let ask = Ask {
            method: request.method.to_string(),
            path: request.url.path().to_owned(),
            query: request.url.query().unwrap_or_default().to_owned(),
            authorization: text(header::AUTHORIZATION),
            tls: request.url.scheme() == "https",
            host: host.to_owned(),
            body: request.body.to_vec(),
        };
        let answer = codec.answer(&ask, now);
        let date = now + codec.clock_ahead;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        let texts = [
            (header::LOCATION, answer.location),
            (header::RETRY_AFTER, answer.retry_after_s.map(|seconds| seconds.to_string())),
            (header::DATE, Some(date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())),
        ];
        for (name, text) in texts {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Played { after: THINKS + answer.delay, result: Ok((status, headers, Bytes::from(answer.body))) }
    }
}
