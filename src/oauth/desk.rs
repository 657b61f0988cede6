//! Sign-ins from pages: an integration's name in, a link out; later the way back in, and who signed in out, for a person to look at before
//! anything is stored. The same steps as in a terminal ([`super::sign_in`]), with the wish in force.

use std::sync::Arc;

use tokio::sync::watch;

use super::sign_in::{self, SignIn, SignInError, SignedIn};
use super::{Holder, Tokens};
use crate::http::{Http, Url};
use crate::model::{Clock, Desired};
use crate::store::{Store, StoreError};

/// Why a sign-in from a page did not come about.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no such integration.
    #[error("there is no integration of that name that is used")]
    NoSuch,
    /// The documents send the browser to another place.
    #[error(
        "the documents send browsers to {0}, which is not this node's {1}; correct redirectUri or --public-url, or use `otj auth`"
    )]
    Elsewhere(String, String),
    /// It failed.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// It was not stored.
    #[error("the sign-in could not be stored")]
    Store(#[source] StoreError),
}

/// Where browsers come to sign integrations in.
#[derive(Debug)]
pub struct SignInDesk {
    /// The way out.
    pub http: Http,
    /// Where sign-ins are kept, sealed.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Clock,
    /// Those who use sign-ins.
    pub tokens: Tokens,
    /// The wish in force.
    pub wish: watch::Receiver<Arc<Desired>>,
    /// `{--public-url}/oauth/callback`.
    pub redirect: String,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Of which integration.
    pub integration: String,
    sign_in: SignIn,
    redirect: Url,
}

/// Somebody signed in, and nothing is stored yet.
#[derive(Debug)]
pub struct Waiting {
    /// To which integration.
    pub integration: String,
    /// Who.
    pub account: String,
    /// The organization, where the service names one.
    pub organization: Option<String>,
    signed_in: SignedIn,
}

impl Begun {
    /// Whether a browser that came back with `query` comes from this sign-in.
    #[must_use]
    pub fn is_answered_by(&self, query: &str) -> bool {
        self.sign_in.is_answered_by(&self.returned(query))
    }

    fn returned(&self, query: &str) -> Url {
        let mut url = self.redirect.clone();
        url.set_query(Some(query));
        url
    }
}

impl SignInDesk {
    /// Begins: the link to open.
    ///
    /// # Errors
    /// When the documents make no sign-in that comes back here.
    pub fn begin(&self, integration: &str) -> Result<(Begun, String), DeskError> {
        let desired = self.wish.borrow().clone();
        let holder = holder(&desired, integration)?;
        let redirect = Url::parse(&self.redirect).map_err(|_| SignInError::NotAUrl("--public-url"))?;
        if let Some(written) = sign_in::redirect_uri(holder)?
            && written != redirect
        {
            return Err(DeskError::Elsewhere(written.into(), redirect.into()));
        }
        let (sign_in, link) = SignIn::begin(holder, &redirect, self.clock.now())?;
        Ok((Begun { integration: integration.to_owned(), sign_in, redirect }, link.into()))
    }

    /// Ends it with the query that the browser came back with; nothing is stored.
    ///
    /// # Errors
    /// When nobody signed in, or somebody else did.
    pub async fn end(&self, begun: Begun, query: &str) -> Result<Waiting, DeskError> {
        let desired = self.wish.borrow().clone();
        let holder = holder(&desired, &begun.integration)?;
        let returned = begun.returned(query);
        let signed_in = begun.sign_in.end(&self.http, holder, &returned, self.clock.now()).await?;
        let (account, organization) = (signed_in.account.clone(), signed_in.organization.clone());
        Ok(Waiting { integration: begun.integration, account, organization, signed_in })
    }

    /// Stores it, and has it used from now on.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn store(&self, waiting: &Waiting) -> Result<(), DeskError> {
        waiting.signed_in.store(&*self.store).await.map_err(DeskError::Store)?;
        let desired = self.wish.borrow().clone();
        if let Ok(holder) = holder(&desired, &waiting.integration) {
            self.tokens.look_again(holder).await;
        }
        Ok(())
    }
}

fn holder<'a>(desired: &'a Desired, name: &str) -> Result<Holder<'a>, DeskError> {
    let calendar = desired.integrations.values().find(|it| it.name.as_str() == name).map(|it| Holder::Calendar(it));
    let cloud = || desired.webex.values().find(|it| it.name.as_str() == name).map(|it| Holder::Webex(it));
    calendar.or_else(cloud).ok_or(DeskError::NoSuch)
}
