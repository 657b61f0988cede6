//! Documents under new names: what is known goes on, and nothing is taken from anybody.

use super::stage::{Stage, check, email, event, is_stored};

const START: &str = "
    10:00 calendar fjord a@12:00* b@13:00*
    10:00 calendar vik c@12:00*
";

async fn plays(script: &str, expected: &str) {
    check(&format!("{START}{script}"), expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_renamed_endpoint_is_neither_cleared_nor_filled_again() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 trio=vik:poly
        10:05 wish bergen~oslo=fjord:10.0.0.1 studio~trio=vik:poly=trio
        10:06 status bergen
        10:06 published trio
        10:30 shows 10.0.0.1
        10:30 calendar fjord a@12:30* b@13:00*
        10:32 end
        ",
        "
        10:00 put oslo [a* b*]
        10:06 status bergen InSync
        10:06 published trio [c*]
        10:30 shows 10.0.0.1 [a* b*]
        10:30 put bergen [a* b*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_renamed_endpoint_that_also_moves_leaves_its_old_address_clean() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1
        10:05 wish bergen~oslo=fjord:10.0.0.2
        10:07 shows 10.0.0.1
        10:07 status bergen
        ",
        "
        10:00 put oslo [a* b*]
        10:05 clear 10.0.0.1 [a* b*]
        10:05 put bergen [a* b*]
        10:07 shows 10.0.0.1 []
        10:07 status bergen InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn names_exchanged_in_one_commit_exchange_what_is_known() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 wish oslo~bergen=vik:10.0.0.2 bergen~oslo=fjord:10.0.0.1
        10:06 status oslo
        10:06 status bergen
        10:10 rule vc.example.com
        10:20 kill -9
        10:30 status oslo
        10:40 calendar fjord a@12:30* b@13:00*
        10:42 end
        ",
        "
        10:00 put bergen [c*]
        10:00 put oslo [a* b*]
        10:06 status bergen InSync
        10:06 status oslo InSync
        10:30 status oslo InSync
        10:40 put bergen [a* b*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_renames_and_a_rename_back_lose_nothing() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 wish bergen~oslo=fjord:10.0.0.1 skien~bergen=vik:10.0.0.2
        10:10 wish hamar~bergen~oslo=fjord:10.0.0.1 skien~bergen=vik:10.0.0.2
        10:15 wish oslo~hamar=fjord:10.0.0.1 skien~bergen=vik:10.0.0.2
        10:16 status oslo
        10:16 status skien
        10:20 wish molde~oslo~narvik=fjord:10.0.0.1 skien~bergen=vik:10.0.0.2
        10:21 status molde
        10:50 shows 10.0.0.1
        10:50 shows 10.0.0.2
        ",
        "
        10:00 put bergen [c*]
        10:00 put oslo [a* b*]
        10:16 status oslo InSync
        10:16 status skien InSync
        10:21 status molde InSync
        10:50 shows 10.0.0.1 [a* b*]
        10:50 shows 10.0.0.2 [c*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_former_name_that_is_still_a_document_or_stays_written_does_nothing() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1
        10:05 wish oslo=fjord:10.0.0.1 bergen~oslo=vik:10.0.0.2
        10:20 shows 10.0.0.1
        10:20 wish oslo=fjord:10.0.0.1 bergen~oslo=vik:10.0.0.2 skien=fjord:10.0.0.3
        10:30 shows 10.0.0.1
        10:30 shows 10.0.0.2
        ",
        "
        10:00 put oslo [a* b*]
        10:05 put bergen [c*]
        10:20 shows 10.0.0.1 [a* b*]
        10:20 put skien [a* b*]
        10:30 shows 10.0.0.1 [a* b*]
        10:30 shows 10.0.0.2 [c*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rename_while_the_program_stood_still_is_taken_up_from_the_store_alone() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 trio=vik:poly
        10:05 directory lost
        10:05 calendar fjord fails CalendarUnreadable
        10:05 calendar vik fails CalendarUnreadable
        10:05 integration dav~calendars
        10:05 profile office~hq
        10:05 directory fails
        10:05 kill -9
        10:06 wish bergen~oslo=fjord:10.0.0.1 studio~trio=vik:poly=trio
        10:07 status bergen
        10:07 published trio
        10:07 rule vc.example.com
        10:08 status room fjord
        10:30 shows 10.0.0.1
        ",
        "
        10:00 put oslo [a* b*]
        10:07 published trio [c*]
        10:07 status bergen InSync
        10:08 room fjord@example.com meetings=2 Unreadable
        10:30 shows 10.0.0.1 [a* b*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn rooms_of_a_renamed_service_keep_their_agenda_and_rules_still_find_its_texts() {
    plays(
        "
        10:00 wish oslo=fjord
        10:05 calendar fjord fails CalendarUnreadable
        10:06 integration dav~calendars
        10:06 profile office~hq
        10:06 wish oslo=fjord
        10:07 status oslo
        10:07 status room fjord
        10:08 rule other.example
        10:09 approve
        10:09:05 kill -9
        10:12 shows oslo
        10:13 rule vc.example.com
        10:15 status oslo
        ",
        "
        10:00 put oslo [a* b*]
        10:07 status oslo InSync
        10:07 room fjord@example.com meetings=2 Unreadable
        10:09 put oslo [a b]
        10:12 shows oslo [a b]
        10:13 put oslo [a* b*]
        10:15 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn six_renamed_endpoints_and_a_renamed_profile_are_no_removal() {
    let names = |prefix: &str, former: &str| {
        (1..=6)
            .map(|n| format!("{prefix}{n}{}=fjord:10.0.0.{n}", former.replace('#', &n.to_string())))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let puts: String = (1..=6).map(|n| format!("10:00 put e{n} [a* b*]\n")).collect();
    plays(
        &format!(
            "
        10:00 wish {}
        10:05 profile office~hq
        10:05 wish {}
        10:05:05 status config
        10:05:05 status f6
        10:30 shows 10.0.0.6
        ",
            names("e", ""),
            names("f", "~e#")
        ),
        &format!("{puts} 10:05 config directory\n 10:05 status f6 InSync\n 10:30 shows 10.0.0.6 [a* b*]"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn records_move_with_the_kept_directory_and_a_step_under_way_ends_under_the_new_name() {
    let mut stage = Stage::new().await;
    stage.sim.calendar(&email("fjord"), |it| it.events = vec![event("a@15:00*")]);
    stage.sim.device("10.0.0.1", |device| device.hangs = true);
    stage.wish(|wish| wish.endpoints = vec!["oslo=fjord:10.0.0.1".into()]).await;
    stage.until("10:00:05").await;
    // The first look at the device hangs; meanwhile its endpoint gets another name.
    stage.wish(|wish| wish.endpoints = vec!["bergen~oslo=fjord:10.0.0.1".into()]).await;
    stage.until("10:00:10").await;
    stage.sim.device("10.0.0.1", |device| device.hangs = false);
    stage.until("10:02").await;
    assert_eq!(stage.status("bergen"), "InSync");
    assert!(is_stored(&stage, "held/bergen").await && !is_stored(&stage, "held/oslo").await);
    stage
        .wish(|wish| {
            wish.integration = "dav~calendars".into();
            wish.endpoints = vec!["skien~bergen=fjord:10.0.0.1".into()];
        })
        .await;
    stage.until("10:03").await;
    for (key, there) in [
        ("held/skien", true),
        ("held/bergen", false),
        ("agenda/dav/fjord@example.com", true),
        ("agenda/calendars/fjord@example.com", false),
    ] {
        assert_eq!(is_stored(&stage, key).await, there, "{key}");
    }
    assert_eq!(stage.sim.count("put"), 1);
    stage.end().await;
}
