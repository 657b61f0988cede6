//! What goes to Graph and what the simulated one answers are what Graph's own description allows: types and parameters of the CSDL of
//! v1.0, in `tests/schemas/graph`.

use otj::sim::graph::GraphOptions;
use otj::sim::rooms::RoomAccess;
use serde_json::{Value, json};

use super::site::{ROOM, Reader, Site};
use crate::python;

/// What is wrong with each exchange.
fn faults(exchanges: &[Value]) -> Vec<String> {
    let mut script = python::script("tests/python/graph.py");
    script.arg(python::root("tests/schemas/graph/calendar.openapi.json"));
    let said = python::ask(script, &json!(exchanges));
    said.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_request_and_every_answer_is_what_the_description_allows() {
    let site = Site::with(GraphOptions { page_max: 2, ..GraphOptions::default() });
    site.book(
        "a 05 10:00-11:00 Weekly; joins=https://teams.example.com/l/1 says=<p>Join
        b 06 10:00-11:00 Series; first=05T10:00 private
        c 06-07 Fair; maybe
        d 07 10:00-11:00 \"Quote\" \\ and\ttab; cancelled
        e 08 10:00-11:00 Asked; asked",
    );
    site.book_in("o'hara+1@example.com", "a 05 10:00-11:00 Weekly; free");
    site.rooms.change("closed@example.com", |room| room.access = RoomAccess::Nothing);
    for room in [ROOM, "o'hara+1@example.com", "closed@example.com", "nobody@example.com"] {
        let mut reader = Reader::at(&site, "https://graph.microsoft.com/v1.0/", room);
        reader.read().await;
        reader.busy(&[ROOM, "o'hara+1@example.com", room]).await;
    }
    let exchanges = site.exchanges();
    let statuses: std::collections::BTreeSet<u64> = exchanges.iter().filter_map(|it| it["status"].as_u64()).collect();
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 403, 404]);
    assert!(exchanges.len() >= 10, "{}", exchanges.len());
    assert_eq!(faults(&exchanges), [""; 0]);
}

#[test]
fn the_check_can_fail() {
    let url = "https://graph.microsoft.com/v1.0/users/x/calendar/calendarView?startDateTime=2026-01-05T00:00:00Z";
    let headers = json!({"authorization": "Bearer x"});
    let ends = "&endDateTime=2026-01-06T00:00:00Z";
    let exchange = |url: String, body: Value| json!({"method": "GET", "url": url, "headers": headers, "status": 200, "body": body});
    for (exchange, expected) in [
        (exchange(format!("{url}{ends}"), json!({"value": []})), ""),
        (exchange(url.to_owned(), json!({"value": []})), "missing required endDateTime"),
        (exchange(format!("{url}{ends}&$select=lastSeen"), json!({"value": []})), "$select"),
        (exchange(format!("{url}{ends}&$expand=a+b"), json!({"value": []})), "'+'"),
        (exchange(format!("{url}{ends}&$top=0"), json!({"value": []})), "$top"),
        (exchange(format!("{url}{ends}"), json!({"value": [{"isAllDay": "no"}]})), "value/0/isAllDay"),
        (exchange(format!("{url}{ends}"), json!({"value": [{"sensitivity": "secret"}]})), "value/0/sensitivity"),
    ] {
        let faults = faults(&[exchange]).join("\n");
        assert_eq!(faults.is_empty(), expected.is_empty(), "{faults}");
        assert!(faults.contains(expected), "{faults}");
    }
}
