//! People sign in to the pages at an OpenID provider: a link goes out, the query that the browser came back with comes in, and who it is comes
//! out, with what they may. Nothing is stored.
//!
//! Discovery, code flow with PKCE, `state` and `nonce`; the ID token's signature, issuer, audience, times and nonce are checked. See OpenID
//! Connect Core 1.0, section 3.1, Discovery 1.0, and RFC 9207.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth2::{CsrfToken, PkceCodeChallenge};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use super::jws::{self, Fault, Keys};
use super::sign_in::PATIENCE;
use crate::http::{HeaderValue, Http, Method, Request, Url, header, same_origin};
use crate::model::{Clock, Mono, Now, Secret};

/// Longest time for one request.
const DEADLINE: Duration = Duration::from_secs(10);
/// Largest answer.
const LIMIT_BYTES: usize = 256 << 10;
/// What the provider says of itself is asked again after this long, and its keys when one is not among them, at most this often.
const KEPT: Duration = Duration::from_hours(1);
/// See [`KEPT`].
const KEYS_AGAIN: Duration = Duration::from_secs(30);
/// Clocks differ by this much, in seconds.
const LEEWAY_S: i64 = 60;

/// Which provider, and whom we let in.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// `--oidc-issuer`.
    pub issuer: String,
    /// `--oidc-client-id`.
    pub client_id: String,
    /// What the file holds; `None`: a public client.
    pub client_secret: Option<Secret>,
    /// `{--public-url}/oauth/callback`.
    pub redirect: String,
    /// Subjects, verified e-mail addresses and groups that are operators.
    pub operators: Vec<String>,
    /// And readers.
    pub readers: Vec<String>,
}

/// What somebody may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Everything.
    Operator,
    /// Read.
    Reader,
}

/// Somebody who signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// The verified address, else the subject.
    pub who: String,
    /// What they may.
    pub role: Role,
}

/// Why nobody was signed in, for people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OidcError {
    /// The flags.
    #[error("--oidc-issuer takes an https URL")]
    Issuer,
    /// It does not answer, or not as a provider does.
    #[error("the sign-in service does not answer as it should ({0})")]
    Provider(&'static str),
    /// Another sign-in, or none.
    #[error("this is not the answer to a sign-in that began in this browser; begin again")]
    Foreign,
    /// Ten minutes are over.
    #[error("the sign-in took longer than ten minutes; begin again")]
    TooLate,
    /// The person, or the provider, said no.
    #[error("the sign-in was refused ({0})")]
    Denied(String),
    /// What it says cannot be believed.
    #[error("what the sign-in service says cannot be believed ({0})")]
    Token(&'static str),
    /// They are nobody here.
    #[error("the account {0} may not sign in here; --oidc-operators and --oidc-readers say who may")]
    NotListed(String),
}

/// The provider.
#[derive(Debug)]
pub struct Provider {
    options: ProviderOptions,
    issuer: Url,
    http: Http,
    clock: Clock,
    known: Mutex<Option<(Mono, Arc<Metadata>)>>,
    keys: Mutex<Option<(Mono, Arc<Keys>)>>,
}

/// A sign-in that has begun; its end uses it up.
pub struct Begun {
    state: Secret,
    nonce: Secret,
    verifier: Secret,
    until: Mono,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun")
    }
}

