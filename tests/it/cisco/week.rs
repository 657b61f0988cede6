//! A week of one room on every generation of codecs, over the wire code and in virtual time: what is sent is valid, what is
//! shown is what is wished, and nobody is asked more often than once a second.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use otj::model::Event;
use otj::sim::cisco::{Entry, Fate, Generation};

use super::schemas::{json_faults, validated};
use super::site::{START, Site, event};

const GENERATIONS: [(&str, Generation); 6] = [
    ("tc7", Generation::Tc7),
    ("ce8", Generation::Ce8),
    ("ce9", Generation::Ce9),
    ("roomos10", Generation::RoomOs10),
    ("roomos11", Generation::RoomOs11),
    ("roomos26", Generation::RoomOs26),
];

const TITLES: [&str; 5] =
    ["Weekly & planning", "週次ミーティング", "🎉 Launch <party> \"now\"", "]]> end \u{1}\r\nof line", ""];

fn start() -> Timestamp {
    START.parse().unwrap()
}

/// 300 meetings of a quarter of an hour in seven days, every third without an address, moved by `shift` minutes.
fn week(shift: i64) -> Vec<Event> {
    (0..300)
        .map(|n| {
            let at = start() + SignedDuration::from_mins(n / 43 * 24 * 60 + 30 + n % 43 * 17 + shift);
            let title = TITLES[usize::try_from(n).unwrap() % TITLES.len()];
            event(&format!("m{n}"), title, at, 15, n % 3 != 0)
        })
        .collect()
}

async fn site_of(generations: &[(&str, Generation)]) -> Site {
    let mut site = Site::new().await;
    for (name, generation) in generations.iter().copied() {
        site.install(name, generation);
        site.sim.calendar(&super::wish::email("fjord"), |calendar| calendar.events = week(0));
    }
    let endpoints = generations.iter().map(|(name, _)| format!("{name}=fjord")).collect();
    site.wish(|wish| {
        wish.endpoints = endpoints;
        wish.requests_per_day = Some(300);
        // The rest of the day: a list of a hundred that is read every five minutes for a week takes tests two minutes.
        wish.upcoming_days = 0;
    })
    .await;
    site
}

/// How many requests a second the codec was asked at most, and the bodies it was sent.
fn received(site: &Site, host: &str) -> Vec<String> {
    let received = site.fleet.with(host, |codec, _| codec.received.drain(..).collect::<Vec<_>>()).unwrap();
    assert!(received.iter().all(|received| received.status != 503), "{host} was asked too often");
    received.into_iter().map(|received| received.body.expose().to_owned()).filter(|body| !body.is_empty()).collect()
}

/// The loop turns once a second: a week has 604,800 turns, which take a minute and a half without optimization, whatever the number
/// of codecs. So all of them stand in one site.
#[tokio::test(start_paused = true)]
async fn all_that_is_sent_in_a_week_is_valid_and_every_codec_shows_what_is_wished() {
    let (payloads, documents) = week_of(&GENERATIONS).await;
    assert!(payloads > 4 * 100, "{payloads} lists as JSON");
    assert!(documents.len() > 20, "{} different lists as XML", documents.len());
    assert_eq!(validated(&documents), vec!["valid"; documents.len()]);
}

/// How many lists were sent as JSON, all valid, and those sent as XML, without repetitions.
async fn week_of(generations: &[(&str, Generation)]) -> (usize, Vec<String>) {
    let site = site_of(generations).await;
    let mut documents = Vec::new();
    let mut payloads = 0;
    for hour in 0..7 * 24 {
        site.pass(Duration::from_mins(60)).await;
        if hour == 50 {
            site.calendar("fjord", week(10)).await;
            site.pass(Duration::from_mins(5)).await;
        }
        for (host, _) in generations.iter().copied() {
            for body in received(&site, host) {
                if body.contains("<Put ") {
                    assert_eq!(json_faults(&body), [""; 0], "{host}");
                    payloads += 1;
                } else if body.contains("<Bookings item") {
                    documents.push(body);
                }
            }
        }
        if hour % 12 == 7 {
            for (host, _) in generations.iter().copied() {
                shows_what_is_wished(&site, host, hour);
            }
        }
    }
    site.end().await;
    documents.sort();
    documents.dedup();
    (payloads, documents)
}

