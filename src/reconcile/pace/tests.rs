//! The pace as a whole, in virtual time.

use std::collections::BTreeMap;

use super::drive::{Drive, Meeting};
use super::*;
use crate::model::Scope;

fn check(lines: &[&str], expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, expected, "\n{}", lines.join("\n"));
}

#[test]
fn known_starts_are_looked_at_twice_whatever_the_quota() {
    let mut drive = Drive::new(1, 700, 1);
    drive.calendars.get_mut("r0").unwrap().push((3600, 5400, 1));
    drive.adopt();
    drive.until(3700);
    let starts = drive.lines("Starts");
    assert_eq!(starts.len(), 2, "{:?}", drive.timeline);
    assert!(starts[0] < "58:20" && starts[0] >= "57:30" && starts[1] < "59:41" && starts[1] >= "59:20", "{starts:?}");
}

#[test]
fn a_room_taken_at_another_time_is_read_within_seconds_and_followed_up() {
    let mut drive = Drive::new(50, 20_000, 1);
    drive.calendars.get_mut("r0").unwrap().push((7200, 9000, 1));
    drive.adopt();
    drive.until(1_000);
    drive.timeline.clear();
    drive.calendars.get_mut("r0").unwrap().push((3000, 3300, 2));
    drive.until(1_500);
    let urgent: Vec<&str> = drive
        .timeline
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains("look") && !line.contains("Turn"))
        .collect();
    assert_eq!(urgent.len(), 5, "{:?}", drive.timeline);
    assert!(urgent[0].contains("Changed") && urgent[1..].iter().all(|line| line.contains("Follows")), "{urgent:?}");
}

#[test]
fn an_outage_of_the_service_pauses_it_as_one_and_ends_with_one_probe() {
    let mut drive = Drive::new(300, 500_000, 1);
    drive.adopt();
    drive.until(60);
    drive.fault = Box::new(|_, _, second| {
        (60..660).contains(&second).then(|| Failure::retry("Unreachable", "no answer").about(Scope::Integration))
    });
    drive.until(62);
    let before = drive.requests.len();
    drive.until(660);
    let tries = drive.requests.len() - before;
    assert!(tries <= 9, "{tries}");
    assert_eq!(drive.status().pause.unwrap().reason, "Unreachable");
    drive.until(990);
    let reached = drive.requests.len();
    drive.until(1_000);
    assert!(drive.status().pause.is_none() && drive.requests.len() > reached + 20);
}

#[test]
fn rooms_that_fail_one_after_the_other_are_the_services_trouble_and_one_room_is_its_own() {
    let hangs = |all: bool| {
        let mut drive = Drive::new(300, 500_000, 1);
        drive.adopt();
        drive.until(60);
        drive.fault = Box::new(move |object, _, _| {
            let is_bad = matches!(object, Object::Room(key) if all || key.email.as_str().starts_with("r7@"));
            is_bad.then(|| Failure::retry("Deadline", "no answer"))
        });
        drive.timeline.clear();
        drive.until(120);
        (drive.status().pause.is_some(), drive.lines("read r7 ").len(), drive.lines("read").len())
    };
    let (paused, tries, reads) = hangs(false);
    assert!(!paused && tries >= 5 && reads > 400, "{paused} {tries} {reads}");
    let (paused, _, reads) = hangs(true);
    assert!(paused && reads < 30, "{paused} {reads}");
}

#[test]
fn an_account_that_is_refused_leaves_its_share_to_the_others_and_no_account_has_more_than_its_minute() {
    let mut drive = Drive::new(2_000, 3_000_000, 3);
    drive.adopt();
    drive.fault = Box::new(|_, account, second| {
        (account == 1 && second > 100).then(|| Failure::fix("CredentialsRefused", "").about(Scope::Account))
    });
    drive.until(400);
    drive.quiet = true;
    let of = |drive: &Drive, account, from: u64| {
        drive.requests.iter().filter(|(at, by)| *by == account && *at > 1_000_000 + from * 1000).count()
    };
    assert!(of(&drive, 1, 110) == 0 && of(&drive, 0, 110) > 1_500, "{} {}", of(&drive, 1, 110), of(&drive, 0, 110));
    for account in 0..3 {
        let times: Vec<u64> = drive.requests.iter().filter(|(_, by)| *by == account).map(|(at, _)| *at).collect();
        assert!(times.windows(541).all(|span| span[540] - span[0] > 60_000), "account {account}");
    }
    let status = drive.status();
    assert_eq!(status.accounts[1].pause.as_ref().unwrap().reason, "CredentialsRefused");
}

#[test]
fn two_hundred_kills_in_a_day_overrun_nothing() {
    let mut drive = Drive::new(20, 4_000, 1);
    drive.quiet = true;
    drive.adopt();
    for kill in 1..=200 {
        drive.until(kill * 120);
        drive.killed_and_restarted();
    }
    drive.until(86_400);
    assert!(drive.requests.len() <= 4_000, "{}", drive.requests.len());
    assert!(drive.requests.len() > 1_000, "{}", drive.requests.len());
}
