//! What is lost, and comes back.

use otj::http::{HttpError, PlayedStream, Request};
use otj::model::service::Service;
use otj::sim::exchange::{Fault, Server, Whose};

use super::super::rig::basic;
use super::hall::{Hall, INSIDE, ONE, TWO, many, quick};
use super::{MINUTE, SECOND};

#[tokio::test(start_paused = true)]
async fn servers_that_start_again_forget_all_subscriptions_and_all_are_made_again() {
    let rooms = many(20);
    let mut hall = Hall::of(&rooms.iter().map(String::as_str).collect::<Vec<_>>(), quick()).await;
    hall.fake.restart();
    hall.change("room-007@example.com");
    hall.pass(20 * SECOND).await;
    assert_eq!(hall.told(), rooms, "each is looked at once, for what was missed");
    assert_eq!(hall.fake.counts().operations["Subscribe"], 40);
    hall.change("room-007@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["room-007@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_opened_again_with_the_same_subscriptions() {
    let mut hall = Hall::of(&["dal@example.com", "fjord@example.com"], quick()).await;
    hall.pass(10 * MINUTE).await;
    hall.fake.break_streams();
    hall.change("fjord@example.com");
    hall.pass(2 * SECOND).await;
    assert_eq!(hall.told(), ["dal@example.com", "fjord@example.com"], "what was on its way is caught up with");
    let operations = hall.fake.counts().operations;
    assert_eq!((operations["Subscribe"], operations["GetStreamingEvents"]), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once() {
    let mut hall = Hall::with(&["dal@example.com", "fjord@example.com"], quick(), Some(ONE), |org| {
        org.accounts.get_mut("otj@example.com").unwrap().password = Some("another".into());
    })
    .await;
    hall.pass(50 * MINUTE).await;
    let wrong = |hall: &Hall| hall.fake.change(|org| org.accounts["otj@example.com"].wrong);
    assert_eq!((wrong(&hall), hall.heard().deaf, hall.heard().why), (1, 2, Some("CredentialsRefused")));
    hall.pass(24 * 60 * MINUTE).await;
    assert!(wrong(&hall) <= 5, "{}", wrong(&hall));
    // Documents that name the right one count at once.
    let rooms = ["dal@example.com", "fjord@example.com"];
    let right = basic("otj@example.com", "another");
    hall.name(
        |integration| {
            let Service::Exchange(spec) = &mut integration.service else { unreachable!() };
            spec.sign_in = right;
        },
        &rooms,
    );
    hall.pass(5 * SECOND).await;
    assert_eq!(hall.heard().at_once, 2);
    hall.change("fjord@example.com");
    hall.pass(SECOND).await;
    assert!(hall.told().contains(&"fjord@example.com".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_may_not_be_impersonated_touches_no_other_even_when_it_is_the_first() {
    let rooms = ["aula@example.com", "dal@example.com", "fjord@example.com"];
    let others = || Whose::These(["dal@example.com", "fjord@example.com"].map(str::to_owned).into());
    let mut hall = Hall::with(&rooms, quick(), Some(ONE), |org| {
        org.accounts.get_mut("otj@example.com").unwrap().impersonates = others();
    })
    .await;
    assert_eq!((hall.heard().at_once, hall.heard().deaf), (2, 1));
    let before = hall.fake.counts();
    hall.pass(3 * 60 * MINUTE).await;
    let refused = hall.fake.counts().impersonation_refused - before.impersonation_refused;
    assert!((2..=4).contains(&refused), "it is tried each hour: {refused}");
    rooms.iter().for_each(|room| hall.change(room));
    hall.told();
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), rooms[1..]);
    // The right comes, and with it the room.
    hall.fake.change(|org| org.accounts.get_mut("otj@example.com").unwrap().impersonates = Whose::All);
    hall.pass(75 * MINUTE).await;
    assert_eq!((hall.heard().at_once, hall.heard().deaf), (3, 0));
    // It is taken from the one that leads: the next one leads.
    hall.fake.change(|org| {
        let rest = ["aula@example.com", "fjord@example.com"].map(str::to_owned);
        org.accounts.get_mut("otj@example.com").unwrap().impersonates = Whose::These(rest.into());
    });
    hall.pass(75 * MINUTE).await;
    hall.told();
    hall.change("fjord@example.com");
    hall.pass(SECOND).await;
    assert_eq!((hall.told(), hall.heard().deaf), (vec!["fjord@example.com".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_moves_is_looked_up_again_and_listened_to_where_it_is() {
    let mut hall = Hall::with(&["dal@example.com", "fjord@example.com"], quick(), None, |org| {
        let two = Server { internal: Some(INSIDE.parse().unwrap()), ..Server::at(TWO.parse().unwrap()) };
        org.servers.insert("two".into(), two);
        org.servers.get_mut("one").unwrap().internal =
            Some("https://dmz.example.com/EWS/Exchange.asmx".parse().unwrap());
    })
    .await;
    assert_eq!((hall.fake.streams(), hall.heard().at_once), (1, 2));
    hall.fake.change(|org| org.mailboxes.entry("fjord@example.com".into()).or_default().on = Some("two".into()));
    // The server that had it forgets what it was to tell.
    hall.fake.restart();
    hall.pass(MINUTE).await;
    assert_eq!((hall.fake.streams(), hall.heard().at_once, hall.heard().deaf), (2, 2, 0));
    hall.told();
    hall.change("dal@example.com");
    hall.change("fjord@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["dal@example.com", "fjord@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn where_the_address_from_anywhere_fails_rooms_are_listened_to_by_the_one_from_within() {
    let rooms = ["dal@example.com", "fjord@example.com"];
    let mut hall = Hall::with(&rooms, quick(), None, |org| {
        org.servers.get_mut("one").unwrap().internal = Some(INSIDE.parse().unwrap());
    })
    .await;
    assert_eq!((hall.streams_at(), hall.heard().at_once), (vec![ONE.to_owned()], 2));
    let away = |request: &Request, _: &str| {
        let result = Err(HttpError::Connect("refused".into()));
        (request.url.as_str() == ONE).then_some(PlayedStream { after: SECOND, result })
    };
    *hall.net.instead.lock().unwrap() = Some(Box::new(away));
    hall.fake.break_streams();
    hall.pass(MINUTE).await;
    assert_eq!(hall.heard().deaf, 2);
    // Readings find the other address, as they go on meanwhile.
    hall.read("fjord@example.com").await;
    hall.pass(15 * MINUTE).await;
    assert_eq!((hall.streams_at().first().unwrap().as_str(), hall.heard().at_once), (INSIDE, 2));
    hall.told();
    hall.change("dal@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["dal@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_moving_is_asked_about_seldom_and_does_not_disturb_the_others() {
    let mut hall = Hall::with(&["dal@example.com", "fjord@example.com"], quick(), None, |org| {
        org.mailboxes.entry("fjord@example.com".into()).or_default().moving = true;
    })
    .await;
    let before = hall.fake.counts();
    hall.pass(120 * MINUTE).await;
    let after = hall.fake.counts();
    let more = |operation: &str| after.operations[operation] - before.operations.get(operation).copied().unwrap_or(0);
    assert!(more("Subscribe") <= 60 && more("GetUserSettings") <= 60, "{:?}", after.operations);
    hall.told();
    hall.change("dal@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["dal@example.com"]);
    hall.fake.change(|org| org.mailboxes.clear());
    hall.pass(15 * MINUTE).await;
    assert_eq!((hall.heard().at_once, hall.heard().deaf), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_fewer_requests_is_given_the_time_it_asks_for() {
    let hall = Hall::of(&["dal@example.com"], quick()).await;
    hall.fake.change(|org| org.fault = Some(Fault::Soap("ErrorServerBusy")));
    hall.fake.break_streams();
    let before = hall.fake.counts().requests;
    hall.pass(60 * MINUTE).await;
    let requests = hall.fake.counts().requests - before;
    assert!(requests <= 40, "{requests}");
    assert_eq!((hall.heard().deaf, hall.heard().why), (1, Some("Throttled")));
    hall.fake.change(|org| org.fault = None);
    hall.pass(10 * MINUTE).await;
    assert_eq!(hall.heard().at_once, 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_night_costs_a_request_every_few_minutes_and_ends_by_itself() {
    let rooms = many(300);
    let mut hall = Hall::of(&rooms.iter().map(String::as_str).collect::<Vec<_>>(), quick()).await;
    hall.fake.change(|org| org.fault = Some(Fault::Unreachable(HttpError::Refused)));
    hall.fake.break_streams();
    let before = hall.fake.counts().requests;
    hall.pass(8 * 60 * MINUTE).await;
    let requests = hall.fake.counts().requests - before;
    assert!(requests <= 600, "two groups: {requests}");
    hall.fake.change(|org| org.fault = None);
    hall.pass(6 * MINUTE).await;
    assert_eq!((hall.heard().at_once, hall.heard().deaf), (300, 0));
    hall.told();
    hall.change("room-250@example.com");
    hall.pass(SECOND).await;
    assert!(hall.told().contains(&"room-250@example.com".to_owned()));
}
