//! What keeps requests from a service, or an account of it, that refuses them; and how many may be under way at once.
//!
//! ```text
//!            wider failure, or many rooms in a row
//!  closed ────────────────────────────────────────► open: nothing is asked for 5 s, 10 s … 5 min (30 min where a person must
//!    ▲                                               act, and at least as long as the service asked for)
//!    │  it succeeds                                    │ the time is over
//!    └───────────────────── one probe ◄────────────────┘
//!                               └── it fails: open again, for longer
//! ```
//!
//! The window of requests under way grows by one after a round without fault and is halved when the service throttles.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Failure, Now, Remedy};

use super::tick::Tick;

/// First pause after a failure that may pass.
const FIRST_S: u32 = 5;
/// Longest pause after failures that may pass.
const LONGEST_S: u32 = 300;
/// Pause after a failure that a person must mend.
const MENDED_S: u32 = 1800;
/// A service that asks for a longer pause than this is tried again after it.
const ASKED_MAX_S: u32 = 24 * 3600;
/// Most requests under way at once. At 20 a second, with answers after three seconds, 60 are.
const WINDOW_MAX: u32 = 64;

/// Why nothing is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pause {
    /// From the failure: a closed set.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) message: String,
    /// Since when.
    pub(super) since: Timestamp,
    /// Failed tries in a row.
    pub(super) attempts: u32,
    /// Nothing is asked before then.
    pub(super) until: Tick,
}

/// One service, or one account.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    pause: Option<Pause>,
    /// Requests begun before then say nothing new about the pause.
    opened: Tick,
    probing: bool,
}

/// What a breaker lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    /// Everything.
    Closed,
    /// One request, to see whether it is over.
    Probe,
    /// Nothing before then; [`Tick::NEVER`]: before the probe has ended.
    Until(Tick),
}

impl Breaker {
    /// What it lets through.
    #[must_use]
    pub(super) fn gate(&self, now: Tick) -> Gate {
        match &self.pause {
            None => Gate::Closed,
            Some(_) if self.probing => Gate::Until(Tick::NEVER),
            Some(pause) if pause.until > now => Gate::Until(pause.until),
            Some(_) => Gate::Probe,
        }
    }

    /// Why nothing is asked.
    #[must_use]
    pub(super) fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// The request that was let through as a probe has begun.
    pub(super) fn probe_begun(&mut self) {
        self.probing = true;
    }

    /// The probe was never made, or says nothing.
    pub(super) fn probe_void(&mut self) {
        self.probing = false;
    }

    /// A request begun at `begun` was answered. True: that ended a pause.
    pub(super) fn answered(&mut self, begun: Tick) -> bool {
        if self.pause.is_none() || begun < self.opened {
            return false;
        }
        self.close();
        true
    }

    /// A request begun at `begun` failed for everybody. True: the pause is new.
    pub(super) fn failed(&mut self, failure: &Failure, begun: Tick, now: Now) -> bool {
        let tick = Tick::of(now.mono);
        if begun < self.opened {
            // It was under way when the pause began. Only a longer wait, as the service asks for, is news.
            if let (Some(pause), Some(asked)) = (&mut self.pause, failure.retry_after) {
                pause.until = pause.until.max(tick.plus(seconds(asked)));
            }
            return false;
        }
        let before = self.pause.take();
        let attempts = before.as_ref().map_or(0, |pause| pause.attempts) + 1;
        let wait = match failure.remedy {
            Remedy::Retry => (FIRST_S << (attempts - 1).min(6)).min(LONGEST_S),
            Remedy::Fix => MENDED_S,
        };
        let wait = wait.max(failure.retry_after.map_or(0, seconds));
        let is_new = before.is_none();
        self.pause = Some(Pause {
            reason: failure.reason,
            message: failure.message.clone(),
            since: before.map_or(now.wall, |pause| pause.since),
            attempts,
            until: tick.plus(wait),
        });
        self.opened = tick.plus_tenths(1);
        self.probing = false;
        is_new
    }

    /// Somebody changed something: it is tried again.
    pub(super) fn close(&mut self) {
        *self = Self { opened: self.opened, ..Self::default() };
    }
}

