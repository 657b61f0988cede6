//! What may be asked of a calendar service, by its documents. In: a service. Out: its accounts, each with its minute, and its day.

use crate::model::service::{GoogleSignIn, Service};

use super::breaker::Breaker;
use super::budget::Minute;

/// One account of the service.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) minute: Minute,
    pub(super) breaker: Breaker,
}

/// Most requests in 24 hours; `None`: the service is not paced.
pub(super) fn day_limit(service: &Service) -> Option<u64> {
    match service {
        Service::Google(spec) => Some(spec.max_requests_per_day),
        Service::Graph(spec) => Some(spec.max_requests_per_day),
        Service::Exchange(spec) => Some(spec.find_items_per_day),
        Service::CalDav(spec) => spec.max_requests_per_day,
        // Read with a pace of its own.
        Service::Ics => None,
    }
}

/// The same as a number.
pub(super) fn per_day(service: &Service) -> u64 {
    day_limit(service).unwrap_or(u64::MAX)
}

/// The accounts that share the load, each with its minute. A service without a limit of that kind has one that is never reached.
pub(super) fn accounts_of(service: &Service) -> Vec<Account> {
    let account = |name: &str, limit: u32| Account {
        name: name.to_owned(),
        minute: Minute::new(limit),
        breaker: Breaker::default(),
    };
    match service {
        Service::Google(spec) => {
            let limit = spec.max_requests_per_minute_per_account;
            match &spec.sign_in {
                GoogleSignIn::ServiceAccounts(list) if !list.is_empty() => {
                    // All of a project together: 10,000 a minute, of which a tenth is left for what retries add.
                    let limit = limit.min(9_000 / u32::try_from(list.len()).unwrap_or(u32::MAX));
                    list.iter().map(|it| account(&it.email, limit)).collect()
                }
                GoogleSignIn::ServiceAccounts(_) => vec![account("", limit)],
                GoogleSignIn::User { email, .. } => vec![account(email, limit)],
            }
        }
        Service::Graph(spec) => vec![account(&spec.client_id, u32::MAX)],
        Service::CalDav(spec) => vec![account(spec.username.as_deref().unwrap_or_default(), u32::MAX)],
        Service::Exchange(spec) => vec![account(spec.account(), u32::MAX)],
        Service::Ics => vec![account("", u32::MAX)],
    }
}
