//! What passes between us and codecs that behave: lists put, read back, cleared, on every generation.

use std::time::Duration;

use otj::endpoint::EndpointError;
use otj::endpoint::cisco::{self, Session};
use otj::model::Schedule;
use otj::model::device::Wire;
use otj::sim::cisco::{Entry, Generation, Quirk};

use super::world::{DEPLOYMENT, GENERATIONS, World, at, differences, morning, schedule};

const DAY: &str = "
    09:00 60 | Weekly & planning | Ada Lovelace Byron | ada@example.com | 123@vc.example
    11:00 30 private | Budget round | Grace | grace@example.com | 77
    13:00 45 h323 | <b>Demo</b> | | vik@example.com | 10.0.0.9
    15:00 20 | No video | Kim | |
";

#[tokio::test]
async fn every_generation_shows_what_was_put_and_reads_back_without_a_difference() {
    for generation in GENERATIONS {
        let mut world = World::of(generation).await;
        let day = schedule(DAY);
        let done = world.put(&day).await.unwrap();
        assert_eq!(done.serial.as_deref(), Some("FOC1"), "{generation:?}");
        assert_eq!(
            world.screen(at("2027-01-04T08:56:00Z")),
            [
                "09:00-10:00 Weekly & planning (Ada Lovelace Byron) Join 123@vc.example",
                "11:00-11:30 Scheduled meeting (Grace) later",
                "13:00-13:45 <b>Demo</b> (vik@example.com) later",
                "15:00-15:20 No video (Kim)",
            ],
            "{generation:?}"
        );
        let listing = world.list().await.unwrap();
        assert_eq!(differences(&day, &listing), [""; 0], "{generation:?}");
        assert_eq!(Some(&listing.bookings), done.seen.as_ref(), "{generation:?}");
        assert!(listing.date.is_some() && listing.uptime_s.is_some() && listing.software.is_some(), "{generation:?}");
    }
}

#[tokio::test]
async fn the_wire_follows_the_software_and_the_list_comes_with_the_put() {
    for (generation, registered, wire, requests) in [
        (Generation::Tc7, true, Wire::Xml, "GET /getxml, POST /bookingsputxml, POST /putxml"),
        (Generation::Ce8, true, Wire::Xml, "GET /getxml, POST /bookingsputxml, POST /putxml"),
        (Generation::Ce9, true, Wire::Json, "GET /getxml, GET /getxml, POST /putxml"),
        (Generation::Ce9, false, Wire::Xml, "GET /getxml, GET /getxml, POST /bookingsputxml, POST /putxml"),
        (Generation::RoomOs11, false, Wire::Json, "GET /getxml, POST /putxml"),
        (Generation::RoomOs26, false, Wire::Json, "GET /getxml, POST /putxml"),
    ] {
        let mut world = World::of(generation).await;
        world.device.with(|codec, _| codec.webex_registered = registered);
        let done = world.put(&schedule(DAY)).await.unwrap();
        let asked: Vec<String> = world.asked().into_iter().map(|line| line.replace(" 200", "")).collect();
        assert_eq!((done.wire, asked.join(", ").as_str()), (wire, requests), "{generation:?} {registered}");
        world.put(&schedule(DAY)).await.unwrap();
        assert!(!world.asked().iter().any(|line| line.starts_with("GET")), "the facts are asked for once an hour");
    }
}

#[tokio::test]
async fn a_wire_that_is_not_understood_is_left_for_the_other_and_remembered() {
    let mut world = World::of(Generation::Ce9).await;
    world.device.with(|codec, _| codec.webex_registered = true);
    world.put(&schedule(DAY)).await.unwrap();
    // The registration ends; the JSON put is not known any more.
    world.device.with(|codec, _| codec.webex_registered = false);
    world.asked();
    let done = world.put(&schedule(DAY)).await.unwrap();
    assert_eq!(done.wire, Wire::Xml);
    assert_eq!(world.asked(), ["POST /putxml 200", "POST /bookingsputxml 200", "POST /putxml 200"]);
    world.put(&schedule(DAY)).await.unwrap();
    assert_eq!(world.asked(), ["POST /bookingsputxml 200", "POST /putxml 200"]);
}

#[tokio::test]
async fn a_wire_the_document_names_is_not_left() {
    for (generation, wire) in [(Generation::RoomOs26, Wire::Xml), (Generation::Ce8, Wire::Json)] {
        let mut world = World::of(generation).await;
        world.cisco.wire = wire;
        assert_eq!(world.put(&schedule(DAY)).await, Err(EndpointError::Unsupported), "{generation:?}");
    }
}

