//! Rooms that Exchange tells of by itself, in virtual time.

mod hall;
mod ladder;
mod losses;
mod sockets;

use std::time::Duration;

use otj::sim::exchange::ExchangeOptions;

use hall::{Hall, ONE, TWO, many, quick};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_change_is_told_within_a_second_and_nothing_is_told_of_rooms_that_stay_as_they_are() {
    let mut hall = Hall::of(&["fjord@example.com", "dal@example.com"], quick()).await;
    assert_eq!(hall.fake.streams(), 1);
    hall.change("fjord@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["fjord@example.com"]);
    hall.pass(3 * 60 * MINUTE).await;
    assert_eq!(hall.told(), [""; 0], "connections end in order and are opened again");
    hall.change("dal@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["dal@example.com"]);
    let operations = hall.fake.counts().operations;
    assert_eq!(operations["Subscribe"], 2);
    assert!((7..=9).contains(&operations["GetStreamingEvents"]), "{operations:?}");
    assert_eq!((hall.heard().at_once, hall.heard().deaf), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn four_hundred_and_fifty_rooms_make_three_connections_each_led_by_its_first_room() {
    let rooms = many(450);
    let mut hall = Hall::of(&rooms.iter().map(String::as_str).collect::<Vec<_>>(), quick()).await;
    hall.pass(MINUTE).await;
    assert_eq!((hall.fake.streams(), hall.heard().connections, hall.heard().at_once), (3, 3, 450));
    let mut anchors = hall.streams_opened();
    anchors.sort();
    assert_eq!(anchors, ["room-000@example.com", "room-200@example.com", "room-400@example.com"]);
    let counts = hall.fake.counts();
    assert_eq!((counts.operations["Subscribe"], counts.operations["GetStreamingEvents"]), (450, 3));
    assert_eq!((counts.peak_streams, counts.over_budget), (1, 0), "each pays for one");
    hall.told();
    hall.change("room-449@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["room-449@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_groups_are_heard_while_the_last_ones_still_wait() {
    let rooms = many(2000);
    let mut hall = Hall::of(&[], quick()).await;
    rooms.iter().for_each(|room| hall.change(room));
    hall.want(&rooms.iter().map(String::as_str).collect::<Vec<_>>());
    hall.pass(18 * SECOND).await;
    let heard = hall.heard().at_once;
    assert!((400..1600).contains(&heard), "{heard}");
    hall.pass(30 * SECOND).await;
    assert_eq!(hall.heard().at_once, 2000);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_nobody_wants_any_more_is_given_back_and_a_new_one_is_taken_up() {
    let mut hall = Hall::of(&["dal@example.com", "elv@example.com", "fjord@example.com"], quick()).await;
    hall.pass(MINUTE).await;
    hall.change("skog@example.com");
    hall.want(&["dal@example.com", "elv@example.com", "skog@example.com"]);
    hall.pass(MINUTE).await;
    let operations = hall.fake.counts().operations;
    assert_eq!((operations["Subscribe"], operations["Unsubscribe"]), (4, 1));
    hall.told();
    hall.change("fjord@example.com");
    hall.change("skog@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["skog@example.com"]);
    // The first one leads the group: without it the others are subscribed by the next.
    hall.want(&["elv@example.com", "skog@example.com"]);
    hall.pass(MINUTE).await;
    assert_eq!(hall.streams_opened().last().unwrap(), "elv@example.com");
    hall.want(&[]);
    hall.pass(MINUTE).await;
    assert_eq!((hall.fake.streams(), hall.tally.hearing.snapshot().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn rooms_of_two_servers_are_listened_to_at_each_as_autodiscover_says() {
    let mut hall = Hall::with(&["dal@example.com", "fjord@example.com"], quick(), None, |org| {
        org.servers.insert("two".into(), otj::sim::exchange::Server::at(TWO.parse().unwrap()));
        org.mailboxes.entry("fjord@example.com".into()).or_default().on = Some("two".into());
    })
    .await;
    hall.pass(MINUTE).await;
    assert_eq!((hall.fake.streams(), hall.heard().connections), (2, 2));
    hall.told();
    hall.change("dal@example.com");
    hall.change("fjord@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["dal@example.com", "fjord@example.com"]);
    assert_eq!(hall.streams_at(), [ONE, TWO]);
}

#[tokio::test(start_paused = true)]
async fn subscriptions_of_a_group_stay_with_the_back_end_of_its_first_room() {
    let options = ExchangeOptions { back_ends: 7, ..quick() };
    let rooms = many(40);
    let mut hall = Hall::of(&rooms.iter().map(String::as_str).collect::<Vec<_>>(), options).await;
    hall.pass(MINUTE).await;
    assert_eq!(hall.heard().at_once, 40);
    assert_eq!(hall.fake.counts().operations["GetStreamingEvents"], 1, "none was unknown where it was asked about");
    hall.told();
    rooms.iter().for_each(|room| hall.change(room));
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), rooms);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_all_connections() {
    let hall = Hall::of(&["dal@example.com"], quick()).await;
    assert_eq!(hall.fake.streams(), 1);
    hall.stop.cancel();
    hall.pass(SECOND).await;
    assert_eq!(hall.fake.streams(), 0);
}
