//! How much may be asked of a simulated Graph, and how much was: counted by the service itself, so that a client that counts wrongly
//! is found out.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use super::GraphOptions;
use crate::sim::dice::Dice;
use crate::sim::sliding::Sliding;

/// How long an app is told to wait when it asks too much at once.
const BACK_OFF: Duration = Duration::from_secs(2);

/// What was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Requests, whatever became of them.
    pub requests: u64,
    /// Those without a good token.
    pub unauthorized: u64,
    /// Requests that were refused for being too many for a mailbox, or too many at once.
    pub over_quota: u64,
    /// Most requests in any 24 hours.
    pub peak_day: u64,
    /// Requests above [`GraphOptions::in_a_day`](super::GraphOptions::in_a_day).
    pub over_the_day: u64,
}

/// The state of all limits.
#[derive(Default)]
pub(super) struct Limits {
    counts: Counts,
    /// By app, then mailbox.
    mailboxes: BTreeMap<String, HashMap<String, Mailbox>>,
    /// When requests under way end, by app.
    in_all: BTreeMap<String, Vec<Timestamp>>,
    day: Sliding,
}

#[derive(Default)]
struct Mailbox {
    under_way: Vec<Timestamp>,
    ten_minutes: Sliding,
}

impl Limits {
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// How long the next request takes, when it asks about so many schedules.
    pub(super) fn latency(&self, options: &GraphOptions, rooms: usize) -> Duration {
        let (least, most) = options.latency;
        let share = Dice::new(options.seed, self.counts.requests).share();
        let rooms = u32::try_from(rooms).unwrap_or(u32::MAX);
        least + most.saturating_sub(least).mul_f64(share) + options.latency_of_a_schedule.saturating_mul(rooms)
    }

    /// A request without a good token.
    pub(super) fn refuse(&mut self, now: Timestamp, in_a_day: Option<u64>) {
        self.counts.unauthorized += 1;
        self.count(now, in_a_day);
    }

    /// A request that takes `after`.
    ///
    /// # Errors
    /// How long to wait, when it is one too many.
    pub(super) fn begin(
        &mut self,
        options: &GraphOptions,
        account: &str,
        mailbox: &str,
        now: Timestamp,
        after: Duration,
    ) -> Result<(), Duration> {
        self.count(now, options.in_a_day);
        if !self.mailboxes.contains_key(account) {
            self.mailboxes.insert(account.to_owned(), HashMap::new());
        }
        let mailboxes = self.mailboxes.entry(account.to_owned()).or_default();
        if !mailboxes.contains_key(mailbox) {
            mailboxes.insert(mailbox.to_owned(), Mailbox::default());
        }
        let mailbox = mailboxes.entry(mailbox.to_owned()).or_default();
        let in_all = self.in_all.entry(account.to_owned()).or_default();
        let busy = |ends: &mut Vec<Timestamp>, most: usize| {
            ends.retain(|end| *end > now);
            ends.len() >= most
        };
        let too_many = mailbox.ten_minutes.one_more(now, 10) > u64::from(options.in_ten_minutes);
        let at_once = busy(&mut mailbox.under_way, options.at_once_in_a_mailbox)
            || options.at_once_in_all.is_some_and(|most| busy(in_all, most));
        if too_many || at_once {
            self.counts.over_quota += 1;
            return Err(if too_many { Duration::from_mins(1) } else { BACK_OFF });
        }
        mailbox.under_way.push(now + after);
        if options.at_once_in_all.is_some() {
            in_all.push(now + after);
        }
        Ok(())
    }

    fn count(&mut self, now: Timestamp, in_a_day: Option<u64>) {
        self.counts.requests += 1;
        let day = self.day.one_more(now, 24 * 60);
        self.counts.peak_day = self.counts.peak_day.max(day);
        self.counts.over_the_day += u64::from(in_a_day.is_some_and(|most| day > most));
    }
}