#[tokio::test]
async fn nothing_wished_clears_the_list_on_every_generation() {
    for generation in GENERATIONS {
        let mut world = World::of(generation).await;
        world.put(&schedule(DAY)).await.unwrap();
        let done = world.put(&Schedule::default()).await.unwrap();
        assert_eq!(done.seen, Some(Vec::new()), "{generation:?}");
        assert_eq!(world.screen(morning()), [""; 0], "{generation:?}");
        world.put(&schedule(DAY)).await.unwrap();
        world.clear().await.unwrap();
        assert_eq!(world.screen(morning()), [""; 0], "{generation:?}");
    }
}

#[tokio::test]
async fn a_hundred_bookings_fit_and_more_lose_the_latest() {
    for generation in [Generation::Ce8, Generation::RoomOs26] {
        let mut world = World::of(generation).await;
        let lines = |count: usize| -> String {
            (0..count)
                .map(|n| format!("{:02}:{:02} 30 | Meeting {n} | Ada | | {n}@vc.example\n", 9 + n / 10, n % 10))
                .collect()
        };
        let hundred = schedule(&lines(100));
        let done = world.put(&hundred).await.unwrap();
        assert_eq!(done.seen.map(|seen| seen.len()), Some(100), "{generation:?}");
        assert_eq!(differences(&hundred, &world.list().await.unwrap()), [""; 0], "{generation:?}");
        let done = world.put(&schedule(&lines(120))).await.unwrap();
        assert_eq!(done.seen.map(|seen| seen.len()), Some(100), "{generation:?}");
    }
}

#[tokio::test]
async fn titles_in_every_script_arrive_whole_and_compare_equal() {
    let titles = [
        ("Plan 🎉👩‍👩‍👧 day", "Plan 🎉👩‍👩‍👧 day"),
        ("週次会議 — 주간 회의", "週次会議 — 주간 회의"),
        ("a ]]> b <![CDATA[ c", "a ]]> b <![CDATA[ c"),
        ("&lt;already&gt; &amp; \"quoted\" \\ '", "&lt;already&gt; &amp; \"quoted\" \\ '"),
        ("one\r\n two\t three", "one two three"),
        ("nul\u{0}bell\u{7}esc\u{1b}del\u{7f}nel\u{85}x", "nulbellescdelnel x"),
        ("\u{fffe}\u{ffff}odd", "odd"),
    ];
    for generation in GENERATIONS {
        let mut world = World::of(generation).await;
        for (title, shown) in titles {
            let mut day = schedule("09:00 60 | x | Ada | | 1@vc.example");
            day.bookings[0].subject = otj::model::Confidential::new(title);
            world.put(&day).await.unwrap();
            assert_eq!(world.screen(morning()), [format!("09:00-10:00 {shown} (Ada) later")], "{generation:?}");
            assert_eq!(differences(&day, &world.list().await.unwrap()), [""; 0], "{generation:?} {title}");
        }
    }
}

#[tokio::test]
async fn a_long_title_a_long_meeting_and_odd_seconds_do_not_differ_for_ever() {
    for generation in GENERATIONS {
        let mut world = World::of(generation).await;
        let mut day =
            schedule("09:00 60 | x | Ada | | 1@vc.example\n10:00 4000 | trip | Ada | |\n11:00 0 | moment | Ada | |");
        day.bookings[0].subject = otj::model::Confidential::new(format!("{} end", "é ".repeat(100)));
        day.bookings[0].start = at("2027-01-04T09:00:00.7Z");
        day.bookings[0].end = at("2027-01-04T09:59:31.2Z");
        world.put(&day).await.unwrap();
        let listing = world.list().await.unwrap();
        assert_eq!(differences(&day, &listing), [""; 0], "{generation:?}");
        // The trip of 2 days, 18 hours and 40 minutes takes three bookings.
        assert_eq!(listing.bookings.len(), 5, "{generation:?}");
        let ours = listing.bookings.iter().filter(|seen| seen.ours.is_some()).count();
        assert_eq!(ours, 5, "{generation:?}");
        assert!(listing.bookings.iter().all(|seen| seen.id.len() <= 64), "{generation:?}");
    }
}

#[tokio::test]
async fn a_list_from_before_the_put_is_asked_for_again() {
    let mut world = World::of(Generation::RoomOs26).await;
    world.device.with(|codec, _| codec.quirk = Quirk::ListsBeforePut);
    let done = world.put(&schedule(DAY)).await.unwrap();
    assert_eq!(done.seen.map(|seen| seen.len()), Some(4));
    assert_eq!(world.asked(), ["GET /getxml 200", "POST /putxml 200", "POST /putxml 200"]);
}

