//! When many rooms are taken.

use super::peer::{Reader, Site};

#[tokio::test(start_paused = true)]
async fn many_rooms_are_told_about_in_one_request_and_one_that_is_not_there_costs_nobody_anything() {
    let site = Site::new();
    site.book("a 06 08:00-09:00 Talk");
    site.book_in("bay@example.com", "");
    let reader = Reader::of(&site);
    let told = reader.busy(&["fjord@example.com", "bay@example.com", "gone@example.com"]).await.unwrap();
    assert_eq!(told[0], "fjord@example.com Busy([(1767686400, 1767690000)])");
    assert_eq!(told[1], "bay@example.com Busy([])");
    assert!(told[2].starts_with("gone@example.com RoomNotFound fix: "), "{}", told[2]);
    assert_eq!(site.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_may_not_be_acted_as_leaves_the_request_to_the_next() {
    let site = Site::new();
    site.book("");
    site.book_in("bay@example.com", "");
    for denied in ["fjord@example.com", "bay@example.com"] {
        site.change(|world| world.refuses = [(denied.to_owned(), "ErrorImpersonateUserDenied".to_owned())].into());
        let mut told = Reader::of(&site).busy(&["fjord@example.com", "bay@example.com"]).await.unwrap();
        told.sort();
        assert_eq!(told.len(), 2);
        // Only who was asked through is known not to be allowed.
        assert!(told.iter().any(|line| line.ends_with("Busy([])")), "{told:?}");
    }
    site.change(|world| {
        world.refuses = ["fjord@example.com", "bay@example.com"]
            .map(|room| (room.to_owned(), "ErrorImpersonateUserDenied".to_owned()))
            .into()
    });
    let told = Reader::of(&site).busy(&["fjord@example.com", "bay@example.com"]).await.unwrap();
    assert!(told.iter().all(|line| line.contains(" NoPermission fix: ")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_take_so_many_is_asked_about_half_from_then_on() {
    let site = Site::new();
    let rooms: Vec<String> = (0..100).map(|number| format!("room-{number}@example.com")).collect();
    rooms.iter().for_each(|room| site.book_in(room, ""));
    let names: Vec<&str> = rooms.iter().map(String::as_str).collect();
    let reader = Reader::of(&site);
    site.change(|world| world.script.push_back(Ok(super::peer::fault("ErrorMailboxDataArrayTooBig", ""))));
    assert_eq!(reader.busy(&names).await.unwrap().len(), 100);
    assert_eq!(site.requests().len(), 3);
    assert_eq!(reader.busy(&names).await.unwrap().len(), 100);
    assert_eq!(site.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_fails_the_look_and_says_when_to_come_back() {
    let site = Site::new();
    site.change(|world| world.script.push_back(Ok(super::peer::fault("ErrorServerBusy", "90000"))));
    let failure = Reader::of(&site).busy(&["fjord@example.com"]).await.unwrap_err();
    assert_eq!((failure.reason, failure.retry_after.map(|wait| wait.as_secs())), ("Throttled", Some(90)));
}
