//! How long to wait before the next try: none the first time, then from seconds to minutes, each a little different so that groups that
//! lost their connections together do not come back together.

use std::time::Duration;

use crate::model::Digest;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);

/// Something between 0 and 1 that is always alike for the same words.
pub(super) fn share(who: &str, number: u32) -> f64 {
    let digest = Digest::of([who.as_bytes(), &number.to_be_bytes()]);
    f64::from(u16::from_be_bytes([digest.0[0], digest.0[1]])) / f64::from(u16::MAX)
}

/// Between `least` and `most`.
pub(super) fn between(least: Duration, most: Duration, who: &str, number: u32) -> Duration {
    least + most.saturating_sub(least).mul_f64(share(who, number))
}

/// After so many failures in a row.
pub(super) fn after(failures: u32, who: &str) -> Duration {
    let most = match failures {
        0 => return Duration::ZERO,
        1 => Duration::from_secs(1),
        more => Duration::from_secs(1 << more.min(10)).min(LONGEST),
    };
    between(most / 2, most, who, failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_minutes_and_differ() {
        let mut before = Duration::ZERO;
        for failures in 0..40 {
            let pause = after(failures, "fjord@example.com");
            assert!(pause <= LONGEST && pause >= before.min(LONGEST / 2), "{failures}: {pause:?}");
            before = pause;
        }
        assert!(after(1, "fjord@example.com") <= Duration::from_secs(1));
        assert_ne!(after(9, "fjord@example.com"), after(9, "dal@example.com"));
    }
}
