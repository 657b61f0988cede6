//! What stands in the way of answers that go on.

use std::time::Duration;

use otj::http::{Bytes, HeaderMap, HttpError, PlayedStream, StatusCode};
use otj::sim::exchange::{ExchangeOptions, Server};
use tokio::sync::mpsc;

use super::hall::{Hall, quick};
use super::{MINUTE, SECOND};

/// Something answers every streaming question with what `answer` sends.
fn instead(hall: &Hall, answer: fn(mpsc::Sender<Result<Bytes, HttpError>>)) {
    *hall.net.instead.lock().unwrap() = Some(Box::new(move |_, text| {
        text.contains("GetStreamingEvents").then(|| {
            let (sender, pieces) = mpsc::channel(16);
            answer(sender);
            PlayedStream { after: Duration::from_millis(20), result: Ok((StatusCode::OK, HeaderMap::new(), pieces)) }
        })
    }));
}

#[tokio::test(start_paused = true)]
async fn behind_something_that_keeps_answers_until_they_end_changes_are_told_by_the_minute() {
    let mut hall = Hall::of(&["dal@example.com"], ExchangeOptions { buffered: true, ..quick() }).await;
    hall.pass(5 * MINUTE).await;
    assert_eq!((hall.heard().at_once, hall.heard().by_the_minute), (0, 1));
    hall.told();
    let before = hall.fake.counts().requests;
    for _ in 0..10 {
        hall.change("dal@example.com");
        hall.pass(2 * MINUTE).await;
        assert_eq!(hall.told(), ["dal@example.com"]);
    }
    let requests = hall.fake.counts().requests - before;
    assert!(requests <= 22, "one a minute: {requests}");
}

#[tokio::test(start_paused = true)]
async fn as_soon_as_answers_come_through_again_changes_are_told_at_once() {
    let mut hall = Hall::of(&["dal@example.com"], quick()).await;
    // Nothing of what is on its way comes through, and requests are answered.
    instead(&hall, |sender| drop(tokio::spawn(async move { sender.closed().await })));
    hall.fake.break_streams();
    hall.pass(5 * MINUTE).await;
    assert_eq!((hall.heard().deaf, hall.heard().connections, hall.heard().why), (1, 0, Some("Buffered")));
    let before = hall.fake.counts().requests;
    hall.pass(3 * 60 * MINUTE).await;
    let requests = hall.fake.counts().requests - before;
    assert!((4..=16).contains(&requests), "it is tried each hour: {requests}");
    *hall.net.instead.lock().unwrap() = None;
    hall.pass(75 * MINUTE).await;
    assert_eq!((hall.heard().at_once, hall.heard().deaf), (1, 0));
    hall.told();
    hall.change("dal@example.com");
    hall.pass(SECOND).await;
    assert_eq!(hall.told(), ["dal@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn junk_and_answers_without_end_cost_pauses_that_grow_and_nothing_else() {
    type Way = fn(mpsc::Sender<Result<Bytes, HttpError>>);
    let ways: [(&str, Way); 4] = [
        ("a page", |sender| drop(sender.try_send(Ok("<html><body>Welcome</body></html>".into())))),
        ("nothing", drop),
        ("an envelope that never ends", |sender| {
            drop(tokio::spawn(async move {
                let _ = sender.send(Ok("<s:Envelope xmlns:s=\"s\">".into())).await;
                while sender.send(Ok("<a></a>".into())).await.is_ok() {
                    tokio::time::sleep(10 * SECOND).await;
                }
            }));
        }),
        ("a break", |sender| drop(sender.try_send(Err(HttpError::Protocol("the connection was closed"))))),
    ];
    for (what, way) in ways {
        let mut hall = Hall::of(&["dal@example.com"], quick()).await;
        instead(&hall, way);
        hall.fake.break_streams();
        hall.pass(30 * MINUTE).await;
        let asked = hall.streams_opened().len();
        assert!((2..=40).contains(&asked), "{what}: {asked}");
        assert_eq!(hall.heard().at_once, 0, "{what}");
        *hall.net.instead.lock().unwrap() = None;
        hall.pass(75 * MINUTE).await;
        assert_eq!(hall.heard().at_once, 1, "{what}");
        hall.told();
        hall.change("dal@example.com");
        hall.pass(SECOND).await;
        assert_eq!(hall.told(), ["dal@example.com"], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_begin_late_keep_nobody_else_waiting_for_their_password() {
    let numbers = 0..8;
    let rooms: Vec<String> = numbers.clone().map(|number| format!("room-{number}@example.com")).collect();
    let names: Vec<&str> = rooms.iter().map(String::as_str).collect();
    let hall = Hall::with(&names, quick(), None, |org| {
        for (number, room) in numbers.zip(&rooms) {
            let url = format!("https://server-{number}.example.com/EWS/Exchange.asmx");
            org.servers.insert(format!("server-{number}"), Server::at(url.parse().unwrap()));
            org.mailboxes.entry(room.clone()).or_default().on = Some(format!("server-{number}"));
        }
    })
    .await;
    assert_eq!(hall.heard().connections, 8);
    // Something on the way keeps even the beginning of an answer.
    *hall.net.instead.lock().unwrap() = Some(Box::new(|_, text| {
        text.contains("GetStreamingEvents").then(|| {
            let after = Duration::from_secs(if text.contains("<m:ConnectionTimeout>1<") { 60 } else { 1500 });
            let alive = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"m\"><s:Body>\
                         <m:GetStreamingEventsResponse><m:ResponseMessages><m:GetStreamingEventsResponseMessage \
                         ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode><m:ConnectionStatus>Closed\
                         </m:ConnectionStatus></m:GetStreamingEventsResponseMessage></m:ResponseMessages>\
                         </m:GetStreamingEventsResponse></s:Body></s:Envelope>";
            let (sender, pieces) = mpsc::channel(1);
            sender.try_send(Ok(alive.into())).unwrap();
            PlayedStream { after, result: Ok((StatusCode::OK, HeaderMap::new(), pieces)) }
        })
    }));
    hall.fake.break_streams();
    let mut longest = Duration::ZERO;
    for _ in 0..100 {
        hall.pass(7 * SECOND).await;
        longest = longest.max(hall.answered_within().await);
    }
    assert_eq!((hall.heard().by_the_minute, hall.heard().deaf), (8, 0));
    assert!(longest < SECOND, "{longest:?}");
}
