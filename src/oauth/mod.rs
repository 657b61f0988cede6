//! Access tokens: an account of a calendar service in, a bearer out. Who asks keeps nothing: a bearer is asked for before every
//! request, fetched early, by one at a time, and stored sealed before it is used.
//!
//! May name `model`, `http`, `store`.

use std::fmt;
use std::sync::Arc;

use crate::http::{HeaderValue, Http};
use crate::model::{Clock, Failure, IntegrationSpec, Scope, Secret};
use crate::store::Store;

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

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// The secret it is made with cannot be read.
    #[error("a secret is missing: {0}")]
    SecretMissing(String),
}

impl TokenError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::SecretMissing(_) => "SecretMissing",
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::fix(error.label(), error.to_string()).about(Scope::Account)
    }
}

/// All tokens of a process. Cloning shares them.
#[derive(Clone)]
pub struct Tokens(Arc<Shared>);

struct Shared {
    http: Http,
    store: Arc<dyn Store>,
    clock: Clock,
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
        Self(Arc::new(Shared { http, store, clock }))
    }

    /// A token for account number `account` of `integration`, good for a while yet.
    ///
    /// # Errors
    /// When none can be had now.
    pub async fn bearer(&self, integration: &IntegrationSpec, account: usize) -> Result<Bearer, TokenError> {
        let _ = (&self.0.http, &self.0.store, &self.0.clock, integration, account);
        Err(TokenError::SecretMissing("tokens are not fetched yet".into()))
    }

    /// The service did not take `bearer`: the next one asked for is another.
    pub fn refused(&self, integration: &IntegrationSpec, account: usize, bearer: &Bearer) {
        let _ = (integration, account, bearer);
    }
}