#[tokio::test]
async fn a_device_that_cannot_list_is_filled_without_reading_back() {
    for generation in GENERATIONS {
        let mut world = World::of(generation).await;
        world.device.with(|codec, _| codec.quirk = Quirk::CannotList);
        assert_eq!(world.put(&schedule(DAY)).await.unwrap().seen, None, "{generation:?}");
        assert_eq!(world.screen(morning()).len(), 4, "{generation:?}");
        assert_eq!(world.list().await, Err(EndpointError::CannotList), "{generation:?}");
    }
}

#[tokio::test]
async fn a_reboot_and_a_rival_are_seen_as_what_they_are() {
    let mut world = World::of(Generation::RoomOs26).await;
    let day = schedule("09:00 60 | Weekly | Ada | | 1@vc.example\n11:00 60 | Demo | Ada | | 2@vc.example");
    world.put(&day).await.unwrap();

    world.device.reboot();
    assert_eq!(differences(&day, &world.list().await.unwrap()), ["missing", "missing"]);

    world.put(&day).await.unwrap();
    let start = at("2027-01-04T12:00:00Z");
    world.device.with(|codec, now| codec.joined_by(Entry::foreign("webex-7", "Theirs", start), now));
    assert_eq!(differences(&day, &world.list().await.unwrap()), ["foreign webex-7 None"]);

    let other = format!("otj-zzz999-{}", day.bookings[0].id);
    world.device.with(|codec, now| codec.overwritten_by(vec![Entry::foreign(&other, "Theirs", start)], now));
    let seen = differences(&day, &world.list().await.unwrap());
    assert_eq!(seen, ["missing".to_owned(), "missing".to_owned(), format!("foreign {other} Some(\"zzz999\")")]);

    world.put(&day).await.unwrap();
    assert_eq!(differences(&day, &world.list().await.unwrap()), [""; 0], "a put replaces everything");
}

#[tokio::test]
async fn only_fields_that_devices_keep_are_compared_and_what_has_ended_is_no_difference() {
    let mut world = World::of(Generation::RoomOs26).await;
    let was = schedule("09:00 60 | Weekly | Ada | | 1@vc.example");
    world.put(&was).await.unwrap();
    let listing = world.list().await.unwrap();
    for (wished, expected) in [
        ("09:00 60 | Weekly | Somebody else | other@example.com | 1@vc.example", vec![]),
        ("09:00 60 h323 | Weekly | Ada | | 1@vc.example", vec![]),
        ("09:30 30 | Weekly | Ada | | 1@vc.example", vec!["changed start"]),
        ("09:00 90 | Weekly | Ada | | 1@vc.example", vec!["changed end"]),
        ("09:00 60 private | Weekly | Ada | | 2@vc.example", vec!["changed number, privacy"]),
        ("09:00 60 | Weekly | Ada | |", vec!["changed number"]),
        ("", vec!["extra"]),
        ("07:00 30 | Long over | Ada | |\n09:00 60 | Weekly | Ada | | 1@vc.example", vec![]),
    ] {
        assert_eq!(differences(&schedule(wished), &listing), expected, "{wished}");
    }
    let evening = at("2027-01-04T20:00:00Z");
    assert!(cisco::differs(DEPLOYMENT, &Schedule::default(), &listing.bookings, evening).is_empty());
    assert!(cisco::differs(DEPLOYMENT, &was, &[], evening).is_empty());
}

#[tokio::test]
async fn events_tell_what_the_screen_shows_after_each_change_and_only_then() {
    let mut world = World::of(Generation::RoomOs26).await;
    let mut events = world.device.events();
    world.put(&schedule("09:00 60 | Weekly | Ada | | 1@vc.example")).await.unwrap();
    world.put(&schedule("09:00 60 | Weekly | Ada | | 1@vc.example")).await.unwrap();
    world.list().await.unwrap();
    world.device.reboot();
    let shown: Vec<usize> = std::iter::from_fn(|| events.try_recv().ok()).map(|event| event.shown.len()).collect();
    assert_eq!(shown, [1, 0]);
}

#[tokio::test]
async fn another_place_is_met_without_what_was_learned_of_the_first() {
    let mut first = World::of(Generation::Ce8).await;
    first.put(&schedule(DAY)).await.unwrap();
    let mut second = World::of(Generation::RoomOs26).await;
    std::mem::swap(&mut first.session, &mut second.session);
    assert_eq!(second.put(&schedule(DAY)).await.unwrap().wire, Wire::Json);
}

#[tokio::test]
async fn requests_to_one_device_keep_their_distance() {
    let mut world = World::of(Generation::Ce8).await;
    let spacing = Duration::from_millis(40);
    world.session = Session::default().spaced(spacing);
    let before = tokio::time::Instant::now();
    world.put(&schedule(DAY)).await.unwrap();
    assert_eq!(world.asked().len(), 3);
    assert!(before.elapsed() >= 2 * spacing, "three requests, two gaps");
}
