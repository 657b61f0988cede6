//! Devices that forget, that others write to, or that are away: what is put again, what is left alone, and what is said.

use otj::model::{IntegrationName, LookAgain, RoomKey};

use super::stage::{Stage, check, email, event};

#[tokio::test(start_paused = true)]
async fn a_codec_that_starts_anew_before_a_meeting_has_its_list_back_within_minutes() {
    check(
        "
        10:00 calendar fjord a@11:00*
        10:00 wish oslo=fjord
        10:50 device oslo reboots
        10:57 shows oslo
        10:57 conditions oslo
        ",
        "
        10:00 put oslo [a*]
        10:52 put oslo [a*]
        10:57 conditions oslo
        10:57 shows oslo [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_codec_that_starts_anew_at_night_is_filled_within_the_hour_and_nobody_is_blamed() {
    check(
        "
        10:00 calendar fjord a@1+11:00*
        10:00 wish oslo=fjord
        20:01 device oslo reboots
        20:02 device oslo reboots
        20:03 device oslo reboots
        21:30 shows oslo
        21:30 conditions oslo
        ",
        "
        10:00 put oslo [a*]
        20:47 put oslo [a*]
        21:30 conditions oslo
        21:30 shows oslo [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rival_that_writes_once_is_written_over_and_named() {
    check(
        "
        10:00 calendar fjord a@1+11:00*
        10:00 wish oslo=fjord
        12:00 device oslo rival
        13:10 shows oslo
        13:10 status oslo
        13:10 conditions oslo
        16:00 conditions oslo
        ",
        "
        10:00 put oslo [a*]
        12:56 put oslo [a*]
        13:10 conditions oslo RivalWriter
        13:10 shows oslo [a*]
        13:10 status oslo InSync
        16:00 conditions oslo
        ",
    )
    .await;
}

/// A rival that puts its own list a minute after each of ours, near a meeting, where the device is read every five minutes.
#[tokio::test(start_paused = true)]
async fn a_rival_that_never_stops_is_left_alone_after_three_overwrites_and_tried_again_later_each_time() {
    let mut stage = Stage::new().await;
    let busy: Vec<_> = (0..24).map(|hour| event(&format!("m{hour}@{}+{}:00*", hour / 24, hour % 24))).collect();
    stage.sim.calendar(&email("fjord"), |it| it.events = busy);
    stage.wish(|wish| wish.endpoints = vec!["oslo=fjord".into()]).await;
    let mut puts = Vec::new();
    for minute in 1..=14 * 60 {
        let (hour, minute) = (10 + minute / 60, minute % 60);
        stage.until(&format!("{}+{}:{minute:02}", hour / 24, hour % 24)).await;
        let log = stage.sim.take_log();
        puts.extend(log.iter().filter(|line| line.contains(" put ")).map(|line| line[..5].to_owned()));
        stage.sim.device("oslo", |device| {
            device.shows = otj::model::Schedule::default();
            device.foreign = 1;
        });
        if puts.len() == 3 && minute == 30 {
            assert_eq!(stage.status("oslo"), "Drifting RivalWriter");
        }
    }
    // Three within the first quarter of an hour; then after one hour, after two more, after four more.
    assert!((6..=7).contains(&puts.len()), "{puts:?}");
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_away_for_two_days_gets_its_list_within_minutes_of_coming_back() {
    check(
        "
        10:00 calendar fjord a@2+15:00*
        10:00 wish oslo=fjord
        10:05 device oslo fails PushFailed
        11:30 calendar fjord a@2+15:00* b@2+16:00*
        2+10:00 device oslo works
        2+10:06 shows oslo
        2+10:06 status oslo
        ",
        "
        10:00 put oslo [a*]
        10:00 put oslo [a* b*]
        10:06 shows oslo [a* b*]
        10:06 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_as_it_was_is_put_once_more_each_hour_after_it_was_read() {
    let mut stage = Stage::new().await;
    stage.sim.calendar(&email("fjord"), |it| it.events = vec![event("a@3+11:00*")]);
    stage.wish(|wish| wish.endpoints = vec!["oslo=fjord".into()]).await;
    stage.until("1+10:00").await;
    let (again, looks) = (stage.sim.count("again"), stage.sim.count("list"));
    assert!((22..=27).contains(&again), "{again}");
    assert!(looks >= again && looks <= 2 * again, "{looks}");
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_cannot_list_is_filled_blindly_each_hour() {
    check(
        "
        10:00 calendar fjord a@1+11:00*
        10:00 device oslo cannot list
        10:00 wish oslo=fjord
        10:30 device oslo forgets
        11:20 shows oslo
        ",
        "
        10:00 put oslo [a*]
        10:58 put oslo [a*]
        11:20 shows oslo [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn three_hundred_devices_that_fell_silent_hold_up_the_others_for_seconds_only() {
    let mut stage = Stage::new().await;
    stage.sim.calendar(&email("fjord"), |it| it.events = vec![event("a@15:00*")]);
    let name = |n: usize| format!("e{n:03}");
    stage.wish(|wish| wish.endpoints = (0..400).map(|n| format!("{}=fjord", name(n))).collect()).await;
    stage.until("10:05").await;
    for n in 0..300 {
        stage.sim.device(&name(n), |device| device.hangs = true);
    }
    stage.sim.calendar(&email("fjord"), |it| it.events = vec![event("a@15:00*"), event("b@16:00*")]);
    let key = RoomKey { integration: IntegrationName::parse("calendars").unwrap(), email: email("fjord") };
    stage.look_again.send(LookAgain::Room(key)).await.unwrap();
    // Each of those that hang would keep its place for twenty seconds.
    stage.until("10:05:10").await;
    let shown = (300..400).filter(|n| stage.sim.shows(&name(*n)).bookings.len() == 2).count();
    assert_eq!(shown, 100);
    stage.end().await;
}
