//! What the store keeps of sign-ins. Every record is sealed by the store and says what it is bound to: with another integration,
//! token URL, API, client or account it is as if it were not there.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::error::{Refusal, SignInFault, TokenError};
use crate::model::{Confidential, Digest, Secret};
use crate::store::Op;

/// An access token, so that a restart does not ask for one.
#[derive(Serialize, Deserialize)]
pub(super) struct AccessRecord {
    pub(super) bound: Digest,
    pub(super) token: Confidential,
    pub(super) ends: Timestamp,
    /// How long it was good when it was given, in seconds: a clock that was set back makes none live longer.
    pub(super) lifetime_s: u64,
}

/// A person's sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SignInRecord {
    pub(super) bound: Digest,
    /// The refresh token to use.
    pub(super) refresh: Confidential,
    /// The one before, until the newer one has worked.
    pub(super) previous: Option<Confidential>,
    /// When the newer one came.
    pub(super) since: Timestamp,
    /// When it ends, where the service says so.
    pub(super) ends: Option<Timestamp>,
}

impl SignInRecord {
    /// What the documents give a service app to begin with; nobody says when it ends before it was used.
    pub(super) fn given(bound: Digest, refresh: &Secret, since: Timestamp) -> Self {
        Self { bound, refresh: Confidential::new(refresh.expose()), previous: None, since, ends: None }
    }
}

/// Credentials that were refused, so that a restart does not try them again.
#[derive(Serialize, Deserialize)]
pub(super) struct RefusedRecord {
    /// Over destination, account and secret.
    pub(super) proof: Digest,
    pub(super) at: Timestamp,
    pub(super) why: Why,
    pub(super) code: String,
}

/// The two kinds of refusal that need a person.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum Why {
    Refused(Refusal),
    SignIn(SignInFault),
}

impl RefusedRecord {
    /// What is kept of `error`, when it is one that nobody but a person can mend.
    pub(super) fn of(error: &TokenError, proof: Digest, at: Timestamp) -> Option<Self> {
        let (why, code) = match error {
            TokenError::Refused { refusal, code } => (Why::Refused(*refusal), code.clone()),
            TokenError::SignInNeeded(fault @ SignInFault::Revoked, _) => (Why::SignIn(*fault), String::new()),
            _ => return None,
        };
        Some(Self { proof, at, why, code })
    }

    /// The error again.
    pub(super) fn error(self, integration: &str) -> TokenError {
        match self.why {
            Why::Refused(refusal) => TokenError::Refused { refusal, code: self.code },
            Why::SignIn(fault) => TokenError::SignInNeeded(fault, integration.to_owned()),
        }
    }

    /// How much of `pause` is left. A clock that was set back makes it no longer than it was.
    pub(super) fn rest(&self, pause: Duration, now: Timestamp) -> Option<Duration> {
        let since = Duration::try_from(now.duration_since(self.at)).unwrap_or_default();
        pause.checked_sub(since).filter(|rest| !rest.is_zero())
    }
}

/// Where an account's access token stands.
pub(super) fn access(account: &Account<'_>) -> String {
    format!("oauth/access/{}/{}", account.holder.name(), account.name)
}

/// Where an account's refusal stands.
pub(super) fn refused(account: &Account<'_>) -> String {
    format!("oauth/refused/{}/{}", account.holder.name(), account.name)
}

/// Where an integration's sign-in stands.
pub(super) fn sign_in(account: &Account<'_>) -> String {
    format!("oauth/sign-in/{}", account.holder.name())
}

/// The record as it is written.
pub(super) fn put<T: Serialize>(key: String, record: &T) -> Op {
    Op::put(key, serde_json::to_vec(record).expect("records of ours have text keys and no maps of others"))
}
