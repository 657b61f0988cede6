//! The pages, the JSON API, metrics and health on `--listen`.
//!
//! In: the board, the tally, tokens, the clock, and channels to the loop. Out: a [`Router`] that [`crate::listen::serve`] serves. Handlers
//! read the board and never wait for the loop, except for the answer to an approval.
//!
//! | path | who ([`access`]) |
//! |---|---|
//! | `/-/healthy`, `/-/ready`; `/login`, `/logout` | anybody |
//! | `/metrics` | a token, loopback; anybody under `--metrics-open` |
//! | `/`, `/integrations`, `/api/v1/{status,rooms,integrations,endpoints,alarms,config}` | a token, loopback |
//! | `/api/admin/status/v1/mjx_meeting/`, `/api/v1/{meetings,plan,explain,audit}` | a token |
//! | `POST /-/reload`, `POST /api/v1/alarms/ID/{acknowledge,silence}`, `POST /api/v1/{approve,suspend,resume,refresh,push,trust,trace}` | the operator's token |

pub mod access;
mod actions;
mod api;
mod body;
mod explaining;
mod lists;
mod login;
mod page;
mod pexip;
mod problem;
pub mod provider;
mod services;
pub mod session;
pub mod sign_in;
mod trace;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;
use tokio::sync::{mpsc, watch};

pub use self::access::Access;
use self::access::{Area, Caller, Visitor};
use self::problem::Problem;
use crate::model::tally::Tally;
use crate::model::trace::Tracer;
use crate::model::{Clock, Desired, LookAgain};
use crate::status::summary::{self, NodeView};
use crate::status::{Board, Command, metrics};

/// Largest body of a request; the largest real one is a checksum.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Everything may come from this server and nothing from elsewhere; no script runs.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// What the handlers need. Cloning shares it.
#[derive(Clone, Debug)]
pub struct WebState {
    /// What is shown.
    pub board: Board,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// The time.
    pub clock: Clock,
    /// When the process started.
    pub started: Timestamp,
    /// Who may see and do what.
    pub access: Arc<Access>,
    /// This node, as endpoints name it.
    pub node: NodeView,
    /// Asks the loop to look again.
    pub look_again: mpsc::Sender<LookAgain>,
    /// An operator's requests to the loop.
    pub commands: mpsc::Sender<Command>,
    /// Where integrations are signed in.
    pub sign_ins: Option<Arc<sign_in::SignIns>>,
    /// Where people sign in with their organization's account.
    pub entrance: Option<Arc<provider::Entrance>>,
    /// What is recorded of Poly endpoints.
    pub tracer: Tracer,
    /// The wish in force.
    pub wish: watch::Receiver<Arc<Desired>>,
}

/// The router of `--listen`.
pub fn router(state: WebState) -> Router {
    let everybody = Router::new().route("/-/healthy", get(healthy)).route("/-/ready", get(ready));
    let door = Router::new()
        .route("/login", get(login::page).post(login::sign_in))
        .route("/login/provider", get(provider::begin))
        .route("/oauth/callback", get(provider::end))
        .route("/logout", post(login::sign_out))
        .route("/style.css", get(page::style))
        .route("/icon.svg", get(page::icon));
    let metrics = Router::new().route("/metrics", get(metrics_page));
    let look = Router::new()
        .route("/", get(page::overview))
        .route("/integrations", get(services::integrations))
        .route("/api/admin/status/v1/mjx_endpoint/", get(pexip::endpoints))
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/config", get(api::config))
        .route("/api/v1/rooms", get(lists::rooms))
        .route("/api/v1/rooms/{name}", get(lists::room))
        .route("/api/v1/alarms", get(lists::alarms))
        .route("/api/v1/integrations", get(lists::integrations))
        .route("/api/v1/integrations/{name}", get(lists::integration))
        .route("/api/v1/endpoints", get(lists::endpoints))
        .route("/api/v1/endpoints/{name}", get(lists::endpoint));
    let read = Router::new()
        .route("/api/v1/meetings", get(lists::meetings))
        .route("/api/v1/explain", get(explaining::explain))
        .route("/api/v1/plan", get(lists::plan))
        .route("/api/admin/status/v1/mjx_meeting/", get(pexip::meetings))
        .route("/api/v1/audit", get(lists::audit));
    let operate = Router::new()
        .route("/-/reload", post(actions::reload))
        .route("/api/v1/approve", post(actions::approve))
        .route("/api/v1/alarms/{id}/acknowledge", post(actions::acknowledge))
        .route("/api/v1/alarms/{id}/silence", post(actions::silence))
        .route("/api/v1/sign-in", post(sign_in::begin))
        .route("/api/v1/sign-in/confirm", post(sign_in::confirm))
        .route("/api/v1/suspend", post(actions::suspend))
        .route("/api/v1/resume", post(actions::resume))
        .route("/api/v1/refresh", post(actions::refresh))
        .route("/api/v1/push", post(actions::push))
        .route("/api/v1/trust", post(actions::trust))
        .route("/api/v1/trace", post(trace::begin))
        .route("/api/v1/trace/{name}", get(trace::look));
    Router::new()
        .merge(guarded(everybody, Area::Everybody, &state))
        .merge(guarded(door, Area::Door, &state))
        .merge(guarded(metrics, Area::Metrics, &state))
        .merge(guarded(look, Area::Look, &state))
        .merge(guarded(read, Area::Read, &state))
        .merge(guarded(operate, Area::Operate, &state))
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(state.clone(), count))
        .with_state(state)
}

