//! Calendar services whose requests are counted.

use std::time::Duration;

use otj::model::{IntegrationName, LookAgain, RoomKey};
use otj::reconcile::step::Step;

use super::rig::Rig;
use super::stage::{Stage, check};
use super::wish::email;

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_as_a_whole_is_told_once_takes_nothing_and_is_back_at_once() {
    check(
        "
        10:00 quota 50000
        10:00 calendar fjord standup@11:00* review@15:00*
        10:00 calendar vik lunch@12:00*
        10:00 wish oslo=fjord bergen=vik
        10:05 calendars fail Throttled
        10:10 status integration
        10:10 status room fjord
        10:10 status room vik
        10:10 status oslo
        10:10 calendar fjord standup@11:30* review@15:00*
        10:10 calendars work
        10:15 status integration
        10:15 status oslo
        10:15 shows oslo
        ",
        "
        10:00 put oslo [standup* review*]
        10:00 put bergen [lunch*]
        10:10 integration Throttled
        10:10 room fjord@example.com meetings=2
        10:10 room vik@example.com meetings=1
        10:10 status oslo InSync
        10:10 put oslo [standup* review*]
        10:15 integration
        10:15 status oslo InSync
        10:15 shows oslo [standup* review*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_day_are_counted_across_kills() {
    let mut stage = Stage::new().await;
    stage
        .wish(|wish| {
            wish.requests_per_day = Some(400);
            wish.endpoints = (0..10).map(|n| format!("e{n}=r{n}")).collect();
        })
        .await;
    for hour in 11..21 {
        stage.until(&format!("{hour}:00")).await;
        stage = stage.killed_and_restarted().await;
    }
    stage.until("22:00").await;
    let reads = stage.sim.count("read");
    assert!(reads <= 400, "{reads}");
    assert!(reads > 50, "{reads}");
    let status = stage.board.integrations();
    assert!(status[0].day_used >= reads && status[0].day_used <= 400, "{}", status[0].day_used);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_room_that_fails_is_tried_again_within_seconds_and_the_others_are_read() {
    check(
        "
        10:00 quota 50000
        10:00 calendar fjord standup@11:00*
        10:00 calendar vik lunch@12:00*
        10:00 wish oslo=fjord bergen=vik
        10:05 calendar fjord fails CalendarUnreadable
        10:10 status room fjord
        10:10 status room vik
        10:10 calendar fjord works
        10:16 status room fjord
        ",
        "
        10:00 put oslo [standup*]
        10:00 put bergen [lunch*]
        10:10 room fjord@example.com meetings=1 Unreadable
        10:10 room vik@example.com meetings=1
        10:16 room fjord@example.com meetings=1
        ",
    )
    .await;
}

/// One room under a quota, read and quiet.
fn paced() -> (Rig, RoomKey) {
    let mut rig = Rig::new(0);
    rig.wish.requests_per_day = Some(500);
    rig.wish.endpoints = vec!["oslo=fjord".into()];
    rig.planner.look_again(LookAgain::Documents, rig.now());
    rig.pass(Duration::from_secs(600));
    (rig, RoomKey { integration: IntegrationName::parse("calendars").unwrap(), email: email("fjord") })
}

/// Reads for what somebody said, so far.
fn told(rig: &mut Rig) -> u64 {
    rig.planner.report_pulse(rig.now(), false);
    rig.board.integrations()[0].reads.get("Changed").copied().unwrap_or(0)
}

#[test]
fn what_is_told_three_times_within_a_second_is_one_read() {
    let (mut rig, fjord) = paced();
    for _ in 0..3 {
        rig.planner.look_again(LookAgain::Room(fjord.clone()), rig.now());
        rig.pass(Duration::from_millis(500));
    }
    rig.pass(Duration::from_secs(10));
    assert_eq!(told(&mut rig), 1);
}

#[test]
fn a_room_that_is_told_of_while_it_is_read_is_read_once_more() {
    let (mut rig, fjord) = paced();
    rig.planner.look_again(LookAgain::Room(fjord.clone()), rig.now());
    let mut reads = Vec::new();
    for _ in 0..6 {
        for step in rig.begin_due() {
            match step {
                Step::ReadAgenda { .. } => reads.push(step),
                other => rig.end(other),
            }
        }
    }
    assert_eq!((reads.len(), told(&mut rig)), (1, 1), "two seconds later");
    rig.planner.look_again(LookAgain::Room(fjord), rig.now());
    rig.begin_due().into_iter().for_each(|step| rig.end(step));
    reads.into_iter().for_each(|step| rig.end(step));
    rig.pass(Duration::from_secs(10));
    assert_eq!(told(&mut rig), 2);
}
