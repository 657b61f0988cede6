//! What the loop is told of polls, and what is counted.

use std::time::Duration;

use super::desk::{booking, find, open};
use otj::model::{Digest, Schedule};

#[tokio::test]
async fn only_a_poll_that_brings_news_is_told() {
    let mut desk = open().await;
    let list = vec![booking("Weekly status", "2026-11-23T09:00:00Z", None)];
    let digest = |bookings: &[_]| Schedule { bookings: bookings.to_vec() }.digest();
    desk.publish("fjord", list.clone());
    let poll = find("", "2026-11-23", "2026-11-25");
    for _ in 0..3 {
        desk.ask("fjord", &poll).await;
    }
    let first = desk.presence.try_recv().unwrap();
    assert_eq!(first.endpoint.as_str(), "fjord-poly");
    assert_eq!(first.fetched, Some(digest(&list)));
    assert_eq!(first.window.unwrap().from, "2026-11-23T00:00:00Z".parse().unwrap());
    assert_eq!(first.peer, "127.0.0.1");
    assert!(desk.presence.try_recv().is_err(), "the same list again is no news");

    desk.publish("fjord", list.clone());
    desk.ask("fjord", &poll).await;
    assert!(desk.presence.try_recv().is_err(), "the same list published again is no news");
    desk.publish("fjord", vec![]);
    desk.ask("fjord", &poll).await;
    assert_eq!(desk.presence.try_recv().unwrap().fetched, Some(digest(&[])));

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(120)).await;
    tokio::time::resume();
    desk.ask("fjord", &poll).await;
    assert_eq!(desk.presence.try_recv().unwrap().fetched, Some(Digest::of([])), "back after a silence");
}

#[tokio::test]
async fn a_full_channel_delays_nobody_and_the_news_is_told_later() {
    let mut desk = open().await;
    desk.publish("fjord", vec![]);
    let day = |n: usize| vec![booking(&format!("{n}"), "2026-11-23T09:00:00Z", None)];
    let poll = find("", "2026-11-23", "2026-11-25");
    for n in 0..12 {
        desk.publish("fjord", day(n));
        assert_eq!(desk.ask("fjord", &poll).await.0, 200);
    }
    let mut told = Vec::new();
    while let Ok(news) = desk.presence.try_recv() {
        told.push(news.fetched);
    }
    assert_eq!(told.len(), 8, "the channel's size");
    desk.ask("fjord", &poll).await;
    assert_eq!(desk.presence.try_recv().unwrap().fetched, Some(Schedule { bookings: day(11) }.digest()));
}

#[tokio::test]
async fn logins_and_requests_are_counted_and_unknown_names_apart() {
    let desk = open().await;
    desk.publish("fjord", vec![]);
    desk.ask("fjord", &find("", "2026-11-23", "2026-11-25")).await;
    desk.ask("fjord", "<m:MadeUp/>").await;
    for (user, password) in [("fjord", "wrong"), ("mute", "any"), ("nobody", "any")] {
        let answer = desk.post(Some(&otj::auth::basic::header(user, password)), "").await;
        assert_eq!(answer.status.as_u16(), 401);
    }
    let rows = |counts: &otj::model::tally::Counts| {
        counts.snapshot().into_iter().map(|(labels, count)| (labels.join(" "), count)).collect::<Vec<_>>()
    };
    assert_eq!(
        rows(&desk.tally.poly_logins),
        [("basic granted".into(), 2), ("basic no_secret".into(), 1), ("basic refused".into(), 1)]
    );
    assert_eq!(rows(&desk.tally.poly_requests), [("FindItem ok".into(), 1), ("other fault".into(), 1)]);
    assert_eq!(desk.tally.poly_unknown_logins.load(std::sync::atomic::Ordering::Relaxed), 1);
}
