//! The gate for removals, on small and on large deployments.

use super::stage::{Stage, check, email, event};

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

/// 4,000 rooms, each with a codec and three meetings this afternoon.
async fn large() -> Stage {
    let mut stage = Stage::new().await;
    for n in 0..ROOMS {
        let events = vec![event("a@14:00*"), event("b@15:00*"), event("c@16:00*")];
        stage.sim.calendar(&email(&format!("r{n}")), |calendar| calendar.events = events);
    }
    stage.wish(|wish| wish.endpoints = (0..ROOMS).map(|n| format!("e{n}=r{n}")).collect()).await;
    stage.until("10:02").await;
    assert_eq!(stage.sim.count("put"), ROOMS as u64);
    stage
}

fn shrunk(stage: &Stage) -> usize {
    (0..ROOMS).filter(|n| stage.sim.shows(&format!("e{n}")).bookings.len() < 3).count()
}

#[tokio::test(start_paused = true)]
async fn when_all_4000_calendars_answer_empty_at_once_at_most_one_percent_of_endpoints_lose_a_meeting() {
    let stage = large().await;
    stage.sim.all_calendars_empty(true);
    // Time enough for a second read ten minutes after the first.
    stage.until("10:16").await;
    let lost = shrunk(&stage);
    assert!(lost <= ROOMS / 100, "{lost} endpoints lost meetings");
    let plan = stage.board.plan();
    assert_eq!(plan.holds.len(), 1, "the rest is held");
    assert!(plan.holds[0].losses.len() >= ROOMS * 98 / 100);
    // The provider recovers: the hold dissolves by itself, and everybody is as before.
    stage.sim.all_calendars_empty(false);
    stage.until("10:20").await;
    assert_eq!(shrunk(&stage), 0);
    assert!(stage.board.plan().holds.is_empty());
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_room_of_4000_that_truly_loses_its_meetings_is_believed_within_90_seconds() {
    let stage = large().await;
    stage.sim.calendar(&email("r7"), |calendar| calendar.events.clear());
    stage.until("10:03:35").await;
    assert_eq!(shrunk(&stage), 1);
    // Losing two of three is no emptiness: the next read is enough.
    stage.sim.calendar(&email("r8"), |calendar| calendar.events.truncate(1));
    stage.until("10:04:10").await;
    assert_eq!(shrunk(&stage), 2);
    stage.end().await;
}
