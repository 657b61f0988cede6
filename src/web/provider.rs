//! Signing in at an OpenID provider. In: a browser that wants in, and later comes back. Out: a way there, and a session, or what went wrong.
//!
//! What has begun is bound to the browser by a cookie of its own, used once, and forgotten after ten minutes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::WebState;
use super::access::{Caller, Visitor};
use super::body::is_ours;
use super::login::{self, Asked};
use super::problem::Problem;
use super::session::random;
use super::sign_in;
use crate::model::{Digest, Mono};
use crate::oauth::oidc::{Begun, OidcError, Provider, Role};

/// What has begun is forgotten after this long.
const PATIENCE: Duration = Duration::from_mins(10);
/// So many at once; the oldest is forgotten for another.
const BEGUN_MAX: usize = 1000;
/// Over https, and without.
const COOKIES: (&str, &str) = ("__Host-otj-login", "otj-login");

/// The provider, and who is on the way there.
#[derive(Debug)]
pub struct Entrance {
    provider: Provider,
    /// By the digest of the browser's cookie.
    begun: Mutex<BTreeMap<Digest, OnTheWay>>,
}

/// When it began, what, and the page that was wanted.
type OnTheWay = (Mono, Begun, Option<String>);

impl Entrance {
    /// Nobody is on the way yet.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self { provider, begun: Mutex::default() }
    }

    fn keep(&self, cookie: &str, begun: Begun, back: Option<String>, now: Mono) {
        let mut all = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, ..)| at.until(now) < PATIENCE);
        while all.len() >= BEGUN_MAX {
            let oldest = all.iter().min_by_key(|(_, (at, ..))| *at).map(|(key, _)| *key);
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        all.insert(Digest::of([cookie.as_bytes()]), (now, begun, back));
    }

    fn take(&self, headers: &HeaderMap) -> Option<(Begun, Option<String>)> {
        let mut all = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let cookie = pairs.find(|(name, _)| *name == COOKIES.0 || *name == COOKIES.1)?.1;
        all.remove(&Digest::of([cookie.as_bytes()])).map(|(_, begun, back)| (begun, back))
    }
}

/// `GET /login/provider`: on to the provider.
pub(super) async fn begin(
    State(state): State<WebState>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Result<Response, Problem> {
    let entrance = state.entrance.as_ref().ok_or_else(|| Problem::not_found("there is no such page"))?;
    let secure = state.access.is_secure(&request);
    let (begun, link) = match entrance.provider.begin().await {
        Ok(begun) => begun,
        Err(error) => return login::render(&state, StatusCode::BAD_GATEWAY, None, Some(&sentence(&error))),
    };
    let cookie = random().ok_or_else(Problem::internal)?;
    let back = asked.back.filter(|back| is_ours(back));
    entrance.keep(&cookie, begun, back, state.clock.now().mono);
    let mut response = Redirect::to(&link).into_response();
    response.headers_mut().append(header::SET_COOKIE, set(&cookie, PATIENCE.as_secs(), secure)?);
    Ok(response)
}

/// `GET /oauth/callback`: back from the provider.
pub(super) async fn end(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    Query(returned): Query<Vec<(String, String)>>,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(answer) = sign_in::end(&state, &visitor, request.uri().query().unwrap_or_default()).await {
        return answer;
    }
    let Some(entrance) = state.entrance.as_ref() else {
        let wrong = sentence(&OidcError::Foreign);
        return login::render(&state, StatusCode::FORBIDDEN, None, Some(&wrong));
    };
    let secure = state.access.is_secure(&request);
    let begun = entrance.take(request.headers());
    let ended = match begun {
        Some((begun, back)) => entrance.provider.end(begun, &returned).await.map(|person| (person, back)),
        None => Err(OidcError::Foreign),
    };
    let mut response = match ended {
        Ok((person, back)) => {
            let caller = match person.role {
                Role::Operator => Caller::Operator,
                Role::Reader => Caller::Reader,
            };
            login::enter(&state, caller, &person.who, back.as_deref(), secure)?
        }
        Err(error) => {
            tracing::warn!(
                event = "sign_in_refused",
                "Somebody could not sign in to the pages at the OpenID provider."
            );
            login::render(&state, StatusCode::FORBIDDEN, None, Some(&sentence(&error)))?
        }
    };
    response.headers_mut().append(header::SET_COOKIE, set("", 0, secure)?);
    Ok(response)
}

fn set(value: &str, seconds: u64, secure: bool) -> Result<HeaderValue, Problem> {
    let (name, flag) = if secure { (COOKIES.0, "; Secure") } else { (COOKIES.1, "") };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{flag}");
    let mut value = HeaderValue::try_from(text).map_err(|_| Problem::internal())?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error as a page says it.
fn sentence(error: &OidcError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
