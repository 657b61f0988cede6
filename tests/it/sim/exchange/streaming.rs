//! Subscriptions and what they tell, in virtual time.

use std::time::Duration;

use otj::ews::ask::Ask;
use otj::sim::Fake as _;
use otj::sim::exchange::ExchangeOptions;

use super::rig::{As, ROOM, Site, otj};

const DAL: &str = "dal@example.com";

fn subscribe(site: &Site, who: &As<'_>) -> String {
    site.reply(&Ask::subscribe_to_stream(), who).subscribed().unwrap().id
}

fn events_of(ids: &[&str], minutes: u32) -> Ask {
    Ask::events_of(ids, minutes).unwrap()
}

/// One back end, and notifications after a second.
fn options() -> ExchangeOptions {
    let second = Duration::from_secs(1);
    ExchangeOptions { notice_after: (second, second), back_ends: 1, ..ExchangeOptions::default() }
}

#[test]
fn a_stream_tells_changes_says_that_it_lives_and_ends_when_it_was_asked_to() {
    let site = Site::with(options());
    site.rooms.change(DAL, |_| ());
    let dal = As { mailbox: Some(DAL), ..otj() };
    let ids = [subscribe(&site, &otj()), subscribe(&site, &dal)];
    let mut pieces = site.open(&events_of(&[&ids[0], &ids[1]], 2), &otj());
    assert_eq!(pieces.come(&site), ["alive"]);
    site.wait(44);
    assert_eq!(pieces.come(&site), [""; 0]);
    site.wait(1);
    assert_eq!(pieces.come(&site), ["alive"]);
    site.book(ROOM, &["c 05T12:00 Lunch"]);
    site.book(DAL, &["c 05T12:00 Lunch", "d 05T13:00 More"]);
    site.wait(1);
    assert_eq!(pieces.come(&site), [""; 0], "not at once");
    site.wait(1);
    assert_eq!(pieces.come(&site), ["5", "3"], "by mailbox, each with what it means for its folder");
    site.wait(73);
    assert_eq!(pieces.come(&site), ["alive", "closed", "end"]);
    assert_eq!((site.fake.streams(), site.fake.counts().notices), (0, 2));
}

#[test]
fn what_happens_between_two_streams_is_told_by_the_second() {
    let site = Site::with(options());
    let id = subscribe(&site, &otj());
    site.book(ROOM, &["c 05T12:00 Lunch"]);
    site.wait(60);
    let mut pieces = site.open(&events_of(&[&id], 1), &otj());
    assert_eq!(pieces.come(&site), ["alive", "3"]);
    drop(pieces);
    site.wait(1);
    assert_eq!(site.fake.streams(), 0);
}

#[test]
fn a_second_stream_about_a_subscription_ends_the_first() {
    let site = Site::with(options());
    let id = subscribe(&site, &otj());
    let mut first = site.open(&events_of(&[&id], 1), &otj());
    let mut second = site.open(&events_of(&[&id], 1), &otj());
    assert_eq!(first.come(&site), ["alive", "ErrorNewEventStreamConnectionOpened", "closed", "end"]);
    assert_eq!(second.come(&site), ["alive"]);
}

#[test]
fn subscriptions_are_known_to_one_back_end_which_a_cookie_leads_to() {
    let site = Site::with(ExchangeOptions { back_ends: 64, ..options() });
    site.rooms.change(DAL, |_| ());
    let dal = As { mailbox: Some(DAL), headers: vec![("x-anchormailbox", ROOM.into())], ..otj() };
    let lost = |id: &str, who: &As<'_>| site.open(&events_of(&[id], 1), who).come(&site);
    let id = subscribe(&site, &As { mailbox: Some(DAL), ..otj() });
    assert_eq!(lost(&id, &otj()), ["ErrorSubscriptionNotFound", "closed", "end"]);
    let anchored = subscribe(&site, &dal);
    assert_eq!(lost(&anchored, &otj()), ["alive"]);
    let mut kept = As { headers: vec![("x-prefer-server-affinity", "x".into())], ..otj() };
    kept.headers =
        vec![("x-preferserveraffinity", "true".into()), ("cookie", "a=b; X-BackEndOverrideCookie=one~63".into())];
    let there = subscribe(&site, &kept);
    assert_eq!(lost(&there, &otj()), ["ErrorSubscriptionNotFound", "closed", "end"]);
    assert_eq!(lost(&there, &kept), ["alive"]);
    let envelope = Ask::sync(None, 1).envelope(&otj::ews::ask::Header { version: Default::default(), mailbox: None });
    let plain = As { headers: vec![("x-preferserveraffinity", "true".into())], ..otj() };
    let (_, headers, _) = site.send(&Site::request(super::rig::ONE, envelope, &plain));
    assert!(headers["set-cookie"].to_str().unwrap().starts_with("X-BackEndOverrideCookie=one~"));
}

