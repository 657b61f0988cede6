//! Google's quotas: an account and the time in, whether it may ask out. Minutes and days slide. What is refused spends nothing.
//!
//! Source: guide "Manage quotas": by minute for each user (a service account is one), by minute and by day for the project.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::{Reply, header};

/// How much may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Requests of an account in a minute.
    pub account_minute: usize,
    /// Requests of the project in a minute.
    pub project_minute: usize,
    /// Requests of the project in 24 hours.
    pub project_day: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { account_minute: 600, project_minute: 10_000, project_day: 1_000_000 }
    }
}

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Requests, whatever became of them.
    pub requests: u64,
    /// Requests that were refused for being too many.
    pub over_quota: u64,
    /// Most requests of one account in any minute.
    pub peak_minute: usize,
    /// Most requests of all accounts in any 24 hours.
    pub peak_day: u64,
}

/// The limit that a request broke.
pub(super) enum Limit {
    AccountMinute,
    ProjectMinute,
    ProjectDay,
}

impl Limit {
    pub(super) fn reply(self, dice: u64) -> Reply {
        // Both statuses and both reasons come, as the guide says.
        let status = if dice.is_multiple_of(2) { 403 } else { 429 };
        let message = |limit: &str| format!("Quota exceeded for quota metric 'Queries' and limit '{limit}'");
        let reply = match (self, dice >> 1 & 1) {
            (Self::AccountMinute, 0) => {
                Reply::fault(status, "usageLimits", "userRateLimitExceeded", &message("Queries per minute per user"))
            }
            (Self::AccountMinute, _) => {
                Reply::fault(status, "usageLimits", "rateLimitExceeded", &message("Queries per minute per user"))
            }
            (Self::ProjectMinute, _) => {
                Reply::fault(status, "usageLimits", "rateLimitExceeded", &message("Queries per minute"))
            }
            (Self::ProjectDay, _) => Reply::fault(403, "usageLimits", "quotaExceeded", &message("Queries per day")),
        };
        if (dice >> 2).is_multiple_of(2) {
            reply.with(header::RETRY_AFTER, &(1 + (dice >> 3) % 30).to_string())
        } else {
            reply
        }
    }
}

/// What was spent.
pub(super) struct Quota {
    quotas: Quotas,
    pub(super) counts: Counts,
    /// Of each account, the moments of the last minute, in milliseconds.
    accounts: BTreeMap<String, VecDeque<i64>>,
    project: VecDeque<i64>,
    /// Requests by minute, of the last 24 hours.
    day: VecDeque<(i64, u64)>,
    of_day: u64,
}

impl Quota {
    pub(super) fn new(quotas: Quotas) -> Self {
        Self {
            quotas,
            counts: Counts::default(),
            accounts: BTreeMap::new(),
            project: VecDeque::new(),
            day: VecDeque::new(),
            of_day: 0,
        }
    }

    /// Counts one request of `account`.
    pub(super) fn spend(&mut self, account: &str, now: Timestamp) -> Result<(), Limit> {
        let now = now.as_millisecond();
        let begun = |moment: &i64| *moment > now - 60_000;
        while self.project.front().is_some_and(|moment| !begun(moment)) {
            self.project.pop_front();
        }
        while let Some((minute, count)) = self.day.front().copied()
            && minute <= now / 60_000 - 24 * 60
        {
            self.of_day -= count;
            self.day.pop_front();
        }
        if !self.accounts.contains_key(account) {
            self.accounts.insert(account.to_owned(), VecDeque::new());
        }
        let own = self.accounts.get_mut(account).expect("it was put there above");
        while own.front().is_some_and(|moment| !begun(moment)) {
            own.pop_front();
        }
        let limit = match () {
            () if self.of_day >= self.quotas.project_day => Some(Limit::ProjectDay),
            () if self.project.len() >= self.quotas.project_minute => Some(Limit::ProjectMinute),
            () if own.len() >= self.quotas.account_minute => Some(Limit::AccountMinute),
            () => None,
        };
        if let Some(limit) = limit {
            self.counts.over_quota += 1;
            return Err(limit);
        }
        own.push_back(now);
        self.project.push_back(now);
        self.of_day += 1;
        match self.day.back_mut() {
            Some((minute, count)) if *minute == now / 60_000 => *count += 1,
            _ => self.day.push_back((now / 60_000, 1)),
        }
        self.counts.peak_minute = self.counts.peak_minute.max(own.len());
        self.counts.peak_day = self.counts.peak_day.max(self.of_day);
        Ok(())
    }
}
