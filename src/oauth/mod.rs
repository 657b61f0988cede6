//! Access tokens: an account of a calendar service in, a bearer out. Who asks keeps nothing: a bearer is asked for before every
//! request, fetched early, by one at a time, and stored sealed before it is used.
//!
//! | found | what happens |
//! |---|---|
//! | a token that is good for a while yet | it is used |
//! | one that ends within ten to fifteen minutes | one caller fetches the next, the others use it; so does that one when no next comes |
//! | none | one caller fetches, the others wait for the same outcome |
//! | credentials that were refused | not tried again for half an hour, across restarts, unless they change |
//! | a service that does not answer | asked again after ten seconds, or when it says |
//!
//! A token is bound to integration, token URL, API, client and account. A person's refresh token that was changed by the service is
//! stored before anything else is done with the answer, and the one before is kept until the new one has worked.
//!
//! Where an account has a password instead, [`password`] keeps it from being locked.
//!
//! May name `model`, `http`, `store`.

mod account;
mod assertion;
pub mod desk;
mod error;
mod holder;
mod jws;
pub mod oidc;
pub mod password;
mod records;
mod refusal;
mod request;
pub mod sign_in;
mod slot;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use error::{KeyFault, Refusal, SignInFault, TokenError};
pub use holder::Holder;

use crate::http::{HeaderValue, Http};
use crate::model::tally::Tally;
use crate::model::{Clock, Digest, Secret};
use crate::store::{Op, Store};
use account::{Account, Grant};
use slot::Slot;

/// Accounts remembered. More than this were never in use at a time; what was learned of the others is in the store.
const SLOTS_MAX: usize = 1024;

/// What an `Authorization` header holds. Shown to nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bearer(pub Secret);

impl Bearer {
    /// The header's value, marked as sensitive; `None` when the token holds what no header may.
    #[must_use]
    pub fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// All tokens of a process. Cloning shares them.
#[derive(Clone)]
pub struct Tokens(Arc<Shared>);

struct Shared {
    http: Http,
    store: Arc<dyn Store>,
    clock: Clock,
    /// By what its tokens are bound to.
    slots: Mutex<BTreeMap<Digest, Arc<Slot>>>,
    /// Told when a sign-in ends.
    tally: OnceLock<Arc<Tally>>,
    /// Accounts with a password.
    guards: Mutex<BTreeMap<Digest, Arc<password::Guard>>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// None yet; what the store kept is found when it is asked for.
    #[must_use]
    pub fn new(http: Http, store: Arc<dyn Store>, clock: Clock) -> Self {
        let (slots, guards) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { http, store, clock, slots, tally: OnceLock::new(), guards }))
    }

    /// The same, and `tally` is told when sign-ins end, where the service says it.
    #[must_use]
    pub fn telling(self, tally: Arc<Tally>) -> Self {
        let _ = self.0.tally.set(tally);
        self
    }

    /// A token for account number `account` of a service, good for a while yet.
    ///
    /// # Errors
    /// When none can be had now.
    pub async fn bearer<'a>(&self, of: impl Into<Holder<'a>>, account: usize) -> Result<Bearer, TokenError> {
        let account = Account::of(of.into(), account)?;
        self.slot(&account).bearer(&self.0, &account).await
    }

    /// The service did not take `bearer`: the next one asked for is another.
    pub fn refused<'a>(&self, of: impl Into<Holder<'a>>, account: usize, bearer: &Bearer) {
        if let Ok(account) = Account::of(of.into(), account) {
            self.slot(&account).refused(bearer, self.0.clock.now());
        }
    }

    /// The same for a token that nobody can fetch anew, a bot's: it is left alone until it changes or half an hour is over, across
    /// restarts. Says nothing of others.
    pub async fn gave_up_on<'a>(&self, of: impl Into<Holder<'a>>, bearer: &Bearer) {
        if let Ok(account) = Account::of(of.into(), 0)
            && matches!(account.grant, Grant::Token(_))
        {
            self.slot(&account).gave_up(&self.0, &account, bearer).await;
        }
    }

    /// Somebody signed in anew: what is remembered of the account, refusals included, is forgotten, and the store is looked into again.
    pub async fn look_again<'a>(&self, of: impl Into<Holder<'a>>) {
        let Ok(account) = Account::of(of.into(), 0) else { return };
        let keys = [records::refused(&account), records::access(&account)];
        if let Err(error) = self.0.store.commit(keys.into_iter().map(Op::delete).collect()).await {
            tracing::warn!(%error, "What was refused before a sign-in could not be forgotten.");
        }
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&account.binding());
    }

    fn slot(&self, account: &Account<'_>) -> Arc<Slot> {
        let binding = account.binding();
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&binding) {
            return slot.clone();
        }
        if slots.len() >= SLOTS_MAX {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(binding).or_default().clone()
    }
}
