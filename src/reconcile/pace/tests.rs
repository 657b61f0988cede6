//! The pace as a whole, in virtual time.

use super::drive::Drive;
use super::*;
use crate::model::Scope;

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
    // Whatever its reason: a turn that comes at the right moment is as good as a follow-up.
    let reads = drive.lines("read r0 ");
    assert!(reads.len() >= 5, "{reads:?}");
    assert!(reads[0] <= "17:05", "{reads:?}");
    assert!(reads.iter().any(|line| line.contains("Follows")), "{reads:?}");
}

#[test]
fn a_meeting_of_next_week_is_noticed_like_one_of_today_and_within_four_periods_where_looks_take_long() {
    const DAY: i64 = 86_400;
    // What a look takes, when the meetings are booked ahead, and the seconds until their rooms are read.
    for (look_ms, ahead, within) in [(300, 1, 60), (300, 6, 60), (12_000, 1, 80), (12_000, 6, 240)] {
        let mut drive = Drive::new(200, 20_000, 1);
        drive.look_ms = look_ms;
        drive.adopt();
        drive.until(1_000);
        for round in 1..3u64 {
            drive.seen.clear();
            // They are booked, and then taken away.
            for room in 0..40 {
                let meetings = if round == 1 { vec![(ahead * DAY, ahead * DAY + 3600, 1)] } else { Vec::new() };
                drive.calendars.insert(format!("r{room}"), meetings);
            }
            drive.until(1_000 + round * within);
            let read = (0..40).filter(|room| drive.seen.contains_key(&format!("r{room}"))).count();
            assert_eq!(read, 40, "{look_ms} {ahead}");
        }
    }
}

#[test]
fn a_room_that_a_look_does_not_tell_of_is_read_once_soon_and_then_counts_as_not_watched() {
    let hidden = || Failure::fix("NoPermission", "no access to when it is taken");
    let mut drive = Drive::new(200, 20_000, 1);
    drive.adopt();
    drive.until(1_000);
    for (room, failure) in [("r3", hidden()), ("r5", Failure::retry("CalendarUnreadable", ""))] {
        drive.untold.insert(room.into(), failure);
    }
    drive.timeline.clear();
    drive.until(1_050);
    assert_eq!(drive.status().canary.unwatched, 1, "one answer that may pass says nothing");
    drive.until(1_200);
    assert_eq!(drive.status().canary.unwatched, 2);
    for (room, latest) in [("read r3 ", "17:30"), ("read r5 ", "19:30")] {
        let reads = drive.lines(room);
        assert!((1..=3).contains(&reads.len()) && reads[0] < latest && reads[0].ends_with("Turn"), "{reads:?}");
    }
    let others = drive.lines("Turn").len();
    assert!(others > 40, "{others}");
    // It is told of again, and watched.
    drive.untold.clear();
    drive.until(1_300);
    assert_eq!(drive.status().canary.unwatched, 0);
    drive.timeline.clear();
    drive.calendars.get_mut("r3").unwrap().push((90_000, 93_600, 1));
    drive.until(1_360);
    assert_eq!(drive.lines("read r3 Changed").len(), 1, "{:?}", drive.lines(" r3 "));
}

#[test]
fn a_look_that_tells_of_no_room_any_more_crowds_out_nothing() {
    let reads = |is_hidden: bool| {
        let mut drive = Drive::new(200, 20_000, 1);
        drive.calendars.get_mut("r199").unwrap().push((1_500, 3_300, 1));
        drive.adopt();
        drive.until(1_000);
        if is_hidden {
            drive.untold = (0..200).map(|room| (format!("r{room}"), Failure::fix("NoPermission", ""))).collect();
        }
        drive.timeline.clear();
        drive.until(1_600);
        (drive.lines("read").len(), drive.lines("Starts").len(), drive.lines("Changed").len())
    };
    let (all, starts, changed) = reads(true);
    let (usual, usual_starts, _) = reads(false);
    assert_eq!((starts, usual_starts, changed), (2, 2, 0));
    assert!(all <= usual + 20, "{all} {usual}");
}

