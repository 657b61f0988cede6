//! What is read of a mailbox, and how many requests that takes.

use super::peer::{Reader, Site};

#[tokio::test(start_paused = true)]
async fn what_is_in_the_calendar_is_read_and_what_is_declined_or_cancelled_is_not() {
    let site = Site::new();
    site.book(
        "standup 05 09:00-09:15 Standup; says=Join conference=1234567890
         board 05 10:00-11:00 Board; private asked
         gone 06 10:00-11:00 Never; cancelled
         no 06 12:00-13:00 Elsewhere; declined
         day1 07 08:00-08:30 Daily; of=daily first=07T08:00
         day2 08 10:00-10:30 Daily; of=daily moved=08T08:00",
    );
    let mut reader = Reader::of(&site);
    assert_eq!(
        reader.read().await,
        "uid-standup 05 09:00-05 09:15 Standup says Join conference 1234567890\n\
         uid-board 05 10:00-05 11:00 Board private tentative\n\
         uid-daily 07 08:00-07 08:30 Daily first 07 08:00\n\
         uid-daily 08 10:00-08 10:30 Daily first 08 08:00"
    );
    assert_eq!(site.requests(), ["FindItem fjord@example.com", "GetItem fjord@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_calendar_costs_one_request_and_a_changed_one_what_changed() {
    let site = Site::new();
    let many: String = (0..25).map(|n| format!("a{n:02} 06 {:02}:00-{:02}:00 Talk{n}\n", n % 23, n % 23 + 1)).collect();
    site.book(&many);
    let mut reader = Reader::of(&site);
    assert_eq!(reader.read().await.lines().count(), 25);
    assert_eq!(site.requests().len(), 1 + 3);
    assert_eq!(reader.read().await, "unchanged");
    assert_eq!(site.requests().len(), 1);
    site.book(&many.replace("Talk7\n", "Talk; v2 says=New\n"));
    let read = reader.read().await;
    assert!(read.lines().count() == 25 && read.contains("uid-a07 06 07:00-06 08:00 Talk says New"), "{read}");
    assert_eq!(site.requests().len(), 1 + 1);
    // The second look before something is taken away believes no memory.
    tokio::time::advance(std::time::Duration::from_secs(301)).await;
    reader.fresh = true;
    assert_eq!(reader.read().await.lines().count(), 25);
    assert_eq!(site.requests().len(), 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_was_too_long_for_its_step_goes_on_where_it_ended() {
    let site = Site::new();
    let many: String = (0..60).map(|n| format!("a{n:02} 06 {:02}:00-{:02}:30 Talk\n", n % 23, n % 23)).collect();
    site.book(&many);
    let mut reader = Reader::of(&site);
    // Each request takes 50 ms: three of six batches fit.
    let cut = tokio::time::timeout(std::time::Duration::from_millis(270), reader.read()).await;
    assert!(cut.is_err());
    let before = site.requests().len();
    reader.fresh = true;
    assert_eq!(reader.read().await.lines().count(), 60);
    let after = site.requests().len();
    assert!(before >= 4 && before + after <= 9, "{before} {after}");
}

#[tokio::test(start_paused = true)]
async fn occurrences_share_the_change_key_of_their_series_and_are_told_apart_all_the_same() {
    let site = Site::new();
    let series = "o1 06 08:00-09:00 Daily; of=daily first=06T08:00 says=One
                  o2 07 08:00-09:00 Daily; of=daily first=07T08:00 says=Two";
    site.book(series);
    let mut reader = Reader::of(&site);
    assert_eq!(
        reader.read().await,
        "uid-daily 06 08:00-06 09:00 Daily first 06 08:00 says One\n\
         uid-daily 07 08:00-07 09:00 Daily first 07 08:00 says Two"
    );
    // One text is changed: both have another change key then.
    site.book(&series.replace("Two", "Other v2").replace("One", "One v2"));
    site.requests();
    assert!(reader.read().await.ends_with("says Other"));
    assert_eq!(site.requests(), ["FindItem fjord@example.com", "GetItem fjord@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_an_unchanged_calendar_is_still_recognised() {
    let site = Site::new();
    site.book("a 06 08:00-09:00 Talk");
    let mut reader = Reader::of(&site);
    reader.read().await;
    reader.asker.restart();
    assert_eq!(reader.read().await, "unchanged");
    site.book("a 06 08:00-09:00 Talk; v2\nb 06 10:00-11:00 More");
    assert_eq!(reader.read().await.lines().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_reach_its_end_is_read_in_halves_until_it_does() {
    let site = Site::new();
    let many: String =
        (0..24).map(|n| format!("a{n:02} 0{} {:02}:00-{:02}:30 Talk\n", 5 + n % 5, n % 20, n % 20)).collect();
    // One of them lies in every half.
    site.book(&format!("{many}long 07 00:00-24:00 Long"));
    site.change(|world| world.most = Some(6));
    let mut reader = Reader::of(&site);
    let read = reader.read().await;
    assert_eq!((read.lines().count(), read.matches("uid-long").count()), (25, 1), "{read}");
    // Should that not help, either, nothing is known.
    site.change(|world| world.most = Some(0));
    reader.cursor = None;
    let read = reader.read().await;
    assert!(read.starts_with("CalendarUnreadable retry: the calendar cannot be read: "), "{read}");
    assert!(site.requests().len() < 120);
}

#[tokio::test(start_paused = true)]
async fn whole_days_are_those_of_the_room_where_documents_know_its_zone() {
    let site = Site::new();
    site.book("fair 06 23:00-24:00 Fair; all-day zone=W._Europe_Standard_Time");
    // From midnight to one o'clock in Berlin: no whole day, so it stays where it is.
    let mut reader = Reader::of(&site);
    reader.zone = Some("America/New_York".into());
    assert_eq!(reader.read().await, "uid-fair 06 23:00-07 00:00 Fair all-day");
    site.book("fair 06 00:00-24:00 Fair; all-day zone=UTC v2");
    assert_eq!(reader.read().await, "uid-fair 06 05:00-07 05:00 Fair all-day");
    reader.zone = None;
    assert_eq!(reader.read().await, "uid-fair 06 00:00-07 00:00 Fair all-day");
}

#[tokio::test(start_paused = true)]
async fn an_older_server_is_asked_in_its_version_from_then_on() {
    for softly in [false, true] {
        let site = Site::new();
        site.book("a 06 08:00-09:00 Talk");
        site.change(|world| (world.version, world.says_version_softly) = (Some("Exchange2010_SP2"), softly));
        let mut reader = Reader::of(&site);
        assert_eq!(reader.read().await, "uid-a 06 08:00-06 09:00 Talk");
        // Two versions were refused once.
        assert_eq!(site.requests().len(), 2 + 2);
        assert_eq!(reader.read().await, "unchanged");
        assert_eq!(site.requests().len(), 1);
        site.change(|world| world.version = Some("Exchange2007"));
        let read = reader.read().await;
        assert!(read.starts_with("CalendarUnreadable fix: the server takes none of the versions"), "{read}");
    }
}
