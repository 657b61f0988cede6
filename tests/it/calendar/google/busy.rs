//! When many rooms are taken, in one request.

use otj::sim::rooms::{RoomAccess, SimEvent};
use serde_json::{Value, json};

use super::site::{READER, ROOM, Reader, Site, event};

/// What two rooms are told to be taken by.
async fn alike(site: &std::sync::Arc<Site>, one: &str, other: &str) -> bool {
    let mut tellings = Vec::new();
    for lines in [one, other] {
        site.book(lines);
        tellings.push(Reader::of(site).busy(&[ROOM]).await);
    }
    tellings[0] == tellings[1]
}

#[tokio::test(start_paused = true)]
async fn two_states_of_a_room_differ_where_its_time_does() {
    let weekly = "a 05 10:00-11:00 Weekly";
    for (one, other, same) in [
        (weekly, "a 05 10:00-11:00 Renamed; says=More", true),
        (weekly, "b 05 10:00-10:30 First\n c 05 10:30-11:00 Second", true),
        (weekly, "a 05 10:00-11:00 Weekly\n b 05 10:15-10:45 Within", true),
        (weekly, "a 05 10:00-11:00 Weekly\n b 06 10:00-11:00 Free; free", true),
        (weekly, "a 05 10:00-11:00 Weekly\n b 06 10:00-11:00 Declined; declined", true),
        (weekly, "a 05 10:00-11:30 Longer", false),
        (weekly, "a 05 10:00-11:00 Weekly\n b 06 10:00-11:00 New; asked", false),
        (weekly, "a 05 10:00-11:00 Weekly; cancelled", false),
        (weekly, "a 05 10:00-11:00 Weekly\n b 06-07 Whole day", false),
        ("", "", true),
    ] {
        assert_eq!(alike(&Site::new(), one, other).await, same, "{one} / {other}");
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_rooms_are_one_request_and_each_has_its_own_failure() {
    let site = Site::new();
    let rooms: Vec<String> = (0..53).map(|number| format!("room{number}@example.com")).collect();
    for (number, room) in rooms.iter().enumerate() {
        let booked: SimEvent = event("a 05 10:00-11:00 Weekly");
        site.rooms.change(room, |room| {
            room.events.insert("a".into(), booked);
            room.access = match number {
                3 => RoomAccess::Nothing,
                4 => RoomAccess::FreeBusy,
                _ => RoomAccess::Reader,
            };
        });
    }
    let mut asked: Vec<&str> = rooms.iter().map(String::as_str).collect();
    asked.push("nobody@example.com");
    let reader = Reader::of(&site);
    let told = reader.busy(&asked).await;
    assert_eq!(reader.spent.requests(), 2);
    let at_once = reader.request.room.integration.service.rooms_at_once();
    assert_eq!(at_once, Some(otj::calendar::google::BATCH));
    for (number, line) in told.lines().enumerate() {
        let (room, said) = line.split_once(' ').unwrap();
        assert_eq!(room, asked[number]);
        if number == 3 || number == 53 {
            assert!(said.starts_with("RoomNotFound fix: ") && said.contains(READER), "{line}");
        } else {
            assert_eq!(said, "Busy([(1767607200, 1767610800)])");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_one_room_that_cannot_be_read_is_that_rooms_failure() {
    let span = json!({"start": "2026-01-05T10:00:00Z", "end": "2026-01-05T11:00:00+00:00"});
    for (calendar, expected) in [
        (json!({"busy": [span]}), "Busy([(1767607200, 1767610800)])"),
        (json!({"busy": []}), "Busy([])"),
        (json!({}), "CalendarUnreadable retry: "),
        (json!(null), "CalendarUnreadable retry: "),
        (json!({"busy": [{"start": "soon"}]}), "CalendarUnreadable retry: "),
        (
            json!({"busy": [span], "errors": [{"domain": "global", "reason": "internalError"}]}),
            "CalendarUnreadable retry: ",
        ),
        (json!({"errors": [{"domain": "global", "reason": "groupTooBig"}]}), "CalendarUnreadable retry: "),
        (json!({"errors": [{"domain": "global", "reason": "notFound"}]}), "RoomNotFound fix: "),
        (json!({"errors": [{"domain": "global", "reason": "forbidden"}]}), "NoPermission fix: "),
    ] {
        let site = Site::new();
        let body = json!({"kind": "calendar#freeBusy", "calendars": {"Fjord@example.com": calendar, "b@example.com": {"busy": []}}});
        site.says(200, &[], &body.to_string());
        let told = Reader::of(&site).busy(&[ROOM, "b@example.com", "c@example.com"]).await;
        let told: Vec<&str> = told.lines().collect();
        assert!(told[0].starts_with(&format!("{ROOM} {expected}")), "{calendar}: {told:?}");
        assert_eq!(told[1], "b@example.com Busy([])");
        assert!(told[2].starts_with("c@example.com CalendarUnreadable retry: "), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_tells_of_no_room() {
    let fault = |reason: &str| json!({"error": {"code": 403, "message": "x", "errors": [{"reason": reason}]}});
    for (status, body, expected) in [
        (200, json!({"kind": "calendar#events", "calendars": {}}), "CalendarUnreadable retry: "),
        (200, json!({"calendars": {}}), "CalendarUnreadable retry: "),
        (200, json!({"kind": "calendar#freeBusy"}), "CalendarUnreadable retry: "),
        (200, Value::Null, "CalendarUnreadable retry: "),
        (403, fault("rateLimitExceeded"), "Throttled account retry: "),
        (400, fault("tooManyCalendarsRequested"), "CalendarUnreadable fix: "),
        (503, Value::Null, "CalendarUnreadable retry: "),
    ] {
        let site = Site::new();
        site.says(status, &[], &body.to_string());
        let told = Reader::of(&site).busy(&[ROOM]).await;
        assert!(told.starts_with(expected), "{body}: {told}");
    }
}
