//! Access tokens that simulated token endpoints gave out: simulated calendar services look here whether a request bears one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::http::{Request, header};

/// All access tokens, with the account each is for and when it ends.
#[derive(Debug, Default)]
pub struct Issued(Mutex<Given>);

#[derive(Debug, Default)]
struct Given {
    count: u64,
    tokens: BTreeMap<String, (String, Timestamp)>,
}

impl Issued {
    /// A new token for `account`, good for `lifetime` from `now`.
    pub fn issue(&self, account: &str, now: Timestamp, lifetime: Duration) -> String {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.count += 1;
        let token = format!("token-{}-of-{account}", given.count);
        given.tokens.retain(|_, (_, ends)| *ends > now);
        given.tokens.insert(token.clone(), (account.to_owned(), now + lifetime));
        token
    }

    /// Whose token this is, while it is good.
    pub fn is_valid(&self, token: &str, now: Timestamp) -> Option<String> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.tokens.get(token).filter(|(_, ends)| now < *ends).map(|(account, _)| account.clone())
    }

    /// Whose good token `request` bears.
    pub fn bearer(&self, request: &Request, now: Timestamp) -> Option<String> {
        let value = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        self.is_valid(value.strip_prefix("Bearer ")?, now)
    }

    /// Every token ends now, as when an administrator resets an account.
    pub fn revoke_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tokens.clear();
    }

    /// How many were given out so far.
    pub fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }
}
