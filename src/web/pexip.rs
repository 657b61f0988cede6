//! Meetings and endpoints in the shape of Pexip Infinity's status API, for scripts that read that. In: the board. Out: `meta` and `objects`.
//!
//! `limit` (20 unless given, 0 for as many as fit), `offset`, and filters by field, compared exactly. Times are UTC without a zone, as there.
//! Fields: Pexip Infinity's `status/v1/mjx_meeting` and `mjx_endpoint`; what otj does not have is null.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::WebState;
use super::api::answer;
use super::problem::Problem;
use crate::status::summary;

/// Objects of an answer, when the request does not say.
const LIMIT_DEFAULT: usize = 20;
/// Most objects of an answer.
const LIMIT_MAX: usize = 5000;

/// The query, in the order given.
type Asked = Query<Vec<(String, String)>>;

/// `GET /api/admin/status/v1/mjx_meeting/`.
pub(super) async fn meetings(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(headers, move || {
        let mut objects = Vec::new();
        for endpoint in state.board.endpoints() {
            let integration = endpoint.spec.room.integration.to_string();
            objects.extend(summary::meetings_of(&endpoint).map(|meeting| {
                json!({
                    "meeting_id": meeting.id,
                    "subject": meeting.subject,
                    "alias": meeting.alias,
                    "start_time": time(Some(meeting.start_time)),
                    "end_time": time(Some(meeting.end_time)),
                    "organizer_name": meeting.organizer_name,
                    "organizer_email": meeting.organizer_email,
                    "room_email": meeting.room_email,
                    "endpoint_name": meeting.endpoint_name,
                    "matched_meeting_processing_rule": meeting.matched_rule,
                    "mjx_integration_name": integration,
                    "last_modified_time": time(meeting.last_modified),
                })
            }));
        }
        let key = |object: &Value| ["start_time", "endpoint_name", "meeting_id"].map(|field| text(object, field));
        objects.sort_by_cached_key(key);
        page(objects, "mjx_meeting", &asked)
    })
    .await
}

/// `GET /api/admin/status/v1/mjx_endpoint/`.
pub(super) async fn endpoints(
    State(state): State<WebState>,
    Query(asked): Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(headers, move || {
        let object = |endpoint: &std::sync::Arc<_>| {
            let view = summary::endpoint_view(endpoint, &state.node);
            json!({
                "endpoint_name": view.name,
                "endpoint_address": view.address,
                "endpoint_type": view.kind.to_uppercase(),
                "room_email": view.room_email,
                "mjx_integration_name": endpoint.spec.room.integration.to_string(),
                "last_worker": view.current_node.map(|node| node.name),
                "last_contact_time": time(view.last_contacted),
                "number_of_meetings": view.meetings,
            })
        };
        page(state.board.endpoints().iter().map(object).collect(), "mjx_endpoint", &asked)
    })
    .await
}

fn page(objects: Vec<Value>, resource: &str, asked: &[(String, String)]) -> Result<Value, Problem> {
    let (mut limit, mut offset) = (LIMIT_DEFAULT, 0);
    let mut filters = Vec::new();
    for (name, value) in asked {
        let number = || value.parse::<usize>().map_err(|_| Problem::bad_request("`limit` and `offset` are numbers"));
        match name.as_str() {
            "limit" => limit = Some(number()?).filter(|limit| *limit > 0).unwrap_or(LIMIT_MAX).min(LIMIT_MAX),
            "offset" => offset = number()?,
            "format" => {}
            _ => filters.push((name, value)),
        }
    }
    if let (Some(first), Some((name, _))) = (
        objects.first().and_then(Value::as_object),
        filters.iter().find(|(name, _)| objects.first().is_some_and(|first| first.get(name.as_str()).is_none())),
    ) {
        let fields: Vec<&str> = first.keys().map(String::as_str).filter(|field| *field != name.as_str()).collect();
        return Err(Problem::bad_request(format!("this list is filtered by {}", fields.join(", "))));
    }
    let kept: Vec<Value> =
        objects.into_iter().filter(|it| filters.iter().all(|(name, value)| text(it, name) == **value)).collect();
    let total = kept.len();
    let uri = |offset: usize| format!("/api/admin/status/v1/{resource}/?limit={limit}&offset={offset}");
    let mut meta = Map::new();
    meta.insert("limit".into(), limit.into());
    meta.insert("offset".into(), offset.into());
    meta.insert("total_count".into(), total.into());
    meta.insert("next".into(), Some(offset.saturating_add(limit)).filter(|next| *next < total).map(uri).into());
    meta.insert("previous".into(), (offset > 0).then(|| uri(offset.saturating_sub(limit))).into());
    Ok(json!({ "meta": meta, "objects": kept.into_iter().skip(offset).take(limit).collect::<Vec<_>>() }))
}

fn text(object: &Value, field: &str) -> String {
    match &object[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}
