//! How much may be asked of the simulated servers, and how much was.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::org::{Counts, ExchangeOptions};
use super::soap::Refused;
use crate::sim::dice::Dice;
use crate::sim::sliding::Sliding;

/// The state of all budgets.
#[derive(Default)]
pub(super) struct Limits {
    pub(super) counts: Counts,
    budgets: HashMap<String, Budget>,
    day: Sliding,
}

#[derive(Default)]
struct Budget {
    /// When requests under way end.
    under_way: Vec<Timestamp>,
    /// Which minute, and how many there were in it.
    minute: (i64, u32),
    backs_off_until: Option<Timestamp>,
}

impl Limits {
    /// How long the next request takes.
    pub(super) fn latency(&self, options: &ExchangeOptions) -> Duration {
        let (least, most) = options.latency;
        let share = Dice::new(options.seed, self.counts.requests).share();
        least + most.saturating_sub(least).mul_f64(share)
    }

    /// A request reaches the servers, whatever becomes of it. `is_of_the_day`: it counts against what a client allows itself.
    pub(super) fn count(&mut self, options: &ExchangeOptions, is_of_the_day: bool, now: Timestamp) {
        self.counts.requests += 1;
        if !is_of_the_day {
            return;
        }
        let day = self.day.one_more(now, 24 * 60);
        self.counts.peak_day = self.counts.peak_day.max(day);
        self.counts.over_the_day += u64::from(options.in_a_day.is_some_and(|most| day > most));
    }

    /// A request of `owner` that takes `after`.
    ///
    /// # Errors
    /// When it is one too many; with how long to wait.
    pub(super) fn begin(
        &mut self,
        options: &ExchangeOptions,
        owner: &str,
        now: Timestamp,
        after: Duration,
    ) -> Result<(), (Refused, Option<Duration>)> {
        if !self.budgets.contains_key(owner) {
            self.budgets.insert(owner.to_owned(), Budget::default());
        }
        let budget = self.budgets.entry(owner.to_owned()).or_default();
        let busy = Err((Refused("ErrorServerBusy"), options.back_off));
        if budget.backs_off_until.is_some_and(|until| until > now) {
            self.counts.in_back_off += 1;
            self.counts.over_budget += 1;
            budget.backs_off_until = options.back_off.map(|wait| now + wait);
            return busy;
        }
        let minute = now.as_second().div_euclid(60);
        if budget.minute.0 != minute {
            budget.minute = (minute, 0);
        }
        budget.minute.1 += 1;
        if options.in_a_minute.is_some_and(|most| budget.minute.1 > most) {
            self.counts.over_budget += 1;
            budget.backs_off_until = options.back_off.map(|wait| now + wait);
            return busy;
        }
        budget.under_way.retain(|end| *end > now);
        if budget.under_way.len() >= options.at_once {
            self.counts.over_budget += 1;
            return Err((Refused("ErrorExceededConnectionCount"), None));
        }
        budget.under_way.push(now + after);
        self.counts.peak_at_once = self.counts.peak_at_once.max(budget.under_way.len());
        Ok(())
    }
}
