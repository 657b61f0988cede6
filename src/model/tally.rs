//! Counts as plain atomics. Whoever counts is handed a tally by `cli`; `status/metrics.rs` names and renders it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::hearing::Hearing;

/// A family of counters by a small, closed set of labels.
#[derive(Debug, Default)]
pub struct Counts(Mutex<BTreeMap<Vec<String>, u64>>);

impl Counts {
    /// One more of `labels`.
    pub fn add(&self, labels: &[&str]) {
        let key = labels.iter().map(|label| (*label).to_owned()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    /// All counts, sorted by labels.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(Vec<String>, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(key, count)| (key.clone(), *count)).collect()
    }
}

/// Count of each bucket, and the sum in seconds.
type Series = (Vec<u64>, f64);

/// Durations by labels, in fixed buckets.
#[derive(Debug)]
pub struct Durations {
    /// Upper bounds in seconds, ascending.
    pub bounds: &'static [f64],
    series: Mutex<BTreeMap<Vec<String>, Series>>,
}

impl Durations {
    /// With these upper bounds, in seconds.
    #[must_use]
    pub fn with_bounds(bounds: &'static [f64]) -> Self {
        Self { bounds, series: Mutex::default() }
    }

    /// One more duration. The last bucket counts what is above every bound.
    pub fn observe(&self, labels: &[&str], duration: Duration) {
        let seconds = duration.as_secs_f64();
        let key = labels.iter().map(|label| (*label).to_owned()).collect();
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let (buckets, sum) = series.entry(key).or_insert_with(|| (vec![0; self.bounds.len() + 1], 0.0));
        buckets[self.bounds.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds.len())] += 1;
        *sum += seconds;
    }

    /// All series: labels, count of each bucket, sum in seconds.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(Vec<String>, Vec<u64>, f64)> {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.iter().map(|(key, (buckets, sum))| (key.clone(), buckets.clone(), *sum)).collect()
    }
}

/// Moments by name: when something that was seen last is to end.
#[derive(Debug, Default)]
pub struct Moments(Mutex<BTreeMap<Vec<String>, Timestamp>>);

impl Moments {
    /// `labels` end then, or it is not known any more.
    pub fn set(&self, labels: &[&str], at: Option<Timestamp>) {
        let key = labels.iter().map(|label| (*label).to_owned()).collect();
        let mut moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match at {
            Some(at) => drop(moments.insert(key, at)),
            None => drop(moments.remove(&key)),
        }
    }

    /// All of them, sorted by labels.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(Vec<String>, Timestamp)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(key, at)| (key.clone(), *at)).collect()
    }
}

/// The requests that one step made of a calendar service. Cloning shares it, so that they count even when the step is dropped.
#[derive(Clone, Debug, Default)]
pub struct Spent(Arc<AtomicU32>);

impl Spent {
    /// One more is on its way.
    pub fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything the program counts.
#[derive(Debug)]
pub struct Tally {
    /// Requests to calendar services, by (integration, outcome).
    pub calendar_requests: Counts,
    /// What is heard of services that tell of changes by themselves.
    pub hearing: Hearing,
    /// When sign-ins end of which that is known, by (kind, integration).
    pub sign_ins_end: Moments,
    /// Poly requests, by (operation, outcome).
    pub poly_requests: Counts,
    /// Poly logins, by (scheme, outcome).
    pub poly_logins: Counts,
    /// Poly logins with a name nobody has.
    pub poly_unknown_logins: AtomicU64,
    /// TLS handshakes of devices that failed, by (reason).
    pub tls_failures: Counts,
    /// Requests to the pages and the API, by (route, code).
    pub http_requests: Counts,
    /// Rule matches, by (profile, rule); an event version counts once.
    pub rule_matches: Counts,
    /// How long steps took, by (step, outcome).
    pub steps: Durations,
    /// From a change in the calendar to its confirmation by an endpoint.
    pub change_to_endpoint: Durations,
}

impl Tally {
    /// All zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            calendar_requests: Counts::default(),
            hearing: Hearing::default(),
            sign_ins_end: Moments::default(),
            poly_requests: Counts::default(),
            poly_logins: Counts::default(),
            poly_unknown_logins: AtomicU64::new(0),
            tls_failures: Counts::default(),
            http_requests: Counts::default(),
            rule_matches: Counts::default(),
            steps: Durations::with_bounds(&[0.001, 0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0]),
            change_to_endpoint: Durations::with_bounds(&[1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0]),
        })
    }

    /// One more login with a name nobody has.
    pub fn unknown_login(&self) {
        self.poly_unknown_logins.fetch_add(1, Ordering::Relaxed);
    }
}
