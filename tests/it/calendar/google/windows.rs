//! A room's window, as a simulated Google tells it: pages, ETags, what stays out.

use std::time::Duration;

use jiff::SignedDuration;
use otj::model::Window;
use otj::sim::google::GoogleOptions;
use otj::sim::rooms::RoomAccess;

use super::site::{ROOM, Reader, Site};

const WEEK: &str = "
    a 05 10:00-11:00 Weekly status; says=Join joins=https://meet.google.com/abc-defg-hij
    b 05 12:00-13:00 Declined one; declined
    c 05 14:00-15:00 Cancelled one; cancelled
    d 06 08:00-09:00 To be approved; asked
    e 06 10:00-11:00 Perhaps; maybe
    f 06 12:00-12:30 Shown as free; free
    g 07 09:00-10:00 Salaries; private says=Secret
    h 08-09 Offsite
    i 09 13:00-14:00 Moved; first=09T08:00
    j 12 00:00-01:00 After the window
    k 04 22:00-23:00 Before the window";

const READ: &str = "05T10:00 05T11:00 Weekly status text=Join conferenceData eventType hangoutLink
06T08:00 06T09:00 To be approved [tentative] eventType
06T10:00 06T11:00 Perhaps [tentative] eventType
06T12:00 06T12:30 Shown as free eventType transparency";

const READ_LATER: &str = "07T23:00 08T23:00 Offsite [all-day] eventType
09T13:00 09T14:00 Moved [first 09T08:00] eventType recurringEventId";

#[tokio::test(start_paused = true)]
async fn a_window_is_read_as_the_room_takes_part_in_it() {
    let site = Site::new();
    site.book(WEEK);
    for (access, private) in [
        (RoomAccess::Writer, "07T09:00 07T10:00 Salaries [private] text=Secret eventType visibility"),
        (RoomAccess::Reader, "07T09:00 07T10:00  [private] visibility"),
    ] {
        site.rooms.change(ROOM, |room| room.access = access);
        let mut reader = Reader::of(&site);
        assert_eq!(reader.read().await, format!("{READ}\n{private}\n{READ_LATER}"));
        assert_eq!(reader.spent.requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn short_and_empty_pages_do_not_end_a_reading() {
    let whole = {
        let site = Site::new();
        site.book(WEEK);
        Reader::of(&site).read().await
    };
    for (page_max, empty_pages, requests) in [(2500, false, 1), (3, false, 3), (1, false, 8), (4, true, 3)] {
        let options = GoogleOptions { page_max, empty_pages, ..GoogleOptions::default() };
        let site = Site::with(options);
        site.book(WEEK);
        let mut reader = Reader::of(&site);
        assert_eq!(reader.read().await, whole, "{page_max} {empty_pages}");
        assert_eq!(reader.spent.requests(), requests, "{page_max} {empty_pages}");
        assert_eq!(reader.read().await, "unchanged");
        assert_eq!(reader.spent.requests(), requests + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_calendar_is_told_for_the_same_window_only() {
    let site = Site::new();
    site.book("a 05 10:00-11:00 Weekly\n b 12 10:00-11:00 Next week");
    let mut reader = Reader::of(&site);
    let weekly = "05T10:00 05T11:00 Weekly eventType";
    assert_eq!(reader.read().await, weekly);
    assert_eq!(reader.read().await, "unchanged");
    // Google would say 304 here, too: its ETag stands for the calendar.
    let day = SignedDuration::from_hours(24);
    let Window { from, to } = reader.request.window;
    reader.request.window = Window { from: from.checked_add(day).unwrap(), to: to.checked_add(day).unwrap() };
    assert_eq!(reader.read().await, "12T10:00 12T11:00 Next week eventType");
    assert_eq!(reader.read().await, "unchanged");
    reader.request.fresh = true;
    assert_eq!(reader.read().await, "12T10:00 12T11:00 Next week eventType");
    reader.request.fresh = false;
    site.book("");
    assert_eq!(reader.read().await, "");
    assert_eq!(reader.read().await, "unchanged");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_the_window_and_nothing_else() {
    let site = Site::new();
    site.book("a 05 10:00-11:00 Weekly");
    let mut reader = Reader::of(&site);
    reader.read().await;
    reader.read().await;
    let exchanges = site.exchanges();
    let url = exchanges[0]["url"].as_str().unwrap();
    let (path, query) = url.split_once('?').unwrap();
    assert_eq!(path, "https://www.googleapis.com/calendar/v3/calendars/fjord@example.com/events");
    let plain: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("fields=")).collect();
    assert_eq!(
        plain.join(" "),
        "singleEvents=true orderBy=startTime maxResults=2500 maxAttendees=1 eventTypes=default eventTypes=fromGmail \
         timeMin=2026-01-05T00%3A00%3A00Z timeMax=2026-01-12T00%3A00%3A00Z"
    );
    assert!(exchanges[0]["headers"].get("if-none-match").is_none());
    assert_eq!((&exchanges[1]["url"], &exchanges[1]["status"]), (&exchanges[0]["url"], &serde_json::json!(304)));
    let people = exchanges[0]["body"]["items"][0]["attendees"].as_array().unwrap();
    assert_eq!(people.len(), 1, "of the guests only the room comes: {people:?}");
}

#[tokio::test(start_paused = true)]
async fn quotas_are_counted_by_google_on_its_own() {
    let quotas = otj::sim::google::Quotas { account_minute: 3, ..Default::default() };
    let site = Site::with(GoogleOptions { quotas, ..GoogleOptions::default() });
    site.book("a 05 10:00-11:00 Weekly");
    let mut reader = Reader::of(&site);
    for _ in 0..3 {
        reader.read().await;
    }
    let said = reader.read().await;
    assert!(said.starts_with("Throttled account retry"), "{said}");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(reader.read().await, "unchanged");
    let counts = site.google.counts();
    assert_eq!((counts.requests, counts.over_quota, counts.peak_minute, counts.peak_day), (5, 1, 3, 4));
    assert_eq!(u64::from(reader.spent.requests()), counts.requests);
}
