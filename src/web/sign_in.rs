//! Signing integrations in from a page. In: an operator's browser. Out: a link to the service; later who signed in, and once the operator has
//! agreed, what was done.
//!
//! What has begun belongs to the session of that browser: it is used once, and forgotten after ten minutes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::WebState;
use super::access::Visitor;
use super::actions::{Nothing, ask};
use super::body::{Body, Shape};
use super::page::PAGES;
use super::problem::Problem;
use crate::model::{Digest, Mono};
use crate::oauth::desk::{Begun, DeskError, SignInDesk, Waiting};
use crate::status::Order;

/// What has begun is forgotten after this long.
const PATIENCE: Duration = Duration::from_mins(10);

/// The sign-ins under way, one for each session.
#[derive(Debug)]
pub struct SignIns {
    desk: SignInDesk,
    under_way: Mutex<BTreeMap<Digest, (Mono, Stage)>>,
}

#[derive(Debug)]
enum Stage {
    Begun(Box<Begun>),
    Waiting(Arc<Waiting>),
}

impl SignIns {
    /// None yet.
    #[must_use]
    pub fn new(desk: SignInDesk) -> Self {
        Self { desk, under_way: Mutex::default() }
    }

    fn put(&self, csrf: &str, stage: Stage, now: Mono) {
        let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| at.until(now) < PATIENCE);
        all.insert(Digest::of([csrf.as_bytes()]), (now, stage));
    }

    fn take(&self, csrf: &str, now: Mono, fits: impl FnOnce(&Stage) -> bool) -> Option<Stage> {
        let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Digest::of([csrf.as_bytes()]);
        all.get(&key).filter(|(at, stage)| at.until(now) < PATIENCE && fits(stage))?;
        all.remove(&key).map(|(_, stage)| stage)
    }
}

/// The body of `POST /api/v1/sign-in`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    integration: String,
}

impl Shape for Wish {
    const SHAPE: &'static str = r#"{"integration": "…"}, the name of an integration"#;
}

/// Where the browser goes.
#[derive(Serialize)]
struct Link {
    link: String,
}

/// What the page says.
#[derive(Serialize, Default)]
struct Page<'a> {
    title: &'a str,
    good: bool,
    text: String,
    link: Option<String>,
    csrf: Option<String>,
}

/// `POST /api/v1/sign-in`: the link at which an integration's account signs in.
pub(super) async fn begin(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    body: Body<Wish>,
) -> Result<Response, Problem> {
    let (sign_ins, csrf) = both(&state, &visitor)?;
    let begun = sign_ins.desk.begin(&body.wish.integration);
    let (begun, link) = begun.map_err(|error| {
        let status = if matches!(error, DeskError::NoSuch) { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
        Problem::new(status, error.to_string())
    })?;
    let integration = begun.integration.clone();
    sign_ins.put(csrf, Stage::Begun(Box::new(begun)), state.clock.now().mono);
    if body.back.is_none() {
        return Ok(axum::Json(Link { link }).into_response());
    }
    let text = format!("Go on to the service and sign in with the account of {integration}.");
    render(StatusCode::OK, &Page { title: "Sign in", good: true, text, link: Some(link), csrf: None })
}

/// Back from the service; `None`: it belongs to no sign-in of this browser.
pub(super) async fn end(state: &WebState, visitor: &Visitor, query: &str) -> Option<Result<Response, Problem>> {
    let (sign_ins, csrf) = both(state, visitor).ok()?;
    let now = state.clock.now().mono;
    let is_it = |stage: &Stage| matches!(stage, Stage::Begun(begun) if begun.is_answered_by(query));
    let Some(Stage::Begun(begun)) = sign_ins.take(csrf, now, is_it) else { return None };
    let integration = begun.integration.clone();
    Some(match sign_ins.desk.end(*begun, query).await {
        Ok(waiting) => {
            let of = waiting.organization.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
            let text = format!("{}{of} signed in to {integration}. Nothing is stored yet.", waiting.account);
            sign_ins.put(csrf, Stage::Waiting(Arc::new(waiting)), now);
            let csrf = Some(csrf.to_owned());
            render(StatusCode::OK, &Page { title: "Is this the account?", good: true, text, link: None, csrf })
        }
        Err(error) => {
            let text = format!("{integration} is not signed in: {error}.");
            render(StatusCode::FORBIDDEN, &Page { title: "The sign-in failed", text, ..Page::default() })
        }
    })
}

/// `POST /api/v1/sign-in/confirm`: the operator has seen who signed in; it is stored and used.
pub(super) async fn confirm(
    State(state): State<WebState>,
    Extension(visitor): Extension<Visitor>,
    _: Body<Nothing>,
) -> Result<Response, Problem> {
    let (sign_ins, csrf) = both(&state, &visitor)?;
    let taken = sign_ins.take(csrf, state.clock.now().mono, |stage| matches!(stage, Stage::Waiting(_)));
    let Some(Stage::Waiting(waiting)) = taken else {
        return Err(Problem::new(StatusCode::CONFLICT, "no sign-in waits to be confirmed; begin again"));
    };
    sign_ins.desk.store(&waiting).await.map_err(|error| {
        tracing::error!(%error, integration = waiting.integration, "A sign-in could not be stored.");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    })?;
    let (integration, account) = (waiting.integration.clone(), waiting.account.clone());
    ask(&state, &visitor, Order::SignedIn { integration }).await?;
    let text = format!("{account} is signed in to {}, and used from now on.", waiting.integration);
    render(StatusCode::OK, &Page { title: "Signed in", good: true, text, ..Page::default() })
}

fn both<'a>(state: &'a WebState, visitor: &'a Visitor) -> Result<(&'a SignIns, &'a str), Problem> {
    let browser = "sign in to these pages with a browser first, or use `otj auth`";
    let operator = visitor.caller == super::access::Caller::Operator;
    let csrf = visitor.csrf.as_deref().filter(|_| operator);
    let csrf = csrf.ok_or_else(|| Problem::new(StatusCode::CONFLICT, browser))?;
    let sign_ins = state.sign_ins.as_deref();
    Ok((sign_ins.ok_or_else(|| Problem::not_found("nothing can be signed in here"))?, csrf))
}

fn render(status: StatusCode, page: &Page<'_>) -> Result<Response, Problem> {
    let made = PAGES.get_template("sign_in").and_then(|it| it.render(minijinja::value::Serde(page)));
    let html = made.map_err(|error| {
        tracing::error!(%error, "A page could not be rendered.");
        Problem::internal()
    })?;
    Ok((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}
