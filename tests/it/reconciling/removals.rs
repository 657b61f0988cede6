//! Directories that lose documents: read twice, and held whole where they lose too much.

use std::sync::Arc;

use otj::model::{DeviceSpec, EndpointName, LookAgain, Secret, SecretValue};
use otj::reconcile::step::DocumentsRead;
use otj::store::Store as _;

use super::stage::{Stage, check, email, event};

fn endpoints(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(|n| format!("e{n}=fjord")).collect::<Vec<_>>().join(" ")
}

fn puts(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(|n| format!("10:00 put e{n} [a*]\n")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_believed_when_it_was_read_alike_twice_thirty_seconds_apart() {
    let mut stage = Stage::new().await;
    stage.sim.calendar(&email("fjord"), |it| it.events = vec![event("a@15:00*")]);
    let wish = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    stage.wish(|it| it.endpoints = wish(&endpoints(1..=7))).await;
    let gone = EndpointName::parse("e7").unwrap();
    for (removed_at, text, looked_at, is_there) in [
        ("10:05", endpoints(1..=6), "10:05:29", true),
        // Another directory, and the half minute begins anew.
        ("10:05:30", endpoints(1..=5), "10:05:58", true),
        ("10:05:59", endpoints(1..=6), "10:06:28", true),
        ("10:06:28", endpoints(1..=6), "10:06:31", false),
    ] {
        stage.until(removed_at).await;
        stage.wish(|it| it.endpoints = wish(&text)).await;
        stage.until(looked_at).await;
        assert_eq!(stage.board.endpoint(&gone).is_some(), is_there, "{looked_at}");
    }
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn four_of_seven_endpoints_go_and_five_of_eight_are_held_whole() {
    check(
        &format!(
            "
            10:00 calendar fjord a@15:00*
            10:00 wish {}
            10:05 wish {}
            10:06 status config
            10:07 shows e8
            10:08 wish {}
            10:09 status config
            ",
            endpoints(1..=8),
            endpoints(1..=3),
            endpoints(1..=4)
        ),
        &format!(
            "{} 10:06 config directory PlanHeld
            10:07 shows e8 [a*]
            10:09 config directory",
            puts(1..=8)
        ),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_profile_or_a_service_in_use_that_is_gone_holds_the_directory_unless_it_has_another_name() {
    for (gone, carried_on) in
        [("profile office", "profile office~hq"), ("integration dav", "integration dav~calendars")]
    {
        check(
            &format!(
                "
                10:00 calendar fjord a@15:00*
                10:00 wish e1=fjord
                10:05 {gone}
                10:05 wish e1=fjord
                10:06 status config
                10:10 {carried_on}
                10:10 wish e1=fjord
                10:11 status config
                10:12 shows e1
                "
            ),
            "
            10:00 put e1 [a*]
            10:06 config directory PlanHeld
            10:11 config directory
            10:12 shows e1 [a*]
            ",
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_changes_is_kept_with_the_directory_at_once() {
    let mut stage = Stage::new().await;
    stage.wish(|it| it.endpoints = vec!["e1=fjord".into()]).await;
    stage.until("10:01").await;
    assert_eq!(stage.store.get(otj::reconcile::records::DIRECTORY).await.unwrap(), Some(stage.checksum().into_bytes()));
    let mut desired = (*stage.last_wished()).clone();
    for endpoint in desired.endpoints.values_mut() {
        if let DeviceSpec::Cisco(cisco) = &mut Arc::make_mut(endpoint).device {
            cisco.password = SecretValue::Known(Secret::new("rotated".into()));
        }
    }
    stage.sim.documents(DocumentsRead {
        checksum: desired.checksum.clone(),
        desired: Some(Arc::new(desired)),
        errors: 0,
        warnings: 0,
        findings: String::new(),
        record: b"with the new secret".as_slice().into(),
    });
    stage.look_again.send(LookAgain::Documents).await.unwrap();
    stage.until("10:02").await;
    assert_eq!(
        stage.store.get(otj::reconcile::records::DIRECTORY).await.unwrap(),
        Some(b"with the new secret".to_vec())
    );
    stage.end().await;
}
