//! Two clocks. Due times and back-off run on the boot clock, which counts suspended time and never jumps; meetings,
//! windows and stored times are wall-clock times.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Time since the machine started, suspended time included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Mono(pub Duration);

impl Mono {
    /// The far future: nothing is due.
    pub const NEVER: Self = Self(Duration::MAX);

    /// How long until `later`, zero when it has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        later.0.saturating_sub(self.0)
    }
}

impl std::ops::Add<Duration> for Mono {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// One look at both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Wall-clock time.
    pub wall: Timestamp,
    /// Boot-clock time.
    pub mono: Mono,
}

/// The only reader of the clocks, passed to whoever needs the time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Virtual { wall: Timestamp, started: tokio::time::Instant, skew_ms: Arc<AtomicI64> },
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that starts at `wall` and follows tokio's time, which tests pause and advance.
    #[must_use]
    pub fn starting_at(wall: Timestamp) -> Self {
        Self(Source::Virtual { wall, started: tokio::time::Instant::now(), skew_ms: Arc::default() })
    }

    /// Moves the wall of a virtual clock against its boot clock, as a bad time server would. No effect on the system's.
    pub fn skew(&self, by: SignedDuration) {
        if let Source::Virtual { skew_ms, .. } = &self.0 {
            let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            skew_ms.fetch_add(millis, Ordering::Relaxed);
        }
    }

    /// Both clocks now.
    #[must_use]
    pub fn now(&self) -> Now {
        match &self.0 {
            Source::System => Now { wall: wall_clock(), mono: boot_clock() },
            Source::Virtual { wall, started, skew_ms } => {
                let elapsed = started.elapsed();
                let skew = SignedDuration::from_millis(skew_ms.load(Ordering::Relaxed));
                let shifted = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX).saturating_add(skew);
                Now { wall: wall.checked_add(shifted).unwrap_or(Timestamp::MAX), mono: Mono(elapsed) }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one reader of the wall clock")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// `CLOCK_BOOTTIME` counts the time a machine was suspended, `CLOCK_MONOTONIC` does not. See clock_gettime(2).
fn boot_clock() -> Mono {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Mono(Duration::new(seconds, nanos))
}
