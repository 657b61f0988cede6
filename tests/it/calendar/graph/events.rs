//! One event of Graph, and what becomes of it.

use otj::model::{Body, Event};
use serde_json::{Value, json};

use super::site::{Reader, Site};

/// Something that would be lost if a reading took it for none.
const KEPT: &str = "keep 05 09:00-09:30 Kept";

#[tokio::test(start_paused = true)]
async fn events_are_read_as_they_are() {
    for (booked, expected) in [
        ("a 05 10:00-11:00 Weekly", "05T10:00 05T11:00 Weekly"),
        ("a 05 10:00-11:00 Weekly; private", "05T10:00 05T11:00 Weekly [private]"),
        ("a 05 10:00-11:00 Weekly; asked", "05T10:00 05T11:00 Weekly [tentative]"),
        ("a 05 10:00-11:00 Weekly; maybe", "05T10:00 05T11:00 Weekly [tentative]"),
        ("a 05 10:00-11:00 Weekly; free", "05T10:00 05T11:00 Weekly"),
        ("a 05 10:00-11:00 Weekly; cancelled", ""),
        ("a 05 10:00-11:00 Weekly; declined", ""),
        ("a 05 10:00-11:00 Weekly; first=05T10:00", "05T10:00 05T11:00 Weekly [first 05T10:00]"),
        ("a 06 12:00-13:00 Weekly; first=05T10:00", "06T12:00 06T13:00 Weekly [first 05T10:00]"),
        ("a 06-08 Fair", "05T23:00 07T23:00 Fair [all-day]"),
        ("a 05 10:00-10:00 Bell", "05T10:00 05T10:00 Bell"),
        ("a 04 22:00-23:59 Before\nb 12 00:00-01:00 After", ""),
        (
            "a 04 22:00-23:59 Before; first=05T10:00\nb 11 23:00-23:30 \"Ünder\" \\ the line",
            "11T23:00 11T23:30 \"Ünder\" \\ the line",
        ),
    ] {
        let site = Site::new();
        site.book(booked);
        assert_eq!(Reader::of(&site).read().await, expected, "{booked}");
    }
}

/// A page with one event, changed by `change`.
fn page(change: &Value) -> String {
    let mut event = json!({
        "@odata.etag": "W/\"1\"", "id": "AAMk-1", "iCalUId": "0400-1", "type": "singleInstance", "subject": "Weekly",
        "body": {"contentType": "html", "content": "<p>Join"}, "isAllDay": false, "isCancelled": false,
        "start": {"dateTime": "2026-01-05T10:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-01-05T11:00:00.0000000", "timeZone": "UTC"},
        "organizer": {"emailAddress": {"name": "Dana", "address": "dana@example.com"}},
        "location": {"displayName": "Fjord"}, "sensitivity": "normal", "showAs": "busy",
        "responseStatus": {"response": "accepted", "time": "2026-01-02T08:00:00Z"},
    });
    for (name, value) in change.as_object().unwrap() {
        event[name] = value.clone();
    }
    json!({"value": [event]}).to_string()
}

async fn read(change: &Value, zone: Option<&str>) -> String {
    let site = Site::new();
    site.says(200, &[], &page(change));
    let mut reader = Reader::of(&site);
    std::sync::Arc::get_mut(&mut reader.request.room).unwrap().time_zone = zone.map(str::to_owned);
    reader.read().await
}

