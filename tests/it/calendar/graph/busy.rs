//! When many rooms are taken.

use otj::http::HttpError;
use otj::model::{Busy, Window};
use otj::sim::graph::GraphOptions;
use otj::sim::rooms::RoomAccess;
use serde_json::json;

use super::site::{ROOM, Reader, Site};

fn at(text: &str) -> jiff::Timestamp {
    format!("2026-01-{text}Z").parse().unwrap()
}

/// `DAYTFROM-TO …`
fn spans(text: &str) -> Busy {
    Busy::of(text.split_whitespace().map(|span| {
        let (from, to) = span.split_once('-').unwrap();
        (at(from), at(&format!("{}T{to}", &from[..2])))
    }))
}

fn rooms(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("room{n}@example.com")).collect()
}

fn site_of(count: usize, options: GraphOptions) -> (std::sync::Arc<Site>, Vec<String>) {
    let site = Site::with(options);
    let rooms = rooms(count);
    for room in &rooms {
        site.book_in(room, "a 05 10:00-11:00 Weekly");
    }
    (site, rooms)
}

fn texts(rooms: &[String]) -> Vec<&str> {
    rooms.iter().map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_event_counts_but_what_is_free() {
    for (booked, expected) in [
        ("a 05 10:00-11:00 Weekly", "05T10:00-11:00"),
        ("a 05 10:00-11:00 Weekly\nb 05 11:00-12:00 Next\nc 06 11:30-13:00 Other", "05T10:00-12:00 06T11:30-13:00"),
        ("a 05 10:00-11:00 Weekly; maybe", "05T10:00-11:00"),
        ("a 05 10:00-11:00 Weekly; private", "05T10:00-11:00"),
        ("a 05 10:00-11:00 Weekly; free", ""),
        ("a 05 10:00-11:00 Weekly; cancelled", ""),
        ("a 05 10:00-11:00 Weekly; declined", ""),
        ("", ""),
    ] {
        let site = Site::new();
        site.book(booked);
        let told = Reader::of(&site).busy_of(&[ROOM]).await.unwrap();
        assert_eq!(told[0].1.as_ref().unwrap(), &spans(expected), "{booked}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_words_of_graph_for_being_taken_are_all_known() {
    let item = |status: &str| {
        let time = |time: &str| json!({"dateTime": format!("2026-01-05T{time}.0000000"), "timeZone": "UTC"});
        json!({"value": [{"scheduleId": "FJORD@example.com", "availabilityView": "0", "scheduleItems":
            [{"status": status, "start": time("10:00:00"), "end": time("11:00:00")}]}]})
    };
    for (status, expected) in [
        ("free", ""),
        ("tentative", "05T10:00-11:00"),
        ("busy", "05T10:00-11:00"),
        ("oof", "05T10:00-11:00"),
        ("workingElsewhere", "05T10:00-11:00"),
        ("unknown", "05T10:00-11:00"),
    ] {
        let site = Site::new();
        site.says(200, &[], &item(status).to_string());
        let told = Reader::of(&site).busy_of(&[ROOM]).await.unwrap();
        assert_eq!(told[0].1.as_ref().unwrap(), &spans(expected), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_rooms_cost_one_request_and_where_twenty_are_the_most_that_is_found_out_once() {
    for (schedules_max, count, requests, later) in
        [(100, 100, 1, 1), (100, 7, 1, 1), (20, 100, 6, 5), (20, 20, 1, 1), (20, 21, 3, 2), (100, 130, 8, 7)]
    {
        let (site, rooms) = site_of(count, GraphOptions { schedules_max, ..GraphOptions::default() });
        let reader = Reader::of(&site);
        for expected in [requests, requests + later] {
            let told = reader.busy_of(&texts(&rooms)).await.unwrap();
            let asked: Vec<&str> = told.iter().map(|(room, _)| room.as_str()).collect();
            assert_eq!(asked, texts(&rooms));
            assert!(told.iter().all(|(_, busy)| *busy.as_ref().unwrap() == spans("05T10:00-11:00")));
            assert_eq!(reader.spent.requests(), expected, "{schedules_max} {count}");
        }
        assert_eq!(site.graph.counts().over_quota, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_too_slow_for_many_is_asked_about_few_from_then_on() {
    let (site, rooms) = site_of(40, GraphOptions::default());
    let reader = Reader::of(&site);
    site.fails(HttpError::Deadline);
    assert!(reader.busy(&texts(&rooms)).await.starts_with("CalendarUnreadable retry: "));
    assert!(!reader.busy(&texts(&rooms)).await.contains("retry"));
    assert_eq!(reader.spent.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_a_room_is_its_own_also_when_it_is_the_one_asked_through() {
    let (site, mut rooms) = site_of(4, GraphOptions::default());
    rooms.push("nobody@example.com".into());
    site.rooms.change(&rooms[2], |room| room.access = RoomAccess::Nothing);
    let reader = Reader::of(&site);
    // Another room is the anchor each minute.
    for _ in 0..5 {
        let said = reader.busy(&texts(&rooms)).await;
        let of = |room: &str| said.lines().find(|line| line.starts_with(room)).unwrap().to_owned();
        for room in [0, 1, 3] {
            assert!(of(&rooms[room]).contains("Busy("), "{said}");
        }
        assert!(of(&rooms[2]).contains("NoPermission fix: "), "{said}");
        assert!(of(&rooms[4]).contains("RoomNotFound fix: "), "{said}");
        tokio::time::advance(std::time::Duration::from_mins(1)).await;
    }
    assert_eq!(reader.spent.requests(), 5 + 2, "two of five anchors cost one more");
}

#[tokio::test(start_paused = true)]
async fn where_no_mailbox_may_be_asked_through_a_few_are_tried() {
    let (site, rooms) = site_of(10, GraphOptions::default());
    for room in &rooms {
        site.rooms.change(room, |room| room.access = RoomAccess::Nothing);
    }
    let reader = Reader::of(&site);
    let said = reader.busy(&texts(&rooms)).await;
    assert_eq!((said.lines().count(), reader.spent.requests()), (10, 3), "{said}");
    assert!(!said.contains("Busy("), "{said}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_said_of_a_room_is_no_empty_room() {
    let unknown = "fjord@example.com CalendarUnreadable retry: ";
    let entry = |entry: serde_json::Value| json!({"value": [entry]}).to_string();
    for (body, expected) in [
        (json!({"value": []}).to_string(), unknown),
        (entry(json!({"scheduleId": "other@example.com", "scheduleItems": []})), unknown),
        (entry(json!({"scheduleId": ROOM})), unknown),
        (entry(json!({"scheduleId": ROOM, "scheduleItems": null})), unknown),
        (entry(json!({"scheduleId": ROOM, "scheduleItems": [{"status": "busy"}]})), unknown),
        (
            entry(
                json!({"scheduleId": ROOM, "scheduleItems": [{"start": {"dateTime": "x"}, "end": {"dateTime": "y"}}]}),
            ),
            unknown,
        ),
        (entry(json!({"scheduleId": ROOM, "error": {"responseCode": "5006", "message": "secret"}})), unknown),
        (
            entry(json!({"scheduleId": ROOM, "error": {"responseCode": "ErrorMailRecipientNotFound"}})),
            "fjord@example.com RoomNotFound fix: ",
        ),
        (
            entry(json!({"scheduleId": ROOM, "error": {"responseCode": "ErrorNoFreeBusyAccess"}})),
            "fjord@example.com NoPermission fix: ",
        ),
        (entry(json!({"scheduleId": ROOM, "scheduleItems": [], "error": null})), "fjord@example.com Busy([])"),
        ("{}".into(), "CalendarUnreadable retry: "),
        ("<html>".into(), "CalendarUnreadable retry: "),
        (r#"{"value":[{"scheduleId""#.into(), "CalendarUnreadable retry: "),
    ] {
        let site = Site::new();
        site.says(200, &[], &body);
        let said = Reader::of(&site).busy(&[ROOM]).await;
        assert!(said.starts_with(expected) && !said.contains("secret"), "{body}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_span_that_is_too_long_is_cut() {
    let site = Site::new();
    site.book("a 05 10:00-11:00 Weekly");
    let mut reader = Reader::of(&site);
    reader.request.window = Window { from: at("05T00:00"), to: "2027-01-05T00:00Z".parse().unwrap() };
    let told = reader.busy_of(&[ROOM]).await.unwrap();
    assert_eq!(told[0].1.as_ref().unwrap(), &spans("05T10:00-11:00"));
}
