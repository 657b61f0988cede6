//! An event as Microsoft Graph or Google Calendar give it → the `event` of a RuleTest, so that what an administrator copied out of
//! Graph Explorer or Google's API explorer can be tried as it is.
//!
//! | | Microsoft Graph | Google |
//! |---|---|---|
//! | known by | `body.content`, `bodyPreview` | `kind: calendar#event`, `conferenceData`, `hangoutLink`, `summary` |
//! | title | `subject` | `summary` |
//! | text | `body`, else `bodyPreview` | `description`, HTML where it has tags |
//! | place | `location.displayName` | `location` |
//! | organizer | `organizer.emailAddress` | `organizer` |
//! | private | `sensitivity` private, confidential | `visibility` private, confidential |
//! | properties | `singleValueExtendedProperties` by the guide's names | those of [`GOOGLE_PROPERTIES`] |
//!
//! Of a list (`value`, `items`) the first event is taken. Zones may have IANA or Windows names; times of an unknown zone
//! (`tzone://Microsoft/Custom`) are taken as UTC. Both are said in a note.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::model::Body;
use crate::model::event::GOOGLE_PROPERTIES;
use crate::model::mapi::guides_name;
use crate::model::zone::named;

/// Most characters of a zone's name that are repeated.
const ZONE_SHOWN_MAX: usize = 100;

/// The same event as a RuleTest writes it, and what to say about it; `None` for anything else.
pub(super) fn as_test_event(value: &Value) -> Option<(Value, Vec<String>)> {
    let list = ["value", "items"].into_iter().find_map(|name| value.get(name)?.as_array());
    let event = list.and_then(|list| list.first()).unwrap_or(value).as_object()?;
    let graph = event.contains_key("bodyPreview") || event.get("body").is_some_and(Value::is_object);
    let google = ["conferenceData", "hangoutLink", "summary"].iter().any(|name| event.contains_key(*name))
        || text(event, "kind") == Some("calendar#event");
    let mut made = match (graph, google) {
        (true, _) => of_graph(event),
        (_, true) => of_google(event),
        _ => return None,
    };
    made.retain(|_, value| !value.is_null());
    let several = list.filter(|list| list.len() > 1);
    let several = several.map(|list| format!("it is a list of {} events, of which this is the first", list.len()));
    Some((Value::Object(made), several.into_iter().chain(unknown_zone(event)).collect()))
}

fn text<'e>(event: &'e Map<String, Value>, name: &str) -> Option<&'e str> {
    event.get(name)?.as_str()
}

fn of_graph(event: &Map<String, Value>) -> Map<String, Value> {
    let body = event.get("body").and_then(Value::as_object);
    let content = body.and_then(|body| text(body, "content")).filter(|content| !content.trim().is_empty());
    let html = body.and_then(|body| text(body, "contentType")).is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
    let preview = content.is_none().then(|| text(event, "bodyPreview")).flatten();
    let address = event.get("organizer").and_then(|organizer| organizer.get("emailAddress"));
    let private = matches!(text(event, "sensitivity"), Some("private" | "confidential"));
    let properties = event.get("singleValueExtendedProperties").and_then(Value::as_array);
    let properties: Map<String, Value> = properties
        .into_iter()
        .flatten()
        .filter_map(|property| {
            let name = guides_name(property.get("id")?.as_str()?)?;
            Some((name.to_owned(), property.get("value")?.clone()))
        })
        .collect();
    object(json!({
        "subject": text(event, "subject"),
        "organizer": address.map(|address| json!({
            "name": address.get("name").and_then(Value::as_str).unwrap_or_default(),
            "email": address.get("address").and_then(Value::as_str).unwrap_or_default(),
        })),
        "location": event.get("location").and_then(|location| location.get("displayName")).and_then(Value::as_str),
        "body": if html { None } else { content }.or(preview),
        "bodyHtml": content.filter(|_| html),
        "private": private,
        "properties": properties,
        "start": time(event, "start"),
        "end": time(event, "end"),
        "timeZone": zone(event),
    }))
}

