//! A person signs in once: a link goes out, the URL that the browser was sent back to comes in, and a refresh token is stored.
//!
//! The same for a terminal and for pages: whoever begins keeps the [`SignIn`], which is used up by its end. PKCE and `state` bind
//! the way back to the way out; the redirect must be exactly the one that was asked for; who signed in is compared with the
//! documents, and shown, before anything is stored.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::account::{Account, Grant};
use super::error::TokenError;
use super::holder::Holder;
use super::records::{self, SignInRecord};
use super::request::{self, With};
use crate::http::{Http, Url, same_origin};
use crate::model::service::{ExchangeSignIn, GoogleSignIn, Service, WebexSignIn};
use crate::model::{Confidential, IntegrationSpec, Mono, Now, Secret};
use crate::store::{Store, StoreError};

/// How long somebody may take.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Who signs in is asked for besides what the tokens are for.
const WHO: [&str; 2] = ["openid", "email"];

/// Why a sign-in did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Nothing to sign in to.
    #[error("{0} needs no sign-in: the documents name neither userAuthorization nor oauth")]
    NotNeeded(String),
    /// The documents.
    #[error("{0} is not a URL")]
    NotAUrl(&'static str),
    /// Another sign-in, or none.
    #[error("this is not the answer to this sign-in; begin again, and use the link once")]
    Foreign,
    /// Ten minutes are over.
    #[error("the sign-in took longer than ten minutes; begin again")]
    TooLate,
    /// The person, or the organization, said no.
    #[error("the sign-in was refused ({0})")]
    Denied(String),
    /// Not all that is needed was agreed to.
    #[error("not every permission was granted; begin again, and leave all boxes ticked")]
    NotGranted,
    /// Somebody else signed in.
    #[error("{found} signed in, and the documents name {wanted}; sign in with that account")]
    OtherAccount {
        /// Who did.
        found: String,
        /// Who should.
        wanted: String,
    },
    /// The service does not say who signed in.
    #[error("the sign-in service does not say who signed in")]
    Nobody,
    /// No refresh token came.
    #[error(
        "no lasting permission came with the sign-in; take the app's access away in the account's settings, and begin again"
    )]
    NotLasting,
    /// No tokens came.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A sign-in that has begun. It can be ended once.
pub struct SignIn {
    state: Secret,
    verifier: Secret,
    redirect: Url,
    until: Mono,
}

/// Somebody who signed in, not stored yet.
pub struct SignedIn {
    /// Who.
    pub account: String,
    /// The organization, where the service names one.
    pub organization: Option<String>,
    key: String,
    record: SignInRecord,
}

/// Neither state nor verifier is shown.
impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn")
    }
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedIn")
    }
}

