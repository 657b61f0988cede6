//! Lists of the API: `limit`, `cursor`, and filters by field; and single objects by name.
//!
//! A list is sorted by a key of its own. The cursor is the key of the last item given, so that a list which changes between
//! two pages neither repeats nor skips what stayed.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::WebState;
use super::api::answer;
use super::problem::Problem;
use crate::model::EndpointName;
use crate::status::alarms::{self, Alarm};
use crate::status::integrations::{self, IntegrationView};
use crate::status::operations::{self, AuditView};
use crate::status::summary::{self, EndpointView, LossView, MeetingView, RoomView};

/// Items of a page, when the request does not say.
const LIMIT_DEFAULT: usize = 500;
/// Most items of a page.
const LIMIT_MAX: usize = 5000;

/// One page of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    items: Vec<T>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A field that a list can be filtered by.
type Field<T> = (&'static str, fn(&T) -> &str);

/// The query, in the order given.
type Asked = Query<Vec<(String, String)>>;

pub(super) async fn rooms(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const FIELDS: &[Field<RoomView>] = &[
        ("name", |room| &room.name),
        ("roomEmail", |room| &room.room_email),
        ("integration", |room| &room.integration),
    ];
    answer(headers, move || page(summary::rooms(&state.board), |room| room.name.clone(), FIELDS, &asked)).await
}

pub(super) async fn room(
    State(state): State<WebState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(headers, move || {
        let wanted = name.to_lowercase();
        let mut rooms = summary::rooms(&state.board).into_iter();
        rooms
            .find(|room| room.name.to_lowercase() == wanted || room.room_email == wanted)
            .ok_or_else(|| Problem::not_found("there is no such room"))
    })
    .await
}

pub(super) async fn integrations(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const FIELDS: &[Field<IntegrationView>] =
        &[("name", |integration| &integration.name), ("state", |integration| &integration.state)];
    answer(headers, move || {
        page(
            integrations::integrations(&state.board, &state.tally, state.clock.now().wall),
            |one| one.name.clone(),
            FIELDS,
            &asked,
        )
    })
    .await
}

pub(super) async fn integration(
    State(state): State<WebState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(headers, move || {
        let mut all = integrations::integrations(&state.board, &state.tally, state.clock.now().wall).into_iter();
        all.find(|one| one.name == name).ok_or_else(|| Problem::not_found("there is no such integration"))
    })
    .await
}

pub(super) async fn alarms(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const FIELDS: &[Field<Alarm>] =
        &[("kind", |alarm| &alarm.kind), ("name", |alarm| &alarm.name), ("reason", |alarm| &alarm.reason)];
    answer(headers, move || {
        page(alarms::alarms(&state.board, state.clock.now().wall), |alarm| alarm.id.clone(), FIELDS, &asked)
    })
    .await
}

pub(super) async fn endpoints(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const FIELDS: &[Field<EndpointView>] = &[
        ("name", |endpoint| &endpoint.name),
        ("type", |endpoint| &endpoint.kind),
        ("roomEmail", |endpoint| &endpoint.room_email),
        ("profile", |endpoint| &endpoint.profile),
        ("location", |endpoint| &endpoint.location),
        ("state", |endpoint| &endpoint.state),
    ];
    answer(headers, move || {
        let endpoints = state.board.endpoints();
        let views = endpoints.iter().map(|endpoint| summary::endpoint_view(endpoint, &state.node)).collect();
        page(views, |endpoint| endpoint.name.clone(), FIELDS, &asked)
    })
    .await
}

pub(super) async fn endpoint(
    State(state): State<WebState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(headers, move || {
        let found = EndpointName::parse(&name).ok().and_then(|name| state.board.endpoint(&name));
        let found = found.ok_or_else(|| Problem::not_found("there is no such endpoint"))?;
        Ok(summary::endpoint_view(&found, &state.node))
    })
    .await
}

pub(super) async fn meetings(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const FIELDS: &[Field<MeetingView>] = &[
        ("id", |meeting| &meeting.id),
        ("endpointName", |meeting| &meeting.endpoint_name),
        ("roomEmail", |meeting| &meeting.room_email),
        ("profile", |meeting| &meeting.profile),
        ("alias", |meeting| meeting.alias.as_deref().unwrap_or_default()),
        ("matchedRule", |meeting| meeting.matched_rule.as_deref().unwrap_or_default()),
    ];
    // Seconds since 1970 in ten digits sort as text as they do in time, until the year 2286.
    let key = |meeting: &MeetingView| {
        format!("{:010} {} {}", meeting.start_time.as_second(), meeting.endpoint_name, meeting.id)
    };
    answer(headers, move || {
        let endpoints = state.board.endpoints();
        let mut views: Vec<MeetingView> = endpoints.iter().flat_map(summary::meetings_of).collect();
        views.sort_by_cached_key(key);
        page(views, key, FIELDS, &asked)
    })
    .await
}

/// What operators did, newest first.
pub(super) async fn audit(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const FIELDS: &[Field<AuditView>] = &[
        ("who", |entry| &entry.who),
        ("action", |entry| &entry.action),
        ("kind", |entry| &entry.kind),
        ("name", |entry| &entry.name),
    ];
    // Counts down where the number counts up, so that the newest come first.
    let key = |entry: &AuditView| format!("{:020}", u64::MAX - entry.number);
    answer(headers, move || page(operations::audit(&state.board), key, FIELDS, &asked)).await
}

/// What is held, pair by pair.
pub(super) async fn plan(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const FIELDS: &[Field<LossView>] = &[
        ("checksum", |loss| &loss.checksum),
        ("endpointName", |loss| &loss.endpoint_name),
        ("roomEmail", |loss| &loss.room_email),
    ];
    let key = |loss: &LossView| format!("{} {}", loss.checksum, loss.endpoint_name);
    answer(headers, move || {
        let mut losses = summary::losses(&state.board);
        losses.sort_by_cached_key(key);
        page(losses, key, FIELDS, &asked)
    })
    .await
}

/// The page of `items`, sorted by `key`, that was asked for.
fn page<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    fields: &[Field<T>],
    asked: &[(String, String)],
) -> Result<Page<T>, Problem> {
    let mut limit = LIMIT_DEFAULT;
    let mut after = None;
    let mut filters = Vec::new();
    for (name, value) in asked {
        match name.as_str() {
            "limit" => {
                let given = value.parse().ok().filter(|given| (1..=LIMIT_MAX).contains(given));
                limit =
                    given.ok_or_else(|| Problem::bad_request(format!("`limit` is a number from 1 to {LIMIT_MAX}")))?;
            }
            "cursor" => after = Some(decode(value)?),
            _ => match fields.iter().find(|(field, _)| field == name) {
                Some((_, read)) => filters.push((read, value)),
                None => {
                    let known: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
                    let detail = format!("this list is filtered by {}; and takes limit and cursor", known.join(", "));
                    return Err(Problem::bad_request(detail));
                }
            },
        }
    }
    let mut rest = items
        .into_iter()
        .filter(|item| after.as_ref().is_none_or(|after| key(item) > *after))
        .filter(|item| filters.iter().all(|(read, wanted)| read(item) == wanted.as_str()));
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let next_cursor = match items.last() {
        Some(last) if rest.next().is_some() => Some(URL_SAFE_NO_PAD.encode(key(last))),
        _ => None,
    };
    Ok(Page { items, next_cursor })
}

