//! How fast somebody may go on. Pure: the boot clock is given.
//!
//! * Failed logins are answered later and later, counted by (name, address). A right login is never slowed by earlier failures: whoever
//!   tries passwords against a room's account must not keep the room's device out.
//! * Requests of one device are let through at ten a second; what is above waits a little, then is turned away.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::{Digest, EndpointName, Mono};

/// The first failure is answered this late, each further one twice as late.
const FIRST: Duration = Duration::from_millis(250);
/// No answer is later than this: devices give up on a connection after 10–30 s.
const LATEST: Duration = Duration::from_secs(8);
/// Failures older than this are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// Most (name, address) pairs that are remembered; the ones that failed longest ago go first.
const PAIRS_MAX: usize = 10_000;

/// Requests a second that one device is let through.
const RATE: u32 = 10;
/// Requests that may come at once. A device that lists a day and gets each item separately needs about thirty.
const BURST: u32 = 40;
/// Longest time a request waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(1);

/// Who goes how fast.
#[derive(Debug, Default)]
pub(super) struct Pace {
    failures: BTreeMap<(Digest, IpAddr), Failures>,
    /// When the bucket of each device is full again.
    full_at: BTreeMap<EndpointName, Mono>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Mono,
    /// When the latest of them is answered; the next one is answered after it.
    answered: Mono,
}

/// How a failed login is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slowed {
    /// After this time.
    pub(super) wait: Duration,
    /// It is the so-manieth of its pair.
    pub(super) count: u32,
}

impl Pace {
    /// One more failure of `name` from `peer`.
    pub(super) fn failed(&mut self, name: Digest, peer: IpAddr, now: Mono) -> Slowed {
        if self.failures.len() >= PAIRS_MAX {
            self.forget(now);
        }
        let fresh = Failures { count: 0, last: now, answered: now };
        let pair = self.failures.entry((name, peer.to_canonical())).or_insert(fresh);
        if now.0.saturating_sub(pair.last.0) > FORGOTTEN {
            *pair = fresh;
        }
        pair.count = pair.count.saturating_add(1);
        pair.last = now;
        let delay = FIRST.saturating_mul(1 << (pair.count - 1).min(10)).min(LATEST);
        // Guesses sent side by side queue up, so that many connections try no more passwords than one.
        pair.answered = pair.answered.max(now) + delay;
        Slowed { wait: now.until(pair.answered).min(LATEST * 2), count: pair.count }
    }

    fn forget(&mut self, now: Mono) {
        self.failures.retain(|_, pair| now.0.saturating_sub(pair.last.0) <= FORGOTTEN);
        if self.failures.len() >= PAIRS_MAX {
            let mut last: Vec<Mono> = self.failures.values().map(|pair| pair.last).collect();
            last.sort_unstable();
            let middle = last[last.len() / 2];
            self.failures.retain(|_, pair| pair.last > middle);
        }
    }

    /// How long a request of `endpoint` waits for its turn; `None`: it is turned away.
    pub(super) fn turn(&mut self, endpoint: &EndpointName, now: Mono) -> Option<Duration> {
        let cost = Duration::from_secs(1) / RATE;
        let full_at = self.full_at.get(endpoint).copied().unwrap_or(now).max(now) + cost;
        let wait = now.until(full_at).saturating_sub(cost * BURST);
        if wait > TURN_MAX {
            return None;
        }
        self.full_at.insert(endpoint.clone(), full_at);
        Some(wait)
    }

    /// Forgets devices that `keep` says are gone.
    pub(super) fn keep(&mut self, keep: impl Fn(&EndpointName) -> bool) {
        self.full_at.retain(|endpoint, _| keep(endpoint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono(Duration::from_millis(ms))
    }

    #[test]
    fn failures_of_one_name_from_one_address_are_answered_later_each_time_and_forgotten() {
        let mut pace = Pace::default();
        let (name, here) = (Digest::of([b"fjord".as_slice()]), "10.0.0.1".parse().unwrap());
        let waits: Vec<u64> =
            (0..7).map(|n| u64::try_from(pace.failed(name, here, at(n * 60_000)).wait.as_millis()).unwrap()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 8000]);
        let elsewhere = "10.0.0.2".parse().unwrap();
        assert_eq!(pace.failed(name, elsewhere, at(0)).count, 1, "another address begins anew");
        assert_eq!(pace.failed(name, here, at(360_000 + 600_001)).count, 1, "forgotten after ten minutes");
    }

    #[test]
    fn guesses_sent_side_by_side_queue_up() {
        let mut pace = Pace::default();
        let (name, here) = (Digest::default(), "10.0.0.1".parse().unwrap());
        let waits: Vec<u64> =
            (0..4).map(|_| u64::try_from(pace.failed(name, here, at(0)).wait.as_millis()).unwrap()).collect();
        assert_eq!(waits, [250, 750, 1750, 3750]);
    }

    #[test]
    fn what_is_remembered_of_strangers_is_bounded() {
        let mut pace = Pace::default();
        for n in 0..u64::try_from(PAIRS_MAX).unwrap() * 2 {
            pace.failed(Digest::of([n.to_be_bytes().as_slice()]), "10.0.0.1".parse().unwrap(), at(n));
        }
        assert!(pace.failures.len() <= PAIRS_MAX);
    }

    #[test]
    fn a_burst_passes_a_flood_waits_then_is_turned_away_and_nobody_else_notices() {
        let mut pace = Pace::default();
        let [noisy, quiet] = ["noisy", "quiet"].map(|name| EndpointName::parse(name).unwrap());
        let turns: Vec<Option<Duration>> = (0..60).map(|_| pace.turn(&noisy, at(0))).collect();
        assert!(turns[..40].iter().all(|turn| *turn == Some(Duration::ZERO)));
        assert_eq!(turns[49], Some(Duration::from_secs(1)));
        assert!(turns[50..].iter().all(Option::is_none));
        assert_eq!(pace.turn(&quiet, at(0)), Some(Duration::ZERO));
        assert_eq!(pace.turn(&noisy, at(6_000)), Some(Duration::ZERO));
    }
}
