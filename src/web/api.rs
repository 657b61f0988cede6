//! JSON answers: camelCase, with an `ETag`, so that who polls is told only what changed.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::WebState;
use super::problem::Problem;
use crate::model::Digest;
use crate::status::summary;

pub(super) async fn status(State(state): State<WebState>, headers: HeaderMap) -> Result<Response, Problem> {
    answer(headers, move || Ok(summary::status(&state.board, state.clock.now()))).await
}

pub(super) async fn config(State(state): State<WebState>, headers: HeaderMap) -> Result<Response, Problem> {
    answer(headers, move || Ok(summary::config_view(&state.board.config()))).await
}

/// Makes and writes an answer where it may take its time: at a large site it goes over every cell of the board.
pub(super) async fn answer<T: Serialize>(
    headers: HeaderMap,
    make: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let made = tokio::task::spawn_blocking(move || {
        let body = serde_json::to_vec(&make()?).map_err(|_| Problem::internal())?;
        let tag = format!("\"{}\"", Digest::of([body.as_slice()]).short());
        Ok::<_, Problem>((body, tag))
    });
    let (body, tag) = made.await.map_err(|_| Problem::internal())??;
    let head = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if already_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Whether `If-None-Match` lists the tag. See RFC 9110, section 13.1.2.
fn already_known(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    })
}