/// Lets the requests of `routes` pass that `area` admits, and tells the handlers who asks.
fn guarded(routes: Router<WebState>, area: Area, state: &WebState) -> Router<WebState> {
    let access = state.access.clone();
    let clock = state.clock.clone();
    routes.route_layer(axum::middleware::from_fn(move |request: Request, next: Next| {
        let (access, now) = (access.clone(), clock.now().mono);
        async move {
            let admitted = access.admit(area, &request, now);
            let to_login = to_login(&request);
            match admitted {
                Ok(visitor) => match own_form(&access, &visitor, request).await {
                    Ok(mut request) => {
                        request.extensions_mut().insert(visitor.caller);
                        request.extensions_mut().insert(visitor);
                        next.run(request).await
                    }
                    Err(problem) => problem.into_response(),
                },
                Err(problem) => match to_login {
                    Some(login) if problem.status() == StatusCode::UNAUTHORIZED => login,
                    _ => problem.into_response(),
                },
            }
        }
    }))
}

/// Where a browser that wants to see a page is sent to sign in; `None`: a program asks.
fn to_login(request: &Request) -> Option<Response> {
    let accepts = request.headers().get(header::ACCEPT)?.to_str().ok()?;
    let is_page = request.method() == axum::http::Method::GET && accepts.contains("text/html");
    let with_token = request.headers().contains_key(header::AUTHORIZATION);
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let back = serde_urlencoded::to_string([("back", wanted)]).ok()?;
    (is_page && !with_token).then(|| Redirect::to(&format!("/login?{back}")).into_response())
}

/// What a browser does by its cookie is asked for by a form of ours: the same origin, and the session's `csrf` in a field or a header.
async fn own_form(access: &Access, visitor: &Visitor, request: Request) -> Result<Request, Problem> {
    let Some(csrf) = visitor.csrf.as_deref().filter(|_| !request.method().is_safe()) else { return Ok(request) };
    let foreign = || Problem::new(StatusCode::FORBIDDEN, "this came from no page of this server; open it again");
    if !access.is_same_origin(&request) {
        return Err(foreign());
    }
    let is_csrf = |given: &str| bool::from(given.as_bytes().ct_eq(csrf.as_bytes()));
    let in_header = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    if in_header.is_some_and(is_csrf) {
        return Ok(request);
    }
    if !body::is_form(&request) {
        return Err(foreign());
    }
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await;
    let bytes = bytes.map_err(|_| Problem::bad_request("the form is too large, or did not arrive"))?;
    if !body::fields_of(&bytes).iter().any(|(name, value)| name == body::CSRF && is_csrf(value)) {
        return Err(foreign());
    }
    Ok(Request::from_parts(head, bytes.into()))
}

/// Counts each request by route and code, and adds what every answer carries.
async fn count(State(state): State<WebState>, request: Request, next: Next) -> Response {
    // The route, never the path: a path is outside text without bound.
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let mut response = next.run(request).await;
    state.tally.http_requests.add(&[&route, response.status().as_str()]);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The loop turned lately. Nothing outside this process decides it.
async fn healthy(State(state): State<WebState>) -> Response {
    plain(summary::healthy(&state.board, state.clock.now()), "the loop has not turned for 30 s")
}

/// There is a store and a wish.
async fn ready(State(state): State<WebState>) -> Response {
    plain(summary::ready(&state.board), "no configuration is in force, or the store does not answer")
}

fn plain(ok: bool, otherwise: &str) -> Response {
    if ok {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{otherwise}\n")).into_response()
    }
}

async fn metrics_page(State(state): State<WebState>) -> Result<Response, Problem> {
    let WebState { board, tally, started, clock, .. } = state;
    let text = tokio::task::spawn_blocking(move || metrics::render(&board, &tally, started, clock.now().wall));
    let text = text.await.map_err(|_| Problem::internal())?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

/// Whoever may not look is not told what exists.
async fn nothing_here(State(state): State<WebState>, request: Request) -> Problem {
    match state.access.admit(Area::Look, &request, state.clock.now().mono) {
        Ok(_) => Problem::not_found("there is no such page"),
        Err(problem) => problem,
    }
}

async fn other_method(State(state): State<WebState>, request: Request) -> Problem {
    match state.access.admit(Area::Look, &request, state.clock.now().mono) {
        Ok(_) => Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method"),
        Err(problem) => problem,
    }
}

/// Who asks, as the guard found.
type Asking = Extension<Caller>;
