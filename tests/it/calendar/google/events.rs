//! Items as Google writes them, one by one, and answers that are no page of events.

use otj::model::{Agenda, Complete, Proof};
use serde_json::{Value, json};

use super::site::{READER, Reader, Site};

/// A page with these items.
fn page(items: &[Value]) -> String {
    json!({
        "kind": "calendar#events", "etag": "\"1\"", "timeZone": "America/New_York", "accessRole": "reader", "items": items,
    })
    .to_string()
}

/// An item with what every item has, changed by `change`; null takes a field away.
fn item(change: &Value) -> Value {
    let mut item = json!({
        "kind": "calendar#event", "id": "a", "status": "confirmed", "iCalUID": "a@google.com", "summary": "Weekly",
        "start": {"dateTime": "2026-01-05T10:00:00Z"}, "end": {"dateTime": "2026-01-05T11:00:00Z"},
    });
    let object = item.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    item
}

#[tokio::test(start_paused = true)]
async fn every_form_of_an_item_is_read() {
    let plain = "05T10:00 05T11:00 Weekly";
    for (change, expected) in [
        (json!({}), plain),
        (json!({"status": null, "kind": null}), plain),
        (json!({"status": "cancelled"}), ""),
        (json!({"status": "tentative"}), "05T10:00 05T11:00 Weekly [tentative]"),
        // What the room answered; of other guests nothing counts.
        (json!({"attendees": [{"self": true, "responseStatus": "declined"}]}), ""),
        (json!({"attendees": [{"email": "FJORD@example.com", "responseStatus": "declined"}]}), ""),
        (json!({"attendees": [{"email": "b@example.com", "responseStatus": "declined"}]}), plain),
        (
            json!({"attendees": [{"self": true, "responseStatus": "needsAction"}]}),
            "05T10:00 05T11:00 Weekly [tentative]",
        ),
        (json!({"attendees": [{"self": true}], "attendeesOmitted": true}), plain),
        (json!({"attendees": []}), plain),
        // What is no meeting.
        (json!({"eventType": "workingLocation"}), ""),
        (json!({"eventType": "birthday"}), ""),
        (json!({"eventType": "outOfOffice"}), ""),
        (json!({"eventType": "focusTime"}), ""),
        (json!({"eventType": "fromGmail"}), "05T10:00 05T11:00 Weekly eventType"),
        (json!({"visibility": "confidential"}), "05T10:00 05T11:00 Weekly [private] visibility"),
        (json!({"visibility": "public"}), "05T10:00 05T11:00 Weekly visibility"),
        (json!({"summary": null, "iCalUID": null}), "05T10:00 05T11:00"),
        // Times.
        (
            json!({"start": {"dateTime": "2026-01-05T10:00:00+01:00"}, "end": {"dateTime": "2026-01-05T06:00:00-05:00"}}),
            "05T09:00 05T11:00 Weekly",
        ),
        (json!({"start": {"dateTime": "2026-01-05T10:00:00", "timeZone": "Europe/Oslo"}}), "05T09:00 05T11:00 Weekly"),
        (json!({"start": {"date": "2026-01-06"}, "end": {"date": "2026-01-08"}}), "06T05:00 08T05:00 Weekly [all-day]"),
        (json!({"start": {"date": "2026-01-06"}, "end": {"date": "2026-01-06"}}), "06T05:00 07T05:00 Weekly [all-day]"),
        (json!({"end": {"dateTime": "2026-01-05T10:00:00Z"}}), "05T10:00 05T10:00 Weekly"),
        // Series.
        (
            json!({"recurringEventId": "s", "originalStartTime": {"dateTime": "2026-01-04T10:00:00Z"}}),
            "05T10:00 05T11:00 Weekly [first 04T10:00] recurringEventId",
        ),
        (
            json!({"recurringEventId": "s", "originalStartTime": {"date": "2026-01-04"}}),
            "05T10:00 05T11:00 Weekly [first 04T05:00] recurringEventId",
        ),
        (json!({"recurringEventId": "s"}), "05T10:00 05T11:00 Weekly [first 05T10:00] recurringEventId"),
        // Texts.
        (json!({"description": "Join\nhttps://a.example"}), "05T10:00 05T11:00 Weekly text=Join\nhttps://a.example"),
        (json!({"description": "Join<br>now"}), "05T10:00 05T11:00 Weekly html=Join<br>now"),
        (json!({"description": "<b>Join</b>\nnow"}), "05T10:00 05T11:00 Weekly html=<pre><b>Join</b>\nnow</pre>"),
        (json!({"description": " "}), plain),
        (
            json!({"hangoutLink": "https://meet.google.com/a", "conferenceData": {"entryPoints": []}, "extendedProperties": {}}),
            "05T10:00 05T11:00 Weekly conferenceData extendedProperties hangoutLink",
        ),
        (json!({"conferenceData": {"notes": "x".repeat(70_000)}}), plain),
        // What cannot be read keeps its earlier form, and is told by what it is called.
        (json!({"start": null}), "unreadable a@google.com"),
        (json!({"start": {"dateTime": "soon"}}), "unreadable a@google.com"),
        (json!({"start": {"date": "2026-02-30"}}), "unreadable a@google.com"),
        (json!({"start": "2026-01-05T10:00:00Z"}), "unreadable a@google.com"),
        (json!({"end": {"dateTime": "2026-01-05T09:00:00Z"}}), "unreadable a@google.com"),
        (json!({"summary": 5}), "unreadable a@google.com"),
        (json!({"attendees": "all", "iCalUID": 5}), "unreadable a"),
        (json!({"id": null}), "unreadable a@google.com"),
        (json!({"description": "x".repeat(2 << 20)}), "unreadable a@google.com"),
    ] {
        let site = Site::new();
        site.says(200, &[], &page(&[item(&change)]));
        let mut shown = change.to_string();
        shown.truncate(200);
        assert_eq!(Reader::of(&site).read().await, expected, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_nothing_at_all_is_counted_and_the_others_are_read() {
    let site = Site::new();
    site.says(200, &[], &page(&[json!(5), item(&json!({})), json!([]), json!({"id": ""})]));
    let read = Reader::of(&site).read().await;
    let (events, unreadable) = read.split_once('\n').unwrap();
    assert_eq!(events, "05T10:00 05T11:00 Weekly");
    assert_eq!(unreadable.lines().filter(|line| line.starts_with("unreadable at-")).count(), 3, "{unreadable}");
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_that_cannot_be_read_keeps_its_earlier_form_beside_the_others() {
    let of_series = |id: &str, day: u8, summary: Value| {
        let at = |hour: u8| json!({"dateTime": format!("2026-01-0{day}T{hour}:00:00Z")});
        item(&json!({
            "id": id, "recurringEventId": "s", "originalStartTime": at(10), "start": at(10), "end": at(11), "summary": summary,
        }))
    };
    let site = Site::new();
    site.says(200, &[], &page(&[of_series("s1", 5, json!("Weekly")), of_series("s2", 6, json!("Weekly"))]));
    site.says(200, &[], &page(&[of_series("s1", 5, json!("Renamed")), of_series("s2", 6, json!(5))]));
    let mut reader = Reader::of(&site);
    let (previous, _) = reader.events().await.unwrap().unwrap();
    let (events, unreadable) = reader.events().await.unwrap().unwrap();
    let (key, window) = (reader.request.room.key.clone(), reader.request.window);
    let complete = Complete { proof: Proof::LastPage, window, events, unreadable, time_zone: None, left_out: vec![] };
    let (agenda, events) = Agenda::from_complete(key, complete, &previous);
    let titles: Vec<&str> = events.iter().map(|event| event.subject.expose()).collect();
    assert_eq!((titles, agenda.unreadable), (vec!["Renamed", "Weekly"], 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_later_page_says_of_an_event_counts() {
    let site = Site::new();
    let first = page(&[item(&json!({})), item(&json!({"id": "b", "summary": "Gone"}))]);
    site.says(200, &[("etag", "\"1\"")], &first.replace("{\"accessRole\"", "{\"nextPageToken\":\"2\",\"accessRole\""));
    let later = [item(&json!({"summary": "Monthly"})), item(&json!({"id": "b", "status": "cancelled"}))];
    site.says(200, &[("etag", "\"2\"")], &page(&later));
    let mut reader = Reader::of(&site);
    assert_eq!(reader.read().await, "05T10:00 05T11:00 Monthly");
    // Two states were read: there is no ETag that stands for them.
    site.says(200, &[], &page(&[]));
    assert_eq!(reader.read().await, "");
    assert!(site.exchanges()[2]["headers"].get("if-none-match").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_may_leave_something_out_is_a_failed_reading() {
    let whole = page(&[item(&json!({}))]);
    let without = |name: &str| {
        let mut value: Value = serde_json::from_str(&whole).unwrap();
        value.as_object_mut().unwrap().remove(name);
        value.to_string()
    };
    let with = |name: &str, to: Value| {
        let mut value: Value = serde_json::from_str(&whole).unwrap();
        value[name] = to;
        value.to_string()
    };
    let many = vec![json!({}); 2501];
    for (body, fault) in [
        (String::new(), "is not JSON, or broke off"),
        ("{}".into(), "is not a page of events"),
        ("<html>Sign in to the guest network</html>".into(), "is not JSON, or broke off"),
        (whole[..whole.len() - 1].into(), "is not JSON, or broke off"),
        (whole[..whole.len() / 2].into(), "is not JSON, or broke off"),
        (without("kind"), "is not a page of events"),
        (without("items"), "is not a page of events"),
        (without("accessRole"), "is not a page of events"),
        (with("kind", json!("calendar#event")), "is not a page of events"),
        (with("items", json!(null)), "is not a page of events"),
        (with("items", json!({})), "is not a page of events"),
        (with("items", json!(many)), "is not a page of events"),
        (with("accessRole", json!("guest")), "names a right to read that is not known here"),
        (with("nextPageToken", json!("")), "goes on without a usable page token"),
        (with("nextPageToken", json!("x".repeat(5000))), "goes on without a usable page token"),
        (with("nextPageToken", json!(5)), "is not a page of events"),
        ("[".repeat(1 << 20), "is not a page of events"),
        (format!("{whole}{whole}"), "is not JSON, or broke off"),
    ] {
        let site = Site::new();
        site.says(200, &[], &body);
        let read = Reader::of(&site).read().await;
        let mut shown = body;
        shown.truncate(200);
        assert!(read.starts_with("CalendarUnreadable retry: ") && read.contains(fault), "{shown}: {read}");
        assert!(!read.contains("Weekly"), "{read}");
    }
    for role in ["freeBusyReader", "none"] {
        let site = Site::new();
        site.says(200, &[], &with("accessRole", json!(role)));
        let read = Reader::of(&site).read().await;
        assert!(read.starts_with("SharedAsFreeBusyOnly fix: ") && read.contains(READER), "{read}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_never_end_are_left_after_a_hundred_or_when_one_comes_again() {
    for (tokens, requests, fault) in [
        (vec!["b", "c", "b"], 3, "leads back to a page that was read"),
        ((0..200).map(|_| "same").collect(), 2, "leads back to a page that was read"),
        (vec![], 100, "more than 100 pages"),
    ] {
        let site = Site::new();
        let endless = (0..200).map(|number| format!("page {number}"));
        let tokens: Vec<String> =
            if tokens.is_empty() { endless.collect() } else { tokens.iter().map(|it| (*it).to_owned()).collect() };
        for token in tokens {
            let mut body: Value = serde_json::from_str(&page(&[])).unwrap();
            body["nextPageToken"] = json!(token);
            site.says(200, &[], &body.to_string());
        }
        let mut reader = Reader::of(&site);
        let read = reader.read().await;
        assert!(read.contains(fault), "{read}");
        assert_eq!(reader.spent.requests(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_64_mib_of_pages_are_not_read() {
    let site = Site::new();
    let filler = "x".repeat(20 << 20);
    for number in 0..4 {
        let mut body: Value = serde_json::from_str(&page(&[])).unwrap();
        (body["nextPageToken"], body["description"]) = (json!(number.to_string()), json!(filler));
        site.says(200, &[], &body.to_string());
    }
    let read = Reader::of(&site).read().await;
    assert!(read.contains("larger than 64 MiB"), "{read}");
}

#[tokio::test(start_paused = true)]
async fn a_304_that_nobody_asked_for_is_no_reading() {
    let site = Site::new();
    site.says(304, &[("etag", "\"1\"")], "");
    let read = Reader::of(&site).read().await;
    assert!(read.starts_with("CalendarUnreadable retry"), "{read}");
}
