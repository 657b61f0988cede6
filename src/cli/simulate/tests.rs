//! Mornings of small sites, with the loop, the clients and the simulated services that `otj simulate` plays.

use std::sync::Arc;
use std::time::Duration;

use super::Integration;
use super::day::{Played, Setup, play};
use crate::sim::freshness::{Figures, by_asking_evenly, recovery_s};
use crate::sim::weather::{Fault, Spell, Tongue, Weather};
use crate::sim::workload::{Habits, Script};

/// As many for each room as 4,000 rooms have of 900,000 a day.
const PER_ROOM: u64 = 225;

/// From eight, when the office opens.
fn script(rooms: u32, hours: u32, seed: u64) -> Arc<Script> {
    let habits = Habits { opens_h: 0, ..Habits::default() };
    let mut script = Script::write(&habits, "2027-03-01T08:00:00Z".parse().unwrap(), rooms, 1, seed);
    script.changes.retain(|change| (0..i64::from(hours) * 3600).contains(&change.at_s));
    Arc::new(script)
}

fn morning(script: &Arc<Script>, integration: Integration, hours: u32, weather: Option<Weather>) -> Played {
    let rooms = u64::try_from(script.booked.len()).unwrap();
    let setup = Setup {
        script: script.clone(),
        span: Duration::from_secs(3600) * hours,
        integration,
        requests_per_day: rooms * PER_ROOM,
        seed: 5,
        weather,
        log: None,
    };
    play(setup, &|_| {}).unwrap()
}

#[test]
fn a_site_is_fresher_than_one_that_asks_evenly_and_never_asks_too_much_nor_loses_a_meeting() {
    for integration in [Integration::Google, Integration::Graph] {
        let script = script(24, 1, 7);
        let played = morning(&script, integration, 1, None);
        let every = Duration::from_secs(86_400 / PER_ROOM);
        let otj = Figures::of(&played.known);
        let one = Figures::of(&by_asking_evenly(&script.changes, 24, every));
        let two = Figures::of(&by_asking_evenly(&script.changes, 24, every * 2));
        assert_eq!((played.overruns, played.wipes), (0, 0), "{integration:?}");
        assert_eq!(otj.all.changes, script.changes.len());
        let even = [one, two].map(|figures| figures.all.median_seconds);
        assert!(otj.near.median_seconds * 2.0 < even[0] && even[0] < even[1], "{integration:?}: {otj:?} {even:?}");
    }
}

#[test]
fn one_seed_plays_one_morning() {
    let play = || {
        let played = morning(&script(8, 1, 3), Integration::Google, 1, None);
        (played.requests, Figures::of(&played.known))
    };
    assert_eq!(play(), play());
}

#[test]
fn bad_weather_takes_no_meeting_breaks_no_quota_and_is_made_up_for_soon_after() {
    let spell = |fault, from_min: u64, minutes: u64| {
        let from_s = from_min * 60;
        Spell { fault, from_s, to_s: from_s + minutes * 60 }
    };
    let spells = vec![
        spell(Fault::ServerErrors, 5, 15),
        spell(Fault::Storm, 25, 5),
        spell(Fault::RoomHangs, 35, 5),
        spell(Fault::Unreachable, 45, 5),
    ];
    let weather = Weather::of(spells.clone(), "room-00000", Tongue::Google, 1);
    let script = script(24, 1, 9);
    let played = morning(&script, Integration::Google, 1, Some(weather));
    assert_eq!((played.overruns, played.wipes), (0, 0));
    for spell in spells {
        let after = recovery_s(&played.known, spell.from_s, spell.to_s);
        assert!(after < 600.0, "{:?}: {after} s", spell.fault);
    }
}
