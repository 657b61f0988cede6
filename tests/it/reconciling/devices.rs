//! Devices that move, are exchanged or stand there twice: what is cleared, what is filled, and what is left alone.

use super::stage::check;

const START: &str = "
    10:00 calendar fjord a@3+12:00*
    10:00 calendar vik b@3+12:00*
    10:00 device 10.0.0.1 serial S1
    10:00 device 10.0.0.2 serial S2
";

async fn plays(script: &str, expected: &str) {
    check(&format!("{START}{script}"), expected).await;
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_exchange_addresses_in_one_commit_are_both_filled_and_none_is_cleared() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 wish oslo=fjord:10.0.0.2 bergen=vik:10.0.0.1
        10:06 conditions oslo
        10:06 conditions bergen
        11:30 shows 10.0.0.1
        11:30 shows 10.0.0.2
        ",
        "
        10:00 put bergen [b*]
        10:00 put oslo [a*]
        10:05 put bergen [b*]
        10:05 put oslo [a*]
        10:06 conditions bergen
        10:06 conditions oslo
        11:30 shows 10.0.0.1 [b*]
        11:30 shows 10.0.0.2 [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_another_document_takes_over_is_not_cleared() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1
        10:05 wish oslo=fjord:10.0.0.2 bergen=fjord:10.0.0.1
        11:30 shows 10.0.0.1
        ",
        "
        10:00 put oslo [a*]
        10:05 put oslo [a*]
        11:30 shows 10.0.0.1 [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_codec_replaced_at_its_address_is_read_then_filled_and_said_to_be_another() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1
        10:05 device 10.0.0.1 serial S9
        10:05 device 10.0.0.1 forgets
        10:10 calendar fjord c@3+13:00*
        10:12 status oslo
        10:12 conditions oslo
        1+11:00 conditions oslo
        ",
        "
        10:00 put oslo [a*]
        10:10 put oslo [c*]
        10:12 status oslo InSync
        10:12 conditions oslo DeviceReplaced
        11:00 conditions oslo
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_whose_serial_number_is_not_the_documents_is_left_alone() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1#S9
        10:30 status oslo
        10:31 device 10.0.0.1 serial s9
        10:40 status oslo
        ",
        "
        10:30 status oslo Drifting DeviceReplaced
        10:35 put oslo [a*]
        10:40 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_endpoints_with_one_device_only_the_first_by_name_is_filled() {
    plays(
        "
        10:00 device alias serial S1
        10:00 wish oslo=fjord:alias bergen=vik:10.0.0.1
        10:30 status oslo
        10:30 conditions oslo
        10:30 status bergen
        10:31 device alias serial S3
        10:40 status oslo
        ",
        "
        10:00 put bergen [b*]
        10:30 conditions oslo DuplicateDevice
        10:30 status bergen InSync
        10:30 status oslo Drifting DuplicateDevice
        10:35 put oslo [a*]
        10:40 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_second_document_for_a_filled_device_takes_it_over_only_when_it_is_the_first_by_name() {
    plays(
        "
        10:00 device alias serial S1
        10:00 wish narvik=vik:10.0.0.1
        10:05 wish narvik=vik:10.0.0.1 oslo=fjord:alias
        10:10 status oslo
        10:10 status narvik
        10:15 wish narvik=vik:10.0.0.1 bergen=fjord:alias
        10:20 status bergen
        10:20 status narvik
        11:30 shows 10.0.0.1
        ",
        "
        10:00 put narvik [b*]
        10:10 status narvik InSync
        10:10 status oslo Drifting DuplicateDevice
        10:15 put bergen [a*]
        10:20 status bergen InSync
        10:20 status narvik Drifting DuplicateDevice
        11:30 shows 10.0.0.1 [b*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_codecs_exchanged_behind_their_addresses_converge() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 device 10.0.0.1 swaps 10.0.0.2
        10:10 calendar fjord c@3+13:00*
        10:12 status oslo
        10:12 status bergen
        10:12 shows 10.0.0.1
        10:12 shows 10.0.0.2
        ",
        "
        10:00 put bergen [b*]
        10:00 put oslo [a*]
        10:10 put bergen [b*]
        10:10 put oslo [c*]
        10:12 shows 10.0.0.1 [c*]
        10:12 shows 10.0.0.2 [b*]
        10:12 status bergen InSync
        10:12 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_codec_carried_to_another_address_is_filled_there_once_its_old_one_is_silent_for_ten_minutes() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 device 10.0.0.1 fails PushFailed
        10:05 device 10.0.0.2 serial S1
        10:06 calendar vik c@3+13:00*
        10:14 status bergen
        10:30 status bergen
        10:30 status oslo
        ",
        "
        10:00 put bergen [b*]
        10:00 put oslo [a*]
        10:14 status bergen Drifting DeviceReplaced
        10:16 put bergen [c*]
        10:30 status bergen InSync
        10:30 status oslo Drifting PutFailed PushFailed
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn while_the_other_endpoint_answers_with_it_a_carried_serial_number_is_not_filled() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 device 10.0.0.2 serial S1
        10:06 calendar vik c@3+13:00*
        12:00 status bergen
        12:00 status oslo
        12:00 shows 10.0.0.2
        ",
        "
        10:00 put bergen [b*]
        10:00 put oslo [a*]
        12:00 shows 10.0.0.2 [b*]
        12:00 status bergen Drifting DeviceReplaced
        12:00 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_old_address_of_the_same_device_is_not_cleared_later() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1
        10:05 device 10.0.0.1 fails PushFailed
        10:05 device codec serial S1
        10:05 wish oslo=fjord:codec
        10:10 device 10.0.0.1 works
        12:00 shows 10.0.0.1
        ",
        "
        10:00 put oslo [a*]
        10:05 put oslo [a*]
        12:00 shows 10.0.0.1 [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_old_address_is_cleared_only_where_the_recorded_device_shows_our_bookings_alone() {
    plays(
        "
        10:00 device 10.0.0.3 serial S3
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2 skien=vik:10.0.0.3
        10:05 device 10.0.0.1 serial S7
        10:05 device 10.0.0.2 rival
        10:05 wish oslo=fjord:a bergen=vik:b skien=vik:c
        12:00 shows 10.0.0.1
        ",
        "
        10:00 put bergen [b*]
        10:00 put oslo [a*]
        10:00 put skien [b*]
        10:05 clear 10.0.0.3 [b*]
        10:05 left 10.0.0.1
        10:05 left 10.0.0.2
        10:05 put bergen [b*]
        10:05 put oslo [a*]
        10:05 put skien [b*]
        12:00 shows 10.0.0.1 [a*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_old_address_holds_the_new_one_up_for_one_try_and_is_tried_again_for_a_day() {
    plays(
        "
        10:00 wish oslo=fjord:10.0.0.1 bergen=vik:10.0.0.2
        10:05 device 10.0.0.1 hangs
        10:05 device 10.0.0.2 fails PushFailed
        10:05 wish oslo=fjord:a bergen=vik:b
        10:06 status oslo
        10:10 kill -9
        16:00 device 10.0.0.1 works
        16:10 shows 10.0.0.1
        1+10:20 device 10.0.0.2 works
        1+12:00 shows 10.0.0.2
        ",
        "
        10:00 put bergen [b*]
        10:00 put oslo [a*]
        10:05 put bergen [b*]
        10:05 put oslo [a*]
        10:06 status oslo InSync
        16:04 clear 10.0.0.1 [a*]
        16:10 shows 10.0.0.1 []
        12:00 shows 10.0.0.2 [b*]
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_cannot_list_is_not_cleared_a_day_after_its_removal() {
    for (lists, outcome) in [(true, "clear 10.0.0.1 [a*]"), (false, "left 10.0.0.1")] {
        let lists = if lists { "" } else { "10:00 device 10.0.0.1 cannot list\n" };
        // Every endpoint would lose all it has, so the removal waits for a person, who comes a day later.
        plays(
            &format!(
                "{lists}
                10:00 wish oslo=fjord:10.0.0.1
                10:05 wish bergen=vik:10.0.0.2
                1+12:00 approve
                1+12:10 status bergen
                "
            ),
            &format!(
                "
                10:00 put oslo [a*]
                10:05 put bergen [b*]
                12:00 {outcome}
                12:10 status bergen InSync
                "
            ),
        )
        .await;
    }
}