impl SignIn {
    /// Begins: the link to open in a browser, which sends back to `redirect`.
    ///
    /// # Errors
    /// When the documents do not make a sign-in.
    pub fn begin<'a>(of: impl Into<Holder<'a>>, redirect: &Url, now: Now) -> Result<(Self, Url), SignInError> {
        let holder = of.into();
        let Person { email, authorization_url } = person(holder)?;
        let account = Account::of(holder, 0)?;
        let Grant::SignedIn(oauth, _) = &account.grant else { return Err(not_needed(holder)) };
        let at = AuthUrl::new(authorization_url).map_err(|_| SignInError::NotAUrl("authorizationUrl"))?;
        let back = RedirectUrl::new(redirect.to_string()).map_err(|_| SignInError::NotAUrl("redirectUri"))?;
        let client = BasicClient::new(ClientId::new(oauth.client_id.clone())).set_auth_uri(at).set_redirect_uri(back);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        // Webex says who signed in only to apps that may read people, and the documents name nobody there.
        let who = if email.is_some() { &WHO[..] } else { &[] };
        let scopes = account.scope.split_whitespace().chain(who.iter().copied());
        let scopes = scopes.map(|scope| Scope::new(scope.to_owned()));
        let mut request = client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge);
        if let Some(email) = email {
            request = request.add_extra_param("login_hint", email);
        }
        request = match holder {
            // A refresh token comes with the first consent only, so consent is asked for every time.
            Holder::Calendar(IntegrationSpec { service: Service::Google(_), .. }) => {
                request.add_extra_param("access_type", "offline").add_extra_param("prompt", "consent")
            }
            // Whoever happens to be signed in in that browser is seldom the service account.
            Holder::Calendar(_) | Holder::Webex(_) => request.add_extra_param("prompt", "select_account"),
        };
        if let Some(resource) = &account.resource {
            request = request.add_extra_param("resource", resource);
        }
        let (link, state) = request.url();
        let begun = Self {
            state: Secret::new(state.into_secret()),
            verifier: Secret::new(verifier.into_secret()),
            redirect: redirect.clone(),
            until: now.mono + PATIENCE,
        };
        Ok((begun, link))
    }

    /// Whether a browser that came to `url` comes from this sign-in. Anything else that calls there changes nothing.
    #[must_use]
    pub fn is_answered_by(&self, url: &Url) -> bool {
        let state = parameter(url, "state").unwrap_or_default();
        same_origin(url, &self.redirect)
            && url.path() == self.redirect.path()
            && bool::from(state.as_bytes().ct_eq(self.state.expose().as_bytes()))
    }

    /// Ends it with the URL that the browser was sent back to.
    ///
    /// # Errors
    /// When it did not come about; nothing is stored then.
    pub async fn end<'a>(
        self,
        http: &Http,
        of: impl Into<Holder<'a>>,
        returned: &Url,
        now: Now,
    ) -> Result<SignedIn, SignInError> {
        let holder = of.into();
        let Person { email, authorization_url } = person(holder)?;
        let issuer = Url::parse(&authorization_url).map_err(|_| SignInError::NotAUrl("authorizationUrl"))?;
        let account = Account::of(holder, 0)?;
        let is_issuer = |text: &str| is_issuer(text, &issuer, account.resource.is_some());
        // RFC 9207: an answer that names another issuer is another's.
        if !self.is_answered_by(returned) || parameter(returned, "iss").is_some_and(|iss| !is_issuer(&iss)) {
            return Err(SignInError::Foreign);
        }
        if now.mono > self.until {
            return Err(SignInError::TooLate);
        }
        if let Some(error) = parameter(returned, "error") {
            return Err(SignInError::Denied(super::refusal::plain(&error)));
        }
        let code = Secret::new(parameter(returned, "code").ok_or(SignInError::Foreign)?);
        let Grant::SignedIn(oauth, _) = &account.grant else { return Err(not_needed(holder)) };
        let verifier = PkceCodeVerifier::new(self.verifier.expose().to_owned());
        let with = With::Code { code: &code, verifier, redirect: &self.redirect };
        let fresh = request::fetch(http, &account, with, now).await?;
        let granted = fresh.scope.as_deref().unwrap_or(&account.scope);
        let is_granted = |wanted: &str| wanted == "offline_access" || granted.split(' ').any(|scope| scope == wanted);
        if !account.scope.split_whitespace().all(is_granted) {
            return Err(SignInError::NotGranted);
        }
        let (found, organization) = match email {
            Some(wanted) => {
                let who = fresh.id_token.as_ref().and_then(claims).ok_or(SignInError::Nobody)?;
                if who.aud != oauth.client_id || !is_issuer(&who.iss) || who.email_verified == Some(false) {
                    return Err(SignInError::Nobody);
                }
                let found = who.name().ok_or(SignInError::Nobody)?;
                if !found.eq_ignore_ascii_case(wanted) {
                    return Err(SignInError::OtherAccount { found, wanted: wanted.to_owned() });
                }
                (found, who.hd)
            }
            None => ("an administrator of Webex".to_owned(), None),
        };
        let refresh = fresh.refresh.as_ref().ok_or(SignInError::NotLasting)?;
        let record = SignInRecord {
            bound: account.binding(),
            refresh: Confidential::new(refresh.expose()),
            previous: None,
            since: now.wall,
            ends: fresh.refresh_lifetime.and_then(|lifetime| now.wall.checked_add(lifetime).ok()),
        };
        Ok(SignedIn { account: found, organization, key: records::sign_in(&account), record })
    }
}