/// How many requests may be under way.
#[derive(Debug)]
pub(super) struct InFlight {
    window: u32,
    /// Answers since it last grew.
    clean: u32,
    /// Requests begun before then were under way when it was halved.
    halved: Tick,
}

impl InFlight {
    /// At first.
    #[must_use]
    pub(super) fn starting_at(window: u32) -> Self {
        Self { window, clean: 0, halved: Tick::default() }
    }

    /// So many.
    #[must_use]
    pub(super) fn window(&self) -> u32 {
        self.window
    }

    /// A request was answered, while `under_way` others were.
    pub(super) fn answered(&mut self, under_way: usize) {
        self.clean += 1;
        // A window that is not used says nothing about a wider one.
        if self.clean >= self.window && under_way + 1 >= self.window as usize {
            self.window = (self.window + 1).min(WINDOW_MAX);
            self.clean = 0;
        }
    }

    /// A request begun at `begun` was throttled.
    pub(super) fn throttled(&mut self, begun: Tick, now: Tick) {
        self.clean = 0;
        if begun >= self.halved {
            self.window = (self.window / 2).max(1);
            self.halved = now.plus_tenths(1);
        }
    }
}

fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).min(ASKED_MAX_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Mono, Scope};

    fn at(second: u64) -> Now {
        Now {
            wall: Timestamp::from_second(i64::try_from(second).unwrap()).unwrap(),
            mono: Mono(Duration::from_secs(second)),
        }
    }

    fn tick(second: u64) -> Tick {
        Tick::of(at(second).mono)
    }

    #[test]
    fn a_pause_grows_with_each_failed_probe_and_ends_with_the_first_that_succeeds() {
        let failure = Failure::retry("Unreachable", "no answer").about(Scope::Integration);
        let mut breaker = Breaker::default();
        let mut waits = Vec::new();
        let mut now = 100;
        for _ in 0..9 {
            breaker.failed(&failure, tick(now), at(now));
            // Those that were under way fail too, and change nothing.
            breaker.failed(&failure, tick(now - 50), at(now + 1));
            let Gate::Until(until) = breaker.gate(tick(now)) else { panic!("it is open") };
            waits.push(until.since(tick(now)) as u32);
            now += u64::from(until.since(tick(now)) as u32);
            assert_eq!(breaker.gate(tick(now)), Gate::Probe);
            breaker.probe_begun();
            assert_eq!(breaker.gate(tick(now)), Gate::Until(Tick::NEVER));
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert!(!breaker.answered(tick(5)), "an old answer says nothing");
        assert!(breaker.answered(tick(now)));
        assert_eq!(breaker.gate(tick(now)), Gate::Closed);
    }

    #[test]
    fn the_service_may_ask_for_longer_and_what_a_person_must_mend_waits_half_an_hour() {
        let throttled = Failure { retry_after: Some(Duration::from_secs(90)), ..Failure::retry("Throttled", "") };
        for (failure, wait) in [(throttled, 90), (Failure::fix("CredentialsRefused", ""), 1800)] {
            let mut breaker = Breaker::default();
            breaker.failed(&failure, tick(10), at(10));
            assert_eq!(breaker.gate(tick(10)), Gate::Until(tick(10 + wait)));
        }
    }

    #[test]
    fn the_window_grows_one_by_one_when_it_is_used_and_is_halved_once_a_round() {
        let mut flight = InFlight::starting_at(8);
        (0..1_000).for_each(|_| flight.answered(0));
        assert_eq!(flight.window(), 8);
        (0..8).for_each(|_| flight.answered(7));
        assert_eq!(flight.window(), 9);
        (0..9).for_each(|_| flight.throttled(tick(50), tick(60)));
        assert_eq!(flight.window(), 4);
        (0..9).for_each(|n| flight.throttled(tick(70 + n), tick(70 + n)));
        assert_eq!(flight.window(), 1);
        (0..100_000).for_each(|_| flight.answered(64));
        assert_eq!(flight.window(), WINDOW_MAX);
    }
}
