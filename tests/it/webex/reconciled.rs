//! The loop with devices of the Webex Cloud: filled, left alone, found again; and whoever fails touches no other.

use super::stage::check;

#[tokio::test(start_paused = true)]
async fn devices_are_filled_follow_their_calendars_and_are_read_back() {
    check(
        "10:00 calendar fjord standup@11:00* lunch@12:00
         10:00 wish oslo=fjord:one
         10:02 shows one
         10:02 status oslo
         10:02 calendar fjord standup@13:00*
         10:04 shows one
         10:04 asked Put
         10:05 one reboots
         11:20 shows one
         11:20 status oslo",
        r#"10:02 one ["11:00 standup*", "12:00 lunch"]
           10:02 oslo InSync
           10:04 one ["13:00 standup*"]
           10:04 Put 2
           11:20 one ["13:00 standup*"]
           11:20 oslo InSync"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_away_for_two_days_is_filled_when_it_is_back() {
    check(
        "10:00 calendar fjord standup@3+11:00*
         10:00 one disconnected
         10:00 wish oslo=fjord:one
         10:30 status oslo
         2+10:00 status oslo
         2+10:00 asked Bookings
         2+10:00 one connected
         2+10:06 shows one
         2+10:06 status oslo",
        r#"10:30 oslo NeverContacted PutFailed WebexDeviceOffline
           2+10:00 oslo NeverContacted PutFailed WebexDeviceOffline
           2+10:00 Bookings 1
           2+10:06 one ["11:00 standup*"]
           2+10:06 oslo InSync"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cloud_out_of_order_touches_no_codec_and_wipes_nothing() {
    check(
        "10:00 calendar fjord standup@15:00*
         10:00 calendar vik review@15:00*
         10:00 wish oslo=fjord:one bergen=fjord:two codec=vik:10.0.0.5
         10:05 cloud 500
         10:05 calendar fjord standup@16:00*
         10:05 calendar vik review@16:00*
         10:07 shows one
         10:07 shows 10.0.0.5
         10:07 status codec
         12:00 status oslo
         12:00 shows one
         12:00 shows two
         12:00 cloud works
         12:06 shows one
         12:06 shows two
         12:06 status oslo
         12:07 two disconnected
         12:07 calendar fjord standup@17:00*
         12:10 shows one
         12:10 status bergen",
        r#"10:07 one ["15:00 standup*"]
           10:07 10.0.0.5 [review*]
           10:07 codec InSync
           12:00 oslo Drifting PutFailed PushFailed
           12:00 one ["15:00 standup*"]
           12:00 two ["15:00 standup*"]
           12:06 one ["16:00 standup*"]
           12:06 two ["16:00 standup*"]
           12:06 oslo InSync
           12:10 one ["17:00 standup*"]
           12:10 bergen Drifting PutFailed WebexDeviceOffline"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_in_personal_mode_follows_its_calendar_and_is_not_read_back() {
    check(
        "10:00 calendar fjord standup@15:00*
         10:00 one personal
         10:00 wish oslo=fjord:one
         10:05 shows one
         10:05 calendar fjord standup@16:00*
         10:07 shows one
         10:07 status oslo
         10:07 asked List
         13:00 status oslo
         13:00 asked List",
        r#"10:05 one ["15:00 standup*"]
           10:07 one ["16:00 standup*"]
           10:07 oslo InSync PersonalMode
           10:07 List 1
           13:00 oslo InSync PersonalMode
           13:00 List 0"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_left_is_cleared_and_one_that_another_endpoint_took_over_is_not() {
    check(
        "10:00 calendar fjord standup@15:00*
         10:00 calendar vik review@15:00*
         10:00 wish oslo=fjord:one bergen=vik:two
         10:05 wish oslo=fjord:three bergen=vik:two
         10:06 shows one
         10:06 shows three
         10:10 wish oslo=fjord:two codec=vik:10.0.0.5 other=vik:10.0.0.6
         10:12 shows two
         10:12 shows three
         10:20 wish codec=vik:10.0.0.5 other=vik:10.0.0.6
         10:25 shows two
         10:40 shows two",
        r#"10:06 one []
           10:06 three ["15:00 standup*"]
           10:12 two ["15:00 standup*"]
           10:12 three []
           10:25 two ["15:00 standup*"]
           10:40 two []"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_met_all_day_lets_every_device_have_its_list_in_the_end() {
    check(
        "10:00 calendar fjord standup@15:00*
         10:00 cloud limit 3/60
         10:00 wish oslo=fjord:one bergen=fjord:two voss=fjord:three
         10:30 shows one
         10:30 shows two
         10:30 shows three
         10:30 status voss",
        r#"10:30 one ["15:00 standup*"]
           10:30 two ["15:00 standup*"]
           10:30 three ["15:00 standup*"]
           10:30 voss InSync"#,
    )
    .await;
}