impl SignedIn {
    /// Stores the sign-in; when this returns it is on disk.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn store(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.commit(vec![records::put(self.key.clone(), &self.record)]).await
    }
}

/// Who is to sign in, where documents name somebody, and where.
struct Person<'a> {
    email: Option<&'a str>,
    authorization_url: String,
}

fn person(holder: Holder<'_>) -> Result<Person<'_>, SignInError> {
    let named = |email, url: &String| Person { email: Some(email), authorization_url: url.clone() };
    match holder {
        Holder::Calendar(integration) => match &integration.service {
            Service::Google(google) => match &google.sign_in {
                GoogleSignIn::User { email, authorization_url, .. } => Ok(named(email, authorization_url)),
                GoogleSignIn::ServiceAccounts(_) => Err(not_needed(holder)),
            },
            Service::Exchange(exchange) => match &exchange.sign_in {
                ExchangeSignIn::Oauth { username, authorization_url, .. } => Ok(named(username, authorization_url)),
                _ => Err(not_needed(holder)),
            },
            _ => Err(not_needed(holder)),
        },
        Holder::Webex(cloud) => match &cloud.sign_in {
            WebexSignIn::Oauth(_) => Ok(Person { email: None, authorization_url: cloud.authorization_url() }),
            WebexSignIn::ServiceApp { .. } | WebexSignIn::Bot(_) => Err(not_needed(holder)),
        },
    }
}

/// Where the documents want a browser sent back to; `None`: they do not say.
///
/// # Errors
/// When there is nobody to sign in, or what they say is no URL.
pub fn redirect_uri<'a>(of: impl Into<Holder<'a>>) -> Result<Option<Url>, SignInError> {
    let holder = of.into();
    person(holder)?;
    let account = Account::of(holder, 0)?;
    let Grant::SignedIn(oauth, _) = &account.grant else { return Err(not_needed(holder)) };
    let parse = |text: &String| Url::parse(text).map_err(|_| SignInError::NotAUrl("redirectUri"));
    oauth.redirect_uri.as_ref().map(parse).transpose()
}

fn not_needed(holder: Holder<'_>) -> SignInError {
    SignInError::NotNeeded(holder.name().to_string())
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// What the service says about who signed in. It comes from the service itself over a verified connection, in answer to our own
/// code: OpenID Connect Core 3.1.3.7 lets the signature be.
#[derive(Deserialize)]
struct Who {
    iss: String,
    aud: String,
    email: Option<String>,
    email_verified: Option<bool>,
    hd: Option<String>,
    /// Microsoft's, version 1: how the account signs in.
    upn: Option<String>,
    unique_name: Option<String>,
    /// Microsoft's, version 2.
    preferred_username: Option<String>,
}

impl Who {
    /// What the account is called: for Microsoft how it signs in, which need not be its address.
    fn name(&self) -> Option<String> {
        let names = [&self.upn, &self.preferred_username, &self.unique_name, &self.email];
        names.into_iter().flatten().next().cloned()
    }
}

/// Whether a token that names `text` as its issuer comes from where somebody signed in. Google's name it without its scheme, too;
/// Microsoft's of version 1 name one host for all tenants of a cloud
/// (<https://learn.microsoft.com/entra/identity-platform/access-tokens>).
fn is_issuer(text: &str, issuer: &Url, is_version_1: bool) -> bool {
    let Ok(named) = Url::parse(text) else { return Some(text) == issuer.host_str() };
    let of_a_cloud = matches!(named.host_str(), Some("sts.windows.net" | "sts.chinacloudapi.cn"));
    same_origin(&named, issuer) || is_version_1 && named.scheme() == "https" && of_a_cloud
}

fn claims(token: &Secret) -> Option<Who> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1)?).ok()?).ok()
}