#[test]
fn a_service_whose_day_is_used_up_says_so_and_when_it_goes_on() {
    let mut drive = all_due(97_200);
    let spent = drive.status().spent.expect("background reads may use 97 in a hundred");
    let now = drive.now().wall;
    assert!(spent.since <= now && spent.until > now + SignedDuration::from_hours(23), "{spent:?}");
    drive.quiet = true;
    drive.until(87_300);
    assert_eq!(drive.status().spent, None);
    assert!(all_due(1_000).status().spent.is_none());
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
    assert!(!paused && tries >= 3 && reads > 400, "{paused} {tries} {reads}");
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

#[test]
fn a_service_where_every_room_is_busy_is_left_alone_as_long_as_it_asks_and_its_groups_stay_whole() {
    let mut drive = Drive::new(120, 50_000, 1);
    drive.adopt();
    drive.until(100);
    let groups = drive.status().canary.groups;
    drive.fault = Box::new(|_, _, second| {
        let busy =
            Failure { retry_after: Some(Duration::from_secs(30)), ..Failure::retry("Throttled", "ErrorServerBusy") };
        (100..400).contains(&second).then_some(busy)
    });
    drive.timeline.clear();
    while drive.status().pause.is_none() {
        let second = drive.second();
        assert!(second < 140, "eight rooms in a row are not one room's trouble");
        drive.until(second + 1);
    }
    let (asked, paused) = (drive.requests.len(), drive.second());
    drive.until(paused + 28);
    assert_eq!(drive.requests.len(), asked, "it asked for half a minute");
    drive.until(400);
    assert!(drive.requests.len() - asked < 15, "{}", drive.requests.len() - asked);
    drive.until(800);
    let status = drive.status();
    assert!(status.pause.is_none() && drive.lines("Turn").len() > 100);
    assert_eq!(status.canary.groups, groups, "one room is no reason for it");
}

#[test]
fn where_changes_are_told_rooms_are_read_for_them_at_once_and_seldom_otherwise() {
    let day = |share: f64| {
        let mut drive = Drive::new(100, 60_000, 1);
        drive.adopt();
        drive.until(500);
        let name = drive.name.clone();
        drive.pace.hears(&name, share);
        drive.until(1_500);
        drive.timeline.clear();
        drive.calendars.get_mut("r0").unwrap().push((3_000, 3_300, 2));
        let (key, at) = (drive.key("r0"), drive.now().mono);
        drive.pace.ask(&key, Why::Changed, at);
        drive.until(2_500);
        let told = drive.lines("read r0 Changed").first().map(|line| line[..5].to_owned());
        (told, drive.lines("Follows").len(), drive.lines("Turn").len(), drive.lines("look").len())
    };
    let (told, follows, turns, looks) = day(1.0);
    let (_, usual_follows, usual_turns, usual_looks) = day(0.5);
    assert_eq!((told.as_deref(), follows), (Some("25:00"), 0));
    assert!(usual_follows > 0 && turns * 2 < usual_turns, "{turns} {usual_turns}");
    assert!(turns > 20 && looks * 10 > usual_looks * 9, "what is lost is looked for: {turns} {looks} {usual_looks}");
}

/// A drive in which everything is due at once, after a pause, and one request is made at a time.
fn all_due(used: u64) -> Drive {
    let mut drive = Drive::new(60, 100_000, 1);
    drive.adopt();
    drive.until(60);
    drive.fault = Box::new(|_, _, _| Some(Failure::retry("Unreachable", "no answer").about(Scope::Integration)));
    drive.until(180);
    let now = drive.now();
    let site = drive.pace.sites.values_mut().next().unwrap();
    site.in_flight = super::breaker::InFlight::starting_at(1);
    while site.day.used() < used {
        site.day.begin(Tick::of(now.mono));
    }
    for (room, why) in [("r0", Why::Follows), ("r1", Why::Starts), ("r2", Why::Changed), ("r3", Why::Asked)] {
        let key = drive.key(room);
        drive.pace.ask(&key, why, now.mono);
    }
    drive.fault = Box::new(|_, _, _| None);
    drive.timeline.clear();
    drive.until(300);
    drive
}

#[test]
fn what_is_most_urgent_goes_first_and_is_the_last_that_a_day_without_quota_stops() {
    let kinds = ["Asked", "Changed", "Starts", "Follows", "look", "Turn"];
    for (used, expected) in [(1_000, 6), (97_200, 5), (97_700, 4), (98_200, 3), (98_700, 2), (99_700, 1), (100_000, 0)]
    {
        let drive = all_due(used);
        let first: Vec<usize> =
            kinds.iter().filter_map(|kind| drive.timeline.iter().position(|line| line.contains(kind))).collect();
        assert_eq!(first.len(), expected, "{used}: {:?}", drive.timeline);
        assert!(first.is_sorted(), "{used}: {:?}", drive.timeline);
    }
}

#[test]
fn a_room_that_changes_all_day_takes_no_more_than_its_share() {
    let mut drive = Drive::new(50, 100_000, 1);
    drive.adopt();
    let mut text = 0u32;
    for minute in 1..120 {
        for second in [0, 10, 20, 30, 40, 50] {
            drive.until(minute * 60 + second);
            text += 1;
            let start = 9_000 + 1_000 * i64::from(text % 7);
            drive.calendars.insert("r9".into(), vec![(start, start + 600, u64::from(text))]);
        }
    }
    // Sixty in each hour by the clock, of which these two touch three.
    let hits = drive.lines("read r9 Changed").len();
    assert!((60..=180).contains(&hits), "{hits}");
    let others = drive.lines("Turn").iter().filter(|line| !line.contains(" r9 ")).count();
    assert!(others > 2_000, "{others}");
}

#[test]
fn forty_thousand_rooms_take_little_memory_and_are_first_read_in_turns_after_a_restart() {
    assert!(std::mem::size_of::<super::site::Room>() <= 168, "{}", std::mem::size_of::<super::site::Room>());
    let mut drive = Drive::new(2_000, 900_000, 3);
    drive.quiet = true;
    drive.calendars.values_mut().enumerate().for_each(|(n, list)| list.push((2_000 + 60 * n as i64, 200_000, 1)));
    drive.adopt();
    drive.until(200);
    assert!(drive.requests.len() > 2_000);
    let before = drive.requests.len();
    drive.killed_and_restarted();
    drive.until(210);
    // No stampede: what the allowance gives.
    assert!(drive.requests.len() - before < 400, "{}", drive.requests.len() - before);
}
