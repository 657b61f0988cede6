//! Signing in to the pages with a token, and signing out. In: a form. Out: a cookie, or the form again with what went wrong.

use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::WebState;
use super::access::{Caller, Visitor};
use super::body::{fields_of, is_form, is_ours};
use super::page::PAGES;
use super::problem::Problem;
use super::session::{cookie, no_cookie};
use crate::listen::Connection;

/// Largest form.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// What the address of the page carries.
#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) back: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    back: &'a str,
    wrong: Option<&'a str>,
    provider: bool,
}

/// `GET /login`.
pub(super) async fn page(State(state): State<WebState>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    render(&state, StatusCode::OK, asked.back.as_deref(), None)
}

/// `POST /login`: a token for a cookie.
pub(super) async fn sign_in(State(state): State<WebState>, request: Request) -> Result<Response, Problem> {
    let now = state.clock.now().mono;
    let peer = request.extensions().get::<Connection>().map(|connection| connection.peer.ip());
    let secure = state.access.is_secure(&request);
    if !is_form(&request) || !state.access.is_same_origin(&request) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "sign in with the form of this server"));
    }
    let bytes = axum::body::to_bytes(request.into_body(), FORM_BYTES_MAX).await;
    let fields = fields_of(&bytes.map_err(|_| Problem::bad_request("the form is too large, or did not arrive"))?);
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let back = field("back");
    if peer.is_some_and(|peer| !state.access.sessions.may_try(peer, now)) {
        let wrong = "Too many attempts from your address. Wait a minute.";
        return render(&state, StatusCode::TOO_MANY_REQUESTS, back, Some(wrong));
    }
    let Some(caller) = state.access.bearer(field("token").unwrap_or_default().trim()) else {
        if let Some(peer) = peer {
            state.access.sessions.failed(peer, now);
        }
        tracing::warn!(event = "sign_in_refused", "Somebody could not sign in to the pages.");
        return render(
            &state,
            StatusCode::UNAUTHORIZED,
            back,
            Some("That is neither the operator's nor the reader's token."),
        );
    };
    let who = Visitor::from(caller).who;
    enter(&state, caller, &who, back, secure)
}

/// Begins a session and goes on to the page that was wanted.
pub(super) fn enter(
    state: &WebState,
    caller: Caller,
    who: &str,
    back: Option<&str>,
    secure: bool,
) -> Result<Response, Problem> {
    let begun = state.access.sessions.begin(caller, who, state.clock.now().mono);
    let cookie = begun.and_then(|value| cookie(&value, secure)).ok_or_else(Problem::internal)?;
    tracing::info!(event = "signed_in", who, "Somebody signed in to the pages.");
    let mut response = Redirect::to(back.filter(|back| is_ours(back)).unwrap_or("/")).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /logout`.
pub(super) async fn sign_out(State(state): State<WebState>, request: Request) -> Response {
    state.access.sessions.end(request.headers());
    let mut response = Redirect::to("/login").into_response();
    response.headers_mut().append(header::SET_COOKIE, no_cookie(state.access.is_secure(&request)));
    response
}

pub(super) fn render(
    state: &WebState,
    status: StatusCode,
    back: Option<&str>,
    wrong: Option<&str>,
) -> Result<Response, Problem> {
    let back = back.filter(|back| is_ours(back)).unwrap_or("/");
    let page = Page { back, wrong, provider: state.entrance.is_some() };
    let made = PAGES.get_template("login").and_then(|it| it.render(minijinja::value::Serde(&page)));
    let html = made.map_err(|error| {
        tracing::error!(%error, "A page could not be rendered.");
        Problem::internal()
    })?;
    Ok((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}
