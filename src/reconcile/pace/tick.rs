//! Moments on the boot clock in tenths of a second: four bytes each, since every room of a large site has several.

use std::time::Duration;

use crate::model::Mono;

/// A moment, in tenths of a second since the machine started; good for thirteen years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Tick(u32);

impl Tick {
    /// The far future.
    pub(super) const NEVER: Self = Self(u32::MAX);

    /// The tick that `at` lies in.
    #[must_use]
    pub(super) fn of(at: Mono) -> Self {
        Self(u32::try_from(at.0.as_millis() / 100).unwrap_or(u32::MAX))
    }

    /// The first tick that does not lie before `at`.
    #[must_use]
    pub(super) fn not_before(at: Mono) -> Self {
        Self(u32::try_from(at.0.as_millis().div_ceil(100)).unwrap_or(u32::MAX))
    }

    /// Its beginning.
    #[must_use]
    pub(super) fn mono(self) -> Mono {
        if self == Self::NEVER { Mono::NEVER } else { Mono(Duration::from_millis(u64::from(self.0) * 100)) }
    }

    /// So many seconds later, the far future at most.
    #[must_use]
    pub(super) fn plus(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(10)))
    }

    /// So many tenths of a second later.
    #[must_use]
    pub(super) fn plus_tenths(self, tenths: u32) -> Self {
        Self(self.0.saturating_add(tenths))
    }

    /// Seconds since `earlier`, 0 when that lies ahead.
    #[must_use]
    pub(super) fn since(self, earlier: Self) -> f64 {
        f64::from(self.0.saturating_sub(earlier.0)) / 10.0
    }

    /// Its number.
    #[must_use]
    pub(super) fn number(self) -> u32 {
        self.0
    }
}
