//! Pages: what is complete, what is unchanged, and what is neither.

use otj::http::HttpError;
use otj::sim::graph::GraphOptions;
use otj::sim::rooms::SimEvent;
use serde_json::json;

use super::site::{ROOM, Reader, Site};

/// Nine half hours, one after the other.
fn nine() -> String {
    (1..10).map(|n| format!("e{n} 05 0{n}:00-0{n}:30 Meeting {n}\n")).collect()
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_read_and_an_unchanged_calendar_is_recognised_by_its_text() {
    for (page_max, requests) in [(1000, 1), (9, 1), (8, 2), (4, 3), (1, 9)] {
        let site = Site::with(GraphOptions { page_max, ..GraphOptions::default() });
        site.book(&nine());
        let mut reader = Reader::of(&site);
        assert_eq!(lines(&reader.read().await), 9, "{page_max}");
        assert_eq!(reader.spent.requests(), requests, "{page_max}");
        assert_eq!(reader.read().await, "unchanged", "{page_max}");
        assert_eq!(reader.spent.requests(), 2 * requests, "{page_max}");
        // The second look before something is taken away.
        reader.request.fresh = true;
        assert_eq!(lines(&reader.read().await), 9, "{page_max}");
        reader.request.fresh = false;
        site.rooms.change(ROOM, |room| room.events.remove("AAMk-e9"));
        assert_eq!(lines(&reader.read().await), 8, "{page_max}");
        assert_eq!(reader.read().await, "unchanged", "{page_max}");
        // Another window is another question.
        reader.request.window.to = "2026-01-05T03:00Z".parse().unwrap();
        assert_eq!(lines(&reader.read().await), 2, "{page_max}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_any_kind_is_no_unchanged_calendar() {
    let changes: [fn(&mut SimEvent); 6] = [
        |event| event.subject.push('!'),
        |event| event.body.push('!'),
        |event| event.location.push('!'),
        |event| event.conference = Some("https://teams.example.com/1".into()),
        |event| event.private = true,
        |event| event.cancelled = true,
    ];
    let site = Site::new();
    site.book(&nine());
    let mut reader = Reader::of(&site);
    reader.read().await;
    for change in changes {
        site.rooms.change(ROOM, |room| change(room.events.get_mut("AAMk-e5").unwrap()));
        assert_ne!(reader.read().await, "unchanged");
        assert_eq!(reader.read().await, "unchanged");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_twice_is_what_it_was_last() {
    let item = |cancelled: bool, subject: &str| {
        json!({"id": "AAMk-1", "iCalUId": "0400-1", "subject": subject, "isCancelled": cancelled,
            "start": {"dateTime": "2026-01-05T10:00:00", "timeZone": "UTC"}, "end": {"dateTime": "2026-01-05T11:00:00", "timeZone": "UTC"}})
    };
    let link = "https://graph.microsoft.com/v1.0/users/x/calendar/calendarView?$skip=1";
    for (last, expected) in [(item(false, "Moved"), "05T10:00 05T11:00 Moved"), (item(true, "Gone"), "")] {
        let site = Site::new();
        site.says(200, &[], &json!({"value": [item(false, "Weekly")], "@odata.nextLink": link}).to_string());
        site.says(200, &[], &json!({"value": [last]}).to_string());
        assert_eq!(Reader::of(&site).read().await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_prove_that_it_is_all_is_a_failed_reading() {
    let next = |link: &str| json!({"value": [], "@odata.nextLink": link}).to_string();
    let same = "https://graph.microsoft.com/v1.0/users/x/calendar/calendarView?$skip=1";
    let whole = r#"{"value":[{"id":"1","iCalUId":"1"}]}"#;
    for (first, second) in [
        ("", ""),
        ("{", ""),
        ("[]", ""),
        ("null", ""),
        ("{}", ""),
        (r#"{"value":null}"#, ""),
        (r#"{"value":{}}"#, ""),
        (r#"{"value":[null]}"#, ""),
        (r#"{"value":["x"]}"#, ""),
        (r#"{"value":[{}]}"#, ""),
        (r#"{"Value":[]}"#, ""),
        (r#"{"value":[],"value":[]}"#, ""),
        (r#"{"value":[]} {"value":[]}"#, ""),
        (r#"{"value":[],"error":{"code":"UnknownError","message":""}}"#, ""),
        (r#"{"value":[],"@odata.nextLink":null}"#, ""),
        (r#"{"value":[],"@odata.nextLink":7}"#, ""),
        (&whole[..whole.len() - 1], ""),
        (&whole[..whole.len() / 2], ""),
        ("<html><body>Sign in to the network</body></html>", ""),
        (&next(""), ""),
        (&next("/v1.0/users/x/calendar/calendarView?$skip=1"), ""),
        (&next("http://graph.microsoft.com/v1.0/users"), ""),
        (&next("https://graph.microsoft.com:8443/v1.0/users"), ""),
        (&next("https://graph.example.com/v1.0/users"), ""),
        (&next(same), "{"),
        (&next(same), "{}"),
        (&next(same), &next(same)),
        (&next(same), "<html>"),
    ] {
        let site = Site::new();
        site.book(&nine());
        let mut reader = Reader::of(&site);
        assert_eq!(lines(&reader.read().await), 9);
        for body in [first, second].into_iter().filter(|body| !body.is_empty() || first.is_empty()) {
            site.says(200, &[("content-type", "application/json")], body);
        }
        let said = reader.read().await;
        assert!(said.starts_with("CalendarUnreadable retry: "), "{first} {second}: {said}");
        assert!(!said.contains("http") && !said.contains("Sign in"), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_bearer_leaves_for_another_host() {
    let site = Site::new();
    site.says(200, &[], &json!({"value": [], "@odata.nextLink": "https://evil.example/v1.0/users"}).to_string());
    Reader::of(&site).read().await;
    let hosts: Vec<String> = site.exchanges().iter().map(|it| it["url"].as_str().unwrap()[..27].to_owned()).collect();
    assert_eq!(hosts, ["https://graph.microsoft.com"]);
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_are_given_up_after_a_hundred() {
    let site = Site::new();
    for n in 0..200 {
        let link = format!("https://graph.microsoft.com/v1.0/users/x/calendar/calendarView?$skip={n}");
        site.says(200, &[], &json!({"value": [], "@odata.nextLink": link}).to_string());
    }
    let mut reader = Reader::of(&site);
    assert_eq!(
        reader.read().await,
        "CalendarUnreadable retry: the calendar cannot be read: it has more than 100 pages"
    );
    assert_eq!(reader.spent.requests(), 100);
}

#[tokio::test(start_paused = true)]
async fn texts_that_are_too_large_together_are_fetched_in_smaller_pages() {
    let site = Site::new();
    site.book(&nine());
    site.fails(HttpError::TooLarge(32 << 20));
    let mut reader = Reader::of(&site);
    assert_eq!(lines(&reader.read().await), 9);
    let asked: Vec<bool> = site.exchanges().iter().map(|it| it["url"].as_str().unwrap().contains("top=20&")).collect();
    assert_eq!(asked, [true]);
}
