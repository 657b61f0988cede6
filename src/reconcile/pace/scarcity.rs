//! What is left out first when requests are short, and that nobody goes without because of another.

use super::drive::Drive;
use super::*;
use crate::model::{Alias, Confidential, Digest, MatchedBy, Meeting, Protocol, Verdict};

/// What the rules made of an agenda.
fn meetings(agenda: &Agenda, alias: Option<&str>) -> Arc<Meetings> {
    let hidden = || Confidential::new("");
    let list = agenda.entries.iter().map(|entry| Meeting {
        id: entry.id.clone(),
        event: entry.event,
        start: entry.start,
        end: entry.end,
        all_day: false,
        private: false,
        tentative: false,
        subject: hidden(),
        organizer_name: hidden(),
        organizer_email: hidden(),
        replacement: None,
        verdict: Verdict {
            alias: alias.map(|alias| Alias::parse(alias).unwrap()),
            protocol: Protocol::Auto,
            by: MatchedBy::None,
        },
        last_modified: None,
    });
    Arc::new(Meetings { agenda: agenda.digest, rules: Digest::default(), list: list.collect() })
}

#[test]
fn the_later_look_at_a_meeting_that_nobody_dials_into_is_dropped_first_and_what_somebody_asks_last() {
    // Requests of the day that are made, and what is still made of: a follow-up, looks at starts (later or earlier; with an alias
    // or without), a hit, and what an operator asks.
    for (used, made) in [
        (97_000, "follow late late-dial early early-dial hit asked"),
        (98_100, "late late-dial early early-dial hit asked"),
        (98_300, "late-dial early early-dial hit asked"),
        (98_600, "early early-dial hit asked"),
        (98_800, "early-dial hit asked"),
        (99_100, "hit asked"),
        (99_600, "asked"),
        (100_000, ""),
    ] {
        let rooms = ["late", "late-dial", "early", "early-dial", "follow", "hit", "asked"];
        let mut drive = Drive::new(8, 100_000, 1);
        for (room, start) in [("r0", 105), ("r1", 105), ("r2", 195), ("r3", 195)] {
            drive.calendars.get_mut(room).unwrap().push((start, start + 1_800, 1));
        }
        drive.adopt();
        drive.until(57);
        for (room, alias) in
            [("r0", None), ("r1", Some("7@vc.example.com")), ("r2", None), ("r3", Some("7@vc.example.com"))]
        {
            let made = meetings(drive.agenda(room), alias);
            drive.pace.was_evaluated(&drive.key(room), Some(made));
        }
        let now = drive.now();
        let site = drive.pace.sites.values_mut().next().unwrap();
        while site.day.used() < used {
            site.day.begin(Tick::of(now.mono));
        }
        let whys = [Why::Starts, Why::Starts, Why::Starts, Why::Starts, Why::Follows, Why::Changed, Why::Asked];
        for (room, why) in whys.into_iter().enumerate() {
            drive.pace.ask(&drive.key(&format!("r{room}")), why, now.mono);
        }
        drive.timeline.clear();
        drive.until(58);
        let is_read = |room: usize| drive.lines(&format!("read r{room} {}", whys[room].label())).len() == 1;
        let read: Vec<&str> = (0..7).filter(|room| is_read(*room)).map(|room| rooms[room]).collect();
        let mut expected: Vec<&str> = made.split_whitespace().collect();
        expected.sort_by_key(|kind| rooms.iter().position(|room| room == kind));
        assert_eq!(read, expected, "{used}: {:?}", drive.timeline);
    }
}

/// Four hundred rooms of one profile change every two minutes for an hour, ten of another hardly do. What the ten get: seconds until a
/// booking is read, looks before a start, and background reads.
fn beside_a_storm(two_profiles: bool) -> (u64, usize, usize) {
    let mut drive = Drive::new(410, 40_000, 1);
    if two_profiles {
        drive.two_profiles(400);
    }
    let few: Vec<String> = drive.desired.rooms.keys().skip(400).map(|key| key.email.to_string()).collect();
    let few: Vec<String> = few.iter().map(|email| email.split('@').next().unwrap().to_owned()).collect();
    let many: Vec<String> = drive.calendars.keys().filter(|room| !few.contains(room)).cloned().collect();
    drive.calendars.get_mut(&few[1]).unwrap().push((4_000, 5_800, 1));
    drive.adopt();
    drive.until(1_000);
    drive.timeline.clear();
    let mut known = None;
    for round in 0..36u64 {
        for room in &many {
            let start = 90_000 + i64::try_from(round).unwrap() * 600;
            drive.calendars.insert(room.clone(), vec![(start, start + 300, round)]);
        }
        if round == 30 {
            drive.calendars.get_mut(&few[0]).unwrap().push((90_000, 93_600, 1));
        }
        for second in 0..100 {
            drive.until(1_000 + round * 100 + second);
            let is_seen = |(seen, _): &(Vec<super::drive::Meeting>, u64)| !seen.is_empty();
            if known.is_none() && drive.seen.get(&few[0]).is_some_and(is_seen) {
                known = Some(drive.second() - 4_000);
            }
        }
    }
    let count = |word: &str| few.iter().map(|room| drive.lines(&format!("read {room} {word}")).len()).sum::<usize>();
    (known.unwrap_or(u64::MAX), count("Starts"), count("Turn"))
}

#[test]
fn a_profile_whose_rooms_all_change_without_end_takes_nothing_from_another() {
    let (known, starts, turns) = beside_a_storm(true);
    assert!(known <= 90 && starts == 2 && turns >= 30, "{known} {starts} {turns}");
}

#[test]
fn many_new_rooms_are_first_read_in_turns_with_what_cannot_wait() {
    let mut drive = Drive::new(1_000, 900_000, 1);
    let all = drive.desired.rooms.clone();
    drive.desired.rooms = all.iter().take(10).map(|(key, room)| (key.clone(), room.clone())).collect();
    drive.calendars.get_mut("r0").unwrap().push((1_150, 3_000, 1));
    drive.adopt();
    drive.until(1_000);
    drive.timeline.clear();
    drive.desired.rooms = all;
    drive.adopt();
    drive.until(1_150);
    let starts = drive.lines("read r0 Starts");
    assert!(starts.len() == 2, "{starts:?}");
    assert!(starts[0] < "18:00" && starts[1] < "18:55", "{starts:?}");
    let first = drive.lines("Asked").len();
    assert!((600..=700).contains(&first), "{first}");
}