#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: OneOrMany,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<bool>,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Provider {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// When the issuer is no https URL; plain http is for a provider on this machine.
    pub fn new(options: ProviderOptions, http: Http, clock: Clock) -> Result<Self, OidcError> {
        let issuer = Url::parse(&options.issuer).ok().filter(|url| url.has_host() && url.query().is_none());
        let issuer = issuer.filter(is_private).ok_or(OidcError::Issuer)?;
        Ok(Self { options, issuer, http, clock, known: Mutex::default(), keys: Mutex::default() })
    }

    /// Begins: the link to send a browser to.
    ///
    /// # Errors
    /// When the provider does not say where.
    pub async fn begin(&self) -> Result<(Begun, String), OidcError> {
        let metadata = self.metadata().await?;
        let mut link = self.endpoint(&metadata.authorization_endpoint)?;
        let (state, nonce) = (CsrfToken::new_random().into_secret(), CsrfToken::new_random().into_secret());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        link.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.options.client_id),
            ("redirect_uri", &self.options.redirect),
            ("scope", "openid email profile"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        let begun = Begun {
            state: Secret::new(state),
            nonce: Secret::new(nonce),
            verifier: Secret::new(verifier.into_secret()),
            until: self.clock.now().mono + PATIENCE,
        };
        Ok((begun, link.into()))
    }

    /// Ends it with what the browser came back with.
    ///
    /// # Errors
    /// When nobody signed in whom we let in.
    pub async fn end(&self, begun: Begun, returned: &[(String, String)]) -> Result<Person, OidcError> {
        let field = |name: &str| {
            let mut values = returned.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str());
            values.next().filter(|_| values.next().is_none())
        };
        let now = self.clock.now();
        if !is_same(field("state").unwrap_or_default(), &begun.state) {
            return Err(OidcError::Foreign);
        }
        if now.mono > begun.until {
            return Err(OidcError::TooLate);
        }
        let metadata = self.metadata().await?;
        if field("iss").is_some_and(|iss| iss != metadata.issuer) {
            return Err(OidcError::Foreign);
        }
        if let Some(error) = field("error") {
            return Err(OidcError::Denied(super::refusal::plain(error)));
        }
        let code = field("code").ok_or(OidcError::Foreign)?;
        let tokens = self.exchange(&metadata, code, &begun.verifier).await?;
        let claims = self.claims(&metadata, &tokens.id_token).await?;
        self.person(claims, &metadata, &begun.nonce, now)
    }

    fn person(&self, claims: Claims, metadata: &Metadata, nonce: &Secret, now: Now) -> Result<Person, OidcError> {
        let client = &self.options.client_id;
        let (is_audience, several) = match &claims.aud {
            OneOrMany::One(one) => (one == client, false),
            OneOrMany::Many(many) => (many.contains(client), many.len() > 1),
        };
        let is_party = claims.azp.as_ref().map_or(!several, |party| party == client);
        let wall = now.wall.as_second();
        let fault = match () {
            () if claims.iss != metadata.issuer => Some("issuer"),
            () if !is_audience || !is_party => Some("audience"),
            () if claims.exp.saturating_add(LEEWAY_S) <= wall => Some("expired"),
            () if claims.iat > wall.saturating_add(LEEWAY_S) => Some("not yet given"),
            () if !is_same(claims.nonce.as_deref().unwrap_or_default(), nonce) => Some("nonce"),
            () => None,
        };
        if let Some(fault) = fault {
            return Err(OidcError::Token(fault));
        }
        let email = claims.email.filter(|_| claims.email_verified == Some(true));
        let is_listed = |list: &[String]| {
            list.iter().any(|one| {
                *one == claims.sub
                    || claims.groups.contains(one)
                    || email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(one))
            })
        };
        let role = match () {
            () if is_listed(&self.options.operators) => Some(Role::Operator),
            () if is_listed(&self.options.readers) => Some(Role::Reader),
            () => None,
        };
        let who = shown(email.as_deref().unwrap_or(&claims.sub));
        match role {
            Some(role) => Ok(Person { who, role }),
            None => Err(OidcError::NotListed(who)),
        }
    }

    async fn exchange(&self, metadata: &Metadata, code: &str, verifier: &Secret) -> Result<Tokens, OidcError> {
        let mut request = Request::new(Method::POST, self.endpoint(&metadata.token_endpoint)?);
        let (id, secret) = (&self.options.client_id, &self.options.client_secret);
        // A request for the encoder alone: a form is what a query is.
        let mut form = Url::parse("http://form.invalid/").map_err(|_| OidcError::Provider("form"))?;
        form.query_pairs_mut().extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.options.redirect),
            ("code_verifier", verifier.expose()),
        ]);
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let in_header = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        match secret {
            Some(secret) if in_header => {
                let text = STANDARD.encode(format!("{}:{}", escaped(id), escaped(secret.expose())));
                let mut value =
                    HeaderValue::try_from(format!("Basic {text}")).map_err(|_| OidcError::Provider("client secret"))?;
                value.set_sensitive(true);
                request.headers.insert(header::AUTHORIZATION, value);
            }
            Some(secret) => {
                form.query_pairs_mut().append_pair("client_id", id).append_pair("client_secret", secret.expose());
            }
            None => {
                form.query_pairs_mut().append_pair("client_id", id);
            }
        }
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.insert(header::CONTENT_TYPE, kind);
        request.body = form.query().unwrap_or_default().to_owned().into();
        self.ask(request, "token").await
    }

    /// The claims of a token that the provider signed; its keys are asked for once more when it has newer ones.
    async fn claims(&self, metadata: &Metadata, token: &str) -> Result<Claims, OidcError> {
        let claims = match jws::verified(token, &*self.keys(metadata, KEPT).await?) {
            Err(Fault::UnknownKey) => jws::verified(token, &*self.keys(metadata, KEYS_AGAIN).await?),
            found => found,
        };
        let claims = claims.map_err(|_| OidcError::Token("signature"))?;
        serde_json::from_slice(&claims).map_err(|_| OidcError::Token("claims"))
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, OidcError> {
        let now = self.clock.now().mono;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, metadata)) = known.filter(|(at, _)| at.until(now) < KEPT) {
            return Ok(metadata);
        }
        let at = format!("{}/.well-known/openid-configuration", self.issuer.as_str().trim_end_matches('/'));
        let url = Url::parse(&at).map_err(|_| OidcError::Issuer)?;
        let metadata: Metadata = self.ask(Request::new(Method::GET, url), "discovery").await?;
        if metadata.issuer.trim_end_matches('/') != self.options.issuer.trim_end_matches('/') {
            return Err(OidcError::Provider("it is another issuer"));
        }
        let metadata = Arc::new(metadata);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, metadata.clone()));
        Ok(metadata)
    }

    async fn keys(&self, metadata: &Metadata, kept: Duration) -> Result<Arc<Keys>, OidcError> {
        let now = self.clock.now().mono;
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, keys)) = known.filter(|(at, _)| at.until(now) < kept) {
            return Ok(keys);
        }
        let request = Request::new(Method::GET, self.endpoint(&metadata.jwks_uri)?);
        let keys = Arc::new(self.ask::<Keys>(request, "keys").await?);
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, keys.clone()));
        Ok(keys)
    }

    /// An address that the provider names: over https, or where the issuer is.
    fn endpoint(&self, text: &str) -> Result<Url, OidcError> {
        let url = Url::parse(text).map_err(|_| OidcError::Provider("address"))?;
        let is_fine = url.scheme() == "https" || same_origin(&url, &self.issuer);
        if is_fine { Ok(url) } else { Err(OidcError::Provider("address without https")) }
    }

    async fn ask<T: DeserializeOwned>(&self, mut request: Request, what: &'static str) -> Result<T, OidcError> {
        request.deadline = DEADLINE;
        request.limit_bytes = LIMIT_BYTES;
        let answer = self.http.send(request).await.map_err(|error| {
            tracing::warn!(reason = error.label(), asked = what, "The OpenID provider does not answer.");
            OidcError::Provider(what)
        })?;
        if !answer.status.is_success() {
            let status = answer.status.as_u16();
            tracing::warn!(status, asked = what, "The OpenID provider refused a request.");
            return Err(OidcError::Provider(what));
        }
        serde_json::from_slice(&answer.body).map_err(|_| OidcError::Provider(what))
    }
}

fn is_same(given: &str, known: &Secret) -> bool {
    bool::from(given.as_bytes().ct_eq(known.expose().as_bytes()))
}

/// Whether what is sent there is read by nobody else.
fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

/// A name as logs and pages take it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// As a form writes it. See RFC 6749, section 2.3.1.
fn escaped(text: &str) -> String {
    let Ok(mut url) = Url::parse("http://form.invalid/") else { return String::new() };
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}
