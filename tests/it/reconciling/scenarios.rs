//! Days in the life of a few rooms.

use super::stage::check;

#[tokio::test(start_paused = true)]
async fn a_meeting_reaches_the_codec_and_a_moved_one_follows() {
    check(
        "
        10:00 calendar fjord standup@11:00* lunch@12:00
        10:00 wish oslo=fjord
        10:01 status oslo
        10:05 calendar fjord standup@11:30* lunch@12:00
        10:07 status oslo
        ",
        "
        10:00 put oslo [standup* lunch]
        10:01 status oslo InSync
        10:05 put oslo [standup* lunch]
        10:07 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_calendar_that_fails_leaves_the_device_as_it_is() {
    check(
        "
        10:00 calendar fjord standup@11:00* review@15:00*
        10:00 wish oslo=fjord
        10:05 calendar fjord fails CalendarUnreadable
        10:30 status oslo
        10:30 status room fjord
        10:30 calendar fjord works
        10:40 status room fjord
        ",
        "
        10:00 put oslo [standup* review*]
        10:30 status oslo InSync
        10:30 room fjord@example.com meetings=2 Unreadable
        10:40 room fjord@example.com meetings=2
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_away_gets_its_list_when_it_is_back() {
    check(
        "
        10:00 calendar fjord standup@11:00*
        10:00 device oslo fails PushFailed
        10:00 wish oslo=fjord bergen=fjord
        10:10 status oslo
        10:10 device oslo works
        10:20 status oslo
        ",
        "
        10:00 put bergen [standup*]
        10:10 status oslo NeverContacted PutFailed PushFailed
        10:13 put oslo [standup*]
        10:20 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_hanging_device_and_one_hanging_calendar_delay_nobody() {
    check(
        "
        10:00 calendar fjord standup@11:00*
        10:00 calendar vik hangs
        10:00 device oslo hangs
        10:00 device skien panics
        10:00 wish oslo=fjord bergen=fjord vadso=vik skien=fjord
        10:03 status oslo
        10:03 status vadso
        10:03 status skien
        ",
        "
        10:00 put bergen [standup*]
        10:03 status oslo NeverContacted PutFailed Deadline
        10:03 status vadso InSync
        10:03 status skien NeverContacted PutFailed Panicked
        "
        .replace("vadso InSync", "vadso Drifting NeverPut")
        .as_str(),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_meeting_that_ends_leaves_by_itself_and_is_no_difference() {
    check(
        "
        10:00 calendar fjord standup@10:30* review@15:00*
        10:00 wish oslo=fjord
        13:00 status oslo
        ",
        "
        10:00 put oslo [standup* review*]
        13:00 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_room_that_loses_all_its_meetings_is_read_twice_before_it_is_believed() {
    check(
        "
        10:00 calendar fjord a@11:00* b@12:00* c@13:00*
        10:00 wish oslo=fjord
        10:05 calendar fjord
        10:05:50 shows oslo
        10:08 shows oslo
        ",
        "
        10:00 put oslo [a* b* c*]
        10:05 shows oslo [a* b* c*]
        10:06 put oslo []
        10:08 shows oslo []
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_becomes_unreadable_keeps_its_form() {
    check(
        "
        10:00 calendar fjord a@11:00* b@12:00*
        10:00 wish oslo=fjord
        10:05 calendar fjord unreadable a
        10:30 shows oslo
        ",
        "
        10:00 put oslo [a* b*]
        10:30 shows oslo [a* b*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_moved_endpoint_is_cleared_at_its_old_address_and_filled_at_the_new_one() {
    check(
        "
        10:00 calendar fjord a@11:00* b@12:00*
        10:00 wish oslo=fjord:10.0.0.1
        10:05 wish oslo=fjord:10.0.0.2
        10:06 shows 10.0.0.1
        10:06 status oslo
        ",
        "
        10:00 put oslo [a* b*]
        10:05 clear 10.0.0.1 [a* b*]
        10:05 put oslo [a* b*]
        10:06 shows 10.0.0.1 []
        10:06 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_endpoints_that_swap_addresses_hurt_neither() {
    check(
        "
        10:00 calendar fjord a@11:00*
        10:00 calendar vik b@11:00*
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 wish oslo=fjord:10.0.0.2 bergen=vik:10.0.0.1
        10:06 shows 10.0.0.1
        10:06 shows 10.0.0.2
        ",
        "
        10:00 put bergen [b*]
        10:00 put oslo [a*]
        10:05 put bergen [b*]
        10:05 put oslo [a*]
        10:06 shows 10.0.0.1 [b*]
        10:06 shows 10.0.0.2 [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_endpoint_is_cleared_after_ten_minutes_and_not_if_it_comes_back() {
    check(
        "
        10:00 calendar fjord a@12:00* b@13:00*
        10:00 wish oslo=fjord bergen=fjord skien=fjord hamar=fjord molde=fjord narvik=fjord
        10:05 wish oslo=fjord bergen=fjord skien=fjord hamar=fjord molde=fjord
        10:08 wish oslo=fjord bergen=fjord skien=fjord hamar=fjord molde=fjord narvik=fjord
        10:20 shows narvik
        10:30 wish oslo=fjord bergen=fjord skien=fjord hamar=fjord molde=fjord
        10:39 shows narvik
        10:45 shows narvik
        ",
        "
        10:00 put bergen [a* b*]
        10:00 put hamar [a* b*]
        10:00 put molde [a* b*]
        10:00 put narvik [a* b*]
        10:00 put oslo [a* b*]
        10:00 put skien [a* b*]
        10:20 shows narvik [a* b*]
        10:39 shows narvik [a* b*]
        10:40 clear narvik [a* b*]
        10:45 shows narvik []
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_does_not_load_changes_nothing() {
    check(
        "
        10:00 calendar fjord a@12:00*
        10:00 wish oslo=fjord
        10:05 directory invalid
        10:06 status config
        10:06 calendar fjord a@13:00*
        10:10 status oslo
        10:15 directory fails
        10:16 status config
        10:20 wish oslo=fjord
        10:21 status config
        ",
        "
        10:00 put oslo [a*]
        10:06 config directory ConfigInvalid
        10:06 put oslo [a*]
        10:10 status oslo InSync
        10:16 config directory ConfigInvalid
        10:21 config directory
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pull_under_way_is_no_fault_and_its_end_is_seen_within_seconds() {
    check(
        "
        10:00 calendar fjord a@12:00*
        10:00 rule other.example
        10:00 wish oslo=fjord
        10:05 directory git
        10:05:30 status config
        10:06 rule vc.example.com
        10:06:05 shows oslo
        ",
        "
        10:00 put oslo [a]
        10:05 config directory
        10:06 put oslo [a*]
        10:06 shows oslo [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn half_a_checkout_that_is_whole_again_soon_changes_nothing() {
    check(
        "
        10:00 calendar fjord a@12:00*
        10:00 wish oslo=fjord bergen=fjord skien=fjord hamar=fjord molde=fjord narvik=fjord
        10:05 wish oslo=fjord bergen=fjord skien=fjord hamar=fjord molde=fjord
        10:05:10 directory invalid
        10:05:20 wish oslo=fjord bergen=fjord skien=fjord hamar=fjord molde=fjord narvik=fjord
        10:30 shows narvik
        10:30 status narvik
        10:30 status config
        ",
        "
        10:00 put bergen [a*]
        10:00 put hamar [a*]
        10:00 put molde [a*]
        10:00 put narvik [a*]
        10:00 put oslo [a*]
        10:00 put skien [a*]
        10:30 shows narvik [a*]
        10:30 status narvik InSync
        10:30 config directory
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_edit_changes_the_buttons_of_the_meetings_it_touches() {
    check(
        "
        10:00 calendar fjord a@12:00* b@13:00*
        10:00 rule other.example
        10:00 wish oslo=fjord
        10:05 rule vc.example.com
        10:06 status oslo
        ",
        "
        10:00 put oslo [a b]
        10:05 put oslo [a* b*]
        10:06 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_poly_endpoint_is_never_given_an_empty_list_before_the_room_was_read_twice() {
    check(
        "
        10:00 calendar fjord fails CalendarUnreadable
        10:00 wish trio=fjord:poly
        10:05 published trio
        10:05 calendar fjord works
        10:05 calendar fjord
        10:10 published trio
        10:12 published trio
        10:12 calendar fjord a@12:00*
        10:13 published trio
        ",
        "
        10:05 published trio busy
        10:10 published trio []
        10:12 published trio []
        10:13 published trio [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_kill_9_without_calendar_and_directory_poly_is_answered_and_the_codec_keeps_its_list() {
    check(
        "
        10:00 calendar fjord a@12:00* b@13:00*
        10:00 wish oslo=fjord trio=fjord:poly
        10:05 calendar fjord fails CalendarUnreadable
        10:05 directory invalid
        10:06 kill -9
        10:07 published trio
        10:07 shows oslo
        10:07 status config
        10:30 calendar fjord a@12:00* c@14:00*
        10:30 calendar fjord works
        10:40 published trio
        10:40 shows oslo
        ",
        "
        10:00 put oslo [a* b*]
        10:07 published trio [a* b*]
        10:07 shows oslo [a* b*]
        10:07 config kept ConfigInvalid
        10:33 put oslo [a* c*]
        10:40 published trio [a* c*]
        10:40 shows oslo [a* c*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_forgot_its_list_is_filled_again_at_the_hourly_look() {
    check(
        "
        10:00 calendar fjord a@15:00*
        10:00 wish oslo=fjord
        10:30 device oslo forgets
        11:10 shows oslo
        ",
        "
        10:00 put oslo [a*]
        10:58 put oslo [a*]
        11:10 shows oslo [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_rewrites_what_it_is_given_is_put_twice_and_then_left_alone() {
    check(
        "
        10:00 calendar fjord a@15:00*
        10:00 device oslo rewrites
        10:00 wish oslo=fjord
        10:30 status oslo
        ",
        "
        10:00 put oslo [a*]
        10:00 put oslo [a*]
        10:30 status oslo Drifting DeviceRewrites
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_tried_seldom() {
    check(
        "
        10:00 calendar fjord a@15:00*
        10:00 device oslo fails CredentialsRefused
        10:00 wish oslo=fjord
        10:20 status oslo
        10:21 device oslo works
        10:28 status oslo
        10:40 status oslo
        ",
        "
        10:20 status oslo NeverContacted PutFailed CredentialsRefused
        10:28 status oslo NeverContacted PutFailed CredentialsRefused
        10:29 put oslo [a*]
        10:40 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_removes_nothing_whatever_else_changes() {
    check(
        "
        10:00 calendar fjord a@15:00* b@16:00*
        10:00 wish oslo=fjord
        10:05 clock 240
        10+10:06 calendar fjord b@16:00* c@10+12:00*
        10+10:20 shows oslo
        ",
        "
        10:00 put oslo [a* b*]
        10:06 put oslo [a* b* c*]
        10:20 shows oslo [a* b* c*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_loop_reads_a_room_every_half_minute_and_puts_nothing_while_nothing_changes() {
    let mut stage = super::stage::Stage::new().await;
    stage.sim.calendar(&super::stage::email("fjord"), |it| it.events = vec![super::stage::event("a@20:00*")]);
    stage.wish(|wish| wish.endpoints = vec!["oslo=fjord".into()]).await;
    stage.until("12:00").await;
    let (reads, puts) = (stage.sim.count("read"), stage.sim.count("put"));
    assert!((220..=265).contains(&reads), "{reads} reads in two hours");
    assert_eq!(puts, 1);
    assert!(super::stage::is_stored(&stage, "held/oslo").await);
    stage.end().await;
}