fn of_google(event: &Map<String, Value>) -> Map<String, Value> {
    let (body, html) = match Body::with_or_without_tags(text(event, "description").unwrap_or_default().to_owned()) {
        Body::None => (None, None),
        Body::Text(text) => (Some(text.expose().to_owned()), None),
        Body::Html(text) => (None, Some(text.expose().to_owned())),
    };
    let private = matches!(text(event, "visibility"), Some("private" | "confidential"));
    let properties: Map<String, Value> =
        GOOGLE_PROPERTIES.into_iter().filter_map(|name| Some((name.to_owned(), event.get(name)?.clone()))).collect();
    let organizer = event.get("organizer");
    let of_organizer = |name: &str| organizer.and_then(|it| it.get(name)).and_then(Value::as_str).unwrap_or_default();
    object(json!({
        "subject": text(event, "summary"),
        "organizer": {"name": of_organizer("displayName"), "email": of_organizer("email")},
        "location": text(event, "location"),
        "body": body,
        "bodyHtml": html,
        "private": private,
        "properties": properties,
        "start": time(event, "start"),
        "end": time(event, "end"),
        "timeZone": zone(event),
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A start or end as RFC 3339, where its form and zone are known.
fn time(event: &Map<String, Value>, name: &str) -> Option<String> {
    let written = event.get(name)?;
    let text = written.get("dateTime").or_else(|| written.get("date"))?.as_str()?;
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.to_string());
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<jiff::civil::Date>().map(DateTime::from)).ok()?;
    let zone = written.get("timeZone").and_then(Value::as_str).and_then(named);
    Some(local.to_zoned(zone.unwrap_or(TimeZone::UTC)).ok()?.timestamp().to_string())
}

/// The IANA name of the start's zone.
fn zone(event: &Map<String, Value>) -> Option<String> {
    named(event.get("start")?.get("timeZone")?.as_str()?)?.iana_name().map(str::to_owned)
}

/// What to say of a zone whose times are taken as UTC.
fn unknown_zone(event: &Map<String, Value>) -> Option<String> {
    let names = ["start", "end"].into_iter().filter_map(|name| event.get(name)?.get("timeZone")?.as_str());
    let name = names.into_iter().find(|name| named(name).is_none())?;
    let name: String = name.chars().take(ZONE_SHOWN_MAX).collect();
    Some(format!("nobody knows its time zone `{name}`, so its times are taken as UTC"))
}

#[cfg(test)]
mod tests {
    use super::super::event_from_json;
    use crate::model::{Body, Confidential};

    const GRAPH: &str = r#"{"@odata.etag": "x", "subject": "Weekly", "bodyPreview": "Join", "sensitivity": "private",
        "body": {"contentType": "html", "content": "<p>Join"}, "location": {"displayName": "Fjord"},
        "organizer": {"emailAddress": {"name": "Dana", "address": "dana@example.com"}},
        "start": {"dateTime": "2026-01-05T10:00:00.0000000", "timeZone": "Europe/Oslo"},
        "end": {"dateTime": "2026-01-05T11:00:00.0000000", "timeZone": "Europe/Oslo"}, "attendees": [],
        "singleValueExtendedProperties": [{"value": "0123456789",
            "id": "String {00020329-0000-0000-c000-000000000046} Name TeamsVtcConferenceId"}]}"#;

    const GOOGLE: &str = r#"{"kind": "calendar#event", "summary": "Weekly", "description": "See<br>you", "visibility": "private",
        "location": "Fjord", "organizer": {"email": "dana@example.com", "displayName": "Dana"},
        "start": {"dateTime": "2026-01-05T10:00:00+01:00", "timeZone": "Europe/Oslo"},
        "end": {"dateTime": "2026-01-05T11:00:00+01:00", "timeZone": "Europe/Oslo"},
        "conferenceData": {"entryPoints": []}, "hangoutLink": "https://meet.google.com/abc-defg-hij"}"#;

    #[test]
    fn events_of_both_services_are_read_as_they_are_copied() {
        let (list, items) = (format!(r#"{{"value": [{GRAPH}]}}"#), format!(r#"{{"items": [{GOOGLE}]}}"#));
        for (json, html, property) in [
            (GRAPH, "<p>Join", "teams_vtc_conference_id"),
            (&list, "<p>Join", "teams_vtc_conference_id"),
            (GOOGLE, "See<br>you", "conferenceData"),
            (&items, "See<br>you", "hangoutLink"),
        ] {
            let event = event_from_json(json.as_bytes()).unwrap().event;
            assert_eq!((event.subject.expose(), event.location.expose(), event.private), ("Weekly", "Fjord", true));
            assert_eq!((event.organizer.name.expose(), event.organizer.email.expose()), ("Dana", "dana@example.com"));
            assert_eq!(event.body, Body::Html(Confidential::new(html)));
            assert_eq!(
                (event.start.to_string().as_str(), event.time_zone.as_deref()),
                ("2026-01-05T09:00:00Z", Some("Europe/Oslo"))
            );
            assert!(event.properties.contains_key(property), "{property}");
        }
    }

    #[test]
    fn zones_have_names_of_iana_or_windows_and_of_an_unknown_one_it_is_said() {
        for (zone, start, known, notes) in [
            ("Europe/Oslo", "2026-01-05T09:00:00Z", Some("Europe/Oslo"), 0),
            ("W. Europe Standard Time", "2026-01-05T09:00:00Z", Some("Europe/Berlin"), 0),
            ("Pacific Standard Time", "2026-01-05T18:00:00Z", Some("America/Los_Angeles"), 0),
            ("UTC", "2026-01-05T10:00:00Z", Some("UTC"), 0),
            ("tzone://Microsoft/Utc", "2026-01-05T10:00:00Z", Some("UTC"), 0),
            ("tzone://Microsoft/Custom", "2026-01-05T10:00:00Z", None, 1),
            ("Customized Time Zone", "2026-01-05T10:00:00Z", None, 1),
        ] {
            let read = event_from_json(GRAPH.replace("Europe/Oslo", zone).as_bytes()).unwrap();
            let event = &read.event;
            assert_eq!((event.start.to_string().as_str(), event.time_zone.as_deref()), (start, known), "{zone}");
            assert_eq!(read.notes.len(), notes, "{zone}: {:?}", read.notes);
            assert!(read.notes.iter().all(|note| note.contains(zone)));
        }
        let two = event_from_json(format!(r#"{{"items": [{GOOGLE}, {GOOGLE}]}}"#).as_bytes()).unwrap();
        assert_eq!(two.notes, ["it is a list of 2 events, of which this is the first"]);
    }

    #[test]
    fn what_is_neither_is_refused_with_its_place() {
        for (json, place) in [
            (r#"{"organizer": {"nme": "x"}}"#, "`organizer.nme`"),
            (r#"{"subject": 1}"#, "`subject`"),
            ("{\n  \"subject\"", "line 2"),
            ("[]", "does not have the fields"),
        ] {
            let reason = event_from_json(json.as_bytes()).unwrap_err();
            assert!(reason.contains(place), "{json}: {reason}");
        }
    }
}
