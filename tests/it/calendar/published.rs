//! Files and published calendars: what proves completeness, what is unchanged, what a failure says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use otj::model::desired::RoomSource;
use otj::model::service::Service;
use otj::model::{Secret, SecretValue};

use super::asking::Asking;
use super::egress::serve;
use super::occurrences::calendar;

const STANDUP: &str = "VEVENT\nUID:a\nSUMMARY:standup\nDTSTART:20260105T080000Z\nDTEND:20260105T083000Z";

#[tokio::test]
async fn a_file_is_read_again_only_when_its_content_or_the_window_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fjord@example.com.ics");
    let mut asking = Asking::of(Service::Ics, RoomSource::IcsFile(path.clone()));
    let missing = "CalendarUnreadable retry: the calendar cannot be read: there is no file `fjord@example.com.ics` in the integration's directory";
    assert_eq!(asking.read().await, missing);
    std::fs::write(&path, calendar(STANDUP)).unwrap();
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    std::fs::write(&path, calendar(STANDUP)).unwrap();
    assert_eq!(asking.read().await, "unchanged");
    asking.request.fresh = true;
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    asking.request.fresh = false;
    let window = asking.request.window;
    asking.request.window.to = "2026-01-13T00:00Z".parse().unwrap();
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    asking.request.window = window;
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    let mut other_room = (*asking.request.room).clone();
    other_room.time_zone = None;
    asking.request.room = Arc::new(other_room);
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    std::fs::write(&path, calendar(&STANDUP.replace("080000", "081500"))).unwrap();
    assert_eq!(asking.read().await, "05T08:15 05T08:30 standup");
}

#[tokio::test]
async fn a_file_that_is_not_a_whole_calendar_is_unreadable_and_never_empty() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("room.ics");
    let mut asking = Asking::of(Service::Ics, RoomSource::IcsFile(path.clone()));
    let whole = calendar(STANDUP);
    for (content, expected) in [
        (&b""[..], "the calendar is empty: not even a VCALENDAR stands in it"),
        (b"\n \n", "the calendar is empty: not even a VCALENDAR stands in it"),
        (b"\xff\xfe\x00garbage", "this is not iCalendar: it does not begin with BEGIN:VCALENDAR"),
        (&whole.as_bytes()[..whole.len() - 20], "the calendar is cut off: END:VCALENDAR is missing at its end"),
    ] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(asking.read().await, format!("CalendarUnreadable retry: the calendar cannot be read: {expected}"));
    }
    std::fs::write(&path, calendar("")).unwrap();
    assert_eq!(asking.read().await, "", "a calendar without events is complete");
    let mut directory = Asking::of(Service::Ics, RoomSource::IcsFile(directory.path().to_owned()));
    assert!(directory.read().await.contains("is not a regular file"));
}

#[tokio::test]
async fn a_published_calendar_that_is_not_modified_costs_one_small_answer() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let router =
        Router::new().route("/moved.ics", get(async || (StatusCode::FOUND, [("location", "/c.ics?t=secret")]))).route(
            "/c.ics",
            get(async move |headers: HeaderMap| {
                counted.fetch_add(1, Ordering::Relaxed);
                match headers.get("if-none-match") {
                    Some(tag) if tag == "\"1\"" => (StatusCode::NOT_MODIFIED, [("etag", "\"1\"")], String::new()),
                    _ => (StatusCode::OK, [("etag", "\"1\"")], calendar(STANDUP)),
                }
            }),
        );
    let url = serve(router).await.join("moved.ics").unwrap();
    let source = RoomSource::IcsUrl(SecretValue::Known(Secret::new(url.into())));
    let mut asking = Asking::of(Service::Ics, source);
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    assert_eq!(asking.read().await, "unchanged");
    asking.request.fresh = true;
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let counts = asking.tally.calendar_requests.snapshot();
    assert_eq!(format!("{counts:?}"), r#"[(["calendars", "Ok"], 5), (["calendars", "Unchanged"], 1)]"#);
}

#[tokio::test]
async fn a_status_says_what_is_wrong_and_never_where() {
    for (status, expected) in [
        (
            200,
            "CalendarUnreadable retry: the calendar cannot be read: this is not iCalendar: it does not begin with BEGIN:VCALENDAR",
        ),
        (304, "CalendarUnreadable retry: the calendar cannot be read: the server answers HTTP 304"),
        (
            401,
            "CredentialsRefused fix: the calendar server refused our credentials; check username and password of the integration",
        ),
        (
            403,
            "NoPermission fix: the account may not read this calendar (HTTP 403); give it the right to read, or check calendarPath",
        ),
        (404, "RoomNotFound fix: no calendar was found for this room: the server answers HTTP 404"),
        (429, "Throttled retry after 90s: the calendar server is throttling us (HTTP 429)"),
        (500, "CalendarUnreadable retry: the calendar cannot be read: the server answers HTTP 500"),
        (503, "Throttled retry after 90s: the calendar server is throttling us (HTTP 503)"),
    ] {
        let code = StatusCode::from_u16(status).unwrap();
        let url =
            serve(Router::new().route("/", get(async move || (code, [("retry-after", "90")], "<html>secret")))).await;
        let source = RoomSource::IcsUrl(SecretValue::Known(Secret::new(format!("{url}?token=secret"))));
        assert_eq!(Asking::of(Service::Ics, source).read().await, expected);
    }
    let source = RoomSource::IcsUrl(SecretValue::Missing("file fjord.txt is empty".into()));
    let read = Asking::of(Service::Ics, source).read().await;
    assert_eq!(read, "SecretMissing fix: a secret is missing: file fjord.txt is empty");
}