#[test]
fn servers_that_start_again_know_no_subscription_and_a_network_that_fails_loses_none() {
    let site = Site::with(options());
    let id = subscribe(&site, &otj());
    let mut pieces = site.open(&events_of(&[&id], 30), &otj());
    site.fake.break_streams();
    assert_eq!(pieces.come(&site), ["alive", "broken", "end"]);
    let mut pieces = site.open(&events_of(&[&id], 30), &otj());
    assert_eq!(pieces.come(&site), ["alive"]);
    site.fake.restart();
    assert_eq!(pieces.come(&site), ["broken", "end"]);
    assert_eq!(site.open(&events_of(&[&id], 30), &otj()).come(&site), ["ErrorSubscriptionNotFound", "closed", "end"]);
}

#[test]
fn what_is_kept_on_the_way_comes_with_the_end_also_to_who_reads_whole_answers() {
    let site = Site::with(ExchangeOptions { buffered: true, ..options() });
    let id = subscribe(&site, &otj());
    let mut pieces = site.open(&events_of(&[&id], 1), &otj());
    site.book(ROOM, &["c 05T12:00 Lunch"]);
    site.wait(59);
    assert_eq!(pieces.come(&site), [""; 0]);
    site.wait(1);
    assert_eq!(pieces.come(&site), ["alive", "3", "alive", "closed", "end"]);
    let site = Site::with(options());
    let id = subscribe(&site, &otj());
    let ask = events_of(&[&id], 30)
        .envelope(&otj::ews::ask::Header { version: Default::default(), mailbox: Some(&super::rig::room(ROOM)) });
    let played = site.fake.answer(&Site::request(super::rig::ONE, ask, &otj()), site.now());
    assert_eq!(played.after, Duration::from_secs(1800));
    assert!(String::from_utf8_lossy(&played.result.unwrap().2).contains("Closed"));
}

#[test]
fn streams_that_never_end_and_too_many_of_them() {
    let site = Site::with(ExchangeOptions { streams_end: false, streams_at_once: 2, ..options() });
    let ids = [(); 3].map(|()| subscribe(&site, &otj()));
    let mut open: Vec<_> = ids.iter().map(|id| site.open(&events_of(&[id], 1), &otj())).collect();
    site.wait(90);
    assert_eq!(open[2].come(&site), ["ErrorExceededConnectionCount", "end"]);
    assert_eq!(open[0].come(&site), ["alive", "alive", "alive"]);
    assert_eq!((site.fake.streams(), site.fake.counts().peak_streams), (2, 2));
}

#[test]
fn the_share_of_notifications_that_was_wished_for_is_lost() {
    let site = Site::with(ExchangeOptions { notices_lost: 0.25, ..options() });
    let id = subscribe(&site, &otj());
    let mut pieces = site.open(&events_of(&[&id], 30), &otj());
    for at in 0..400 {
        site.book(ROOM, &[&format!("c 05T12:00 Lunch{at}")]);
        site.wait(2);
        pieces.come(&site);
    }
    let counts = site.fake.counts();
    assert_eq!(counts.notices + counts.notices_lost, 400);
    assert!((70..130).contains(&counts.notices_lost), "{}", counts.notices_lost);
}

#[test]
fn a_pull_subscription_tells_from_its_watermark_on_and_expires_unasked() {
    let site = Site::with(options());
    let subscription = site.reply(&Ask::subscribe_to_pull(10), &otj()).subscribed().unwrap();
    let (id, mark) = (subscription.id, subscription.watermark.unwrap());
    let told = |mark: &str| site.reply(&Ask::events_since(&id, mark), &otj()).notification();
    assert_eq!(told(&mark).unwrap().events, 0);
    site.book(ROOM, &["c 05T12:00 Lunch"]);
    let second = told(&mark).unwrap();
    assert_eq!(second.events, 3);
    assert_eq!(told(second.watermark.as_deref().unwrap()).unwrap().events, 0);
    assert_eq!(told(&mark).unwrap().events, 3, "again, when it is asked for");
    assert_eq!(site.refusal(told("x")), "ErrorInvalidWatermark");
    site.wait(601);
    assert_eq!(site.refusal(told(&mark)), "ErrorExpiredSubscription");
    assert_eq!(site.refusal(told(&mark)), "ErrorSubscriptionNotFound");
}
