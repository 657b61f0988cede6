//! What is sent for a schedule, what the screen shows afterwards, and what is read back.

use std::time::Duration;

use super::world::{DEPLOYMENT, World, at, device, differences, morning, schedule};

const DAY: &str = "09:00 60 | Budget round | Ada Lovelace | ada@example.com | 123@vc.example\n\
                   11:00 30 private | Salaries | Ada | | 9@vc.example\n\
                   12:00 45 | Lunch | | |";

#[tokio::test(start_paused = true)]
async fn a_schedule_is_put_shown_and_read_back_the_same() {
    for terse in [false, true] {
        let world = World::of(&["room/1+a=", "other"]);
        let webex = device("room/1+a=");
        world.fake.device("room/1+a=", |it| it.terse = terse).unwrap();
        let done = world.put(&webex, DAY).await.unwrap();
        assert_eq!(world.screen("room/1+a="), ["09:00 Budget round*", "11:00 Scheduled meeting*", "12:00 Lunch"]);
        assert_eq!(world.screen("other"), [""; 0]);
        assert_eq!((done.seen.unwrap().len(), done.serial.as_deref()), (3, Some("FOC-room/1+a=")));
        let expected =
            ["GET devices room/1+a= 200", "POST Bookings.Put room/1+a= 200", "POST Bookings.List room/1+a= 200"];
        assert_eq!(world.asked(), expected);

        // One meeting: some software lists it as such, and not as a list.
        for text in [DAY, "09:00 60 | Budget round | Ada Lovelace | ada@example.com | 123@vc.example", ""] {
            world.put(&webex, text).await.unwrap();
            let listing = world.list(&webex).await.unwrap();
            assert_eq!(differences(&schedule(text), &listing), [""; 0], "{text}");
            assert_eq!(listing.bookings.len(), text.lines().count());
        }
        let asked = world.asked();
        assert!(asked.contains(&"POST Bookings.Clear room/1+a= 200".to_owned()), "{asked:?}");
        assert!(asked.iter().all(|line| !line.starts_with("GET")), "what it is is asked once an hour: {asked:?}");
        tokio::time::advance(Duration::from_secs(3601)).await;
        world.list(&webex).await.unwrap();
        assert_eq!(world.asked().last().unwrap(), "GET devices room/1+a= 200");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_device_holds_is_told_apart_by_field_and_by_whose_it_is() {
    let world = World::of(&["one"]);
    let webex = device("one");
    world.put(&webex, DAY).await.unwrap();
    let listing = world.list(&webex).await.unwrap();
    for (wished, expected) in [
        (DAY.to_owned(), &[][..]),
        (DAY.replace("09:00 60", "09:15 60"), &["changed start, end"][..]),
        (DAY.replace("123@vc", "124@vc"), &["changed number"]),
        (DAY.replace("12:00 45 | Lunch | | |", ""), &["extra"]),
        (format!("{DAY}\n15:00 30 | Retro | Ada | | 5@vc.example"), &["missing"]),
    ] {
        assert_eq!(differences(&schedule(&wished), &listing), expected, "{wished}");
    }
    // The calendar service of Webex, switched on for the workspace.
    world.fake.device("one", |it| it.taken_over(&["Theirs", "Too"], at("2027-01-04T10:00:00Z"), morning())).unwrap();
    let listing = world.list(&webex).await.unwrap();
    assert_eq!(
        differences(&schedule(DAY), &listing),
        ["missing", "missing", "missing", "foreign webex-1", "foreign webex-2"]
    );
    // A device that keeps titles in another way.
    world.fake.device("one", |it| it.rewrites = true).unwrap();
    let done = world.put(&webex, "09:00 60 | Budget | Ada | | 1@vc.example").await.unwrap();
    assert_eq!(done.seen.unwrap()[0].title.expose(), "BUDGET");
}

#[tokio::test(start_paused = true)]
async fn a_booking_without_an_address_is_written_as_the_software_knows_it() {
    for (software, expected) in [
        ("RoomOS 26.4.1.3 0a1b2c3d", r#""Number":"","Protocol":"None""#),
        ("RoomOS 11.14.2", r#""Number":"","Protocol":"SIP""#),
        ("", r#""Number":"","Protocol":"SIP""#),
    ] {
        let world = World::of(&["one"]);
        world.fake.device("one", |it| software.clone_into(&mut it.software)).unwrap();
        world.put(&device("one"), "12:00 45 | Lunch | | |").await.unwrap();
        let put = world.bodies().into_iter().find(|body| body.contains("Lunch")).unwrap();
        assert!(put.contains(expected), "{software}: {put}");
        assert!(put.starts_with(r#"{"deviceId":"one","arguments":{},"body":{"Bookings":[{"Id":"otj-abc123-"#), "{put}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_may_not_see_devices_fills_them_nevertheless() {
    let world = World::of(&["one"]);
    world.fake.change(|org| org.tells_devices = false);
    let done = world.put(&device("one"), DAY).await.unwrap();
    assert_eq!((done.seen.unwrap().len(), done.serial), (3, None));
    assert_eq!(world.screen("one").len(), 3);
    for _ in 0..3 {
        world.list(&device("one")).await.unwrap();
    }
    let looks = world.asked().iter().filter(|line| line.ends_with(" 403")).count();
    assert_eq!(looks, 1, "it is not asked in vain each time");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_left_is_cleared_only_where_our_bookings_stand_alone() {
    let theirs = Some("somebody else's bookings are there");
    let silent = Some("the device cannot tell what it holds, and it was left too long ago");
    for (case, unlisted, left, screen) in [
        ("ours", false, None, 0),
        ("theirs", true, theirs, 1),
        ("nothing", false, None, 0),
        ("personal", true, None, 0),
        ("personal", false, silent, 1),
    ] {
        let world = World::of(&["one"]);
        let webex = device("one");
        if case != "nothing" {
            world.put(&webex, "09:00 60 | Budget | Ada | | 1@vc.example").await.unwrap();
        }
        world
            .fake
            .device("one", |it| match case {
                "theirs" => it.taken_over(&["Theirs"], morning(), morning()),
                "personal" => it.personal = true,
                _ => {}
            })
            .unwrap();
        let cleared = world.clouds.clear_if_ours(&webex, DEPLOYMENT, unlisted).await.unwrap();
        assert_eq!((cleared, world.screen("one").len()), (left, screen), "{case} {unlisted}");
    }
    // Another deployment of otj is somebody else.
    let world = World::of(&["one"]);
    world.put(&device("one"), "09:00 60 | Budget | Ada | | 1@vc.example").await.unwrap();
    assert_eq!(world.clouds.clear_if_ours(&device("one"), "zzz999", true).await.unwrap(), theirs);
    // Where it cannot be read at all, nothing is taken away.
    world.fake.change(|org| org.fault = Some(500));
    assert!(world.clouds.clear_if_ours(&device("one"), DEPLOYMENT, true).await.is_err());
    assert_eq!(world.screen("one").len(), 1);
}