fn shows_what_is_wished(site: &Site, host: &str, hour: u32) {
    let status = site.status(host);
    assert!(status.synced, "{host} in hour {hour}: {:?}", status.drift);
    let wished: Vec<Timestamp> =
        status.schedule.as_ref().unwrap().bookings.iter().map(|booking| booking.start).collect();
    let shown = site
        .fleet
        .with(host, |codec, now| codec.bookings(now).into_iter().map(|entry: &Entry| entry.start).collect::<Vec<_>>());
    assert_eq!(shown.unwrap(), wished, "{host} in hour {hour}");
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_away_for_four_hours_leaves_every_codec_as_it_was_and_ends_with_the_newest_list() {
    let site = site_of(&GENERATIONS).await;
    site.pass(Duration::from_mins(10)).await;
    let shown = |host| site.fleet.with(host, |codec, now| codec.bookings(now).len()).unwrap();
    let before: Vec<usize> = GENERATIONS.iter().map(|(host, _)| shown(host)).collect();
    assert!(before.iter().all(|count| *count > 40), "{before:?}");
    for (host, _) in GENERATIONS {
        site.fleet.becomes(host, Fate::BlackHole);
    }
    site.calendar("fjord", week(10)).await;
    site.pass(Duration::from_hours(4)).await;
    for (host, _) in GENERATIONS {
        assert_eq!(site.status(host).failure.as_ref().map(|failure| failure.reason), Some("PushFailed"), "{host}");
        site.fleet.becomes(host, Fate::Answers);
    }
    site.pass(Duration::from_mins(6)).await;
    for (host, _) in GENERATIONS {
        let first = site.fleet.with(host, |codec, now| codec.bookings(now)[0].start).unwrap();
        let minutes = first.duration_since(start()).as_mins();
        assert_eq!((minutes - 40) % 17, 0, "{host} shows the moved meetings: {first}");
        assert!(site.status(host).synced, "{host}");
    }
    site.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_codec_that_tms_empties_is_filled_and_tms_is_named_and_a_clock_that_is_wrong_is_told() {
    let site = site_of(&GENERATIONS).await;
    site.pass(Duration::from_mins(10)).await;
    site.fleet.with("ce9", |codec, now| {
        codec.managed_by_tms = true;
        codec.overwritten_by(Vec::new(), now);
    });
    site.fleet.with("roomos11", |codec, _| codec.clock_ahead = SignedDuration::from_mins(4));
    site.fleet.with("roomos26", |codec, now| {
        codec.joined_by(Entry::foreign("webex-7", "Hybrid", now + SignedDuration::from_hours(2)), now);
    });
    // Until the first meeting with an address is near.
    site.pass(Duration::from_mins(50)).await;
    let conditions = |host: &str| {
        let conditions = otj::status::conditions::of_endpoint(&site.status(host));
        conditions.into_iter().map(|it| format!("{}: {}", it.reason, it.message)).collect::<Vec<_>>().join("\n")
    };
    assert!(conditions("ce9").contains("RivalWriter: Cisco TMS manages this device"), "{}", conditions("ce9"));
    assert!(site.status("ce9").synced, "it is filled again");
    assert!(conditions("roomos11").contains("s ahead of ours"), "{}", conditions("roomos11"));
    let hybrid = conditions("roomos26");
    assert!(hybrid.contains("RivalWriter: the Webex calendar service"), "{hybrid}");
    assert_eq!(conditions("tc7"), "");
    site.end().await;
}