fn decode(cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Problem::bad_request("`cursor` is the `nextCursor` of the page before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(asked: &[(&str, &str)]) -> Result<(String, Option<String>), Problem> {
        const FIELDS: &[Field<&str>] = &[("first", |item| &item[..1])];
        let items = vec!["a1", "a2", "b1", "b2", "b3"];
        let asked: Vec<_> = asked.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        page(items, |item| (*item).to_owned(), FIELDS, &asked).map(|page| (page.items.join(" "), page.next_cursor))
    }

    #[test]
    fn pages_follow_each_other_by_cursor_and_filters_hold_across_them() {
        assert_eq!(ask(&[]).unwrap(), ("a1 a2 b1 b2 b3".into(), None));
        let (items, next) = ask(&[("limit", "2"), ("first", "b")]).unwrap();
        assert_eq!(items, "b1 b2");
        let next = next.unwrap();
        assert_eq!(ask(&[("limit", "2"), ("first", "b"), ("cursor", &next)]).unwrap(), ("b3".into(), None));
        assert_eq!(ask(&[("limit", "5")]).unwrap().1, None, "a full last page has no next");
    }

    #[test]
    fn a_wrong_question_is_told_what_can_be_asked() {
        for (name, value) in [("limit", "0"), ("limit", "x"), ("limit", "5001"), ("cursor", "%"), ("colour", "red")] {
            assert_eq!(ask(&[(name, value)]).unwrap_err().status().as_u16(), 400, "{name}={value}");
        }
    }
}
