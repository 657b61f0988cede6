//! How many requests a simulated service was asked within a span that ends now: counted by the minute, by the service itself.

use std::collections::VecDeque;

use jiff::Timestamp;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Sliding {
    minutes: VecDeque<(i64, u32)>,
    sum: u64,
}

impl Sliding {
    /// One more; how many there are with it.
    pub(super) fn one_more(&mut self, now: Timestamp, span_minutes: i64) -> u64 {
        let minute = now.as_second().div_euclid(60);
        while let Some((_, count)) = self.minutes.pop_front_if(|(old, _)| *old <= minute - span_minutes) {
            self.sum -= u64::from(count);
        }
        match self.minutes.back_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => self.minutes.push_back((minute, 1)),
        }
        self.sum += 1;
        self.sum
    }
}
