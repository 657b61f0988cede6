//! What one endpoint says to its server and is answered, written down for a while, so that a device nobody has on the desk teaches us how it
//! speaks. Who records redacts: nothing in here is secret or what people wrote.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock::Mono;
use super::names::EndpointName;

/// Most bytes of one recording.
const BYTES_MAX: usize = 10 << 20;
/// Most recordings at once; the one that ended first makes room.
const RECORDINGS_MAX: usize = 4;
/// Longest time of a recording.
pub const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A request and its answer, redacted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traced {
    /// When.
    pub at: Timestamp,
    /// `POST` and the like.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers as they came, without authentication.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub request: String,
    /// Status of the answer.
    pub status: u16,
    /// Its body.
    pub answer: String,
}

impl std::fmt::Debug for Traced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.status)
    }
}

/// The recordings of a node. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Arc<Mutex<BTreeMap<EndpointName, Recording>>>);

#[derive(Debug)]
struct Recording {
    until: Mono,
    bytes: usize,
    exchanges: Vec<Traced>,
}

impl Tracer {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<EndpointName, Recording>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records `endpoint` from now on for `span`; what was recorded of it before is forgotten.
    pub fn begin(&self, endpoint: &EndpointName, span: Duration, now: Mono) {
        let mut recordings = self.lock();
        recordings.remove(endpoint);
        while recordings.len() >= RECORDINGS_MAX {
            let first = recordings.iter().min_by_key(|(_, recording)| recording.until).map(|(name, _)| name.clone());
            first.and_then(|first| recordings.remove(&first));
        }
        let until = now + span.min(LONGEST);
        recordings.insert(endpoint.clone(), Recording { until, bytes: 0, exchanges: Vec::new() });
    }

    /// Whether anything is recorded now.
    #[must_use]
    pub fn is_on(&self, now: Mono) -> bool {
        self.lock().values().any(|recording| recording.until > now)
    }

    /// Adds exchanges of `endpoint`, where it is recorded.
    pub fn add(&self, endpoint: &EndpointName, exchanges: impl IntoIterator<Item = Traced>, now: Mono) {
        let mut recordings = self.lock();
        let Some(recording) = recordings.get_mut(endpoint).filter(|recording| recording.until > now) else { return };
        for traced in exchanges {
            recording.bytes += traced.request.len() + traced.answer.len() + 512;
            if recording.bytes > BYTES_MAX {
                recording.until = now;
                return;
            }
            recording.exchanges.push(traced);
        }
    }

    /// What was recorded so far, and whether it goes on; `None`: nothing was begun.
    #[must_use]
    pub fn look(&self, endpoint: &EndpointName, now: Mono) -> Option<(Vec<Traced>, bool)> {
        let recordings = self.lock();
        let recording = recordings.get(endpoint)?;
        Some((recording.exchanges.clone(), recording.until > now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(bytes: usize) -> Traced {
        let text = "x".repeat(bytes);
        let path = String::new();
        Traced {
            at: Timestamp::UNIX_EPOCH,
            method: "POST".into(),
            path,
            headers: vec![],
            request: text,
            status: 200,
            answer: String::new(),
        }
    }

    #[test]
    fn an_endpoint_is_recorded_while_it_is_wanted_and_never_beyond_its_size() {
        let (tracer, at) = (Tracer::default(), |second| Mono(Duration::from_secs(second)));
        let [fjord, vik] = ["fjord", "vik"].map(|name| EndpointName::parse(name).unwrap());
        tracer.add(&fjord, [traced(1)], at(0));
        assert!(tracer.look(&fjord, at(0)).is_none());
        tracer.begin(&fjord, Duration::from_secs(60), at(0));
        tracer.add(&fjord, [traced(1)], at(1));
        tracer.add(&vik, [traced(1)], at(1));
        tracer.add(&fjord, [traced(1)], at(60));
        assert_eq!(tracer.look(&fjord, at(61)).map(|(found, on)| (found.len(), on)), Some((1, false)));
        assert!(tracer.look(&vik, at(61)).is_none());
        tracer.begin(&fjord, LONGEST, at(100));
        (0..20).for_each(|_| tracer.add(&fjord, [traced(1 << 20)], at(101)));
        let (found, on) = tracer.look(&fjord, at(102)).unwrap();
        assert!(found.len() < 10 && !on);
    }
}