#[tokio::test(start_paused = true)]
async fn every_form_that_graph_may_write_is_understood_and_what_is_none_is_named() {
    let plain = "05T10:00 05T11:00 Weekly";
    let at = |date_time: &str, zone: &str| json!({"dateTime": date_time, "timeZone": zone});
    for (change, expected) in [
        (json!({}), plain),
        (json!({"subject": null}), "05T10:00 05T11:00 "),
        (json!({"sensitivity": "personal"}), plain),
        (json!({"sensitivity": "private"}), "05T10:00 05T11:00 Weekly [private]"),
        (json!({"sensitivity": "confidential"}), "05T10:00 05T11:00 Weekly [private]"),
        (json!({"sensitivity": "unheardOf"}), "05T10:00 05T11:00 Weekly [private]"),
        (json!({"showAs": "tentative"}), "05T10:00 05T11:00 Weekly [tentative]"),
        (json!({"showAs": "workingElsewhere"}), plain),
        (json!({"responseStatus": {"response": "none"}}), plain),
        (json!({"responseStatus": {"response": "organizer"}}), plain),
        (json!({"responseStatus": null, "organizer": null, "body": null, "location": null}), plain),
        (json!({"isCancelled": true}), ""),
        (json!({"responseStatus": {"response": "declined"}}), ""),
        // Zones, although UTC was asked for.
        (json!({"start": at("2026-01-05T11:00:00", "Europe/Oslo")}), plain),
        (json!({"start": at("2026-01-05T11:00:00", "W. Europe Standard Time")}), plain),
        (json!({"start": at("2026-01-05T11:00:00", "tzone://Microsoft/Custom")}), "unreadable 0400-1"),
        (json!({"start": {"dateTime": "2026-01-05T10:00:00"}}), plain),
        (json!({"start": {"dateTime": "2026-01-05T10:00:00Z"}}), plain),
        // Occurrences.
        (
            json!({"type": "occurrence", "originalStart": "2026-01-05T10:00:00Z"}),
            "05T10:00 05T11:00 Weekly [first 05T10:00]",
        ),
        (
            json!({"type": "exception", "originalStart": "2026-01-04T08:00:00Z"}),
            "05T10:00 05T11:00 Weekly [first 04T08:00]",
        ),
        (
            json!({"type": "exception", "originalStart": "2026-01-04T08:00:00"}),
            "05T10:00 05T11:00 Weekly [first 04T08:00]",
        ),
        (json!({"type": "occurrence"}), "05T10:00 05T11:00 Weekly [first 05T10:00]"),
        (json!({"type": "exception"}), "unreadable 0400-1"),
        (json!({"type": "singleInstance", "originalStart": "2026-01-04T08:00:00Z"}), plain),
        // What is not what Graph documents.
        (json!({"start": null}), "unreadable 0400-1"),
        (json!({"end": null}), "unreadable 0400-1"),
        (json!({"start": {"dateTime": "soon", "timeZone": "UTC"}}), "unreadable 0400-1"),
        (json!({"start": at("2026-01-05T12:00:00", "UTC")}), "unreadable 0400-1"),
        (json!({"start": at("9999-12-31T23:59:59", "Pacific Standard Time")}), "unreadable 0400-1"),
        (json!({"subject": 7}), "unreadable 0400-1"),
        (json!({"isCancelled": "yes"}), "unreadable 0400-1"),
        (json!({"isAllDay": 1}), "unreadable 0400-1"),
        (json!({"singleValueExtendedProperties": [{"value": "x"}]}), "unreadable 0400-1"),
    ] {
        assert_eq!(read(&change, None).await, expected, "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn whole_days_are_those_of_the_room_else_of_where_they_were_written() {
    let midnight = |day: u8| json!({"dateTime": format!("2026-01-{day:02}T00:00:00.0000000"), "timeZone": "UTC"});
    let days = json!({"isAllDay": true, "start": midnight(6), "end": midnight(7)});
    let written = |zone: &str| {
        let mut days = days.clone();
        days["originalStartTimeZone"] = json!(zone);
        days
    };
    let oclock = json!({"isAllDay": true, "start": {"dateTime": "2026-01-05T23:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-01-06T23:00:00", "timeZone": "UTC"}});
    for (change, zone, expected) in [
        (days.clone(), Some("Europe/Oslo"), "05T23:00 06T23:00 Weekly [all-day]"),
        (written("Pacific Standard Time"), Some("Europe/Oslo"), "05T23:00 06T23:00 Weekly [all-day]"),
        (written("Pacific Standard Time"), None, "06T08:00 07T08:00 Weekly [all-day]"),
        (written("tzone://Microsoft/Custom"), None, "06T00:00 07T00:00 Weekly [all-day]"),
        (days.clone(), None, "06T00:00 07T00:00 Weekly [all-day]"),
        (oclock, Some("America/New_York"), "05T23:00 06T23:00 Weekly [all-day]"),
    ] {
        assert_eq!(read(&change, zone).await, expected, "{change} {zone:?}");
    }
}

/// The one event of a page.
async fn one(change: &Value) -> Event {
    let site = Site::new();
    site.says(200, &[], &page(change));
    let (mut events, _) = Reader::of(&site).events().await.unwrap().unwrap();
    events.remove(0)
}

#[tokio::test(start_paused = true)]
async fn what_people_wrote_arrives_and_is_never_without_bound() {
    let event = one(&json!({"originalStartTimeZone": "W. Europe Standard Time"})).await;
    assert_eq!((event.organizer.name.expose(), event.organizer.email.expose()), ("Dana", "dana@example.com"));
    assert_eq!((event.location.expose(), event.time_zone.as_deref()), ("Fjord", Some("Europe/Berlin")));
    let body = |event: &Event| match &event.body {
        Body::None => "none".to_owned(),
        Body::Text(text) => format!("text {}", text.expose()),
        Body::Html(html) => format!("html {}", html.expose()),
    };
    assert_eq!(body(&event), "html <p>Join");
    for (change, expected) in [
        (json!({"body": {"contentType": "text", "content": "Join"}}), "text Join"),
        (json!({"body": {"contentType": "html", "content": " \r\n"}}), "none"),
        (json!({"body": {"contentType": "html", "content": null}}), "none"),
        (json!({"body": {"content": "<p>Join"}}), "html <p>Join"),
    ] {
        assert_eq!(body(&one(&change).await), expected, "{change}");
    }
    let long = "ü".repeat(1 << 20);
    let event = one(&json!({"subject": long, "body": {"contentType": "text", "content": long}})).await;
    assert!(event.subject.expose().len() <= 8 << 10 && body(&event).len() <= (256 << 10) + 5);
}

#[tokio::test(start_paused = true)]
async fn properties_have_the_names_that_rules_and_templates_know() {
    let property = |name: &str, value: &str| json!({"id": name, "value": value});
    let public = |name: &str| format!("String {{00020329-0000-0000-c000-000000000046}} Name {name}");
    let event = one(&json!({
        "type": "occurrence", "originalStart": "2026-01-05T10:00:00Z", "sensitivity": "private",
        "onlineMeeting": {"joinUrl": "https://teams.example.com/1", "conferenceId": "77", "phones": [{"number": "+1"}]},
        "onlineMeetingUrl": "https://meet.example.com/2",
        "singleValueExtendedProperties": [
            property("String 0x1a", "IPM.Appointment"),
            property(&public("TeamsVtcConferenceId"), "0123456789"),
            property(&public("TeamsVtcTenantId"), "tenant"),
            property(&public("SkypeTeamsMeetingUrl"), "https://teams.example.com/3"),
            property(&public("OnlineMeetingConfLink"), "conf:sip:a@example.com"),
            property(&public("UCCapabilities"), "<xml/>"),
            property("String {00000000-0000-0000-c000-000000000046} Name TeamsVtcConferenceId", "of another set"),
            property(&public("teamsvtcconferenceid"), "another name"),
            property("Integer {00020329-0000-0000-C000-000000000046} Name", "cut"),
        ],
    }))
    .await;
    assert_eq!(
        Value::Object(event.properties),
        json!({
            "calendar_item_type": "Occurrence", "is_recurring": true, "sensitivity": "Private", "item_class": "IPM.Appointment",
            "teams_vtc_conference_id": "0123456789", "teams_vtc_tenant_id": "tenant",
            "skype_teams_meeting_url": "https://teams.example.com/3", "online_meeting_conf_link": "conf:sip:a@example.com",
            "uc_capabilities": "<xml/>", "onlineMeetingUrl": "https://meet.example.com/2",
            "onlineMeeting": {"joinUrl": "https://teams.example.com/1", "conferenceId": "77"},
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_event_spoils_no_other_and_keeps_its_name() {
    let site = Site::new();
    let good: Value = serde_json::from_str(&page(&json!({}))).unwrap();
    let bad: Value = serde_json::from_str(&page(&json!({"id": "AAMk-2", "iCalUId": "0400-2", "start": 4}))).unwrap();
    site.says(200, &[], &json!({"value": [bad["value"][0], good["value"][0]]}).to_string());
    assert_eq!(Reader::of(&site).read().await, "05T10:00 05T11:00 Weekly\nunreadable 0400-2");
    // Without a name nobody knows which form to keep.
    for change in [
        json!({"iCalUId": null}),
        json!({"iCalUId": ""}),
        json!({"iCalUId": 5, "id": "AAMk-2"}),
        json!({"type": "seriesMaster"}),
    ] {
        site.book(KEPT);
        site.says(200, &[], &page(&change));
        let said = Reader::of(&site).read().await;
        assert!(said.starts_with("CalendarUnreadable retry: "), "{change}: {said}");
    }
}
