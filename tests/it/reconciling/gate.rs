//! The gate for removals, on small and on large deployments.

use std::time::Duration;

use otj::model::{IntegrationName, RoomKey};

use super::rig::Rig;
use super::stage::check;
use super::wish::email;

#[tokio::test(start_paused = true)]
async fn a_bad_rule_edit_is_held_until_it_is_approved() {
    check(
        "
        10:00 calendar fjord a@12:00* b@13:00*
        10:00 wish oslo=fjord bergen=fjord
        10:05 rule typo.example
        10:10 status oslo
        10:10 shows oslo
        10:11 approve
        10:12 shows oslo
        10:12 status oslo
        ",
        "
        10:00 put bergen [a* b*]
        10:00 put oslo [a* b*]
        10:10 status oslo Drifting PlanHeld
        10:10 shows oslo [a* b*]
        10:11 put bergen [a b]
        10:11 put oslo [a b]
        10:12 shows oslo [a b]
        10:12 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn while_a_removal_is_held_additions_and_moves_go_on() {
    check(
        "
        10:00 calendar fjord a@12:00* b@13:00*
        10:00 wish oslo=fjord
        10:05 rule typo.example
        10:06 calendar fjord a@12:30* b@13:00* c@14:00
        10:10 shows oslo
        ",
        "
        10:00 put oslo [a* b*]
        10:06 put oslo [a* b* c]
        10:10 shows oslo [a* b* c]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_held_plan_survives_a_restart() {
    check(
        "
        10:00 calendar fjord a@12:00* b@13:00*
        10:00 wish oslo=fjord
        10:05 rule typo.example
        10:06 kill -9
        10:10 shows oslo
        10:11 approve
        10:12 shows oslo
        ",
        "
        10:00 put oslo [a* b*]
        10:10 shows oslo [a* b*]
        10:11 put oslo [a b]
        10:12 shows oslo [a b]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_removes_too_many_endpoints_is_held_whole() {
    let all = "e1=fjord e2=fjord e3=fjord e4=fjord e5=fjord e6=fjord e7=fjord e8=fjord";
    check(
        &format!(
            "
        10:00 calendar fjord a@15:00*
        10:00 wish {all}
        10:05 wish e1=fjord e2=fjord
        10:10 status config
        10:20 shows e8
        10:21 approve
        10:22 status config
        10:50 shows e8
        "
        ),
        "
        10:00 put e1 [a*]
        10:00 put e2 [a*]
        10:00 put e3 [a*]
        10:00 put e4 [a*]
        10:00 put e5 [a*]
        10:00 put e6 [a*]
        10:00 put e7 [a*]
        10:00 put e8 [a*]
        10:10 config directory PlanHeld
        10:20 shows e8 [a*]
        10:22 config directory
        10:50 shows e8 [a*]
        ",
    )
    .await;
}

const ROOMS: usize = 4000;

fn room(n: usize) -> RoomKey {
    RoomKey { integration: IntegrationName::parse("calendars").unwrap(), email: email(&format!("r{n}")) }
}

/// 4,000 rooms, each with a codec that shows three meetings this afternoon.
fn large() -> Rig {
    let rig = Rig::new(ROOMS);
    assert_eq!((rig.shows.len(), rig.showing_fewer_than(3)), (ROOMS, 0));
    rig
}

#[test]
fn when_all_4000_calendars_answer_empty_at_once_at_most_one_percent_of_endpoints_lose_a_meeting() {
    let mut rig = large();
    rig.all_empty = true;
    // Time enough for a second read ten minutes after the first.
    rig.pass(Duration::from_mins(16));
    let lost = rig.showing_fewer_than(3);
    assert!(lost <= ROOMS / 100, "{lost} endpoints lost meetings");
    let plan = rig.board.plan();
    assert_eq!(plan.holds.len(), 1, "the rest is held");
    assert!(plan.holds[0].losses.len() + plan.waiting >= ROOMS * 98 / 100, "{}", plan.holds[0].losses.len());
    // The provider recovers: the hold dissolves by itself, and everybody is as before.
    rig.all_empty = false;
    rig.pass(Duration::from_mins(2));
    assert_eq!(rig.showing_fewer_than(3), 0);
    assert!(rig.board.plan().holds.is_empty());
}

#[test]
fn a_bad_rule_edit_on_4000_rooms_is_held_whole_and_goes_when_it_is_approved() {
    let mut rig = large();
    rig.wish.rule_domain = "typo.example".into();
    rig.pass(Duration::from_mins(6));
    let holds = rig.board.plan().holds.clone();
    assert_eq!(holds.len(), 1);
    assert_eq!(holds[0].losses.len(), ROOMS);
    let puts = rig.counts["Put"];
    assert_eq!(puts, ROOMS as u64, "nothing was put since the start");
    assert!(rig.planner.approve("0000000000000000", rig.now()).is_err());
    rig.planner.approve(&holds[0].checksum, rig.now()).unwrap();
    rig.pass(Duration::from_mins(1));
    assert_eq!(rig.counts["Put"], puts + ROOMS as u64);
    assert!(rig.board.plan().holds.is_empty());
}

#[test]
fn one_room_of_4000_that_truly_loses_its_meetings_is_believed_within_90_seconds() {
    let mut rig = large();
    rig.calendars.insert(room(7), Vec::new());
    rig.pass(Duration::from_secs(95));
    assert_eq!(rig.showing_fewer_than(3), 1);
    // Losing two of three is no emptiness: the next read is enough.
    rig.calendars.insert(room(8), vec![4]);
    rig.pass(Duration::from_secs(34));
    assert_eq!(rig.showing_fewer_than(3), 2);
}

#[test]
fn planning_is_pure_and_sorted() {
    let lines = |rooms| {
        let mut rig = Rig::new(rooms);
        rig.pass(Duration::from_mins(3));
        rig.counts
    };
    assert_eq!(lines(50), lines(50));
}
